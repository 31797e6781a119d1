/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counters of a run of keys: reading keys of any type of whole numbers, making and growing the
 * array of counters, and turning counters into cells. Typical: 16 to 10 000 keys and a few
 * hundred kilobytes, where counting is bound by the first-level cache; extreme: four million.
 *
 * Cells come in the order of their keys, which are appended to the dictionary without a look-up;
 * with many keys each thread makes the cells of a range of them. */
#include "tally/count_keys.h"
#include "tally/dense.h"

enum { WIDE_CELLS = 20000, FOUR_TABLES = 1 << 12, BLOCK_KEYS = 32, MANY_KEYS = 1 << 15, FAR = 64,
       KEY_BYTES = 9, MOST_ROWS = 65280, ROWS_AHEAD = 64 };

/* ---- reading -------------------------------------------------------------------------- */

/* A row on its way into the cache, its answer too where they are members of a struct. */
static inline void fetch(const uint8_t *at, int64_t offset)
{
#if defined(__GNUC__)
    __builtin_prefetch((const void *)((uintptr_t)at + (uintptr_t)offset), 0, 3);
#else
    (void)at, (void)offset;
#endif
}

/* One loop for each type of key: the switch is outside of it. */
#define KEY_LOOPS(NAME, TYPE)                                                                    \
    static void find_##NAME(const uint8_t *keys, int64_t stride, size_t n, int64_t *low,         \
                            int64_t *high)                                                       \
    {                                                                                            \
        TYPE smallest, largest, key;                                                             \
        memcpy(&smallest, keys, sizeof smallest);                                                \
        largest = smallest;                                                                      \
        if (stride == (int64_t)sizeof key) {                                                     \
            for (size_t i = 0; i < n; i++) {                                                     \
                memcpy(&key, keys + i * sizeof key, sizeof key);                                 \
                smallest = key < smallest ? key : smallest;                                      \
                largest = key > largest ? key : largest;                                         \
            }                                                                                    \
        } else {                                                                                 \
            for (size_t i = 0; i < n; i++) {                                                     \
                memcpy(&key, keys + (int64_t)i * stride, sizeof key);                            \
                smallest = key < smallest ? key : smallest;                                      \
                largest = key > largest ? key : largest;                                         \
            }                                                                                    \
        }                                                                                        \
        *low = (int64_t)smallest;                                                                \
        *high = (int64_t)largest;                                                                \
    }                                                                                            \
    static uint64_t load_##NAME(const uint8_t *keys, int64_t stride, size_t n, int64_t base,     \
                                uint32_t *out)                                                   \
    {                                                                                            \
        uint64_t all = 0;                                                                        \
        TYPE key;                                                                                \
        if (stride == (int64_t)sizeof key) {                                                     \
            for (size_t i = 0; i < n; i++) {                                                     \
                memcpy(&key, keys + i * sizeof key, sizeof key);                                 \
                const uint64_t at = (uint64_t)(int64_t)key - (uint64_t)base;                     \
                all |= at;                                                                       \
                out[i] = (uint32_t)at;                                                           \
            }                                                                                    \
        } else {                                                                                 \
            for (size_t i = 0; i < n; i++) {                                                     \
                fetch(keys, (int64_t)(i + ROWS_AHEAD) * stride);                                 \
                memcpy(&key, keys + (int64_t)i * stride, sizeof key);                            \
                const uint64_t at = (uint64_t)(int64_t)key - (uint64_t)base;                     \
                all |= at;                                                                       \
                out[i] = (uint32_t)at;                                                           \
            }                                                                                    \
        }                                                                                        \
        return all >> 32;                                                                        \
    }

KEY_LOOPS(i8, int8_t)
KEY_LOOPS(u8, uint8_t)
KEY_LOOPS(i16, int16_t)
KEY_LOOPS(u16, uint16_t)
KEY_LOOPS(i32, int32_t)
KEY_LOOPS(u32, uint32_t)
KEY_LOOPS(i64, int64_t)

