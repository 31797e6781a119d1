/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Laws of estimates and their intervals, for every metric: what weights are measured in does not
 * matter (bit for bit for powers of two), a difference turned round changes its sign, and one
 * row, equal rows and the widest weights give numbers inside the scale or NaN with a flag. */
#include "tallies.h"

#include <cxm/cxm.h>

enum { MOST_ROWS = 4000 };

struct table {
    struct cxm_row *rows;
    size_t n;
};

/* All measures of all groups and the total. */
static struct table read_all(struct cxm_tally *tally, double level)
{
    size_t n_measures = 0;
    assert_int_equal(cxm_tally_measures(tally, NULL, 0, 0, &n_measures, NULL), CXM_OK);
    uint32_t *measures = must_alloc(n_measures, sizeof *measures);
    for (size_t i = 0; i < n_measures; i++)
        measures[i] = (uint32_t)i;
    const struct cxm_estimate_options o = { .size = sizeof o, .level = level,
                                            .measures = measures, .n_measures = n_measures };
    struct table t = { must_alloc(MOST_ROWS, sizeof *t.rows), 0 };
    struct cxm_error error;
    if (cxm_tally_rows(tally, &o, t.rows, sizeof *t.rows, MOST_ROWS, &t.n, &error) != CXM_OK)
        fail_msg("%s", error.message);
    free(measures);
    return t;
}

/* Sums of weights grow with them; nothing else does. */
static bool grows(const struct cxm_row *row)
{
    return row->estimate.unit == CXM_UNIT_COUNT || row->estimate.unit == CXM_UNIT_MONEY
        || strcmp(row->metric, "total") == 0;
}

static bool same(double a, double b, double tolerance, double size)
{
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= tolerance * size;
}

/* Shares of churn of the average may exceed 1; what is measured in SLOT_REAL reaches 2^600. */
static bool has_a_scale(const struct setup *setup)
{
    for (int s = 0; s < setup->n_slots; s++)
        if (setup->kinds[s] == SLOT_REAL)
            return false;
    return strcmp(setup->name, "churn of the average") != 0 && !is_of_quantiles(setup);
}

static void assert_same_rows(const struct table *a, const struct table *b, double factor,
                             double tolerance, const struct setup *setup)
{
    const char *const what = setup->name;
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        const struct cxm_estimate *x = &a->rows[i].estimate, *y = &b->rows[i].estimate;
        const double size = fabs(x->value) + (isnan(x->std_error) ? 0 : x->std_error);
        const double wide = size + (isfinite(x->upper_raw) ? fabs(x->upper_raw) : 0);
        if (!has_a_scale(setup)) { /* squares of 2^600 are no doubles: no standard errors */
            if (strcmp(a->rows[i].measure, "mean") == 0
                && !same(x->value, y->value, fmax(tolerance, 0x1p-52), fabs(x->value)))
                fail_msg("%s, %s: %.17g and %.17g, factor %g", what, a->rows[i].measure, x->value,
                         y->value, factor);
            continue;
        }
        if (x->n != y->n || x->flags != y->flags || x->missing != y->missing)
            fail_msg("%s, %s: flags %x and %x, value %.17g and %.17g, std_error %g and %g", what,
                     a->rows[i].measure, x->flags, y->flags, x->value, y->value, x->std_error,
                     y->std_error);
        if (!same(x->sum_weight * factor, y->sum_weight, tolerance, fabs(y->sum_weight))
            || !same(x->n_eff, y->n_eff, tolerance, x->n_eff))
            fail_msg("%s, %s: sum %.17g and %.17g, n_eff %.17g and %.17g", what,
                     a->rows[i].measure, x->sum_weight, y->sum_weight, x->n_eff, y->n_eff);
        if (grows(&a->rows[i]))
            continue;
        if (!same(x->value, y->value, tolerance, size)
            || !same(x->std_error, y->std_error, tolerance, size)
            || !same(x->lower_raw, y->lower_raw, tolerance, wide)
            || !same(x->upper_raw, y->upper_raw, tolerance, wide)
            || !same(x->lower, y->lower, tolerance, wide)
            || !same(x->upper, y->upper, tolerance, wide) || !same(x->df, y->df, 0, 0))
            fail_msg("%s, %s of %s: %.17g ± %.17g [%.17g, %.17g] and %.17g ± %.17g [%.17g, %.17g]",
                     what, a->rows[i].measure, a->rows[i].group, x->value, x->std_error, x->lower,
                     x->upper, y->value, y->std_error, y->lower, y->upper);
    }
}

/* ---- the unit of weights -------------------------------------------------------------- */

