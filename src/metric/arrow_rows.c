/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The columns that all results share: the keys, then those of `fixed_columns` below, in the
 * order that users rely on. */
#include "metric/arrow_columns.h"
#include "metric/arrow_stream.h"

/* ---- the schema --------------------------------------------------------------------- */

enum source {
    FROM_DOUBLE, /* a double of the estimate; NaN is null: read in place */
    FROM_COUNT,  /* an int64 of the estimate: the same */
    FROM_METRIC,
    FROM_MEASURE,
    FROM_INTERVAL,
    FROM_UNIT,
    FROM_BASE,
    FROM_DEFINITION,
    FROM_FLAGS
};

static const struct fixed_column {
    const char *name;
    enum source source;
    size_t offset; /* in struct cxm_estimate */
} fixed_columns[] = {
    { "metric", FROM_METRIC, 0 },
    { "measure", FROM_MEASURE, 0 },
    { "value", FROM_DOUBLE, offsetof(struct cxm_estimate, value) },
    { "std_error", FROM_DOUBLE, offsetof(struct cxm_estimate, std_error) },
    { "lower", FROM_DOUBLE, offsetof(struct cxm_estimate, lower) },
    { "upper", FROM_DOUBLE, offsetof(struct cxm_estimate, upper) },
    { "level", FROM_DOUBLE, offsetof(struct cxm_estimate, level) },
    { "interval", FROM_INTERVAL, offsetof(struct cxm_estimate, interval) },
    { "n", FROM_COUNT, offsetof(struct cxm_estimate, n) },
    { "missing", FROM_COUNT, offsetof(struct cxm_estimate, missing) },
    { "invalid", FROM_COUNT, offsetof(struct cxm_estimate, invalid) },
    { "excluded", FROM_COUNT, offsetof(struct cxm_estimate, excluded) },
    { "sum_weight", FROM_DOUBLE, offsetof(struct cxm_estimate, sum_weight) },
    { "n_eff", FROM_DOUBLE, offsetof(struct cxm_estimate, n_eff) },
    { "unit", FROM_UNIT, offsetof(struct cxm_estimate, unit) },
    { "base", FROM_BASE, offsetof(struct cxm_estimate, base) },
    { "definition", FROM_DEFINITION, 0 },
    { "flags", FROM_FLAGS, offsetof(struct cxm_estimate, flags) },
};

/* Where the numbers of a column are, or those of its texts. */
static struct cxm_arrow_numbers numbers_of(const struct cxm_arrow_rows *rows,
                                           const struct fixed_column *column)
{
    switch (column->source) {
    case FROM_METRIC: return rows->names[CXM_ARROW_METRIC];
    case FROM_MEASURE: return rows->names[CXM_ARROW_MEASURE];
    case FROM_DEFINITION: return rows->names[CXM_ARROW_DEFINITION];
    default:
        return (struct cxm_arrow_numbers){
            rows->estimates != NULL ? (const char *)rows->estimates + column->offset : NULL,
            sizeof *rows->estimates
        };
    }
}

static enum cxm_key_type type_of(enum source source)
{
    return source == FROM_DOUBLE  ? CXM_KEY_REAL
           : source == FROM_COUNT ? CXM_KEY_INT
                                  : CXM_KEY_TEXT;
}

static void append_flags(uint32_t flags, char out[CXM_ARROW_SCRATCH])
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t bit = 1; bit != 0; bit <<= 1) {
        const char *name = (flags & bit) != 0 ? cxm_flag_name(bit) : NULL;
        if (name != NULL)
            cxm_priv_append(out, CXM_ARROW_SCRATCH, &used, "%s%s", used > 0 ? "|" : "", name);
    }
}

/* `column` is an index of `fixed_columns`. */
static enum cxm_status fixed_cell(const void *self, size_t column, size_t row,
                                  char scratch[CXM_ARROW_SCRATCH], struct cxm_key *out,
                                  struct cxm_error *error)
{
    (void)error;
    const struct cxm_arrow_rows *r = self;
    const struct cxm_estimate *e = &r->estimates[row];
    const char *text = scratch;
    switch (fixed_columns[column].source) {
    case FROM_DOUBLE:
    case FROM_COUNT: return CXM_OK;
    case FROM_METRIC: text = r->name(r->self, row, CXM_ARROW_METRIC); break;
    case FROM_MEASURE: text = r->name(r->self, row, CXM_ARROW_MEASURE); break;
    case FROM_DEFINITION: text = r->name(r->self, row, CXM_ARROW_DEFINITION); break;
    case FROM_INTERVAL: text = cxm_interval_name((enum cxm_interval)e->interval); break;
    case FROM_UNIT: text = cxm_unit_name((enum cxm_unit)e->unit); break;
    case FROM_BASE: text = cxm_base_name((enum cxm_base_kind)e->base); break;
    case FROM_FLAGS: append_flags(e->flags, scratch); break;
    }
    out->text = text;
    out->text_bytes = strlen(text);
    return CXM_OK;
}

