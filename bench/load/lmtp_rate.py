#!/usr/bin/env python3
"""How fast our lmtpd delivers, beside Debian's Cyrus on the same store in the same run.

    bench/load/lmtp_rate.py [--messages N] [--users N] [--connections N] [--slices N] [--octets N]

Both take turns: a slice of the messages through one, the same number through the other, who begins changes. Printed are
both rates, the ratios of the pairs of slices, which a busy machine moves less, and the processor time that each takes for
a message. Wants the release build
(PILLARBOX_BUILD) and Cyrus's packages (PILLARBOX_PEERS), as the system tests do.
"""

import argparse
import os
import statistics
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "system"))
os.environ.setdefault("PILLARBOX_BUILD", str(ROOT / "build" / "release"))

from lmtplab import LMTPD, Lmtp, LmtpSite  # noqa: E402  (it wants the two variables)
from cyruslab import ROOT as PEER_ROOT  # noqa: E402


def text(number, octets):
    head = (f"From: Sender <sender@example.com>\r\nTo: somebody@example.com\r\nSubject: message {number}\r\n"
            f"Message-ID: <{number}@bench>\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=us-ascii\r\n\r\n")
    return (head + ("x" * 76 + "\r\n") * (octets // 78)).encode()


def client(port, numbers, users, octets, failures):
    try:
        with Lmtp(port) as lmtp:
            lmtp.reply()
            lmtp.say("LHLO bench")
            for number in numbers:
                lmtp.send(f"MAIL FROM:<sender@example.com>\r\nRCPT TO:<u{number % users + 1}>\r\nDATA\r\n")
                for expected in ("250", "250", "354"):
                    answer = lmtp.reply()[-1]
                    assert answer.startswith(expected), answer
                lmtp.send(text(number, octets) + b".\r\n")
                answer = lmtp.reply()[-1]
                assert answer.startswith("250 2.1.5 "), answer
    except Exception as failure:  # told by the main thread
        failures.append(failure)


def processor_seconds(program):
    """Of the processes that run it, and of the children that they have waited for."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.path.samefile(process / "exe", program):
                ticks += sum(map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:15]))
        except OSError:
            pass  # it has ended, or belongs to somebody else
    return ticks / os.sysconf("SC_CLK_TCK")


def deliver(port, numbers, arguments):
    """Seconds for all of `numbers`."""
    failures = []
    threads = [threading.Thread(target=client, args=(port, numbers[n::arguments.connections], arguments.users,
                                                     arguments.octets, failures)) for n in range(arguments.connections)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=10000, help="through each server")
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--slices", type=int, default=20)
    parser.add_argument("--octets", type=int, default=2000)
    arguments = parser.parse_args()
    site = LmtpSite(peer=True, sample=None, store_users=arguments.users, messages=1, users=(), tls=False)
    try:
        site.start()
        ports = {"Pillarbox": site.ports["lmtp"], "Cyrus": site.cyrus_ports["lmtpd"]}
        number = 0
        seconds = {name: [] for name in ports}
        for port in ports.values():  # both have opened everything once
            deliver(port, range(number, number + 100), arguments)
            number += 100
        programs = {"Pillarbox": LMTPD, "Cyrus": PEER_ROOT / "usr/lib/cyrus/bin/lmtpd"}
        spent = {name: -processor_seconds(program) for name, program in programs.items()}
        size = arguments.messages // arguments.slices
        for slice_ in range(arguments.slices):
            for name in sorted(ports, reverse=slice_ % 2 == 0):
                seconds[name].append(deliver(ports[name], range(number, number + size), arguments))
                number += size
        for name, program in programs.items():
            spent[name] += processor_seconds(program)
        stored = sum(name[:-1].isdigit() for _, _, files in os.walk(site.settings["partition-default"]) for name in files)
        assert stored == number + arguments.users, f"{stored} messages are stored"
    finally:
        site.remove()
    for name, times in seconds.items():
        print(f"{name}: {size * arguments.slices / sum(times):.0f} messages a second, "
              f"{1000 * spent[name] / (size * arguments.slices):.2f} ms of processor time each")
    ratios = sorted(theirs / ours for ours, theirs in zip(seconds["Pillarbox"], seconds["Cyrus"]))
    print(f"Pillarbox to Cyrus, {len(ratios)} pairs of slices: median {statistics.median(ratios):.2f}, "
          f"from {ratios[0]:.2f} to {ratios[-1]:.2f}")


if __name__ == "__main__":
    main()
