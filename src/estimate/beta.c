/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Beta and gamma tails and quantiles for shapes from fractions up to about 1e15. GSL's own fail
 * here: gsl_cdf_beta_Pinv(0.025, 1e6, 1e6) does not return, (0.975, 6001, 14000) is NaN.
 *
 * Tail: x^a y^b / B(a, b) comes from deviances and Stirling's error (Loader 2000, "Fast and
 * accurate computation of binomial probabilities"), which keeps its digits at any size. It is
 * multiplied by a continued fraction (Didonato & Morris 1992, ACM TOMS 18:360, eq. 9) when one
 * shape is small, otherwise by Gauss-Legendre quadrature of the density's ratio to its value
 * at x: smooth, log-concave, at a cost that does not grow with the sample. Only the tail on the
 * far side of the mean is computed, so small tails have full relative accuracy.
 *
 * Quantile: Newton on log tail against log x, kept inside a shrinking bracket, in whichever of
 * x and 1 - x is the smaller one.
 *
 * A gamma is a beta with a second shape beyond all bounds: with b = 2^200, b X has the gamma
 * distribution up to a relative error of about a^2 / b, far below double precision. */
#include "estimate/beta.h"

#include "base/dd.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

#define TWO_PI 6.283185307179586476925
#define GAMMA_SCALE 0x1p200

double cxm_priv_log1pmx(double u)
{
    if (u < -0.5 || u > 1.0)
        return log1p(u) - u;
    /* 2 atanh(r) - u with r = u / (2 + u): the leading terms cancel by hand. */
    const double r = u / (2.0 + u);
    const double r2 = r * r;
    double sum = 0.0;
    double power = r2;
    for (double k = 3.0; k < 60.0 && sum + power / k > sum; k += 2.0) {
        sum += power / k;
        power *= r2;
    }
    return r * (2.0 * sum - u);
}

double cxm_priv_stirling_error(double a)
{
    double sum = 0.0;
    for (; a < 10.0; a += 1.0)
        sum += (a + 0.5) * log1p(1.0 / a) - 1.0;
    const double r = 1.0 / (a * a);
    const double series =
        1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r * (1.0 / 1188
            - r * (691.0 / 360360 - r * (1.0 / 156 - r * 3617.0 / 122400))))));
    return sum + series / a;
}

double cxm_priv_log_poisson(double x, double m)
{
    if (x == 0.0)
        return -m;
    const double u = (m - x) / x;
    return x * (u < -0.5 ? log(m / x) - u : cxm_priv_log1pmx(u)) - cxm_priv_stirling_error(x)
         - 0.5 * log(TWO_PI * x);
}

/* log(x n / a) - u with u = x n / a - 1: what one shape adds to the deviance. */
static double deviance(double u, double x, double a, double n)
{
    return fabs(u) <= 0.5 ? cxm_priv_log1pmx(u) : log(x / a * n) - u;
}

/* x^a y^b / B(a, b) */
static double power_term(double a, double b, double x, double y)
{
    const double n = a + b;
    const double gap = cxm_priv_difference_of_products(b, x, a, y);
    const double exponent = a * deviance(gap / a, x, a, n) + b * deviance(-gap / b, y, b, n)
                          + cxm_priv_stirling_error(n) - cxm_priv_stirling_error(a)
                          - cxm_priv_stirling_error(b);
    return sqrt(a * (b / n) / TWO_PI) * exp(exponent);
}

/* I_x(a, b) / power_term for x below the mean, by the modified Lentz algorithm. */
static double tail_fraction(double a, double b, double x, double y)
{
    const double gap = cxm_priv_difference_of_products(a, y, b, x);
    double value = a * (gap + 1.0) / (a + 1.0);
    double c = value;
    double d = 0.0;
    for (double m = 1.0; m < 100000.0; m += 1.0) {
        const double below = a + 2.0 * m - 1.0;
        const double top = ((a + m - 1.0) / below) * ((a + b + m - 1.0) / below * x)
                         * ((b - m) * x) * m;
        const double bottom = m + m * ((b - m) * x) / below
                            + (a + m) * (gap + 1.0 + m * (1.0 + y)) / (a + 2.0 * m + 1.0);
        d = 1.0 / (bottom + top * d);
        c = bottom + top / c;
        value *= c * d;
        if (fabs(c * d - 1.0) <= DBL_EPSILON)
            break;
    }
    return 1.0 / value;
}

static const struct node {
    double at, weight;
} nodes[8] = { /* Gauss-Legendre, 16 points on [-1, 1] */
    { 0.0950125098376374402, 0.189450610455068496 }, { 0.281603550779258913, 0.182603415044923589 },
    { 0.458016777657227386, 0.169156519395002538 }, { 0.617876244402643748, 0.149595988816576732 },
    { 0.755404408355003034, 0.124628971255533872 }, { 0.865631202387831744, 0.0951585116824927848 },
    { 0.944575023073232576, 0.0622535239386478929 }, { 0.989400934991649933, 0.0271524594117540949 },
};

/* The density at x - w over the density at x. `slope` is the log density's derivative at x. */
static double density_ratio(double a, double b, double x, double y, double slope, double w)
{
    return exp(-slope * w + (a - 1.0) * cxm_priv_log1pmx(-w / x)
               + (b - 1.0) * cxm_priv_log1pmx(w / y));
}

/* I_x(a, b) / power_term for x below the mean and both shapes large: the integral over w from
 * 0 to where the ratio is below e^-45 (60 in the quadratic that bounds it, for the skew). */
