/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows take the quickest road that fits their columns. A frequency of 1 in every row sends the
 * same rows over the general road, which must give the same bytes; so must rows added in chunks. */
#include "saved.h"

#include <cxm/cxm.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 9000 };

static uint64_t seed;
static uint64_t draw(void)
{
    return random_u64(&seed);
}

struct saved {
    uint8_t *bytes;
    size_t n;
};

struct rows {
    uint8_t score[ROWS], valid[ROWS / 8 + 2];
    uint32_t key[ROWS];
    double weight[ROWS], value[ROWS], other[ROWS];
    int64_t ones[ROWS];
    struct cxm_input inputs[8];
    struct cxm_column columns[8];
    size_t n_inputs;
    const char *metric;
    struct cxm_param params[2];
    size_t n_params;
    bool count_invalid;
};

static struct cxm_column *input(struct rows *r, const char *role, struct cxm_column column)
{
    r->columns[r->n_inputs] = column;
    r->inputs[r->n_inputs] = (struct cxm_input){ role, &r->columns[r->n_inputs] };
    return &r->columns[r->n_inputs++];
}

enum { STRUCT = 64 };

/* The same numbers as members of structs. */
static void make_structs(struct cxm_column *columns, size_t n)
{
    static uint8_t structs[ROWS][STRUCT];
    size_t at = 0;
    for (size_t k = 0; k < n; k++) {
        struct cxm_column *c = &columns[k];
        const size_t width = cxm_type_bytes((enum cxm_type)c->type);
        if (c->data == NULL || c->dictionary != NULL || c->n_chunks > 0 || width == 0 || c->offset != 0
            || at + 8 > STRUCT)
            continue;
        for (size_t i = 0; i < ROWS; i++)
            memcpy(&structs[i][at], (const uint8_t *)c->data + (int64_t)i * c->stride, width);
        c->data = &structs[0][at];
        c->stride = STRUCT;
        at += 8;
    }
}

/* The bytes of a tally of these rows, in chunks of `chunk` rows. */
static struct saved save(const struct rows *r, bool general, bool structs, int64_t chunk, int32_t threads,
                         enum cxm_status *status, struct cxm_error *error)
{
    struct cxm_tally *tally;
    struct saved out = { NULL, 0 };
    struct cxm_column columns[8];
    struct cxm_input inputs[8];
    const struct cxm_add_options options = {
        .size = sizeof options,
        .threads = threads,
        .invalid = r->count_invalid ? CXM_INVALID_COUNT : CXM_INVALID_ERROR,
    };
    size_t n = r->n_inputs;
    assert_int_equal(cxm_tally_new(r->metric, r->params, r->n_params, NULL, &tally, NULL), CXM_OK);
    for (size_t i = 0; i < n; i++) {
        columns[i] = r->columns[i];
        inputs[i] = (struct cxm_input){ r->inputs[i].role, &columns[i] };
    }
    if (structs)
        make_structs(columns, n);
    if (general) {
        columns[n] = cxm_column_make("freq", CXM_I64, r->ones, ROWS, 8, 8);
        inputs[n] = (struct cxm_input){ "freq", &columns[n] };
        n++;
    }
    *status = CXM_OK;
    for (int64_t first = 0; *status == CXM_OK && first < ROWS; first += chunk) {
        for (size_t i = 0; i < n; i++) {
            const struct cxm_column *whole = i < r->n_inputs ? &r->columns[i] : NULL;
            columns[i].n = ROWS - first < chunk ? ROWS - first : chunk;
            columns[i].offset = (whole != NULL ? whole->offset : 0) + first;
            if (columns[i].validity != NULL)
                columns[i].validity_offset = whole->validity_offset + first;
        }
        *status = cxm_tally_add(tally, inputs, n, &options, error);
    }
    if (*status == CXM_OK) {
        out.bytes = save_tally(tally, &out.n);
    }
    cxm_tally_free(tally);
    return out;
}

