"""Debian's own Cyrus IMAP beside our programs, on the same throw-away store.

Unpacked by scripts/unpack-peers, never installed. Its master, imapd, lmtpd and pop3d run from there on free loopback
ports; its tools (reconstruct, quota, mbexamine ...) judge what we wrote.
"""

import functools
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from mailsite import HERE, Site, free_port, service_user

PEERS = Path(os.environ.get("PILLARBOX_PEERS", HERE.parent.parent / "build" / "peers"))
ROOT = PEERS / "root"
PROGRAMS = ROOT / "usr" / "lib" / "cyrus" / "bin"


@functools.cache
def unpack():
    """Fetches Cyrus if it is not there yet. Raises CalledProcessError when the package registry does not answer."""
    subprocess.run([HERE.parent.parent / "scripts" / "unpack-peers", PEERS], check=True)


class CyrusSite(Site):
    """A Site whose store Cyrus's own daemons have open too. `cyrus_services` are name -> command line behind -C."""

    def __init__(self, cyrus_services=("imapd", "lmtpd", "pop3d"), **arguments):
        unpack()
        super().__init__(**arguments)
        self.cyrus_services = cyrus_services
        self.cyrus = None
        self.cyrus_ports = {}
        # Its sieve and notify need directories of their own only when used.
        self.settings.setdefault("sievedir", str(self.root / "sieve"))
        self.settings.setdefault("admins", "cyrus")
        self.settings.setdefault("lmtp_downcase_rcpt", "yes")
        self.write_imapd_conf()
        (self.root / "sieve").mkdir(exist_ok=True)

    def cyrus_environment(self):
        return {**os.environ, "LD_LIBRARY_PATH": str(ROOT / "usr" / "lib" / "x86_64-linux-gnu"),
                "CYRUS_USER": service_user().pw_name}

    def tool(self, name, *arguments, check=True):
        """Runs one of Cyrus's tools on this store; returns standard output and standard error together."""
        done = subprocess.run([PROGRAMS / name, "-C", self.imapd_conf, *arguments], env=self.cyrus_environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        text = done.stdout.decode(errors="replace")
        assert not check or done.returncode == 0, f"{name} {arguments} exited with {done.returncode}:\n{text}"
        return text

    def start_cyrus(self):
        """Starts its master with the services asked for. They listen on self.cyrus_ports[name]."""
        lines = []
        for name in self.cyrus_services:
            port = self.cyrus_ports.setdefault(name, free_port())
            extra = "-a" if name == "lmtpd" else ""
            lines.append(f'  {name}peer cmd="{PROGRAMS / name} -C {self.imapd_conf} {extra}" '
                         f'listen="127.0.0.1:{port}" prefork=0 maxchild=50\n')
        conf = self.root / "cyrus-peer.conf"
        conf.write_text("SERVICES {\n" + "".join(lines) + "}\n")
        self.give_away()
        with open(self.root / "cyrus-peer.log", "ab") as log:
            self.cyrus = subprocess.Popen([PROGRAMS / "master", "-D", "-C", self.imapd_conf, "-M", conf, "-p",
                                           self.root / "cyrus-peer.pid"], env=self.cyrus_environment(),
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        for port in self.cyrus_ports.values():
            self.wait_for(port, process=self.cyrus)
        return self

    def stop_cyrus(self):
        if self.cyrus is None:
            return
        self.cyrus.send_signal(signal.SIGTERM)
        try:
            self.cyrus.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.cyrus.pid, signal.SIGKILL)
            self.cyrus.wait()
        try:
            os.killpg(self.cyrus.pid, signal.SIGKILL)  # services that its master left behind; the group is theirs alone
        except ProcessLookupError:
            pass
        self.cyrus = None

    def remove(self):
        try:
            self.stop_cyrus()
        finally:
            super().remove()
            # A service that is just ending may have written into a directory that was being removed.
            for _ in range(20):
                if not self.root.exists():
                    break
                time.sleep(0.1)
                shutil.rmtree(self.root, ignore_errors=True)
