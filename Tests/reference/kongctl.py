"""Package telemetry of kongctl."""
import json
import os
import socket
import time

from stage import TOOL, wait_until
from suite import check, check_equal, test
from using import TELEMETRY, Datagrams, check_nothing, events, helper, logged, manifest, origin, run, unanswered
from world import CLOCK

RECORDER = """telemetry_collector *telemetry = telemetry_open(options);
    telemetry_command *command = telemetry_command_begin(telemetry);
    telemetry_command_set(command, argv[1]);
    say("finish", telemetry_command_finish(command, 0, NULL, 0));
    say("again", telemetry_command_finish(command, 0, NULL, 0));
    telemetry_command_free(command);
    telemetry_close(telemetry, 5000);"""
TRACK = """telemetry_collector *telemetry = telemetry_open(options);
    say("enabled", telemetry_enabled(telemetry));
    telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
    telemetry_close(telemetry, 5000);"""
NOTICE = {"collector": "Example", "data": "names of commands", "purpose": "to see what is used"}


@test("kongctl/K1", "C5")
def one_event(world):
    """One event for each execution of a command, however often it is finished"""
    run(world, RECORDER, arguments=("get apis",))
    check_equal(["get apis"], [event["name"] for event in logged(world)], "events")


@test("kongctl/K2", "C4")
def categorize(world):
    """Errors have categories from one fixed list, found by exit code, errno, HTTP status or message"""
    said = run(world, """tell("code", telemetry_error_category_from_exit_code(64));
        tell("errno", telemetry_error_category_from_errno(ECONNREFUSED));
        tell("status", telemetry_error_category_from_http_status(404));
        tell("message", telemetry_error_category_from_message("connection refused"));""", before="#include <errno.h>\n")
    check_equal({"code": "usage", "errno": "network", "status": "not_found", "message": "network"}, said, "categories")


@test("kongctl/K3", "F")
def sink(world):
    """The transport can be replaced; each batch has a deadline"""
    said = run(world, """telemetry_backend backend = { .size = sizeof backend, .send = take };
        telemetry_options_set_backend_custom(options, &backend);""" + RECORDER, arguments=("get apis",), before="""
static telemetry_verdict take(void *context, const char *json, size_t length, size_t count, uint32_t timeout_ms)
{
    (void)context, (void)json, (void)length;
    say("count", (long long)count);
    say("timeout", timeout_ms > 0);
    return TELEMETRY_ACCEPTED;
}
""")
    check_equal(("1", "1"), (said["count"], said["timeout"]), "events, and a deadline")


@test("kongctl/K4", "A1")
def opt_out(world):
    """Opt-out is possible: on without an answer, but only once the notice was shown"""
    unanswered(world)
    manifest(world, consent="opt-out", notice=NOTICE, backend={"kind": "file"})
    check_equal("0", run(world, TRACK, manifest=True)["enabled"], "before the notice was seen")
    check_nothing(world)


@test("kongctl/K5", "A3")
def no_telemetry_flag(world):
    """A flag of the program turns telemetry off for one run, and changes no setting"""
    check_equal("0", run(world, "telemetry_options_set_no_telemetry(options, true);" + TRACK)["enabled"], "with the flag")
    check_equal("1", run(world, TRACK)["enabled"], "without it")


@test("kongctl/K6", "A5")
def no_telemetry_variable(world):
    """The tool's own variable refuses, whatever the configuration says; it never agrees"""
    for text, enabled in (("true", "0"), ("1", "0"), ("false", "1"), ("", "1")):
        check_equal(enabled, run(world, TRACK, environment={"ITEST_NO_TELEMETRY": text})["enabled"], f"ITEST_NO_TELEMETRY={text}")
    unanswered(world)
    check_equal("0", run(world, TRACK, environment={"ITEST_NO_TELEMETRY": "false"})["enabled"], "it does not agree")


