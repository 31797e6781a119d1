/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Histories, stages and scores of customers. Figures: the worked tables of the definitions
 * (Fader, Hardie & Lee's summary x, t_x, T; stages; lowest-rank RFM), and plain loops over all
 * pairs of records, written here again. */
#include "failing_malloc.h"

#include <cxm/cxm.h>

enum { DAY = 86400 };

static struct cxm_column whole(const char *name, const int64_t *data, size_t n)
{
    return cxm_column_make(name, CXM_I64, data, (int64_t)n, 8, 8);
}

static struct cxm_column reals(const char *name, const double *data, size_t n)
{
    return cxm_column_make(name, CXM_F64, data, (int64_t)n, 8, 8);
}

static uint64_t seed;

static uint64_t next_random(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 33;
}

/* ---- histories ------------------------------------------------------------------------- */

static void a_history_by_hand(void **state)
{
    /* customer 1: days 0 (twice), 7, 21 (twice, hours apart); customer 2: day 3 */
    static const int64_t who[] = { 1, 2, 1, 1, 1, 1, 3, 1 };
    static const int64_t when[] = { 7 * DAY, 3 * DAY + 5, 0, 600, 21 * DAY + 7200,
                                    21 * DAY + 3600, 99 * DAY, INT64_MIN };
    static const double paid[] = { 10, 5, 1, 2, 30, 0.5, 7, 7 };
    (void)state;
    const struct cxm_column customer = whole("who", who, 8), amount = reals("paid", paid, 8);
    struct cxm_column time = whole("when", when, 8);
    struct cxm_history h[3];
    struct cxm_history_base base;
    size_t n = 0;
    time.flags |= CXM_COLUMN_SENTINEL;
    time.sentinel = INT64_MIN;
    struct cxm_history_options o = { .size = sizeof o, .amount = &amount, .as_of = 28 * DAY,
                                     .has_as_of = 1, .days = 1 };
    assert_int_equal(cxm_customer_histories(&customer, &time, &o, h, sizeof h[0], 3, &n, &base,
                                            NULL), CXM_OK);
    assert_int_equal(n, 2);
    assert_int_equal(base.rows, 8);
    assert_int_equal(base.used, 6);
    assert_int_equal(base.missing, 1);
    assert_int_equal(base.unseen, 1);
    assert_int_equal(h[0].row, 1);
    assert_close(h[0].frequency, 0, 0);
    assert_close(h[0].recency, 0, 0);
    assert_close(h[0].age, 25.0 / 7, 1e-15);
    assert_true(isnan(h[0].value));
    assert_int_equal(h[1].row, 4); /* the latest record */
    assert_int_equal(h[1].orders, 3);
    assert_close(h[1].frequency, 2, 0);
    assert_close(h[1].recency, 3, 0);
    assert_close(h[1].age, 4, 0);
    assert_close(h[1].idle, 1, 0);
    assert_close(h[1].amount, 43.5, 0);
    assert_close(h[1].value, 20.25, 0); /* (10 + 30.5) / 2: the first day is left out */
    o.days = 0; /* every instant is an order */
    assert_int_equal(cxm_customer_histories(&customer, &time, &o, h, sizeof h[0], 3, &n, &base,
                                            NULL), CXM_OK);
    assert_int_equal(h[1].orders, 5);
    assert_close(h[1].value, 42.5 / 4, 0);
}

/* The day of a record is that of the offset; days before 1970 count down. */
static void days_follow_the_offset(void **state)
{
    static const int64_t who[] = { 1, 1, 2, 2 };
    static const int64_t when[] = { -3600, 3600, DAY - 3600, DAY + 3600 };
    (void)state;
    const struct cxm_column customer = whole("who", who, 4), time = whole("when", when, 4);
    struct cxm_history h[2];
    size_t n;
    struct cxm_history_options o = { .size = sizeof o, .as_of = 9 * DAY, .has_as_of = 1,
                                     .days = 1 };
    assert_int_equal(cxm_customer_histories(&customer, &time, &o, h, sizeof h[0], 2, &n, NULL,
                                            NULL), CXM_OK);
    assert_int_equal(h[0].orders, 2);
    assert_int_equal(h[0].first, -DAY);
    assert_int_equal(h[1].orders, 2);
    o.utc_offset = 2 * 3600;
    assert_int_equal(cxm_customer_histories(&customer, &time, &o, h, sizeof h[0], 2, &n, NULL,
                                            NULL), CXM_OK);
    assert_int_equal(h[0].orders, 1);
    assert_int_equal(h[0].first, -7200);
    assert_int_equal(h[1].orders, 1);

}

/* Dates are such days already, and those of Arrow may be counted in milliseconds. They are the instants
 * at which the days begin: 1970-01-01 and 01-03 of one, 01-02 of another; as_of is 01-08 or a second
 * before 01-03. */
static void dates_begin_with_the_offset(void **state)
{
    static const int64_t offsets[] = { 0, -6 * 3600, 8 * 3600, 19800 };
    static const int64_t who[] = { 1, 1, 2 }, days[] = { 0, 2, 1 };
    static const int64_t ms[] = { 0, INT64_C(172800000), 86400000 };
    (void)state;
    const struct cxm_column customer = whole("who", who, 3);
    for (size_t i = 0; i < 4 * COUNT_OF(offsets); i++) {
        const int64_t offset = offsets[i / 4];
        struct cxm_column dates = whole("when", i % 2 == 0 ? days : ms, 3);
        dates.time_unit = i % 2 == 0 ? CXM_DAYS : CXM_MS;
        dates.flags = i % 2 == 0 ? 0 : CXM_COLUMN_DATES;
        struct cxm_history_options o = { .size = sizeof o, .as_of = 7 * DAY - offset, .has_as_of = 1,
                                         .unit = DAY, .utc_offset = offset, .days = i / 2 % 2 };
        struct cxm_history h[2];
        struct cxm_history_base base;
        size_t n;
        assert_int_equal(cxm_customer_histories(&customer, &dates, &o, h, sizeof h[0], 2, &n, &base,
                                                NULL), CXM_OK);
        assert_int_equal(n, 2);
        assert_int_equal(h[0].first, -offset);
        assert_int_equal(h[0].last, 2 * DAY - offset);
        assert_close(h[0].recency, 2, 0);
        assert_close(h[0].age, 7, 0);
        assert_close(h[0].idle, 5, 0);
        assert_close(h[1].idle, 6, 0);
        o.as_of = 2 * DAY - offset - 1;
        assert_int_equal(cxm_customer_histories(&customer, &dates, &o, h, sizeof h[0], 2, &n, &base,
                                                NULL), CXM_OK);
        assert_int_equal(base.unseen, 1);
        assert_int_equal(h[0].orders, 1);
    }
}

enum { MOST = 60 };

/* One customer by looking at all records. */
static struct cxm_history look(const int64_t *who, const int64_t *when, const double *paid, int n,
                               int64_t customer, int64_t as_of)
{
    struct cxm_history h = { .row = -1, .orders = 0 };
    for (int i = 0; i < n; i++) {
        if (who[i] != customer || when[i] > as_of)
            continue;
        if (h.row < 0 || when[i] > h.last) {
            h.row = i;
            h.last = when[i];
        }
        if (h.orders == 0 || when[i] < h.first)
            h.first = when[i];
        bool again = false;
        for (int j = 0; j < i; j++)
            again |= who[j] == customer && when[j] == when[i];
        h.orders += !again;
        h.amount += paid[i];
    }
    return h;
}

static void histories_equal_a_loop(void **state)
{
    (void)state;
    for (int round = 0; round < 500; round++) {
        int64_t who[MOST], when[MOST];
        double paid[MOST];
        seed = (uint64_t)round + 1;
        const int n = (int)(next_random() % MOST);
        for (int i = 0; i < n; i++) {
            who[i] = (int64_t)(next_random() % 7) - 3;
            when[i] = (int64_t)(next_random() % 20) - 5;
            paid[i] = (double)(next_random() % 100) / 4; /* exact in binary */
        }
        const int64_t as_of = (int64_t)(next_random() % 20);
        const struct cxm_column customer = whole("who", who, (size_t)n),
                                time = whole("when", when, (size_t)n),
                                amount = reals("paid", paid, (size_t)n);
        const struct cxm_history_options o = { .size = sizeof o, .amount = &amount,
                                               .as_of = as_of, .has_as_of = 1, .unit = 1 };
        struct cxm_history h[MOST];
        struct cxm_history_base base;
        size_t got = 0, want = 0;
        assert_int_equal(cxm_customer_histories(&customer, &time, &o, h, sizeof h[0], MOST, &got,
                                                &base, NULL), CXM_OK);
        for (int64_t c = -3; c <= 3; c++) {
            const struct cxm_history one = look(who, when, paid, n, c, as_of);
            if (one.row < 0)
                continue;
            want++;
            size_t at = 0;
            while (at < got && h[at].row != one.row)
                at++;
            assert_true(at < got);
            assert_int_equal(h[at].first, one.first);
            assert_int_equal(h[at].last, one.last);
            assert_int_equal(h[at].orders, one.orders);
            assert_close(h[at].amount, one.amount, 0);
            assert_close(h[at].recency, (double)(one.last - one.first), 0);
            assert_close(h[at].age, (double)(as_of - one.first), 0);
        }
        assert_int_equal(got, want);
        assert_int_equal(base.used + base.unseen, n);
        for (size_t i = 1; i < got; i++)
            assert_true(h[i - 1].row < h[i].row);
        const bool all_unseen = n > 0 && base.used == 0;
        assert_int_equal((base.flags & CXM_FLAG_ALL_AFTER_AS_OF) != 0, all_unseen);
    }
}

/* 2^64 seconds between the first record and the last: more than an int64, less a little. */
static void histories_at_the_ends_of_time(void **state)
{
    static const int64_t who[] = { 1, 1 }, when[] = { -INT64_MAX, INT64_MAX };
    (void)state;
    const struct cxm_column customer = whole("who", who, 2), time = whole("when", when, 2);
    struct cxm_history h;
    size_t n = 0;
    struct cxm_history_options o = { .size = sizeof o, .as_of = INT64_MAX, .has_as_of = 1,
                                     .unit = 1 };
    for (int days = 0; days < 2; days++) {
        o.days = days;
        for (int64_t offset = -86399; offset <= 86399; offset += 86399) {
            o.utc_offset = offset;
            assert_int_equal(cxm_customer_histories(&customer, &time, &o, &h, sizeof h, 1, &n, NULL,
                                                    NULL), CXM_OK);
            assert_int_equal(n, 1);
            assert_int_equal(h.orders, 2);
            assert_close(h.recency, 18446744073709551616.0, 1e-14);
            assert_close(h.age, 18446744073709551616.0, 1e-14);
            assert_close(h.idle, 0, 0);
        }
    }
    uint8_t states[2];
    assert_int_equal(cxm_stage_states(&customer, &time, INT64_MAX, NULL, states, NULL, NULL), CXM_OK);
    assert_int_equal(states[0], CXM_STAGE_OTHER);
    assert_int_equal(states[1], CXM_STAGE_ACTIVE);
}

static void histories_refuse(void **state)
{
    static const int64_t who[] = { 1, 2 }, when[] = { 1, 2 };
    static const double paid[] = { 1, INFINITY };
    (void)state;
    const struct cxm_column customer = whole("who", who, 2), time = whole("when", when, 2),
                            shorter = whole("when", when, 1), amount = reals("paid", paid, 2);
    struct cxm_history h[2];
    struct cxm_error error;
    size_t n = 77;
    struct cxm_history_options o = { .size = sizeof o, .as_of = 9 };
    assert_int_equal(cxm_customer_histories(&customer, &time, &o, h, sizeof h[0], 2, &n, NULL,
                                            &error), CXM_EINVAL);
    assert_string_equal(error.column, "as_of");
    o.has_as_of = 1;
    assert_int_equal(cxm_customer_histories(&customer, &shorter, &o, h, sizeof h[0], 2, &n, NULL,
                                            &error), CXM_EINVAL);
    assert_int_equal(cxm_customer_histories(&customer, NULL, &o, h, sizeof h[0], 2, &n, NULL,
                                            &error), CXM_EINVAL);
    assert_int_equal(cxm_customer_histories(&customer, &time, &o, h, sizeof h[0], 1, &n, NULL,
                                            &error), CXM_EINVAL);
    struct cxm_column lengths = time;
    lengths.flags |= CXM_COLUMN_DURATION;
    lengths.time_unit = CXM_S;
    assert_int_equal(cxm_customer_histories(&customer, &lengths, &o, h, sizeof h[0], 2, &n, NULL,
                                            &error), CXM_EINVAL);
    assert_string_equal(error.message, "time: the column holds durations, not instants");
    const double never[1] = { INFINITY }; /* there is no option that counts it */
    struct cxm_column endless = CXM_ARRAY(never, 1), somebody = customer;
    uint8_t state_of_one;
    endless.time_unit = CXM_S;
    somebody.n = 1;
    assert_int_equal(cxm_stage_states(&somebody, &endless, 50, NULL, &state_of_one, NULL, &error),
                     CXM_EDATA);
    assert_string_equal(error.message, "never: row 0 is inf, no instant of whole 64-bit seconds");
    struct cxm_column backwards = customer; /* named for what it is, not for lack of so much memory */
    uint8_t stages[8];
    backwards.n = -5;
    assert_int_equal(cxm_stage_states(&backwards, &time, 50, NULL, stages, NULL, &error), CXM_EINVAL);
    struct cxm_row row;
    assert_int_equal(cxm_stages(&backwards, &time,
                                &(struct cxm_stages_options){ CXM_INIT(stages), .has_as_of = 1 },
                                CXM_ROW(row), NULL, &error), CXM_EINVAL);
    assert_int_equal(cxm_customer_histories(&customer, &time, &o, h, 8, 2, &n, NULL, &error),
                     CXM_EINVAL);
    o.amount = &amount;
    assert_int_equal(cxm_customer_histories(&customer, &time, &o, h, sizeof h[0], 2, &n, NULL,
                                            &error), CXM_EDATA);
    assert_int_equal(error.row, 1);
    assert_string_equal(error.column, "paid");
    assert_int_equal(n, 77);
    o.amount = NULL;
    o.unit = -1;
    assert_int_equal(cxm_customer_histories(&customer, &time, &o, h, sizeof h[0], 2, &n, NULL,
                                            &error), CXM_EINVAL);
    const struct cxm_column none = whole("who", NULL, 0);
    o.unit = 0;
    assert_int_equal(cxm_customer_histories(&none, &none, &o, NULL, 0, 0, &n, NULL, NULL), CXM_OK);
    assert_int_equal(n, 0);
}

/* ---- stages ---------------------------------------------------------------------------- */

static const int64_t stage_who[] = { 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6, 7, 8, 9 };
static const int64_t stage_day[] = { 395, 395, 10, 390, 100, 330, 50, 20, 100, 370, 398, 0, 401, 5 };

static void stages_of_the_definitions(void **state)
{
    /* as of day 400: 1 new, 2 active, 3 dormant, 4 lost, 5 lost, 6 new, 7 lost, 8 unseen; and
     * customer 9 without an id */
    static const uint8_t want[] = { CXM_STAGE_NEW, CXM_STAGE_OTHER, CXM_STAGE_OTHER,
                                    CXM_STAGE_ACTIVE, CXM_STAGE_OTHER, CXM_STAGE_DORMANT,
                                    CXM_STAGE_LOST, CXM_STAGE_OTHER, CXM_STAGE_LOST,
                                    CXM_STAGE_OTHER, CXM_STAGE_NEW, CXM_STAGE_LOST,
                                    CXM_STAGE_UNSEEN, CXM_STAGE_UNLINKED };
    (void)state;
    int64_t when[14];
    for (int i = 0; i < 14; i++)
        when[i] = stage_day[i] * DAY;
    struct cxm_column customer = whole("who", stage_who, 14);
    const struct cxm_column time = whole("when", when, 14);
    customer.flags |= CXM_COLUMN_SENTINEL;
    customer.sentinel = 9;
    struct cxm_stages_options o = { CXM_INIT(stages), .as_of = 400 * DAY, .has_as_of = 1 };
    uint8_t states[14];
    uint32_t flags = 9;
    assert_int_equal(cxm_stage_states(&customer, &time, o.as_of, NULL, states, &flags,
                                      NULL), CXM_OK);
    assert_memory_equal(states, want, 14);
    assert_int_equal(flags, 0);
    struct cxm_row rows[4];
    size_t n = 0;
    assert_int_equal(cxm_stages(&customer, &time, &o, CXM_ROWS(rows), &n, NULL), CXM_OK);
    assert_int_equal(n, 4);
    assert_string_equal(rows[0].measure, "active");
    assert_close(rows[0].estimate.value, 1.0 / 7, 1e-15);
    assert_close(rows[1].estimate.value, 2.0 / 7, 1e-15);
    assert_close(rows[2].estimate.value, 1.0 / 7, 1e-15);
    assert_close(rows[3].estimate.value, 3.0 / 7, 1e-15);
    assert_int_equal(rows[0].estimate.n, 7);
    assert_int_equal(rows[0].estimate.excluded, 7);
    assert_string_equal(rows[0].definition, "stages/new=30d/active=60d/dormant=180d");
    /* limits are closed: 30 days old is new, 60 days idle is active, 180 dormant */
    static const int64_t edge_who[] = { 1, 2, 2, 3, 3 }, edge_day[] = { 370, 0, 340, 0, 220 };
    int64_t edges[5];
    for (int i = 0; i < 5; i++)
        edges[i] = edge_day[i] * DAY;
    const struct cxm_column ec = whole("who", edge_who, 5), et = whole("when", edges, 5);
    assert_int_equal(cxm_stage_states(&ec, &et, o.as_of, NULL, states, NULL, NULL), CXM_OK);
    assert_int_equal(states[0], CXM_STAGE_NEW);
    assert_int_equal(states[2], CXM_STAGE_ACTIVE);
    assert_int_equal(states[4], CXM_STAGE_DORMANT);
    o.as_of++;
    assert_int_equal(cxm_stage_states(&ec, &et, o.as_of, NULL, states, NULL, NULL), CXM_OK);
    assert_int_equal(states[0], CXM_STAGE_ACTIVE);
    assert_int_equal(states[2], CXM_STAGE_DORMANT);
    assert_int_equal(states[4], CXM_STAGE_LOST);
}

/* As of A with later records present is the same as on records cut at A. */
static void stages_replay(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        int64_t who[MOST], when[MOST], cut_who[MOST], cut_when[MOST];
        seed = (uint64_t)round + 1000;
        const int64_t as_of = 300 * DAY;
        size_t n = 0;
        for (int i = 0; i < MOST; i++) {
            who[i] = (int64_t)(next_random() % 9);
            when[i] = (int64_t)(next_random() % 400) * DAY;
            if (when[i] <= as_of) {
                cut_who[n] = who[i];
                cut_when[n++] = when[i];
            }
        }
        struct cxm_row all[4], cut[4];
        const struct cxm_stages_options o = { CXM_INIT(stages), .as_of = as_of, .has_as_of = 1 };
        const struct cxm_column a = whole("who", who, MOST), b = whole("when", when, MOST),
                                c = whole("who", cut_who, n), d = whole("when", cut_when, n);
        assert_int_equal(cxm_stages(&a, &b, &o, CXM_ROWS(all), NULL, NULL), CXM_OK);
        assert_int_equal(cxm_stages(&c, &d, &o, CXM_ROWS(cut), NULL, NULL), CXM_OK);
        for (int i = 0; i < 4; i++) {
            assert_close(all[i].estimate.value, cut[i].estimate.value, 0);
            assert_int_equal(all[i].estimate.n, cut[i].estimate.n);
        }
    }
}

