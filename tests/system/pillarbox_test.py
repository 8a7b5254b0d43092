"""pillarbox(8), run as an administrator runs it: on real stores, as root if we are, at a terminal and without one."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import time
import unittest

from cyruslab import CyrusSite
from mailsite import BUILD, PASSWORD, REALM, SAMPLES, Connection, Site, service_user

PILLARBOX = BUILD / "src" / "tools" / "pillarbox" / "pillarbox"


class Command:
    """The command on one site."""

    def __init__(self, site):
        self.site = site
        site.give_away()

    def run(self, *words, given=b"", status=0):
        done = subprocess.run([PILLARBOX, "-C", self.site.imapd_conf, *words], input=given, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=120)
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}"
        return done.stdout.decode()

    def error(self, *words, status, given=b""):
        """The one line that it fails with."""
        done = subprocess.run([PILLARBOX, "-C", self.site.imapd_conf, *words], input=given, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=120)
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}"
        lines = done.stderr.decode().splitlines()
        assert len(lines) == 1 and lines[0].startswith("pillarbox: "), lines
        return lines[0]

    def json(self, *words, status=0):
        return json.loads(self.run(*words, "--json", status=status))

    def at_terminal(self, *words, answers=(), until_closed=30):
        """Runs it on a terminal, types each answer when its prompt is there; returns exit status and what was seen."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execv(PILLARBOX, ["pillarbox", "-C", str(self.site.imapd_conf), *words])
        seen, end = b"", time.monotonic() + until_closed
        answers = list(answers)
        try:
            while time.monotonic() < end:
                if answers and seen.endswith(answers[0][0].encode()):
                    os.write(fd, answers.pop(0)[1].encode())
                if not select.select([fd], [], [], 0.1)[0]:
                    continue
                try:
                    got = os.read(fd, 65536)
                except OSError:  # the other side is gone
                    break
                if not got:
                    break
                seen += got
        finally:
            os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode(errors="replace")


