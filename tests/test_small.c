/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Items of small whole numbers: every kernel against the C one, and whole tallies against the
 * general road, which a frequency of 1 in every row forces: same saved bytes, same errors. */
#define _DEFAULT_SOURCE /* mmap with MAP_ANONYMOUS */

#include "guarded.h"
#include "saved.h"

#include "column/small.h"
#include "tally/small.h"
#include "tally/small_rows.h"

#include <cxm/cxm.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t seed_state = 20261123;
static uint64_t draw(void)
{
    return random_u64(&seed_state);
}

static void *must_alloc(size_t count, size_t bytes)
{
    void *memory = malloc(count * bytes + 1);
    assert_non_null(memory);
    return memory;
}

static size_t below(size_t n)
{
    return (size_t)(draw() % n);
}

/* ---- kernels ---------------------------------------------------------------------------- */

/* A stripe of pairs and single lanes. */
static struct cxm_small_stripe make_stripe(void)
{
    struct cxm_small_stripe s;
    memset(&s, 0, sizeof s);
    for (size_t lane = 0; lane < CXM_LANES; lane++) {
        s.partner[lane] = (uint8_t)(lane < 10 ? lane ^ 1 : lane);
        s.first[lane] = lane >= 10 || lane % 2 == 0;
        s.met[lane] = (uint8_t)(lane < 4 ? 0 : lane < 8 ? 3 : 127);
    }
    cxm_priv_small_orders(&s);
    return s;
}

/* Values 0 … 127, every kind of extreme, flagged now and then. */
static void fill(uint8_t *bytes, size_t n, bool flags)
{
    const size_t kind = below(4);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = kind == 0 ? 127 : kind == 1 ? (uint8_t)(127 * below(2)) : (uint8_t)below(128);
        if (flags && below(9) == 0)
            bytes[i] = CXM_SMALL_FLAG;
    }
}

static void tiles(void **state)
{
    const unsigned *forbidden = *state;
    const struct cxm_small_kernels c = cxm_priv_small_kernels(~0u);
    const struct cxm_small_kernels best = cxm_priv_small_kernels(*forbidden);
    const struct cxm_small_stripe stripe = make_stripe();
    for (size_t n = 1; n <= CXM_TILE; n++) {
        for (int flags = 0; flags < 2; flags++) {
            struct guarded columns[CXM_LANES];
            const uint8_t *from[CXM_LANES];
            static uint8_t want[CXM_TILE_BYTES], got[CXM_TILE_BYTES];
            static struct cxm_small_sums sums[2];
            for (size_t lane = 0; lane < CXM_LANES; lane++) {
                columns[lane] = guard(n + 3);
                fill(columns[lane].bytes, n + 3, flags != 0);
                from[lane] = columns[lane].bytes;
            }
            c.tile(&stripe, from, 3, n, flags != 0, want);
            best.tile(&stripe, from, 3, n, flags != 0, got);
            assert_memory_equal(want, got, sizeof want);
            for (size_t i = 0; i < n; i++) /* a pair stands or falls together */
                for (size_t lane = 0; lane < CXM_LANES; lane++) {
                    const size_t beside = stripe.partner[lane];
                    const uint8_t own = from[lane][3 + i], other = from[beside][3 + i];
                    const bool flagged = ((own | other) & 128) != 0;
                    assert_int_equal(want[cxm_priv_small_place(i) + lane],
                                     !flagged ? own : stripe.first[lane] ? 128 : 0);
                }
            memset(sums, 0, sizeof sums);
            c.add(&stripe, want, CXM_TILE, flags != 0, &sums[0]);
            best.add(&stripe, want, CXM_TILE, flags != 0, &sums[1]);
            assert_memory_equal(&sums[0], &sums[1], sizeof sums[0]);
            for (size_t lane = 0; lane < CXM_LANES; lane++)
                unguard(columns[lane]);
        }
    }
}

