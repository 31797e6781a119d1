/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One measure in the groups of one tally: what comparisons of groups, league tables and trends
 * begin with. */
#ifndef CXM_SRC_GROUPED_H
#define CXM_SRC_GROUPED_H

#include "analysis/comparing.h"

enum { CXM_GROUPED_MOST_PAIRS = 500, CXM_GROUPED_MOST_RANKS = 2000 };

struct cxm_grouped {
    struct cxm_comparing c;
    struct cxm_groups_options options;
    uint32_t measure;
    size_t n;                      /* groups */
    struct cxm_estimate *estimates;/* of the groups, then of all together */
    double *covariance;            /* under a sampling design: n x n, and its degrees of freedom */
    double df;
    int p_adjusted, against;       /* axes */
};

/* Checks options, reads the estimates. Released by cxm_priv_grouped_release, also on failure. */
enum cxm_status cxm_priv_grouped_init(struct cxm_grouped *g, struct cxm_tally *tally,
                                      const struct cxm_groups_options *options,
                                      struct cxm_error *error);
void cxm_priv_grouped_release(struct cxm_grouped *g);
/* Hands over the report of g. */
enum cxm_status cxm_priv_grouped_finish(struct cxm_grouped *g, struct cxm_report **out,
                                        struct cxm_error *error);

/* Group i minus group k, with their covariance. */
enum cxm_status cxm_priv_grouped_difference(const struct cxm_grouped *g, size_t i, size_t k,
                                            struct cxm_difference *out, struct cxm_error *error);
/* Each group minus what it is compared with: differences[i] and others[i] (n each). A base minus
 * itself is undefined. Against REST or BASE. */
enum cxm_status cxm_priv_grouped_against(const struct cxm_grouped *g,
                                         struct cxm_difference *differences,
                                         struct cxm_estimate *others, struct cxm_error *error);
/* The key of a group as text. */
void cxm_priv_grouped_key(const struct cxm_grouped *g, size_t group, char *out, size_t capacity);
/* Adjusts p-values and sets the axis of their rows (SIZE_MAX: no row). */
enum cxm_status cxm_priv_grouped_adjust(struct cxm_grouped *g, double *p, const size_t *rows,
                                        size_t n, struct cxm_error *error);
/* A row of all groups together. */
size_t cxm_priv_grouped_add(struct cxm_grouped *g, const char *what, const char *how, double value,
                            enum cxm_unit unit);

#endif
