"""Two slow sessions, one that hardly says a word and one that takes ages to read one message, while others come and go,
processes are used up around them and master is told to reload: under Cyrus's master and under ours.

PILLARBOX_SLOW=3600 holds them for an hour (5 seconds by default).
"""

import os
import smtplib
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from cyruslab import unpack
from mailsite import MASTER
from swaplab import CYRUS_MASTER, SwapSite, session, until

HOLD = float(os.environ.get("PILLARBOX_SLOW", 5))
MASTERS = {"Cyrus's": CYRUS_MASTER, "ours": MASTER}
# Well over what two socket buffers take on their own, so that the server has to wait for the reader.
LINES = 400_000
LINE = "The quick brown fox jumps over the lazy dog, again.\r\n"
# poptimeout is ten minutes at least, and a client that says something within it is not idle.
LONGEST_SILENCE = 540.0
SIPS = 400


class SlowSessions(unittest.TestCase):
    def site(self, master):
        site = SwapSite(master=master, services={"pop3": "-U 5 -T 1"}, attributes="prefork=1 maxchild=6",
                        cyrus_services=("lmtpd",))
        self.addCleanup(site.remove)
        site.start()
        text = "Subject: long\r\n\r\n" + LINE * LINES
        with smtplib.LMTP("127.0.0.1", site.cyrus_ports["lmtpd"]) as lmtp:
            lmtp.sendmail("", "bob", text)
        return site

    def log_in(self, site, user):
        client = site.pop3()
        self.addCleanup(client.close)
        client.socket.settimeout(LONGEST_SILENCE)
        self.assertRegex(client.line(), r"^\+OK")
        self.assertRegex(client.login(user), r"^\+OK")
        return client

    def hardly_says_a_word(self, client, end):
        self.assertEqual(client.ask("DELE 1"), "+OK message deleted")
        asked = 0
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(LONGEST_SILENCE, HOLD / 4, left))
            self.assertEqual(client.ask("NOOP"), "+OK")
            asked += 1
        self.assertEqual(client.ask("STAT"), "+OK 3 2130")
        self.assertEqual(client.ask("QUIT"), "+OK")
        self.assertIsNone(client.line())
        return asked

    def reads_slowly(self, client, end):
        number, octets = client.ask("STAT").split()[1:3]
        octets = int(client.ask(f"LIST {number}").split()[2])
        client.send(f"RETR {number}\r\n")
        sip = (octets + 1000) // SIPS
        got = bytearray()
        while not got.endswith(b"\r\n.\r\n"):
            block = client.socket.recv(sip)
            self.assertTrue(block, f"closed after {len(got)} of {octets} octets")
            got += block
            left = end - time.monotonic()
            if left > 0:
                time.sleep(min(left, HOLD / SIPS))
        head, _, body = bytes(got).partition(b"\r\n")
        self.assertEqual(head, b"+OK Message follows")
        self.assertEqual(len(body) - len(b".\r\n"), octets)
        self.assertEqual(body.count(LINE.encode()), LINES)
        self.assertEqual(client.ask("QUIT"), "+OK")
        return octets

    def hold(self, name, master):
        site = self.site(master)
        mute, reader = self.log_in(site, "alice"), self.log_in(site, "bob")
        end = time.monotonic() + HOLD
        over = threading.Event()
        waits = []

        def others():
            while not over.wait(min(1.0, HOLD / 40)):
                waits.append(session(site.ports["pop3"], "bob"))

        with ThreadPoolExecutor(3) as pool:
            slow = [pool.submit(self.hardly_says_a_word, mute, end), pool.submit(self.reads_slowly, reader, end)]
            guests = pool.submit(others)
            time.sleep(HOLD / 2)
            site.hang_up()
            try:
                asked, octets = (future.result() for future in slow)
            finally:
                over.set()
            guests.result()
        self.assertLess(max(waits), 1.0)
        self.assertEqual(site.complaints(), [])
        session(site.ports["pop3"], hold=lambda client: self.assertEqual(client.ask("STAT"), "+OK 3 2130"))
        print(f"{name} master: two sessions held for {HOLD:.0f} s ({asked} NOOPs; {octets} octets read slowly), "
              f"{len(waits)} others greeted within {max(waits):.3f} s")

    def test_held_for_as_long_as_they_like(self):
        unpack()  # once, before two threads ask for it
        with ThreadPoolExecutor(len(MASTERS)) as pool:
            for future in [pool.submit(self.hold, name, master) for name, master in MASTERS.items()]:
                future.result()


if __name__ == "__main__":
    unittest.main()
