/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Means of very many groups: the same bytes as those of each group in a tally of its own, whatever the
 * values are; and the loop side by side against double-doubles one after the other, as view.c has them. */
#include "testing.h"

#include <cxm/cxm.h>

#include "metric/weighed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { GROUPS = 1500, ROWS = 12000, KINDS = 8 };

static uint64_t seed;
static uint64_t draw(void)
{
    return random_u64(&seed);
}

/* ---- groups ------------------------------------------------------------------------------- */

struct rows {
    double values[ROWS], weights[ROWS];
    int32_t keys[ROWS];
};

/* Near each other, of both signs, equal within groups, far from 0, far apart, tiny, missing, mixed. */
static double value_of(int kind, uint64_t word, int32_t key)
{
    const double u = 0.5 + (double)(word >> 11) * 0x1p-53;
    switch (kind) {
    case 0: return 40 * u;
    case 1: return word % 2 == 0 ? -u : u;
    case 2: return 0.1 * (key % 7 - 3);
    case 3: return 1e15 + floor(8 * u);
    case 4: return ldexp(u, (int)(word % 120) - 60);
    case 5: return ldexp(-u, -90);
    case 6: return word % 3 == 0 || key % 50 == 0 ? (double)NAN : 1000 * u - 1000;
    default: return value_of(key % 7, word, key);
    }
}

static struct cxm_tally *make(struct rows *r, int kind, bool weighted)
{
    struct cxm_tally *tally;
    for (size_t i = 0; i < ROWS; i++) {
        const uint64_t word = draw();
        r->keys[i] = (int32_t)(word % (word % 5 == 0 ? 11 : GROUPS));
        r->values[i] = value_of(kind, draw(), r->keys[i]);
        r->weights[i] = draw() % 40 == 0 ? 0 : 0.3 + (double)(draw() % 4096) / 777;
    }
    const struct cxm_column value = cxm_column_make("value", CXM_F64, r->values, ROWS, 8, 8);
    const struct cxm_column weight = cxm_column_make("weight", CXM_F64, r->weights, ROWS, 8, 8);
    const struct cxm_column key = cxm_column_make("by", CXM_I32, r->keys, ROWS, 4, 4);
    const struct cxm_input inputs[3] = { { "value", &value }, { "by", &key }, { "weight", &weight } };
    assert_int_equal(cxm_tally_new("mean", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, weighted ? 3 : 2, NULL, NULL), CXM_OK);
    return tally;
}

static void estimate(struct cxm_tally *tally, int32_t interval, int32_t threads,
                     struct cxm_estimate *out, size_t capacity, size_t *n)
{
    static const uint32_t mean = 0;
    const struct cxm_estimate_options options = { .size = sizeof options, .measures = &mean,
                                                  .n_measures = 1, .interval = interval,
                                                  .threads = threads };
    memset(out, 0x55, capacity * sizeof *out);
    assert_int_equal(cxm_tally_estimate(tally, &options, out, sizeof *out, capacity, n, NULL), CXM_OK);
}

static void check_groups(struct cxm_tally *tally, int32_t interval, const struct cxm_estimate *all,
                         size_t n)
{
    for (size_t g = 0; g < n; g++) {
        struct cxm_tally *one;
        struct cxm_estimate alone;
        size_t m;
        assert_int_equal(cxm_tally_group(tally, (int64_t)g, 0, &one, NULL), CXM_OK);
        estimate(one, interval, 1, &alone, 1, &m);
        alone.group = (int64_t)g;
        assert_memory_equal(&alone, &all[g], sizeof alone);
        cxm_tally_free(one);
    }
}

static void rows_are_those_of_groups(void **state)
{
    static struct rows r;
    static struct cxm_estimate rows[GROUPS], again[GROUPS];
    (void)state;
    for (int kind = 0; kind < 2 * KINDS; kind++) {
        const int32_t interval = kind % 3 == 2 ? CXM_INTERVAL_WALD : CXM_INTERVAL_DEFAULT;
        struct cxm_tally *tally = make(&r, kind % KINDS, kind >= KINDS);
        size_t n;
        estimate(tally, interval, 1, rows, GROUPS, &n);
        check_groups(tally, interval, rows, n);
        estimate(tally, interval, 3, again, GROUPS, &n);
        assert_memory_equal(rows, again, n * sizeof *rows);
        cxm_tally_free(tally);
    }
}

/* ---- the loop ----------------------------------------------------------------------------- */

/* Digits that are nothing, full, a half or random, of sums of both signs. */
static void make_sum(int64_t *limbs, int32_t n, bool any_sign)
{
    static const int64_t special[] = { 0, 0, 1, UINT32_MAX, (int64_t)1 << 31, ((int64_t)1 << 31) - 1 };
    const int32_t top = n > 0 ? (int32_t)(draw() % (uint64_t)n) : 0;
    const bool below = any_sign && draw() % 2 == 0, all = draw() % 8 != 0;
    for (int32_t k = 0; k < n; k++) {
        const int64_t digit = draw() % 3 == 0 ? special[draw() % COUNT_OF(special)]
                                              : (int64_t)(draw() >> 32);
        limbs[k] = k <= top && all ? digit : below ? UINT32_MAX : 0;
    }
    if (n == 0)
        return;
    if (draw() % 4 == 0)
        limbs[n - 1] = (int64_t)(draw() >> (1 + draw() % 62));
    if (below)
        limbs[n - 1] = draw() % 9 == 0 ? INT64_MIN : -1 - limbs[n - 1] % UINT32_MAX;
}

