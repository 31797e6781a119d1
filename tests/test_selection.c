/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The roads of selection against a sort: numbers of all shapes, also such as are made to mislead a
 * sample, keys of all types; its kernels against the C ones. */
#define _DEFAULT_SOURCE /* mmap with MAP_ANONYMOUS */

#include "failing_malloc.h"
#include "guarded.h"

#include "derive/select.h"
#include "derive/select_kernels.h"
#include "estimate/order.h"

#include <cxm/cxm.h>

#include <float.h>

static uint64_t seed = 20261122;

static uint64_t draw(void)
{
    return random_u64(&seed);
}

/* In (0, 1]. */
static double share(void)
{
    return ((double)(draw() >> 11) + 1) * 0x1p-53;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- shapes ------------------------------------------------------------------------------ */

enum { ROWS = 24000, SAMPLE = 2400, STEP = ROWS / SAMPLE * 8, SHAPES = 20 };

static double value_of(int shape, size_t i)
{
    const double u = share(), normal = sqrt(-2 * log(u)) * cos(6.283185307179586 * share());
    switch (shape) {
    case 0: return u;
    case 1: return normal;
    case 2: return exp(5 + 1.5 * normal);
    case 3: return exp(40 * normal);
    case 4: return 300;
    case 5: return draw() % 1000 == 0 ? 1e300 * (u - 0.5) : 300; /* equal but a few */
    case 6: return draw() % 2 == 0 ? -1 : 1;
    case 7: return ceil(exp(2 + normal));
    case 8: return (double)i;
    case 9: return -(double)(i / 3);
    case 10: return (double)(i % STEP);                 /* with the period of the sample */
    case 11: return i % STEP < 8 ? 1e6 + u : u;         /* its runs are like nothing else */
    case 12: return (double)(i / 8 * 2654435761u % 1000); /* runs of equal values */
    case 13: return 1e9 + 1e-3 * (double)(draw() % 4096);
    case 14: return u < 0.5 ? 0 : u < 0.6 ? -0.0 : exp(3 * normal);
    case 15: return DBL_MAX * (2 * u - 1);
    case 16: return 5e-324 * (double)(draw() % 1000) * (draw() % 2 == 0 ? 1 : -1);
    case 17: return draw() % 20 == 0 ? NAN : normal;
    case 18: return draw() % 50 == 0 ? INFINITY : draw() % 50 == 0 ? NAN : -exp(normal);
    default: return draw() % 97 == 0 ? u * 1e12 : (double)(draw() % 5);
    }
}

struct data {
    double *values;
    uint32_t *codes;
    uint32_t n_groups;
    double **sorted; /* by group */
    int64_t *n, *missing, *invalid;
};

static void make(struct data *d, int shape, uint32_t n_groups, int grouping)
{
    d->n_groups = n_groups;
    d->values = malloc(ROWS * sizeof *d->values);
    d->codes = malloc(ROWS * sizeof *d->codes);
    d->sorted = calloc(n_groups, sizeof *d->sorted);
    d->n = calloc(3 * (size_t)n_groups, sizeof *d->n);
    d->missing = d->n + n_groups;
    d->invalid = d->missing + n_groups;
    for (uint32_t g = 0; g < n_groups; g++)
        d->sorted[g] = malloc(ROWS * sizeof **d->sorted);
    for (size_t i = 0; i < ROWS; i++) {
        const uint32_t g = grouping == 0 ? (uint32_t)(draw() % n_groups)
                         : grouping == 1 ? (uint32_t)(i * n_groups / ROWS)
                         : draw() % 4 > 0 ? 0 : (uint32_t)(draw() % (n_groups + 1)); /* one more: left out */
        const double x = value_of(shape, i);
        d->values[i] = x;
        d->codes[i] = g;
        if (g >= n_groups)
            continue;
        if (isnan(x))
            d->missing[g]++;
        else if (isinf(x))
            d->invalid[g]++;
        else
            d->sorted[g][d->n[g]++] = x;
    }
    for (uint32_t g = 0; g < n_groups; g++)
        qsort(d->sorted[g], (size_t)d->n[g], sizeof **d->sorted, by_value);
}

static void drop(struct data *d)
{
    for (uint32_t g = 0; g < d->n_groups; g++)
        free(d->sorted[g]);
    free(d->sorted);
    free(d->n);
    free(d->codes);
    free(d->values);
}

static const double probs[] = { 0, 0.1, 0.5, 0.9, 0.99, 1 };

/* The order statistics that quantiles ask for; `odd` shifts them, so that brackets are missed. */
static void check(const struct data *d, struct cxm_selection s, double odd)
{
    enum { MOST = 256 * 6 * 4 };
    static uint32_t groups[MOST];
    static int64_t ranks[MOST];
    static double got[MOST];
    size_t n = 0;
    assert_int_equal(cxm_priv_select_count(&s, NULL), CXM_OK);
    for (uint32_t g = 0; g < d->n_groups; g++) {
        assert_int_equal(s.n[g], d->n[g]);
        assert_int_equal(s.missing[g], d->missing[g]);
        assert_int_equal(s.invalid[g], d->invalid[g]);
        for (size_t k = 0; k < 6 && s.n[g] > 0; k++) {
            const double p = fabs(probs[k] - odd);
            const struct cxm_quantile_ranks r = cxm_priv_quantile_ranks(s.n[g], p, 7, 0.95);
            const int64_t all[] = { r.lower < 0 ? 0 : r.lower, r.low, r.high,
                                    r.upper < s.n[g] ? r.upper : r.high };
            for (int j = 0; j < 4; j++, n++) {
                groups[n] = g;
                ranks[n] = all[j];
            }
        }
    }
    assert_int_equal(cxm_priv_select_values(&s, groups, ranks, n, got, NULL), CXM_OK);
    for (size_t i = 0; i < n; i++) {
        const double want = d->sorted[groups[i]][ranks[i]];
        if (!(got[i] == want) || (got[i] == 0 && signbit(got[i])))
            fail_msg("rank %lld of group %u is %.17g, not %.17g", (long long)ranks[i], groups[i],
                     got[i], want);
    }
    cxm_priv_select_release(&s);
}

static void roads_equal_a_sort(void **state)
{
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int shape = 0; shape < SHAPES; shape++) {
        static const uint32_t sizes[] = { 1, 5, 130, 256 };
        struct data d;
        make(&d, shape, sizes[shape % 4], shape % 3);
        const struct cxm_column c = cxm_column_make("v", CXM_F64, d.values, ROWS, 8, 8);
        const struct cxm_selection plain = { .column = &c, .codes = d.codes,
                                             .n_groups = d.n_groups, .count_invalid = true };
        for (int threads = 1; threads <= 3; threads++) {
            struct cxm_selection s = plain;
            s.threads = threads;
            s.road = CXM_SELECT_HISTOGRAM;
            check(&d, s, 0);
            s.road = CXM_SELECT_PARTS;
            check(&d, s, 0);
            s.probs = probs;
            s.n_probs = 6;
            s.level = 0.95;
            s.sample_rows = SAMPLE;
            for (unsigned without = 0; without <= 3; without += without == 0 ? 1 : 2) {
                s.without = without;
                check(&d, s, 0);
            }
            s.road = threads == 2 ? CXM_SELECT_HISTOGRAM : CXM_SELECT_PARTS;
            check(&d, s, 0.3); /* other ranks than were announced */
        }
        drop(&d);
    }
}

