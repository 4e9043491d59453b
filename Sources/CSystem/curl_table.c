/* SPDX-License-Identifier: Apache-2.0 */
#include "csystem.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>

static struct {
    void *library;
    CURLcode (*global_init)(long);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    const char *(*easy_strerror)(CURLcode);
    struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
    void (*slist_free_all)(struct curl_slist *);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_cleanup)(CURLM *);
    CURLMcode (*multi_add_handle)(CURLM *, CURL *);
    CURLMcode (*multi_remove_handle)(CURLM *, CURL *);
    CURLMcode (*multi_perform)(CURLM *, int *);
    CURLMcode (*multi_poll)(CURLM *, struct curl_waitfd *, unsigned, int, int *);
    CURLMsg *(*multi_info_read)(CURLM *, int *);
    CURLMcode (*multi_fdset)(CURLM *, fd_set *, fd_set *, fd_set *, int *);
    CURLMcode (*multi_wakeup)(CURLM *);
    /* OpenSSL's function, if libcurl uses OpenSSL. */
    void (*thread_stop)(void);
} curl;

static bool is_loaded;

/* OpenSSL frees its tables in exit(3), or when the program says so; a thread that is inside TLS at that moment
   would crash the program. The first code that initialises OpenSSL decides whether exit(3) does that: if it is ours,
   exit(3) does not. If it was the program's, OpenSSL calls our function before it frees anything. False: it has freed
   its tables already. docs/decisions/end-of-process.md */
static bool watch_openssl(void)
{
    enum { OPENSSL_INIT_NO_ATEXIT = 0x00080000 };
    int (*init)(uint64_t, const void *);
    int (*at_cleanup)(void (*)(void));
    /* Looks in the libraries that libcurl was linked with. */
    *(void **)&init = dlsym(curl.library, "OPENSSL_init_crypto");
    *(void **)&at_cleanup = dlsym(curl.library, "OPENSSL_atexit");
    *(void **)&curl.thread_stop = dlsym(curl.library, "OPENSSL_thread_stop");
    if (init == NULL || at_cleanup == NULL)
        return true;
    /* Asked twice: the end may have begun in between. */
    return init(OPENSSL_INIT_NO_ATEXIT, NULL) == 1 && at_cleanup(csystem_end_sending) == 1 && init(OPENSSL_INIT_NO_ATEXIT, NULL) == 1;
}

/* False: `name` is the first symbol that is missing. */
static bool resolve(void *library, const char **name)
{
    const struct { const char *name; void **target; } symbols[] = {
        { "curl_global_init", (void **)&curl.global_init },
        { "curl_easy_init", (void **)&curl.easy_init },
        { "curl_easy_cleanup", (void **)&curl.easy_cleanup },
        { "curl_easy_setopt", (void **)&curl.easy_setopt },
        { "curl_easy_getinfo", (void **)&curl.easy_getinfo },
        { "curl_easy_strerror", (void **)&curl.easy_strerror },
        { "curl_slist_append", (void **)&curl.slist_append },
        { "curl_slist_free_all", (void **)&curl.slist_free_all },
        { "curl_multi_init", (void **)&curl.multi_init },
        { "curl_multi_cleanup", (void **)&curl.multi_cleanup },
        { "curl_multi_add_handle", (void **)&curl.multi_add_handle },
        { "curl_multi_remove_handle", (void **)&curl.multi_remove_handle },
        { "curl_multi_perform", (void **)&curl.multi_perform },
        { "curl_multi_poll", (void **)&curl.multi_poll },
        { "curl_multi_info_read", (void **)&curl.multi_info_read },
        { "curl_multi_fdset", (void **)&curl.multi_fdset },
        { "curl_multi_wakeup", (void **)&curl.multi_wakeup },
    };
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        *name = symbols[i].name;
        *symbols[i].target = dlsym(library, *name);
        if (*symbols[i].target == NULL)
            return false;
    }
    return true;
}

