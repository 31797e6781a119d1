/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting by one key of whole numbers: the variants of the kernel against one increment at a
 * time, and whole adds by the short cut, with few keys and with very many, against the general
 * road, which copies of 1 force: the same saved bytes at any number of threads. */
#define _DEFAULT_SOURCE /* mmap with MAP_ANONYMOUS */

#include "guarded.h"
#include "saved.h"

#include "tally/kernels.h"

#include <cxm/cxm.h>

static uint64_t seed;

/* ---- the kernel ----------------------------------------------------------------------- */

enum { ALL_CODES = 13, MOST_KEYS = 9000 };

struct kind {
    uint64_t base;
    uint32_t n_keys, stride, width;
    bool words, wide, four, bitmap, outside, equal, hot;
};

static uint64_t total(const struct cxm_key_counters *c, size_t at)
{
    uint64_t sum = (uint64_t)c->carried[at] * 256;
    for (int table = 0; table < (c->apart > 0 ? 4 : 1); table++)
        sum += c->words != NULL  ? c->words[(size_t)table * c->apart + at]
               : c->wide != NULL ? c->wide[(size_t)table * c->apart + at]
                                 : c->counters[(size_t)table * c->apart + at];
    if (c->carried[at] > 0)
        assert_int_equal(c->wrapped[at / CXM_CARRY_BLOCK], 1);
    return sum;
}

static bool bit_of(const struct guarded *bits, size_t i)
{
    return (bits->bytes[i / 8] >> i % 8 & 1) != 0;
}

static uint64_t draw_key(const struct kind *kind)
{
    if (kind->equal || (kind->hot && random_below(&seed, 3) > 0))
        return kind->base + kind->n_keys - 1;
    return kind->base + random_below(&seed, kind->n_keys);
}

/* Rows of a call, and what is to be counted. */
struct call {
    struct guarded keys, answers, bits, key_bits;
    struct cxm_key_rows rows;
    uint8_t codes[256];
    uint64_t *want;  /* NULL: is not counted */
    size_t stop;
};

/* Any codes at all, or those of a scale with up to three bytes that have codes of their own. */
static void draw_codes(uint8_t codes[256], uint32_t stride)
{
    const uint64_t low = random_below(&seed, 256), odd = random_below(&seed, 6);
    for (unsigned i = 0; i < 256; i++) {
        const uint8_t k = (uint8_t)(i - low);
        codes[i] = (uint8_t)(odd > 3 ? random_below(&seed, stride) : k < stride - 2 ? k : stride - 1);
    }
    for (uint64_t i = 0; i < odd; i++)
        codes[random_below(&seed, 256)] = (uint8_t)random_below(&seed, stride);
}

static void make_call(struct call *call, const struct cxm_key_counters *c, const struct kind *kind,
                      size_t n)
{
    const unsigned skip = (unsigned)random_below(&seed, 8), key_skip = (unsigned)random_below(&seed, 8);
    call->keys = guard(kind->width * n);
    call->answers = guard(n);
    call->bits = guard((n + skip + 7) / 8);
    call->key_bits = guard((n + key_skip + 7) / 8);
    call->stop = kind->outside ? random_below(&seed, n + 1) : n;
    draw_codes(call->codes, kind->stride);
    for (size_t i = 0; i < (n + skip + 7) / 8; i++)
        call->bits.bytes[i] = (uint8_t)(random_u64(&seed) | random_u64(&seed));
    for (size_t i = 0; i < (n + key_skip + 7) / 8; i++)
        call->key_bits.bytes[i] = (uint8_t)(random_u64(&seed) | random_u64(&seed));
    for (size_t i = 0; i < n; i++) {
        const bool known = !kind->bitmap || bit_of(&call->key_bits, i + key_skip);
        uint64_t key = known ? draw_key(kind) : random_u64(&seed);
        if (i == call->stop) {
            key = i % 2 == 0 ? kind->base - 1 : kind->base + kind->n_keys;
            call->key_bits.bytes[(i + key_skip) / 8] |= (uint8_t)(1 << (i + key_skip) % 8);
        }
        store_integer(call->keys.bytes + kind->width * i, key, kind->width);
        call->answers.bytes[i] = kind->equal ? 9 : (uint8_t)random_u64(&seed);
    }
    call->rows = (struct cxm_key_rows){
        .keys = call->keys.bytes, .answers = call->answers.bytes,
        .key_bits = kind->bitmap ? call->key_bits.bytes : NULL, .key_skip = key_skip,
        .answer_bits = kind->bitmap ? call->bits.bytes : NULL, .answer_skip = skip,
        .width = kind->width, .base = kind->base,
    };
    const size_t counted = call->want == NULL ? 0 : call->stop == n ? n : call->stop / 64 * 64;
    for (size_t i = 0; i < counted; i++) { /* one at a time */
        uint64_t key = load_integer(call->keys.bytes + kind->width * i, kind->width) - kind->base;
        if (kind->width < 8)
            key &= ((uint64_t)1 << 8 * kind->width) - 1;
        if (kind->bitmap && !bit_of(&call->key_bits, i + key_skip))
            key = kind->n_keys;
        const bool valid = !kind->bitmap || bit_of(&call->bits, i + skip);
        call->want[(size_t)key * kind->stride
                   + (valid ? call->codes[call->answers.bytes[i]] : c->missing)]++;
    }
}

