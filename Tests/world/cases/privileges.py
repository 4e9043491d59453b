"""A program with rights that its caller does not have: set-user-id, set-group-id, capabilities of the file.

Elsewhere such a program took a configuration file, a proxy or a log file from its caller's environment, and read, sent
or wrote for the caller what only the program's owner may. Here the environment may refuse, and nothing else."""
import json
import os
import shutil
import stat
import struct
import sys

from stage import BUILD, HERE, TOOL, completed
from records import EVENTS, of_both
from suite import Skipped, check, check_equal, test
from world import USER

sys.path.append(os.path.join(HERE, "..", "prompt"))
from person import QUESTION, meet  # noqa: E402

OWNER = 23456
SECRET = "only-for-the-owner"

SOURCE = r"""
#include <stdio.h>
#include <telemetry.h>

/* privileged [MANIFEST [PROJECT-CONFIG]]: prints what the library says, and records an event. */
int main(int count, char **arguments)
{
    char text[16384];
    telemetry_options *options = telemetry_options_new("itest", "1");
    if (telemetry_options_load_manifest(options, count > 1 && *arguments[1] ? arguments[1] : NULL) != TELEMETRY_OK) {
        telemetry_options_error(options, text, sizeof text);
        puts(text);
    }
    telemetry_explain(options, TELEMETRY_FORMAT_TEXT, text, sizeof text);
    puts(text);
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    printf("enabled: %d\n", telemetry_enabled(collector));
    telemetry_track(collector, TELEMETRY_FEATURE_USED, "e", NULL, 0);
    printf("counted: %d\n", telemetry_count(collector, "runs", 1, NULL, 0) == TELEMETRY_OK);
    printf("closed: %d\n", telemetry_close(collector, 3000));
    return 0;
}
"""


class Scene:
    """A program of OWNER's that USER calls. Both have a home; the owner has agreed."""

    def __init__(self, world, bits=stat.S_ISUID):
        if os.geteuid() != 0:
            raise Skipped("only root can give a program away")
        self.world = world
        self.library = world.path("lib")
        os.mkdir(self.library)
        shutil.copy(f"{BUILD}/lib/libtelemetry.so.0", self.library)
        self.program = world.program("privileged", SOURCE, f"-Wl,-rpath,{self.library}")
        self.owner, self.caller = self._home("owner", OWNER), self._home("caller", USER)
        self.write(self.owner, f".config/telemetry/{TOOL}/enabled", "true\n", OWNER)
        self.users = world.path("passwd")
        with open(self.users, "w") as file:
            file.write(f"root:x:0:0::/root:/bin/sh\nowner:x:{OWNER}:{OWNER}::{self.owner}:/bin/sh\n"
                       f"caller:x:{USER}:{USER}::{self.caller}:/bin/sh\n")
        self.own(bits)

    def own(self, bits, user=OWNER, group=OWNER):
        os.chown(self.program, user, group)
        os.chmod(self.program, 0o755 | bits)

    def _home(self, name, user):
        path = self.world.path(name)
        os.mkdir(path, 0o755)
        os.chown(path, user, user)
        return path

    def write(self, home, name, text, user, mode=0o600):
        path = os.path.join(home, name)
        made = home
        for part in os.path.dirname(name).split("/"):
            made = os.path.join(made, part)
            if not os.path.isdir(made):
                os.mkdir(made)
                os.chown(made, user, user)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        os.chown(path, user, user)
        return path

    def manifest(self, backend, **sections):
        """The owner's, where it is found."""
        content = {"tool": {"name": TOOL}, "identity": {"ephemeral": "never"}, "delivery": {"mode": "in-process"},
                   "backend": backend, **sections}
        return self.write(self.owner, f".local/share/telemetry/tools/{TOOL}.yaml", json.dumps(content), OWNER)

    def receiver(self):
        """The author's, named in the owner's manifest."""
        receiver = self.world.receiver()
        self.manifest({"kind": "http", "endpoint": receiver.url})
        return receiver

    def command(self, *arguments):
        """The program, called by USER, where /etc/passwd has both."""
        return ["unshare", "-m", "--propagation", "private", "sh", "-ec", 'mount --bind "$0" /etc/passwd; exec "$@"', self.users,
                "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", self.program, *arguments]

    def run(self, *arguments, cwd=None, **environment):
        """As the caller, in whose environment HOME is the caller's own."""
        done = completed(self.command(*arguments), env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": self.caller, **environment},
                         cwd=cwd or self.caller)
        check_equal((0, ""), (done.returncode, done.stderr), "exit code and errors")
        return done.stdout

    def files(self, *tops):
        return sorted(os.path.join(directory, name) for top in tops for directory, _, names in os.walk(top) for name in names)


