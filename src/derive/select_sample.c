/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Order statistics in one pass. A sample of up to 2^20 rows, runs of eight at scattered but fixed
 * places, tells for each group between which values every wanted order statistic lies with near
 * certainty: its brackets, some per cent of the group. The numbers are mapped to 1 024 to 4 096
 * buckets (select_kernels.h), and a table says for every group and bucket in which cell a row counts:
 * gaps have even numbers, brackets odd ones. The pass counts the rows of every cell and keeps the
 * values of the brackets, except that one which fills a bracket (ties) is counted apart. A rank
 * within a bracket is then exact: the counts of the cells below are. A rank outside, once in
 * hundreds of calls or on data made against the sample, is told, and select.c takes another
 * road. After Floyd & Rivest (1975, CACM 18:165), by group. */
#include "derive/select_pass.h"

#include <math.h>

enum {
    BLOCK = CXM_SELECT_BLOCK, RUN = CXM_SELECT_RUN, SMALL = 2048,
    MOST_PROBS = CXM_SELECT_PROBS, MOST_BRACKETS = 12 * MOST_PROBS, MOST_CELLS = 60000,
    AHEAD = 4, /* runs */
};

/* ---- the sample -------------------------------------------------------------------------- */

/* Scattered within its step, so that no period of the data is met. */
static int64_t run_at(const struct cxm_sampled *d, int64_t i)
{
    const uint64_t mixed = ((uint64_t)i + 1) * 0x9E3779B97F4A7C15u;
    return i * d->step + (int64_t)((mixed >> 32) % (uint64_t)(d->step - RUN + 1));
}

/* Rows of structs are as many lines, which come from all over memory. */
CXM_PREFETCHER void ask_for_run(const struct cxm_sampler *r, int64_t row)
{
#if defined(__GNUC__)
    const struct cxm_column *c = r->s->column;
    const uintptr_t from = cxm_priv_select_address(c, row);
    for (size_t k = 0; r->apart && k < RUN; k++)
        __builtin_prefetch((const void *)(from + k * (uintptr_t)c->stride));
#else
    (void)r, (void)row;
#endif
}

/* The runs first, first + each … below last: indexes in r->index, numbers in r->values, what is no number
 * belongs to no group. At most BLOCK rows; how many. */
static size_t read_runs(struct cxm_sampler *r, int64_t first, int64_t last, int64_t each)
{
    const struct cxm_sampled *d = r->d;
    const uint32_t nobody = d->map.n_groups * cxm_priv_select_pitch(&d->map);
    double values[BLOCK] = { 0 };
    size_t n = 0;
    bool keyed = false;
    for (int64_t i = first; i < last && n < BLOCK; i += each, n += RUN) {
        uint32_t buffer[RUN];
        const int64_t row = run_at(d, i);
        if (i + AHEAD * each < last)
            ask_for_run(r, run_at(d, i + AHEAD * each));
        const double *x = cxm_priv_sampler_values(r, row, RUN);
        const uint32_t *codes = cxm_priv_select_codes(r->s, row, RUN, buffer);
        keyed = codes != NULL;
        memcpy(values + n, x, sizeof(double) * RUN);
        if (keyed)
            memcpy(r->codes + n, codes, sizeof *codes * RUN);
        for (size_t k = 0; !r->bare && k < RUN; k++)
            values[n + k] = r->states[k] == CXM_ROW_USED ? x[k] : (double)NAN;
    }
    memcpy(r->values, values, n * sizeof *values);
    if (d->kernels.index(&d->map, values, keyed ? r->codes : NULL, n, r->index))
        return n;
    for (size_t k = 0; k < n; k++) {
        if (!isfinite(values[k]))
            r->index[k] = nobody;
    }
    return n;
}

static uint64_t ascending(int64_t place)
{
    return (uint64_t)place ^ UINT64_C(1) << 63;
}

/* Scale and range of the buckets from some of the runs: `near` far below the middle size, the
 * range less a thousandth at each end. False: out of memory. */
static bool choose_map(struct cxm_sampler *r)
{
    struct cxm_sampled *d = r->d;
    const uint32_t nobody = d->map.n_groups * cxm_priv_select_pitch(&d->map);
    const int64_t each = d->runs / SMALL + 1;
    const size_t most = (size_t)(d->runs / each + 1) * RUN + BLOCK;
    double *values = cxm_priv_alloc(r->s->allocator, most, sizeof *values);
    uint64_t *words = cxm_priv_alloc(r->s->allocator, most, sizeof *words);
    size_t n = 0, sizes = 0;
    for (int64_t i = 0; values != NULL && words != NULL && i < d->runs; i += BLOCK / RUN * each) {
        const size_t rows = read_runs(r, i, d->runs, each);
        for (size_t k = 0; k < rows; k++) {
            values[n] = r->values[k];
            n += isfinite(r->values[k]) && r->index[k] < nobody;
        }
    }
    for (size_t k = 0; k < n; k++) {
        words[sizes] = cxm_priv_select_word(fabs(values[k]));
        sizes += values[k] != 0;
    }
    if (sizes > 0)
        d->map.near = cxm_priv_select_number(cxm_priv_select_rank(words, sizes, sizes / 2)) * 0x1p-14;
    for (size_t k = 0; k < n; k++)
        words[k] = ascending(cxm_priv_select_place(d->map.near, values[k]));
    if (n > 0) {
        const uint64_t low = cxm_priv_select_rank(words, n, n / 1000);
        const uint64_t high = cxm_priv_select_rank(words, n, n - 1 - n / 1000);
        d->map.base = (int64_t)(low ^ UINT64_C(1) << 63);
        while ((high - low) >> d->map.shift >= (UINT64_C(1) << d->map.bits) - 1)
            d->map.shift++;
    }
    const bool room = values != NULL && words != NULL;
    cxm_priv_release(r->s->allocator, values);
    cxm_priv_release(r->s->allocator, words);
    return room;
}

