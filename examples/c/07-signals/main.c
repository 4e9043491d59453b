/* A program that runs until it is stopped. SIGINT, SIGTERM and SIGHUP end its loop. Then it delivers what it has and
   dies of the signal, as if it had not handled it. The library installs no handler. kill -9 loses nothing either: the
   next run delivers what this one has recorded.

   Try it: WATCH_TELEMETRY_ENABLED=1 ./watch, then Ctrl-C. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/select.h>
#include <telemetry.h>
#include <time.h>

static const int deadly[] = { SIGHUP, SIGINT, SIGTERM };
static volatile sig_atomic_t received;

/* Do not call the library here: none of its functions is async-signal-safe. */
static void note(int number) { received = number; }

/* The signals come only while the program waits (`waiting` is its mask then), so none is missed. */
static void prepare(sigset_t *waiting)
{
    struct sigaction action = { .sa_handler = note }, old;
    sigset_t block;
    sigemptyset(&block);
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
        sigaction(deadly[i], NULL, &old);
        if (old.sa_handler == SIG_IGN) continue; /* nohup(1) */
        sigaction(deadly[i], &action, NULL);
        sigaddset(&block, deadly[i]);
    }
    sigprocmask(SIG_BLOCK, &block, waiting);
}

static void die_of(int number, const sigset_t *mask)
{
    signal(number, SIG_DFL);
    raise(number);
    sigprocmask(SIG_SETMASK, mask, NULL);
}

int main(void)
{
    telemetry_options *options = telemetry_options_new("watch", "1.0.0");
    telemetry_collector *telemetry = telemetry_open(options);
    telemetry_options_free(options);
    telemetry_command *command = telemetry_command_begin(telemetry);
    telemetry_command_set(command, "watch loop");

    sigset_t waiting;
    prepare(&waiting);
    int64_t rounds = 0;
    while (!received) {
        printf("round %lld\n", (long long)++rounds);
        fflush(stdout);
        telemetry_attribute attributes[] = { telemetry_int("number", rounds) };
        telemetry_track(telemetry, TELEMETRY_FEATURE_USED, "round", attributes, 1);
        struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
        if (pselect(0, NULL, NULL, NULL, &pause, &waiting) < 0 && errno != EINTR) break;
    }

    int number = received;
    telemetry_command_finish(command, number != 0 ? 128 + number : 1, NULL, 0);
    telemetry_command_free(command);
    telemetry_close(telemetry, 500); /* delivers: half a second at most, whatever the network does */
    if (number != 0) die_of(number, &waiting);
    return 1;
}
