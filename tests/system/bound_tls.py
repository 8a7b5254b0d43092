"""A TLS client that gives out its channel bindings, which Python's ssl module does not do for TLS 1.3: OpenSSL by way of
ctypes. And SCRAM from the client's side (RFC 5802), written for these tests."""

import base64
import ctypes
import ctypes.util
import hashlib
import hmac
import os
import socket

TLS1_2, TLS1_3 = 0x0303, 0x0304
SET_MINIMUM, SET_MAXIMUM = 123, 124  # SSL_CTRL_SET_MIN_PROTO_VERSION and its sibling

SSL = ctypes.CDLL(ctypes.util.find_library("ssl"))
for function in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
    getattr(SSL, function).restype = ctypes.c_void_p
SSL.SSL_CTX_new.argtypes = SSL.SSL_new.argtypes = [ctypes.c_void_p]
SSL.SSL_CTX_ctrl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
SSL.SSL_set_fd.argtypes = [ctypes.c_void_p, ctypes.c_int]
SSL.SSL_read.argtypes = SSL.SSL_write.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
SSL.SSL_get_finished.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
SSL.SSL_get_finished.restype = ctypes.c_size_t
SSL.SSL_export_keying_material.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p,
                                           ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
for function in ("SSL_connect", "SSL_free", "SSL_CTX_free"):
    getattr(SSL, function).argtypes = [ctypes.c_void_p]


class BoundTls:
    """A connected socket under TLS of one version. Certificates are not verified: this is about bindings."""

    def __init__(self, sock, version):
        self.sock = sock
        sock.settimeout(None)  # OpenSSL reads the descriptor itself
        self.context = SSL.SSL_CTX_new(SSL.TLS_client_method())
        for bound in (SET_MINIMUM, SET_MAXIMUM):
            SSL.SSL_CTX_ctrl(self.context, bound, version, None)
        self.ssl = SSL.SSL_new(self.context)
        SSL.SSL_set_fd(self.ssl, sock.fileno())
        assert SSL.SSL_connect(self.ssl) == 1, "handshake failed"

    def sendall(self, data):
        assert SSL.SSL_write(self.ssl, data, len(data)) == len(data)

    def recv(self, size):
        buffer = ctypes.create_string_buffer(size)
        got = SSL.SSL_read(self.ssl, buffer, size)
        return buffer.raw[:max(got, 0)]

    def settimeout(self, _):
        pass

    def binding(self, name):
        buffer = ctypes.create_string_buffer(64)
        if name == "tls-exporter":  # RFC 9266 s2
            label = b"EXPORTER-Channel-Binding"
            assert SSL.SSL_export_keying_material(self.ssl, buffer, 32, label, len(label), b"", 0, 1) == 1
            return buffer.raw[:32]
        size = SSL.SSL_get_finished(self.ssl, buffer, 64)  # tls-unique, RFC 5929 s3: ours came first
        return buffer.raw[:size]

    def close(self):
        if self.ssl:
            SSL.SSL_free(self.ssl)
            SSL.SSL_CTX_free(self.context)
            self.ssl = None
        self.sock.close()


class Scram:
    """One exchange. `header` is the GS2 header that is sent; `bound` what the final message says of the channel:
    the header again and the binding's octets, unless a test tells something else."""

    def __init__(self, user, password, digest="sha256", header="n,,", binding=b"", bound=None):
        self.password, self.digest, self.header = password, digest, header
        self.bound = header.encode() + binding if bound is None else bound
        self.bare = f"n={user},r={base64.b64encode(os.urandom(18)).decode()}"

    def first(self):
        return self.header + self.bare

    def final(self, challenge):
        fields = dict(field.split("=", 1) for field in challenge.split(","))
        assert fields["r"].startswith(self.bare.split("r=", 1)[1])
        salted = hashlib.pbkdf2_hmac(self.digest, self.password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        key = self.hmac(salted, b"Client Key")
        bare = f"c={base64.b64encode(self.bound).decode()},r={fields['r']}"
        signed = ",".join((self.bare, challenge, bare)).encode()
        proof = bytes(a ^ b for a, b in zip(key, self.hmac(hashlib.new(self.digest, key).digest(), signed)))
        self.expected = base64.b64encode(self.hmac(self.hmac(salted, b"Server Key"), signed)).decode()
        return f"{bare},p={base64.b64encode(proof).decode()}"

    def hmac(self, key, text):
        return hmac.new(key, text, self.digest).digest()

    def is_from_server(self, last):
        return last == f"v={self.expected}"


def authenticate(client, mechanism, scram, initial=True):
    """The whole dialogue; returns the last reply. `client` is a mailsite.Connection."""
    def encode(text):
        return base64.b64encode(text.encode()).decode()

    reply = client.ask(f"AUTH {mechanism} {encode(scram.first())}" if initial else f"AUTH {mechanism}")
    if not initial:
        assert reply == "+ ", reply
        reply = client.ask(encode(scram.first()))
    if not reply.startswith("+ "):
        return reply
    reply = client.ask(encode(scram.final(base64.b64decode(reply[2:]).decode())))
    if not reply.startswith("+ "):
        return reply
    assert scram.is_from_server(base64.b64decode(reply[2:]).decode()), "the server does not know the password"
    return client.ask("")
