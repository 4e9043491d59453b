/* A clock that is wrong by TORTURE_SHIFT seconds, from TORTURE_SHIFT_AFTER milliseconds of the process's life on. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long shift, after, start;

static long long monotonic_ms(void)
{
    struct timespec time;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

__attribute__((constructor)) static void begin(void)
{
    shift = getenv("TORTURE_SHIFT") ? atoll(getenv("TORTURE_SHIFT")) : 0;
    after = getenv("TORTURE_SHIFT_AFTER") ? atoll(getenv("TORTURE_SHIFT_AFTER")) : 0;
    start = monotonic_ms();
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) && monotonic_ms() - start >= after) {
        time->tv_sec += shift;
        if (time->tv_sec < 0)
            time->tv_sec = 0;
    }
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    struct timespec found;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &found);
    time->tv_sec = found.tv_sec;
    time->tv_usec = found.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result)
{
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (result)
        *result = found.tv_sec;
    return found.tv_sec;
}
