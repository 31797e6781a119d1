/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sample sizes, margins of error and power as users ask for them: options checked, variances
 * found, units brought to the scale of power.c (net scores on -1 … 1) and back. From one answer
 * to 1e15. Cochran 1977, Sampling Techniques, ch. 4; the three answers that adjusted Wald brings
 * along: Lewis & Sauro, MeasuringU 2021. */
#include <cxm/plan.h>

#include "estimate/check.h"
#include "estimate/compare.h"
#include "estimate/quantile.h"

#include <math.h>

#define MOST 1e15
#define SPARE 3.0 /* answers that adjusted Wald adds */

/* Options with the defaults filled in, and what follows from them. */
struct request {
    enum cxm_plan_kind kind;
    struct cxm_plan_options o;
    double unit;             /* points in one step of the scale of power.c */
    double variance_a, variance_b;
    double share;            /* share or net shares that intervals are solved for */
    struct cxm_net net;
};

/* ---- options -------------------------------------------------------------------------- */

static enum cxm_status wrong(struct cxm_error *error, const char *name, double value,
                             const char *rule)
{
    char text[CXM_DOUBLE_TEXT];
    cxm_priv_double_text(value, text);
    return cxm_priv_fail_at(error, CXM_EINVAL, name, -1, text, "%s must be %s, not %s", name,
                            rule, text);
}

static enum cxm_status take(const struct cxm_plan_options *options, struct cxm_plan_options *o,
                            struct cxm_error *error)
{
    *o = (struct cxm_plan_options){ CXM_PLAN_INIT };
    if (options != NULL) {
        if (options->size < sizeof options->size || options->size > sizeof *o)
            return cxm_priv_fail(error, CXM_EINVAL, "options",
                                 "options have size %zu; start them with CXM_PLAN_INIT",
                                 options->size);
        memcpy(o, options, options->size);
    }
    if (o->level == 0.0)
        o->level = 0.95;
    if (o->power == 0.0)
        o->power = 0.80;
    if (o->design_effect == 0.0)
        o->design_effect = 1.0;
    if (o->ratio == 0.0)
        o->ratio = 1.0;
    if (o->response_rate == 0.0)
        o->response_rate = 1.0;
    enum cxm_status status = cxm_priv_reserved(o->reserved, error);
    if (status == CXM_OK)
        status = cxm_priv_check_level(o->level, error);
    if (status == CXM_OK && !(o->power > 0.0 && o->power < 1.0))
        status = wrong(error, "power", o->power, "between 0 and 1, such as 0.8");
    if (status == CXM_OK && !(o->design_effect > 0.0 && o->design_effect <= 1e6))
        status = wrong(error, "design_effect", o->design_effect, "above 0, such as 1.5");
    if (status == CXM_OK && !(o->ratio >= 1e-6 && o->ratio <= 1e6))
        status = wrong(error, "ratio", o->ratio, "from 1e-6 to 1e6");
    if (status == CXM_OK && !(o->response_rate > 0.0 && o->response_rate <= 1.0))
        status = wrong(error, "response_rate", o->response_rate, "above 0 and at most 1");
    if (status == CXM_OK)
        status = cxm_priv_check_count(o->population, "population", error);
    if (status == CXM_OK && o->population != 0.0 && o->population < 1.0)
        status = wrong(error, "population", o->population, "at least 1");
    return status;
}

/* At most one of the four ways to say how much the answers vary. */
static enum cxm_status check_ways(const struct request *r, struct cxm_error *error)
{
    const struct cxm_plan_options *const o = &r->o;
    const bool shares = o->shares[0] != 0.0 || o->shares[1] != 0.0 || o->shares[2] != 0.0;
    if ((o->variance != 0.0) + (o->sd != 0.0) + (o->expected != 0.0) + shares > 1
        || (o->variance_b != 0.0 && o->sd_b != 0.0))
        return cxm_priv_fail(error, CXM_EINVAL, "variance",
                             "give one of variance, sd, expected and shares");
    if (!(o->sd >= 0.0 && o->sd_b >= 0.0))
        return cxm_priv_fail(error, CXM_EINVAL, "sd", "sd must be above 0");
    if (shares && r->kind != CXM_PLAN_NPS)
        return cxm_priv_fail(error, CXM_EINVAL, "shares",
                             "shares of detractors, passives and promoters are for NPS");
    if (r->kind == CXM_PLAN_MEAN && o->expected != 0.0)
        return cxm_priv_fail(error, CXM_EINVAL, "expected",
                             "the expected mean does not tell its variance; give variance or sd");
    return shares ? cxm_priv_check_net(o->shares[0], o->shares[1], o->shares[2], error) : CXM_OK;
}

