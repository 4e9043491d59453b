// SPDX-License-Identifier: Apache-2.0
#include "csystem.h"

#include <sys/resource.h>

static int64_t soft_limit(int resource)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > INT64_MAX)
        return -1;
    return (int64_t)limit.rlim_cur;
}

int64_t csystem_descriptor_limit(void)
{
    return soft_limit(RLIMIT_NOFILE);
}

int64_t csystem_address_space_limit(void)
{
    return soft_limit(RLIMIT_AS);
}

int64_t csystem_ticks_per_second(void)
{
    return sysconf(_SC_CLK_TCK);
}

int64_t csystem_page_bytes(void)
{
    return sysconf(_SC_PAGESIZE);
}
