/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a separate process that the program never notices: no child to wait for, no SIGCHLD, no zombie. */
#include <sched.h>
#include <sys/prctl.h>

#include "csystem.h"

struct start {
    const char *program;
    char *const *arguments;
    char *const *environment;
    const posix_spawn_file_actions_t *actions;
    const posix_spawnattr_t *attributes;
    int error;
};

/* The process in between: the program's child for an instant, and the only parent of the new process. It shares
   the program's memory while the thread that made it waits: as after vfork(2), it only starts the other process. */
static int start_and_leave(void *context)
{
    struct start *start = context;
    pid_t pid;
    start->error = posix_spawn(&pid, start->program, start->actions, start->attributes, start->arguments,
                               start->environment);
    return 0;
}

/* Exit signal 0: the program gets no SIGCHLD, and its own wait(2) does not see the process; only a call that asks
   for such a "clone" child does, as here. No fork handler runs. The new process belongs to the system as soon as this
   one has ended. */
static int start_between(struct start *start)
{
    enum { STACK_BYTES = 64 << 10 };
    char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return errno;
    sigset_t all, before;
    sigfillset(&all);
    /* No handler of the program runs in it; the new process would inherit its mask. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    start->error = 0;
    pid_t pid = clone(start_and_leave, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK, start);
    int error = pid < 0 ? errno : start->error;
    if (pid > 0)
        while (waitpid(pid, NULL, __WCLONE) < 0 && errno == EINTR)
            continue;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, STACK_BYTES);
    return error;
}

/* First the lock: its number may be that of a standard stream which the program has closed. Even if it has the
   right number already, dup2 clears close-on-exec. Last, all other descriptors are closed: a pipe of the program that
   stays open would keep its reader waiting. */
static int add_actions(posix_spawn_file_actions_t *actions, int lock)
{
    int first = lock < 0 ? STDERR_FILENO + 1 : STDERR_FILENO + 2;
    int error = lock < 0 ? 0 : posix_spawn_file_actions_adddup2(actions, lock, STDERR_FILENO + 1);
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO && error == 0; stream++)
        error = posix_spawn_file_actions_addopen(actions, stream, "/dev/null", O_RDWR, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addclosefrom_np(actions, first);
    /* The new process keeps no file system busy, and is not in a directory that may be removed. */
    return error != 0 ? error : posix_spawn_file_actions_addchdir_np(actions, "/");
}

static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t signals;
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(attributes, &signals);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(attributes, &signals);
    /* A new session, and with it a new process group: no terminal's hang-up and no Ctrl-C reaches it. */
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

bool csystem_may_spawn(void)
{
    int adopts = 0;
    /* Set-user-id and the like: the caller's environment must not choose what runs as someone else. A process that
       adopts orphans (init, a container's first program, a subreaper) would have to wait for the new one. */
    return !csystem_is_privileged() && getpid() != 1
        && (prctl(PR_GET_CHILD_SUBREAPER, &adopts) != 0 || adopts == 0);
}

static int start_program(const char *program, const char *const *arguments, char *const *environment, int lock)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        error = add_actions(&actions, lock);
        set_attributes(&attributes);
        struct start start = { program, (char *const *)arguments, environment, &actions, &attributes, 0 };
        if (error == 0)
            error = start_between(&start);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int csystem_start_deliverer(const char *program, const char *tool, const char *version, const char *manifest, int lock)
{
    /* The command line contains nothing private, because everyone can read it. */
    const char *arguments[] = { "telemetry", "deliver", "--quiet", "--tool", tool, "--tool-version", version,
                                "--manifest", manifest, NULL };
    return start_program(program, arguments, environ, lock);
}

/* The user, the places of files, the way into the network. What chooses a receiver or agrees for one run (OTEL_*,
   ..._TELEMETRY_ENABLED) is not for all tools. */
static bool is_for_all(const char *variable)
{
    static const char *const names[] = { "HOME=", "USER=", "LOGNAME=", "PATH=", "LANG=", "TZ=", "TMPDIR=",
                                         "XDG_", "SSL_CERT_", "http_proxy=", "https_proxy=", "HTTPS_PROXY=", "all_proxy=",
                                         "ALL_PROXY=", "no_proxy=", "NO_PROXY=" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* The name ends as one of `ends` does: words with a NUL behind each, and one more at the end. */
static bool has_end(const char *variable, const char *ends)
{
    size_t length = strcspn(variable, "=");
    for (const char *end = ends; *end != 0; end += strlen(end) + 1)
        if (length >= strlen(end) && strncmp(variable + length - strlen(end), end, strlen(end)) == 0)
            return true;
    return false;
}

/* A no of the process that starts the agent is a no to the agent too. What agrees (..._TELEMETRY_ENABLED=1) the agent leaves out
   itself. */
static bool may_refuse(const char *variable, const char *services)
{
    return has_end(variable, services)
        || has_end(variable, "DO_NOT_TRACK\0OTEL_SDK_DISABLED\0CI\0_NO_TELEMETRY\0TELEMETRY_ENABLED\0_TELEMETRY_LOCAL\0");
}

int csystem_start_agent(const char *program, const char *services)
{
    enum { MOST = 256 };
    const char *arguments[] = { "telemetry", "agent", "--quiet", "--idle-exit", "60", NULL };
    char *environment[MOST + 1];
    size_t count = 0;
    for (char **variable = environ; variable != NULL && *variable != NULL && count < MOST; variable++)
        if (may_refuse(*variable, services))
            environment[count++] = *variable;
    /* There is no room for all that refuse. */
    if (count == MOST)
        return E2BIG;
    for (char **variable = environ; variable != NULL && *variable != NULL && count < MOST; variable++)
        if (is_for_all(*variable))
            environment[count++] = *variable;
    environment[count] = NULL;
    return start_program(program, arguments, environment, -1);
}

const char *csystem_library_path(void)
{
    Dl_info found;
    return dladdr((void *)csystem_library_path, &found) != 0 ? found.dli_fname : NULL;
}
