/* SPDX-License-Identifier: Apache-2.0 */
#include "csystem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* Before Linux 6.9's headers some C libraries do not name it. */
#ifndef SO_RXQ_OVFL
#define SO_RXQ_OVFL 40
#endif

static int failed(int fd)
{
    int error = errno;
    if (fd >= 0)
        close(fd);
    return -error;
}

static int open_datagrams(int family)
{
    return csystem_above_streams(socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

int csystem_take_unix_datagrams(const char *path)
{
    struct sockaddr_un address;
    int one = 1;
    size_t length = strlen(path);
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (length == 0 || length >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, length);
    int fd = open_datagrams(AF_UNIX);
    /* Before it has a name: no datagram comes without its sender. The mode as in csystem_listen_unix(). */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof one) != 0 || fchmod(fd, 0600) != 0
        || bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return failed(fd);
    return fd;
}

int csystem_take_loopback_datagrams(const char *text, uint16_t *port)
{
    struct sockaddr_storage address;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    int one = 1, room = 4 << 20;
    socklen_t length;
    memset(&address, 0, sizeof address);
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1 && ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(*port);
        length = sizeof *v4;
    } else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(*port);
        length = sizeof *v6;
    } else {
        return -EADDRNOTAVAIL;
    }
    int fd = open_datagrams(address.ss_family);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0)
        return failed(fd);
    /* Neither is needed: how many the system has thrown away, and room for more of them. */
    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return failed(fd);
    *port = ntohs(address.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
    return fd;
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
    if (from.ss_family == AF_INET)
        sender->port = ntohs(((struct sockaddr_in *)&from)->sin_port);
    else if (from.ss_family == AF_INET6)
        sender->port = ntohs(((struct sockaddr_in6 *)&from)->sin6_port);
    return count;
}

bool csystem_are_datagrams_taken(const char *path)
{
    struct sockaddr_un address;
    size_t length = strlen(path);
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (length == 0 || length >= sizeof address.sun_path)
        return true;
    memcpy(address.sun_path, path, length);
    int fd = open_datagrams(AF_UNIX);
    if (fd < 0)
        return true;
    bool is_refused = connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && errno == ECONNREFUSED;
    close(fd);
    return !is_refused;
}