/* ---- keys --------------------------------------------------------------------------- */

static enum cxm_status key_cell(const void *self, size_t column, size_t row,
                                char scratch[CXM_ARROW_SCRATCH], struct cxm_key *out,
                                struct cxm_error *error)
{
    (void)scratch;
    const struct cxm_arrow_rows *r = self;
    const enum cxm_status status = r->key(r->self, row, column, out);
    return status == CXM_OK ? status
                            : cxm_priv_fail(error, status, "", "the key of a group: %s",
                                            cxm_status_message(status));
}

static bool is_taken(const struct cxm_arrow_rows *rows, const char *name)
{
    for (size_t i = 0; i < CXM_COUNT(fixed_columns); i++)
        if (strcmp(fixed_columns[i].name, name) == 0)
            return true;
    return rows->is_axis != NULL && rows->is_axis(rows->self, name);
}

/* Is it the name of a column already? */
static bool is_given(const struct cxm_arrow_table *table, const char *name)
{
    for (size_t i = 0; i < table->n_filled; i++)
        if (strcmp(table->fields[i].name, name) == 0)
            return true;
    return false;
}

/* Is another key called so? */
static bool is_other_key(const struct cxm_arrow_rows *rows, const char *name, size_t key)
{
    struct cxm_key_info info;
    for (size_t i = 0; i < rows->n_keys; i++)
        if (i != key && rows->key_info(rows->self, i, &info) == CXM_OK && strcmp(info.name, name) == 0)
            return true;
    return false;
}

/* A key without a name is called group, group_2 …; one called like a column of the results or
 * like a column before it becomes …_key, so that names stay distinct; what it becomes is no other key. */
static void name_key(const struct cxm_arrow_rows *rows, const struct cxm_arrow_table *table,
                     struct cxm_key_info *info, size_t key)
{
    size_t used = strlen(info->name);
    bool is_own = used > 0;
    if (used == 0 && key == 0)
        cxm_priv_append(info->name, sizeof info->name, &used, "group");
    else if (used == 0)
        cxm_priv_append(info->name, sizeof info->name, &used, "group_%d", (int)key + 1);
    while ((is_taken(rows, info->name) || is_given(table, info->name)
            || (!is_own && is_other_key(rows, info->name, key)))
           && used + strlen("_key") < sizeof info->name) {
        cxm_priv_append(info->name, sizeof info->name, &used, "_key");
        is_own = false;
    }
}

static enum cxm_status add_key(const struct cxm_arrow_rows *rows, size_t key,
                               struct cxm_arrow_table *table, struct cxm_error *error)
{
    struct cxm_key_info info;
    const enum cxm_status status = rows->key_info(rows->self, key, &info);
    if (status != CXM_OK)
        return cxm_priv_fail(error, status, "", "%s", cxm_status_message(status));
    name_key(rows, table, &info, key);
    const struct cxm_arrow_column column = { .name = info.name,
                                             .type = (enum cxm_key_type)info.type,
                                             .cell = key_cell,
                                             .self = rows,
                                             .column = key };
    return cxm_priv_arrow_column(table, &column, error);
}

enum cxm_status cxm_priv_arrow_rows(const struct cxm_arrow_rows *rows, size_t n_more,
                                    struct cxm_arrow_table **out, struct cxm_error *error)
{
    struct cxm_arrow_table *table =
        cxm_priv_arrow_table(rows->n_keys + CXM_COUNT(fixed_columns) + n_more, rows->rows,
                             rows->n_rows);
    if (table == NULL)
        return cxm_priv_no_memory(error);
    enum cxm_status status = CXM_OK;
    for (size_t i = 0; i < rows->n_keys && status == CXM_OK; i++)
        status = add_key(rows, i, table, error);
    for (size_t i = 0; i < CXM_COUNT(fixed_columns) && status == CXM_OK; i++) {
        const struct fixed_column *c = &fixed_columns[i];
        const struct cxm_arrow_numbers at = numbers_of(rows, c);
        const struct cxm_arrow_column column = {
            .name = c->name, .type = type_of(c->source), .cell = fixed_cell, .self = rows,
            .column = i, .numbers = at.numbers, .step = at.step,
            .names = type_of(c->source) == CXM_KEY_TEXT && c->source != FROM_FLAGS,
        };
        status = cxm_priv_arrow_column(table, &column, error);
    }
    if (status != CXM_OK) {
        cxm_priv_arrow_drop(table);
        return status;
    }
    *out = table;
    return CXM_OK;
}
