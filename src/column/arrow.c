/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Taking over Arrow data: the C data and C stream interfaces, without any Arrow library.
 *
 * A stream is moved out of its owner, drained and released; its chunks and its schema are kept
 * until cxm_arrow_free, because columns point into them. Typically 1 to 1000 chunks of 2^10 to
 * 2^20 rows, 1 to 100 columns; a stream without any chunk and columns of no rows are normal.
 *
 * What a producer says is checked here as far as it does not depend on types (signs, sums,
 * counts, missing pointers); buffers are looked at when a column is asked for, so that a column
 * of an unknown type harms nobody. The interface does not tell how large buffers are: a
 * producer that lies about the length of a buffer cannot be found out.
 *
 * Ownership: whatever a producer handed over is stored in the cxm_arrow before anything that
 * can fail is done, so there is one way out, cxm_arrow_free, which releases each thing once.
 * Reference: Arrow C data interface and C stream interface, arrow.apache.org/docs/format. */
#include "column/arrow_import.h"

/* More elements than any machine can address, and few enough that no sum or product of the
 * sizes below leaves int64 or ptrdiff_t (elements have 16 bytes at most). */
#define MOST_ELEMENTS ((int64_t)(PTRDIFF_MAX / 64))
#define MOST_CHILDREN ((int64_t)INT32_MAX)

/* ---- checking what was handed over -------------------------------------------------- */

static enum cxm_status corrupt(struct cxm_error *error, const char *name, const char *what)
{
    return cxm_priv_fail(error, CXM_ECORRUPT, name, "Arrow data contradict themselves: %s",
                         what);
}

static const char *name_of(const struct ArrowSchema *schema)
{
    return schema->name != NULL ? schema->name : "";
}

static enum cxm_status check_children(const struct ArrowSchema *schema,
                                      const struct ArrowArray *array, const char *name,
                                      struct cxm_error *error)
{
    if (array->n_children != schema->n_children)
        return corrupt(error, name,
                       "the array and its schema have different numbers of children");
    if (array->n_children > 0 && array->children == NULL)
        return corrupt(error, name, "the array has no list of children");
    if ((array->dictionary == NULL) != (schema->dictionary == NULL))
        return corrupt(error, name, "a dictionary is in only one of array and schema");
    return CXM_OK;
}

enum cxm_status cxm_priv_arrow_check(const struct ArrowSchema *schema,
                                     const struct ArrowArray *array, const char *name,
                                     struct cxm_error *error)
{
    if (array->release == NULL)
        return corrupt(error, name, "the array was already released");
    if (array->length < 0 || array->length > MOST_ELEMENTS)
        return corrupt(error, name, "the length is negative or too large");
    if (array->offset < 0 || array->offset > MOST_ELEMENTS)
        return corrupt(error, name, "the offset is negative or too large");
    if (array->null_count < -1 || array->null_count > array->length)
        return corrupt(error, name, "the null count is not between -1 and the length");
    if (array->n_buffers < 0 || array->n_buffers > MOST_CHILDREN)
        return corrupt(error, name, "the number of buffers is negative or too large");
    if (array->n_buffers > 0 && array->buffers == NULL)
        return corrupt(error, name, "the array has no list of buffers");
    return check_children(schema, array, name, error);
}

static enum cxm_status check_schema(const struct ArrowSchema *schema, const char *name,
                                    struct cxm_error *error)
{
    if (schema->release == NULL)
        return corrupt(error, name, "the schema was already released");
    if (schema->format == NULL)
        return corrupt(error, name, "the schema has no format");
    if (schema->n_children < 0 || schema->n_children > MOST_CHILDREN)
        return corrupt(error, name, "the number of children is negative or too large");
    if (schema->n_children > 0 && schema->children == NULL)
        return corrupt(error, name, "the schema has no list of children");
    if (schema->dictionary != NULL && schema->dictionary->format == NULL)
        return corrupt(error, name, "the schema of the dictionary has no format");
    return CXM_OK;
}

static enum cxm_status check_root_schema(const struct ArrowSchema *root,
                                         struct cxm_error *error)
{
    enum cxm_status status = check_schema(root, "", error);
    if (status != CXM_OK || strcmp(root->format, "+s") != 0)
        return status;
    if (root->dictionary != NULL)
        return corrupt(error, "", "a table has a dictionary");
    for (int64_t i = 0; i < root->n_children && status == CXM_OK; i++) {
        const struct ArrowSchema *child = root->children[i];
        if (child == NULL)
            return corrupt(error, "", "the schema of a column is missing");
        status = check_schema(child, name_of(child), error);
    }
    return status;
}

