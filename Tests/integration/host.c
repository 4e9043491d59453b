/* A program with detached delivery, as an author writes it: its tool is described by the manifest that lies
 * where manifests lie.
 *
 *     host NAME=VALUE...
 *
 * From left to right: helper=PATH code=ENDPOINT (the backend in code) heartbeat=SECONDS, then open= files=COUNT
 * (so many descriptors without close-on-exec) adopt= (orphans become its children) threads=COUNT (which fork
 * meanwhile) track=COUNT info= close= sleep=MS. At the end it prints what it saw of children it did not start:
 * "wait ERRNO signals COUNT handlers COUNT". */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <telemetry.h>

static telemetry_options *options;
static telemetry_collector *collector;
static volatile sig_atomic_t signals;
static volatile int handlers;
static volatile int is_over;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

static void count_fork(void)
{
    handlers++;
}

/* Busy with memory and the environment, as threads are while another one starts a process. */
static void *work(void *unused)
{
    while (!is_over) {
        char *memory = malloc(4096);
        memset(memory, 1, 4096);
        free(memory);
    }
    return unused;
}

static void act(const char *name, const char *value)
{
    static pthread_t threads[16];
    static long thread_count;
    if (strcmp(name, "helper") == 0) {
        if (telemetry_options_set_helper(options, value) != TELEMETRY_OK)
            exit(3);
    } else if (strcmp(name, "code") == 0) {
        telemetry_options_set_backend_http(options, value, NULL, 0);
    } else if (strcmp(name, "heartbeat") == 0) {
        if (telemetry_options_set_heartbeat(options, (uint32_t)atol(value), 0) != TELEMETRY_OK)
            exit(4);
    } else if (strcmp(name, "open") == 0) {
        collector = telemetry_open(options);
    } else if (strcmp(name, "files") == 0) {
        for (long i = 0; i < atol(value); i++)
            if (open("/etc/passwd", O_RDONLY) < 0)
                exit(5);
    } else if (strcmp(name, "adopt") == 0) {
        prctl(PR_SET_CHILD_SUBREAPER, 1);
    } else if (strcmp(name, "threads") == 0) {
        for (; thread_count < atol(value) && thread_count < 16; thread_count++)
            pthread_create(&threads[thread_count], NULL, work, NULL);
    } else if (strcmp(name, "track") == 0) {
        for (long i = 0; i < atol(value); i++)
            if (telemetry_track(collector, TELEMETRY_FEATURE_USED, "host", NULL, 0) != TELEMETRY_OK)
                exit(6);
    } else if (strcmp(name, "info") == 0) {
        char info[1024];
        telemetry_backend_info(collector, info, sizeof info);
        printf("info %s\n", info);
    } else if (strcmp(name, "close") == 0) {
        telemetry_close(collector, 1000);
        collector = NULL;
    } else if (strcmp(name, "sleep") == 0) {
        /* A signal would end it early, and is counted. */
        usleep((useconds_t)atol(value) * 1000);
    } else {
        exit(2);
    }
}

int main(int count, char **arguments)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = count_signal;
    sigaction(SIGCHLD, &action, NULL);
    /* What a deliverer must not inherit. */
    signal(SIGHUP, SIG_IGN);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGALRM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    pthread_atfork(count_fork, count_fork, count_fork);
    options = telemetry_options_new("itest", "1.2.3");
    if (telemetry_options_load_manifest(options, NULL) != TELEMETRY_OK)
        return 7;
    for (int i = 1; i < count; i++) {
        char *value = strchr(arguments[i], '=');
        if (value == NULL)
            return 2;
        *value++ = '\0';
        act(arguments[i], value);
    }
    int status, result = waitpid(-1, &status, WNOHANG | __WALL);
    printf("wait %d signals %d handlers %d\n", result < 0 ? errno : 0, (int)signals, handlers);
    is_over = 1;
    telemetry_close(collector, 0);
    telemetry_options_free(options);
    return 0;
}
