/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Arrow data from a careless or hostile producer. The input bytes drive a small producer: it
 * chooses formats, lengths, offsets, null counts, buffers and children, right ones most of the
 * time. What an importer cannot know stays honest, because the C interface does not say how large
 * a buffer is: every buffer has exactly the size that length, offset and format promise.
 * Everything else may be a lie.
 *
 * Laws: nothing is read beyond a buffer (sanitizers watch), everything that was handed over is
 * released exactly once, and a column that was given out can be read. */
#include "fuzz.h"

#include <cxm/cxm.h>

#include <stdbool.h>
#include <string.h>

/* ---- the input as a stream of decisions ------------------------------------------------ */

struct dice {
    const uint8_t *at;
    size_t left;
};

/* The next byte; 0, the honest choice everywhere, when the input is used up. */
static uint8_t roll(struct dice *d)
{
    if (d->left == 0)
        return 0;
    d->left--;
    return *d->at++;
}

static bool rarely(struct dice *d)
{
    return roll(d) >= 0xf0;
}

static int64_t hostile_number(struct dice *d)
{
    static const int64_t bad[] = { -1, INT64_MIN, INT64_MIN + 1, -2, INT32_MIN, -8, -9, -64 };
    return bad[roll(d) % 8];
}

static void fill(struct dice *d, void *memory, size_t bytes)
{
    uint8_t *to = memory;
    for (size_t i = 0; i < bytes; i++)
        to[i] = roll(d);
}

/* ---- memory of a producer: one list for each base structure ----------------------------- */

static int64_t n_live; /* base structures that the importer owes a release */

struct block {
    struct block *next;
    max_align_t memory[];
};

static void *keep(struct block **blocks, size_t bytes)
{
    struct block *block = malloc(sizeof *block + bytes);
    if (block == NULL)
        exit(2);
    block->next = *blocks;
    *blocks = block;
    return memset(block->memory, 0, bytes);
}

/* A block of exactly that size, so that one byte beyond it is an error: malloc for itself. */
struct exact {
    struct exact *next;
    void *memory;
};

struct owner {
    struct block *blocks;
    struct exact *exacts;
};

static void *keep_exact(struct owner *owner, size_t bytes)
{
    struct exact *exact = keep(&owner->blocks, sizeof *exact);
    exact->memory = malloc(bytes > 0 ? bytes : 1);
    if (exact->memory == NULL)
        exit(2);
    exact->next = owner->exacts;
    owner->exacts = exact;
    return exact->memory;
}

