/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Loading: every length, type, key, counter and digit is checked before it is used. What is
 * accepted is exactly what saving writes, so equal tallies have equal bytes. */
#include "tally/format.h"

#include <math.h>

/* A cursor that runs dry instead of running over: after a failed read `bad` is set, and all
 * further reads give zeros. */
struct cursor {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static const uint8_t *take(struct cursor *c, size_t n)
{
    if (c->bad || n > c->left) {
        c->bad = true;
        return NULL;
    }
    const uint8_t *at = c->at;
    c->at += n;
    c->left -= n;
    return at;
}

static uint8_t take_u8(struct cursor *c)
{
    const uint8_t *p = take(c, 1);
    return p != NULL ? *p : 0;
}

static uint16_t take_u16(struct cursor *c)
{
    const uint8_t *p = take(c, 2);
    return p != NULL ? cxm_priv_get_u16(p) : 0;
}

static uint32_t take_u32(struct cursor *c)
{
    const uint8_t *p = take(c, 4);
    return p != NULL ? cxm_priv_get_u32(p) : 0;
}

static uint64_t take_u64(struct cursor *c)
{
    const uint8_t *p = take(c, 8);
    return p != NULL ? cxm_priv_get_u64(p) : 0;
}

/* A count of things that take at least `bytes` each; more than can follow is damage. */
static uint32_t take_count(struct cursor *c, size_t bytes)
{
    const uint32_t n = take_u32(c);
    if (n > c->left / bytes)
        c->bad = true;
    return c->bad ? 0 : n;
}

static struct cxm_bytes take_text(struct cursor *c)
{
    const uint32_t n = take_u32(c);
    const uint8_t *at = take(c, n);
    if (at != NULL && memchr(at, 0, n) != NULL)
        c->bad = true;
    return (struct cxm_bytes){ at, c->bad ? 0 : n };
}

static bool take_name(struct cursor *c, char *out, size_t capacity)
{
    const struct cxm_bytes text = take_text(c);
    if (c->bad || text.n >= capacity) {
        c->bad = true;
        return false;
    }
    memset(out, 0, capacity);
    if (text.n > 0)
        memcpy(out, text.at, text.n);
    return true;
}

static enum cxm_status corrupt(struct cxm_error *error, const char *what)
{
    return cxm_priv_fail(error, CXM_ECORRUPT, NULL, "not a sound tally: %s", what);
}

/* ---- the frame ------------------------------------------------------------------------ */

static enum cxm_status cut_sections(struct cursor *c, struct cxm_saved *out,
                                    struct cxm_error *error)
{
    const bool newer = out->minor > CXM_FORMAT_MINOR;
    uint16_t last = 0;
    while (c->left > 0 && !c->bad) {
        const uint16_t tag = take_u16(c), flags = take_u16(c);
        const uint32_t zero = take_u32(c);
        const uint64_t n = take_u64(c);
        const uint8_t *at = n <= c->left ? take(c, (size_t)n) : NULL;
        if (c->bad || at == NULL || zero != 0 || tag <= last)
            return corrupt(error, "a section is cut off or out of order");
        last = tag;
        if (tag <= CXM_SECTION_VALUES || (tag == CXM_SECTION_FRAME && out->design)) {
            if (flags != 1)
                return corrupt(error, "a section has the wrong flags");
            out->sections[tag] = (struct cxm_bytes){ at, (size_t)n };
        } else if (!newer) {
            return corrupt(error, "a section does not belong to its format");
        } else if (flags & 1) {
            return cxm_priv_fail(error, CXM_EUNSUPPORTED, NULL,
                                 "the tally has section %u, which this version cannot read",
                                 tag);
        }
    }
    return c->bad ? corrupt(error, "it is cut off") : CXM_OK;
}

enum cxm_status cxm_priv_open_saved(const uint8_t *bytes, size_t n, struct cxm_saved *out,
                                    struct cxm_error *error)
{
    memset(out, 0, sizeof *out);
    if (bytes == NULL || n < CXM_HEADER_BYTES + CXM_CRC_BYTES || memcmp(bytes, "CXMT", 4) != 0)
        return corrupt(error, "it does not start as one");
    out->major = bytes[4];
    out->minor = bytes[5];
    out->kind = cxm_priv_get_u16(bytes + 6);
    out->hash = cxm_priv_get_u64(bytes + 24);
    if (out->major != CXM_FORMAT_MAJOR)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, NULL,
                             "the tally has format %u, this version reads %d", out->major,
                             CXM_FORMAT_MAJOR);
    if (cxm_priv_get_u64(bytes + 16) != n - CXM_HEADER_BYTES - CXM_CRC_BYTES)
        return corrupt(error, "its length is not what it says");
    if (cxm_priv_get_u32(bytes + n - CXM_CRC_BYTES)
        != cxm_priv_crc32c(0, bytes, n - CXM_CRC_BYTES))
        return corrupt(error, "its checksum is wrong");
    const uint32_t flags = cxm_priv_get_u32(bytes + 8);
    if ((flags & 0xFFFF & ~(uint32_t)CXM_SAVED_DESIGN) != 0)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, NULL,
                             "the tally has flags that this version does not know");
    out->design = (flags & CXM_SAVED_DESIGN) != 0;
    if (cxm_priv_get_u32(bytes + 12) != 0
        || (out->minor <= CXM_FORMAT_MINOR
            && (flags > CXM_SAVED_DESIGN || out->minor != (out->design ? 1 : 0))))
        return corrupt(error, "its header is wrong");
    struct cursor c = { bytes + CXM_HEADER_BYTES, n - CXM_HEADER_BYTES - CXM_CRC_BYTES, false };
    const enum cxm_status status = cut_sections(&c, out, error);
    if (status != CXM_OK)
        return status;
    for (int tag = CXM_SECTION_CONFIG; tag <= CXM_SECTION_VALUES; tag++) {
        if (out->sections[tag].at == NULL)
            return corrupt(error, "a section is missing");
    }
    const struct cxm_bytes *config = &out->sections[CXM_SECTION_CONFIG];
    const struct cxm_bytes *schema = &out->sections[CXM_SECTION_SCHEMA];
    if (out->hash != cxm_priv_hash(schema->at, schema->n, cxm_priv_hash(config->at, config->n, 0)))
        return corrupt(error, "its configuration hash is wrong");
    return CXM_OK;
}

