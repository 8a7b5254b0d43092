"""What a client sees is the same from our pop3d and from Debian's, on equal copies of the same store.

Hundreds of random dialogues, each of one to three sessions, run against both; then directed ones, for the differences
that doc/differences.md promises. Every octet of every reply is equal, save what DIFFERENCES explains; after each
dialogue the two cyrus.index say the same too. A difference that is in the table and never seen fails the test.

PILLARBOX_SEED=n repeats a run; PILLARBOX_DIALOGUES=n says about how many random dialogues there are in all.
"""

import fcntl
import os
import random
import re
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Callable

from compare import Step, play
from cyrus_index import CyrusIndex
from cyruslab import CyrusSite
from mailsite import HERE, PASSWORD, SAMPLES, service_user
from pop3_sessions import CRLF, RandomClient, plain

SEED = int(os.environ.get("PILLARBOX_SEED", random.SystemRandom().randrange(2**32)))
DIALOGUES = int(os.environ.get("PILLARBOX_DIALOGUES", 90))
DOCUMENT = HERE.parent.parent / "doc" / "differences.md"

# Options of the cases on the sample that has most to show.
CASES = {
    "as it comes": {},
    "imap flags": {"popuseimapflags": "yes", "serverinfo": "off", "uidl_format": "uidonly"},
    "dovecot uidl": {"uidl_format": "dovecot", "serverinfo": "min", "expunge_mode": "semidelayed", "allowapop": "no",
                     "statuscache": "yes"},
    "courier uidl": {"uidl_format": "courier", "expunge_mode": "immediate", "popuseimapflags": "yes",
                     "popminpoll": "1h", "poppollpadding": "40"},
    "subfolders": {"uidl_format": "cyrus", "popsubfolders": "yes", "popexpiretime": "90d", "expunge_mode": "delayed"},
    "tls only": {"allowplaintext": "no", "popuseacl": "yes"},
}


@dataclass
class Case:
    name: str
    sample: str
    users: tuple
    options: dict
    logins: dict          # login name -> intname of the mailbox
    deletes: bool = True  # False: every session takes its deletions back before QUIT

    @property
    def whole_index(self):
        """True if everything in cyrus.index is comparable: in the other modes Cyrus cleans up when it likes."""
        return {**SAMPLES[self.sample], **self.options}.get("expunge_mode", "delayed") == "delayed"


def cases():
    uuid = {"alice": "user.alice", "bob": "user.bob"}
    for name, options in CASES.items():
        logins = dict(uuid)
        if name == "subfolders":
            logins["alice+Archive"] = "user.alice.Archive"
        yield Case(name, "cyrus361-uuid", ("alice", "bob"), options, logins)
    yield Case("one", "cyrus361-one", ("eve",), {}, {"eve": "user.eve"})
    legacy = {"ann.lee": "user.ann^lee", "ann.lee@example.com": "example.com!user.ann^lee"}
    yield Case("legacy", "cyrus361-legacy-conv", tuple(legacy), {"conversations": "no"}, legacy)
    yield Case("conversations", "cyrus361-legacy-conv", tuple(legacy), {}, legacy, deletes=False)


# -- the differences ------------------------------------------------------------------------------------------------

@dataclass
class Difference:
    row: str      # words of its line in doc/differences.md
    reason: str
    explains: Callable[[bytes, bytes, bytes], bool]  # (command, ours, theirs), as they came


def both(pattern_ours, pattern_theirs, command=None):
    def explains(sent, ours, theirs):
        return bool((command is None or re.fullmatch(command, sent, re.DOTALL | re.IGNORECASE)) and
                    re.fullmatch(pattern_ours, ours, re.DOTALL) and re.fullmatch(pattern_theirs, theirs, re.DOTALL))
    return explains


def counts_what_is_sent(sent, ours, theirs):
    """A listing whose sizes are ours where they differ: never smaller."""
    left, right = ours.split(b"\r\n"), theirs.split(b"\r\n")
    if sent != b"LIST\r\n" or len(left) != len(right) or left[0] != right[0]:
        return False
    pairs = [(one.split(), other.split()) for one, other in zip(left[1:-2], right[1:-2])]
    return all(one[0] == other[0] and int(one[1]) >= int(other[1]) for one, other in pairs)


