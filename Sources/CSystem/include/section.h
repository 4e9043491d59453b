/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of code that neither a fork nor the end of the process may catch a thread in: libraries being opened
   while the program runs, and calls into libcurl and its TLS library, whose own locks and tables know nothing of a
   child, and which take themselves apart in exit(3). */
#ifndef CSYSTEM_SECTION_H
#define CSYSTEM_SECTION_H

#include <stdbool.h>

/* A thread may enter CSYSTEM_LOADING from within CSYSTEM_SENDING, not the other way round. */
enum csystem_section { CSYSTEM_LOADING, CSYSTEM_SENDING };

/** Before any other fork handler is registered whose locks may be held when a section is entered. */
void csystem_watch_forks(void);

/** False: never again in this process. It is the child of a fork that caught another thread in here; or it is
    CSYSTEM_SENDING, and the process ends. */
bool csystem_section_enter(enum csystem_section which);
void csystem_section_leave(enum csystem_section which);
/** csystem_section_enter() would say no. */
bool csystem_is_closed(enum csystem_section which);

/** Nobody enters CSYSTEM_SENDING any more. */
void csystem_close_sending(void);
/** The same, and waits until nobody is in it, for a second at most. */
void csystem_end_sending(void);

/** In a child, of libcurl (curl_table.c): the connections are the parent's. `is_whole`: no thread was in
    CSYSTEM_SENDING. */
void csystem_curl_forked(bool is_whole);

#endif
