/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the calls that read a tally share: its measures by number, and what was asked for. */
#ifndef CXM_SRC_READING_H
#define CXM_SRC_READING_H

#include "metric/design.h"
#include "metric/metric.h"

/* ---- measures (measures.c) ------------------------------------------------------------ */

/* Everything that a call needs to know of a tally: the values of its key table in order, and
 * the merged cell of all groups when the total was asked for. */
struct cxm_reading {
    struct cxm_tally *tally;
    const struct cxm_metric *metric;
    struct cxm_dict values;  /* distinct values, without the groups */
    uint32_t *values_order;
    struct cxm_tally *total; /* all groups merged */
    uint32_t *numbers;       /* where the rule makes the values: their order in the tally, */
    uint32_t *total_numbers; /* and in the total */
    struct cxm_designed *design; /* of a tally with a sampling design: its groups */
    struct cxm_designed *whole;  /* all its groups merged, which stand in another order */
    const struct cxm_estimate_options *options;
};

enum cxm_status cxm_priv_reading_init(struct cxm_reading *r, struct cxm_tally *tally,
                                      struct cxm_error *error);
void cxm_priv_reading_release(struct cxm_reading *r);
/* The key table's entries in order; NULL: out of memory. */
uint32_t *cxm_priv_sort_values(const struct cxm_tally *tally);
uint32_t cxm_priv_count_measures(const struct cxm_reading *r);
uint32_t cxm_priv_count_members(const struct cxm_reading *r, int family);
/* Family and member of a measure by its number; -1: there is none. */
int cxm_priv_find_measure(const struct cxm_reading *r, uint32_t measure, uint32_t *member);
/* "share[k]" becomes "share[7]"; a name that is too long ends in "…]". */
void cxm_priv_measure_name(const struct cxm_reading *r, int family, uint32_t member,
                           struct cxm_measure *out);

/* ---- one group (group_view.c) ------------------------------------------------------------ */

enum cxm_status cxm_priv_group_view(struct cxm_reading *r, int64_t group, enum cxm_lonely lonely,
                                    struct cxm_view *view, struct cxm_error *error);
/* The cell of one value within the group of a view. */
enum cxm_status cxm_priv_view_find_value(const struct cxm_reading *r, struct cxm_view *view,
                                         int64_t group, uint32_t member,
                                         struct cxm_error *error);
/* Is one of the group's keys missing? */
bool cxm_priv_is_missing_group(const struct cxm_reading *r, int64_t group);

/* ---- what was asked for (asked.c) -------------------------------------------------- */

/* A measure that was asked for. */
struct cxm_chosen {
    uint32_t measure, member;
    int family;
    const struct cxm_estimator *estimator;
    struct cxm_ask ask; /* `critical` is set by who estimates */
};

/* What was asked for, checked: the measures by number, and how many groups. */
struct cxm_asked {
    struct cxm_estimate_options options;
    struct cxm_reading reading;
    struct cxm_chosen *measures;
    size_t n_measures, n_groups;
};

enum cxm_status cxm_priv_asked_init(struct cxm_asked *a, struct cxm_tally *tally,
                                    const struct cxm_estimate_options *options, size_t capacity,
                                    struct cxm_error *error);
void cxm_priv_asked_release(struct cxm_asked *a);
/* n_groups * n_measures estimates, by group (estimate.c). `captures`: one a group, or NULL. */
enum cxm_status cxm_priv_asked_estimate(struct cxm_asked *a, struct cxm_estimate *out,
                                        struct cxm_capture *captures, struct cxm_error *error);

#endif