static void count_sample(void *range)
{
    struct cxm_sampler *r = range;
    for (int64_t i = r->first; i < r->last; i += BLOCK / RUN) {
        const size_t n = read_runs(r, i, r->last, 1);
        for (size_t k = 0; k < n; k++)
            r->histogram[r->index[k]]++;
    }
}

/* ---- brackets ---------------------------------------------------------------------------- */

struct bracket {
    uint32_t first, last; /* buckets */
};

/* Of one group: m rows of the sample, about n in all. A bracket reaches so many standard errors beyond the
 * ranks of the order statistics of the interval. Brackets that meet are one; a bucket with much
 * of a bracket is likely one value, and gets a bracket to itself. The number. */
static size_t find_brackets(const struct cxm_selection *s, const uint32_t *histogram,
                            uint32_t buckets, double share, double scale, struct bracket *out)
{
    uint64_t m = 0;
    size_t n = 0;
    for (uint32_t b = 0; b < buckets; b++)
        m += histogram[b];
    const double z = sqrt(-2 * log((1 - s->level) / 2)); /* above the normal quantile */
    uint32_t b = 0;
    uint64_t below = 0; /* rows of the sample in buckets before b */
    for (size_t i = 0; i < s->n_probs; i++) {
        const double p = s->probs[i], error = sqrt((double)m * p * (1 - p));
        const double half = scale * (4.2 * error + 8) + z * error * sqrt(share) + 2;
        const double low = p * (double)m - half, high = p * (double)m + half;
        struct bracket found = { 0, buckets - 1 };
        if (low > 0 && n > 0 && low < (double)below) {
            found.first = b;
        } else if (low > 0) {
            while (b < buckets - 1 && (double)(below + histogram[b]) <= low)
                below += histogram[b++];
            found.first = b;
        }
        if (high < (double)m) {
            while (b < buckets - 1 && (double)(below + histogram[b]) <= high)
                below += histogram[b++];
            found.last = b;
        }
        if (n > 0 && found.first <= out[n - 1].last + 1)
            out[n - 1].last = found.last > out[n - 1].last ? found.last : out[n - 1].last;
        else
            out[n++] = found;
        if (found.last == buckets - 1)
            break;
    }
    return n;
}

/* Cuts heavy buckets out of the brackets. */
static size_t cut_brackets(const uint32_t *histogram, const struct bracket *in, size_t n,
                           struct bracket *out)
{
    size_t made = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t all = 0;
        uint32_t start = in[i].first;
        for (uint32_t b = in[i].first; b <= in[i].last; b++)
            all += histogram[b];
        for (uint32_t b = in[i].first; b <= in[i].last && made + 3 * (n - i) < MOST_BRACKETS; b++) {
            if (histogram[b] < 64 || 5 * (uint64_t)histogram[b] < all || in[i].first == in[i].last)
                continue;
            if (b > start)
                out[made++] = (struct bracket){ start, b - 1 };
            out[made++] = (struct bracket){ b, b };
            start = b + 1;
        }
        if (start <= in[i].last)
            out[made++] = (struct bracket){ start, in[i].last };
    }
    return made;
}

/* The cells of a group in the table, from `cell` on; the next free cell, 0: too many. */
static size_t lay_cells(uint16_t *table, uint32_t buckets, const struct bracket *brackets,
                        size_t n, size_t cell)
{
    uint32_t b = 0;
    if (cell + 2 * n + 4 > MOST_CELLS)
        return 0;
    for (size_t i = 0; i < n; i++, cell += 2) {
        for (; b < brackets[i].first; b++)
            table[b] = (uint16_t)cell;
        for (; b <= brackets[i].last; b++)
            table[b] = (uint16_t)(cell + 1);
    }
    for (; b < buckets; b++)
        table[b] = (uint16_t)cell;
    return cell + 2;
}

