/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Quantiles: figures of R (quantile, types 1 to 9) and of DDSketch's paper as the definitions print
 * them; a sort, written here again; laws of tallies. */
#include "failing_malloc.h"
#include "saved.h"

#include "estimate/order.h"
#include "metric/sketch.h"

#include <cxm/cxm.h>

static struct cxm_column reals(const char *name, const double *data, size_t n)
{
    return cxm_column_make(name, CXM_F64, data, (int64_t)n, 8, 8);
}

static const double nine[] = { 5, 5, 19, 20, 60, 60, 185, 270, 340 };

static struct cxm_report *quantiles_of(const double *data, size_t n,
                                       struct cxm_quantiles_options o)
{
    struct cxm_report *r = NULL;
    const struct cxm_column c = reals("seconds", data, n);
    o.size = sizeof o;
    assert_int_equal(cxm_quantiles(&c, &o, &r, NULL), CXM_OK);
    return r;
}

/* Durations are read as seconds, by selection and by a sketch, in one piece and in chunks; numbers have
 * the unit that the caller knows. */
static void durations_are_seconds(void **state)
{
    static const int64_t milliseconds[] = { 60000, 120000, 180000 };
    struct cxm_column c = CXM_TIME(CXM_ARRAY(milliseconds, 3), CXM_MS, INT64_MIN), whole;
    (void)state;
    for (int kind = 0; kind < 8; kind++) {
        const struct cxm_quantiles_options o = { CXM_INIT(quantiles),
                                                 .accuracy = kind & 1 ? 0.01 : 0 };
        struct cxm_report *r = NULL;
        c.flags = kind & 2 ? CXM_COLUMN_DURATION : 0;
        c.time_unit = kind & 2 ? CXM_MS : CXM_NO_TIME;
        whole = c;
        if (kind & 4) {
            whole.data = NULL;
            whole.chunks = &c;
            whole.n_chunks = 1;
        }
        assert_int_equal(cxm_quantiles(&whole, &o, &r, NULL), CXM_OK);
        assert_int_equal(cxm_report_estimates(r)[0].unit,
                         kind & 2 ? CXM_UNIT_SECONDS : CXM_UNIT_SCALE);
        assert_close(cxm_report_estimates(r)[0].value, kind & 2 ? 120 : 120000, 0.01);
        cxm_report_free(r);
    }
}

/* ---- types and limits -------------------------------------------------------------------- */

static void nine_types(void **state)
{
    static const double probs[] = { 0.5, 0.9, 0.95 };
    static const double want[9][3] = {
        { 60, 340, 340 }, { 60, 340, 340 }, { 20, 270, 340 },      { 40, 277, 308.5 },
        { 60, 312, 340 }, { 60, 340, 340 }, { 60, 284, 312 },      { 60, 321 + 1.0 / 3, 340 },
        { 60, 319, 340 },
    };
    (void)state;
    for (int type = 1; type <= 9; type++) {
        struct cxm_report *r = quantiles_of(nine, 9, (struct cxm_quantiles_options){
                                                         .probs = probs, .n_probs = 3, .type = type });
        for (int i = 0; i < 3; i++)
            assert_close(cxm_report_estimates(r)[i].value, want[type - 1][i], 1e-13);
        cxm_report_free(r);
    }
}

/* Where a binomial tail is exactly half of what the level leaves, rounding must not decide: of one value
 * P(X <= 0) = 3/4 for p = 1/4; of five P(X <= 4) = 31/32 for p = 1/2, and P(X <= 0) = 1/32. */
