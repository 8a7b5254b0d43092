"""Deletions over POP3, judged by Cyrus: its tools find nothing to complain of, its imapd shows what is left."""

import imaplib
import poplib
import unittest

from cyruslab import CyrusSite
from mailsite import PASSWORD

# What its tools print of a mailbox that is in order: its name, and nothing else.
INBOXES = {"alice": [1, 3, 4, 5], "bob": [1, 2]}


class UpdateTest(unittest.TestCase):
    def delete(self, site, user, numbers, retrieve=()):
        client = poplib.POP3("localhost", site.ports["pop3"])
        client.stls(site.client_context())
        client.user(user)
        client.pass_(PASSWORD)
        for number in retrieve:
            client.retr(number)
        for number in numbers:
            client.dele(number)
        self.assertEqual(client.quit(), b"+OK")

    def check(self, site):
        """Everything that Cyrus itself can say about the store."""
        for user in INBOXES:
            name = f"user.{user}"
            self.assertEqual(site.tool("reconstruct", "-n", name).split(), [name])
            self.assertEqual(site.tool("mbexamine", "-q", name).split("...")[1].strip(),
                             "Mailbox has CORRECT total quota usage")
        self.assertNotIn("usage was", site.tool("quota", "-n", "-f"))

    def unseen(self, site, user):
        """(uids, uids without \\Seen) that imapd shows."""
        client = imaplib.IMAP4("127.0.0.1", site.cyrus_ports["imapd"])
        try:
            client.login(user, PASSWORD)
            client.select("INBOX", readonly=True)
            return tuple([int(uid) for uid in client.uid("SEARCH", criterion)[1][0].split()]
                         for criterion in ("ALL", "UNSEEN"))
        finally:
            client.shutdown()

    def run_in(self, mode):
        options = {"expunge_mode": mode, "popuseimapflags": "yes", "allowplaintext": "yes"}
        with CyrusSite(options=options, cyrus_services=("imapd",)) as site:
            self.check(site)
            self.delete(site, "bob", [1])
            self.delete(site, "alice", [2], retrieve=[2, 3])  # uid 4 is \\Deleted: not shown, and 5 is number 3
            self.check(site)
            site.start_cyrus()
            self.assertEqual(self.unseen(site, "bob"), ([2], [2]))
            self.assertEqual(self.unseen(site, "alice"), ([1, 4, 5], [4]))
            site.stop_cyrus()
            self.check(site)
            return self.after(site, mode)

    def after(self, site, mode):
        if mode == "delayed":
            self.assertIn("UID: 1", site.tool("unexpunge", "-l", "user.bob"))
            self.assertIn("restored 1", site.tool("unexpunge", "-a", "user.bob"))
            self.check(site)
            self.delete(site, "bob", [1])
        site.tool("cyr_expire", "-E", "1", "-X", "0")
        self.check(site)

    def test_delayed(self):
        self.run_in("delayed")

    def test_semidelayed(self):
        self.run_in("semidelayed")

    def test_immediate(self):
        self.run_in("immediate")


if __name__ == "__main__":
    unittest.main()
