/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A table: key -> cell. A cell is a row of 64-bit numbers, first the counters, then the limbs
 * of the exact sums. Groups are one table; the values of a key table (churn reasons) are
 * another, keyed by group and value. All shapes of fields are stored here, so that adding
 * up, merging, subtracting and comparing exist once:
 *   counter, histogram   n counters           sum, moment matrix   one or more exact sums
 *   key -> count         a table of its own */
#ifndef CXM_SRC_TABLE_H
#define CXM_SRC_TABLE_H

#include "column/dict.h"
#include "tally/exact.h"

struct cxm_layout {
    uint32_t n_counts;
    uint32_t n_sums;
    struct cxm_window *windows; /* one a sum, the same for all cells of the table */
    uint32_t *at;               /* where a sum's limbs start within the cell */
    size_t stride;              /* 64-bit numbers of a cell */
};

struct cxm_table {
    const struct cxm_allocator *allocator;
    struct cxm_dict dict;
    struct cxm_layout layout;
    int64_t *cells;
    size_t capacity;            /* cells allocated; dict.n are in use, the rest is zero */
};

/* Neither cells nor a layout. */
static inline void cxm_priv_table_none(struct cxm_table *table, const struct cxm_allocator *allocator)
{
    *table = (struct cxm_table){ .allocator = allocator, .dict = { .allocator = allocator } };
}

/* n_counts >= 1. False: out of memory; the table is then released. */
bool cxm_priv_table_init(struct cxm_table *table, const struct cxm_allocator *allocator,
                         uint32_t n_counts, uint32_t n_sums);
void cxm_priv_table_release(struct cxm_table *table);

static inline int64_t *cxm_priv_table_cell(const struct cxm_table *table, uint32_t i)
{
    return table->cells + (size_t)i * table->layout.stride;
}

/* Room for `cells` cells in all, and windows that cover `windows` too (NULL: as they are).
 * False: out of memory, the table holds the same values. */
bool cxm_priv_table_reserve(struct cxm_table *table, size_t cells,
                            const struct cxm_window *windows);

/* Number of a key; a new key gets a zero cell. UINT32_MAX: out of memory. */
uint32_t cxm_priv_table_add(struct cxm_table *table, const uint8_t *key, size_t n);

void cxm_priv_table_normalise(struct cxm_table *table);

/* Very many cells are put into the order of their keys, so that saving, merging and reading them goes
 * through memory from one end to the other. Costs 40 bytes a cell meanwhile; stays as it is where these
 * are not to be had. */
void cxm_priv_table_settle(struct cxm_table *table);

/* into[k] += sign * from[i] for one cell; `into` must cover from's windows. */
void cxm_priv_cell_merge(const struct cxm_table *into, int64_t *cell,
                         const struct cxm_table *from, const int64_t *other, int sign);

/* Are two cells the same numbers? */
bool cxm_priv_cell_equal(const struct cxm_table *a, const int64_t *cell,
                         const struct cxm_table *b, const int64_t *other);
bool cxm_priv_cell_is_zero(const struct cxm_table *table, const int64_t *cell);

static inline struct cxm_dd cxm_priv_cell_sum(const struct cxm_table *table, const int64_t *cell,
                                              uint32_t sum)
{
    return cxm_priv_exact_value(cell + table->layout.at[sum], table->layout.windows[sum]);
}

/* The exact sum of n sums of a cell, every second one from `first` on, rounded once. */
struct cxm_dd cxm_priv_cell_sums(const struct cxm_table *table, const int64_t *cell, uint32_t first,
                                 uint32_t n);

/* Merging in two steps, so that it can fail only before any value changed: the plan makes room
 * (false: out of memory), applying cannot fail. */
bool cxm_priv_table_plan_merge(struct cxm_table *into, const struct cxm_table *from);
void cxm_priv_table_apply_merge(struct cxm_table *into, const struct cxm_table *from, int sign);

#endif
