"""J7, A8: the switch does what the command does, and the page says what has come of it."""
import os
import subprocess

import stocking
from agents import Agent, manifest, pending
from browsing import VIEWS, wait_until
from stocking import telemetry
from suite import Skipped, check, check_equal, test
from world import TOOL


def answer(world, tool):
    """What is stored; nil: nothing."""
    try:
        with open(world.path("home", ".config", "telemetry", tool, "enabled")) as file:
            return file.read().strip()
    except FileNotFoundError:
        return None


def is_on(browser, tool):
    return browser.switch(tool).get_attribute("aria-checked")


def switched(world, browser, act, tool="waiting"):
    """Off and on again, on the page that is shown."""
    check_equal(3, pending(world, tool), "events that wait")
    place = browser.where
    act(browser.switch(tool))
    browser.page.locator(f"[aria-label='Telemetry of {tool}'][aria-checked=false]").wait_for()
    check_equal((place, "false", "false", 0), (browser.where, is_on(browser, tool), answer(world, tool), pending(world, tool)),
                "page, switch, answer and what waits after off")
    check("the user disabled it" in browser.text, "who decided")
    act(browser.switch(tool))
    browser.page.locator(f"[aria-label='Telemetry of {tool}'][aria-checked=true]").wait_for()
    check_equal((place, "true", "true"), (browser.where, is_on(browser, tool), answer(world, tool)), "page, switch and answer after on")
    check("the user enabled it" in browser.text, "who decided")


@test("switch/mouse", "J7 A8 A17")
def mouse(world):
    """A click stores the refusal and erases what waits; another takes it back. On both pages that have the switch."""
    stocking.waiting(world)
    agent = Agent(world)
    browser = world.browser()
    switched(world, browser, lambda switch: switch.click())
    stocking.waiting(world)
    browser.go("/tool", "waiting")
    switched(world, browser, lambda switch: switch.click())
    # A page that is loaded again asks for nothing.
    browser.page.reload()
    check_equal("true", answer(world, "waiting"), "the answer after another look")
    agent.end()


@test("switch/keys", "J7 A8")
def keys(world):
    """The same with the keyboard alone: Tab, then Space or Enter."""
    stocking.waiting(world)
    agent = Agent(world)
    browser = world.browser()
    for key in ("Space", "Enter"):
        stocking.waiting(world, events=3 - pending(world, "waiting"))

        def act(switch, key=key):
            browser.page.keyboard.press("Control+Home")
            for _ in range(60):
                browser.page.keyboard.press("Tab")
                if switch.evaluate("each => each === document.activeElement"):
                    with browser.page.expect_navigation():
                        browser.page.keyboard.press(key)
                    return
            raise AssertionError("Tab does not come to the switch")
        switched(world, browser, act)
    agent.end()


@test("switch/without-script", "J7")
def without_script(world):
    """Without script every view has its content, and the switch works."""
    stocking.waiting(world)
    stocking.sent(world)
    agent = Agent(world)
    browser = world.browser(java_script_enabled=False)
    for path, words in zip(VIEWS, ("For all tools", "Who decides", "Nothing waits", "Verified: 1 entry", "has these fields", "Nobody was asked", "load the page again")):
        check(words in browser.go(path, "sent"), f"{words!r} in {path}: {browser.text}")
    check_equal(0, browser.page.get_by_role("button", name="Pause").count(), "buttons that need script")
    check("export" in browser.text, "the records in the view that lasts")
    browser.go("/")
    browser.switch("waiting").click()
    check_equal(("/", "false", "false", 0), (browser.where, is_on(browser, "waiting"), answer(world, "waiting"), pending(world, "waiting")), "off")
    browser.switch("waiting").click()
    check_equal(("true", "true"), (is_on(browser, "waiting"), answer(world, "waiting")), "on")
    browser.page.get_by_role("button", name="Refuse for all tools").click()
    check_equal("false", answer(world, "_all"), "for all tools")
    check_equal([], browser.complaints, "complaints")
    agent.end()


