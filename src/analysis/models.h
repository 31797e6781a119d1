/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the fitted models share: how their parameters become rows. */
#ifndef CXM_SRC_MODELS_H
#define CXM_SRC_MODELS_H

#include "analysis/report.h"
#include "estimate/fit.h"

struct cxm_model_page {
    struct cxm_report *report;
    const char *metric, *definition;
    struct cxm_estimate blank; /* level, n, missing, excluded … of all rows */
};

/* A value with a standard error and limits on a scale: exp(log x ± z se / x), or for shares on
 * the logit. A standard error of NaN leaves the limits undefined. */
enum cxm_model_scale { CXM_SCALE_LOG, CXM_SCALE_LOGIT, CXM_SCALE_NONE };
size_t cxm_priv_model_row(const struct cxm_model_page *page, const char *measure, double value,
                          double std_error, enum cxm_model_scale scale, enum cxm_unit unit);
/* The parameters exp(theta[i]) under their names, then log_likelihood. */
void cxm_priv_model_parameters(const struct cxm_model_page *page, const struct cxm_fit *fit,
                               const char *const *names, int n);

#endif
