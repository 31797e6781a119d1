/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which column is what: those of a call are matched to the inputs of a metric, to keys, weights and
 * the sampling design, checked for type and length; and what they make of a tally's schema. */
#include "tally/tally.h"

#include <stdio.h>

/* ---- matching columns to inputs ------------------------------------------------------- */

static enum cxm_status set_slot(const struct cxm_config *config, struct cxm_sources *sources,
                                const struct cxm_input *input, uint32_t *seen,
                                struct cxm_error *error)
{
    const struct cxm_metric_info *info = config->rules->info;
    for (int r = 0; r < info->n_inputs; r++) {
        if (strcmp(info->inputs[r].name, input->role) != 0)
            continue;
        if (seen[r] == config->n_items[r] && info->inputs[r].many)
            return cxm_priv_fail(error, CXM_EINVAL, input->role,
                                 "%s: more columns than the %u items", input->role,
                                 config->n_items[r]);
        if (seen[r] == config->n_items[r])
            return cxm_priv_fail(error, CXM_EINVAL, input->role, "%s is given twice",
                                 input->role);
        const enum cxm_role role = (enum cxm_role)info->inputs[r].role;
        const enum cxm_status status = cxm_priv_column_fits(input->column, role, input->role,
                                                            error);
        if (status != CXM_OK)
            return status;
        const uint32_t slot = config->slot[r] + seen[r]++;
        sources->slots[slot] = input->column;
        sources->given[slot] = true;
        if (role == CXM_ROLE_KEY)
            sources->value = input->column;
        return CXM_OK;
    }
    char known[256] = "";
    size_t used = 0;
    for (int r = 0; r < info->n_inputs; r++)
        cxm_priv_append(known, sizeof known, &used, "%s, ", info->inputs[r].name);
    return cxm_priv_fail(error, CXM_EINVAL, input->role,
                         "%s has no input %s; it takes %sby, weight and freq, and strata, "
                         "cluster, fpc and calibrate of a sampling design", info->name,
                         input->role, known);
}

/* The columns of a sampling design, before they join the keys in the order of their roles. */
struct design {
    const struct cxm_column *columns[CXM_MAX_DESIGN]; /* by role - CXM_KEY_STRATA */
};

/* Takes a column of the design; `*taken` stays false for other roles. */
static enum cxm_status set_design(struct design *design, const struct cxm_input *input,
                                  bool *taken, struct cxm_error *error)
{
    static const struct { const char *name; int first, most; } kinds[] = {
        { "strata", CXM_KEY_STRATA, 1 },
        { "cluster", CXM_KEY_CLUSTER, 2 },
        { "fpc", CXM_KEY_FPC, 2 },
        { "calibrate", CXM_KEY_MARGIN, CXM_MAX_MARGINS },
    };
    for (size_t i = 0; i < CXM_COUNT(kinds); i++) {
        if (strcmp(input->role, kinds[i].name) != 0)
            continue;
        *taken = true;
        const struct cxm_column **place = &design->columns[kinds[i].first - CXM_KEY_STRATA];
        for (int k = 0; k < kinds[i].most; k++) {
            if (place[k] != NULL)
                continue;
            place[k] = input->column;
            return cxm_priv_column_fits(input->column, kinds[i].first == CXM_KEY_FPC
                                                         ? CXM_ROLE_NUMBER
                                                         : CXM_ROLE_KEY,
                                        input->role, error);
        }
        return cxm_priv_fail(error, CXM_EINVAL, input->role,
                             kinds[i].most == 1 ? "%s is given twice"
                                                : "%s is given too many times", input->role);
    }
    return CXM_OK;
}

static enum cxm_status append_design(const struct cxm_config *config,
                                     struct cxm_sources *sources, const struct design *design,
                                     struct cxm_error *error)
{
    const bool clusters = design->columns[CXM_KEY_CLUSTER - CXM_KEY_STRATA] != NULL;
    if (design->columns[CXM_KEY_FPC_2 - CXM_KEY_STRATA] != NULL && !clusters)
        return cxm_priv_fail(error, CXM_EINVAL, "fpc",
                             "a second fpc counts the units of each cluster; there is no cluster");
    sources->n_by = sources->n_keys;
    for (int i = 0; i < CXM_MAX_DESIGN; i++) {
        if (design->columns[i] == NULL)
            continue;
        sources->roles[sources->n_keys] = (uint8_t)(i + CXM_KEY_STRATA < CXM_KEY_MARGIN
                                                      ? i + CXM_KEY_STRATA
                                                      : CXM_KEY_MARGIN);
        sources->keys[sources->n_keys++] = design->columns[i];
    }
    if (sources->n_keys > sources->n_by && config->n_table_values > 0)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, "strata", "%s takes no sampling design",
                             config->rules->info->name);
    if (sources->n_by > 0 && sources->n_keys > sources->n_by && sources->leave_out_missing_keys)
        return cxm_priv_fail(error, CXM_EINVAL, "missing_key",
                             "missing_key \"leave_out\" does not go with a sampling design: rows "
                             "without a key stay in the design; keep them as a group");
    return CXM_OK;
}

