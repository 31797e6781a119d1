/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From the keys of a row to the number of its group in a table. */
#ifndef CXM_SRC_GROUPER_H
#define CXM_SRC_GROUPER_H

#include "tally/tally.h"

/* Words near each other get their group from an array instead of the dictionary: agents,
 * segments, weeks and the codes of categories are such keys. */
struct cxm_direct {
    uint32_t *groups; /* group number + 1 of word base + i, 0 = unknown */
    uint64_t base;
    size_t size;
};

/* The group of some keys that came together: where rows have two to four keys, of which few pairs
 * differ, it spares encoding them and the dictionary. */
enum { CXM_RECENT_KEYS = 4 };
struct cxm_recent {
    uint64_t keys[CXM_RECENT_KEYS]; /* words, or where a text of a dictionary lies */
    uint32_t group;                 /* + 1; 0: none */
};

struct cxm_grouper {
    const struct cxm_allocator *allocator;
    const struct cxm_sources *sources;
    struct cxm_reader readers[CXM_MOST_KEYS + 1]; /* keys, then the value of the key table */
    struct cxm_direct direct;
    struct cxm_recent *recent; /* by a hash of the keys; NULL: none are kept */
    bool keys_wanted;      /* rows that were grouped are encoded again, for the key table */
    uint8_t *key;          /* the encoded key of one row, and of its value */
    size_t key_capacity;
    uint64_t (*words)[CXM_BLOCK];
    struct cxm_text (*texts)[CXM_BLOCK];
    uint8_t (*states)[CXM_BLOCK];
};

/* False: out of memory; release it in any case. */
bool cxm_priv_grouper_init(struct cxm_grouper *g, const struct cxm_sources *sources,
                           const struct cxm_allocator *allocator);
void cxm_priv_grouper_release(struct cxm_grouper *g);

/* Reads n <= CXM_BLOCK rows of key k (n_keys: the value of the key table). */
void cxm_priv_read_key(struct cxm_grouper *g, uint32_t k, int64_t first, size_t n);
/* Appends the key of a row that was read at g->key + *used; false: out of memory. */
bool cxm_priv_encode_key(struct cxm_grouper *g, uint32_t k, size_t row, size_t *used);
/* Makes room for n bytes of a key. */
bool cxm_priv_reserve_key(struct cxm_grouper *g, size_t n);

/* The group number of every row of the block; rows left out get UINT32_MAX. A group is made
 * only for rows that have copies. */
enum cxm_status cxm_priv_find_groups(struct cxm_grouper *g, struct cxm_table *groups,
                                     int64_t first, size_t *n, const int64_t *freq, uint32_t *out,
                                     struct cxm_error *error);

#endif
