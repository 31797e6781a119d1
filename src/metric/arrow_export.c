/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Result rows as an Arrow C stream of one chunk: the key columns, then the columns of
 * `fixed_columns` below, the same for every metric.
 *
 * Typically 1 to 10^5 rows; a row has about 25 columns and some 250 bytes. Each column is one
 * block of memory that holds its array's private part and its buffers, so that a consumer may
 * move a column out and release the rest, as the interface allows. The blocks come from malloc
 * and not from the tally's allocator: they outlive the tally, in hands that know neither.
 *
 * Reference: Arrow C data interface, "Release callback semantics". */
#include <errno.h>
#include <math.h>

#include "base/base.h"

#include <cxm/arrow.h>

/* ---- what a column holds ------------------------------------------------------------ */

enum { NAME_BYTES = 64, FORMAT_BYTES = 8, BUFFER_ALIGNMENT = 64 };

struct field {
    char name[NAME_BYTES];
    char format[FORMAT_BYTES];
};

enum source {
    FROM_DOUBLE, /* a double of the estimate; NaN is null */
    FROM_COUNT,  /* an int64 of the estimate */
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
    { "interval", FROM_INTERVAL, 0 },
    { "n", FROM_COUNT, offsetof(struct cxm_estimate, n) },
    { "missing", FROM_COUNT, offsetof(struct cxm_estimate, missing) },
    { "invalid", FROM_COUNT, offsetof(struct cxm_estimate, invalid) },
    { "excluded", FROM_COUNT, offsetof(struct cxm_estimate, excluded) },
    { "sum_weight", FROM_DOUBLE, offsetof(struct cxm_estimate, sum_weight) },
    { "n_eff", FROM_DOUBLE, offsetof(struct cxm_estimate, n_eff) },
    { "unit", FROM_UNIT, 0 },
    { "base", FROM_BASE, 0 },
    { "definition", FROM_DEFINITION, 0 },
    { "flags", FROM_FLAGS, 0 },
};

/* Everything that the columns are made from. */
struct report {
    struct cxm_tally *tally;
    struct cxm_tally_info info;
    char *definition;
    struct cxm_estimate *rows;
    size_t n_rows;
    struct cxm_measure *measures;
    size_t n_measures;
    struct cxm_error *error;
};

/* ---- arrays that own their memory --------------------------------------------------- */

/* Starts the block of every column; the buffers follow, each aligned to a cache line. */
struct block {
    const void *buffers[3];
};

static void release_column(struct ArrowArray *array)
{
    cxm_priv_release(NULL, array->private_data);
    array->release = NULL;
}

static size_t aligned(size_t bytes)
{
    return (bytes + BUFFER_ALIGNMENT - 1) / BUFFER_ALIGNMENT * BUFFER_ALIGNMENT;
}

/* An array of `n` rows, all null, with zeroed buffers of these sizes (text_bytes: with a third
 * buffer). NULL when memory is out; otherwise the array is `out`. */
static struct block *new_column(size_t n, size_t data_bytes, bool has_text, size_t text_bytes,
                                struct ArrowArray *out)
{
    const size_t bitmap_bytes = n / 8 + 1;
    if (data_bytes > SIZE_MAX / 4 || text_bytes > SIZE_MAX / 4)
        return NULL;
    const size_t head = aligned(sizeof(struct block));
    const size_t bytes =
        head + aligned(bitmap_bytes) + aligned(data_bytes) + aligned(text_bytes);
    struct block *block = cxm_priv_alloc_zero(NULL, 1, bytes + BUFFER_ALIGNMENT);
    if (block == NULL)
        return NULL;
    char *at = (char *)block + head;
    at += (BUFFER_ALIGNMENT - (uintptr_t)at % BUFFER_ALIGNMENT) % BUFFER_ALIGNMENT;
    block->buffers[0] = at;
    block->buffers[1] = at + aligned(bitmap_bytes);
    block->buffers[2] = at + aligned(bitmap_bytes) + aligned(data_bytes);
    *out = (struct ArrowArray){ .length = (int64_t)n,
                                .null_count = (int64_t)n,
                                .n_buffers = has_text ? 3 : 2,
                                .buffers = block->buffers,
                                .release = release_column,
                                .private_data = block };
    return block;
}

