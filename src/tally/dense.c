/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The short cut for one rating, no weights, no copies, and one key of whole numbers that lie close
 * together; without a key see dense_all.c. Answers are bytes or become some (rating.c), and go
 * through a table of 256 codes that the general decoder filled in, so both roads agree by
 * construction. Anything else, and any invalid answer that is to be named, is left to the general
 * road (range.c), which gives the same tally.
 *
 * Counters are an array indexed by key and code, with a place more for rows without a key; each
 * thread has its own, or all share one where it would not fit in a cache (dense_many.c). Cells are
 * made once, from the sums of these arrays, by ranges of keys, so that no thread waits while
 * another merges.
 *
 * Memory for NPS (13 codes): 13 bytes a key between the smallest and the largest in each thread,
 * twice that up to 1 537 keys (with AVX2 four times up to 1 259), four times that again up to 314 (156);
 * 52 more for a key with an answer that came 256 times, and address space for that of all keys, but no
 * more than 520 bytes a row: a few rows with keys far apart take the general road. With more than 161 000
 * keys the counters are one array for all threads, and 8 to 32 MB of rows are sorted by key at a time. */
#include "tally/dense.h"

#include "column/unweave.h"

enum { FEW_KEYS = 2048, MOST_KEYS = 1 << 22, FEW_ROWS = 256, LARGE_TABLE = 1 << 21,
       MANY_ROWS = 1 << 18, LOOKS = 16, LOOK_ROWS = 512, FEW_WEIGHTED = 1 << 13,
       FEW_AT_A_TIME = 1024, MOST_AT_A_TIME = 4096, APART_BYTES = 1 << 14 };

static bool rating_fits(const struct cxm_config *config, const struct cxm_sources *sources,
                        struct cxm_rating *rating)
{
    return config->rules->one_rating && sources->freq == NULL
        && config->units[0].bins + 2 <= CXM_DENSE_MOST_CODES
        && cxm_priv_rating_init(rating, config, sources->slots[0]);
}

static bool key_fits(const struct cxm_sources *sources)
{
    const struct cxm_column *c = sources->keys[0];
    const int32_t type = sources->plans[0].info.type;
    const bool is_int = type == CXM_KEY_INT && c->type >= CXM_I8 && c->type <= CXM_U32;
    const bool is_uint = type == CXM_KEY_UINT && c->type == CXM_U64;
    const bool is_bool = type == CXM_KEY_BOOL && c->type == CXM_BOOL;
    return sources->n_keys == 1 && sources->roles[0] < CXM_KEY_FPC && cxm_priv_dense_plain(c)
        && (c->validity == NULL || sources->weight == NULL)
        && (c->flags & CXM_COLUMN_SENTINEL) == 0 && c->n_missing_codes == 0
        && c->calendar == CXM_NO_CALENDAR
        && (is_int || ((is_uint || is_bool) && sources->weight == NULL));
}

/* How far the keys reach that a look at rows all over the column saw. */
struct look {
    int64_t low, high;
};

/* Parts of the keys as dense_many.c forms them: how many come in 512 rows. */
static uint32_t parts_of(const struct cxm_dense_rows *rows, int64_t row, int64_t low, int shift)
{
    uint64_t seen[CXM_DENSE_MOST_PARTS / 64] = { 0 };
    uint32_t keys[LOOK_ROWS], distinct = 0;
    rows->loops.load(cxm_priv_row_of(rows->keys, row), rows->keys->stride, LOOK_ROWS, low, keys);
    for (int i = 0; i < LOOK_ROWS; i++) {
        const uint32_t part = keys[i] >> shift;
        distinct += (seen[part / 64] >> part % 64 & 1) == 0;
        seen[part / 64] |= (uint64_t)1 << part % 64;
    }
    return distinct;
}

/* Rows in the order of their keys are counted as they come: caches hold what they touch. */
static bool keeps_to_few_parts(const struct cxm_dense_rows *rows, int64_t n, int64_t low,
                               int64_t high)
{
    uint32_t distinct = 0;
    const int shift = cxm_priv_dense_part_bits(rows->stride);
    if (((uint64_t)high - (uint64_t)low) >> shift >= CXM_DENSE_MOST_PARTS)
        return true;
    for (int i = 0; i < LOOKS; i++)
        distinct += parts_of(rows, (n - LOOK_ROWS) / (LOOKS - 1) * i, low, shift);
    return distinct < LOOKS * LOOK_ROWS / 16;
}

