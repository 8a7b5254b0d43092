"""Our pop3d under Debian's Cyrus master, and Cyrus's services under ours: the swap of one cmd= in cyrus.conf.

PILLARBOX_HOLD=60 holds the one slow session as long as the promise says (10 s by default); PILLARBOX_SESSIONS=10000 runs
as many sessions as it says (600 by default).
"""

import os
import re
import shutil
import signal
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from cyruslab import PROGRAMS
from imap_client import Imap, deliver
from mailsite import MASTER, POP3D, Connection
from swaplab import CYRUS_MASTER, CYRUS_POP3D, SwapSite, descriptors, is_bound, session, until

HOLD = float(os.environ.get("PILLARBOX_HOLD", 10))
SESSIONS = int(os.environ.get("PILLARBOX_SESSIONS", 600))
CLIENTS_AT_ONCE = 12

GREETING_WITHIN = 1.0
REFUSAL_WITHIN = 2.0



def message(number):
    return (f"From: sender@example.com\r\nSubject: swap\r\nMessage-ID: <{number}@test.example>\r\n\r\n"
            "hello\r\n").encode()


class SwapTest(unittest.TestCase):
    def site(self, **arguments):
        site = SwapSite(**arguments)
        self.addCleanup(site.remove)
        site.start()
        return site

    def log_in(self, port, user="alice"):
        client = Connection(port)
        self.addCleanup(client.close)
        self.assertRegex(client.line(), r"^\+OK")
        self.assertRegex(client.login(user), r"^\+OK")
        return client


