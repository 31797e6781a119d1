/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random calls of cohorts: every column in random storage and once more plain, with none to five
 * threads, must give the same bits, and what the obvious program says, which looks at one customer
 * after the other, walks the calendar day by day and asks of every column whether it was reached. */
#include "random_events.h"

/* ---- the obvious program ------------------------------------------------------------------ */

/* One customer who was there in one column, or who is of a cohort (column EACH), and for how many
 * units one can know. */
enum { EACH = -1 };
struct fact {
    int64_t group, cohort, column, over;
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

/* A row of a customer: `start` is the start it tells, `returns` whether it is a return. */
struct event {
    int64_t group, customer, time, start;
    bool returns, starts;
};

static int by_customer(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->customer > y->customer) - (x->customer < y->customer);
}

struct facts {
    struct fact *list;
    size_t n, room;
    int64_t used, early, unlinked, customers, customers_unlinked;
};

static const int64_t lengths[] = { 0, DAY, 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY };

static int64_t local_of(const struct cxm_cohorts_options *o, int64_t t)
{
    int64_t offset = o->utc_offset;
    for (int64_t k = 0; k < o->n_zone; k++) {
        if (k == 0 || o->zone[k].utc_from <= t)
            offset = o->zone[k].offset;
    }
    return t + offset;
}

/* Unit 0: stretches of o->length seconds, whose first "day" is a second. */
static int64_t period_of(const struct cxm_cohorts_options *o, int32_t unit, int64_t t, int64_t *first)
{
    const int64_t local = local_of(o, t);
    if (unit != CXM_NO_CALENDAR)
        return period_of_day_slowly(floor_div(local, DAY), (enum cxm_calendar)unit, first);
    *first = floor_div(local, o->length) * o->length;
    return floor_div(local, o->length);
}

/* The first instant after the period that begins at `first`; clocks change at noon only. */
static int64_t end_of(const struct cxm_cohorts_options *o, int32_t unit, int64_t first)
{
    static const int64_t into_the_next[] = { 0, 1, 7, 31, 92, 366 };
    if (unit == CXM_NO_CALENDAR)
        return first + o->length - o->utc_offset;
    int64_t next;
    period_of_day_slowly(first + into_the_next[unit], (enum cxm_calendar)unit, &next);
    if (o->n_zone == 0)
        return next * DAY - o->utc_offset;
    for (int64_t k = 0; k < o->n_zone; k++) {
        const int64_t t = next * DAY - o->zone[k].offset;
        if (local_of(o, t) == next * DAY)
            return t;
    }
    return 0;
}

static int64_t floor_hour(const struct cxm_cohorts_options *o, int64_t t)
{
    const int64_t local = local_of(o, t);
    return o->hour_floor ? t - (local - floor_div(local, 3600) * 3600) : t;
}

/* Whole units from one instant to a later one. */
static int64_t units_between(const struct cxm_cohorts_options *o, int64_t start, int64_t t)
{
    int64_t first;
    if (o->mode == CXM_COHORTS_ROLLING)
        return (t - start) / (o->unit == CXM_NO_CALENDAR ? o->length : lengths[o->unit]);
    return period_of(o, o->unit, t, &first) - period_of(o, o->unit, start, &first);
}

static void column_of(const struct cxm_cohorts_options *o, int64_t k, int64_t *from, int64_t *to)
{
    *from = o->n_brackets > 0 ? o->brackets[k] : k;
    *to = o->n_brackets > 0 ? o->brackets[k + 1] : k + 1;
}

static void add_fact(struct facts *f, struct fact fact)
{
    if (f->n == f->room)
        f->list = realloc(f->list, (f->room = 2 * f->room + 64) * sizeof *f->list);
    SAME(f->list != NULL, "memory of a test");
    f->list[f->n++] = fact;
}

