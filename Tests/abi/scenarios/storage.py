"""No disk, no home, no permission: the host runs on, and its events go out from memory."""
import errno
import os
import resource

from sandbox import need_mounts, need_root, sequences, with_mounts
from suite import check, check_equal, check_identity, test

SPOOL, HEAP = 1, 2
ENABLED = {"MYTOOL_TELEMETRY_ENABLED": "1"}


def _run(box, *arguments, environment=None, **options):
    """Runs the host with a custom backend; it must print nothing."""
    return box.host("--backend", "accept:taken", "--flush", 10000, "--close", 1000, *arguments, silent=True,
                    environment={**ENABLED, **(environment or {})}, **options)


def _check_heap(box, report, events, *errors):
    """Kept in memory, for the right reason, and delivered all the same."""
    check(report["storage"] == HEAP, f"storage is not the heap: {report}")
    check(report["storage_errno"] in errors, f"storage_errno is {errno.errorcode.get(report['storage_errno'])}")
    check_equal((events, 0, events), (report["ok"], report["failed_calls"], report["delivered"]), "recorded, failed, delivered")
    check_equal(0, report["spool_bytes"], "spool_bytes")
    check_identity(report)
    check_equal(list(range(events)), [sequence for _, _, sequence in sequences(box.batches("taken"))], "events")


@test("storage/usual", "storage")
def usual(box):
    """With a usable directory the storage is the spool: the checks below can fail."""
    report = _run(box, "--events", 100)
    check_equal((SPOOL, 0, 100), tuple(report[name] for name in ("storage", "storage_errno", "delivered")),
                "storage, storage_errno, delivered")


@test("storage/no-space", "storage E12")
def no_space(box):
    """A disk of 64 KiB has no room for a segment: memory instead."""
    need_mounts()
    mounts = with_mounts(f"mount -t tmpfs -o size=64k tmpfs {box.path('state')}")
    _check_heap(box, _run(box, "--events", 100, wrapper=mounts), 100, errno.ENOSPC)


@test("storage/full-from-the-start", "storage E12")
def full_from_the_start(box):
    """A disk without a single free block or inode: memory instead."""
    need_mounts()
    state = box.path("state")
    fill = f"mount -t tmpfs -o size=64k,nr_inodes=2 tmpfs {state}; head -c 1000000 /dev/zero > {state}/filler 2>/dev/null || true"
    _check_heap(box, _run(box, "--events", 100, wrapper=with_mounts(fill)), 100, errno.ENOSPC)


@test("storage/fills-up", "storage E2 E12")
def fills_up(box):
    """A disk of 1 MiB fills while 5 MB are recorded: no SIGBUS, everything delivered or counted."""
    need_mounts()
    mounts = with_mounts(f"mount -t tmpfs -o size=1m tmpfs {box.path('state')}")
    report = _run(box, "--events", 30000, wrapper=mounts)
    check_identity(report)
    check_equal(30000, report["recorded"], "recorded")
    check_equal(report["delivered"], len(set(sequences(box.batches("taken")))), "delivered, by the backend")
    check_equal(30000, report["ok"] + report["failed_calls"], "calls")
    check(report["delivered"] > 1000, f"hardly anything was kept: {report}")


@test("storage/filled-by-others", "storage E12")
def filled_by_others(box):
    """Another program fills the disk while the host records: no SIGBUS, everything delivered or counted."""
    need_mounts()
    state = box.path("state")
    mounts = with_mounts(f"mount -t tmpfs -o size=2m tmpfs {state}\n"
                         f"(sleep 0.1; head -c 4000000 /dev/zero > {state}/filler 2>/dev/null || true) &")
    report = _run(box, "--events", 6000, "--pause-us", 50, "--segment", 65536, wrapper=mounts)
    check_identity(report)
    check_equal((6000, 6000), (report["recorded"], report["ok"] + report["failed_calls"]), "recorded, calls")
    check_equal(report["delivered"], len(set(sequences(box.batches("taken")))), "delivered, by the backend")


@test("storage/read-only", "storage")
def read_only(box):
    """A read-only home: memory instead."""
    need_mounts()
    state = box.path("state")
    mounts = with_mounts(f"mount -t tmpfs tmpfs {state}; mount -o remount,ro {state}")
    _check_heap(box, _run(box, "--events", 100, wrapper=mounts), 100, errno.EROFS)


def _without_xdg(box, home):
    return {name: None for name in box.environment if name.startswith("XDG_")} | {"HOME": home}


@test("storage/home-is-no-directory", "storage")
def home_is_no_directory(box):
    """HOME=/dev/null: memory instead."""
    _check_heap(box, _run(box, "--events", 100, environment=_without_xdg(box, "/dev/null")), 100, errno.ENOTDIR)


@test("storage/no-home", "storage")
def no_home(box):
    """No HOME at all: the host runs on and its events are delivered."""
    need_mounts()
    home = os.path.expanduser("~root")
    for value in (None, ""):
        mounts = with_mounts(f"mount -t tmpfs tmpfs {home}")
        report = _run(box, "--events", 100, environment=_without_xdg(box, value), wrapper=mounts)
        check_equal((100, 100), (report["ok"], report["delivered"]), "recorded, delivered")
        check(report["storage"] in (SPOOL, HEAP), f"storage {report['storage']}")
    check_equal(200, len(box.batches("taken")), "events")


