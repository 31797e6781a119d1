/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The short cut for durations in whole days and no groups or one key of small whole numbers: an
 * array of counters indexed by key, time and code, which becomes the table once, in order. Plain
 * whole numbers with an event of a byte are counted where they lie, other columns are read by
 * the general readers. Anything else, and any value that is to be named, is left to the general
 * road (range.c), which gives the same tally.
 *
 * Rows pass in short chunks, so that the first-level cache is left to the counters: the bits of a chunk's
 * values, or-ed, tell whether the array reaches them. Where there is a kernel that counts rows as it finds
 * their places, chunks are only what it stops at. Typical: 2 000 times, 10 groups, 160 KiB of counters;
 * at most 16 MiB, and no more than 32 bytes a row. */
#include "tally/tally.h"
#include "tally/threads.h"
#include "tally/times.h"

enum { CHUNK = CXM_TIME_ROWS, LINE = CXM_TIME_LINE, MOST_CELLS = 1 << 22, FEW_CELLS = 1 << 14,
       FLUSH_ROWS = 1 << 30, MOST_FAILURES = 6 };

/* A column of small whole numbers as 32 bits; `beyond` in the or-ed bits: it is none. */
#define BEYOND 0x80000000u

struct counters {
    const struct cxm_allocator *allocator;
    uint32_t *cells;     /* [keys][times][bins], then for each key 2: missing, invalid */
    size_t keys, times;  /* powers of two; 0 keys: nothing yet */
    size_t most_cells;
    uint32_t bins;
    cxm_time_cells *kernel;
    cxm_time_count *count; /* NULL: there is none */
    bool identity;       /* the code of a byte up to the last cause is the byte itself */
    uint16_t codes[256];
};

static bool is_plain(const struct cxm_column *c)
{
    return c->validity == NULL && c->mask == NULL && c->dictionary == NULL && c->n_chunks == 0
        && c->n_labels == 0 && c->calendar == CXM_NO_CALENDAR;
}

static bool is_bare(const struct cxm_column *c)
{
    return is_plain(c) && (c->flags & (CXM_COLUMN_SENTINEL | CXM_COLUMN_DURATION)) == 0
        && c->n_missing_codes == 0 && c->time_unit == CXM_NO_TIME;
}

static bool fits(const struct cxm_sources *s)
{
    const struct cxm_column *key = s->keys[0];
    if (s->weight != NULL || s->freq != NULL || s->given[2] || s->n_keys > 1)
        return false;
    return s->n_keys == 0
        || (is_bare(key) && s->plans[0].info.type == CXM_KEY_INT && key->type >= CXM_I8
            && key->type <= CXM_U32);
}

/* May times and events be counted where they lie? */
static bool is_simple(const struct cxm_sources *s)
{
    const struct cxm_column *duration = s->slots[0], *event = s->slots[1];
    return is_bare(duration) && duration->type >= CXM_I8 && duration->type <= CXM_U32
        && is_plain(event)
        && (event->type == CXM_U8 || event->type == CXM_I8 || event->type == CXM_BOOL);
}

/* The code of every byte, as the general decoder gives it. */
static void make_codes(struct counters *c, const struct cxm_column *event)
{
    uint8_t bytes[256];
    struct cxm_column all = *event;
    struct cxm_reader reader;
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    all.data = bytes;
    all.n = 256;
    all.stride = 1;
    all.offset = 0;
    cxm_priv_reader_init(&reader, &all);
    cxm_priv_read_codes(&reader, 0, 256, 0, c->bins, c->codes);
    c->identity = (c->bins & (c->bins - 1)) == 0;
    for (uint32_t i = 0; i < c->bins; i++)
        c->identity = c->identity && c->codes[i] == i;
}

/* ---- chunks ---------------------------------------------------------------------------- */

static const uint8_t *row_of(const struct cxm_column *column, int64_t row)
{
    return (const uint8_t *)column->data + (column->offset + row) * column->stride;
}

static uint32_t or_of(const uint32_t *values, size_t n)
{
    uint64_t words[4], bits[4] = { 0, 0, 0, 0 };
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        memcpy(words, values + i, sizeof words);
        for (int k = 0; k < 4; k++)
            bits[k] |= words[k];
    }
    const uint64_t all = bits[0] | bits[1] | bits[2] | bits[3];
    uint32_t rest = (uint32_t)(all >> 32) | (uint32_t)all;
    for (; i < n; i++)
        rest |= values[i];
    return rest;
}

