"""Clients that work on a few mailboxes all at once, and a ledger that accounts for every message.

Each message has a token of its own in its Subject and the digest of its body in X-Check. The ledger knows what was handed
in, what was acknowledged, which UID each message has, and who was told that it is gone; whatever contradicts that is an
AssertionError at the client that saw it, or at the end.
"""

import hashlib
import random
import re
import smtplib
import threading
import time
from collections import Counter

from imap_client import Imap
from mailsite import Connection

TIMEOUT = 60  # seconds for one answer: a server that takes longer is stuck


def make_message(token, rng):
    lines = []
    for _ in range(rng.choice((0, 1, 5, 40, 400))):
        lines.append(rng.choice(("", ".", "..", ".leading dot", "text " * rng.randrange(15), "caf\xe9")))
    body = "".join(line + "\r\n" for line in lines).encode("latin-1")
    kind = rng.choice(("text/plain; charset=iso-8859-1", "multipart/mixed; boundary=xyz", "message/rfc822"))
    head = (f"From: Race <race@example.com>\r\nTo: you@example.com\r\nSubject: {token}\r\nMessage-ID: <{token}@race>\r\n"
            f"Date: Fri, 27 Nov 2026 12:00:00 +0100\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n"
            f"X-Check: {hashlib.sha1(body).hexdigest()}\r\n\r\n")
    return head.encode() + body


def read_message(text):
    """The token of a whole message, which must be as it was made. None: none of ours."""
    head, _, body = text.partition(b"\r\n\r\n")
    token = re.search(rb"(?m)^Subject: (t\S+)\r?$", head)
    check = re.search(rb"(?m)^X-Check: (\w+)\r?$", head)
    if token is None or check is None:
        return None
    assert hashlib.sha1(body).hexdigest() == check[1].decode(), f"{token[1]}: the body has changed"
    return token[1].decode()


class Ledger:
    """What must be in each mailbox. Thread-safe."""

    def __init__(self, users):
        self.lock = threading.Lock()
        self.handed_in = {user: set() for user in users}
        self.taken = {user: set() for user in users}     # acknowledged with 250
        self.refused = {user: set() for user in users}   # answered otherwise: must not be there
        self.wanted = {user: set() for user in users}    # somebody asked to delete it
        self.deleted = {user: {} for user in users}      # UID -> who was told that it is gone
        self.token_of = {user: {} for user in users}     # UID -> token, for ever
        self.uid_of = {user: {} for user in users}
        self.counts = Counter()

    def hand_in(self, user, token):
        with self.lock:
            self.handed_in[user].add(token)

    def answered(self, user, token, good):
        with self.lock:
            (self.taken if good else self.refused)[user].add(token)
            self.counts["delivered" if good else "deferred"] += 1

    def saw(self, user, uid, token):
        with self.lock:
            known = self.token_of[user].setdefault(uid, token)
            assert known == token, f"{user}: UID {uid} was {known} and is {token}"
            if token is not None:
                place = self.uid_of[user].setdefault(token, uid)
                assert place == uid, f"{user}: {token} has the UIDs {place} and {uid}"
                assert token in self.handed_in[user], f"{user}: nobody sent {token} here"

    def want_gone(self, user, uids):
        with self.lock:
            self.wanted[user] |= uids

    def gone(self, user, uids, who):
        with self.lock:
            self.deleted[user] |= dict.fromkeys(uids, who)
            self.counts["deleted"] += len(uids)

    def count(self, what, number=1):
        with self.lock:
            self.counts[what] += number

    def gone_before(self, user):
        """What whoever opens the mailbox from now on must not find: UID -> who was told that it is gone."""
        with self.lock:
            return dict(self.deleted[user])

    @staticmethod
    def check_gone(user, gone, uids):
        back = {uid: gone[uid] for uid in set(uids) & set(gone)}
        assert not back, f"{user}: acknowledged deletions came back: {back}"

    def check_end(self, user, contents):
        """`contents` is UID -> token of all that is left, when nobody works any more."""
        tokens = [token for token in contents.values() if token is not None]
        assert len(tokens) == len(set(tokens)), f"{user}: a message is there twice"
        present = set(tokens)
        assert not present & self.refused[user], f"{user}: refused, and there: {present & self.refused[user]}"
        wanted = {self.token_of[user][uid] for uid in self.wanted[user]}
        lost = self.taken[user] - present - wanted
        assert not lost, f"{user}: acknowledged, wanted by nobody to go, and lost: {sorted(lost)[:5]} of {len(lost)}"
        self.check_gone(user, self.deleted[user], contents)


