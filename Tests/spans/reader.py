#!/usr/bin/env python3
"""Reads the spans of a spool, written from docs/spool-format.md: "Spans", "Open spans" and "Spans that last".

    reader.py DIRECTORY       the directory `spans` of a tool; each span as a line of JSON

What spans share with events (segments, progress, descriptions, checksums) is read by Tests/spool/spool_reader.py.
"""
import json
import os
import re
import struct
import sys
import uuid
from dataclasses import dataclass, field

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "spool"))
from spool_reader import HEADER_BYTES, SEGMENT_NAME, Control, Description, Progress, State, parse_attributes, seeded_crc  # noqa: E402

OPEN_NAME = re.compile(r"^[0-9a-f]{16}\.(?:open|span)$")
KIND_SPAN, SCHEMA = 1, 1
FIXED_BYTES, SLOT_BYTES, SLOT_HEADER = 104, 1024, 16
ABANDONED, REMOTE_PARENT = 1, 2
EVENT, LINK, MESSAGE = 16, 17, 18
FREE, OPEN, ENDING = 0, 1, 2


class Malformed(Exception):
    """The bytes are no span."""


@dataclass
class Span:
    flags: int
    start_ns: int
    end_ns: int
    id: uuid.UUID
    trace: str
    span: str
    parent: str  # 16 zeroes: none
    kind: int
    status: int
    trace_flags: int
    dropped_attributes: int
    dropped_events: int
    dropped_links: int
    name: str
    state: str
    items: list = field(default_factory=list)  # ("attribute", key, value), ("event", …), ("link", …), ("message", text)
    where: str = ""

    @property
    def is_abandoned(self):
        return bool(self.flags & ABANDONED)

    @property
    def has_remote_parent(self):
        return bool(self.flags & REMOTE_PARENT)

    @property
    def attributes(self):
        """Of a key that is there twice the last one."""
        return {item[1]: item[2] for item in self.items if item[0] == "attribute"}

    @property
    def events(self):
        return [item[1] for item in self.items if item[0] == "event"]

    @property
    def links(self):
        return [item[1] for item in self.items if item[0] == "link"]

    @property
    def message(self):
        texts = [item[1] for item in self.items if item[0] == "message"]
        return texts[-1] if texts else ""

    def json(self):
        return {"name": self.name, "trace_id": self.trace, "span_id": self.span, "parent_id": self.parent, "start_ns": self.start_ns,
                "end_ns": self.end_ns, "kind": self.kind, "status": self.status, "message": self.message, "trace_flags": self.trace_flags,
                "trace_state": self.state, "abandoned": self.is_abandoned, "remote_parent": self.has_remote_parent,
                "attributes": self.attributes, "events": self.events, "links": self.links,
                "dropped": [self.dropped_attributes, self.dropped_events, self.dropped_links], "where": self.where}


def _text(data):
    """UTF-8; a record has nothing else."""
    return bytes(data).decode("utf-8")


def _attribute_list(data):
    """Attributes up to the end of `data`."""
    found, offset = [], 0
    while offset < len(data):
        parsed = parse_attributes(data, offset, 1, len(data))
        if parsed is None:
            raise Malformed(f"an attribute at {offset} of {bytes(data)!r}")
        found += parsed[0]
        offset = parsed[1]
    return found


def _item(data, offset):
    """The item at `offset`, and the offset behind it."""
    if data[offset] < EVENT:
        parsed = parse_attributes(data, offset, 1, len(data))
        if parsed is None:
            raise Malformed(f"an attribute at {offset}")
        (key, value), = parsed[0]
        return ("attribute", key, value), parsed[1]
    if offset + 12 > len(data):
        raise Malformed("an item without room for its header")
    kind, flags, text_length, attributes_length, dropped = struct.unpack_from("<BBHII", data, offset)
    fixed = {EVENT: 20, LINK: 36, MESSAGE: 12}.get(kind)
    if fixed is None:
        raise Malformed(f"an item of type {kind}")
    text_start = offset + fixed
    list_start = text_start + text_length
    end = list_start + attributes_length
    if end > len(data):
        raise Malformed("an item that does not fit")
    text = _text(data[text_start:list_start])
    attributes = dict(_attribute_list(data[list_start:end]))
    if kind == MESSAGE:
        return ("message", text), end
    if kind == EVENT:
        time, = struct.unpack_from("<q", data, offset + 12)
        return ("event", {"time_ns": time, "name": text, "attributes": attributes, "dropped": dropped}), end
    return ("link", {"trace_id": bytes(data[offset + 12:offset + 28]).hex(), "span_id": bytes(data[offset + 28:offset + 36]).hex(), "flags": flags,
                     "trace_state": text, "attributes": attributes, "dropped": dropped}), end


