/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One data set under several rules: the measures of tallies that were made with presets. */
#include "analysis/report.h"
#include "estimate/check.h"

#include <cxm/preset.h>

struct axes {
    int preset, product, verified, source, date, reason;
};

/* Index of the measure of a preset, 0 without one. */
static enum cxm_status find_measure(struct cxm_tally *tally, const struct cxm_preset_info *preset,
                                    struct cxm_measure *out, uint32_t *index,
                                    struct cxm_error *error)
{
    size_t n = 0;
    enum cxm_status status = cxm_tally_measures(tally, NULL, sizeof *out, 0, &n, error);
    struct cxm_measure *all = status == CXM_OK ? cxm_priv_alloc(NULL, n, sizeof *all) : NULL;
    if (status == CXM_OK && all == NULL)
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK)
        status = cxm_tally_measures(tally, all, sizeof *all, n, &n, error);
    size_t at = 0;
    while (status == CXM_OK && preset != NULL && at < n
           && strcmp(all[at].name, preset->measure) != 0)
        at++;
    if (status == CXM_OK && at == n)
        status = cxm_priv_fail(error, CXM_EMISMATCH, "tallies", "%s has no measure %s",
                               preset->metric, preset->measure);
    if (status == CXM_OK) {
        *out = all[at];
        *index = (uint32_t)at;
    }
    cxm_priv_release(NULL, all);
    return status;
}

static bool same_keys(const struct cxm_tally *a, const struct cxm_tally *b)
{
    struct cxm_key_info x, y;
    bool same = cxm_tally_n_keys(a) == cxm_tally_n_keys(b);
    for (size_t k = 0; same && k < cxm_tally_n_keys(a); k++)
        same = cxm_tally_key_info(a, k, &x) == CXM_OK && cxm_tally_key_info(b, k, &y) == CXM_OK
            && x.type == y.type && strcmp(x.name, y.name) == 0;
    return same;
}

static void describe(struct cxm_report *r, size_t row, const struct axes *axes,
                     const struct cxm_preset_info *preset)
{
    cxm_priv_report_text(r, row, axes->preset, preset != NULL ? preset->name : "default");
    if (preset == NULL)
        return;
    cxm_priv_report_text(r, row, axes->product, preset->product);
    cxm_priv_report_int(r, row, axes->verified, preset->verified);
    cxm_priv_report_text(r, row, axes->source, preset->source);
    cxm_priv_report_text(r, row, axes->date, preset->date);
    cxm_priv_report_text(r, row, axes->reason, preset->reason);
}

static enum cxm_status add_tally(struct cxm_report *r, struct cxm_tally *tally,
                                 const struct cxm_preset_info *preset, double level,
                                 const struct axes *axes, struct cxm_error *error)
{
    struct cxm_measure measure;
    struct cxm_tally_info info;
    uint32_t index = 0;
    cxm_tally_describe(tally, &info);
    if (preset != NULL && strcmp(info.metric, preset->metric) != 0)
        return cxm_priv_fail(error, CXM_EMISMATCH, "tallies", "%s needs a tally of %s, not of %s",
                             preset->name, preset->metric, info.metric);
    enum cxm_status status = find_measure(tally, preset, &measure, &index, error);
    const size_t n = (size_t)cxm_tally_groups(tally);
    struct cxm_estimate *estimates = cxm_priv_alloc(NULL, n, sizeof *estimates);
    if (status == CXM_OK && estimates == NULL)
        status = cxm_priv_no_memory(error);
    const struct cxm_estimate_options options = { .size = sizeof options, .level = level,
                                                  .measures = &index, .n_measures = 1 };
    if (status == CXM_OK && n > 0)
        status = cxm_tally_estimate(tally, &options, estimates, sizeof *estimates, n, NULL, error);
    char definition[512];
    if (status == CXM_OK)
        (void)cxm_tally_definition(tally, definition, sizeof definition);
    for (size_t i = 0; status == CXM_OK && i < n; i++) {
        const size_t row = cxm_priv_report_add(r, info.metric, measure.name, definition,
                                               &estimates[i]);
        cxm_priv_report_key_from(r, row, tally, (int64_t)i);
        describe(r, row, axes, preset);
    }
    cxm_priv_release(NULL, estimates);
    return status;
}

enum cxm_status cxm_preset_report(struct cxm_tally *const *tallies,
                                  const struct cxm_preset_info *const *presets, size_t n,
                                  double level, struct cxm_report **out,
                                  struct cxm_error *error)
{
    if (tallies == NULL || presets == NULL || out == NULL || n == 0)
        return cxm_priv_fail(error, CXM_EINVAL, "tallies", "there are no tallies, or out is NULL");
    if (level == 0.0)
        level = 0.95;
    enum cxm_status status = cxm_priv_check_level(level, error);
    for (size_t i = 0; i < n && status == CXM_OK; i++) {
        if (tallies[i] == NULL)
            status = cxm_priv_fail(error, CXM_EINVAL, "tallies", "tally %zu is NULL", i);
        else if (!same_keys(tallies[0], tallies[i]))
            status = cxm_priv_fail(error, CXM_EMISMATCH, "tallies", "the tallies have other keys");
    }
    if (status != CXM_OK)
        return status;
    struct cxm_report *r = cxm_priv_report_new(NULL);
    cxm_priv_report_keys_of(r, tallies[0]);
    const struct axes axes = {
        cxm_priv_report_axis(r, "preset", CXM_AXIS_TEXT),
        cxm_priv_report_axis(r, "product", CXM_AXIS_TEXT),
        cxm_priv_report_axis(r, "verified", CXM_AXIS_BOOL),
        cxm_priv_report_axis(r, "source", CXM_AXIS_TEXT),
        cxm_priv_report_axis(r, "date", CXM_AXIS_TEXT),
        cxm_priv_report_axis(r, "reason", CXM_AXIS_TEXT),
    };
    for (size_t i = 0; i < n && status == CXM_OK; i++)
        status = add_tally(r, tallies[i], presets[i], level, &axes, error);
    if (status == CXM_OK)
        return cxm_priv_report_finish(r, out, error);
    cxm_report_free(r);
    return status;
}
