/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every variant of a kernel against the C one, and the short cut for byte ratings against the
 * general road, which copies of 1 force: same saved bytes. */
#define _DEFAULT_SOURCE /* mmap with MAP_ANONYMOUS */

#include "guarded.h"
#include "saved.h"

#include "column/decode.h"
#include "tally/kernels.h"

#include <cxm/cxm.h>

#include <math.h>

static uint64_t seed_state = 20261122;
static uint64_t draw(void)
{
    return random_u64(&seed_state);
}

/* ---- counting bytes ------------------------------------------------------------------- */

/* Values whose low four, low six or no bits agree, and those of the commonest scales. */
static void make_values(uint8_t values[CXM_MOST_VALUES], size_t n_values, int kind)
{
    for (size_t v = 0; v < n_values; v++)
        values[v] = (uint8_t)(kind == 0   ? v * 17 + (v == 3 ? 200 : 0)
                              : kind == 1 ? (v == 11 ? 255 : v)
                              : kind == 2 ? v * 16 + 3
                                          : v % 4 * 64 + v / 4 * 5);
}

enum answers { ANY_BYTES, ONE_VALUE, LISTED, NEARLY };

/* `skip` 8: without a bitmap. */
static void compare_counts(cxm_count_bytes *variant, size_t n, size_t n_values, int of_values,
                           enum answers kind, unsigned skip)
{
    const size_t n_bits = skip < 8 ? (skip + n + 7) / 8 : 0;
    struct guarded g = guard(n), of_bits = guard(n_bits);
    uint8_t *bytes = g.bytes, *bits = of_bits.bytes;
    uint8_t values[CXM_MOST_VALUES];
    uint64_t want[CXM_MOST_VALUES] = { 0 }, got[CXM_MOST_VALUES] = { 0 }, nulls = 0;
    make_values(values, n_values, of_values);
    const unsigned density = (unsigned)(draw() % 4);
    for (size_t i = 0; i < n_bits; i++)
        bits[i] = density == 0 ? 0 : density == 1 ? 0xFF : (uint8_t)draw();
    for (size_t i = 0; i < n; i++) {
        bytes[i] = kind == ANY_BYTES || n_values == 0 ? (uint8_t)draw()
                                                      : values[kind == ONE_VALUE ? 0 : draw() % n_values];
        if (kind == NEARLY && draw() % 50 == 0) /* the same low bits, or the same but for one */
            bytes[i] ^= (uint8_t)(1 << draw() % 8);
    }
    for (size_t v = 0; v < n_values; v++)
        want[v] = got[v] = draw();
    for (size_t i = 0; i < n; i++) { /* the obvious way */
        const bool null = skip < 8 && (bits[(i + skip) / 8] >> (i + skip) % 8 & 1) == 0;
        nulls += null;
        for (size_t v = 0; v < n_values; v++)
            want[v] += !null && bytes[i] == values[v];
    }
    assert_int_equal(variant(bytes, n, skip < 8 ? bits : NULL, skip % 8, values, n_values, got),
                     nulls);
    assert_memory_equal(got, want, sizeof got);
    unguard(g);
    unguard(of_bits);
}

static void run_variant(cxm_count_bytes *variant)
{
    for (size_t n = 0; n <= 3 * 64 + 5; n++)
        for (size_t n_values = 0; n_values <= CXM_MOST_VALUES; n_values += n_values == 15 ? 1 : 3)
            compare_counts(variant, n, n_values, (int)(n_values % 4),
                           (enum answers)(n % 4), (unsigned)(draw() % 9));
    for (unsigned skip = 0; skip <= 8; skip++) /* around a block of 512, at every bit */
        for (size_t n = 500; n < 580; n++)
            compare_counts(variant, n, 12, (int)(n % 4), (enum answers)(draw() % 4), skip);
    /* fields of 2, 4 and 8 bits: one value in every place, around the rounds that they can hold */
    static const size_t rounds[] = { 3, 15, 17 * 15, 255, 256 };
    for (size_t k = 0; k < COUNT_OF(rounds); k++)
        for (size_t extra = 0; extra <= 64; extra += 31)
            for (int more = -1; more <= 1; more++) {
                compare_counts(variant, (rounds[k] + (size_t)more) * 32 + extra, 12, 1, ONE_VALUE, 8);
                compare_counts(variant, (rounds[k] + (size_t)more) * 64 + extra, 16, 2, ONE_VALUE, 3);
                compare_counts(variant, (rounds[k] + (size_t)more) * 64 + extra, 12, 1, ONE_VALUE, 0);
            }
    for (int i = 0; i < 80; i++)
        compare_counts(variant, draw() % 100000, 1 + draw() % CXM_MOST_VALUES, i % 4,
                       (enum answers)(draw() % 4), (unsigned)(draw() % 9));
}

