"""The same words to two POP3 servers, and what each of them answers, octet for octet.

A Step is what a client sends at once; STLS stands alone in one, and a handshake follows when it is accepted. play()
returns an Exchange for each command; two lists of exchanges are equal, or differ in ways that a table explains.
"""

import re
import socket
import ssl
from dataclasses import dataclass

MAY_HAVE_BODY = re.compile(rb"(?i)(?:CAPA|AUTH *|LIST|UIDL|RETR [^\r\n]*|TOP [^\r\n]*)\r?\n")
QUIET = 0.25  # a server that says nothing for this long after a BURST has said everything


@dataclass
class Step:
    """`commands` are sent in one piece and answered one by one. `burst`: the number of replies differs, read all."""
    commands: list
    burst: bool = False
    end: str = ""  # "fin": half-close and read to the end of file; "drop": close without a word

    def data(self):
        return b"".join(self.commands)


@dataclass
class Exchange:
    command: bytes
    reply: bytes

    def __str__(self):
        def shown(text):
            return repr(text if len(text) < 2000 else text[:1500] + b" [...] " + text[-400:])[2:-1]
        return f"C: {shown(self.command)}\n   S: {shown(self.reply)}"


class Wire:
    """Reads replies by lines that end in LF: what a server does with a bare LF must not confuse the test."""

    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def line(self):
        """The next line with its end; what is left, perhaps nothing, at end of file."""
        while b"\n" not in self.buffer:
            try:
                got = self.socket.recv(65536)
            except ConnectionResetError:
                got = b""
            if not got:
                rest, self.buffer = self.buffer, b""
                return rest
            self.buffer += got
        end = self.buffer.index(b"\n") + 1
        line, self.buffer = self.buffer[:end], self.buffer[end:]
        return line

    def reply(self, command):
        first = self.line()
        if not first.startswith(b"+OK") or not MAY_HAVE_BODY.fullmatch(command):
            return first
        lines = [first]
        if re.match(rb"(?i)(LIST|UIDL) ", command):
            return first
        while lines[-1] not in (b".\r\n", b""):
            lines.append(self.line())
        return b"".join(lines)

    def everything(self, until_quiet):
        out, self.buffer = self.buffer, b""
        patience = self.socket.gettimeout()
        if until_quiet:
            self.socket.settimeout(QUIET)
        try:
            while got := self.socket.recv(65536):
                out += got
        except (TimeoutError, ConnectionResetError, ssl.SSLError):  # an alert about the missing end of TLS is no reply
            pass
        self.socket.settimeout(patience)
        return out

    def close(self):
        self.socket.close()


def play(port, session, tls_context):
    """One session, from the greeting to its end. Stops early when the server closes."""
    wire = Wire(port)
    out = [Exchange(b"", wire.line())]
    try:
        for step in session:
            try:
                wire.socket.sendall(step.data())
            except (BrokenPipeError, ConnectionResetError):
                out.append(Exchange(step.data(), b"[closed]"))
                return out
            if step.end == "drop":
                return out
            if step.end == "fin":
                socket.socket.shutdown(wire.socket, socket.SHUT_WR)  # below TLS: its own would forget the keys
                out.append(Exchange(step.data() + b"[FIN]", wire.everything(until_quiet=False)))
                return out
            if step.burst:
                out.append(Exchange(step.data(), wire.everything(until_quiet=True)))
                continue
            for command in step.commands:
                try:
                    out.append(Exchange(command, wire.reply(command)))
                except TimeoutError:
                    out.append(Exchange(command, b"[no answer]"))
                    return out
            if step.data().upper() == b"STLS\r\n" and out[-1].reply.startswith(b"+OK"):
                wire.socket = tls_context.wrap_socket(wire.socket, server_hostname="localhost")
        out.append(Exchange(b"[end]", wire.everything(until_quiet=False)))
        return out
    finally:
        wire.close()
