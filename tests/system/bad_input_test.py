"""Bad input: one clear line that names the file, the line or the user, and nothing on disk changes."""

import socket
import subprocess
import unittest

from mailsite import Connection, MASTER, POP3D, Site, service_user


class BadInputTest(unittest.TestCase):
    def pop3d(self, site, *arguments, conf=None):
        """Runs pop3d -X once, as the service user, with QUIT on standard input."""
        site.give_away()
        user = service_user()
        done = subprocess.run([POP3D, "-C", conf or site.imapd_conf, "-X", *arguments], input=b"QUIT\r\n",
                              capture_output=True, timeout=30, user=user.pw_uid, group=user.pw_gid, extra_groups=[])
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def setUp(self):
        self.site = Site()
        self.addCleanup(self.site.remove)

    def assert_one_line(self, text, *parts):
        self.assertEqual(text.count("\n"), 1, text)
        for part in parts:
            self.assertIn(str(part), text)

    def test_pop3d_serves_standard_input(self):
        code, out, err = self.pop3d(self.site)
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"\A\+OK test\.example .*\r\n\+OK\r\n\Z")

    def test_a_missing_configuration(self):
        code, out, err = self.pop3d(self.site, conf=self.site.root / "none.conf")
        self.assertEqual((code, out), (78, ""))
        self.assert_one_line(err, self.site.root / "none.conf")

    def test_a_wrong_line_of_the_configuration(self):
        with open(self.site.imapd_conf, "a") as conf:
            conf.write("poptimeout: soon\n")
        number = len(self.site.imapd_conf.read_text().splitlines())
        code, out, err = self.pop3d(self.site)
        self.assertEqual((code, out), (78, ""))
        self.assert_one_line(err, self.site.imapd_conf, f"line {number}", "poptimeout")

    def test_a_missing_certificate(self):
        self.site.settings["tls_server_cert"] = "/nonexistent/cert.pem"
        self.site.write_imapd_conf()
        code, out, err = self.pop3d(self.site, "-s")
        self.assertEqual((code, out), (78, ""))
        self.assert_one_line(err, "tls_server_cert", "/nonexistent/cert.pem")
        # Without -s mail can still be fetched: only STLS fails, as with Cyrus; tls_test sees the line in the log.
        code, out, _ = self.pop3d(self.site)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"^\+OK ")

    def test_wrong_options(self):
        for arguments in (["-U30"], ["-Z"], ["-U"], ["-U", "many"], ["-sp", "2"]):
            with self.subTest(arguments=arguments):
                code, out, err = self.pop3d(self.site, *arguments)
                self.assertEqual((code, out), (64, ""))
                self.assert_one_line(err, "usage: pop3d")

    def test_a_missing_index_a_corrupt_index_and_an_unknown_user(self):
        site = self.site
        site.settings.update({"allowplaintext": "yes", "failedloginpause": "0"})
        site.write_imapd_conf()
        site.add_user("carol")  # has a password, but no mailbox
        (site.mailbox_directory("alice") / "cyrus.index").unlink()
        index = site.mailbox_directory("bob") / "cyrus.index"
        data = bytearray(index.read_bytes())
        data[100] ^= 1
        index.write_bytes(bytes(data))
        with site:
            before = site.tree()
            for user, answer in (("alice", "[SYS/PERM]"), ("bob", "[SYS/PERM]"), ("carol", "Mailbox does not exist")):
                with self.subTest(user=user), Connection(site.ports["pop3"]) as client:
                    client.line()
                    got = client.login(user)
                    self.assertTrue(got.startswith("-ERR"), got)
                    self.assertIn(answer, got)
                    self.assertNotIn(str(site.root), got)
                    # The session goes on: somebody else may log in.
                    self.assertEqual(client.ask("USER nobody"), "+OK Name is a valid mailbox")
                    self.assertEqual(client.ask("QUIT"), "+OK")
            self.assertEqual(before, site.tree())

    def test_a_port_in_use(self):
        site = self.site
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            site.ports = {name: port for name in site.services}
            site.write_cyrus_conf()
            site.give_away()
            done = subprocess.run([MASTER, "-D", "-C", site.imapd_conf, "-M", site.cyrus_conf, "-p",
                                   site.root / "master.pid"], capture_output=True, timeout=30)
        self.assertNotEqual(done.returncode, 0)
        text = done.stderr.decode()
        self.assertIn(f"127.0.0.1:{port}", text)
        self.assertIn("Address already in use", text)
        self.assertIn("pop3", text)


if __name__ == "__main__":
    unittest.main()
