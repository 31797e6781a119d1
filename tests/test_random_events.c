/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random calls of what sorts and selects: quantiles, cohorts, repeat contacts, survival. Every column
 * in random storage and once more plain, with one to three threads, must give the same bits, and what
 * the obvious program of each says, which sorts with qsort, walks the calendar and adds up.
 * CXM_CALLS=100000 CXM_SEED=… runs longer; a failure prints the seed of its call. */
#include "random_events.h"

enum { DAY = 86400, MOST_ROADS = 4 };

static uint64_t its_seed;
static struct cxm_error error;

#define SAME(condition, what)                                                                    \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            print_error("%s; CXM_SEED=%llu CXM_CALLS=1\n", (what), (unsigned long long)its_seed); \
            fail();                                                                              \
        }                                                                                        \
    } while (0)

static int64_t length_of(const struct maker *m, int64_t many)
{
    const uint64_t kind = random_below(m->seed, 60);
    const uint64_t most = kind < 5 ? 4 : kind < 40 ? 300 : kind < 59 ? 5000 : (uint64_t)many;
    return (int64_t)(kind == 59 ? most - random_below(m->seed, most / 8) : random_below(m->seed, most));
}

/* ---- quantiles --------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Hyndman & Fan (1996), counted from 1; p is a multiple of 1/16, so that n p is exact. */
static double slow_quantile(const double *x, int64_t n, double p, int type, double *scale)
{
    static const double add[] = { 0, 0.5, 0, 1, 1.0 / 3, 0.375 };
    const double np = (double)n * p, whole = floor(np);
    double h = np;
    if (type == 1)
        h = ceil(np);
    else if (type == 2 && np == whole)
        h = np + 0.5;
    else if (type == 2)
        h = ceil(np);
    else if (type == 3)
        h = np - whole == 0.5 ? whole + fmod(whole, 2) : floor(np + 0.5);
    else if (type == 6)
        h = np + p;
    else if (type == 7)
        h = np + 1 - p;
    else if (type == 8)
        h = np + (p + 1) / 3;
    else if (type > 4)
        h = np + add[type - 4] + (type == 9 ? p / 4 : 0);
    h = h < 1 ? 1 : h > (double)n ? (double)n : h;
    const int64_t low = (int64_t)floor(h), high = low < n ? low + 1 : n;
    const double part = h - floor(h), a = x[low - 1], b = x[high - 1];
    *scale = part > 0 ? fmax(fabs(a), fabs(b)) : 0;
    return part > 0 ? (1 - part) * a + part * b : a;
}

static void check_quantiles(const struct maker *m, const struct cxm_report *r, const double *value,
                            const struct series *by, int type)
{
    double *sorted = arena_take(m->arena, (size_t)m->n, sizeof *sorted);
    const struct cxm_estimate *e = cxm_report_estimates(r);
    for (size_t row = 0; row < cxm_report_rows(r); row++) {
        const int64_t group = group_of_row(r, row);
        const bool all = by == NULL || e[row].group == CXM_TOTAL;
        int64_t n = 0, missing = 0, invalid = 0;
        for (int64_t i = 0; i < m->n; i++) {
            if (!all && (by->present[i] ? by->v[i] : INT64_MIN) != group)
                continue;
            missing += isnan(value[i]);
            invalid += isinf(value[i]) != 0;
            if (isfinite(value[i]))
                sorted[n++] = value[i];
        }
        SAME(e[row].n == n && e[row].missing == missing && e[row].invalid == invalid, "rows of a quantile");
        SAME((n == 0) == (isnan(e[row].value) != 0), "a quantile of nothing");
        if (n == 0)
            continue;
        qsort(sorted, (size_t)n, sizeof *sorted, by_value);
        double scale;
        const double want = slow_quantile(sorted, n, real_axis(r, "probability", row), type, &scale);
        SAME(fabs(e[row].value - want) <= (4e-16 + (type > 7 ? 4e-16 * (double)n : 0)) * 2 * scale + 5e-324,
             "another quantile");
    }
}

