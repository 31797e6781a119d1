/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tests of comparisons share: tallies from counts, rows of a report by name. */
#ifndef CXM_TESTS_COMPARING_TESTING_H
#define CXM_TESTS_COMPARING_TESTING_H

#include "metric_testing.h"

/* ---- tallies -------------------------------------------------------------------------- */

/* Adds rows of one input: values with copies, by group when `by` is not NULL. */
static inline void add_counts(struct cxm_tally *tally, const char *role, const double *value,
                              const int64_t *freq, const int64_t *by, size_t n)
{
    const struct cxm_column columns[3] = { cxm_column_make(role, CXM_F64, value, n, 8, 8),
                                           cxm_column_make("freq", CXM_I64, freq, n, 8, 8),
                                           cxm_column_make("wave", CXM_I64, by, n, 8, 8) };
    const struct cxm_input inputs[3] = { { role, &columns[0] }, { "freq", &columns[1] },
                                         { "by", &columns[2] } };
    struct cxm_error error = { .status = CXM_OK };
    if (cxm_tally_add(tally, inputs, by != NULL ? 3 : 2, NULL, &error) != CXM_OK)
        fail_msg("%s", error.message);
}

static inline struct cxm_tally *new_tally(const char *metric, const struct cxm_allocator *allocator)
{
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new(metric, NULL, 0, allocator, &tally, NULL), CXM_OK);
    return tally;
}

/* Detractors, passives, promoters; group NULL: without groups. */
static inline void add_net(struct cxm_tally *tally, int64_t d, int64_t p, int64_t r,
                           const int64_t *group)
{
    const double score[3] = { 2, 8, 10 };
    const int64_t freq[3] = { d, p, r };
    const int64_t by[3] = { group != NULL ? *group : 0, group != NULL ? *group : 0,
                            group != NULL ? *group : 0 };
    add_counts(tally, "score", score, freq, group != NULL ? by : NULL, 3);
}

static inline struct cxm_tally *net_of(int64_t d, int64_t p, int64_t r)
{
    struct cxm_tally *tally = new_tally("nps", NULL);
    add_net(tally, d, p, r, NULL);
    return tally;
}

static inline void add_share(struct cxm_tally *tally, int64_t x, int64_t n, const int64_t *group)
{
    const double flag[2] = { 1, 0 };
    const int64_t freq[2] = { x, n - x };
    const int64_t by[2] = { group != NULL ? *group : 0, group != NULL ? *group : 0 };
    add_counts(tally, "numerator", flag, freq, group != NULL ? by : NULL, 2);
}

static inline struct cxm_tally *share_of(int64_t x, int64_t n)
{
    struct cxm_tally *tally = new_tally("share", NULL);
    add_share(tally, x, n, NULL);
    return tally;
}

/* ---- rows of a report ----------------------------------------------------------------- */

/* The row of that measure and key; key INT64_MIN: of all groups together. SIZE_MAX: none. */
static inline size_t find_row(const struct cxm_report *report, const char *measure, int64_t key)
{
    for (size_t row = 0; row < cxm_report_rows(report); row++) {
        struct cxm_key k = { .missing = 1 };
        if (cxm_report_n_keys(report) > 0)
            assert_int_equal(cxm_report_key(report, row, 0, &k), CXM_OK);
        if (strcmp(cxm_report_measure(report, row), measure) == 0
            && (k.missing ? key == INT64_MIN : key == k.integer))
            return row;
    }
    return SIZE_MAX;
}

static inline size_t row_at(const struct cxm_report *report, const char *measure, int64_t key,
                            const char *file, int line)
{
    const size_t row = find_row(report, measure, key);
    if (row == SIZE_MAX) {
        print_error("there is no row %s of %lld\n", measure, (long long)key);
        _fail(file, line);
    }
    return row;
}
#define row_of(report, measure, key) row_at((report), (measure), (key), __FILE__, __LINE__)
#define TOTAL_KEY INT64_MIN

static inline double axis_at(const struct cxm_report *report, size_t row, const char *name)
{
    const int64_t axis = cxm_report_find_axis(report, name);
    assert_true(axis >= 0);
    const double *reals = cxm_report_reals(report, (size_t)axis);
    const int64_t *ints = cxm_report_ints(report, (size_t)axis);
    assert_true(reals != NULL || ints != NULL);
    return reals != NULL ? reals[row] : ints[row] == INT64_MIN ? (double)NAN : (double)ints[row];
}

static inline const struct cxm_estimate *estimate_of(const struct cxm_report *report, size_t row)
{
    return &cxm_report_estimates(report)[row];
}

/* One number of a row: of the estimate, or of an axis. */
static inline double number_of(const struct cxm_report *report, size_t row, const char *name)
{
    const struct cxm_estimate *e = estimate_of(report, row);
    if (strcmp(name, "value") == 0)
        return e->value;
    if (strcmp(name, "std_error") == 0)
        return e->std_error;
    if (strcmp(name, "lower") == 0)
        return e->lower_raw;
    if (strcmp(name, "upper") == 0)
        return e->upper_raw;
    if (strcmp(name, "n") == 0)
        return (double)e->n;
    return axis_at(report, row, name);
}

/* What numbers of rows must be, as the definitions print them. */
struct want_number {
    const char *measure, *name, *want;
};

static inline void assert_numbers_at(const struct cxm_report *report, int64_t key,
                                     const struct want_number *wants, size_t n, const char *file,
                                     int line)
{
    for (size_t i = 0; i < n; i++) {
        char what[160];
        const size_t row = row_at(report, wants[i].measure, key, file, line);
        snprintf(what, sizeof what, "%s of %s", wants[i].name, wants[i].measure);
        assert_printed_at(number_of(report, row, wants[i].name), wants[i].want, what, file, line);
    }
}
#define assert_numbers(report, key, ...)                                                         \
    assert_numbers_at((report), (key), (const struct want_number[]){ __VA_ARGS__ },              \
                      sizeof((const struct want_number[]){ __VA_ARGS__ })                        \
                        / sizeof(struct want_number), __FILE__, __LINE__)

#endif
