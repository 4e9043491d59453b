#!/usr/bin/env python3
"""Reads a telemetry spool, written from docs/spool-format.md alone.

As a program: prints the events of a spool directory as JSON Lines, in the form in which they are
sent, or with --summary what each segment and the control file say.
"""
import argparse
import json
import math
import os
import re
import struct
import sys
import uuid
from dataclasses import dataclass, field

HEADER_BYTES = 4096
SEGMENT_NAME = re.compile(r"^[0-9a-f]{16}\.seg$")
REASONS = ["spool_full", "no_space", "expired", "corrupt", "rejected", "withdrawn", "unconfirmed"]
CONTEXT_FIELDS = {1: "tool_name", 2: "tool_version", 3: "os", 4: "os_version", 5: "arch",
                  6: "runtime", 7: "machine_id"}
KIND_EVENT, SCHEMA = 0, 1
FLAG_DURATION, FLAG_EXIT_CODE, FLAG_ADJUSTED = 1, 2, 4


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def crc32c(data):
    """CRC-32C: reflected, initial value and final XOR 0xFFFFFFFF."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def seeded_crc(seed, data):
    return crc32c(struct.pack("<I", seed) + bytes(data))


@dataclass
class State:
    tail: int
    count: int
    writers: int
    sealed: bool

    @classmethod
    def parse(cls, image):
        word, = struct.unpack_from("<Q", image, 0)
        return cls((word & 0xFFFFFF) * 8, word >> 24 & 0xFFFFFF, word >> 48 & 0x7FFF, bool(word >> 63))


@dataclass
class Progress:
    sequence: int = 0
    offset: int = HEADER_BYTES
    delivered: int = 0
    dropped: list = field(default_factory=lambda: [0] * 10)

    @classmethod
    def parse(cls, image, generation):
        """The valid slot with the higher sequence number, or nothing consumed."""
        best = cls()
        for start in (64, 128):
            slot = image[start:start + 64]
            crc, sequence, owner, offset, delivered = struct.unpack_from("<IIQII", slot)
            if sequence == 0 or owner != generation or crc32c(slot[4:]) != crc or offset < HEADER_BYTES:
                continue
            if sequence > best.sequence:
                best = cls(sequence, offset, delivered, list(struct.unpack_from("<10I", slot, 24)))
        return best


def parse_attributes(data, offset, count, end):
    """`count` attributes from `offset`; the offset behind them. None when they do not fit."""
    found = []
    for _ in range(count):
        if offset + 4 > end:
            return None
        kind, key_length, value_length = struct.unpack_from("<BBH", data, offset)
        key_end = offset + 4 + key_length
        value_end = key_end + value_length
        if value_end > end:
            return None
        value = bytes(data[key_end:value_end])
        if kind == 0:
            value = value.decode("utf-8", "replace")
        elif kind == 1 and value_length == 8:
            value, = struct.unpack("<q", value)
        elif kind == 2 and value_length == 8:
            value, = struct.unpack("<d", value)
        elif kind == 3 and value_length == 1:
            value = value != b"\0"
        else:
            return None
        found.append((bytes(data[offset + 4:key_end]).decode("utf-8", "replace"), value))
        offset = value_end
    return found, offset


def is_later(magic, known):
    """The same kind of file, of a later version of the format."""
    return bytes(magic[:7]) == known[:7] and magic[7] > known[7]


@dataclass
class Description:
    generation: int
    epoch: int
    began_ns: int
    file_size: int
    sync: int
    process: int
    context: dict
    metadata: list
    origin: str = ""  # who chose the destinations: "", "manifest" or "code"
    is_once: bool = False
    receivers: list = field(default_factory=list)  # (fingerprint, tag) of each destination
    destinations: str = ""  # for people

    @classmethod
    def parse(cls, image):
        for start in (1024, 2560):
            copy = cls._parse_copy(image[start:start + 1536])
            if copy:
                return copy
        return None

    @classmethod
    def _parse_copy(cls, copy):
        if len(copy) < 1536 or copy[:8] != b"TLMSEG\0\1":
            return None
        crc, length = struct.unpack_from("<II", copy, 8)
        if not 64 <= length <= 1536 or crc32c(copy[12:length]) != crc:
            return None
        generation, epoch, began, size, sync, process, fields, attributes = \
            struct.unpack_from("<QQQIIIHH", copy, 16)
        context, offset, destinations = {}, 64, ("", False, [], "")
        for _ in range(fields):
            if offset + 4 > length:
                return None
            identifier, _, size_of_field = struct.unpack_from("<BBH", copy, offset)
            if offset + 4 + size_of_field > length:
                return None
            if identifier in CONTEXT_FIELDS:
                text = bytes(copy[offset + 4:offset + 4 + size_of_field])
                context[CONTEXT_FIELDS[identifier]] = text.decode("utf-8", "replace")
            if identifier == 8 and size_of_field >= 4:
                destinations = cls._parse_destinations(bytes(copy[offset + 4:offset + 4 + size_of_field]))
            offset += 4 + size_of_field
        metadata = parse_attributes(copy, offset, attributes, length)
        if metadata is None:
            return None
        return cls(generation, epoch, began, size, sync, process, context, metadata[0], *destinations)

    @staticmethod
    def _parse_destinations(data):
        origin, count, flags = struct.unpack_from("<BBH", data)
        if origin > 2 or count > 6 or len(data) < 4 + 8 * count:
            return "", False, [], ""
        receivers = [struct.unpack_from("<II", data, 4 + 8 * index) for index in range(count)]
        return ["", "manifest", "code"][origin], bool(flags & 1), receivers, data[4 + 8 * count:].decode("utf-8", "replace")


@dataclass
class Unknown:
    """An intact record of a kind or schema that version 1 does not have."""
    offset: int
    length: int
    kind: int
    schema: int


@dataclass
class Record:
    offset: int
    length: int
    flags: int
    schema_version: int
    time_ns: int
    event_id: uuid.UUID
    duration_ms: int
    exit_code: int
    type: str
    name: str
    error_category: str
    error: str
    arguments: list
    attributes: list

    @classmethod
    def parse(cls, image, offset, sync):
        """The valid record at `offset`, or None."""
        if offset + 64 > len(image):
            return None
        word, crc, length = struct.unpack_from("<III", image, offset)
        if word != sync or not 64 <= length <= 65528 or offset + length > len(image):
            return None
        data = image[offset:offset + length]
        if seeded_crc(sync ^ offset, data[8:]) != crc:
            return None
        if (data[15], data[14]) != (KIND_EVENT, SCHEMA):
            return Unknown(offset, length, data[15], data[14])
        return cls._parse_parts(data, offset, length)

    @classmethod
    def _parse_parts(cls, data, offset, length):
        flags, schema, _, time_ns, identifier, duration, exit_code = struct.unpack_from("<HBBq16sqi", data, 12)
        *lengths, argument_count, attribute_count = struct.unpack_from("<6H", data, 52)
        position, texts = 64, []
        for size in lengths:
            texts.append(bytes(data[position:position + size]).decode("utf-8", "replace"))
            position += size
        if position > length:
            return None
        arguments = []
        for _ in range(argument_count):
            if position + 2 > length:
                return None
            size, = struct.unpack_from("<H", data, position)
            position += 2 + size
            if position > length:
                return None
            arguments.append(bytes(data[position - size:position]).decode("utf-8", "replace"))
        attributes = parse_attributes(data, position, attribute_count, length)
        if attributes is None:
            return None
        return cls(offset, length, flags, schema, time_ns, uuid.UUID(bytes=identifier), duration,
                   exit_code, *texts, arguments, attributes[0])

    def event(self, description):
        """The event as it is sent: requirement C2's fields; the event's own metadata wins (C8)."""
        context = description.context
        seconds, nanoseconds = divmod(self.time_ns, 1_000_000_000)
        event = {"schema_version": self.schema_version, "event_id": str(self.event_id),
                 "timestamp": utc(seconds) + ".%09dZ" % nanoseconds,
                 "type": self.type, "name": self.name, "machine_id": context.get("machine_id", ""),
                 "tool_name": context.get("tool_name", ""), "version": context.get("tool_version", ""),
                 "os": context.get("os", ""), "arch": context.get("arch", ""),
                 "os_version": context.get("os_version", ""), "runtime": context.get("runtime", "")}
        if self.flags & FLAG_DURATION:
            event["duration_ms"] = self.duration_ms
        if self.flags & FLAG_EXIT_CODE:
            event["exit_code"] = self.exit_code
        if self.error_category:
            event["error_category"] = self.error_category
        if self.arguments:
            event["args"] = self.arguments
        if self.error:
            event["error"] = self.error
        merged = dict(description.metadata)
        merged.update(self.attributes)
        if merged:
            event["metadata"] = {key: None if isinstance(value, float) and not math.isfinite(value) else value
                                 for key, value in merged.items()}
        return event


def utc(seconds):
    import datetime
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


class Segment:
    """One segment file's image: what is in it, and what is left to deliver."""

    def __init__(self, image, name=""):
        self.name = name
        self.number = int(name[:16], 16) if name else 0
        self.image = image
        self.description = Description.parse(image)
        self.records = []
        self.unknown = None  # the record that delivery stops at
        self.is_later = not self.description and len(image) >= HEADER_BYTES and \
            any(is_later(image[start:start + 8], b"TLMSEG\0\1") for start in (1024, 2560)) and \
            not any(image[start:start + 8] == b"TLMSEG\0\1" for start in (1024, 2560))
        self.epoch = self.description.epoch if self.description else None
        if self.is_later:
            start = 1024 if is_later(image[1024:1032], b"TLMSEG\0\1") else 2560
            self.epoch, = struct.unpack_from("<Q", image, start + 24)
        self.state = State.parse(image) if len(image) >= HEADER_BYTES else None
        self.progress = Progress()
        if self.description and self.state:
            self.progress = Progress.parse(image, self.description.generation)
            self.records = self._read()

    def _read(self):
        end = self.state.tail
        if not HEADER_BYTES <= end <= len(self.image):
            end = len(self.image)
        records, offset = [], self.progress.offset
        while offset + 64 <= end:
            record = Record.parse(self.image, offset, self.description.sync)
            if isinstance(record, Unknown):
                self.unknown = record
                break
            if record:
                records.append(record)
                offset += (record.length + 7) // 8 * 8
            else:
                offset += 8
        return records

    def events(self):
        return [record.event(self.description) for record in self.records]

    @property
    def missing(self):
        """Reserved records that are neither consumed nor found."""
        if not self.state or self.unknown or self.is_later:
            return 0
        consumed = self.progress.delivered + sum(self.progress.dropped)
        return max(0, self.state.count - consumed - len(self.records))


