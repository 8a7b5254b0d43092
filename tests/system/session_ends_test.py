"""Why sessions end, as the last line of each tells (doc/format/log-lines.md): each reason is brought about in a running
process."""

import os
import re
import smtplib
import time
import unittest
from pathlib import Path

from mailsite import BUILD, MASTER, POP3D, SANITIZED, Connection
from swaplab import SYSLOG_SHIM, SwapSite, until
from worker_test import Worker

FAST_CLOCK = BUILD / "tests" / "system" / "libfast_clock.so"
LMTPD = BUILD / "src" / "lmtpd" / "lmtpd"
# More than the buffers of two sockets take.
LONG = b"Subject: long\r\n\r\n" + b"The quick brown fox jumps over the lazy dog, again.\r\n" * 400_000
MARGIN = 2 << 20  # octets of address space for all sessions


class SessionEndsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        services = {"pop3": "", "pop3s": "-s", "late": "", "guess": "", "single": "", "hasty": "", "lmtp": "-a"}
        cls.site = SwapSite(
            master=MASTER, services=services, tls=True, attributes="prefork=0 maxchild=1", users=("alice", "bob", "carol"),
            options={"pop3_audit": "yes", "late_pop3_login_deadline": "1", "guess_failed_logins_per_connection": "1",
                     "pop3_bad_commands": "2", "pop3_lock_timeout": "0", "hasty_pop3_login_deadline": "1h",
                     "autocreate_quota": "0", "lmtp_pop3_audit": "no"})
        preload = f"{cls.site.environment['LD_PRELOAD']}:{FAST_CLOCK}"
        cls.site.programs = {"lmtp": LMTPD, "hasty": f"/usr/bin/env LD_PRELOAD={preload} FAST_CLOCK=600 {POP3D}"}
        cls.addClassCleanup(cls.site.remove)
        cls.site.start()

    made = 0  # connections

    def setUp(self):
        until(lambda: self.site.syslog().count(" session: ") == type(self).made, "a session has no line at its end")
        self.seen = len(self.site.syslog())

    def connect(self, service="pop3"):
        type(self).made += 1
        client = Connection(self.site.ports[service])
        self.addCleanup(client.close)
        self.assertRegex(client.line(), r"^\+OK ")
        return client

    def login(self, service="pop3", user="alice"):
        client = self.connect(service)
        self.assertRegex(client.login(user), r"^\+OK ")
        return client

    def lines(self):
        return self.site.syslog()[self.seen:].splitlines()

    def audited(self, action):
        return [re.search(r"uid=<(\d+)>", line)[1] for line in self.lines() if f"auditlog: pop3.{action} " in line]

    def ends(self, reason, **figures):
        """One session has ended since the beginning of this test, for that reason."""
        until(lambda: any(" session: " in line for line in self.lines()), "no line at the end")
        found = [line for line in self.lines() if " session: " in line]
        self.assertEqual(len(found), 1, found)
        self.assertIn(f" end=<{reason}> ", found[0])
        for name, figure in figures.items():
            self.assertIn(f" {name}=<{figure}>", found[0])

    # -- before the login -----------------------------------------------------------------------------------------

    def test_login_late(self):
        client = self.connect("late")
        self.assertIsNone(client.line())
        client.close()
        self.ends("login-late")

    def test_refused_tls_failed(self):
        client = self.connect()
        client.send("STLS\r\nCAPA\r\n")
        client.line()
        client.close()
        self.ends("refused")
        self.setUp()
        type(self).made += 1
        with Connection(self.site.ports["pop3s"]) as client:
            client.send("USER alice\r\nPASS pillarbox\r\n")
        self.ends("tls-failed")

    def test_bad_commands_failed_logins(self):
        client = self.connect()
        self.assertEqual([client.ask("X") for _ in range(2)], ["-ERR Unrecognized command"] * 2)
        client.close()
        self.ends("bad-commands")
        self.setUp()
        client = self.connect("guess")
        self.assertRegex(client.login("alice", "wrong"), r"^-ERR \[AUTH\]")
        client.close()
        self.ends("failed-logins")

    # -- behind it ------------------------------------------------------------------------------------------------

    def test_quit_peer_lost(self):
        client = self.login()
        self.assertEqual(client.ask("QUIT"), "+OK")
        client.close()
        self.ends("quit")
        self.setUp()
        client = self.login()
        self.assertEqual(client.ask("DELE 1"), "+OK message deleted")
        client.send("QUIT")
        client.close()
        self.ends("peer-lost", dropped=1)

    def test_timeout_is_no_quit(self):  # RFC 1939 s3
        client = self.login("hasty")
        self.assertEqual(client.ask("DELE 1"), "+OK message deleted")
        began = time.monotonic()
        client.send("QUI")
        self.assertIsNone(client.line())
        self.assertGreater(time.monotonic() - began, 0.5, "ten minutes are one second here")
        client.close()
        self.ends("timeout", dele=1, removed=0, dropped=1)

    def test_not_updated(self):
        client = self.login()
        self.assertEqual(client.ask("DELE 1"), "+OK message deleted")
        index = self.site.mailbox_directory("alice") / "cyrus.index"
        index.rename(index.with_suffix(".away"))
        try:
            self.assertRegex(client.ask("QUIT"), r"^-ERR \[SYS/TEMP\] Deletions were not carried out")
        finally:
            index.with_suffix(".away").rename(index)
        client.close()
        self.ends("not-updated", dele=1, removed=0, dropped=1)

    def test_shut_down(self):
        client = self.login()
        self.assertEqual(client.ask("DELE 1"), "+OK message deleted")
        path = self.site.conf_dir / "msg" / "shutdown.pop3"
        path.write_text("noon\n")
        try:
            self.assertEqual(client.line(), "-ERR [SYS/TEMP] noon")
            client.close()
            self.ends("shut-down", dropped=1)
        finally:
            path.unlink()

    def test_a_message_that_is_cut_while_it_is_sent(self):
        client = self.login(user="carol")  # makes the INBOX
        self.assertEqual(client.ask("QUIT"), "+OK")
        client.close()
        with smtplib.LMTP("127.0.0.1", self.site.ports["lmtp"]) as lmtp:
            lmtp.sendmail("", "carol", LONG)
        uid = 1
        self.setUp()
        path = self.site.mailbox_directory("carol") / f"{uid}."
        # The client goes away in the middle.
        client = self.login(user="carol")
        client.send("RETR 1\r\n")
        self.assertEqual(client.line(), "+OK Message follows")
        client.close()
        self.ends("peer-lost", retr=0)
        self.assertEqual(self.audited("retr-cut"), [str(uid)])
        self.assertEqual(self.audited("retr"), [])
        # The file does: no final dot makes a whole message of the half.
        self.setUp()
        client = self.login(user="carol")
        client.send("RETR 1\r\n")
        self.assertEqual(client.line(), "+OK Message follows")
        os.truncate(path, 100_000)
        got = client.buffer
        while block := client.socket.recv(1 << 20):
            got += block
        self.assertFalse(got.endswith(b"\r\n.\r\n"))
        client.close()
        self.ends("broken-reply", retr=0)
        self.assertEqual(self.audited("retr-cut"), [str(uid)])
        self.assertTrue(any("message 1 of user.carol: " in line for line in self.lines()))


