"""J7, J9: the view that lasts."""
import os
import re
import signal
import time

import stocking
from agents import Agent, ask, children, manifest
from browsing import wait_until
from origin import Origin
from stage import ended
from stocking import telemetry
from suite import check, check_equal, test

LIVE = "Live: changes are shown as they come."


def page_processes(agent):
    """Copies of the agent that answer somebody: a worker has another niceness."""
    found = []
    for process in children(agent.id):
        try:
            with open(f"/proc/{process}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[16] == "0" and fields[0] != "Z":
            found.append(process)
    return found


def opened(world):
    """A tool whose receiver cannot be reached, and its live view."""
    manifest(world, "live", stocking.NOBODY)
    telemetry(world, "live", "track", "before")
    agent = Agent(world)
    browser = world.browser()
    browser.go("/live", "live")
    browser.page.get_by_text(LIVE).wait_for()
    return agent, browser


@test("live/follows", "J7")
def follows(world):
    """What is recorded appears by itself; Pause stops that, Go on continues; a closed browser leaves no process."""
    agent, browser = opened(world)
    check("before" in browser.text, browser.text)
    begun = time.monotonic()
    telemetry(world, "live", "track", "appears")
    browser.page.get_by_text("appears").wait_for()
    took = time.monotonic() - begun
    telemetry(world, "live", "count", "jobs", "--by", "41")
    browser.page.locator("td", has_text="41").wait_for()
    check_equal(1, len(page_processes(agent)), "processes for one view")
    browser.page.get_by_role("button", name="Pause").click()
    check("Paused." in browser.text, browser.text)
    wait_until(lambda: not page_processes(agent), "the paused view's process ends")
    telemetry(world, "live", "track", "meanwhile")
    browser.page.wait_for_timeout(1500)
    check("meanwhile" not in browser.text, "a paused view has changed")
    browser.page.get_by_role("button", name="Go on").click()
    browser.page.get_by_text("meanwhile").wait_for()
    browser.page.get_by_text(LIVE).wait_for()
    telemetry(world, "live", "disable")
    browser.page.locator("dd", has_text="off").wait_for()
    check("meanwhile" not in browser.text, "what was erased")
    check_equal([], browser.complaints, "complaints")
    browser.page.close()
    wait_until(lambda: not page_processes(agent), "no process is left")
    agent.end()
    return f"an event after {took:.1f} s"


@test("live/focus", "J7")
def focus(world):
    """What somebody reads with the keyboard stays until the focus leaves it, and an opened part stays open."""
    agent, browser = opened(world)
    telemetry(world, "live", "count", "jobs", "--by", "7")
    browser.page.locator("td", has_text="7").first.wait_for()
    list_ = browser.page.get_by_role("region", name="The latest records")
    list_.focus()
    telemetry(world, "live", "track", "while reading")
    browser.page.get_by_text("Changes wait until the focus leaves the list.").wait_for()
    check("while reading" not in browser.text, "the list was replaced under the reader")
    check(list_.evaluate("each => each === document.activeElement"), "the focus is lost")
    browser.page.get_by_role("button", name="Pause").focus()
    browser.page.get_by_text("while reading").wait_for()
    browser.page.get_by_text(LIVE).wait_for()
    agent.end()


@test("live/metrics", "J7")
def metrics(world):
    """A metric that changes is drawn over time from when the view was opened; its numbers are those that it had."""
    agent, browser = opened(world)
    for by, value in ((5, "5"), (6, "11"), (9, "20")):
        telemetry(world, "live", "count", "jobs", "--by", str(by))
        browser.page.get_by_role("region", name="Values of the metrics").locator("td", has_text=re.compile(f"^{value}$")).wait_for()
    figure = browser.page.locator("figure", has_text="jobs").last
    figure.locator("polyline").wait_for(state="attached")
    summary = figure.locator("summary")
    summary.click()
    shown = [row.locator("td").inner_text() for row in figure.locator("tbody tr").all()]
    check_equal(["5", "11", "20"], [each for each in shown if each != "0"], "values over time")
    agent.end()


@test("live/end", "J7 J1")
def end(world):
    """The agent's end is not delayed by views, ends their processes, and is said."""
    agent, browser = opened(world)
    processes = page_processes(agent)
    begun = time.monotonic()
    agent.ask("stop")
    check_equal(0, ended(agent.process), "exit code of the agent")
    took = time.monotonic() - begun
    check(took < 3, f"it took {took:.1f} s")
    wait_until(lambda: not any(os.path.exists(f"/proc/{each}") for each in processes), "no process is left")
    browser.page.get_by_text("Not connected. The agent may have ended").wait_for()
    check("before" in browser.text, "what was shown last")


@test("live/killed", "J7 J9")
def killed(world):
    """A view whose process is killed goes on by itself; an agent that is killed leaves no process."""
    agent, browser = opened(world)
    process, = page_processes(agent)
    os.kill(process, signal.SIGKILL)
    browser.page.get_by_text("Not connected.").wait_for()
    telemetry(world, "live", "track", "afterwards")
    browser.page.get_by_text("afterwards").wait_for()
    browser.page.get_by_text(LIVE).wait_for()
    processes = page_processes(agent)
    check_equal(1, len(processes), "processes")
    check(process not in children(agent.id), "the killed one is still there")
    agent.kill()
    wait_until(lambda: not any(os.path.exists(f"/proc/{each}") for each in processes), "no process is left")
    ask(world, "status", expected=12)


@test("live/delivered", "J7")
def delivered(world):
    """An event is seen to wait, and then to be sent."""
    origin = world.closes(Origin(503))
    manifest(world, "live", origin.url)
    telemetry(world, "live", "track", "on its way")
    browser = world.browser()
    browser.go("/live", "live")
    browser.page.locator("tr", has_text="on its way").get_by_text("waiting").wait_for()
    origin.answer = 200
    telemetry(world, "live", "deliver", "--now")
    browser.page.locator("tr", has_text="on its way").get_by_text("sent").wait_for()
    ask(world, "stop")
