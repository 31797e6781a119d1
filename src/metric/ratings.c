/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the metrics of a rating share: the scale, one unit with a bin for every answer, and
 * functions of the answers. */
#include "metric/metric.h"

#include <math.h>

const enum cxm_interval cxm_priv_share_intervals[11] = {
    CXM_INTERVAL_WILSON,          CXM_INTERVAL_WILSON_CC, CXM_INTERVAL_WALD,
    CXM_INTERVAL_AGRESTI_COULL,   CXM_INTERVAL_CLOPPER_PEARSON, CXM_INTERVAL_JEFFREYS,
    CXM_INTERVAL_MID_P,           CXM_INTERVAL_LOGIT,     CXM_INTERVAL_WALD_T,
    CXM_INTERVAL_KORN_GRAUBARD,   CXM_INTERVAL_NONE,
};
const enum cxm_interval cxm_priv_net_intervals[12] = {
    CXM_INTERVAL_ADJUSTED_WALD,    CXM_INTERVAL_ADJUSTED_WALD_U, CXM_INTERVAL_ADJUSTED_WALD_TZ,
    CXM_INTERVAL_ADJUSTED_WALD_UZ, CXM_INTERVAL_WALD,            CXM_INTERVAL_WALD_T,
    CXM_INTERVAL_SCORE,            CXM_INTERVAL_CONTRAST,        CXM_INTERVAL_GOODMAN,
    CXM_INTERVAL_BOOTSTRAP,        CXM_INTERVAL_BCA,             CXM_INTERVAL_NONE,
};
const enum cxm_interval cxm_priv_mean_intervals[3] = { CXM_INTERVAL_T, CXM_INTERVAL_WALD,
                                                       CXM_INTERVAL_NONE };
const enum cxm_interval cxm_priv_clustered_intervals[10] = {
    CXM_INTERVAL_T,             CXM_INTERVAL_WALD,            CXM_INTERVAL_WILSON,
    CXM_INTERVAL_WILSON_CC,     CXM_INTERVAL_AGRESTI_COULL,   CXM_INTERVAL_CLOPPER_PEARSON,
    CXM_INTERVAL_JEFFREYS,      CXM_INTERVAL_MID_P,           CXM_INTERVAL_LOGIT,
    CXM_INTERVAL_NONE,
};

enum cxm_status cxm_priv_rating_scale(struct cxm_config *config, int param, int role,
                                      struct cxm_error *error)
{
    const double low = config->params[param].numbers[0];
    const double high = config->params[param].numbers[1];
    char a[CXM_DOUBLE_TEXT], b[CXM_DOUBLE_TEXT];
    if (low != floor(low) || high != floor(high) || !(low < high))
        return cxm_priv_fail(error, CXM_EINVAL, "scale",
                             "scale must be two whole numbers, low before high, not %s and %s",
                             cxm_priv_double_text(low, a), cxm_priv_double_text(high, b));
    if (high - low >= CXM_MAX_BINS || fabs(low) > 1e9)
        return cxm_priv_fail(error, CXM_EINVAL, "scale", "scale has more than %d answers",
                             CXM_MAX_BINS);
    config->lowest[role] = low;
    config->highest[role] = high;
    return CXM_OK;
}

void cxm_priv_bins_between(const struct cxm_config *config, double low, double high, double *y)
{
    for (uint32_t b = 0; b < cxm_priv_scale_bins(config); b++) {
        const double answer = config->lowest[0] + b;
        y[b] = answer >= low && answer <= high ? 1 : 0;
    }
}

/* y[b] = lowest + b. */
static void bins_values(const struct cxm_config *config, double *y)
{
    for (uint32_t b = 0; b < cxm_priv_scale_bins(config); b++)
        y[b] = config->lowest[0] + b;
}

void cxm_priv_define_scale(const struct cxm_config *config, char *out, size_t capacity,
                           size_t *used)
{
    char low[CXM_DOUBLE_TEXT], high[CXM_DOUBLE_TEXT];
    cxm_priv_append(out, capacity, used, "%s-%s", cxm_priv_double_text(config->lowest[0], low),
                    cxm_priv_double_text(config->highest[0], high));
}

enum cxm_status cxm_priv_one_unit(struct cxm_config *config, uint32_t bins, uint32_t variables,
                                  struct cxm_error *error)
{
    struct cxm_unit_spec *unit = cxm_priv_config_units(config, 1);
    if (unit == NULL)
        return cxm_priv_no_memory(error);
    unit->bins = bins;
    unit->variables = variables;
    return CXM_OK;
}

void cxm_priv_rule_rating(const struct cxm_config *config, struct cxm_block *block)
{
    (void)config;
    block->unit_codes[0] = block->codes[0];
}

struct cxm_score cxm_priv_score_between(const struct cxm_config *config, double low, double high,
                                        double *y)
{
    cxm_priv_bins_between(config, low, high, y);
    return cxm_priv_score_share(0, y);
}

struct cxm_score cxm_priv_score_answer(const struct cxm_config *config, uint32_t member, double *y)
{
    for (uint32_t b = 0; b < cxm_priv_scale_bins(config); b++)
        y[b] = b == member;
    return cxm_priv_score_share(0, y);
}

struct cxm_score cxm_priv_score_rating_mean(const struct cxm_config *config, uint32_t member,
                                            double *y)
{
    (void)member;
    bins_values(config, y);
    return (struct cxm_score){ CXM_SCORE_MEAN, 0, 0, 1, config->lowest[0], config->highest[0], y };
}