/* The buffers are const for consumers; while a column is filled they are ours. */
static void *buffer(const struct block *block, int index)
{
    return (void *)(uintptr_t)block->buffers[index];
}

static void set_bit(void *bits, size_t at)
{
    ((uint8_t *)bits)[at / 8] |= (uint8_t)(1u << at % 8);
}

static void set_present(struct ArrowArray *array, const struct block *block, size_t row)
{
    set_bit(buffer(block, 0), row);
    array->null_count--;
}

/* ---- text columns ------------------------------------------------------------------- */

struct text {
    const char *bytes;
    size_t n;
    bool missing;
};

/* Tells the text of a row; fails only where the tally does. `scratch` may hold it. */
enum { SCRATCH_BYTES = 512 };
typedef enum cxm_status text_of_row(const struct report *report, size_t key, size_t row,
                                    char scratch[SCRATCH_BYTES], struct text *out);

/* Two passes: the sizes, then the bytes. */
static enum cxm_status fill_text(const struct report *r, text_of_row *get, size_t key,
                                 struct ArrowArray *out)
{
    char scratch[SCRATCH_BYTES];
    struct text text;
    size_t total = 0;
    for (size_t row = 0; row < r->n_rows; row++) {
        const enum cxm_status status = get(r, key, row, scratch, &text);
        if (status != CXM_OK)
            return status;
        total += text.n;
        if (total > INT32_MAX)
            return cxm_priv_fail(r->error, CXM_EOVERFLOW, "",
                                 "a column of the result has more than 2 GiB of text");
    }
    const struct block *block =
        new_column(r->n_rows, (r->n_rows + 1) * sizeof(int32_t), true, total, out);
    if (block == NULL)
        return cxm_priv_no_memory(r->error);
    int32_t *offsets = buffer(block, 1);
    char *bytes = buffer(block, 2);
    for (size_t row = 0; row < r->n_rows; row++) {
        const enum cxm_status status = get(r, key, row, scratch, &text);
        if (status != CXM_OK)
            return status;
        if (text.n > 0)
            memcpy(bytes + offsets[row], text.bytes, text.n);
        offsets[row + 1] = offsets[row] + (int32_t)text.n;
        if (!text.missing)
            set_present(out, block, row);
    }
    return CXM_OK;
}

static void append_flags(uint32_t flags, char out[SCRATCH_BYTES])
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t bit = 1; bit != 0; bit <<= 1) {
        const char *name = (flags & bit) != 0 ? cxm_flag_name(bit) : NULL;
        if (name != NULL)
            cxm_priv_append(out, SCRATCH_BYTES, &used, "%s%s", used > 0 ? "|" : "", name);
    }
}

/* `key` is the enum source of a fixed column. */
static enum cxm_status fixed_text(const struct report *r, size_t key, size_t row,
                                  char scratch[SCRATCH_BYTES], struct text *out)
{
    const struct cxm_estimate *e = &r->rows[row];
    const char *text = scratch;
    switch ((enum source)key) {
    case FROM_METRIC: text = r->info.metric; break;
    case FROM_MEASURE:
        text = e->measure < r->n_measures ? r->measures[e->measure].name : "";
        break;
    case FROM_INTERVAL: text = cxm_interval_name((enum cxm_interval)e->interval); break;
    case FROM_UNIT: text = cxm_unit_name((enum cxm_unit)e->unit); break;
    case FROM_BASE: text = cxm_base_name((enum cxm_base_kind)e->base); break;
    case FROM_DEFINITION: text = r->definition; break;
    default: append_flags(e->flags, scratch); break;
    }
    *out = (struct text){ text, strlen(text), false };
    return CXM_OK;
}