static void a_quantile(const struct maker *m)
{
    struct cxm_column value, plain;
    memset(&value, 0, sizeof value);
    struct series by = new_series(m, one_in(m, 2));
    const bool grouped = m->n > 0 && !one_in(m, 3), shifted = one_in(m, 3), total = one_in(m, 2);
    const uint64_t groups = one_in(m, 8) ? 400 : 1 + random_below(m->seed, 12);
    for (int64_t i = 0; i < m->n; i++)
        by.v[i] = (shifted ? -5 : 0) + (int64_t)(one_in(m, 3) ? 0 : random_below(m->seed, groups));
    store_whole(m, &by, false);
    make_numbers(m, OF_SLOT, SLOT_REAL, NULL, true, -1, &value, &plain, NULL);
    double probs[4];
    for (int k = 0; k < 4; k++)
        probs[k] = (double)random_below(m->seed, 17) / 16;
    struct cxm_quantiles_options o = { CXM_INIT(quantiles), .probs = probs, .n_probs = 4,
                                       .type = (int32_t)random_below(m->seed, 10), .total = total,
                                       .invalid = CXM_INVALID_COUNT };
    struct cxm_report *reports[MOST_ROADS + 1] = { NULL };
    for (int road = 0; road < MOST_ROADS; road++) {
        o.by = !grouped ? NULL : road == 0 ? &by.plain : &by.stored;
        o.threads = road;
        SAME(cxm_quantiles(road == 0 ? &plain : &value, &o, &reports[road], &error) == CXM_OK, error.message);
        const char *other = other_report(reports[0], reports[road], true);
        SAME(other == NULL, other);
    }
    if (groups < 20 || m->n < 5000)
        check_quantiles(m, reports[0], plain.data, grouped ? &by : NULL, o.type == 0 ? 7 : o.type);
    for (int road = 0; road < MOST_ROADS; road++)
        cxm_report_free(reports[road]);
}

/* ---- cohorts ----------------------------------------------------------------------------- */

/* One customer who was there in one column. */
struct fact {
    int64_t group, cohort, column;
    bool known;
};

static int by_fact(const void *a, const void *b)
{
    const struct fact *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->cohort != y->cohort)
        return x->cohort < y->cohort ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

struct event {
    int64_t group, customer, time;
};

static int by_event(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->customer != y->customer)
        return x->customer < y->customer ? -1 : 1;
    return (x->time > y->time) - (x->time < y->time);
}

static const int64_t lengths[] = { 0, DAY, 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY };

static int64_t local_day_of(const struct cxm_cohorts_options *o, int64_t t)
{
    int64_t offset = o->utc_offset;
    for (int64_t k = 0; k < o->n_zone; k++) {
        if (k == 0 || o->zone[k].utc_from <= t)
            offset = o->zone[k].offset;
    }
    return floor_div(t + offset, DAY);
}

static int64_t period_of(const struct cxm_cohorts_options *o, int32_t unit, int64_t t, int64_t *first)
{
    return period_of_day_slowly(local_day_of(o, t), (enum cxm_calendar)unit, first);
}

static int64_t column_between(const struct cxm_cohorts_options *o, int64_t start, int64_t t)
{
    int64_t first;
    if (o->mode == CXM_COHORTS_ROLLING)
        return (t - start) / lengths[o->unit];
    return period_of(o, o->unit, t, &first) - period_of(o, o->unit, start, &first);
}

/* Facts of the events, one customer after the other. */
static size_t facts_of(const struct maker *m, const struct cxm_cohorts_options *o, struct event *events,
                       size_t n, struct fact **out)
{
    size_t n_facts = 0, room = 64;
    struct fact *facts = malloc(room * sizeof *facts);
    qsort(events, n, sizeof *events, by_event);
    for (size_t i = 0, end; i < n; i = end) {
        const int64_t start = events[i].time;
        int64_t cohort, last = -1;
        period_of(o, o->rows, start, &cohort);
        for (end = i; end < n && events[end].group == events[i].group && events[end].customer == events[i].customer;
             end++) {
            const int64_t column = column_between(o, start, events[end].time);
            const int64_t from = o->criterion == CXM_COHORTS_ON ? column : last + 1;
            for (int64_t k = from; k <= column && column > last; k++) {
                if (n_facts == room)
                    facts = realloc(facts, (room *= 2) * sizeof *facts);
                SAME(facts != NULL, "memory of a test");
                const bool known = o->mode == CXM_COHORTS_ROLLING
                                     ? start + (k + 1) * lengths[o->unit] <= o->as_of
                                     : column_between(o, start, o->as_of) > k;
                facts[n_facts++] = (struct fact){ events[i].group, cohort, k, known };
            }
            last = column > last ? column : last;
        }
    }
    (void)m;
    qsort(facts, n_facts, sizeof *facts, by_fact);
    *out = facts;
    return n_facts;
}

