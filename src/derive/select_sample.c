/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Order statistics in one pass. A sample of up to 2^20 rows, runs of eight at scattered but fixed
 * places, tells for each group between which values every wanted order statistic lies with near
 * certainty: its brackets, some per cent of the group. The numbers are mapped to 2 048 or 4 096
 * buckets (select_kernels.h), and a table says for every group and bucket in which cell a row counts:
 * gaps have even numbers, brackets odd ones. The pass counts the rows of every cell and keeps the
 * values of the brackets, except that one which fills a bracket (ties) is counted apart. A rank
 * within a bracket is then exact: the counts of the cells below are. A rank outside, once in
 * hundreds of calls or on data made against the sample, is told, and select.c takes another
 * road. After Floyd & Rivest (1975, CACM 18:165), by group. */
#include "derive/select_sample.h"

#include "derive/select_kernels.h"

#include <math.h>

enum {
    BLOCK = CXM_SELECT_BLOCK, RUN = 8, SMALL = 2048,
    FINE = 1024,                     /* parts of a bracket in the last step */
    CHUNK_WORDS = 512, POOL_CHUNKS = 64,
    MOST_TOGETHER = 64,              /* ranks of one bracket at a time */
    MOST_PROBS = 32, MOST_BRACKETS = 12 * MOST_PROBS, MOST_CELLS = 60000,
};

#define MOST_SAMPLE ((int64_t)1 << 20)
#define NOT_A_WORD UINT64_MAX /* of no finite number */

struct cxm_sampled {
    struct cxm_select_map map;
    struct cxm_select_kernels kernels;
    int64_t runs, step; /* of the sample, and rows from one to the next */
    uint16_t *table;    /* by group and bucket, the last group being none: the cell */
    uint32_t *first_cell; /* by group, and where the last ends: the cell of no group */
    size_t n_cells;     /* with that one; even */
    uint64_t *pivots;   /* by bracket: a value that is counted, not kept */
    bool any_pivot;
    double kept;        /* share of the rows that will be kept, as the sample has it */
    int threads;
    int64_t *counts;    /* by cell */
    int64_t *equal;     /* by bracket: rows of its pivot */
    struct range *ranges;
};

/* ---- the rows ---------------------------------------------------------------------------- */

static bool is_bare(const struct cxm_column *c)
{
    return c->type == CXM_F64 && c->stride == 8 && c->validity == NULL && c->mask == NULL
        && c->dictionary == NULL && c->n_chunks == 0 && c->n_labels == 0
        && c->n_missing_codes == 0 && c->time_unit == CXM_NO_TIME
        && (c->flags & (CXM_COLUMN_SENTINEL | CXM_COLUMN_DURATION)) == 0
        && ((uintptr_t)c->data + (uintptr_t)c->offset * 8) % 8 == 0;
}

/* One thread. */
struct range {
    struct cxm_selection *s;
    struct cxm_sampled *d;
    int64_t first, last;         /* rows, or runs of the sample */
    uint32_t *histogram;         /* of the sample, by group and bucket */
    bool bare;
    struct cxm_reader reader;
    double values[BLOCK];
    uint8_t states[BLOCK];
    uint32_t codes[BLOCK], index[BLOCK];
    uint16_t cells[BLOCK];
    uint32_t *counts[2];         /* by cell; rows take turns, so that neighbours do not wait */
    int64_t *equal;              /* by bracket */
    int64_t *missing, *invalid;  /* by group */
    int64_t bad_row;
    uint64_t words[BLOCK + CXM_SELECT_SLACK]; /* picked from a block */
    uint16_t picked[BLOCK + CXM_SELECT_SLACK]; /* their cells */
    uint64_t **to;               /* by bracket: where the next value is kept */
    void *pools;                 /* the last one, which begins with a pointer to the one before */
    char *unused;                /* chunks of it */
    int n_unused;
    uint64_t *nowhere;           /* the last word of a chunk that stands for none */
    bool no_memory;
    /* the last step */
    const uint32_t *groups;
    const int64_t *ranks;
    double *out;
    size_t n_wanted;
    uint64_t *scratch;
    struct span *spans;
    bool outside;
};

