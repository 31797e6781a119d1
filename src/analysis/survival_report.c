/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reports of survival curves and of competing risks from tallies: see survival.h. */
#include "analysis/curves.h"
#include "analysis/numbers.h"
#include "analysis/report.h"
#include "estimate/check.h"

#include <cxm/survival.h>

#include <math.h>

static const char metric[] = "survival";

/* ---- pages ---------------------------------------------------------------------------- */

struct page {
    struct cxm_survival_options o;
    double z; /* of the level */
    struct cxm_report *report;
    int time, at_risk, events, censored;
    char curve[48], hazard[64], incidence[64]; /* definitions */
    struct cxm_estimate blank;                 /* base of the group */
    struct cxm_tally *tally;
    int64_t group; /* of the keys of the report; CXM_TOTAL: none */
    struct cxm_curve_table table;
};

static size_t add_row(struct page *p, const char *measure, const char *definition,
                      const struct cxm_estimate *estimate, double time)
{
    const size_t row = cxm_priv_report_add(p->report, metric, measure, definition, estimate);
    if (p->group != CXM_TOTAL)
        cxm_priv_report_key_from(p->report, row, p->tally, p->group);
    cxm_priv_report_real(p->report, row, p->time, time);
    return row;
}

static void put_counts(struct page *p, size_t row, int64_t at_risk, int64_t events,
                       int64_t censored)
{
    cxm_priv_report_int(p->report, row, p->at_risk, at_risk);
    cxm_priv_report_int(p->report, row, p->events, events);
    cxm_priv_report_int(p->report, row, p->censored, censored);
}

static bool has_missing_key(struct cxm_tally *tally, int64_t group)
{
    struct cxm_key key;
    for (size_t k = 0; group != CXM_TOTAL && k < cxm_tally_n_keys(tally); k++) {
        if (cxm_tally_key(tally, group, k, &key) == CXM_OK && key.missing)
            return true;
    }
    return false;
}

/* The base of all rows of a group; `place` is its number in the tally that is read. */
static void begin_group(struct page *p, struct cxm_tally *read, int64_t place)
{
    const struct cxm_dict *dict = &read->state.groups.dict;
    const struct cxm_view view = {
        .config = &read->config, .allocator = &read->allocator, .table = &read->state.groups,
        .values = &read->state.values,
        .cell = dict->n == 0 ? NULL : cxm_priv_table_cell(&read->state.groups,
                                                          read->order[place]),
        .left_out = read->schema.n_keys == 0 ? read->state.left_out : 0,
    };
    const struct cxm_ask ask = { p->o.level, (enum cxm_interval)p->o.interval, 30, NULL };
    p->blank = cxm_priv_blank_estimate(p->o.level, CXM_UNIT_SHARE, CXM_BASE_CUSTOMERS);
    cxm_priv_begin(&view, 0, &ask, &p->blank);
    p->blank.df = INFINITY;
    p->blank.flags |= has_missing_key(p->tally, p->group) ? CXM_FLAG_MISSING_KEY : 0;
}

static struct cxm_estimate blank_of(const struct page *p, enum cxm_unit unit, bool few)
{
    struct cxm_estimate e = p->blank;
    e.unit = unit;
    e.interval = (uint32_t)p->o.interval;
    e.flags |= few ? CXM_FLAG_SMALL_N : 0;
    return e;
}

/* ---- curves at their times, or at times that were asked for ----------------------------- */

