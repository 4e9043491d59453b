/* SPDX-License-Identifier: Apache-2.0 */
#include "csystem.h"

#include <stdatomic.h>

int csystem_above_streams(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int error = errno;
    close(fd);
    errno = error;
    return moved;
}

/* A kernel that forgets O_NOFOLLOW once a file is open shows no mark. */
static atomic_bool shows_marks;

void csystem_note_mark(int fd)
{
    if (atomic_load_explicit(&shows_marks, memory_order_relaxed))
        return;
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_NOFOLLOW) != 0)
        atomic_store_explicit(&shows_marks, true, memory_order_relaxed);
}

bool csystem_has_mark(int fd)
{
    if (!atomic_load_explicit(&shows_marks, memory_order_relaxed))
        return true;
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 ? (flags & O_NOFOLLOW) != 0 : errno != EBADF;
}