static enum cxm_status check_variance(const struct request *r, double variance,
                                      const char *name, struct cxm_error *error)
{
    if (r->kind == CXM_PLAN_MEAN)
        return variance > 0.0 && isfinite(variance)
                 ? CXM_OK
                 : wrong(error, name, variance, "above 0: the square of the standard deviation");
    const bool nps = r->kind == CXM_PLAN_NPS;
    if (variance >= 0.0 && variance <= (nps ? 1.0 : 0.25))
        return CXM_OK;
    return wrong(error, name, variance,
                 nps ? "from 0 to 1: of one answer coded -1, 0 or 1" : "from 0 to 0.25");
}

/* Variance and shares of a net score that is only known as such: the most it can vary. */
static void expect_net(struct request *r)
{
    const double score = r->o.expected / 100.0;
    r->net = (struct cxm_net){ 0.5 * (1.0 - score), 0.0, 0.5 * (1.0 + score) };
    r->variance_a = r->variance_b = (1.0 - score) * (1.0 + score);
}

static enum cxm_status find_net(struct request *r, struct cxm_error *error)
{
    const double total = r->o.shares[0] + r->o.shares[1] + r->o.shares[2];
    if (!(r->o.expected >= -100.0 && r->o.expected <= 100.0))
        return wrong(error, "expected", r->o.expected, "an NPS from -100 to 100 points");
    expect_net(r);
    if (total > 0.0) {
        r->net = (struct cxm_net){ r->o.shares[0] / total, r->o.shares[1] / total,
                                   r->o.shares[2] / total };
        r->variance_a = r->variance_b = cxm_priv_net_variance(r->net);
    } else if (r->o.variance != 0.0) {
        const double v = r->o.variance;
        r->net = (struct cxm_net){ 0.5 * v, 1.0 - v, 0.5 * v };
        r->variance_a = r->variance_b = v;
    }
    return CXM_OK;
}

static enum cxm_status find_share(struct request *r, struct cxm_error *error)
{
    const double expected = r->o.expected;
    if (!(expected >= 0.0 && expected <= 1.0)) {
        char text[CXM_DOUBLE_TEXT], hint[CXM_DOUBLE_TEXT];
        cxm_priv_double_text(expected, text);
        cxm_priv_double_text(expected / 100.0, hint);
        return cxm_priv_fail_at(error, CXM_EINVAL, "expected", -1, text,
                                expected > 1.0 && expected <= 100.0
                                  ? "expected must be a share from 0 to 1, not %s; did you mean %s?"
                                  : "expected must be a share from 0 to 1, not %s", text, hint);
    }
    r->share = expected != 0.0 ? expected : 0.5;
    r->variance_a = r->variance_b = r->share * (1.0 - r->share);
    if (r->o.variance != 0.0) {
        r->variance_a = r->variance_b = r->o.variance;
        r->share = 0.5 + sqrt(0.25 - r->o.variance);
    }
    return CXM_OK;
}