/* The libraries of libcurl are mapped, and initialise themselves: GnuTLS writes to standard error if it has no
   memory for that. Debian's libcurl takes 17 MiB of addresses with everything that it needs. */
static bool has_room(void)
{
    enum { ADDRESSES = 32 << 20, HEAP = 2 << 20 };
    void *addresses = mmap(NULL, ADDRESSES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void *heap = mmap(NULL, HEAP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (addresses != MAP_FAILED)
        munmap(addresses, ADDRESSES);
    if (heap != MAP_FAILED)
        munmap(heap, HEAP);
    return addresses != MAP_FAILED && heap != MAP_FAILED;
}

static bool open_library(char *error, size_t size)
{
    const char *name, *reason;
    if (curl.library == NULL) {
        if (!has_room()) {
            snprintf(error, size, "%s", strerror(ENOMEM));
            return false;
        }
        curl.library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    }
    if (curl.library == NULL) {
        reason = dlerror();
        snprintf(error, size, "%s", reason != NULL ? reason : "unknown error");
        return false;
    }
    if (resolve(curl.library, &name))
        return true;
    snprintf(error, size, "it has no %s", name);
    return false;
}

static bool load(char *error, size_t size)
{
    if (!csystem_section_enter(CSYSTEM_LOADING)) {
        csystem_close_sending();
        return false;
    }
    bool is_open = open_library(error, size);
    csystem_section_leave(CSYSTEM_LOADING);
    if (!is_open)
        return false;
    if (!watch_openssl()) {
        csystem_close_sending();
        return false;
    }
    CURLcode code = curl.global_init(CURL_GLOBAL_DEFAULT);
    if (code == CURLE_OK)
        return true;
    snprintf(error, size, "%s", curl.easy_strerror(code));
    return false;
}

bool csystem_curl_load(char *error, size_t size)
{
    if (!csystem_section_enter(CSYSTEM_SENDING))
        return false;
    if (!is_loaded)
        is_loaded = load(error, size);
    bool result = is_loaded;
    csystem_section_leave(CSYSTEM_SENDING);
    return result;
}

bool csystem_curl_is_over(void)
{
    return csystem_is_closed(CSYSTEM_SENDING) || (!is_loaded && csystem_is_closed(CSYSTEM_LOADING));
}

/* A call into libcurl that may reach its TLS library; `refused` is returned instead when it is too late. */
#define GUARDED(type, refused, call)                                                                                   \
    if (!csystem_section_enter(CSYSTEM_SENDING))                                                                               \
        return refused;                                                                                                \
    type result = (call);                                                                                              \
    csystem_section_leave(CSYSTEM_SENDING);                                                                                    \
    return result

void csystem_curl_thread_ends(void)
{
    if (!csystem_section_enter(CSYSTEM_SENDING))
        return;
    /* OpenSSL would do this only after the thread has gone for the program, but not yet for the system. */
    if (curl.thread_stop != NULL)
        curl.thread_stop();
    csystem_section_leave(CSYSTEM_SENDING);
}

CURL *csystem_curl_easy_init(void) { GUARDED(CURL *, NULL, curl.easy_init()); }
const char *csystem_curl_error_text(CURLcode code) { return curl.easy_strerror(code); }

CURLcode csystem_curl_set_long(CURL *easy, CURLoption option, long value)
{
    return curl.easy_setopt(easy, option, value);
}

CURLcode csystem_curl_set_text(CURL *easy, CURLoption option, const char *value)
{
    return curl.easy_setopt(easy, option, value);
}

/* Descriptors of libcurl, and the file of each: the program may close all descriptors, and get the same number for
   its own file. Used in CSYSTEM_SENDING only. */
static struct {
    int fd;
    dev_t device;
    ino_t inode;
    /* The handle whose wake-up it is; NULL: a connection. */
    CURLM *multi;
} known[64];
static int known_count;
/* How many of them the program has closed. */
static unsigned losses;
/* The handle of the current call of libcurl, and the handle whose request is being sent: for that one libcurl
   resolves no name and opens nothing, unless it begins once more. Only one is remembered; looking for what another
   may have opened is never wrong. Used in CSYSTEM_SENDING only. */
static CURLM *performing, *under_way;

static bool is_unchanged(int index)
{
    struct stat status;
    return fstat(known[index].fd, &status) == 0 && status.st_dev == known[index].device && status.st_ino == known[index].inode;
}

static bool keep(int fd, CURLM *multi)
{
    struct stat status;
    if (known_count == sizeof known / sizeof *known || fstat(fd, &status) != 0)
        return false;
    known[known_count].fd = fd;
    known[known_count].multi = multi;
    known[known_count].device = status.st_dev;
    known[known_count++].inode = status.st_ino;
    return true;
}

/* True: the descriptor was ours, and still belongs to the same file. */
static bool let_go(int fd)
{
    for (int i = 0; i < known_count; i++) {
        if (known[i].fd != fd)
            continue;
        bool result = is_unchanged(i);
        known[i] = known[--known_count];
        return result;
    }
    return false;
}

/* From 7.88 to 8.2, libcurl closes a socket that is not connected yet without calling our function. This runs
   after each call that may do so: the wake-ups, which are never among these, still show that the program has closed
   all descriptors. */
static void forget_closed(void)
{
    for (int i = known_count - 1; i >= 0; i--)
        if (known[i].multi == NULL && !is_unchanged(i))
            known[i] = known[--known_count];
}

unsigned csystem_curl_losses(void)
{
    if (!csystem_section_enter(CSYSTEM_SENDING))
        return losses;
    for (int i = known_count - 1; i >= 0; i--) {
        if (is_unchanged(i))
            continue;
        known[i] = known[--known_count];
        losses++;
    }
    unsigned result = losses;
    csystem_section_leave(CSYSTEM_SENDING);
    return result;
}

/* Keeps the numbers of standard streams that the program has closed, for a moment. Returns the lowest free number
   beyond them: the next descriptors begin there. */
struct streams {
    int held[3];
    int count;
};

static int occupy(struct streams *streams)
{
    streams->count = 0;
    int fd;
    while ((fd = open("/", O_PATH | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO && streams->count < 3)
        streams->held[streams->count++] = fd;
    if (fd >= 0)
        close(fd);
    return fd;
}

static void leave_free(struct streams *streams)
{
    struct stat root, found;
    while (streams->count > 0) {
        int fd = streams->held[--streams->count];
        /* The program may have put a stream there meanwhile. */
        if (stat("/", &root) == 0 && fstat(fd, &found) == 0 && found.st_dev == root.st_dev && found.st_ino == root.st_ino)
            close(fd);
    }
}

/* libcurl makes pairs of sockets, to wake itself up, which a program that is started would inherit. Looks from
   `first` on for those that `is_readable` says belong to libcurl, and for the other end, which is made in the same
   call and therefore has the next inode. */
static void keep_pair(int first, bool (*is_readable)(CURLM *, int), CURLM *multi, bool is_lasting)
{
    enum { REACH = 8 };
    struct stat status[REACH];
    bool is_open[REACH];
    for (int i = 0; i < REACH; i++)
        is_open[i] = fstat(first + i, &status[i]) == 0 && S_ISSOCK(status[i].st_mode) && fcntl(first + i, F_GETFD) == 0;
    for (int i = 0; i < REACH; i++) {
        if (!is_open[i] || !is_readable(multi, first + i))
            continue;
        for (int j = 0; j < REACH; j++) {
            ino_t apart = status[j].st_ino > status[i].st_ino ? status[j].st_ino - status[i].st_ino : status[i].st_ino - status[j].st_ino;
            if (!is_open[j] || apart > 1)
                continue;
            fcntl(first + j, F_SETFD, FD_CLOEXEC);
            if (is_lasting)
                keep(first + j, multi);
        }
    }
}

static bool is_woken(CURLM *multi, int fd)
{
    (void)multi;
    struct pollfd entry = { .fd = fd, .events = POLLIN };
    return poll(&entry, 1, 0) == 1;
}

static bool is_waited_for(CURLM *multi, int fd)
{
    fd_set reading, writing, failing;
    int last = -1;
    FD_ZERO(&reading);
    FD_ZERO(&writing);
    FD_ZERO(&failing);
    return fd < FD_SETSIZE && curl.multi_fdset(multi, &reading, &writing, &failing, &last) == CURLM_OK && FD_ISSET(fd, &reading);
}

static CURLM *make_multi(void)
{
    struct streams streams;
    int first = occupy(&streams);
    CURLM *multi = curl.multi_init();
    leave_free(&streams);
    if (multi == NULL || first < 0)
        return multi;
    curl.multi_wakeup(multi);
    keep_pair(first, is_woken, multi, true);
    /* Consumes the wake-up. */
    curl.multi_poll(multi, NULL, 0, 0, NULL);
    return multi;
}

static CURLMcode perform(CURLM *multi, int *running)
{
    performing = multi;
    if (under_way == multi)
        return curl.multi_perform(multi, running);
    struct streams streams;
    int first = occupy(&streams);
    CURLMcode code = curl.multi_perform(multi, running);
    leave_free(&streams);
    forget_closed();
    if (first >= 0)
        keep_pair(first, is_waited_for, multi, false);
    return code;
}

static CURLMcode put_in(CURLM *multi, CURL *easy)
{
    under_way = NULL;
    return curl.multi_add_handle(multi, easy);
}

static CURLMcode take_out(CURLM *multi, CURL *easy)
{
    under_way = NULL;
    CURLMcode code = curl.multi_remove_handle(multi, easy);
    forget_closed();
    return code;
}

/* With SO_LINGER at 0 the kernel discards the unsent bytes in the socket, and the peer gets a reset. */
static int close_socket(void *reset, curl_socket_t socket)
{
    const struct linger discard = { .l_onoff = 1, .l_linger = 0 };
    under_way = NULL;
    if (!let_go(socket))
        return 0;
    if (*(const int *)reset)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &discard, sizeof discard);
    return close(socket);
}

CURLcode csystem_curl_set_reset(CURL *easy, const int *reset)
{
    CURLcode code = curl.easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    return code == CURLE_OK ? curl.easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, reset) : code;
}

CURLcode csystem_curl_set_headers(CURL *easy, struct curl_slist *headers)
{
    return curl.easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
}

CURLcode csystem_curl_set_body(CURL *easy, const void *body, size_t length)
{
    CURLcode code = curl.easy_setopt(easy, CURLOPT_POST, 1L);
    if (code == CURLE_OK)
        code = curl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    if (code == CURLE_OK)
        code = curl.easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    return code;
}

CURLcode csystem_curl_set_receivers(CURL *easy, csystem_curl_receiver header,
                                    csystem_curl_receiver body, void *context)
{
    CURLcode code = curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, header);
    if (code == CURLE_OK)
        code = curl.easy_setopt(easy, CURLOPT_HEADERDATA, context);
    if (code == CURLE_OK)
        code = curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, body);
    if (code == CURLE_OK)
        code = curl.easy_setopt(easy, CURLOPT_WRITEDATA, context);
    return code;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)context;
    (void)purpose;
    under_way = NULL;
    int fd = csystem_above_streams(socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol));
    if (fd < 0 || keep(fd, NULL))
        return fd;
    close(fd);
    return CURL_SOCKET_BAD;
}

