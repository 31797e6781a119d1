/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sorting rows by customer and time: partition, count, compare. Sizes: from a handful of
 * rows (one partition) to 2^32 - 1; W5 of the benchmarks has 20 million rows of 5 million
 * customers. Every step is stable, so that rows that are equal in customer, code and time stay
 * in the order of their rows, whatever the number of threads. */
#include "derive/sort.h"

#include <pthread.h>

enum {
    BLOCK = 1024,
    CHUNK = 64,            /* records of a piece of a partition */
    MOST_SLAB = 1024,      /* chunks that are allocated together at most: some MiB */
    PARTITION_ROWS = 16384, /* that a partition should have: 512 KiB of events */
    MOST_PARTITION_BITS = 12,
    MOST_BUCKET_BITS = 20,
    SHORT_RUN = 16         /* rows that insertion sorts faster than merging */
};

#define SCRAMBLE 0x9E3779B97F4A7C15u

/* One-to-one, and every bit of the word reaches the highest bits. */
static inline uint64_t scramble(uint64_t word)
{
    return (word ^ word >> 32) * SCRAMBLE;
}

/* ---- pieces of memory ----------------------------------------------------------------- */

/* Nearly all records fit 20 bytes: keys that agree in their high halves, instants within 68 years
 * of the first. The others are kept whole beside them. */
struct narrow {
    uint32_t key, time, extra, code, row; /* extra UINT32_MAX: none */
};

enum { NARROW, WIDE, N_WIDTHS };

/* The rows of one partition that one worker read: chunks in their order. */
struct list {
    unsigned char *cursor; /* where the next record goes */
    uint32_t first, last;  /* chunk + 1; 0: none */
    uint32_t n;            /* records */
};

/* Chunks of records of one width; the next of chunk c is next[c]. */
struct pool {
    const struct cxm_allocator *allocator;
    size_t record_bytes;
    uint32_t slab_chunks;  /* a power of two */
    int slab_shift;
    unsigned char **slabs;
    uint32_t n_slabs, capacity;
    uint32_t *next;        /* chunk + 1 */
    uint32_t n_chunks, next_capacity;
    struct list *lists;    /* by partition; NULL: no record yet */
};

static inline unsigned char *chunk_at(const struct pool *pool, uint32_t chunk)
{
    const uint32_t at = (chunk - 1) & (pool->slab_chunks - 1);
    return pool->slabs[(chunk - 1) >> pool->slab_shift] + (size_t)at * CHUNK * pool->record_bytes;
}

static bool grow_pool(struct pool *pool)
{
    if (pool->n_slabs == pool->capacity) {
        const uint32_t capacity = 2 * pool->capacity + 4;
        unsigned char **grown = cxm_priv_grow(pool->allocator, pool->slabs, pool->n_slabs,
                                              capacity, sizeof *grown);
        if (grown == NULL)
            return false;
        pool->slabs = grown;
        pool->capacity = capacity;
    }
    unsigned char *slab = cxm_priv_alloc(pool->allocator, (size_t)pool->slab_chunks * CHUNK,
                                         pool->record_bytes);
    if (slab == NULL)
        return false;
    pool->slabs[pool->n_slabs++] = slab;
    return true;
}

/* Another chunk for a list; false: out of memory. */
static bool extend_list(struct pool *pool, uint32_t partition)
{
    struct list *const list = &pool->lists[partition];
    if (pool->n_chunks == pool->next_capacity) {
        const uint32_t capacity = 2 * pool->next_capacity + 16;
        uint32_t *grown = cxm_priv_grow(pool->allocator, pool->next, pool->n_chunks, capacity,
                                        sizeof *grown);
        if (grown == NULL)
            return false;
        pool->next = grown;
        pool->next_capacity = capacity;
    }
    if (pool->n_chunks >> pool->slab_shift == pool->n_slabs && !grow_pool(pool))
        return false;
    pool->next[pool->n_chunks] = 0;
    const uint32_t chunk = ++pool->n_chunks;
    if (list->last != 0)
        pool->next[list->last - 1] = chunk;
    else
        list->first = chunk;
    list->last = chunk;
    list->cursor = chunk_at(pool, chunk);
    return true;
}

