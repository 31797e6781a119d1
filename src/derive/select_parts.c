/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Order statistics of many groups: rows are dealt out to parts of some thousand rows, each of which has
 * all rows of a run of groups, and fits the second-level cache; then part after part is put in the
 * order of its groups. Groups of a few words are sorted by networks, and any rank of them is then there;
 * among many words of a group ranks are selected. Where groups have rows enough a part is a group, which is
 * selected from as it lies.
 *
 * Typical: 1 000 groups of 20 000 rows, 1 000 000 of 20; extreme: as many groups as rows, all rows of one
 * group. Memory: 8 bytes a row, 10 where a part has several groups; 1 KiB for each part and thread; each
 * thread 8 or 16 bytes for each row of the largest part. After Manegold, Boncz and Kersten (2002,
 * "Optimizing main-memory join on modern hardware"). */
#include "derive/select_parts.h"

#include "derive/select_kernels.h"
#include "derive/sorting.h"

enum {
    BLOCK = CXM_SELECT_BLOCK, MOST_SHIFT = 16, MOST_PARTS = 4096,
    ROWS_OF_GROUP = 2048,  /* so many, and a part is a group */
    ROWS_OF_PART = 8192,
    LONG = 1024,           /* words of a group that are not sorted any more */
    CODES_AT = (CXM_CHUNK_BYTES / 10) * 8, /* codes in a chunk, behind the words */
};

struct cxm_parts {
    int shift;             /* 2^shift groups are a part */
    uint32_t n_parts;
    int threads;
    struct cxm_pool *pools; /* by thread */
    size_t most;           /* rows of the largest part */
};

/* ---- dealing ------------------------------------------------------------------------------ */

struct dealer {
    struct cxm_selection *s;
    struct cxm_pool *pool;
    int64_t first, last;   /* rows */
    int64_t bad_row;       /* lowest invalid row; -1: none */
    bool no_memory;
    struct cxm_reader reader;
    uint32_t buffer[BLOCK];
    double values[BLOCK];
    uint64_t words[BLOCK];
    uint8_t states[BLOCK];
};

/* Plain doubles as they lie in memory. False: there are others than finite ones. */
static bool load_words(const double *restrict x, size_t n, uint64_t *restrict words)
{
    uint64_t other = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        other |= (bits & UINT64_C(0x7FF) << 52) + (UINT64_C(1) << 52);
        words[i] = cxm_priv_select_word(x[i]);
    }
    return other >> 63 == 0;
}

static const double *doubles_in_place(const struct cxm_column *c, int64_t row)
{
    if (!cxm_priv_is_bare(c) || c->type != CXM_F64 || c->stride != sizeof(double))
        return NULL;
    const unsigned char *from = (const unsigned char *)c->data + (c->offset + row) * c->stride;
    return (uintptr_t)from % sizeof(double) == 0 ? (const double *)(const void *)from : NULL;
}

/* One row into its part; false: out of memory. */
static inline bool deal(struct dealer *d, uint32_t group, uint64_t word, int shift)
{
    uintptr_t *const cursor = &d->pool->cursors[group >> shift];
    uintptr_t to = *cursor;
    if (CXM_UNLIKELY(cxm_priv_is_full(d->pool, to))) {
        to = cxm_priv_pool_extend(d->pool, group >> shift);
        if (to == 0)
            return false;
    }
    memcpy((void *)to, &word, sizeof word);
    if (shift > 0) {
        const uintptr_t at = to % CXM_CHUNK_BYTES;
        const uint16_t code = (uint16_t)(group & (((uint32_t)1 << shift) - 1));
        memcpy((void *)(to - at + CODES_AT + at / 4), &code, sizeof code);
    }
    *cursor = to + sizeof word;
    return true;
}

