/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads of one call. Starting one takes some 20 microseconds, so callers ask for few and large
 * pieces. */
#include "tally/threads.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

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