static void stages_refuse(void **state)
{
    static const int64_t one[] = { 1 };
    (void)state;
    const struct cxm_column c = whole("who", one, 1);
    struct cxm_row rows[4];
    struct cxm_error error;
    uint8_t states[1] = { 42 };
    struct cxm_stages_options o = { CXM_INIT(stages) };
    assert_int_equal(cxm_stages(&c, &c, &o, CXM_ROWS(rows), NULL, &error), CXM_EINVAL);
    assert_string_equal(error.column, "as_of");
    o.has_as_of = 1;
    static const double crossed[] = { 30, 90, 60 };
    assert_int_equal(cxm_stage_states(&c, &c, 0, crossed, states, NULL, &error), CXM_EINVAL);
    assert_string_equal(error.column, "dormant_days");
    assert_int_equal(states[0], 42);
    o.active_days = 90;
    o.dormant_days = 60;
    assert_int_equal(cxm_stages(&c, &c, &o, CXM_ROWS(rows), NULL, &error), CXM_EINVAL);
    assert_int_equal(cxm_stages(NULL, &c, NULL, CXM_ROWS(rows), NULL, &error), CXM_EINVAL);
    const struct cxm_stages_options early = { CXM_INIT(stages), .as_of = 0, .has_as_of = 1 };
    assert_int_equal(cxm_stages(&c, &c, &early, CXM_ROWS(rows), NULL, &error), CXM_OK);
    assert_true(rows[0].estimate.flags & CXM_FLAG_ALL_AFTER_AS_OF);
    assert_true(isnan(rows[0].estimate.value));
}

