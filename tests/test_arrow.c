/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The Arrow importer against a producer of our own that counts what is alive: every format,
 * slices, chunks, dictionaries, failures of the producer, forged data, lack of memory. Values
 * are read through the readers of the column layer, as the metrics do. Expected values were
 * written down together with the bytes that hold them. */
#include "testing.h"

#include "column/read.h"

#include <cxm/arrow.h>

/* ---- a producer that counts --------------------------------------------------------- */

enum { MOST = 8 };

static int live;           /* schemas, arrays and streams not yet released */
static int wrong_releases; /* released twice, or a child instead of its base */

/* Corruptions change the public structs; what is to be freed is remembered apart. */
struct node {
    struct node *children[MOST], *dictionary;
    int n_children;
    void *self;             /* malloc'ed struct of a child, NULL for a base */
    const void *buffers[MOST];
    struct ArrowSchema *schemas[MOST];  /* lists of children: one of the two is used */
    struct ArrowArray *arrays[MOST];
};

static void free_node(struct node *node)
{
    for (int i = 0; i < node->n_children; i++)
        free_node(node->children[i]);
    if (node->dictionary != NULL)
        free_node(node->dictionary);
    free(node->self);
    free(node);
    live--;
}

static void release_schema(struct ArrowSchema *schema)
{
    struct node *node = schema->private_data;
    wrong_releases += schema->release != release_schema || node->self != NULL;
    schema->release = NULL;
    free_node(node);
}

static void release_array(struct ArrowArray *array)
{
    struct node *node = array->private_data;
    wrong_releases += array->release != release_array || node->self != NULL;
    array->release = NULL;
    free_node(node);
}

static struct ArrowSchema schema(const char *format, const char *name)
{
    live++;
    struct node *node = calloc(1, sizeof *node);
    return (struct ArrowSchema){ .format = format, .name = name, .release = release_schema,
                                 .private_data = node };
}

static struct ArrowSchema *keep_schema(struct ArrowSchema value)
{
    struct ArrowSchema *copy = malloc(sizeof *copy);
    *copy = value;
    ((struct node *)copy->private_data)->self = copy;
    return copy;
}

static void add_schema(struct ArrowSchema *parent, struct ArrowSchema child)
{
    struct node *node = parent->private_data;
    node->children[node->n_children] = child.private_data;
    node->schemas[node->n_children++] = keep_schema(child);
    parent->children = node->schemas;
    parent->n_children = node->n_children;
}

static struct ArrowSchema with_dictionary(struct ArrowSchema indexes, struct ArrowSchema values)
{
    ((struct node *)indexes.private_data)->dictionary = values.private_data;
    indexes.dictionary = keep_schema(values);
    return indexes;
}

/* Elements offset … offset + length - 1 of up to three buffers. */
static struct ArrowArray array(int64_t length, int64_t offset, int n_buffers,
                               const void *validity, const void *second, const void *third)
{
    live++;
    struct node *node = calloc(1, sizeof *node);
    node->buffers[0] = validity;
    node->buffers[1] = second;
    node->buffers[2] = third;
    return (struct ArrowArray){ .length = length, .offset = offset,
                                .null_count = validity != NULL ? -1 : 0,
                                .n_buffers = n_buffers, .buffers = node->buffers,
                                .release = release_array, .private_data = node };
}

static struct ArrowArray *keep_array(struct ArrowArray value)
{
    struct ArrowArray *copy = malloc(sizeof *copy);
    *copy = value;
    ((struct node *)copy->private_data)->self = copy;
    return copy;
}

static void add_array(struct ArrowArray *parent, struct ArrowArray child)
{
    struct node *node = parent->private_data;
    node->children[node->n_children] = child.private_data;
    node->arrays[node->n_children++] = keep_array(child);
    parent->children = node->arrays;
    parent->n_children = node->n_children;
}

static struct ArrowArray array_dictionary(struct ArrowArray indexes, struct ArrowArray values)
{
    ((struct node *)indexes.private_data)->dictionary = values.private_data;
    indexes.dictionary = keep_array(values);
    return indexes;
}

/* A stream: its schema, its chunks, and where it fails. */
struct feed {
    struct ArrowSchema schema;
    struct ArrowArray chunks[MOST];
    int n_chunks, next;
    int fail_schema, fail_at;    /* error codes; fail_at: before chunk number fail_at - 1 */
    char message[64];            /* valid until the next call, as the standard says */
    bool no_message;
    int calls_of_last_error;
};

static int feed_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct feed *feed = stream->private_data;
    if (feed->fail_schema != 0) {
        snprintf(feed->message, sizeof feed->message, "no schema today");
        return feed->fail_schema;
    }
    *out = feed->schema;
    feed->schema.release = NULL;
    return 0;
}

static int feed_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct feed *feed = stream->private_data;
    memset(feed->message, 0, sizeof feed->message);
    if (feed->fail_at == feed->next + 1) {
        snprintf(feed->message, sizeof feed->message, "disk on fire");
        return 5;
    }
    if (feed->next == feed->n_chunks) {
        out->release = NULL;
        return 0;
    }
    *out = feed->chunks[feed->next];
    feed->chunks[feed->next++].release = NULL;
    return 0;
}

static const char *feed_last_error(struct ArrowArrayStream *stream)
{
    struct feed *feed = stream->private_data;
    feed->calls_of_last_error++;
    return feed->no_message ? NULL : feed->message;
}

static void feed_release(struct ArrowArrayStream *stream)
{
    struct feed *feed = stream->private_data;
    memset(feed->message, 'x', sizeof feed->message - 1);
    if (feed->schema.release != NULL)
        feed->schema.release(&feed->schema);
    for (int i = 0; i < feed->n_chunks; i++)
        if (feed->chunks[i].release != NULL)
            feed->chunks[i].release(&feed->chunks[i]);
    wrong_releases += stream->release != feed_release;
    stream->release = NULL;
    live--;
}

static struct ArrowArrayStream stream_of(struct feed *feed)
{
    live++;
    return (struct ArrowArrayStream){ feed_schema, feed_next, feed_last_error, feed_release,
                                      feed };
}

/* ---- helpers ------------------------------------------------------------------------ */

static struct cxm_arrow *import(struct feed *feed)
{
    struct ArrowArrayStream stream = stream_of(feed);
    struct cxm_arrow *arrow = NULL;
    struct cxm_error error = { .message = "" };
    if (cxm_arrow_from_stream(&stream, NULL, &arrow, &error) != CXM_OK)
        fail_msg("%s: %s", error.column, error.message);
    assert_null(stream.release);
    return arrow;
}

static struct cxm_arrow *import_one(struct ArrowSchema type, struct ArrowArray data)
{
    struct cxm_arrow *arrow = NULL;
    struct cxm_error error = { .message = "" };
    if (cxm_arrow_from_array(&type, &data, NULL, &arrow, &error) != CXM_OK)
        fail_msg("%s: %s", error.column, error.message);
    assert_null(type.release);
    assert_null(data.release);
    return arrow;
}

