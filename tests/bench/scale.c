/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Is the cost linear in the rows? Powers of ten from 10 000 rows to what fits in 12 GiB together
 * with the memory that is stated, or to --rows; the least processor time of a few rounds. And what
 * do groups cost? From one to a million, on as many rows. */
#include <math.h>
#include <string.h>

#include "clock.h"
#include "measure.h"
#include "modes.h"
#include "print.h"

static const double most_bytes = 12 * 0x1p30, most_rows = 1e9;
static const char usual[] = "W1,W2,W2m,W3,W4,W4u,W5,W6,W7,W9";

/* Some only once: a second's work is not repeated. */
static struct scale_point time_rows(const struct workload *w, size_t rows, int repeats)
{
    struct scale_point point = { .workload = w, .rows = rows, .groups = w->groups };
    struct task task;
    task_make(&task, w, rows);
    const struct seconds start = clock_now();
    for (int round = 0; round < repeats && (round < 1 || clock_since(start).wall < 2);
         round++) {
        const struct figures f = measure_reading(&task, 1);
        point.computed = round == 0 ? f.computed : fmin(point.computed, f.computed);
        point.wall = round == 0 ? f.wall[0] : fmin(point.wall, f.wall[0]);
        const double reading = f.computed / f.x_reading;
        point.reading = round == 0 ? reading : fmin(point.reading, reading);
    }
    task_free(&task);
    return point;
}

/* The most rows that fit, to two digits. */
static size_t rows_that_fit(const struct workload *w, const struct choices *choices)
{
    enum { FEW = 8000 };
    struct task task;
    task_make(&task, w, FEW);
    const double a_row = task.bytes / FEW + w->memory.a_row + w->memory.a_row_and_thread;
    task_free(&task);
    const double fit = fmin((most_bytes - w->memory.fixed) / a_row,
                            choices->rows != 0 ? (double)choices->rows : most_rows);
    const double step = pow(10, floor(log10(fit)) - 1);
    return (size_t)(floor(fit / step * (1 + 1e-12)) * step);
}

bool scale_mode(const struct choices *choices)
{
    struct choices usually = *choices;
    usually.only = choices->only == NULL ? usual : choices->only;
    print_open(choices->json, "scale");
    print_list("points", SCALE_HEAD);
    for (size_t i = 0; i < n_workloads; i++) {
        const struct workload *const w = &workloads[i];
        if (!chosen(&usually, w))
            continue;
        const size_t most = rows_that_fit(w, choices);
        for (size_t rows = 10000; rows < most * 10; rows *= 10) {
            const struct scale_point point =
                time_rows(w, rows < most ? rows : most, choices->repeats);
            print_scale(&point);
        }
    }
    print_end();
    print_close();
    return true;
}

/* ---- groups ---------------------------------------------------------------------------- */

static const struct {
    enum data_kind by;
    size_t groups;
} steps[] = { { BY_ONE, 1 }, { BY_16, 16 }, { BY_1000, 1000 }, { BY_31623, 31623 },
              { BY_MANY, 1000000 } };

bool groups_mode(const struct choices *choices)
{
    struct choices usually = *choices;
    usually.only = choices->only == NULL ? "W2,W3,M,W9" : choices->only;
    print_open(choices->json, "groups");
    print_list("points", SCALE_HEAD);
    for (size_t i = 0; i < n_workloads; i++) {
        struct workload w = workloads[i];
        size_t by = 0;
        while (by < MOST_INPUTS && w.inputs[by].role != NULL
               && strcmp(w.inputs[by].role, "by") != 0)
            by++;
        if (!chosen(&usually, &workloads[i]) || by == MOST_INPUTS || w.inputs[by].role == NULL)
            continue;
        for (size_t step = 0; step < sizeof steps / sizeof steps[0]; step++) {
            w.inputs[by].kind = steps[step].by;
            w.groups = steps[step].groups;
            const struct scale_point point = time_rows(
                &w, choices->rows != 0 ? choices->rows : 20000000, choices->repeats);
            print_scale(&point);
        }
    }
    print_end();
    print_close();
    return true;
}
