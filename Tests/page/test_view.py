"""J7, J8: `telemetry view`, and the address that counts once."""
import json
import os
import re
import signal
import socket
import threading

import stocking
from agents import TELEMETRY, Agent, ask, environment_of
from browsing import ask as fetch
from browsing import view
from stage import ended
from suite import check, check_equal, test

ADDRESS = re.compile(r"http://127\.0\.0\.1:[0-9]+/\?token=[0-9a-f]{32}\n")
SENTENCE = "whose address counts once. Run 'telemetry view' again."
# Preloaded: the monotonic clock is as many seconds ahead as the file AHEAD holds at that moment.
AHEAD = """
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_MONOTONIC) {
        char text[32] = "0";
        int file = open(getenv("AHEAD"), O_RDONLY | O_CLOEXEC);
        if (read(file, text, sizeof text - 1) < 0)
            text[0] = 0;
        close(file);
        now->tv_sec += atoll(text);
    }
    return result;
}
"""


def status(world):
    return json.loads(ask(world, "status", "--json").stdout)


@test("view/address", "J7")
def address(world):
    """It prints an address with a token of 128 bits, another one each time; --json, --quiet; wrong options end with code 2."""
    agent = Agent(world)
    first, second = view(world, "--no-browser"), view(world, "--no-browser", "--quiet")
    for done in (first, second):
        check(ADDRESS.fullmatch(done.stdout), done.stdout)
    check(first.stdout != second.stdout, "the same token twice")
    check_equal(first.stdout.partition("?")[0], second.stdout.partition("?")[0], "place")
    check("it counts once" in first.stderr, first.stderr)
    check_equal("", second.stderr, "with --quiet")
    said = json.loads(view(world, "--json").stdout)
    check(ADDRESS.fullmatch(said["address"] + "\n"), f"{said}")
    check_equal({"address", "started_agent"}, set(said), "members")
    check_equal(False, said["started_agent"], "whether it has started an agent")
    for wrong in (["--tool", "x"], ["--manifest", "/x"], ["x"], ["--browser"], ["--no-browser=1"]):
        check_equal("", view(world, *wrong, expected=2).stdout, f"output with {wrong}")
    agent.end()


@test("view/starts", "J7")
def starts(world):
    """Without an agent it starts one, which ends by itself some day; its page can be opened."""
    said = json.loads(view(world, "--json").stdout)
    check_equal(True, said["started_agent"], "whether it has started an agent")
    process = status(world)["process"]
    with open(f"/proc/{process}/cmdline", "rb") as file:
        command = file.read().split(b"\0")
    check(b"--idle-exit" in command, f"{command}")
    browser = world.browser(said["address"])
    check("For all tools" in browser.text, browser.text)
    again = json.loads(view(world, "--json").stdout)
    check_equal((False, process), (again["started_agent"], status(world)["process"]), "the second time")
    ask(world, "stop")


@test("view/desktop", "J7")
def desktop(world):
    """With a desktop the browser gets the address and nothing else; if that fails, the address is printed."""
    agent = Agent(world)
    programs, got = world.path("programs"), world.path("opened")
    os.mkdir(programs)
    opener = os.path.join(programs, "xdg-open")

    def installed(code):
        with open(opener, "w") as file:
            file.write(f"#!/bin/sh\nprintf '%s|' \"$@\" >'{got}'\nexit {code}\n")
        os.chmod(opener, 0o755)
    desktop = {"PATH": f"{programs}:/usr/bin:/bin", "DISPLAY": ":77"}
    installed(0)
    done = view(world, environment=desktop)
    with open(got) as file:
        given = file.read()
    check(ADDRESS.fullmatch(given[:-1] + "\n") and given[-1] == "|", given)
    check("token" not in done.stdout + done.stderr, f"the token is shown: {done}")
    check_equal(200, fetch_page(given[:-1]), "what the browser gets")
    installed(3)
    check(ADDRESS.fullmatch(view(world, environment=desktop).stdout), "the address, when xdg-open fails")
    os.unlink(got)
    check(ADDRESS.fullmatch(view(world, "--no-browser", environment=desktop).stdout), "the address with --no-browser")
    check(ADDRESS.fullmatch(view(world, environment={"PATH": desktop["PATH"]}).stdout), "the address without a desktop")
    check(not os.path.exists(got), "xdg-open was run")
    agent.end()


