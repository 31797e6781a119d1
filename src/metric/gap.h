/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The gap metric's parts: its parameters, inputs and bins, and how its rows become units. */
#ifndef CXM_SRC_METRIC_GAP_H
#define CXM_SRC_METRIC_GAP_H

#include "metric/items.h"
#include "metric/metric.h"

enum { CXM_GAP_ITEMS, CXM_GAP_SCALE, CXM_GAP_WEIGHTS, CXM_GAP_IMPORTANCE, CXM_GAP_DIMENSION,
       CXM_GAP_DIMENSION_WEIGHTS, CXM_GAP_PARTIAL, CXM_GAP_TOLERANCE };
enum { CXM_GAP_PERCEIVED, CXM_GAP_EXPECTED, CXM_GAP_IMPORTANCE_INPUT };
enum { CXM_GAP_SHORT = 0, CXM_GAP_MET = 1, CXM_GAP_EXCEEDED = 2, CXM_GAP_BINS = 3 };

static inline uint32_t cxm_priv_gap_items(const struct cxm_config *config)
{
    return (uint32_t)config->params[CXM_GAP_ITEMS].n_texts;
}

static inline uint32_t cxm_priv_gap_dimensions(const struct cxm_config *config)
{
    return (uint32_t)config->params[CXM_GAP_DIMENSION].n_texts;
}

static inline enum cxm_importance cxm_priv_gap_importance(const struct cxm_config *config)
{
    return (enum cxm_importance)cxm_priv_choice(config, CXM_GAP_IMPORTANCE);
}

static inline double cxm_priv_gap_dimension_size(const struct cxm_config *config, uint32_t d)
{
    double n = 0;
    for (size_t i = 0; i < config->params[CXM_GAP_DIMENSION].n_numbers; i++)
        n += config->params[CXM_GAP_DIMENSION].numbers[i] == (double)d;
    return n;
}

/* What the sums of a unit of items and dimensions are divided by. */
static inline double cxm_priv_gap_divisor(const struct cxm_config *config, uint32_t member)
{
    const uint32_t k = cxm_priv_gap_items(config);
    return member < k ? 1 : cxm_priv_gap_dimension_size(config, member - k);
}

/* The rule of the metric: a block of answers to codes and variables of its units. */
void cxm_priv_gap_rule(const struct cxm_config *config, struct cxm_block *block);
/* The same for whole numbers; false: a unit has no such form. */
bool cxm_priv_gap_form(const struct cxm_config *config, uint32_t unit, struct cxm_unit_form *out);

#endif
