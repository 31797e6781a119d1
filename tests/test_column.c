/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns and their readers. A law first: random columns of every type, stride, validity,
 * chunking and dictionary are read as a slow oracle says, and codes are numbers that were
 * rounded. Then rows for each rule of read.h, and columns that lie. */
#include "testing.h"

#include "column/decode.h"

#include <cxm/column.h>

/* ---- random columns ------------------------------------------------------------------- */

enum { MOST_ROWS = 700, ROOM = 48 };

/* One answer: what was written, and whether it is there. */
struct cell {
    bool null;
    double value;    /* floats and decimals */
    int64_t integer; /* integers; u64 as its bits */
};

/* A part of a column with everything it points to, on the heap, so that sanitizers see every
 * byte that is read beyond its end. */
struct store {
    struct cxm_column column;
    struct cell cells[MOST_ROWS];
    unsigned char *data, *validity, *mask;
    char *heap;
    int64_t heap_bytes;
    struct cxm_column dictionary;
    struct store *values; /* of the dictionary */
    int64_t *indexes;
};

static const uint32_t number_types[] = {
    CXM_I8,  CXM_I16, CXM_I32, CXM_I64,  CXM_U8,   CXM_U16,     CXM_U32,
    CXM_U64, CXM_F32, CXM_F64, CXM_BOOL, CXM_BITS, CXM_DECIMAL,
};
static const uint32_t text_types[] = {
    CXM_TEXT, CXM_UTF8, CXM_UTF8_LARGE, CXM_UTF8_VIEW, CXM_STRINGS,
};

static const struct cxm_label labels[] = {
    { "-1", -1, 0, 0 },
    { "0", 0, 0, 0 },
    { "3", 3, 0, 0 },
    { "4", 4, 0, 0 },
    { "5", 5, 0, 0 },
    { "7", 7.5, 0, 0 },
    { "no answer given", 0, 1, 0 },
    { "99", 99, 0, 0 },
    { "", 2, 0, 0 },
    { "a text of more than twelve bytes", 1, 0, 0 },
};
static const char *const words[] = {
    "-1",
    "0",
    "3",
    "4",
    "5",
    "7",
    "no answer given",
    "99",
    "",
    "a text of more than twelve bytes",
    "unlisted",
    "twelve bytes",
    "no answer give",
    "no answer given!",
    "30",
};

static void put_number(uint32_t type, int32_t scale, const struct cell *cell, unsigned char *p)
{
    const int64_t integer = cell->integer;
    const float single = (float)cell->value;
    cxm_i128 decimal = integer;
    switch (type) {
    case CXM_F32: memcpy(p, &single, 4); break;
    case CXM_F64: memcpy(p, &cell->value, 8); break;
    case CXM_BOOL: *p = (unsigned char)(integer * 7); break;
    case CXM_DECIMAL: /* integer counts halves */
        for (int i = 0; i < scale - 1; i++)
            decimal *= 10;
        decimal *= 5;
        for (int i = 0; i < 16; i++)
            p[i] = (unsigned char)((cxm_u128)decimal >> 8 * i);
        break;
    default: store_integer(p, (uint64_t)integer, cxm_type_bytes((enum cxm_type)type)); break;
    }
}

/* Mostly answers near 0 … 10, sometimes what must not be used. */
static struct cell random_cell(uint64_t *seed, uint32_t type)
{
    static const double odd[] = { 0.5,    -0.0,   1e-17,   3.0000001, 1e300,
                                  -61000, 0x1p31, -0x1p63, 0x1p53,    0x1p53 + 2 };
    static const int64_t wide[] = { INT64_MAX,
                                    INT64_MIN,
                                    ((int64_t)1 << 53),
                                    ((int64_t)1 << 53) + 1,
                                    -((int64_t)1 << 53),
                                    -((int64_t)1 << 53) - 1,
                                    ((int64_t)1 << 32) + 3,
                                    -((int64_t)1 << 32) + 3,
                                    -1,
                                    -3 };
    struct cell cell = { false, 0, (int64_t)random_below(seed, 16) - 3 };
    const bool is_unsigned = type >= CXM_U8 && type <= CXM_U64;
    if (is_unsigned && cell.integer < 0)
        cell.integer += 120;
    if (random_below(seed, 40) == 0)
        cell.integer = 99;
    const uint64_t special = random_below(seed, 12);
    if ((type == CXM_I64 || type == CXM_U64) && special == 0)
        cell.integer = wide[random_below(seed, COUNT_OF(wide))];
    else if ((type == CXM_I32 || type == CXM_U32) && special == 0)
        cell.integer = type == CXM_I32 ? (int64_t)INT32_MIN : (int64_t)UINT32_MAX - 2;
    if (type == CXM_BOOL || type == CXM_BITS)
        cell.integer &= 1;
    cell.value = (double)cell.integer;
    if (type == CXM_DECIMAL) {
        cell.integer *= 2;
        cell.integer += special == 0;
        cell.value = (double)cell.integer / 2;
    } else if (special == 0) {
        cell.value = odd[random_below(seed, COUNT_OF(odd))];
        if (type == CXM_F32)
            cell.value = (double)(float)cell.value;
    } else if (special == 1) {
        cell.value = random_below(seed, 2) ? (double)NAN : (double)-INFINITY;
    }
    return cell;
}

static void fill_numbers(struct store *store, uint64_t *seed)
{
    struct cxm_column *const c = &store->column;
    const int64_t bytes = (int64_t)cxm_type_bytes((enum cxm_type)c->type);
    static const int64_t gaps[] = { 0, 0, 3, 16 };
    c->scale = c->type == CXM_DECIMAL ? 1 + (int32_t)random_below(seed, 30) : 0;
    if (c->type == CXM_BITS) {
        c->offset = (int64_t)random_below(seed, 20);
        store->data = calloc((size_t)(c->n + c->offset + 7) / 8 + 1, 1);
        for (int64_t i = 0; i < c->n; i++)
            if (store->cells[i].integer)
                store->data[(i + c->offset) / 8] |= (unsigned char)(1u << (i + c->offset) % 8);
        c->data = store->data;
        store->data = realloc(store->data, (size_t)(c->n + c->offset + 7) / 8 + (c->n == 0));
        c->data = store->data;
        return;
    }
    const uint64_t form = random_below(seed, 5);
    c->stride = bytes + gaps[random_below(seed, 4)];
    if (form == 0)
        c->stride = -c->stride;
    else if (form == 1 && c->n > 0)
        c->stride = 0;
    const int64_t step = c->stride < 0 ? -c->stride : c->stride;
    const int64_t skew = (int64_t)random_below(seed, 3); /* unaligned */
    const int64_t total = (c->n > 0 ? step * (c->n - 1) + bytes : 0) + skew;
    store->data = malloc((size_t)total + (total == 0));
    memset(store->data, 0xa5, (size_t)total);
    unsigned char *const first =
        store->data + skew + (c->stride < 0 && c->n > 0 ? step * (c->n - 1) : 0);
    for (int64_t i = 0; i < c->n; i++) {
        if (c->stride == 0)
            store->cells[i] = store->cells[0];
        put_number(c->type, c->scale, &store->cells[i], first + i * c->stride);
    }
    c->data = first;
}

static void fill_text(struct store *store, uint64_t *seed)
{
    struct cxm_column *const c = &store->column;
    const size_t n = (size_t)c->n;
    size_t at = random_below(seed, 5);
    const bool offsets = c->type == CXM_UTF8 || c->type == CXM_UTF8_LARGE;
    c->offset =
        c->type == CXM_TEXT || c->type == CXM_STRINGS ? 0 : (int64_t)random_below(seed, 4);
    c->width = 40;
    c->stride = c->type == CXM_TEXT ? 40 : (int64_t)sizeof(char *);
    store->heap = calloc(n + 1, 48);
    store->data = calloc(n + 6, 40);
    for (size_t i = 0; i < n; i++) {
        const char *const word = words[store->cells[i].integer];
        const int32_t length = (int32_t)strlen(word), at32 = (int32_t)at;
        const int64_t at64 = (int64_t)at;
        const size_t slot = i + (size_t)c->offset;
        const char *const place = store->heap + at;
        memcpy(store->heap + at, word, (size_t)length + 1);
        switch (c->type) {
        case CXM_TEXT: memcpy(store->data + 40 * i, word, (size_t)length); break;
        case CXM_UTF8: memcpy(store->data + 4 * slot, &at32, 4); break;
        case CXM_UTF8_LARGE: memcpy(store->data + 8 * slot, &at64, 8); break;
        case CXM_STRINGS: memcpy(store->data + 8 * i, &place, sizeof place); break;
        default:
            memcpy(store->data + 16 * slot, &length, 4);
            memcpy(store->data + 16 * slot + 4, word, length <= 12 ? (size_t)length : 4);
            if (length > 12)
                memcpy(store->data + 16 * slot + 12, &at32, 4);
        }
        at += (size_t)length + (offsets ? 0 : 1);
    }
    const int32_t end32 = (int32_t)at;
    const int64_t end64 = (int64_t)at;
    if (c->type == CXM_UTF8)
        memcpy(store->data + 4 * (n + (size_t)c->offset), &end32, 4);
    if (c->type == CXM_UTF8_LARGE)
        memcpy(store->data + 8 * (n + (size_t)c->offset), &end64, 8);
    store->heap_bytes = end64;
    c->heap = c->type == CXM_UTF8_VIEW ? (const void *)&store->heap : store->heap;
    c->n_buffers = 1;
    c->heap_bytes = &store->heap_bytes;
    c->data = store->data;
}

