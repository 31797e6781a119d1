/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns for the benchmark: every value follows from its kind, its row and a salt alone, so they
 * are the same in every run. */
#ifndef CXM_BENCH_DATA_H
#define CXM_BENCH_DATA_H

#include <cxm/column.h>

#include "reading.h"

enum { DAY = 86400, FIRST_INSTANT = 1640995200 /* 2022 */, SPAN_OF_DAYS = 730 };

enum data_kind {
    SCORES,        /* u8 0 … 10, high ones are common; 3 % missing: 255 */
    SCORES_PLAIN,  /* … none missing */
    SCORES_EQUAL,  /* u8, all 9 */
    SCORES_SORTED, /* u8, 0 first */
    SCORES_BITMAP, /* u8, a quarter missing by a bitmap */
    SCORES_STRUCT, /* u8, in an array of structs of 64 bytes */
    SCORES_FLOAT,  /* f32, none missing */
    SCORES_NAN,    /* f32, 3 % NaN */
    RATINGS,       /* u8 1 … 5 */
    RATINGS_BITMAP,
    WEIGHTS,        /* f64 0.2 … 2.2, hardly two the same */
    WEIGHTS_FAR,    /* f64 over four decades */
    WEIGHTS_FEW,    /* f64, 24 different ones */
    WEIGHTS_EQUAL,  /* f64, all 1.5 */
    WEIGHTS_NAN,    /* f64, 3 % NaN */
    WEIGHTS_BITMAP,
    WEIGHTS_STRUCT, /* in the structs of the first column, as all _STRUCT are */
    STRATA,         /* u32, 20 */
    CLUSTERS,       /* u32, 50 a stratum (row by row with it) */
    ANSWERS_FLOAT,  /* f32 1 … 7 */
    ANSWERS_EQUAL,  /* f32, all 5 */
    ANSWERS_NAN,    /* f32, 3 % NaN */
    ANSWERS_STRUCT, /* f32 */
    ANSWERS,        /* u8 1 … 7 */
    ANSWERS_SAME,   /* u8, all 5 */
    BY_ONE,         /* u32, all 7 */
    BY_10,          /* u8 */
    BY_10_WIDE,     /* u32 */
    BY_10_SORTED,   /* u8 */
    BY_10_ZIPF,     /* u8, key k as often as 1 / (k + 1) */
    BY_16,          /* u32 */
    BY_100,         /* u8 */
    BY_100_WIDE,    /* u32 */
    BY_100_SORTED,  /* u8 */
    BY_100_ZIPF,    /* u8 */
    BY_100_ONE,     /* u8, all 7 */
    BY_100_STRUCT,  /* u8 */
    BY_1000,        /* u32 */
    BY_1000_ZIPF,   /* u32, key k as often as 1 / (k + 1) */
    BY_1000_SORTED, /* u32 */
    BY_1000_BITMAP, /* u32, a quarter missing by a bitmap */
    BY_1000_STRUCT, /* u32 */
    BY_1000_SPARSE, /* u64, far apart */
    BY_1000_TEXT,   /* UTF-8, 9 bytes */
    BY_1000_NAMES,  /* u32 codes of a dictionary of 1 000 texts */
    BY_31623,       /* u32 */
    BY_MANY,        /* u32, a million */
    BY_MANY_ZIPF,
    BY_MANY_SORTED,
    BY_MANY_SPARSE,  /* u64, far apart */
    CONTACTS_OF,     /* u64 customer, four contacts each */
    CONTACTS_ZIPF,   /* … some with very many */
    CONTACTS_SORTED, /* … one customer after the other */
    CONTACTS_EQUAL,  /* … all of one customer */
    CONTACTS_FAR,    /* … ids far apart */
    CATEGORIES,      /* u8, 8 */
    INSTANTS,        /* i64, seconds of two years */
    EVENTS_OF,       /* u32 customer, 25 events each, at most two million of them */
    EVENTS_ZIPF,
    EVENTS_SORTED,
    EVENTS_EQUAL, /* all of one customer */
    EVENTS_FAR, /* u64, far apart */
    DAYS,       /* i32 0 … 2 000 */
    DAYS_EQUAL,
    LEFT,  /* u8, 3 of 4 left */
    WAITS, /* f64 seconds, exponential with mean 3 600 */
    WAITS_EQUAL,
    WAITS_WHOLE, /* f64, whole seconds */
    DATA_KINDS
};

struct made {
    struct cxm_column column;
    struct span spans[2]; /* what a reader of the column must touch */
    size_t n_spans;
    void *owned[3];
    struct cxm_column dictionary;
};

/* Makes a column of n rows; `first` is the first one of the same workload. Leaves the process when
 * memory runs out. */
void data_make(struct made *made, enum data_kind kind, size_t n, uint64_t salt,
               const struct made *first);
void data_free(struct made *made);

void *data_allocate(size_t n, size_t bytes);

#endif