/* Is it an array of 32 bits? */
static bool are_words(const struct cxm_column *column)
{
    return (column->type == CXM_I32 || column->type == CXM_U32) && column->stride == 4
        && (uintptr_t)column->data % 4 == 0;
}

#define NARROW(TYPE, GOOD)                                                                       \
    for (size_t i = 0; i < n; i++, from += stride) {                                             \
        TYPE v;                                                                                  \
        memcpy(&v, from, sizeof v);                                                              \
        to[i] = (GOOD) ? (uint32_t)v : BEYOND;                                                   \
    }                                                                                            \
    break

/* n values as 32 bits: where they lie, or in `to`. */
static const uint32_t *narrow(const struct cxm_column *column, int64_t row, size_t n,
                              uint32_t *to)
{
    const uint8_t *from = row_of(column, row);
    const int64_t stride = column->stride;
    if (are_words(column))
        return (const uint32_t *)(const void *)from;
    switch ((enum cxm_type)column->type) {
    case CXM_I8:
        NARROW(int8_t, v >= 0);
    case CXM_U8:
        NARROW(uint8_t, true);
    case CXM_I16:
        NARROW(int16_t, v >= 0);
    case CXM_U16:
        NARROW(uint16_t, true);
    case CXM_I32:
        NARROW(int32_t, v >= 0);
    case CXM_U32:
        NARROW(uint32_t, true);
    default:
        NARROW(int64_t, v >= 0 && v < BEYOND);
    }
    return to;
}

/* ---- counting ---------------------------------------------------------------------------- */

static size_t stride_of(const struct counters *c)
{
    return c->times * c->bins + 2;
}

static size_t power_above(size_t have, uint32_t most)
{
    size_t n = have > 0 ? have : 1;
    while (n <= most)
        n *= 2;
    return n;
}

/* Room for values up to these; what was counted moves along. */
static enum cxm_dense_result reach(struct counters *c, uint32_t key, uint32_t time)
{
    if (c->keys > key && c->times > time)
        return CXM_DENSE_DONE;
    if ((key | time) >= BEYOND / 2)
        return CXM_DENSE_NO;
    struct counters wide = *c;
    wide.keys = power_above(c->keys, key);
    wide.times = power_above(c->times, time);
    if (wide.times >= c->most_cells || wide.keys > c->most_cells / stride_of(&wide))
        return CXM_DENSE_NO;
    wide.cells = cxm_priv_alloc_zero(c->allocator, wide.keys * stride_of(&wide),
                                     sizeof *wide.cells);
    if (wide.cells == NULL)
        return CXM_DENSE_NO_MEMORY;
    for (size_t k = 0; k < c->keys; k++) {
        const uint32_t *from = c->cells + k * stride_of(c);
        uint32_t *to = wide.cells + k * stride_of(&wide);
        memcpy(to, from, c->times * c->bins * sizeof *to);
        memcpy(to + wide.times * c->bins, from + c->times * c->bins, 2 * sizeof *to);
    }
    cxm_priv_release(c->allocator, c->cells);
    *c = wide;
    return CXM_DENSE_DONE;
}

/* Counting waits for nothing, making cells waits for memory: the rows of the next chunk are
 * asked for while this one is counted. */
CXM_PREFETCHER void fetch(const struct cxm_time_rows *rows, size_t row)
{
    for (size_t k = 0; k < LINE; k += LINE / 4) {
        __builtin_prefetch(rows->times + row + k, 0, 3);
        if (rows->keys != NULL)
            __builtin_prefetch(rows->keys + row + k, 0, 3);
    }
    __builtin_prefetch(rows->events + row, 0, 3);
    if (rows->byte_keys != NULL)
        __builtin_prefetch(rows->byte_keys + row, 0, 3);
}

/* Bytes of events that are no codes, such as those of missing answers, as 0. */
static void only_codes(const uint8_t *events, size_t n, uint32_t bins, uint8_t *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = events[i] < bins ? events[i] : 0;
}

