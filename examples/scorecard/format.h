/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers as the scorecard prints them, each a new string. */
#ifndef SCORECARD_FORMAT_H
#define SCORECARD_FORMAT_H

#include <cxm/cxm.h>

/** A share as percent, anything else as it is. */
double shown_number(uint32_t unit, double number);
/** "41.2", "83.1 %", "-" when it is undefined. */
char *value_text(const struct cxm_estimate *e);
/** "[36.0, 46.2]" */
char *interval_text(const struct cxm_estimate *e);
/** "12 345" */
char *count_text(int64_t count);

#endif
