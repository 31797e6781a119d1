/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the program can do with the workloads that were asked for. */
#ifndef CXM_BENCH_MODES_H
#define CXM_BENCH_MODES_H

#include <stdbool.h>
#include <stddef.h>

struct workload;

struct choices {
    const char *only; /* patterns of names with commas between; NULL: all */
    const char *json;
    size_t rows; /* 0: those of each workload */
    int repeats, threads;
};

bool chosen(const struct choices *choices, const struct workload *workload);

/* Each returns whether all was well. */
bool table_mode(const struct choices *choices);
bool gate_mode(const struct choices *choices);
bool scale_mode(const struct choices *choices);
bool groups_mode(const struct choices *choices);
bool memory_mode(const struct choices *choices);
bool serve_mode(const struct choices *choices);

#endif
