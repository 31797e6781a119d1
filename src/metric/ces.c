/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Customer effort score: the mean answer to "the company made it easy …" (Dixon, Freeman and
 * Toman 2010), and the shares on either side of the midpoint of the scale. An answer on the
 * midpoint is neither easy nor difficult. */
#include "metric/call.h"
#include "metric/metric.h"

#include <cxm/csat.h>

enum { SCALE, HIGH_IS_EASY };

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    const enum cxm_status status = cxm_priv_rating_scale(config, SCALE, 0, error);
    if (status != CXM_OK)
        return status;
    return cxm_priv_one_unit(config, cxm_priv_scale_bins(config), 0, error);
}

static bool high_is_easy(const struct cxm_config *config)
{
    return cxm_priv_number(config, HIGH_IS_EASY) != 0;
}

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    cxm_priv_append(out, capacity, used, "ces/");
    cxm_priv_define_scale(&tally->config, out, capacity, used);
    cxm_priv_append(out, capacity, used, "/%s-is-easy",
                    high_is_easy(&tally->config) ? "high" : "low");
}

/* 1 easy, -1 difficult, 0 on the midpoint; twice the distance stays a whole number. */
static void sides(const struct cxm_config *config, double *y)
{
    const double twice_middle = config->lowest[0] + config->highest[0];
    for (uint32_t b = 0; b < cxm_priv_scale_bins(config); b++) {
        const double twice = 2 * (config->lowest[0] + b);
        y[b] = (twice > twice_middle) - (twice < twice_middle);
        if (!high_is_easy(config))
            y[b] = -y[b];
    }
}

static struct cxm_score score_side(const struct cxm_config *config, double side, double *y)
{
    sides(config, y);
    for (uint32_t b = 0; b < cxm_priv_scale_bins(config); b++)
        y[b] = y[b] == side;
    return cxm_priv_score_share(0, y);
}

static struct cxm_score score_easy(const struct cxm_config *config, uint32_t member, double *y)
{
    (void)member;
    return score_side(config, 1, y);
}

static struct cxm_score score_difficult(const struct cxm_config *config, uint32_t member, double *y)
{
    (void)member;
    return score_side(config, -1, y);
}

static struct cxm_score score_net(const struct cxm_config *config, uint32_t member, double *y)
{
    (void)member;
    sides(config, y);
    return cxm_priv_score_net(0, y);
}

static struct cxm_score score_top2(const struct cxm_config *config, uint32_t member, double *y)
{
    (void)member;
    const double low = config->lowest[0], high = config->highest[0];
    return high_is_easy(config) ? cxm_priv_score_between(config, high - 1, high, y)
                                : cxm_priv_score_between(config, low, low + 1, y);
}

static const struct cxm_input_info inputs[] = {
    { .name = "score", .summary = "ease or effort", .role = CXM_ROLE_RATING },
};

static const struct cxm_param_info params[] = {
    { .name = "scale", .summary = "lowest and highest answer", .kind = CXM_PARAM_PAIR,
      .defaults = { 1, 7 }, .lowest = -1e6, .highest = 1e6 },
    { .name = "high_is_easy", .summary = "high answers mean little effort",
      .kind = CXM_PARAM_YES_NO, .defaults = { 1 }, .lowest = 0, .highest = 1 },
};

static const struct cxm_measure_info measures[] = {
    { "ces", "customer effort score", "客户费力度", CXM_UNIT_SCALE, 1 },
    { "easy", "share of easy answers", "省力占比", CXM_UNIT_SHARE, 0 },
    { "difficult", "share of difficult answers", "费力占比", CXM_UNIT_SHARE, 0 },
    { "net", "easy minus difficult", "净省力值", CXM_UNIT_POINTS, 0 },
    { "top2", "share of the two easiest answers", "最省力两档占比", CXM_UNIT_SHARE, 0 },
    { "share[k]", "share of the answer k", "各分值占比", CXM_UNIT_SHARE, 0 },
};

static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_MEAN, CXM_ONE, CXM_BETTER_HIGH, 0, .score = cxm_priv_score_rating_mean },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, 0, .score = score_easy },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_LOW, 0, .score = score_difficult },
    { CXM_CLASS_NET, CXM_ONE, CXM_BETTER_HIGH, 0, .score = score_net, .up = "easy",
      .down = "difficult" },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, 0, .score = score_top2 },
    { CXM_CLASS_SHARE, CXM_PER_BIN, CXM_BETTER_NEITHER, 0, .score = cxm_priv_score_answer },
};

/* The mean, which is the headline, is better low where a low answer is an easy one. The other
 * measures take the parameter into account themselves. */
static enum cxm_better better_of(const struct cxm_config *config, int family)
{
    return family == 0 && !high_is_easy(config) ? CXM_BETTER_LOW : estimators[family].better;
}

static const struct cxm_metric_info info = {
    .name = "ces", .summary = "customer effort score", .summary_zh = "客户费力度", .kind = 3,
    .base = CXM_BASE_RESPONSES, .inputs = inputs, .n_inputs = CXM_COUNT(inputs),
    .params = params, .n_params = CXM_COUNT(params), .measures = measures,
    .n_measures = CXM_COUNT(measures), .intervals = cxm_priv_mean_intervals,
    .n_intervals = CXM_COUNT(cxm_priv_mean_intervals),
};

const struct cxm_metric cxm_priv_metric_ces = {
    .rules = { .info = &info, .configure = configure, .rule = cxm_priv_rule_rating, .one_rating = true },
    .estimators = estimators,
    .items_param = -1, .dimensions_param = -1, .better_of = better_of, .define = define,
};

/* ---- one call ------------------------------------------------------------------------- */

enum cxm_status cxm_ces(const struct cxm_column *score, const struct cxm_ces_options *options,
                       struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
                       struct cxm_error *error)
{
    struct cxm_ces_options o = { CXM_INIT(ces) };
    enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status == CXM_OK)
        status = cxm_priv_reserved(o.reserved, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, "ces", &o);
    const double high_is_easy_value = o.low_is_easy == 0;
    if (o.scale[0] != 0 || o.scale[1] != 0)
        cxm_priv_call_number(&call, "scale", o.scale, 2);
    cxm_priv_call_number(&call, "high_is_easy", &high_is_easy_value, 1);
    cxm_priv_call_input(&call, "score", score, 1);
    return cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                             error);
}
