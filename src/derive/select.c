/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Exact order statistics by selection. A double is turned into a word whose unsigned order is that
 * of the numbers; its upper 16 bits (sign, exponent, four bits of the mantissa: 16 buckets an octave)
 * are counted by group in a first pass, which tells the bucket of every rank; a second pass gathers
 * the values of these buckets, a few per cent of the rows, and each is finished by quickselect. Above
 * 256 groups the values are spread by group instead. Both give the same numbers for any
 * order of the rows and any number of threads. Up to 2^32 - 1 rows. */
#include "derive/select.h"

#include <math.h>
#include <pthread.h>

enum { BLOCK = 1024, MOST_THREADS = 64, BUCKETS = CXM_SELECT_BUCKETS };

static uint64_t word_of(double x)
{
    uint64_t bits;
    x += 0.0; /* -0.0 is 0.0 */
    memcpy(&bits, &x, sizeof bits);
    return bits ^ ((bits >> 63) ? UINT64_MAX : UINT64_C(1) << 63);
}

static double number_of(uint64_t word)
{
    double x;
    word ^= (word >> 63) ? UINT64_C(1) << 63 : UINT64_MAX;
    memcpy(&x, &word, sizeof x);
    return x;
}

/* ---- threads over ranges of rows -------------------------------------------------------- */

struct worker {
    struct cxm_selection *s;
    int64_t first, last;
    int index;
    pthread_t thread;
    bool started;
    void (*work)(struct worker *);
    int64_t *n, *missing, *invalid;
    int64_t bad_row;              /* lowest invalid row; -1: none */
    uint32_t *histogram;          /* pass one */
    const uint32_t *bucket;       /* pass two: by group and leading bits, number + 1 */
    uint64_t *gathered;
    size_t *at;                   /* next place of each wanted bucket */
    int64_t *place;               /* many groups: next place of each group */
};

static void *run(void *worker)
{
    struct worker *w = worker;
    w->work(w);
    return NULL;
}

static int workers_of(const struct cxm_selection *s)
{
    const int64_t blocks = s->column->n / (64 * BLOCK) + 1;
    const int wanted = s->threads < 1 ? 1 : s->threads > MOST_THREADS ? MOST_THREADS : s->threads;
    return wanted < blocks ? wanted : (int)blocks;
}

static void run_all(struct worker *workers, int n, void (*work)(struct worker *))
{
    for (int i = 0; i < n; i++)
        workers[i].work = work;
    for (int i = 1; i < n; i++)
        workers[i].started = pthread_create(&workers[i].thread, NULL, run, &workers[i]) == 0;
    work(&workers[0]);
    for (int i = 1; i < n; i++) {
        if (workers[i].started)
            pthread_join(workers[i].thread, NULL);
        else
            work(&workers[i]);
    }
}

/* ---- pass one ---------------------------------------------------------------------------- */

static void count_rows(struct worker *w)
{
    struct cxm_selection *s = w->s;
    struct cxm_reader reader;
    double values[BLOCK];
    uint8_t states[BLOCK];
    cxm_priv_reader_init(&reader, s->column);
    for (int64_t first = w->first; first < w->last; first += BLOCK) {
        const size_t n = w->last - first < BLOCK ? (size_t)(w->last - first) : BLOCK;
        cxm_priv_read_numbers(&reader, first, n, values, states);
        for (size_t i = 0; i < n; i++) {
            const uint32_t group = s->codes != NULL ? s->codes[first + (int64_t)i] : 0;
            if (group >= s->n_groups)
                continue;
            if (CXM_LIKELY(states[i] == CXM_ROW_USED)) {
                w->n[group]++;
                if (w->histogram != NULL)
                    w->histogram[(size_t)group * BUCKETS + (word_of(values[i]) >> 48)]++;
            } else if (states[i] == CXM_ROW_MISSING) {
                w->missing[group]++;
            } else {
                w->invalid[group]++;
                if (w->bad_row < 0)
                    w->bad_row = first + (int64_t)i;
            }
        }
    }
}

static enum cxm_status refuse(const struct cxm_column *column, int64_t row,
                              struct cxm_error *error)
{
    char text[64];
    const char *name = column->name != NULL ? column->name : "value";
    cxm_priv_value_text(column, row, text, sizeof text);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                            "%s: row %lld is %s, not a finite number; to count such rows pass "
                            "invalid=\"count\"", name, (long long)row, text);
}

