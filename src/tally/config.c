/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Configurations: the parameters of a metric, checked against the registry and kept. */
#include "tally/config.h"

#include <math.h>
#include <stdio.h>

static void release_value(struct cxm_config *config, struct cxm_value *value)
{
    for (size_t i = 0; i < value->n_texts; i++)
        cxm_priv_release(config->allocator, value->texts[i]);
    cxm_priv_release(config->allocator, value->texts);
    cxm_priv_release(config->allocator, value->numbers);
    memset(value, 0, sizeof *value);
}

void cxm_priv_config_release(struct cxm_config *config)
{
    for (int i = 0; i < config->rules->info->n_params; i++)
        release_value(config, &config->params[i]);
    cxm_priv_release(config->allocator, config->units);
    config->units = NULL;
}

static bool copy_numbers(struct cxm_config *config, struct cxm_value *value,
                         const double *numbers, size_t n)
{
    value->numbers = cxm_priv_alloc(config->allocator, n, sizeof *numbers);
    if (value->numbers == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        value->numbers[i] = numbers[i] == 0 ? 0.0 : numbers[i]; /* no -0 in saved bytes */
    value->n_numbers = n;
    return true;
}

static bool copy_texts(struct cxm_config *config, struct cxm_value *value,
                       const char *const *texts, size_t n)
{
    value->texts = cxm_priv_alloc_zero(config->allocator, n, sizeof *value->texts);
    if (value->texts == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        const size_t bytes = strlen(texts[i]) + 1;
        value->texts[i] = cxm_priv_alloc(config->allocator, bytes, 1);
        if (value->texts[i] == NULL)
            return false;
        memcpy(value->texts[i], texts[i], bytes);
        value->n_texts = i + 1;
    }
    return true;
}

static bool use_default(struct cxm_config *config, const struct cxm_param_info *info,
                        struct cxm_value *value)
{
    const char *text = info->default_text;
    if (info->kind == CXM_PARAM_CHOICE)
        return copy_texts(config, value, &text, 1);
    const bool list = info->kind == CXM_PARAM_NUMBERS || info->kind == CXM_PARAM_TEXTS
                   || info->kind == CXM_PARAM_GROUPING;
    return copy_numbers(config, value, info->defaults,
                        list ? 0 : info->kind == CXM_PARAM_PAIR ? 2 : 1);
}

static const struct cxm_param *find_param(const struct cxm_param *params, size_t n,
                                          const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (params[i].name != NULL && strcmp(params[i].name, name) == 0)
            return &params[i];
    }
    return NULL;
}

static const struct cxm_param_info *find_info(const struct cxm_metric_info *metric,
                                              const char *name)
{
    for (int i = 0; name != NULL && i < metric->n_params; i++) {
        if (strcmp(metric->params[i].name, name) == 0)
            return &metric->params[i];
    }
    return NULL;
}

static enum cxm_status check_names(const struct cxm_metric_info *metric,
                                   const struct cxm_param *params, size_t n,
                                   struct cxm_error *error)
{
    for (size_t i = 0; i < n; i++) {
        const char *name = params[i].name;
        if (find_info(metric, name) == NULL)
            return cxm_priv_fail(error, CXM_EINVAL, name, "%s has no parameter %s",
                                 metric->name, name != NULL ? name : "without a name");
        if (find_param(params, i, name) != NULL)
            return cxm_priv_fail(error, CXM_EINVAL, name, "%s is given twice", name);
    }
    return CXM_OK;
}

