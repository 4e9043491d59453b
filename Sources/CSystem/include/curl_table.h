/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl, opened at the first send: loading it costs 30 libraries and 5 ms, which a program that never sends must
   not pay. Only libcurl's header is needed to build; nothing links to it. Every function may be called only after
   csystem_curl_load() has returned true, except where its comment says otherwise. */
#ifndef CURL_TABLE_H
#define CURL_TABLE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Opens and initialises libcurl, once. False: `error` says why, and the next call tries again. */
bool csystem_curl_load(char *error, size_t error_size);
/** True: nothing can be sent with it in this process any more. The process is ending, or it is a child that was
    forked while libcurl was at work. From then on every call does nothing, and everything that exists is left as it
    is. May be called at any time. */
bool csystem_curl_is_over(void);
/** A different number than before: the program has closed descriptors of libcurl. Handles made before must neither
    be used nor cleaned up any more, because that would write to files of the program. May be called at any time. */
unsigned csystem_curl_losses(void);
/** A thread that has used libcurl is about to count as ended. May be called at any time. */
void csystem_curl_thread_ends(void);

CURL *csystem_curl_easy_init(void);
/** `multi` may be NULL. */
void csystem_curl_cleanup(CURL *easy, CURLM *multi);
const char *csystem_curl_error_text(CURLcode code);

/* curl_easy_setopt(), by type of argument. */
CURLcode csystem_curl_set_long(CURL *easy, CURLoption option, long value);
CURLcode csystem_curl_set_text(CURL *easy, CURLoption option, const char *value);
/** While `*reset` is not 0, a connection that is closed discards what it has not sent yet. `*reset` is read as
    long as the handle or one of its connections lives. */
CURLcode csystem_curl_set_reset(CURL *easy, const int *reset);
CURLcode csystem_curl_set_headers(CURL *easy, struct curl_slist *headers);
/** The body of a POST. It is not copied, and must live until the transfer has ended. */
CURLcode csystem_curl_set_body(CURL *easy, const void *body, size_t length);

typedef size_t (*csystem_curl_receiver)(char *bytes, size_t one, size_t length, void *context);
/** Where the response's header lines and its body go. */
CURLcode csystem_curl_set_receivers(CURL *easy, csystem_curl_receiver header,
                                    csystem_curl_receiver body, void *context);
/** Called once a connection is ready, including its TLS, and before any part of a request is sent over it. */
struct csystem_curl_watch {
    /** False: the request must not leave. */
    bool (*leaves)(void *context);
    void *context;
};
/** False: this libcurl cannot tell. `watch` must live as long as the handle, or until another is set. */
bool csystem_curl_set_watch(CURL *easy, const struct csystem_curl_watch *watch);
/** The buffer for libcurl's description of an error: CURL_ERROR_SIZE bytes that live as long as the handle. */
CURLcode csystem_curl_set_error_text(CURL *easy, char *text);
/** Allows only http and https, and makes sockets that a program started by the host does not inherit. */
CURLcode csystem_curl_confine(CURL *easy);

/* curl_easy_getinfo(), by type of result; 0 or NULL if there is none. */
long csystem_curl_get_long(CURL *easy, CURLINFO info);
int64_t csystem_curl_get_offset(CURL *easy, CURLINFO info);
const char *csystem_curl_get_text(CURL *easy, CURLINFO info);

/** NULL if memory ran out; the list is unchanged then. */
struct curl_slist *csystem_curl_list_append(struct curl_slist *list, const char *text);
void csystem_curl_list_free(struct curl_slist *list);

CURLM *csystem_curl_multi_init(void);
CURLMcode csystem_curl_multi_add(CURLM *multi, CURL *easy);
CURLMcode csystem_curl_multi_remove(CURLM *multi, CURL *easy);
CURLMcode csystem_curl_multi_perform(CURLM *multi, int *running);
CURLMcode csystem_curl_multi_poll(CURLM *multi, int timeout_ms);
/** True when a transfer has ended; `result` says how. */
bool csystem_curl_multi_ended(CURLM *multi, CURLcode *result);

#endif