@test("kongctl/K7", "A4")
def do_not_track(world):
    """DO_NOT_TRACK refuses for every tool, above everything; also with other words than 1"""
    for text, enabled in (("1", "0"), ("true", "0"), ("0", "1")):
        check_equal(enabled, run(world, TRACK, environment={"DO_NOT_TRACK": text, "ITEST_TELEMETRY_ENABLED": "1"})["enabled"], f"DO_NOT_TRACK={text}")


@test("kongctl/K8", "A8")
def preference(world):
    """The user's preference: stored, read, and where it is"""
    body = """char path[4096];
        telemetry_preference_path(options, path, sizeof path);
        tell("path", path);
        say("before", telemetry_get_preference(options));
        telemetry_set_preference(options, false);
        say("after", telemetry_get_preference(options));
        unlink(path);
        say("removed", telemetry_get_preference(options));"""
    said = run(world, body)
    names = {"before": "TELEMETRY_PREFERENCE_ENABLED", "after": "TELEMETRY_PREFERENCE_DISABLED", "removed": "TELEMETRY_PREFERENCE_UNSET"}
    values = run(world, "".join(f'say("{name}", {word});' for name, word in names.items()))
    check_equal(values, {name: said[name] for name in names}, "the preference")
    check_equal(world.path("home", ".config", "telemetry", TOOL, "enabled"), said["path"], "where")


@test("kongctl/K9", "A9")
def config(world):
    """`telemetry.enabled` in the tool's own configuration"""
    unanswered(world)
    manifest(world, config={"file": "itest/config.yaml", "key": "telemetry.enabled"}, backend={"kind": "file"})
    os.makedirs(world.path("home", ".config", "itest"))
    for text, enabled in (("true", "1"), ("false", "0")):
        with open(world.path("home", ".config", "itest", "config.yaml"), "w") as file:
            file.write(f"telemetry:\n  enabled: {text}\n")
        check_equal(enabled, run(world, TRACK, manifest=True)["enabled"], f"telemetry.enabled: {text}")


@test("kongctl/K10", "B3")
def debug(world):
    """Its debug file: what would be sent is printed by --dry-run, and what was sent by show"""
    manifest(world, backend={"kind": "http", "endpoint": "http://127.0.0.1:9/"})
    printed = helper(world, "track", "x", "--dry-run").stdout
    check('"name"' in printed and '"x"' in printed, printed)
    world.expect(0)
    helper(world, "track", "y")
    check("y" in helper(world, "show").stdout, "it waits, and is shown")


@test("kongctl/K11", "A8 A9")
def preference_file(world):
    """Its own file `.telemetry-enabled`, beside its configuration, is a source of consent"""
    unanswered(world)
    manifest(world, config={"file": "itest/.telemetry-enabled"}, backend={"kind": "file"})
    os.makedirs(world.path("home", ".config", "itest"))
    for text, enabled in (("true\n", "1"), ("false\n", "0"), ("maybe\n", "0")):
        with open(world.path("home", ".config", "itest", ".telemetry-enabled"), "w") as file:
            file.write(text)
        check_equal(enabled, run(world, TRACK, manifest=True)["enabled"], repr(text))


@test("kongctl/K12", "C2")
def schema_version(world):
    """The schema's version, as a macro, at run time and in every event"""
    said = run(world, 'say("macro", TELEMETRY_SCHEMA_VERSION); say("run", telemetry_schema_version());' + TRACK)
    event, = logged(world)
    check_equal((said["macro"], said["macro"]), (said["run"], str(event["schema_version"])), "the version")


@test("kongctl/K13", "C2")
def event(world):
    """The members of its event, under its names, and nothing else"""
    receiver = origin(world)
    names = ("schema_version", "timestamp", "version", "os", "arch")
    manifest(world, backend={"kind": "http", "endpoint": receiver.url, "fields": {**{name: f"${name}" for name in names}, "command_path": "$name"}})
    run(world, RECORDER, arguments=("get apis",), manifest=True)
    sent, = events(receiver)
    check_equal([*names, "command_path"], list(sent), "members")
    check_equal("get apis", sent["command_path"], "command_path")


