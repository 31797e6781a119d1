/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Targets and scorecards: worked rows, rows of tests/reference/target_rows.py (fractions, every
 * n tried), tallies with groups and weights against plain numbers, edges, lack of memory. */
#include "testing.h"

#include "metric/metric.h"

#include <cxm/cxm.h>

static struct cxm_target_result share(double k, double n, double target,
                                      struct cxm_target_options o)
{
    struct cxm_target_result out;
    o.size = sizeof o;
    assert_int_equal(cxm_target_share(k, n, target, &o, &out, NULL), CXM_OK);
    return out;
}

static struct cxm_target_result nps(double d, double p, double r, double target,
                                    struct cxm_target_options o)
{
    struct cxm_target_result out;
    o.size = sizeof o;
    assert_int_equal(cxm_target_nps(d, p, r, target, &o, &out, NULL), CXM_OK);
    return out;
}

#define PLAIN (struct cxm_target_options){ .size = 0 }
#define AT_MOST (struct cxm_target_options){ .direction = CXM_AT_MOST }

/* ---- shares --------------------------------------------------------------------------- */

static void shares_match_rows(void **state)
{
    (void)state;
    static const struct {
        double k, n, target, p, unit, lower, upper, wilson;
        enum cxm_verdict verdict;
    } rows[] = { /* R binom.test and prop.test, printed digits */
        { 460, 500, 0.90, 0.0750892897, 5e-11, 0.897132461, 0.939061930, 0.897709045,
          CXM_VERDICT_INCONCLUSIVE },
        { 469, 500, 0.90, 0.0017618594, 5e-11, 0.917238491, 0.954764334, 0.917794719,
          CXM_VERDICT_MET },
        { 430, 500, 0.90, 0.998225906, 5e-10, 0.831888194, 0.884891028, 0.832533245,
          CXM_VERDICT_NOT_MET },
        { 1910, 2000, 0.95, 0.164972431, 5e-10, 0.946613696, 0.962374557, 0.946741064,
          CXM_VERDICT_INCONCLUSIVE },
        { 1922, 2000, 0.95, 0.0115316184, 5e-11, 0.953108654, 0.9678634, 0.953234393,
          CXM_VERDICT_MET },
        { 60, 60, 0.95, 0.046069799, 5e-10, 0.951297087, 1, 0.956853201, CXM_VERDICT_MET },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cxm_target_result got = share(rows[i].k, rows[i].n, rows[i].target, PLAIN);
        assert_true(fabs(got.p_value - rows[i].p) <= rows[i].unit);
        assert_close(got.p_value, got.p_greater, 0.0);
        assert_true(fabs(got.lower - rows[i].lower) <= 5.1e-10);
        assert_true(fabs(got.upper - rows[i].upper) <= (i == 4 ? 5e-7 : 5.1e-10));
        assert_true(fabs(got.lower_other - rows[i].wilson) <= 5.1e-10);
        assert_int_equal(got.verdict, rows[i].verdict);
        assert_int_equal(got.point_pass, i != 2);
        assert_int_equal(got.interval, CXM_INTERVAL_CLOPPER_PEARSON);
    }
    const struct cxm_target_result got = share(93, 100, 0.90, PLAIN);
    assert_close(got.p_value, 0.206050861804, 2e-12);
    assert_close(got.p_mid, 0.161603238620, 2e-12);
    assert_close(got.p_other, 0.158655253931, 3e-12);
    assert_close(got.p_two_sided, 0.404229749164, 2e-12);
    assert_close(got.lower, 0.872541984417, 1e-12);
    assert_close(got.lower_other, 0.875739886933, 1e-12);
    assert_int_equal(got.verdict, CXM_VERDICT_INCONCLUSIVE);
    assert_close(got.alpha, 0.05, 0.0);
    assert_true(share(430, 500, 0.9, PLAIN).p_less - 0.0027107 < 5e-8);
}

static const struct reference {
    char kind;
    double a, b, c, target, alpha, p_greater, p_less;
    int64_t n_needed;
} reference[] = {
#include "data/target_rows.h"
};

static void reference_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reference); i++) {
        const struct reference *r = &reference[i];
        const struct cxm_target_options o = { .alpha = r->alpha };
        const struct cxm_target_result got =
            r->kind == 's' ? share(r->a, r->c, r->target, o)
                           : nps(r->a, r->b, r->c, 100 * r->target, o);
        if (!is_close(got.p_greater, r->p_greater, 1e-11)
            || !is_close(got.p_less, r->p_less, 1e-11))
            fail_msg("row %zu: %.17g, %.17g", i, got.p_greater, got.p_less);
        const int64_t want = r->n_needed < 0 ? INT64_MIN : r->n_needed;
        if (got.n_needed != want)
            fail_msg("row %zu: %lld answers, not %lld", i, (long long)got.n_needed,
                     (long long)want);
        assert_int_equal(got.verdict == CXM_VERDICT_INCONCLUSIVE, want > 0);
    }
}

