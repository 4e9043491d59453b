/* SPDX-License-Identifier: Apache-2.0 */
#include "csystem.h"

#include <stdatomic.h>

/* The longest time that a fork waits for a section to be left: loading libcurl takes some 10 ms, a call of it a
   few. Then the longest time that the end of the process waits. */
enum { FORK_MS = 250, END_MS = 1000 };

static struct section {
    pthread_mutex_t mutex;
    /* The thread that forks and holds the mutex. */
    pthread_t forking;
    bool is_forking;
    /* This process is the child of a fork that happened while a thread was inside. */
    atomic_bool is_lost;
} sections[] = { { .mutex = PTHREAD_MUTEX_INITIALIZER }, { .mutex = PTHREAD_MUTEX_INITIALIZER } };

enum { COUNT = sizeof sections / sizeof *sections };

static atomic_bool is_over;
static atomic_bool is_watching;

static bool lock(struct section *section, int timeout_ms)
{
    /* Usually succeeds at once; helgrind, up to 3.19 at least, does not see that the waiting form locks. */
    if (pthread_mutex_trylock(&section->mutex) == 0)
        return true;
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += timeout_ms * 1000000L;
    end.tv_sec += end.tv_nsec / 1000000000L;
    end.tv_nsec %= 1000000000L;
    return pthread_mutex_clocklock(&section->mutex, CLOCK_MONOTONIC, &end) == 0;
}

static void prepare(void)
{
    for (int i = COUNT - 1; i >= 0; i--) {
        struct section *section = &sections[i];
        if (lock(section, FORK_MS)) {
            section->forking = pthread_self();
            section->is_forking = true;
        }
    }
}

static bool is_mine(const struct section *section)
{
    return section->is_forking && pthread_equal(section->forking, pthread_self());
}

static void parent(void)
{
    for (int i = 0; i < COUNT; i++) {
        if (!is_mine(&sections[i]))
            continue;
        sections[i].is_forking = false;
        pthread_mutex_unlock(&sections[i].mutex);
    }
}

static void child(void)
{
    csystem_undisturbed_forked();
    /* A thread that was inside a section will never leave it in this process. */
    bool is_whole = is_mine(&sections[CSYSTEM_SENDING]);
    for (int i = 0; i < COUNT; i++) {
        if (!is_mine(&sections[i]))
            atomic_store(&sections[i].is_lost, true);
        sections[i].is_forking = false;
        pthread_mutex_init(&sections[i].mutex, NULL);
    }
    csystem_curl_forked(is_whole);
    csystem_threads_forked();
}

void csystem_watch_forks(void)
{
    if (!atomic_exchange(&is_watching, true))
        pthread_atfork(prepare, parent, child);
}

bool csystem_section_enter(enum csystem_section which)
{
    struct section *section = &sections[which];
    csystem_watch_forks();
    pthread_mutex_lock(&section->mutex);
    if (!atomic_load(&section->is_lost) && !(which == CSYSTEM_SENDING && atomic_load(&is_over)))
        return true;
    pthread_mutex_unlock(&section->mutex);
    return false;
}

void csystem_section_leave(enum csystem_section which)
{
    pthread_mutex_unlock(&sections[which].mutex);
}

bool csystem_is_closed(enum csystem_section which)
{
    return atomic_load_explicit(&sections[which].is_lost, memory_order_relaxed)
        || (which == CSYSTEM_SENDING && atomic_load_explicit(&is_over, memory_order_relaxed));
}

void csystem_close_sending(void) { atomic_store(&is_over, true); }

void csystem_end_sending(void)
{
    struct section *section = &sections[CSYSTEM_SENDING];
    csystem_close_sending();
    if (lock(section, END_MS))
        pthread_mutex_unlock(&section->mutex);
}

/* Runs after the destructors of the program and of the libraries that use this one, and before those of libraries
   opened while the program ran: libcurl, and the libraries that it needs. */
__attribute__((destructor)) static void end(void) { csystem_end_sending(); }
