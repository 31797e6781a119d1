/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The common matrix without a sort: customers numbered closely together, calendar periods, up
 * to 64 of them. One word of bits for each customer, a bit for each period with an event: the
 * lowest bit is the period of birth, and shifted down by it the word is the customer's row of
 * the matrix. One pass over the rows, in any order, an `or` each; a thread has its own words.
 *
 * Where the numbers lie and which periods there are is guessed from a sample. A row outside of
 * the guess ends the pass, and the whole is looked at. A period is found from the instant by a
 * table of slots shorter than any period, each with at most one boundary. With 32 periods or
 * less words of 32 bits: 2 million customers stay in 8 MB. Memory for a thread: 4 or 8 bytes for
 * each number between the lowest and the highest id, at most 16 bytes a row. */
#include "derive/cohort_mark.h"
#include "derive/cohort_records.h"

#include <pthread.h>

enum { BLOCK = 1024, SMALL_BITS = 32, SAMPLES = 64, MARGIN = 1 << 16, MOST_THREADS = 64 };

/* Words of whole numbers order as unsigned ones: 0 is the sign bit. */
#define ZERO_WORD ((uint64_t)1 << 63)

/* ---- the guess ------------------------------------------------------------------------ */

struct span {
    uint64_t low_id, high_id;
    int64_t low_time, high_time;
    bool any;
};

struct readers {
    const struct cxm_cohort_plan *plan;
    struct cxm_key_plan key;
    struct cxm_reader customer, time;
    uint64_t ids[BLOCK];
    int64_t times[BLOCK];
    uint8_t id_states[BLOCK], time_states[BLOCK];
    bool subsecond;
};

static void readers_init(struct readers *r, const struct cxm_cohort_plan *plan,
                         const struct cxm_key_plan *key)
{
    r->plan = plan;
    r->key = *key;
    r->subsecond = false;
    cxm_priv_reader_init(&r->customer, plan->customer);
    cxm_priv_reader_init(&r->time, plan->time);
}

static void read_block(struct readers *r, int64_t first, size_t n)
{
    cxm_priv_read_key_words(&r->customer, &r->key, first, n, r->ids, r->id_states);
    cxm_priv_read_times(&r->time, first, n, r->times, r->time_states, &r->subsecond);
}

static void widen(struct span *span, const struct readers *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (r->id_states[i] != CXM_ROW_USED || r->time_states[i] != CXM_ROW_USED
            || r->times[i] > r->plan->as_of)
            continue;
        if (!span->any)
            *span = (struct span){ r->ids[i], r->ids[i], r->times[i], r->times[i], true };
        span->low_id = r->ids[i] < span->low_id ? r->ids[i] : span->low_id;
        span->high_id = r->ids[i] > span->high_id ? r->ids[i] : span->high_id;
        span->low_time = r->times[i] < span->low_time ? r->times[i] : span->low_time;
        span->high_time = r->times[i] > span->high_time ? r->times[i] : span->high_time;
    }
}

/* Of some blocks, or of all of them. */
static struct span look(struct readers *r, int64_t n_rows, bool all)
{
    struct span span = { 0 };
    const int64_t blocks = (n_rows + BLOCK - 1) / BLOCK;
    const int64_t step = all || blocks <= SAMPLES ? 1 : blocks / SAMPLES;
    for (int64_t b = 0; b < blocks; b += step) {
        const int64_t left = n_rows - b * BLOCK;
        const size_t n = left < BLOCK ? (size_t)left : BLOCK;
        read_block(r, b * BLOCK, n);
        widen(&span, r, n);
    }
    return span;
}

/* ---- the pass ------------------------------------------------------------------------- */

struct pass {
    const struct cxm_cohort_plan *plan;
    const struct cxm_key_plan *key;
    const struct cxm_cohort_calendar *calendar;
    uint64_t low_id;
    size_t n_ids;
    bool small;              /* words of 32 bits */
    int64_t first, last;     /* rows */
    pthread_t thread;
    void *words;
    struct readers *readers;
    int64_t used, missing, invalid, unseen;
    int64_t outside;         /* the first row outside of the guess; -1: none */
    bool subsecond;
};

#define OR_BITS(T)                                                                              \
    do {                                                                                        \
        T *const words = p->words;                                                              \
        for (size_t i = 0; i < n; i++) {                                                        \
            const uint64_t at = ids[i] - p->low_id;                                             \
            const unsigned bit = cxm_priv_cohort_bit(c, times[i]);                             \
            if (CXM_UNLIKELY(at >= p->n_ids || bit == CXM_COHORT_BITS))                         \
                return i;                                                                       \
            words[at] |= (T)1 << bit;                                                           \
        }                                                                                       \
    } while (0)