static void forms(void **state)
{
    const unsigned *forbidden = *state;
    const struct cxm_small_kernels c = cxm_priv_small_kernels(~0u);
    const struct cxm_small_kernels best = cxm_priv_small_kernels(*forbidden);
    static const int16_t coefs[5] = { 1, -1, 3, 1, -2 };
    for (size_t n = 1; n <= 3 * 64 + 5; n++) {
        const bool flags = n % 2 == 0;
        struct guarded columns[5];
        const uint8_t *from[5];
        struct guarded low = guard(n), high = guard(n);
        uint8_t want[2][256];
        for (size_t k = 0; k < 5; k++) {
            columns[k] = guard(n);
            fill(columns[k].bytes, n, flags);
            from[k] = columns[k].bytes;
        }
        const uint8_t bits = c.form(from, coefs, 5, 3 * 127, n, flags, want[0], want[1]);
        assert_int_equal(best.form(from, coefs, 5, 3 * 127, n, flags, low.bytes, high.bytes), bits);
        assert_memory_equal(low.bytes, want[0], n);
        assert_memory_equal(high.bytes, want[1], n);
        for (size_t i = 0; i < n; i++) {
            int sum = 3 * 127, any = 0;
            for (size_t k = 0; k < 5; k++) {
                sum += coefs[k] * from[k][i];
                any |= from[k][i];
            }
            assert_int_equal(want[0][i] + 128 * want[1][i], any & 128 ? 128 : sum);
        }
        for (size_t k = 0; k < 5; k++)
            unguard(columns[k]);
        unguard(low);
        unguard(high);
    }
}

static void reaches(void **state)
{
    const unsigned *forbidden = *state;
    const struct cxm_small_kernels c = cxm_priv_small_kernels(~0u);
    const struct cxm_small_kernels best = cxm_priv_small_kernels(*forbidden);
    for (size_t n = 1; n <= 3 * 16 + 5; n++) {
        struct guarded keys = guard(4 * n), out = guard(4 * n);
        uint32_t want[64];
        for (size_t i = 0; i < n; i++)
            ((uint32_t *)(void *)keys.bytes)[i] = (uint32_t)draw() >> below(32);
        const uint32_t *from = (const uint32_t *)(const void *)keys.bytes;
        const uint32_t base = from[below(n)];
        assert_int_equal(best.reach(from, n, base, (uint32_t *)(void *)out.bytes),
                         c.reach(from, n, base, want));
        assert_memory_equal(out.bytes, want, 4 * n);
        unguard(keys);
        unguard(out);
    }
}

/* Whole floats and bytes at every length, with one value that is none at every position. */
static void columns_of_bytes(void **state)
{
    const unsigned *forbidden = *state;
    const struct cxm_small_loops best = cxm_priv_small_loops(*forbidden);
    static const float others[] = { 1.5f, -1, 8, 0.999999f, 1e10f, -1e30f, 0x1p23f, 0x1p31f, 3e38f };
    const struct cxm_small_scale scale = { 0, 1, 7 }, shifted = { -60, -60, 60 };
    for (size_t n = 0; n <= 3 * 64 + 5; n++) {
        struct guarded bytes = guard(n), floats = guard(4 * n);
        uint8_t want[256], got[256];
        for (size_t i = 0; i < n; i++) {
            const float v = (float)(bytes.bytes[i] = (uint8_t)(1 + below(7)));
            memcpy(floats.bytes + 4 * i, &v, 4);
        }
        assert_true(cxm_priv_small_bytes_c(bytes.bytes, n, 1, 7));
        assert_true(best.bytes(bytes.bytes, n, 1, 7));
        for (int k = 0; k < 2; k++) {
            const struct cxm_small_scale *s = k ? &shifted : &scale;
            assert_true(cxm_priv_small_floats_c(floats.bytes, n, s, want));
            assert_true(best.floats(floats.bytes, n, s, got));
            assert_memory_equal(want, got, n);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(want[i], bytes.bytes[i] - s->base);
        }
        for (size_t i = 0; i < n; i++) {
            const float good = (float)bytes.bytes[i], bad = n % 10 == 9 ? (float)NAN : others[n % 10];
            memcpy(floats.bytes + 4 * i, &bad, 4);
            assert_false(cxm_priv_small_floats_c(floats.bytes, n, &scale, want));
            assert_false(best.floats(floats.bytes, n, &scale, got));
            memcpy(floats.bytes + 4 * i, &good, 4);
            const uint8_t byte = bytes.bytes[i];
            bytes.bytes[i] = n % 2 == 0 ? 0 : (uint8_t)(8 + below(248));
            assert_false(cxm_priv_small_bytes_c(bytes.bytes, n, 1, 7));
            assert_false(best.bytes(bytes.bytes, n, 1, 7));
            bytes.bytes[i] = byte;
        }
        unguard(bytes);
        unguard(floats);
    }
}

