"""Real clients against our server: curl and Python's poplib, over STLS and POP3S, on what real Cyrus wrote."""

import poplib
import subprocess
import unittest

from mailsite import PASSWORD, Site

# What the README of the samples says that Cyrus's own pop3d answered: sizes and unique-ids.
EXPECTED = {
    "cyrus361-one": {"eve": ([437], "1795382168.{}", [2])},
    "cyrus361-uuid": {"alice": ([480, 1236, 442, 452], "1795382168.{}", [1, 3, 4, 5]),
                      "bob": ([480, 446], "1795382168.{}", [1, 2])},
    "cyrus361-legacy-conv": {"ann.lee": ([423, 424], "1795382205.{}", [1, 3]),
                             "ann.lee@example.com": ([423, 424], "1795382205.{}", [1, 3])},
    "cyrus3121-uuid": {"alice": ([435, 643, 543, 436], "1795387857.{}", [1, 3, 4, 5]),
                       "bob": ([435, 446], "1795387857.{}", [1, 2])},
    "cyrus-v20-uuid": {"alice": ([435, 643, 543, 436], "1795388159.{}", [1, 3, 4, 5]),
                       "bob": ([435, 446], "1795388159.{}", [1, 2])},
}


class ClientsTest(unittest.TestCase):
    def curl(self, site, url, user="alice"):
        done = subprocess.run(["curl", "--silent", "--show-error", "--ssl-reqd", "--cacert", site.certificate, "-u",
                               f"{user}:{PASSWORD}", url], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr.decode() + site.log())
        return done.stdout

    def test_curl_lists_and_fetches_the_bytes_on_disk(self):
        with Site() as site:
            folder = site.mailbox_directory("alice")
            for url in (f"pop3://localhost:{site.ports['pop3']}/", f"pop3s://localhost:{site.ports['pop3s']}/"):
                self.assertEqual(self.curl(site, url), b"1 480\r\n2 1236\r\n3 442\r\n4 452\r\n")
                for number, uid in enumerate((1, 3, 4, 5), 1):
                    self.assertEqual(self.curl(site, url + str(number)), (folder / f"{uid}.").read_bytes())

    def test_curl_logs_in_with_and_without_an_initial_response(self):  # RFC 5034 s4
        message = b"1 480\r\n2 1236\r\n3 442\r\n4 452\r\n"
        with Site(mechanisms="PLAIN LOGIN CRAM-MD5 DIGEST-MD5") as site:
            for mechanism, initial in (("PLAIN", True), ("LOGIN", True), ("CRAM-MD5", False),
                                       ("DIGEST-MD5", False)):
                for option in ((), ("--sasl-ir",)):
                    with self.subTest(mechanism=mechanism, option=option):
                        url = f"pop3://localhost:{site.ports['pop3']}/"
                        done = subprocess.run(
                            ["curl", "--verbose", "--ssl-reqd", "--cacert", site.certificate, "-u", f"alice:{PASSWORD}",
                             "--login-options", f"AUTH={mechanism}", *option, url], capture_output=True, timeout=60)
                        said = done.stderr.decode(errors="replace").replace("\r", "")
                        self.assertEqual((done.returncode, done.stdout), (0, message), said)
                        # The mechanisms in which the server speaks first have nothing to send along.
                        self.assertRegex(said, rf"(?m)^> AUTH {mechanism}{' .+' if option and initial else ''}$")

    def test_poplib_reads_every_sample_as_its_readme_says(self):
        for sample, users in EXPECTED.items():
            with self.subTest(sample=sample), Site(sample=sample, users=users) as site:
                before = site.tree()
                for user, (sizes, pattern, uids) in users.items():
                    self.check_maildrop(site, user, sizes, [pattern.format(uid) for uid in uids])
                self.assertEqual(before, site.tree(), "the store changed")

    def check_maildrop(self, site, user, sizes, unique_ids):
        for client in (poplib.POP3_SSL("localhost", site.ports["pop3s"], context=site.client_context()),
                       poplib.POP3("localhost", site.ports["pop3"])):
            if not isinstance(client, poplib.POP3_SSL):
                client.stls(site.client_context())
            client.user(user)
            client.pass_(PASSWORD)
            self.assertEqual(client.stat(), (len(sizes), sum(sizes)))
            listing = [line.decode() for line in client.list()[1]]
            self.assertEqual(listing, [f"{n} {size}" for n, size in enumerate(sizes, 1)])
            identities = [line.decode() for line in client.uidl()[1]]
            self.assertEqual(identities, [f"{n} {uid}" for n, uid in enumerate(unique_ids, 1)])
            for number, size in enumerate(sizes, 1):
                text = b"".join(line + b"\r\n" for line in client.retr(number)[1])
                self.assertEqual(len(text), size)
                top = b"".join(line + b"\r\n" for line in client.top(number, 0)[1])
                self.assertEqual(text[:text.index(b"\r\n\r\n") + 4], top)
            self.assertTrue(client.quit().startswith(b"+OK"))


if __name__ == "__main__":
    unittest.main()
