/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Customers as words of bits, one for each period with an event: the periods of instants, and the
 * matrix that such words make. The lowest bit is the period of birth; shifted down by it the word is
 * the customer's row of the matrix. */
#ifndef CXM_SRC_COHORT_BITS_H
#define CXM_SRC_COHORT_BITS_H

#include "derive/cohort.h"

enum { CXM_COHORT_BITS = 64, CXM_COHORT_SLOTS = 1 << 15 };

/* A period is found from the instant by a table of slots shorter than any period, each with at
 * most one boundary. What a slot adds to the seconds since the begin makes them the period in units of
 * slots: from the boundary on there is a carry. */
struct cxm_cohort_calendar {
    int64_t first_period, n_periods;
    int64_t begin;           /* of the first slot, and of the first period */
    uint64_t last;           /* seconds from there to as_of or the end of the periods */
    int shift;               /* a slot is 2^shift seconds */
    size_t n_slots;
    uint64_t add[CXM_COHORT_SLOTS]; /* modulo 2^64 */
};

/* n periods from `first`, at most as many as there are bits; false: they are too short for the slots, or
 * none has begun by as_of. */
bool cxm_priv_cohort_calendar(struct cxm_cohort_calendar *c, const struct cxm_cohort_plan *plan,
                              int64_t first, int64_t n);

/* The period of an instant that is in; CXM_COHORT_BITS where it is not. */
static inline unsigned cxm_priv_cohort_bit(const struct cxm_cohort_calendar *c, int64_t t)
{
    const uint64_t since = (uint64_t)t - (uint64_t)c->begin;
    if (CXM_UNLIKELY(since > c->last))
        return CXM_COHORT_BITS;
    return (unsigned)((since + c->add[since >> c->shift]) >> c->shift);
}

/* Eight counters of a byte each in a word, one for each bit of a byte. */
struct cxm_bit_spread {
    uint64_t of_byte[256];
};

/* Of the customers born in each period: how many have which bit. Bytes are added up before they
 * overflow. */
struct cxm_bit_counts {
    struct cxm_bit_spread spread;
    uint64_t lanes[CXM_COHORT_BITS][CXM_COHORT_BITS / 8];
    unsigned pending[CXM_COHORT_BITS];
    int64_t size[CXM_COHORT_BITS];
    int64_t has[CXM_COHORT_BITS][CXM_COHORT_BITS];
};

void cxm_priv_bit_counts_init(struct cxm_bit_counts *c);
/* After the last word, before counts are read or added up. */
void cxm_priv_bit_counts_close(struct cxm_bit_counts *c);
void cxm_priv_bit_counts_flush(struct cxm_bit_counts *c, unsigned birth);
void cxm_priv_bit_counts_merge(struct cxm_bit_counts *into, const struct cxm_bit_counts *from);

enum cxm_status cxm_priv_bit_counts_write(const struct cxm_bit_counts *c,
                                          const struct cxm_cohort_plan *plan,
                                          const struct cxm_cohort_calendar *calendar,
                                          struct cxm_cohort_table *out, struct cxm_error *error);

/* The word of a customer, 0: nobody. `bytes`: of it, that are used. or_after: every column up to the
 * last is as if there were events. */
static inline void cxm_priv_bit_counts_add(struct cxm_bit_counts *c, uint64_t word, unsigned bytes,
                                           bool or_after)
{
    if (word == 0)
        return;
    const unsigned birth = (unsigned)__builtin_ctzll(word);
    word >>= birth;
    if (or_after) /* every column up to the last */
        word = ~(uint64_t)0 >> __builtin_clzll(word);
    c->size[birth]++;
    for (unsigned b = 0; b < bytes; b++)
        c->lanes[birth][b] += c->spread.of_byte[word >> 8 * b & 255];
    if (++c->pending[birth] == 255)
        cxm_priv_bit_counts_flush(c, birth);
}

#endif
