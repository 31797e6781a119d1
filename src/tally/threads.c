/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads of one call. Starting one takes some 20 microseconds, so callers ask for few and large
 * pieces. */
#include "tally/threads.h"

#include <pthread.h>
#include <stdbool.h>

struct piece {
    void (*work)(void *, int);
    void *context;
    int i;
    bool started;
    pthread_t thread;
};

static void *run(void *argument)
{
    const struct piece *piece = argument;
    piece->work(piece->context, piece->i);
    return NULL;
}

void cxm_priv_side_by_side(int n, void (*work)(void *context, int i), void *context)
{
    struct piece pieces[CXM_MOST_THREADS];
    for (int i = 0; i < n; i++)
        pieces[i] = (struct piece){ .work = work, .context = context, .i = i };
    for (int i = 1; i < n; i++)
        pieces[i].started = pthread_create(&pieces[i].thread, NULL, run, &pieces[i]) == 0;
    for (int i = 0; i < n; i++) {
        if (!pieces[i].started)
            work(context, i);
    }
    for (int i = 1; i < n; i++) {
        if (pieces[i].started)
            pthread_join(pieces[i].thread, NULL);
    }
}

struct pieces {
    void (*work)(void *, size_t);
    void *context;
    size_t n, next;
};

static void take_pieces(void *context, int t)
{
    struct pieces *pieces = context;
    (void)t;
    for (;;) {
        const size_t i = __atomic_fetch_add(&pieces->next, 1, __ATOMIC_RELAXED);
        if (i >= pieces->n)
            return;
        pieces->work(pieces->context, i);
    }
}

void cxm_priv_share_out(int n_threads, size_t n_pieces, void (*work)(void *context, size_t piece),
                        void *context)
{
    struct pieces pieces = { work, context, n_pieces, 0 };
    const int n = n_pieces < (size_t)n_threads ? (int)n_pieces : n_threads;
    cxm_priv_side_by_side(n, take_pieces, &pieces);
}
