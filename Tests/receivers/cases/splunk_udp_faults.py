"""Splunk's key=value datagrams: what goes wrong, and what never may."""
import os
import re
import subprocess
import sys

import faults
import stage as stages
from cases.splunk_udp import manifest
from key_value import DatagramReceiver, free_port
from stage import BUILD
from suite import Skipped, check, check_equal, test
from vendors import program

GRACE_MS = 50


def check_deadline(done, deadline, status):
    found, milliseconds = done["close"]
    check_equal(status, int(found), "what close returned")
    check(float(milliseconds) <= deadline + GRACE_MS, f"close took {milliseconds} ms of {deadline} ms")


@test("splunk-udp/refused", "E6 E9 E12")
def refused(stage):
    """Nobody is there: all but the datagrams that the system took are kept, and sent when somebody is; none twice."""
    port = free_port()
    done = stage.send(*manifest(stage, f"udp://127.0.0.1:{port}", 12), "close=250")
    check_deadline(done, 250, stages.DELIVERY)
    status = stage.expect(12, delivered=1, pending=11)
    check("refused" in status["last_delivery"]["last_error"], status["last_delivery"])
    receiver = stage.closes(DatagramReceiver(port=port))
    stage.helper("deliver", "--now")
    check_equal([str(index) for index in range(1, 12)], [event["metadata.sequence"] for event in receiver.events()], "events that arrive later")
    stage.expect(12, delivered=12)


