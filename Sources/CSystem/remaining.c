/* SPDX-License-Identifier: Apache-2.0 */
#include "csystem.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/single_threaded.h>

/* A program whose main thread ends by pthread_exit(3) ends with its last thread. Threads of the library must not
   be that last one: they end once no other thread is left. glibc runs the destructor of a key when the main thread
   ends in this way, but not at exit(3) or a return from main(): nobody has to look until the destructor has run. */

enum { FIRST_WATCH_NS = 10000000, LAST_WATCH_NS = 1000000000, LOOK_NS = 100000000 };

static pthread_key_t key;
static atomic_bool has_key;
/* The main thread of this process has a value for the key. */
static atomic_bool is_watched;
/* When the main thread began to end, nanoseconds of the monotonic clock; 0: it lives. */
static atomic_llong ended_at;
static _Atomic(void (*)(void)) tell;
/* Threads of the library, counted by themselves: a thread that runs already is counted, one that does not run yet
   is not. */
static atomic_uint begun, ended, lookups;
/* Threads of the library that were requested. */
static atomic_uint asked;
static atomic_llong looked_at;
static atomic_bool was_over;

static long long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* The state of the main thread and the number of all threads. A main thread that has ended is included. */
static int count_threads(char *state)
{
    char text[1024];
    int count = -1;
    int file = csystem_above_streams(open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
    if (file < 0)
        return -1;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    text[length > 0 ? length : 0] = 0;
    /* proc_pid_stat(5): the name may contain anything; the 20th field is the 18th after it. */
    const char *field = strrchr(text, ')');
    for (int number = 3; field != NULL && number <= 20; number++) {
        field = strchr(field, ' ');
        if (field == NULL)
            break;
        field++;
        if (number == 3)
            *state = *field;
        if (number == 20)
            count = atoi(field);
    }
    return count;
}

/* If threads begin or end meanwhile, the result is false, and the caller asks again. */
static bool is_alone(void)
{
    char state = 0;
    unsigned first_begun = atomic_load(&begun), first_ended = atomic_load(&ended);
    int count = count_threads(&state);
    bool is_ending = atomic_load(&ended_at) != 0;
    if (count < 0)
        return is_ending;
    if (!is_ending && state != 'Z')
        return false;
    return first_begun == atomic_load(&begun) && first_ended == atomic_load(&ended)
        && count - 1 <= (int)(first_begun - first_ended);
}

bool csystem_is_over(bool closely)
{
    if (atomic_load_explicit(&is_watched, memory_order_relaxed) && atomic_load_explicit(&ended_at, memory_order_relaxed) == 0)
        return false;
    long long now = now_ns();
    if (!closely && now - atomic_load(&looked_at) < LOOK_NS)
        return atomic_load(&was_over);
    bool is_over = is_alone();
    atomic_store(&was_over, is_over);
    atomic_store(&looked_at, now);
    return is_over;
}

bool csystem_is_looking_up(void) { return atomic_load(&lookups) != 0; }

int64_t csystem_next_watch(void)
{
    long long end = atomic_load_explicit(&ended_at, memory_order_relaxed);
    if (end == 0 && atomic_load_explicit(&is_watched, memory_order_relaxed))
        return INT64_MAX;
    long long now = now_ns();
    long long pause = end == 0 ? LAST_WATCH_NS : (now - end) / 4;
    return now + (pause < FIRST_WATCH_NS ? FIRST_WATCH_NS : pause > LAST_WATCH_NS ? LAST_WATCH_NS : pause);
}

void csystem_thread_begins(bool is_lookup)
{
    if (is_lookup)
        atomic_fetch_add(&lookups, 1);
    atomic_fetch_add(&begun, 1);
}

void csystem_thread_ends(bool is_lookup)
{
    if (is_lookup)
        atomic_fetch_sub(&lookups, 1);
    atomic_fetch_add(&ended, 1);
}

void csystem_thread_asked_for(bool is_there) { atomic_fetch_add(&asked, is_there ? 1 : -1U); }

/* Only the library's threads are left besides this one. */
static bool is_waiting_for_ours(void)
{
    char state = 0;
    int count = count_threads(&state);
    return count > 1 && count - 1 <= (int)(atomic_load(&asked) - atomic_load(&ended));
}

/* In the main thread, which ends. If it is the last thread of the program, it waits a moment for the library's
   threads: the handlers of exit(3) then run in it, as without telemetry. */
static void main_ends(void *unused)
{
    (void)unused;
    atomic_store(&ended_at, now_ns());
    void (*wake)(void) = atomic_load(&tell);
    if (wake != NULL)
        wake();
    for (int left = 200; left > 0 && is_waiting_for_ours(); left--)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void watch(void)
{
    if (!atomic_load(&has_key) || pthread_setspecific(key, &key) != 0)
        return;
    atomic_store(&is_watched, true);
}

void csystem_watch_main(void (*wake)(void))
{
    atomic_store(&tell, wake);
    if (!atomic_load(&is_watched) && atomic_load(&ended_at) == 0 && gettid() == getpid())
        watch();
}

/* The thread that has forked is the main thread of the child, and its only one. */
void csystem_threads_forked(void)
{
    atomic_store(&is_watched, false);
    atomic_store(&ended_at, 0);
    atomic_store(&asked, 0);
    atomic_store(&begun, 0);
    atomic_store(&ended, 0);
    atomic_store(&lookups, 0);
    watch();
}

/* If the library was opened by another thread than the main one, in a program with several threads,
   csystem_watch_main() watches the main thread. */
__attribute__((constructor)) static void begin(void)
{
    atomic_store(&has_key, pthread_key_create(&key, main_ends) == 0);
    if (__libc_single_threaded)
        watch();
}
