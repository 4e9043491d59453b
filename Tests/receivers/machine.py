"""Another machine, at another time, for a program that is started with LD_PRELOAD."""
import subprocess

SOURCE = """
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
int uname(struct utsname *names)
{
    memset(names, 0, sizeof *names);
    strcpy(names->sysname, SYSTEM);
    strcpy(names->nodename, "node");
    strcpy(names->release, RELEASE);
    strcpy(names->machine, MACHINE);
    return 0;
}
#ifdef SECONDS
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock != CLOCK_REALTIME)
        return (int)syscall(SYS_clock_gettime, clock, now);
    *now = (struct timespec){ SECONDS, 0 };
    return 0;
}
#endif
"""


def preload(path, system, release, machine, seconds=None):
    """The library at `path`: what uname(2) says, and when it is, in seconds since 1970."""
    names = {"SYSTEM": f'"{system}"', "RELEASE": f'"{release}"', "MACHINE": f'"{machine}"', **({"SECONDS": seconds} if seconds else {})}
    subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
                    *(f"-D{name}={value}" for name, value in names.items()), "-o", path, "-x", "c", "-"], input=SOURCE, text=True, check=True)
    return path