static struct cxm_column column_of(struct cxm_arrow *arrow, int64_t index)
{
    struct cxm_column column;
    struct cxm_error error = { .message = "" };
    if (cxm_arrow_column(arrow, index, &column, &error) != CXM_OK)
        fail_msg("%s: %s", error.column, error.message);
    return column;
}

/* Frees, and nothing may be left over. */
static void finish(struct cxm_arrow *arrow)
{
    cxm_arrow_free(arrow);
    assert_int_equal(live, 0);
    assert_int_equal(wrong_releases, 0);
}

/* NaN stands for a missing value. */
static void assert_numbers(const struct cxm_column *column, const double *want, size_t n)
{
    double values[16];
    uint8_t states[16];
    struct cxm_reader reader;
    assert_int_equal(column->n, n);
    cxm_priv_reader_init(&reader, column);
    cxm_priv_read_numbers(&reader, 0, n, values, states);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(states[i], isnan(want[i]) ? CXM_ROW_MISSING : CXM_ROW_USED);
        assert_true(isnan(want[i]) ? isnan(values[i]) : values[i] == want[i]);
    }
}

static void assert_times(const struct cxm_column *column, const int64_t *want, size_t n)
{
    int64_t values[16];
    uint8_t states[16];
    bool subsecond = false;
    struct cxm_reader reader;
    assert_int_equal(column->n, n);
    cxm_priv_reader_init(&reader, column);
    cxm_priv_read_times(&reader, 0, n, values, states, &subsecond);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(states[i], CXM_ROW_USED);
        assert_int_equal(values[i], want[i]);
    }
}

/* NULL stands for a missing value. */
static void assert_texts(const struct cxm_column *column, const char *const *want, size_t n)
{
    struct cxm_text texts[16];
    uint8_t states[16];
    struct cxm_reader reader;
    assert_int_equal(column->n, n);
    cxm_priv_reader_init(&reader, column);
    cxm_priv_read_key_text(&reader, 0, n, texts, states);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(states[i], want[i] == NULL ? CXM_ROW_MISSING : CXM_ROW_USED);
        if (want[i] == NULL)
            continue;
        assert_int_equal(texts[i].n, strlen(want[i]));
        assert_memory_equal(texts[i].bytes, want[i], texts[i].n);
    }
}

/* ---- formats of numbers ------------------------------------------------------------- */

static const int8_t some_i8[] = { 9, -1, 7, 0 };
static const uint8_t some_u8[] = { 9, 255, 7, 0 };
static const int16_t some_i16[] = { 300, -300, 7, 0 };
static const uint16_t some_u16[] = { 300, 65535, 7, 0 };
static const int32_t some_i32[] = { 70000, -70000, 7, 0 };
static const uint32_t some_u32[] = { 70000, 4294967295u, 7, 0 };
static const int64_t some_i64[] = { 9007199254740992, -9007199254740992, 7, 0 };
static const uint64_t some_u64[] = { 9007199254740992u, 1, 7, 0 };
static const float some_f32[] = { 0.5f, -0.25f, 7, 0 };
static const double some_f64[] = { 0.1, -1e300, 7, 0 };
static const uint8_t some_bits[] = { 0x05 };            /* 1, 0, 1, 0 */
static const uint8_t some_validity[] = { 0x0B };        /* present, present, null, present */
static const uint64_t some_decimals[] = { 1234, 0, (uint64_t)-1234, UINT64_MAX, 7, 0, 0, 0 };
static const int64_t some_ticks[] = { 1500, -1500, 7, 0 };

static const struct number_row {
    const char *format;
    const void *data;
    enum cxm_type type;
    int32_t scale;
    double want[4];        /* element 2 is null */
} number_rows[] = {
    { "c", some_i8, CXM_I8, 0, { 9, -1, NAN, 0 } },
    { "C", some_u8, CXM_U8, 0, { 9, 255, NAN, 0 } },
    { "s", some_i16, CXM_I16, 0, { 300, -300, NAN, 0 } },
    { "S", some_u16, CXM_U16, 0, { 300, 65535, NAN, 0 } },
    { "i", some_i32, CXM_I32, 0, { 70000, -70000, NAN, 0 } },
    { "I", some_u32, CXM_U32, 0, { 70000, 4294967295.0, NAN, 0 } },
    { "l", some_i64, CXM_I64, 0, { 0x1p53, -0x1p53, NAN, 0 } },
    { "L", some_u64, CXM_U64, 0, { 0x1p53, 1, NAN, 0 } },
    { "f", some_f32, CXM_F32, 0, { 0.5, -0.25, NAN, 0 } },
    { "g", some_f64, CXM_F64, 0, { 0.1, -1e300, NAN, 0 } },
    { "b", some_bits, CXM_BITS, 0, { 1, 0, NAN, 0 } },
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ /* those of other machines are refused */
    { "d:9,2", some_decimals, CXM_DECIMAL, 2, { 12.34, -12.34, NAN, 0 } },
    { "d:38,0,128", some_decimals, CXM_DECIMAL, 0, { 1234, -1234, NAN, 0 } },
    { "d:9,-2,128", some_decimals, CXM_DECIMAL, -2, { 123400, -123400, NAN, 0 } },
#endif
    { "tDs", some_ticks, CXM_I64, 0, { 1500, -1500, NAN, 0 } },
    { "tDm", some_ticks, CXM_I64, 0, { 1.5, -1.5, NAN, 0 } },
    { "tDu", some_ticks, CXM_I64, 0, { 1.5e-3, -1.5e-3, NAN, 0 } },
    { "tDn", some_ticks, CXM_I64, 0, { 1.5e-6, -1.5e-6, NAN, 0 } },
};

static void reads_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(number_rows); i++) {
        const struct number_row *row = &number_rows[i];
        struct cxm_arrow *arrow = import_one(schema(row->format, "x"),
                                             array(4, 0, 2, some_validity, row->data, NULL));
        assert_int_equal(cxm_arrow_rows(arrow), 4);
        assert_int_equal(cxm_arrow_columns(arrow), 1);
        const struct cxm_column column = column_of(arrow, 0);
        assert_int_equal(column.type, row->type);
        assert_int_equal(column.scale, row->scale);
        assert_ptr_equal(column.data, row->data);           /* nothing was copied */
        assert_ptr_equal(column.validity, some_validity);
        assert_int_equal((column.flags & CXM_COLUMN_DURATION) != 0, row->format[1] == 'D');
        assert_numbers(&column, row->want, 4);
        finish(arrow);
    }
}

static void reads_slices(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(number_rows); i++) {
        const struct number_row *row = &number_rows[i];
        struct cxm_arrow *arrow = import_one(schema(row->format, "x"),
                                             array(3, 1, 2, some_validity, row->data, NULL));
        const struct cxm_column column = column_of(arrow, 0);
        assert_numbers(&column, row->want + 1, 3);
        finish(arrow);
    }
}