static enum cxm_status set_common(struct cxm_sources *sources, struct design *design,
                                  const struct cxm_input *input, bool *taken,
                                  struct cxm_error *error)
{
    *taken = false;
    const enum cxm_status design_status = set_design(design, input, taken, error);
    if (*taken)
        return design_status;
    *taken = true;
    if (strcmp(input->role, "by") == 0) {
        if (sources->n_keys == CXM_MAX_KEYS)
            return cxm_priv_fail(error, CXM_EINVAL, "by", "at most %d keys", CXM_MAX_KEYS);
        const enum cxm_status status = cxm_priv_column_fits(input->column, CXM_ROLE_KEY, "by",
                                                            error);
        sources->keys[sources->n_keys++] = input->column;
        return status;
    }
    const struct cxm_column **place = strcmp(input->role, "weight") == 0 ? &sources->weight
                                    : strcmp(input->role, "freq") == 0   ? &sources->freq
                                                                         : NULL;
    if (place == NULL) {
        *taken = false;
        return CXM_OK;
    }
    if (*place != NULL)
        return cxm_priv_fail(error, CXM_EINVAL, input->role, "%s is given twice", input->role);
    *place = input->column;
    return cxm_priv_column_fits(input->column,
                                place == &sources->freq ? CXM_ROLE_COUNT : CXM_ROLE_NUMBER,
                                input->role, error);
}

static enum cxm_status check_complete(const struct cxm_config *config, const uint32_t *seen,
                                      struct cxm_error *error)
{
    const struct cxm_metric_info *info = config->rules->info;
    for (int r = 0; r < info->n_inputs; r++) {
        if (seen[r] == config->n_items[r] || (seen[r] == 0 && info->inputs[r].optional))
            continue;
        if (info->inputs[r].many)
            return cxm_priv_fail(error, CXM_EINVAL, info->inputs[r].name,
                                 "%s: %u columns for %u items", info->inputs[r].name, seen[r],
                                 config->n_items[r]);
        return cxm_priv_fail(error, CXM_EINVAL, info->inputs[r].name, "%s needs %s", info->name,
                             info->inputs[r].name);
    }
    return CXM_OK;
}

static enum cxm_status check_lengths(const struct cxm_input *inputs, size_t n,
                                     struct cxm_error *error)
{
    for (size_t i = 1; i < n; i++) {
        if (inputs[i].column->n == inputs[0].column->n)
            continue;
        return cxm_priv_fail(error, CXM_EINVAL, inputs[i].role, "%s: %lld rows, %s has %lld",
                             cxm_priv_column_name(inputs[i].column, inputs[i].role),
                             (long long)inputs[i].column->n,
                             cxm_priv_column_name(inputs[0].column, inputs[0].role),
                             (long long)inputs[0].column->n);
    }
    return CXM_OK;
}

enum cxm_status cxm_priv_match_inputs(const struct cxm_config *config,
                                      const struct cxm_input *inputs, size_t n,
                                      struct cxm_sources *sources, struct cxm_error *error)
{
    uint32_t seen[CXM_MAX_ROLES] = { 0 };
    struct design design = { { NULL } };
    for (size_t i = 0; i < n; i++) {
        if (inputs[i].role == NULL)
            return cxm_priv_fail(error, CXM_EINVAL, NULL, "input %zu has no role", i);
        if (inputs[i].column == NULL)
            return cxm_priv_fail(error, CXM_EINVAL, inputs[i].role, "%s: the column is NULL",
                                 inputs[i].role);
        bool taken;
        enum cxm_status status = set_common(sources, &design, &inputs[i], &taken, error);
        if (status == CXM_OK && !taken)
            status = set_slot(config, sources, &inputs[i], seen, error);
        if (status != CXM_OK)
            return status;
    }
    enum cxm_status status = check_complete(config, seen, error);
    if (status == CXM_OK)
        status = append_design(config, sources, &design, error);
    if (status != CXM_OK)
        return status;
    sources->n = inputs[0].column->n;
    if (config->rules->unweighted && sources->weight != NULL)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, "weight",
                             "%s takes no survey weights; freq counts copies of rows",
                             config->rules->info->name);
    if (config->rules->check_inputs != NULL) {
        const enum cxm_status fits = config->rules->check_inputs(config, sources->given, error);
        if (fits != CXM_OK)
            return fits;
    }
    return check_lengths(inputs, n, error);
}

