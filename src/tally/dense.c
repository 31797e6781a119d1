/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The short cut for the commonest call: one rating of a byte, no weights, no copies, and no
 * groups or one key of whole numbers that lie close together. Answers go through a table of
 * 256 codes that the general decoder filled in, so both roads agree by construction; groups
 * are counted in an array indexed by key and code. Anything else, and any invalid answer that
 * is to be named, is left to the general road (range.c), which gives the same tally.
 *
 * Memory: 16 bytes a key between the smallest and the largest, 64 more for a key with an answer
 * that came 256 times; address space for that of all keys, but no more than 640 bytes a row: a
 * few rows with keys far apart take the general road. */
#include "tally/kernels.h"
#include "tally/tally.h"

enum { CODES = 16, CHUNK = 1 << 15, BUFFER = 1 << 13, FEW_KEYS = 2048, MOST_KEYS = 1 << 22, FEW_ROWS = 256,
       FLUSH_ROWS = 1 << 30 };

/* Values that lie in memory as they are, but for a bitmap. */
static bool is_plain(const struct cxm_column *c)
{
    return c->mask == NULL && c->dictionary == NULL && c->n_chunks == 0 && c->n_labels == 0;
}

static bool rating_fits(const struct cxm_config *config, const struct cxm_sources *sources)
{
    const struct cxm_column *c = sources->slots[0];
    return config->rules->one_rating && sources->weight == NULL && sources->freq == NULL
        && is_plain(c) && (c->type == CXM_U8 || c->type == CXM_I8)
        && config->units[0].bins + 2 <= CODES;
}

static bool key_fits(const struct cxm_sources *sources)
{
    const struct cxm_column *c = sources->keys[0];
    if (sources->n_keys == 0)
        return true;
    return sources->n_keys == 1 && sources->roles[0] < CXM_KEY_FPC && is_plain(c)
        && c->validity == NULL && (c->flags & CXM_COLUMN_SENTINEL) == 0
        && c->n_missing_codes == 0 && c->calendar == CXM_NO_CALENDAR
        && sources->plans[0].info.type == CXM_KEY_INT && c->type >= CXM_I8 && c->type <= CXM_U32;
}

/* The code of every byte, as the general decoder gives it. */
static void make_codes(const struct cxm_config *config, const struct cxm_column *column,
                       uint16_t codes[256])
{
    uint8_t bytes[256];
    struct cxm_column all = *column;
    struct cxm_reader reader;
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    all.data = bytes;
    all.n = 256;
    all.stride = 1;
    all.offset = 0;
    all.validity = NULL;
    cxm_priv_reader_init(&reader, &all);
    cxm_priv_read_codes(&reader, 0, 256, (int64_t)config->lowest[0], config->units[0].bins,
                        codes);
}

static const uint8_t *row_of(const struct cxm_column *column, int64_t row)
{
    return (const uint8_t *)column->data + (column->offset + row) * column->stride;
}

/* Answers side by side: as they are, or copied into the buffer, nulls as `fill`. */
static const uint8_t *answers_of(const struct cxm_column *column, int64_t row, size_t n,
                                 uint8_t fill, uint8_t buffer[BUFFER], uint64_t *nulls)
{
    const uint8_t *bytes = row_of(column, row);
    const int64_t stride = column->stride;
    if (stride != 1) {
        for (size_t i = 0; i < n; i++)
            buffer[i] = bytes[(int64_t)i * stride];
        bytes = buffer;
    }
    *nulls = 0;
    if (column->validity == NULL)
        return bytes;
    const int64_t bit = column->validity_offset + row;
    *nulls = cxm_priv_kernels(0).mask_bytes(bytes, n, column->validity + bit / 8,
                                            (unsigned)(bit % 8), fill, buffer);
    return buffer;
}

/* ---- without groups ------------------------------------------------------------------- */

