/* SPDX-License-Identifier: Apache-2.0 */
#include "csystem.h"

#include <stdatomic.h>

/* The signal mask of the thread that began the first thread of the library. Written before that one begins; read
   only by threads of the library. */
static sigset_t program_signals;
static atomic_bool has_signals;

int csystem_start_thread(size_t stack_bytes, void *(*body)(void *), void *context)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, stack_bytes);
    /* The mask is inherited: the thread never runs, even for an instant, with a signal open. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!atomic_exchange(&has_signals, true))
        program_signals = before;
    csystem_thread_asked_for(true);
    error = pthread_create(&thread, &attributes, body, context);
    if (error != 0)
        csystem_thread_asked_for(false);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

void csystem_open_signals(void) { pthread_sigmask(SIG_SETMASK, &program_signals, NULL); }

/* A thread that is cancelled while it holds a lock would never release it: the next thread that needs the lock
   would wait for ever. */
csystem_caller csystem_enter(void)
{
    csystem_caller caller = {.error = errno, .is_only_one = csystem_undisturbed_begin()};
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &caller.cancellation);
    return caller;
}

void csystem_leave(csystem_caller caller)
{
    csystem_undisturbed_end(caller.is_only_one);
    pthread_setcancelstate(caller.cancellation, NULL);
    errno = caller.error;
}

int csystem_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (error != 0)
        return error;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    error = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return error;
}