def newest_slot(image, starts, size):
    """The valid slot with the higher sequence number; None: none is valid."""
    best, best_sequence = None, 0
    for start in starts:
        slot = image[start:start + size]
        crc, sequence = struct.unpack_from("<II", slot)
        if sequence > best_sequence and crc32c(slot[4:]) == crc:
            best, best_sequence = slot, sequence
    return best


class Control:
    """The control file: epoch, counters, delivery state."""

    def __init__(self, image):
        self.epoch = self._epoch(image)
        counters = newest_slot(image, (256, 512), 256) or bytes(256)
        self.retired_generation, self.retired_file, self.recorded, self.delivered, *rest = \
            struct.unpack_from("<16Q", counters, 8)
        self.dropped, self.adjusted, self.refused = rest[:10], rest[10], rest[11]
        self.redacted, = struct.unpack_from("<Q", counters, 152)
        delivery = newest_slot(image, (1024, 1536), 512) or bytes(512)
        self.next_attempt_ns, self.last_attempt_ns, self.last_success_ns, self.failures = \
            struct.unpack_from("<QQQI", delivery, 8)
        length, = struct.unpack_from("<H", delivery, 68)
        self.last_error = bytes(delivery[70:70 + min(length, 200)]).decode("utf-8", "replace")
        chosen = newest_slot(image, (2048, 2560), 512) or bytes(512)
        length, = struct.unpack_from("<H", chosen, 20)
        self.chosen = bytes(chosen[22:22 + min(length, 400)]).decode("utf-8", "replace")
        length, = struct.unpack_from("<H", delivery, 280)
        self.taken_by = bytes(delivery[282:282 + min(length, 200)]).decode("utf-8", "replace")

    @staticmethod
    def _epoch(image):
        for start in (64, 128):
            value, complement = struct.unpack_from("<QQ", image, start)
            if value ^ complement == 0xFFFFFFFFFFFFFFFF:
                return value
        return None