static void reads_unaligned_numbers(void **state)
{
    (void)state;
    char bytes[sizeof some_f64 + 1];
    memcpy(bytes + 1, some_f64, sizeof some_f64);
    struct cxm_arrow *arrow =
        import_one(schema("g", "x"), array(4, 0, 2, NULL, bytes + 1, NULL));
    const struct cxm_column column = column_of(arrow, 0);
    assert_numbers(&column, some_f64, 4);
    finish(arrow);
}

static void reads_nulls(void **state)
{
    (void)state;
    struct cxm_arrow *arrow = import_one(schema("n", "x"), array(3, 0, 0, NULL, NULL, NULL));
    const struct cxm_column column = column_of(arrow, 0);
    assert_int_equal(column.type, CXM_NULL);
    assert_numbers(&column, (const double[]){ NAN, NAN, NAN }, 3);
    finish(arrow);
}

/* A null count of 0 is the producer's word that the bitmap has nothing to say. */
static void null_count_decides(void **state)
{
    (void)state;
    struct ArrowArray data = array(4, 0, 2, some_validity, some_i8, NULL);
    data.null_count = 0;
    struct cxm_arrow *arrow = import_one(schema("c", "x"), data);
    assert_null(column_of(arrow, 0).validity);
    finish(arrow);
}

/* ---- time --------------------------------------------------------------------------- */

static const int64_t some_instants[] = { 86400000000000, -1 };
static const int32_t some_days[] = { 1, -1 };

static const struct time_row {
    const char *format;
    const void *data;
    enum cxm_type type;
    enum cxm_time_unit unit;
    uint32_t flags;
    int64_t want[2];       /* seconds, floored */
} time_rows[] = {
    { "tss:", some_instants, CXM_I64, CXM_S, 0, { 86400000000000, -1 } },
    { "tsm:", some_instants, CXM_I64, CXM_MS, 0, { 86400000000, -1 } },
    { "tsu:Etc/UTC", some_instants, CXM_I64, CXM_US, CXM_COLUMN_ZONED, { 86400000, -1 } },
    { "tsn:Europe/Berlin", some_instants, CXM_I64, CXM_NS, CXM_COLUMN_ZONED, { 86400, -1 } },
    { "tdm", some_instants, CXM_I64, CXM_MS, CXM_COLUMN_DATES, { 86400000000, -1 } },
    { "tdD", some_days, CXM_I32, CXM_DAYS, 0, { 86400, -86400 } },
};

static void reads_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(time_rows); i++) {
        const struct time_row *row = &time_rows[i];
        struct cxm_arrow *arrow = import_one(schema(row->format, "x"),
                                             array(2, 0, 2, NULL, row->data, NULL));
        const struct cxm_column column = column_of(arrow, 0);
        assert_int_equal(column.type, row->type);
        assert_int_equal(column.time_unit, row->unit);
        assert_int_equal(column.flags, row->flags);
        assert_times(&column, row->want, 2);
        finish(arrow);
    }
}

/* ---- flags as bytes ----------------------------------------------------------------- */

struct metadata {
    char bytes[256];
    size_t n;
};

static void put_length(struct metadata *m, int32_t length)
{
    memcpy(m->bytes + m->n, &length, sizeof length);
    m->n += sizeof length;
}

static void put_text(struct metadata *m, const char *text)
{
    put_length(m, (int32_t)strlen(text));
    memcpy(m->bytes + m->n, text, strlen(text));
    m->n += strlen(text);
}

static struct metadata extension(const char *name)
{
    struct metadata m = { .n = 0 };
    put_length(&m, 2);
    put_text(&m, "colour");
    put_text(&m, "blue");
    put_text(&m, "ARROW:extension:name");
    put_text(&m, name);
    return m;
}

static uint32_t type_with_metadata(const char *metadata)
{
    struct ArrowSchema type = schema("c", "x");
    type.metadata = metadata;
    struct cxm_arrow *arrow = import_one(type, array(4, 0, 2, NULL, some_i8, NULL));
    const struct cxm_column column = column_of(arrow, 0);
    if (column.type == CXM_BOOL)
        assert_numbers(&column, (const double[]){ 1, 1, 1, 0 }, 4);
    finish(arrow);
    return column.type;
}

static void reads_bool8(void **state)
{
    (void)state;
    struct metadata m = extension("arrow.bool8");
    assert_int_equal(type_with_metadata(m.bytes), CXM_BOOL);
    m = extension("arrow.bool9");
    assert_int_equal(type_with_metadata(m.bytes), CXM_I8);
    m = (struct metadata){ .n = 0 };
    put_length(&m, 0);
    assert_int_equal(type_with_metadata(m.bytes), CXM_I8);
    m = (struct metadata){ .n = 0 };
    put_length(&m, 1);
    put_length(&m, -5);
    assert_int_equal(type_with_metadata(m.bytes), CXM_I8);
    m = (struct metadata){ .n = 0 };
    put_length(&m, -1);
    assert_int_equal(type_with_metadata(m.bytes), CXM_I8);
}

/* What is stored is not what is meant: months since 1970 are no instants, unknown values no nulls. */
static void refuses_other_meanings(void **state)
{
    static const struct { const char *format, *name, *what; } rows[] = {
        { "l", "pandas.period", "periods of pandas" },
        { "n", "arrow.opaque", "could not hand over" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct metadata m = extension(rows[i].name);
        struct ArrowSchema type = schema(rows[i].format, "x");
        type.metadata = m.bytes;
        struct ArrowArray data = array(2, 0, i == 0 ? 2 : 0, NULL, some_instants, NULL);
        struct cxm_arrow *arrow = import_one(type, data);
        struct cxm_column column;
        struct cxm_error error;
        assert_int_equal(cxm_arrow_column(arrow, 0, &column, &error), CXM_EUNSUPPORTED);
        assert_non_null(strstr(error.message, rows[i].what));
        finish(arrow);
    }
}

/* ---- text --------------------------------------------------------------------------- */

static const char some_text[] = "EMEAAPACa region with a long name";
static const int32_t offsets32[] = { 0, 4, 8, 8, 8, 33 };
static const int64_t offsets64[] = { 0, 4, 8, 8, 8, 33 };
static const uint8_t text_validity[] = { 0x17 }; /* the fourth is null, the third is empty */
static const char *const texts[] = { "EMEA", "APAC", "", NULL, "a region with a long name" };

/* The same five texts as views: short ones inline, the long one in the first buffer. */
struct view {
    int32_t n;
    char prefix[4];
    int32_t buffer, offset;
};
static const struct view some_views[] = {
    { 4, "EMEA", 0, 0 }, { 4, "APAC", 0, 0 }, { 0, "", 0, 0 }, { 0, "", 0, 0 },
    { 25, "a re", 0, 8 },
};
static const int64_t view_sizes[] = { sizeof some_text - 1 };

static struct ArrowArray view_array(int64_t length, int64_t offset)
{
    struct ArrowArray views = array(length, offset, 4, text_validity, some_views, some_text);
    views.buffers[3] = view_sizes;
    return views;
}

static struct ArrowArray text_array(const char *format, int64_t length, int64_t offset)
{
    if (format[0] == 'v')
        return view_array(length, offset);
    const bool large = format[0] == 'U' || format[0] == 'Z';
    return array(length, offset, 3, text_validity,
                 large ? (const void *)offsets64 : (const void *)offsets32, some_text);
}

static void reads_texts(void **state)
{
    (void)state;
    static const char *const formats[] = { "u", "z", "U", "Z", "vu", "vz" };
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        for (int64_t first = 0; first < 5; first++) {
            struct cxm_arrow *arrow = import_one(schema(formats[i], "x"),
                                                 text_array(formats[i], 5 - first, first));
            const struct cxm_column column = column_of(arrow, 0);
            assert_int_equal(column.type, i < 2 ? CXM_UTF8 : i < 4 ? CXM_UTF8_LARGE
                                                                   : CXM_UTF8_VIEW);
            assert_non_null(column.heap_bytes);
            assert_int_equal(column.heap_bytes[0], 33);
            assert_texts(&column, texts + first, (size_t)(5 - first));
            finish(arrow);
        }
    }
}