DIFFERENCES = {
    "octets after a line of 8191": Difference(
        "line of more than 8191 octets", "a tail must never run as a command of its own",
        both(rb"-ERR Line too long\r\n", rb"(-ERR [^\n]*\r\n){3}", command=rb".{8192,}\n")),
    "NUL in a command": Difference(
        "NUL in a command line", "nothing hides behind a NUL",
        both(rb"-ERR Syntax error\r\n", rb"\+OK\r\n", rb"NOOP\0.*")),
    "TOP of 2^31 lines": Difference(
        "`TOP n m`, m of 2^31 and more", "clients use it to fetch without marking as seen",
        both(rb"\+OK Message follows\r\n.+\r\n\.\r\n", rb"\+OK Message follows\r\n(\r\n)?\.\r\n",
             rb"TOP \d+ 4294967294\r\n")),
    "partial line at the end": Difference(
        "incomplete line when the peer is lost", "only a whole line is a command",
        both(rb"", rb"\+OK\r\n", rb".*[^\n]\[FIN\]")),
    "bad initial response": Difference(
        "AUTH with an initial response that is not base64", "a response ends where its line ends",
        both(rb"-ERR \[AUTH\] authenticating: bad protocol / cancel\r\n-ERR Unrecognized command\r\n",
             rb"\+ \r\n-ERR \[AUTH\] Client canceled authentication\r\n", rb"AUTH .*")),
    "empty response, no encryption": Difference(
        "AUTH in clear text with a response that its mechanism cannot take",
        "the response is judged before the channel",
        both(rb"-ERR \[AUTH\] authenticating: bad protocol / cancel\r\n",
             rb"-ERR \[AUTH\] authenticating: encryption needed to use mechanism\r\n", rb"AUTH PLAIN =\r\n")),
    "APOP": Difference(
        "| `allowapop` |", "APOP needs clear-text passwords, and MD5",
        both(rb"-ERR Unrecognized command\r\n", rb"-ERR (Missing argument|\[AUTH\] authenticating: .*)\r\n",
             rb"APOP.*")),
    "SASL after AUTH": Difference(
        "SASL in CAPA after a login over TLS", "the same answer whatever way the login went (RFC 5034 s3: both states)",
        lambda sent, ours, theirs: re.fullmatch(rb"(?i)CAPA\r?\n", sent) is not None and b"\r\nUSER\r\n" not in ours and
        NEUTRAL["version"][1].sub(b"", ours.replace(b"SASL PLAIN LOGIN\r\n", b"")) ==
        NEUTRAL["version"][1].sub(b"", theirs)),
    "USER survives STLS": Difference(
        "| STLS |", "half a login must not cross into TLS",
        both(rb"-ERR \[AUTH\] Must give USER command\r\n", rb"\+OK Mailbox locked and ready .*", rb"PASS .*")),
    "bare LF in RETR": Difference(
        "bare LF in a message", "a multi-line reply must be one (RFC 1939 s3)",
        lambda sent, ours, theirs: sent.startswith(b"RETR") and ours != theirs and
        re.sub(rb"(?<!\r)\n", rb"\r\n", theirs) == ours),
    "bare LF in TOP": Difference(
        "bare LF in a message", "TOP counts lines, whatever their end",
        lambda sent, ours, theirs: sent.startswith(b"TOP") and b"bare LF" in theirs and
        re.sub(rb"(?<!\r)\n", rb"\r\n", theirs).startswith(ours.removesuffix(b".\r\n"))),
    "octets of a listing": Difference(
        "bare LF in a message, no line end at its end", "LIST promises what RETR sends (RFC 1939 s11)",
        counts_what_is_sent),
    "NUL in a message": Difference(
        "NUL in a message", "what follows must not pass for a reply",
        lambda sent, ours, theirs: b"before\x80after\r\n" in ours and b"beforenext" in theirs),
    "anonymous wedge": Difference(
        "refused anonymous login", "as any failed login",
        both(rb"\+OK Name is a valid mailbox\r\n", rb"-ERR \[AUTH\] Must give PASS command\r\n", rb"USER .*")),
    "INBOX made at login": Difference(
        "`autocreate_quota` unset", "made by the administrator, not by a login",
        both(rb"-ERR \[SYS/TEMP\] Unable to open maildrop: Mailbox does not exist\r\n",
             rb"\+OK Mailbox locked and ready .*", rb"PASS .*")),
    "blank behind a folder": Difference(
        "blank at the end of USER `name+folder`", "as behind a name without folder",
        both(rb"\+OK Mailbox locked and ready .*", rb"-ERR \[SYS/TEMP\] Unable to open maildrop: .*", rb"PASS .*")),
    "QUIT with conversations": Difference(
        "`conversations: yes`", "their database is not written yet, and half an update is none",
        both(rb"-ERR \[SYS/[^\n]*\r\n", rb"\+OK\r\n", rb"QUIT\r\n")),
}

