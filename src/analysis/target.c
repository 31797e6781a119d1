/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A measure of a tally against a target, group by group. */
#include "analysis/targeting.h"

#include <math.h>

struct axes {
    int target, direction, verdict, p_value, p_greater, p_less, lower, upper, n_needed, pass;
    int lower_other, upper_other, p_mid, p_two_sided;
};

static struct axes add_axes(struct cxm_report *r, enum cxm_evidence_kind kind)
{
    struct axes a = { 0 };
    a.target = cxm_priv_report_axis(r, "target", CXM_AXIS_REAL);
    a.direction = cxm_priv_report_axis(r, "direction", CXM_AXIS_TEXT);
    a.verdict = cxm_priv_report_axis(r, "verdict", CXM_AXIS_TEXT);
    a.p_value = cxm_priv_report_axis(r, "p_value", CXM_AXIS_REAL);
    a.p_greater = cxm_priv_report_axis(r, "p_greater", CXM_AXIS_REAL);
    a.p_less = cxm_priv_report_axis(r, "p_less", CXM_AXIS_REAL);
    a.lower = cxm_priv_report_axis(r, "lower_bound", CXM_AXIS_REAL);
    a.upper = cxm_priv_report_axis(r, "upper_bound", CXM_AXIS_REAL);
    a.n_needed = cxm_priv_report_axis(r, "n_needed", CXM_AXIS_INT);
    a.pass = cxm_priv_report_axis(r, "point_pass", CXM_AXIS_BOOL);
    if (kind == CXM_EVIDENCE_SHARE) {
        a.lower_other = cxm_priv_report_axis(r, "wilson_lower", CXM_AXIS_REAL);
        a.upper_other = cxm_priv_report_axis(r, "wilson_upper", CXM_AXIS_REAL);
        a.p_mid = cxm_priv_report_axis(r, "p_mid", CXM_AXIS_REAL);
        a.p_two_sided = cxm_priv_report_axis(r, "p_two_sided", CXM_AXIS_REAL);
    } else if (kind == CXM_EVIDENCE_NET) {
        a.lower_other = cxm_priv_report_axis(r, "adjusted_lower", CXM_AXIS_REAL);
        a.upper_other = cxm_priv_report_axis(r, "adjusted_upper", CXM_AXIS_REAL);
    }
    return a;
}

static void fill(struct cxm_report *r, size_t row, const struct axes *a,
                 enum cxm_evidence_kind kind, enum cxm_direction direction,
                 const struct cxm_target_result *got)
{
    cxm_priv_report_real(r, row, a->target, got->target);
    cxm_priv_report_text(r, row, a->direction, cxm_direction_name(direction));
    cxm_priv_report_text(r, row, a->verdict, cxm_verdict_name((enum cxm_verdict)got->verdict));
    cxm_priv_report_real(r, row, a->p_value, got->p_value);
    cxm_priv_report_real(r, row, a->p_greater, got->p_greater);
    cxm_priv_report_real(r, row, a->p_less, got->p_less);
    cxm_priv_report_real(r, row, a->lower, got->lower);
    cxm_priv_report_real(r, row, a->upper, got->upper);
    cxm_priv_report_int(r, row, a->n_needed, got->n_needed);
    if (!isnan(got->value))
        cxm_priv_report_int(r, row, a->pass, got->point_pass);
    if (kind != CXM_EVIDENCE_VALUE) {
        cxm_priv_report_real(r, row, a->lower_other, got->lower_other);
        cxm_priv_report_real(r, row, a->upper_other, got->upper_other);
    }
    if (kind == CXM_EVIDENCE_SHARE) {
        cxm_priv_report_real(r, row, a->p_mid, got->p_mid);
        cxm_priv_report_real(r, row, a->p_two_sided, got->p_two_sided);
    }
}

static enum cxm_status add_rows(const struct cxm_targeting *t, uint32_t measure, double target,
                                const struct cxm_target_options *o,
                                const struct cxm_estimate *rows, size_t n,
                                struct cxm_report *report, struct cxm_error *error)
{
    const enum cxm_evidence_kind kind = cxm_priv_evidence_kind(t, measure);
    const struct axes axes = add_axes(report, kind);
    char definition[1024];
    cxm_tally_definition(t->tally, definition, sizeof definition);
    enum cxm_status status = CXM_OK;
    for (size_t i = 0; i < n && status == CXM_OK; i++) {
        struct cxm_target_result got;
        status = cxm_priv_judge_estimate(t, &rows[i], target, o, &got, error);
        if (status != CXM_OK)
            break;
        const size_t row = cxm_priv_report_add(report, t->metric->rules.info->name,
                                               t->measures[measure].name, definition, &rows[i]);
        cxm_priv_report_key_from(report, row, t->tally, rows[i].group);
        fill(report, row, &axes, kind,
             cxm_priv_usual_direction(t, measure, (enum cxm_direction)o->direction), &got);
    }
    return status;
}

enum cxm_status cxm_target(struct cxm_tally *tally, double target,
                           const struct cxm_target_options *options, struct cxm_report **out,
                           struct cxm_error *error)
{
    struct cxm_target_options o;
    struct cxm_targeting t = { .tally = NULL };
    struct cxm_estimate *rows = NULL;
    size_t n = 0;
    uint32_t measure = 0;
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "out", "out must not be NULL");
    enum cxm_status status = cxm_priv_target_options(options, &o, error);
    if (status == CXM_OK)
        status = cxm_priv_targeting_init(&t, tally, error);
    if (status == CXM_OK)
        status = cxm_priv_targeting_find(&t, o.measure, &measure, error);
    if (status == CXM_OK)
        status = cxm_priv_check_goal(&t, measure, target, (enum cxm_direction)o.direction, error);
    const struct cxm_estimate_options ask = { .size = sizeof ask, .level = o.level,
                                              .interval = o.interval, .lonely = o.lonely,
                                              .measures = &measure,
                                              .n_measures = 1 };
    if (status == CXM_OK)
        status = cxm_priv_targeting_read(&t, &ask, o.total ? CXM_TOTAL_TOO : CXM_TOTAL_NOT, &rows,
                                         &n, error);
    if (status == CXM_OK) {
        struct cxm_report *const report = cxm_priv_report_new(&tally->allocator);
        cxm_priv_report_keys_of(report, tally);
        status = add_rows(&t, measure, target, &o, rows, n, report, error);
        if (status == CXM_OK)
            status = cxm_priv_report_finish(report, out, error);
        else
            cxm_report_free(report);
    }
    if (tally != NULL)
        cxm_priv_release(&tally->allocator, rows);
    cxm_priv_targeting_release(&t);
    return status;
}
