/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Weights by very many keys: the exact sums of a million groups are half a gigabyte, and a row that
 * goes to a random place of it waits for memory several times. So some rows a key at a time are first
 * sorted by part of the keys, as in dense_many.c: a row becomes its key within the part, its code and
 * its weight as a whole number of quanta. Then each part is added up while its cells stay in the
 * cache: a weight and its square are cut along the digits of the sums with two shifts known
 * beforehand. Cells exist for keys that occur, in their order, so that nothing is looked up or
 * sorted afterwards.
 *
 * Weights are doubles that differ by less than a factor of 512, each between 1e-100 and 1e100; keys
 * are whole numbers near each other; anything else, and whatever is to be named, takes the general
 * road, which gives the same tally.
 *
 * Typical: 1 000 000 keys, 20 to 100 rows a key. Memory: 252 bytes a key for rows, or 12 bytes a row
 * where that is less, 5 bytes a key besides the tally. */
#include "tally/dense.h"

enum { FEWEST_KEYS = 1 << 16, MOST_KEYS = 1 << 24, FEWEST_ROWS = 1 << 16, ROWS_OF_KEY = 21,
       PART_BYTES = 1 << 19, MOST_PARTS = 1 << 13, CODE_BITS = 7, KEY_BYTES = 9, SHIFTS = 9,
       LEAST_EXPONENT = 1023 - 332, MOST_EXPONENT = 1023 + 332 }; /* 2^-332 > 1e-100 */

#define MANTISSA (((uint64_t)1 << 52) - 1)

/* A row: quanta of its weight, low half first; key within the part and code. 12 bytes. */
struct item {
    uint32_t quanta[2];
    uint32_t place;
};

static inline uint64_t quanta_of(const struct item *item)
{
    return (uint64_t)item->quanta[1] << 32 | item->quanta[0];
}

/* Of the rows of a thread. The exponents of doubles are biased. */
struct share {
    int64_t low, high;        /* keys */
    uint64_t least, most;     /* exponents */
    uint64_t last;            /* exponent of the last digit of any weight */
    bool invalid;             /* is an answer? */
};

struct weighing {
    const struct cxm_dense_rows *rows;
    const struct cxm_column *weights;
    struct cxm_table *groups;
    int64_t n_rows;
    int n_threads, shift;
    struct cxm_dense_keys keys;
    size_t n_parts;
    struct share all, *shares;      /* by thread */
    int digit[2];                   /* of the quanta and of their squares: where in its digit the */
    struct cxm_window windows[2];   /* last one stands */
    uint8_t *seen;                  /* by key: is there a row? */
    uint32_t *cells;                /* by key */
    int64_t first, last;            /* rows that are sorted now */
    struct item *items;
    size_t *ends;                   /* [thread][part] */
    uint32_t next;                  /* part */
};

static int64_t share_begin(const struct weighing *m, int64_t first, int64_t last, int i)
{
    return i < m->n_threads ? first + (last - first) / m->n_threads * i : last;
}

static uint64_t weight_bits(const struct weighing *m, int64_t row)
{
    uint64_t bits;
    memcpy(&bits, cxm_priv_row_of(m->weights, row), sizeof bits);
    return bits;
}

/* ---- what there is -------------------------------------------------------------------- */

static void find_reach(void *context, int i)
{
    const struct weighing *m = context;
    const struct cxm_column *keys = m->rows->keys;
    const int64_t first = share_begin(m, 0, m->n_rows, i), last = share_begin(m, 0, m->n_rows, i + 1);
    struct share share = { .least = UINT64_MAX, .last = UINT64_MAX };
    for (int64_t row = first; row < last; row++) {
        const uint64_t bits = weight_bits(m, row);
        const uint64_t exponent = bits >> 52; /* with the sign */
        const uint64_t end = exponent + (uint64_t)__builtin_ctzll(bits | (uint64_t)1 << 52);
        share.least = exponent < share.least ? exponent : share.least;
        share.most = exponent > share.most ? exponent : share.most;
        share.last = end < share.last ? end : share.last;
    }
    m->rows->loops.find(cxm_priv_row_of(keys, first), keys->stride, (size_t)(last - first),
                        &share.low, &share.high);
    m->shares[i] = share;
}

