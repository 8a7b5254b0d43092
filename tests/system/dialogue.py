"""Dialogues: transcripts of a session that run against a server, ours or another.

    # sample: cyrus361-uuid           a store of tests/data
    # option: popuseimapflags yes     imapd.conf of this dialogue
    # port: pop3s                     default pop3
    # changes the store               else it must be as it was, but for the time of the last login
    C: USER alice                     sent with CRLF; \\x00 and the like are octets
    C> QUIT                           sent as it stands, without a line end
    C* 12286 A                        sent so many times, with CRLF
    S: +OK Name is a valid mailbox    the next line, exactly
    S~ \\+OK .* ready .*               the next line, a regular expression for all of it
    S. closed                         the server closes the connection
    TLS                               handshake here
    HALF                              we send no more (FIN)
    AGAIN                             we close, and connect once more
"""

import codecs
import re
import socket
from pathlib import Path


class Dialogue:
    def __init__(self, path):
        self.path = Path(path)
        self.sample = "cyrus361-uuid"
        self.options = {}
        self.port = "pop3"
        self.changes_the_store = False
        self.steps = []
        for number, line in enumerate(self.path.read_text().splitlines(), 1):
            if line.startswith("# sample: "):
                self.sample = line[10:].strip()
            elif line.startswith("# option: "):
                name, value = line[10:].strip().split(" ", 1)
                self.options[name] = value
            elif line.startswith("# port: "):
                self.port = line[8:].strip()
            elif line == "# changes the store":
                self.changes_the_store = True
            elif line and not line.startswith("#"):
                if not re.match(r"(C:|C>|C\*|S:|S~|S\.)( |$)|TLS$|HALF$|AGAIN$", line):
                    raise ValueError(f"{self.path}:{number}: what is this: {line!r}")
                self.steps.append((number, line))
        if not any(line.startswith("S") for _, line in self.steps):
            raise ValueError(f"{self.path}: expects nothing")

    def run(self, connection, tls_context):
        """Plays the client and checks every line of the server. Raises AssertionError with file and line."""
        for number, line in self.steps:
            kind, text = line[:2], line[3:]
            place = f"{self.path.name}:{number}"
            if kind in ("C:", "C>"):
                connection.send(codecs.decode(text, "unicode_escape").encode("latin-1") + (b"\r\n" if kind == "C:" else b""))
            elif kind == "C*":
                times, word = text.split(" ", 1)
                connection.send(int(times) * word.encode() + b"\r\n")
            elif line == "TLS":
                connection.socket = tls_context.wrap_socket(connection.socket, server_hostname="localhost")
            elif line == "AGAIN":
                connection.reopen()
            elif line == "HALF":
                connection.socket.shutdown(socket.SHUT_WR)
            else:
                got = connection.line()
                if kind == "S.":
                    assert got is None, f"{place}: the server should have closed, it said {got!r}"
                elif kind == "S:":
                    assert got == text, f"{place}: expected {text!r}, got {got!r}"
                else:
                    assert got is not None and re.fullmatch(text, got), f"{place}: expected {text!r}, got {got!r}"
