"""Our lmtpd as a mail server uses it: deliveries of every kind and what is left on disk, under our master and under
Cyrus's, over TCP and a Unix socket. Every test ends with Cyrus's reconstruct finding nothing to change.
"""

import ctypes
import email.message
import fcntl
import os
import re
import resource
import shutil
import signal
import smtplib
import socket
import struct
import time
import unittest
from base64 import b64encode
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import ANY

from imap_client import Imap
from lmtplab import CYRUS_MASTER, LMTPD, Lmtp, LmtpSite, message
from mailbox_admin_test import Tool
from mailsite import PASSWORD, Connection
from swaplab import until
from worker_test import AVAILABLE, CONNECTION, CONNECTION_MULTI, UNAVAILABLE, Worker

SUCCESS = r"250 2\.1\.5 Success SESSIONID=<\S+>"


def mount_small(case, directory, size):
    """A file system of that size, which only this process and its children see."""
    libc = ctypes.CDLL(None, use_errno=True)
    clone_newns, ms_private, ms_rec = 0x20000, 1 << 18, 1 << 14
    if libc.unshare(clone_newns) != 0:
        case.skipTest(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
    libc.mount(b"none", b"/", None, ms_rec | ms_private, None)
    if libc.mount(b"tmpfs", str(directory).encode(), b"tmpfs", 0, f"size={size},mode=755".encode()) != 0:
        case.skipTest(f"no tmpfs: {os.strerror(ctypes.get_errno())}")
    case.addCleanup(libc.umount2, str(directory).encode(), 2)


class LmtpCase(unittest.TestCase):
    def site(self, **arguments):
        site = LmtpSite(**arguments)
        self.addCleanup(site.remove)
        return site.start()

    def check(self, site):
        """No stage file is left, and Cyrus finds the mailboxes as they should be."""
        self.assertEqual(site.stage_files(), [])
        for user in ("alice", "bob"):
            out = site.tool("reconstruct", "-n", f"user.{user}")
            self.assertEqual(out.split(), [f"user.{user}"], out)

    def accepted(self, replies):
        for reply in replies:
            self.assertRegex(reply, SUCCESS)


class DeliveryTest(LmtpCase):
    def test_a_message_lands_with_its_trace_on_top_and_pop3d_shows_it(self):
        site = self.site(more=(("pop3", ""),), options={"allowplaintext": "yes"})
        before = set(site.files())
        with site.lmtp() as client:
            self.assertEqual(client.begin("alice", "bob"), ["250 2.1.5 ok"] * 2)
            self.accepted(client.data(b"Return-Path: <forged@x>\r\n" + message(1) + b"..dot\r\n", replies=2))
        number, = set(site.files()) - before
        text = site.files()[number]
        self.assertRegex(text, rb"(?s)\AReturn-Path: <a@b>\r\n"
                         rb"Received: from client\.example \((localhost )?\[127\.0\.0\.1\]\)\r\n"
                         rb"\tby test\.example \(Pillarbox-\S+\) with LMTP id [0-9-]+;\r\n"
                         rb"\t\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}\r\nFrom: <a@b>\r\n")
        self.assertTrue(text.endswith(message(1) + b".dot\r\n"))
        self.assertEqual(text.count(b"Return-Path"), 1)
        for recipient in (b"alice", b"bob"):
            self.assertNotIn(recipient, text)  # one may not learn of the other
        self.assertIn(text, site.files("bob").values())
        self.assertIn("Delivered: <1@test> to mailbox: user.alice\n", site.syslog())
        with Connection(site.ports["pop3"]) as client:
            client.line()
            client.login("alice")
            last = client.ask("STAT").split()[1]
            self.assertEqual(client.ask(f"RETR {last}"), "+OK Message follows")
            self.assertEqual(client.body(), text)
        self.check(site)

    def test_every_recipient_has_an_outcome_of_its_own(self):
        site = self.site(peer=True)
        quota = site.conf_dir / "quota" / "b" / "user.bob"
        quota.write_bytes(quota.read_bytes().replace(b"(926 1000)", b"(926 0)"))
        for lmtp in (site.lmtp(), site.peer()):
            with lmtp as client:
                replies = client.begin("alice", "nobody", "bob", "alice+missing", "bob")
                self.assertEqual([reply[:9] for reply in replies],
                                 ["250 2.1.5", "550 5.1.1", "452 4.2.2", "250 2.1.5", "452 4.2.2"])
                self.assertRegex(replies[2], r"452 4\.2\.2 Over quota SESSIONID=<\S+>")
                self.accepted(client.data(message(2), replies=2))
        # The second recipient is the same mailbox, and Cyrus had nothing new to deliver.
        self.assertEqual(sum(b"number 2" in text for text in site.files().values()), 1)
        self.assertIn("dupelim: eliminated duplicate message to user.alice id <2@test> date "
                      "Fri, 27 Nov 2026 10:00:00 +0000 (delivery)\n", site.syslog())
        self.check(site)

    def test_over_quota_may_be_for_good_and_ignorequota_overrides_it(self):
        site = self.site(options={"lmtp_over_quota_perm_failure": "yes"})
        quota = site.conf_dir / "quota" / "b" / "user.bob"
        quota.write_bytes(quota.read_bytes().replace(b"(926 1000)", b"(926 0)"))
        with site.lmtp() as client:
            self.assertRegex(client.begin("bob")[0], r"552 5\.2\.2 Over quota SESSIONID=<\S+>")
            self.assertEqual(client.say("RCPT TO:<bob> IGNOREQUOTA"), "250 2.1.5 ok")
            self.accepted(client.data(message(3)))

    def test_duplicates_are_told_apart_by_mailbox_only(self):
        site = self.site(options={"duplicatesuppression": "no"})
        with site.lmtp() as client:
            client.begin("alice")
            self.accepted(client.data(message(4)))
            client.envelope("alice")
            self.accepted(client.data(message(4)))
        self.assertEqual(sum(b"number 4" in text for text in site.files().values()), 2)
        self.check(site)

    def test_any_text_in_any_pieces_is_stored_whole(self):
        site = self.site()
        lines = [b"." * (n % 4) + b"x" * (n % 700) for n in range(20000)]
        text = message(5) + b"".join(line + b"\r\n" for line in lines) + b"long" * 500000 + b"\r\n"
        stuffed = b"".join(b"." + line if line.startswith(b".") else line for line in text.splitlines(keepends=True))
        with site.unix() as client:
            client.begin("alice")
            self.assertEqual(client.say("DATA"), "354 go ahead")
            for at in range(0, len(stuffed), 77777):
                client.send(stuffed[at:at + 77777])
            client.send(b".\r\nNOOP\r\n")
            self.assertRegex(client.reply()[-1], SUCCESS)
            self.assertEqual(client.reply(), ["250 2.0.0 ok"])
        self.assertTrue(max(site.files().items())[1].endswith(text))
        self.check(site)

    def test_bare_line_feeds_end_no_message_and_are_stored_as_line_ends(self):
        site = self.site()
        with site.lmtp() as client:
            client.begin("alice")
            self.accepted(client.data(message(6) + b"a\n.\nMAIL FROM:<evil@x>\nRCPT TO:<bob>\n.\r\nb\r\n"))
        self.assertTrue(max(site.files().items())[1].endswith(
            message(6) + b"a\r\n.\r\nMAIL FROM:<evil@x>\r\nRCPT TO:<bob>\r\n.\r\nb\r\n"))
        self.check(site)

    def test_overlong_commands_are_refused_whole(self):
        site = self.site()
        with site.lmtp() as client:
            client.reply()
            self.assertEqual(client.say("NOOP " + "x" * 200000 + "QUIT"), "500 5.5.6 Line too long")
            self.assertEqual(client.say("MAIL FROM:<" + "a" * 2000 + "@b>"), "501 5.5.4 Syntax error in parameters")
            self.assertEqual(client.say("MAIL FROM:<" + "a" * 900 + "@b>"), "250 2.1.0 ok")

    def test_a_lost_connection_inside_a_message_leaves_nothing(self):
        site = self.site()
        before = site.files()
        for end in (b"", b".", b"\r\n.\r"):
            for size in (0, 1000, 400000):
                with site.lmtp() as client:
                    client.begin("alice", "bob")
                    client.say("DATA")
                    client.send(message(7) + b"x" * size + end)
                until(lambda: site.syslog().count("ended inside a message, which is dropped") == 1, "no line in the log")
                site.syslog_file.write_text("")
                self.assertEqual(site.files(), before)
        until(lambda: not site.stage_files(), "a stage file is left")
        self.check(site)

    def test_folders_catch_all_and_the_fuzzy_match(self):
        site = self.site(options={"lmtp_catchall_mailbox": "bob", "lmtp_fuzzy_mailbox_match": "yes"})
        count = len(site.files("bob"))
        with site.lmtp() as client:
            self.assertEqual(client.begin("nobody@x"), ["250 2.1.5 ok"])
            self.accepted(client.data(message(8)))
            self.assertEqual(client.envelope("alice+no.such.folder"), ["250 2.1.5 ok"])
            self.accepted(client.data(message(9)))
        self.assertEqual(len(site.files("bob")), count + 1)
        self.assertIn(b"number 9", max(site.files().items())[1])
        self.check(site)

    def test_a_sieve_script_defers_unless_told_otherwise(self):
        site = self.site()
        unique = site.mailbox_directory("alice").name
        script = site.root / "sieve" / "uuid" / unique[0] / unique[1] / unique
        script.mkdir(parents=True)
        (script / "mine.bc").write_bytes(b"CyrusSieve")
        (script / "defaultbc").symlink_to("mine.bc")
        site.give_away()
        with site.lmtp() as client:
            reply, other = client.begin("alice", "bob")
            self.assertRegex(reply, r"451 4\.2\.0 .*")
            self.assertEqual(other, "250 2.1.5 ok")
        self.assertRegex(site.syslog(), r"recipient alice refused: .*[Ss]ieve")
        site.settings["lmtp_ignore_sieve"] = "yes"
        site.write_imapd_conf()
        site.hang_up()
        until(lambda: "configuration and certificates reloaded" in site.syslog(), "no reload")
        with site.lmtp() as client:
            self.assertEqual(client.begin("alice"), ["250 2.1.5 ok"])

    def test_only_users_with_a_password_get_an_inbox_when_so_asked(self):
        site = self.site(users=("alice", "bob", "carol"), options={
            "autocreate_quota": "0", "autocreate_post": "yes", "lmtp_autocreate_known_users": "yes"})
        with site.lmtp() as client:
            known, unknown = client.begin("carol", "nosuch")
            self.assertEqual(known, "250 2.1.5 ok")
            self.assertRegex(unknown, r"550 5\.1\.1 .*")
            self.accepted(client.data(message(1)))
        self.assertTrue(site.mailbox_directory("carol"))
        with self.assertRaises(AssertionError):
            site.mailbox_directory("nosuch")
        site.settings["lmtp_autocreate_known_users"] = "no"
        site.write_imapd_conf()
        site.hang_up()
        until(lambda: "configuration and certificates reloaded" in site.syslog(), "no reload")
        with site.lmtp() as client:
            self.assertEqual(client.begin("nosuch"), ["250 2.1.5 ok"])
        self.check(site)

    def test_a_locked_mailbox_is_deferred_and_holds_nobody_up(self):
        site = self.site(options={"lmtp_lock_timeout": "1s", "lmtp_store_threads": "1"})
        with site.lmtp() as slow, site.lmtp() as quick:
            slow.begin("alice")
            quick.begin("bob")
            with locked(site.mailbox_directory("alice") / "cyrus.index"):
                self.assertEqual(slow.say("DATA"), "354 go ahead")
                slow.send(message(10) + b".\r\n")
                began = time.monotonic()
                self.accepted(quick.data(message(11)))
                self.assertLess(time.monotonic() - began, 0.9)
                self.assertRegex(slow.reply()[-1], r"451 4\.3\.0 Mailbox is busy SESSIONID=<\S+>")
            slow.envelope("alice")
            self.accepted(slow.data(message(10)))
        self.check(site)

    def test_a_full_disk_is_told_and_leaves_nothing(self):
        site = LmtpSite()
        self.addCleanup(site.remove)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, limits[1]))  # our services inherit it
        try:
            site.start()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        before = site.files()
        with site.lmtp() as client:
            client.begin("alice", "bob")
            for reply in client.data(message(12) + (b"y" * 78 + b"\r\n") * 3000, replies=2):
                self.assertRegex(reply, r"452 4\.3\.1 Out of space SESSIONID=<\S+>")
            self.assertEqual(site.files(), before)
            self.assertEqual(site.stage_files(), [])
            client.envelope("alice")
            self.accepted(client.data(message(13)))
        self.check(site)

    @unittest.skipUnless(os.geteuid() == 0, "a file system of its own wants root")
    def test_a_disk_that_is_really_full_is_told_and_leaves_nothing(self):
        site = LmtpSite()
        self.addCleanup(site.remove)
        spool, small = Path(site.settings["partition-default"]), site.root / "small"
        small.mkdir()
        mount_small(self, small, "4m")
        shutil.copytree(spool, small, dirs_exist_ok=True)
        site.settings["partition-default"] = str(small)
        site.write_imapd_conf()
        site.start()

        def files():
            return {path: path.stat().st_size for path in small.rglob("*") if path.is_file() and path.name != "filler"}

        filler = small / "filler"
        refused = 0
        for free in range(12):  # pages; each step of a delivery finds the end of them once
            before = files()
            filler.write_bytes(b"")
            room = os.statvfs(small).f_bavail - free
            with open(filler, "wb") as file:
                file.write(b"f" * 4096 * room)
            with site.lmtp() as client:
                client.begin("alice", "bob")
                replies = client.data(message(100 + free) + (b"y" * 78 + b"\r\n") * 100, replies=2)
            filler.unlink()
            for reply in replies:
                self.assertRegex(reply, SUCCESS + r"|452 4\.3\.1 Out of space SESSIONID=<\S+>")
            refused += sum(reply.startswith("452") for reply in replies)
            until(lambda: not list(small.rglob("stage./*")), "a stage file is left")
            if all(reply.startswith("452") for reply in replies):
                self.assertEqual(files(), before)
        self.assertGreater(refused, 2)
        with site.lmtp() as client:
            client.begin("alice", "bob")
            self.accepted(client.data(message(13), replies=2))
        self.check(site)

    def test_users_of_virtual_domains(self):
        site = LmtpSite(options={"virtdomains": "userid", "defaultdomain": "test.example"}, peer=True)
        self.addCleanup(site.remove)
        site.start()
        tool = Tool(site)
        self.addCleanup(tool.close)
        for name in ("example.com!user.dom", "example.com!user.dom.Sub", "example.com!user.alice"):
            tool.ok("create", name)

        uniqueids = {row[0]: row[2] for row in tool.ask("list")}

        def count(name):
            directory, = (site.root / "spool").rglob(uniqueids[name])
            return len(list(directory.glob("[0-9]*.")))

        for lmtp, number in ((site.lmtp, 1), (site.peer, 2)):  # as Cyrus's lmtpd files it
            with lmtp() as client:
                client.begin("dom@example.com", sender="a@b")
                self.accepted(client.data(message(number)))
                client.envelope("dom+Sub@Example.COM")
                self.accepted(client.data(message(number + 10)))
                self.assertEqual(client.envelope("alice@test.example", "alice@example.com"), ["250 2.1.5 ok"] * 2)
                self.accepted(client.data(message(number + 20), replies=2))
                self.assertRegex(client.envelope("dom@test.example")[0], "^550 ")
                client.say("RSET")
                self.assertRegex(client.envelope("dom@elsewhere.example")[0], "^550 ")
        # Nobody may post to Sub, so that its mail is in INBOX.
        for name, expected in (("example.com!user.dom", 4), ("example.com!user.dom.Sub", 0),
                               ("example.com!user.alice", 2)):
            self.assertEqual(count(name), expected, name)
            domain, mailbox = name.split("!")
            told = site.tool("reconstruct", "-n", f"{mailbox}@{domain}").split()
            self.assertEqual(told, [f"{mailbox}@{domain}"])
        self.check(site)

    def test_shared_folders_take_mail_from_whom_they_let(self):
        site = LmtpSite(peer=True, users=("alice", "bob", "cyrus"))
        self.addCleanup(site.remove)
        site.cyrus_services = ("lmtpd", "imapd")
        site.start()
        imap = Imap(site.cyrus_ports["imapd"], "cyrus")
        self.addCleanup(imap.close)
        for name, rights in (("bulletin", "lrsp"), ("bulletin.board", "lrsp"), ("closed", "lrs")):
            imap.ok(f"CREATE {name}")
            imap.ok(f"SETACL {name} cyrus lrswipkxtecda")
            imap.ok(f"SETACL {name} anyone {rights}")
        for lmtp, number in ((site.peer, 1), (site.lmtp, 2)):
            with lmtp() as client:
                self.assertEqual(client.begin("+bulletin", "+bulletin.board@anywhere"), ["250 2.1.5 ok"] * 2)
                self.accepted(client.data(message(number), replies=2))
                self.assertRegex(client.envelope("+closed")[0], "^550 ")
                client.say("RSET")
                for unknown in ("+missing", "+"):
                    self.assertRegex(client.envelope(unknown)[0], "^550 ", unknown)
                    client.say("RSET")
        with site.lmtp() as client:  # not by this door
            client.begin()
            for user in ("+user.alice", "+user", "+DELETED.user.alice", "+../alice", "+a..b"):
                client.say("RSET")
                self.assertRegex(client.envelope(user)[0], "^5", user)
        for name in ("bulletin", "bulletin.board"):
            self.assertTrue(any("2 EXISTS" in line for line in imap.ok(f"SELECT {name}")), name)
            self.assertEqual(site.tool("reconstruct", "-n", name).split(), [name])
        self.check(site)