/* Counters for the keys that were seen, and some room around them: the array then rarely has to
 * move. That there are too many keys is found out later. */
static enum cxm_dense_result reach_look(const struct cxm_dense_rows *rows,
                                        struct cxm_dense_keys *k, const struct look *look)
{
    if (look->low > look->high || (uint64_t)look->high - (uint64_t)look->low >= k->most_keys / 2)
        return CXM_DENSE_DONE;
    /* The ends of a type may be further away than an int64_t can say. */
    const uint64_t room = ((uint64_t)look->high - (uint64_t)look->low) / 64;
    const uint64_t under = (uint64_t)look->low - (uint64_t)rows->loops.lowest;
    const uint64_t over = (uint64_t)rows->loops.highest - (uint64_t)look->high;
    return cxm_priv_dense_reach(rows, k, look->low - (int64_t)(under < room ? under : room),
                                look->high + (int64_t)(over < room ? over : room));
}

static bool is_side_by_side(const struct cxm_dense_rows *rows)
{
    const enum cxm_type type = (enum cxm_type)rows->answers->type;
    return rows->keys->stride == (int64_t)rows->loops.width
        && rows->answers->stride == (int64_t)cxm_type_bytes(type);
}

/* Rows side by side: keys and answers that did not lie so, and answers as bytes. */
struct chunk {
    uint64_t keys[APART_BYTES / sizeof(uint64_t)], raw[APART_BYTES / sizeof(uint64_t)];
    uint8_t answers[MOST_AT_A_TIME];
};

static void take_apart(const struct cxm_column *c, int64_t row, size_t n,
                       struct cxm_member *members, size_t n_members)
{
    enum { ROWS_AHEAD = 128 };
    cxm_priv_unweave_plan(members, n_members);
    cxm_priv_unweave(0)(cxm_priv_row_of(c, row), c->stride, n, members, n_members,
                        ROWS_AHEAD * c->stride, c->n - row > (int64_t)n);
}

/* Keys and answers, of which one at least does not lie side by side. Those of one struct are taken
 * from it together. */
static void take_rows_apart(const struct cxm_dense_rows *rows, int64_t row, size_t n,
                            struct chunk *chunk)
{
    const struct cxm_column *k = rows->keys, *a = rows->answers;
    const int64_t to_answer = (int64_t)((uintptr_t)cxm_priv_row_of(a, row)
                                        - (uintptr_t)cxm_priv_row_of(k, row));
    const int64_t apart = to_answer < 0 ? -to_answer : to_answer;
    struct cxm_member members[2] = {
        { .width = rows->loops.width, .to = (uint8_t *)chunk->keys },
        { .width = (uint32_t)cxm_type_bytes((enum cxm_type)a->type), .to = (uint8_t *)chunk->raw },
    };
    if (k->stride != a->stride || apart >= k->stride) {
        take_apart(k, row, n, &members[0], 1);
        take_apart(a, row, n, &members[1], 1);
        return;
    }
    if (to_answer < 0) {
        const struct cxm_member key = members[0];
        members[0] = members[1];
        members[1] = key;
    }
    members[1].offset = apart;
    take_apart(to_answer < 0 ? a : k, row, n, members, 2);
}

/* How many of them at a time: where they are read as fast as they come, as many as there is room for. (With
 * AVX2 on Zen 3, 4 096 rows of 64 bytes take a twelfth less time each than 1 024 do.) */
static int64_t rows_apart(const struct cxm_dense_rows *rows)
{
    const struct cxm_column *k = rows->keys, *a = rows->answers;
    cxm_unweave *const unweave = cxm_priv_unweave(0);
    if (!cxm_priv_unweave_streams(unweave, k->stride) || !cxm_priv_unweave_streams(unweave, a->stride))
        return FEW_AT_A_TIME;
    const int64_t answer = (int64_t)cxm_type_bytes((enum cxm_type)a->type), key = rows->loops.width;
    const int64_t room = APART_BYTES / (key > answer ? key : answer);
    return room < MOST_AT_A_TIME ? room : MOST_AT_A_TIME;
}

