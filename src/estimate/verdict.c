/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Verdicts: met, not met or inconclusive, from one-sided limits at 1 - alpha each. Shares:
 * Clopper & Pearson 1934, exact at any size; rates of events: Garwood 1936. Net scores: the score
 * test of Tango 1998, which keeps its one-sided error where adjusted Wald does not. Everything
 * else: t or normal. The number of
 * answers that would settle an open question is searched for with the same limits, the observed
 * proportions held fixed: about 60 limits, from one answer to 1e15. */
#include "estimate/verdict.h"

#include "estimate/beta.h"
#include "estimate/check.h"
#include "estimate/compare.h"
#include "estimate/exact.h"
#include "estimate/quantile.h"

#include <math.h>

#define MOST 1e15

/* What the target is compared with; all limits at 1 - alpha on their side. Those of shares come
 * with 1 - lower and 1 - upper, which a target of 99.9999999 % needs. */
struct bounds {
    double lower, upper;
    bool has_rest;
    double lower_rest, upper_rest;
};

/* ---- limits at any number of answers --------------------------------------------------- */

static struct bounds share_bounds(double x, double n, double alpha)
{
    struct cxm_beta_point low = { 0.0, 1.0 }, high = { 0.0, 1.0 };
    if (x > 0.0)
        low = cxm_priv_beta_quantile(x, n - x + 1.0, alpha);
    if (x < n)
        high = cxm_priv_beta_quantile(n - x, x + 1.0, alpha);
    return (struct bounds){ low.x, high.y, true, low.y, high.x };
}

static struct bounds net_bounds(struct cxm_net counts, double alpha, enum cxm_interval method)
{
    struct cxm_limits limits = { NAN, NAN, 0 };
    (void)cxm_priv_net_limits(counts.detractors, counts.passives, counts.promoters,
                              1.0 - 2.0 * alpha, method, NULL, &limits);
    return (struct bounds){ .lower = limits.lower, .upper = limits.upper };
}

static struct bounds value_bounds(double value, double std_error, double df, double alpha)
{
    const struct cxm_limits limits = cxm_priv_mean_limits(value, std_error, df,
                                                          1.0 - 2.0 * alpha);
    return (struct bounds){ .lower = limits.lower, .upper = limits.upper };
}

/* Degrees of freedom of m answers when n of them have df. */
static double grown_df(const struct cxm_evidence *e, double m)
{
    if (isinf(e->df))
        return e->df;
    return e->df == e->n - 1.0 ? m - 1.0 : e->df * (m / e->n);
}

/* The limits that m answers would have, their proportions being those of the n there are. */
static struct bounds bounds_at(const struct cxm_evidence *e, double m, double alpha)
{
    const double grown = m / e->n;
    switch (e->kind) {
    case CXM_EVIDENCE_SHARE:
        return share_bounds(e->x >= e->n ? m : fmin(e->x * grown, m), m, alpha);
    case CXM_EVIDENCE_RATE: {
        const struct cxm_limits limits = cxm_priv_poisson_limits(e->x * grown,
                                                                 e->exposure * grown,
                                                                 1.0 - 2.0 * alpha);
        return (struct bounds){ .lower = limits.lower, .upper = limits.upper };
    }
    case CXM_EVIDENCE_NET:
        return net_bounds((struct cxm_net){ e->net.detractors * grown, e->net.passives * grown,
                                            e->net.promoters * grown },
                          alpha, CXM_INTERVAL_SCORE);
    default:
        return value_bounds(e->value, e->std_error / sqrt(grown), grown_df(e, m), alpha);
    }
}

/* Limit minus target, from the nearer end of the scale. */
static double beyond(double limit, double rest, double target, bool has_rest)
{
    return has_rest && target > 0.5 ? (1.0 - target) - rest : limit - target;
}

static enum cxm_verdict verdict_of(struct bounds b, double target, enum cxm_direction direction)
{
    const bool at_least = direction != CXM_AT_MOST;
    const double low = beyond(b.lower, b.lower_rest, target, b.has_rest);
    const double high = beyond(b.upper, b.upper_rest, target, b.has_rest);
    if (at_least ? low >= 0.0 : high <= 0.0)
        return CXM_VERDICT_MET;
    if (at_least ? high < 0.0 : low > 0.0)
        return CXM_VERDICT_NOT_MET;
    return CXM_VERDICT_INCONCLUSIVE;
}

static bool settled(const struct cxm_evidence *e, double answers, double target, double alpha,
                    enum cxm_direction direction)
{
    const struct bounds b = bounds_at(e, answers / e->scale, alpha);
    return verdict_of(b, target, direction) != CXM_VERDICT_INCONCLUSIVE;
}

