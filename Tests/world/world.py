"""A test's world: that of the integration tests, with programs of its own, preloaded shims, other users and small disks."""
import os
import resource
import signal
import subprocess

import stage as stages
from records import EVENTS, SPANS
from suite import Skipped, check_equal

BUILD, TOOL = stages.BUILD, stages.TOOL
RECORD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "record.h")
USER = 12345  # some user who is not root
# For programs in C that measure.
NOW_MS = """
#include <time.h>

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}
"""
# For hosts that use OpenSSL and libcurl themselves.
TLS_USER = r"""
#include <curl/curl.h>
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
static void use_openssl(void) { SSL_CTX_free(SSL_CTX_new(TLS_client_method())); }
static void use_curl(void)
{
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_URL, getenv("URL"));
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    curl_easy_perform(easy);
    curl_easy_cleanup(easy);
}
"""
TLS_LIBRARIES = ["-pthread", "-l:libssl.so.3", "-l:libcrypto.so.3", "-l:libcurl.so.4"]
# Preloaded: the clock is SHIFT seconds off, or as many as SHIFT_FILE holds at that moment. The monotonic one is right.
CLOCK = """
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long long shift(void)
{
    char text[32] = "0";
    if (getenv("SHIFT_FILE") != NULL) {
        int file = open(getenv("SHIFT_FILE"), O_RDONLY | O_CLOEXEC);
        if (read(file, text, sizeof text - 1) < 0)
            text[0] = 0;
        close(file);
        return atoll(text);
    }
    return getenv("SHIFT") != NULL ? atoll(getenv("SHIFT")) : 0;
}
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME)
        now->tv_sec += shift();
    return result;
}
time_t time(time_t *now)
{
    struct timespec real;
    clock_gettime(CLOCK_REALTIME, &real);
    if (now != NULL)
        *now = real.tv_sec;
    return real.tv_sec;
}
"""


def limited(size):
    """For `preexec_fn`: no file becomes larger."""
    def prepare():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it, and its children would
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return prepare


class World(stages.Stage):
    def __init__(self, shared, records=EVENTS):
        super().__init__(shared)
        self.records = records
        self.mounts = []
        # Other users pass through: each test's HOME is still its own.
        os.chmod(self.root, 0o755)

    def __exit__(self, *what):
        for each in reversed(self.mounts):
            subprocess.run(["umount", "--lazy", each], check=False)
        return super().__exit__(*what)

    def program(self, name, source, *flags):
        """Compiles a C program against the library; its path. It has what record.h has."""
        spans = ["-DSPANS"] if self.records is SPANS else []
        return self._compile(name, source, *spans, "-include", RECORD, f"-I{BUILD}/include", f"-L{BUILD}/lib", "-ltelemetry", *flags)

    def preload(self, name, source):
        """Compiles a library for LD_PRELOAD; its path."""
        return self._compile(name + ".so", source, "-shared", "-fPIC", "-ldl")

    def _compile(self, name, source, *flags):
        path = self.path(name)
        subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-o", path, "-x", "c", "-",
                        "-x", "none", *flags], input=source, text=True, check=True)
        os.chmod(path, 0o755)
        return path

    def run(self, command, expected=0, timeout=60, user=None, environment=None, **options):
        """Runs a program to its end in this world, as another user if asked for; what it did."""
        if user is not None:
            if os.geteuid() != 0:
                raise Skipped("only root can be another user")
            command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
        done = stages.completed(command, timeout, env={**self.environment, **(environment or {})}, cwd=self.root, **options)
        if expected is not None:
            check_equal(expected, done.returncode, f"exit code of {' '.join(command)} ({done.stdout.strip()} {done.stderr.strip()})")
        return done

    def telemetry(self, *arguments, **options):
        """The helper, for the world's tool."""
        return self.run([f"{BUILD}/bin/telemetry", *arguments, "--tool", TOOL], **options)

    def record(self, name="x", **options):
        """One event or span, by the helper."""
        word, *rest = self.records.recording(name)
        return self.run([f"{BUILD}/bin/telemetry", word, "--tool", TOOL, *rest], **options)

    def takes_later(self, origin):
        """The one event waits, and is delivered when its receiver takes it."""
        self.expect(1, pending=1)
        origin.answer = 200
        self.helper("deliver", "--now")
        self.expect(1, delivered=1)

    def spool_in(self, state):
        """Their directory under that XDG_STATE_HOME."""
        return self.records.spool(os.path.join(state, "telemetry", TOOL))

    def small_disk(self, name, kibibytes):
        """A file system of its own with no more room than that."""
        if os.geteuid() != 0:
            raise Skipped("only root can mount")
        path = self.path(name)
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k,mode=700", "tmpfs", path], check=True)
        self.mounts.append(path)
        return path

    @staticmethod
    def fill(path):
        """No byte is free there any more."""
        with open(os.path.join(path, "fill"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
