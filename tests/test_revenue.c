/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The revenue ledger: the worked example in cents, its identity on random customers against
 * sums taken one by one in integers, subscriptions summed per customer, and what is no amount. */
#include "metric_testing.h"

enum { N = 10 };

/* customers a … j of the definitions, section 4.2 */
static const int64_t before[N] = { 10000, 10000, 20000, 5000, 0, 0, 30000, 0, 15000, 10000 };
static const int64_t after[N] = { 10000, 15000, 12000, 0, 8000, 6000, 33000, 0, 0, 9999 };
static const uint8_t ever[N] = { 1, 1, 1, 1, 0, 1, 1, 1, 1, 1 };

static const struct cxm_revenue_options no_options = { CXM_INIT(revenue) };

static struct cxm_tally *ledger(const int64_t *p, const int64_t *q, const uint8_t *e, size_t n)
{
    const struct cxm_column previous = CXM_ARRAY(p, n), current = CXM_ARRAY(q, n);
    struct cxm_column paid = { 0 };
    if (e != NULL)
        paid = CXM_ARRAY(e, n);
    const struct cxm_input inputs[] = { { "previous", &previous }, { "current", &current },
                                        { "ever", &paid } };
    return tally_of("revenue", NULL, 0, inputs, e != NULL ? 3 : 2);
}

static void worked_example(void **state)
{
    (void)state;
    static const struct want wants[] = {
        { "start", "100000", NULL, NULL, NULL },
        { "end", "93999", NULL, NULL, NULL },
        { "new", "8000", NULL, NULL, NULL },
        { "expansion", "8000", NULL, NULL, NULL },
        { "contraction", "8001", NULL, NULL, NULL },
        { "churn", "20000", NULL, NULL, NULL },
        { "reactivation", "6000", NULL, NULL, NULL },
        { "gross_churn", "28001/100000", NULL, NULL, NULL },
        { "grr", "71999/100000", NULL, NULL, NULL },
        { "nrr", "79999/100000", NULL, NULL, NULL },
        { "net_churn", "20001/100000", NULL, NULL, NULL },
        { "net_churn_reactivation", "14001/100000", NULL, NULL, NULL },
        { "quick_ratio", "22000/28001", NULL, NULL, NULL },
        { "quick_ratio_new", "16000/28001", NULL, NULL, NULL },
        { "logo_churn", "2/7", NULL, NULL, NULL },
        { "customers_new", "1", NULL, NULL, NULL },
        { "customers_reactivated", "1", NULL, NULL, NULL },
        { "customers_expanded", "2", NULL, NULL, NULL },
        { "customers_contracted", "2", NULL, NULL, NULL },
        { "customers_churned", "2", NULL, NULL, NULL },
        { "customers_same", "1", NULL, NULL, NULL },
    };
    struct cxm_tally *t = ledger(before, after, ever, N);
    assert_wants(t, CXM_TOTAL, wants);
    assert_printed(measure(t, "quick_ratio").value, "0.7856862255");
    assert_printed(measure(t, "quick_ratio_new").value, "0.5714081640");
    const struct cxm_estimate nrr = measure(t, "nrr"), churn = measure(t, "net_churn");
    assert_true(fabs(nrr.std_error - 0.1913978) < 0.5e-7); /* definitions, 4.2 */
    assert_true(nrr.std_error == churn.std_error);
    assert_counts(&nrr, 7, 0, 0, 3);
    const struct cxm_estimate quick = measure(t, "quick_ratio");
    assert_counts(&quick, 9, 0, 0, 1);
    assert_int_equal(nrr.unit, CXM_UNIT_RATIO);
    assert_int_equal(measure(t, "start").unit, CXM_UNIT_MONEY);
    assert_int_equal(nrr.base, CXM_BASE_CUSTOMERS);
    assert_definition(t, "revenue/customer/reactivation=ever");
    cxm_tally_free(t);
    t = ledger(before, after, NULL, N); /* nobody knows who came back: f is new */
    assert_printed(measure(t, "new").value, "14000");
    assert_printed(measure(t, "reactivation").value, "0");
    assert_printed(measure(t, "nrr").value, "79999/100000");
    assert_definition(t, "revenue/customer/reactivation=unknown");
    cxm_tally_free(t);
}

