/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys of any kind, one column or several together, as numbers 0, 1, 2 … Typical: agents,
 * categories, months, some thousands; extreme: tens of millions of texts. Words are looked up in
 * a small table of those seen last before the dictionary is asked. */
#include "column/dict.h"
#include "derive/sort.h"

enum { BLOCK = 1024, RECENT = 4096, WORD_BYTES = 9, TAG_PRESENT = 1, TAG_MISSING = 2 };

struct coder {
    const struct cxm_allocator *allocator;
    const struct cxm_column *const *columns;
    size_t n_columns;
    const char *role;
    bool count_invalid;
    struct cxm_key_plan *plans;
    struct cxm_reader *readers;
    struct cxm_dict dict;
    uint64_t (*words)[BLOCK];
    struct cxm_text (*texts)[BLOCK];
    uint8_t (*states)[BLOCK];
    uint64_t *recent;        /* words by slot */
    uint32_t *recent_code;   /* code + 1, 0 = none */
    uint8_t *key;
    size_t key_capacity;
};

static void coder_release(struct coder *c)
{
    cxm_priv_dict_release(&c->dict);
    cxm_priv_release(c->allocator, c->plans);
    cxm_priv_release(c->allocator, c->readers);
    cxm_priv_release(c->allocator, c->words);
    cxm_priv_release(c->allocator, c->texts);
    cxm_priv_release(c->allocator, c->states);
    cxm_priv_release(c->allocator, c->recent);
    cxm_priv_release(c->allocator, c->recent_code);
    cxm_priv_release(c->allocator, c->key);
}

static enum cxm_status coder_init(struct coder *c, struct cxm_error *error)
{
    const size_t n = c->n_columns;
    cxm_priv_dict_init(&c->dict, c->allocator);
    c->plans = cxm_priv_alloc(c->allocator, n, sizeof *c->plans);
    c->readers = cxm_priv_alloc(c->allocator, n, sizeof *c->readers);
    c->words = cxm_priv_alloc(c->allocator, n, sizeof *c->words);
    c->texts = cxm_priv_alloc(c->allocator, n, sizeof *c->texts);
    c->states = cxm_priv_alloc(c->allocator, n, sizeof *c->states);
    c->recent = cxm_priv_alloc_zero(c->allocator, RECENT, sizeof *c->recent);
    c->recent_code = cxm_priv_alloc_zero(c->allocator, RECENT, sizeof *c->recent_code);
    if (c->plans == NULL || c->readers == NULL || c->words == NULL || c->texts == NULL
        || c->states == NULL || c->recent == NULL || c->recent_code == NULL)
        return cxm_priv_no_memory(error);
    for (size_t k = 0; k < n; k++) {
        const enum cxm_status status = cxm_priv_key_plan(c->columns[k], &c->plans[k], error);
        if (status != CXM_OK)
            return status;
        cxm_priv_reader_init(&c->readers[k], c->columns[k]);
    }
    return CXM_OK;
}

/* Room for so many bytes after those that are used. */
static bool reserve(struct coder *c, size_t used, size_t n)
{
    if (c->key_capacity - used >= n)
        return true;
    const size_t capacity = 2 * c->key_capacity + n + 64;
    uint8_t *grown = cxm_priv_grow(c->allocator, c->key, used, capacity, 1);
    if (grown == NULL)
        return false;
    c->key = grown;
    c->key_capacity = capacity;
    return true;
}

/* Appends key k of a row so that the order of bytes is that of the keys, missing ones last:
 * texts close with 00 00, and a 00 inside is 00 FF. */
static bool encode(struct coder *c, size_t k, size_t row, size_t *used)
{
    const struct cxm_text *text = &c->texts[k][row];
    const bool there = c->states[k][row] == CXM_ROW_USED, words = c->plans[k].words;
    const size_t most = !there ? 1 : words ? WORD_BYTES : 2 * text->n + 3;
    if (!reserve(c, *used, most))
        return false;
    uint8_t *to = c->key + *used;
    *to++ = there ? TAG_PRESENT : TAG_MISSING;
    if (there && words) {
        for (int shift = 56; shift >= 0; shift -= 8)
            *to++ = (uint8_t)(c->words[k][row] >> shift);
    } else if (there) {
        for (size_t i = 0; i < text->n; i++) {
            *to++ = (uint8_t)text->bytes[i];
            if (text->bytes[i] == '\0')
                *to++ = 0xFF;
        }
        *to++ = 0;
        *to++ = 0;
    }
    *used = (size_t)(to - c->key);
    return true;
}

/* CXM_CODE_MISSING: out of memory. */
static uint32_t code_of_row(struct coder *c, size_t row)
{
    size_t used = 0;
    for (size_t k = 0; k < c->n_columns; k++) {
        if (!encode(c, k, row, &used))
            return CXM_CODE_MISSING;
    }
    return cxm_priv_dict_add(&c->dict, c->key, used);
}

