/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Loading the tables of a tally, up to millions of cells: one pass finds how far the digits of every
 * sum reach, so that memory is allocated once; the next fills it. Keys, counters, digits and what
 * they say together are checked before anything is believed. */
#include "tally/cursor.h"

#include <math.h>

/* Could a column have held that value? */
static bool value_is_sound(int32_t type, uint32_t categories, const struct cxm_key *key)
{
    switch (type) {
    case CXM_KEY_CATEGORY:
        return key->integer >= 0 && key->integer < (int64_t)categories;
    case CXM_KEY_BOOL:
        return key->integer == 0 || key->integer == 1;
    case CXM_KEY_REAL:
        return !isnan(key->real) && !(key->real == 0 && signbit(key->real));
    default:
        return true;
    }
}

/* Rows of a design have all its keys, and populations of 1 or more. */
static bool design_is_sound(uint8_t role, const struct cxm_key *key)
{
    if (key->missing)
        return false;
    if (role != CXM_KEY_FPC && role != CXM_KEY_FPC_2)
        return true;
    const double population = cxm_priv_key_number(key);
    return population >= 1 && isfinite(population);
}

enum { WORD_KEY = 9 }; /* bytes of a key that is a word */

/* Words of which every one is a value that a column can hold. */
static bool any_word_is_sound(int32_t type)
{
    return type == CXM_KEY_INT || type == CXM_KEY_UINT || type == CXM_KEY_DATE
        || type == CXM_KEY_TIME;
}

/* The number of bytes of a well-formed key: all keys of a group, then a value's if `values`. */
static bool key_is_sound(const struct cxm_schema *schema, struct cxm_bytes key, bool values,
                         size_t *n_group)
{
    size_t at = 0;
    struct cxm_key out;
    const uint32_t n_keys = cxm_priv_all_keys(schema);
    for (uint32_t k = 0; k < n_keys + (values ? 1u : 0u); k++) {
        const bool value = k == n_keys;
        const int32_t type = value ? schema->values_type : schema->keys[k].type;
        const uint32_t categories = value ? schema->n_value_categories : schema->n_categories[k];
        if (value)
            *n_group = at;
        if ((value || k < schema->n_keys) && any_word_is_sound(type) && key.n - at >= WORD_KEY
            && key.at[at] == CXM_TAG_PRESENT) {
            at += WORD_KEY;
            continue;
        }
        const size_t n = cxm_priv_parse_key(type, key.at + at, key.n - at, &out, NULL);
        if (n == 0)
            return false;
        if (!out.missing && !value_is_sound(type, categories, &out))
            return false;
        if (!value && k >= schema->n_keys && !design_is_sound(schema->roles[k], &out))
            return false;
        at += n;
    }
    if (!values)
        *n_group = at;
    return at == key.n;
}

static bool digits_are_canonical(const uint8_t *digits, int32_t lo, int32_t n)
{
    if (n == 0)
        return lo == 0;
    if (lo < CXM_FIRST_DIGIT || lo + n > CXM_LAST_DIGIT || cxm_priv_get_u32(digits) == 0)
        return false;
    const uint32_t last = cxm_priv_get_u32(digits + 4 * ((size_t)n - 1));
    if (n == 1)
        return true;
    const uint32_t before = cxm_priv_get_u32(digits + 4 * ((size_t)n - 2));
    return !(last == 0 && before >> 31 == 0) && !(last == 0xFFFFFFFFu && before >> 31 == 1);
}

/* Makes the digits of a sum over all cells reach these. */
static void include(struct cxm_window *digits, int32_t lo, int32_t n)
{
    const int32_t end = digits->lo + digits->n;
    const int32_t from = digits->n > 0 && digits->lo < lo ? digits->lo : lo;
    *digits = (struct cxm_window){ from, (digits->n > 0 && end > lo + n ? end : lo + n) - from };
}

/* Over the sums of one cell; NULL where they are cut off or not canonical. */
static const uint8_t *scan_sums(const uint8_t *at, const uint8_t *end, uint32_t n_sums,
                                struct cxm_window *digits)
{
    for (uint32_t s = 0; s < n_sums; s++) {
        if (end - at < 4)
            return NULL;
        const int32_t lo = (int16_t)cxm_priv_get_u16(at), n = cxm_priv_get_u16(at + 2);
        if ((end - at - 4) / 4 < n || !digits_are_canonical(at + 4, lo, n))
            return NULL;
        at += 4 + 4 * (size_t)n;
        if (n > 0)
            include(&digits[s], lo, n);
    }
    return at;
}

