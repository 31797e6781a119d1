/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Partitions with far more words than others, which one customer or a few fill: all workers sort
 * each of them together, so that a customer with all rows keeps no thread waiting. A sample tells
 * where most words lie; each worker deals some of the chunks out to up to 2 048 buckets of ascending
 * words, and the buckets, that fit the second-level cache, are sorted on their own as workers
 * come for them. Equal words are the same, so that nothing shows who did what. Memory: 8 bytes
 * a row of the partition, and 16 a row of the largest bucket for each worker. Sample sort (Frazer &
 * McKellar 1970, JACM 17:496) with buckets that are evenly wide. */
#include "derive/sorting.h"

enum { MOST_BUCKET_BITS = 11, BUCKET_WORDS = 8192, SAMPLE = 2048, SHORT_RUN = 16 };

struct cxm_sort_large {
    uint32_t partition;
    const uint64_t *at; /* the words; NULL: they are in chunks */
    size_t n;
    uint32_t n_chunks;
    uint64_t low;
    int shift;
    size_t n_buckets;
    uint32_t *places;   /* by worker, bucket: how many words; then where the next goes */
    uint64_t *words;
    uint32_t next_bucket;
};

/* ---- the words of a worker ---------------------------------------------------------------- */

struct source {
    const uint64_t *at;
    size_t n;
    struct cxm_sort_walk walk;
};

static struct source source_of(const struct cxm_sorting *s, unsigned worker)
{
    const struct cxm_sort_large *const l = s->together;
    struct source source = { NULL, 0, { s, l->partition, 0, 0, 0 } };
    if (l->at != NULL) {
        const size_t first = l->n * worker / s->n_workers;
        source.at = l->at + first;
        source.n = l->n * (worker + 1) / s->n_workers - first;
        return source;
    }
    const uint64_t chunks = l->n_chunks;
    struct cxm_sort_walk *const walk = &source.walk;
    walk->chunk = (uint32_t)(chunks * worker / s->n_workers);
    walk->left = (uint32_t)(chunks * (worker + 1) / s->n_workers) - walk->chunk;
    for (uint32_t here; walk->worker < s->n_workers; walk->chunk -= here, walk->worker++) {
        here = cxm_priv_pool_chunks(&s->workers[walk->worker].packed, l->partition);
        if (walk->chunk < here)
            break;
    }
    return source;
}

static const uint64_t *next_words(struct source *source, size_t *n)
{
    const uint64_t *words = source->at;
    if (words == NULL)
        return cxm_priv_next_piece(&source->walk, n);
    *n = source->n;
    source->n = 0;
    return *n > 0 ? words : NULL;
}

/* ---- buckets ------------------------------------------------------------------------------ */

/* Up to SAMPLE words, evenly spread, or all; how many. */
static size_t take_sample(const struct cxm_sorting *s, uint64_t *out)
{
    const struct cxm_sort_large *const l = s->together;
    const uint32_t step = l->n_chunks / (SAMPLE / 4) + 1;
    const size_t each = SAMPLE / (l->n_chunks / step + 1);
    const size_t n = l->n;
    size_t taken = 0, here;
    if (l->at != NULL) {
        for (size_t i = 0; i < n && i < SAMPLE; i++)
            out[taken++] = l->at[i * (n / SAMPLE) + i * (n % SAMPLE) / SAMPLE];
        return taken;
    }
    uint32_t skip = 0;
    for (unsigned t = 0; t < s->n_workers; t++) {
        const struct cxm_pool *pool = &s->workers[t].packed;
        const uint32_t chunks = cxm_priv_pool_chunks(pool, l->partition);
        for (; skip < chunks; skip += step) {
            const uint64_t *words = cxm_priv_pool_words(pool, l->partition, skip, &here);
            for (size_t i = 0; i < each && i < here; i++)
                out[taken++] = words[here <= each ? i : i * here / each];
        }
        skip -= chunks;
    }
    return taken;
}

/* Evenly wide buckets over most of the words; the first and the last take what is outside, where
 * rows of others than the customer who fills the partition may be. */
static void choose_buckets(const struct cxm_sorting *s)
{
    struct cxm_sort_large *const l = s->together;
    uint64_t sample[2][SAMPLE + CXM_RUN_SLACK];
    const size_t taken = take_sample(s, sample[0]);
    cxm_priv_sort_long(sample[0], taken, sample[1], s->kernels.sort_runs);
    const uint64_t low = sample[1][taken / 8], high = sample[1][taken - 1 - taken / 8];
    const uint64_t margin = (high - low) / 4;
    int bits = 1;
    while (bits < MOST_BUCKET_BITS && l->n >> bits > BUCKET_WORDS)
        bits++;
    l->low = low > margin ? low - margin : 0;
    const uint64_t width = (high < UINT64_MAX - margin ? high + margin : UINT64_MAX) - l->low;
    const int spread = cxm_priv_bits_of(width);
    l->shift = spread > bits ? spread - bits : 0;
    l->n_buckets = (size_t)(width >> l->shift) + 1;
}

