/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a metric's file describes besides the rules of config.h: its definition id and how its
 * measures are estimated from a tally. The file of a metric holds one constant of this type;
 * everything else is generic. */
#ifndef CXM_SRC_METRIC_H
#define CXM_SRC_METRIC_H

#include "estimate/estimate.h"
#include "tally/tally.h"

struct cxm_domain;
struct cxm_capture;

/* The counts and sums of one group (or of all groups merged) of a tally. */
struct cxm_view {
    const struct cxm_config *config;
    const struct cxm_allocator *allocator;
    bool weighted;
    const struct cxm_table *table;
    const int64_t *cell;            /* NULL: no rows */
    const struct cxm_table *values; /* key table of the tally */
    const int64_t *value_cell;      /* cell of the member asked for; NULL: none */
    int64_t left_out;               /* in the total only */
    const uint32_t *numbers;        /* entries of the key table that belong to the group, in order;
                                       of metrics whose rule makes them */
    size_t n_numbers;
    const struct cxm_domain *domain;/* the group within its sampling design; NULL: none */
    struct cxm_capture *capture;    /* what an estimate is to leave behind; NULL: nothing */
};

/* What was asked for. */
struct cxm_ask {
    double level;
    enum cxm_interval interval;     /* DEFAULT, or one that fits the measure's family */
    int32_t small_n;
    struct cxm_critical *critical;  /* of the level; NULL: computed each time */
};

/* Which intervals a measure can have. */
enum cxm_interval_class {
    CXM_CLASS_NONE, CXM_CLASS_SHARE, CXM_CLASS_NET, CXM_CLASS_MEAN, CXM_CLASS_RATE,
    CXM_CLASS_SURVIVAL, CXM_CLASS_QUANTILE,
    CXM_CLASS_CLUSTERED, /* shares of clustered rows: t, or as if they were independent */
    CXM_CLASS_RATIO,  /* as means, but the value of all groups is no mean of theirs */
    CXM_CLASS_CHANGE  /* of a net score of the same customers: Wald, Wald t */
};

/* What the members of a measure are: one, or a family whose names the tally knows. */
enum cxm_members {
    CXM_ONE,        /* "nps" */
    CXM_PER_BIN,    /* "share[7]": every answer of unit 0 */
    CXM_PER_ITEM,   /* "mean[speed]": the items of the `items` parameter */
    CXM_PER_UNIT,   /* items, then dimensions (gap): units 1 … */
    CXM_PER_VALUE,  /* "churn[price]": the values of the key table */
    CXM_PER_NAME    /* "p[bowker]": names that the metric itself lists */
};

/* Which end of a measure is the better one: what a target for it means by default. Every measure says
 * so; the one that says nothing was forgotten. */
enum cxm_better {
    CXM_BETTER_UNSAID,
    CXM_BETTER_HIGH,
    CXM_BETTER_LOW,
    CXM_BETTER_NEITHER /* a base, a spread, a share of one answer, a test: whoever has a target says */
};

/* A measure that is offset + factor times the mean of a function y of the answers in the bins of a
 * unit, or of the only variable of a unit of one bin: made once, read of every group. */
enum cxm_score_kind {
    CXM_SCORE_SHARE, /* y is 0 or 1; the value is its mean */
    CXM_SCORE_NET,   /* y is -1, 0 or 1; in points */
    CXM_SCORE_MEAN,  /* any y; limits are clipped to low ... high */
    CXM_SCORE_VARIABLE /* no y; the same */
};

struct cxm_score {
    enum cxm_score_kind kind;
    uint32_t unit;
    double offset, factor, low, high;
    const double *y; /* by bin; NULL: of the variable */
};

struct cxm_estimator {
    enum cxm_interval_class intervals;
    enum cxm_members members;
    enum cxm_better better;
    uint32_t first_unit; /* unit of member 0; members of PER_ITEM, PER_UNIT and PER_NAME follow */
    void (*estimate)(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,
                     struct cxm_estimate *out);
    /* Instead of `estimate`: describes the score; `y` has room for CXM_MAX_BINS. */
    struct cxm_score (*score)(const struct cxm_config *config, uint32_t member, double *y);
    /* CXM_CLASS_NET: the measures whose difference it is, up and down. NULL: there are none. */
    const char *up, *down;
};

/* One estimate by an estimator of either kind; group, measure, unit, base and flags were set. */
void cxm_priv_estimate(const struct cxm_estimator *estimator, const struct cxm_view *view,
                       uint32_t member, const struct cxm_ask *ask, struct cxm_estimate *out);

