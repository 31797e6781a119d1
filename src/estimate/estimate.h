/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Intervals: plain numbers in, plain numbers out. Knows neither records nor tallies. Every
 * function is pure, allocates nothing unless it says so, and validates before GSL is called. */
#ifndef CXM_SRC_ESTIMATE_H
#define CXM_SRC_ESTIMATE_H

#include "base/base.h"

#include <cxm/result.h>

/* Limits before clipping, in the caller's unit, and the flags that go with them (SMALL_N is
 * not set here). Undefined limits are NaN. */
struct cxm_limits {
    double lower, upper;
    uint32_t flags;
};

/* ---- quantiles ------------------------------------------------------------------------ */

/* Two-sided critical values: Phi^-1(1 - (1 - level)/2), and Student's with df > 0 (fractional
 * allowed, +inf gives the normal one). level in (0, 1) was checked by the caller. */
double cxm_priv_z(double level);
double cxm_priv_t(double level, double df);
/* Both of one level, kept: a million rows ask for the same few. z is there; Student's are kept in places
 * (a power of two) by df, each computed when it is first asked for. Without places, every time. */
struct cxm_critical {
    double level, z;
    struct cxm_kept_t {
        double df, t;
    } *kept; /* zeros at first */
    size_t n_kept;
};
double cxm_priv_critical_t(struct cxm_critical *critical, double df);
/* Two-sided p-value of Student's t; NaN stays NaN, t = ±inf gives 0. */
double cxm_priv_t_p_value(double t, double df);

/* ---- shares --------------------------------------------------------------------------- */

/* The interval of a share: x successes of n, both real (effective counts of weighted data are
 * fractions) with 0 <= x <= n, n > 0. In shares. `method` is one of WALD, WILSON, WILSON_CC,
 * AGRESTI_COULL, CLOPPER_PEARSON, JEFFREYS, MID_P, LOGIT. Limits are raw (not clipped), with
 * the exact 0 or 1 at x = 0 and x = n where the method has it. EUNSUPPORTED: other methods. */
enum cxm_status cxm_priv_share_limits(double x, double n, double level,
                                      enum cxm_interval method, struct cxm_limits *out);

/* ---- net scores: NPS, net CSAT -------------------------------------------------------- */

/* The interval of (promoters - detractors) / n on -1 … 1 (not points) from real counts >= 0 with
 * sum n > 0. `method`: WALD, WALD_T, ADJUSTED_WALD, _U, _TZ, _UZ, SCORE, CONTRAST, GOODMAN,
 * BOOTSTRAP, BCA (the last two round the counts to integers). Raw limits. */
enum cxm_status cxm_priv_net_limits(double detractors, double passives, double promoters,
                                    double level, enum cxm_interval method,
                                    const struct cxm_allocator *allocator,
                                    struct cxm_limits *out);

/* ---- means and rates ------------------------------------------------------------------ */

/* value ± critical · std_error: t with df, or normal when df is +inf (WALD, T). NaN limits
 * when the standard error or df is NaN or df <= 0. */
struct cxm_limits cxm_priv_mean_limits(double value, double std_error, double df, double level);
/* The same, of critical values that are kept. */
struct cxm_limits cxm_priv_critical_limits(struct cxm_critical *critical, double value,
                                           double std_error, double df);

/* Exact Poisson limits (Garwood 1936) of count / exposure; count >= 0, exposure > 0. */
struct cxm_limits cxm_priv_poisson_limits(double count, double exposure, double level);

#endif