def fetch_page(address):
    """The status of the page behind an address."""
    origin, _, query = address.partition("/?")
    status, fields, _ = fetch(origin, "/?" + query)
    return status if status != 303 else fetch(origin, "/", cookie=fields["Set-Cookie"].partition(";")[0])[0]


@test("view/nowhere", "J7")
def nowhere(world):
    """No directory for the agent's socket: code 5, and the next command to type."""
    runtime = environment_of(world)["XDG_RUNTIME_DIR"]
    with open(os.path.join(runtime, "telemetry"), "w"):
        pass
    done = view(world, "--no-browser", expected=5)
    check_equal("", done.stdout, "output")
    check("'telemetry agent' says why" in done.stderr, done.stderr)


@test("view/once", "J7 J8")
def once(world):
    """The address opens the page in one browser alone, which may load it again."""
    agent = Agent(world)
    stocking.waiting(world)
    address = world.address()
    first = world.browser(address)
    check_equal("/", first.where, "where the browser is: the token is not in its address")
    kept, = first.context.cookies()
    check_equal((True, "Strict", -1, "/"), (kept["httpOnly"], kept["sameSite"], kept["expires"], kept["path"]), "the cookie")
    second = world.browser(False)
    answer = second.page.goto(address)
    check_equal(403, answer.status, "status for the second browser")
    check(SENTENCE in second.text, second.text)
    check_equal([], second.context.cookies(), "cookies of the second browser")
    for _ in range(2):
        check_equal(200, first.page.goto(address).status, "the address in the first browser again")
        check_equal("/", first.where, "where it is")
    check_equal(200, first.page.reload().status, "loaded again")
    # Another address is for another browser, and takes nothing from the first.
    third = world.browser(world.address())
    check_equal(403, second.page.goto(third.origin + "/").status, "without a token")
    first.go("/tool", "waiting")
    agent.end()


@test("view/ends", "J7 J8")
def ends(world):
    """A token ends after 10 minutes, what it opened 30 minutes after its last use; then port and agent go too."""
    ahead = world.path("ahead")

    def set_ahead(seconds):
        with open(ahead + ".new", "w") as file:
            file.write(str(seconds))
        os.rename(ahead + ".new", ahead)
    set_ahead(0)
    agent = Agent(world, "--idle-exit", "1", environment={"AHEAD": ahead, "LD_PRELOAD": world.preload("ahead", AHEAD)})
    old, used = world.address(), world.address()
    browser = world.browser(used)
    set_ahead(590)
    late = world.browser(old)
    set_ahead(590 + 1790)
    browser_status = browser.page.goto(browser.origin + "/").status
    check_equal(403, browser_status, "the first browser, 2380 s after its last use")
    check_equal(200, late.page.goto(late.origin + "/").status, "the other browser, 1790 s after its last use")
    browser.close()
    unused = world.address()
    check_equal(None, agent.process.poll(), "the agent while somebody may look")
    set_ahead(590 + 1790 + 601)
    origin, _, query = unused.partition("/?")
    check_equal(403, fetch(origin, "/?" + query)[0], "a token after 601 s")
    check_equal(200, late.page.goto(late.origin + "/").status, "the other browser")
    # A connection that a browser keeps for later keeps the agent.
    late.close()
    set_ahead(590 + 1799 + 601 + 1801)
    # What has been asked for last wakes the agent, which then sees what time it is.
    status(world)
    check_equal(0, ended(agent.process, 20), "exit code of the agent when nobody may look any more")


@test("view/older", "J7")
def older(world):
    """An agent that is older, and has no page, is named."""
    agent = Agent(world)
    path = agent.socket
    # Behind its back another program listens there, while its lock is taken: it would renew its own socket.
    os.kill(agent.id, signal.SIGSTOP)
    os.unlink(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def answer():
            client, _ = server.accept()
            client.recv(65536)
            client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            client.close()
        threading.Thread(target=answer, daemon=True).start()
        done = world.run([TELEMETRY, "view", "--no-browser"], expected=5, environment=environment_of(world))
        check("'telemetry agent stop' ends it" in done.stderr, done.stderr)
    os.kill(agent.id, signal.SIGCONT)