@test("kongctl/K14", "C3")
def command_path(world):
    """The program's own name is no part of the path, and a bare run is no command"""
    for path in (f"{TOOL} get apis", TOOL):
        run(world, RECORDER, arguments=(path,))
    check_equal(["get apis"], [event["name"] for event in logged(world)], "events")


@test("kongctl/K15", "E1")
def noop_sink(world):
    """A tool that is off allocates nothing for an event"""
    counter = world.preload("counter", """
#include <dlfcn.h>
#include <stdlib.h>
int counting, allocations;
void *malloc(size_t size)
{
    static void *(*next)(size_t);
    if (next == NULL)
        next = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    if (counting)
        allocations++;
    return next(size);
}
""")
    said = run(world, """telemetry_collector *telemetry = telemetry_open(options);
        int *counting = dlsym(RTLD_DEFAULT, "counting"), *allocations = dlsym(RTLD_DEFAULT, "allocations");
        *counting = 1;
        for (int i = 0; i < 1000; i++)
            telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
        *counting = 0;
        say("allocations", *allocations);
        telemetry_close(telemetry, 0);""", before="#include <dlfcn.h>\n", environment={"LD_PRELOAD": counter, "DO_NOT_TRACK": "1"}, flags=("-ldl",))
    check_equal("0", said["allocations"], "allocations")


@test("kongctl/K16", "A3")
def force_disabled(world):
    """The recorder of a tool that is off is nobody, and every call takes it"""
    said = run(world, "telemetry_options_set_no_telemetry(options, true);" + RECORDER, arguments=("get apis",))
    check_equal({"finish": "20", "again": "20"}, said, "what the calls answer")
    check_nothing(world)


@test("kongctl/K17", "E9")
def bounded_close(world):
    """A receiver that never answers does not hold up the end of a command"""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        manifest(world, backend={"kind": "http", "endpoint": f"http://127.0.0.1:{deaf.getsockname()[1]}/"})
        said = run(world, """telemetry_collector *telemetry = telemetry_open(options);
            telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0);
            struct timespec begun, ended;
            clock_gettime(CLOCK_MONOTONIC, &begun);
            say("close", telemetry_close(telemetry, 500));
            clock_gettime(CLOCK_MONOTONIC, &ended);
            say("ms", (ended.tv_sec - begun.tv_sec) * 1000 + (ended.tv_nsec - begun.tv_nsec) / 1000000);""", before="#include <time.h>\n", manifest=True)
    check_equal("-30", said["close"], "close")
    check(500 <= int(said["ms"]) < 5000, f"it took {said['ms']} ms")
    world.expect(1, pending=1)


@test("kongctl/K18", "A18")
def disable(world):
    """One run can stop recording in its middle, without an answer being stored"""
    said = run(world, """telemetry_collector *telemetry = telemetry_open(options);
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "before", NULL, 0);
        telemetry_disable(telemetry);
        say("enabled", telemetry_enabled(telemetry));
        say("track", telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "after", NULL, 0));
        telemetry_close(telemetry, 5000);""")
    check_equal({"enabled": "0", "track": "20"}, said, "after it")
    check("after" not in [event["name"] for event in logged(world)], "recorded after it")
    check_equal("1", run(world, TRACK)["enabled"], "the next run")


@test("kongctl/K19", "A14")
def enabled(world):
    """A program can ask whether anything is recorded"""
    check_equal("1", run(world, TRACK)["enabled"], "the user agreed")
    check_equal("0", run(world, TRACK, environment={"CI": "1", "DO_NOT_TRACK": "1"})["enabled"], "the user refuses")


