/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the two files that bind a section to a metric share. */
#ifndef SCORECARD_BIND_H
#define SCORECARD_BIND_H

#include "card.h"

/** A section while it is bound. */
struct binding {
    const struct config *config;
    struct section *section;
    const struct cxm_metric_info *metric;
    struct source *source;
    bool strict;               /* invalid = error */
};

/** The entry of the section, else of [scorecard], else NULL. */
struct entry *binding_find(const struct binding *binding, const char *key);

/** Ends the program with the line of the entry. */
__attribute__((noreturn)) void
binding_fail(const struct binding *binding, const struct entry *entry, const char *problem);

/** Which of these words the entry is; none ends the program. */
size_t binding_choice(const struct binding *binding, const struct entry *entry,
                      const char *const *choices);

/** Takes utc_offset over into the rule, where there is one. */
void binding_offset(const struct binding *binding, struct cell_rule *rule);

/** Binds all inputs of the metric, in the order of the registry; gives back the items. */
struct words bind_inputs(struct card *card, const struct binding *binding);

/** Makes one table for each way to group the rows, at least one. */
void bind_tables(struct card *card, const struct binding *binding);

#endif