/* As much evidence for "at least" as for "at most" of the failures. */
static void directions_mirror(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int round = 0; round < 500; round++) {
        const double n = 1 + (double)random_below(&seed, 200);
        const double k = (double)random_below(&seed, (uint64_t)n + 1);
        const double target = (double)random_below(&seed, 129) / 128;
        const struct cxm_target_options up = { .alpha = 0.01 + 0.4 * random_unit(&seed) };
        struct cxm_target_options down = up;
        down.direction = CXM_AT_MOST;
        const struct cxm_target_result a = share(k, n, target, up);
        const struct cxm_target_result b = share(n - k, n, 1 - target, down);
        assert_int_equal(a.verdict, b.verdict);
        assert_int_equal(a.n_needed, b.n_needed);
        assert_int_equal(a.point_pass, b.point_pass);
        assert_close(a.p_value, b.p_value, 1e-11);
        assert_close(a.p_mid, b.p_mid, 1e-11);
        assert_close(a.p_other, b.p_other, 1e-9);
        assert_true(fabs(a.lower - (1 - b.upper)) < 1e-13);
        /* The verdict is that of the p-values. */
        if (fabs(a.p_greater - up.alpha) > 1e-9 && fabs(a.p_less - up.alpha) > 1e-9)
            assert_int_equal(a.verdict, a.p_greater <= up.alpha ? CXM_VERDICT_MET
                                        : a.p_less < up.alpha   ? CXM_VERDICT_NOT_MET
                                                                : CXM_VERDICT_INCONCLUSIVE);
        if (a.n_needed > 0) { /* settled there, and not one answer earlier */
            const double m = (double)a.n_needed;
            assert_true(share(k == n ? m : k / n * m, m, target, up).verdict != 0);
            assert_true(m - 1 <= n || share(k == n ? m - 1 : k / n * (m - 1), m - 1, target,
                                            up).verdict == 0);
        }
        const double d = floor(n / 3);
        const struct cxm_target_result c = nps(d, n - d, k, 200 * target - 100, up);
        const struct cxm_target_result e = nps(k, n - d, d, 100 - 200 * target, down);
        assert_int_equal(c.verdict, e.verdict);
        assert_int_equal(c.n_needed, e.n_needed);
        assert_close(c.p_value, e.p_value, 1e-11);
        assert_close(c.lower, -e.upper, 1e-11);
        assert_close(c.lower_other, -e.upper_other, 1e-11);
    }
}

/* Edge 18: k = 0, k = n, targets 0 and 1, nobody, everybody the same. */
static void edges(void **state)
{
    (void)state;
    struct cxm_target_result got = share(0, 0, 0.9, PLAIN);
    assert_true(isnan(got.value) && isnan(got.p_value) && isnan(got.lower));
    assert_int_equal(got.flags, CXM_FLAG_NO_DATA);
    assert_int_equal(got.verdict, CXM_VERDICT_INCONCLUSIVE);
    assert_true(got.n_needed == INT64_MIN && got.point_pass == 0);
    for (double k = 0; k <= 5; k++) {
        assert_int_equal(share(k, 5, 0, PLAIN).verdict, CXM_VERDICT_MET);
        assert_int_equal(share(k, 5, 1, PLAIN).verdict,
                         k == 5 ? CXM_VERDICT_INCONCLUSIVE : CXM_VERDICT_NOT_MET);
        assert_int_equal(share(k, 5, 1, AT_MOST).verdict, CXM_VERDICT_MET);
        assert_int_equal(share(k, 5, 0, AT_MOST).verdict,
                         k == 0 ? CXM_VERDICT_INCONCLUSIVE : CXM_VERDICT_NOT_MET);
    }
    got = share(5, 5, 1, PLAIN); /* 100 % is never proved */
    assert_true(got.p_value == 1.0 && got.n_needed == INT64_MIN && got.lower < 1.0);
    got = share(0, 20, 0.9, PLAIN);
    assert_true(got.lower == 0.0 && got.p_value == 1.0 && got.verdict == CXM_VERDICT_NOT_MET);
    got = share(9, 10, 0.9, PLAIN); /* the value is the target: no number settles it */
    assert_true(got.n_needed == INT64_MIN && got.point_pass == 1);
    got = share(45, 1000, 0.05, AT_MOST);
    assert_int_equal(got.verdict, CXM_VERDICT_INCONCLUSIVE);
    assert_close(got.p_value, got.p_less, 0.0);
    got = share(1e9, 1e9, 1 - 1e-12, PLAIN);
    assert_int_equal(got.verdict, CXM_VERDICT_INCONCLUSIVE);
    assert_int_equal(got.n_needed, (int64_t)ceil(log(0.05) / log(1 - 1e-12)));
    got = nps(0, 0, 0, 40, PLAIN);
    assert_true(got.flags == CXM_FLAG_NO_DATA && got.verdict == CXM_VERDICT_INCONCLUSIVE);
    got = nps(0, 0, 1, 40, PLAIN);
    assert_int_equal(got.verdict, CXM_VERDICT_INCONCLUSIVE);
    assert_true(got.n_needed > 1 && got.n_needed < 100);
    got = nps(0, 0, 9, 100, PLAIN);
    assert_int_equal(got.verdict, CXM_VERDICT_INCONCLUSIVE);
    got = nps(0, 1, 9, 100, PLAIN); /* anybody else disproves 100 points */
    assert_int_equal(got.verdict, CXM_VERDICT_NOT_MET);
    assert_true(got.p_less == 0.0 && got.p_greater == 1.0);
    got = nps(0, 9, 0, 0, PLAIN);
    assert_close(got.p_value, 0.5, 0.0);
    got = nps(9, 0, 0, -100, PLAIN);
    assert_int_equal(got.verdict, CXM_VERDICT_MET);
    got = nps(15e13, 25e13, 40e13, 31.2499, PLAIN);
    assert_int_equal(got.verdict, CXM_VERDICT_MET);
}