static enum cxm_status begin(enum cxm_plan_kind kind, const struct cxm_plan_options *options,
                             const void *out, struct request *r, struct cxm_error *error)
{
    *r = (struct request){ .kind = kind, .unit = kind == CXM_PLAN_NPS ? 100.0 : 1.0 };
    enum cxm_status status = cxm_priv_check_out(out, error);
    if (status == CXM_OK && !(kind >= CXM_PLAN_NPS && kind <= CXM_PLAN_MEAN))
        status = cxm_priv_fail(error, CXM_EINVAL, "kind", "there is no kind of plan %d",
                               (int)kind);
    if (status == CXM_OK)
        status = take(options, &r->o, error);
    if (status == CXM_OK)
        status = check_ways(r, error);
    if (r->o.sd != 0.0)
        r->o.variance = r->o.sd * r->o.sd;
    if (r->o.sd_b != 0.0)
        r->o.variance_b = r->o.sd_b * r->o.sd_b;
    if (status == CXM_OK && (kind == CXM_PLAN_MEAN || r->o.variance != 0.0))
        status = check_variance(r, r->o.variance, "variance", error);
    if (status == CXM_OK && r->o.variance_b != 0.0)
        status = check_variance(r, r->o.variance_b, "variance_b", error);
    if (status != CXM_OK)
        return status;
    r->variance_a = r->variance_b = r->o.variance;
    if (kind == CXM_PLAN_NPS)
        status = find_net(r, error);
    else if (kind == CXM_PLAN_SHARE)
        status = find_share(r, error);
    if (r->o.variance_b != 0.0)
        r->variance_b = r->o.variance_b;
    return status;
}

static struct cxm_plan blank(const struct request *r)
{
    return (struct cxm_plan){
        .n_exact = NAN, .n_a_exact = NAN, .n_b_exact = NAN, .margin = NAN, .difference = NAN,
        .power = NAN, .level = r->o.level, .variance_a = r->variance_a,
        .variance_b = r->variance_b, .method = (uint32_t)r->o.method,
        .unit = r->kind == CXM_PLAN_NPS ? CXM_UNIT_POINTS
              : r->kind == CXM_PLAN_SHARE ? CXM_UNIT_SHARE : CXM_UNIT_SCALE };
}

/* ---- the width of an interval --------------------------------------------------------- */

static enum cxm_status choose_method(struct request *r, struct cxm_error *error)
{
    const enum cxm_interval method = (enum cxm_interval)r->o.method;
    struct cxm_limits unused;
    enum cxm_status status = CXM_OK;
    if (method == CXM_INTERVAL_DEFAULT)
        r->o.method = r->kind == CXM_PLAN_NPS ? CXM_INTERVAL_ADJUSTED_WALD : CXM_INTERVAL_WALD;
    else if (r->kind == CXM_PLAN_MEAN)
        status = method == CXM_INTERVAL_WALD || method == CXM_INTERVAL_T ? CXM_OK
                                                                         : CXM_EUNSUPPORTED;
    else if (r->kind == CXM_PLAN_SHARE)
        status = cxm_priv_share_limits(1.0, 2.0, 0.95, method, &unused);
    else if (method == CXM_INTERVAL_BOOTSTRAP || method == CXM_INTERVAL_BCA)
        status = CXM_EUNSUPPORTED;
    else
        status = cxm_priv_net_limits(1.0, 1.0, 1.0, 0.95, method, NULL, &unused);
    if (status != CXM_OK)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, "method",
                             "no sample size for the interval %s of this kind of number",
                             cxm_interval_name(method));
    return CXM_OK;
}

static bool has_formula(const struct request *r)
{
    return r->o.method == CXM_INTERVAL_WALD || r->o.method == CXM_INTERVAL_ADJUSTED_WALD;
}

static double spare_of(const struct request *r)
{
    return r->o.method == CXM_INTERVAL_ADJUSTED_WALD ? SPARE : 0.0;
}

/* Half the width of the interval of n answers that come as expected. */
static double half_width(const struct request *r, double n)
{
    const enum cxm_interval method = (enum cxm_interval)r->o.method;
    struct cxm_limits limits = { NAN, NAN, 0 };
    if (has_formula(r))
        return cxm_priv_z(r->o.level) * sqrt(r->variance_a / (n + spare_of(r)));
    if (r->kind == CXM_PLAN_MEAN)
        return cxm_priv_t(r->o.level, n - 1.0) * sqrt(r->variance_a / n);
    if (r->kind == CXM_PLAN_SHARE)
        (void)cxm_priv_share_limits(r->share * n, n, r->o.level, method, &limits);
    else
        (void)cxm_priv_net_limits(r->net.detractors * n, r->net.passives * n,
                                  r->net.promoters * n, r->o.level, method, NULL, &limits);
    return 0.5 * (limits.upper - limits.lower);
}

