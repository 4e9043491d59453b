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

/* For the agent. */

/** Tells the agent of this user that the tool has left something; its manifest is there. Does not wait. `is_ahead`: it is
    about to leave something; waits up to 100 ms until the agent has heard that. False: nobody listens there, or not this
    user. */
bool csystem_wake_agent(const char *path, const char *tool, const char *manifest, bool is_ahead);
/** The user on the other side of a Unix socket when it connected, and the process. False: it has none. */
bool csystem_peer(int socket, uint32_t *user, int32_t *process);
/** Somebody listens on that Unix socket. False: nobody does, or there is none. */
bool csystem_has_listener(const char *path);
/** Connects to a Unix socket, and waits. What is read or written later gives up after so long. */
int csystem_connect_unix(const char *path, int seconds);
/** What a descriptor that this process was given listens on. 0: on nothing. */
enum { CSYSTEM_LISTENS_UNIX = 1, CSYSTEM_LISTENS_LOOPBACK, CSYSTEM_LISTENS_ELSEWHERE };
int csystem_listens_on(int socket, uint16_t *port);
/** Closed on exec, and never waited for. */
void csystem_prepare_given(int socket);
/** The two ports of a connection, and whether its addresses are of IPv6. False: it is not one of TCP. */
bool csystem_ports(int socket, uint16_t *own, uint16_t *others, bool *is_v6);
/** Whose the other end of a connection over a port of this machine is (sock_diag(7)). 1: `user` is. 0: it is gone. -1: this
    system does not say. */
int csystem_other_end(int connection, uint32_t *user);
/** Two ends, for messages. Each is read as a whole. */
int csystem_message_pair(int *one, int *other);

/** The sender of a datagram, as far as the system says. */
typedef struct csystem_sender {
    /** Of a Unix socket. */
    uint32_t user;
    bool has_user;
    /** The datagram was longer than the room for it. */
    bool is_cut;
    /** Of a port's client, on a loopback address; 0: there is not one. */
    uint16_t port;
    /** Its address, as it lies in memory: one word of IPv4, four of IPv6. */
    uint32_t address[4];
    /** How many datagrams the system has thrown away so far for want of room, if it says so. */
    uint32_t lost;
} csystem_sender;

/** A socket for datagrams that say which user sends them, with mode 0600; else a negative errno. */
int csystem_take_unix_datagrams(const char *path);
/** The same on a port of a loopback address. `port`: 0 for any; set to the one that is bound. */
int csystem_take_loopback_datagrams(const char *address, uint16_t *port);
/** Some process takes datagrams there, or it cannot be known. */
bool csystem_are_datagrams_taken(const char *path);
/** One datagram, without waiting. Its length, or a negative errno. */
ptrdiff_t csystem_receive_datagram(int socket, void *bytes, size_t size, csystem_sender *sender);

#endif
