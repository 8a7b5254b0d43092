"""The life of a worker among others: slow sessions, crashes, drains and new programs, under our master and Cyrus's.

What a single process says to master is in worker_test; what the swap promises as a whole is in swap_master_test.
"""

import os
import re
import shutil
import signal
import time
import unittest

import worker_test
from imap_client import Imap
from mailsite import MASTER, POP3D, Connection
from swaplab import CYRUS_MASTER, SwapSite, session, signal_set, until
from worker_test import CONNECTION_MULTI, UNAVAILABLE

MASTERS = {"Cyrus's": CYRUS_MASTER, "ours": MASTER}


class LoneWorker(unittest.TestCase):
    """One process, driven as worker_test drives it: what that does not ask yet."""

    worker = worker_test.WorkerTest.worker
    log_in = worker_test.WorkerTest.log_in
    quit = worker_test.WorkerTest.quit
    copy_of_program = worker_test.WorkerTest.copy_of_program

    def test_signals_that_come_while_it_starts_are_not_its_death(self):
        hang_up = 1 << (signal.SIGHUP - 1)
        for _ in range(10):  # on a busy machine the moment may be missed
            worker = self.worker()
            while not signal_set(worker.process.pid, "SigBlk") & hang_up:
                if signal_set(worker.process.pid, "SigCgt") & hang_up:
                    break
            else:
                break
        else:
            self.fail("signals are not held back while it starts")
        worker.process.send_signal(signal.SIGHUP)
        self.quit(self.log_in(worker))
        worker.process.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(), 75)

    def test_used_up_it_answers_those_whom_nobody_else_serves(self):
        worker = self.worker("-U", "1")
        held = self.log_in(worker)
        worker.expect(CONNECTION_MULTI, UNAVAILABLE)
        for _ in range(3):
            began = time.monotonic()
            with worker.connect() as refused:
                self.assertRegex(refused.line(), r"^-ERR \[SYS/TEMP\] ")
                self.assertIsNone(refused.line())
            self.assertGreater(time.monotonic() - began, 0.9, "others had no chance to take it")
            self.assertLess(time.monotonic() - began, 2.0)
        self.assertEqual(worker.messages(), [], "master would count it as ready again")
        self.assertEqual(held.ask("STAT"), "+OK 4 2610")
        self.quit(held)
        self.assertEqual(worker.wait(), 0)

    def test_a_removed_service_is_noticed_while_full(self):
        worker = self.worker(options={"pop3_sessions_per_process": "2", "pop3_drain_timeout": "2"})
        clients = [self.log_in(worker) for _ in range(2)]
        worker.listener.shutdown(2)
        began = time.monotonic()
        for client in clients:
            self.assertIsNone(client.line())
        self.assertGreater(time.monotonic() - began, 1.5)
        self.assertEqual(worker.wait(), 0)

    def test_a_dead_master_frees_the_port_at_once(self):
        worker = self.worker(options={"pop3_drain_timeout": "20"})
        client = self.log_in(worker)
        os.close(worker.status)
        worker.status = os.open(os.devnull, os.O_RDONLY)  # for end()
        worker.listener.close()

        def refused():
            try:
                Connection(worker.port).close()
            except ConnectionRefusedError:
                return True
            except ConnectionResetError:
                pass  # closed while it was on its way in
            return False
        until(refused, "the port is still bound", seconds=3)
        self.assertEqual(client.ask("STAT"), "+OK 4 2610")
        self.quit(client)
        self.assertEqual(worker.wait(), 0)

    def test_hang_up_with_a_new_program_drains(self):
        program = self.copy_of_program()
        worker = self.worker(program=program)
        client = self.log_in(worker)
        os.utime(program, (1, 1))
        worker.process.send_signal(signal.SIGHUP)
        worker.expect(CONNECTION_MULTI, UNAVAILABLE)
        self.quit(client)
        self.assertEqual(worker.wait(), 0)

    def test_sigquit_drops_the_session_without_update(self):
        """What Cyrus sends to the processes that it finds in proc/."""
        worker = self.worker(options={"pop3_sessions_per_process": "1"})
        client = self.log_in(worker)
        self.assertEqual(client.ask("DELE 1"), "+OK message deleted")
        before = self.site.tree()
        worker.process.send_signal(signal.SIGQUIT)
        self.assertIsNone(client.line())
        self.assertEqual(worker.wait(), 75)
        self.assertEqual(self.site.tree(), before)