static struct cursor section(const struct cxm_saved *saved, enum cxm_section tag)
{
    return (struct cursor){ saved->sections[tag].at, saved->sections[tag].n, false };
}

/* ---- parameters ----------------------------------------------------------------------- */

/* All names, numbers and texts of the parameters are copied into one block. */
struct pool {
    uint8_t *at;
    size_t left;
};

static void *pool_take(struct pool *pool, size_t bytes)
{
    const size_t n = (bytes + 7) / 8 * 8;
    if (n > pool->left)
        return NULL;
    uint8_t *at = pool->at;
    pool->at += n;
    pool->left -= n;
    return at;
}

static char *pool_text(struct pool *pool, struct cxm_bytes text)
{
    char *copy = pool_take(pool, text.n + 1);
    if (copy != NULL) {
        if (text.n > 0)
            memcpy(copy, text.at, text.n);
        copy[text.n] = '\0';
    }
    return copy;
}

static bool read_param(struct cursor *c, struct pool *pool, struct cxm_param *out)
{
    out->name = pool_text(pool, take_text(c));
    out->n_numbers = take_count(c, 8);
    double *numbers = pool_take(pool, 8 * out->n_numbers);
    for (size_t i = 0; i < out->n_numbers && numbers != NULL; i++) {
        const uint64_t bits = take_u64(c);
        memcpy(&numbers[i], &bits, sizeof bits);
        if (numbers[i] == 0 && bits != 0)
            c->bad = true;
    }
    out->numbers = numbers;
    out->n_texts = take_count(c, 4);
    const char **texts = pool_take(pool, sizeof *texts * out->n_texts);
    for (size_t i = 0; i < out->n_texts && texts != NULL; i++) {
        texts[i] = pool_text(pool, take_text(c));
        if (texts[i] == NULL)
            return false;
    }
    out->texts = texts;
    return !c->bad && out->name != NULL && numbers != NULL && texts != NULL;
}