static void range_init(struct range *r, struct cxm_selection *s, struct cxm_sampled *d)
{
    memset(r, 0, sizeof *r);
    r->s = s;
    r->d = d;
    r->bare = is_bare(s->column);
    r->bad_row = -1;
    cxm_priv_reader_init(&r->reader, s->column);
}

/* n values from a row on. *plain: all were read as they lie, which may be NaN or infinite. */
static const double *values_of(struct range *r, int64_t row, size_t n)
{
    const struct cxm_column *c = r->s->column;
    if (r->bare)
        return (const double *)c->data + c->offset + row;
    cxm_priv_read_numbers(&r->reader, row, n, r->values, r->states);
    return r->values;
}

/* ---- the sample -------------------------------------------------------------------------- */

/* Scattered within its step, so that no period of the data is met. */
static int64_t run_at(const struct cxm_sampled *d, int64_t i)
{
    const uint64_t mixed = ((uint64_t)i + 1) * 0x9E3779B97F4A7C15u;
    return i * d->step + (int64_t)((mixed >> 32) % (uint64_t)(d->step - RUN + 1));
}

/* The runs first, first + each … below last: indexes in r->index, numbers in r->values, what is no number
 * belongs to no group. At most BLOCK rows; how many. */
static size_t read_runs(struct range *r, int64_t first, int64_t last, int64_t each)
{
    const struct cxm_sampled *d = r->d;
    double values[BLOCK] = { 0 };
    size_t n = 0;
    bool keyed = false;
    for (int64_t i = first; i < last && n < BLOCK; i += each, n += RUN) {
        uint32_t buffer[RUN];
        const int64_t row = run_at(d, i);
        const double *x = values_of(r, row, RUN);
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
            r->index[k] = d->map.n_groups << d->map.bits;
    }
    return n;
}

static uint64_t ascending(int64_t place)
{
    return (uint64_t)place ^ UINT64_C(1) << 63;
}

/* Scale and range of the buckets from some of the runs: `near` far below the middle size, the
 * range less a thousandth at each end. False: out of memory. */