/* Values by the readers instead of where they lie. */
static void other_columns(void **state)
{
    (void)state;
    for (int kind = 0; kind < 8; kind++) {
        enum { ODD = 13 }; /* bytes of a struct */
        struct data d;
        make(&d, kind % 2 == 1 && kind > 3 ? 18 : 2, 5, 0);
        float *floats = malloc(ROWS * sizeof *floats);
        int64_t *whole = malloc(ROWS * sizeof *whole);
        double(*wide)[3] = malloc(ROWS * sizeof *wide);
        uint8_t *valid = calloc(ROWS / 8 + 1, 1);
        unsigned char *shifted = malloc(ROWS * 8 + 1);
        unsigned char *odd = malloc(ROWS * ODD);
        struct cxm_column c = cxm_column_make("v", CXM_F64, d.values, ROWS, 8, 8);
        memcpy(shifted + 1, d.values, ROWS * 8);
        memset(d.n, 0, 3 * d.n_groups * sizeof *d.n);
        for (size_t i = 0; i < ROWS; i++) {
            const bool there = draw() % 30 != 0;
            const uint32_t g = d.codes[i];
            double x = d.values[i];
            valid[i / 8] |= (uint8_t)(there << i % 8);
            floats[i] = kind == 0 ? (float)x : 0;
            whole[i] = kind == 1 ? (int64_t)x : 0;
            wide[i][1] = x;
            memcpy(odd + i * ODD + ODD - sizeof x, &x, sizeof x);
            x = kind == 0 ? (double)floats[i] : kind == 1 ? (double)whole[i] : x;
            if (kind == 2 && !there)
                d.missing[g]++;
            else if (isnan(x))
                d.missing[g]++;
            else if (isinf(x))
                d.invalid[g]++;
            else
                d.sorted[g][d.n[g]++] = x;
        }
        for (uint32_t g = 0; g < d.n_groups; g++)
            qsort(d.sorted[g], (size_t)d.n[g], sizeof **d.sorted, by_value);
        if (kind == 0)
            c = cxm_column_make("v", CXM_F32, floats, ROWS, 4, 4);
        if (kind == 1)
            c = cxm_column_make("v", CXM_I64, whole, ROWS, 8, 8);
        if (kind == 2)
            c.validity = valid;
        if (kind == 3)
            c = cxm_column_make("v", CXM_F64, &wide[0][1], ROWS, sizeof *wide, 8);
        if (kind == 4 || kind == 5)
            c.data = shifted + 1;
        if (kind > 5)
            c = cxm_column_make("v", CXM_F64, odd + ODD - 8, ROWS, ODD, 8);
        const struct cxm_selection s = { .column = &c, .codes = d.codes, .n_groups = 5,
                                         .count_invalid = true, .probs = probs, .n_probs = 6,
                                         .level = 0.95, .sample_rows = SAMPLE, .threads = 2 };
        check(&d, s, 0);
        free(floats);
        free(whole);
        free(wide);
        free(valid);
        free(shifted);
        free(odd);
        drop(&d);
    }
}

