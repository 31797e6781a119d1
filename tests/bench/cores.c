/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The same sum by one thread and by several: independent products, as many as the multiplier takes,
 * which halves of a core would have to share. Nothing of it is in memory. */
#include "cores.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>

#include "clock.h"

enum { CHAINS = 8, STEPS = 150000, MOST_CORES = 64 };

struct spinner {
    pthread_t thread;
    double seconds;
    uint64_t sum;
};

static void *spin(void *argument)
{
    struct spinner *const s = argument;
    uint64_t chain[CHAINS] = { 1, 2, 3, 4, 5, 6, 7, s->sum };
    const double start = clock_of(CLOCK_MONOTONIC);
    for (int i = 0; i < STEPS; i++) {
        for (int k = 0; k < CHAINS; k++)
            chain[k] = chain[k] * 0x5851F42D4C957F2D + 1;
    }
    s->seconds = clock_of(CLOCK_MONOTONIC) - start;
    for (int k = 0; k < CHAINS; k++)
        s->sum ^= chain[k];
    return NULL;
}

double cores_share(int threads)
{
    static volatile uint64_t sink; /* so that it is computed at all */
    static double alone = INFINITY;
    struct spinner spinners[MOST_CORES] = { { .seconds = 0 } };
    int started = 1;
    spin(&spinners[0]);
    alone = fmin(alone, spinners[0].seconds);
    while (started < threads && started < MOST_CORES
           && pthread_create(&spinners[started].thread, NULL, spin, &spinners[started]) == 0)
        started++;
    spin(&spinners[0]);
    double slowest = spinners[0].seconds;
    for (int t = 1; t < started; t++) {
        pthread_join(spinners[t].thread, NULL);
        slowest = fmax(slowest, spinners[t].seconds);
    }
    sink = sink ^ spinners[0].sum;
    return started < threads ? 0 : alone / slowest;
}