static bool choose_map(struct range *r)
{
    struct cxm_sampled *d = r->d;
    const int64_t each = d->runs / SMALL + 1;
    const size_t most = (size_t)(d->runs / each + 1) * RUN + BLOCK;
    double *values = cxm_priv_alloc(r->s->allocator, most, sizeof *values);
    uint64_t *words = cxm_priv_alloc(r->s->allocator, most, sizeof *words);
    size_t n = 0, sizes = 0;
    for (int64_t i = 0; values != NULL && words != NULL && i < d->runs; i += BLOCK / RUN * each) {
        const size_t rows = read_runs(r, i, d->runs, each);
        for (size_t k = 0; k < rows; k++) {
            values[n] = r->values[k];
            n += isfinite(r->values[k]) && r->index[k] >> d->map.bits < d->map.n_groups;
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
    struct range *r = range;
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
    const double share = (double)(d->runs * RUN) / (double)s->column->n;
    uint64_t all = 0, kept = 0;
    size_t cell = 0;
    for (uint32_t g = 0; g < s->n_groups; g++) {
        const uint32_t *counts = histogram + ((size_t)g << d->map.bits);
        uint16_t *table = d->table + ((size_t)g << d->map.bits);
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
        d->table[((size_t)s->n_groups << d->map.bits) + b] = (uint16_t)cell;
    d->n_cells = cell + 2;
    d->kept = all > 0 ? (double)kept / (double)all : 0;
    return true;
}

/* The value that most rows of a bracket have, if one does: a majority vote (Boyer & Moore) of the sample. Returns
 * the share of the sample that would still be kept. False: out of memory. */
static bool find_pivots(struct range *r)
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
        d->pivots[k] = filled ? d->pivots[k] : NOT_A_WORD;
        d->any_pivot = d->any_pivot || filled;
    }
    if (all > 0)
        d->kept = kept / (double)all;
    cxm_priv_release(r->s->allocator, votes);
    return votes != NULL;
}

/* ---- what is kept ------------------------------------------------------------------------ */

/* Every bracket of every thread has a chain of chunks of one page: the first word is the chunk before, values
 * follow. Where the next value goes tells by its bits that a chunk is full. */
static void *chunk_of(const uint64_t *word)
{
    return (void *)((uintptr_t)word / (CHUNK_WORDS * 8) * (CHUNK_WORDS * 8));
}

static void *new_chunk(struct range *r)
{
    const size_t bytes = CHUNK_WORDS * sizeof(uint64_t);
    if (r->n_unused == 0) {
        void **pool = cxm_priv_alloc(r->s->allocator, POOL_CHUNKS + 1, bytes);
        if (pool == NULL)
            return NULL;
        *pool = r->pools;
        r->pools = pool;
        r->unused = (char *)chunk_of((uint64_t *)(void *)pool) + bytes;
        r->n_unused = POOL_CHUNKS;
        if ((char *)pool + sizeof *pool > r->unused) { /* its first word is in the way */
            r->unused += bytes;
            r->n_unused--;
        }
    }
    void *chunk = r->unused;
    r->unused += bytes;
    r->n_unused--;
    return chunk;
}

/* After a value was written to the last place of a chunk; that of no chunk moves to the new one. */
static void next_chunk(struct range *r, size_t bracket, uint64_t *end, uint64_t word)
{
    uint64_t *chunk = new_chunk(r);
    r->to[bracket] = r->nowhere;
    if (chunk == NULL) {
        r->no_memory = true;
        return;
    }
    const bool first = end - 1 == r->nowhere;
    void *before = first ? NULL : chunk_of(end - 1);
    memcpy(chunk, &before, sizeof before);
    chunk[1] = word;
    r->to[bracket] = chunk + 1 + first;
}

static void keep(struct range *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const size_t bracket = r->picked[i] / 2;
        uint64_t *to = r->to[bracket];
        *to++ = r->words[i];
        r->to[bracket] = to;
        if (CXM_UNLIKELY((uintptr_t)to % (CHUNK_WORDS * 8) == 0))
            next_chunk(r, bracket, to, r->words[i]);
    }
}

/* Values that lie side by side. */
struct span {
    const uint64_t *words;
    size_t n;
};

/* Those of a bracket, of all threads; their number. */
static size_t list_spans(const struct cxm_sampled *d, size_t bracket, struct span *out)
{
    size_t n = 0;
    for (int i = 0; i < d->threads; i++) {
        const struct range *r = &d->ranges[i];
        const uint64_t *to = r->to[bracket];
        while (to != r->nowhere && to != NULL) {
            const uint64_t *chunk = chunk_of(to - 1);
            void *before;
            out[n++] = (struct span){ chunk + 1, (size_t)(to - chunk - 1) };
            memcpy(&before, chunk, sizeof before);
            to = before != NULL ? (const uint64_t *)before + CHUNK_WORDS : NULL;
        }
    }
    return n;
}

/* ---- the pass ---------------------------------------------------------------------------- */

/* Rows whose value is not used count for their group and belong to no cell. */
static void set_aside(struct range *r, int64_t row, const uint32_t *codes, size_t n)
{
    const struct cxm_select_map *map = &r->d->map;
    for (size_t i = 0; i < n; i++) {
        const uint32_t group = codes != NULL ? codes[i] : 0;
        if (CXM_LIKELY(r->states[i] == CXM_ROW_USED))
            continue;
        r->index[i] = map->n_groups << map->bits;
        if (group >= map->n_groups)
            continue;
        if (r->states[i] == CXM_ROW_MISSING) {
            r->missing[group]++;
        } else {
            r->invalid[group]++;
            if (r->bad_row < 0)
                r->bad_row = row + (int64_t)i;
        }
    }
}