class Spool:
    """A spool directory. Segments of another consent epoch are void."""

    def __init__(self, path):
        self.control = None
        self.is_later = False
        try:
            with open(os.path.join(path, "control"), "rb") as file:
                image = file.read()
            self.is_later = len(image) >= 144 and is_later(image[:8], b"TLMCTL\0\1")
            if len(image) == 4096 and image[:8] == b"TLMCTL\0\1":
                self.control = Control(image)
        except FileNotFoundError:
            pass
        self.segments = sorted(self._open(path), key=lambda s: s.description.began_ns if s.description else 0)

    @staticmethod
    def _open(path):
        for name in os.listdir(path):
            file = os.path.join(path, name)
            if SEGMENT_NAME.match(name) and os.path.isfile(file) and not os.path.islink(file):
                with open(file, "rb") as stream:
                    yield Segment(stream.read(), name)

    def is_void(self, segment):
        return bool(self.control and segment.epoch is not None and segment.epoch != self.control.epoch)

    def events(self):
        return [event for segment in self.segments if not self.is_void(segment) for event in segment.events()]

    def totals(self):
        """(recorded, delivered, dropped by reason): the counters plus the segments' own."""
        recorded = self.control.recorded if self.control else 0
        delivered = self.control.delivered if self.control else 0
        dropped = list(self.control.dropped) if self.control else [0] * 10
        for segment in self.segments:
            if segment.is_later:
                recorded += segment.state.count
            if not segment.description or not segment.state:
                continue
            if self.control and (segment.description.generation, segment.number) == \
                    (self.control.retired_generation, self.control.retired_file):
                continue
            recorded += segment.state.count
            delivered += segment.progress.delivered
            dropped = [a + b for a, b in zip(dropped, segment.progress.dropped)]
        return recorded, delivered, dropped


def summarise(spool):
    for segment in spool.segments:
        state, progress = segment.state, segment.progress
        if not segment.description or not state:
            print(segment.name, f"of a later version, reserved {state.count}" if segment.is_later else "unreadable")
            continue
        print(segment.name, "void" if spool.is_void(segment) else "", "tail", state.tail, "reserved", state.count,
              "writers", state.writers, "sealed" if state.sealed else "open", "found", len(segment.records),
              "delivered", progress.delivered, "dropped", sum(progress.dropped), "missing", segment.missing,
              f"left to a later version from {segment.unknown.offset}" if segment.unknown else "")
    recorded, delivered, dropped = spool.totals()
    print("recorded", recorded, "delivered", delivered,
          *(f"dropped_{reason} {count}" for reason, count in zip(REASONS, dropped)))


def main():
    parser = argparse.ArgumentParser(description="Reads a telemetry spool directory.")
    parser.add_argument("directory")
    parser.add_argument("--summary", action="store_true", help="counts instead of events")
    arguments = parser.parse_args()
    spool = Spool(arguments.directory)
    if arguments.summary:
        summarise(spool)
        return
    for event in spool.events():
        print(json.dumps(event, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())