static void check_cohorts(const struct maker *m, const struct cxm_report *r,
                          const struct cxm_cohorts_options *o, struct event *events, size_t n)
{
    struct fact *facts;
    const size_t n_facts = facts_of(m, o, events, n, &facts);
    const struct cxm_estimate *e = cxm_report_estimates(r);
    int64_t seen = 0, expected = 0;
    for (size_t i = 0; i < n_facts; i++)
        expected += o->n_periods == 0 || facts[i].column < o->n_periods;
    for (size_t row = 0; row < cxm_report_rows(r); row++) {
        if (strcmp(cxm_report_measure(r, row), "retention") != 0)
            continue;
        const struct fact sought = { group_of_row(r, row), int_axis(r, "cohort", row), int_axis(r, "period", row), true };
        size_t at = 0, end = n_facts;
        while (at < end) {
            const size_t middle = at + (end - at) / 2;
            if (by_fact(&facts[middle], &sought) < 0)
                at = middle + 1;
            else
                end = middle;
        }
        int64_t retained = 0, known = 0;
        for (; at < n_facts && by_fact(&facts[at], &sought) == 0; at++) {
            retained++;
            known += facts[at].known;
        }
        seen += retained;
        SAME(int_axis(r, "events", row) == retained, "other customers in a cell");
        const bool one_by_one = o->mode == CXM_COHORTS_ROLLING && o->denominator == CXM_COHORTS_OF_CUSTOMERS;
        if (e[row].n > 0 && (one_by_one || (o->mode == CXM_COHORTS_CALENDAR && o->rows == o->unit)))
            SAME(e[row].value == (double)known / (double)e[row].n, "another share of a cell");
        if (o->mode == CXM_COHORTS_CALENDAR && o->rows == o->unit)
            SAME(known == 0 || e[row].n == int_axis(r, "at_risk", row), "a cell that is not known");
    }
    SAME(seen == expected, "cells that are not in the report");
    free(facts);
}

