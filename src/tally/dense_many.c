/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting by very many keys: their counters do not fit in a cache, and a random access to memory
 * costs as much as twenty rows should. So some millions of rows at a time are first sorted by
 * part of the keys (of 4 096 keys, for NPS): a row becomes two bytes, its key within the part and
 * its code. Then each part is counted, its 52 KB of counters staying in the cache. Threads take some
 * rows to be sorted as they come, then parts, so no two have a counter in common, and there is hardly
 * anything to merge: only parts that an eighth of the rows belong to are counted by each
 * thread on its own, block by block, so that none waits for another that has such a one.
 *
 * Rows are read once: how many a part will get is not known, so it fills small blocks and takes
 * another when one is full. Nor is the range of the keys, of which a look at some rows has told; one
 * beyond it stops the sorting, then all are looked at, and there are more counters.
 *
 * Typical: 1 000 000 keys, 100 rows a key. Manegold, Boncz and Kersten, "Optimizing main-memory
 * join on modern hardware" (2002) describe partitioning for the cache. */
#include "tally/dense.h"

enum { FEWEST_ROWS = 1 << 22, MOST_ROWS = 1 << 24, ITEM_VALUES = 1 << 16, BLOCK = 256, SOME_ROWS = 256,
       CHUNK_ROWS = 1 << 15, SOME_BLOCKS = 64, LOOKS = 32, MOST_HOT = 8 };

int cxm_priv_dense_part_bits(uint32_t stride)
{
    int bits = 0;
    while ((uint32_t)2 << bits <= ITEM_VALUES / stride)
        bits++;
    return bits;
}

/* Of a thread: rows that it took and still has to sort, and its own counters of hot parts. */
struct share {
    int64_t row, last;
    bool outside;          /* the next rows have a key beyond the counters */
    uint32_t block, end;   /* that it may fill */
    struct cxm_dense_keys hot[MOST_HOT];
};

struct many {
    const struct cxm_dense_rows *rows;
    struct cxm_dense_keys *k;
    int64_t n_rows, batch; /* rows; those that are sorted at a time */
    int64_t next_row, end; /* to be taken, of this batch */
    int n_threads, shift;
    size_t n_parts;
    uint32_t hot[MOST_HOT]; /* parts with an eighth of the rows or more */
    int n_hot;
    struct share *shares;  /* by thread */
    int64_t *low, *high;   /* by thread */
    uint32_t taken;        /* blocks */
    uint16_t *items;       /* [block][BLOCK] */
    uint32_t *before;      /* [block]: the one that its part filled before, or NONE */
    uint32_t *next;        /* [thread][part], of the items */
};

#define NONE UINT32_MAX

/* ---- sorting by part ------------------------------------------------------------------ */

/* Each part gets an empty block. */
static void begin_blocks(const struct many *m, int t)
{
    uint32_t *next = m->next + (size_t)t * m->n_parts;
    const uint32_t first = (uint32_t)t * (uint32_t)m->n_parts;
    for (uint32_t p = 0; p < m->n_parts; p++) {
        m->before[first + p] = NONE;
        next[p] = (first + p) * BLOCK;
    }
    m->shares[t].block = m->shares[t].end = 0;
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

static inline uint64_t four_items(const uint16_t *items)
{
    uint64_t four;
    memcpy(&four, items, sizeof four);
    return four;
}

static void count_items(const struct cxm_key_counters *c, size_t first, const uint16_t *items,
                        size_t n)
{
    const struct cxm_key_counters part = {
        .carried = c->carried + first,
        .wrapped = c->wrapped + first / CXM_CARRY_BLOCK,
    };
    uint8_t *counters = c->counters + first;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) { /* one load; their order is all the same */
        const uint64_t four = four_items(items + i);
        cxm_priv_count_one(&part, counters, four & 0xFFFF);
        cxm_priv_count_one(&part, counters, four >> 16 & 0xFFFF);
        cxm_priv_count_one(&part, counters, four >> 32 & 0xFFFF);
        cxm_priv_count_one(&part, counters, four >> 48);
    }
    for (; i < n; i++)
        cxm_priv_count_one(&part, counters, items[i]);
}

/* The block that ends at item `end` is full: the first item of another, or of the same again, once its
 * items are counted. */
