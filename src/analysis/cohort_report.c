/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The matrix of a tally of cohorts, group by group: cells, then three ways to average them over
 * the cohorts. Pooled rates weigh a cohort by its customers; the mean of the rates gives each
 * cohort a vote. Only cells that are known enter. Mixpanel's documented average weighs counts
 * and bases by size before it divides, so size counts twice: sum s r / sum s^2 of sizes s and
 * retained r (1000 of 500, 500 of 400: 0.56, where 900 of 1500 are 0.60). */
#include "analysis/report.h"
#include "derive/period.h"
#include "estimate/check.h"
#include "estimate/share.h"
#include "tally/tally.h"

#include <cxm/cohorts.h>

#include <math.h>

enum { RETENTION, SUCCESSES, DENOMINATOR, SIZE, SO_FAR, N_ASKED }; /* measures of the metric */
enum { KEY_BYTES = 9, MOST_BLANK = 1 << 20, DAY_SECONDS = 86400 };

struct page {
    struct cxm_tally *tally;
    struct cxm_report *report;
    struct cxm_estimate *cells;  /* by group of the tally: N_ASKED each */
    int64_t *cohorts, *columns;  /* by group of the tally */
    struct cxm_periods periods;  /* of the cohorts, in local days */
    bool days;
    const double *edges;         /* first unit of each column; NULL: 0, 1, 2 … */
    int64_t n_columns;
    double level;
    enum cxm_interval interval;
    uint32_t flags;
    char definition[216];
    int cohort, period, at_risk, events, reason;
};

/* ---- reading the tally ----------------------------------------------------------------- */

static enum cxm_status not_cohorts(struct cxm_error *error)
{
    return cxm_priv_fail(error, CXM_EINVAL, "tally",
                         "a tally of cohorts, made by cxm_cohorts_tally, is needed");
}

static enum cxm_status check_tally(const struct cxm_tally *tally, struct cxm_error *error)
{
    if (tally == NULL || strcmp(tally->config.rules->info->name, "cohorts") != 0)
        return not_cohorts(error);
    const uint32_t n = tally->schema.n_keys;
    if (tally->state.rows == 0)
        return CXM_OK;
    if (n < 2 || strcmp(tally->schema.keys[n - 2].name, "cohort") != 0
        || strcmp(tally->schema.keys[n - 1].name, "period") != 0
        || (tally->schema.keys[n - 2].type != CXM_KEY_DATE
            && tally->schema.keys[n - 2].type != CXM_KEY_TIME)
        || tally->schema.keys[n - 1].type != CXM_KEY_INT)
        return not_cohorts(error);
    return CXM_OK;
}

static int64_t column_of(const struct page *p, int64_t period)
{
    if (p->edges == NULL)
        return period >= 0 && period < p->n_columns ? period : -1;
    for (int64_t k = 0; k < p->n_columns; k++) {
        if (p->edges[k] == (double)period)
            return k;
    }
    return -1;
}

static int64_t number_of(const struct page *p, int64_t key)
{
    return cxm_priv_period_index(&p->periods, p->days ? key * DAY_SECONDS : key);
}

/* Cohort and column of every group of the tally, and how many columns there are. */
static enum cxm_status read_places(struct page *p, size_t n_groups, struct cxm_error *error)
{
    const size_t n_by = cxm_tally_n_keys(p->tally) - 2;
    int64_t most = -1;
    for (size_t g = 0; g < n_groups; g++) {
        struct cxm_key cohort, period;
        enum cxm_status status = cxm_tally_key(p->tally, (int64_t)g, n_by, &cohort);
        if (status == CXM_OK)
            status = cxm_tally_key(p->tally, (int64_t)g, n_by + 1, &period);
        if (status != CXM_OK)
            return status;
        if (cohort.missing || period.missing || period.integer < 0
            || period.integer > INT32_MAX || cohort.integer > (int64_t)1 << 45
            || cohort.integer < -((int64_t)1 << 45))
            return not_cohorts(error);
        p->cohorts[g] = number_of(p, cohort.integer);
        p->columns[g] = period.integer;
        most = period.integer > most ? period.integer : most;
    }
    if (p->edges == NULL)
        p->n_columns = most + 1;
    for (size_t g = 0; g < n_groups; g++) {
        p->columns[g] = column_of(p, p->columns[g]);
        if (p->columns[g] < 0)
            return not_cohorts(error);
    }
    return CXM_OK;
}

