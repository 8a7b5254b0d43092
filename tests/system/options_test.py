"""The options of pop3d(8), driven as a master does: what each changes, and how wrong ones are refused."""

import os
import re
import socket
import subprocess
import time
import unittest

from mailsite import POP3D, Connection, Site, service_user
from swaplab import CYRUS_POP3D, SANITIZERS, SYSLOG_SHIM, SwapSite, until
from worker_test import Worker

USAGE = 64
CONFIG = 78


class Options(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site(tls=True, options={"allowplaintext": "no", "failedloginpause": "0"})
        cls.addClassCleanup(cls.site.remove)
        cls.syslog = cls.site.root / "syslog"
        cls.syslog.touch()
        cls.site.give_away()

    def setUp(self):
        self.syslog.write_text("")

    def run_once(self, *arguments, environment=None, program=POP3D):
        """Runs pop3d as a worker that ends by itself. Returns exit code, standard error, syslog, what master was told."""
        status, write_end = os.pipe()
        listener = socket.create_server(("127.0.0.1", 0))

        def inherit():
            os.dup2(write_end, 200)
            os.dup2(listener.fileno(), 201)
            os.dup2(200, 3)
            os.dup2(201, 4)
        done = subprocess.run(
            [program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            close_fds=False, preexec_fn=inherit, timeout=20, text=True,
            env={**os.environ, **SANITIZERS, "CYRUS_SERVICE": "pop3", "CYRUS_ID": "0", "LD_PRELOAD": str(SYSLOG_SHIM),
                 "SYSLOG_FILE": str(self.syslog), **(environment or {})})
        os.close(write_end)
        listener.close()
        told = os.read(status, 100)
        os.close(status)
        return done.returncode, done.stderr, self.syslog.read_text(), told

    def test_a_wrong_option_is_refused_with_usage_in_both_places_and_master_hears_nothing(self):
        conf = str(self.site.imapd_conf)
        for arguments, words in ((["-k"], "option -k: unknown"), (["-C"], "option -C: needs a value"),
                                 (["-U", "many"], "option -U: needs a number"),
                                 (["-U30"], "options and arguments MUST be separated by whitespace"),
                                 (["-p2"], "options and arguments MUST be separated by whitespace"),
                                 (["-sp", "2"], "options and arguments MUST be separated by whitespace"),
                                 (["-U", "-30"], "options and arguments MUST be separated by whitespace"),
                                 (["-C", conf, "--help"], "options and arguments MUST be separated by whitespace"),
                                 (["-T", "-5"], "option -T: needs a number of seconds"),
                                 (["-\x1b"], "unknown"), (["-%"], "unknown")):
            with self.subTest(arguments=arguments):
                self.syslog.write_text("")
                code, stderr, log, told = self.run_once(*arguments)
                self.assertEqual((code, told), (USAGE, b""))
                self.assertIn("usage: pop3d ", stderr)
                self.assertIn(words, stderr)
                self.assertRegex(log, r"^pop3d 3 .*usage: pop3d ")
                self.assertNotIn("\x1b", stderr + log)

    def test_the_other_name_says_so(self):
        link = self.site.root / "pop3proxyd"
        link.symlink_to(POP3D)
        code, stderr, log, told = self.run_once("-k", program=link)
        self.assertEqual((code, told), (USAGE, b""))
        self.assertIn("usage: pop3proxyd ", stderr)
        self.assertTrue(log.startswith("pop3proxyd 3 "), log)

    def test_what_master_must_tell_in_the_environment(self):
        for name in ("CYRUS_SERVICE", "CYRUS_ID"):
            environment = {**os.environ, "CYRUS_SERVICE": "pop3", "CYRUS_ID": "0"}
            del environment[name]
            done = subprocess.run([POP3D, "-C", self.site.imapd_conf], env=environment, stdin=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True, timeout=20)
            self.assertEqual(done.returncode, 70)
            self.assertIn(f"could not getenv({name}); exiting", done.stderr)

    def test_another_configuration_and_none(self):
        code, stderr, _, _ = self.run_once("-C", str(self.site.root / "nothing.conf"))
        self.assertEqual(code, CONFIG)
        self.assertIn("nothing.conf", stderr)

    def test_tls_from_the_start_needs_a_certificate(self):
        bare = self.site.root / "bare.conf"
        bare.write_text("".join(f"{name}: {value}\n" for name, value in self.site.settings.items()
                                if not name.startswith("tls_")))
        code, stderr, _, told = self.run_once("-C", str(bare), "-s")
        self.assertEqual((code, told), (CONFIG, b""))
        self.assertIn("tls_server_cert", stderr)

    def worker(self, *arguments):
        worker = Worker(self.site, *arguments)
        self.addCleanup(worker.end)
        return worker

    def session(self, worker):
        with worker.connect() as client:
            self.assertTrue(client.line().startswith("+OK"))
            self.assertEqual(client.ask("QUIT"), "+OK")
            self.assertIsNone(client.line())

    def test_no_uses_and_less_are_one(self):
        for uses in ("0", "-3", "1"):
            worker = self.worker("-U", uses)
            self.session(worker)
            self.assertEqual(worker.wait(), 0)

    def test_reuse_ends_after_the_time_and_a_random_part_of_it(self):
        """Not all at once: as in the original, n to 2n - 1 seconds."""
        workers = [self.worker("-T", "2") for _ in range(20)]
        for worker in workers:
            self.session(worker)
        began = time.monotonic()
        ended = {}
        while len(ended) < len(workers):
            self.assertLess(time.monotonic() - began, 10, "they do not end")
            for worker in workers:
                if worker.process.poll() is not None:
                    ended.setdefault(worker, time.monotonic() - began)
            time.sleep(0.02)
        self.assertTrue(all(worker.process.returncode == 0 for worker in workers))
        self.assertGreater(min(ended.values()), 1.5)
        self.assertGreater(max(ended.values()) - min(ended.values()), 0.5, sorted(ended.values()))

    def test_reuse_for_ever(self):
        worker = self.worker("-T", "0")
        self.session(worker)
        with self.assertRaises(subprocess.TimeoutExpired):
            worker.wait(1.5)
        self.session(worker)


class OuterLayer(unittest.TestCase):
    """-p: nothing, integrity only, and privacy: the same as at Cyrus's pop3d."""

    @classmethod
    def setUpClass(cls):
        services = {f"{who}{ssf}": f"-p {ssf}" for who in ("ours", "theirs") for ssf in (0, 1, 2)}
        cls.site = SwapSite(services={**services, "strict": "-p 256"}, tls=True, attributes="prefork=0 maxchild=5",
                            options={"allowplaintext": "no", "sasl_mech_list": "PLAIN SCRAM-SHA-256",
                                     "strict_tls_required": "yes"})
        cls.site.programs = {name: CYRUS_POP3D for name in services if name.startswith("theirs")}
        cls.addClassCleanup(cls.site.remove)
        cls.site.start()

    def talk(self, service):
        with Connection(self.site.ports[service]) as client:
            client.line()
            client.ask("CAPA")
            capabilities = [line for line in client.body().decode().split("\r\n") if not line.startswith("IMPL")]
            replies = [re.sub(r"<.*>", "<ID>", reply) for reply in
                       (client.ask("AUTH PLAIN AGJvYgBwaWxsYXJib3g="), client.ask("USER alice"), client.ask("PASS pillarbox"))]
            return capabilities, replies

    def test_each_strength_has_the_effect_that_it_has_at_cyrus(self):
        for ssf in (0, 1, 2):
            with self.subTest(ssf=ssf):
                capabilities, replies = self.talk(f"ours{ssf}")
                self.assertEqual((capabilities, replies), self.talk(f"theirs{ssf}"))
                self.assertEqual("USER" in capabilities, ssf > 1)
                self.assertIn("STLS", capabilities)
                self.assertEqual(replies[0].startswith("+OK"), ssf > 1)
        self.assertIn(" bob PLAIN User logged in", self.site.syslog())  # no +TLS

    def test_it_does_not_lift_tls_required(self):
        capabilities, replies = self.talk("strict")
        self.assertFalse(any(line == "USER" or line.startswith("SASL") for line in capabilities))
        self.assertTrue(all(reply.startswith("-ERR") for reply in replies), replies)


class Syslog(unittest.TestCase):
    """syslog_facility and debug: what reaches the daemon, and where."""

    def test_facility_and_debug_lines(self):
        local2, mail = 18, 2
        site = SwapSite(services={"plain": "", "told": "", "nonsense": ""}, attributes="prefork=0 maxchild=1",
                        options={"sasl_log_level": "7", "told_syslog_facility": "local2", "told_debug": "yes",
                                 "nonsense_syslog_facility": "nonesuch", "sasl_mech_list": "PLAIN DIGEST-MD5"})
        self.addCleanup(site.remove)
        site.environment["SYSLOG_FACILITY_SHOWN"] = "1"
        site.start()
        seen = {}
        for service in site.services:
            with Connection(site.ports[service]) as client:
                client.line()
                self.assertTrue(client.ask("AUTH DIGEST-MD5").startswith("+ "))
                client.ask("*")
                client.ask("QUIT")
            until(lambda: re.search(rf"(?m)^{service} \S+ session: ", site.syslog()), f"{service}: no line at the end")
            seen[service] = {tuple(int(part) for part in found)
                             for found in re.findall(rf"(?m)^{service} (\d+)\.(\d) ", site.syslog())}
        facilities = {service: {facility for facility, _ in found} for service, found in seen.items()}
        self.assertEqual(facilities["told"], {local2})
        self.assertEqual(facilities["plain"], {mail})
        self.assertEqual(facilities["nonsense"], {mail})
        self.assertIn(7, {level for _, level in seen["told"]})
        self.assertNotIn(7, {level for _, level in seen["plain"]})


class DebugCommand(unittest.TestCase):
    def test_it_runs_before_the_service_with_its_substitutions_and_may_trace(self):
        site = Site(tls=False, options={"allowplaintext": "yes"})
        self.addCleanup(site.remove)
        out = site.root / "debugged"
        # Reading the environment of a process takes the right to trace it. Neither pipe nor socket of ours is handed on.
        site.settings["debug_command"] = (f'(echo "%s %d %s"; id -u; tr "\\0" "\\n" </proc/%2$d/environ | grep CYRUS_ID; '
                                          f"ls -l /proc/$$/fd | grep -c -e pipe: -e socket:; readlink /proc/self/fd/0) >{out} 2>&1")
        site.write_imapd_conf()
        site.give_away()
        worker = Worker(site, "-D")
        self.addCleanup(worker.end)
        with worker.connect() as client:
            self.assertTrue(client.line().startswith("+OK"))
        self.assertEqual(out.read_text().split("\n")[:-1],
                         [f"{POP3D} {worker.process.pid} pop3", str(service_user().pw_uid), "CYRUS_ID=0", "0", "/dev/null"])

    def test_without_the_switch_or_with_a_bad_command_nothing_runs(self):
        for arguments, command in (([], "echo >{}"), (["-D"], "echo %n >{}")):
            site = Site(tls=False, options={})
            self.addCleanup(site.remove)
            out = site.root / "debugged"
            site.settings["debug_command"] = command.format(out)
            site.write_imapd_conf()
            site.give_away()
            worker = Worker(site, *arguments)
            self.addCleanup(worker.end)
            with worker.connect() as client:
                self.assertTrue(client.line().startswith("+OK"))
            self.assertFalse(out.exists())


if __name__ == "__main__":
    unittest.main()
