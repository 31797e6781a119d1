/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one table of workloads: what they read, how the library is called, what was recorded. */
#ifndef CXM_BENCH_WORKLOADS_H
#define CXM_BENCH_WORKLOADS_H

#include <cxm/cxm.h>

#include "data.h"

enum { MOST_INPUTS = 11 };

struct task;

/* Columns to result, all through the public API; leaves the process when a call fails. */
typedef void run_task(const struct task *task, int threads);

/* Most memory beside the input, in bytes: fixed + threads * (a thread's own) + rows … */
struct memory {
    double fixed, a_thread, a_row, a_group, a_group_and_thread, a_row_and_thread;
};

struct workload {
    const char *name; /* W1 … W9 as in the README, with a letter where the data are others */
    const char *what;
    run_task *run;
    const char *metric; /* of a tally */
    struct {
        const char *role;
        enum data_kind kind;
    } inputs[MOST_INPUTS];
    const struct cxm_param *params;
    size_t n_params;
    run_task *loop;     /* the same as a plain loop of a careless program, or NULL */
    const char *beside; /* the workload that this one is compared with, or NULL */
    size_t rows;
    size_t gate_rows; /* of --gate; 0: not part of it */
    double gate;      /* recorded: processor time by that of reading the bytes once */
    double gate_plain; /* the same without AVX-512, VBMI and VNNI; 0: no different */
    size_t groups;    /* that the keys can tell apart */
    struct memory memory;
};

struct task {
    const struct workload *workload;
    size_t rows, n_inputs;
    struct made made[MOST_INPUTS];
    struct span spans[2 * MOST_INPUTS];
    size_t n_spans;
    double bytes; /* of all spans */
};

extern const struct workload workloads[];
extern const size_t n_workloads;

void task_make(struct task *task, const struct workload *workload, size_t rows);
void task_free(struct task *task);

/* The column of a role; NULL: none. */
const struct cxm_column *task_column(const struct task *task, const char *role);

/* ---- runs.c ---------------------------------------------------------------------------- */

run_task run_tally;  /* adds, and estimates the measures that are asked for by default */
run_task run_counts; /* adds only */
run_task run_fcr;
run_task run_cohorts;
run_task run_survival;
run_task run_quantiles;
run_task run_bootstrap;

/* ---- loops.c --------------------------------------------------------------------------- */

run_task loop_weighted; /* W3 in doubles */

#endif