static void free_owner(struct owner *owner)
{
    for (struct exact *e = owner->exacts; e != NULL; e = e->next)
        free(e->memory);
    for (struct block *b = owner->blocks, *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    free(owner);
    n_live--;
}

static struct owner *new_owner(void)
{
    struct owner *owner = calloc(1, sizeof *owner);
    if (owner == NULL)
        exit(2);
    n_live++;
    return owner;
}

static void release_schema(struct ArrowSchema *schema)
{
    free_owner(schema->private_data);
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    free_owner(array->private_data);
    array->release = NULL;
}

/* Children are released with their base. */
static void release_child_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_child_array(struct ArrowArray *array)
{
    array->release = NULL;
}

/* ---- schemas ---------------------------------------------------------------------------- */

static const struct format {
    const char *text;
    int width; /* bytes of a fixed element; see below for the others */
} formats[] = {
    { "C", 1 }, { "c", 1 }, { "s", 2 }, { "S", 2 }, { "i", 4 }, { "I", 4 }, { "l", 8 },
    { "L", 8 }, { "f", 4 }, { "g", 8 }, { "tdD", 4 }, { "tdm", 8 }, { "tss:", 8 },
    { "tsm:UTC", 8 }, { "tsu:", 8 }, { "tsn:Europe/Rome", 8 }, { "tDs", 8 }, { "tDn", 8 },
    { "d:10,2", 16 }, { "d:38,-3", 16 }, { "d:5,2,128", 16 },
    { "b", 0 }, { "n", 0 },
    { "u", 0 }, { "z", 0 }, { "U", 0 }, { "Z", 0 }, { "vu", 0 }, { "vz", 0 },
    /* refused, whatever their buffers hold */
    { "e", 2 }, { "w:4", 4 }, { "tts", 4 }, { "ttn", 8 }, { "d:50,2,256", 32 }, { "+s", 0 },
    { "+l", 0 }, { "+us:0", 0 }, { "+r", 0 }, { "", 0 }, { "tsx", 8 }, { "d:", 16 },
    { "d:9999999999,2", 16 }, { "ts", 8 }, { "+", 0 }, { "\xff", 0 },
};
enum { N_FORMATS = sizeof formats / sizeof formats[0], N_LIKELY = 29, MOST_CHILDREN = 4 };

static const struct format *pick_format(struct dice *d)
{
    return &formats[roll(d) % (rarely(d) ? N_FORMATS : N_LIKELY)];
}

static const struct format *find_format(const char *text)
{
    for (int i = 0; i < N_FORMATS; i++) {
        if (strcmp(formats[i].text, text) == 0)
            return &formats[i];
    }
    return &formats[0];
}

static void make_column_schema(struct dice *d, struct block **blocks, struct ArrowSchema *schema,
                               int64_t index)
{
    static const char *const names[] = { "score", "region", "minutes", "score" };
    const struct format *format = pick_format(d);
    schema->format = format->text;
    schema->name = rarely(d) ? NULL : names[index % 4];
    schema->flags = roll(d) & 7;
    schema->release = release_child_schema;
    if (format->width > 0 && roll(d) % 4 == 3) {
        schema->dictionary = keep(blocks, sizeof *schema->dictionary);
        make_column_schema(d, blocks, schema->dictionary, index);
    }
}

static void make_schema(struct dice *d, bool table, struct ArrowSchema *schema)
{
    struct owner *owner = new_owner();
    memset(schema, 0, sizeof *schema);
    if (table) {
        const int64_t n = roll(d) % (MOST_CHILDREN + 1);
        schema->format = "+s";
        schema->n_children = n;
        schema->children = keep(&owner->blocks, sizeof(void *) * MOST_CHILDREN);
        for (int64_t i = 0; i < n; i++) {
            schema->children[i] = keep(&owner->blocks, sizeof **schema->children);
            make_column_schema(d, &owner->blocks, schema->children[i], i);
        }
        if (rarely(d))
            schema->n_children = hostile_number(d);
        if (n > 0 && rarely(d))
            schema->children[0] = NULL;
    } else {
        make_column_schema(d, &owner->blocks, schema, 0);
    }
    schema->private_data = owner;
    schema->release = release_schema;
}

/* ---- arrays ----------------------------------------------------------------------------- */

static const void *make_bits(struct dice *d, struct owner *owner, int64_t bits)
{
    const size_t bytes = ((size_t)bits + 7) / 8;
    void *memory = keep_exact(owner, bytes);
    fill(d, memory, bytes);
    return memory;
}

/* n + 1 offsets, rising by small steps but for the lies, and text for all of them. */
static void make_offsets(struct dice *d, struct owner *owner, int64_t n, bool large,
                         const void **buffers)
{
    const size_t width = large ? 8 : 4;
    uint8_t *offsets = keep_exact(owner, width * (size_t)(n + 1));
    int64_t at = 0, highest = 0;
    for (int64_t i = 0; i <= n; i++) {
        int64_t told = at;
        if (i > 0 && rarely(d))
            told = roll(d) % 2 == 0 ? hostile_number(d) : at - roll(d) % 4;
        const int32_t narrow = (int32_t)told;
        memcpy(offsets + width * (size_t)i, large ? (const void *)&told : &narrow, width);
        highest = told > highest ? told : highest;
        at += roll(d) % 6;
    }
    void *text = keep_exact(owner, (size_t)highest);
    fill(d, text, (size_t)highest);
    buffers[1] = offsets;
    buffers[2] = text;
}

enum { TEXT_BYTES = 64 };

/* Views of 16 bytes, two texts and their sizes. */
static void make_views(struct dice *d, struct owner *owner, int64_t n, const void **buffers)
{
    uint8_t *views = keep_exact(owner, 16 * (size_t)n);
    for (int64_t i = 0; i < n; i++) {
        uint8_t *view = views + 16 * i;
        fill(d, view, 16);
        const int32_t length = rarely(d) ? (int32_t)hostile_number(d) : roll(d) % 24;
        const int32_t index = rarely(d) ? (int32_t)hostile_number(d) : roll(d) % 3;
        const int32_t offset = rarely(d) ? (int32_t)hostile_number(d) : roll(d) % TEXT_BYTES;
        memcpy(view, &length, 4);
        if (length > 12) {
            memcpy(view + 8, &index, 4);
            memcpy(view + 12, &offset, 4);
        }
    }
    int64_t *sizes = keep_exact(owner, 2 * sizeof *sizes);
    for (int i = 0; i < 2; i++) {
        void *text = keep_exact(owner, TEXT_BYTES);
        fill(d, text, TEXT_BYTES);
        buffers[2 + i] = text;
        sizes[i] = rarely(d) ? hostile_number(d) : TEXT_BYTES;
    }
    buffers[1] = views;
    buffers[4] = sizes;
}

enum { MOST_BUFFERS = 5 };

/* Gives the array the buffers of its format; returns how many that are. */
static int64_t make_buffers(struct dice *d, struct owner *owner, const char *text, int64_t rows,
                            const void **buffers)
{
    const struct format *format = find_format(text);
    buffers[0] = roll(d) % 2 == 1 ? make_bits(d, owner, rows) : NULL;
    if (format->width > 0) {
        const size_t bytes = (size_t)format->width * (size_t)rows;
        void *memory = keep_exact(owner, bytes);
        fill(d, memory, bytes);
        buffers[1] = memory;
        return 2;
    }
    switch (text[0]) {
    case 'b':
        buffers[1] = make_bits(d, owner, rows);
        return 2;
    case 'u': case 'z': case 'U': case 'Z':
        make_offsets(d, owner, rows, text[0] == 'U' || text[0] == 'Z', buffers);
        return 3;
    case 'v':
        make_views(d, owner, rows, buffers);
        return 5;
    case '+':
        return 1;
    default:
        return 0;
    }
}

static void make_array(struct dice *d, struct owner *owner, const struct ArrowSchema *schema,
                       int64_t least_rows, struct ArrowArray *array)
{
    array->offset = roll(d) % 4 == 3 ? roll(d) % 10 : 0;
    array->length = least_rows + (rarely(d) ? roll(d) % 5 : 0);
    const int64_t rows = array->offset + array->length;
    array->null_count = roll(d) % 4 == 3 ? (int64_t)roll(d) - 1 : -1;

    const void *made[MOST_BUFFERS] = { NULL };
    array->n_buffers = make_buffers(d, owner, schema->format, rows, made);
    if (rarely(d))
        array->n_buffers = roll(d) % (MOST_BUFFERS + 1);
    array->buffers = keep_exact(owner, sizeof(void *) * (size_t)array->n_buffers);
    for (int64_t i = 0; i < array->n_buffers; i++)
        array->buffers[i] = rarely(d) ? NULL : made[i];
    if (rarely(d))
        array->n_buffers = hostile_number(d);

    array->release = release_child_array;
    if (schema->dictionary != NULL && !rarely(d)) {
        array->dictionary = keep(&owner->blocks, sizeof *array->dictionary);
        make_array(d, owner, schema->dictionary, roll(d) % 8, array->dictionary);
    }
    /* Lies about lengths that no buffer could back: negative, or beyond what fits. */
    if (rarely(d))
        array->length = hostile_number(d);
    if (rarely(d))
        array->offset = hostile_number(d);
    if (rarely(d)) {
        array->length = INT64_MAX;
        array->offset = 1 + roll(d);
    }
}

static void make_chunk(struct dice *d, const struct ArrowSchema *schema, bool table,
                       struct ArrowArray *array)
{
    struct owner *owner = new_owner();
    memset(array, 0, sizeof *array);
    const int64_t rows = roll(d) % 40;
    if (!table) {
        make_array(d, owner, schema, rows, array);
    } else {
        array->length = rows;
        array->offset = roll(d) % 4 == 3 ? roll(d) % 10 : 0;
        array->null_count = roll(d) % 4 == 3 ? -1 : 0;
        array->n_buffers = 1;
        array->buffers = keep(&owner->blocks, sizeof(void *));
        if (roll(d) % 4 == 3)
            array->buffers[0] = make_bits(d, owner, rows + array->offset);
        array->children = keep(&owner->blocks, sizeof(void *) * MOST_CHILDREN);
        for (int i = 0; i < MOST_CHILDREN && i < schema->n_children; i++) {
            if (schema->children[i] == NULL)
                break;
            const int64_t needed = rows + array->offset;
            array->children[i] = keep(&owner->blocks, sizeof **array->children);
            make_array(d, owner, schema->children[i],
                       rarely(d) && needed > 0 ? needed - 1 : needed, array->children[i]);
            array->n_children++;
        }
        if (array->n_children > 0 && rarely(d))
            array->n_children--;
        if (rarely(d))
            array->n_children = hostile_number(d);
        if (rarely(d))
            array->length = hostile_number(d);
        if (rarely(d))
            array->offset = hostile_number(d);
    }
    array->private_data = owner;
    array->release = release_array;
}

/* ---- a stream of chunks ----------------------------------------------------------------- */

struct producer {
    struct dice *dice;
    struct ArrowSchema like; /* what the chunks look like; the importer has its own copy */
    bool table;
    int chunks_left;
};

static int give_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct producer *p = stream->private_data;
    const struct dice before = *p->dice;
    if (rarely(p->dice))
        return 5;
    *p->dice = before;
    make_schema(p->dice, p->table, out);
    /* The same decisions once more: a second schema of the same shape. */
    *p->dice = before;
    make_schema(p->dice, p->table, &p->like);
    return 0;
}

