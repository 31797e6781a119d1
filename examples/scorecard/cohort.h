/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cohorts need all events of a customer at once: a section [cohorts] keeps its two columns until
 * the file is read, and becomes a tally then. */
#ifndef SCORECARD_COHORT_H
#define SCORECARD_COHORT_H

#include "bind.h"

/** Binds customer, time, as_of and the rules of the matrix; makes the only table. */
void cohort_bind(struct card *card, const struct binding *binding);
/** Keeps the events of the current chunk. */
void cohort_take(struct card *card);
/** Makes the tally of the events that were kept. */
void cohort_finish(struct card *card);
void cohort_free(struct events *events);

/** The triangle: a row a cohort, a column a period. */
void cohort_print(const struct card *card, const struct options *options);

#endif