/* The smallest whole number of answers with a verdict: doubled until there is one, then halved. */
static int64_t needed(const struct cxm_evidence *e, double target, double alpha,
                      enum cxm_direction direction)
{
    double low = floor(e->n * e->scale), high = 2.0 * low + 1.0;
    if (!(e->n > 0.0 && e->scale > 0.0))
        return INT64_MIN;
    while (!settled(e, high, target, alpha, direction)) {
        low = high;
        high *= 2.0;
        if (high > MOST)
            return INT64_MIN;
    }
    while (high - low > 1.0) {
        const double half = floor(0.5 * (low + high));
        if (settled(e, half, target, alpha, direction))
            high = half;
        else
            low = half;
    }
    return (int64_t)high;
}

/* ---- p-values -------------------------------------------------------------------------- */

static void judge_share(const struct cxm_evidence *e, double target, bool at_least,
                        struct cxm_target_result *out)
{
    const struct cxm_target t = cxm_priv_target(e->x, e->n, target, out->alpha);
    const bool whole = e->x == floor(e->x) && e->n == floor(e->n);
    out->p_greater = t.p_at_least;
    out->p_less = t.p_at_most;
    out->lower = t.lower;
    out->upper = t.upper;
    out->lower_other = t.wilson_lower;
    out->upper_other = t.wilson_upper;
    const double z = e->x == e->n * target ? 0.0 : t.score_z;
    out->p_other = at_least ? cxm_priv_normal_upper(z) : cxm_priv_normal_lower(z);
    out->p_mid = !whole ? NAN
               : at_least ? t.mid_p
                          : cxm_priv_binomial_at_most(e->x - 1.0, e->n, target)
                                + 0.5 * cxm_priv_binomial(e->x, e->n, target);
    out->p_two_sided = whole ? t.p_two_sided : NAN;
    out->interval = CXM_INTERVAL_CLOPPER_PEARSON;
}

static double twice(double p, double q)
{
    return fmin(1.0, 2.0 * fmin(p, q));
}

static void judge_net(const struct cxm_evidence *e, double target, bool at_least,
                      struct cxm_target_result *out)
{
    const struct bounds b = net_bounds(e->net, out->alpha, CXM_INTERVAL_SCORE);
    const struct bounds other = net_bounds(e->net, out->alpha, CXM_INTERVAL_ADJUSTED_WALD);
    const struct cxm_net adjusted = cxm_priv_net_adjusted(e->net, 3.0);
    const double error = sqrt(cxm_priv_net_variance(adjusted) / cxm_priv_net_n(adjusted));
    const double z = cxm_priv_net_score_z(e->net, target);
    const double z_other = (cxm_priv_net_value(adjusted) - target) / error;
    out->p_greater = cxm_priv_normal_upper(z);
    out->p_less = cxm_priv_normal_lower(z);
    out->p_two_sided = twice(out->p_greater, out->p_less);
    out->lower = b.lower;
    out->upper = b.upper;
    out->lower_other = other.lower;
    out->upper_other = other.upper;
    out->p_other = at_least ? cxm_priv_normal_upper(z_other) : cxm_priv_normal_lower(z_other);
    out->interval = CXM_INTERVAL_SCORE;
}

static void judge_value(const struct cxm_evidence *e, double target,
                        struct cxm_target_result *out)
{
    const struct bounds b = value_bounds(e->value, e->std_error, e->df, out->alpha);
    const double gap = e->value - target;
    const double t = gap == 0.0 ? 0.0 : gap / e->std_error; /* ±inf when nothing varies */
    const bool certain = e->std_error == 0.0 && gap == 0.0;
    if (!isnan(b.lower)) {
        out->p_greater = certain ? 1.0 : cxm_priv_t_upper(t, e->df);
        out->p_less = certain ? 1.0 : cxm_priv_t_upper(-t, e->df);
        out->p_two_sided = twice(out->p_greater, out->p_less);
    }
    out->lower = b.lower;
    out->upper = b.upper;
    out->interval = isinf(e->df) ? CXM_INTERVAL_WALD : CXM_INTERVAL_T;
    if (e->std_error == 0.0)
        out->flags |= CXM_FLAG_DEGENERATE;
}

/* P(X >= x) and P(X <= x) of the Poisson count that the target would give. */
static void judge_rate(const struct cxm_evidence *e, double target,
                       struct cxm_target_result *out)
{
    const struct bounds b = bounds_at(e, e->n, out->alpha);
    const double mean = fmax(0.0, e->exposure * target);
    out->p_greater = e->x > 0.0 ? cxm_priv_gamma_lower(e->x, mean) : 1.0;
    out->p_less = cxm_priv_gamma_upper(e->x + 1.0, mean);
    out->p_two_sided = twice(out->p_greater, out->p_less);
    out->lower = b.lower;
    out->upper = b.upper;
    out->interval = CXM_INTERVAL_GARWOOD;
}

