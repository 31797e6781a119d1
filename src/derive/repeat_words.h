/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a worker counts of repeat contacts, and the scan of packed words. */
#ifndef CXM_SRC_REPEAT_WORDS_H
#define CXM_SRC_REPEAT_WORDS_H

#include "derive/repeat.h"

enum { CXM_REPEAT_FEW = 32 }; /* contacts of a customer whose counts have a place in a table */

struct cxm_repeat_part {
    const struct cxm_allocator *allocator;
    int64_t codes[2][CXM_N_CONTACT_CODES];
    int64_t (*few[2])[CXM_REPEAT_FEW + 1]; /* customers by counted contacts (row) and successes */
    struct cxm_cluster *many[2];    /* customers with more */
    size_t n_many[2], many_capacity[2];
};

/* A customer's contacts (kind 0) or issues (1); false: out of memory. */
bool cxm_priv_note_cluster(struct cxm_repeat_part *part, int kind, uint32_t yes, uint32_t all);

/* Counts the contacts and issues of whole customers, for rules whose windows start at the opening
 * and as_of + window fits. yes, all: what each code adds. false: out of memory. */
bool cxm_priv_repeat_words(const struct cxm_packed *packed, const struct cxm_repeat_rules *rules,
                           const uint8_t *yes, const uint8_t *all, struct cxm_repeat_part *part);

#endif