static void empty_texts_need_no_heap(void **state)
{
    (void)state;
    static const int32_t zeros[3] = { 0, 0, 0 };
    struct cxm_arrow *arrow = import_one(schema("u", "x"), array(2, 0, 3, NULL, zeros, NULL));
    const struct cxm_column column = column_of(arrow, 0);
    assert_texts(&column, (const char *const[]){ "", "" }, 2);
    finish(arrow);
}

/* Short views need no text buffer: only validity, views and an empty list of sizes. */
static void short_views_need_no_heap(void **state)
{
    (void)state;
    struct cxm_arrow *arrow = import_one(schema("vu", "x"),
                                         array(4, 0, 3, text_validity, some_views, NULL));
    const struct cxm_column column = column_of(arrow, 0);
    assert_texts(&column, texts, 4);
    finish(arrow);
}

/* ---- tables ------------------------------------------------------------------------- */

/* Row k is element struct.offset + k + child.offset. */
static void table_offset_adds_to_columns(void **state)
{
    (void)state;
    static const uint8_t validity[] = { 0xF7 };  /* the fourth is null */
    static const uint8_t bits[] = { 0x2A };      /* 0 1 0 1 0 1 0 0 */
    static const uint8_t values[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    struct feed feed = { .schema = schema("+s", ""), .n_chunks = 1 };
    add_schema(&feed.schema, schema("C", "number"));
    add_schema(&feed.schema, schema("b", "flag"));
    add_schema(&feed.schema, schema("u", "text"));
    feed.chunks[0] = array(2, 1, 1, NULL, NULL, NULL);
    add_array(&feed.chunks[0], array(6, 2, 2, validity, values, NULL));
    add_array(&feed.chunks[0], array(5, 3, 2, NULL, bits, NULL));
    add_array(&feed.chunks[0], array(4, 1, 3, text_validity, offsets32, some_text));
    struct cxm_arrow *arrow = import(&feed);
    struct cxm_column column = column_of(arrow, 0);
    assert_string_equal(column.name, "number");
    assert_numbers(&column, (const double[]){ NAN, 4 }, 2);      /* elements 3 and 4 */
    column = column_of(arrow, 1);
    assert_numbers(&column, (const double[]){ 0, 1 }, 2);        /* elements 4 and 5 */
    column = column_of(arrow, 2);
    assert_texts(&column, texts + 2, 2);                         /* elements 2 and 3 */
    finish(arrow);
}

static struct ArrowArray one_column(struct ArrowArray child)
{
    struct ArrowArray table = array(child.length, 0, 1, NULL, NULL, NULL);
    add_array(&table, child);
    return table;
}

static void chunks_follow_each_other(void **state)
{
    (void)state;
    struct feed feed = { .schema = schema("+s", ""), .n_chunks = 4 };
    add_schema(&feed.schema, schema("c", "score"));
    feed.chunks[0] = one_column(array(2, 0, 2, NULL, some_i8, NULL));
    feed.chunks[1] = one_column(array(0, 0, 2, NULL, NULL, NULL));
    feed.chunks[2] = one_column(array(4, 0, 2, some_validity, some_i8, NULL));
    feed.chunks[3] = one_column(array(1, 3, 2, NULL, some_i8, NULL));
    struct cxm_arrow *arrow = import(&feed);
    assert_int_equal(cxm_arrow_rows(arrow), 7);
    const struct cxm_column column = column_of(arrow, 0);
    assert_int_equal(column.n_chunks, 3);
    assert_numbers(&column, (const double[]){ 9, -1, 9, -1, NAN, 0, 0 }, 7);
    assert_ptr_equal(column_of(arrow, 0).chunks, column.chunks); /* made once */
    finish(arrow);
}

static struct ArrowArray *table_with_nulls(struct feed *feed, const uint8_t *rows, int64_t n,
                                           int64_t offset)
{
    *feed = (struct feed){ .schema = schema("+s", ""), .n_chunks = 1 };
    feed->chunks[0] = array(n, offset, 1, rows, NULL, NULL);
    return &feed->chunks[0];
}

/* Law: present = present in the table and present in the column; the oracle goes bit by bit. */
static void null_rows_are_null_everywhere(void **state)
{
    (void)state;
    uint8_t rows[4], validity[4], values[32];
    uint64_t random = random_seed();
    for (int trial = 0; trial < 500; trial++) {
        for (int i = 0; i < 4; i++) {
            rows[i] = (uint8_t)random_u64(&random);
            validity[i] = (uint8_t)random_u64(&random);
        }
        for (int i = 0; i < 32; i++)
            values[i] = (uint8_t)i;
        const int64_t first = (int64_t)random_below(&random, 16);
        const int64_t own = (int64_t)random_below(&random, 8);
        const int64_t n = (int64_t)random_below(&random, 9);
        struct feed feed;
        struct ArrowArray *table = table_with_nulls(&feed, rows, n, first);
        add_schema(&feed.schema, schema("C", "a"));
        add_schema(&feed.schema, schema("C", "b"));
        add_array(table, array(first + n, own, 2, validity, values, NULL));
        add_array(table, array(first + n, own, 2, NULL, values, NULL));
        double a[16], b[16];
        for (int64_t k = 0; k < n; k++) {
            const int64_t row = first + k, at = row + own;
            const bool here = rows[row / 8] >> row % 8 & 1;
            const bool there = validity[at / 8] >> at % 8 & 1;
            a[k] = here && there ? (double)at : NAN;
            b[k] = here ? (double)at : NAN;
        }
        struct cxm_arrow *arrow = import(&feed);
        struct cxm_column column = column_of(arrow, 0);
        assert_numbers(&column, a, (size_t)n);
        column = column_of(arrow, 1);
        assert_numbers(&column, b, (size_t)n);
        finish(arrow);
    }
}

static void finds_columns_by_name(void **state)
{
    (void)state;
    struct feed feed = { .schema = schema("+s", "") };
    add_schema(&feed.schema, schema("c", "score"));
    add_schema(&feed.schema, schema("c", "region"));
    add_schema(&feed.schema, schema("c", "region"));
    add_schema(&feed.schema, schema("c", NULL));
    struct cxm_arrow *arrow = import(&feed);
    assert_int_equal(cxm_arrow_columns(arrow), 4);
    assert_int_equal(cxm_arrow_find(arrow, "score"), 0);
    assert_int_equal(cxm_arrow_find(arrow, "region"), -2);
    assert_int_equal(cxm_arrow_find(arrow, "agent"), -1);
    assert_int_equal(cxm_arrow_find(arrow, NULL), -1);
    assert_string_equal(cxm_arrow_name(arrow, 1), "region");
    assert_string_equal(cxm_arrow_name(arrow, 3), "");
    assert_null(cxm_arrow_name(arrow, 4));
    assert_null(cxm_arrow_name(arrow, -1));
    assert_null(column_of(arrow, 3).name); /* messages use the name of the role */
    struct cxm_column column = { .n = 42 };
    assert_int_equal(cxm_arrow_column(arrow, 4, &column, NULL), CXM_EINVAL);
    assert_int_equal(cxm_arrow_column(arrow, -1, &column, NULL), CXM_EINVAL);
    assert_int_equal(cxm_arrow_column(arrow, 0, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_arrow_column(NULL, 0, &column, NULL), CXM_EINVAL);
    assert_int_equal(column.n, 42);
    finish(arrow);
}

static void empty_streams_have_columns(void **state)
{
    (void)state;
    for (int n_chunks = 0; n_chunks < 3; n_chunks++) {
        struct feed feed = { .schema = schema("+s", ""), .n_chunks = n_chunks };
        add_schema(&feed.schema, schema("g", "score"));
        add_schema(&feed.schema, with_dictionary(schema("C", "region"), schema("u", "")));
        for (int i = 0; i < n_chunks; i++) {
            feed.chunks[i] = array(0, 0, 1, NULL, NULL, NULL);
            add_array(&feed.chunks[i], array(0, 0, 2, NULL, NULL, NULL));
            add_array(&feed.chunks[i], array_dictionary(array(0, 0, 2, NULL, NULL, NULL),
                                                        text_array("u", 2, 0)));
        }
        struct cxm_arrow *arrow = import(&feed);
        assert_int_equal(cxm_arrow_rows(arrow), 0);
        struct cxm_column column = column_of(arrow, 0);
        assert_int_equal(column.type, CXM_F64);
        assert_numbers(&column, NULL, 0);
        column = column_of(arrow, 1);
        assert_int_equal(column.n, 0);
        assert_non_null(column.dictionary);
        assert_int_equal(column.dictionary->type, CXM_UTF8);
        assert_int_equal(column.dictionary->n, n_chunks > 0 ? 2 : 0);
        finish(arrow);
    }
}

static void tables_may_have_no_columns(void **state)
{
    (void)state;
    struct feed feed = { .schema = schema("+s", ""), .n_chunks = 1 };
    feed.chunks[0] = array(3, 0, 1, NULL, NULL, NULL);
    struct cxm_arrow *arrow = import(&feed);
    assert_int_equal(cxm_arrow_rows(arrow), 3);
    assert_int_equal(cxm_arrow_columns(arrow), 0);
    finish(arrow);
}

/* ---- dictionaries ------------------------------------------------------------------- */

static const uint8_t some_indexes[] = { 1, 0, 2, 3, 4, 1 };

static void reads_dictionaries(void **state)
{
    (void)state;
    static const uint8_t validity[] = { 0x1F };   /* the sixth index is null */
    struct ArrowSchema type = with_dictionary(schema("C", "x"), schema("u", ""));
    type.flags = ARROW_FLAG_DICTIONARY_ORDERED;
    struct cxm_arrow *arrow = import_one(
        type, array_dictionary(array(6, 0, 2, validity, some_indexes, NULL),
                               text_array("u", 5, 0)));
    const struct cxm_column column = column_of(arrow, 0);
    assert_int_equal(column.flags, CXM_COLUMN_ORDERED);
    /* The fourth value of the dictionary is null too. */
    assert_texts(&column, (const char *const[]){ "APAC", "EMEA", "", NULL, texts[4], NULL }, 6);
    finish(arrow);
}

static void chunks_bring_their_dictionaries(void **state)
{
    (void)state;
    struct feed feed = { .schema = with_dictionary(schema("C", "x"), schema("vu", "")),
                         .n_chunks = 3 };
    feed.chunks[0] =
        array_dictionary(array(2, 0, 2, NULL, some_indexes, NULL), view_array(2, 0));
    feed.chunks[1] =
        array_dictionary(array(2, 0, 2, NULL, some_indexes, NULL), view_array(2, 0));
    feed.chunks[2] =
        array_dictionary(array(3, 0, 2, NULL, some_indexes, NULL), view_array(3, 2));
    struct cxm_arrow *arrow = import(&feed);
    const struct cxm_column column = column_of(arrow, 0);
    assert_texts(&column, (const char *const[]){ "APAC", "EMEA", "APAC", "EMEA", NULL, "",
                                                 texts[4] }, 7);
    assert_ptr_equal(column.chunks[0].dictionary, column.chunks[1].dictionary);
    assert_ptr_not_equal(column.chunks[1].dictionary, column.chunks[2].dictionary);
    finish(arrow);
}

static void every_integer_may_be_an_index(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        static const uint64_t zeros[4] = { 0 };
        struct cxm_arrow *arrow = import_one(
            with_dictionary(schema(number_rows[i].format, "x"), schema("u", "")),
            array_dictionary(array(2, 0, 2, NULL, zeros, NULL), text_array("u", 1, 1)));
        const struct cxm_column column = column_of(arrow, 0);
        assert_texts(&column, (const char *const[]){ "APAC", "APAC" }, 2);
        finish(arrow);
    }
}

/* ---- refusals ----------------------------------------------------------------------- */

static const struct refused_row {
    const char *format, *word;
} refused_rows[] = {
    { "e", "half-precision" }, { "w:16", "fixed-size binary" }, { "d:9,2,64", "decimals" },
    { "d:76,0,256", "decimals" }, { "d:39,0", "decimals" }, { "d:9", "decimals" },
    { "d:9,2,128x", "decimals" }, { "d:9,99", "decimals" }, { "d:,2", "decimals" },
    { "d:99999999999,2", "decimals" }, { "tts", "times of day" }, { "ttm", "times of day" },
    { "tiM", "intervals" }, { "tin", "intervals" }, { "+l", "lists" }, { "+L", "large lists" },
    { "+vl", "list views" }, { "+vL", "large list views" }, { "+w:3", "fixed-size lists" },
    { "+s", "structs" }, { "+m", "maps" }, { "+ud:0,1", "dense unions" },
    { "+us:0,1", "sparse unions" }, { "+r", "run-end" }, { "", "unknown" }, { "q", "unknown" },
    { "ts", "unknown" }, { "tss", "unknown" }, { "tsx:", "unknown" }, { "tDx", "unknown" },
    { "ii", "unknown" },
};

/* A column that cannot be read hurts nobody until it is asked for. */
static void refuses_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused_rows); i++) {
        struct feed feed = { .schema = schema("+s", ""), .n_chunks = 1 };
        add_schema(&feed.schema, schema("c", "score"));
        add_schema(&feed.schema, schema(refused_rows[i].format, "odd"));
        feed.chunks[0] = array(4, 0, 1, NULL, NULL, NULL);
        add_array(&feed.chunks[0], array(4, 0, 2, NULL, some_i8, NULL));
        add_array(&feed.chunks[0], array(4, 0, 2, NULL, NULL, NULL));
        struct cxm_arrow *arrow = import(&feed);
        const struct cxm_column score = column_of(arrow, 0);
        assert_int_equal(score.n, 4);
        struct cxm_column odd = { .n = 42 };
        struct cxm_error error = { .message = "" };
        assert_int_equal(cxm_arrow_column(arrow, 1, &odd, &error), CXM_EUNSUPPORTED);
        assert_int_equal(odd.n, 42);
        assert_string_equal(error.column, "odd");
        assert_non_null(strstr(error.message, refused_rows[i].word));
        assert_non_null(strstr(error.message, refused_rows[i].format));
        finish(arrow);
    }
}