static struct worker *workers_new(struct cxm_selection *s, int n)
{
    struct worker *workers = cxm_priv_alloc_zero(s->allocator, (size_t)n, sizeof *workers);
    for (int i = 0; workers != NULL && i < n; i++) {
        workers[i].s = s;
        workers[i].index = i;
        workers[i].first = s->column->n / n * i;
        workers[i].last = i == n - 1 ? s->column->n : s->column->n / n * (i + 1);
        workers[i].bad_row = -1;
    }
    return workers;
}

/* Counters of all threads, the first ones last kept in s. */
static bool counters_new(struct cxm_selection *s, int n, int64_t **counters)
{
    const size_t groups = s->n_groups;
    s->n = cxm_priv_alloc_zero(s->allocator, 3 * groups, sizeof *s->n);
    *counters = cxm_priv_alloc_zero(s->allocator, 3 * groups * (size_t)n, sizeof **counters);
    if (s->n_groups <= CXM_SELECT_GROUPS) {
        s->histogram = cxm_priv_alloc_zero(s->allocator, groups * (size_t)n * BUCKETS,
                                           sizeof *s->histogram);
        if (s->histogram == NULL)
            return false;
    }
    if (s->n == NULL || *counters == NULL)
        return false;
    s->missing = s->n + groups;
    s->invalid = s->n + 2 * groups;
    return true;
}

static enum cxm_status spread(struct cxm_selection *s, struct worker *workers, int n,
                              struct cxm_error *error);

enum cxm_status cxm_priv_select_count(struct cxm_selection *s, struct cxm_error *error)
{
    if (s->column->n > (int64_t)UINT32_MAX)
        return cxm_priv_fail(error, CXM_EOVERFLOW, "value", "more than 2^32 - 1 rows");
    const int n = workers_of(s);
    const size_t groups = s->n_groups;
    int64_t *counters = NULL, bad_row = -1;
    struct worker *workers = workers_new(s, n);
    enum cxm_status status = CXM_OK;
    if (workers == NULL || !counters_new(s, n, &counters)) {
        status = cxm_priv_no_memory(error);
    } else {
        for (int i = 0; i < n; i++) {
            workers[i].n = counters + 3 * groups * (size_t)i;
            workers[i].missing = workers[i].n + groups;
            workers[i].invalid = workers[i].n + 2 * groups;
            if (s->histogram != NULL)
                workers[i].histogram = s->histogram + groups * (size_t)i * BUCKETS;
        }
        run_all(workers, n, count_rows);
        for (int i = 0; i < n; i++) {
            for (size_t g = 0; g < 3 * groups; g++)
                s->n[g] += workers[i].n[g];
            if (bad_row < 0)
                bad_row = workers[i].bad_row;
        }
        if (bad_row >= 0 && !s->count_invalid)
            status = refuse(s->column, bad_row, error);
        else if (s->histogram == NULL)
            status = spread(s, workers, n, error);
    }
    cxm_priv_release(s->allocator, counters);
    cxm_priv_release(s->allocator, workers);
    return status;
}

/* ---- one bucket -------------------------------------------------------------------------- */

static uint64_t middle_of(uint64_t a, uint64_t b, uint64_t c)
{
    return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
}

/* The word of that rank: three-way quickselect, in place. */
static uint64_t select_word(uint64_t *x, size_t n, size_t rank)
{
    size_t low = 0, high = n;
    for (;;) {
        const uint64_t pivot = middle_of(x[low], x[low + (high - low) / 2], x[high - 1]);
        size_t less = low, at = low, more = high;
        while (at < more) {
            const uint64_t moved = x[at];
            if (moved < pivot) {
                x[at++] = x[less];
                x[less++] = moved;
            } else if (moved > pivot) {
                x[at] = x[--more];
                x[more] = moved;
            } else {
                at++;
            }
        }
        if (rank < less)
            high = less;
        else if (rank >= more)
            low = more;
        else
            return pivot;
    }
}

/* ---- pass two ---------------------------------------------------------------------------- */