struct cxm_key_loops cxm_priv_key_loops(uint32_t type)
{
    switch ((enum cxm_type)type) {
    case CXM_I8:
        return (struct cxm_key_loops){ find_i8, load_i8, INT8_MIN, INT8_MAX, 1 };
    case CXM_U8:
        return (struct cxm_key_loops){ find_u8, load_u8, 0, UINT8_MAX, 1 };
    case CXM_I16:
        return (struct cxm_key_loops){ find_i16, load_i16, INT16_MIN, INT16_MAX, 2 };
    case CXM_U16:
        return (struct cxm_key_loops){ find_u16, load_u16, 0, UINT16_MAX, 2 };
    case CXM_I32:
        return (struct cxm_key_loops){ find_i32, load_i32, INT32_MIN, INT32_MAX, 4 };
    case CXM_U32:
        return (struct cxm_key_loops){ find_u32, load_u32, 0, UINT32_MAX, 4 };
    default:
        return (struct cxm_key_loops){ find_i64, load_i64, INT64_MIN, INT64_MAX, 8 };
    }
}

const uint8_t *cxm_priv_dense_answers(const struct cxm_column *column, int64_t row, size_t n,
                                      uint8_t *buffer)
{
    const uint8_t *bytes = cxm_priv_row_of(column, row);
    const int64_t stride = column->stride;
    if (stride == 1)
        return bytes;
    for (size_t i = 0; i < n; i++)
        buffer[i] = bytes[(int64_t)i * stride];
    return buffer;
}

const uint8_t *cxm_priv_dense_keys_of(const struct cxm_dense_rows *rows,
                                      const struct cxm_dense_keys *k, int64_t row, size_t n,
                                      uint32_t *buffer)
{
    const uint8_t *keys = cxm_priv_row_of(rows->keys, row);
    if (rows->keys_in_place)
        return keys;
    const uint64_t far = rows->loops.load(keys, rows->keys->stride, n, k->base, buffer);
    return far == 0 ? (const uint8_t *)buffer : NULL;
}

const uint8_t *cxm_priv_dense_bits(const struct cxm_column *column, int64_t row, unsigned *skip)
{
    const int64_t bit = column->validity_offset + row;
    *skip = (unsigned)(bit % 8);
    return column->validity != NULL ? column->validity + bit / 8 : NULL;
}

/* ---- counters ------------------------------------------------------------------------- */

static size_t n_cells(const struct cxm_dense_keys *k)
{
    return ((size_t)k->c.n_keys + 1) * k->c.stride;
}

static int n_tables(const struct cxm_dense_keys *k)
{
    return k->c.apart > 0 ? 4 : 1;
}

void cxm_priv_dense_sums(const struct cxm_dense_keys *k, size_t at, size_t n, int64_t *sums)
{
    const struct cxm_key_counters *c = &k->c;
    const size_t first = at * c->stride, end = first + n * c->stride;
    for (int table = 0; table < n_tables(k); table++) {
        const size_t from = (size_t)table * c->apart + first;
        for (size_t i = 0; c->wide != NULL && i < end - first; i++)
            sums[i] += c->wide[from + i];
        for (size_t i = 0; c->wide == NULL && i < end - first; i++)
            sums[i] += c->counters[from + i];
    }
    if (c->carried == NULL)
        return;
    for (size_t i = first; i < end;) { /* pages that nothing was carried to are not looked at */
        const size_t next = (i / CXM_CARRY_BLOCK + 1) * CXM_CARRY_BLOCK;
        const size_t stop = next < end ? next : end;
        const bool carried = c->wrapped == NULL || c->wrapped[i / CXM_CARRY_BLOCK] != 0;
        for (; carried && i < stop; i++)
            sums[i - first] += (int64_t)c->carried[i] * 256;
        i = stop;
    }
}

static bool make_carried(const struct cxm_dense_rows *rows, struct cxm_dense_keys *k)
{
    if (k->c.carried == NULL)
        k->c.carried = cxm_priv_alloc_zero(rows->config->allocator, n_cells(k),
                                           sizeof *k->c.carried);
    return k->c.carried != NULL;
}

