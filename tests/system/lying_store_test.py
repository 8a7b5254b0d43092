"""A store that lies: a clear -ERR each time, one line in the log, not a byte changed, and nobody else notices.

The table in doc/robustness.md is what this test saw. `python3 -B lying_store_test.py --write` writes it anew.
"""

import contextlib
import os
import random
import re
import shutil
import socket
import stat
import struct
import sys
import unittest
import zlib
from pathlib import Path

from mailsite import BUILD, HERE, Connection, Site, service_user

DOCUMENT = HERE.parent.parent / "doc" / "robustness.md"
BEGIN, END = "<!-- lying-store: begin -->\n", "<!-- lying-store: end -->\n"
SHIM = BUILD / "tests" / "faults" / "libsyslog_shim.so"

HEADER, RECORD = 160, 112  # octets of a cyrus.index of version 17 (doc/format/index.md)
RECORDS = 5                # alice's, of which one is expunged
SEED = 1939


# -- lies ---------------------------------------------------------------------------------------------------------------
# Each is called with the path of the file that lies.

def missing(path):
    path.unlink()


def text(data):
    def lie(path):
        path.write_bytes(data)
    return lie


def zeros(path):
    path.write_bytes(bytes(path.stat().st_size))


def cut(octets):
    """Only the first octets are there; of a negative number, all but the last."""
    def lie(path):
        path.write_bytes(path.read_bytes()[:octets])
    return lie


def longer(data):
    def lie(path):
        path.write_bytes(path.read_bytes() + data)
    return lie


def sparse(size):
    def lie(path):
        os.truncate(path, size)
    return lie


def fifo(path):
    path.unlink()
    os.mkfifo(path)


def a_socket(path):
    path.unlink()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


def directory(path):
    path.unlink()
    path.mkdir()


def link_to_copy(path):
    copy = path.with_name("elsewhere")
    path.rename(copy)
    path.symlink_to(copy)


def link_to_nothing(path):
    path.unlink()
    path.symlink_to(path.with_name("nothing"))


def link_to_itself(path):
    path.unlink()
    path.symlink_to(path)


def link_to_device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


def unreadable(path):
    path.chmod(0)


def patched(offset, data):
    def lie(path):
        octets = bytearray(path.read_bytes())
        octets[offset:offset + len(data)] = data
        path.write_bytes(octets)
    return lie


def replaced(old, new):
    def lie(path):
        octets = path.read_bytes()
        assert octets.count(old) >= 1
        path.write_bytes(octets.replace(old, new))
    return lie


def with_crc(offset, number, start=0, size=HEADER):
    """A 32-bit number that is wrong although the checksum over it is right."""
    def lie(path):
        octets = bytearray(path.read_bytes())
        struct.pack_into(">I", octets, start + offset, number)
        struct.pack_into(">I", octets, start + size - 4, zlib.crc32(bytes(octets[start:start + size - 4])))
        path.write_bytes(octets)
    return lie


def record(number, offset, value):
    return with_crc(offset, value, HEADER + (number - 1) * RECORD, RECORD)


def swapped_records(path):
    octets = path.read_bytes()
    first, second, rest = octets[HEADER:HEADER + RECORD], octets[HEADER + RECORD:HEADER + 2 * RECORD], \
        octets[HEADER + 2 * RECORD:]
    path.write_bytes(octets[:HEADER] + second + first + rest)


