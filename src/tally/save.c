/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Saving: format.h says what is written. The same code runs twice, first to measure. */
#include "tally/writer.h"

static void put_names(struct cxm_writer *w, char *const *names, uint32_t n)
{
    cxm_priv_write_u32(w, n);
    for (uint32_t i = 0; i < n; i++)
        cxm_priv_write_text(w, names[i]);
}

/* Numbers that came later are left out where they say what the tallies before them meant. */
static bool is_written(const struct cxm_param_info *info, const struct cxm_value *value)
{
    return !info->later || value->n_numbers != 1 || value->numbers[0] != info->defaults[0];
}

static void put_config(struct cxm_writer *w, const struct cxm_config *config)
{
    const struct cxm_metric_info *info = config->rules->info;
    cxm_priv_write_text(w, info->name);
    uint32_t n = 0;
    for (int i = 0; i < info->n_params; i++)
        n += is_written(&info->params[i], &config->params[i]);
    cxm_priv_write_u32(w, n);
    for (int i = 0; i < info->n_params; i++) {
        const struct cxm_value *value = &config->params[i];
        if (!is_written(&info->params[i], value))
            continue;
        cxm_priv_write_text(w, info->params[i].name);
        cxm_priv_write_u32(w, (uint32_t)value->n_numbers);
        for (size_t k = 0; k < value->n_numbers; k++) {
            uint64_t bits;
            memcpy(&bits, &value->numbers[k], sizeof bits);
            cxm_priv_write_u64(w, bits);
        }
        put_names(w, value->texts, (uint32_t)value->n_texts);
    }
}

static void put_key(struct cxm_writer *w, const struct cxm_schema *schema, uint32_t k)
{
    cxm_priv_write_text(w, schema->keys[k].name);
    cxm_priv_write_u32(w, (uint32_t)schema->keys[k].type);
    cxm_priv_write_u32(w, (uint32_t)schema->keys[k].calendar);
    put_names(w, schema->categories[k], schema->n_categories[k]);
}

static void put_schema(struct cxm_writer *w, const struct cxm_tally *tally)
{
    static const struct cxm_schema none;
    const struct cxm_schema *schema = tally->state.rows > 0 ? &tally->schema : &none;
    cxm_priv_write_u8(w, schema->weighted);
    cxm_priv_write_u8(w, schema->has_values);
    cxm_priv_write_u32(w, schema->given);
    cxm_priv_write_u32(w, schema->n_keys);
    for (uint32_t k = 0; k < schema->n_keys; k++)
        put_key(w, schema, k);
    if (schema->has_values) {
        cxm_priv_write_u32(w, (uint32_t)schema->values_type);
        put_names(w, schema->value_categories, schema->n_value_categories);
    }
    if (schema->n_design > 0)
        cxm_priv_write_u32(w, schema->n_design);
    for (uint32_t k = schema->n_keys; k < cxm_priv_all_keys(schema); k++) {
        cxm_priv_write_u8(w, schema->roles[k]);
        put_key(w, schema, k);
    }
}

/* Of a sum: where its digits begin, how many, and these. */
static size_t put_sum(uint8_t *out, const int64_t *limbs, struct cxm_window window)
{
    int32_t first;
    const int32_t n = cxm_priv_exact_extent(limbs, window.n, &first);
    if (out != NULL) {
        cxm_priv_put_u16(out, (uint16_t)(int16_t)(n > 0 ? window.lo + first : 0));
        cxm_priv_put_u16(out + 2, (uint16_t)n);
        for (int32_t i = 0; i < n; i++)
            cxm_priv_put_u32(out + 4 + 4 * i, cxm_priv_exact_digit(limbs, window.n, first + i));
    }
    return 4 + 4 * (size_t)n;
}

static void put_cell(struct cxm_writer *w, const struct cxm_table *table, const int64_t *cell)
{
    const struct cxm_layout *layout = &table->layout;
    uint8_t *out = w->out != NULL ? w->out + w->used : NULL;
    for (uint32_t c = 0; c < layout->n_counts && out != NULL; c++)
        cxm_priv_put_u64(out + 8 * (size_t)c, (uint64_t)cell[c]);
    size_t used = 8 * (size_t)layout->n_counts;
    for (uint32_t s = 0; s < layout->n_sums; s++)
        used += put_sum(out != NULL ? out + used : NULL, cell + layout->at[s], layout->windows[s]);
    w->used += used;
}

