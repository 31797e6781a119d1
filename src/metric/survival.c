/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Durations until an event, for survival curves, competing risks and log-rank tests: for every
 * time how many left it censored, how many by each cause, and how many came under observation
 * there. Such tables add up under any partition of the customers. Typical: days up to 2 000, one
 * to six causes; extreme: as many times as rows, and at most 2^30 pairs of group and time.
 *
 * The table's counters: 0 censored, 1 … K lost by a cause, K + 1 came in. The bins of the unit
 * are the first K + 1 of them. The curves are analyses: analysis/survival_report.c. */
#include "metric/survival.h"

#include <math.h>

enum { DURATION, EVENT, ENTRY };
enum { CAUSES };

uint32_t cxm_priv_survival_causes(const struct cxm_config *config)
{
    return config->units[0].bins - 1;
}

const char *cxm_priv_survival_cause(const struct cxm_config *config, uint32_t cause)
{
    const struct cxm_value *names = &config->params[CAUSES];
    return cause > 0 && cause <= names->n_texts ? names->texts[cause - 1] : "event";
}

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    const struct cxm_value *causes = &config->params[CAUSES];
    const uint32_t k = causes->n_texts > 0 ? (uint32_t)causes->n_texts : 1;
    if (causes->n_texts > CXM_MAX_CAUSES)
        return cxm_priv_fail(error, CXM_EINVAL, "causes", "%zu causes, at most %d",
                             causes->n_texts, CXM_MAX_CAUSES);
    for (size_t i = 0; i < causes->n_texts; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(causes->texts[i], causes->texts[j]) == 0)
                return cxm_priv_fail(error, CXM_EINVAL, "causes", "%s is listed twice",
                                     causes->texts[i]);
        }
    }
    const enum cxm_status status = cxm_priv_one_unit(config, k + 1, 0, error);
    if (status != CXM_OK)
        return status;
    config->units[0].n_reasons = 1;
    config->units[0].reasons[0] = CXM_REASON_BAD;
    config->lowest[DURATION] = config->lowest[ENTRY] = config->lowest[EVENT] = 0;
    config->highest[DURATION] = config->highest[ENTRY] = 9007199254740992.0;
    config->highest[EVENT] = k;
    config->n_table_values = 2;
    config->n_table_counts = k + 2;
    return CXM_OK;
}

/* A customer is at risk after its entry up to its duration: one whose entry is not before that
 * never is, and is counted as bad. */
static void rule(const struct cxm_config *config, struct cxm_block *block)
{
    const uint16_t missing = (uint16_t)config->units[0].bins;
    const uint16_t invalid = missing + 1, bad = missing + 3;
    const bool truncated = block->given[config->slot[ENTRY]];
    const double *duration = block->values[config->slot[DURATION]];
    const double *entry = block->values[config->slot[ENTRY]];
    const uint8_t *state = block->states[config->slot[DURATION]];
    const uint8_t *entry_state = block->states[config->slot[ENTRY]];
    const uint16_t *event = block->codes[config->slot[EVENT]];
    for (size_t i = 0; i < block->n; i++) {
        const uint8_t came = truncated ? entry_state[i] : CXM_ROW_USED;
        uint16_t code = event[i];
        if (state[i] == CXM_ROW_INVALID || came == CXM_ROW_INVALID || code == invalid)
            code = invalid;
        else if (state[i] == CXM_ROW_MISSING || came == CXM_ROW_MISSING || code == missing)
            code = missing;
        else if (truncated && !(entry[i] < duration[i]))
            code = bad;
        const bool used = code < missing;
        block->unit_codes[0][i] = code;
        block->table_counters[0][i] = used ? code : CXM_NO_COUNTER;
        block->table_counters[1][i] = used && truncated ? missing : CXM_NO_COUNTER;
    }
    memcpy(block->table_values[0], duration, block->n * sizeof *duration);
    if (truncated)
        memcpy(block->table_values[1], entry, block->n * sizeof *entry);
}

/* Losses coded 1 and 2 are common (1 still there, 2 lost): the 2 is no missing answer, and leaving such
 * rows out would leave out every loss. */
