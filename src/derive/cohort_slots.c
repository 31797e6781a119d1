/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Customers whose keys are any words of 64 bits, and the bits of their periods, in a hash table with
 * linear probing (Knuth 1998, section 6.4), half of it free. It holds the customers of a partition
 * of rows (some 12 000), so that it fits the first two caches, and no order is needed: 0.5 to
 * 12 thousand customers, 16 to 512 KiB. */
#include "derive/cohort_slots.h"

#include "derive/sort_kernels.h" /* cxm_priv_mix */

enum { LEAST_BITS = 10, USUAL_BITS = 15, MOST_STEPS = 256 };

static inline size_t place_of(int n_bits, uint64_t id)
{
    return (size_t)(cxm_priv_mix(id, 64) >> (64 - n_bits));
}

static bool init(struct cxm_cohort_slots *t, int bits, const struct cxm_allocator *allocator)
{
    *t = (struct cxm_cohort_slots){ .allocator = allocator, .n_bits = bits };
    t->slots = cxm_priv_alloc_zero_dense(allocator, (size_t)1 << bits, sizeof *t->slots);
    return t->slots != NULL;
}

bool cxm_priv_cohort_slots_init(struct cxm_cohort_slots *t, const struct cxm_allocator *allocator)
{
    return init(t, LEAST_BITS, allocator);
}

void cxm_priv_cohort_slots_release(struct cxm_cohort_slots *t)
{
    cxm_priv_release(t->allocator, t->slots);
    t->slots = NULL;
}

bool cxm_priv_cohort_slots_reserve(struct cxm_cohort_slots *t, size_t n)
{
    struct cxm_cohort_slots larger;
    int bits = t->n_bits;
    while ((size_t)1 << bits < 2 * (t->n + n))
        bits++;
    if (CXM_LIKELY(bits == t->n_bits))
        return true;
    if (!init(&larger, bits, t->allocator))
        return false;
    const size_t mask = ((size_t)1 << bits) - 1;
    for (size_t i = 0; i < (size_t)1 << t->n_bits; i++) {
        const struct cxm_cohort_slot slot = t->slots[i];
        if (slot.bits == 0)
            continue;
        size_t at = place_of(bits, slot.id);
        while (larger.slots[at].bits != 0)
            at = (at + 1) & mask;
        larger.slots[at] = slot;
    }
    larger.n = t->n;
    cxm_priv_cohort_slots_release(t);
    *t = larger;
    return true;
}

bool cxm_priv_cohort_slots_add(struct cxm_cohort_slots *t,
                               const struct cxm_cohort_calendar *calendar,
                               const struct cxm_cohort_rows *rows)
{
    struct cxm_cohort_slot *const slots = t->slots;
    const struct cxm_cohort_rows r = *rows; /* which no slot overlaps */
    const int n_bits = t->n_bits;
    const size_t mask = ((size_t)1 << n_bits) - 1;
    size_t customers = t->n;
    for (size_t i = 0; i < r.n; i++, t->n = customers) {
        const uint64_t *const row = r.words + i * r.stride;
        const uint64_t id = row[0] >> r.id_shift;
        const int64_t time = (int64_t)((uint64_t)r.time_base + (row[r.stride - 1] & r.mask));
        const unsigned bit = cxm_priv_cohort_bit(calendar, time);
        size_t at = place_of(n_bits, id);
        for (int step = 0; slots[at].bits != 0 && slots[at].id != id; at = (at + 1) & mask) {
            if (CXM_UNLIKELY(++step == MOST_STEPS))
                return false;
        }
        if (CXM_UNLIKELY(bit == CXM_COHORT_BITS))
            return false;
        customers += slots[at].bits == 0;
        slots[at].id = id;
        slots[at].bits |= (uint64_t)1 << bit;
    }
    return true;
}

void cxm_priv_cohort_slots_count(struct cxm_cohort_slots *t, struct cxm_bit_counts *counts,
                                 unsigned bytes, bool or_after)
{
    for (size_t i = 0; i < (size_t)1 << t->n_bits; i++) {
        cxm_priv_bit_counts_add(counts, t->slots[i].bits, bytes, or_after);
        t->slots[i].bits = 0;
    }
    t->n = 0;
    /* A table that one large partition needed would be slow to walk for all others. */
    if (t->n_bits > USUAL_BITS)
        t->n_bits = USUAL_BITS;
}