/* Counters of 16 bits keep less than 256, the rest is carried. Few have more: with 1 000 keys one
 * of them gets some 5 of so many rows. */
static bool empty_wide(const struct cxm_dense_rows *rows, struct cxm_dense_keys *k)
{
    enum { RUN = 32 };
    const size_t cells = n_cells(k);
    if (!make_carried(rows, k))
        return false;
    for (int table = 0; table < n_tables(k); table++) {
        uint16_t *const counters = k->c.wide + (size_t)table * k->c.apart;
        for (size_t i = 0; i < cells; i += RUN) {
            const size_t end = cells - i < RUN ? cells : i + RUN;
            uint16_t all = 0;
            for (size_t at = i; at < end; at++)
                all |= counters[at];
            for (size_t at = i; all > 255 && at < end; at++) {
                k->c.carried[at] += counters[at] >> 8;
                counters[at] &= 255;
            }
        }
    }
    k->room = MOST_ROWS;
    return true;
}

/* Moves counters to an array that has the old keys at `shift`. */
static void move_counters(const struct cxm_dense_keys *k, struct cxm_dense_keys *to, size_t shift)
{
    int64_t sums[BLOCK_KEYS * CXM_DENSE_MOST_CODES];
    const size_t n_keys = k->c.n_keys; /* and one more, of rows without a key, at the end */
    for (size_t key = 0; key <= n_keys;) {
        const size_t left = key < n_keys ? n_keys - key : 1;
        const size_t n = left < BLOCK_KEYS ? left : BLOCK_KEYS;
        const size_t at = (key < n_keys ? shift + key : to->c.n_keys) * k->c.stride;
        memset(sums, 0, n * k->c.stride * sizeof *sums);
        cxm_priv_dense_sums(k, key, n, sums);
        for (size_t i = 0; i < n * k->c.stride; i++) {
            if (to->c.wide != NULL)
                to->c.wide[at + i] = (uint8_t)sums[i];
            else
                to->c.counters[at + i] = (uint8_t)sums[i];
            if (sums[i] < 256)
                continue;
            to->c.carried[at + i] = (uint32_t)(sums[i] / 256);
            if (to->c.wrapped != NULL)
                to->c.wrapped[(at + i) / CXM_CARRY_BLOCK] = 1;
        }
        key += n;
    }
}

void cxm_priv_dense_release(const struct cxm_dense_rows *rows, struct cxm_dense_keys *k)
{
    cxm_priv_release(rows->config->allocator, k->memory);
    cxm_priv_release(rows->config->allocator, k->c.carried);
    k->memory = NULL;
    k->c.carried = NULL;
}

/* One block for counters and the marks of what was carried. Four tables where they are small:
 * with few keys neighbours are often equal. */
static bool make_counters(const struct cxm_dense_rows *rows, struct cxm_dense_keys *k, bool carry)
{
    const struct cxm_allocator *allocator = rows->config->allocator;
    const size_t cells = n_cells(k);
    if (cells <= WIDE_CELLS) {
        const bool four = cells <= FOUR_TABLES && k->rows >= 4 * cells;
        k->c.apart = four ? cells : 0;
        k->memory = cxm_priv_alloc_zero(allocator, (four ? 4 : 1) * cells, sizeof *k->c.wide);
        k->c.wide = k->memory;
        k->room = MOST_ROWS;
        return k->memory != NULL && (!carry || make_carried(rows, k));
    }
    k->memory = cxm_priv_alloc_zero_dense(allocator, cells + cells / CXM_CARRY_BLOCK + 1, 1);
    k->c.counters = k->memory;
    if (k->memory == NULL || !make_carried(rows, k))
        return false;
    k->c.wrapped = k->c.counters + cells;
    k->room = SIZE_MAX;
    return true;
}