CURLcode csystem_curl_confine(CURL *easy)
{
    /* The first option exists since 7.85; the second, its numeric predecessor (CURLOPT_PROTOCOLS), is marked as
       deprecated in the header and may be missing from a later one. */
    CURLcode code = curl.easy_setopt(easy, (CURLoption)(CURLOPTTYPE_STRINGPOINT + 318), "http,https");
    if (code == CURLE_UNKNOWN_OPTION)
        code = curl.easy_setopt(easy, (CURLoption)(CURLOPTTYPE_LONG + 181), 3L);
    if (code == CURLE_OK)
        code = curl.easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    return code;
}

static int before_request(void *context, char *peer, char *local, int peer_port, int local_port)
{
    const struct csystem_curl_watch *watch = context;
    (void)peer;
    (void)local;
    (void)peer_port;
    (void)local_port;
    /* CURL_PREREQFUNC_OK, CURL_PREREQFUNC_ABORT. */
    if (!watch->leaves(watch->context))
        return 1;
    under_way = performing;
    return 0;
}

bool csystem_curl_set_watch(CURL *easy, const struct csystem_curl_watch *watch)
{
    /* Since 7.80: CURLOPT_PREREQFUNCTION and CURLOPT_PREREQDATA, which an older header does not have. */
    return curl.easy_setopt(easy, (CURLoption)(CURLOPTTYPE_FUNCTIONPOINT + 312), before_request) == CURLE_OK
        && curl.easy_setopt(easy, (CURLoption)(CURLOPTTYPE_OBJECTPOINT + 313), watch) == CURLE_OK;
}