/* A rate of events: how many there were, and of how much exposure in the measure's unit (of
 * thousands of customers, for a rate per 1 000). NaN exposure: a bare count. */
struct cxm_events {
    double events, exposure;
};

struct cxm_metric {
    struct cxm_rules rules; /* first: a pointer to the rules is one to the metric */
    const struct cxm_estimator *estimators; /* in the order of info->measures */
    int items_param;        /* index of the parameter that names the items, -1: none */
    int dimensions_param;   /* index of the grouping of items into dimensions, -1: none */
    /* The unit that a measure is read from, where it is not the usual one. NULL: it always is. */
    uint32_t (*unit_of)(const struct cxm_config *config, int family, uint32_t usual);
    /* The better end of a measure, where the parameters may turn it round. NULL: it always is the
     * estimator's. */
    enum cxm_better (*better_of)(const struct cxm_config *config, int family);
    /* The names of a family of CXM_PER_NAME, NULL-terminated. */
    const char *const *(*names_of)(int family);
    /* The events of a measure that is a rate or a number of them; false: it is none. NULL: none. */
    bool (*events)(const struct cxm_view *view, int family, struct cxm_events *out);
    /* Writes the definition id; which optional inputs were given is in tally->schema.given. */
    void (*define)(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used);
};

static inline const struct cxm_metric *cxm_priv_metric_of(const struct cxm_config *config)
{
    return (const struct cxm_metric *)(const void *)config->rules;
}

static inline enum cxm_better cxm_priv_better(const struct cxm_config *config, int family)
{
    const struct cxm_metric *const metric = cxm_priv_metric_of(config);
    return metric->better_of != NULL ? metric->better_of(config, family)
                                     : metric->estimators[family].better;
}

/* The events of every group of a sorted tally under a measure, for charts of counts: `out` has a
 * place a group. EUNSUPPORTED: the measure is no rate of events, or the rows have weights. */
enum cxm_status cxm_priv_tally_events(struct cxm_tally *tally, uint32_t measure,
                                      struct cxm_events *out, struct cxm_error *error);

extern const struct cxm_metric cxm_priv_metric_nps;
extern const struct cxm_metric cxm_priv_metric_csat;
extern const struct cxm_metric cxm_priv_metric_ces;
extern const struct cxm_metric cxm_priv_metric_csi;
extern const struct cxm_metric cxm_priv_metric_gap;
extern const struct cxm_metric cxm_priv_metric_fcr;
extern const struct cxm_metric cxm_priv_metric_one_touch;
extern const struct cxm_metric cxm_priv_metric_retention;
extern const struct cxm_metric cxm_priv_metric_churn;
extern const struct cxm_metric cxm_priv_metric_share;
extern const struct cxm_metric cxm_priv_metric_mean;
extern const struct cxm_metric cxm_priv_metric_ratio;
extern const struct cxm_metric cxm_priv_metric_total;
extern const struct cxm_metric cxm_priv_metric_paired;
extern const struct cxm_metric cxm_priv_metric_survival;
extern const struct cxm_metric cxm_priv_metric_cohorts;
extern const struct cxm_metric cxm_priv_metric_repeat_purchase;
extern const struct cxm_metric cxm_priv_metric_revenue;
extern const struct cxm_metric cxm_priv_metric_stages;
extern const struct cxm_metric cxm_priv_metric_sla;
extern const struct cxm_metric cxm_priv_metric_quantiles;
extern const struct cxm_metric cxm_priv_metric_sketch;
extern const struct cxm_metric cxm_priv_metric_fcr_window;
extern const struct cxm_metric cxm_priv_metric_resolution;
extern const struct cxm_metric cxm_priv_metric_reopen;
extern const struct cxm_metric cxm_priv_metric_escalation;
extern const struct cxm_metric cxm_priv_metric_complaints;
extern const struct cxm_metric cxm_priv_metric_contact_rate;

/* ---- reading a view ------------------------------------------------------------------- */

int64_t cxm_priv_view_count(const struct cxm_view *view, uint32_t unit, uint32_t code);
/* Sum of weights of a bin, and of their squares; the count without weights. */
struct cxm_dd cxm_priv_view_weight(const struct cxm_view *view, uint32_t unit, uint32_t bin);
struct cxm_dd cxm_priv_view_weight2(const struct cxm_view *view, uint32_t unit, uint32_t bin);
/* Of n bins from `bin` on: exact sums, rounded once. */
struct cxm_dd cxm_priv_view_weights(const struct cxm_view *view, uint32_t unit, uint32_t bin, uint32_t n);
struct cxm_dd cxm_priv_view_weights2(const struct cxm_view *view, uint32_t unit, uint32_t bin, uint32_t n);
/* Sum of the unit's variable i (times weight), and of products of variables i, j: without
 * weights x_i x_j, with weights v_i v_j. */
