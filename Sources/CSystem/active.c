/* SPDX-License-Identifier: Apache-2.0 */
/* The active spans of a thread: copies, because a span may lie on a stack that is gone when somebody asks. The copies
   of a thread that ends are freed with it. */
#include "csystem.h"

struct active {
    struct csystem_span span;
    struct active *below;
};

/* The active span, or NULL. It is the first member, so that its address is that of the copy. */
__thread const struct csystem_span *csystem_active;
static __thread struct active *unused __attribute__((tls_model("initial-exec")));

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_key;

static struct active *top(void) { return (struct active *)csystem_active; }

static void free_all(struct active *list)
{
    while (list) {
        struct active *below = list->below;
        free(list);
        list = below;
    }
}

static void thread_ends(void *mark)
{
    (void)mark;
    free_all(top());
    free_all(unused);
    csystem_active = NULL;
    unused = NULL;
}

static void make_key(void) { has_key = pthread_key_create(&key, thread_ends) == 0; }

void csystem_activate(const struct csystem_span *span)
{
    struct active *made = unused;
    if (made) {
        unused = made->below;
    } else {
        pthread_once(&once, make_key);
        made = has_key ? malloc(sizeof *made) : NULL;
        if (!made)
            return;
        pthread_setspecific(key, made);
    }
    made->span = *span;
    made->below = top();
    csystem_active = &made->span;
}

bool csystem_deactivate(const struct csystem_span *span)
{
    struct active *above = NULL;
    for (struct active *each = top(); each; above = each, each = each->below) {
        if (each->span.span != span->span || each->span.trace_high != span->trace_high || each->span.trace_low != span->trace_low)
            continue;
        if (above)
            above->below = each->below;
        else
            csystem_active = each->below ? &each->below->span : NULL;
        each->below = unused;
        unused = each;
        return true;
    }
    return false;
}

void csystem_active_forked(void)
{
    for (struct active *each = top(); each; each = each->below)
        each->span.cells[0] = each->span.cells[1] = NULL;
}