static void a_cohort(const struct maker *m)
{
    static const int64_t edges[] = { 0, 1, 3, 8 };
    struct series customer = new_series(m, one_in(m, 3)), time = new_series(m, one_in(m, 3)),
                  by = new_series(m, one_in(m, 3));
    struct cxm_zone_row zone[3];
    struct cxm_cohorts_options o = {
        CXM_INIT(cohorts), .has_as_of = 1, .has_utc_offset = 1,
        .unit = 1 + (int32_t)random_below(m->seed, 5), .mode = (int32_t)random_below(m->seed, 2),
        .criterion = (int32_t)random_below(m->seed, 2), .denominator = (int32_t)random_below(m->seed, 2),
        .hour_floor = one_in(m, 8), .utc_offset = (int64_t)random_below(m->seed, DAY) - DAY / 2,
        .n_periods = one_in(m, 4) ? 1 + (int64_t)random_below(m->seed, 20) : 0,
    };
    const bool grouped = m->n > 0 && one_in(m, 3), far = one_in(m, 3), bracketed = one_in(m, 8);
    o.rows = one_in(m, 4) ? 1 + (int32_t)random_below(m->seed, 5) : o.unit;
    if (bracketed) {
        o.brackets = edges;
        o.n_brackets = COUNT_OF(edges);
        o.n_periods = 0;
    }
    const int64_t span = lengths[o.unit] * (1 + (int64_t)random_below(m->seed, one_in(m, 4) ? 120 : 30));
    const int64_t begin = (int64_t)random_below(m->seed, UINT64_C(1) << 32) - (INT64_C(1) << 31);
    if (one_in(m, 3)) { /* an hour more from a noon on, and less again */
        const int64_t noon = floor_div(begin + span / 3, DAY) * DAY + DAY / 2;
        zone[0] = (struct cxm_zone_row){ begin - span, 3600 };
        zone[1] = (struct cxm_zone_row){ noon, 7200 };
        zone[2] = (struct cxm_zone_row){ noon + DAY * (1 + span / DAY / 3), 3600 };
        o.zone = zone;
        o.n_zone = COUNT_OF(zone);
        o.utc_offset = 0;
    }
    o.as_of = begin + (int64_t)random_below(m->seed, (uint64_t)(one_in(m, 2) ? span : 2 * span));
    const uint64_t customers = 1 + random_below(m->seed, one_in(m, 3) ? 8 : (uint64_t)m->n + 2);
    for (int64_t i = 0; i < m->n; i++) {
        const uint64_t who = random_below(m->seed, customers);
        customer.v[i] = (int64_t)(far ? who * UINT64_C(0x9e3779b97f4a7c15) : who);
        time.v[i] = one_in(m, 20) && i > 0 ? time.v[i - 1] : begin + (int64_t)random_below(m->seed, (uint64_t)span);
        by.v[i] = (int64_t)random_below(m->seed, 3) - 1;
    }
    store_keys(m, &customer);
    store_instants(m, &time);
    store_whole(m, &by, false);
    struct cxm_report *reports[MOST_ROADS];
    for (int road = 0; road < MOST_ROADS; road++) {
        o.by = !grouped ? NULL : road == 0 ? &by.plain : &by.stored;
        o.threads = road;
        SAME(cxm_cohorts(road == 0 ? &customer.plain : &customer.stored, road == 0 ? &time.plain : &time.stored,
                         &o, &reports[road], &error) == CXM_OK, error.message);
        const char *other = other_report(reports[0], reports[road], true);
        SAME(other == NULL, other);
    }
    struct event *events = arena_take(m->arena, (size_t)m->n, sizeof *events);
    size_t n = 0;
    for (int64_t i = 0; i < m->n; i++) {
        if (!customer.present[i] || !time.present[i] || time.v[i] > o.as_of)
            continue;
        const int64_t group = grouped && by.present[i] ? by.v[i] : INT64_MIN;
        events[n++] = (struct event){ group, customer.v[i], time.v[i] };
    }
    if (!o.hour_floor && !bracketed)
        check_cohorts(m, reports[0], &o, events, n);
    for (int road = 0; road < MOST_ROADS; road++)
        cxm_report_free(reports[road]);
}

/* ---- repeat contacts --------------------------------------------------------------------- */

struct contact {
    int64_t customer, category, opened, row;
};

static int by_contact(const void *a, const void *b)
{
    const struct contact *x = a, *y = b;
    if (x->customer != y->customer)
        return x->customer < y->customer ? -1 : 1;
    if (x->category != y->category)
        return x->category < y->category ? -1 : 1;
    return (x->opened > y->opened) - (x->opened < y->opened);
}

/* The state of contact i of a sorted history that ends before `end`. */
static enum cxm_contact_state judge(const struct contact *c, size_t i, size_t end, int64_t resolved,
                                    const struct cxm_fcr_window_options *o, int64_t window, int64_t as_of)
{
    const int64_t opened = c[i].opened, anchor = o->anchor == CXM_FCR_FROM_OPENING ? opened : resolved;
    if (resolved != INT64_MIN && resolved <= as_of && resolved < opened)
        return CXM_CONTACT_BAD;
    if (o->anchor == CXM_FCR_FROM_RESOLUTION && (resolved == INT64_MIN || resolved > as_of))
        return CXM_CONTACT_OPEN;
    const int64_t until = anchor + window;
    bool repeat = false;
    for (size_t j = i + 1; j < end && c[j].opened <= until && !repeat; j++) {
        repeat = c[j].customer == c[i].customer && c[j].category == c[i].category && c[j].opened > opened
              && !(o->after_only && c[j].opened < anchor) && !(o->right_open && c[j].opened == until);
        if (c[j].customer != c[i].customer || c[j].category != c[i].category)
            break;
    }
    return until <= as_of ? (repeat ? CXM_CONTACT_REPEAT : CXM_CONTACT_FCR)
                          : (repeat ? CXM_CONTACT_EARLY_REPEAT : CXM_CONTACT_PENDING);
}

