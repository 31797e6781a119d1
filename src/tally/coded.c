/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The short cut of dense.c for a key of any other kind: sparse numbers, text, dictionaries,
 * instants, columns with nulls. Each row gets the number of its group from a memo (memo.h), or,
 * with a dictionary, from an array by its index; group numbers are dense, and are counted as
 * keys of their own. Indexes that lie side by side are counted where they are, whatever their
 * dictionary holds, and each is looked at once, at the end. New keys, and rows whose key is missing,
 * take the way of the general road: encoded, into the dictionary of the table. Whatever is wrong with
 * a key or an answer is left to that road, which names the row.
 *
 * Typical: 1 000 segments named by text. Memory: 32 to 80 bytes a group for each thread. */
#include "tally/dense.h"
#include "tally/memo.h"

enum { MOST_GROUPS = 1 << 26, FEW_INDEXES = 1 << 12, MOST_INDEXES = 1 << 24, WORD_KEY = 9 };

enum kind { BY_WORD, BY_TEXT, BY_INDEX };

struct coded {
    const struct cxm_sources *sources;
    const struct cxm_allocator *allocator;
    const struct cxm_column *key;
    enum kind kind;
    bool counted;                    /* are indexes counted as they are? */
    struct cxm_table *groups;
    struct cxm_reader reader, one;   /* blocks of the key; single rows of a dictionary */
    struct cxm_memo memo;
    uint32_t *by_index;              /* group + 1 */
    uint32_t missing;                /* group + 1 of rows without a key */
    uint8_t *bytes;                  /* an encoded text */
    size_t capacity;
    struct cxm_dense_rows rows;
    struct cxm_dense_keys counters;  /* by group */
    uint64_t words[CXM_BLOCK];
    int64_t indexes[CXM_BLOCK];
    uint64_t hashes[CXM_BLOCK];
    struct cxm_text texts[CXM_BLOCK];
    uint8_t states[CXM_BLOCK], answers[CXM_BLOCK];
    uint32_t numbers[CXM_BLOCK];
};

/* ---- new keys ------------------------------------------------------------------------- */

static uint32_t add_word(struct coded *c, uint64_t word)
{
    uint8_t bytes[WORD_KEY] = { CXM_TAG_PRESENT };
    cxm_priv_put_u64(bytes + 1, __builtin_bswap64(word));
    return cxm_priv_table_add(c->groups, bytes, sizeof bytes);
}

static uint32_t add_text(struct coded *c, struct cxm_text text)
{
    const size_t most = 2 * text.n + 3;
    if (most > c->capacity) {
        uint8_t *larger = cxm_priv_grow(c->allocator, c->bytes, 0, most + most / 2, 1);
        if (larger == NULL)
            return UINT32_MAX;
        c->bytes = larger;
        c->capacity = most + most / 2;
    }
    return cxm_priv_table_add(c->groups, c->bytes, cxm_priv_put_text_key(c->bytes, text));
}

static uint32_t missing_group(struct coded *c)
{
    static const uint8_t bytes[1] = { CXM_TAG_MISSING };
    if (c->missing == 0)
        c->missing = cxm_priv_table_add(c->groups, bytes, 1) + 1; /* 0 when memory is out */
    return c->missing - 1;
}

/* A row whose group is not known yet. A text with a NUL is not remembered, as its key holds more
 * than its bytes. */
static enum cxm_dense_result meet(struct coded *c, size_t i, int64_t row)
{
    struct cxm_text *text = &c->texts[i];
    if (c->kind == BY_INDEX && c->states[i] == CXM_ROW_USED)
        cxm_priv_read_key_text(&c->one, row, 1, text, &c->states[i]);
    if (c->states[i] == CXM_ROW_INVALID)
        return CXM_DENSE_NO;
    const bool missing = c->states[i] == CXM_ROW_MISSING;
    if (!missing && c->kind != BY_INDEX && !cxm_priv_memo_reserve(&c->memo, c->allocator))
        return CXM_DENSE_NO_MEMORY;
    const uint32_t group = missing              ? missing_group(c)
                         : c->kind == BY_WORD ? add_word(c, c->words[i])
                                              : add_text(c, *text);
    if (group == UINT32_MAX)
        return CXM_DENSE_NO_MEMORY;
    c->numbers[i] = group;
    if (!missing && (c->kind == BY_WORD
                     || (c->kind == BY_TEXT && memchr(text->bytes, '\0', text->n) == NULL)))
        cxm_priv_memo_add(&c->memo, c->hashes[i], group);
    return CXM_DENSE_DONE;
}

/* ---- blocks --------------------------------------------------------------------------- */

