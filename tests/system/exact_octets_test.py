"""LIST says what RETR sends, also for messages that no mail server of ours would have stored like that."""

import struct
import unittest
import zlib

from mailsite import Connection, Site

ODD = {
    1: b"Subject: bare\n\nLF only\n.dot\n",
    3: b"Subject: cut\r\n\r\nno line end",
    4: b"Subject: nul\r\n\r\nbefore\0after\r\n\0\r\n.\r\nend\r\n",
    5: b"Subject: header only\r\n",
}


def expected(data):
    """What a client must get: CRLF everywhere, NUL as 0x80, a last line end."""
    lines = data.replace(b"\r\n", b"\n").replace(b"\0", b"\x80").split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


class ExactOctetsTest(unittest.TestCase):
    def replace_messages(self, site):
        """Puts odd messages in place of alice's, with records that know their lengths."""
        folder = site.mailbox_directory("alice")
        index = bytearray((folder / "cyrus.index").read_bytes())
        start, size, count = struct.unpack(">III", index[12:24])
        for number in range(count):
            at = start + number * size
            uid = struct.unpack(">I", index[at:at + 4])[0]
            if uid in ODD:
                (folder / f"{uid}.").unlink()
                (folder / f"{uid}.").write_bytes(ODD[uid])
                index[at + 12:at + 16] = struct.pack(">I", len(ODD[uid]))
                index[at + size - 4:at + size] = struct.pack(">I", zlib.crc32(index[at:at + size - 4]))
        (folder / "cyrus.index").write_bytes(bytes(index))

    def look(self, site):
        with Connection(site.ports["pop3"]) as client:
            self.assertTrue(client.line().startswith("+OK"))
            self.assertTrue(client.login("alice").startswith("+OK"))
            wanted = [expected(ODD[uid]) for uid in (1, 3, 4, 5)]
            self.assertEqual(client.ask("STAT"), f"+OK 4 {sum(map(len, wanted))}")
            client.send("LIST\r\n")
            client.line()
            self.assertEqual(client.body(), b"".join(f"{n} {len(text)}\r\n".encode() for n, text in enumerate(wanted, 1)))
            for number, text in enumerate(wanted, 1):
                self.assertEqual(client.ask(f"RETR {number}"), "+OK Message follows")
                self.assertEqual(client.body(), text)
                self.assertEqual(client.ask(f"LIST {number}"), f"+OK {number} {len(text)}")
            self.assertEqual(client.ask("TOP 1 0"), "+OK Message follows")
            self.assertEqual(client.body(), b"Subject: bare\r\n\r\n")
            return client.ask("QUIT")

    def test_list_equals_retr_at_the_first_and_at_later_logins(self):
        with Site(tls=False, options={"allowplaintext": "yes"}) as site:
            self.replace_messages(site)
            site.give_away()
            for _ in range(2):
                self.assertEqual(self.look(site), "+OK")
            memory = list((site.conf_dir / "pillarbox" / "sizes").rglob("*"))
            self.assertTrue(any(path.is_file() for path in memory))

    def test_it_does_so_without_a_place_to_remember(self):
        with Site(tls=False, options={"allowplaintext": "yes"}) as site:
            self.replace_messages(site)
            (site.conf_dir / "pillarbox").write_text("in the way")
            site.give_away()
            for _ in range(2):
                self.assertEqual(self.look(site), "+OK")

    def test_a_message_that_grows_on_the_wire_can_be_deleted(self):
        with Site(tls=False, options={"allowplaintext": "yes"}) as site:
            self.replace_messages(site)
            site.give_away()
            with Connection(site.ports["pop3"]) as client:
                client.line()
                self.assertTrue(client.login("alice").startswith("+OK"))
                self.assertEqual(client.ask("DELE 1"), "+OK message deleted")
                self.assertEqual(client.ask("QUIT"), "+OK")
            with Connection(site.ports["pop3"]) as client:
                client.line()
                client.login("alice")
                self.assertEqual(client.ask("UIDL 1"), "+OK 1 1795382168.3")


if __name__ == "__main__":
    unittest.main()