/* ---- numbers of the estimates ------------------------------------------------------- */

static enum cxm_status fill_doubles(const struct report *r, size_t offset,
                                    struct ArrowArray *out)
{
    const struct block *block =
        new_column(r->n_rows, r->n_rows * sizeof(double), false, 0, out);
    if (block == NULL)
        return cxm_priv_no_memory(r->error);
    double *values = buffer(block, 1);
    for (size_t row = 0; row < r->n_rows; row++) {
        double value;
        memcpy(&value, (const char *)&r->rows[row] + offset, sizeof value);
        if (isnan(value))
            continue;
        values[row] = value;
        set_present(out, block, row);
    }
    return CXM_OK;
}

static enum cxm_status fill_counts(const struct report *r, size_t offset,
                                   struct ArrowArray *out)
{
    const struct block *block =
        new_column(r->n_rows, r->n_rows * sizeof(int64_t), false, 0, out);
    if (block == NULL)
        return cxm_priv_no_memory(r->error);
    int64_t *values = buffer(block, 1);
    for (size_t row = 0; row < r->n_rows; row++) {
        memcpy(&values[row], (const char *)&r->rows[row] + offset, sizeof *values);
        set_present(out, block, row);
    }
    return CXM_OK;
}

static enum cxm_status fill_fixed(const struct report *r, const struct fixed_column *column,
                                  struct field *field, struct ArrowArray *out)
{
    cxm_priv_copy_text(field->name, sizeof field->name, column->name, strlen(column->name));
    switch (column->source) {
    case FROM_DOUBLE:
        memcpy(field->format, "g", 2);
        return fill_doubles(r, column->offset, out);
    case FROM_COUNT: memcpy(field->format, "l", 2); return fill_counts(r, column->offset, out);
    default:
        memcpy(field->format, "u", 2);
        return fill_text(r, fixed_text, column->source, out);
    }
}

/* ---- keys --------------------------------------------------------------------------- */

/* The key of a row; the total over all groups has none. */
static enum cxm_status key_of_row(const struct report *r, size_t key, size_t row,
                                  struct cxm_key *out)
{
    const int64_t group = r->rows[row].group;
    if (group == CXM_TOTAL) {
        *out = (struct cxm_key){ .missing = 1 };
        return CXM_OK;
    }
    const enum cxm_status status = cxm_tally_key(r->tally, group, key, out);
    return status == CXM_OK ? status
                            : cxm_priv_fail(r->error, status, "", "the key of a group: %s",
                                            cxm_status_message(status));
}

static enum cxm_status key_text(const struct report *r, size_t key, size_t row,
                                char scratch[SCRATCH_BYTES], struct text *out)
{
    (void)scratch;
    struct cxm_key value;
    const enum cxm_status status = key_of_row(r, key, row, &value);
    if (status == CXM_OK)
        *out = (struct text){ value.missing ? "" : value.text,
                              value.missing ? 0 : value.text_bytes, value.missing != 0 };
    return status;
}

/* Bytes of the UTF-8 sequence at `s`, 0 when it is none (Unicode 15, table 3-7). */
static size_t utf8_sequence(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return 1;
    const size_t bytes = s[0] >= 0xC2 && s[0] <= 0xDF   ? 2
                         : (s[0] & 0xF0) == 0xE0        ? 3
                         : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4
                                                        : 0;
    if (bytes == 0 || bytes > n)
        return 0;
    const unsigned char low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < bytes; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return bytes;
}

static bool is_utf8(const struct text *text)
{
    const unsigned char *s = (const unsigned char *)text->bytes;
    for (size_t i = 0, step; i < text->n; i += step) {
        step = utf8_sequence(s + i, text->n - i);
        if (step == 0)
            return false;
    }
    return true;
}

/* Text keys are whatever bytes the records had. Consumers trust Arrow text to be UTF-8, some
 * with their lives, so other bytes go out as binary, unchanged. */
