/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A root between two points of opposite sign, without any of GSL's ways to fail. */
#ifndef CXM_SRC_ESTIMATE_ROOT_H
#define CXM_SRC_ESTIMATE_ROOT_H

/* A root of f in [low, high], to the last bits. The signs at the ends differ (a zero end is
 * its own root); when they do not, the end with the smaller |f| is returned. */
double cxm_priv_root(double (*f)(const void *context, double x), const void *context,
                     double low, double high);

#endif
