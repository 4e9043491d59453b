/* Starts programs many times, in turn, and reports their wall times and peak memory.

   Usage: spawn ROUNDS[,PAUSE_MS] NAME [< FILE] [@ DIRECTORY] PROGRAM [ARGUMENT...] [-- NAME ...]...

   Before each program it waits for PAUSE_MS, so that what the one before has left running is over.
   Standard input is FILE, or else /dev/null. DIRECTORY is HOME and XDG_RUNTIME_DIR of that program.

   In every round each program runs once, beginning with another one each time, so that drift of
   the machine hits all alike. Linked statically: a child's ru_maxrss begins with the memory of
   whoever started it, so this must stay smaller than anything it measures. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONTESTANTS 32

struct contestant {
    char **argv; /* name, program, arguments, NULL */
    char **environment;
    posix_spawn_file_actions_t files;
    unsigned *us10, *rss_kb; /* tenths of a microsecond; kilobytes */
};

static struct contestant contestants[CONTESTANTS];
static int count;
static useconds_t pause_us;

static void run_once(struct contestant *c, unsigned round)
{
    struct timespec begin, end;
    struct rusage usage;
    pid_t pid;
    int status;
    if (pause_us)
        usleep(pause_us);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    int error = posix_spawn(&pid, c->argv[1], &c->files, NULL, c->argv + 1, c->environment);
    if (error != 0 || wait4(pid, &status, 0, &usage) != pid)
        exit((fprintf(stderr, "%s: cannot start: %s\n", c->argv[1], strerror(error)), 1));
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        exit((fprintf(stderr, "%s: status 0x%x\n", c->argv[0], status), 1));
    c->us10[round] = (unsigned)((end.tv_sec - begin.tv_sec) * 10000000 + (end.tv_nsec - begin.tv_nsec) / 100);
    c->rss_kb[round] = (unsigned)usage.ru_maxrss;
}

static int compare(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

/* The word behind `mark`, if that comes next; both are left out then. */
static char *behind(struct contestant *c, const char *mark)
{
    if (!c->argv[1] || strcmp(c->argv[1], mark) != 0 || !c->argv[2])
        return NULL;
    char *word = c->argv[2];
    c->argv[2] = c->argv[0];
    c->argv += 2;
    return word;
}

static char **environment_in(const char *directory)
{
    int count = 0, kept = 0;
    while (environ[count])
        count++;
    char **made = calloc((size_t)count + 3, sizeof *made);
    for (int i = 0; i < count; i++)
        if (strncmp(environ[i], "HOME=", 5) != 0 && strncmp(environ[i], "XDG_RUNTIME_DIR=", 16) != 0)
            made[kept++] = environ[i];
    if (asprintf(&made[kept], "HOME=%s", directory) < 0 || asprintf(&made[kept + 1], "XDG_RUNTIME_DIR=%s", directory) < 0)
        exit(1);
    return made;
}

static void redirect(struct contestant *c)
{
    const char *input = behind(c, "<"), *directory = behind(c, "@");
    input = input ? input : "/dev/null";
    c->environment = directory ? environment_in(directory) : environ;
    posix_spawn_file_actions_init(&c->files);
    posix_spawn_file_actions_addopen(&c->files, 0, input, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&c->files, 1, "/dev/null", O_WRONLY, 0);
}

static void parse(char **argv)
{
    for (contestants[count++].argv = argv; *argv; argv++) {
        if (strcmp(*argv, "--") != 0)
            continue;
        *argv = NULL;
        if (count == CONTESTANTS)
            exit((fputs("too many programs\n", stderr), 2));
        contestants[count++].argv = argv + 1;
    }
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 3 ? (unsigned)atoi(argv[1]) : 0, warm = rounds / 20 + 2;
    const char *pause = argc > 3 ? strchr(argv[1], ',') : NULL;
    pause_us = pause ? (useconds_t)atoi(pause + 1) * 1000 : 0;
    if (rounds == 0)
        return fputs("usage: spawn ROUNDS NAME PROGRAM [ARGUMENT...] [-- ...]\n", stderr), 2;
    parse(argv + 2);
    for (int i = 0; i < count; i++) {
        redirect(&contestants[i]);
        contestants[i].us10 = calloc(rounds, sizeof(unsigned));
        contestants[i].rss_kb = calloc(rounds, sizeof(unsigned));
    }
    for (unsigned r = 0; r < rounds + warm; r++) /* the first rounds are overwritten */
        for (int i = 0; i < count; i++)
            run_once(&contestants[(r + (unsigned)i) % (unsigned)count], r < warm ? 0 : r - warm);
    for (int i = 0; i < count; i++) {
        struct contestant *c = &contestants[i];
        qsort(c->us10, rounds, sizeof(unsigned), compare);
        qsort(c->rss_kb, rounds, sizeof(unsigned), compare);
        printf("{\"name\": \"%s\", \"runs\": %u, \"us\": %.1f, \"q1\": %.1f, \"q3\": %.1f, \"rss_kb\": %u}\n", c->argv[0],
               rounds, c->us10[rounds / 2] / 10.0, c->us10[rounds / 4] / 10.0, c->us10[rounds * 3 / 4] / 10.0,
               c->rss_kb[rounds / 2]);
    }
    return 0;
}
