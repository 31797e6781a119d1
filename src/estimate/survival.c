/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Survival curves, their limits, quantiles and areas, from tables of times. Typical: 10 to 2 000
 * times; extreme: tens of millions. Products and sums run in double-double, so that curves end
 * within an ulp and S + sum of F = 1 holds to the last digit.
 * Kalbfleisch & Prentice, The Statistical Analysis of Failure Time Data (2002), chapters 1, 8. */
#include "estimate/survival.h"

#include <math.h>

static struct cxm_dd ratio(int64_t a, int64_t b)
{
    return cxm_priv_dd_div(cxm_priv_dd_int(a), cxm_priv_dd_int(b));
}

static struct cxm_dd product(int64_t a, int64_t b)
{
    return cxm_priv_dd_mul(cxm_priv_dd_int(a), cxm_priv_dd_int(b));
}

/* d / (n (n - d)) */
static struct cxm_dd greenwood_term(int64_t n, int64_t d)
{
    return cxm_priv_dd_div(cxm_priv_dd_int(d), product(n, n - d));
}

static void add_to(struct cxm_dd *sum, struct cxm_dd term)
{
    *sum = cxm_priv_dd_add(*sum, term);
}

void cxm_priv_survival_step(struct cxm_survival *at, const struct cxm_risk *risk)
{
    const int64_t n = risk->at_risk, d = risk->events;
    if (d == 0)
        return;
    const bool all = d == n;
    at->survival = all ? cxm_priv_dd(0) : cxm_priv_dd_mul(at->survival, ratio(n - d, n));
    at->greenwood = all ? cxm_priv_dd(INFINITY)
                        : cxm_priv_dd_add(at->greenwood, greenwood_term(n, d));
    at->std_error = at->survival.hi > 0 ? at->survival.hi * sqrt(at->greenwood.hi) : NAN;
}

void cxm_priv_nelson_aalen(const struct cxm_risk *risk, size_t n, struct cxm_survival *out)
{
    struct cxm_dd hazard = { 0, 0 }, variance = { 0, 0 };
    for (size_t i = 0; i < n; i++) {
        const int64_t r = risk[i].at_risk, d = risk[i].events;
        if (d > 0) {
            add_to(&hazard, ratio(d, r));
            add_to(&variance, cxm_priv_dd_div(cxm_priv_dd_int(d), product(r, r)));
        }
        out[i].hazard = hazard;
        out[i].hazard_variance = variance;
    }
}

/* ---- the hazard with ties broken ------------------------------------------------------ */

/* Sums of 1 / k and 1 / k^2 for n - d < k <= n. Above FEW terms far from 0 as Euler & Maclaurin's
 * differences, each written without cancellation: x^-p - y^-p from the logarithm of y / x. */
static double power_difference(double n, double log_ratio, int p)
{
    return pow(n, -p) * -expm1(-p * log_ratio); /* n^-p - m^-p, log_ratio = log(m / n) < 0 */
}

static void tied_sums(int64_t n, int64_t d, struct cxm_dd *first, struct cxm_dd *second)
{
    enum { FEW = 64 };
    int64_t low = n - d;
    for (int64_t k = n; k > low && (k <= FEW || d <= FEW); k--) {
        add_to(first, ratio(1, k));
        add_to(second, cxm_priv_dd_div(cxm_priv_dd(1), product(k, k)));
    }
    if (d <= FEW || n <= FEW)
        return;
    for (int64_t k = FEW; k > low; k--) {
        add_to(first, ratio(1, k));
        add_to(second, cxm_priv_dd_div(cxm_priv_dd(1), product(k, k)));
    }
    low = low > FEW ? low : FEW;
    const double x = (double)n;
    const double l = low < n / 2 ? log((double)low / x) : log1p(-(double)(n - low) / x);
    double one = -l, two = 0;
    one += power_difference(x, l, 1) / 2 - power_difference(x, l, 2) / 12
         + power_difference(x, l, 4) / 120 - power_difference(x, l, 6) / 252;
    two += -power_difference(x, l, 1) + power_difference(x, l, 2) / 2
         - power_difference(x, l, 3) / 6 + power_difference(x, l, 5) / 30
         - power_difference(x, l, 7) / 42;
    add_to(first, cxm_priv_dd(one));
    add_to(second, cxm_priv_dd(two));
}

