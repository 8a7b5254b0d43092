"""Mailboxes that we create, delete and measure beside Debian's live Cyrus, and those that it creates and deletes.

What we create its lmtpd delivers to, its imapd and pop3d serve, and its tools find right; what we delete it brings back.
"""

import re
import socket
import subprocess
import threading
import time
import unittest

from cyruslab import CyrusSite, unpack
from imap_client import Imap
from mailsite import BUILD, PASSWORD, service_user

PILLARBOX = BUILD / "src" / "tools" / "pillarbox" / "pillarbox"
TOOL = BUILD / "tests" / "support" / "mailbox_tool"
MESSAGE = "From: a@example.org\r\nTo: b@example.org\r\nSubject: hello\r\nMessage-ID: <m{}@example.org>\r\n\r\nhi\r\n"


class Tool:
    """Our hands, kept open: one process that is told what to do."""

    def __init__(self, site):
        user = {} if service_user().pw_uid == 0 else {"user": service_user().pw_uid, "group": service_user().pw_gid}
        self.process = subprocess.Popen([TOOL, site.imapd_conf], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, bufsize=1, cwd="/", umask=0o077, **user)
        self.said = []
        threading.Thread(target=lambda: self.said.extend(self.process.stderr), daemon=True).start()

    def ask(self, *words):
        self.process.stdin.write("\t".join(words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline().rstrip("\n")
        if words[0] == "list":
            lines = [line.removeprefix("ok ")]
            while line:
                line = self.process.stdout.readline().rstrip("\n")
                lines.append(line)
            return [found.split(" ") for found in lines if found]
        return line

    def ok(self, *words):
        answer = self.ask(*words)
        assert answer.startswith("ok"), f"{words}: {answer}"
        return answer[3:]

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(20)
        self.process.stderr.close()


class Lmtp:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.file = self.socket.makefile("rwb")
        self.answer()
        self.say("LHLO test")

    def answer(self):
        while True:
            line = self.file.readline().decode()
            if line[3:4] != "-":
                return line.rstrip()

    def say(self, line):
        self.file.write(line.encode() + b"\r\n")
        self.file.flush()
        return self.answer()

    def deliver(self, recipient, number):
        """The last answer: of RCPT when that is refused, else of the message."""
        assert self.say("MAIL FROM:<a@example.org>").startswith("250")
        answer = self.say(f"RCPT TO:<{recipient}>")
        if not answer.startswith("250"):
            self.say("RSET")
            return answer
        assert self.say("DATA").startswith("354")
        return self.say(MESSAGE.format(number) + ".")

    def close(self):
        self.file.close()
        self.socket.close()


def pop3_count(port, user):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection, connection.makefile("rwb") as file:
        file.readline()
        for line in (f"USER {user}", f"PASS {PASSWORD}", "STAT", "QUIT"):
            file.write(line.encode() + b"\r\n")
            file.flush()
            answer = file.readline().decode()
            if line == "STAT" or not answer.startswith("+OK"):
                break
        return int(answer.split()[1]) if answer.startswith("+OK") else answer


class AdminCase(unittest.TestCase):
    options = {}

    @classmethod
    def setUpClass(cls):
        try:
            unpack()
        except subprocess.CalledProcessError as error:
            raise unittest.SkipTest(f"Debian's Cyrus cannot be fetched: {error}")

    def setUp(self):
        self.site = CyrusSite(sample="cyrus361-uuid", users=("alice", "bob", "carl", "dora", "cyrus"), tls=False,
                              services={"pop3": ""}, options={"allowplaintext": "yes", **self.options})
        self.addCleanup(self.site.remove)
        self.site.start_cyrus()
        self.tool = Tool(self.site)
        self.addCleanup(self.tool.close)

    # -- help -----------------------------------------------------------------------------------------------------------

    def admin(self):
        imap = Imap(self.site.cyrus_ports["imapd"], "cyrus")
        self.addCleanup(imap.close)
        return imap

    def user(self, name):
        imap = Imap(self.site.cyrus_ports["imapd"], name)
        self.addCleanup(imap.close)
        return imap

    def deliver(self, recipient, number=1):
        lmtp = Lmtp(self.site.cyrus_ports["lmtpd"])
        self.addCleanup(lmtp.close)
        return lmtp.deliver(recipient, number)

    def database(self):
        text = self.site.tool("cyr_dbtool", self.site.conf_dir / "mailboxes.db", "twoskip", "show")
        return dict(line.split("\t", 1) for line in text.split("\n") if line)

    def names(self):
        return {row[0]: row[1] for row in self.tool.ask("list")}

    def check_store(self):
        """Cyrus's tools find nothing to change."""
        database = self.site.conf_dir / "mailboxes.db"
        self.assertIn("Yes, consistent", self.site.tool("cyr_dbtool", database, "twoskip", "consistent"))
        before = self.database()
        self.assertNotIn("rror", self.site.tool("ctl_cyrusdb", "-r"))
        self.assertEqual(self.database(), before, "ctl_cyrusdb -r changed records")
        for name, kind in self.names().items():
            if "d" in kind or "i" in kind:
                continue
            self.assertEqual(self.site.tool("reconstruct", "-n", name).strip(), name)
            self.assertNotIn("rror", self.site.tool("mbexamine", "-q", name))
        self.assertEqual(self.wrong_quotas(), [])
        self.assertEqual([line for line in self.site.tool("chk_cyrus").splitlines()
                          if line and not line.startswith(("Examining partition", "checking: "))], [])
        listed = set(self.site.tool("ctl_mboxlist", "-d").splitlines())
        self.assertGreaterEqual(len(listed), 3)

    def wrong_quotas(self):
        # quota -f prints a line for each root or mailbox that it has to mend.
        text = self.site.tool("quota", "-f")
        return [line for line in text.splitlines() if ": usage was" in line or "quota root" in line]


class MailboxAdminTest(AdminCase):
    # -- creating ---------------------------------------------------------------------------------------------------------

    def test_what_we_create_cyrus_uses(self):
        self.tool.ok("create", "user.carl")
        self.tool.ok("create", "user.carl.Lists.deep")
        self.assertIn("invalid", self.tool.ask("create", "user.carl"))
        self.check_store()
        for n in range(3):
            self.assertTrue(self.deliver("carl", n).startswith("250"))
        self.assertEqual(pop3_count(self.site.cyrus_ports["pop3d"], "carl"), 3)
        imap = self.user("carl")
        self.assertTrue(any("EXISTS" in line and "3" in line for line in imap.ok("SELECT INBOX")))
        listed = imap.ok('LIST "" *')
        for name in ("INBOX", "Lists", "Lists.deep"):
            self.assertTrue(any(line.split()[-1].strip('"') == name for line in listed), f"{name}: {listed}")
        imap.ok("SUBSCRIBE Lists")
        imap.ok("CREATE Lists.mine")
        self.check_store()

    def test_a_record_of_ours_is_that_of_cyrus(self):
        self.tool.ok("create", "user.carl")
        self.admin().ok("CREATE user.dora")
        database = self.database()

        def shape(user):
            record = database[f"Nuser\x1f{user}"].replace(user, "USER").split()
            ours = {record[n]: record[n + 1] for n in range(0, len(record) - 1, 2)}
            return {key: value for key, value in ours.items() if key not in ("I", "V", "M")}, list(ours)
        self.assertEqual(shape("carl"), shape("dora"))
        files = {user: self.site.mailbox_directory(user) for user in ("carl", "dora")}
        self.assertEqual(sorted(f.name for f in files["carl"].iterdir()), sorted(f.name for f in files["dora"].iterdir()))
        ours, theirs = ((files[user] / "cyrus.index").read_bytes() for user in ("carl", "dora"))
        changing = [range(44, 48), range(96, 100), range(136, 140), range(156, 160)]  # times and CRCs
        for n in range(160):
            if not any(n in part for part in changing):
                self.assertEqual(ours[n], theirs[n], f"octet {n} of cyrus.index")
        modes = {user: [oct(f.stat().st_mode) for f in (files[user], files[user] / "cyrus.index")]
                 for user in ("carl", "dora")}
        self.assertEqual(modes["carl"], modes["dora"])

    def test_what_cyrus_created_and_deleted_we_see(self):
        admin = self.admin()
        admin.ok("CREATE user.carl")
        admin.ok("CREATE user.carl.Sub")
        self.assertEqual({name for name in self.names() if "carl" in name}, {"user.carl", "user.carl.Sub"})
        self.assertIn("invalid", self.tool.ask("create", "user.carl.Sub"))
        admin.ok("SETACL user.carl.Sub cyrus lrswipkxtecda")
        admin.ok("DELETE user.carl.Sub")
        old = int(self.database()["Nuser\x1fcarl\x1fSub"].split(" V ")[1].split()[0])
        self.assertEqual(self.names()["user.carl.Sub"], "ed")
        self.tool.ok("create", "user.carl.Sub")
        new = int(self.tool.ok("info", "user.carl.Sub").split()[1])
        self.assertGreater(new, old, "uidvalidity")
        self.check_store()
        self.assertTrue(self.user("carl").ok("SELECT Sub"))

    def test_a_first_login_makes_the_inbox_when_the_options_say_so(self):
        self.names()  # has read its configuration before we write another
        self.site.settings |= {"autocreate_quota": "500", "autocreate_inbox_folders": "Spam|Sent",
                               "autocreate_subscribe_folders": "Spam"}
        self.site.write_imapd_conf()
        self.site.start()
        counts = []
        threads = [threading.Thread(target=lambda: counts.append(pop3_count(self.site.ports["pop3"], "carl")))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(counts, [0, 0, 0, 0], "four first logins at once")
        self.assertEqual({name for name in self.names() if "carl" in name},
                         {"user.carl", "user.carl.Sent", "user.carl.Spam"})
        imap = self.user("carl")
        subscribed = [line.split()[-1].strip('"') for line in imap.ok('LSUB "" *')]
        self.assertEqual(sorted(subscribed), ["INBOX", "Spam"])
        self.assertEqual(imap.ok("GETQUOTAROOT INBOX")[-1],
                         "* QUOTA INBOX (STORAGE 0 500)")
        self.check_store()
        # "cyrus" is an administrator, and has no mail here.
        self.assertIn("-ERR", str(pop3_count(self.site.ports["pop3"], "cyrus")))

    # -- deleting ---------------------------------------------------------------------------------------------------------

    def test_a_folder_that_we_delete_cyrus_brings_back(self):
        self.tool.ok("create", "user.carl")
        self.tool.ok("create", "user.carl.Sub")
        self.tool.ok("quota", "user.carl", "5000", "100")
        imap = self.user("carl")
        tag = imap.send("APPEND Sub {%d+}\r\n%s" % (len(MESSAGE), MESSAGE))
        self.assertTrue(imap.finish(tag)[0].startswith("OK"))
        self.assertEqual(self.tool.ok("usage", "user.carl").split()[3:], ["1", "100", "2"])
        deleted = self.tool.ok("delete", "user.carl.Sub").strip()
        self.assertRegex(deleted, r"^DELETED\.user\.carl\.Sub\.[0-9A-F]{8}$")
        self.assertEqual(self.tool.ok("usage", "user.carl").split()[1:], ["0", "5000", "0", "100", "1"])
        self.check_store()
        self.assertTrue(imap.command("SELECT Sub")[0].startswith("NO"))
        admin = self.admin()
        admin.ok(f"SETACL {deleted} cyrus lrswipkxtecda")
        admin.ok(f"RENAME {deleted} user.carl.Back")
        self.assertTrue(any("1 EXISTS" in line for line in imap.ok("SELECT Back")))
        self.assertEqual(self.tool.ok("usage", "user.carl").split()[3:], ["1", "100", "2"])
        self.check_store()

    def test_a_user_is_deleted_with_all_that_is_his(self):
        self.tool.ok("create", "user.carl")
        for folder in ("a", "a.b", "c"):
            self.tool.ok("create", f"user.carl.{folder}")
        self.tool.ok("quota", "user.carl", "5000", "-1")
        self.user("carl").ok("SUBSCRIBE a")
        self.deliver("carl")
        self.assertIn("invalid", self.tool.ask("delete", "user.carl.a"), "has a folder below")
        self.assertEqual(len(self.tool.ok("delete", "user.carl").split()), 4)
        self.assertFalse(any(name.startswith("user.carl") and kind == "e" for name, kind in self.names().items()))
        self.assertEqual([f for f in self.site.conf_dir.rglob("sub.db")
                          if b"INBOX\x1fa\t" in f.read_bytes()], [], "subscriptions")
        self.assertEqual(list(self.site.conf_dir.rglob("user.carl*")), [], "quota root")
        self.assertTrue(self.deliver("carl", 2).startswith("550"))
        self.check_store()
        self.tool.ok("create", "user.carl")
        self.assertTrue(self.deliver("carl", 3).startswith("250"))
        self.assertEqual(pop3_count(self.site.cyrus_ports["pop3d"], "carl"), 1)
        self.check_store()

    def test_a_session_that_has_the_mailbox_open_is_ended(self):
        self.tool.ok("create", "user.carl")
        imap = self.user("carl")
        imap.ok("SELECT INBOX")
        imap.ok("NOOP")  # by now its entry in proc/ names the mailbox
        self.tool.ok("delete", "user.carl")
        with self.assertRaises((ConnectionError, AssertionError)):
            for _ in range(100):
                imap.ok("NOOP")
                time.sleep(0.05)
        self.check_store()

    # -- quota --------------------------------------------------------------------------------------------------------------

    def test_quota_roots_count_what_cyrus_counts(self):
        admin = self.admin()
        self.tool.ok("create", "user.carl")
        self.tool.ok("create", "user.carl.Sub")
        for n in range(2):
            self.deliver("carl", n)
        self.tool.ok("quota", "user.carl", "700", "5")
        self.assertEqual(admin.ok("GETQUOTA user.carl"), ["* QUOTA user.carl (STORAGE 0 700 MESSAGE 2 5)"])
        self.check_store()
        self.tool.ok("quota", "user.carl.Sub", "10", "-1")
        self.check_store()
        self.assertEqual(self.tool.ok("usage", "user.carl.Sub").split()[0], "user.carl.Sub")
        self.tool.ok("unquota", "user.carl.Sub")
        self.assertEqual(self.tool.ok("usage", "user.carl.Sub").split()[0], "user.carl")
        self.assertEqual(self.tool.ok("usage", "user.carl").split()[-1], "2", "folders")
        self.check_store()
        self.tool.ok("quota", "user.carl", "-1", "2")
        self.assertEqual(admin.ok("GETQUOTA user.carl"), ["* QUOTA user.carl (MESSAGE 2 2)"])
        self.assertTrue(self.deliver("carl", 9)[:3] in ("250", "452"))
        self.tool.ok("unquota", "user.carl")
        self.assertEqual(self.tool.ok("usage", "user.carl"), "none")
        self.check_store()

    # -- both at once ---------------------------------------------------------------------------------------------------------

    def test_both_create_and_delete_at_once(self):
        """Cyrus over IMAP and we, each in the tree of an own user and both in one, while mail is delivered."""
        for user in ("carl", "dora"):
            self.tool.ok("create", f"user.{user}")
        admin = self.admin()
        admin.ok("SETACL user.dora cyrus lrswipkxtecda")
        failures = []

        def theirs():
            try:
                for n in range(30):
                    name = f"user.dora.t{n}"
                    admin.ok(f"CREATE {name}")
                    if n % 3 == 0:
                        admin.ok(f"DELETE {name}")
            except (AssertionError, OSError) as error:
                failures.append(f"theirs: {error}")

        def deliveries():
            try:
                lmtp = Lmtp(self.site.cyrus_ports["lmtpd"])
                for n in range(30):
                    answer = lmtp.deliver(("carl", "dora")[n % 2], n)
                    assert answer.startswith("250"), answer
                lmtp.close()
            except (AssertionError, OSError) as error:
                failures.append(f"deliveries: {error}")

        def ours():
            try:
                for n in range(30):
                    name = f"user.{('carl', 'dora')[n % 2]}.o{n}"
                    self.tool.ok("create", name)
                    if n % 3 == 0:
                        self.tool.ok("delete", name)
            except (AssertionError, OSError) as error:
                failures.append(f"ours: {error}")

        threads = [threading.Thread(target=target) for target in (theirs, ours, deliveries)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
            self.assertFalse(thread.is_alive(), "stuck")
        self.assertEqual(failures, [])
        live = {name for name, kind in self.names().items() if kind == "e" and not name.startswith("DELETED")}
        for n in range(30):
            self.assertEqual(f"user.dora.t{n}" in live, n % 3 != 0, n)
            self.assertEqual(f"user.{('carl', 'dora')[n % 2]}.o{n}" in live, n % 3 != 0, n)
        self.assertEqual(sum(pop3_count(self.site.cyrus_ports["pop3d"], user) for user in ("carl", "dora")), 30)
        self.check_store()


class AutocreateTest(AdminCase):
    """Each test with options of its own."""

    maxDiff = None

    def setUp(self):
        pass

    def test_autocreation_makes_what_that_of_cyrus_makes(self):
        self.compare_autocreation({
            "autocreate_quota": "500", "autocreate_quota_messages": "100",
            "autocreate_inbox_folders": "Drafts|Sent|Odd Folder|A.B|Plain", "autocreate_subscribe_folders": "Drafts|Sent",
            "xlist-drafts": "Drafts", "xlist-Sent": "Sent", "xlist-junk": "Odd Folder", "xlist-trash": "Missing",
            "autocreate_acl": "Plain anyone tpl",
            "autocreate_subscribe_sharedfolders": "news.sub|Shared Folders.news|hidden|missing",
        })

    def test_autocreation_subscribes_all_shared_folders_where_cyrus_does(self):
        self.compare_autocreation({"autocreate_quota": "0", "autocreate_subscribe_sharedfolders_all": "yes",
                               "altnamespace": "no"})

    def test_shared_folders_have_their_internal_names_whatever_users_see(self):
        ours = self.compare_autocreation({
            "autocreate_quota": "0", "altnamespace": "no", "unixhierarchysep": "yes",
            "autocreate_subscribe_sharedfolders": "news|news/sub|hidden|user.bob"}, separator="/")
        self.assertEqual([line.split()[-1] for line in ours["LSUB"]], ["INBOX", "news"])

    def compare_autocreation(self, options, separator="."):
        """`carl` by us, `dora` by a login at Cyrus's imapd."""
        self.options = options
        super().setUp()
        admin = self.admin()
        for name in ("news", f"news{separator}sub", "hidden", f"news{separator}gone"):
            admin.ok(f"CREATE {name}")
        admin.ok("DELETEACL hidden anyone")
        admin.ok(f"SETACL news{separator}gone cyrus lrswipkxtecda")
        admin.ok(f"DELETE news{separator}gone")
        self.assertEqual(self.tool.ok("autocreate", "carl", "login"), "made")
        self.user("dora").ok("NOOP")
        ours, theirs = self.made_of("carl"), self.made_of("dora")
        for what, value in theirs.items():
            self.assertEqual(ours[what], value, what)
        # Options that no row here has must not make the comparison empty.
        self.assertIn("INBOX", " ".join(ours["LSUB"]))
        if separator == ".":  # by which its tools would not find the names that we know
            self.check_store()
        checked = subprocess.run([PILLARBOX, "-C", self.site.imapd_conf, "check"], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, timeout=60)
        self.assertEqual(checked.returncode, 0, checked.stdout)
        self.assertNotIn("quota_annot_used", checked.stdout)
        self.assertTrue(self.deliver("carl", 1).startswith("250"))
        return ours

    @staticmethod
    def names_shown(imap, command):
        # Either sees the other's folder, and Cyrus subscribes users to deleted mailboxes too.
        return [re.sub("carl|dora", "OTHER", line) for line in imap.ok(command + ' "" "*"') if "DELETED" not in line]

    def made_of(self, user):
        imap = self.user(user)
        database = self.database()
        annotations = self.site.tool("cyr_dbtool", self.site.conf_dir / "annotations.db", "twoskip", "show")
        annotations = dict(line.split("\t", 1) for line in annotations.split("\n") if "\t" in line)
        records, found, headers = {}, {}, {}
        for key, value in database.items():
            if not re.match(rf"Nuser\x1f{user}(\x1f|$)", key):
                continue
            name = key.replace(user, "USER")
            uniqueid = re.search(r" I (\w+) ", value).group(1)
            # Cyrus makes a folder and then changes it; ours is what it shall be from the beginning.
            records[name] = re.sub(r" (I|V|M|F) \w+", "", value.replace(user, "USER"))
            found[name] = {key.removeprefix(uniqueid): value for key, value in annotations.items()
                           if key.startswith(uniqueid)}
            index = (self.site.root / "spool" / "uuid" / uniqueid[0] / uniqueid[1] / uniqueid / "cyrus.index").read_bytes()
            headers[name] = {"annotations": index[116:120], "sync_crc_annot": index[120:124]}
        quota = list((self.site.conf_dir / "quota").rglob(f"user.{user}"))
        return {"records": records, "annotations": found, "headers": headers,
                "quota": [re.sub(r"MODSEQ \d+", "", file.read_text()) for file in quota],
                **{command: self.names_shown(imap, command) for command in ("LIST", "LIST (SPECIAL-USE)", "LSUB")},
                "root": imap.ok("GETQUOTAROOT INBOX")}


class LegacyLayoutTest(MailboxAdminTest):
    options = {"mailbox_legacy_dirs": "yes", "statuscache": "yes", "sync_log": "yes"}

    def test_deleting_moves_all_files_and_no_empty_directory_stays(self):
        self.tool.ok("create", "user.carl")
        self.tool.ok("create", "user.carl.Sub.Deep")
        self.deliver("carl")
        spool = self.site.root / "spool"
        inbox, = (path for path in spool.rglob("user/carl") if (path / "cyrus.index").exists())
        number = (inbox / "1.").stat().st_ino
        deleted = self.tool.ok("delete", "user.carl").split()
        self.assertFalse(inbox.exists())
        place, = spool.rglob(f"DELETED/user/carl/{deleted[-1].rpartition('.')[2]}")
        self.assertEqual((place / "1.").stat().st_ino, number)
        self.check_store()

    # Slow, and the same for both layouts.
    test_both_create_and_delete_at_once = None
    test_what_cyrus_created_and_deleted_we_see = None
    test_what_we_create_cyrus_uses = None


class ImmediateDeletionTest(MailboxAdminTest):
    options = {"delete_mode": "immediate"}

    def tree(self):
        """All but the directories of hashed names, which Cyrus leaves."""
        return sorted(str(path.relative_to(self.site.root)) for path in (self.site.root / "spool").rglob("*")
                      if len(path.name) > 1)

    def test_what_we_delete_for_good_is_gone_as_when_cyrus_does_it(self):
        for layout in ("no", "yes"):
            self.site.settings["mailbox_legacy_dirs"] = layout
            self.site.write_imapd_conf()
            self.tool.close()
            self.tool = Tool(self.site)
            before = self.tree()
            found = []
            for ours in (True, False):
                self.tool.ok("create", "user.carl")
                self.tool.ok("create", "user.carl.Sub")
                self.tool.ok("quota", "user.carl", "5000", "-1")
                self.assertTrue(self.deliver("carl", f"{layout}{ours}").startswith("250"))
                self.assertTrue(self.deliver("carl+Sub", f"{layout}{ours}s").startswith("250"))
                if ours:
                    self.assertEqual(self.tool.ok("delete", "user.carl.Sub").strip(), "user.carl.Sub")
                else:
                    admin = self.admin()
                    admin.ok("SETACL user.carl.Sub cyrus lrswipkxtecda")
                    admin.ok("DELETE user.carl.Sub")
                    admin.close()
                self.assertEqual(self.tool.ok("usage", "user.carl").split()[5], "1")
                records = [re.sub(r"[0-9]{9,}|I [a-z0-9]{24}|F [0-9]+", "#", text) for key, text in
                           sorted(self.database().items()) if "carl" in key + text and "Sub" in key + text]
                found.append(records)
                self.check_store()
                self.tool.ok("delete", "user.carl")
                self.assertEqual([path for path in self.tree() if path not in before and "stage." not in path], [])
                self.check_store()
            self.assertEqual(*found)

    test_a_folder_that_we_delete_cyrus_brings_back = None
    test_both_create_and_delete_at_once = None
    test_what_cyrus_created_and_deleted_we_see = None
    test_what_we_create_cyrus_uses = None
    test_a_record_of_ours_is_that_of_cyrus = None
    test_a_first_login_makes_the_inbox_when_the_options_say_so = None
    test_quota_roots_count_what_cyrus_counts = None


if __name__ == "__main__":
    unittest.main()
