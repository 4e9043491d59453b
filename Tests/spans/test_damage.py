"""E3, storage: files of open spans that are damaged, cut short, removed or of a later version; full and read-only disks."""
import os
import random
import resource
import struct
import time

from driving import DROPPED, OK, ROOT, Driver, attributes, found, helper, log_lines, only, spool
from reader import HEADER_BYTES, SLOT_BYTES
from spool_reader import crc32c
from suite import check, check_equal, test
from test_processes import states


def left_open(world, count=5):
    """The file of open spans of a program that was killed."""
    driver = Driver(world)
    driver.open(detached=1)
    for i in range(count):
        driver.begin(0, i, f"open {i}", 1, ROOT)
        driver.attributes(i, *attributes(number=i))
    driver.kill()
    return os.path.join(spool(world), only([Name(name) for name in os.listdir(spool(world)) if name.endswith(".open")]))


class Name(str):
    @property
    def name(self):
        return self


def change(path, at, data):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)


def deliver(world):
    return helper(world, "deliver", "--now", timeout=30, expected=None)


@test("damage/layout", "E3")
def layout(world):
    """The header of a file of open spans, its slots, its mode and its size are as docs/spool-format.md says."""
    path = left_open(world, 3)
    with open(path, "rb") as file:
        image = file.read()
    status = os.stat(path)
    check_equal((0o600, HEADER_BYTES + 64 * SLOT_BYTES), (status.st_mode & 0o777, len(image)), "mode and size")
    check_equal(b"TLMSEG\0\1", image[1024:1032], "magic")
    check_equal(image[1024:2560], image[2560:4096], "second copy of the description")
    check_equal(struct.pack("<Q", HEADER_BYTES // 8), image[:8], "state word")
    check_equal(bytes(HEADER_BYTES - 8 - (4096 - 1024)), image[8:1024], "bytes 8 to 1023")
    slots = found(world).open
    check_equal([0, 1, 2], [slot.span.attributes["number"] for slot in slots], "slots")
    for number, slot in enumerate(slots):
        at = HEADER_BYTES + number * SLOT_BYTES
        word, generation = struct.unpack_from("<QQ", image, at)
        check_equal((1 << 16 | slot.length, 0), (word, generation), "word and generation")
        check_equal(bytes(12), image[at + 16:at + 28], "sync, checksum and length, which come later")
        check_equal(bytes(16), image[at + 40:at + 56], "id, which comes later")


def renewed(image, generator):
    """The same with another generation: else it would be the one that was delivered last."""
    image = bytearray(image)
    for start in (1024, 2560):
        struct.pack_into("<Q", image, start + 16, generator.getrandbits(64))
        image[start + 16:start + 24] = image[1040:1048]
        length, = struct.unpack_from("<I", image, start + 12)
        struct.pack_into("<I", image, start + 8, crc32c(image[start + 12:start + length]))
    return image


@test("damage/random", "E3 storage")
def random_bytes(world):
    """Files of open spans with random bytes: delivery ends, reports no crash, and what is intact is delivered."""
    generator = random.Random(1313)
    path = left_open(world, 20)
    name = os.path.basename(path)
    with open(path, "rb") as file:
        image = file.read()
    delivered = 0
    for number in range(120):
        damaged = renewed(image, generator)
        kind = number % 6
        if kind == 0:
            damaged = bytearray(generator.randbytes(generator.choice((0, 1, 100, 4096, 8192, len(image)))))
        elif kind == 1:
            for _ in range(generator.randint(1, 40)):
                damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        elif kind == 2:
            start = generator.randrange(HEADER_BYTES, len(damaged) - 3000)
            damaged[start:start + 3000] = generator.randbytes(3000)
        elif kind == 3:
            # Each slot says something about itself.
            for slot in range(64):
                struct.pack_into("<QQ", damaged, HEADER_BYTES + slot * SLOT_BYTES, generator.getrandbits(64) & ~(3 << 16) | generator.randrange(4) << 16,
                                 generator.getrandbits(64))
        elif kind == 4:
            # The lengths of the parts of a record.
            for slot in range(20):
                at = HEADER_BYTES + slot * SLOT_BYTES + 16
                struct.pack_into("<HH", damaged, at + 80, generator.getrandbits(16), generator.getrandbits(16) & generator.choice((0, 0xFF)))
                damaged[at + 84:at + 104] = generator.randbytes(20)
        else:
            damaged = damaged[:generator.randrange(len(damaged))]
        with open(os.path.join(spool(world), name), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(damaged)
        done = deliver(world)
        check(done.returncode in (0, 4, 5, 6, 7), f"round {number}: exit code {done.returncode} {done.stderr}")
        spans = log_lines(world)
        delivered += len(spans)
        for each in os.listdir(spool(world)):
            if each.endswith((".open", ".seg", ".jsonl")):
                check(not each.endswith(".open"), f"round {number}: {each} is left")
                os.remove(os.path.join(spool(world), each))
    check(delivered > 100, f"{delivered} delivered")
    return f"{delivered} spans delivered"


def begun(world, *arguments):
    """A span that lasts: its traceparent."""
    return helper(world, "span", "begin", "--name", "lasts", *arguments).stdout.strip()


@test("damage/lasting-layout", "E3 H13")
def lasting_layout(world):
    """The file of a span that lasts is as docs/spool-format.md says; its parts come from several processes."""
    parent = begun(world, "--attribute", "a:int=1", "--expires", "3600")
    helper(world, "span", "event", parent, "--name", "e", "--attribute", "b=x")
    name, = [name for name in os.listdir(spool(world)) if name.endswith(".span")]
    check_equal(parent[36:52] + ".span", name, "name")
    with open(os.path.join(spool(world), name), "rb") as file:
        image = file.read()
    check_equal((0, 0o600), (len(image) % 4096, os.stat(os.path.join(spool(world), name)).st_mode & 0o777), "size and mode")
    expires, = struct.unpack_from("<Q", image, 8)
    check(abs(expires / 1e9 - time.time() - 3600) < 60, f"it expires at {expires}")
    slot, = found(world).open
    check_equal((parent[3:35], parent[36:52], {"a": 1}, [("e", {"b": "x"})]),
                (slot.span.trace, slot.span.span, slot.span.attributes, [(event["name"], event["attributes"]) for event in slot.span.events]), "span")
    helper(world, "span", "end", parent, "--status", "ok")
    check_equal([], found(world).open, "open after the end")


@test("damage/lasting-random", "E3 H13")
def lasting_random(world):
    """Files of spans that last with random bytes: nothing crashes or hangs, neither delivery nor who goes on with the span."""
    generator = random.Random(99)
    for number in range(40):
        parent = begun(world, "--attribute", f"text={'x' * 500}")
        path = os.path.join(spool(world), parent[36:52] + ".span")
        with open(path, "rb") as file:
            image = bytearray(file.read())
        kind = number % 4
        if kind == 0:
            image = bytearray(generator.randbytes(generator.choice((0, 100, 4096, 8192, 20000))))
        elif kind == 1:
            for _ in range(30):
                image[generator.randrange(len(image))] = generator.randrange(256)
        elif kind == 2:
            struct.pack_into("<QQ", image, HEADER_BYTES, generator.getrandbits(64), generator.getrandbits(64))
        else:
            struct.pack_into("<HH", image, HEADER_BYTES + 16 + 80, generator.getrandbits(16), generator.getrandbits(16))
            image = image[:generator.choice((len(image), generator.randrange(len(image))))]
        with open(path, "wb") as file:
            file.write(image)
        for words in (["span", "event", parent, "--name", "e"], ["span", "end", parent], ["deliver", "--now"], ["status"]):
            done = helper(world, *words, expected=None, timeout=30)
            check(0 <= done.returncode < 64, f"round {number}: {words[:2]}: exit code {done.returncode} {done.stderr}")
        if os.path.exists(path):
            os.remove(path)


@test("damage/foreign", "storage")
def foreign(world):
    """What only has such a name is not followed, read or removed: a link, a directory, a pipe, a name that is nearly right."""
    left_open(world, 1)
    outside = world.path("outside")
    with open(outside, "w") as file:
        file.write("not ours")
    places = {}
    for digit, make in (("1", lambda path: os.symlink(outside, path)), ("2", os.mkdir), ("3", os.mkfifo)):
        places[digit] = os.path.join(spool(world), digit * 16 + ".open")
        make(places[digit])
    for name in ("4" * 15 + ".open", "4" * 17 + ".open", "G" * 16 + ".open", "4" * 16 + ".opened"):
        with open(os.path.join(spool(world), name), "w") as file:
            file.write("not ours")
    deliver(world)
    check_equal(["open 0"], [span["name"] for span in log_lines(world)], "delivered")
    check_equal("not ours", open(outside).read(), "what the link leads to")
    check(all(os.path.lexists(place) for place in places.values()), f"{os.listdir(spool(world))}")
    check_equal(4, sum(os.path.isfile(os.path.join(spool(world), name)) and not os.path.islink(os.path.join(spool(world), name)) and name[0] in "4G"
                       for name in os.listdir(spool(world))), "other files")


@test("damage/later-version", "E3")
def later_version(world):
    """A file of a later version is left alone, also by a refusal of its records here; this version's files beside it are delivered."""
    path = left_open(world)
    for start in (1024, 2560):
        change(path, start + 7, b"\2")
    with open(path, "rb") as file:
        image = file.read()
    other = Driver(world)
    other.open(detached=1)
    other.begin(0, 0, "of this version", 1, ROOT)
    other.kill()
    check_equal(0, deliver(world).returncode, "exit code")
    check_equal({"of this version": ["abandoned"]}, states(world), "spans")
    check(os.path.exists(path), "the file is gone")
    with open(path, "rb") as file:
        check_equal(image, file.read(), "the file")


@test("damage/one-copy", "E3")
def one_copy(world):
    """One damaged copy of the description does not matter; both do."""
    path = left_open(world)
    change(path, 1040, b"damage!!")
    deliver(world)
    check_equal({f"open {i}": ["abandoned"] for i in range(5)}, states(world), "one copy")
    path = left_open(world)
    change(path, 1040, b"damage!!")
    change(path, 2600, b"damage!!")
    deliver(world)
    check_equal(5, len(log_lines(world)), "both copies")
    check(not os.path.exists(path), "the file is left")


@test("damage/cut-short", "E3 storage")
def cut_short(world):
    """A file that was cut short after its program was killed: the slots that are there are delivered."""
    for size, count in ((HEADER_BYTES + 4 * SLOT_BYTES, 4), (HEADER_BYTES + SLOT_BYTES * 4 + 500, 4), (HEADER_BYTES, 0), (100, 0), (0, 0)):
        path = left_open(world, 8)
        os.truncate(path, size)
        deliver(world)
        check_equal(count, len(log_lines(world)), f"{size} bytes")
        check(not os.path.exists(path), f"{size} bytes: the file is left")
        if log_lines(world):
            os.remove(os.path.join(spool(world), "spans.jsonl"))


@test("damage/removed-while-open", "storage")
def removed(world):
    """The file is removed while its program lives: the program goes on, and every span that ends is delivered."""
    driver = Driver(world)
    driver.open()
    driver.begin(0, 0, "a", 1, ROOT)
    for name in os.listdir(spool(world)):
        if name.endswith(".open"):
            os.remove(os.path.join(spool(world), name))
    driver.attributes(0, *attributes(x=1))
    check_equal(OK, driver.end(0), "end")
    driver.sleep(5)
    driver.begin(0, 1, "b", 1, ROOT)
    check_equal(OK, driver.end(1), "end of the next")
    driver.begin(0, 2, "c", 1, ROOT)
    driver.close(0, 10000)
    check_equal({"a": ["delivered"], "b": ["delivered"], "c": ["abandoned"]}, states(world), "spans")


@test("damage/directory-removed", "storage")
def directory_removed(world):
    """The whole directory is removed while spans are open: nothing fails, and later spans are recorded."""
    driver = Driver(world)
    driver.open()
    driver.begin(0, 0, "a", 1, ROOT)
    driver.end(0)
    driver.begin(0, 1, "b", 1, ROOT)
    world.run(["rm", "-rf", world.path("home", ".local", "state")])
    driver.sleep(10)
    driver.end(1)
    for i in range(3):
        driver.sleep(5)
        driver.begin(0, 2 + i, f"later {i}", 1, ROOT)
        driver.end(2 + i)
    driver.close(0, 10000)
    driver.leave()
    names = {span["name"] for span in log_lines(world)}
    check("later 2" in names, f"{names}")


@test("damage/cut-while-open", "storage")
def cut_while_open(world):
    """The file is cut short while its program lives, between two calls: the program notices and goes on."""
    driver = Driver(world)
    driver.open()
    driver.begin(0, 0, "a", 1, ROOT)
    path = os.path.join(spool(world), only([Name(name) for name in os.listdir(spool(world)) if name.endswith(".open")]))
    os.truncate(path, 0)
    driver.sleep(10)
    # A look comes with the end of a span of another file, or with an event: the collector of spans looks when one of its own ends.
    driver.line("flush", 0, 1000)
    answers = [driver.begin(0, 1, "b", 1, ROOT), driver.end(1)]
    driver.close(0, 5000)
    driver.leave()
    return f"{answers}"


@test("disk/full", "storage H9")
def full_disk(world):
    """On a full disk spans are in memory, are delivered by their own program, and nothing fails."""
    disk = world.small_disk("disk", 256)
    world.environment["XDG_STATE_HOME"] = disk
    world.fill(disk)
    world.manifest("", {"backends": [{"kind": "file", "path": world.path("log.jsonl")}]})
    driver = Driver(world)
    driver.open(manifest=world.manifest_file)
    for i in range(100):
        check_equal(OK, driver.begin(0, i, f"s{i}", 1, ROOT), "begin")
        check_equal(OK, driver.attributes(i, *attributes(n=i)), "attributes")
    check_equal({OK}, {driver.end(i) for i in range(100)}, "ends")
    answer = driver.close(0, 10000)
    with open(world.path("log-spans.jsonl")) as file:
        check_equal(100, len(file.readlines()), "delivered")
    return f"close: {answer}"


@test("disk/file-size", "storage H9")
def file_size(world):
    """The same with a limit on the size of files, and no signal ends the program."""
    driver = Driver(world, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)))
    driver.open()
    for i in range(200):
        driver.begin(0, i, f"s{i}", 1, ROOT)
        driver.attributes(i, *attributes(n=i))
    answers = {driver.end(i) for i in range(200)}
    check(answers <= {OK, DROPPED}, f"{answers}")
    driver.close(0, 3000)
    driver.leave()


@test("disk/read-only", "storage H9")
def read_only(world):
    """With a state directory that nobody can write to, spans are in memory and are delivered by their own program."""
    blocked = world.path("blocked")
    with open(blocked, "w"):
        pass
    world.environment["XDG_STATE_HOME"] = os.path.join(blocked, "below-a-file")
    world.manifest("", {"backends": [{"kind": "file", "path": world.path("log.jsonl")}]})
    driver = Driver(world)
    driver.open(manifest=world.manifest_file)
    driver.begin(0, 0, "ended", 1, ROOT)
    driver.begin(0, 1, "open", 1, 0)
    check_equal(OK, driver.attributes(0, *attributes(a=1)), "attributes")
    check_equal(OK, driver.end(0), "end")
    driver.close(0, 10000)
    driver.leave()
    with open(world.path("log-spans.jsonl")) as file:
        lines = file.read()
    check('"ended"' in lines and '"abandoned":true' in lines, lines)
