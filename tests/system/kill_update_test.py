"""pop3d is killed (SIGKILL) while it carries out deletions, beside a live imapd that works on the same mailboxes.

Whatever the moment: a deletion that was acknowledged stays, nothing goes that nobody asked to delete, no message file
of a message that is left is missing, cyrus.index has good CRCs and opens in imapd, and the next pop3d serves on.

Between the write of the last record and that of the header (two writes only where the change lies behind the first
64 KiB of cyrus.index) a kill leaves counters, highestmodseq, the sync CRCs and the quota behind what the records say
(doc/format/update.md). Cyrus works with that, `reconstruct` and `quota -f` put it right: that much is allowed here, and
nothing that makes reconstruct touch a message. A running imapd does not notice such a change, because highestmodseq is
as before: when its client then stores flags in one of these messages, imapd ends with an assertion (expunged messages
stay expunged); Cyrus's own order of writes has this moment too. One lost IMAP connection for each such kill is allowed
too; the next one works.

PILLARBOX_KILLS=n rounds (default 60); PILLARBOX_SEED=n repeats the random choices, though not the moments.
"""

import os
import random
import signal
import threading
import time
import unittest
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

from cyrus_index import CyrusIndex
from cyruslab import CyrusSite
from imap_client import Imap, deliver
from mailsite import BUILD, Connection
from worker_test import Worker

