/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The public intervals from plain numbers: arguments checked here, limits from the pure
 * functions of this layer, clipped and flagged at the end. */
#include <cxm/interval.h>

#include "estimate/check.h"
#include "estimate/estimate.h"
#include "estimate/net.h"
#include "estimate/share.h"

#include <math.h>

#define MOST 1e15 /* counts above it are no longer whole in a double with room for sums */

enum cxm_status cxm_priv_check_level(double level, struct cxm_error *error)
{
    if (level > 0.0 && level < 1.0)
        return CXM_OK;
    char text[CXM_DOUBLE_TEXT], hint[CXM_DOUBLE_TEXT];
    cxm_priv_double_text(level, text);
    const bool percent = level >= 50.0 && level < 100.0;
    cxm_priv_double_text(percent ? level / 100.0 : 0.95, hint);
    return cxm_priv_fail_at(error, CXM_EINVAL, "level", -1, text,
                            level >= 1.0 ? "level must be between 0 and 1, not %s; did you mean %s?"
                                         : "level must be between 0 and 1, not %s", text, hint);
}

enum cxm_status cxm_priv_check_count(double count, const char *name, struct cxm_error *error)
{
    if (count >= 0.0 && count <= MOST)
        return CXM_OK;
    char text[CXM_DOUBLE_TEXT];
    cxm_priv_double_text(count, text);
    return cxm_priv_fail_at(error, CXM_EINVAL, name, -1, text,
                            "%s must be a number from 0 to 1e15, not %s", name, text);
}

enum cxm_status cxm_priv_check_out(const void *out, struct cxm_error *error)
{
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "out", "out must not be NULL");
    return CXM_OK;
}

enum cxm_status cxm_priv_no_such_interval(const char *what, enum cxm_interval method,
                                          struct cxm_error *error)
{
    return cxm_priv_fail(error, CXM_EUNSUPPORTED, "method", "%s has no interval %s", what,
                         cxm_interval_name(method));
}

/* An answer without any number. */
static struct cxm_interval_limits undefined_limits(double level, enum cxm_interval method)
{
    return (struct cxm_interval_limits){
        .value = NAN, .std_error = NAN, .lower = NAN, .upper = NAN, .lower_raw = NAN,
        .upper_raw = NAN, .level = level, .df = INFINITY, .interval = method };
}

uint32_t cxm_priv_clip(double value, double low, double high, double *lower, double *upper)
{
    const double raw_lower = *lower, raw_upper = *upper;
    uint32_t flags = 0;
    if (raw_lower > value || raw_upper < value)
        flags |= CXM_FLAG_OFF_CENTRE;
    *lower = raw_lower < low ? low : raw_lower > high ? high : raw_lower;
    *upper = raw_upper < low ? low : raw_upper > high ? high : raw_upper;
    if (*lower != raw_lower && !isnan(raw_lower))
        flags |= CXM_FLAG_CLIPPED;
    if (*upper != raw_upper && !isnan(raw_upper))
        flags |= CXM_FLAG_CLIPPED;
    return flags;
}

void cxm_priv_finish_limits(struct cxm_interval_limits *out, struct cxm_limits limits,
                            double scale, double low, double high)
{
    out->lower_raw = scale * limits.lower;
    out->upper_raw = scale * limits.upper;
    out->lower = out->lower_raw;
    out->upper = out->upper_raw;
    out->flags |= limits.flags | cxm_priv_clip(out->value, low, high, &out->lower, &out->upper);
}

static const struct cxm_limits no_limits = { NAN, NAN, 0 };

enum cxm_status cxm_share_interval(double successes, double n, double level,
                                   enum cxm_interval method, struct cxm_interval_limits *out,
                                   struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_check_out(out, error);
    if (status == CXM_OK)
        status = cxm_priv_check_count(n, "n", error);
    if (status == CXM_OK)
        status = cxm_priv_check_count(successes, "successes", error);
    if (status == CXM_OK)
        status = cxm_priv_check_level(level, error);
    if (status != CXM_OK)
        return status;
    if (successes > n)
        return cxm_priv_fail(error, CXM_EINVAL, "successes", "successes must not exceed n");
    if (method == CXM_INTERVAL_DEFAULT)
        method = CXM_INTERVAL_WILSON;
    struct cxm_limits limits = no_limits;
    const double x = n > 0.0 ? successes : 0.5; /* with n == 0 only the method is checked */
    const double m = n > 0.0 ? n : 1.0;
    if (method != CXM_INTERVAL_NONE && cxm_priv_share_limits(x, m, level, method, &limits) != CXM_OK)
        return cxm_priv_no_such_interval("a share", method, error);
    struct cxm_interval_limits got = undefined_limits(level, method);
    if (n > 0.0) {
        got.value = x / n;
        got.std_error = sqrt(cxm_priv_share_variance(x, n));
        if (x == 0.0 || x == n)
            got.flags |= CXM_FLAG_DEGENERATE;
        cxm_priv_finish_limits(&got, limits, 1.0, 0.0, 1.0);
    } else {
        got.flags = CXM_FLAG_NO_DATA;
    }
    *out = got;
    return CXM_OK;
}