static void fill_nulls(struct store *store, uint64_t *seed)
{
    struct cxm_column *const c = &store->column;
    const uint64_t density = random_below(seed, 3); /* none, few, many */
    for (int64_t i = 0; i < c->n; i++)
        store->cells[i].null = density > 0 && random_below(seed, density == 1 ? 150 : 3) == 0;
    const uint64_t form = random_below(seed, 3);
    if (form == 0) { /* no way to say null */
        for (int64_t i = 0; i < c->n; i++)
            store->cells[i].null = false;
    } else if (form == 1) {
        c->validity_offset = (int64_t)random_below(seed, 70);
        const size_t bytes = (size_t)(c->n + c->validity_offset + 7) / 8;
        store->validity = calloc(bytes + (bytes == 0), 1);
        for (int64_t i = 0; i < c->n; i++)
            if (!store->cells[i].null)
                store->validity[(i + c->validity_offset) / 8] |=
                    (unsigned char)(1u << (i + c->validity_offset) % 8);
        c->validity = store->validity;
    } else {
        const bool in = random_below(seed, 2);
        c->mask_stride = 1 + (int64_t)random_below(seed, 2);
        store->mask = calloc((size_t)(c->n * c->mask_stride) + 1, 1);
        for (int64_t i = 0; i < c->n; i++)
            store->mask[i * c->mask_stride] = store->cells[i].null != in ? 5 : 0;
        c->mask = store->mask;
        if (in)
            c->flags |= CXM_COLUMN_MASKED_IN;
    }
}

static bool is_text_type(uint32_t type)
{
    return type == CXM_STRINGS || (type >= CXM_TEXT && type <= CXM_UTF8_VIEW);
}

static struct store *new_store(uint64_t *seed, uint32_t type, int64_t n, bool nullable)
{
    struct store *const store = calloc(1, sizeof *store);
    store->column.type = type;
    store->column.n = n;
    for (int64_t i = 0; i < n; i++)
        store->cells[i] =
            is_text_type(type)
                ? (struct cell){ false, 0, (int64_t)random_below(seed, COUNT_OF(words)) }
                : random_cell(seed, type);
    if (is_text_type(type))
        fill_text(store, seed);
    else
        fill_numbers(store, seed);
    if (nullable)
        fill_nulls(store, seed);
    return store;
}

/* Indexes of a random integer type into a dictionary; some lie outside of it. */
static struct store *new_dictionary_store(uint64_t *seed, uint32_t type, int64_t n)
{
    struct store *const values =
        new_store(seed, type, 1 + (int64_t)random_below(seed, 300), true);
    struct store *const store =
        new_store(seed, CXM_I8 + (uint32_t)random_below(seed, 8), n, true);
    const int64_t most = store->column.type == CXM_I8 ? 127 : 255;
    store->values = values;
    store->column.dictionary = &values->column;
    store->indexes = calloc((size_t)n + 1, sizeof *store->indexes);
    for (int64_t i = 0; i < n; i++) {
        struct cell *const cell = &store->cells[i];
        cell->integer = (int64_t)random_below(
            seed, (uint64_t)(values->column.n < most ? values->column.n : most));
        if (random_below(seed, 30) == 0)
            cell->integer = values->column.n <= most ? most : -1;
        if (store->column.type >= CXM_U8 && cell->integer < 0 && store->column.type != CXM_U64)
            cell->integer = 0;
        if (store->column.stride == 0)
            cell->integer = store->cells[0].integer;
        store->indexes[i] = cell->integer;
        put_number(store->column.type, 0, cell,
                   (unsigned char *)(uintptr_t)store->column.data + i * store->column.stride);
    }
    return store;
}

static void free_store(struct store *store)
{
    if (store == NULL)
        return;
    free_store(store->values);
    free(store->indexes);
    free(store->data);
    free(store->validity);
    free(store->mask);
    free(store->heap);
    free(store);
}

/* ---- the oracle ----------------------------------------------------------------------- */

static bool is_code(const struct cxm_column *column, double value)
{
    for (int64_t i = 0; i < column->n_missing_codes; i++)
        if (value == column->missing_codes[i])
            return true;
    return false;
}

static uint8_t oracle_text(const struct cxm_column *column, const char *word, double *value)
{
    for (size_t i = 0; i < COUNT_OF(labels); i++)
        if (strcmp(labels[i].text, word) == 0) {
            *value = labels[i].value;
            return labels[i].missing || is_code(column, *value) ? CXM_ROW_MISSING
                                                                : CXM_ROW_USED;
        }
    return CXM_ROW_INVALID;
}

/* What a row must be read as: written from the words of read.h. */
static uint8_t oracle(const struct cxm_column *column, const struct store *store, int64_t row,
                      bool sentinel, double *value)
{
    const struct cell *const cell = &store->cells[row];
    const uint32_t type = store->column.type;
    const bool real = type == CXM_F32 || type == CXM_F64 || type == CXM_DECIMAL;
    *value = (double)NAN;
    if (cell->null)
        return CXM_ROW_MISSING;
    if (store->values != NULL) {
        if (sentinel && store->indexes[row] == column->sentinel)
            return CXM_ROW_MISSING;
        if (store->indexes[row] < 0 || store->indexes[row] >= store->values->column.n)
            return CXM_ROW_INVALID;
        return oracle(column, store->values, store->indexes[row], false, value);
    }
    if (is_text_type(type))
        return oracle_text(column, words[cell->integer], value);
    double v = real ? cell->value : (double)cell->integer;
    if (type == CXM_U64)
        v = (double)(uint64_t)cell->integer;
    if (isnan(v))
        return CXM_ROW_MISSING;
    /* Of a decimal the stored integer counts; here it is a multiple of 5. */
    if (sentinel && type == CXM_DECIMAL && column->sentinel == 0 && v == 0)
        return CXM_ROW_MISSING;
    if (sentinel && type != CXM_DECIMAL
        && (real ? v == (double)column->sentinel : cell->integer == column->sentinel))
        return CXM_ROW_MISSING;
    if (is_code(column, v))
        return CXM_ROW_MISSING;
    const int64_t exact = (int64_t)1 << 53;
    const bool wide = type == CXM_U64 ? (uint64_t)cell->integer > (uint64_t)exact
                                      : cell->integer > exact || cell->integer < -exact;
    if (isinf(v) || (!real && wide))
        return CXM_ROW_INVALID;
    *value = v;
    return CXM_ROW_USED;
}

static uint16_t oracle_code(uint8_t state, double value, int64_t lo, uint32_t bins)
{
    if (state == CXM_ROW_MISSING)
        return (uint16_t)bins;
    if (state == CXM_ROW_INVALID || value != floor(value) || value < (double)lo
        || value > (double)lo + bins - 1)
        return (uint16_t)(bins + 1);
    return (uint16_t)(value - (double)lo);
}

/* ---- the law -------------------------------------------------------------------------- */

enum { MOST_CHUNKS = 4 };

/* One random column, in one part or in chunks. */
struct sample {
    struct cxm_column column;
    struct cxm_column chunks[MOST_CHUNKS];
    struct store *stores[MOST_CHUNKS];
    int64_t n_stores;
    double codes[3];
};

static struct store *random_store(uint64_t *seed, uint32_t type, int64_t n, bool dictionary)
{
    return dictionary ? new_dictionary_store(seed, type, n) : new_store(seed, type, n, true);
}

static void sample_init(struct sample *sample, uint64_t *seed, uint32_t type)
{
    static const int64_t sentinels[] = { -1, 0, 3, 99, INT64_MIN };
    memset(sample, 0, sizeof *sample);
    const bool dictionary = random_below(seed, 3) == 0;
    const bool chunked = random_below(seed, 3) == 0;
    sample->n_stores = chunked ? 1 + (int64_t)random_below(seed, MOST_CHUNKS) : 1;
    int64_t n = 0;
    for (int64_t i = 0; i < sample->n_stores; i++) {
        const int64_t rows =
            (int64_t)random_below(seed, random_below(seed, 3) == 0 ? 4 : MOST_ROWS);
        sample->stores[i] = random_store(seed, type, rows, dictionary);
        sample->chunks[i] = sample->stores[i]->column;
        n += rows;
    }
    if (!chunked)
        sample->column = sample->chunks[0];
    struct cxm_column *const c = &sample->column;
    if (chunked) {
        c->chunks = sample->chunks;
        c->n_chunks = sample->n_stores;
    }
    c->n = n;
    c->labels = labels;
    c->n_labels = COUNT_OF(labels);
    sample->codes[0] = 99;
    sample->codes[1] = -2;
    sample->codes[2] = random_below(seed, 2) ? 2.5 : 0x1p53;
    c->missing_codes = sample->codes;
    c->n_missing_codes = (int64_t)random_below(seed, 4);
    if (random_below(seed, 3) == 0) {
        c->flags |= CXM_COLUMN_SENTINEL;
        c->sentinel = sentinels[random_below(seed, COUNT_OF(sentinels))];
        if (type == CXM_BOOL && !dictionary)
            c->sentinel = 0; /* the byte of yes is 7 here */
    }
}

