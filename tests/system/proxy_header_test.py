"""The PROXY protocol (-H): headers of our own making, and Debian's haproxy in front, passing connections on and ending TLS."""

import functools
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
import unittest
from pathlib import Path

from bound_tls import TLS1_3, BoundTls, Scram, authenticate
from mailsite import HERE, PASSWORD, Connection, free_port
from tls_test import TlsCase, client_hello, read_to_end, trusting_context

PEERS = Path(os.environ.get("PILLARBOX_PROXIES", HERE.parent.parent / "build" / "proxies"))
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LINE = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 110\r\n"
NO_MECHANISM = "-ERR [AUTH] authenticating: no mechanism available"
REFUSAL = b"-ERR [SYS/PERM] Fatal error: unable to read HAProxy protocol header\r\n"


def tlv(kind, value):
    return bytes([kind]) + struct.pack(">H", len(value)) + value


def block(content=b"", command=1, family=0x11):
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack(">H", len(content)) + content


def v2(tlvs=b"", source="192.0.2.2"):
    ends = socket.inet_aton(source) + socket.inet_aton("198.51.100.1") + struct.pack(">HH", 1024, 110)
    return block(ends + tlvs)


def tls_told(version=b"TLSv1.3", bits=1):
    return tlv(0x20, bytes([bits, 0, 0, 0, 0]) + tlv(0x21, version) + tlv(0x23, b"TLS_AES_128_GCM_SHA256"))


@functools.cache
def haproxy():
    """The installed program, else the unpacked one, and the environment that it needs."""
    if found := shutil.which("haproxy"):
        return found, dict(os.environ)
    subprocess.run([HERE.parent.parent / "scripts" / "unpack-peers", PEERS, "haproxy"], check=True)
    libraries = PEERS / "root" / "usr" / "lib" / "x86_64-linux-gnu"
    return str(PEERS / "root" / "usr" / "sbin" / "haproxy"), {**os.environ, "LD_LIBRARY_PATH": str(libraries)}


class ProxyCase(TlsCase):
    def proxied_site(self, options=None):
        return self.site(services={"pop3": "-H", "pop3s": "-H -s", "ended": "-H", "guarded": "-H", "open": ""},
                         options={"proxy_protocol_timeout": "1s", "ended_proxy_protocol_tls": "yes",
                                  "ended_tls_required": "yes", "failedloginpause": "0",
                                  "sasl_mech_list": "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "allowplaintext": "no",
                                  "guarded_proxy_protocol_networks": "192.0.2.0/24, ::1", **(options or {})},
                         attributes="prefork=1 maxchild=1").start()

    def over_tls(self, sock, context=None):
        client = Connection.over((context or trusting_context()).wrap_socket(sock, server_hostname="localhost"))
        self.addCleanup(client.close)
        return client

    def plus(self, client):
        """What a client under TLS of its own sees of SCRAM-SHA-256-PLUS: whether CAPA has it, and the reply to it, bound to
        the TLS that the client sees."""
        self.assertRegex(client.ask("CAPA"), r"^\+OK")
        offered = b"SCRAM-SHA-256-PLUS" in client.body()
        scram = Scram("alice", PASSWORD, header="p=tls-exporter,,", binding=client.socket.binding("tls-exporter"))
        return offered, authenticate(client, "SCRAM-SHA-256-PLUS", scram)

    def bound(self, sock, stls=False):
        client = Connection.over(sock)
        if stls:
            self.assertRegex(client.line(), r"^\+OK")
            self.assertRegex(client.ask("STLS"), r"^\+OK")
        client.socket = BoundTls(sock, TLS1_3)
        self.addCleanup(client.close)
        if not stls:
            self.assertRegex(client.line(), r"^\+OK")
        return client

    def raw(self, port, data=b"", source="127.0.0.1"):
        client = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
        self.addCleanup(client.close)
        client.sendall(data)
        return client

    def behind(self, port, header):
        client = Connection.over(self.raw(port, header))
        self.assertRegex(client.line(), r"^\+OK")
        return client