static enum cxm_status fill_text_key(const struct report *r, size_t key, bool bytes,
                                     struct field *field, struct ArrowArray *out)
{
    for (size_t row = 0; row < r->n_rows && !bytes; row++) {
        struct text text = { "", 0, false };
        const enum cxm_status status = key_text(r, key, row, NULL, &text);
        if (status != CXM_OK)
            return status;
        bytes = !is_utf8(&text);
    }
    memcpy(field->format, bytes ? "z" : "u", 2);
    return fill_text(r, key_text, key, out);
}

static enum cxm_status put_number(const struct report *r, int32_t type,
                                  const struct cxm_key *value, size_t row, void *data)
{
    switch (type) {
    case CXM_KEY_REAL: ((double *)data)[row] = value->real; return CXM_OK;
    case CXM_KEY_BOOL:
        if (value->integer != 0)
            set_bit(data, row);
        return CXM_OK;
    case CXM_KEY_DATE:
        if (value->integer < INT32_MIN || value->integer > INT32_MAX)
            return cxm_priv_fail(r->error, CXM_EOVERFLOW, "",
                                 "a day is more than five million years from 1970 and does not "
                                 "fit an Arrow date");
        ((int32_t *)data)[row] = (int32_t)value->integer;
        return CXM_OK;
    default:
        ((int64_t *)data)[row] = value->integer; /* UINT: the same bits */
        return CXM_OK;
    }
}

static enum cxm_status fill_number_key(const struct report *r, size_t key, int32_t type,
                                       struct ArrowArray *out)
{
    const size_t n = r->n_rows;
    const size_t bytes = type == CXM_KEY_BOOL ? n / 8 + 1 : n * (type == CXM_KEY_DATE ? 4 : 8);
    const struct block *block = new_column(n, bytes, false, 0, out);
    if (block == NULL)
        return cxm_priv_no_memory(r->error);
    for (size_t row = 0; row < n; row++) {
        struct cxm_key value;
        enum cxm_status status = key_of_row(r, key, row, &value);
        if (status == CXM_OK && !value.missing) {
            status = put_number(r, type, &value, row, buffer(block, 1));
            set_present(out, block, row);
        }
        if (status != CXM_OK)
            return status;
    }
    return CXM_OK;
}

static void name_key(const struct cxm_key_info *info, size_t key, struct field *field)
{
    size_t used = 0;
    if (info->name[0] != '\0')
        cxm_priv_copy_text(field->name, sizeof field->name, info->name, strlen(info->name));
    else if (key == 0)
        cxm_priv_append(field->name, sizeof field->name, &used, "group");
    else
        cxm_priv_append(field->name, sizeof field->name, &used, "group_%d", (int)key + 1);
}

static enum cxm_status fill_key(const struct report *r, size_t key, struct field *field,
                                struct ArrowArray *out)
{
    static const char *const formats[] = {
        [CXM_KEY_INT] = "l",  [CXM_KEY_UINT] = "L",   [CXM_KEY_REAL] = "g",
        [CXM_KEY_BOOL] = "b", [CXM_KEY_DATE] = "tdD", [CXM_KEY_TIME] = "tss:",
    };
    struct cxm_key_info info;
    const enum cxm_status status = cxm_tally_key_info(r->tally, key, &info);
    if (status != CXM_OK)
        return cxm_priv_fail(r->error, status, "", "%s", cxm_status_message(status));
    name_key(&info, key, field);
    if (info.type == CXM_KEY_TEXT || info.type == CXM_KEY_CATEGORY
        || info.type == CXM_KEY_BYTES)
        return fill_text_key(r, key, info.type == CXM_KEY_BYTES, field, out);
    if (info.type < 0 || (size_t)info.type >= CXM_COUNT(formats))
        return cxm_priv_fail(r->error, CXM_EUNSUPPORTED, "", "keys of an unknown type");
    memcpy(field->format, formats[info.type], strlen(formats[info.type]) + 1);
    return fill_number_key(r, key, info.type, out);
}

