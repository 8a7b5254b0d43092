"""A throw-away mail site for the system tests: a store, a configuration, and our master with our pop3d on free ports.

Everything lives in one temporary directory and listens on 127.0.0.1; stop() ends every process that start() began.
Started as root, the services run as the user nobody, and the tests see privileges dropped as on a real machine.
"""

import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data"
BUILD = Path(os.environ.get("PILLARBOX_BUILD", HERE.parent.parent / "build" / "dev"))
# What a sanitizer keeps of freed memory, and how it slows a program down, is nothing to hold against it.
CACHE = BUILD / "CMakeCache.txt"
SANITIZED = CACHE.exists() and re.search(r"^PILLARBOX_SANITIZE:\w+=\S", CACHE.read_text(), re.MULTILINE) is not None
MASTER = BUILD / "src" / "master" / "master"
POP3D = BUILD / "src" / "pop3d" / "pop3d"
MAKE_STORE = BUILD / "tests" / "support" / "make_store"

REALM = "test.example"
PASSWORD = "pillarbox"

# What the samples were made with (their own imapd.conf), as far as it shapes names and paths.
SAMPLES = {
    "cyrus361-one": {"unixhierarchysep": "no", "hashimapspool": "yes"},
    "cyrus361-uuid": {"unixhierarchysep": "no", "hashimapspool": "yes"},
    "cyrus361-legacy-conv": {
        "hashimapspool": "yes", "mailbox_legacy_dirs": "yes", "conversations": "yes", "statuscache": "yes",
        "expunge_mode": "immediate", "popuseimapflags": "yes", "virtdomains": "userid",
    },
    "cyrus3121-uuid": {"unixhierarchysep": "no"},
    "cyrus-v20-uuid": {"unixhierarchysep": "no"},
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def service_user():
    """The account that services run as: nobody when we are root, else ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


class Site:
    """One site. `sample` is a name of SAMPLES, or None for a store that `make_store` builds."""

    def __init__(self, sample="cyrus361-uuid", users=("alice", "bob"), options=None, services=None, tls=True,
                 store_users=0, messages=3, mechanisms="PLAIN LOGIN", attributes="prefork=1 maxchild=4"):
        self.root = Path(tempfile.mkdtemp(prefix="pillarbox-site-"))
        self.conf_dir = self.root / "conf"
        self.imapd_conf = self.root / "imapd.conf"
        self.cyrus_conf = self.root / "cyrus.conf"
        self.log_file = self.root / "master.log"
        self.attributes = attributes
        self.environment = {}
        self.process = None
        self.ports = {}
        settings = {
            "configdirectory": str(self.conf_dir), "defaultpartition": "default",
            "partition-default": str(self.root / "spool"), "servername": REALM, "allowplaintext": "no",
            "sasl_pwcheck_method": "auxprop", "sasl_auxprop_plugin": "sasldb",
            "sasl_sasldb_path": str(self.root / "sasldb2"), "sasl_mech_list": mechanisms,
            "mboxname_lockpath": str(self.root / "lock"), "proc_path": str(self.root / "proc"),
            # Tests give wrong passwords by the dozen, all from one address.
            "failed_login_penalty": "0",
        }
        if os.geteuid() == 0:
            settings["cyrus_user"] = service_user().pw_name
        if sample is not None:
            with tarfile.open(DATA / f"{sample}.tar.gz") as archive:
                archive.extractall(self.root)
            for part in ("conf", "spool"):
                (self.root / sample / part).rename(self.root / part)
            settings.update(SAMPLES[sample])
        else:
            subprocess.run([MAKE_STORE, self.root / "made", "--users", str(store_users), "--messages", str(messages),
                            "--seed", "1"], check=True)
            made = dict(line.split(": ", 1) for line in (self.root / "made" / "imapd.conf").read_text().splitlines()
                        if ": " in line and not line.startswith("#"))
            settings.update(made)
            self.conf_dir = Path(settings["configdirectory"])
        if tls:
            self.certificate = self.root / "cert.pem"
            key = self.root / "key.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                            "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                            "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", self.certificate],
                           check=True, capture_output=True)
            settings["tls_server_cert"] = str(self.certificate)
            settings["tls_server_key"] = str(key)
        settings.update(options or {})
        self.settings = {name: value for name, value in settings.items() if value is not None}
        for part in ("socket", "proc", "log", "msg"):
            (self.conf_dir / part).mkdir(parents=True, exist_ok=True)
        self.services = services or {"pop3": "", "pop3s": "-s"} if tls else services or {"pop3": ""}
        for user in users:
            self.add_user(user)
        self.write_imapd_conf()

    # -- making it ------------------------------------------------------------------------------------------------

    def write_imapd_conf(self):
        self.imapd_conf.write_text("".join(f"{name}: {value}\n" for name, value in self.settings.items()))

    def write_cyrus_conf(self, extra=""):
        lines = []
        for name, arguments in self.services.items():
            self.ports.setdefault(name, free_port())
            lines.append(f'  {name} cmd="{POP3D} -C {self.imapd_conf} {arguments}" '
                         f'listen="127.0.0.1:{self.ports[name]}" {self.attributes}\n')
        self.cyrus_conf.write_text("SERVICES {\n" + "".join(lines) + extra + "}\n")

    def add_user(self, user, password=PASSWORD):
        name, _, realm = user.partition("@")
        subprocess.run(["saslpasswd2", "-c", "-p", "-f", self.root / "sasldb2", "-u", realm or REALM, name],
                       input=password.encode(), check=True)

    def give_away(self):
        if os.geteuid() != 0:
            return
        user = service_user()
        for folder, _, files in os.walk(self.root):
            for path in (folder, *(os.path.join(folder, name) for name in files)):
                with contextlib.suppress(FileNotFoundError):  # programs that run here make and remove files meanwhile
                    os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)

    # -- running it -----------------------------------------------------------------------------------------------

    def start(self, extra=""):
        self.write_cyrus_conf(extra)
        self.give_away()
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [MASTER, "-D", "-C", self.imapd_conf, "-M", self.cyrus_conf, "-p", self.root / "master.pid"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **self.environment})
        for port in self.ports.values():
            self.wait_for(port)
        return self

    def wait_for(self, port, seconds=20, process=None):
        process = process or self.process
        end = time.monotonic() + seconds
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5):
                    return
            except OSError:
                if time.monotonic() > end or process.poll() is not None:
                    raise AssertionError(f"port {port} does not answer:\n{self.log()}") from None
                time.sleep(0.05)

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def stop(self):
        """Ends master, and through it the services. Returns master's exit code."""
        code = None
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                code = self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
                raise AssertionError(f"master did not end:\n{self.log()}") from None
            finally:
                self.process = None
        return code

    def remove(self):
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.remove()

    def lock_directory(self):
        return Path(self.settings["mboxname_lockpath"])

    # -- talking to it --------------------------------------------------------------------------------------------

    def client_context(self):
        return ssl.create_default_context(cafile=str(self.certificate))

    def mailbox_directory(self, user):
        """Where the INBOX of `user` lies, told by the headers on disk, not by our own code."""
        name = f" user.{user.replace('.', '^')} ".encode()
        for header in self.root.rglob("cyrus.header"):
            if name in header.read_bytes():
                return header.parent
        raise AssertionError(f"no mailbox of {user}")

    def tree(self):
        """Every file of the store with its content: equal before and after means that nothing was changed. Left out:
        lock files, our own memory of sizes, master's sign that it is ready, which comes a moment after the first port
        answers, and the time of the last login, which each QUIT sets in an index."""
        return {str(path.relative_to(self.root)): without_last_login(path)
                for part in (self.root / "spool", self.conf_dir) for path in sorted(part.rglob("*"))
                if path.is_file() and path.name != "master.ready" and "/lock/" not in str(path) and
                "/pillarbox/" not in str(path)}


def without_last_login(path):
    data = bytearray(path.read_bytes())
    if path.name == "cyrus.index" and len(data) >= 128:
        version, start = struct.unpack(">II", data[8:16])
        data[40:48 if version >= 20 else 44] = b""
        data[start - 4 - (8 if version >= 20 else 4):start - (8 if version >= 20 else 4)] = b""  # the header's CRC
    return bytes(data)


class Connection:
    """A plain, patient POP3 client that shows every octet: no library in between."""

    def __init__(self, port, timeout=30, tls=None):
        self.arguments = (port, timeout, tls)
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""

    @classmethod
    def over(cls, connected):
        """A client on a socket that is connected already."""
        client = cls.__new__(cls)
        client.socket = connected
        client.socket.settimeout(30)
        client.buffer = b""
        return client

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def line(self):
        """The next line without CRLF; None at end of file."""
        while b"\r\n" not in self.buffer:
            got = self.socket.recv(65536)
            if not got:
                if self.buffer:
                    raise AssertionError(f"unfinished line {self.buffer!r}")
                return None
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("latin-1")

    def body(self):
        """A multi-line reply behind its status line, un-stuffed, as bytes."""
        out = []
        while (line := self.line()) != ".":
            if line is None:
                raise AssertionError("the reply has no final dot")
            out.append(line[1:] if line.startswith(".") else line)
        return "".join(line + "\r\n" for line in out).encode("latin-1")

    def ask(self, command):
        self.send(command + "\r\n")
        return self.line()

    def start_tls(self, context):
        assert self.ask("STLS").startswith("+OK")
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def login(self, user, password=PASSWORD):
        first = self.ask(f"USER {user}")
        return self.ask(f"PASS {password}") if first.startswith("+OK") else first

    def close(self):
        self.socket.close()

    def reopen(self):
        """Closes, and connects once more."""
        self.close()
        self.__init__(*self.arguments)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
