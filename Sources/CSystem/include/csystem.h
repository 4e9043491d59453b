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
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "curl_table.h"
#include "section.h"
#include "sha256.h"
#include "text.h"
#include "telemetry_types.h"
#include "udp.h"
#include "yaml_table.h"
#include "zlib_table.h"

static inline int csystem_errno(void) { return errno; }
static inline void csystem_set_errno(int value) { errno = value; }

/* What the host's thread has, and keeps: errno, and that it may be cancelled, which it is not while it is in here. */
typedef struct {
    int error;
    int cancellation;
    bool is_only_one;
} csystem_caller;

/** Between the two, what undisturbed.c knows of the program holds. */
csystem_caller csystem_enter(void);
void csystem_leave(csystem_caller caller);

/** The program's only thread is in the library from here on. False: it has others. */
bool csystem_undisturbed_begin(void);
void csystem_undisturbed_end(bool has_begun);
/** The number of this stay in the library, in which nothing of the program's runs; 0: that cannot be said. */
uint32_t csystem_stay(void);
/** Code of the program's was called from within: whatever was known may have changed. */
void csystem_program_ran(void);
void csystem_undisturbed_forked(void);
/** The descriptor was found to be of that file, and cannot be another one's since. */
bool csystem_is_known(int fd, uint64_t file);
/** It was just found to be of that file; 0: it is closed. */
void csystem_know(int fd, uint64_t file);
/** geteuid(2). */
uid_t csystem_user(void);
/** RLIMIT_FSIZE in bytes; INT64_MAX: there is none. */
int64_t csystem_file_size_limit(void);

/** Moves a descriptor that has the number of a standard stream, which the program has closed: what is written there
    is not for a file of ours. -1 stays -1. Closed on exec. */
int csystem_above_streams(int fd);
/** What is opened with O_NOFOLLOW, as all files are here, can be told from what the program has opened since under the same
    number. First for a descriptor that was just opened. */
void csystem_note_mark(int fd);
bool csystem_has_mark(int fd);

static inline int csystem_openat(int directory, const char *path, int flags, mode_t mode)
{
    return csystem_above_streams(openat(directory, path, flags, mode));
}
static inline void *csystem_map_failed(void) { return MAP_FAILED; }
static inline int csystem_wait_exited(int status) { return WIFEXITED(status); }
static inline int csystem_wait_exit_status(int status) { return WEXITSTATUS(status); }
static inline int csystem_wait_term_signal(int status) { return WTERMSIG(status); }
static inline int csystem_wait_stop_signal(int status) { return WIFSTOPPED(status) ? WSTOPSIG(status) : 0; }

/** Whether a call that takes that much may begin: malloc(3) has it, and most of the reserve is free.
    0: only the reserve is looked at. */
bool csystem_has_memory(size_t bytes);

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `length` bytes, continued from `seed`. */
uint32_t csystem_crc32c(uint32_t seed, const void *bytes, size_t length);

/** The same over the four bytes of `prefix` (little-endian) and then `bytes`. */
uint32_t csystem_crc32c_prefixed(uint32_t prefix, const void *bytes, size_t length);

/** The state of the fork handlers, or NULL as long as none is kept. */
void *csystem_fork_state(void);

/** Keeps `state` if none is kept yet; returns the one that is kept. */
void *csystem_keep_fork_state(void *state);

/** Starts a detached thread with every signal blocked and a stack of `stack_bytes`. 0 or errno. */
int csystem_start_thread(size_t stack_bytes, void *(*body)(void *), void *context);

/** Before one is begun, and again where that failed. */
void csystem_thread_asked_for(bool is_there);

/** First and last in a thread of the library's. */
void csystem_thread_begins(bool is_lookup);
void csystem_thread_ends(bool is_lookup);

/** In a thread of the library's: gives it the signals that the program's thread had open which began the first. */
void csystem_open_signals(void);

/** Has `wake` called when the main thread ends by pthread_exit(3). */
void csystem_watch_main(void (*wake)(void));

/** In a forked child: its threads are counted anew. */
void csystem_threads_forked(void);

/** The main thread has ended, and no other thread of the program is left. Otherwise, or where that cannot be known, a
    thread of the library's may end all the same. Not `closely`: as of a tenth of a second ago. */
bool csystem_is_over(bool closely);

/** A thread of the library's is in getaddrinfo(3). */
bool csystem_is_looking_up(void);

/** When to ask csystem_is_over() again, on the monotonic clock; INT64_MAX as long as the main thread lives. */
int64_t csystem_next_watch(void);

/** Initialises a condition variable whose timed waits use CLOCK_MONOTONIC. */
int csystem_condition_init(pthread_cond_t *condition);

/** execvp(3), but for a file that is neither a program nor a script: ENOEXEC instead of a try at a shell. ENOENT, too,
    for a name that no file can have. Returns only when it fails. */
int csystem_execute(char *const *arguments);

/** A program, with what this process was started with: its signal mask and what it does at SIGCHLD. */
struct csystem_program {
    char *const *arguments;
    pid_t pid;
    sigset_t mask;
    struct sigaction child_action;
    /* No process could be made: this one is as it was, and may become the program by csystem_execute. */
    bool is_alone;
};

/** Starts `arguments` as csystem_execute would; it is killed when this process is. Every signal of this process is
    blocked afterwards, and SIGCHLD no longer ignored. Returns 0 or an error number. */
int csystem_start_program(struct csystem_program *program);

/** The next signal that is pending, or with `waits` that comes. -1 if there is none. */
int csystem_next_signal(siginfo_t *info, bool waits);

/** Sends it to another process, with its value if it has one. */
int csystem_hand_on(pid_t pid, const siginfo_t *info);

/** A process that only has what signals are sent to this one's group: `whole` is the command line that it overwrites
    with `arguments`, the end of it. Lives until `socket` is closed. Returns its id, or -1. */
pid_t csystem_start_witness(char **whole, char *const *arguments, int *socket);

/** Whether the witness has been sent the same signal; -1 where it does not answer. */
int csystem_ask_witness(int socket, const siginfo_t *info);

/** Whether this process has rights that its caller does not have: set-user-id, set-group-id or capabilities of
    the file (AT_SECURE). */
bool csystem_is_privileged(void);

/** The next copy of a variable in the environment, behind `previous` (a value that this has returned); NULL:
    there is none. `previous` NULL: the first. Unlike getenv(3), whatever rights this process has. */
const char *csystem_next_copy(const char *name, const char *previous);

/** 16 bytes that tell this run of the system from any other; zeroes where it does not say. Read once. */
void csystem_boot_id(void *place);

/** Whether this process may start another that outlives it: not one that runs with rights its caller
    does not have, nor one that adopts orphans. */
bool csystem_may_spawn(void);

/** Starts `program deliver` for a tool on its own: in a session of its own, in `/`, without the caller's streams and
    files but `lock`, which is its descriptor 3, with signals as the system sets them. It is no child of the
    caller's. The environment is the caller's. An empty `version` or `manifest` says nothing. 0 or errno. */
int csystem_start_deliverer(const char *program, const char *tool, const char *version, const char *manifest, int lock);

/** Path that this code was loaded from, as the loader knows it; NULL: unknown. */
const char *csystem_library_path(void);

/** Whether an attribute may hold something to redact; yes, when in doubt. */
bool csystem_is_suspect(const void *key, size_t key_length, const void *value, size_t length);

#endif
