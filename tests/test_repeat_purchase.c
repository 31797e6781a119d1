/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Repeat purchase: the worked orders of the definitions, what is one order, missing rows, and
 * memory that runs out. */
#include "metric_testing.h"

#include <cxm/repeat.h>

enum { DAY = 86400, N = 10 };

/* a:1,5 b:2 c:3,3,40 d:33 e:10,45 f:50 (definitions, section 3.1) */
static const char customers[N] = { 'a', 'a', 'b', 'c', 'c', 'c', 'd', 'e', 'e', 'f' };
static const int days[N] = { 1, 5, 2, 3, 3, 40, 33, 10, 45, 50 };

static struct cxm_error error;
static int64_t orders[N], before[N];
static uint8_t copies[N];

static struct cxm_tally *tally_of_orders(struct cxm_repeat_options o, int reverse)
{
    int32_t id[N], ticket[N];
    int64_t t[N];
    for (int i = 0; i < N; i++) {
        const int at = reverse ? N - 1 - i : i;
        id[i] = customers[at];
        t[i] = (int64_t)days[at] * DAY + at;
        ticket[i] = at == 4 ? 3 : at; /* the two rows of day 3 are one order */
    }
    const struct cxm_column c = CXM_ARRAY(id, N), time = CXM_ARRAY(t, N);
    const struct cxm_column by_ticket = CXM_ARRAY(ticket, N);
    o.size = sizeof o;
    if (o.order != NULL)
        o.order = &by_ticket;
    assert_int_equal(cxm_repeat_rows(&c, &time, &o, orders, before, copies, NULL, &error),
                     CXM_OK);
    const struct cxm_column n = CXM_TIME(CXM_ARRAY(orders, N), CXM_NO_TIME, INT64_MIN);
    const struct cxm_column b = CXM_TIME(CXM_ARRAY(before, N), CXM_NO_TIME, INT64_MIN);
    const struct cxm_column f = CXM_ARRAY(copies, N);
    const struct cxm_input inputs[] = { { "orders", &n }, { "before", &b }, { "freq", &f } };
    return tally_of("repeat_purchase", NULL, 0, inputs, 3);
}

static void worked_orders(void **state)
{
    (void)state;
    for (int reverse = 0; reverse < 2; reverse++) {
        struct cxm_tally *t = tally_of_orders((struct cxm_repeat_options){ .end = 31 * DAY },
                                              reverse);
        assert_printed(measure(t, "repeat_purchase").value, "2/4");
        assert_printed(measure(t, "successes").value, "2");
        assert_true(isnan(measure(t, "repurchase").value)); /* nobody bought before day 0 */
        const struct cxm_estimate e = measure(t, "repeat_purchase");
        assert_counts(&e, 4, 0, 0, 2);
        cxm_tally_free(t);
        t = tally_of_orders((struct cxm_repeat_options){ .start = 31 * DAY, .end = 62 * DAY },
                            reverse);
        assert_printed(measure(t, "returning_share").value, "2/4");
        assert_printed(measure(t, "repurchase").value, "2/4");
        assert_printed(measure(t, "repeat_purchase").value, "0/4");
        assert_definition(t, "repeat_purchase/orders=rows");
        cxm_tally_free(t);
    }
}

/* The two rows of c on day 3: one order by id or by day, two otherwise. */
static void what_is_one_order(void **state)
{
    (void)state;
    static const struct cxm_column wanted = { 0 };
    struct cxm_tally *t = tally_of_orders((struct cxm_repeat_options){ .end = 31 * DAY,
                                                                       .days = 1 }, 0);
    assert_printed(measure(t, "repeat_purchase").value, "1/4");
    cxm_tally_free(t);
    t = tally_of_orders((struct cxm_repeat_options){ .end = 31 * DAY, .order = &wanted }, 1);
    assert_printed(measure(t, "repeat_purchase").value, "1/4");
    cxm_tally_free(t);
}

static void before_has_a_beginning(void **state)
{
    (void)state;
    struct cxm_tally *t = tally_of_orders((struct cxm_repeat_options){
        .start = 31 * DAY, .end = 62 * DAY, .before = 4 * DAY, .has_before = 1 }, 0);
    assert_printed(measure(t, "returning_share").value, "1/4"); /* e */
    assert_printed(measure(t, "repurchase").value, "1/2");      /* of a and e */
    cxm_tally_free(t);
}

