/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What metrics of several items share: names of items, fixed weights, importance, and the rule
 * for respondents who did not answer everything. */
#ifndef CXM_SRC_ITEMS_H
#define CXM_SRC_ITEMS_H

#include "metric/metric.h"

enum cxm_importance { CXM_IMPORTANCE_NONE, CXM_IMPORTANCE_AGGREGATE, CXM_IMPORTANCE_PERSON };
enum cxm_partial { CXM_PARTIAL_RENORMALISE, CXM_PARTIAL_LISTWISE };

extern const char *const cxm_priv_importance_choices[4], *const cxm_priv_partial_choices[3];

/* Checks the names of the items (at least one, none twice, none empty) and that weights, if
 * any, are one for each item, >= 0, with a positive sum. */
enum cxm_status cxm_priv_items_check(const struct cxm_config *config, int items_param,
                                     int weights_param, struct cxm_error *error);

/* Are columns of importance there exactly when importance_kind wants them? */
enum cxm_status cxm_priv_items_check_importance(const struct cxm_config *config,
                                                int importance_param, bool given,
                                                struct cxm_error *error);

/* One respondent's item: what is known of it. */
struct cxm_answer {
    double value, weight;
    uint8_t state;        /* enum cxm_row_state, of value and weight together */
};

/* The weighted sum of a respondent's answers, as if all items had been answered, and the sum of
 * all weights; their ratio is the weighted mean. With equal weights and whole answers the sum of
 * a complete row is a whole number, which is why it is kept instead of the mean. Otherwise the
 * code of a row without one: missing or invalid as bins and bins + 1 of a unit with `bins`
 * bins. Renormalise: answered items carry at least half of the weight, and are scaled up. */
uint16_t cxm_priv_items_sum(const struct cxm_answer *answers, uint32_t n,
                            enum cxm_partial partial, uint32_t bins, double *sum, double *all);

/* The index with weights estimated from the sample: sum_i Ibar_i Sbar_i / sum_i Ibar_i from a
 * unit whose variables are the k importances and then the k values (value_a minus value_b where
 * the values are differences of two variables is done when they are stored). Standard error by
 * linearisation, importances and values both random. */
void cxm_priv_estimate_importance_index(const struct cxm_view *view, uint32_t unit, uint32_t k,
                                        double offset, double factor, double low, double high,
                                        const struct cxm_ask *ask, struct cxm_estimate *out);
/* The weight of item i among them: Ibar_i / sum Ibar. */
void cxm_priv_estimate_importance_weight(const struct cxm_view *view, uint32_t unit, uint32_t k,
                                         uint32_t item, const struct cxm_ask *ask,
                                         struct cxm_estimate *out);

/* The lowest index that the answers of csi can have: 0, and of its ratio 100 low / high. */
double cxm_priv_csi_lowest(const struct cxm_config *config);

/* Appends "/weights=0.3,0.25" when fixed weights were given. */
void cxm_priv_define_weights(const struct cxm_config *config, int weights_param, char *out,
                             size_t capacity, size_t *used);

#endif
