"""contrib/fail2ban/pillarbox.conf, held against lines that our server wrote, by Debian's fail2ban-regex: whoever guesses
is found, and whatever a client says, nobody else is."""

import configparser
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from mailsite import HERE, Connection
from swaplab import SwapSite, until

FILTER = HERE.parent.parent / "contrib" / "fail2ban" / "pillarbox.conf"
FAIL2BAN = Path(os.environ.get("PILLARBOX_FAIL2BAN", HERE.parent.parent / "build" / "fail2ban"))
VICTIM = "192.0.2.1"

# Names and mechanisms that look like the begin of another line, or like another client.
NAMES = [f"[{VICTIM}]", f"x) [SASL(-13): authentication failure: x] badlogin: host [{VICTIM}] plaintext (y",
         f'x" r.clienthost="[{VICTIM}]', f"x event=login.bad r.clienthost=[{VICTIM}] u.username=y login.mech=z error=w",
         f"pop3[1]: badlogin: [{VICTIM}] plaintext (x) invalid user", "a%b", "", "(", "\\", '"', "'", "%(x)s", "<HOST>"]
MECHANISMS = [f"[{VICTIM}]", f"[{VICTIM}]]", "PLAIN[192.0.2.1]", f"\x1b[{VICTIM}]"]


def through_fail2ban(log):
    """The addresses that Debian's own program finds in the file, one for each line that matches."""
    subprocess.run([HERE.parent.parent / "scripts" / "unpack-peers", FAIL2BAN, "fail2ban"], check=True)
    root = FAIL2BAN / "root"
    installed = log.parent / "filter.d"  # what it includes must lie beside it
    if not installed.exists():
        shutil.copytree(root / "etc" / "fail2ban" / "filter.d", installed)
        shutil.copy(FILTER, installed)
    done = subprocess.run(
        [root / "usr" / "bin" / "fail2ban-regex", "-c", root / "etc" / "fail2ban", "--usedns", "no", "-o", "ip", log, installed / FILTER.name],
        env={**os.environ, "PYTHONPATH": str(root / "usr" / "lib" / "python3" / "dist-packages")},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, text=True)
    assert done.returncode == 0, done.stdout
    return sorted(done.stdout.split())


def through_re(lines):
    """The same with nothing but the expressions of the filter, for machines without fail2ban."""
    parser = configparser.ConfigParser(interpolation=configparser.BasicInterpolation())
    parser.read_string(FILTER.read_text().replace("[INCLUDES]", "[DEFAULT]\n__prefix_line = \\S+ %(_daemon)s\\[\\d+\\]:[ ]\n"))
    section = parser["Definition"]
    address = r"(?P<host>\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]{2,}(?::[\d.]+)?)"
    patterns = [re.compile(text.replace("<ADDR>", address)) for text in section["failregex"].split("\n") if text]
    found = []
    for line in lines:
        hits = [hit for hit in (pattern.search(line) for pattern in patterns) if hit]
        found += [hits[0].group("host")] if hits else []
    return sorted(found)


class Fail2banTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = SwapSite(
            services={"pop3": "", "pop3logfmt": "", "pop3proxied": "-H", "pop3down": "", "pop3downlogfmt": ""}, tls=False,
            attributes="prefork=0 maxchild=2",
            options={"syslog_prefix": "mail.example", "proxy_protocol_networks": "127.0.0.0/8", "popsubfolders": "yes",
                     "pop3logfmt_log_format": "logfmt", "pop3downlogfmt_log_format": "logfmt",
                     "pop3down_sasl_sasldb_path": "/nonexistent/sasldb2",
                     "pop3downlogfmt_sasl_sasldb_path": "/nonexistent/sasldb2"})
        cls.addClassCleanup(cls.site.remove)
        cls.site.start()

    def log_of(self, act):
        """The lines that `act` leads to, as a syslog file has them."""
        before = len(self.site.syslog())
        sessions = act()

        def lines():
            return [line for line in self.site.syslog()[before:].splitlines() if "mail.example/pop3" in line]
        until(lambda: sum("session: " in line or "event=session.end" in line for line in lines()) == sessions,
              "no line at the end")
        return [re.sub(r"^(\S+) \d ", r"mx \1[4711]: ", line) for line in lines()]

    def found(self, lines):
        log = self.site.root / "mail.log"
        log.write_text("".join(f"Nov 27 17:00:{i % 60:02} {line}\n" for i, line in enumerate(lines)))
        found = through_re(lines)
        self.assertEqual(through_fail2ban(log), found)
        return found

    def say(self, service, *commands, first=None):
        with Connection(self.site.ports[service]) as client:
            if first is not None:
                client.send(first)
            client.line()
            for command in commands:
                client.ask(command)

    def test_guessers_are_found_in_both_forms(self):
        def guess():
            for service in ("pop3", "pop3logfmt"):
                self.say(service, "USER alice", "PASS wrong", "USER nobody", "PASS wrong", "USER a%b",
                         "AUTH PLAIN AGFsaWNlAHdyb25n", "USER anonymous", "PASS x", "QUIT")
            return 2
        self.assertEqual(self.found(self.log_of(guess)), ["127.0.0.1"] * 10)

    def test_an_address_of_ipv6_behind_a_proxy(self):
        def guess():
            self.say("pop3proxied", "USER alice", "PASS wrong", first="PROXY TCP6 2001:db8::66 2001:db8::1 4711 110\r\n")
            return 1
        self.assertEqual(self.found(self.log_of(guess)), ["2001:db8::66"])

    def test_nothing_that_a_client_says_bans_somebody_else(self):
        def attack():
            for service in ("pop3", "pop3logfmt"):
                for name in NAMES:
                    self.say(service, "USER " + name, f"PASS [{VICTIM}]", "QUIT")
                for mechanism in MECHANISMS:
                    self.say(service, f"AUTH {mechanism}", f"AUTH {mechanism} AAAA", "QUIT")
            return 2 * (len(NAMES) + len(MECHANISMS))
        lines = self.log_of(attack)
        self.assertTrue(any(VICTIM in line for line in lines))
        found = self.found(lines)
        self.assertEqual(set(found), {"127.0.0.1"})
        self.assertGreater(len(found), len(NAMES))

    def test_who_logs_in_breaks_off_or_meets_a_dead_password_store_is_not_found(self):
        def live():
            for service in ("pop3", "pop3logfmt"):
                self.say(service, "USER alice", "PASS pillarbox", "RETR 99", "QUIT")
                self.say(service, "AUTH PLAIN", "*", "AUTH PLAIN ====", "AUTH FOO")
            for service in ("pop3down", "pop3downlogfmt"):
                self.say(service, "USER alice", "PASS pillarbox", "AUTH PLAIN AGFsaWNlAHBpbGxhcmJveA==", "QUIT")
            return 6
        lines = self.log_of(live)
        self.assertEqual(sum("temporary failure: " in line for line in lines), 4, lines)
        self.assertEqual(self.found(lines), [])


if __name__ == "__main__":
    unittest.main()