static void compare(cxm_count_keys *variant, size_t n, const struct kind *kind)
{
    const size_t cells = ((size_t)kind->n_keys + 1) * kind->stride, tables = kind->four ? 4 : 1;
    struct call call = { .want = calloc(cells, sizeof *call.want) };
    uint8_t *memory = calloc(tables * cells, 4), *marks = calloc(cells / CXM_CARRY_BLOCK + 1, 1);
    struct cxm_key_counters c = {
        .n_keys = kind->n_keys, .stride = kind->stride, .apart = kind->four ? cells : 0,
        .words = kind->words ? (uint32_t *)(void *)memory : NULL,
        .wide = kind->wide && !kind->words ? (uint16_t *)(void *)memory : NULL,
        .counters = kind->wide || kind->words ? NULL : memory,
        .carried = calloc(cells, sizeof *c.carried), .codes = call.codes,
        .missing = (uint8_t)(kind->stride - 2), .wrapped = marks,
    };
    assert_true(call.want != NULL && memory != NULL && c.carried != NULL && marks != NULL);
    make_call(&call, &c, kind, n);
    const size_t counted = call.stop == n ? n : call.stop / 64 * 64;
    assert_int_equal(variant(&c, &call.rows, n), counted);
    for (size_t at = 0; at < cells; at++)
        assert_int_equal(total(&c, at), call.want[at]);
    free(call.want);
    free(memory);
    free(marks);
    free(c.carried);
    unguard(call.keys);
    unguard(call.answers);
    unguard(call.bits);
    unguard(call.key_bits);
}

/* With `words`, those with at most 65 536 places in counters of 32 bits. */
static void run_variant(cxm_count_keys *variant, bool words)
{
    static const struct kind kinds[] = {
        { .base = 0, .n_keys = 16, .stride = ALL_CODES, .width = 4, .wide = true, .four = true },
        { .base = 7, .n_keys = 1, .stride = ALL_CODES, .width = 4, .four = true, .bitmap = true },
        { .base = UINT32_MAX - 999, .n_keys = 1000, .stride = ALL_CODES, .width = 4, .wide = true },
        { .base = UINT32_MAX - 999, .n_keys = 1000, .stride = ALL_CODES, .width = 4, .outside = true },
        { .base = 4000000000u, .n_keys = 100, .stride = ALL_CODES, .width = 4, .wide = true,
          .bitmap = true, .outside = true },
        { .base = 250, .n_keys = 12, .stride = ALL_CODES, .width = 1, .wide = true, .hot = true },
        { .base = 1, .n_keys = 255, .stride = 5, .width = 1, .bitmap = true, .outside = true },
        { .base = 0, .n_keys = 256, .stride = 5, .width = 1, .wide = true, .bitmap = true },
        { .base = 65530, .n_keys = 700, .stride = ALL_CODES, .width = 2, .wide = true, .hot = true,
          .bitmap = true },
        { .base = 9, .n_keys = 700, .stride = ALL_CODES, .width = 2, .wide = true, .outside = true },
        { .base = (uint64_t)INT64_MIN, .n_keys = 600, .stride = ALL_CODES, .width = 8, .wide = true,
          .bitmap = true, .outside = true },
        { .base = UINT64_MAX - 4, .n_keys = 90, .stride = ALL_CODES, .width = 8, .hot = true },
        { .base = 1, .n_keys = 5040, .stride = ALL_CODES, .width = 4, .outside = true }, /* 65 533 places */
        { .base = 1, .n_keys = 5041, .stride = ALL_CODES, .width = 4, .bitmap = true,
          .outside = true }, /* 65 546: too many for 16 bits */
        { .base = 5, .n_keys = 511, .stride = 128, .width = 4, .bitmap = true, .hot = true }, /* 65 536 */
        { .base = 100, .n_keys = 3, .stride = 7, .width = 4, .four = true, .equal = true },
        { .base = 100, .n_keys = 300, .stride = 16, .width = 4, .wide = true, .bitmap = true, .hot = true },
    };
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct kind kind = kinds[k];
        kind.words = words && (kind.n_keys + 1) * kind.stride <= 65536;
        for (size_t n = 0; n <= 3 * 64 + 5; n += kind.n_keys > 1000 ? 7 : 1)
            compare(variant, n, &kind);
        for (int i = 0; i < 5; i++)
            compare(variant, random_below(&seed, 20000), &kind);
    }
    /* a counter of 8 bits, where it comes to 256 in one table and in four; one of 16 bits, full */
    const struct kind narrow = { .base = 3, .n_keys = 2, .stride = ALL_CODES, .width = 4, .equal = true };
    struct kind four = narrow, full = narrow;
    four.four = true;
    full.wide = true;
    for (size_t n = 254; n <= 258; n++) {
        compare(variant, n, &narrow);
        compare(variant, 4 * n, &four);
    }
    compare(variant, 65535, &full);
    full.words = words;
    compare(variant, words ? 300000 : 65535, &full);
    four.bitmap = true;
    compare(variant, 65536 * 5 + 3, &four);
}

