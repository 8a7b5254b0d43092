"""Runs every transcript of dialogues/ against a site of ours, and checks that the store is as it was."""

import unittest
from pathlib import Path

from dialogue import Dialogue
from mailsite import Connection, Site

# Who may log in.
USERS = {"cyrus361-uuid": ("alice", "bob"), "cyrus361-legacy-conv": ("ann.lee",)}
FOLDER = Path(__file__).resolve().parent / "dialogues"


class DialoguesTest(unittest.TestCase):
    pass


def case(path):
    def run(self):
        dialogue = Dialogue(path)
        with Site(sample=dialogue.sample, options=dialogue.options, users=USERS[dialogue.sample]) as site:
            before = site.tree()
            # pop3s: the transcript shows the handshake itself.
            with Connection(site.ports[dialogue.port]) as connection:
                dialogue.run(connection, site.client_context())
            if dialogue.changes_the_store:
                self.assertNotEqual(before, site.tree(), "the store did not change")
            else:
                self.assertEqual(before, site.tree(), "the store changed")
            self.assertEqual(site.stop(), 0, site.log())
    return run


for transcript in sorted(FOLDER.glob("*.txt")):
    setattr(DialoguesTest, f"test_{transcript.stem}", case(transcript))

if __name__ == "__main__":
    unittest.main()