/* ---- the verdict ----------------------------------------------------------------------- */

static double value_of(const struct cxm_evidence *e)
{
    if (e->kind == CXM_EVIDENCE_VALUE || e->kind == CXM_EVIDENCE_RATE)
        return e->value;
    if (!(e->n > 0.0))
        return NAN;
    return e->kind == CXM_EVIDENCE_SHARE ? e->x / e->n : cxm_priv_net_value(e->net);
}

struct cxm_target_result cxm_priv_judge(const struct cxm_evidence *e, double target,
                                        double alpha, enum cxm_direction direction, bool census)
{
    const bool at_least = direction != CXM_AT_MOST;
    struct cxm_target_result out = {
        .value = value_of(e), .target = target, .alpha = alpha, .p_value = NAN, .p_greater = NAN,
        .p_less = NAN, .lower = NAN, .upper = NAN, .lower_other = NAN, .upper_other = NAN,
        .p_other = NAN, .p_mid = NAN, .p_two_sided = NAN, .n = e->n, .n_needed = INT64_MIN,
        .interval = CXM_INTERVAL_NONE };
    if (isnan(out.value)) {
        out.flags = CXM_FLAG_NO_DATA;
        return out;
    }
    out.point_pass = at_least ? out.value >= target : out.value <= target;
    if (census) {
        out.verdict = out.point_pass ? CXM_VERDICT_MET : CXM_VERDICT_NOT_MET;
        return out;
    }
    if (e->kind == CXM_EVIDENCE_SHARE)
        judge_share(e, target, at_least, &out);
    else if (e->kind == CXM_EVIDENCE_NET)
        judge_net(e, target, at_least, &out);
    else if (e->kind == CXM_EVIDENCE_RATE)
        judge_rate(e, target, &out);
    else
        judge_value(e, target, &out);
    out.p_value = at_least ? out.p_greater : out.p_less;
    const bool certain = e->kind == CXM_EVIDENCE_VALUE && e->std_error == 0.0
                      && out.value == target;
    const bool known = !isnan(out.lower) && !certain;
    if (known)
        out.verdict = verdict_of(e->n > 0.0 ? bounds_at(e, e->n, alpha)
                                            : (struct bounds){ .lower = out.lower,
                                                               .upper = out.upper },
                                 target, direction);
    if (known && out.verdict == CXM_VERDICT_INCONCLUSIVE && out.value != target)
        out.n_needed = needed(e, target, alpha, direction);
    return out;
}

/* ---- arguments ------------------------------------------------------------------------- */

enum cxm_status cxm_priv_target_options(const struct cxm_target_options *options,
                                        struct cxm_target_options *out, struct cxm_error *error)
{
    *out = (struct cxm_target_options){ CXM_TARGET_INIT };
    if (options != NULL) {
        if (options->size < sizeof options->size || options->size > sizeof *out)
            return cxm_priv_fail(error, CXM_EINVAL, "options",
                                 "options have size %zu; start them with CXM_TARGET_INIT",
                                 options->size);
        memcpy(out, options, options->size);
    }
    if (cxm_priv_reserved(out->reserved, error) != CXM_OK)
        return CXM_EINVAL;
    if (out->alpha == 0.0)
        out->alpha = 0.05;
    if (out->level == 0.0)
        out->level = 0.95;
    /* Below that 1 - 2 alpha, the level of the two-sided limits, has lost too much of it. */
    if (!(out->alpha >= 1e-12 && out->alpha < 0.5)) {
        char text[CXM_DOUBLE_TEXT];
        cxm_priv_double_text(out->alpha, text);
        return cxm_priv_fail_at(error, CXM_EINVAL, "alpha", -1, text,
                                "alpha must be at least 1e-12 and below 0.5, such as 0.05, not %s", text);
    }
    if (out->direction < CXM_DIRECTION_DEFAULT || out->direction > CXM_AT_MOST)
        return cxm_priv_fail(error, CXM_EINVAL, "direction", "there is no direction %d",
                             (int)out->direction);
    return cxm_priv_check_level(out->level, error);
}