static void wrong_windows_and_memory(void **state)
{
    (void)state;
    const int64_t id[3] = { 1, INT64_MIN, 1 }, t[3] = { 5, 6, INT64_MIN };
    const struct cxm_column c = CXM_TIME(CXM_ARRAY(id, 3), CXM_NO_TIME, INT64_MIN);
    const struct cxm_column time = CXM_TIME(CXM_ARRAY(t, 3), CXM_S, INT64_MIN);
    struct cxm_repeat_options o = { CXM_INIT(repeat), .start = 9, .end = 9 };
    assert_int_equal(cxm_repeat_rows(&c, &time, &o, orders, before, copies, NULL, &error),
                     CXM_EINVAL);
    o.end = 99;
    o.days = 1;
    o.order = &c;
    assert_int_equal(cxm_repeat_rows(&c, &time, &o, orders, before, copies, NULL, &error),
                     CXM_EINVAL);
    o.order = NULL;
    o.by = &c;
    for (int fail_at = 1;; fail_at++) {
        struct heap heap;
        heap_init(&heap, fail_at);
        const enum cxm_status status = cxm_repeat_rows(&c, &time, &o, orders, before, copies,
                                                       &heap.allocator, &error);
        assert_int_equal(heap.live, 0);
        if (status == CXM_OK)
            break;
        assert_int_equal(status, CXM_ENOMEM);
    }
    assert_true(orders[0] == 0 && before[0] == 1 && copies[0] == 1);
    assert_true(orders[1] == INT64_MIN && copies[1] == 1);
    assert_true(orders[2] == INT64_MIN && copies[2] == 1);
}

/* ---- one call --------------------------------------------------------------------------- */

/* Section 3.1: orders a: 1, 5; b: 2; c: 3, 3, 40; d: 33; e: 10, 45; f: 50. */
static void the_definitions_in_one_call(void **state)
{
    (void)state;
    static const char *const who[] = { "f", "a", "b", "c", "c", "a", "c", "d", "e", "e" };
    static const int64_t when[] = { 50, 1, 2, 3, 3, 5, 40, 33, 10, 45 };
    static const double nothing[10] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    const struct cxm_column customer = CXM_ARRAY(who, 10), twice = CXM_ARRAY(nothing, 10);
    const struct cxm_column time = CXM_TIME(CXM_ARRAY(when, 10), CXM_S, INT64_MIN);
    struct cxm_repeat_purchase_options o = { CXM_INIT(repeat_purchase),
                                             .orders = { .start = 0, .end = 31 } };
    struct cxm_row rows[8];
    size_t n = 0;
    assert_int_equal(cxm_repeat_purchase(&customer, &time, &o, CXM_ROWS(rows), &n, &error), CXM_OK);
    assert_int_equal(n, 3);
    assert_close(rows[0].estimate.value, 0.5, 0);
    assert_int_equal(rows[0].estimate.n, 4);
    assert_string_equal(rows[0].definition, "repeat_purchase/orders=rows");
    o.orders.start = 31;
    o.orders.end = 62;
    assert_int_equal(cxm_repeat_purchase(&customer, &time, &o, CXM_ROWS(rows), &n, &error), CXM_OK);
    assert_close(rows[1].estimate.value, 0.5, 0); /* returning: c, e of c, d, e, f */
    assert_close(rows[2].estimate.value, 0.5, 0); /* repurchase: c, e of a, b, c, e */
    o.by = &customer;
    o.total = 1;
    o.all_measures = 1;
    assert_int_equal(cxm_repeat_purchase(&customer, &time, &o, NULL, sizeof *rows, 0, &n, &error),
                     CXM_OK);
    assert_int_equal(n, 7 * 5); /* six customers and the total */
    o.by = NULL;
    o.freq = &twice;
    assert_int_equal(cxm_repeat_purchase(&customer, &time, &o, CXM_ROWS(rows), &n, &error),
                     CXM_EINVAL);
    assert_string_equal(error.column, "freq");
    o.freq = NULL;
    o.orders.size = 3;
    assert_int_equal(cxm_repeat_purchase(&customer, &time, &o, CXM_ROWS(rows), &n, &error),
                     CXM_EINVAL);
    o.orders = (struct cxm_repeat_options){ .start = 5, .end = 5 };
    assert_int_equal(cxm_repeat_purchase(&customer, &time, &o, CXM_ROWS(rows), &n, &error),
                     CXM_EINVAL);
    assert_int_equal(cxm_repeat_purchase(NULL, &time, &o, CXM_ROWS(rows), &n, &error), CXM_EINVAL);
}

/* Dates are the first seconds of their days: of the window [01-02, 01-04) by a clock of six hours west of
 * UTC, or eight east, those of the 2nd and the 3rd are in, that of the 1st is before and that of the 4th
 * is not seen. */
