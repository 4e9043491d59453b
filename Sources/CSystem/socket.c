/* SPDX-License-Identifier: Apache-2.0 */
#include "csystem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* Before Linux 6.9's headers some C libraries do not name it. */
#ifndef SO_RXQ_OVFL
#define SO_RXQ_OVFL 40
#endif

enum { BACKLOG = 64 };

static int failed(int fd)
{
    int error = errno;
    if (fd >= 0)
        close(fd);
    return -error;
}

static int open_socket(int family, int type)
{
    return csystem_above_streams(socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

/* The check is repeated where the socket is bound: no mistake further up can open a port to the network. */
static socklen_t loopback(const char *text, uint16_t port, struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1 && ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof *v4;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        return sizeof *v6;
    }
    return 0;
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET ? ((const struct sockaddr_in *)address)->sin_port
                                               : ((const struct sockaddr_in6 *)address)->sin6_port);
}

/* The socket, and the port that it is bound to. */
static int with_port(int fd, uint16_t *port)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return failed(fd);
    *port = port_of(&address);
    return fd;
}

int csystem_listen_loopback(const char *text, uint16_t *port)
{
    struct sockaddr_storage address;
    int one = 1;
    socklen_t length = loopback(text, *port, &address);
    if (length == 0)
        return -EADDRNOTAVAIL;
    int fd = open_socket(address.ss_family, SOCK_STREAM);
    /* Otherwise a port is not free for a minute after its last connection. Two sockets still cannot have it. */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0
        || bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, BACKLOG) != 0)
        return failed(fd);
    return with_port(fd, port);
}

static bool name(const char *path, struct sockaddr_un *address)
{
    size_t length = strlen(path);
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (length == 0 || length >= sizeof address->sun_path)
        return false;
    memcpy(address->sun_path, path, length);
    return true;
}

int csystem_listen_unix(const char *path)
{
    struct sockaddr_un address;
    if (!name(path, &address))
        return -ENAMETOOLONG;
    int fd = open_socket(AF_UNIX, SOCK_STREAM);
    /* Linux gives the name the mode that the socket has, without what umask takes. So there is no moment in which
       others may connect, and umask(2), which other threads share, is left alone. */
    if (fd < 0 || fchmod(fd, 0600) != 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0
        || listen(fd, BACKLOG) != 0)
        return failed(fd);
    return fd;
}

/* Some process has a socket of that type there, or it cannot be known. */
static bool is_used(const char *path, int type)
{
    struct sockaddr_un address;
    if (!name(path, &address))
        return true;
    int fd = open_socket(AF_UNIX, type);
    if (fd < 0)
        return true;
    bool is_refused = connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && errno == ECONNREFUSED;
    close(fd);
    return !is_refused;
}

bool csystem_is_listened_to(const char *path) { return is_used(path, SOCK_STREAM); }

int csystem_accept(int listener)
{
    int one = 1;
    int fd = csystem_above_streams(accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd < 0)
        return -errno;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

ptrdiff_t csystem_receive(int socket, void *bytes, size_t size)
{
    ssize_t count;
    while ((count = recv(socket, bytes, size, MSG_DONTWAIT)) < 0)
        if (errno != EINTR)
            return -errno;
    return count;
}

ptrdiff_t csystem_send(int socket, const void *bytes, size_t size)
{
    ssize_t count;
    while ((count = send(socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL)) < 0)
        if (errno != EINTR)
            return -errno;
    return count;
}

void csystem_send_end(int socket) { shutdown(socket, SHUT_WR); }

static int keep_both(const int ends[2], int *one, int *other)
{
    *one = csystem_above_streams(ends[0]);
    *other = csystem_above_streams(ends[1]);
    if (*one >= 0 && *other >= 0)
        return 0;
    if (*one >= 0)
        close(*one);
    return failed(*other);
}

int csystem_wake_pipe(int *reading, int *writing)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return -errno;
    return keep_both(ends, reading, writing);
}

bool csystem_peer(int socket, uint32_t *user, int32_t *process)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || length != sizeof peer
        || peer.uid == (uid_t)-1)
        return false;
    *user = peer.uid;
    *process = peer.pid;
    return true;
}

int csystem_connect_unix(const char *path, int seconds)
{
    struct sockaddr_un address;
    struct timeval longest = { seconds, 0 };
    if (!name(path, &address))
        return -ENAMETOOLONG;
    int fd = csystem_above_streams(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest) != 0
        || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest) != 0
        || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return failed(fd);
    return fd;
}

static bool is_loopback(const struct sockaddr_storage *address, uint16_t *port)
{
    *port = port_of(address);
    return address->ss_family == AF_INET
        ? ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
        : IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

int csystem_listens_on(int socket, uint16_t *port)
{
    struct sockaddr_storage address;
    int listens = 0, type = 0;
    socklen_t length = sizeof listens, address_length = sizeof address;
    if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 || listens == 0
        || getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_STREAM
        || getsockname(socket, (struct sockaddr *)&address, &address_length) != 0)
        return 0;
    if (address.ss_family == AF_UNIX)
        return CSYSTEM_LISTENS_UNIX;
    if (address.ss_family != AF_INET && address.ss_family != AF_INET6)
        return CSYSTEM_LISTENS_ELSEWHERE;
    return is_loopback(&address, port) ? CSYSTEM_LISTENS_LOOPBACK : CSYSTEM_LISTENS_ELSEWHERE;
}

