"""Runs every transcript of lmtp_dialogues/ against our lmtpd, and those that are meant for both against Debian's too."""

import unittest
from pathlib import Path

from dialogue import Dialogue
from lmtplab import Lmtp, LmtpSite

FOLDER = Path(__file__).resolve().parent / "lmtp_dialogues"


class LmtpDialoguesTest(unittest.TestCase):
    pass


def case(path):
    def run(self):
        dialogue = Dialogue(path)
        both = "\n# both\n" in path.read_text()
        options = {"failedloginpause": "0", **dialogue.options}
        with LmtpSite(peer=both, tls=True, options=options, users=("alice", "bob", "cyrus")) as site:
            ports = [site.ports[dialogue.port]] + ([site.cyrus_ports["lmtpd"]] if both else [])
            for port in ports:
                before = site.tree()
                with Lmtp(port) as connection:
                    dialogue.run(connection, site.client_context())
                if dialogue.changes_the_store:
                    self.assertNotEqual(before, site.tree(), "the store did not change")
                elif port == ports[0]:  # Cyrus's makes conversations databases and the like
                    self.assertEqual(before, site.tree(), "the store changed")
                self.assertEqual(site.stage_files(), [])
            self.assertEqual(site.stop(), 0, site.log())
    return run


for transcript in sorted(FOLDER.glob("*.txt")):
    setattr(LmtpDialoguesTest, f"test_{transcript.stem}", case(transcript))

if __name__ == "__main__":
    unittest.main()
