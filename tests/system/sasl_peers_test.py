"""Beside Cyrus's own tools: block lists that cyr_deny wrote, and its pop3test under security layers of SASL's."""

import subprocess
import unittest

from cyruslab import CyrusSite, PROGRAMS
from mailsite import Connection, PASSWORD
from sasl_test import FAILED, READY, encode, plain
from tls_test import trusting_context


class SaslPeersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = CyrusSite(mechanisms="PLAIN DIGEST-MD5 SCRAM-SHA-256", users=("alice", "bob", "boss"), options={
            "failedloginpause": "0", "failed_login_penalty": "0", "admins": "boss", "sasl_minimum_layer": "0"})
        cls.addClassCleanup(cls.site.remove)
        cls.site.start()

    def client(self):
        client = Connection(self.site.ports["pop3s"], tls=trusting_context())
        self.addCleanup(client.close)
        self.assertTrue(client.line().startswith("+OK"))
        return client

    def deny(self, kind, *arguments):
        self.site.settings["userdeny_db"] = kind
        self.site.write_imapd_conf()
        self.site.tool("cyr_deny", *arguments)
        self.site.give_away()

    def test_block_lists_of_each_format_block_behind_a_good_password_only(self):
        for kind in ("flat", "skiplist", "twoskip"):
            with self.subTest(kind=kind):
                (self.site.conf_dir / "user_deny.db").unlink(missing_ok=True)
                self.deny(kind, "-s", "imap,pop*", "-m", "no more mail", "alice")
                self.deny(kind, "-s", "imap", "bob")
                client = self.client()
                self.assertEqual(client.ask("USER alice"), "+OK Name is a valid mailbox")
                self.assertEqual(client.ask("PASS wrong"), "-ERR [AUTH] Invalid login")
                self.assertEqual(client.login("alice"), "-ERR [SYS/TEMP] no more mail")
                self.assertIsNone(client.line(), "the connection goes on")
                client = self.client()
                self.assertEqual(client.ask(plain("alice", "wrong")), FAILED)
                self.assertEqual(client.ask(plain("alice")), "-ERR [SYS/TEMP] no more mail")
                self.assertRegex(self.client().ask(plain("boss", authzid="alice")), READY)  # admins are let in
                self.assertRegex(self.client().login("bob"), READY)
                self.deny(kind, "-a", "alice")
                self.assertRegex(self.client().login("alice"), READY)

    def test_a_block_list_that_cannot_be_read_lets_nobody_in(self):
        file = self.site.conf_dir / "user_deny.db"
        for content in (b"alice\t3\tpop3\n", b"alice", b"\xa1\x02\x8b\x0dgarbage garbage garbage garbage"):
            file.write_bytes(content)
            self.addCleanup(lambda: file.unlink(missing_ok=True))
            reply = self.client().login("alice")
            self.assertEqual(reply, "-ERR [SYS/TEMP] authentication service unavailable: wait and try again", content)
        file.write_bytes(b"")
        self.assertRegex(self.client().login("alice"), READY)

    def test_pop3test_reads_a_message_under_each_layer_of_digest_md5(self):
        """RFC 2831 s2.3, s2.4: integrity (1) and confidentiality (more)."""
        (self.site.conf_dir / "user_deny.db").unlink(missing_ok=True)
        message = (self.site.mailbox_directory("alice") / "3.").read_text()
        for least, most in ((0, 0), (1, 1), (40, 128)):
            with self.subTest(least=least, most=most):
                done = subprocess.run(
                    [PROGRAMS / "pop3test", "-m", "DIGEST-MD5", "-a", "alice", "-u", "alice", "-w", PASSWORD, "-r",
                     "test.example", "-k", str(least), "-l", str(most), "-p", str(self.site.ports["pop3"]), "127.0.0.1"],
                    input=b"CAPA\r\nRETR 2\r\nNOOP\r\nQUIT\r\n", env=self.site.cyrus_environment(),
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
                text = done.stdout.decode(errors="replace").replace("\r\n", "\n")
                self.assertIn("Mailbox locked and ready", text)
                self.assertIn(f"Security strength factor: {most}", text)
                self.assertIn(message.replace("\r\n", "\n"), text)
                self.assertEqual(text.count("\nSASL "), 1 if most else 0, text)  # in CAPA again under a layer


if __name__ == "__main__":
    unittest.main()