# Parts of a line that differ in every run: the row of the document (a session id needs none), and what is taken out.
NEUTRAL = {
    "version": ("the version in the greeting", re.compile(rb"(?<=Cyrus POP3 )[^ \r\n]+")),
    "session id": ("", re.compile(rb"(?<=SESSIONID=<)test\.example-\d+-\d+-\d+-\d+(?=>\r\n)")),
    "challenge": ("| `allowapop` |", re.compile(rb"(?<=server ready )<\d+\.\d+@test\.example>(?=\r\n)")),
}


class Ledger:
    """Compares exchanges and remembers which differences were seen."""

    def __init__(self):
        self.seen = {}

    def note(self, name):
        self.seen[name] = self.seen.get(name, 0) + 1

    def same(self, ours, theirs):
        """True if the two exchanges are equal or their difference is explained."""
        if ours.reply == theirs.reply:
            return True
        left, right = ours.reply, theirs.reply
        names = []
        for name, (_, pattern) in NEUTRAL.items():
            new_left, new_right = pattern.sub(b"", left), pattern.sub(b"", right)
            if (new_left, new_right) != (left, right):
                names.append(name)
            left, right = new_left, new_right
        if left == right:
            for name in names:
                self.note(name)
            return True
        for name, difference in DIFFERENCES.items():
            if difference.explains(ours.command, ours.reply, theirs.reply):
                self.note(name)
                return True
        return False


# -- two sites with the same store --------------------------------------------------------------------------------

class Pair:
    """Our site and Cyrus's, each on its own copy of the sample."""

    def __init__(self, case, prepare=None):
        self.case = case
        options = {"allowplaintext": "yes", "failedloginpause": "0", **case.options}
        self.arguments = {"sample": case.sample, "users": case.users, "options": options}
        self.prepare = prepare
        self.stack = ExitStack()

    def __enter__(self):
        with self.stack:
            # Cyrus is never started on ours; its tools may prepare the store.
            self.ours = CyrusSite(**self.arguments, services={"pop3": ""}, cyrus_services=())
            self.stack.callback(self.ours.remove)
            self.theirs = CyrusSite(**self.arguments, cyrus_services=("pop3d",))
            self.stack.callback(self.theirs.remove)
            self.sites = (self.ours, self.theirs)
            for site in self.sites:
                if self.prepare is not None:
                    self.prepare(site)
            self.pristine = [files_of(site) for site in self.sites]
            self.ours.start()
            self.theirs.start_cyrus()
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def play(self, sessions):
        """The same sessions against both, side by side: two lists of lists of exchanges."""
        ports = (self.ours.ports["pop3"], self.theirs.cyrus_ports["pop3d"])
        with ThreadPoolExecutor(2) as pool:
            def run(side):
                context = self.sites[side].client_context()
                return [play(ports[side], session, context) for session in sessions]
            return list(pool.map(run, (0, 1)))

    def directories(self, intname):
        return [self.directory(site, intname) for site in self.sites]

    @staticmethod
    def directory(site, intname):
        for header in site.root.rglob("cyrus.header"):
            if f" {intname} " in header.read_bytes().decode("latin-1").replace('"', ""):
                return header.parent
        raise AssertionError(f"no mailbox {intname}")

    def restore(self):
        """Puts both stores back, once Cyrus has let go of the mailboxes: its pop3d keeps a lock while it has one."""
        for site, pristine in zip(self.sites, self.pristine):
            held = []
            for lock in sorted(site.lock_directory().rglob("*.lock")):
                held.append(open(lock, "r+b"))  # kept open: closing gives the lock back
                fcntl.lockf(held[-1], fcntl.LOCK_EX)
            for name, content in files_of(site).items():
                path = site.root / name
                if name not in pristine:
                    # Cyrus believes what statuscache.db says of a mailbox that is put back.
                    if name == "conf/statuscache.db" or (name.startswith("spool/") and
                                                         path.name != "cyrus.annotations"):
                        path.unlink()
                elif pristine[name] != content:
                    put_file(path, pristine[name])
            for name in pristine.keys() - files_of(site).keys():
                put_file(site.root / name, pristine[name])
            for file in held:
                file.close()


def files_of(site):
    """Every octet of the store, name by name."""
    return {str(path.relative_to(site.root)): path.read_bytes() for part in ("spool", "conf")
            for path in sorted((site.root / part).rglob("*")) if path.is_file()}


def put_file(path, content):
    """As Cyrus replaces files: a new one under the old name, so that whoever has the old one open notices."""
    new = path.with_name(path.name + ".restored")
    new.write_bytes(content)
    new.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(new, service_user().pw_uid, service_user().pw_gid)
    new.rename(path)