static inline size_t bucket_of(uint64_t low, int shift, size_t last, uint64_t word)
{
    const uint64_t bucket = (word > low ? word - low : 0) >> shift;
    return bucket < last ? (size_t)bucket : last;
}

static void *count(void *worker)
{
    const struct cxm_sorter *w = worker;
    const struct cxm_sort_large *const l = w->sorting->together;
    uint32_t *const counts = l->places + w->number * l->n_buckets;
    const uint64_t low = l->low;
    const int shift = l->shift;
    const size_t last = l->n_buckets - 1;
    struct source source = source_of(w->sorting, w->number);
    size_t n;
    for (const uint64_t *words; (words = next_words(&source, &n)) != NULL;) {
        for (size_t i = 0; i < n; i++)
            counts[bucket_of(low, shift, last, words[i])]++;
    }
    return NULL;
}

static void *place(void *worker)
{
    const struct cxm_sorter *w = worker;
    const struct cxm_sort_large *const l = w->sorting->together;
    uint32_t *const places = l->places + w->number * l->n_buckets;
    uint64_t *const to = l->words;
    const uint64_t low = l->low;
    const int shift = l->shift;
    const size_t last = l->n_buckets - 1;
    struct source source = source_of(w->sorting, w->number);
    size_t n;
    for (const uint64_t *words; (words = next_words(&source, &n)) != NULL;) {
        for (size_t i = 0; i < n; i++)
            to[places[bucket_of(low, shift, last, words[i])]++] = words[i];
    }
    return NULL;
}

/* Kernels write beyond the end, where another worker may be: so it is sorted elsewhere. */
static bool sort_bucket(struct cxm_sorter *w, uint64_t *words, uint32_t n)
{
    const struct cxm_sorting *s = w->sorting;
    for (int i = 1; i <= 2; i++) {
        if (!cxm_priv_sort_room(s->allocator, &w->words[i], &w->words_capacity[i],
                                n + CXM_RUN_SLACK, sizeof *w->words[i]))
            return false;
    }
    memcpy(w->words[1], words, n * sizeof *words);
    if (n <= SHORT_RUN)
        s->kernels.sort_runs(w->words[1], &n, 1, w->words[2]);
    else
        cxm_priv_sort_long(w->words[1], n, w->words[2], s->kernels.sort_runs);
    memcpy(words, w->words[2], n * sizeof *words);
    return true;
}

static void *sort_buckets(void *worker)
{
    struct cxm_sorter *w = worker;
    struct cxm_sort_large *const l = w->sorting->together;
    const uint32_t *const ends = l->places + (w->sorting->n_workers - 1) * l->n_buckets;
    while (w->status == CXM_OK) {
        const uint32_t b = __atomic_fetch_add(&l->next_bucket, 1, __ATOMIC_RELAXED);
        if (b >= l->n_buckets)
            break;
        const uint32_t start = b > 0 ? ends[b - 1] : 0;
        if (ends[b] - start > 1 && !sort_bucket(w, l->words + start, ends[b] - start))
            w->status = cxm_priv_no_memory(&w->error);
    }
    return NULL;
}

/* ---- all of it ----------------------------------------------------------------------------- */

/* Where each worker writes its words of each bucket: bucket after bucket, worker after worker. */
static void lay_out(const struct cxm_sorting *s)
{
    const struct cxm_sort_large *const l = s->together;
    uint32_t sum = 0;
    for (size_t b = 0; b < l->n_buckets; b++) {
        for (unsigned t = 0; t < s->n_workers; t++) {
            const uint32_t here = l->places[t * l->n_buckets + b];
            l->places[t * l->n_buckets + b] = sum;
            sum += here;
        }
    }
}

enum cxm_status cxm_priv_sort_large(struct cxm_sorter *w, uint32_t partition, size_t n,
                                    const uint64_t *at, uint64_t **out)
{
    struct cxm_sorting *const s = w->sorting;
    struct cxm_sort_large l = { .partition = partition, .at = at, .n = n };
    for (unsigned t = 0; t < s->n_workers; t++)
        l.n_chunks += cxm_priv_pool_chunks(&s->workers[t].packed, partition);
    s->together = &l;
    choose_buckets(s);
    l.places = cxm_priv_alloc_zero(s->allocator, s->n_workers * l.n_buckets, sizeof *l.places);
    l.words = cxm_priv_alloc_dense(s->allocator, n + 1, sizeof *l.words);
    enum cxm_status status = CXM_OK;
    if (l.places == NULL || l.words == NULL) {
        status = cxm_priv_no_memory(&w->error);
    } else {
        (void)cxm_priv_sort_together(s, count, NULL);
        lay_out(s);
        (void)cxm_priv_sort_together(s, place, NULL);
        status = cxm_priv_sort_together(s, sort_buckets, &w->error);
    }
    cxm_priv_release(s->allocator, l.places);
    if (status != CXM_OK)
        cxm_priv_release(s->allocator, l.words);
    *out = status == CXM_OK ? l.words : NULL;
    s->together = NULL;
    return status;
}
