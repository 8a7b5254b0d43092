"""Our twoskip writer and Debian's Cyrus take turns at the same files.

What each wrote the other lists, changes and finds consistent, over several rounds; files of crashed transactions of ours
are recovered by Cyrus, and garbage is cut off by ours.
"""

import os
import random
import shutil
import struct
import subprocess
import unittest
import zlib

from cyruslab import CyrusSite, unpack
from mailsite import BUILD

TOOL = BUILD / "tests" / "support" / "twoskip_tool"


def value_of(rng):
    # Values as Cyrus's tool can take and print them: it knows no quoting.
    return "".join(rng.choice("abcdefghij%()0123456789") for _ in range(rng.choice((0, 1, 7, 30, 200, 700))))


class TwoskipInteropTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            unpack()
        except subprocess.CalledProcessError as error:
            raise unittest.SkipTest(f"Debian's Cyrus cannot be fetched: {error}")
        cls.site = CyrusSite(sample="cyrus361-legacy-conv", users=(), tls=False, services={"pop3": ""})
        cls.site.give_away()

    @classmethod
    def tearDownClass(cls):
        cls.site.remove()

    def setUp(self):
        self.folder = self.site.root / "databases" / self._testMethodName
        self.folder.mkdir(parents=True)
        self.file = self.folder / "test.db"

    # -- our side ---------------------------------------------------------------------------------------------------

    def ours(self, *commands):
        done = subprocess.run([TOOL, self.file], input="".join("\t".join(c) + "\n" for c in commands).encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 0, f"{commands}: {done.stderr.decode()}")
        return done.stdout.decode()

    def our_list(self):
        lines = self.ours(["show"]).split("\n")
        return dict(line.split("\t", 1) for line in lines if line)

    # -- Cyrus's side -------------------------------------------------------------------------------------------------

    def theirs(self, *arguments):
        # Its tools run as the Cyrus user, so the file must be theirs.
        self.site.give_away()
        return self.site.tool("cyr_dbtool", "-n", self.file, "twoskip", *arguments)  # -n: make it if there is none

    def their_list(self):
        return dict(line.split("\t", 1) for line in self.theirs("show").split("\n") if line)

    def check(self, expected):
        self.assertEqual(self.our_list(), expected)
        self.assertEqual(self.their_list(), expected)
        self.assertIn("Yes, consistent", self.theirs("consistent"))
        self.check_counts(expected)

    def check_counts(self, expected):
        data = self.file.read_bytes()
        self.assertEqual(struct.unpack_from(">QQ", data, 32)[0], len(expected), "record count in the header")
        self.assertEqual(struct.unpack_from(">Q", data, 48)[0], len(data), "clean")
        self.assertEqual(struct.unpack_from(">I", data, 56)[0], 0, "flags")

    # -- the tests ----------------------------------------------------------------------------------------------------

    def test_they_take_turns(self):
        rng = random.Random(20261122)
        expected = {}
        keys = [f"key{n}" for n in range(30)] + [f"k{'x' * n}" for n in (1, 50, 300)]
        for round_number in range(6):
            commands = []
            after = dict(expected)
            for _ in range(25):
                key = rng.choice(keys)
                if key in after and rng.random() < 0.35:
                    commands.append(["delete", key])
                    del after[key]
                else:
                    after[key] = value_of(rng)
                    commands.append(["set", key, after[key]])
                if rng.random() < 0.1:
                    commands.append(["commit"])
                    expected = dict(after)
            if round_number % 3 == 2:
                commands.append(["abort"])
            else:
                commands.append(["commit"])
                expected = dict(after)
            self.ours(*commands)
            self.check(expected)
            for _ in range(8):
                key = rng.choice(keys)
                if key in expected and rng.random() < 0.5:
                    self.theirs("delete", key)
                    del expected[key]
                else:
                    expected[key] = value_of(rng) or "v"
                    self.theirs("set", key, expected[key])
            self.check(expected)

    def test_a_database_that_cyrus_made_is_ours_too(self):
        self.theirs("set", "first", "1")
        self.ours(["set", "second", "2"], ["delete", "first"], ["commit"])
        self.check({"second": "2"})

    def test_a_file_of_octets_zero_is_empty_for_both(self):
        self.file.touch()
        self.ours(["commit"])
        self.check({})
        self.theirs("set", "a", "1")
        self.check({"a": "1"})

    def test_a_rewritten_file_goes_on(self):
        expected = {f"key{n:03}": "v" * n for n in range(200)}
        self.ours(*(["set", k, v] for k, v in expected.items()), ["commit"], ["repack"])
        self.check(expected)
        self.theirs("delete", "key100")
        self.theirs("set", "key1005", "between")
        del expected["key100"]
        expected["key1005"] = "between"
        self.check(expected)
        self.ours(["set", "key100", "back"], ["delete", "key000"], ["commit"], ["repack"])
        expected["key100"] = "back"
        del expected["key000"]
        self.check(expected)

    def test_cyrus_rewrites_what_we_let_grow(self):
        for n in range(40):
            self.ours(*(["set", f"key{k}", f"{n} {'v' * 40}"] for k in range(12)), ["commit"])
        expected = {f"key{k}": f"39 {'v' * 40}" for k in range(12)}
        self.check(expected)
        for n in range(150):
            self.theirs("set", "key3", f"{n} {'w' * 200}")
        expected["key3"] = f"149 {'w' * 200}"
        self.check(expected)
        self.assertGreater(struct.unpack_from(">Q", self.file.read_bytes(), 24)[0], 2, "generation")

    def unfinished(self):
        """A file in the middle of a transaction of ours: DIRTY, with new records and changed heads. And what it holds."""
        expected = {f"key{n}": "committed" for n in range(20)}
        self.ours(*(["set", k, v] for k, v in expected.items()), ["commit"])
        # The tool waits for the end of its input before it does anything, so it cannot be stopped midway. A step less
        # of a commit is the same: take the last header write back and put DIRTY in its place.
        before = self.file.read_bytes()[:64]
        self.ours(["set", "key5", "lost"], ["delete", "key7"], ["set", "key77", "lost"], ["commit"])
        header = bytearray(before)
        header[59] |= 1
        header[60:64] = struct.pack(">I", zlib.crc32(header[:60]))
        with open(self.file, "r+b") as file:
            file.write(header)
        return expected

    def test_cyrus_recovers_what_a_crash_of_ours_leaves(self):
        expected = self.unfinished()
        self.assertEqual(self.our_list(), expected, "read without recovery")
        self.assertEqual(self.their_list(), expected)
        self.check(expected)
        self.ours(["set", "key5", "5"], ["commit"])
        self.check({**expected, "key5": "5"})

    def test_we_recover_it_too(self):
        expected = self.unfinished()
        self.assertEqual(self.ours(["repaired"]).strip(), "relinked")
        self.check(expected)

    def test_we_recover_what_cyrus_wrote(self):
        for n in range(10):
            self.theirs("set", f"key{n}", str(n))
        self.theirs("delete", "key4")
        with open(self.file, "ab") as file:
            file.write(b"+\1 half a record" * 3)
        self.assertEqual(self.ours(["repaired"]).strip(), "relinked")
        self.check({f"key{n}": str(n) for n in range(10) if n != 4})

    def test_we_rebuild_what_cannot_be_mended(self):
        self.ours(["set", "a", "1"], ["commit"])
        self.ours(["set", "b", "2"], ["commit"])
        self.theirs("set", "c", "3")
        self.theirs("delete", "a")
        data = self.file.read_bytes()
        self.file.write_bytes(data[:-8])  # the last commit is torn
        self.assertEqual(self.ours(["repaired"]).strip(), "rebuilt")
        self.check({"a": "1", "b": "2", "c": "3"})

    def test_cyrus_goes_on_with_every_file_that_the_property_test_leaves(self):
        made = subprocess.run([BUILD / "tests" / "cyrus" / "cyrus_tests", "--gtest_filter=TwoskipWriterProperty.*"],
                              env={**os.environ, "PILLARBOX_KEEP_TWOSKIP": str(self.folder),
                                   "RC_PARAMS": f"max_success={os.environ.get('PILLARBOX_TWOSKIP_FILES', 25)}"},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        self.assertEqual(made.returncode, 0, made.stdout.decode())
        files = sorted(self.folder.glob("*.db"))
        self.assertGreaterEqual(len(files), 20)
        for file in files:
            with self.subTest(file.name):
                self.file = file
                expected = dict(line.split("\t", 1) for line in file.with_suffix(".txt").read_text().splitlines())
                self.check(expected)
                self.theirs("set", "between", "theirs")
                expected["between"] = "theirs"
                if len(expected) > 1:
                    first = min(expected.keys() - {"between"})
                    self.theirs("delete", first)
                    del expected[first]
                self.check(expected)
                self.ours(["delete", "between"], ["set", "last", "ours"], ["commit"])
                expected.pop("between", None)
                self.check({**expected, "last": "ours"})

    def test_the_files_of_a_real_store_are_taken(self):
        for name in ("mailboxes.db", "statuscache.db", "annotations.db"):
            source = self.site.conf_dir / name
            if not source.exists():
                continue
            with self.subTest(name):
                self.file = self.folder / name
                shutil.copy(source, self.file)
                expected = self.our_list()
                self.assertEqual(self.their_list(), expected)
                self.ours(["set", "zzz", "new"], ["commit"])
                self.check({**expected, "zzz": "new"})
                self.ours(["delete", "zzz"], ["commit"], ["repack"])
                self.check(expected)


if __name__ == "__main__":
    unittest.main()
