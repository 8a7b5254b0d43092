"""pillarbox deliver and import: mail from files, into mailboxes that Cyrus's tools call their own.

PILLARBOX_IMPORT_MESSAGES sets how many messages the import that is killed again and again has (3000).
"""

import imaplib
import mailbox
import os
import pwd
import random
import signal
import subprocess
import time
import unittest
from email.message import EmailMessage

from cyruslab import CyrusSite
from mailsite import PASSWORD, Connection, Site, service_user
from pillarbox_test import PILLARBOX, Command

MESSAGES = int(os.environ.get("PILLARBOX_IMPORT_MESSAGES", "3000"))


def message(number, lines=3):
    made = EmailMessage()
    made["From"] = f"sender{number % 7}@example.com"
    made["To"] = "carl@example.com"
    made["Subject"] = f"message {number}"
    made["Date"] = f"Thu, 26 Nov 2026 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02} +0000"
    made["Message-ID"] = f"<{number}@example.com>"
    made.set_content(f"From here, line {number}\n" * lines)
    return made


def write_mbox(path, count, lines=3):
    """In the form of mboxrd, by hand: Python's own writer knows mboxo only."""
    with open(path, "wb") as out:
        for number in range(count):
            state = "Status: RO\nX-Status: A\n" if number % 2 else "Status: O\n"
            out.write((f"From sender@example.com Thu Nov 26 12:00:{number % 60:02} 2026\n"
                       f"From: sender{number % 7}@example.com\nTo: carl@example.com\nSubject: message {number}\n"
                       f"{state}Message-ID: <{number}@example.com>\n\n" +
                       f">From here, line {number}\n" * lines + "\n").encode())


class ImportSite:
    """A site with an INBOX of carl, and its command."""

    def __enter__(self):
        self.site = CyrusSite(users=("carl",), tls=False, options={"allowplaintext": "yes"},
                              cyrus_services=("imapd",))
        self.pillarbox = Command(self.site)
        self.pillarbox.run("mailbox", "create", "carl")
        return self

    def __exit__(self, *_):
        self.site.remove()

    def imported(self, *words, status=0):
        found = self.pillarbox.json("import", "carl", *map(str, words), status=status)
        return found["imported"], found["present"], found["refused"]

    def path(self, name):
        return self.site.root / name

    def fetch(self, items):
        """What imapd says of every message, by UID."""
        self.site.start_cyrus()
        client = imaplib.IMAP4("127.0.0.1", self.site.cyrus_ports["imapd"])
        try:
            client.login("carl", PASSWORD)
            client.select("INBOX", readonly=True)
            return client.uid("FETCH", "1:*", items)[1]
        finally:
            client.shutdown()
            self.site.stop_cyrus()

    def judge(self, test):
        """Our check and Cyrus's tools are content."""
        self.pillarbox.run("check", "--deep")
        test.assertEqual(self.site.tool("reconstruct", "-n", "user.carl").split(), ["user.carl"])
        test.assertNotIn("usage was", self.site.tool("quota", "-n", "-f"))
        test.assertEqual([file for part in self.site.root.rglob("stage.") for file in part.iterdir()], [])


class DeliverTest(unittest.TestCase):
    def test_a_message_comes_from_standard_input_or_files(self):
        with ImportSite() as lab:
            text = b"From old@example.com Thu Nov 26 12:00:00 2026\nSubject: one\n\nbody\n"
            said = lab.pillarbox.run("deliver", "--from", "bob@example.com", "carl", given=text)
            self.assertRegex(said, r"^mailbox user\.carl: UID 1, \d+ octets\n$")
            for name in ("a.eml", "b.eml"):
                lab.path(name).write_bytes(f"Subject: {name}\n\nx\n".encode())
                lab.site.give_away()
            said = lab.pillarbox.run("deliver", "carl", str(lab.path("a.eml")), str(lab.path("b.eml")))
            self.assertEqual(len(said.splitlines()), 2)
            stored = (lab.site.mailbox_directory("carl") / "1.").read_bytes()
            self.assertTrue(stored.startswith(b"Return-Path: <bob@example.com>\r\nSubject: one\r\n"), stored)
            self.assertIn(b"\r\nMessage-ID: <", stored)
            self.assertTrue(stored.endswith(b"\r\n\r\nbody\r\n"))
            lab.judge(self)
            lab.site.start()
            with Connection(lab.site.ports["pop3"]) as client:
                client.line()
                self.assertTrue(client.login("carl").startswith("+OK"))
                self.assertTrue(client.ask("STAT").startswith("+OK 3 "))

    def test_what_cannot_be_delivered_is_said(self):
        with ImportSite() as lab:
            lab.site.settings.update({"autocreate_quota": "0", "autocreate_post": "yes"})
            lab.site.write_imapd_conf()
            self.assertIn("nobody", lab.pillarbox.error("deliver", "nobody", given=b"Subject: a\n\n", status=67))
            self.assertNotIn("nobody", lab.pillarbox.run("mailbox", "list"))
            self.assertIn("user.dora: UID 1", lab.pillarbox.run("deliver", "--create", "dora", given=b"Subject: a\n\n"))
            self.assertIn("NUL", lab.pillarbox.error("deliver", "carl", given=b"Subject: a\n\n\0\n", status=65))
            self.assertIn("empty", lab.pillarbox.error("deliver", "carl", status=65))
            self.assertIn("/nowhere", lab.pillarbox.error("deliver", "carl", "/nowhere", status=66))
            lab.pillarbox.run("mailbox", "quota", "carl", "--messages", "0")
            lab.pillarbox.run("deliver", "carl", given=b"Subject: a\n\n")
            self.assertIn("user.carl", lab.pillarbox.error("deliver", "carl", given=b"Subject: b\n\n", status=69))
            lab.pillarbox.run("deliver", "--ignore-quota", "carl", given=b"Subject: b\n\n")
            lab.judge(self)