/* Slabs hold about as many rows as there are, up to some MiB. */
static bool pool_init(struct pool *pool, size_t record_bytes, int64_t rows, uint32_t partitions,
                      const struct cxm_allocator *allocator)
{
    pool->allocator = allocator;
    pool->record_bytes = record_bytes;
    pool->slab_chunks = 1;
    while (pool->slab_chunks < MOST_SLAB && (int64_t)pool->slab_chunks * CHUNK < rows) {
        pool->slab_chunks *= 2;
        pool->slab_shift++;
    }
    pool->lists = cxm_priv_alloc_zero(allocator, partitions, sizeof *pool->lists);
    return pool->lists != NULL;
}

static void pool_release(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->n_slabs; i++)
        cxm_priv_release(pool->allocator, pool->slabs[i]);
    cxm_priv_release(pool->allocator, pool->slabs);
    cxm_priv_release(pool->allocator, pool->next);
    cxm_priv_release(pool->allocator, pool->lists);
}

/* ---- the whole sort ------------------------------------------------------------------- */

/* A key column: as words, or through codes that were given to its keys before. */
struct source {
    const struct cxm_column *column; /* NULL: none */
    struct cxm_key_plan plan;
    struct cxm_codes codes;
    bool coded, narrow;
};

struct worker;

struct sorting {
    const struct cxm_event_plan *plan;
    const struct cxm_event_columns *columns;
    const struct cxm_allocator *allocator;
    struct source customer, code;
    struct cxm_column time, extra; /* with INT64_MIN as missing */
    int64_t n_rows;
    int partition_bits;
    uint32_t n_partitions;
    unsigned n_workers;
    struct worker *workers;
};

struct worker {
    struct sorting *sorting;
    unsigned number;
    int64_t first, last;        /* rows that it reads */
    struct pool pools[N_WIDTHS];
    bool has_base;
    uint64_t high;              /* the upper halves of narrow keys */
    int64_t base;               /* what narrow instants are counted from */
    struct block_memory *block;
    struct cxm_event *events, *other; /* one partition; memory for merging */
    size_t capacity, other_capacity;
    uint32_t *counts;           /* by bucket */
    size_t counts_capacity;
    bool subsecond;
    enum cxm_status status;
    struct cxm_error error;
    pthread_t thread;
    bool started;
};

struct block_memory {
    uint64_t customer[BLOCK], code[BLOCK];
    int64_t time[BLOCK], extra[BLOCK];
    uint8_t customer_state[BLOCK], code_state[BLOCK], time_state[BLOCK], extra_state[BLOCK];
    bool keep[BLOCK];
};

/* ---- reading -------------------------------------------------------------------------- */

struct readers {
    struct cxm_reader customer, code, time, extra;
};

static void read_keys(const struct source *source, struct cxm_reader *reader, int64_t first,
                      size_t n, uint64_t *words, uint8_t *states)
{
    if (source->column == NULL) {
        memset(words, 0, n * sizeof *words);
        memset(states, CXM_ROW_USED, n);
    } else if (!source->coded) {
        cxm_priv_read_key_words(reader, &source->plan, first, n, words, states);
        for (size_t i = 0; source->narrow && i < n; i++)
            words[i] &= UINT16_MAX; /* a sign would make it look like CXM_CODE_MISSING */
    } else {
        for (size_t i = 0; i < n; i++) {
            const uint32_t code = source->codes.codes[first + (int64_t)i];
            words[i] = code;
            states[i] = code == CXM_CODE_MISSING ? CXM_ROW_MISSING : CXM_ROW_USED;
        }
    }
}

static void read_instants(const struct cxm_column *column, struct cxm_reader *reader,
                          int64_t first, size_t n, int64_t none, int64_t *values,
                          uint8_t *states, bool *subsecond)
{
    if (column != NULL) {
        cxm_priv_read_times(reader, first, n, values, states, subsecond);
        for (size_t i = 0; i < n; i++)
            values[i] = states[i] == CXM_ROW_USED ? values[i] : none;
        return;
    }
    for (size_t i = 0; i < n; i++)
        values[i] = none;
    memset(states, CXM_ROW_USED, n);
}

