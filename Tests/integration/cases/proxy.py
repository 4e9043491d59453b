"""Proxies, as the environment names them: squid, as any user can run it."""
import glob
import os
import shutil
import subprocess
import tempfile

import faults
from stage import DELIVERY, OK, Receiver, check_once, wait_until
from suite import Skipped, check, check_equal, test

CONFIGURATION = """
http_port 127.0.0.1:%(port)d
%(secured)s
pid_filename none
netdb_filename none
pinger_enable off
cache deny all
cache_mem 1 MB
shutdown_lifetime 0 seconds
visible_hostname localhost
access_log stdio:%(root)s/access.log
cache_log %(root)s/cache.log
coredump_dir %(root)s
logfile_rotate 0
auth_param basic program %(authenticator)s %(root)s/passwords
auth_param basic children 1
acl known proxy_auth REQUIRED
http_access %(access)s
http_access deny all
"""
# What must not be seen anywhere.
PASSWORD = "pr0xy-passw0rd"


class Squid:
    """With the rule `access`; "allow known" wants the user `agent` with PASSWORD."""

    def __init__(self, stage, access="allow all", port=None, is_secured=False):
        program = shutil.which("squid") or shutil.which("/usr/sbin/squid")
        if not program:
            raise Skipped("needs squid")
        # Not in the stage's root: squid gives root's rights up, and must still get there.
        self.root = tempfile.mkdtemp(prefix="telemetry-squid-")
        self.port, self.tls_port = port or faults.free_port(), faults.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        for name in ("here.pem", "here.key"):
            shutil.copy(stage.certificate(name), self.root)
        secured = f"https_port 127.0.0.1:{self.tls_port} tls-cert={self.root}/here.pem tls-key={self.root}/here.key" if is_secured else ""
        digest = subprocess.run(["openssl", "passwd", "-apr1", PASSWORD], capture_output=True, text=True, check=True).stdout
        self._write("passwords", "agent:" + digest)
        self._write("squid.conf", CONFIGURATION % {
            "port": self.port, "secured": secured, "root": self.root, "access": access,
            "authenticator": next(iter(glob.glob("/usr/lib*/squid/basic_ncsa_auth")), "/bin/false")})
        self._hand_over()
        self.process = subprocess.Popen([program, "-N", "-f", f"{self.root}/squid.conf"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stage.closes(self)
        wait_until(self._listens, "squid listens")

    def _write(self, name, text):
        with open(os.path.join(self.root, name), "w") as file:
            file.write(text)

    def _hand_over(self):
        if os.geteuid() == 0:
            for path in [self.root, *glob.glob(self.root + "/*")]:
                shutil.chown(path, "proxy", "proxy")

    def _listens(self):
        check(self.process.poll() is None, f"squid has ended with status {self.process.poll()}")
        with faults.socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        """[(method, status)] of what it was asked; a connection without a request is the look whether it listens."""
        try:
            with open(os.path.join(self.root, "access.log")) as file:
                fields = [line.split() for line in file]
        except FileNotFoundError:
            return []
        return [(line[5], int(line[3].rpartition("/")[2])) for line in fields if line[5] != "-"]

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)


def secured_receiver(stage):
    return stage.receiver(certificate=stage.certificate("here"))


def check_secret(stage, *seen):
    """The proxy's password stands nowhere but in the environment that it came from."""
    texts = {"what the program printed": "".join(map(str, seen))}
    for command in (["status"], ["status", "--json"], ["explain"], ["doctor"], ["show", "--wire"]):
        texts["telemetry " + " ".join(command)] = stage.helper(*command, expected=None)
    for directory, _, names in os.walk(stage.path("home")):
        for name in names:
            with open(os.path.join(directory, name), "rb") as file:
                texts[name] = file.read().decode("latin-1")
    for where, text in texts.items():
        check(PASSWORD not in text, f"{where} has the password")
    check(PASSWORD in str(stage.environment), "the environment has no password, so nothing could show it")
    check("endpoint" in texts["telemetry doctor"], "doctor does not speak of the endpoint")


def fails(stage, receiver, *options):
    """A program cannot deliver; its events are kept. The last error."""
    done = stage.send(f"endpoint={receiver.url}", *options, "track=3", "info=1", "close=5000")
    check_equal(str(DELIVERY), done["close"][0], "what close returned")
    check_equal([], receiver.requests(), "requests at the receiver")
    error = stage.expect(3, pending=3)["last_delivery"]["last_error"]
    stage.manifest(receiver.url)
    check_secret(stage, done, error)
    return error


@test("proxy/connect", "F E12")
def connect(stage):
    """HTTPS_PROXY: a program and the helper deliver through CONNECT; the proxy sees no request and the receiver nothing of the proxy."""
    receiver, squid = secured_receiver(stage), Squid(stage)
    stage.environment["HTTPS_PROXY"] = squid.url
    done = stage.send(f"endpoint={receiver.url}", "header=X-Key: author", "track=3", "close=5000")
    check_equal(str(OK), done["close"][0], f"what close returned ({stage.status()['last_delivery']})")
    stage.send(f"endpoint={receiver.url}", "track=3", "close=0")
    stage.recover(receiver.url)
    check_equal(6, len({event["event_id"] for event in receiver.accepted()}), "events")
    names = {name.lower() for request in receiver.requests() for name, _ in request["headers"]}
    check(not names & {"via", "x-forwarded-for", "proxy-authorization", "proxy-connection"}, f"headers: {names}")
    wait_until(lambda: len(squid.log()) == 2, "squid has written its log")
    check_equal([("CONNECT", 200)] * 2, squid.log(), "what squid was asked")
    stage.expect(6, delivered=6)


@test("proxy/names", "F")
def names(stage):
    """https_proxy and ALL_PROXY name a proxy too; HTTP_PROXY does not for https."""
    receiver, squid = secured_receiver(stage), Squid(stage)
    for count, (name, value) in enumerate([("https_proxy", squid.url), ("ALL_PROXY", squid.url)]):
        done = stage.send(f"endpoint={receiver.url}", "track=1", "close=5000", environment={name: value})
        check_equal(str(OK), done["close"][0], f"what close returned with {name}")
        wait_until(lambda: len(squid.log()) == count + 1, f"squid was asked because of {name}")
    stage.send(f"endpoint={receiver.url}", "track=1", "close=5000", environment={"HTTP_PROXY": f"http://127.0.0.1:{faults.free_port()}"})
    stage.expect(3, delivered=3)


@test("proxy/credentials", "F E12")
def credentials(stage):
    """A proxy's credentials are used, and stand nowhere; the receiver does not get them."""
    receiver, squid = secured_receiver(stage), Squid(stage, "allow known")
    stage.environment["HTTPS_PROXY"] = squid.url.replace("//", f"//agent:{PASSWORD}@")
    done = stage.send(f"endpoint={receiver.url}", "track=3", "info=1", "close=5000")
    check_equal(str(OK), done["close"][0], f"what close returned ({stage.status()['last_delivery']})")
    check_once(receiver.accepted(), 3)
    stage.manifest(receiver.url)
    check_secret(stage, done, receiver.requests())
    check(("CONNECT", 200) in squid.log(), f"squid was asked {squid.log()}")


for NAME, ACCESS, STATUS, TITLE in [("407", "allow known", 407, "wants other credentials"), ("403", "deny all", 403, "does not allow it")]:
    for GUARANTEE in ((), ("guarantee=most",)):
        def refused(stage, access=ACCESS, status=STATUS, guarantee=GUARANTEE):
            receiver, squid = secured_receiver(stage), Squid(stage, access)
            stage.environment["HTTPS_PROXY"] = squid.url.replace("//", f"//another:{PASSWORD}@")
            error = fails(stage, receiver, *guarantee)
            check(f"proxy refuses: HTTP {status}" in error, f"the last error is {error!r}")
            check(("CONNECT", status) in squid.log(), f"squid was asked {squid.log()}")
            del stage.environment["HTTPS_PROXY"]
            stage.recover(receiver.url)
            check_once(receiver.accepted(), 3)
        refused.__doc__ = f"A proxy that {TITLE}: the events are kept, for nothing of them has left, and the error says so{', at most once' if GUARANTEE else ''}."
        test(f"proxy/{NAME}{'-once' if GUARANTEE else ''}", "E6 E7 E12" if GUARANTEE else "E6 E12")(refused)


@test("proxy/unreachable", "E6 E12")
def unreachable(stage):
    """A proxy that cannot reach the receiver (5xx to CONNECT): the events are kept."""
    receiver, squid = secured_receiver(stage), Squid(stage)
    stage.environment["HTTPS_PROXY"] = squid.url.replace("//", f"//agent:{PASSWORD}@")
    receiver.close()
    error = fails(stage, receiver)
    check("proxy refuses: HTTP 50" in error, f"the last error is {error!r}")
    again = Receiver(stage, port=receiver.port, certificate=stage.certificate("here"))
    stage.recover(again.url)
    check_once(again.accepted(), 3)


@test("proxy/down", "E6 E12")
def down(stage):
    """A proxy that is down: the events are kept, never sent around it, and delivered when it is back."""
    receiver, port = secured_receiver(stage), faults.free_port()
    stage.environment["HTTPS_PROXY"] = f"http://agent:{PASSWORD}@127.0.0.1:{port}"
    fails(stage, receiver)
    squid = Squid(stage, port=port)
    stage.recover(receiver.url)
    check_once(receiver.accepted(), 3)
    check_equal({"CONNECT"}, {method for method, _ in squid.log()}, "what squid was asked")


@test("proxy/exempt", "F E12")
def exempt(stage):
    """NO_PROXY and no_proxy: what they name is reached without the proxy."""
    receiver = secured_receiver(stage)
    for name in ("NO_PROXY", "no_proxy"):
        done = stage.send(f"endpoint={receiver.url}", "track=1", "close=5000",
                          environment={"HTTPS_PROXY": f"http://127.0.0.1:{faults.free_port()}", name: "example.org,127.0.0.1"})
        check_equal(str(OK), done["close"][0], f"what close returned with {name}")
    stage.expect(2, delivered=2)


@test("proxy/secured", "F E12")
def secured(stage):
    """A proxy that is itself reached over TLS: its certificate is checked as a receiver's is."""
    receiver, squid = secured_receiver(stage), Squid(stage, is_secured=True)
    stage.environment["HTTPS_PROXY"] = f"https://agent:{PASSWORD}@localhost:{squid.tls_port}"
    trusted = stage.environment.pop("SSL_CERT_FILE")
    fails(stage, receiver)
    stage.environment["SSL_CERT_FILE"] = trusted
    stage.recover(receiver.url)
    check_once(receiver.accepted(), 3)
    check(("CONNECT", 200) in squid.log(), f"squid was asked {squid.log()}")


@test("proxy/plain", "F E12")
def plain(stage):
    """http_proxy, in lower case only: for http to another machine, where the author allows it; a proxy's 407 is no verdict."""
    proxy = stage.receiver()
    for status, expected in (("407", DELIVERY), ("200", OK)):
        stage.manifest(f"http://192.0.2.1/status/{status}", allow_http=True)
        # A spool of its own: none is held back by the failure of the one before.
        stage.environment["XDG_STATE_HOME"] = stage.path(f"state-{status}")
        done = stage.send(f"manifest={stage.manifest_file}", "track=1", "close=5000", environment={"http_proxy": proxy.origin})
        check_equal(str(expected), done["close"][0], f"what close returned on {status}")
        stage.expect(1, delivered=int(expected == OK), pending=int(expected != OK))
    check_equal(["http://192.0.2.1/status/407", "http://192.0.2.1/status/200"], [each["path"] for each in proxy.requests()], "requests")
    stage.environment["XDG_STATE_HOME"] = stage.path("state-upper")
    stage.send(f"manifest={stage.manifest_file}", "track=1", "close=300", environment={"HTTP_PROXY": proxy.origin})
    check_equal(2, len(proxy.requests()), "requests with HTTP_PROXY as well")
    stage.expect(1, pending=1)


@test("proxy/this-machine", "F")
def this_machine(stage):
    """Plain http to this machine does not leave it, whatever proxy there is."""
    receiver, proxy = stage.receiver(), stage.receiver()
    stage.send(f"endpoint={receiver.url}", "track=3", "close=5000", environment={"http_proxy": proxy.origin, "ALL_PROXY": proxy.origin})
    check_once(receiver.accepted(), 3)
    check_equal([], proxy.requests(), "requests at the proxy")
