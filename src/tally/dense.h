/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parts of the short cuts of dense.c and dense_all.c: rows of one rating and one key of whole numbers,
 * and the counters of a run of keys. */
#ifndef CXM_SRC_DENSE_H
#define CXM_SRC_DENSE_H

#include "tally/kernels.h"
#include "tally/rating.h"
#include "tally/tally.h"
#include "tally/threads.h"

/* Rows that are converted at a time, where keys or answers do not lie side by side. */
enum { CXM_DENSE_CHUNK = 2048, CXM_DENSE_MOST_CODES = 128 };

/* The loops over keys of one type. */
struct cxm_key_loops {
    /* The smallest and the largest of n >= 1 keys. */
    void (*find)(const uint8_t *keys, int64_t stride, size_t n, int64_t *low, int64_t *high);
    /* The low halves of key - base; returns all high halves, of which none is set when every key
     * lies within 2^32 of the base. */
    uint64_t (*load)(const uint8_t *keys, int64_t stride, size_t n, int64_t base, uint32_t *out);
    int64_t lowest, highest; /* of the type */
    uint32_t width;          /* bytes */
};

struct cxm_dense_rows {
    const struct cxm_config *config;
    const struct cxm_column *answers, *keys;
    struct cxm_rating rating; /* of the answers */
    struct cxm_key_loops loops;
    uint64_t flip;           /* of the bits of a key where it is encoded: the sign of an INT */
    cxm_count_keys *count;
    cxm_part_rows *part;
    bool words;              /* `count` wants counters of 32 bits */
    uint32_t stride;         /* codes of a key: bins, missing, invalid */
    uint8_t codes[256];      /* of every byte */
    bool keys_in_place;      /* four bytes each, side by side */
    bool leave_out;          /* rows without a key */
};

/* Memory for rows of a chunk. */
struct cxm_dense_chunk {
    uint32_t keys[CXM_DENSE_CHUNK];
    uint8_t answers[CXM_DENSE_CHUNK];
};

/* Counters of the keys base … base + n_keys - 1, and what they carried. */
struct cxm_dense_keys {
    int64_t base;
    size_t most_keys;
    size_t rows;             /* that will be counted, about */
    struct cxm_key_counters c; /* c.base: of keys of four bytes, in place or less k->base */
    void *memory;
    size_t room;             /* rows until counters of 16 bits must be emptied */
};

struct cxm_key_loops cxm_priv_key_loops(uint32_t type);

static inline const uint8_t *cxm_priv_row_of(const struct cxm_column *column, int64_t row)
{
    return (const uint8_t *)column->data + (column->offset + row) * column->stride;
}

/* Values that lie in memory as they are, but for a bitmap. */
static inline bool cxm_priv_dense_plain(const struct cxm_column *c)
{
    return c->mask == NULL && c->dictionary == NULL && c->n_chunks == 0 && c->n_labels == 0;
}

/* Rows first … last - 1 of one rating without groups, see dense_all.c: a fresh state gets them. */
enum cxm_dense_result cxm_priv_dense_all(const struct cxm_config *config,
                                         const struct cxm_sources *sources, int64_t first,
                                         int64_t last, struct cxm_state *state);

/* Keys side by side, of four bytes each, less k->base or less nothing, as k->c.base wants them. NULL:
 * one is too far from the base. */
const uint8_t *cxm_priv_dense_keys_of(const struct cxm_dense_rows *rows,
                                      const struct cxm_dense_keys *k, int64_t row, size_t n,
                                      uint32_t *buffer);

/* Bitmap of a column from a row on: its first byte, NULL for none, and the bit within it. */
const uint8_t *cxm_priv_dense_bits(const struct cxm_column *column, int64_t row, unsigned *skip);

/* Makes counters for the keys low … high too. DONE, NO (too many keys) or NO_MEMORY. */
enum cxm_dense_result cxm_priv_dense_reach(const struct cxm_dense_rows *rows,
                                           struct cxm_dense_keys *k, int64_t low, int64_t high);
void cxm_priv_dense_release(const struct cxm_dense_rows *rows, struct cxm_dense_keys *k);

/* Counts n rows, or stops before a key that is out of range: *done rows were counted. DONE or NO_MEMORY. */
enum cxm_dense_result cxm_priv_dense_count(const struct cxm_dense_rows *rows,
                                           struct cxm_dense_keys *k,
                                           const struct cxm_key_rows *some, size_t n, size_t *done);

/* Adds the n * stride counters of n keys, from number `at` on, to sums. Number n_keys: rows that have
 * no key. */
void cxm_priv_dense_sums(const struct cxm_dense_keys *k, size_t at, size_t n, int64_t *sums);

/* Adds the counters of n keys from number `key` on to those of another set from number `at` on, where
 * there is room for what is carried. */
void cxm_priv_dense_join(const struct cxm_dense_keys *k, size_t key, size_t n,
                         struct cxm_dense_keys *to, size_t at);

/* Are its counters of 8 bits? Then there is a quicker way: */
bool cxm_priv_dense_narrow(const struct cxm_dense_keys *k);
/* Which of n <= 32 keys from number `at` on have rows, a bit each; *last grows by how often their last
 * code came. */
uint32_t cxm_priv_dense_seen(const struct cxm_dense_keys *k, size_t at, size_t n, int64_t *last);
/* The counters of those, in cells that lie `apart`. */
void cxm_priv_dense_fill(const struct cxm_dense_keys *k, size_t at, uint32_t seen, int64_t *cells,
                         size_t apart);

/* A fresh state gets the cells of all keys that were counted in any of n sets of counters, in the
 * order of the keys. NO: there are invalid answers, and they are to be named. */
enum cxm_dense_result cxm_priv_dense_cells(const struct cxm_dense_rows *rows,
                                           const struct cxm_dense_keys *k, int n,
                                           bool count_invalid, int n_threads,
                                           struct cxm_state *state);

/* Many keys, see dense_many.c: counts all rows into one set of counters, which may be there already. */
enum { CXM_DENSE_MOST_PARTS = 2048 };
enum cxm_dense_result cxm_priv_dense_many(const struct cxm_dense_rows *rows, int64_t n_rows,
                                          int n_threads, struct cxm_dense_keys *k);
/* Many keys far apart, see dense_hashed.c: a fresh state gets all rows. */
enum cxm_dense_result cxm_priv_dense_hashed(const struct cxm_dense_rows *rows,
                                            const struct cxm_sources *sources, int n_threads,
                                            struct cxm_state *state);
/* Weights of many keys, see dense_weighted.c: a fresh state gets all rows. */
enum cxm_dense_result cxm_priv_dense_weighted(const struct cxm_dense_rows *rows,
                                              const struct cxm_sources *sources, int n_threads,
                                              struct cxm_state *state);
/* A range of rows by one key of any kind, see coded.c. */
enum cxm_dense_result cxm_priv_coded_range(const struct cxm_dense_rows *rows,
                                           const struct cxm_sources *sources, int64_t first,
                                           int64_t last, struct cxm_state *state);
/* How many low bits of a key are counted within a part of the keys. */
int cxm_priv_dense_part_bits(uint32_t stride);

#endif