/* Parts and places of rows against one at a time. */
static void compare_parts(cxm_part_rows *variant, size_t n, const struct kind *kind, int shift)
{
    struct call call = { .want = NULL };
    const struct cxm_key_counters c = {
        .n_keys = kind->n_keys, .stride = kind->stride, .codes = call.codes,
        .missing = (uint8_t)(kind->stride - 2),
    };
    uint32_t *got = malloc((n + 1) * sizeof *got);
    assert_non_null(got);
    make_call(&call, &c, kind, n);
    if (n % 2 != 0)
        call.rows.answer_bits = call.bits.bytes;
    got[n] = 77;
    assert_int_equal(variant(&c, shift, &call.rows, n, got), call.stop == n);
    for (size_t i = 0; i < n && call.stop == n; i++) {
        uint32_t key;
        memcpy(&key, call.keys.bytes + 4 * i, sizeof key);
        key -= (uint32_t)kind->base;
        const bool valid = n % 2 == 0 || bit_of(&call.bits, i + call.rows.answer_skip);
        const uint32_t code = valid ? call.codes[call.answers.bytes[i]] : c.missing;
        assert_int_equal(got[i] >> 16, key >> shift);
        assert_int_equal(got[i] & 0xFFFF, (key & (((uint32_t)1 << shift) - 1)) * kind->stride + code);
    }
    assert_int_equal(got[n], 77);
    free(got);
    unguard(call.keys);
    unguard(call.answers);
    unguard(call.bits);
    unguard(call.key_bits);
}

static void parting_keys(void **state)
{
    static const struct { struct kind kind; int shift; } kinds[] = {
        { { .base = 0, .n_keys = 1 << 20, .stride = ALL_CODES, .width = 4 }, 12 },
        { { .base = 7, .n_keys = 200000, .stride = ALL_CODES, .width = 4, .outside = true }, 12 },
        { { .base = UINT32_MAX - 299999, .n_keys = 300000, .stride = 7, .width = 4, .outside = true }, 13 },
        { { .base = 2000000000, .n_keys = 1000000, .stride = 128, .width = 4 }, 9 },
        { { .base = 1, .n_keys = 70000, .stride = 4, .width = 4, .equal = true }, 14 },
    };
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        for (size_t n = 0; n <= 3 * 64 + 5; n += 1 + n / 70) {
            cxm_part_rows *const variants[] = { cxm_priv_part_rows_c,
                                                cxm_priv_kernels(CXM_CPU_AVX512).part_rows,
                                                cxm_priv_kernels(0).part_rows };
            for (size_t v = 0; v < COUNT_OF(variants); v++)
                compare_parts(variants[v], n, &kinds[k].kind, kinds[k].shift);
        }
    }
}

static void counting_keys(void **state)
{
    const struct cxm_kernels below = cxm_priv_kernels(CXM_CPU_AVX512);
    (void)state;
    run_variant(cxm_priv_count_keys_c, false);
    run_variant(cxm_priv_count_keys_c, true);
    run_variant(below.count_keys, false);
    if (below.key_words)
        run_variant(below.count_keys, true);
    run_variant(cxm_priv_kernels(0).count_keys, false);
    assert_true(cxm_priv_kernels(CXM_CPU_AVX512 | CXM_CPU_AVX2 | CXM_CPU_NEON).count_keys
                == cxm_priv_count_keys_c);
}

/* ---- whole adds ----------------------------------------------------------------------- */

enum { ROWS = 270000 }; /* as many as are worth sorting by part */

struct rows {
    uint8_t score[2 * ROWS];
    int64_t key[2 * ROWS];
    uint32_t short_key[2 * ROWS];
    uint8_t valid[ROWS / 8 + 3];
    double wide_score[2 * ROWS];
};

/* The same answers as numbers of a wider type. */
static struct cxm_column widened(struct rows *r, const struct cxm_column *score, uint32_t type)
{
    unsigned char *const at = (unsigned char *)r->wide_score;
    const int64_t width = (int64_t)cxm_type_bytes((enum cxm_type)type);
    struct cxm_column wide = *score;
    wide.type = type;
    wide.data = r->wide_score;
    wide.width = (uint32_t)width;
    wide.stride = width * score->stride;
    for (int64_t i = 0; i < score->n * score->stride; i++) {
#define PUT(T) { const T x = (T)r->score[i]; memcpy(at + i * width, &x, sizeof x); } break
        switch (type) {
        case CXM_I16: PUT(int16_t);
        case CXM_U32: PUT(uint32_t);
        case CXM_I64: PUT(int64_t);
        case CXM_F32: PUT(float);
        default: PUT(double);
        }
#undef PUT
    }
    return wide;
}

static const uint32_t wide_types[] = { CXM_I64, CXM_F64, CXM_I16, CXM_F32, CXM_U32 };

static enum cxm_status same_at_any_threads(const struct cxm_column *score,
                                const struct cxm_column *by, int32_t invalid)
{
    uint8_t *general, *quick;
    size_t n_general, n_quick;
    struct cxm_error a, b;
    const int64_t once = 1; /* one copy of every row: not plain */
    const struct cxm_column copies = cxm_column_make("freq", CXM_I64, &once, (size_t)score->n, 0, 8);
    const enum cxm_status status = save_scores(score, by, &copies, invalid, 1, &general, &n_general, &a);
    for (int32_t threads = 1; threads <= 4; threads++) {
        assert_int_equal(save_scores(score, by, NULL, invalid, threads, &quick, &n_quick, &b), status);
        if (status != CXM_OK) {
            assert_int_equal(a.row, b.row);
            assert_string_equal(a.message, b.message);
            continue;
        }
        assert_int_equal(n_quick, n_general);
        assert_memory_equal(quick, general, n_general);
        free(quick);
    }
    if (status == CXM_OK)
        free(general);
    return status;
}

