/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Taking times: each round reads the bytes and runs the workload, with one thread and with several,
 * so that what disturbs the machine disturbs all of them. */
#ifndef CXM_BENCH_MEASURE_H
#define CXM_BENCH_MEASURE_H

#include <stdbool.h>

#include "workloads.h"

enum { MOST_REPEATS = 31 };

struct figures {
    const struct workload *workload;
    size_t rows;
    double bytes;
    int threads; /* the several */
    double
        wall[2]; /* seconds of the workload, median of rounds; with one thread, with several (of the
                    rounds for x_threads, if any) */
    double read[2];   /* … of reading */
    double computed;  /* processor seconds with one thread, the least of all rounds */
    double x_reading; /* by the least ones of reading */
    double x_loop;    /* by the least ones of the plain loop; NaN: none */
    double x_threads; /* least wall time with one thread by that with several, of the rounds in which
                         each had a core of its own; NaN: there were none */
    double
        x_beside; /* computed a row, by that of the workload it is compared with; NaN: none */
};

/* All that the table shows but x_beside. */
struct figures measure(const struct task *task, int threads, int repeats);

/* Only x_reading and what it is made of: one thread. */
struct figures measure_reading(const struct task *task, int repeats);

#endif