def transcript(ours, theirs):
    out = []
    for number, (left, right) in enumerate(zip(ours, theirs), 1):
        out.append(f"-- session {number}, ours")
        out += [str(exchange) for exchange in left]
        out.append(f"-- session {number}, Cyrus's")
        out += [str(exchange) for exchange in right]
    return "\n".join(out)


# -- directed dialogues -------------------------------------------------------------------------------------------

ALICE = [Step([b"USER alice\r\n", b"PASS " + PASSWORD.encode() + CRLF])]
BYE = [Step([b"QUIT\r\n"])]

# One session for each difference that shows in a reply.
DIRECTED = {
    "octets after a line of 8191": ALICE + [Step([b"NOOP" + b" " * 20000 + CRLF], burst=True)] + BYE,
    "NUL in a command": ALICE + [Step([b"NOOP\0junk\r\n"])] + BYE,
    "TOP of 2^31 lines": ALICE + [Step([b"TOP 1 4294967294\r\n"])] + BYE,
    "partial line at the end": ALICE + [Step([b"NOOP"], end="fin")],
    "bad initial response": [Step([b"AUTH PLAIN !!!\r\n*\r\n"], burst=True)] + BYE,
    "APOP": [Step([b"APOP alice 0123456789abcdef0123456789abcdef\r\n"])] + BYE,
    "USER survives STLS": [Step([b"USER alice\r\n"]), Step([b"STLS\r\n"]), Step(ALICE[0].commands[1:])],
    "SASL after AUTH": [Step([b"STLS\r\n"]), Step([b"AUTH PLAIN " + plain("alice") + CRLF]), Step([b"CAPA\r\n"])] + BYE,
    "anonymous wedge": [Step([b"USER anonymous\r\n", b"PASS x\r\n"]), Step([b"USER alice\r\n"])] + BYE,
    "blank behind a folder": [Step([b"USER alice+Archive \r\n", b"PASS " + PASSWORD.encode() + CRLF])] + BYE,
    "INBOX made at login": [Step([b"USER nobox\r\n", b"PASS " + PASSWORD.encode() + CRLF])] + BYE,
}
ODD_MESSAGES = {"octets of a listing", "bare LF in RETR", "bare LF in TOP", "NUL in a message"}


# -- the tests ----------------------------------------------------------------------------------------------------

def odd_messages(site):
    """Adds messages to alice's INBOX that no LMTP would take, and lets Cyrus's reconstruct adopt them."""
    folder = site.mailbox_directory("alice")
    head = b"From: a@example.com\r\nSubject: odd\r\n\r\n"
    for uid, text in enumerate((
            head + b"no end of line", head + b".\r\n..\r\n.dot\r\n", head, b"Subject: only headers\r\n",
            head + b"x" * 5000 + b"\r\n." + b"y" * 9000 + b"\r\nend\r\n", head + b"\r\n" * 40,
            b"no header at all\r\n\r\nbody\r\n",
            head + b"\xff\x80 eight bits \x01\x1b\r\n", head + b"cr\rin a line\r\n\r\r\nend\r\n",
            b"Subject: bare LF\n\nbody with bare LF\n.dot\nlast\n", head + b"before\0after\r\nnext\r\n"), 20):
        (folder / f"{uid}.").write_bytes(text)
    site.give_away()
    site.tool("reconstruct", "user.alice")