static bool same_text(const struct coded *c, uint32_t group, struct cxm_text text)
{
    size_t n;
    const uint8_t *key = cxm_priv_dict_key(&c->groups->dict, group, &n);
    return n == text.n + 3 && memcmp(key + 1, text.bytes, text.n) == 0;
}

/* Hashes of a block; their places are on the way into the cache when they are looked at. */
static void hash_block(struct coded *c, size_t n)
{
    for (size_t i = 0; c->kind == BY_WORD && i < n; i++)
        c->hashes[i] = cxm_priv_spread_word(c->words[i]);
    for (size_t i = 0; c->kind == BY_TEXT && i < n; i++)
        c->hashes[i] = c->states[i] == CXM_ROW_USED
                         ? cxm_priv_mix_text(c->texts[i].bytes, c->texts[i].n)
                         : 0;
    for (size_t i = 0; c->memo.n >= FEW_INDEXES && i < n; i++)
        __builtin_prefetch(&c->memo.entries[cxm_priv_memo_place(&c->memo, c->hashes[i])], 0, 1);
}

static bool remembers(struct coded *c, size_t i)
{
    const uint64_t hash = c->hashes[i];
    size_t place = cxm_priv_memo_place(&c->memo, hash);
    for (;; place = cxm_priv_memo_next(&c->memo, place)) {
        const struct cxm_memo_entry *entry = &c->memo.entries[place];
        if (entry->group == 0)
            return false;
        if (entry->hash == hash
            && (c->kind == BY_WORD || same_text(c, entry->group - 1, c->texts[i]))) {
            c->numbers[i] = entry->group - 1;
            return true;
        }
    }
}

static enum cxm_dense_result number_hashes(struct coded *c, int64_t first, size_t n)
{
    hash_block(c, n);
    for (size_t i = 0; i < n; i++) {
        if (CXM_LIKELY(c->states[i] == CXM_ROW_USED && remembers(c, i)))
            continue;
        const enum cxm_dense_result result = meet(c, i, first + (int64_t)i);
        if (result != CXM_DENSE_DONE)
            return result;
    }
    return CXM_DENSE_DONE;
}

static enum cxm_dense_result number_indexes(struct coded *c, int64_t first, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const bool used = c->states[i] == CXM_ROW_USED;
        if (CXM_LIKELY(used && c->by_index[c->indexes[i]] != 0)) {
            c->numbers[i] = c->by_index[c->indexes[i]] - 1;
            continue;
        }
        const enum cxm_dense_result result = meet(c, i, first + (int64_t)i);
        if (result != CXM_DENSE_DONE)
            return result;
        if (used) /* the state may have become missing: so it is wherever this index stands */
            c->by_index[c->indexes[i]] = c->numbers[i] + 1;
    }
    return CXM_DENSE_DONE;
}

static enum cxm_dense_result number_block(struct coded *c, int64_t first, size_t n)
{
    if (c->kind == BY_INDEX) {
        cxm_priv_read_key_indexes(c->key, first, n, c->indexes, c->states);
        return number_indexes(c, first, n);
    }
    if (c->kind == BY_WORD)
        cxm_priv_read_key_words(&c->reader, &c->sources->plans[0], first, n, c->words, c->states);
    else
        cxm_priv_read_key_text(&c->reader, first, n, c->texts, c->states);
    return number_hashes(c, first, n);
}

static enum cxm_dense_result count_blocks(struct coded *c, int64_t first, int64_t last)
{
    for (int64_t row = first; row < last; row += CXM_BLOCK) {
        const size_t n = last - row < CXM_BLOCK ? (size_t)(last - row) : CXM_BLOCK;
        enum cxm_dense_result result = number_block(c, row, n);
        if (result == CXM_DENSE_DONE)
            result = cxm_priv_dense_reach(&c->rows, &c->counters, 0,
                                          (int64_t)c->groups->dict.n - 1);
        if (result != CXM_DENSE_DONE)
            return result;
        struct cxm_key_rows some = { .keys = (const uint8_t *)c->numbers, .width = 4 };
        size_t done;
        some.answer_bits = cxm_priv_dense_bits(c->rows.answers, row, &some.answer_skip);
        some.answers = cxm_priv_rating_bytes(&c->rows.rating, row, n, c->answers);
        result = cxm_priv_dense_count(&c->rows, &c->counters, &some, n, &done);
        if (result != CXM_DENSE_DONE)
            return result;
    }
    return CXM_DENSE_DONE;
}

/* ---- columns of indexes --------------------------------------------------------------- */

static bool has_indexes(const struct cxm_column *key, int64_t rows)
{
    return key->dictionary != NULL && key->n_chunks == 0 && key->dictionary->n <= MOST_INDEXES
        && (key->dictionary->n <= FEW_INDEXES || key->dictionary->n / 8 <= rows);
}