@test("splunk-udp/dns", "E6 E9")
def dns(stage):
    """A name server that answers nothing: close keeps its deadline, everything is kept, and sent when the name is known."""
    sys.path.append(os.path.join(os.path.dirname(stages.HERE), "faults"))
    from cell import HOST, NAME_SERVER, DeadResolver
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        raise Skipped("needs root and a mount namespace")
    server = stage.closes(faults.SilentResolver(NAME_SERVER))
    receiver = stage.closes(DatagramReceiver())
    wrapper = DeadResolver.mounts(stage, {"resolv.conf": f"nameserver {NAME_SERVER}\n", "nsswitch.conf": "hosts: files dns\n"})
    actions = manifest(stage, f"udp://{HOST}:{receiver.port}", 12)
    check_deadline(stage.send(*actions, "close=250", wrapper=wrapper), 250, stages.TIMEOUT)
    check(server.questions() > 0, "the name server was never asked")
    stage.expect(12, pending=12)
    known = DeadResolver.mounts(stage, {"hosts": f"127.0.0.1 {HOST}\n", "nsswitch.conf": "hosts: files\n"})
    child = stage.closes(stages.Child([*known, f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", stages.TOOL], stage.environment, stage.root))
    check_equal(0, child.process.wait(30), "exit code of deliver")
    check_equal(12, len(receiver.events()), "events that arrive later")
    stage.expect(12, delivered=12)


@test("splunk-udp/unreachable", "E6 E9 E12")
def unreachable(stage):
    """Without a network all is kept. In a black hole nobody can tell: the system took the datagrams, and close is done at once."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode != 0:
        raise Skipped("needs root and a network namespace")
    check_deadline(stage.send(*manifest(stage, "udp://192.0.2.7", 12), "close=250", wrapper=["unshare", "-n"]), 250, stages.DELIVERY)
    stage.expect(12, pending=12)
    hole = ["unshare", "-n", "sh", "-ec", 'ip link set lo up; ip route add 192.0.2.0/24 dev lo; exec "$@"', "sh"]
    child = stage.closes(stages.Child([*hole, f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", stages.TOOL], stage.environment, stage.root))
    check_equal(0, child.process.wait(30), "exit code of deliver")
    stage.expect(12, delivered=12)


@test("splunk-udp/killed", "E7 E12")
def killed(stage):
    """A deliverer that is killed in the middle of a batch: nothing is sent twice, and what is not known is counted so."""
    receiver = stage.closes(DatagramReceiver())
    stage.send(*manifest(stage, receiver.url, 100), "close=0")
    done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=sendto", "-e", "inject=sendto:signal=SIGKILL:when=70",
                           f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", stages.TOOL], env=stage.environment, cwd=stage.root, capture_output=True, timeout=60)
    check(done.returncode in (-9, 137), f"it was not killed: {done}")
    sent = len(receiver.events())
    check(68 <= sent <= 70, f"{sent} datagrams before it was killed")
    stage.helper("deliver", "--now")
    sequences = [int(event["metadata.sequence"]) for event in receiver.events()]
    check_equal(sequences, sorted(set(sequences)), "each once, in their order")
    status = stage.status()["events"]
    check_equal((100, 64, 36, 0), (status["recorded"], status["delivered"], status["dropped_by_reason"]["unconfirmed"], status["pending"]), "counted")


@test("splunk-udp/withdrawn", "A18 E12")
def withdrawn(stage):
    """No datagram leaves after `disable` has returned, though a batch was on its way."""
    receiver = stage.closes(DatagramReceiver())
    stage.send(*manifest(stage, receiver.url, 1000), "close=0")
    child = stage.closes(stages.Child(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=sendto", "-e", "inject=sendto:delay_enter=50000",
                                       f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", stages.TOOL], stage.environment, stage.root))
    stages.wait_until(lambda: len(receiver.all()) >= 5, "the first datagrams")
    stage.helper("disable")
    sent = len(receiver.all())
    child.process.wait(30)
    check_equal(sent, len(receiver.all()), "datagrams when disable returned, and later")
    # The batch of 64 is called off, not waited for.
    check(5 <= sent < 64, f"{sent} datagrams")
    status = stage.status()["events"]
    check_equal((1000, 0), (status["recorded"], status["pending"]), "recorded and pending")
    check_equal(1000, status["delivered"] + status["dropped"], "delivered and dropped")


def sockets(stage, command, environment=None):
    """The sockets that a command opens, libcurl too if it is loaded."""
    trace = stage.path("trace")
    subprocess.run(["strace", "-f", "-qq", "-o", trace, "-e", "trace=network,openat", *command], env={**stage.environment, **(environment or {})},
                   cwd=stage.root, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    with open(trace, errors="replace") as file:
        text = file.read()
    check("openat(" in text and "libcurl" not in text, "libcurl is loaded, or nothing was traced")
    return re.findall(r"\bsocket\((.*)\)", text), text.count("sendto(")


@test("splunk-udp/off", "A4 A8 F")
def off(stage):
    """With consent off there is no socket; with consent none before there is something to send, and one then."""
    receiver = stage.closes(DatagramReceiver())
    settings = ["--", f"endpoint={receiver.url}"]
    actions = [[program(stage), "splunk_udp", "track=3", *settings], [f"{BUILD}/bin/telemetry", "track", "x", "--tool", stages.TOOL],
               [f"{BUILD}/bin/telemetry", "deliver", "--now", "--tool", stages.TOOL]]
    stage.manifest(receiver.url, kind="splunk_udp", sections={"delivery": {"mode": "in-process"}})
    for command in actions:
        check_equal(([], 0), sockets(stage, command, {"DO_NOT_TRACK": "1"}), f"sockets and datagrams of {command[:2]} with consent off")
    check_equal([], receiver.all(), "datagrams")
    check_equal(([], 0), sockets(stage, [program(stage), "splunk_udp", *settings]), "sockets of a program that records nothing")
    opened, sent = sockets(stage, actions[0])
    check_equal((["AF_INET, SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK, IPPROTO_IP"], 3), (opened, sent), "sockets and datagrams")
    check_equal(3, len(receiver.events()), "datagrams")


@test("splunk-udp/fork", "E7 F")
def fork(stage):
    """A forked child has a socket of its own and sends its own events; the parent goes on with its own."""
    receiver = stage.closes(DatagramReceiver())
    opened, sent = sockets(stage, [program(stage), "splunk_udp", "track=3", "fork=4", "track=5", "--", f"endpoint={receiver.url}"])
    check_equal((2, 12), (len(opened), sent), "sockets and datagrams")
    check_equal([*range(3), *range(4), *range(5)], [int(event["metadata.sequence"]) for event in receiver.events()], "events")


@test("splunk-udp/processes", "E4 E7")
def processes(stage):
    """Processes that send at once: every event arrives, once."""
    receiver = stage.closes(DatagramReceiver())
    children = [stage.closes(stages.Child([program(stage), "splunk_udp", "track=200", "--", f"endpoint={receiver.url}"], stage.environment, stage.root))
                for _ in range(4)]
    for child in children:
        check_equal(0, child.process.wait(30), "exit code")
    stage.helper("deliver", "--now", expected=None)
    events = receiver.events()
    check_equal((800, 800), (len(events), len({event["event_id"] for event in events})), "events, and different ones")
