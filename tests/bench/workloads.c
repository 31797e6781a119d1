/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The table. Rows are those of a full run; those of the gate are fewer, but more than a cache
 * holds, and its ratios were recorded on a quiet machine (README.md says which). */
#include "workloads.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const double one_to_five[2] = { 1, 5 };
static const struct cxm_param five_points[] = { { "scale", one_to_five, 2, NULL, 0 } };
static const char *const dimensions[5] = { "tangibles", "reliability", "responsiveness",
                                           "assurance", "empathy" };
static const struct cxm_param of_dimensions[] = { { "items", NULL, 0, dimensions, 5 } };

/* Inputs of the workloads, as lists. */
/* clang-format off */
#define SCORE_BY(score, by) { { "score", score }, { "by", by } }
#define WEIGHTED(score, weight, by) { { "score", score }, { "weight", weight }, { "by", by } }
#define FIVE(role, kind) { role, kind }, { role, kind }, { role, kind }, { role, kind }, { role, kind }
#define GAPS(kind, by) { FIVE("perceived", kind), FIVE("expected", kind), { "by", by } }
#define CONTACTS(customer) { { "customer", customer }, { "category", CATEGORIES }, { "opened", INSTANTS } }
#define EVENTS(customer) { { "customer", customer }, { "time", INSTANTS } }
#define LIVES(days, by) { { "duration", days }, { "event", LEFT }, { "by", by } }
#define TIMES(value, by) { { "value", value }, { "by", by } }

/* Memory beside the input: fixed, a thread's, a row's, a group's, a group and thread's, a row and
 * thread's. These are bounds that follow from the data structures, as the files named here tell;
 * --memory compares what is measured. Estimates are the caller's, 152 bytes each (E). */
#define MIB 0x1p20
#define E 152
/* 13 codes of 8 bytes and the key's lookup, in each thread a byte or more a code: tally/dense.c */
#define COUNTED   .memory = { MIB, MIB / 4, 0, E + 138, 110, 0 }
#define COUNTED_M .memory = { MIB, MIB / 4, 0, E + 138, 0, 0 }
#define LOOKED_UP .memory = { MIB, MIB / 4, 0, E + 148, 40, 0 }
/* 5 answers: two sums of 24 and 40 bytes at most and a count; in each thread a cell of 64 bytes for
 * each answer and sign, by band of weights, up to 12 of these cells: tally/moments.c, keyed.c */
#define WEIGHED   .memory = { 1.75 * MIB, MIB / 4, 0, E + 298, 12 * 64, 0 }
#define WEIGHED_F .memory = { 1.75 * MIB, MIB / 4, 0, E + 298, 3 * 12 * 64, 0 }
/* 252 bytes a group for rows on their way: tally/dense_weighted.c */
#define WEIGHED_M .memory = { MIB, MIB / 4, 0, E + 514 + 252, 0, 0 }
/* Of means in each thread a cell of 64 bytes and a number of 4 for a slot, of which there are a 32nd more, and a
 * group of up to 131: 4 counters, sums of 32 and 48 bytes, its key: tally/moments.c, keyed.c */
#define MEANS_M   .memory = { MIB, MIB / 4, 0, E, 71 + 131, 0 }
/* 10 estimates (two of five pairs); 2 KiB a thread for each 16 bytes of a row, of which 12 are used: tally/small.c */
#define SUMMED    .memory = { 1.5 * MIB, MIB / 2, 0, 10 * E, 1600, 0 }
/* A word of 8 bytes a row; 1 KiB for each 12 000 rows and thread; what a thread sorts: derive/sort.h. Two
 * words where keys lie far apart; two more a row that is of the same customer as a fifteenth of all (Z), or as all (E). */
#define A_PART (1024 / 12000.0)
#define SORTED    .memory = { MIB, 2 * MIB, 8, 0, 0, A_PART }
#define SORTED_Z  .memory = { MIB, 2 * MIB, 8 + 16 / 10.0, 0, 0, A_PART }
#define SORTED_E  .memory = { MIB, 3 * MIB, 8 + 8, 0, 0, A_PART + 0.5 }
#define SORTED_K  .memory = { MIB, 2 * MIB, 16, 0, 0, A_PART }
/* A word of 4 bytes a customer, who has 25 rows, in each thread; up to 32 768 slots of 8 bytes:
 * derive/cohort_dense.c. Else the rows are sorted. */