/* Rows as the kernel reads them: in place, or from the chunk. */
static struct cxm_key_rows rows_from(const struct cxm_dense_rows *rows,
                                     const struct cxm_dense_keys *k, int64_t row, size_t n,
                                     struct chunk *chunk)
{
    struct cxm_key_rows out = { .width = rows->loops.width, .base = (uint64_t)k->base };
    out.key_bits = cxm_priv_dense_bits(rows->keys, row, &out.key_skip);
    out.answer_bits = cxm_priv_dense_bits(rows->answers, row, &out.answer_skip);
    if (is_side_by_side(rows)) {
        out.keys = cxm_priv_row_of(rows->keys, row);
        out.answers = cxm_priv_rating_bytes(&rows->rating, row, n, chunk->answers);
    } else {
        take_rows_apart(rows, row, n, chunk);
        out.keys = (const uint8_t *)chunk->keys;
        out.answers = cxm_priv_rating_of(&rows->rating, (const uint8_t *)chunk->raw, n, chunk->answers);
    }
    return out;
}

/* The reach of the keys of a chunk of the rows from `row` on in which there are any. */
static void find_keys(const struct cxm_dense_rows *rows, int64_t row, int64_t last, int64_t *low,
                      int64_t *high)
{
    const struct cxm_column *keys = rows->keys;
    if (keys->validity == NULL) {
        const int64_t n = last - row < CXM_DENSE_CHUNK ? last - row : CXM_DENSE_CHUNK;
        rows->loops.find(cxm_priv_row_of(keys, row), keys->stride, (size_t)n, low, high);
        return;
    }
    bool any = false;
    for (int64_t n = 0; row < last && (n < CXM_DENSE_CHUNK || !any); n++, row++) {
        const int64_t bit = keys->validity_offset + row;
        int64_t least, most;
        if ((keys->validity[bit / 8] >> bit % 8 & 1) == 0)
            continue;
        rows->loops.find(cxm_priv_row_of(keys, row), keys->stride, 1, &least, &most);
        *low = any && *low < least ? *low : least;
        *high = any && *high > most ? *high : most;
        any = true;
    }
    if (!any)
        *low = *high = 0;
}

/* At one row of 64 where rows are few: moving counters for a key that was missed costs less than a
 * look at all those. Of many rows keeps_to_few_parts() looks at the same ones again. */
static struct look look(const struct cxm_dense_rows *rows, int64_t n)
{
    enum { ROWS_A_LOOK = 1024 };
    struct look look = { INT64_MAX, INT64_MIN };
    const int64_t some = n < MANY_ROWS ? n / ROWS_A_LOOK : LOOK_ROWS;
    for (int i = 0; i < LOOKS && n >= LOOKS * LOOK_ROWS; i++) {
        int64_t low, high;
        const int64_t row = (n - some) / (LOOKS - 1) * i;
        find_keys(rows, row, row + some, &low, &high);
        look.low = low < look.low ? low : look.low;
        look.high = high > look.high ? high : look.high;
    }
    return look;
}

/* Rows first … last - 1 into counters that grow where a key asks for it. */
static enum cxm_dense_result count_rows(const struct cxm_dense_rows *rows, int64_t first,
                                        int64_t last, struct cxm_dense_keys *k)
{
    struct chunk chunk;
    const int64_t step = !is_side_by_side(rows)    ? rows_apart(rows)
                       : rows->rating.read != NULL ? CXM_DENSE_CHUNK
                                                   : 1 << 20;
    for (int64_t row = first; row < last;) {
        const size_t n = last - row < step ? (size_t)(last - row) : (size_t)step;
        size_t done = 0;
        enum cxm_dense_result result = CXM_DENSE_DONE;
        if (k->c.n_keys > 0) {
            const struct cxm_key_rows some = rows_from(rows, k, row, n, &chunk);
            result = cxm_priv_dense_count(rows, k, &some, n, &done);
        }
        row += (int64_t)done;
        if (result == CXM_DENSE_DONE && done < n) {
            int64_t low, high;
            find_keys(rows, row, last, &low, &high);
            result = cxm_priv_dense_reach(rows, k, low, high);
        }
        if (result != CXM_DENSE_DONE)
            return result;
    }
    return CXM_DENSE_DONE;
}