static void scaled_weights(uint64_t *seed, bool by_two)
{
    for (size_t s = 0; s < N_SETUPS; s++) {
        if (!takes_weights(&setups[s]))
            continue;
        for (int round = 0; round < 4; round++) {
            struct rows rows = random_rows(&setups[s], WEIGHTED | (round % 2 ? BY_NUMBER : 0),
                                           (int64_t)random_below(seed, 80), seed);
            for (int64_t i = 0; i < rows.n && !by_two; i++)
                rows.weight[i] = 0.25 + random_unit(seed);
            struct cxm_tally *const plain = tally_of(&rows);
            const double factor = by_two ? ldexp(1, (int)random_below(seed, 201) - 100)
                                         : exp(20 * random_unit(seed) - 10);
            for (int64_t i = 0; i < rows.n; i++)
                rows.weight[i] *= factor;
            struct cxm_tally *const scaled = tally_of(&rows);
            struct table a = read_all(plain, 0.9), b = read_all(scaled, 0.9);
            assert_same_rows(&a, &b, factor, by_two ? 0 : 1e-12, &setups[s]);
            free(a.rows);
            free(b.rows);
            cxm_tally_free(plain);
            cxm_tally_free(scaled);
            rows_free(&rows);
        }
    }
}

static void powers_of_two_change_no_bit(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    scaled_weights(&seed, true);
}

static void any_unit_changes_roundings_only(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    scaled_weights(&seed, false);
}

/* ---- extremes ------------------------------------------------------------------------- */

static void assert_sound(const struct table *t, const char *what)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct cxm_estimate *e = &t->rows[i].estimate;
        const double top = e->unit == CXM_UNIT_SHARE ? 1 : INFINITY;
        const double bottom = e->unit == CXM_UNIT_SHARE ? 0 : -INFINITY;
        const bool fine = !(e->lower < bottom) && !(e->upper > top) && !(e->lower > e->upper)
                       && !(e->std_error < 0) && !(e->value < bottom) && !(e->value > top)
                       && (!isinf(e->value) || e->flags & CXM_FLAG_DEGENERATE
                           || e->unit == CXM_UNIT_RATIO)
                       && !(e->n_eff > (double)e->n * (1 + 1e-12))
                       && (isnan(e->lower) == isnan(e->upper)
                           || strcmp(t->rows[i].metric, "survival") == 0)
                       && (!isnan(e->value) || e->flags != 0);
        if (!fine)
            fail_msg("%s, %s of %s: %g ± %g [%g, %g], n %lld, n_eff %g, flags %x", what,
                     t->rows[i].measure, t->rows[i].group, e->value, e->std_error, e->lower,
                     e->upper, (long long)e->n, e->n_eff, e->flags);
    }
}

static void check_sound(struct rows *rows)
{
    struct cxm_tally *const tally = tally_of(rows);
    static const double levels[] = { 1e-6, 0.5, 0.95, 1 - 1e-9 };
    for (size_t l = 0; l < COUNT_OF(levels); l++) {
        struct table t = read_all(tally, levels[l]);
        assert_sound(&t, rows->setup->name);
        free(t.rows);
    }
    cxm_tally_free(tally);
}

static void extremes_are_sound(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    static const double weights[] = { 1e-100, 1e100, 1, 1e-50, 3e80 };
    for (size_t s = 0; s < N_SETUPS; s++) {
        if (!has_a_scale(&setups[s]))
            continue;
        for (int round = 0; round < 30; round++) {
            const unsigned options = round % 3 ? WEIGHTED : 0;
            struct rows rows = random_rows(&setups[s], options, 1 + round / 10 * 6, &seed);
            for (int64_t i = 0; i < rows.n; i++) {
                for (int k = 0; k < setups[s].n_slots && round % 2; k++)
                    rows.values[k][i] = rows.values[k][0]; /* all equal */
                if (rows.weight != NULL)
                    rows.weight[i] = weights[random_below(&seed, round % 5 ? 5 : 1)];
            }
            check_sound(&rows);
            rows_free(&rows);
        }
    }
}