#if CXM_X86
static bool has_avx512(void)
{
    return CXM_SUPPORTS("avx512bw") && CXM_SUPPORTS("avx512vbmi")
        && CXM_SUPPORTS("avx512vpopcntdq") && CXM_SUPPORTS("gfni");
}
#endif

static void counting_bytes(void **state)
{
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed_state);
    run_variant(cxm_priv_count_bytes_c);
#if CXM_X86
    if (__builtin_cpu_supports("avx2"))
        run_variant(cxm_priv_count_bytes_avx2);
    if (has_avx512())
        run_variant(cxm_priv_count_bytes_avx512);
#elif CXM_NEON
    run_variant(cxm_priv_count_bytes_neon);
#endif
}

static void compare_masks(cxm_mask_bytes *variant, size_t n, unsigned skip)
{
    struct guarded g = guard(n), of_bits = guard((skip + n + 7) / 8);
    uint8_t *bytes = g.bytes, *bits = of_bits.bytes;
    uint8_t *got = malloc(n + 1), *want = malloc(n + 1);
    assert_non_null(got);
    assert_non_null(want);
    const unsigned kind = (unsigned)(draw() % 4);
    uint64_t nulls = 0;
    for (size_t i = 0; i < (skip + n + 7) / 8; i++)
        bits[i] = kind == 0 ? 0 : kind == 1 ? 0xFF : (uint8_t)draw();
    for (size_t i = 0; i < n; i++) {
        const bool valid = bits[(i + skip) / 8] >> (i + skip) % 8 & 1;
        bytes[i] = (uint8_t)draw();
        want[i] = valid ? bytes[i] : 0xA7;
        nulls += !valid;
    }
    want[n] = got[n] = 99;
    assert_int_equal(variant(bytes, n, bits, skip, 0xA7, got), nulls);
    assert_memory_equal(got, want, n + 1);
    free(got);
    free(want);
    unguard(g);
    unguard(of_bits);
}

static void masking_bytes(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 3 * 64 + 5; n++) {
        for (unsigned skip = 0; skip < 8; skip++) {
            compare_masks(cxm_priv_mask_bytes_c, n, skip);
#if CXM_X86
            if (__builtin_cpu_supports("avx2"))
                compare_masks(cxm_priv_mask_bytes_avx2, n, skip);
#elif CXM_NEON
            compare_masks(cxm_priv_mask_bytes_neon, n, skip);
#endif
        }
    }
}

static void compare_whole(cxm_whole_numbers *variant, size_t n, int kind)
{
    static const double odd[] = { 0.5, 0x1p51, -0x1p51, 0x1p60, 1e300, NAN, INFINITY, -INFINITY,
                                  0x1p-1074, -2.0000000000000004 };
    struct guarded g = guard(n * sizeof(double));
    double *x = (void *)g.bytes;
    int64_t *q = malloc((n + 1) * sizeof *q);
    assert_non_null(q);
    uint64_t all = 0, want_all = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t value = (int64_t)(draw() >> (kind == 0 ? 14 : 50 + draw() % 13));
        x[i] = draw() % 2 ? (double)value : -(double)value;
        if (x[i] >= 0x1p50 && kind == 0)
            x[i] = 0x1p51 - 1;
        want_all |= (uint64_t)fabs(x[i]);
    }
    assert_true(variant(x, n, q, &all));
    assert_true(all == want_all);
    for (size_t i = 0; i < n; i++)
        assert_true((double)q[i] == x[i]);
    for (size_t k = 0; k < COUNT_OF(odd) && n > 0; k++) {
        const size_t at = draw() % n;
        const double kept = x[at];
        x[at] = odd[k];
        assert_false(variant(x, n, q, &all));
        x[at] = kept;
    }
    free(q);
    unguard(g);
}

static void whole_numbers(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 40; n++) {
        for (int kind = 0; kind < 2; kind++) {
            compare_whole(cxm_priv_whole_numbers_c, n, kind);
#if CXM_X86
            if (__builtin_cpu_supports("avx2"))
                compare_whole(cxm_priv_whole_numbers_avx2, n, kind);
#elif CXM_NEON
            compare_whole(cxm_priv_whole_numbers_neon, n, kind);
#endif
        }
    }
}

/* ---- floats ---------------------------------------------------------------------------- */

