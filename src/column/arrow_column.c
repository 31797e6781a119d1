/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Arrow columns as columns of ours: the same memory, seen through struct cxm_column.
 *
 * Row k of a batch is element struct.offset + k + child.offset of the child's buffers: `first`
 * below is that sum for k = 0. Fixed-size elements move their data pointer there; bits,
 * offsets and views keep the pointer and say how many elements to skip.
 *
 * The only memory made here is small: the parts of a chunked column, the size of each heap,
 * and, where a table has null rows of its own, a bitmap that joins them with the nulls of the
 * column (one bit a row). */
#include "column/arrow_import.h"

/* What is being built: one column of one arrow. */
struct builder {
    struct cxm_arrow *arrow;
    const char *name;
    const struct ArrowSchema *schema;
    struct cxm_arrow_format format;     /* of the elements, or of the dictionary's indexes */
    struct cxm_arrow_format dictionary; /* of the dictionary's values */
    struct cxm_arrow_block *blocks;
    struct cxm_error *error;
};

/* Elements of an array, counted from the start of its buffers. */
struct span {
    int64_t first, n;
};

static enum cxm_status corrupt(const struct builder *b, const char *what)
{
    return cxm_priv_fail(b->error, CXM_ECORRUPT, b->name,
                         "Arrow data contradict themselves: %s", what);
}

/* Zeroed memory that lives as long as the column; NULL when there is none. */
static void *keep(struct builder *b, int64_t count, size_t bytes)
{
    const uint64_t most = SIZE_MAX - sizeof(struct cxm_arrow_block);
    if ((uint64_t)count > most / bytes)
        return NULL;
    struct cxm_arrow_block *block =
        cxm_priv_alloc_zero(&b->arrow->allocator, 1, sizeof *block + (size_t)count * bytes);
    if (block == NULL)
        return NULL;
    block->next = b->blocks;
    b->blocks = block;
    return block->memory;
}

/* ---- one array ---------------------------------------------------------------------- */

static enum cxm_status set_validity(const struct builder *b, const struct ArrowArray *array,
                                    struct span span, struct cxm_column *out)
{
    if (array->null_count == 0 || array->buffers[0] == NULL) {
        if (array->null_count > 0)
            return corrupt(b, "there are nulls but no validity bitmap");
        return CXM_OK;
    }
    out->validity = array->buffers[0];
    out->validity_offset = span.first;
    return CXM_OK;
}

static enum cxm_status set_elements(const struct builder *b, const struct ArrowArray *array,
                                    const struct cxm_arrow_format *format, struct span span,
                                    struct cxm_column *out)
{
    if (array->n_buffers != 2)
        return corrupt(b, "the column does not have exactly two buffers");
    if (span.n == 0)
        return CXM_OK;
    const char *data = array->buffers[1];
    if (data == NULL)
        return corrupt(b, "the buffer of the values is missing");
    if (format->layout == CXM_ARROW_BIT) {
        out->data = data;
        out->offset = span.first;
    } else {
        out->data = data + span.first * format->width;
    }
    return CXM_OK;
}

static int64_t read_offset(const char *offsets, int64_t width, int64_t at)
{
    int64_t large = 0;
    int32_t small = 0;
    if (width == 8)
        memcpy(&large, offsets + at * width, sizeof large);
    else
        memcpy(&small, offsets + at * width, sizeof small);
    return width == 8 ? large : small;
}

/* The text ends where the last offset says; that the others are in order is checked with the
 * finished column. */
static enum cxm_status set_text(struct builder *b, const struct ArrowArray *array,
                                const struct cxm_arrow_format *format, struct span span,
                                struct cxm_column *out)
{
    if (array->n_buffers != 3)
        return corrupt(b, "the text column does not have exactly three buffers");
    if (span.n == 0)
        return CXM_OK;
    const char *offsets = array->buffers[1];
    if (offsets == NULL)
        return corrupt(b, "the buffer of the offsets is missing");
    const int64_t end = read_offset(offsets, format->width, span.first + span.n);
    if (end < 0)
        return corrupt(b, "an offset into the text is negative");
    if (end > 0 && array->buffers[2] == NULL)
        return corrupt(b, "the buffer of the text is missing");
    int64_t *bytes = keep(b, 1, sizeof *bytes);
    if (bytes == NULL)
        return cxm_priv_no_memory(b->error);
    *bytes = end;
    out->data = offsets;
    out->offset = span.first;
    out->heap = array->buffers[2] != NULL ? array->buffers[2] : "";
    out->heap_bytes = bytes;
    return CXM_OK;
}

