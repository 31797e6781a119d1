/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What comes out: a table for people, and the same as JSON for programs. */
#ifndef CXM_BENCH_PRINT_H
#define CXM_BENCH_PRINT_H

#include "measure.h"

/* The JSON file with the machine and versions in it; NULL: none is wanted. */
void print_open(const char *json, const char *mode);
void print_close(void);

/* A list of that name in the JSON file, and the head of the table. */
void print_list(const char *name, const char *head);
void print_end(void);

void print_figures(const struct figures *f);

/* Something small: how much of what, at most (or, of a rate, at least) how much is wanted; 0: not said. */
void print_small(const char *what, double value, const char *unit, double target);

struct scale_point {
    const struct workload *workload;
    size_t rows, groups;
    double computed, wall, reading; /* seconds with one thread */
};
void print_scale(const struct scale_point *p);

struct memory_point {
    const struct workload *workload;
    size_t rows, groups;
    int threads;
    double peak, stated; /* bytes beside the input */
};
void print_memory(const struct memory_point *p);

#define FIGURES_HEAD                                                                           \
    "                                    M rows  M rows/s   with 2    GB/s  with 2   of "      \
    "reading "                                                                                 \
    "  x reading  x with 2"
#define SMALL_HEAD "\nsmall calls                                          wanted"
#define SCALE_HEAD "workload         rows   groups    ns a row   x reading   M rows/s"
#define MEMORY_HEAD "workload         rows    groups  threads      peak MiB    stated MiB"

#endif