static int give_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct producer *p = stream->private_data;
    if (rarely(p->dice))
        return 12;
    memset(out, 0, sizeof *out);
    if (p->chunks_left-- > 0)
        make_chunk(p->dice, &p->like, p->table, out);
    return 0;
}

static const char *give_error(struct ArrowArrayStream *stream)
{
    const struct producer *p = stream->private_data;
    return p->chunks_left % 2 == 0 ? "the disk is on fire" : NULL;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    struct producer *p = stream->private_data;
    if (p->like.release != NULL)
        p->like.release(&p->like);
    n_live--;
    stream->release = NULL;
}

/* ---- reading what was imported ------------------------------------------------------------ */

static void export_again(struct cxm_tally *tally)
{
    struct ArrowArrayStream stream = { 0 };
    struct cxm_arrow *rows = NULL;
    const enum cxm_status got = cxm_tally_to_arrow(tally, NULL, &stream, NULL);
    FUZZ_LAW((got == CXM_OK) == (stream.release != NULL));
    if (got == CXM_EOVERFLOW)
        return; /* a day so far away that it does not fit Arrow's 32 bits */
    FUZZ_LAW(got == CXM_OK);
    FUZZ_LAW(cxm_arrow_from_stream(&stream, NULL, &rows, NULL) == CXM_OK);
    FUZZ_LAW(cxm_arrow_rows(rows) >= cxm_tally_groups(tally));
    struct cxm_column column;
    FUZZ_LAW(cxm_arrow_column(rows, cxm_arrow_find(rows, "value"), &column, NULL) == CXM_OK);
    cxm_arrow_free(rows);
}

