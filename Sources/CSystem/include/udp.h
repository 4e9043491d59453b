/* SPDX-License-Identifier: Apache-2.0 */
/* A socket for datagrams to a host given by name. The system's resolver may block for any time, so it runs in a
   separate thread, and the caller can stop waiting. */
#ifndef CSYSTEM_UDP_H
#define CSYSTEM_UDP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct csystem_lookup csystem_lookup;

/** Begins to look up `host` (without brackets). NULL: out of memory or threads. */
csystem_lookup *csystem_lookup_start(const char *host, const char *port);
/** True: the lookup is over, and csystem_lookup_connect() may be called. */
bool csystem_lookup_is_done(csystem_lookup *lookup);
/** A non-blocking socket, closed on exec, connected to the first address that can be reached; or -1, and `*reason`
    is a sentence. */
int csystem_lookup_connect(csystem_lookup *lookup, const char **reason);
/** May be called at any time, once. */
void csystem_lookup_release(csystem_lookup *lookup);

/** 0, or errno. Does not raise SIGPIPE. */
int csystem_send_datagram(int socket, const void *bytes, size_t length);

#endif