static void refuses_dictionaries_in_dictionaries(void **state)
{
    (void)state;
    struct ArrowSchema inner = with_dictionary(schema("C", ""), schema("u", ""));
    struct cxm_arrow *arrow = import_one(
        with_dictionary(schema("C", "x"), inner),
        array_dictionary(array(1, 0, 2, NULL, some_indexes, NULL),
                         array_dictionary(array(2, 0, 2, NULL, some_indexes, NULL),
                                          text_array("u", 5, 0))));
    struct cxm_column column;
    assert_int_equal(cxm_arrow_column(arrow, 0, &column, NULL), CXM_EUNSUPPORTED);
    finish(arrow);
}

/* ---- failures of the producer ------------------------------------------------------- */

static void producer_errors_are_told(void **state)
{
    (void)state;
    for (int fail_at = 0; fail_at < 4; fail_at++) {
        for (int silent = 0; silent < 2; silent++) {
            struct feed feed = { .schema = schema("c", "x"), .n_chunks = 2 };
            feed.no_message = silent != 0;
            feed.chunks[0] = array(4, 0, 2, NULL, some_i8, NULL);
            feed.chunks[1] = array(4, 0, 2, NULL, some_i8, NULL);
            feed.fail_schema = fail_at == 0 ? 22 : 0;
            feed.fail_at = fail_at;
            struct ArrowArrayStream stream = stream_of(&feed);
            struct cxm_arrow *arrow = (void *)&feed;
            struct cxm_error error = { .message = "" };
            assert_int_equal(cxm_arrow_from_stream(&stream, NULL, &arrow, &error), CXM_EINVAL);
            assert_ptr_equal(arrow, &feed);
            assert_null(stream.release);
            assert_int_equal(feed.calls_of_last_error, 1);
            assert_non_null(strstr(error.message, silent         ? (fail_at == 0 ? "22" : "5")
                                                  : fail_at == 0 ? "no schema today"
                                                                 : "disk on fire"));
            assert_int_equal(live, 0);
        }
    }
    assert_int_equal(wrong_releases, 0);
}