static inline bool deal_all(struct dealer *d, const uint32_t *codes, size_t n, int shift)
{
    const uint32_t n_groups = d->s->n_groups;
    for (size_t i = 0; i < n; i++) {
        const uint32_t group = codes != NULL ? codes[i] : 0;
        if (CXM_LIKELY(group < n_groups) && CXM_UNLIKELY(!deal(d, group, d->words[i], shift)))
            return false;
    }
    return true;
}

/* Rows of which some are not used; counters of those are shared by all threads. */
static bool deal_some(struct dealer *d, int64_t row, const uint32_t *codes, size_t n, int shift)
{
    struct cxm_selection *s = d->s;
    for (size_t i = 0; i < n; i++) {
        const uint32_t group = codes != NULL ? codes[i] : 0;
        if (group >= s->n_groups)
            continue;
        if (d->states[i] == CXM_ROW_USED) {
            if (!deal(d, group, d->words[i], shift))
                return false;
        } else if (d->states[i] == CXM_ROW_MISSING) {
            __atomic_fetch_add(&s->missing[group], 1, __ATOMIC_RELAXED);
        } else {
            __atomic_fetch_add(&s->invalid[group], 1, __ATOMIC_RELAXED);
            d->bad_row = d->bad_row < 0 ? row + (int64_t)i : d->bad_row;
        }
    }
    return true;
}

static void deal_rows(void *dealer)
{
    struct dealer *d = dealer;
    const int shift = d->s->parts->shift;
    cxm_priv_reader_init(&d->reader, d->s->column);
    for (int64_t row = d->first; row < d->last && !d->no_memory; row += BLOCK) {
        const size_t n = d->last - row < BLOCK ? (size_t)(d->last - row) : BLOCK;
        const double *x = doubles_in_place(d->s->column, row);
        const uint32_t *codes = cxm_priv_select_codes(d->s, row, n, d->buffer);
        bool all = x != NULL && load_words(x, n, d->words);
        if (!all) {
            cxm_priv_read_numbers(&d->reader, row, n, d->values, d->states);
            load_words(d->values, n, d->words);
            all = cxm_priv_all_used(d->states, n);
        }
        d->no_memory = !(!all ? deal_some(d, row, codes, n, shift)
                         : shift > 0 ? deal_all(d, codes, n, shift) : deal_all(d, codes, n, 0));
    }
}

/* ---- counting ----------------------------------------------------------------------------- */

/* Parts are taken as they come. */
struct taking {
    const struct cxm_selection *s;
    uint32_t *next;
    /* ranks that are wanted */
    const uint32_t *groups;
    const int64_t *ranks;
    double *out;
    size_t n;
    struct cxm_sort_kernels kernels;
    uint64_t *from, *to;   /* room for the words of a part */
    uint32_t *at;          /* by group of a part, and one more */
    struct cxm_span *spans;
};

static const uint16_t *codes_of(const uint64_t *words)
{
    return (const uint16_t *)(const void *)((const unsigned char *)words + CODES_AT);
}

static void count_parts(void *taking)
{
    const struct taking *t = taking;
    const struct cxm_parts *p = t->s->parts;
    uint32_t part;
    while ((part = __atomic_fetch_add(t->next, 1, __ATOMIC_RELAXED)) < p->n_parts) {
        int64_t *n = t->s->n + ((size_t)part << p->shift);
        for (int i = 0; i < p->threads; i++) {
            const uint64_t *words;
            size_t k;
            if (p->shift == 0)
                *n += (int64_t)cxm_priv_pool_count(&p->pools[i], part);
            for (uint32_t c = 0;
                 p->shift > 0 && (words = cxm_priv_pool_walk(&p->pools[i], part, c, &k)) != NULL; c++) {
                const uint16_t *codes = codes_of(words);
                for (size_t j = 0; j < k; j++)
                    n[codes[j]]++;
            }
        }
    }
}

static void find_largest(struct cxm_parts *p)
{
    for (uint32_t part = 0; part < p->n_parts; part++) {
        size_t n = 0;
        for (int i = 0; i < p->threads; i++)
            n += cxm_priv_pool_count(&p->pools[i], part);
        p->most = n > p->most ? n : p->most;
    }
}