/* Rows that all are there; how many were counted before one that is outside. */
static size_t or_bits(struct pass *p, const uint64_t *ids, const int64_t *times, size_t n)
{
    const struct cxm_cohort_calendar *const c = p->calendar;
    if (p->small)
        OR_BITS(uint32_t);
    else
        OR_BITS(uint64_t);
    return n;
}

/* One row of a block with rows that are missing or unseen; false: outside of the guess. */
static bool one_row(struct pass *p, size_t i)
{
    struct readers *r = p->readers;
    if (r->id_states[i] != CXM_ROW_USED || r->time_states[i] != CXM_ROW_USED) {
        const bool bad = r->id_states[i] == CXM_ROW_INVALID
                      || r->time_states[i] == CXM_ROW_INVALID;
        bad ? p->invalid++ : p->missing++;
        return !bad || p->plan->count_invalid;
    }
    if (r->times[i] > p->plan->as_of) {
        p->unseen++;
        return true;
    }
    p->used++;
    return or_bits(p, &r->ids[i], &r->times[i], 1) == 1;
}

static void run_block(struct pass *p, int64_t first, size_t n)
{
    struct readers *r = p->readers;
    read_block(r, first, n);
    const bool plain = memchr(r->id_states, CXM_ROW_MISSING, n) == NULL
                    && memchr(r->time_states, CXM_ROW_MISSING, n) == NULL
                    && memchr(r->id_states, CXM_ROW_INVALID, n) == NULL
                    && memchr(r->time_states, CXM_ROW_INVALID, n) == NULL;
    size_t i = plain ? or_bits(p, r->ids, r->times, n) : 0;
    p->used += (int64_t)i;
    for (; i < n && p->outside < 0; i++) {
        if (!one_row(p, i))
            p->outside = first + (int64_t)i;
    }
}

/* Columns that are plain arrays are read where they lie. */
static bool is_plain(const struct cxm_column *c)
{
    return c->validity == NULL && c->mask == NULL && c->dictionary == NULL && c->n_chunks == 0
        && c->n_missing_codes == 0 && c->n_labels == 0 && (c->flags & CXM_COLUMN_SENTINEL) == 0;
}

static bool is_array_of(const struct cxm_column *c, enum cxm_type type)
{
    return is_plain(c) && c->type == (uint32_t)type
        && c->stride == (int64_t)cxm_type_bytes(type)
        && (uintptr_t)c->data % cxm_type_bytes(type) == 0;
}

/* Ids of 32 bits, seconds, words of 32 bits: for the hot loop. */
static bool is_hot(const struct pass *p)
{
    const struct cxm_column *t = p->plan->time;
    return p->small && p->n_ids <= UINT32_MAX && p->low_id - ZERO_WORD <= UINT32_MAX
        && is_array_of(p->plan->customer, CXM_U32) && is_array_of(t, CXM_I64)
        && (t->time_unit == CXM_NO_TIME || t->time_unit == CXM_S)
        && (t->flags & CXM_COLUMN_DATES) == 0;
}

static void *run_pass(void *argument)
{
    struct pass *p = argument;
    int64_t row = p->first;
    const bool hot = is_hot(p);
    const uint32_t *ids = hot ? (const uint32_t *)p->plan->customer->data
                                    + p->plan->customer->offset : NULL;
    const int64_t *times = hot ? (const int64_t *)p->plan->time->data + p->plan->time->offset
                               : NULL;
    const struct cxm_cohort_marks marks = { p->calendar, p->words, (uint32_t)(p->low_id - ZERO_WORD),
                                            (uint32_t)p->n_ids };
    cxm_cohort_mark *const mark = cxm_priv_cohort_mark(0);
    while (row < p->last && p->outside < 0) {
        if (hot) {
            const size_t marked = mark(&marks, ids + row, times + row, (size_t)(p->last - row));
            p->used += (int64_t)marked;
            row += (int64_t)marked;
        }
        const int64_t left = p->last - row;
        const size_t n = left < BLOCK ? (size_t)left : BLOCK;
        run_block(p, row, n);
        row += (int64_t)n;
    }
    p->subsecond = p->readers->subsecond;
    return NULL;
}

/* One thread's share of the ids. The words of all threads are or'ed: what each saw of a
 * customer. */
struct share {
    struct cxm_bit_counts *counting;
    const struct pass *passes;
    int n_passes;
    bool or_after;
    size_t first, last;
    pthread_t thread;
};