class Client(threading.Thread):
    """One client of a kind, over and over until `over` is set. `trouble` is what went wrong, in the end."""

    def __init__(self, ledger, users, port, over, seed):
        super().__init__()
        self.ledger, self.users, self.port, self.over = ledger, users, port, over
        self.rng = random.Random(seed)
        self.name = f"{type(self).__name__} at {port}"
        self.trouble = None

    def run(self):
        try:
            while not self.over.is_set():
                self.session()
                time.sleep(self.rng.random() * 0.05)
        except Exception as error:  # pylint: disable=broad-except  # reported by whoever joins us
            self.trouble = error
            self.over.set()


class Deliverer(Client):
    serial = 0
    serial_lock = threading.Lock()

    def session(self):
        with smtplib.LMTP("127.0.0.1", self.port, timeout=TIMEOUT) as lmtp:
            lmtp.ehlo_or_helo_if_needed()
            for _ in range(self.rng.randrange(1, 6)):
                self.deliver(lmtp)

    def deliver(self, lmtp):
        with Deliverer.serial_lock:
            Deliverer.serial += 1
            token = f"t{Deliverer.serial}"
        users = self.rng.sample(self.users, self.rng.choice((1, 1, 1, 2, len(self.users))))
        for user in users:
            self.ledger.hand_in(user, token)
        code, text = lmtp.mail("sender@example.com")
        assert code == 250, text
        accepted = []
        for user in users:
            code, text = lmtp.rcpt(user)
            assert code // 100 in (2, 4), (user, code, text)
            if code == 250:
                accepted.append(user)
            else:
                self.ledger.answered(user, token, False)
        if not accepted:
            lmtp.rset()
            return
        code, text = lmtp.docmd("DATA")
        assert code == 354, text
        text = re.sub(rb"(?m)^\.", b"..", make_message(token, self.rng))
        lmtp.send(text + b".\r\n")
        for user in accepted:
            code, text = lmtp.getreply()
            assert code // 100 in (2, 4), (user, code, text)
            self.ledger.answered(user, token, code // 100 == 2)


class Pop3Client(Client):
    may_lose_files = False   # with other expunge_modes than delayed, a message can go under a session
    says_ok_always = False   # Cyrus's pop3d says +OK to QUIT whatever became of the deletions
    may_read_torn = False    # and reads a record without a lock, also while somebody writes it

    def session(self):
        user = self.rng.choice(self.users)
        gone = self.ledger.gone_before(user)
        with Connection(self.port) as pop3:
            pop3.socket.settimeout(TIMEOUT)
            greeting = pop3.line()
            assert greeting is not None and greeting.startswith("+OK"), greeting
            answer = pop3.login(user)
            if answer.startswith(("-ERR [IN-USE]", "-ERR [SYS/TEMP]")):
                self.ledger.count("busy logins")
                return
            assert answer.startswith("+OK"), answer
            self.work(pop3, user, gone)
        self.ledger.count("pop3 sessions")

    def work(self, pop3, user, gone):
        scan, uidl = self.listing(pop3, "LIST"), self.listing(pop3, "UIDL")
        assert [number for number, _ in scan] == [number for number, _ in uidl] == list(range(1, len(scan) + 1)), scan
        uids = {number: int(uid.split(".")[1]) for number, uid in uidl}
        self.ledger.check_gone(user, gone, uids.values())
        fetched, deleted = set(), set()
        for number in self.rng.sample(sorted(uids), min(len(uids), self.rng.randrange(12))):
            if self.retrieve(pop3, user, number, uids[number], int(dict(scan)[number])):
                fetched.add(number)
        for number in sorted(fetched)[:self.rng.randrange(4) if len(uids) < 30 else None]:
            answer = pop3.ask(f"DELE {number}")
            assert answer == "+OK message deleted", answer
            deleted.add(number)
        rest = [entry for entry in scan if entry[0] not in deleted]
        assert self.listing(pop3, "LIST") == rest, "a number has moved"
        assert self.listing(pop3, "UIDL") == [entry for entry in uidl if entry[0] not in deleted], "a number has moved"
        if self.rng.random() < 0.1:
            return  # the line drops: nothing goes
        mine = {uids[number] for number in deleted}
        self.ledger.want_gone(user, mine)
        answer = pop3.ask("QUIT")
        if answer == "+OK":
            if not self.says_ok_always:
                self.ledger.gone(user, mine, self.name)
        else:
            assert answer is not None and answer.startswith("-ERR"), answer
            self.ledger.count("refused QUITs")

    def retrieve(self, pop3, user, number, uid, octets):
        answer = pop3.ask(f"RETR {number}")
        if self.may_lose_files and answer == "-ERR [SYS/PERM] Could not read message file":
            self.ledger.count("files that were gone")
            return False
        if self.may_read_torn and answer == "-ERR [SYS/PERM] Could not read index record":
            self.ledger.count("torn records")
            time.sleep(0.1)  # it is whole again by then
            answer = pop3.ask(f"RETR {number}")
        assert answer == "+OK Message follows", answer
        text = pop3.body()
        assert len(text) == octets, f"{user}: UID {uid}: LIST said {octets}, RETR sent {len(text)}"
        self.ledger.saw(user, uid, read_message(text))
        self.ledger.count("retrieved")
        return True

    @staticmethod
    def listing(pop3, command):
        answer = pop3.ask(command)
        assert answer.startswith("+OK"), answer
        return [(int(number), rest) for number, rest in (line.split(" ", 1) for line in pop3.body().decode().splitlines())]


class ImapClient(Client):
    def session(self):
        user = self.rng.choice(self.users)
        with Imap(self.port, user, timeout=TIMEOUT) as imap:
            gone = self.ledger.gone_before(user)
            imap.ok("SELECT INBOX")
            for _ in range(self.rng.randrange(1, 5)):
                self.look(imap, user, gone)
                gone = self.ledger.gone_before(user)
                imap.ok("NOOP")
        self.ledger.count("imap sessions")

    def look(self, imap, user, gone):
        contents = fetch_tokens(imap)
        self.ledger.check_gone(user, gone, contents)
        for uid, token in contents.items():
            self.ledger.saw(user, uid, token)
        uids = [uid for uid, token in contents.items() if token is not None]
        if not uids:
            return
        some = self.rng.sample(uids, min(len(uids), 3))
        imap.ok(f"UID STORE {some[0]} +FLAGS.SILENT (\\Flagged)")
        if len(uids) > 20 or self.rng.random() < 0.3:
            self.ledger.want_gone(user, set(some))
            what = ",".join(map(str, some))
            imap.ok(f"UID STORE {what} +FLAGS.SILENT (\\Deleted)")
            imap.ok(f"UID EXPUNGE {what}")
            self.ledger.gone(user, set(some), self.name)


def fetch_tokens(imap):
    """UID -> token of the selected mailbox; None for a message that is none of ours."""
    out = {}
    for line in imap.ok("UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT X-Check)])"):
        if uid := re.match(r"\* \d+ FETCH \(.*?UID (\d+)", line):
            token = re.search(r"Subject: (t\S+)\r\n", line)
            out[int(uid[1])] = token[1] if token and "X-Check: " in line else None
    return out