/* Rows with such events were counted as 0: they go where they belong. */
static void move_others(const struct counters *c, const struct cxm_time_rows *rows, const uint8_t *events,
                        size_t n, const uint32_t *index)
{
    const size_t stride = stride_of(c), end = c->times * c->bins;
    for (size_t i = 0; i < n; i++) {
        if (events[i] < c->bins)
            continue;
        const uint32_t key = rows->keys != NULL ? rows->keys[i]
                           : rows->byte_keys != NULL ? rows->byte_keys[i] : 0;
        const uint16_t code = c->codes[events[i]];
        c->cells[index[i]]--;
        const size_t at = code < c->bins ? rows->times[i] * c->bins + code : end + (code - c->bins);
        c->cells[key * stride + at]++;
    }
}

/* Times, keys and bytes of events side by side: their cells in one go, made anew where the
 * array did not reach them. more: as many rows follow where these lie. */
static enum cxm_dense_result count_cells(struct counters *c, struct cxm_time_rows *rows, size_t n,
                                         bool more, uint32_t *restrict index, uint8_t *codes)
{
    const uint8_t *const events = rows->events;
    rows->bins = c->bins;
    rows->stride = (uint32_t)stride_of(c);
    const struct cxm_time_bits bits = c->kernel(rows, n, index);
    const enum cxm_dense_result result = reach(c, bits.keys, bits.times);
    if (result != CXM_DENSE_DONE)
        return result;
    const bool others = (bits.events & ~(c->bins - 1)) != 0;
    if (others) {
        only_codes(events, n, c->bins, codes);
        rows->events = codes;
    }
    if (others || rows->stride != (uint32_t)stride_of(c)) {
        rows->stride = (uint32_t)stride_of(c);
        c->kernel(rows, n, index);
    }
    rows->events = events;
    uint32_t *restrict const cells = c->cells;
    size_t i = 0;
    for (; i + LINE <= n; i += LINE) {
        if (more)
            fetch(rows, n + i);
        cxm_priv_count_line(cells, index + i);
    }
    for (; i < n; i++)
        cells[index[i]]++;
    if (others)
        move_others(c, rows, events, n, index);
    return CXM_DENSE_DONE;
}

static void count_any(const struct counters *c, const uint32_t *keys, const uint32_t *times,
                      const uint16_t *codes, size_t n)
{
    const size_t stride = stride_of(c), end = c->times * c->bins;
    for (size_t i = 0; i < n; i++) {
        const uint16_t code = codes[i];
        uint32_t *cells = c->cells + (keys != NULL ? keys[i] * stride : 0);
        cells[code < c->bins ? times[i] * c->bins + code : end + (code - c->bins)]++;
    }
}

/* A chunk of columns of any type: times, and codes that say what is missing or invalid in either,
 * as the rule of the metric does. Times that are not whole are BEYOND. */
struct any_columns {
    struct cxm_reader duration, event;
    double values[CHUNK];
    uint8_t states[CHUNK];
};

static void read_any(struct any_columns *any, const struct counters *c, double highest,
                     int64_t row, size_t n, uint32_t *times, uint16_t *codes)
{
    const uint16_t missing = (uint16_t)c->bins, invalid = (uint16_t)(c->bins + 1);
    cxm_priv_read_codes(&any->event, row, n, 0, c->bins, codes);
    cxm_priv_read_numbers(&any->duration, row, n, any->values, any->states);
    for (size_t i = 0; i < n; i++) {
        const double t = any->values[i];
        const bool used = any->states[i] == CXM_ROW_USED;
        const bool small = used && t >= 0 && t < 1e9;
        times[i] = small ? (uint32_t)t : 0;
        if (any->states[i] == CXM_ROW_INVALID || (used && !(t >= 0 && t <= highest)))
            codes[i] = invalid;
        else if (!used && codes[i] != invalid)
            codes[i] = missing;
        else if (codes[i] < missing && !(small && (double)times[i] == t))
            times[i] = BEYOND;
        else if (codes[i] >= missing)
            times[i] = 0;
    }
}

/* ---- to the tables ----------------------------------------------------------------------- */

enum { GROUP_KEY = 9 };

