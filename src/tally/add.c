/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Adding rows: columns are matched to inputs, ranges of rows are added to private states, one
 * a thread, and the states are merged into the tally at the end. Until then nothing of the
 * tally changes, so an error anywhere throws the private states away and that is all. */
#include "tally/pieces.h"
#include "tally/tally.h"
#include "tally/threads.h"

#include <pthread.h>
#include <stdio.h>

/* ---- matching columns to inputs ------------------------------------------------------- */

static const char *column_name(const struct cxm_column *column, const char *role)
{
    return column->name != NULL ? column->name : role;
}

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
                             column_name(inputs[i].column, inputs[i].role),
                             (long long)inputs[i].column->n,
                             column_name(inputs[0].column, inputs[0].role),
                             (long long)inputs[0].column->n);
    }
    return CXM_OK;
}

static enum cxm_status match_inputs(const struct cxm_config *config,
                                    const struct cxm_input *inputs, size_t n,
                                    struct cxm_sources *sources, struct cxm_error *error)
{
    uint32_t seen[CXM_MAX_ROLES] = { 0 };
    struct design design = { { NULL } };
    for (size_t i = 0; i < n; i++) {
        if (inputs[i].role == NULL || inputs[i].column == NULL)
            return cxm_priv_fail(error, CXM_EINVAL, inputs[i].role,
                                 "an input without role or column");
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

static enum cxm_status plan_keys(struct cxm_sources *sources, struct cxm_error *error)
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

static enum cxm_status make_schema(const struct cxm_config *config,
                                   const struct cxm_sources *sources, struct cxm_schema *schema,
                                   struct cxm_error *error)
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

/* ---- threads -------------------------------------------------------------------------- */

struct job {
    const struct cxm_config *config;
    const struct cxm_sources *sources;
    int64_t first, last;
    struct cxm_state state;
    struct cxm_error error;
    enum cxm_status status;
    pthread_t thread;
    bool started;
};

static void *run_job(void *argument)
{
    struct job *job = argument;
    job->status = cxm_priv_add_range(job->config, job->sources, job->first, job->last,
                                     &job->state, &job->error);
    return NULL;
}

static void run_jobs(struct job *jobs, int n)
{
    for (int i = 1; i < n; i++)
        jobs[i].started = pthread_create(&jobs[i].thread, NULL, run_job, &jobs[i]) == 0;
    for (int i = 0; i < n; i++) {
        if (!jobs[i].started)
            run_job(&jobs[i]);
    }
    for (int i = 1; i < n; i++) {
        if (jobs[i].started)
            pthread_join(jobs[i].thread, NULL);
    }
}

/* The first job that failed has the lowest rows; all states end up in the first. */
static enum cxm_status gather(struct job *jobs, int n, struct cxm_error *error)
{
    for (int i = 0; i < n; i++) {
        if (jobs[i].status == CXM_OK)
            continue;
        if (error != NULL)
            *error = jobs[i].error;
        return jobs[i].status;
    }
    enum cxm_status status = CXM_OK;
    for (int i = 1; i < n && status == CXM_OK; i++)
        status = cxm_priv_state_merge(&jobs[0].state, &jobs[i].state, error);
    return status;
}

/* Starting a thread takes about 20 microseconds; it is to take over several times that. */
static int64_t rows_worth_a_thread(const struct cxm_config *config,
                                   const struct cxm_sources *sources)
{
    enum { KEYED = 1 << 17, OTHERS = 1 << 16 };
    const struct cxm_column *answers = sources->slots[0];
    if (sources->n_keys == 0) {
        const int64_t ratings = answers != NULL ? cxm_priv_dense_all_worth(config, sources) : 0;
        return ratings > 0 ? ratings : OTHERS;
    }
    const bool quick = config->rules->one_rating && sources->weight == NULL
                    && sources->freq == NULL && answers != NULL
                    && answers->type >= CXM_I8 && answers->type <= CXM_F64;
    return quick ? KEYED : OTHERS;
}

static int count_threads(const struct cxm_config *config, const struct cxm_sources *sources,
                         int32_t wanted)
{
    enum { MOST = CXM_MOST_THREADS };
    const int64_t worth = sources->n / rows_worth_a_thread(config, sources);
    int64_t n = wanted < MOST ? wanted : MOST;
    if (n > worth)
        n = worth;
    return n > 1 ? (int)n : 1;
}

static enum cxm_status tally_ranges(const struct cxm_config *config,
                                  const struct cxm_sources *sources, int n_threads,
                                  struct cxm_state *out, struct cxm_error *error)
{
    if (n_threads == 1) {
        if (!cxm_priv_state_init(out, config, sources->weight != NULL,
                                 cxm_priv_sources_margins(sources)))
            return cxm_priv_no_memory(error);
        const enum cxm_status alone = cxm_priv_add_range(config, sources, 0, sources->n, out,
                                                         error);
        if (alone != CXM_OK)
            cxm_priv_state_release(out);
        return alone;
    }
    struct job *jobs = cxm_priv_alloc_zero(config->allocator, (size_t)n_threads, sizeof *jobs);
    if (jobs == NULL)
        return cxm_priv_no_memory(error);
    bool room = true;
    const int64_t share = sources->n / n_threads;
    for (int i = 0; i < n_threads; i++) {
        jobs[i].config = config;
        jobs[i].sources = sources;
        jobs[i].first = share * i;
        jobs[i].last = i + 1 < n_threads ? share * (i + 1) : sources->n;
        room = cxm_priv_state_init(&jobs[i].state, config, sources->weight != NULL,
                                   cxm_priv_sources_margins(sources))
            && room;
    }
    enum cxm_status status = CXM_ENOMEM;
    if (room) {
        run_jobs(jobs, n_threads);
        status = gather(jobs, n_threads, error);
    } else {
        cxm_priv_no_memory(error);
    }
    if (status == CXM_OK)
        *out = jobs[0].state;
    for (int i = status == CXM_OK ? 1 : 0; i < n_threads; i++)
        cxm_priv_state_release(&jobs[i].state);
    cxm_priv_release(config->allocator, jobs);
    return status;
}

/* The short cuts for metrics of times, and for one rating by one key; or a range of rows for each
 * thread. */
static enum cxm_status tally_rows(const struct cxm_config *config,
                                  const struct cxm_sources *sources, int n_threads,
                                  struct cxm_state *out, struct cxm_error *error)
{
    const bool of_times = config->rules->dense_times;
    if (sources->n_keys == 0 && !of_times)
        return tally_ranges(config, sources, n_threads, out, error);
    const bool margins = cxm_priv_sources_margins(sources);
    if (!cxm_priv_state_init(out, config, sources->weight != NULL, margins))
        return cxm_priv_no_memory(error);
    const enum cxm_dense_result result = (of_times ? cxm_priv_dense_times : cxm_priv_dense_groups)(
        config, sources, n_threads, out);
    if (result == CXM_DENSE_DONE)
        return CXM_OK;
    cxm_priv_state_release(out);
    if (result == CXM_DENSE_NO_MEMORY)
        return cxm_priv_no_memory(error);
    return tally_ranges(config, sources, n_threads, out, error);
}

static enum cxm_status tally_plain(const struct cxm_config *config,
                                   const struct cxm_sources *sources, int32_t threads,
                                   struct cxm_state *out, struct cxm_error *error)
{
    return tally_rows(config, sources, count_threads(config, sources, threads), out, error);
}

static enum cxm_status tally_all(const struct cxm_config *config,
                                 const struct cxm_sources *sources, int32_t threads,
                                 struct cxm_state *out, struct cxm_error *error)
{
    bool done;
    const enum cxm_status status = cxm_priv_add_pieces(config, sources, threads, tally_plain, out,
                                                       &done, error);
    return status != CXM_OK || done ? status : tally_plain(config, sources, threads, out, error);
}

/* ---- the call ------------------------------------------------------------------------- */

static enum cxm_status commit(struct cxm_tally *tally, struct cxm_schema *schema,
                              struct cxm_state *state, struct cxm_error *error)
{
    if (tally->state.rows > 0) {
        const enum cxm_status status = cxm_priv_state_merge(&tally->state, state, error);
        cxm_priv_state_release(state);
        if (status != CXM_OK)
            return status;
    } else {
        cxm_tally_clear(tally); /* an earlier add of no rows may have left a schema */
        cxm_priv_state_release(&tally->state);
        tally->state = *state;
        cxm_priv_schema_move(&tally->schema, schema);
    }
    cxm_priv_tally_changed(tally);
    return CXM_OK;
}

static enum cxm_status add_sources(struct cxm_tally *tally, const struct cxm_sources *sources,
                                   int32_t threads, struct cxm_error *error)
{
    struct cxm_schema schema;
    struct cxm_state state;
    enum cxm_status status = make_schema(&tally->config, sources, &schema, error);
    if (status != CXM_OK)
        return status;
    if (tally->state.rows > 0)
        status = cxm_priv_schema_compare(&tally->config, &tally->schema, &schema, error);
    if (status == CXM_OK)
        status = tally_all(&tally->config, sources, threads, &state, error);
    if (status == CXM_OK)
        status = commit(tally, &schema, &state, error);
    cxm_priv_schema_release(&schema, &tally->allocator);
    return status;
}

static enum cxm_status check_options(const struct cxm_add_options *options,
                                     struct cxm_add_options *out, struct cxm_error *error)
{
    memset(out, 0, sizeof *out);
    if (options == NULL)
        return CXM_OK;
    if (options->size < sizeof options->size || options->size > sizeof *out)
        return cxm_priv_fail(error, CXM_EINVAL, "options",
                             "options.size must be sizeof(struct cxm_add_options)");
    memcpy(out, options, options->size);
    if (out->invalid != CXM_INVALID_ERROR && out->invalid != CXM_INVALID_COUNT)
        return cxm_priv_fail(error, CXM_EINVAL, "invalid",
                             "invalid must be \"error\" or \"count\"");
    if (out->missing_key != CXM_MISSING_KEY_KEEP && out->missing_key != CXM_MISSING_KEY_LEAVE_OUT)
        return cxm_priv_fail(error, CXM_EINVAL, "missing_key",
                             "missing_key must be \"keep\" or \"leave_out\"");
    if (out->threads < 0)
        return cxm_priv_fail(error, CXM_EINVAL, "threads", "threads must be 0 or more");
    return cxm_priv_reserved(out->reserved, error);
}

enum cxm_status cxm_tally_add(struct cxm_tally *tally, const struct cxm_input *inputs,
                              size_t n_inputs, const struct cxm_add_options *options,
                              struct cxm_error *error)
{
    struct cxm_add_options chosen;
    if (tally == NULL || inputs == NULL || n_inputs == 0)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally or inputs are missing");
    enum cxm_status status = check_options(options, &chosen, error);
    if (status != CXM_OK)
        return status;
    struct cxm_sources sources;
    memset(&sources, 0, offsetof(struct cxm_sources, value_plan));
    sources.count_invalid = chosen.invalid == CXM_INVALID_COUNT;
    sources.leave_out_missing_keys = chosen.missing_key == CXM_MISSING_KEY_LEAVE_OUT;
    const uint32_t n_slots = tally->config.n_slots;
    sources.slots = cxm_priv_alloc_zero(&tally->allocator, n_slots, sizeof *sources.slots);
    sources.given = cxm_priv_alloc_zero(&tally->allocator, n_slots, sizeof *sources.given);
    if (sources.slots == NULL || sources.given == NULL)
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK)
        status = match_inputs(&tally->config, inputs, n_inputs, &sources, error);
    if (status == CXM_OK)
        status = plan_keys(&sources, error);
    if (status == CXM_OK)
        status = add_sources(tally, &sources, chosen.threads, error);
    cxm_priv_release(&tally->allocator, sources.slots);
    cxm_priv_release(&tally->allocator, sources.given);
    return status;
}

/* ---- messages about values ------------------------------------------------------------ */

static void range_text(const struct cxm_config *config, int role, char *out, size_t capacity)
{
    char low[CXM_DOUBLE_TEXT], high[CXM_DOUBLE_TEXT];
    size_t used = 0;
    cxm_priv_append(out, capacity, &used, "%s\xE2\x80\x93%s",
                    cxm_priv_double_text(config->lowest[role], low),
                    cxm_priv_double_text(config->highest[role], high));
}

enum cxm_status cxm_priv_invalid_value(const struct cxm_config *config, uint32_t slot,
                                       const struct cxm_column *column, int64_t row,
                                       struct cxm_error *error)
{
    const struct cxm_metric_info *info = config->rules->info;
    int role = info->n_inputs - 1;
    while (config->slot[role] > slot)
        role--;
    const char *name = column_name(column, info->inputs[role].name);
    char value[64], range[80], what[160];
    cxm_priv_value_text(column, row, value, sizeof value);
    size_t used = 0;
    const bool bounded = config->lowest[role] > -1e300 && config->highest[role] < 1e300;
    if (column->n_labels > 0)
        cxm_priv_append(what, sizeof what, &used, "which is not among the labels");
    else if (info->inputs[role].role == CXM_ROLE_FLAG)
        cxm_priv_append(what, sizeof what, &used, "neither 0 (no) nor 1 (yes)");
    else if (info->inputs[role].role == CXM_ROLE_COUNT)
        cxm_priv_append(what, sizeof what, &used, "not a whole number of 0 or more");
    else if (info->inputs[role].role == CXM_ROLE_MONEY && strpbrk(value, ".") != NULL)
        cxm_priv_append(what, sizeof what, &used, "not a whole number of minor units; cxm_revenue_rows rounds");
    else if (!bounded && strspn(value, "-0123456789") == strlen(value))
        cxm_priv_append(what, sizeof what, &used, "beyond 2^53, where not every whole number "
                        "is a double");
    else if (!bounded)
        cxm_priv_append(what, sizeof what, &used, "not a finite number");
    else if (info->inputs[role].role == CXM_ROLE_RATING && strpbrk(value, ".") != NULL)
        cxm_priv_append(what, sizeof what, &used, "not a whole number");
    else {
        range_text(config, role, range, sizeof range);
        cxm_priv_append(what, sizeof what, &used, "outside %s", range);
    }
    if (column->n_labels > 0)
        return cxm_priv_fail_at(error, CXM_EDATA, name, row, value,
                                "%s: row %lld is \"%s\", %s. List it there (missing: it is no "
                                "answer); to count such rows pass invalid=\"count\".", name,
                                (long long)row, value, what);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, value,
                            "%s: row %lld is %s, %s. If %s means \"no answer\" pass "
                            "missing_codes=[%s]; to count such rows pass invalid=\"count\".",
                            name, (long long)row, value, what, value, value);
}
