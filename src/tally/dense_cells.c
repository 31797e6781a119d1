/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counters of a run of keys turned into cells, which come in the order of their keys and are
 * appended to the dictionary without a look-up. Typical: 16 to 10 000 keys, written in one pass over
 * the counters; extreme: four million, of which threads make the cells of ranges, as they come. */
#include "tally/dense.h"

enum { ONE_PASS_CELLS = 20000, BLOCK_KEYS = 32, MANY_KEYS = 1 << 15, FAR = 64, KEY_BYTES = 9,
       SLICES = 8 };

/* Some keys. */
struct slice {
    uint64_t first, end;  /* less the smallest key of all */
    size_t n_seen, at;    /* keys with rows; number of the first one */
    int64_t invalid;
};

struct making {
    const struct cxm_dense_rows *rows;
    const struct cxm_dense_keys *keys;
    int n_keys;           /* sets of counters */
    int64_t low;
    struct cxm_table *groups;
    struct slice *slices;
    bool once;            /* one slice with room for all keys: they are counted as they are written */
};

/* Where counters of some keys stand in one set of them. */
struct stretch {
    size_t at, n, skip;   /* number of a key there; keys that it has; those before them */
};

static struct stretch stretch_of(const struct making *m, const struct cxm_dense_keys *k,
                                 uint64_t first, size_t n)
{
    const uint64_t begin = (uint64_t)k->base - (uint64_t)m->low, end = begin + k->c.n_keys;
    const uint64_t from = first > begin ? first : begin, to = first + n < end ? first + n : end;
    if (k->c.n_keys == 0 || from >= to)
        return (struct stretch){ 0, 0, 0 };
    return (struct stretch){ (size_t)(from - begin), (size_t)(to - from), (size_t)(from - first) };
}

/* Sums of all counters of a few keys. */
static void sum_block(const struct making *m, uint64_t first, size_t n, int64_t *sums)
{
    memset(sums, 0, n * m->rows->stride * sizeof *sums);
    for (int i = 0; i < m->n_keys; i++) {
        const struct stretch s = stretch_of(m, &m->keys[i], first, n);
        if (s.n > 0)
            cxm_priv_dense_sums(&m->keys[i], s.at, s.n, sums + s.skip * m->rows->stride);
    }
}

/* Most keys have rows of the first codes. */
static bool any_row(const int64_t *sums, uint32_t n)
{
    uint32_t c = 0;
    while (c < n && sums[c] == 0)
        c++;
    return c < n;
}

/* Small counters, as of a million keys, are read without sums of several: rows that come in the order
 * of their keys have each key's in one set, or in two. */
static bool is_quick(const struct making *m)
{
    bool quick = true;
    for (int i = 0; i < m->n_keys; i++)
        quick = quick && (m->keys[i].c.n_keys == 0 || cxm_priv_dense_narrow(&m->keys[i]));
    return quick;
}

/* Which of n keys have rows, a bit each. *only: the one set that counted any; NULL: several did. */
static uint32_t seen_keys(const struct making *m, uint64_t first, size_t n,
                          const struct cxm_dense_keys **only, int64_t *invalid)
{
    uint32_t seen = 0;
    *only = NULL;
    for (int i = 0; i < m->n_keys; i++) {
        const struct cxm_dense_keys *k = &m->keys[i];
        const struct stretch s = stretch_of(m, k, first, n);
        if (s.n == 0)
            continue;
        const uint32_t mine = cxm_priv_dense_seen(k, s.at, s.n, invalid) << s.skip;
        *only = mine == 0 ? *only : seen == 0 ? k : NULL;
        seen |= mine;
    }
    return seen;
}

static void count_slice(void *context, size_t i)
{
    const struct making *m = context;
    struct slice slice = m->slices[i];
    const uint32_t stride = m->rows->stride;
    const bool quick = is_quick(m);
    const struct cxm_dense_keys *only;
    int64_t sums[BLOCK_KEYS * CXM_DENSE_MOST_CODES];
    for (uint64_t first = slice.first; first < slice.end; first += BLOCK_KEYS) {
        const size_t n = slice.end - first < BLOCK_KEYS ? (size_t)(slice.end - first)
                                                        : BLOCK_KEYS;
        if (quick) {
            slice.n_seen += (size_t)__builtin_popcount(
                seen_keys(m, first, n, &only, &slice.invalid));
            continue;
        }
        sum_block(m, first, n, sums);
        for (size_t key = 0; key < n; key++) {
            slice.n_seen += any_row(sums + key * stride, stride);
            slice.invalid += sums[key * stride + stride - 1];
        }
    }
    m->slices[i] = slice; /* once: those of other threads are beside it */
}