static void censuses_test_nothing(void **state)
{
    (void)state;
    const struct cxm_target_options all = { .census = 1 };
    struct cxm_target_result got = share(460, 500, 0.9, all);
    assert_int_equal(got.verdict, CXM_VERDICT_MET);
    assert_true(isnan(got.p_value) && isnan(got.lower) && got.n_needed == INT64_MIN);
    got = share(440, 500, 0.9, all);
    assert_int_equal(got.verdict, CXM_VERDICT_NOT_MET);
    got = share(450, 500, 0.9, all);
    assert_int_equal(got.verdict, CXM_VERDICT_MET);
    got = nps(1, 2, 3, 34, all);
    assert_int_equal(got.verdict, CXM_VERDICT_NOT_MET);
}

/* ---- means ---------------------------------------------------------------------------- */

static struct cxm_target_result mean(double value, double std_error, double df, double n,
                                     double target)
{
    struct cxm_target_result out;
    assert_int_equal(cxm_target_mean(value, std_error, df, n, target, NULL, &out, NULL), CXM_OK);
    return out;
}

static void means(void **state)
{
    (void)state;
    /* 4.19, sd 1.031768120532 of 100: t = 1.8415 against 4; R pt() and qt(). */
    struct cxm_target_result got = mean(4.19, 0.1031768120532, 99, 100, 4);
    assert_close(got.p_value, 0.034271274271417, 1e-12);
    assert_close(got.lower, 4.0186861337608, 1e-13);
    assert_int_equal(got.verdict, CXM_VERDICT_MET);
    assert_close(got.p_two_sided, 2 * got.p_value, 1e-15);
    got = mean(4.19, 0.1031768120532, 99, 100, 4.1);
    assert_int_equal(got.verdict, CXM_VERDICT_INCONCLUSIVE);
    /* t(.95; m - 1) 1.031768120532 / sqrt(m) <= .09 first at m = 358 (R) */
    assert_int_equal(got.n_needed, 358);
    got = mean(4.19, 0.1031768120532, INFINITY, 100, 4.1);
    assert_int_equal(got.n_needed, (int64_t)ceil(pow(1.644853626951473 * 1.031768120532 / 0.09,
                                                     2)));
    got = mean(4, 0.5, 2, 3, 3.5); /* t(.95; m - 1) .5 sqrt(3 / m) <= .5 first at m = 11 (R) */
    assert_int_equal(got.n_needed, 11);
    got = mean(4.19, 0.1, 99, 100, 4.19);
    assert_close(got.p_value, 0.5, 1e-15);
    assert_true(got.n_needed == INT64_MIN);
    got = mean(5, 0, 9, 10, 4.5);
    assert_true(got.verdict == CXM_VERDICT_MET && got.p_value == 0.0);
    assert_int_equal(got.flags, CXM_FLAG_DEGENERATE);
    got = mean(5, 0, 9, 10, 5);
    assert_true(got.verdict == CXM_VERDICT_INCONCLUSIVE && got.p_value == 1.0);
    got = mean(5, NAN, 0, 1, 4);
    assert_true(got.verdict == CXM_VERDICT_INCONCLUSIVE && isnan(got.p_value));
    got = mean(NAN, NAN, NAN, 0, 4);
    assert_int_equal(got.flags, CXM_FLAG_NO_DATA);
    got = mean(3, 1, 3, 0, 4);
    assert_true(got.n_needed == INT64_MIN);
}

