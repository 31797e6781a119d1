/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What all comparisons share: which measures are compared and how, the difference of two
 * estimates, and its row. An analysis begins with options, reads estimates, adds rows. */
#ifndef CXM_SRC_COMPARING_H
#define CXM_SRC_COMPARING_H

#include "analysis/report.h"
#include "estimate/compare.h"
#include "metric/metric.h"

#include <cxm/compare.h>

struct cxm_comparing {
    struct cxm_tally *tally;         /* whose measures, keys and definition the rows have */
    const struct cxm_metric *metric;
    double level;
    enum cxm_compare_method method;
    int32_t small_n, lonely;
    bool linearised;                 /* weights or a sampling design */
    struct cxm_measure *measures;    /* all of the tally */
    size_t n_measures;
    uint32_t *chosen;                /* those to compare */
    size_t n_chosen;
    struct cxm_report *report;
    struct {
        int statistic, df, p_value, p_greater, p_less, value_a, value_b, n_a, n_b, centre;
    } axis;
};

/* The options of an analysis, checked: level, method and small_n with their defaults, names of
 * measures (NULL: the default ones). `out` is released by cxm_priv_comparing_release. */
struct cxm_comparing_options {
    double level;
    int32_t method, small_n, lonely;
    const char *const *measures;
    size_t n_measures;
    bool all_measures;
};
enum cxm_status cxm_priv_comparing_init(struct cxm_comparing *out, struct cxm_tally *tally,
                                        const struct cxm_comparing_options *options,
                                        struct cxm_error *error);
void cxm_priv_comparing_release(struct cxm_comparing *c);

/* Copies options over defaults: `size` first, smaller ones of earlier versions are completed. */
enum cxm_status cxm_priv_comparing_options(const void *options, size_t bytes, void *out,
                                           struct cxm_error *error);

static inline const struct cxm_estimator *cxm_priv_estimator_of(const struct cxm_comparing *c,
                                                                uint32_t measure)
{
    return &c->metric->estimators[c->measures[measure].family];
}

/* Estimates of the chosen measures: for each group, then all groups together (always last), a
 * row of n_chosen. A member of a family that this tally has not met is a share of 0. NULL
 * groups: all. To be released with the allocator of c->tally. */
enum cxm_status cxm_priv_comparing_read(const struct cxm_comparing *c, struct cxm_tally *from,
                                        struct cxm_estimate **out, struct cxm_error *error);

/* ---- one difference ------------------------------------------------------------------- */

/* What is behind an estimate, besides the estimate itself. */
enum cxm_counted {
    CXM_COUNTED_NOT,   /* a value and its standard error */
    CXM_COUNTED_SHARE, /* whole counts: x of n */
    CXM_COUNTED_NET    /* whole counts of detractors, passives, promoters */
};
enum cxm_counted cxm_priv_counted(const struct cxm_comparing *c, uint32_t measure,
                                  const struct cxm_estimate *e);
/* Of two estimates: NOT unless both are. */
enum cxm_counted cxm_priv_counted_both(const struct cxm_comparing *c, uint32_t measure,
                                       const struct cxm_estimate *a,
                                       const struct cxm_estimate *b);
struct cxm_share_count cxm_priv_share_count(const struct cxm_estimate *e);
struct cxm_net cxm_priv_net_count(const struct cxm_estimate *e);
/* n, mean and variance of one answer (n - 1), in the unit of the estimate. */
struct cxm_mean_sample cxm_priv_sample_of(const struct cxm_comparing *c, uint32_t measure,
                                     const struct cxm_estimate *e);

bool cxm_priv_is_method(int32_t method);
/* Can values of that class be compared so, weighted ones by their linearised errors? */
bool cxm_priv_method_fits(enum cxm_compare_method method, enum cxm_interval_class class,
                          bool weighted);

/* a - b in the unit of the measure, with the method's name and the range of such differences. */
struct cxm_difference {
    struct cxm_comparison c;
    enum cxm_interval interval;
    const char *method;
    double furthest;
};
enum cxm_status cxm_priv_difference(const struct cxm_comparing *c, uint32_t measure,
                                    const struct cxm_estimate *a, const struct cxm_estimate *b,
                                    struct cxm_difference *out, struct cxm_error *error);

/* ---- rows ----------------------------------------------------------------------------- */

/* The row of a difference with all its axes; its number. */
size_t cxm_priv_add_difference(struct cxm_comparing *c, uint32_t measure, const char *what,
                               const struct cxm_estimate *a, const struct cxm_estimate *b,
                               const struct cxm_difference *d);
/* A row of another number about the same two sides: "what" of the headline, "what[promoters]" of
 * other measures; `how` in the definition. */
size_t cxm_priv_add_number(struct cxm_comparing *c, uint32_t measure, const char *what,
                           const char *how, double value, enum cxm_unit unit,
                           const struct cxm_estimate *a, const struct cxm_estimate *b);
/* Axes of a test on a row. */
void cxm_priv_set_test(struct cxm_comparing *c, size_t row, double statistic, double df,
                       double p_value);
/* Limits of a row. */
void cxm_priv_set_row_limits(struct cxm_comparing *c, size_t row, double lower, double upper,
                             enum cxm_interval interval);

/* Counts of every answer of group `group`, as the family share[k] has them: n_bins numbers to be
 * released with the allocator of c->tally; NULL with status OK where there is no such family. */
enum cxm_status cxm_priv_answer_counts(const struct cxm_comparing *c, struct cxm_tally *from,
                                       int64_t group, double **out, size_t *n_bins,
                                       struct cxm_error *error);

/* Effect sizes and further tests of a difference, none when a side is empty. Group numbers are
 * those of each side. */
struct cxm_effect_sides {
    struct cxm_tally *tally_a, *tally_b;
    int64_t group_a, group_b;
    struct cxm_tally *keys;   /* whose key the rows get */
    int64_t group;
};
enum cxm_status cxm_priv_add_effects(struct cxm_comparing *c, uint32_t measure,
                                     const struct cxm_effect_sides *sides,
                                     const struct cxm_estimate *a, const struct cxm_estimate *b,
                                     struct cxm_error *error);

#endif