static enum cxm_status estimate_cells(struct page *p, size_t n_groups, struct cxm_error *error)
{
    static const uint32_t measures[N_ASKED] = { RETENTION, SUCCESSES, DENOMINATOR, SIZE, SO_FAR };
    const struct cxm_estimate_options options = {
        .size = sizeof options, .level = p->level, .interval = (int32_t)p->interval,
        .measures = measures, .n_measures = N_ASKED,
    };
    size_t n = 0;
    return cxm_tally_estimate(p->tally, &options, p->cells, sizeof *p->cells,
                              n_groups * N_ASKED, &n, error);
}

/* The key of a group without cohort and period. */
static const uint8_t *prefix_of(struct page *p, size_t group, size_t *n)
{
    const uint8_t *key = cxm_priv_dict_key(&p->tally->state.groups.dict,
                                           p->tally->order[group], n);
    *n -= 2 * KEY_BYTES;
    return key;
}

static bool same_prefix(struct page *p, size_t a, size_t b)
{
    size_t n_a, n_b;
    const uint8_t *const key_a = prefix_of(p, a, &n_a), *const key_b = prefix_of(p, b, &n_b);
    return n_a == n_b && memcmp(key_a, key_b, n_a) == 0;
}

/* ---- rows ----------------------------------------------------------------------------- */

static void set_keys(struct page *p, size_t row, size_t group)
{
    const size_t n_by = cxm_tally_n_keys(p->tally) - 2;
    for (size_t k = 0; k < n_by; k++) {
        struct cxm_key key;
        if (cxm_tally_key(p->tally, (int64_t)group, k, &key) == CXM_OK)
            cxm_priv_report_key(p->report, row, (int)k, &key);
    }
}

static size_t add_row(struct page *p, const char *measure, size_t group, int64_t column,
                      const struct cxm_estimate *estimate)
{
    const size_t row = cxm_priv_report_add(p->report, "cohorts", measure, p->definition,
                                           estimate);
    set_keys(p, row, group);
    cxm_priv_report_int(p->report, row, p->period,
                        p->edges != NULL ? (int64_t)p->edges[column] : column);
    return row;
}

static void add_cell(struct page *p, size_t group, int64_t cohort, int64_t column,
                     const struct cxm_estimate *cell, int64_t size)
{
    struct cxm_estimate blank = cxm_priv_blank_estimate(p->level, CXM_UNIT_SHARE,
                                                        CXM_BASE_CUSTOMERS);
    if (cell == NULL) { /* the column has not begun, or the cohort is empty */
        blank.excluded = size;
        blank.interval = CXM_INTERVAL_WILSON;
        blank.flags = CXM_FLAG_NO_DATA | CXM_FLAG_SMALL_N
                    | (size > 0 ? CXM_FLAG_PROVISIONAL : 0);
    } else {
        blank = cell[RETENTION];
    }
    blank.flags |= p->flags;
    const size_t row = add_row(p, "retention", group, column, &blank);
    cxm_priv_report_int(p->report, row, p->cohort, cxm_priv_period_first(&p->periods, cohort));
    cxm_priv_report_int(p->report, row, p->at_risk, size);
    cxm_priv_report_int(p->report, row, p->events, cell != NULL ? (int64_t)cell[SO_FAR].value
                                                                : 0);
}

/* Sums over the known cells of a column. */
struct average {
    double n, retained, rates, variance, squares, products;
    int64_t cells, pending;
    uint32_t flags;
};

static void add_average(struct page *p, size_t group, int64_t column, const struct average *a)
{
    struct cxm_estimate e = cxm_priv_blank_estimate(p->level, CXM_UNIT_SHARE,
                                                    CXM_BASE_CUSTOMERS);
    e.n = (int64_t)a->n;
    e.excluded = a->pending;
    e.sum_weight = e.n_eff = a->n;
    e.flags = p->flags | (a->n < 30 ? CXM_FLAG_SMALL_N : 0) | (a->n == 0 ? CXM_FLAG_NO_DATA : 0)
            | (a->n == 0 && a->pending > 0 ? CXM_FLAG_PROVISIONAL : 0) | a->flags;
    struct cxm_estimate simple = e, weighted = e;
    if (a->n > 0) {
        struct cxm_limits limits = { NAN, NAN, 0 };
        e.value = a->retained / a->n;
        e.std_error = sqrt(cxm_priv_share_variance(a->retained, a->n));
        e.interval = p->interval == CXM_INTERVAL_DEFAULT ? CXM_INTERVAL_WILSON : p->interval;
        e.df = INFINITY;
        if (e.interval != CXM_INTERVAL_NONE
            && cxm_priv_share_limits(a->retained, a->n, p->level,
                                     (enum cxm_interval)e.interval, &limits) == CXM_OK) {
            e.lower = e.lower_raw = limits.lower;
            e.upper = e.upper_raw = limits.upper;
            e.flags |= limits.flags | cxm_priv_clip(e.value, 0, 1, &e.lower, &e.upper);
        }
        e.flags |= e.std_error == 0 ? CXM_FLAG_DEGENERATE : 0;
        simple.value = a->rates / (double)a->cells;
        simple.std_error = sqrt(a->variance) / (double)a->cells;
        weighted.value = a->products / a->squares;
    }
    simple.interval = weighted.interval = CXM_INTERVAL_NONE;
    size_t row = add_row(p, "pooled", group, column, &e);
    cxm_priv_report_int(p->report, row, p->at_risk, (int64_t)a->n);
    cxm_priv_report_int(p->report, row, p->events, (int64_t)a->retained);
    row = add_row(p, "simple_mean", group, column, &simple);
    cxm_priv_report_int(p->report, row, p->at_risk, (int64_t)a->n);
    row = add_row(p, "size_weighted", group, column, &weighted);
    cxm_priv_report_int(p->report, row, p->at_risk, (int64_t)a->n);
}