/* One float among whole ones: found to be within the range or not, and which byte, as the reference does. */
static void floats_at_the_ends(void **state)
{
    const unsigned *forbidden = *state;
    const struct cxm_small_loops best = cxm_priv_small_loops(*forbidden);
    static const struct cxm_small_scale scales[] = {
        { 0, 0, 127 }, { 0, 100, 127 }, { 0, 1, 7 },           { 0, 0, 0 },
        { -127, -127, 0 }, { -60, -60, 60 }, { -1000, -1000, -873 }, { 1000, 1000, 1127 },
    };
    static const float others[] = {
        -0.0f, 0.5f, -0.5f, 126.5f, 127.49999f, 0x1p-149f, 32767, 32768, -32768, -32769, 65535, 65536, 65664,
        0x1p23f, 0x1p31f, -0x1p31f, 0x1.fffffep30f, 0x1p32f, -0x1p32f, 3e38f, -3e38f, INFINITY, -INFINITY,
        NAN,
    };
    enum { MOST = 1300, OTHERS = sizeof others / sizeof *others, N = 71 };
    struct guarded floats = guard(sizeof(float[N]));
    for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
        for (int v = -MOST; v <= MOST + OTHERS; v++) {
            const float some = v <= MOST ? (float)v : others[v - MOST - 1], whole = (float)scales[k].highest;
            const size_t n = N - below(40), at = below(n);
            unsigned char *from = floats.bytes + 4 * (N - n);
            uint8_t want[N] = { 0 }, got[N] = { 0 };
            for (size_t i = 0; i < n; i++)
                memcpy(from + 4 * i, i == at ? &some : &whole, 4);
            const bool good = cxm_priv_small_floats_c(from, n, &scales[k], want);
            assert_int_equal(best.floats(from, n, &scales[k], got), good);
            if (good)
                assert_memory_equal(want, got, n);
        }
    }
    unguard(floats);
}

static size_t size_of(uint32_t type)
{
    switch (type) {
    case CXM_I8: case CXM_U8: case CXM_BOOL: return 1;
    case CXM_I16: case CXM_U16: return 2;
    case CXM_I32: case CXM_U32: case CXM_F32: return 4;
    default: return 8;
    }
}

static void put(uint8_t *to, uint32_t type, double v)
{
    const bool nan = v != v;
    const int64_t whole = nan ? 0 : v >= 0x1p63 ? INT64_MAX : v < -0x1p63 ? INT64_MIN : (int64_t)v;
    const float single = (float)v;
    switch (type) {
    case CXM_F32: memcpy(to, &single, 4); break;
    case CXM_F64: memcpy(to, &v, 8); break;
    default: store_integer(to, (uint64_t)whole, size_of(type)); break;
    }
}

/* A value of any kind, whole or not, and its type's bytes. */
static double any_value(uint32_t type, bool good)
{
    static const double reals[] = { 1.5, -1, 1e10, -1e30, 0x1p23, 0x1p31, 0x1p52, 0x1p63, 1e300, -0.5 };
    static const double longs[] = { -1, 71, 1e10, -1e12, 0x1p31, 0x1p52, -0x1p63, 0x1p62, 256, 1e6 };
    if (good)
        return (double)below(71);
    return type == CXM_U8 ? 71 + (double)below(185) : (type == CXM_I64 ? longs : reals)[below(10)];
}

