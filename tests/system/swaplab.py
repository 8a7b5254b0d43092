"""The swap: our pop3d among Cyrus's services, under Cyrus's master or under ours, on one store.

One cyrus.conf starts everything. What the programs say to syslog is in SwapSite.syslog(), by way of a library that is
preloaded; every process they start stays in the session of master, so processes() finds what is left over.
"""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from cyruslab import PROGRAMS, CyrusSite
from mailsite import BUILD, MASTER, POP3D, Connection, free_port, service_user

CYRUS_MASTER = PROGRAMS / "master"
CYRUS_POP3D = PROGRAMS / "pop3d"
SYSLOG_SHIM = BUILD / "tests" / "faults" / "libsyslog_shim.so"
LOG_ERROR = 3
# What is preloaded comes before the sanitizer's own library, which it refuses unless told.
SANITIZERS = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


class SwapSite(CyrusSite):
    """`services` are of our pop3d (name -> arguments), `cyrus_services` programs of Cyrus; `master` runs them all.

    `attributes` may be a dictionary by service name. `program` is our pop3d, or a copy of it.
    """

    def __init__(self, master=CYRUS_MASTER, services=None, cyrus_services=(), program=POP3D, options=None, **arguments):
        arguments.setdefault("tls", False)
        super().__init__(cyrus_services=cyrus_services, services=services or {"pop3": ""},
                         options={"allowplaintext": "yes", "failedloginpause": "0", **(options or {})}, **arguments)
        assert SYSLOG_SHIM.exists(), f"{SYSLOG_SHIM} is not built"
        self.master = master
        self.program = program
        self.programs = {}  # service name -> another program than `program`
        self.syslog_file = self.root / "syslog"
        self.syslog_file.touch()
        self.environment = {**self.cyrus_environment(), **SANITIZERS, "LD_PRELOAD": str(SYSLOG_SHIM),
                            "SYSLOG_FILE": str(self.syslog_file)}

    def write_cyrus_conf(self, extra=""):
        lines = []
        for name, arguments in self.services.items():
            port = self.ports.setdefault(name, free_port())
            attributes = self.attributes if isinstance(self.attributes, str) else self.attributes[name]
            lines.append(f'  {name} cmd="{self.programs.get(name, self.program)} -C {self.imapd_conf} {arguments}" '
                         f'listen="127.0.0.1:{port}" {attributes}\n')
        for name in self.cyrus_services:
            port = self.cyrus_ports.setdefault(name, free_port())
            more = "-a" if name == "lmtpd" else ""
            lines.append(f'  {name}peer cmd="{PROGRAMS / name} -C {self.imapd_conf} {more}" '
                         f'listen="127.0.0.1:{port}" prefork=0 maxchild=50\n')
        self.cyrus_conf.write_text("SERVICES {\n" + "".join(lines) + extra + "}\n")

    def start(self, extra=""):
        self.write_cyrus_conf(extra)
        self.give_away()
        self.launch()
        return self

    def launch(self):
        """Starts master, and waits until each port is bound: not by connecting, that would be a client."""
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [self.master, "-D", "-C", self.imapd_conf, "-M", self.cyrus_conf, "-p", self.root / "master.pid"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=self.environment)
        self.sessions = [*getattr(self, "sessions", []), self.process.pid]
        for port in [*self.ports.values(), *self.cyrus_ports.values()]:
            until(lambda: is_bound(port), f"port {port} is not bound", self.log)

    def settle(self, number):
        """Waits until every service can take a signal: one that is not yet in its main() dies of it."""
        mask = 1 << (number - 1)
        until(lambda: all((signal_set(pid, "SigCgt") | signal_set(pid, "SigBlk")) & mask for pid in self.processes()),
              f"a service does not handle signal {number}")

    def hang_up(self):
        """SIGHUP to master, and by it to its services."""
        self.settle(signal.SIGHUP)
        self.process.send_signal(signal.SIGHUP)

    def kill_master(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def remove(self):
        try:
            super().remove()
        finally:
            for pid in self.processes():
                os.kill(pid, signal.SIGKILL)

    def processes(self, program=None):
        """What runs in the sessions of our masters, they themselves excepted; only `program` if it is given."""
        out = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                path = os.readlink(entry / "exe")
            except OSError:
                continue
            if int(fields[3]) not in getattr(self, "sessions", []) or fields[0] == "Z":
                continue
            if int(entry.name) in self.sessions and self.process is not None:
                continue
            if program is None or path.removesuffix(" (deleted)") == str(program):
                out.append(int(entry.name))
        return out

    def workers(self):
        return self.processes(self.program)

    def syslog(self):
        return self.syslog_file.read_text(errors="replace")

    def complaints(self):
        """What master, theirs or ours, has said at error level and above."""
        out = []
        for line in self.syslog().splitlines():
            ident, level, _text = line.split(" ", 2)
            if ident.endswith("master") and int(level) <= LOG_ERROR:
                out.append(line)
        return out

    def locks(self):
        """Locks on files of this site, by path, that of the pid file excepted."""
        files = {}
        for path in self.root.rglob("*"):
            try:
                status = path.stat()
            except OSError:
                continue
            files[f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"] = path
        held = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        paths = [files[field] for fields in held for field in fields if field in files]
        return [path for path in paths if path.name != "master.pid"]

    def pop3(self, name="pop3", **arguments):
        return Connection(self.ports[name], **arguments)


def until(condition, what, log=lambda: "", seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}\n{log()}")
        time.sleep(0.02)


def is_bound(port):
    """True when some process listens on 127.0.0.1:port. Connects to nothing."""
    listening = "0A"
    wanted = f"0100007F:{port:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(row[1] == wanted and row[3] == listening for row in rows)


def signal_set(pid, kind):
    """SigBlk, SigCgt ... of a process, as a number."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0  # it has just ended
    return int(re.search(rf"^{kind}:\s*([0-9a-f]+)", status, re.MULTILINE)[1], 16)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def session(port, user="alice", tls=None, implicit_tls=None, hold=None):
    """Greeting to QUIT. Returns the seconds to the greeting. `hold` is called with the session, once logged in."""
    began = time.monotonic()
    with Connection(port, tls=implicit_tls) as client:
        greeting = client.line()
        waited = time.monotonic() - began
        assert greeting is not None and greeting.startswith("+OK"), greeting
        if tls is not None:
            client.start_tls(tls)
        answer = client.login(user)
        assert answer.startswith("+OK"), answer
        assert client.ask("STAT").startswith("+OK ")
        if hold is not None:
            hold(client)
        assert client.ask("QUIT") == "+OK"
        assert client.line() is None
    return waited