/* Fewer rows than bytes have values: decoded one by one, and counted. */
static enum cxm_dense_result count_few(const struct cxm_config *config,
                                       const struct cxm_sources *sources, int64_t first,
                                       int64_t last, struct cxm_state *state)
{
    uint16_t codes[FEW_ROWS];
    struct cxm_reader reader;
    const uint32_t bins = config->units[0].bins;
    const size_t n = (size_t)(last - first);
    cxm_priv_reader_init(&reader, sources->slots[0]);
    cxm_priv_read_codes(&reader, first, n, (int64_t)config->lowest[0], bins, codes);
    if (cxm_priv_table_add(&state->groups, (const uint8_t *)"", 0) == UINT32_MAX)
        return CXM_DENSE_NO_MEMORY;
    int64_t *cell = cxm_priv_table_cell(&state->groups, 0);
    for (size_t i = 0; i < n; i++)
        cell[codes[i]]++;
    return cell[bins + 1] == 0 || sources->count_invalid ? CXM_DENSE_DONE : CXM_DENSE_NO;
}

static enum cxm_dense_result count_all(const struct cxm_config *config,
                                       const struct cxm_sources *sources, int64_t first,
                                       int64_t last, struct cxm_state *state)
{
    uint16_t codes[256];
    uint8_t values[CXM_MOST_VALUES];
    uint64_t counts[CXM_MOST_VALUES] = { 0 };
    uint8_t buffer[BUFFER], fill = 0; /* a byte that is no answer */
    size_t n_values = 0;
    const struct cxm_column *column = sources->slots[0];
    const uint32_t invalid = config->units[0].bins + 1;
    if (last - first <= FEW_ROWS)
        return count_few(config, sources, first, last, state);
    make_codes(config, column, codes);
    for (int i = 0; i < 256; i++) {
        if (codes[i] == invalid) {
            fill = (uint8_t)i;
            continue;
        }
        if (n_values == CXM_MOST_VALUES)
            return CXM_DENSE_NO;
        values[n_values++] = (uint8_t)i;
    }
    const bool in_place = column->stride == 1 && column->validity == NULL;
    const int64_t step = in_place ? last - first : BUFFER;
    int64_t known = 0;
    for (int64_t row = first; row < last; row += step) {
        const size_t n = last - row < step ? (size_t)(last - row) : (size_t)step;
        uint64_t nulls;
        const uint8_t *bytes = answers_of(column, row, n, fill, buffer, &nulls);
        cxm_priv_kernels(0).count_bytes(bytes, n, values, n_values, counts);
        known += (int64_t)nulls;
    }
    const int64_t null = known;
    for (size_t v = 0; v < n_values; v++)
        known += (int64_t)counts[v];
    if (known != last - first && !sources->count_invalid)
        return CXM_DENSE_NO; /* the general road names the row */
    if (cxm_priv_table_add(&state->groups, (const uint8_t *)"", 0) == UINT32_MAX)
        return CXM_DENSE_NO_MEMORY;
    int64_t *cell = cxm_priv_table_cell(&state->groups, 0);
    for (size_t v = 0; v < n_values; v++)
        cell[codes[values[v]]] += (int64_t)counts[v];
    cell[invalid - 1] += null;
    cell[invalid] += last - first - known;
    return CXM_DENSE_DONE;
}

/* ---- with groups ---------------------------------------------------------------------- */

struct keyed {
    int64_t base;       /* the key of the first row of counters */
    size_t n_keys, most_keys;
    uint8_t *counters;  /* [copies][n_keys][CODES], modulo 256: a quarter of the cache */
    uint32_t *carried;  /* [n_keys][CODES], the multiples of 256; pages that nobody touched */
    int copies;         /* 2: odd rows count apart */
};

static inline void count_one(const struct keyed *k, uint8_t *counters, size_t at)
{
    if (CXM_UNLIKELY(++counters[at] == 0))
        k->carried[at] += 256;
}

/* One loop for each type of key: the switch is outside of it. Row i of a chunk adds one to the
 * counter of its key and code; find() only looks for the smallest and largest key. */