static void streams_are_read_once(void **state)
{
    (void)state;
    struct feed feed = { .schema = schema("c", "x") };
    struct ArrowArrayStream stream = stream_of(&feed);
    struct cxm_arrow *arrow = NULL, *again = NULL;
    assert_int_equal(cxm_arrow_from_stream(&stream, NULL, &arrow, NULL), CXM_OK);
    assert_int_equal(feed.calls_of_last_error, 0);
    assert_int_equal(cxm_arrow_from_stream(&stream, NULL, &again, NULL), CXM_EINVAL);
    assert_int_equal(cxm_arrow_from_stream(NULL, NULL, &again, NULL), CXM_EINVAL);
    assert_null(again);
    finish(arrow);
}

static void arguments_are_taken_even_by_failing_calls(void **state)
{
    (void)state;
    struct cxm_arrow *arrow = NULL;
    struct feed feed = { .schema = schema("c", "x") };
    struct ArrowArrayStream stream = stream_of(&feed);
    assert_int_equal(cxm_arrow_from_stream(&stream, NULL, NULL, NULL), CXM_EINVAL);
    struct ArrowSchema type = schema("c", "x");
    struct ArrowArray data = array(4, 0, 2, NULL, some_i8, NULL);
    assert_int_equal(cxm_arrow_from_array(&type, &data, NULL, NULL, NULL), CXM_EINVAL);
    assert_null(type.release);
    assert_null(data.release);
    assert_int_equal(cxm_arrow_from_array(&type, &data, NULL, &arrow, NULL), CXM_EINVAL);
    type = schema("c", "x");
    assert_int_equal(cxm_arrow_from_array(&type, NULL, NULL, &arrow, NULL), CXM_EINVAL);
    data = array(4, 0, 2, NULL, some_i8, NULL);
    assert_int_equal(cxm_arrow_from_array(NULL, &data, NULL, &arrow, NULL), CXM_EINVAL);
    assert_null(arrow);
    cxm_arrow_free(NULL);
    assert_int_equal(cxm_arrow_rows(NULL), 0);
    assert_int_equal(cxm_arrow_columns(NULL), 0);
    assert_int_equal(live, 0);
    assert_int_equal(wrong_releases, 0);
}

/* ---- forged data -------------------------------------------------------------------- */

/* A good table with an element before it, to be broken in one place. */
enum { INTEGER, FLAG, TEXT, VIEW, CATEGORY, N_KINDS };

static void good_table(struct feed *feed)
{
    *feed = (struct feed){ .schema = schema("+s", ""), .n_chunks = 1 };
    add_schema(&feed->schema, schema("c", "integer"));
    add_schema(&feed->schema, schema("b", "flag"));
    add_schema(&feed->schema, schema("u", "text"));
    add_schema(&feed->schema, schema("vu", "view"));
    add_schema(&feed->schema, with_dictionary(schema("C", "category"), schema("u", "")));
    struct ArrowArray *table = &feed->chunks[0];
    *table = array(3, 1, 1, NULL, NULL, NULL);
    add_array(table, array(4, 0, 2, some_validity, some_i8, NULL));
    add_array(table, array(4, 0, 2, NULL, some_bits, NULL));
    add_array(table, text_array("u", 4, 1));
    add_array(table, view_array(4, 1));
    add_array(table, array_dictionary(array(4, 0, 2, NULL, some_indexes, NULL),
                                      text_array("u", 5, 0)));
}

static const int32_t negative_offsets[] = { -5, -4, -3, -2, -1, -1 };
static const int32_t wild_offsets[] = { 0, 4, 8, 2000000000, 8, 33 };
static const int64_t negative_sizes[] = { -1 };
static const struct view wild_views[] = {
    { 4, "EMEA", 0, 0 }, { 4, "APAC", 0, 0 }, { 0, "", 0, 0 }, { 0, "", 0, 0 },
    { 25, "a re", 0, 9 },
};

