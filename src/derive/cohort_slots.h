/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Customers far apart, a hash table of words of bits: see cohort_slots.c. */
#ifndef CXM_SRC_COHORT_SLOTS_H
#define CXM_SRC_COHORT_SLOTS_H

#include "derive/cohort_bits.h"

/* bits 0: free. */
struct cxm_cohort_slot {
    uint64_t id, bits;
};

struct cxm_cohort_slots {
    const struct cxm_allocator *allocator;
    struct cxm_cohort_slot *slots; /* 2^n_bits of them */
    int n_bits;
    size_t n; /* customers */
};

/* Room for some customers. false: out of memory. */
bool cxm_priv_cohort_slots_init(struct cxm_cohort_slots *t, const struct cxm_allocator *allocator);
void cxm_priv_cohort_slots_release(struct cxm_cohort_slots *t);
/* Before n more customers: grows the table. false: out of memory. */
bool cxm_priv_cohort_slots_reserve(struct cxm_cohort_slots *t, size_t n);

/* Rows whose customer is words[i * stride] >> id_shift, and whose instant is time_base and the
 * bits of `mask` of the last word of the stride. */
struct cxm_cohort_rows {
    const uint64_t *words;
    size_t n, stride;
    int id_shift;
    uint64_t mask;
    int64_t time_base;
};

/* Adds rows for which there is room. false: an instant is not in the calendar, or a customer has no
 * place near its own (keys made to be slow). */
bool cxm_priv_cohort_slots_add(struct cxm_cohort_slots *t,
                               const struct cxm_cohort_calendar *calendar,
                               const struct cxm_cohort_rows *rows);
/* Counts the customers and forgets them. */
void cxm_priv_cohort_slots_count(struct cxm_cohort_slots *t, struct cxm_bit_counts *counts,
                                 unsigned bytes, bool or_after);

#endif