#define KEYED_LOOPS(NAME, TYPE)                                                                  \
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
    static void count_##NAME(const uint8_t *keys, int64_t key_stride, const uint8_t *answers,    \
                             int64_t stride, const uint8_t *codes, size_t n,                     \
                             const struct keyed *k)                                              \
    {                                                                                            \
        uint8_t *even = k->counters;                                                             \
        uint8_t *odd = k->counters + (k->copies > 1 ? k->n_keys * CODES : 0);                    \
        const int64_t base = k->base;                                                            \
        size_t i = 0;                                                                            \
        for (; i + 2 <= n; i += 2) {                                                             \
            TYPE a, b;                                                                           \
            memcpy(&a, keys, sizeof a);                                                          \
            memcpy(&b, keys + key_stride, sizeof b);                                             \
            count_one(k, even, (size_t)((int64_t)a - base) * CODES + codes[answers[0]]);         \
            count_one(k, odd, (size_t)((int64_t)b - base) * CODES + codes[answers[stride]]);     \
            keys += 2 * key_stride;                                                              \
            answers += 2 * stride;                                                               \
        }                                                                                        \
        if (i < n) {                                                                             \
            TYPE a;                                                                              \
            memcpy(&a, keys, sizeof a);                                                          \
            count_one(k, even, (size_t)((int64_t)a - base) * CODES + codes[answers[0]]);         \
        }                                                                                        \
    }

KEYED_LOOPS(i8, int8_t)
KEYED_LOOPS(u8, uint8_t)
KEYED_LOOPS(i16, int16_t)
KEYED_LOOPS(u16, uint16_t)
KEYED_LOOPS(i32, int32_t)
KEYED_LOOPS(u32, uint32_t)
KEYED_LOOPS(i64, int64_t)

struct key_loops {
    void (*find)(const uint8_t *, int64_t, size_t, int64_t *, int64_t *);
    void (*count)(const uint8_t *, int64_t, const uint8_t *, int64_t, const uint8_t *, size_t,
                  const struct keyed *);
};

static struct key_loops loops_of(uint32_t type)
{
    switch ((enum cxm_type)type) {
    case CXM_I8:
        return (struct key_loops){ find_i8, count_i8 };
    case CXM_U8:
        return (struct key_loops){ find_u8, count_u8 };
    case CXM_I16:
        return (struct key_loops){ find_i16, count_i16 };
    case CXM_U16:
        return (struct key_loops){ find_u16, count_u16 };
    case CXM_I32:
        return (struct key_loops){ find_i32, count_i32 };
    case CXM_U32:
        return (struct key_loops){ find_u32, count_u32 };
    default:
        return (struct key_loops){ find_i64, count_i64 };
    }
}

/* Counters of one key become its cell. */
static bool flush_key(const struct cxm_config *config, struct cxm_state *state, int64_t key,
                      const uint32_t counts[CODES])
{
    uint8_t bytes[9] = { CXM_TAG_PRESENT };
    cxm_priv_put_u64(bytes + 1, __builtin_bswap64((uint64_t)key ^ (uint64_t)1 << 63));
    const uint32_t n = state->groups.dict.n;
    const uint32_t at = cxm_priv_table_add(&state->groups, bytes, sizeof bytes);
    if (at == UINT32_MAX)
        return false;
    int64_t *cell = cxm_priv_table_cell(&state->groups, at);
    const bool fresh = at == n; /* only written: a page that is read first is faulted in twice */
    for (uint32_t c = 0; fresh && c < config->units[0].bins + 2; c++)
        cell[c] = counts[c];
    for (uint32_t c = 0; !fresh && c < config->units[0].bins + 2; c++)
        cell[c] += counts[c];
    return true;
}

static size_t count_seen(const struct keyed *k, size_t i, uint32_t counts[CODES])
{
    size_t any = 0;
    for (size_t c = 0; c < CODES; c++) {
        counts[c] = k->counters[i * CODES + c] + k->carried[i * CODES + c];
        if (k->copies > 1)
            counts[c] += k->counters[(k->n_keys + i) * CODES + c];
        any += counts[c];
    }
    return any;
}

/* The state gets room for all keys at once, then their cells in the order of the keys. */
static bool flush(const struct cxm_config *config, struct keyed *k, struct cxm_state *state)
{
    uint32_t counts[CODES];
    size_t n = 0;
    for (size_t i = 0; i < k->n_keys; i++)
        n += count_seen(k, i, counts) > 0;
    if (!cxm_priv_table_reserve(&state->groups, state->groups.dict.n + n, NULL)
        || !cxm_priv_dict_reserve(&state->groups.dict, n, 9 * n))
        return false;
    for (size_t i = 0; i < k->n_keys; i++) {
        if (count_seen(k, i, counts) > 0
            && !flush_key(config, state, k->base + (int64_t)i, counts))
            return false;
    }
    return true;
}