class UserCommands(unittest.TestCase):
    def test_who_is_added_can_log_in_until_deleted(self):
        with Site(users=("alice",), options={"allowplaintext": "yes"}) as site:
            pillarbox = Command(site)
            self.assertIn("user bob added", pillarbox.run("user", "add", "bob", given=b"one\n"))
            self.assertEqual(pillarbox.run("user", "list"), "alice\nbob\n")

            def login(password):
                with Connection(site.ports["pop3"]) as client:
                    client.line()
                    return client.login("bob", password)

            self.assertTrue(login("one").startswith("+OK"))
            pillarbox.run("user", "passwd", "bob", given=b"two\nnot this line\n")
            self.assertTrue(login("two").startswith("+OK"))
            self.assertTrue(login("one").startswith("-ERR"))
            self.assertIn("mail are as they were", pillarbox.run("user", "delete", "bob"))
            self.assertTrue(login("two").startswith("-ERR"))
            self.assertTrue(login(PASSWORD).startswith("-ERR"))

    def test_the_file_belongs_to_the_service_and_lists_as_others_do(self):
        site = Site(users=())
        try:
            pillarbox = Command(site)
            for name in ("carl", "ann@example.com"):
                pillarbox.run("user", "add", name, given=b"secret")
            file = site.root / "sasldb2"
            self.assertEqual(file.stat().st_uid, service_user().pw_uid)
            self.assertEqual(file.stat().st_mode & 0o077, 0)
            listed = subprocess.run(["sasldblistusers2", "-f", file], stdout=subprocess.PIPE, check=True, timeout=30)
            self.assertEqual(sorted(line.split(":")[0] for line in listed.stdout.decode().splitlines()),
                             ["ann@example.com", f"carl@{REALM}"])
            self.assertEqual(pillarbox.json("user", "list")["users"],
                             [{"user": "ann@example.com", "name": "ann", "realm": "example.com"},
                              {"user": "carl", "name": "carl", "realm": REALM}])
        finally:
            site.remove()

    def test_whose_realm_may_not_log_in_is_added_with_a_warning(self):
        site = Site(users=())
        try:
            pillarbox = Command(site)

            def said(name):
                prompts = [f"Password for {name.removesuffix('@' + REALM)}: ", "Once more: "]
                status, seen = pillarbox.at_terminal("user", "add", name,
                                                     answers=[(prompt, "secret\n") for prompt in prompts])
                self.assertEqual(status, 0, seen)
                self.assertIn("added", seen)
                return seen

            self.assertIn("warning: ann@example.com cannot log in", said("ann@example.com"))
            self.assertIn(f"warning: carol can log in, carol@{REALM} cannot", said(f"carol@{REALM}"))
            self.assertNotIn("warning", said("dora"))
        finally:
            site.remove()

    def test_errors_are_one_line_that_names_the_object(self):
        site = Site(users=("alice",))
        try:
            pillarbox = Command(site)
            self.assertIn("alice", pillarbox.error("user", "add", "alice", status=73))
            self.assertIn("nobody", pillarbox.error("user", "passwd", "nobody", status=67))
            self.assertIn("nobody", pillarbox.error("user", "delete", "nobody", status=67))
            self.assertIn("password", pillarbox.error("user", "add", "bob", status=66))
            self.assertIn("empty", pillarbox.error("user", "add", "bob", given=b"\n", status=65))
            self.assertIn("NUL", pillarbox.error("user", "add", "bob", given=b"a\0b\n", status=65))
            self.assertIn("'a%b'", pillarbox.error("user", "add", "a%b", given=b"x", status=65))
            self.assertIn("takes NAME only", pillarbox.error("user", "add", "bob", "password", status=64))
            pillarbox.site.imapd_conf.write_text("servername x\n")
            self.assertIn("line 1", pillarbox.error("user", "list", status=78))
        finally:
            site.remove()

    def test_a_terminal_asks_twice_and_echoes_nothing(self):
        site = Site(users=())
        try:
            pillarbox = Command(site)
            prompts = ["Password for bob: ", "Once more: "]
            status, seen = pillarbox.at_terminal("user", "add", "bob",
                                                 answers=[(prompt, "s3cret\n") for prompt in prompts])
            self.assertEqual(status, 0, seen)
            self.assertNotIn("s3cret", seen)
            self.assertIn("user bob added", seen)
            status, seen = pillarbox.at_terminal("user", "passwd", "bob",
                                                 answers=[(prompts[0], "one\n"), (prompts[1], "two\n")])
            self.assertEqual(status, 65, seen)
            self.assertIn("differ", seen)
            status, seen = pillarbox.at_terminal("user", "passwd", "bob", answers=[(prompts[0], "\x03")])
            self.assertEqual(status, -2, seen)  # Ctrl-C: SIGINT
        finally:
            site.remove()