@test("kongctl/K20", "E1 E11")
def finalize(world):
    """Recording never waits: not for a dead receiver, and not when the spool is full"""
    manifest(world, backend={"kind": "http", "endpoint": "http://127.0.0.1:9/"}, limits={"segment_bytes": 8192, "spool_bytes": 65536})
    said = run(world, """telemetry_collector *telemetry = telemetry_open(options);
        int failed = 0;
        for (int i = 0; i < 20000; i++)
            failed += telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "x", NULL, 0) != TELEMETRY_OK;
        say("failed", failed);
        telemetry_close(telemetry, 0);""", manifest=True)
    check_equal("0", said["failed"], "calls that failed")
    counts = world.counted()
    check_equal(20000, counts["recorded"], "recorded")
    check_equal(20000, counts["pending"] + counts["dropped"] + counts["delivered"], "each is accounted for")


@test("kongctl/K21", "F")
def file_sink(world):
    """JSON Lines in a file, a line for each event"""
    manifest(world, backend={"kind": "file", "path": world.path("home", "debug.jsonl")})
    for name in ("a", "b"):
        helper(world, "track", name)
        helper(world, "flush")
    with open(world.path("home", "debug.jsonl")) as file:
        check_equal(["a", "b"], [json.loads(line)["name"] for line in file], "lines")


@test("kongctl/K22", "F")
def multi_sink(world):
    """Several receivers at once, none held up by another"""
    good, bad = origin(world), origin(world, 503)
    manifest(world, backends=[{"kind": "http", "name": "bad", "endpoint": bad.url}, {"kind": "http", "name": "good", "endpoint": good.url}])
    helper(world, "track", "x")
    wait_until(lambda: events(good), "the one that works has it")
    check_equal(["x"], [event["name"] for event in events(good)], "events")


@test("kongctl/K23", "F")
def udp_sink(world):
    """Its golden line by UDP: equal to the byte, but for the time; and wholly, when the clock says the same"""
    golden = "<14>signal=kongctl;arch=arm64;command_path=\"kongctl plan\";os=darwin;schema_version=1;timestamp=2026-05-12T14:30:45Z;version=0.4.0\n"
    receiver = world.closes(Datagrams())
    keys = ("schema_version", "timestamp", "version")
    shape = {**{key: f"${key}" for key in keys}, "command_path": "$name", "arch": "arm64", "os": "darwin"}
    path = world.path("kongctl.yaml")
    with open(path, "w") as file:
        json.dump({"tool": {"name": "kongctl", "version": "0.4.0"},
                   "backend": {"kind": "splunk_udp", "endpoint": receiver.url, "line": "bare", "timestamps": "seconds", "fields": shape}}, file)
    environment = {"KONGCTL_TELEMETRY_ENABLED": "1"}

    def line(**more):
        said = {"environment": {**environment, **more}}
        for arguments in (("track", "kongctl plan", "--type", "command.invocation"), ("flush",)):
            world.run([TELEMETRY, *arguments, "--manifest", path], **said)
        return receiver.one()
    got = line()
    when = got.partition("timestamp=")[2].partition(";")[0]
    time.strptime(when, "%Y-%m-%dT%H:%M:%SZ")
    check_equal(golden, got.replace(when, "2026-05-12T14:30:45Z"), "the line, but for its time")
    # 2026-05-12T14:30:45Z, and as long as this takes: the second may have gone by.
    clock = world.preload("clock", CLOCK)
    for _ in range(20):
        got = line(LD_PRELOAD=clock, SHIFT=str(1778596245 - int(time.time())))
        if got == golden:
            break
    check_equal(golden, got, "the line, with the clock at that time")


@test("kongctl/K24", "A15")
def conflict(world):
    """A preference that contradicts the configuration is said once"""
    manifest(world, config={"file": "itest.yaml", "key": "enabled"}, backend={"kind": "file"})
    with open(world.path("home", ".config", "itest.yaml"), "w") as file:
        file.write("enabled: false\n")
    for _ in range(2):
        warnings = helper(world, "track", "x").stderr.splitlines()
        check_equal(1, len(warnings), f"warnings in a run: {warnings}")
        check("itest.yaml says off" in warnings[0], warnings[0])