/* Moves counters to an array that has the old keys at `shift`. */
static void move_counters(const struct keyed *k, struct keyed *to, size_t shift)
{
    const size_t n = k->n_keys * CODES;
    memcpy(to->counters + shift * CODES, k->counters, n);
    for (size_t i = 0; i < n; i++) {
        if (k->carried[i] != 0) /* no page is touched for nothing */
            to->carried[shift * CODES + i] = k->carried[i];
    }
    if (k->copies < 2)
        return;
    for (size_t i = 0; i < n; i++) {
        if (k->counters[n + i] != 0)
            to->carried[shift * CODES + i] += k->counters[n + i];
    }
}

static void release_counters(const struct cxm_config *config, struct keyed *k)
{
    cxm_priv_release(config->allocator, k->counters);
    cxm_priv_release(config->allocator, k->carried);
    k->counters = NULL;
    k->carried = NULL;
}

/* Counters for the keys low … high too: twice as many, at the end where keys are new, so that
 * keys in order do not move the array with every chunk. */
static enum cxm_dense_result reach(const struct cxm_config *config, struct keyed *k, int64_t low,
                                   int64_t high)
{
    bool down = false;
    if (k->n_keys > 0) {
        const int64_t last = k->base + (int64_t)(k->n_keys - 1); /* one more may not fit */
        if (low >= k->base && high <= last)
            return CXM_DENSE_DONE;
        down = low < k->base && high <= last;
        low = low < k->base ? low : k->base;
        high = high > last ? high : last;
    }
    if ((uint64_t)high - (uint64_t)low >= k->most_keys)
        return CXM_DENSE_NO;
    size_t n = (size_t)(high - low) + 1;
    const size_t twice = 2 * k->n_keys, more = twice > n ? twice - n : 0;
    if (more > 0 && twice <= k->most_keys && !down && high <= INT64_MAX - (int64_t)more)
        n = twice;
    if (more > 0 && twice <= k->most_keys && down && low >= INT64_MIN + (int64_t)more) {
        n = twice;
        low -= (int64_t)more;
    }
    struct keyed larger = { low, n, k->most_keys, NULL, NULL, n <= FEW_KEYS ? 2 : 1 };
    larger.counters = cxm_priv_alloc_zero(config->allocator, (size_t)larger.copies * n, CODES);
    larger.carried = cxm_priv_alloc_zero(config->allocator, n, CODES * sizeof *larger.carried);
    if (larger.counters == NULL || larger.carried == NULL) {
        release_counters(config, &larger);
        return CXM_DENSE_NO_MEMORY;
    }
    if (k->n_keys > 0)
        move_counters(k, &larger, (size_t)(k->base - low));
    release_counters(config, k);
    *k = larger;
    return CXM_DENSE_DONE;
}

/* A look at rows all over the range, and some room around what was seen: the array of counters
 * then rarely has to move. That there are too many keys is found out later. */
static enum cxm_dense_result guess(const struct cxm_config *config, const struct key_loops *loops,
                                   const struct cxm_column *keys, int64_t first, int64_t last,
                                   struct keyed *k)
{
    enum { LOOKS = 16, ROWS = 512 };
    int64_t low = INT64_MAX, high = INT64_MIN;
    if (last - first < LOOKS * ROWS)
        return CXM_DENSE_DONE;
    for (int i = 0; i < LOOKS; i++) {
        int64_t smallest, largest;
        const int64_t row = first + (last - first - ROWS) / (LOOKS - 1) * i;
        loops->find(row_of(keys, row), keys->stride, ROWS, &smallest, &largest);
        low = smallest < low ? smallest : low;
        high = largest > high ? largest : high;
    }
    const uint64_t span = (uint64_t)high - (uint64_t)low, room = span / 64;
    if (span + 2 * room < span || span + 2 * room >= k->most_keys
        || low < INT64_MIN + (int64_t)room || high > INT64_MAX - (int64_t)room)
        return CXM_DENSE_DONE;
    return reach(config, k, low - (int64_t)room, high + (int64_t)room);
}

