/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a careless program would do: the same sums in plain doubles, no checks, no missing values,
 * dense keys that are trusted. Its time is the denominator of the column "x loop". */
#include "workloads.h"

#include <stdlib.h>

struct sums {
    double w, w2;
};

void loop_weighted(const struct task *task, int threads)
{
    static volatile double sink;
    const uint8_t *const rating = task->made[0].column.data;
    const double *const weight = task->made[1].column.data;
    const uint32_t *const by = task->made[2].column.data;
    struct sums(*const sums)[8] = calloc(task->workload->groups, sizeof *sums);
    (void)threads;
    if (sums == NULL)
        exit(1);
    for (size_t i = 0; i < task->rows; i++) {
        struct sums *const cell = &sums[by[i]][rating[i]];
        cell->w += weight[i];
        cell->w2 += weight[i] * weight[i];
    }
    sink = sums[0][1].w;
    (void)sink;
    free(sums);
}
