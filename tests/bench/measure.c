/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Wall times are medians. Ratios that must hold on a busy machine are made of processor time, the
 * least of all rounds: what others do can only add to it. */
#include "measure.h"

#include <math.h>

#include "clock.h"

struct rounds {
    double wall[MOST_REPEATS];
    struct seconds least;
    int n;
};

static void record(struct rounds *rounds, struct seconds taken)
{
    rounds->least.wall = rounds->n == 0 ? taken.wall : fmin(rounds->least.wall, taken.wall);
    rounds->least.computed =
        rounds->n == 0 ? taken.computed : fmin(rounds->least.computed, taken.computed);
    rounds->wall[rounds->n++] = taken.wall;
}

static void time_reading(struct rounds *rounds, const struct task *task, int threads)
{
    const struct seconds start = clock_now();
    read_once(task->spans, task->n_spans, threads);
    record(rounds, clock_since(start));
}

static void time_run(struct rounds *rounds, run_task *run, const struct task *task, int threads)
{
    const struct seconds start = clock_now();
    run(task, threads);
    record(rounds, clock_since(start));
}

static double median_of(struct rounds *rounds)
{
    return rounds->n == 0 ? NAN : clock_median(rounds->wall, rounds->n);
}

/* The first round warms up and is forgotten. */
static struct figures take(const struct task *task, int threads, int repeats, bool all)
{
    const struct workload *const w = task->workload;
    const int counts[2] = { 1, threads };
    struct rounds read[2], run[2], loop;
    for (int round = -1; round < repeats; round++) {
        if (round <= 0)
            read[0].n = read[1].n = run[0].n = run[1].n = loop.n = 0;
        for (int k = 0; k < (all ? 2 : 1); k++) {
            time_reading(&read[k], task, counts[k]);
            time_run(&run[k], w->run, task, counts[k]);
        }
        if (all && w->loop != NULL)
            time_run(&loop, w->loop, task, 1);
    }
    return (struct figures){
        .workload = w,
        .rows = task->rows,
        .bytes = task->bytes,
        .threads = threads,
        .wall = { median_of(&run[0]), median_of(&run[1]) },
        .read = { median_of(&read[0]), median_of(&read[1]) },
        .computed = run[0].least.computed,
        .x_reading = run[0].least.computed / read[0].least.computed,
        .x_loop = loop.n > 0 ? run[0].least.computed / loop.least.computed : NAN,
        .x_threads = all ? run[0].least.wall / run[1].least.wall : NAN,
        .x_beside = NAN,
    };
}

struct figures measure(const struct task *task, int threads, int repeats)
{
    return take(task, threads, repeats, true);
}

struct figures measure_reading(const struct task *task, int repeats)
{
    return take(task, 1, repeats, false);
}
