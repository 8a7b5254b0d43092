"""The manual pages as they are installed: well-formed mdoc(7), the set is complete, and references among them hold."""

import os
import re
import subprocess
import unittest
from pathlib import Path

FOLDER = Path(os.environ["PILLARBOX_PAGES"])
SOURCES = Path(__file__).resolve().parent.parent.parent / "man"

# What depends on the machine that looks: which other manual pages it has.
OF_THE_MACHINE = ("referenced manual not found", "mandoc.db")

# Pages of Cyrus, SASL and the system that ours name.
OTHERS = {"crontab(5)", "cyr_expire(8)", "fail2ban(1)", "hosts_access(5)", "inetd(8)", "openssl-ciphers(1)", "quota(8)",
          "reconstruct(8)", "saslauthd(8)", "saslpasswd2(8)", "sysexits(3)", "syslog(3)", "systemd.socket(5)"}


def pages():
    return sorted(FOLDER.glob("*.[1-8]"))


class Pages(unittest.TestCase):
    def test_each_source_has_become_a_page_and_nothing_else_is_there(self):
        sources = {path.name.removesuffix(".in") for path in SOURCES.iterdir()}
        self.assertEqual({page.name for page in pages()}, sources)
        self.assertLessEqual({"pop3d.8", "pop3proxyd.8", "master.8", "lmtpd.8", "pillarbox.8", "imapd.conf.5",
                              "cyrus.conf.5"}, sources)

    def test_mandoc_is_content(self):
        for page in pages():
            with self.subTest(page.name):
                done = subprocess.run(["mandoc", "-T", "lint", "-W", "style", page], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, timeout=60)
                said = [line for line in done.stdout.decode().splitlines()
                        if not any(words in line for words in OF_THE_MACHINE)]
                self.assertEqual(said, [])

    def test_no_directive_is_left_over(self):
        for page in pages():
            self.assertNotIn('.\\" @', page.read_text(), page.name)

    def test_cyrus_conf_has_every_key_that_is_read(self):
        code = (SOURCES.parent / "src" / "config" / "cyrus_conf.cpp").read_text()
        keys = set(re.findall(r'(?:entry\.take(?:_words)?\(|(?:number|count|toggle)\(entry, )"(\w+)"', code))
        self.assertLessEqual({"cmd", "listen", "prefork", "wait", "at"}, keys)
        said = set(re.findall(r"[\w=]+", " ".join(re.findall(r"^\.(?:It )?Cm (.*)$", (FOLDER / "cyrus.conf.5").read_text(), re.M))))
        self.assertEqual(keys - said, set())

    def test_imapd_conf_has_each_option_of_the_table_once(self):
        table = (SOURCES.parent / "src" / "config" / "option_table.def").read_text()
        options = re.findall(r"^OPTION\((\w+)", table, re.M)
        self.assertGreater(len(options), 200)
        listed = re.findall(r"^\.It Cm (\w+)(?: :.*)?$", (FOLDER / "imapd.conf.5").read_text(), re.M)
        for option in options:
            self.assertEqual(listed.count(option), 1, option)

    def test_references_lead_to_pages_that_exist(self):
        ours = {re.sub(r"\.(\d)$", r"(\1)", page.name) for page in pages()}
        for page in pages():
            for name, section in re.findall(r"\.?\bXr (\S+) (\d)", page.read_text()):
                self.assertIn(f"{name}({section})", ours | OTHERS, page.name)


if __name__ == "__main__":
    unittest.main()