#define MARKED    .memory = { 1.5 * MIB, MIB / 4, 0, 0, 0, 4 / 25.0 }
/* 2 001 days: counts of both events (16 bytes), in each thread 8; the report of 72 bytes a day: tally/times.c */
#define TIMED     .memory = { 10 * MIB, MIB / 4, 0, 16384, 16384, 0 }
/* The values between the brackets of a sample, 8 bytes of at most half of the rows (usually a
 * tenth); a table of 4 096 places of 2 bytes a group, counted in 4 bytes by each thread, and 9
 * brackets with a page of 4 KiB: derive/select_sample.c. A byte in a struct is one of 256 groups (S). */
#define BRACKETED .memory = { MIB, MIB / 2, 8 / 2.0, 4096 * 2, 4096 * 4 + 9 * 4096, 0 }
#define BRACKET_S .memory = { 3 * MIB, 4.5 * MIB, 8 / 2.0, 0, 9 * 4096, 0 }
/* All values dealt out by part of the groups; a chunk and 16 bytes a row of a part for each thread; the report:
 * derive/select_parts.c */
#define BUCKETED  .memory = { MIB, 5 * MIB, 8 + 4, 2000, 0, 0 }
/* 700 bytes by the root of the rows: cxm/interval.h */
#define RESAMPLED .memory = { 2 * MIB, MIB / 4, 0, 0, 0, 0 }

enum { M = 1000000 };

