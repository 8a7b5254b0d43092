#!/usr/bin/env python3
"""What ./run refuses before it installs, builds or removes anything, and how it makes and keeps its folder."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MARKER = ".made-by-pillarbox-run"


def start(*arguments, **variables):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PILLARBOX_")}
    done = subprocess.run([ROOT / "run", *arguments], env=environment | variables, capture_output=True, text=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def in_shell(text):
    """Runs functions of scripts/playground.sh."""
    prelude = "set -euo pipefail; source scripts/common.sh; source scripts/playground.sh; service_user=; "
    return subprocess.run(["bash", "-c", prelude + text], cwd=ROOT, capture_output=True, text=True, check=False)


class Refusals(unittest.TestCase):
    def refuses(self, words, *arguments, **variables):
        status, output, errors = start(*arguments, **variables)
        self.assertNotEqual(status, 0)
        self.assertEqual(output, "", "nothing may have been started")
        self.assertIn(words, errors)

    def test_an_address_that_is_not_host_and_port(self):
        for value in ("1110", "127.0.0.1", ":1110", "host:", "::1:1110", '127.0.0.1:1110"', "a b:1"):
            with self.subTest(value):
                self.refuses(f"PILLARBOX_POP3S={value} is not of the form host:port", PILLARBOX_POP3S=value)

    def test_a_port_out_of_range(self):
        self.refuses("PILLARBOX_POP3=host:0: ports go from 1 to 65535", PILLARBOX_POP3="host:0")
        self.refuses("PILLARBOX_LMTP=host:65536: ports go", PILLARBOX_LMTP="host:65536")

    def test_one_address_for_two_services(self):
        for one, other in (("POP3", "POP3S"), ("POP3", "LMTP"), ("POP3S", "LMTP")):
            with self.subTest(f"{one} and {other}"):
                self.refuses(f"PILLARBOX_{one} and PILLARBOX_{other} both ask for 127.0.0.1:2",
                             **{f"PILLARBOX_{one}": "127.0.0.1:2", f"PILLARBOX_{other}": "127.0.0.1:2"})

    def test_a_folder_that_cannot_stand_in_cyrus_conf(self):
        self.refuses("PILLARBOX_VAR=/tmp/a b: the folder's name", PILLARBOX_VAR="/tmp/a b")

    def test_a_busy_port_and_names_who_asked_for_it(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"127.0.0.1:{listener.getsockname()[1]}"
            self.refuses(f"POP3S (PILLARBOX_POP3S) asks for {address}, but something is listening there",
                         PILLARBOX_POP3="127.0.0.1:1", PILLARBOX_POP3S=address)
            self.refuses(f"LMTP (PILLARBOX_LMTP) asks for {address}, but something is listening there",
                         PILLARBOX_POP3="127.0.0.1:1", PILLARBOX_POP3S="127.0.0.1:2", PILLARBOX_LMTP=address)

    def test_an_option_it_does_not_know(self):
        self.refuses("usage: ./run", "--frsh")


class Readme(unittest.TestCase):
    def test_names_the_packages_that_run_would_install(self):
        named = re.search(r"apt-get install (.*?)\n\n", (ROOT / "README.md").read_text(), re.DOTALL).group(1)
        wanted = in_shell('echo "${BUILD_PACKAGES[@]}"').stdout
        self.assertEqual(sorted(named.replace("\\", " ").split()), sorted(wanted.split()))


@unittest.skipUnless(shutil.which("openssl"), "needs openssl")
class Folder(unittest.TestCase):
    def setUp(self):
        self.parent = tempfile.TemporaryDirectory()
        self.var = pathlib.Path(self.parent.name) / "var"

    def tearDown(self):
        self.parent.cleanup()

    def make(self):
        done = in_shell(f'PATH=$PATH:/usr/sbin; make_playground "{self.var}"')
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_holds_an_empty_store_a_certificate_and_the_configuration(self):
        self.make()
        for name in ("tls/cert.pem", "imapd.conf"):
            self.assertTrue((self.var / name).is_file(), name)
        for name in ("conf/socket", "conf/proc", "conf/lock", "conf/log", "conf/msg", "spool"):
            self.assertTrue((self.var / name).is_dir(), name)
        self.assertEqual((self.var / "tls" / "key.pem").stat().st_mode & 0o777, 0o600)
        self.assertIn("servername: pillarbox.example\n", (self.var / "imapd.conf").read_text())

    def test_is_kept_by_the_next_start(self):
        self.make()
        (self.var / "spool" / "mine").write_text("mail")
        self.assertIn("Keeping the data", self.make())
        self.assertTrue((self.var / "spool" / "mine").is_file())

    def test_is_refused_after_it_was_moved(self):
        self.make()
        moved = self.var.with_name("moved")
        self.var.rename(moved)
        done = in_shell(f'make_playground "{moved}"')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("move it back", done.stderr)

    def test_fresh_removes_what_run_made(self):
        self.make()
        self.assertEqual(in_shell(f'remove_playground "{self.var}"').returncode, 0)
        self.assertFalse(self.var.exists())

    def test_fresh_leaves_a_folder_that_run_did_not_make(self):
        self.var.mkdir()
        (self.var / "precious").write_text("")
        done = in_shell(f'remove_playground "{self.var}"')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"no {MARKER} in it", done.stderr)
        self.assertTrue((self.var / "precious").is_file())

    def test_fresh_leaves_a_link_to_a_folder_that_run_made(self):
        self.make()
        link = self.var.with_name("link")
        link.symlink_to(self.var)
        self.assertNotEqual(in_shell(f'remove_playground "{link}"').returncode, 0)
        self.assertTrue((self.var / MARKER).is_file())

    def test_start_leaves_a_folder_that_run_did_not_make(self):
        self.var.mkdir()
        (self.var / "precious").write_text("")
        done = in_shell(f'make_playground "{self.var}"')
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(os.listdir(self.var), ["precious"])


if __name__ == "__main__":
    unittest.main()
