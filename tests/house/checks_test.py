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


class Format(unittest.TestCase):
    @unittest.skipUnless(shutil.which("clang-format-14") or shutil.which("clang-format"), "no clang-format here")
    def test_names_the_file_that_is_laid_out_otherwise(self):
        status, output = run("check-format", "tests/house/bad/src/cyrus")
        self.assertNotEqual(status, 0)
        if status != 77:
            self.assertIn("badly_laid_out.cpp:1:", output)


if __name__ == "__main__":
    unittest.main()
