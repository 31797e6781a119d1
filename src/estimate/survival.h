/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Survival curves from tables of times: numbers in, numbers out. A customer is at risk at t when
 * it came in before t and left at t or later; at one time events come before censorings. */
#ifndef CXM_SRC_ESTIMATE_SURVIVAL_H
#define CXM_SRC_ESTIMATE_SURVIVAL_H

#include "estimate/estimate.h"

/* One time: times ascend; 0 <= events + censored <= at_risk, events of all causes together. */
struct cxm_risk {
    double time;
    int64_t at_risk, events, censored;
};

/* The curve just after a time. */
struct cxm_survival {
    struct cxm_dd survival;     /* S = prod (1 - d / n) (Kaplan & Meier 1958) */
    struct cxm_dd greenwood;    /* sum d / (n (n - d)), the variance of log S; infinite at S = 0 */
    double std_error;           /* S sqrt(greenwood); NaN at S = 0 */
    struct cxm_dd hazard, hazard_variance; /* set by cxm_priv_nelson_aalen, cxm_priv_tied_hazard */
};

/* The curve before the first time, and the step of one time. */
#define CXM_SURVIVAL_START { .survival = { 1, 0 } }
void cxm_priv_survival_step(struct cxm_survival *at, const struct cxm_risk *risk);
/* Of n times; `out` has room for them. */
void cxm_priv_kaplan_meier(const struct cxm_risk *risk, size_t n, struct cxm_survival *out);

/* Sets H = sum d / n (Nelson 1969, Aalen 1978) and its variance sum d / n^2. */
void cxm_priv_nelson_aalen(const struct cxm_risk *risk, size_t n, struct cxm_survival *out);
/* The same with the events of one time one after another: sums of 1 / (n - j), j < d, and of
 * its square (Fleming & Harrington 1984). */
void cxm_priv_tied_hazard(const struct cxm_risk *risk, size_t n, struct cxm_survival *out);

/* Limits of S (raw), z two-sided, cxm_priv_z(level): PLAIN S ± z se; LOG S exp(± z s), s =
 * sqrt(greenwood); LOG_LOG S ^ exp(± z s / log S); LOGIT; ARCSINE. S = 1: [1, 1] (PLAIN, LOG),
 * [NaN, 1] (the others: nothing is known of the lower limit); S = 0: NaN. Flags: DEGENERATE for
 * both. */
struct cxm_limits cxm_priv_survival_limits(const struct cxm_survival *at, double z,
                                           enum cxm_interval interval);
/* The same at each of n times; one without events has those of the time before. */
void cxm_priv_curve_limits(const struct cxm_risk *risk, const struct cxm_survival *curve, size_t n,
                           double z, enum cxm_interval interval, struct cxm_limits *out);
/* Limits of H >= 0: PLAIN H ± z se, all others H exp(± z se / H). H = 0: [0, 0], DEGENERATE. */
struct cxm_limits cxm_priv_hazard_limits(double hazard, double std_error, double z,
                                         enum cxm_interval interval);

/* The smallest time with S <= 1 - p; where S is 1 - p along a step, to 1e-12, the middle of it, the
 * step of the last time being that alone. NaN: not reached. The limits are those of the curve's
 * limits read the same way (Brookmeyer & Crowley 1982). 0 < p <= 1. known: the limits of every
 * time, as cxm_priv_survival_limits gives them with z and interval; NULL: worked out as needed. */
struct cxm_survival_quantile {
    double time, lower, upper;
};
struct cxm_survival_quantile
cxm_priv_survival_quantile(const struct cxm_risk *risk, const struct cxm_survival *curve,
                           const struct cxm_limits *known, size_t n, double p, double z,
                           enum cxm_interval interval);

/* The restricted mean: the area under S from 0 to tau >= 0, and its standard error, the root of
 * sum over t_i <= tau of A_i^2 d / (n (n - d)), A_i the area from t_i to tau. The curve is taken as
 * flat after the last time. */
struct cxm_restricted_mean {
    double mean, std_error;
};
struct cxm_restricted_mean cxm_priv_restricted_mean(const struct cxm_risk *risk,
                                                    const struct cxm_survival *curve, size_t n,
                                                    double tau);

/* ---- competing risks ------------------------------------------------------------------ */

/* The cumulative incidence of one cause just after a time. */
struct cxm_incidence {
    struct cxm_dd value;  /* F = sum S(t-) d_k / n (Aalen & Johansen 1978) */
    double std_error;     /* Betensky & Schoenfeld 2001, the delta method */
};
/* events[i]: events of this cause, 0 … risk[i].events. O(n). */
void cxm_priv_aalen_johansen(const struct cxm_risk *risk, const int64_t *events, size_t n,
                             struct cxm_incidence *out);
/* Limits of F by those of 1 - F. F = 0: [0, NaN], or [0, 0] with PLAIN and LOG; DEGENERATE. */
struct cxm_limits cxm_priv_incidence_limits(const struct cxm_incidence *at, double z,
                                            enum cxm_interval interval);

/* ---- comparing groups ----------------------------------------------------------------- */

/* Log-rank and its weighted forms: w = S(t-)^rho (1 - S(t-))^gamma, S of all groups together
 * (Fleming & Harrington). Strata are added one after another. */
struct cxm_logrank {
    size_t groups;
    double *observed, *expected; /* sum of w d_j and w d n_j / n */
    struct cxm_dd *sums;         /* observed, expected, observed - expected, then covariance */
};
enum { CXM_MOST_LOGRANK_GROUPS = 1000 };
bool cxm_priv_logrank_init(struct cxm_logrank *test, size_t groups,
                           const struct cxm_allocator *allocator);
void cxm_priv_logrank_release(struct cxm_logrank *test, const struct cxm_allocator *allocator);
/* One time of a stratum: at_risk[j] and events[j] of every group, and S of the stratum before. */
void cxm_priv_logrank_time(struct cxm_logrank *test, const int64_t *at_risk,
                           const int64_t *events, struct cxm_dd survival, double rho,
                           double gamma);
/* After the last time: chi-square of the groups that expect events; df is the rank of their covariance,
 * at most their number less one, and less where some of them never were at risk beside the others
 * (`singular`). NaN when no two groups expect events, or none beside another. Rounds the sums. */
struct cxm_logrank_result {
    double statistic, df, p_value;
    bool singular;
};
enum cxm_status cxm_priv_logrank_finish(struct cxm_logrank *test,
                                        const struct cxm_allocator *allocator,
                                        struct cxm_logrank_result *out);

#endif
