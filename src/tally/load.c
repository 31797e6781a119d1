/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Loading: every length, type, key, counter and digit is checked before it is used. What is
 * accepted is exactly what saving writes, so equal tallies have equal bytes. */
#include "tally/cursor.h"

#include <math.h>

/* A count of things that take at least `bytes` each; more than can follow is damage. */
static uint32_t take_count(struct cxm_cursor *c, size_t bytes)
{
    const uint32_t n = cxm_priv_take_u32(c);
    if (n > c->left / bytes)
        c->bad = true;
    return c->bad ? 0 : n;
}

static struct cxm_bytes take_text(struct cxm_cursor *c)
{
    const uint32_t n = cxm_priv_take_u32(c);
    const uint8_t *at = cxm_priv_take(c, n);
    if (at != NULL && memchr(at, 0, n) != NULL)
        c->bad = true;
    return (struct cxm_bytes){ at, c->bad ? 0 : n };
}

static bool take_name(struct cxm_cursor *c, char *out, size_t capacity)
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

/* ---- the frame ------------------------------------------------------------------------ */

static enum cxm_status cut_sections(struct cxm_cursor *c, struct cxm_saved *out,
                                    struct cxm_error *error)
{
    const bool newer = out->minor > CXM_FORMAT_MINOR;
    uint16_t last = 0;
    while (c->left > 0 && !c->bad) {
        const uint16_t tag = cxm_priv_take_u16(c), flags = cxm_priv_take_u16(c);
        const uint32_t zero = cxm_priv_take_u32(c);
        const uint64_t n = cxm_priv_take_u64(c);
        const uint8_t *at = n <= c->left ? cxm_priv_take(c, (size_t)n) : NULL;
        if (c->bad || at == NULL || zero != 0 || tag <= last)
            return cxm_priv_corrupt(error, "a section is cut off or out of order");
        last = tag;
        if (tag <= CXM_SECTION_VALUES || (tag == CXM_SECTION_FRAME && out->design)) {
            if (flags != 1)
                return cxm_priv_corrupt(error, "a section has the wrong flags");
            out->sections[tag] = (struct cxm_bytes){ at, (size_t)n };
        } else if (!newer) {
            return cxm_priv_corrupt(error, "a section does not belong to its format");
        } else if (flags & 1) {
            return cxm_priv_fail(error, CXM_EUNSUPPORTED, NULL,
                                 "the tally has section %u, which this version cannot read",
                                 tag);
        }
    }
    return c->bad ? cxm_priv_corrupt(error, "it is cut off") : CXM_OK;
}

enum cxm_status cxm_priv_open_saved(const uint8_t *bytes, size_t n, struct cxm_saved *out,
                                    struct cxm_error *error)
{
    memset(out, 0, sizeof *out);
    if (bytes == NULL || n < CXM_HEADER_BYTES + CXM_CRC_BYTES || memcmp(bytes, "CXMT", 4) != 0)
        return cxm_priv_corrupt(error, "it does not start as one");
    out->major = bytes[4];
    out->minor = bytes[5];
    out->kind = cxm_priv_get_u16(bytes + 6);
    out->hash = cxm_priv_get_u64(bytes + 24);
    if (out->major != CXM_FORMAT_MAJOR)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, NULL,
                             "the tally has format %u, this version reads %d", out->major,
                             CXM_FORMAT_MAJOR);
    if (cxm_priv_get_u64(bytes + 16) != n - CXM_HEADER_BYTES - CXM_CRC_BYTES)
        return cxm_priv_corrupt(error, "its length is not what it says");
    if (cxm_priv_get_u32(bytes + n - CXM_CRC_BYTES)
        != cxm_priv_crc32c(0, bytes, n - CXM_CRC_BYTES))
        return cxm_priv_corrupt(error, "its checksum is wrong");
    const uint32_t flags = cxm_priv_get_u32(bytes + 8);
    if ((flags & 0xFFFF & ~(uint32_t)CXM_SAVED_DESIGN) != 0)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, NULL,
                             "the tally has flags that this version does not know");
    out->design = (flags & CXM_SAVED_DESIGN) != 0;
    if (cxm_priv_get_u32(bytes + 12) != 0
        || (out->minor <= CXM_FORMAT_MINOR
            && (flags > CXM_SAVED_DESIGN || out->minor != (out->design ? 1 : 0))))
        return cxm_priv_corrupt(error, "its header is wrong");
    struct cxm_cursor c = { bytes + CXM_HEADER_BYTES, n - CXM_HEADER_BYTES - CXM_CRC_BYTES, false };
    const enum cxm_status status = cut_sections(&c, out, error);
    if (status != CXM_OK)
        return status;
    for (int tag = CXM_SECTION_CONFIG; tag <= CXM_SECTION_VALUES; tag++) {
        if (out->sections[tag].at == NULL)
            return cxm_priv_corrupt(error, "a section is missing");
    }
    const struct cxm_bytes *config = &out->sections[CXM_SECTION_CONFIG];
    const struct cxm_bytes *schema = &out->sections[CXM_SECTION_SCHEMA];
    if (out->hash != cxm_priv_hash(schema->at, schema->n, cxm_priv_hash(config->at, config->n, 0)))
        return cxm_priv_corrupt(error, "its configuration hash is wrong");
    return CXM_OK;
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