static void read_block(struct coder *c, int64_t first, size_t n)
{
    for (size_t k = 0; k < c->n_columns; k++) {
        if (c->plans[k].words)
            cxm_priv_read_key_words(&c->readers[k], &c->plans[k], first, n, c->words[k],
                                    c->states[k]);
        else
            cxm_priv_read_key_text(&c->readers[k], first, n, c->texts[k], c->states[k]);
    }
}

static enum cxm_status refuse_invalid(const struct coder *c, int64_t first, size_t n,
                                      struct cxm_error *error)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < c->n_columns; k++) {
            if (c->states[k][i] != CXM_ROW_INVALID)
                continue;
            const char *name = c->columns[k]->name != NULL ? c->columns[k]->name : c->role;
            char text[64];
            const int64_t row = first + (int64_t)i;
            cxm_priv_value_text(c->columns[k], row, text, sizeof text);
            return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                                    "%s: row %lld is %s, which is outside the range of this key.",
                                    name, (long long)row, text);
        }
    }
    return CXM_OK;
}

static enum cxm_status code_block(struct coder *c, size_t n, uint32_t *codes,
                                  struct cxm_error *error)
{
    const bool words = c->n_columns == 1 && c->plans[0].words;
    for (size_t i = 0; i < n; i++) {
        if (c->n_columns == 1 && c->states[0][i] != CXM_ROW_USED) {
            codes[i] = CXM_CODE_MISSING;
            continue;
        }
        const uint64_t word = words ? c->words[0][i] : 0;
        const size_t slot = (size_t)((word ^ word >> 32) * 0x9E3779B97F4A7C15u >> 52);
        if (words && c->recent_code[slot] != 0 && c->recent[slot] == word) {
            codes[i] = c->recent_code[slot] - 1;
            continue;
        }
        codes[i] = code_of_row(c, i);
        if (codes[i] == CXM_CODE_MISSING)
            return cxm_priv_no_memory(error);
        c->recent[slot] = word;
        c->recent_code[slot] = codes[i] + 1;
    }
    return CXM_OK;
}

static enum cxm_status rank_codes(struct coder *c, struct cxm_codes *out,
                                  struct cxm_error *error)
{
    uint32_t *order = cxm_priv_alloc(c->allocator, c->dict.n, sizeof *order);
    out->ranks = cxm_priv_alloc(c->allocator, c->dict.n, sizeof *out->ranks);
    enum cxm_status status = CXM_OK;
    if (order == NULL || out->ranks == NULL || !cxm_priv_dict_sort(&c->dict, order))
        status = cxm_priv_no_memory(error);
    for (uint32_t i = 0; status == CXM_OK && i < c->dict.n; i++)
        out->ranks[order[i]] = i;
    cxm_priv_release(c->allocator, order);
    out->n = c->dict.n;
    return status;
}

enum cxm_status cxm_priv_code_keys(const struct cxm_column *const *columns, size_t n_columns,
                                   const char *role, bool count_invalid,
                                   const struct cxm_allocator *allocator, struct cxm_codes *out,
                                   struct cxm_error *error)
{
    struct coder c = { .allocator = cxm_priv_allocator(allocator), .columns = columns,
                       .n_columns = n_columns, .role = role, .count_invalid = count_invalid };
    const int64_t n_rows = columns[0]->n;
    memset(out, 0, sizeof *out);
    out->allocator = c.allocator;
    enum cxm_status status = coder_init(&c, error);
    if (status == CXM_OK)
        out->codes = cxm_priv_alloc(c.allocator, (size_t)n_rows, sizeof *out->codes);
    if (status == CXM_OK && out->codes == NULL)
        status = cxm_priv_no_memory(error);
    for (int64_t first = 0; first < n_rows && status == CXM_OK; first += BLOCK) {
        const size_t n = n_rows - first < BLOCK ? (size_t)(n_rows - first) : BLOCK;
        read_block(&c, first, n);
        if (!count_invalid)
            status = refuse_invalid(&c, first, n, error);
        if (status == CXM_OK)
            status = code_block(&c, n, out->codes + first, error);
    }
    if (status == CXM_OK)
        status = rank_codes(&c, out, error);
    coder_release(&c);
    if (status != CXM_OK)
        cxm_priv_codes_release(out);
    return status;
}

void cxm_priv_codes_release(struct cxm_codes *codes)
{
    if (codes->allocator == NULL)
        return;
    cxm_priv_release(codes->allocator, codes->codes);
    cxm_priv_release(codes->allocator, codes->ranks);
    memset(codes, 0, sizeof *codes);
}