class HeaderTest(ProxyCase):
    def test_the_client_is_whom_a_trusted_proxy_names_and_nobody_else_may_name_one(self):
        site = self.proxied_site()
        # Both versions, LOCAL and UNKNOWN, whatever the pieces; the client speaks in the same packet.
        for header in (LINE, v2(), b"PROXY UNKNOWN\r\n", block(command=0, family=0),
                       v2(b"".join(tlv(0xE0, b"x" * (i % 17)) for i in range(3000)))):
            client = self.behind(site.ports["pop3"], header + b"QUIT\r\n")
            self.assertEqual(client.line(), "+OK")
            self.assertIsNone(client.line())
        for header in (LINE, v2(tlv(2, b"pop.example.org"))):
            client = self.raw(site.ports["pop3"])
            for octet in header:
                client.send(bytes([octet]))
            client = Connection.over(client)
            self.assertRegex(client.line(), r"^\+OK")
            self.assertRegex(client.ask("AUTH NONSENSE"), "^-ERR")
        self.await_log("badlogin: [192.0.2.1] NONSENSE")
        self.await_log("badlogin: [192.0.2.2] NONSENSE")

        # A second header is a bad command, no matter what it says.
        client = self.behind(site.ports["pop3"], LINE + LINE)
        self.assertEqual(client.line(), "-ERR Unrecognized command")

        # A client hello in the same packet as the header belongs to TLS.
        for header in (LINE, v2()):
            sock = self.raw(site.ports["pop3s"], header)
            client = self.over_tls(sock)
            self.assertRegex(client.line(), r"^\+OK")
            self.assertRegex(client.login("alice"), r"^\+OK")
            self.assertEqual(client.ask("QUIT"), "+OK")
            client = self.raw(site.ports["pop3s"], header + client_hello())
            self.assertEqual(client.recv(1), b"\x16")
        self.await_log("login: [192.0.2.1] alice plaintext+TLS User logged in")

        # No header, a wrong one, silence.
        for text in (b"USER alice\r\nQUIT\r\n", b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 65536\r\n" + b"QUIT\r\n",
                     v2(b"\x01\xff\xff"), client_hello(), b"GET / HTTP/1.1\r\n\r\n"):
            self.assertEqual(read_to_end(self.raw(site.ports["pop3"], text)), REFUSAL)
        self.assertEqual(read_to_end(self.raw(site.ports["pop3s"], b"USER alice\r\n")), b"")
        began = time.monotonic()
        waiting = [self.raw(site.ports["pop3"], text) for text in (b"", LINE[:-1], v2(b"\0")[:20])]
        for client in waiting:
            self.assertEqual(read_to_end(client), REFUSAL)
        self.assertLess(time.monotonic() - began, 6)
        self.await_log("PROXY header from [127.0.0.1]: deadline passed")
        self.await_log("PROXY header from [127.0.0.1]: version 1: bad port")

        # From outside the networks, before a byte is read; and on a port without -H.
        self.assertEqual(read_to_end(self.raw(site.ports["guarded"])), REFUSAL)
        self.assertEqual(read_to_end(self.raw(site.ports["guarded"], LINE.replace(b"2.1", b"2.9"))), REFUSAL)
        self.await_log("refused connection from [127.0.0.1]: not in proxy_protocol_networks")
        self.assertNotIn("192.0.2.9", self.syslog())
        client = self.behind(site.ports["open"], LINE)
        self.assertEqual(client.line(), "-ERR Unrecognized command")
        self.assertEqual(client.ask("QUIT"), "+OK")

    def test_tls_at_the_proxy_counts_only_where_the_option_says_so(self):
        site = self.proxied_site()
        client = self.behind(site.ports["pop3"], v2(tls_told()))
        self.assertRegex(client.ask("USER alice"), r"^-ERR \[AUTH\] USER command only available under a layer")
        # TLS from the proxy to us is not the client's: nothing is bound to it.
        offered, reply = self.plus(self.bound(self.raw(site.ports["pop3"], v2(tls_told())), stls=True))
        self.assertEqual((offered, reply), (False, NO_MECHANISM))
        offered, reply = self.plus(self.bound(self.raw(site.ports["pop3s"], v2(tls_told()))))
        self.assertEqual((offered, reply), (False, NO_MECHANISM))
        # It is the client's where the proxy ended none, and where there is no proxy.
        for port, header, stls in (("pop3", v2(), True), ("pop3s", v2(), False), ("open", b"", True)):
            offered, reply = self.plus(self.bound(self.raw(site.ports[port], header), stls))
            self.assertTrue(offered, port)
            self.assertRegex(reply, r"^\+OK Mailbox locked", port)
        for header in (v2(), v2(tls_told(bits=0)), v2(tls_told(b"TLSv1.1")), v2(tls_told(b"")), LINE,
                       block(tls_told(), command=0, family=0)):
            client = self.behind(site.ports["ended"], header)
            self.assertRegex(client.ask("USER alice"), r"^-ERR \[AUTH\] USER command only available under a layer")
            self.assertRegex(client.ask("AUTH PLAIN ="), "^-ERR")
        client = self.behind(site.ports["ended"], v2(tls_told()))
        self.assertRegex(client.ask("CAPA"), r"^\+OK")
        capabilities = client.body().decode()
        self.assertIn("USER\r\n", capabilities)
        self.assertNotIn("STLS", capabilities)
        self.assertNotIn("-PLUS", capabilities)
        self.assertEqual(client.ask("STLS"), "-ERR Already successfully executed STLS")
        self.assertRegex(client.login("alice"), r"^\+OK")
        self.await_log("login: [192.0.2.2] alice plaintext+TLS User logged in")