struct cxm_dd cxm_priv_view_sum(const struct cxm_view *view, uint32_t unit, uint32_t i);
struct cxm_dd cxm_priv_view_product(const struct cxm_view *view, uint32_t unit, uint32_t i,
                                    uint32_t j);
/* Sum of v_i: v is w x rounded to double, as in the products of v. */
struct cxm_dd cxm_priv_view_rounded_sum(const struct cxm_view *view, uint32_t unit, uint32_t i);
/* Sum of w x_i x_j; only with weights. */
struct cxm_dd cxm_priv_view_plain_product(const struct cxm_view *view, uint32_t unit,
                                          uint32_t i, uint32_t j);
/* Sum of w v_i; the same as cxm_priv_view_sum without weights. */
struct cxm_dd cxm_priv_view_weighted_sum(const struct cxm_view *view, uint32_t unit, uint32_t i);
/* Weight of the rows with the key table's value, or of their squares; the count without weights. */
struct cxm_dd cxm_priv_view_value(const struct cxm_view *view, bool squares);
void cxm_priv_view_base(const struct cxm_view *view, uint32_t unit, struct cxm_base *out);

/* Fills n, missing, invalid, excluded, sum_weight, n_eff, level, unit and base of an estimate
 * from a unit, value and limits NaN; flags NO_DATA and SMALL_N. */
void cxm_priv_begin(const struct cxm_view *view, uint32_t unit, const struct cxm_ask *ask,
                    struct cxm_estimate *out);
/* ALL_AFTER_AS_OF where every row that could be read was unseen: milliseconds for seconds? */
void cxm_priv_flag_unseen(const struct cxm_view *view, uint32_t unit, struct cxm_estimate *out);
/* The rows whose instants were floored: an optional flag `input` counted in a unit of two bins; and
 * SUBSECOND where there are any. */
void cxm_priv_floored_rows(struct cxm_block *block, uint32_t input, uint32_t unit);
void cxm_priv_flag_floored(const struct cxm_view *view, uint32_t unit, struct cxm_estimate *out);
/* Sets the limits, clips them to lowest … highest and raises the flags that follow. */
static inline void cxm_priv_set_limits(struct cxm_estimate *out, struct cxm_limits limits, double lowest,
                         double highest)
{
    out->lower_raw = limits.lower;
    out->upper_raw = limits.upper;
    out->lower = limits.lower < lowest ? lowest : limits.lower;
    out->upper = limits.upper > highest ? highest : limits.upper;
    out->flags |= limits.flags;
    if (limits.lower < lowest || limits.upper > highest)
        out->flags |= CXM_FLAG_CLIPPED;
    if (out->value < out->lower || out->value > out->upper)
        out->flags |= CXM_FLAG_OFF_CENTRE;
}

/* Limits value ± std_error at the level asked for: t with df, normal when it is +inf. */
struct cxm_limits cxm_priv_ask_limits(const struct cxm_ask *ask, double value, double std_error,
                                      double df);

/* The same for an estimate whose value, standard error and df are set, under the view's design. */
struct cxm_limits cxm_priv_view_limits(const struct cxm_view *view, const struct cxm_ask *ask,
                                       const struct cxm_estimate *out);

/* Appends a key as text: "EMEA", "2024-03-01", "(missing)". */
void cxm_priv_append_key(const struct cxm_key *key, char *out, size_t capacity, size_t *used);

/* ---- what configurations share ------------------------------------------------------- */

/* Reads a `scale` parameter into the range of an input: two whole numbers, low < high, at most
 * CXM_MAX_BINS answers. */
enum cxm_status cxm_priv_rating_scale(struct cxm_config *config, int param, int role,
                                      struct cxm_error *error);
static inline uint32_t cxm_priv_scale_bins(const struct cxm_config *config)
{
    return (uint32_t)(config->highest[0] - config->lowest[0]) + 1;
}
/* y[b] = 1 for the answers lowest + b within low … high. */
void cxm_priv_bins_between(const struct cxm_config *config, double low, double high, double *y);
/* Appends "0-10" of the scale. */
void cxm_priv_define_scale(const struct cxm_config *config, char *out, size_t capacity,
                           size_t *used);
/* One unit with that many bins. */
enum cxm_status cxm_priv_one_unit(struct cxm_config *config, uint32_t bins, uint32_t variables,
                                  struct cxm_error *error);