@test("switch/all", "J7 A8")
def every_tool(world):
    """A refusal for all tools stops each of them and erases what waits, whatever its own answer is; taken back, the answers count again."""
    stocking.waiting(world)
    agent = Agent(world)
    browser = world.browser()
    browser.page.get_by_role("button", name="Refuse for all tools").click()
    browser.page.get_by_role("button", name="Let each tool's own answer count").wait_for()
    check("You have refused for all tools" in browser.text, browser.text)
    check_equal(("false", "true", 0), (answer(world, "_all"), answer(world, "waiting"), pending(world, "waiting")), "answers, and what waits")
    check_equal({"false"}, {is_on(browser, tool) for tool in ("waiting", TOOL)}, "switches")
    # One tool alone cannot be switched on meanwhile, and the page says why.
    browser.switch("waiting").click()
    browser.page.get_by_role("heading", name="That did not do what you asked for").wait_for()
    check("all tools" in browser.text, browser.text)
    check_equal("false", answer(world, "_all"), "the refusal for all")
    browser.go("/")
    browser.page.get_by_role("button", name="Let each tool's own answer count").click()
    browser.page.get_by_role("button", name="Refuse for all tools").wait_for()
    check_equal((None, "true"), (answer(world, "_all"), is_on(browser, TOOL)), "answer and switch")
    agent.end()


@test("switch/overruled", "J7 J8")
def overruled(world):
    """What stands above the user's answer is said: DO_NOT_TRACK and a variable of the tool in the agent's environment, and a wrong manifest."""
    stocking.waiting(world)
    stocking.broken(world)
    agent = Agent(world, environment={"DO_NOT_TRACK": "1"})
    browser = world.browser()
    check_equal("false", is_on(browser, "waiting"), "switch")
    check("DO_NOT_TRACK" in browser.text, "who decided")
    browser.switch("waiting").click()
    browser.page.get_by_role("heading", name="That did not do what you asked for").wait_for()
    check("DO_NOT_TRACK" in browser.page.locator("main").inner_text(), browser.text)
    browser.go("/")
    browser.switch("broken").click()
    browser.page.get_by_role("heading", name="That did not do what you asked for").wait_for()
    agent.end()
    agent = Agent(world, environment={"WAITING_NO_TELEMETRY": "1"})
    browser = world.browser()
    check_equal("false", is_on(browser, "waiting"), "switch")
    browser.switch("waiting").click()
    browser.page.get_by_role("heading", name="That did not do what you asked for").wait_for()
    check("WAITING_NO_TELEMETRY" in browser.page.locator("main").inner_text(), browser.text)
    agent.end()
    # A variable that agrees is about the run of one program: the agent leaves it out, and a no is a no.
    agent = Agent(world, environment={"WAITING_TELEMETRY_ENABLED": "1"})
    browser = world.browser()
    check_equal("true", is_on(browser, "waiting"), "switch, by the answer")
    browser.switch("waiting").click()
    wait_until(lambda: is_on(browser, "waiting") == "false", "it is off")
    agent.end()


@test("switch/read-only", "J7 A8")
def read_only(world):
    """An answer that cannot be stored: 409, why, and what to do."""
    if os.geteuid() != 0:
        raise Skipped("only root can mount")
    manifest(world, "waiting", stocking.NOBODY)
    config = world.path("home", ".config")
    subprocess.run(["mount", "--bind", config, config], check=True)
    world.mounts.append(config)
    telemetry(world, "waiting", "track", "x")
    agent = Agent(world)
    subprocess.run(["mount", "-o", "remount,bind,ro", config], check=True)
    browser = world.browser()
    statuses = []
    browser.page.on("response", lambda response: statuses.append(response.status) if response.url.endswith("/answer") else None)
    for act in (lambda: browser.switch("waiting").click(), lambda: browser.page.get_by_role("button", name="Refuse for all tools").click()):
        browser.go("/")
        act()
        browser.page.get_by_role("heading", name="That did not do what you asked for").wait_for()
        text = browser.page.locator("main").inner_text()
        check("Read-only file system" in text and "DO_NOT_TRACK=1" in text, text)
    check_equal([409, 409], statuses, "status")
    check_equal("true", answer(world, "waiting"), "the answer")
    agent.end()