/* ---- tables ------------------------------------------------------------------------- */

/* A struct array and its children, in one block: pointers, then the structs. */
struct table {
    const void *buffers[1];
    struct ArrowArray *children[];
};

static void release_table(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release != NULL)
            array->children[i]->release(array->children[i]);
    cxm_priv_release(NULL, array->private_data);
    array->release = NULL;
}

/* No columns yet: children that were not filled count as released. */
static bool new_table(size_t n_columns, size_t n_rows, struct ArrowArray *out)
{
    const size_t each = sizeof(struct ArrowArray *) + sizeof(struct ArrowArray);
    struct table *table = cxm_priv_alloc_zero(NULL, 1, sizeof *table + n_columns * each);
    if (table == NULL)
        return false;
    struct ArrowArray *structs = (struct ArrowArray *)(void *)&table->children[n_columns];
    for (size_t i = 0; i < n_columns; i++)
        table->children[i] = &structs[i];
    *out = (struct ArrowArray){ .length = (int64_t)n_rows,
                                .n_buffers = 1,
                                .n_children = (int64_t)n_columns,
                                .buffers = table->buffers,
                                .children = table->children,
                                .release = release_table,
                                .private_data = table };
    return true;
}

/* ---- schemas ------------------------------------------------------------------------ */

static void release_field(struct ArrowSchema *schema)
{
    cxm_priv_release(NULL, schema->private_data);
    schema->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release != NULL)
            schema->children[i]->release(schema->children[i]);
    cxm_priv_release(NULL, schema->private_data);
    schema->release = NULL;
}

static bool new_field(const struct field *field, struct ArrowSchema *out)
{
    struct field *copy = cxm_priv_alloc(NULL, 1, sizeof *copy);
    if (copy == NULL)
        return false;
    *copy = *field;
    *out = (struct ArrowSchema){ .format = copy->format,
                                 .name = copy->name,
                                 .flags = ARROW_FLAG_NULLABLE,
                                 .release = release_field,
                                 .private_data = copy };
    return true;
}

static bool new_schema(const struct field *fields, size_t n, struct ArrowSchema *out)
{
    struct ArrowSchema **children =
        cxm_priv_alloc_zero(NULL, n, sizeof *children + sizeof **children);
    if (children == NULL)
        return false;
    struct ArrowSchema *structs = (struct ArrowSchema *)(void *)&children[n];
    for (size_t i = 0; i < n; i++)
        children[i] = &structs[i];
    struct ArrowSchema schema = { .format = "+s",
                                  .name = "",
                                  .n_children = (int64_t)n,
                                  .children = children,
                                  .release = release_schema,
                                  .private_data = children };
    for (size_t i = 0; i < n; i++) {
        if (!new_field(&fields[i], &structs[i])) {
            release_schema(&schema);
            return false;
        }
    }
    *out = schema;
    return true;
}

/* ---- the stream --------------------------------------------------------------------- */

struct stream {
    struct ArrowArray chunk; /* released once it was handed over */
    const char *failure;     /* what the last call complained about, or NULL */
    size_t n_fields;
    struct field fields[];
};

static int stream_get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct stream *stream = self->private_data;
    const bool ok = new_schema(stream->fields, stream->n_fields, out);
    stream->failure = ok ? NULL : "out of memory";
    return ok ? 0 : ENOMEM;
}

static int stream_get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct stream *stream = self->private_data;
    stream->failure = NULL;
    *out = stream->chunk;
    stream->chunk.release = NULL;
    return 0;
}

static const char *stream_get_last_error(struct ArrowArrayStream *self)
{
    return ((const struct stream *)self->private_data)->failure;
}

static void stream_release(struct ArrowArrayStream *self)
{
    struct stream *stream = self->private_data;
    if (stream->chunk.release != NULL)
        stream->chunk.release(&stream->chunk);
    cxm_priv_release(NULL, stream);
    self->release = NULL;
}

