/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Special functions of the lifetime models.
 *
 * log Gamma from Stirling's formula with the exact error term of beta.c; digamma by recurrence
 * up to 10, then its asymptotic series (Abramowitz & Stegun 6.3.18); 2F1 for a = 1 by Gauss's
 * continued fraction (Cuyt et al. 2008, 15.3), whose convergence slows only as the square root of
 * 1 - z. GSL's own 2F1 may raise on ordinary data. */
#include "estimate/special.h"

#include "estimate/beta.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

double cxm_priv_log_gamma(double a)
{
    static const double half_log_2pi = 0.91893853320467274178;
    return (a - 0.5) * log(a) - a + half_log_2pi + cxm_priv_stirling_error(a);
}

double cxm_priv_digamma(double a)
{
    double below = 0;
    while (a < 10) {
        below += 1 / a;
        a += 1;
    }
    const double u = 1 / (a * a);
    const double series = u * (1.0 / 12 - u * (1.0 / 120 - u * (1.0 / 252 - u * (1.0 / 240
        - u * (1.0 / 132 - u * (691.0 / 32760 - u * (1.0 / 12)))))));
    return log(a) - 0.5 / a - series - below;
}

double cxm_priv_log_beta(double a, double b)
{
    return cxm_priv_log_gamma(a) + cxm_priv_log_gamma(b) - cxm_priv_log_gamma(a + b);
}

double cxm_priv_hyper_2f1_one(double b, double c, double z)
{
    /* 1 / (1 - c1 z / (1 - c2 z / (1 - …))), by the modified Lentz method. */
    static const double tiny = 1e-300;
    if (z == 0)
        return 1;
    double f = tiny, upper = f, lower = 0;
    for (int32_t k = 0; k < 1 << 24; k++) {
        const int32_t j = k / 2;
        const double part = k == 0 ? 1
            : k % 2 == 1 ? -(b + j) * (c - 1 + j) / ((c - 1 + 2.0 * j) * (c + 2.0 * j)) * z
            : -(double)j * (c - b - 1 + j) / ((c - 2 + 2.0 * j) * (c - 1 + 2.0 * j)) * z;
        lower = 1 + part * lower;
        lower = 1 / (lower == 0 ? tiny : lower);
        upper = 1 + part / upper;
        if (upper == 0)
            upper = tiny;
        const double step = upper * lower;
        f *= step;
        if (k > 0 && fabs(step - 1) < DBL_EPSILON)
            return f;
    }
    return NAN;
}
