#!/usr/bin/env python3
"""Reads a tool's metrics, written from docs/metrics-format.md alone.

As a program: prints each series of the file as a line of JSON.
"""
import json
import math
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "spool"))

from spool_reader import crc32c

TYPES = ["counter", "up_down_counter", "gauge", "histogram", "exponential_histogram"]
RULES = ["last", "sum", "min", "max"]
SLOTS, FIRST_SLOT, FIRST_ENTRY = 4096, 4096, 20480


class NotMetrics(Exception):
    """The file does not count, and why."""


class Metrics:
    def __init__(self, data, epoch=None):
        self.data = data
        magic, self.state, checksum, self.epoch, self.created, slots = struct.unpack_from("<8sIIQqI", data)
        if magic[:7] != b"TLMMET\0":
            raise NotMetrics("magic")
        if magic[7] != 1:
            raise NotMetrics("version")
        if checksum != crc32c(data[16:64]) or slots != SLOTS:
            raise NotMetrics("checksum")
        if self.state != 1 or epoch is not None and self.epoch != epoch:
            raise NotMetrics("withdrawn")
        self.used, = struct.unpack_from("<Q", data, 64)
        self.limit, = struct.unpack_from("<Q", data, 128)
        self.declarations, = struct.unpack_from("<Q", data, 136)
        self.refused_value, self.overflowed, self.refused_metric, self.adjusted, self.dropped = struct.unpack_from("<5Q", data, 192)
        self.metrics, self.series = {}, []
        entries = sorted(self._entries())
        for at in entries:
            if self.data[at + 12] == 1:
                self.metrics[at] = self._metric(at)
        for at in entries:
            if self.data[at + 12] == 2:
                self.series.append(self._series(at))

    def _entries(self):
        for slot in range(SLOTS):
            at, = struct.unpack_from("<I", self.data, FIRST_SLOT + 4 * slot)
            while at:
                assert at % 64 == 0 and FIRST_ENTRY <= at < self.used, at
                hash_, = struct.unpack_from("<I", self.data, at + 8)
                assert hash_ % SLOTS == slot, (at, hash_, slot)
                yield at
                at, = struct.unpack_from("<I", self.data, at)

    def _key(self, at):
        offset, = struct.unpack_from("<H", self.data, at + 14)
        length, = struct.unpack_from("<I", self.data, at + 28)
        return self.data[at + offset:at + offset + length], offset

    def _metric(self, at):
        key, offset = self._key(at)
        hash_, = struct.unpack_from("<I", self.data, at + 8)
        assert hash_ == crc32c(key)
        kind, rule, bounds, name, unit, digest, buckets = struct.unpack_from("<BBHHHII", key)
        assert kind == self.data[at + 13] and offset == 64
        text = key[16 + 8 * bounds:]
        assert len(text) == name + unit
        count, limit, declared, overflow, description = struct.unpack_from("<IIQIH", self.data, at + 32)
        start = at + offset + len(key)
        return {"name": text[:name].decode(), "type": TYPES[kind], "unit": text[name:].decode(), "rule": RULES[rule],
                "bounds": list(struct.unpack_from(f"<{bounds}d", key, 16)), "description": self.data[start:start + description].decode(),
                "series_count": count, "series_limit": limit, "declared": declared, "overflow": overflow, "digest": digest,
                "buckets": buckets}

    def _series(self, at):
        owner, = struct.unpack_from("<I", self.data, at + 24)
        metric = self.metrics[owner]
        key, offset = self._key(at)
        attributes, expected = {}, (m := owner * 0x9E3779B1 & 0xFFFFFFFF) ^ m >> 15
        while key:
            kind, name, size = struct.unpack_from("<BBH", key)
            value = key[4 + name:4 + name + size]
            expected += crc32c(key[:4 + name + size])
            label = key[4:4 + name].decode()
            assert label not in attributes, label
            attributes[label] = [lambda: value.decode(), lambda: struct.unpack("<q", value)[0],
                                 lambda: struct.unpack("<d", value)[0], lambda: value[0] != 0][kind]()
            key = key[4 + name + size:]
        hash_, = struct.unpack_from("<I", self.data, at + 8)
        assert hash_ == expected & 0xFFFFFFFF, "the hash of a series"
        whole, number, low, high = struct.unpack_from("<qddd", self.data, at + 32)
        created, = struct.unpack_from("<q", self.data, at + 16)
        series = {"metric": metric["name"], "type": metric["type"], "attributes": attributes, "created": created, "declared": metric["declared"]}
        if metric["type"] in ("counter", "up_down_counter"):
            if metric["type"] == "counter" and whole < 0:
                whole = 2 ** 63 - 1
            return {**series, "value": whole + number if number else whole}
        if metric["type"] == "gauge":
            return {**series, "value": None if math.isnan(number) else number}
        if metric["type"] == "exponential_histogram":
            zeros, positive, negative = struct.unpack_from("<QII", self.data, at + 64)
            assert offset == 128
            signs = [self._blocks(positive), self._blocks(negative)]
            scale = min(each[0] for each in signs)
            positive, negative = ({}, {})
            for target, (own, counts) in zip((positive, negative), signs):
                for index, count in counts.items():
                    target[index >> own - scale] = target.get(index >> own - scale, 0) + count
            count = zeros + sum(positive.values()) + sum(negative.values())
            return {**series, "sum": number, "count": count, "scale": scale, "zeros": zeros, "positive": positive, "negative": negative,
                    "low": low, "high": high, "exemplars": self._exemplars(at, 20)}
        buckets = struct.unpack_from(f"<{len(metric['bounds']) + 1}Q", self.data, at + 64)
        assert offset == 64 + 8 * len(buckets)
        return {**series, "sum": number, "count": sum(buckets), "buckets": list(buckets), "low": low, "high": high,
                "exemplars": self._exemplars(at, len(buckets))}

    def _exemplars(self, series, slots):
        """{slot: (value, time, trace id, span id)} of those that are complete."""
        at, = struct.unpack_from("<I", self.data, series + 32)
        if at == 0:
            return {}
        size, = struct.unpack_from("<I", self.data, at + 4)
        assert self.data[at + 12] == 5 and at % 64 == 0 and size == 64 + 48 * slots
        result = {}
        for slot in range(slots):
            start = at + 64 + 48 * slot
            checksum, value, time = struct.unpack_from("<Qdq", self.data, start)
            if checksum == crc32c(self.data[start + 8:start + 48]):
                result[slot] = value, time, self.data[start + 24:start + 40].hex(), self.data[start + 40:start + 48].hex()
        return result

    def _blocks(self, at):
        """(scale, {index: count}) of a chain of blocks."""
        blocks = []
        while at:
            assert self.data[at + 12] == 3 and at % 64 == 0
            scale, = struct.unpack_from("<i", self.data, at + 16)
            packed, = struct.unpack_from("<Q", self.data, at + 24)
            low, high = struct.unpack("<ii", struct.pack("<Q", packed ^ 0x800000007FFFFFFF))
            counts = struct.unpack_from("<160Q", self.data, at + 64)
            assert low > high or high - low < 160
            blocks.append((scale, {index: counts[index % 160] for index in range(low, high + 1)}))
            assert len(blocks) < 2 or blocks[-2][0] <= scale, "the lowest scale first"
            at, = struct.unpack_from("<I", self.data, at)
        lowest = min((scale for scale, _ in blocks), default=20)
        result = {}
        for scale, counts in blocks:
            for index, count in counts.items():
                result[index >> scale - lowest] = result.get(index >> scale - lowest, 0) + count
        return lowest, {index: count for index, count in sorted(result.items()) if count}

    def value(self, metric, /, **attributes):
        """Of a series that is there; None if it is not."""
        found = [each for each in self.series if each["metric"] == metric and each["attributes"] == attributes]
        if not found:
            return None
        last = max(found, key=lambda each: each["declared"])
        return last if "count" in last else last["value"]

    def total(self, name):
        return sum(each.get("value", each.get("count")) or 0 for each in self.series if each["metric"] == name)


def read(spool):
    with open(os.path.join(spool, "control"), "rb") as file:
        epoch, = struct.unpack_from("<Q", file.read(), 64)
    with open(os.path.join(spool, "metrics"), "rb") as file:
        return Metrics(file.read(), epoch)


if __name__ == "__main__":
    for line in read(sys.argv[1]).series:
        print(json.dumps(line))
