"""What an administrator wants of sessions, seen through running processes: how many there may be, and when they end.

One site for all: options have the prefix of a service, so that each service has its own.
"""

import os
import re
import signal
import time
import unittest
from pathlib import Path

from mailsite import MASTER, service_user
from swaplab import SwapSite, until

OPTIONS = {
    "pop3dpeer_maxlogins_per_user": "4",
    "hosts_maxlogins_per_host": "2", "hosts_maxlogins_per_user": "5",
    "single_maxlogins_per_user": "2", "single_pop3_sessions_per_process": "1",
}
ATTRIBUTES = {
    "pop3dpeer": "prefork=2 maxchild=4", "hosts": "prefork=1 maxchild=1", "single": "prefork=1 maxchild=9",
}
LOOK_SECONDS = 1  # how often a process looks for shutdown files


class PolicyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = SwapSite(master=MASTER, services={name: "" for name in ATTRIBUTES}, attributes=ATTRIBUTES,
                            cyrus_services=(), options=OPTIONS)
        cls.addClassCleanup(cls.site.remove)
        cls.site.start()

    def connect(self, service):
        client = self.site.pop3(service)
        self.addCleanup(client.close)
        self.assertRegex(client.line(), r"^\+OK ")
        return client

    def login(self, service, user="alice"):
        client = self.connect(service)
        return client, client.login(user)

    def admitted(self, service, count, user="alice"):
        clients = []
        for _ in range(count):
            client, answer = self.login(service, user)
            self.assertRegex(answer, r"^\+OK Mailbox locked and ready ")
            clients.append(client)
        return clients

    def quit(self, *clients):
        for client in clients:
            self.assertEqual(client.ask("QUIT"), "+OK")

    def servers_of(self, service):
        """The sessions that each process of a service holds: pid -> local ports of its connected sockets."""
        inodes = {}
        wanted = f"0100007F:{self.site.ports[service]:04X}"
        for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = row.split()
            if fields[1] == wanted and fields[3] == "01":
                inodes[f"socket:[{fields[9]}]"] = int(fields[2].split(":")[1], 16)
        out = {}
        for pid in self.site.workers():
            for fd in Path(f"/proc/{pid}/fd").iterdir():
                try:
                    link = os.readlink(fd)
                except OSError:
                    continue
                if link in inodes:
                    out.setdefault(pid, []).append(inodes[link])
        return out

    # -- maxlogins ----------------------------------------------------------------------------------------------

    def test_exactly_as_many_as_the_limit_over_all_processes_and_none_who_only_said_user(self):
        waiting = [self.connect("pop3dpeer") for _ in range(5)]
        for client in waiting:
            self.assertEqual(client.ask("USER alice"), "+OK Name is a valid mailbox")
        clients = self.admitted("pop3dpeer", 4)
        late, answer = self.login("pop3dpeer")
        self.assertEqual(answer, "-ERR Too many open connections (4 of 4 for alice)")
        self.assertIn("pop3dpeer 3 Too many open connections (4 of 4 for alice)", self.site.syslog().splitlines())
        self.assertEqual(late.ask("STAT"), "-ERR Unrecognized command")
        self.quit(*self.admitted("pop3dpeer", 1, "bob"))  # nobody else is held up
        self.quit(clients.pop())
        self.assertRegex(late.login("alice"), r"^\+OK ")  # the same connection may try again
        clients.append(late)
        # One that ends without QUIT is noticed as soon as its connection is.
        clients.pop().close()
        until(lambda: self.try_login("pop3dpeer", clients), "the place of a lost client does not become free")
        self.assertRegex(self.login("pop3dpeer")[1], r"\(4 of 4 for alice\)$")
        self.quit(*clients)

    def try_login(self, service, clients):
        client, answer = self.login(service)
        if not answer.startswith("+OK"):
            client.close()
            return False
        clients.append(client)
        return True

    def test_a_killed_process_takes_its_sessions_out_of_the_count(self):
        clients = self.admitted("pop3dpeer", 4)
        pid, ports = next(iter(self.servers_of("pop3dpeer").items()))
        os.kill(pid, signal.SIGKILL)
        lost = [client for client in clients if client.socket.getsockname()[1] in ports]
        self.assertTrue(lost)
        kept = [client for client in clients if client not in lost]
        until(lambda: not Path(f"/proc/{pid}").exists(), "the killed process is still there")
        kept += self.admitted("pop3dpeer", len(lost))
        self.assertRegex(self.login("pop3dpeer")[1], r"\(4 of 4 for alice\)$")
        self.quit(*kept)

    def test_sessions_of_a_host_count_together(self):
        clients = self.admitted("hosts", 1) + self.admitted("hosts", 1, "bob")
        _, answer = self.login("hosts", "bob")
        self.assertRegex(answer, r"^-ERR Too many open connections \(2 of 2 from host (localhost )?\[127.0.0.1\], "
                                 r"1 of 5 for bob\)$")
        self.quit(*clients)

    def test_a_damaged_table_is_made_anew_with_all_who_are_there(self):
        clients = self.admitted("pop3dpeer", 4)
        table = self.site.conf_dir / "pillarbox" / "logins.pop3dpeer"
        self.assertEqual(table.stat().st_mode & 0o777, 0o600)
        self.assertEqual(table.stat().st_uid, service_user().pw_uid)
        with open(table, "r+b") as file:
            file.seek(70)
            file.write(b"damage")
        time.sleep(2 * LOOK_SECONDS + 0.3)
        self.assertRegex(self.login("pop3dpeer")[1], r"\(4 of 4 for alice\)$")
        self.quit(*clients)

    def test_one_session_a_process_counts_once_though_it_stands_in_proc_too(self):
        clients = self.admitted("single", 2)
        self.assertRegex(self.login("single")[1], r"\(2 of 2 for alice\)$")
        self.quit(clients.pop())
        clients += self.admitted("single", 1)  # at once: the place was free before the last reply
        self.quit(*clients)

    def test_sessions_of_cyrus_pop3d_of_the_same_name_count_too(self):
        self.site.cyrus_services = ("pop3d",)
        self.site.start_cyrus()
        try:
            theirs = []
            for _ in range(3):
                client = type(self.connect("hosts"))(self.site.cyrus_ports["pop3d"])
                self.addCleanup(client.close)
                client.line()
                self.assertRegex(client.login("alice"), r"^\+OK ")
                theirs.append(client)
            ours = self.admitted("pop3dpeer", 1)
            self.assertRegex(self.login("pop3dpeer")[1], r"\(4 of 4 for alice\)$")
            self.quit(theirs.pop())
            until(lambda: self.try_login("pop3dpeer", ours), "a session of Cyrus that has ended still counts")
            self.quit(*theirs, *ours)
        finally:
            self.site.stop_cyrus()
            self.site.cyrus_services = ()

    # -- shutdown files -------------------------------------------------------------------------------------------

    def write_shutdown(self, name, text):
        path = self.site.conf_dir / "msg" / name
        path.write_text(text)
        self.addCleanup(path.unlink, missing_ok=True)
        return path

    def assert_open(self, service):
        """The service takes clients again within its time."""
        def is_open():
            with self.site.pop3(service) as client:
                return client.line().startswith("+OK") and client.ask("QUIT") == "+OK"
        until(is_open, f"{service} stays closed", seconds=5)

    def test_a_shutdown_file_ends_sessions_new_and_old_with_its_first_line(self):
        hosts, others = self.admitted("hosts", 1)[0], self.admitted("single", 1)[0]
        self.assertEqual(hosts.ask("DELE 1"), "+OK message deleted")
        waiting = self.connect("hosts")
        began = time.monotonic()
        path = self.write_shutdown("shutdown.hosts", "[ALERT] back at noon\nsecond line\n")
        for client in (hosts, waiting):
            self.assertEqual(client.line(), "-ERR [SYS/TEMP] ALERT] back at noon")
            self.assertIsNone(client.line())
        self.assertLess(time.monotonic() - began, LOOK_SECONDS + 2)
        with self.site.pop3("hosts") as late:
            self.assertRegex(late.line(), r"^\+OK ")
            self.assertEqual(late.line(), "-ERR [SYS/TEMP] ALERT] back at noon")
            self.assertIsNone(late.line())
        self.assertEqual(others.ask("NOOP"), "+OK")
        path.unlink()
        self.assert_open("hosts")
        clients = self.admitted("hosts", 1)
        self.assertRegex(clients[0].ask("STAT"), r"^\+OK 4 ")  # nothing was deleted

        self.write_shutdown("shutdown", "")  # all services, and nothing to say
        for client in (clients[0], others):
            self.assertEqual(client.line(), "-ERR [SYS/TEMP] ")
            self.assertIsNone(client.line())
        (self.site.conf_dir / "msg" / "shutdown").unlink()
        for service in ATTRIBUTES:
            self.assert_open(service)

    def test_a_reply_under_way_is_finished_first(self):
        client = self.admitted("hosts", 1)[0]
        client.send("RETR 1\r\n" * 20000)  # far more than the sockets hold
        time.sleep(0.3)
        path = self.write_shutdown("shutdown.hosts", "enough\n")
        time.sleep(LOOK_SECONDS + 0.5)
        line = client.line()
        replies = 0
        while line == "+OK Message follows":
            client.body()
            replies += 1
            line = client.line()
        self.assertGreater(replies, 0)
        self.assertEqual(line, "-ERR [SYS/TEMP] enough")
        path.unlink()
        self.assert_open("hosts")


if __name__ == "__main__":
    unittest.main()