#if CXM_X86
/* Floats that end where the next page may not be touched, one of them not finite or none. */
static void loading_floats(void **state)
{
    (void)state;
    static const double odd[4] = { NAN, INFINITY, -INFINITY, 0 };
    for (size_t n = 0; n <= 13 && __builtin_cpu_supports("avx2"); n++) {
        for (size_t at = 0; at <= n; at++) {
            struct guarded from = guard(4 * n), to = guard(8 * n);
            float *narrow = (void *)from.bytes;
            double *wide = (void *)to.bytes;
            double got[14] = { 0 };
            for (size_t i = 0; i < n; i++) {
                narrow[i] = i == at ? (float)odd[n % 3] : (float)draw() * 0.1f;
                wide[i] = i == at ? odd[n % 3] : (double)draw() * -1e285;
            }
            got[n] = 5;
            assert_int_equal(cxm_priv_load_f64_avx2((const unsigned char *)wide, n, got), at == n);
            assert_memory_equal(got, wide, 8 * n);
            assert_true(got[n] == 5);
            assert_int_equal(cxm_priv_load_f32_avx2((const unsigned char *)narrow, n, got),
                             at == n);
            for (size_t i = 0; i < n; i++)
                assert_true((float)got[i] == narrow[i] || (narrow[i] != narrow[i] && i == at));
            assert_true(got[n] == 5);
            unguard(from);
            unguard(to);
        }
    }
}
#endif

/* By the argument, and by the option of the build. */
static void masks_take_variants_away(void **state)
{
    (void)state;
    const struct cxm_kernels none = cxm_priv_kernels(CXM_CPU_AVX2 | CXM_CPU_AVX512 | CXM_CPU_NEON);
    assert_true(none.count_bytes == cxm_priv_count_bytes_c);
    assert_true(none.whole_numbers == cxm_priv_whole_numbers_c);
    const struct cxm_kernels all = cxm_priv_kernels(0);
    const unsigned taken = CXM_CPU_MASK;
#if CXM_X86
    const bool avx2 = (taken & CXM_CPU_AVX2) == 0 && __builtin_cpu_supports("avx2");
    const bool avx512 = (taken & CXM_CPU_AVX512) == 0 && has_avx512();
    cxm_count_bytes *narrow = avx2 ? cxm_priv_count_bytes_avx2 : cxm_priv_count_bytes_c;
    assert_true(cxm_priv_kernels(CXM_CPU_AVX512).count_bytes == narrow);
    assert_true(all.count_bytes == (avx512 ? cxm_priv_count_bytes_avx512 : narrow));
#elif CXM_NEON
    const bool neon = (taken & CXM_CPU_NEON) == 0;
    assert_true((all.count_bytes == cxm_priv_count_bytes_neon) == neon);
    assert_true((all.whole_numbers == cxm_priv_whole_numbers_neon) == neon);
#else
    assert_true(all.count_bytes == cxm_priv_count_bytes_c && taken < 8);
#endif
}

/* ---- the short cut and the general road ----------------------------------------------- */

enum { ROWS = 150000 };

struct rows {
    uint8_t score[2 * ROWS];
    int64_t key[2 * ROWS];
    uint8_t narrow[8 * 2 * ROWS]; /* the keys in the type that is tried */
    uint8_t valid[ROWS / 8 + 2];
};

static void same_both_ways(struct cxm_column score, const struct cxm_column *by,
                           int32_t invalid, int32_t threads)
{
    uint8_t *quick, *general;
    size_t n_quick, n_general;
    struct cxm_error a, b;
    const int64_t once = 1; /* one copy of every row: not plain */
    const struct cxm_column copies = cxm_column_make("freq", CXM_I64, &once, (size_t)score.n, 0, 8);
    const enum cxm_status one = save_scores(&score, by, NULL, invalid, threads, &quick, &n_quick, &a);
    const enum cxm_status two = save_scores(&score, by, &copies, invalid, 1, &general, &n_general, &b);
    assert_int_equal(one, two);
    if (one != CXM_OK) {
        assert_int_equal(a.row, b.row);
        assert_string_equal(a.message, b.message);
        return;
    }
    assert_int_equal(n_quick, n_general);
    assert_memory_equal(quick, general, n_quick);
    free(quick);
    free(general);
}

static void fill(struct rows *r, int64_t low, uint64_t span, bool some_invalid)
{
    for (size_t i = 0; i < 2 * ROWS; i++) {
        r->score[i] = (uint8_t)(draw() % 100 < 3 ? 255 : draw() % 11);
        r->key[i] = (int64_t)((uint64_t)low + draw() % span);
    }
    if (some_invalid) {
        r->score[ROWS - 7] = 77;
        r->score[ROWS / 2] = 200;
    }
}

static struct cxm_column keys_as(struct rows *r, enum cxm_type type, int64_t stride)
{
    const size_t bytes = cxm_type_bytes(type);
    for (size_t i = 0; i < 2 * ROWS; i++)
        store_integer(r->narrow + i * bytes, (uint64_t)r->key[i], bytes);
    return cxm_column_make("key", type, r->narrow, ROWS, stride * (int64_t)bytes,
                           (uint32_t)bytes);
}

