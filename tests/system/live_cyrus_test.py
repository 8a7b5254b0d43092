"""Our POP3 sessions beside Debian's Cyrus, on the same mailbox at the same moment: imapd, lmtpd, and then its tools.

In each of the three expunge_modes, for mailboxes in the layout by uniqueid and in the one by name.
"""

import hashlib
import re
import time
import unittest
from contextlib import ExitStack
from dataclasses import dataclass

from cyrus_index import EXPUNGED, NEEDS_CLEANUP, UNLINKED, CyrusIndex
from cyruslab import CyrusSite
from imap_client import Imap, deliver, status_item
from mailsite import Connection

MODES = ("delayed", "semidelayed", "immediate")
PATIENCE = 10  # seconds that Cyrus may take to clean up after itself
PROMPT = 3     # seconds: an answer that nobody holds up comes long before


@dataclass
class Layout:
    sample: str
    user: str
    mailbox: str  # as administrators call it over IMAP
    intname: str
    archive: str  # an INBOX to rename to
    options: dict


LAYOUTS = (
    Layout("cyrus361-uuid", "alice", "user.alice", "user.alice", "user.carol", {}),
    # The sample has a conversations database, which is left alone: the option is off here.
    Layout("cyrus361-legacy-conv", "ann.lee", "user/ann.lee", "user.ann^lee", "user/carol", {"conversations": "no"}),
)


def message(number):
    return (f"From: sender@example.com\r\nSubject: number {number}\r\nMessage-ID: <{number}@test.example>\r\n\r\n"
            f"body of {number}\r\n").encode()


class Lab:
    """A running site of both, with five more messages in the INBOX of the layout's user and a quota on it."""

    def __init__(self, layout, mode, **options):
        self.layout = layout
        settings = {"allowplaintext": "yes", "allowusermoves": "yes", "imapidlepoll": "1", "expunge_mode": mode,
                    "sync_log": "yes", "auditlog": "yes", **layout.options, **options}
        self.site = CyrusSite(sample=layout.sample, users=(layout.user, "cyrus"), options=settings,
                              services={"pop3": ""}, cyrus_services=("imapd", "lmtpd"))

    def __enter__(self):
        with ExitStack() as stack:
            stack.callback(self.site.remove)
            self.site.start_cyrus()
            self.site.start()
            with self.imap("cyrus") as admin:
                admin.ok(f'SETQUOTA "{self.layout.mailbox}" (STORAGE 1000 MESSAGE 100)')
                admin.ok(f'SETACL "{self.layout.mailbox}" cyrus lrswipkxtecda')
            self.deliver(*range(1, 6))
            self.complaints_before = self.complaints()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def imap(self, user=None):
        return Imap(self.site.cyrus_ports["imapd"], user or self.layout.user)

    def deliver(self, *numbers):
        deliver(self.site.cyrus_ports["lmtpd"], self.layout.user, [message(number) for number in numbers])

    def pop3(self):
        connection = Connection(self.site.ports["pop3"])
        assert connection.line().startswith("+OK")
        answer = connection.login(self.layout.user)
        assert answer.startswith("+OK"), answer
        return connection

    def directory(self):
        for header in self.site.root.rglob("cyrus.header"):
            if f" {self.layout.intname} ".encode() in header.read_bytes():
                return header.parent
        raise AssertionError("no such mailbox")

    def index(self):
        return CyrusIndex(self.directory())

    def state(self):
        """What lies in the spool and in the quota files, to tell whether anything was written."""
        return {path: hashlib.sha1(content).hexdigest() for path, content in self.site.tree().items()
                if path.startswith(("spool/", "conf/quota/", "conf/sync/"))}

    # -- Cyrus's tools --------------------------------------------------------------------------------------------

    def complaints(self):
        """What Cyrus's tools have to say that is more than the names of mailboxes."""
        out = []
        names = re.compile(r"([\w.^@/!-]+|)")
        out += ["reconstruct: " + line for line in self.site.tool("reconstruct", "-n", "-r", "user").splitlines()
                if not names.fullmatch(line)]
        usage = self.site.tool("quota")
        repaired = self.site.tool("quota", "-f")
        if usage != repaired:
            out.append(f"quota: {usage}\nbecame {repaired}")
        # ctl_mboxlist 3.6.1 looks for each mailbox in its legacy directory, so it complains about every other one.
        out += ["ctl_mboxlist: " + line for line in self.site.tool("ctl_mboxlist", "-v").splitlines() if line]
        out += ["chk_cyrus: " + line for line in self.site.tool("chk_cyrus").splitlines()
                if line and not line.startswith(("Examining partition", "checking: "))]
        examined = self.site.tool("mbexamine", self.layout.mailbox)
        out += ["mbexamine: " + line for line in examined.splitlines() if re.search("(?i)error|mismatch|corrupt", line)]
        return out

    def check_tools(self, test):
        """Nothing to repair now, nor after cyr_expire has removed what is expunged."""
        test.assertEqual(self.complaints(), self.complaints_before)
        self.site.tool("cyr_expire", "-X", "0")
        test.assertEqual(self.complaints(), self.complaints_before)
        index = self.index()
        test.assertEqual({name: index.header[name] for name in index.counters()}, index.counters())
        test.assertEqual(index.header["num_records"], index.header["exists"], "cyr_expire left expunged records")
        with self.imap() as imap:
            imap.ok("SELECT INBOX")
            test.assertEqual(imap.uids(), index.visible())


