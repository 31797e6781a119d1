/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parts of dense_hashed.c, which counts by very many keys that are far apart, and of
 * dense_hashed_cells.c, which makes the cells of what was counted. */
#ifndef CXM_SRC_DENSE_HASHED_H
#define CXM_SRC_DENSE_HASHED_H

#include "tally/dense.h"

enum { CXM_HASHED_BITS = 9, CXM_HASHED_PARTS = 1 << CXM_HASHED_BITS };

/* The keys of a part: an open table, at most half full. Hash 0, which is that of one key, stands
 * for a free slot; that key has the slot after the last. */
struct cxm_hashed_part {
    uint64_t *slots;
    uint8_t *counters;   /* [slot][code] */
    uint32_t *carried;   /* how often these went round; NULL: none did */
    uint32_t n_slots;    /* without that of hash 0 */
    int shift;           /* 64 - log2 n_slots */
    uint32_t n;          /* keys */
    bool zero;           /* hash 0 among them */
};

/* Of one thread. */
struct cxm_hashed_share {
    int64_t missing[CXM_DENSE_MOST_CODES]; /* rows without a key, by code */
    size_t ends[CXM_HASHED_PARTS];
    bool bad;                              /* a key or an answer is to be named */
    bool no_memory;
};

struct cxm_hashing {
    const struct cxm_dense_rows *rows;
    const struct cxm_sources *sources;
    int n_threads;
    int64_t first, last;    /* rows that are sorted now */
    uint64_t *hashes;
    uint8_t *codes;
    struct cxm_hashed_part *parts;
    struct cxm_hashed_share *shares;
    uint32_t next;          /* part */
};

/* The cells of all keys, in their order, and of the rows that have none. False: out of memory. */
bool cxm_priv_hashed_cells(const struct cxm_hashing *m, struct cxm_table *groups);

#endif