/* The two-pass formula over the seven customers, in long doubles: another route. */
static void standard_errors(void **state)
{
    (void)state;
    long double start = 0, stay = 0, kept = 0, lost = 0, gain = 0;
    for (int i = 0; i < N; i++) {
        const int64_t p = before[i], q = after[i], m = p < q ? p : q;
        start += p;
        stay += p > 0 ? q : 0;
        kept += m;
        lost += p - m;
        gain += q - m;
    }
    long double v[3] = { 0, 0, 0 };
    for (int i = 0; i < N; i++) {
        const long double p = before[i], q = after[i], m = p < q ? p : q;
        const long double d[3] = { p > 0 ? q - stay / start * p : 0, m - kept / start * p,
                                   q - m - gain / lost * (p - m) };
        for (int k = 0; k < 3; k++)
            v[k] += d[k] * d[k];
    }
    struct cxm_tally *t = ledger(before, after, ever, N);
    assert_close(measure(t, "nrr").std_error, (double)(sqrtl(v[0] * 7 / 6) / start), 1e-14);
    assert_close(measure(t, "grr").std_error, (double)(sqrtl(v[1] * 7 / 6) / start), 1e-14);
    assert_close(measure(t, "quick_ratio").std_error, (double)(sqrtl(v[2] * 9 / 8) / lost),
                 1e-14);
    cxm_tally_free(t);
}

/* Beside a customer who pays the same huge amount as before: gains 1, losses 1 and 2, so the ratio is
 * 1 / 3, the influences are 0, 1, -1 / 3, -2 / 3 of 3 and the squares 14 / 9. The header has the digits. */
static void small_movements_beside_a_large_amount(void **state)
{
    (void)state;
    const double want = sqrt(56.0 / 27) / 3;
    int64_t p[] = { 0, 1, 2, 3 }, q[] = { 0, 2, 1, 1 };
    p[0] = q[0] = 1000000000; /* 10^9 */
    struct cxm_tally *t = ledger(p, q, NULL, 4);
    assert_close(measure(t, "quick_ratio").std_error, want, 1e-14);
    cxm_tally_free(t);
    p[0] = q[0] = 1000000000000; /* 10^12 */
    t = ledger(p, q, NULL, 4);
    assert_printed(measure(t, "quick_ratio").value, "1/3");
    assert_printed(measure(t, "nrr").value, "1000000000004/1000000000006");
    assert_close(measure(t, "quick_ratio").std_error, want, 1e-7);
    double squares = 0; /* nrr is 1 - 2 / start: q - nrr p = q - p + 2 p / start */
    for (int i = 0; i < 4; i++)
        squares += pow((double)(q[i] - p[i]) + 2 * (double)p[i] / 1000000000006, 2);
    assert_close(measure(t, "nrr").std_error, sqrt(squares * 4 / 3) / 1000000000006, 1e-7);
    cxm_tally_free(t);
}

/* ---- definitions, edge case 12 --------------------------------------------------------- */

static void nothing_at_either_end_is_ignored(void **state)
{
    (void)state;
    const int64_t zeros[2] = { 0, 0 };
    struct cxm_tally *t = ledger(zeros, zeros, NULL, 2);
    const struct cxm_estimate nrr = measure(t, "nrr"), quick = measure(t, "quick_ratio");
    assert_true(isnan(nrr.value) && isnan(quick.value));
    assert_true(nrr.flags & CXM_FLAG_NO_DATA && quick.flags & CXM_FLAG_NO_DATA);
    assert_counts(&nrr, 0, 0, 0, 2);
    assert_true(measure(t, "start").value == 0 && measure(t, "end").value == 0);
    cxm_tally_free(t);
}

static void only_gains(void **state)
{
    (void)state;
    const int64_t p[2] = { 0, 100 }, q[2] = { 5, 100 };
    struct cxm_tally *t = ledger(p, q, NULL, 1);
    assert_true(isnan(measure(t, "nrr").value)); /* start is 0 */
    assert_true(measure(t, "quick_ratio").value == INFINITY);
    cxm_tally_free(t);
    t = ledger(p, q, NULL, 2);
    assert_true(measure(t, "nrr").value == 1 && measure(t, "grr").value == 1);
    assert_true(measure(t, "quick_ratio").value == INFINITY);
    assert_true(isnan(measure(t, "nrr").std_error)); /* one customer */
    cxm_tally_free(t);
    t = ledger(p + 1, q + 1, NULL, 1); /* nothing gained, nothing lost */
    assert_true(isnan(measure(t, "quick_ratio").value));
    cxm_tally_free(t);
}

