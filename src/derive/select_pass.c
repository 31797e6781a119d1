/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pass of the sampled selection: rows are counted by cell, the values of brackets are kept in
 * chains of pages, ranks are looked up in what was counted and kept. See select_sample.c. */
#include "derive/select_pass.h"

enum {
    CHUNK_WORDS = 512, POOL_CHUNKS = 64, MOST_TOGETHER = CXM_SELECT_TOGETHER,
};

#define MOST_SAMPLE ((int64_t)1 << 20)

/* ---- what is kept ------------------------------------------------------------------------ */

/* Every bracket of every thread has a chain of chunks of one page: the first word is the chunk before, values
 * follow. Where the next value goes tells by its bits that a chunk is full. */
static void *chunk_of(const uint64_t *word)
{
    return (void *)((uintptr_t)word / (CHUNK_WORDS * 8) * (CHUNK_WORDS * 8));
}

static void *new_chunk(struct cxm_sampler *r)
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
static void next_chunk(struct cxm_sampler *r, size_t bracket, uint64_t *end, uint64_t word)
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

static void keep(struct cxm_sampler *r, size_t n)
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

/* Those of a bracket, of all threads; the number of spans. out NULL: they are counted only. */
static size_t list_spans(const struct cxm_sampled *d, size_t bracket, struct cxm_span *out,
                         int64_t *kept)
{
    size_t n = 0;
    *kept = 0;
    for (int i = 0; i < d->threads; i++) {
        const struct cxm_sampler *r = &d->samplers[i];
        const uint64_t *to = r->to[bracket];
        for (; to != r->nowhere && to != NULL; n++) {
            const uint64_t *chunk = chunk_of(to - 1);
            void *before;
            *kept += to - chunk - 1;
            if (out != NULL)
                out[n] = (struct cxm_span){ chunk + 1, (size_t)(to - chunk - 1) };
            memcpy(&before, chunk, sizeof before);
            to = before != NULL ? (const uint64_t *)before + CHUNK_WORDS : NULL;
        }
    }
    return n;
}

/* ---- the pass ---------------------------------------------------------------------------- */

