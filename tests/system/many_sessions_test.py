"""One process, many sessions: nobody waits for anybody else."""

import contextlib
import fcntl
import os
import selectors
import time
import unittest

from mailsite import BUILD, Connection, PASSWORD, SANITIZED, Site

# With a sanitizer, beside other tests: still nobody may wait for what is held up.
CLIENTS = 150 if SANITIZED else 500
HELD_SECONDS = 5
LONGEST_REPLY = 1.5 if SANITIZED else 0.100
# A good login beside wrong passwords whose answers are four seconds away.
LONGEST_LOGIN = 2.5 if SANITIZED else 1.0
# A reply that waits for the held call is late in every run; a machine that was busy elsewhere is not.
RUNS = 3

ONE_PROCESS = "prefork=1 maxchild=1"


class Fetcher:
    """One logged-in client that fetches its messages in turn and notes how long each reply took."""

    def __init__(self, port, user, start):
        self.connection = Connection(port)
        assert self.connection.line().startswith("+OK")
        answer = self.connection.login(user)
        assert answer.startswith("+OK"), answer
        self.connection.socket.setblocking(False)
        self.next_at = start
        self.asked_at = None
        self.received = b""
        self.longest = 0.0
        self.fetched = 0

    def ask(self, now):
        self.received = b""
        self.asked_at = now
        self.connection.socket.send(f"RETR {self.fetched % 3 + 1}\r\n".encode())

    def read(self):
        data = self.connection.socket.recv(262144)
        assert data, "the server closed a session"
        self.received += data
        if not self.received.endswith(b"\r\n.\r\n"):
            return
        assert self.received.startswith(b"+OK Message follows\r\n"), self.received[:80]
        now = time.monotonic()
        self.longest = max(self.longest, now - self.asked_at)
        self.asked_at = None
        self.fetched += 1
        self.next_at = now + 1.0


def fetch_for(fetchers, seconds):
    """Lets every client fetch about once a second; returns the longest reply."""
    selector = selectors.DefaultSelector()
    for fetcher in fetchers:
        fetcher.longest = 0.0
        selector.register(fetcher.connection.socket, selectors.EVENT_READ, fetcher)
    start = time.monotonic()
    for index, fetcher in enumerate(fetchers):
        fetcher.next_at = start + index / len(fetchers)
    waiting = sorted(fetchers, key=lambda one: one.next_at)
    while True:
        now = time.monotonic()
        if now > start + seconds and all(one.asked_at is None for one in fetchers):
            break
        for fetcher in waiting:
            if fetcher.asked_at is None and fetcher.next_at <= now < start + seconds:
                fetcher.ask(now)
        for key, _ in selector.select(0.005):
            key.data.read()
    selector.close()
    return max(one.longest for one in fetchers)


class ManySessionsTest(unittest.TestCase):
    USERS = [f"u{n}" for n in range(1, CLIENTS + 2)]  # u1 is the one that is held up

    def site(self):
        return Site(sample=None, users=self.USERS, store_users=len(self.USERS), messages=3, attributes=ONE_PROCESS,
                    services={"pop3": "-U 100000"}, options={"allowplaintext": "yes"}, tls=False)

    def check(self, site, hold):
        """Everybody but u1 is logged in and fetches; then `hold` keeps the store from answering u1."""
        fetchers = [Fetcher(site.ports["pop3"], user, 0) for user in self.USERS[1:]]
        longest = []
        for _ in range(RUNS):
            with Connection(site.ports["pop3"]) as victim:
                self.assertTrue(victim.line().startswith("+OK"))
                self.assertTrue(victim.ask("USER u1").startswith("+OK"))
                with hold():
                    began = time.monotonic()
                    victim.send(f"PASS {PASSWORD}\r\n")
                    longest.append(fetch_for(fetchers, HELD_SECONDS))
                answer = victim.line()
                self.assertTrue(answer.startswith("+OK"), answer)
                self.assertGreater(time.monotonic() - began, HELD_SECONDS - 0.5, "the call was not held up at all")
            print(f"{CLIENTS} sessions in one process, one store call held: longest reply {longest[-1] * 1000:.1f} ms")
            if longest[-1] < LONGEST_REPLY:
                break
        self.assertLess(min(longest), LONGEST_REPLY)
        for fetcher in fetchers:
            self.assertGreaterEqual(fetcher.fetched, HELD_SECONDS - 1)
            fetcher.connection.close()

    def test_a_held_lock_delays_nobody_else(self):
        with self.site() as site:
            with Connection(site.ports["pop3"]) as first:  # makes the lock files
                self.assertTrue(first.line().startswith("+OK"))
                self.assertTrue(first.login("u1").startswith("+OK"))
                self.assertEqual(first.ask("QUIT"), "+OK")
            locks = [path for path in site.lock_directory().rglob("*.lock") if path.name in ("*U*u1.lock", "u1.lock")]
            self.assertTrue(locks)
            self.check(site, lambda: HeldLocks(locks))

    def test_a_slow_disk_delays_nobody_else(self):
        slow = {"LD_PRELOAD": str(BUILD / "tests" / "system" / "libslow_store.so"), "SLOW_SECONDS": str(HELD_SECONDS),
                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        site = self.site()
        slow["SLOW_PATH"] = str(site.mailbox_directory("u1")) + "/cyrus.index"
        site.environment = slow
        with site:
            self.check(site, contextlib.nullcontext)

    def test_a_wrong_password_delays_nobody_else(self):
        with Site(options={"allowplaintext": "yes", "failedloginpause": "4"}, attributes=ONE_PROCESS) as site:
            connections = [Connection(site.ports["pop3"]) for _ in range(20)]
            for connection in connections:
                self.assertTrue(connection.line().startswith("+OK"))
                self.assertTrue(connection.ask("USER alice").startswith("+OK"))
                connection.send("PASS wrong\r\n")
            began = time.monotonic()
            with Connection(site.ports["pop3"]) as good:
                self.assertTrue(good.line().startswith("+OK"))
                self.assertTrue(good.login("bob").startswith("+OK"))
                self.assertTrue(good.ask("RETR 1").startswith("+OK"))
            self.assertLess(time.monotonic() - began, LONGEST_LOGIN)
            for connection in connections:
                self.assertEqual(connection.line(), "-ERR [AUTH] Invalid login")
                self.assertGreater(time.monotonic() - began, 3.0)
                connection.close()


class HeldLocks:
    """Holds lock files exclusively, as a Cyrus process would, and gives them back after HELD_SECONDS."""

    def __init__(self, paths):
        self.paths = paths

    def __enter__(self):
        self.files = [open(path, "r+b") for path in self.paths]
        for file in self.files:
            fcntl.lockf(file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        for file in self.files:
            file.close()


if __name__ == "__main__":
    unittest.main()
