/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * First-contact resolution as a survival curve read at the window: contacts that are too young
 * count for as long as they were watched, instead of not at all. */
#include "analysis/report.h"
#include "estimate/survival.h"
#include "metric/contacts.h"

#include <math.h>
#include <stdlib.h>

struct span {
    size_t group;
    int64_t time;
    bool event;
};

static int by_group_and_time(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->time > y->time) - (x->time < y->time);
}

static size_t group_of(const struct cxm_codes *codes, size_t row)
{
    if (codes->codes == NULL)
        return 0;
    const uint32_t code = codes->codes[row];
    return code == CXM_CODE_MISSING ? codes->n : codes->ranks[code];
}

/* The curve of one group's sorted times at the end of the window; its value is NaN where everybody's
 * time is shorter and some were not watched any longer: nothing is known of the rest. */
static struct cxm_survival read_curve(const struct span *spans, size_t n, int64_t window,
                                      bool open_end, int64_t *at_risk, int64_t *events)
{
    struct cxm_survival curve = CXM_SURVIVAL_START;
    size_t i = 0;
    *events = 0;
    while (i < n && (open_end ? spans[i].time < window : spans[i].time <= window)) {
        struct cxm_risk risk = { (double)spans[i].time, (int64_t)(n - i), 0, 0 };
        for (const int64_t time = spans[i].time; i < n && spans[i].time == time; i++) {
            risk.events += spans[i].event;
            risk.censored += !spans[i].event;
        }
        if (risk.events > 0)
            cxm_priv_survival_step(&curve, &risk);
        *events += risk.events;
    }
    *at_risk = (int64_t)(n - i);
    if (i > 0 && i == n && spans[n - 1].time < window && curve.survival.hi > 0)
        curve.survival = cxm_priv_dd(NAN);
    return curve;
}

struct km {
    const struct cxm_fcr_window_options *o;
    const struct cxm_repeat_rules *rules;
    struct cxm_tally *tally;
    struct span *spans;
    size_t n;
};

static void add_group(const struct km *km, struct cxm_report *report, int64_t group,
                      const struct cxm_estimate *base, const char *definition, const size_t at[2])
{
    const size_t n = at[1] - at[0];
    const enum cxm_interval interval = km->o->interval != CXM_INTERVAL_DEFAULT
                                         ? (enum cxm_interval)km->o->interval
                                         : CXM_INTERVAL_LOG_LOG;
    int64_t at_risk, events;
    struct cxm_estimate e = cxm_priv_blank_estimate(base->level, CXM_UNIT_SHARE,
                                                    CXM_BASE_CONTACTS);
    const struct cxm_survival curve = read_curve(km->spans + at[0], n, km->rules->window,
                                                 km->rules->open_end, &at_risk, &events);
    e.n = (int64_t)n;
    e.missing = base->missing;
    e.invalid = base->invalid;
    e.excluded = base->n + base->excluded - e.n;
    e.sum_weight = e.n_eff = (double)n;
    e.flags = (base->flags & (uint32_t)(CXM_FLAG_SUBSECOND | CXM_FLAG_MISSING_KEY
                                        | CXM_FLAG_ALL_AFTER_AS_OF))
            | (n < 30 ? CXM_FLAG_SMALL_N : 0);
    e.interval = interval;
    if (n == 0) {
        e.flags |= CXM_FLAG_NO_DATA;
    } else if (isnan(curve.survival.hi)) {
        e.flags |= CXM_FLAG_CENSORED;
    } else {
        const struct cxm_limits limits = cxm_priv_survival_limits(&curve, cxm_priv_z(e.level),
                                                                  interval);
        e.value = curve.survival.hi;
        e.std_error = curve.std_error;
        e.df = INFINITY;
        e.lower_raw = limits.lower;
        e.upper_raw = limits.upper;
        e.lower = limits.lower < 0 ? 0 : limits.lower;
        e.upper = limits.upper > 1 ? 1 : limits.upper;
        e.flags |= limits.flags | (e.lower != limits.lower && !isnan(limits.lower)
                                     ? CXM_FLAG_CLIPPED
                                     : 0);
    }
    const size_t row = cxm_priv_report_add(report, "fcr_window", "fcr_km", definition, &e);
    cxm_priv_report_key_from(report, row, km->tally, group);
    cxm_priv_report_int(report, row, cxm_priv_report_axis(report, "at_risk", CXM_AXIS_INT),
                        at_risk);
    cxm_priv_report_int(report, row, cxm_priv_report_axis(report, "events", CXM_AXIS_INT),
                        events);
}

/* A group, or CXM_TOTAL, whose times are spans at[0] … at[1] - 1. */
static enum cxm_status read_group(const struct km *km, struct cxm_report *report, int64_t group,
                                  const char *definition, const size_t at[2],
                                  struct cxm_error *error)
{
    struct cxm_estimate base;
    const uint32_t headline = 0;
    const struct cxm_estimate_options ask = { .size = sizeof ask, .level = km->o->level,
                                              .measures = &headline, .n_measures = 1,
                                              .groups = &group, .n_groups = 1 };
    const enum cxm_status status = cxm_tally_estimate(km->tally, &ask, &base, sizeof base, 1, NULL,
                                                      error);
    if (status == CXM_OK)
        add_group(km, report, group, &base, definition, at);
    return status;
}