enum cxm_dense_result cxm_priv_dense_count(const struct cxm_dense_rows *rows,
                                           struct cxm_dense_keys *k,
                                           const struct cxm_key_rows *some, size_t n, size_t *done)
{
    *done = 0;
    while (*done < n) {
        size_t part = n - *done;
        if (k->c.wide != NULL && part > k->room) {
            if (k->room < CXM_KEY_ROWS && !empty_wide(rows, k))
                return CXM_DENSE_NO_MEMORY;
            part = part < k->room ? part : k->room / CXM_KEY_ROWS * CXM_KEY_ROWS;
        }
        const struct cxm_key_rows from = cxm_priv_key_rows_from(some, *done);
        const size_t counted = rows->count(&k->c, &from, part);
        *done += counted;
        k->room -= k->c.wide != NULL ? counted : 0;
        if (counted < part)
            break;
    }
    return CXM_DENSE_DONE;
}

/* Twice as many as before where the array grows, at the end where keys are new, so that keys in
 * order do not move it with every chunk. */
enum cxm_dense_result cxm_priv_dense_reach(const struct cxm_dense_rows *rows,
                                           struct cxm_dense_keys *k, int64_t low, int64_t high)
{
    bool down = false;
    uint64_t wanted = 0;
    if (k->c.n_keys > 0) {
        const int64_t last = k->base + (int64_t)(k->c.n_keys - 1); /* one more may not fit */
        if (low >= k->base && high <= last)
            return CXM_DENSE_DONE;
        down = low < k->base && high <= last;
        low = low < k->base ? low : k->base;
        high = high > last ? high : last;
        wanted = 2 * (uint64_t)k->c.n_keys;
    }
    if ((uint64_t)high - (uint64_t)low >= k->most_keys)
        return CXM_DENSE_NO;
    const uint64_t n = (uint64_t)high - (uint64_t)low + 1;
    wanted = wanted < k->most_keys ? wanted : k->most_keys;
    const uint64_t more = wanted > n ? wanted - n : 0;
    const uint64_t below = (uint64_t)low - (uint64_t)rows->loops.lowest;
    const uint64_t above = (uint64_t)rows->loops.highest - (uint64_t)high;
    if (down)
        low -= (int64_t)(more < below ? more : below);
    else
        high += (int64_t)(more < above ? more : above);
    struct cxm_dense_keys larger = { .base = low, .most_keys = k->most_keys, .rows = k->rows };
    larger.c = (struct cxm_key_counters){
        .base = rows->keys_in_place ? (uint32_t)low : 0,
        .n_keys = (uint32_t)((uint64_t)high - (uint64_t)low + 1),
        .stride = rows->stride,
        .codes = rows->codes,
        .missing = (uint8_t)(rows->stride - 2),
    };
    if (!make_counters(rows, &larger, k->c.n_keys > 0)) {
        cxm_priv_dense_release(rows, &larger);
        return CXM_DENSE_NO_MEMORY;
    }
    if (k->c.n_keys > 0)
        move_counters(k, &larger, (size_t)(k->base - low));
    cxm_priv_dense_release(rows, k);
    *k = larger;
    return CXM_DENSE_DONE;
}

/* ---- cells ---------------------------------------------------------------------------- */

/* The keys of a thread. */
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
};

/* Sums of all counters of a few keys. */
static void sum_block(const struct making *m, uint64_t first, size_t n, int64_t *sums)
{
    memset(sums, 0, n * m->rows->stride * sizeof *sums);
    for (int i = 0; i < m->n_keys; i++) {
        const struct cxm_dense_keys *k = &m->keys[i];
        if (k->c.n_keys == 0)
            continue;
        const uint64_t begin = (uint64_t)k->base - (uint64_t)m->low, end = begin + k->c.n_keys;
        const uint64_t from = first > begin ? first : begin;
        const uint64_t to = first + n < end ? first + n : end;
        if (from < to)
            cxm_priv_dense_sums(k, (size_t)(from - begin), (size_t)(to - from),
                         sums + (from - first) * m->rows->stride);
    }
}