class MailboxCommands(unittest.TestCase):
    def test_mailboxes_come_and_go_as_cyrus_has_them(self):
        site = CyrusSite(users=(), tls=False)
        try:
            pillarbox = Command(site)
            self.assertEqual(pillarbox.run("mailbox", "create", "carl"), "mailbox user.carl created\n")
            pillarbox.run("mailbox", "create", "carl+Work.New")
            names = ["user.alice", "user.alice.Archive", "user.bob", "user.carl", "user.carl.Work", "user.carl.Work.New"]
            self.assertEqual(pillarbox.run("mailbox", "list").split(), names)
            self.assertEqual(pillarbox.run("mailbox", "list", "--user", "carl").split(), names[3:])
            deleted = pillarbox.run("mailbox", "delete", "alice+Archive")
            self.assertRegex(deleted, r"DELETED\.user\.alice\.Archive\.[0-9A-F]{8}")
            names.remove("user.alice.Archive")
            listed = json.loads(site.tool("ctl_mboxlist", "-d"))
            self.assertEqual([name for name, record in sorted(listed.items())
                              if "d" not in record["mbtype"] and not name.startswith("DELETED")], names)
            self.assertEqual(site.tool("reconstruct", "-n", *names).split(), names)
            pillarbox.run("check")
        finally:
            site.remove()

    def test_counts_and_info_are_those_of_the_index(self):
        site = Site(users=(), tls=False)
        try:
            pillarbox = Command(site)
            listed = pillarbox.json("mailbox", "list", "--counts", "--user", "alice")["mailboxes"]
            self.assertEqual([(box["name"], box["messages"], box["unseen"], box["octets"]) for box in listed],
                             [("user.alice", 4, 3, 2610), ("user.alice.Archive", 1, 0, 152)])
            info = pillarbox.json("mailbox", "info", "bob")
            self.assertEqual((info["uidvalidity"], info["last_uid"], info["index_version"], info["quota_root"]),
                             (1795382168, 2, 17, "user.bob"))
            self.assertEqual(info["directory"], str(site.mailbox_directory("bob")))
            self.assertIn("quota root        user.bob\n", pillarbox.run("mailbox", "info", "bob"))
        finally:
            site.remove()

    def test_quotas_are_set_shown_and_removed(self):
        site = CyrusSite(users=(), tls=False)
        try:
            pillarbox = Command(site)
            self.assertEqual(pillarbox.run("mailbox", "quota", "alice"), "mailbox user.alice: no quota\n")
            pillarbox.run("mailbox", "quota", "alice", "--storage", "5M")
            pillarbox.run("mailbox", "quota", "alice", "--messages", "100")
            shown = pillarbox.json("mailbox", "quota", "alice+Archive")
            self.assertEqual((shown["quota_root"], shown["storage_octets"], shown["messages"], shown["storage_limit_kib"],
                              shown["messages_limit"]), ("user.alice", 2762, 5, 5120, 100))
            self.assertNotIn("usage was", site.tool("quota", "-n", "-f"))
            pillarbox.run("check")
            pillarbox.run("mailbox", "quota", "alice", "--remove")
            self.assertIsNone(pillarbox.json("mailbox", "quota", "alice")["quota_root"])
            pillarbox.run("check")
        finally:
            site.remove()

    def test_errors_name_the_mailbox(self):
        site = Site(users=(), tls=False)
        try:
            pillarbox = Command(site)
            self.assertIn("user.bob", pillarbox.error("mailbox", "create", "bob", status=73))
            self.assertIn("user.nobody", pillarbox.error("mailbox", "delete", "nobody", status=67))
            self.assertIn("user.nobody", pillarbox.error("mailbox", "info", "nobody", status=67))
            self.assertIn("partition-zzz", pillarbox.error("mailbox", "create", "bob+x", "--partition", "zzz", status=65))
            self.assertIn("--storage", pillarbox.error("mailbox", "quota", "bob", "--storage", "lots", status=64))
        finally:
            site.remove()

    def test_an_empty_site_becomes_a_store(self):
        site = Site(users=("carl",), tls=False, options={"allowplaintext": "yes"})
        try:
            for part in ("spool", "conf"):
                shutil.rmtree(site.root / part)
                (site.root / part).mkdir()
            pillarbox = Command(site)
            for _ in range(2):  # the second time there is nothing to do
                self.assertIn(str(site.conf_dir / "mailboxes.db"), pillarbox.run("store", "create"))
                self.assertEqual(pillarbox.run("mailbox", "list"), "")
            pillarbox.run("mailbox", "create", "carl")
            pillarbox.run("check")
            (site.conf_dir / "mailboxes.db").unlink()
            self.assertIn("has mail", pillarbox.error("store", "create", status=65))
            self.assertFalse((site.conf_dir / "mailboxes.db").exists())
            shutil.rmtree(site.root / "spool" / "uuid")
            pillarbox.run("mailbox", "create", "carl")
            site.start()
            with Connection(site.ports["pop3"]) as client:
                client.line()
                self.assertTrue(client.login("carl").startswith("+OK"))
                self.assertEqual(client.ask("STAT"), "+OK 0 0")
        finally:
            site.remove()