static void average_cell(struct average *a, const struct cxm_estimate *cell)
{
    const double n = (double)cell[RETENTION].n, r = cell[SUCCESSES].value;
    a->pending += cell[RETENTION].excluded;
    if (!(n > 0))
        return;
    a->n += n;
    a->retained += r;
    a->rates += r / n;
    a->variance += cxm_priv_share_variance(r, n);
    a->squares += n * n;
    a->products += n * r;
    a->cells++;
    a->flags |= cell[RETENTION].flags & CXM_FLAG_PROVISIONAL;
}

/* Groups from … to - 1 of the tally have the same keys; they are sorted by cohort, period. */
static void add_matrix(struct page *p, size_t from, size_t to, struct average *averages)
{
    const cxm_i128 range = (cxm_i128)p->cohorts[to - 1] - p->cohorts[from] + 1;
    const bool all = range * p->n_columns <= MOST_BLANK;
    size_t at = from;
    memset(averages, 0, (size_t)p->n_columns * sizeof *averages);
    for (int64_t cohort = p->cohorts[from]; at < to; cohort++) {
        if (!all)
            cohort = p->cohorts[at];
        const bool there = p->cohorts[at] == cohort;
        const int64_t size = there ? (int64_t)p->cells[at * N_ASKED + SIZE].value : 0;
        for (int64_t k = 0; k < p->n_columns; k++) {
            const bool has = at < to && p->cohorts[at] == cohort && p->columns[at] == k;
            const struct cxm_estimate *cell = has ? &p->cells[at++ * N_ASKED] : NULL;
            add_cell(p, from, cohort, k, cell, size);
            if (cell != NULL)
                average_cell(&averages[k], cell);
        }
    }
    for (int64_t k = 0; k < p->n_columns; k++)
        add_average(p, from, k, &averages[k]);
}

/* ---- what became of the events ---------------------------------------------------------- */

static void add_count(struct page *p, const char *measure, const char *reason, int64_t value,
                      struct cxm_estimate e)
{
    e.value = (double)value;
    e.flags |= p->flags;
    const size_t row = cxm_priv_report_add(p->report, "cohorts", measure, p->definition, &e);
    if (reason != NULL)
        cxm_priv_report_text(p->report, row, p->reason, reason);
}

static void add_base(struct page *p, const struct cxm_cohorts_base *b)
{
    const struct { const char *reason; int64_t n; } reasons[] = {
        { b->flags & CXM_FLAG_ALL_AFTER_AS_OF ? "unseen: all after as_of; milliseconds?"
                                              : "unseen", b->unseen },
        { "unlinked", b->unlinked }, { "early", b->early },
    };
    struct cxm_estimate e = cxm_priv_blank_estimate(p->level, CXM_UNIT_COUNT,
                                                    CXM_BASE_RESPONSES);
    struct cxm_estimate c = cxm_priv_blank_estimate(p->level, CXM_UNIT_COUNT,
                                                    CXM_BASE_CUSTOMERS);
    e.interval = c.interval = CXM_INTERVAL_NONE;
    c.n = b->customers;
    c.excluded = b->customers_unlinked;
    c.sum_weight = c.n_eff = (double)c.n;
    add_count(p, "customers", NULL, c.n, c);
    struct cxm_estimate all = e;
    all.n = b->used;
    all.missing = b->missing;
    all.invalid = b->invalid;
    all.excluded = b->unseen + b->unlinked + b->early;
    all.sum_weight = all.n_eff = (double)all.n;
    add_count(p, "events", NULL, all.n, all);
    for (size_t i = 0; i < CXM_COUNT(reasons); i++) {
        if (reasons[i].n > 0)
            add_count(p, "excluded", reasons[i].reason, reasons[i].n, e);
    }
}

/* ---- all ------------------------------------------------------------------------------ */

