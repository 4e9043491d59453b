/* SPDX-License-Identifier: Apache-2.0 */
#include "csystem.h"

static void *fork_state;

void *csystem_fork_state(void)
{
    return __atomic_load_n(&fork_state, __ATOMIC_ACQUIRE);
}

void *csystem_keep_fork_state(void *state)
{
    void *kept = NULL;
    if (__atomic_compare_exchange_n(&fork_state, &kept, state, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return state;
    return kept;
}
