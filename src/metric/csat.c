/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Customer satisfaction: the share of answers at or above `satisfied`; top and bottom boxes,
 * their net score, the mean and its index 100 (mean - low) / (high - low) on the ends of the
 * scale. The tally is the histogram of the answers. */
#include "metric/call.h"
#include "metric/metric.h"

#include <cxm/csat.h>

#include <math.h>

enum { SCALE, SATISFIED };

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_rating_scale(config, SCALE, 0, error);
    if (status != CXM_OK)
        return status;
    double *satisfied = &config->params[SATISFIED].numbers[0];
    if (isnan(*satisfied)) {
        if (config->lowest[0] != 1 || config->highest[0] != 5)
            return cxm_priv_fail(error, CXM_EINVAL, "satisfied",
                                 "satisfied has a default (4) on the scale 1 to 5 only; say "
                                 "which answers of %d to %d are satisfied",
                                 (int)config->lowest[0], (int)config->highest[0]);
        *satisfied = 4;
    }
    if (*satisfied <= config->lowest[0] || *satisfied > config->highest[0])
        return cxm_priv_fail(error, CXM_EINVAL, "satisfied",
                             "satisfied is %d, but must be above %d and at most %d",
                             (int)*satisfied, (int)config->lowest[0], (int)config->highest[0]);
    return cxm_priv_one_unit(config, cxm_priv_scale_bins(config), 0, error);
}

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    const struct cxm_config *config = &tally->config;
    cxm_priv_append(out, capacity, used, "csat/");
    cxm_priv_define_scale(config, out, capacity, used);
    cxm_priv_append(out, capacity, used, "/top-%d",
                    (int)(config->highest[0] - cxm_priv_number(config, SATISFIED)) + 1);
}

static struct cxm_score score_csat(const struct cxm_config *config, uint32_t member, double *y)
{
    (void)member;
    return cxm_priv_score_between(config, cxm_priv_number(config, SATISFIED), config->highest[0], y);
}

static struct cxm_score score_top(const struct cxm_config *config, uint32_t member, double *y)
{
    (void)member;
    return cxm_priv_score_between(config, config->highest[0], config->highest[0], y);
}

static struct cxm_score score_top2(const struct cxm_config *config, uint32_t member, double *y)
{
    (void)member;
    return cxm_priv_score_between(config, config->highest[0] - 1, config->highest[0], y);
}

static struct cxm_score score_bottom2(const struct cxm_config *config, uint32_t member, double *y)
{
    (void)member;
    return cxm_priv_score_between(config, config->lowest[0], config->lowest[0] + 1, y);
}

static struct cxm_score score_net(const struct cxm_config *config, uint32_t member, double *y)
{
    (void)member;
    double bottom[CXM_MAX_BINS];
    cxm_priv_bins_between(config, config->highest[0] - 1, config->highest[0], y);
    cxm_priv_bins_between(config, config->lowest[0], config->lowest[0] + 1, bottom);
    for (uint32_t b = 0; b < cxm_priv_scale_bins(config); b++)
        y[b] -= bottom[b];
    return cxm_priv_score_net(0, y);
}

static struct cxm_score score_index(const struct cxm_config *config, uint32_t member, double *y)
{
    (void)member;
    for (uint32_t b = 0; b < cxm_priv_scale_bins(config); b++)
        y[b] = b; /* answers counted from the lowest: the index needs no subtraction */
    const double factor = 100 / (config->highest[0] - config->lowest[0]);
    return (struct cxm_score){ CXM_SCORE_MEAN, 0, 0, factor, 0, 100, y };
}

static const struct cxm_input_info inputs[] = {
    { .name = "score", .summary = "satisfaction", .role = CXM_ROLE_RATING },
};

static const struct cxm_param_info params[] = {
    { .name = "scale", .summary = "lowest and highest answer", .kind = CXM_PARAM_PAIR,
      .defaults = { 1, 5 }, .lowest = -1e6, .highest = 1e6 },
    { .name = "satisfied", .summary = "lowest answer of a satisfied customer",
      .kind = CXM_PARAM_INTEGER, .defaults = { NAN }, .lowest = -1e6, .highest = 1e6 },
};

static const struct cxm_measure_info measures[] = {
    { "csat", "share of satisfied customers", "客户满意度", CXM_UNIT_SHARE, 1 },
    { "top", "share of the best answer", "最高分占比", CXM_UNIT_SHARE, 0 },
    { "top2", "share of the two best answers", "前两档占比", CXM_UNIT_SHARE, 0 },
    { "bottom2", "share of the two worst answers", "后两档占比", CXM_UNIT_SHARE, 0 },
    { "net", "top2 minus bottom2", "净满意度", CXM_UNIT_POINTS, 0 },
    { "mean", "mean answer", "平均分", CXM_UNIT_SCALE, 0 },
    { "index", "mean on 0 to 100", "满意度百分制得分", CXM_UNIT_POINTS, 0 },
    { "share[k]", "share of the answer k", "各分值占比", CXM_UNIT_SHARE, 0 },
};

static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, 0, .score = score_csat },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, 0, .score = score_top },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, 0, .score = score_top2 },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_LOW, 0, .score = score_bottom2 },
    { CXM_CLASS_NET, CXM_ONE, CXM_BETTER_HIGH, 0, .score = score_net, .up = "top2",
      .down = "bottom2" },
    { CXM_CLASS_MEAN, CXM_ONE, CXM_BETTER_HIGH, 0, .score = cxm_priv_score_rating_mean },
    { CXM_CLASS_MEAN, CXM_ONE, CXM_BETTER_HIGH, 0, .score = score_index },
    { CXM_CLASS_SHARE, CXM_PER_BIN, CXM_BETTER_NEITHER, 0, .score = cxm_priv_score_answer },
};

static const struct cxm_metric_info info = {
    .name = "csat", .summary = "customer satisfaction", .summary_zh = "客户满意度", .kind = 2,
    .base = CXM_BASE_RESPONSES, .inputs = inputs, .n_inputs = CXM_COUNT(inputs),
    .params = params, .n_params = CXM_COUNT(params), .measures = measures,
    .n_measures = CXM_COUNT(measures), .intervals = cxm_priv_share_intervals,
    .n_intervals = CXM_COUNT(cxm_priv_share_intervals),
};

const struct cxm_metric cxm_priv_metric_csat = {
    .rules = { .info = &info, .configure = configure, .rule = cxm_priv_rule_rating, .one_rating = true },
    .estimators = estimators,
    .items_param = -1, .dimensions_param = -1, .define = define,
};

/* ---- one call ------------------------------------------------------------------------- */

enum cxm_status cxm_csat(const struct cxm_column *score, const struct cxm_csat_options *options,
                       struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
                       struct cxm_error *error)
{
    struct cxm_csat_options o = { CXM_INIT(csat) };
    enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status == CXM_OK)
        status = cxm_priv_reserved(o.reserved, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, "csat", &o);
    const double satisfied = o.satisfied;
    if (o.scale[0] != 0 || o.scale[1] != 0)
        cxm_priv_call_number(&call, "scale", o.scale, 2);
    if (o.satisfied != 0 || o.scale[0] < 0)
        cxm_priv_call_number(&call, "satisfied", &satisfied, 1);
    cxm_priv_call_input(&call, "score", score, 1);
    return cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                             error);
}