CURLcode csystem_curl_set_error_text(CURL *easy, char *text)
{
    return curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, text);
}

long csystem_curl_get_long(CURL *easy, CURLINFO info)
{
    long value = 0;
    return curl.easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}

int64_t csystem_curl_get_offset(CURL *easy, CURLINFO info)
{
    curl_off_t value = 0;
    return curl.easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}

const char *csystem_curl_get_text(CURL *easy, CURLINFO info)
{
    const char *value = NULL;
    return curl.easy_getinfo(easy, info, &value) == CURLE_OK ? value : NULL;
}

struct curl_slist *csystem_curl_list_append(struct curl_slist *list, const char *text)
{
    return curl.slist_append(list, text);
}

void csystem_curl_list_free(struct curl_slist *list) { curl.slist_free_all(list); }

CURLM *csystem_curl_multi_init(void) { GUARDED(CURLM *, NULL, make_multi()); }

void csystem_curl_cleanup(CURL *easy, CURLM *multi)
{
    /* Too late: the process ends, and everything with it. */
    if (!csystem_section_enter(CSYSTEM_SENDING))
        return;
    under_way = NULL;
    curl.easy_cleanup(easy);
    if (multi != NULL)
        curl.multi_cleanup(multi);
    for (int i = known_count - 1; i >= 0; i--)
        if (known[i].multi == multi && multi != NULL)
            known[i] = known[--known_count];
    forget_closed();
    csystem_section_leave(CSYSTEM_SENDING);
}

