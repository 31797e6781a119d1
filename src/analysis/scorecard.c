/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Scorecards: rows of several tallies with what they should reach. Usually three to thirty
 * lines; keys of the same name become one column. */
#include "analysis/targeting.h"

#include <math.h>

struct card {
    struct cxm_report *report;
    int target, direction, verdict, p_value, n_needed;
};

/* ---- key columns ----------------------------------------------------------------------- */

static bool is_text(int32_t type)
{
    return type == CXM_KEY_TEXT || type == CXM_KEY_CATEGORY;
}

/* The column of that key, made when it is not there. Text and categories share one, as text. */
static enum cxm_status key_column(struct cxm_report *report, const struct cxm_key_info *key,
                                  int *out, struct cxm_error *error)
{
    for (size_t k = 0; report != NULL && k < report->n_keys; k++) {
        struct cxm_key_info *const there = &report->keys[k];
        if (strcmp(there->name, key->name) != 0)
            continue;
        if (is_text(there->type) && is_text(key->type) && there->type != key->type)
            there->type = CXM_KEY_TEXT;
        else if (there->type != key->type)
            return cxm_priv_fail(error, CXM_EINVAL, "lines",
                                 "the key \"%s\" is of two types", key->name);
        *out = (int)k;
        return CXM_OK;
    }
    *out = cxm_priv_report_key_column(report, key->name, (enum cxm_key_type)key->type,
                                      key->calendar);
    return CXM_OK;
}

/* All key columns, before the first row. */
static enum cxm_status add_key_columns(const struct cxm_scorecard_line *lines, size_t n,
                                       struct card *card, struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    for (size_t i = 0; i < n && status == CXM_OK; i++) {
        if (lines[i].tally == NULL)
            return cxm_priv_fail(error, CXM_EINVAL, "lines", "the tally of line %zu is NULL", i);
        for (size_t k = 0; k < cxm_tally_n_keys(lines[i].tally) && status == CXM_OK
                           && !lines[i].total; k++) {
            struct cxm_key_info info;
            int unused;
            status = cxm_tally_key_info(lines[i].tally, k, &info);
            if (status == CXM_OK)
                status = key_column(card->report, &info, &unused, error);
        }
    }
    return status;
}

static enum cxm_status set_keys(struct card *card, size_t row, struct cxm_tally *tally,
                                int64_t group, struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    for (size_t k = 0; k < cxm_tally_n_keys(tally) && group != CXM_TOTAL && status == CXM_OK;
         k++) {
        struct cxm_key_info info;
        struct cxm_key key;
        int column = 0;
        status = cxm_tally_key_info(tally, k, &info);
        if (status == CXM_OK)
            status = cxm_tally_key(tally, group, k, &key);
        if (status == CXM_OK)
            status = key_column(card->report, &info, &column, error);
        if (status == CXM_OK)
            cxm_priv_report_key(card->report, row, column, &key);
    }
    return status;
}

/* ---- rows ------------------------------------------------------------------------------ */

static enum cxm_status add_row(struct card *card, const struct cxm_targeting *t,
                               const struct cxm_scorecard_line *line, const char *definition,
                               const struct cxm_estimate *e, uint32_t judged,
                               const struct cxm_target_options *o, struct cxm_error *error)
{
    struct cxm_target_result got;
    const bool has_target = !isnan(line->target) && e->measure == judged;
    enum cxm_status status = CXM_OK;
    if (has_target)
        status = cxm_priv_judge_estimate(t, e, line->target, o, &got, error);
    if (status != CXM_OK)
        return status;
    const char *const name = line->name != NULL ? line->name : t->metric->rules.info->name;
    const size_t row = cxm_priv_report_add(card->report, name, t->measures[e->measure].name,
                                           definition, e);
    if (has_target) {
        cxm_priv_report_real(card->report, row, card->target, got.target);
        cxm_priv_report_text(card->report, row, card->direction,
                             cxm_direction_name(cxm_priv_usual_direction(
                                 t, judged, (enum cxm_direction)o->direction)));
        cxm_priv_report_text(card->report, row, card->verdict,
                             cxm_verdict_name((enum cxm_verdict)got.verdict));
        cxm_priv_report_real(card->report, row, card->p_value, got.p_value);
        cxm_priv_report_int(card->report, row, card->n_needed, got.n_needed);
    }
    return set_keys(card, row, t->tally, e->group, error);
}

static enum cxm_status add_line(struct card *card, const struct cxm_scorecard_line *line,
                                double alpha, struct cxm_error *error)
{
    struct cxm_targeting t = { .tally = NULL };
    struct cxm_target_options o;
    struct cxm_estimate *rows = NULL;
    size_t n = 0;
    uint32_t measure = 0;
    const struct cxm_target_options asked = { CXM_TARGET_INIT, .alpha = alpha,
                                              .level = line->level, .interval = line->interval,
                                              .direction = line->direction,
                                              .census = line->census, .lonely = line->lonely };
    enum cxm_status status = cxm_priv_target_options(&asked, &o, error);
    if (status == CXM_OK)
        status = cxm_priv_targeting_init(&t, line->tally, error);
    if (status == CXM_OK)
        status = cxm_priv_targeting_find(&t, line->measure, &measure, error);
    if (status == CXM_OK && !isnan(line->target)) /* also where there is no group */
        status = cxm_priv_check_goal(&t, measure, line->target, (enum cxm_direction)o.direction, error);
    struct cxm_estimate_options ask = { .size = sizeof ask, .level = o.level,
                                        .interval = o.interval, .lonely = o.lonely };
    if (line->measure != NULL) {
        ask.measures = &measure;
        ask.n_measures = 1;
    }
    if (status == CXM_OK)
        status = cxm_priv_targeting_read(&t, &ask, line->total ? CXM_TOTAL_ONLY : CXM_TOTAL_NOT,
                                         &rows, &n, error);
    char definition[1024];
    if (status == CXM_OK)
        cxm_tally_definition(t.tally, definition, sizeof definition);
    for (size_t i = 0; i < n && status == CXM_OK; i++)
        status = add_row(card, &t, line, definition, &rows[i], measure, &o, error);
    cxm_priv_release(&line->tally->allocator, rows);
    cxm_priv_targeting_release(&t);
    return status;
}

enum cxm_status cxm_scorecard(const struct cxm_scorecard_line *lines, size_t n, double alpha,
                              struct cxm_report **out, struct cxm_error *error)
{
    if (out == NULL || (lines == NULL && n > 0))
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "lines or out is NULL");
    struct card card = { .report = cxm_priv_report_new(n > 0 && lines[0].tally != NULL
                                                         ? &lines[0].tally->allocator : NULL) };
    enum cxm_status status = add_key_columns(lines, n, &card, error);
    card.target = cxm_priv_report_axis(card.report, "target", CXM_AXIS_REAL);
    card.direction = cxm_priv_report_axis(card.report, "direction", CXM_AXIS_TEXT);
    card.verdict = cxm_priv_report_axis(card.report, "verdict", CXM_AXIS_TEXT);
    card.p_value = cxm_priv_report_axis(card.report, "p_value", CXM_AXIS_REAL);
    card.n_needed = cxm_priv_report_axis(card.report, "n_needed", CXM_AXIS_INT);
    for (size_t i = 0; i < n && status == CXM_OK; i++)
        status = add_line(&card, &lines[i], alpha, error);
    if (status == CXM_OK)
        return cxm_priv_report_finish(card.report, out, error);
    cxm_report_free(card.report);
    return status;
}
