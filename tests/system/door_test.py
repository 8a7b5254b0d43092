"""Who is let in, and what becomes of those who misbehave before they have logged in: hosts.allow and hosts.deny, limits,
penalties, nonsense. Clients have addresses of their own in 127.0.0.0/8."""

import os
import shutil
import socket
import time
import unittest
from pathlib import Path
from unittest import mock

import mailsite
from mailsite import Connection
from tls_test import TlsCase, read_to_end, trusting_context

TABLES = (Path("/etc/hosts.allow"), Path("/etc/hosts.deny"))


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


if __name__ == "__main__":
    unittest.main()