static void sample_free(struct sample *sample)
{
    for (int64_t i = 0; i < sample->n_stores; i++)
        free_store(sample->stores[i]);
}

static uint8_t sample_oracle(const struct sample *sample, int64_t row, double *value)
{
    int64_t i = 0;
    const bool sentinel = (sample->column.flags & CXM_COLUMN_SENTINEL) != 0;
    for (; row >= sample->stores[i]->column.n; i++)
        row -= sample->stores[i]->column.n;
    return oracle(&sample->column, sample->stores[i], row, sentinel, value);
}

/* Whole numbers: the same states as numbers, but for what is beyond 2^53 or not whole. */
static void check_integers(const struct sample *sample, struct cxm_reader *reader,
                           int64_t first, size_t n)
{
    int64_t integers[MOST_ROWS * MOST_CHUNKS];
    uint8_t states[MOST_ROWS * MOST_CHUNKS];
    cxm_priv_read_integers(reader, first, n, integers, states);
    for (size_t i = 0; i < n; i++) {
        double value;
        const uint8_t want = sample_oracle(sample, first + (int64_t)i, &value);
        if (want == CXM_ROW_MISSING) {
            assert_int_equal(states[i], CXM_ROW_MISSING);
        } else if (want == CXM_ROW_USED) {
            const bool whole = value == floor(value) && fabs(value) < 0x1p63;
            if (value == -0x1p63)
                continue;
            assert_int_equal(states[i], whole ? CXM_ROW_USED : CXM_ROW_INVALID);
            assert_true(!whole || (double)integers[i] == value);
        }
    }
}

static void check_reads(const struct sample *sample, uint64_t *seed)
{
    static const int64_t los[] = { 0, 1, -5, 3, 1000, -1000, 100000, ((int64_t)1 << 53) - 2 };
    static const uint32_t all_bins[] = { 1, 2, 5, 11, 101, 60000 };
    double values[MOST_ROWS * MOST_CHUNKS];
    uint8_t states[MOST_ROWS * MOST_CHUNKS];
    uint16_t codes[MOST_ROWS * MOST_CHUNKS];
    struct cxm_reader reader;
    cxm_priv_reader_init(&reader, &sample->column);
    for (int pass = 0; pass < 4; pass++) {
        const int64_t first =
            pass == 0 ? 0 : (int64_t)random_below(seed, (uint64_t)sample->column.n + 1);
        const size_t left = (size_t)(sample->column.n - first);
        const size_t n = pass == 0 ? left : (size_t)random_below(seed, left + 1);
        const int64_t lo = los[random_below(seed, COUNT_OF(los))];
        const uint32_t bins = all_bins[random_below(seed, COUNT_OF(all_bins))];
        cxm_priv_read_numbers(&reader, first, n, values, states);
        cxm_priv_read_codes(&reader, first, n, lo, bins, codes);
        for (size_t i = 0; i < n; i++) {
            double want;
            const uint8_t state = sample_oracle(sample, first + (int64_t)i, &want);
            if (state != CXM_ROW_USED)
                want = (double)NAN;
            if (states[i] != state || codes[i] != oracle_code(state, want, lo, bins))
                print_error("type %s row %lld: state %d (%d), value %.17g (%.17g), code %d, "
                            "lo %lld bins %u\n",
                            cxm_type_name((enum cxm_type)sample->stores[0]->column.type),
                            (long long)(first + (int64_t)i), states[i], state, values[i], want,
                            codes[i], (long long)lo, bins);
            assert_int_equal(states[i], state);
            assert_close(values[i], want, 0);
            assert_int_equal(codes[i], oracle_code(state, want, lo, bins));
        }
        check_integers(sample, &reader, first, n);
    }
}

static void any_column_is_read(void **state)
{
    const uint32_t type = *(const uint32_t *)*state;
    uint64_t seed = random_seed() + type;
    for (int round = 0; round < 250; round++) {
        struct sample sample;
        struct cxm_error error;
        sample_init(&sample, &seed, type);
        if (cxm_priv_column_fits(&sample.column, CXM_ROLE_RATING, "score", &error) != CXM_OK)
            fail_msg("%s", error.message);
        check_reads(&sample, &seed);
        sample_free(&sample);
    }
}

/* Words of keys are in the order of the values; text is the text. */
static void any_key_is_read(void **state)
{
    const uint32_t type = *(const uint32_t *)*state;
    uint64_t seed = random_seed() + 1000 + type;
    for (int round = 0; round < 100 && type != CXM_DECIMAL; round++) {
        struct sample sample;
        struct cxm_key_plan plan;
        struct cxm_reader reader;
        uint64_t key_words[MOST_ROWS * MOST_CHUNKS];
        struct cxm_text *const text = calloc(MOST_ROWS * MOST_CHUNKS, sizeof *text);
        uint8_t states[MOST_ROWS * MOST_CHUNKS];
        sample_init(&sample, &seed, type);
        assert_int_equal(cxm_priv_key_plan(&sample.column, &plan, NULL), CXM_OK);
        assert_int_equal(plan.words, !is_text_type(type));
        cxm_priv_reader_init(&reader, &sample.column);
        const size_t n = (size_t)sample.column.n;
        if (plan.words)
            cxm_priv_read_key_words(&reader, &plan, 0, n, key_words, states);
        else
            cxm_priv_read_key_text(&reader, 0, n, text, states);
        double last = (double)NAN;
        uint64_t last_word = 0;
        for (size_t i = 0; i < n; i++) {
            double want;
            const uint8_t as_number = sample_oracle(&sample, (int64_t)i, &want);
            char shown[80];
            cxm_priv_value_text(&sample.column, (int64_t)i, shown, sizeof shown);
            if (!plan.words && states[i] == CXM_ROW_USED) {
                assert_int_equal(strlen(shown), text[i].n);
                assert_memory_equal(shown, text[i].bytes, text[i].n);
            }
            if (!plan.words || as_number != CXM_ROW_USED)
                continue;
            struct cxm_key key;
            cxm_priv_key_from_word(plan.info.type, key_words[i], &key);
            assert_int_equal(states[i], CXM_ROW_USED);
            assert_true(key.real == want);
            assert_true(plan.info.type == CXM_KEY_REAL || (double)key.integer == want);
            if (last < want)
                assert_true(last_word < key_words[i]);
            if (last > want)
                assert_true(last_word > key_words[i]);
            if (last == want) /* -0.0 too */
                assert_true(last_word == key_words[i]);
            last = want;
            last_word = key_words[i];
        }
        free(text);
        sample_free(&sample);
    }
}

/* ---- rules, one by one ---------------------------------------------------------------- */

static struct cxm_column column_of(uint32_t type, const void *data, int64_t n, int64_t stride)
{
    return cxm_column_make("x", type, data, (size_t)n, stride, 0);
}

static uint8_t read_number(const struct cxm_column *column, int64_t row, double *value)
{
    struct cxm_reader reader;
    uint8_t state;
    cxm_priv_reader_init(&reader, column);
    cxm_priv_read_numbers(&reader, row, 1, value, &state);
    return state;
}

static uint8_t read_time(const struct cxm_column *column, int64_t row, int64_t *value,
                         bool *subsecond)
{
    struct cxm_reader reader;
    uint8_t state;
    cxm_priv_reader_init(&reader, column);
    cxm_priv_read_times(&reader, row, 1, value, &state, subsecond);
    return state;
}

/* 2^63 seconds overflow; finer instants are floored, not cut, also before 1970. */
/* clang-format off */
static const struct time_row {
    const char *name;
    enum cxm_time_unit unit;
    int64_t ticks, want;
    uint8_t state;
    bool subsecond;
} time_rows[] = {
    { "plain integers are seconds", CXM_NO_TIME, -5, -5, CXM_ROW_USED, false },
    { "seconds", CXM_S, INT64_MIN, INT64_MIN, CXM_ROW_USED, false },
    { "milliseconds", CXM_MS, 1999, 1, CXM_ROW_USED, true },
    { "a millisecond before 1970", CXM_MS, -1, -1, CXM_ROW_USED, true },
    { "a second before 1970", CXM_MS, -1000, -1, CXM_ROW_USED, false },
    { "just before that", CXM_MS, -1001, -2, CXM_ROW_USED, true },
    { "microseconds", CXM_US, -1000001, -2, CXM_ROW_USED, true },
    { "nanoseconds", CXM_NS, 1000000000, 1, CXM_ROW_USED, false },
    { "the first nanosecond", CXM_NS, INT64_MIN, -9223372037, CXM_ROW_USED, true },
    { "the last nanosecond", CXM_NS, INT64_MAX, 9223372036, CXM_ROW_USED, true },
    { "days", CXM_DAYS, -1, -86400, CXM_ROW_USED, false },
    { "the last day", CXM_DAYS, 106751991167300, 9223372036854720000, CXM_ROW_USED, false },
    { "a day too late", CXM_DAYS, 106751991167301, 0, CXM_ROW_INVALID, false },
    { "a day too early, just", CXM_DAYS, -106751991167301, 0, CXM_ROW_INVALID, false },
    { "a day too early", CXM_DAYS, INT64_MIN, 0, CXM_ROW_INVALID, false },
};
/* clang-format on */

