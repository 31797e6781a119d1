/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cohorts from packed words: a customer (within a group) is a stretch of words that ascend with
 * time, so the first is the start and each column is met once, in its turn. Periods come from
 * tables, and units of rolling columns by multiplying with the reciprocal of their length. */
#include "derive/cohort.h"

static bool make_ready(const struct cxm_cohort_plan *plan, struct cxm_cohort_words *w,
                       const struct cxm_packed *p)
{
    const int64_t first = p->time_base;
    const cxm_i128 end = (cxm_i128)first + (((cxm_i128)1 << p->time_bits) - 1);
    const int64_t last = end < (cxm_i128)plan->as_of ? (int64_t)end : plan->as_of;
    const uint64_t length = (uint64_t)plan->length;
    w->ready = true;
    if (!cxm_priv_period_table_init(&w->rows, &plan->rows, first, last, plan->allocator)
        || (!plan->rolling
            && !cxm_priv_period_table_init(&w->columns, &plan->columns, first, last,
                                           plan->allocator)))
        return false;
    /* 2^64 / length, rounded up, is exact for differences d while d length < 2^64. */
    if (plan->rolling && length > 1 && p->time_bits < 64
        && length <= UINT64_MAX >> p->time_bits)
        w->reciprocal = UINT64_MAX / length + 1;
    return true;
}

static inline int64_t units_of(const struct cxm_cohort_plan *plan,
                               const struct cxm_cohort_words *w, uint64_t seconds)
{
    return (int64_t)(w->reciprocal != 0 ? (uint64_t)((cxm_u128)seconds * w->reciprocal >> 64)
                                        : seconds / (uint64_t)plan->length);
}

static inline int64_t time_of(const struct cxm_packed *p, uint64_t word, uint64_t mask)
{
    return (int64_t)((uint64_t)p->time_base + (word & mask));
}

/* The customer whose words begin at `from`; returns where the next one does, 0 on failure. */
static size_t add_customer(const struct cxm_cohort_plan *plan, struct cxm_cohort_words *w,
                           const struct cxm_packed *p, size_t from, uint64_t mask,
                           struct cxm_cohort_table *t, bool *too_many)
{
    const uint64_t *const words = p->words;
    const uint64_t key = words[from] & ~mask;
    const int64_t start = time_of(p, words[from], mask);
    const uint64_t ones = ((uint64_t)1 << p->code_bits) - 1; /* a group is at most 32 bits */
    const uint32_t group = p->code_base + (uint32_t)(words[from] >> p->time_bits & ones);
    struct cxm_cohort_row *row = cxm_priv_cohort_row(
        t, plan, plan->groups != NULL ? group : 0, cxm_priv_period_of(&w->rows, start), too_many);
    if (row == NULL)
        return 0;
    const int64_t first = plan->rolling ? 0 : cxm_priv_period_of(&w->columns, start);
    int64_t over = row->over, last = -1;
    if (plan->by_customer) {
        const int64_t units = plan->rolling
                                ? (int64_t)(((uint64_t)plan->as_of - (uint64_t)start)
                                            / (uint64_t)plan->length)
                                : cxm_priv_period_index(&plan->columns, plan->as_of) - first;
        over = cxm_priv_cohort_over(plan, units, row->n_columns);
    }
    t->customers++;
    row->size++;
    if (over > 0)
        t->observed[row->at + (size_t)over - 1]++;
    size_t i = from;
    for (; i < p->n && (words[i] & ~mask) == key; i++) {
        const int64_t units = plan->rolling
                                ? units_of(plan, w, words[i] - words[from])
                                : cxm_priv_period_of(&w->columns, time_of(p, words[i], mask))
                                      - first;
        const int64_t k = cxm_priv_cohort_column(plan, units, row->n_columns);
        if (k > last && !plan->or_after)
            cxm_priv_cohort_count(t, row, k, over);
        last = k > last ? k : last;
    }
    t->used += (int64_t)(i - from);
    if (plan->or_after)
        cxm_priv_cohort_count_up_to(t, row, last, over);
    return i;
}

bool cxm_priv_cohort_words(const struct cxm_cohort_plan *plan, struct cxm_cohort_words *words,
                           const struct cxm_packed *packed, struct cxm_cohort_table *table,
                           bool *too_many)
{
    const uint64_t mask = UINT64_MAX >> (64 - packed->time_bits);
    if (!words->ready && !make_ready(plan, words, packed))
        return false;
    for (size_t i = 0; i < packed->n;) {
        i = add_customer(plan, words, packed, i, mask, table, too_many);
        if (i == 0)
            return false;
    }
    return true;
}

void cxm_priv_cohort_words_release(struct cxm_cohort_words *words)
{
    if (!words->ready)
        return;
    cxm_priv_period_table_release(&words->rows);
    cxm_priv_period_table_release(&words->columns);
}