static enum cxm_status check_count(const struct cxm_param_info *info,
                                   const struct cxm_param *param, struct cxm_error *error)
{
    const bool text = info->kind == CXM_PARAM_CHOICE || info->kind == CXM_PARAM_TEXTS;
    if (text ? param->n_numbers > 0 : param->n_texts > 0 && info->kind != CXM_PARAM_GROUPING)
        return cxm_priv_fail(error, CXM_EINVAL, info->name, "%s takes %s, not %s", info->name,
                             text ? "text" : "numbers", text ? "numbers" : "text");
    if ((param->n_numbers > 0 && param->numbers == NULL) || (param->n_texts > 0 && param->texts == NULL))
        return cxm_priv_fail(error, CXM_EINVAL, info->name, "%s is NULL, but its number of values is not 0",
                             info->name);
    switch ((enum cxm_param_kind)info->kind) {
    case CXM_PARAM_PAIR:
        if (param->n_numbers != 2)
            return cxm_priv_fail(error, CXM_EINVAL, info->name,
                                 "%s must be a pair of numbers, low and high", info->name);
        break;
    case CXM_PARAM_CHOICE:
        if (param->n_texts != 1 || param->texts[0] == NULL)
            return cxm_priv_fail(error, CXM_EINVAL, info->name, "%s must be one word",
                                 info->name);
        break;
    case CXM_PARAM_NUMBER:
    case CXM_PARAM_INTEGER:
    case CXM_PARAM_YES_NO:
        if (param->n_numbers != 1)
            return cxm_priv_fail(error, CXM_EINVAL, info->name, "%s must be one number",
                                 info->name);
        break;
    default:
        break;
    }
    for (size_t i = 0; i < param->n_texts; i++) {
        if (param->texts[i] == NULL)
            return cxm_priv_fail(error, CXM_EINVAL, info->name, "%s has a NULL name",
                                 info->name);
    }
    return CXM_OK;
}

static enum cxm_status check_numbers(const struct cxm_param_info *info,
                                     const struct cxm_param *param, struct cxm_error *error)
{
    char text[CXM_DOUBLE_TEXT], low[CXM_DOUBLE_TEXT], high[CXM_DOUBLE_TEXT];
    const bool whole = info->kind == CXM_PARAM_INTEGER || info->kind == CXM_PARAM_YES_NO
                    || info->kind == CXM_PARAM_GROUPING;
    for (size_t i = 0; i < param->n_numbers; i++) {
        const double x = param->numbers[i];
        cxm_priv_double_text(x, text);
        if (!isfinite(x))
            return cxm_priv_fail_at(error, CXM_EINVAL, info->name, -1, text,
                                    "%s must be a finite number, not %s", info->name, text);
        if (whole && x != floor(x))
            return cxm_priv_fail_at(error, CXM_EINVAL, info->name, -1, text,
                                    "%s must be a whole number, not %s", info->name, text);
        if (x < info->lowest || x > info->highest)
            return cxm_priv_fail_at(error, CXM_EINVAL, info->name, -1, text,
                                    "%s is %s, outside %s to %s", info->name, text,
                                    cxm_priv_double_text(info->lowest, low),
                                    cxm_priv_double_text(info->highest, high));
    }
    return CXM_OK;
}

static enum cxm_status check_choice(const struct cxm_param_info *info, const char *text,
                                    struct cxm_error *error)
{
    char known[256] = "";
    size_t used = 0;
    for (const char *const *c = info->choices; *c != NULL; c++) {
        if (strcmp(*c, text) == 0)
            return CXM_OK;
        cxm_priv_append(known, sizeof known, &used, "%s%s", used > 0 ? ", " : "", *c);
    }
    return cxm_priv_fail_at(error, CXM_EINVAL, info->name, -1, text,
                            "%s must be one of %s, not \"%.40s\"", info->name, known, text);
}

static enum cxm_status set_param(struct cxm_config *config, const struct cxm_param_info *info,
                                 const struct cxm_param *param, struct cxm_value *value,
                                 struct cxm_error *error)
{
    if (param == NULL) {
        if (info->required)
            return cxm_priv_fail(error, CXM_EINVAL, info->name, "%s needs %s",
                                 config->rules->info->name, info->name);
        return use_default(config, info, value) ? CXM_OK : cxm_priv_no_memory(error);
    }
    enum cxm_status status = check_count(info, param, error);
    if (status == CXM_OK)
        status = check_numbers(info, param, error);
    if (status == CXM_OK && info->kind == CXM_PARAM_CHOICE)
        status = check_choice(info, param->texts[0], error);
    if (status != CXM_OK)
        return status;
    if (!copy_numbers(config, value, param->numbers, param->n_numbers)
        || !copy_texts(config, value, param->texts, param->n_texts))
        return cxm_priv_no_memory(error);
    return CXM_OK;
}