/* One pass over n cells without storing anything: lengths, the windows of their sums, the bytes of
 * their keys (NULL: there are none between the cells). */
static bool scan_cells(struct cxm_bytes bytes, const struct cxm_layout *layout, uint64_t n_cells,
                       struct cxm_window *windows, size_t *key_bytes)
{
    const uint8_t *at = bytes.at, *const end = bytes.at + bytes.n;
    const size_t counts = 8 * (size_t)layout->n_counts;
    for (uint64_t i = 0; i < n_cells; i++) {
        if (key_bytes != NULL) {
            if (end - at < 4 || (size_t)(end - at) - 4 < cxm_priv_get_u32(at))
                return false;
            const uint32_t n = cxm_priv_get_u32(at);
            *key_bytes += n;
            at += 4 + (size_t)n;
        }
        if ((size_t)(end - at) < counts)
            return false;
        at = scan_sums(at + counts, end, layout->n_sums, windows);
        if (at == NULL)
            return false;
    }
    for (uint32_t s = 0; s < layout->n_sums; s++)
        windows[s] = cxm_priv_exact_window_of_digits(windows[s].lo, windows[s].n);
    return at == end;
}

/* The counters and sums of a cell that was scanned. */
static const uint8_t *read_cell(const uint8_t *at, const struct cxm_layout *layout, int64_t *cell)
{
    for (uint32_t c = 0; c < layout->n_counts; c++, at += 8)
        cell[c] = (int64_t)cxm_priv_get_u64(at);
    for (uint32_t s = 0; s < layout->n_sums; s++) {
        const int32_t lo = (int16_t)cxm_priv_get_u16(at), n = cxm_priv_get_u16(at + 2);
        cxm_priv_exact_from_bytes(at + 4, lo, n, cell + layout->at[s], layout->windows[s]);
        at += 4 + 4 * (size_t)n;
    }
    return at;
}

/* Every row has one code in every unit: the counters of all units have the same total. */
static bool rows_agree(const struct cxm_config *config, const int64_t *cell, int64_t *rows)
{
    const int64_t *counts = cell;
    for (uint32_t u = 0; u < config->n_units; u++) {
        const uint32_t n_codes = config->units[u].bins + 3 + config->units[u].n_reasons;
        int64_t sum = 0;
        for (uint32_t c = 0; c < n_codes; c++) {
            if (counts[c] < 0 || __builtin_add_overflow(sum, counts[c], &sum))
                return false;
        }
        if (u > 0 && sum != *rows)
            return false;
        *rows = sum;
        counts += n_codes;
    }
    return *rows > 0;
}

/* A group: its counters and sums go together, and its rows are added up. */
static bool count_group(const struct cxm_tally *tally, const int64_t *cell, int64_t *total)
{
    int64_t rows = 0;
    return rows_agree(&tally->config, cell, &rows)
        && cxm_priv_group_is_sound(&tally->config, tally->schema.weighted, &tally->state.groups,
                                   cell)
        && !__builtin_add_overflow(*total, rows, total);
}

static bool value_counts_are_sound(const struct cxm_tally *tally, const int64_t *cell)
{
    const struct cxm_table *values = &tally->state.values;
    bool any = false;
    for (uint32_t c = 0; c < values->layout.n_counts; c++) {
        any = any || cell[c] != 0;
        if (cell[c] < 0 || cell[c] > tally->state.rows)
            return false;
    }
    return any && cxm_priv_value_is_sound(tally->schema.weighted, values, cell);
}

/* Fills a table that was scanned and has room for all; keys must ascend. */
static enum cxm_status read_cells(const uint8_t *at, bool values, uint64_t n_cells,
                                  struct cxm_tally *tally, struct cxm_error *error)
{
    const struct cxm_schema *schema = &tally->schema;
    struct cxm_table *table = values ? &tally->state.values : &tally->state.groups;
    struct cxm_bytes last = { NULL, 0 };
    int64_t total = tally->state.left_out;
    for (uint64_t i = 0; i < n_cells; i++) {
        const struct cxm_bytes key = { at + 4, cxm_priv_get_u32(at) };
        size_t n_group = 0;
        if (!key_is_sound(schema, key, values, &n_group))
            return cxm_priv_corrupt(error, "a key");
        if (last.at != NULL) {
            const size_t n = last.n < key.n ? last.n : key.n;
            const int order = n > 0 ? memcmp(last.at, key.at, n) : 0;
            if (order > 0 || (order == 0 && last.n >= key.n))
                return cxm_priv_corrupt(error, "its keys are out of order");
        }
        if (values
            && cxm_priv_dict_find(&tally->state.groups.dict, key.at, n_group) == UINT32_MAX)
            return cxm_priv_corrupt(error, "a value without its group");
        last = key;
        int64_t *cell = cxm_priv_table_cell(table, table->dict.n);
        cxm_priv_dict_append(&table->dict, key.at, key.n);
        at = read_cell(key.at + key.n, &table->layout, cell);
        if (!values && !count_group(tally, cell, &total))
            return cxm_priv_corrupt(error, "its counters");
        if (values && !value_counts_are_sound(tally, cell))
            return cxm_priv_corrupt(error, "a counter of its values");
    }
    return values || total == tally->state.rows
             ? CXM_OK
             : cxm_priv_corrupt(error, "its rows do not add up");
}