/* The same answers of a wider type, on three threads, give the same tally, or name the same row. */
static void same_when_wide(struct rows *r, const struct cxm_column *score,
                           const struct cxm_column *by, int32_t invalid, uint32_t type)
{
    uint8_t *bytes, *wide_bytes;
    size_t n, n_wide;
    struct cxm_error a, b;
    const struct cxm_column wide = widened(r, score, type);
    const enum cxm_status status = save_scores(score, by, NULL, invalid, 1, &bytes, &n, &a);
    assert_int_equal(save_scores(&wide, by, NULL, invalid, 3, &wide_bytes, &n_wide, &b), status);
    if (status != CXM_OK) {
        assert_int_equal(a.row, b.row);
        return;
    }
    assert_int_equal(n_wide, n);
    assert_memory_equal(wide_bytes, bytes, n);
    free(bytes);
    free(wide_bytes);
}

enum shape { UNIFORM, SKEWED, SORTED, EQUAL, TWO_ENDS, HOT, SWELLING };

static int64_t key_of(enum shape shape, size_t i, int64_t low, uint64_t span)
{
    const uint64_t r = random_u64(&seed);
    switch (shape) {
    case SKEWED:
        return low + (int64_t)((r % span) >> random_below(&seed, 20));
    case SORTED:
        return low + (int64_t)(i * span / (2 * ROWS));
    case EQUAL:
        return low;
    case TWO_ENDS: /* the first half of the rows far from the other */
        return i < ROWS / 2 ? low : low + (int64_t)(span - 1 - r % 7);
    case SWELLING: /* as often as one another until counters of 16 bits are looked at, then one only */
        return low + (int64_t)(i < 65280 ? i % span : 0);
    case HOT:
        return r % 10 > 0 ? low + 5 : low + (int64_t)(r / 10 % span);
    default:
        return low + (int64_t)(r % span);
    }
}

static void fill(struct rows *r, enum shape shape, int64_t low, uint64_t span)
{
    for (size_t i = 0; i < 2 * ROWS; i++) {
        r->score[i] = (uint8_t)(shape == EQUAL || shape == SWELLING ? 9 : random_below(&seed, 11));
        r->key[i] = key_of(shape, i, low, span);
        r->short_key[i] = (uint32_t)r->key[i];
    }
    for (size_t i = 0; i < sizeof r->valid; i++)
        r->valid[i] = (uint8_t)(random_u64(&seed) | random_u64(&seed));
}

static void short_cuts_equal_general_road(void **state)
{
    (void)state;
    static const struct {
        enum shape shape;
        int64_t low;
        uint64_t span;
        bool wide, strided, bitmap, key_bitmap;
    } cases[] = {
        { UNIFORM, 5, 1000, false, false, false, true },
        { UNIFORM, -7, 1000, true, false, true, true },
        { SORTED, 100, 1000, false, true, false, true },
        { UNIFORM, 1, 1500, true, true, true, true },
        { SORTED, 0, 60000, false, false, true, true },
        { UNIFORM, 1000000, 400000, true, false, false, true },
        { EQUAL, 3, 1, false, false, true, true },
        { SKEWED, -3, 1500, true, false, false, false },
        { UNIFORM, 0, 1000, false, false, false, false },
        { UNIFORM, 10, 16, false, false, true, false },
        { UNIFORM, 4294967295 - 999, 1000, false, true, false, false },
        { EQUAL, 77, 1, false, false, false, false },          /* a counter of more than 4 x 65 536 */
        { SWELLING, 2, 1020, false, false, false, false },
        { SWELLING, 2, 1000, true, false, true, false },
        { HOT, 0, 2600, false, false, false, false },
        { SORTED, -500, 1000, true, false, false, false },
        { UNIFORM, 0, 60000, false, false, true, false },      /* more than 16 bits of places */
        { UNIFORM, 1000000, 400000, false, false, false, false }, /* sorted by part */
        { UNIFORM, -400000, 800000, true, false, true, false },
        { UNIFORM, INT64_MIN, 300000, true, true, false, false },
        { UNIFORM, INT64_MAX - 299999, 300000, true, false, false, false },
        { SKEWED, 0, 1000000, false, true, true, false },
        { SORTED, 5, 3000000, false, false, false, false },
        { TWO_ENDS, -9000000000, 20000000000, true, false, false, false },
        { TWO_ENDS, 0, 4000000, false, false, false, false },
        { UNIFORM, 0, 4194304, false, false, false, false },
        { UNIFORM, 0, 5000000, false, false, false, false },   /* too many for the short cut */
    };
    struct rows *r = malloc(sizeof *r);
    assert_non_null(r);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fill(r, cases[i].shape, cases[i].low, cases[i].span);
        const int64_t step = cases[i].strided ? 2 : 1;
        struct cxm_column score = cxm_column_make("score", CXM_U8, r->score, ROWS, step, 1);
        struct cxm_column by = cases[i].wide
                                 ? cxm_column_make("key", CXM_I64, r->key, ROWS, 8 * step, 8)
                                 : cxm_column_make("key", CXM_U32, r->short_key, ROWS, 4 * step, 4);
        by.validity = cases[i].key_bitmap ? r->valid + 1 : NULL;
        by.validity_offset = (int64_t)random_below(&seed, 8);
        score.validity = cases[i].bitmap ? r->valid : NULL;
        score.validity_offset = (int64_t)random_below(&seed, 8);
        const uint32_t type = wide_types[i % COUNT_OF(wide_types)];
        assert_int_equal(same_at_any_threads(&score, &by, CXM_INVALID_ERROR), CXM_OK);
        same_when_wide(r, &score, &by, CXM_INVALID_ERROR, type);
        if (i % 3 > 0)
            continue;
        r->score[step * (ROWS - 9)] = 200; /* the lower one is named */
        r->score[step * (ROWS / 2 + 3)] = 77;
        (void)same_at_any_threads(&score, &by, i % 2 == 0 ? CXM_INVALID_ERROR : CXM_INVALID_COUNT);
        same_when_wide(r, &score, &by, i % 2 == 0 ? CXM_INVALID_COUNT : CXM_INVALID_ERROR, type);
    }
    free(r);
}