static void lowest_invalid_row_is_named(void **state)
{
    (void)state;
    struct data d;
    struct cxm_error error;
    make(&d, 2, 1, 0);
    d.values[17777] = -INFINITY;
    d.values[23000] = INFINITY;
    const struct cxm_column c = cxm_column_make("v", CXM_F64, d.values, ROWS, 8, 8);
    for (int threads = 1; threads < 4; threads++) {
        struct cxm_selection s = { .column = &c, .n_groups = 1, .probs = probs, .n_probs = 6,
                                   .level = 0.95, .sample_rows = SAMPLE, .threads = threads };
        assert_int_equal(cxm_priv_select_count(&s, &error), CXM_EDATA);
        assert_int_equal(error.row, 17777);
        cxm_priv_select_release(&s);
    }
    drop(&d);
}

/* ---- keys -------------------------------------------------------------------------------- */

/* Values and keys as members of structs, of an odd size too; either comes first. */
static void weave(const struct cxm_column *value, const struct cxm_column *key, size_t size,
                  bool key_first, unsigned char *out, struct cxm_column both[2])
{
    const size_t at = key_first ? 0 : size - (size_t)key->stride, x = key_first ? size - 8 : 0;
    for (size_t i = 0; i < (size_t)value->n; i++) {
        memcpy(out + i * size + x, (const char *)value->data + 8 * i, 8);
        memcpy(out + i * size + at, (const char *)key->data + (size_t)key->stride * i,
               (size_t)key->stride);
    }
    both[0] = cxm_column_make("v", CXM_F64, out + x, value->n, (int64_t)size, 8);
    both[1] = cxm_column_make("g", (enum cxm_type)key->type, out + at, key->n, (int64_t)size,
                              (size_t)key->stride);
}