static void short_cut_equals_general_road(void **state)
{
    (void)state;
    static const double missing[1] = { 255 };
    static const struct kind {
        enum cxm_type type;
        int64_t low;
        uint64_t span;
    } kinds[] = {
        { CXM_U8, 0, 200 },          { CXM_I8, -100, 200 },      { CXM_U16, 60000, 5000 },
        { CXM_I16, -30000, 60000 },  { CXM_U32, 4000000000, 7 }, { CXM_I32, -5, 11 },
        { CXM_I64, -1000000, 2000000 }, { CXM_I64, INT64_MIN, 9 }, { CXM_I64, INT64_MAX - 8, 9 },
        { CXM_U32, 0, 1 },           { CXM_U32, 0, UINT32_MAX }, { CXM_I64, 1 << 20, 3000 },
    };
    struct rows *r = malloc(sizeof *r);
    assert_non_null(r);
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        for (int variant = 0; variant < 8; variant++) {
            const int64_t stride = variant & 1 ? 2 : 1;
            fill(r, kinds[k].low, kinds[k].span, (variant & 2) != 0);
            struct cxm_column score = cxm_column_make("score", CXM_U8, r->score, ROWS, stride, 1);
            score.missing_codes = missing;
            score.n_missing_codes = 1;
            const struct cxm_column by = keys_as(r, kinds[k].type, stride);
            if (k % 3 != 0) {
                for (size_t i = 0; i < sizeof r->valid; i++)
                    r->valid[i] = (uint8_t)(draw() | draw());
                score.validity = r->valid;
                score.validity_offset = (int64_t)(draw() % 8);
                score.n_missing_codes = k % 3 == 1 ? 1 : 0;
            }
            for (size_t i = 0; i < 2 * ROWS && score.n_missing_codes == 0; i++)
                r->score[i] = r->score[i] == 255 ? 0 : r->score[i];
            same_both_ways(score, k % 4 == 3 && variant == 0 ? NULL : &by,
                           variant & 4 ? CXM_INVALID_COUNT : CXM_INVALID_ERROR, 1 + variant % 3);
        }
    }
    free(r);
}

/* Keys that come in ascending order make the array of counters grow many times. */
static void growing_keys(void **state)
{
    (void)state;
    struct rows *r = malloc(sizeof *r);
    assert_non_null(r);
    fill(r, 0, 1, false);
    for (size_t i = 0; i < 2 * ROWS; i++) {
        r->score[i] = (uint8_t)(i % 11);
        r->key[i] = (int64_t)i / 3 - 20000;
    }
    const struct cxm_column score = cxm_column_make("score", CXM_U8, r->score, ROWS, 1, 1);
    struct cxm_column by = keys_as(r, CXM_I32, 1);
    same_both_ways(score, &by, CXM_INVALID_ERROR, 1);
    by.data = r->narrow + (ROWS - 1) * sizeof(int32_t); /* and the same backwards */
    by.stride = -(int64_t)sizeof(int32_t);
    same_both_ways(score, &by, CXM_INVALID_ERROR, 2);
    free(r);
}

/* Signed bytes and scales that do not start at 0. */
static void signed_bytes(void **state)
{
    (void)state;
    int8_t answers[300];
    static const double scale[2] = { -3, 3 }, satisfied[1] = { 1 };
    const struct cxm_param params[2] = { { "scale", scale, 2, NULL, 0 },
                                         { "satisfied", satisfied, 1, NULL, 0 } };
    for (int i = 0; i < 300; i++)
        answers[i] = (int8_t)(i % 7 - 3);
    const struct cxm_column score = CXM_ARRAY(answers, 300);
    const struct cxm_input input = { "score", &score };
    struct cxm_tally *tally;
    struct cxm_estimate csat;
    assert_int_equal(cxm_tally_new("csat", params, 2, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, &input, 1, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_tally_estimate(tally, NULL, &csat, sizeof csat, 1, NULL, NULL), CXM_OK);
    int high = 0;
    for (int i = 0; i < 300; i++)
        high += answers[i] >= 1;
    assert_close(csat.value, high / 300.0, 1e-15);
    cxm_tally_free(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting_bytes),
        cmocka_unit_test(masking_bytes),
        cmocka_unit_test(whole_numbers),
#if CXM_X86
        cmocka_unit_test(loading_floats),
#endif
        cmocka_unit_test(masks_take_variants_away),
        cmocka_unit_test(short_cut_equals_general_road),
        cmocka_unit_test(growing_keys),
        cmocka_unit_test(signed_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