/* `next`: values that will be read soon, which are asked for meanwhile; NULL: none. */
static void count_cells(struct range *r, size_t n, const double *next)
{
    const uint16_t *table = r->d->table;
    uint32_t *const even = r->counts[0], *const odd = r->counts[1];
    size_t i = 0;
    for (; i + 2 <= n; i += 2) {
        if (i % 8 == 0 && next != NULL)
            __builtin_prefetch(next + i, 0, 2);
        const uint16_t a = table[r->index[i]], b = table[r->index[i + 1]];
        r->cells[i] = a;
        r->cells[i + 1] = b;
        even[a]++;
        odd[b]++;
    }
    if (i < n)
        even[r->cells[i] = table[r->index[i]]]++;
}

/* Counts the pivots among n picked rows apart; how many are left. */
static size_t drop_pivots(struct range *r, size_t n)
{
    const uint64_t *pivots = r->d->pivots;
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t word = r->words[i];
        const uint16_t cell = r->picked[i];
        const bool same = pivots[cell / 2] == word;
        r->equal[cell / 2] += same;
        r->words[used] = word;
        r->picked[used] = cell;
        used += !same;
    }
    return used;
}

static void count_rows(void *range)
{
    struct range *r = range;
    const struct cxm_sampled *d = r->d;
    for (int64_t row = r->first; row < r->last; row += BLOCK) {
        const size_t n = r->last - row < BLOCK ? (size_t)(r->last - row) : BLOCK;
        const double *x = values_of(r, row, n);
        const uint32_t *codes = cxm_priv_select_codes(r->s, row, n, r->codes);
        const bool finite = d->kernels.index(&d->map, x, codes, n, r->index);
        if (r->bare && !finite)
            cxm_priv_read_numbers(&r->reader, row, n, r->values, r->states);
        if (r->bare ? !finite : !cxm_priv_all_used(r->states, n))
            set_aside(r, row, codes, n);
        count_cells(r, n, r->bare && row + 2 * BLOCK <= r->last ? x + BLOCK : NULL);
        const size_t picked = d->kernels.pick(x, r->cells, n, r->words, r->picked);
        keep(r, d->any_pivot ? drop_pivots(r, picked) : picked);
        if (r->no_memory)
            return;
    }
}

/* ---- putting it together ------------------------------------------------------------------- */

static struct range *ranges_new(struct cxm_selection *s, struct cxm_sampled *d, int n)
{
    struct range *ranges = cxm_priv_alloc(s->allocator, (size_t)n, sizeof *ranges);
    for (int i = 0; ranges != NULL && i < n; i++)
        range_init(&ranges[i], s, d);
    return ranges;
}

static void ranges_release(struct range *ranges, int n)
{
    for (int i = 0; ranges != NULL && i < n; i++) {
        const struct cxm_allocator *allocator = ranges[i].s->allocator;
        cxm_priv_release(allocator, ranges[i].histogram);
        cxm_priv_release(allocator, ranges[i].counts[0]);
        cxm_priv_release(allocator, ranges[i].equal);
        cxm_priv_release(allocator, ranges[i].to);
        for (void *pool = ranges[i].pools, *before; pool != NULL; pool = before) {
            memcpy(&before, pool, sizeof before);
            cxm_priv_release(allocator, pool);
        }
    }
    if (ranges != NULL)
        cxm_priv_release(ranges[0].s->allocator, ranges);
}

/* Map, brackets, table. */
static enum cxm_sample_result take_sample(struct cxm_selection *s, struct cxm_sampled *d,
                                          struct range *ranges, double scale)
{
    const size_t cells = (size_t)(s->n_groups + 1) << d->map.bits;
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
    return d->kept < 0.5 ? CXM_SAMPLE_DONE : CXM_SAMPLE_NO;
}

