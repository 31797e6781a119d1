/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The calendar of a few periods, and the counts of words of bits: up to eight bits of a word are
 * added to eight counters of a byte each by one table lookup. */
#include "derive/cohort_bits.h"

/* ---- periods of instants --------------------------------------------------------------- */

bool cxm_priv_cohort_calendar(struct cxm_cohort_calendar *c, const struct cxm_cohort_plan *plan,
                              int64_t first, int64_t n)
{
    const struct cxm_periods *periods = &plan->columns;
    int64_t begins[CXM_COHORT_BITS + 1], shortest = INT64_MAX;
    for (int64_t i = 0; i <= n; i++)
        begins[i] = cxm_priv_period_begin(periods, first + i);
    for (int64_t i = 0; i < n; i++)
        shortest = begins[i + 1] - begins[i] < shortest ? begins[i + 1] - begins[i] : shortest;
    c->first_period = first;
    c->n_periods = n;
    c->begin = begins[0];
    const int64_t end = plan->as_of < begins[n] - 1 ? plan->as_of : begins[n] - 1;
    if (shortest < 2 || end < c->begin)
        return false;
    c->last = (uint64_t)end - (uint64_t)c->begin;
    c->shift = 0;
    while (((int64_t)2 << c->shift) <= shortest)
        c->shift++;
    const uint64_t width = (uint64_t)(begins[n] - begins[0]);
    if ((width >> c->shift) >= CXM_COHORT_SLOTS)
        return false;
    c->n_slots = (size_t)(width >> c->shift) + 1;
    int64_t p = 0;
    for (size_t s = 0; s < c->n_slots; s++) {
        const int64_t from = c->begin + (int64_t)((uint64_t)s << c->shift);
        while (p + 1 < n && begins[p + 1] <= from)
            p++;
        const uint64_t slot = (uint64_t)1 << c->shift;
        const uint64_t before = (uint64_t)begins[p + 1] - (uint64_t)from; /* of the next period */
        c->add[s] = ((uint64_t)p - s) * slot + (before < slot ? slot - before : 0);
    }
    return true;
}

/* ---- counting -------------------------------------------------------------------------- */

static void make_spread(struct cxm_bit_spread *s)
{
    for (unsigned b = 0; b < 256; b++) {
        s->of_byte[b] = 0;
        for (unsigned i = 0; i < 8; i++)
            s->of_byte[b] |= (uint64_t)(b >> i & 1) << 8 * i;
    }
}

void cxm_priv_bit_counts_init(struct cxm_bit_counts *c)
{
    memset(c, 0, sizeof *c);
    make_spread(&c->spread);
}

void cxm_priv_bit_counts_flush(struct cxm_bit_counts *c, unsigned birth)
{
    for (unsigned b = 0; b < CXM_COHORT_BITS / 8; b++) {
        for (unsigned i = 0; i < 8; i++)
            c->has[birth][8 * b + i] += (int64_t)(c->lanes[birth][b] >> 8 * i & 255);
        c->lanes[birth][b] = 0;
    }
    c->pending[birth] = 0;
}

void cxm_priv_bit_counts_close(struct cxm_bit_counts *c)
{
    for (unsigned birth = 0; birth < CXM_COHORT_BITS; birth++)
        cxm_priv_bit_counts_flush(c, birth);
}

void cxm_priv_bit_counts_merge(struct cxm_bit_counts *into, const struct cxm_bit_counts *from)
{
    for (unsigned birth = 0; birth < CXM_COHORT_BITS; birth++) {
        into->size[birth] += from->size[birth];
        for (unsigned k = 0; k < CXM_COHORT_BITS; k++)
            into->has[birth][k] += from->has[birth][k];
    }
}

enum cxm_status cxm_priv_bit_counts_write(const struct cxm_bit_counts *c,
                                          const struct cxm_cohort_plan *plan,
                                          const struct cxm_cohort_calendar *cal,
                                          struct cxm_cohort_table *out, struct cxm_error *error)
{
    const int64_t now = cxm_priv_period_index(&plan->columns, plan->as_of);
    for (int64_t birth = 0; birth < cal->n_periods; birth++) {
        if (c->size[birth] == 0)
            continue;
        bool too_many = false;
        const int64_t cohort = cal->first_period + birth;
        struct cxm_cohort_row *row = cxm_priv_cohort_row(out, plan, 0, cohort, &too_many);
        if (row == NULL && too_many)
            return cxm_priv_fail(error, CXM_EINVAL, "n_periods",
                                 "too many cells of cohorts and periods; n_periods= cuts them");
        if (row == NULL)
            return cxm_priv_no_memory(error);
        const int64_t over = cxm_priv_cohort_over(plan, now - cohort, row->n_columns);
        row->size = c->size[birth];
        out->customers += row->size;
        for (int64_t k = 0; k < row->n_columns; k++) {
            const int64_t has = k < CXM_COHORT_BITS ? c->has[birth][k] : 0;
            (k < over ? out->known : out->pending)[row->at + (size_t)k] = has;
            out->observed[row->at + (size_t)k] = k < over ? row->size : 0;
        }
    }
    return CXM_OK;
}
