/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The generators of the columns. A row's random number is a hash of its index (the finaliser of
 * splitmix64), so that two threads can fill a column: a thousand million rows take seconds. */
#include "data.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { MILLION = 1000000, TEXT_BYTES = 9 };

/* An answer among the other columns of its row: a cache line each. */
struct survey {
    uint8_t score;
    uint32_t segment;
    double weight;
    float answers[10];
    uint8_t channel; /* of 100 */
    uint8_t other[7];
};

void *data_allocate(size_t n, size_t bytes)
{
    void *const p = malloc(n * bytes + 64);
    if (p == NULL) {
        fprintf(stderr, "bench: no memory for %zu times %zu bytes\n", n, bytes);
        exit(1);
    }
    return p;
}

static uint64_t hash(uint64_t z)
{
    z *= 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* In [0, 1) and in (0, 1]. */
static double share(uint64_t r)
{
    return (double)(r >> 11) * 0x1p-53;
}

static double above_zero(uint64_t r)
{
    return (double)((r >> 11) + 1) * 0x1p-53;
}

/* 0 … n - 1, k about as often as 1 / (k + 1). */
static uint64_t zipf(uint64_t r, double n)
{
    return (uint64_t)exp(share(r) * log(n)) - 1;
}

static uint64_t far_apart(uint64_t id)
{
    return (id + 1) * 0x9E3779B97F4A7C15u;
}

static uint64_t events_customers(size_t n)
{
    return n < (size_t)50 * MILLION ? n / 25 + 1 : 2 * MILLION;
}

static const uint8_t likely[32] = { 0, 1, 2, 3, 4, 5, 5, 5, 6, 6, 7,  7,  7,  7,  8,  8,
                                    8, 8, 8, 8, 9, 9, 9, 9, 9, 9, 10, 10, 10, 10, 10, 10 };

/* ---- one value a row: i its index, n the number of rows, r its random number ----------- */

typedef void fill_rows(void *out, size_t from, size_t to, size_t n, uint64_t salt);

#define FILL(name, type, value)                                                                \
    static void name(void *out, size_t from, size_t to, size_t n, uint64_t salt)               \
    {                                                                                          \
        type *const p = out;                                                                   \
        (void)n;                                                                               \
        for (size_t i = from; i < to; i++) {                                                   \
            const uint64_t r = hash(i + salt);                                                 \
            (void)r;                                                                           \
            p[i] = (type)(value);                                                              \
        }                                                                                      \
    }

/* clang-format off */
FILL(scores, uint8_t, r % 100 < 3 ? 255 : likely[r >> 59])
FILL(scores_plain, uint8_t, likely[r >> 59])
FILL(scores_equal, uint8_t, 9)
FILL(scores_sorted, uint8_t, i * 11 / n)
FILL(scores_float, float, likely[r >> 59])
FILL(scores_nan, float, r % 100 < 3 ? NAN : (float)likely[r >> 59])
FILL(ratings, uint8_t, 1 + (r >> 32) % 5)
FILL(weights, double, 0.2 + 2 * share(r))
FILL(weights_far, double, exp(8 * share(r) - 4))
FILL(weights_few, double, 0.25 + 0.1 * (double)(r % 24))
FILL(weights_equal, double, 1.5)
FILL(weights_nan, double, r % 100 < 3 ? NAN : 0.2 + 2 * share(r))
FILL(strata, uint32_t, (r >> 32) % 20)
FILL(clusters, uint32_t, (r >> 8) % 50)
FILL(answers_float, float, 1 + (r >> 32) % 7)
FILL(answers_equal, float, 5)
FILL(answers_nan, float, r % 100 < 3 ? NAN : (float)(1 + (r >> 32) % 7))
FILL(answers_same, uint8_t, 5)
FILL(answers, uint8_t, 1 + (r >> 32) % 7)
FILL(by_one, uint32_t, 7)
FILL(by_10, uint8_t, (r >> 32) % 10)
FILL(by_10_wide, uint32_t, (r >> 32) % 10)
FILL(by_10_sorted, uint8_t, i * 10 / n)
FILL(by_10_zipf, uint8_t, zipf(r, 10))
FILL(by_16, uint32_t, (r >> 32) % 16)
FILL(by_100, uint8_t, (r >> 32) % 100)
FILL(by_100_wide, uint32_t, (r >> 32) % 100)
FILL(by_100_sorted, uint8_t, i * 100 / n)
FILL(by_100_zipf, uint8_t, zipf(r, 100))
FILL(by_100_one, uint8_t, 7)
FILL(by_1000, uint32_t, (r >> 32) % 1000)
FILL(by_1000_zipf, uint32_t, zipf(r, 1000))
FILL(by_1000_sorted, uint32_t, i * 1000 / n)
FILL(by_1000_sparse, uint64_t, far_apart((r >> 32) % 1000))
FILL(by_31623, uint32_t, (r >> 32) % 31623)
FILL(by_many, uint32_t, (r >> 32) % MILLION)
FILL(by_many_zipf, uint32_t, zipf(r, MILLION))
FILL(by_many_sorted, uint32_t, i * MILLION / n)
FILL(by_many_sparse, uint64_t, far_apart((r >> 32) % MILLION))
FILL(contacts_of, uint64_t, (r >> 20) % (n / 4 + 1))
FILL(contacts_zipf, uint64_t, zipf(r, (double)(n / 4 + 1)))
FILL(contacts_sorted, uint64_t, i / 4)
FILL(contacts_equal, uint64_t, 7)
FILL(contacts_far, uint64_t, far_apart((r >> 20) % (n / 4 + 1)))
FILL(categories, uint8_t, r >> 61)
FILL(instants, int64_t, FIRST_INSTANT + (int64_t)((r >> 20) % ((uint64_t)SPAN_OF_DAYS * DAY)))
FILL(events_of, uint32_t, (r >> 20) % events_customers(n))
FILL(events_zipf, uint32_t, zipf(r, (double)events_customers(n)))
FILL(events_sorted, uint32_t, (double)i / (double)n * (double)events_customers(n))
FILL(events_equal, uint32_t, 7)
FILL(events_far, uint64_t, far_apart((r >> 20) % events_customers(n)))
FILL(days, int32_t, (r >> 32) % 2001)
FILL(days_equal, int32_t, 365)
FILL(left, uint8_t, r >> 62 != 0)
FILL(waits, double, -3600 * log(above_zero(r)))
FILL(waits_equal, double, 60)
FILL(waits_whole, double, floor(-3600 * log(above_zero(r))))
FILL(validity, uint8_t, r | r >> 32)
FILL(text_ends, int32_t, (i + 1) * TEXT_BYTES)
/* clang-format on */

static void surveys(void *out, size_t from, size_t to, size_t n, uint64_t salt)
{
    struct survey *const p = out;
    (void)n;
    for (size_t i = from; i < to; i++) {
        const uint64_t r = hash(i + salt);
        p[i] = (struct survey){ .score = likely[r >> 59],
                                .segment = (uint32_t)(r % 1000),
                                .weight = 0.2 + 2 * share(r),
                                .channel = (uint8_t)((r >> 40) % 100) };
        for (uint64_t k = 0; k < 10; k++)
            p[i].answers[k] = (float)(1 + (r >> 5 * k & 31) % 7);
    }
}

static void write_name(char *to, uint64_t group)
{
    memcpy(to, "region", 6);
    for (int digit = 2; digit >= 0; digit--, group /= 10)
        to[6 + digit] = (char)('0' + group % 10);
}

static void names(void *out, size_t from, size_t to, size_t n, uint64_t salt)
{
    (void)n;
    for (size_t i = from; i < to; i++)
        write_name((char *)out + i * TEXT_BYTES, (hash(i + salt) >> 32) % 1000);
}

/* ---- kinds ----------------------------------------------------------------------------- */

static const struct kind {
    fill_rows *fill;
    uint32_t type;
} kinds[DATA_KINDS] = {
    [SCORES] = { scores, CXM_U8 },
    [SCORES_PLAIN] = { scores_plain, CXM_U8 },
    [SCORES_EQUAL] = { scores_equal, CXM_U8 },
    [SCORES_SORTED] = { scores_sorted, CXM_U8 },
    [SCORES_BITMAP] = { scores_plain, CXM_U8 },
    [SCORES_FLOAT] = { scores_float, CXM_F32 },
    [SCORES_NAN] = { scores_nan, CXM_F32 },
    [RATINGS] = { ratings, CXM_U8 },
    [RATINGS_BITMAP] = { ratings, CXM_U8 },
    [WEIGHTS] = { weights, CXM_F64 },
    [WEIGHTS_FAR] = { weights_far, CXM_F64 },
    [WEIGHTS_FEW] = { weights_few, CXM_F64 },
    [WEIGHTS_EQUAL] = { weights_equal, CXM_F64 },
    [WEIGHTS_NAN] = { weights_nan, CXM_F64 },
    [WEIGHTS_BITMAP] = { weights, CXM_F64 },
    [STRATA] = { strata, CXM_U32 },
    [CLUSTERS] = { clusters, CXM_U32 },
    [ANSWERS_FLOAT] = { answers_float, CXM_F32 },
    [ANSWERS_EQUAL] = { answers_equal, CXM_F32 },
    [ANSWERS_NAN] = { answers_nan, CXM_F32 },
    [ANSWERS] = { answers, CXM_U8 },
    [ANSWERS_SAME] = { answers_same, CXM_U8 },
    [BY_ONE] = { by_one, CXM_U32 },
    [BY_10] = { by_10, CXM_U8 },
    [BY_10_WIDE] = { by_10_wide, CXM_U32 },
    [BY_10_SORTED] = { by_10_sorted, CXM_U8 },
    [BY_10_ZIPF] = { by_10_zipf, CXM_U8 },
    [BY_16] = { by_16, CXM_U32 },
    [BY_100] = { by_100, CXM_U8 },
    [BY_100_WIDE] = { by_100_wide, CXM_U32 },
    [BY_100_SORTED] = { by_100_sorted, CXM_U8 },
    [BY_100_ZIPF] = { by_100_zipf, CXM_U8 },
    [BY_100_ONE] = { by_100_one, CXM_U8 },
    [BY_1000] = { by_1000, CXM_U32 },
    [BY_1000_ZIPF] = { by_1000_zipf, CXM_U32 },
    [BY_1000_SORTED] = { by_1000_sorted, CXM_U32 },
    [BY_1000_BITMAP] = { by_1000, CXM_U32 },
    [BY_1000_SPARSE] = { by_1000_sparse, CXM_U64 },
    [BY_1000_TEXT] = { names, CXM_UTF8 },
    [BY_1000_NAMES] = { by_1000, CXM_U32 },
    [BY_31623] = { by_31623, CXM_U32 },
    [BY_MANY] = { by_many, CXM_U32 },
    [BY_MANY_ZIPF] = { by_many_zipf, CXM_U32 },
    [BY_MANY_SORTED] = { by_many_sorted, CXM_U32 },
    [BY_MANY_SPARSE] = { by_many_sparse, CXM_U64 },
    [CONTACTS_OF] = { contacts_of, CXM_U64 },
    [CONTACTS_ZIPF] = { contacts_zipf, CXM_U64 },
    [CONTACTS_SORTED] = { contacts_sorted, CXM_U64 },
    [CONTACTS_EQUAL] = { contacts_equal, CXM_U64 },
    [CONTACTS_FAR] = { contacts_far, CXM_U64 },
    [CATEGORIES] = { categories, CXM_U8 },
    [INSTANTS] = { instants, CXM_I64 },
    [EVENTS_OF] = { events_of, CXM_U32 },
    [EVENTS_ZIPF] = { events_zipf, CXM_U32 },
    [EVENTS_SORTED] = { events_sorted, CXM_U32 },
    [EVENTS_EQUAL] = { events_equal, CXM_U32 },
    [EVENTS_FAR] = { events_far, CXM_U64 },
    [DAYS] = { days, CXM_I32 },
    [DAYS_EQUAL] = { days_equal, CXM_I32 },
    [LEFT] = { left, CXM_U8 },
    [WAITS] = { waits, CXM_F64 },
    [WAITS_EQUAL] = { waits_equal, CXM_F64 },
    [WAITS_WHOLE] = { waits_whole, CXM_F64 },
};

/* ---- filling --------------------------------------------------------------------------- */

struct half {
    fill_rows *fill;
    void *out;
    size_t from, to, n;
    uint64_t salt;
};

static void *fill_half(void *argument)
{
    const struct half *const h = argument;
    h->fill(h->out, h->from, h->to, h->n, h->salt);
    return NULL;
}

static void fill_all(fill_rows *fill, void *out, size_t n, uint64_t salt)
{
    struct half first = { fill, out, 0, n / 2, n, salt },
                second = { fill, out, n / 2, n, n, salt };
    pthread_t thread;
    if (pthread_create(&thread, NULL, fill_half, &second) != 0) {
        fill_half(&second);
        fill_half(&first);
        return;
    }
    fill_half(&first);
    pthread_join(thread, NULL);
}

static void *own(struct made *made, int slot, size_t n, size_t bytes)
{
    return made->owned[slot] = data_allocate(n, bytes);
}

static void touches(struct made *made, const void *data, size_t bytes)
{
    made->spans[made->n_spans++] = (struct span){ data, bytes };
}

static void make_plain(struct made *made, const struct kind *kind, size_t n, uint64_t salt)
{
    const size_t bytes = cxm_type_bytes((enum cxm_type)kind->type);
    void *const data = own(made, 0, n, bytes);
    fill_all(kind->fill, data, n, salt);
    made->column = cxm_column_make(NULL, kind->type, data, n, (int64_t)bytes, (uint32_t)bytes);
    touches(made, data, n * bytes);
}

static void add_validity(struct made *made, size_t n, uint64_t salt)
{
    uint8_t *const bits = own(made, 1, n / 8 + 1, 1);
    fill_all(validity, bits, n / 8 + 1, salt + n);
    made->column.validity = bits;
    touches(made, bits, n / 8);
}

/* The first column of structs owns them, and reading them is reading all their lines. */
static const struct survey *structs_of(struct made *made, size_t n, uint64_t salt,
                                       const struct made *first)
{
    if (made != first)
        return first->owned[0];
    struct survey *const all = own(made, 0, n, sizeof *all);
    fill_all(surveys, all, n, salt << 40);
    touches(made, all, n * sizeof *all);
    return all;
}

static bool make_in_structs(struct made *made, enum data_kind kind, size_t n, uint64_t salt,
                            const struct made *first)
{
    const struct survey *all;
    if (kind != SCORES_STRUCT && kind != WEIGHTS_STRUCT && kind != BY_1000_STRUCT
        && kind != BY_100_STRUCT && kind != ANSWERS_STRUCT)
        return false;
    all = structs_of(made, n, salt, first);
    if (kind == SCORES_STRUCT)
        made->column = CXM_FIELD(all, n, score);
    else if (kind == WEIGHTS_STRUCT)
        made->column = CXM_FIELD(all, n, weight);
    else if (kind == BY_1000_STRUCT)
        made->column = CXM_FIELD(all, n, segment);
    else if (kind == BY_100_STRUCT)
        made->column = CXM_FIELD(all, n, channel);
    else
        made->column = CXM_FIELD(all, n, answers[(salt - 1) % 10]);
    return true;
}

static void make_text(struct made *made, size_t n, uint64_t salt)
{
    char *const heap = own(made, 0, n, TEXT_BYTES);
    int32_t *const offsets = own(made, 1, n + 1, sizeof *offsets);
    int64_t *const heap_bytes = own(made, 2, 1, sizeof *heap_bytes);
    fill_all(names, heap, n, salt);
    offsets[0] = 0;
    fill_all(text_ends, offsets + 1, n, salt);
    *heap_bytes = (int64_t)(n * TEXT_BYTES);
    made->column = cxm_column_make(NULL, CXM_UTF8, offsets, n, 4, 4);
    made->column.heap = heap;
    made->column.heap_bytes = heap_bytes;
    touches(made, offsets, n * sizeof *offsets);
    touches(made, heap, n * TEXT_BYTES);
}

static void add_dictionary(struct made *made)
{
    char *const texts = own(made, 1, 1000, TEXT_BYTES);
    for (uint64_t group = 0; group < 1000; group++)
        write_name(texts + group * TEXT_BYTES, group);
    made->dictionary = cxm_column_make(NULL, CXM_TEXT, texts, 1000, TEXT_BYTES, TEXT_BYTES);
    made->column.dictionary = &made->dictionary;
}

void data_make(struct made *made, enum data_kind kind, size_t n, uint64_t salt,
               const struct made *first)
{
    memset(made, 0, sizeof *made);
    if (make_in_structs(made, kind, n, salt, first))
        return;
    salt = salt << 40;
    if (kind == BY_1000_TEXT)
        make_text(made, n, salt);
    else
        make_plain(made, &kinds[kind], n, salt);
    if (kind == SCORES_BITMAP || kind == RATINGS_BITMAP || kind == BY_1000_BITMAP
        || kind == WEIGHTS_BITMAP)
        add_validity(made, n, salt);
    if (kind == BY_1000_NAMES)
        add_dictionary(made);
}

void data_free(struct made *made)
{
    for (size_t i = 0; i < sizeof made->owned / sizeof made->owned[0]; i++)
        free(made->owned[i]);
    memset(made, 0, sizeof *made);
}