/* How many times of the table are not above t. */
static size_t count_until(const struct cxm_curve_table *t, double time)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (t->risk[middle].time <= time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* One row of a curve: the `put` of its kind fills in the estimate after `seen` times. */
typedef void put_point(const struct page *p, size_t seen, struct cxm_estimate *e);

/* Is t beyond what the table tells? */
static bool is_beyond(const struct cxm_curve_table *t, double time)
{
    return t->n == 0 || (time > t->risk[t->n - 1].time && t->curve[t->n - 1].survival.hi > 0);
}

static void at_asked_times(struct page *p, const char *measure, const char *definition,
                           enum cxm_unit unit, put_point *put, const int64_t *events)
{
    const struct cxm_curve_table *t = &p->table;
    size_t before = 0;
    for (size_t i = 0; i < p->o.n_times; i++) {
        const double time = p->o.times[i];
        const size_t seen = count_until(t, time);
        struct cxm_estimate e = blank_of(p, unit, seen > t->first_few);
        int64_t lost = 0, censored = 0, at_risk = INT64_MIN;
        for (size_t k = before; k < seen; k++) {
            lost += events != NULL ? events[k] : t->risk[k].events;
            censored += t->risk[k].censored;
        }
        if (seen > 0 && t->risk[seen - 1].time == time)
            at_risk = t->risk[seen - 1].at_risk;
        else if (!cxm_priv_survival_has_entry(p->tally))
            at_risk = seen < t->n ? t->risk[seen].at_risk : 0;
        before = seen;
        if (is_beyond(t, time))
            e.flags |= e.n > 0 ? CXM_FLAG_CENSORED : 0;
        else
            put(p, seen, &e);
        put_counts(p, add_row(p, measure, definition, &e, time), at_risk, lost, censored);
    }
}

/* All rows at once, then their numbers where they lie: curves are most of a report. */
static void at_all_times(struct page *p, const char *measure, const char *definition,
                         enum cxm_unit unit, put_point *put, const int64_t *events)
{
    const struct cxm_curve_table *t = &p->table;
    if (t->n == 0)
        return;
    const struct cxm_estimate blank = blank_of(p, unit, false);
    const size_t first = add_row(p, measure, definition, &blank, t->risk[0].time);
    cxm_priv_report_add_run(p->report, first, t->n - 1, &blank);
    struct cxm_estimate *e = cxm_priv_report_estimate(p->report, first);
    if (e == NULL)
        return;
    for (size_t i = 0; i < t->n; i++) {
        e[i].flags |= i >= t->first_few ? CXM_FLAG_SMALL_N : 0;
        put(p, i + 1, &e[i]);
    }
    double *const times = cxm_priv_report_reals(p->report, first, p->time);
    int64_t *const at_risk = cxm_priv_report_ints(p->report, first, p->at_risk);
    int64_t *const lost = cxm_priv_report_ints(p->report, first, p->events);
    int64_t *const censored = cxm_priv_report_ints(p->report, first, p->censored);
    for (size_t i = 0; i < t->n; i++) {
        times[i] = t->risk[i].time;
        at_risk[i] = t->risk[i].at_risk;
        lost[i] = events != NULL ? events[i] : t->risk[i].events;
        censored[i] = t->risk[i].censored;
    }
}

static void add_curve(struct page *p, const char *measure, const char *definition,
                      enum cxm_unit unit, put_point *put, const int64_t *events)
{
    (p->o.n_times > 0 ? at_asked_times : at_all_times)(p, measure, definition, unit, put, events);
}

static const struct cxm_survival *curve_after(const struct page *p, size_t seen)
{
    static const struct cxm_survival start = CXM_SURVIVAL_START;
    return seen > 0 ? &p->table.curve[seen - 1] : &start;
}

static void put_survival(const struct page *p, size_t seen, struct cxm_estimate *e)
{
    const struct cxm_survival *at = curve_after(p, seen);
    if (seen == 0 || !p->table.has_limits) {
        cxm_priv_put_survival(at, p->z, (enum cxm_interval)p->o.interval, e);
        return;
    }
    e->value = at->survival.hi;
    e->std_error = at->std_error;
    cxm_priv_set_limits(e, p->table.limits[seen - 1], 0, 1);
}

static void put_hazard(const struct page *p, size_t seen, struct cxm_estimate *e)
{
    const struct cxm_survival *at = curve_after(p, seen);
    e->value = at->hazard.hi;
    e->std_error = sqrt(at->hazard_variance.hi);
    if (e->interval != CXM_INTERVAL_NONE)
        cxm_priv_set_limits(e, cxm_priv_hazard_limits(e->value, e->std_error, p->z,
                                                      (enum cxm_interval)e->interval),
                            0, INFINITY);
}

static void put_incidence(const struct page *p, size_t seen, struct cxm_estimate *e)
{
    static const struct cxm_incidence none = { { 0, 0 }, 0 };
    const struct cxm_incidence *at = seen > 0 ? &p->table.incidence[seen - 1] : &none;
    e->value = at->value.hi;
    e->std_error = at->std_error;
    if (e->interval != CXM_INTERVAL_NONE)
        cxm_priv_set_limits(e, cxm_priv_incidence_limits(at, p->z,
                                                         (enum cxm_interval)e->interval), 0, 1);
}

/* ---- numbers of a whole curve ----------------------------------------------------------- */

static void add_fewest(struct page *p, size_t row)
{
    cxm_priv_report_int(p->report, row, p->at_risk, p->table.fewest);
}

static void add_quantile(struct page *p, const char *measure, double share)
{
    const struct cxm_curve_table *t = &p->table;
    char definition[96], text[CXM_DOUBLE_TEXT];
    size_t used = 0;
    struct cxm_estimate e = blank_of(p, CXM_UNIT_SCALE, t->first_few < t->n);
    const struct cxm_survival_quantile q = cxm_priv_survival_quantile(
        t->risk, t->curve, t->has_limits ? t->limits : NULL, t->n, share, p->z,
        (enum cxm_interval)p->o.interval);
    e.value = q.time;
    e.lower = e.lower_raw = q.lower;
    e.upper = e.upper_raw = q.upper;
    e.flags |= isnan(q.time) && e.n > 0 ? CXM_FLAG_CENSORED : 0;
    cxm_priv_append(definition, sizeof definition, &used, "%s/quantile=%s", p->curve,
                    cxm_priv_double_text(share, text));
    add_fewest(p, add_row(p, measure, definition, &e, NAN));
}

static void add_quantiles(struct page *p)
{
    if (p->o.rows & CXM_SURVIVAL_MEDIAN)
        add_quantile(p, "median", 0.5);
    for (size_t i = 0; i < p->o.n_quantiles; i++) {
        char measure[64], text[CXM_DOUBLE_TEXT];
        size_t used = 0;
        cxm_priv_append(measure, sizeof measure, &used, "quantile[%s]",
                        cxm_priv_double_text(p->o.quantiles[i], text));
        add_quantile(p, measure, p->o.quantiles[i]);
    }
}

static enum cxm_status add_means(struct page *p, struct cxm_error *error)
{
    const struct cxm_curve_table *t = &p->table;
    for (size_t i = 0; i < p->o.n_taus; i++) {
        const double tau = p->o.taus[i];
        char definition[96], text[CXM_DOUBLE_TEXT], last[CXM_DOUBLE_TEXT];
        size_t used = 0;
        struct cxm_estimate e = blank_of(p, CXM_UNIT_SCALE, t->first_few < t->n);
        cxm_priv_double_text(tau, text);
        if (t->n > 0 && is_beyond(t, tau))
            return cxm_priv_fail_at(error, CXM_EINVAL, "tau", -1, text,
                                    "tau is %s, but the longest time of a group is %s and not all "
                                    "are lost by then", text,
                                    cxm_priv_double_text(t->risk[t->n - 1].time, last));
        cxm_priv_append(definition, sizeof definition, &used, "%s/rmst=%s", p->curve, text);
        if (t->n > 0) {
            const struct cxm_restricted_mean m = cxm_priv_restricted_mean(t->risk, t->curve, t->n,
                                                                          tau);
            e.value = m.mean;
            e.std_error = m.std_error;
            e.flags |= m.std_error > 0 ? 0 : CXM_FLAG_DEGENERATE;
            if (e.interval != CXM_INTERVAL_NONE) {
                e.interval = CXM_INTERVAL_PLAIN;
                cxm_priv_set_limits(&e, cxm_priv_mean_limits(m.mean, m.std_error, INFINITY,
                                                             p->o.level), 0, tau);
            }
        }
        add_fewest(p, add_row(p, "rmst", definition, &e, tau));
    }
    return CXM_OK;
}

/* ---- reports -------------------------------------------------------------------------- */

typedef enum cxm_status add_group(struct page *p, struct cxm_error *error);

static enum cxm_status add_survival(struct page *p, struct cxm_error *error)
{
    if (p->o.rows & CXM_SURVIVAL_CURVE)
        add_curve(p, "survival", p->curve, CXM_UNIT_SHARE, put_survival, NULL);
    if (p->o.rows & CXM_SURVIVAL_HAZARD) {
        (p->o.hazard == CXM_HAZARD_TIED ? cxm_priv_tied_hazard : cxm_priv_nelson_aalen)(
            p->table.risk, p->table.n, p->table.curve);
        add_curve(p, "hazard", p->hazard, CXM_UNIT_RATIO, put_hazard, NULL);
    }
    add_quantiles(p);
    return add_means(p, error);
}

static enum cxm_status add_incidences(struct page *p, struct cxm_error *error)
{
    const struct cxm_config *config = &p->tally->config;
    struct cxm_curve_table *t = &p->table;
    (void)error;
    for (uint32_t k = 0; k < cxm_priv_survival_causes(config); k++) {
        const int64_t *events = t->events + k * t->room;
        char name[64], measure[80];
        size_t used = 0;
        const char *cause = cxm_priv_survival_cause(config, k + 1);
        cxm_priv_copy_text(name, sizeof name - 4, cause, strlen(cause));
        cxm_priv_append(measure, sizeof measure, &used, "incidence[%s]", name);
        cxm_priv_aalen_johansen(t->risk, events, t->n, t->incidence);
        add_curve(p, measure, p->incidence, CXM_UNIT_SHARE, put_incidence, events);
    }
    add_curve(p, "survival", p->curve, CXM_UNIT_SHARE, put_survival, NULL);
    return CXM_OK;
}

/* Rows that the report will have, at most: none of them is moved when others follow. */
static size_t count_rows(const struct page *p, add_group *add)
{
    const size_t groups = p->tally->state.groups.dict.n + (p->tally->schema.n_keys == 0);
    const size_t n_times = p->tally->state.values.dict.n;
    const size_t causes = cxm_priv_survival_causes(&p->tally->config);
    const size_t curves = add == add_incidences ? causes + 1
                        : (size_t)((p->o.rows & CXM_SURVIVAL_CURVE) != 0)
                              + ((p->o.rows & CXM_SURVIVAL_HAZARD) != 0);
    const size_t points = p->o.n_times > 0 ? groups * p->o.n_times : n_times;
    const size_t others = add == add_incidences ? 1 : 1 + p->o.n_quantiles + p->o.n_taus;
    return curves * points + groups * others;
}

static enum cxm_status read_groups(struct page *p, struct cxm_tally *read, bool total,
                                   add_group *add, struct cxm_error *error)
{
    struct cxm_curve_groups groups;
    const uint32_t causes = cxm_priv_survival_causes(&read->config);
    enum cxm_status status = cxm_priv_curve_groups_init(&groups, read, error);
    if (status != CXM_OK)
        return status;
    for (int64_t g = 0; g < cxm_tally_groups(read) && status == CXM_OK; g++) {
        size_t n;
        const uint32_t *entries = cxm_priv_curve_entries(&groups, g, &n);
        if (!cxm_priv_curve_table_reserve(&p->table, n, causes, &read->allocator)) {
            status = cxm_priv_no_memory(error);
            break;
        }
        p->group = total || read->schema.n_keys == 0 ? CXM_TOTAL : g;
        begin_group(p, read, g);
        cxm_priv_curve_table_read(&p->table, read, entries, n, p->o.few);
        if (p->o.interval != CXM_INTERVAL_NONE
            && (p->o.n_times == 0 || p->o.n_quantiles > 0 || (p->o.rows & CXM_SURVIVAL_MEDIAN)))
            cxm_priv_curve_table_limits(&p->table, p->z, (enum cxm_interval)p->o.interval);
        const size_t rows = cxm_report_rows(p->report);
        status = add(p, error);
        if (status == CXM_OK && cxm_report_rows(p->report) == rows) { /* nobody: no times */
            const struct cxm_estimate nothing = blank_of(p, CXM_UNIT_SHARE, false);
            add_row(p, "survival", p->curve, &nothing, NAN);
        }
    }
    cxm_priv_curve_groups_release(&groups);
    return status;
}

static enum cxm_status add_total(struct page *p, add_group *add, struct cxm_error *error)
{
    struct cxm_tally *total = NULL;
    enum cxm_status status = cxm_tally_group(p->tally, CXM_TOTAL, 0, &total, error);
    if (status == CXM_OK)
        status = read_groups(p, total, true, add, error);
    cxm_tally_free(total);
    return status;
}

static void define(struct page *p)
{
    size_t used = 0;
    const char *entry = cxm_priv_survival_has_entry(p->tally) ? "/delayed-entry" : "";
    cxm_priv_append(p->curve, sizeof p->curve, &used, "kaplan-meier%s", entry);
    used = 0;
    cxm_priv_append(p->hazard, sizeof p->hazard, &used, "nelson-aalen%s%s",
                    p->o.hazard == CXM_HAZARD_TIED ? "/ties-broken" : "", entry);
    used = 0;
    cxm_priv_append(p->incidence, sizeof p->incidence, &used, "aalen-johansen%s", entry);
}

static enum cxm_status check_list(const char *name, const double *values, size_t n, double low,
                                  double high, bool ascending, struct cxm_error *error)
{
    char text[CXM_DOUBLE_TEXT];
    if (values == NULL && n > 0)
        return cxm_priv_fail(error, CXM_EINVAL, name, "%s is NULL", name);
    for (size_t i = 0; i < n; i++) {
        if (!(values[i] >= low && values[i] <= high))
            return cxm_priv_fail_at(error, CXM_EINVAL, name, -1,
                                    cxm_priv_double_text(values[i], text),
                                    "%s is %s, which is out of range", name, text);
        if (ascending && i > 0 && !(values[i - 1] < values[i]))
            return cxm_priv_fail(error, CXM_EINVAL, name, "%s must ascend", name);
    }
    return CXM_OK;
}

static enum cxm_status take_options(const struct cxm_survival_options *options,
                                    struct cxm_survival_options *o, struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_read_options(options, o, sizeof *o, "cxm_survival_options",
                                                   error);
    if (status == CXM_OK)
        status = cxm_priv_reserved(o->reserved, error);
    if (status != CXM_OK)
        return status;
    o->level = o->level == 0 ? 0.95 : o->level;
    o->rows = o->rows == 0 ? CXM_SURVIVAL_CURVE | CXM_SURVIVAL_MEDIAN : o->rows;
    o->few = o->few == 0 ? 5 : o->few;
    o->interval = o->interval == CXM_INTERVAL_DEFAULT ? CXM_INTERVAL_LOG_LOG : o->interval;
    if (o->interval != CXM_INTERVAL_NONE && o->interval != CXM_INTERVAL_LOGIT
        && !(o->interval >= CXM_INTERVAL_LOG_LOG && o->interval <= CXM_INTERVAL_ARCSINE))
        return cxm_priv_fail(error, CXM_EINVAL, "interval",
                             "curves have the intervals log-log, log, plain, logit and arcsine, "
                             "not %s", cxm_interval_name((enum cxm_interval)o->interval));
    if (o->rows > (CXM_SURVIVAL_CURVE | CXM_SURVIVAL_HAZARD | CXM_SURVIVAL_MEDIAN)
        || (uint32_t)o->hazard > CXM_HAZARD_TIED || o->few < 0)
        return cxm_priv_fail(error, CXM_EINVAL, "options", "rows, hazard or few is out of range");
    status = check_list("quantiles", o->quantiles, o->n_quantiles, 5e-324, 1, false, error);
    if (status == CXM_OK)
        status = check_list("tau", o->taus, o->n_taus, 0, 1e300, false, error);
    if (status == CXM_OK)
        status = check_list("times", o->times, o->n_times, 0, 1e300, true, error);
    return status == CXM_OK ? cxm_priv_check_level(o->level, error) : status;
}

static enum cxm_status report_of(struct cxm_tally *tally,
                                 const struct cxm_survival_options *options, add_group *add,
                                 struct cxm_report **out, struct cxm_error *error)
{
    struct page p = { .tally = tally };
    enum cxm_status status = cxm_priv_survival_check(tally, error);
    if (status == CXM_OK && out == NULL)
        status = cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    if (status == CXM_OK)
        status = take_options(options, &p.o, error);
    if (status != CXM_OK)
        return status;
    define(&p);
    p.z = cxm_priv_z(p.o.level);
    p.report = cxm_priv_report_new(&tally->allocator);
    cxm_priv_report_keys_of(p.report, tally);
    p.time = cxm_priv_report_axis(p.report, "time", CXM_AXIS_REAL);
    p.at_risk = cxm_priv_report_axis(p.report, "at_risk", CXM_AXIS_INT);
    p.events = cxm_priv_report_axis(p.report, "events", CXM_AXIS_INT);
    p.censored = cxm_priv_report_axis(p.report, "censored", CXM_AXIS_INT);
    cxm_priv_report_reserve(p.report, count_rows(&p, add));
    status = read_groups(&p, tally, false, add, error);
    if (status == CXM_OK && p.o.total != 0 && tally->schema.n_keys > 0)
        status = add_total(&p, add, error);
    cxm_priv_curve_table_release(&p.table, &tally->allocator);
    if (status == CXM_OK)
        return cxm_priv_report_finish(p.report, out, error);
    cxm_report_free(p.report);
    return status;
}

enum cxm_status cxm_tally_survival(struct cxm_tally *tally,
                                   const struct cxm_survival_options *options,
                                   struct cxm_report **out, struct cxm_error *error)
{
    return report_of(tally, options, add_survival, out, error);
}

enum cxm_status cxm_tally_incidence(struct cxm_tally *tally,
                                    const struct cxm_survival_options *options,
                                    struct cxm_report **out, struct cxm_error *error)
{
    return report_of(tally, options, add_incidences, out, error);
}