static void write_key(const struct making *m, size_t at, uint64_t place)
{
    const uint64_t word = (uint64_t)m->low + place;
    uint8_t *bytes = m->groups->dict.bytes + at * KEY_BYTES;
    bytes[0] = CXM_TAG_PRESENT;
    cxm_priv_put_u64(bytes + 1, __builtin_bswap64(word ^ m->rows->flip));
    m->groups->dict.ends[at] = (at + 1) * KEY_BYTES;
}

/* The cells of those of n keys that were `seen`, all in one set; the number of the next cell. */
static size_t copy_block(const struct making *m, const struct cxm_dense_keys *k, uint64_t first,
                         size_t n, uint32_t seen, size_t at)
{
    const struct stretch s = stretch_of(m, k, first, n);
    cxm_priv_dense_fill(k, s.at, seen >> s.skip, cxm_priv_table_cell(m->groups, (uint32_t)at),
                        m->groups->layout.stride);
    for (uint64_t key = 0; key < n; key++) {
        if ((seen >> key & 1) != 0)
            write_key(m, at++, first + key);
    }
    return at;
}

static size_t add_block(const struct making *m, uint64_t first, size_t n, size_t at,
                        int64_t *invalid)
{
    const uint32_t stride = m->rows->stride;
    int64_t sums[BLOCK_KEYS * CXM_DENSE_MOST_CODES];
    sum_block(m, first, n, sums);
    for (size_t key = 0; key < n; key++) {
        const int64_t *of_key = sums + key * stride;
        if (!any_row(of_key, stride))
            continue;
        *invalid += of_key[stride - 1];
        write_key(m, at, first + key);
        memcpy(cxm_priv_table_cell(m->groups, (uint32_t)at), of_key, stride * sizeof *sums);
        at++;
    }
    return at;
}

/* Widens the counters of a key into a cell; false: it has no rows, and the cell is zeros, as it was. */
static bool widen(const uint32_t *restrict counters, uint32_t n, int64_t *restrict cell)
{
    uint32_t any = 0;
    for (uint32_t i = 0; i < n; i++) {
        any |= counters[i];
        cell[i] = counters[i];
    }
    return any != 0;
}

/* One table of words, and room for cells of all keys: each counter is read once. */
static void write_words(const struct making *m, const struct cxm_dense_keys *k, struct slice *slice)
{
    const uint32_t stride = m->rows->stride;
    size_t at = slice->at;
    for (uint64_t key = slice->first; key < slice->end; key++) {
        int64_t *cell = cxm_priv_table_cell(m->groups, (uint32_t)at);
        if (!widen(k->c.words + key * stride, stride, cell))
            continue;
        slice->invalid += cell[stride - 1];
        write_key(m, at++, key);
    }
    slice->n_seen = at - slice->at;
}

static void write_slice(void *context, size_t i)
{
    const struct making *m = context;
    struct slice *slice = &m->slices[i];
    if (m->once && m->n_keys == 1 && m->keys->c.words != NULL && m->keys->c.apart == 0) {
        write_words(m, m->keys, slice);
        return;
    }
    const bool quick = is_quick(m);
    size_t at = slice->at;
    int64_t all_invalid = 0;
    for (uint64_t first = slice->first; first < slice->end; first += BLOCK_KEYS) {
        const size_t n = slice->end - first < BLOCK_KEYS ? (size_t)(slice->end - first)
                                                         : BLOCK_KEYS;
        const struct cxm_dense_keys *only = NULL;
        int64_t invalid = 0;
        const uint32_t seen = quick ? seen_keys(m, first, n, &only, &invalid) : 0;
        if (only != NULL) {
            at = copy_block(m, only, first, n, seen, at);
            all_invalid += invalid;
        } else if (seen != 0 || !quick) {
            at = add_block(m, first, n, at, &all_invalid);
        }
    }
    slice->invalid = all_invalid;
    slice->n_seen = at - slice->at;
}

/* Room for the keys of all slices, and where each begins. */
static bool reserve(const struct making *m, int n_slices, size_t *n)
{
    *n = 0;
    for (int i = 0; i < n_slices; i++) {
        m->slices[i].at = *n;
        *n += m->slices[i].n_seen;
    }
    return cxm_priv_table_reserve(m->groups, *n, NULL)
        && cxm_priv_dict_reserve(&m->groups->dict, *n, KEY_BYTES * *n);
}

/* Rows without a key. */
static void sum_without(const struct making *m, int64_t *sums)
{
    for (int i = 0; i < m->n_keys; i++) {
        if (m->keys[i].c.n_keys > 0)
            cxm_priv_dense_sums(&m->keys[i], m->keys[i].c.n_keys, 1, sums);
    }
}

