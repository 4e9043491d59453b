// SPDX-License-Identifier: Apache-2.0
#include "csystem.h"
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

/* An address as sock_diag(7) has it. False: it is of another family. */
static bool put(const struct sockaddr_storage *address, __be32 *words, __be16 *port)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    if (address->ss_family == AF_INET) {
        memcpy(words, &v4->sin_addr, sizeof v4->sin_addr);
        *port = v4->sin_port;
        return true;
    }
    memcpy(words, &v6->sin6_addr, sizeof v6->sin6_addr);
    *port = v6->sin6_port;
    return address->ss_family == AF_INET6;
}

struct question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 body;
};

/* One socket is asked for, by its whole name: the answer takes as long with ten thousand others. */
static bool ask(int socket, struct question *question)
{
    struct sockaddr_storage here, there;
    socklen_t length = sizeof here, other_length = sizeof there;
    memset(question, 0, sizeof *question);
    if (getsockname(socket, (struct sockaddr *)&here, &length) != 0
        || getpeername(socket, (struct sockaddr *)&there, &other_length) != 0)
        return false;
    struct inet_diag_sockid *id = &question->body.id;
    if (!put(&there, id->idiag_src, &id->idiag_sport) || !put(&here, id->idiag_dst, &id->idiag_dport))
        return false;
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    question->body.sdiag_family = (__u8)here.ss_family;
    question->body.sdiag_protocol = IPPROTO_TCP;
    question->body.idiag_states = ~0u;
    question->head.nlmsg_len = sizeof *question;
    question->head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question->head.nlmsg_flags = NLM_F_REQUEST;
    return true;
}

int csystem_other_end(int connection, uint32_t *user)
{
    struct question question;
    union {
        struct nlmsghdr head;
        char bytes[8192];
    } answer;
    int lookup = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (lookup < 0)
        return -1;
    ssize_t got = ask(connection, &question) && send(lookup, &question, sizeof question, 0) == (ssize_t)sizeof question
        ? recv(lookup, &answer, sizeof answer, 0) : -1;
    close(lookup);
    if (got < (ssize_t)sizeof answer.head)
        return -1;
    if (answer.head.nlmsg_type == NLMSG_ERROR && got >= (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)))
        return ((const struct nlmsgerr *)NLMSG_DATA(&answer.head))->error == -ENOENT ? 0 : -1;
    if (answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY || got < (ssize_t)NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
        return -1;
    const struct inet_diag_msg *found = NLMSG_DATA(&answer.head);
    /* If it is gone, one that listens on its port may be found. Of a socket that was closed, 0 may be no user at all. */
    if (found->id.idiag_sport != question.body.id.idiag_sport || found->id.idiag_dport != question.body.id.idiag_dport
        || (found->idiag_uid == 0 && found->idiag_inode == 0))
        return 0;
    *user = found->idiag_uid;
    return 1;
}