class SwapDialoguesTest(unittest.TestCase):
    ledger = Ledger()
    maxDiff = None

    def check(self, pair, sessions, label):
        ours, theirs = pair.play(sessions)
        for left, right in zip(ours, theirs):
            self.assertEqual(len(left), len(right), f"{label}\n{transcript([left], [right])}")
            for number, (mine, his) in enumerate(zip(left, right)):
                if not self.ledger.same(mine, his):
                    self.fail(f"{label}: exchange {number} differs\nours:   {mine}\nCyrus's: {his}\n"
                              f"{transcript(ours, theirs)}")
        return ours, theirs

    def check_store(self, pair, label):
        for intname in pair.case.logins.values():
            left, right = (CyrusIndex(folder) for folder in pair.directories(intname))
            self.assertEqual({uid: left.records[uid]["flags"] for uid in left.visible()},
                             {uid: right.records[uid]["flags"] for uid in right.visible()}, label)
            self.assertLessEqual(abs(left.header["pop3_last_login"] - right.header["pop3_last_login"]), 10, label)
            if pair.case.whole_index:
                self.assertEqual(left.timeless(), right.timeless(), label)

    def random_dialogues(self, case):
        share = -(-DIALOGUES // len(list(cases())))
        if "popminpoll" in case.options:
            share = -(-share // 8)  # Cyrus sleeps for three seconds after each login that comes too soon
        rng = random.Random(f"{SEED} {case.name}")
        with Pair(case) as pair:
            mailboxes = {login: len(CyrusIndex(pair.directories(intname)[0]).visible())
                         for login, intname in case.logins.items()}
            for number in range(share):
                label = f"PILLARBOX_SEED={SEED}, case '{case.name}', dialogue {number}"
                client = RandomClient(rng, mailboxes, case.deletes)
                with self.subTest(case=case.name, dialogue=number):
                    self.check(pair, client.sessions(), label)
                    self.check_store(pair, label)
                pair.restore()
        return share

    def directed(self, case, sessions, expected, prepare=None):
        """One dialogue after which the differences `expected`, and no others, have been seen."""
        before = dict(self.ledger.seen)
        with Pair(case, prepare) as pair:
            ours, _ = self.check(pair, sessions(pair) if callable(sessions) else sessions, case.name)
        new = {name for name, count in self.ledger.seen.items() if count > before.get(name, 0)}
        self.assertEqual(new - NEUTRAL.keys(), set(expected))
        return ours

    def test_each_difference_is_in_the_document_and_is_shown_here(self):
        document = DOCUMENT.read_text()
        for name, difference in DIFFERENCES.items():
            self.assertIn(difference.row, document, name)
        for row, _ in NEUTRAL.values():
            self.assertIn(row, document)
        self.assertEqual(DIRECTED.keys() | ODD_MESSAGES | {"QUIT with conversations", "empty response, no encryption"},
                         DIFFERENCES.keys())

    def test_directed_dialogues_show_the_differences_of_replies(self):
        case = Case("directed", "cyrus361-uuid", ("alice", "bob", "nobox"), {"popsubfolders": "yes"},
                    {"alice": "user.alice"})
        with Pair(case) as pair:
            for name, session in DIRECTED.items():
                with self.subTest(difference=name):
                    before = self.ledger.seen.get(name, 0)
                    self.check(pair, [session], f"directed: {name}")
                    self.assertGreater(self.ledger.seen.get(name, 0), before, "both answer the same")

    def test_a_response_that_plain_cannot_take_is_refused_before_the_channel_is(self):
        case = next(case for case in cases() if case.name == "tls only")
        self.directed(case, [[Step([b"AUTH PLAIN =\r\n"])] + BYE], {"empty response, no encryption"})

    def test_messages_that_no_lmtp_would_take_differ_only_as_the_document_says(self):
        uuid = next(case for case in cases() if case.name == "as it comes")
        def sessions(pair):
            count = len(CyrusIndex(pair.directories("user.alice")[0]).visible())
            self.assertEqual(count, 15)
            numbers = [str(number).encode() for number in range(1, count + 1)]
            return [[Step([b"AUTH PLAIN " + plain("alice") + CRLF]), Step([b"LIST\r\n"])] +
                    [Step([b"RETR " + number + CRLF]) for number in numbers] +
                    [Step([b"TOP %s %d\r\n" % (number, lines)]) for number in numbers for lines in (0, 1, 3, 100)] +
                    [Step([b"QUIT\r\n"])]]
        ours = self.directed(uuid, sessions, ODD_MESSAGES, odd_messages)[0]
        listed = next(exchange.reply for exchange in ours if exchange.command == b"LIST\r\n").split(b"\r\n")[1:-2]
        sent = [len(re.sub(rb"(?m)^\.\.", b".", exchange.reply)) - len(b"+OK Message follows\r\n.\r\n")
                for exchange in ours if exchange.command.startswith(b"RETR")]
        self.assertEqual([int(line.split()[1]) for line in listed], sent)

    def test_a_store_with_conversations_is_not_written(self):
        case = next(case for case in cases() if case.name == "conversations")
        self.directed(case, [[Step([b"AUTH PLAIN " + plain("ann.lee") + CRLF]), Step([b"DELE 1\r\n", b"QUIT\r\n"])]],
                      {"QUIT with conversations"})

    def test_random_dialogues_are_answered_octet_by_octet_as_by_cyrus(self):
        started = time.monotonic()
        total = sum(self.random_dialogues(case) for case in cases())
        print(f"PILLARBOX_SEED={SEED}: {total} dialogues in {time.monotonic() - started:.0f} s; "
              f"differences seen: {self.ledger.seen}")
        self.assertGreaterEqual(total, DIALOGUES * 4 // 5)


if __name__ == "__main__":
    unittest.main()