static bool prepare_pass(const struct cxm_selection *s, const struct cxm_sampled *d,
                         struct range *r, int i)
{
    const size_t brackets = d->n_cells / 2, groups = s->n_groups;
    r->first = cxm_priv_select_first(s, i, d->threads);
    r->last = cxm_priv_select_first(s, i + 1, d->threads);
    r->counts[0] = cxm_priv_alloc_zero(s->allocator, 2 * d->n_cells, sizeof *r->counts[0]);
    r->equal = cxm_priv_alloc_zero(s->allocator, brackets + 2 * groups, sizeof *r->equal);
    r->to = cxm_priv_alloc(s->allocator, brackets, sizeof *r->to);
    if (r->counts[0] == NULL || r->equal == NULL || r->to == NULL)
        return false;
    uint64_t *none = new_chunk(r);
    if (none == NULL)
        return false;
    r->nowhere = none + CHUNK_WORDS - 1;
    for (size_t k = 0; k < brackets; k++)
        r->to[k] = r->nowhere;
    r->counts[1] = r->counts[0] + d->n_cells;
    r->missing = r->equal + brackets;
    r->invalid = r->missing + groups;
    return true;
}

/* What the ranges counted. */
static bool gather_counts(struct cxm_selection *s, struct cxm_sampled *d, struct range *ranges)
{
    const size_t brackets = d->n_cells / 2;
    d->counts = cxm_priv_alloc_zero(s->allocator, d->n_cells, sizeof *d->counts);
    d->equal = cxm_priv_alloc_zero(s->allocator, brackets, sizeof *d->equal);
    if (d->counts == NULL || d->equal == NULL)
        return false;
    for (int i = 0; i < d->threads; i++) {
        for (size_t k = 0; k < d->n_cells; k++)
            d->counts[k] += (int64_t)ranges[i].counts[0][k] + ranges[i].counts[1][k];
        for (size_t k = 0; k < brackets; k++)
            d->equal[k] += ranges[i].equal[k];
    }
    memset(s->n, 0, 3 * (size_t)s->n_groups * sizeof *s->n);
    for (uint32_t g = 0; g < s->n_groups; g++) {
        for (uint32_t k = d->first_cell[g]; k < d->first_cell[g + 1]; k++)
            s->n[g] += d->counts[k];
        for (int i = 0; i < d->threads; i++) {
            s->missing[g] += ranges[i].missing[g];
            s->invalid[g] += ranges[i].invalid[g];
        }
    }
    return true;
}

static enum cxm_sample_result pass(struct cxm_selection *s, struct cxm_sampled *d,
                                   struct range *ranges, int64_t *bad_row)
{
    bool room = true;
    for (int i = 0; i < d->threads; i++) {
        cxm_priv_release(s->allocator, ranges[i].histogram);
        ranges[i].histogram = NULL;
        room = room && prepare_pass(s, d, &ranges[i], i);
    }
    if (!room)
        return CXM_SAMPLE_NO_MEMORY;
    cxm_priv_select_run(ranges, sizeof *ranges, d->threads, count_rows);
    for (int i = 0; i < d->threads; i++) {
        if (ranges[i].no_memory)
            return CXM_SAMPLE_NO_MEMORY;
        if (ranges[i].bad_row >= 0 && !s->count_invalid) {
            *bad_row = ranges[i].bad_row;
            return CXM_SAMPLE_BAD;
        }
    }
    return gather_counts(s, d, ranges) ? CXM_SAMPLE_DONE : CXM_SAMPLE_NO_MEMORY;
}

enum cxm_sample_result cxm_priv_sampled_count(struct cxm_selection *s, double scale,
                                             int64_t *bad_row)
{
    const int64_t n = s->column->n;
    const int64_t rows = s->sample_rows > 0 ? s->sample_rows
                       : n / 32 < MOST_SAMPLE ? n / 32 : MOST_SAMPLE;
    if (s->n_probs == 0 || s->n_probs > MOST_PROBS || s->n_groups > CXM_SELECT_GROUPS
        || rows < RUN || n / (rows / RUN) < RUN || (s->sample_rows == 0 && n < (int64_t)1 << 18))
        return CXM_SAMPLE_NO;
    struct cxm_sampled *d = cxm_priv_alloc_zero(s->allocator, 1, sizeof *d);
    if (d == NULL)
        return CXM_SAMPLE_NO_MEMORY;
    s->sampled = d;
    d->kernels = cxm_priv_select_kernels(s->plain);
    d->runs = rows / RUN;
    d->step = n / d->runs;
    d->threads = cxm_priv_select_workers(s);
    d->map = (struct cxm_select_map){ .bits = s->n_groups < 128 ? 12 : 11,
                                      .n_groups = s->n_groups };
    d->ranges = ranges_new(s, d, d->threads);
    enum cxm_sample_result result = CXM_SAMPLE_NO_MEMORY;
    if (d->ranges != NULL)
        result = take_sample(s, d, d->ranges, scale);
    if (result == CXM_SAMPLE_DONE)
        result = pass(s, d, d->ranges, bad_row);
    if (result != CXM_SAMPLE_DONE)
        cxm_priv_sampled_release(s);
    return result;
}