static void same_on_every_road(const struct rows *r)
{
    static const struct { bool general, structs; int64_t chunk; int32_t threads; } roads[] = {
        { true, false, ROWS, 1 }, { false, false, ROWS, 1 }, { false, false, ROWS, 2 },
        { false, false, 777, 1 }, { false, true, ROWS, 1 }, { false, true, ROWS, 2 },
        { false, true, 2500, 1 },
    };
    struct saved first = { NULL, 0 };
    struct cxm_error first_error;
    enum cxm_status first_status = CXM_OK;
    for (size_t k = 0; k < sizeof roads / sizeof roads[0]; k++) {
        enum cxm_status status;
        struct cxm_error error;
        const struct saved got = save(r, roads[k].general, roads[k].structs, roads[k].chunk,
                                      roads[k].threads, &status, &error);
        if (k == 0) {
            first = got;
            first_error = error;
            first_status = status;
            continue;
        }
        assert_int_equal(status, first_status);
        if (status != CXM_OK && roads[k].chunk == ROWS) {
            assert_int_equal(error.row, first_error.row);
            assert_string_equal(error.message, first_error.message);
        }
        if (status == CXM_OK) {
            assert_int_equal(got.n, first.n);
            assert_memory_equal(got.bytes, first.bytes, first.n);
        }
        free(got.bytes);
    }
    free(first.bytes);
}

/* ---- rows ----------------------------------------------------------------------------- */

enum values { PLAIN, WHOLE, FAR_APART, EVERY_BAND, ALL_EQUAL, ZEROS, NORMAL };

static double value_of(enum values kind)
{
    const double unit = (double)(draw() >> 11) * 0x1p-53;
    switch (kind) {
    case PLAIN:
        return 0.2 + 2 * unit;
    case WHOLE:
        return (double)(1 + draw() % 7);
    case FAR_APART:
        return ldexp(0.5 + unit / 2, (int)(draw() % 60) - 30);
    case EVERY_BAND:
        return ldexp(0.5 + unit / 2, (int)(draw() % 660) - 330);
    case ZEROS:
        return draw() % 2 ? 0 : unit;
    case NORMAL: /* nearly all below 4, some near 0 */
        return 0.0625 / (1e-9 + unit * unit);
    case ALL_EQUAL:
        break;
    }
    return 15.9; /* the largest of a band: its squares need three words */
}

static struct rows *make_rows(const char *metric, uint64_t number)
{
    struct rows *r = calloc(1, sizeof *r);
    assert_non_null(r);
    seed = number;
    r->metric = metric;
    for (size_t i = 0; i < ROWS; i++)
        r->ones[i] = 1;
    return r;
}

enum keys { NO_KEYS, FEW, MANY, WIDE, SORTED };

static void make_keys(struct rows *r, enum keys kind)
{
    for (size_t i = 0; i < ROWS; i++) {
        const uint32_t k = (uint32_t)draw();
        r->key[i] = kind == FEW ? k % 50 : kind == MANY ? k % 6000 : kind == WIDE ? k
                  : (uint32_t)(i / 5);
    }
    if (kind != NO_KEYS)
        input(r, "by", cxm_column_make("key", CXM_U32, r->key, ROWS, 4, 4));
}

/* ---- tests ---------------------------------------------------------------------------- */

static void weights(void **state)
{
    (void)state;
    static const double missing[1] = { 255 };
    for (int kind = PLAIN; kind <= NORMAL; kind++) {
        for (int keys = NO_KEYS; keys <= SORTED; keys++) {
            if (kind == EVERY_BAND && (keys == MANY || keys == WIDE))
                continue; /* 42 limbs a sum: slow */
            struct rows *r = make_rows("nps", 1 + (uint64_t)kind);
            for (size_t i = 0; i < ROWS; i++) {
                const uint64_t k = draw() % 100;
                r->score[i] = k < 3 ? 255 : (uint8_t)(draw() % 11);
                r->weight[i] = k == 50 ? 0 : value_of((enum values)kind);
                if (k == 1) /* without an answer a weight may be missing */
                    r->weight[i] = (double)NAN;
            }
            struct cxm_column *score = input(r, "score", CXM_ARRAY(r->score, ROWS));
            score->missing_codes = missing;
            score->n_missing_codes = 1;
            input(r, "weight", CXM_ARRAY(r->weight, ROWS));
            make_keys(r, (enum keys)keys);
            same_on_every_road(r);
            r->weight[ROWS / 2 + 3] = -1; /* and the error is the same */
            r->score[ROWS / 2 + 3] = 3;
            same_on_every_road(r);
            free(r);
        }
    }
}