/* The entry of a group's key, the first bytes of `key`, and a time; there is room for it. Keys ascend:
 * once one is above all others, those that follow are (`above`), and are written where they belong
 * without being compared. */
static uint32_t entry_of(struct cxm_table *values, uint8_t *key, size_t prefix, double time,
                         bool *above)
{
    const size_t n = prefix + CXM_NUMBER_KEY_BYTES;
    if (*above) {
        uint8_t *const to = cxm_priv_dict_append_room(&values->dict, n);
        if (prefix > 0)
            memcpy(to, key, GROUP_KEY);
        cxm_priv_put_number_key(to + prefix, time);
        return values->dict.n - 1;
    }
    cxm_priv_put_number_key(key + prefix, time);
    const uint32_t at = cxm_priv_table_add(values, key, n);
    *above = at + 1 == values->dict.n && cxm_priv_dict_in_order(&values->dict);
    return at;
}

static bool flush_key(const struct counters *c, size_t k, bool keyed, struct cxm_state *state)
{
    uint8_t key[GROUP_KEY + CXM_NUMBER_KEY_BYTES] = { CXM_TAG_PRESENT };
    const uint32_t *cells = c->cells + k * stride_of(c), *end = cells + c->times * c->bins;
    const size_t prefix = keyed ? GROUP_KEY : 0;
    bool any_row = end[0] != 0 || end[1] != 0;
    for (const uint32_t *cell = cells; cell < end && !any_row; cell++)
        any_row = *cell != 0;
    if (!any_row)
        return true;
    cxm_priv_put_u64(key + 1, __builtin_bswap64((uint64_t)k ^ (uint64_t)1 << 63));
    const uint32_t group = cxm_priv_table_add(&state->groups, key, prefix);
    if (group == UINT32_MAX)
        return false;
    int64_t *counts = cxm_priv_table_cell(&state->groups, group);
    counts[c->bins] += end[0];
    counts[c->bins + 1] += end[1];
    bool above = false;
    for (size_t t = 0; t < c->times; t++, cells += c->bins) {
        uint32_t any = 0;
        for (uint32_t b = 0; b < c->bins; b++)
            any |= cells[b];
        if (any == 0)
            continue;
        const uint32_t at = entry_of(&state->values, key, prefix, (double)t, &above);
        if (at == UINT32_MAX)
            return false;
        int64_t *cell = cxm_priv_table_cell(&state->values, at);
        for (uint32_t b = 0; b < c->bins; b++) {
            cell[b] += cells[b];
            counts[b] += cells[b];
        }
    }
    return true;
}

static bool flush(struct counters *c, bool keyed, struct cxm_state *state)
{
    size_t n = 0;
    for (size_t k = 0; k < c->keys; k++) {
        const uint32_t *cells = c->cells + k * stride_of(c);
        for (size_t t = 0; t < c->times; t++, cells += c->bins) {
            uint32_t any = 0;
            for (uint32_t b = 0; b < c->bins; b++)
                any |= cells[b];
            n += any != 0;
        }
    }
    if (!cxm_priv_table_reserve(&state->values, state->values.dict.n + n, NULL)
        || !cxm_priv_dict_reserve(&state->values.dict, n, n * (GROUP_KEY + CXM_NUMBER_KEY_BYTES)))
        return false;
    for (size_t k = 0; k < c->keys; k++) {
        if (!flush_key(c, k, keyed, state))
            return false;
    }
    memset(c->cells, 0, c->keys * stride_of(c) * sizeof *c->cells);
    return true;
}

static bool any_invalid(const struct counters *c, const struct cxm_state *state)
{
    for (uint32_t i = 0; i < state->groups.dict.n; i++) {
        if (cxm_priv_table_cell(&state->groups, i)[c->bins + 1] != 0)
            return true;
    }
    return false;
}

/* Memory of a range beyond the counters. */
struct work {
    uint32_t keys[CHUNK], times[CHUNK], index[CHUNK];
    uint16_t codes[CHUNK];
    uint8_t bytes[CHUNK];
    struct any_columns any;
};