/* Cells that come in another order than they lie in memory are asked for in time. */
CXM_PREFETCHER void fetch_cell(const struct cxm_table *table, const uint32_t *order, uint32_t i)
{
    enum { AHEAD = 4, LINE = 8 };
    if (i + AHEAD >= table->dict.n)
        return;
    const uint32_t at = order[i + AHEAD];
    if (at == i + AHEAD)
        return;
    const int64_t *cell = cxm_priv_table_cell(table, at);
    for (size_t k = 0; k < table->layout.stride; k += LINE)
        __builtin_prefetch(cell + k);
    __builtin_prefetch(&table->dict.ends[at]);
}

static uint64_t put_cells(struct cxm_writer *w, const struct cxm_table *table, const uint32_t *order)
{
    uint64_t n_cells = 0;
    for (uint32_t i = 0; i < table->dict.n; i++) {
        size_t n;
        const int64_t *cell = cxm_priv_table_cell(table, order[i]);
        fetch_cell(table, order, i);
        if (cxm_priv_cell_is_zero(table, cell))
            continue;
        const uint8_t *key = cxm_priv_dict_key(&table->dict, order[i], &n);
        cxm_priv_write_u32(w, (uint32_t)n);
        cxm_priv_write(w, key, n);
        put_cell(w, table, cell);
        n_cells++;
    }
    return n_cells;
}

static size_t begin_section(struct cxm_writer *w, enum cxm_section tag)
{
    cxm_priv_write_u16(w, (uint16_t)tag);
    cxm_priv_write_u16(w, 1);
    cxm_priv_write_u32(w, 0);
    cxm_priv_write_u64(w, 0);
    return w->used;
}

static void end_section(const struct cxm_writer *w, size_t start)
{
    if (w->out != NULL)
        cxm_priv_put_u64(w->out + start - 8, w->used - start);
}

int32_t cxm_priv_format_minor(const struct cxm_tally *tally)
{
    return tally->state.rows > 0 && tally->schema.n_design > 0 ? 1 : 0;
}

/* The frame in the order of its cells: the keys are those of the cells. */
static void put_frame(struct cxm_writer *w, const struct cxm_tally *tally)
{
    const struct cxm_table *frame = &tally->state.frame;
    for (uint32_t i = 0; i < tally->state.groups.dict.n; i++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(&tally->state.groups.dict, tally->order[i], &n);
        const uint32_t at = cxm_priv_dict_find(&frame->dict, key, n);
        if (at != UINT32_MAX && !cxm_priv_cell_is_zero(frame, cxm_priv_table_cell(frame, at)))
            put_cell(w, frame, cxm_priv_table_cell(frame, at));
    }
}

static void write_all(struct cxm_writer *w, const struct cxm_tally *tally,
                      const uint32_t *values_order)
{
    const bool design = tally->state.rows > 0 && tally->schema.n_design > 0;
    const uint8_t header[CXM_HEADER_BYTES] = {
        'C', 'X', 'M', 'T', CXM_FORMAT_MAJOR, (uint8_t)cxm_priv_format_minor(tally), 0, 0,
        design ? CXM_SAVED_DESIGN : 0,
    };
    cxm_priv_write(w, header, sizeof header);
    size_t start = begin_section(w, CXM_SECTION_CONFIG);
    put_config(w, &tally->config);
    end_section(w, start);
    start = begin_section(w, CXM_SECTION_SCHEMA);
    put_schema(w, tally);
    end_section(w, start);
    start = begin_section(w, CXM_SECTION_ROWS);
    cxm_priv_write_u64(w, (uint64_t)tally->state.rows);
    cxm_priv_write_u64(w, (uint64_t)tally->state.left_out);
    const size_t counts_at = w->used;
    cxm_priv_write_u64(w, 0);
    cxm_priv_write_u64(w, 0);
    end_section(w, start);
    start = begin_section(w, CXM_SECTION_GROUPS);
    const uint64_t groups = put_cells(w, &tally->state.groups, tally->order);
    end_section(w, start);
    start = begin_section(w, CXM_SECTION_VALUES);
    const uint64_t values = put_cells(w, &tally->state.values, values_order);
    end_section(w, start);
    if (design && cxm_priv_has_margins(&tally->schema)) {
        start = begin_section(w, CXM_SECTION_FRAME);
        put_frame(w, tally);
        end_section(w, start);
    }
    if (w->out != NULL) {
        cxm_priv_put_u64(w->out + counts_at, groups);
        cxm_priv_put_u64(w->out + counts_at + 8, values);
    }
}

