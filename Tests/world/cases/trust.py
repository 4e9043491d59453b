"""What is wrong with a receiver's TLS is said in words that tell what to do. Elsewhere it was one sentence for all of it."""
import os

from origin import Origin, server_context
from suite import Skipped, check, test
from world import CLOCK, World

YEAR = 365 * 86400
GNUTLS = "/usr/lib/x86_64-linux-gnu/libcurl-gnutls.so.4"


def refused(stage, sentence, certificate="here", authority=None, wanted="", **environment):
    origin = stage.closes(Origin(context=server_context(stage.certificate(certificate), authority)))
    stage.manifest(origin.url, {"delivery": {"mode": "in-process"}})
    stage.send(f"manifest={stage.manifest_file}", "track=1", "close=5000", environment=environment)
    stage.expect(1, pending=1)
    error = stage.status()["last_delivery"]["last_error"]
    check(sentence in error and wanted in error, f"the last error is {error!r}")
    check(not origin.requests, "a request arrived")


def library(stage, name):
    """What the sender finds as libcurl: nothing else, or GnuTLS's build."""
    if name == "openssl":
        return {}
    if not os.path.exists(GNUTLS):
        raise Skipped("libcurl of GnuTLS is not installed")
    os.makedirs(stage.path("gnutls"), exist_ok=True)
    if not os.path.islink(stage.path("gnutls", "libcurl.so.4")):
        os.symlink(GNUTLS, stage.path("gnutls", "libcurl.so.4"))
    return {"LD_LIBRARY_PATH": stage.environment["LD_LIBRARY_PATH"] + ":" + stage.path("gnutls")}


for LIBRARY in ("openssl", "gnutls"):
    @test(f"trust/{LIBRARY}/expired", "F")
    def expired(stage, name=LIBRARY):
        """The certificate has run out, or the clock is ahead."""
        refused(stage, "the receiver's certificate has expired", "expired", **library(stage, name))
        with World(stage.shared) as world:
            refused(world, "the receiver's certificate has expired", LD_PRELOAD=world.preload("clock", CLOCK), SHIFT=str(YEAR),
                    **library(world, name))

    @test(f"trust/{LIBRARY}/early", "F")
    def early(stage, name=LIBRARY):
        """It is not valid yet; or the clock is behind."""
        refused(stage, "the receiver's certificate is not valid yet: is the clock right?", LD_PRELOAD=stage.preload("clock", CLOCK),
                SHIFT=str(-YEAR), **library(stage, name))

    @test(f"trust/{LIBRARY}/authority", "F")
    def authority(stage, name=LIBRARY):
        """Nobody here trusts the authority."""
        refused(stage, "the receiver's certificate is from an authority that is not trusted here",
                SSL_CERT_FILE="/etc/ssl/certs/ca-certificates.crt", **library(stage, name))

    @test(f"trust/{LIBRARY}/host", "F")
    def host(stage, name=LIBRARY):
        """It is another host's."""
        refused(stage, "the receiver's certificate is for another host", "elsewhere", **library(stage, name))

    @test(f"trust/{LIBRARY}/client", "F")
    def client(stage, name=LIBRARY):
        """The receiver asks for a client's certificate: OpenSSL's own server, in TLS 1.3."""
        # The server says so when the handshake has ended: its reset may overtake its words, and GnuTLS has but one for all alerts.
        for _ in range(4):
            with World(stage.shared) as world:
                refused(world, "want", authority=world.certificate("ca") + ".pem", wanted="a client certificate", **library(world, name))


@test("trust/client-by-page", "F")
def client_by_page(stage):
    """nginx lets the handshake pass and answers 400 with a page: kept, where every other 400 is for good."""
    page = 400, {"Content-Type": "text/html"}, b"<html><h1>400 Bad Request</h1><center>No required SSL certificate was sent</center>"
    origin = stage.closes(Origin(page))
    stage.manifest(origin.url, {"delivery": {"mode": "in-process"}})
    stage.send(f"manifest={stage.manifest_file}", "track=1", "close=5000")
    error = stage.expect(1, pending=1)["last_delivery"]["last_error"]
    check("wants a client certificate" in error, error)
