/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The groups of a tally by their keys: how many there are and in which order, what a key says. Keys are
 * kept as bytes whose order is that of the groups (tally.h); groups are put in order when
 * somebody asks, and stay so until the tally changes. */
#include "tally/tally.h"

#include <math.h>

static const uint8_t *by_prefix(const struct cxm_tally *tally, uint32_t cell, size_t *n)
{
    const uint8_t *key = cxm_priv_dict_key(&tally->state.groups.dict, cell, n);
    *n = cxm_priv_keys_bytes(&tally->schema, tally->schema.n_keys, key, *n);
    return key;
}

/* Without any memory to sort in: each cell whose keys of "by" no earlier one has. */
static int64_t count_groups_slowly(const struct cxm_tally *tally)
{
    int64_t n_groups = 0;
    for (uint32_t i = 0; i < tally->state.groups.dict.n; i++) {
        size_t n, m;
        const uint8_t *key = by_prefix(tally, i, &n);
        bool seen = false;
        for (uint32_t j = 0; j < i && !seen; j++) {
            const uint8_t *other = by_prefix(tally, j, &m);
            seen = m == n && memcmp(key, other, n) == 0;
        }
        n_groups += !seen;
    }
    return n_groups;
}

int64_t cxm_tally_groups(const struct cxm_tally *tally)
{
    if (tally == NULL)
        return 0;
    if (tally->schema.n_keys == 0)
        return 1;
    if (tally->schema.n_design == 0)
        return (int64_t)tally->state.groups.dict.n;
    /* Groups of cells are known once these are in order, which is kept like all that follows from
     * the state: a tally belongs to one thread at a time. */
    if (cxm_priv_tally_sort((struct cxm_tally *)(uintptr_t)tally, NULL) != CXM_OK)
        return count_groups_slowly(tally);
    return tally->n_groups;
}

size_t cxm_tally_n_keys(const struct cxm_tally *tally)
{
    return tally != NULL ? tally->schema.n_keys : 0;
}

enum cxm_status cxm_tally_key_info(const struct cxm_tally *tally, size_t key,
                                   struct cxm_key_info *out)
{
    if (tally == NULL || out == NULL || key >= tally->schema.n_keys)
        return CXM_EINVAL;
    *out = tally->schema.keys[key];
    return CXM_OK;
}

size_t cxm_priv_keys_bytes(const struct cxm_schema *schema, uint32_t n, const uint8_t *bytes,
                           size_t n_bytes)
{
    size_t at = 0;
    struct cxm_key unused;
    for (uint32_t k = 0; k < n; k++)
        at += cxm_priv_parse_key(schema->keys[k].type, bytes + at, n_bytes - at, &unused, NULL);
    return at;
}

/* Where the keys of "by" change along the order of the cells. */
static uint32_t find_firsts(const struct cxm_tally *tally, const uint32_t *order,
                            uint32_t *firsts)
{
    const struct cxm_dict *dict = &tally->state.groups.dict;
    const uint8_t *last = NULL;
    size_t n_last = 0;
    uint32_t n_groups = 0;
    for (uint32_t i = 0; i < dict->n; i++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(dict, order[i], &n);
        n = cxm_priv_keys_bytes(&tally->schema, tally->schema.n_keys, key, n);
        if (last == NULL || n != n_last || memcmp(key, last, n) != 0)
            firsts[n_groups++] = i;
        last = key;
        n_last = n;
    }
    firsts[n_groups] = dict->n;
    return n_groups;
}

enum cxm_status cxm_priv_tally_sort(struct cxm_tally *tally, struct cxm_error *error)
{
    if (tally->order != NULL)
        return CXM_OK;
    const struct cxm_dict *dict = &tally->state.groups.dict;
    const bool design = tally->schema.n_design > 0;
    uint32_t *order = cxm_priv_alloc(&tally->allocator, dict->n, sizeof *order);
    uint32_t *firsts = design ? cxm_priv_alloc(&tally->allocator, (size_t)dict->n + 1,
                                               sizeof *firsts)
                              : NULL;
    if (order == NULL || (design && firsts == NULL) || !cxm_priv_dict_sort(dict, order)) {
        cxm_priv_release(&tally->allocator, order);
        cxm_priv_release(&tally->allocator, firsts);
        return cxm_priv_no_memory(error);
    }
    tally->order = order;
    tally->firsts = firsts;
    tally->n_groups = design ? find_firsts(tally, order, firsts) : dict->n;
    return CXM_OK;
}

