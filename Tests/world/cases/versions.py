"""An older version beside a newer one on one spool: what the older one does not know, it must not destroy, garble or hide."""
import os
import struct
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "spool"))

from spool_reader import Spool, seeded_crc  # noqa: E402
from records import SPANS, of_both
from suite import check, check_equal  # noqa: E402

NOBODY = "http://127.0.0.1:9/nobody"


def _segment(world):
    """The one segment with a record in it: its path, and what is in it. A span is of no kind that is an event's."""
    segment, = [each for each in Spool(world.spool).segments if each.records or each.unknown]
    return os.path.join(world.spool, segment.name), segment


def _write(path, image):
    with open(path, "r+b") as file:
        file.write(image)


def _named(world, events):
    """Status and doctor name what is left to a newer version. They say it of events."""
    if world.records is SPANS:
        return
    status = world.status()
    check_equal((1, events), (status["spool"]["newer_files"], status["spool"]["left_to_newer"]), "files, events left to a newer version")
    check(f"newer: {events} event{'' if events == 1 else 's'} in 1 file of" in " ".join(world.helper("status").split()), "status says so in words")
    doctor = world.helper("doctor", "--offline", expected=None)
    check("of a newer version" in doctor, f"doctor says so: {doctor}")


@of_both("versions/newer-file", "E12 B1 B4")
def newer_file(world):
    """A segment of a later format is not damaged: it stays, is counted as waiting, and is delivered by who knows it."""
    receiver = world.receiver()
    world.manifest(NOBODY)
    world.send(f"endpoint={NOBODY}", "track=1", "close=0")
    path, segment = _segment(world)
    later = bytearray(segment.image)
    later[1031] = later[2567] = 2
    _write(path, later)
    world.recover(receiver.url)
    world.expect(1, pending=1)
    _named(world, 1)
    with open(path, "rb") as file:
        check_equal(bytes(later), file.read(), "the file")
    _write(path, segment.image)
    world.recover(receiver.url)
    world.expect(1, delivered=1)
    check("newer_files\":0" in world.helper("status", "--json").replace(" ", ""), "nothing is left")


@of_both("versions/newer-record", "E12 B1 B4")
def newer_record(world):
    """A record of a later schema is not shown, sent or consumed as an event, for either guarantee."""
    for guarantee in ("at-least-once", "at-most-once"):
        receiver = world.receiver()
        sections = {"delivery": {"guarantee": guarantee}}
        world.manifest(NOBODY, sections=sections)
        world.send(f"endpoint={NOBODY}", "track=1", "close=0")
        path, segment = _segment(world)
        offset, sync = [*segment.records, segment.unknown][0].offset, segment.description.sync
        later = bytearray(segment.image)
        later[offset + 14] = 2
        later[offset + 13] |= 0x80
        size, = struct.unpack_from("<I", later, offset + 8)
        struct.pack_into("<I", later, offset + 4, seeded_crc(sync ^ offset, later[offset + 8:offset + size]))
        _write(path, later)
        check_equal("", world.helper("show", "--json", *world.records.options), "what is shown")
        world.recover(receiver.url)
        check_equal([], receiver.requests(), "requests")
        _named(world, 1)
        _write(path, segment.image)
        world.recover(receiver.url)
        check_equal(1, len(receiver.accepted()), "events received once they are known")


@of_both("versions/newer-control", "E12 B1 B4")
def newer_control(world):
    """A control file of a later version: nothing of the spool is changed, what is recorded goes from memory, doctor says why."""
    receiver = world.receiver()
    world.manifest(receiver.url)
    world.send(f"endpoint={NOBODY}", "track=1", "close=0")
    control = os.path.join(world.spool, "control")
    with open(control, "r+b") as file:
        file.seek(7)
        file.write(b"\2")
    before = {name: open(os.path.join(world.spool, name), "rb").read() for name in os.listdir(world.spool)}
    world.send(f"endpoint={receiver.url}", "track=2", "close=5000")
    check_equal(2, len(receiver.accepted()), "events received from memory")
    after = {name: open(os.path.join(world.spool, name), "rb").read() for name in before}
    check_equal(before, after, "the spool")
    if world.records is SPANS:
        return
    check("newer version" in world.status()["spool"]["problem"], "status says why")
    check("update this telemetry" in world.helper("doctor", "--offline", expected=None), "doctor says what to do")
