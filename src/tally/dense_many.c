/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting by very many keys: their counters do not fit in a cache, and a random access to memory
 * costs as much as twenty rows should. So some millions of rows at a time are first sorted by
 * part of the keys (of 4 096 keys, for NPS): a row becomes two bytes, its key within the part and
 * its code. Then each part is counted, its 52 KB of counters staying in the cache. Threads sort a
 * share of the rows each, then take parts as they come, so no two have a counter in common, and
 * there is nothing to merge.
 *
 * Typical: 1 000 000 keys, 100 rows a key. Manegold, Boncz and Kersten, "Optimizing main-memory
 * join on modern hardware" (2002) describe partitioning for the cache. */
#include "tally/dense.h"

enum { FEWEST_ROWS = 1 << 22, MOST_ROWS = 1 << 24, ITEM_VALUES = 1 << 16, HISTOGRAMS = 4 };

int cxm_priv_dense_part_bits(uint32_t stride)
{
    int bits = 0;
    while ((uint32_t)2 << bits <= ITEM_VALUES / stride)
        bits++;
    return bits;
}

struct many {
    const struct cxm_dense_rows *rows;
    struct cxm_dense_keys *k;
    int64_t n_rows;
    int n_threads, shift;
    size_t n_parts;
    int64_t *low, *high;   /* by thread */
    int64_t first, last;   /* rows that are sorted now */
    uint16_t *items;
    size_t *ends;          /* [thread][part], of its items; they begin where the ones before end */
    uint32_t *histograms;  /* [thread][HISTOGRAMS][part] */
    uint32_t next;         /* part */
};

/* Rows of thread i among first … last - 1. */
static int64_t share_begin(const struct many *m, int64_t first, int64_t last, int i)
{
    return i < m->n_threads ? first + (last - first) / m->n_threads * i : last;
}

static void find_reach(void *context, int i)
{
    const struct many *m = context;
    const struct cxm_column *keys = m->rows->keys;
    const int64_t first = share_begin(m, 0, m->n_rows, i);
    const int64_t last = share_begin(m, 0, m->n_rows, i + 1);
    m->rows->loops.find(cxm_priv_row_of(keys, first), keys->stride, (size_t)(last - first),
                        &m->low[i], &m->high[i]);
}

/* ---- sorting by part ------------------------------------------------------------------ */

/* How many keys of a chunk each part has: four counters each, as neighbours may be equal. */
static void count_parts(const struct many *m, const uint8_t *keys, size_t n, uint32_t *histogram)
{
    const uint32_t base = m->k->c.base;
    const int shift = m->shift;
    const size_t n_parts = m->n_parts;
    for (size_t i = 0; i < n; i++) {
        uint32_t key;
        memcpy(&key, keys + i * sizeof key, sizeof key);
        histogram[i % HISTOGRAMS * n_parts + ((key - base) >> shift)]++;
    }
}

static void place_items(const struct many *m, const uint8_t *keys, const uint8_t *answers,
                        const uint8_t *bits, unsigned skip, size_t n, size_t *next)
{
    const uint32_t base = m->k->c.base, stride = m->k->c.stride;
    const uint32_t low_bits = ((uint32_t)1 << m->shift) - 1;
    const int shift = m->shift;
    const uint8_t *codes = m->rows->codes;
    uint16_t *items = m->items;
    for (size_t i = 0; i < n; i++) {
        uint32_t key;
        memcpy(&key, keys + i * sizeof key, sizeof key);
        key -= base;
        const size_t bit = i + skip;
        const uint32_t code = bits == NULL || (bits[bit / 8] >> bit % 8 & 1) != 0
                                ? codes[answers[i]]
                                : m->k->c.missing;
        items[next[key >> shift]++] = (uint16_t)((key & low_bits) * stride + code);
    }
}

