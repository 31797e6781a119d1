/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Adding rows: columns are matched to inputs (inputs.c), ranges of rows are added to private
 * states, one a thread, and the states are merged into the tally at the end. Until then nothing of
 * the tally changes, so an error anywhere throws the private states away and that is all. */
#include "tally/pieces.h"
#include "tally/tally.h"
#include "tally/threads.h"

#include <pthread.h>

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
        if (status == CXM_OK)
            cxm_priv_tally_changed(tally);
        return status;
    }
    cxm_priv_tally_begin(tally, state);
    cxm_priv_schema_move(&tally->schema, schema);
    return CXM_OK;
}

/* The schema of the rows must be that of the tally. Keys and values of nothing but nulls, of either,
 * have the type of the other; the tally's then is `known`, to be taken when all has gone well. */
static enum cxm_status fit_schemas(const struct cxm_tally *tally, const struct cxm_sources *sources,
                                   struct cxm_schema *schema, struct cxm_schema *known,
                                   bool *settled, struct cxm_error *error)
{
    const uint32_t n_ours = cxm_priv_all_keys(&tally->schema);
    for (uint32_t k = 0; k < cxm_priv_all_keys(schema) && k < n_ours; k++) {
        if (sources->plans[k].unknown
            && !cxm_priv_schema_take_key(schema, &tally->schema, k, &tally->allocator))
            return cxm_priv_no_memory(error);
    }
    if (sources->value != NULL && sources->value_plan.unknown && tally->schema.has_values
        && !cxm_priv_schema_take_values(schema, &tally->schema, &tally->allocator))
        return cxm_priv_no_memory(error);
    enum cxm_status status = cxm_priv_settle_keys(tally, schema, known, settled, error);
    if (status == CXM_OK)
        status = cxm_priv_schema_compare(&tally->config, *settled ? known : &tally->schema, schema,
                                         error);
    if (status != CXM_OK && *settled) {
        cxm_priv_schema_release(known, &tally->allocator);
        *settled = false;
    }
    return status;
}

static enum cxm_status add_sources(struct cxm_tally *tally, const struct cxm_sources *sources,
                                   int32_t threads, struct cxm_error *error)
{
    struct cxm_schema schema, known;
    struct cxm_state state;
    bool settled = false;
    enum cxm_status status = cxm_priv_make_schema(&tally->config, sources, &schema, error);
    if (status != CXM_OK)
        return status;
    if (tally->state.rows > 0)
        status = fit_schemas(tally, sources, &schema, &known, &settled, error);
    if (status == CXM_OK)
        status = tally_all(&tally->config, sources, threads, &state, error);
    if (status == CXM_OK)
        status = commit(tally, &schema, &state, error);
    cxm_priv_schema_release(&schema, &tally->allocator);
    if (!settled)
        return status;
    if (status == CXM_OK) {
        cxm_priv_schema_release(&tally->schema, &tally->allocator);
        tally->schema = known;
    } else {
        cxm_priv_schema_release(&known, &tally->allocator);
    }
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
    sources.slots = cxm_priv_alloc_zero(&tally->allocator, n_slots,
                                        sizeof *sources.slots + sizeof *sources.given);
    if (sources.slots == NULL)
        return cxm_priv_no_memory(error);
    sources.given = (bool *)(sources.slots + n_slots);
    status = cxm_priv_match_inputs(&tally->config, inputs, n_inputs, &sources, error);
    if (status == CXM_OK)
        status = cxm_priv_plan_keys(&sources, error);
    if (status == CXM_OK)
        status = add_sources(tally, &sources, chosen.threads, error);
    cxm_priv_release(&tally->allocator, sources.slots);
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
    const char *name = cxm_priv_column_name(column, info->inputs[role].name);
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
        cxm_priv_append(what, sizeof what, &used,
                        "not a whole number of minor units; cxm_revenue_rows rounds");
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
    const char *const advice = config->rules->advice != NULL && column->n_labels == 0
                                 ? config->rules->advice(config, role) : NULL;
    if (advice != NULL)
        return cxm_priv_fail_at(error, CXM_EDATA, name, row, value,
                                "%s: row %lld is %s; %s; to count such rows pass invalid=\"count\".",
                                name, (long long)row, value, advice);
    if (column->n_labels > 0)
        return cxm_priv_fail_at(error, CXM_EDATA, name, row, value,
                                "%s: row %lld is \"%s\", %s. List it there, as missing when it is no "
                                "answer; to count such rows pass invalid=\"count\".", name,
                                (long long)row, value, what);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, value,
                            "%s: row %lld is %s, %s. If %s means \"no answer\" pass "
                            "missing_codes=[%s]; to count such rows pass invalid=\"count\".",
                            name, (long long)row, value, what, value, value);
}
