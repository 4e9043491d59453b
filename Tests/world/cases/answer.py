"""An answer that cannot be read for a while: nothing is sent, and nothing that others have recorded is erased.

A program without a descriptor left once took its own want for a withdrawal, and the tool's whole spool went."""
import os

from stage import wait_until
from suite import check_equal, test
from world import TOOL


@test("answer/unreadable", "A18 E12")
def unreadable(world):
    """While the answer is no file a program sends nothing and is off; the events wait, and go when it can be read again."""
    receiver = world.receiver()
    child = world.start(f"endpoint={receiver.url}", "track=3", f"await={world.path('go')}", "close=2000")
    wait_until(lambda: world.status()["events"]["recorded"] == 3, "three events are recorded")
    answer = world.path("home", ".config", "telemetry", TOOL, "enabled")
    os.rename(answer, answer + ".away")
    os.mkdir(answer)
    world.go()
    check_equal(0, child.process.wait(30), "exit code of the program")
    check_equal([], receiver.requests(), "requests")
    os.rmdir(answer)
    os.rename(answer + ".away", answer)
    world.expect(3, pending=3)
    world.recover(receiver.url)
    world.expect(3, delivered=3)


@test("answer/withdrawn", "A18 E12")
def withdrawn(world):
    """Beside it: where the answer can be read and is no, what waits is erased."""
    receiver = world.receiver()
    child = world.start(f"endpoint={receiver.url}", "track=3", f"await={world.path('go')}", "close=2000")
    wait_until(lambda: world.status()["events"]["recorded"] == 3, "three events are recorded")
    with open(world.path("home", ".config", "telemetry", TOOL, "enabled"), "w") as file:
        file.write("false\n")
    world.go()
    check_equal(0, child.process.wait(30), "exit code of the program")
    check_equal([], receiver.requests(), "requests")
    world.expect(3, withdrawn=3)
