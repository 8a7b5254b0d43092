"""What sessions leave in the log: word for word what Cyrus's pop3d of 3.6.1 writes for the same session, and our own
lines beside it, in both forms."""

import base64
import re
import time
import unittest

from mailsite import Connection
from swaplab import CYRUS_POP3D, SwapSite, until

NOTICE, INFO = 5, 6


def b64(text):
    return base64.b64encode(text.encode("latin-1")).decode()


# What one client says, and how our lines differ from Cyrus's: {what theirs has: what ours has}.
SESSIONS = [
    (["USER alice", "PASS pillarbox", "RETR 1", "TOP 1 0", "DELE 2", "QUIT"], {}),
    (["USER alice", "PASS pillarbox", "DELE 1"], {}),
    (["USER alice", "PASS wrong", "QUIT"], {}),
    (["USER nobody", "PASS wrong", "QUIT"], {}),
    (["USER a.b", "QUIT"], {}),
    (["USER a%b", "QUIT"], {}),
    (["USER " + "x" * 90, "QUIT"], {}),
    (["USER anonymous", "PASS me@x", "QUIT"], {"USAGE anonymous": None}),
    (["USER alice+sub", "PASS pillarbox", "QUIT"], {}),
    (["AUTH PLAIN " + b64("\0alice\0pillarbox"), "QUIT"], {}),
    (["AUTH plain " + b64("\0alice\0pillarbox"), "QUIT"], {}),
    (["AUTH PLAIN " + b64("\0alice\0wrong"), "QUIT"], {}),
    # Whose password was tried: Cyrus shows whom the client wanted to be, and no name that it does not know.
    (["AUTH PLAIN " + b64("\0nobody\0wrong"), "QUIT"], {"(-notset-)": "(nobody)"}),
    (["AUTH PLAIN " + b64("bob\0alice\0pillarbox"), "QUIT"], {"(bob)": "(alice)"}),
    (["AUTH CRAM-MD5", b64("alice 0123"), "QUIT"], {}),
    (["AUTH PLAIN " + b64("xx"), "QUIT"], {}),
    (["AUTH PLAIN ====", "QUIT"], {}),
    (["AUTH PLAIN", "*", "QUIT"], {}),
    (["AUTH FOO", "QUIT"], {}),
    (["AUTH [192.0.2.1]", "QUIT"], {"[192.0.2.1] (": "invalid ("}),
    (["QUIT"], {}),
    ([], {}),
]


class LogLinesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = SwapSite(
            services={"ours": "", "theirs": "", "many": "", "logfmt": ""}, tls=True, attributes="prefork=0 maxchild=10",
            options={"auditlog": "yes", "sasl_mech_list": "PLAIN LOGIN CRAM-MD5", "popsubfolders": "yes",
                     "ours_pop3_sessions_per_process": "1", "many_pop3_audit": "yes", "many_chatty": "yes",
                     "logfmt_log_format": "logfmt", "logfmt_pop3_audit": "yes",
                     "logfmt_allowanonymouslogin": "yes"})
        cls.site.programs = {"theirs": CYRUS_POP3D}
        cls.addClassCleanup(cls.site.remove)
        cls.site.start()

    def lines_of(self, service, commands, context=None):
        """The lines, without their identity, that `service` writes for one session of `commands`."""
        before = len(self.site.syslog())
        with Connection(self.site.ports[service]) as client:
            client.line()
            if context is not None:
                client.start_tls(context)
                client.ask("CAPA")
                client.body()
            for command in commands:
                reply = client.ask(command)
                if command.startswith(("RETR", "TOP")) and reply.startswith("+OK"):
                    client.body()
        end = "auditlog: traffic" if service == "theirs" else "session:" if service != "logfmt" else "event=session.end"

        def written():
            lines = (line.split(" ", 2) for line in self.site.syslog()[before:].splitlines())
            return [(int(level), text) for ident, level, text in lines if ident.endswith(service) and level != "7" and not text.startswith("TLS:")]
        until(lambda: any(text.startswith(end) for _, text in written()), f"{service}: no line at the end")
        return written()

    def texts(self, service, commands, context=None):
        return [text for _, text in self.lines_of(service, commands, context)]

    def test_they_are_those_of_cyrus(self):
        for commands, differences in SESSIONS:
            with self.subTest(commands=commands):
                theirs = self.comparable(self.lines_of("theirs", commands))
                for old, new in differences.items():
                    self.assertTrue(any(old in text for _, text in theirs), f"{old} not in {theirs}")
                    theirs = [(level, text.replace(old, new or "")) for level, text in theirs
                              if new is not None or old not in text]
                self.assertEqual(self.comparable(self.lines_of("ours", commands)), theirs)

    def comparable(self, lines):
        """Without what differs between two sessions, what the store says of changes, and our own lines."""
        out = []
        for level, text in lines:
            if text.startswith(("session:", "created proc", "autocreateinbox:", "seen_db", "DIGEST-MD5")):
                continue
            if re.match(r"auditlog: (?!traffic)", text):
                continue
            text = re.sub(r"(SESSIONID|sessionid)=<test\.example-\d+-\d+-\d+-\d+>", r"\1=<ID>", text)
            text = re.sub(r"bytes_out=<\d+>", "bytes_out=<N>", text)  # the greeting names the program
            text = re.sub(r"^(USAGE \S+) user: \d+\.\d{6} sys: \d+\.\d{6}$", r"\1", text)
            # Cyrus looks for an INBOX to make first, and tells of that; we tell the reason in parentheses.
            text = re.sub(r"(Unable to open maildrop user\.alice\.sub): .*", r"\1", text)
            out.append((level, text))
        return out

    def test_one_line_tells_the_whole_session(self):
        *_, last = self.lines_of("many", ["USER alice", "PASS pillarbox", "RETR 1", "DELE 1", "DELE 3"])
        self.assertEqual(last[0], NOTICE)
        self.assertRegex(last[1], r"^session: sessionid=<test\.example-[\d-]+> client=<(localhost )?\[127\.0\.0\.1\]> "
                         r"user=<alice> mailbox=<user\.alice> end=<peer-lost> seconds=<\d+\.\d{3}> bytes_in=<\d+> "
                         r"bytes_out=<\d+> messages=<\d> first=<\d+\.\d+> last=<\d+\.\d+> retr=<1> top=<0> dele=<2> removed=<0> dropped=<2>$")
        *_, last = self.lines_of("many", ["USER alice", "PASS pillarbox", "DELE 1", "RSET", "QUIT"])
        self.assertRegex(last[1], r" end=<quit> .* dele=<1> removed=<0> dropped=<0>$")
        *_, last = self.lines_of("many", ["USER alice", "PASS wrong"])
        self.assertEqual(last[0], INFO)
        self.assertRegex(last[1], r" user=<> mailbox=<> end=<peer-lost> ")

    def test_octets_are_counted_inside_tls(self):
        commands = ["AUTH PLAIN " + b64("\0bob\0pillarbox"), "STAT", "QUIT"]
        texts = self.texts("many", commands, self.site.client_context())
        said = len("STLS\r\nCAPA\r\n") + sum(len(command) + 2 for command in commands)
        self.assertRegex(texts[-1], rf" bytes_in=<{said}> ")
        self.assertTrue(any(text.startswith("starttls: TLSv1.3 with cipher TLS_") for text in texts), texts)
        self.assertTrue(any(re.match(r"login: .* bob PLAIN\+TLS User logged in SESSIONID=<", text) for text in texts))

    def test_each_message_has_its_audit_line_and_so_has_its_removal(self):
        texts = self.texts("many", ["USER bob", "PASS pillarbox", "RETR 1", "TOP 1 3", "DELE 1", "QUIT"])
        audited = [re.sub(r"sessionid=<[^>]*> ", "", text) for text in texts if text.startswith("auditlog: pop3.")]
        where = re.search(r"(user=<bob> mailbox=<user\.bob> uid=<\d+> size=<\d+>)$", audited[0]).group(1)
        self.assertEqual(audited, [f"auditlog: pop3.{action} {where}" for action in ("retr", "top", "dele", "removed")])
        self.assertTrue(any(re.match(r"auditlog: expunge .*mailbox=<user\.bob>", text) for text in texts), texts)
        self.assertFalse(any("pop3." in text for text in self.texts("ours", ["USER alice", "PASS pillarbox", "RETR 1"])))

    def test_chatty_tells_keywords_and_no_password(self):
        texts = self.texts("many", ["USER alice", "PASS pillarbox", "STAT", "x\x1by z", "QUIT"])
        self.assertEqual([text for text in texts if text.startswith("command: ")],
                         ["command: user", "command: pass", "command: stat", "command: x\\x1by", "command: quit"])
        self.assertNotIn("pillarbox", "\n".join(texts))

    def test_logfmt_has_the_pairs_of_later_releases(self):
        host = r'r\.clienthost="?(localhost )?\[127\.0\.0\.1\]"?'
        texts = self.texts("logfmt", ["USER alice", "PASS pillarbox", "RETR 1", "QUIT"])
        self.assertRegex(texts[0], rf"^event=login\.good r\.sessionid=test\.example-[\d-]+ {host} u\.username=alice "
                         r"login\.mech=plaintext login\.tls=0 pop\.subfolder=~null~$")
        self.assertRegex("\n".join(texts), r"(?m)^event=auditlog\.pop3\.retr r\.sessionid=\S+ u\.username=alice "
                         r"mbox\.name=user\.alice msg\.uid=\d+ msg\.size=\d+$")
        self.assertRegex("\n".join(texts), r"(?m)^event=auditlog\.traffic r\.sessionid=\S+ used\.bytes\.in=\d+ "
                         r"used\.bytes\.out=\d+$")
        self.assertRegex(texts[-1], rf"^event=session\.end r\.sessionid=\S+ {host} u\.username=alice .*"
                         r"session\.end=quit .*pop\.retr=1 ")
        texts = self.texts("logfmt", ["USER al ice=x", 'PASS wrong'])
        self.assertRegex(texts[0], rf'^event=login\.bad {host} u\.username="al ice=x" login\.mech=plaintext '
                         r'error="SASL\(-13\): user not found: checkpass failed"$')
        texts = self.texts("logfmt", ["USER anonymous", "PASS me@x", "QUIT"])
        self.assertRegex(texts[0], rf"^event=login\.good r\.sessionid=\S+ {host} login\.mech=plaintext login\.tls=0 "
                         r"login\.anonymous=1 login\.password=me@x$")


if __name__ == "__main__":
    unittest.main()