/* All keys are known to be in range: keys_of() always finds them. */
static void sort_share(void *context, int t)
{
    const struct many *m = context;
    const int64_t first = share_begin(m, m->first, m->last, t);
    const int64_t last = share_begin(m, m->first, m->last, t + 1);
    const struct cxm_dense_rows *rows = m->rows;
    struct cxm_dense_chunk chunk;
    uint32_t *histogram = m->histograms + (size_t)t * HISTOGRAMS * m->n_parts;
    size_t *next = m->ends + (size_t)t * m->n_parts;
    memset(histogram, 0, HISTOGRAMS * m->n_parts * sizeof *histogram);
    for (int64_t row = first; row < last; row += CXM_DENSE_CHUNK) {
        const size_t n = last - row < CXM_DENSE_CHUNK ? (size_t)(last - row) : CXM_DENSE_CHUNK;
        count_parts(m, cxm_priv_dense_keys_of(rows, m->k, row, n, chunk.keys), n, histogram);
    }
    size_t at = (size_t)(first - m->first);
    for (size_t p = 0; p < m->n_parts; p++) {
        next[p] = at;
        for (int h = 0; h < HISTOGRAMS; h++)
            at += histogram[(size_t)h * m->n_parts + p];
    }
    for (int64_t row = first; row < last; row += CXM_DENSE_CHUNK) {
        const size_t n = last - row < CXM_DENSE_CHUNK ? (size_t)(last - row) : CXM_DENSE_CHUNK;
        unsigned skip;
        const uint8_t *bits = cxm_priv_dense_bits(rows->answers, row, &skip);
        place_items(m, cxm_priv_dense_keys_of(rows, m->k, row, n, chunk.keys),
                    cxm_priv_rating_bytes(&rows->rating, row, n, chunk.answers), bits, skip, n,
                    next);
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

/* Takes parts as they come, until there are none. The counters of a part are whole carry blocks. */
static void count_some(void *context, int t)
{
    struct many *m = context;
    (void)t;
    for (;;) {
        const size_t p = __atomic_fetch_add(&m->next, 1, __ATOMIC_RELAXED);
        if (p >= m->n_parts)
            return;
        for (int i = 0; i < m->n_threads; i++) {
            const size_t *ends = m->ends + (size_t)i * m->n_parts;
            const size_t begin = p > 0 ? ends[p - 1]
                                       : (size_t)(share_begin(m, m->first, m->last, i) - m->first);
            count_items(&m->k->c, (p << m->shift) * m->k->c.stride, m->items + begin,
                        ends[p] - begin);
        }
    }
}

static bool make_memory(struct many *m, int64_t batch)
{
    const struct cxm_allocator *allocator = m->rows->config->allocator;
    const size_t n = (size_t)m->n_threads * m->n_parts;
    m->items = cxm_priv_alloc_zero_dense(allocator, (size_t)batch, sizeof *m->items);
    m->ends = cxm_priv_alloc(allocator, n, sizeof *m->ends);
    m->histograms = cxm_priv_alloc(allocator, HISTOGRAMS * n, sizeof *m->histograms);
    return m->items != NULL && m->ends != NULL && m->histograms != NULL;
}

/* Counters for all keys there are, and the rows in batches: the more keys, the larger, as each of
 * them goes once over all counters. */
static enum cxm_dense_result count_batches(struct many *m)
{
    int64_t low = m->low[0], high = m->high[0];
    for (int i = 1; i < m->n_threads; i++) {
        low = m->low[i] < low ? m->low[i] : low;
        high = m->high[i] > high ? m->high[i] : high;
    }
    const enum cxm_dense_result result = cxm_priv_dense_reach(m->rows, m->k, low, high);
    if (result != CXM_DENSE_DONE)
        return result;
    m->shift = cxm_priv_dense_part_bits(m->k->c.stride);
    m->n_parts = (((size_t)m->k->c.n_keys - 1) >> m->shift) + 1;
    int64_t batch = 8 * (int64_t)m->k->c.n_keys;
    batch = batch < FEWEST_ROWS ? FEWEST_ROWS : batch > MOST_ROWS ? MOST_ROWS : batch;
    batch = batch < m->n_rows ? batch : m->n_rows;
    if (!make_memory(m, batch))
        return CXM_DENSE_NO_MEMORY;
    for (m->first = 0; m->first < m->n_rows; m->first = m->last) {
        m->last = m->n_rows - m->first < batch ? m->n_rows : m->first + batch;
        cxm_priv_side_by_side(m->n_threads, sort_share, m);
        m->next = 0;
        cxm_priv_side_by_side(m->n_threads, count_some, m);
    }
    return CXM_DENSE_DONE;
}

enum cxm_dense_result cxm_priv_dense_many(const struct cxm_dense_rows *rows, int64_t n_rows,
                                          int n_threads, struct cxm_dense_keys *k)
{
    int64_t low[CXM_MOST_THREADS], high[CXM_MOST_THREADS];
    struct many m = { .rows = rows, .k = k, .n_rows = n_rows, .n_threads = n_threads,
                      .low = low, .high = high };
    cxm_priv_side_by_side(n_threads, find_reach, &m);
    const enum cxm_dense_result result = count_batches(&m);
    cxm_priv_release(rows->config->allocator, m.items);
    cxm_priv_release(rows->config->allocator, m.ends);
    cxm_priv_release(rows->config->allocator, m.histograms);
    return result;
}