static void limits_at_exact_tails(void **state)
{
    static const double x[] = { 1, 2, 3, 4, 5 };
    static const struct { int64_t n; double p, level, lower, upper, coverage; } rows[] = {
        { 1, 0.25, 0.5, -INFINITY, 1, 0.75 },
        { 5, 0.5, 0.9375, -INFINITY, 5, 0.96875 },
        { 2, 0.5, 0.5, -INFINITY, 2, 0.75 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cxm_report *r = quantiles_of(x, rows[i].n, (struct cxm_quantiles_options){
                                .probs = &rows[i].p, .n_probs = 1, .level = rows[i].level });
        const struct cxm_estimate *e = cxm_report_estimates(r);
        assert_close(e->lower, rows[i].lower, 0);
        assert_close(e->upper, rows[i].upper, 0);
        assert_close(cxm_report_reals(r, (size_t)cxm_report_find_axis(r, "coverage"))[0],
                     rows[i].coverage, 1e-14);
        cxm_report_free(r);
    }
}

/* Half of 2^52 copies are 1, half 2: the middle is between the two, or the last 1, as each type has it. */
static void ranks_of_many_copies(void **state)
{
    static const double x[] = { 1, 2 }, half = 0.5;
    static const int64_t copies[] = { INT64_C(1) << 51, INT64_C(1) << 51 };
    static const struct { int32_t type; double want; } rows[] = {
        { 1, 1 }, { 2, 1.5 }, { 3, 1 }, { 4, 1 }, { 5, 1.5 }, { 6, 1.5 }, { 7, 1.5 },
    };
    (void)state;
    const struct cxm_column value = CXM_ARRAY_AS(CXM_F64, x, 2), freq = CXM_ARRAY_AS(CXM_I64, copies, 2);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cxm_report *r = NULL;
        const struct cxm_quantiles_options o = { CXM_INIT(quantiles), .freq = &freq, .probs = &half,
                                                 .n_probs = 1, .type = rows[i].type };
        assert_int_equal(cxm_quantiles(&value, &o, &r, NULL), CXM_OK);
        assert_close(cxm_report_estimates(r)->value, rows[i].want, 0);
        cxm_report_free(r);
    }
}

static void limits_are_order_statistics(void **state)
{
    (void)state;
    static const double half = 0.5;
    struct cxm_report *r = quantiles_of(nine, 9, (struct cxm_quantiles_options){ .probs = &half,
                                                                                 .n_probs = 1 });
    const struct cxm_estimate *e = cxm_report_estimates(r);
    assert_close(e->lower, 5, 0); /* the second of nine, the eighth */
    assert_close(e->upper, 270, 0);
    assert_close(cxm_report_reals(r, (size_t)cxm_report_find_axis(r, "coverage"))[0], 0.9609375,
                 1e-14);
    cxm_report_free(r);
    /* two values: the limits lie beyond the ends, P(X <= 0) = 1/4 > 2.5 % */
    r = quantiles_of(nine, 2, (struct cxm_quantiles_options){ .probs = &half, .n_probs = 1 });
    e = cxm_report_estimates(r);
    assert_true(isinf(e->lower) && e->lower < 0 && isinf(e->upper) && e->upper > 0);
    cxm_report_free(r);
    /* a large sample: coverage by the binomial is at least the level */
    const struct cxm_quantile_ranks ranks = cxm_priv_quantile_ranks(1000000, 0.9, 7, 0.99);
    assert_true(ranks.coverage >= 0.99 && ranks.coverage < 0.9905);
    assert_true(ranks.lower < 899999 && ranks.upper > 899999);
}

static void ends_and_edges(void **state)
{
    (void)state;
    static const double probs[] = { 0, 1 };
    static const double odd[] = { -0.0, 0.0, -1e308, 1e308, 3 };
    struct cxm_report *r = quantiles_of(nine, 9, (struct cxm_quantiles_options){ .probs = probs,
                                                                                 .n_probs = 2 });
    assert_close(cxm_report_estimates(r)[0].value, 5, 0);
    assert_close(cxm_report_estimates(r)[1].value, 340, 0);
    /* binomial (9, 0) is 0: l = 0, u = 1; binomial (9, 1) is 9: l = 9, u = 10 */
    for (int i = 0; i < 2; i++) {
        const struct cxm_estimate *e = &cxm_report_estimates(r)[i];
        assert_close(e->lower, i == 0 ? -INFINITY : 340, 0);
        assert_close(e->upper, i == 0 ? 5 : INFINITY, 0);
        assert_close(cxm_report_reals(r, (size_t)cxm_report_find_axis(r, "coverage"))[i], 1, 0);
    }
    cxm_report_free(r);
    r = quantiles_of(odd, 5, (struct cxm_quantiles_options){ .type = 7 });
    assert_close(cxm_report_estimates(r)[0].value, 0, 0);
    assert_true(!signbit(cxm_report_estimates(r)[0].value));
    assert_close(cxm_report_estimates(r)[1].value, 0.6 * 1e308 + 0.4 * 3, 1e-15);
    cxm_report_free(r);
    r = quantiles_of(nine, 1, (struct cxm_quantiles_options){ .type = 1 });
    assert_close(cxm_report_estimates(r)[3].value, 5, 0);
    cxm_report_free(r);
    r = quantiles_of(NULL, 0, (struct cxm_quantiles_options){ .type = 1 });
    assert_true(isnan(cxm_report_estimates(r)[0].value));
    assert_true(cxm_report_estimates(r)[0].flags & CXM_FLAG_NO_DATA);
    cxm_report_free(r);
}

