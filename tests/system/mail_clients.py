"""Real POP3 clients that keep state between runs: getmail6, mpop and fetchmail, each in a home of its own.

Unpacked by scripts/unpack-peers where they are not installed.
"""

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from mailsite import HERE, PASSWORD, service_user

CLIENTS = Path(os.environ.get("PILLARBOX_CLIENTS", HERE.parent.parent / "build" / "clients"))
ROOT = CLIENTS / "root"


@functools.cache
def program(name):
    """The installed program, else the unpacked one."""
    if found := shutil.which(name):
        return found
    subprocess.run([HERE.parent.parent / "scripts" / "unpack-peers", CLIENTS, "getmail6", "mpop", "fetchmail"], check=True)
    return str(ROOT / "usr" / "bin" / name)


class MailClient:
    """One client of one user. It hands what it fetches to folder(): one file for each message, `new` since last asked."""

    name = ""
    nothing_new = ()  # exit codes that mean so
    limits = (60,)  # seconds for a run, and for each further try

    def __init__(self, home, user="alice", keep=True):
        self.home = home / self.name
        self.user = user
        self.keep = keep
        self.seen = set()
        for part in ("mail/new", "mail/cur", "mail/tmp"):
            (self.home / part).mkdir(parents=True, exist_ok=True)

    def configure(self, port):
        """Writes its configuration for 127.0.0.1:port. The state stays."""
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def fetch(self, port):
        """One run. Returns the texts of the messages that it fetched."""
        self.configure(port)
        with tempfile.TemporaryDirectory() as kept:
            before = Path(kept) / "home"
            shutil.copytree(self.home, before)
            for longest in self.limits:
                done = self.run(longest)
                if done is not None:
                    break
                # Ended by force, it has not said QUIT: once more from where it began.
                shutil.rmtree(self.home)
                shutil.copytree(before, self.home)
        assert done is not None, f"{self.name} did not end within {self.limits} s"
        assert done.returncode == 0 or done.returncode in self.nothing_new, \
            f"{self.name} exited with {done.returncode}:\n{done.stdout.decode(errors='replace')}"
        new = {path for path in (self.home / "mail").rglob("*") if path.is_file()} - self.seen
        self.seen |= new
        return sorted(path.read_bytes() for path in new)

    def run(self, longest):
        """The finished process; None when it took longer than so many seconds and was killed."""
        user = service_user()  # getmail refuses to deliver as root
        for path in (self.home, *self.home.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)
        unpacked = ROOT / "usr" / "lib"
        environment = {**os.environ, "HOME": str(self.home), "PYTHONPATH": str(unpacked / "python3" / "dist-packages"),
                       "LD_LIBRARY_PATH": str(unpacked / "x86_64-linux-gnu"), "FETCHMAILHOME": str(self.home)}
        try:
            return subprocess.run(self.command(), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, timeout=longest, user=user.pw_uid, group=user.pw_gid,
                                  extra_groups=[] if os.geteuid() == 0 else None)
        except subprocess.TimeoutExpired as late:
            print(f"{self.name} did not end within {longest} s:\n{(late.output or b'').decode(errors='replace')}")
            return None

    def write(self, name, text):
        path = self.home / name
        path.write_text(text)
        path.chmod(0o600)
        return path


class Getmail(MailClient):
    name = "getmail"
    # It waits for ever, with any server, when the process that it forked to store a message ends before it has begun to
    # listen for SIGCHLD: one run in a few hundred.
    limits = (15, 30, 60)

    def configure(self, port):
        # Its state file is named for server, port and user: the port belongs to the identity of the server, and the
        # swap keeps it. Here the two servers have ports of their own, so the state moves along.
        self.write("getmailrc", f"""[retriever]
type = SimplePOP3Retriever
server = 127.0.0.1
port = {port}
username = {self.user}
password = {PASSWORD}
[destination]
type = Maildir
path = {self.home}/mail/
[options]
read_all = false
delete = {str(not self.keep).lower()}
delivered_to = false
received = false
""")
        for state in self.home.glob("oldmail-*"):
            fields = state.name.split("-")
            fields[2] = str(port)
            state.rename(self.home / "-".join(fields))

    def command(self):
        return ["/usr/bin/python3", program("getmail"), "--getmaildir", self.home, "--rcfile", "getmailrc"]


class Mpop(MailClient):
    name = "mpop"

    def configure(self, port):
        self.write("mpoprc", f"""account test
host 127.0.0.1
port {port}
tls off
auth user
user {self.user}
password {PASSWORD}
keep {"on" if self.keep else "off"}
uidls_file {self.home}/uidls
delivery maildir {self.home}/mail
received_header off
""")

    def command(self):
        return [program("mpop"), "-C", self.home / "mpoprc", "test"]


class Fetchmail(MailClient):
    name = "fetchmail"
    nothing_new = (1,)

    def configure(self, port):
        deliver = self.write("deliver", "#!/bin/sh\nfile=$(mktemp \"$HOME/mail/new/XXXXXXXX\") && exec cat > \"$file\"\n")
        deliver.chmod(0o700)
        self.write("fetchmailrc", f"""set no bouncemail
poll 127.0.0.1 protocol POP3 port {port} uidl no dns
  user "{self.user}" password "{PASSWORD}" sslproto "" {"keep" if self.keep else "no keep"} no rewrite
  mda "{deliver}"
""")

    def command(self):
        return [program("fetchmail"), "--fetchmailrc", self.home / "fetchmailrc", "--nosyslog", "--idfile",
                self.home / "fetchids", "--pidfile", self.home / "fetchmail.pid", "--invisible"]


ALL = (Getmail, Mpop, Fetchmail)