/* All of them fit in one band, up to a row near the end. */
static void good_weights(void **state)
{
    (void)state;
    static const double odd[] = { -1, 0, NAN, 0x1p-20, 0x1p20 };
    for (int keys = NO_KEYS; keys <= SORTED; keys++) {
        struct rows *r = make_rows("nps", 99);
        for (size_t i = 0; i < ROWS; i++) {
            r->score[i] = (uint8_t)(draw() % 11);
            r->weight[i] = value_of(PLAIN);
        }
        input(r, "score", CXM_ARRAY(r->score, ROWS));
        input(r, "weight", CXM_ARRAY(r->weight, ROWS));
        make_keys(r, (enum keys)keys);
        same_on_every_road(r);
        for (size_t k = 0; k < COUNT_OF(odd); k++) {
            r->weight[ROWS - 77] = odd[k];
            same_on_every_road(r);
        }
        for (size_t i = 0; i < ROWS; i++)
            r->weight[i] = 1e-100 * (1.25 + (double)(i % 2));
        same_on_every_road(r);
        r->weight[ROWS - 77] = 0.9e-100; /* in the band, but too small */
        same_on_every_road(r);
        free(r);
    }
}

/* Rows that go straight from their columns, but for a few anywhere. Keys near each other, in columns of two
 * types; answers as bytes or whole numbers, with a missing code beyond 15 or without. */
static void plain_rows(void **state)
{
    (void)state;
    static const double missing[1] = { 200 };
    static int64_t wide[ROWS];
    static int16_t narrow[ROWS];
    for (int kind = 0; kind < 32; kind++) {
        struct rows *r = make_rows(kind % 2 ? "nps" : "mean", 300 + (uint64_t)kind);
        for (size_t i = 0; i < ROWS; i++) {
            r->score[i] = draw() % 30 == 0 && kind / 2 % 2 ? 200 : (uint8_t)(draw() % 11);
            r->weight[i] = value_of(PLAIN);
            r->value[i] = draw() % 3 == 0 ? -value_of(PLAIN) : value_of(PLAIN);
            r->key[i] = 4294967200u + (uint32_t)(draw() % 60);
            narrow[i] = (int16_t)(draw() % 60 - 30);
            wide[i] = r->score[i];
        }
        if (kind / 8 % 2) { /* few, far from all others */
            for (int k = 0; k < 9; k++) {
                r->weight[draw() % ROWS] = value_of(FAR_APART);
                r->value[draw() % ROWS] = k % 3 == 0 ? (double)NAN : k % 3 == 1 ? 0 : -value_of(FAR_APART);
                r->key[draw() % ROWS] = (uint32_t)draw();
                r->score[64 * (size_t)k] = 200;
                wide[64 * (size_t)k + 63] = 200;
            }
        }
        if (kind % 2) {
            struct cxm_column *score = input(r, "score", kind / 4 % 2 ? CXM_ARRAY(wide, ROWS)
                                                                      : CXM_ARRAY(r->score, ROWS));
            score->missing_codes = missing;
            score->n_missing_codes = 1;
            input(r, "weight", CXM_ARRAY(r->weight, ROWS));
        } else {
            input(r, "value", CXM_ARRAY(r->value, ROWS));
        }
        input(r, "by", kind / 16 % 2 ? CXM_ARRAY(narrow, ROWS) : CXM_ARRAY(r->key, ROWS));
        same_on_every_road(r);
        r->score[ROWS - 700] = 11; /* invalid, in other rows each */
        wide[ROWS - 701] = -1;
        r->value[ROWS - 702] = (double)INFINITY;
        same_on_every_road(r);
        r->count_invalid = true;
        same_on_every_road(r);
        r->weight[ROWS - 900] = -1;
        r->value[ROWS - 900] = -(double)INFINITY;
        same_on_every_road(r);
        free(r);
    }
}