/* Buffers: validity, views, any number of texts, and the sizes of these texts last. The sizes
 * are copied, because theirs need not be aligned. */
static enum cxm_status set_views(struct builder *b, const struct ArrowArray *array,
                                 struct span span, struct cxm_column *out)
{
    if (array->n_buffers < 3)
        return corrupt(b, "the text column has fewer than three buffers");
    if (span.n == 0)
        return CXM_OK;
    if (array->buffers[1] == NULL)
        return corrupt(b, "the buffer of the views is missing");
    const int64_t n = array->n_buffers - 3;
    const char *sizes = array->buffers[array->n_buffers - 1];
    if (n > 0 && sizes == NULL)
        return corrupt(b, "the sizes of the texts are missing");
    int64_t *bytes = keep(b, n + 1, sizeof *bytes);
    if (bytes == NULL)
        return cxm_priv_no_memory(b->error);
    for (int64_t i = 0; i < n; i++) {
        memcpy(&bytes[i], sizes + i * (int64_t)sizeof *bytes, sizeof *bytes);
        if (bytes[i] < 0 || (bytes[i] > 0 && array->buffers[2 + i] == NULL))
            return corrupt(b, "the size of a text is negative, or the text is missing");
    }
    out->data = array->buffers[1];
    out->offset = span.first;
    out->heap = array->buffers + 2;
    out->heap_bytes = bytes;
    out->n_buffers = n;
    return CXM_OK;
}

/* A column without elements: what the format alone says. */
static struct cxm_column empty_column(const struct builder *b,
                                      const struct cxm_arrow_format *format)
{
    struct cxm_column column;
    memset(&column, 0, sizeof column);
    column.name = b->name[0] != '\0' ? b->name : NULL;
    column.type = format->type;
    column.stride = format->layout == CXM_ARROW_FIXED ? format->width : 0;
    column.width = format->layout == CXM_ARROW_FIXED ? (uint32_t)format->width : 0;
    column.flags = format->flags;
    column.time_unit = format->time_unit;
    column.scale = format->scale;
    return column;
}

static enum cxm_status set_array(struct builder *b, const struct ArrowArray *array,
                                 const struct cxm_arrow_format *format, struct span span,
                                 struct cxm_column *out)
{
    *out = empty_column(b, format);
    out->n = span.n;
    enum cxm_status status;
    switch (format->layout) {
    case CXM_ARROW_NOTHING: return CXM_OK;
    case CXM_ARROW_OFFSETS: status = set_text(b, array, format, span, out); break;
    case CXM_ARROW_VIEWS: status = set_views(b, array, span, out); break;
    default: status = set_elements(b, array, format, span, out); break;
    }
    return status == CXM_OK ? set_validity(b, array, span, out) : status;
}

/* ---- rows that are null as a whole -------------------------------------------------- */

/* Bits at … at + 7 of a bitmap, as far as `count` of them exist; no byte more is touched. */
static unsigned eight_bits(const uint8_t *bitmap, int64_t at, int64_t count)
{
    const unsigned mask = count >= 8 ? 0xFFu : (1u << count) - 1;
    const int shift = (int)(at & 7);
    unsigned bits = (unsigned)bitmap[at >> 3] >> shift;
    if (shift + (count < 8 ? count : 8) > 8)
        bits |= (unsigned)bitmap[(at >> 3) + 1] << (8 - shift);
    return bits & mask;
}