static void check_contacts(const struct maker *m, const uint8_t *states, const struct cxm_contacts *c,
                           const struct series s[4], const struct cxm_fcr_window_options *o, int64_t window)
{
    struct contact *all = arena_take(m->arena, (size_t)m->n, sizeof *all);
    size_t n = 0;
    for (int64_t i = 0; i < m->n; i++) {
        const bool known = c->category == NULL || s[3].present[i];
        const bool linked = s[0].present[i] && (known || o->missing_category);
        if (!s[1].present[i])
            SAME(states[i] == CXM_CONTACT_MISSING, "a contact that has no time");
        else if (s[1].v[i] > c->as_of)
            SAME(states[i] == CXM_CONTACT_UNSEEN, "a contact that is not seen");
        else if (!linked)
            SAME(states[i] == CXM_CONTACT_UNLINKED, "a contact of nobody");
        else
            all[n++] = (struct contact){ s[0].v[i], c->category == NULL ? 0 : known ? s[3].v[i] : INT64_MIN,
                                         s[1].v[i], i };
    }
    qsort(all, n, sizeof *all, by_contact);
    for (size_t i = 0; i < n; i++) {
        const int64_t row = all[i].row;
        const int64_t resolved = c->resolved != NULL && s[2].present[row] ? s[2].v[row] : INT64_MIN;
        SAME(states[row] == judge(all, i, n, resolved, o, window, c->as_of), "another state");
    }
}