static enum cxm_dense_result count_chunk(struct counters *c, const struct cxm_config *config,
                                         const struct cxm_sources *s, int64_t row, size_t n,
                                         bool simple, struct work *w)
{
    const struct cxm_column *event = s->slots[1];
    const bool keyed = s->n_keys > 0;
    const uint32_t *times = w->times;
    if (simple)
        times = narrow(s->slots[0], row, n, w->times);
    else
        read_any(&w->any, c, config->highest[0], row, n, w->times, w->codes);
    const struct cxm_column *key = keyed ? s->keys[0] : NULL;
    const uint8_t *events = simple ? row_of(event, row) : NULL;
    const bool bytes = keyed && key->type == CXM_U8 && key->stride == 1;
    if (simple && event->stride == 1 && c->identity) {
        struct cxm_time_rows rows = { .times = times, .events = events,
                                      .byte_keys = bytes ? row_of(key, row) : NULL };
        if (keyed && !bytes)
            rows.keys = narrow(key, row, n, w->keys);
        const bool more = row + 2 * (int64_t)n <= s->n && times != w->times && rows.keys != w->keys;
        return count_cells(c, &rows, n, more, w->index, w->bytes);
    }
    const uint32_t *keys = keyed ? narrow(key, row, n, w->keys) : NULL;
    const enum cxm_dense_result result = reach(c, keyed ? or_of(keys, n) : 0, or_of(times, n));
    if (result != CXM_DENSE_DONE)
        return result;
    for (size_t i = 0; simple && i < n; i++, events += event->stride)
        w->codes[i] = c->codes[*events];
    count_any(c, keys, times, w->codes, n);
    return CXM_DENSE_DONE;
}

/* Arrays of plain numbers, and room for some of them: rows are counted where they lie up to the first that
 * has no room, or is no code. */
static int64_t count_arrays(const struct counters *c, const struct cxm_sources *s, int64_t first,
                            int64_t last)
{
    const struct cxm_column *const time = s->slots[0], *const event = s->slots[1];
    const struct cxm_column *const key = s->n_keys > 0 ? s->keys[0] : NULL;
    const bool bytes = key != NULL && key->type == CXM_U8 && key->stride == 1;
    if (c->count == NULL || c->keys == 0 || !c->identity || event->stride != 1 || !are_words(time)
        || (key != NULL && !bytes && !are_words(key)))
        return 0;
    const struct cxm_time_rows rows = {
        .times = (const void *)row_of(time, first), .events = row_of(event, first),
        .keys = key != NULL && !bytes ? (const void *)row_of(key, first) : NULL,
        .byte_keys = bytes ? row_of(key, first) : NULL,
        .stride = (uint32_t)stride_of(c), .bins = c->bins,
    };
    const struct cxm_time_bits outside = { ~(uint32_t)(c->times - 1), ~(uint32_t)(c->keys - 1),
                                           ~(c->bins - 1) };
    return (int64_t)c->count(&rows, &outside, (size_t)(last - first), c->cells);
}

static enum cxm_dense_result count_rows(struct counters *c, const struct cxm_config *config,
                                        const struct cxm_sources *s, int64_t first, int64_t last,
                                        struct work *w)
{
    const bool simple = is_simple(s);
    if (simple)
        make_codes(c, s->slots[1]);
    cxm_priv_reader_init(&w->any.duration, s->slots[0]);
    cxm_priv_reader_init(&w->any.event, s->slots[1]);
    const int64_t most = simple ? (int64_t)cxm_priv_time_rows(c->kernel) : CHUNK;
    int64_t again = first, failures = 0; /* chunks in between are more, the more often it was in vain */
    for (int64_t row = first; row < last;) {
        if (simple && row >= again) {
            const int64_t counted = count_arrays(c, s, row, last);
            failures = counted > most ? 0 : failures < MOST_FAILURES ? failures + 1 : failures;
            row += counted;
            again = row + (most << failures);
            if (row == last)
                break;
        }
        const size_t n = (size_t)(last - row < most ? last - row : most);
        const enum cxm_dense_result result = count_chunk(c, config, s, row, n, simple, w);
        if (result != CXM_DENSE_DONE)
            return result;
        row += (int64_t)n;
    }
    return CXM_DENSE_DONE;
}

/* ---- threads ----------------------------------------------------------------------------- */

/* A thread counts its rows for itself; what all counted goes to the tables once. */
struct share {
    struct counters counters;
    int64_t first, last;
    enum cxm_dense_result result;
};