def half_old_half_new(start, size):
    """A write that was torn: the first half is new, the second and the checksum in it are old."""
    return patched(start + size // 2 - 4, b"\x12\x34\x56\x78")


# What a file can be that is no file.
NO_FILES = [("is a FIFO", fifo), ("is a socket", a_socket), ("is a directory", directory),
            ("is a link to nothing", link_to_nothing), ("is a link to itself", link_to_itself),
            ("is a link to /dev/zero", link_to_device), ("may not be read", unreadable)]

INDEX = [
    ("is missing", missing), ("is empty", text(b"")), ("is all zeros", zeros), ("is a text", text(b"hello\n" * 200)),
    ("is shorter than its header", cut(100)), ("ends behind its header", cut(HEADER)),
    ("ends within a record", cut(-50)), ("lacks its last record", cut(-RECORD)),
    ("is longer than it says", longer(b"x" * 1000)),
    ("has a torn header", half_old_half_new(0, HEADER)),
    ("has a torn record", half_old_half_new(HEADER + RECORD, RECORD)),
    ("says 6 records", with_crc(20, RECORDS + 1)), ("says 4294967295 records", with_crc(20, 0xFFFFFFFF)),
    ("says that records begin at 4294967280", with_crc(12, 0xFFFFFFF0)),
    ("says that records begin at 0", with_crc(12, 0)),
    ("says that records have 0 octets", with_crc(16, 0)),
    ("says that records have 4294967295 octets", with_crc(16, 0xFFFFFFFF)),
    ("is of version 99", with_crc(8, 99)), ("is of version 11", with_crc(8, 11)), ("is of version 0", with_crc(8, 0)),
    ("has its records in another order", swapped_records),
    ("has UID 0", record(1, 0, 0)), ("has a UID twice", record(2, 0, 1)),
    ("says that the mailbox is deleted", with_crc(60, 1 << 31)),
    *NO_FILES,
]
HEADER_FILE = [
    ("is missing", missing), ("is empty", text(b"")), ("is all zeros", zeros), ("is cut in its middle", cut(130)),
    ("has another magic", patched(5, b"x")), ("is of another mailbox", replaced(b"3ne576p0vqvxx5tcuh6xjst4", b"z" * 24)),
    ("has 1 GiB", sparse(1 << 30)), *NO_FILES,
]
LIST = [
    ("is missing", missing), ("is empty", text(b"")), ("is all zeros", zeros), ("is a text", text(b"hello\n" * 200)),
    ("is cut in its header", cut(40)), ("is cut in its middle", cut(700)), ("is of version 2", patched(20, b"\0\0\0\2")),
    ("is of an unknown kind", patched(4, b"threeskip")), ("has a torn header", patched(40, b"\x12\x34\x56\x78")),
    *NO_FILES,
]
MESSAGE = [
    ("is missing", missing), ("is empty", text(b"")), ("is one octet shorter", cut(-1)),
    ("is one octet longer", longer(b"x")), ("has 6 GiB", sparse(6 << 30)),
    ("is a link to its own copy", link_to_copy), *NO_FILES,
]
QUOTA = [("is empty", text(b"")), ("is a text", text(b"hello\n")), ("is cut", cut(10)), *NO_FILES]


class LyingStore:
    """A site on a store that real Cyrus wrote: one process, `bob` in it all the time, lies told to `alice`."""

    def __init__(self, options=None):
        self.site = Site("cyrus361-uuid", options={"allowplaintext": "yes", "failedloginpause": "0", **(options or {})},
                         attributes="prefork=1 maxchild=1", tls=False,
                         services={"pop3": "-U 1000000"})
        self.syslog = self.site.root / "syslog"
        self.syslog.touch()
        self.site.environment = {"LD_PRELOAD": str(SHIM), "SYSLOG_FILE": str(self.syslog),
                                 "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        self.mailbox = {user: self.site.mailbox_directory(user) for user in ("alice", "bob")}
        self.list = self.site.conf_dir / "mailboxes.db"
        self.quota = self.site.conf_dir / "quota" / "b" / "user.bob"
        self.kept = self.site.root / "kept"
        self.parts = [self.site.root / "spool", self.site.conf_dir]

    def __enter__(self):
        self.site.start()
        for part in self.parts:
            shutil.copytree(part, self.kept / part.name, symlinks=True, copy_function=shutil.copy2)
        self.good = self.fingerprint()
        self.bystander = self.open_session("bob")
        self.messages = {user: self.retrieve_all(user) for user in ("alice", "bob")}
        self.worker = self.worker_pids()
        assert len(self.worker) == 1, self.worker
        return self

    def __exit__(self, *_):
        self.bystander.close()
        self.site.remove()

    # -- the site --

    def worker_pids(self):
        found = []
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = entry.read_text().rpartition(")")[2].split()
                if int(fields[1]) == self.site.process.pid and fields[0] != "Z":
                    found.append(int(entry.parent.name))
        return found

    def open_session(self, user):
        session = Connection(self.site.ports["pop3"])
        session.line()
        answer = session.login(user)
        assert answer.startswith("+OK"), answer
        return session

    def retrieve_all(self, user):
        with self.open_session(user) as session:
            count = int(session.ask("STAT").split()[1])
            out = []
            for number in range(1, count + 1):
                assert session.ask(f"RETR {number}").startswith("+OK")
                out.append(session.body())
            return out

    def fingerprint(self):
        """Everything in the store: names, kinds, modes and contents. Neither locks nor what is ours alone."""
        out = {}
        for part in self.parts:
            for folder, names, files in os.walk(part):
                names[:] = [name for name in names if name not in ("lock", "proc", "pillarbox")]
                for name in [*names, *files]:
                    path = Path(folder, name)
                    status = path.lstat()
                    key = str(path.relative_to(self.site.root))
                    out[key] = (status.st_mode, status.st_uid)
                    if stat.S_ISREG(status.st_mode) and status.st_size < 1 << 20 and os.access(path, os.R_OK):
                        out[key] += (path.read_bytes(),)
                    elif stat.S_ISREG(status.st_mode):
                        out[key] += (status.st_size,)
                    elif stat.S_ISLNK(status.st_mode):
                        out[key] += (os.readlink(path),)
        return out

    def give_away(self, path):
        if os.geteuid() == 0:
            user = service_user()
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)

    @contextlib.contextmanager
    def telling(self, lie, path):
        """`path` is not what it was, as long as this lasts."""
        kept = self.kept / path.relative_to(self.site.root)
        try:
            lie(path)
            for each in path.parent.iterdir():
                if each.lstat().st_uid != path.parent.lstat().st_uid:
                    self.give_away(each)
            yield
        finally:
            for each in (path, path.with_name("elsewhere")):
                if each.is_dir() and not each.is_symlink():
                    each.rmdir()
                else:
                    each.unlink(missing_ok=True)
            shutil.copy2(kept, path)
            self.give_away(path)

    def restore(self):
        """Everything that differs is put back."""
        now = self.fingerprint()
        for key in sorted(now.keys() | self.good.keys()):
            if now.get(key) == self.good.get(key):
                continue
            path = self.site.root / key
            path.unlink(missing_ok=True)
            if key in self.good:
                shutil.copy2(self.kept / key, path)
                self.give_away(path)

    def is_expunged(self, user, uid):
        """Whether cyrus.index says that a message is gone; it may be in the wrong place."""
        octets = (self.mailbox[user] / "cyrus.index").read_bytes()
        records = [octets[at:at + RECORD] for at in range(HEADER, len(octets), RECORD)]
        flags = [struct.unpack_from(">I", each, 32)[0] for each in records if struct.unpack_from(">I", each)[0] == uid]
        return all(each >> 31 for each in flags)

    def new_log_lines(self, since):
        return self.syslog.read_text().splitlines()[since:]

    def log_size(self):
        return len(self.syslog.read_text().splitlines())


class LyingStoreTest(unittest.TestCase):
    """Every lie of the lists above, through the running server."""

    maxDiff = None
    write_document = False

    def assert_unchanged(self, store, before):
        now = store.fingerprint()
        self.assertEqual([], sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key)))

    def check_the_others(self, store):
        """The process is the same, and the session of somebody else in it goes on."""
        self.assertEqual(store.worker_pids(), store.worker)
        self.assertTrue(store.bystander.ask("RETR 1").startswith("+OK"))
        self.assertEqual(store.bystander.body(), store.messages["bob"][0])

    def one_log_line(self, store, since, *parts):
        """The one complaint in the log, as the table shows it."""
        lines = [line for line in store.new_log_lines(since)
                 if "Unable to open maildrop" in line or " of user." in line]
        self.assertEqual(len(lines), 1, store.new_log_lines(since))
        for part in parts:
            self.assertIn(part, lines[0])
        said = re.sub(r"^\S+ \d (Unable to open maildrop \S+: )?", "", lines[0])
        said = re.sub(r"QUIT of <\S+>", "QUIT", said)
        return said.replace(str(store.site.root), "")

    def try_login(self, store, path, lie, log_parts):
        """alice logs in. Returns the answer, and what the log says."""
        with store.telling(lie, path):
            since, before = store.log_size(), store.fingerprint()
            with Connection(store.site.ports["pop3"]) as session:
                session.line()
                answer = session.login("alice")
                if answer.startswith("+OK"):
                    said = "-"
                    answer = "+OK, " + session.ask("STAT")
                    self.assertEqual(answer, "+OK, +OK 4 2610")
                    self.assertTrue(session.ask("RETR 2").startswith("+OK"))
                    self.assertEqual(session.body(), store.messages["alice"][1])
                else:
                    self.assertRegex(answer, r"^-ERR \[(SYS/TEMP|SYS/PERM)\] ")
                    self.assertNotIn(str(store.site.root), answer)
                    self.assertTrue(session.ask("STAT").startswith("-ERR"))
                    said = self.one_log_line(store, since, *log_parts)
            self.assert_unchanged(store, before)
            self.check_the_others(store) if path != store.list else self.assertEqual(store.worker_pids(), store.worker)
        return answer, said

    def try_retr(self, store, path, lie):
        """alice is logged in and asks for her second message, which is 3. on disk."""
        with store.telling(lie, path):
            since, before = store.log_size(), store.fingerprint()
            with store.open_session("alice") as session:
                self.assertEqual(session.ask("STAT"), "+OK 4 2610")
                answer = session.ask("RETR 2")
                self.assertRegex(answer, r"^-ERR \[(SYS/TEMP|SYS/PERM)\] ")
                said = self.one_log_line(store, since, "user.alice", "/3.")
                self.assertTrue(session.ask("TOP 2 0").startswith("-ERR ["))
                self.assertTrue(session.ask("RETR 3").startswith("+OK"))
                self.assertEqual(session.body(), store.messages["alice"][2])
            self.assert_unchanged(store, before)
            self.check_the_others(store)
        return answer, said

    def try_quit(self, store, path, lie, user, file_name):
        """The store begins to lie between login and QUIT, with a message marked as deleted."""
        with contextlib.ExitStack() as stack:
            session = stack.enter_context(store.open_session(user))
            self.assertTrue(session.ask("DELE 1").startswith("+OK"))
            stack.enter_context(store.telling(lie, path))
            since, before = store.log_size(), store.fingerprint()
            answer = session.ask("QUIT")
            self.assertIsNone(session.line())
            if answer == "+OK":
                # What lies was not needed. But then the deletion is true.
                self.assertTrue(store.is_expunged(user, 1))
                said = "-"
            else:
                self.assertRegex(answer, r"^-ERR \[SYS/(TEMP|PERM)\] ")
                said = self.one_log_line(store, since, f"user.{user}", file_name)
                self.assert_unchanged(store, before)
            self.check_the_others(store)
        if answer == "+OK":
            store.restore()
        self.assert_unchanged(store, store.good)
        return answer, said

    def flip(self, store, path, count, rng):
        """Single bits of `path` are flipped. Returns how often each answer came."""
        good = path.read_bytes()
        answers = {}
        for bit in rng.sample(range(len(good) * 8), count):
            octets = bytearray(good)
            octets[bit // 8] ^= 1 << bit % 8
            with self.subTest(bit=bit):
                answer, _ = self.try_login(store, path, text(bytes(octets)), ("user.alice",))
                answers[answer] = answers.get(answer, 0) + 1
        return answers

    def table(self, store):
        rows = []

        def add(name, what, asked, answer, said):
            cells = [f"{name} {what}", asked, f"`{answer}`", f"`{said}`" if said != "-" else "-"]
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")

        alice, bob = store.mailbox["alice"], store.mailbox["bob"]
        for name, path, lies in (("cyrus.index", alice / "cyrus.index", INDEX),
                                 ("cyrus.header", alice / "cyrus.header", HEADER_FILE),
                                 ("mailboxes.db", store.list, LIST)):
            for what, lie in lies:
                with self.subTest(file=name, lie=what):
                    add(name, what, "login", *self.try_login(store, path, lie, ("user.alice",)))
        for what, lie in (("says 2147483648 octets", record(3, 12, 1 << 31)),
                          ("says 435 octets", record(3, 12, 435))):
            with self.subTest(lie=what):
                index = alice / "cyrus.index"
                with store.telling(lie, index), store.open_session("alice") as session:
                    since = store.log_size()
                    answer = session.ask("RETR 2")
                    self.assertRegex(answer, r"^-ERR \[SYS/PERM\] ")
                    add("cyrus.index", f"{what} for a message", "RETR", answer,
                        self.one_log_line(store, since, "user.alice", "/3."))
        for what, lie in MESSAGE:
            with self.subTest(file="message", lie=what):
                add("the message file", what, "RETR", *self.try_retr(store, alice / "3.", lie))
        for name, path, user, lies in (("cyrus.index", alice / "cyrus.index", "alice", INDEX),
                                       ("cyrus.header", alice / "cyrus.header", "alice", HEADER_FILE),
                                       ("mailboxes.db", store.list, "alice", LIST),
                                       ("the quota file", store.quota, "bob", QUOTA)):
            for what, lie in lies:
                with self.subTest(file=name, lie=what, at="QUIT"):
                    add(name, what, "QUIT", *self.try_quit(store, path, lie, user, "user." + user))
        rng = random.Random(SEED)
        for name, path, count in (("cyrus.index", alice / "cyrus.index", 400),
                                  ("cyrus.header", alice / "cyrus.header", 150),
                                  ("mailboxes.db", store.list, 300)):
            for answer, times in sorted(self.flip(store, path, count, rng).items()):
                add(name, f"has one flipped bit ({times} of {count})", "login", answer, "-")
        return ("| what lies | asked for | answer | the log says |\n|---|---|---|---|\n" + "\n".join(rows) + "\n")

    def test_every_lie_is_answered_as_documented(self):
        with LyingStore() as store:
            table = self.table(store)
            self.assert_unchanged(store, store.good)
            # And when nothing lies any more, all is as before.
            self.assertEqual(store.retrieve_all("alice"), store.messages["alice"])
            self.assertEqual(store.worker_pids(), store.worker)
        document = DOCUMENT.read_text()
        before, rest = document.split(BEGIN)
        written, after = rest.split(END)
        if self.write_document:
            DOCUMENT.write_text(before + BEGIN + table + END + after)
        else:
            self.assertEqual(written, table, "`python3 -B lying_store_test.py --write` brings the document up to date")


if __name__ == "__main__":
    if "--write" in sys.argv:
        sys.argv.remove("--write")
        LyingStoreTest.write_document = True
    unittest.main()
