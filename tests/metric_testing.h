/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tests of metrics share: a tally from columns, a measure by its name, and numbers as
 * the definitions print them. Every measure that is read also proves the base law: rows given
 * = n + missing + invalid + excluded. */
#ifndef CXM_TESTS_METRIC_TESTING_H
#define CXM_TESTS_METRIC_TESTING_H

#include "testing.h"

#include <cxm/cxm.h>

/* ---- numbers as they are printed ------------------------------------------------------ */

/* A text with eight decimals or more is rounded: half a unit of its last digit, or 1e-10 of the
 * value, whichever is larger. Any other text ("31.25", "7/12", "inf") is exact: 1e-12 and, for
 * "0", nothing at all. */
static inline bool is_printed(double got, const char *want)
{
    if (strcmp(want, "nan") == 0)
        return isnan(got);
    char *end;
    double value = strtod(want, &end);
    if (*end == '/')
        value /= strtod(end + 1, &end);
    if (*end != '\0')
        return false;
    const char *point = strchr(want, '.');
    const int decimals = point == NULL ? 0 : (int)strspn(point + 1, "0123456789");
    if (got == value)
        return true;
    if (strpbrk(want, "/e") != NULL || decimals < 8)
        return fabs(got - value) <= 1e-12 * fabs(value);
    const double half_unit = 0.5000001 * pow(10, -decimals), relative = 1e-10 * fabs(value);
    return fabs(got - value) <= (half_unit > relative ? half_unit : relative);
}

static inline void assert_printed_at(double got, const char *want, const char *what,
                                     const char *file, int line)
{
    if (want == NULL || is_printed(got, want))
        return;
    print_error("%s is %.17g, not %s\n", what, got, want);
    _fail(file, line);
}

#define assert_printed(got, want) assert_printed_at((got), (want), #got, __FILE__, __LINE__)

/* ---- tallies -------------------------------------------------------------------------- */

#define NUMBERS(name, ...)                                                                      \
    { (name), (const double[]){ __VA_ARGS__ },                                                  \
      sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double), NULL, 0 }
#define TEXTS(name, ...)                                                                        \
    { (name), NULL, 0, (const char *const[]){ __VA_ARGS__ },                                    \
      sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *) }

static inline struct cxm_tally *tally_of_at(const char *metric, const struct cxm_param *params,
                                            size_t n_params, const struct cxm_input *inputs,
                                            size_t n_inputs, const char *file, int line)
{
    struct cxm_tally *tally = NULL;
    struct cxm_error error = { .status = CXM_OK };
    const struct cxm_add_options options = { .size = sizeof options,
                                             .invalid = CXM_INVALID_COUNT };
    if (cxm_tally_new(metric, params, n_params, NULL, &tally, &error) != CXM_OK
        || (n_inputs > 0
            && cxm_tally_add(tally, inputs, n_inputs, &options, &error) != CXM_OK)) {
        print_error("%s: %s\n", metric, error.message);
        _fail(file, line);
    }
    return tally;
}

/* A tally of the metric over the columns, invalid values counted. */
#define tally_of(metric, params, n_params, inputs, n_inputs)                                    \
    tally_of_at((metric), (params), (n_params), (inputs), (n_inputs), __FILE__, __LINE__)

/* Index of a measure; fails when there is none of that name. */
static inline uint32_t measure_index_at(struct cxm_tally *tally, const char *name,
                                        const char *file, int line)
{
    struct cxm_measure measures[256];
    size_t n = 0;
    if (cxm_tally_measures(tally, measures, sizeof measures[0], COUNT_OF(measures), &n, NULL)
        != CXM_OK)
        _fail(file, line);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(measures[i].name, name) == 0)
            return (uint32_t)i;
    }
    print_error("there is no measure %s\n", name);
    _fail(file, line);
    return 0;
}

static inline void check_base_at(struct cxm_tally *tally, const struct cxm_estimate *e,
                                 const char *file, int line)
{
    struct cxm_base base;
    struct cxm_tally_info info;
    int64_t reasons = 0;
    cxm_tally_describe(tally, &info);
    if (cxm_tally_base(tally, e->group, e->measure, &base, NULL) != CXM_OK)
        _fail(file, line);
    for (size_t i = 0; i < COUNT_OF(base.excluded_by); i++)
        reasons += base.excluded_by[i];
    const bool whole = e->group == CXM_TOTAL || cxm_tally_n_keys(tally) == 0;
    if (base.rows == base.n + base.missing + base.invalid + base.excluded
        && base.excluded == reasons && (!whole || base.rows == info.rows) && base.n == e->n
        && base.missing == e->missing && base.invalid == e->invalid
        && base.excluded == e->excluded)
        return;
    print_error("base of measure %u: %lld rows (%lld given), %lld + %lld + %lld + %lld\n",
                e->measure, (long long)base.rows, (long long)info.rows, (long long)base.n,
                (long long)base.missing, (long long)base.invalid, (long long)base.excluded);
    _fail(file, line);
}

