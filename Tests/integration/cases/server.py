"""nginx in front of the receiver: what the web's receivers are in truth."""
import os
import shutil
import subprocess

import faults
from cases.failures import next_attempt
from cases.tls import old_openssl, refused, speaks_old_tls
from stage import DELIVERY, OK, check_once, wait_until
from suite import Skipped, check, check_equal, test

CONFIGURATION = """
daemon off;
master_process off;
pid %(root)s/nginx.pid;
error_log %(root)s/nginx.log;
events { }
http {
    access_log %(root)s/access.log;
    client_body_temp_path %(root)s/body; proxy_temp_path %(root)s/proxy; fastcgi_temp_path %(root)s/fastcgi;
    uwsgi_temp_path %(root)s/uwsgi; scgi_temp_path %(root)s/scgi;
    limit_req_zone $binary_remote_addr zone=requests:1m rate=1r/m;
    limit_req_status 429;
    server {
        listen 127.0.0.1:%(port)d ssl http2;
        ssl_certificate %(certificate)s.pem;
        ssl_certificate_key %(certificate)s.key;
        %(server)s
        location / { %(location)s proxy_pass http://127.0.0.1:%(upstream)d; }
    }
}
"""


class Nginx:
    """Terminates TLS and hands requests on, with the given directives."""

    def __init__(self, stage, upstream, server="", location="", environment=None):
        program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
        if not program:
            raise Skipped("needs nginx")
        self.port = faults.free_port()
        self.url = f"https://localhost:{self.port}/events"
        self.access = stage.path("access.log")
        with open(stage.path("nginx.conf"), "w") as file:
            file.write(CONFIGURATION % {"root": stage.root, "port": self.port, "certificate": stage.certificate("here"),
                                        "upstream": upstream.port, "server": server, "location": location})
        self.process = subprocess.Popen([program, "-p", stage.root, "-e", stage.path("nginx.log"), "-c", stage.path("nginx.conf")],
                                        env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stage.closes(self)
        wait_until(self._listens, "nginx listens")

    def _listens(self):
        check(self.process.poll() is None, f"nginx has ended with status {self.process.poll()}")
        with faults.socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def answers(self):
        """Protocol and status of each request."""
        with open(self.access) as file:
            return [(line.split('"')[1].split()[-1], int(line.split('"')[2].split()[0])) for line in file]

    def requests(self):
        return self.answers() if os.path.exists(self.access) else []

    def close(self):
        self.process.kill()
        self.process.wait()


@test("server/accepts", "E6 E12")
def accepts(stage):
    """nginx with TLS, which would speak HTTP/2 too: HTTP/1.1 is spoken, as it is shown; every event arrives once."""
    receiver = stage.receiver()
    nginx = Nginx(stage, receiver)
    done = stage.send(f"endpoint={nginx.url}", "track=300", "close=20000")
    check_equal(str(OK), done["close"][0], "what close returned")
    check_once(receiver.accepted(), 300)
    wait_until(nginx.answers, "nginx has written its log")
    check_equal({("HTTP/1.1", 200)}, set(nginx.answers()), "protocol and status")
    stage.expect(300, delivered=300)


@test("server/too-large", "E8 E12")
def too_large(stage):
    """nginx with client_max_body_size: batches are halved until they fit, each event arrives once."""
    receiver = stage.receiver()
    nginx = Nginx(stage, receiver, server="client_max_body_size 16k;")
    stage.send(f"endpoint={nginx.url}", "track=200", "close=20000")
    check_once(receiver.accepted(), 200)
    check(max(len(request["body"]) for request in receiver.requests()) <= 16384, "a body was too large")
    wait_until(lambda: 413 in [status for _, status in nginx.answers()], "nginx has refused a batch")
    stage.expect(200, delivered=200)


@test("server/unavailable", "E8 E12")
def unavailable(stage):
    """nginx with 503 and Retry-After: the events are kept, for as long as it asks."""
    nginx = Nginx(stage, stage.receiver(), location="add_header Retry-After 300 always; return 503;")
    done = stage.send(f"endpoint={nginx.url}", "track=3", "close=5000")
    check_equal(str(DELIVERY), done["close"][0], "what close returned")
    wait = next_attempt(stage.expect(3, pending=3))
    check(285 <= wait <= 302, f"the next attempt is in {wait} s")


@test("server/limited", "E8 E12")
def limited(stage):
    """nginx with limit_req: what is answered 429 is kept, and delivered when the limit allows it."""
    receiver = stage.receiver()
    nginx = Nginx(stage, receiver, location="limit_req zone=requests;")
    stage.send(f"endpoint={nginx.url}", "track=3", "close=5000")
    stage.send(f"endpoint={nginx.url}", "track=3", "close=5000")
    status = stage.expect(6, delivered=3, pending=3)
    check("429" in status["last_delivery"]["last_error"], f"the last error is {status['last_delivery']}")
    stage.recover(receiver.url)
    check_equal(6, len({event["event_id"] for event in receiver.accepted()}), "events delivered")
    stage.expect(6, delivered=6)


@test("server/upstream", "E6 E12")
def upstream_dies(stage):
    """nginx whose upstream is gone (502): the events are kept, and delivered when it is back."""
    receiver = stage.receiver()
    nginx = Nginx(stage, receiver)
    receiver.close()
    done = stage.send(f"endpoint={nginx.url}", "track=3", "close=5000")
    check_equal(str(DELIVERY), done["close"][0], "what close returned")
    stage.expect(3, pending=3)
    again = stage.receiver(port=receiver.port)
    stage.recover(nginx.url)
    check_once(again.accepted(), 3)
    stage.expect(3, delivered=3)


@test("server/redirect", "E6 F")
def redirect(stage):
    """nginx that redirects from https to http: refused, nothing goes there, the events are kept."""
    plain = stage.receiver()
    nginx = Nginx(stage, plain, location=f"return 307 http://127.0.0.1:{plain.port}/events;")
    done = stage.send(f"endpoint={nginx.url}", "track=3", "close=5000")
    check_equal(str(DELIVERY), done["close"][0], "what close returned")
    check_equal([], plain.requests(), "requests without TLS")
    wait_until(nginx.requests, "nginx has written its log")
    check_equal([307], [status for _, status in nginx.answers()], "answers")
    stage.expect(3, pending=3)


@test("server/authority", "E6 F")
def authority(stage):
    """nginx with a certificate of an authority that this user does not know: nothing is sent."""
    nginx = Nginx(stage, stage.receiver())
    refused(stage, nginx, "certificate", environment={"SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"})


@test("server/old-tls", "E6 F")
def old_tls(stage):
    """nginx that speaks no TLS above 1.1: nothing is sent, even where the system would allow it."""
    allowed = {"OPENSSL_CONF": old_openssl(stage)}
    nginx = Nginx(stage, stage.receiver(), server='ssl_protocols TLSv1.1; ssl_ciphers "ALL:@SECLEVEL=0";', environment=allowed)
    if not speaks_old_tls(nginx.port):
        raise Skipped("TLS 1.1 cannot be spoken here at all")
    refused(stage, nginx, "ssl", environment=allowed)


@test("server/endless", "E9 F")
def endless(stage):
    """nginx that accepts, and answers with a body of a terabyte: a part of it is read, and the events are not sent again."""
    with open(stage.path("endless"), "wb") as file:
        file.truncate(1 << 40)
    nginx = Nginx(stage, stage.receiver(), server=f"location = /endless {{ alias {stage.path('endless')}; }} error_page 405 =200 /endless;",
                  location="return 405;")
    done = stage.send(f"endpoint={nginx.url}", "track=3", "close=5000")
    check_equal(str(OK), done["close"][0], "what close returned")
    wait_until(nginx.requests, "nginx has written its log")
    with open(nginx.access) as file:
        [line] = file
    check("405" not in line and int(line.split('"')[2].split()[1]) < 64 << 20, f"bytes that nginx could send: {line}")
    stage.expect(3, delivered=3)