class ImportTest(unittest.TestCase):
    def test_an_mbox_brings_flags_dates_and_quoted_lines(self):
        with ImportSite() as lab:
            write_mbox(lab.path("mail"), 5)
            self.assertEqual(lab.imported(lab.path("mail")), (5, 0, 0))
            lab.judge(self)
            rows = lab.fetch("(FLAGS INTERNALDATE)")
            self.assertIn(rb'FLAGS (\Recent \Answered \Seen) UID 2 INTERNALDATE "26-Nov-2026 12:00:01 +0000"', rows[1])
            self.assertIn(rb"FLAGS (\Recent) UID 1 ", rows[0])
            stored = (lab.site.mailbox_directory("carl") / "2.").read_bytes()
            self.assertIn(b"\r\n\r\nFrom here, line 1\r\n", stored)
            self.assertNotIn(b"Status:", stored)
            # Read meanwhile at the old place: the same messages.
            lab.path("mail").write_bytes(lab.path("mail").read_bytes().replace(b"Status: O\n", b"Status: RO\n"))
            self.assertEqual(lab.imported(lab.path("mail")), (0, 5, 0))

    def test_a_maildir_and_a_directory_of_messages(self):
        with ImportSite() as lab:
            maildir = mailbox.Maildir(lab.path("Maildir"))
            for number in range(4):
                made = mailbox.MaildirMessage(message(number))
                made.set_subdir("cur" if number else "new")
                made.set_flags("FS" if number == 3 else "")
                name = maildir.add(made)
                file = next(lab.path("Maildir").glob(f"*/{name}*"))
                os.utime(file, (1795694400 + number, 1795694400 + number))
            lab.path("eml").mkdir()
            for number in (2, 7):
                (lab.path("eml") / f"{number}.eml").write_bytes(message(number).as_bytes())
            (lab.path("eml") / "readme.txt").write_text("no message")
            lab.site.give_away()
            self.assertEqual(lab.imported(lab.path("Maildir")), (4, 0, 0))
            mailbox.Maildir(lab.path("Maildir")).add_folder("Work")
            lab.site.give_away()
            done = subprocess.run([PILLARBOX, "-C", lab.site.imapd_conf, "import", "carl", lab.path("Maildir")],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
            self.assertRegex(done.stdout.decode(), r"/Maildir/\.Work: a folder of its own, not imported")
            self.assertEqual(lab.imported(lab.path("eml")), (1, 1, 0))
            self.assertEqual(lab.imported(lab.path("eml") / "2.eml"), (0, 1, 0))
            lab.judge(self)
            rows = b"\n".join(lab.fetch("(FLAGS INTERNALDATE)"))
            self.assertIn(rb'FLAGS (\Recent \Flagged \Seen) UID 4 INTERNALDATE "26-Nov-2026 12:00:03 +0000"', rows)

    def test_equal_messages_are_counted_and_bad_ones_named(self):
        with ImportSite() as lab:
            same = b"From a Thu Nov 26 12:00:00 2026\nSubject: same\n\nx\n\n"
            bad = b"From a Thu Nov 26 12:00:00 2026\nSubject: bad\n\n\0\n\n"
            lab.path("mail").write_bytes(same + bad + same)
            done = subprocess.run([PILLARBOX, "-C", lab.site.imapd_conf, "import", "carl", lab.path("mail")],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"message 2: not imported: message contains NUL", done.stderr)
            self.assertEqual(lab.imported(lab.path("mail"), status=1), (0, 2, 1))
            lab.judge(self)

    def test_what_its_owner_deleted_does_not_come_back(self):
        with ImportSite() as lab:
            write_mbox(lab.path("mail"), 3)
            lab.imported(lab.path("mail"))
            lab.site.start()
            with Connection(lab.site.ports["pop3"]) as client:
                client.line()
                client.login("carl")
                self.assertTrue(client.ask("DELE 2").startswith("+OK"))
                self.assertTrue(client.ask("QUIT").startswith("+OK"))
            self.assertEqual(lab.imported(lab.path("mail")), (0, 3, 0))
            lab.judge(self)

    def test_errors_name_what_is_wrong(self):
        with ImportSite() as lab:
            self.assertIn("nothing to import", lab.pillarbox.error("import", "carl", lab.site.root, status=66))
            lab.path("closed").write_bytes(message(1).as_bytes())
            lab.path("closed").chmod(0)
            who = service_user().pw_name if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
            self.assertRegex(lab.pillarbox.error("import", "carl", lab.path("closed"), status=66),
                             rf"/closed: Permission denied \(read as user {who}\)")
            write_mbox(lab.path("mail"), 3)
            error = lab.pillarbox.error
            self.assertIn("/nowhere", error("import", "carl", "/nowhere", status=66))
            self.assertIn("user.nobody", error("import", "nobody", str(lab.path("mail")), status=67))
            self.assertIn("--quoting", error("import", "--quoting", "x", "carl", str(lab.path("mail")), status=64))
            lab.pillarbox.run("mailbox", "quota", "carl", "--messages", "1")
            said = lab.pillarbox.json("import", "carl", str(lab.path("mail")), status=69)
            self.assertFalse(said["complete"])
            self.assertEqual(said["imported"], 1)
            status, seen = lab.pillarbox.at_terminal("import", "carl", str(lab.path("mail")), answers=[])
            self.assertEqual(status, 69, seen)
            self.assertIn("raise the quota", seen)
            self.assertIn("--ignore-quota", seen)
            self.assertNotIn("to go on", seen)
            lab.pillarbox.run("mailbox", "quota", "carl", "--remove")
            self.assertEqual(sum(lab.imported(lab.path("mail"))), 3)
            lab.judge(self)

    def test_killed_again_and_again_it_ends_right(self):
        with ImportSite() as lab:
            write_mbox(lab.path("mail"), MESSAGES)
            lab.site.give_away()
            index = lab.site.mailbox_directory("carl") / "cyrus.index"
            kills, chance = 0, random.Random(7)
            while kills < 12:
                before = index.stat().st_size
                running = subprocess.Popen([PILLARBOX, "-C", lab.site.imapd_conf, "import", "carl", lab.path("mail")],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                # Somewhere behind a few more messages.
                wanted = before + 112 * chance.randrange(1, MESSAGES // 15)
                while running.poll() is None and index.stat().st_size < wanted:
                    time.sleep(0.001)
                time.sleep(chance.random() * 0.01)
                if running.poll() is None:
                    running.send_signal(signal.SIGKILL)
                    kills += 1
                running.wait()
                running.stderr.close()
                if running.returncode == 0:
                    break
            self.assertGreaterEqual(kills, 5)
            imported, present, refused = lab.imported(lab.path("mail"))
            self.assertEqual((imported + present, refused), (MESSAGES, 0))
            self.assertEqual(lab.imported(lab.path("mail")), (0, MESSAGES, 0))
            self.assertEqual(lab.pillarbox.json("mailbox", "info", "carl")["messages"], MESSAGES)
            lab.judge(self)

    def test_interrupted_at_a_terminal_it_stops_and_says_how_to_go_on(self):
        with ImportSite() as lab:
            write_mbox(lab.path("mail"), MESSAGES)
            lab.site.give_away()
            status, seen = lab.pillarbox.at_terminal("import", "carl", str(lab.path("mail")), answers=[("left\x1b[K", "\x03")])
            self.assertRegex(seen, r"import +\d+% \[")
            self.assertEqual(status, 75, seen)
            self.assertIn("not complete: repeat the command to go on", seen)
            self.assertEqual(sum(lab.imported(lab.path("mail"))), MESSAGES)
            lab.judge(self)


if __name__ == "__main__":
    unittest.main()
