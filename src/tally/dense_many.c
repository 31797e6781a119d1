/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting by very many keys: their counters do not fit in a cache, and a random access to memory
 * costs as much as twenty rows should. So some millions of rows at a time are first sorted by
 * part of the keys (of 4 096 keys, for NPS): a row becomes two bytes, its key within the part and
 * its code. Then each part is counted, its 52 KB of counters staying in the cache. Threads sort a
 * share of the rows each, then take parts as they come, so no two have a counter in common, and
 * there is nothing to merge.
 *
 * Rows are read once: how many a part will get is not known, so it fills small blocks and takes
 * another when one is full. Nor is the range of the keys, of which a look at some rows has told; one
 * beyond it stops the sorting, then all are looked at, and there are more counters.
 *
 * Typical: 1 000 000 keys, 100 rows a key. Manegold, Boncz and Kersten, "Optimizing main-memory
 * join on modern hardware" (2002) describe partitioning for the cache. */
#include "tally/dense.h"

enum { FEWEST_ROWS = 1 << 22, MOST_ROWS = 1 << 24, ITEM_VALUES = 1 << 16, BLOCK = 256, SOME_ROWS = 256 };

int cxm_priv_dense_part_bits(uint32_t stride)
{
    int bits = 0;
    while ((uint32_t)2 << bits <= ITEM_VALUES / stride)
        bits++;
    return bits;
}

/* The rows of a thread that are still to be sorted, and the blocks it fills. */
struct share {
    int64_t row, last;
    uint32_t used;         /* blocks */
    bool outside;          /* the next rows have a key beyond the counters */
};

struct many {
    const struct cxm_dense_rows *rows;
    struct cxm_dense_keys *k;
    int64_t n_rows, batch; /* rows; those that a thread sorts at a time */
    int n_threads, shift;
    size_t n_parts;
    struct share *shares;  /* by thread */
    int64_t *low, *high;   /* by thread */
    uint32_t blocks;       /* of a thread */
    uint16_t *items;       /* [thread][block][BLOCK] */
    uint32_t *before;      /* [thread][block]: the one that its part filled before, or NONE */
    uint32_t *next;        /* [thread][part], of the items */
    uint32_t next_part;    /* to be counted */
};

#define NONE UINT32_MAX

/* ---- sorting by part ------------------------------------------------------------------ */

/* Each part gets an empty block. */
static void begin_blocks(const struct many *m, int t)
{
    uint32_t *next = m->next + (size_t)t * m->n_parts;
    const uint32_t first = (uint32_t)t * m->blocks;
    for (uint32_t p = 0; p < m->n_parts; p++) {
        m->before[first + p] = NONE;
        next[p] = (first + p) * BLOCK;
    }
    m->shares[t].used = (uint32_t)m->n_parts;
}

/* A line of memory that is written first waits for what was there. */
static inline void fetch_block(const struct many *m, uint32_t block)
{
#if defined(__GNUC__)
    enum { LINE = 64 / sizeof *m->items };
    for (uint32_t i = 0; i < BLOCK; i += LINE)
        __builtin_prefetch(m->items + (size_t)block * BLOCK + i, 1, 3);
#else
    (void)m, (void)block;
#endif
}

/* The block that ends at item `end` is full: the first item of another. */
static uint32_t next_block(const struct many *m, int t, uint32_t end)
{
    const uint32_t block = (uint32_t)t * m->blocks + m->shares[t].used++;
    m->before[block] = end / BLOCK - 1;
    fetch_block(m, block);
    return block * BLOCK;
}

static void place_items(const struct many *m, int t, const uint32_t *rows, size_t n)
{
    uint32_t *const next = m->next + (size_t)t * m->n_parts;
    uint16_t *const items = m->items;
    for (size_t i = 0; i < n; i++) {
        const uint32_t part = rows[i] >> 16, at = next[part];
        items[at] = (uint16_t)rows[i];
        next[part] = CXM_LIKELY((at + 1) % BLOCK != 0) ? at + 1 : next_block(m, t, at + 1);
    }
}

/* Rows until the batch is full, or before some with a key that is out of range. */
static void sort_share(void *context, int t)
{
    const struct many *m = context;
    const struct cxm_dense_rows *rows = m->rows;
    struct share *share = &m->shares[t];
    const int64_t last = share->last - share->row < m->batch ? share->last : share->row + m->batch;
    struct cxm_dense_chunk chunk;
    uint32_t sorted[SOME_ROWS];
    begin_blocks(m, t);
    while (share->row < last) {
        const size_t n = last - share->row < SOME_ROWS ? (size_t)(last - share->row) : SOME_ROWS;
        struct cxm_key_rows some = { .width = sizeof(uint32_t), .base = m->k->c.base };
        some.keys = cxm_priv_dense_keys_of(rows, m->k, share->row, n, chunk.keys);
        some.answers = cxm_priv_rating_bytes(&rows->rating, share->row, n, chunk.answers);
        some.answer_bits = cxm_priv_dense_bits(rows->answers, share->row, &some.answer_skip);
        if (some.keys == NULL || !rows->part(&m->k->c, m->shift, &some, n, sorted)) {
            share->outside = true;
            return;
        }
        place_items(m, t, sorted, n);
        share->row += (int64_t)n;
    }
}

/* ---- counting parts ------------------------------------------------------------------- */

static void count_items(const struct cxm_key_counters *c, size_t first, const uint16_t *items,
                        size_t n)
{
    const struct cxm_key_counters part = {
        .carried = c->carried + first,
        .wrapped = c->wrapped + first / CXM_CARRY_BLOCK,
    };
    uint8_t *counters = c->counters + first;
    for (size_t i = 0; i < n; i++)
        cxm_priv_count_one(&part, counters, items[i]);
}

