/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A guest in the host's process: the program has a GSL error handler of its own. Whatever the
 * data, the level and the interval, it is never called, and it is still there at the end. */
#include "tallies.h"

#include <float.h>

#include <gsl/gsl_errno.h>

static int calls;

static void count_call(const char *reason, const char *file, int line, int number)
{
    calls++;
    print_error("GSL: %s (%s:%d, %d)\n", reason, file, line, number);
}

static const double levels[] = { DBL_MIN, 1e-9, 0.5, 0.95, 1 - 1e-9, 1 - DBL_EPSILON / 2 };

static void check_estimate(const struct cxm_estimate *e, const char *name)
{
    if (isnan(e->lower) || isnan(e->upper))
        return;
    /* At a level of 1e-308 both limits are the same number, each with its own rounding. */
    if (!(e->lower - e->upper <= 1e-12 * fmax(fabs(e->upper), 1)))
        fail_msg("%s: limits %g and %g, interval %u, level %g", name, e->lower, e->upper,
                 e->interval, e->level);
}

/* All measures of all groups and of the total, at all levels, with all intervals. */
static void estimate_everything(struct cxm_tally *tally, const char *name)
{
    static struct cxm_estimate out[4000];
    uint32_t measures[64];
    size_t n_measures = 0;
    assert_int_equal(cxm_tally_measures(tally, NULL, sizeof(struct cxm_measure), 0, &n_measures,
                                        NULL), CXM_OK);
    assert_true(n_measures <= COUNT_OF(measures));
    for (uint32_t m = 0; m < n_measures; m++)
        measures[m] = m;
    const int64_t total = CXM_TOTAL;
    for (size_t l = 0; l < COUNT_OF(levels); l++) {
        for (int32_t interval = 0; interval <= CXM_INTERVAL_CONTROL; interval++) {
            for (int all = 0; all < 2; all++) {
                const struct cxm_estimate_options options = {
                    .size = sizeof options, .level = levels[l], .interval = interval,
                    .measures = measures, .n_measures = n_measures,
                    .groups = all ? &total : NULL, .n_groups = 1,
                };
                size_t n = 0;
                const enum cxm_status got = cxm_tally_estimate(tally, &options, out,
                                                               sizeof out[0], COUNT_OF(out), &n,
                                                               NULL);
                assert_true(got == CXM_OK || got == CXM_EINVAL);
                for (size_t i = 0; got == CXM_OK && i < n; i++)
                    check_estimate(&out[i], name);
            }
        }
        if (calls > 0)
            fail_msg("%s: GSL's handler was called", name);
    }
}

/* What the random rows do not have: nobody, one row, all equal, the largest counts, values at
 * the end of all doubles. */
static void make_extreme(struct rows *rows, int kind)
{
    const struct setup *setup = rows->setup;
    for (int64_t i = 0; i < rows->n; i++) {
        for (int s = 0; s < setup->n_slots; s++) {
            double *x = &rows->values[s][i];
            const bool real = setup->kinds[s] == SLOT_REAL;
            if (kind == 0)
                *x = NAN;
            else if (kind == 1) /* all equal */
                *x = setup->kinds[s] == SLOT_RATING || real ? 10 : 1;
            else if (kind == 2 && real)
                *x = ldexp(i % 2 ? 1 : -0.75, 900); /* squares are infinite */
            else if (kind == 3 && real)
                *x = ldexp(i % 3 + 1.0, -900);      /* squares are zero */
        }
        if (rows->freq != NULL)
            rows->freq[i] = kind == 4 ? INT64_MAX / rows->n : kind == 1 ? 1 : rows->freq[i];
        if (rows->weight != NULL && kind == 1)
            rows->weight[i] = 1e-100;
        if (rows->weight != NULL && kind == 2)
            rows->weight[i] = i % 2 ? 1e30 : 1e-100;
    }
}

static void extreme_data(void **state)
{
    static const unsigned mixes[] = { WITH_FREQ, WEIGHTED, BY_NUMBER | WEIGHTED | WITH_FREQ };
    (void)state;
    uint64_t seed = random_seed();
    for (size_t i = 0; i < N_SETUPS; i++) {
        for (int kind = -1; kind <= 4; kind++) {
            for (size_t m = 0; m < COUNT_OF(mixes); m++) {
                const int64_t n = kind < 0 ? (int64_t)m : 1 + (int64_t)random_below(&seed, 12);
                struct rows rows = random_rows(&setups[i], mixes[m], n, &seed);
                make_extreme(&rows, kind);
                struct cxm_tally *tally = tally_of(&rows);
                estimate_everything(tally, setups[i].name);
                cxm_tally_free(tally);
                rows_free(&rows);
            }
        }
    }
}

int main(void)
{
    gsl_error_handler_t *const before = gsl_set_error_handler(count_call);
    const struct CMUnitTest tests[] = { cmocka_unit_test(extreme_data) };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    const bool still_there = gsl_set_error_handler(before) == count_call;
    if (!still_there)
        print_error("somebody changed the handler of GSL\n");
    return failed + calls + !still_there;
}