/* How a sum of numbers of so many bits, times 2^exponent, is laid out; at least n_least limbs. */
static struct cxm_window lay_out(int32_t exponent, int32_t bits, int32_t n_least, int *digit)
{
    struct cxm_window w = cxm_priv_window_for((struct cxm_span){ exponent, exponent + bits });
    *digit = exponent - 32 * w.lo;
    w.n = w.n > n_least ? w.n : n_least;
    return w;
}

/* Numbers of few digits need two and three of the sums, all others up to three and five. */
static bool is_narrow(const struct weighing *m, int32_t bits)
{
    return bits + m->digit[0] <= 64 && 2 * bits + m->digit[1] <= 96;
}

static bool plan(struct weighing *m)
{
    struct share all = m->shares[0];
    for (int i = 1; i < m->n_threads; i++) {
        const struct share *s = &m->shares[i];
        all.low = s->low < all.low ? s->low : all.low;
        all.high = s->high > all.high ? s->high : all.high;
        all.least = s->least < all.least ? s->least : all.least;
        all.most = s->most > all.most ? s->most : all.most;
        all.last = s->last < all.last ? s->last : all.last;
    }
    const uint64_t reach = (uint64_t)all.high - (uint64_t)all.low;
    m->all = all;
    if (all.least < LEAST_EXPONENT || all.most >= MOST_EXPONENT || all.most - all.least > SHIFTS
        || reach < FEWEST_KEYS || reach >= MOST_KEYS || reach / 4 >= (uint64_t)m->n_rows)
        return false;
    const int32_t bits = (int32_t)(all.most + 53 - all.last), exponent = (int32_t)all.last - 1075;
    m->windows[0] = lay_out(exponent, bits, 0, &m->digit[0]);
    m->windows[1] = lay_out(2 * exponent, 2 * bits, 0, &m->digit[1]);
    const bool narrow = is_narrow(m, bits);
    m->windows[0] = lay_out(exponent, bits, narrow ? 2 : 3, &m->digit[0]);
    m->windows[1] = lay_out(2 * exponent, 2 * bits, narrow ? 3 : 5, &m->digit[1]);
    m->keys.base = all.low;
    m->keys.c.base = m->rows->keys_in_place ? (uint32_t)all.low : 0;
    m->keys.c.n_keys = (uint32_t)reach + 1;
    return true;
}

static void mark_keys(void *context, int i)
{
    const struct weighing *m = context;
    const int64_t last = share_begin(m, 0, m->n_rows, i + 1);
    const uint32_t base = m->keys.c.base;
    struct cxm_dense_chunk chunk;
    for (int64_t row = share_begin(m, 0, m->n_rows, i); row < last; row += CXM_DENSE_CHUNK) {
        const size_t n = last - row < CXM_DENSE_CHUNK ? (size_t)(last - row) : CXM_DENSE_CHUNK;
        const uint8_t *keys = cxm_priv_dense_keys_of(m->rows, &m->keys, row, n, chunk.keys);
        for (size_t k = 0; k < n; k++) {
            uint32_t key;
            memcpy(&key, keys + k * sizeof key, sizeof key);
            __atomic_store_n(&m->seen[key - base], 1, __ATOMIC_RELAXED);
        }
    }
}

