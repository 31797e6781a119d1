/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Laws of comparisons, for every metric with random rows: exchanging the sides negates, bit for
 * bit; within and mix sum to the change; what was merged from parts compares as one pass. The seed
 * is printed; CXM_SEED repeats a run. */
#include "tallies.h"

#include <float.h>

static struct cxm_report *compared(struct cxm_tally *a, struct cxm_tally *b,
                                   enum cxm_compare_method method)
{
    const struct cxm_compare_options o = { CXM_INIT_compare, .method = method, .all_measures = 1,
                                           .effects = 1 };
    struct cxm_report *report = NULL;
    struct cxm_error error = { .status = CXM_OK };
    const enum cxm_status status = cxm_compare(a, b, &o, &report, &error);
    if (status == CXM_EINVAL && strcmp(error.column, "method") == 0)
        return NULL; /* fits nothing here */
    if (status != CXM_OK)
        fail_msg("%s", error.message);
    return report;
}

static double axis_of(const struct cxm_report *r, const char *name, size_t row)
{
    const double *const column = cxm_report_reals(r, (size_t)cxm_report_find_axis(r, name));
    return column[row];
}

static bool same(double x, double y)
{
    return x == y || (isnan(x) && isnan(y));
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

#define assert_same(x, y, what)                                                                  \
    do {                                                                                         \
        if (!same((x), (y)))                                                                     \
            fail_msg("%s: %.17g and %.17g", (what), (x), (y));                                   \
    } while (0)

static void assert_negated(const struct cxm_report *r, const struct cxm_report *back)
{
    assert_int_equal(cxm_report_rows(r), cxm_report_rows(back));
    for (size_t i = 0; i < cxm_report_rows(r); i++) {
        const char *const name = cxm_report_measure(r, i);
        const struct cxm_estimate *const e = &cxm_report_estimates(r)[i];
        const struct cxm_estimate *const f = &cxm_report_estimates(back)[i];
        assert_string_equal(name, cxm_report_measure(back, i));
        assert_int_equal(e->flags, f->flags);
        assert_same(axis_of(r, "value_a", i), axis_of(back, "value_b", i), name);
        if (begins(name, "difference") || begins(name, "within") || begins(name, "mix")
            || begins(name, "cohen") || begins(name, "hedges")) {
            assert_same(e->value, -f->value, name);
            assert_same(e->lower, -f->upper, name);
            assert_same(e->lower_raw, -f->upper_raw, name);
            assert_same(e->std_error, f->std_error, name);
            assert_same(axis_of(r, "statistic", i), -axis_of(back, "statistic", i), name);
            assert_same(axis_of(r, "centre", i), -axis_of(back, "centre", i), name);
            assert_same(axis_of(r, "p_greater", i), axis_of(back, "p_less", i), name);
            assert_same(axis_of(r, "p_value", i), axis_of(back, "p_value", i), name);
            assert_same(axis_of(r, "df", i), axis_of(back, "df", i), name);
        } else if (begins(name, "odds") || begins(name, "risk")) {
            if (isfinite(e->value) && e->value > 0)
                assert_close(e->value * f->value, 1.0, 4e-16);
        } else if (!begins(name, "mann")) {
            assert_close(e->value, f->value, 1e-12);
        }
    }
}

/* The parts of each measure, summed in long double, against value_a - value_b of the total. */
static void assert_sums(const struct cxm_report *r)
{
    const size_t rows = cxm_report_rows(r);
    for (size_t t = 0; t < rows; t++) {
        const char *const name = cxm_report_measure(r, t);
        if (cxm_report_estimates(r)[t].group != CXM_TOTAL || !begins(name, "difference"))
            continue;
        char within[96], mix[96];
        snprintf(within, sizeof within, "within%s", name + strlen("difference"));
        snprintf(mix, sizeof mix, "mix%s", name + strlen("difference"));
        long double sum = 0, size = 0;
        double largest = 0;
        bool found = false;
        for (size_t i = 0; i < rows; i++) {
            const struct cxm_estimate *const e = &cxm_report_estimates(r)[i];
            const char *const measure = cxm_report_measure(r, i);
            if (e->group == CXM_TOTAL)
                continue;
            if (strcmp(measure, name) == 0) {
                largest = fmax(largest, fabs(axis_of(r, "value_a", i)));
                largest = fmax(largest, fabs(axis_of(r, "value_b", i)));
            } else if (strcmp(measure, within) == 0 || strcmp(measure, mix) == 0) {
                found = true;
                sum += e->value;
                size += fabsl((long double)e->value);
            }
        }
        const double change = cxm_report_estimates(r)[t].value;
        const long double bound = size * DBL_EPSILON / 2 + (long double)largest * 2 * DBL_EPSILON;
        if (found && !isnan(change) && isfinite(change) && fabsl(sum - change) > bound)
            fail_msg("%s: %s: parts sum to %.20Lg, not %.17g; largest %g", cxm_report_definition(r, t), name,
                     sum, change, largest);
    }
}

static void sides_can_be_exchanged(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    static const unsigned kinds[] = { 0, BY_NUMBER, BY_TEXT | WITH_FREQ, WEIGHTED,
                                      BY_NUMBER | WEIGHTED | WITH_INVALID };
    for (int s = 0; s < N_SETUPS; s++)
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
            if ((setups[s].reason && (kinds[k] & WITH_INVALID)) || is_of_quantiles(&setups[s]))
                continue;
            const int64_t n = 2 + (int64_t)random_below(&seed, 120);
            struct rows rows = random_rows(&setups[s], kinds[k], 2 * n, &seed);
            struct cxm_tally *a = tally_of_part(&rows, 0, n), *b = tally_of_part(&rows, n, n);
            struct cxm_tally *parts = tally_of_part(&rows, n / 2, n - n / 2);
            add_part(parts, &rows, 0, n / 2, 1);
            for (int m = CXM_COMPARE_DEFAULT; m <= CXM_COMPARE_EXACT; m++) {
                struct cxm_report *r = compared(a, b, (enum cxm_compare_method)m);
                if (r == NULL)
                    continue;
                struct cxm_report *back = compared(b, a, (enum cxm_compare_method)m);
                assert_negated(r, back);
                assert_sums(r);
                struct cxm_report *again = compared(parts, b, (enum cxm_compare_method)m);
                assert_int_equal(cxm_report_rows(again), cxm_report_rows(r));
                for (size_t i = 0; i < cxm_report_rows(r); i++) {
                    const char *const name = cxm_report_measure(r, i);
                    assert_same(cxm_report_estimates(r)[i].value,
                                cxm_report_estimates(again)[i].value, name);
                    assert_same(axis_of(r, "p_value", i), axis_of(again, "p_value", i), name);
                }
                cxm_report_free(again);
                cxm_report_free(back);
                cxm_report_free(r);
            }
            cxm_tally_free(a);
            cxm_tally_free(b);
            cxm_tally_free(parts);
            rows_free(&rows);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sides_can_be_exchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
