"""The cache records that we make, against those that Debian's lmtpd stores for the same messages, octet for octet.

Messages: tests/data/mime, and random ones (random_mime.py). PILLARBOX_RANDOM_MESSAGES says how many, and
PILLARBOX_RANDOM_SEED with which seed they begin. What may differ stands in doc/format/cache.md.
"""

import os
import socket
import subprocess
import time
import unittest
import zlib
from datetime import datetime
from zoneinfo import ZoneInfo

import random_mime
from cyrus_index import CyrusIndex, u32
from cyruslab import CyrusSite
from mailsite import BUILD, DATA

PRINT_CACHE = BUILD / "tests" / "support" / "print_cache"
RANDOM_MESSAGES = int(os.environ.get("PILLARBOX_RANDOM_MESSAGES", "400"))
RANDOM_SEED = int(os.environ.get("PILLARBOX_RANDOM_SEED", "1"))
ITEMS = ("ENVELOPE", "BODYSTRUCTURE", "BODY", "SECTION", "HEADERS", "FROM", "TO", "CC", "BCC", "SUBJECT")
ZONE = "America/New_York"  # not UTC: the day of the Date field is kept as a moment of the local zone


def items_of(record):
    """The ten items of a cache record by name."""
    items, at = {}, 0
    for name in ITEMS:
        size = u32(record, at)
        items[name] = record[at + 4:at + 4 + size]
        padding = record[at + 4 + size:at + 4 + size + -size % 4]
        assert not padding.strip(b"\0"), f"{name}: padding {padding!r}"
        at += 4 + size + len(padding)
    return items, at


def our_records(files):
    """For each file (facts, items), as print_cache says them."""
    done = subprocess.run([PRINT_CACHE], input="".join(f"{file}\n" for file in files).encode(), capture_output=True,
                          timeout=300, check=False, env={**os.environ, "TZ": ZONE})
    assert done.returncode == 0, done.stderr
    out, at = [], 0
    for _ in files:
        end = done.stdout.index(b"\n", at)
        names = ("size", "crc", "header_size", "sentdate", "gmtime", "delivered", "received")
        facts = dict(zip(names, map(int, done.stdout[at:end].split())))
        record = done.stdout[end + 1:end + 1 + facts["size"]]
        items, size = items_of(record)
        assert size == facts["size"] and zlib.crc32(record) == facts["crc"]
        out.append((facts, items))
        at = end + 1 + facts["size"]
    assert at == len(done.stdout)
    return out


def local_midnight(moment):
    day = datetime.fromtimestamp(moment, ZoneInfo(ZONE)).replace(hour=0, minute=0, second=0)
    return int(day.timestamp())


class Lmtp:
    """A conversation with lmtpd that says of each message whether it was taken."""

    def __init__(self, port, recipient):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.wire = self.socket.makefile("rwb")
        self.recipient = recipient
        self.say(None, b"220")
        self.say(b"LHLO test", b"250")

    def answer(self):
        while True:
            line = self.wire.readline()
            if line[3:4] != b"-":
                return line

    def say(self, command, expected):
        if command is not None:
            self.wire.write(command + b"\r\n")
            self.wire.flush()
        line = self.answer()
        assert line.startswith(expected), f"{command!r}: {line!r}"

    def deliver(self, message):
        self.say(b"MAIL FROM:<sender@example.com> BODY=8BITMIME", b"250")
        self.say(f"RCPT TO:<{self.recipient}>".encode(), b"250")
        self.say(b"DATA", b"354")
        for line in message.split(b"\r\n"):
            self.wire.write((b"." if line.startswith(b".") else b"") + line + b"\r\n")
        self.wire.write(b".\r\n")
        self.wire.flush()
        return self.answer()

    def close(self):
        self.wire.close()
        self.socket.close()


class CacheRecordTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        zone = os.environ.get("TZ")
        cls.addClassCleanup(lambda: os.environ.update(TZ=zone) if zone is not None else os.environ.pop("TZ"))
        os.environ["TZ"] = ZONE
        cls.site = CyrusSite(sample="cyrus361-uuid", users=("alice",), services={}, cyrus_services=("lmtpd",),
                             options={"munge8bit": "no", "reject8bit": "no", "duplicatesuppression": "no"})
        cls.addClassCleanup(cls.site.remove)
        cls.site.start_cyrus()
        cls.directory = next(header.parent for header in cls.site.root.rglob("cyrus.header")
                             if b" user.alice " in header.read_bytes())
        cls.started = int(time.time())

    def deliver(self, messages):
        """Hands messages (name -> octets) to lmtpd. Returns name -> uid."""
        lmtp = Lmtp(self.site.cyrus_ports["lmtpd"], "alice")
        self.addCleanup(lmtp.close)
        last = CyrusIndex(self.directory).header["last_uid"]
        refused = {name: answer for name, answer in ((name, lmtp.deliver(message)) for name, message in messages.items())
                   if not answer.startswith(b"250")}
        self.assertEqual(refused, {})
        self.assertEqual(CyrusIndex(self.directory).header["last_uid"], last + len(messages))
        return dict(zip(messages, range(last + 1, last + 1 + len(messages))))

    def compare(self, taken):
        """Compares each message's record with ours. Returns name -> the items that differ, for those where any do."""
        index = CyrusIndex(self.directory)
        cache = (self.directory / "cyrus.cache").read_bytes()
        files = [self.directory / f"{uid}." for uid in taken.values()]
        different = {}
        for (name, uid), (facts, ours) in zip(taken.items(), our_records(files)):
            raw, record = index.raw[uid], index.records[uid]
            offset = u32(raw, 24)
            theirs, size = items_of(cache[offset:])
            with self.subTest(message=name):
                self.assertEqual(zlib.crc32(cache[offset:offset + size]), u32(raw, 104))
                self.assertEqual(u32(raw, 56) & 0xFFFF, 11)
                self.compare_facts(facts, record, u32(raw, 20))
            if ours != theirs:
                different[name] = {item: (ours[item], theirs[item]) for item in ITEMS if ours[item] != theirs[item]}
        return different

    def compare_facts(self, facts, record, gmtime):
        self.assertEqual(facts["header_size"], record["header_size"])
        internal = record["internaldate"]
        self.assertEqual(record["sentdate"], (facts["sentdate"] or local_midnight(internal)) & 0xFFFFFFFF)
        self.assertEqual(gmtime, (facts["gmtime"] or internal) & 0xFFFFFFFF)
        said = facts["delivered"] or facts["received"]
        if said:
            self.assertEqual(internal, said & 0xFFFFFFFF)
        if not facts["delivered"]:  # lmtpd puts its own Received on top
            self.assertTrue(self.started <= internal <= time.time())

    def test_of_every_message_in_the_corpus_the_records_are_the_same(self):
        messages = {path.stem: path.read_bytes() for path in sorted((DATA / "mime").glob("*.eml"))}
        self.assertGreater(len(messages), 250)
        self.assertEqual(self.compare(self.deliver(messages)), {})

    def test_of_random_messages_the_records_are_the_same(self):
        seeds = range(RANDOM_SEED, RANDOM_SEED + RANDOM_MESSAGES)
        self.assertEqual(self.compare(self.deliver({f"seed {seed}": random_mime.message(seed) for seed in seeds})), {})

    def test_the_records_differ_where_the_document_says_so_and_only_there(self):  # doc/format/cache.md
        nested = b"Content-Type: message/rfc822\r\n\r\n"
        structure = {"BODYSTRUCTURE", "BODY", "SECTION"}
        beyond = {
            "address in an encoded type": (b"Content-Type: =?utf-8?q?a/b;_c=3D=C3=A9@x.example?=\r\n\r\n",
                                           {"BODYSTRUCTURE", "BODY"}),
            "addresses": (b"To: " + b"a," * 20_001 + b"b\r\n\r\n", {"ENVELOPE", "TO"}),
            "parameters": (b"Content-Type: text/html" + b"; a=b" * 1_001 + b"\r\n\r\n", {"BODYSTRUCTURE", "BODY"}),
            "parts": (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 20_010, structure),
            "nesting": (nested * 1_010 + b"A: b\r\n\r\n", structure),
            "digests": (nested * 50 + b"A: b\r\n\r\n" + b"body\r\n" * 1_200_000, {"SECTION"}),
        }
        within = {
            "addresses within": b"To: " + b"a," * 19_999 + b"b\r\n\r\n",
            "parameters within": b"Content-Type: text/html" + b"; a=b" * 999 + b"\r\n\r\n",
            "parts within": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 19_990,
            "nesting within": nested * 990 + b"A: b\r\n\r\n",
            "digests within": nested * 30 + b"A: b\r\n\r\n" + b"body\r\n" * 200_000,
        }
        different = self.compare(self.deliver({**{name: message for name, (message, _) in beyond.items()}, **within}))
        self.assertEqual({name: set(items) for name, items in different.items()},
                         {name: items for name, (_, items) in beyond.items()})


if __name__ == "__main__":
    unittest.main()