static void below_zero_is_bad(void **state)
{
    (void)state;
    const int64_t p[3] = { -1, 100, 100 }, q[3] = { 5, -1, 50 };
    struct cxm_tally *t = ledger(p, q, NULL, 3);
    struct cxm_base base;
    const struct cxm_estimate e = measure(t, "nrr");
    assert_counts(&e, 1, 0, 0, 2);
    assert_int_equal(cxm_tally_base(t, CXM_TOTAL, 0, &base, NULL), CXM_OK);
    assert_int_equal(base.excluded_by[CXM_REASON_BAD], 2);
    assert_true(e.value == 0.5);
    cxm_tally_free(t);
}

static void missing_amounts(void **state)
{
    (void)state;
    const int64_t p[4] = { INT64_MIN, 100, 0, 100 }, q[4] = { 5, INT64_MIN, 7, 50 };
    const uint8_t e[4] = { 1, 1, 2, 2 };
    struct cxm_column previous = CXM_TIME(CXM_ARRAY(p, 4), CXM_NO_TIME, INT64_MIN);
    struct cxm_column current = CXM_TIME(CXM_ARRAY(q, 4), CXM_NO_TIME, INT64_MIN);
    struct cxm_column paid = CXM_TIME(CXM_ARRAY(e, 4), CXM_NO_TIME, 2);
    const struct cxm_input inputs[] = { { "previous", &previous }, { "current", &current },
                                        { "ever", &paid } };
    struct cxm_tally *t = tally_of("revenue", NULL, 0, inputs, 3);
    const struct cxm_estimate nrr = measure(t, "nrr"), quick = measure(t, "quick_ratio");
    assert_counts(&nrr, 1, 3, 0, 0);   /* ever matters only where 0 became something */
    assert_counts(&quick, 1, 3, 0, 0);
    cxm_tally_free(t);
}

/* ---- random customers ------------------------------------------------------------------ */

static void identity_holds_exactly(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    enum { MOST = 40 };
    for (int round = 0; round < 2000; round++) {
        int64_t p[MOST], q[MOST], sums[7] = { 0 };
        uint8_t e[MOST];
        const size_t n = 1 + random_below(&seed, MOST);
        const uint64_t range = round % 2 ? 5 : (uint64_t)1 << 40;
        for (size_t i = 0; i < n; i++) {
            p[i] = random_below(&seed, 3) ? (int64_t)random_below(&seed, range) : 0;
            q[i] = random_below(&seed, 3) ? (int64_t)random_below(&seed, range) : 0;
            e[i] = (uint8_t)random_below(&seed, 2);
            sums[0] += p[i];
            if (p[i] == 0)
                sums[e[i] ? 2 : 1] += q[i];
            else if (q[i] == 0)
                sums[5] += p[i];
            else if (q[i] > p[i])
                sums[3] += q[i] - p[i];
            else
                sums[4] += p[i] - q[i];
            sums[6] += q[i];
        }
        static const char *const names[7] = { "start", "new", "reactivation", "expansion",
                                              "contraction", "churn", "end" };
        struct cxm_tally *t = ledger(p, q, e, n);
        double got[7];
        for (int k = 0; k < 7; k++) {
            got[k] = measure(t, names[k]).value;
            assert_true(got[k] == (double)sums[k]);
        }
        assert_true(got[0] + got[1] + got[2] + got[3] - got[4] - got[5] == got[6]);
        cxm_tally_free(t);
    }
}

/* ---- rows of subscriptions ------------------------------------------------------------- */

static struct cxm_error error;

static enum cxm_status rows_of(const struct cxm_column *p, const struct cxm_column *q,
                               struct cxm_revenue_options options, struct cxm_row *rows,
                               size_t capacity, size_t *n)
{
    options.all_measures = 1;
    return cxm_revenue(p, q, &options, rows, sizeof *rows, capacity, n, &error);
}

