/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chandrupatla's method (1997, Advances in Engineering Software 28:145): inverse quadratic
 * interpolation where three points allow it, bisection otherwise. Never leaves the bracket. */
#include "estimate/root.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

struct bracket {
    double a, b, c;    /* b: the other side of the root; c: the point before a */
    double fa, fb, fc;
};

/* Where to look next, as a fraction of the way from a to b. */
static double next_fraction(const struct bracket *r)
{
    const double xi = (r->a - r->b) / (r->c - r->b);
    const double phi = (r->fa - r->fb) / (r->fc - r->fb);
    const bool quadratic = phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi;
    if (!quadratic)
        return 0.5;
    return r->fa / (r->fb - r->fa) * (r->fc / (r->fb - r->fc))
         + (r->c - r->a) / (r->b - r->a) * (r->fa / (r->fc - r->fa))
         * (r->fb / (r->fc - r->fb));
}

double cxm_priv_root(double (*f)(const void *context, double x), const void *context,
                     double low, double high)
{
    struct bracket r = { .a = high, .b = low, .fa = f(context, high), .fb = f(context, low) };
    double t = 0.5;
    for (int step = 0; step < 200; step++) {
        const double best = fabs(r.fa) < fabs(r.fb) ? r.a : r.b;
        const double tolerance = 2.0 * DBL_EPSILON * fabs(best) + DBL_MIN;
        const double least = tolerance / fabs(r.b - r.a);
        if (r.fa == 0.0 || r.fb == 0.0 || !(least < 0.5) || (r.fa > 0.0) == (r.fb > 0.0))
            return best;
        t = fmin(fmax(t, least), 1.0 - least);
        const double x = r.a + t * (r.b - r.a);
        const double fx = f(context, x);
        if ((fx > 0.0) == (r.fa > 0.0)) {
            r.c = r.a;
            r.fc = r.fa;
        } else {
            r.c = r.b;
            r.fc = r.fb;
            r.b = r.a;
            r.fb = r.fa;
        }
        r.a = x;
        r.fa = fx;
        t = next_fraction(&r);
    }
    return r.a;
}
