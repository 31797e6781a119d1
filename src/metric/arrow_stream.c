/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tables as Arrow C streams of one chunk: the objects of the interface, and who frees them.
 *
 * Each column is one block of memory that holds its array's private part and its buffers, so
 * that a consumer may move a column out and release the rest, as the interface allows. The
 * blocks come from malloc and not from an allocator of ours: they outlive every object of the
 * library, in hands that know neither.
 *
 * Reference: Arrow C data interface, "Release callback semantics". */
#include "metric/arrow_stream.h"

#include <errno.h>

/* ---- columns that own their memory -------------------------------------------------- */

enum { BUFFER_ALIGNMENT = 64 };

static void release_column(struct ArrowArray *array)
{
    cxm_priv_release(NULL, array->private_data);
    array->release = NULL;
}

static size_t aligned(size_t bytes)
{
    return (bytes + BUFFER_ALIGNMENT - 1) / BUFFER_ALIGNMENT * BUFFER_ALIGNMENT;
}

struct cxm_arrow_block *cxm_priv_arrow_block(size_t n, size_t data_bytes, bool has_text,
                                             size_t text_bytes, struct ArrowArray *out)
{
    const size_t bitmap_bytes = n / 8 + 1;
    if (data_bytes > SIZE_MAX / 4 || text_bytes > SIZE_MAX / 4)
        return NULL;
    const size_t head = aligned(sizeof(struct cxm_arrow_block));
    const size_t bytes =
        head + aligned(bitmap_bytes) + aligned(data_bytes) + aligned(text_bytes);
    struct cxm_arrow_block *block = cxm_priv_alloc_zero_dense(NULL, bytes + BUFFER_ALIGNMENT, 1);
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

/* ---- tables ------------------------------------------------------------------------- */

/* A struct array and its children, in one block: pointers, then the structs. */
struct children {
    const void *buffers[1];
    struct ArrowArray *children[];
};

static void release_chunk(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release != NULL)
            array->children[i]->release(array->children[i]);
    cxm_priv_release(NULL, array->private_data);
    array->release = NULL;
}

/* No columns yet: children that were not filled count as released. */
static bool new_chunk(size_t n_columns, size_t n_rows, struct ArrowArray *out)
{
    const size_t each = sizeof(struct ArrowArray *) + sizeof(struct ArrowArray);
    struct children *own = cxm_priv_alloc_zero(NULL, 1, sizeof *own + n_columns * each);
    if (own == NULL)
        return false;
    struct ArrowArray *structs = (struct ArrowArray *)(void *)&own->children[n_columns];
    for (size_t i = 0; i < n_columns; i++)
        own->children[i] = &structs[i];
    *out = (struct ArrowArray){ .length = (int64_t)n_rows,
                                .n_buffers = 1,
                                .n_children = (int64_t)n_columns,
                                .buffers = own->buffers,
                                .children = own->children,
                                .release = release_chunk,
                                .private_data = own };
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

static bool new_field(const struct cxm_arrow_field *field, struct ArrowSchema *out)
{
    struct cxm_arrow_field *copy = cxm_priv_alloc(NULL, 1, sizeof *copy);
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

static bool new_schema(const struct cxm_arrow_field *fields, size_t n, struct ArrowSchema *out)
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

static int stream_get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct cxm_arrow_table *table = self->private_data;
    const bool ok = new_schema(table->fields, table->n_fields, out);
    table->failure = ok ? NULL : "out of memory";
    return ok ? 0 : ENOMEM;
}

static int stream_get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct cxm_arrow_table *table = self->private_data;
    table->failure = NULL;
    *out = table->chunk;
    table->chunk.release = NULL;
    return 0;
}

static const char *stream_get_last_error(struct ArrowArrayStream *self)
{
    return ((const struct cxm_arrow_table *)self->private_data)->failure;
}

static void stream_release(struct ArrowArrayStream *self)
{
    cxm_priv_arrow_drop(self->private_data);
    self->release = NULL;
}

struct cxm_arrow_table *cxm_priv_arrow_table(size_t n_columns, const int64_t *rows,
                                             size_t n_rows)
{
    struct cxm_arrow_table *table =
        cxm_priv_alloc_zero(NULL, 1, sizeof *table + n_columns * sizeof(struct cxm_arrow_field));
    if (table == NULL)
        return NULL;
    table->n_fields = n_columns;
    table->rows = rows;
    if (new_chunk(n_columns, n_rows, &table->chunk))
        return table;
    cxm_priv_release(NULL, table);
    return NULL;
}

void cxm_priv_arrow_drop(struct cxm_arrow_table *table)
{
    if (table != NULL && table->chunk.release != NULL)
        table->chunk.release(&table->chunk);
    cxm_priv_release(NULL, table);
}

void cxm_priv_arrow_stream(struct cxm_arrow_table *table, struct ArrowArrayStream *out)
{
    *out = (struct ArrowArrayStream){ stream_get_schema, stream_get_next,
                                      stream_get_last_error, stream_release, table };
}
