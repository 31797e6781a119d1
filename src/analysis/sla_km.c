/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Service levels as a survival curve read at the target: tickets that still wait count for as
 * long as they were watched, instead of not at all. Two tallies of the same rows: that of sla
 * has the groups and why rows are left out, that of survival the waits. */
#include "analysis/report.h"
#include "metric/call.h"

#include <cxm/hours.h>
#include <cxm/survival.h>

struct km {
    const struct cxm_sla_options *o;
    struct cxm_tally *states, *waits;
    char definition[128];
    uint32_t flags;         /* of all rows: SUBSECOND */
};

/* Counts and reasons of a group from its states, the number from its waits: 1 - S. */
static struct cxm_estimate turned(const struct cxm_estimate *base, const struct cxm_estimate *s,
                                  uint32_t flags)
{
    struct cxm_estimate e = *s;
    e.base = CXM_BASE_TICKETS;
    e.missing = base->missing;
    e.invalid = base->invalid;
    e.excluded = base->n + base->excluded - e.n;
    e.value = 1 - s->value;
    e.lower = 1 - s->upper;
    e.upper = 1 - s->lower;
    e.lower_raw = 1 - s->upper_raw;
    e.upper_raw = 1 - s->lower_raw;
    e.flags |= flags | (base->flags & (uint32_t)(CXM_FLAG_ALL_AFTER_AS_OF | CXM_FLAG_MISSING_KEY));
    return e;
}

static enum cxm_status report_of(const struct km *km, struct cxm_report **out,
                                 struct cxm_error *error)
{
    const struct cxm_sla_options *o = km->o;
    const struct cxm_survival_options curve = {
        .size = sizeof curve, .level = o->level, .interval = o->interval, .total = o->total,
        .rows = CXM_SURVIVAL_CURVE, .times = &o->target, .n_times = 1,
    };
    struct cxm_report *s = NULL;
    enum cxm_status status = cxm_tally_survival(km->waits, &curve, &s, error);
    if (status != CXM_OK)
        return status;
    const int64_t groups = cxm_tally_groups(km->states);
    const size_t at_risk = (size_t)cxm_report_find_axis(s, "at_risk");
    const size_t events = (size_t)cxm_report_find_axis(s, "events");
    const uint32_t headline = 0;
    struct cxm_report *report = cxm_priv_report_new(NULL);
    cxm_priv_report_keys_of(report, km->states);
    const int axis[2] = { cxm_priv_report_axis(report, "at_risk", CXM_AXIS_INT),
                          cxm_priv_report_axis(report, "events", CXM_AXIS_INT) };
    for (size_t i = 0; status == CXM_OK && i < cxm_report_rows(s); i++) {
        const int64_t group = (int64_t)i < groups ? (int64_t)i : CXM_TOTAL;
        struct cxm_estimate base;
        const struct cxm_estimate_options ask = { .size = sizeof ask, .level = o->level,
                                                  .measures = &headline, .n_measures = 1,
                                                  .groups = &group, .n_groups = 1 };
        status = cxm_tally_estimate(km->states, &ask, &base, sizeof base, 1, NULL, error);
        if (status != CXM_OK)
            break;
        const struct cxm_estimate e = turned(&base, &cxm_report_estimates(s)[i], km->flags);
        const size_t row = cxm_priv_report_add(report, "sla", "km", km->definition, &e);
        cxm_priv_report_key_from(report, row, km->states, group);
        cxm_priv_report_int(report, row, axis[0], cxm_report_ints(s, at_risk)[i]);
        cxm_priv_report_int(report, row, axis[1], cxm_report_ints(s, events)[i]);
    }
    cxm_report_free(s);
    if (status == CXM_OK)
        return cxm_priv_report_finish(report, out, error);
    cxm_report_free(report);
    return status;
}

