"""Builds spool files by hand, from docs/spool-format.md alone, for the library to read."""
import struct
import time
import uuid

from spool_reader import CONTEXT_FIELDS, HEADER_BYTES, crc32c, seeded_crc

CONTEXT_IDS = {name: number for number, name in CONTEXT_FIELDS.items()}


def uuid7(milliseconds, salt=0):
    value = (milliseconds & 0xFFFFFFFFFFFF) << 80 | 7 << 76 | 2 << 62 | (salt & 0x3FFFFFFFFFFFFFFF)
    return uuid.UUID(int=value)


def encode_attribute(key, value):
    if isinstance(value, bool):
        kind, data = 3, bytes([value])
    elif isinstance(value, int):
        kind, data = 1, struct.pack("<q", value)
    elif isinstance(value, float):
        kind, data = 2, struct.pack("<d", value)
    else:
        kind, data = 0, value if isinstance(value, bytes) else value.encode()
    key = key.encode()
    return struct.pack("<BBH", kind, len(key), len(data)) + key + data


def encode_record(sync, offset, *, type="test.event", name="event", time_ns=None, event_id=None,
                  duration_ms=None, exit_code=None, error_category="", error="", arguments=(),
                  attributes=(), flags=0, schema_version=1, kind=0):
    """One record as it stands at `offset`, without padding."""
    time_ns = time.time_ns() if time_ns is None else time_ns
    event_id = event_id or uuid7(time_ns // 1_000_000, offset)
    flags |= (duration_ms is not None) | (exit_code is not None) << 1
    texts = [text if isinstance(text, bytes) else text.encode() for text in (type, name, error_category, error)]
    tail = b"".join(texts)
    for argument in arguments:
        tail += struct.pack("<H", len(argument.encode())) + argument.encode()
    for key, value in attributes:
        tail += encode_attribute(key, value)
    body = struct.pack("<IHBBq16sqi6H", 64 + len(tail), flags, schema_version, kind, time_ns, event_id.bytes,
                       duration_ms or 0, exit_code or 0, *map(len, texts), len(arguments), len(attributes)) + tail
    return struct.pack("<II", sync, seeded_crc(sync ^ offset, body)) + body


def encode_description(*, generation, epoch, sync, file_size, began_ns=None, process=1, context=None, metadata=()):
    context = context or {}
    body = b""
    for name, value in context.items():
        body += struct.pack("<BBH", CONTEXT_IDS.get(name, name), 0, len(value.encode())) + value.encode()
    for key, value in metadata:
        body += encode_attribute(key, value)
    fixed = struct.pack("<QQQIIIHHQ", generation, epoch, time.time_ns() if began_ns is None else began_ns,
                        file_size, sync, process, len(context), len(metadata), 0)
    rest = struct.pack("<I", 16 + len(fixed) + len(body)) + fixed + body
    return (b"TLMSEG\0\1" + struct.pack("<I", crc32c(rest)) + rest).ljust(1536, b"\0")


def encode_progress(*, sequence, generation, offset, delivered, dropped=()):
    dropped = list(dropped) + [0] * (10 - len(dropped))
    rest = struct.pack("<IQII10I", sequence, generation, offset, delivered, *dropped)
    return struct.pack("<I", crc32c(rest)) + rest


def encode_segment(events, *, size=8192, generation=0x1122334455667788, epoch=1, sync=0x5EC0DE11, sealed=False,
                   writers=0, count=None, context=None, metadata=(), began_ns=None, progress=(b"", b"")):
    """A segment file holding `events` (keyword arguments of encode_record, or raw bytes)."""
    data, offset = b"", HEADER_BYTES
    for event in events:
        record = event if isinstance(event, bytes) else encode_record(sync, offset, **event)
        record = record.ljust((len(record) + 7) // 8 * 8, b"\0")
        data += record
        offset += len(record)
    if offset > size:
        raise ValueError("the events do not fit")
    count = len(events) if count is None else count
    state = offset // 8 | count << 24 | writers << 48 | sealed << 63
    description = encode_description(generation=generation, epoch=epoch, sync=sync, file_size=size,
                                     began_ns=began_ns, context=context, metadata=metadata)
    header = struct.pack("<Q", state).ljust(64, b"\0")
    header += b"".join(slot.ljust(64, b"\0") for slot in progress)
    header = header.ljust(1024, b"\0") + description + description
    return (header + data).ljust(size, b"\0")


def encode_control(*, epoch, recorded=0, delivered=0, dropped=(), sequence=1):
    """A control file with an epoch and counters, and an empty delivery state."""
    word = struct.pack("<QQ", epoch, epoch ^ 0xFFFFFFFFFFFFFFFF)
    dropped = list(dropped) + [0] * (10 - len(dropped))
    payload = struct.pack("<IQQQQ10QQQ", sequence, 0, 0, recorded, delivered, *dropped, 0, 0).ljust(252, b"\0")
    image = bytearray(4096)
    image[0:8] = b"TLMCTL\0\1"
    image[64:80] = word
    image[128:144] = word
    image[256:512] = struct.pack("<I", crc32c(payload)) + payload
    return bytes(image)
