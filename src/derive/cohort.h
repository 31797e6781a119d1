/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Events to cohorts: who began when, and in which later periods they came back. All events of a
 * customer must be in one call; the counts of distinct customers add up. */
#ifndef CXM_SRC_COHORT_H
#define CXM_SRC_COHORT_H

#include "derive/period.h"
#include "derive/sort.h"

enum { CXM_MOST_COHORT_CELLS = 1 << 26 };

struct cxm_cohort_plan {
    const struct cxm_column *customer, *time;
    const struct cxm_column *start_time; /* instants, or NULL */
    const struct cxm_column *start_flag; /* yes: a start event, no return; or NULL */
    const uint32_t *groups;              /* by row; NULL: all in group 0 */
    struct cxm_periods rows;             /* cohorts */
    struct cxm_periods columns;          /* calendar mode: what a column is */
    bool rolling;
    int64_t length;                      /* rolling: seconds of a column */
    bool or_after;                       /* an event in this column or a later one */
    bool by_customer;                    /* customers are known one by one, not by cohort */
    bool hour_floor;                     /* times are floored to the hour first (Amplitude) */
    const int64_t *edges;                /* columns are [edge_j, edge_j+1) units; NULL: units */
    int64_t n_columns;                   /* 0: up to as_of */
    int64_t as_of;
    bool count_invalid;
    int threads;
    const struct cxm_allocator *allocator;
};

/* Whole units from one instant to a later one; b < a gives -1. */
static inline int64_t cxm_priv_cohort_units(const struct cxm_cohort_plan *plan, int64_t a, int64_t b)
{
    if (b < a)
        return -1;
    if (plan->rolling)
        return (int64_t)(((uint64_t)b - (uint64_t)a) / (uint64_t)plan->length);
    return cxm_priv_period_index(&plan->columns, b) - cxm_priv_period_index(&plan->columns, a);
}

/* One cohort of one group. Of its customers, `known[k]` were retained in column k where that
 * column was over at as_of, `pending[k]` where it was not; observed[k] customers had it over. */
struct cxm_cohort_row {
    uint32_t group;
    int64_t cohort;   /* number of the period */
    int64_t size, n_columns;
    int64_t over;     /* columns that are over for all of it */
    size_t at;        /* of its first column in the arrays */
};

struct cxm_cohort_table {
    const struct cxm_allocator *allocator;
    struct cxm_cohort_row *rows;
    size_t n_rows, rows_capacity;
    int64_t *known, *pending, *observed;
    size_t n_cells, cells_capacity;
    uint32_t *slots;     /* hash of (group, cohort): number of the row + 1; 0: free */
    size_t n_slots;
    /* Rows that were read: used + missing + invalid + unseen + unlinked + early. */
    int64_t used, missing, invalid, unseen, unlinked, early;
    int64_t customers, customers_unlinked;
    bool subsecond;
};

void cxm_priv_cohort_table_init(struct cxm_cohort_table *table,
                                const struct cxm_allocator *allocator);
void cxm_priv_cohort_table_release(struct cxm_cohort_table *table);

/* The row of a cohort, made when it is new; NULL: out of memory, or *too_many cells. */
struct cxm_cohort_row *cxm_priv_cohort_row(struct cxm_cohort_table *table,
                                           const struct cxm_cohort_plan *plan, uint32_t group,
                                           int64_t cohort, bool *too_many);
/* Adds the counts of another table; false: out of memory, or *too_many cells. */
bool cxm_priv_cohort_merge(struct cxm_cohort_table *into, const struct cxm_cohort_table *from,
                           const struct cxm_cohort_plan *plan, bool *too_many);
/* Sums the differences of counts up to a column, after all was merged. */
void cxm_priv_cohort_finish(struct cxm_cohort_table *table, const struct cxm_cohort_plan *plan);
/* How many columns are over `units` whole units after the start. */
int64_t cxm_priv_cohort_over(const struct cxm_cohort_plan *plan, int64_t units,
                             int64_t n_columns);

/* Counts the events. The table is to be released in any case. */
enum cxm_status cxm_priv_cohorts(const struct cxm_cohort_plan *plan,
                                 struct cxm_cohort_table *out, struct cxm_error *error);

/* The column of an event that many units after the start; -1 before the first bracket,
 * n_columns after the last. */
int64_t cxm_priv_cohort_column(const struct cxm_cohort_plan *plan, int64_t units,
                               int64_t n_columns);
/* Counts that a customer came back in column k, or in all up to column `last` (as differences that
 * are summed at the end), where the first `over` columns are known. */
void cxm_priv_cohort_count(struct cxm_cohort_table *table, const struct cxm_cohort_row *row,
                           int64_t k, int64_t over);
void cxm_priv_cohort_count_up_to(struct cxm_cohort_table *table,
                                 const struct cxm_cohort_row *row, int64_t last, int64_t over);

/* What counts packed words, one for each thread; zeros before the first call. */
struct cxm_cohort_words {
    bool ready;
    struct cxm_period_table rows, columns;
    uint64_t reciprocal;  /* of the length of a rolling column; 0: divide */
};

/* Plans without starts of their own and without hour_floor. false: out of memory, or too many
 * cells. */
bool cxm_priv_cohort_words(const struct cxm_cohort_plan *plan, struct cxm_cohort_words *words,
                           const struct cxm_packed *packed, struct cxm_cohort_table *table,
                           bool *too_many);
void cxm_priv_cohort_words_release(struct cxm_cohort_words *words);

/* The short cut of cohort_dense.c: whole numbers close together as customers, calendar periods,
 * at most 64 of them. *done is false where it does not apply; the table is then empty. */
enum cxm_status cxm_priv_cohorts_dense(const struct cxm_cohort_plan *plan,
                                       struct cxm_cohort_table *out, bool *done,
                                       struct cxm_error *error);

#endif