class AmongOthers(unittest.TestCase):
    def site(self, **arguments):
        site = SwapSite(**arguments)
        self.addCleanup(site.remove)
        site.start()
        return site

    def log_in(self, site, user="alice"):
        client = site.pop3()
        self.addCleanup(client.close)
        self.assertRegex(client.line(), r"^\+OK")
        self.assertRegex(client.login(user), r"^\+OK")
        return client

    def quit(self, client):
        self.assertEqual(client.ask("QUIT"), "+OK")
        client.close()

    def test_a_slow_session_stays_while_others_come_and_go(self):
        for name, master in MASTERS.items():
            with self.subTest(master=name):
                site = self.site(master=master, services={"pop3": "-U 5 -T 1"}, attributes="prefork=1 maxchild=3")
                slow = self.log_in(site)
                slow.send("RETR 2\r\nNO")  # and half a command, for as long as it takes
                self.assertEqual(slow.line(), "+OK Message follows")
                text = slow.body()
                for _ in range(40):
                    self.assertLess(session(site.ports["pop3"], "bob"), 1.0)
                slow.send("OP\r\n")
                self.assertEqual(slow.line(), "+OK")
                self.assertEqual(slow.ask("RETR 2"), "+OK Message follows")
                self.assertEqual(slow.body(), text)
                self.quit(slow)
                self.assertGreater(len(set(re.findall(r"SESSIONID=<test\.example-\d+-(\d+)-", site.syslog()))), 5)
                self.assertEqual(site.complaints(), [])

    def test_five_crashes_in_a_row_under_our_master(self):
        site = self.site(master=MASTER, attributes="prefork=0 maxchild=2")
        for _ in range(5):
            session(site.ports["pop3"])
            os.kill(site.workers()[0], signal.SIGSEGV)
            until(lambda: not site.workers(), "it does not die")
        self.assertLess(session(site.ports["pop3"]), 1.0)
        self.assertEqual(site.log().count("signaled to death by signal 11"), 5, site.log())

    def test_a_crash_takes_only_its_own_sessions(self):
        for name, master in MASTERS.items():
            with self.subTest(master=name):
                site = self.site(master=master, services={"pop3": ""}, attributes="prefork=1 maxchild=5",
                                 options={"pop3_sessions_per_process": "1"})
                clients = [self.log_in(site) for _ in range(3)]
                pids = re.findall(r"SESSIONID=<test\.example-\d+-(\d+)-", site.syslog())
                self.assertEqual(len(set(pids)), 3)
                os.kill(int(pids[1]), signal.SIGSEGV)
                self.assertIsNone(clients[1].line())
                for client in (clients[0], clients[2]):
                    self.assertEqual(client.ask("STAT"), "+OK 4 2610")
                    self.quit(client)
                self.assertLess(session(site.ports["pop3"]), 1.0)

    def test_one_session_a_process_is_used_again_and_again(self):
        for name, master in MASTERS.items():
            with self.subTest(master=name):
                site = self.site(master=master, attributes="prefork=0 maxchild=3",
                                 options={"pop3_sessions_per_process": "1"})
                for _ in range(5):
                    time.sleep(0.2)  # it says 1 a moment after the session; who comes earlier gets a new process
                    self.assertLess(session(site.ports["pop3"]), 1.0)
                    self.assertEqual(len(site.workers()), 1, "2, 3, 1: it is free again")
                clients = [self.log_in(site) for _ in range(3)]
                self.assertEqual(len(site.workers()), 3)
                began = time.monotonic()
                with site.pop3() as fourth:
                    self.assertRegex(fourth.line(), r"^-ERR \[SYS/TEMP\] ")
                self.assertLess(time.monotonic() - began, 2.0)
                for client in clients:
                    self.quit(client)
                session(site.ports["pop3"])
                self.assertEqual(site.complaints(), [])

    def test_cyrus_sees_the_sessions_of_processes_that_serve_one_each(self):
        site = self.site(attributes="prefork=0 maxchild=5", cyrus_services=("imapd",),
                         options={"pop3_sessions_per_process": "1", "maxlogins_per_user": "1"})
        clients = [self.log_in(site), self.log_in(site, "bob")]
        shown = site.tool("cyr_info", "proc")
        self.assertRegex(shown, r"(?m)^\d+ pop3 .*\[127\.0\.0\.1\] alice user\.alice")
        self.assertRegex(shown, r"(?m)^\d+ pop3 .*\[127\.0\.0\.1\] bob user\.bob")
        with Imap(site.cyrus_ports["imapd"]) as imap:
            status, _ = imap.command("LOGIN alice pillarbox")
            self.assertRegex(status, "^NO .*Too many open connections")
        for client in clients:
            self.quit(client)
        until(lambda: "pop3" not in site.tool("cyr_info", "proc"), "an entry is left")
        with Imap(site.cyrus_ports["imapd"]) as imap:
            imap.ok("LOGIN alice pillarbox")
        self.assertEqual(site.complaints(), [])

    def test_cyrus_does_not_see_the_sessions_of_processes_that_serve_many(self):
        site = self.site()
        client = self.log_in(site)
        self.assertNotIn("pop3", site.tool("cyr_info", "proc"))
        self.quit(client)

    def test_draining_ends_after_its_time(self):
        for name, master in MASTERS.items():
            with self.subTest(master=name):
                folder = worker_test.WorkerTest.copy_of_program(self)
                site = self.site(master=master, program=folder, attributes="prefork=1 maxchild=3",
                                 options={"pop3_drain_timeout": "2"})
                client = self.log_in(site)
                self.assertEqual(client.ask("DELE 1"), "+OK message deleted")
                before = site.tree()
                shutil.copy(POP3D, folder + ".new")
                os.rename(folder + ".new", folder)
                began = time.monotonic()
                site.hang_up()
                self.assertIsNone(client.line())
                self.assertGreater(time.monotonic() - began, 1.0)
                self.assertLess(time.monotonic() - began, 5.0)
                session(site.ports["pop3"])
                after = site.tree()
                self.assertEqual({path: data for path, data in after.items() if path.startswith("spool")},
                                 {path: data for path, data in before.items() if path.startswith("spool")})
                self.assertEqual(site.complaints(), [])


if __name__ == "__main__":
    unittest.main()