static void instant_row(void **state)
{
    const struct time_row *const r = *state;
    struct cxm_column column = column_of(CXM_I64, &r->ticks, 1, 8);
    int64_t got = 42;
    bool subsecond = false;
    column.time_unit = r->unit;
    assert_int_equal(read_time(&column, 0, &got, &subsecond), r->state);
    assert_int_equal(got, r->want);
    assert_int_equal(subsecond, r->subsecond);
    column.flags |= CXM_COLUMN_SENTINEL; /* what is missing loses no fraction */
    column.sentinel = r->ticks;
    subsecond = false;
    assert_int_equal(read_time(&column, 0, &got, &subsecond), CXM_ROW_MISSING);
    assert_false(subsecond);
}

static void instants_of_other_types(void **state)
{
    (void)state;
    const double floats[] = { -0.5, 1500.0, (double)NAN, 1e300, -2500.0, 0x1p63, -0x1p63 };
    struct cxm_column column = column_of(CXM_F64, floats, 7, 8);
    int64_t got;
    bool subsecond = false;
    assert_int_equal(read_time(&column, 1, &got, &subsecond), CXM_ROW_USED);
    assert_int_equal(got, 1500);
    assert_false(subsecond);
    assert_int_equal(read_time(&column, 0, &got, &subsecond), CXM_ROW_USED);
    assert_int_equal(got, -1);
    assert_true(subsecond);
    assert_int_equal(read_time(&column, 2, &got, &subsecond), CXM_ROW_MISSING);
    assert_int_equal(read_time(&column, 3, &got, &subsecond), CXM_ROW_INVALID);
    assert_int_equal(read_time(&column, 5, &got, &subsecond), CXM_ROW_INVALID);
    assert_int_equal(read_time(&column, 6, &got, &subsecond), CXM_ROW_USED);
    assert_int_equal(got, INT64_MIN);
    column.time_unit = CXM_MS;
    assert_int_equal(read_time(&column, 4, &got, &subsecond), CXM_ROW_USED);
    assert_int_equal(got, -3);
    /* 2^53 - 1 ms: the quotient 9007199254740.991 floors to …740 */
    const double big = 0x1p53 - 1;
    column.data = &big;
    column.n = 1;
    assert_int_equal(read_time(&column, 0, &got, &subsecond), CXM_ROW_USED);
    assert_int_equal(got, 9007199254740);
    /* 1125899906842624.896 s: the quotient rounds to …625 */
    const double rounds_up = 1125899906842624896.0;
    column.data = &rounds_up;
    subsecond = false;
    assert_int_equal(read_time(&column, 0, &got, &subsecond), CXM_ROW_USED);
    assert_int_equal(got, 1125899906842624);
    assert_true(subsecond);
    /* -0.01 and -12.00 seconds as decimals */
    unsigned char decimals[2][16];
    store_decimal(decimals[0], -1);
    store_decimal(decimals[1], -1200);
    column = column_of(CXM_DECIMAL, decimals, 2, 16);
    column.scale = 2;
    subsecond = false;
    assert_int_equal(read_time(&column, 1, &got, &subsecond), CXM_ROW_USED);
    assert_int_equal(got, -12);
    assert_false(subsecond);
    assert_int_equal(read_time(&column, 0, &got, &subsecond), CXM_ROW_USED);
    assert_int_equal(got, -1);
    assert_true(subsecond);
    store_decimal(decimals[1], -1201);
    assert_int_equal(read_time(&column, 1, &got, &subsecond), CXM_ROW_USED);
    assert_int_equal(got, -13);
    const char text[] = "12";
    column = cxm_column_make("x", CXM_TEXT, text, 1, 2, 2);
    assert_int_equal(read_time(&column, 0, &got, &subsecond), CXM_ROW_INVALID);
}

/* Durations are seconds, correctly rounded: 0.1 ms is the double nearest to 1e-4. */
static void durations_are_seconds(void **state)
{
    (void)state;
    const int64_t ticks[] = { 100, INT64_MAX, -1, ((int64_t)1 << 53) + 1, 104249991374 };
    struct cxm_column column = column_of(CXM_I64, ticks, 5, 8);
    double value;
    column.flags = CXM_COLUMN_DURATION;
    column.time_unit = CXM_US;
    assert_int_equal(read_number(&column, 0, &value), CXM_ROW_USED);
    assert_close(value, 1e-4, 0);
    column.time_unit = CXM_NS;
    assert_int_equal(read_number(&column, 1, &value), CXM_ROW_USED);
    assert_close(value, 9223372036.854775807, 0);
    assert_int_equal(read_number(&column, 3, &value), CXM_ROW_USED);
    assert_close(value, 9007199.254740993, 0);
    column.time_unit = CXM_S;
    assert_int_equal(read_number(&column, 3, &value), CXM_ROW_INVALID);
    column.time_unit = CXM_DAYS;
    assert_int_equal(read_number(&column, 2, &value), CXM_ROW_USED);
    assert_close(value, -86400, 0);
    assert_int_equal(read_number(&column, 4, &value), CXM_ROW_USED); /* 2^53 / 86400 */
    assert_close(value, 104249991374.0 * 86400, 0);
    assert_int_equal(read_number(&column, 3, &value), CXM_ROW_INVALID);
    /* Missing codes are in the unit of the column. */
    const double code = 100;
    column.time_unit = CXM_MS;
    column.missing_codes = &code;
    column.n_missing_codes = 1;
    assert_int_equal(read_number(&column, 0, &value), CXM_ROW_MISSING);
    uint16_t codes[2];
    const float floats[] = { 3000.0f, 3500.0f };
    column = column_of(CXM_F32, floats, 2, 4);
    column.flags = CXM_COLUMN_DURATION;
    column.time_unit = CXM_MS;
    struct cxm_reader reader;
    cxm_priv_reader_init(&reader, &column);
    cxm_priv_read_codes(&reader, 0, 2, 0, 11, codes);
    assert_int_equal(codes[0], 3);
    assert_int_equal(codes[1], 12);
}

static const struct decimal_row {
    uint64_t high, low;
    int32_t scale;
    double want;
} decimal_rows[] = {
#include "data/decimal_rows.h"
};

static void decimals_round_correctly(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(decimal_rows); i++) {
        const struct decimal_row *const r = &decimal_rows[i];
        unsigned char bytes[17]; /* unaligned */
        for (int b = 0; b < 8; b++) {
            bytes[1 + b] = (unsigned char)(r->low >> 8 * b);
            bytes[9 + b] = (unsigned char)(r->high >> 8 * b);
        }
        struct cxm_column column = column_of(CXM_DECIMAL, bytes + 1, 1, 16);
        double value;
        column.scale = r->scale;
        assert_int_equal(read_number(&column, 0, &value), CXM_ROW_USED);
        assert_close(value, r->want, 0);
    }
}