/* Shares of 1e-12, one of 1e15, almost nobody of almost nobody. */
static void tiny_shares(void **state)
{
    (void)state;
    static const struct { double x, n; } rows[] = {
        { 1, 1e12 }, { 1e-12, 1 }, { 1e12 - 1, 1e12 }, { 1, 1e15 }, { 1e-300, 1e-290 },
        { 1e-12, 1e-12 }, { 0, 1e-12 }, { 1e3, 1e15 }, { 5e14, 1e15 } };
    static const enum cxm_interval methods[] = {
        CXM_INTERVAL_WALD, CXM_INTERVAL_WILSON, CXM_INTERVAL_WILSON_CC,
        CXM_INTERVAL_AGRESTI_COULL, CXM_INTERVAL_CLOPPER_PEARSON, CXM_INTERVAL_JEFFREYS,
        CXM_INTERVAL_MID_P, CXM_INTERVAL_LOGIT };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t m = 0; m < COUNT_OF(methods); m++) {
            struct cxm_interval_limits in, out;
            assert_int_equal(cxm_share_interval(rows[i].x, rows[i].n, 0.8, methods[m], &in, NULL),
                             CXM_OK);
            assert_int_equal(cxm_share_interval(rows[i].x, rows[i].n, 0.99, methods[m], &out,
                                                NULL), CXM_OK);
            if (isnan(in.lower)) { /* the logit without a success or a failure */
                assert_true(methods[m] == CXM_INTERVAL_LOGIT);
                continue;
            }
            if (!(in.lower >= 0 && in.upper <= 1 && in.lower <= in.upper && out.lower >= 0
                  && out.upper <= 1 && out.lower <= in.lower + 1e-15
                  && out.upper >= in.upper - 1e-15))
                fail_msg("%g of %g, %s: [%.17g, %.17g] in [%.17g, %.17g]", rows[i].x, rows[i].n,
                         cxm_interval_name(methods[m]), in.lower, in.upper, out.lower, out.upper);
        }
    /* One success of 1e12: the Poisson limits, to the last bits of a double. */
    struct cxm_interval_limits exact, poisson;
    assert_int_equal(cxm_share_interval(1, 1e12, 0.95, CXM_INTERVAL_CLOPPER_PEARSON, &exact,
                                        NULL), CXM_OK);
    assert_int_equal(cxm_rate_interval(1, 1e12, 0.95, &poisson, NULL), CXM_OK);
    assert_close(exact.lower, poisson.lower, 2e-12);
    assert_close(exact.upper, poisson.upper, 1e-11);
}

/* ---- differences ---------------------------------------------------------------------- */

static double axis_at(const struct cxm_report *r, const char *name, size_t row)
{
    return cxm_report_reals(r, (size_t)cxm_report_find_axis(r, name))[row];
}

static void assert_turned(const struct cxm_report *x, const struct cxm_report *y)
{
    assert_int_equal(cxm_report_rows(x), cxm_report_rows(y));
    for (size_t i = 0; i < cxm_report_rows(x); i++) {
        const struct cxm_estimate *a = &cxm_report_estimates(x)[i];
        const struct cxm_estimate *b = &cxm_report_estimates(y)[i];
        const bool turned =
            same(a->value, -b->value, 0, 0) && same(a->std_error, b->std_error, 1e-15, a->std_error)
            && same(a->lower, -b->upper, 1e-13, fabs(b->upper))
            && same(a->upper, -b->lower, 1e-13, fabs(b->lower))
            && same(axis_at(x, "p_value", i), axis_at(y, "p_value", i), 1e-12, 1)
            && same(axis_at(x, "p_greater", i), axis_at(y, "p_less", i), 1e-12, 1)
            && same(axis_at(x, "statistic", i), -axis_at(y, "statistic", i), 1e-13,
                    fabs(axis_at(x, "statistic", i)));
        if (!turned)
            fail_msg("%s: %.17g [%.17g, %.17g] and %.17g [%.17g, %.17g]", cxm_report_measure(x, i),
                     a->value, a->lower, a->upper, b->value, b->lower, b->upper);
    }
}

static void differences_turn_round(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (size_t s = 0; s < N_SETUPS; s++) {
        const bool averages = strcmp(setups[s].metric, "survival") != 0
                           && strcmp(setups[s].metric, "revenue") != 0 && !setups[s].reason
                           && has_a_scale(&setups[s]);
        for (int round = 0; round < 8 && averages; round++) {
            const unsigned options = (round % 2 ? WEIGHTED : 0) | (round % 4 > 1 ? BY_TEXT : 0);
            struct rows left = random_rows(&setups[s], options, 30 + round * 5, &seed);
            struct rows right = random_rows(&setups[s], options, 45 - round * 3, &seed);
            struct cxm_tally *const a = tally_of(&left), *const b = tally_of(&right);
            struct cxm_report *x = NULL, *y = NULL;
            const struct cxm_compare_options o = { CXM_INIT(compare), .level = 0.9 };
            struct cxm_error error;
            const enum cxm_status got = cxm_compare(a, b, &o, &x, &error);
            assert_int_equal(cxm_compare(b, a, &o, &y, NULL), got);
            if (got == CXM_OK)
                assert_turned(x, y);
            cxm_report_free(x);
            cxm_report_free(y);
            cxm_tally_free(a);
            cxm_tally_free(b);
            rows_free(&left);
            rows_free(&right);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_of_two_change_no_bit),
        cmocka_unit_test(any_unit_changes_roundings_only),
        cmocka_unit_test(extremes_are_sound),
        cmocka_unit_test(tiny_shares),
        cmocka_unit_test(differences_turn_round),
    };
    return cmocka_run_group_tests_name("interval_laws", tests, NULL, NULL);
}
