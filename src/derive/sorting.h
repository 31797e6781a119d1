/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The inside of sort.c: records that are packed into words, where they wait, and how a partition
 * of them is put in order.
 *
 * A record is one word where customer, code and time fit it together, which a look at a sample
 * decides (DIRECT):
 *
 *   mixed customer | code - base | time - base
 *
 * and two where the customers lie too far apart (HASHED): the mixed customer, then the rest; the
 * customers of a partition are then numbered to make one word of it. A last word has the row and
 * the second instant, where somebody wants them. The highest bits of the mixed customer are the
 * partition. Rows that do not fit the guess are kept as whole events, and a partition that has
 * such rows is sorted by comparing events. */
#ifndef CXM_SRC_SORTING_H
#define CXM_SRC_SORTING_H

#include "derive/sort.h"
#include "derive/sort_kernels.h"

#include <pthread.h>

enum { CXM_SORT_BLOCK = 512 }; /* rows that are read together: all their words fit the first-level cache */

/* ---- records -------------------------------------------------------------------------- */

enum cxm_pack_form { CXM_PACK_NONE, CXM_PACK_DIRECT, CXM_PACK_HASHED };

struct cxm_pack {
    enum cxm_pack_form form;
    bool payload;               /* a word of (extra, row) */
    size_t n_words;             /* of a record */
    int customer_bits, code_bits, time_bits, partition_bits;
    uint64_t customer_base, code_base;
    int64_t time_base, extra_base;
};

#define CXM_NO_EXTRA UINT32_MAX

static inline uint64_t cxm_priv_ones(int bits)
{
    return bits < 64 ? ((uint64_t)1 << bits) - 1 : UINT64_MAX;
}

/* Bits that a number needs; 0 for 0. */
static inline int cxm_priv_bits_of(uint64_t x)
{
    return x == 0 ? 0 : 64 - __builtin_clzll(x);
}

static inline uint64_t cxm_priv_unmix(uint64_t x, int bits)
{
    x = x * 0xF1DE83E19937733Du & cxm_priv_ones(bits); /* the inverse modulo 2^64 */
    return x ^ x >> (bits + 1) / 2;
}

/* ---- where records wait --------------------------------------------------------------- */

/* Chunks of 1 KiB that belong to a partition each, in slabs of many. */
struct cxm_pool {
    const struct cxm_allocator *allocator;
    size_t record_bytes;
    uint32_t chunk_records;
    uint32_t n_partitions;
    uintptr_t full;             /* the lower bits of a cursor at the end of its chunk */
    uintptr_t *cursors;         /* by partition: where the next record goes; NULL: no pool yet */
    uint32_t *owners;           /* by chunk: its partition */
    uint32_t used, capacity;    /* chunks */
    uint64_t most;              /* chunks that there can be */
    int slab_shift;             /* 2^slab_shift chunks in a slab */
    unsigned char **slabs;      /* where their first chunks begin */
    void **blocks;              /* as they were allocated */
    uint32_t n_slabs, slabs_capacity;
    uint32_t *begins, *chunks;  /* in the end: chunks of partition p are begins[p] … */
};

enum { CXM_CHUNK_BYTES = 1024 };

/* beside: room for so many bytes of each record is left at the end of every chunk. rows: no more records
 * than that are put into the pool. */
bool cxm_priv_pool_init(struct cxm_pool *pool, size_t record_bytes, size_t beside,
                        int64_t rows, uint32_t n_partitions, const struct cxm_allocator *allocator);
void cxm_priv_pool_release(struct cxm_pool *pool);
/* Another chunk for a partition whose last one is full: where it begins, which is its cursor
 * then; 0: out of memory. */
uintptr_t cxm_priv_pool_extend(struct cxm_pool *pool, uint32_t partition);
/* When all is written: sorts the chunks by partition; before, there is nothing to read. */
bool cxm_priv_pool_close(struct cxm_pool *pool);
/* Chunk number `at` of a partition and how many records it has; NULL: there are no more. */
const unsigned char *cxm_priv_pool_chunk(const struct cxm_pool *pool, uint32_t partition,
                                         uint32_t at, size_t *n);
size_t cxm_priv_pool_count(const struct cxm_pool *pool, uint32_t partition);

/* How many chunks a partition has. */
static inline uint32_t cxm_priv_pool_chunks(const struct cxm_pool *pool, uint32_t partition)
{
    return pool->cursors != NULL ? pool->begins[partition + 1] - pool->begins[partition] : 0;
}

static inline const uint64_t *cxm_priv_pool_words(const struct cxm_pool *pool, uint32_t partition,
                                                  uint32_t at, size_t *n)
{
    return (const uint64_t *)(const void *)cxm_priv_pool_chunk(pool, partition, at, n);
}

/* The same for one chunk after another. They lie far apart: no processor guesses where the next one is. */
static inline const uint64_t *cxm_priv_pool_walk(const struct cxm_pool *pool, uint32_t partition,
                                                 uint32_t at, size_t *n)
{
    enum { AHEAD = 2 };
    size_t later;
    const unsigned char *ahead = cxm_priv_pool_chunk(pool, partition, at + AHEAD, &later);
    if (ahead != NULL)
        cxm_priv_ask_for(ahead, CXM_CHUNK_BYTES);
    return cxm_priv_pool_words(pool, partition, at, n);
}

static inline bool cxm_priv_is_full(const struct cxm_pool *pool, uintptr_t cursor)
{
    return (cursor & (CXM_CHUNK_BYTES - 1)) == pool->full;
}

