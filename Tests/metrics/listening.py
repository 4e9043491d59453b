"""A program that lets its metrics be scraped, and clients of HTTP that do as they like."""
import http.client
import os
import socket
import subprocess
import time

from suite import check, check_equal

# listener ADDRESS: opens a collector that listens, and says how it went. Then it does what each line of its standard input says, and answers
# with a line.
LISTENER = r"""
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <telemetry.h>
#include <time.h>
#include <unistd.h>

static int entries(const char *path)
{
    int count = 0;
    DIR *directory = opendir(path);
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void say_where(telemetry_collector *telemetry)
{
    char text[300] = "x";
    telemetry_status status = telemetry_metrics_listener(telemetry, text, sizeof text);
    printf("%d %s\n", status, text);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int files = entries("/proc/self/fd"), threads = entries("/proc/self/task");
    telemetry_options *options = telemetry_options_new("itest", "1.0.0");
    if (telemetry_options_set_metrics_listener(options, argc > 1 ? argv[1] : NULL) != TELEMETRY_OK) {
        char error[400];
        telemetry_options_error(options, error, sizeof error);
        fprintf(stderr, "%s\n", error);
        return 3;
    }
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    say_where(telemetry);
    char line[100];
    while (fgets(line, sizeof line, stdin)) {
        if (line[0] == 'c')
            printf("%d\n", telemetry_count(telemetry, "requests", atoi(line + 1), NULL, 0));
        if (line[0] == 'w') {
            say_where(telemetry);
            continue;
        }
        if (line[0] == 's') {
            /* Many series. */
            for (int i = 0; i < atoi(line + 1); i++) {
                telemetry_attribute attribute = telemetry_int("number", i);
                telemetry_count(telemetry, "many", 1, &attribute, 1);
            }
            printf("0\n");
        }
        if (line[0] == 'x') {
            closefrom(3);
            printf("0\n");
        }
        if (line[0] == 'n')
            printf("%d %d\n", entries("/proc/self/fd"), entries("/proc/self/task"));
        if (line[0] == 'f') {
            /* The child answers, and lives until it is killed. */
            pid_t child = fork();
            if (child == 0) {
                char text[300] = "x";
                telemetry_status status = telemetry_metrics_listener(telemetry, text, sizeof text);
                printf("%d %d %d [%s]\n", (int)getpid(), status, telemetry_count(telemetry, "requests", 100, NULL, 0), text);
                fflush(stdout);
                for (;;)
                    pause();
            }
            continue;
        }
        if (line[0] == 'p') {
            /* No thread of the program is left. */
            printf("0\n");
            fflush(stdout);
            pthread_exit(NULL);
        }
        if (line[0] == 'q') {
            double begin = now_ms();
            telemetry_close(telemetry, (uint32_t)atoi(line + 1));
            double took = now_ms() - begin;
            for (int i = 0; i < 10000 && (entries("/proc/self/task") > threads || entries("/proc/self/fd") > files); i++)
                usleep(1000);
            printf("%.0f %d %d\n", took, entries("/proc/self/fd") - files, entries("/proc/self/task") - threads);
            fflush(stdout);
            return 0;
        }
        fflush(stdout);
    }
    telemetry_close(telemetry, 0);
    return 0;
}
"""


class Program:
    """The program above, running."""

    def __init__(self, world, address, expected=0, **options):
        self.world = world
        command = [world.path("listener"), *([] if address is None else [address])]
        if not os.path.exists(command[0]):
            world.program("listener", LISTENER)
        self.process = subprocess.Popen([*options.pop("before", []), *command], env=world.environment, cwd=world.root, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, **options)
        world.closes(self)
        status, _, self.text = self.process.stdout.readline().rstrip("\n").partition(" ")
        check_equal(str(expected), status, f"telemetry_metrics_listener(): {self.text}")

    @property
    def port(self):
        return int(self.text.rpartition(":")[2])

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def end(self, timeout_ms=1000):
        """telemetry_close(): how long it took; descriptors and threads are gone."""
        took, files, threads = self.tell(f"q{timeout_ms}").split()
        check_equal(("0", "0"), (files, threads), "descriptors and threads that are left")
        check_equal(0, self.process.wait(30), "exit code")
        return float(took)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Helper:
    """`telemetry metrics --listen`."""

    def __init__(self, world, address, *arguments, before=()):
        from world import BUILD, TOOL
        self.process = subprocess.Popen([*before, f"{BUILD}/bin/telemetry", "metrics", "--listen", address, "--tool", TOOL, *arguments], env=world.environment,
                                        cwd=world.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        world.closes(self)
        self.said = (self.process.stdout if "--json" in arguments else self.process.stderr).readline()

    @property
    def port(self):
        return int(self.said.partition("://")[2].partition("/")[0].rpartition(":")[2])

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def connect(to):
    """To a port, or to a Unix socket of that path."""
    if isinstance(to, str):
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(30)
        made.connect(to)
        return made
    return socket.create_connection(("127.0.0.1", to), timeout=30)


def exchange(to, request, shutdown=False):
    """Everything that comes until the other side ends."""
    with connect(to) as client:
        client.sendall(request)
        if shutdown:
            client.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
        return answer


def get(to, path="/metrics", method="GET", **headers):
    """Status, headers and body."""
    client = http.client.HTTPConnection("localhost", to if isinstance(to, int) else 80, timeout=30)
    client.sock = connect(to)
    client.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = client.getresponse()
    body = answer.read().decode()
    client.close()
    return answer.status, dict(answer.getheaders()), body


def is_open(to):
    try:
        connect(to).close()
        return True
    except OSError:
        return False


def wait_until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < deadline, what)
        time.sleep(0.01)