static bool any_row(const int64_t *sums, uint32_t n)
{
    int64_t any = 0;
    for (uint32_t c = 0; c < n; c++)
        any |= sums[c];
    return any != 0;
}

static void count_slice(void *context, int i)
{
    const struct making *m = context;
    struct slice *slice = &m->slices[i];
    const uint32_t stride = m->rows->stride;
    int64_t sums[BLOCK_KEYS * CXM_DENSE_MOST_CODES];
    for (uint64_t first = slice->first; first < slice->end; first += BLOCK_KEYS) {
        const size_t n = slice->end - first < BLOCK_KEYS ? (size_t)(slice->end - first)
                                                         : BLOCK_KEYS;
        sum_block(m, first, n, sums);
        for (size_t key = 0; key < n; key++) {
            slice->n_seen += any_row(sums + key * stride, stride);
            slice->invalid += sums[key * stride + stride - 1];
        }
    }
}

static void write_slice(void *context, int i)
{
    const struct making *m = context;
    const struct slice *slice = &m->slices[i];
    const uint32_t stride = m->rows->stride;
    size_t at = slice->at;
    int64_t sums[BLOCK_KEYS * CXM_DENSE_MOST_CODES];
    for (uint64_t first = slice->first; first < slice->end; first += BLOCK_KEYS) {
        const size_t n = slice->end - first < BLOCK_KEYS ? (size_t)(slice->end - first)
                                                         : BLOCK_KEYS;
        sum_block(m, first, n, sums);
        for (size_t key = 0; key < n; key++) {
            if (!any_row(sums + key * stride, stride))
                continue;
            const uint64_t word = (uint64_t)m->low + first + key;
            uint8_t *bytes = m->groups->dict.bytes + at * KEY_BYTES;
            bytes[0] = CXM_TAG_PRESENT;
            cxm_priv_put_u64(bytes + 1, __builtin_bswap64(word ^ (uint64_t)1 << 63));
            m->groups->dict.ends[at] = (at + 1) * KEY_BYTES;
            memcpy(cxm_priv_table_cell(m->groups, (uint32_t)at), sums + key * stride,
                   stride * sizeof *sums);
            at++;
        }
    }
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

static enum cxm_dense_result make_cells(const struct making *m, int n_slices, uint64_t n_keys,
                                        bool count_invalid, int64_t *left_out)
{
    int64_t invalid = 0;
    size_t n;
    for (int i = 0; i < n_slices; i++) {
        const uint64_t share = n_keys / (uint64_t)n_slices;
        m->slices[i].first = share * (uint64_t)i;
        m->slices[i].end = i + 1 < n_slices ? share * (uint64_t)(i + 1) : n_keys;
    }
    cxm_priv_side_by_side(n_slices, count_slice, (void *)(uintptr_t)m);
    for (int i = 0; i < n_slices; i++)
        invalid += m->slices[i].invalid;
    int64_t without[CXM_DENSE_MOST_CODES] = { 0 };
    sum_without(m, without);
    invalid += without[m->rows->stride - 1];
    if (invalid != 0 && !count_invalid)
        return CXM_DENSE_NO; /* the general road names the row */
    if (!reserve(m, n_slices, &n))
        return CXM_DENSE_NO_MEMORY;
    cxm_priv_side_by_side(n_slices, write_slice, (void *)(uintptr_t)m);
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
    const int n_slices = n_keys >= MANY_KEYS ? n_threads : 1;
    struct slice *slices = cxm_priv_alloc_zero(rows->config->allocator, (size_t)n_slices,
                                               sizeof *slices);
    if (slices == NULL)
        return CXM_DENSE_NO_MEMORY;
    const struct making making = { rows, k, n, low, &state->groups, slices };
    const enum cxm_dense_result result = make_cells(&making, n_slices, n_keys, count_invalid,
                                                    &state->left_out);
    cxm_priv_release(rows->config->allocator, slices);
    return result;
}
