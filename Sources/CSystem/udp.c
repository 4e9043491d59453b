/* SPDX-License-Identifier: Apache-2.0 */
#include "csystem.h"

#include <netdb.h>
#include <stdatomic.h>
#include <sys/socket.h>

struct csystem_lookup {
    /* One for the caller and one for the thread. */
    atomic_int references;
    atomic_bool is_done;
    int error;
    struct addrinfo *found;
    char port[8];
    char host[];
};

void csystem_lookup_release(csystem_lookup *lookup)
{
    if (atomic_fetch_sub(&lookup->references, 1) != 1)
        return;
    if (lookup->found != NULL)
        freeaddrinfo(lookup->found);
    free(lookup);
}

static void resolve(csystem_lookup *lookup, int flags)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV | flags };
    lookup->error = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->found);
    if (lookup->error != 0)
        lookup->found = NULL;
}

static void *look_up(void *context)
{
    csystem_lookup *lookup = context;
    csystem_thread_begins(true);
    resolve(lookup, AI_ADDRCONFIG);
    atomic_store(&lookup->is_done, true);
    csystem_lookup_release(lookup);
    csystem_thread_ends(true);
    return NULL;
}

csystem_lookup *csystem_lookup_start(const char *host, const char *port)
{
    size_t length = strlen(host) + 1;
    csystem_lookup *lookup = calloc(1, sizeof *lookup + length);
    if (lookup == NULL)
        return NULL;
    memcpy(lookup->host, host, length);
    snprintf(lookup->port, sizeof lookup->port, "%s", port);
    atomic_init(&lookup->references, 2);
    /* An address needs no resolver, and no thread. */
    resolve(lookup, AI_NUMERICHOST);
    if (lookup->error == 0) {
        atomic_store(&lookup->is_done, true);
        atomic_store(&lookup->references, 1);
        return lookup;
    }
    if (csystem_start_thread(256 << 10, look_up, lookup) == 0)
        return lookup;
    free(lookup);
    return NULL;
}

bool csystem_lookup_is_done(csystem_lookup *lookup)
{
    return atomic_load(&lookup->is_done);
}

int csystem_lookup_connect(csystem_lookup *lookup, const char **reason)
{
    *reason = lookup->error != 0 ? "the host's name cannot be resolved" : "no address of the host can be reached";
    for (struct addrinfo *each = lookup->found; each != NULL; each = each->ai_next) {
        int fd = csystem_above_streams(socket(each->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (fd < 0)
            continue;
        if (connect(fd, each->ai_addr, each->ai_addrlen) == 0)
            return fd;
        close(fd);
    }
    return -1;
}

int csystem_send_datagram(int socket, const void *bytes, size_t length)
{
    while (send(socket, bytes, length, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}
