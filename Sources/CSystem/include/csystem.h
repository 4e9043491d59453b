/* SPDX-License-Identifier: Apache-2.0 */
/* libc, and what Swift cannot call or express: variadic functions, errno, CPU instructions,
   function tables of libraries that are opened only when they are needed. */
#ifndef CSYSTEM_H
#define CSYSTEM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "curl_table.h"
#include "section.h"
#include "sha256.h"
#include "socket.h"
#include "text.h"
#include "telemetry_types.h"
#include "udp.h"
#include "yaml_table.h"
#include "zlib_table.h"

static inline int csystem_errno(void) { return errno; }
static inline bool csystem_is_ignored(int signal)
{
    struct sigaction action;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}
static inline void csystem_set_errno(int value) { errno = value; }
/* From now on what is freed goes back to the system. By itself, malloc(3) keeps up to 64 MiB for the next time once
   large areas were freed. */
static inline void csystem_give_memory_back(void) { mallopt(M_MMAP_THRESHOLD, 128 << 10); }

/* The state of the host's thread that is preserved: errno, and whether it may be cancelled. It cannot be cancelled
   while it is in the library. */
typedef struct {
    int error;
    int cancellation;
    bool is_only_one;
} csystem_caller;

/** Between these two calls, what undisturbed.c knows about the program is valid. */
csystem_caller csystem_enter(void);
void csystem_leave(csystem_caller caller);

/** `handler` is called when this process ends by exit(3) or by a return from main(). Not in a child that inherits it, and
    not at _exit(2) or a signal. */
void csystem_at_exit(void (*handler)(void));

/** The program's only thread is in the library from here on. False: it has others. */
bool csystem_undisturbed_begin(void);
void csystem_undisturbed_end(bool has_begun);
/** The number of this stay in the library, during which no code of the program runs; 0: that cannot be known. */
uint32_t csystem_stay(void);
/** The library has called code of the program: everything known so far may have changed. */
void csystem_program_ran(void);
void csystem_undisturbed_forked(void);
/** The descriptor was found to belong to that file, and cannot belong to another one since. */
bool csystem_is_known(int fd, uint64_t file);
/** The descriptor was just found to belong to that file; 0: it is closed. */
void csystem_know(int fd, uint64_t file);
/** geteuid(2). */
uid_t csystem_user(void);
/** RLIMIT_FSIZE in bytes; INT64_MAX: there is none. */
int64_t csystem_file_size_limit(void);
/** RLIMIT_NOFILE and, in bytes, RLIMIT_AS; -1: there is none, or it is unknown. */
int64_t csystem_descriptor_limit(void);
int64_t csystem_address_space_limit(void);
/** What the times of /proc/self/stat are counted in; -1: unknown. */
int64_t csystem_ticks_per_second(void);
int64_t csystem_page_bytes(void);

/** Moves a descriptor that has the number of a standard stream, which the program has closed: output for that
    stream must not go to our file. -1 stays -1. Closed on exec. */
int csystem_above_streams(int fd);
/** A descriptor opened with O_NOFOLLOW, as all files are here, can be told from one that the program has opened
    since under the same number. First called for a descriptor that was just opened. */
void csystem_note_mark(int fd);
bool csystem_has_mark(int fd);

static inline int csystem_openat(int directory, const char *path, int flags, mode_t mode)
{
    return csystem_above_streams(openat(directory, path, flags, mode));
}
/** A lock of this process alone, fcntl(2): no process that it makes has it, and it ends with this one, or when this one
    closes the file, however often it has opened it. 0, or an errno: EAGAIN if another process has it. */
static inline int csystem_own_file(int fd)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_SETLK, &lock) == 0)
        return 0;
    return errno == EACCES ? EAGAIN : errno;
}
/** Another process has it. */
static inline bool csystem_is_owned(int fd)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
/* Open file description locks, fcntl(2): of the open file, not of the process. */
static inline bool csystem_lock_byte(int fd, int64_t offset)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}
static inline bool csystem_is_byte_locked(int fd, int64_t offset)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
static inline void *csystem_map_failed(void) { return MAP_FAILED; }
static inline int csystem_wait_exited(int status) { return WIFEXITED(status); }
static inline int csystem_wait_exit_status(int status) { return WEXITSTATUS(status); }
static inline int csystem_wait_term_signal(int status) { return WTERMSIG(status); }
static inline int csystem_wait_stop_signal(int status) { return WIFSTOPPED(status) ? WSTOPSIG(status) : 0; }