/* All rows of one customer in one group. */
static void add_customer(struct facts *f, const struct cxm_cohorts_options *o, int32_t rows,
                         const struct event *e, size_t n, int64_t *units)
{
    int64_t start = INT64_MAX, cohort;
    size_t n_units = 0;
    for (size_t i = 0; i < n; i++)
        start = e[i].starts && e[i].start < start ? e[i].start : start;
    if (start == INT64_MAX) {
        f->customers_unlinked++;
        f->unlinked += (int64_t)n;
        return;
    }
    f->customers++;
    start = floor_hour(o, start);
    period_of(o, rows, start, &cohort);
    for (size_t i = 0; i < n; i++) {
        const bool early = e[i].time != INT64_MIN && floor_hour(o, e[i].time) < start;
        f->early += early;
        f->used += !early;
        if (e[i].returns && !early)
            units[n_units++] = units_between(o, start, floor_hour(o, e[i].time));
    }
    const bool rolling = o->mode == CXM_COHORTS_ROLLING;
    const bool alone = o->denominator == CXM_COHORTS_OF_CUSTOMERS;
    const int64_t end = end_of(o, rows, cohort), youngest = alone ? start : rolling ? end : end - 1;
    const int64_t over = youngest > o->as_of ? 0 : units_between(o, youngest, o->as_of);
    int64_t n_columns = o->n_brackets > 0 ? (int64_t)o->n_brackets - 1 : o->n_periods, from, to;
    for (size_t i = 0; o->n_brackets == 0 && o->n_periods == 0 && i < n_units; i++)
        n_columns = units[i] >= n_columns ? units[i] + 1 : n_columns;
    add_fact(f, (struct fact){ e->group, cohort, EACH, over });
    for (int64_t k = 0; k < n_columns; k++) {
        column_of(o, k, &from, &to);
        bool retained = false;
        for (size_t i = 0; i < n_units; i++)
            retained = retained
                    || (units[i] >= from && (o->criterion == CXM_COHORTS_ON_OR_AFTER || units[i] < to));
        if (retained)
            add_fact(f, (struct fact){ e->group, cohort, from, over });
    }
}

static struct facts facts_of(const struct maker *m, const struct cxm_cohorts_options *o, int32_t rows,
                             struct event *events, size_t n)
{
    struct facts f = { .n = 0 };
    int64_t *units = arena_take(m->arena, n, sizeof *units);
    qsort(events, n, sizeof *events, by_customer);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && by_customer(&events[i], &events[end]) == 0; end++)
            ;
        add_customer(&f, o, rows, events + i, end - i, units);
    }
    if (f.n > 0) /* qsort takes no NULL, not even of nothing */
        qsort(f.list, f.n, sizeof *f.list, by_fact);
    return f;
}

/* ---- the report beside it ------------------------------------------------------------------ */

/* How many facts there are of a cohort's column, and of how many customers that can be known. */
static int64_t count_facts(const struct facts *f, struct fact sought, int64_t units, int64_t *known)
{
    size_t at = 0, end = f->n;
    while (at < end) {
        const size_t middle = at + (end - at) / 2;
        if (by_fact(&f->list[middle], &sought) < 0)
            at = middle + 1;
        else
            end = middle;
    }
    const size_t first = at;
    *known = 0;
    for (; at < f->n && by_fact(&f->list[at], &sought) == 0; at++)
        *known += f->list[at].over >= units;
    return (int64_t)(at - first);
}

/* Sums over the cohorts of one group and column. */
struct average {
    int64_t retained, n;
    double rates, cells, products, squares;
};

static void check_average(const struct cxm_report *r, size_t row, const struct average *a)
{
    const char *const measure = cxm_report_measure(r, row);
    const struct cxm_estimate *e = &cxm_report_estimates(r)[row];
    const double want = strcmp(measure, "pooled") == 0        ? (double)a->retained / (double)a->n
                      : strcmp(measure, "simple_mean") == 0   ? a->rates / a->cells
                                                              : a->products / a->squares;
    SAME(e->n == a->n, "other customers of a column");
    SAME(a->n == 0 ? isnan(e->value) != 0 : fabs(e->value - want) <= 1e-14, "another average");
}

static int64_t check_cell(const struct cxm_report *r, size_t row, const struct facts *f, int64_t to,
                          struct average *a)
{
    const struct cxm_estimate *e = &cxm_report_estimates(r)[row];
    struct fact sought = { group_of_row(r, row), int_axis(r, "cohort", row), int_axis(r, "period", row), 0 };
    int64_t known, n;
    const int64_t retained = count_facts(f, sought, to, &known);
    sought.column = EACH;
    const int64_t size = count_facts(f, sought, to, &n);
    SAME(int_axis(r, "events", row) == retained, "other customers in a cell");
    SAME(int_axis(r, "at_risk", row) == size, "another size of a cohort");
    SAME(e->n == n && e->excluded == size - n, "others that are known");
    SAME(n == 0 ? isnan(e->value) != 0 : e->value == (double)known / (double)n, "another share of a cell");
    if (n > 0) {
        a->retained += known;
        a->n += n;
        a->rates += (double)known / (double)n;
        a->cells++;
        a->products += (double)n * (double)known;
        a->squares += (double)n * (double)n;
    }
    return retained;
}

static int64_t value_of(const struct cxm_report *r, const char *measure, const char *reason)
{
    const int64_t axis = cxm_report_find_axis(r, "reason");
    for (size_t row = 0; row < cxm_report_rows(r); row++) {
        const char *const its = axis < 0 ? NULL : cxm_report_text(r, (size_t)axis, row);
        if (strcmp(cxm_report_measure(r, row), measure) == 0
            && (reason == NULL || (its != NULL && strncmp(its, reason, strlen(reason)) == 0)))
            return (int64_t)cxm_report_estimates(r)[row].value;
    }
    return 0;
}