enum cxm_status cxm_priv_read_params(const struct cxm_saved *saved,
                                     const struct cxm_allocator *allocator,
                                     struct cxm_saved_params *out, struct cxm_error *error)
{
    memset(out, 0, sizeof *out);
    struct cursor c = section(saved, CXM_SECTION_CONFIG);
    if (!take_name(&c, out->metric, sizeof out->metric))
        return corrupt(error, "the name of its metric");
    out->n = take_count(&c, 12);
    if (c.bad || out->n > CXM_MAX_PARAMS)
        return corrupt(error, "its parameters");
    /* Texts need a pointer and a byte more than in the file, everything is rounded to 8. */
    const size_t bytes = 8 * saved->sections[CXM_SECTION_CONFIG].n + 64 * CXM_MAX_PARAMS;
    out->memory = cxm_priv_alloc_zero(allocator, bytes, 1);
    if (out->memory == NULL)
        return cxm_priv_no_memory(error);
    struct pool pool = { out->memory, bytes };
    bool good = true;
    for (size_t i = 0; i < out->n && good; i++)
        good = read_param(&c, &pool, &out->params[i]);
    if (good && c.left == 0)
        return CXM_OK;
    cxm_priv_release(allocator, out->memory);
    out->memory = NULL;
    return corrupt(error, "its parameters");
}

/* ---- schema --------------------------------------------------------------------------- */

static bool read_names(struct cursor *c, char ***names, uint32_t *n,
                       const struct cxm_allocator *allocator, bool *no_memory)
{
    const uint32_t count = take_count(c, 4);
    if (c->bad || count == 0)
        return !c->bad;
    *names = cxm_priv_alloc_zero(allocator, count, sizeof **names);
    for (uint32_t i = 0; *names != NULL && i < count; i++) {
        const struct cxm_bytes text = take_text(c);
        char *copy = c->bad ? NULL : cxm_priv_alloc(allocator, text.n + 1, 1);
        if (copy == NULL) {
            *no_memory = !c->bad;
            return false;
        }
        if (text.n > 0)
            memcpy(copy, text.at, text.n);
        copy[text.n] = '\0';
        (*names)[(*n)++] = copy;
    }
    *no_memory = *names == NULL;
    return *names != NULL;
}

static bool read_key(struct cursor *c, struct cxm_schema *schema, uint32_t k,
                     const struct cxm_allocator *allocator, bool *no_memory)
{
    struct cxm_key_info *key = &schema->keys[k];
    if (!take_name(c, key->name, sizeof key->name))
        return false;
    key->type = (int32_t)take_u32(c);
    key->calendar = (int32_t)take_u32(c);
    return (uint32_t)key->type <= CXM_KEY_TIME && (uint32_t)key->calendar <= CXM_YEAR
        && (key->calendar == 0 || key->type == CXM_KEY_DATE)
        && read_names(c, &schema->categories[k], &schema->n_categories[k], allocator, no_memory)
        && (schema->n_categories[k] == 0 || key->type == CXM_KEY_CATEGORY);
}

/* Keys of a design: roles ascend, each at most once but for margins; second stages follow first
 * ones, and populations are numbers. */
static bool read_design(struct cursor *c, struct cxm_schema *schema,
                        const struct cxm_allocator *allocator, bool *no_memory)
{
    const uint32_t n = take_u32(c);
    if (c->bad || n == 0 || n > CXM_MAX_DESIGN)
        return false;
    uint32_t margins = 0, seen = 0;
    uint8_t last = 0;
    for (uint32_t k = schema->n_keys; k < schema->n_keys + n; k++) {
        const uint8_t role = take_u8(c);
        margins += role == CXM_KEY_MARGIN;
        if (role == 0 || role > CXM_KEY_MARGIN || role < last
            || (role == last && role != CXM_KEY_MARGIN) || margins > CXM_MAX_MARGINS
            || !read_key(c, schema, k, allocator, no_memory))
            return false;
        const int32_t type = schema->keys[k].type;
        if ((role == CXM_KEY_FPC || role == CXM_KEY_FPC_2) && type != CXM_KEY_INT
            && type != CXM_KEY_UINT && type != CXM_KEY_REAL && type != CXM_KEY_BOOL)
            return false;
        schema->roles[k] = role;
        schema->n_design++;
        seen |= 1u << role;
        last = role;
    }
    return ((seen >> CXM_KEY_CLUSTER_2 & 1) == 0 || (seen >> CXM_KEY_CLUSTER & 1) != 0)
        && ((seen >> CXM_KEY_FPC_2 & 1) == 0
            || ((seen >> CXM_KEY_CLUSTER & 1) != 0 && (seen >> CXM_KEY_FPC & 1) != 0));
}