def parse_span(data, where=""):
    """A whole record of kind 1, whatever its first twelve bytes say."""
    if len(data) < FIXED_BYTES:
        raise Malformed(f"{len(data)} bytes")
    flags, schema, kind, start, identifier, end = struct.unpack_from("<HBBq16sq", data, 12)
    name_length, state_length, span_kind, status, trace_flags, _, attributes, events, links = struct.unpack_from("<HHBBBBIII", data, 80)
    offset = FIXED_BYTES
    if offset + name_length + state_length > len(data):
        raise Malformed("name and trace state do not fit")
    name = _text(data[offset:offset + name_length])
    state = _text(data[offset + name_length:offset + name_length + state_length])
    offset += name_length + state_length
    span = Span(flags, start, end, uuid.UUID(bytes=identifier), bytes(data[48:64]).hex(), bytes(data[64:72]).hex(), bytes(data[72:80]).hex(), span_kind,
                status, trace_flags, attributes, events, links, name, state, [], where)
    while offset < len(data):
        item, offset = _item(data, offset)
        span.items.append(item)
    return span


def segment_spans(image, name):
    """What is left to deliver in a segment. Records that are not whole are passed over."""
    description = Description.parse(image)
    if description is None or len(image) < HEADER_BYTES:
        return []
    state, offset, found = State.parse(image), Progress.parse(image, description.generation).offset, []
    end = state.tail if HEADER_BYTES <= state.tail <= len(image) else len(image)
    while offset + 64 <= end:
        word, crc, length = struct.unpack_from("<III", image, offset)
        data = image[offset:offset + length]
        if word != description.sync or not 64 <= length <= 65528 or len(data) < length or seeded_crc(description.sync ^ offset, data[8:]) != crc:
            offset += 8
            continue
        if (data[15], data[14]) != (KIND_SPAN, SCHEMA):
            break
        found.append(parse_span(data, f"{name}@{offset}"))
        offset += (length + 7) // 8 * 8
    return found


@dataclass
class Slot:
    state: int
    length: int
    generation: int
    offset: int
    span: Span


def open_slots(image, name):
    """The slots of a file of open spans that hold a span. That of a span that lasts has one slot, of any size."""
    slots = []
    size = len(image) - HEADER_BYTES if name.endswith(".span") else SLOT_BYTES
    for at in range(HEADER_BYTES, len(image) - size + 1, size):
        word, generation = struct.unpack_from("<QQ", image, at)
        state, length = word >> 16 & 3, word & 0xFFFF
        if state in (OPEN, ENDING):
            if not FIXED_BYTES <= length <= size - SLOT_HEADER:
                raise Malformed(f"a slot with {length} bytes")
            record = image[at + SLOT_HEADER:at + SLOT_HEADER + length]
            slots.append(Slot(state, length, generation, (word >> 32) * 8, parse_span(record, f"{name}@{at}")))
    return slots


class Directory:
    """A tool's directory `spans`: what waits in segments, and what is open."""

    def __init__(self, path):
        self.waiting, self.open, self.void = [], [], []
        self.control = None
        names = sorted(os.listdir(path)) if os.path.isdir(path) else []
        images = {}
        for name in names:
            if SEGMENT_NAME.match(name) or OPEN_NAME.match(name) or name == "control":
                try:
                    with open(os.path.join(path, name), "rb") as file:
                        images[name] = file.read()
                except FileNotFoundError:
                    pass  # gone meanwhile
        if len(images.get("control", b"")) == 4096:
            self.control = Control(images["control"])
        for name, image in images.items():
            description = Description.parse(image) if name != "control" and len(image) >= HEADER_BYTES else None
            if description is None:
                continue
            is_void = self.control is not None and description.epoch != self.control.epoch
            if OPEN_NAME.match(name):
                slots = open_slots(image, name)
                (self.void if is_void else self.open).extend(slots)
            else:
                (self.void if is_void else self.waiting).extend(segment_spans(image, name))


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    directory = Directory(sys.argv[1])
    for span in directory.waiting:
        print(json.dumps(span.json(), ensure_ascii=False))
    for slot in directory.open:
        print(json.dumps({**slot.span.json(), "open": True}, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())
