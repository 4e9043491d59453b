"""A real Chromium, one for all tests: each browser that a test opens has its own cookies."""
import http.client
import os
import urllib.parse

import world as worlds
from agents import TELEMETRY, environment_of
from stage import wait_until
from suite import check_equal

CHROMIUM = "/usr/bin/chromium"
VIEWS = ("/", "/tool", "/waiting", "/sent", "/schema", "/receipts", "/live")
# Before anything of a page runs: a script that got in calls one of these.
ALARM = "for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = (text) => { window.alarm = String(text); };"


class Chromium:
    """Debian's, without a window. Its profile and its HOME are below `directory`."""

    def __init__(self, directory):
        self.home = os.path.join(directory, "browser")
        self.driver = self.browser = None

    def start(self, *arguments):
        """A process of its own."""
        os.makedirs(self.home, exist_ok=True)
        if self.driver is None:
            # An absent package fails the test that needs it.
            from playwright.sync_api import sync_playwright
            before = os.environ.get("TMPDIR")
            os.environ["TMPDIR"] = self.home
            self.driver = sync_playwright().start()
            del os.environ["TMPDIR"]
            if before is not None:
                os.environ["TMPDIR"] = before
        # Root has no sandbox.
        return self.driver.chromium.launch(
            executable_path=CHROMIUM, args=[*(["--no-sandbox"] if os.geteuid() == 0 else []), *arguments],
            env={"HOME": self.home, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TMPDIR": self.home})

    def context(self, **options):
        if self.browser is None:
            self.browser = self.start()
        return self.browser.new_context(**options)

    def processes(self):
        """Those of the browsers."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    variables = file.read().split(b"\0")
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    command = file.read()
            except OSError:
                continue  # it has ended meanwhile
            if f"HOME={self.home}".encode() in variables and b"chrom" in command:
                found.append(int(name))
        return found

    def close(self):
        if self.browser is not None:
            self.browser.close()
        if self.driver is not None:
            self.driver.stop()
        self.browser = self.driver = None


class World(worlds.World):
    def __init__(self, shared, chromium):
        super().__init__(shared)
        self.chromium = chromium

    def address(self, *arguments, expected=0, **options):
        """What `telemetry view` prints."""
        done = view(self, "--no-browser", *arguments, expected=expected, **options)
        return done.stdout.strip()

    def browser(self, address=None, **options):
        """Which has opened the page, unless `address` is false."""
        made = self.closes(Browser(self.chromium.context(**options)))
        if address is not False:
            made.begin(address or self.address())
        return made


def view(world, *arguments, expected=0, environment=None, **options):
    return world.run([TELEMETRY, "view", *arguments], expected=expected, environment={**environment_of(world), **(environment or {})}, **options)


class Browser:
    """With cookies of its own. It remembers what it has asked for, and what was wrong."""

    def __init__(self, context):
        self.context = context
        context.set_default_timeout(15000)
        context.add_init_script(ALARM)
        self.page = context.new_page()
        self.asked, self.complaints = [], []
        self.page.on("request", lambda request: self.asked.append(request))
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append("dialog " + dialog.message), dialog.dismiss()))
        self.origin = None

    def begin(self, address):
        parts = urllib.parse.urlsplit(address)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.last = self.page.goto(address)
        check_equal(200, self.last.status, "status of the first page")

    def go(self, path, tool=None, expected=200):
        """The page's text."""
        query = "" if tool is None or path == "/" else "?tool=" + tool
        self.last = self.page.goto(self.origin + path + query)
        check_equal(expected, self.last.status, f"status of {path}{query}")
        return self.text

    @property
    def text(self):
        return self.page.locator("body").inner_text()

    @property
    def where(self):
        """Path and query of the page that it shows."""
        return self.page.url.removeprefix(self.origin)

    @property
    def cookie(self):
        """What it shows with each request."""
        kept, = self.context.cookies(self.origin)
        return f"{kept['name']}={kept['value']}"

    @property
    def form_token(self):
        return self.page.locator("input[name=form]").first.get_attribute("value")

    def switch(self, tool):
        """The switch of a tool."""
        return self.page.get_by_role("switch", name=f"Telemetry of {tool}", exact=True)

    def others(self):
        """Requests to anybody but the page's server."""
        return [request.url for request in self.asked if not request.url.startswith((self.origin + "/", "data:", "about:"))]

    def close(self):
        if self.context is not None:
            self.context.close()
        self.context = None


def ask(origin, path, method="GET", body=None, cookie=None, host=None, **headers):
    """Status, headers and body, without a browser."""
    address = urllib.parse.urlsplit(origin)
    client = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    fields = {"Host": host or address.netloc, **({"Cookie": cookie} if cookie else {}),
              **{name.replace("_", "-"): value for name, value in headers.items()}}
    client.request(method, path, body=body, headers=fields)
    answer = client.getresponse()
    text = answer.read()
    client.close()
    return answer.status, dict(answer.getheaders()), text


FORM = "application/x-www-form-urlencoded"

__all__ = ["Browser", "Chromium", "FORM", "VIEWS", "World", "ask", "view", "wait_until"]