void cxm_priv_tied_hazard(const struct cxm_risk *risk, size_t n, struct cxm_survival *out)
{
    struct cxm_dd hazard = { 0, 0 }, variance = { 0, 0 };
    for (size_t i = 0; i < n; i++) {
        tied_sums(risk[i].at_risk, risk[i].events, &hazard, &variance);
        out[i].hazard = hazard;
        out[i].hazard_variance = variance;
    }
}

/* ---- limits --------------------------------------------------------------------------- */

enum { BATCH = 64 };

/* Limits of S and, not as differences from 1, of 1 - S. */
struct both_limits {
    double lower, upper;           /* of S */
    double lower_rest, upper_rest; /* 1 - lower, 1 - upper */
};

static struct both_limits of_logs(double lower, double upper, bool rest)
{
    return (struct both_limits){ exp(lower), exp(upper), rest ? -expm1(lower) : NAN,
                                 rest ? -expm1(upper) : NAN };
}

static double expit(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static struct both_limits at_one(enum cxm_interval interval)
{
    const bool known = interval == CXM_INTERVAL_PLAIN || interval == CXM_INTERVAL_LOG;
    return (struct both_limits){ known ? 1 : NAN, 1, known ? 0 : NAN, 0 };
}

static double log_of(struct cxm_dd s, double rest)
{
    return s.hi > 0.5 ? log1p(-rest) : log(s.hi);
}

/* sigma: standard deviation of log S. need_rest: the limits of 1 - S are wanted too; NaN else
 * where they cost an exponential. */
static struct both_limits limits_of(struct cxm_dd s, double sigma, double z,
                                    enum cxm_interval interval, bool need_rest)
{
    const double rest = cxm_priv_dd_sub(cxm_priv_dd(1), s).hi;
    const double log_s = log_of(s, rest);
    if (!(s.hi > 0))
        return (struct both_limits){ NAN, NAN, NAN, NAN };
    if (rest == 0)
        return at_one(interval);
    switch (interval) {
    case CXM_INTERVAL_PLAIN: {
        const double h = z * s.hi * sigma;
        return (struct both_limits){ s.hi - h, s.hi + h, rest + h, rest - h };
    }
    case CXM_INTERVAL_LOG:
        return of_logs(log_s - z * sigma, log_s + z * sigma, need_rest);
    case CXM_INTERVAL_LOGIT: {
        const double x = log_s - log(rest), h = z * sigma / rest;
        return (struct both_limits){ expit(x - h), expit(x + h), expit(h - x), expit(-x - h) };
    }
    case CXM_INTERVAL_ARCSINE: {
        const double half_pi = 1.5707963267948966, x = atan2(sqrt(s.hi), sqrt(rest));
        const double h = z * 0.5 * sigma * sqrt(s.hi / rest);
        const double a = x - h > 0 ? x - h : 0, b = x + h < half_pi ? x + h : half_pi;
        return (struct both_limits){ sin(a) * sin(a), b < half_pi ? sin(b) * sin(b) : 1,
                                     cos(a) * cos(a), b < half_pi ? cos(b) * cos(b) : 0 };
    }
    default: {
        const double stretch = exp(z * sigma / -log_s);
        return of_logs(log_s * stretch, log_s / stretch, need_rest);
    }
    }
}

struct cxm_limits cxm_priv_survival_limits(const struct cxm_survival *at, double z,
                                           enum cxm_interval interval)
{
    const struct both_limits both = limits_of(at->survival, sqrt(at->greenwood.hi), z, interval,
                                              false);
    const bool inside = at->survival.hi > 0 && at->greenwood.hi > 0;
    return (struct cxm_limits){ both.lower, both.upper, inside ? 0 : CXM_FLAG_DEGENERATE };
}

/* Limits by log-log of m times, of the curve at `which` of them. Each is a chain of functions, one
 * waiting for the other: function by function, those of many times run side by side. */
static void log_log_limits(const struct cxm_survival *curve, const uint8_t *which, size_t m,
                           double z, struct cxm_limits *out)
{
    double log_s[BATCH], stretch[BATCH];
    bool ends[BATCH];
    for (size_t i = 0; i < m; i++) {
        const struct cxm_dd s = curve[which[i]].survival;
        const double rest = cxm_priv_dd_sub(cxm_priv_dd(1), s).hi;
        ends[i] = !(s.hi > 0) || rest == 0;
        log_s[i] = ends[i] ? -1 : log_of(s, rest);
        stretch[i] = ends[i] ? 0 : z * sqrt(curve[which[i]].greenwood.hi) / -log_s[i];
    }
    for (size_t i = 0; i < m; i++)
        stretch[i] = exp(stretch[i]);
    for (size_t i = 0; i < m; i++)
        out[which[i]].lower = exp(log_s[i] * stretch[i]);
    for (size_t i = 0; i < m; i++) {
        out[which[i]].upper = exp(log_s[i] / stretch[i]);
        out[which[i]].flags = curve[which[i]].greenwood.hi > 0 ? 0 : CXM_FLAG_DEGENERATE;
    }
    for (size_t i = 0; i < m; i++) {
        if (ends[i])
            out[which[i]] = cxm_priv_survival_limits(&curve[which[i]], z, CXM_INTERVAL_LOG_LOG);
    }
}

void cxm_priv_curve_limits(const struct cxm_risk *risk, const struct cxm_survival *curve, size_t n,
                           double z, enum cxm_interval interval, struct cxm_limits *out)
{
    uint8_t which[BATCH];
    for (size_t first = 0; first < n; first += BATCH) {
        const size_t end = n - first < BATCH ? n : first + BATCH;
        size_t m = 0;
        for (size_t i = first; i < end; i++) {
            which[m] = (uint8_t)(i - first);
            m += i == 0 || risk[i].events > 0;
        }
        if (interval == CXM_INTERVAL_LOG_LOG)
            log_log_limits(curve + first, which, m, z, out + first);
        for (size_t k = 0; k < m && interval != CXM_INTERVAL_LOG_LOG; k++)
            out[first + which[k]] = cxm_priv_survival_limits(&curve[first + which[k]], z, interval);
        for (size_t i = first; i < end; i++) {
            if (i > 0 && risk[i].events == 0)
                out[i] = out[i - 1];
        }
    }
}

struct cxm_limits cxm_priv_incidence_limits(const struct cxm_incidence *at, double z,
                                            enum cxm_interval interval)
{
    const struct cxm_dd rest = cxm_priv_dd_sub(cxm_priv_dd(1), at->value);
    const struct both_limits both = limits_of(rest, at->std_error / rest.hi, z, interval, true);
    const bool inside = rest.hi > 0 && at->value.hi > 0;
    return (struct cxm_limits){ both.upper_rest, both.lower_rest,
                                inside ? 0 : CXM_FLAG_DEGENERATE };
}

struct cxm_limits cxm_priv_hazard_limits(double hazard, double std_error, double z,
                                         enum cxm_interval interval)
{
    const double h = z * std_error;
    if (!(hazard > 0))
        return (struct cxm_limits){ hazard, hazard, CXM_FLAG_DEGENERATE };
    if (interval == CXM_INTERVAL_PLAIN)
        return (struct cxm_limits){ hazard - h, hazard + h, 0 };
    return (struct cxm_limits){ hazard * exp(-h / hazard), hazard * exp(h / hazard), 0 };
}

/* ---- quantiles ------------------------------------------------------------------------ */

enum which { LOWER, VALUE, UPPER };

struct reader {
    const struct cxm_risk *risk;
    const struct cxm_survival *curve;
    size_t n;
    double z;
    enum cxm_interval interval;
    const struct cxm_limits *limits; /* of the curve; NULL: worked out as needed */
};

static double height(const struct reader *r, size_t i, enum which which)
{
    if (which == VALUE)
        return r->curve[i].survival.hi;
    const struct cxm_limits limits = r->limits != NULL ? r->limits[i]
                                   : cxm_priv_survival_limits(&r->curve[i], r->z, r->interval);
    const double x = which == LOWER ? limits.lower : limits.upper;
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static double time_at(const struct reader *r, double target, enum which which)
{
    const double tolerance = 1e-12;
    size_t first = 0;
    while (first < r->n && !(height(r, first, which) <= target + tolerance))
        first++;
    if (first == r->n)
        return NAN;
    if (height(r, first, which) < target - tolerance)
        return r->risk[first].time;
    size_t next = first + 1;
    while (next < r->n && !(height(r, next, which) < target - tolerance))
        next++;
    const double end = r->risk[next < r->n ? next : r->n - 1].time;
    return r->risk[first].time + (end - r->risk[first].time) / 2;
}

struct cxm_survival_quantile
cxm_priv_survival_quantile(const struct cxm_risk *risk, const struct cxm_survival *curve,
                           const struct cxm_limits *known, size_t n, double p, double z,
                           enum cxm_interval interval)
{
    const struct reader r = { risk, curve, n, z, interval, known };
    const bool limits = interval != CXM_INTERVAL_NONE;
    return (struct cxm_survival_quantile){ time_at(&r, 1 - p, VALUE),
                                           limits ? time_at(&r, 1 - p, LOWER) : NAN,
                                           limits ? time_at(&r, 1 - p, UPPER) : NAN };
}

/* ---- the restricted mean -------------------------------------------------------------- */

static struct cxm_dd strip(struct cxm_dd height, double from, double to)
{
    return cxm_priv_dd_mul(height, cxm_priv_dd_sub(cxm_priv_dd(to), cxm_priv_dd(from)));
}

struct cxm_restricted_mean cxm_priv_restricted_mean(const struct cxm_risk *risk,
                                                    const struct cxm_survival *curve, size_t n,
                                                    double tau)
{
    struct cxm_dd area = { 0, 0 }, variance = { 0, 0 };
    double end = tau;
    size_t i = n;
    while (i > 0 && risk[i - 1].time > tau)
        i--;
    for (; i > 0; i--) {
        const struct cxm_risk *at = &risk[i - 1];
        area = cxm_priv_dd_add(area, strip(curve[i - 1].survival, at->time, end));
        if (at->events > 0 && at->events < at->at_risk)
            add_to(&variance, cxm_priv_dd_mul(cxm_priv_dd_mul(area, area),
                                              greenwood_term(at->at_risk, at->events)));
        end = at->time;
    }
    area = cxm_priv_dd_add(area, strip(cxm_priv_dd(1), 0, end));
    return (struct cxm_restricted_mean){ area.hi, sqrt(variance.hi) };
}

/* ---- competing risks ------------------------------------------------------------------ */

/* With D_i = F(t) - F(t_i): V = sum D_i^2 g_i + sum b_i - 2 sum D_i c_i, g = d / (n (n - d)),
 * b = S'^2 d_k (n - d_k) / n^3, c = S' d_k / n^2. Sums of g, g F, g F^2, b, c, c F give it at
 * every t in constant time; what cancels is left of 106 bits. */
struct carried {
    struct cxm_dd g, gf, gff, b, c, cf;
};

static double carried_error(const struct carried *s, struct cxm_dd f)
{
    struct cxm_dd v = cxm_priv_dd_mul(cxm_priv_dd_mul(f, f), s->g);
    const struct cxm_dd twice = cxm_priv_dd_mul(f, cxm_priv_dd_add(s->gf, s->c));
    v = cxm_priv_dd_sub(v, cxm_priv_dd_add(twice, twice));
    v = cxm_priv_dd_add(v, cxm_priv_dd_add(s->gff, s->b));
    v = cxm_priv_dd_add(v, cxm_priv_dd_add(s->cf, s->cf));
    return v.hi > 0 ? sqrt(v.hi) : 0;
}

void cxm_priv_aalen_johansen(const struct cxm_risk *risk, const int64_t *events, size_t n,
                             struct cxm_incidence *out)
{
    struct carried sums = { 0 };
    struct cxm_incidence at = { { 0, 0 }, 0 };
    struct cxm_dd before = { 1, 0 }; /* S(t-) */
    for (size_t i = 0; i < n; i++) {
        const int64_t r = risk[i].at_risk, d = risk[i].events, k = events[i];
        if (d > 0) {
            const struct cxm_dd jump = cxm_priv_dd_mul(before, ratio(k, r));
            at.value = cxm_priv_dd_add(at.value, jump);
            const struct cxm_dd g = d < r ? greenwood_term(r, d) : cxm_priv_dd(0);
            const struct cxm_dd gf = cxm_priv_dd_mul(g, at.value);
            const struct cxm_dd c = cxm_priv_dd_div(jump, cxm_priv_dd_int(r));
            const struct cxm_dd b = cxm_priv_dd_mul(cxm_priv_dd_mul(before, c), ratio(r - k, r));
            add_to(&sums.g, g);
            add_to(&sums.gf, gf);
            add_to(&sums.gff, cxm_priv_dd_mul(gf, at.value));
            add_to(&sums.b, b);
            add_to(&sums.c, c);
            add_to(&sums.cf, cxm_priv_dd_mul(c, at.value));
            before = d < r ? cxm_priv_dd_mul(before, ratio(r - d, r)) : cxm_priv_dd(0);
            at.std_error = carried_error(&sums, at.value);
        }
        out[i] = at;
    }
}