/* Cells for the keys that occur, in their order. */
static bool make_cells(struct weighing *m)
{
    struct cxm_window windows[2 * CXM_DENSE_MOST_CODES];
    struct cxm_table *groups = m->groups;
    uint32_t n = 0;
    for (uint32_t key = 0; key < m->keys.c.n_keys; key++) {
        m->cells[key] = n;
        n += m->seen[key];
    }
    for (uint32_t s = 0; s < groups->layout.n_sums; s++)
        windows[s] = m->windows[s % 2];
    if (!cxm_priv_table_reserve(groups, n, windows)
        || !cxm_priv_dict_reserve(&groups->dict, n, KEY_BYTES * (size_t)n))
        return false;
    for (uint32_t key = 0; key < m->keys.c.n_keys; key++) {
        uint8_t bytes[KEY_BYTES] = { CXM_TAG_PRESENT };
        const uint64_t word = (uint64_t)m->all.low + key;
        if (!m->seen[key])
            continue;
        cxm_priv_put_u64(bytes + 1, __builtin_bswap64(word ^ (uint64_t)1 << 63));
        cxm_priv_dict_append(&groups->dict, bytes, sizeof bytes);
    }
    return true;
}

/* ---- sorting by part ------------------------------------------------------------------ */

static void place_items(const struct weighing *m, const uint8_t *keys, const uint8_t *answers,
                        const uint8_t *bits, unsigned skip, int64_t row, size_t n, size_t *next,
                        bool *invalid)
{
    const uint32_t base = m->keys.c.base, low_bits = ((uint32_t)1 << m->shift) - 1;
    const int shift = m->shift, zeros = (int)(m->all.last - m->all.least);
    const uint8_t *codes = m->rows->codes, no_answer = (uint8_t)(m->rows->stride - 2);
    const uint64_t least = m->all.least;
    struct item *items = m->items;
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        uint32_t key;
        memcpy(&key, keys + i * sizeof key, sizeof key);
        key -= base;
        const size_t bit = i + skip;
        const uint32_t code = bits == NULL || (bits[bit / 8] >> bit % 8 & 1) != 0
                                ? codes[answers[i]]
                                : no_answer;
        const uint64_t weight = weight_bits(m, row + (int64_t)i);
        const uint64_t mantissa = (weight & MANTISSA) | (MANTISSA + 1);
        any |= code > no_answer;
        const uint64_t quanta = mantissa << ((weight >> 52) - least) >> zeros;
        items[next[key >> shift]++] = (struct item){
            { (uint32_t)quanta, (uint32_t)(quanta >> 32) },
            (key & low_bits) << CODE_BITS | code,
        };
    }
    *invalid = *invalid || any;
}

static void count_parts(const struct weighing *m, const uint8_t *keys, size_t n, size_t *counts)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t key;
        memcpy(&key, keys + i * sizeof key, sizeof key);
        counts[(key - m->keys.c.base) >> m->shift]++;
    }
}

static void sort_share(void *context, int t)
{
    const struct weighing *m = context;
    const int64_t first = share_begin(m, m->first, m->last, t);
    const int64_t last = share_begin(m, m->first, m->last, t + 1);
    const struct cxm_dense_rows *rows = m->rows;
    struct cxm_dense_chunk chunk;
    size_t *next = m->ends + (size_t)t * m->n_parts, at = (size_t)(first - m->first);
    memset(next, 0, m->n_parts * sizeof *next);
    for (int64_t row = first; row < last; row += CXM_DENSE_CHUNK) {
        const size_t n = last - row < CXM_DENSE_CHUNK ? (size_t)(last - row) : CXM_DENSE_CHUNK;
        count_parts(m, cxm_priv_dense_keys_of(rows, &m->keys, row, n, chunk.keys), n, next);
    }
    for (size_t p = 0; p < m->n_parts; p++) {
        const size_t count = next[p];
        next[p] = at;
        at += count;
    }
    bool invalid = false;
    for (int64_t row = first; row < last; row += CXM_DENSE_CHUNK) {
        const size_t n = last - row < CXM_DENSE_CHUNK ? (size_t)(last - row) : CXM_DENSE_CHUNK;
        unsigned skip;
        const uint8_t *bits = cxm_priv_dense_bits(rows->answers, row, &skip);
        place_items(m, cxm_priv_dense_keys_of(rows, &m->keys, row, n, chunk.keys),
                    cxm_priv_rating_bytes(&rows->rating, row, n, chunk.answers), bits, skip, row,
                    n, next, &invalid);
    }
    m->shares[t].invalid |= invalid;
}