def kinds(scene):
    """The same program with each kind of rights; with the others but set-user-id it is the caller's own home that counts."""
    yield "set-user-id", scene.owner
    scene.own(stat.S_ISGID, user=0)
    scene.write(scene.caller, f".config/telemetry/{TOOL}/enabled", "true\n", USER)
    yield "set-group-id", scene.caller
    scene.own(0, user=0)
    try:
        # VFS_CAP_REVISION_2 with the effective bit; CAP_NET_RAW, permitted.
        os.setxattr(scene.program, "security.capability", struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))
    except OSError:
        return
    yield "capabilities", scene.caller


@test("privileges/environment", "A6 A9 F")
def environment(world):
    """Manifest, directories, endpoint, headers, key and consent of the caller's environment count for nothing."""
    scene = Scene(world)
    events, other = world.receiver(), world.receiver()
    elsewhere = world.path("elsewhere")
    os.mkdir(elsewhere)
    os.chmod(elsewhere, 0o777)
    content = json.dumps({"tool": {"name": TOOL}, "backend": {"kind": "http", "endpoint": other.url}})
    chosen = scene.write(scene.caller, "chosen.yaml", content, USER, 0o644)
    scene.write(elsewhere, f"telemetry/tools/{TOOL}.yaml", content, USER, 0o644)
    variables = {"TELEMETRY_MANIFEST": chosen, "OTEL_EXPORTER_OTLP_ENDPOINT": other.origin,
                 "OTEL_EXPORTER_OTLP_HEADERS": "x-secret=caller", "container": "docker", "LD_PRELOAD": "",
                 **{name: elsewhere for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "TMPDIR")}}
    for number, (kind, home) in enumerate(kinds(scene), 1):
        body = json.dumps({"tool": {"name": TOOL}, "identity": {"ephemeral": "never"}, "delivery": {"mode": "in-process"},
                           "backend": {"kind": "http", "endpoint": events.url}})
        scene.write(home, f".local/share/telemetry/tools/{TOOL}.yaml", body, OWNER if home == scene.owner else USER)
        before = scene.files(elsewhere)
        answer = scene.run(**variables)
        check("enabled: 1" in answer and "closed: 0" in answer, f"{kind}: {answer}")
        check_equal(number, len(events.accepted()), f"{kind}: events at the author's receiver")
        check_equal(before, scene.files(elsewhere), f"{kind}: files where the caller wanted them")
        check(os.path.exists(f"{home}/.local/state/telemetry/{TOOL}/control"), f"{kind}: the spool is not in {home}")
    check_equal([], other.requests(), "what the caller's receiver got")


@test("privileges/yes-does-not-count", "A6 A11")
def yes(world):
    """TELEMETRY_ENABLED=1 of the caller switches nothing on, and the explanation says why."""
    scene = Scene(world)
    receiver = scene.receiver()
    os.remove(f"{scene.owner}/.config/telemetry/{TOOL}/enabled")
    answer = scene.run(ITEST_TELEMETRY_ENABLED="1", CI="false")
    check("enabled: 0" in answer and "does not count in a program that has rights" in answer, answer)
    check_equal([], receiver.requests(), "requests")


@test("privileges/own", "H14 H15")
def own_receivers(world):
    """What the caller points at a receiver of the caller's own is not asked for: neither the caller's file nor a variable."""
    scene = Scene(world)
    receiver, other = scene.receiver(), world.receiver()
    os.remove(f"{scene.owner}/.config/telemetry/{TOOL}/enabled")
    text = json.dumps({"backends": [{"kind": "otlp", "endpoint": other.origin}]})
    for home, user in ((scene.caller, USER), (scene.owner, OWNER)):
        scene.write(home, ".config/telemetry/own.yaml", text, user)
    answer = scene.run(OTEL_METRICS_EXPORTER="otlp", OTEL_EXPORTER_OTLP_ENDPOINT=other.origin, XDG_CONFIG_HOME=f"{scene.caller}/.config")
    check("counted: 0" in answer, answer)
    check_equal(([], []), (receiver.requests(), other.requests()), "requests")
    check_equal([], scene.files(f"{scene.caller}/.local", f"{scene.owner}/.local/state"), "files")
    scene.write(scene.owner, f".config/telemetry/{TOOL}/enabled", "true\n", OWNER)
    answer = scene.run(OTEL_SDK_DISABLED="true")
    check("enabled: 0" in answer and "counted: 0" in answer, answer)