/* What a thread sorted: the last block, which is not full, and those before it. */
static void count_blocks(const struct many *m, int t, size_t part)
{
    const size_t first = (part << m->shift) * m->k->c.stride;
    const uint32_t end = m->next[(size_t)t * m->n_parts + part];
    size_t n = end % BLOCK;
    for (uint32_t block = end / BLOCK; block != NONE; n = BLOCK) {
        const uint32_t before = m->before[block];
        if (before != NONE)
            fetch_block(m, before);
        count_items(&m->k->c, first, m->items + (size_t)block * BLOCK, n);
        block = before;
    }
}

/* Takes parts as they come, until there are none. The counters of a part are whole carry blocks. */
static void count_some(void *context, int t)
{
    struct many *m = context;
    (void)t;
    for (;;) {
        const size_t part = __atomic_fetch_add(&m->next_part, 1, __ATOMIC_RELAXED);
        if (part >= m->n_parts)
            return;
        for (int i = 0; i < m->n_threads; i++)
            count_blocks(m, i, part);
    }
}

/* ---- counters ------------------------------------------------------------------------- */

static void release_blocks(struct many *m)
{
    const struct cxm_allocator *allocator = m->rows->config->allocator;
    cxm_priv_release(allocator, m->items);
    cxm_priv_release(allocator, m->before);
    cxm_priv_release(allocator, m->next);
    m->items = NULL;
    m->before = m->next = NULL;
}

/* Blocks for rows in batches: the more keys, the larger, as each batch goes once over all counters.
 * All parts may have one that is nearly empty. */
static bool make_blocks(struct many *m)
{
    const struct cxm_allocator *allocator = m->rows->config->allocator;
    const size_t n = (size_t)m->n_threads;
    release_blocks(m);
    m->shift = cxm_priv_dense_part_bits(m->k->c.stride);
    m->n_parts = (((size_t)m->k->c.n_keys - 1) >> m->shift) + 1;
    int64_t batch = 8 * (int64_t)m->k->c.n_keys;
    batch = batch < FEWEST_ROWS ? FEWEST_ROWS : batch > MOST_ROWS ? MOST_ROWS : batch;
    m->batch = (batch < m->n_rows ? batch : m->n_rows) / m->n_threads + 1;
    m->blocks = (uint32_t)((uint64_t)m->batch / BLOCK + m->n_parts + 1);
    m->items = cxm_priv_alloc_dense(allocator, n * m->blocks, BLOCK * sizeof *m->items);
    m->before = cxm_priv_alloc(allocator, n * m->blocks, sizeof *m->before);
    m->next = cxm_priv_alloc(allocator, n * m->n_parts, sizeof *m->next);
    return m->items != NULL && m->before != NULL && m->next != NULL;
}

static void find_reach(void *context, int t)
{
    const struct many *m = context;
    const struct cxm_column *keys = m->rows->keys;
    const int64_t first = m->n_rows / m->n_threads * t;
    const int64_t last = t + 1 < m->n_threads ? first + m->n_rows / m->n_threads : m->n_rows;
    m->rows->loops.find(cxm_priv_row_of(keys, first), keys->stride, (size_t)(last - first),
                        &m->low[t], &m->high[t]);
}

/* Counters for all keys there are. */
static enum cxm_dense_result reach_all(struct many *m)
{
    cxm_priv_side_by_side(m->n_threads, find_reach, m);
    int64_t low = m->low[0], high = m->high[0];
    for (int t = 1; t < m->n_threads; t++) {
        low = m->low[t] < low ? m->low[t] : low;
        high = m->high[t] > high ? m->high[t] : high;
    }
    return cxm_priv_dense_reach(m->rows, m->k, low, high);
}

/* Rows are left? All that were stopped by a key get the counters that they want first. */
static enum cxm_dense_result prepare_batch(struct many *m, bool *left)
{
    bool outside = m->k->c.n_keys == 0;
    *left = false;
    for (int t = 0; t < m->n_threads; t++) {
        *left = *left || m->shares[t].row < m->shares[t].last;
        outside = outside || m->shares[t].outside;
        m->shares[t].outside = false;
    }
    const enum cxm_dense_result result = outside ? reach_all(m) : CXM_DENSE_DONE;
    if (result == CXM_DENSE_DONE && (outside || m->items == NULL) && !make_blocks(m))
        return CXM_DENSE_NO_MEMORY;
    return result;
}

static enum cxm_dense_result count_batches(struct many *m)
{
    for (;;) {
        bool left;
        const enum cxm_dense_result result = prepare_batch(m, &left);
        if (result != CXM_DENSE_DONE || !left)
            return result;
        cxm_priv_side_by_side(m->n_threads, sort_share, m);
        m->next_part = 0;
        cxm_priv_side_by_side(m->n_threads, count_some, m);
    }
}

enum cxm_dense_result cxm_priv_dense_many(const struct cxm_dense_rows *rows, int64_t n_rows,
                                          int n_threads, struct cxm_dense_keys *k)
{
    int64_t low[CXM_MOST_THREADS], high[CXM_MOST_THREADS];
    struct share shares[CXM_MOST_THREADS] = { { 0 } };
    struct many m = { .rows = rows, .k = k, .n_rows = n_rows, .n_threads = n_threads,
                      .shares = shares, .low = low, .high = high };
    for (int t = 0; t < n_threads; t++) {
        shares[t].row = n_rows / n_threads * t;
        shares[t].last = t + 1 < n_threads ? n_rows / n_threads * (t + 1) : n_rows;
    }
    const enum cxm_dense_result result = count_batches(&m);
    release_blocks(&m);
    return result;
}
