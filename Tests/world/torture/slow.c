/* A file system that takes TORTURE_SLOW microseconds for everything that changes it. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static useconds_t pause_us;

__attribute__((constructor)) static void begin(void)
{
    pause_us = getenv("TORTURE_SLOW") ? (useconds_t)atol(getenv("TORTURE_SLOW")) : 0;
}

static void slow(int file)
{
    struct stat found;
    if (pause_us > 0 && fstat(file, &found) == 0 && S_ISREG(found.st_mode))
        usleep(pause_us);
}

#define NEXT(name) static __typeof__(name) *next; if (next == NULL) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t write(int file, const void *bytes, size_t count) { NEXT(write); slow(file); return next(file, bytes, count); }
ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) { NEXT(pwrite); slow(file); return next(file, bytes, count, at); }
int posix_fallocate(int file, off_t at, off_t count) { NEXT(posix_fallocate); slow(file); return next(file, at, count); }
int ftruncate(int file, off_t size) __attribute__((nothrow));
int ftruncate(int file, off_t size) { NEXT(ftruncate); slow(file); return next(file, size); }
int fsync(int file) { NEXT(fsync); slow(file); return next(file); }
int fdatasync(int file) { NEXT(fdatasync); slow(file); return next(file); }
int flock(int file, int operation) { NEXT(flock); slow(file); return next(file, operation); }

int openat(int directory, const char *path, int flags, ...)
{
    NEXT(openat);
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (pause_us > 0 && flags & O_CREAT)
        usleep(pause_us);
    return next(directory, path, flags, mode);
}