static void gather_rows(struct worker *w)
{
    const struct cxm_selection *s = w->s;
    struct cxm_reader reader;
    double values[BLOCK];
    uint8_t states[BLOCK];
    cxm_priv_reader_init(&reader, s->column);
    for (int64_t first = w->first; first < w->last; first += BLOCK) {
        const size_t n = w->last - first < BLOCK ? (size_t)(w->last - first) : BLOCK;
        cxm_priv_read_numbers(&reader, first, n, values, states);
        for (size_t i = 0; i < n; i++) {
            const uint32_t group = s->codes != NULL ? s->codes[first + (int64_t)i] : 0;
            if (group >= s->n_groups || states[i] != CXM_ROW_USED)
                continue;
            const uint64_t word = word_of(values[i]);
            const uint32_t b = w->bucket[(size_t)group * BUCKETS + (word >> 48)];
            if (b != 0)
                w->gathered[w->at[b - 1]++] = word;
        }
    }
}

/* A rank that is wanted: its bucket, and the rank within. */
struct wanted {
    uint32_t bucket;
    size_t rank;
};

enum { COARSE = 256 }; /* buckets are summed by so many, so that a rank is found quickly */

/* The rows of buckets first … first + n - 1 of a group, over all threads. */
static int64_t rows_in(const struct cxm_selection *s, int threads, size_t first, size_t n)
{
    const size_t each = (size_t)s->n_groups * BUCKETS;
    int64_t sum = 0;
    for (int t = 0; t < threads; t++) {
        const uint32_t *counts = s->histogram + (size_t)t * each + first;
        for (size_t b = 0; b < n; b++)
            sum += counts[b];
    }
    return sum;
}

/* Buckets of the ranks are numbered in `bucket` (by group and leading bits, number + 1; starts as
 * 0); their number. Ranks of one group follow one another. */
static uint32_t find_buckets(const struct cxm_selection *s, int threads, const uint32_t *groups,
                             const int64_t *ranks, size_t n, uint32_t *bucket,
                             struct wanted *wanted)
{
    int64_t coarse[BUCKETS / COARSE];
    uint32_t used = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t base = (size_t)groups[i] * BUCKETS;
        if (i == 0 || groups[i] != groups[i - 1]) {
            for (size_t c = 0; c < BUCKETS / COARSE; c++)
                coarse[c] = rows_in(s, threads, base + c * COARSE, COARSE);
        }
        int64_t left = ranks[i];
        size_t c = 0, b;
        while (left >= coarse[c])
            left -= coarse[c++];
        for (b = base + c * COARSE;; b++) {
            const int64_t here = rows_in(s, threads, b, 1);
            if (left < here)
                break;
            left -= here;
        }
        if (bucket[b] == 0)
            bucket[b] = ++used;
        wanted[i] = (struct wanted){ bucket[b] - 1, (size_t)left };
    }
    return used;
}

/* Where every thread writes the values of every bucket: bucket after bucket, thread after thread.
 * ends[b]: where bucket b ends; the sum. */
static size_t lay_out(const struct cxm_selection *s, struct worker *workers, int threads,
                      const uint32_t *bucket, uint32_t n_buckets, size_t *ends)
{
    const size_t each = (size_t)s->n_groups * BUCKETS;
    for (size_t i = 0; i < each; i++) {
        if (bucket[i] == 0)
            continue;
        for (int t = 0; t < threads; t++)
            workers[t].at[bucket[i] - 1] = s->histogram[(size_t)t * each + i];
    }
    size_t sum = 0;
    for (uint32_t b = 0; b < n_buckets; b++) {
        for (int t = 0; t < threads; t++) {
            const size_t size = workers[t].at[b];
            workers[t].at[b] = sum;
            sum += size;
        }
        ends[b] = sum;
    }
    return sum;
}