class MemoryTest(unittest.TestCase):
    """Address space that ends: what a session cannot have ends that session, and no other."""

    def worker(self, limit):
        program = self.site.root / "limited"
        program.write_text(f"#!/bin/sh\nexport MALLOC_ARENA_MAX=1 LD_PRELOAD={SYSLOG_SHIM} SYSLOG_FILE={self.site.syslog_file}\n"
                           f'exec prlimit --as={limit} {POP3D} "$@"\n')
        program.chmod(0o755)
        worker = Worker(self.site, program=program)
        self.addCleanup(worker.end)
        return worker

    def login(self, worker, user):
        client = worker.connect()
        self.addCleanup(client.close)
        self.assertRegex(client.line(), r"^\+OK ")
        self.assertRegex(client.login(user), r"^\+OK ")
        return client

    @unittest.skipIf(SANITIZED, "a sanitizer needs address space without a limit")
    def test_failed(self):
        self.site = SwapSite(options={"prelogin_connections_per_address": "0"})
        self.addCleanup(self.site.remove)
        self.site.give_away()
        worker = self.worker("unlimited")
        self.login(worker, "alice").ask("QUIT")
        pages = int(Path(f"/proc/{worker.process.pid}/statm").read_text().split()[0])
        worker = self.worker(pages * os.sysconf("SC_PAGE_SIZE") + MARGIN)
        greedy = []
        for _ in range(150):
            if "end=<failed>" in self.site.syslog():
                break
            client = worker.connect()
            self.addCleanup(client.close)
            greedy.append(client)
            client.send("USER bob\r\nPASS pillarbox\r\n" + "RETR 1\r\nUIDL\r\n" * 2000)
        until(lambda: "end=<failed>" in self.site.syslog(), "no session failed", self.site.syslog)
        self.assertRegex(self.site.syslog(), r"session <[^>]*> failed: std::bad_alloc")
        self.assertNotIn("session <>", self.site.syslog())
        for client in greedy:
            client.close()
        until(lambda: self.is_served(worker), "nobody is served any more", self.site.syslog)
        self.assertIsNone(worker.process.poll())

    def is_served(self, worker):
        try:
            return self.login(worker, "alice").ask("QUIT") == "+OK"
        except (AssertionError, ConnectionError):
            return False


class StoppedTest(unittest.TestCase):
    def test_stopped(self):
        with SwapSite() as site, Connection(site.ports["pop3"]) as client:
            client.line()
            client.login("alice")
            client.ask("DELE 1")
            site.stop()
            until(lambda: "session:" in site.syslog(), "no line at the end")
            self.assertRegex(site.syslog(), r"session: .* end=<stopped> .* dropped=<1>")


if __name__ == "__main__":
    unittest.main()