/* Rows with missing codes, NaN and a bitmap against what their values say one by one. */
static void rows_of_bytes(void **state)
{
    const unsigned *forbidden = *state;
    const struct cxm_small_loops best = cxm_priv_small_loops(*forbidden);
    static const uint32_t types[] = { CXM_U8, CXM_F32, CXM_F64, CXM_I64 };
    static const size_t sizes[] = { 1, 4, 8, 8 };
    static const double codes[4] = { 99, -9, 3, 1000 };
    if (best.rows == NULL)
        return;
    for (int turn = 0; turn < 1200; turn++) {
        const size_t kind = below(4), n = 64 * (1 + below(3)), size = sizes[kind];
        const bool good = below(2), masked = below(2);
        const struct cxm_small_scale scale = below(2) ? (struct cxm_small_scale){ 0, 0, 70 }
                                                      : (struct cxm_small_scale){ -20, 2, 60 };
        struct guarded from = guard(n * size), out = guard(n), bits = guard(n / 8 + 1);
        uint8_t want[192];
        bool bad = false, absent = false, missing = false;
        struct cxm_column c = cxm_column_make("x", types[kind], from.bytes, n, size, size);
        c.missing_codes = codes;
        c.n_missing_codes = (int64_t)below(5);
        c.validity = masked ? bits.bytes : NULL;
        c.validity_offset = (int64_t)below(8);
        for (size_t i = 0; i < n / 8 + 1; i++)
            bits.bytes[i] = (uint8_t)(draw() | draw() | draw());
        for (size_t i = 0; i < n; i++) {
            double v = any_value(types[kind], good || below(200) != 0);
            v = below(9) == 0 ? codes[below(4)] : v;
            v = types[kind] == CXM_U8 && (v < 0 || v > 255) ? 99 : v;
            v = (kind == 1 || kind == 2) && below(30) == 0 ? (double)NAN : v;
            put(from.bytes + i * size, types[kind], v);
            v = kind == 1 ? (double)(float)v : v;
            const size_t bit = (size_t)c.validity_offset + i;
            bool gone = v != v || (masked && (bits.bytes[bit / 8] >> bit % 8 & 1) == 0);
            for (int64_t k = 0; k < c.n_missing_codes; k++)
                gone = gone || v == codes[k];
            const bool fits = v >= scale.lowest && v <= scale.highest && v == floor(v);
            want[i] = gone ? 128 : fits ? (uint8_t)((int)v - scale.base) : 0;
            absent = absent || gone;
            bad = bad || (!gone && !fits);
        }
        assert_int_equal(best.rows(&c, 0, n, &scale, out.bytes, &missing), !bad);
        if (!bad) {
            assert_int_equal(missing, absent);
            assert_memory_equal(out.bytes, want, n);
        }
        unguard(from);
        unguard(out);
        unguard(bits);
    }
}

/* ---- whole tallies ---------------------------------------------------------------------- */

enum { MOST_ITEMS = 25, MOST_COLUMNS = 2 * MOST_ITEMS + 3 };

struct table {
    int64_t n;
    struct cxm_input inputs[MOST_COLUMNS];
    struct cxm_column columns[MOST_COLUMNS];
    struct guarded memory[MOST_COLUMNS];
    uint8_t *validity[MOST_COLUMNS];
    size_t n_inputs;
    const char *metric;
    struct cxm_param params[8];
    size_t n_params;
    int64_t *ones;
    struct cxm_add_options options;
};

static const char *const names[MOST_ITEMS] = { "a", "b", "c", "d", "e", "f", "g", "h", "i",
                                               "j", "k", "l", "m", "n", "o", "p", "q", "r",
                                               "s", "t", "u", "v", "w", "x", "y" };

struct saved {
    uint8_t *bytes;
    size_t n;
};