#define SCHEMA (&feed->schema)
#define CHUNK (&feed->chunks[0])
#define CHILD(kind) (feed->chunks[0].children[kind])
#define CORRUPTIONS(X)                                                                         \
    X(schema_released, SCHEMA->release = NULL)                                                 \
    X(schema_without_format, SCHEMA->format = NULL)                                            \
    X(schema_children_negative, SCHEMA->n_children = -1)                                       \
    X(schema_children_many, SCHEMA->n_children = INT64_MAX)                                    \
    X(schema_children_missing, SCHEMA->children = NULL)                                        \
    X(schema_child_missing, SCHEMA->children[0] = NULL)                                        \
    X(schema_child_released, SCHEMA->children[0]->release = NULL)                              \
    X(schema_child_without_format, SCHEMA->children[0]->format = NULL)                         \
    X(schema_child_children_negative, SCHEMA->children[0]->n_children = -1)                    \
    X(schema_child_children_missing, SCHEMA->children[0]->n_children = 1)                      \
    X(schema_table_dictionary, SCHEMA->dictionary = SCHEMA->children[0])                       \
    X(schema_dictionary_without_format, SCHEMA->children[CATEGORY]->dictionary->format = NULL) \
    X(schema_dictionary_missing, SCHEMA->children[CATEGORY]->dictionary = NULL)                \
    X(index_is_real, SCHEMA->children[CATEGORY]->format = "g")                                 \
    X(index_is_a_day, SCHEMA->children[CATEGORY]->format = "tdD")                              \
    X(table_length_negative, CHUNK->length = -1)                                               \
    X(table_length_huge, CHUNK->length = INT64_MAX)                                            \
    X(table_length_too_long, CHUNK->length = 4)                                                \
    X(table_offset_negative, CHUNK->offset = -1)                                               \
    X(table_offset_huge, CHUNK->offset = INT64_MAX)                                            \
    X(table_nulls_impossible, CHUNK->null_count = 4)                                           \
    X(table_nulls_negative, CHUNK->null_count = -2)                                            \
    X(table_nulls_without_bitmap, CHUNK->null_count = 1)                                       \
    X(table_buffers_none, CHUNK->n_buffers = 0)                                                \
    X(table_buffers_many, CHUNK->n_buffers = 2)                                                \
    X(table_buffers_negative, CHUNK->n_buffers = -1)                                           \
    X(table_buffers_missing, CHUNK->buffers = NULL)                                            \
    X(table_children_few, CHUNK->n_children = N_KINDS - 1)                                     \
    X(table_children_many, CHUNK->n_children = N_KINDS + 1)                                    \
    X(table_children_missing, CHUNK->children = NULL)                                          \
    X(child_missing, CHILD(0) = NULL)                                                          \
    X(child_released, CHILD(0)->release = NULL)                                                \
    X(child_length_negative, CHILD(0)->length = -1)                                            \
    X(child_length_short, CHILD(0)->length = 3)                                                \
    X(child_offset_negative, CHILD(0)->offset = -1)                                            \
    X(child_offset_huge, CHILD(0)->offset = INT64_MAX - 2)                                     \
    X(child_nulls_impossible, CHILD(0)->null_count = 5)                                        \
    X(child_nulls_without_bitmap, (CHILD(0)->null_count = 1, CHILD(0)->buffers[0] = NULL))     \
    X(child_buffers_few, CHILD(0)->n_buffers = 1)                                              \
    X(child_buffers_many, CHILD(0)->n_buffers = 3)                                             \
    X(child_buffers_negative, CHILD(0)->n_buffers = -1)                                        \
    X(child_buffers_missing, CHILD(0)->buffers = NULL)                                         \
    X(child_values_missing, CHILD(0)->buffers[1] = NULL)                                       \
    X(child_with_children, CHILD(0)->n_children = 1)                                           \
    X(child_with_dictionary, CHILD(0)->dictionary = CHILD(1))                                  \
    X(flag_values_missing, CHILD(FLAG)->buffers[1] = NULL)                                     \
    X(text_buffers_few, CHILD(TEXT)->n_buffers = 2)                                            \
    X(text_buffers_many, CHILD(TEXT)->n_buffers = 4)                                           \
    X(text_offsets_missing, CHILD(TEXT)->buffers[1] = NULL)                                    \
    X(text_heap_missing, CHILD(TEXT)->buffers[2] = NULL)                                       \
    X(text_offsets_negative, CHILD(TEXT)->buffers[1] = negative_offsets)                       \
    X(text_offsets_wild, CHILD(TEXT)->buffers[1] = wild_offsets)                               \
    X(view_buffers_few, CHILD(VIEW)->n_buffers = 2)                                            \
    X(view_buffers_without_text, (CHILD(VIEW)->n_buffers = 3))                                 \
    X(view_views_missing, CHILD(VIEW)->buffers[1] = NULL)                                      \
    X(view_heap_missing, CHILD(VIEW)->buffers[2] = NULL)                                       \
    X(view_sizes_missing, CHILD(VIEW)->buffers[3] = NULL)                                      \
    X(view_sizes_negative, CHILD(VIEW)->buffers[3] = negative_sizes)                           \
    X(view_wild, CHILD(VIEW)->buffers[1] = wild_views)                                         \
    X(dictionary_missing, CHILD(CATEGORY)->dictionary = NULL)                                  \
    X(dictionary_released, CHILD(CATEGORY)->dictionary->release = NULL)                        \
    X(dictionary_length_negative, CHILD(CATEGORY)->dictionary->length = -1)                    \
    X(dictionary_offset_negative, CHILD(CATEGORY)->dictionary->offset = -1)                    \
    X(dictionary_buffers_few, CHILD(CATEGORY)->dictionary->n_buffers = 2)                      \
    X(dictionary_offsets_missing, CHILD(CATEGORY)->dictionary->buffers[1] = NULL)              \
    X(dictionary_offsets_wild, CHILD(CATEGORY)->dictionary->buffers[1] = wild_offsets)

#define FUNCTION(name, action)                                                                 \
    static void name(struct feed *feed)                                                        \
    {                                                                                          \
        action;                                                                                \
    }
CORRUPTIONS(FUNCTION)

#define ROW(name, action) { #name, name },
static const struct corruption {
    const char *name;
    void (*apply)(struct feed *feed);
} corruptions[] = { CORRUPTIONS(ROW) };

/* Imports and asks for every column; returns the first failure. */
static enum cxm_status use_everything(struct feed *feed, const struct cxm_allocator *allocator,
                                      struct cxm_error *error)
{
    struct ArrowArrayStream stream = stream_of(feed);
    struct cxm_arrow *arrow = NULL;
    enum cxm_status status = cxm_arrow_from_stream(&stream, allocator, &arrow, error);
    assert_null(stream.release);
    if (status != CXM_OK)
        assert_null(arrow);
    for (int64_t i = 0; i < cxm_arrow_columns(arrow) && status == CXM_OK; i++) {
        struct cxm_column column = { .n = 42 };
        status = cxm_arrow_column(arrow, i, &column, error);
        assert_int_equal(column.n, status == CXM_OK ? cxm_arrow_rows(arrow) : 42);
    }
    cxm_arrow_free(arrow);
    return status;
}