struct shares {
    const struct cxm_dense_rows *rows;
    const struct look *look;
    int64_t n_rows;
    int n;
    struct cxm_dense_keys *keys;       /* by thread */
    enum cxm_dense_result *results;
};

static void count_share(void *context, int i)
{
    const struct shares *s = context;
    const int64_t share = s->n_rows / s->n, first = share * i;
    const int64_t last = i + 1 < s->n ? first + share : s->n_rows;
    s->results[i] = reach_look(s->rows, &s->keys[i], s->look);
    if (s->results[i] == CXM_DENSE_DONE)
        s->results[i] = count_rows(s->rows, first, last, &s->keys[i]);
}

/* As many keys as the rows are worth. */
static size_t most_keys(int64_t rows)
{
    return rows >= MOST_KEYS / 8 ? MOST_KEYS : rows >= FEW_KEYS / 8 ? 8 * (size_t)rows : FEW_KEYS;
}

/* Each thread counts its rows, and the cells are made of all their counters. */
static enum cxm_dense_result count_shares(const struct cxm_dense_rows *rows,
                                          const struct look *look, int64_t n_rows,
                                          bool count_invalid, int n_threads,
                                          struct cxm_state *state)
{
    const struct cxm_allocator *allocator = rows->config->allocator;
    struct shares s = { rows, look, n_rows, n_threads, NULL, NULL };
    s.keys = cxm_priv_alloc_zero(allocator, (size_t)n_threads, sizeof *s.keys);
    s.results = cxm_priv_alloc_zero(allocator, (size_t)n_threads, sizeof *s.results);
    enum cxm_dense_result result = s.keys != NULL && s.results != NULL ? CXM_DENSE_DONE
                                                                       : CXM_DENSE_NO_MEMORY;
    if (result == CXM_DENSE_DONE) {
        for (int i = 0; i < n_threads; i++) {
            s.keys[i].rows = (size_t)(n_rows / n_threads);
            s.keys[i].most_keys = most_keys(n_rows / n_threads);
        }
        cxm_priv_side_by_side(n_threads, count_share, &s);
        for (int i = 0; i < n_threads && result == CXM_DENSE_DONE; i++)
            result = s.results[i];
    }
    if (result == CXM_DENSE_DONE)
        result = cxm_priv_dense_cells(rows, s.keys, n_threads, count_invalid, n_threads, state);
    for (int i = 0; i < n_threads && s.keys != NULL; i++)
        cxm_priv_dense_release(rows, &s.keys[i]);
    cxm_priv_release(allocator, s.keys);
    cxm_priv_release(allocator, s.results);
    return result;
}

static enum cxm_dense_result count_many(const struct cxm_dense_rows *rows,
                                        const struct look *look, int64_t n_rows,
                                        bool count_invalid, int n_threads,
                                        struct cxm_state *state)
{
    struct cxm_dense_keys k = { .rows = (size_t)n_rows, .most_keys = most_keys(n_rows) };
    enum cxm_dense_result result = reach_look(rows, &k, look);
    if (result == CXM_DENSE_DONE)
        result = cxm_priv_dense_many(rows, n_rows, n_threads, &k);
    if (result == CXM_DENSE_DONE)
        result = cxm_priv_dense_cells(rows, &k, 1, count_invalid, n_threads, state);
    cxm_priv_dense_release(rows, &k);
    return result;
}