static enum cxm_status invalid_at(const struct cxm_column *column, const char *role, int64_t row,
                                  const char *what, struct cxm_error *error)
{
    const char *name = column->name != NULL ? column->name : role;
    char text[64];
    cxm_priv_value_text(column, row, text, sizeof text);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                            "%s: row %lld is %s, %s; to count such rows pass invalid=\"count\".",
                            name, (long long)row, text, what);
}

static enum cxm_status refuse_invalid(const struct sorting *s, const struct block_memory *b,
                                      int64_t first, size_t n, struct cxm_error *error)
{
    static const char no_time[] = "no instant of whole 64-bit seconds";
    static const char no_key[] = "which is outside the range of this key";
    const uint8_t invalid = CXM_ROW_INVALID;
    if (memchr(b->customer_state, invalid, n) == NULL && memchr(b->code_state, invalid, n) == NULL
        && memchr(b->time_state, invalid, n) == NULL
        && memchr(b->extra_state, invalid, n) == NULL)
        return CXM_OK;
    for (size_t i = 0; i < n; i++) {
        const int64_t row = first + (int64_t)i;
        if (b->customer_state[i] == invalid)
            return invalid_at(s->columns->customer, "customer", row, no_key, error);
        if (b->time_state[i] == invalid)
            return invalid_at(s->columns->time, "time", row, no_time, error);
        if (b->extra_state[i] == invalid)
            return invalid_at(s->columns->extra, "time", row, no_time, error);
        if (b->code_state[i] == invalid)
            return invalid_at(s->columns->code, "category", row, no_key, error);
    }
    return CXM_OK;
}

static void keep_complete(const struct block_memory *b, size_t n, bool *keep)
{
    for (size_t i = 0; i < n; i++)
        keep[i] = b->customer_state[i] == CXM_ROW_USED && b->time_state[i] == CXM_ROW_USED
               && b->extra_state[i] != CXM_ROW_INVALID && b->code_state[i] != CXM_ROW_INVALID;
}

static inline bool put(struct pool *pool, uint32_t partition, const void *record, size_t bytes)
{
    struct list *list = &pool->lists[partition];
    if (CXM_UNLIKELY(list->n % CHUNK == 0) && !extend_list(pool, partition))
        return false;
    memcpy(list->cursor, record, bytes);
    list->cursor += bytes;
    list->n++;
    return true;
}

/* A row that does not fit a narrow record. */
static bool put_wide(struct worker *w, uint32_t partition, const struct cxm_event *event)
{
    struct pool *pool = &w->pools[WIDE];
    if (pool->lists == NULL
        && !pool_init(pool, sizeof *event, w->last - w->first, w->sorting->n_partitions,
                      w->sorting->allocator))
        return false;
    return put(pool, partition, event, sizeof *event);
}

static bool put_row(struct worker *w, const struct block_memory *b, size_t i, int64_t row)
{
    const struct sorting *s = w->sorting;
    const uint64_t word = b->customer[i], key = scramble(word);
    const uint32_t partition =
        s->partition_bits > 0 ? (uint32_t)(key >> (64 - s->partition_bits)) : 0;
    const uint32_t code =
        b->code_state[i] == CXM_ROW_USED ? (uint32_t)b->code[i] : CXM_CODE_MISSING;
    if (CXM_UNLIKELY(!w->has_base)) {
        w->has_base = true;
        w->high = word >> 32 << 32;
        w->base = (int64_t)((uint64_t)b->time[i] - ((uint64_t)1 << 31));
    }
    const uint64_t time = (uint64_t)b->time[i] - (uint64_t)w->base;
    const bool has_extra = b->extra[i] != CXM_NO_INSTANT;
    const uint64_t extra = has_extra ? (uint64_t)b->extra[i] - (uint64_t)w->base : 0;
    if (CXM_LIKELY((word ^ w->high) <= UINT32_MAX && time <= UINT32_MAX && extra < UINT32_MAX)) {
        const struct narrow record = { (uint32_t)word, (uint32_t)time,
                                       has_extra ? (uint32_t)extra : UINT32_MAX, code,
                                       (uint32_t)row };
        return put(&w->pools[NARROW], partition, &record, sizeof record);
    }
    const struct cxm_event event = { key, b->time[i], b->extra[i], code, (uint32_t)row };
    return put_wide(w, partition, &event);
}