static void quantiles_refuse(void **state)
{
    (void)state;
    static const double infinite[] = { 1, INFINITY, 2 }, percent[] = { 90 }, negative[] = { -0.1 };
    const struct cxm_column c = reals("seconds", infinite, 3), g = reals("by", nine, 2);
    struct cxm_report *r = NULL;
    struct cxm_error error;
    struct cxm_quantiles_options o = { CXM_INIT(quantiles) };
    assert_int_equal(cxm_quantiles(&c, &o, &r, &error), CXM_EDATA);
    assert_int_equal(error.row, 1);
    assert_string_equal(error.column, "seconds");
    o.invalid = CXM_INVALID_COUNT;
    assert_int_equal(cxm_quantiles(&c, &o, &r, &error), CXM_OK);
    assert_int_equal(cxm_report_estimates(r)->invalid, 1);
    assert_close(cxm_report_estimates(r)->value, 1.5, 0);
    cxm_report_free(r);
    r = NULL;
    o.by = &g;
    assert_int_equal(cxm_quantiles(&c, &o, &r, &error), CXM_EINVAL);
    o.by = NULL;
    o.probs = percent;
    o.n_probs = 1;
    assert_int_equal(cxm_quantiles(&c, &o, &r, &error), CXM_EINVAL);
    assert_non_null(strstr(error.message, "0.9"));
    o.probs = negative;
    assert_int_equal(cxm_quantiles(&c, &o, &r, &error), CXM_EINVAL);
    o.probs = NULL;
    o.type = 10;
    assert_int_equal(cxm_quantiles(&c, &o, &r, &error), CXM_EINVAL);
    o.type = 0;
    o.level = 95;
    assert_int_equal(cxm_quantiles(&c, &o, &r, &error), CXM_EINVAL);
    o.level = 0;
    o.weight = &c;
    assert_int_equal(cxm_quantiles(&c, &o, &r, &error), CXM_EUNSUPPORTED);
    assert_int_equal(cxm_quantiles(NULL, &o, &r, &error), CXM_EINVAL);
    assert_null(r);
}

/* ---- selection against a sort -------------------------------------------------------------- */

static uint64_t seed;