/* A look at few rows misses keys; invalid answers are found while cells are made. */
static void few_rows_equal_general_road(void **state)
{
    (void)state;
    static const size_t sizes[] = { 300, 8191, 8192, 20001, 100003 };
    static const uint64_t spans[] = { 1000, 1500, 1600, 5000 };
    struct rows *r = malloc(sizeof *r);
    assert_non_null(r);
    for (size_t i = 0; i < COUNT_OF(spans) * (SWELLING + 1); i++) {
        fill(r, (enum shape)(i % (SWELLING + 1)), -3, spans[i / (SWELLING + 1)]);
        for (size_t s = 0; s < COUNT_OF(sizes); s++) {
            const size_t n = sizes[s];
            struct cxm_column by = cxm_column_make("key", CXM_I64, r->key, n, 8, 8);
            const struct cxm_column score = cxm_column_make("score", CXM_U8, r->score, n, 1, 1);
            r->key[n - n / 7] = 1599;
            r->key[n / 3] = -90;
            by.validity = s % 2 > 0 ? r->valid : NULL;
            assert_int_equal(same_at_any_threads(&score, &by, CXM_INVALID_ERROR), CXM_OK);
            const uint32_t type = wide_types[i % COUNT_OF(wide_types)];
            same_when_wide(r, &score, &by, CXM_INVALID_ERROR, type);
            r->score[n / 2] = 200;
            (void)same_at_any_threads(&score, &by, CXM_INVALID_ERROR);
            (void)same_at_any_threads(&score, &by, CXM_INVALID_COUNT);
            same_when_wide(r, &score, &by, CXM_INVALID_ERROR, type);
            r->score[n / 2] = 0;
        }
    }
    free(r);
}

/* Keys of 64 bits without a sign: near each other, some beyond those that have one, on both sides of
 * 2^63, and one far away at the end. */
static void unsigned_keys_equal_general_road(void **state)
{
    (void)state;
    static const uint64_t bases[] = { 0, 7, (uint64_t)INT64_MAX - 400, (uint64_t)INT64_MAX + 1,
                                      UINT64_MAX - 999 };
    struct rows *r = malloc(sizeof *r);
    assert_non_null(r);
    for (size_t i = 0; i < 2 * COUNT_OF(bases); i++) {
        const size_t n = i > 0 ? 20001 : ROWS;
        fill(r, UNIFORM, 0, 1000);
        for (size_t k = 0; k < n; k++)
            r->key[k] = (int64_t)((uint64_t)r->key[k] + bases[i / 2]);
        struct cxm_column by = cxm_column_make("key", CXM_U64, r->key, n, 8, 8);
        const struct cxm_column score = cxm_column_make("score", CXM_U8, r->score, n, 1, 1);
        assert_int_equal(same_at_any_threads(&score, &by, CXM_INVALID_ERROR), CXM_OK);
        by.validity = r->valid;
        assert_int_equal(same_at_any_threads(&score, &by, CXM_INVALID_ERROR), CXM_OK);
        r->key[n - 5] = INT64_MIN + 3;
        r->key[n - 4] = -3;
        by.validity = NULL;
        assert_int_equal(same_at_any_threads(&score, &by, CXM_INVALID_ERROR), CXM_OK);
    }
    free(r);
}

/* ---- keys of other kinds -------------------------------------------------------------- */

enum { SOME_ROWS = 140000, TEXTS = 700, LONGEST = 40 };

struct texts {
    char heap[TEXTS * LONGEST], names[TEXTS * LONGEST]; /* … and without a NUL: names of categories */
    int32_t offsets[TEXTS + 1], row_offsets[SOME_ROWS + 1];
    char row_heap[SOME_ROWS * LONGEST];
    uint8_t valid[TEXTS / 8 + 1];
    uint16_t index[SOME_ROWS];
};

/* Texts of 0 to 39 bytes, alike but for a few; some hold a NUL, or the bytes that a NUL becomes in
 * a key; some are twice in the dictionary. */
