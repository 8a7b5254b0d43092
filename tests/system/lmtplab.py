"""Our lmtpd on a throw-away site: over TCP with and without -a, over a Unix socket, under either master, beside Cyrus's
own lmtpd on the same store.
"""

import re
import socket

from mailsite import BUILD, MASTER, Connection
from swaplab import CYRUS_MASTER, SwapSite

LMTPD = BUILD / "src" / "lmtpd" / "lmtpd"
__all__ = ["CYRUS_MASTER", "LMTPD", "MASTER", "LmtpSite", "Lmtp", "message"]


class LmtpSite(SwapSite):
    """`lmtp` trusts its clients (-a), `lmtpauth` wants AUTH, `unix_socket` is a third service. With `peer`, Cyrus's lmtpd
    serves the store too."""

    def __init__(self, master=MASTER, peer=False, services=None, more=(), **arguments):
        services = services or {"lmtp": "-a", "lmtpauth": ""}
        arguments.setdefault("attributes", "prefork=1 maxchild=4")
        super().__init__(master=master, services={**services, **dict(more)}, program=LMTPD,
                         cyrus_services=("lmtpd",) if peer else (), **arguments)
        self.unix_socket = self.conf_dir / "socket" / "lmtp"
        for name, _ in more:
            self.programs[name] = BUILD / "src" / "pop3d" / "pop3d"

    def start(self, extra=""):
        return super().start(extra + f'  lmtpunix cmd="{LMTPD} -C {self.imapd_conf}" listen="{self.unix_socket}" '
                             'prefork=1 maxchild=4\n')

    def lmtp(self, name="lmtp"):
        return Lmtp(self.ports[name])

    def peer(self):
        return Lmtp(self.cyrus_ports["lmtpd"])

    def unix(self):
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(str(self.unix_socket))
        return Lmtp.over(connected)

    def files(self, user="alice"):
        """The messages in the INBOX of `user`, by number."""
        folder = self.mailbox_directory(user)
        return {int(path.name[:-1]): path.read_bytes() for path in folder.iterdir()
                if re.fullmatch(r"[0-9]+\.", path.name)}

    def stage_files(self):
        return [path for path in (self.root / "spool").rglob("stage./*") if path.is_file()]


class Lmtp(Connection):
    """A client that shows every reply: reply() is the list of its lines."""

    def reply(self):
        lines = []
        while True:
            line = self.line()
            if line is None:
                return lines
            lines.append(line)
            if line[3:4] != "-":
                return lines

    def say(self, command):
        """The last line of the reply to `command`."""
        self.send(command + b"\r\n" if isinstance(command, bytes) else command + "\r\n")
        return self.reply()[-1]

    def begin(self, *recipients, sender="a@b"):
        """Greeting, LHLO, MAIL and RCPT. Returns the replies to RCPT."""
        assert self.reply()[-1].startswith("220 ")
        assert self.say("LHLO client.example").startswith("250 ")
        return self.envelope(*recipients, sender=sender)

    def envelope(self, *recipients, sender="a@b"):
        assert self.say(f"MAIL FROM:<{sender}>") == "250 2.1.0 ok"
        return [self.say(f"RCPT TO:<{recipient}>") for recipient in recipients]

    def data(self, text, replies=1):
        """Sends a message, already dot-stuffed, and returns the replies to it."""
        answer = self.say("DATA")
        assert answer == "354 go ahead", answer
        self.send(text + b".\r\n")
        return [self.reply()[-1] for _ in range(replies)]


def message(number, body="body"):
    return (f"From: <a@b>\r\nSubject: number {number}\r\nMessage-ID: <{number}@test>\r\n"
            f"Date: Fri, 27 Nov 2026 10:00:00 +0000\r\n\r\n{body} {number}\r\n").encode()