/* Chained over the two sections, as cxm_priv_open_saved checks it. */
static uint64_t hash_parts(const uint8_t *config, size_t config_bytes, const uint8_t *schema,
                           size_t schema_bytes)
{
    return cxm_priv_hash(schema, schema_bytes, cxm_priv_hash(config, config_bytes, 0));
}

/* Measured, then hashed as they would be written: asking needs no memory, so that it cannot fail. */
uint64_t cxm_priv_configuration_hash(const struct cxm_tally *tally)
{
    struct cxm_writer w = { NULL, 0, NULL };
    put_config(&w, &tally->config);
    const size_t config_bytes = w.used;
    put_schema(&w, tally);
    const size_t schema_bytes = w.used - config_bytes;
    struct cxm_hasher config = cxm_priv_hasher(config_bytes, 0);
    w.hasher = &config;
    put_config(&w, &tally->config);
    struct cxm_hasher schema = cxm_priv_hasher(schema_bytes, cxm_priv_hasher_end(&config));
    w.hasher = &schema;
    put_schema(&w, tally);
    return cxm_priv_hasher_end(&schema);
}

static void finish(uint8_t *bytes, size_t n, uint16_t kind)
{
    const uint8_t *config = bytes + CXM_HEADER_BYTES + CXM_SECTION_BYTES;
    const size_t config_bytes = (size_t)cxm_priv_get_u64(config - 8);
    const uint8_t *schema = config + config_bytes + CXM_SECTION_BYTES;
    cxm_priv_put_u16(bytes + 6, kind);
    cxm_priv_put_u64(bytes + 16, n - CXM_HEADER_BYTES - CXM_CRC_BYTES);
    cxm_priv_put_u64(bytes + 24, hash_parts(config, config_bytes, schema,
                                            (size_t)cxm_priv_get_u64(schema - 8)));
    cxm_priv_put_u32(bytes + n - CXM_CRC_BYTES, cxm_priv_crc32c(0, bytes, n - CXM_CRC_BYTES));
}

enum cxm_status cxm_tally_save(struct cxm_tally *tally, uint8_t *bytes, size_t capacity,
                               size_t *n_bytes, struct cxm_error *error)
{
    if (tally == NULL || n_bytes == NULL || (bytes == NULL && capacity > 0))
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally, bytes or n_bytes is NULL");
    enum cxm_status status = cxm_priv_tally_sort(tally, error);
    if (status != CXM_OK)
        return status;
    const struct cxm_dict *values = &tally->state.values.dict;
    uint32_t *order = cxm_priv_alloc(&tally->allocator, values->n, sizeof *order);
    if (order == NULL || !cxm_priv_dict_sort(values, order)) {
        cxm_priv_release(&tally->allocator, order);
        return cxm_priv_no_memory(error);
    }
    struct cxm_writer w = { NULL, 0, NULL };
    write_all(&w, tally, order);
    const size_t size = w.used + CXM_CRC_BYTES;
    if (capacity >= size) {
        w = (struct cxm_writer){ bytes, 0, NULL };
        write_all(&w, tally, order);
        finish(bytes, size, (uint16_t)tally->config.rules->info->kind);
    }
    cxm_priv_release(&tally->allocator, order);
    *n_bytes = size;
    if (capacity > 0 && capacity < size)
        return cxm_priv_fail(error, CXM_EINVAL, "capacity", "the tally needs %zu bytes", size);
    return CXM_OK;
}