/* The columns of one batch: row k of the batch is element struct.offset + k of each. */
static enum cxm_status check_batch(const struct ArrowSchema *schema,
                                   const struct ArrowArray *batch, struct cxm_error *error)
{
    if (batch->n_buffers != 1)
        return corrupt(error, "", "a table does not have exactly one buffer");
    if (batch->null_count > 0 && batch->buffers[0] == NULL)
        return corrupt(error, "", "a table has nulls but no validity bitmap");
    for (int64_t i = 0; i < batch->n_children; i++) {
        const struct ArrowArray *child = batch->children[i];
        const char *name = name_of(schema->children[i]);
        if (child == NULL)
            return corrupt(error, name, "the array of the column is missing");
        const enum cxm_status status =
            cxm_priv_arrow_check(schema->children[i], child, name, error);
        if (status != CXM_OK)
            return status;
        if (child->length < batch->offset + batch->length)
            return corrupt(error, name, "the column is shorter than its table");
    }
    return CXM_OK;
}

static enum cxm_status check_chunk(const struct cxm_arrow *arrow,
                                   const struct ArrowArray *chunk, struct cxm_error *error)
{
    const char *name = arrow->is_table ? "" : name_of(&arrow->schema);
    const enum cxm_status status = cxm_priv_arrow_check(&arrow->schema, chunk, name, error);
    if (status != CXM_OK || !arrow->is_table)
        return status;
    return check_batch(&arrow->schema, chunk, error);
}

/* ---- the object --------------------------------------------------------------------- */

static struct cxm_arrow *new_arrow(const struct cxm_allocator *allocator)
{
    allocator = cxm_priv_allocator(allocator);
    struct cxm_arrow *arrow = cxm_priv_alloc_zero(allocator, 1, sizeof *arrow);
    if (arrow != NULL)
        arrow->allocator = *allocator;
    return arrow;
}

void cxm_priv_arrow_free_blocks(const struct cxm_arrow *arrow, struct cxm_arrow_block *blocks)
{
    while (blocks != NULL) {
        struct cxm_arrow_block *next = blocks->next;
        cxm_priv_release(&arrow->allocator, blocks);
        blocks = next;
    }
}

void cxm_arrow_free(struct cxm_arrow *arrow)
{
    if (arrow == NULL)
        return;
    for (int64_t i = 0; arrow->views != NULL && i < arrow->n_columns; i++)
        cxm_priv_arrow_free_blocks(arrow, arrow->views[i].blocks);
    for (int64_t i = 0; i < arrow->n_chunks; i++)
        arrow->chunks[i].release(&arrow->chunks[i]);
    if (arrow->schema.release != NULL)
        arrow->schema.release(&arrow->schema);
    const struct cxm_allocator allocator = arrow->allocator;
    cxm_priv_release(&allocator, arrow->views);
    cxm_priv_release(&allocator, arrow->chunks);
    cxm_priv_release(&allocator, arrow);
}

/* Looks at the schema, which the object already owns. */
static enum cxm_status accept_schema(struct cxm_arrow *arrow, struct cxm_error *error)
{
    const enum cxm_status status = check_root_schema(&arrow->schema, error);
    if (status != CXM_OK)
        return status;
    arrow->is_table = strcmp(arrow->schema.format, "+s") == 0;
    const int64_t n_columns = arrow->is_table ? arrow->schema.n_children : 1;
    arrow->views =
        cxm_priv_alloc_zero(&arrow->allocator, (size_t)n_columns, sizeof *arrow->views);
    if (arrow->views == NULL)
        return cxm_priv_no_memory(error);
    arrow->n_columns = n_columns;
    return CXM_OK;
}

/* Makes room for one more chunk, before there is one that could be lost. */
static enum cxm_status reserve_chunk(struct cxm_arrow *arrow, struct cxm_error *error)
{
    if (arrow->n_chunks == arrow->capacity) {
        const int64_t capacity = arrow->capacity > 0 ? 2 * arrow->capacity : 4;
        struct ArrowArray *chunks =
            cxm_priv_grow(&arrow->allocator, arrow->chunks, (size_t)arrow->capacity,
                          (size_t)capacity, sizeof *chunks);
        if (chunks == NULL)
            return cxm_priv_no_memory(error);
        arrow->chunks = chunks;
        arrow->capacity = capacity;
    }
    memset(&arrow->chunks[arrow->n_chunks], 0, sizeof *arrow->chunks);
    return CXM_OK;
}

/* Looks at the last chunk, which the object already owns. */
static enum cxm_status accept_chunk(struct cxm_arrow *arrow, struct cxm_error *error)
{
    const struct ArrowArray *chunk = &arrow->chunks[arrow->n_chunks - 1];
    const enum cxm_status status = check_chunk(arrow, chunk, error);
    if (status != CXM_OK)
        return status;
    if (chunk->length > MOST_ELEMENTS - arrow->rows)
        return corrupt(error, "", "the chunks have too many rows together");
    arrow->rows += chunk->length;
    return CXM_OK;
}

/* ---- streams ------------------------------------------------------------------------ */

/* Must follow the failed call at once: the text lives until the next call. */
static enum cxm_status producer_failed(struct ArrowArrayStream *stream, int code,
                                       struct cxm_error *error)
{
    const char *text = stream->get_last_error != NULL ? stream->get_last_error(stream) : NULL;
    if (text != NULL && text[0] != '\0')
        return cxm_priv_fail(error, CXM_EINVAL, "",
                             "the producer of the Arrow stream failed: %s", text);
    return cxm_priv_fail(error, CXM_EINVAL, "",
                         "the producer of the Arrow stream failed with code %d", code);
}

