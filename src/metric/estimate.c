/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a tally to estimates: which measures there are, which groups were asked for, and one
 * call of the measure's estimator for each pair. */
#include "metric/design.h"
#include "metric/jackknife.h"
#include "metric/metric.h"

#include <math.h>

/* ---- measures ------------------------------------------------------------------------- */

/* Everything that a call needs to know of a tally: the values of its key table in order, and
 * the merged cell of all groups when the total was asked for. */
struct reading {
    struct cxm_tally *tally;
    const struct cxm_metric *metric;
    struct cxm_dict values;  /* distinct values, without the groups */
    uint32_t *values_order;
    struct cxm_tally *total; /* all groups merged */
    uint32_t *numbers;       /* where the rule makes the values: their order in the tally, */
    uint32_t *total_numbers; /* and in the total */
    struct cxm_designed *design; /* of a tally with a sampling design: its groups */
    struct cxm_designed *whole;  /* all its groups merged, which stand in another order */
    const struct cxm_estimate_options *options;
};

static void reading_release(struct reading *r)
{
    cxm_priv_designed_free(r->design);
    cxm_priv_designed_free(r->whole);
    cxm_priv_dict_release(&r->values);
    cxm_priv_release(&r->tally->allocator, r->values_order);
    cxm_priv_release(&r->tally->allocator, r->numbers);
    cxm_priv_release(&r->tally->allocator, r->total_numbers);
    cxm_tally_free(r->total);
}

static uint32_t *sort_values(const struct cxm_tally *tally)
{
    const struct cxm_dict *values = &tally->state.values.dict;
    uint32_t *order = cxm_priv_alloc(&tally->allocator, values->n, sizeof *order);
    if (order != NULL && cxm_priv_dict_sort(values, order))
        return order;
    cxm_priv_release(&tally->allocator, order);
    return NULL;
}