static double value_of(const struct cxm_row *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].measure, name) == 0)
            return rows[i].estimate.value;
    }
    fail_msg("no row %s", name);
    return NAN;
}

/* Cancelling one of two subscriptions is contraction (ChartMogul), not churn. */
static void subscriptions_are_summed_first(void **state)
{
    (void)state;
    const char *const customer[5] = { "ann", "bob", "ann", NULL, "bob" };
    const int64_t p[5] = { 1000, 500, 700, 9, 500 }, q[5] = { 0, 600, 700, 9, 700 };
    const struct cxm_column c = CXM_ARRAY(customer, 5), a = CXM_ARRAY(p, 5), b = CXM_ARRAY(q, 5);
    struct cxm_row rows[32];
    size_t n;
    struct cxm_revenue_options options = no_options;
    options.customer = &c;
    assert_int_equal(rows_of(&a, &b, options, rows, 32, &n), CXM_OK);
    assert_true(value_of(rows, n, "contraction") == 1000 && value_of(rows, n, "churn") == 0);
    assert_true(value_of(rows, n, "expansion") == 300);
    assert_int_equal(rows[0].estimate.n, 2);
    assert_int_equal(rows[0].estimate.missing, 1); /* no customer */
    const struct cxm_column w = CXM_ARRAY(p, 5);
    options.weight = &w;
    assert_int_equal(rows_of(&a, &b, options, rows, 32, &n), CXM_EINVAL);
    assert_string_equal(error.column, "weight");
}

/* The same customer in two periods is two rows, whatever their order: 100 -> 150 -> 120. */
static void several_periods_at_once(void **state)
{
    (void)state;
    const int32_t customer[4] = { 7, 7, 7, 7 }, period[4] = { 2, 1, 2, 1 };
    const int64_t p[4] = { 100, 60, 50, 40 }, q[4] = { 100, 90, 20, 60 };
    const struct cxm_column c = CXM_ARRAY(customer, 4), a = CXM_ARRAY(p, 4), b = CXM_ARRAY(q, 4);
    const struct cxm_column by = CXM_ARRAY(period, 4);
    struct cxm_row rows[80];
    size_t n;
    struct cxm_revenue_options options = no_options;
    options.customer = &c;
    options.by = &by;
    assert_int_equal(rows_of(&a, &b, options, rows, 80, &n), CXM_OK);
    assert_int_equal(n, 2 * 21);
    assert_true(value_of(rows, n / 2, "expansion") == 50);
    assert_true(value_of(rows, n / 2, "grr") == 1);
    assert_true(value_of(rows + n / 2, n / 2, "contraction") == 30);
    assert_close(value_of(rows + n / 2, n / 2, "grr"), 0.8, 1e-15);
    assert_close(value_of(rows, n / 2, "nrr") * value_of(rows + n / 2, n / 2, "nrr"), 1.2, 1e-15);
}

static void floats_need_digits(void **state)
{
    (void)state;
    const double p[3] = { 19.99, 0.1 + 0.2, 8.25 }, q[3] = { 19.99, 0.3, 1e14 };
    const struct cxm_column a = CXM_ARRAY(p, 3), b = CXM_ARRAY(q, 3);
    struct cxm_row rows[32];
    size_t n;
    struct cxm_revenue_options options = no_options;
    assert_int_equal(rows_of(&a, &b, options, rows, 32, &n), CXM_EINVAL);
    assert_non_null(strstr(error.message, "floats are no money"));
    options.has_digits = 1;
    options.currency_digits = 2;
    assert_int_equal(rows_of(&a, &b, options, rows, 32, &n), CXM_EDATA);
    assert_int_equal(error.row, 2);
    assert_string_equal(error.column, "q");
    options.invalid = CXM_INVALID_COUNT;
    assert_int_equal(rows_of(&a, &b, options, rows, 32, &n), CXM_OK);
    assert_true(value_of(rows, n, "start") == 2029 && value_of(rows, n, "end") == 2029);
    assert_int_equal(rows[0].estimate.invalid, 1);
    options.currency_digits = 10;
    assert_int_equal(rows_of(&a, &b, options, rows, 32, &n), CXM_EINVAL);
}