static void *count_share(void *argument)
{
    struct share *s = argument;
    struct cxm_bit_counts *c = s->counting;
    cxm_priv_bit_counts_init(c);
    const bool small = s->passes[0].small;
    for (size_t i = s->first; i < s->last; i++) {
        uint64_t word = 0;
        for (int t = 0; t < s->n_passes; t++)
            word |= small ? ((const uint32_t *)s->passes[t].words)[i]
                          : ((const uint64_t *)s->passes[t].words)[i];
        cxm_priv_bit_counts_add(c, word, small ? 4 : 8, s->or_after);
    }
    cxm_priv_bit_counts_close(c);
    return NULL;
}

/* Counts with the threads of the passes into counting[0]; there is one for each. */
static void count_customers(struct cxm_bit_counts *counting, const struct pass *passes, int n,
                            bool or_after)
{
    struct share shares[MOST_THREADS];
    bool started[MOST_THREADS] = { false };
    const size_t n_ids = passes[0].n_ids;
    for (int t = 0; t < n; t++)
        shares[t] = (struct share){ &counting[t], passes, n, or_after, n_ids / (size_t)n * (size_t)t,
                                    t + 1 == n ? n_ids : n_ids / (size_t)n * (size_t)(t + 1), 0 };
    for (int t = 1; t < n; t++)
        started[t] = pthread_create(&shares[t].thread, NULL, count_share, &shares[t]) == 0;
    count_share(&shares[0]);
    for (int t = 1; t < n; t++) {
        if (started[t])
            pthread_join(shares[t].thread, NULL);
        else
            count_share(&shares[t]);
        cxm_priv_bit_counts_merge(&counting[0], &counting[t]);
    }
}

/* ---- one try -------------------------------------------------------------------------- */

struct attempt {
    struct cxm_cohort_calendar calendar;
    struct cxm_bit_counts *counting; /* one for each pass */
    struct pass passes[MOST_THREADS];
    int n_passes;
};

static bool start_passes(struct attempt *a, const struct cxm_cohort_plan *plan,
                         const struct cxm_key_plan *key, const struct span *span, bool all)
{
    const uint64_t margin = all ? 0 : MARGIN + (span->high_id - span->low_id) / 8;
    uint64_t low = span->low_id > margin ? span->low_id - margin : 0;
    if (plan->customer->type == CXM_U32 && low < ZERO_WORD)
        low = ZERO_WORD; /* nothing is below 0 */
    const uint64_t n_ids = (span->high_id <= UINT64_MAX - margin ? span->high_id + margin
                                                                 : UINT64_MAX) - low + 1;
    const int64_t rows = plan->time->n;
    int threads = plan->threads < 1 ? 1 : plan->threads > MOST_THREADS ? MOST_THREADS
                                                                       : plan->threads;
    if (rows < (int64_t)threads * 65536)
        threads = 1;
    a->n_passes = 0;
    a->counting = cxm_priv_alloc(plan->allocator, (size_t)threads, sizeof *a->counting);
    if (a->counting == NULL)
        return false;
    for (int t = 0; t < threads; t++) {
        struct pass *p = &a->passes[a->n_passes];
        memset(p, 0, sizeof *p);
        p->plan = plan;
        p->key = key;
        p->calendar = &a->calendar;
        p->low_id = low;
        p->n_ids = (size_t)n_ids;
        p->small = a->calendar.n_periods <= SMALL_BITS;
        p->first = rows / threads * t;
        p->last = t + 1 == threads ? rows : rows / threads * (t + 1);
        p->outside = -1;
        p->words = cxm_priv_alloc_zero_dense(plan->allocator, p->n_ids, p->small ? 4 : 8);
        p->readers = cxm_priv_alloc(plan->allocator, 1, sizeof *p->readers);
        a->n_passes++;
        if (p->words == NULL || p->readers == NULL)
            return false;
        readers_init(p->readers, plan, key);
    }
    return true;
}

static void run_passes(struct attempt *a)
{
    bool started[MOST_THREADS] = { false };
    for (int t = 1; t < a->n_passes; t++)
        started[t] = pthread_create(&a->passes[t].thread, NULL, run_pass, &a->passes[t]) == 0;
    run_pass(&a->passes[0]);
    for (int t = 1; t < a->n_passes; t++) {
        if (started[t])
            pthread_join(a->passes[t].thread, NULL);
        else
            run_pass(&a->passes[t]);
    }
}

static void stop_passes(struct attempt *a, const struct cxm_allocator *allocator)
{
    for (int t = 0; t < a->n_passes; t++) {
        cxm_priv_release(allocator, a->passes[t].words);
        cxm_priv_release(allocator, a->passes[t].readers);
    }
    cxm_priv_release(allocator, a->counting);
    a->counting = NULL;
    a->n_passes = 0;
}