@test("privileges/refusals-count", "A4 A5 A6 A7 A16")
def refusals(world):
    """Every refusal of the caller counts: variables, and their own preference files."""
    scene = Scene(world)
    receiver = scene.receiver()
    for name, value in {"DO_NOT_TRACK": "1", "ITEST_NO_TELEMETRY": "y", "ITEST_TELEMETRY_ENABLED": "0"}.items():
        check("enabled: 0" in scene.run(**{name: value}), f"{name}={value}")
    check("local only" in scene.run(ITEST_TELEMETRY_LOCAL="1").lower(), "ITEST_TELEMETRY_LOCAL=1")
    for name in (TOOL, "_all"):
        path = scene.write(scene.caller, f".config/telemetry/{name}/enabled", "false\n", USER, 0o644)
        os.chmod(os.path.dirname(path), 0o755)
        check("enabled: 0" in scene.run(), f"the caller's {name}/enabled")
        os.remove(path)
    check_equal([], receiver.requests(), "requests")
    # What the caller has answered is behind a door that is closed to the owner.
    os.chmod(scene.caller, 0o700)
    check("enabled: 0" in scene.run(cwd="/"), "a home that cannot be looked into")
    os.chmod(scene.caller, 0o755)
    check("enabled: 1" in scene.run(), "with nothing refused")
    check_equal(1, len(receiver.accepted()), "events of the last run alone")


@test("privileges/nothing-quoted", "A9 F")
def quoted(world):
    """A file that the caller may not read is quoted in no error and no explanation, however it is pointed at."""
    scene = Scene(world)
    secret = scene.write(scene.owner, "secret/key", SECRET + "\n", OWNER)
    os.chmod(os.path.dirname(secret), 0o700)
    mapping = scene.write(scene.owner, "secret/mapping", f"{SECRET}: {SECRET}\ntelemetry: {{enabled: {SECRET}}}\n", OWNER)
    for target in (secret, mapping):
        answer = scene.run(target)
        check(SECRET not in answer and "not in order" in answer, f"{target}: {answer}")
    link = f"{scene.caller}/.itest.yaml"
    for target in (secret, mapping):
        os.symlink(target, link)
        scene.manifest({"kind": "noop"}, config={"file": "itest.yaml", "key": "telemetry.enabled", "project_file": ".itest.yaml",
                                                 "project_key": "telemetry.enabled"})
        answer = scene.run()
        check(SECRET not in answer and "off      .itest.yaml" in answer, f"a link to {target}: {answer}")
        os.remove(link)


@test("privileges/tls", "F")
def tls(world):
    """Proxies, authorities and SSLKEYLOGFILE of the caller: not used, not trusted, not written."""
    scene = Scene(world)
    proxy, receiver = world.receiver(), world.receiver(certificate=world.certificate("here"))
    scene.manifest({"kind": "http", "endpoint": receiver.url})
    authority = shutil.copy(world.certificate("ca") + ".pem", scene.caller)
    os.chmod(authority, 0o644)
    log = f"{scene.owner}/keys"
    for variables in ({"SSL_CERT_FILE": authority}, {"HTTPS_PROXY": proxy.origin, "ALL_PROXY": proxy.origin},
                      {"SSLKEYLOGFILE": log}):
        check("enabled: 1" in scene.run(**variables), f"{variables}")
    check_equal(([], []), (proxy.requests(), receiver.requests()), "requests at the proxy and at the receiver")
    check(not os.path.exists(log), "the key log was made")
    # A control: without those rights the same environment is taken.
    scene.own(0)
    scene.write(scene.caller, f".config/telemetry/{TOOL}/enabled", "true\n", USER)
    shutil.copy(f"{scene.owner}/.local/share/telemetry/tools/{TOOL}.yaml", f"{scene.caller}/m.yaml")
    os.chmod(f"{scene.caller}/m.yaml", 0o644)
    scene.run(f"{scene.caller}/m.yaml", SSL_CERT_FILE=authority)
    check_equal(1, len(receiver.accepted()), "events without those rights")


@test("privileges/key", "F")
def key(world):
    """A key that the author takes from a variable is not the caller's to give."""
    scene = Scene(world)
    receiver = world.receiver()
    scene.manifest({"kind": "http", "endpoint": receiver.url, "api_key_env": "ITEST_KEY", "api_key_header": "X-Key"})
    scene.run(ITEST_KEY="of-the-caller")
    check_equal([], receiver.requests(), "requests")