static uint64_t next_random(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 33;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { MOST = 3000 };

/* Values of several shapes: ties, all equal, both signs, many octaves. */
static double draw(int shape)
{
    const double u = (double)next_random() / 2147483648.0;
    switch (shape) {
    case 0: return floor(20 * u);
    case 1: return 7;
    case 2: return (u - 0.5) * 1e6;
    case 3: return exp(60 * (u - 0.5));
    default: return u < 0.5 ? -exp(20 * u) : exp(20 * u);
    }
}

static void selection_equals_a_sort(void **state)
{
    (void)state;
    static const double probs[] = { 0, 0.1, 0.25, 0.5, 0.77, 0.99, 1 };
    static double values[MOST], sorted[MOST];
    static int32_t segment[MOST];
    for (int round = 0; round < 60; round++) {
        seed = (uint64_t)round + 3;
        const size_t n = 1 + next_random() % MOST;
        const int groups = round % 3 == 0 ? 1 : round % 3 == 1 ? 7 : 900; /* many: another road */
        for (size_t i = 0; i < n; i++) {
            values[i] = next_random() % 50 == 0 ? NAN : draw(round % 5);
            segment[i] = (int32_t)(next_random() % (uint64_t)groups) - 3;
        }
        struct cxm_column c = reals("v", values, n), by = cxm_column_make("g", CXM_I32, segment,
                                                                         (int64_t)n, 4, 4);
        for (int type = 1; type <= 7; type += 6) {
            struct cxm_report *r = NULL, *again = NULL;
            struct cxm_quantiles_options o = { CXM_INIT(quantiles), .by = &by, .probs = probs,
                                               .n_probs = 7, .type = type };
            assert_int_equal(cxm_quantiles(&c, &o, &r, NULL), CXM_OK);
            o.threads = 3;
            assert_int_equal(cxm_quantiles(&c, &o, &again, NULL), CXM_OK);
            size_t row = 0;
            for (int32_t g = -3; g < groups - 3; g++) {
                size_t used = 0, missing = 0;
                for (size_t i = 0; i < n; i++) {
                    if (segment[i] == g && isnan(values[i]))
                        missing++;
                    else if (segment[i] == g)
                        sorted[used++] = values[i];
                }
                if (used + missing == 0)
                    continue;
                qsort(sorted, used, sizeof sorted[0], by_value);
                for (int k = 0; k < 7; k++, row++) {
                    const struct cxm_estimate *e = &cxm_report_estimates(r)[row];
                    assert_int_equal(e->n, used);
                    assert_int_equal(e->missing, missing);
                    assert_close(cxm_report_estimates(again)[row].value, e->value, 0);
                    if (used == 0) {
                        assert_true(isnan(e->value));
                        continue;
                    }
                    const double h = probs[k] * (double)(used - 1), whole = floor(h);
                    const double at = fmax(ceil(probs[k] * (double)used - 1e-9) - 1, 0);
                    const double low = sorted[(size_t)whole];
                    const double high = sorted[(size_t)fmin(whole + 1, (double)(used - 1))];
                    if (type == 1)
                        assert_close(e->value, sorted[(size_t)at], 0);
                    else
                        assert_true(fabs(e->value - (low + (h - whole) * (high - low)))
                                    <= 1e-9 * fmax(fabs(low), fabs(high)));
                }
            }
            assert_int_equal(cxm_report_rows(r), row);
            cxm_report_free(r);
            cxm_report_free(again);
        }
    }
}

/* ---- tallies ------------------------------------------------------------------------------- */

static struct cxm_tally *tally_of(const char *metric, double accuracy, const double *data,
                                  size_t n)
{
    const struct cxm_param param = { "accuracy", &accuracy, 1, NULL, 0 };
    const struct cxm_column c = reals("seconds", data, n);
    const struct cxm_input input = { "value", &c };
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new(metric, &param, accuracy > 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, &input, 1, NULL, NULL), CXM_OK);
    return tally;
}

/* x[floor((n - 1) p)] of what is there, for the four usual quantiles. */
static double lower_statistic(const double *values, size_t n, int which)
{
    static const double probs[] = { 0.5, 0.9, 0.95, 0.99 };
    static double sorted[MOST];
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(values[i]))
            sorted[used++] = values[i];
    }
    qsort(sorted, used, sizeof sorted[0], by_value);
    return sorted[(size_t)(probs[which] * (double)(used - 1))];
}

