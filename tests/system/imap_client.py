"""A small IMAP client that keeps every untagged response, to watch what imapd says while we work beside it."""

import re
import socket

from mailsite import PASSWORD


class Imap:
    def __init__(self, port, user=None, timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.number = 0
        greeting = self.line()
        assert greeting.startswith(b"* OK"), greeting
        if user is not None:
            self.ok(f'LOGIN "{user}" {PASSWORD}')

    def line(self):
        """The next response without CRLF, its literals included."""
        out = b""
        while True:
            while b"\r\n" not in self.buffer:
                got = self.socket.recv(65536)
                if not got:
                    raise ConnectionError(f"imapd closed after {out + self.buffer!r}")
                self.buffer += got
            line, self.buffer = self.buffer.split(b"\r\n", 1)
            out += line
            literal = re.search(rb"\{(\d+)\}$", line)
            if not literal:
                return out
            need = int(literal[1])
            while len(self.buffer) < need:
                got = self.socket.recv(65536)
                if not got:
                    raise ConnectionError("imapd closed in a literal")
                self.buffer += got
            out += b"\r\n" + self.buffer[:need]
            self.buffer = self.buffer[need:]

    def send(self, command):
        """Sends one command without waiting for it. Returns its tag."""
        self.number += 1
        tag = f"a{self.number}"
        self.socket.sendall(f"{tag} {command}\r\n".encode())
        return tag

    def finish(self, tag):
        """(status line, untagged responses) of a command that was sent."""
        untagged = []
        while True:
            line = self.line().decode("latin-1")
            if line.startswith(tag + " "):
                return line[len(tag) + 1:], untagged
            untagged.append(line)

    def command(self, text):
        return self.finish(self.send(text))

    def ok(self, text):
        """Untagged responses of a command that must succeed."""
        status, untagged = self.command(text)
        assert status.startswith("OK"), f"{text}: {status} {untagged}"
        return untagged

    def uids(self):
        """UIDs of the selected mailbox, in order."""
        return [int(match[1]) for line in self.ok("UID FETCH 1:* (UID)")
                if (match := re.match(r"\* \d+ FETCH \(.*?UID (\d+)", line))]

    def close(self):
        try:
            self.command("LOGOUT")
        except (OSError, ConnectionError):
            pass
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def status_item(untagged, name):
    """The number of `[NAME n]` or `NAME n` in responses such as those to SELECT or STATUS."""
    for line in untagged:
        if match := re.search(rf"\b{name} (\d+)", line):
            return int(match[1])
    raise AssertionError(f"no {name} in {untagged}")


def deliver(port, recipient, messages):
    """Hands each of `messages` (bytes) to lmtpd; raises AssertionError unless every one was taken."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection, connection.makefile("rwb") as wire:
        def say(command, expected):
            if command is not None:
                wire.write(command + b"\r\n")
                wire.flush()
            while True:
                line = wire.readline()
                if line[3:4] != b"-":
                    break
            assert line.startswith(expected), f"{command!r}: {line!r}"
        say(None, b"220")
        say(b"LHLO test", b"250")
        for message in messages:
            say(b"MAIL FROM:<sender@example.com>", b"250")
            say(f"RCPT TO:<{recipient}>".encode(), b"250")
            say(b"DATA", b"354")
            lines = message.splitlines(keepends=True)
            text = b"".join(b"." + line if line.startswith(b".") else line for line in lines)
            say(text + b".", b"250")
        say(b"QUIT", b"221")