/* -1 for "no value", as pandas has it, lies beside the indexes. */
static bool sentinel_fits(const struct cxm_column *key)
{
    return (key->flags & CXM_COLUMN_SENTINEL) == 0
        || (key->sentinel == -1 && key->type <= CXM_I64);
}

/* Are the indexes of a dictionary keys that the kernel can read, and few enough? Instants say when
 * they are floored, which only values of rows may do. */
static bool counts_indexes(const struct cxm_column *key, int32_t type, int64_t rows)
{
    return has_indexes(key, rows) && type != CXM_KEY_DATE && type != CXM_KEY_TIME
        && key->mask == NULL && key->type >= CXM_I8 && key->type <= CXM_U32
        && sentinel_fits(key) && key->n_missing_codes == 0
        && key->stride == (int64_t)cxm_priv_key_loops(key->type).width && key->dictionary->n > 0
        && (key->dictionary->n <= FEW_INDEXES || key->dictionary->n <= rows / 4);
}

/* One cell for all indexes of the same value, as the general road reads it: that of key i of the block, or
 * that of rows without one. Counters of number `at`. */
static enum cxm_dense_result add_index(struct coded *c, size_t i, size_t at)
{
    int64_t sums[CXM_DENSE_MOST_CODES], any = 0;
    memset(sums, 0, c->rows.stride * sizeof *sums);
    cxm_priv_dense_sums(&c->counters, at, 1, sums);
    for (uint32_t code = 0; code < c->rows.stride; code++)
        any |= sums[code];
    if (any == 0)
        return CXM_DENSE_DONE;
    if (c->states[i] == CXM_ROW_INVALID
        || (sums[c->rows.stride - 1] != 0 && !c->sources->count_invalid))
        return CXM_DENSE_NO;
    const uint32_t group = c->states[i] == CXM_ROW_MISSING ? missing_group(c)
                         : c->sources->plans[0].words      ? add_word(c, c->words[i])
                                                           : add_text(c, c->texts[i]);
    if (group == UINT32_MAX)
        return CXM_DENSE_NO_MEMORY;
    int64_t *cell = cxm_priv_table_cell(c->groups, group);
    for (uint32_t code = 0; code < c->rows.stride; code++)
        cell[code] += sums[code];
    return CXM_DENSE_DONE;
}

/* Keys first … first + n - 1 of the column of all indexes. */
static void read_keys(struct coded *c, struct cxm_reader *reader, int64_t first, size_t n)
{
    const struct cxm_key_plan *plan = &c->sources->plans[0];
    if (plan->words)
        cxm_priv_read_key_words(reader, plan, first, n, c->words, c->states);
    else
        cxm_priv_read_key_text(reader, first, n, c->texts, c->states);
}

/* Cells of all indexes that came. A column of all indexes with the labels of the key says what their
 * values are. The last of the counters are those of null rows, the first those of -1 where that means
 * "no value". */
static enum cxm_dense_result fill_from_indexes(struct coded *c)
{
    const size_t none = c->counters.base == -1, n = c->counters.c.n_keys - none;
    struct cxm_column all = *c->key;
    struct cxm_reader reader;
    for (size_t i = 0; i < n; i++)
        c->by_index[i] = (uint32_t)i;
    all.data = c->by_index;
    all.type = CXM_U32;
    all.stride = sizeof *c->by_index;
    all.n = (int64_t)n;
    all.offset = 0;
    all.validity = NULL;
    all.flags &= ~(uint32_t)CXM_COLUMN_SENTINEL;
    cxm_priv_reader_init(&reader, &all);
    enum cxm_dense_result result = CXM_DENSE_DONE;
    for (size_t first = 0; first < n; first += CXM_BLOCK) {
        const size_t count = n - first < CXM_BLOCK ? n - first : CXM_BLOCK;
        read_keys(c, &reader, (int64_t)first, count);
        for (size_t i = 0; i < count && result == CXM_DENSE_DONE; i++)
            result = add_index(c, i, none + first + i);
    }
    c->states[0] = CXM_ROW_MISSING;
    if (result == CXM_DENSE_DONE && none != 0)
        result = add_index(c, 0, 0);
    return result == CXM_DENSE_DONE ? add_index(c, 0, none + n) : result;
}

/* Indexes are dense keys as they are: their values are looked at once, when all rows are counted. An
 * index outside of the dictionary stops the kernel, and the general road names its row. */