static void check_cohorts(const struct maker *m, const struct cxm_report *r,
                          const struct cxm_cohorts_options *o, int32_t rows,
                          struct event *events, size_t n)
{
    enum { MOST_COLUMNS_SEEN = 20000 };
    struct facts f = facts_of(m, o, rows, events, n);
    struct average *averages = arena_take(m->arena, MOST_COLUMNS_SEEN, sizeof *averages);
    int64_t seen = 0, expected = 0, group = 0, at = 0;
    bool fresh = true;
    for (size_t i = 0; i < f.n; i++)
        expected += f.list[i].column != EACH;
    for (size_t row = 0; row < cxm_report_rows(r); row++) {
        const char *const measure = cxm_report_measure(r, row);
        const bool cell = strcmp(measure, "retention") == 0;
        if (!cell && strcmp(measure, "pooled") != 0 && strcmp(measure, "simple_mean") != 0
            && strcmp(measure, "size_weighted") != 0)
            continue;
        if (fresh || group_of_row(r, row) != group)
            memset(averages, 0, MOST_COLUMNS_SEEN * sizeof *averages);
        fresh = false;
        group = group_of_row(r, row);
        const int64_t period = int_axis(r, "period", row);
        for (at = 0; o->n_brackets > 0 && o->brackets[at] != period; at++)
            ;
        at = o->n_brackets > 0 ? at : period;
        SAME(at < MOST_COLUMNS_SEEN, "columns of a test");
        if (cell)
            seen += check_cell(r, row, &f, o->n_brackets > 0 ? o->brackets[at + 1] : at + 1, &averages[at]);
        else
            check_average(r, row, &averages[at]);
    }
    SAME(seen == expected, "cells that are not in the report");
    SAME(value_of(r, "customers", NULL) == f.customers, "other customers");
    SAME(value_of(r, "events", NULL) == f.used, "other events");
    SAME(value_of(r, "excluded", "early") == f.early, "other early events");
    SAME(value_of(r, "excluded", "unlinked") == f.unlinked, "other events without a start");
    free(f.list);
}

/* ---- random calls -------------------------------------------------------------------------- */

/* The columns of a call, of which `start` is a flag, an instant or not given. */
struct given {
    struct series customer, time, by[2], start;
    int n_by, start_is; /* 1: a flag, 2: an instant */
    struct cxm_zone_row zone[3];
    int64_t edges[5];
};

static void random_options(const struct maker *m, struct given *g, struct cxm_cohorts_options *o)
{
    static const int64_t stretches[] = { 3600, 5000, DAY / 2, DAY, 7 * DAY, 1000000 };
    *o = (struct cxm_cohorts_options){
        CXM_INIT(cohorts), .has_as_of = 1, .has_utc_offset = 1,
        .unit = 1 + (int32_t)random_below(m->seed, 5), .mode = (int32_t)random_below(m->seed, 2),
        .criterion = (int32_t)random_below(m->seed, 2), .denominator = (int32_t)random_below(m->seed, 2),
        .hour_floor = one_in(m, 5), .utc_offset = (int64_t)random_below(m->seed, DAY) - DAY / 2,
        .n_periods = one_in(m, 4) ? 1 + (int64_t)random_below(m->seed, 20) : 0,
    };
    if (one_in(m, 6)) {
        o->unit = CXM_NO_CALENDAR;
        o->length = stretches[random_below(m->seed, COUNT_OF(stretches))];
    }
    o->rows = one_in(m, 4) ? 1 + (int32_t)random_below(m->seed, 5) : CXM_NO_CALENDAR;
    if (one_in(m, 4)) {
        const size_t n = 2 + random_below(m->seed, 4);
        g->edges[0] = (int64_t)random_below(m->seed, 3);
        for (size_t k = 1; k < n; k++)
            g->edges[k] = g->edges[k - 1] + 1 + (int64_t)random_below(m->seed, 6);
        o->brackets = g->edges;
        o->n_brackets = n;
        o->n_periods = 0;
    }
}

/* An hour more from a noon on, and less again. */
static void random_zone(struct given *g, struct cxm_cohorts_options *o, int64_t begin, int64_t span)
{
    const int64_t noon = floor_div(begin + span / 3, DAY) * DAY + DAY / 2;
    g->zone[0] = (struct cxm_zone_row){ begin - span, 3600 };
    g->zone[1] = (struct cxm_zone_row){ noon, 7200 };
    g->zone[2] = (struct cxm_zone_row){ noon + DAY * (1 + span / DAY / 3), 3600 };
    o->zone = g->zone;
    o->n_zone = COUNT_OF(g->zone);
    o->utc_offset = 0;
}