/* ---- RFM ------------------------------------------------------------------------------- */

enum { TEN = 10 };
static const double idle[TEN] = { 5, 10, 10, 40, 90, 120, 200, 365, 30, 3 };
static const double orders[TEN] = { 1, 1, 1, 2, 2, 3, 8, 1, 1, 5 };
static const double money[TEN] = { 20, 35, 35, 80, 60, 150, 900, 15, 20, 400 };

static void scores_of_the_definitions(void **state)
{
    static const uint8_t r[] = { 5, 4, 4, 3, 2, 2, 1, 1, 3, 5 };
    static const uint8_t f[] = { 1, 1, 1, 3, 3, 4, 5, 1, 1, 5 };
    static const uint8_t m[] = { 1, 2, 2, 4, 3, 4, 5, 1, 1, 5 };
    (void)state;
    uint8_t scores[3 * TEN];
    const struct cxm_column a = reals("idle", idle, TEN), b = reals("orders", orders, TEN),
                            c = reals("money", money, TEN);
    assert_int_equal(cxm_rfm_scores(&a, &b, &c, scores, NULL), CXM_OK);
    for (int i = 0; i < TEN; i++) {
        assert_int_equal(scores[3 * i], r[i]);
        assert_int_equal(scores[3 * i + 1], f[i]);
        assert_int_equal(scores[3 * i + 2], m[i]);
    }
    struct cxm_report *report = NULL;
    assert_int_equal(cxm_rfm(&a, &b, &c, 0, &report, NULL), CXM_OK);
    struct cxm_row row;
    double sum = 0, shares = 0;
    const size_t at = (size_t)cxm_report_find_axis(report, "money");
    for (size_t i = 0; i < cxm_report_rows(report); i++) {
        sum += cxm_report_reals(report, at)[i];
        shares += cxm_report_estimates(report)[i].value;
    }
    assert_close(sum, 1715, 1e-15);
    assert_close(shares, 1, 1e-14);
    assert_int_equal(cxm_report_row(report, 0, &row), CXM_OK);
    assert_string_equal(row.group, "5, 5, 5");
    assert_close(row.estimate.value, 0.1, 1e-15);
    assert_int_equal(row.estimate.n, 10);
    cxm_report_free(report);
}

