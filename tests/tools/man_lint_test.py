"""Every manual page is well-formed mdoc(7): mandoc has nothing to say of it."""

import subprocess
import unittest
from pathlib import Path

PAGES = sorted((Path(__file__).resolve().parent.parent.parent / "man").glob("*.[1-8]"))

# What depends on the machine that looks: which other manual pages it has.
OF_THE_MACHINE = ("referenced manual not found", "mandoc.db")


class ManLint(unittest.TestCase):
    def test_there_are_pages(self):
        self.assertTrue(PAGES)

    def test_mandoc_is_content(self):
        for page in PAGES:
            with self.subTest(page.name):
                done = subprocess.run(["mandoc", "-T", "lint", "-W", "style", page], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, timeout=60)
                said = [line for line in done.stdout.decode().splitlines()
                        if not any(words in line for words in OF_THE_MACHINE)]
                self.assertEqual(said, [])


if __name__ == "__main__":
    unittest.main()