/* The same groups by whole numbers of every type, as members of structs, and by codes. */
static void keys_of_every_type(void **state)
{
    (void)state;
    static const int64_t firsts[] = { -100, 3, -30000, 65400, INT32_MIN, 4000000000, INT64_MIN,
                                      INT64_MAX - 50 };
    static const enum cxm_type types[] = { CXM_I8, CXM_U8, CXM_I16, CXM_U16, CXM_I32, CXM_U32,
                                           CXM_I64, CXM_U64 };
    enum { N = 300000, GROUPS = 100 };
    double *values = malloc(N * sizeof *values);
    uint64_t *keys = malloc(N * sizeof *keys);
    unsigned char *structs = malloc(N * 80);
    struct cxm_report *want = NULL;
    for (size_t i = 0; i < N; i++)
        values[i] = draw() % 100 == 0 ? NAN : value_of(2, i);
    for (int t = 0; t < 8; t++) {
        const size_t bytes = (size_t)1 << t / 2;
        uint64_t mixed = 1;
        for (size_t i = 0; i < N; i++) {
            mixed = mixed * 6364136223846793005u + 1442695040888963407u;
            uint64_t g = (mixed >> 40) % GROUPS;
            g = g == 50 ? 51 : g; /* nobody */
            const uint64_t key = (uint64_t)firsts[t] + g;
            store_integer((char *)keys + i * bytes, key, bytes);
        }
        const struct cxm_column c = cxm_column_make("v", CXM_F64, values, N, 8, 8);
        struct cxm_column by = cxm_column_make("g", types[t], keys, N, (int64_t)bytes, bytes);
        const double missing = 120; /* which is nobody either, but needs codes */
        struct cxm_column woven[2];
        const size_t size = t % 3 == 0 ? 64 : t % 3 == 1 ? 17 : 80;
        weave(&c, &by, size, t % 2 == 1, structs + N * (80 - size), woven);
        for (int how = 0; how < 3; how++) {
            struct cxm_report *r = NULL;
            by.missing_codes = how == 1 ? &missing : NULL;
            by.n_missing_codes = how == 1;
            const struct cxm_quantiles_options o = { CXM_INIT(quantiles), .total = 1,
                                                     .by = how == 2 ? &woven[1] : &by,
                                                     .threads = 1 + t % 3 };
            assert_int_equal(cxm_quantiles(how == 2 ? &woven[0] : &c, &o, &r, NULL), CXM_OK);
            assert_int_equal(cxm_report_rows(r), 4 * GROUPS);
            for (size_t i = 0; i < cxm_report_rows(r); i++) {
                struct cxm_key key;
                assert_int_equal(cxm_report_key(r, i, 0, &key), CXM_OK);
                if (i < 4 * (GROUPS - 1))
                    assert_true((uint64_t)key.integer == (uint64_t)firsts[t] + i / 4 + (i / 4 >= 50));
                if (want != NULL) {
                    const struct cxm_estimate *a = &cxm_report_estimates(want)[i],
                                              *b = &cxm_report_estimates(r)[i];
                    assert_true(a->value == b->value && a->lower == b->lower
                                && a->upper == b->upper && a->n == b->n
                                && a->missing == b->missing && a->group == b->group);
                }
            }
            if (want == NULL)
                want = r;
            else
                cxm_report_free(r);
        }
    }
    cxm_report_free(want);
    free(structs);
    free(values);
    free(keys);
}

/* ---- kernels ----------------------------------------------------------------------------- */

static const double extremes[] = { 0.0, -0.0, 5e-324, -5e-324, 1, -1, DBL_MAX, -DBL_MAX, DBL_MIN,
                                   INFINITY, -INFINITY };

