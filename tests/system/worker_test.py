"""One pop3d process, driven as master(8) drives it: what it says on descriptor 3, when it takes connections from
descriptor 4, when it drains and how it ends. And without a master: one connection on standard input."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from mailsite import Connection, POP3D, Site, service_user

AVAILABLE, UNAVAILABLE, CONNECTION, CONNECTION_MULTI = 1, 2, 3, 4


class Worker:
    """pop3d with a status pipe and a listening socket of ours."""

    def __init__(self, site, *arguments, program=POP3D):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=32)
        self.port = self.listener.getsockname()[1]
        self.status, write_end = os.pipe()
        os.set_blocking(self.status, False)
        user = service_user()

        def inherit():
            # By way of high numbers: either descriptor may have the other's place.
            os.dup2(write_end, 200)
            os.dup2(self.listener.fileno(), 201)
            os.dup2(200, 3)
            os.dup2(201, 4)
            os.closerange(5, 256)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(user.pw_gid)
                os.setuid(user.pw_uid)

        self.process = subprocess.Popen(
            [program, "-C", site.imapd_conf, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, close_fds=False,
            preexec_fn=inherit,
            env={**os.environ, "CYRUS_SERVICE": "pop3", "CYRUS_ID": "0"})
        os.close(write_end)

    def messages(self):
        """What it has told master since the last call."""
        out = []
        while True:
            try:
                data = os.read(self.status, 8)
            except BlockingIOError:
                return out
            if not data:
                return out
            message, pid = struct.unpack("=ii", data)
            assert pid == self.process.pid, (pid, self.process.pid)
            out.append(message)

    def expect(self, *messages, seconds=10):
        end = time.monotonic() + seconds
        got = []
        while got != list(messages) and time.monotonic() < end:
            got += self.messages()
            time.sleep(0.01)
        assert got == list(messages), f"told master {got}, expected {list(messages)}"

    def connect(self):
        client = Connection(self.port)
        return client

    def wait(self, seconds=15):
        return self.process.wait(seconds)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.listener.close()
        os.close(self.status)


class WorkerTest(unittest.TestCase):
    def worker(self, *arguments, options=None, program=POP3D):
        self.site = Site(tls=False, options={"allowplaintext": "yes", "failedloginpause": "0", **(options or {})})
        self.addCleanup(self.site.remove)
        self.site.give_away()
        worker = Worker(self.site, *arguments, program=program)
        self.addCleanup(worker.end)
        return worker

    def log_in(self, worker, user="alice"):
        client = worker.connect()
        self.addCleanup(client.close)
        self.assertTrue(client.line().startswith("+OK"))
        self.assertTrue(client.login(user).startswith("+OK"))
        return client

    def quit(self, client):
        self.assertEqual(client.ask("QUIT"), "+OK")
        self.assertIsNone(client.line())
        client.close()  # the server waits for that a little, so that its last words are not lost

    def test_many_sessions_are_a_message_4_each(self):
        worker = self.worker()
        clients = [self.log_in(worker) for _ in range(3)]
        worker.expect(CONNECTION_MULTI, CONNECTION_MULTI, CONNECTION_MULTI)
        for client in clients:
            self.quit(client)
        time.sleep(0.1)
        self.assertEqual(worker.messages(), [])

    def test_one_session_a_process_speaks_like_the_original(self):
        worker = self.worker(options={"pop3_sessions_per_process": "1"})
        for _ in range(2):
            client = self.log_in(worker)
            worker.expect(UNAVAILABLE, CONNECTION)
            self.quit(client)
            worker.expect(AVAILABLE)

    def test_a_full_process_says_so_and_answers_when_nobody_else_does(self):
        worker = self.worker(options={"pop3_sessions_per_process": "2"})
        first, _second = self.log_in(worker), self.log_in(worker)
        worker.expect(CONNECTION_MULTI, CONNECTION_MULTI, UNAVAILABLE)
        began = time.monotonic()
        with worker.connect() as refused:
            self.assertRegex(refused.line(), r"-ERR \[SYS/TEMP\] ")
            self.assertIsNone(refused.line())
        self.assertLess(time.monotonic() - began, 2.5)
        self.quit(first)
        worker.expect(AVAILABLE)
        self.log_in(worker)
        worker.expect(CONNECTION_MULTI, UNAVAILABLE)

    def test_used_up_it_stops_accepting_and_ends_after_its_sessions(self):
        worker = self.worker("-U", "2")
        first, second = self.log_in(worker), self.log_in(worker)
        worker.expect(CONNECTION_MULTI, CONNECTION_MULTI, UNAVAILABLE)
        self.quit(first)
        self.assertEqual(second.ask("STAT"), "+OK 4 2610")  # still served
        self.assertIsNone(worker.process.poll())
        self.quit(second)
        self.assertEqual(worker.wait(), 0)
        self.assertEqual(worker.messages(), [])

    def test_a_used_process_leaves_after_its_reuse_timeout(self):
        worker = self.worker("-T", "1")
        time.sleep(2.5)
        self.assertIsNone(worker.process.poll(), "one that nobody came to stays")
        self.quit(self.log_in(worker))
        self.assertEqual(worker.wait(5), 0)

    def test_terminated_it_cuts_sessions_without_update(self):
        worker = self.worker()
        client = self.log_in(worker)
        self.assertEqual(client.ask("DELE 1"), "+OK message deleted")
        before = self.site.tree()
        worker.process.send_signal(signal.SIGTERM)
        self.assertIsNone(client.line())
        self.assertEqual(worker.wait(), 75)
        self.assertEqual(before, self.site.tree())

    def test_a_dead_master_means_draining_for_a_bounded_time(self):
        worker = self.worker(options={"pop3_drain_timeout": "2"})
        client = self.log_in(worker)
        os.close(worker.status)
        worker.status = os.open(os.devnull, os.O_RDONLY)  # for end()
        self.assertEqual(client.ask("STAT"), "+OK 4 2610")
        began = time.monotonic()
        self.assertIsNone(client.line())
        self.assertGreater(time.monotonic() - began, 1.0)
        self.assertEqual(worker.wait(), 0)

    def test_a_removed_service_drains(self):
        worker = self.worker(options={"pop3_drain_timeout": "30"})
        client = self.log_in(worker)
        worker.listener.shutdown(socket.SHUT_RDWR)
        worker.expect(CONNECTION_MULTI, UNAVAILABLE)
        self.quit(client)
        self.assertEqual(worker.wait(), 0)

    def test_hang_up_reloads_and_cuts_nobody_off(self):
        worker = self.worker(options={"servername": "first.example"})
        client = worker.connect()
        self.assertIn("first.example", client.line())
        self.site.settings["servername"] = "second.example"
        self.site.write_imapd_conf()
        worker.process.send_signal(signal.SIGHUP)
        self.until(lambda: "second.example" in self.greeting(worker))
        self.assertTrue(client.ask("CAPA").startswith("+OK"))  # the old session is still there
        with open(self.site.imapd_conf, "a") as conf:
            conf.write("poptimeout: never\n")
        worker.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.assertIn("second.example", self.greeting(worker), "a bad file changes nothing")
        client.close()

    def greeting(self, worker):
        with worker.connect() as client:
            return client.line()

    def until(self, condition):
        end = time.monotonic() + 10
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def test_a_crash_is_told_to_master_first(self):
        worker = self.worker()
        self.log_in(worker)
        worker.expect(CONNECTION_MULTI)
        worker.process.send_signal(signal.SIGSEGV)
        self.assertNotEqual(worker.wait(), 0)
        worker.expect(UNAVAILABLE)

    def test_a_replaced_program_drains(self):
        program = self.copy_of_program()
        worker = self.worker(program=program)
        client = self.log_in(worker)
        shutil.copy(POP3D, program + ".new")
        os.rename(program + ".new", program)
        self.greeting(worker)  # looked at before the next wait for a connection
        worker.expect(CONNECTION_MULTI, CONNECTION_MULTI, UNAVAILABLE)
        self.quit(client)
        self.assertEqual(worker.wait(), 0)

    def copy_of_program(self):
        folder = tempfile.mkdtemp(prefix="pillarbox-program-")
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        return shutil.copy(POP3D, os.path.join(folder, "pop3d"))

    def test_without_a_master_it_serves_the_connection_on_standard_input(self):
        site = Site(tls=False, options={"allowplaintext": "yes"})
        self.addCleanup(site.remove)
        site.give_away()
        ours, theirs = socket.socketpair()
        user = service_user()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CYRUS_")}
        process = subprocess.Popen([POP3D, "-C", site.imapd_conf], stdin=theirs, stdout=theirs, user=user.pw_uid,
                                   group=user.pw_gid, extra_groups=[], env=environment)
        theirs.close()
        client = Connection.over(ours)
        self.assertTrue(client.line().startswith("+OK"))
        self.assertTrue(client.login("alice").startswith("+OK"))
        self.assertEqual(client.ask("STAT"), "+OK 4 2610")
        self.assertEqual(client.ask("QUIT"), "+OK")
        self.assertIsNone(client.line())
        self.assertEqual(process.wait(15), 0)
        client.close()


if __name__ == "__main__":
    unittest.main()