/* ---- putting it together ------------------------------------------------------------------ */

/* A part is a group where these have rows enough, else so many groups that it has. */
static int shift_for(uint32_t n_groups, int64_t n)
{
    int shift = 0;
    if (n_groups <= MOST_PARTS && n / ROWS_OF_GROUP >= (int64_t)n_groups)
        return 0;
    while (shift < MOST_SHIFT
           && (n_groups >> shift >= MOST_PARTS
               || (n_groups >> shift > 0 && n / ROWS_OF_PART < (int64_t)(n_groups >> shift))))
        shift++;
    return shift;
}

static bool make_pools(struct cxm_selection *s, struct cxm_parts *p)
{
    const size_t beside = p->shift > 0 ? sizeof(uint16_t) : 0;
    bool room = true;
    p->pools = cxm_priv_alloc_zero(s->allocator, (size_t)p->threads, sizeof *p->pools);
    for (int i = 0; p->pools != NULL && i < p->threads; i++) {
        const int64_t rows = cxm_priv_select_first(s, i + 1, p->threads)
                           - cxm_priv_select_first(s, i, p->threads);
        room = room && cxm_priv_pool_init(&p->pools[i], sizeof(uint64_t), beside, rows, p->n_parts,
                                          s->allocator);
    }
    return p->pools != NULL && room;
}

static enum cxm_sample_result deal_out(struct cxm_selection *s, struct dealer *dealers,
                                       int64_t *bad_row)
{
    struct cxm_parts *p = s->parts;
    struct taking takers[CXM_SELECT_THREADS];
    uint32_t next = 0;
    for (int i = 0; i < p->threads; i++) {
        dealers[i].s = s;
        dealers[i].pool = &p->pools[i];
        dealers[i].first = cxm_priv_select_first(s, i, p->threads);
        dealers[i].last = cxm_priv_select_first(s, i + 1, p->threads);
        dealers[i].bad_row = -1;
        dealers[i].no_memory = false;
        takers[i] = (struct taking){ .s = s, .next = &next };
    }
    cxm_priv_select_run(dealers, sizeof *dealers, p->threads, deal_rows);
    for (int i = 0; i < p->threads; i++) {
        if (dealers[i].no_memory || !cxm_priv_pool_close(&p->pools[i]))
            return CXM_SAMPLE_NO_MEMORY;
    }
    for (int i = 0; i < p->threads && !s->count_invalid; i++) {
        *bad_row = dealers[i].bad_row;
        if (*bad_row >= 0)
            return CXM_SAMPLE_BAD;
    }
    cxm_priv_select_run(takers, sizeof *takers, p->threads, count_parts);
    find_largest(p);
    return CXM_SAMPLE_DONE;
}

enum cxm_sample_result cxm_priv_parts_count(struct cxm_selection *s, int64_t *bad_row)
{
    struct cxm_parts *p = cxm_priv_alloc_zero(s->allocator, 1, sizeof *p);
    if (p == NULL)
        return CXM_SAMPLE_NO_MEMORY;
    s->parts = p;
    p->threads = cxm_priv_select_workers(s);
    p->shift = shift_for(s->n_groups, s->column->n);
    p->n_parts = ((s->n_groups - 1) >> p->shift) + 1;
    memset(s->n, 0, 3 * (size_t)s->n_groups * sizeof *s->n);
    struct dealer *dealers = cxm_priv_alloc(s->allocator, (size_t)p->threads, sizeof *dealers);
    const enum cxm_sample_result result = dealers != NULL && make_pools(s, p)
                                            ? deal_out(s, dealers, bad_row)
                                            : CXM_SAMPLE_NO_MEMORY;
    cxm_priv_release(s->allocator, dealers);
    return result;
}

