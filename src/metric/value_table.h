/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tables of values with their numbers, as quantiles are read from them. */
#ifndef CXM_SRC_VALUE_TABLE_H
#define CXM_SRC_VALUE_TABLE_H

#include "metric/metric.h"

/* The number at the end of an entry's key. */
double cxm_priv_table_number(const struct cxm_table *values, uint32_t entry);

/* The order statistics of ranks, which ascend and count from 0: out[i] = x[ranks[i]]. Entries are
 * sorted. Ranks beyond the rows give NaN. */
void cxm_priv_table_statistics(const struct cxm_table *values, const uint32_t *entries, size_t n,
                               const int64_t *ranks, size_t n_ranks, double *out);

/* Do the entries of the table go with the rows that the groups count? One counter, numbers of
 * [low, high]. */
bool cxm_priv_numbers_are_sound(const struct cxm_tally *tally, const uint32_t *order, double low,
                                double high);

#endif