static void random_history(const struct maker *m, struct given *g, int64_t begin, int64_t span)
{
    const bool far = one_in(m, 3);
    const uint64_t customers = 1 + random_below(m->seed, one_in(m, 3) ? 8 : (uint64_t)m->n + 2);
    for (int64_t i = 0; i < m->n; i++) {
        const uint64_t who = random_below(m->seed, customers);
        g->customer.v[i] = (int64_t)(far ? who * UINT64_C(0x9e3779b97f4a7c15) : who);
        g->time.v[i] = one_in(m, 20) && i > 0 ? g->time.v[i - 1]
                                              : begin + (int64_t)random_below(m->seed, (uint64_t)span);
        g->start.v[i] = g->start_is == 1 ? one_in(m, 4)
                                         : begin + (int64_t)random_below(m->seed, (uint64_t)(span / 2 + 1));
        for (int k = 0; k < 2; k++)
            g->by[k].v[i] = (int64_t)random_below(m->seed, 3) - 1;
    }
    store_keys(m, &g->customer);
    store_instants(m, &g->time);
    if (g->start_is == 1)
        store_whole(m, &g->start, false);
    else
        store_instants(m, &g->start);
    for (int k = 0; k < 2; k++)
        store_whole(m, &g->by[k], false);
}

/* The rows that are seen. */
static size_t events_of(const struct maker *m, const struct given *g, int64_t as_of, struct event *events)
{
    size_t n = 0;
    for (int64_t i = 0; i < m->n; i++) {
        const bool event = g->time.present[i] && g->time.v[i] <= as_of;
        const bool flag = g->start_is == 1 && event && g->start.present[i] && g->start.v[i] == 1;
        const bool start = g->start_is == 2 && g->start.present[i] && g->start.v[i] <= as_of;
        if (!g->customer.present[i] || !(event || start))
            continue;
        events[n++] = (struct event){
            .group = group_of(g->by, g->n_by, i), .customer = g->customer.v[i],
            .time = event ? g->time.v[i] : INT64_MIN,
            .start = start ? g->start.v[i] : g->time.v[i],
            .starts = start || flag || (g->start_is == 0 && event), .returns = event && !flag,
        };
    }
    return n;
}

static void a_cohort(const struct maker *m)
{
    struct given g = { .n_by = m->n > 0 && one_in(m, 3) ? 1 + (int)random_below(m->seed, 2) : 0,
                       .start_is = one_in(m, 2) ? 0 : (int)random_below(m->seed, 3) };
    struct series *const columns[] = { &g.customer, &g.time, &g.by[0], &g.by[1], &g.start };
    struct cxm_cohorts_options o;
    for (size_t k = 0; k < COUNT_OF(columns); k++)
        *columns[k] = new_series(m, one_in(m, 3));
    random_options(m, &g, &o);
    const int64_t length = o.unit == CXM_NO_CALENDAR ? o.length : lengths[o.unit];
    const int64_t span = length * (1 + (int64_t)random_below(m->seed, one_in(m, 4) ? 120 : 30));
    const int64_t begin = (int64_t)random_below(m->seed, UINT64_C(1) << 32) - (INT64_C(1) << 31);
    if (o.unit != CXM_NO_CALENDAR && one_in(m, 3))
        random_zone(&g, &o, begin, span);
    o.as_of = begin + (int64_t)random_below(m->seed, (uint64_t)(one_in(m, 2) ? span : 2 * span));
    random_history(m, &g, begin, span);
    struct cxm_report *reports[MOST_ROADS];
    for (int road = 0; road < MOST_ROADS; road++) {
        const struct cxm_column by[2] = { *of_road(&g.by[0], road), *of_road(&g.by[1], road) };
        o.by = g.n_by > 0 ? by : NULL;
        o.n_by = (size_t)g.n_by;
        o.start_flag = g.start_is == 1 ? of_road(&g.start, road) : NULL;
        o.start_time = g.start_is == 2 ? of_road(&g.start, road) : NULL;
        o.threads = threads_of_road(road);
        SAME(cxm_cohorts(of_road(&g.customer, road), of_road(&g.time, road), &o, &reports[road], &error)
                 == CXM_OK,
             error.message);
        const char *other = other_report(reports[0], reports[road], true);
        SAME(other == NULL, other);
    }
    struct event *events = arena_take(m->arena, (size_t)m->n, sizeof *events);
    const size_t n = events_of(m, &g, o.as_of, events);
    if (m->n <= 5000)
        check_cohorts(m, reports[0], &o, o.rows != CXM_NO_CALENDAR ? o.rows : o.unit, events, n);
    for (int road = 0; road < MOST_ROADS; road++)
        cxm_report_free(reports[road]);
}

static void cohorts_of_any_columns(void **state)
{
    (void)state;
    repeat_calls(a_cohort, 1, 90000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cohorts_of_any_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
