/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Maximum likelihood by Newton's method with Levenberg's damping, on the logarithms of positive
 * parameters. The Hessian is taken from central differences of the analytic gradient (error about
 * 1e-9 relative), so that the maximum itself is as exact as the gradient. A step is at most 2 in
 * any logarithm; parameters beyond e^30 or below e^-30 mean that the likelihood rises towards the
 * boundary: that is reported as no convergence, never as a number. (Nocedal & Wright 2006, ch. 3) */
#include "estimate/fit.h"

#include <math.h>
#include <string.h>

enum { MOST_STEPS = 200, MOST_DAMPINGS = 40 };

static const double widest = 30, longest_step = 2;

typedef double square[CXM_FIT_MOST][CXM_FIT_MOST];

/* Lower Cholesky factor of a + damping * diag; false: not positive definite. */
static bool factor(int n, square a, double damping, square out)
{
    for (int i = 0; i < n; i++) {
        for (int j = 0; j <= i; j++) {
            double sum = a[i][j] + (i == j ? damping : 0);
            for (int k = 0; k < j; k++)
                sum -= out[i][k] * out[j][k];
            if (i == j && !(sum > 1e-12 * (fabs(a[i][i]) + damping)))
                return false;
            out[i][j] = i == j ? sqrt(sum) : sum / out[j][j];
        }
    }
    return true;
}

static void solve(int n, square lower, const double *right, double *x)
{
    for (int i = 0; i < n; i++) {
        x[i] = right[i];
        for (int k = 0; k < i; k++)
            x[i] -= lower[i][k] * x[k];
        x[i] /= lower[i][i];
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++)
            x[i] -= lower[k][i] * x[k];
        x[i] /= lower[i][i];
    }
}

/* Minus the Hessian. */
static void information(cxm_likelihood f, const void *context, int n, const double *theta,
                        square out)
{
    static const double h = 1e-4;
    double point[CXM_FIT_MOST], up[CXM_FIT_MOST], down[CXM_FIT_MOST], unused;
    memcpy(point, theta, (size_t)n * sizeof *theta);
    for (int j = 0; j < n; j++) {
        point[j] = theta[j] + h;
        f(context, point, &unused, up);
        point[j] = theta[j] - h;
        f(context, point, &unused, down);
        point[j] = theta[j];
        for (int i = 0; i < n; i++)
            out[i][j] = -(up[i] - down[i]) / (2 * h);
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++)
            out[i][j] = out[j][i] = (out[i][j] + out[j][i]) / 2;
    }
}

static double largest(int n, const double *x)
{
    double most = 0;
    for (int i = 0; i < n; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

static void invert(int n, square lower, square out)
{
    for (int j = 0; j < n; j++) {
        double unit[CXM_FIT_MOST] = { 0 }, column[CXM_FIT_MOST];
        unit[j] = 1;
        solve(n, lower, unit, column);
        for (int i = 0; i < n; i++)
            out[i][j] = column[i];
    }
}

/* One damped step from fit->theta; false: no step improves. */
static bool advance(cxm_likelihood f, const void *context, int n, square minus_hessian,
                    const double *gradient, struct cxm_fit *fit)
{
    double damping = 0, step[CXM_FIT_MOST], theta[CXM_FIT_MOST], value, unused[CXM_FIT_MOST];
    double scale = 0;
    square lower;
    for (int i = 0; i < n; i++)
        scale = fmax(scale, fabs(minus_hessian[i][i]));
    for (int tries = 0; tries < MOST_DAMPINGS; tries++) {
        if (factor(n, minus_hessian, damping, lower)) {
            solve(n, lower, gradient, step);
            const double longest = largest(n, step);
            const double shrink = longest > longest_step ? longest_step / longest : 1;
            for (int i = 0; i < n; i++)
                theta[i] = fit->theta[i] + shrink * step[i];
            f(context, theta, &value, unused);
            if (value >= fit->value) {
                memcpy(fit->theta, theta, (size_t)n * sizeof *theta);
                fit->value = value;
                return true;
            }
        }
        damping = damping > 0 ? 4 * damping : 1e-4 * (scale > 0 ? scale : 1);
    }
    return false;
}

static struct cxm_fit climb(cxm_likelihood f, const void *context, int n, const double *start)
{
    struct cxm_fit fit = { .converged = false };
    double gradient[CXM_FIT_MOST], step[CXM_FIT_MOST];
    square minus_hessian, lower;
    memcpy(fit.theta, start, (size_t)n * sizeof *start);
    for (; fit.iterations < MOST_STEPS; fit.iterations++) {
        f(context, fit.theta, &fit.value, gradient);
        information(f, context, n, fit.theta, minus_hessian);
        if (!isfinite(fit.value) || largest(n, fit.theta) > widest)
            break;
        if (factor(n, minus_hessian, 0, lower)) {
            solve(n, lower, gradient, step);
            if (largest(n, step) < 1e-9) {
                fit.converged = true;
                for (int i = 0; i < n; i++)
                    fit.theta[i] += step[i];
                f(context, fit.theta, &fit.value, gradient);
                invert(n, lower, fit.covariance);
                break;
            }
        }
        if (!advance(f, context, n, minus_hessian, gradient, &fit))
            break;
    }
    return fit;
}

struct cxm_fit cxm_priv_maximise(cxm_likelihood f, const void *context, int n,
                                 const double *starts, int n_starts)
{
    struct cxm_fit best = { .value = -INFINITY };
    for (int s = 0; s < n_starts; s++) {
        const struct cxm_fit fit = climb(f, context, n, starts + s * n);
        const bool better = fit.converged == best.converged ? fit.value > best.value
                                                            : fit.converged;
        if (s == 0 || better)
            best = fit;
    }
    for (int i = 0; i < n && !best.converged; i++) {
        for (int j = 0; j < n; j++)
            best.covariance[i][j] = NAN;
    }
    return best;
}

double cxm_priv_fit_variance(const struct cxm_fit *fit, int n, const double *gradient)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            sum += gradient[i] * fit->covariance[i][j] * gradient[j];
    }
    return sum < 0 ? 0 : sum;
}