static void refused(void **state)
{
    (void)state;
    struct cxm_target_result out = { .n = 42 };
    struct cxm_error error;
    assert_int_equal(cxm_target_share(93, 100, 90, NULL, &out, &error), CXM_EINVAL);
    assert_string_equal(error.message, "the target of a share must be from 0 to 1, not 90; did "
                                       "you mean 0.9?");
    assert_string_equal(error.column, "target");
    assert_int_equal(cxm_target_share(93, 100, NAN, NULL, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_target_share(93, 100, -0.1, NULL, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_target_share(101, 100, 0.9, NULL, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_target_share(-1, 100, 0.9, NULL, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_target_share(1, 100, 0.9, NULL, NULL, NULL), CXM_EINVAL);
    static const double alphas[] = { -0.1, 1e-18, 0.5, 0.7, 5, NAN };
    for (size_t i = 0; i < COUNT_OF(alphas); i++) {
        const struct cxm_target_options o = { CXM_TARGET_INIT, .alpha = alphas[i] };
        assert_int_equal(cxm_target_share(93, 100, 0.9, &o, &out, &error), CXM_EINVAL);
        assert_string_equal(error.column, "alpha");
    }
    struct cxm_target_options o = { CXM_TARGET_INIT, .direction = 3 };
    assert_int_equal(cxm_target_share(93, 100, 0.9, &o, &out, NULL), CXM_EINVAL);
    o = (struct cxm_target_options){ .alpha = 0.05 };
    assert_int_equal(cxm_target_share(93, 100, 0.9, &o, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_target_nps(1, 2, 3, 101, NULL, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_target_nps(-1, 2, 3, 10, NULL, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_target_mean(1, -1, 3, 4, 1, NULL, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_target_mean(1, 1, 3, 4, INFINITY, NULL, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_target_mean(1, 1, 3, -4, 1, NULL, &out, NULL), CXM_EINVAL);
    assert_close(out.n, 42, 0.0);
    assert_string_equal(cxm_verdict_name((enum cxm_verdict)9), "inconclusive");
    assert_string_equal(cxm_direction_name(CXM_AT_MOST), "at_most");
}

/* ---- tallies -------------------------------------------------------------------------- */

enum { N = 300 };

/* Scores of three regions and weights around 1. */
static struct cxm_tally *scores(bool weighted, double scale, const struct cxm_allocator *heap)
{
    static double score[N], weight[N];
    static int32_t region[N];
    uint64_t seed = 7;
    for (int i = 0; i < N; i++) {
        score[i] = (double)(random_below(&seed, 3) ? 5 + random_below(&seed, 6)
                                                   : random_below(&seed, 11));
        region[i] = (int32_t)random_below(&seed, 3);
        weight[i] = scale * (weighted ? 0.5 + random_unit(&seed) : 1);
    }
    const struct cxm_column columns[] = { CXM_ARRAY(score, N), CXM_ARRAY(region, N),
                                          CXM_ARRAY(weight, N) };
    const struct cxm_input inputs[] = { { "score", &columns[0] }, { "by", &columns[1] },
                                        { "weight", &columns[2] } };
    struct cxm_tally *tally;
    assert_int_equal(cxm_tally_new("nps", NULL, 0, heap, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, weighted || scale != 1 ? 3 : 2, NULL, NULL),
                     CXM_OK);
    return tally;
}

static struct cxm_report *target_of(struct cxm_tally *tally, double target,
                                    struct cxm_target_options o)
{
    struct cxm_report *report = NULL;
    struct cxm_error error;
    o.size = sizeof o;
    if (cxm_target(tally, target, &o, &report, &error) != CXM_OK)
        fail_msg("%s", error.message);
    return report;
}

static double real_at(const struct cxm_report *r, const char *axis, size_t row)
{
    return cxm_report_reals(r, (size_t)cxm_report_find_axis(r, axis))[row];
}

static int64_t int_at(const struct cxm_report *r, const char *axis, size_t row)
{
    return cxm_report_ints(r, (size_t)cxm_report_find_axis(r, axis))[row];
}

static const char *text_at(const struct cxm_report *r, const char *axis, size_t row)
{
    return cxm_report_text(r, (size_t)cxm_report_find_axis(r, axis), row);
}

static double measure_of(struct cxm_tally *tally, int64_t group, const char *name)
{
    struct cxm_row rows[64];
    size_t n;
    const uint32_t all[] = { 0, 1, 2, 3 };
    const struct cxm_estimate_options o = { .size = sizeof o, .measures = all, .n_measures = 4,
                                            .groups = &group, .n_groups = 1 };
    assert_int_equal(cxm_tally_rows(tally, &o, rows, sizeof rows[0], 64, &n, NULL), CXM_OK);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].measure, name) == 0)
            return rows[i].estimate.value;
    return NAN;
}

/* Without weights the rows are those of the counts; equal weights change nothing. */
static void tallies_are_their_counts(void **state)
{
    (void)state;
    for (int equal = 0; equal < 2; equal++) {
        struct cxm_tally *const tally = scores(false, equal ? 0.1 : 1, NULL);
        struct cxm_report *r = target_of(tally, 10, (struct cxm_target_options){ .total = 1 });
        assert_int_equal(cxm_report_rows(r), 4);
        for (size_t g = 0; g < 4; g++) {
            const struct cxm_estimate *e = &cxm_report_estimates(r)[g];
            const int64_t group = g < 3 ? (int64_t)g : CXM_TOTAL;
            const double n = (double)e->n;
            const double d = round(n * measure_of(tally, group, "detractors"));
            const double up = round(n * measure_of(tally, group, "promoters"));
            const struct cxm_target_result want = nps(d, n - d - up, up, 10, PLAIN);
            /* With weights the variance has the divisor n - 1: almost the same. */
            const double close = equal ? 0.02 : 1e-12;
            assert_close(e->value, want.value, 1e-12);
            assert_close(real_at(r, "p_value", g), want.p_value, close);
            assert_true(fabs(real_at(r, "lower_bound", g) - want.lower) <= 20 * close);
            assert_true(fabs(real_at(r, "adjusted_upper", g) - want.upper_other) <= 20 * close);
            if (!equal) {
                assert_string_equal(text_at(r, "verdict", g),
                                    cxm_verdict_name((enum cxm_verdict)want.verdict));
                assert_true(int_at(r, "n_needed", g) == want.n_needed);
            }
            assert_int_equal(e->group, group);
            assert_close(real_at(r, "target", g), 10, 0.0);
            assert_string_equal(text_at(r, "direction", g), "at_least");
            assert_string_equal(cxm_report_metric(r, g), "nps");
        }
        cxm_report_free(r);
        r = target_of(tally, 0.5, (struct cxm_target_options){ .measure = "promoters" });
        for (size_t g = 0; g < 3 && !equal; g++) {
            const double n = (double)cxm_report_estimates(r)[g].n;
            const double k = round(n * cxm_report_estimates(r)[g].value);
            const struct cxm_target_result want = share(k, n, 0.5, PLAIN);
            assert_close(real_at(r, "p_value", g), want.p_value, 0.0);
            assert_close(real_at(r, "p_mid", g), want.p_mid, 0.0);
            assert_close(real_at(r, "wilson_lower", g), want.lower_other, 0.0);
            assert_true(int_at(r, "n_needed", g) == want.n_needed);
            assert_int_equal(int_at(r, "point_pass", g), want.point_pass);
        }
        cxm_report_free(r);
        r = target_of(tally, 0.5, (struct cxm_target_options){ .measure = "detractors" });
        assert_string_equal(text_at(r, "direction", 0), "at_most");
        cxm_report_free(r);
        r = target_of(tally, 7, (struct cxm_target_options){ .measure = "mean" });
        for (size_t g = 0; g < 3 && !equal; g++) {
            const struct cxm_estimate *e = &cxm_report_estimates(r)[g];
            const struct cxm_target_result want = mean(e->value, e->std_error,
                                                       (double)e->n - 1, (double)e->n, 7);
            assert_close(real_at(r, "p_value", g), want.p_value, 0.0);
            assert_true(int_at(r, "n_needed", g) == want.n_needed);
            assert_int_equal(cxm_report_find_axis(r, "wilson_lower"), -1);
        }
        cxm_report_free(r);
        cxm_tally_free(tally);
    }
}

/* Less of these is better, and so is a low mean effort where a low answer is an easy one. */
static void usual_directions(void **state)
{
    (void)state;
    static const struct { const char *metric, *measure; bool at_most; double low_is_easy; } rows[] = {
        { "revenue", "gross_churn", true, 0 }, { "revenue", "net_churn", true, 0 },
        { "revenue", "net_churn_reactivation", true, 0 }, { "revenue", "nrr", false, 0 },
        { "revenue", "logo_churn", true, 0 }, { "reopen", "reopen", true, 0 },
        { "reopen", "reopens_per_ticket", true, 0 }, { "complaints", "complaints", true, 0 },
        { "complaints", "complainers", true, 0 }, { "contact_rate", "contacting", true, 0 },
        { "fcr_window", "fcr", false, 0 }, { "fcr_window", "repeat", true, 0 },
        { "ces", "ces", false, 0 }, { "ces", "ces", true, 1 }, { "ces", "easy", false, 1 },
        { "ces", "difficult", true, 1 }, { "ces", "net", false, 1 },
        { "churn", "successes", true, 0 }, { "churn", "lost_new", true, 0 },
        { "retention", "successes", false, 0 },
        { "reopen", "successes", true, 0 }, { "escalation", "successes", true, 0 },
        { "complaints", "number", true, 0 }, { "contact_rate", "number", true, 0 },
        { "revenue", "customers_churned", true, 0 }, { "revenue", "customers_contracted", true, 0 },
        { "revenue", "customers_expanded", false, 0 }, { "survival", "survival", false, 0 },
        { "survival", "events", true, 0 }, { "fcr_window", "successes", false, 0 },
        { "fcr_window", "early_repeat", true, 0 }, { "fcr_window", "open", true, 0 },
        { "fcr_window", "bad", true, 0 }, { "fcr_window", "unlinked", true, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const double scale[] = { 1, 7 }, high_is_easy = 1 - rows[i].low_is_easy;
        const struct cxm_param params[] = { { .name = "scale", .numbers = scale, .n_numbers = 2 },
                                            { .name = "high_is_easy",
                                              .numbers = &high_is_easy, .n_numbers = 1 } };
        struct cxm_tally *tally;
        const bool effort = strcmp(rows[i].metric, "ces") == 0;
        assert_int_equal(cxm_tally_new(rows[i].metric, params, effort ? 2 : 0, NULL, &tally, NULL),
                         CXM_OK);
        struct cxm_report *r = target_of(tally, 0.5, (struct cxm_target_options){
            .measure = rows[i].measure, .census = 1 }); /* so that counts have a verdict, too */
        assert_string_equal(text_at(r, "direction", 0), rows[i].at_most ? "at_most" : "at_least");
        cxm_report_free(r);
        cxm_tally_free(tally);
    }
}

/* No measure is without a better end by oversight, and a headline always has one: a scorecard may
 * name a metric and a target, and nothing else. */
static void every_measure_says_which_end_is_better(void **state)
{
    (void)state;
    static const double one = 1;
    static const char *const items[] = { "speed", "price" };
    for (size_t i = 0; i < cxm_metric_count(); i++) {
        const struct cxm_metric_info *info = cxm_metric_at(i);
        struct cxm_param params[8];
        size_t n = 0;
        for (int32_t p = 0; p < info->n_params; p++) {
            const bool text = info->params[p].kind == CXM_PARAM_TEXTS;
            if (info->params[p].required)
                params[n++] = (struct cxm_param){ info->params[p].name, text ? NULL : &one, !text,
                                                  text ? items : NULL, text ? 2 : 0 };
        }
        struct cxm_tally *tally;
        assert_int_equal(cxm_tally_new(info->name, params, n, NULL, &tally, NULL), CXM_OK);
        assert_in_range(cxm_priv_better(&tally->config, 0), CXM_BETTER_HIGH, CXM_BETTER_LOW);
        for (int32_t m = 1; m < info->n_measures; m++) {
            if (cxm_priv_better(&tally->config, m) == CXM_BETTER_UNSAID)
                fail_msg("%s: which end of %s is better?", info->name, info->measures[m].name);
        }
        cxm_tally_free(tally);
    }
}

/* More of these is neither better nor worse: the caller says which way, also in a scorecard. */
static void neutral_measures(void **state)
{
    (void)state;
    static const struct { const char *metric, *measure; } rows[] = {
        { "nps", "passives" }, { "nps", "share[9]" }, { "csat", "share[5]" }, { "mean", "sd" },
        { "share", "denominator" }, { "churn", "denominator" }, { "paired", "p[t]" },
        { "paired", "transition[detractor,promoter]" }, { "paired", "score" },
        { "fcr_window", "pending" }, { "resolution", "opened" }, { "complaints", "customers" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cxm_tally *tally;
        struct cxm_report *r = NULL;
        struct cxm_error error;
        struct cxm_target_options o = { CXM_TARGET_INIT, .measure = rows[i].measure, .census = 1 };
        struct cxm_scorecard_line line = { .tally = NULL, .measure = rows[i].measure, .target = 0.5,
                                           .census = 1 };
        assert_int_equal(cxm_tally_new(rows[i].metric, NULL, 0, NULL, &tally, NULL), CXM_OK);
        line.tally = tally;
        assert_int_equal(cxm_target(tally, 0.5, &o, &r, &error), CXM_EINVAL);
        assert_string_equal(error.column, "direction");
        assert_non_null(strstr(error.message, rows[i].measure));
        assert_int_equal(cxm_scorecard(&line, 1, 0, &r, &error), CXM_EINVAL);
        assert_string_equal(error.column, "direction");
        assert_null(r);
        o.direction = CXM_AT_MOST;
        r = target_of(tally, 0.5, o);
        assert_string_equal(text_at(r, "direction", 0), "at_most");
        cxm_report_free(r);
        line.target = NAN; /* without a target nothing is judged */
        assert_int_equal(cxm_scorecard(&line, 1, 0, &r, &error), CXM_OK);
        cxm_report_free(r);
        cxm_tally_free(tally);
    }
}

/* 60 of 100 asked out of 200: 100 / (1 - 1/2) answers count, as in the interval beside it, and all of
 * the list settles it at the latest. Where all were asked the value decides. */
static void finite_lists(void **state)
{
    (void)state;
    uint8_t score[100], yes[100];
    for (int i = 0; i < 100; i++) {
        yes[i] = i < 60;
        score[i] = i < 60 ? 10 : 5;
    }
    const struct cxm_column s = CXM_ARRAY_AS(CXM_U8, score, 100), y = CXM_ARRAY_AS(CXM_U8, yes, 100);
    static const double populations[] = { 200, 100 };
    for (int k = 0; k < 4; k++) {
        const bool net = k % 2 == 1, all = k >= 2;
        const struct cxm_column fpc = cxm_column_make("fpc", CXM_F64, &populations[all], 100, 0, 1);
        const struct cxm_input inputs[] = { net ? (struct cxm_input){ "score", &s }
                                                : (struct cxm_input){ "numerator", &y },
                                            { "fpc", &fpc } };
        const double below = net ? 16 : 0.58, above = net ? 24 : 0.62;
        struct cxm_target_result want;
        struct cxm_tally *tally;
        assert_int_equal(cxm_tally_new(net ? "nps" : "share", NULL, 0, NULL, &tally, NULL), CXM_OK);
        assert_int_equal(cxm_tally_add(tally, inputs, 2, NULL, NULL), CXM_OK);
        struct cxm_report *r = target_of(tally, below, PLAIN), *other = target_of(tally, above, PLAIN);
        assert_int_equal(net ? cxm_target_nps(80, 0, 120, below, NULL, &want, NULL)
                             : cxm_target_share(120, 200, below, NULL, &want, NULL), CXM_OK);
        assert_string_equal(text_at(r, "verdict", 0), all ? "met" : "inconclusive");
        assert_string_equal(text_at(other, "verdict", 0), all ? "not met" : "inconclusive");
        assert_close(real_at(r, "p_value", 0), all ? NAN : want.p_value, 1e-9);
        assert_close(real_at(r, "lower_bound", 0), all ? NAN : want.lower, 1e-9);
        assert_close(real_at(r, "upper_bound", 0), all ? NAN : want.upper, 1e-9);
        assert_true(int_at(r, "n_needed", 0) == (all ? INT64_MIN : 200));
        cxm_report_free(r);
        cxm_report_free(other);
        cxm_tally_free(tally);
    }
}

/* Percent are no shares, of contacts of customers, of revenue and of survivors neither. */
static void shares_of_all_kinds(void **state)
{
    (void)state;
    static const char *const rows[][2] = { { "fcr_window", "fcr" }, { "revenue", "grr" },
                                           { "survival", "survival" }, { "share", "share" } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cxm_tally *tally;
        struct cxm_report *r = NULL;
        struct cxm_error error;
        assert_int_equal(cxm_tally_new(rows[i][0], NULL, 0, NULL, &tally, NULL), CXM_OK);
        const struct cxm_target_options o = { CXM_TARGET_INIT, .measure = rows[i][1] };
        const struct cxm_scorecard_line line = { .tally = tally, .measure = rows[i][1], .target = 80 };
        assert_int_equal(cxm_target(tally, 80, &o, &r, &error), CXM_EINVAL);
        assert_non_null(strstr(error.message, "did you mean 0.8?"));
        assert_int_equal(cxm_scorecard(&line, 1, 0, &r, &error), CXM_EINVAL);
        assert_int_equal(cxm_target(tally, 0.8, &o, &r, &error), CXM_OK);
        cxm_report_free(r);
        cxm_tally_free(tally);
    }
}

/* On three answers the middle one is among the best two and the worst two, and in neither side of the
 * net score: 2, 3 and 5 answers are judged as such. On two nobody is on either side. */
static void net_of_overlapping_boxes(void **state)
{
    (void)state;
    static const uint8_t score[] = { 1, 1, 2, 2, 2, 3, 3, 3, 3, 3 };
    const double three[] = { 1, 3 }, two[] = { 1, 2 }, satisfied[] = { 3 }, second[] = { 2 };
    const struct cxm_param params[] = { { .name = "scale", .numbers = three, .n_numbers = 2 },
                                        { .name = "satisfied", .numbers = satisfied, .n_numbers = 1 } };
    const struct cxm_param short_scale[] = { { .name = "scale", .numbers = two, .n_numbers = 2 },
                                             { .name = "satisfied", .numbers = second, .n_numbers = 1 } };
    const struct cxm_column c = CXM_ARRAY_AS(CXM_U8, score, 10), few = CXM_ARRAY_AS(CXM_U8, score, 5);
    for (int scale = 3; scale >= 2; scale--) {
        const struct cxm_input input = { "score", scale == 3 ? &c : &few };
        struct cxm_target_result want;
        struct cxm_tally *tally;
        assert_int_equal(cxm_tally_new("csat", scale == 3 ? params : short_scale, 2, NULL, &tally, NULL),
                         CXM_OK);
        assert_int_equal(cxm_tally_add(tally, &input, 1, NULL, NULL), CXM_OK);
        struct cxm_report *r = target_of(tally, 10, (struct cxm_target_options){ .measure = "net" });
        assert_int_equal(cxm_target_nps(scale == 3 ? 2 : 0, scale == 3 ? 3 : 5, scale == 3 ? 5 : 0, 10,
                                        NULL, &want, NULL), CXM_OK);
        assert_close(cxm_report_estimates(r)[0].value, want.value, 1e-14);
        assert_close(real_at(r, "p_value", 0), want.p_value, 1e-13);
        assert_close(real_at(r, "lower_bound", 0), want.lower, 1e-12);
        assert_close(real_at(r, "upper_bound", 0), want.upper, 1e-12);
        assert_close(real_at(r, "adjusted_lower", 0), want.lower_other, 1e-12);
        assert_true(int_at(r, "n_needed", 0) == want.n_needed);
        cxm_report_free(r);
        cxm_tally_free(tally);
    }
}

/* Weights cost answers: the test rests on fewer, and their scale does not matter. */
static void weights_count_less(void **state)
{
    (void)state;
    struct cxm_tally *const a = scores(true, 1, NULL), *const b = scores(true, 1e-50, NULL);
    struct cxm_report *x = target_of(a, 20, PLAIN), *y = target_of(b, 20, PLAIN);
    struct cxm_report *s = target_of(a, 0.5, (struct cxm_target_options){
        .measure = "promoters", .level = 0.9, .interval = CXM_INTERVAL_WILSON });
    for (size_t g = 0; g < 3; g++) {
        assert_close(real_at(x, "p_value", g), real_at(y, "p_value", g), 1e-10);
        assert_true(int_at(x, "n_needed", g) == int_at(y, "n_needed", g));
        const struct cxm_estimate *e = &cxm_report_estimates(s)[g];
        const double v = e->value * (1 - e->value);
        const double n = fmin((double)e->n, v / (e->std_error * e->std_error));
        const struct cxm_target_result want = share(e->value * n, n, 0.5, PLAIN);
        assert_close(real_at(s, "p_value", g), want.p_value, 1e-12);
        assert_close(real_at(s, "lower_bound", g), want.lower, 1e-12);
        /* One-sided Wilson limits are those of the two-sided interval at 1 - 2 alpha. */
        assert_close(real_at(s, "wilson_lower", g), e->lower, 1e-12);
        if (want.n_needed > 0) {
            const double grown = (double)want.n_needed * (double)e->n / n;
            assert_true(fabs((double)int_at(s, "n_needed", g) - grown) <= (double)e->n / n + 1);
        }
        assert_true(isnan(real_at(s, "p_two_sided", g)) || n == (double)e->n);
    }
    cxm_report_free(x);
    cxm_report_free(y);
    cxm_report_free(s);
    cxm_tally_free(a);
    cxm_tally_free(b);
}

static void tallies_refused(void **state)
{
    (void)state;
    struct cxm_tally *const tally = scores(false, 1, NULL);
    struct cxm_report *out = NULL;
    struct cxm_error error;
    struct cxm_target_options o = { CXM_TARGET_INIT, .measure = "promoters" };
    assert_int_equal(cxm_target(tally, 50, &o, &out, &error), CXM_EINVAL);
    assert_string_equal(error.message, "the target of a share must be from 0 to 1, not 50; did "
                                       "you mean 0.5?");
    o.measure = "nothing";
    assert_int_equal(cxm_target(tally, 50, &o, &out, &error), CXM_EINVAL);
    assert_string_equal(error.column, "measure");
    assert_int_equal(cxm_target(tally, 101, NULL, &out, &error), CXM_EINVAL);
    assert_int_equal(cxm_target(NULL, 10, NULL, &out, &error), CXM_EINVAL);
    assert_int_equal(cxm_target(tally, 10, NULL, NULL, &error), CXM_EINVAL);
    o = (struct cxm_target_options){ CXM_TARGET_INIT, .interval = CXM_INTERVAL_WILSON };
    assert_int_equal(cxm_target(tally, 10, &o, &out, &error), CXM_EINVAL);
    o = (struct cxm_target_options){ CXM_TARGET_INIT, .level = 95 };
    assert_int_equal(cxm_target(tally, 10, &o, &out, &error), CXM_EINVAL);
    assert_null(out);
    cxm_tally_free(tally);
    struct cxm_tally *flags;
    assert_int_equal(cxm_tally_new("fcr", NULL, 0, NULL, &flags, NULL), CXM_OK);
    static const double row[] = { 1, NAN };
    assert_int_equal(cxm_tally_add_one(flags, row, 1, NULL, 30, NULL), CXM_OK);
    o = (struct cxm_target_options){ CXM_TARGET_INIT, .measure = "successes" };
    assert_int_equal(cxm_target(flags, 10, &o, &out, &error), CXM_EUNSUPPORTED);
    o.census = 1;
    assert_int_equal(cxm_target(flags, 10, &o, &out, &error), CXM_OK);
    assert_string_equal(text_at(out, "verdict", 0), "met");
    cxm_report_free(out);
    cxm_tally_clear(flags);
    out = target_of(flags, 0.9, PLAIN); /* nobody */
    assert_int_equal(cxm_report_rows(out), 1);
    assert_string_equal(text_at(out, "verdict", 0), "inconclusive");
    assert_true(isnan(real_at(out, "p_value", 0)) && int_at(out, "n_needed", 0) == INT64_MIN);
    assert_true(int_at(out, "point_pass", 0) == INT64_MIN);
    cxm_report_free(out);
    cxm_tally_free(flags);
}

/* ---- scorecards ----------------------------------------------------------------------- */

static struct cxm_tally *satisfied(double yes, double no)
{
    struct cxm_tally *tally;
    const double row[2][1] = { { 1 }, { 0 } };
    assert_int_equal(cxm_tally_new("share", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add_one(tally, row[0], 1, NULL, (int64_t)yes, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add_one(tally, row[1], 1, NULL, (int64_t)no, NULL), CXM_OK);
    return tally;
}

static void scorecards(void **state)
{
    (void)state;
    struct cxm_tally *const tally = scores(false, 1, NULL), *const rate = satisfied(460, 40);
    const struct cxm_scorecard_line lines[] = {
        { .tally = tally, .target = 40 },
        { .tally = tally, .measure = "detractors", .target = 0.5, .total = 1 },
        { .tally = rate, .name = "resolution", .target = 0.90 },
        { .tally = rate, .target = NAN, .level = 0.9 },
    };
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_scorecard(lines, 4, 0, &r, NULL), CXM_OK);
    assert_int_equal(cxm_report_rows(r), 6);
    assert_int_equal(cxm_report_n_keys(r), 1);
    struct cxm_key key;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(cxm_report_key(r, i, 0, &key), CXM_OK);
        assert_int_equal(key.missing, i >= 3);
        if (i < 3)
            assert_int_equal(key.integer, i);
    }
    assert_string_equal(cxm_report_metric(r, 4), "resolution");
    assert_string_equal(cxm_report_measure(r, 4), "share");
    assert_string_equal(text_at(r, "verdict", 4), "inconclusive");
    assert_int_equal(int_at(r, "n_needed", 4), 635);
    assert_close(real_at(r, "p_value", 4), 0.0750892897, 1e-9);
    assert_string_equal(text_at(r, "direction", 3), "at_most");
    assert_string_equal(cxm_report_measure(r, 3), "detractors");
    assert_null(text_at(r, "verdict", 5));
    assert_true(isnan(real_at(r, "target", 5)));
    assert_close(cxm_report_estimates(r)[5].level, 0.9, 0.0);
    assert_close(cxm_report_estimates(r)[0].level, 0.95, 0.0);
    cxm_report_free(r);
    r = NULL;
    assert_int_equal(cxm_scorecard(NULL, 0, 0, &r, NULL), CXM_OK);
    assert_int_equal(cxm_report_rows(r), 0);
    cxm_report_free(r);
    struct cxm_error error;
    struct cxm_scorecard_line wrong = { .tally = rate, .target = 90 };
    assert_int_equal(cxm_scorecard(&wrong, 1, 0, &r, &error), CXM_EINVAL);
    assert_non_null(strstr(error.message, "did you mean 0.9?"));
    wrong = (struct cxm_scorecard_line){ .tally = NULL, .target = 0.9 };
    assert_int_equal(cxm_scorecard(&wrong, 1, 0, &r, &error), CXM_EINVAL);
    wrong = (struct cxm_scorecard_line){ .tally = rate, .target = 0.9, .measure = "x" };
    assert_int_equal(cxm_scorecard(&wrong, 1, 0, &r, &error), CXM_EINVAL);
    wrong = (struct cxm_scorecard_line){ .tally = rate, .target = 0.9 };
    assert_int_equal(cxm_scorecard(&wrong, 1, 0.7, &r, &error), CXM_EINVAL);
    assert_int_equal(cxm_scorecard(&wrong, 1, 0, NULL, &error), CXM_EINVAL);
    cxm_tally_free(tally);
    cxm_tally_free(rate);
}

static void lack_of_memory(void **state)
{
    (void)state;
    struct heap heap;
    heap_init(&heap, 0);
    struct cxm_tally *const tally = scores(true, 1, &heap.allocator);
    const struct cxm_scorecard_line lines[] = { { .tally = tally, .target = 40 },
                                                { .tally = tally, .measure = "promoters",
                                                  .target = 0.2 } };
    for (int which = 0; which < 2; which++) {
        bool left = true;
        for (int k = 1; left; k++) {
            struct cxm_report *out = NULL;
            heap.fail_at = heap.calls + k;
            const enum cxm_status got =
                which ? cxm_scorecard(lines, 2, 0, &out, NULL)
                      : cxm_target(tally, 10, &(struct cxm_target_options){ CXM_TARGET_INIT,
                                                                            .total = 1 },
                                   &out, NULL);
            left = heap.calls >= heap.fail_at;
            assert_int_equal(got, left ? CXM_ENOMEM : CXM_OK);
            heap.fail_at = 0;
            cxm_report_free(out);
        }
    }
    cxm_tally_free(tally); /* whose order was kept meanwhile */
    assert_int_equal(heap.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_match_rows),
        cmocka_unit_test(reference_rows),
        cmocka_unit_test(directions_mirror),
        cmocka_unit_test(edges),
        cmocka_unit_test(censuses_test_nothing),
        cmocka_unit_test(means),
        cmocka_unit_test(refused),
        cmocka_unit_test(tallies_are_their_counts),
        cmocka_unit_test(usual_directions),
        cmocka_unit_test(every_measure_says_which_end_is_better),
        cmocka_unit_test(neutral_measures),
        cmocka_unit_test(net_of_overlapping_boxes),
        cmocka_unit_test(shares_of_all_kinds),
        cmocka_unit_test(finite_lists),
        cmocka_unit_test(weights_count_less),
        cmocka_unit_test(tallies_refused),
        cmocka_unit_test(scorecards),
        cmocka_unit_test(lack_of_memory),
    };
    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