static void make_texts(struct texts *t)
{
    for (int i = 0; i < TEXTS; i++) {
        char text[LONGEST];
        const int n = (int)random_below(&seed, i % 3 == 0 ? 4 : LONGEST);
        for (int b = 0; b < n; b++)
            text[b] = i % 7 == 0 ? "\0\xFF" "a"[random_below(&seed, 3)] : (char)('a' + i % 2);
        memcpy(t->heap + t->offsets[i], text, (size_t)n);
        t->offsets[i + 1] = t->offsets[i] + n;
    }
    for (size_t i = 0; i < sizeof t->heap; i++)
        t->names[i] = (char)(t->heap[i] == '\0' ? '\1' : t->heap[i]);
    for (size_t i = 0; i < sizeof t->valid; i++)
        t->valid[i] = (uint8_t)(random_u64(&seed) | random_u64(&seed) | random_u64(&seed));
    for (int i = 0; i < SOME_ROWS; i++) {
        t->index[i] = (uint16_t)random_below(&seed, TEXTS);
        const int32_t from = t->offsets[t->index[i]], n = t->offsets[t->index[i] + 1] - from;
        memcpy(t->row_heap + t->row_offsets[i], t->heap + from, (size_t)n);
        t->row_offsets[i + 1] = t->row_offsets[i] + n;
    }
}

static void other_keys_equal_general_road(void **state)
{
    (void)state;
    static const struct cxm_label none[1] = { { .text = "aaa", .missing = 1 } };
    struct rows *r = malloc(sizeof *r);
    struct texts *t = calloc(1, sizeof *t);
    double *reals = malloc(SOME_ROWS * sizeof *reals);
    uint8_t *yes = malloc(SOME_ROWS);
    assert_true(r != NULL && t != NULL && reals != NULL && yes != NULL);
    fill(r, UNIFORM, 0, 3000);
    make_texts(t);
    for (int i = 0; i < SOME_ROWS; i++) {
        yes[i] = (uint8_t)(r->key[i] % 2);
        reals[i] = i % 50 == 0 ? NAN : (double)(r->key[i] % 40) / 8;
        r->key[i] = (int64_t)(uint64_t)(r->key[i] * 0x9E3779B97F4A7C15);
    }
    struct cxm_column dictionary = cxm_column_make("key", CXM_UTF8, t->offsets, TEXTS, 4, 0);
    dictionary.heap = t->heap;
    struct cxm_column with_nulls = dictionary, ordered = dictionary;
    with_nulls.validity = ordered.validity = t->valid;
    ordered.heap = t->names;
    struct cxm_column keys[10];
    size_t n = 0;
    keys[n++] = cxm_column_make("key", CXM_U64, r->key, SOME_ROWS, 8, 8);
    keys[n++] = cxm_column_make("key", CXM_I64, r->key, SOME_ROWS, 8, 8);
    keys[n] = keys[0];
    keys[n++].validity = r->valid;
    keys[n++] = cxm_column_make("key", CXM_F64, reals, SOME_ROWS, 8, 8);
    keys[n++] = cxm_column_make("key", CXM_BOOL, yes, SOME_ROWS, 1, 1);
    keys[n] = cxm_column_make("key", CXM_UTF8, t->row_offsets, SOME_ROWS, 4, 0);
    keys[n++].heap = t->row_heap;
    keys[n] = keys[n - 1];
    keys[n].validity = r->valid;
    keys[n].labels = none;
    keys[n++].n_labels = 1;
    keys[n] = cxm_column_make("key", CXM_U16, t->index, SOME_ROWS, 2, 2);
    keys[n++].dictionary = &dictionary;
    keys[n] = keys[n - 1];
    keys[n].dictionary = &with_nulls;
    keys[n].validity = r->valid;
    keys[n].labels = none;
    keys[n++].n_labels = 1;
    keys[n] = keys[n - 1];
    keys[n].dictionary = &ordered;
    keys[n++].flags |= CXM_COLUMN_ORDERED;
    for (size_t k = 0; k < n; k++) {
        struct cxm_column score = cxm_column_make("score", CXM_U8, r->score, SOME_ROWS, 1, 1);
        score.validity = k % 2 == 0 ? r->valid + 1 : NULL;
        score.validity_offset = 3;
        assert_int_equal(same_at_any_threads(&score, &keys[k], CXM_INVALID_ERROR), CXM_OK);
        const uint32_t type = wide_types[k % COUNT_OF(wide_types)];
        same_when_wide(r, &score, &keys[k], CXM_INVALID_ERROR, type);
        r->score[SOME_ROWS - 70000 + (int)k] = 99;
        (void)same_at_any_threads(&score, &keys[k], k % 3 == 0 ? CXM_INVALID_COUNT : CXM_INVALID_ERROR);
        r->score[SOME_ROWS - 70000 + (int)k] = 10;
    }
    for (int i = 0; i < 4; i++) { /* bytes other than 0 and 1 are true, in any row, null or not */
        static const int rows[] = { SOME_ROWS - 1, SOME_ROWS / 2, 3, 777 };
        static const uint8_t odd[] = { 2, 255, 128, 7 };
        const struct cxm_column answers = cxm_column_make("score", CXM_U8, r->score, SOME_ROWS, 1, 1);
        struct cxm_column by = cxm_column_make("key", CXM_BOOL, yes, SOME_ROWS, 1, 1);
        by.validity = i % 2 == 0 ? r->valid : NULL;
        assert_int_equal(same_at_any_threads(&answers, &by, CXM_INVALID_ERROR), CXM_OK);
        yes[rows[i]] = odd[i];
        assert_int_equal(same_at_any_threads(&answers, &by, CXM_INVALID_ERROR), CXM_OK);
    }
    for (int i = 777; i < 797; i++) /* some of them are not null */
        t->index[i] = TEXTS; /* outside of the dictionary */
    const struct cxm_column score = cxm_column_make("score", CXM_U8, r->score, SOME_ROWS, 1, 1);
    assert_int_equal(same_at_any_threads(&score, &keys[n - 2], CXM_INVALID_ERROR), CXM_EDATA);
    int8_t *tiny = malloc(SOME_ROWS); /* it says fewer indexes than the dictionary has */
    assert_non_null(tiny);
    for (int i = 0; i < SOME_ROWS; i++)
        tiny[i] = (int8_t)random_below(&seed, 128);
    struct cxm_column by = cxm_column_make("key", CXM_I8, tiny, SOME_ROWS, 1, 1);
    by.dictionary = &dictionary;
    assert_int_equal(same_at_any_threads(&score, &by, CXM_INVALID_ERROR), CXM_OK);
    tiny[SOME_ROWS / 2] = -1;
    assert_int_equal(same_at_any_threads(&score, &by, CXM_INVALID_ERROR), CXM_EDATA);
    free(tiny);
    free(reals);
    free(yes);
    free(t);
    free(r);
}