static bool all_set(const uint8_t *bitmap, struct span span)
{
    for (int64_t k = 0; k < span.n; k += 8) {
        const int64_t left = span.n - k;
        if (eight_bits(bitmap, span.first + k, left) != (left >= 8 ? 0xFFu : (1u << left) - 1))
            return false;
    }
    return true;
}

/* A row that is null in the table is null in every column of it. */
static enum cxm_status join_validity(struct builder *b, const struct ArrowArray *batch,
                                     struct cxm_column *out)
{
    const uint8_t *rows = batch->null_count != 0 ? batch->buffers[0] : NULL;
    const struct span span = { batch->offset, out->n };
    if (rows == NULL || out->type == CXM_NULL || all_set(rows, span))
        return CXM_OK;
    uint8_t *joined = keep(b, (span.n + 7) / 8, 1);
    if (joined == NULL)
        return cxm_priv_no_memory(b->error);
    for (int64_t k = 0; k < span.n; k += 8) {
        unsigned bits = eight_bits(rows, span.first + k, span.n - k);
        if (out->validity != NULL)
            bits &= eight_bits(out->validity, out->validity_offset + k, span.n - k);
        joined[k >> 3] = (uint8_t)bits;
    }
    out->validity = joined;
    out->validity_offset = 0;
    return CXM_OK;
}

/* ---- dictionaries ------------------------------------------------------------------- */

static bool is_index_type(uint32_t type)
{
    return type >= CXM_I8 && type <= CXM_U64;
}

/* The texts of views are a list of pointers, which is the chunk's own. */
static bool same_heap(const struct cxm_column *a, const struct cxm_column *b)
{
    if (a->type != CXM_UTF8_VIEW || a->heap == NULL || b->heap == NULL)
        return a->heap == b->heap;
    return a->n_buffers == b->n_buffers
           && memcmp(a->heap, b->heap, (size_t)a->n_buffers * sizeof(void *)) == 0;
}

static bool same_memory(const struct cxm_column *a, const struct cxm_column *b)
{
    return a->data == b->data && a->offset == b->offset && a->n == b->n
           && a->validity == b->validity && a->validity_offset == b->validity_offset
           && same_heap(a, b);
}

/* Chunks often bring one dictionary again and again: then they share the column too. */
static enum cxm_status set_dictionary(struct builder *b, const struct ArrowArray *array,
                                      const struct cxm_column *before, struct cxm_column *out)
{
    const struct ArrowArray *values = array->dictionary;
    enum cxm_status status =
        cxm_priv_arrow_check(b->schema->dictionary, values, b->name, b->error);
    if (status != CXM_OK)
        return status;
    struct cxm_column *dictionary = keep(b, 1, sizeof *dictionary);
    if (dictionary == NULL)
        return cxm_priv_no_memory(b->error);
    const struct span span = { values->offset, values->length };
    status = set_array(b, values, &b->dictionary, span, dictionary);
    out->dictionary = before != NULL && same_memory(before, dictionary) ? before : dictionary;
    return status;
}

static enum cxm_status read_formats(struct builder *b)
{
    const struct ArrowSchema *values = b->schema->dictionary;
    enum cxm_status status = cxm_priv_arrow_format(b->schema, b->name, &b->format, b->error);
    if (status != CXM_OK || values == NULL)
        return status;
    if (!is_index_type(b->format.type) || b->format.time_unit != CXM_NO_TIME)
        return cxm_priv_fail(
            b->error, CXM_ECORRUPT, b->name,
            "the indexes of a dictionary have the Arrow format \"%.40s\", which "
            "is no integer",
            b->schema->format);
    if (values->dictionary != NULL)
        return cxm_priv_fail(b->error, CXM_EUNSUPPORTED, b->name,
                             "a dictionary inside a dictionary cannot be read");
    if ((b->schema->flags & ARROW_FLAG_DICTIONARY_ORDERED) != 0)
        b->format.flags |= CXM_COLUMN_ORDERED;
    return cxm_priv_arrow_format(values, b->name, &b->dictionary, b->error);
}

/* ---- columns ------------------------------------------------------------------------ */

