"""TLS: who is trusted, and what is not spoken."""
import os
import shutil
import socket
import ssl
import subprocess
import time

import faults
from stage import DELIVERY, OK, check_once, wait_until
from suite import Skipped, check, check_equal, test


def refused(stage, receiver, reason, **options):
    """The events are kept, nothing was received, and status says why."""
    done = stage.send(f"endpoint={receiver.url}", "track=3", "close=5000", **options)
    check_equal(str(DELIVERY), done["close"][0], "what close returned")
    check_equal([], receiver.requests(), "requests")
    error = stage.expect(3, pending=3)["last_delivery"]["last_error"]
    check(reason in error.lower(), f"the last error is {error!r}")


@test("tls/trusted", "E6 E12")
def trusted(stage):
    """A receiver whose authority SSL_CERT_FILE names gets the events."""
    receiver = stage.receiver(certificate=stage.certificate("here"))
    done = stage.send(f"endpoint={receiver.url}", "track=3", "close=5000")
    check_equal(str(OK), done["close"][0], f"what close returned ({stage.status()['last_delivery']['last_error']})")
    check_once(receiver.accepted(), 3)
    stage.expect(3, delivered=3)


@test("tls/authority", "E6 E12")
def unknown_authority(stage):
    """A receiver with a certificate of an unknown authority gets nothing."""
    receiver = stage.receiver(certificate=stage.certificate("here"))
    refused(stage, receiver, "certificate", environment={"SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"})
    stage.recover(receiver.url)  # where SSL_CERT_FILE names it
    check_once(receiver.accepted(), 3)
    stage.expect(3, delivered=3)


@test("tls/name", "E6 E12")
def wrong_name(stage):
    """A receiver with another host's certificate gets nothing."""
    refused(stage, stage.receiver(certificate=stage.certificate("elsewhere")), "certificate")


@test("tls/version", "E6 E12")
def old_version(stage):
    """A receiver that speaks only TLS 1.1 gets nothing, even where the system would allow it."""
    configuration = old_openssl(stage)
    listener = stage.closes(faults.OldTLS(stage.certificate("here.pem"), stage.certificate("here.key")))
    if not speaks_old_tls(listener.port):
        raise Skipped("TLS 1.1 cannot be spoken here at all")
    listener.url, listener.requests = f"https://127.0.0.1:{listener.port}/events", lambda: listener.handshakes[1:]
    refused(stage, listener, "ssl", environment={"OPENSSL_CONF": configuration})
    check(listener.connections >= 2, "the sender has not connected")


def old_openssl(stage):
    """A configuration of OpenSSL that allows what is long out of date."""
    configuration = stage.path("openssl.cnf")
    with open(configuration, "w") as file:
        file.write("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
                   "[c]\nMinProtocol = TLSv1\nCipherString = DEFAULT:@SECLEVEL=0\n")
    return configuration


def speaks_old_tls(port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as plain, context.wrap_socket(plain) as secured:
            return secured.version() == "TLSv1.1"
    except OSError:
        return False


@test("tls/downgrade", "E6 E12")
def downgrade(stage):
    """A redirect from https to http is refused, and the events are kept."""
    plain = stage.receiver()
    receiver = stage.receiver(f"/redirect/307?to=http://127.0.0.1:{plain.port}/events", certificate=stage.certificate("here"))
    done = stage.send(f"endpoint={receiver.url}", "track=3", "close=5000")
    check_equal(str(DELIVERY), done["close"][0], "what close returned")
    check_equal(1, len(receiver.requests()), "requests at the redirecting receiver")
    check_equal([], plain.requests(), "requests without TLS")
    stage.expect(3, pending=3)


@test("tls/plain", "E6")
def plain_elsewhere(stage):
    """An http endpoint that is not this machine is an error, and telemetry is off."""
    done = stage.send("endpoint=http://192.0.2.1/events", "track=0", "close=200")
    check("https" in " ".join(done["error"]), f"the error is {done['error']}")


def exits_inside(stage, *last):
    """Lets 50 programs exit at 50 moments of a delivery; what they recorded is there afterwards."""
    receiver = stage.receiver("/hang", certificate=stage.certificate("here"))
    stage.manifest(receiver.url)
    # How long it takes this machine to come as far as a request.
    begin = time.monotonic()
    first = stage.start(f"endpoint={receiver.url}", "track=1", "flush=60000", environment={"XDG_STATE_HOME": stage.path("state-first")})
    wait_until(receiver.requests, "the request of a program that waits", 30)
    reach = max(50, int(1500 * (time.monotonic() - begin)))
    first.close()
    for run in range(50):
        # A spool of its own: none is held back by the failure of the one before.
        stage.send(f"endpoint={receiver.url}", "track=1", f"flush={1 + run * reach // 49}", *last,
                   environment={"XDG_STATE_HOME": stage.path(f"state-{run}")})
    check(len(receiver.requests()) > 1, "no run has come as far as a request")
    receiver.mode("/status/200")
    for run in range(50):
        stage.environment["XDG_STATE_HOME"] = stage.path(f"state-{run}")
        stage.helper("deliver", "--now")
        stage.expect(1, delivered=1)
    check_equal(50, len({event["event_id"] for event in receiver.accepted()}), "events delivered")


@test("tls/exit", "E9 E12")
def exit_after_close(stage):
    """A program may call exit() right after close(1) has called off a delivery over TLS: 50 runs, no crash."""
    exits_inside(stage, "close=1", "exit=0")


@test("tls/exit-open", "E9 E12")
def exit_without_close(stage):
    """A program may call exit() while its delivery is inside TLS, without any close: 50 runs, no crash."""
    exits_inside(stage, "exit=0")


@test("tls/expired", "E6 E12")
def expired(stage):
    """A receiver whose certificate has expired gets nothing."""
    refused(stage, stage.receiver(certificate=stage.certificate("expired")), "certificate")


@test("tls/directory", "E6 E12")
def directory(stage):
    """A receiver whose authority is in SSL_CERT_DIR gets the events."""
    authorities = stage.path("authorities")
    os.mkdir(authorities)
    shutil.copy(stage.certificate("ca.pem"), authorities)
    subprocess.run(["openssl", "rehash", authorities], check=True)
    receiver = stage.receiver(certificate=stage.certificate("here"))
    chosen = {"SSL_CERT_DIR": authorities, "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"}
    done = stage.send(f"endpoint={receiver.url}", "track=3", "close=5000", environment=chosen)
    check_equal(str(OK), done["close"][0], "what close returned")
    check_once(receiver.accepted(), 3)


@test("tls/ipv6", "E6 E12")
def ipv6(stage):
    """A receiver at an IPv6 address gets the events, with TLS and, being this machine, without."""
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        raise Skipped("needs IPv6")
    for certificate in (None, stage.certificate("here")):
        receiver = stage.receiver(host="::1", certificate=certificate)
        done = stage.send(f"endpoint={receiver.url}", "track=3", "close=5000")
        check_equal(str(OK), done["close"][0], f"what close returned ({receiver.url})")
        check_once(receiver.accepted(), 3)