static void decimals_as_whole_numbers(void **state)
{
    (void)state;
    static const struct {
        int64_t integer;
        int32_t scale;
        uint8_t state;
        int64_t want;
    } rows[] = {
        { 1200, 2, CXM_ROW_USED, 12 },   { -1200, 2, CXM_ROW_USED, -12 },
        { 1201, 2, CXM_ROW_INVALID, 0 }, { -1, 1, CXM_ROW_INVALID, 0 },
        { 0, 76, CXM_ROW_USED, 0 },      { 5, -2, CXM_ROW_USED, 500 },
        { 1, -19, CXM_ROW_INVALID, 0 },  { 9, -18, CXM_ROW_USED, 9000000000000000000 },
        { 1, -76, CXM_ROW_INVALID, 0 },  { -1, 76, CXM_ROW_INVALID, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unsigned char bytes[16];
        struct cxm_column column = column_of(CXM_DECIMAL, bytes, 1, 16);
        struct cxm_reader reader;
        int64_t got;
        uint8_t got_state;
        store_decimal(bytes, rows[i].integer);
        column.scale = rows[i].scale;
        cxm_priv_reader_init(&reader, &column);
        cxm_priv_read_integers(&reader, 0, 1, &got, &got_state);
        assert_int_equal(got_state, rows[i].state);
        assert_int_equal(got, rows[i].want);
    }
}

/* null, then code, then range; the first that holds decides. */
static void order_of_tests(void **state)
{
    (void)state;
    const double values[] = { 99, (double)INFINITY, 11.5, -0.0, (double)NAN };
    const double codes[] = { (double)INFINITY, 99 };
    const uint8_t validity = 0x0f;
    struct cxm_column column = column_of(CXM_F64, values, 5, 8);
    uint16_t got[5];
    struct cxm_reader reader;
    column.missing_codes = codes;
    column.n_missing_codes = 2;
    column.validity = &validity;
    cxm_priv_reader_init(&reader, &column);
    cxm_priv_read_codes(&reader, 0, 5, 0, 11, got);
    static const uint16_t want[] = { 11, 11, 12, 0, 11 };
    assert_memory_equal(got, want, sizeof want);
}

/* A categorical's -1 is a sentinel among the indexes; codes speak about values. */
static void categorical_codes(void **state)
{
    (void)state;
    const int8_t indexes[] = { 0, -1, 2, 1, 3 };
    const int16_t dictionary_values[] = { 7, 99, 10 };
    const double code = 99;
    const struct cxm_column dictionary = column_of(CXM_I16, dictionary_values, 3, 2);
    struct cxm_column column = column_of(CXM_I8, indexes, 5, 1);
    struct cxm_reader reader;
    uint16_t got[5];
    column.dictionary = &dictionary;
    column.flags = CXM_COLUMN_SENTINEL;
    column.sentinel = -1;
    column.missing_codes = &code;
    column.n_missing_codes = 1;
    cxm_priv_reader_init(&reader, &column);
    cxm_priv_read_codes(&reader, 0, 5, 0, 11, got);
    static const uint16_t want[] = { 7, 11, 10, 11, 12 };
    assert_memory_equal(got, want, sizeof want);
}

/* 9, 8.99999999999999999 and 9.00000000000000001 are one double, and only the first is an answer. */
static void decimal_codes(void **state)
{
    (void)state;
    static const int64_t digits[] = { 900000000000000000, 899999999999999999, 900000000000000001 };
    unsigned char decimals[3][16];
    const uint8_t indexes[] = { 1, 0, 2 };
    for (int i = 0; i < 3; i++)
        store_decimal(decimals[i], digits[i]);
    struct cxm_column column = column_of(CXM_DECIMAL, decimals, 3, 16);
    column.scale = 17;
    struct cxm_column coded = column_of(CXM_U8, indexes, 3, 1);
    coded.dictionary = &column;
    struct cxm_reader reader;
    uint16_t got[3];
    cxm_priv_reader_init(&reader, &column);
    cxm_priv_read_codes(&reader, 0, 3, 0, 11, got);
    assert_memory_equal(got, ((const uint16_t[]){ 9, 12, 12 }), sizeof got);
    cxm_priv_reader_init(&reader, &coded);
    cxm_priv_read_codes(&reader, 0, 3, 0, 11, got);
    assert_memory_equal(got, ((const uint16_t[]){ 12, 9, 12 }), sizeof got);
}

/* Only a row's own value can have lost a fraction, not one that the dictionary has besides. */
static void unused_fractions(void **state)
{
    (void)state;
    enum { ROWS = 200 };
    uint8_t indexes[ROWS] = { 0 };
    const int64_t instants[] = { 3000, 1500 };
    const struct cxm_column dictionary = column_of(CXM_I64, instants, 2, 8);
    struct cxm_column column = column_of(CXM_U8, indexes, ROWS, 1);
    struct cxm_reader reader;
    int64_t got[ROWS];
    uint8_t states[ROWS];
    bool subsecond = false;
    column.dictionary = &dictionary;
    column.time_unit = CXM_MS;
    cxm_priv_reader_init(&reader, &column);
    cxm_priv_read_times(&reader, 0, ROWS, got, states, &subsecond);
    assert_int_equal(got[ROWS - 1], 3);
    assert_false(subsecond);
    indexes[ROWS / 2] = 1;
    cxm_priv_read_times(&reader, 0, ROWS, got, states, &subsecond);
    assert_true(subsecond);
}

/* More labels than those whose lengths are kept. */
static void many_labels(void **state)
{
    (void)state;
    enum { LABELS = 40 };
    char texts[LABELS][16];
    struct cxm_label list[LABELS];
    for (int i = 0; i < LABELS; i++) {
        snprintf(texts[i], sizeof texts[i], "a%d", i);
        list[i] = (struct cxm_label){ texts[i], i, i == 39, 0 };
    }
    struct cxm_column column = cxm_column_make("x", CXM_TEXT, texts, LABELS, 16, 16);
    double value;
    column.labels = list;
    column.n_labels = LABELS;
    for (int i = 0; i < LABELS - 1; i++) {
        assert_int_equal(read_number(&column, i, &value), CXM_ROW_USED);
        assert_close(value, i, 0);
    }
    assert_int_equal(read_number(&column, 39, &value), CXM_ROW_MISSING);
}

/* ---- keys ----------------------------------------------------------------------------- */

static uint64_t key_word(const struct cxm_column *column, int64_t row, int32_t type,
                         uint8_t want)
{
    struct cxm_key_plan plan;
    struct cxm_error error;
    struct cxm_reader reader;
    uint64_t word;
    uint8_t got;
    if (cxm_priv_key_plan(column, &plan, &error) != CXM_OK)
        fail_msg("%s", error.message);
    assert_int_equal(plan.info.type, type);
    cxm_priv_reader_init(&reader, column);
    cxm_priv_read_key_words(&reader, &plan, row, 1, &word, &got);
    assert_int_equal(got, want);
    return word;
}

static int64_t key_integer(const struct cxm_column *column, int64_t row, int32_t type)
{
    struct cxm_key key;
    cxm_priv_key_from_word(type, key_word(column, row, type, CXM_ROW_USED), &key);
    assert_int_equal(key.type, type);
    assert_int_equal(key.missing, 0);
    return key.integer;
}

static void keys_of_reals(void **state)
{
    (void)state;
    const double rising[] = { -(double)INFINITY, -1e300, -1,         -1e-310, -0.0, 1e-310, 1,
                              (double)INFINITY,  0.0,    (double)NAN };
    const struct cxm_column column = column_of(CXM_F64, rising, 10, 8);
    uint64_t last = 0;
    for (int64_t i = 0; i < 8; i++) {
        const uint64_t word = key_word(&column, i, CXM_KEY_REAL, CXM_ROW_USED);
        struct cxm_key key;
        cxm_priv_key_from_word(CXM_KEY_REAL, word, &key);
        assert_true(key.real == rising[i]);
        assert_true(i == 0 || word > last);
        last = word;
    }
    assert_true(key_word(&column, 4, CXM_KEY_REAL, CXM_ROW_USED)
                == key_word(&column, 8, CXM_KEY_REAL, CXM_ROW_USED));
    key_word(&column, 9, CXM_KEY_REAL, CXM_ROW_MISSING);
}

static void keys_of_integers(void **state)
{
    (void)state;
    const int64_t rising[] = { INT64_MIN, -1, 0, INT64_MAX };
    struct cxm_column column = column_of(CXM_I64, rising, 4, 8);
    uint64_t last = 0;
    for (int64_t i = 0; i < 4; i++) {
        const uint64_t word = key_word(&column, i, CXM_KEY_INT, CXM_ROW_USED);
        assert_int_equal(key_integer(&column, i, CXM_KEY_INT), rising[i]);
        assert_true(i == 0 || word > last);
        last = word;
    }
    column.type = CXM_U64;
    assert_true(key_word(&column, 1, CXM_KEY_UINT, CXM_ROW_USED) == UINT64_MAX);
    struct cxm_key key;
    cxm_priv_key_from_word(CXM_KEY_UINT, UINT64_MAX, &key);
    assert_true((uint64_t)key.integer == UINT64_MAX && key.real == 0x1p64);
    column.type = CXM_BOOL;
    assert_int_equal(key_integer(&column, 2, CXM_KEY_BOOL), 0);
    const double code = -1;
    column.type = CXM_I64;
    column.missing_codes = &code;
    column.n_missing_codes = 1;
    key_word(&column, 1, CXM_KEY_INT, CXM_ROW_MISSING);
    column.type = CXM_NULL;
    key_word(&column, 1, CXM_KEY_INT, CXM_ROW_MISSING);
}

static void keys_of_instants(void **state)
{
    (void)state;
    const int64_t ms[] = { 1711902600999, -1, INT64_MIN };
    struct cxm_column column = CXM_TIME(column_of(CXM_I64, ms, 3, 8), CXM_MS, INT64_MIN);
    assert_int_equal(key_integer(&column, 0, CXM_KEY_TIME), 1711902600);
    assert_int_equal(key_integer(&column, 1, CXM_KEY_TIME), -1);
    key_word(&column, 2, CXM_KEY_TIME, CXM_ROW_MISSING);
    struct cxm_column april = cxm_column_period(column, CXM_MONTH, 28800);
    assert_int_equal(key_integer(&april, 0, CXM_KEY_DATE), 19814);
    key_word(&april, 2, CXM_KEY_DATE, CXM_ROW_MISSING);

    /* Instants of a zone need to be told when the day begins. */
    struct cxm_key_plan plan;
    struct cxm_error error;
    column.calendar = CXM_MONTH;
    column.flags |= CXM_COLUMN_ZONED;
    assert_int_equal(cxm_priv_key_plan(&column, &plan, &error), CXM_EINVAL);
    assert_non_null(strstr(error.message, "utc_offset"));
    const struct cxm_zone_row zone = { 0, 28800 };
    column.zone = &zone;
    column.n_zone = 1;
    assert_int_equal(key_integer(&column, 0, CXM_KEY_DATE), 19814);
    column.n_zone = 0;
    column.flags |= CXM_COLUMN_HAS_OFFSET;
    assert_int_equal(key_integer(&column, 0, CXM_KEY_DATE), 19783);
    column.calendar = CXM_NO_CALENDAR;
    assert_int_equal(key_integer(&column, 0, CXM_KEY_TIME), 1711902600);

    /* Dates are local already: no offset moves them. */
    const int32_t days[] = { 19814, -1 };
    struct cxm_column dates = column_of(CXM_I32, days, 2, 4);
    dates.time_unit = CXM_DAYS;
    assert_int_equal(key_integer(&dates, 1, CXM_KEY_DATE), -1);
    dates = cxm_column_period(dates, CXM_MONTH, -18000);
    dates.flags |= CXM_COLUMN_ZONED;
    assert_int_equal(key_integer(&dates, 0, CXM_KEY_DATE), 19814);
    assert_int_equal(key_integer(&dates, 1, CXM_KEY_DATE), -31);

    /* Nor do dates in milliseconds move, which Arrow has too; a dictionary of them says so itself. */
    const int64_t midnights[] = { 19814 * 86400000LL, -86400000LL };
    struct cxm_column fine = column_of(CXM_I64, midnights, 2, 8);
    fine.time_unit = CXM_MS;
    fine.flags = CXM_COLUMN_DATES;
    assert_int_equal(key_integer(&fine, 0, CXM_KEY_DATE), 19814);
    assert_int_equal(key_integer(&fine, 1, CXM_KEY_DATE), -1);
    const uint8_t second = 1;
    struct cxm_column indexes = column_of(CXM_U8, &second, 1, 1);
    indexes.dictionary = &fine;
    assert_int_equal(key_integer(&indexes, 0, CXM_KEY_DATE), -1);
    indexes = cxm_column_period(indexes, CXM_MONTH, -18000);
    assert_int_equal(key_integer(&indexes, 0, CXM_KEY_DATE), -31);
    fine = cxm_column_period(fine, CXM_MONTH, -18000);
    assert_int_equal(key_integer(&fine, 0, CXM_KEY_DATE), 19814);
    fine.zone = &zone;
    fine.n_zone = 1;
    assert_int_equal(key_integer(&fine, 1, CXM_KEY_DATE), -31);

    /* A dictionary of instants knows its own unit. */
    struct cxm_column coded = column_of(CXM_I32, days + 1, 1, 4);
    struct cxm_column instants = column_of(CXM_I64, ms, 2, 8);
    const int32_t first = 0;
    coded.data = &first;
    coded.dictionary = &instants;
    assert_int_equal(key_integer(&coded, 0, CXM_KEY_INT), 1711902600999);
    instants.time_unit = CXM_MS;
    assert_int_equal(key_integer(&coded, 0, CXM_KEY_TIME), 1711902600);
    coded = cxm_column_period(coded, CXM_MONTH, 28800);
    assert_int_equal(key_integer(&coded, 0, CXM_KEY_DATE), 19814);
    assert_int_equal(cxm_priv_column_fits(&coded, CXM_ROLE_NUMBER, "value", NULL), CXM_EINVAL);

    const int64_t far = INT64_MAX;
    dates = column_of(CXM_I64, &far, 1, 8);
    dates.time_unit = CXM_DAYS;
    assert_int_equal(key_integer(&dates, 0, CXM_KEY_DATE), INT64_MAX);
    dates.calendar = CXM_YEAR;
    key_word(&dates, 0, CXM_KEY_DATE, CXM_ROW_INVALID);

    dates.flags = CXM_COLUMN_DURATION;
    assert_int_equal(cxm_priv_key_plan(&dates, &plan, NULL), CXM_EINVAL);
    dates.flags = 0;
    dates.time_unit = CXM_NO_TIME;
    assert_int_equal(cxm_priv_key_plan(&dates, &plan, NULL), CXM_EINVAL);
    const char *const text = "2024-03-31";
    dates = column_of(CXM_STRINGS, &text, 1, 8);
    dates.calendar = CXM_DAY;
    assert_int_equal(cxm_priv_key_plan(&dates, &plan, NULL), CXM_EINVAL);
    const unsigned char decimal[16] = { 1 };
    dates = column_of(CXM_DECIMAL, decimal, 1, 16);
    assert_int_equal(cxm_priv_key_plan(&dates, &plan, NULL), CXM_EUNSUPPORTED);
}

static void keys_of_categories(void **state)
{
    (void)state;
    const char *const sizes[] = { "small", "medium", NULL, "n/a" };
    const char *const others[] = { "small", "large", NULL, "n/a" };
    const struct cxm_label missing = { "n/a", 0, 1, 0 };
    const uint8_t indexes[] = { 1, 0, 2, 3, 4, 1 };
    const struct cxm_column dictionary = column_of(CXM_STRINGS, sizes, 4, sizeof(char *));
    const struct cxm_column copy = dictionary;
    const struct cxm_column other = column_of(CXM_STRINGS, others, 4, sizeof(char *));
    struct cxm_column chunks[2] = { column_of(CXM_U8, indexes, 6, 1),
                                    column_of(CXM_U8, indexes, 6, 1) };
    struct cxm_column column = chunks[0];
    struct cxm_key_plan plan;
    column.dictionary = &dictionary;
    column.labels = &missing;
    column.n_labels = 1;
    assert_int_equal(cxm_priv_key_plan(&column, &plan, NULL), CXM_OK);
    assert_int_equal(plan.info.type, CXM_KEY_TEXT);
    struct cxm_reader reader;
    struct cxm_text text[6];
    uint8_t states[6];
    cxm_priv_reader_init(&reader, &column);
    cxm_priv_read_key_text(&reader, 0, 6, text, states);
    static const uint8_t want[] = { 0, 0, 1, 1, 2, 0 };
    assert_memory_equal(states, want, sizeof want);
    assert_memory_equal(text[0].bytes, "medium", text[0].n);

    column.flags |= CXM_COLUMN_ORDERED;
    assert_int_equal(cxm_priv_key_plan(&column, &plan, NULL), CXM_OK);
    assert_true(plan.words && plan.categories == &dictionary);
    assert_int_equal(key_integer(&column, 0, CXM_KEY_CATEGORY), 1);
    assert_int_equal(key_integer(&column, 1, CXM_KEY_CATEGORY), 0);
    key_word(&column, 2, CXM_KEY_CATEGORY, CXM_ROW_MISSING);
    key_word(&column, 3, CXM_KEY_CATEGORY, CXM_ROW_MISSING);
    key_word(&column, 4, CXM_KEY_CATEGORY, CXM_ROW_INVALID);

    /* Names are C strings: what stands behind a NUL would be lost. */
    struct cxm_column with_nul = column_of(CXM_UTF8, (const int32_t[]){ 0, 1, 4 }, 2, 0);
    with_nul.heap = "aa\0b";
    column.dictionary = &with_nul;
    assert_int_equal(cxm_priv_key_plan(&column, &plan, NULL), CXM_EUNSUPPORTED);
    column.flags = 0;
    assert_int_equal(cxm_priv_key_plan(&column, &plan, NULL), CXM_OK);
    column.flags = CXM_COLUMN_ORDERED;

    chunks[0].dictionary = &dictionary;
    chunks[1].dictionary = &copy; /* equal is as good as the same */
    column.dictionary = NULL;
    column.chunks = chunks;
    column.n_chunks = 2;
    column.n = 12;
    assert_int_equal(key_integer(&column, 6, CXM_KEY_CATEGORY), 1);
    chunks[1].dictionary = &other;
    assert_int_equal(cxm_priv_key_plan(&column, &plan, NULL), CXM_EINVAL);
    column.flags = 0; /* as text every chunk may have its own */
    assert_int_equal(cxm_priv_key_plan(&column, &plan, NULL), CXM_OK);
    chunks[1].dictionary = NULL;
    assert_int_equal(cxm_priv_key_plan(&column, &plan, NULL), CXM_EINVAL);
    chunks[1].type = CXM_NULL;
    assert_int_equal(cxm_priv_key_plan(&column, &plan, NULL), CXM_OK);
    assert_int_equal(plan.info.type, CXM_KEY_TEXT);
    cxm_priv_reader_init(&reader, &column);
    cxm_priv_read_key_text(&reader, 6, 6, text, states);
    for (int i = 0; i < 6; i++)
        assert_int_equal(states[i], CXM_ROW_MISSING);
}

/* ---- roles, checks, messages ---------------------------------------------------------- */

static void roles(void **state)
{
    (void)state;
    const char *const answers[] = { "good", "bad" };
    struct cxm_column column = column_of(CXM_STRINGS, answers, 2, sizeof(char *));
    struct cxm_error error;
    column.name = NULL;
    for (enum cxm_role role = CXM_ROLE_RATING; role <= CXM_ROLE_COUNT; role++) {
        if (role == CXM_ROLE_KEY)
            continue;
        assert_int_equal(cxm_priv_column_fits(&column, role, "score", &error), CXM_EINVAL);
        assert_string_equal(error.column, "score");
        assert_non_null(strstr(error.message, "labels="));
    }
    assert_int_equal(cxm_priv_column_fits(&column, CXM_ROLE_KEY, "by", NULL), CXM_OK);
    const struct cxm_label good[] = { { "good", 1, 0, 0 }, { "bad", 0, 0, 0 } };
    column.labels = good;
    column.n_labels = 2;
    assert_int_equal(cxm_priv_column_fits(&column, CXM_ROLE_FLAG, "solved", NULL), CXM_OK);
    struct cxm_reader reader;
    uint16_t codes[2];
    cxm_priv_reader_init(&reader, &column);
    cxm_priv_read_codes(&reader, 0, 2, 0, 2, codes);
    assert_int_equal(codes[0], 1);
    assert_int_equal(codes[1], 0);

    const int64_t instant = 0;
    column = column_of(CXM_I64, &instant, 1, 8);
    column.time_unit = CXM_S;
    assert_int_equal(cxm_priv_column_fits(&column, CXM_ROLE_NUMBER, "value", &error),
                     CXM_EINVAL);
    assert_string_equal(error.column, "x");
    column.flags = CXM_COLUMN_DURATION;
    assert_int_equal(cxm_priv_column_fits(&column, CXM_ROLE_NUMBER, "value", NULL), CXM_OK);
    assert_int_equal(cxm_priv_column_fits(&column, CXM_ROLE_RATING, "score", NULL), CXM_EINVAL);
    assert_int_equal(cxm_priv_column_fits(NULL, CXM_ROLE_RATING, "score", &error), CXM_EINVAL);
    column = column_of(CXM_NULL, NULL, 5, 0);
    assert_int_equal(cxm_priv_column_fits(&column, CXM_ROLE_RATING, "score", NULL), CXM_OK);
}

static void assert_refused(const struct cxm_column *column, enum cxm_status want)
{
    struct cxm_error error;
    memset(&error, 0, sizeof error);
    assert_int_equal(cxm_column_check(column, &error), want);
    assert_int_equal(error.status, want);
    assert_true(error.message[0] != '\0');
    assert_int_equal(cxm_column_check(column, NULL), want);
}

/* Each change of a good column alone makes it wrong. */
static void wrong_columns(void **state)
{
    (void)state;
    const int32_t data[4] = { 0, 1, 2, 3 };
    const struct cxm_column good = column_of(CXM_I32, data, 4, 4);
    const struct cxm_zone_row zone[] = { { 5, 0 }, { 5, 0 } };
    const struct cxm_label label = { NULL, 0, 0, 0 };
    assert_int_equal(cxm_column_check(&good, NULL), CXM_OK);
    assert_int_equal(cxm_column_check(NULL, NULL), CXM_EINVAL);
#define WITH(change)                                                                           \
    do {                                                                                       \
        struct cxm_column c = good;                                                            \
        change;                                                                                \
        assert_refused(&c, CXM_EINVAL);                                                        \
    } while (0)
    WITH(c.type = 19);
    WITH(c.n = -1);
    WITH(c.data = NULL);
    WITH(c.offset = -1);
    WITH(c.offset = INT64_MAX);
    WITH(c.n = INT64_MAX);
    WITH((c.n = INT64_MAX - 1, c.stride = 1));
    WITH(c.stride = INT64_MAX / 2);
    WITH(c.stride = INT64_MIN);
    WITH(c.validity_offset = -1);
    WITH(c.validity_offset = INT64_MAX);
    WITH((c.mask = (const uint8_t *)data, c.mask_stride = INT64_MIN));
    WITH((c.type = CXM_TEXT, c.width = 0));
    WITH((c.type = CXM_DECIMAL, c.scale = 77));
    WITH((c.type = CXM_DECIMAL, c.scale = INT32_MIN));
    WITH((c.type = CXM_UTF8_VIEW, c.n_buffers = -1));
    WITH((c.type = CXM_UTF8_VIEW, c.n_buffers = 1));
    WITH(c.n_missing_codes = 1);
    WITH(c.n_missing_codes = -1);
    WITH(c.n_labels = 1);
    WITH((c.n_labels = 1, c.labels = &label));
    WITH(c.time_unit = 6);
    WITH(c.calendar = 6);
    WITH(c.utc_offset = 172801);
    WITH(c.n_zone = 1);
    WITH(c.n_zone = -1);
    WITH((c.zone = zone, c.n_zone = 2));
    WITH(c.n_chunks = -1);
    WITH(c.n_chunks = 1);
    WITH((c.chunks = &good, c.n_chunks = 1, c.n = 3));
    WITH((c.dictionary = &good, c.type = CXM_F32));
    struct cxm_column nested = good;
    nested.chunks = &good;
    nested.n_chunks = 1;
    WITH((c.chunks = &nested, c.n_chunks = 1));
    WITH(c.dictionary = &nested);
    nested.n_chunks = 0;
    nested.dictionary = &good;
    WITH(c.dictionary = &nested);
#undef WITH
}

/* Offsets and views that point outside; heap and data have their exact sizes on the heap of
 * the process, so that a sanitizer sees any read beyond them. */
static void hostile_text(void **state)
{
    (void)state;
    static const int32_t offsets[][4] = {
        { 0, 3, 2, 4 }, { -1, 0, 1, 2 }, { 0, 1, 2, 9 }, { 0, INT32_MAX, INT32_MIN, 4 },
        { 5, 5, 5, 9 },
    };
    const int64_t heap_bytes = 8;
    char *const heap = malloc(8);
    memset(heap, 'x', 8);
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        int64_t wide[4];
        for (int k = 0; k < 4; k++)
            wide[k] = offsets[i][k];
        struct cxm_column column = column_of(CXM_UTF8, offsets[i], 3, 0);
        column.heap = heap;
        column.heap_bytes = &heap_bytes;
        assert_refused(&column, CXM_ECORRUPT);
        column.type = CXM_UTF8_LARGE;
        column.data = wide;
        assert_refused(&column, CXM_ECORRUPT);
        const uint8_t zero = 0;
        struct cxm_column chunked = column_of(CXM_U8, &zero, 1, 1);
        chunked.dictionary = &column;
        assert_refused(&chunked, CXM_ECORRUPT);
        chunked.n_chunks = 1;
        chunked.chunks = &column;
        chunked.n = 3;
        assert_refused(&chunked, CXM_ECORRUPT);
    }
    static const int32_t views[][4] = {
        { -1, 0, 0, 0 },  { 13, 0, 0, 0 },  { 13, 0, 1, 0 },
        { 13, 0, -1, 0 }, { 13, 0, 0, -1 }, { INT32_MAX, 0, 0, INT32_MAX },
    };
    const uint8_t none = 0;
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        struct cxm_column column = column_of(CXM_UTF8_VIEW, views[i], 1, 0);
        column.heap = (const void *)&heap;
        column.heap_bytes = &heap_bytes;
        column.n_buffers = 1;
        assert_refused(&column, CXM_ECORRUPT);
        column.validity = &none; /* what lies under a null is not read */
        assert_int_equal(cxm_column_check(&column, NULL), CXM_OK);
    }
    free(heap);
}

