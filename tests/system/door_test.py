"""Who is let in, and what becomes of those who misbehave before they have logged in: hosts.allow and hosts.deny, limits,
penalties, nonsense. Clients have addresses of their own in 127.0.0.0/8."""

import os
import re
import shutil
import socket
import threading
import time
import unittest
from base64 import b64encode
from pathlib import Path
from unittest import mock

import mailsite
from bound_tls import Scram, authenticate
from mailsite import PASSWORD, SANITIZED, Connection
from tls_test import TlsCase, read_to_end, trusting_context

COMMANDS = int(os.environ.get("PILLARBOX_COMMANDS", 1_000_000))
TABLES = (Path("/etc/hosts.allow"), Path("/etc/hosts.deny"))


def resident_octets(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class DoorCase(TlsCase):
    def raw(self, port, data=b"", source="127.0.0.1"):
        client = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
        self.addCleanup(client.close)
        client.sendall(data)
        return client

    def connect_from(self, port, source="127.0.0.1", header=b""):
        client = Connection.over(self.raw(port, header, source))
        self.assertRegex(client.line(), r"^\+OK")
        return client


class HostsAccessTest(DoorCase):
    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare") and all(table.exists() for table in TABLES),
                         "needs root, unshare(1), and files to be covered by others")
    def test_a_closed_service_stays_closed(self):
        site = self.site(services={"pop3": "", "pop3s": "-s", "behind": "-H"}, attributes="prefork=1 maxchild=1")
        tables = [site.root / table.name for table in TABLES]
        for table in tables:
            table.write_text("# nothing yet\n")
        wrapper = site.root / "master"
        wrapper.write_text("#!/bin/sh -e\n" + "".join(f"mount --bind {ours} {table}\n" for ours, table in zip(tables, TABLES)) +
                           f"exec {mailsite.MASTER} \"$@\"\n")
        wrapper.chmod(0o755)
        outer = site.root / "unshare"
        outer.write_text(f"#!/bin/sh\nexec unshare --mount {wrapper} \"$@\"\n")
        outer.chmod(0o755)
        with mock.patch.object(mailsite, "MASTER", outer):
            site.start()
        self.connect_from(site.ports["pop3"], "127.0.0.66")

        tables[0].write_text("pop3: 127.0.0.1\n")
        tables[1].write_text("pop3: 127.\npop3s: 127.0.0.66\nbehind: 192.0.2.66\n")
        self.assertEqual(read_to_end(self.raw(site.ports["pop3"], source="127.0.0.66")), b"")
        self.assertEqual(read_to_end(self.raw(site.ports["pop3s"], source="127.0.0.66")), b"")
        self.connect_from(site.ports["pop3"])
        # Behind a proxy the client's own address counts.
        line = b"PROXY TCP4 192.0.2.66 198.51.100.1 1 110\r\n"
        self.assertEqual(read_to_end(self.raw(site.ports["behind"], line)), b"")
        self.connect_from(site.ports["behind"], header=line.replace(b"66", b"67"))
        self.await_log("pop3 3 refused connection from 127.0.0.66\n")
        self.await_log("pop3s 3 refused connection from 127.0.0.66\n")
        self.await_log("behind 3 refused connection from 192.0.2.66\n")

        tables[1].write_text("")
        self.connect_from(site.ports["pop3"], "127.0.0.66")