static void survives_corruption(void **state)
{
    const struct corruption *corruption = *state;
    struct feed feed;
    good_table(&feed);
    const struct ArrowSchema type = feed.schema;
    corruption->apply(&feed);
    struct cxm_error error = { .message = "" };
    assert_int_equal(use_everything(&feed, NULL, &error), CXM_ECORRUPT);
    assert_true(error.message[0] != '\0');
    if (strcmp(corruption->name, "schema_released") == 0)
        free_node(type.private_data); /* the one thing that nobody could release */
    assert_int_equal(live, 0);
    assert_int_equal(wrong_releases, 0);
}

static void the_good_table_is_good(void **state)
{
    (void)state;
    struct feed feed;
    good_table(&feed);
    assert_int_equal(use_everything(&feed, NULL, NULL), CXM_OK);
    assert_int_equal(live, 0);
}

/* Each chunk is fine, their sum is not. */
static void rows_that_overflow_are_corrupt(void **state)
{
    (void)state;
    struct feed feed = { .schema = schema("+s", ""), .n_chunks = 3 };
    for (int i = 0; i < 3; i++)
        feed.chunks[i] = array(PTRDIFF_MAX / 128, 0, 1, NULL, NULL, NULL);
    assert_int_equal(use_everything(&feed, NULL, NULL), CXM_ECORRUPT);
    assert_int_equal(live, 0);
}

/* ---- lack of memory ----------------------------------------------------------------- */

static void wide_table(struct feed *feed)
{
    static const uint8_t rows[] = { 0xFD };   /* the second row is null: bitmaps are joined */
    good_table(feed);
    struct feed more;
    good_table(&more);
    more.schema.release(&more.schema);
    feed->chunks[1] = more.chunks[0];
    feed->chunks[1].buffers[0] = rows;
    feed->chunks[1].null_count = -1;
    feed->n_chunks = 2;
    for (; feed->n_chunks < 6; feed->n_chunks++) { /* enough to let the list of chunks grow */
        good_table(&more);
        more.schema.release(&more.schema);
        feed->chunks[feed->n_chunks] = more.chunks[0];
    }
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    for (int fail_on = 0; fail_on < 2; fail_on++) {
        for (int fail_at = 1;; fail_at++) {
            struct heap heap;
            struct feed feed;
            heap_init(&heap, fail_at);
            heap.fail_on = fail_on != 0;
            wide_table(&feed);
            const enum cxm_status got = use_everything(&feed, &heap.allocator, NULL);
            assert_int_equal(heap.live, 0);
            assert_int_equal(live, 0);
            if (got == CXM_OK) {
                assert_true(fail_at > 10);
                break; /* nothing was left to fail */
            }
            assert_int_equal(got, CXM_ENOMEM);
        }
    }
    for (int fail_at = 1;; fail_at++) {
        struct heap heap;
        heap_init(&heap, fail_at);
        struct ArrowSchema type = schema("c", "x");
        struct ArrowArray data = array(4, 0, 2, NULL, some_i8, NULL);
        struct cxm_arrow *arrow = NULL;
        const enum cxm_status got = cxm_arrow_from_array(&type, &data, &heap.allocator, &arrow,
                                                         NULL);
        assert_null(type.release);
        assert_null(data.release);
        cxm_arrow_free(arrow);
        assert_int_equal(heap.live, 0);
        assert_int_equal(live, 0);
        if (got == CXM_OK)
            break;
        assert_int_equal(got, CXM_ENOMEM);
    }
    assert_int_equal(wrong_releases, 0);
}

/* A column that failed can be asked for again. */
static void failed_columns_can_be_asked_for_again(void **state)
{
    (void)state;
    struct feed feed;
    wide_table(&feed);
    struct heap heap;
    heap_init(&heap, 0);
    struct ArrowArrayStream stream = stream_of(&feed);
    struct cxm_arrow *arrow = NULL;
    assert_int_equal(cxm_arrow_from_stream(&stream, &heap.allocator, &arrow, NULL), CXM_OK);
    heap.fail_at = heap.calls + 2;
    struct cxm_column column;
    assert_int_equal(cxm_arrow_column(arrow, TEXT, &column, NULL), CXM_ENOMEM);
    assert_int_equal(cxm_arrow_column(arrow, TEXT, &column, NULL), CXM_OK);
    assert_int_equal(column.n, 18);
    finish(arrow);
    assert_int_equal(heap.live, 0);
}

/* ---- all ---------------------------------------------------------------------------- */

int main(void)
{
    static const struct CMUnitTest fixed[] = {
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(reads_slices),
        cmocka_unit_test(reads_unaligned_numbers),
        cmocka_unit_test(reads_nulls),
        cmocka_unit_test(null_count_decides),
        cmocka_unit_test(reads_times),
        cmocka_unit_test(reads_bool8),
        cmocka_unit_test(refuses_other_meanings),
        cmocka_unit_test(reads_texts),
        cmocka_unit_test(empty_texts_need_no_heap),
        cmocka_unit_test(short_views_need_no_heap),
        cmocka_unit_test(table_offset_adds_to_columns),
        cmocka_unit_test(chunks_follow_each_other),
        cmocka_unit_test(null_rows_are_null_everywhere),
        cmocka_unit_test(finds_columns_by_name),
        cmocka_unit_test(empty_streams_have_columns),
        cmocka_unit_test(tables_may_have_no_columns),
        cmocka_unit_test(reads_dictionaries),
        cmocka_unit_test(chunks_bring_their_dictionaries),
        cmocka_unit_test(every_integer_may_be_an_index),
        cmocka_unit_test(refuses_by_name),
        cmocka_unit_test(refuses_dictionaries_in_dictionaries),
        cmocka_unit_test(producer_errors_are_told),
        cmocka_unit_test(streams_are_read_once),
        cmocka_unit_test(arguments_are_taken_even_by_failing_calls),
        cmocka_unit_test(the_good_table_is_good),
        cmocka_unit_test(rows_that_overflow_are_corrupt),
        cmocka_unit_test(survives_lack_of_memory),
        cmocka_unit_test(failed_columns_can_be_asked_for_again),
    };
    struct CMUnitTest tests[COUNT_OF(fixed) + COUNT_OF(corruptions)];
    memcpy(tests, fixed, sizeof fixed);
    for (size_t i = 0; i < COUNT_OF(corruptions); i++)
        tests[COUNT_OF(fixed) + i] =
            (struct CMUnitTest){ corruptions[i].name, survives_corruption, NULL, NULL,
                                 (void *)(uintptr_t)&corruptions[i] };
    return cmocka_run_group_tests_name("arrow", tests, NULL, NULL);
}