static enum cxm_status select_in_buckets(struct cxm_selection *s, const uint32_t *groups,
                                         const int64_t *ranks, size_t n, double *out,
                                         struct cxm_error *error)
{
    const int threads = workers_of(s);
    const size_t each = (size_t)s->n_groups * BUCKETS;
    struct worker *workers = workers_new(s, threads);
    uint32_t *bucket = cxm_priv_alloc_zero(s->allocator, each, sizeof *bucket);
    struct wanted *wanted = cxm_priv_alloc(s->allocator, n, sizeof *wanted);
    size_t *places = cxm_priv_alloc_zero(s->allocator, (n + 1) * ((size_t)threads + 1),
                                         sizeof *places);
    uint64_t *gathered = NULL;
    if (workers != NULL && bucket != NULL && wanted != NULL && places != NULL) {
        const uint32_t n_buckets = find_buckets(s, threads, groups, ranks, n, bucket, wanted);
        size_t *ends = places + (n + 1) * (size_t)threads;
        for (int t = 0; t < threads; t++) {
            workers[t].at = places + (n + 1) * (size_t)t;
            workers[t].bucket = bucket;
        }
        const size_t sum = lay_out(s, workers, threads, bucket, n_buckets, ends);
        gathered = cxm_priv_alloc(s->allocator, sum, sizeof *gathered);
        for (int t = 0; t < threads; t++)
            workers[t].gathered = gathered;
        if (gathered != NULL) {
            run_all(workers, threads, gather_rows);
            for (size_t i = 0; i < n; i++) {
                const size_t start = wanted[i].bucket > 0 ? ends[wanted[i].bucket - 1] : 0;
                out[i] = number_of(select_word(gathered + start,
                                               ends[wanted[i].bucket] - start, wanted[i].rank));
            }
        }
    }
    const enum cxm_status status = gathered != NULL ? CXM_OK : cxm_priv_no_memory(error);
    cxm_priv_release(s->allocator, workers);
    cxm_priv_release(s->allocator, bucket);
    cxm_priv_release(s->allocator, wanted);
    cxm_priv_release(s->allocator, places);
    cxm_priv_release(s->allocator, gathered);
    return status;
}

/* ---- many groups -------------------------------------------------------------------------- */

static void spread_rows(struct worker *w)
{
    const struct cxm_selection *s = w->s;
    struct cxm_reader reader;
    double values[BLOCK];
    uint8_t states[BLOCK];
    cxm_priv_reader_init(&reader, s->column);
    for (int64_t first = w->first; first < w->last; first += BLOCK) {
        const size_t n = w->last - first < BLOCK ? (size_t)(w->last - first) : BLOCK;
        cxm_priv_read_numbers(&reader, first, n, values, states);
        for (size_t i = 0; i < n; i++) {
            const uint32_t group = s->codes != NULL ? s->codes[first + (int64_t)i] : 0;
            if (group < s->n_groups && states[i] == CXM_ROW_USED)
                s->words[w->place[group]++] = word_of(values[i]);
        }
    }
}

/* The values of every group in one place; order within a group is that of the rows. */
static enum cxm_status spread(struct cxm_selection *s, struct worker *workers, int n,
                              struct cxm_error *error)
{
    const size_t groups = s->n_groups;
    int64_t sum = 0;
    s->starts = cxm_priv_alloc(s->allocator, groups + 1, sizeof *s->starts);
    if (s->starts == NULL)
        return cxm_priv_no_memory(error);
    for (size_t g = 0; g < groups; g++) {
        s->starts[g] = sum;
        int64_t at = sum;
        for (int t = 0; t < n; t++) { /* counters become places */
            const int64_t here = workers[t].n[g];
            workers[t].n[g] = at;
            at += here;
        }
        sum += s->n[g];
    }
    s->starts[groups] = sum;
    s->words = cxm_priv_alloc(s->allocator, (size_t)sum, sizeof *s->words);
    if (s->words == NULL)
        return cxm_priv_no_memory(error);
    for (int t = 0; t < n; t++)
        workers[t].place = workers[t].n;
    run_all(workers, n, spread_rows);
    return CXM_OK;
}

static void select_in_groups(const struct cxm_selection *s, const uint32_t *groups,
                             const int64_t *ranks, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) {
        const int64_t start = s->starts[groups[i]], end = s->starts[groups[i] + 1];
        out[i] = number_of(select_word(s->words + start, (size_t)(end - start),
                                       (size_t)ranks[i]));
    }
}

enum cxm_status cxm_priv_select_values(struct cxm_selection *s, const uint32_t *groups,
                                       const int64_t *ranks, size_t n, double *out,
                                       struct cxm_error *error)
{
    if (n == 0)
        return CXM_OK;
    if (s->histogram != NULL)
        return select_in_buckets(s, groups, ranks, n, out, error);
    select_in_groups(s, groups, ranks, n, out);
    return CXM_OK;
}

void cxm_priv_select_release(struct cxm_selection *s)
{
    cxm_priv_release(s->allocator, s->n);
    cxm_priv_release(s->allocator, s->histogram);
    cxm_priv_release(s->allocator, s->words);
    cxm_priv_release(s->allocator, s->starts);
    s->n = NULL;
    s->histogram = NULL;
    s->words = NULL;
    s->starts = NULL;
}
