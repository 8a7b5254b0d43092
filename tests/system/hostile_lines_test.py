"""Lines that no honest client sends, to one running process: each is answered by one line or none, its tail never runs,
and a session beside them goes on. What an argument means in which state is tests/pop3/session_model_test.cpp."""

import re
import unittest
from pathlib import Path

from mailsite import Connection, Site

ONE_MIB = 1 << 20
NUMBERS = {
    "0": "No such message", "5": "No such message", "4294967295": "No such message", "01": None, "-1": "Not a number",
    "+1": "Not a number", "1e1": "Unexpected extra argument", "4294967296": "Not a number",
    "4294967297": "Not a number", str(2**64): "Not a number", "9" * 400: "Not a number",
}


class HostileLinesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site(tls=False, options={"allowplaintext": "yes", "pop3_bad_commands": "0"},
                        attributes="prefork=1 maxchild=1")
        cls.addClassCleanup(cls.site.remove)
        cls.site.start()

    def connect(self, logged_in=True):
        client = Connection(self.site.ports["pop3"])
        self.addCleanup(client.close)
        self.assertRegex(client.line(), r"^\+OK ")
        if logged_in:
            self.assertRegex(client.login("alice"), r"^\+OK ")
        return client

    def memory(self):
        """Resident octets of all our processes."""
        total = 0
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                command = (status.parent / "cmdline").read_bytes()
                if str(self.site.imapd_conf).encode() in command:
                    total += int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1]) * 1024
            except (OSError, TypeError):
                continue
        return total

    def test_lines_of_every_length_are_taken_or_refused_whole(self):
        before = self.connect(logged_in=False)
        within = self.connect()
        for octets in (254, 255, 256, 512, 8191, 8192, ONE_MIB):
            with self.subTest(octets=octets):
                taken = octets <= 8191
                # The name is too long for any user, which is said only when the line was read.
                line = b"USER " + b"u" * (octets - 5)
                before.send(line + b"\r\nXYZZY\r\n")
                self.assertEqual(before.line(), "-ERR [AUTH] Invalid user" if taken else "-ERR Line too long")
                self.assertEqual(before.line(), "-ERR Unrecognized command")
                # Every piece that a buffer could be cut at is a command that would show itself.
                line = b"NOOP " + b"DELE 1 " * (octets // 7 + 1)
                within.send(line[:octets] + b"\r\nSTAT\r\n")
                self.assertEqual(within.line(), "-ERR Unexpected extra argument" if taken else "-ERR Line too long")
                self.assertEqual(within.line(), "+OK 4 2610")
        self.assertEqual(within.ask("QUIT"), "+OK")

    def test_a_line_without_an_end_ends_the_connection_and_costs_no_memory(self):
        beside = self.connect()
        before = self.memory()
        for logged_in in (False, True):
            client = self.connect(logged_in)
            sent = 0
            with self.assertRaises(OSError):
                while sent < 64 * ONE_MIB:
                    client.socket.sendall(b"NOOP" * 16384)
                    sent += 65536
            self.assertLess(sent, 64 * ONE_MIB)
        self.assertLess(self.memory() - before, 8 * ONE_MIB)
        self.assertEqual(beside.ask("NOOP"), "+OK")

    def test_odd_octets_are_no_part_of_a_command(self):
        client = self.connect()
        for line, answer in (
                (b"NOOP\0\r\n", "-ERR Syntax error"), (b"\0NOOP\r\n", "-ERR Syntax error"),
                (b"NOOP\0junk\nNOOP\0\n", "-ERR Syntax error"), (b"", "-ERR Syntax error"),
                (b"NO\rOP\r\n", "-ERR Unrecognized command"), (b"NOOP\r\r\n", "-ERR Syntax error"),
                (b"NOOP\n", "+OK"), (b"\rNOOP\r\n", "-ERR Unrecognized command"),
                (b"NOOP\r", None), (b"\n", "+OK"), (b"NOOP\rQUIT\r\n", "-ERR Unexpected extra argument"),
                (b"NOOP\xc2\xa0\r\n", "-ERR Unrecognized command"), (b"NOOP\xe3\x80\x80x\r\n", "-ERR Unrecognized command"),
                (b"NOOP:\r\n", "-ERR Unrecognized command"), (b":\r\n", "-ERR Unrecognized command"),
                (b"\r\n", "-ERR Unrecognized command"), (b"\n", "-ERR Unrecognized command"),
                (bytes(range(0x80, 0x100)) + b"\r\n", "-ERR Unrecognized command"),
                (b"STAT\x0b\r\n", "-ERR Syntax error"), (b"LIST\x0c1\r\n", "+OK 1 480")):
            client.send(line)
            if answer is not None:
                self.assertEqual(client.line(), answer, line)
        self.assertEqual(client.ask("STAT"), "+OK 4 2610")

    def test_a_hundred_thousand_empty_lines_hold_up_nobody(self):
        beside = self.connect()
        client = self.connect()
        client.send(b"\r\n" * 10000)
        for _ in range(10):
            client.send(b"\r\n" * 9000)
            self.assertEqual(beside.ask("NOOP"), "+OK")
            for _ in range(9000):
                self.assertEqual(client.line(), "-ERR Unrecognized command")

    def test_numbers_at_every_edge(self):
        client = self.connect()
        for number, words in NUMBERS.items():
            for verb in ("LIST", "UIDL", "RETR", "DELE", "TOP"):
                with self.subTest(verb=verb, number=number[:24]):
                    answer = client.ask(f"{verb} {number}" + (" 0" if verb == "TOP" else ""))
                    expected = words
                    if verb == "TOP" and words == "Not a number":
                        expected = "Missing argument"
                    elif verb == "TOP" and words == "Unexpected extra argument":
                        expected = "Invalid number of lines"
                    if expected is not None:
                        self.assertEqual(answer, f"-ERR {expected}")
                        continue
                    self.assertRegex(answer, r"^\+OK ")
                    if verb in ("RETR", "TOP"):
                        client.body()
                    self.assertEqual(client.ask("RSET"), "+OK")
        whole = self.retrieve(client, "RETR 1")
        for lines in ("4294967294", "4294967295", "2147483648", "1000"):
            self.assertEqual(self.retrieve(client, f"TOP 1 {lines}"), whole)
        for lines in ("4294967296", "-1", "1e1x", str(2**64), "9" * 400):
            wanted = "Unexpected extra argument" if lines == "1e1x" else "Invalid number of lines"
            self.assertEqual(client.ask(f"TOP 1 {lines}"), f"-ERR {wanted}")

    def retrieve(self, client, command):
        self.assertEqual(client.ask(command), "+OK Message follows")
        return client.body()


if __name__ == "__main__":
    unittest.main()