static void a_contact(const struct maker *m)
{
    struct series s[4], by = new_series(m, false); /* customer, opened, resolved, category */
    for (int k = 0; k < 4; k++)
        s[k] = new_series(m, one_in(m, 3));
    const uint64_t customers = 1 + random_below(m->seed, one_in(m, 4) ? 2 : (uint64_t)m->n / 3 + 2);
    const uint64_t span = one_in(m, 4) ? 30 : 1 + random_below(m->seed, one_in(m, 3) ? UINT64_C(1) << 36 : 4000000);
    const int64_t begin = (int64_t)random_below(m->seed, UINT64_C(1) << 32) - (INT64_C(1) << 31);
    const bool far = one_in(m, 3), category = one_in(m, 2), grouped = m->n > 0 && one_in(m, 3);
    for (int64_t i = 0; i < m->n; i++) {
        const uint64_t who = random_below(m->seed, customers);
        s[0].v[i] = (int64_t)(far ? who * UINT64_C(0x9e3779b97f4a7c15) : who);
        s[1].v[i] = begin + (int64_t)random_below(m->seed, span);
        s[2].v[i] = s[1].v[i] + (int64_t)random_below(m->seed, span / 4 + 3) - 2;
        s[3].v[i] = (int64_t)random_below(m->seed, 3);
        by.v[i] = (int64_t)random_below(m->seed, 4) - 2;
    }
    store_keys(m, &s[0]);
    store_instants(m, &s[1]);
    store_instants(m, &s[2]);
    store_keys(m, &s[3]);
    store_whole(m, &by, false);
    const int64_t window = (int64_t)random_below(m->seed, span / 3 + 2);
    struct cxm_fcr_window_options o = {
        CXM_INIT(fcr_window), .anchor = (int32_t)random_below(m->seed, 2), .right_open = one_in(m, 2),
        .after_only = one_in(m, 3), .missing_category = one_in(m, 2), .all_measures = 1, .total = one_in(m, 2),
        .denominator = (int32_t)random_below(m->seed, 4),
        .lookback = one_in(m, 4) ? (int64_t)random_below(m->seed, span) : 0,
    };
    const bool unresolved = o.anchor == CXM_FCR_FROM_OPENING && one_in(m, 2);
    const int64_t as_of = begin + (int64_t)random_below(m->seed, 2 * span);
    enum { MOST_ROWS = 8 * 24 };
    struct cxm_row *rows[2];
    uint8_t *states[2];
    size_t n_rows[2] = { 0, 0 };
    for (int k = 0; k < 2; k++) {
        rows[k] = arena_take(m->arena, MOST_ROWS, sizeof **rows);
        states[k] = arena_take(m->arena, (size_t)m->n, 1);
    }
    for (int road = 0; road < 2 * MOST_ROADS; road++) { /* the second half without states */
        const int to = road > 0;
        const bool plain = road % MOST_ROADS == 0;
        struct cxm_contacts c = { .size = sizeof c, .customer = plain ? &s[0].plain : &s[0].stored,
                                  .opened = plain ? &s[1].plain : &s[1].stored,
                                  .resolved = unresolved ? NULL : plain ? &s[2].plain : &s[2].stored,
                                  .category = !category ? NULL : plain ? &s[3].plain : &s[3].stored,
                                  .by = !grouped ? NULL : plain ? &by.plain : &by.stored, .as_of = as_of,
                                  .states = road < MOST_ROADS ? states[to] : NULL, .threads = road % MOST_ROADS };
        SAME(cxm_fcr_window(&c, window, &o, rows[to], sizeof **rows, MOST_ROWS, &n_rows[to], &error) == CXM_OK,
             error.message);
        if (road == 0)
            check_contacts(m, states[0], &c, s, &o, window);
        SAME(road == 0 || n_rows[0] == n_rows[1], "other rows of contacts");
        for (size_t k = 0; road > 0 && k < n_rows[0]; k++) {
            struct cxm_estimate a = rows[0][k].estimate, b = rows[1][k].estimate;
            a.flags &= ~(uint32_t)CXM_FLAG_SUBSECOND;
            b.flags &= ~(uint32_t)CXM_FLAG_SUBSECOND;
            SAME(memcmp(&a, &b, sizeof a) == 0, "other rates of contacts");
        }
        SAME(road == 0 || road >= MOST_ROADS || memcmp(states[0], states[1], (size_t)m->n) == 0, "other states");
    }
}

/* ---- survival ---------------------------------------------------------------------------- */

/* Curves and incidences time by time, each from all rows. */
static void check_survival(const struct maker *m, const struct cxm_report *r, const struct series s[4],
                           const struct series *by)
{
    const struct cxm_estimate *e = cxm_report_estimates(r);
    int64_t group = 0, before = 0;
    double survival = 1, incidence[3] = { 0, 0, 0 };
    bool fresh = true;
    for (size_t row = 0; row < cxm_report_rows(r); row++) {
        const char *measure = cxm_report_measure(r, row);
        if (strcmp(measure, "survival") != 0 && strncmp(measure, "incidence", 9) != 0)
            continue;
        const int64_t g = group_of_row(r, row), t = (int64_t)real_axis(r, "time", row);
        if (fresh || g != group || t < before) {
            survival = 1;
            incidence[1] = incidence[2] = 0;
            before = INT64_MIN;
        }
        fresh = false;
        group = g;
        if (t != before) {
            int64_t at_risk = 0, events[3] = { 0, 0, 0 };
            for (int64_t i = 0; i < m->n; i++) {
                const bool mine = by == NULL || (by->present[i] ? by->v[i] : INT64_MIN) == g;
                if (!mine || !s[0].present[i] || !s[1].present[i] || !s[2].present[i] || s[2].v[i] >= s[0].v[i])
                    continue;
                at_risk += s[2].v[i] < t && t <= s[0].v[i] ? s[3].v[i] : 0;
                events[s[1].v[i]] += s[0].v[i] == t ? s[3].v[i] : 0;
            }
            for (int k = 1; k < 3 && at_risk > 0; k++)
                incidence[k] += survival * (double)events[k] / (double)at_risk;
            if (at_risk > 0)
                survival *= (double)(at_risk - events[1] - events[2]) / (double)at_risk;
            SAME(int_axis(r, "at_risk", row) == at_risk, "others at risk");
            before = t;
        }
        const double want = measure[0] == 's' ? survival : incidence[strstr(measure, "soft") != NULL ? 2 : 1];
        SAME(fabs(e[row].value - want) <= 1e-11, "another point of a curve");
    }
}

