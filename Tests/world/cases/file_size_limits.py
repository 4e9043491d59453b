"""RLIMIT_FSIZE, as batch systems and `ulimit -f` set it: a write past it ends a program by SIGXFSZ unless somebody looks first.

The host lives, the events are kept or delivered, and the user's answer is stored: a refusal where a file may not even
have six bytes."""
from records import of_both
from suite import check, check_equal, test
from world import BUILD, TOOL, limited

SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <telemetry.h>

int main(void)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    send_to(options, getenv("URL"));
    telemetry_collector *collector = telemetry_open(options);
    int worst = 0;
    for (int i = 0; i < 100; i++) worst |= put(collector, "e", NULL, 0);
    int flushed = telemetry_flush(collector, 5000);
    telemetry_close(collector, 500);
    printf("%d %d %d\n", worst, flushed, telemetry_set_preference(options, false) < 0);
    telemetry_options_free(options);
    return 0;
}
"""


for SIZE in (0, 1, 4096, 65536):
    def scenario(world, size=SIZE):
        """A C program under a limit on file sizes lives and delivers."""
        receiver = world.receiver()
        program = world.program("limited", SOURCE)
        done = world.run([program], environment={"URL": receiver.url}, preexec_fn=limited(size))
        check(done.stdout.startswith("0 0 ") and not done.stderr, f"said {done.stdout!r} {done.stderr!r}")
        check_equal(100, len(receiver.accepted()), "what was accepted")

    of_both(f"file-size-limits/host-{SIZE}", "host")(scenario)

    def refusal(world, size=SIZE):
        """`disable` and `reset` under a limit on file sizes leave telemetry off."""
        for command in ("disable", "reset"):
            world.telemetry("enable")
            world.telemetry(command, expected=None, preexec_fn=limited(size))
            done = world.run([f"{BUILD}/bin/telemetry", "status", "--json", "--tool", TOOL])
            check('"enabled":true' not in done.stdout.replace(" ", ""), f"after {command}: {done.stdout}")

    test(f"file-size-limits/refusal-{SIZE}", "A18")(refusal)

    def counts(world, size=SIZE):
        """What was recorded before is still counted after a program under a limit on file sizes."""
        receiver = world.receiver()
        world.manifest(receiver.url)
        world.telemetry("enable")
        world.record("one")
        world.telemetry("flush")
        before = world.counted()["delivered"]
        program = world.program("limited", SOURCE)
        for _ in range(2):
            world.run([program], environment={"URL": receiver.url}, preexec_fn=limited(size))
            world.telemetry("enable")
        after = world.counted()["delivered"]
        check(after >= before == 1, f"{before} delivered, {after} after the limited programs")

    of_both(f"file-size-limits/counts-{SIZE}", "E12")(counts)
