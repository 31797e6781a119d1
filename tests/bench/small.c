/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One call on few rows, rows one at a time, and the tally of a million groups: saved, loaded,
 * merged, estimated. Processor time, medians; memory that results go to was touched before. */
#include "small.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "print.h"

enum { HUNDRED = 100, THOUSAND = 1000 };

static void must(enum cxm_status status)
{
    if (status == CXM_OK)
        return;
    fprintf(stderr, "bench: %s\n", cxm_status_message(status));
    exit(1);
}

static void one_call(const struct cxm_column *score, const struct cxm_column *by)
{
    static struct cxm_row rows[32];
    const struct cxm_nps_options options = { CXM_INIT(nps), .by = by };
    must(cxm_nps(score, by == NULL ? NULL : &options, CXM_ROWS(rows), NULL, NULL));
}

/* Nanoseconds of a call: a median of rounds of many. */
static double time_call(const struct cxm_column *score, const struct cxm_column *by, int calls,
                        int repeats)
{
    double taken[MOST_REPEATS];
    for (int round = 0; round < repeats; round++) {
        const struct seconds start = clock_now();
        for (int i = 0; i < calls; i++)
            one_call(score, by);
        taken[round] = clock_since(start).computed / calls * 1e9;
    }
    return clock_median(taken, repeats);
}

static double time_add_one(bool weighted, int rows, int repeats)
{
    double taken[MOST_REPEATS];
    for (int round = 0; round < repeats; round++) {
        struct cxm_tally *tally;
        must(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL));
        const struct seconds start = clock_now();
        for (int i = 0; i < rows; i++) {
            const double score = (double)(i % 11), weight = 0.2 + 0.017 * (double)(i % 97);
            must(cxm_tally_add_one(tally, &score, 1, weighted ? &weight : NULL, 1, NULL));
        }
        taken[round] = clock_since(start).computed / rows * 1e9;
        cxm_tally_free(tally);
    }
    return clock_median(taken, repeats);
}

static void measure_calls(int repeats, int calls)
{
    struct made score, by;
    data_make(&score, SCORES_PLAIN, THOUSAND, 1, NULL);
    data_make(&by, BY_16, THOUSAND, 2, NULL);
    struct cxm_column few = score.column;
    few.n = HUNDRED;
    print_small("cxm_nps of 100 scores", time_call(&few, NULL, calls, repeats), "ns", 1000);
    print_small("cxm_nps of 1 000 scores by 16",
                time_call(&score.column, &by.column, calls / 10, repeats), "ns", 50000);
    print_small("one row added", time_add_one(false, 50 * calls, repeats), "ns", 50);
    print_small("… with a weight", time_add_one(true, 50 * calls, repeats), "ns", 150);
    data_free(&score);
    data_free(&by);
}

/* ---- a million groups ------------------------------------------------------------------ */

struct saved {
    uint8_t *bytes;
    size_t n;
    struct cxm_estimate *estimates;
    size_t groups;
};

struct steps {
    double save[MOST_REPEATS], load[MOST_REPEATS], merge[MOST_REPEATS], estimate[MOST_REPEATS];
};

static struct cxm_tally *tally_of_many(size_t rows, bool weighted)
{
    struct made score, by, weight;
    struct cxm_tally *tally;
    data_make(&score, SCORES_PLAIN, rows, 1, NULL);
    data_make(&by, BY_MANY, rows, 2, NULL);
    data_make(&weight, WEIGHTS, rows, 3, NULL);
    const struct cxm_input inputs[3] = { { "score", &score.column },
                                         { "by", &by.column },
                                         { "weight", &weight.column } };
    must(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL));
    must(cxm_tally_add(tally, inputs, weighted ? 3 : 2, NULL, NULL));
    data_free(&score);
    data_free(&by);
    data_free(&weight);
    return tally;
}

static void take_steps(const struct cxm_tally *original, struct saved *s, struct steps *steps,
                       int round)
{
    struct cxm_tally *tally, *other;
    must(cxm_tally_copy(original, &tally, NULL));
    struct seconds start = clock_now();
    must(cxm_tally_save(tally, s->bytes, s->n, &s->n, NULL));
    steps->save[round] = clock_since(start).computed;
    start = clock_now();
    must(cxm_tally_load(s->bytes, s->n, NULL, &other, NULL));
    steps->load[round] = clock_since(start).computed;
    start = clock_now();
    must(cxm_tally_merge(tally, other, NULL));
    steps->merge[round] = clock_since(start).computed;
    start = clock_now();
    must(cxm_tally_estimate(tally, NULL, s->estimates, sizeof *s->estimates, s->groups, NULL,
                            NULL));
    steps->estimate[round] = clock_since(start).computed;
    cxm_tally_free(tally);
    cxm_tally_free(other);
}