static uint32_t next_block(struct many *m, int t, uint32_t part, uint32_t end)
{
    for (int h = 0; h < m->n_hot; h++) {
        if (m->hot[h] != part)
            continue;
        count_items(&m->shares[t].hot[h].c, 0, m->items + end - BLOCK, BLOCK);
        return end - BLOCK;
    }
    struct share *share = &m->shares[t];
    if (share->block == share->end) {
        share->block = __atomic_fetch_add(&m->taken, SOME_BLOCKS, __ATOMIC_RELAXED);
        share->end = share->block + SOME_BLOCKS;
    }
    const uint32_t block = share->block++;
    m->before[block] = end / BLOCK - 1;
    fetch_block(m, block);
    return block * BLOCK;
}

static size_t write_items(const struct many *m, const uint32_t *rows, const uint32_t *at, size_t i,
                          size_t n)
{
    for (; i < n; i++)
        m->items[at[i]] = (uint16_t)rows[i];
    return n;
}

/* First where rows go, then the rows: a processor looks ahead to the next[] of later rows only while it
 * knows where all stores before them go, and an item goes where a load has yet to say. */
static void place_items(struct many *m, int t, const uint32_t *rows, size_t n)
{
    uint32_t *const next = m->next + (size_t)t * m->n_parts;
    uint32_t at[SOME_ROWS];
    size_t written = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t part = rows[i] >> 16;
        at[i] = next[part]++;
        if (CXM_UNLIKELY((at[i] + 1) % BLOCK == 0)) {
            if (m->n_hot > 0) /* the items of a full block may be counted */
                written = write_items(m, rows, at, written, i + 1);
            next[part] = next_block(m, t, part, at[i] + 1);
        }
    }
    write_items(m, rows, at, written, n);
}

/* Part and item of some rows; false: there is a key that is out of range. */
static bool part_rows(const struct many *m, int64_t row, size_t n, uint32_t *sorted)
{
    const struct cxm_dense_rows *rows = m->rows;
    struct cxm_dense_chunk chunk;
    struct cxm_key_rows some = { .width = sizeof(uint32_t), .base = m->k->c.base };
    some.keys = cxm_priv_dense_keys_of(rows, m->k, row, n, chunk.keys);
    some.answers = cxm_priv_rating_bytes(&rows->rating, row, n, chunk.answers);
    some.answer_bits = cxm_priv_dense_bits(rows->answers, row, &some.answer_skip);
    return some.keys != NULL && rows->part(&m->k->c, m->shift, &some, n, sorted);
}

static bool take_rows(struct many *m, struct share *share)
{
    if (share->row < share->last)
        return true;
    share->row = __atomic_fetch_add(&m->next_row, CHUNK_ROWS, __ATOMIC_RELAXED);
    share->last = share->row + CHUNK_ROWS < m->end ? share->row + CHUNK_ROWS : m->end;
    return share->row < share->last;
}

/* Rows until none of the batch is left, or before some with a key that is out of range. */
static void sort_rows(void *context, int t)
{
    struct many *m = context;
    struct share *share = &m->shares[t];
    uint32_t sorted[SOME_ROWS];
    begin_blocks(m, t);
    while (take_rows(m, share)) {
        const int64_t left = share->last - share->row;
        const size_t n = left < SOME_ROWS ? (size_t)left : SOME_ROWS;
        if (!part_rows(m, share->row, n, sorted)) {
            share->outside = true;
            return;
        }
        place_items(m, t, sorted, n);
        share->row += (int64_t)n;
    }
}

/* ---- counting parts ------------------------------------------------------------------- */

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