void cxm_priv_sampled_release(struct cxm_selection *s)
{
    struct cxm_sampled *d = s->sampled;
    if (d == NULL)
        return;
    cxm_priv_release(s->allocator, d->table);
    cxm_priv_release(s->allocator, d->first_cell);
    cxm_priv_release(s->allocator, d->pivots);
    cxm_priv_release(s->allocator, d->counts);
    cxm_priv_release(s->allocator, d->equal);
    ranges_release(d->ranges, d->threads);
    cxm_priv_release(s->allocator, d);
    s->sampled = NULL;
}

/* ---- ranks ------------------------------------------------------------------------------- */

/* The cell of a rank of a group, whose place within is left in *rank. */
static uint32_t cell_of(const struct cxm_sampled *d, uint32_t group, int64_t *rank)
{
    uint32_t cell = d->first_cell[group];
    while (cell < d->first_cell[group + 1] && *rank >= d->counts[cell])
        *rank -= d->counts[cell++];
    return cell;
}

/* Words of k ranks of one bracket: a histogram of fine parts, then quickselect in the few
 * parts that are wanted, which are copied to `scratch`. */
static void select_ranks(const struct span *spans, size_t n_spans, const int64_t *ranks, size_t k,
                         uint64_t *scratch, uint64_t *out)
{
    uint32_t counts[FINE] = { 0 }, number[MOST_TOGETHER];
    uint8_t marks[FINE] = { 0 };
    uint64_t least = UINT64_MAX, most = 0;
    size_t ends[MOST_TOGETHER + 1] = { 0 }, at[MOST_TOGETHER + 1], below[MOST_TOGETHER];
    size_t n_marks = 0;
    unsigned shift = 0;
    for (const struct span *s = spans; s < spans + n_spans; s++) {
        for (size_t i = 0; i < s->n; i++) {
            least = s->words[i] < least ? s->words[i] : least;
            most = s->words[i] > most ? s->words[i] : most;
        }
    }
    while ((most - least) >> shift >= FINE)
        shift++;
    for (const struct span *s = spans; s < spans + n_spans; s++) {
        for (size_t i = 0; i < s->n; i++)
            counts[(s->words[i] - least) >> shift]++;
    }
    for (size_t j = 0; j < k; j++) {
        size_t part = 0, before = 0;
        while (before + counts[part] <= (size_t)ranks[j])
            before += counts[part++];
        if (marks[part] == 0) {
            marks[part] = (uint8_t)++n_marks;
            ends[n_marks] = ends[n_marks - 1] + counts[part];
        }
        number[j] = marks[part] - 1u;
        below[j] = before;
    }
    memcpy(at, ends, sizeof at);
    for (const struct span *s = spans; s < spans + n_spans; s++) {
        for (size_t i = 0; i < s->n; i++) {
            const uint8_t mark = marks[(s->words[i] - least) >> shift];
            if (mark != 0)
                scratch[at[mark - 1]++] = s->words[i];
        }
    }
    for (size_t j = 0; j < k; j++)
        out[j] = cxm_priv_select_rank(scratch + ends[number[j]],
                                      ends[number[j] + 1] - ends[number[j]],
                                      (size_t)ranks[j] - below[j]);
}