/* Views are checked some hundred at a time: the lowest bad row is named wherever it lies, and one
 * under a null is not looked at. */
static void names_the_bad_view(void **state)
{
    (void)state;
    enum { ROWS = 1300 };
    static const int64_t bad[] = { 0, 511, 512, 513, 1023, 1024, ROWS - 1 };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int32_t views[ROWS][4] = { { 0 } }; /* empty texts */
        uint8_t validity[(ROWS + 7) / 8];
        struct cxm_error error;
        views[bad[i]][0] = views[ROWS - 1][0] = -1;
        memset(validity, 255, sizeof validity);
        struct cxm_column column = column_of(CXM_UTF8_VIEW, views, ROWS, 0);
        const int64_t heap_bytes = 0;
        column.heap_bytes = &heap_bytes;
        assert_int_equal(cxm_column_check(&column, &error), CXM_ECORRUPT);
        assert_int_equal(error.row, bad[i]);
        validity[bad[i] / 8] &= (uint8_t)~(1u << bad[i] % 8);
        column.validity = validity;
        const bool last = bad[i] == ROWS - 1;
        assert_int_equal(cxm_column_check(&column, &error), last ? CXM_OK : CXM_ECORRUPT);
        if (!last)
            assert_int_equal(error.row, ROWS - 1);
    }
}