/* Rule of the metrics with one rating: the codes of input and unit are the same. */
void cxm_priv_rule_rating(const struct cxm_config *config, struct cxm_block *block);
/* The share of the answers low ... high. */
struct cxm_score cxm_priv_score_between(const struct cxm_config *config, double low, double high,
                                        double *y);
/* Scores of share[k] and of the mean answer. */
struct cxm_score cxm_priv_score_answer(const struct cxm_config *config, uint32_t member,
                                       double *y);
struct cxm_score cxm_priv_score_rating_mean(const struct cxm_config *config, uint32_t member,
                                            double *y);
/* Of bins with y: the share of y = 1, the net score, a mean. */
static inline struct cxm_score cxm_priv_score_share(uint32_t unit, const double *y)
{
    return (struct cxm_score){ CXM_SCORE_SHARE, unit, 0, 1, 0, 1, y };
}
static inline struct cxm_score cxm_priv_score_net(uint32_t unit, const double *y)
{
    return (struct cxm_score){ CXM_SCORE_NET, unit, 0, 100, -100, 100, y };
}
/* Intervals by class, for cxm_metric_info; default first. */
extern const enum cxm_interval cxm_priv_share_intervals[11], cxm_priv_net_intervals[12],
    cxm_priv_mean_intervals[3], cxm_priv_clustered_intervals[10];

/* ---- estimators that metrics share ---------------------------------------------------- */

/* Of bins: the share of the bins whose y is 1 (y holds 0 and 1). */
void cxm_priv_estimate_share(const struct cxm_view *view, uint32_t unit, const double *y,
                             const struct cxm_ask *ask, struct cxm_estimate *out);
/* The limits of a share whose value and standard error are set; x: rows that count as yes. */
void cxm_priv_finish_share(const struct cxm_view *view, const struct cxm_ask *ask, double x,
                           struct cxm_estimate *out);
/* Of bins: the mean of y in -1, 0, 1, times 100 (points). */
void cxm_priv_estimate_net(const struct cxm_view *view, uint32_t unit, const double *y,
                           const struct cxm_ask *ask, struct cxm_estimate *out);
/* Of bins: the mean of y, shifted and scaled: offset + factor * mean; clipped to low … high. */
void cxm_priv_estimate_bin_mean(const struct cxm_view *view, uint32_t unit, const double *y,
                                double offset, double factor, double low, double high,
                                const struct cxm_ask *ask, struct cxm_estimate *out);
/* A linear form of a unit's variables, offset + factor * sum_i a_i mean(x_i): value, standard
 * error (n - 1), t limits. */
void cxm_priv_estimate_form(const struct cxm_view *view, uint32_t unit, const double *a,
                            double offset, double factor, double low, double high,
                            const struct cxm_ask *ask, struct cxm_estimate *out);
/* The ratio sum w y / sum w x of two functions of the bins, times factor; linearised standard
 * error (n - 1), t limits. */
void cxm_priv_estimate_bin_ratio(const struct cxm_view *view, uint32_t unit, const double *y,
                                 const double *x, const struct cxm_ask *ask,
                                 struct cxm_estimate *out);
/* Of unit 0 with the bins no and yes: the share of yes, how many said so, and how many there are. */
struct cxm_score cxm_priv_score_yes(const struct cxm_config *config, uint32_t member, double *y);
void cxm_priv_estimate_yes(const struct cxm_view *view, uint32_t member,
                           const struct cxm_ask *ask, struct cxm_estimate *out);
void cxm_priv_estimate_successes(const struct cxm_view *view, uint32_t member,
                                 const struct cxm_ask *ask, struct cxm_estimate *out);
void cxm_priv_estimate_denominator(const struct cxm_view *view, uint32_t member,
                                   const struct cxm_ask *ask, struct cxm_estimate *out);
/* Of bins: how many rows (sum of weights) have y = 1; no interval. */
void cxm_priv_estimate_count(const struct cxm_view *view, uint32_t unit, const double *y,
                             const struct cxm_ask *ask, struct cxm_estimate *out);
/* "t" limits around value ± std_error that were set, or what else was asked for. */
void cxm_priv_finish_mean(const struct cxm_view *view, struct cxm_estimate *out,
                          const struct cxm_ask *ask, double low, double high);
/* The square root of n / (n - 1) sum_r (sum_i a_i (v_ri) - c w_r)^2 / W^2: the linearised
 * standard error of anything whose influence is a linear form of the variables and 1, times
 * |factor|; under the view's sampling design where there is one. */
double cxm_priv_form_error(const struct cxm_view *view, uint32_t unit, const struct cxm_dd *a,
                           struct cxm_dd c, double factor);

#endif