/* 128-bit decimals: 12.34 and 12.3400 are the same amount in hundredths of a cent. */
static void decimals_are_exact(void **state)
{
    (void)state;
    uint8_t p[2][16], q[2][16];
    store_decimal(p[0], 1234);
    store_decimal(p[1], 5);
    store_decimal(q[0], 123400);
    store_decimal(q[1], 51);
    struct cxm_column a = cxm_column_make("p", CXM_DECIMAL, p, 2, 16, 16);
    struct cxm_column b = cxm_column_make("q", CXM_DECIMAL, q, 2, 16, 16);
    a.scale = 2;
    b.scale = 4;
    struct cxm_row rows[32];
    size_t n;
    struct cxm_revenue_options options = no_options;
    assert_int_equal(rows_of(&a, &b, options, rows, 32, &n), CXM_OK);
    assert_true(value_of(rows, n, "start") == 123900);
    assert_true(value_of(rows, n, "end") == 123451);
    options.has_digits = 1;
    options.currency_digits = 2; /* 0.0051 is no whole number of cents */
    assert_int_equal(rows_of(&a, &b, options, rows, 32, &n), CXM_EDATA);
    assert_int_equal(error.row, 1);
    const int64_t units[2] = { 1234, 5 };
    const struct cxm_column whole = CXM_ARRAY(units, 2);
    options.has_digits = 0;
    assert_int_equal(rows_of(&a, &whole, options, rows, 32, &n), CXM_EINVAL);
    assert_non_null(strstr(error.message, "minor unit"));
}

/* Where doubles of decimals no longer show a thousandth: 10^13 has one of a 512th. In one column,
 * in chunks, and behind a dictionary; 2^53 minor units are the most. */
static void large_decimals_are_exact(void **state)
{
    (void)state;
    enum { N_ROWS = 3 };
    static const int64_t most = (int64_t)1 << 53;
    uint8_t p[N_ROWS][16];
    store_decimal(p[1], 12340);
    store_decimal(p[2], -50);
    static const uint8_t codes[N_ROWS] = { 0, 1, 2 };
    static const int64_t zeros[N_ROWS] = { 0, 0, 0 };
    const struct cxm_column nothing = cxm_column_make("q", CXM_I64, zeros, N_ROWS, 8, 8);
    for (int way = 0; way < 3; way++) {
        struct cxm_column a = cxm_column_make("p", CXM_DECIMAL, p, N_ROWS, 16, 16), whole, parts[2];
        struct cxm_row rows[32];
        size_t n;
        struct cxm_revenue_options options = no_options;
        a.scale = 3;
        whole = parts[0] = parts[1] = a;
        parts[0].n = 1;
        parts[1].n = 2;
        parts[1].data = p[1];
        if (way == 1) {
            a.chunks = parts;
            a.n_chunks = 2;
        } else if (way == 2) {
            a = cxm_column_make("p", CXM_U8, codes, N_ROWS, 1, 1);
            a.dictionary = &whole;
        }
        options.has_digits = 1;
        options.currency_digits = 2;
        store_decimal(p[0], 10000000000000004); /* 4 thousandths: no whole cents */
        assert_int_equal(rows_of(&a, &nothing, options, rows, 32, &n), CXM_EDATA);
        assert_int_equal(error.row, 0);
        assert_string_equal(error.value, "10000000000000.004");
        options.invalid = CXM_INVALID_COUNT;
        assert_int_equal(rows_of(&a, &nothing, options, rows, 32, &n), CXM_OK);
        assert_true(value_of(rows, n, "start") == 1234); /* and -0.05 is bad */
        assert_int_equal(rows[0].estimate.invalid, 1);
        options.invalid = CXM_INVALID_ERROR;
        options.currency_digits = 3;
        store_decimal(p[0], most);
        assert_int_equal(rows_of(&a, &nothing, options, rows, 32, &n), CXM_OK);
        assert_true(value_of(rows, n, "start") == (double)(most + 12340));
        store_decimal(p[0], most + 1);
        assert_int_equal(rows_of(&a, &nothing, options, rows, 32, &n), CXM_EDATA);
        assert_int_equal(error.row, 0);
        assert_non_null(strstr(error.message, "up to 2^53"));
    }
}

