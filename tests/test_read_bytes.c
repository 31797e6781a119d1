/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers of wider types as bytes: every variant against the meaning of a window, one number after
 * the other, at every length up to three vectors, on values around its ends and at those of the
 * type, before a page that may not be touched. */
#define _DEFAULT_SOURCE /* mmap with MAP_ANONYMOUS */

#include "guarded.h"

#include "column/decode.h"
#include "column/read_bytes.h"

#include <cxm/cxm.h>

#include <math.h>

static uint64_t seed = 20261122;
static uint64_t draw(void)
{
    return random_u64(&seed);
}

enum { MOST = 3 * 64 + 5 };

static const double odd[] = { 0.5, -0.5, 10.000001, 0x1p-149, 0x1p22, 0x1.8p23, 0x1p24, 0x1p31,
                              0x1p32, 0x1p51, 0x1.8p52, 0x1p53, 0x1p63, 0x1p64, 1e38, -1e38,
                              1e300, -1e300, 0x1p-1074, -0.0, INFINITY, -INFINITY };

/* A number for place i: in the window, around it, or odd; floats also NaN. */
static double draw_number(struct cxm_byte_window w, bool whole)
{
    const uint64_t kind = draw() % 20;
    if (kind == 0)
        return whole ? 0 : (double)NAN;
    if (kind == 1)
        return whole ? 0 : odd[draw() % COUNT_OF(odd)];
    if (kind == 2)
        return w.base - 3 + (double)(draw() % 7);
    if (kind == 3)
        return w.base + w.n - 3 + (double)(draw() % 7);
    return w.base + (double)(draw() % (uint64_t)w.n);
}

/* Writes a number of that type at `at`; returns the byte it stands for. */
static uint8_t put(uint32_t type, struct cxm_byte_window w, unsigned char *at)
{
    const double v = draw_number(w, type != CXM_F32 && type != CXM_F64);
    int64_t k = (int64_t)(v > -1e18 && v < 1e18 ? v : 0);
    if (draw() % 25 == 0) /* what wraps, and the ends of the type */
        k = draw() % 2 ? (int64_t)draw() : draw() % 2 ? INT64_MAX : INT64_MIN;
    __extension__ __int128 value = k;
#define PUT(T) { const T x = (T)k; memcpy(at, &x, sizeof x); value = x; } break
    switch (type) {
    case CXM_I16: PUT(int16_t);
    case CXM_U16: PUT(uint16_t);
    case CXM_I32: PUT(int32_t);
    case CXM_U32: PUT(uint32_t);
    case CXM_I64: PUT(int64_t);
    case CXM_U64: PUT(uint64_t);
    default: {
        const float x = (float)v;
        const double y = type == CXM_F32 ? (double)x : v;
        if (type == CXM_F32)
            memcpy(at, &x, sizeof x);
        else
            memcpy(at, &v, sizeof v);
        if (isnan(y))
            return CXM_BYTE_MISSING;
        if (!(y >= w.base && y < w.base + w.n) || y != floor(y))
            return CXM_BYTE_NONE;
        value = (int64_t)y;
    }
    }
#undef PUT
    return value >= w.base && value < w.base + w.n ? (uint8_t)(value - w.base) : CXM_BYTE_NONE;
}

static void compare(cxm_read_bytes *variant, uint32_t type, size_t n, struct cxm_byte_window w)
{
    const size_t width = cxm_type_bytes((enum cxm_type)type);
    struct guarded from = guard(n * width);
    uint8_t want[MOST + 1], got[MOST + 1];
    for (size_t i = 0; i < n; i++)
        want[i] = put(type, w, from.bytes + i * width);
    want[n] = got[n] = 77;
    variant(type, from.bytes, n, w, got);
    assert_memory_equal(got, want, n + 1);
    unguard(from);
}

static void run_variant(cxm_read_bytes *variant)
{
    static const struct cxm_byte_window windows[] = {
        { 0, 11 }, { 1, 5 }, { -5, 11 }, { -99, 110 }, { 0, 254 }, { 3746, 254 }, { -4000, 254 },
    };
    static const uint32_t types[] = { CXM_I16, CXM_U16, CXM_I32, CXM_U32, CXM_I64, CXM_U64, CXM_F32,
                                      CXM_F64 };
    for (size_t t = 0; t < COUNT_OF(types); t++) {
        const bool natural = types[t] == CXM_U16 || types[t] == CXM_U32 || types[t] == CXM_U64;
        for (size_t k = 0; k < COUNT_OF(windows); k++) {
            for (size_t n = 0; n <= MOST && (windows[k].base >= 0 || !natural); n++)
                compare(variant, types[t], n, windows[k]);
        }
    }
}

static void variants(void **state)
{
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    run_variant(cxm_priv_read_bytes_c);
    run_variant(cxm_priv_read_bytes());
#if CXM_COLUMN_X86
    if (__builtin_cpu_supports("avx2"))
        run_variant(cxm_priv_read_bytes_avx2);
    if (CXM_SUPPORTS("avx512bw"))
        run_variant(cxm_priv_read_bytes_avx512);
#endif
}

static void windows(void **state)
{
    (void)state;
    static const int64_t data[1];
    static const struct { uint32_t type; int64_t lo; double code; bool fits; int32_t base, n; } rows[] = {
        { CXM_F64, 0, NAN, true, 0, 11 },    { CXM_F64, 0, 99, true, 0, 100 },
        { CXM_F64, 0, 253, true, 0, 254 },   { CXM_F64, 0, 254, false, 0, 0 },
        { CXM_F64, 0, -99, true, -99, 110 }, { CXM_F64, 0, 0.5, false, 0, 0 },
        { CXM_F64, 0, 1e300, false, 0, 0 },  { CXM_I32, 0, 0.5, true, 0, 11 },
        { CXM_I32, 0, -1, true, -1, 12 },    { CXM_U32, 0, -1, true, 0, 11 },
        { CXM_U16, -1, 99, false, 0, 0 },    { CXM_U64, 1, 0, true, 0, 12 },
        { CXM_I64, 5000, 0, false, 0, 0 },   { CXM_I64, 0, INFINITY, false, 0, 0 },
        { CXM_U8, 0, 99, false, 0, 0 },      { CXM_DECIMAL, 0, 99, false, 0, 0 },
        { CXM_BOOL, 0, 99, false, 0, 0 },
    };
    for (size_t k = 0; k < COUNT_OF(rows); k++) {
        struct cxm_column c = cxm_column_make("x", rows[k].type, data, 1, 8, 8);
        struct cxm_byte_window w;
        c.missing_codes = &rows[k].code;
        c.n_missing_codes = 1;
        assert_int_equal(cxm_priv_byte_window(&c, rows[k].lo, 11, &w), rows[k].fits);
        if (rows[k].fits) {
            assert_int_equal(w.base, rows[k].base);
            assert_int_equal(w.n, rows[k].n);
        }
        if (rows[k].type == CXM_BOOL || isnan(rows[k].code))
            continue;
        c.n_missing_codes = 0; /* a sentinel is the same */
        c.flags = CXM_COLUMN_SENTINEL;
        c.sentinel = (int64_t)(fabs(rows[k].code) < 1e18 ? rows[k].code : 1e18);
        if ((double)c.sentinel == rows[k].code)
            assert_int_equal(cxm_priv_byte_window(&c, rows[k].lo, 11, &w), rows[k].fits);
        c.flags |= CXM_COLUMN_DURATION;
        assert_false(cxm_priv_byte_window(&c, rows[k].lo, 11, &w));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(variants), cmocka_unit_test(windows) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
