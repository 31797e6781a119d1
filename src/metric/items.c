/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Items: see items.h. The standard error of an index whose weights are means of the same
 * sample follows from its influence function,
 *   u_r = sum_i [I_ri (Sbar_i - theta) + Ibar_i (S_ri - Sbar_i)] / sum_i Ibar_i,
 * a linear form of the 2k variables of a respondent, so the moment matrix is enough. */
#include "metric/items.h"

#include "metric/bins.h"

#include <math.h>

const char *const cxm_priv_importance_choices[4] = { "none", "aggregate", "person", NULL };
const char *const cxm_priv_partial_choices[3] = { "renormalise", "listwise", NULL };

enum cxm_status cxm_priv_items_check(const struct cxm_config *config, int items_param,
                                     int weights_param, struct cxm_error *error)
{
    const struct cxm_value *items = &config->params[items_param];
    const struct cxm_value *weights = &config->params[weights_param];
    if (items->n_texts == 0 || items->n_texts > CXM_MAX_ITEMS)
        return cxm_priv_fail(error, CXM_EINVAL, "items", "between 1 and %d items are needed",
                             CXM_MAX_ITEMS);
    for (size_t i = 0; i < items->n_texts; i++) {
        if (items->texts[i][0] == '\0')
            return cxm_priv_fail(error, CXM_EINVAL, "items", "item %zu has no name", i + 1);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(items->texts[i], items->texts[j]) == 0)
                return cxm_priv_fail(error, CXM_EINVAL, "items", "item %s is there twice",
                                     items->texts[i]);
        }
    }
    if (weights->n_numbers == 0)
        return CXM_OK;
    if (weights->n_numbers != items->n_texts)
        return cxm_priv_fail(error, CXM_EINVAL, "item_weights", "%zu weights for %zu items",
                             weights->n_numbers, items->n_texts);
    double sum = 0;
    for (size_t i = 0; i < weights->n_numbers; i++)
        sum += weights->numbers[i];
    if (!(sum > 0))
        return cxm_priv_fail(error, CXM_EINVAL, "item_weights", "the weights sum to 0");
    return CXM_OK;
}

enum cxm_status cxm_priv_items_check_importance(const struct cxm_config *config,
                                                int importance_param, bool given,
                                                struct cxm_error *error)
{
    const bool wanted = cxm_priv_choice(config, importance_param) != CXM_IMPORTANCE_NONE;
    const char *kind = config->params[importance_param].texts[0];
    if (given == wanted)
        return CXM_OK;
    if (wanted)
        return cxm_priv_fail(error, CXM_EINVAL, "importance",
                             "importance_kind \"%s\" needs columns of importance", kind);
    return cxm_priv_fail(error, CXM_EINVAL, "importance",
                         "columns of importance need importance_kind \"aggregate\" or "
                         "\"person\", not \"%s\"", kind);
}

uint16_t cxm_priv_items_sum(const struct cxm_answer *answers, uint32_t n,
                            enum cxm_partial partial, uint32_t bins, double *sum, double *all)
{
    double answered = 0;
    bool invalid = false, complete = true;
    *sum = *all = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct cxm_answer *a = &answers[i];
        *all += a->weight >= 0 && isfinite(a->weight) ? a->weight : 0; /* else not known */
        if (a->state == CXM_ROW_USED) {
            answered += a->weight;
            *sum += a->weight * a->value;
        } else {
            complete = false;
            invalid = invalid || a->state == CXM_ROW_INVALID;
        }
    }
    /* .1 and .2 of .1, .2 and .3 are half, whatever their binary digits say. */
    const bool half = 2 * answered >= *all * (1 - 1e-12);
    const bool enough = complete || (partial == CXM_PARTIAL_RENORMALISE && half);
    if (!enough || !(answered > 0))
        return (uint16_t)(bins + (invalid ? 1 : 0));
    if (!complete)
        *sum = *sum / answered * *all;
    return 0;
}

static struct cxm_dd total_of_weights(const struct cxm_view *view, uint32_t unit)
{
    return cxm_priv_view_weights(view, unit, 0, view->config->units[unit].bins);
}