class UnderCyrusMaster(SwapTest):
    def test_beside_imapd_lmtpd_and_their_own_pop3d(self):
        site = self.site(services={"pop3": "", "pop3s": "-s"}, cyrus_services=("imapd", "lmtpd", "pop3d"), tls=True,
                         users=("alice", "bob", "cyrus"))
        tls = site.client_context()
        session(site.ports["pop3"])
        session(site.ports["pop3"], tls=tls)
        session(site.ports["pop3s"], implicit_tls=tls)
        deliver(site.cyrus_ports["lmtpd"], "alice", [message(0)])
        replies = []
        for port in (site.ports["pop3"], site.cyrus_ports["pop3d"]):
            client = self.log_in(port)
            replies.append([client.ask("STAT"), client.ask("UIDL"), client.body(), client.ask("RETR 5"), client.body()])
            client.close()
        self.assertEqual(replies[0], replies[1])
        self.assertIn(b"hello\r\n", replies[0][-1])
        ours = self.log_in(site.ports["pop3"])
        self.assertEqual(ours.ask("DELE 5"), "+OK message deleted")
        self.assertEqual(ours.ask("QUIT"), "+OK")
        with Imap(site.cyrus_ports["imapd"], "alice") as imap:
            self.assertIn("* 4 EXISTS", imap.ok("SELECT INBOX"))
        theirs = self.log_in(site.cyrus_ports["pop3d"])
        self.assertEqual(theirs.ask("STAT"), "+OK 4 2610")
        self.assertEqual(site.complaints(), [])

    def test_prefork_and_maxchild_of_the_example_in_the_manual(self):
        site = self.site(attributes="prefork=3 maxchild=100")
        until(lambda: len(site.workers()) == 3, "three workers are not there")
        held = [self.log_in(site.ports["pop3"]) for _ in range(10)]
        self.assertEqual(len(site.workers()), 3, "sessions need no processes of their own")
        for client in held:
            self.assertEqual(client.ask("QUIT"), "+OK")
        self.assertEqual(site.complaints(), [])

    def test_used_up_processes_are_replaced(self):
        site = self.site(services={"pop3": "-U 2"}, attributes="prefork=1 maxchild=5")
        for _ in range(10):
            self.assertLess(session(site.ports["pop3"]), GREETING_WITHIN)
        seen = set(re.findall(r"SESSIONID=<test\.example-\d+-(\d+)-", site.syslog()))
        self.assertGreaterEqual(len(seen), 5)
        self.assertEqual(site.complaints(), [])

    def test_an_idle_process_leaves_after_its_reuse_timeout(self):
        site = self.site(services={"pop3": "-T 1"}, attributes="prefork=0 maxchild=5")
        session(site.ports["pop3"])
        self.assertEqual(len(site.workers()), 1)
        until(lambda: not site.workers(), "the worker stays", seconds=6)
        session(site.ports["pop3"])
        self.assertEqual(site.complaints(), [])

    def test_hang_up_reloads_in_place_and_sessions_survive(self):
        site = self.site(attributes="prefork=2 maxchild=5")
        until(lambda: len(site.workers()) == 2, "the workers are not there")
        workers = set(site.workers())
        client = self.log_in(site.ports["pop3"])
        site.settings["servername"] = "second.example"
        site.write_imapd_conf()
        site.hang_up()
        until(lambda: "second.example" in self.greeting(site), "the configuration is not read again")
        self.assertEqual(client.ask("STAT"), "+OK 4 2610")
        self.assertEqual(set(site.workers()), workers)
        self.assertEqual(site.complaints(), [])

    def greeting(self, site):
        with site.pop3() as client:
            return client.line()

    def test_a_removed_service_drains(self):
        site = self.site(services={"pop3": "", "other": ""}, attributes="prefork=1 maxchild=5")
        client = self.log_in(site.ports["pop3"])
        gone = site.ports.pop("pop3")
        del site.services["pop3"]
        site.write_cyrus_conf()
        site.hang_up()
        until(lambda: not is_bound(gone), "the port is still bound")
        self.assertEqual(client.ask("STAT"), "+OK 4 2610")
        session(site.ports["other"])
        self.assertEqual(client.ask("QUIT"), "+OK")
        client.close()
        until(lambda: len(site.workers()) == 1, "the worker of the removed service stays")
        self.assertEqual(site.complaints(), [])

    def test_a_killed_master_leaves_no_port_and_no_worker(self):
        for prefork in (0, 2):
            with self.subTest(prefork=prefork):
                site = self.site(attributes=f"prefork={prefork} maxchild=5", options={"pop3_drain_timeout": "3"})
                client = self.log_in(site.ports["pop3"])
                site.kill_master()
                until(lambda: not is_bound(site.ports["pop3"]), "the port is still bound", seconds=2)
                self.assertEqual(client.ask("STAT"), "+OK 4 2610")  # meanwhile
                until(lambda: not site.processes(), "a process is left", seconds=8)
                self.assertIsNone(client.line())

    def test_a_new_master_binds_while_old_sessions_end(self):
        site = self.site(attributes="prefork=1 maxchild=5", options={"pop3_drain_timeout": "30"})
        old = self.log_in(site.ports["pop3"])
        site.kill_master()
        until(lambda: not is_bound(site.ports["pop3"]), "the port is still bound", seconds=2)
        site.launch()
        session(site.ports["pop3"])
        self.assertEqual(old.ask("DELE 1"), "+OK message deleted")
        self.assertEqual(old.ask("QUIT"), "+OK")
        self.assertEqual(site.complaints(), [])

    def test_master_stops_and_starts_again(self):
        site = self.site(attributes="prefork=2 maxchild=5", cyrus_services=("imapd",))
        client = self.log_in(site.ports["pop3"])
        site.settle(signal.SIGTERM)
        site.stop()
        self.assertIsNone(client.line())
        self.assertEqual(site.processes(), [])
        site.launch()
        session(site.ports["pop3"])
        self.assertEqual(site.complaints(), [])

    def test_nine_crashes_of_nine_leave_the_port_open(self):
        site = self.site(attributes="prefork=0 maxchild=5")
        for _ in range(9):
            session(site.ports["pop3"])
            workers = site.workers()
            self.assertEqual(len(workers), 1)
            os.kill(workers[0], signal.SIGSEGV)  # master holds it for READY
            until(lambda: not site.workers(), "it does not die")
        self.assertLess(session(site.ports["pop3"]), GREETING_WITHIN)
        self.assertEqual(site.syslog().count("signaled to death by signal 11"), 9)
        self.assertNotIn("too many failures", site.syslog())

    def test_a_replaced_program_makes_room_for_the_new_one(self):
        program = self.copy_of_program()
        site = self.site(program=program, attributes="prefork=1 maxchild=5")
        held = self.log_in(site.ports["pop3"])
        old = site.workers()
        shutil.copy(POP3D, f"{program}.new")
        os.rename(f"{program}.new", program)
        site.hang_up()
        until(lambda: set(site.workers()) - set(old), "no new worker came")
        session(site.ports["pop3"])
        self.assertEqual(held.ask("STAT"), "+OK 4 2610")
        self.assertEqual(held.ask("QUIT"), "+OK")
        held.close()
        until(lambda: not set(old) & set(site.workers()), "the old worker stays")
        self.assertEqual(site.complaints(), [])

    def copy_of_program(self):
        folder = SwapSite().root
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        return shutil.copy(POP3D, folder / "pop3d")