/** Whether a call that needs that much memory may begin: malloc(3) can provide it, and most of the reserve is
    free. 0: only the reserve is checked. */
bool csystem_has_memory(size_t bytes);

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `length` bytes, continued from `seed`. */
uint32_t csystem_crc32c(uint32_t seed, const void *bytes, size_t length);

/** The same over the four bytes of `prefix` (little-endian) and then `bytes`. */
uint32_t csystem_crc32c_prefixed(uint32_t prefix, const void *bytes, size_t length);

/** Attributes have to be changed or left out, or are more than fit. */
enum { CSYSTEM_CHANGED = -1, CSYSTEM_LONG = -2 };

/** Writes the attributes as they would be stored if no rule were against it, and the sum of their CRCs, so that the
    order does not matter. Returns their length, or one of the two above. The eight bytes behind it may be written. */
intptr_t csystem_encode_given(
    const telemetry_attribute *attributes, size_t count, void *area, size_t capacity, uint32_t *hash);
/** The same for processors without an instruction for CRC. */
intptr_t csystem_encode_given_portable(
    const telemetry_attribute *attributes, size_t count, void *area, size_t capacity, uint32_t *hash);

/** memcmp(3) == 0, without a call. */
static inline __attribute__((always_inline)) bool csystem_are_equal(const void *a, const void *b, size_t length)
{
    const unsigned char *one = a, *other = b;
    uint64_t first, second;
    if (length < sizeof first) {
        while (length > 0 && *one == *other)
            one++, other++, length--;
        return length == 0;
    }
    for (size_t at = 0; at + sizeof first < length; at += sizeof first) {
        memcpy(&first, one + at, sizeof first);
        memcpy(&second, other + at, sizeof second);
        if (first != second)
            return false;
    }
    memcpy(&first, one + length - sizeof first, sizeof first);
    memcpy(&second, other + length - sizeof second, sizeof second);
    return first == second;
}

/** The state of the fork handlers, or NULL if none is kept yet. */
void *csystem_fork_state(void);

/** Keeps `state` if none is kept yet; returns the kept one. */
void *csystem_keep_fork_state(void *state);

/** The span that is active in this thread, or NULL: a copy. The pointer is in the memory that every thread has from
    its start: no call, no allocation. */
extern __thread const struct csystem_span *csystem_active __attribute__((visibility("hidden"), tls_model("initial-exec")));
static inline const struct csystem_span *csystem_active_span(void) { return csystem_active; }
/** Makes a copy the active one; without memory, nothing changes. */
void csystem_activate(const struct csystem_span *span);
/** Takes the newest copy of that span away, wherever it is among those that are active. False: there is none. */
bool csystem_deactivate(const struct csystem_span *span);
/** In the child of a fork: the spans are the parent's, and remain the parents of what the child does. */
void csystem_active_forked(void);

/** Where the process's RandomSequence is; 0: it is not known yet, 1: there is none. */
extern uintptr_t csystem_sequence __attribute__((visibility("hidden")));
static inline uintptr_t csystem_sequence_state(void) { return __atomic_load_n(&csystem_sequence, __ATOMIC_ACQUIRE); }

/** Keeps `state` if none is kept yet; returns the kept one. */
uintptr_t csystem_keep_sequence(uintptr_t state);

/** Starts a detached thread with every signal blocked and a stack of `stack_bytes`. 0 or errno. */
int csystem_start_thread(size_t stack_bytes, void *(*body)(void *), void *context);

/** Called before a thread is begun, and again if that failed. */
void csystem_thread_asked_for(bool is_there);

/** The first and the last call in a thread of the library. */
void csystem_thread_begins(bool is_lookup);
void csystem_thread_ends(bool is_lookup);