static enum cxm_status drain(struct ArrowArrayStream *stream, struct cxm_arrow *arrow,
                             struct cxm_error *error)
{
    if (stream->get_schema == NULL || stream->get_next == NULL)
        return corrupt(error, "", "the stream has no functions");
    int code = stream->get_schema(stream, &arrow->schema);
    if (code != 0) {
        arrow->schema.release = NULL; /* nothing was handed over */
        return producer_failed(stream, code, error);
    }
    enum cxm_status status = accept_schema(arrow, error);
    while (status == CXM_OK && (status = reserve_chunk(arrow, error)) == CXM_OK) {
        struct ArrowArray *chunk = &arrow->chunks[arrow->n_chunks];
        code = stream->get_next(stream, chunk);
        if (code != 0)
            return producer_failed(stream, code, error);
        if (chunk->release == NULL)
            return CXM_OK; /* the end */
        arrow->n_chunks++;
        status = accept_chunk(arrow, error);
    }
    return status;
}

enum cxm_status cxm_arrow_from_stream(struct ArrowArrayStream *stream,
                                      const struct cxm_allocator *allocator,
                                      struct cxm_arrow **out, struct cxm_error *error)
{
    if (stream == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "stream", "there is no stream");
    if (stream->release == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "stream",
                             "the Arrow stream was already used; a stream can be read once");
    struct ArrowArrayStream taken = *stream;
    stream->release = NULL;

    enum cxm_status status;
    struct cxm_arrow *arrow = NULL;
    if (out == NULL)
        status = cxm_priv_fail(error, CXM_EINVAL, "out", "there is no place for the result");
    else if ((arrow = new_arrow(allocator)) == NULL)
        status = cxm_priv_no_memory(error);
    else
        status = drain(&taken, arrow, error);
    taken.release(&taken);
    if (status != CXM_OK) {
        cxm_arrow_free(arrow);
        return status;
    }
    *out = arrow;
    return CXM_OK;
}

/* ---- one array ---------------------------------------------------------------------- */

static enum cxm_status take_array(struct cxm_arrow *arrow, struct ArrowArray *array,
                                  struct cxm_error *error)
{
    enum cxm_status status = reserve_chunk(arrow, error);
    if (status != CXM_OK)
        return status;
    arrow->chunks[0] = *array;
    arrow->n_chunks = 1;
    array->release = NULL;
    status = accept_schema(arrow, error);
    return status == CXM_OK ? accept_chunk(arrow, error) : status;
}

enum cxm_status cxm_arrow_from_array(struct ArrowSchema *schema, struct ArrowArray *array,
                                     const struct cxm_allocator *allocator,
                                     struct cxm_arrow **out, struct cxm_error *error)
{
    enum cxm_status status;
    struct cxm_arrow *arrow = NULL;
    const bool alive =
        schema != NULL && schema->release != NULL && array != NULL && array->release != NULL;
    if (!alive)
        status = cxm_priv_fail(error, CXM_EINVAL, "array",
                               "the Arrow array or its schema is missing or was already used");
    else if (out == NULL)
        status = cxm_priv_fail(error, CXM_EINVAL, "out", "there is no place for the result");
    else if ((arrow = new_arrow(allocator)) == NULL)
        status = cxm_priv_no_memory(error);
    else {
        arrow->schema = *schema;
        schema->release = NULL;
        status = take_array(arrow, array, error);
    }
    if (status == CXM_OK) {
        *out = arrow;
        return CXM_OK;
    }
    /* Both were given away, so whatever did not get into the object ends here. */
    cxm_arrow_free(arrow);
    if (array != NULL && array->release != NULL)
        array->release(array);
    if (schema != NULL && schema->release != NULL)
        schema->release(schema);
    if (array != NULL)
        array->release = NULL;
    if (schema != NULL)
        schema->release = NULL;
    return status;
}

/* ---- names -------------------------------------------------------------------------- */

int64_t cxm_arrow_rows(const struct cxm_arrow *arrow)
{
    return arrow != NULL ? arrow->rows : 0;
}

int64_t cxm_arrow_columns(const struct cxm_arrow *arrow)
{
    return arrow != NULL ? arrow->n_columns : 0;
}

const char *cxm_arrow_name(const struct cxm_arrow *arrow, int64_t index)
{
    if (arrow == NULL || index < 0 || index >= arrow->n_columns)
        return NULL;
    return name_of(cxm_priv_arrow_schema(arrow, index));
}

int64_t cxm_arrow_find(const struct cxm_arrow *arrow, const char *name)
{
    int64_t found = -1;
    for (int64_t i = 0; name != NULL && i < cxm_arrow_columns(arrow); i++) {
        if (strcmp(cxm_arrow_name(arrow, i), name) != 0)
            continue;
        if (found >= 0)
            return -2;
        found = i;
    }
    return found;
}