static void count(const char *metric, const char *role, const struct cxm_column *column,
                  const struct cxm_column *by)
{
    const struct cxm_input inputs[] = { { role, column }, { "by", by } };
    const struct cxm_add_options options = { .size = sizeof options,
                                             .invalid = CXM_INVALID_COUNT };
    struct cxm_error error = { 0 };
    struct cxm_tally *tally = NULL;
    FUZZ_LAW(cxm_tally_new(metric, NULL, 0, NULL, &tally, &error) == CXM_OK);
    if (cxm_tally_add(tally, inputs, by != NULL ? 2 : 1, &options, &error) == CXM_OK) {
        struct cxm_tally_info info;
        cxm_tally_describe(tally, &info);
        FUZZ_LAW(info.rows == column->n);
        export_again(tally);
    } else {
        FUZZ_LAW(error.message[0] != '\0');
    }
    cxm_tally_free(tally);
}

static void read_columns(struct cxm_arrow *arrow)
{
    struct cxm_column columns[MOST_CHILDREN];
    bool good[MOST_CHILDREN] = { false };
    const int64_t n = cxm_arrow_columns(arrow);
    FUZZ_LAW(n >= 0 && n <= MOST_CHILDREN);
    for (int64_t i = 0; i < n; i++) {
        struct cxm_error error = { 0 };
        good[i] = cxm_arrow_column(arrow, i, &columns[i], &error) == CXM_OK;
        FUZZ_LAW(good[i] || error.message[0] != '\0');
        FUZZ_LAW(!good[i] || columns[i].n == cxm_arrow_rows(arrow));
    }
    for (int64_t i = 0; i < n; i++) {
        const int64_t next = (i + 1) % n;
        if (!good[i])
            continue;
        count("nps", "score", &columns[i], NULL);
        count("mean", "value", &columns[i], good[next] ? &columns[next] : NULL);
        if (columns[i].time_unit != CXM_NO_TIME && good[next])
            columns[i] = cxm_column_period(columns[i], CXM_MONTH, 3600);
        if (good[next])
            count("nps", "score", &columns[next], &columns[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dice dice = { data, size };
    struct cxm_error error = { 0 };
    struct cxm_arrow *arrow = NULL;
    enum cxm_status got;
    const uint8_t shape = roll(&dice);
    n_live = 0;
    if (shape % 4 == 3) {
        struct ArrowSchema schema, like;
        struct ArrowArray array;
        struct dice again = dice;
        make_schema(&dice, shape & 4, &schema);
        make_schema(&again, shape & 4, &like);
        make_chunk(&dice, &like, shape & 4, &array);
        like.release(&like);
        got = cxm_arrow_from_array(&schema, &array, NULL, &arrow, &error);
        FUZZ_LAW(schema.release == NULL && array.release == NULL);
    } else {
        struct producer producer = { .dice = &dice, .table = shape & 4,
                                     .chunks_left = shape >> 3 & 3 };
        struct ArrowArrayStream stream = { give_schema, give_next, give_error, release_stream,
                                           &producer };
        n_live++;
        got = cxm_arrow_from_stream(&stream, NULL, &arrow, &error);
        FUZZ_LAW(stream.release == NULL);
    }
    FUZZ_LAW((got == CXM_OK) == (arrow != NULL));
    FUZZ_LAW(got == CXM_OK || error.message[0] != '\0');
    if (got == CXM_OK)
        read_columns(arrow);
    cxm_arrow_free(arrow);
    FUZZ_LAW(n_live == 0);
    return 0;
}
