/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Groups by the place of their keys: where all keys are whole numbers that lie close together, a
 * row's slot is a sum of products of its keys, and no row has to be looked up. Groups are made
 * when what was added up by slot goes to the table. */
#ifndef CXM_SRC_KEYED_H
#define CXM_SRC_KEYED_H

#include "tally/dense.h"
#include "tally/tally.h"

/* Slots: of what is small, and of a million groups. */
enum { CXM_MOST_KEYED = 4, CXM_MANY_SLOTS = 1 << 16, CXM_MOST_SLOTS = 5 << 18 };

struct cxm_keyed {
    const struct cxm_allocator *allocator;
    struct cxm_keyed_key {
        const struct cxm_column *column;
        struct cxm_key_loops loops;
        int64_t base;
        uint32_t width; /* keys base … base + width - 1, all of the type of the column */
    } keys[CXM_MOST_KEYED];
    uint32_t n_keys, n_slots; /* no slots: it is not possible, or not any more */
    uint32_t *groups;         /* number + 1 of each slot, 0: none */
};

/* Looks at rows all over first … last - 1 how far their keys reach; there are no more slots than `most`, one
 * of the two above. False: out of memory. */
bool cxm_priv_keyed_init(struct cxm_keyed *keyed, const struct cxm_sources *sources, int64_t first,
                         int64_t last, uint32_t most, const struct cxm_allocator *allocator);
void cxm_priv_keyed_release(struct cxm_keyed *keyed);

/* The slots of n <= CXM_BLOCK rows. False: a key is further away; out then holds anything. */
bool cxm_priv_keyed_slots(const struct cxm_keyed *keyed, int64_t first, size_t n, uint32_t *out);

/* Number of the group of a slot, which is made if it is new. UINT32_MAX: out of memory. */
uint32_t cxm_priv_keyed_group(struct cxm_keyed *keyed, struct cxm_table *groups, size_t slot);

#endif