static enum cxm_status partition_block(struct worker *w, struct readers *r, int64_t first,
                                       size_t n)
{
    const struct sorting *s = w->sorting;
    struct block_memory *b = w->block;
    read_keys(&s->customer, &r->customer, first, n, b->customer, b->customer_state);
    read_keys(&s->code, &r->code, first, n, b->code, b->code_state);
    read_instants(s->columns->time, &r->time, first, n, 0, b->time, b->time_state,
                  &w->subsecond);
    read_instants(s->columns->extra, &r->extra, first, n, CXM_NO_INSTANT, b->extra,
                  b->extra_state, &w->subsecond);
    if (!s->plan->count_invalid) {
        const enum cxm_status status = refuse_invalid(s, b, first, n, &w->error);
        if (status != CXM_OK)
            return status;
    }
    if (s->plan->filter != NULL) {
        const struct cxm_event_block block = { first, n, w->number, b->time, b->extra,
                                               b->customer_state, b->time_state,
                                               b->extra_state, b->code_state };
        s->plan->filter(s->plan->context, &block, b->keep);
    } else {
        keep_complete(b, n, b->keep);
    }
    for (size_t i = 0; i < n; i++) {
        if (b->keep[i] && !put_row(w, b, i, first + (int64_t)i))
            return cxm_priv_no_memory(&w->error);
    }
    return CXM_OK;
}

static void *partition_rows(void *argument)
{
    struct worker *w = argument;
    const struct cxm_event_columns *c = w->sorting->columns;
    struct readers r;
    cxm_priv_reader_init(&r.customer, c->customer);
    if (c->code != NULL)
        cxm_priv_reader_init(&r.code, c->code);
    if (c->time != NULL)
        cxm_priv_reader_init(&r.time, &w->sorting->time);
    if (c->extra != NULL)
        cxm_priv_reader_init(&r.extra, &w->sorting->extra);
    for (int64_t first = w->first; first < w->last && w->status == CXM_OK; first += BLOCK) {
        const int64_t left = w->last - first;
        w->status = partition_block(w, &r, first, left < BLOCK ? (size_t)left : BLOCK);
    }
    return NULL;
}

/* ---- sorting one partition ------------------------------------------------------------ */

static inline bool is_less(const struct cxm_event *a, const struct cxm_event *b)
{
    if (a->customer != b->customer)
        return a->customer < b->customer;
    if (a->code != b->code)
        return a->code < b->code;
    return a->time != b->time ? a->time < b->time : a->row < b->row;
}

static void insertion_sort(struct cxm_event *events, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct cxm_event event = events[i];
        size_t at = i;
        for (; at > 0 && is_less(&event, &events[at - 1]); at--)
            events[at] = events[at - 1];
        events[at] = event;
    }
}

/* From the bottom up; runs that follow one another in order already are left alone, so that a
 * log in time order costs one comparison a run. */
static void merge_sort(struct cxm_event *events, struct cxm_event *other, size_t n)
{
    for (size_t left = 0; left < n; left += SHORT_RUN)
        insertion_sort(events + left, n - left < SHORT_RUN ? n - left : SHORT_RUN);
    for (size_t width = SHORT_RUN; width < n; width *= 2) {
        for (size_t left = 0; left + width < n; left += 2 * width) {
            struct cxm_event *const a = events + left, *const b = a + width;
            const size_t n_b = n - left - width < width ? n - left - width : width;
            if (!is_less(b, b - 1))
                continue;
            memcpy(other, a, width * sizeof *a);
            size_t i = 0, j = 0;
            for (struct cxm_event *to = a; i < width; to++)
                *to = j < n_b && is_less(&b[j], &other[i]) ? b[j++] : other[i++];
        }
    }
}

