/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Net Promoter Score: 100 (promoters - detractors) / n, with promoters at or above one cut and
 * detractors at or below another (Reichheld 2003: 9 and 6 on 0 … 10). The tally is the
 * histogram of the answers. Variance of the trinomial score, divisor n: see survey statistics
 * of Rocks 2016, The American Statistician 70, 365. */
#include "metric/call.h"
#include "metric/metric.h"

#include <cxm/nps.h>

enum { SCALE, PROMOTER, DETRACTOR };

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_rating_scale(config, SCALE, 0, error);
    if (status != CXM_OK)
        return status;
    const double promoter = cxm_priv_number(config, PROMOTER);
    const double detractor = cxm_priv_number(config, DETRACTOR);
    if (!(config->lowest[0] <= detractor && detractor < promoter
          && promoter <= config->highest[0]))
        return cxm_priv_fail(error, CXM_EINVAL, "promoter",
                             "detractor %d and promoter %d do not fit the scale %d to %d; pass "
                             "both cuts for this scale", (int)detractor, (int)promoter,
                             (int)config->lowest[0], (int)config->highest[0]);
    return cxm_priv_one_unit(config, cxm_priv_scale_bins(config), 0, error);
}

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    const struct cxm_config *config = &tally->config;
    cxm_priv_append(out, capacity, used, "nps/");
    cxm_priv_define_scale(config, out, capacity, used);
    cxm_priv_append(out, capacity, used, "/%d-%d", (int)cxm_priv_number(config, DETRACTOR),
                    (int)cxm_priv_number(config, PROMOTER));
}

static struct cxm_score score_nps(const struct cxm_config *config, uint32_t member, double *y)
{
    (void)member;
    const double promoter = cxm_priv_number(config, PROMOTER);
    const double detractor = cxm_priv_number(config, DETRACTOR);
    const uint32_t bins = cxm_priv_scale_bins(config);
    for (uint32_t b = 0; b < bins; b++) {
        const double answer = config->lowest[0] + b;
        y[b] = (answer >= promoter) - (answer <= detractor);
    }
    return cxm_priv_score_net(0, y);
}

static struct cxm_score score_promoters(const struct cxm_config *config, uint32_t member,
                                        double *y)
{
    (void)member;
    return cxm_priv_score_between(config, cxm_priv_number(config, PROMOTER), config->highest[0], y);
}

static struct cxm_score score_passives(const struct cxm_config *config, uint32_t member, double *y)
{
    (void)member;
    return cxm_priv_score_between(config, cxm_priv_number(config, DETRACTOR) + 1,
                                  cxm_priv_number(config, PROMOTER) - 1, y);
}

static struct cxm_score score_detractors(const struct cxm_config *config, uint32_t member,
                                         double *y)
{
    (void)member;
    return cxm_priv_score_between(config, config->lowest[0], cxm_priv_number(config, DETRACTOR), y);
}

static const struct cxm_input_info inputs[] = {
    { .name = "score", .summary = "likelihood to recommend", .role = CXM_ROLE_RATING },
};

static const struct cxm_param_info params[] = {
    { .name = "scale", .summary = "lowest and highest answer", .kind = CXM_PARAM_PAIR,
      .defaults = { 0, 10 }, .lowest = -1e6, .highest = 1e6 },
    { .name = "promoter", .summary = "lowest answer of a promoter", .kind = CXM_PARAM_INTEGER,
      .defaults = { 9 }, .lowest = -1e6, .highest = 1e6 },
    { .name = "detractor", .summary = "highest answer of a detractor",
      .kind = CXM_PARAM_INTEGER, .defaults = { 6 }, .lowest = -1e6, .highest = 1e6 },
};

static const struct cxm_measure_info measures[] = {
    { "nps", "Net Promoter Score", "净推荐值", CXM_UNIT_POINTS, 1 },
    { "promoters", "share of promoters", "推荐者占比", CXM_UNIT_SHARE, 0 },
    { "passives", "share of passives", "被动者占比", CXM_UNIT_SHARE, 0 },
    { "detractors", "share of detractors", "批评者占比", CXM_UNIT_SHARE, 0 },
    { "mean", "mean answer", "平均分", CXM_UNIT_SCALE, 0 },
    { "share[k]", "share of the answer k", "各分值占比", CXM_UNIT_SHARE, 0 },
};

static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_NET, CXM_ONE, CXM_BETTER_HIGH, 0, .score = score_nps, .up = "promoters",
      .down = "detractors" },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, 0, .score = score_promoters },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_NEITHER, 0, .score = score_passives },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_LOW, 0, .score = score_detractors },
    { CXM_CLASS_MEAN, CXM_ONE, CXM_BETTER_HIGH, 0, .score = cxm_priv_score_rating_mean },
    { CXM_CLASS_SHARE, CXM_PER_BIN, CXM_BETTER_NEITHER, 0, .score = cxm_priv_score_answer },
};

static const struct cxm_metric_info info = {
    .name = "nps", .summary = "Net Promoter Score", .summary_zh = "净推荐值", .kind = 1,
    .base = CXM_BASE_RESPONSES, .inputs = inputs, .n_inputs = CXM_COUNT(inputs),
    .params = params, .n_params = CXM_COUNT(params), .measures = measures,
    .n_measures = CXM_COUNT(measures), .intervals = cxm_priv_net_intervals,
    .n_intervals = CXM_COUNT(cxm_priv_net_intervals),
};

const struct cxm_metric cxm_priv_metric_nps = {
    .rules = { .info = &info, .configure = configure, .rule = cxm_priv_rule_rating, .one_rating = true },
    .estimators = estimators,
    .items_param = -1, .dimensions_param = -1, .define = define,
};

/* ---- one call ------------------------------------------------------------------------- */

enum cxm_status cxm_nps(const struct cxm_column *score, const struct cxm_nps_options *options,
                       struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
                       struct cxm_error *error)
{
    struct cxm_nps_options o = { CXM_INIT(nps) };
    const enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, "nps", &o);
    const double cuts[2] = { o.promoter, o.detractor };
    cxm_priv_call_cuts(&call, o.scale, cuts);
    cxm_priv_call_input(&call, "score", score, 1);
    return cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                             error);
}