class AbuseTest(DoorCase):
    def test_what_strangers_do_costs_themselves(self):
        site = self.site(services={"pop3": "", "pop3s": "-s"}, attributes="prefork=1 maxchild=1",
                         mechanisms="PLAIN LOGIN SCRAM-SHA-256",
                         options={"prelogin_connections_per_address": "5", "failed_logins_per_connection": "3",
                                  "failedloginpause": "0", "failed_login_penalty": "1s",
                                  "failed_login_penalty_after": "5", "abuse_exempt_networks": "127.0.0.9 127.0.0.1",
                                  "allowplaintext": "yes", "pop3_bad_commands": "10"}).start()
        port = site.ports["pop3"]
        self.limits_connections_before_login(port)
        self.delays_an_address_that_guesses(port, site.ports["pop3s"])
        self.bears_some_nonsense_and_no_http(port, site.ports["pop3s"])

    def test_who_guesses_from_many_addresses_of_ipv6_is_one(self):
        """Addresses of a /64 are one guesser, and the /64s of a /48 are it together, with four times as many failures."""
        site = self.site(services={"pop3": "-H"}, attributes="prefork=2 maxchild=4", options={
            "failedloginpause": "0", "failed_login_penalty": "1s", "failed_login_penalty_after": "2",
            "allowplaintext": "yes"}).start()

        def login(address, password=PASSWORD):
            client = self.connect_from(site.ports["pop3"], header=f"PROXY TCP6 {address} 2001:db8::1 4711 110\r\n".encode())
            began = time.monotonic()
            reply = client.login("alice", password)
            client.close()
            self.assertRegex(reply, r"^\+OK" if password == PASSWORD else r"^-ERR \[AUTH\]")
            return time.monotonic() - began

        # Failures fade with time: the second one too many makes it nearly a second, however slow the machine.
        for host in range(1, 5):  # an address of its own for each, in whatever process
            login(f"2001:db8:a:1::{host}", "wrong")
        self.assertGreaterEqual(login("2001:db8:a:1:ffff::"), 0.7)
        self.assertLess(login("2001:db8:a:2::1"), 0.6)
        for network in range(3, 6):
            for host in range(1, 3):
                login(f"2001:db8:a:{network}::{host}", "wrong")  # none of these has had too many
        self.assertGreaterEqual(login("2001:db8:a:ffff::1"), 0.7)
        self.assertLess(login("2001:db8:b:1::1"), 0.6)
        # IPv4 inside of IPv6 is the address of IPv4.
        for host in range(1, 4):
            login(f"::ffff:192.0.2.{host}", "wrong")
        self.assertLess(login("::ffff:192.0.2.4"), 0.6)

    def limits_connections_before_login(self, port):
        refusal = b"-ERR [SYS/TEMP] Too many connections: try again later\r\n"
        waiting = [self.connect_from(port, "127.0.0.5") for _ in range(5)]
        for _ in range(3):
            self.assertEqual(read_to_end(self.raw(port, source="127.0.0.5")), refusal)
        self.connect_from(port, "127.0.0.6")
        for _ in range(8):
            self.connect_from(port, "127.0.0.9")
        self.assertRegex(waiting[0].login("alice"), r"^\+OK")  # counts no more
        sixth = self.connect_from(port, "127.0.0.5")
        self.assertEqual(read_to_end(self.raw(port, source="127.0.0.5")), refusal)
        sixth.close()
        end = time.monotonic() + 10
        while read_to_end(self.raw(port, b"QUIT\r\n", "127.0.0.5")) == refusal:
            self.assertLess(time.monotonic(), end)
        self.assertEqual(self.syslog().count("refused connection from 127.0.0.5: 5 of its address have not logged in"), 2)

    def delays_an_address_that_guesses(self, port, tls_port):
        def guess(source):
            client = self.connect_from(port, source)
            for _ in range(3):
                self.assertRegex(client.login("alice", "wrong"), r"^-ERR \[AUTH\]")
            self.assertIsNone(client.line())  # that was enough

        def bind_to_something_else(source):
            client = self.connect_from(port, source)
            for _ in range(3):
                scram = Scram("alice", PASSWORD, bound=b"y,,")
                self.assertRegex(authenticate(client, "SCRAM-SHA-256", scram), r"^-ERR \[AUTH\] authenticating: bad protocol")
            self.assertIsNone(client.line())

        def break_off(source):
            client = self.connect_from(port, source)
            for answer in ("*", "!", "*"):
                self.assertRegex(client.ask("AUTH SCRAM-SHA-256 " + b64encode(b"n,,n=alice,r=abcdefgh").decode()), r"^\+ ")
                self.assertRegex(client.ask(answer), r"^-ERR \[AUTH\]")
            self.assertIsNone(client.line())

        def seconds_of_login(source):
            sock = self.raw(tls_port, source=source)
            client = Connection.over(trusting_context().wrap_socket(sock, server_hostname="localhost"))
            self.addCleanup(client.close)
            self.assertRegex(client.line(), r"^\+OK")
            began = time.monotonic()
            self.assertRegex(client.login("bob"), r"^\+OK")
            return time.monotonic() - began

        for _ in range(3):
            guess("127.0.0.7")
        self.await_log("end=<failed-logins>")
        # Another process, a good password: in, after a bounded time. Elsewhere nobody notices.
        waits = seconds_of_login("127.0.0.7")
        self.assertGreaterEqual(waits, 1)
        self.assertLess(waits, 4)
        self.assertLess(seconds_of_login("127.0.0.8"), 0.9)
        for _ in range(3):
            guess("127.0.0.9")
        self.assertLess(seconds_of_login("127.0.0.9"), 0.9)
        # A proof that cannot be one is a wrong password too; an exchange that was broken off only costs its connection.
        for _ in range(3):
            bind_to_something_else("127.0.0.10")
            break_off("127.0.0.11")
        self.assertGreaterEqual(seconds_of_login("127.0.0.10"), 1)
        self.assertLess(seconds_of_login("127.0.0.11"), 0.9)

    def bears_some_nonsense_and_no_http(self, port, tls_port):
        client = self.connect_from(port)
        for word in ("LAST", "XTND x", "UTF8", "LANG *", "XOIP 192.0.2.1") * 5:
            self.assertRegex(client.ask(word), "^-ERR ")
        for _ in range(10):
            self.assertEqual(client.ask("NONSENSE"), "-ERR Unrecognized command")
        self.assertIsNone(client.line())
        self.await_log("end=<bad-commands>")

        client = self.connect_from(port)
        self.assertRegex(client.login("alice"), r"^\+OK")
        for _ in range(4):
            for _ in range(9):
                self.assertEqual(client.ask("NONSENSE"), "-ERR Unrecognized command")
            self.assertEqual(client.ask("NOOP"), "+OK")
        self.assertEqual(client.ask("GET / HTTP/1.1"), "-ERR Unrecognized command")
        self.assertEqual(client.ask("QUIT"), "+OK")

        request = b"POST / HTTP/1.1\r\nHost: <script>\r\n\r\nUSER alice\r\nPASS pillarbox\r\nRETR 1\r\n"
        for method in (b"POST", b"GET", b"OPTIONS"):
            client = self.connect_from(port)
            client.send(request.replace(b"POST", method))
            self.assertEqual(client.buffer + read_to_end(client.socket), b"-ERR Unrecognized command\r\n")
        client = Connection.over(trusting_context().wrap_socket(self.raw(tls_port), server_hostname="localhost"))
        self.addCleanup(client.close)
        self.assertRegex(client.line(), r"^\+OK")
        client.send(request)
        self.assertEqual(client.buffer + read_to_end(client.socket), b"-ERR Unrecognized command\r\n")
        self.await_log("end=<refused>")

    def test_a_million_commands_whose_replies_nobody_reads_hold_nobody_up(self):
        site = self.site(attributes="prefork=1 maxchild=1", options={"allowplaintext": "yes"}).start()
        port = site.ports["pop3"]
        flood = [b"NOOP\r\n"] * COMMANDS + [b"LIST\r\n"] * 1000 + [b"RETR 1\r\n"] * 1000
        client = self.connect_from(port)
        self.assertRegex(client.login("alice"), r"^\+OK")
        pid = int(re.findall(r"SESSIONID=<test\.example-\d+-(\d+)-", self.syslog())[-1])
        before = resident_octets(pid)
        # Small buffers, so that what the kernel would hold for both of them is not most of it.
        small = socket.socket()
        self.addCleanup(small.close)
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            small.setsockopt(socket.SOL_SOCKET, buffer, 16384)
        small.connect(("127.0.0.1", port))
        flooder = Connection.over(small)
        self.assertRegex(flooder.line(), r"^\+OK")
        self.assertRegex(flooder.ask("AUTH PLAIN " + b64encode(f"\0bob\0{PASSWORD}".encode()).decode()), r"^\+OK")
        sender = threading.Thread(target=flooder.socket.sendall, args=(b"".join(flood) + b"QUIT\r\n",))
        sender.start()
        for _ in range(20):
            began = time.monotonic()
            self.assertEqual(client.ask("NOOP"), "+OK")
            self.assertLess(time.monotonic() - began, 1)
            time.sleep(0.05)
        self.assertTrue(sender.is_alive(), "the server has read all of it")
        self.assertLess(resident_octets(pid) - before, 40_000_000 if SANITIZED else 4_000_000)
        replies = flooder.buffer + read_to_end(flooder.socket, 120)
        sender.join()
        self.assertTrue(replies.startswith(b"+OK\r\n" * COMMANDS))
        self.assertEqual(replies.count(b"+OK scan listing follows\r\n"), 1000)
        self.assertEqual(replies.count(b"+OK Message follows\r\n"), 1000)
        self.assertTrue(replies.endswith(b"\r\n.\r\n+OK\r\n"))


if __name__ == "__main__":
    unittest.main()