/* Whatever the check lets pass is read without leaving memory: random structs over real
 * memory, under sanitizers. */
static void checked_is_safe(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    enum { ROWS = 16, BYTES = 512 };
    unsigned char *const data = malloc(BYTES);
    char *const heap = malloc(32);
    const int64_t heap_bytes = 32;
    memset(heap, 'h', 32);
    int passed = 0;
    int64_t touched = 0;
    for (int round = 0; round < trials(20000); round++) {
        struct cxm_column column = column_of((uint32_t)random_below(&seed, 19), data, ROWS, 16);
        struct cxm_column values = column_of((uint32_t)random_below(&seed, 19), data, 3, 16);
        for (int i = 0; i < BYTES; i++)
            data[i] = random_below(&seed, 3) ? 0 : (unsigned char)random_below(&seed, 20);
        if (column.type == CXM_STRINGS || values.type == CXM_STRINGS)
            continue; /* pointers can only be trusted */
        column.width = values.width = 16;
        column.heap = column.type == CXM_UTF8_VIEW ? (const void *)&heap : heap;
        values.heap = values.type == CXM_UTF8_VIEW ? (const void *)&heap : heap;
        column.heap_bytes = values.heap_bytes = &heap_bytes;
        column.n_buffers = values.n_buffers = 1;
        column.offset = (int64_t)random_below(&seed, 16);
        column.time_unit = (uint32_t)random_below(&seed, 6);
        column.flags = (uint32_t)random_below(&seed, 64);
        column.calendar = (uint32_t)random_below(&seed, 6);
        column.scale = (int32_t)random_below(&seed, 160) - 80;
        column.labels = labels;
        column.n_labels = COUNT_OF(labels);
        if (random_below(&seed, 2))
            column.dictionary = &values;
        if (cxm_column_check(&column, NULL) != CXM_OK)
            continue;
        passed++;
        struct cxm_reader reader;
        double numbers[ROWS];
        int64_t integers[ROWS];
        uint64_t key_words[ROWS];
        uint16_t codes[ROWS];
        uint8_t states[ROWS];
        struct cxm_text text[ROWS];
        bool subsecond;
        char shown[64];
        cxm_priv_reader_init(&reader, &column);
        cxm_priv_read_numbers(&reader, 0, ROWS, numbers, states);
        cxm_priv_read_codes(&reader, 0, ROWS, 0, 11, codes);
        cxm_priv_read_integers(&reader, 0, ROWS, integers, states);
        cxm_priv_read_times(&reader, 0, ROWS, integers, states, &subsecond);
        cxm_priv_value_text(&column, (int64_t)random_below(&seed, ROWS + 2), shown, 64);
        struct cxm_key_plan plan;
        if (cxm_priv_key_plan(&column, &plan, NULL) != CXM_OK)
            continue;
        if (plan.words)
            cxm_priv_read_key_words(&reader, &plan, 0, ROWS, key_words, states);
        else
            cxm_priv_read_key_text(&reader, 0, ROWS, text, states);
        for (int i = 0; i < ROWS && !plan.words; i++)
            for (size_t k = 0; states[i] == CXM_ROW_USED && k < text[i].n; k++)
                touched += text[i].bytes[k];
    }
    assert_true(passed > 1000 && touched != 0);
    free(heap);
    free(data);
}

