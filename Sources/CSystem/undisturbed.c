/* SPDX-License-Identifier: Apache-2.0 */
#include "csystem.h"

#include <sys/resource.h>
#include <sys/single_threaded.h>

/* While the only thread of a program is in the library, no code of the program runs: nobody else closes a
   descriptor or uses its number again, and neither the user nor a limit changes. So facts that were looked up are not
   looked up again until the thread leaves, or code of the program is called. In a program with several threads,
   including those of the library, none of this holds, and stored facts are not used. */

enum { KNOWN = 64 };

static unsigned depth;
/* Distinguishes facts found in this stay from older ones. */
static unsigned stay = 1;
static struct {
    uint64_t file;
    unsigned stay;
} known[KNOWN];
static unsigned user_stay, limit_stay;
static uid_t user;
static int64_t limit;

static bool is_undisturbed(void) { return __libc_single_threaded && depth != 0; }

bool csystem_undisturbed_begin(void)
{
    if (!__libc_single_threaded)
        return false;
    depth++;
    stay++;
    return true;
}

void csystem_undisturbed_end(bool has_begun)
{
    if (has_begun && depth != 0)
        depth--;
}

void csystem_program_ran(void)
{
    if (__libc_single_threaded)
        stay++;
}

void csystem_undisturbed_forked(void)
{
    depth = 0;
    stay++;
}

uint32_t csystem_stay(void) { return is_undisturbed() ? stay : 0; }

bool csystem_is_known(int fd, uint64_t file)
{
    return is_undisturbed() && fd >= 0 && fd < KNOWN && known[fd].stay == stay && known[fd].file == file;
}

void csystem_know(int fd, uint64_t file)
{
    if (!is_undisturbed() || fd < 0 || fd >= KNOWN)
        return;
    known[fd].file = file;
    known[fd].stay = file == 0 ? 0 : stay;
}

uid_t csystem_user(void)
{
    if (!is_undisturbed())
        return geteuid();
    if (user_stay != stay) {
        user = geteuid();
        user_stay = stay;
    }
    return user;
}

static int64_t file_size_limit(void)
{
    struct rlimit now;
    return getrlimit(RLIMIT_FSIZE, &now) == 0 && now.rlim_cur < INT64_MAX ? (int64_t)now.rlim_cur : INT64_MAX;
}

int64_t csystem_file_size_limit(void)
{
    if (!is_undisturbed())
        return file_size_limit();
    if (limit_stay != stay) {
        limit = file_size_limit();
        limit_stay = stay;
    }
    return limit;
}