static bool read_schema(struct cursor *c, bool design, struct cxm_schema *schema,
                        const struct cxm_allocator *allocator, bool *no_memory)
{
    const uint8_t weighted = take_u8(c), has_values = take_u8(c);
    schema->given = take_u32(c);
    schema->n_keys = take_u32(c);
    schema->weighted = weighted == 1;
    schema->has_values = has_values == 1;
    if (c->bad || weighted > 1 || has_values > 1 || schema->n_keys > CXM_MAX_KEYS)
        return false;
    for (uint32_t k = 0; k < schema->n_keys; k++) {
        if (!read_key(c, schema, k, allocator, no_memory))
            return false;
    }
    if (schema->has_values) {
        schema->values_type = (int32_t)take_u32(c);
        if ((uint32_t)schema->values_type > CXM_KEY_TIME
            || !read_names(c, &schema->value_categories, &schema->n_value_categories, allocator,
                           no_memory)
            || (schema->n_value_categories > 0 && schema->values_type != CXM_KEY_CATEGORY))
            return false;
    }
    if (design && !read_design(c, schema, allocator, no_memory))
        return false;
    return !c->bad && c->left == 0;
}

/* Only optional inputs are listed, and there is a key table exactly when its input was given, or
 * when the metric makes its values and there are rows. */
static bool schema_fits(const struct cxm_schema *schema, const struct cxm_config *config,
                        bool any)
{
    const struct cxm_metric_info *info = config->rules->info;
    uint32_t optional = 0, keys = 0;
    for (int r = 0; r < info->n_inputs; r++) {
        optional |= info->inputs[r].optional ? 1u << r : 0;
        keys |= info->inputs[r].role == CXM_ROLE_KEY ? 1u << r : 0;
    }
    const bool made = config->n_table_values > 0;
    return (schema->given & ~optional) == 0 && !(schema->weighted && config->rules->unweighted)
        && (!made || !any || schema->values_type == CXM_KEY_REAL)
        && (!made || schema->n_design == 0)
        && schema->has_values == ((made && any) || (schema->given & keys) != 0);
}

/* ---- cells ---------------------------------------------------------------------------- */

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

/* One pass over a section of cells without storing anything: shapes and windows. */
static bool scan_cells(struct cursor c, const struct cxm_table *table, uint64_t n_cells,
                       struct cxm_window *windows)
{
    for (uint64_t i = 0; i < n_cells && !c.bad; i++) {
        take(&c, take_u32(&c));
        take(&c, 8 * (size_t)table->layout.n_counts);
        for (uint32_t s = 0; s < table->layout.n_sums; s++) {
            const int32_t lo = (int16_t)take_u16(&c);
            const int32_t n = take_u16(&c);
            const uint8_t *digits = take(&c, 4 * (size_t)n);
            if (digits == NULL || !digits_are_canonical(digits, lo, n))
                return false;
            windows[s] = cxm_priv_window_union(windows[s],
                                               cxm_priv_exact_window_of_digits(lo, n));
        }
    }
    return !c.bad && c.left == 0;
}

/* Bytes of a cell beside its key, without the digits of its sums. */
static size_t least_bytes(const struct cxm_layout *layout)
{
    return 4 + 8 * (size_t)layout->n_counts + 4 * (size_t)layout->n_sums;
}

static void read_sums(struct cursor *c, const struct cxm_layout *layout, int64_t *cell)
{
    uint32_t values[CXM_LAST_DIGIT - CXM_FIRST_DIGIT];
    for (uint32_t s = 0; s < layout->n_sums; s++) {
        const int32_t lo = (int16_t)take_u16(c);
        const int32_t n = take_u16(c);
        const uint8_t *digits = take(c, 4 * (size_t)n);
        for (int32_t i = 0; i < n; i++)
            values[i] = cxm_priv_get_u32(digits + 4 * (size_t)i);
        cxm_priv_exact_from_digits(values, lo, n, cell + layout->at[s], layout->windows[s]);
    }
}

/* Fills a table; keys must ascend. */
static enum cxm_status read_cells(struct cursor c, const struct cxm_schema *schema, bool values,
                                  uint64_t n_cells, const struct cxm_table *groups,
                                  struct cxm_table *table, struct cxm_error *error)
{
    struct cxm_bytes last = { NULL, 0 };
    for (uint64_t i = 0; i < n_cells; i++) {
        struct cxm_bytes key;
        key.n = take_u32(&c);
        key.at = take(&c, key.n);
        size_t n_group = 0;
        if (key.at == NULL || !key_is_sound(schema, key, values, &n_group))
            return corrupt(error, "a key");
        if (last.at != NULL) {
            const size_t n = last.n < key.n ? last.n : key.n;
            const int order = n > 0 ? memcmp(last.at, key.at, n) : 0;
            if (order > 0 || (order == 0 && last.n >= key.n))
                return corrupt(error, "its keys are out of order");
        }
        if (values && cxm_priv_dict_find(&groups->dict, key.at, n_group) == UINT32_MAX)
            return corrupt(error, "a value without its group");
        last = key;
        const uint32_t at = cxm_priv_table_add(table, key.at, key.n);
        if (at == UINT32_MAX)
            return cxm_priv_no_memory(error);
        int64_t *cell = cxm_priv_table_cell(table, at);
        for (uint32_t k = 0; k < table->layout.n_counts; k++)
            cell[k] = (int64_t)take_u64(&c);
        read_sums(&c, &table->layout, cell);
    }
    return CXM_OK;
}