static const char *advice(const struct cxm_config *config, int role)
{
    return role == EVENT && config->highest[EVENT] == 1
             ? "it must be 0 or 1 (1 = the event, 0 = censored). Where 2 is the event and 1 is not, "
               "subtract 1" : NULL;
}

/* ---- reading the table ---------------------------------------------------------------- */

bool cxm_priv_survival_has_entry(const struct cxm_tally *tally)
{
    return (tally->schema.given >> ENTRY & 1) != 0;
}

/* A number takes the last bytes of a key of the table: see table_is_sound. */
static double time_of(const struct cxm_table *values, uint32_t entry)
{
    size_t n;
    const uint8_t *bytes = cxm_priv_dict_key(&values->dict, entry, &n);
    return cxm_priv_real_of_word(__builtin_bswap64(cxm_priv_get_u64(bytes + n - 8)));
}

const uint8_t *cxm_priv_survival_group(const struct cxm_table *values, uint32_t entry, size_t *n)
{
    const uint8_t *key = cxm_priv_dict_key(&values->dict, entry, n);
    *n -= CXM_NUMBER_KEY_BYTES;
    return key;
}

size_t cxm_priv_survival_run(const struct cxm_table *values, const uint32_t *order, size_t first,
                             size_t n)
{
    size_t last = first + 1, n_first, n_last;
    const uint8_t *group = cxm_priv_survival_group(values, order[first], &n_first);
    for (; last < n; last++) {
        const uint8_t *other = cxm_priv_survival_group(values, order[last], &n_last);
        if (n_last != n_first || (n_first > 0 && memcmp(group, other, n_first) != 0))
            break;
    }
    return last;
}

struct cxm_risk_walk cxm_priv_survival_walk(const struct cxm_config *config,
                                            const struct cxm_table *values,
                                            const uint32_t *order, size_t n)
{
    struct cxm_risk_walk walk = { .values = values, .order = order, .n = n,
                                  .codes = config->units[0].bins };
    for (size_t i = 0; i < n; i++) { /* those who came in are counted when they do */
        const int64_t *cell = cxm_priv_table_cell(values, order[i]);
        for (uint32_t c = 0; c < walk.codes; c++)
            walk.at_risk += cell[c];
        walk.at_risk -= cell[walk.codes];
        walk.to_come += cell[walk.codes];
    }
    return walk;
}

double cxm_priv_survival_peek(const struct cxm_risk_walk *walk)
{
    return walk->at < walk->n ? time_of(walk->values, walk->order[walk->at]) : INFINITY;
}

int64_t cxm_priv_survival_pass(struct cxm_risk_walk *walk)
{
    const int64_t *cell = cxm_priv_table_cell(walk->values, walk->order[walk->at++]);
    int64_t events = 0;
    for (uint32_t c = 1; c < walk->codes; c++)
        events += cell[c];
    walk->at_risk += cell[walk->codes] - cell[0] - events;
    return events;
}

const int64_t *cxm_priv_survival_next(struct cxm_risk_walk *walk, struct cxm_risk *out)
{
    while (walk->at < walk->n) {
        const uint32_t entry = walk->order[walk->at++];
        walk->to_come -= walk->came;
        const int64_t *cell = cxm_priv_table_cell(walk->values, entry);
        *out = (struct cxm_risk){ .at_risk = walk->at_risk, .censored = cell[0] };
        for (uint32_t c = 1; c < walk->codes; c++)
            out->events += cell[c];
        const int64_t left = out->events + out->censored;
        walk->came = cell[walk->codes];
        walk->at_risk += walk->came - left;
        if (left > 0) {
            out->time = time_of(walk->values, entry);
            return cell;
        }
    }
    return NULL;
}

/* The times of one group: nobody leaves who did not come before, and all that the group counts
 * are there. */
