"""lmtpd is killed at any moment of its deliveries: what was answered with 250 is there, once, and Cyrus has nothing to
repair.

PILLARBOX_KILLS is the number of rounds (default 12), PILLARBOX_SEED repeats a run. Each round: a few clients deliver
messages to both mailboxes as fast as they can, then SIGKILL after a random time.
"""

import os
import random
import re
import signal
import threading
import time
import unittest
from unittest.mock import patch

from cyrus_index import CyrusIndex
from lmtplab import LMTPD, Lmtp, LmtpSite, message
from mailsite import BUILD
from worker_test import Worker

ROUNDS = int(os.environ.get("PILLARBOX_KILLS", "12"))
SEED = int(os.environ.get("PILLARBOX_SEED", str(random.randrange(10**6))))
SLOW_DISK = {"LD_PRELOAD": str(BUILD / "tests" / "system" / "libslow_writes.so"),
             "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
USERS = ("alice", "bob")
LONGEST = 0.4


class Sender(threading.Thread):
    """Delivers until the connection dies. `acknowledged` are (number, user) that were answered with 250."""

    def __init__(self, port, first, rng):
        super().__init__()
        self.port, self.number, self.rng = port, first, rng
        self.acknowledged, self.sent = set(), set()
        self.trouble = None
        self.began = threading.Event()

    def run(self):
        try:
            with Lmtp(self.port) as client:
                client.begin(*USERS)
                self.began.set()
                while True:
                    self.deliver(client)
                    client.envelope(*USERS)
        except (ConnectionError, IndexError):  # killed: no reply any more
            pass
        except AssertionError as failure:
            if "unfinished line" not in str(failure):
                self.trouble = failure

    def deliver(self, client):
        self.number += 1
        client.say("DATA")
        self.sent |= {(self.number, user) for user in USERS}
        client.send(message(self.number, "x" * self.rng.choice((10, 3000, 200000))) + b".\r\n")
        for user in USERS:
            answer = client.reply()[-1]
            if not answer.startswith("250 2.1.5 "):
                raise AssertionError(answer)
            self.acknowledged.add((self.number, user))


class KillLmtpTest(unittest.TestCase):
    def test_no_acknowledged_message_is_lost_and_nothing_is_half_done(self):
        rng = random.Random(SEED)
        site = LmtpSite()
        self.addCleanup(site.remove)
        quota = site.conf_dir / "quota" / "b" / "user.bob"
        quota.write_bytes(quota.read_bytes().replace(b"(926 1000) M (2 50)", b"(926 10000000) M (2 100000)"))
        site.give_away()
        acknowledged, sent = set(), set()
        for round_ in range(ROUNDS):
            with self.subTest(seed=SEED, round=round_):
                with patch.dict(os.environ, SLOW_DISK if rng.random() < 0.5 else {}):
                    worker = Worker(site, "-a", program=LMTPD)
                self.addCleanup(worker.end)
                senders = [Sender(worker.port, 1000 * (10 * round_ + n + 1), random.Random(rng.random())) for n in range(3)]
                for sender in senders:
                    sender.start()
                senders[0].began.wait(30)  # the process is up
                time.sleep(rng.uniform(0, LONGEST))
                worker.process.send_signal(signal.SIGKILL)
                worker.process.wait()
                worker.listener.close()  # who was not accepted yet must not wait for ever
                for sender in senders:
                    sender.join(30)
                    self.assertIsNone(sender.trouble)
                    acknowledged |= sender.acknowledged
                    sent |= sender.sent
                self.compare(site, acknowledged, sent)
        self.assertGreater(len(acknowledged), ROUNDS, "the rounds were too short to show anything")
        for user in USERS:
            self.assertEqual(site.tool("reconstruct", "-n", f"user.{user}").split(), [f"user.{user}"])
        self.assertEqual(site.tool("quota"), site.tool("quota", "-f", check=False))
        self.clean_start_removes_stages(site)

    def compare(self, site, acknowledged, sent):
        """Each message that was answered is in the index of its mailbox, with its file, once; and nothing else is."""
        for user in USERS:
            folder = site.mailbox_directory(user)
            index = CyrusIndex(folder)
            numbers = []
            for uid in index.visible():
                text = (folder / f"{uid}.").read_bytes()
                if found := re.search(rb"^Message-ID: <(\d{4,})@test>\r$", text, re.MULTILINE):
                    numbers.append(int(found[1]))
            self.assertEqual(len(numbers), len(set(numbers)), f"{user}: a message is there twice")
            self.assertLessEqual({number for number, who in acknowledged if who == user}, set(numbers))
            self.assertLessEqual(set(numbers), {number for number, who in sent if who == user})

    def clean_start_removes_stages(self, site):
        worker = Worker(site, "-a", program=LMTPD)
        self.addCleanup(worker.end)
        with Lmtp(worker.port) as client:
            client.begin("alice")
        self.assertEqual(site.stage_files(), [])


if __name__ == "__main__":
    unittest.main()