static void assert_shown(const struct cxm_column *column, int64_t row, const char *want)
{
    char got[64];
    cxm_priv_value_text(column, row, got, sizeof got);
    assert_string_equal(got, want);
}

static void values_as_text(void **state)
{
    (void)state;
    const int64_t integers[] = { INT64_MIN, -1, 11 };
    struct cxm_column column = column_of(CXM_I64, integers, 3, 8);
    assert_shown(&column, 0, "-9223372036854775808");
    assert_shown(&column, 2, "11");
    assert_shown(&column, 3, "");
    assert_shown(&column, -1, "");
    column.type = CXM_U64;
    assert_shown(&column, 1, "18446744073709551615");
    const uint8_t validity = 5;
    column.validity = &validity;
    assert_shown(&column, 1, "null");
    const uint8_t flags[] = { 0, 11 };
    column = column_of(CXM_BOOL, flags, 2, 1);
    assert_shown(&column, 0, "false");
    assert_shown(&column, 1, "true");

    const double reals[] = { 1.5, 0.1, (double)INFINITY };
    column = column_of(CXM_F64, reals, 3, 8);
    assert_shown(&column, 0, "1.5");
    assert_shown(&column, 1, "0.1");
    assert_shown(&column, 2, "inf");
    const float singles[] = { 4.2f, 16777217.0f, -(float)INFINITY, 0.1f };
    column = column_of(CXM_F32, singles, 4, 4);
    assert_shown(&column, 0, "4.2");
    assert_shown(&column, 1, "16777216");
    assert_shown(&column, 2, "-inf");
    assert_shown(&column, 3, "0.1");

    unsigned char decimal[16] = { 0xd2, 0x04 }; /* 1234 */
    column = column_of(CXM_DECIMAL, decimal, 1, 16);
    assert_shown(&column, 0, "1234");
    column.scale = 2;
    assert_shown(&column, 0, "12.34");
    column.scale = 6;
    assert_shown(&column, 0, "0.001234");
    column.scale = -3;
    assert_shown(&column, 0, "1234e3");
    memset(decimal, 0, 16);
    decimal[15] = 0x80;
    column.scale = 38;
    assert_shown(&column, 0, "-1.70141183460469231731687303715884105728");
    column.scale = 40;
    assert_shown(&column, 0, "-0.0170141183460469231731687303715884105728");

    char longest[81];
    memset(longest, 'a', 80);
    longest[80] = '\0';
    const char *const texts[] = { "Blank", NULL, longest };
    column = column_of(CXM_STRINGS, texts, 3, sizeof(char *));
    assert_shown(&column, 0, "Blank");
    assert_shown(&column, 1, "null");
    char got[64];
    cxm_priv_value_text(&column, 2, got, sizeof got);
    assert_int_equal(strlen(got), 60); /* 57 letters and the three bytes of … */
    cxm_priv_value_text(&column, 0, got, 5);
    assert_string_equal(got, "B\xE2\x80\xA6");
    cxm_priv_value_text(&column, 0, got, 1);
    assert_string_equal(got, "");

    const uint8_t indexes[] = { 0, 7 };
    struct cxm_column coded = column_of(CXM_U8, indexes, 2, 1);
    coded.dictionary = &column;
    assert_shown(&coded, 0, "Blank");
    assert_shown(&coded, 1, "index 7 of a dictionary of 3");
    struct cxm_column chunked = { .n = 5, .n_chunks = 2 };
    const struct cxm_column chunks[] = { coded, column };
    chunked.chunks = chunks;
    assert_shown(&chunked, 2, "Blank");
}

static void types(void **state)
{
    (void)state;
    static const size_t bytes[] = {
        0, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 1, 0, 0, 0, 0, 16, 16, sizeof(char *), 0
    };
    for (uint32_t type = 0; type < COUNT_OF(bytes); type++) {
        assert_int_equal(cxm_type_bytes((enum cxm_type)type), bytes[type]);
        assert_non_null(cxm_type_name((enum cxm_type)type));
    }
    assert_string_equal(cxm_type_name(CXM_U8), "u8");
    assert_string_equal(cxm_type_name(CXM_STRINGS), "strings");
    assert_string_equal(cxm_type_name((enum cxm_type)77), "unknown");
}

/* Arrays of structs are columns: what the macros of column.h make of them. */
static void fields_of_structs(void **state)
{
    (void)state;
    const struct {
        uint8_t score;
        char agent[4];
        const char *answer;
        double seconds;
    } rows[] = { { 9, "ann", "good", 1.5 }, { 3, "bobx", NULL, -1 } };
    const struct cxm_column score = CXM_FIELD(rows, 2, score);
    const struct cxm_column agent = CXM_FIELD(rows, 2, agent);
    const struct cxm_column answer = CXM_FIELD_AS(CXM_STRINGS, rows, 2, answer);
    const struct cxm_column seconds = CXM_FIELD_AS(CXM_F64, rows, 2, seconds);
    assert_shown(&score, 1, "3");
    assert_shown(&agent, 0, "ann");
    assert_shown(&agent, 1, "bobx");
    assert_shown(&answer, 0, "good");
    assert_shown(&answer, 1, "null");
    assert_shown(&seconds, 1, "-1");
    assert_string_equal(score.name, "score");
}

int main(void)
{
    static const struct CMUnitTest rules[] = {
        cmocka_unit_test(instants_of_other_types),
        cmocka_unit_test(durations_are_seconds),
        cmocka_unit_test(decimals_round_correctly),
        cmocka_unit_test(decimals_as_whole_numbers),
        cmocka_unit_test(unused_fractions),
        cmocka_unit_test(many_labels),
        cmocka_unit_test(order_of_tests),
        cmocka_unit_test(categorical_codes),
        cmocka_unit_test(decimal_codes),
        cmocka_unit_test(keys_of_reals),
        cmocka_unit_test(keys_of_integers),
        cmocka_unit_test(keys_of_instants),
        cmocka_unit_test(keys_of_categories),
        cmocka_unit_test(roles),
        cmocka_unit_test(wrong_columns),
        cmocka_unit_test(hostile_text),
        cmocka_unit_test(names_the_bad_view),
        cmocka_unit_test(checked_is_safe),
        cmocka_unit_test(values_as_text),
        cmocka_unit_test(types),
        cmocka_unit_test(fields_of_structs),
    };
    enum { N_TYPES = COUNT_OF(number_types) + COUNT_OF(text_types) };
    struct CMUnitTest tests[COUNT_OF(rules) + COUNT_OF(time_rows) + 2 * N_TYPES];
    size_t n = 0;
    for (size_t i = 0; i < N_TYPES; i++) {
        const bool number = i < COUNT_OF(number_types);
        const uint32_t *const type =
            number ? &number_types[i] : &text_types[i - COUNT_OF(number_types)];
        void *const argument = (void *)(uintptr_t)type;
        const char *const name = cxm_type_name((enum cxm_type) * type);
        tests[n++] = (struct CMUnitTest){ name, any_column_is_read, NULL, NULL, argument };
        tests[n++] = (struct CMUnitTest){ name, any_key_is_read, NULL, NULL, argument };
    }
    for (size_t i = 0; i < COUNT_OF(time_rows); i++)
        tests[n++] = (struct CMUnitTest){ time_rows[i].name, instant_row, NULL, NULL,
                                          (void *)(uintptr_t)&time_rows[i] };
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        tests[n++] = rules[i];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