static void a_survival(const struct maker *m)
{
    struct series s[4], by = new_series(m, one_in(m, 3)); /* duration, cause, entry, copies */
    for (int k = 0; k < 4; k++)
        s[k] = new_series(m, k < 3 && one_in(m, 3));
    const uint64_t span = 1 + random_below(m->seed, one_in(m, 3) ? 20 : 5000);
    const bool grouped = m->n > 0 && !one_in(m, 3), copies = one_in(m, 3), late = one_in(m, 3);
    for (int64_t i = 0; i < m->n; i++) {
        s[0].v[i] = (int64_t)random_below(m->seed, span);
        s[1].v[i] = (int64_t)random_below(m->seed, 3);
        s[2].v[i] = late ? (int64_t)random_below(m->seed, span / 2 + 1) : -1;
        s[2].present[i] = !late || s[2].present[i];
        s[3].v[i] = copies ? (int64_t)random_below(m->seed, one_in(m, 50) ? UINT64_C(1) << 33 : 3) : 1;
        by.v[i] = (int64_t)random_below(m->seed, 4) - 1;
    }
    for (int k = 0; k < 4; k++)
        store_whole(m, &s[k], k < 3);
    store_whole(m, &by, false);
    struct cxm_report *reports[MOST_ROADS];
    for (int road = 0; road < MOST_ROADS; road++) {
        struct cxm_column *const c[] = { road == 0 ? &s[0].plain : &s[0].stored,
                                         road == 0 ? &s[1].plain : &s[1].stored,
                                         road == 0 ? &s[2].plain : &s[2].stored,
                                         road == 0 ? &s[3].plain : &s[3].stored };
        const struct cxm_duration_options o = {
            CXM_INIT(competing_risks), .by = !grouped ? NULL : road == 0 ? &by.plain : &by.stored,
            .entry = late ? c[2] : NULL, .freq = copies ? c[3] : NULL, .threads = road,
            .causes = two_dimensions, .n_causes = 2, .invalid = CXM_INVALID_COUNT };
        SAME(cxm_competing_risks(c[0], c[1], &o, &reports[road], &error) == CXM_OK, error.message);
        const char *other = other_report(reports[0], reports[road], true);
        SAME(other == NULL, other);
    }
    if (m->n < 1000)
        check_survival(m, reports[0], s, grouped ? &by : NULL);
    for (int road = 0; road < MOST_ROADS; road++)
        cxm_report_free(reports[road]);
}

/* ---- all of them ------------------------------------------------------------------------- */

static void repeat_calls(void (*call)(const struct maker *m), uint64_t divisor, int64_t many)
{
    const char *const text = getenv("CXM_CALLS");
    const uint64_t first = random_seed(), calls = text != NULL ? strtoull(text, NULL, 0) : 240 / divisor;
    for (uint64_t k = 0; k < calls; k++) {
        struct arena arena = { NULL, 0, 0 };
        uint64_t seed = its_seed = first + k;
        struct maker m = { &arena, &seed, 0 };
        m.n = length_of(&m, many);
        call(&m);
        arena_free(&arena);
    }
}

static void quantiles_of_any_columns(void **state)
{
    (void)state;
    repeat_calls(a_quantile, 2, 300000);
}

static void cohorts_of_any_columns(void **state)
{
    (void)state;
    repeat_calls(a_cohort, 1, 90000);
}

static void contacts_of_any_columns(void **state)
{
    (void)state;
    repeat_calls(a_contact, 1, 90000);
}

static void survival_of_any_columns(void **state)
{
    (void)state;
    repeat_calls(a_survival, 2, 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_of_any_columns),
        cmocka_unit_test(cohorts_of_any_columns),
        cmocka_unit_test(contacts_of_any_columns),
        cmocka_unit_test(survival_of_any_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
