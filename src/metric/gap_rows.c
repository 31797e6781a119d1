/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From perceived and expected answers to the units of the gap metric: a respondent's overall gap,
 * the gap of each item and of each dimension. Once in doubles, for any answers, and once as
 * coefficients, for whole numbers that are counted without arithmetic by row. */
#include "metric/gap.h"

#include <math.h>

static uint8_t worse(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

static uint16_t bin_of(double gap, double tolerance)
{
    return (uint16_t)(CXM_GAP_MET + (gap > tolerance) - (gap < -tolerance)); /* no branch: it is any */
}

static bool is_whole(double x)
{
    return x == rint(x);
}

/* What the binary digits of n decimals may be off by, their sum of sizes given: 3.2 is within .1 of
 * 3.1, and gaps of .1, .2 and -.3 are none on average. Whole numbers are exact. */
static double rounding_of(double size, uint32_t n)
{
    return size * (n + 3) * 0x1p-53;
}

static uint16_t item_bin(double p, double e, double tolerance)
{
    const bool exact = tolerance == 0 || (is_whole(p) && is_whole(e));
    return bin_of(p - e, exact ? tolerance : tolerance + rounding_of(fabs(p) + fabs(e), 1));
}

static void rule_items(const struct cxm_config *config, struct cxm_block *block)
{
    const uint32_t k = cxm_priv_gap_items(config), first = config->units[0].variables;
    const double tolerance = cxm_priv_number(config, CXM_GAP_TOLERANCE);
    for (uint32_t i = 0; i < k; i++) {
        const double *p = block->values[i], *e = block->values[k + i];
        for (size_t r = 0; r < block->n; r++) {
            const uint8_t state = worse(block->states[i][r], block->states[k + i][r]);
            block->unit_codes[1 + i][r] = state == CXM_ROW_USED ? item_bin(p[r], e[r], tolerance)
                                                                : (uint16_t)(CXM_GAP_BINS + state - 1);
        }
        memcpy(block->variables[first + 2 * i], p, block->n * sizeof *p);
        memcpy(block->variables[first + 2 * i + 1], e, block->n * sizeof *e);
    }
}

/* Perceived, expected and gap of one dimension of one respondent: sums over its items, which
 * are divided by their number when they are read. */
static void rule_dimension(const struct cxm_config *config, struct cxm_block *block, uint32_t d,
                           enum cxm_partial partial, size_t r)
{
    const uint32_t k = cxm_priv_gap_items(config);
    const uint32_t at = config->units[0].variables + 2 * (k + d);
    const double *dimension = config->params[CXM_GAP_DIMENSION].numbers;
    struct cxm_answer perceived[CXM_MAX_ITEMS], expected[CXM_MAX_ITEMS], gap[CXM_MAX_ITEMS];
    uint32_t n = 0, answered = 0;
    double size = 0;
    bool whole = true;
    for (uint32_t i = 0; i < k; i++) {
        if (dimension[i] != (double)d)
            continue;
        const double p = block->values[i][r], e = block->values[k + i][r];
        const uint8_t state = worse(block->states[i][r], block->states[k + i][r]);
        perceived[n] = (struct cxm_answer){ p, 1, state };
        expected[n] = (struct cxm_answer){ e, 1, state };
        gap[n++] = (struct cxm_answer){ p - e, 1, state };
        if (state != CXM_ROW_USED)
            continue;
        answered++;
        size += fabs(p) + fabs(e);
        whole = whole && is_whole(p) && is_whole(e);
    }
    double sum, all;
    const uint16_t code = cxm_priv_items_sum(gap, n, partial, CXM_GAP_BINS, &sum, &all);
    block->unit_codes[1 + k + d][r] = code;
    if (code != 0)
        return;
    cxm_priv_items_sum(perceived, n, partial, CXM_GAP_BINS, &block->variables[at][r], &all);
    cxm_priv_items_sum(expected, n, partial, CXM_GAP_BINS, &block->variables[at + 1][r], &all);
    const double tolerance = cxm_priv_number(config, CXM_GAP_TOLERANCE);
    const bool exact = whole && answered == n;
    block->unit_codes[1 + k + d][r] =
        bin_of(sum / all, exact ? tolerance : tolerance + rounding_of(size / answered, n));
}

/* How the overall gap is made, looked up once a block. */
struct overall {
    bool by_dimension, person;
    uint32_t n;
    const double *weights;  /* NULL: equal */
    const double *divisors; /* of the sums of each part */
    enum cxm_partial partial;
};

/* The overall gap of one respondent: of items, or of dimensions when those have weights. */
static void rule_overall(const struct cxm_config *config, struct cxm_block *block,
                         const struct overall *o, size_t r)
{
    const uint32_t k = cxm_priv_gap_items(config), first = config->units[0].variables;
    struct cxm_answer answers[CXM_MAX_ITEMS];
    for (uint32_t i = 0; i < o->n; i++) {
        const uint32_t unit = o->by_dimension ? k + i : i;
        const uint16_t code = block->unit_codes[1 + unit][r];
        const uint32_t at = first + 2 * unit;
        answers[i].value = (block->variables[at][r] - block->variables[at + 1][r])
                         / o->divisors[i];
        answers[i].weight = o->weights != NULL ? o->weights[i] : 1;
        answers[i].state = code < CXM_GAP_BINS ? CXM_ROW_USED : (uint8_t)(code - CXM_GAP_BINS + 1);
        if (o->person) {
            answers[i].weight = block->values[2 * k + i][r];
            answers[i].state = worse(answers[i].state, block->states[2 * k + i][r]);
        }
    }
    double sum, all;
    block->unit_codes[0][r] = cxm_priv_items_sum(answers, o->n, o->partial, 1, &sum, &all);
    block->variables[0][r] = o->person ? sum / all : sum;
}

/* The same without weights, a column at a time, where everybody must have answered all. */
static void rule_overall_complete(const struct cxm_config *config, struct cxm_block *block)
{
    const uint32_t k = cxm_priv_gap_items(config), first = config->units[0].variables;
    uint16_t *codes = block->unit_codes[0];
    double *sum = block->variables[0];
    memset(codes, 0, block->n * sizeof *codes);
    memset(sum, 0, block->n * sizeof *sum);
    for (uint32_t i = 0; i < k; i++) {
        const double *p = block->variables[first + 2 * i];
        const double *e = block->variables[first + 2 * i + 1];
        const uint16_t *unit = block->unit_codes[1 + i];
        for (size_t r = 0; r < block->n; r++) {
            const uint16_t state = unit[r] < CXM_GAP_BINS ? 0 : (uint16_t)(unit[r] - CXM_GAP_BINS + 1);
            codes[r] = state > codes[r] ? state : codes[r];
            sum[r] += p[r] - e[r];
        }
    }
}

static void rule_all_overall(const struct cxm_config *config, struct cxm_block *block,
                             enum cxm_partial partial)
{
    double divisors[CXM_MAX_ITEMS];
    const bool by_dimension = config->params[CXM_GAP_DIMENSION_WEIGHTS].n_numbers > 0;
    const struct cxm_value *fixed = &config->params[by_dimension ? CXM_GAP_DIMENSION_WEIGHTS
                                                                 : CXM_GAP_WEIGHTS];
    const struct overall o = {
        .by_dimension = by_dimension,
        .person = cxm_priv_gap_importance(config) == CXM_IMPORTANCE_PERSON,
        .n = by_dimension ? cxm_priv_gap_dimensions(config) : cxm_priv_gap_items(config),
        .weights = fixed->n_numbers > 0 ? fixed->numbers : NULL,
        .divisors = divisors,
        .partial = partial,
    };
    if (!o.person && o.weights == NULL && partial == CXM_PARTIAL_LISTWISE) {
        rule_overall_complete(config, block);
        return;
    }
    for (uint32_t i = 0; i < o.n; i++)
        divisors[i] = by_dimension ? cxm_priv_gap_dimension_size(config, i) : 1;
    for (size_t r = 0; r < block->n; r++)
        rule_overall(config, block, &o, r);
}

static void rule_aggregate(const struct cxm_config *config, struct cxm_block *block)
{
    const uint32_t k = cxm_priv_gap_items(config);
    for (size_t r = 0; r < block->n; r++) {
        uint8_t state = CXM_ROW_USED;
        for (uint32_t s = 0; s < 3 * k; s++)
            state = worse(state, block->states[s][r]);
        block->unit_codes[0][r] = state;
        for (uint32_t i = 0; i < k; i++) {
            block->variables[i][r] = block->values[2 * k + i][r];
            block->variables[k + i][r] = block->values[i][r] - block->values[k + i][r];
        }
    }
}

void cxm_priv_gap_rule(const struct cxm_config *config, struct cxm_block *block)
{
    const enum cxm_partial partial = (enum cxm_partial)cxm_priv_choice(config, CXM_GAP_PARTIAL);
    rule_items(config, block);
    for (uint32_t d = 0; d < cxm_priv_gap_dimensions(config); d++)
        for (size_t r = 0; r < block->n; r++)
            rule_dimension(config, block, d, partial, r);
    if (cxm_priv_gap_importance(config) == CXM_IMPORTANCE_AGGREGATE)
        rule_aggregate(config, block);
    else
        rule_all_overall(config, block, partial);
}

/* ---- the same for whole numbers -------------------------------------------------------- */

/* The largest gap that is met where gaps are whole numbers divided by n. */
static int32_t largest_met(const struct cxm_config *config, double n)
{
    const double tolerance = cxm_priv_number(config, CXM_GAP_TOLERANCE);
    int32_t met = 0;
    while (met < 1000 && !((met + 1) / n > tolerance))
        met++;
    return met;
}

static bool form_overall(const struct cxm_config *config, struct cxm_unit_form *out)
{
    const uint32_t k = cxm_priv_gap_items(config);
    const struct cxm_value *weights = &config->params[CXM_GAP_WEIGHTS];
    if (config->params[CXM_GAP_DIMENSION_WEIGHTS].n_numbers > 0)
        return false;
    for (uint32_t i = 0; i < k; i++) {
        const double w = weights->n_numbers > 0 ? weights->numbers[i] : 1;
        if (!(w >= 1 && w <= 1000 && w == floor(w)))
            return false;
        out->coefs[0][i] = (int32_t)w;
        out->coefs[0][k + i] = -(int32_t)w;
    }
    return true;
}

bool cxm_priv_gap_form(const struct cxm_config *config, uint32_t unit, struct cxm_unit_form *out)
{
    const uint32_t k = cxm_priv_gap_items(config);
    if (cxm_priv_gap_importance(config) != CXM_IMPORTANCE_NONE)
        return false;
    out->rescaled = (unit == 0 || unit > k)
                 && cxm_priv_choice(config, CXM_GAP_PARTIAL) == CXM_PARTIAL_RENORMALISE;
    if (unit == 0)
        return form_overall(config, out);
    for (uint32_t i = 0; i < k; i++) {
        const bool own = unit <= k ? i == unit - 1
                                   : config->params[CXM_GAP_DIMENSION].numbers[i] == (double)(unit - 1 - k);
        out->coefs[0][i] = out->coefs[1][k + i] = own;
    }
    out->met = largest_met(config, cxm_priv_gap_divisor(config, unit - 1));
    return true;
}
