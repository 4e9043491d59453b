"""E3, decision 3: damaged spools. What the independent reader finds intact, the library delivers."""
import os
import random
import shutil
import struct

import sandbox
from spool_reader import SEGMENT_NAME, Segment
from suite import Failed, check, check_equal, check_identity, test


EVENTS = 24


def _segment(box, events=EVENTS):
    """Leaves one segment in the spool and returns its path; the spool as it is then is kept in `base`."""
    box.consent()
    box.host("--events", events, "--segment", 8192, "--fill", 3)
    names = [name for name in os.listdir(box.spool) if SEGMENT_NAME.match(name)]
    check_equal(1, len(names), "segments")
    shutil.copytree(box.spool, box.path("base"))
    return os.path.join(box.spool, names[0])


def _restore(box, path, image):
    """The spool as it was, but for the segment."""
    shutil.rmtree(box.spool)
    shutil.copytree(box.path("base"), box.spool)
    if os.path.exists(box.path("events.jsonl")):
        os.remove(box.path("events.jsonl"))
    with open(path, "wb") as file:
        file.write(image)


def _check_recovered(box, path, image, what):
    """The library delivers what the reader finds, accounts for the rest, and does not try for ever."""
    expected = Segment(image).events()
    _restore(box, path, image)
    report = box.recover()
    delivered = [event["event_id"] for event in box.log()]
    wanted = [event["event_id"] for event in expected]
    check(wanted == delivered, f"{what}: {len(delivered)} events were delivered, {len(wanted)} are intact; "
          f"missing {[each for each in wanted if each not in delivered]}, too many {[each for each in delivered if each not in wanted]}")
    check_identity(report)
    check_equal(0, report["pending"], f"{what}: pending")
    check_equal(report["dropped"], report["dropped_corrupt"], f"{what}: reason")
    again = box.recover()
    check_identity(again)
    check_equal((report["recorded"], report["delivered"]), (again["recorded"], again["delivered"]), f"{what}: a second recovery")
    return report


def _read(path):
    with open(path, "rb") as file:
        return file.read()


