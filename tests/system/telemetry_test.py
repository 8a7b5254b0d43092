"""Telemetry files: those of Cyrus for the same session, one for each session, never a password, and safe to switch on."""

import os
import re
import shutil
import unittest

from mailsite import Connection, service_user
from swaplab import CYRUS_POP3D, SwapSite, until


class TelemetryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = SwapSite(
            services={"ours": "", "theirs": "", "single": "", "byid": ""}, tls=True, attributes="prefork=0 maxchild=1",
            options={"single_pop3_sessions_per_process": "1", "byid_telemetry_bysessionid": "yes"})
        cls.site.programs = {"theirs": CYRUS_POP3D}
        cls.addClassCleanup(cls.site.remove)
        cls.site.start()

    def directory(self, user):
        return self.site.conf_dir / "log" / user

    def switch_on(self, user):
        shutil.rmtree(self.directory(user), ignore_errors=True)
        self.directory(user).mkdir(mode=0o700)
        os.chown(self.directory(user), service_user().pw_uid, service_user().pw_gid)
        self.addCleanup(shutil.rmtree, self.directory(user), ignore_errors=True)

    def login(self, service, user="alice", context=None):
        client = Connection(self.site.ports[service])
        self.addCleanup(client.close)
        client.line()
        if context is not None:
            client.start_tls(context)
        reply = client.login(user)
        self.assertRegex(reply, r"^\+OK .*SESSIONID=<")
        client.id = re.search(r"SESSIONID=<(.*)>", reply).group(1)
        return client

    def text(self, path, ending="+OK\r\n"):
        until(lambda: path.read_bytes().decode("latin-1").endswith(ending), f"{path} does not end so")
        return path.read_bytes().decode("latin-1")

    def only_file(self, user):
        until(lambda: any(self.directory(user).iterdir()), "no telemetry file")
        (path,) = self.directory(user).iterdir()
        return path

    def test_the_file_is_that_of_cyrus(self):
        texts = []
        for service in ("theirs", "ours"):
            self.switch_on("alice")
            client = self.login(service)
            for command in ("STAT", "LIST 1", "NOOP", "QUIT"):
                client.ask(command)
            client.close()
            path = self.only_file("alice")
            self.assertRegex(path.name, rf"^{service}-\d+$")
            text = self.text(path)
            self.assertRegex(text, r"^---------- alice \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n\n>\d+>\+OK Mailbox")
            text = re.sub(r"alice \w.*\n", "alice DATE\n", text)
            text = re.sub(r"SESSIONID=<.*>", "SESSIONID=<ID>", text)
            texts.append(re.sub(r"([<>])\d{9,}\1", r"\1EPOCH\1", text))
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(*texts)

    def test_sessions_side_by_side_have_a_file_each_named_so_that_the_log_leads_there(self):
        self.switch_on("alice")
        first, second = self.login("ours"), self.login("ours")
        self.assertTrue(first.ask("LIST 1").startswith("+OK 1 "))
        self.assertTrue(second.ask("LIST 2").startswith("+OK 2 "))
        for client in (first, second):
            client.ask("QUIT")
            client.close()
        *_, epoch, pid, n, _ = second.id.split("-")
        one, two = (self.directory("alice") / name for name in (f"ours-{pid}", f"ours-{pid}-{epoch}.{n}"))
        self.assertEqual(sorted(self.directory("alice").iterdir()), [one, two])
        for path, client, mine, other in ((one, first, "LIST 1", "LIST 2"), (two, second, "LIST 2", "LIST 1")):
            text = self.text(path)
            self.assertIn(client.id, text)
            self.assertIn(mine, text)
            self.assertNotIn(other, text)

    def test_sessions_that_follow_one_another_share_the_file_of_their_process(self):
        self.switch_on("alice")
        for _ in range(2):
            client = self.login("single")
            client.ask("QUIT")
            client.close()
        path = self.only_file("alice")
        self.assertRegex(path.name, r"^single-\d+$")
        until(lambda: path.read_text().count("---------- alice ") == 2, "not two sessions")

    def test_by_session_id(self):
        self.switch_on("bob")
        client = self.login("byid", "bob")
        client.ask("QUIT")
        self.assertEqual(self.only_file("bob").name, "byid-" + client.id)

    def test_no_password_is_in_it_under_tls_either_and_only_of_this_user(self):
        self.switch_on("alice")
        client = self.login("ours", context=self.site.client_context())
        for line in ("PASS pillarbox", "AUTH PLAIN AGFsaWNlAHBpbGxhcmJveA==", "AGFsaWNlAHBpbGxhcmJveA==", "STAT", "QUIT"):
            client.ask(line)
        self.login("ours", "bob")
        text = self.text(self.only_file("alice"))
        self.assertNotIn("pillarbox", text.lower())
        self.assertNotIn("AGFsaWNl", text)
        self.assertIn("<STAT\r\n", text)
        self.assertEqual(text.count("***\r\n"), 3)

    def test_a_link_that_somebody_left_is_not_followed_and_the_session_goes_on(self):
        self.switch_on("alice")
        target = self.site.root / "target"
        target.mkdir(exist_ok=True)
        os.chown(target, service_user().pw_uid, service_user().pw_gid)
        self.directory("alice").rmdir()
        self.directory("alice").symlink_to(target)
        self.addCleanup(lambda: os.path.lexists(self.directory("alice")) and self.directory("alice").unlink())
        client = self.login("ours")
        self.assertEqual(client.ask("QUIT"), "+OK")
        self.assertEqual(list(target.iterdir()), [])
        self.assertIn("no telemetry of alice: ", self.site.syslog())


if __name__ == "__main__":
    unittest.main()