struct counting {
    const struct cxm_config *config;
    const struct cxm_sources *sources;
    struct share *shares;
};

static void count_share(void *context, int i)
{
    const struct counting *all = context;
    struct share *const share = &all->shares[i];
    struct work *work = cxm_priv_alloc(all->config->allocator, 1, sizeof *work);
    share->result = work == NULL ? CXM_DENSE_NO_MEMORY
                                 : count_rows(&share->counters, all->config, all->sources,
                                              share->first, share->last, work);
    cxm_priv_release(all->config->allocator, work);
}

static enum cxm_dense_result add_counters(struct counters *into, const struct counters *from)
{
    if (from->keys == 0)
        return CXM_DENSE_DONE;
    const enum cxm_dense_result result = reach(into, (uint32_t)from->keys - 1,
                                               (uint32_t)from->times - 1);
    const size_t n = from->times * from->bins, end = into->times * into->bins;
    for (size_t k = 0; result == CXM_DENSE_DONE && k < from->keys; k++) {
        const uint32_t *more = from->cells + k * stride_of(from);
        uint32_t *cells = into->cells + k * stride_of(into);
        for (size_t i = 0; i < n; i++)
            cells[i] += more[i];
        cells[end] += more[n];
        cells[end + 1] += more[n + 1];
    }
    return result;
}

/* No more than FLUSH_ROWS rows, so that no counter overflows. */
static enum cxm_dense_result count_some(const struct counting *all, int64_t first, int64_t last,
                                        int n_threads, struct cxm_state *state)
{
    const struct cxm_config *config = all->config;
    const int64_t rows = last - first;
    enum cxm_dense_result result = CXM_DENSE_DONE;
    for (int i = 0; i < n_threads; i++) {
        struct share *const share = &all->shares[i];
        share->counters = (struct counters){ .allocator = config->allocator,
                                             .bins = config->units[0].bins,
                                             .kernel = cxm_priv_time_cells(0),
                                             .count = cxm_priv_time_count(0) };
        share->counters.most_cells = rows >= MOST_CELLS / 8 ? MOST_CELLS
                                                            : FEW_CELLS + 8 * (size_t)rows;
        share->first = first + rows / n_threads * i;
        share->last = i + 1 < n_threads ? first + rows / n_threads * (i + 1) : last;
    }
    cxm_priv_side_by_side(n_threads, count_share, (void *)(uintptr_t)all);
    struct counters *const sum = &all->shares[0].counters;
    for (int i = 0; i < n_threads && result == CXM_DENSE_DONE; i++)
        result = all->shares[i].result;
    for (int i = 1; i < n_threads && result == CXM_DENSE_DONE; i++)
        result = add_counters(sum, &all->shares[i].counters);
    if (result == CXM_DENSE_DONE && !flush(sum, all->sources->n_keys > 0, state))
        result = CXM_DENSE_NO_MEMORY;
    if (result == CXM_DENSE_DONE && !all->sources->count_invalid && any_invalid(sum, state))
        result = CXM_DENSE_NO;
    for (int i = 0; i < n_threads; i++)
        cxm_priv_release(config->allocator, all->shares[i].counters.cells);
    return result;
}

enum cxm_dense_result cxm_priv_dense_times(const struct cxm_config *config,
                                           const struct cxm_sources *sources, int n_threads,
                                           struct cxm_state *state)
{
    if (sources->n == 0 || !fits(sources))
        return CXM_DENSE_NO;
    struct counting all = { config, sources, NULL };
    all.shares = cxm_priv_alloc(config->allocator, (size_t)n_threads, sizeof *all.shares);
    enum cxm_dense_result result = all.shares != NULL ? CXM_DENSE_DONE : CXM_DENSE_NO_MEMORY;
    for (int64_t row = 0; row < sources->n && result == CXM_DENSE_DONE; row += FLUSH_ROWS) {
        const int64_t left = sources->n - row;
        result = count_some(&all, row, row + (left < FLUSH_ROWS ? left : FLUSH_ROWS), n_threads,
                            state);
    }
    cxm_priv_release(config->allocator, all.shares);
    if (result == CXM_DENSE_DONE)
        state->rows += sources->n;
    return result;
}
