"""pop3d is killed (SIGKILL) while it carries out deletions, beside a live imapd that works on the same mailboxes.

Whatever the moment: a deletion that was acknowledged stays, nothing goes that nobody asked to delete, a session's
deletions are made all or none, no message file of a message that is left is missing, cyrus.index has good CRCs and
counts right, STATUS tells no old counts, no half-written file is left, the next pop3d serves on, and no tool of
Cyrus's finds anything to change: reconstruct -n, quota -f -n, mbexamine, cyr_expire -X 0. imapd never ends.

The child that writes (src/base/run_apart.hpp) is killed too, by a test of its own: pop3d then takes its change back.

PILLARBOX_KILLS=n rounds (default 60, 24 with a sanitizer); PILLARBOX_SEED=n repeats the random choices, though not the moments.
"""

import os
import random
import re
import select
import signal
import threading
import time
import unittest
from contextlib import ExitStack, suppress
from pathlib import Path
from unittest.mock import patch

from cyrus_index import CyrusIndex
from cyruslab import CyrusSite
from imap_client import Imap, deliver, status_item
from mailsite import BUILD, SANITIZED, Connection
from worker_test import Worker

KILLS = int(os.environ.get("PILLARBOX_KILLS", 24 if SANITIZED else 60))
SEED = int(os.environ.get("PILLARBOX_SEED", random.SystemRandom().randrange(2**32)))
LONGEST = 0.020  # seconds between QUIT and the kill
LONG = 0.300  # as long in every fourth round, so that slow builds and machines answer some too
FEW, MANY = 10, 30
SLOW_DISK = {"LD_PRELOAD": str(BUILD / "tests" / "system" / "libslow_writes.so"), "SLOW_WRITE_MICROSECONDS": "1500",
             "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
USERS = ("alice", "bob")  # bob has a quota root


# What mbexamine -q and -c print of a mailbox in order.
HEADINGS = re.compile(r"Examining |\s*(Mailbox Header Info|Path to mailbox|Index Record Info|Message File Info):")


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
                    self.lost += 1  # an assertion in imapd
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
            imap.ok("STATUS INBOX (MESSAGES)")  # fills statuscache.db
            self.commands += 4
            time.sleep(0.003)

    def stop(self):
        self.ended.set()
        self.join()


class Lab:
    def __init__(self, mode):
        options = {"allowplaintext": "yes", "expunge_mode": mode, "duplicatesuppression": "no", "statuscache": "yes",
                   "sync_log": "yes"}
        self.site = CyrusSite(users=USERS, cyrus_services=("imapd", "lmtpd"), services={"pop3": ""}, options=options)
        self.serial = 0
        self.readers = []
        self.worker = None
        self.kills_with_child = 0
        self.complaints = 0

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
            self.status = {user: stack.enter_context(Imap(self.port, user)) for user in USERS}
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

    def children(self):
        """Processes that our worker forked and that outlive it: they have its command line."""
        out = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            pid = int(path.parent.name)
            try:
                arguments = path.read_bytes().split(b"\0")
            except OSError:  # ended meanwhile
                continue
            if str(self.site.imapd_conf).encode() in arguments and arguments[0].endswith(b"pop3d"):
                if pid != self.worker.process.pid:
                    out.append(pid)
        return out

    def kill_worker(self):
        """The kill; returns when what the worker has begun is done."""
        self.worker.process.send_signal(signal.SIGKILL)
        self.worker.process.wait()
        self.kills_with_child += bool(self.children())
        end = time.monotonic() + 30
        while self.children():
            assert time.monotonic() < end, "a child does not end"
            time.sleep(0.001)

    def complain(self):
        """What Cyrus's tools find to change or to say, beyond the names of mailboxes."""
        mailboxes = [f"user.{user}" for user in USERS]
        out = ["reconstruct: " + line for line in self.site.tool("reconstruct", "-n", *mailboxes).splitlines()
               if line not in mailboxes]
        out += ["quota: " + line for line in self.site.tool("quota", "-f", "-n", "-q").splitlines() if line]
        for mailbox in mailboxes:
            for option in ("-q", "-c"):
                out += [f"mbexamine {option}: {line}" for line in self.site.tool("mbexamine", option, mailbox).splitlines()
                        if line and not HEADINGS.match(line)]
        out += [f"left over: {path.name}" for path in (self.site.conf_dir / "quota").rglob("*.NEW")]
        self.complaints += len(out)
        return out


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

    def has_verdict(self):
        return bool(select.select([self.connection.socket], [], [], 0)[0])

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
        time.sleep(rng.uniform(0, LONG if rng.random() < 0.25 else LONGEST))
        lab.kill_worker()
        verdicts = [client.verdict() for client in clients]
        lab.end_worker()
        for client, verdict in zip(clients, verdicts):
            self.assertIn(verdict, ("+OK", None))
        self.check_mailboxes(lab, before, clients, verdicts)
        return [verdict is not None for verdict in verdicts]

    def check_mailboxes(self, lab, before, clients, verdicts):
        for user in USERS:
            index = lab.index(user)  # checks every CRC
            left = set(index.visible())
            acknowledged, asked = set(), set()
            for client, verdict in zip(clients, verdicts):
                if client.user != user:
                    continue
                asked |= client.asked
                if verdict == "+OK":
                    acknowledged |= client.asked
                # Another session may have removed some of them.
                done_by_others = set().union(*(other.asked for other in clients
                                               if other is not client and other.user == user))
                mine = client.asked - done_by_others
                self.assertIn(mine & left, (set(), mine), f"{user}: half of a session's deletions were made")
            self.assertFalse(acknowledged & left, f"{user}: acknowledged deletions came back")
            self.assertLessEqual(before[user] - asked, left, f"{user}: more went than was asked for")
            self.assertLessEqual(left, before[user], f"{user}: came from nowhere")
            for uid in left:
                self.assertTrue((lab.folders[user] / f"{uid}.").exists(), f"{user}: no message file {uid}")
            counters = index.counters()
            self.assertEqual({name: index.header[name] for name in counters}, counters, f"{user}: counters")
            told = status_item(lab.status[user].ok("STATUS INBOX (MESSAGES)"), "MESSAGES")
            self.assertEqual(told, len(left), f"{user}: STATUS tells an old count")
        self.check_readers(lab)

    def check_readers(self, lab):
        for reader in lab.readers:
            self.assertIsNone(reader.trouble)
            self.assertEqual(reader.lost, 0, f"{reader.user}: imapd ended")

    def check_with_cyrus(self, lab):
        """imapd opens the mailboxes and shows what the records say; nobody has anything to repair."""
        for user in USERS:
            with Imap(lab.port, user) as imap:
                imap.ok("SELECT INBOX")
                imap.ok("NOOP")
                index = lab.index(user)
                self.assertEqual(imap.uids(), index.visible())
        self.assertEqual(lab.complain(), [])

    def finish(self, lab):
        """The last checks, with nobody at work: nothing to complain of, and nothing for the repair to change."""
        for reader in lab.readers:
            reader.stop()
        self.check_readers(lab)
        self.check_with_cyrus(lab)
        before = {user: lab.index(user).visible() for user in USERS}
        usage = lab.site.tool("quota")
        lab.site.tool("cyr_expire", "-X", "0")
        self.assertEqual(lab.complain(), [], "after cyr_expire")
        lab.site.tool("reconstruct", *(f"user.{user}" for user in USERS))
        self.assertEqual(lab.site.tool("quota", "-f"), usage)
        self.assertEqual({user: lab.index(user).visible() for user in USERS}, before)

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
            self.finish(lab)
            print(f"PILLARBOX_SEED={SEED}: {rounds} kills in mode {mode}: {sum(answers)} of {len(answers)} QUITs "
                  f"answered, {lab.kills_with_child} kills while a child wrote, {lab.complaints} complaints of tools, "
                  f"{sum(reader.commands for reader in lab.readers)} IMAP commands meanwhile, "
                  f"{sum(reader.lost for reader in lab.readers)} IMAP connections lost", flush=True)
            self.assertGreater(lab.kills_with_child, 0, "no kill came while a child wrote")
        return answers

    def test_no_kill_brings_mail_back_or_takes_more_than_was_asked(self):
        answers = []
        for mode, share in (("delayed", KILLS - KILLS // 2), ("immediate", KILLS // 2)):
            answers += self.run_rounds(mode, share)
        # Otherwise the kills came always too early, or always too late, and nothing was tried.
        self.assertTrue(any(answers), "no QUIT was ever answered")
        self.assertFalse(all(answers), "every QUIT was answered before its kill")

    def test_a_change_is_taken_back_when_the_child_that_writes_it_is_killed(self):
        rounds = max(10, KILLS // 10)
        refused = 0
        rng = random.Random(f"{SEED} child")
        with Lab("delayed") as lab:
            lab.lengthen("alice")
            with patch.dict(os.environ, SLOW_DISK):
                lab.worker = Worker(lab.site)
            for number in range(rounds):
                with self.subTest(round=number, seed=SEED):
                    for user in USERS:
                        lab.top_up(user)
                    before = {user: set(lab.index(user).visible()) for user in USERS}
                    client = Client(lab.worker.port, rng.choice(USERS), rng)
                    client.connection.send("QUIT\r\n")
                    while not (children := children_of(lab.worker.process.pid)) and not client.has_verdict():
                        pass
                    time.sleep(rng.uniform(0, LONGEST))
                    for pid in children:
                        with suppress(ProcessLookupError):  # it was faster
                            os.kill(pid, signal.SIGKILL)
                    verdict = client.verdict()
                    self.assertTrue(verdict == "+OK" or verdict.startswith("-ERR [SYS/TEMP] "), verdict)
                    self.check_mailboxes(lab, before, [client], [verdict])
                    if verdict != "+OK":
                        refused += 1
                        self.assertLessEqual(client.asked, set(lab.index(client.user).visible()))
                if number % 10 == 9:
                    self.check_with_cyrus(lab)
            self.finish(lab)
            self.assertGreater(refused, 0, "every child was faster than its kill")
            print(f"PILLARBOX_SEED={SEED}: {refused} of {rounds} children killed before they were done, "
                  f"{lab.complaints} complaints of tools", flush=True)

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
