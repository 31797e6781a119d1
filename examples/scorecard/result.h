/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Results of a card, and the two ways to show them. */
#ifndef SCORECARD_RESULT_H
#define SCORECARD_RESULT_H

#include "card.h"

/** The measures of a table that are shown. */
struct measures {
    struct cxm_measure *all;
    size_t n_all;
    uint32_t *shown;        /* indexes into all */
    size_t n_shown;
};

/** Those asked for in the section, else the default ones. */
struct measures measures_choose(const struct card *card, const struct table *table);
void measures_free(struct measures *measures);

/**
 * Estimates of some groups, each with some measures in that order.
 * @param groups  NULL: all groups of the table in sorted order
 */
struct cxm_row *results_get(const struct card *card, const struct table *table,
                            const int64_t *groups, size_t n_groups, const uint32_t *measures,
                            size_t n_measures, size_t *n_rows);

/** The value of one key as text to print, such as "EMEA" or "2025-03"; NULL when it is missing. */
char *key_text(const struct table *table, int64_t group, size_t key);

/** Days since 1970-01-01 as 2025-03-31. */
char *key_day(int64_t days);

/** Names of the flags with a text between them; "" without flags. */
char *flag_names(uint32_t flags, const char *between);

/** Prints the cards as tables with bars (print.c). */
void cards_print(const struct cards *cards);
/** Prints one JSON object a line for every group and measure (json.c). */
void cards_print_json(const struct cards *cards);

#endif