/* Rows whose value is not used count for their group and belong to no cell. */
static void set_aside(struct cxm_sampler *r, int64_t row, const uint32_t *codes, size_t n)
{
    const struct cxm_select_map *map = &r->d->map;
    for (size_t i = 0; i < n; i++) {
        const uint32_t group = codes != NULL ? codes[i] : 0;
        if (CXM_LIKELY(r->states[i] == CXM_ROW_USED))
            continue;
        r->index[i] = map->n_groups * cxm_priv_select_pitch(map);
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

/* What the next block reads, which is asked for meanwhile: value and key of every row, or of the rows
 * with which a line begins. */
struct asking {
    struct cxm_asking value, key;
    size_t every; /* a power of two */
};

static struct asking ask_for(const struct cxm_sampler *r, int64_t row)
{
    const struct cxm_column *value = r->s->column, *key = r->s->key;
    const struct cxm_asking nothing = { (uintptr_t)r->index, 0 };
    struct asking a = { nothing, nothing, 8 };
    if (!r->bare || r->streams || row + r->block > r->last)
        return a;
    a.value = (struct cxm_asking){ cxm_priv_select_address(value, row), value->stride };
    while (a.every > 1 && value->stride * (int64_t)a.every > 64)
        a.every /= 2;
    if (key != NULL && key->stride > 8 && r->n_members < 2) /* others are few, and come by themselves */
        a.key = (struct cxm_asking){ cxm_priv_select_address(key, row), key->stride };
    return a;
}

CXM_PREFETCHER void ask(const struct asking *a, size_t i)
{
    cxm_priv_ask(a->value, i);
    if (a->key.step != 0)
        cxm_priv_ask(a->key, i);
}

static void count_cells(struct cxm_sampler *r, size_t n, const struct asking *next)
{
    const uint16_t *table = r->d->table;
    uint32_t *const even = r->counts[0], *const odd = r->counts[1];
    const size_t apart = next->every - 1;
    size_t i = 0;
    for (; i + 2 <= n; i += 2) {
        if ((i & apart) == 0)
            ask(next, i);
        if (apart == 0)
            ask(next, i + 1);
        const uint16_t a = table[r->index[i]], b = table[r->index[i + 1]];
        r->cells[i] = a;
        r->cells[i + 1] = b;
        even[a]++;
        odd[b]++;
    }
    if (i < n)
        even[r->cells[i] = table[r->index[i]]]++;
}

static void count_rows(void *range)
{
    struct cxm_sampler *r = range;
    const struct cxm_sampled *d = r->d;
    const uint64_t *const pivots = d->any_pivot ? d->pivots : NULL;
    for (int64_t row = r->first; row < r->last; row += r->block) {
        const size_t n = r->last - row < r->block ? (size_t)(r->last - row) : (size_t)r->block;
        const uint32_t *codes;
        const double *x = cxm_priv_sampler_block(r, row, n, &codes);
        const bool finite = d->kernels.index(&d->map, x, codes, n, r->index);
        if (r->bare && !finite)
            cxm_priv_read_numbers(&r->reader, row, n, r->values, r->states);
        if (r->bare ? !finite : !cxm_priv_all_used(r->states, n))
            set_aside(r, row, codes, n);
        const struct asking next = ask_for(r, row + r->block);
        count_cells(r, n, &next);
        keep(r, d->kernels.pick(x, r->cells, pivots, n, r->words, r->picked));
        if (r->no_memory)
            return;
    }
}

/* ---- putting it together ------------------------------------------------------------------- */

static struct cxm_sampler *ranges_new(struct cxm_selection *s, struct cxm_sampled *d, int n)
{
    struct cxm_sampler *ranges = cxm_priv_alloc(s->allocator, (size_t)n, sizeof *ranges);
    for (int i = 0; ranges != NULL && i < n; i++)
        cxm_priv_sampler_init(&ranges[i], s, d);
    return ranges;
}

static void ranges_release(struct cxm_sampler *ranges, int n)
{
    for (int i = 0; ranges != NULL && i < n; i++) {
        const struct cxm_allocator *allocator = ranges[i].s->allocator;
        cxm_priv_release(allocator, ranges[i].histogram);
        cxm_priv_release(allocator, ranges[i].counts[0]);
        cxm_priv_release(allocator, ranges[i].missing);
        cxm_priv_release(allocator, ranges[i].to);
        for (void *pool = ranges[i].pools, *before; pool != NULL; pool = before) {
            memcpy(&before, pool, sizeof before);
            cxm_priv_release(allocator, pool);
        }
    }
    if (ranges != NULL)
        cxm_priv_release(ranges[0].s->allocator, ranges);
}

static bool prepare_pass(const struct cxm_selection *s, const struct cxm_sampled *d,
                         struct cxm_sampler *r, int i)
{
    const size_t brackets = d->n_cells / 2, groups = s->n_groups;
    r->first = cxm_priv_select_first(s, i, d->threads);
    r->last = cxm_priv_select_first(s, i + 1, d->threads);
    r->counts[0] = cxm_priv_alloc_zero(s->allocator, 2 * d->n_cells, sizeof *r->counts[0]);
    r->missing = cxm_priv_alloc_zero(s->allocator, 2 * groups, sizeof *r->missing);
    r->to = cxm_priv_alloc(s->allocator, brackets, sizeof *r->to);
    if (r->counts[0] == NULL || r->missing == NULL || r->to == NULL)
        return false;
    uint64_t *none = new_chunk(r);
    if (none == NULL)
        return false;
    r->nowhere = none + CHUNK_WORDS - 1;
    for (size_t k = 0; k < brackets; k++)
        r->to[k] = r->nowhere;
    r->counts[1] = r->counts[0] + d->n_cells;
    r->invalid = r->missing + groups;
    return true;
}

/* What the ranges counted. */
static bool gather_counts(struct cxm_selection *s, struct cxm_sampled *d, struct cxm_sampler *ranges)
{
    const size_t brackets = d->n_cells / 2;
    d->counts = cxm_priv_alloc_zero(s->allocator, d->n_cells, sizeof *d->counts);
    d->equal = cxm_priv_alloc_zero(s->allocator, brackets, sizeof *d->equal);
    if (d->counts == NULL || d->equal == NULL)
        return false;
    for (int i = 0; i < d->threads; i++) {
        for (size_t k = 0; k < d->n_cells; k++)
            d->counts[k] += (int64_t)ranges[i].counts[0][k] + ranges[i].counts[1][k];
    }
    for (size_t k = 0; d->any_pivot && k < brackets; k++) { /* what was counted and is not kept */
        int64_t kept;
        (void)list_spans(d, k, NULL, &kept);
        d->equal[k] = d->counts[2 * k + 1] - kept;
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
                                   struct cxm_sampler *ranges, int64_t *bad_row)
{
    bool room = true;
    for (int i = 0; i < d->threads; i++) {
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

/* The finer the buckets, the fewer rows are kept; the table is to stay in the second-level cache. */
static unsigned bits_of(const struct cxm_sampled *d, uint32_t n_groups)
{
    return n_groups < 32 ? 12 : n_groups < 64 || d->kernels.large_table ? 11 : 10;
}

enum cxm_sample_result cxm_priv_sampled_count(struct cxm_selection *s, double scale,
                                             int64_t *bad_row)
{
    const int64_t n = s->column->n;
    const int64_t rows = s->sample_rows > 0 ? s->sample_rows
                       : n / 32 < MOST_SAMPLE ? n / 32 : MOST_SAMPLE;
    if (s->n_probs == 0 || s->n_probs > CXM_SELECT_PROBS || s->n_groups > CXM_SELECT_GROUPS
        || rows < CXM_SELECT_RUN || n / (rows / CXM_SELECT_RUN) < CXM_SELECT_RUN
        || (s->sample_rows == 0 && n < (int64_t)1 << 18))
        return CXM_SAMPLE_NO;
    struct cxm_sampled *d = cxm_priv_alloc_zero(s->allocator, 1, sizeof *d);
    if (d == NULL)
        return CXM_SAMPLE_NO_MEMORY;
    s->sampled = d;
    d->kernels = cxm_priv_select_kernels(s->without);
    d->runs = rows / CXM_SELECT_RUN;
    d->step = n / d->runs;
    d->threads = cxm_priv_select_workers(s);
    d->map = (struct cxm_select_map){ .bits = bits_of(d, s->n_groups), .n_groups = s->n_groups };
    d->samplers = ranges_new(s, d, d->threads);
    enum cxm_sample_result result = CXM_SAMPLE_NO_MEMORY;
    if (d->samplers != NULL)
        result = cxm_priv_sampled_take(s, d, scale);
    if (result == CXM_SAMPLE_DONE)
        result = pass(s, d, d->samplers, bad_row);
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
    ranges_release(d->samplers, d->threads);
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

/* The numbers of k ranks of one bracket. */
static void select_in_bracket(struct cxm_sampler *r, uint32_t cell, const int64_t *ranks, size_t k,
                              double *out)
{
    const struct cxm_sampled *d = r->d;
    const size_t bracket = cell / 2;
    int64_t all_kept;
    const size_t n = list_spans(d, bracket, r->spans, &all_kept);
    const uint64_t pivot = d->any_pivot ? d->pivots[bracket] : CXM_NOT_A_WORD;
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
        cxm_priv_select_ranks(r->spans, n, kept, n_kept, r->scratch, found);
    for (size_t j = 0; j < n_kept; j++)
        out[place[j]] = cxm_priv_select_number(found[j]);
}

static void answer(void *range)
{
    struct cxm_sampler *r = range;
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
    struct cxm_sampler *ranges = d->samplers;
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
