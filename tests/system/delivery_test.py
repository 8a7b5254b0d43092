"""Our deliveries beside Debian's Cyrus on the same mailboxes: what its imapd shows of them, and what its tools say."""

import re
import threading
import unittest
from contextlib import ExitStack

from delivery_lab import Deliverer, LoggedCyrusSite
from imap_client import Imap, deliver
from live_cyrus_test import LAYOUTS, Lab
from mailsite import HERE

CORPUS = HERE.parent / "data" / "mime"
FETCHED = "(ENVELOPE BODYSTRUCTURE BODY BODY.PEEK[TEXT] BODY.PEEK[HEADER.FIELDS (SUBJECT MIME-VERSION CONTENT-TYPE X-MAILER)])"


def message(number, date="Mon, 2 Nov 2026 08:00:00 +0100", more=""):
    return (f"From: Sender <sender@example.com>\r\nTo: alice@example.com\r\nSubject: number {number}\r\n{more}"
            f"Message-ID: <{number}@ours.example>\r\nDate: {date}\r\n\r\nbody of {number}\r\n").encode()


SOME = [
    message("plain"),
    message("bare line feeds").replace(b"\r\n", b"\n"),
    b"Subject: =?utf-8?q?encoded_=C3=A4?=\r\nMessage-ID: <enc@x>\r\nDate: Fri, 27 Nov 2026 09:00:00 -0800\r\n"
    b"From: \"Doe, John\" <john@example.org>, Group: a@b.c, <d@e.f>;\r\nCc: =?iso-8859-1?q?J=F6rg?= <j@x>\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nw6TDtsO8Cg==\r\n",
    b"MIME-Version: 1.0\r\nMessage-ID: <multi@x>\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\npreamble\r\n--b\r\n"
    b"\r\nfirst\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner body\r\n--b\r\n"
    b"Content-Type: image/png; name=x.png\r\nContent-Disposition: attachment; filename=x.png\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\nepilogue\r\n",
    b"Subject: eight bit \xe4 header\r\nMessage-ID: <8bit@x>\r\n\r\n8-bit body \xe4\r\n",
    b"Subject: no date, no end of header\r\nMessage-ID: <nobody@x>\r\n",
    b"Subject: dots\r\nMessage-ID: <dots@x>\r\nDate: Sun, 1 Nov 2026 00:00:00 +0000\r\n\r\n.\r\n..x\r\n.y\r\n",
]


def corpus():
    """(name, message) of everything that has no NUL, which no mailbox takes."""
    files = sorted(CORPUS.glob("*.eml"))
    assert len(files) > 200, CORPUS
    texts = [(f"text {number}", text) for number, text in enumerate(SOME)]
    texts += [(file.name, file.read_bytes()) for file in files]
    return [(name, text) for name, text in texts if b"\0" not in text]


def fetched(imap, uid, text):
    """The answer to FETCH without the message number and UID, nor what lmtpd adds to a text without Date, Message-ID."""
    lines = imap.ok(f"UID FETCH {uid} {FETCHED}")
    assert lines, uid
    answer = re.sub(r"UID \d+", "UID", re.sub(r"^\* \d+ ", "", lines[0], count=1))
    answer = re.sub(r'"<cmu-lmtpd-[^"]*>"', "NIL", answer)
    if re.search(rb"(?im)^date:", text.partition(b"\r\n\r\n")[0]):
        return answer
    return re.sub(r'ENVELOPE \("[^"]*"', "ENVELOPE (NIL", answer)