/* What strata with one unit mean to the estimates below (enum cxm_lonely). */
static int32_t lonely_strata;

/* One measure of one group, after the checks that every estimate has to pass: the base law, limits
 * in order, clipped limits flagged, undefined values flagged. */
static inline struct cxm_estimate estimate_at(struct cxm_tally *tally, const char *name,
                                              int64_t group, int interval, double level,
                                              const char *file, int line)
{
    struct cxm_estimate e;
    struct cxm_error error = { .status = CXM_OK };
    const uint32_t measure = measure_index_at(tally, name, file, line);
    const struct cxm_estimate_options options = {
        .size = sizeof options, .level = level, .interval = interval, .measures = &measure,
        .n_measures = 1, .groups = &group, .n_groups = 1, .lonely = lonely_strata,
    };
    size_t n = 0;
    if (cxm_tally_estimate(tally, &options, &e, sizeof e, 1, &n, &error) != CXM_OK || n != 1) {
        print_error("%s: %s\n", name, error.message);
        _fail(file, line);
    }
    check_base_at(tally, &e, file, line);
    const bool clipped = e.lower != e.lower_raw || e.upper != e.upper_raw;
    const bool has_limits = !isnan(e.lower_raw) && !isnan(e.upper_raw);
    const bool ordered = !has_limits || e.lower <= e.upper;
    const bool explained = !isnan(e.value) || (e.flags & (CXM_FLAG_NO_DATA | CXM_FLAG_DEGENERATE));
    if (ordered && explained && (!has_limits || clipped == !!(e.flags & CXM_FLAG_CLIPPED)))
        return e;
    print_error("%s: %.17g [%.17g, %.17g] (raw [%.17g, %.17g]) with flags %x\n", name, e.value,
                e.lower, e.upper, e.lower_raw, e.upper_raw, e.flags);
    _fail(file, line);
    return e;
}

#define measure(tally, name)                                                                    \
    estimate_at((tally), (name), CXM_TOTAL, CXM_INTERVAL_DEFAULT, 0.95, __FILE__, __LINE__)
#define measure_with(tally, name, interval, level)                                              \
    estimate_at((tally), (name), CXM_TOTAL, (interval), (level), __FILE__, __LINE__)
#define measure_in(tally, name, group)                                                          \
    estimate_at((tally), (name), (group), CXM_INTERVAL_DEFAULT, 0.95, __FILE__, __LINE__)

/* What a measure must be; NULL: not said. Limits are raw, before they were clipped. */
struct want {
    const char *measure, *value, *std_error, *lower, *upper;
};

static inline void assert_want_at(struct cxm_tally *tally, int64_t group, int interval,
                                  double level, const struct want *w, const char *file, int line)
{
    const struct cxm_estimate e = estimate_at(tally, w->measure, group, interval, level, file,
                                              line);
    const double got[4] = { e.value, e.std_error, e.lower_raw, e.upper_raw };
    const char *const want[4] = { w->value, w->std_error, w->lower, w->upper };
    static const char *const names[4] = { "value", "std_error", "lower", "upper" };
    for (int i = 0; i < 4; i++) {
        char what[160];
        snprintf(what, sizeof what, "%s of %s", names[i], w->measure);
        assert_printed_at(got[i], want[i], what, file, line);
    }
}

#define assert_wants(tally, group, wants)                                                       \
    do {                                                                                        \
        for (size_t want_at = 0; want_at < COUNT_OF(wants); want_at++)                          \
            assert_want_at((tally), (group), CXM_INTERVAL_DEFAULT, 0.95, &(wants)[want_at],     \
                           __FILE__, __LINE__);                                                 \
    } while (0)

static inline void assert_counts_at(const struct cxm_estimate *e, int64_t n, int64_t missing,
                                    int64_t invalid, int64_t excluded, const char *file, int line)
{
    if (e->n == n && e->missing == missing && e->invalid == invalid && e->excluded == excluded)
        return;
    print_error("base %lld + %lld + %lld + %lld, not %lld + %lld + %lld + %lld\n",
                (long long)e->n, (long long)e->missing, (long long)e->invalid,
                (long long)e->excluded, (long long)n, (long long)missing, (long long)invalid,
                (long long)excluded);
    _fail(file, line);
}

#define assert_counts(e, n, missing, invalid, excluded)                                         \
    assert_counts_at((e), (n), (missing), (invalid), (excluded), __FILE__, __LINE__)

static inline void assert_definition(const struct cxm_tally *tally, const char *want)
{
    char text[256];
    cxm_tally_definition(tally, text, sizeof text);
    assert_string_equal(text, want);
}

/* The status of making such a tally. */
static inline enum cxm_status status_of_new(const char *metric, const struct cxm_param *params,
                                            size_t n)
{
    struct cxm_tally *tally = NULL;
    const enum cxm_status status = cxm_tally_new(metric, params, n, NULL, &tally, NULL);
    cxm_tally_free(tally);
    return status;
}

#endif
