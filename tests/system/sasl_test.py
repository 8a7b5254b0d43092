"""SASL as clients meet it: SCRAM with channel binding over real TLS, EXTERNAL by certificates, APOP, security layers,
mpop, and what a list of blocked users does. One server for most of it."""

import base64
import hashlib
import os
import re
import socket
import subprocess
import unittest

from bound_tls import BoundTls, Scram, TLS1_2, TLS1_3, authenticate
from mail_clients import Mpop
from mailsite import Connection, PASSWORD, REALM, SANITIZED, Site
from pki import Authority
from tls_test import TlsCase, trusting_context

MECHANISMS = "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-512 EXTERNAL"
READY = r"\+OK Mailbox locked and ready SESSIONID=<[^>]+>"
FAILED = "-ERR [AUTH] authenticating: authentication failure"
BAD = "-ERR [AUTH] authenticating: bad protocol / cancel"
VERSIONS = ((TLS1_2, "tls-unique"), (TLS1_3, "tls-exporter"))


def encode(text):
    return base64.b64encode(text.encode("latin-1")).decode()


def plain(user, password=PASSWORD, authzid=""):
    return "AUTH PLAIN " + encode(f"{authzid}\0{user}\0{password}")


class SaslTest(TlsCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site(mechanisms=MECHANISMS, users=("alice", "bob", "boss", "front"), options={
            "failedloginpause": "0", "failed_login_penalty": "0", "failed_logins_per_connection": "0",
            "pop3_bad_commands": "0", "pop3_login_deadline": "24h", "allowapop": "yes", "admins": "boss", "proxyservers": "front",
            "popsubfolders": "yes", "allowplaintext": "yes"})
        cls.addClassCleanup(cls.site.remove)
        cls.authority = Authority(cls.site.root / "pki")
        cls.site.settings["tls_client_ca_file"] = str(cls.authority.certificate)
        cls.syslog_file = cls.site.root / "syslog"
        cls.site.write_imapd_conf()
        cls.site.start()

    def is_ready(self, reply):
        self.assertRegex(reply or "lost", READY)

    def over_tls(self, version):
        """Two kinds of TLS, one after the other: from the start, and by STLS."""
        for port, stls in (("pop3s", False), ("pop3", True)):
            sock = socket.create_connection(("127.0.0.1", self.site.ports[port]), timeout=30)
            client = Connection.over(sock)
            if stls:
                client.line()
                self.assertTrue(client.ask("STLS").startswith("+OK"))
            client.socket = BoundTls(sock, version)
            self.addCleanup(client.close)
            if not stls:
                self.assertTrue(client.line().startswith("+OK"))
            yield client

    # -- SCRAM ----------------------------------------------------------------------------------------------------

    def test_scram_binds_to_its_connection_over_both_versions(self):  # RFC 5802 s6, RFC 9266
        for version, name in VERSIONS:
            for digest, mechanism in (("sha1", "SCRAM-SHA-1"), ("sha256", "SCRAM-SHA-256"), ("sha512", "SCRAM-SHA-512")):
                for client in self.over_tls(version):
                    with self.subTest(name=name, mechanism=mechanism):
                        binding = client.socket.binding(name)
                        scram = Scram("alice", PASSWORD, digest, f"p={name},,", binding)
                        self.is_ready(authenticate(client, mechanism + "-PLUS", scram, digest == "sha256"))
                        self.assertEqual(client.ask("QUIT"), "+OK")

    def test_scram_that_was_tampered_with_is_refused_and_the_connection_goes_on(self):
        for version, name in VERSIONS:
            clients = list(self.over_tls(version))
            client, other = clients
            binding, elsewhere = client.socket.binding(name), other.socket.binding(name)
            self.assertNotEqual(binding, elsewhere)
            header = f"p={name},,"
            other_name = "tls-exporter" if name == "tls-unique" else "tls-unique"
            refused = [
                ("-PLUS", Scram("alice", PASSWORD, header=header, binding=elsewhere)),  # of another connection
                ("-PLUS", Scram("alice", PASSWORD, header=header, binding=bytes(len(binding)))),
                ("-PLUS", Scram("alice", PASSWORD, header=header, binding=b"")),
                ("-PLUS", Scram("alice", PASSWORD, header=f"p={other_name},,", binding=binding)),
                ("-PLUS", Scram("alice", PASSWORD, header="n,,")),
                ("-PLUS", Scram("alice", PASSWORD, header=header, bound=b"n,,")),
                ("", Scram("alice", PASSWORD, header="y,,")),  # somebody took -PLUS off the list
                ("", Scram("alice", PASSWORD, header="n,,", bound=b"y,,")),
                ("", Scram("alice", PASSWORD, header="n,,", bound=header.encode() + binding)),
                ("", Scram("alice", PASSWORD, header=header, binding=binding)),
                ("-PLUS", Scram("alice", "wrong", header=header, binding=binding)),
            ]
            for plus, scram in refused:
                with self.subTest(name=name, plus=plus, header=scram.header, bound=scram.bound[:40]):
                    self.assertIn(authenticate(client, "SCRAM-SHA-256" + plus, scram), (FAILED, BAD))
            self.is_ready(authenticate(client, "SCRAM-SHA-256", Scram("alice", PASSWORD)))

    def test_plus_is_in_the_list_only_where_there_is_something_to_bind_to(self):
        client = self.plain(self.site.ports["pop3"])
        client.send("CAPA\r\n")
        self.assertNotIn(b"-PLUS", client.body())
        for client in self.over_tls(TLS1_3):
            client.send("CAPA\r\n")
            self.assertIn(b"SCRAM-SHA-256-PLUS", client.body())

    # -- EXTERNAL -------------------------------------------------------------------------------------------------

    def with_certificate(self, common_name, version=None):
        file = re.sub(r"\W", "_", common_name) or "none"
        certificate, key = self.authority.issue(file, common_name.replace("+", "\\+"))
        context = trusting_context(version=version)
        context.load_cert_chain(certificate, key)
        return self.connect(self.site.ports["pop3s"], context)

    def test_external_is_whose_certificate_it_is(self):  # RFC 4422 appendix A
        for command, response in (("AUTH EXTERNAL =", None), ("AUTH EXTERNAL", ""), ("AUTH EXTERNAL", encode("alice")),
                                  ("AUTH external " + encode("Alice"), None)):
            client = self.with_certificate("Alice")
            client.send("CAPA\r\n")
            self.assertRegex(client.body(), rb"(?m)^SASL .*\bEXTERNAL\b")
            reply = client.ask(command)
            if response is not None:
                self.assertEqual(reply, "+ ")
                reply = client.ask(response)
            self.is_ready(reply)
            self.assertEqual(client.ask("STAT"), "+OK 4 2610")

    def test_external_acts_for_others_as_admins_and_proxyservers_only(self):
        self.assertEqual(self.with_certificate("alice").ask("AUTH EXTERNAL " + encode("bob")), FAILED)
        for name in ("boss", "front"):
            self.is_ready(self.with_certificate(name).ask("AUTH EXTERNAL " + encode("bob")))
        for text in ("bob\0alice", "../bob", "*", "anonymous", "b" * 81):
            self.assertIn(self.with_certificate("boss").ask("AUTH EXTERNAL " + encode(text)), (FAILED, BAD), text)

    def test_external_is_nobodys_without_an_exact_name(self):
        for client in (self.connect(self.site.ports["pop3s"]), self.with_certificate("*"), self.with_certificate("al*"),
                       self.with_certificate("alice+sub"), self.with_certificate("anyone"),
                       self.with_certificate("alice%test.example"), self.with_certificate("anonymous")):
            client.send("CAPA\r\n")
            self.assertNotIn(b"EXTERNAL", client.body())
            self.assertEqual(client.ask("AUTH EXTERNAL ="), "-ERR [AUTH] authenticating: no mechanism available")

    def test_mpop_logs_in_by_scram_and_by_certificate(self):
        certificate, key = self.authority.issue("mpop", "alice")
        for number, lines in enumerate((
                f"auth scram-sha-256\npassword {PASSWORD}", f"auth scram-sha-1\npassword {PASSWORD}",
                f"auth external\ntls_cert_file {certificate}\ntls_key_file {key}\npassword x")):
            client = Mpop(self.site.root / f"mpop{number}")
            configure = client.configure

            def configure_tls(port, configure=configure, client=client, lines=lines):
                configure(port)
                text = (client.home / "mpoprc").read_text()
                text = re.sub(r"tls off\nauth user\n", f"tls on\ntls_starttls off\ntls_certcheck off\n{lines}\n", text)
                text = re.sub(r"(?m)^password .*\n(?=keep)", "", text)
                client.write("mpoprc", text)

            client.configure = configure_tls
            self.assertEqual(len(client.fetch(self.site.ports["pop3s"])), 4, lines)

    # -- APOP -----------------------------------------------------------------------------------------------------

    def challenge(self):
        client = Connection(self.site.ports["pop3"])
        self.addCleanup(client.close)
        greeting = client.line()
        found = re.fullmatch(r"\+OK .* server ready (<\d+\.\d+@test\.example>)", greeting)
        self.assertTrue(found, greeting)
        return client, found[1]

    def test_apop(self):  # RFC 1939 s7
        def digest(challenge, password=PASSWORD):
            return hashlib.md5((challenge + password).encode()).hexdigest()

        client, challenge = self.challenge()
        _, other = self.challenge()
        for command, reply in (
                ("APOP", "-ERR Missing argument"), ("APOP alice", BAD), ("APOP alice 0", BAD),
                (f"APOP alice {digest(challenge).upper()}", BAD), (f"APOP alice {digest(other)}", FAILED),
                (f"APOP alice {digest(challenge, 'wrong')}", FAILED), (f"APOP nobody {digest(challenge)}", FAILED),
                (f"APOP {'a' * 81} {digest(challenge)}", "-ERR [AUTH] Invalid user"),
                (f"APOP ../bob {digest(challenge)}", "-ERR [AUTH] Invalid user")):
            self.assertEqual(client.ask(command), reply, command)
        self.assertTrue(client.ask("USER alice").startswith("+OK"))
        self.assertEqual(client.ask(f"APOP alice {digest(challenge)}"), "-ERR [AUTH] Must give PASS command")
        client, challenge = self.challenge()
        self.is_ready(client.ask(f"APOP Alice {digest(challenge)}"))

    def test_apop_challenges_differ(self):
        seen = {self.challenge()[1] for _ in range(50)}
        self.assertEqual(len(seen), 50)

    # -- who has an account ---------------------------------------------------------------------------------------

    def seen_of(self, way, user):
        """All that a client sees of a wrong password, with what is random in it masked, and SCRAM's salt."""
        client = self.connect(self.site.ports["pop3s"])
        salt, replies = None, []
        if way == "PASS":
            replies = [client.ask(f"USER {user}"), client.ask("PASS wrong")]
        elif way == "APOP":
            replies = [client.ask(f"APOP {user} {'0' * 32}")]
        else:
            if way == "PLAIN":
                answers = iter([encode(f"\0{user}\0wrong")])
            elif way == "LOGIN":
                answers = iter([encode(user), encode("wrong")])
            elif way == "CRAM-MD5":
                answers = iter([encode(f"{user} {'0' * 32}")])
            elif way == "DIGEST-MD5":
                nonce, answers = None, iter(["digest"])
            else:
                scram = Scram(user, "wrong", way.replace("SCRAM-SHA-", "sha"))
                answers = iter([encode(scram.first()), "proof"])
            reply = client.ask(f"AUTH {way}")
            while reply.startswith("+ "):
                challenge = base64.b64decode(reply[2:]).decode()
                if (fields := re.fullmatch(r"r=([^,]+),s=([^,]+),(i=\d+)", challenge)):
                    salt = fields[2]
                    replies.append((len(fields[1]) - len(scram.bare.split("r=")[1]), len(salt), fields[3]))
                else:
                    replies.append(re.sub(r'<.*>|nonce="[^"]*"', "", challenge))
                answer = next(answers)
                if answer == "proof":
                    answer = encode(scram.final(challenge))
                elif answer == "digest":
                    nonce = re.search(r'nonce="([^"]*)"', challenge)[1]
                    answer = encode(f'username="{user}",realm="{REALM}",nonce="{nonce}",cnonce="abcdef",nc=00000001,'
                                    f'qop=auth,digest-uri="pop/{REALM}",response={"0" * 32},charset=utf-8')
                reply = client.ask(answer)
            replies.append(reply)
        replies.append(client.ask("NOOP"))
        client.close()
        return replies, salt

    def test_an_unknown_user_looks_like_a_wrong_password(self):
        for way in ("PASS", "APOP", "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            with self.subTest(way=way):
                (known, salt), (unknown, other) = self.seen_of(way, "alice"), self.seen_of(way, "nobody")
                self.assertEqual(known, unknown)
                self.assertTrue(any("-ERR [AUTH]" in str(reply) for reply in known), known)
                if "SCRAM" in way:
                    self.assertNotEqual(salt, other)
                    # One process after the other may answer: each has its salts, of both kinds of users.
                    for user, known_salt in (("alice", salt), ("nobody", other)):
                        seen = {self.seen_of(way, user)[1] for _ in range(8)}
                        self.assertLessEqual(len(seen | {known_salt}), 4, f"{user}: another salt at each try")

    # -- what hostile clients do ----------------------------------------------------------------------------------

    def test_an_exchange_may_be_cancelled_at_each_step(self):  # RFC 5034 s4
        client = self.connect(self.site.ports["pop3s"])
        cancelled = "-ERR [AUTH] Client canceled authentication"
        scram = encode(Scram("alice", PASSWORD).first())
        steps = (["PLAIN"], ["LOGIN"], ["LOGIN", encode("alice")], ["CRAM-MD5"], ["DIGEST-MD5"], ["SCRAM-SHA-256"],
                 ["SCRAM-SHA-256", scram], [f"SCRAM-SHA-256 {scram}"])
        rounds = int(os.environ.get("PILLARBOX_CANCELS", "40"))
        memory = []
        worker = self.worker_of(client)
        for number in range(rounds):
            for mechanism, *answers in steps:
                self.assertTrue(client.ask(f"AUTH {mechanism}").startswith("+ "))
                for answer in answers:
                    self.assertTrue(client.ask(answer).startswith("+ "))
                self.assertEqual(client.ask("*"), cancelled)
            if number in (rounds // 2, rounds - 1):
                memory.append(self.resident(worker))
        self.assertLess(memory[1] - memory[0], 1024 * 1024 if SANITIZED else 2048, "KiB grown by cancelled exchanges")
        self.is_ready(client.ask(plain("alice")))

    def worker_of(self, client):
        """The process that serves it, told by the socket's other end."""
        local = client.socket.getsockname()[1]
        found = subprocess.run(["ss", "-tnpH", f"dport = :{local}"], capture_output=True, text=True, check=True).stdout
        return int(re.search(r"pid=(\d+)", found)[1])

    def resident(self, pid):
        with open(f"/proc/{pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])

    def test_odd_responses(self):
        client = self.connect(self.site.ports["pop3s"])
        none = "-ERR [AUTH] authenticating: no mechanism available"
        for command, reply in (
                ("AUTH PLAIN x", BAD), ("AUTH PLAIN !!!!", BAD), ("AUTH PLAIN  " + encode("\0alice\0x"), BAD),
                ("AUTH PLAIN =", BAD), ("AUTH NONESUCH", none), ("AUTH NONESUCH =", none), ("AUTH %s%n", none),
                ("AUTH PLAIN " + encode("\0alice\0pass\0word"), BAD), ("AUTH PLAIN " + encode("\0\0x"), BAD),
                ("AUTH PLAIN " + encode("alice"), BAD), ("AUTH CRAM-MD5 " + encode("alice 0"), BAD),
                ("AUTH " + "A" * 8000, none), ("AUTH " + "A" * 65536, "-ERR Line too long"),
                ("AUTH PLAIN " + "QUFB" * 20000, "-ERR Line too long"),
                (plain("alice", authzid="bob"), FAILED), (plain("alice", "wrong"), FAILED), (plain("nobody"), FAILED)):
            self.assertEqual(client.ask(command), reply, command[:60])
        for response, reply in (("", BAD), ("=", BAD), ("x", BAD), ("!!!!", BAD), ("*", "-ERR [AUTH] Client canceled authentication"),
                                ("QUFB" * (200 * 1024), BAD), (encode("\0alice\0wrong"), FAILED)):
            self.assertEqual(client.ask("AUTH PLAIN"), "+ ")
            self.assertEqual(client.ask(response), reply, response[:60])
        self.is_ready(client.ask(plain("alice")))

    def test_odd_names(self):
        client = self.connect(self.site.ports["pop3s"])
        for name in ("a@b@c", "%", "%s%n", "../alice", "..", "x" * 1024, "al\xefce", "*)(uid=*", "' or '1'='1", "a@[127.0.0.1]",
                     "alice/", "alice:", "alice&", "", " ", "+", "+sub", "a\tb", "alice+" + "s" * 491, "x" * 80, "x" * 81):
            reply = client.ask(plain(name))
            self.assertIn(reply, (FAILED, BAD), name)
        for name in ("ALICE", "Alice "):
            with self.connect(self.site.ports["pop3s"]) as again:
                self.is_ready(again.ask(plain(name)))

    def test_nothing_of_one_session_survives_in_the_next(self):
        """Sessions of different users, subfolders and rights, in the processes that are there."""
        rounds = int(os.environ.get("PILLARBOX_SESSIONS", "60"))
        sizes = {"alice": "+OK 4 2610", "bob": "+OK 2 926"}
        for number in range(rounds):
            user = ("alice", "bob")[number % 2]
            client = self.connect(self.site.ports["pop3s"]) if number % 3 else self.plain(self.site.ports["pop3"])
            way = number % 4
            if way == 0:
                self.assertEqual(client.ask("USER boss"), "+OK Name is a valid mailbox")
                client.close()  # a name that waits for its password
                continue
            if way == 1:
                self.assertEqual(client.ask(plain("boss", "wrong", user)), FAILED)
                self.assertEqual(client.ask(f"PASS {PASSWORD}"), "-ERR [AUTH] Must give USER command")
            reply = client.ask(plain("boss", authzid=user)) if way == 2 else client.login(user)
            self.is_ready(reply)
            self.assertEqual(client.ask("STAT"), sizes[user])
            self.assertEqual(client.ask("DELE 1"), "+OK message deleted")
            if way == 3:
                self.assertEqual(client.ask("RSET"), "+OK")
                self.assertEqual(client.ask("QUIT"), "+OK")
            client.close()


if __name__ == "__main__":
    unittest.main()
