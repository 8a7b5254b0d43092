#!/usr/bin/env python3
"""Shows that each check of scripts/ fails on what it is there to find, and names the place."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = HERE.parent.parent / "scripts"
BAD = HERE / "bad"


def run(script, *arguments):
    done = subprocess.run([SCRIPTS / script, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class Includes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.status, cls.output = run("check-includes", "--root", BAD)

    def test_fails(self):
        self.assertEqual(self.status, 1)

    def test_names_an_arrow_that_is_not_in_the_table(self):
        self.assertIn("src/pop3/uses_cyrus.hpp:4: pop3/ may not use cyrus/", self.output)

    def test_names_a_header_that_does_not_exist(self):
        self.assertIn("src/pop3/sees_a_clock.cpp:1: src/base/gone.hpp does not exist", self.output)

    def test_names_a_clock_in_a_pure_folder(self):
        self.assertIn("src/pop3/sees_a_clock.cpp:3: pop3/ is pure: no <chrono>", self.output)

    def test_names_asio_and_libssl_outside_net(self):
        self.assertIn("src/pop3d/asio_outside_net.cpp:1: <boost/asio/io_context.hpp> belongs into net/", self.output)
        self.assertIn("src/pop3d/asio_outside_net.cpp:2: <openssl/ssl.h> belongs into net/", self.output)

    def test_names_an_edge_that_cmake_and_the_table_see_differently(self):
        self.assertIn("src/pop3d/CMakeLists.txt: DEPENDS of pop3d and cmake/modules.txt differ: net", self.output)

    def test_says_nothing_about_allowed_includes(self):
        self.assertNotIn("fine.hpp:", self.output)
        self.assertEqual(len(self.output.splitlines()), 6, self.output)


class Headers(unittest.TestCase):
    def test_names_the_header_that_needs_another_one_before_it(self):
        status, output = run("check-headers", "--root", BAD)
        self.assertEqual(status, 1)
        self.assertIn("src/cyrus/store.hpp: does not compile alone", output)
        self.assertNotIn("src/base/fine.hpp: does not", output)

    def test_leaves_to_the_build_only_what_the_build_compiles_alone(self):
        broken = "#pragma once\nstd::string needs_its_include();\n"
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "src" / "base"
            source.mkdir(parents=True)
            for name, header, own in (
                    ("first", broken, '// Why.\n#include "base/first.hpp"\n'),
                    ("second", broken, '#include <string>\n#include "base/second.hpp"\n'),
                    ("defined", broken, '#define _GNU_SOURCE 1\n#include "base/defined.hpp"\n'),
                    ("no_source", broken, None),
                    ("no_guard", "struct Twice {};\n", '#include "base/no_guard.hpp"\n')):
                (source / f"{name}.hpp").write_text(header)
                if own:
                    (source / f"{name}.cpp").write_text(own)
            _, output = run("check-headers", "--root", folder, "--built")
            reported = [line.split(":")[0] for line in output.splitlines() if "does not compile alone" in line]
            self.assertEqual(reported, [f"src/base/{name}.hpp" for name in ("defined", "no_guard", "no_source", "second")])
            _, output = run("check-headers", "--root", folder)
            self.assertIn("src/base/first.hpp: does not compile alone", output)


class Close(unittest.TestCase):
    def test_names_each_call_of_libc_and_no_member_function(self):
        status, output = run("check-close", "--root", BAD)
        self.assertEqual(status, 1)
        places = [line.split(": ")[0] for line in output.splitlines()]
        self.assertEqual(places, [f"src/cyrus/closes.cpp:{line}" for line in (11, 12, 13, 15)])


class Rfc(unittest.TestCase):
    def test_names_each_reference_of_another_form(self):
        status, output = run("rfc-index", "--root", BAD, "--check")
        self.assertEqual(status, 1)
        places = {line.split(": ")[0] for line in output.splitlines()}
        self.assertEqual(places, {f"src/cyrus/rfc_forms.hpp:{line}" for line in range(2, 8)})

    def test_lists_every_section_of_a_reference(self):
        status, output = run("rfc-index", "--root", BAD)
        self.assertEqual(status, 0)
        for entry in ("RFC 1939 s3\n", "RFC 1939 s5\n", "RFC 3206\n"):
            self.assertIn(entry + "    src/base/fine.hpp:6\n", output)


class Options(unittest.TestCase):
    def test_names_what_is_promised_and_not_read_and_what_is_read_in_secret(self):
        status, output = run("check-options", "--root", BAD)
        self.assertEqual(status, 1)
        self.assertEqual(output.splitlines(), [
            "src/config/option_table.def:3: nothing reads listed_only: it needs .no_effect()",
            "src/config/option_table.def:4: nothing reads only_warned_of: it needs .no_effect()",
            "src/config/option_table.def:6: read_in_secret is said to have no effect, but "
            "src/config/reads_options.cpp:2 reads it"])


class Conformance(unittest.TestCase):
    def test_names_each_row_that_promises_what_is_not_there(self):
        status, output = run("check-conformance", "--root", BAD)
        self.assertEqual(status, 1)
        self.assertEqual([line.removeprefix("doc/conformance.md") for line in output.splitlines()], [
            ":8: src/base/gone.hpp does not exist",
            ":9: Suite.Gone does not exist",
            ":10: Suite.IsOff is disabled",
            ":11: some_test.Good.test_skipped is skipped",
            ":12: some_test.Off.test_any is skipped with Off",
            ":13: some_test.Good.test_gone does not exist",
            ":13: some_test.Gone.test_runs does not exist",
            ":13: gone_test.Good.test_runs does not exist: no such file",
            ":14: dialogues/gone.txt does not exist",
            ":15: test: `NAME`, several with commas, or: no test: -",
            ":16: where: `PATH`, or several with commas: -",
            ":17: doc/differences.md has no row that begins with: y",
            ":18: not a state: done",
            ":19: 3 cells where the table has 4",
            ":25: listed_only is 'not yet' here, and option_table.def says that it has an effect",
            ":25: only_warned_of is 'not yet' here, and option_table.def says that it has an effect",
            ": the option read_in_secret has no row",
            ": the option old_name has no row",
            ":24: without_effect is 'yes' here, and option_table.def says that it has no effect",
            ":26: there is no option no_option"])

    def good_root(self, folder, row):
        """A project with one row about these tests."""
        root = pathlib.Path(folder)
        for name in ("src/base/fine.hpp", "tests/pop3/some_test.cpp", "tests/system/some_test.py",
                     "tests/system/dialogues/good.txt"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(BAD / name, root / name)
        (root / "doc").mkdir()
        (root / "doc" / "conformance.md").write_text(
            f"| demand | where | test | state |\n|---|---|---|---|\n| it | `src/base/fine.hpp` | {row} | yes |\n")
        return root

    TESTS = "`Suite.Runs`, `some_test.Good.test_runs`, `dialogues/good.txt`"

    def test_is_content_with_what_is_there(self):
        with tempfile.TemporaryDirectory() as folder:
            status, output = run("check-conformance", "--root", self.good_root(folder, self.TESTS))
            self.assertEqual((status, output), (0, "1 rows name 3 tests; 0 have none\n"))

    def test_finds_in_a_log_what_was_skipped_or_not_run(self):
        log = ("[       OK ] Both/Suite.Runs/0, where GetParam() = 771 (0 ms)\n"
               "test_runs (some_test.Good.test_runs) ... a line of a server\nok\n"
               "test_good (dialogues_test.DialoguesTest.test_good) ... ok\n")
        for changed, words in ((log, None),
                               (log.replace("       OK", "  SKIPPED"), "Suite.Runs: skipped"),
                               (log.replace("\nok\n", "\nskipped 'no root'\n", 1), "some_test.Good.test_runs: skipped"),
                               (log.replace("test_good", "test_other"), "dialogues/good.txt: not run"),
                               (log.replace("(some_test.Good.test_runs)", "(some_test.Good)"), None)):
            with self.subTest(words), tempfile.TemporaryDirectory() as folder:
                root = self.good_root(folder, self.TESTS)
                (root / "LastTest.log").write_text(changed)
                status, output = run("check-conformance", "--root", root, "--ran", root / "LastTest.log")
                self.assertEqual(status, 1 if words else 0, output)
                self.assertIn(words or "1 rows", output)

    def test_asks_ctest_what_it_would_run(self):
        with tempfile.TemporaryDirectory() as folder:
            root = self.good_root(folder, "`Suite.Runs`, `some_test.Good.test_runs`")
            (root / "test").write_text("skip_long=(--label-exclude 'long')\n")
            for listed, words in (
                    ('add_test("Suite.Runs" true)\nadd_test(x python3 -m unittest some_test)\n', None),
                    ('add_test("Suite.Runs" true)\n', "some_test.Good.test_runs is not run by ctest"),
                    ('add_test("Suite.Runs" true)\nset_tests_properties("Suite.Runs" PROPERTIES LABELS "long")\n'
                     "add_test(x python3 -m unittest some_test)\n", "Suite.Runs is disabled in ctest, or has a label"),
                    ('add_test("Suite.Runs" true)\nset_tests_properties("Suite.Runs" PROPERTIES DISABLED TRUE)\n'
                     "add_test(x python3 -m unittest some_test)\n", "Suite.Runs is disabled in ctest, or has a label")):
                (root / "CTestTestfile.cmake").write_text(listed)
                status, output = run("check-conformance", "--root", root, "--build", root)
                self.assertEqual(status, 1 if words else 0, output)
                self.assertIn(words or "1 rows", output)


class Format(unittest.TestCase):
    @unittest.skipUnless(shutil.which("clang-format-14") or shutil.which("clang-format"), "no clang-format here")
    def test_names_the_file_that_is_laid_out_otherwise(self):
        status, output = run("check-format", "tests/house/bad/src/cyrus")
        self.assertNotEqual(status, 0)
        if status != 77:
            self.assertIn("badly_laid_out.cpp:1:", output)


if __name__ == "__main__":
    unittest.main()