static void dates_begin_with_the_offset(void **state)
{
    (void)state;
    static const int32_t who[4] = { 1, 1, 1, 1 }, day[4] = { 0, 1, 2, 3 };
    static const int64_t offsets[] = { 0, -6 * 3600, 8 * 3600 };
    const struct cxm_column customer = CXM_ARRAY(who, 4);
    struct cxm_column dates = CXM_ARRAY(day, 4);
    dates.time_unit = CXM_DAYS;
    for (size_t i = 0; i < 2 * COUNT_OF(offsets); i++) {
        const struct cxm_repeat_options o = { CXM_INIT(repeat), .start = DAY - offsets[i / 2],
                                              .end = 3 * DAY - offsets[i / 2],
                                              .utc_offset = offsets[i / 2], .days = i % 2 };
        assert_int_equal(cxm_repeat_rows(&customer, &dates, &o, orders, before, copies, NULL, &error),
                         CXM_OK);
        assert_true(orders[0] == 2 && before[0] == 1);
    }
}

/* Row 1 has no instant: customer 2 bought once, now, and nobody before. */
static void no_instant_is_missing(void **state)
{
    (void)state;
    static const int32_t who[3] = { 1, 2, 2 };
    static const int64_t when[3] = { 5, INT64_MIN, 7 };
    const struct cxm_column customer = CXM_ARRAY(who, 3), time = CXM_ARRAY(when, 3);
    struct cxm_repeat_purchase_options o = { CXM_INIT(repeat_purchase), .orders = { .end = 10 } };
    struct cxm_row rows[3];
    size_t n;
    assert_int_equal(cxm_repeat_purchase(&customer, &time, &o, CXM_ROWS(rows), &n, &error), CXM_OK);
    assert_counts(&rows[0].estimate, 2, 1, 0, 0);
    assert_true(rows[1].estimate.value == 0 && isnan(rows[2].estimate.value));
    assert_counts(&rows[1].estimate, 2, 1, 0, 0);
    assert_int_equal(rows[2].estimate.missing, 1);
}

static void invalid_instants_are_counted_apart(void **state)
{
    (void)state;
    static const int32_t who[3] = { 1, 2, 3 };
    static const double when[3] = { 1, INFINITY, 3 };
    const struct cxm_column customer = CXM_ARRAY(who, 3);
    struct cxm_column time = CXM_ARRAY(when, 3);
    struct cxm_repeat_purchase_options o = { CXM_INIT(repeat_purchase), .orders = { .end = 10 } };
    struct cxm_row rows[3];
    size_t n;
    time.name = "bought";
    assert_int_equal(cxm_repeat_purchase(&customer, &time, &o, CXM_ROWS(rows), &n, &error),
                     CXM_EDATA);
    assert_string_equal(error.column, "bought");
    assert_string_equal(error.message, "bought: row 1 is inf, no instant of whole 64-bit seconds; "
                                       "to count such rows pass invalid=\"count\".");
    o.invalid = CXM_INVALID_COUNT;
    for (o.orders.days = 0; o.orders.days < 2; o.orders.days++) {
        assert_int_equal(cxm_repeat_purchase(&customer, &time, &o, CXM_ROWS(rows), &n, &error),
                         CXM_OK);
        assert_counts(&rows[0].estimate, 2, 0, 1, 0);
        assert_counts(&rows[1].estimate, 2, 0, 1, 0);
    }
}

static void a_wrong_length_is_named(void **state)
{
    (void)state;
    static const int64_t when[3] = { 1, 2, 3 };
    const struct cxm_column two = CXM_ARRAY(when, 2), three = CXM_ARRAY(when, 3);
    struct cxm_repeat_options o = { CXM_INIT(repeat), .end = 10 };
    assert_int_equal(cxm_repeat_rows(&two, &three, &o, orders, before, copies, NULL, &error),
                     CXM_EINVAL);
    assert_string_equal(error.message, "customer: 2 rows, time has 3");
    o.order = &two;
    assert_int_equal(cxm_repeat_rows(&three, &three, &o, orders, before, copies, NULL, &error),
                     CXM_EINVAL);
    assert_string_equal(error.message, "order: 2 rows, time has 3");
    assert_string_equal(error.column, "order");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_orders),
        cmocka_unit_test(what_is_one_order),
        cmocka_unit_test(before_has_a_beginning),
        cmocka_unit_test(the_definitions_in_one_call),
        cmocka_unit_test(wrong_windows_and_memory),
        cmocka_unit_test(dates_begin_with_the_offset),
        cmocka_unit_test(no_instant_is_missing),
        cmocka_unit_test(invalid_instants_are_counted_apart),
        cmocka_unit_test(a_wrong_length_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