static enum cxm_status read_table(const struct cxm_saved *saved, enum cxm_section tag,
                                  uint64_t n_cells, struct cxm_tally *tally,
                                  struct cxm_error *error)
{
    const bool values = tag == CXM_SECTION_VALUES;
    struct cxm_table *table = values ? &tally->state.values : &tally->state.groups;
    const struct cxm_bytes bytes = saved->sections[tag];
    if (n_cells > bytes.n / 4 || (values && n_cells > 0 && !tally->schema.has_values))
        return cxm_priv_corrupt(error, "the number of its groups");
    struct cxm_window *windows = cxm_priv_alloc_zero(&tally->allocator, table->layout.n_sums,
                                                     sizeof *windows);
    if (windows == NULL)
        return cxm_priv_no_memory(error);
    enum cxm_status status = CXM_OK;
    size_t key_bytes = 0;
    if (!scan_cells(bytes, &table->layout, n_cells, windows, &key_bytes))
        status = cxm_priv_corrupt(error, values ? "its values" : "its groups");
    else if (!cxm_priv_table_reserve(table, (size_t)n_cells, windows)
             || !cxm_priv_dict_reserve(&table->dict, (size_t)n_cells, key_bytes))
        status = cxm_priv_no_memory(error);
    else
        status = read_cells(bytes.at, values, n_cells, tally, error);
    cxm_priv_release(&tally->allocator, windows);
    return status;
}

/* The frame has the rows of every cell, and at least the weight of those that were used. */
static enum cxm_status read_frame(const struct cxm_saved *saved, struct cxm_tally *tally,
                                  struct cxm_error *error)
{
    const struct cxm_table *groups = &tally->state.groups;
    struct cxm_table *frame = &tally->state.frame;
    const bool wanted = cxm_priv_has_margins(&tally->schema);
    const struct cxm_bytes bytes = saved->sections[CXM_SECTION_FRAME];
    if (wanted != (bytes.at != NULL))
        return cxm_priv_corrupt(error, "its frame");
    if (!wanted)
        return CXM_OK;
    struct cxm_window windows[2] = { { 0, 0 }, { 0, 0 } };
    if (!scan_cells(bytes, &frame->layout, groups->dict.n, windows, NULL))
        return cxm_priv_corrupt(error, "its frame");
    if (!cxm_priv_table_reserve(frame, groups->dict.n, windows)
        || !cxm_priv_dict_reserve(&frame->dict, groups->dict.n, groups->dict.bytes_used))
        return cxm_priv_no_memory(error);
    const uint8_t *at = bytes.at;
    for (uint32_t i = 0; i < groups->dict.n; i++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(&groups->dict, i, &n);
        int64_t *cell = cxm_priv_table_cell(frame, i);
        cxm_priv_dict_append(&frame->dict, key, n);
        at = read_cell(at, &frame->layout, cell);
        int64_t rows = 0;
        if (!rows_agree(&tally->config, cxm_priv_table_cell(groups, i), &rows) || rows != cell[0]
            || !cxm_priv_frame_is_sound(&frame->layout, cell))
            return cxm_priv_corrupt(error, "its frame");
    }
    return CXM_OK;
}

enum cxm_status cxm_priv_read_tables(const struct cxm_saved *saved, uint64_t n_groups,
                                     uint64_t n_values, struct cxm_tally *tally,
                                     struct cxm_error *error)
{
    enum cxm_status status = read_table(saved, CXM_SECTION_GROUPS, n_groups, tally, error);
    if (status == CXM_OK)
        status = read_table(saved, CXM_SECTION_VALUES, n_values, tally, error);
    if (status == CXM_OK)
        status = read_frame(saved, tally, error);
    if (status == CXM_OK)
        status = cxm_priv_check_table(tally, error);
    return status == CXM_EINCONSISTENT
             ? cxm_priv_corrupt(error, "its values and groups differ")
             : status;
}
