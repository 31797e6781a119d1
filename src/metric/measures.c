/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The measures of a tally: how many members each family has, and their names. */
#include "metric/reading.h"

void cxm_priv_reading_release(struct cxm_reading *r)
{
    cxm_priv_designed_free(r->design);
    cxm_priv_designed_free(r->whole);
    cxm_priv_dict_release(&r->values);
    cxm_priv_release(&r->tally->allocator, r->values_order);
    cxm_priv_release(&r->tally->allocator, r->numbers);
    cxm_priv_release(&r->tally->allocator, r->total_numbers);
    cxm_tally_free(r->total);
}

uint32_t *cxm_priv_sort_values(const struct cxm_tally *tally)
{
    const struct cxm_dict *values = &tally->state.values.dict;
    uint32_t *order = cxm_priv_alloc(&tally->allocator, values->n, sizeof *order);
    if (order != NULL && cxm_priv_dict_sort(values, order))
        return order;
    cxm_priv_release(&tally->allocator, order);
    return NULL;
}

enum cxm_status cxm_priv_reading_init(struct cxm_reading *r, struct cxm_tally *tally,
                                      struct cxm_error *error)
{
    memset(r, 0, sizeof *r);
    r->tally = tally;
    r->metric = cxm_priv_metric_of(&tally->config);
    cxm_priv_dict_init(&r->values, &tally->allocator);
    if (tally->config.n_table_values > 0) /* no names of measures come from them */
        return (r->numbers = cxm_priv_sort_values(tally)) != NULL ? CXM_OK : cxm_priv_no_memory(error);
    const struct cxm_dict *all = &tally->state.values.dict;
    for (uint32_t i = 0; i < all->n; i++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(all, i, &n);
        const size_t at = cxm_priv_keys_bytes(&tally->schema, cxm_priv_all_keys(&tally->schema), key, n);
        if (cxm_priv_dict_add(&r->values, key + at, n - at) == UINT32_MAX)
            return cxm_priv_no_memory(error);
    }
    r->values_order = cxm_priv_alloc(&tally->allocator, r->values.n, sizeof *r->values_order);
    if (r->values_order == NULL || !cxm_priv_dict_sort(&r->values, r->values_order))
        return cxm_priv_no_memory(error);
    return CXM_OK;
}

uint32_t cxm_priv_count_members(const struct cxm_reading *r, int family)
{
    const struct cxm_config *config = &r->tally->config;
    const struct cxm_estimator *e = &r->metric->estimators[family];
    switch (e->members) {
    case CXM_PER_BIN:
        return config->units[0].bins;
    case CXM_PER_ITEM:
        return (uint32_t)config->params[r->metric->items_param].n_texts;
    case CXM_PER_UNIT:
        return config->n_units - e->first_unit;
    case CXM_PER_NAME: {
        const char *const *names = r->metric->names_of(family);
        uint32_t n = 0;
        while (names[n] != NULL)
            n++;
        return n;
    }
    case CXM_PER_VALUE:
        return r->values.n;
    case CXM_ONE:
        break;
    }
    return 1;
}

static void value_name(const struct cxm_reading *r, uint32_t member, char *out, size_t capacity)
{
    const struct cxm_schema *schema = &r->tally->schema;
    size_t n, used = 0;
    const uint8_t *bytes = cxm_priv_dict_key(&r->values, r->values_order[member], &n);
    char text[CXM_DOUBLE_TEXT];
    struct cxm_key key;
    cxm_priv_parse_key(schema->values_type, bytes, n, &key, NULL);
    if (key.missing)
        cxm_priv_append(out, capacity, &used, "(missing)");
    else if (key.type == CXM_KEY_CATEGORY && key.integer < (int64_t)schema->n_value_categories)
        cxm_priv_append(out, capacity, &used, "%s", schema->value_categories[key.integer]);
    else if (key.type == CXM_KEY_TEXT || key.type == CXM_KEY_BYTES)
        cxm_priv_copy_text(out, capacity, key.text, key.text_bytes);
    else if (key.type == CXM_KEY_REAL)
        cxm_priv_append(out, capacity, &used, "%s", cxm_priv_double_text(key.real, text));
    else if (key.type == CXM_KEY_UINT)
        cxm_priv_append(out, capacity, &used, "%llu", (unsigned long long)key.integer);
    else
        cxm_priv_append(out, capacity, &used, "%lld", (long long)key.integer);
}

