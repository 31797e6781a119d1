/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Exact order statistics by selection, by three roads that give the same numbers for any order
 * of the rows and any number of threads; up to 2^32 - 1 rows.
 *
 * Sampled (select_sample.c): one pass, by brackets that a sample gave; for the ranks that were
 * announced (probs), hundreds of thousands of rows and up to 256 groups.
 * Histogram: where that fails, and for ranks that were not announced. A double is turned into a
 * word whose unsigned order is that of the numbers; its upper 16 bits (sign, exponent, four bits of
 * the mantissa: 16 buckets an octave) are counted by group in a first pass, which tells the bucket of
 * every rank; a second pass gathers the values of these buckets, each is finished by quickselect.
 * Parts (select_parts.c): few rows or more than 256 groups: the values are dealt out by group. */
#include "derive/select_kernels.h"
#include "derive/select_parts.h"

#include <math.h>

enum { BLOCK = CXM_SELECT_BLOCK, BUCKETS = CXM_SELECT_BUCKETS };

struct worker {
    struct cxm_selection *s;
    int64_t first, last;
    int64_t *n, *missing, *invalid;
    int64_t bad_row;              /* lowest invalid row; -1: none */
    uint32_t *histogram;          /* pass one */
    const uint32_t *bucket;       /* pass two: by group and leading bits, number + 1 */
    uint64_t *gathered;
    size_t *at;                   /* next place of each wanted bucket */
};

static void run_all(struct worker *workers, int n, void (*work)(void *))
{
    cxm_priv_select_run(workers, sizeof *workers, n, work);
}

/* ---- pass one ---------------------------------------------------------------------------- */

