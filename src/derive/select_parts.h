/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The road of selection for many groups, or few rows: for select.c. */
#ifndef CXM_SRC_SELECT_PARTS_H
#define CXM_SRC_SELECT_PARTS_H

#include "derive/select_rows.h"

/* Deals the rows out, counts n, missing and invalid of all groups. NO_MEMORY, or BAD: *bad_row is the lowest
 * invalid row. */
enum cxm_sample_result cxm_priv_parts_count(struct cxm_selection *s, int64_t *bad_row);
/* Ranks of ascending groups. False: out of memory. */
bool cxm_priv_parts_values(const struct cxm_selection *s, const uint32_t *groups,
                           const int64_t *ranks, size_t n, double *out);
void cxm_priv_parts_release(struct cxm_selection *s);

#endif