static bool run_is_sound(const struct cxm_tally *tally, const uint32_t *order, size_t n,
                         int64_t *left)
{
    const struct cxm_table *values = &tally->state.values, *groups = &tally->state.groups;
    const uint32_t codes = tally->config.units[0].bins;
    const bool truncated = cxm_priv_survival_has_entry(tally);
    size_t n_group;
    const uint8_t *key = cxm_priv_survival_group(values, order[0], &n_group);
    const uint32_t group = cxm_priv_dict_find(&groups->dict, key, n_group);
    if (group == UINT32_MAX)
        return false;
    int64_t sums[CXM_MAX_CAUSES + 2] = { 0 }, at_risk = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t *cell = cxm_priv_table_cell(values, order[i]);
        const double time = time_of(values, order[i]);
        int64_t leave = 0;
        if (!(time >= 0 && time <= tally->config.highest[DURATION])
            || (!truncated && cell[codes] != 0))
            return false;
        for (uint32_t c = 0; c <= codes; c++) {
            if (__builtin_add_overflow(sums[c], cell[c], &sums[c])
                || (c < codes && __builtin_add_overflow(leave, cell[c], &leave)))
                return false;
        }
        if (__builtin_add_overflow(*left, leave, left) || (truncated && leave > at_risk)
            || (truncated && __builtin_add_overflow(at_risk - leave, cell[codes], &at_risk)))
            return false;
    }
    const int64_t *cell = cxm_priv_table_cell(groups, group);
    return memcmp(sums, cell, codes * sizeof *sums) == 0 && at_risk == 0;
}

static bool ends_in_number(const struct cxm_tally *tally, uint32_t entry)
{
    size_t n, at = 0;
    struct cxm_key unused;
    const uint8_t *key = cxm_priv_dict_key(&tally->state.values.dict, entry, &n);
    for (uint32_t k = 0; k < tally->schema.n_keys; k++)
        at += cxm_priv_parse_key(tally->schema.keys[k].type, key + at, n - at, &unused, NULL);
    return n - at == CXM_NUMBER_KEY_BYTES && key[at] == CXM_TAG_PRESENT;
}

static bool table_is_sound(const struct cxm_tally *tally, const uint32_t *order)
{
    const struct cxm_table *groups = &tally->state.groups, *values = &tally->state.values;
    const size_t n = values->dict.n;
    int64_t used = 0, left = 0; /* at most the rows of the tally */
    for (uint32_t g = 0; g < groups->dict.n; g++) {
        for (uint32_t c = 0; c < tally->config.units[0].bins; c++)
            used += cxm_priv_table_cell(groups, g)[c];
    }
    for (size_t i = 0; i < n; i++) {
        if (!ends_in_number(tally, order[i]))
            return false;
    }
    for (size_t first = 0; first < n;) {
        const size_t last = cxm_priv_survival_run(values, order, first, n);
        if (!run_is_sound(tally, order + first, last - first, &left))
            return false;
        first = last;
    }
    return used == left;
}

/* ---- measures ------------------------------------------------------------------------- */

/* The curve at its end: the share that is still there after the longest time. */
static void estimate_survival(const struct cxm_view *view, uint32_t member,
                              const struct cxm_ask *ask, struct cxm_estimate *out)
{
    struct cxm_survival at = CXM_SURVIVAL_START;
    struct cxm_risk risk;
    (void)member;
    cxm_priv_begin(view, 0, ask, out);
    if (out->n == 0)
        return;
    struct cxm_risk_walk walk = cxm_priv_survival_walk(view->config, view->values, view->numbers,
                                                       view->n_numbers);
    while (cxm_priv_survival_next(&walk, &risk) != NULL)
        cxm_priv_survival_step(&at, &risk);
    cxm_priv_put_survival(&at, cxm_priv_z(ask->level), ask->interval, out);
}

void cxm_priv_put_survival(const struct cxm_survival *at, double z,
                           enum cxm_interval interval, struct cxm_estimate *out)
{
    out->interval = interval == CXM_INTERVAL_DEFAULT ? CXM_INTERVAL_LOG_LOG : interval;
    out->value = at->survival.hi;
    out->std_error = at->std_error;
    out->df = INFINITY;
    if (out->interval == CXM_INTERVAL_NONE)
        out->flags |= at->survival.hi > 0 && at->greenwood.hi > 0 ? 0 : CXM_FLAG_DEGENERATE;
    else
        cxm_priv_set_limits(out, cxm_priv_survival_limits(at, z, out->interval), 0, 1);
}

