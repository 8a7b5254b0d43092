"""AUTH GSSAPI (RFC 4752) against a KDC of our own: MIT Kerberos, unpacked like the other peers, in a directory that goes
away, on the loopback, as an ordinary user. The client is Cyrus's pop3test."""

import os
import subprocess
import unittest
from pathlib import Path

from cyruslab import PROGRAMS, CyrusSite
from mailsite import HERE, PASSWORD, free_port, service_user
from swaplab import until

KERBEROS = Path(os.environ.get("PILLARBOX_KERBEROS", HERE.parent.parent / "build" / "kerberos"))
PACKAGES = ("krb5-kdc", "krb5-admin-server", "krb5-user", "libsasl2-modules-gssapi-mit")
KERBEROS_REALM = "TEST.EXAMPLE"
SYSTEM_PLUGINS = "/usr/lib/x86_64-linux-gnu/sasl2"


class Realm:
    """A KDC with the users alice and bob, and the service pop at localhost."""

    def __init__(self, root):
        subprocess.run([HERE.parent.parent / "scripts" / "unpack-peers", KERBEROS, *PACKAGES], check=True)
        unpacked = KERBEROS / "root" / "usr"
        libraries = unpacked / "lib" / "x86_64-linux-gnu"
        self.programs = (unpacked / "sbin", unpacked / "bin")
        self.root = root
        self.root.mkdir()
        self.port = free_port()
        (root / "krb5.conf").write_text(
            f"[libdefaults]\n default_realm = {KERBEROS_REALM}\n dns_lookup_kdc = false\n rdns = false\n"
            f" dns_canonicalize_hostname = false\n[realms]\n {KERBEROS_REALM} = {{\n  kdc = 127.0.0.1:{self.port}\n }}\n"
            f"[domain_realm]\n localhost = {KERBEROS_REALM}\n[dbmodules]\n db_module_dir = {libraries}/krb5/plugins/kdb\n"
            f"[logging]\n kdc = FILE:{root}/kdc.log\n")
        (root / "kdc.conf").write_text(
            f"[kdcdefaults]\n kdc_listen = 127.0.0.1:{self.port}\n kdc_tcp_listen = 127.0.0.1:{self.port}\n"
            f"[realms]\n {KERBEROS_REALM} = {{\n  database_name = {root}/principal\n  key_stash_file = {root}/stash\n"
            f"  acl_file = {root}/acl\n }}\n")
        plugins = [str(libraries / "sasl2"), SYSTEM_PLUGINS]
        self.environment = {"KRB5_CONFIG": f"{root}/krb5.conf", "KRB5_KDC_PROFILE": f"{root}/kdc.conf",
                            "KRB5_KTNAME": f"FILE:{root}/keytab", "SASL_PATH": ":".join(plugins),
                            "KRB5RCACHETYPE": "none"}
        self.libraries = str(libraries)
        self.user = {} if os.geteuid() != 0 else {
            "user": service_user().pw_uid, "group": service_user().pw_gid, "extra_groups": []}
        if os.geteuid() == 0:
            os.chown(root, service_user().pw_uid, service_user().pw_gid)
        self.run("kdb5_util", "create", "-s", "-r", KERBEROS_REALM, "-P", "master")
        for query in (f"addprinc -pw {PASSWORD} alice", f"addprinc -pw {PASSWORD} bob", "addprinc -randkey pop/localhost",
                      f"ktadd -k {root}/keytab pop/localhost"):
            self.run("kadmin.local", "-q", query)
        self.process = subprocess.Popen([self.program("krb5kdc"), "-n"], env=self.all_of(), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.user)
        until(self.is_up, "the KDC does not answer", lambda: (root / "kdc.log").read_text())

    def program(self, name):
        return next(folder / name for folder in self.programs if (folder / name).exists())

    def all_of(self, more=None):
        return {**os.environ, **self.environment, "LD_LIBRARY_PATH": self.libraries, **(more or {})}

    def run(self, program, *arguments, more=None, text=""):
        done = subprocess.run([self.program(program), *arguments], env=self.all_of(more), input=text, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **self.user)
        assert done.returncode == 0, f"{program} {arguments}: {done.stdout}"
        return done.stdout

    def is_up(self):
        log = self.root / "kdc.log"
        return log.exists() and "commencing operation" in log.read_text()

    def tickets_of(self, name):
        """The environment of a client that has typed the password of `name`."""
        out = {"KRB5CCNAME": f"FILE:{self.root}/tickets-{name}"}
        self.run("kinit", name, more=out, text=PASSWORD + "\n")
        return {**self.environment, **out}

    def end(self):
        self.process.kill()
        self.process.wait()


class GssapiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = CyrusSite(mechanisms="GSSAPI PLAIN", users=(), options={
            "servername": "localhost", "failedloginpause": "0", "admins": "boss", "allowplaintext": "no"})
        cls.addClassCleanup(cls.site.remove)
        cls.site.give_away()
        cls.realm = Realm(cls.site.root / "kerberos")
        cls.addClassCleanup(cls.realm.end)
        cls.site.environment = {**cls.site.environment, **cls.realm.environment}
        cls.site.start()

    def pop3test(self, tickets, name, least, most, user=None):
        environment = {**self.site.cyrus_environment(), **tickets}
        done = subprocess.run(
            [PROGRAMS / "pop3test", "-m", "GSSAPI", "-u", user or name, "-k", str(least), "-l", str(most), "-p",
             str(self.site.ports["pop3"]), "localhost"], env=environment, input=b"CAPA\r\nRETR 2\r\nNOOP\r\nQUIT\r\n",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        return done.stdout.decode(errors="replace").replace("\r\n", "\n")

    def test_a_ticket_logs_in_with_and_without_a_layer(self):  # RFC 4752 s3.1 to s3.3
        tickets = self.realm.tickets_of("alice")
        message = (self.site.mailbox_directory("alice") / "3.").read_text().replace("\r\n", "\n")
        for least, most in ((0, 0), (1, 1), (56, 256)):
            with self.subTest(least=least, most=most):
                text = self.pop3test(tickets, "alice", least, most)
                self.assertIn("Mailbox locked and ready", text)
                factor = text.split("Security strength factor: ")[1].split("\n")[0]
                self.assertTrue(least <= int(factor) <= most, text)
                self.assertIn(message, text)
                self.assertEqual(text.count("\nSASL "), 1 if most else 0, text)  # in CAPA again under a layer

    def test_a_ticket_logs_in_nobody_else(self):
        text = self.pop3test(self.realm.tickets_of("bob"), "bob", 0, 0, user="alice")
        self.assertIn("-ERR [AUTH] authenticating: authentication failure", text)
        text = self.pop3test({**self.realm.environment, "KRB5CCNAME": f"FILE:{self.realm.root}/none"}, "alice", 0, 0)
        self.assertNotIn("Mailbox locked and ready", text)


if __name__ == "__main__":
    unittest.main()