static void member_name(const struct cxm_reading *r, int family, uint32_t member, char *out,
                        size_t capacity)
{
    const struct cxm_config *config = &r->tally->config;
    const struct cxm_metric *metric = r->metric;
    char number[CXM_DOUBLE_TEXT];
    size_t used = 0;
    out[0] = '\0';
    switch (metric->estimators[family].members) {
    case CXM_PER_BIN:
        cxm_priv_append(out, capacity, &used, "%s",
                        cxm_priv_double_text(config->lowest[0] + member, number));
        break;
    case CXM_PER_UNIT: {
        const struct cxm_value *items = &config->params[metric->items_param];
        const struct cxm_value *groups = &config->params[metric->dimensions_param];
        const bool is_item = member < items->n_texts;
        cxm_priv_append(out, capacity, &used, "%s",
                        is_item ? items->texts[member]
                                : groups->texts[member - items->n_texts]);
        break;
    }
    case CXM_PER_ITEM:
        cxm_priv_append(out, capacity, &used, "%s",
                        config->params[metric->items_param].texts[member]);
        break;
    case CXM_PER_NAME:
        cxm_priv_append(out, capacity, &used, "%s", metric->names_of(family)[member]);
        break;
    case CXM_PER_VALUE:
        value_name(r, member, out, capacity);
        break;
    case CXM_ONE:
        break;
    }
}

/* "share[k]" becomes "share[7]"; a name that is too long ends in "…]". */
void cxm_priv_measure_name(const struct cxm_reading *r, int family, uint32_t member,
                           struct cxm_measure *out)
{
    const char *name = r->metric->rules.info->measures[family].name;
    const char *bracket = strchr(name, '[');
    if (bracket == NULL) {
        cxm_priv_copy_text(out->name, sizeof out->name, name, strlen(name));
        return;
    }
    char text[256], full[320];
    size_t used = 0;
    member_name(r, family, member, text, sizeof text);
    cxm_priv_append(full, sizeof full, &used, "%.*s[%s", (int)(bracket - name), name, text);
    cxm_priv_copy_text(out->name, sizeof out->name - 1, full, strlen(full));
    out->name[strlen(out->name) + 1] = '\0';
    out->name[strlen(out->name)] = ']';
}

uint32_t cxm_priv_count_measures(const struct cxm_reading *r)
{
    uint32_t n = 0;
    for (int f = 0; f < r->metric->rules.info->n_measures; f++)
        n += cxm_priv_count_members(r, f);
    return n;
}

/* Family and member of a measure by its number. */
int cxm_priv_find_measure(const struct cxm_reading *r, uint32_t measure, uint32_t *member)
{
    for (int f = 0; f < r->metric->rules.info->n_measures; f++) {
        const uint32_t n = cxm_priv_count_members(r, f);
        if (measure < n) {
            *member = measure;
            return f;
        }
        measure -= n;
    }
    return -1;
}


enum cxm_status cxm_tally_measures(struct cxm_tally *tally, struct cxm_measure *out,
                                   size_t element_bytes, size_t capacity, size_t *n_out,
                                   struct cxm_error *error)
{
    if (tally == NULL || (out == NULL && capacity > 0) || (n_out == NULL && capacity == 0))
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally, out or n_out is NULL");
    if (capacity > 0 && element_bytes != sizeof *out)
        return cxm_priv_fail(error, CXM_EINVAL, "element_bytes",
                             "element_bytes must be sizeof(struct cxm_measure)");
    struct cxm_reading r;
    enum cxm_status status = cxm_priv_reading_init(&r, tally, error);
    const size_t n = status == CXM_OK ? cxm_priv_count_measures(&r) : 0;
    if (status == CXM_OK && capacity > 0 && capacity < n)
        status = cxm_priv_fail(error, CXM_EINVAL, "capacity", "there are %zu measures", n);
    size_t at = 0;
    for (int f = 0; status == CXM_OK && capacity > 0 && f < r.metric->rules.info->n_measures;
         f++) {
        const struct cxm_measure_info *info = &r.metric->rules.info->measures[f];
        for (uint32_t m = 0; m < cxm_priv_count_members(&r, f); m++, at++) {
            memset(&out[at], 0, sizeof out[at]);
            cxm_priv_measure_name(&r, f, m, &out[at]);
            out[at].unit = info->unit;
            out[at].is_default = info->is_default;
            out[at].family = f;
        }
    }
    if (status == CXM_OK && n_out != NULL)
        *n_out = n;
    cxm_priv_reading_release(&r);
    return status;
}
