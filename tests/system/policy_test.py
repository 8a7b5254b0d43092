"""What an administrator wants of sessions, seen through running processes: how many there may be, and when they end.

One site for all: options have the prefix of a service, so that each service has its own.
"""

import fcntl
import os
import signal
import time
import unittest
from base64 import b64encode
from pathlib import Path

from cyrus_index import CyrusIndex
from imap_client import Imap, deliver
from mailsite import MASTER, PASSWORD, Connection, service_user
from swaplab import SwapSite, until

OPTIONS = {
    "pop3dpeer_maxlogins_per_user": "4",
    "hosts_maxlogins_per_host": "2", "hosts_maxlogins_per_user": "5",
    # The INBOX of each login name is new: nobody has polled it yet.
    "poll_popminpoll": "10m", "poll_popexpiretime": "90d", "poll_autocreate_quota": "0",
    "padded_popminpoll": "1", "padded_poppollpadding": "3", "padded_autocreate_quota": "0",
    "reader_readonly": "yes", "reader_popuseimapflags": "yes",
    "single_maxlogins_per_user": "2", "single_pop3_sessions_per_process": "1",
}
ATTRIBUTES = {
    "pop3dpeer": "prefork=2 maxchild=4", "hosts": "prefork=1 maxchild=1", "single": "prefork=1 maxchild=9",
    "poll": "prefork=0 maxchild=1", "padded": "prefork=0 maxchild=1",
    "reader": "prefork=0 maxchild=1",
}
LOOK_SECONDS = 1  # how often a process looks for shutdown files


class PolicyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = SwapSite(master=MASTER, services={name: "" for name in ATTRIBUTES}, attributes=ATTRIBUTES,
                            cyrus_services=(), options=OPTIONS, users=("alice", "bob", "carol", "dora"))
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

    def is_refused(self, service, end):
        client, answer = self.login(service)
        if answer.startswith("+OK"):
            self.quit(client)
        client.close()
        return answer.startswith("-ERR Too many open connections ") and answer.endswith(end)

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
            # Cyrus writes its files a moment behind the reply, and a look at them serves for a moment.
            until(lambda: self.is_refused("pop3dpeer", "(4 of 4 for alice)"), "the sessions of Cyrus do not count")
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
        for service in ("hosts", "single"):
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

    # -- the maildrop ---------------------------------------------------------------------------------------------

    def test_logins_that_come_too_soon_are_refused_and_count_only_with_quit(self):
        client = self.connect("poll")
        client.send("CAPA\r\n")
        self.assertTrue(client.line().startswith("+OK"))
        self.assertLessEqual({b"LOGIN-DELAY 600", b"EXPIRE 90"}, set(client.body().split(b"\r\n")))
        self.assertRegex(client.login("carol"), r"^\+OK ")
        client.close()  # without QUIT it was none
        self.quit(*self.admitted("poll", 1, "carol"))
        late, answer = self.login("poll", "carol")
        self.assertEqual(answer, "-ERR [LOGIN-DELAY] Logins must be at least 10 minutes apart")
        self.assertIn("poll 3 user.carol: Logins must be at least 10 minutes apart", self.site.syslog().splitlines())
        self.assertEqual(late.ask("STAT"), "-ERR Unrecognized command")
        self.assertEqual(late.login("carol"), answer)
        self.quit(*self.admitted("single", 1, "carol"))  # the option is that of the service

    def test_padding_lets_some_logins_come_early(self):
        for _ in range(3):
            self.quit(*self.admitted("padded", 1, "dora"))
        self.assertEqual(self.login("padded", "dora")[1], "-ERR [LOGIN-DELAY] Logins must be at least 1 minute apart")

    def test_a_readonly_server_changes_nothing(self):
        before = self.site.tree()
        client = self.admitted("reader", 1)[0]
        for command in ("DELE 1", "DELE 99", "DELE x"):
            expected = "Not a number" if command == "DELE x" else \
                "[SYS/PERM] This connection is configured for read-only access"
            self.assertEqual(client.ask(command), f"-ERR {expected}", command)
        self.assertEqual(client.ask("RETR 1"), "+OK Message follows")
        client.body()
        self.quit(client)
        self.assertEqual(self.site.tree(), before)


