/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that listen on this machine only. Every descriptor is non-blocking, closed on exec, and none has the number
   of a standard stream. A negative result is a negative errno. */
#ifndef CSYSTEM_SOCKET_H
#define CSYSTEM_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Listens on a numeric address, which must be a loopback one. Port 0: a free one. `*port` becomes the port. */
int csystem_listen_loopback(const char *address, uint16_t *port);

/** Listens on a Unix socket that only its owner may use. A name that exists is left alone: -EADDRINUSE. */
int csystem_listen_unix(const char *path);
/** Somebody listens on that Unix socket. True when in doubt. */
bool csystem_is_listened_to(const char *path);

/** The next connection. */
int csystem_accept(int listener);
/** Bytes read, 0 at the end. */
ptrdiff_t csystem_receive(int socket, void *bytes, size_t size);
/** Bytes taken. Does not raise SIGPIPE. */
ptrdiff_t csystem_send(int socket, const void *bytes, size_t size);
/** The other side reads an end after what was sent. */
void csystem_send_end(int socket);

/** A pipe to wake a thread with. 0 or a negative errno. */
int csystem_wake_pipe(int *reading, int *writing);

#endif