/* ---- adding parts up ------------------------------------------------------------------ */

/* Adds a number times 2^shift to n limbs. */
static inline void add_digits(int64_t *limbs, cxm_u128 number, int shift, int n)
{
    const cxm_u128 low = number << shift;
    const uint64_t high = shift > 0 ? (uint64_t)(number >> (128 - shift)) : 0;
    limbs[0] += (int64_t)(uint32_t)low;
    limbs[1] += (int64_t)(uint32_t)(low >> 32);
    if (n > 2)
        limbs[2] += (int64_t)(uint32_t)(low >> 64);
    if (n > 3) {
        limbs[3] += (int64_t)(uint32_t)(low >> 96);
        limbs[4] += (int64_t)high;
    }
}

static inline void add_items(const struct weighing *m, const uint32_t *cells,
                             const struct item *items, size_t n, int weight_limbs,
                             int square_limbs)
{
    const struct cxm_layout *layout = &m->groups->layout;
    const uint32_t bins = m->rows->stride - 2;
    const int weight_shift = m->digit[0], square_shift = m->digit[1];
    const int32_t squares_at = m->windows[0].n, sums = squares_at + m->windows[1].n;
    for (size_t i = 0; i < n; i++) {
        const uint32_t code = items[i].place & (((uint32_t)1 << CODE_BITS) - 1);
        const uint64_t q = quanta_of(&items[i]);
        int64_t *cell = m->groups->cells + cells[items[i].place >> CODE_BITS] * layout->stride;
        cell[code]++;
        if (code >= bins)
            continue;
        int64_t *limbs = cell + layout->n_counts + code * (uint32_t)sums;
        add_digits(limbs, q, weight_shift, weight_limbs);
        add_digits(limbs + squares_at, (cxm_u128)q * q, square_shift, square_limbs);
    }
}

/* The processor sees one row's cell at a time; as a whole, a part comes much faster. */
static void fetch_part(const struct weighing *m, uint32_t first, uint32_t end)
{
    enum { LINE = 8 };
    const size_t stride = m->groups->layout.stride;
    for (size_t i = first * stride; i < end * stride; i += LINE)
        __builtin_prefetch(m->groups->cells + i, 1);
}

static void normalise_part(const struct weighing *m, uint32_t first, uint32_t end)
{
    const struct cxm_layout *layout = &m->groups->layout;
    for (uint32_t i = first; i < end; i++) {
        int64_t *cell = cxm_priv_table_cell(m->groups, i);
        for (uint32_t s = 0; s < layout->n_sums; s++)
            cxm_priv_exact_carry(cell + layout->at[s], m->windows[s % 2].n);
    }
}

static uint32_t first_cell(const struct weighing *m, size_t part)
{
    return part < m->n_parts ? m->cells[part << m->shift] : m->groups->dict.n;
}

/* Takes parts as they come, until there are none. */
static void add_some(void *context, int t)
{
    struct weighing *m = context;
    const bool narrow = m->windows[1].n < 5;
    (void)t;
    for (;;) {
        const size_t p = __atomic_fetch_add(&m->next, 1, __ATOMIC_RELAXED);
        if (p >= m->n_parts)
            return;
        const uint32_t *cells = m->cells + (p << m->shift);
        fetch_part(m, first_cell(m, p), first_cell(m, p + 1));
        for (int i = 0; i < m->n_threads; i++) {
            const size_t *ends = m->ends + (size_t)i * m->n_parts;
            const size_t begin = p > 0 ? ends[p - 1]
                                       : (size_t)(share_begin(m, m->first, m->last, i) - m->first);
            if (narrow)
                add_items(m, cells, m->items + begin, ends[p] - begin, 2, 3);
            else
                add_items(m, cells, m->items + begin, ends[p] - begin, 3, 5);
        }
        if (m->last == m->n_rows || m->n_rows > CXM_EXACT_ADDITIONS)
            normalise_part(m, first_cell(m, p), first_cell(m, p + 1));
    }
}