static enum cxm_dense_result count_keyed(const struct cxm_config *config,
                                         const struct cxm_sources *sources, int64_t first,
                                         int64_t last, struct keyed *k, struct cxm_state *state)
{
    const struct cxm_column *answers = sources->slots[0], *keys = sources->keys[0];
    const struct key_loops loops = loops_of(keys->type);
    uint16_t codes[256];
    uint8_t narrow[256];
    make_codes(config, answers, codes);
    const uint32_t missing = config->units[0].bins;
    uint8_t buffer[BUFFER], fill = 0;
    for (int i = 0; i < 256; i++) {
        narrow[i] = (uint8_t)codes[i];
        fill = codes[i] >= missing && codes[fill] != missing ? (uint8_t)i : fill;
    }
    const bool own = codes[fill] != missing; /* no answer is that byte, or it would be invalid */
    if (codes[fill] < missing)
        return CXM_DENSE_NO;
    if (answers->validity != NULL)
        narrow[fill] = (uint8_t)missing;
    const int64_t step = answers->validity != NULL ? BUFFER : CHUNK;
    int64_t since_flush = 0;
    const enum cxm_dense_result guessed = guess(config, &loops, keys, first, last, k);
    if (guessed != CXM_DENSE_DONE)
        return guessed;
    for (int64_t row = first; row < last; row += step) {
        const size_t n = last - row < step ? (size_t)(last - row) : (size_t)step;
        int64_t low, high;
        loops.find(row_of(keys, row), keys->stride, n, &low, &high);
        const enum cxm_dense_result result = reach(config, k, low, high);
        if (result != CXM_DENSE_DONE)
            return result;
        if (answers->validity == NULL) {
            loops.count(row_of(keys, row), keys->stride, row_of(answers, row), answers->stride,
                        narrow, n, k);
        } else {
            uint64_t nulls, filled = 0;
            const uint8_t *bytes = answers_of(answers, row, n, fill, buffer, &nulls);
            cxm_priv_kernels(0).count_bytes(bytes, n, &fill, 1, &filled);
            if (own && filled != nulls)
                return CXM_DENSE_NO;
            loops.count(row_of(keys, row), keys->stride, bytes, 1, narrow, n, k);
        }
        since_flush += (int64_t)n;
        if (since_flush >= FLUSH_ROWS) {
            if (!flush(config, k, state))
                return CXM_DENSE_NO_MEMORY;
            memset(k->counters, 0, (size_t)k->copies * k->n_keys * CODES);
            memset(k->carried, 0, k->n_keys * CODES * sizeof *k->carried);
            since_flush = 0;
        }
    }
    if (k->n_keys > 0 && !flush(config, k, state))
        return CXM_DENSE_NO_MEMORY;
    return CXM_DENSE_DONE;
}

static bool any_invalid(const struct cxm_config *config, const struct cxm_state *state)
{
    const uint32_t invalid = config->units[0].bins + 1;
    for (uint32_t i = 0; i < state->groups.dict.n; i++) {
        if (cxm_priv_table_cell(&state->groups, i)[invalid] != 0)
            return true;
    }
    return false;
}

enum cxm_dense_result cxm_priv_dense_range(const struct cxm_config *config,
                                           const struct cxm_sources *sources, int64_t first,
                                           int64_t last, struct cxm_state *state)
{
    if (first >= last || !rating_fits(config, sources) || !key_fits(sources))
        return CXM_DENSE_NO;
    const int64_t rows = last - first;
    struct keyed k = { .copies = 1, .most_keys = rows >= MOST_KEYS / 8 ? MOST_KEYS
                                               : rows >= FEW_KEYS / 8  ? 8 * (size_t)rows
                                                                       : FEW_KEYS };
    enum cxm_dense_result result = sources->n_keys == 0
                                     ? count_all(config, sources, first, last, state)
                                     : count_keyed(config, sources, first, last, &k, state);
    release_counters(config, &k);
    if (result == CXM_DENSE_DONE && !sources->count_invalid && any_invalid(config, state))
        result = CXM_DENSE_NO;
    if (result == CXM_DENSE_DONE)
        state->rows += rows;
    return result;
}
