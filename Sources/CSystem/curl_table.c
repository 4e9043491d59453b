#include "csystem.h"

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
} curl;

static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_loaded;

/* OpenSSL frees its tables in an atexit() handler; a delivery thread that is inside TLS while the
   host exits would then crash it. Without effect when the host has initialised OpenSSL itself. */
static void keep_openssl_until_the_end(void)
{
    enum { OPENSSL_INIT_NO_ATEXIT = 0x00080000 };
    void *crypto = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    int (*init)(uint64_t, const void *);
    if (crypto == NULL)
        return;
    *(void **)&init = dlsym(crypto, "OPENSSL_init_crypto");
    if (init != NULL)
        init(OPENSSL_INIT_NO_ATEXIT, NULL);
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
    };
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        *name = symbols[i].name;
        *symbols[i].target = dlsym(library, *name);
        if (*symbols[i].target == NULL)
            return false;
    }
    return true;
}

static bool load(char *error, size_t size)
{
    const char *name, *reason;
    if (curl.library == NULL)
        curl.library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (curl.library == NULL) {
        reason = dlerror();
        snprintf(error, size, "%s", reason != NULL ? reason : "unknown error");
        return false;
    }
    if (!resolve(curl.library, &name)) {
        snprintf(error, size, "it has no %s", name);
        return false;
    }
    keep_openssl_until_the_end();
    CURLcode code = curl.global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK) {
        snprintf(error, size, "%s", curl.easy_strerror(code));
        return false;
    }
    return true;
}

bool csystem_curl_load(char *error, size_t size)
{
    pthread_mutex_lock(&load_lock);
    if (!is_loaded)
        is_loaded = load(error, size);
    bool result = is_loaded;
    pthread_mutex_unlock(&load_lock);
    return result;
}

CURL *csystem_curl_easy_init(void) { return curl.easy_init(); }
void csystem_curl_easy_cleanup(CURL *easy) { curl.easy_cleanup(easy); }
const char *csystem_curl_error_text(CURLcode code) { return curl.easy_strerror(code); }

CURLcode csystem_curl_set_long(CURL *easy, CURLoption option, long value)
{
    return curl.easy_setopt(easy, option, value);
}

CURLcode csystem_curl_set_text(CURL *easy, CURLoption option, const char *value)
{
    return curl.easy_setopt(easy, option, value);
}

/* With SO_LINGER at 0 the kernel discards what waits in the socket, and the peer gets a reset. */
static int close_socket(void *reset, curl_socket_t socket)
{
    const struct linger discard = { .l_onoff = 1, .l_linger = 0 };
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
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

CURLcode csystem_curl_confine(CURL *easy)
{
    /* The first is since 7.85; the second, its numeric forerunner (CURLOPT_PROTOCOLS), is marked as
       deprecated in the header and may be absent from a later one. */
    CURLcode code = curl.easy_setopt(easy, (CURLoption)(CURLOPTTYPE_STRINGPOINT + 318), "http,https");
    if (code == CURLE_UNKNOWN_OPTION)
        code = curl.easy_setopt(easy, (CURLoption)(CURLOPTTYPE_LONG + 181), 3L);
    if (code == CURLE_OK)
        code = curl.easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    return code;
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

CURLM *csystem_curl_multi_init(void) { return curl.multi_init(); }
void csystem_curl_multi_cleanup(CURLM *multi) { curl.multi_cleanup(multi); }
CURLMcode csystem_curl_multi_add(CURLM *multi, CURL *easy) { return curl.multi_add_handle(multi, easy); }
CURLMcode csystem_curl_multi_remove(CURLM *multi, CURL *easy) { return curl.multi_remove_handle(multi, easy); }
CURLMcode csystem_curl_multi_perform(CURLM *multi, int *running) { return curl.multi_perform(multi, running); }

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