static bool is_sorted(const struct cxm_event *events, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (is_less(&events[i], &events[i - 1]))
            return false;
    }
    return true;
}

static bool sort_bucket(struct worker *w, struct cxm_event *events, size_t n)
{
    if (n <= SHORT_RUN) {
        insertion_sort(events, n);
        return true;
    }
    if (is_sorted(events, n))
        return true;
    if (n > w->other_capacity) {
        cxm_priv_release(w->sorting->allocator, w->other);
        w->other = cxm_priv_alloc(w->sorting->allocator, n, sizeof *w->other);
        w->other_capacity = w->other != NULL ? n : 0;
        if (w->other == NULL)
            return false;
    }
    merge_sort(events, w->other, n);
    return true;
}

static bool reserve_partition(struct worker *w, size_t n, size_t buckets)
{
    const struct cxm_allocator *allocator = w->sorting->allocator;
    if (n > w->capacity) {
        cxm_priv_release(allocator, w->events);
        w->events = cxm_priv_alloc(allocator, n, sizeof *w->events);
        w->capacity = w->events != NULL ? n : 0;
    }
    if (buckets + 1 > w->counts_capacity) {
        cxm_priv_release(allocator, w->counts);
        w->counts = cxm_priv_alloc(allocator, buckets + 1, sizeof *w->counts);
        w->counts_capacity = w->counts != NULL ? buckets + 1 : 0;
    }
    return w->events != NULL && w->counts != NULL;
}

static inline size_t bucket_of(uint64_t customer, int partition_bits, int bucket_bits)
{
    return (size_t)(customer << partition_bits >> (64 - bucket_bits));
}

static inline struct cxm_event load_narrow(const struct worker *w, const unsigned char *from)
{
    struct narrow n;
    memcpy(&n, from, sizeof n);
    return (struct cxm_event){
        scramble(w->high | n.key), (int64_t)((uint64_t)w->base + n.time),
        n.extra == UINT32_MAX ? CXM_NO_INSTANT : (int64_t)((uint64_t)w->base + n.extra), n.code,
        n.row,
    };
}

/* Where records go: counts[b] is where the next one of bucket b does. */
struct buckets {
    uint32_t *counts;
    struct cxm_event *events; /* NULL: they are counted only, in counts[b + 1] */
    int partition_bits, bits;
};

static inline void place(const struct buckets *to, const struct cxm_event *event)
{
    const size_t b = bucket_of(event->customer, to->partition_bits, to->bits);
    if (to->events == NULL)
        to->counts[b + 1]++;
    else
        to->events[to->counts[b]++] = *event;
}

/* The records of a partition that one worker read. */
static inline void place_list(const struct worker *w, int width, uint32_t partition,
                              const struct buckets *to)
{
    const struct pool *const pool = &w->pools[width];
    if (pool->lists == NULL)
        return;
    size_t left = pool->lists[partition].n;
    for (uint32_t c = pool->lists[partition].first; c != 0; c = pool->next[c - 1]) {
        const unsigned char *const from = chunk_at(pool, c);
        const size_t n = left < CHUNK ? left : CHUNK;
        if (pool->next[c - 1] != 0)
            __builtin_prefetch(chunk_at(pool, pool->next[c - 1]));
        for (size_t i = 0; i < n; i++) {
            struct cxm_event event;
            if (width == NARROW)
                event = load_narrow(w, from + i * sizeof(struct narrow));
            else
                memcpy(&event, from + i * sizeof event, sizeof event);
            place(to, &event);
        }
        left -= n;
    }
}

static void place_all(const struct sorting *s, uint32_t partition, const struct buckets *to)
{
    for (unsigned t = 0; t < s->n_workers; t++) {
        place_list(&s->workers[t], NARROW, partition, to);
        place_list(&s->workers[t], WIDE, partition, to);
    }
}