/* Bitmaps of the answers, of the keys and of both. */
static void bitmaps(void **state)
{
    (void)state;
    for (int which = 0; which < 8; which++) {
        struct rows *r = make_rows("nps", 50 + (uint64_t)which);
        static uint8_t key_valid[ROWS / 8 + 2];
        for (size_t i = 0; i < ROWS; i++)
            r->score[i] = (uint8_t)(draw() % 11);
        for (size_t i = 0; i < sizeof r->valid; i++) {
            r->valid[i] = (uint8_t)(draw() | draw());
            key_valid[i] = (uint8_t)(draw() | draw());
        }
        struct cxm_column *score = input(r, "score", CXM_ARRAY(r->score, ROWS));
        score->validity = which & 1 ? r->valid : NULL;
        score->validity_offset = 3;
        if (which & 4)
            make_keys(r, FEW);
        if (which & 4 && which & 2)
            r->columns[1].validity = key_valid;
        same_on_every_road(r);
        r->score[ROWS - 9] = 0xFF; /* invalid where it is not null */
        same_on_every_road(r);
        free(r);
    }
}

static void put_answer(uint32_t type, unsigned char *at, double v)
{
#define PUT(T) { const T x = (T)v; memcpy(at, &x, sizeof x); } return
    switch (type) {
    case CXM_I8: PUT(int8_t);
    case CXM_U8: PUT(uint8_t);
    case CXM_I16: PUT(int16_t);
    case CXM_U16: PUT(uint16_t);
    case CXM_I32: PUT(int32_t);
    case CXM_U32: PUT(uint32_t);
    case CXM_I64: PUT(int64_t);
    case CXM_U64: PUT(uint64_t);
    case CXM_F32: PUT(float);
    default: PUT(double);
    }
#undef PUT
}

/* Ratings of every type, with keys and without, side by side and apart, whose missing answers are codes near
 * and far, a sentinel, NaN, null; and an answer that is none, named or counted. */
static void ratings(void **state)
{
    (void)state;
    enum { APART = 24 };
    static unsigned char memory[ROWS * APART];
    static const double codes[][3] = { { 99, -1, 98 }, { 999, 99, -99 }, { 12.5, 77, 11 } };
    for (uint32_t type = CXM_I8; type <= CXM_F64; type++) {
        const bool natural = type >= CXM_U8 && type <= CXM_U64, real = type >= CXM_F32;
        for (int kind = 0; kind < 24; kind++) {
            const int64_t width = (int64_t)cxm_type_bytes((enum cxm_type)type);
            const int64_t stride = kind % 2 ? APART : width;
            const bool coded = kind / 2 % 3 > 0, bitmap = kind % 3 == 0;
            const double *missing = codes[kind / 6 % 3];
            struct rows *r = make_rows(kind % 5 == 0 ? "csat" : "nps", 300 + (uint64_t)kind);
            for (size_t i = 0; i < sizeof r->valid; i++)
                r->valid[i] = (uint8_t)(draw() | draw());
            for (size_t i = 0; i < ROWS; i++) {
                double v = 1 + (double)(draw() % 5);
                const double code = missing[draw() % 3];
                if (coded && draw() % 20 == 0 && (real || code == floor(code)) && (!natural || code > 0)
                    && (width > 1 || code < 100))
                    v = code;
                if (real && draw() % 30 == 0)
                    v = (double)NAN;
                put_answer(type, memory + (int64_t)i * stride, v);
            }
            struct cxm_column *score = input(r, "score", cxm_column_make("answer", type, memory, ROWS,
                                                                         stride, (uint32_t)width));
            if (coded) {
                score->missing_codes = missing;
                score->n_missing_codes = 3;
            }
            if (kind / 2 % 3 == 2) {
                score->flags = CXM_COLUMN_SENTINEL;
                score->sentinel = kind % 4 == 0 ? 5 : -1;
            }
            score->validity = bitmap ? r->valid : NULL;
            score->validity_offset = 5;
            if (kind / 4 % 2 > 0)
                make_keys(r, (enum keys)(1 + (kind + (int)type) % 4));
            same_on_every_road(r);
            put_answer(type, memory + (ROWS - 40) * stride, kind % 5 == 0 ? 6 : 11);
            same_on_every_road(r);
            r->count_invalid = true;
            put_answer(type, memory + 4000 * stride, real ? 2.5 : natural ? 200 : -7);
            put_answer(type, memory + 4001 * stride, type >= CXM_F32 ? -INFINITY : 100);
            same_on_every_road(r);
            free(r);
        }
    }
}