static void measure_many(int repeats, size_t rows, bool weighted)
{
    struct cxm_tally *const tally = tally_of_many(rows, weighted);
    struct saved s = { .groups = (size_t)cxm_tally_groups(tally) };
    struct steps steps;
    must(cxm_tally_save(tally, NULL, 0, &s.n, NULL));
    s.bytes = data_allocate(s.n, 1);
    s.estimates = data_allocate(s.groups, sizeof *s.estimates);
    memset(s.bytes, 1, s.n);
    memset(s.estimates, 1, s.groups * sizeof *s.estimates);
    for (int round = 0; round < repeats; round++)
        take_steps(tally, &s, &steps, round);
    const double gigabytes = (double)s.n * 1e-9, first_load = steps.load[0];
    printf("tally of %zu groups%s, %.1f MB\n", s.groups, weighted ? " with weights" : "",
           gigabytes * 1e3);
    print_small(weighted ? "… save, weights" : "… save",
                gigabytes / clock_median(steps.save, repeats), "GB/s", 1);
    print_small(weighted ? "… load, weights" : "… load",
                gigabytes / clock_median(steps.load, repeats), "GB/s", 1);
    print_small(weighted ? "… load, weights, new memory" : "… load, new memory",
                gigabytes / first_load, "GB/s", 1);
    print_small(weighted ? "… merge, weights" : "… merge",
                gigabytes / clock_median(steps.merge, repeats), "GB/s", 1);
    print_small(weighted ? "… estimate, weights" : "… estimate",
                clock_median(steps.estimate, repeats) * 1e3, "ms", 200);
    free(s.bytes);
    free(s.estimates);
    cxm_tally_free(tally);
}

/* ---- bytes of a group ------------------------------------------------------------------ */

/* Counts what is held, in `context`; each piece of memory begins with its size. */
enum { HEADER = 16 };

static void *counted_allocate(void *context, size_t bytes)
{
    unsigned char *const p = malloc(bytes + HEADER);
    if (p == NULL)
        return NULL;
    memcpy(p, &bytes, sizeof bytes);
    *(size_t *)context += bytes;
    return p + HEADER;
}

static void counted_release(void *context, void *memory)
{
    size_t bytes;
    if (memory == NULL)
        return;
    memcpy(&bytes, (unsigned char *)memory - HEADER, sizeof bytes);
    *(size_t *)context -= bytes;
    free((unsigned char *)memory - HEADER);
}

/* What a tally of answers 1 … 5 by 1 000 groups holds for each of them. */
static double bytes_of_group(const struct cxm_input *inputs, size_t n)
{
    static const double one_to_five[2] = { 1, 5 };
    static const struct cxm_param five_points = { "scale", one_to_five, 2, NULL, 0 };
    size_t held = 0;
    const struct cxm_allocator counting = { &held, counted_allocate, counted_release };
    struct cxm_tally *tally;
    must(cxm_tally_new("csat", &five_points, 1, &counting, &tally, NULL));
    const size_t empty = held;
    must(cxm_tally_add(tally, inputs, n, NULL, NULL));
    const double a_group = (double)(held - empty) / (double)cxm_tally_groups(tally);
    cxm_tally_free(tally);
    return a_group;
}

/* Weights add two exact sums an answer: of them and of their squares. */
static void measure_bytes(size_t rows)
{
    enum { SUMS = 2 * 5 };
    struct made rating, by, weight;
    data_make(&rating, RATINGS, rows, 1, NULL);
    data_make(&by, BY_1000, rows, 2, NULL);
    data_make(&weight, WEIGHTS, rows, 3, NULL);
    const struct cxm_input inputs[3] = { { "score", &rating.column },
                                         { "by", &by.column },
                                         { "weight", &weight.column } };
    const double counts = bytes_of_group(inputs, 2), all = bytes_of_group(inputs, 3);
    print_small("CSAT, a group", counts, "bytes", 0);
    print_small("… with weights", all, "bytes", 0);
    print_small("… a sum of weights", (all - counts) / SUMS, "bytes", 48);
    data_free(&rating);
    data_free(&by);
    data_free(&weight);
}

void measure_small(int repeats, bool brief)
{
    print_list("small", SMALL_HEAD);
    measure_calls(repeats, brief ? 200 : 20000);
    measure_many(repeats, brief ? 10000 : 10000000, false);
    measure_many(repeats, brief ? 10000 : 10000000, true);
    measure_bytes(brief ? 10000 : 1000000);
    print_end();
}
