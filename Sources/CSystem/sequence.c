/* SPDX-License-Identifier: Apache-2.0 */
#include "csystem.h"

uintptr_t csystem_sequence;

uintptr_t csystem_keep_sequence(uintptr_t state)
{
    uintptr_t kept = 0;
    if (__atomic_compare_exchange_n(&csystem_sequence, &kept, state, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return state;
    return kept;
}
