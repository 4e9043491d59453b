/* SPDX-License-Identifier: Apache-2.0 */
#include "csystem.h"

#include <stdatomic.h>

/* Handlers of exit(3) run in the opposite order of their registration: ours runs before those of what the program
   had begun to use when it opened its collector, a TLS library for example, and behind those of what it uses since. */

static _Atomic(void (*)(void)) leave;
static atomic_bool is_registered;
/* A child that was made without fork(3) has the handler, too. */
static atomic_int registered_for;

static void ends(void)
{
    void (*handler)(void) = atomic_load(&leave);
    if (handler == NULL || atomic_load(&registered_for) != getpid())
        return;
    csystem_caller caller = csystem_enter();
    handler();
    csystem_leave(caller);
}

void csystem_at_exit(void (*handler)(void))
{
    atomic_store(&leave, handler);
    atomic_store(&registered_for, getpid());
    /* Once in the life of the process: its children inherit it, and the library stays (-z nodelete). */
    if (!atomic_exchange(&is_registered, true) && atexit(ends) != 0)
        atomic_store(&is_registered, false);
}