void cxm_priv_estimate_importance_index(const struct cxm_view *view, uint32_t unit, uint32_t k,
                                        double offset, double factor, double low, double high,
                                        const struct cxm_ask *ask, struct cxm_estimate *out)
{
    struct cxm_dd a[2 * CXM_MAX_ITEMS];
    struct cxm_dd importance = { 0, 0 }, product = { 0, 0 };
    cxm_priv_begin(view, unit, ask, out);
    out->interval = cxm_priv_method(ask, CXM_INTERVAL_T);
    if (out->n == 0)
        return;
    const struct cxm_dd w = total_of_weights(view, unit);
    for (uint32_t i = 0; i < k; i++) {
        const struct cxm_dd bar_i = cxm_priv_dd_div(cxm_priv_view_sum(view, unit, i), w);
        const struct cxm_dd bar_s = cxm_priv_dd_div(cxm_priv_view_sum(view, unit, k + i), w);
        importance = cxm_priv_dd_add(importance, bar_i);
        product = cxm_priv_dd_add(product, cxm_priv_dd_mul(bar_i, bar_s));
    }
    if (!(importance.hi > 0)) {
        out->flags |= CXM_FLAG_NO_DATA;
        return;
    }
    const struct cxm_dd theta = cxm_priv_dd_div(product, importance);
    for (uint32_t i = 0; i < k; i++) {
        const struct cxm_dd bar_i = cxm_priv_dd_div(cxm_priv_view_sum(view, unit, i), w);
        const struct cxm_dd bar_s = cxm_priv_dd_div(cxm_priv_view_sum(view, unit, k + i), w);
        a[i] = cxm_priv_dd_div(cxm_priv_dd_sub(bar_s, theta), importance);
        a[k + i] = cxm_priv_dd_div(bar_i, importance);
    }
    out->value = offset + factor * theta.hi;
    /* The form's constant: sum_i Ibar_i Sbar_i / sum Ibar = theta, as sum_i Ibar_i (Sbar_i -
     * theta) is 0. */
    out->std_error = cxm_priv_form_error(view, unit, a, theta, factor);
    cxm_priv_finish_mean(view, out, ask, low, high);
}

void cxm_priv_estimate_importance_weight(const struct cxm_view *view, uint32_t unit, uint32_t k,
                                         uint32_t item, const struct cxm_ask *ask,
                                         struct cxm_estimate *out)
{
    struct cxm_dd a[2 * CXM_MAX_ITEMS];
    struct cxm_dd importance = { 0, 0 };
    cxm_priv_begin(view, unit, ask, out);
    out->interval = cxm_priv_method(ask, CXM_INTERVAL_T);
    const struct cxm_dd w = total_of_weights(view, unit);
    for (uint32_t i = 0; i < k; i++)
        importance = cxm_priv_dd_add(importance, cxm_priv_view_sum(view, unit, i));
    if (out->n == 0 || !(importance.hi > 0)) {
        out->flags |= CXM_FLAG_NO_DATA;
        return;
    }
    const struct cxm_dd share = cxm_priv_dd_div(cxm_priv_view_sum(view, unit, item), importance);
    const struct cxm_dd scale = cxm_priv_dd_div(w, importance);
    for (uint32_t i = 0; i < view->config->units[unit].variables; i++) {
        const struct cxm_dd part = cxm_priv_dd_sub(cxm_priv_dd(i == item), share);
        a[i] = i < k ? cxm_priv_dd_mul(part, scale) : cxm_priv_dd(0);
    }
    out->value = share.hi;
    out->std_error = cxm_priv_form_error(view, unit, a, cxm_priv_dd(0), 1);
    cxm_priv_finish_mean(view, out, ask, 0, 1);
}

void cxm_priv_define_weights(const struct cxm_config *config, int weights_param, char *out,
                             size_t capacity, size_t *used)
{
    const struct cxm_value *weights = &config->params[weights_param];
    char text[CXM_DOUBLE_TEXT];
    for (size_t i = 0; i < weights->n_numbers; i++)
        cxm_priv_append(out, capacity, used, "%s%s", i == 0 ? "/weights=" : ",",
                        cxm_priv_double_text(weights->numbers[i], text));
}