const struct workload workloads[] = {
    /* ---- W1: counts ---- */
    { "W1",  "NPS",                          run_tally, "nps", { { "score", SCORES } },
      .rows = 100 * M, .gate_rows = 64 * M, .gate = 1.4, .gate_plain = 1.9, COUNTED },
    { "W1p", "no missing code",              run_tally, "nps", { { "score", SCORES_PLAIN } },
      .rows = 100 * M, .beside = "W1", COUNTED },
    { "W1v", "with a bitmap",                run_tally, "nps", { { "score", SCORES_BITMAP } },
      .rows = 100 * M, .beside = "W1p", .gate_rows = 64 * M, .gate = 1.4, .gate_plain = 2.5, COUNTED },
    { "W1e", "all equal",                    run_tally, "nps", { { "score", SCORES_EQUAL } },
      .rows = 100 * M, .beside = "W1", COUNTED },
    { "W1o", "sorted",                       run_tally, "nps", { { "score", SCORES_SORTED } },
      .rows = 100 * M, .beside = "W1", COUNTED },
    { "W1s", "struct of 64 bytes",           run_tally, "nps", { { "score", SCORES_STRUCT } },
      .rows = 20 * M, .gate_rows = 2 * M, .gate = 1.2, COUNTED },
    { "W1f", "floats",                       run_tally, "nps", { { "score", SCORES_FLOAT } },
      .rows = 50 * M, COUNTED },
    { "W1n", "floats, some NaN",             run_tally, "nps", { { "score", SCORES_NAN } },
      .rows = 50 * M, .beside = "W1f", COUNTED },

    /* ---- W2: counts by group ---- */
    { "W2",  "NPS by 1 000",                 run_tally, "nps", SCORE_BY(SCORES, BY_1000),
      .rows = 100 * M, .groups = 1000, .gate_rows = 16 * M, .gate = 2.6, .gate_plain = 3.4, COUNTED },
    { "W2z", "Zipf",                         run_tally, "nps", SCORE_BY(SCORES, BY_1000_ZIPF),
      .rows = 100 * M, .groups = 1000, .beside = "W2", .gate_rows = 16 * M, .gate = 2.7, .gate_plain = 3.4, COUNTED },
    { "W2g", "16 groups",                    run_tally, "nps", SCORE_BY(SCORES, BY_16),
      .rows = 100 * M, .groups = 16, .beside = "W2", COUNTED },
    { "W2e", "one group, all equal",         run_tally, "nps", SCORE_BY(SCORES_EQUAL, BY_ONE),
      .rows = 100 * M, .groups = 1, .beside = "W2", .gate_rows = 16 * M, .gate = 1.8, .gate_plain = 3, COUNTED },
    { "W2o", "sorted by group",              run_tally, "nps", SCORE_BY(SCORES, BY_1000_SORTED),
      .rows = 100 * M, .groups = 1000, .beside = "W2", .gate_rows = 16 * M, .gate = 1.9, .gate_plain = 3.4, COUNTED },
    { "W2v", "with a bitmap",                run_tally, "nps", SCORE_BY(SCORES_BITMAP, BY_1000),
      .rows = 100 * M, .groups = 1000, .beside = "W2", .gate_rows = 16 * M, .gate = 2.6, .gate_plain = 5.7, COUNTED },
    { "W2b", "a bitmap of the keys",         run_tally, "nps", SCORE_BY(SCORES, BY_1000_BITMAP),
      .rows = 100 * M, .groups = 1000, .beside = "W2", COUNTED },
    { "W2s", "struct of 64 bytes",           run_tally, "nps", SCORE_BY(SCORES_STRUCT, BY_1000_STRUCT),
      .rows = 20 * M, .groups = 1000, COUNTED },
    { "W2k", "sparse 64-bit keys",           run_tally, "nps", SCORE_BY(SCORES, BY_1000_SPARSE),
      .rows = 50 * M, .groups = 1000, .beside = "W2", COUNTED },
    { "W2t", "text keys",                    run_tally, "nps", SCORE_BY(SCORES, BY_1000_TEXT),
      .rows = 50 * M, .groups = 1000, .beside = "W2", COUNTED },
    { "W2d", "keys of a dictionary",         run_tally, "nps", SCORE_BY(SCORES, BY_1000_NAMES),
      .rows = 100 * M, .groups = 1000, .beside = "W2", COUNTED },

    /* ---- W2m: by very many ---- */
    { "W2m", "NPS by 1 000 000",             run_tally, "nps", SCORE_BY(SCORES, BY_MANY),
      .rows = 100 * M, .groups = M, .gate_rows = 8 * M, .gate = 54, COUNTED_M },
    { "W2mc", "counts only",                 run_counts, "nps", SCORE_BY(SCORES, BY_MANY),
      .rows = 100 * M, .groups = M, .beside = "W2m", COUNTED_M },
    { "W2mz", "Zipf",                        run_tally, "nps", SCORE_BY(SCORES, BY_MANY_ZIPF),
      .rows = 100 * M, .groups = M, .beside = "W2m", COUNTED_M },
    { "W2mo", "sorted by group",             run_tally, "nps", SCORE_BY(SCORES, BY_MANY_SORTED),
      .rows = 100 * M, .groups = M, .beside = "W2m", COUNTED_M },
    { "W2mk", "sparse 64-bit keys",          run_tally, "nps", SCORE_BY(SCORES, BY_MANY_SPARSE),
      .rows = 50 * M, .groups = M, .beside = "W2m", LOOKED_UP },
    { "W2mkc", "… counts only",              run_counts, "nps", SCORE_BY(SCORES, BY_MANY_SPARSE),
      .rows = 50 * M, .groups = M, .beside = "W2mk", LOOKED_UP },

    /* ---- W3: weights ---- */
    { "W3",  "weighted CSAT by 1 000",       run_tally, "csat", WEIGHTED(RATINGS, WEIGHTS, BY_1000),
      five_points, 1, loop_weighted, .rows = 50 * M, .groups = 1000, .gate_rows = 8 * M, .gate = 5.5, .gate_plain = 7, WEIGHED },
    { "W3f", "weights far apart",            run_tally, "csat", WEIGHTED(RATINGS, WEIGHTS_FAR, BY_1000),
      five_points, 1, loop_weighted, "W3", .rows = 50 * M, .groups = 1000, .gate_rows = 8 * M, .gate = 5.7, .gate_plain = 7, WEIGHED_F },
    { "W3d", "24 different weights",         run_tally, "csat", WEIGHTED(RATINGS, WEIGHTS_FEW, BY_1000),
      five_points, 1, loop_weighted, "W3", .rows = 50 * M, .groups = 1000, WEIGHED },
    { "W3z", "Zipf",                         run_tally, "csat", WEIGHTED(RATINGS, WEIGHTS, BY_1000_ZIPF),
      five_points, 1, loop_weighted, "W3", .rows = 50 * M, .groups = 1000, WEIGHED },
    { "W3o", "sorted by group",              run_tally, "csat", WEIGHTED(RATINGS, WEIGHTS, BY_1000_SORTED),
      five_points, 1, loop_weighted, "W3", .rows = 50 * M, .groups = 1000, WEIGHED },
    { "W3g", "16 groups",                    run_tally, "csat", WEIGHTED(RATINGS, WEIGHTS, BY_16),
      five_points, 1, loop_weighted, "W3", .rows = 50 * M, .groups = 16, WEIGHED },
    { "W3m", "by 1 000 000",                 run_tally, "csat", WEIGHTED(RATINGS, WEIGHTS, BY_MANY),
      five_points, 1, loop_weighted, "W3", .rows = 50 * M, .groups = M, WEIGHED_M },
    { "W3mc", "sums only",                   run_counts, "csat", WEIGHTED(RATINGS, WEIGHTS, BY_MANY),
      five_points, 1, NULL, "W3m", .rows = 50 * M, .groups = M, WEIGHED_M },
    { "W3v", "with a bitmap",                run_tally, "csat", WEIGHTED(RATINGS_BITMAP, WEIGHTS, BY_1000),
      five_points, 1, NULL, "W3", .rows = 50 * M, .groups = 1000, WEIGHED },
    { "W3s", "weighted NPS, struct of 64 bytes", run_tally, "nps",
      WEIGHTED(SCORES_STRUCT, WEIGHTS_STRUCT, BY_1000_STRUCT), .rows = 20 * M, .groups = 1000, WEIGHED_F },
    { "W3c", "20 strata, 50 clusters each",  run_tally, "csat",
      { { "score", RATINGS }, { "weight", WEIGHTS }, { "strata", STRATA }, { "cluster", CLUSTERS } },
      five_points, 1, NULL, "W3", .rows = 50 * M, .groups = 1000, WEIGHED },
    { "M",   "mean of doubles by 1 000",     run_tally, "mean", TIMES(WEIGHTS, BY_1000),
      .rows = 50 * M, .groups = 1000, .gate_rows = 8 * M, .gate = 5.9, .gate_plain = 8, WEIGHED },
    { "Mz",  "Zipf",                         run_tally, "mean", TIMES(WEIGHTS, BY_1000_ZIPF),
      .rows = 50 * M, .groups = 1000, .beside = "M", WEIGHED },
    { "Me",  "all equal, one group",         run_tally, "mean", TIMES(WEIGHTS_EQUAL, BY_ONE),
      .rows = 50 * M, .groups = 8, .beside = "M", WEIGHED },
    { "Mo",  "sorted by group",              run_tally, "mean", TIMES(WEIGHTS, BY_1000_SORTED),
      .rows = 50 * M, .groups = 1000, .beside = "M", WEIGHED },
    { "Mm",  "by 1 000 000",                 run_tally, "mean", TIMES(WEIGHTS, BY_MANY),
      .rows = 50 * M, .groups = M, .beside = "M", MEANS_M },
    { "Mn",  "some NaN",                     run_tally, "mean", TIMES(WEIGHTS_NAN, BY_1000),
      .rows = 50 * M, .groups = 1000, .beside = "M", WEIGHED },
    { "Mv",  "with a bitmap",                run_tally, "mean", TIMES(WEIGHTS_BITMAP, BY_1000),
      .rows = 50 * M, .groups = 1000, .beside = "M", WEIGHED },
    { "Ms",  "struct of 64 bytes",           run_tally, "mean", TIMES(WEIGHTS_STRUCT, BY_1000_STRUCT),
      .rows = 20 * M, .groups = 1000, WEIGHED },

    /* ---- W4: gaps ---- */
    { "W4",  "5 gaps of floats by 100",      run_tally, "gap", GAPS(ANSWERS_FLOAT, BY_100),
      of_dimensions, 1, .rows = 50 * M, .groups = 100, .gate_rows = 2 * M, .gate = 2.8, .gate_plain = 4.2, SUMMED },
    { "W4o", "sorted by group",              run_tally, "gap", GAPS(ANSWERS_FLOAT, BY_100_SORTED),
      of_dimensions, 1, NULL, "W4", .rows = 50 * M, .groups = 100, SUMMED },
    { "W4z", "Zipf",                         run_tally, "gap", GAPS(ANSWERS_FLOAT, BY_100_ZIPF),
      of_dimensions, 1, NULL, "W4", .rows = 50 * M, .groups = 100, SUMMED },
    { "W4e", "all equal, one group",         run_tally, "gap", GAPS(ANSWERS_EQUAL, BY_100_ONE),
      of_dimensions, 1, NULL, "W4", .rows = 50 * M, .groups = 100, SUMMED },
    { "W4n", "some NaN",                     run_tally, "gap", GAPS(ANSWERS_NAN, BY_100),
      of_dimensions, 1, NULL, "W4", .rows = 50 * M, .groups = 100, SUMMED },
    { "W4s", "struct of 64 bytes",           run_tally, "gap", GAPS(ANSWERS_STRUCT, BY_100_STRUCT),
      of_dimensions, 1, .rows = 20 * M, .groups = 100, SUMMED },
    { "W4u", "5 gaps of bytes by 100",       run_tally, "gap", GAPS(ANSWERS, BY_100),
      of_dimensions, 1, .rows = 50 * M, .groups = 100, .gate_rows = 8 * M, .gate = 5.3, .gate_plain = 6.5, SUMMED },
    { "W4w", "keys of 32 bits",              run_tally, "gap", GAPS(ANSWERS, BY_100_WIDE),
      of_dimensions, 1, NULL, "W4u", .rows = 50 * M, .groups = 100, SUMMED },
    { "W4uz", "Zipf",                        run_tally, "gap", GAPS(ANSWERS, BY_100_ZIPF),
      of_dimensions, 1, NULL, "W4u", .rows = 50 * M, .groups = 100, SUMMED },
    { "W4ue", "all equal, one group",        run_tally, "gap", GAPS(ANSWERS_SAME, BY_100_ONE),
      of_dimensions, 1, NULL, "W4u", .rows = 50 * M, .groups = 100, SUMMED },

    /* ---- W5: repeat contacts ---- */
    { "W5",  "FCR within 7 days",            run_fcr, NULL, CONTACTS(CONTACTS_OF),
      .rows = 20 * M, .gate_rows = 4 * M, .gate = 18, .gate_plain = 24, SORTED },
    { "W5z", "Zipf",                         run_fcr, NULL, CONTACTS(CONTACTS_ZIPF),
      .rows = 20 * M, .beside = "W5", SORTED_Z },
    { "W5o", "sorted by customer",           run_fcr, NULL, CONTACTS(CONTACTS_SORTED),
      .rows = 20 * M, .beside = "W5", SORTED },
    { "W5e", "all of one customer",          run_fcr, NULL, CONTACTS(CONTACTS_EQUAL),
      .rows = 20 * M, .beside = "W5", SORTED_E },
    { "W5k", "sparse customers",             run_fcr, NULL, CONTACTS(CONTACTS_FAR),
      .rows = 20 * M, .beside = "W5", SORTED_K },

    /* ---- W6: cohorts ---- */
    { "W6",  "cohorts x 24 months",          run_cohorts, NULL, EVENTS(EVENTS_OF),
      .rows = 50 * M, .gate_rows = 8 * M, .gate = 5.1, .gate_plain = 4.6, MARKED },
    { "W6z", "Zipf",                         run_cohorts, NULL, EVENTS(EVENTS_ZIPF),
      .rows = 50 * M, .beside = "W6", MARKED },
    { "W6o", "sorted by customer",           run_cohorts, NULL, EVENTS(EVENTS_SORTED),
      .rows = 50 * M, .beside = "W6", MARKED },
    { "W6e", "all of one customer",          run_cohorts, NULL, EVENTS(EVENTS_EQUAL),
      .rows = 50 * M, .beside = "W6", MARKED },
    { "W6k", "sparse customers",             run_cohorts, NULL, EVENTS(EVENTS_FAR),
      .rows = 50 * M, .beside = "W6", SORTED_K },

    /* ---- W7: survival ---- */
    { "W7",  "Kaplan-Meier by 10",           run_survival, "survival", LIVES(DAYS, BY_10),
      .rows = 10 * M, .groups = 10, .gate_rows = 16 * M, .gate = 4.1, .gate_plain = 4.6, TIMED },
    { "W7e", "all on one day",               run_survival, "survival", LIVES(DAYS_EQUAL, BY_10),
      .rows = 10 * M, .groups = 10, .beside = "W7", TIMED },
    { "W7w", "keys of 32 bits",              run_survival, "survival", LIVES(DAYS, BY_10_WIDE),
      .rows = 10 * M, .groups = 10, .beside = "W7", TIMED },
    { "W7o", "sorted by group",              run_survival, "survival", LIVES(DAYS, BY_10_SORTED),
      .rows = 10 * M, .groups = 10, .beside = "W7", TIMED },
    { "W7z", "Zipf",                         run_survival, "survival", LIVES(DAYS, BY_10_ZIPF),
      .rows = 10 * M, .groups = 10, .beside = "W7", TIMED },

    /* ---- W8: resampling ---- */
    { "W8",  "bootstrap of 1 000 000",       run_bootstrap, NULL, { { "score", SCORES } },
      .rows = M, .gate_rows = M, .gate = 16, .gate_plain = 16, RESAMPLED },

    /* ---- W9: quantiles ---- */
    { "W9",  "p50, p90, p99 by 100",         run_quantiles, NULL, TIMES(WAITS, BY_100),
      .rows = 50 * M, .groups = 100, .gate_rows = 8 * M, .gate = 12, .gate_plain = 15, BRACKETED },
    { "W9g", "16 groups",                    run_quantiles, NULL, TIMES(WAITS, BY_16),
      .rows = 50 * M, .groups = 16, .beside = "W9", BRACKETED },
    { "W9k", "1 000 groups",                 run_quantiles, NULL, TIMES(WAITS, BY_1000),
      .rows = 50 * M, .groups = 1000, .beside = "W9", BUCKETED },
    { "W9e", "all equal",                    run_quantiles, NULL, TIMES(WAITS_EQUAL, BY_100),
      .rows = 50 * M, .groups = 100, .beside = "W9", BRACKETED },
    { "W9o", "sorted by group",              run_quantiles, NULL, TIMES(WAITS, BY_100_SORTED),
      .rows = 50 * M, .groups = 100, .beside = "W9", BRACKETED },
    { "W9w", "whole seconds",                run_quantiles, NULL, TIMES(WAITS_WHOLE, BY_100),
      .rows = 50 * M, .groups = 100, .beside = "W9", BRACKETED },
    { "W9z", "Zipf",                         run_quantiles, NULL, TIMES(WAITS, BY_100_ZIPF),
      .rows = 50 * M, .groups = 100, .beside = "W9", BRACKETED },
    { "W9s", "struct of 64 bytes",           run_quantiles, NULL, TIMES(WEIGHTS_STRUCT, BY_100_STRUCT),
      .rows = 20 * M, .groups = 100, BRACKET_S },
};
/* clang-format on */

const size_t n_workloads = COUNT_OF(workloads);

void task_make(struct task *task, const struct workload *workload, size_t rows)
{
    memset(task, 0, sizeof *task);
    task->workload = workload;
    task->rows = rows;
    for (size_t i = 0; i < MOST_INPUTS && workload->inputs[i].role != NULL; i++) {
        struct made *const made = &task->made[i];
        data_make(made, workload->inputs[i].kind, rows, i + 1, &task->made[0]);
        for (size_t k = 0; k < made->n_spans; k++) {
            task->bytes += (double)made->spans[k].bytes;
            task->spans[task->n_spans++] = made->spans[k];
        }
        task->n_inputs = i + 1;
    }
}

void task_free(struct task *task)
{
    for (size_t i = 0; i < task->n_inputs; i++)
        data_free(&task->made[i]);
}

const struct cxm_column *task_column(const struct task *task, const char *role)
{
    for (size_t i = 0; i < task->n_inputs; i++) {
        if (strcmp(task->workload->inputs[i].role, role) == 0)
            return &task->made[i].column;
    }
    return NULL;
}
