/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of code in which no thread may be when the process forks or ends: opening libraries while the program
   runs, and calls into libcurl and its TLS library. Their own locks and tables are not prepared for a child, and they
   are taken apart in exit(3). */
#ifndef CSYSTEM_SECTION_H
#define CSYSTEM_SECTION_H

#include <stdbool.h>

/* A thread may enter CSYSTEM_LOADING from within CSYSTEM_SENDING, not the other way round. */
enum csystem_section { CSYSTEM_LOADING, CSYSTEM_SENDING };

/** Must be called before any other fork handler is registered whose locks may be held when a section is
    entered. */
void csystem_watch_forks(void);

/** False: the section can never be entered again in this process. The process is the child of a fork that happened
    while another thread was inside; or the section is CSYSTEM_SENDING, and the process ends. */
bool csystem_section_enter(enum csystem_section which);
void csystem_section_leave(enum csystem_section which);
/** csystem_section_enter() would return false. */
bool csystem_is_closed(enum csystem_section which);

/** From now on no thread enters CSYSTEM_SENDING. */
void csystem_close_sending(void);
/** The same, and waits until no thread is inside, for a second at most. */
void csystem_end_sending(void);

/** The part of libcurl (curl_table.c) in a forked child: the connections belong to the parent. `is_whole`: no
    thread was in CSYSTEM_SENDING. */
void csystem_curl_forked(bool is_whole);

#endif