enum cxm_status cxm_priv_check_net(double detractors, double passives, double promoters,
                                   struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_check_count(detractors, "detractors", error);
    if (status == CXM_OK)
        status = cxm_priv_check_count(passives, "passives", error);
    if (status == CXM_OK)
        status = cxm_priv_check_count(promoters, "promoters", error);
    if (status == CXM_OK)
        status = cxm_priv_check_count(detractors + passives + promoters, "n", error);
    return status;
}

enum cxm_status cxm_nps_interval(double detractors, double passives, double promoters,
                                 double level, enum cxm_interval method,
                                 const struct cxm_allocator *allocator,
                                 struct cxm_interval_limits *out, struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_check_out(out, error);
    if (status == CXM_OK)
        status = cxm_priv_check_net(detractors, passives, promoters, error);
    if (status == CXM_OK)
        status = cxm_priv_check_level(level, error);
    if (status != CXM_OK)
        return status;
    if (method == CXM_INTERVAL_DEFAULT)
        method = CXM_INTERVAL_ADJUSTED_WALD;
    const struct cxm_net counts = { detractors, passives, promoters };
    const double n = cxm_priv_net_n(counts);
    struct cxm_limits limits = no_limits;
    if (method != CXM_INTERVAL_NONE)
        status = cxm_priv_net_limits(detractors, n > 0.0 ? passives : 1.0, promoters, level,
                                     method, allocator, &limits);
    if (status == CXM_ENOMEM)
        return cxm_priv_no_memory(error);
    if (status != CXM_OK)
        return cxm_priv_no_such_interval("a net score", method, error);
    struct cxm_interval_limits got = undefined_limits(level, method);
    if (n > 0.0) {
        got.value = 100.0 * cxm_priv_net_value(counts); /* as limits are made, and never beyond 100 */
        got.std_error = 100.0 * sqrt(cxm_priv_net_variance(counts) / n);
        if (method == CXM_INTERVAL_WALD_T)
            got.df = n - 1.0;
        if (got.std_error == 0.0)
            got.flags |= CXM_FLAG_DEGENERATE;
        cxm_priv_finish_limits(&got, limits, 100.0, -100.0, 100.0);
    } else {
        got.flags = CXM_FLAG_NO_DATA;
    }
    *out = got;
    return CXM_OK;
}

enum cxm_status cxm_mean_interval(double value, double std_error, double df, double level,
                                  struct cxm_interval_limits *out, struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_check_out(out, error);
    if (status == CXM_OK && (std_error < 0.0 || isinf(std_error)))
        status = cxm_priv_fail(error, CXM_EINVAL, "std_error",
                               "std_error must be a finite number, 0 or more");
    if (status == CXM_OK)
        status = cxm_priv_check_level(level, error);
    if (status != CXM_OK)
        return status;
    struct cxm_interval_limits got =
        undefined_limits(level, isinf(df) ? CXM_INTERVAL_WALD : CXM_INTERVAL_T);
    got.value = value;
    got.std_error = std_error;
    got.df = df;
    if (isnan(value))
        got.flags |= CXM_FLAG_NO_DATA;
    cxm_priv_finish_limits(&got, cxm_priv_mean_limits(value, std_error, df, level), 1.0, -INFINITY, INFINITY);
    *out = got;
    return CXM_OK;
}

enum cxm_status cxm_rate_interval(double count, double exposure, double level,
                                  struct cxm_interval_limits *out, struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_check_out(out, error);
    if (status == CXM_OK)
        status = cxm_priv_check_count(count, "count", error);
    if (status == CXM_OK && !(exposure >= 0.0 && isfinite(exposure)))
        status = cxm_priv_fail(error, CXM_EINVAL, "exposure",
                               "exposure must be a finite number, 0 or more");
    if (status == CXM_OK)
        status = cxm_priv_check_level(level, error);
    if (status != CXM_OK)
        return status;
    struct cxm_interval_limits got = undefined_limits(level, CXM_INTERVAL_GARWOOD);
    if (exposure > 0.0) {
        got.value = count / exposure;
        got.std_error = sqrt(count) / exposure;
        if (count == 0.0)
            got.flags |= CXM_FLAG_DEGENERATE;
        cxm_priv_finish_limits(&got, cxm_priv_poisson_limits(count, exposure, level), 1.0, 0.0, INFINITY);
    } else {
        got.flags = CXM_FLAG_NO_DATA;
    }
    *out = got;
    return CXM_OK;
}