def in_every_mailbox(test):
    """Runs test(self, lab) once for each layout and expunge_mode."""
    def run(self):
        for layout in LAYOUTS:
            for mode in MODES:
                with self.subTest(layout=layout.sample, expunge_mode=mode), Lab(layout, mode) as lab:
                    test(self, lab, mode)
    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def listing(connection, command="LIST"):
    assert connection.ask(command).startswith("+OK")
    return connection.body().decode().splitlines()


class LiveCyrusTest(unittest.TestCase):
    maxDiff = None

    @in_every_mailbox
    def test_a_running_imapd_sees_what_we_expunge(self, lab, mode):
        before = lab.index()
        uids = before.visible()
        with lab.imap() as plain, lab.imap() as quick, lab.pop3() as pop3:
            plain.ok("SELECT INBOX")
            quick.ok("ENABLE QRESYNC")
            selected = quick.ok("SELECT INBOX")
            modseq, uidvalidity = status_item(selected, "HIGHESTMODSEQ"), status_item(selected, "UIDVALIDITY")
            self.assertEqual(pop3.ask("DELE 1"), "+OK message deleted")
            self.assertEqual(pop3.ask("DELE 3"), "+OK message deleted")
            self.assertEqual(pop3.ask("QUIT"), "+OK")

            seen = plain.ok("NOOP")
            self.assertEqual([line for line in seen if "EXPUNGE" in line], ["* 1 EXPUNGE", "* 2 EXPUNGE"])
            self.assertEqual(plain.uids(), [uid for uid in uids if uid not in (uids[0], uids[2])])
            vanished = [line for line in quick.ok("NOOP") if "VANISHED" in line]
            self.assertEqual(vanished, [f"* VANISHED {uids[0]},{uids[2]}"])
            self.assertGreater(status_item(quick.ok("STATUS INBOX (HIGHESTMODSEQ)"), "HIGHESTMODSEQ"), modseq)

        with lab.imap() as later:
            later.ok("ENABLE QRESYNC")
            selected = later.ok(f"SELECT INBOX (QRESYNC ({uidvalidity} {modseq}))")
            self.assertGreater(status_item(selected, "HIGHESTMODSEQ"), modseq)
            # A repack forgets which messages vanished when; then imapd names every UID that is not there.
            earlier = [line for line in selected if line.startswith("* VANISHED (EARLIER) ")]
            self.assertEqual(len(earlier), 1, selected)
            gone = expand(earlier[0].split()[-1])
            self.assertLessEqual({uids[0], uids[2]}, gone)
            self.assertFalse(gone & set(later.uids()))
            again = later.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq} VANISHED)")
            self.assertLessEqual({uids[0], uids[2]},
                                 set().union(*(expand(line.split()[-1]) for line in again if "VANISHED" in line)))
        lab.check_tools(self)

    @in_every_mailbox
    def test_the_flags_of_an_expunged_record_are_those_of_its_mode(self, lab, mode):
        before = lab.index()
        uid = before.visible()[1]
        with lab.pop3() as pop3:
            pop3.ask("DELE 2")
            self.assertEqual(pop3.ask("QUIT"), "+OK")
        after = lab.index()
        expected = EXPUNGED | (0 if mode == "delayed" else UNLINKED)
        # Who removes the file, we or the next Cyrus process, is not said here: the record may be gone altogether.
        if uid in after.records or mode == "delayed":
            flags = after.records[uid]["flags"]
            self.assertEqual(flags & ~NEEDS_CLEANUP, before.records[uid]["flags"] | expected | 4)
            self.assertGreater(after.records[uid]["modseq"], before.header["highestmodseq"])
        self.assertEqual({name: after.header[name] for name in after.counters()}, after.counters())
        self.assertLess(abs(after.header["pop3_last_login"] - time.time()), 30)
        for other in set(before.visible()) - {uid}:
            self.assertEqual(after.records[other], before.records[other])
        lab.check_tools(self)

    def test_imapd_sees_what_we_mark_as_read(self):
        for layout in LAYOUTS:
            with self.subTest(layout=layout.sample), Lab(layout, "delayed", popuseimapflags="yes") as lab:
                with lab.imap() as imap, lab.pop3() as pop3:
                    imap.ok("SELECT INBOX")
                    imap.ok("STORE 1:* -FLAGS (\\Seen)")
                    shown = listing(pop3, "UIDL")
                    uid = int(shown[1].split(".")[-1])
                    self.assertEqual(pop3.ask("RETR 2"), "+OK Message follows")
                    pop3.body()
                    self.assertEqual(pop3.ask("QUIT"), "+OK")
                    seen = [line for line in imap.ok("NOOP") if "FETCH" in line]
                    self.assertEqual(len(seen), 1, seen)
                    self.assertIn("\\Seen", seen[0])
                    self.assertIn("\\Seen", "".join(imap.ok(f"UID FETCH {uid} (FLAGS)")))
                lab.check_tools(self)

    @in_every_mailbox
    def test_what_imapd_expunges_meanwhile_stays_in_our_list(self, lab, mode):
        uids = lab.index().visible()
        with lab.pop3() as pop3:
            scan, identities = listing(pop3), listing(pop3, "UIDL")
            with lab.imap() as imap:
                imap.ok("SELECT INBOX")
                imap.ok("STORE 1:2 +FLAGS (\\Deleted)")
                imap.ok(f"UID EXPUNGE {uids[0]}:{uids[1]}")
                imap.ok("UNSELECT")
            self.assertEqual(listing(pop3), scan)
            self.assertEqual(listing(pop3, "UIDL"), identities)
            if mode == "delayed":
                self.assertEqual(pop3.ask("RETR 1"), "+OK Message follows")
                self.assertEqual(len(pop3.body()), int(scan[0].split()[1]))
            else:
                end = time.monotonic() + PATIENCE
                while (lab.directory() / f"{uids[0]}.").exists() and time.monotonic() < end:
                    time.sleep(0.05)
                self.assertEqual(pop3.ask("RETR 1"), "-ERR [SYS/PERM] Could not read message file")
                self.assertEqual(pop3.ask("TOP 2 0"), "-ERR [SYS/PERM] Could not read message file")
            self.assertEqual(pop3.ask("RETR 3"), "+OK Message follows")
            pop3.body()
            # One that is gone already, and one that is not: both are as asked afterwards.
            self.assertEqual(pop3.ask("DELE 1"), "+OK message deleted")
            self.assertEqual(pop3.ask("DELE 4"), "+OK message deleted")
            self.assertEqual(pop3.ask("QUIT"), "+OK")
        self.assertEqual(lab.index().visible(), [uid for uid in uids if uid not in (uids[0], uids[1], uids[3])])
        lab.check_tools(self)

    @in_every_mailbox
    def test_a_mailbox_that_imapd_takes_away_is_not_written(self, lab, mode):
        names = {"delete": f'DELETE "{lab.layout.mailbox}"',
                 "rename": f'RENAME "{lab.layout.mailbox}" "{lab.layout.archive}"'}
        # Deleted, then made again and renamed: one store for both.
        for way, command in names.items():
            with self.subTest(way=way), lab.pop3() as pop3, lab.imap("cyrus") as admin:
                self.assertEqual(pop3.ask("DELE 1"), "+OK message deleted")
                admin.ok(command)
                before = lab.state()
                answer = pop3.ask("QUIT")
                self.assertRegex(answer, r"^-ERR \[SYS/(TEMP|PERM)\] ")
                self.assertIsNone(pop3.line())
                self.assertEqual(lab.state(), before, "something was written")
            if way == "delete":
                with lab.imap("cyrus") as admin:
                    # The same name again, another mailbox: nothing of the old one counts for it.
                    admin.ok(f'CREATE "{lab.layout.mailbox}"')
                    admin.ok(f'SETACL "{lab.layout.mailbox}" cyrus lrswipkxtecda')
                lab.deliver(11, 12)

    @in_every_mailbox
    def test_a_new_mailbox_of_the_same_name_is_not_written(self, lab, mode):
        with lab.pop3() as pop3, lab.imap("cyrus") as admin:
            self.assertEqual(pop3.ask("DELE 1"), "+OK message deleted")
            admin.ok(f'DELETE "{lab.layout.mailbox}"')
            admin.ok(f'CREATE "{lab.layout.mailbox}"')
            lab.deliver(21, 22)
            before = lab.state()
            self.assertRegex(pop3.ask("QUIT"), r"^-ERR \[SYS/(TEMP|PERM)\] ")
            self.assertEqual(lab.state(), before, "something was written")
        with lab.pop3() as pop3:
            self.assertEqual(len(listing(pop3)), 2)

    @in_every_mailbox
    def test_mail_that_lmtpd_delivers_meanwhile_waits_for_the_next_session(self, lab, mode):
        uids = lab.index().visible()
        with lab.pop3() as pop3:
            before = listing(pop3)
            lab.deliver(31, 32)
            self.assertEqual(listing(pop3), before)
            self.assertEqual(pop3.ask(f"RETR {len(before) + 1}"), "-ERR No such message")
            self.assertEqual(pop3.ask("DELE 1"), "+OK message deleted")
            self.assertEqual(pop3.ask("QUIT"), "+OK")
        with lab.pop3() as pop3:
            numbers = [line.split()[1] for line in listing(pop3)]
            self.assertEqual(numbers[:-2], [line.split()[1] for line in before[1:]])
            self.assertEqual(len(numbers), len(before) + 1)
        self.assertEqual(lab.index().visible()[:-2], uids[1:])
        lab.check_tools(self)

    def test_unexpunge_brings_back_what_we_expunged(self):
        for layout in LAYOUTS:
            with self.subTest(layout=layout.sample), Lab(layout, "delayed") as lab:
                uid = lab.index().visible()[1]
                text = (lab.directory() / f"{uid}.").read_bytes()
                with lab.pop3() as pop3:
                    pop3.ask("DELE 2")
                    self.assertEqual(pop3.ask("QUIT"), "+OK")
                listed = lab.site.tool("unexpunge", "-l", layout.mailbox)
                self.assertIn(f"UID: {uid}\n", listed)
                # -d takes the \\Deleted off that an expunge leaves; popuseimapflags would hide it.
                lab.site.tool("unexpunge", "-u", "-d", layout.mailbox, str(uid))
                with lab.pop3() as pop3:
                    last = len(listing(pop3))
                    self.assertEqual(pop3.ask(f"RETR {last}"), "+OK Message follows")
                    self.assertEqual(pop3.body(), text)
                    pop3.ask("QUIT")
                lab.check_tools(self)

    def test_an_idle_session_of_ours_holds_nobody_up(self):
        for layout in LAYOUTS:
            with self.subTest(layout=layout.sample), Lab(layout, "immediate") as lab, lab.pop3() as pop3:
                started = time.monotonic()
                with lab.imap() as imap:
                    imap.ok("SELECT INBOX")
                    imap.ok("STORE 1 +FLAGS (\\Deleted)")
                    imap.ok("EXPUNGE")
                    imap.ok("UNSELECT")
                    imap.ok("SELECT INBOX")
                    lab.deliver(41)
                    imap.ok("NOOP")
                self.assertLess(time.monotonic() - started, PROMPT)
                self.assertEqual(pop3.ask("QUIT"), "+OK")
                lab.check_tools(self)


def expand(uid_set):
    """{1, 2, 3, 7} of "1:3,7"."""
    out = set()
    for part in uid_set.split(","):
        first, _, last = part.partition(":")
        out |= set(range(int(first), int(last or first) + 1))
    return out


if __name__ == "__main__":
    unittest.main()