class LiveMailboxTest(unittest.TestCase):
    """Mailboxes that Cyrus's imapd and lmtpd change, and which Cyrus's pop3d judges in the same way."""

    @classmethod
    def setUpClass(cls):
        cls.site = SwapSite(master=MASTER, services={"pop3": "", "acl": "", "acting": ""},
                            attributes="prefork=1 maxchild=4", cyrus_services=("imapd", "lmtpd", "pop3d"),
                            users=("alice", "bob", "carol", "dora", "cyrus"),
                            options={"statuscache": "yes", "disconnect_on_vanished_mailbox": "yes",
                                     "allowusermoves": "yes", "acl_popuseacl": "yes", "acl_popuseimapflags": "yes",
                                     "acl_implicit_owner_rights": "l", "acting_loginuseacl": "yes",
                                     "pop3dpeer_loginuseacl": "yes"})
        cls.addClassCleanup(cls.site.remove)
        cls.site.start()
        cls.admin = Imap(cls.site.cyrus_ports["imapd"], "cyrus")

    def pop3(self, port, user):
        client = Connection(port)
        self.addCleanup(client.close)
        self.assertRegex(client.line(), r"^\+OK ")
        return client, client.login(user)

    def last_login(self, user):
        return CyrusIndex(self.site.mailbox_directory(user)).header["pop3_last_login"]

    def test_an_empty_maildrop_is_answered_without_opening_it(self):
        self.admin.ok("CREATE user.carol")
        self.admin.ok("SETACL user.carol cyrus lrswipkxtecda")
        ours, theirs = self.site.ports["pop3"], self.site.cyrus_ports["pop3d"]
        index = self.site.mailbox_directory("carol") / "cyrus.index"
        before = index.read_bytes()
        words = "optimized mode for empty maildrop: carol"
        for port, ident in ((ours, "pop3"), (theirs, "cyrus/pop3dpeer"), (ours, "pop3")):
            self.site.syslog_file.write_text("")
            client, answer = self.pop3(port, "carol")
            self.assertRegex(answer, r"^\+OK Mailbox locked and ready ")
            self.assertEqual(client.ask("STAT"), "+OK 0 0")
            self.assertEqual(client.ask("RETR 1"), "-ERR No such message")
            self.assertEqual(client.ask("QUIT"), "+OK")
            self.assertIn(f"{ident} 6 {words}", self.site.syslog().splitlines())
            self.assertEqual(index.read_bytes(), before, "the mailbox was opened")
        # The cache says so now: the lock of the mailbox is not asked for.
        with open(index, "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            client, answer = self.pop3(ours, "carol")
            self.assertRegex(answer, r"^\+OK ")
            self.assertEqual(client.ask("QUIT"), "+OK")

        stale = (self.site.conf_dir / "statuscache.db").read_bytes()
        deliver(self.site.cyrus_ports["lmtpd"], "carol", [b"Subject: x\r\n\r\nbody\r\n"])
        client, answer = self.pop3(ours, "carol")
        self.assertRegex(client.ask("STAT"), r"^\+OK 1 ")
        client.close()
        (self.site.conf_dir / "statuscache.db").write_bytes(stale)  # what a writer leaves that is killed too early
        client, answer = self.pop3(ours, "carol")
        self.assertRegex(client.ask("STAT"), r"^\+OK 1 ")
        self.assertEqual(client.ask("DELE 1"), "+OK message deleted")
        self.assertEqual(client.ask("QUIT"), "+OK")
        self.assertIn("MESSAGES 0", "".join(self.admin.ok("STATUS user.carol (MESSAGES)")))
        client, answer = self.pop3(ours, "carol")
        self.assertEqual(client.ask("STAT"), "+OK 0 0")
        self.assertEqual(client.ask("QUIT"), "+OK")
        self.assertEqual(self.site.tool("reconstruct", "-n", "user.carol").strip(), "user.carol")
        self.assertNotEqual(self.last_login("carol"), 0)  # of the session with a message

    def test_a_session_whose_mailbox_vanishes_is_told_and_ends(self):
        for way in ("DELETE user.dora", "RENAME user.dora user.eric"):
            with self.subTest(way=way):
                self.admin.ok("CREATE user.dora")
                self.admin.ok("SETACL user.dora cyrus lrswipkxtecda")
                deliver(self.site.cyrus_ports["lmtpd"], "dora", [b"Subject: x\r\n\r\nbody\r\n"])
                self.site.syslog_file.write_text("")
                idle, _ = self.pop3(self.site.ports["pop3"], "dora")
                quick, _ = self.pop3(self.site.ports["pop3"], "dora")
                self.assertEqual(quick.ask("DELE 1"), "+OK message deleted")
                self.admin.ok(way)
                # Within the second of one look commands still see what was listed; QUIT looks for itself.
                self.assertEqual(quick.ask("QUIT"), "-ERR [SYS/TEMP] Maildrop has been (re)moved")
                self.assertIsNone(quick.line())
                time.sleep(1.1)
                self.assertEqual(idle.ask("STAT"), "-ERR [SYS/TEMP] Maildrop has been (re)moved")
                self.assertIsNone(idle.line())
                self.assertEqual(self.site.syslog().splitlines().count(
                    "pop3 4 Maildrop user.dora has been (re)moved out from under client"), 2)
                for client in (idle, quick):
                    client.close()
                until(lambda: self.site.syslog().count(" end=<vanished> ") == 2, "no line at the end", self.site.syslog)

    def test_popuseacl_decides_on_opening_deleting_and_marking(self):
        directory = self.site.mailbox_directory("alice")
        self.admin.ok("SETACL user.alice cyrus lrswipkxtecda")
        with Imap(self.site.cyrus_ports["imapd"], "alice") as imap:
            imap.ok("SELECT INBOX")
            imap.ok("STORE 1:* -FLAGS (\\Seen \\Deleted)")
        for rights, deletes, marks in (("lr", False, False), ("lrt", True, False), ("lrst", True, True)):
            with self.subTest(rights=rights):
                self.admin.ok(f"SETACL user.alice alice {rights}")
                before = CyrusIndex(directory)
                client, answer = self.pop3(self.site.ports["acl"], "alice")
                self.assertRegex(answer, r"^\+OK ")
                self.assertEqual(client.ask("DELE 1"), "+OK message deleted" if deletes else
                                 "-ERR [SYS/PERM] Permission denied")
                self.assertEqual(client.ask("RETR 2"), "+OK Message follows")
                client.body()
                self.assertEqual(client.ask("QUIT"), "+OK")
                after = CyrusIndex(directory)
                self.assertEqual(len(before.visible()) - len(after.visible()), int(deletes))
                seen = 16  # \Seen among the flags of a record
                self.assertEqual(bool(after.records[before.visible()[1]]["flags"] & seen), marks)
        self.admin.ok("SETACL user.alice alice l")
        _, answer = self.pop3(self.site.ports["acl"], "alice")
        self.assertEqual(answer, "-ERR [SYS/TEMP] Unable to open maildrop: Permission denied")
        _, answer = self.pop3(self.site.ports["pop3"], "alice")
        self.assertRegex(answer, r"^\+OK ")  # without popuseacl a user owns all
        self.assertEqual(self.site.tool("reconstruct", "-n", "user.alice").strip(), "user.alice")

    def test_loginuseacl_means_nothing_to_pop3_here_and_at_cyrus(self):
        """Cyrus's manual says that it does; its pop3d lets nobody in by it."""
        self.admin.ok("SETACL user.alice bob a")
        for port in (self.site.ports["acting"], self.site.cyrus_ports["pop3d"]):
            with Connection(port) as client:
                client.line()
                answer = client.ask("AUTH PLAIN " + b64encode(f"alice\0bob\0{PASSWORD}".encode()).decode())
                self.assertEqual(answer, "-ERR [AUTH] authenticating: authentication failure")
        self.admin.ok('SETACL user.alice bob ""')


if __name__ == "__main__":
    unittest.main()