/* The n at which the interval has that half width: intervals narrow as n grows. Bisection on
 * the logarithm; below one answer everything rounds up to one anyway, but t needs two. An interval
 * that is undefined (logit, when everybody answers alike) is not narrow. */
static double solve_size(const struct request *r, double margin)
{
    const bool t = r->kind == CXM_PLAN_MEAN || r->o.method == CXM_INTERVAL_WALD_T;
    double low = t ? log(1.1) : 0.0, high = log(MOST);
    if (half_width(r, exp(low)) <= margin)
        return exp(low);
    if (!(half_width(r, exp(high)) <= margin))
        return INFINITY;
    for (int step = 0; step < 100 && high - low > 1e-16 * high; step++) {
        const double half = 0.5 * (low + high);
        if (half_width(r, exp(half)) <= margin)
            high = half;
        else
            low = half;
    }
    return exp(high);
}

/* ---- answers -------------------------------------------------------------------------- */

static enum cxm_status too_many(struct cxm_error *error)
{
    return cxm_priv_fail(error, CXM_EINVAL, "n", "this takes more than 1e15 answers");
}

/* Rounded up, where a last bit above a whole number does not count; large whole ones stay. */
static int64_t whole(double n)
{
    return (int64_t)cxm_priv_whole_answers(n - fmin(1e-12 * fabs(n), 0.25));
}

/* Those to invite; INT64_MAX or so where hardly anybody answers. */
static int64_t invited(const struct request *r, int64_t n)
{
    return whole(fmin((double)n / r->o.response_rate, 9e18));
}

static enum cxm_status check_margin(const struct request *r, const char *name, double value,
                                    bool zero_allowed, struct cxm_error *error)
{
    const double most = r->kind == CXM_PLAN_NPS ? 200.0 : INFINITY;
    const double size = fabs(value);
    if (r->kind == CXM_PLAN_SHARE && size >= 1.0 && size <= 100.0) {
        char text[CXM_DOUBLE_TEXT], hint[CXM_DOUBLE_TEXT];
        cxm_priv_double_text(value, text);
        cxm_priv_double_text(value / 100.0, hint);
        return cxm_priv_fail_at(error, CXM_EINVAL, name, -1, text,
                                "%s of a share must be below 1, not %s; did you mean %s?", name,
                                text, hint);
    }
    if ((size > 0.0 || zero_allowed) && size <= most && isfinite(size))
        return CXM_OK;
    return wrong(error, name, value,
                 r->kind == CXM_PLAN_NPS ? "above 0 and at most 200 points" : "above 0");
}

enum cxm_status cxm_sample_size(enum cxm_plan_kind kind, double margin,
                                const struct cxm_plan_options *options, struct cxm_plan *out,
                                struct cxm_error *error)
{
    struct request r;
    enum cxm_status status = begin(kind, options, out, &r, error);
    if (status == CXM_OK)
        status = choose_method(&r, error);
    if (status == CXM_OK && margin < 0.0)
        status = wrong(error, "margin", margin, "above 0");
    if (status == CXM_OK)
        status = check_margin(&r, "margin", margin, false, error);
    if (status != CXM_OK)
        return status;
    const double e = margin / r.unit;
    double n = has_formula(&r) ? cxm_priv_sample_size(e, r.variance_a, r.o.level, spare_of(&r))
                               : solve_size(&r, e);
    n *= r.o.design_effect;
    if (r.o.population > 0.0 && n > 1.0)
        n = isinf(n) ? r.o.population : cxm_priv_finite_sample_size(n, r.o.population);
    if (!(n <= MOST))
        return too_many(error);
    struct cxm_plan got = blank(&r);
    got.n_exact = n;
    got.n = whole(n);
    got.invitations = invited(&r, got.n);
    got.margin = margin;
    *out = got;
    return CXM_OK;
}