static size_t count_records(const struct sorting *s, uint32_t partition)
{
    size_t n = 0;
    for (unsigned t = 0; t < s->n_workers; t++) {
        for (int width = 0; width < N_WIDTHS; width++) {
            const struct list *lists = s->workers[t].pools[width].lists;
            n += lists != NULL ? lists[partition].n : 0;
        }
    }
    return n;
}

static enum cxm_status sort_partition(struct worker *w, uint32_t partition)
{
    const struct sorting *s = w->sorting;
    const size_t n = count_records(s, partition);
    if (n == 0)
        return CXM_OK;
    int bits = 1;
    while (bits < MOST_BUCKET_BITS && (size_t)1 << bits < n)
        bits++;
    const size_t n_buckets = (size_t)1 << bits;
    if (!reserve_partition(w, n, n_buckets))
        return cxm_priv_no_memory(&w->error);
    struct buckets to = { w->counts, NULL, s->partition_bits, bits };
    memset(to.counts, 0, (n_buckets + 1) * sizeof *to.counts);
    place_all(s, partition, &to);
    for (size_t b = 1; b < n_buckets; b++)
        to.counts[b] += to.counts[b - 1];
    to.events = w->events;
    place_all(s, partition, &to);
    /* Now counts[b] is where bucket b ends. */
    for (size_t b = 0, start = 0; b < n_buckets; start = to.counts[b++]) {
        const size_t size = to.counts[b] - start;
        if (size > 1 && !sort_bucket(w, w->events + start, size))
            return cxm_priv_no_memory(&w->error);
    }
    return s->plan->visit(s->plan->context, w->number, w->events, n, &w->error);
}

static void *sort_partitions(void *argument)
{
    struct worker *w = argument;
    const struct sorting *s = w->sorting;
    for (uint32_t p = w->number; p < s->n_partitions && w->status == CXM_OK; p += s->n_workers)
        w->status = sort_partition(w, p);
    return NULL;
}

/* ---- workers -------------------------------------------------------------------------- */

/* The failure of the worker with the lowest rows is the one that is told. */
static enum cxm_status run(struct sorting *s, void *(*work)(void *), struct cxm_error *error)
{
    for (unsigned t = 1; t < s->n_workers; t++)
        s->workers[t].started =
            pthread_create(&s->workers[t].thread, NULL, work, &s->workers[t]) == 0;
    for (unsigned t = 0; t < s->n_workers; t++) {
        if (!s->workers[t].started)
            work(&s->workers[t]);
    }
    for (unsigned t = 1; t < s->n_workers; t++) {
        if (s->workers[t].started)
            pthread_join(s->workers[t].thread, NULL);
        s->workers[t].started = false;
    }
    for (unsigned t = 0; t < s->n_workers; t++) {
        if (s->workers[t].status == CXM_OK)
            continue;
        if (error != NULL)
            *error = s->workers[t].error;
        return s->workers[t].status;
    }
    return CXM_OK;
}

/* INT64_MIN is no instant, unless the column says itself what is missing. */
static struct cxm_column with_missing(const struct cxm_column *column)
{
    struct cxm_column copy;
    memset(&copy, 0, sizeof copy);
    if (column == NULL)
        return copy;
    copy = *column;
    const struct cxm_column *const part = column->n_chunks > 0 ? column->chunks : column;
    if ((copy.flags & CXM_COLUMN_SENTINEL) == 0 && part->type == CXM_I64
        && part->dictionary == NULL) {
        copy.flags |= CXM_COLUMN_SENTINEL;
        copy.sentinel = INT64_MIN;
    }
    return copy;
}

static bool is_narrow(const struct cxm_column *column)
{
    return column->n_chunks == 0 && column->dictionary == NULL
        && (column->type == CXM_U8 || column->type == CXM_I8 || column->type == CXM_U16
            || column->type == CXM_I16 || column->type == CXM_BOOL || column->type == CXM_BITS);
}