/* The counters of a part are whole carry blocks. */
static void count_part(void *context, size_t part)
{
    const struct many *m = context;
    for (int t = 0; t < m->n_threads; t++)
        count_blocks(m, t, part);
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

/* What threads counted on their own joins the others, and is forgotten. */
static void join_hot(struct many *m)
{
    for (int t = 0; t < m->n_threads; t++) {
        for (int h = 0; h < m->n_hot; h++) {
            struct cxm_dense_keys *own = &m->shares[t].hot[h];
            const size_t first = (size_t)m->hot[h] << m->shift, left = m->k->c.n_keys - first;
            if (own->memory != NULL)
                cxm_priv_dense_join(own, 0, left < own->c.n_keys ? left : own->c.n_keys, m->k, first);
            cxm_priv_dense_release(m->rows, own);
            *own = (struct cxm_dense_keys){ .memory = NULL };
        }
    }
    m->n_hot = 0;
}

/* Hot parts are those with an eighth of the rows that a look sees. */
static void find_hot(struct many *m)
{
    uint32_t counts[CXM_DENSE_MOST_PARTS] = { 0 }, sorted[SOME_ROWS], seen = 0;
    for (int i = 0; i < LOOKS && m->n_parts <= CXM_DENSE_MOST_PARTS; i++) {
        const int64_t row = (m->n_rows - SOME_ROWS) / (LOOKS - 1) * i;
        if (m->n_rows < SOME_ROWS || !part_rows(m, row, SOME_ROWS, sorted))
            continue;
        for (int r = 0; r < SOME_ROWS; r++)
            counts[sorted[r] >> 16]++;
        seen += SOME_ROWS;
    }
    for (uint32_t p = 0; p < m->n_parts && seen > 0 && m->n_hot < MOST_HOT; p++) {
        if (counts[p] > seen / 8)
            m->hot[m->n_hot++] = p;
    }
}

static bool make_hot(struct many *m)
{
    const uint32_t n = (uint32_t)1 << m->shift;
    bool room = true;
    find_hot(m);
    for (int t = 0; t < m->n_threads; t++) {
        for (int h = 0; h < m->n_hot && room; h++) {
            struct cxm_dense_keys *own = &m->shares[t].hot[h];
            own->most_keys = n;
            room = cxm_priv_dense_reach(m->rows, own, 0, n - 1) == CXM_DENSE_DONE;
        }
    }
    return room;
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
    m->batch = batch < m->n_rows ? batch : m->n_rows;
    /* A thread that was stopped still has rows of the batch before. */
    const size_t blocks = ((size_t)m->batch + n * CHUNK_ROWS) / BLOCK
                        + n * (m->n_parts + SOME_BLOCKS);
    m->items = cxm_priv_alloc_dense(allocator, blocks, BLOCK * sizeof *m->items);
    m->before = cxm_priv_alloc(allocator, blocks, sizeof *m->before);
    m->next = cxm_priv_alloc(allocator, n * m->n_parts, sizeof *m->next);
    return m->items != NULL && m->before != NULL && m->next != NULL && make_hot(m);
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
    m->next_row = m->next_row < m->end ? m->next_row : m->end; /* threads look beyond */
    *left = m->next_row < m->n_rows;
    for (int t = 0; t < m->n_threads; t++) {
        *left = *left || m->shares[t].row < m->shares[t].last;
        outside = outside || m->shares[t].outside;
        m->shares[t].outside = false;
    }
    if (outside || !*left)
        join_hot(m);
    const enum cxm_dense_result result = outside ? reach_all(m) : CXM_DENSE_DONE;
    if (result == CXM_DENSE_DONE && (outside || m->items == NULL) && !make_blocks(m))
        return CXM_DENSE_NO_MEMORY;
    m->end = m->n_rows - m->next_row < m->batch ? m->n_rows : m->next_row + m->batch;
    m->taken = (uint32_t)((size_t)m->n_threads * m->n_parts);
    return result;
}

static enum cxm_dense_result count_batches(struct many *m)
{
    for (;;) {
        bool left;
        const enum cxm_dense_result result = prepare_batch(m, &left);
        if (result != CXM_DENSE_DONE || !left)
            return result;
        cxm_priv_side_by_side(m->n_threads, sort_rows, m);
        cxm_priv_share_out(m->n_threads, m->n_parts, count_part, m);
    }
}

enum cxm_dense_result cxm_priv_dense_many(const struct cxm_dense_rows *rows, int64_t n_rows,
                                          int n_threads, struct cxm_dense_keys *k)
{
    int64_t low[CXM_MOST_THREADS], high[CXM_MOST_THREADS];
    const struct cxm_allocator *allocator = rows->config->allocator;
    struct many m = { .rows = rows, .k = k, .n_rows = n_rows, .n_threads = n_threads,
                      .low = low, .high = high };
    m.shares = cxm_priv_alloc_zero(allocator, (size_t)n_threads, sizeof *m.shares);
    if (m.shares == NULL)
        return CXM_DENSE_NO_MEMORY;
    const enum cxm_dense_result result = count_batches(&m);
    join_hot(&m);
    release_blocks(&m);
    cxm_priv_release(allocator, m.shares);
    return result;
}