void cxm_priv_parts_release(struct cxm_selection *s)
{
    struct cxm_parts *p = s->parts;
    if (p == NULL)
        return;
    for (int i = 0; p->pools != NULL && i < p->threads; i++)
        cxm_priv_pool_release(&p->pools[i]);
    cxm_priv_release(s->allocator, p->pools);
    cxm_priv_release(s->allocator, p);
    s->parts = NULL;
}

uint32_t cxm_priv_select_batch(const struct cxm_selection *s, uint32_t groups)
{
    if (s->parts == NULL)
        return s->n_groups;
    const uint32_t together = (uint32_t)1 << s->parts->shift;
    return groups < together ? together : groups / together * together;
}

/* ---- ranks -------------------------------------------------------------------------------- */

/* The first of the wanted ranks that is of this group or a later one. */
static size_t first_wanted(const struct taking *t, uint64_t group)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (t->groups[middle] < group)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Ranks first … last - 1, of one group whose words are in spans: t->to has room for them. */
static void select_in_group(const struct taking *t, const struct cxm_span *spans, size_t n_spans,
                            uint64_t *scratch, size_t first, size_t last)
{
    uint64_t found[CXM_SELECT_TOGETHER];
    for (size_t i = first; i < last; i += CXM_SELECT_TOGETHER) {
        const size_t k = last - i < CXM_SELECT_TOGETHER ? last - i : CXM_SELECT_TOGETHER;
        cxm_priv_select_ranks(spans, n_spans, t->ranks + i, k, scratch, found);
        for (size_t j = 0; j < k; j++)
            t->out[i + j] = cxm_priv_select_number(found[j]);
    }
}

/* A part that is a group. */
static void answer_group(const struct taking *t, uint32_t group, size_t first, size_t last)
{
    const struct cxm_parts *p = t->s->parts;
    const size_t all = (size_t)t->s->n[group];
    size_t n_spans = 0, n = 0;
    for (int i = 0; i < p->threads; i++) {
        struct cxm_span span;
        for (uint32_t c = 0;
             (span.words = cxm_priv_pool_words(&p->pools[i], group, c, &span.n)) != NULL; c++) {
            if (all <= LONG)
                memcpy(t->from + n, span.words, span.n * sizeof *t->from);
            n += span.n;
            t->spans[n_spans++] = span;
        }
    }
    if (all > LONG) {
        select_in_group(t, t->spans, n_spans, t->to, first, last);
        return;
    }
    const uint32_t end = (uint32_t)n;
    t->kernels.sort_runs(t->from, &end, 1, t->to);
    for (size_t i = first; i < last; i++)
        t->out[i] = cxm_priv_select_number(t->to[t->ranks[i]]);
}

/* All words of a part into t->from, group after group; t->at[g] is where group g ends. */
static void place_words(const struct taking *t, uint32_t part, uint32_t n_groups)
{
    const struct cxm_parts *p = t->s->parts;
    const int64_t *counts = t->s->n + ((size_t)part << p->shift);
    uint32_t sum = 0;
    for (uint32_t g = 0; g < n_groups; g++) {
        t->at[g] = sum;
        sum += (uint32_t)counts[g];
    }
    for (int i = 0; i < p->threads; i++) {
        const uint64_t *words;
        size_t k;
        for (uint32_t c = 0; (words = cxm_priv_pool_walk(&p->pools[i], part, c, &k)) != NULL; c++) {
            const uint16_t *codes = codes_of(words);
            for (size_t j = 0; j < k; j++)
                t->from[t->at[codes[j]]++] = words[j];
        }
    }
}

/* Groups first … last - 1 of a part are sorted into t->to. Each has so few words that no offset is large. */
static void sort_groups(const struct taking *t, uint32_t first, uint32_t last)
{
    const uint32_t start = first > 0 ? t->at[first - 1] : 0;
    for (uint32_t g = first; g < last; g++)
        t->at[g] -= start;
    t->kernels.sort_runs(t->from + start, t->at + first, last - first, t->to + start);
    for (uint32_t g = first; g < last; g++)
        t->at[g] += start;
}

