"""pop3proxyd, the other name of pop3d, under the real Cyrus master: the name changes nothing."""

import os
import tempfile
import unittest
from pathlib import Path

from mailsite import Connection, POP3D
from swaplab import SwapSite


class Pop3proxydTest(unittest.TestCase):
    def test_the_hard_link_serves_plain_and_tls_as_pop3d_does(self):
        with tempfile.TemporaryDirectory(prefix="pillarbox-link-", dir=POP3D.parent) as folder:
            os.chmod(folder, 0o755)
            program = Path(folder) / "pop3proxyd"
            os.link(POP3D, program)
            with SwapSite(program=program, services={"pop3": "", "pop3s": "-s"}, tls=True) as site:
                for name, tls in (("pop3", None), ("pop3s", site.client_context())):
                    with Connection(site.ports[name], tls=tls) as client:
                        self.assertRegex(client.line(), r"\+OK test\.example Cyrus POP3 Pillarbox-\S+ server ready ")
                        self.assertRegex(client.login("alice"), r"\+OK Mailbox locked and ready SESSIONID=<.*>")
                        self.assertEqual(client.ask("STAT"), "+OK 4 2610")
                        self.assertEqual(client.ask("QUIT"), "+OK")


if __name__ == "__main__":
    unittest.main()