enum cxm_status cxm_priv_check_target(double target, enum cxm_evidence_kind kind,
                                      struct cxm_error *error)
{
    char text[CXM_DOUBLE_TEXT], hint[CXM_DOUBLE_TEXT];
    const double low = kind == CXM_EVIDENCE_SHARE ? 0.0 : -100.0;
    const double high = kind == CXM_EVIDENCE_SHARE ? 1.0 : 100.0;
    cxm_priv_double_text(target, text);
    cxm_priv_double_text(target / 100.0, hint);
    if (kind == CXM_EVIDENCE_VALUE ? isfinite(target) : target >= low && target <= high)
        return CXM_OK;
    if (kind == CXM_EVIDENCE_VALUE)
        return cxm_priv_fail_at(error, CXM_EINVAL, "target", -1, text,
                                "target must be a finite number, not %s", text);
    if (kind == CXM_EVIDENCE_NET)
        return cxm_priv_fail_at(error, CXM_EINVAL, "target", -1, text,
                                "the target of a net score must be from -100 to 100 points, not "
                                "%s", text);
    return cxm_priv_fail_at(error, CXM_EINVAL, "target", -1, text,
                            target > 1.0 && target <= 100.0
                              ? "the target of a share must be from 0 to 1, not %s; did you mean "
                                "%s?"
                              : "the target of a share must be from 0 to 1, not %s", text, hint);
}

const char *cxm_verdict_name(enum cxm_verdict verdict)
{
    switch (verdict) {
    case CXM_VERDICT_MET: return "met";
    case CXM_VERDICT_NOT_MET: return "not met";
    default: return "inconclusive";
    }
}

const char *cxm_direction_name(enum cxm_direction direction)
{
    switch (direction) {
    case CXM_AT_LEAST: return "at_least";
    case CXM_AT_MOST: return "at_most";
    default: return "default";
    }
}

/* ---- plain numbers --------------------------------------------------------------------- */

static enum cxm_status begin(const struct cxm_target_options *options, double target,
                             enum cxm_evidence_kind kind, const void *out,
                             struct cxm_target_options *o, struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_check_out(out, error);
    if (status == CXM_OK)
        status = cxm_priv_target_options(options, o, error);
    if (status == CXM_OK)
        status = cxm_priv_check_target(target, kind, error);
    return status;
}

enum cxm_status cxm_target_share(double successes, double n, double target,
                                 const struct cxm_target_options *options,
                                 struct cxm_target_result *out, struct cxm_error *error)
{
    struct cxm_target_options o;
    enum cxm_status status = begin(options, target, CXM_EVIDENCE_SHARE, out, &o, error);
    if (status == CXM_OK)
        status = cxm_priv_check_count(n, "n", error);
    if (status == CXM_OK)
        status = cxm_priv_check_count(successes, "successes", error);
    if (status == CXM_OK && successes > n)
        status = cxm_priv_fail(error, CXM_EINVAL, "successes", "successes must not exceed n");
    if (status != CXM_OK)
        return status;
    const struct cxm_evidence e = { .kind = CXM_EVIDENCE_SHARE, .n = n, .x = successes,
                                    .scale = 1.0 };
    *out = cxm_priv_judge(&e, target, o.alpha, (enum cxm_direction)o.direction, o.census != 0);
    return CXM_OK;
}

enum cxm_status cxm_target_nps(double detractors, double passives, double promoters,
                               double target, const struct cxm_target_options *options,
                               struct cxm_target_result *out, struct cxm_error *error)
{
    struct cxm_target_options o;
    enum cxm_status status = begin(options, target, CXM_EVIDENCE_NET, out, &o, error);
    if (status == CXM_OK)
        status = cxm_priv_check_net(detractors, passives, promoters, error);
    if (status != CXM_OK)
        return status;
    const struct cxm_evidence e = { .kind = CXM_EVIDENCE_NET,
                                    .n = detractors + passives + promoters,
                                    .net = { detractors, passives, promoters }, .scale = 1.0 };
    struct cxm_target_result got = cxm_priv_judge(&e, target / 100.0, o.alpha,
                                                  (enum cxm_direction)o.direction,
                                                  o.census != 0);
    got.value *= 100.0;
    got.target = target;
    got.lower *= 100.0;
    got.upper *= 100.0;
    got.lower_other *= 100.0;
    got.upper_other *= 100.0;
    *out = got;
    return CXM_OK;
}

enum cxm_status cxm_target_mean(double value, double std_error, double df, double n,
                                double target, const struct cxm_target_options *options,
                                struct cxm_target_result *out, struct cxm_error *error)
{
    struct cxm_target_options o;
    enum cxm_status status = begin(options, target, CXM_EVIDENCE_VALUE, out, &o, error);
    if (status == CXM_OK)
        status = cxm_priv_check_count(n, "n", error);
    if (status == CXM_OK && (std_error < 0.0 || isinf(std_error)))
        status = cxm_priv_fail(error, CXM_EINVAL, "std_error",
                               "std_error must be a finite number, 0 or more");
    if (status != CXM_OK)
        return status;
    const struct cxm_evidence e = { .kind = CXM_EVIDENCE_VALUE, .n = n, .value = value,
                                    .std_error = std_error, .df = df, .scale = 1.0 };
    *out = cxm_priv_judge(&e, target, o.alpha, (enum cxm_direction)o.direction, o.census != 0);
    return CXM_OK;
}
