/* What any call into a shared library costs. */
#include <stddef.h>

int nothing(void *collector, const char *type, const char *name, const void *attributes, size_t count)
{
    (void)collector, (void)type, (void)name, (void)attributes, (void)count;
    return 20;
}
