/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The public intervals for samples from a list of known length: arguments checked here, limits
 * from finite.c. */
#include <cxm/interval.h>

#include "estimate/check.h"
#include "estimate/finite.h"

#include <math.h>

/* A list that holds at least those who answered. */
static enum cxm_status check_population(double n, double population, struct cxm_error *error)
{
    const enum cxm_status status = cxm_priv_check_count(population, "population", error);
    if (status != CXM_OK || n <= population)
        return status;
    char of[CXM_DOUBLE_TEXT], text[CXM_DOUBLE_TEXT];
    cxm_priv_double_text(n, of);
    cxm_priv_double_text(population, text);
    return cxm_priv_fail_at(error, CXM_EINVAL, "population", -1, text,
                            "%s answers cannot come from a population of %s", of, text);
}

static enum cxm_status check_common(double n, double population, double level, const void *out,
                                    struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_check_out(out, error);
    if (status == CXM_OK)
        status = check_population(n, population, error);
    if (status == CXM_OK)
        status = cxm_priv_check_level(level, error);
    return status;
}

enum cxm_status cxm_share_interval_finite(double successes, double n, double population,
                                          double level, enum cxm_interval method,
                                          struct cxm_interval_limits *out,
                                          struct cxm_error *error)
{
    struct cxm_interval_limits got;
    enum cxm_status status = cxm_share_interval(successes, n, level, method, &got, error);
    if (status == CXM_OK)
        status = check_common(n, population, level, out, error);
    if (status != CXM_OK)
        return status;
    if (n > 0.0) {
        struct cxm_limits limits = { NAN, NAN, 0 };
        method = (enum cxm_interval)got.interval;
        if (method != CXM_INTERVAL_NONE
            && cxm_priv_finite_share_limits(successes, n, population, level, method, &limits)
                   != CXM_OK)
            return cxm_priv_fail(error, CXM_EINVAL, "method",
                                 "exact hypergeometric limits need whole numbers");
        got.std_error = cxm_priv_finite_error(got.value * ((n - successes) / n), n, population);
        got.flags &= CXM_FLAG_DEGENERATE;
        cxm_priv_finish_limits(&got, limits, 1.0, 0.0, 1.0);
    }
    *out = got;
    return CXM_OK;
}

enum cxm_status cxm_nps_interval_finite(double detractors, double passives, double promoters,
                                        double population, double level,
                                        enum cxm_interval method,
                                        const struct cxm_allocator *allocator,
                                        struct cxm_interval_limits *out,
                                        struct cxm_error *error)
{
    const struct cxm_net counts = { detractors, passives, promoters };
    const double n = cxm_priv_net_n(counts);
    struct cxm_interval_limits got;
    enum cxm_status status = cxm_nps_interval(detractors, passives, promoters, level,
                                              CXM_INTERVAL_NONE, NULL, &got, error);
    if (status == CXM_OK)
        status = check_common(n, population, level, out, error);
    if (status != CXM_OK)
        return status;
    if (method == CXM_INTERVAL_DEFAULT)
        method = CXM_INTERVAL_ADJUSTED_WALD;
    const struct cxm_net asked = n > 0.0 ? counts : (struct cxm_net){ 0.0, 1.0, 0.0 };
    struct cxm_limits limits = { NAN, NAN, 0 };
    if (method != CXM_INTERVAL_NONE)
        status = cxm_priv_finite_net_limits(asked, n > 0.0 ? population : 2.0, level, method,
                                            allocator, &limits);
    if (status == CXM_ENOMEM)
        return cxm_priv_no_memory(error);
    if (status != CXM_OK)
        return cxm_priv_no_such_interval("a net score", method, error);
    got.interval = method;
    if (n > 0.0) {
        got.std_error = 100.0 * cxm_priv_finite_error(cxm_priv_net_variance(counts), n,
                                                      population);
        if (method == CXM_INTERVAL_WALD_T)
            got.df = n - 1.0;
        cxm_priv_finish_limits(&got, limits, 100.0, -100.0, 100.0);
    }
    *out = got;
    return CXM_OK;
}

enum cxm_status cxm_mean_interval_finite(double value, double std_error, double n,
                                         double population, double level,
                                         struct cxm_interval_limits *out,
                                         struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_check_count(n, "n", error);
    if (status == CXM_OK)
        status = check_common(n, population, level, out, error);
    if (status != CXM_OK)
        return status;
    const bool all = n > 0.0 && n >= population;
    const double corrected = all ? 0.0 : std_error * sqrt(cxm_priv_finite_factor(n, population));
    status = cxm_mean_interval(value, n > 0.0 ? corrected : NAN, all ? INFINITY : n - 1.0, level,
                               out, error);
    if (status == CXM_OK) {
        out->interval = CXM_INTERVAL_T;
        if (all && std_error != 0.0) /* nothing is left to be unsure of; not all are equal */
            out->flags &= ~(uint32_t)CXM_FLAG_DEGENERATE;
    }
    return status;
}
