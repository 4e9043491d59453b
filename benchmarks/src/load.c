/* Sends the same bytes again and again, to whoever is measured:

     load http PORT FILE CONNECTIONS REQUESTS   FILE is a whole request; each connection has one under way. Waits for all answers
     load datagrams TO FILE SIZE SECONDS        FILE is datagrams of SIZE bytes; TO is a port, or the path of a Unix socket

   Datagrams over UDP: the socket stays until standard input ends, so that whoever looks for the sender finds it.
   A request goes from the file to the socket without a copy (sendfile), so that this program uses less of the machine than
   any server that reads it. A server that ends the connection after its answer is connected to again. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 64

struct connection {
    int socket;
    off_t sent;
    char head[4096]; /* of the answer, as far as it is there */
    size_t got;
    int has_head;
    long left; /* bytes of the answer's body to come; -1: until the connection ends; -2: chunks, of which only an empty body is known */
};

static struct connection connections[CONNECTIONS];
static int poll, file, port;
static off_t size;
static long wanted, begun, answered, bytes, accepted;

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void await(struct connection *c, uint32_t events, int how)
{
    struct epoll_event event = { .events = events, .data.ptr = c };
    if (epoll_ctl(poll, how, c->socket, &event) != 0)
        fail("epoll_ctl");
}

static struct sockaddr_in loopback(int number)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)number) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void join(struct connection *c)
{
    struct sockaddr_in address = loopback(port);
    int on = 1;
    c->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->socket < 0 || connect(c->socket, (struct sockaddr *)&address, sizeof address) != 0)
        fail("connect");
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(c->socket, F_SETFL, O_NONBLOCK);
    await(c, EPOLLIN, EPOLL_CTL_ADD);
}

static void send_rest(struct connection *c)
{
    while (c->sent < size) {
        if (sendfile(c->socket, file, &c->sent, (size_t)(size - c->sent)) >= 0)
            continue;
        if (errno != EAGAIN)
            fail("sendfile");
        return await(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }
    await(c, EPOLLIN, EPOLL_CTL_MOD);
}

static void ask(struct connection *c)
{
    if (begun == wanted)
        return;
    begun++;
    c->sent = 0;
    c->got = 0;
    c->has_head = 0;
    send_rest(c);
}

static void finish(struct connection *c, int is_closed)
{
    answered++;
    accepted += !strncmp(c->head + 9, "200", 3);
    if (is_closed) {
        close(c->socket);
        if (begun < wanted)
            join(c);
    }
    ask(c);
}

/* How much of the answer's body is there, once its head is. */
static void read_head(struct connection *c)
{
    c->head[c->got] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end)
        return;
    const char *length = strcasestr(c->head, "\r\ncontent-length:");
    c->has_head = 1;
    c->left = length && length < end ? atol(length + 17) : strcasestr(c->head, "\r\ntransfer-encoding: chunked") ? -2 : -1;
    long there = (long)(c->got - (size_t)(end + 4 - c->head));
    if (c->left == -2)
        c->has_head = there == 5, c->left = 0, there = 0;
    bytes += there;
    if (c->left >= 0)
        c->left -= there;
}

static void take(struct connection *c)
{
    static char area[1 << 20];
    char *into = c->has_head ? area : c->head + c->got;
    ssize_t got = recv(c->socket, into, c->has_head ? sizeof area : sizeof c->head - 1 - c->got, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got < 0)
        fail("recv");
    if (got == 0) {
        if (!c->has_head || c->left > 0)
            exit((fprintf(stderr, "load: a connection ended after %ld answers: %.200s\n", answered, c->head), 1));
        return finish(c, 1);
    }
    if (!c->has_head) {
        c->got += (size_t)got;
        read_head(c);
    } else {
        bytes += got;
        c->left -= c->left >= 0 ? got : 0;
    }
    if (c->has_head && c->left == 0)
        finish(c, strcasestr(c->head, "connection: close") || !strncmp(c->head, "HTTP/1.0", 8));
}

static void send_requests(int count)
{
    struct epoll_event events[CONNECTIONS];
    poll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < count; i++)
        join(&connections[i]);
    double begin = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < count; i++)
        ask(&connections[i]);
    while (answered < wanted) {
        int ready = epoll_wait(poll, events, CONNECTIONS, 30000);
        if (ready <= 0)
            fail("no answer for 30 s");
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                send_rest(c);
            if (events[i].events & ~(uint32_t)EPOLLOUT)
                take(c);
        }
    }
    printf("{\"seconds\": %.6f, \"cpu_s\": %.6f, \"answered\": %ld, \"accepted\": %ld, \"bytes\": %ld}\n",
           seconds(CLOCK_MONOTONIC) - begin, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, answered, accepted, bytes);
}

static int datagram_socket(const char *to)
{
    struct sockaddr_un path = { .sun_family = AF_UNIX };
    struct sockaddr_in address = loopback(atoi(to));
    int is_path = *to == '/', made = socket(is_path ? AF_UNIX : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(path.sun_path, sizeof path.sun_path, "%s", to);
    if (made < 0 || connect(made, is_path ? (struct sockaddr *)&path : (struct sockaddr *)&address, is_path ? sizeof path : sizeof address) != 0)
        fail("connect");
    return made;
}

/* A Unix socket that is full is waited for; over UDP what is too much is lost, and shows in what was counted. */
static void send_datagrams(const char *to, size_t length, double duration)
{
    char *all = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, file, 0);
    long count = (long)((size_t)size / length), sent = 0;
    int made = datagram_socket(to);
    double begin = seconds(CLOCK_MONOTONIC);
    if (all == MAP_FAILED || count == 0)
        fail("no datagrams");
    do {
        for (int i = 0; i < 64; i++, sent++)
            if (send(made, all + (size_t)(sent % count) * length, length, 0) < 0)
                fail("send");
    } while (seconds(CLOCK_MONOTONIC) - begin < duration);
    printf("{\"seconds\": %.6f, \"sent\": %ld}\n", seconds(CLOCK_MONOTONIC) - begin, sent);
    fflush(stdout);
    while (getchar() != EOF) {}
}

int main(int argc, char **argv)
{
    struct stat status;
    if (argc != 6 || (strcmp(argv[1], "http") && strcmp(argv[1], "datagrams")))
        return fputs("usage: load http PORT FILE CONNECTIONS REQUESTS | load datagrams TO FILE SIZE SECONDS\n", stderr), 2;
    file = open(argv[3], O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0)
        fail(argv[3]);
    size = status.st_size;
    if (!strcmp(argv[1], "datagrams"))
        return send_datagrams(argv[2], (size_t)atol(argv[4]), atof(argv[5])), 0;
    port = atoi(argv[2]);
    wanted = atol(argv[5]);
    int count = atoi(argv[4]);
    send_requests(count < 1 ? 1 : count > CONNECTIONS ? CONNECTIONS : count);
    return 0;
}
