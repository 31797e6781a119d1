/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sums of the influences z = sum_i a_i v_i + c_bin of a form over rows: see design_sums.c. */
#ifndef CXM_SRC_METRIC_DESIGN_SUMS_H
#define CXM_SRC_METRIC_DESIGN_SUMS_H

#include "metric/design.h"

/* sum w z over the rows of a view, and the size of its parts (NULL: not wanted); `rounded`: of sums that
 * were rounded before. */
struct cxm_dd cxm_priv_form_total(const struct cxm_view *view, const struct cxm_form *form,
                                  bool rounded, double *size);
/* sum w^p z^2: p = 2, squares of influences; p = 1, their weighted variance. */
struct cxm_dd cxm_priv_form_squares(const struct cxm_view *view, const struct cxm_form *form, int p);
/* Fills view->domain->sums; returns how many units have rows of the group. */
size_t cxm_priv_form_sums(const struct cxm_view *view, const struct cxm_form *form);

#endif
