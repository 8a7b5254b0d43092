"""Reads cyrus.index of version 17, the one that Cyrus 3.6 writes: independent of our C++ code.

Layout and words: doc/format/index.md.
"""

import fcntl
import zlib
from pathlib import Path

EXPUNGED = 1 << 31
UNLINKED = 1 << 30
NEEDS_CLEANUP = 1 << 28
SEEN = 1 << 4
DELETED = 1 << 2


def u32(data, at):
    return int.from_bytes(data[at:at + 4], "big")


def u64(data, at):
    return int.from_bytes(data[at:at + 8], "big")


class CyrusIndex:
    """`header` and `records` are dictionaries; records are keyed by uid. Raises AssertionError on a bad CRC."""

    def __init__(self, directory):
        with open(Path(directory) / "cyrus.index", "rb") as file:
            fcntl.lockf(file, fcntl.LOCK_SH)  # the file is rewritten in place, under this lock
            data = file.read()
        assert u32(data, 8) == 17, f"{directory}: index version {u32(data, 8)}"
        self.header = {name: u32(data, at) for name, at in (
            ("generation", 0), ("format", 4), ("start_offset", 12), ("record_size", 16), ("num_records", 20),
            ("last_appenddate", 24), ("last_uid", 28), ("pop3_last_login", 40), ("uidvalidity", 44), ("deleted", 48),
            ("answered", 52), ("flagged", 56), ("options", 60), ("exists", 84), ("first_expunged", 88),
            ("last_repack_time", 92), ("header_file_crc", 96), ("sync_basic", 100), ("recentuid", 104),
            ("recenttime", 108), ("pop3_show_after", 112), ("annot_used", 116), ("sync_annot", 120), ("unseen", 124),
            ("changes_epoch", 136))}
        self.header.update({name: u64(data, at) for name, at in (
            ("quota_used", 32), ("highestmodseq", 68), ("deletedmodseq", 76), ("createdmodseq", 128))})
        start, size = self.header["start_offset"], self.header["record_size"]
        assert zlib.crc32(data[:start - 4]) == u32(data, start - 4), f"{directory}: header CRC"
        assert len(data) >= start + size * self.header["num_records"], f"{directory}: shorter than its records"
        self.records = {}
        self.raw = {}  # uid -> the octets of its record
        for number in range(self.header["num_records"]):
            record = data[start + size * number:start + size * (number + 1)]
            assert zlib.crc32(record[:-4]) == u32(record, size - 4), f"{directory}: CRC of record {number + 1}"
            self.raw[u32(record, 0)] = record
            self.records[u32(record, 0)] = {
                "internaldate": u32(record, 4), "sentdate": u32(record, 8), "size": u32(record, 12),
                "header_size": u32(record, 16), "last_updated": u32(record, 28), "flags": u32(record, 32),
                "user_flags": record[36:52], "savedate": u32(record, 52), "guid": record[60:80].hex(),
                "modseq": u64(record, 80), "cid": u64(record, 88), "createdmodseq": u64(record, 96)}

    def visible(self):
        return [uid for uid, record in self.records.items() if not record["flags"] & EXPUNGED]

    def counters(self):
        """What the header should count, told by the records."""
        alive = [self.records[uid] for uid in self.visible()]
        return {"exists": len(alive), "quota_used": sum(record["size"] for record in alive),
                "deleted": sum(bool(record["flags"] & DELETED) for record in alive),
                "answered": sum(record["flags"] & 1 for record in alive),
                "flagged": sum(record["flags"] >> 1 & 1 for record in alive),
                "unseen": sum(not record["flags"] & SEEN for record in alive)}

    def timeless(self):
        """Everything that does not depend on the second in which it was written."""
        header = {name: value for name, value in self.header.items()
                  if name not in ("pop3_last_login", "first_expunged", "sync_basic")}
        records = {uid: {name: value for name, value in record.items() if name != "last_updated"}
                   for uid, record in self.records.items()}
        return header, records