static void tables_merge_and_agree(void **state)
{
    (void)state;
    for (int sketch = 0; sketch < 2; sketch++) {
        static double values[MOST];
        uint8_t *a, *b;
        const char *metric = sketch ? "sketch" : "quantiles";
        const double accuracy = sketch ? 0.01 : 0;
        seed = 99;
        for (int i = 0; i < MOST; i++)
            values[i] = i % 40 == 0 ? NAN : i % 41 == 0 ? 0 : i % 7 == 0 ? -draw(3) : draw(3);
        struct cxm_tally *all = tally_of(metric, accuracy, values, MOST);
        struct cxm_tally *sum = tally_of(metric, accuracy, values + 2000, 1000);
        for (int part = 1; part >= 0; part--) {
            struct cxm_tally *one = tally_of(metric, accuracy, values + 1000 * part, 1000);
            assert_int_equal(cxm_tally_merge(sum, one, NULL), CXM_OK);
            cxm_tally_free(one);
        }
        size_t n = 0, n_of_sum = 0;
        a = save_tally(all, &n);
        b = save_tally(sum, &n_of_sum);
        assert_int_equal(n_of_sum, n);
        assert_memory_equal(a, b, n);
        struct cxm_tally *loaded = NULL;
        assert_int_equal(cxm_tally_load(a, n, NULL, &loaded, NULL), CXM_OK);
        assert_true(cxm_tally_equal(loaded, all));
        struct cxm_report *r = NULL, *exact = quantiles_of(values, MOST,
                                                           (struct cxm_quantiles_options){ .type = 7 });
        assert_int_equal(cxm_tally_quantiles(loaded, NULL, &r, NULL), CXM_OK);
        for (int i = 0; i < 4; i++) {
            double want = cxm_report_estimates(exact)[i].value;
            if (sketch) /* the bound is for the lower order statistic */
                want = lower_statistic(values, MOST, i);
            const double got = cxm_report_estimates(r)[i].value;
            assert_true(fabs(got - want) <= (sketch ? 0.01 + 1e-12 : 1e-15) * fabs(want));
            if (!sketch)
                assert_close(cxm_report_estimates(r)[i].lower,
                             cxm_report_estimates(exact)[i].lower, 0);
        }
        struct cxm_estimate e[4];
        assert_int_equal(cxm_tally_estimate(loaded, NULL, e, sizeof e[0], 4, NULL, NULL), CXM_OK);
        for (int i = 0; i < 4; i++)
            assert_close(e[i].value, cxm_report_estimates(r)[i].value, 0);
        /* Damaged counts do not go with the groups. */
        for (size_t at = 0; at < n; at += 7) {
            struct cxm_tally *broken = NULL;
            a[at] ^= 1;
            assert_int_not_equal(cxm_tally_load(a, n, NULL, &broken, NULL), CXM_OK);
            a[at] ^= 1;
        }
        cxm_report_free(r);
        cxm_report_free(exact);
        cxm_tally_free(loaded);
        cxm_tally_free(all);
        cxm_tally_free(sum);
        free(a);
        free(b);
    }
}

/* What is missing and what is no number are told apart, in both kinds of tables. */
static void missing_and_invalid_are_counted(void **state)
{
    (void)state;
    static const double values[] = { 3, NAN, INFINITY, NAN, 5, -INFINITY, NAN };
    static const char *const metrics[] = { "quantiles", "sketch" };
    const struct cxm_column c = reals(NULL, values, COUNT_OF(values));
    const struct cxm_add_options count = { .size = sizeof count, .invalid = CXM_INVALID_COUNT };
    for (int k = 0; k < 2; k++) {
        struct cxm_tally *t = NULL;
        struct cxm_estimate e[4];
        assert_int_equal(cxm_tally_new(metrics[k], NULL, 0, NULL, &t, NULL), CXM_OK);
        assert_int_equal(cxm_tally_add(t, &(struct cxm_input){ "value", &c }, 1, &count, NULL), CXM_OK);
        assert_int_equal(cxm_tally_estimate(t, NULL, e, sizeof e[0], 4, NULL, NULL), CXM_OK);
        assert_int_equal(e->n, 2);
        assert_int_equal(e->missing, 3);
        assert_int_equal(e->invalid, 2);
        cxm_tally_free(t);
    }
}

static void freq_counts_copies(void **state)
{
    (void)state;
    static const double kinds[] = { 60, 5, 340, 19, 270, 20, 185 };
    static const int32_t copies[] = { 2, 2, 1, 1, 1, 1, 1 };
    const struct cxm_column c = reals("s", kinds, 7),
                            f = cxm_column_make("n", CXM_I32, copies, 7, 4, 4);
    struct cxm_report *a = NULL, *b = quantiles_of(nine, 9, (struct cxm_quantiles_options){ .type = 7 });
    const struct cxm_quantiles_options o = { CXM_INIT(quantiles), .freq = &f };
    assert_int_equal(cxm_quantiles(&c, &o, &a, NULL), CXM_OK);
    for (int i = 0; i < 4; i++)
        assert_close(cxm_report_estimates(a)[i].value, cxm_report_estimates(b)[i].value, 0);
    cxm_report_free(a);
    cxm_report_free(b);
}