/* Texts are numbered; so are wide categories, which must fit 32 bits. */
static enum cxm_status open_source(struct sorting *s, struct source *source,
                                   const struct cxm_column *column, const char *role,
                                   bool narrow, struct cxm_error *error)
{
    source->column = column;
    if (column == NULL)
        return CXM_OK;
    const enum cxm_status status = cxm_priv_key_plan(column, &source->plan, error);
    if (status != CXM_OK)
        return status;
    source->narrow = narrow && is_narrow(column);
    source->coded = !source->plan.words || (narrow && !source->narrow);
    if (!source->coded)
        return CXM_OK;
    return cxm_priv_code_keys(&column, 1, role, s->plan->count_invalid, s->allocator,
                              &source->codes, error);
}

static bool make_workers(struct sorting *s)
{
    s->workers = cxm_priv_alloc_zero(s->allocator, s->n_workers, sizeof *s->workers);
    if (s->workers == NULL)
        return false;
    bool room = true;
    const int64_t share = s->n_rows / s->n_workers;
    for (unsigned t = 0; t < s->n_workers; t++) {
        struct worker *w = &s->workers[t];
        w->sorting = s;
        w->number = t;
        w->first = share * t;
        w->last = t + 1 < s->n_workers ? share * (t + 1) : s->n_rows;
        for (int width = 0; width < N_WIDTHS; width++)
            w->pools[width].allocator = s->allocator;
        w->block = cxm_priv_alloc(s->allocator, 1, sizeof *w->block);
        room = pool_init(&w->pools[NARROW], sizeof(struct narrow), w->last - w->first,
                         s->n_partitions, s->allocator)
            && room && w->block != NULL;
    }
    return room;
}

static void release(struct sorting *s)
{
    for (unsigned t = 0; s->workers != NULL && t < s->n_workers; t++) {
        struct worker *w = &s->workers[t];
        pool_release(&w->pools[NARROW]);
        pool_release(&w->pools[WIDE]);
        cxm_priv_release(s->allocator, w->block);
        cxm_priv_release(s->allocator, w->events);
        cxm_priv_release(s->allocator, w->other);
        cxm_priv_release(s->allocator, w->counts);
    }
    cxm_priv_release(s->allocator, s->workers);
    cxm_priv_codes_release(&s->customer.codes);
    cxm_priv_codes_release(&s->code.codes);
}

static unsigned count_workers(int wanted, int64_t rows)
{
    enum { ROWS_WORTH_A_THREAD = 65536 };
    int64_t n = wanted < CXM_MOST_WORKERS ? wanted : CXM_MOST_WORKERS;
    if (n > rows / ROWS_WORTH_A_THREAD)
        n = rows / ROWS_WORTH_A_THREAD;
    return n > 1 ? (unsigned)n : 1;
}

enum cxm_status cxm_priv_sort_events(const struct cxm_event_columns *columns,
                                     const struct cxm_event_plan *plan, struct cxm_error *error)
{
    struct sorting s = { .plan = plan, .columns = columns, .n_rows = columns->customer->n,
                         .allocator = cxm_priv_allocator(plan->allocator) };
    s.time = with_missing(columns->time);
    s.extra = with_missing(columns->extra);
    if (s.n_rows > (int64_t)UINT32_MAX - 1)
        return cxm_priv_fail(error, CXM_EOVERFLOW, "customer",
                             "at most 2^32 - 2 rows a call; split the customers");
    while (s.partition_bits < MOST_PARTITION_BITS
           && s.n_rows >> s.partition_bits > PARTITION_ROWS)
        s.partition_bits++;
    s.n_partitions = (uint32_t)1 << s.partition_bits;
    s.n_workers = count_workers(plan->threads, s.n_rows);
    enum cxm_status status = open_source(&s, &s.customer, columns->customer, "customer", false,
                                         error);
    if (status == CXM_OK)
        status = open_source(&s, &s.code, columns->code, "category", true, error);
    if (status == CXM_OK && !make_workers(&s))
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK)
        status = run(&s, partition_rows, error);
    for (unsigned t = 0; status == CXM_OK && plan->subsecond != NULL && t < s.n_workers; t++)
        *plan->subsecond = *plan->subsecond || s.workers[t].subsecond;
    if (status == CXM_OK)
        status = run(&s, sort_partitions, error);
    release(&s);
    return status;
}
