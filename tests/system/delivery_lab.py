"""Our delivery as a program that tests drive: tests/support/deliver_tool."""

import os
import subprocess

from cyruslab import CyrusSite
from mailsite import BUILD, service_user

DELIVER_TOOL = BUILD / "tests" / "support" / "deliver_tool"
SYSLOG_SHIM = BUILD / "tests" / "faults" / "libsyslog_shim.so"


class LoggedCyrusSite(CyrusSite):
    """A CyrusSite whose daemons' syslog lines can be read."""

    def cyrus_environment(self):
        file = self.root / "syslog"
        file.touch()
        file.chmod(0o666)
        return {**super().cyrus_environment(), "LD_PRELOAD": str(SYSLOG_SHIM), "SYSLOG_FILE": str(file),
                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def syslog(self):
        return (self.root / "syslog").read_text(errors="replace")


class Deliverer:
    """A process that delivers into a site's mailboxes. `trace` is put on top of each message."""

    def __init__(self, site, trace=""):
        self.directory = site.root / "outgoing"
        self.directory.mkdir(exist_ok=True)
        self.count = 0
        site.give_away()
        who = {} if os.getuid() != 0 else {"user": service_user().pw_uid, "group": service_user().pw_gid,
                                           "extra_groups": []}
        self.log = open(site.root / "deliver_tool.log", "ab")
        self.process = subprocess.Popen([DELIVER_TOOL, site.imapd_conf], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True, umask=0o077, **who)
        if trace:
            self.process.stdin.write("trace\t" + trace.replace("\r\n", "\\r\\n") + "\n")

    def answer(self, user, message, *more):
        """What the tool says to one delivery: a UID, `duplicate`, or an error."""
        self.count += 1
        file = self.directory / f"{os.getpid()}-{id(self)}-{self.count}"
        file.write_bytes(message)
        file.chmod(0o644)
        self.process.stdin.write("\t".join(["deliver", user, str(file), *more]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline().rstrip("\n")
        file.unlink()
        return line

    def deliver(self, user, message, *more):
        """The UID of the message, or None of a duplicate. Raises AssertionError for everything else."""
        answer = self.answer(user, message, *more)
        if answer == "duplicate":
            return None
        assert answer.isdigit(), answer
        return int(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