/* As many periods as 32 bits hold (or 64, where that is too few), the span in their middle. */
static bool choose_periods(struct attempt *a, const struct cxm_cohort_plan *plan,
                           const struct span *span)
{
    const int64_t low = cxm_priv_period_index(&plan->columns, span->low_time);
    const int64_t high = cxm_priv_period_index(&plan->columns, span->high_time);
    if (high - low >= CXM_COHORT_BITS)
        return false;
    const int64_t bits = high - low < SMALL_BITS ? SMALL_BITS : CXM_COHORT_BITS;
    const int64_t now = cxm_priv_period_index(&plan->columns, plan->as_of);
    int64_t first = low - (bits - (high - low + 1)) / 2;
    if (now - low < bits) /* all that can come after is in, the rest before */
        first = now - (bits - 1) > first ? now - (bits - 1) : first;
    return cxm_priv_cohort_calendar(&a->calendar, plan, first, bits);
}

enum result { DONE, OUTSIDE, NOT_POSSIBLE, FAILED, WRONG };

static enum result try(struct attempt *a, const struct cxm_cohort_plan *plan,
                       const struct cxm_key_plan *key, const struct span *span, bool all,
                       struct cxm_cohort_table *out, enum cxm_status *status,
                       struct cxm_error *error)
{
    const uint64_t most = (uint64_t)plan->time->n * 2 + MARGIN;
    if (!span->any || !choose_periods(a, plan, span))
        return NOT_POSSIBLE;
    if (span->high_id - span->low_id >= most) {
        bool outside = false;
        *status = cxm_priv_cohort_records(plan, &a->calendar, out, &outside, error);
        return *status != CXM_OK ? FAILED : outside ? OUTSIDE : DONE;
    }
    enum result result = DONE;
    if (!start_passes(a, plan, key, span, all)) {
        *status = cxm_priv_no_memory(error);
        result = FAILED;
    } else {
        run_passes(a);
    }
    for (int t = 0; t < a->n_passes && result != FAILED; t++) {
        const struct pass *p = &a->passes[t];
        if (p->outside >= 0)
            result = p->invalid > 0 && !plan->count_invalid ? WRONG : OUTSIDE;
        out->used += p->used;
        out->missing += p->missing;
        out->invalid += p->invalid;
        out->unseen += p->unseen;
        out->subsecond |= p->subsecond;
    }
    if (result == DONE) {
        count_customers(a->counting, a->passes, a->n_passes, plan->or_after);
        *status = cxm_priv_bit_counts_write(a->counting, plan, &a->calendar, out, error);
    }
    stop_passes(a, plan->allocator);
    return result;
}

/* Same periods for rows and columns, so that a word is a row. */
static bool fits(const struct cxm_cohort_plan *plan)
{
    return !plan->rolling && plan->start_time == NULL && plan->start_flag == NULL
        && plan->groups == NULL && plan->edges == NULL && !plan->hour_floor
        && plan->rows.unit == plan->columns.unit && plan->rows.length == plan->columns.length
        && plan->time->n > 0;
}

enum cxm_status cxm_priv_cohorts_dense(const struct cxm_cohort_plan *plan,
                                       struct cxm_cohort_table *out, bool *done,
                                       struct cxm_error *error)
{
    struct cxm_key_plan key;
    *done = false;
    if (!fits(plan))
        return CXM_OK;
    enum cxm_status status = cxm_priv_key_plan(plan->customer, &key, error);
    if (status != CXM_OK || !key.words || key.info.type == CXM_KEY_REAL)
        return status;
    struct attempt *a = cxm_priv_alloc(plan->allocator, 1, sizeof *a);
    struct readers *readers = cxm_priv_alloc(plan->allocator, 1, sizeof *readers);
    if (a == NULL || readers == NULL) {
        cxm_priv_release(plan->allocator, a);
        cxm_priv_release(plan->allocator, readers);
        return cxm_priv_no_memory(error);
    }
    a->n_passes = 0;
    a->counting = NULL;
    enum result result = OUTSIDE;
    for (int all = 0; all < 2 && result == OUTSIDE; all++) {
        cxm_priv_cohort_table_release(out);
        readers_init(readers, plan, &key);
        const struct span span = look(readers, plan->time->n, all);
        result = try(a, plan, &key, &span, all, out, &status, error);
    }
    *done = result == DONE;
    if (!*done) /* wrong values are named by the general road */
        cxm_priv_cohort_table_release(out);
    cxm_priv_release(plan->allocator, a);
    cxm_priv_release(plan->allocator, readers);
    return status;
}