static void make_page(struct page *p)
{
    const struct cxm_config *config = &p->tally->config;
    enum { UNIT = 0, LENGTH = 1, ROWS = 2, BRACKETS = 7 }; /* parameters of the metric */
    const double length = cxm_priv_number(config, LENGTH);
    const int rows = cxm_priv_choice(config, ROWS);
    p->periods.unit = (enum cxm_calendar)(rows > 0      ? rows
                                          : length > 0  ? CXM_NO_CALENDAR
                                                        : cxm_priv_choice(config, UNIT) + 1);
    p->periods.length = length > 0 ? (int64_t)length : 1;
    p->days = p->periods.unit != CXM_NO_CALENDAR;
    const struct cxm_value *edges = &config->params[BRACKETS];
    p->edges = edges->n_numbers > 1 ? edges->numbers : NULL;
    p->n_columns = p->edges != NULL ? (int64_t)edges->n_numbers - 1 : 0;
    cxm_tally_definition(p->tally, p->definition, sizeof p->definition);
    p->report = cxm_priv_report_new(&p->tally->allocator);
    for (uint32_t k = 0; p->tally->schema.n_keys > 2 && k < p->tally->schema.n_keys - 2; k++) {
        const struct cxm_key_info *info = &p->tally->schema.keys[k];
        cxm_priv_report_key_column(p->report, info->name, (enum cxm_key_type)info->type,
                                   info->calendar);
    }
    p->cohort = cxm_priv_report_axis(p->report, "cohort", p->days ? CXM_AXIS_DATE
                                                                  : CXM_AXIS_TIME);
    p->period = cxm_priv_report_axis(p->report, "period", CXM_AXIS_INT);
    p->at_risk = cxm_priv_report_axis(p->report, "at_risk", CXM_AXIS_INT);
    p->events = cxm_priv_report_axis(p->report, "events", CXM_AXIS_INT);
    p->reason = cxm_priv_report_axis(p->report, "reason", CXM_AXIS_TEXT);
}

static enum cxm_status add_matrices(struct page *p, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &p->tally->allocator;
    const size_t n = (size_t)cxm_tally_groups(p->tally);
    struct average *averages = NULL;
    p->cells = cxm_priv_alloc(allocator, n, N_ASKED * sizeof *p->cells);
    p->cohorts = cxm_priv_alloc(allocator, n, sizeof *p->cohorts);
    p->columns = cxm_priv_alloc(allocator, n, sizeof *p->columns);
    enum cxm_status status = CXM_OK;
    if (p->cells == NULL || p->cohorts == NULL || p->columns == NULL)
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK)
        status = read_places(p, n, error);
    if (status == CXM_OK)
        status = estimate_cells(p, n, error);
    if (status == CXM_OK) {
        averages = cxm_priv_alloc(allocator, (size_t)p->n_columns, sizeof *averages);
        status = averages == NULL ? cxm_priv_no_memory(error) : CXM_OK;
    }
    for (size_t from = 0, to; status == CXM_OK && from < n; from = to) {
        to = from + 1;
        while (to < n && same_prefix(p, from, to))
            to++;
        add_matrix(p, from, to, averages);
    }
    cxm_priv_release(allocator, averages);
    cxm_priv_release(allocator, p->cells);
    cxm_priv_release(allocator, p->cohorts);
    cxm_priv_release(allocator, p->columns);
    return status;
}

enum cxm_status cxm_cohorts_report(struct cxm_tally *tally, double level, int32_t interval,
                                   const struct cxm_cohorts_base *base, struct cxm_report **out,
                                   struct cxm_error *error)
{
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "out is NULL");
    enum cxm_status status = check_tally(tally, error);
    if (status != CXM_OK)
        return status;
    struct page p = { .tally = tally, .level = level == 0 ? 0.95 : level,
                      .interval = (enum cxm_interval)interval,
                      .flags = base != NULL ? base->flags : 0 };
    status = cxm_priv_check_level(p.level, error);
    struct cxm_limits limits;
    if (status == CXM_OK && interval != CXM_INTERVAL_DEFAULT && interval != CXM_INTERVAL_NONE
        && cxm_priv_share_limits(1, 2, p.level, p.interval, &limits) != CXM_OK)
        status = cxm_priv_fail(error, CXM_EINVAL, "interval", "a share has no interval \"%s\"",
                               cxm_interval_name(p.interval));
    if (status != CXM_OK)
        return status;
    make_page(&p);
    if (tally->state.rows > 0)
        status = add_matrices(&p, error);
    if (status == CXM_OK && base != NULL)
        add_base(&p, base);
    if (status == CXM_OK)
        return cxm_priv_report_finish(p.report, out, error);
    cxm_report_free(p.report);
    return status;
}