class ThereAndBack(SwapTest):
    def test_one_cmd_changes_and_sighup_swaps_the_program_and_back(self):
        """As doc/swap.md says: for the way back our program file is touched, so that its workers make room."""
        site = SwapSite(attributes="prefork=2 maxchild=5", cyrus_services=("imapd",))
        self.addCleanup(site.remove)
        folder = site.root / "libexec"
        folder.mkdir()
        ours = shutil.copy(POP3D, folder / "pop3d")
        os.chmod(site.root, 0o755)
        site.program = ours
        site.programs["pop3"] = CYRUS_POP3D
        site.start()
        self.assertIn("Debian", self.greeting(site))
        site.programs.clear()
        site.write_cyrus_conf()
        site.hang_up()
        # A worker of theirs that waits for the accept lock heeds SIGHUP only after one more client.
        until(lambda: "Pillarbox" in self.greeting(site) and not site.processes(CYRUS_POP3D), "theirs stays")
        client = self.log_in(site.ports["pop3"])
        self.assertEqual(client.ask("DELE 1"), "+OK message deleted")

        site.programs["pop3"] = CYRUS_POP3D
        site.write_cyrus_conf()
        time.sleep(2)  # a worker that is just starting would take the touched file for the one it was started from
        os.utime(ours, (1, 1))
        site.hang_up()
        until(lambda: "Debian" in self.greeting(site), "theirs does not answer")
        self.assertEqual(client.ask("QUIT"), "+OK")  # not cut off
        client.close()
        until(lambda: not site.workers(), "ours stays")
        theirs = self.log_in(site.ports["pop3"])
        self.assertRegex(theirs.ask("STAT"), r"^\+OK 3 ")
        self.assertEqual(site.complaints(), [])

    def greeting(self, site):
        with site.pop3() as client:
            return client.line()


class NobodyWaits(SwapTest):
    """One session is held; the processes serve two connections each."""

    def promise(self, master, maxchild, prefork):
        site = self.site(master=master, services={"pop3": "-U 2"}, attributes=f"prefork={prefork} maxchild={maxchild}")
        held = self.log_in(site.ports["pop3"])
        greeted, refused = [], []
        end = time.monotonic() + HOLD
        while time.monotonic() < end:
            began = time.monotonic()
            with site.pop3() as client:
                line = client.line()
                waited = time.monotonic() - began
                self.assertIsNotNone(line, "closed without a word")
                if line.startswith("+OK"):
                    greeted.append(waited)
                    self.assertRegex(client.login("bob"), r"^\+OK")
                    self.assertEqual(client.ask("QUIT"), "+OK")
                else:
                    self.assertRegex(line, r"^-ERR \[SYS/TEMP\] ")
                    refused.append(waited)
            time.sleep(0.1)
        self.assertRegex(held.ask("STAT"), r"^\+OK 4 ")
        self.assertEqual(held.ask("QUIT"), "+OK")
        held.close()
        print(f"{'Cyrus' if master == CYRUS_MASTER else 'our'} master, maxchild={maxchild} prefork={prefork}: "
              f"{len(greeted)} greeted within {max(greeted, default=0):.3f} s, "
              f"{len(refused)} refused within {max(refused, default=0):.3f} s")
        self.assertLess(max(greeted), GREETING_WITHIN)
        self.assertLess(max(refused, default=0), REFUSAL_WITHIN)
        if maxchild > 1:
            self.assertEqual(refused, [])
        # The held session was the last of its process: the port is served as before.
        until(lambda: session(site.ports["pop3"]) < GREETING_WITHIN, "nobody serves the port any more")
        self.assertEqual(site.complaints(), [])

    def test_under_cyrus_master(self):
        for maxchild, prefork in ((1, 0), (1, 2), (2, 0), (2, 2)):
            with self.subTest(maxchild=maxchild, prefork=prefork):
                self.promise(CYRUS_MASTER, maxchild, prefork)

    def test_under_our_master(self):
        with self.subTest(maxchild=1, prefork=0):
            self.promise(MASTER, 1, 0)

    def test_several_who_come_at_once_are_all_answered_in_time(self):
        site = self.site(services={"pop3": "-U 2"}, attributes="prefork=0 maxchild=1")
        held = [self.log_in(site.ports["pop3"]) for _ in range(2)]

        def newcomer(_):
            began = time.monotonic()
            with site.pop3() as client:
                return client.line()[:15], time.monotonic() - began

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(newcomer, range(8)))
        self.assertEqual({line for line, _ in answers}, {"-ERR [SYS/TEMP]"})
        self.assertLess(max(waited for _, waited in answers), REFUSAL_WITHIN)
        for client in held:
            self.assertEqual(client.ask("QUIT"), "+OK")

    def test_nobody_is_refused_while_the_others_come_for_them(self):
        """One process is full for good, its sibling serves one short session after another to a queue."""
        site = self.site(attributes="prefork=0 maxchild=2", options={"pop3_sessions_per_process": "1"})
        held = self.log_in(site.ports["pop3"])

        def newcomer(_):
            return session(site.ports["pop3"], "bob", hold=lambda _: time.sleep(0.2))

        with ThreadPoolExecutor(15) as pool:
            waited = list(pool.map(newcomer, range(15)))  # raises for anybody who is refused
        self.assertGreater(max(waited), 2.0, "there was no queue")
        self.assertEqual(held.ask("QUIT"), "+OK")