static enum cxm_status report_of(const struct km *km, struct cxm_report **out,
                                 struct cxm_error *error)
{
    char definition[256];
    size_t used = cxm_tally_definition(km->tally, definition, sizeof definition - 8);
    used = used < sizeof definition - 8 ? used : sizeof definition - 9;
    cxm_priv_append(definition, sizeof definition, &used, "/km");
    const int64_t groups = cxm_tally_groups(km->tally);
    struct cxm_report *report = cxm_priv_report_new(NULL);
    cxm_priv_report_keys_of(report, km->tally);
    cxm_priv_report_axis(report, "at_risk", CXM_AXIS_INT);
    cxm_priv_report_axis(report, "events", CXM_AXIS_INT);
    enum cxm_status status = CXM_OK;
    size_t at[2] = { 0, 0 };
    for (int64_t g = 0; g < groups && status == CXM_OK; g++) {
        for (at[0] = at[1]; at[1] < km->n && km->spans[at[1]].group == (size_t)g;)
            at[1]++;
        status = read_group(km, report, g, definition, at, error);
    }
    if (km->o->total && cxm_tally_n_keys(km->tally) > 0 && status == CXM_OK) {
        const size_t all[2] = { 0, at[1] }; /* groups that were left out come after */
        for (size_t i = 0; i < all[1]; i++)
            km->spans[i].group = 0;
        qsort(km->spans, all[1], sizeof *km->spans, by_group_and_time);
        status = read_group(km, report, CXM_TOTAL, definition, all, error);
    }
    if (status != CXM_OK) {
        cxm_report_free(report);
        return status;
    }
    return cxm_priv_report_finish(report, out, error);
}

static enum cxm_status read_spans(const struct cxm_contacts *c,
                                  const struct cxm_repeat_rules *rules, struct span **out,
                                  size_t *n_out, struct cxm_error *error)
{
    const struct cxm_column *by[CXM_MAX_KEYS];
    struct cxm_codes codes = { .allocator = NULL };
    struct cxm_repeat_out times;
    for (size_t k = 0; k < c->n_by; k++)
        by[k] = &c->by[k];
    const struct cxm_repeat_input input = {
        .customer = c->customer, .opened = c->opened, .resolved = c->resolved,
        .category = c->category, .threads = c->threads,
        .count_invalid = c->invalid == CXM_INVALID_COUNT, .wants_times = true,
    };
    enum cxm_status status = cxm_priv_repeat_contacts(&input, rules, &times, error);
    if (status != CXM_OK)
        return status;
    if (c->n_by > 0)
        status = cxm_priv_code_keys(by, c->n_by, "by", false, NULL, &codes, error);
    struct span *spans = cxm_priv_alloc(NULL, times.n, sizeof *spans);
    if (status == CXM_OK && spans == NULL)
        status = cxm_priv_no_memory(error);
    size_t n = 0;
    for (size_t i = 0; status == CXM_OK && i < times.n; i++) {
        if (times.durations[i] != CXM_NO_INSTANT)
            spans[n++] = (struct span){ group_of(&codes, i), times.durations[i],
                                        times.events[i] != 0 };
    }
    cxm_priv_codes_release(&codes);
    cxm_priv_repeat_release(&times);
    if (status != CXM_OK) {
        cxm_priv_release(NULL, spans);
        return status;
    }
    qsort(spans, n, sizeof *spans, by_group_and_time);
    *out = spans;
    *n_out = n;
    return CXM_OK;
}

static bool fits(int32_t interval)
{
    return interval == CXM_INTERVAL_DEFAULT || interval == CXM_INTERVAL_LOGIT
        || (interval >= CXM_INTERVAL_LOG_LOG && interval <= CXM_INTERVAL_ARCSINE);
}

enum cxm_status cxm_fcr_km(const struct cxm_contacts *contacts, int64_t window,
                           const struct cxm_fcr_window_options *options,
                           struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_fcr_window_options o;
    struct cxm_contacts c;
    struct cxm_tally *tally = NULL;
    struct span *spans = NULL;
    size_t n = 0;
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    enum cxm_status status = cxm_priv_take_contacts(contacts, &c, error);
    if (status == CXM_OK)
        status = cxm_priv_fcr_tally(contacts, window, options, &o, &tally, error);
    if (status == CXM_OK && !fits(o.interval))
        status = cxm_priv_fail(error, CXM_EINVAL, "interval",
                               "interval \"%s\" is none of survival curves",
                               cxm_interval_name((enum cxm_interval)o.interval));
    if (status == CXM_OK)
        status = cxm_tally_add_contacts(tally, &c, error); /* keys and bases of the groups */
    if (status == CXM_OK) {
        const struct cxm_repeat_rules rules = cxm_priv_repeat_rules(tally, &c);
        status = read_spans(&c, &rules, &spans, &n, error);
        const struct km km = { &o, &rules, tally, spans, n };
        if (status == CXM_OK)
            status = report_of(&km, out, error);
    }
    cxm_priv_release(NULL, spans);
    cxm_tally_free(tally);
    return status;
}