enum cxm_status cxm_margin_of_error(enum cxm_plan_kind kind, double n,
                                    const struct cxm_plan_options *options,
                                    struct cxm_plan *out, struct cxm_error *error)
{
    struct request r;
    enum cxm_status status = begin(kind, options, out, &r, error);
    if (status == CXM_OK)
        status = choose_method(&r, error);
    if (status == CXM_OK)
        status = cxm_priv_check_count(n, "n", error);
    if (status == CXM_OK && n < 1.0)
        status = wrong(error, "n", n, "at least 1");
    if (status == CXM_OK && r.o.population > 0.0 && n > r.o.population)
        status = wrong(error, "n", n, "at most the population");
    if (status != CXM_OK)
        return status;
    const bool all = r.o.population > 0.0 && n >= r.o.population;
    const double plain = r.o.population > 0.0 && !all
                           ? n * ((r.o.population - 1.0) / (r.o.population - n)) : n;
    struct cxm_plan got = blank(&r);
    got.n_exact = n;
    got.n = whole(n);
    got.invitations = invited(&r, got.n);
    got.margin = all ? 0.0 : r.unit * half_width(&r, plain / r.o.design_effect);
    *out = got;
    return CXM_OK;
}

/* ---- differences ---------------------------------------------------------------------- */

/* Group a is where the difference takes it. */
static enum cxm_status place_groups(struct request *r, double difference,
                                    struct cxm_error *error)
{
    if (r->o.expected == 0.0 || r->kind == CXM_PLAN_MEAN)
        return CXM_OK;
    const double a = (r->o.expected + difference) / r->unit;
    if (!(a <= 1.0 && a >= (r->kind == CXM_PLAN_NPS ? -1.0 : 0.0)))
        return cxm_priv_fail(error, CXM_EINVAL, "difference",
                             "expected plus difference lies off the scale");
    r->variance_a = r->kind == CXM_PLAN_NPS ? (1.0 - a) * (1.0 + a) : a * (1.0 - a);
    return CXM_OK;
}

static enum cxm_status begin_two(enum cxm_plan_kind kind, const struct cxm_plan_options *options,
                                 const void *out, struct request *r, struct cxm_error *error)
{
    const enum cxm_status status = begin(kind, options, out, r, error);
    if (status != CXM_OK)
        return status;
    if (r->o.population != 0.0)
        return cxm_priv_fail(error, CXM_EINVAL, "population",
                             "a population is for describing one list of customers, not for "
                             "comparing two groups");
    if (r->o.method == CXM_INTERVAL_DEFAULT)
        r->o.method = CXM_INTERVAL_WALD;
    if (r->o.method != CXM_INTERVAL_WALD
        && !(kind == CXM_PLAN_NPS && r->o.method == CXM_INTERVAL_ADJUSTED_WALD))
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, "method",
                             "differences are planned with wald, those of NPS with adjusted-wald "
                             "too");
    return CXM_OK;
}

/* A test at `level` finds even a difference of 0 with a chance of 1 - level: no aim is below that. */
static enum cxm_status check_aim(const struct request *r, struct cxm_error *error)
{
    if (r->o.power > 1.0 - r->o.level)
        return CXM_OK;
    return wrong(error, "power", r->o.power,
                 "above 1 - level, the chance to find a difference that is not there");
}