class CheckCommand(unittest.TestCase):
    def test_it_is_content_with_every_store_of_real_cyrus_and_changes_nothing(self):
        for sample in SAMPLES:
            with self.subTest(sample):
                site = Site(sample=sample, users=(), tls=False)
                try:
                    before = site.tree()
                    found = Command(site).json("check", "--deep")
                    self.assertEqual((found["problems"], found["not_checked"]), ([], []))
                    self.assertGreater(found["messages"], 0)
                    self.assertEqual(site.tree(), before)
                finally:
                    site.remove()

    def test_it_says_what_reconstruct_and_quota_say_of_a_damaged_store(self):
        def damage(file, edit):
            data = bytearray(file.read_bytes())
            edit(data)
            file.write_bytes(data)

        def index_bit(data):
            data[160 + 112 + 15] ^= 1  # size of the second record, CRC not fixed

        def add_stray(directory):
            (directory / "9.").write_bytes(b"Subject: nobody knows me\r\n\r\nx\r\n")

        cases = {
            "record": (lambda directory: damage(directory / "cyrus.index", index_bit), "UID 2: wrong record CRC"),
            "file": (lambda directory: (directory / "2.").unlink(), "UID 2: is missing"),
            "stray": (add_stray, "UID 9: has no record"),
        }
        for name, (break_it, words) in cases.items():
            with self.subTest(name):
                site = CyrusSite(users=(), tls=False)
                try:
                    pillarbox = Command(site)
                    self.assertEqual(site.tool("reconstruct", "-n", "user.bob").split(), ["user.bob"])
                    pillarbox.run("check", "bob")
                    break_it(site.mailbox_directory("bob"))
                    site.give_away()
                    self.assertIn(words, pillarbox.run("check", "bob", status=1))
                    pillarbox.run("check", "alice")
                    self.assertNotEqual(site.tool("reconstruct", "-n", "user.bob", check=False).split(), ["user.bob"])
                    # And once repaired, both are content.
                    site.tool("reconstruct", "user.bob", check=False)
                    site.tool("quota", "-f", check=False)
                    pillarbox.run("check")
                finally:
                    site.remove()

    def test_a_wrong_quota_is_found(self):
        site = CyrusSite(users=(), tls=False)
        try:
            pillarbox = Command(site)
            file = site.conf_dir / "quota" / "b" / "user.bob"
            file.write_text(file.read_text().replace("S (926", "S (900"))
            self.assertIn("storage used is 900, its mailboxes use 926", pillarbox.run("check", status=1))
            self.assertIn("quota root user.bob", pillarbox.json("check", "bob", status=1)["problems"][0]["text"])
            site.tool("quota", "-f")
            pillarbox.run("check")
        finally:
            site.remove()

    def test_names_that_are_no_mailbox_are_refused(self):
        site = Site(users=(), tls=False)
        try:
            pillarbox = Command(site)
            self.assertIn("user.nobody", pillarbox.error("check", "nobody", status=67))
            self.assertIn("'+x'", pillarbox.error("check", "+x", status=65))
            self.assertIn("1 mailboxes", pillarbox.run("check", "alice+Archive"))
            self.assertIn("1 mailboxes", pillarbox.run("check", "user.alice.Archive"))
        finally:
            site.remove()

    def test_a_locked_mailbox_is_named_and_not_waited_for(self):
        site = Site(users=(), tls=False)
        try:
            pillarbox = Command(site)
            pillarbox.run("check")  # makes the lock files
            holder = subprocess.Popen(
                ["python3", "-c", "import fcntl,sys\nf=open(sys.argv[1],'r+')\nfcntl.lockf(f,fcntl.LOCK_EX)\n"
                 "print('held',flush=True)\nsys.stdin.read()", site.mailbox_directory("bob") / "cyrus.index"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            try:
                self.assertEqual(holder.stdout.readline(), b"held\n")
                found = pillarbox.json("check", status=75)
                self.assertIn({"mailbox user.bob", "quota root user.bob"} & {found["not_checked"][0]["what"]},
                              ({"mailbox user.bob"},))
                self.assertEqual(found["mailboxes"], 2)
            finally:
                holder.stdin.close()
                holder.wait()
                holder.stdout.close()
        finally:
            site.remove()

    def test_a_terminal_shows_progress_and_a_file_does_not(self):
        site = Site(sample=None, users=(), tls=False, store_users=30, messages=200)
        try:
            pillarbox = Command(site)
            status, seen = pillarbox.at_terminal("check")
            self.assertEqual(status, 1, seen)  # make_store leaves sync CRCs out
            self.assertRegex(seen, r"check +\d+% \[")
            last = seen.rstrip().splitlines()[-1]
            self.assertRegex(last, r"^30 mailboxes, 6000 messages")
            done = subprocess.run([PILLARBOX, "-C", site.imapd_conf, "check"], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=120)
            self.assertEqual(done.stderr, b"")
        finally:
            site.remove()


class ConfigCommand(unittest.TestCase):
    def findings(self, site, *words, status=0):
        found = Command(site).json("config", "check", *words, status=status)["findings"]
        return {(finding["severity"], finding["text"]) for finding in found}

    def has(self, findings, severity, pattern):
        matching = [text for level, text in findings if level == severity and re.search(pattern, text)]
        self.assertTrue(matching, (severity, pattern, findings))

    def test_a_site_that_works_has_no_errors(self):
        with Site() as site:
            self.assertEqual([text for level, text in self.findings(site) if level == "error"], [])

    def test_certificates_are_held_against_time_and_key(self):
        site = Site()
        try:
            site.write_cyrus_conf()
            other = site.root / "other.pem"
            subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", other], check=True,
                           capture_output=True)
            site.settings["tls_server_key"] = str(other)
            site.write_imapd_conf()
            found = self.findings(site, status=1)
            self.has(found, "error", "tls_server_key: .*is not the key of")
            self.has(found, "warning", "expires within two weeks")
            site.certificate.write_text("no certificate")
            self.has(self.findings(site, status=1), "error", "no certificate in PEM form")
            site.settings["tls_server_cert"] = "/nonexistent.pem"
            site.write_imapd_conf()
            self.has(self.findings(site, status=1), "error", "/nonexistent.pem.*No such file")
            if os.geteuid() == 0:
                site.settings["tls_server_cert"] = str(site.certificate)
                site.write_imapd_conf()
                os.chown(site.certificate, 0, 0)
                site.certificate.chmod(0o600)
                done = subprocess.run([PILLARBOX, "-C", site.imapd_conf, "config", "check"], stdout=subprocess.PIPE)
                self.assertRegex(done.stdout.decode(), "tls_server_cert: .*Permission denied")
        finally:
            site.remove()

    def test_programs_beside_master_and_places_to_listen_are_looked_at(self):
        site = Site(tls=False)
        try:
            installed = site.root / "installed"
            (installed / "bin").mkdir(parents=True)
            (installed / "libexec" / "pillarbox").mkdir(parents=True)
            shutil.copy(PILLARBOX, installed / "bin")
            for name in ("master", "lmtpd"):
                (installed / "libexec" / "pillarbox" / name).write_text("#!/bin/sh\n")
                (installed / "libexec" / "pillarbox" / name).chmod(0o755)
            site.cyrus_conf.write_text(
                'SERVICES {\n  pop cmd="popx3d" listen="127.0.0.1:1"\n  lmtp cmd="lmtpd" listen="/tmp/one"\n'
                '  twice cmd="lmtpd" listen="/tmp/one"\n}\n')
            site.give_away()
            done = subprocess.run([installed / "bin" / "pillarbox", "-C", site.imapd_conf, "config", "check", "-M",
                                   site.cyrus_conf], stdout=subprocess.PIPE, timeout=60)
            said = done.stdout.decode()
            self.assertRegex(said, "service pop: .*/installed/libexec/pillarbox/popx3d: No such file")
            self.assertNotIn("error: service lmtp", said)
            self.assertRegex(said, "service twice: listens at /tmp/one, where lmtp does")
            self.assertEqual(done.returncode, 1)
        finally:
            site.remove()

    def test_places_lines_and_services_are_looked_at(self):
        site = Site(tls=False, options={
            "partition-old": "/nonexistent/spool", "conversations": "yes", "quota_db": "twoskip", "popminpol": "5",
            "tls_cert_file": "/x", "pop3_poptimeout": "20", "reverseacls": "yes"})
        try:
            site.write_cyrus_conf(extra='  imap cmd="/nonexistent/imapd" listen="127.0.0.1:10143"\n')
            found = self.findings(site, status=1)
            self.has(found, "error", "partition-old: /nonexistent/spool: No such file")
            self.has(found, "warning", "unknown option 'popminpol'")
            self.has(found, "warning", "'tls_cert_file' is deprecated in favor of 'tls_server_cert'")
            self.has(found, "warning", "^conversations: ")
            self.has(found, "warning", "^quota_db: ")
            self.has(found, "warning", "^reverseacls: ")
            self.has(found, "error", "service imap: /nonexistent/imapd")
            self.assertFalse([text for _, text in found if "poptimeout" in text], found)
            site.cyrus_conf.write_text("services {\n}\n")
            self.has(self.findings(site, "-M", str(site.cyrus_conf), status=1), "error", "cyrus.conf.*line 1")
            site.imapd_conf.write_text("configdirectory: /x\nservername x\n")
            self.has(self.findings(site, status=1), "error", "line 2")
        finally:
            site.remove()


if __name__ == "__main__":
    unittest.main()