static void compare_kernels(size_t n, int round, unsigned without)
{
    enum { MOST = 4096 };
    static uint32_t index[2][MOST];
    static uint64_t words[2][MOST];
    static uint16_t picked[2][MOST];
    static uint64_t pivots[32768];
    struct guarded g[3] = { guard(n * sizeof(double)), guard(n * sizeof(uint32_t)),
                            guard(n * sizeof(uint16_t)) };
    double *x = (void *)g[0].bytes;
    uint32_t *codes = (void *)g[1].bytes;
    uint16_t *cells = (void *)g[2].bytes;
    for (size_t i = 0; i < n; i++) {
        x[i] = draw() % 8 == 0 ? extremes[draw() % (round % 2 == 0 ? 9 : 11)] : value_of(round % 4, i);
        codes[i] = (uint32_t)(draw() % (draw() % 9 == 0 ? UINT32_MAX : 30));
        cells[i] = (uint16_t)(draw() % (round % 3 == 0 ? 65536 : 2) * (round % 5 != 0) + round % 7);
    }
    /* Some that are met: zeros, and a row's own. */
    for (size_t k = 0; k < sizeof pivots / sizeof *pivots; k++)
        pivots[k] = k % 3 == 0 ? cxm_priv_select_word(0) : UINT64_MAX;
    for (size_t i = 0; i < n; i++) {
        if (draw() % 2 == 0)
            pivots[cells[i] / 2] = cxm_priv_select_word(x[i]);
    }
    const struct cxm_select_kernels a = cxm_priv_select_kernels(3),
                                    b = cxm_priv_select_kernels(without);
    const double near = round % 3 == 0 ? 0 : exp(20 * (share() - 0.5));
    const struct cxm_select_map map = {
        .near = near, .bits = 10 + (unsigned)round % 3, .n_groups = 25,
        .base = round % 4 == 0 ? INT64_MIN : cxm_priv_select_place(near, value_of(1, 0)),
        .shift = (unsigned)(draw() % 54),
    };
    const uint32_t *given = round % 6 == 0 ? NULL : codes;
    assert_int_equal(a.index(&map, x, given, n, index[0]), b.index(&map, x, given, n, index[1]));
    assert_memory_equal(index[0], index[1], n * sizeof index[0][0]);
    for (int with = 0; with < 2; with++) {
        const uint64_t *const apart = with ? pivots : NULL;
        const size_t used = a.pick(x, cells, apart, n, words[0], picked[0]);
        size_t wanted = 0;
        assert_int_equal(b.pick(x, cells, apart, n, words[1], picked[1]), used);
        assert_memory_equal(words[0], words[1], used * sizeof words[0][0]);
        assert_memory_equal(picked[0], picked[1], used * sizeof picked[0][0]);
        for (size_t i = 0; i < n; i++)
            wanted += cells[i] % 2 == 1
                   && !(with && pivots[cells[i] / 2] == cxm_priv_select_word(x[i]));
        assert_int_equal(used, wanted);
    }
    for (size_t bytes = 1; bytes <= 8 && n > 1; bytes *= 2) {
        uint64_t least[2], most[2];
        const uint64_t flip = round % 2 == 0 ? 0 : UINT64_C(1) << (8 * bytes - 1);
        const void *const from = bytes == 8 ? (void *)x : bytes == 4 ? (void *)codes : (void *)cells;
        a.range(from, n, bytes, flip, &least[0], &most[0]);
        b.range(from, n, bytes, flip, &least[1], &most[1]);
        assert_true(least[0] == least[1] && most[0] == most[1]);
    }
    for (int k = 0; k < 3; k++)
        unguard(g[k]);
}

static void kernels_agree(void **state)
{
    (void)state;
    for (size_t n = 0; n < 3 * 64 + 5; n++) {
        for (int round = 0; round < 24; round++)
            compare_kernels(n, round, (unsigned)(draw() & 1));
    }
    for (int round = 0; round < 60; round++)
        compare_kernels(draw() % 4000, round, (unsigned)(draw() & 1));
}

/* Buckets ascend with the numbers. */
static void places_ascend(void **state)
{
    (void)state;
    enum { N = 4000 };
    static double x[N];
    for (int round = 0; round < 8; round++) {
        const double near = round == 0 ? 0 : exp(100 * (share() - 0.5));
        for (size_t i = 0; i < N; i++)
            x[i] = i < 9 ? extremes[i] : value_of(round % 4, i);
        qsort(x, N, sizeof *x, by_value);
        for (size_t i = 1; i < N; i++) {
            assert_true(cxm_priv_select_place(near, x[i - 1]) <= cxm_priv_select_place(near, x[i]));
            assert_true(cxm_priv_select_word(x[i - 1]) <= cxm_priv_select_word(x[i]));
        }
    }
}

/* ---- limits ------------------------------------------------------------------------------ */