static bool lay_table(const struct cxm_selection *s, struct cxm_sampled *d,
                      const uint32_t *histogram, double scale)
{
    struct bracket found[MOST_PROBS], brackets[MOST_BRACKETS];
    const uint32_t buckets = (uint32_t)1 << d->map.bits;
    const size_t pitch = cxm_priv_select_pitch(&d->map);
    const double share = (double)(d->runs * RUN) / (double)s->column->n;
    uint64_t all = 0, kept = 0;
    size_t cell = 0;
    for (uint32_t g = 0; g < s->n_groups; g++) {
        const uint32_t *counts = histogram + g * pitch;
        uint16_t *table = d->table + g * pitch;
        size_t n = find_brackets(s, counts, buckets, share, scale, found);
        n = cut_brackets(counts, found, n, brackets);
        d->first_cell[g] = (uint32_t)cell;
        cell = lay_cells(table, buckets, brackets, n, cell);
        if (cell == 0)
            return false;
        for (uint32_t b = 0; b < buckets; b++) {
            all += counts[b];
            kept += (table[b] & 1) != 0 ? counts[b] : 0;
        }
    }
    d->first_cell[s->n_groups] = (uint32_t)cell;
    for (uint32_t b = 0; b < buckets; b++)
        d->table[s->n_groups * pitch + b] = (uint16_t)cell;
    d->n_cells = cell + 2;
    d->kept = all > 0 ? (double)kept / (double)all : 0;
    return true;
}

/* The value that most rows of a bracket have, if one does: a majority vote (Boyer & Moore) of the
 * sample. Returns the share of the sample that would still be kept. False: out of memory. */
static bool find_pivots(struct cxm_sampler *r)
{
    struct cxm_sampled *d = r->d;
    const size_t brackets = d->n_cells / 2;
    int64_t *votes = cxm_priv_alloc_zero(r->s->allocator, 2 * brackets, sizeof *votes);
    int64_t *met = votes != NULL ? votes + brackets : NULL, all = 0;
    double kept = 0;
    const int64_t each = d->runs / (8 * SMALL) + 1;
    for (int64_t i = 0; votes != NULL && i < d->runs; i += BLOCK / RUN * each) {
        const size_t n = read_runs(r, i, d->runs, each);
        all += (int64_t)n;
        for (size_t k = 0; k < n; k++) {
            const uint16_t cell = d->table[r->index[k]];
            const uint64_t word = cxm_priv_select_word(r->values[k]);
            if ((cell & 1) == 0)
                continue;
            met[cell / 2]++;
            if (votes[cell / 2] == 0)
                d->pivots[cell / 2] = word;
            votes[cell / 2] += d->pivots[cell / 2] == word ? 1 : -1;
        }
    }
    for (size_t k = 0; votes != NULL && k < brackets; k++) {
        const bool filled = 4 * votes[k] > met[k];
        kept += filled ? 0.5 * (double)(met[k] - votes[k]) : (double)met[k];
        d->pivots[k] = filled ? d->pivots[k] : CXM_NOT_A_WORD;
        d->any_pivot = d->any_pivot || filled;
    }
    if (all > 0)
        d->kept = kept / (double)all;
    cxm_priv_release(r->s->allocator, votes);
    return votes != NULL;
}

/* ---- all of it --------------------------------------------------------------------------- */

enum cxm_sample_result cxm_priv_sampled_take(struct cxm_selection *s, struct cxm_sampled *d,
                                             double scale)
{
    struct cxm_sampler *ranges = d->samplers;
    const size_t cells = ((size_t)s->n_groups + 1) * cxm_priv_select_pitch(&d->map);
    d->table = cxm_priv_alloc(s->allocator, cells, sizeof *d->table);
    d->first_cell = cxm_priv_alloc(s->allocator, (size_t)s->n_groups + 1, sizeof *d->first_cell);
    bool room = d->table != NULL && d->first_cell != NULL && choose_map(&ranges[0]);
    for (int i = 0; room && i < d->threads; i++) {
        ranges[i].first = d->runs / d->threads * i;
        ranges[i].last = i + 1 < d->threads ? d->runs / d->threads * (i + 1) : d->runs;
        ranges[i].histogram = cxm_priv_alloc_zero(s->allocator, cells,
                                                  sizeof *ranges[i].histogram);
        room = ranges[i].histogram != NULL;
    }
    if (!room)
        return CXM_SAMPLE_NO_MEMORY;
    cxm_priv_select_run(ranges, sizeof *ranges, d->threads, count_sample);
    for (int i = 1; i < d->threads; i++) {
        for (size_t k = 0; k < cells; k++)
            ranges[0].histogram[k] += ranges[i].histogram[k];
    }
    if (!lay_table(s, d, ranges[0].histogram, scale))
        return CXM_SAMPLE_NO;
    d->pivots = cxm_priv_alloc(s->allocator, d->n_cells / 2, sizeof *d->pivots);
    if (d->pivots == NULL || (d->kept > 0.12 && !find_pivots(&ranges[0])))
        return CXM_SAMPLE_NO_MEMORY;
    for (int i = 0; i < d->threads; i++) {
        cxm_priv_release(s->allocator, ranges[i].histogram);
        ranges[i].histogram = NULL;
    }
    return d->kept < 0.5 ? CXM_SAMPLE_DONE : CXM_SAMPLE_NO;
}