/** In a thread of the library: unblocks the signals that were not blocked in the program's thread that began the
    first one. */
void csystem_open_signals(void);

/** Makes the end of the main thread by pthread_exit(3) call `wake`. */
void csystem_watch_main(void (*wake)(void));

/** In a forked child: counts its threads anew. */
void csystem_threads_forked(void);

/** The main thread has ended, and no other thread of the program is left. Where the threads cannot be counted: the
    main thread is ending. Not `closely`: the answer may be a tenth of a second old. */
bool csystem_is_over(bool closely);

/** A thread of the library is in getaddrinfo(3). */
bool csystem_is_looking_up(void);

/** When to ask csystem_is_over() again, on the monotonic clock; INT64_MAX while the main thread lives. */
int64_t csystem_next_watch(void);

/** Initialises a condition variable whose timed waits use CLOCK_MONOTONIC. */
int csystem_condition_init(pthread_cond_t *condition);

/** Like execvp(3), except for a file that is neither a program nor a script: returns ENOEXEC instead of trying a
    shell. Returns ENOENT also for a name that no file can have. Returns only on failure. `environment`: NULL: this
    process's. */
int csystem_execute(char *const *arguments, char *const *environment);

/** A program, with the state that this process was started with: its signal mask and its action for SIGCHLD. */
struct csystem_program {
    char *const *arguments;
    /* NULL: this process's. */
    char *const *environment;
    pid_t pid;
    sigset_t mask;
    struct sigaction child_action;
    /* No process could be made: this one is unchanged, and may become the program by csystem_execute. */
    bool is_alone;
};

/** Starts `arguments` as csystem_execute would; it is killed when this process is killed. Afterwards every signal
    of this process is blocked, and SIGCHLD is no longer ignored. Returns 0 or an error number. */
int csystem_start_program(struct csystem_program *program);

/** The next pending signal, or with `waits` the next one that comes. -1 if there is none. */
int csystem_next_signal(siginfo_t *info, bool waits);

/** Sends the signal to another process, with its value if it has one. */
int csystem_hand_on(pid_t pid, const siginfo_t *info);

/** Starts a process that receives only signals sent to this process's group. `whole` is the command line; it is
    overwritten with `arguments`, its last part. The process lives until `socket` is closed. Returns its id, or -1. */
pid_t csystem_start_witness(char **whole, char *const *arguments, int *socket);

/** Whether the witness has received the same signal; -1 if it does not answer. */
int csystem_ask_witness(int socket, const siginfo_t *info);

/** Whether this process has rights that its caller does not have: set-user-id, set-group-id or capabilities of the
    file (AT_SECURE). */
bool csystem_is_privileged(void);

/** The next copy of a variable in the environment, after `previous` (a value that this has returned); NULL: there
    is none. `previous` NULL: the first. Unlike getenv(3), it returns every copy, whatever rights this process has. */
const char *csystem_next_copy(const char *name, const char *previous);

/** 16 bytes that distinguish this run of the system from any other; zeroes if the system does not provide them.
    Read once. */
void csystem_boot_id(void *place);

/** Whether this process may start another one that outlives it: not if it runs with rights that its caller does
    not have, and not if it adopts orphans. */
bool csystem_may_spawn(void);

/** Starts `program deliver` for a tool as a separate process: in its own session, in `/`, without the caller's
    streams and files except `lock`, which becomes its descriptor 3, with the system's default signals. It is not a
    child of the caller. It has the caller's environment. An empty `version` or `manifest` means none. 0 or errno. */
int csystem_start_deliverer(const char *program, const char *tool, const char *version, const char *manifest, int lock);
/** The same of `program agent`, which ends when it has had nothing to do for a minute. It has none of the caller's
    variables that are about one tool or one run, except those that may refuse, and those of `services` (names, each with a NUL
    behind it, and one more at the end). */
int csystem_start_agent(const char *program, const char *services);

/** Path that this code was loaded from, as the loader knows it; NULL: unknown. */
const char *csystem_library_path(void);

/** Whether an attribute may contain something to redact; true when in doubt. */
bool csystem_is_suspect(const void *key, size_t key_length, const void *value, size_t length);

#endif