static struct cxm_dd sum_at(const struct cxm_averaging *a, const int64_t *cell, uint32_t s)
{
    return cxm_priv_exact_value(cell + a->sums.at[s], a->sums.windows[s]);
}

static void expect_average(const struct cxm_averaging *a, const int64_t *cell, double *out)
{
    const struct cxm_dd n = cxm_priv_dd_int(cell[a->counts_at]);
    const struct cxm_dd weight = a->weighted ? sum_at(a, cell, 0) : n;
    const struct cxm_dd weight2 = a->weighted ? sum_at(a, cell, 1) : n;
    const struct cxm_dd sum = sum_at(a, cell, a->weighted ? 2 : 0);
    const struct cxm_dd across = sum_at(a, cell, a->weighted ? 4 : 0);
    const struct cxm_dd squares = sum_at(a, cell, a->weighted ? 5 : 1);
    const struct cxm_dd c = cxm_priv_dd_div(sum, weight), whole = cxm_priv_dd_mul(weight, weight);
    struct cxm_dd scatter = cxm_priv_dd_mul(cxm_priv_dd_mul(c, c), weight2);
    const double size = scatter.hi + fabs(squares.hi);
    const struct cxm_dd part = cxm_priv_dd_mul(c, across);
    scatter = cxm_priv_dd_sub(scatter, cxm_priv_dd_add(part, part));
    scatter = cxm_priv_dd_add(scatter, squares);
    if (!(scatter.hi > ldexp(size, -98)))
        scatter = cxm_priv_dd(0);
    out[0] = weight.hi;
    out[1] = cxm_priv_dd_div(whole, weight2).hi;
    out[2] = c.hi;
    out[3] = cxm_priv_dd_div(scatter, whole).hi;
}

static void check_average(cxm_average *average, const struct cxm_averaging *a, size_t *fast)
{
    struct cxm_weighed got;
    memset(&got, 0x55, sizeof got);
    average(a, &got);
    for (size_t i = 0; i < CXM_SCORE_ROWS; i++) {
        double want[4];
        const double have[4] = { got.weight[i], got.n_eff[i], got.mean[i], got.scatter[i] };
        if (got.slow[i] != 0)
            continue;
        expect_average(a, a->sums.cells[i], want);
        assert_memory_equal(have, want, sizeof want);
        ++*fast;
    }
}

/* Windows of all sizes, places and extreme digits; `typical` ones, where hardly any may be slow. */
static void averaged_as_defined(void **state)
{
    enum { TIMES = 4000, SUMS = 6 };
    static int64_t cells[CXM_SCORE_ROWS][1 + SUMS * CXM_WEIGHED_LIMBS];
    static const struct cxm_window usual[2][SUMS] = {
        { { -2, 4 }, { -4, 6 } },
        { { -2, 4 }, { -4, 6 }, { -4, 6 }, { -2, 4 }, { -4, 6 }, { -3, 8 } },
    };
    const int64_t *at_cells[CXM_SCORE_ROWS];
    cxm_average *variants[3] = { cxm_priv_average_c, cxm_priv_average(CXM_CPU_AVX512),
                                 cxm_priv_average(0) };
    size_t fast = 0, all = 0;
    (void)state;
    for (size_t i = 0; i < CXM_SCORE_ROWS; i++)
        at_cells[i] = cells[i];
    for (int t = 0; t < TIMES; t++) {
        struct cxm_window windows[SUMS];
        uint32_t at[SUMS];
        const bool weighted = t % 2 == 0, typical = t % 4 < 2;
        const uint32_t n_sums = weighted ? SUMS : 2;
        for (uint32_t s = 0; s < n_sums; s++) {
            const bool any_sign = weighted ? s >= 2 && s <= 4 : s == 0;
            windows[s] = typical ? usual[weighted][s]
                                 : (struct cxm_window){ (int32_t)(draw() % 8) - 6,
                                                        (int32_t)(draw() % (CXM_WEIGHED_LIMBS + 1)) };
            at[s] = 1 + s * CXM_WEIGHED_LIMBS;
            for (size_t i = 0; i < CXM_SCORE_ROWS; i++)
                make_sum(cells[i] + at[s], windows[s].n, any_sign);
        }
        for (size_t i = 0; i < CXM_SCORE_ROWS; i++)
            cells[i][0] = (int64_t)(draw() >> (draw() % 63 + 1));
        const struct cxm_averaging a = { { 1, windows, at, NULL, at_cells, at_cells }, weighted, 0 };
        if (!cxm_priv_can_average(&a))
            continue;
        for (size_t v = 0; v < COUNT_OF(variants); v++, all += CXM_SCORE_ROWS)
            check_average(variants[v], &a, &fast);
    }
    print_message("%zu of %zu side by side\n", fast, all);
    assert_true(fast > all / 2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_of_groups),
        cmocka_unit_test(averaged_as_defined),
    };
    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 20261123;
    print_message("seed %llu\n", (unsigned long long)seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