class DeliveryTest(unittest.TestCase):
    maxDiff = None

    def test_imapd_shows_a_delivery_at_once_and_as_if_lmtpd_had_made_it(self):
        with ExitStack() as stack:
            site = LoggedCyrusSite(users=("alice", "bob", "cyrus"), cyrus_services=("imapd", "lmtpd"),
                                   options={"allowplaintext": "yes", "duplicatesuppression": "no", "imapidlepoll": "60"})
            stack.callback(site.remove)
            site.start_cyrus()
            ours = stack.enter_context(Deliverer(site, "Return-Path: <sender@example.com>\r\n"))
            port = site.cyrus_ports["imapd"]
            with Imap(port, "cyrus") as admin:
                admin.ok('SETQUOTA "user.bob" ()')
            alice = stack.enter_context(Imap(port, "alice"))
            bob = stack.enter_context(Imap(port, "bob"))
            for imap in (alice, bob):
                imap.ok("SELECT INBOX")
            for name, text in corpus():
                with self.subTest(name):
                    try:
                        deliver(site.cyrus_ports["lmtpd"], "bob", [text if text.endswith(b"\n") else text + b"\r\n"])
                    except AssertionError as refusal:
                        self.assertNotRegex(ours.answer("alice", text), r"^\d+$", f"Cyrus: {refusal}")
                        continue
                    bob.ok("NOOP")
                    before = len(alice.uids())
                    uid = ours.deliver("alice", text)
                    self.assertIn(f"* {before + 1} EXISTS", alice.ok("NOOP"))
                    theirs = bob.uids()[-1]
                    self.assertEqual(fetched(alice, uid, text), fetched(bob, theirs, text))
            self.assertNotIn("cache offset", site.syslog())
            # lmtpd complains of a message that its own parser does not read to the end.
            complaints = [line for line in site.syslog().splitlines() if "IOERROR" in line and "lmtpdpeer" not in line]
            self.assertEqual(complaints, [])

    def test_tools_find_nothing_and_both_deliver_in_turns(self):
        for layout in LAYOUTS:
            with self.subTest(layout=layout.sample), Lab(layout, "delayed") as lab, Deliverer(lab.site) as ours:
                before = lab.index()
                for number in range(20, 30):
                    if number % 2:
                        lab.deliver(number)
                    else:
                        ours.deliver(layout.user, message(number))
                index = lab.index()
                self.assertEqual(len(index.visible()), len(before.visible()) + 10)
                self.assertEqual({name: index.header[name] for name in index.counters()}, index.counters())
                self.assertEqual(lab.complaints(), lab.complaints_before)
                with lab.pop3() as pop3:
                    self.assertTrue(pop3.ask("LIST").startswith("+OK"))
                    pop3.body()
                    pop3.ask("DELE 2")
                    self.assertEqual(pop3.ask("QUIT"), "+OK")
                ours.deliver(layout.user, message("last"))
                lab.check_tools(self)

    def test_neither_delivers_what_the_other_has_delivered(self):
        layout = LAYOUTS[0]
        with Lab(layout, "delayed") as lab, Deliverer(lab.site) as ours:
            lmtpd = lab.site.cyrus_ports["lmtpd"]
            start = len(lab.index().visible())
            deliver(lmtpd, layout.user, [message("theirs")])
            self.assertIsNone(ours.deliver(layout.user, message("theirs")))
            self.assertIsNotNone(ours.deliver(layout.user, message("ours")))
            deliver(lmtpd, layout.user, [message("ours")])
            self.assertEqual(len(lab.index().visible()), start + 2)
            self.assertIsNotNone(ours.deliver(layout.user, message("ours", date="Tue, 3 Nov 2026 08:00:00 +0100")))
            lab.site.tool("cyr_dbtool", lab.site.root / "conf" / "deliver.db", "twoskip", "consistent")

    def test_deliveries_of_both_at_the_same_time_are_all_there(self):
        layout = LAYOUTS[0]
        with Lab(layout, "delayed") as lab:
            start = len(lab.index().visible())
            each = 20
            failures = []

            def run_ours(name):
                try:
                    with Deliverer(lab.site) as ours:
                        for number in range(each):
                            ours.deliver(layout.user, message(f"{name}-{number}"))
                except Exception as failure:  # is reported by the test
                    failures.append(failure)

            def run_theirs(name):
                try:
                    deliver(lab.site.cyrus_ports["lmtpd"], layout.user,
                            [message(f"{name}-{number}") for number in range(each)])
                except Exception as failure:  # is reported by the test
                    failures.append(failure)

            threads = [threading.Thread(target=run, args=(f"{run.__name__}-{n}",))
                       for n in range(2) for run in (run_ours, run_theirs)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(120)
            self.assertEqual(failures, [])
            self.assertEqual(len(lab.index().visible()), start + 4 * each)
            with lab.imap() as imap:
                imap.ok("SELECT INBOX")
                subjects = [line for line in imap.ok("UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")]
                seen = re.findall(r"number (run_\w+-\d+-\d+)", "\n".join(subjects))
                self.assertEqual(len(seen), 4 * each)
                self.assertEqual(len(set(seen)), 4 * each)
            lab.check_tools(self)


if __name__ == "__main__":
    unittest.main()