/* Enough rows for three threads, and for many blocks. */
static void long_ratings(void **state)
{
    (void)state;
    enum { LONG = 7000001 };
    uint8_t *score = malloc(LONG), *valid = malloc(LONG / 8 + 2);
    float *number = malloc(LONG * sizeof *number);
    int64_t *ones = malloc(LONG * sizeof *ones);
    assert_true(score != NULL && valid != NULL && number != NULL && ones != NULL);
    seed = 77;
    for (size_t i = 0; i < LONG / 8 + 2; i++)
        valid[i] = (uint8_t)(draw() | draw());
    for (size_t i = 0; i < LONG; i++) {
        const uint64_t z = draw();
        score[i] = (uint8_t)(z % 11);
        number[i] = z % 100 == 0 ? (float)NAN : (float)(z % 11);
        ones[i] = 1;
    }
    for (int kind = 0; kind < 4; kind++) {
        struct saved got[3];
        for (int road = 0; road < 3; road++) {
            struct cxm_tally *tally;
            struct cxm_error error;
            struct cxm_column columns[2] = {
                kind / 2 ? cxm_column_make("x", CXM_F32, number, LONG, 4, 4)
                         : cxm_column_make("x", CXM_U8, score, LONG, 1, 1),
                cxm_column_make("freq", CXM_I64, ones, LONG, 8, 8),
            };
            columns[0].validity = kind % 2 ? valid : NULL;
            columns[0].validity_offset = 3;
            const struct cxm_input inputs[2] = { { "score", &columns[0] }, { "freq", &columns[1] } };
            const struct cxm_add_options options = { .size = sizeof options,
                                                     .threads = road == 2 ? 3 : 1 };
            assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
            assert_int_equal(cxm_tally_add(tally, inputs, road == 0 ? 2 : 1, &options, &error),
                             CXM_OK);
            got[road].bytes = save_tally(tally, &got[road].n);
            cxm_tally_free(tally);
            assert_int_equal(got[road].n, got[0].n);
            assert_memory_equal(got[road].bytes, got[0].bytes, got[0].n);
        }
        for (int road = 0; road < 3; road++)
            free(got[road].bytes);
    }
    free(score);
    free(valid);
    free(number);
    free(ones);
}

/* Sums of one and of two variables, whole and not, with rows that are missing. */
static void variables(void **state)
{
    (void)state;
    static const char *const items[1] = { "one" };
    for (int kind = PLAIN; kind <= NORMAL; kind++) {
        for (int keys = NO_KEYS; keys <= SORTED; keys++) {
            for (int two = 0; two < 2; two++) {
                if (kind == EVERY_BAND && keys != FEW)
                    continue;
                struct rows *r = make_rows(two ? "gap" : "mean", 90 + (uint64_t)kind);
                for (size_t i = 0; i < ROWS; i++) {
                    r->value[i] = value_of((enum values)kind) * (draw() % 2 ? 1 : -1);
                    r->other[i] = value_of((enum values)kind);
                    if (draw() % 50 == 0)
                        r->value[i] = (double)NAN;
                }
                input(r, two ? "perceived" : "value", CXM_ARRAY(r->value, ROWS));
                if (two) {
                    input(r, "expected", CXM_ARRAY(r->other, ROWS));
                    r->params[r->n_params++] = (struct cxm_param){ "items", NULL, 0, items, 1 };
                }
                make_keys(r, (enum keys)keys);
                same_on_every_road(r);
                free(r);
            }
        }
    }
}

/* More rows of a cell than fit: all of the largest q of a band, in few cells; and numbers that no
 * band holds, beside others: the smallest and the largest that there are. */