@test("privileges/no-question", "A13 A16")
def question(world):
    """Whoever calls a set-user-id program is not asked in its owner's name."""
    scene = Scene(world)
    source = SOURCE.replace("    telemetry_collector *", "    telemetry_prompt(options);\n    telemetry_collector *")
    scene.program = world.program("asking", source, f"-Wl,-rpath,{scene.library}")
    scene.manifest({"kind": "noop"})
    manifest = scene.write(scene.caller, "m.yaml", f"tool: {{name: {TOOL}}}\nbackend: {{kind: noop}}\n", USER, 0o644)
    scene.environment = {"PATH": "/usr/bin:/bin", "HOME": scene.caller}
    for bits, answers, expected in ((0, [b"n\n"], "false\n"), (stat.S_ISUID, [], None)):
        scene.own(bits)
        answered = [f"{home}/.config/telemetry/{TOOL}/enabled" for home in (scene.caller, scene.owner)]
        for path in filter(os.path.exists, answered):
            os.remove(path)
        screen = meet(scene, scene.command(manifest), answers).screen
        check_equal(len(answers), screen.count(QUESTION), f"questions; the screen: {screen!r}")
        found = [open(path).read() for path in answered if os.path.exists(path)]
        check_equal([expected] if expected else [], found, "answers stored")


DROPPING = r"""
#include <stdio.h>
#include <stdlib.h>
#include <telemetry.h>
#include <unistd.h>
static telemetry_collector *collector;
static unsigned long long recorded(int *status)
{
    telemetry_statistics counts = { .size = sizeof counts };
    *status = telemetry_get_statistics(collector, &counts);
    return counts.recorded;
}
/* dropping USER: records 10 events, gives its rights up, and records 5000 more. URL: the receiver. */
int main(int count, char **arguments)
{
    int status;
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_options_set_ephemeral(options, TELEMETRY_EPHEMERAL_NEVER);
    if (getenv("URL") != NULL) send_to(options, getenv("URL"));
    collector = telemetry_open(options);
    telemetry_options_free(options);
    for (int i = 0; i < 10; i++) put(collector, "before", NULL, 0);
    if (count != 2 || setgid(atoi(arguments[1])) != 0 || setuid(atoi(arguments[1])) != 0) return 1;
    unsigned long long first = recorded(&status);
    printf("%llu %d\n", first, status);
    int flushed = 0;
    for (int i = 0; i < 5000; i++) {
        put(collector, "after", NULL, 0);
        if (getenv("URL") != NULL && i % 1000 == 999) flushed |= telemetry_flush(collector, 10000);
    }
    unsigned long long second = recorded(&status);
    printf("%llu %d\n", second, status);
    telemetry_close(collector, 0);
#ifndef SPANS /* Whether events of others wait cannot be known any more, and it has none. */
    if (flushed != 0) return 2;
#endif
    return 0;
}
"""


@test("privileges/given-up", "E9")
def given_up(world):
    """A daemon that gives its rights up goes on counting what it holds: nothing that was recorded is unrecorded."""
    if os.geteuid() != 0:
        raise Skipped("only root has rights to give up")
    done = world.run([world.program("dropping", DROPPING), str(USER)], environment={"ITEST_TELEMETRY_ENABLED": "1"})
    # What others have left in the spool it cannot know any more, and says so.
    check_equal(["10 -50", "5010 -50"], done.stdout.splitlines(), "recorded, status")
    # Where the answer is behind a door that is closed by now, it is off; root's own events wait all the same.
    done = world.run([world.program("dropping", DROPPING), str(USER)])
    check_equal(["0 20", "0 20"], done.stdout.splitlines(), "recorded, status, without an answer that could be read")
    world.expect(20, pending=20)


@of_both("privileges/given-up-and-sent", "E9")
def given_up_and_sent(world):
    """What a daemon records after it gave its rights up is delivered from memory; what it recorded before waits for root."""
    if os.geteuid() != 0:
        raise Skipped("only root has rights to give up")
    receiver = world.receiver()
    program = world.program("dropping", DROPPING)
    world.run([program, str(USER)], environment={"URL": receiver.url, "ITEST_TELEMETRY_ENABLED": "1"})
    check_equal(["after"], sorted({event["name"] for event in receiver.accepted()}), "names of the events received")
    # The first spans that follow go into the file that is open: nothing has asked for the numbers, which looks at it.
    least = 5000 if world.records is EVENTS else 4000
    check(least <= len(receiver.accepted()) <= 5000, f"{len(receiver.accepted())} were received")
    world.manifest(receiver.url)
    world.helper("deliver", "--now")
    check_equal(5010, len(receiver.accepted()), "events received, with those of before")