static enum cxm_dense_result add_without(const struct making *m, const int64_t *sums,
                                         int64_t *left_out)
{
    static const uint8_t key[1] = { CXM_TAG_MISSING };
    if (!any_row(sums, m->rows->stride))
        return CXM_DENSE_DONE;
    if (m->rows->leave_out) {
        for (uint32_t i = 0; i < m->rows->stride; i++)
            *left_out += sums[i];
        return CXM_DENSE_DONE;
    }
    const uint32_t at = cxm_priv_table_add(m->groups, key, sizeof key);
    if (at == UINT32_MAX)
        return CXM_DENSE_NO_MEMORY;
    memcpy(cxm_priv_table_cell(m->groups, at), sums, m->rows->stride * sizeof *sums);
    return CXM_DENSE_DONE;
}

/* Few keys, and more rows than that: there is room for all of them, and their counters are summed
 * up once. Otherwise those with rows are counted first. */
static bool takes_one_pass(const struct cxm_dense_rows *of, const struct cxm_dense_keys *k, int n,
                           int n_slices, uint64_t n_keys)
{
    size_t rows = 0;
    for (int i = 0; i < n; i++)
        rows += k[i].rows;
    return n_slices == 1 && n_keys * of->stride <= ONE_PASS_CELLS && n_keys <= rows;
}

static enum cxm_dense_result make_cells(const struct making *m, int n_slices, int n_threads,
                                        uint64_t n_keys, bool count_invalid, int64_t *left_out)
{
    int64_t without[CXM_DENSE_MOST_CODES] = { 0 };
    size_t n;
    for (int i = 0; i < n_slices; i++) {
        const uint64_t share = n_keys / (uint64_t)n_slices;
        m->slices[i].first = share * (uint64_t)i;
        m->slices[i].end = i + 1 < n_slices ? share * (uint64_t)(i + 1) : n_keys;
    }
    sum_without(m, without);
    int64_t invalid = without[m->rows->stride - 1];
    if (m->once) {
        m->slices[0].n_seen = (size_t)n_keys;
    } else {
        cxm_priv_share_out(n_threads, (size_t)n_slices, count_slice, (void *)(uintptr_t)m);
        for (int i = 0; i < n_slices; i++)
            invalid += m->slices[i].invalid;
    }
    if (invalid != 0 && !count_invalid)
        return CXM_DENSE_NO; /* the general road names the row */
    if (!reserve(m, n_slices, &n))
        return CXM_DENSE_NO_MEMORY;
    cxm_priv_share_out(n_threads, (size_t)n_slices, write_slice, (void *)(uintptr_t)m);
    if (m->once) {
        n = m->slices[0].n_seen;
        if (m->slices[0].invalid != 0 && !count_invalid)
            return CXM_DENSE_NO;
    }
    m->groups->dict.n = (uint32_t)n;
    m->groups->dict.bytes_used = KEY_BYTES * n;
    return add_without(m, without, left_out);
}

enum cxm_dense_result cxm_priv_dense_cells(const struct cxm_dense_rows *rows,
                                           const struct cxm_dense_keys *k, int n,
                                           bool count_invalid, int n_threads,
                                           struct cxm_state *state)
{
    int64_t low = INT64_MAX, high = INT64_MIN;
    uint64_t counted = 0;
    for (int i = 0; i < n; i++) {
        if (k[i].c.n_keys == 0)
            continue;
        counted += k[i].c.n_keys;
        const int64_t last = k[i].base + (int64_t)(k[i].c.n_keys - 1);
        low = k[i].base < low ? k[i].base : low;
        high = last > high ? last : high;
    }
    if ((uint64_t)high - (uint64_t)low >= FAR * counted)
        return CXM_DENSE_NO; /* each thread had keys near each other, far from those of others */
    const uint64_t n_keys = (uint64_t)high - (uint64_t)low + 1;
    const int n_slices = n_keys >= MANY_KEYS && n_threads > 1 ? SLICES * n_threads : 1;
    struct slice *slices = cxm_priv_alloc_zero(rows->config->allocator, (size_t)n_slices,
                                               sizeof *slices);
    if (slices == NULL)
        return CXM_DENSE_NO_MEMORY;
    const bool once = takes_one_pass(rows, k, n, n_slices, n_keys);
    const struct making making = { rows, k, n, low, &state->groups, slices, once };
    const enum cxm_dense_result result = make_cells(&making, n_slices, n_threads, n_keys,
                                                    count_invalid, &state->left_out);
    cxm_priv_release(rows->config->allocator, slices);
    return result;
}