static enum cxm_status reading_init(struct reading *r, struct cxm_tally *tally,
                                    struct cxm_error *error)
{
    memset(r, 0, sizeof *r);
    r->tally = tally;
    r->metric = cxm_priv_metric_of(&tally->config);
    cxm_priv_dict_init(&r->values, &tally->allocator);
    if (tally->config.n_table_values > 0) /* no names of measures come from them */
        return (r->numbers = sort_values(tally)) != NULL ? CXM_OK : cxm_priv_no_memory(error);
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

static uint32_t count_members(const struct reading *r, int family)
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

static void value_name(const struct reading *r, uint32_t member, char *out, size_t capacity)
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

static void member_name(const struct reading *r, int family, uint32_t member, char *out,
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
static void measure_name(const struct reading *r, int family, uint32_t member,
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

static uint32_t count_measures(const struct reading *r)
{
    uint32_t n = 0;
    for (int f = 0; f < r->metric->rules.info->n_measures; f++)
        n += count_members(r, f);
    return n;
}

/* Family and member of a measure by its number. */
static int find_measure(const struct reading *r, uint32_t measure, uint32_t *member)
{
    for (int f = 0; f < r->metric->rules.info->n_measures; f++) {
        const uint32_t n = count_members(r, f);
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
    struct reading r;
    enum cxm_status status = reading_init(&r, tally, error);
    const size_t n = status == CXM_OK ? count_measures(&r) : 0;
    if (status == CXM_OK && capacity > 0 && capacity < n)
        status = cxm_priv_fail(error, CXM_EINVAL, "capacity", "there are %zu measures", n);
    size_t at = 0;
    for (int f = 0; status == CXM_OK && capacity > 0 && f < r.metric->rules.info->n_measures;
         f++) {
        const struct cxm_measure_info *info = &r.metric->rules.info->measures[f];
        for (uint32_t m = 0; m < count_members(&r, f); m++, at++) {
            memset(&out[at], 0, sizeof out[at]);
            measure_name(&r, f, m, &out[at]);
            out[at].unit = info->unit;
            out[at].is_default = info->is_default;
            out[at].family = f;
        }
    }
    if (status == CXM_OK && n_out != NULL)
        *n_out = n;
    reading_release(&r);
    return status;
}

/* ---- estimates ------------------------------------------------------------------------ */

static bool class_has(enum cxm_interval_class class, enum cxm_interval interval)
{
    if (interval == CXM_INTERVAL_DEFAULT || interval == CXM_INTERVAL_NONE)
        return true;
    switch (class) {
    case CXM_CLASS_SHARE:
        return interval == CXM_INTERVAL_WALD || interval == CXM_INTERVAL_WALD_T
            || interval == CXM_INTERVAL_KORN_GRAUBARD
            || (interval >= CXM_INTERVAL_WILSON && interval <= CXM_INTERVAL_LOGIT);
    case CXM_CLASS_NET:
        return interval == CXM_INTERVAL_WALD || interval == CXM_INTERVAL_WALD_T
            || (interval >= CXM_INTERVAL_ADJUSTED_WALD && interval <= CXM_INTERVAL_BCA);
    case CXM_CLASS_CHANGE:
        return interval == CXM_INTERVAL_WALD || interval == CXM_INTERVAL_WALD_T;
    case CXM_CLASS_MEAN:
    case CXM_CLASS_RATIO:
        return interval == CXM_INTERVAL_WALD || interval == CXM_INTERVAL_T;
    case CXM_CLASS_RATE:
        return interval == CXM_INTERVAL_GARWOOD || interval == CXM_INTERVAL_T
            || interval == CXM_INTERVAL_WALD;
    case CXM_CLASS_SURVIVAL:
        return interval == CXM_INTERVAL_LOGIT
            || (interval >= CXM_INTERVAL_LOG_LOG && interval <= CXM_INTERVAL_ARCSINE);
    case CXM_CLASS_QUANTILE:
        return interval == CXM_INTERVAL_ORDER_STATISTIC;
    case CXM_CLASS_CLUSTERED:
        return interval == CXM_INTERVAL_T || class_has(CXM_CLASS_SHARE, interval);
    case CXM_CLASS_NONE:
        break;
    }
    return false;
}

static enum cxm_status check_ask(const struct cxm_estimate_options *options,
                                 struct cxm_estimate_options *out, struct cxm_error *error)
{
    memset(out, 0, sizeof *out);
    if (options != NULL) {
        if (options->size < sizeof options->size || options->size > sizeof *out)
            return cxm_priv_fail(error, CXM_EINVAL, "options",
                                 "options.size must be sizeof(struct cxm_estimate_options)");
        memcpy(out, options, options->size);
    }
    if (out->level == 0)
        out->level = 0.95;
    if (out->small_n == 0)
        out->small_n = 30;
    char text[CXM_DOUBLE_TEXT], hint[CXM_DOUBLE_TEXT];
    if (out->level > 1 && out->level < 100)
        return cxm_priv_fail_at(error, CXM_EINVAL, "level", -1,
                                cxm_priv_double_text(out->level, text),
                                "level must be between 0 and 1; did you mean %s?",
                                cxm_priv_double_text(out->level / 100, hint));
    if (!(out->level > 0 && out->level < 1))
        return cxm_priv_fail_at(error, CXM_EINVAL, "level", -1,
                                cxm_priv_double_text(out->level, text),
                                "level must be between 0 and 1, not %s", text);
    if (out->interval < 0 || out->interval > CXM_INTERVAL_CONTROL)
        return cxm_priv_fail(error, CXM_EINVAL, "interval", "there is no interval %d",
                             out->interval);
    if (out->small_n < 0)
        return cxm_priv_fail(error, CXM_EINVAL, "small_n", "small_n must be 0 or more");
    if (out->lonely < CXM_LONELY_ERROR || out->lonely > CXM_LONELY_ADJUST)
        return cxm_priv_fail(error, CXM_EINVAL, "lonely",
                             "lonely must be \"error\", \"certainty\" or \"adjust\"");
    return CXM_OK;
}

/* The measures asked for: numbers, or the defaults. */
static enum cxm_status choose_measures(const struct reading *r,
                                       const struct cxm_estimate_options *options,
                                       uint32_t **out, size_t *n_out, struct cxm_error *error)
{
    const uint32_t n = count_measures(r);
    const size_t room = options->measures != NULL ? options->n_measures : n;
    uint32_t *chosen = cxm_priv_alloc(&r->tally->allocator, room, sizeof *chosen);
    if (chosen == NULL)
        return cxm_priv_no_memory(error);
    size_t used = 0;
    const struct cxm_metric_info *info = r->metric->rules.info;
    for (int f = 0, m = 0; f < info->n_measures && options->measures == NULL; f++) {
        const int end = m + (int)count_members(r, f);
        for (; m < end; m++) {
            if (info->measures[f].is_default)
                chosen[used++] = (uint32_t)m;
        }
    }
    bool fits = options->interval == CXM_INTERVAL_DEFAULT;
    for (size_t i = 0; i < options->n_measures && options->measures != NULL; i++) {
        if (options->measures[i] >= n) {
            cxm_priv_release(&r->tally->allocator, chosen);
            return cxm_priv_fail(error, CXM_EINVAL, "measures", "there is no measure %u",
                                 options->measures[i]);
        }
        chosen[used++] = options->measures[i];
    }
    for (size_t i = 0; i < used && !fits; i++) {
        uint32_t member;
        const int f = find_measure(r, chosen[i], &member);
        fits = class_has(r->metric->estimators[f].intervals,
                         (enum cxm_interval)options->interval);
    }
    if (fits || used == 0) {
        *out = chosen;
        *n_out = used;
        return CXM_OK;
    }
    cxm_priv_release(&r->tally->allocator, chosen);
    return cxm_priv_fail(error, CXM_EINVAL, "interval",
                         "interval \"%s\" does not fit the measures asked for",
                         cxm_interval_name((enum cxm_interval)options->interval));
}

/* The entries of the key table whose key begins with that of the group. */
static void find_numbers(const struct cxm_dict *values, const uint32_t *order,
                         const uint8_t *group, size_t n_group, struct cxm_view *view)
{
    size_t n, low = 0, high = values->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const uint8_t *key = cxm_priv_dict_key(values, order[middle], &n);
        const size_t shared = n < n_group ? n : n_group;
        const int cmp = shared > 0 ? memcmp(key, group, shared) : 0;
        if (cmp < 0 || (cmp == 0 && n < n_group))
            low = middle + 1;
        else
            high = middle;
    }
    view->numbers = order + low;
    while (low + view->n_numbers < values->n) {
        const uint8_t *key = cxm_priv_dict_key(values, order[low + view->n_numbers], &n);
        if (n < n_group || (n_group > 0 && memcmp(key, group, n_group) != 0))
            break;
        view->n_numbers++;
    }
}

/* The view of a group of a tally with a sampling design. */
static enum cxm_status design_view(struct reading *r, int64_t group, enum cxm_lonely lonely,
                                   struct cxm_view *view, struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    const bool whole = group == CXM_TOTAL && r->tally->schema.n_keys > 0;
    struct cxm_designed **place = whole ? &r->whole : &r->design;
    if (whole && r->total == NULL)
        status = cxm_tally_group(r->tally, CXM_TOTAL, 0, &r->total, error);
    if (status == CXM_OK && *place == NULL)
        status = cxm_priv_designed_new(whole ? r->total : r->tally, lonely,
                                       r->options != NULL ? r->options->margins : NULL,
                                       r->options != NULL ? r->options->n_margins : 0,
                                       r->options != NULL ? r->options->calibration : CXM_RAKING,
                                       place, error);
    if (status == CXM_OK)
        cxm_priv_designed_view(*place, group, view);
    return status;
}

static enum cxm_status make_view(struct reading *r, int64_t group, enum cxm_lonely lonely,
                                 struct cxm_view *view, struct cxm_error *error)
{
    struct cxm_tally *tally = r->tally;
    memset(view, 0, sizeof *view);
    view->config = &tally->config;
    view->allocator = &tally->allocator;
    /* An empty tally reads the same before and after it was saved: without a kind of weights. */
    view->weighted = tally->schema.weighted && tally->state.rows > 0;
    view->values = &tally->state.values;
    if (tally->schema.n_design > 0 && tally->state.groups.dict.n > 0)
        return design_view(r, group, lonely, view, error);
    if (group == CXM_TOTAL && tally->schema.n_keys > 0) {
        if (r->total == NULL) {
            const enum cxm_status status = cxm_tally_group(tally, CXM_TOTAL, 0, &r->total,
                                                           error);
            if (status != CXM_OK)
                return status;
        }
        tally = r->total;
        group = 0;
        if (r->numbers != NULL && r->total_numbers == NULL) {
            r->total_numbers = sort_values(tally);
            if (r->total_numbers == NULL)
                return cxm_priv_no_memory(error);
        }
    }
    view->table = &tally->state.groups;
    view->values = &tally->state.values;
    view->left_out = tally->schema.n_keys == 0 ? tally->state.left_out : 0;
    const struct cxm_dict *dict = &tally->state.groups.dict;
    if (dict->n == 0)
        return CXM_OK;
    const uint32_t at = tally->schema.n_keys > 0 ? tally->order[group] : 0;
    view->cell = cxm_priv_table_cell(view->table, at);
    if (r->numbers != NULL) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(dict, at, &n);
        find_numbers(&view->values->dict, tally == r->tally ? r->numbers : r->total_numbers, key,
                     n, view);
    }
    return CXM_OK;
}

/* The cell of one value within the group of a view. */
static enum cxm_status find_value(const struct reading *r, struct cxm_view *view, int64_t group,
                                  uint32_t member, struct cxm_error *error)
{
    const bool total = group == CXM_TOTAL || r->tally->schema.n_keys == 0;
    size_t n_group = 0, n_value;
    const uint8_t *prefix = (const uint8_t *)"";
    const uint8_t *value = cxm_priv_dict_key(&r->values, r->values_order[member], &n_value);
    if (view->domain != NULL)
        return cxm_priv_designed_value(total && r->whole != NULL ? r->whole : r->design, value,
                                       n_value, view, error);
    if (!total)
        prefix = cxm_priv_dict_key(&r->tally->state.groups.dict, r->tally->order[group],
                                   &n_group);
    return cxm_priv_find_value(view->values, prefix, n_group, value, n_value, &view->value_cell,
                               error);
}

static bool is_missing_group(const struct reading *r, int64_t group)
{
    if (group == CXM_TOTAL || r->tally->schema.n_keys == 0)
        return false;
    size_t n, first, end;
    cxm_priv_group_cells(r->tally, group, &first, &end);
    const uint8_t *key = cxm_priv_dict_key(&r->tally->state.groups.dict,
                                           r->tally->order[first], &n);
    struct cxm_key out;
    for (uint32_t k = 0; k < r->tally->schema.n_keys; k++) {
        cxm_priv_decode_key(&r->tally->schema, key, n, k, &out);
        if (out.missing)
            return true;
    }
    return false;
}

/* A standard error that does not know of the sampling design is none. */
static void drop_error(struct cxm_estimate *out)
{
    out->std_error = out->lower = out->upper = out->lower_raw = out->upper_raw = NAN;
    out->df = NAN;
    out->flags &= ~(uint32_t)(CXM_FLAG_CLIPPED | CXM_FLAG_OFF_CENTRE);
}

static enum cxm_status estimate_group(struct reading *r,
                                      const struct cxm_estimate_options *options, int64_t group,
                                      const uint32_t *measures, size_t n,
                                      struct cxm_estimate *out, struct cxm_capture *capture,
                                      struct cxm_error *error)
{
    struct cxm_view view;
    enum cxm_status status = make_view(r, group, (enum cxm_lonely)options->lonely, &view, error);
    view.capture = capture;
    const bool missing = status == CXM_OK && is_missing_group(r, group);
    for (size_t i = 0; i < n && status == CXM_OK; i++) {
        uint32_t member = 0;
        const int f = find_measure(r, measures[i], &member);
        const struct cxm_estimator *e = &r->metric->estimators[f];
        const enum cxm_interval wanted = (enum cxm_interval)options->interval;
        const struct cxm_ask ask = { options->level,
                                     class_has(e->intervals, wanted) ? wanted
                                                                     : CXM_INTERVAL_DEFAULT,
                                     options->small_n };
        memset(&out[i], 0, sizeof out[i]);
        out[i].group = group;
        out[i].measure = measures[i];
        out[i].unit = (uint32_t)r->metric->rules.info->measures[f].unit;
        out[i].base = (uint32_t)r->metric->rules.info->base;
        out[i].flags = missing ? CXM_FLAG_MISSING_KEY : 0;
        if (e->members == CXM_PER_VALUE)
            status = find_value(r, &view, group, member, error);
        if (view.domain != NULL)
            *view.domain->linear = false;
        if (status == CXM_OK)
            e->estimate(&view, member, &ask, &out[i]);
        if (status == CXM_OK && capture != NULL && capture->jackknife)
            status = cxm_priv_jackknife(&view, e, member, &out[i], &capture->jackknife_error,
                                        error);
        if (status == CXM_OK && view.domain != NULL && !*view.domain->linear)
            drop_error(&out[i]);
    }
    return status;
}

static enum cxm_status check_groups(const struct cxm_tally *tally,
                                    const struct cxm_estimate_options *options,
                                    struct cxm_error *error)
{
    for (size_t i = 0; options->groups != NULL && i < options->n_groups; i++) {
        const int64_t group = options->groups[i];
        if (group < CXM_TOTAL || group >= cxm_tally_groups(tally))
            return cxm_priv_fail(error, CXM_EINVAL, "groups", "there is no group %lld",
                                 (long long)group);
    }
    return CXM_OK;
}

/* What was asked for, checked: the measures by number, and how many groups. */
struct asked {
    struct cxm_estimate_options options;
    struct reading reading;
    uint32_t *measures;
    size_t n_measures, n_groups;
};

static void asked_release(struct asked *a)
{
    cxm_priv_release(&a->reading.tally->allocator, a->measures);
    reading_release(&a->reading);
}

static enum cxm_status asked_init(struct asked *a, struct cxm_tally *tally,
                                  const struct cxm_estimate_options *options, size_t capacity,
                                  struct cxm_error *error)
{
    a->measures = NULL;
    enum cxm_status status = check_ask(options, &a->options, error);
    if (status == CXM_OK)
        status = cxm_priv_tally_sort(tally, error);
    if (status == CXM_OK)
        status = check_groups(tally, &a->options, error);
    if (status != CXM_OK)
        return status;
    status = reading_init(&a->reading, tally, error);
    a->reading.options = &a->options;
    if (status == CXM_OK && a->options.n_margins > 0 && tally->state.rows > 0
        && !cxm_priv_has_margins(&tally->schema))
        status = cxm_priv_fail(error, CXM_EINVAL, "margins",
                               "the tally was given no margin columns (calibrate)");
    if (status == CXM_OK)
        status = choose_measures(&a->reading, &a->options, &a->measures, &a->n_measures, error);
    a->n_groups = a->options.groups != NULL ? a->options.n_groups
                                            : (size_t)cxm_tally_groups(tally);
    const size_t each = status == CXM_OK && a->n_measures > 0 ? a->n_measures : 1;
    if (status == CXM_OK && capacity > 0 && capacity / each < a->n_groups)
        status = cxm_priv_fail(error, CXM_EINVAL, "capacity", "there are %zu rows",
                               a->n_groups * a->n_measures);
    if (status != CXM_OK)
        asked_release(a);
    return status;
}

/* n_groups * n_measures estimates. */
static enum cxm_status estimate_groups(struct asked *a, struct cxm_estimate *out,
                                       struct cxm_capture *captures, struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    for (size_t g = 0; status == CXM_OK && g < a->n_groups; g++) {
        const int64_t group = a->options.groups != NULL ? a->options.groups[g] : (int64_t)g;
        status = estimate_group(&a->reading, &a->options, group, a->measures, a->n_measures,
                                out + g * a->n_measures, captures != NULL ? &captures[g] : NULL,
                                error);
    }
    return status;
}

/* Could one of the estimates run out of memory when those before it are written? Of plain groups
 * none asks for any. */
static bool may_fail(const struct asked *a)
{
    const struct cxm_tally *tally = a->reading.tally;
    bool any = tally->schema.n_design > 0;
    for (size_t i = 0; i < a->n_measures && !any; i++) {
        uint32_t member;
        const int f = find_measure(&a->reading, a->measures[i], &member);
        any = a->reading.metric->estimators[f].members == CXM_PER_VALUE;
    }
    for (size_t g = 0; a->options.groups != NULL && g < a->n_groups && !any; g++)
        any = a->options.groups[g] == CXM_TOTAL && tally->schema.n_keys > 0;
    return any;
}

enum cxm_status cxm_tally_estimate(struct cxm_tally *tally,
                                   const struct cxm_estimate_options *options,
                                   struct cxm_estimate *out, size_t element_bytes,
                                   size_t capacity, size_t *n_out, struct cxm_error *error)
{
    if (tally == NULL || (out == NULL && capacity > 0) || (n_out == NULL && capacity == 0))
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally, out or n_out is NULL");
    if (capacity > 0 && element_bytes != sizeof *out)
        return cxm_priv_fail(error, CXM_EINVAL, "element_bytes",
                             "element_bytes must be sizeof(struct cxm_estimate)");
    struct asked a;
    enum cxm_status status = asked_init(&a, tally, options, capacity, error);
    if (status != CXM_OK)
        return status;
    const size_t n = a.n_groups * a.n_measures;
    if (capacity > 0 && n > 0 && may_fail(&a)) {
        struct cxm_estimate *copy = cxm_priv_alloc(&tally->allocator, n, sizeof *copy);
        status = copy != NULL ? estimate_groups(&a, copy, NULL, error) : cxm_priv_no_memory(error);
        if (status == CXM_OK)
            memcpy(out, copy, n * sizeof *copy);
        cxm_priv_release(&tally->allocator, copy);
    } else if (capacity > 0) {
        status = estimate_groups(&a, out, NULL, error);
    }
    if (status == CXM_OK && n_out != NULL)
        *n_out = n;
    asked_release(&a);
    return status;
}

enum cxm_status cxm_priv_estimate_captured(struct cxm_tally *tally, uint32_t measure,
                                           const int64_t *groups, size_t n, int32_t lonely,
                                           struct cxm_estimate *out,
                                           struct cxm_capture *captures,
                                           struct cxm_error *error)
{
    const struct cxm_estimate_options options = {
        .size = sizeof options, .measures = &measure, .n_measures = 1, .groups = groups,
        .n_groups = n, .lonely = lonely,
    };
    struct asked a;
    enum cxm_status status = asked_init(&a, tally, &options, n, error);
    if (status != CXM_OK)
        return status;
    status = estimate_groups(&a, out, captures, error);
    for (size_t i = 0; status == CXM_OK && i < n; i++) {
        if (captures[i].no_memory)
            status = cxm_priv_no_memory(error);
    }
    asked_release(&a);
    return status;
}

enum cxm_status cxm_tally_base(struct cxm_tally *tally, int64_t group, uint32_t measure,
                               struct cxm_base *out, struct cxm_error *error)
{
    struct reading r;
    struct cxm_view view;
    uint32_t member = 0;
    if (tally == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally or out is NULL");
    enum cxm_status status = cxm_priv_tally_sort(tally, error);
    if (status != CXM_OK)
        return status;
    if (group < CXM_TOTAL || group >= cxm_tally_groups(tally))
        return cxm_priv_fail(error, CXM_EINVAL, "group", "there is no group %lld",
                             (long long)group);
    status = reading_init(&r, tally, error);
    const int f = status == CXM_OK ? find_measure(&r, measure, &member) : 0;
    if (status == CXM_OK && f < 0)
        status = cxm_priv_fail(error, CXM_EINVAL, "measure", "there is no measure %u", measure);
    if (status == CXM_OK)
        status = make_view(&r, group, CXM_LONELY_CERTAINTY, &view, error);
    if (status == CXM_OK) {
        const struct cxm_estimator *e = &r.metric->estimators[f];
        const bool spread = e->members == CXM_PER_ITEM || e->members == CXM_PER_UNIT
                         || e->members == CXM_PER_NAME;
        const uint32_t usual = e->first_unit + (spread ? member : 0);
        cxm_priv_view_base(&view, r.metric->unit_of != NULL
                                    ? r.metric->unit_of(view.config, f, usual)
                                    : usual, out);
    }
    reading_release(&r);
    return status;
}

/* ---- events --------------------------------------------------------------------------- */

enum cxm_status cxm_priv_tally_events(struct cxm_tally *tally, uint32_t measure,
                                      struct cxm_events *out, struct cxm_error *error)
{
    struct reading r;
    struct cxm_view view;
    uint32_t member = 0;
    enum cxm_status status = cxm_priv_tally_sort(tally, error);
    if (status != CXM_OK)
        return status;
    status = reading_init(&r, tally, error);
    const int f = status == CXM_OK ? find_measure(&r, measure, &member) : 0;
    const int64_t n = cxm_tally_groups(tally);
    for (int64_t g = 0; status == CXM_OK && g < n; g++) {
        status = make_view(&r, g, CXM_LONELY_CERTAINTY, &view, error);
        if (status != CXM_OK)
            break;
        if (f < 0 || r.metric->events == NULL || !r.metric->events(&view, f, &out[g]))
            status = cxm_priv_fail(error, CXM_EUNSUPPORTED, "measure",
                                   "%s of %s is no rate of events; use \"p\" for shares, \"xmr\"",
                                   f < 0 ? "it" : r.metric->rules.info->measures[f].name,
                                   r.metric->rules.info->name);
        else if (view.weighted)
            status = cxm_priv_fail(error, CXM_EUNSUPPORTED, "measure",
                                   "weighted rows are no counts of events; use \"xmr\"");
    }
    reading_release(&r);
    return status;
}

/* ---- rows with names ------------------------------------------------------------------ */

void cxm_priv_append_key(const struct cxm_key *key, char *out, size_t capacity, size_t *used)
{
    char text[CXM_DOUBLE_TEXT];
    if (key->missing) {
        cxm_priv_append(out, capacity, used, "(missing)");
    } else if (key->text != NULL) {
        cxm_priv_append(out, capacity, used, "%.*s", (int)key->text_bytes, key->text);
    } else if (key->type == CXM_KEY_DATE) {
        int64_t year;
        int month, day;
        cxm_priv_civil_from_days(key->integer, &year, &month, &day);
        cxm_priv_append(out, capacity, used, "%04lld-%02d-%02d", (long long)year, month, day);
    } else if (key->type == CXM_KEY_BOOL) {
        cxm_priv_append(out, capacity, used, "%s", key->integer != 0 ? "yes" : "no");
    } else if (key->type == CXM_KEY_REAL) {
        cxm_priv_append(out, capacity, used, "%s", cxm_priv_double_text(key->real, text));
    } else if (key->type == CXM_KEY_UINT) {
        cxm_priv_append(out, capacity, used, "%llu", (unsigned long long)key->integer);
    } else {
        cxm_priv_append(out, capacity, used, "%lld", (long long)key->integer);
    }
}

static enum cxm_status group_text(struct cxm_tally *tally, int64_t group, char *out,
                                  size_t capacity)
{
    char full[512];
    size_t used = 0;
    full[0] = '\0';
    for (uint32_t k = 0; group != CXM_TOTAL && k < tally->schema.n_keys; k++) {
        struct cxm_key key;
        const enum cxm_status status = cxm_tally_key(tally, group, k, &key);
        if (status != CXM_OK)
            return status;
        if (k > 0)
            cxm_priv_append(full, sizeof full, &used, ", ");
        cxm_priv_append_key(&key, full, sizeof full, &used);
    }
    if (group == CXM_TOTAL && tally->schema.n_keys > 0)
        cxm_priv_append(full, sizeof full, &used, "Total");
    cxm_priv_copy_text(out, capacity, full, strlen(full));
    return CXM_OK;
}

/* The names of measures repeat with every group: they are made once. */
static enum cxm_status fill_rows(const struct asked *a, const struct cxm_estimate *estimates,
                                 struct cxm_row *out)
{
    struct cxm_tally *tally = a->reading.tally;
    char definition[1024];
    const char *metric = tally->config.rules->info->name;
    const size_t n = a->n_measures;
    const size_t definition_bytes = cxm_tally_definition(tally, definition, sizeof definition);
    for (size_t i = 0; i < a->n_groups * n; i++) {
        if (i < n) {
            struct cxm_measure measure = { .name = "" };
            uint32_t member = 0;
            const int family = find_measure(&a->reading, a->measures[i], &member);
            measure_name(&a->reading, family, member, &measure);
            memset(&out[i], 0, sizeof out[i]);
            cxm_priv_copy_text(out[i].metric, sizeof out[i].metric, metric, strlen(metric));
            cxm_priv_copy_text(out[i].definition, sizeof out[i].definition, definition,
                               definition_bytes < sizeof definition ? definition_bytes
                                                                    : strlen(definition));
            memcpy(out[i].measure, measure.name, sizeof out[i].measure);
        } else {
            out[i] = out[i - n];
            memset(out[i].group, 0, sizeof out[i].group);
        }
        out[i].estimate = estimates[i];
        const enum cxm_status status = group_text(tally, estimates[i].group, out[i].group,
                                                  sizeof out[i].group);
        if (status != CXM_OK)
            return status;
    }
    return CXM_OK;
}

enum cxm_status cxm_tally_rows(struct cxm_tally *tally,
                               const struct cxm_estimate_options *options, struct cxm_row *out,
                               size_t element_bytes, size_t capacity, size_t *n_out,
                               struct cxm_error *error)
{
    if (tally == NULL || (out == NULL && capacity > 0) || (n_out == NULL && capacity == 0))
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally, out or n_out is NULL");
    if (capacity > 0 && element_bytes != sizeof *out)
        return cxm_priv_fail(error, CXM_EINVAL, "element_bytes",
                             "element_bytes must be sizeof(struct cxm_row)");
    struct asked a;
    enum cxm_status status = asked_init(&a, tally, options, capacity, error);
    if (status != CXM_OK)
        return status;
    const size_t n = a.n_groups * a.n_measures;
    if (capacity > 0 && n > 0) {
        struct cxm_estimate *estimates = cxm_priv_alloc(&tally->allocator, n, sizeof *estimates);
        status = estimates != NULL ? estimate_groups(&a, estimates, NULL, error)
                                   : cxm_priv_no_memory(error);
        if (status == CXM_OK)
            status = fill_rows(&a, estimates, out);
        cxm_priv_release(&tally->allocator, estimates);
    }
    if (status == CXM_OK && n_out != NULL)
        *n_out = n;
    asked_release(&a);
    return status;
}
