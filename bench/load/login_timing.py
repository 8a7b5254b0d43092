#!/usr/bin/env python3
"""Whether the time that a wrong password takes tells who has an account.

    bench/load/login_timing.py [--trials N] [--mechanisms PASS,PLAIN,...]

Each trial is a wrong password for a user who exists and one for nobody, in changing order, on one connection, without the
pauses that follow a failed login. Printed for each way to log in: the medians of both, the median of the differences of pairs,
and z of the signs of these differences: within -3 and 3 an observer learns nothing from so many trials. Exits with 1 when
one is outside, and the difference is more than a hundredth of the whole. Passwords are in sasldb; PILLARBOX_BUILD says which build (release).
"""

import argparse
import base64
import os
import random
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "system"))
os.environ.setdefault("PILLARBOX_BUILD", str(ROOT / "build" / "release"))

from bound_tls import Scram  # noqa: E402  (it wants the variable)
from mailsite import Connection, Site  # noqa: E402

KNOWN, UNKNOWN = "alice", "nobod"  # of the same length
MECHANISMS = ("PASS", "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "APOP")
SUSPICIOUS = 3.0  # standard deviations
NEGLIGIBLE = 0.01  # of what a refusal takes: no network is so even


def encode(text):
    return base64.b64encode(text.encode()).decode()


def seconds(client, way, user):
    """What the refusal takes, from the first line that names the user to the last reply."""
    if way == "PASS":
        begun = time.perf_counter()
        assert client.ask(f"USER {user}").startswith("+OK")
        reply = client.ask("PASS wrong")
    elif way == "APOP":
        begun = time.perf_counter()
        reply = client.ask(f"APOP {user} {'0' * 32}")
    elif way == "PLAIN":
        line = encode(f"\0{user}\0wrong")
        begun = time.perf_counter()
        reply = client.ask(f"AUTH PLAIN {line}")
    elif way == "LOGIN":
        assert client.ask("AUTH LOGIN").startswith("+ ")
        begun = time.perf_counter()
        assert client.ask(encode(user)).startswith("+ ")
        reply = client.ask(encode("wrong"))
    elif way == "CRAM-MD5":
        assert client.ask("AUTH CRAM-MD5").startswith("+ ")
        line = encode(f"{user} {'0' * 32}")
        begun = time.perf_counter()
        reply = client.ask(line)
    else:
        scram = Scram(user, "wrong", way.replace("SCRAM-SHA-", "sha"))
        first = encode(scram.first())
        begun = time.perf_counter()
        challenge = client.ask(f"AUTH {way} {first}")
        first_part = time.perf_counter() - begun
        proof = encode(scram.final(base64.b64decode(challenge[2:]).decode()))
        begun = time.perf_counter() - first_part
        reply = client.ask(proof)
    taken = time.perf_counter() - begun
    assert reply.startswith("-ERR [AUTH]"), reply
    return taken


def compare(client, way, trials):
    """Prints one line; returns whether an observer could tell."""
    known, unknown = [], []
    for _ in range(trials):
        users = [(KNOWN, known), (UNKNOWN, unknown)]
        random.shuffle(users)
        for user, times in users:
            times.append(seconds(client, way, user))
    differences = [a - b for a, b in zip(known, unknown)]
    slower = sum(difference > 0 for difference in differences)
    z = (slower - trials / 2) / (trials / 4) ** 0.5
    print(f"{way:14} known {statistics.median(known) * 1e6:7.1f} us, unknown {statistics.median(unknown) * 1e6:7.1f} us, "
          f"difference {statistics.median(differences) * 1e6:+6.2f} us, z {z:+5.1f}", flush=True)
    return abs(z) > SUSPICIOUS and abs(statistics.median(differences)) > NEGLIGIBLE * statistics.median(known)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--mechanisms", default=",".join(MECHANISMS))
    arguments = parser.parse_args()
    options = {"failedloginpause": "0", "failed_login_penalty": "0", "failed_logins_per_connection": "0",
               "pop3_bad_commands": "0", "allowapop": "yes", "allowplaintext": "yes", "pop3_login_deadline": "24h"}
    suspicious = 0
    with Site(mechanisms="PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256", options=options,
              attributes="prefork=1 maxchild=1") as site, Connection(site.ports["pop3"]) as client:
        assert client.line().startswith("+OK")
        for way in arguments.mechanisms.split(","):
            suspicious += compare(client, way, arguments.trials)
    return 1 if suspicious else 0


if __name__ == "__main__":
    sys.exit(main())