/* ---- the whole sort ------------------------------------------------------------------- */

/* A key column: as words, or through codes that were given to its keys before. */
struct cxm_key_source {
    const struct cxm_column *column; /* NULL: none */
    struct cxm_key_plan plan;
    struct cxm_codes codes;
    bool coded, narrow, given;
};

struct cxm_sorter;

struct cxm_sorting {
    const struct cxm_event_plan *plan;
    const struct cxm_event_columns *columns;
    const struct cxm_allocator *allocator;
    struct cxm_key_source customer, code;
    struct cxm_column time, extra; /* with INT64_MIN as missing */
    int64_t n_rows;
    struct cxm_pack pack;
    struct cxm_plain_rows plain;
    bool is_plain;              /* blocks may be packed from the arrays of the caller */
    uint32_t n_partitions;      /* as many again are for customers outside of the guess */
    unsigned n_workers;
    struct cxm_sorter *workers;
    struct cxm_sort_kernels kernels;
    uint32_t next_partition;    /* that no worker has taken yet */
    size_t large;               /* partitions with so many words are sorted by all workers together */
    struct cxm_sort_large *together; /* the one that is */
};

/* Rows that are read. What a column does not give stays as it was filled in the beginning. */
struct cxm_sort_block {
    uint64_t customer[CXM_SORT_BLOCK], code[CXM_SORT_BLOCK];
    int64_t time[CXM_SORT_BLOCK], extra[CXM_SORT_BLOCK];
    uint64_t word[CXM_SORT_BLOCK], payload[CXM_SORT_BLOCK];
    uint32_t row[CXM_SORT_BLOCK];
    uint8_t customer_state[CXM_SORT_BLOCK], code_state[CXM_SORT_BLOCK],
        time_state[CXM_SORT_BLOCK], extra_state[CXM_SORT_BLOCK];
    bool keep[CXM_SORT_BLOCK];
};

struct cxm_sort_readers {
    struct cxm_reader customer, code, time, extra;
};

struct cxm_sorter {
    struct cxm_sorting *sorting;
    unsigned number;
    int64_t first, last;        /* rows that it reads */
    struct cxm_pool packed, whole;
    struct cxm_sort_block *block;
    /* Memory for one partition. */
    struct cxm_event *events, *other;
    size_t events_capacity, other_capacity;
    uint64_t *words[3];
    size_t words_capacity[3];
    uint32_t *counts;           /* by bucket */
    size_t counts_capacity;
    uint32_t *slots;            /* a hash table of customers */
    size_t slots_capacity;
    bool subsecond;
    enum cxm_status status;
    struct cxm_error error;
    pthread_t thread;
    bool started;
};

void cxm_priv_sort_readers(const struct cxm_sorting *s, struct cxm_sort_readers *out);
/* Reads n <= CXM_SORT_BLOCK rows into the block. */
void cxm_priv_sort_read(const struct cxm_sorting *s, struct cxm_sort_readers *readers,
                        int64_t first, size_t n, struct cxm_sort_block *b, bool *subsecond);

/* How records look, from a sample of the rows. */
void cxm_priv_pack_choose(struct cxm_sorting *s, struct cxm_sort_block *b);
/* Can rows be packed from plain arrays? */
void cxm_priv_pack_plain_choose(struct cxm_sorting *s);
/* Packs rows that all are there and kept right from plain arrays, and deals them out; false: some
 * are not, nothing was done. */
bool cxm_priv_pack_plain_rows(struct cxm_sorter *w, int64_t first, size_t n, bool *room);
/* Puts n rows, all of them kept and in the first places of the block's arrays, into the pools of
 * a worker. false: out of memory. */
bool cxm_priv_pack_rows(struct cxm_sorter *w, size_t n);
/* A record as an event; its customer is the one that the row would have as a whole event. */
struct cxm_event cxm_priv_unpack(const struct cxm_pack *pack, const uint64_t *record);

static inline bool cxm_priv_is_large(const struct cxm_sorting *s, size_t n)
{
    return n >= s->large && !s->pack.payload && s->plan->visit_records == NULL;
}

/* All workers do it at once; the failure of the lowest, if any. */
enum cxm_status cxm_priv_sort_together(struct cxm_sorting *s, void *(*work)(void *),
                                       struct cxm_error *error);

/* Chunks of a partition one after another, `left` of them at most, in the order of the rows. */
struct cxm_sort_walk {
    const struct cxm_sorting *sorting;
    uint32_t partition, chunk;
    unsigned worker;
    uint32_t left;
};

/* The next piece; NULL: there are no more. */
const uint64_t *cxm_priv_next_piece(struct cxm_sort_walk *walk, size_t *n);

/* Sorts n words of a partition, that lie in chunks or at `at`, with all workers: out[n + 1], to be
 * released. Called by a worker while no other works. */
enum cxm_status cxm_priv_sort_large(struct cxm_sorter *w, uint32_t partition, size_t n,
                                    const uint64_t *at, uint64_t **out);

/* Sorts partitions and hands them to the visitor. */
enum cxm_status cxm_priv_sort_words(struct cxm_sorter *w, uint32_t partition, size_t n,
                                    bool *fits);
enum cxm_status cxm_priv_sort_whole(struct cxm_sorter *w, uint32_t partition, size_t n);

/* Grows *memory, whose content is of no worth, to n units. */
bool cxm_priv_sort_room(const struct cxm_allocator *allocator, void *memory, size_t *capacity,
                        size_t n, size_t bytes);

#endif
