/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tables of groups: league, trend, differences of groups that share clusters; by hand. */
#include "metric_testing.h"

static double number_at(const struct cxm_report *r, const char *axis, size_t row)
{
    const int64_t at = cxm_report_find_axis(r, axis);
    assert_true(at >= 0);
    const double *const reals = cxm_report_reals(r, (size_t)at);
    return reals != NULL ? reals[row] : (double)cxm_report_ints(r, (size_t)at)[row];
}

static size_t row_of(const struct cxm_report *r, const char *measure)
{
    size_t row = 0;
    while (row < cxm_report_rows(r) && strcmp(cxm_report_measure(r, row), measure) != 0)
        row++;
    assert_true(row < cxm_report_rows(r));
    return row;
}

/* 90, 50, 50 and 10 of 100 satisfied. */
static struct cxm_tally *four_teams(void)
{
    static const int32_t team[] = { 0, 0, 1, 1, 2, 2, 3, 3 }, score[] = { 5, 1, 5, 1, 5, 1, 5, 1 },
                         copies[] = { 90, 10, 50, 50, 50, 50, 10, 90 };
    const struct cxm_column by = CXM_ARRAY(team, 8), s = CXM_ARRAY(score, 8), f = CXM_ARRAY(copies, 8);
    const struct cxm_input inputs[] = { { "score", &s }, { "by", &by }, { "freq", &f } };
    return tally_of("csat", NULL, 0, inputs, 3);
}

static void ranks_and_their_limits(void **state)
{
    (void)state;
    static const struct {
        double rank, lower, upper;
    } want[] = { { 1, 1, 1 }, { 2, 2, 3 }, { 2, 2, 3 }, { 4, 4, 4 } };
    struct cxm_tally *t = four_teams();
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_league(t, NULL, &r, NULL), CXM_OK);
    assert_int_equal(cxm_report_rows(r), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_close(number_at(r, "rank", i), want[i].rank, 0);
        assert_close(number_at(r, "rank_lower", i), want[i].lower, 0);
        assert_close(number_at(r, "rank_upper", i), want[i].upper, 0);
    }
    cxm_report_free(r);
    cxm_tally_free(t);
}

/* Mann & Kendall's S in the order of the scores: rising minus falling pairs. */
static void a_trend_goes_by_its_scores(void **state)
{
    (void)state;
    static const double scores[] = { 3, 1, 2, 0 };
    struct cxm_tally *t = four_teams();
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_trend(t, NULL, &r, NULL), CXM_OK);
    assert_close(cxm_report_estimates(r)[row_of(r, "mann_kendall")].value, -5, 0);
    cxm_report_free(r);
    const struct cxm_groups_options o = { CXM_INIT(groups), .scores = scores, .n_scores = 4 };
    assert_int_equal(cxm_trend(t, &o, &r, NULL), CXM_OK);
    assert_close(cxm_report_estimates(r)[row_of(r, "mann_kendall")].value, 5, 0);
    cxm_report_free(r);
    cxm_tally_free(t);
}

/* Each cluster has one row of either group: the error of the difference is that of paired differences,
 * here 0, -1, 0 and -2, sqrt(2.75 / 3 / 4). */
static void groups_that_share_clusters(void **state)
{
    (void)state;
    static const int32_t group[] = { 0, 0, 0, 0, 1, 1, 1, 1 }, cluster[] = { 1, 2, 3, 4, 1, 2, 3, 4 };
    static const double value[] = { 1, 2, 4, 7, 1, 3, 4, 9 };
    const struct cxm_column by = CXM_ARRAY(group, 8), c = CXM_ARRAY(cluster, 8), x = CXM_ARRAY(value, 8);
    const struct cxm_input inputs[] = { { "value", &x }, { "by", &by }, { "cluster", &c } };
    struct cxm_tally *t = tally_of("mean", NULL, 0, inputs, 3);
    const struct cxm_groups_options o = { CXM_INIT(groups), .against = CXM_AGAINST_BASE, .base = 1 };
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_compare_groups(t, &o, &r, NULL), CXM_OK);
    const struct cxm_estimate *e = &cxm_report_estimates(r)[row_of(r, "difference")];
    assert_close(e->value, -0.75, 1e-15);
    assert_close(e->std_error, sqrt(2.75 / 12), 1e-14);
    cxm_report_free(r);
    cxm_tally_free(t);
}

/* Cochran's Q takes no group whose error is 0: (2 - 3)^2 / (1/3 + 1/3) of the others. */
static void equal_answers_have_no_part_in_q(void **state)
{
    (void)state;
    static const int32_t group[] = { 0, 0, 1, 1, 1, 2, 2, 2 };
    static const double value[] = { 9, 9, 1, 2, 3, 2, 3, 4 };
    const struct cxm_column by = CXM_ARRAY(group, 8), x = CXM_ARRAY(value, 8);
    const struct cxm_input inputs[] = { { "value", &x }, { "by", &by } };
    struct cxm_tally *t = tally_of("mean", NULL, 0, inputs, 2);
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_compare_groups(t, NULL, &r, NULL), CXM_OK);
    const size_t row = row_of(r, "homogeneity");
    assert_close(number_at(r, "statistic", row), 1.5, 1e-14);
    assert_close(number_at(r, "df", row), 1, 0);
    assert_true(cxm_report_estimates(r)[row].flags & CXM_FLAG_DEGENERATE);
    cxm_report_free(r);
    cxm_tally_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_and_their_limits),
        cmocka_unit_test(a_trend_goes_by_its_scores),
        cmocka_unit_test(groups_that_share_clusters),
        cmocka_unit_test(equal_answers_have_no_part_in_q),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