static void keys_of_text_and_missing_keys(void **state)
{
    (void)state;
    static const char channels[] = "phonechatphonemail";
    static const int32_t ends[] = { 0, 5, 9, 14, 18, 18 };
    static const uint8_t valid[] = { 0x0F };
    static const double values[] = { 10, 2, 30, 30, 7 };
    struct cxm_column by = { .name = "channel", .type = CXM_UTF8, .data = ends, .n = 5, .stride = 4,
                             .heap = channels, .validity = valid };
    const struct cxm_column c = reals("minutes", values, 5);
    struct cxm_report *r = NULL;
    static const double half = 0.5;
    struct cxm_quantiles_options o = { CXM_INIT(quantiles), .by = &by, .probs = &half,
                                       .n_probs = 1, .total = 1 };
    const enum cxm_status status = cxm_quantiles(&c, &o, &r, NULL);
    assert_int_equal(status, CXM_OK);
    static const char *const names[] = { "chat", "mail", "phone", "(missing)", "Total" };
    static const double want[] = { 2, 30, 20, 7, 10 };
    assert_int_equal(cxm_report_rows(r), 5);
    for (size_t i = 0; i < 5; i++) {
        struct cxm_row row;
        assert_int_equal(cxm_report_row(r, i, &row), CXM_OK);
        assert_string_equal(row.group, names[i]);
        assert_close(row.estimate.value, want[i], 0);
    }
    cxm_report_free(r);
    o.missing_key = CXM_MISSING_KEY_LEAVE_OUT;
    assert_int_equal(cxm_quantiles(&c, &o, &r, NULL), CXM_OK);
    assert_int_equal(cxm_report_rows(r), 4);
    assert_close(cxm_report_estimates(r)[3].value, 20, 0); /* of 2, 10, 30, 30 */
    assert_int_equal(cxm_report_estimates(r)[3].excluded, 1);
    cxm_report_free(r);
}

/* ---- DDSketch ------------------------------------------------------------------------------- */

static void buckets_of_the_definitions(void **state)
{
    (void)state;
    static const double x[] = { 5, 19, 20, 60, 185, 270, 340 };
    static const int key[] = { 81, 148, 150, 205, 262, 280, 292 };
    for (int i = 0; i < 7; i++)
        assert_close(cxm_priv_sketch_code(x[i], 0.01), 1073741824.0 + key[i], 0);
    struct cxm_tally *tally = tally_of("sketch", 0.01, nine, 9);
    struct cxm_report *r = NULL;
    static const double probs[] = { 0.5, 0.9, 1 };
    const struct cxm_quantile_options o = { .size = sizeof o, .probs = probs, .n_probs = 3 };
    assert_int_equal(cxm_tally_quantiles(tally, &o, &r, NULL), CXM_OK);
    static const double want[] = { 59.7450498, 267.7721258, 340.4078108 };
    for (int i = 0; i < 3; i++)
        assert_true(fabs(cxm_report_estimates(r)[i].value - want[i]) < 5e-8);
    cxm_report_free(r);
    cxm_tally_free(tally);
}

/* 0.29 of 101 values is the thirtieth, whatever 0.29 * 100 is in doubles: 28.999999999999996. */
static void ranks_of_sketches_are_decimals(void **state)
{
    (void)state;
    static const double probs[] = { 0, 0.07, 0.14, 0.28, 0.29, 0.55, 0.57, 0.58, 1 };
    enum { N = 101, PROBS = COUNT_OF(probs) };
    double x[N];
    for (int i = 0; i < N; i++)
        x[i] = (double)i * i * i;
    struct cxm_tally *tally = tally_of("sketch", 0.01, x, N);
    struct cxm_report *r = NULL;
    const struct cxm_quantile_options o = { .size = sizeof o, .probs = probs, .n_probs = PROBS };
    assert_int_equal(cxm_tally_quantiles(tally, &o, &r, NULL), CXM_OK);
    for (size_t i = 0; i < PROBS; i++) {
        const double want = x[lround(100 * probs[i])];
        assert_true(fabs(cxm_report_estimates(r)[i].value - want) <= 0.01 * want * (1 + 1e-12));
    }
    cxm_report_free(r);
    cxm_tally_free(tally);
}

