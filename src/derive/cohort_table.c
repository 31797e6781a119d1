/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counts of customers by group, cohort and column, found by a hash of the cohort: one table for each
 * thread, merged at the end. Memory: 24 bytes a cohort and column. Typical: 10 to 400 cohorts of as
 * many columns; at most CXM_MOST_COHORT_CELLS cells. */
#include "derive/cohort.h"

void cxm_priv_cohort_table_init(struct cxm_cohort_table *table,
                                const struct cxm_allocator *allocator)
{
    memset(table, 0, sizeof *table);
    table->allocator = allocator;
}

void cxm_priv_cohort_table_release(struct cxm_cohort_table *table)
{
    cxm_priv_release(table->allocator, table->rows);
    cxm_priv_release(table->allocator, table->known);
    cxm_priv_release(table->allocator, table->pending);
    cxm_priv_release(table->allocator, table->observed);
    cxm_priv_release(table->allocator, table->slots);
    cxm_priv_cohort_table_init(table, table->allocator);
}

static uint64_t hash_of(uint32_t group, int64_t cohort)
{
    uint64_t h = ((uint64_t)cohort + (uint64_t)group * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
    return h ^ h >> 31;
}

static bool rehash(struct cxm_cohort_table *t)
{
    if (2 * (t->n_rows + 1) <= t->n_slots)
        return true;
    const size_t n = t->n_slots > 0 ? 2 * t->n_slots : 64;
    uint32_t *slots = cxm_priv_alloc_zero(t->allocator, n, sizeof *slots);
    if (slots == NULL)
        return false;
    for (size_t i = 0; i < t->n_rows; i++) {
        size_t at = hash_of(t->rows[i].group, t->rows[i].cohort) & (n - 1);
        while (slots[at] != 0)
            at = (at + 1) & (n - 1);
        slots[at] = (uint32_t)i + 1;
    }
    cxm_priv_release(t->allocator, t->slots);
    t->slots = slots;
    t->n_slots = n;
    return true;
}

static bool grow_cells(struct cxm_cohort_table *t, size_t n)
{
    if (n <= t->cells_capacity)
        return true;
    const size_t capacity = n + n / 2 + 64;
    int64_t **const arrays[3] = { &t->known, &t->pending, &t->observed };
    int64_t *grown[3] = { NULL, NULL, NULL };
    bool room = true;
    for (int i = 0; i < 3; i++) {
        grown[i] = cxm_priv_alloc_zero(t->allocator, capacity, sizeof(int64_t));
        room = room && grown[i] != NULL;
    }
    for (int i = 0; i < 3; i++) {
        if (room && t->n_cells > 0)
            memcpy(grown[i], *arrays[i], t->n_cells * sizeof(int64_t));
        cxm_priv_release(t->allocator, room ? *arrays[i] : grown[i]);
        if (room)
            *arrays[i] = grown[i];
    }
    if (room)
        t->cells_capacity = capacity;
    return room;
}

static bool grow_rows(struct cxm_cohort_table *t)
{
    if (t->n_rows < t->rows_capacity)
        return true;
    const size_t capacity = 2 * t->rows_capacity + 32;
    struct cxm_cohort_row *grown = cxm_priv_grow(t->allocator, t->rows, t->rows_capacity,
                                                 capacity, sizeof *grown);
    if (grown == NULL)
        return false;
    t->rows = grown;
    t->rows_capacity = capacity;
    return true;
}

/* Columns of a cohort: those asked for, or those that have begun for its first member. */
static int64_t columns_of(const struct cxm_cohort_plan *plan, int64_t cohort)
{
    if (plan->n_columns > 0)
        return plan->n_columns;
    const int64_t begin = cxm_priv_period_begin(&plan->rows, cohort);
    return 1 + cxm_priv_cohort_units(plan, begin, begin > plan->as_of ? begin : plan->as_of);
}

static int64_t over_for_all(const struct cxm_cohort_plan *plan, int64_t cohort,
                            int64_t n_columns);

struct cxm_cohort_row *cxm_priv_cohort_row(struct cxm_cohort_table *t,
                                           const struct cxm_cohort_plan *plan, uint32_t group,
                                           int64_t cohort, bool *too_many)
{
    if (!rehash(t))
        return NULL;
    size_t at = hash_of(group, cohort) & (t->n_slots - 1);
    for (; t->slots[at] != 0; at = (at + 1) & (t->n_slots - 1)) {
        struct cxm_cohort_row *row = &t->rows[t->slots[at] - 1];
        if (row->group == group && row->cohort == cohort)
            return row;
    }
    const int64_t n = columns_of(plan, cohort);
    if (n > CXM_MOST_COHORT_CELLS - (int64_t)t->n_cells) {
        *too_many = true;
        return NULL;
    }
    if (!grow_rows(t) || !grow_cells(t, t->n_cells + (size_t)n))
        return NULL;
    t->rows[t->n_rows] = (struct cxm_cohort_row){ group, cohort, 0, n,
                                                  over_for_all(plan, cohort, n), t->n_cells };
    t->n_cells += (size_t)n;
    t->slots[at] = (uint32_t)++t->n_rows;
    return &t->rows[t->n_rows - 1];
}

/* ---- columns -------------------------------------------------------------------------- */

int64_t cxm_priv_cohort_column(const struct cxm_cohort_plan *plan, int64_t units,
                               int64_t n_columns)
{
    if (plan->edges == NULL)
        return units < n_columns ? units : n_columns;
    if (units < plan->edges[0])
        return -1;
    int64_t low = 0, high = n_columns + 1; /* edges[low] <= units < edges[high] */
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (middle <= n_columns && plan->edges[middle] <= units)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int64_t cxm_priv_cohort_over(const struct cxm_cohort_plan *plan, int64_t units,
                             int64_t n_columns)
{
    if (units < 0)
        return 0;
    if (plan->edges == NULL)
        return units < n_columns ? units : n_columns;
    int64_t over = 0;
    while (over < n_columns && plan->edges[over + 1] <= units)
        over++;
    return over;
}

/* How many columns are over for all of a cohort. */
static int64_t over_for_all(const struct cxm_cohort_plan *plan, int64_t cohort, int64_t n_columns)
{
    const int64_t end = cxm_priv_period_begin(&plan->rows, cohort + 1);
    /* Rolling: the youngest member may have begun just before the end. By the calendar the
     * last instant of the cohort decides which period it began in. */
    const int64_t youngest = plan->rolling ? end : end - 1;
    return cxm_priv_cohort_over(plan, cxm_priv_cohort_units(plan, youngest, plan->as_of), n_columns);
}

/* ---- counts ----------------------------------------------------------------------------- */

void cxm_priv_cohort_count(struct cxm_cohort_table *t, const struct cxm_cohort_row *row, int64_t k,
                           int64_t over)
{
    if (k >= 0 && k < row->n_columns)
        (k < over ? t->known : t->pending)[row->at + (size_t)k]++;
}

void cxm_priv_cohort_count_up_to(struct cxm_cohort_table *t, const struct cxm_cohort_row *row,
                                 int64_t last, int64_t over)
{
    if (last >= row->n_columns)
        last = row->n_columns - 1;
    /* The count of column `last` goes to all columns before it: see finish. */
    if (last < 0)
        return;
    if (last < over) {
        t->known[row->at + (size_t)last]++;
        return;
    }
    t->pending[row->at + (size_t)last]++;
    if (over > 0)
        t->known[row->at + (size_t)over - 1]++;
    /* pending reaches down to `over` only: taken off again below it */
    if (over > 0)
        t->pending[row->at + (size_t)over - 1]--;
}

/* ---- merging ---------------------------------------------------------------------------- */

static bool merge_row(struct cxm_cohort_table *into, const struct cxm_cohort_table *from,
                      const struct cxm_cohort_plan *plan, const struct cxm_cohort_row *row,
                      bool *too_many)
{
    struct cxm_cohort_row *to = cxm_priv_cohort_row(into, plan, row->group, row->cohort,
                                                    too_many);
    if (to == NULL)
        return false;
    to->size += row->size;
    for (int64_t k = 0; k < row->n_columns; k++) {
        into->known[to->at + (size_t)k] += from->known[row->at + (size_t)k];
        into->pending[to->at + (size_t)k] += from->pending[row->at + (size_t)k];
        into->observed[to->at + (size_t)k] += from->observed[row->at + (size_t)k];
    }
    return true;
}

bool cxm_priv_cohort_merge(struct cxm_cohort_table *into, const struct cxm_cohort_table *from,
                           const struct cxm_cohort_plan *plan, bool *too_many)
{
    for (size_t i = 0; i < from->n_rows; i++) {
        if (!merge_row(into, from, plan, &from->rows[i], too_many))
            return false;
    }
    into->used += from->used;
    into->unlinked += from->unlinked;
    into->early += from->early;
    into->customers += from->customers;
    into->customers_unlinked += from->customers_unlinked;
    return true;
}

/* What was counted at the last column reached goes to all columns before. */
static void sum_down(int64_t *cells, int64_t n)
{
    for (int64_t k = n - 1; k > 0; k--)
        cells[k - 1] += cells[k];
}

void cxm_priv_cohort_finish(struct cxm_cohort_table *t, const struct cxm_cohort_plan *plan)
{
    for (size_t i = 0; i < t->n_rows; i++) {
        const struct cxm_cohort_row *row = &t->rows[i];
        sum_down(t->observed + row->at, row->n_columns);
        if (plan->or_after) {
            sum_down(t->known + row->at, row->n_columns);
            sum_down(t->pending + row->at, row->n_columns);
        }
    }
}
