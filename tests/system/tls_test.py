"""TLS as clients meet it: what STLS kills, hostile handshakes, names, resumption across processes, certificates of
clients, and certificates that are renewed under running sessions. Real processes, openssl s_client and curl."""

import base64
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest
import warnings

from mailsite import BUILD, Connection, PASSWORD, Site
from pki import Authority
from worker_test import Worker

SHIM = BUILD / "tests" / "faults" / "libsyslog_shim.so"


def read_to_end(sock, seconds=15):
    """All that still comes; the end may be a reset."""
    sock.settimeout(seconds)
    data = b""
    try:
        while got := sock.recv(65536):
            data += got
    except ConnectionResetError:
        pass
    return data


def client_hello(name="localhost"):
    """The first octets of a real client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


warnings.filterwarnings("ignore", "ssl.TLSVersion.TLSv1_1 is deprecated", DeprecationWarning)


def trusting_context(authority=None, version=None, alpn=None):
    context = ssl.create_default_context(cafile=str(authority)) if authority else ssl._create_unverified_context()
    if version:
        context.minimum_version = context.maximum_version = version
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


class TlsCase(unittest.TestCase):
    def site(self, log=True, **arguments):
        site = Site(**arguments)
        self.addCleanup(site.remove)
        self.syslog_file = site.root / "syslog"
        if log:
            self.syslog_file.touch()
            self.syslog_file.chmod(0o666)
            site.environment = {"LD_PRELOAD": str(SHIM), "SYSLOG_FILE": str(self.syslog_file),
                                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        return site

    def syslog(self):
        return self.syslog_file.read_text(errors="replace")

    def await_log(self, text, seconds=15):
        end = time.monotonic() + seconds
        while text not in self.syslog():
            self.assertLess(time.monotonic(), end, f"{text!r} is not in the log:\n{self.syslog()}")
            time.sleep(0.05)

    def connect(self, port, context=None, name="localhost", session=None):
        """A Connection over TLS from the start, behind the greeting."""
        sock = socket.create_connection(("127.0.0.1", port), timeout=30)
        context = context or trusting_context()
        client = Connection.over(context.wrap_socket(sock, server_hostname=name, session=session))
        self.addCleanup(client.close)
        self.assertTrue(client.line().startswith("+OK"))
        return client

    def plain(self, port):
        client = Connection(port)
        self.addCleanup(client.close)
        self.assertTrue(client.line().startswith("+OK"))
        return client

    def serves(self, site):
        client = self.connect(site.ports["pop3s"])
        self.assertTrue(client.login("alice").startswith("+OK"))
        self.assertEqual(client.ask("QUIT"), "+OK")


class StlsTest(TlsCase):
    """What was said in clear text counts for nothing."""

    def test_commands_behind_stls_never_run_wherever_the_segments_end(self):
        site = self.site().start()
        text = b"STLS\r\nUSER alice\r\nPASS " + PASSWORD.encode() + b"\r\nSTAT\r\n"
        for split in range(1, len(text)):
            with self.subTest(split=split):
                client = self.plain(site.ports["pop3"])
                client.send(text[:split])
                time.sleep(0.005)
                try:
                    client.send(text[split:])
                except OSError:
                    pass  # it has closed already
                answer = client.buffer + read_to_end(client.socket)
                self.assertLessEqual(answer.count(b"+OK"), 1, answer)
                if b"+OK" in answer:
                    self.assertTrue(answer.startswith(b"+OK Begin TLS negotiation now\r\n"), answer)
                self.assertNotIn(b"mailbox", answer)
        self.serves(site)
        self.assertNotIn("login: localhost [127.0.0.1] alice plaintext User", self.syslog())

    def test_a_command_that_was_begun_in_clear_text_is_not_finished_under_tls(self):
        site = self.site().start()
        for begun in (b"AUT", b"USER ali", b"\r", b"\0"):
            client = self.plain(site.ports["pop3"])
            client.send(b"STLS\r\n" + begun)
            self.assertRegex(client.line(), "^-ERR ")
            self.assertEqual(read_to_end(client.socket), b"")
            client = self.plain(site.ports["pop3"])
            self.assertTrue(client.ask("STLS").startswith("+OK"))
            client.send(begun)  # into the handshake
            with self.assertRaises((ssl.SSLError, OSError)):
                client.socket = trusting_context().wrap_socket(client.socket, server_hostname="localhost")
        client = self.plain(site.ports["pop3"])
        client.start_tls(trusting_context())
        self.assertRegex(client.ask("H PLAIN"), "^-ERR ")

    def test_a_handshake_that_fails_ends_the_connection(self):  # RFC 2595 s2.5
        site = self.site(options={"allowplaintext": "yes"}).start()
        client = self.plain(site.ports["pop3"])
        self.assertTrue(client.ask("STLS").startswith("+OK"))
        client.send(f"USER alice\r\nPASS {PASSWORD}\r\nSTAT\r\n")
        answer = client.buffer + read_to_end(client.socket)
        self.assertNotIn(b"+OK", answer)
        self.assertLess(len(answer), 64)  # an alert at most
        self.await_log("[pop3d] STARTTLS failed: ")

    def test_stls_forgets_the_user_and_is_refused_where_it_has_no_place(self):
        site = self.site(options={"allowplaintext": "yes"}).start()
        client = self.plain(site.ports["pop3"])
        self.assertTrue(client.ask("USER alice").startswith("+OK"))
        client.start_tls(trusting_context())
        self.assertRegex(client.ask(f"PASS {PASSWORD}"), "^-ERR .*USER")
        self.assertEqual(client.ask("STLS"), "-ERR Already successfully executed STLS")
        self.assertTrue(client.login("alice").startswith("+OK"))
        self.assertRegex(client.ask("STLS"), "^-ERR ")
        self.assertEqual(client.ask("STAT"), "+OK 4 2610")

        within = self.plain(site.ports["pop3"])
        self.assertEqual(within.ask("AUTH PLAIN"), "+ ")
        self.assertRegex(within.ask("STLS"), "^-ERR ")  # taken for the response that it stands in place of
        within.start_tls(trusting_context())
        secret = base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()
        self.assertRegex(within.ask(secret), "^-ERR ")
        self.assertRegex(within.ask(f"AUTH PLAIN {secret}"), r"^\+OK ")

        self.assertEqual(self.connect(site.ports["pop3s"]).ask("STLS"), "-ERR Already successfully executed STLS")

    def test_tls_required_leaves_no_way_in_without_it(self):
        site = self.site(options={"tls_required": "yes", "allowplaintext": "yes"}).start()
        client = self.plain(site.ports["pop3"])
        secret = base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()
        for command in ("USER alice", f"PASS {PASSWORD}", f"AUTH PLAIN {secret}", "AUTH PLAIN", "STAT"):
            self.assertRegex(client.ask(command), "^-ERR ")
        self.assertTrue(client.ask("CAPA").startswith("+OK"))
        capabilities = client.body()
        self.assertIn(b"STLS", capabilities)
        self.assertNotIn(b"SASL", capabilities)
        self.assertNotIn(b"USER", capabilities)
        client.start_tls(trusting_context())
        self.assertTrue(client.login("alice").startswith("+OK"))


class HandshakeTest(TlsCase):
    """Strangers."""

    def test_plain_text_and_http_get_no_word_of_theirs_back(self):
        site = self.site().start()
        request = b"GET /REFLECTED HTTP/1.1\r\nHost: REFLECTED\r\nCookie: REFLECTED\r\n\r\n"
        for text in (request, b"USER REFLECTED\r\n", b"\0" * 4096, os.urandom(4096), b"\x16\x03\x01\xff\xff" + b"A" * 70_000):
            sock = socket.create_connection(("127.0.0.1", site.ports["pop3s"]))
            try:
                sock.sendall(text)
            except OSError:
                pass  # it has closed already
            answer = read_to_end(sock)
            sock.close()
            self.assertNotIn(b"REFLECTED", answer)
            self.assertLess(len(answer), 64)  # an alert at most
        client = self.plain(site.ports["pop3"])
        client.send(request)
        self.assertEqual(client.line(), "-ERR Unrecognized command")
        self.assertIsNone(client.line())
        self.serves(site)

    def test_slow_and_unfinished_handshakes_end_at_the_deadline_and_hold_up_nobody(self):
        site = self.site(log=False, services={"pop3s": "-s -U 1000000"}, attributes="prefork=1 maxchild=1",
                         options={"pop3_login_deadline": "4", "pop3_sessions_per_process": "20000",
                                  "abuse_exempt_networks": "127.0.0.0/8"}).start()
        hello = client_hello()
        slow = socket.create_connection(("127.0.0.1", site.ports["pop3s"]))
        self.addCleanup(slow.close)
        began = time.monotonic()
        unfinished = []
        for i in range(int(os.environ.get("PILLARBOX_HANDSHAKES", "500"))):
            sock = socket.create_connection(("127.0.0.1", site.ports["pop3s"]))
            self.addCleanup(sock.close)
            sock.sendall(hello[:random.randrange(len(hello))] if i % 3 else hello)
            unfinished.append(sock)
        self.serves(site)
        sent = 0
        while sent < len(hello) and time.monotonic() - began < 20:
            try:
                slow.sendall(hello[sent:sent + 1])
            except OSError:
                break  # cut off
            sent += 1
            time.sleep(0.05)
        self.assertGreater(sent, 10)
        self.assertLess(sent, len(hello))
        for sock in unfinished:
            read_to_end(sock)
        self.assertLess(time.monotonic() - began, 20)
        self.serves(site)

    def test_alpn_is_pop3_or_nothing(self):
        site = self.site(log=False).start()
        port = site.ports["pop3s"]
        many = [f"protocol-{i}" for i in range(300)]
        for offered in (["pop3"], ["imap", "pop3", "http/1.1"], [*many, "pop3"]):
            client = self.connect(port, trusting_context(alpn=offered))
            self.assertEqual(client.socket.selected_alpn_protocol(), "pop3")
        for offered in (["http/1.1"], ["pop"], ["pop3s"], ["POP3"], many):
            with self.assertRaisesRegex(ssl.SSLError, "(?i)no.application.protocol"):
                self.connect(port, trusting_context(alpn=offered))
        self.assertIsNone(self.connect(port).socket.selected_alpn_protocol())

    def test_old_versions_are_spoken_only_where_the_file_says_so(self):
        site = self.site().start()
        for version, good in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
            context = trusting_context()
            context.set_ciphers("DEFAULT@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
            if good:
                self.connect(site.ports["pop3s"], context)
                continue
            with self.assertRaises(ssl.SSLError):
                self.connect(site.ports["pop3s"], context)
        site.stop()
        site.settings.update({"tls_versions": "tls1_1 tls1_2 tls1_3", "tls_ciphers": "DEFAULT@SECLEVEL=0"})
        site.write_imapd_conf()
        site.start()
        context = trusting_context()
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        self.assertEqual(self.connect(site.ports["pop3s"], context).socket.version(), "TLSv1.1")
        self.await_log("TLS: tls_versions: TLS 1.0 and 1.1 are broken")

    def test_the_last_reply_arrives_before_close_notify_whatever_comes_behind_quit(self):
        site = self.site(log=False).start()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for behind in (b"", b"NOOP\r\n" * 1000):
                sock = socket.create_connection(("127.0.0.1", site.ports["pop3s"]), timeout=30)
                secure = trusting_context(version=version).wrap_socket(sock, server_hostname="localhost",
                                                                      suppress_ragged_eofs=False)
                secure.sendall(b"QUIT\r\n" + behind)
                answer = b""
                while got := secure.recv(4096):  # without close_notify: SSLEOFError
                    answer += got
                self.assertRegex(answer, rb"^\+OK [^\r]*\r\n\+OK\r\n$")
                secure.close()


class NamesTest(TlsCase):
    """Certificates of several domains."""

    def several_domains(self, **options):
        site = self.site(log=False)
        authority = Authority(site.root / "pki")
        default, named, wild, rsa = (
            authority.issue("default", "localhost", ["localhost"]),
            authority.issue("net", "mail.example.net", ["mail.example.net", "pop.example.net"]),
            authority.issue("wild", "*.example.com", ["*.example.com"]),
            authority.issue("net-rsa", "rsa.example.net", ["mail.example.net"], rsa=True))
        site.settings.update({
            "tls_server_cert": str(default[0]), "tls_server_key": str(default[1]),
            "tls_sni_certs": ", ".join(f"{certificate} {key}" for certificate, key in (named, wild, rsa)), **options})
        site.write_imapd_conf()
        site.certificate = authority.certificate
        return site.start(), authority

    def test_openssl_s_client_and_curl_see_the_certificate_of_the_name(self):
        site, authority = self.several_domains()
        for service, extra in (("pop3s", []), ("pop3", ["-starttls", "pop3"])):
            for name, more, subject in (("mail.example.net", ["-sigalgs", "ECDSA+SHA256"], "CN = mail.example.net"),
                                        ("mail.example.net", ["-sigalgs", "RSA-PSS+SHA256"], "CN = rsa.example.net"),
                                        ("POP.example.NET", [], "CN = mail.example.net"),
                                        ("a.example.com", [], "CN = *.example.com"), ("nobody.example", [], "CN = localhost"),
                                        (None, [], "CN = localhost")):
                with self.subTest(service=service, name=name, more=more):
                    done = subprocess.run(
                        ["openssl", "s_client", "-connect", f"127.0.0.1:{site.ports[service]}", "-CAfile",
                         authority.certificate, "-alpn", "pop3", "-ign_eof", *extra, *more,
                         *(["-servername", name] if name else ["-noservername"])],
                        input=b"QUIT\r\n", capture_output=True, timeout=30)
                    self.assertIn(f"subject={subject}\n", done.stdout.decode())
                    self.assertIn("Verify return code: 0 (ok)", done.stdout.decode())
                    self.assertIn("ALPN protocol: pop3", done.stdout.decode())
        for name in ("mail.example.net", "pop.example.net", "x.example.com"):
            done = subprocess.run(
                ["curl", "--silent", "--show-error", "--cacert", authority.certificate, "-u", f"alice:{PASSWORD}", "--resolve",
                 f"{name}:{site.ports['pop3s']}:127.0.0.1", f"pop3s://{name}:{site.ports['pop3s']}/"],
                capture_output=True, timeout=30)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            self.assertEqual(done.stdout, b"1 480\r\n2 1236\r\n3 442\r\n4 452\r\n")

    def test_random_names_cost_no_memory(self):
        site, _authority = self.several_domains()
        worker = Worker(site, "-s", "-U", "100000")
        self.addCleanup(worker.end)
        context = trusting_context()

        def shake_hands(times):
            for _ in range(times):
                name = ".".join("".join(random.choices("abcdefghij", k=12)) for _ in range(random.randrange(1, 18)))
                sock = socket.create_connection(("127.0.0.1", worker.port), timeout=30)
                with context.wrap_socket(sock, server_hostname=name):
                    pass

        def resident():
            with open(f"/proc/{worker.process.pid}/statm") as statm:
                return int(statm.read().split()[1]) * 4096

        shake_hands(300)
        before = resident()
        shake_hands(int(os.environ.get("PILLARBOX_SNI_NAMES", "1500")))
        if "asan" not in str(BUILD) and "tsan" not in str(BUILD):
            self.assertLess(resident() - before, 3_000_000)


class ResumptionTest(TlsCase):
    """Two processes of one service."""

    def workers(self, **options):
        self.the_site = self.site(log=False, options={"tls_watch_interval": "1", **options})
        self.the_site.give_away()
        out = [Worker(self.the_site, "-s") for _ in range(2)]
        for worker in out:
            self.addCleanup(worker.end)
        return out

    def resumes(self, worker, context):
        """Connects as the client that context is; keeps the session for the next time."""
        client = self.connect(worker.port, context, session=getattr(context, "kept", None))
        self.assertRegex(client.ask("STAT"), "^-ERR ")  # nothing of a login is resumed
        self.assertTrue(client.login("alice").startswith("+OK"))
        self.assertEqual(client.ask("QUIT"), "+OK")
        context.kept = client.socket.session
        return client.socket.session_reused

    def clients(self):
        class Context(ssl.SSLContext):
            kept = None
        out = []
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = Context(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.minimum_version = context.maximum_version = version
            out.append(context)
        return out

    def key_file(self):
        return self.the_site.conf_dir / "pillarbox" / "tls_tickets.pop3"

    def test_one_process_resumes_what_another_began_also_after_a_rotation(self):
        one, two = self.workers()
        clients = self.clients()
        for context in clients:
            self.assertFalse(self.resumes(one, context))
            self.assertTrue(self.resumes(two, context))
            self.assertTrue(self.resumes(one, context))
        self.assertEqual(self.key_file().stat().st_mode & 0o777, 0o600)

        header, newest = self.key_file().read_text().splitlines()
        made, rest = newest.split(" ", 1)
        self.key_file().write_text(f"{header}\n{int(made) - 7 * 3600} {rest}\n")  # seven hours later: time for a new one
        end = time.monotonic() + 15
        while len(self.key_file().read_text().splitlines()) != 3:
            self.assertLess(time.monotonic(), end, "no new key was made")
            time.sleep(0.1)
        time.sleep(1.5)  # both have looked
        self.assertEqual(len(self.key_file().read_text().splitlines()), 3, "rotated twice")
        for context in clients:
            self.assertTrue(self.resumes(two, context), "the old key was forgotten")
            self.assertTrue(self.resumes(one, context), "the new key is not shared")

    def test_openssl_s_client_resumes_at_another_process(self):
        one, two = self.workers()
        session = self.the_site.root / "session"
        for version in ("-tls1_2", "-tls1_3"):
            for worker, how, word in ((one, "-sess_out", "New, "), (two, "-sess_in", "Reused, ")):
                done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{worker.port}", version, "-ign_eof", how,
                                       session], input=b"QUIT\r\n", capture_output=True, timeout=30)
                self.assertIn(word + "TLSv1." + version[-1], done.stdout.decode())

    def test_a_process_that_starts_later_or_lost_the_file_goes_on(self):
        one, _two = self.workers()
        context = self.clients()[1]
        self.assertFalse(self.resumes(one, context))
        third = Worker(self.the_site, "-s")
        self.addCleanup(third.end)
        self.assertTrue(self.resumes(third, context))
        self.key_file().unlink()
        time.sleep(2.5)
        self.assertTrue(self.key_file().exists())
        self.resumes(one, context)
        self.assertTrue(self.resumes(third, context))

    def test_no_session_is_kept_when_told_so(self):
        one, _two = self.workers(tls_session_timeout="0")
        for context in self.clients():
            self.assertFalse(self.resumes(one, context))
            self.assertFalse(self.resumes(one, context))
        self.assertFalse(self.key_file().exists())


class ClientCertificateTest(TlsCase):
    def test_the_log_says_who_a_verified_client_is(self):
        site = self.site()
        authority, stranger = Authority(site.root / "pki"), Authority(site.root / "other", "a stranger")
        site.settings.update({"tls_client_ca_file": str(authority.certificate)})
        site.write_imapd_conf()
        site.start()
        port = site.ports["pop3s"]
        self.connect(port).ask("QUIT")
        self.await_log("starttls: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits new) no authentication\n")
        for service, common_name, text in (("pop3s", "alice", "authenticated as alice\n"),
                                           ("pop3", "bob", "authenticated as bob\n"),
                                           ("pop3s", "*.example.org", "gives no identity: its CN has characters")):
            context = trusting_context()
            context.load_cert_chain(*authority.issue("client", common_name))
            if service == "pop3s":
                client = self.connect(port, context)
            else:
                client = self.plain(site.ports["pop3"])
                client.start_tls(context)
            self.assertTrue(client.login("alice").startswith("+OK"))
            self.await_log(text)
        context = trusting_context()
        context.load_cert_chain(*stranger.issue("client", "alice"))
        with self.assertRaises((ssl.SSLError, OSError)):
            self.connect(port, context).ask("NOOP")
        self.await_log("pop3s failed: localhost [127.0.0.1]: certificate verify failed")

        site.stop()
        site.settings["tls_client_certs"] = "require"
        site.write_imapd_conf()
        site.start()
        with self.assertRaises((ssl.SSLError, OSError)):
            self.connect(port).ask("NOOP")
        certificate, key = authority.issue("client", "alice")
        done = subprocess.run(["curl", "--silent", "--show-error", "--insecure", "--cert", certificate, "--key", key, "-u",
                               f"alice:{PASSWORD}", f"pop3s://localhost:{port}/"], capture_output=True, timeout=30)
        self.assertEqual(done.stdout, b"1 480\r\n2 1236\r\n3 442\r\n4 452\r\n", done.stderr.decode())


class RenewalTest(TlsCase):
    def renewable(self, **options):
        site = self.site(attributes="prefork=1 maxchild=1", services={"pop3s": "-s -U 1000000"},
                         options={"tls_watch_interval": "1", "failedloginpause": "0", **options})
        self.authority = Authority(site.root / "pki")
        self.install(site, self.authority.issue("first", "first.example"))
        return site.start()

    def install(self, site, pair):
        for source, target in zip(pair, (site.root / "cert.pem", site.root / "key.pem")):
            self.replace(source, target)

    def replace(self, source, target):
        new = target.with_suffix(".new")
        shutil.copy(source, new)
        new.chmod(0o644)
        new.rename(target)

    def shown(self, site):
        """The CN of the certificate that a new client sees."""
        context = trusting_context(self.authority.certificate)
        context.check_hostname = False
        client = self.connect(site.ports["pop3s"], context)
        subject = dict(pair for part in client.socket.getpeercert()["subject"] for pair in part)
        client.close()
        return subject["commonName"]

    def test_new_files_are_taken_in_a_storm_of_handshakes_and_bad_ones_are_not(self):
        site = self.renewable()
        before = self.connect(site.ports["pop3s"])
        self.assertTrue(before.login("alice").startswith("+OK"))
        seen, failures, over = set(), [], threading.Event()

        def storm():
            while not over.is_set():
                try:
                    seen.add(self.shown(site))
                except Exception as error:  # any at all is a failure of the test
                    failures.append(error)
                    return

        threads = [threading.Thread(target=storm) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            self.install(site, self.authority.issue("second", "second.example"))
            self.await_log("TLS: changed files taken for new handshakes")
            third = self.authority.issue("third", "third.example")
            self.replace(third[1], site.root / "key.pem")  # the key of a certificate that has not come yet
            self.await_log("TLS: changed files refused, the old certificates stay: tls_server_key: ")
            self.assertEqual(self.shown(site), "second.example")
            (site.root / "key.pem").chmod(0o600)
            if os.geteuid() == 0:
                os.chown(site.root / "key.pem", 0, 0)
                self.await_log("key.pem: Permission denied")
            data = third[0].read_bytes()
            (site.root / "cert.pem").write_bytes(data[:len(data) // 2])
            time.sleep(2.5)
            self.assertEqual(self.shown(site), "second.example")
            self.install(site, third)
            end = time.monotonic() + 15
            while "third.example" not in seen:
                self.assertLess(time.monotonic(), end, self.syslog())
                self.assertEqual(failures, [])
                time.sleep(0.05)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(seen, {"first.example", "second.example", "third.example"})
        self.assertEqual(before.ask("STAT"), "+OK 4 2610")
        self.assertEqual(before.ask("QUIT"), "+OK")

    def quit_at_once(self, port, patience=30):
        """A whole session. A client that kept its end open would keep the session for some seconds."""
        with socket.create_connection(("127.0.0.1", port), timeout=patience) as sock:
            with trusting_context().wrap_socket(sock, server_hostname="localhost") as wrapped:
                client = Connection.over(wrapped)
                self.assertTrue(client.line().startswith("+OK"))
                client.ask("QUIT")

    def test_a_process_that_no_other_could_replace_outlives_its_uses(self):
        site = self.renewable()
        worker = Worker(site, "-s", "-U", "3")
        self.addCleanup(worker.end)
        self.quit_at_once(worker.port)  # it has begun
        self.shown(site)  # and so has that of the site, whose log tells when files were looked at
        (site.root / "key.pem").write_text("nothing\n")
        self.await_log("TLS: changed files refused")
        time.sleep(1.5)  # this process has no shim to log by
        for _ in range(6):
            self.quit_at_once(worker.port)
        self.assertIsNone(worker.process.poll())
        self.install(site, self.authority.issue("second", "second.example"))
        end = time.monotonic() + 15
        while worker.process.poll() is None:
            self.assertLess(time.monotonic(), end, "it does not leave now that it could be replaced")
            try:
                self.quit_at_once(worker.port, patience=0.5)
            except OSError:
                time.sleep(0.05)  # it takes nobody any more, or a handshake met the change of files
        self.assertEqual(worker.wait(), 0)

    def test_bad_files_at_the_start_leave_plain_text_served_and_are_taken_once_good(self):
        site = self.site(attributes="prefork=1 maxchild=1", services={"pop3": ""},
                         options={"tls_watch_interval": "1", "allowplaintext": "yes"})
        good = (site.root / "key.pem").read_text()
        (site.root / "key.pem").write_text("nothing\n")
        site.start()
        self.await_log("TLS: not available until its files are good: tls_server_key: ")
        client = self.plain(site.ports["pop3"])
        self.assertEqual(client.ask("STLS"), "-ERR [SYS/PERM] Error initializing TLS")
        self.assertTrue(client.login("alice").startswith("+OK"))
        (site.root / "key.pem").write_text(good)
        self.await_log("TLS: changed files taken for new handshakes")
        client = self.plain(site.ports["pop3"])
        client.start_tls(trusting_context())
        self.assertTrue(client.login("alice").startswith("+OK"))

    def test_sighup_reads_the_files_at_once_and_refuses_bad_ones(self):
        site = self.renewable(tls_watch_interval="0")
        before = self.connect(site.ports["pop3s"])
        self.assertTrue(before.login("alice").startswith("+OK"))
        self.install(site, self.authority.issue("second", "second.example"))
        time.sleep(0.5)
        self.assertEqual(self.shown(site), "first.example")
        site.process.send_signal(signal.SIGHUP)
        self.await_log("configuration and certificates reloaded")
        end = time.monotonic() + 10
        while self.shown(site) != "second.example":
            self.assertLess(time.monotonic(), end, self.syslog())
        (site.root / "key.pem").write_text("nothing\n")
        site.process.send_signal(signal.SIGHUP)
        self.await_log("reload refused, the old configuration stays: option -s: tls_server_key: ")
        self.assertEqual(self.shown(site), "second.example")
        self.assertEqual(before.ask("STAT"), "+OK 4 2610")


if __name__ == "__main__":
    unittest.main()