/* Edges are powers of gamma: of 3 for an accuracy of one half, which doubles hold exactly. */
static void buckets_at_their_edges(void **state)
{
    (void)state;
    double power = 1;
    for (int i = 0; i <= 33; i++, power *= 3) {
        assert_close(cxm_priv_sketch_code(power, 0.5), 1073741824.0 + i, 0);
        assert_close(cxm_priv_sketch_code(nextafter(power, INFINITY), 0.5), 1073741825.0 + i, 0);
        assert_close(cxm_priv_sketch_code(nextafter(power, 0), 0.5),
                     1073741824.0 + i - (i == 0 ? 0 : 0), 0);
    }
    assert_close(cxm_priv_sketch_code(-9, 0.5), -1073741826.0, 0);
    assert_close(cxm_priv_sketch_code(0, 0.5), 0, 0);
    assert_close(cxm_priv_sketch_value(0, 0.5), 0, 0);
}

static void errors_are_bounded(void **state)
{
    (void)state;
    static const double accuracies[] = { 1e-4, 0.01, 0.3 };
    seed = 5;
    for (int i = 0; i < 20000; i++) {
        const double a = accuracies[i % 3];
        const double x = i == 0 ? 5e-324
                       : i == 1 ? 1.7e308
                                : exp(1400 * ((double)next_random() / 2147483648.0 - 0.5));
        const double got = cxm_priv_sketch_value(cxm_priv_sketch_code(x, a), a);
        if (x > 1e-300)
            assert_true(fabs(got - x) <= a * x * (1 + 1e-12));
    }
}

/* ---- memory ---------------------------------------------------------------------------------- */

static enum cxm_status call_columns(void)
{
    static const int32_t segment[] = { 1, 2, 1, 2, 3, 3, 1, 1, 1 };
    struct cxm_report *r = NULL;
    const struct cxm_column c = reals("v", nine, 9),
                            by = cxm_column_make("g", CXM_I32, segment, 9, 4, 4);
    const struct cxm_quantiles_options o = { CXM_INIT(quantiles), .by = &by, .total = 1 };
    const enum cxm_status status = cxm_quantiles(&c, &o, &r, NULL);
    cxm_report_free(r);
    return status;
}

static enum cxm_status call_many(void)
{
    static int32_t segment[600];
    static double values[600];
    struct cxm_report *r = NULL;
    for (int i = 0; i < 600; i++) {
        segment[i] = i / 2;
        values[i] = i;
    }
    const struct cxm_column c = reals("v", values, 600),
                            by = cxm_column_make("g", CXM_I32, segment, 600, 4, 4);
    const struct cxm_quantiles_options o = { CXM_INIT(quantiles), .by = &by };
    const enum cxm_status status = cxm_quantiles(&c, &o, &r, NULL);
    cxm_report_free(r);
    return status;
}

static enum cxm_status call_sketch(void)
{
    struct cxm_report *r = NULL;
    const struct cxm_column c = reals("v", nine, 9);
    const struct cxm_quantiles_options o = { CXM_INIT(quantiles), .accuracy = 0.02 };
    const enum cxm_status status = cxm_quantiles(&c, &o, &r, NULL);
    cxm_report_free(r);
    return status;
}

static void memory_runs_out(void **state)
{
    (void)state;
    assert_survives_no_memory(call_columns);
    assert_survives_no_memory(call_many);
    assert_survives_no_memory(call_sketch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_seconds),
        cmocka_unit_test(nine_types),
        cmocka_unit_test(limits_at_exact_tails),
        cmocka_unit_test(ranks_of_many_copies),
        cmocka_unit_test(limits_are_order_statistics),
        cmocka_unit_test(ends_and_edges),
        cmocka_unit_test(quantiles_refuse),
        cmocka_unit_test(selection_equals_a_sort),
        cmocka_unit_test(tables_merge_and_agree),
        cmocka_unit_test(missing_and_invalid_are_counted),
        cmocka_unit_test(freq_counts_copies),
        cmocka_unit_test(keys_of_text_and_missing_keys),
        cmocka_unit_test(buckets_of_the_definitions),
        cmocka_unit_test(buckets_at_their_edges),
        cmocka_unit_test(ranks_of_sketches_are_decimals),
        cmocka_unit_test(errors_are_bounded),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