/* Ranks and coverage from the probabilities themselves, summed one by one. */
static void limits_by_the_binomial(void **state)
{
    (void)state;
    for (int round = 0; round < 400; round++) {
        const int64_t n = round < 200 ? 1 + round % 40 : (int64_t)(draw() % 3000) + 1;
        const double p = round % 7 == 0 ? 0.5 : 0.001 + 0.998 * share();
        const double level = round % 3 == 0 ? 0.95 : 0.5 + 0.4999 * share(), alpha = 1 - level;
        const struct cxm_quantile_ranks r = cxm_priv_quantile_ranks(n, p, 7, level);
        double below = 0, before = 0, after = 0;
        int64_t l = -1, u = -1;
        for (int64_t k = 0; k <= n; k++) {
            const double term = exp(lgamma((double)n + 1) - lgamma((double)k + 1)
                                    - lgamma((double)(n - k) + 1) + (double)k * log(p)
                                    + (double)(n - k) * log1p(-p));
            if (l < 0 && below + term >= alpha / 2) {
                l = k;
                before = below;
            }
            below += term;
            if (u < 0 && below >= 1 - alpha / 2) {
                u = k;
                after = below;
            }
        }
        assert_int_equal(r.lower, l - 1);
        assert_int_equal(r.upper, u);
        assert_close(r.coverage, after - before, 1e-9);
    }
}

/* ---- memory ------------------------------------------------------------------------------ */

static struct data small;

static enum cxm_status call_sampled(void)
{
    static const uint32_t groups[] = { 0, 0, 1 };
    static const int64_t ranks[] = { 100, 3000, 5 }; /* outside: wider, then by a histogram */
    double got[3];
    const struct cxm_column c = cxm_column_make("v", CXM_F64, small.values, ROWS, 8, 8);
    struct cxm_selection s = { .column = &c, .codes = small.codes, .n_groups = 2,
                               .probs = probs + 3, .n_probs = 2, .level = 0.95,
                               .sample_rows = SAMPLE, .threads = 2 };
    enum cxm_status status = cxm_priv_select_count(&s, NULL);
    if (status == CXM_OK)
        status = cxm_priv_select_values(&s, groups, ranks, 3, got, NULL);
    cxm_priv_select_release(&s);
    return status;
}

static void memory_runs_out(void **state)
{
    (void)state;
    for (int shape = 2; shape < 5; shape += 2) {
        make(&small, shape, 2, 0);
        assert_survives_no_memory(call_sampled);
        drop(&small);
    }
}

/* From the smallest to the largest, and not one more; a reach of more than that is refused. */
static void keys_reach_so_far(void **state)
{
    static const struct {
        int64_t keys[3];
        uint64_t base;
        uint32_t n_groups; /* 0: not taken */
    } rows[] = {
        { { 5, 9, 6 }, 5, 5 },
        { { 7, 7, 7 }, 7, 1 },
        { { -3, 0, -1 }, (uint64_t)-3, 4 },
        { { INT64_MIN, INT64_MIN + 1, INT64_MIN }, (uint64_t)INT64_MIN, 2 },
        { { 0, 256, 0 }, 0, 257 }, /* 256 and half as many as there are rows */
        { { 0, 257, 0 }, 0, 0 },
        { { INT64_MIN, INT64_MAX, 0 }, 0, 0 },
    };
    const double values[3] = { 1, 2, 3 };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cxm_column value = CXM_ARRAY(values, 3), key = CXM_ARRAY(rows[i].keys, 3);
        struct cxm_selection s = { .column = &value, .n_groups = 1 };
        assert_int_equal(cxm_priv_select_by_key(&s, &key), rows[i].n_groups > 0);
        if (rows[i].n_groups > 0) {
            assert_true(s.key == &key && s.key_base == rows[i].base);
            assert_int_equal(s.n_groups, rows[i].n_groups);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roads_equal_a_sort),
        cmocka_unit_test(keys_reach_so_far),
        cmocka_unit_test(other_columns),
        cmocka_unit_test(lowest_invalid_row_is_named),
        cmocka_unit_test(keys_of_every_type),
        cmocka_unit_test(kernels_agree),
        cmocka_unit_test(places_ascend),
        cmocka_unit_test(limits_by_the_binomial),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