bool csystem_ports(int socket, uint16_t *own, uint16_t *others, bool *is_v6)
{
    struct sockaddr_storage here, there;
    socklen_t length = sizeof here, other_length = sizeof there;
    if (getsockname(socket, (struct sockaddr *)&here, &length) != 0
        || getpeername(socket, (struct sockaddr *)&there, &other_length) != 0
        || (here.ss_family != AF_INET && here.ss_family != AF_INET6))
        return false;
    *is_v6 = here.ss_family == AF_INET6;
    return is_loopback(&here, own) && is_loopback(&there, others);
}

int csystem_message_pair(int *one, int *other)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -errno;
    return keep_both(ends, one, other);
}

void csystem_prepare_given(int socket)
{
    int flags = fcntl(socket, F_GETFL);
    fcntl(socket, F_SETFD, FD_CLOEXEC);
    if (flags >= 0)
        fcntl(socket, F_SETFL, flags | O_NONBLOCK);
}

bool csystem_wake_agent(const char *path, const char *tool, const char *manifest, bool is_ahead)
{
    char request[6144];
    struct sockaddr_un address;
    uint32_t user;
    int32_t process;
    const char *end = is_ahead ? "\nahead" : "";
    int length = snprintf(request, sizeof request, "POST /agent/wake HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n"
                          "Connection: close\r\n\r\n%s\n%s%s", strlen(tool) + 1 + strlen(manifest) + strlen(end), tool, manifest, end);
    if (length < 0 || (size_t)length >= sizeof request || strchr(manifest, '\n') != NULL || !name(path, &address))
        return false;
    int fd = open_socket(AF_UNIX, SOCK_STREAM);
    if (fd < 0)
        return false;
    bool is_told;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        is_told = errno == EAGAIN;
    else
        is_told = csystem_peer(fd, &user, &process) && user == geteuid() && csystem_send(fd, request, (size_t)length) == length;
    /* What is announced must be known before what it is about is there. */
    if (is_told && is_ahead) {
        struct pollfd answer = { .fd = fd, .events = POLLIN };
        poll(&answer, 1, 100);
    }
    close(fd);
    return is_told;
}

bool csystem_has_listener(const char *path)
{
    return access(path, F_OK) == 0 && csystem_is_listened_to(path);
}

int csystem_take_unix_datagrams(const char *path)
{
    struct sockaddr_un address;
    int one = 1;
    if (!name(path, &address))
        return -ENAMETOOLONG;
    int fd = open_socket(AF_UNIX, SOCK_DGRAM);
    /* Before it has a name: no datagram comes without its sender. The mode as in csystem_listen_unix(). */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof one) != 0 || fchmod(fd, 0600) != 0
        || bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return failed(fd);
    return fd;
}

int csystem_take_loopback_datagrams(const char *text, uint16_t *port)
{
    struct sockaddr_storage address;
    int one = 1, room = 4 << 20;
    socklen_t length = loopback(text, *port, &address);
    if (length == 0)
        return -EADDRNOTAVAIL;
    int fd = open_socket(address.ss_family, SOCK_DGRAM);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0)
        return failed(fd);
    /* Neither is needed: how many the system has thrown away, and room for more of them. */
    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    return with_port(fd, port);
}

ptrdiff_t csystem_receive_datagram(int socket, void *bytes, size_t size, csystem_sender *sender)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(uint32_t)) + CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct sockaddr_storage from;
    struct iovec part = { bytes, size };
    struct msghdr message;
    ssize_t count;
    memset(sender, 0, sizeof *sender);
    do {
        memset(&message, 0, sizeof message);
        memset(&from, 0, sizeof from);
        message.msg_name = &from;
        message.msg_namelen = sizeof from;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
    } while ((count = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR);
    if (count < 0)
        return -errno;
    sender->is_cut = (message.msg_flags & MSG_TRUNC) != 0;
    for (struct cmsghdr *each = CMSG_FIRSTHDR(&message); each != NULL; each = CMSG_NXTHDR(&message, each)) {
        const unsigned char *data = CMSG_DATA(each);
        if (each->cmsg_level != SOL_SOCKET)
            continue;
        if (each->cmsg_type == SCM_CREDENTIALS && each->cmsg_len >= CMSG_LEN(sizeof(struct ucred))) {
            struct ucred user;
            memcpy(&user, data, sizeof user);
            sender->has_user = true;
            sender->user = user.uid;
        } else if (each->cmsg_type == SO_RXQ_OVFL && each->cmsg_len >= CMSG_LEN(sizeof(uint32_t))) {
            memcpy(&sender->lost, data, sizeof sender->lost);
        } else if (each->cmsg_type == SCM_RIGHTS) {
            /* Files that somebody has sent along: nobody asked for them. */
            for (size_t at = 0; at + sizeof(int) <= each->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
                int file;
                memcpy(&file, data + at, sizeof file);
                close(file);
            }
        }
    }
    if (from.ss_family == AF_INET || from.ss_family == AF_INET6)
        sender->port = port_of(&from);
    if (from.ss_family == AF_INET)
        memcpy(sender->address, &((const struct sockaddr_in *)&from)->sin_addr, sizeof(struct in_addr));
    if (from.ss_family == AF_INET6)
        memcpy(sender->address, &((const struct sockaddr_in6 *)&from)->sin6_addr, sizeof(struct in6_addr));
    return count;
}

bool csystem_are_datagrams_taken(const char *path) { return is_used(path, SOCK_DGRAM); }
