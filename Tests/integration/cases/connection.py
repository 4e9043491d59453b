"""Connections that are kept, and bodies that are compressed."""
import faults
from cases.audit import wire_bytes
from stage import OK, check_once, output, wait_until
from suite import check, check_equal, test


def header(request, name):
    return [value for each, value in request["headers"] if each.lower() == name]


@test("connection/kept", "F E12")
def kept(stage):
    """All batches of a process, also those of later passes, go over one connection."""
    receiver = stage.receiver(certificate=stage.certificate("here"))
    done = stage.send(f"endpoint={receiver.url}", "segment=1048576", "track=3000", "flush=10000", "track=10", "flush=5000", "track=10", "close=5000")
    check_equal(str(OK), done["close"][0], "what close returned")
    requests = receiver.requests()
    check(len(requests) >= 5, f"only {len(requests)} requests")
    check_equal({1}, {request["connection"] for request in requests}, "connections")
    check_once(receiver.accepted(), 3020)


@test("connection/closed", "E6 E12")
def closed_meanwhile(stage):
    """A kept connection that the receiver has closed meanwhile is replaced, and no attempt counts as failed."""
    first = stage.receiver()
    child = stage.start(f"endpoint={first.url}", "track=3", "flush=5000", f"await={stage.path('go')}", "track=3", "close=5000")
    wait_until(lambda: first.requests() and stage.status()["events"]["delivered"] == 3, "the first batch has been answered")
    first.close()
    again = stage.receiver(port=first.port)
    stage.go()
    out, _ = output(child.process)
    check_equal(["flush", "close"], [line.split()[0] for line in out.splitlines()], "what it did")
    check_equal({str(OK)}, {line.split()[1] for line in out.splitlines()}, "what flush and close returned")
    check_equal([3, 3], [len(first.accepted()), len(again.accepted())], "events of either")
    check_equal(0, stage.expect(6, delivered=6)["last_delivery"]["consecutive_failures"], "failures")


@test("connection/lost", "E6 E12")
def lost(stage):
    """At least once: a request that a kept connection loses is sent once more, over a new one, without counting as failed."""
    listener = stage.closes(faults.AnswersOnce())
    done = stage.send(f"endpoint=http://127.0.0.1:{listener.port}/", "track=3", "flush=5000", "track=3", "close=5000")
    check_equal(str(OK), done["close"][0], "what close returned")
    first, *others = listener.requests
    check_equal((2, 1), (len(others), len(set(others))), "further requests, and different ones among them")
    check(first not in others, "the first was sent again")
    check_equal(0, stage.expect(6, delivered=6)["last_delivery"]["consecutive_failures"], "failures")


@test("connection/lost-once", "E7 E12")
def lost_once(stage):
    """At most once: no connection is kept that could lose a request after the receiver has it, so none is sent twice."""
    listener = stage.closes(faults.AnswersOnce())
    done = stage.send(f"endpoint=http://127.0.0.1:{listener.port}/", "guarantee=most", "track=3", "flush=5000", "track=3", "close=5000")
    check_equal(str(OK), done["close"][0], "what close returned")
    check_equal((2, 2, 2), (len(listener.requests), len(set(listener.requests)), listener.connections), "requests, different ones, connections")
    stage.expect(6, delivered=6)


@test("connection/gzip", "F B3 E12")
def compressed(stage):
    """compression: gzip: the receiver decodes exactly the body that is shown, and fewer bytes have come."""
    receiver = stage.receiver()
    stage.manifest(receiver.url, compression="gzip")
    stage.send(f"manifest={stage.manifest_file}", "track=300", "close=0")
    head, _, body = wire_bytes(stage).removesuffix(b"\n").partition(b"\r\n\r\n")
    check_equal([], receiver.requests(), "requests before the delivery")
    stage.helper("deliver", "--now")
    [request] = receiver.requests()
    check_equal(["gzip"], header(request, "content-encoding"), "Content-Encoding")
    check(b"\r\nContent-Encoding: gzip\r\n" in head, f"shown: {head!r}")
    check_equal(body.decode(), request["body"], "the body as shown and as decoded")
    check_equal([str(request["length"])], header(request, "content-length"), "Content-Length")
    check(f"\r\nContent-Length: {request['length']}".encode() in head, f"shown: {head!r}")
    check(request["length"] * 4 < len(body), f"{request['length']} bytes for {len(body)}")
    check_once(receiver.accepted(), 300)
    stage.expect(300, delivered=300)


@test("connection/gzip-split", "E8 E12")
def compressed_split(stage):
    """Compressed batches are halved on 413 as others are, and each event arrives once, also in C."""
    receiver = stage.receiver("/limit/40")
    stage.manifest(receiver.url, compression="gzip")
    done = stage.send(f"manifest={stage.manifest_file}", "track=100", "close=10000")
    check_equal(str(OK), done["close"][0], "what close returned")
    check_equal({("gzip",)}, {tuple(header(request, "content-encoding")) for request in receiver.requests()}, "Content-Encoding")
    check_once(receiver.accepted(), 100)


@test("connection/patience", "F E12")
def patience(stage):
    """The author's timeout holds, a longer one than the usual 5 s too."""
    receiver = stage.receiver("/late/5300")
    done = stage.send(f"endpoint={receiver.url}", "timeout=20000", "track=3", "close=20000")
    check_equal(str(OK), done["close"][0], "what close returned")
    check_equal(1, len(receiver.requests()), "requests")
    stage.expect(3, delivered=3)