/* The column within one chunk. */
static enum cxm_status
build_part(struct builder *b, int64_t index, const struct ArrowArray *chunk,
           const struct cxm_column *dictionary_before, struct cxm_column *out)
{
    const bool is_table = b->arrow->is_table;
    const struct ArrowArray *array = is_table ? chunk->children[index] : chunk;
    const struct span span = { array->offset + (is_table ? chunk->offset : 0), chunk->length };
    enum cxm_status status = set_array(b, array, &b->format, span, out);
    if (status == CXM_OK && is_table)
        status = join_validity(b, chunk, out);
    if (status == CXM_OK && b->schema->dictionary != NULL)
        status = set_dictionary(b, array, dictionary_before, out);
    return status;
}

/* How many chunks matter: empty ones do not, unless there is nothing else. */
static int64_t count_parts(const struct cxm_arrow *arrow)
{
    int64_t n = 0;
    for (int64_t i = 0; i < arrow->n_chunks; i++)
        n += arrow->chunks[i].length > 0;
    return n > 0 ? n : arrow->n_chunks > 0;
}

static enum cxm_status build_parts(struct builder *b, int64_t index, struct cxm_column *parts,
                                   int64_t n_parts)
{
    const struct cxm_column *dictionary = NULL;
    int64_t part = 0;
    for (int64_t i = 0; part < n_parts; i++) {
        const struct ArrowArray *chunk = &b->arrow->chunks[i];
        if (chunk->length == 0 && b->arrow->rows > 0)
            continue;
        const enum cxm_status status = build_part(b, index, chunk, dictionary, &parts[part]);
        if (status != CXM_OK)
            return status;
        dictionary = parts[part++].dictionary;
    }
    return CXM_OK;
}

/* A stream without chunks still has a type, and a dictionary without values. */
static enum cxm_status build_empty(struct builder *b, struct cxm_column *out)
{
    *out = empty_column(b, &b->format);
    if (b->schema->dictionary == NULL)
        return CXM_OK;
    struct cxm_column *dictionary = keep(b, 1, sizeof *dictionary);
    if (dictionary == NULL)
        return cxm_priv_no_memory(b->error);
    *dictionary = empty_column(b, &b->dictionary);
    out->dictionary = dictionary;
    return CXM_OK;
}

static enum cxm_status build(struct builder *b, int64_t index, struct cxm_column *out)
{
    enum cxm_status status = read_formats(b);
    if (status != CXM_OK)
        return status;
    const int64_t n_parts = count_parts(b->arrow);
    if (n_parts == 0)
        return build_empty(b, out);
    if (n_parts == 1)
        return build_parts(b, index, out, 1);
    struct cxm_column *parts = keep(b, n_parts, sizeof *parts);
    if (parts == NULL)
        return cxm_priv_no_memory(b->error);
    status = build_parts(b, index, parts, n_parts);
    *out = empty_column(b, &b->format);
    out->n = b->arrow->rows;
    out->chunks = parts;
    out->n_chunks = n_parts;
    return status;
}

enum cxm_status cxm_arrow_column(struct cxm_arrow *arrow, int64_t index, struct cxm_column *out,
                                 struct cxm_error *error)
{
    if (arrow == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "",
                             "there is no table or no place for a column");
    if (index < 0 || index >= arrow->n_columns)
        return cxm_priv_fail(error, CXM_EINVAL, "",
                             "there is no column %lld; the table has %lld columns",
                             (long long)index, (long long)arrow->n_columns);
    struct cxm_arrow_view *view = &arrow->views[index];
    if (!view->ready) {
        struct builder b = { .arrow = arrow,
                             .name = cxm_arrow_name(arrow, index),
                             .schema = cxm_priv_arrow_schema(arrow, index),
                             .error = error };
        struct cxm_column column;
        enum cxm_status status = build(&b, index, &column);
        if (status == CXM_OK)
            status = cxm_column_check(&column, error);
        if (status != CXM_OK) {
            cxm_priv_arrow_free_blocks(arrow, b.blocks);
            return status;
        }
        *view = (struct cxm_arrow_view){ true, column, b.blocks };
    }
    *out = view->column;
    return CXM_OK;
}