class ManySessions(SwapTest):
    def check(self, master):
        site = self.site(master=master, services={"pop3": "-U 30 -T 2"}, attributes="prefork=2 maxchild=20")
        session(site.ports["pop3"])
        before = descriptors(site.process.pid)
        users = ("alice", "bob")
        began = time.monotonic()
        with ThreadPoolExecutor(CLIENTS_AT_ONCE) as pool:
            waited = list(pool.map(lambda n: session(site.ports["pop3"], users[n % 2]), range(SESSIONS)))
        took = time.monotonic() - began
        print(f"{SESSIONS} sessions with -U 30 under {'Cyrus' if master == CYRUS_MASTER else 'our'} master: {took:.1f} s, "
              f"longest wait for a greeting {max(waited):.3f} s")
        self.assertEqual(descriptors(site.process.pid), before)
        # Those that are used up go at once, the last two when -T is over; prefork puts two new ones there.
        until(lambda: len(site.workers()) == 2, "processes are left over", seconds=8)
        for pid in site.workers():
            self.assertLess(descriptors(pid), 40)
        self.assertEqual(site.locks(), [])
        self.assertEqual(site.complaints(), [])
        log = site.syslog() if master == CYRUS_MASTER else site.log() + site.syslog()
        self.assertNotIn("refused connection", log)
        self.assertNotIn("terminated abnormally", log)
        self.assertEqual(log.count("User logged in"), SESSIONS + 1)
        site.stop()
        self.assertEqual(site.processes(), [])

    def test_under_cyrus_master(self):
        self.check(CYRUS_MASTER)

    def test_under_our_master(self):
        self.check(MASTER)


class CyrusServicesUnderOurMaster(SwapTest):
    def test_imapd_lmtpd_and_pop3d(self):
        site = self.site(master=MASTER, cyrus_services=("imapd", "lmtpd", "pop3d"), users=("alice", "bob"))
        for round_ in range(1, 4):  # each process serves several clients in turn: 2, 3, 1
            deliver(site.cyrus_ports["lmtpd"], "bob", [message(round_)])
            with Imap(site.cyrus_ports["imapd"], "bob") as imap:
                self.assertIn(f"* {2 + round_} EXISTS", imap.ok("SELECT INBOX"))
            for port in (site.cyrus_ports["pop3d"], site.ports["pop3"]):
                client = self.log_in(port, "bob")
                self.assertRegex(client.ask("STAT"), rf"^\+OK {2 + round_} ")
                self.assertEqual(client.ask("QUIT"), "+OK")
                client.close()
        for name in ("imapd", "lmtpd", "pop3d"):
            self.assertEqual(len(site.processes(PROGRAMS / name)), 1, f"{name} was not used again")
        site.hang_up()
        until(lambda: not site.processes(CYRUS_POP3D), "the idle pop3d does not heed SIGHUP")
        session(site.cyrus_ports["pop3d"])
        os.kill(site.processes(CYRUS_POP3D)[0], signal.SIGKILL)
        until(lambda: not site.processes(CYRUS_POP3D), "it does not die")
        until(lambda: session(site.cyrus_ports["pop3d"]) is not None, "no new pop3d")
        self.assertEqual(site.stop(), 0)
        self.assertEqual(site.processes(), [])

    def test_they_end_when_our_master_is_killed(self):
        site = self.site(master=MASTER, cyrus_services=("imapd", "pop3d"), options={"pop3_drain_timeout": "2"})
        clients = [self.log_in(port) for port in (site.cyrus_ports["pop3d"], site.ports["pop3"])]
        site.kill_master()
        until(lambda: not site.processes(), "a process is left", seconds=8)
        for port in (*site.ports.values(), *site.cyrus_ports.values()):
            self.assertFalse(is_bound(port))
        for client in clients:
            self.assertIsNone(client.line())


if __name__ == "__main__":
    unittest.main()