static bool read_param(struct cxm_cursor *c, struct pool *pool, struct cxm_param *out)
{
    out->name = pool_text(pool, take_text(c));
    out->n_numbers = take_count(c, 8);
    double *numbers = pool_take(pool, 8 * out->n_numbers);
    for (size_t i = 0; i < out->n_numbers && numbers != NULL; i++) {
        const uint64_t bits = cxm_priv_take_u64(c);
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
    struct cxm_cursor c = cxm_priv_section(saved, CXM_SECTION_CONFIG);
    if (!take_name(&c, out->metric, sizeof out->metric))
        return cxm_priv_corrupt(error, "the name of its metric");
    out->n = take_count(&c, 12);
    if (c.bad || out->n > CXM_MAX_PARAMS)
        return cxm_priv_corrupt(error, "its parameters");
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
    return cxm_priv_corrupt(error, "its parameters");
}

/* ---- schema --------------------------------------------------------------------------- */

static bool read_names(struct cxm_cursor *c, char ***names, uint32_t *n,
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

static bool read_key(struct cxm_cursor *c, struct cxm_schema *schema, uint32_t k,
                     const struct cxm_allocator *allocator, bool *no_memory)
{
    struct cxm_key_info *key = &schema->keys[k];
    if (!take_name(c, key->name, sizeof key->name))
        return false;
    key->type = (int32_t)cxm_priv_take_u32(c);
    key->calendar = (int32_t)cxm_priv_take_u32(c);
    return (uint32_t)key->type <= CXM_KEY_TIME && (uint32_t)key->calendar <= CXM_YEAR
        && (key->calendar == 0 || key->type == CXM_KEY_DATE)
        && read_names(c, &schema->categories[k], &schema->n_categories[k], allocator, no_memory)
        && (schema->n_categories[k] == 0 || key->type == CXM_KEY_CATEGORY);
}

/* Keys of a design: roles ascend, each at most once but for margins; second stages follow first
 * ones, and populations are numbers. */
static bool read_design(struct cxm_cursor *c, struct cxm_schema *schema,
                        const struct cxm_allocator *allocator, bool *no_memory)
{
    const uint32_t n = cxm_priv_take_u32(c);
    if (c->bad || n == 0 || n > CXM_MAX_DESIGN)
        return false;
    uint32_t margins = 0, seen = 0;
    uint8_t last = 0;
    for (uint32_t k = schema->n_keys; k < schema->n_keys + n; k++) {
        const uint8_t role = cxm_priv_take_u8(c);
        margins += role == CXM_KEY_MARGIN;
        if (role == 0 || role > CXM_KEY_MARGIN || role < last
            || (role == last && role != CXM_KEY_MARGIN) || margins > CXM_MAX_MARGINS)
            return false;
        schema->n_design++; /* before its names are read: what there is of them is then released */
        if (!read_key(c, schema, k, allocator, no_memory))
            return false;
        const int32_t type = schema->keys[k].type;
        if ((role == CXM_KEY_FPC || role == CXM_KEY_FPC_2) && type != CXM_KEY_INT
            && type != CXM_KEY_UINT && type != CXM_KEY_REAL && type != CXM_KEY_BOOL)
            return false;
        schema->roles[k] = role;
        seen |= 1u << role;
        last = role;
    }
    return ((seen >> CXM_KEY_CLUSTER_2 & 1) == 0 || (seen >> CXM_KEY_CLUSTER & 1) != 0)
        && ((seen >> CXM_KEY_FPC_2 & 1) == 0
            || ((seen >> CXM_KEY_CLUSTER & 1) != 0 && (seen >> CXM_KEY_FPC & 1) != 0));
}

static bool read_schema(struct cxm_cursor *c, bool design, struct cxm_schema *schema,
                        const struct cxm_allocator *allocator, bool *no_memory)
{
    const uint8_t weighted = cxm_priv_take_u8(c), has_values = cxm_priv_take_u8(c);
    schema->given = cxm_priv_take_u32(c);
    schema->n_keys = cxm_priv_take_u32(c);
    schema->weighted = weighted == 1;
    schema->has_values = has_values == 1;
    if (c->bad || weighted > 1 || has_values > 1 || schema->n_keys > CXM_MAX_KEYS)
        return false;
    for (uint32_t k = 0; k < schema->n_keys; k++) {
        if (!read_key(c, schema, k, allocator, no_memory))
            return false;
    }
    if (schema->has_values) {
        schema->values_type = (int32_t)cxm_priv_take_u32(c);
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

enum cxm_status cxm_priv_read_rows(const struct cxm_saved *saved, struct cxm_tally *tally,
                                   struct cxm_error *error)
{
    struct cxm_cursor c = cxm_priv_section(saved, CXM_SECTION_SCHEMA);
    bool no_memory = false;
    if (!read_schema(&c, saved->design, &tally->schema, &tally->allocator, &no_memory))
        return no_memory ? cxm_priv_no_memory(error) : cxm_priv_corrupt(error, "its keys");
    c = cxm_priv_section(saved, CXM_SECTION_ROWS);
    const uint64_t rows = cxm_priv_take_u64(&c), left_out = cxm_priv_take_u64(&c);
    if (!schema_fits(&tally->schema, &tally->config, rows > 0))
        return cxm_priv_corrupt(error, "its inputs");
    cxm_priv_state_release(&tally->state);
    if (!cxm_priv_state_init(&tally->state, &tally->config, tally->schema.weighted,
                             cxm_priv_has_margins(&tally->schema)))
        return cxm_priv_no_memory(error);
    const uint64_t groups = cxm_priv_take_u64(&c), values = cxm_priv_take_u64(&c);
    if (c.bad || c.left != 0 || rows > INT64_MAX || left_out > rows)
        return cxm_priv_corrupt(error, "its rows");
    const bool any = rows > 0;
    if (!any && (cxm_priv_all_keys(&tally->schema) > 0 || tally->schema.weighted || tally->schema.has_values
                 || tally->schema.given != 0))
        return cxm_priv_corrupt(error, "keys without rows");
    tally->state.rows = (int64_t)rows;
    tally->state.left_out = (int64_t)left_out;
    if (cxm_priv_all_keys(&tally->schema) == 0 && groups > 1)
        return cxm_priv_corrupt(error, "groups without keys");
    return cxm_priv_read_tables(saved, groups, values, tally, error);
}

enum cxm_status cxm_priv_read_info(const struct cxm_saved *saved, struct cxm_tally_info *out,
                                   struct cxm_error *error)
{
    struct cxm_cursor c = cxm_priv_section(saved, CXM_SECTION_CONFIG);
    out->kind = saved->kind;
    out->format_major = saved->major;
    out->format_minor = saved->minor;
    out->configuration = saved->hash;
    if (!take_name(&c, out->metric, sizeof out->metric))
        return cxm_priv_corrupt(error, "the name of its metric");
    c = cxm_priv_section(saved, CXM_SECTION_SCHEMA);
    out->weighted = cxm_priv_take_u8(&c) == 1;
    cxm_priv_take_u8(&c);
    cxm_priv_take_u32(&c);
    out->n_keys = (int32_t)cxm_priv_take_u32(&c);
    if (c.bad || (uint32_t)out->n_keys > CXM_MAX_KEYS)
        return cxm_priv_corrupt(error, "its keys");
    c = cxm_priv_section(saved, CXM_SECTION_ROWS);
    const uint64_t rows = cxm_priv_take_u64(&c);
    cxm_priv_take_u64(&c);
    const uint64_t groups = cxm_priv_take_u64(&c);
    if (c.bad || rows > INT64_MAX || groups > INT64_MAX)
        return cxm_priv_corrupt(error, "its rows");
    out->rows = (int64_t)rows;
    out->groups = (int64_t)groups;
    return CXM_OK;
}