/* Indexes of n rows in a type, `none` where there is no value. */
static struct cxm_column indexes_of(const struct texts *t, size_t n, uint32_t type, uint64_t below,
                                    int64_t none, uint8_t *store)
{
    const size_t width = cxm_type_bytes((enum cxm_type)type);
    for (size_t i = 0; i < n; i++) {
        const int64_t index = i % 11 == 5 ? none : (int64_t)(t->index[i] % below);
        store_integer(store + i * width, (uint64_t)index, width);
    }
    struct cxm_column by = cxm_column_make("key", (enum cxm_type)type, store, n, (int64_t)width, width);
    by.flags = CXM_COLUMN_SENTINEL;
    by.sentinel = none;
    return by;
}

/* As pandas has categories: -1 means "no value", and they may be numbers. Other marks, and types that
 * have no -1, go the general way. */
static void indexes_with_a_sentinel(void **state)
{
    (void)state;
    enum { N = 20001, FEW = 120 };
    static const uint32_t types[] = { CXM_I8, CXM_I16, CXM_I32, CXM_I64, CXM_U8, CXM_U16, CXM_U32 };
    struct rows *r = malloc(sizeof *r);
    struct texts *t = calloc(1, sizeof *t);
    uint8_t *store = malloc(N * sizeof(int64_t));
    double *reals = malloc(TEXTS * sizeof *reals);
    int32_t *wholes = malloc(TEXTS * sizeof *wholes);
    assert_true(r != NULL && t != NULL && store != NULL && reals != NULL && wholes != NULL);
    fill(r, UNIFORM, 0, 3000);
    make_texts(t);
    for (int i = 0; i < TEXTS; i++) {
        reals[i] = i % 9 == 0 ? NAN : i % 9 == 1 ? -0.0 : (double)random_below(&seed, 50) - 20.5;
        wholes[i] = (int32_t)random_below(&seed, 400) - 200;
    }
    struct cxm_column values[6];
    values[0] = cxm_column_make("key", CXM_UTF8, t->offsets, TEXTS, 4, 0);
    values[0].heap = t->heap;
    values[1] = values[0];
    values[1].heap = t->names;
    values[1].flags = CXM_COLUMN_ORDERED;
    values[2] = values[1];
    values[2].validity = t->valid;
    values[3] = cxm_column_make("key", CXM_F64, reals, TEXTS, 8, 8);
    values[4] = cxm_column_make("key", CXM_I32, wholes, TEXTS, 4, 4);
    values[5] = values[4];
    values[5].time_unit = CXM_DAYS;
    for (size_t i = 0; i < COUNT_OF(types) * COUNT_OF(values) * 2; i++) {
        const uint32_t type = types[i % COUNT_OF(types)];
        struct cxm_column *const dictionary = &values[i / COUNT_OF(types) % COUNT_OF(values)];
        const bool byte = type == CXM_I8 || type == CXM_U8;
        const bool has_minus = type <= CXM_I64;
        const int64_t none = !has_minus ? 3 : i < COUNT_OF(types) * COUNT_OF(values) ? -1 : -2;
        struct cxm_column by = indexes_of(t, N, type, byte ? FEW : TEXTS, none, store);
        struct cxm_column score = cxm_column_make("score", CXM_U8, r->score, N, 1, 1);
        by.dictionary = dictionary;
        by.validity = i % 3 == 0 ? r->valid : NULL;
        assert_int_equal(same_at_any_threads(&score, &by, CXM_INVALID_ERROR), CXM_OK);
        same_when_wide(r, &score, &by, CXM_INVALID_ERROR, wide_types[i % COUNT_OF(wide_types)]);
        by.sentinel = has_minus ? -1 - none : -1; /* "no value" is outside of the dictionary, or one of it */
        memset(store + 16, 255, 8);
        (void)same_at_any_threads(&score, &by, CXM_INVALID_ERROR);
    }
    free(wholes);
    free(reals);
    free(store);
    free(t);
    free(r);
}