static enum cxm_dense_result count_indexes(struct coded *c, int64_t first, int64_t last)
{
    const struct cxm_key_loops loops = cxm_priv_key_loops(c->key->type);
    const int64_t n_indexes = c->key->dictionary->n <= loops.highest ? c->key->dictionary->n
                                                                     : loops.highest + 1;
    const int64_t step = cxm_priv_rating_in_place(&c->rows.rating) ? 1 << 20 : CXM_BLOCK;
    const int64_t lowest = (c->key->flags & CXM_COLUMN_SENTINEL) != 0 ? -1 : 0;
    enum cxm_dense_result result =
        cxm_priv_dense_reach(&c->rows, &c->counters, lowest, n_indexes - 1);
    for (int64_t row = first; row < last && result == CXM_DENSE_DONE; row += step) {
        const size_t n = last - row < step ? (size_t)(last - row) : (size_t)step;
        struct cxm_key_rows some = { .keys = cxm_priv_row_of(c->key, row), .width = loops.width,
                                     .base = (uint64_t)lowest };
        size_t done;
        some.key_bits = cxm_priv_dense_bits(c->key, row, &some.key_skip);
        some.answer_bits = cxm_priv_dense_bits(c->rows.answers, row, &some.answer_skip);
        some.answers = cxm_priv_rating_bytes(&c->rows.rating, row, n, c->answers);
        result = cxm_priv_dense_count(&c->rows, &c->counters, &some, n, &done);
        if (result == CXM_DENSE_DONE && done < n)
            return CXM_DENSE_NO;
    }
    return result == CXM_DENSE_DONE ? fill_from_indexes(c) : result;
}

/* ---- the range ------------------------------------------------------------------------ */

static enum cxm_dense_result fill_cells(struct coded *c)
{
    const uint32_t stride = c->rows.stride, n = c->groups->dict.n;
    int64_t invalid = 0;
    for (uint32_t group = 0; group < n; group++) {
        int64_t *cell = cxm_priv_table_cell(c->groups, group); /* all 0 as yet */
        cxm_priv_dense_sums(&c->counters, group, 1, cell);
        invalid += cell[stride - 1];
    }
    return invalid == 0 || c->sources->count_invalid ? CXM_DENSE_DONE : CXM_DENSE_NO;
}

static bool init(struct coded *c, int64_t rows)
{
    const struct cxm_key_plan *plan = &c->sources->plans[0];
    cxm_priv_reader_init(&c->reader, c->key);
    cxm_priv_reader_init(&c->one, c->key);
    c->counted = counts_indexes(c->key, plan->info.type, rows);
    c->kind = c->counted || (!plan->words && has_indexes(c->key, rows)) ? BY_INDEX
            : plan->words                                               ? BY_WORD
                                                                        : BY_TEXT;
    if (c->kind == BY_INDEX)
        c->by_index = cxm_priv_alloc_zero(c->allocator, (size_t)c->key->dictionary->n,
                                          sizeof *c->by_index);
    return cxm_priv_memo_init(&c->memo, c->allocator)
        && (c->kind != BY_INDEX || c->by_index != NULL);
}

static void release(struct coded *c)
{
    cxm_priv_dense_release(&c->rows, &c->counters);
    cxm_priv_release(c->allocator, c->memo.entries);
    cxm_priv_release(c->allocator, c->by_index);
    cxm_priv_release(c->allocator, c->bytes);
    cxm_priv_release(c->allocator, c);
}

enum cxm_dense_result cxm_priv_coded_range(const struct cxm_dense_rows *rows,
                                           const struct cxm_sources *sources, int64_t first,
                                           int64_t last, struct cxm_state *state)
{
    if (sources->n_keys != 1 || sources->n_by != 1 || sources->leave_out_missing_keys)
        return CXM_DENSE_NO;
    const struct cxm_allocator *allocator = rows->config->allocator;
    struct coded *c = cxm_priv_alloc(allocator, 1, sizeof *c);
    if (c == NULL)
        return CXM_DENSE_NO_MEMORY;
    memset(c, 0, offsetof(struct coded, words));
    c->sources = sources;
    c->allocator = allocator;
    c->key = sources->keys[0];
    c->groups = &state->groups;
    c->rows = *rows;
    c->counters.rows = (size_t)(last - first);
    c->counters.most_keys = MOST_GROUPS;
    enum cxm_dense_result result = init(c, last - first) ? CXM_DENSE_DONE : CXM_DENSE_NO_MEMORY;
    if (result == CXM_DENSE_DONE && c->counted) {
        result = count_indexes(c, first, last);
    } else {
        if (result == CXM_DENSE_DONE)
            result = count_blocks(c, first, last);
        if (result == CXM_DENSE_DONE)
            result = fill_cells(c);
    }
    release(c);
    return result;
}