static void scores_at_the_edges(void **state)
{
    static const double same[] = { 3, 3, 3, 3 }, holes[] = { 1, NAN, 3, 4 }, up[] = { 1, 2, 3, 4 },
                        infinite[] = { 1, 2, 3, -INFINITY };
    (void)state;
    uint8_t scores[12];
    const struct cxm_column s = reals("s", same, 4), h = reals("h", holes, 4),
                            u = reals("u", up, 4), i = reals("i", infinite, 4),
                            one = reals("one", same, 1);
    assert_int_equal(cxm_rfm_scores(&s, &s, &s, scores, NULL), CXM_OK);
    for (int k = 0; k < 12; k++)
        assert_int_equal(scores[k], 1);
    assert_int_equal(cxm_rfm_scores(&one, &one, &one, scores, NULL), CXM_OK);
    assert_int_equal(scores[0], 1);
    assert_int_equal(cxm_rfm_scores(&u, &h, &u, scores, NULL), CXM_OK);
    static const uint8_t want[] = { 4, 1, 1, 0, 0, 0, 2, 2, 2, 1, 4, 4 };
    assert_memory_equal(scores, want, 12);
    struct cxm_error error;
    assert_int_equal(cxm_rfm_scores(&u, &u, &i, scores, &error), CXM_EDATA);
    assert_int_equal(error.row, 3);
    assert_memory_equal(scores, want, 12);
    assert_int_equal(cxm_rfm_scores(&u, &u, &one, scores, &error), CXM_EINVAL);
    assert_int_equal(cxm_rfm_scores(&u, &u, &u, NULL, &error), CXM_EINVAL);
    struct cxm_report *r = NULL;
    const struct cxm_column none = reals("none", NULL, 0);
    assert_int_equal(cxm_rfm(&none, &none, &none, 0.9, &r, NULL), CXM_OK);
    assert_int_equal(cxm_report_rows(r), 0);
    cxm_report_free(r);
    assert_int_equal(cxm_rfm(&u, &u, &u, 95, &r, &error), CXM_EINVAL);
}