void cxm_priv_group_cells(const struct cxm_tally *tally, int64_t group, size_t *first,
                          size_t *end)
{
    const bool all = group == CXM_TOTAL || tally->schema.n_keys == 0;
    *first = all ? 0 : tally->firsts != NULL ? tally->firsts[group] : (size_t)group;
    *end = all                     ? tally->state.groups.dict.n
         : tally->firsts != NULL ? tally->firsts[group + 1]
                                 : (size_t)group + 1;
}

static size_t text_end(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        if (bytes[i] != 0)
            continue;
        if (bytes[i + 1] == 0)
            return i + 2;
        if (bytes[i + 1] != 0xFF)
            return 0;
        i++;
    }
    return 0;
}

static bool is_word_type(int32_t type)
{
    return type != CXM_KEY_TEXT && type != CXM_KEY_BYTES;
}

size_t cxm_priv_parse_key(int32_t type, const uint8_t *bytes, size_t n, struct cxm_key *out,
                          char *text)
{
    memset(out, 0, sizeof *out);
    out->type = type;
    if (n > 0 && bytes[0] == CXM_TAG_MISSING) {
        out->missing = 1;
        return 1;
    }
    if (n == 0 || bytes[0] != CXM_TAG_PRESENT)
        return 0;
    if (is_word_type(type)) {
        if (n < 9)
            return 0;
        cxm_priv_key_from_word(type, __builtin_bswap64(cxm_priv_get_u64(bytes + 1)), out);
        return 9;
    }
    const size_t end = text_end(bytes + 1, n - 1);
    if (end == 0)
        return 0;
    /* Without escapes the text stands in the key as it is; with them it needs a copy. */
    size_t length = 0;
    for (size_t i = 0; i < end - 2; i++, length++) {
        if (text != NULL)
            text[length] = (char)bytes[1 + i];
        if (bytes[1 + i] == 0)
            i++;
    }
    out->text = text != NULL ? text : (const char *)bytes + 1;
    out->text_bytes = text != NULL ? length : end - 2;
    return 1 + end;
}

double cxm_priv_key_number(const struct cxm_key *key)
{
    switch (key->type) {
    case CXM_KEY_REAL:
        return key->real;
    case CXM_KEY_UINT:
        return (double)(uint64_t)key->integer;
    case CXM_KEY_INT:
    case CXM_KEY_BOOL:
        return (double)key->integer;
    default:
        return NAN;
    }
}

void cxm_priv_decode_key(const struct cxm_schema *schema, const uint8_t *bytes, size_t n,
                         size_t key, struct cxm_key *out)
{
    for (size_t k = 0, at = 0; k <= key; k++)
        at += cxm_priv_parse_key(schema->keys[k].type, bytes + at, n - at, out, NULL);
    if (out->type == CXM_KEY_CATEGORY && !out->missing
        && out->integer < (int64_t)schema->n_categories[key]) {
        out->text = schema->categories[key][out->integer];
        out->text_bytes = strlen(out->text);
    }
}

void cxm_priv_group_key(const struct cxm_tally *tally, int64_t group, size_t key,
                        struct cxm_key *out)
{
    size_t n, first, end;
    cxm_priv_group_cells(tally, group, &first, &end);
    const uint8_t *bytes = cxm_priv_dict_key(&tally->state.groups.dict, tally->order[first], &n);
    cxm_priv_decode_key(&tally->schema, bytes, n, key, out);
}

enum cxm_status cxm_tally_key(struct cxm_tally *tally, int64_t group, size_t key,
                              struct cxm_key *out)
{
    if (tally == NULL || out == NULL || key >= tally->schema.n_keys || group < 0)
        return CXM_EINVAL;
    const enum cxm_status status = cxm_priv_tally_sort(tally, NULL);
    if (status != CXM_OK)
        return status;
    if (group >= cxm_tally_groups(tally))
        return CXM_EINVAL;
    struct cxm_key got;
    size_t n, first, end;
    cxm_priv_group_cells(tally, group, &first, &end);
    const uint8_t *bytes = cxm_priv_dict_key(&tally->state.groups.dict, tally->order[first], &n);
    cxm_priv_decode_key(&tally->schema, bytes, n, key, &got);
    if (!is_word_type(got.type) && !got.missing && memchr(got.text, 0, got.text_bytes) != NULL) {
        /* A NUL inside is escaped in the key: the text is put together outside of it. */
        char *text = cxm_priv_alloc(&tally->allocator, n, 1);
        if (text == NULL)
            return CXM_ENOMEM;
        const uint8_t *start = (const uint8_t *)got.text - 1;
        cxm_priv_parse_key(got.type, start, n - (size_t)(start - bytes), &got, text);
        cxm_priv_release(&tally->allocator, tally->key_text[key]);
        tally->key_text[key] = text;
    }
    *out = got;
    return CXM_OK;
}

