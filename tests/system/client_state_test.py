"""Clients that leave mail on the server remember unique-ids. After the swap, and after the way back, they fetch nothing
twice and miss nothing: getmail6, mpop and fetchmail, with Cyrus's pop3d and ours on the same store."""

import unittest

import mail_clients
from cyrus_index import CyrusIndex
from imap_client import deliver
from swaplab import SwapSite

UIDL_FORMATS = ("cyrus", "uidonly", "dovecot", "courier")


def message(number):
    return (f"From: sender@example.com\r\nSubject: number {number}\r\nMessage-ID: <{number}@test.example>\r\n\r\n"
            f"body of {number}\r\n").encode()


class ClientStateTest(unittest.TestCase):
    def site(self, **options):
        site = SwapSite(cyrus_services=("pop3d", "lmtpd"), options=options)
        self.addCleanup(site.remove)
        return site.start()

    def deliver(self, site, *numbers):
        deliver(site.cyrus_ports["lmtpd"], "alice", [message(number) for number in numbers])

    def check(self, fetched, *numbers):
        """Exactly these messages, each once."""
        found = sorted(number for number in range(100) for text in fetched if f"\nbody of {number}".encode() in
                       text.replace(b"\r", b"") and text.replace(b"\r", b"").rstrip().endswith(f"of {number}".encode()))
        self.assertEqual((len(fetched), found), (len(numbers), sorted(numbers)), fetched)

    def test_what_was_left_on_the_server_is_not_fetched_again(self):
        for uidl_format in UIDL_FORMATS:
            site = self.site(uidl_format=uidl_format)
            ours, theirs = site.ports["pop3"], site.cyrus_ports["pop3d"]
            number = 10
            for client_class in mail_clients.ALL:
                for first, second, there in ((theirs, ours, "to ours"), (ours, theirs, "to theirs")):
                    with self.subTest(uidl_format=uidl_format, client=client_class.name, swap=there):
                        home = site.root / f"home-{there.replace(' ', '-')}"
                        client = client_class(home)
                        before = client.fetch(first)
                        self.assertGreaterEqual(len(before), 4)
                        self.assertEqual(client.fetch(second), [], "fetched twice")
                        self.deliver(site, number, number + 1)
                        self.check(client.fetch(second), number, number + 1)
                        self.assertEqual(client.fetch(first), [], "fetched twice on the way back")
                        self.deliver(site, number + 2)
                        self.check(client.fetch(first), number + 2)
                        self.assertEqual(client.fetch(second), [])
                        number += 3
            self.assertEqual(site.complaints(), [])
            site.stop()

    def test_delete_after_retrieve_loses_nothing_and_repeats_nothing(self):
        site = self.site()
        ours, theirs = site.ports["pop3"], site.cyrus_ports["pop3d"]
        number = 50
        for client_class in mail_clients.ALL:
            for first, second in ((theirs, ours), (ours, theirs)):
                with self.subTest(client=client_class.name, first="ours" if first == ours else "theirs"):
                    client = client_class(site.root / f"home-delete-{first}", keep=False)
                    client.fetch(first)
                    self.assertEqual(client.fetch(second), [], "was not deleted")
                    self.deliver(site, number, number + 1)
                    self.check(client.fetch(second), number, number + 1)
                    self.deliver(site, number + 2)
                    self.check(client.fetch(first), number + 2)
                    self.assertEqual(client.fetch(second), [])
                    number += 3
        self.assertEqual(list(visible_files(site)), [])
        self.assertEqual(site.complaints(), [])

    def test_leaving_and_deleting_clients_share_a_maildrop(self):
        """One client deletes through ours what another one left through theirs; the next message gets a new unique-id."""
        site = self.site()
        ours, theirs = site.ports["pop3"], site.cyrus_ports["pop3d"]
        keeper = mail_clients.Mpop(site.root / "keeper")
        self.assertEqual(len(keeper.fetch(theirs)), 4)
        remover = mail_clients.Mpop(site.root / "remover", keep=False)
        self.assertEqual(len(remover.fetch(ours)), 4)
        self.deliver(site, 90, 91)
        self.check(keeper.fetch(ours), 90, 91)
        self.check(remover.fetch(theirs), 90, 91)
        self.assertEqual(keeper.fetch(ours), [])


def visible_files(site):
    """Messages that the INBOX of alice still shows."""
    return CyrusIndex(site.mailbox_directory("alice")).visible()


if __name__ == "__main__":
    unittest.main()