/* The bytes of a tally of these rows, in calls of `chunk` rows. */
static struct saved save(const struct table *t, bool general, int64_t chunk, int32_t threads,
                         enum cxm_status *status, struct cxm_error *error)
{
    struct cxm_tally *tally;
    struct saved out = { NULL, 0 };
    struct cxm_column columns[MOST_COLUMNS];
    struct cxm_input inputs[MOST_COLUMNS];
    struct cxm_add_options options = t->options;
    size_t n = t->n_inputs;
    options.size = sizeof options;
    options.threads = threads;
    const enum cxm_status made = cxm_tally_new(t->metric, t->params, t->n_params, NULL, &tally,
                                               error);
    if (made != CXM_OK)
        fail_msg("%s", error->message);
    for (size_t i = 0; i < n; i++) {
        columns[i] = t->columns[i];
        inputs[i] = (struct cxm_input){ t->inputs[i].role, &columns[i] };
    }
    if (general) {
        columns[n] = cxm_column_make("freq", CXM_I64, t->ones, (size_t)t->n, 8, 8);
        inputs[n] = (struct cxm_input){ "freq", &columns[n] };
        n++;
    }
    *status = CXM_OK;
    for (int64_t first = 0; *status == CXM_OK && first < t->n; first += chunk) {
        for (size_t i = 0; i < n; i++) {
            const struct cxm_column *whole = i < t->n_inputs ? &t->columns[i] : NULL;
            columns[i].n = t->n - first < chunk ? t->n - first : chunk;
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

static void same_on_every_road(const struct table *t, const char *what)
{
    struct cxm_error first_error, error;
    enum cxm_status first_status, status;
    const struct saved first = save(t, true, t->n, 1, &first_status, &first_error);
    const struct { int64_t chunk; int32_t threads; } roads[] = { { t->n, 1 }, { 1537, 1 }, { t->n, 4 } };
    for (size_t k = 0; k < COUNT_OF(roads); k++) {
        if (k == 2 && t->n < 65536)
            continue;
        const struct saved got = save(t, false, roads[k].chunk, roads[k].threads, &status, &error);
        if (status != first_status)
            fail_msg("%s, road %zu: %s; general road: %s", what, k,
                     status != CXM_OK ? error.message : "done",
                     first_status != CXM_OK ? first_error.message : "done");
        if (status != CXM_OK && roads[k].chunk == t->n) {
            assert_int_equal(error.row, first_error.row);
            assert_string_equal(error.message, first_error.message);
        }
        if (status == CXM_OK && (got.n != first.n || memcmp(got.bytes, first.bytes, got.n) != 0))
            fail_msg("%s, road %zu: other bytes (%zu and %zu)", what, k, got.n, first.n);
        free(got.bytes);
    }
    free(first.bytes);
}

static struct table *make_table(const char *metric, int64_t n)
{
    struct table *t = must_alloc(1, sizeof *t);
    memset(t, 0, sizeof *t);
    t->metric = metric;
    t->n = n;
    t->ones = must_alloc((size_t)n, sizeof *t->ones);
    for (int64_t i = 0; i < n; i++)
        t->ones[i] = 1;
    return t;
}

static void free_table(struct table *t)
{
    for (size_t i = 0; i < t->n_inputs; i++) {
        unguard(t->memory[i]);
        free(t->validity[i]);
    }
    free(t->ones);
    free(t);
}

static void param(struct table *t, struct cxm_param p)
{
    t->params[t->n_params++] = p;
}

/* A column of those values; elements lie `gap` bytes apart, and nothing is behind the last one. */
static struct cxm_column *column(struct table *t, const char *role, uint32_t type, size_t gap,
                                 const double *values)
{
    const size_t stride = size_of(type) + gap, at = t->n_inputs++;
    const size_t bytes = t->n > 0 ? (size_t)t->n * stride - gap : 0;
    const struct guarded memory = guard(bytes);
    memset(memory.bytes, 0x5A, bytes);
    for (int64_t i = 0; i < t->n; i++)
        put(memory.bytes + (size_t)i * stride, type, values[i]);
    t->memory[at] = memory;
    t->columns[at] = cxm_column_make(role, type, memory.bytes, (size_t)t->n, stride, stride);
    t->inputs[at] = (struct cxm_input){ role, &t->columns[at] };
    return &t->columns[at];
}

static void with_bitmap(struct table *t, struct cxm_column *c)
{
    const size_t n = (size_t)t->n / 8 + 2;
    uint8_t *bits = must_alloc(n, 1);
    for (size_t i = 0; i < n; i++)
        bits[i] = (uint8_t)(draw() | draw() | draw());
    t->validity[c - t->columns] = bits;
    c->validity = bits;
    c->validity_offset = 3;
}

static const double code99[1] = { 99 };
static const uint32_t number_types[] = { CXM_U8, CXM_F32, CXM_I8, CXM_U8, CXM_I16, CXM_U16, CXM_I32,
                                         CXM_U32, CXM_I64, CXM_U64, CXM_F64, CXM_F32 };

enum missing { NONE_MISSING, SOME_MISSING, CODES_MISSING, BITMAP };

struct plan {
    double low, high;   /* of the answers */
    enum missing missing;
    bool far;           /* a value that fits no byte, now and then */
    bool one_type;
};

static void add_answers(struct table *t, const char *role, size_t n, struct plan plan)
{
    double *values = must_alloc((size_t)t->n, sizeof *values);
    const uint32_t common = number_types[below(COUNT_OF(number_types))];
    for (size_t k = 0; k < n; k++) {
        uint32_t type = plan.one_type ? common : number_types[below(COUNT_OF(number_types))];
        if (plan.low < 0 && (type == CXM_U8 || type == CXM_U16 || type == CXM_U32 || type == CXM_U64))
            type = CXM_I16;
        const bool real = type == CXM_F32 || type == CXM_F64;
        for (int64_t i = 0; i < t->n; i++) {
            values[i] = plan.low + (double)below((size_t)(plan.high - plan.low) + 1);
            if (plan.missing == CODES_MISSING && below(20) == 0)
                values[i] = 99;
            else if (plan.missing == SOME_MISSING && real && below(20) == 0)
                values[i] = (double)NAN;
            else if (plan.far && below(3000) == 0)
                values[i] = real ? 2.5 : 126;
            if (real && values[i] == 0 && below(2))
                values[i] = -0.0;
        }
        struct cxm_column *c = column(t, role, type, below(4) == 0 ? 1 + below(20) : 0, values);
        if (plan.missing == CODES_MISSING) {
            c->missing_codes = code99;
            c->n_missing_codes = 1;
        }
        if (plan.missing == BITMAP && below(2))
            with_bitmap(t, c);
    }
    free(values);
}

static void add_keys(struct table *t, size_t n_groups, bool sorted)
{
    static const uint32_t types[] = { CXM_U8, CXM_U32, CXM_I32, CXM_I64, CXM_I8, CXM_U16, CXM_I16,
                                      CXM_U64, CXM_F64 };
    double *values = must_alloc((size_t)t->n, sizeof *values);
    const uint32_t type = n_groups > 120 ? CXM_I32 : types[below(COUNT_OF(types))];
    const double start = type == CXM_I8 || type == CXM_I32 || type == CXM_I64 ? -60 : 0;
    const double step = type == CXM_I32 || type == CXM_I64 ? (double)(1 + 5000 * below(2)) : 1;
    for (int64_t i = 0; i < t->n; i++) {
        const size_t g = sorted ? (size_t)(i * (int64_t)n_groups / t->n) : below(n_groups);
        values[i] = start + step * (double)g;
    }
    struct cxm_column *c = column(t, "by", type, below(4) == 0 ? 3 : 0, values);
    if (below(4) == 0)
        with_bitmap(t, c);
    if (below(4) == 0) {
        for (int64_t i = 0; i < t->n; i++)
            values[i] = (double)below(3);
        column(t, "by", CXM_U8, 0, values);
    }
    t->options.missing_key = below(2) ? CXM_MISSING_KEY_LEAVE_OUT : CXM_MISSING_KEY_KEEP;
    free(values);
}

static const double scales[][2] = { { 1, 7 }, { 0, 10 }, { -3, 3 }, { 0.5, 7.5 }, { 0, 100 },
                                    { 1, 1000 }, { 600, 690 }, { -50, 70 } };
static const double item_weights[MOST_ITEMS] = { 3, 1, 2, 1, 1, 5, 1, 2, 1, 1, 1, 1, 1,
                                                 1, 1, 2, 1, 1, 1, 1, 4, 1, 1, 1, 1 };
static const double halves[MOST_ITEMS] = { .5, .25, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5,
                                           .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5, .5 };
static const double which[MOST_ITEMS] = { 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1,
                                          1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1 };
static const char *const dimensions[2] = { "hard", "soft" };
static const char *const partials[2] = { "renormalise", "listwise" };
static const char *const ratio[1] = { "ratio" };
static const double tolerances[4] = { 0.5, 1, 2.4, 1e9 };

static void random_table(uint64_t number)
{
    seed_state = number;
    const bool gap = below(3) > 0;
    const size_t k = below(8) == 0 ? 1 + below(MOST_ITEMS) : 1 + below(6);
    const int64_t more = number % 8 == 0 ? 4 * CXM_SMALL_BLOCK : 512; /* large blocks, too */
    struct table *t = make_table(gap ? "gap" : "csi", more + (int64_t)below(3000));
    const double *scale = scales[below(COUNT_OF(scales))];
    struct plan plan = { ceil(scale[0]), floor(scale[1]), (enum missing)below(4), below(4) == 0,
                         below(2) == 0 };
    plan.missing = plan.high > 98 || plan.low > 98 ? NONE_MISSING : plan.missing;
    if (below(4) == 0)
        plan.high = plan.low + 1;
    add_answers(t, gap ? "perceived" : "items", k, plan);
    if (gap)
        add_answers(t, "expected", k, plan);
    const size_t n_groups = below(3) == 0 ? 0 : below(2) == 0 ? 1 + below(100) : 1 + below(3);
    if (n_groups > 0)
        add_keys(t, n_groups, below(4) == 0);
    t->options.invalid = below(2) ? CXM_INVALID_COUNT : CXM_INVALID_ERROR;
    param(t, (struct cxm_param){ "items", NULL, 0, names, k });
    if (!gap && scale[0] == 0.5)
        scale = scales[0];
    if (!gap || below(2))
        param(t, (struct cxm_param){ "scale", scale, 2, NULL, 0 });
    if (below(2))
        param(t, (struct cxm_param){ "partial", NULL, 0, partials + below(2), 1 });
    if (below(4) == 0)
        param(t, (struct cxm_param){ "item_weights", below(3) ? item_weights : halves, k, NULL, 0 });
    if (gap && k > 1 && below(3) == 0)
        param(t, (struct cxm_param){ "dimension", which, k, dimensions, 2 });
    if (gap && below(3) == 0)
        param(t, (struct cxm_param){ "tolerance", tolerances + below(4), 1, NULL, 0 });
    if (!gap && scale[1] > 0 && below(2))
        param(t, (struct cxm_param){ "scaling", NULL, 0, ratio, 1 });
    char what[64];
    snprintf(what, sizeof what, "table %llu", (unsigned long long)number);
    same_on_every_road(t, what);
    free_table(t);
}

static void random_tables(void **state)
{
    (void)state;
    for (uint64_t number = 1; number <= 800; number++)
        random_table(number);
}

/* More groups than this road keeps, keys that move the cursors down and up. */
static void many_groups(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct table *t = make_table("gap", 20000);
        add_answers(t, "perceived", 3, (struct plan){ 1, 7, NONE_MISSING, false, true });
        add_answers(t, "expected", 3, (struct plan){ 1, 7, NONE_MISSING, false, true });
        double *keys = must_alloc((size_t)t->n, sizeof *keys);
        for (int64_t i = 0; i < t->n; i++)
            keys[i] = kind == 0 ? (double)below(9000)
                    : kind == 1 ? 30000 - (double)(i / 2)
                    : kind == 2 ? (i < 10000 ? (double)below(50) : 1e6 * (double)below(50))
                                : (double)(i / 1000 % 2 == 0 ? i : 0) - 10000;
        column(t, "by", kind == 1 ? CXM_I64 : CXM_I32, 0, keys);
        param(t, (struct cxm_param){ "items", NULL, 0, names, 3 });
        same_on_every_road(t, "many groups");
        free(keys);
        free_table(t);
    }
}

/* The largest values in more rows than 32 bits hold the squares of; groups in any order. */
static void widening(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct table *t = make_table("gap", CXM_MOST_ADDED + (kind == 2 ? 0 : 190000) + 1);
        double *values = must_alloc((size_t)t->n, sizeof *values);
        for (int c = 0; c < 4; c++) {
            for (int64_t i = 0; i < t->n; i++)
                values[i] = c < 2 ? 127 : 127 * (double)(kind == 1);
            column(t, c < 2 ? "perceived" : "expected", CXM_U8, 0, values);
        }
        for (int64_t i = 0; i < t->n; i++)
            values[i] = kind == 1 ? (double)(i % 9 == 0) : 4;
        column(t, "by", CXM_U8, 0, values);
        param(t, (struct cxm_param){ "items", NULL, 0, names, 2 });
        same_on_every_road(t, "widening");
        free(values);
        free_table(t);
    }
}

static void bad_value(int64_t n, int64_t bad)
{
    static const double one_to_seven[2] = { 1, 7 };
    struct table *t = make_table("gap", n);
    add_answers(t, "perceived", 2, (struct plan){ 1, 7, NONE_MISSING, false, true });
    add_answers(t, "expected", 2, (struct plan){ 1, 7, NONE_MISSING, false, true });
    param(t, (struct cxm_param){ "items", NULL, 0, names, 2 });
    param(t, (struct cxm_param){ "scale", one_to_seven, 2, NULL, 0 });
    const struct cxm_column *c = &t->columns[bad % 4];
    put(t->memory[bad % 4].bytes + (size_t)bad * (size_t)c->stride, c->type, bad % 3 == 0 ? 0 : 8);
    t->options.invalid = bad % 5 == 0 ? CXM_INVALID_COUNT : CXM_INVALID_ERROR;
    same_on_every_road(t, "a bad value");
    free_table(t);
}

/* A value that is no answer at every place of a block and of its tail, and at some of large ones. */
static void bad_values(void **state)
{
    (void)state;
    enum { BLOCK = CXM_SMALL_BLOCK, ROWS = 4 * BLOCK + 700 };
    static const int64_t some[] = { 0, 1023, 1024, BLOCK - 1, BLOCK, 5 * BLOCK / 2, 4 * BLOCK, ROWS - 1 };
    for (int64_t bad = 0; bad < 1300; bad += bad < 130 || bad > 1000 ? 1 : 37)
        bad_value(1300, bad);
    for (size_t k = 0; k < 4 * COUNT_OF(some); k++)
        bad_value(ROWS, some[k / 4]);
}

int main(void)
{
    print_message("seed %llu\n", (unsigned long long)seed_state);
    static unsigned none, wide = CXM_CPU_AVX512;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(tiles, &none),
        cmocka_unit_test_prestate(tiles, &wide),
        cmocka_unit_test_prestate(forms, &none),
        cmocka_unit_test_prestate(forms, &wide),
        cmocka_unit_test_prestate(reaches, &none),
        cmocka_unit_test_prestate(reaches, &wide),
        cmocka_unit_test_prestate(columns_of_bytes, &none),
        cmocka_unit_test_prestate(columns_of_bytes, &wide),
        cmocka_unit_test_prestate(floats_at_the_ends, &none),
        cmocka_unit_test_prestate(floats_at_the_ends, &wide),
        cmocka_unit_test_prestate(rows_of_bytes, &none),
        cmocka_unit_test_prestate(rows_of_bytes, &wide),
        cmocka_unit_test(random_tables),
        cmocka_unit_test(many_groups),
        cmocka_unit_test(widening),
        cmocka_unit_test(bad_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
