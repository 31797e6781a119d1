/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of fitted models: delta-method standard errors, limits on a scale where they cannot leave
 * the range of the number. */
#include "analysis/models.h"

#include "estimate/estimate.h"

#include <math.h>

size_t cxm_priv_model_row(const struct cxm_model_page *page, const char *measure, double value,
                          double std_error, enum cxm_model_scale scale, enum cxm_unit unit)
{
    struct cxm_estimate e = page->blank;
    e.unit = unit;
    e.value = value;
    e.std_error = scale == CXM_SCALE_NONE ? NAN : std_error;
    if (isnan(value))
        e.flags |= CXM_FLAG_NO_DATA;
    if (scale == CXM_SCALE_LOG && isfinite(std_error) && isfinite(value)) {
        const double reach = value > 0 ? cxm_priv_z(e.level) * std_error / value : 0;
        e.interval = CXM_INTERVAL_LOG;
        e.lower = value * exp(-reach);
        e.upper = value * exp(reach);
    }
    if (scale == CXM_SCALE_LOGIT && isfinite(std_error) && value > 0 && value < 1) {
        const double centre = log(value) - log1p(-value);
        const double reach = cxm_priv_z(e.level) * std_error / (value * (1 - value));
        e.interval = CXM_INTERVAL_LOGIT;
        e.lower = 1 / (1 + exp(reach - centre));
        e.upper = 1 / (1 + exp(-reach - centre));
    }
    e.lower_raw = e.lower;
    e.upper_raw = e.upper;
    return cxm_priv_report_add(page->report, page->metric, measure, page->definition, &e);
}

void cxm_priv_model_parameters(const struct cxm_model_page *page, const struct cxm_fit *fit,
                               const char *const *names, int n)
{
    for (int i = 0; i < n; i++) {
        const double value = exp(fit->theta[i]);
        cxm_priv_model_row(page, names[i], value, value * sqrt(fit->covariance[i][i]),
                           CXM_SCALE_LOG, CXM_UNIT_RATIO);
    }
    cxm_priv_model_row(page, "log_likelihood", fit->value, NAN, CXM_SCALE_NONE, CXM_UNIT_RATIO);
}
