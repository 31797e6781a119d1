/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Wall times are medians. Ratios that must hold on a busy machine are made of processor time, the
 * least of all rounds: what others do can only add to it. */
#include "measure.h"

#include <math.h>

#include "clock.h"
#include "cores.h"

/* Rounds with several threads count when each had this much of a core, of at most so many times as
 * many rounds. */
#define WHOLE 0.9
enum { MOST_TIMES = 4 };

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

/* As time_run with several threads; also into `whole` when they had their cores all the while. */
static void time_several(struct rounds *rounds, struct rounds *whole, const struct task *task,
                         int threads)
{
    const double before = cores_share(threads);
    const struct seconds start = clock_now();
    task->workload->run(task, threads);
    const struct seconds taken = clock_since(start);
    record(rounds, taken);
    if (before >= WHOLE && cores_share(threads) >= WHOLE)
        record(whole, taken);
}

static double median_of(struct rounds *rounds)
{
    return rounds->n == 0 ? NAN : clock_median(rounds->wall, rounds->n);
}

/* The first round warms up and is forgotten. */
static struct figures take(const struct task *task, int threads, int repeats, bool all)
{
    const struct workload *const w = task->workload;
    struct rounds read[2] = { { .n = 0 } }, run[2] = { { .n = 0 } };
    struct rounds loop = { .n = 0 }, whole = { .n = 0 };
    for (int round = -1;
         round < repeats || (all && whole.n < repeats && round < MOST_TIMES * repeats
                             && read[0].n < MOST_REPEATS);
         round++) {
        if (round <= 0)
            read[0].n = read[1].n = run[0].n = run[1].n = loop.n = whole.n = 0;
        time_reading(&read[0], task, 1);
        time_run(&run[0], w->run, task, 1);
        if (!all)
            continue;
        time_reading(&read[1], task, threads);
        time_several(&run[1], &whole, task, threads);
        if (w->loop != NULL)
            time_run(&loop, w->loop, task, 1);
    }
    return (struct figures){
        .workload = w,
        .rows = task->rows,
        .bytes = task->bytes,
        .threads = threads,
        .wall = { median_of(&run[0]), median_of(whole.n > 0 ? &whole : &run[1]) },
        .read = { median_of(&read[0]), median_of(&read[1]) },
        .computed = run[0].least.computed,
        .x_reading = run[0].least.computed / read[0].least.computed,
        .x_loop = loop.n > 0 ? run[0].least.computed / loop.least.computed : NAN,
        .x_threads = all && whole.n > 0 ? run[0].least.wall / whole.least.wall : NAN,
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