class FoldersTest(LmtpCase):
    """Mail for user+folder, by us and by Cyrus's lmtpd in the same store: each message tells where it went."""

    def folders_site(self, names, **options):
        site = LmtpSite(peer=True, users=("alice", "bob", "cyrus"), options=options)
        self.addCleanup(site.remove)
        site.cyrus_services = ("lmtpd", "imapd")
        site.start()
        self.imap = Imap(site.cyrus_ports["imapd"], "alice")
        self.addCleanup(self.imap.close)
        self.folders = ["INBOX", *names]
        for name in names:
            self.imap.ok(f'CREATE "{name}"')
            self.imap.ok(f'SETACL "{name}" anyone p')
        return site

    def where(self, client, address, number):
        self.assertEqual(client.envelope(address), ["250 2.1.5 ok"])
        self.accepted(client.data(message(number)))
        found = []
        for name in self.folders:
            self.imap.ok(f'EXAMINE "{name}"')
            lines = self.imap.ok(f"SEARCH HEADER Message-ID <{number}@test>")
            found += [name] * (lines != ["* SEARCH"])
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_the_fuzzy_match_is_that_of_cyrus(self):
        site = self.folders_site(["My Lists", "My Lists.C++", "My Lists.deep", "My Lists.deep.er", "Sent"],
                                 lmtp_fuzzy_mailbox_match="yes")
        found = {}
        with site.lmtp() as ours, site.peer() as theirs:
            for client in (ours, theirs):
                client.begin()
                client.say("RSET")
            for number, folder in enumerate((
                    "Sent", "sent", "SENT.x.y", "my-lists", "My_Lists.c++", "my-lists.DEEP.x", "MY.LISTS", "mylists", "Sen",
                    "Sentx", "nothing", "My Lists.deep.er.more")):
                address = f'"alice+{folder}"' if " " in folder else f"alice+{folder}"
                found[folder] = self.where(ours, address, 2 * number)
                if " " not in folder:  # Cyrus takes the quotes for a part of the name
                    self.assertEqual(self.where(theirs, address, 2 * number + 1), found[folder], folder)
        self.assertEqual(found["sent"], "Sent")
        self.assertEqual(found["My_Lists.c++"], "My Lists.C++")
        self.assertEqual(found["my-lists.DEEP.x"], "My Lists.deep")
        self.assertEqual(found["My Lists.deep.er.more"], "My Lists.deep.er")
        self.assertEqual(found["mylists"], "INBOX")
        self.check(site)

    def test_folders_of_an_excluded_special_use_take_no_mail(self):
        site = self.folders_site(["Drafts", "Plans", "Sent"])
        for name, use in (("Drafts", "\\\\Drafts"), ("Sent", "\\\\Sent")):  # as a quoted string has a backslash
            self.imap.ok(f'SETMETADATA {name} (/private/specialuse "{use}")')
        with site.lmtp() as ours, site.peer() as theirs:
            for client in (ours, theirs):
                client.begin()
                client.say("RSET")
            # Debian's 3.6.1 does not know the option.
            for number, (folder, there) in enumerate((("Drafts", "INBOX"), ("Plans", "Plans"), ("Sent", "Sent"))):
                self.assertEqual(self.where(ours, f"alice+{folder}", 2 * number), there)
                self.assertEqual(self.where(theirs, f"alice+{folder}", 2 * number + 1), folder)
        site.settings["lmtp_exclude_specialuse"] = "\\Sent"
        site.write_imapd_conf()
        site.hang_up()
        until(lambda: "lmtp_exclude_specialuse" not in site.log() and self.takes(site, "Drafts", "Sent"), "no reload")
        self.check(site)

    def takes(self, site, there, past):
        self.number = getattr(self, "number", 100) + 2
        with site.lmtp() as client:
            client.begin()
            client.say("RSET")
            return (self.where(client, f"alice+{there}", self.number),
                    self.where(client, f"alice+{past}", self.number + 1)) == (there, "INBOX")