/* Every row has one code in every unit: the counters of all units have the same total. */
static bool rows_agree(const struct cxm_config *config, const int64_t *cell, int64_t *rows)
{
    const int64_t *counts = cell;
    for (uint32_t u = 0; u < config->n_units; u++) {
        const uint32_t n_codes = cxm_priv_unit_layout(config, u, false).n_codes;
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

static enum cxm_status check_totals(const struct cxm_tally *tally, struct cxm_error *error)
{
    const struct cxm_state *state = &tally->state;
    int64_t total = state->left_out;
    for (uint32_t i = 0; i < state->groups.dict.n; i++) {
        int64_t rows = 0;
        const int64_t *cell = cxm_priv_table_cell(&state->groups, i);
        if (!rows_agree(&tally->config, cell, &rows)
            || !cxm_priv_group_is_sound(&tally->config, tally->schema.weighted, &state->groups,
                                        cell)
            || __builtin_add_overflow(total, rows, &total))
            return corrupt(error, "its counters");
    }
    for (uint32_t i = 0; i < state->values.dict.n; i++) {
        const int64_t *cell = cxm_priv_table_cell(&state->values, i);
        bool any = false;
        for (uint32_t c = 0; c < state->values.layout.n_counts; c++) {
            any = any || cell[c] != 0;
            if (cell[c] < 0 || cell[c] > state->rows)
                return corrupt(error, "a counter of its values");
        }
        if (!any || !cxm_priv_value_is_sound(tally->schema.weighted, &state->values, cell))
            return corrupt(error, "a counter of its values");
    }
    if (total != state->rows)
        return corrupt(error, "its rows do not add up");
    const enum cxm_status status = cxm_priv_check_table(tally, error);
    return status == CXM_EINCONSISTENT ? corrupt(error, "its values and groups differ")
                                       : status;
}

static enum cxm_status read_table(const struct cxm_saved *saved, enum cxm_section tag,
                                  uint64_t n_cells, struct cxm_tally *tally,
                                  struct cxm_error *error)
{
    const bool values = tag == CXM_SECTION_VALUES;
    struct cxm_table *table = values ? &tally->state.values : &tally->state.groups;
    const struct cursor c = section(saved, tag);
    if (n_cells > c.left / 4 || (values && n_cells > 0 && !tally->schema.has_values))
        return corrupt(error, "the number of its groups");
    struct cxm_window *windows = cxm_priv_alloc_zero(&tally->allocator, table->layout.n_sums,
                                                     sizeof *windows);
    if (windows == NULL)
        return cxm_priv_no_memory(error);
    enum cxm_status status = CXM_OK;
    if (!scan_cells(c, table, n_cells, windows))
        status = corrupt(error, values ? "its values" : "its groups");
    else if (!cxm_priv_table_reserve(table, (size_t)n_cells, windows)
             || !cxm_priv_dict_reserve(&table->dict, (size_t)n_cells,
                                       c.left - (size_t)n_cells * least_bytes(&table->layout)))
        status = cxm_priv_no_memory(error);
    else
        status = read_cells(c, &tally->schema, values, n_cells, &tally->state.groups, table,
                            error);
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
        return corrupt(error, "its frame");
    if (!wanted)
        return CXM_OK;
    struct cxm_window windows[2] = { { 0, 0 }, { 0, 0 } };
    struct cursor c = { bytes.at, bytes.n, false };
    for (uint32_t i = 0; i < groups->dict.n; i++) {
        take(&c, 8);
        for (uint32_t s = 0; s < frame->layout.n_sums; s++) {
            const int32_t lo = (int16_t)take_u16(&c), n = take_u16(&c);
            const uint8_t *digits = take(&c, 4 * (size_t)n);
            if (digits == NULL || !digits_are_canonical(digits, lo, n))
                return corrupt(error, "its frame");
            windows[s] = cxm_priv_window_union(windows[s],
                                               cxm_priv_exact_window_of_digits(lo, n));
        }
    }
    if (c.bad || c.left != 0)
        return corrupt(error, "its frame");
    if (!cxm_priv_table_reserve(frame, groups->dict.n,
                                frame->layout.n_sums > 0 ? windows : NULL))
        return cxm_priv_no_memory(error);
    c = (struct cursor){ bytes.at, bytes.n, false };
    for (uint32_t i = 0; i < groups->dict.n; i++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(&groups->dict, i, &n);
        const uint32_t at = cxm_priv_table_add(frame, key, n);
        if (at == UINT32_MAX)
            return cxm_priv_no_memory(error);
        int64_t *cell = cxm_priv_table_cell(frame, at);
        cell[0] = (int64_t)take_u64(&c);
        read_sums(&c, &frame->layout, cell);
        int64_t rows = 0;
        if (!rows_agree(&tally->config, cxm_priv_table_cell(groups, i), &rows) || rows != cell[0]
            || !cxm_priv_frame_is_sound(&frame->layout, cell))
            return corrupt(error, "its frame");
    }
    return CXM_OK;
}

enum cxm_status cxm_priv_read_rows(const struct cxm_saved *saved, struct cxm_tally *tally,
                                   struct cxm_error *error)
{
    struct cursor c = section(saved, CXM_SECTION_SCHEMA);
    bool no_memory = false;
    if (!read_schema(&c, saved->design, &tally->schema, &tally->allocator, &no_memory))
        return no_memory ? cxm_priv_no_memory(error) : corrupt(error, "its keys");
    c = section(saved, CXM_SECTION_ROWS);
    const uint64_t rows = take_u64(&c), left_out = take_u64(&c);
    if (!schema_fits(&tally->schema, &tally->config, rows > 0))
        return corrupt(error, "its inputs");
    cxm_priv_state_release(&tally->state);
    if (!cxm_priv_state_init(&tally->state, &tally->config, tally->schema.weighted,
                             cxm_priv_has_margins(&tally->schema)))
        return cxm_priv_no_memory(error);
    const uint64_t groups = take_u64(&c), values = take_u64(&c);
    if (c.bad || c.left != 0 || rows > INT64_MAX || left_out > rows)
        return corrupt(error, "its rows");
    const bool any = rows > 0;
    if (!any && (cxm_priv_all_keys(&tally->schema) > 0 || tally->schema.weighted || tally->schema.has_values
                 || tally->schema.given != 0))
        return corrupt(error, "keys without rows");
    tally->state.rows = (int64_t)rows;
    tally->state.left_out = (int64_t)left_out;
    if (cxm_priv_all_keys(&tally->schema) == 0 && groups > 1)
        return corrupt(error, "groups without keys");
    enum cxm_status status = read_table(saved, CXM_SECTION_GROUPS, groups, tally, error);
    if (status == CXM_OK)
        status = read_table(saved, CXM_SECTION_VALUES, values, tally, error);
    if (status == CXM_OK)
        status = read_frame(saved, tally, error);
    return status == CXM_OK ? check_totals(tally, error) : status;
}

enum cxm_status cxm_priv_read_info(const struct cxm_saved *saved, struct cxm_tally_info *out,
                                   struct cxm_error *error)
{
    struct cursor c = section(saved, CXM_SECTION_CONFIG);
    out->kind = saved->kind;
    out->format_major = saved->major;
    out->format_minor = saved->minor;
    out->configuration = saved->hash;
    if (!take_name(&c, out->metric, sizeof out->metric))
        return corrupt(error, "the name of its metric");
    c = section(saved, CXM_SECTION_SCHEMA);
    out->weighted = take_u8(&c) == 1;
    take_u8(&c);
    take_u32(&c);
    out->n_keys = (int32_t)take_u32(&c);
    if (c.bad || (uint32_t)out->n_keys > CXM_MAX_KEYS)
        return corrupt(error, "its keys");
    c = section(saved, CXM_SECTION_ROWS);
    const uint64_t rows = take_u64(&c);
    take_u64(&c);
    const uint64_t groups = take_u64(&c);
    if (c.bad || rows > INT64_MAX || groups > INT64_MAX)
        return corrupt(error, "its rows");
    out->rows = (int64_t)rows;
    out->groups = (int64_t)groups;
    return CXM_OK;
}
