/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program in place of this one: finds it, distinguishes it from other files, and starts it as execve(2)
   would. */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "csystem.h"

/* A script without "#!" belongs to the shell. A file with a NUL in its first line, or with a foreign machine's
   code, is not a script. */
static bool is_script(const char *path)
{
    char start[256];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t length = file < 0 ? -1 : read(file, start, sizeof start);
    if (file >= 0)
        close(file);
    if (length < 0 || (length >= 4 && memcmp(start, "\177ELF", 4) == 0))
        return false;
    const char *line = memchr(start, '\n', (size_t)length);
    return memchr(start, 0, line != NULL ? (size_t)(line - start) : (size_t)length) == NULL;
}

/* `shell` has room for one more argument than `arguments`. */
static int execute_path(const char *path, char *const *arguments, char *const *environment, char **shell)
{
    execve(path, arguments, environment);
    if (errno != ENOEXEC)
        return errno;
    if (!is_script(path))
        return ENOEXEC;
    shell[0] = "sh";
    shell[1] = (char *)path;
    for (size_t i = 1; (shell[i + 1] = arguments[i]) != NULL; i++)
        continue;
    execve("/bin/sh", shell, environment);
    return errno;
}

static bool is_absent(int error)
{
    return error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG || error == ELOOP;
}

/* Looks through PATH as a shell does: a file that cannot be executed is skipped, and reported if nothing else is
   found. */
static int execute(char *const *arguments, char *const *environment, char **shell)
{
    const char *name = arguments[0];
    if (*name == 0)
        return ENOENT;
    if (environment == NULL)
        environment = environ;
    if (strchr(name, '/') != NULL)
        return execute_path(name, arguments, environment, shell);
    const char *part = secure_getenv("PATH");
    int answer = ENOENT;
    for (part = part != NULL ? part : "/bin:/usr/bin"; part != NULL;) {
        char path[PATH_MAX];
        const char *end = strchrnul(part, ':');
        int directory = (int)(end - part);
        int length = snprintf(path, sizeof path, "%.*s/%s", end == part ? 1 : directory, end == part ? "." : part, name);
        int error =
            length < (int)sizeof path ? execute_path(path, arguments, environment, shell) : ENAMETOOLONG;
        if (error == EACCES)
            answer = EACCES;
        else if (!is_absent(error) && error != ESTALE && error != ENODEV && error != ETIMEDOUT)
            return error;
        part = *end != 0 ? end + 1 : NULL;
    }
    return answer;
}

static char **room_for_shell(char *const *arguments)
{
    size_t count = 0;
    while (arguments[count] != NULL)
        count++;
    return calloc(count + 2, sizeof(char *));
}

int csystem_execute(char *const *arguments, char *const *environment)
{
    char **shell = room_for_shell(arguments);
    int error = shell == NULL ? ENOMEM : execute(arguments, environment, shell);
    free(shell);
    return error;
}

/* The kernel's own call: libc's reserves signals 32 and 33, and removes them from every mask. */
static void set_mask(const sigset_t *mask, sigset_t *before)
{
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, before, _NSIG / 8);
}

/* In the child: restores the state that this process was started with, and makes the child die with this process.
   PR_SET_PDEATHSIG does not cover a process that has died before; that is checked. */
static int become(const struct csystem_program *program, char **shell, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* 0: the parent is in another namespace of process ids. */
    pid_t now = getppid();
    if (now != parent && now != 0)
        kill(getpid(), SIGKILL);
    sigaction(SIGCHLD, &program->child_action, NULL);
    set_mask(&program->mask, NULL);
    return execute(program->arguments, program->environment, shell);
}