@test("storage/relative-xdg", "storage")
def relative_xdg(box):
    """A relative XDG_STATE_HOME is not used, as its specification says."""
    report = _run(box, "--events", 10, environment={"XDG_STATE_HOME": "relative"})
    check_equal(10, report["delivered"], "delivered")
    check(not os.path.exists(box.path("relative")), "a directory was made below the working directory")


@test("storage/foreign-directory", "storage")
def foreign_directory(box):
    """A state directory that belongs to someone else: memory instead, and nothing is written there."""
    need_root()
    os.makedirs(box.spool)
    os.chmod(box.spool, 0o777)
    os.chown(box.spool, 65534, 65534)
    _check_heap(box, _run(box, "--events", 100), 100, errno.EPERM, errno.EACCES)
    check_equal([], os.listdir(box.spool), "files in the foreign directory")


@test("storage/directory-is-a-file", "storage")
def directory_is_a_file(box):
    """A file where the state directory should be: memory instead."""
    os.makedirs(os.path.dirname(box.spool))
    with open(box.spool, "w") as file:
        file.write("mine")
    _check_heap(box, _run(box, "--events", 100), 100, errno.ENOTDIR, errno.EEXIST)
    with open(box.spool) as file:
        check_equal("mine", file.read(), "the file")


@test("storage/directory-is-a-link", "storage")
def directory_is_a_link(box):
    """A symbolic link where the state directory should be is not followed."""
    os.makedirs(os.path.dirname(box.spool))
    os.mkdir(box.path("elsewhere"), 0o700)
    os.symlink(box.path("elsewhere"), box.spool)
    _check_heap(box, _run(box, "--events", 100), 100, errno.ELOOP, errno.ENOTDIR)
    check_equal([], os.listdir(box.path("elsewhere")), "files behind the link")


@test("storage/permissions", "storage")
def permissions(box):
    """A state directory that is open to all is closed, or not used."""
    os.makedirs(box.spool)
    os.chmod(box.spool, 0o777)
    report = _run(box, "--events", 10)
    check_equal(10, report["delivered"], "delivered")
    mode = os.stat(box.spool).st_mode & 0o777
    check(mode == 0o700 or report["storage"] == HEAP, f"used with mode {mode:o}")


@test("storage/descriptors", "storage")
def descriptors(box):
    """No descriptor left but for the host's own: memory instead."""
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (5, 5))
    _check_heap(box, _run(box, "--events", 100, preexec_fn=limit), 100, errno.EMFILE)


@test("storage/file-size", "host")
def file_size(box):
    """A limit on the size of files raises no SIGXFSZ: memory instead."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
    _check_heap(box, _run(box, "--events", 100, preexec_fn=limit), 100, errno.EFBIG)


@test("storage/file-size-of-log", "host")
def file_size_of_log(box):
    """The file backend under a limit on the size of files raises no SIGXFSZ; events are kept."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000))
    report = box.host("--events", 2000, "--flush", 1000, environment=ENABLED, preexec_fn=limit, silent=True)
    check_identity(report)
    check_equal((2000, 0), (report["recorded"], report["dropped"]), "recorded, dropped")
    report = box.recover(environment=ENABLED)
    check_identity(report)
    found = [sequence for _, _, sequence in sequences(box.log())]
    check(found == list(range(2000)), f"{len(found)} events, {len(set(found))} different, sorted: {found == sorted(found)}")


@test("storage/heap-is-bounded", "storage E1 E12")
def heap_is_bounded(box):
    """Memory instead of a spool is bounded: a million events with a dead sink are dropped and counted."""
    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (64 << 20, 64 << 20))
    report = box.host("--backend", "retry", "--events", 1000000, "--fill", 100, "--close", 100, silent=True,
                      environment={**ENABLED, **_without_xdg(box, "/dev/null")}, preexec_fn=limit)
    check_identity(report)
    check_equal((HEAP, 1000000), (report["storage"], report["recorded"]), "storage, recorded")
    check(report["dropped"] > 0 and report["pending"] > 0, f"{report}")
    check(report["dropped_spool_full"] + report["dropped_no_space"] == report["dropped"], f"{report}")


@test("storage/log-cannot-be-written", "E6 E12")
def log_cannot_be_written(box):
    """The file backend's log cannot be written: events are kept and delivered later."""
    os.mkdir(box.path("events.jsonl"))
    report = box.host("--events", 50, "--flush", 300, environment=ENABLED, silent=True)
    check(report["flush"] < 0, f"flush says {report['flush']}")
    check_equal((50, 0), (report["pending"], report["dropped"]), "pending, dropped")
    os.rmdir(box.path("events.jsonl"))
    report = box.recover(environment=ENABLED)
    check_equal((0, 50), (report["pending"], report["delivered"]), "pending, delivered")
    check_equal(50, len(box.log()), "events")