static void sums_that_do_not_fit(void **state)
{
    (void)state;
    const int64_t big = (int64_t)1 << 53, p[2] = { big, 1 }, q[2] = { 0, 0 };
    const int32_t customer[2] = { 1, 1 };
    const struct cxm_column c = CXM_ARRAY(customer, 2), a = CXM_ARRAY(p, 2), b = CXM_ARRAY(q, 2);
    struct cxm_row rows[32];
    size_t n;
    struct cxm_revenue_options options = no_options;
    assert_int_equal(rows_of(&a, &b, options, rows, 32, &n), CXM_OK); /* two customers */
    assert_true(value_of(rows, n, "start") == (double)big);           /* 2^53 + 1 rounds */
    options.customer = &c;
    assert_int_equal(rows_of(&a, &b, options, rows, 32, &n), CXM_EOVERFLOW);
}

/* A tally takes minor units as they are: whole numbers, of any type. */
static void tallies_take_whole_minor_units(void **state)
{
    (void)state;
    const double p[2] = { 1, 1.5 };
    uint8_t d[16];
    store_decimal(d, 150);
    const struct cxm_column a = CXM_ARRAY(p, 2);
    struct cxm_column cents = cxm_column_make("p", CXM_DECIMAL, d, 1, 16, 16);
    cents.scale = 2;
    const struct cxm_input inputs[] = { { "previous", &a }, { "current", &a } };
    const struct cxm_input decimals[] = { { "previous", &cents }, { "current", &cents } };
    struct cxm_tally *t;
    assert_int_equal(cxm_tally_new("revenue", NULL, 0, NULL, &t, &error), CXM_OK);
    assert_int_equal(cxm_tally_add(t, inputs, 2, NULL, &error), CXM_EDATA);
    assert_int_equal(error.row, 1);
    assert_non_null(strstr(error.message, "not a whole number of minor units"));
    assert_int_equal(cxm_tally_add(t, decimals, 2, NULL, &error), CXM_EINVAL);
    assert_non_null(strstr(error.message, "cxm_revenue_rows"));
    const double one[2] = { 100, 120.5 }, fine[2] = { 100, 120 };
    assert_int_equal(cxm_tally_add_one(t, one, 2, NULL, 1, &error), CXM_EDATA);
    assert_int_equal(cxm_tally_add_one(t, fine, 2, NULL, 1, &error), CXM_OK);
    assert_close(measure(t, "nrr").value, 1.2, 1e-15);
    cxm_tally_free(t);
}

static void memory_runs_out(void **state)
{
    (void)state;
    const int32_t customer[3] = { 1, 2, 1 };
    const int64_t p[3] = { 1, 2, 3 };
    const struct cxm_column c = CXM_ARRAY(customer, 3), a = CXM_ARRAY(p, 3);
    const struct cxm_revenue_input input = { .size = sizeof input, .previous = &a,
                                             .current = &a, .customer = &c, .by = &c,
                                             .n_by = 1 };
    int64_t was[3], is[3];
    uint8_t copies[3];
    const struct cxm_revenue_output out = { was, is, NULL, copies };
    struct heap heap;
    for (int fail_at = 1;; fail_at++) {
        heap_init(&heap, fail_at);
        const enum cxm_status status = cxm_revenue_rows(&input, &out, &heap.allocator, &error);
        assert_int_equal(heap.live, 0);
        if (status == CXM_OK)
            break;
        assert_int_equal(status, CXM_ENOMEM);
    }
    assert_true(was[0] == 4 && was[1] == 2 && copies[0] && copies[1] && !copies[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_example),
        cmocka_unit_test(standard_errors),
        cmocka_unit_test(small_movements_beside_a_large_amount),
        cmocka_unit_test(nothing_at_either_end_is_ignored),
        cmocka_unit_test(only_gains),
        cmocka_unit_test(below_zero_is_bad),
        cmocka_unit_test(missing_amounts),
        cmocka_unit_test(identity_holds_exactly),
        cmocka_unit_test(subscriptions_are_summed_first),
        cmocka_unit_test(several_periods_at_once),
        cmocka_unit_test(floats_need_digits),
        cmocka_unit_test(decimals_are_exact),
        cmocka_unit_test(large_decimals_are_exact),
        cmocka_unit_test(sums_that_do_not_fit),
        cmocka_unit_test(tallies_take_whole_minor_units),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
