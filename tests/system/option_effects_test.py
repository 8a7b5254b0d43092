"""Options whose effect only a running service shows: pauses, deadlines, locks, the mode of files, names in the log."""

import fcntl
import stat
import subprocess
import time
import unittest
from base64 import b64encode

from mailsite import PASSWORD, Connection
from tls_test import TlsCase, read_to_end

PAUSE = 2  # seconds of plaintextloginpause and of pop3_lock_timeout
PLAIN = "AUTH PLAIN " + b64encode(f"\0bob\0{PASSWORD}".encode()).decode()


class OptionEffects(TlsCase):
    def setUp(self):
        self.served = self.site(
            services={"pop3": "", "pop3s": "-s", "hasty": "", "narrow": ""}, attributes="prefork=1 maxchild=1",
            options={"allowplaintext": "yes", "failedloginpause": "0", "plaintextloginpause": str(PAUSE),
                     "pop3_lock_timeout": str(PAUSE), "tcp_keepalive": "yes", "tcp_keepalive_idle": "20m", "umask": "027", "hasty_pop3_login_deadline": "1",
                     "hasty_syslog_prefix": "mail", "narrow_prelogin_connections": "2"})
        self.served.start()
        self.ports = self.served.ports

    def seconds(self, client, command, reply):
        began = time.monotonic()
        self.assertRegex(client.ask(command), reply)
        return time.monotonic() - began

    def test_plaintextloginpause_is_for_passwords_in_clear_text(self):
        client = self.plain(self.ports["pop3"])
        self.assertTrue(client.ask("USER bob").startswith("+OK"))
        self.assertGreaterEqual(self.seconds(client, f"PASS {PASSWORD}", r"^\+OK Mailbox"), PAUSE)
        self.assertLess(self.seconds(self.plain(self.ports["pop3"]), PLAIN, r"^\+OK Mailbox"), PAUSE)
        client = self.connect(self.ports["pop3s"])
        self.assertTrue(client.ask("USER bob").startswith("+OK"))
        self.assertLess(self.seconds(client, f"PASS {PASSWORD}", r"^\+OK Mailbox"), PAUSE)

    def test_silent_peers_are_probed(self):
        self.plain(self.ports["pop3"])
        seen = subprocess.run(["ss", "-tnoH", f"sport = :{self.ports['pop3']}"], capture_output=True, text=True, check=True)
        self.assertRegex(seen.stdout, r"timer:\(keepalive,(20min|19min[\w.]*),0\)")

    def test_a_held_lock_is_waited_for_as_long_as_the_option_says(self):  # RFC 2449 s8.1.2
        index = self.served.mailbox_directory("bob") / "cyrus.index"
        client = self.plain(self.ports["pop3"])
        with open(index, "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            waited = self.seconds(client, PLAIN, r"^-ERR \[IN-USE\] Unable to lock maildrop: try again later$")
            self.assertGreaterEqual(waited, PAUSE)
            self.assertLess(waited, PAUSE + 8)
        self.assertRegex(client.ask(PLAIN), r"^\+OK Mailbox")
        self.assertEqual(client.ask("DELE 1"), "+OK message deleted")
        before = self.served.tree()
        with open(index, "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            waited = self.seconds(client, "QUIT", r"^-ERR \[SYS/TEMP\] Unable to lock maildrop: deletions were not carried out")
            self.assertGreaterEqual(waited, PAUSE)
            self.assertIsNone(client.line())
        self.assertEqual(before, self.served.tree())

    def test_a_session_without_a_login_is_closed_without_a_word(self):
        client = self.plain(self.ports["hasty"])
        began = time.monotonic()
        self.assertEqual(client.ask("USER bob"), "+OK Name is a valid mailbox")
        self.assertEqual(client.buffer + read_to_end(client.socket), b"")
        self.assertGreater(time.monotonic() - began, 0.5)
        self.assertLess(time.monotonic() - began, 10)
        self.await_log("mail/hasty 6 session: ")
        self.assertNotRegex(self.syslog(), "(?m)^hasty ")

    def test_umask_holds_for_files_and_directories(self):
        client = self.connect(self.ports["pop3s"])
        self.assertRegex(client.login("bob"), r"^\+OK")
        self.assertEqual(client.ask("QUIT"), "+OK")
        made = list(self.served.lock_directory().rglob("*"))
        self.assertTrue(any(path.is_file() for path in made) and any(path.is_dir() for path in made))
        for path in made:
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o640 if path.is_file() else 0o750, path)

    def test_connections_before_login_are_limited_all_together(self):
        waiting = [self.plain(self.ports["narrow"]) for _ in range(2)]
        with Connection(self.ports["narrow"]) as third:
            self.assertEqual(third.line(), "-ERR [SYS/TEMP] Too many connections: try again later")
            self.assertIsNone(third.line())
        self.assertRegex(waiting[0].ask(PLAIN), r"^\+OK Mailbox")  # counts no more
        self.plain(self.ports["narrow"])


if __name__ == "__main__":
    unittest.main()