static void count_rows(void *worker)
{
    struct worker *w = worker;
    struct cxm_selection *s = w->s;
    struct cxm_reader reader;
    double values[BLOCK];
    uint8_t states[BLOCK];
    uint32_t buffer[BLOCK];
    cxm_priv_reader_init(&reader, s->column);
    for (int64_t first = w->first; first < w->last; first += BLOCK) {
        const size_t n = w->last - first < BLOCK ? (size_t)(w->last - first) : BLOCK;
        cxm_priv_read_numbers(&reader, first, n, values, states);
        const uint32_t *codes = cxm_priv_select_codes(s, first, n, buffer);
        for (size_t i = 0; i < n; i++) {
            const uint32_t group = codes != NULL ? codes[i] : 0;
            if (group >= s->n_groups)
                continue;
            if (CXM_LIKELY(states[i] == CXM_ROW_USED)) {
                w->n[group]++;
                w->histogram[(size_t)group * BUCKETS + (cxm_priv_select_word(values[i]) >> 48)]++;
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

static struct worker *workers_new(struct cxm_selection *s, int n)
{
    struct worker *workers = cxm_priv_alloc_zero(s->allocator, (size_t)n, sizeof *workers);
    for (int i = 0; workers != NULL && i < n; i++) {
        workers[i].s = s;
        workers[i].first = cxm_priv_select_first(s, i, n);
        workers[i].last = cxm_priv_select_first(s, i + 1, n);
        workers[i].bad_row = -1;
    }
    return workers;
}

/* A histogram pays when its groups have rows enough. */
static bool wants_histogram(const struct cxm_selection *s, int threads)
{
    enum { WORTH_A_GROUP = 16384 };
    if (s->road == CXM_SELECT_HISTOGRAM)
        return true;
    return s->road != CXM_SELECT_PARTS && s->n_groups <= CXM_SELECT_GROUPS
        && s->column->n / WORTH_A_GROUP >= (int64_t)s->n_groups * threads;
}

static enum cxm_status count_buckets(struct cxm_selection *s, int n, struct cxm_error *error)
{
    const size_t groups = s->n_groups;
    struct worker *workers = workers_new(s, n);
    int64_t *counters = cxm_priv_alloc_zero(s->allocator, 3 * groups * (size_t)n,
                                            sizeof *counters), bad_row = -1;
    enum cxm_status status = CXM_OK;
    s->histogram = cxm_priv_alloc_zero(s->allocator, groups * (size_t)n * BUCKETS,
                                       sizeof *s->histogram);
    if (workers == NULL || counters == NULL || s->histogram == NULL) {
        status = cxm_priv_no_memory(error);
    } else {
        for (int i = 0; i < n; i++) {
            workers[i].n = counters + 3 * groups * (size_t)i;
            workers[i].missing = workers[i].n + groups;
            workers[i].invalid = workers[i].n + 2 * groups;
            workers[i].histogram = s->histogram + groups * (size_t)i * BUCKETS;
        }
        run_all(workers, n, count_rows);
        memset(s->n, 0, 3 * groups * sizeof *s->n);
        for (int i = 0; i < n; i++) {
            for (size_t g = 0; g < 3 * groups; g++)
                s->n[g] += workers[i].n[g];
            if (bad_row < 0)
                bad_row = workers[i].bad_row;
        }
        if (bad_row >= 0 && !s->count_invalid)
            status = cxm_priv_select_refuse(s->column, bad_row, error);
    }
    cxm_priv_release(s->allocator, counters);
    cxm_priv_release(s->allocator, workers);
    return status;
}

static enum cxm_status status_of(const struct cxm_selection *s, enum cxm_sample_result result,
                                 int64_t bad_row, struct cxm_error *error)
{
    return result == CXM_SAMPLE_DONE ? CXM_OK
         : result == CXM_SAMPLE_BAD  ? cxm_priv_select_refuse(s->column, bad_row, error)
                                     : cxm_priv_no_memory(error);
}

/* By a histogram, or by parts. */
static enum cxm_status count_plainly(struct cxm_selection *s, struct cxm_error *error)
{
    const int n = cxm_priv_select_workers(s);
    int64_t bad_row = -1;
    if (wants_histogram(s, n))
        return count_buckets(s, n, error);
    const enum cxm_sample_result result = cxm_priv_parts_count(s, &bad_row);
    return status_of(s, result, bad_row, error);
}

enum cxm_status cxm_priv_select_count(struct cxm_selection *s, struct cxm_error *error)
{
    int64_t bad_row = -1;
    if (s->column->n > (int64_t)UINT32_MAX)
        return cxm_priv_fail(error, CXM_EOVERFLOW, "value", "more than 2^32 - 1 rows");
    s->n = cxm_priv_alloc_zero(s->allocator, 3 * (size_t)s->n_groups, sizeof *s->n);
    if (s->n == NULL)
        return cxm_priv_no_memory(error);
    s->missing = s->n + s->n_groups;
    s->invalid = s->missing + s->n_groups;
    const enum cxm_sample_result result = cxm_priv_sampled_count(s, 1, &bad_row);
    return result == CXM_SAMPLE_NO ? count_plainly(s, error)
                                   : status_of(s, result, bad_row, error);
}

/* ---- pass two ---------------------------------------------------------------------------- */

static void gather_rows(void *worker)
{
    struct worker *w = worker;
    const struct cxm_selection *s = w->s;
    struct cxm_reader reader;
    double values[BLOCK];
    uint8_t states[BLOCK];
    uint32_t buffer[BLOCK];
    cxm_priv_reader_init(&reader, s->column);
    for (int64_t first = w->first; first < w->last; first += BLOCK) {
        const size_t n = w->last - first < BLOCK ? (size_t)(w->last - first) : BLOCK;
        cxm_priv_read_numbers(&reader, first, n, values, states);
        const uint32_t *codes = cxm_priv_select_codes(s, first, n, buffer);
        for (size_t i = 0; i < n; i++) {
            const uint32_t group = codes != NULL ? codes[i] : 0;
            if (group >= s->n_groups || states[i] != CXM_ROW_USED)
                continue;
            const uint64_t word = cxm_priv_select_word(values[i]);
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
    const int threads = cxm_priv_select_workers(s);
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
                out[i] = cxm_priv_select_number(cxm_priv_select_rank(gathered + start,
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

/* Brackets that missed a rank are tried once more, much wider. */
static enum cxm_status select_sampled(struct cxm_selection *s, const uint32_t *groups,
                                      const int64_t *ranks, size_t n, double *out,
                                      struct cxm_error *error)
{
    int64_t bad_row = -1;
    enum cxm_sample_result result = cxm_priv_sampled_values(s, groups, ranks, n, out);
    if (result == CXM_SAMPLE_NO) {
        cxm_priv_sampled_release(s);
        result = cxm_priv_sampled_count(s, 4, &bad_row);
        if (result == CXM_SAMPLE_DONE)
            result = cxm_priv_sampled_values(s, groups, ranks, n, out);
    }
    if (result == CXM_SAMPLE_NO_MEMORY)
        return cxm_priv_no_memory(error);
    if (result == CXM_SAMPLE_DONE)
        return CXM_OK;
    cxm_priv_sampled_release(s);
    const enum cxm_status status = count_plainly(s, error);
    return status == CXM_OK ? cxm_priv_select_values(s, groups, ranks, n, out, error) : status;
}

enum cxm_status cxm_priv_select_values(struct cxm_selection *s, const uint32_t *groups,
                                       const int64_t *ranks, size_t n, double *out,
                                       struct cxm_error *error)
{
    if (n == 0)
        return CXM_OK;
    if (s->sampled != NULL)
        return select_sampled(s, groups, ranks, n, out, error);
    if (s->histogram != NULL)
        return select_in_buckets(s, groups, ranks, n, out, error);
    return cxm_priv_parts_values(s, groups, ranks, n, out) ? CXM_OK : cxm_priv_no_memory(error);
}

void cxm_priv_select_release(struct cxm_selection *s)
{
    cxm_priv_sampled_release(s);
    cxm_priv_release(s->allocator, s->n);
    cxm_priv_release(s->allocator, s->histogram);
    cxm_priv_parts_release(s);
    s->n = NULL;
    s->histogram = NULL;
}
