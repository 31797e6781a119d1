/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sampling designs of a tally: which units the cells of a tally belong to, and what the
 * influence of each row on an estimate sums to in them. The arithmetic is estimate/design.h. */
#ifndef CXM_SRC_METRIC_DESIGN_H
#define CXM_SRC_METRIC_DESIGN_H

#include "estimate/design.h"
#include "metric/metric.h"

#include <cxm/calibrate.h>

struct cxm_calibrated;

/* The units of all rows of a tally, of all its groups: an estimate for a group rests on the
 * design of the whole sample, in which its other rows count as zeros. Strata and units are
 * numbered in the order of their keys, which does not depend on how rows came. */
struct cxm_sample {
    const struct cxm_allocator *allocator;
    bool clusters;      /* primary units are clusters, else rows */
    bool second;        /* there is a second stage of clusters */
    bool second_rows;   /* there is a second stage of rows, within one stage of clusters */
    uint32_t n_strata, n_primary, n_finest;
    struct cxm_drawn *strata;      /* by stratum: its primary units */
    struct cxm_drawn *primary;     /* by primary unit: its units of the second stage */
    uint32_t *stratum_of_primary;
    uint32_t *primary_of_finest;   /* where there is a second stage of clusters */
    uint32_t *cell_of_stratum;     /* a place in the tally's order, for names */
    uint32_t *cell_of_primary;
    uint32_t *finest_of_cell;      /* by place: unit of the last stage of clusters, or stratum */
};

/* Reads the units of a sorted tally with a design; refuses strata and units of one unit when
 * `lonely` says so, populations that differ within a stratum or that are too small. */
enum cxm_status cxm_priv_sample_make(struct cxm_tally *tally, enum cxm_lonely lonely,
                                     struct cxm_sample *out, struct cxm_error *error);
void cxm_priv_sample_release(struct cxm_sample *sample);

/* What the influences of the rows of a group sum to, in the units that have rows of it. */
struct cxm_unit_sums {
    uint32_t unit;          /* finest */
    struct cxm_dd total;
    double size;            /* of the parts of the total */
    struct cxm_dd rows;     /* where rows are units: the total of what was squared, in which w x was */
    struct cxm_dd squares;  /* rounded to a double, and its squares */
};

/* A group within the design. */
struct cxm_domain {
    const struct cxm_sample *sample;
    const struct cxm_table *cells;
    const uint32_t *order;         /* cells of the group: order[first] … order[end - 1] */
    size_t first, end;
    const int64_t **value_cells;   /* by place - first: cells of the key table's value, or NULL */
    enum cxm_lonely lonely;
    int64_t n_strata, n_primary;   /* that have rows of the group; rows are units: rows */
    bool census;                   /* every unit of these was drawn */
    bool simple;                   /* a simple random sample of rows: no strata, no clusters */
    struct cxm_unit_sums *sums;    /* room for end - first */
    struct cxm_unit_totals *totals;/* room for as many, twice: of one stratum, of one unit */
    const struct cxm_table *values;/* of the cells, where value_cells is set */
    const struct cxm_dd *g;        /* by place: calibrated over base weights; NULL: base weights */
    struct cxm_calibrated *calibrated;
    bool *linear;                  /* set by cxm_priv_design_error: the estimate heeds the design */
};

/* The groups of a tally with a design, read one at a time: made once a call. */
struct cxm_designed;
enum cxm_status cxm_priv_designed_new(struct cxm_tally *tally, enum cxm_lonely lonely,
                                      const struct cxm_margin *margins, size_t n_margins,
                                      const struct cxm_calibrate_options *how,
                                      struct cxm_designed **out, struct cxm_error *error);
void cxm_priv_designed_free(struct cxm_designed *designed);
/* Points a view at a group of the sorted tally; it holds until the next group. */
void cxm_priv_designed_view(struct cxm_designed *designed, int64_t group, struct cxm_view *view);
/* The same for one value of the key table, within the group seen last. */
enum cxm_status cxm_priv_designed_value(struct cxm_designed *designed, const uint8_t *value,
                                        size_t n_value, struct cxm_view *view,
                                        struct cxm_error *error);
/* The cell of a value under a key; NULL in *out: it has none. */
enum cxm_status cxm_priv_find_value(const struct cxm_table *values, const uint8_t *prefix,
                                    size_t n_prefix, const uint8_t *value, size_t n_value,
                                    const int64_t **out, struct cxm_error *error);

/* The influence of a row on an estimate, as a linear form of what the tally knows of it:
 *   factor / divisor (sum_i a_i v_i + c_bin w + value [the row has the key table's value] w). */
struct cxm_form {
    uint32_t unit;
    const struct cxm_dd *a;  /* by variable; NULL: 0 */
    const struct cxm_dd *c;  /* by bin; the same for all bins where there are variables */
    double value;
    struct cxm_dd divisor;
    double factor;
};

/* What an estimate leaves behind for those who want more than its standard error. */
struct cxm_capture {
    const struct cxm_allocator *allocator;
    struct cxm_unit_sums *sums; /* times the factor; owned; NULL without a design */
    size_t n;
    int64_t n_strata, n_primary;/* as in the domain; 0 without a design */
    double variance;            /* std_error^2 */
    double simple_variance;     /* of as many answers drawn with replacement: S^2 / n in the
                                   unit of the estimate, squared */
    bool linear;                /* there was a form */
    bool jackknife;             /* asked for: jackknife_error */
    double jackknife_error;
    bool no_memory;
};

/* The standard error of an estimate with that influence under the design of the view, in the
 * unit of the estimate; tells the view's capture of it. */
double cxm_priv_design_error(const struct cxm_view *view, const struct cxm_form *form);
/* The same for a view without a design, whose standard error is known. */
void cxm_priv_capture_form(const struct cxm_view *view, const struct cxm_form *form,
                           double std_error);

/* Degrees of freedom of the view's group: primary units minus strata that have rows of it;
 * n - 1 without a design. */
double cxm_priv_view_df(const struct cxm_view *view, int64_t n);

/* Estimates of one measure of groups, and what they leave behind: captures[i] has an allocator
 * and is otherwise 0. The caller releases captures[i].sums, also after a failure. */
enum cxm_status cxm_priv_estimate_captured(struct cxm_tally *tally, uint32_t measure,
                                           const int64_t *groups, size_t n, int32_t lonely,
                                           struct cxm_estimate *out,
                                           struct cxm_capture *captures,
                                           struct cxm_error *error);

/* ---- covariances of groups ------------------------------------------------------------ */

/* The linearised covariances of one measure in several groups: covariance[i * n + j]. Groups of
 * one sampling design share its units, so that they covary; without a design they are
 * independent, and the squares of their standard errors stand on the diagonal. An estimate that
 * is undefined, or has no standard error, gives NaN in its row and column.
 *   df: primary units minus strata that have rows of any of the groups; infinite without a design
 *   lonely: enum cxm_lonely
 * CXM_TOTAL may be the only group. EINVAL: no such measure or group; others as
 * cxm_tally_estimate. */
enum cxm_status cxm_priv_design_covariance(struct cxm_tally *tally, uint32_t measure,
                                           const int64_t *groups, size_t n, int32_t lonely,
                                           double *covariance, double *df,
                                           struct cxm_error *error);

#endif
