/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Time for the benchmark: on the wall and of the processor, and medians of it. */
#ifndef CXM_BENCH_CLOCK_H
#define CXM_BENCH_CLOCK_H

#include <time.h>

struct seconds {
    double wall;
    double computed; /* by all threads of the process: others on the machine do not add to it */
};

static inline double clock_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline struct seconds clock_now(void)
{
    return (struct seconds){ clock_of(CLOCK_MONOTONIC), clock_of(CLOCK_PROCESS_CPUTIME_ID) };
}

static inline struct seconds clock_since(struct seconds start)
{
    const struct seconds end = clock_now();
    return (struct seconds){ end.wall - start.wall, end.computed - start.computed };
}

/* The middle one of n values, which are sorted by it. */
double clock_median(double *values, int n);

#endif
