/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counters of a run of keys: reading keys of any type of whole numbers, making and growing the
 * array of counters. Typical: 16 to 10 000 keys and a few hundred kilobytes, where counting is bound
 * by the first-level cache; extreme: four million. Cells are made of them in dense_cells.c. */
#include "tally/count_keys.h"
#include "tally/dense.h"

enum { WIDE_CELLS = 20000, WORD_CELLS = 1 << 14, FOUR_TABLES = 1 << 12, FOUR_WORD_TABLES = 1 << 11,
       BLOCK_KEYS = 32, MOST_ROWS = 65280, ROWS_AHEAD = 64 };
#define MOST_WORD_ROWS ((size_t)UINT32_MAX / 2)

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
KEY_LOOPS(u64, uint64_t)

/* One beyond those of int64_t makes the reach that of the whole type, which is too far. */
static void find_below(const uint8_t *keys, int64_t stride, size_t n, int64_t *low, int64_t *high)
{
    find_u64(keys, stride, n, low, high);
    if (*high < 0) {
        *low = INT64_MIN;
        *high = INT64_MAX;
    }
}

/* Bytes of 0 and 1; where another one stands for "true", as a cast may leave it, the reach is too far. */
static void find_bool(const uint8_t *keys, int64_t stride, size_t n, int64_t *low, int64_t *high)
{
    find_u8(keys, stride, n, low, high);
    if (*high > 1) {
        *low = INT64_MIN;
        *high = INT64_MAX;
    }
}

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
    case CXM_BOOL:
        return (struct cxm_key_loops){ find_bool, load_u8, 0, 1, 1 };
    case CXM_U64:
        return (struct cxm_key_loops){ find_below, load_u64, 0, INT64_MAX, 8 };
    default:
        return (struct cxm_key_loops){ find_i64, load_i64, INT64_MIN, INT64_MAX, 8 };
    }
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

static void add_words(int64_t *restrict sums, const uint32_t *restrict counters, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] += counters[i];
}

static void add_wide(int64_t *restrict sums, const uint16_t *restrict counters, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] += counters[i];
}

static void add_narrow(int64_t *restrict sums, const uint8_t *restrict counters, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] += counters[i];
}

static void copy_narrow(int64_t *restrict to, const uint8_t *restrict counters, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = counters[i];
}

/* Counters first … end - 1; pages that nothing was carried to are not looked at. */
static void add_carried(const struct cxm_key_counters *c, size_t first, size_t end, int64_t *sums)
{
    for (size_t i = first; c->carried != NULL && i < end;) {
        const size_t next = (i / CXM_CARRY_BLOCK + 1) * CXM_CARRY_BLOCK;
        const size_t stop = next < end ? next : end;
        const bool carried = c->wrapped == NULL || c->wrapped[i / CXM_CARRY_BLOCK] != 0;
        for (; carried && i < stop; i++)
            sums[i - first] += (int64_t)c->carried[i] * 256;
        i = stop;
    }
}

void cxm_priv_dense_sums(const struct cxm_dense_keys *k, size_t at, size_t n, int64_t *sums)
{
    const struct cxm_key_counters *c = &k->c;
    const size_t first = at * c->stride, end = first + n * c->stride;
    for (int table = 0; table < n_tables(k); table++) {
        const size_t from = (size_t)table * c->apart + first;
        if (c->words != NULL)
            add_words(sums, c->words + from, end - first);
        else if (c->wide != NULL)
            add_wide(sums, c->wide + from, end - first);
        else
            add_narrow(sums, c->counters + from, end - first);
    }
    add_carried(c, first, end, sums);
}

bool cxm_priv_dense_narrow(const struct cxm_dense_keys *k)
{
    return k->c.n_keys > 0 && k->c.counters != NULL;
}

void cxm_priv_dense_fill(const struct cxm_dense_keys *k, size_t at, uint32_t seen, int64_t *cells,
                         size_t apart)
{
    const struct cxm_key_counters *c = &k->c;
    for (size_t first = at * c->stride; seen != 0; seen >>= 1, first += c->stride) {
        const size_t end = first + c->stride;
        if ((seen & 1) == 0)
            continue;
        copy_narrow(cells, c->counters + first, c->stride);
        if (CXM_UNLIKELY((c->wrapped[first / CXM_CARRY_BLOCK]
                          | c->wrapped[(end - 1) / CXM_CARRY_BLOCK]) != 0))
            add_carried(c, first, end, cells);
        cells += apart;
    }
}

/* Has any of n counters counted? Eight at a time, the last of them perhaps twice. */
static bool any_counted(const uint8_t *counters, uint32_t n)
{
    uint64_t any = 0, eight;
    for (uint32_t i = 0; i + sizeof eight <= n; i += (uint32_t)sizeof eight) {
        memcpy(&eight, counters + i, sizeof eight);
        any |= eight;
    }
    if (n >= sizeof eight) {
        memcpy(&eight, counters + n - sizeof eight, sizeof eight);
        return (any | eight) != 0;
    }
    for (uint32_t i = 0; i < n; i++)
        any |= counters[i];
    return any != 0;
}