class HaproxyTest(ProxyCase):
    """Debian's haproxy. Clients come from 127.0.0.77, the proxy from 127.0.0.1."""

    FRONTS = {  # name -> what follows `bind`, the service behind, what follows `server`
        "v1": ("", "pop3", "send-proxy"),
        "v2": ("", "pop3", "send-proxy-v2 proxy-v2-options crc32c,unique-id"),
        "tls": ("", "pop3s", "send-proxy-v2 proxy-v2-options crc32c"),
        "ended": (" ssl crt {pem} alpn pop3", "ended", "send-proxy-v2-ssl-cn proxy-v2-options crc32c,authority,ssl-cipher"),
        "ended-v1": (" ssl crt {pem}", "ended", "send-proxy"),
    }

    def start_haproxy(self, site):
        pem = site.root / "haproxy.pem"
        pem.write_text((site.root / "cert.pem").read_text() + (site.root / "key.pem").read_text())
        lines = ["global", "  nbthread 1", "defaults", "  mode tcp", "  timeout connect 5s", "  timeout client 60s",
                 "  timeout server 60s", "  unique-id-format %{+X}o%ci%rt"]
        ports = {}
        for name, (bind, service, server) in self.FRONTS.items():
            ports[name] = free_port()
            lines += [f"listen {name}", f"  bind 127.0.0.1:{ports[name]}{bind.format(pem=pem)}",
                      f"  server s 127.0.0.1:{site.ports[service]} {server}"]
        configuration = site.root / "haproxy.cfg"
        configuration.write_text("\n".join(lines) + "\n")
        program, environment = haproxy()
        output = open(site.root / "haproxy.log", "wb")
        self.addCleanup(output.close)
        process = subprocess.Popen([program, "-db", "-f", configuration], env=environment, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output)
        self.addCleanup(process.wait)
        self.addCleanup(process.send_signal, signal.SIGKILL)
        try:
            site.wait_for(ports["v1"], process=process)
        except AssertionError:
            self.fail((site.root / "haproxy.log").read_text())
        return ports

    def test_clients_are_seen_through_it(self):
        site = self.proxied_site()
        ports = self.start_haproxy(site)

        for name in ("v1", "v2"):
            client = Connection.over(self.raw(ports[name], source="127.0.0.77"))
            self.assertRegex(client.line(), r"^\+OK")
            client.start_tls(trusting_context())
            self.addCleanup(client.close)
            self.assertRegex(client.login("alice"), r"^\+OK")
            self.assertEqual(client.ask("QUIT"), "+OK")
        sock = self.raw(ports["tls"], source="127.0.0.77")
        client = self.over_tls(sock)
        self.assertRegex(client.line(), r"^\+OK")
        self.assertRegex(client.login("bob", "wrong"), r"^-ERR \[AUTH\]")
        self.assertRegex(client.login("bob"), r"^\+OK")
        self.assertEqual(client.ask("QUIT"), "+OK")

        sock = self.raw(ports["ended"], source="127.0.0.77")
        client = self.over_tls(sock, trusting_context(alpn=["pop3"]))
        self.assertRegex(client.line(), r"^\+OK")
        self.assertRegex(client.login("alice"), r"^\+OK")
        self.assertEqual(client.ask("QUIT"), "+OK")
        sock = self.raw(ports["ended-v1"], source="127.0.0.77")
        client = self.over_tls(sock)
        self.assertRegex(client.line(), r"^\+OK")
        self.assertRegex(client.ask("USER alice"), r"^-ERR \[AUTH\] USER command only available under a layer")

        # TLS that passes through is the client's, and binds; TLS that ended there is not.
        offered, reply = self.plus(self.bound(self.raw(ports["tls"], source="127.0.0.77")))
        self.assertTrue(offered)
        self.assertRegex(reply, r"^\+OK Mailbox locked")
        offered, reply = self.plus(self.bound(self.raw(ports["ended"], source="127.0.0.77")))
        self.assertEqual((offered, reply), (False, NO_MECHANISM))

        self.await_log("name localhost, protocol pop3")
        log = self.syslog()
        logins = re.findall(r" login: (?:\S+ )?(\[[0-9.]+\]) (\w+) (\S+) User", log)
        self.assertEqual(logins, [("[127.0.0.77]", "alice", "plaintext+TLS")] * 2 +
                         [("[127.0.0.77]", "bob", "plaintext+TLS"), ("[127.0.0.77]", "alice", "plaintext+TLS"),
                          ("[127.0.0.77]", "alice", "SCRAM-SHA-256-PLUS+TLS")])
        self.assertRegex(log, r"badlogin: (\S+ )?\[127\.0\.0\.77\] plaintext \(bob\)")
        self.assertRegex(log, r"PROXY header from \[127\.0\.0\.1\]: client \[127\.0\.0\.77\] port \d+, TLSv1\.3 with cipher "
                              r"TLS_\w+, name localhost, protocol pop3")
        self.assertRegex(log, r"client \[127\.0\.0\.77\] port \d+, id [0-9a-f]+")


if __name__ == "__main__":
    unittest.main()