static void estimate_events(const struct cxm_view *view, uint32_t member,
                            const struct cxm_ask *ask, struct cxm_estimate *out)
{
    double y[CXM_MAX_CAUSES + 1];
    (void)member;
    for (uint32_t b = 0; b < view->config->units[0].bins; b++)
        y[b] = b > 0;
    cxm_priv_estimate_count(view, 0, y, ask, out);
}

static void estimate_cause(const struct cxm_view *view, uint32_t member,
                           const struct cxm_ask *ask, struct cxm_estimate *out)
{
    double y[CXM_MAX_CAUSES + 1] = { 0 };
    y[member + 1] = 1;
    cxm_priv_estimate_count(view, 0, y, ask, out);
}

static void estimate_censored(const struct cxm_view *view, uint32_t member,
                              const struct cxm_ask *ask, struct cxm_estimate *out)
{
    const double y[CXM_MAX_CAUSES + 1] = { 1 };
    (void)member;
    cxm_priv_estimate_count(view, 0, y, ask, out);
}

/* ---- the description ------------------------------------------------------------------ */

static uint32_t unit_of(const struct cxm_config *config, int family, uint32_t usual)
{
    (void)config;
    (void)family;
    (void)usual;
    return 0;
}

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    const uint32_t causes = cxm_priv_survival_causes(&tally->config);
    if (tally->config.params[CAUSES].n_texts > 0)
        cxm_priv_append(out, capacity, used, "survival/causes=%u", causes);
    else
        cxm_priv_append(out, capacity, used, "survival/event");
    if (cxm_priv_survival_has_entry(tally))
        cxm_priv_append(out, capacity, used, "/delayed-entry");
}

static const struct cxm_input_info inputs[] = {
    { .name = "duration", .summary = "time from the start to the event, or to the last "
      "observation", .role = CXM_ROLE_NUMBER },
    { .name = "event", .summary = "0 still a customer (censored), 1 lost; or the number of the "
      "cause", .role = CXM_ROLE_RATING },
    { .name = "entry", .summary = "time at which observation began, below duration",
      .role = CXM_ROLE_NUMBER, .optional = 1 },
};

static const struct cxm_param_info params[] = {
    { .name = "causes", .summary = "names of the causes 1, 2, 3 … of competing risks",
      .kind = CXM_PARAM_TEXTS },
};

static const struct cxm_measure_info measures[] = {
    { "survival", "share not lost up to the longest time", "客户留存率（最长时间）",
      CXM_UNIT_SHARE, 1 },
    { "events", "customers lost", "流失客户数", CXM_UNIT_COUNT, 1 },
    { "censored", "customers not lost so far (censored)", "尚未流失客户数", CXM_UNIT_COUNT, 1 },
    { "events[cause]", "customers lost by a cause", "按原因的流失客户数", CXM_UNIT_COUNT, 0 },
};

static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_SURVIVAL, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_survival },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = estimate_events },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_censored },
    { CXM_CLASS_NONE, CXM_PER_ITEM, CXM_BETTER_LOW, 0, .estimate = estimate_cause },
};

static const enum cxm_interval intervals[] = { CXM_INTERVAL_LOG_LOG, CXM_INTERVAL_LOG,
                                               CXM_INTERVAL_PLAIN, CXM_INTERVAL_LOGIT,
                                               CXM_INTERVAL_ARCSINE, CXM_INTERVAL_NONE };

static const struct cxm_metric_info info = {
    .name = "survival", .summary = "durations until a customer is lost", .kind = 18,
    .summary_zh = "客户留存曲线", .base = CXM_BASE_CUSTOMERS, .inputs = inputs,
    .n_inputs = CXM_COUNT(inputs), .params = params, .n_params = CXM_COUNT(params),
    .measures = measures, .n_measures = CXM_COUNT(measures), .intervals = intervals,
    .n_intervals = CXM_COUNT(intervals),
};

const struct cxm_metric cxm_priv_metric_survival = {
    .rules = { .info = &info, .configure = configure, .rule = rule, .unweighted = true,
               .dense_times = true, .advice = advice, .table_is_sound = table_is_sound },
    .estimators = estimators, .items_param = CAUSES, .dimensions_param = -1, .unit_of = unit_of,
    .define = define,
};