int csystem_start_program(struct csystem_program *program)
{
    char **shell = room_for_shell(program->arguments);
    if (shell == NULL)
        return ENOMEM;
    pid_t parent = getpid();
    sigset_t all;
    memset(&all, 0xff, sizeof all);
    set_mask(&all, &program->mask);
    /* If SIGCHLD were ignored, the kernel would discard the program's status. */
    struct sigaction usual = { .sa_handler = SIG_DFL };
    sigaction(SIGCHLD, &usual, &program->child_action);
    /* vfork: the child leaves its error in this process's memory. posix_spawn has no parent-death signal, and
       makes the program ignore signals 32 and 33. */
    volatile int error = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        error = become(program, shell, parent);
        _exit(ENOENT);
    }
    if (pid < 0)
        error = errno;
    else if (error != 0)
        waitpid(pid, NULL, 0);
    free(shell);
    program->pid = error == 0 ? pid : 0;
    /* No process can be made: the program replaces this one, which is as it was before. */
    if (pid < 0) {
        sigaction(SIGCHLD, &program->child_action, NULL);
        set_mask(&program->mask, NULL);
        program->is_alone = true;
    }
    return error;
}

int csystem_next_signal(siginfo_t *info, bool waits)
{
    static const struct timespec at_once;
    sigset_t all;
    memset(&all, 0xff, sizeof all);
    return waits ? sigwaitinfo(&all, info) : sigtimedwait(&all, info, &at_once);
}

int csystem_hand_on(pid_t pid, const siginfo_t *info)
{
    return info->si_code == SI_QUEUE ? sigqueue(pid, info->si_signo, info->si_value) : kill(pid, info->si_signo);
}

struct question {
    int signal, code;
    pid_t sender;
};

/* A process that signals the members of a group or of a control group one by one needs a moment for all of
   them. */
static const struct timespec patience = { .tv_nsec = 10000000 };
static const struct timespec none;

/* In the witness: signals stay blocked and pending. Signals from other senders than the one asked for are
   discarded. */
static void testify(int socket)
{
    struct question asked;
    while (read(socket, &asked, sizeof asked) == (ssize_t)sizeof asked) {
        sigset_t one;
        siginfo_t info;
        int got;
        sigemptyset(&one);
        sigaddset(&one, asked.signal);
        do
            got = sigtimedwait(&one, &info, asked.signal < SIGRTMIN ? &patience : &none);
        while (got > 0 && (info.si_code != asked.code || info.si_pid != asked.sender));
        char seen = got > 0;
        if (write(socket, &seen, 1) != 1)
            break;
    }
    _exit(0);
}

/* The witness has the program's command line, so that a pattern which finds one finds the other. */
static void rename_witness(char **whole, char *const *arguments)
{
    char *const *last = arguments;
    while (last[1] != NULL)
        last++;
    char *end = *last + strlen(*last) + 1;
    size_t length = (size_t)(end - arguments[0]);
    memmove(whole[0], arguments[0], length);
    memset(whole[0] + length, 0, (size_t)(end - whole[0]) - length);
    prctl(PR_SET_NAME, "(signals)");
}

pid_t csystem_start_witness(char **whole, char *const *arguments, int *socket)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        /* No file or directory of the caller is kept open or busy. The witness ends when the other end is closed,
           in whatever way. */
        int own = dup2(ends[1], 0);
        close_range(1, ~0U, 0);
        if (own == 0 && chdir("/") == 0) {
            rename_witness(whole, arguments);
            testify(own);
        }
        _exit(0);
    }
    close(ends[1]);
    if (pid < 0)
        close(ends[0]);
    *socket = ends[0];
    return pid;
}

int csystem_ask_witness(int socket, const siginfo_t *info)
{
    struct question question = { info->si_signo, info->si_code, info->si_pid };
    struct pollfd answer = { .fd = socket, .events = POLLIN };
    char seen;
    if (send(socket, &question, sizeof question, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof question)
        return -1;
    /* If somebody has stopped the witness, it does not answer. */
    if (poll(&answer, 1, 1000) != 1 || recv(socket, &seen, 1, MSG_DONTWAIT) != 1)
        return -1;
    return seen;
}