static void full_cells(void **state)
{
    (void)state;
    enum { LONG = 300000 };
    static uint8_t score[LONG];
    static uint32_t key[LONG];
    static double number[LONG];
    static int64_t ones[LONG];
    for (int kind = 0; kind < 6; kind++) {
        const bool weighted = kind % 2 == 1;
        struct saved got[3];
        seed = 7 + (uint64_t)kind;
        for (size_t i = 0; i < LONG; i++) {
            ones[i] = 1;
            score[i] = (uint8_t)(draw() % 3 ? 10 : 2);
            key[i] = (uint32_t)(draw() % 2);
            number[i] = (2 - 0x1p-52) * (kind < 2 ? 1 : ldexp(1, (int)(draw() % 12)));
            if (!weighted && draw() % 3 == 0)
                number[i] = -number[i];
            if (kind == 4 && i % 1000 == 999)
                number[i] = ldexp(number[i], i % 2000 == 999 ? -1060 : 1000);
            if (kind == 5 && i % 1000 == 999)
                number[i] = i % 2000 == 999 ? 1e-100 : 1e100;
        }
        for (int road = 0; road < 3; road++) {
            struct cxm_tally *tally;
            struct cxm_error error;
            struct cxm_column columns[4] = {
                CXM_ARRAY(score, LONG), CXM_ARRAY(number, LONG), CXM_ARRAY(key, LONG),
                CXM_ARRAY(ones, LONG),
            };
            struct cxm_input inputs[4] = {
                { "score", &columns[0] }, { weighted ? "weight" : "value", &columns[1] },
                { "by", &columns[2] }, { "freq", &columns[3] },
            };
            const struct cxm_add_options options = { .size = sizeof options,
                                                     .threads = road == 2 ? 3 : 1 };
            assert_int_equal(cxm_tally_new(weighted ? "nps" : "mean", NULL, 0, NULL, &tally, NULL),
                             CXM_OK);
            assert_int_equal(cxm_tally_add(tally, inputs + !weighted,
                                           (weighted ? 4 : 3) - (road > 0), &options, &error),
                             CXM_OK);
            got[road].bytes = save_tally(tally, &got[road].n);
            cxm_tally_free(tally);
            assert_int_equal(got[road].n, got[0].n);
            assert_memory_equal(got[road].bytes, got[0].bytes, got[0].n);
        }
        for (int road = 0; road < 3; road++)
            free(got[road].bytes);
    }
}

/* Bins whose weights have other digits have other windows in a tally that was loaded; a row that
 * is then added by itself must find the right ones. */
static void one_row_after_loading(void **state)
{
    (void)state;
    static const double answers[3] = { 0, 5, 10 }, weights[3] = { 0x1p-300, 1.5, 0x1p300 };
    struct cxm_tally *tally, *loaded;
    struct cxm_error error;
    struct saved bytes[2];
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(cxm_tally_add_one(tally, &answers[i], 1, &weights[i], 1, &error), CXM_OK);
    bytes[0].bytes = save_tally(tally, &bytes[0].n);
    assert_int_equal(cxm_tally_load(bytes[0].bytes, bytes[0].n, NULL, &loaded, &error), CXM_OK);
    free(bytes[0].bytes);
    struct cxm_tally *both[2] = { tally, loaded };
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 3; i++)
            assert_int_equal(cxm_tally_add_one(both[k], &answers[i], 1, &weights[i], 1, &error),
                             CXM_OK);
        bytes[k].bytes = save_tally(both[k], &bytes[k].n);
    }
    assert_int_equal(bytes[0].n, bytes[1].n);
    assert_memory_equal(bytes[0].bytes, bytes[1].bytes, bytes[0].n);
    for (int k = 0; k < 2; k++) {
        free(bytes[k].bytes);
        cxm_tally_free(both[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights),
        cmocka_unit_test(good_weights),
        cmocka_unit_test(plain_rows),
        cmocka_unit_test(bitmaps),
        cmocka_unit_test(ratings),
        cmocka_unit_test(long_ratings),
        cmocka_unit_test(variables),
        cmocka_unit_test(full_cells),
        cmocka_unit_test(one_row_after_loading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