/* ---- memory ---------------------------------------------------------------------------- */

static enum cxm_status call_histories(void)
{
    struct cxm_history h[16];
    size_t n;
    const struct cxm_column c = whole("who", stage_who, 14), t = whole("day", stage_day, 14),
                            a = reals("idle", idle, TEN);
    struct cxm_column amount = a;
    static double paid[14];
    amount.data = paid;
    amount.n = 14;
    const struct cxm_history_options o = { .size = sizeof o, .as_of = 400, .has_as_of = 1,
                                           .amount = &amount };
    return cxm_customer_histories(&c, &t, &o, h, sizeof h[0], 16, &n, NULL, NULL);
}

static enum cxm_status call_stages(void)
{
    struct cxm_row rows[4];
    const struct cxm_column c = whole("who", stage_who, 14), t = whole("day", stage_day, 14);
    const struct cxm_stages_options o = { CXM_INIT(stages), .as_of = 400, .has_as_of = 1 };
    return cxm_stages(&c, &t, &o, CXM_ROWS(rows), NULL, NULL);
}

static enum cxm_status call_rfm(void)
{
    struct cxm_report *r = NULL;
    uint8_t scores[3 * TEN];
    const struct cxm_column a = reals("idle", idle, TEN), b = reals("orders", orders, TEN),
                            c = reals("money", money, TEN);
    enum cxm_status status = cxm_rfm(&a, &b, &c, 0, &r, NULL);
    cxm_report_free(r);
    if (status == CXM_OK)
        status = cxm_rfm_scores(&a, &b, &c, scores, NULL);
    return status;
}

static void memory_runs_out(void **state)
{
    (void)state;
    assert_survives_no_memory(call_histories);
    assert_survives_no_memory(call_stages);
    assert_survives_no_memory(call_rfm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_history_by_hand),
        cmocka_unit_test(days_follow_the_offset),
        cmocka_unit_test(dates_begin_with_the_offset),
        cmocka_unit_test(histories_equal_a_loop),
        cmocka_unit_test(histories_at_the_ends_of_time),
        cmocka_unit_test(histories_refuse),
        cmocka_unit_test(stages_of_the_definitions),
        cmocka_unit_test(stages_replay),
        cmocka_unit_test(stages_refuse),
        cmocka_unit_test(scores_of_the_definitions),
        cmocka_unit_test(scores_at_the_edges),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