class DoorTest(LmtpCase):
    """Who is let in, as pop3d's door does it."""

    def raw(self, port, source="127.0.0.1"):
        connected = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
        client = Lmtp.over(connected)
        self.addCleanup(client.close)
        return client

    def test_the_client_is_whom_a_trusted_proxy_names(self):
        site = self.site(services={"lmtp": "-a", "lmtpauth": "", "behind": "-a -H"},
                         options={"proxy_protocol_timeout": "1s", "closed_proxy_protocol_networks": "192.0.2.0/24"})
        port = site.ports["behind"]
        client = self.raw(port)
        client.send(b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 24\r\nLHLO client.example\r\n")
        self.assertRegex(client.reply()[-1], "^220 ")
        self.assertRegex(client.reply()[-1], "^250 ")
        self.assertEqual(client.envelope("alice"), ["250 2.1.5 ok"])
        self.accepted(client.data(message(50)))
        self.assertIn(b"[192.0.2.1]", max(site.files().items())[1])
        for header in (b"LHLO client.example\r\n", b"PROXY nonsense\r\n", b""):  # the last one by the time limit
            client = self.raw(port)
            client.send(header)
            self.assertEqual(client.reply(), ["421 4.3.2 No PROXY header"])
        self.check(site)

    def test_a_proxy_that_is_not_trusted_names_nobody(self):
        site = self.site(services={"lmtp": "-a", "lmtpauth": "", "behind": "-a -H"},
                         options={"proxy_protocol_networks": "192.0.2.0/24"})
        client = self.raw(site.ports["behind"])
        client.send(b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 24\r\n")
        self.assertEqual(client.reply(), ["421 4.3.2 No PROXY header"])

    def test_strangers_are_limited_and_trusted_clients_are_not(self):
        site = self.site(options={"prelogin_connections_per_address": "3"}, attributes="prefork=1 maxchild=1")
        waiting = [self.raw(site.ports["lmtpauth"], "127.0.0.5") for _ in range(3)]
        for client in waiting:
            self.assertRegex(client.reply()[-1], "^220 ")
        self.assertEqual(self.raw(site.ports["lmtpauth"], "127.0.0.5").reply(),
                         ["421 4.3.2 Too many connections: try again later"])
        self.assertRegex(self.raw(site.ports["lmtpauth"], "127.0.0.6").reply()[-1], "^220 ")
        for _ in range(8):
            self.assertRegex(self.raw(site.ports["lmtp"], "127.0.0.5").reply()[-1], "^220 ")

    def test_failed_logins_delay_their_address_and_end_the_connection(self):
        site = self.site(users=("alice", "bob", "cyrus"), options={
            "failed_logins_per_connection": "3", "failedloginpause": "0", "failed_login_penalty": "1s",
            "failed_login_penalty_after": "3"})
        port = site.ports["lmtpauth"]

        def login(client, password):
            secret = b64encode(f"\0cyrus\0{password}".encode()).decode()
            return client.say(f"AUTH PLAIN {secret}")

        def seconds_of_login(source):
            client = self.raw(port, source)
            self.assertRegex(client.reply()[-1], "^220 ")
            client.say("LHLO client.example")
            began = time.monotonic()
            self.assertRegex(login(client, PASSWORD), "^235 ")
            return time.monotonic() - began

        for _ in range(2):
            client = self.raw(port, "127.0.0.7")
            self.assertRegex(client.reply()[-1], "^220 ")
            client.say("LHLO client.example")
            for _ in range(3):
                self.assertRegex(login(client, "wrong"), "^535 5.7.8 ")
            self.assertEqual(client.reply(), ["421 4.3.2 Too many failed logins"])
            self.assertEqual(client.reply(), [])
        waits = seconds_of_login("127.0.0.7")
        self.assertGreaterEqual(waits, 1)
        self.assertLess(waits, 4)
        self.assertLess(seconds_of_login("127.0.0.8"), 0.9)


class ShutdownTest(LmtpCase):
    def test_a_shutdown_file_ends_sessions_new_and_old_but_no_message(self):
        site = LmtpSite(peer=True)
        self.addCleanup(site.remove)
        site.start()
        before = len(site.files())
        with site.lmtp() as idle, site.lmtp() as busy, site.peer() as theirs:
            for client in (idle, busy, theirs):
                client.begin("alice")
            self.assertEqual(busy.say("DATA"), "354 go ahead")
            directory = site.conf_dir / "msg"
            directory.mkdir(exist_ok=True)
            (directory / "shutdown").write_text("[back\tat noon\nsecond line\n")
            self.assertEqual(idle.reply(), ["421 4.3.2 back?at noon"])
            self.assertEqual(idle.reply(), [])
            busy.send(message(60) + b".\r\n")
            self.accepted([busy.reply()[-1]])
            self.assertEqual(busy.reply(), ["421 4.3.2 back?at noon"])
            theirs.say("NOOP")  # which is still answered, in 3.6.1
            self.assertEqual(theirs.say("RSET"), "421 4.3.2 [back\tat noon")
        with site.lmtp() as late:
            self.assertRegex(late.reply()[-1], "^220 ")
            self.assertEqual(late.reply(), ["421 4.3.2 back?at noon"])
        self.assertEqual(len(site.files()), before + 1)
        (directory / "shutdown").unlink()
        until(lambda: self.is_open(site), "closed for ever")
        self.check(site)

    @staticmethod
    def is_open(site):
        with site.lmtp() as client:
            return client.reply()[-1].startswith("220 ") and client.say("LHLO x").startswith("250 ")


class ClientsTest(LmtpCase):
    """Python's smtplib, which is not ours."""

    def send(self, client, recipient, number, **arguments):
        self.assertEqual(client.sendmail("a@b", [recipient], message(number), **arguments), {})

    def test_over_tcp_and_unix_socket_under_either_master(self):
        for master in (None, CYRUS_MASTER):
            site = self.site(**({} if master is None else {"master": master}))
            for number, where in enumerate((("127.0.0.1", site.ports["lmtp"]), (str(site.unix_socket), 0))):
                with smtplib.LMTP(*where) as client:
                    self.send(client, "alice", number)
                    self.assertEqual(client.sendmail("a@b", ["alice", "nobody"], message(number + 10)),
                                     {"nobody": (550, ANY)})
            self.assertEqual(sum(re.search(rb"^Message-ID: <\d+@test>", text, re.M) is not None
                                 for text in site.files().values()), 4)
            self.check(site)
            self.assertEqual(site.complaints(), [])
            site.stop()

    def test_eight_bit_text_and_addresses(self):
        site = self.site()
        text = email.message.EmailMessage()
        text["From"] = "jörg@bücher.example"
        text["Subject"] = "Grüße"
        text["Message-ID"] = "<utf8@test>"
        text.set_content("Straße\n", cte="8bit")
        with smtplib.LMTP("127.0.0.1", site.ports["lmtp"]) as client:
            client.ehlo()
            self.assertTrue(client.has_extn("smtputf8") and client.has_extn("8bitmime") and client.has_extn("pipelining"))
            self.assertEqual(client.send_message(text, to_addrs=["alice"]), {})
        stored = max(site.files().items())[1]
        self.assertIn("Return-Path: <jörg@bücher.example>\r\n".encode(), stored)
        self.assertIn(b"with UTF8LMTP id", stored)
        self.assertIn("Straße\r\n".encode(), stored)
        self.check(site)

    def test_starttls_and_auth(self):
        site = self.site(tls=True, users=("alice", "bob", "cyrus"))
        with smtplib.LMTP("127.0.0.1", site.ports["lmtpauth"], local_hostname="client.example") as client:
            client._host = "localhost"  # what the certificate must name
            self.assertEqual(client.starttls(context=site.client_context())[0], 220)
            client.ehlo()
            self.assertFalse(client.has_extn("starttls"))
            self.assertEqual(client.login("cyrus", PASSWORD)[0], 235)
            self.send(client, "alice", 20)
        stored = max(site.files().items())[1]
        self.assertRegex(stored, rb"\(authenticated user=cyrus\)\r\n\tby test\.example \(\S+\) with LMTPSA id [0-9-]+\r\n"
                         rb"\t\(TLSv1\.3 with cipher \S+ \(\d+ bits\)\);")
        self.assertRegex(site.syslog(), r"login: (localhost )?\[127\.0\.0\.1\] cyrus \S+\+TLS User logged in\n")
        with smtplib.LMTP("127.0.0.1", site.ports["lmtpauth"]) as client:
            with self.assertRaises(smtplib.SMTPResponseException) as refused:
                client.sendmail("a@b", ["alice"], message(21))
            self.assertEqual(refused.exception.smtp_code, 430)


class ConductTest(LmtpCase):
    """What master hears, how it drains and reloads."""

    def worker(self, options=None, *arguments):
        site = LmtpSite(options=options)
        self.addCleanup(site.remove)
        site.give_away()
        worker = Worker(site, "-a", *arguments, program=LMTPD)
        self.addCleanup(worker.end)
        return worker

    def test_ready_means_accepting(self):
        worker = self.worker()
        with Lmtp(worker.port) as one, Lmtp(worker.port) as two:
            one.begin("alice")
            two.begin("alice")
            self.assertEqual(worker.messages(), [CONNECTION_MULTI] * 2)

    def test_one_session_a_process_speaks_like_the_original(self):
        worker = self.worker({"lmtp_sessions_per_process": "1"})
        with Lmtp(worker.port) as client:
            client.begin("alice")
            self.assertEqual(worker.messages(), [UNAVAILABLE, CONNECTION])
            with Lmtp(worker.port) as second:
                self.assertEqual(second.reply(), ["421 4.3.2 Too many connections: try again later"])
            self.assertEqual(client.say("QUIT"), "221 2.0.0 bye")
        until(lambda: AVAILABLE in worker.messages(), "not available again")

    def test_sigterm_ends_sessions_but_not_a_message_that_has_come(self):
        worker = self.worker()
        with Lmtp(worker.port) as idle, Lmtp(worker.port) as busy:
            idle.begin("alice")
            busy.begin(*["alice"] * 300)
            self.assertEqual(busy.say("DATA"), "354 go ahead")
            busy.send(message(30) + b".\r\n")
            time.sleep(0.02)
            worker.process.send_signal(signal.SIGTERM)
            self.assertEqual(idle.reply(), [])
            self.accepted([busy.reply()[-1] for _ in range(300)])
        self.assertEqual(worker.process.wait(15), 75)


@contextmanager
def locked(index):
    """Holds the index lock of a mailbox as another program does: an OFD write lock on the whole file."""
    with open(index, "r+b") as file:
        fcntl.fcntl(file, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))  # F_OFD_SETLK
        yield


if __name__ == "__main__":
    unittest.main()