struct cxm_unit_spec *cxm_priv_config_units(struct cxm_config *config, uint32_t n)
{
    config->units = cxm_priv_alloc_zero(config->allocator, n, sizeof *config->units);
    config->n_units = config->units != NULL ? n : 0;
    return config->units;
}

static void derive(struct cxm_config *config)
{
    const struct cxm_metric_info *info = config->rules->info;
    for (int r = 0; r < info->n_inputs; r++) {
        config->slot[r] = config->n_slots;
        config->n_slots += config->n_items[r];
    }
    for (uint32_t u = 0; u < config->n_units; u++) {
        config->n_variables += config->units[u].variables;
        config->n_counts += config->units[u].bins + 3 + config->units[u].n_reasons;
    }
}

enum cxm_status cxm_priv_config_init(struct cxm_config *config, const struct cxm_rules *rules,
                                     const struct cxm_param *params, size_t n_params,
                                     const struct cxm_allocator *allocator,
                                     struct cxm_error *error)
{
    config->allocator = allocator;
    config->rules = rules;
    const struct cxm_metric_info *info = rules->info;
    for (int r = 0; r < CXM_MAX_ROLES; r++) {
        config->n_items[r] = 1;
        config->lowest[r] = -INFINITY;
        config->highest[r] = INFINITY;
    }
    enum cxm_status status = n_params > 0 && params == NULL
                               ? cxm_priv_fail(error, CXM_EINVAL, NULL, "params is NULL")
                               : check_names(info, params, n_params, error);
    for (int i = 0; status == CXM_OK && i < info->n_params; i++)
        status = set_param(config, &info->params[i],
                           find_param(params, n_params, info->params[i].name),
                           &config->params[i], error);
    if (status == CXM_OK)
        status = rules->configure(config, error);
    if (status == CXM_OK)
        derive(config);
    else
        cxm_priv_config_release(config);
    return status;
}

static bool value_equal(const struct cxm_value *a, const struct cxm_value *b)
{
    if (a->n_numbers != b->n_numbers || a->n_texts != b->n_texts)
        return false;
    for (size_t i = 0; i < a->n_numbers; i++) {
        if (a->numbers[i] != b->numbers[i])
            return false;
    }
    for (size_t i = 0; i < a->n_texts; i++) {
        if (strcmp(a->texts[i], b->texts[i]) != 0)
            return false;
    }
    return true;
}

/* A value as text for messages: "0–10", "minmax", "0.3, 0.7". */
static void param_text(const struct cxm_value *value, char *out, size_t capacity)
{
    char number[CXM_DOUBLE_TEXT];
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < value->n_texts; i++)
        cxm_priv_append(out, capacity, &used, "%s%s", used > 0 ? ", " : "", value->texts[i]);
    for (size_t i = 0; i < value->n_numbers; i++)
        cxm_priv_append(out, capacity, &used, "%s%s", used > 0 ? ", " : "",
                        cxm_priv_double_text(value->numbers[i], number));
    if (used == 0)
        cxm_priv_append(out, capacity, &used, "not set");
}

enum cxm_status cxm_priv_config_compare(const struct cxm_config *a, const struct cxm_config *b,
                                        struct cxm_error *error)
{
    if (a->rules != b->rules)
        return cxm_priv_fail(error, CXM_EMISMATCH, NULL, "one tally is of %s, the other of %s",
                             a->rules->info->name, b->rules->info->name);
    for (int i = 0; i < a->rules->info->n_params; i++) {
        if (value_equal(&a->params[i], &b->params[i]))
            continue;
        char one[128], other[128];
        const char *name = a->rules->info->params[i].name;
        param_text(&a->params[i], one, sizeof one);
        param_text(&b->params[i], other, sizeof other);
        return cxm_priv_fail(error, CXM_EMISMATCH, name,
                             "%s differs: %s in one tally, %s in the other", name, one, other);
    }
    return CXM_OK;
}

int cxm_priv_choice(const struct cxm_config *config, int param)
{
    const char *const *choices = config->rules->info->params[param].choices;
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], config->params[param].texts[0]) == 0)
            return i;
    }
    return -1;
}
