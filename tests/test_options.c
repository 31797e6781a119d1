/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reserved members of options are refused wherever there is one, and nothing is written. */
#include "testing.h"

#include <cxm/cxm.h>

enum { ROWS = 4 };

static uint8_t scores[ROWS] = { 1, 2, 5, 4 }, yes[ROWS] = { 1, 1, 0, 1 };
static int64_t times[ROWS] = { 1, 2, 3, 4 };

static void refused(enum cxm_status status, const struct cxm_error *error, const char *what)
{
    if (status != CXM_EINVAL || strcmp(error->column, "reserved") != 0)
        fail_msg("%s: status %d, column \"%s\"", what, (int)status, error->column);
}

#define REFUSED(call) refused((call), &error, #call)

static void calls_of_one_metric(void **state)
{
    (void)state;
    struct cxm_error error = { 0 };
    struct cxm_row row;
    size_t n;
    const struct cxm_column score = CXM_ARRAY(scores, ROWS), flag = CXM_ARRAY(yes, ROWS);
    struct cxm_column when = CXM_ARRAY(times, ROWS);
    when.time_unit = CXM_DAYS;
    memset(&row, 7, sizeof row);
    const struct cxm_row untouched = row;
    REFUSED(cxm_nps(&score, &(struct cxm_nps_options){ CXM_INIT(nps), .design_reserved = 1 },
                    CXM_ROW(row), &n, &error));
    REFUSED(cxm_csat(&score, &(struct cxm_csat_options){ CXM_INIT(csat), .reserved = 1 },
                     CXM_ROW(row), &n, &error));
    REFUSED(cxm_ces(&score, &(struct cxm_ces_options){ CXM_INIT(ces), .reserved = -1 }, CXM_ROW(row),
                    &n, &error));
    REFUSED(cxm_csi(&score, 1, &(struct cxm_csi_options){ CXM_INIT(csi), .reserved = 1 },
                    CXM_ROW(row), &n, &error));
    REFUSED(cxm_churn(&flag, &flag, &(struct cxm_churn_options){ CXM_INIT(churn), .reserved = 1 },
                      CXM_ROW(row), &n, &error));
    REFUSED(cxm_one_touch(&flag, &score, &score,
                          &(struct cxm_one_touch_options){ CXM_INIT(one_touch), .reserved = 1 },
                          CXM_ROW(row), &n, &error));
    REFUSED(cxm_stages(&score, &when, &(struct cxm_stages_options){ CXM_INIT(stages), .reserved = 1 },
                       CXM_ROW(row), &n, &error));
    assert_memory_equal(&row, &untouched, sizeof row);
    int64_t orders[ROWS], before[ROWS];
    uint8_t copies[ROWS];
    REFUSED(cxm_repeat_rows(&score, &when,
                            &(struct cxm_repeat_options){ .size = sizeof(struct cxm_repeat_options),
                                                          .reserved = 1 },
                            orders, before, copies, NULL, &error));
}

static struct cxm_tally *tally_of_scores(const char *metric, const char *role)
{
    struct cxm_tally *tally = NULL;
    const struct cxm_column score = CXM_ARRAY(scores, ROWS);
    const struct cxm_input input = { role, &score };
    assert_int_equal(cxm_tally_new(metric, NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, &input, 1, NULL, NULL), CXM_OK);
    return tally;
}

static void tallies(void **state)
{
    (void)state;
    struct cxm_error error = { 0 };
    struct cxm_estimate estimate;
    struct cxm_tally_info info;
    struct cxm_tally *tally = tally_of_scores("nps", "score");
    const struct cxm_column score = CXM_ARRAY(scores, ROWS);
    const struct cxm_input input = { "score", &score };
    const struct cxm_add_options add = { .size = sizeof add, .reserved = 1 };
    REFUSED(cxm_tally_add(tally, &input, 1, &add, &error));
    cxm_tally_describe(tally, &info);
    assert_int_equal(info.rows, ROWS);
    const struct cxm_estimate_options ask = { .size = sizeof ask, .tolerance = 1 };
    assert_int_equal(cxm_tally_estimate(tally, &ask, &estimate, sizeof estimate, 1, NULL, &error),
                     CXM_EINVAL);
    assert_string_equal(error.column, "tolerance");
    cxm_tally_free(tally);
}

static void reports(void **state)
{
    (void)state;
    struct cxm_error error = { 0 };
    struct cxm_report *report = NULL;
    struct cxm_tally *tally = tally_of_scores("nps", "score");
    const struct cxm_column score = CXM_ARRAY(scores, ROWS), flag = CXM_ARRAY(yes, ROWS);
    struct cxm_column when = CXM_ARRAY(times, ROWS);
    when.time_unit = CXM_DAYS;
    REFUSED(cxm_quantiles(&score, &(struct cxm_quantiles_options){ CXM_INIT(quantiles), .reserved = 1 },
                          &report, &error));
    REFUSED(cxm_change_point("mean", &score, NULL,
                             &(struct cxm_change_options){ .size = sizeof(struct cxm_change_options),
                                                           .reserved = 1 },
                             &report, &error));
    REFUSED(cxm_cohorts(&score, &when,
                        &(struct cxm_cohorts_options){ .size = sizeof(struct cxm_cohorts_options),
                                                       .reserved = 1 },
                        &report, &error));
    REFUSED(cxm_compare_groups(tally, &(struct cxm_groups_options){ CXM_INIT(groups), .reserved = 1 },
                               &report, &error));
    const struct cxm_input inputs[2] = { { "duration", &score }, { "event", &flag } };
    struct cxm_tally *survival = NULL;
    assert_int_equal(cxm_tally_new("survival", NULL, 0, NULL, &survival, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(survival, inputs, 2, NULL, NULL), CXM_OK);
    REFUSED(cxm_tally_survival(survival,
                               &(struct cxm_survival_options){ .size = sizeof(struct cxm_survival_options),
                                                               .reserved = 1 },
                               &report, &error));
    assert_null(report);
    cxm_tally_free(survival);
    cxm_tally_free(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_of_one_metric),
        cmocka_unit_test(tallies),
        cmocka_unit_test(reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