@test("damage/truncated", "E3 E12")
def truncated(box):
    """Truncated at every interesting length: intact records are delivered, the rest is counted."""
    path = _segment(box)
    image = _read(path)
    segment = Segment(image)
    lengths = {0, 1, 7, 8, 63, 64, 128, 192, 1023, 1024, 1100, 2559, 2560, 2700, 4095, 4096, 4097, len(image) - 1}
    for record in segment.records[:3] + segment.records[-2:]:
        lengths |= {record.offset, record.offset + 4, record.offset + 63, record.offset + 64, record.offset + record.length - 1,
                    record.offset + record.length, record.offset + (record.length + 7) // 8 * 8}
    for length in sorted(lengths):
        report = _check_recovered(box, path, image[:length], f"truncated to {length}")
        if length >= 4096:
            check_equal(EVENTS, report["recorded"], f"truncated to {length}: recorded")
    return f"{len(lengths)} lengths"


def _flip(image, offset, bit):
    damaged = bytearray(image)
    damaged[offset] ^= 1 << bit
    return bytes(damaged)


@test("damage/record-bits", "E3 E12")
def record_bits(box):
    """A bit flipped in any field of a record: exactly that record is lost, and counted."""
    path = _segment(box)
    image = _read(path)
    record = Segment(image).records[7]
    fields = [0, 3, 4, 7, 8, 9, 10, 11, 12, 14, 16, 24, 31, 39, 40, 48, 52, 53, 54, 56, 58, 60, 62, 63, 64, record.length - 1]
    for field in fields:
        damaged = _flip(image, record.offset + field, random.randrange(8))
        report = _check_recovered(box, path, damaged, f"byte {field} of a record")
        check_equal((EVENTS, EVENTS - 1, 1), tuple(report[name] for name in ("recorded", "delivered", "dropped_corrupt")),
                    f"byte {field} of a record: counts")


@test("damage/header-bits", "E3 E12")
def header_bits(box):
    """A bit flipped in each field of the header: no crash, what is intact is delivered."""
    path = _segment(box)
    image = _read(path)
    state = [(offset, bit) for offset in range(8) for bit in range(8)]
    progress = [(64 + offset, 3) for offset in (0, 4, 8, 16, 20, 24, 60)]
    one_copy = [(1024 + offset, 0) for offset in (0, 7, 8, 12, 16, 24, 32, 40, 44, 48, 52, 54, 64, 100)]
    failures = []
    for offset, bit in state + progress + one_copy:
        try:
            report = _check_recovered(box, path, _flip(image, offset, bit), f"bit {bit} of byte {offset}")
            if offset >= 64:
                check_equal((EVENTS, EVENTS), (report["recorded"], report["delivered"]), f"byte {offset}: nothing is lost")
        except Failed as failure:
            failures.append(str(failure)[:300])
    check(not failures, "\n".join(failures))


@test("damage/both-descriptions", "E3 E12")
def both_descriptions(box):
    """Both copies of the description damaged: nothing can be read, nothing is retried for ever."""
    path = _segment(box)
    image = _read(path)
    for field in (0, 8, 12, 16, 24, 44):
        damaged = _flip(_flip(image, 1024 + field, 1), 2560 + field, 1)
        _check_recovered(box, path, damaged, f"byte {field} of both descriptions")
    # The version of one copy alone: no later version has written that.
    damaged = _flip(_flip(image, 1024 + 100, 1), 2560 + 7, 6)
    _check_recovered(box, path, damaged, "a version that only one copy has")
    different = image[:1024 + 24] + struct.pack("<Q", 99) + image[1024 + 32:]
    _check_recovered(box, path, different, "one copy of another epoch, without a right checksum")


@test("damage/random", "E3 E12")
def random_damage(box):
    """200 files with one to twenty random bytes changed: reader and library agree."""
    path = _segment(box)
    image = _read(path)
    seed = random.randrange(1 << 32)
    source = random.Random(seed)
    used = Segment(image).state.tail
    for number in range(200):
        damaged = bytearray(image)
        for _ in range(source.choice([1, 1, 2, 5, 20])):
            # The state word and the progress have tests of their own.
            damaged[source.choice([source.randrange(1024, 4096), source.randrange(4096, used)])] = source.randrange(256)
        _check_recovered(box, path, bytes(damaged), f"seed {seed}, file {number}")


@test("damage/garbage", "E3")
def garbage(box):
    """Files of zeros, of noise and of nothing are survived, and done with."""
    path = _segment(box)
    intact = _read(path)
    noise = random.Random(1).randbytes(65536)
    images = {"empty": b"", "zeros": bytes(8192), "noise": noise, "half a page": noise[:2048], "text": b"hello\n" * 3000,
              "magic and noise": intact[:1032] + noise[:7000], "ones": b"\xff" * 16384}
    for what, image in images.items():
        shutil.rmtree(box.spool)
        shutil.copytree(box.path("base"), box.spool)
        with open(os.path.join(box.spool, "00000000deadbeef.seg"), "wb") as file:
            file.write(image)
        if os.path.exists(box.path("events.jsonl")):
            os.remove(box.path("events.jsonl"))
        report = box.recover()
        check_equal(EVENTS, len(box.log()), f"{what}: events of the intact neighbour")
        check_identity(report)
        check_equal(0, report["pending"], f"{what}: pending")


def _check_left_alone(box, make, what, still_there=os.path.lexists):
    """Something odd lies beside an intact segment: that one is delivered, the odd one is not touched."""
    _segment(box)
    odd = os.path.join(box.spool, "00000000deadbeef.seg")
    make(odd)
    before = os.lstat(odd)
    report = box.recover(silent=True)
    check_equal(EVENTS, len(box.log()), f"{what}: events")
    check_identity(report)
    check(still_there(odd), f"{what} was removed")
    after = os.lstat(odd)
    check_equal((before.st_ino, before.st_size, before.st_mode, before.st_mtime_ns),
                (after.st_ino, after.st_size, after.st_mode, after.st_mtime_ns), what)
    box.host("--events", 5, "--flush", 5000, silent=True)
    check_equal(EVENTS + 5, len(box.log()), f"{what}: events of a later run")


@test("damage/symlink", "storage")
def symlink(box):
    """A symbolic link named like a segment is not followed."""
    target = box.path("target")

    def make(odd):
        with open(target, "wb") as file:
            file.write(_read(os.path.join(box.path("base"), next(n for n in os.listdir(box.path("base")) if n.endswith(".seg")))))
        os.symlink(target, odd)
    _check_left_alone(box, make, "a link")
    check(os.path.exists(target), "the link's target was removed")


@test("damage/directory", "storage")
def directory(box):
    """A directory named like a segment is left alone."""
    _check_left_alone(box, os.mkdir, "a directory")


@test("damage/foreign-owner", "storage")
def foreign_owner(box):
    """A segment that belongs to someone else is not delivered and not removed."""
    sandbox.need_root()

    def make(odd):
        name = next(name for name in os.listdir(box.path("base")) if name.endswith(".seg"))
        shutil.copy(os.path.join(box.path("base"), name), odd)
        os.chown(odd, 65534, 65534)
    _check_left_alone(box, make, "a foreign file")


@test("damage/pipe", "storage")
def pipe(box):
    """A pipe named like a segment blocks nobody."""
    _check_left_alone(box, os.mkfifo, "a pipe")


@test("damage/other-names", "storage")
def other_names(box):
    """Files with other names are left alone."""
    _segment(box)
    names = ["notes.txt", "x.seg", "0123.seg", "00000000DEADBEEF.seg", "00000000deadbeef.seg.bak", ".00000000deadbeef.seg"]
    for name in names:
        with open(os.path.join(box.spool, name), "wb") as file:
            file.write(b"mine")
    box.recover()
    check_equal(EVENTS, len(box.log()), "events")
    for name in names:
        check_equal(b"mine", _read(os.path.join(box.spool, name)), name)


@test("damage/giant-sparse", "storage")
def giant_sparse(box):
    """A sparse file of a terabyte named like a segment harms nothing."""
    _segment(box)
    with open(os.path.join(box.spool, "00000000deadbeef.seg"), "wb") as file:
        file.truncate(1 << 40)
    report = box.recover(timeout=20)
    check_equal(EVENTS, len(box.log()), "events")
    check_identity(report)


@test("damage/control", "E3 E12")
def control(box):
    """A damaged control file is survived, and its damage cannot make an event be sent twice."""
    path = _segment(box)
    image = _read(path)
    control_image = _read(os.path.join(box.path("base"), "control"))
    spots = [0, 7, 64, 72, 128, 136, 256, 260, 264, 300, 512, 516, 1024, 1028, 1100, 1536, 1700, 4000]
    for spot in spots:
        _restore(box, path, image)
        with open(os.path.join(box.spool, "control"), "wb") as file:
            file.write(_flip(control_image, spot, 2))
        report = box.recover()
        check_identity(report)
        check(len(box.log()) in (0, EVENTS), f"byte {spot} of control: {len(box.log())} events")
        if spot >= 128 and spot < 144:
            check_equal(EVENTS, len(box.log()), f"the second copy of the epoch damaged (byte {spot}): events")
        box.recover()
        check(len(box.log()) in (0, EVENTS), f"byte {spot} of control: events twice")
    for what, content in {"empty": b"", "short": control_image[:100], "noise": random.Random(2).randbytes(4096),
                          "long": control_image + bytes(4096)}.items():
        _restore(box, path, image)
        with open(os.path.join(box.spool, "control"), "wb") as file:
            file.write(content)
        report = box.recover()
        check_identity(report)
        check(len(box.log()) in (0, EVENTS), f"{what} control: {len(box.log())} events")


@test("damage/both-epochs", "A17 E12")
def both_epochs(box):
    """Both copies of the epoch damaged: every waiting event is void, and counted."""
    path = _segment(box)
    image = _read(path)
    damaged = _read(os.path.join(box.path("base"), "control"))
    damaged = _flip(_flip(damaged, 72, 0), 136, 0)
    _restore(box, path, image)
    with open(os.path.join(box.spool, "control"), "wb") as file:
        file.write(damaged)
    report = box.recover()
    check_equal([], box.log(), "log")
    check_identity(report)
    check_equal((0, report["recorded"]), (report["pending"], report["dropped_withdrawn"]), "pending, withdrawn")