KILLS = int(os.environ.get("PILLARBOX_KILLS", 60))
SEED = int(os.environ.get("PILLARBOX_SEED", random.SystemRandom().randrange(2**32)))
LONGEST = 0.020  # seconds between QUIT and the kill
FEW, MANY = 10, 30
SLOW_DISK = {"LD_PRELOAD": str(BUILD / "tests" / "system" / "libslow_writes.so"), "SLOW_WRITE_MICROSECONDS": "1500",
             "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
USERS = ("alice", "bob")  # bob has a quota root


# What reconstruct may say after a kill: see the top.
ALLOWED = (r"^user\.\w+:? (updating (exists|answered|flagged|deleted|quota_mailbox_used:|sync_crc(_annot)?) \d+ => \d+"
           r"|uid \d+ future modseq \d+ found)$")


def children_of(parent):
    out = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:  # ended meanwhile
            continue
        if int(fields[1]) == parent:
            out.append(int(stat.parent.name))
    return out


class Reader(threading.Thread):
    """imapd sessions that look at a mailbox all the time and set flags in it, one after the other, until stop()."""

    def __init__(self, port, user, seed):
        super().__init__()
        self.port, self.user = port, user
        self.rng = random.Random(seed)
        self.ended = threading.Event()
        self.trouble = None
        self.commands = 0
        self.lost = 0

    def run(self):
        try:
            while not self.ended.is_set():
                try:
                    with Imap(self.port, self.user) as imap:
                        self.work(imap)
                except ConnectionError:
                    self.lost += 1
        except (AssertionError, OSError) as error:
            self.trouble = f"imapd of the reader: {error}"

    def work(self, imap):
        imap.ok("SELECT INBOX")
        while not self.ended.is_set():
            imap.ok("NOOP")
            uids = imap.uids()
            if uids:
                sign = self.rng.choice("+-")
                # Nothing is said of a message that went meanwhile; the command succeeds all the same.
                imap.ok(f"UID STORE {self.rng.choice(uids)} {sign}FLAGS.SILENT (\\Flagged)")
            self.commands += 3
            time.sleep(0.003)

    def stop(self):
        self.ended.set()
        self.join()


class Lab:
    def __init__(self, mode):
        options = {"allowplaintext": "yes", "expunge_mode": mode, "duplicatesuppression": "no"}
        self.site = CyrusSite(users=USERS, cyrus_services=("imapd", "lmtpd"), services={"pop3": ""}, options=options)
        self.serial = 0
        self.readers = []
        self.worker = None
        self.half_done = dict.fromkeys(USERS, 0)
        self.surplus = dict.fromkeys(USERS, 0)

    def __enter__(self):
        with ExitStack() as stack:
            stack.callback(self.site.remove)
            stack.callback(self.end_worker)
            self.site.start_cyrus()
            self.port = self.site.cyrus_ports["imapd"]
            self.folders = {user: self.site.mailbox_directory(user) for user in USERS}
            for user in USERS:
                reader = Reader(self.port, user, SEED)
                reader.start()
                self.readers.append(reader)
                stack.callback(reader.stop)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def end_worker(self):
        if self.worker is not None:
            self.worker.end()
        self.worker = None

    def index(self, user):
        return CyrusIndex(self.folders[user])

    def top_up(self, user):
        have = len(self.index(user).visible())
        if have >= FEW:
            return
        self.deliver(user, MANY - have)

    def deliver(self, user, count):
        messages = []
        for _ in range(count):
            self.serial += 1
            messages.append(f"Subject: {self.serial}\r\n\r\nbody {self.serial}\r\n".encode())
        deliver(self.site.cyrus_ports["lmtpd"], user, messages)

    def lengthen(self, user):
        """Fills the first 64 KiB of cyrus.index with records of messages that are gone: what changes behind them is
        written in two steps, records and header."""
        self.deliver(user, 600)
        with Imap(self.port, user) as imap:
            imap.ok("SELECT INBOX")
            imap.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
            imap.ok("EXPUNGE")

    def reconstruct(self, *options):
        """What reconstruct says that is more than the names of the mailboxes."""
        text = self.site.tool("reconstruct", *options, *(f"user.{user}" for user in USERS))
        return [line for line in text.splitlines() if line not in {f"user.{user}" for user in USERS}]


class Client:
    """One POP3 session that marks some messages and says QUIT."""

    def __init__(self, port, user, rng):
        self.user = user
        self.connection = Connection(port)
        assert self.connection.line().startswith("+OK")
        answer = self.connection.login(user)
        assert answer.startswith("+OK"), answer
        assert self.connection.ask("UIDL").startswith("+OK")
        listing = dict(line.split() for line in self.connection.body().decode().splitlines())
        self.uids = {int(number): int(identity.split(".")[-1]) for number, identity in listing.items()}
        self.asked = set()
        for number in rng.sample(sorted(self.uids), min(len(self.uids), rng.randint(1, 5))):
            assert self.connection.ask(f"DELE {number}") == "+OK message deleted"
            self.asked.add(self.uids[number])

    def verdict(self):
        """The answer to QUIT; None when the server died before it."""
        try:
            return self.connection.line()
        except (ConnectionError, AssertionError):  # cut off, perhaps in the middle of the line
            return None
        finally:
            self.connection.close()


class KillUpdateTest(unittest.TestCase):
    def round(self, lab, rng):
        for user in USERS:
            lab.top_up(user)
        before = {user: set(lab.index(user).visible()) for user in USERS}
        # Half of the kills find a disk as slow as the pause before them is long.
        with patch.dict(os.environ, SLOW_DISK if rng.random() < 0.5 else {}):
            lab.worker = Worker(lab.site)
        clients = [Client(lab.worker.port, rng.choice(USERS), rng) for _ in range(rng.randint(1, 4))]
        for client in clients:
            client.connection.send("QUIT\r\n")
        time.sleep(rng.uniform(0, LONGEST))
        lab.worker.process.send_signal(signal.SIGKILL)
        lab.worker.process.wait()
        verdicts = [client.verdict() for client in clients]
        lab.end_worker()

        for user in USERS:
            index = lab.index(user)  # checks every CRC
            left = set(index.visible())
            acknowledged, asked = set(), set()
            for client, verdict in zip(clients, verdicts):
                if client.user == user:
                    self.assertIn(verdict, ("+OK", None))
                    asked |= client.asked
                    if verdict == "+OK":
                        acknowledged |= client.asked
            self.assertFalse(acknowledged & left, f"{user}: acknowledged deletions came back")
            self.assertLessEqual(before[user] - asked, left, f"{user}: more went than was asked for")
            self.assertLessEqual(left, before[user], f"{user}: came from nowhere")
            for uid in left:
                self.assertTrue((lab.folders[user] / f"{uid}.").exists(), f"{user}: no message file {uid}")
            # The difference stays until somebody repairs it; every kill between the writes changes it.
            surplus = index.header["exists"] - index.counters()["exists"]
            if surplus != lab.surplus[user]:
                lab.half_done[user] += 1
            lab.surplus[user] = surplus
        self.check_readers(lab)
        return [verdict is not None for verdict in verdicts]

    def check_readers(self, lab):
        for reader in lab.readers:
            self.assertIsNone(reader.trouble)
            self.assertLessEqual(reader.lost, lab.half_done[reader.user], f"{reader.user}: imapd ended without a cause")

    def check_with_cyrus(self, lab):
        """imapd opens the mailboxes and shows what the records say; reconstruct has counters to correct at most."""
        for user in USERS:
            with Imap(lab.port, user) as imap:
                imap.ok("SELECT INBOX")
                imap.ok("NOOP")
                index = lab.index(user)
                self.assertEqual(imap.uids(), index.visible())
        for line in lab.reconstruct("-n"):
            self.assertRegex(line, ALLOWED)

    def run_rounds(self, mode, rounds):
        self.assertTrue(Path(SLOW_DISK["LD_PRELOAD"]).exists(), "build slow_writes")
        rng = random.Random(f"{SEED} {mode}")
        answers = []
        with Lab(mode) as lab:
            if mode == "delayed":  # the other modes repack
                lab.lengthen("alice")
            for number in range(rounds):
                with self.subTest(mode=mode, round=number, seed=SEED):
                    answers += self.round(lab, rng)
                if number % 10 == 9:
                    self.check_with_cyrus(lab)
            self.check_with_cyrus(lab)
            commands = sum(reader.commands for reader in lab.readers)
            for reader in lab.readers:
                reader.stop()
            self.check_readers(lab)
            half_done, lost = sum(lab.half_done.values()), sum(reader.lost for reader in lab.readers)
            self.repair_finds_nothing_but_counters(lab)
        print(f"PILLARBOX_SEED={SEED}: {rounds} kills in mode {mode}: {sum(answers)} of {len(answers)} QUITs answered, "
              f"{half_done} times an index was left with old counters, {commands} IMAP commands meanwhile, {lost} IMAP "
              "connections lost")
        return answers

    def repair_finds_nothing_but_counters(self, lab):
        before = {user: lab.index(user).visible() for user in USERS}
        lab.reconstruct()
        # A kill before a quota file is renamed leaves its .NEW, as it would with Cyrus's own programs. `quota -f` takes
        # that for a quota root, removes it, and says that it failed because the file is gone then.
        lab.site.tool("quota", "-f", check=False)
        self.assertEqual([path.name for path in (lab.site.conf_dir / "quota").rglob("*.NEW")], [])
        self.assertEqual(lab.reconstruct("-n"), [])
        self.assertEqual(lab.site.tool("quota"), lab.site.tool("quota", "-f"))
        self.assertEqual({user: lab.index(user).visible() for user in USERS}, before)

    def test_no_kill_brings_mail_back_or_takes_more_than_was_asked(self):
        answers = []
        for mode, share in (("delayed", KILLS - KILLS // 2), ("immediate", KILLS // 2)):
            answers += self.run_rounds(mode, share)
        # Otherwise the kills came always too early, or always too late, and nothing was tried.
        self.assertTrue(any(answers), "no QUIT was ever answered")
        self.assertFalse(all(answers), "every QUIT was answered before its kill")

    def test_our_master_starts_another_pop3d_after_a_kill(self):
        with Lab("delayed") as lab:
            lab.site.start()
            for _ in range(2):
                with self.subTest():
                    end = time.monotonic() + 30  # the port answers before a worker has been forked
                    while not (pids := children_of(lab.site.process.pid)):
                        self.assertLess(time.monotonic(), end, "master starts no worker")
                        time.sleep(0.02)
                    for pid in pids:
                        os.kill(pid, signal.SIGKILL)
                    lab.site.wait_for(lab.site.ports["pop3"])
                    lab.top_up("alice")
                    user_before = lab.index("alice").visible()
                    client = Client(lab.site.ports["pop3"], "alice", random.Random(SEED))
                    client.connection.send("QUIT\r\n")
                    self.assertEqual(client.verdict(), "+OK")
                    self.assertEqual(set(lab.index("alice").visible()), set(user_before) - client.asked)


if __name__ == "__main__":
    unittest.main()