/* Several keys are remembered where they come again, but not of calls of few rows: both give the same. */
static void several_keys_that_come_again(void **state)
{
    (void)state;
    enum { N = 30001, FEW = 1000, INSIDE = 12 };
    struct rows *r = malloc(sizeof *r);
    struct texts *t = calloc(1, sizeof *t);
    assert_true(r != NULL && t != NULL);
    make_texts(t);
    const char *buffer = t->row_heap;
    int32_t views[TEXTS][4] = { { 0 } }; /* texts that begin at one place and differ in length */
    for (int i = 0; i < TEXTS; i++) {
        views[i][0] = INSIDE + 1 + i % 29;
        views[i][3] = i % 5;
    }
    for (size_t round = 0; round < 8; round++) {
        static const uint64_t spans[] = { 3, 60, 3000 };
        fill(r, (enum shape)(round % (SWELLING + 1)), 0, spans[round % COUNT_OF(spans)]);
        struct cxm_column dictionary = cxm_column_make("b", CXM_UTF8, t->offsets, TEXTS, 4, 0);
        dictionary.heap = t->heap;
        if (round % 2 == 1) {
            dictionary = cxm_column_make("b", CXM_UTF8_VIEW, views, TEXTS, 16, 0);
            dictionary.heap = &buffer;
            dictionary.n_buffers = 1;
        }
        struct cxm_column columns[4];
        columns[0] = cxm_column_make("a", CXM_I64, r->key, N, 8, 8);
        columns[1] = cxm_column_make("b", CXM_U16, t->index, N, 2, 2);
        columns[1].dictionary = &dictionary;
        columns[2] = cxm_column_make("c", CXM_U32, r->short_key, N, 4, 4);
        columns[3] = cxm_column_make("d", CXM_U8, r->score, N, 1, 1);
        columns[round % 4].validity = r->valid;
        const struct cxm_column score = cxm_column_make("score", CXM_U8, r->score, N, 1, 1);
        const size_t n_keys = 2 + round % 3;
        struct cxm_tally *tallies[2];
        for (size_t way = 0; way < 2; way++) {
            assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tallies[way], NULL), CXM_OK);
            const int64_t step = way == 0 ? N : FEW;
            for (int64_t row = 0; row < N; row += step) {
                struct cxm_column some[4], scores = score;
                struct cxm_input inputs[5] = { { "score", &scores } };
                const int64_t n = N - row < step ? N - row : step;
                scores.offset = row;
                scores.n = n;
                for (size_t k = 0; k < n_keys; k++) {
                    some[k] = columns[k];
                    some[k].offset = row;
                    some[k].validity_offset = row;
                    some[k].n = n;
                    inputs[1 + k] = (struct cxm_input){ "by", &some[k] };
                }
                assert_int_equal(cxm_tally_add(tallies[way], inputs, 1 + n_keys, NULL, NULL), CXM_OK);
            }
        }
        uint8_t *bytes[2];
        size_t sizes[2];
        for (size_t way = 0; way < 2; way++) {
            bytes[way] = save_tally(tallies[way], &sizes[way]);
            cxm_tally_free(tallies[way]);
        }
        assert_int_equal(sizes[0], sizes[1]);
        assert_memory_equal(bytes[0], bytes[1], sizes[0]);
        free(bytes[0]);
        free(bytes[1]);
    }
    free(t);
    free(r);
}

/* Every allocation fails in turn; with so many keys, also those of sorting by part. */
static void out_of_memory(void **state)
{
    (void)state;
    static const uint64_t spans[] = { 50, 300000, 3000, 3000 };
    struct rows *r = malloc(sizeof *r);
    struct texts *t = calloc(1, sizeof *t);
    assert_true(r != NULL && t != NULL);
    make_texts(t);
    struct cxm_column dictionary = cxm_column_make("key", CXM_UTF8, t->offsets, TEXTS, 4, 0);
    dictionary.heap = t->heap;
    for (size_t s = 0; s < COUNT_OF(spans); s++) {
        fill(r, UNIFORM, 0, spans[s]);
        const size_t n = s < 2 ? ROWS : 5000; /* the others are sparse, or from a dictionary */
        for (size_t i = 0; s == 2 && i < n; i++)
            r->key[i] *= 1000000007;
        const struct cxm_column score = cxm_column_make("score", CXM_U8, r->score, n, 1, 1);
        struct cxm_column by = s == 2 ? cxm_column_make("key", CXM_U64, r->key, n, 8, 8)
                                      : cxm_column_make("key", CXM_U32, r->short_key, n, 4, 4);
        if (s == 3) {
            by = cxm_column_make("key", CXM_U16, t->index, n, 2, 2);
            by.dictionary = &dictionary;
        }
        const struct cxm_input inputs[2] = { { "score", &score }, { "by", &by } };
        const struct cxm_add_options options = { sizeof options, 0, 0, 2, 0 };
        for (int fail_at = 1;; fail_at++) {
            struct heap heap;
            struct cxm_tally *tally = NULL;
            heap_init(&heap, fail_at);
            enum cxm_status got = cxm_tally_new("nps", NULL, 0, &heap.allocator, &tally, NULL);
            if (got == CXM_OK)
                got = cxm_tally_add(tally, inputs, 2, &options, NULL);
            cxm_tally_free(tally);
            assert_int_equal(heap.live, 0);
            if (got == CXM_OK)
                break;
            assert_int_equal(got, CXM_ENOMEM);
        }
    }
    free(t);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting_keys),
        cmocka_unit_test(parting_keys),
        cmocka_unit_test(short_cuts_equal_general_road),
        cmocka_unit_test(few_rows_equal_general_road),
        cmocka_unit_test(unsigned_keys_equal_general_road),
        cmocka_unit_test(other_keys_equal_general_road),
        cmocka_unit_test(indexes_with_a_sentinel),
        cmocka_unit_test(several_keys_that_come_again),
        cmocka_unit_test(out_of_memory),
    };
    seed = random_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