CURLMcode csystem_curl_multi_add(CURLM *multi, CURL *easy)
{
    GUARDED(CURLMcode, CURLM_INTERNAL_ERROR, put_in(multi, easy));
}

CURLMcode csystem_curl_multi_remove(CURLM *multi, CURL *easy)
{
    GUARDED(CURLMcode, CURLM_INTERNAL_ERROR, take_out(multi, easy));
}

CURLMcode csystem_curl_multi_perform(CURLM *multi, int *running)
{
    GUARDED(CURLMcode, CURLM_INTERNAL_ERROR, perform(multi, running));
}

CURLMcode csystem_curl_multi_poll(CURLM *multi, int timeout_ms)
{
    return curl.multi_poll(multi, NULL, 0, timeout_ms, NULL);
}

bool csystem_curl_multi_ended(CURLM *multi, CURLcode *result)
{
    int left;
    CURLMsg *message;
    while ((message = curl.multi_info_read(multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            *result = message->data.result;
            return true;
        }
    }
    return false;
}

void csystem_curl_forked(bool is_whole)
{
    if (!is_whole)
        return;
    /* A copy here would keep the connection open when the parent closes it. */
    while (known_count > 0) {
        int fd = known[known_count - 1].fd;
        if (let_go(fd))
            close(fd);
    }
}
