"""A variable stands in the environment several times, as a careless launcher leaves it.

Readers differ in which copy they see: the C library's getenv() the first, most shells the last. Here any refusal among
them counts."""
import json

from suite import check_equal, test
from stage import BUILD, TOOL

SOURCE = r"""
#include <unistd.h>

/* launch COUNT VARIABLE... PROGRAM ARGUMENT...: with an environment of exactly these, copies and all. */
#include <stdlib.h>
#include <string.h>
int main(int count, char **arguments)
{
    int variables = count > 1 ? atoi(arguments[1]) : 0;
    char *environment[64] = { 0 };
    if (variables > 63 || count < variables + 3)
        return 2;
    memcpy(environment, arguments + 2, variables * sizeof *environment);
    execve(arguments[2 + variables], arguments + 2 + variables, environment);
    return 3;
}
"""

PROGRAM = r"""
#include <stdio.h>
#include <telemetry.h>
int main(void)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_collector *collector = telemetry_open(options);
    telemetry_options_free(options);
    printf("%d\n", telemetry_enabled(collector));
    return telemetry_close(collector, 0) < 0;
}
"""


@test("environment/copies", "A4 A5 A6 A11")
def copies(world):
    """Several copies of a refusing variable: any refusal counts, wherever it stands."""
    launch, program = world.program("launch", SOURCE), world.program("program", PROGRAM)
    basis = [f"{name}={world.environment[name]}" for name in ("HOME", "PATH", "LD_LIBRARY_PATH")]
    table = [(["DO_NOT_TRACK=0", "DO_NOT_TRACK=1"], False), (["DO_NOT_TRACK=1", "DO_NOT_TRACK=0"], False),
             (["DO_NOT_TRACK=0", "DO_NOT_TRACK=", "DO_NOT_TRACK=yes", "DO_NOT_TRACK=no"], False),
             (["DO_NOT_TRACK=0", "DO_NOT_TRACK=no"], True),
             (["ITEST_NO_TELEMETRY=0", "ITEST_NO_TELEMETRY=y"], False), (["ITEST_NO_TELEMETRY=off", "ITEST_NO_TELEMETRY= 0 "], True),
             (["ITEST_TELEMETRY_ENABLED=1", "ITEST_TELEMETRY_ENABLED=0"], False),
             (["ITEST_TELEMETRY_ENABLED=1", "ITEST_TELEMETRY_ENABLED=maybe"], False),
             (["ITEST_TELEMETRY_ENABLED=1", "ITEST_TELEMETRY_ENABLED=yes"], True),
             # A name that only begins so is another variable's.
             (["DO_NOT_TRACK_ME=1", "DO_NOT=1", "DO_NOT_TRACK=0"], True)]
    for variables, expected in table:
        given = [*basis, *variables]
        said = world.run([launch, str(len(given)), *given, program]).stdout.strip()
        check_equal(str(int(expected)), said, f"the library with {variables}")
        answer = world.run([launch, str(len(given)), *given, f"{BUILD}/bin/telemetry", "status", "--json", "--tool", TOOL]).stdout
        check_equal(expected, json.loads(answer)["enabled"], f"the helper with {variables}")
    # A preference outweighs CI; without one, continuous integration is seen in any copy.
    world.telemetry("disable")
    given = [*basis, "CI=false", "CI=true"]
    answer = json.loads(world.run([launch, str(len(given)), *given, f"{BUILD}/bin/telemetry", "explain", "--json", "--tool", TOOL]).stdout)
    ci = [each for each in answer["sources"] if each["source"] == "CI"][0]
    check_equal(("true", "off"), (ci["value"], ci["says"]), "what CI says")