/* A tally of the metric with the groups and copies of the options. */
static enum cxm_status fill(const char *metric, const struct cxm_sla_options *o,
                            const struct cxm_column *first, const struct cxm_column *second,
                            struct cxm_tally **out, struct cxm_error *error)
{
    static const char *const business[] = { "business" };
    struct cxm_call call;
    cxm_priv_call_begin(&call, metric, o);
    if (second == NULL) {
        cxm_priv_call_number(&call, "target", &o->target, 1);
        if (o->schedule != NULL)
            cxm_priv_call_text(&call, "hours", business, 1);
        cxm_priv_call_input(&call, "state", first, 1);
    } else {
        cxm_priv_call_input(&call, "duration", first, 1);
        cxm_priv_call_input(&call, "event", second, 1);
    }
    const enum cxm_status status = cxm_tally_new(metric, call.params, call.n_params, NULL, out,
                                                 error);
    return status == CXM_OK ? cxm_priv_call_fill(*out, &call, NULL, error) : status;
}

static void define(struct km *km)
{
    char target[CXM_DOUBLE_TEXT];
    size_t used = 0;
    cxm_priv_append(km->definition, sizeof km->definition, &used, "sla/within=%ss/km%s",
                    cxm_priv_double_text(km->o->target, target),
                    km->o->schedule != NULL ? "/business-hours" : "");
}

/* The columns of both tallies, in memory of 10 bytes a row. */
static enum cxm_status run(const struct cxm_column *opened, const struct cxm_column *answered,
                           const struct cxm_sla_options *o, double *waits, struct km *km,
                           struct cxm_report **out, struct cxm_error *error)
{
    uint8_t *over = (uint8_t *)(waits + opened->n), *states = over + opened->n;
    const struct cxm_column columns[] = {
        cxm_column_make("duration", CXM_F64, waits, opened->n, 8, 8),
        cxm_column_make("event", CXM_U8, over, opened->n, 1, 1),
        cxm_column_make("state", CXM_U8, states, opened->n, 1, 1),
    };
    enum cxm_status status = cxm_sla_states(opened, answered, o->target, o->as_of, o->schedule,
                                            states, &km->flags, error);
    km->flags &= (uint32_t)CXM_FLAG_SUBSECOND;
    if (status == CXM_OK)
        status = cxm_ticket_durations(opened, answered, o->as_of, o->schedule, waits, over, NULL,
                                      NULL, error);
    if (status == CXM_OK)
        status = fill("sla", o, &columns[2], NULL, &km->states, error);
    if (status == CXM_OK)
        status = fill("survival", o, &columns[0], &columns[1], &km->waits, error);
    return status == CXM_OK ? report_of(km, out, error) : status;
}

enum cxm_status cxm_sla_km(const struct cxm_column *opened, const struct cxm_column *answered,
                           const struct cxm_sla_options *options, struct cxm_report **out,
                           struct cxm_error *error)
{
    struct cxm_sla_options o = { CXM_INIT(sla) };
    struct km km = { .o = &o };
    enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status == CXM_OK && (out == NULL || opened == NULL || answered == NULL))
        status = cxm_priv_fail(error, CXM_EINVAL, out == NULL ? "out" : "opened",
                               "opened, answered or out is NULL");
    if (status == CXM_OK && (!o.has_as_of || !o.has_target))
        status = cxm_priv_fail(error, CXM_EINVAL, o.has_as_of ? "target" : "as_of", "%s is missing",
                               o.has_as_of ? "target" : "as_of");
    if (status != CXM_OK)
        return status;
    double *memory = cxm_priv_alloc(NULL, opened->n > 0 ? (size_t)opened->n : 0,
                                    sizeof(double) + 2);
    if (memory == NULL)
        return cxm_priv_no_memory(error);
    define(&km);
    status = run(opened, answered, &o, memory, &km, out, error);
    cxm_tally_free(km.states);
    cxm_tally_free(km.waits);
    cxm_priv_release(NULL, memory);
    return status;
}
