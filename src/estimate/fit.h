/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Maximum likelihood for a few positive parameters. */
#ifndef CXM_SRC_ESTIMATE_FIT_H
#define CXM_SRC_ESTIMATE_FIT_H

#include <stdbool.h>

enum { CXM_FIT_MOST = 4 };

/* The log-likelihood at theta = log(parameters) and its gradient there. */
typedef void (*cxm_likelihood)(const void *context, const double *theta, double *value,
                               double *gradient);

struct cxm_fit {
    double theta[CXM_FIT_MOST];
    double covariance[CXM_FIT_MOST][CXM_FIT_MOST]; /* of theta: inverse observed information */
    double value;
    int iterations;
    bool converged;
};

/* Damped Newton from several starts (n_starts rows of n numbers); the best that converged, else
 * the best that was seen with `converged` false and the covariance NaN. n <= CXM_FIT_MOST. */
struct cxm_fit cxm_priv_maximise(cxm_likelihood f, const void *context, int n,
                                 const double *starts, int n_starts);

/* The variance of a smooth function with that gradient in theta. */
double cxm_priv_fit_variance(const struct cxm_fit *fit, int n, const double *gradient);

#endif