/* The numbers of k ranks of one bracket. */
static void select_in_bracket(struct range *r, uint32_t cell, const int64_t *ranks, size_t k,
                              double *out)
{
    const struct cxm_sampled *d = r->d;
    const size_t bracket = cell / 2;
    const size_t n = list_spans(d, bracket, r->spans);
    const uint64_t pivot = d->any_pivot ? d->pivots[bracket] : NOT_A_WORD;
    const int64_t equal = d->equal[bracket];
    int64_t less = 0, kept[MOST_TOGETHER];
    uint64_t found[MOST_TOGETHER];
    size_t place[MOST_TOGETHER], n_kept = 0;
    for (size_t i = 0; equal > 0 && i < n; i++) {
        for (size_t j = 0; j < r->spans[i].n; j++)
            less += r->spans[i].words[j] < pivot;
    }
    for (size_t j = 0; j < k; j++) {
        if (equal > 0 && ranks[j] >= less && ranks[j] < less + equal) {
            out[j] = cxm_priv_select_number(pivot);
            continue;
        }
        place[n_kept] = j;
        kept[n_kept++] = equal > 0 && ranks[j] >= less ? ranks[j] - equal : ranks[j];
    }
    if (n_kept > 0)
        select_ranks(r->spans, n, kept, n_kept, r->scratch, found);
    for (size_t j = 0; j < n_kept; j++)
        out[place[j]] = cxm_priv_select_number(found[j]);
}

static void answer(void *range)
{
    struct range *r = range;
    const struct cxm_sampled *d = r->d;
    for (size_t i = 0; i < r->n_wanted;) {
        int64_t ranks[MOST_TOGETHER];
        size_t k = 1;
        ranks[0] = r->ranks[i];
        const uint32_t cell = cell_of(d, r->groups[i], &ranks[0]);
        if ((cell & 1) == 0) {
            r->outside = true;
            return;
        }
        for (; k < MOST_TOGETHER && i + k < r->n_wanted; k++) {
            ranks[k] = r->ranks[i + k];
            if (r->groups[i + k] != r->groups[i]
                || cell_of(d, r->groups[i + k], &ranks[k]) != cell)
                break;
        }
        select_in_bracket(r, cell, ranks, k, r->out + i);
        i += k;
    }
}

enum cxm_sample_result cxm_priv_sampled_values(struct cxm_selection *s, const uint32_t *groups,
                                              const int64_t *ranks, size_t n, double *out)
{
    struct cxm_sampled *d = s->sampled;
    struct range *ranges = d->ranges;
    const int threads = d->threads;
    int64_t most = 0;
    bool room = true, outside = false;
    for (size_t k = 0; k < d->n_cells / 2; k++) {
        const int64_t kept = d->counts[2 * k + 1] - d->equal[k];
        most = kept > most ? kept : most;
    }
    const size_t spans = (size_t)most / (CHUNK_WORDS - 1) + 2 * (size_t)threads + 1;
    size_t first = 0;
    for (int i = 0; i < threads; i++) {
        size_t last = n * (size_t)(i + 1) / (size_t)threads;
        while (last < n && last > 0 && groups[last] == groups[last - 1])
            last++;
        last = last < first ? first : last;
        ranges[i].groups = groups + first;
        ranges[i].ranks = ranks + first;
        ranges[i].out = out + first;
        ranges[i].n_wanted = last - first;
        ranges[i].scratch = cxm_priv_alloc(s->allocator, (size_t)most, sizeof(uint64_t));
        ranges[i].spans = cxm_priv_alloc(s->allocator, spans, sizeof *ranges[i].spans);
        room = room && ranges[i].scratch != NULL && ranges[i].spans != NULL;
        first = last;
    }
    if (room)
        cxm_priv_select_run(ranges, sizeof *ranges, threads, answer);
    for (int i = 0; i < threads; i++) {
        cxm_priv_release(s->allocator, ranges[i].scratch);
        cxm_priv_release(s->allocator, ranges[i].spans);
        outside = outside || ranges[i].outside;
    }
    return !room ? CXM_SAMPLE_NO_MEMORY : outside ? CXM_SAMPLE_NO : CXM_SAMPLE_DONE;
}