/* ---- all of it ------------------------------------------------------------------------ */

static bool make_memory(struct weighing *m, int64_t batch)
{
    const struct cxm_allocator *allocator = m->rows->config->allocator;
    m->seen = cxm_priv_alloc_zero(allocator, m->keys.c.n_keys, 1);
    m->cells = cxm_priv_alloc(allocator, m->keys.c.n_keys, sizeof *m->cells);
    m->items = cxm_priv_alloc_dense(allocator, (size_t)batch, sizeof *m->items);
    m->ends = cxm_priv_alloc(allocator, (size_t)m->n_threads * m->n_parts, sizeof *m->ends);
    return m->seen != NULL && m->cells != NULL && m->items != NULL && m->ends != NULL;
}

static enum cxm_dense_result add_batches(struct weighing *m, bool count_invalid)
{
    const uint32_t codes = m->groups->layout.n_counts;
    const size_t bytes = 8 * (codes + (size_t)(m->rows->stride - 2)
                                          * (size_t)(m->windows[0].n + m->windows[1].n));
    while (((size_t)2 << m->shift) * bytes <= PART_BYTES
           || ((m->keys.c.n_keys - 1) >> m->shift) >= MOST_PARTS)
        m->shift++;
    m->n_parts = ((m->keys.c.n_keys - 1) >> m->shift) + 1;
    const int64_t most = ROWS_OF_KEY * (int64_t)m->keys.c.n_keys;
    const int64_t times = (m->n_rows - 1) / most + 1, batch = (m->n_rows - 1) / times + 1;
    if (!make_memory(m, batch))
        return CXM_DENSE_NO_MEMORY;
    cxm_priv_side_by_side(m->n_threads, mark_keys, m);
    if (!make_cells(m))
        return CXM_DENSE_NO_MEMORY;
    for (m->first = 0; m->first < m->n_rows; m->first = m->last) {
        m->last = m->n_rows - m->first < batch ? m->n_rows : m->first + batch;
        cxm_priv_side_by_side(m->n_threads, sort_share, m);
        for (int i = 0; i < m->n_threads && !count_invalid; i++) {
            if (m->shares[i].invalid)
                return CXM_DENSE_NO; /* the general road names the row */
        }
        m->next = 0;
        cxm_priv_side_by_side(m->n_threads, add_some, m);
    }
    return CXM_DENSE_DONE;
}

enum cxm_dense_result cxm_priv_dense_weighted(const struct cxm_dense_rows *rows,
                                              const struct cxm_sources *sources, int n_threads,
                                              struct cxm_state *state)
{
    const struct cxm_column *weights = sources->weight;
    struct share shares[CXM_MOST_THREADS];
    struct weighing m = { .rows = rows, .weights = weights, .groups = &state->groups,
                          .n_rows = sources->n, .n_threads = n_threads, .shares = shares };
    if (sources->n < FEWEST_ROWS || !cxm_priv_is_bare(weights) || weights->type != CXM_F64
        || rows->config->units[0].variables != 0 || cxm_priv_sources_margins(sources))
        return CXM_DENSE_NO;
    cxm_priv_side_by_side(n_threads, find_reach, &m);
    if (!plan(&m))
        return CXM_DENSE_NO;
    const enum cxm_dense_result result = add_batches(&m, sources->count_invalid);
    cxm_priv_release(rows->config->allocator, m.seen);
    cxm_priv_release(rows->config->allocator, m.cells);
    cxm_priv_release(rows->config->allocator, m.items);
    cxm_priv_release(rows->config->allocator, m.ends);
    return result;
}