static enum cxm_status fill_columns(const struct report *r, size_t n_keys,
                                    struct stream *stream)
{
    enum cxm_status status = CXM_OK;
    for (size_t i = 0; i < stream->n_fields && status == CXM_OK; i++) {
        struct ArrowArray *column = stream->chunk.children[i];
        status = i < n_keys
                     ? fill_key(r, i, &stream->fields[i], column)
                     : fill_fixed(r, &fixed_columns[i - n_keys], &stream->fields[i], column);
    }
    return status;
}

static enum cxm_status new_stream(const struct report *r, struct ArrowArrayStream *out)
{
    const size_t n_keys = cxm_tally_n_keys(r->tally);
    const size_t n_fields = n_keys + CXM_COUNT(fixed_columns);
    struct stream *stream =
        cxm_priv_alloc_zero(NULL, 1, sizeof *stream + n_fields * sizeof(struct field));
    if (stream == NULL)
        return cxm_priv_no_memory(r->error);
    stream->n_fields = n_fields;
    struct ArrowArrayStream made = { stream_get_schema, stream_get_next, stream_get_last_error,
                                     stream_release, stream };
    const enum cxm_status status = new_table(n_fields, r->n_rows, &stream->chunk)
                                       ? fill_columns(r, n_keys, stream)
                                       : cxm_priv_no_memory(r->error);
    if (status == CXM_OK)
        *out = made;
    else
        stream_release(&made);
    return status;
}

/* ---- the report --------------------------------------------------------------------- */

static enum cxm_status read_measures(struct report *r)
{
    size_t n = 0;
    enum cxm_status status =
        cxm_tally_measures(r->tally, NULL, sizeof *r->measures, 0, &n, r->error);
    if (status != CXM_OK)
        return status;
    r->measures = cxm_priv_alloc_zero(NULL, n, sizeof *r->measures);
    if (r->measures == NULL)
        return cxm_priv_no_memory(r->error);
    if (n > 0)
        status = cxm_tally_measures(r->tally, r->measures, sizeof *r->measures, n,
                                    &r->n_measures, r->error);
    return status;
}

static enum cxm_status read_rows(struct report *r, const struct cxm_estimate_options *options)
{
    size_t n = 0;
    enum cxm_status status =
        cxm_tally_estimate(r->tally, options, NULL, sizeof *r->rows, 0, &n, r->error);
    if (status != CXM_OK)
        return status;
    r->rows = cxm_priv_alloc_zero(NULL, n, sizeof *r->rows);
    if (r->rows == NULL)
        return cxm_priv_no_memory(r->error);
    if (n > 0)
        status = cxm_tally_estimate(r->tally, options, r->rows, sizeof *r->rows, n, &r->n_rows,
                                    r->error);
    return status;
}

static enum cxm_status read_definition(struct report *r)
{
    const size_t bytes = cxm_tally_definition(r->tally, NULL, 0) + 1;
    r->definition = cxm_priv_alloc_zero(NULL, bytes, 1);
    if (r->definition == NULL)
        return cxm_priv_no_memory(r->error);
    (void)cxm_tally_definition(r->tally, r->definition, bytes);
    return CXM_OK;
}

enum cxm_status cxm_tally_to_arrow(struct cxm_tally *tally,
                                   const struct cxm_estimate_options *options,
                                   struct ArrowArrayStream *out, struct cxm_error *error)
{
    if (tally == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "",
                             "there is no tally or no place for a stream");
    struct report r = { .tally = tally, .error = error };
    cxm_tally_describe(tally, &r.info);
    enum cxm_status status = read_measures(&r);
    if (status == CXM_OK)
        status = read_rows(&r, options);
    if (status == CXM_OK)
        status = read_definition(&r);
    if (status == CXM_OK)
        status = new_stream(&r, out);
    cxm_priv_release(NULL, r.measures);
    cxm_priv_release(NULL, r.rows);
    cxm_priv_release(NULL, r.definition);
    return status;
}