static double tail_integral(double a, double b, double x, double y)
{
    enum { PANELS = 6 };
    const double slope = cxm_priv_difference_of_products(a - 1.0, y, b - 1.0, x) / (x * y);
    const double curvature = (a - 1.0) / (x * x) + (b - 1.0) / (y * y);
    double width = 120.0 / (slope + sqrt(slope * slope + 120.0 * curvature));
    if (width > x)
        width = x;
    const double half = 0.5 * width / PANELS;
    double sum = 0.0;
    for (int panel = PANELS - 1; panel >= 0; panel--) {
        const double centre = (2 * panel + 1) * half;
        for (int i = 0; i < 8; i++)
            sum += nodes[i].weight
                 * (density_ratio(a, b, x, y, slope, centre - half * nodes[i].at)
                    + density_ratio(a, b, x, y, slope, centre + half * nodes[i].at));
    }
    return sum * half / (x * y);
}

/* I_x(a, b) for x below the mean, and the power term it is built on. */
static double near_tail(double a, double b, double x, double y, double power)
{
    const bool large = a > 500.0 && b > 500.0;
    if (power == 0.0)
        return 0.0;
    return power * (large ? tail_integral(a, b, x, y) : tail_fraction(a, b, x, y));
}

static double lower_with_power(double a, double b, double x, double y, double power)
{
    if (cxm_priv_difference_of_products(b, x, a, y) <= 0.0)
        return near_tail(a, b, x, y, power);
    return 1.0 - near_tail(b, a, y, x, power);
}

double cxm_priv_beta_lower(double a, double b, double x, double y)
{
    assert(a > 0.0 && b > 0.0);
    if (!(x > 0.0))
        return 0.0;
    if (!(y > 0.0))
        return 1.0;
    return lower_with_power(a, b, x, y, power_term(a, b, x, y));
}

/* What a quantile solves, and how to move along it. */
struct equation {
    double a, b;
    bool mid;
};

/* The tail at x, and x y times its derivative in x. */
static double tail_at(const struct equation *e, double x, double y, double *slope)
{
    const double power = power_term(e->a, e->b, x, y);
    const double tail = lower_with_power(e->a, e->b, x, y, power);
    *slope = power;
    if (!e->mid)
        return tail;
    /* I_x(a + 1, b - 1) is less by the probability of the observed count. */
    *slope = 0.5 * power * (1.0 + x / y * (e->b - 1.0) / e->a);
    return tail - 0.5 * power / (e->a * y);
}

/* The point of Wilson's score interval on the wanted side: always inside (0, 1). */
static struct cxm_beta_point first_guess(double a, double b)
{
    const double z2 = 3.84;
    const double n = a + b;
    const double root = sqrt(z2 * (a * (b / n) + 0.25 * z2));
    return (struct cxm_beta_point){ a * (a / n) / (a + 0.5 * z2 + root),
                                    (b + 0.5 * z2 + root) / (n + z2) };
}

static struct cxm_beta_point solve(const struct equation *e, double p)
{
    double slope;
    /* Solve for whichever of x and 1 - x is below 1/2 at the root. */
    const bool in_x = tail_at(e, 0.5, 0.5, &slope) >= p;
    const struct cxm_beta_point guess = first_guess(e->a, e->b);
    double low = DBL_MIN;
    double high = 0.5 + 1e-6; /* room for a root at 1/2 itself */
    double v = in_x ? guess.x : guess.y;
    for (int step = 0; step < 200; step++) {
        if (!(v > low && v < high)) {
            v = sqrt(low) * sqrt(high);
            if (!(v > low && v < high))
                break;
        }
        const double x = in_x ? v : 1.0 - v;
        const double tail = tail_at(e, x, in_x ? 1.0 - v : v, &slope);
        if ((tail < p) == in_x)
            low = v;
        else
            high = v;
        const double rate = (in_x ? slope / (1.0 - v) : -slope / (1.0 - v)) / tail;
        const double move = -log(tail / p) / rate;
        v *= exp(move); /* NaN or outside the bracket: the next turn bisects */
        if (fabs(move) < 1e-10)
            break; /* the error of the next step is the square of this one */
    }
    if (v <= 2.0 * DBL_MIN)
        v = 0.0;
    return in_x ? (struct cxm_beta_point){ v, 1.0 - v } : (struct cxm_beta_point){ 1.0 - v, v };
}

struct cxm_beta_point cxm_priv_beta_quantile(double a, double b, double p)
{
    assert(a > 0.0 && b > 0.0 && p > 0.0 && p < 1.0);
    return solve(&(struct equation){ .a = a, .b = b }, p);
}

struct cxm_beta_point cxm_priv_beta_quantile_mid(double a, double b, double p)
{
    assert(a > 0.0 && b >= 1.0 && p > 0.0 && p < 1.0);
    return solve(&(struct equation){ .a = a, .b = b, .mid = true }, p);
}

double cxm_priv_gamma_lower(double a, double x)
{
    const double scaled = x / GAMMA_SCALE;
    return cxm_priv_beta_lower(a, GAMMA_SCALE, scaled, 1.0 - scaled);
}

double cxm_priv_gamma_upper(double a, double x)
{
    const double scaled = x / GAMMA_SCALE;
    return cxm_priv_beta_lower(GAMMA_SCALE, a, 1.0 - scaled, scaled);
}

double cxm_priv_gamma_lower_quantile(double a, double p)
{
    return GAMMA_SCALE * cxm_priv_beta_quantile(a, GAMMA_SCALE, p).x;
}

double cxm_priv_gamma_upper_quantile(double a, double p)
{
    return GAMMA_SCALE * cxm_priv_beta_quantile(GAMMA_SCALE, a, p).y;
}
