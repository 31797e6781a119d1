/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Survival curves and cohort triangles, drawn with characters below the numbers of a card. */
#ifndef SCORECARD_CURVE_H
#define SCORECARD_CURVE_H

#include "card.h"

/** The curves of a table of the metric "survival": one for all, or one a group. */
void curve_print(const struct card *card, const struct table *table,
                 const struct options *options);

#endif