/* False: not rows of this kind. */
static bool prepare(const struct cxm_config *config, const struct cxm_sources *sources,
                    struct cxm_dense_rows *rows)
{
    const struct cxm_kernels kernels = cxm_priv_kernels(0);
    uint16_t codes[256];
    struct cxm_rating rating;
    if (!rating_fits(config, sources, &rating))
        return false;
    *rows = (struct cxm_dense_rows){
        .config = config,
        .answers = sources->slots[0],
        .keys = sources->keys[0],
        .rating = rating,
        .count = kernels.count_keys,
        .part = kernels.part_rows,
        .words = kernels.key_words,
        .stride = config->units[0].bins + 2,
    };
    cxm_priv_rating_codes(&rating, config, codes);
    for (int i = 0; i < 256; i++)
        rows->codes[i] = (uint8_t)codes[i];
    return true;
}

/* Keys that are far apart. */
static enum cxm_dense_result hash_keys(const struct cxm_dense_rows *rows,
                                       const struct cxm_sources *sources, int n_threads,
                                       struct cxm_state *state)
{
    const enum cxm_dense_result result =
        sources->weight != NULL ? CXM_DENSE_NO
                                : cxm_priv_dense_hashed(rows, sources, n_threads, state);
    state->rows += result == CXM_DENSE_DONE ? sources->n : 0;
    return result;
}

enum cxm_dense_result cxm_priv_dense_groups(const struct cxm_config *config,
                                            const struct cxm_sources *sources, int n_threads,
                                            struct cxm_state *state)
{
    const int64_t n = sources->n;
    struct cxm_dense_rows rows;
    if (n <= 0 || sources->n_keys == 0 || !prepare(config, sources, &rows))
        return CXM_DENSE_NO;
    if (!key_fits(sources))
        return hash_keys(&rows, sources, n_threads, state);
    rows.loops = cxm_priv_key_loops(rows.keys->type);
    rows.keys_in_place = rows.loops.width == 4 && rows.keys->stride == 4;
    rows.flip = sources->plans[0].info.type == CXM_KEY_INT ? (uint64_t)1 << 63 : 0;
    rows.leave_out = sources->leave_out_missing_keys;
    const struct look seen = look(&rows, n);
    if (sources->weight != NULL) {
        if (seen.low > seen.high || (uint64_t)seen.high - (uint64_t)seen.low < FEW_WEIGHTED)
            return CXM_DENSE_NO; /* all weights are read first: not for a few keys (keyed.h) */
        const enum cxm_dense_result weighted = cxm_priv_dense_weighted(&rows, sources, n_threads, state);
        state->rows += weighted == CXM_DENSE_DONE ? n : 0;
        return weighted;
    }
    if (seen.low <= seen.high && (uint64_t)seen.high - (uint64_t)seen.low >= most_keys(n)) {
        const enum cxm_dense_result hashed = hash_keys(&rows, sources, n_threads, state);
        if (hashed != CXM_DENSE_NO)
            return hashed;
    }
    const bool large = n >= MANY_ROWS && rows.keys->validity == NULL
                    && (uint64_t)seen.high - (uint64_t)seen.low >= LARGE_TABLE / rows.stride
                    && (uint64_t)seen.high - (uint64_t)seen.low < most_keys(n);
    const enum cxm_dense_result result =
        large && !keeps_to_few_parts(&rows, n, seen.low, seen.high)
            ? count_many(&rows, &seen, n, sources->count_invalid, n_threads, state)
            : count_shares(&rows, &seen, n, sources->count_invalid, n_threads, state);
    if (result == CXM_DENSE_DONE)
        state->rows += n;
    return result;
}

enum cxm_dense_result cxm_priv_dense_range(const struct cxm_config *config,
                                           const struct cxm_sources *sources, int64_t first,
                                           int64_t last, struct cxm_state *state)
{
    if (first >= last || sources->weight != NULL)
        return CXM_DENSE_NO;
    enum cxm_dense_result result = CXM_DENSE_NO;
    if (sources->n_keys == 0) {
        result = cxm_priv_dense_all(config, sources, first, last, state);
    } else {
        struct cxm_dense_rows rows;
        if (last - first >= FEW_ROWS && prepare(config, sources, &rows)) {
            rows.loops = cxm_priv_key_loops(CXM_U32); /* group numbers are the keys */
            result = cxm_priv_coded_range(&rows, sources, first, last, state);
        }
    }
    if (result == CXM_DENSE_DONE)
        state->rows += last - first;
    return result;
}