static void answer_part(const struct taking *t, uint32_t part, size_t first, size_t last)
{
    const uint32_t base = part << t->s->parts->shift, left = t->s->n_groups - base;
    const uint32_t most = (uint32_t)1 << t->s->parts->shift;
    const uint32_t n_groups = left < most ? left : most;
    const int64_t *counts = t->s->n + base;
    place_words(t, part, n_groups);
    for (uint32_t g = 0, begin = 0; g <= n_groups; g++) {
        if (g < n_groups && counts[g] <= LONG)
            continue;
        sort_groups(t, begin, g);
        begin = g + 1;
    }
    for (size_t i = first, end; i < last; i = end) {
        const uint32_t g = t->groups[i] - base, start = g > 0 ? t->at[g - 1] : 0;
        for (end = i + 1; end < last && t->groups[end] == t->groups[i]; end++)
            continue;
        const struct cxm_span all = { t->from + start, (size_t)counts[g] };
        if (all.n > LONG)
            select_in_group(t, &all, 1, t->to + start, i, end);
        for (size_t k = i; all.n <= LONG && k < end; k++)
            t->out[k] = cxm_priv_select_number(t->to[start + (size_t)t->ranks[k]]);
    }
}

static void answer_parts(void *taking)
{
    const struct taking *t = taking;
    const struct cxm_parts *p = t->s->parts;
    const uint32_t last_part = t->groups[t->n - 1] >> p->shift;
    uint32_t part;
    while ((part = __atomic_fetch_add(t->next, 1, __ATOMIC_RELAXED)) <= last_part) {
        const size_t first = first_wanted(t, (uint64_t)part << p->shift);
        const size_t last = first_wanted(t, ((uint64_t)part + 1) << p->shift);
        if (first < last && p->shift == 0)
            answer_group(t, part, first, last);
        else if (first < last)
            answer_part(t, part, first, last);
    }
}

static bool make_room(const struct cxm_selection *s, struct taking *t)
{
    const struct cxm_parts *p = s->parts;
    const bool apart = p->shift == 0;
    const size_t most = p->most > LONG ? p->most : LONG;
    const size_t chunks = p->most / (CXM_CHUNK_BYTES / sizeof(uint64_t)) + 2 * (size_t)p->threads;
    t->from = cxm_priv_alloc(s->allocator, apart ? LONG : most, sizeof *t->from);
    t->to = cxm_priv_alloc(s->allocator, most + CXM_RUN_SLACK, sizeof *t->to);
    t->at = cxm_priv_alloc(s->allocator, (size_t)1 << p->shift, sizeof *t->at);
    t->spans = cxm_priv_alloc(s->allocator, apart ? chunks : 1, sizeof *t->spans);
    return t->from != NULL && t->to != NULL && t->at != NULL && t->spans != NULL;
}

bool cxm_priv_parts_values(const struct cxm_selection *s, const uint32_t *groups,
                           const int64_t *ranks, size_t n, double *out)
{
    const int threads = s->parts->threads;
    struct taking takers[CXM_SELECT_THREADS] = { { 0 } };
    uint32_t next = groups[0] >> s->parts->shift;
    bool room = true;
    for (int i = 0; i < threads && room; i++) {
        takers[i] = (struct taking){ .s = s, .next = &next, .groups = groups, .ranks = ranks,
                                     .out = out, .n = n,
                                     .kernels = cxm_priv_sort_kernels(0) };
        room = make_room(s, &takers[i]);
    }
    if (room)
        cxm_priv_select_run(takers, sizeof *takers, threads, answer_parts);
    for (int i = 0; i < threads; i++) {
        cxm_priv_release(s->allocator, takers[i].from);
        cxm_priv_release(s->allocator, takers[i].to);
        cxm_priv_release(s->allocator, takers[i].at);
        cxm_priv_release(s->allocator, takers[i].spans);
    }
    return room;
}