enum cxm_status cxm_priv_plan_keys(struct cxm_sources *sources, struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    for (uint32_t k = 0; k < sources->n_keys && status == CXM_OK; k++)
        status = cxm_priv_key_plan(sources->keys[k], &sources->plans[k], error);
    if (status == CXM_OK && sources->value != NULL)
        status = cxm_priv_key_plan(sources->value, &sources->value_plan, error);
    return status;
}

/* ---- the schema of these rows --------------------------------------------------------- */

static bool copy_categories(const struct cxm_column *dictionary, char ***names, uint32_t *n,
                            const struct cxm_allocator *allocator)
{
    struct cxm_reader reader;
    cxm_priv_reader_init(&reader, dictionary);
    *names = cxm_priv_alloc_zero(allocator, (size_t)dictionary->n, sizeof **names);
    for (int64_t i = 0; *names != NULL && i < dictionary->n; i++) {
        struct cxm_text text = { "", 0 };
        uint8_t state;
        cxm_priv_read_key_text(&reader, i, 1, &text, &state);
        char *copy = cxm_priv_alloc(allocator, text.n + 1, 1);
        if (copy == NULL)
            return false;
        if (state == CXM_ROW_USED)
            memcpy(copy, text.bytes, text.n);
        copy[state == CXM_ROW_USED ? text.n : 0] = '\0';
        (*names)[(*n)++] = copy;
    }
    return *names != NULL;
}

static uint32_t given_inputs(const struct cxm_config *config, const struct cxm_sources *sources)
{
    uint32_t given = 0;
    for (int r = 0; r < config->rules->info->n_inputs; r++) {
        if (config->rules->info->inputs[r].optional && sources->given[config->slot[r]])
            given |= 1u << r;
    }
    return given;
}

/* A column of the design without a name is called after its role; margins are numbered. */
static void name_of_design(struct cxm_schema *schema, uint32_t k)
{
    static const char *const names[] = { "strata", "cluster", "cluster_2", "fpc", "fpc_2" };
    char *out = schema->keys[k].name;
    if (schema->roles[k] < CXM_KEY_MARGIN) {
        const char *name = names[schema->roles[k] - CXM_KEY_STRATA];
        memcpy(out, name, strlen(name) + 1);
        return;
    }
    uint32_t number = 1;
    for (uint32_t i = schema->n_keys; i < k; i++)
        number += schema->roles[i] == CXM_KEY_MARGIN;
    snprintf(out, sizeof schema->keys[k].name, "margin_%u", number);
}

enum cxm_status cxm_priv_make_schema(const struct cxm_config *config,
                                     const struct cxm_sources *sources,
                                     struct cxm_schema *schema, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = config->allocator;
    const bool plain = sources->n_keys == 0 && sources->value == NULL
                    && config->n_table_values == 0;
    memset(schema, 0, plain ? offsetof(struct cxm_schema, keys) : sizeof *schema);
    schema->given = given_inputs(config, sources);
    schema->weighted = sources->weight != NULL;
    schema->n_keys = sources->n_by;
    schema->n_design = sources->n_keys - sources->n_by;
    memcpy(schema->roles, sources->roles, sizeof schema->roles);
    bool room = true;
    for (uint32_t k = 0; k < sources->n_keys; k++) {
        const struct cxm_key_plan *plan = &sources->plans[k];
        schema->keys[k] = plan->info;
        if (schema->keys[k].name[0] == '\0' && k >= sources->n_by)
            name_of_design(schema, k);
        else if (schema->keys[k].name[0] == '\0' && k == 0)
            snprintf(schema->keys[k].name, sizeof schema->keys[k].name, "group");
        else if (schema->keys[k].name[0] == '\0')
            snprintf(schema->keys[k].name, sizeof schema->keys[k].name, "group_%u", k + 1);
        if (plan->info.type == CXM_KEY_CATEGORY && room)
            room = copy_categories(plan->categories, &schema->categories[k],
                                   &schema->n_categories[k], allocator);
    }
    if (config->n_table_values > 0) {
        schema->has_values = true;
        schema->values_type = CXM_KEY_REAL;
    }
    if (sources->value != NULL) {
        schema->has_values = true;
        schema->values_type = sources->value_plan.info.type;
        if (schema->values_type == CXM_KEY_CATEGORY && room)
            room = copy_categories(sources->value_plan.categories, &schema->value_categories,
                                   &schema->n_value_categories, allocator);
    }
    if (room)
        return CXM_OK;
    cxm_priv_schema_release(schema, allocator);
    return cxm_priv_no_memory(error);
}
