"""The host ends while its events are being sent, and uses OpenSSL or libcurl itself.

Elsewhere: a background thread inside TLS crashes the program in exit(3), for OpenSSL takes its tables apart there. Here,
however the program ends, it ends by itself, soon, and every event is delivered or waits."""
import shutil

import faults
from suite import check_equal, test

PAUSES = [0, 500, 1000, 2000, 3000, 4500, 6000, 9000, 12000, 16000, 22000, 30000]

HOST = r"""
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <telemetry.h>
#include <unistd.h>
struct method; struct context;
const struct method *TLS_client_method(void);
struct context *SSL_CTX_new(const struct method *);
void SSL_CTX_free(struct context *);
void OPENSSL_cleanup(void);
static telemetry_collector *collector, *kept;
static const char *host, *ending;
static int is(const char *text, const char *word) { return strstr(text, word) != NULL; }
static void use_openssl(void) { SSL_CTX_free(SSL_CTX_new(TLS_client_method())); }
static void close_kept(void) { if (kept) telemetry_close(kept, 1000); }
/* As a global object of C++ does: behind every atexit handler of main(). */
__attribute__((destructor)) static void end(void) { if (is(ending, "global")) close_kept(); }
static void *request(void *forever)
{
    do {
        CURL *easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_URL, getenv("URL"));
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        curl_easy_perform(easy);
        curl_easy_cleanup(easy);
    } while (forever);
    return NULL;
}
static void *leave(void *unused) { (void)unused; exit(0); }
static void start(void)
{
    telemetry_options *options = telemetry_options_new("itest", "1");
    telemetry_options_set_backend_http(options, getenv("URL"), NULL, 0);
    telemetry_options_set_flush_interval_ms(options, getenv("INTERVAL") ? (uint32_t)atoi(getenv("INTERVAL")) : 1);
    collector = telemetry_open(options);
    telemetry_options_free(options);
    telemetry_track(collector, TELEMETRY_FEATURE_USED, "ending", NULL, 0);
}
int main(int count, char **arguments)
{
    (void)count;
    host = arguments[1];
    ending = arguments[2];
    pthread_t thread;
    if (is(ending, "handler-first")) atexit(close_kept);
    if (is(host, "openssl")) use_openssl();
    if (is(host, "curl")) { curl_global_init(CURL_GLOBAL_DEFAULT); request(NULL); }
    if (is(ending, "handler-last")) atexit(close_kept);
    start();
    if (is(host, "late")) use_openssl();
    usleep((useconds_t)atoi(arguments[3]));
    if (is(host, "curl")) request(NULL);
    if (is(ending, "handler") || is(ending, "global")) kept = collector;
    if (is(ending, "closed")) telemetry_close(collector, 5);
    if (is(ending, "cleanup")) OPENSSL_cleanup();
    if (is(host, "curl")) curl_global_cleanup();
    if (is(ending, "thread")) { pthread_create(&thread, NULL, leave, NULL); pause(); }
    if (is(ending, "quick")) quick_exit(0);
    if (is(ending, "_exit")) _exit(0);
    return 0;
}
"""
HOSTS = ["plain", "openssl", "late-openssl", "curl"]
ENDINGS = ["return", "closed", "handler-first", "handler-last", "global", "cleanup", "thread", "quick", "_exit"]


def ends_well(world, program, arguments, url):
    """Once for each pause; each event waits or is delivered."""
    shutil.rmtree(world.spool, ignore_errors=True)
    world.manifest(url)
    for pause in PAUSES:
        world.run([program, *arguments, str(pause)], environment={"URL": url})
    events = world.status()["events"]
    check_equal(len(PAUSES), events["recorded"], f"events of {' '.join(arguments)}")
    check_equal(len(PAUSES), events["delivered"] + events["pending"], f"delivered and waiting of {' '.join(arguments)}: {events}")


def host(world):
    return world.program("host", HOST, "-pthread", "-l:libssl.so.3", "-l:libcrypto.so.3", "-l:libcurl.so.4")


def register(kind):
    @test(f"endings/{kind}", "E9 E12")
    def endings(world):
        """Every way to end, of a program that does not use TLS, that did before or does later, that uses libcurl."""
        program = host(world)
        receiver = world.receiver(certificate=world.certificate("here"))
        for ending in ENDINGS:
            for url in (receiver.url, f"https://127.0.0.1:{faults.free_port()}/nobody"):
                ends_well(world, program, [kind, ending], url)


for each in HOSTS:
    register(each)


LOADED = r"""
#include <dlfcn.h>
#include <stdlib.h>
#include <telemetry.h>
#include <unistd.h>
struct method; struct context;
const struct method *TLS_client_method(void);
struct context *SSL_CTX_new(const struct method *);
int main(int count, char **arguments)
{
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    (void)count;
#define NAMED(name) __typeof__(&name) _##name = (__typeof__(&name))dlsym(library, #name)
    NAMED(telemetry_options_new); NAMED(telemetry_options_set_backend_http); NAMED(telemetry_options_set_flush_interval_ms);
    NAMED(telemetry_open); NAMED(telemetry_track);
    SSL_CTX_new(TLS_client_method());
    telemetry_options *options = _telemetry_options_new("itest", "1");
    _telemetry_options_set_backend_http(options, getenv("URL"), NULL, 0);
    _telemetry_options_set_flush_interval_ms(options, 1);
    telemetry_collector *collector = _telemetry_open(options);
    _telemetry_track(collector, TELEMETRY_FEATURE_USED, "ending", NULL, 0);
    usleep((useconds_t)atoi(arguments[2]));
    dlclose(library);
    return 0;
}
"""


@test("endings/plugin", "E9 E12")
def plugin(world):
    """A program that opens the library with dlopen, and closes it before it ends."""
    program = world.program("plugin", LOADED, "-ldl", "-l:libssl.so.3", "-l:libcrypto.so.3")
    receiver = world.receiver(certificate=world.certificate("here"))
    ends_well(world, program, [f"{world.environment['LD_LIBRARY_PATH']}/libtelemetry.so.0"], receiver.url)


@test("endings/deliver", "E2")
def deliver(world):
    """Where nobody takes OpenSSL apart, events closed in a late destructor are sent all the same."""
    program = host(world)
    receiver = world.receiver(certificate=world.certificate("here"))
    for ending in ("handler-first", "handler-last", "global"):
        world.run([program, "plain", ending, "0"], environment={"URL": receiver.url})
    world.manifest(receiver.url)
    check_equal(3, len(receiver.accepted()), "events received")
    world.expect(3, delivered=3)


@test("endings/no-backoff", "E8")
def no_backoff(world):
    """What could not be tried any more says nothing about the receiver: the next run sends at once."""
    program = host(world)
    receiver = world.receiver(certificate=world.certificate("here"))
    world.manifest(receiver.url)
    # Loaded at the close, when OpenSSL has ended.
    world.run([program, "late-openssl", "handler-first", "0"], environment={"URL": receiver.url, "INTERVAL": "60000"})
    world.helper("deliver")
    world.expect(1, delivered=1)