enum cxm_status cxm_sample_size_difference(enum cxm_plan_kind kind, double difference,
                                           const struct cxm_plan_options *options,
                                           struct cxm_plan *out, struct cxm_error *error)
{
    struct request r;
    enum cxm_status status = begin_two(kind, options, out, &r, error);
    if (status == CXM_OK)
        status = check_aim(&r, error);
    if (status == CXM_OK)
        status = check_margin(&r, "difference", difference, false, error);
    if (status == CXM_OK)
        status = place_groups(&r, difference, error);
    if (status != CXM_OK)
        return status;
    const double n_a = r.o.design_effect
                     * cxm_priv_sample_size_two(difference / r.unit, r.variance_a,
                                                r.variance_b / r.o.ratio, r.o.level, r.o.power,
                                                0.0);
    struct cxm_plan got = blank(&r);
    got.n_a_exact = n_a - spare_of(&r);
    got.n_b_exact = n_a * r.o.ratio - spare_of(&r);
    got.n_exact = got.n_a_exact + got.n_b_exact;
    if (!(fabs(got.n_exact) <= MOST))
        return too_many(error);
    got.n_a = whole(got.n_a_exact);
    got.n_b = whole(got.n_b_exact);
    got.n = got.n_a + got.n_b;
    got.invitations = invited(&r, got.n);
    got.difference = difference;
    got.power = r.o.power;
    *out = got;
    return CXM_OK;
}

/* Standard error of the difference, on the scale of power.c; fills the counts of the plan. */
static enum cxm_status two_sizes(const struct request *r, double n_a, double n_b,
                                 struct cxm_plan *got, double *std_error,
                                 struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_check_count(n_a, "n_a", error);
    if (status == CXM_OK)
        status = cxm_priv_check_count(n_b, "n_b", error);
    if (status == CXM_OK && n_a < 1.0)
        status = wrong(error, "n_a", n_a, "at least 1");
    if (status == CXM_OK && n_b == 0.0) {
        n_b = fmax(1.0, n_a * r->o.ratio);
        status = cxm_priv_check_count(n_b, "n_b", error);
    }
    if (status == CXM_OK && n_b < 1.0)
        status = wrong(error, "n_b", n_b, "at least 1");
    if (status != CXM_OK)
        return status;
    got->n_a_exact = n_a;
    got->n_b_exact = n_b;
    got->n_exact = n_a + n_b;
    got->n_a = whole(n_a);
    got->n_b = whole(n_b);
    got->n = got->n_a + got->n_b;
    got->invitations = invited(r, got->n);
    *std_error = sqrt(r->o.design_effect * (r->variance_a / (n_a + spare_of(r))
                                            + r->variance_b / (n_b + spare_of(r))));
    return CXM_OK;
}

enum cxm_status cxm_power(enum cxm_plan_kind kind, double difference, double n_a, double n_b,
                          const struct cxm_plan_options *options, struct cxm_plan *out,
                          struct cxm_error *error)
{
    struct request r;
    enum cxm_status status = begin_two(kind, options, out, &r, error);
    if (status == CXM_OK)
        status = check_margin(&r, "difference", difference, true, error);
    if (status == CXM_OK)
        status = place_groups(&r, difference, error);
    if (status != CXM_OK)
        return status;
    struct cxm_plan got = blank(&r);
    double std_error = NAN;
    status = two_sizes(&r, n_a, n_b, &got, &std_error, error);
    if (status != CXM_OK)
        return status;
    got.difference = difference;
    got.power = difference == 0.0 ? 1.0 - r.o.level
                                  : cxm_priv_power(difference / r.unit, std_error, r.o.level);
    *out = got;
    return CXM_OK;
}

enum cxm_status cxm_detectable_difference(enum cxm_plan_kind kind, double n_a, double n_b,
                                          const struct cxm_plan_options *options,
                                          struct cxm_plan *out, struct cxm_error *error)
{
    struct request r;
    enum cxm_status status = begin_two(kind, options, out, &r, error);
    if (status == CXM_OK)
        status = check_aim(&r, error);
    if (status != CXM_OK)
        return status;
    struct cxm_plan got = blank(&r);
    double std_error = NAN;
    status = two_sizes(&r, n_a, n_b, &got, &std_error, error);
    if (status != CXM_OK)
        return status;
    got.difference = r.unit * std_error
                   * (cxm_priv_z(r.o.level) + cxm_priv_normal_quantile(r.o.power));
    got.power = r.o.power;
    *out = got;
    return CXM_OK;
}