uint32_t cxm_priv_dense_seen(const struct cxm_dense_keys *k, size_t at, size_t n, int64_t *last)
{
    const struct cxm_key_counters *c = &k->c;
    const size_t first = at * c->stride, end = first + n * c->stride;
    uint32_t seen = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *counters = c->counters + first + i * c->stride;
        seen |= (uint32_t)any_counted(counters, c->stride) << i;
        *last += counters[c->stride - 1];
    }
    for (size_t i = first; i < end; i++) {
        if (c->wrapped[i / CXM_CARRY_BLOCK] == 0) {
            i = (i / CXM_CARRY_BLOCK + 1) * CXM_CARRY_BLOCK - 1;
        } else if (c->carried[i] != 0) {
            const size_t key = (i - first) / c->stride;
            seen |= (uint32_t)1 << key;
            *last += i == first + (key + 1) * c->stride - 1 ? (int64_t)c->carried[i] * 256 : 0;
        }
    }
    return seen;
}

static bool make_carried(const struct cxm_dense_rows *rows, struct cxm_dense_keys *k)
{
    if (k->c.carried == NULL)
        k->c.carried = cxm_priv_alloc_zero(rows->config->allocator, n_cells(k),
                                           sizeof *k->c.carried);
    return k->c.carried != NULL;
}

/* No counter of 16 bits is larger than this: the bits that any of them has. */
static uint16_t most_of(const uint16_t *counters, size_t n)
{
    uint16_t all = 0;
    for (size_t i = 0; i < n; i++)
        all |= counters[i];
    return all;
}

static void carry_wide(struct cxm_dense_keys *k, uint16_t *counters)
{
    enum { RUN = 32 };
    const size_t cells = n_cells(k);
    for (size_t i = 0; i < cells; i += RUN) {
        const size_t end = cells - i < RUN ? cells : i + RUN;
        const uint16_t all = most_of(counters + i, end - i);
        for (size_t at = i; all > 255 && at < end; at++) {
            k->c.carried[at] += counters[at] >> 8;
            counters[at] &= 255;
        }
    }
}

/* Room for more rows. With 1 000 keys a counter gets some 5 of so many rows: nothing is carried. Where
 * one is nearly full, all keep less than 256. */
static bool empty_wide(const struct cxm_dense_rows *rows, struct cxm_dense_keys *k)
{
    enum { ENOUGH = 1 << 14 };
    uint16_t most = 0;
    for (int table = 0; table < n_tables(k); table++)
        most |= most_of(k->c.wide + (size_t)table * k->c.apart, n_cells(k));
    k->room = (size_t)UINT16_MAX - most;
    if (k->room >= ENOUGH)
        return true;
    if (!make_carried(rows, k))
        return false;
    for (int table = 0; table < n_tables(k); table++)
        carry_wide(k, k->c.wide + (size_t)table * k->c.apart);
    k->room = MOST_ROWS;
    return true;
}

void cxm_priv_dense_join(const struct cxm_dense_keys *k, size_t key, size_t n,
                         struct cxm_dense_keys *to, size_t at)
{
    int64_t sums[BLOCK_KEYS * CXM_DENSE_MOST_CODES];
    const uint32_t stride = k->c.stride;
    while (n > 0) {
        const size_t some = n < BLOCK_KEYS ? n : BLOCK_KEYS, first = at * stride;
        memset(sums, 0, some * stride * sizeof *sums);
        cxm_priv_dense_sums(k, key, some, sums);
        for (size_t i = 0; i < some * stride; i++) {
            if (to->c.words != NULL) {
                to->c.words[first + i] += (uint32_t)sums[i];
                continue;
            }
            const uint64_t sum = (uint64_t)sums[i] + (to->c.wide != NULL ? to->c.wide[first + i]
                                                                         : to->c.counters[first + i]);
            if (to->c.wide != NULL)
                to->c.wide[first + i] = (uint8_t)sum;
            else
                to->c.counters[first + i] = (uint8_t)sum;
            if (sum < 256)
                continue;
            to->c.carried[first + i] += (uint32_t)(sum / 256);
            if (to->c.wrapped != NULL)
                to->c.wrapped[(first + i) / CXM_CARRY_BLOCK] = 1;
        }
        key += some;
        at += some;
        n -= some;
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
 * with few keys neighbours are often equal. Words are never emptied: rows are too few to fill one. */
static bool make_counters(const struct cxm_dense_rows *rows, struct cxm_dense_keys *k, bool carry)
{
    const struct cxm_allocator *allocator = rows->config->allocator;
    const size_t cells = n_cells(k);
    if (rows->words && cells <= WORD_CELLS && k->rows < MOST_WORD_ROWS) {
        const bool four = cells <= FOUR_WORD_TABLES && k->rows >= 4 * cells;
        k->c.apart = four ? cells : 0;
        k->memory = cxm_priv_alloc_zero(allocator, (four ? 4 : 1) * cells, sizeof *k->c.words);
        k->c.words = k->memory;
        return k->memory != NULL;
    }
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
    if (k->c.n_keys > 0) { /* those of rows without a key are the last */
        cxm_priv_dense_join(k, 0, k->c.n_keys, &larger, (size_t)(k->base - low));
        cxm_priv_dense_join(k, k->c.n_keys, 1, &larger, larger.c.n_keys);
    }
    cxm_priv_dense_release(rows, k);
    *k = larger;
    return CXM_DENSE_DONE;
}
