/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tests of tallies share: every metric of the registry in several configurations,
 * random rows for each, and ways to add those rows that must all give the same saved bytes. */
#ifndef CXM_TESTS_TALLIES_H
#define CXM_TESTS_TALLIES_H

#include "testing.h"

#include <cxm/cxm.h>

/* ---- configurations ------------------------------------------------------------------- */

enum { MOST_SLOTS = 9, N_REASONS = 5, N_SEGMENTS = 7 };

enum slot_kind { SLOT_RATING, SLOT_REAL, SLOT_FLAG, SLOT_COUNT, SLOT_RATING_5, SLOT_SMALL };

struct setup {
    const char *name;
    const char *metric;
    int n_slots;
    const char *roles[MOST_SLOTS];
    enum slot_kind kinds[MOST_SLOTS];
    bool one;     /* cxm_tally_add_one takes such rows */
    bool reason;  /* the key table too */
    size_t n_params;
    struct cxm_param params[4];
};

static const char *const three_items[] = { "speed", "price", "care" };
static const char *const two_dimensions[] = { "hard", "soft" };
static const char *const aggregate[] = { "aggregate" }, *const person[] = { "person" },
                  *const average[] = { "average" }, *const ratio_scaling[] = { "ratio" },
                  *const renormalise[] = { "renormalise" };
static const double one_to_seven[] = { 1, 7 }, one_to_five[] = { 1, 5 }, six = 6, three_number = 3,
                    fixed_weights[] = { 0.5, 0.3, 0.2 }, which_dimension[] = { 0, 1, 1 },
                    dimension_weights[] = { 2, 1 }, half = 0.5;

#define ITEMS_PARAM { "items", NULL, 0, three_items, 3 }

static const struct setup setups[] = {
    { "nps", "nps", 1, { "score" }, { SLOT_RATING }, true, false, 0, { { NULL, NULL, 0, NULL, 0 } } },
    { "nps of seven", "nps", 1, { "score" }, { SLOT_RATING_5 }, true, false, 3,
      { { "scale", one_to_seven, 2, NULL, 0 }, { "promoter", &six, 1, NULL, 0 },
        { "detractor", &three_number, 1, NULL, 0 } } },
    { "csat", "csat", 1, { "score" }, { SLOT_RATING_5 }, true, false, 0,
      { { NULL, NULL, 0, NULL, 0 } } },
    { "ces", "ces", 1, { "score" }, { SLOT_RATING_5 }, true, false, 0,
      { { NULL, NULL, 0, NULL, 0 } } },
    { "csi", "csi", 3, { "items", "items", "items" },
      { SLOT_RATING_5, SLOT_RATING_5, SLOT_RATING_5 }, false, false, 2,
      { ITEMS_PARAM, { "item_weights", fixed_weights, 3, NULL, 0 } } },
    { "csi, importance of persons", "csi", 6,
      { "items", "items", "items", "importance", "importance", "importance" },
      { SLOT_RATING_5, SLOT_RATING_5, SLOT_RATING_5, SLOT_RATING_5, SLOT_SMALL, SLOT_RATING_5 },
      false, false, 3,
      { ITEMS_PARAM, { "importance_kind", NULL, 0, person, 1 },
        { "scaling", NULL, 0, ratio_scaling, 1 } } },
    { "csi, aggregate importance", "csi", 6,
      { "items", "items", "items", "importance", "importance", "importance" },
      { SLOT_RATING_5, SLOT_RATING_5, SLOT_RATING_5, SLOT_SMALL, SLOT_SMALL, SLOT_RATING_5 },
      false, false, 2,
      { ITEMS_PARAM, { "importance_kind", NULL, 0, aggregate, 1 } } },
    { "gap", "gap", 6, { "perceived", "perceived", "perceived", "expected", "expected", "expected" },
      { SLOT_RATING_5, SLOT_RATING_5, SLOT_RATING_5, SLOT_RATING_5, SLOT_RATING_5, SLOT_RATING_5 },
      false, false, 4,
      { ITEMS_PARAM, { "dimension", which_dimension, 3, two_dimensions, 2 },
        { "dimension_weights", dimension_weights, 2, NULL, 0 },
        { "scale", one_to_five, 2, NULL, 0 } } },
    { "gap, real values", "gap", 6,
      { "perceived", "perceived", "perceived", "expected", "expected", "expected" },
      { SLOT_REAL, SLOT_SMALL, SLOT_SMALL, SLOT_REAL, SLOT_SMALL, SLOT_SMALL }, false, false, 3,
      { ITEMS_PARAM, { "partial", NULL, 0, renormalise, 1 }, { "tolerance", &half, 1, NULL, 0 } } },
    { "gap, aggregate importance", "gap", 9,
      { "perceived", "perceived", "perceived", "expected", "expected", "expected", "importance",
        "importance", "importance" },
      { SLOT_SMALL, SLOT_SMALL, SLOT_SMALL, SLOT_SMALL, SLOT_SMALL, SLOT_SMALL, SLOT_RATING_5,
        SLOT_RATING_5, SLOT_RATING_5 },
      false, false, 2, { ITEMS_PARAM, { "importance_kind", NULL, 0, aggregate, 1 } } },
    { "fcr", "fcr", 1, { "resolved_first" }, { SLOT_FLAG }, true, false, 0,
      { { NULL, NULL, 0, NULL, 0 } } },
    { "fcr, net", "fcr", 2, { "resolved_first", "eligible" }, { SLOT_FLAG, SLOT_FLAG }, true,
      false, 0, { { NULL, NULL, 0, NULL, 0 } } },
    { "one_touch", "one_touch", 3, { "solved", "replies", "reopens" },
      { SLOT_FLAG, SLOT_COUNT, SLOT_COUNT }, true, false, 0, { { NULL, NULL, 0, NULL, 0 } } },
    { "retention", "retention", 2, { "active_before", "active_after" }, { SLOT_FLAG, SLOT_FLAG },
      true, false, 0, { { NULL, NULL, 0, NULL, 0 } } },
    { "churn", "churn", 2, { "active_before", "active_after" }, { SLOT_FLAG, SLOT_FLAG }, true,
      false, 0, { { NULL, NULL, 0, NULL, 0 } } },
    { "churn by reason", "churn", 2, { "active_before", "active_after" },
      { SLOT_FLAG, SLOT_FLAG }, false, true, 0, { { NULL, NULL, 0, NULL, 0 } } },
    { "churn of the average", "churn", 2, { "active_before", "active_after" },
      { SLOT_FLAG, SLOT_FLAG }, false, true, 1, { { "denominator", NULL, 0, average, 1 } } },
    { "share", "share", 2, { "numerator", "denominator" }, { SLOT_FLAG, SLOT_FLAG }, true, false,
      0, { { NULL, NULL, 0, NULL, 0 } } },
    { "mean", "mean", 1, { "value" }, { SLOT_REAL }, true, false, 0,
      { { NULL, NULL, 0, NULL, 0 } } },
    { "mean of small numbers", "mean", 1, { "value" }, { SLOT_RATING }, true, false, 0,
      { { NULL, NULL, 0, NULL, 0 } } },
    { "ratio", "ratio", 2, { "numerator", "denominator" }, { SLOT_REAL, SLOT_SMALL }, true, false,
      0, { { NULL, NULL, 0, NULL, 0 } } },
    { "total", "total", 1, { "value" }, { SLOT_SMALL }, true, false, 0,
      { { NULL, NULL, 0, NULL, 0 } } },
    { "survival", "survival", 2, { "duration", "event" }, { SLOT_COUNT, SLOT_FLAG }, true, false,
      0, { { NULL, NULL, 0, NULL, 0 } } },
    { "survival, two causes, entry", "survival", 3, { "duration", "event", "entry" },
      { SLOT_SMALL, SLOT_COUNT, SLOT_SMALL }, true, false, 1,
      { { "causes", NULL, 0, two_dimensions, 2 } } },
    { "revenue", "revenue", 3, { "previous", "current", "ever" },
      { SLOT_COUNT, SLOT_COUNT, SLOT_FLAG }, true, false, 0, { { NULL, NULL, 0, NULL, 0 } } },
    { "cohorts", "cohorts", 2, { "retained", "observable" }, { SLOT_FLAG, SLOT_FLAG }, true,
      false, 0, { { NULL, NULL, 0, NULL, 0 } } },
    { "paired", "paired", 2, { "before", "after" }, { SLOT_RATING, SLOT_RATING }, true, false, 0,
      { { NULL, NULL, 0, NULL, 0 } } },
    { "repeat purchase", "repeat_purchase", 2, { "orders", "before" }, { SLOT_COUNT, SLOT_COUNT },
      true, false, 0, { { NULL, NULL, 0, NULL, 0 } } },
    { "reopen", "reopen", 2, { "reopens", "resolved" }, { SLOT_COUNT, SLOT_FLAG }, true, false, 0,
      { { NULL, NULL, 0, NULL, 0 } } },
    { "complaints", "complaints", 2, { "complaints", "customers" }, { SLOT_COUNT, SLOT_COUNT },
      true, false, 0, { { NULL, NULL, 0, NULL, 0 } } },
    { "fcr_window", "fcr_window", 6,
      { "state", "issue_state", "customer_fcr", "customer_contacts", "customer_issue_fcr",
        "customer_issues" },
      { SLOT_RATING_5, SLOT_RATING_5, SLOT_COUNT, SLOT_COUNT, SLOT_COUNT, SLOT_COUNT }, false,
      false, 0, { { NULL, NULL, 0, NULL, 0 } } },
    { "quantiles", "quantiles", 1, { "value" }, { SLOT_REAL }, true, false, 0,
      { { NULL, NULL, 0, NULL, 0 } } },
    { "sketch", "sketch", 1, { "value" }, { SLOT_SMALL }, true, false, 0,
      { { NULL, NULL, 0, NULL, 0 } } },
    { "sla", "sla", 2, { "state", "subsecond" }, { SLOT_COUNT, SLOT_FLAG }, true, false, 1,
      { { "target", &six, 1, NULL, 0 } } },
    { "stages", "stages", 1, { "stage" }, { SLOT_COUNT }, true, false, 0,
      { { NULL, NULL, 0, NULL, 0 } } },
    { "resolution", "resolution", 2, { "state", "flow" }, { SLOT_COUNT, SLOT_COUNT }, true, false, 0,
      { { NULL, NULL, 0, NULL, 0 } } },
    { "escalation", "escalation", 1, { "escalated" }, { SLOT_FLAG }, true, false, 0,
      { { NULL, NULL, 0, NULL, 0 } } },
    { "contact rate", "contact_rate", 2, { "contacts", "customers" }, { SLOT_COUNT, SLOT_SMALL }, true,
      false, 0, { { NULL, NULL, 0, NULL, 0 } } },
};
enum { N_SETUPS = COUNT_OF(setups) };

/* ---- random rows ---------------------------------------------------------------------- */

enum row_options {
    BY_NUMBER = 1,     /* keys: whole numbers, some missing */
    BY_TEXT = 2,       /* keys: text, some missing */
    WEIGHTED = 4,
    WITH_FREQ = 8,
    WITH_INVALID = 16, /* some values are out of range; they are counted */
    LEAVE_OUT = 32,    /* rows without a key are left out */
    MARGINS = 128,     /* and a margin, with DESIGNED */
    DESIGNED = 64,     /* strata, clusters of two stages, finite populations */
};

struct rows {
    const struct setup *setup;
    unsigned options;
    int64_t n;
    double *values[MOST_SLOTS];
    const char **reason;
    int64_t *number;
    const char **text;
    double *weight;
    int64_t *freq;
    const char **stratum;
    int64_t *cluster, *second;
    double *population;
};

enum { NO_NUMBER = -77 };

static const char *const reasons[N_REASONS] = { "price", "", "moved", "pr\xC3\xAFx", NULL };
static const char *const segments[N_SEGMENTS] = { "EMEA", "", "\xE4\xB8\xAD\xE5\x9B\xBD", "Z", NULL,
                                                  "EMEA North and everything that belongs there",
                                                  "e" };

static inline void *must_alloc(size_t n, size_t bytes)
{
    void *memory = calloc(n > 0 ? n : 1, bytes);
    assert_non_null(memory);
    return memory;
}

static const char *const strata[3] = { "north", "", "\xC3\xAEle" };

/* Any finite double with an exponent within ± `reach`: no rounding hides a lost digit. */
static inline double random_real(uint64_t *seed, int reach)
{
    const int exponent = (int)random_below(seed, 2 * (uint64_t)reach + 1) - reach;
    const double sign = random_u64(seed) & 1 ? -1 : 1;
    return sign * ldexp(1 + random_unit(seed), exponent);
}

static inline double random_value(uint64_t *seed, enum slot_kind kind)
{
    switch (kind) {
    case SLOT_RATING:
        return (double)random_below(seed, 11);
    case SLOT_RATING_5:
        return (double)(1 + random_below(seed, 5));
    case SLOT_FLAG:
        return (double)random_below(seed, 2);
    case SLOT_COUNT:
        return (double)random_below(seed, 3);
    case SLOT_SMALL:
        return ldexp((double)random_below(seed, 1000), -(int)random_below(seed, 6));
    default:
        return random_below(seed, 3) == 0 ? random_real(seed, random_below(seed, 8) ? 60 : 600)
                                          : (double)random_below(seed, 40) - 20;
    }
}

static inline double random_weight(uint64_t *seed)
{
    switch (random_below(seed, 6)) {
    case 0:
        return 0;
    case 1:
        return fabs(random_real(seed, 200));
    case 2:
        return 1;
    default:
        return 0.25 + random_unit(seed);
    }
}

static inline bool is_of_quantiles(const struct setup *setup)
{
    return strcmp(setup->metric, "quantiles") == 0 || strcmp(setup->metric, "sketch") == 0;
}

/* Tables of times and numbers count copies of rows only. */
static inline bool takes_weights(const struct setup *setup)
{
    return strcmp(setup->metric, "survival") != 0 && !is_of_quantiles(setup);
}

static inline struct rows rows_alloc(const struct setup *setup, unsigned options, int64_t n)
{
    if (!takes_weights(setup)) /* the option is dropped */
        options &= ~(unsigned)(WEIGHTED | DESIGNED);
    struct rows rows = { .setup = setup, .options = options, .n = n };
    for (int s = 0; s < setup->n_slots; s++)
        rows.values[s] = must_alloc((size_t)n, sizeof(double));
    if (setup->reason)
        rows.reason = must_alloc((size_t)n, sizeof *rows.reason);
    if (options & BY_NUMBER)
        rows.number = must_alloc((size_t)n, sizeof *rows.number);
    if (options & BY_TEXT)
        rows.text = must_alloc((size_t)n, sizeof *rows.text);
    if (options & WEIGHTED)
        rows.weight = must_alloc((size_t)n, sizeof *rows.weight);
    if (options & WITH_FREQ)
        rows.freq = must_alloc((size_t)n, sizeof *rows.freq);
    if (options & DESIGNED) {
        rows.stratum = must_alloc((size_t)n, sizeof *rows.stratum);
        rows.cluster = must_alloc((size_t)n, sizeof *rows.cluster);
        rows.second = must_alloc((size_t)n, sizeof *rows.second);
        rows.population = must_alloc((size_t)n, sizeof *rows.population);
    }
    return rows;
}

static inline void rows_free(struct rows *rows)
{
    for (int s = 0; s < MOST_SLOTS; s++)
        free(rows->values[s]);
    free((void *)rows->reason);
    free(rows->number);
    free((void *)rows->text);
    free(rows->weight);
    free(rows->freq);
    free((void *)rows->stratum);
    free(rows->cluster);
    free(rows->second);
    free(rows->population);
    memset(rows, 0, sizeof *rows);
}

static inline struct rows random_rows(const struct setup *setup, unsigned options, int64_t n,
                                      uint64_t *seed)
{
    struct rows rows = rows_alloc(setup, options, n);
    options = rows.options;
    for (int64_t i = 0; i < n; i++) {
        for (int s = 0; s < setup->n_slots; s++) {
            rows.values[s][i] = random_value(seed, setup->kinds[s]);
            if (random_below(seed, 16) == 0)
                rows.values[s][i] = NAN;
            else if ((options & WITH_INVALID) && random_below(seed, 40) == 0)
                rows.values[s][i] = INFINITY;
        }
        if (rows.reason != NULL)
            rows.reason[i] = reasons[random_below(seed, N_REASONS)];
        if (rows.number != NULL)
            rows.number[i] = random_below(seed, 11) == 0 ? NO_NUMBER
                           : random_below(seed, 50) == 0 ? (int64_t)random_u64(seed)
                                                         : (int64_t)random_below(seed, 9) - 4;
        if (rows.text != NULL)
            rows.text[i] = segments[random_below(seed, N_SEGMENTS)];
        if (rows.weight != NULL)
            rows.weight[i] = random_weight(seed);
        if (rows.freq != NULL)
            rows.freq[i] = (int64_t)random_below(seed, 4);
        if (rows.stratum != NULL) {
            const size_t h = random_below(seed, COUNT_OF(strata));
            rows.stratum[i] = strata[h];
            rows.cluster[i] = (int64_t)random_below(seed, 5) - 2;
            rows.second[i] = (int64_t)random_below(seed, 3);
            rows.population[i] = 100.5 + (double)h;
        }
    }
    return rows;
}

/* The rows index[0], index[1] … */
static inline struct rows rows_gather(const struct rows *from, const int64_t *index, int64_t n)
{
    struct rows rows = rows_alloc(from->setup, from->options, n);
    for (int64_t i = 0; i < n; i++) {
        for (int s = 0; s < from->setup->n_slots; s++)
            rows.values[s][i] = from->values[s][index[i]];
        if (rows.reason != NULL)
            rows.reason[i] = from->reason[index[i]];
        if (rows.number != NULL)
            rows.number[i] = from->number[index[i]];
        if (rows.text != NULL)
            rows.text[i] = from->text[index[i]];
        if (rows.weight != NULL)
            rows.weight[i] = from->weight[index[i]];
        if (rows.freq != NULL)
            rows.freq[i] = from->freq[index[i]];
        if (rows.stratum != NULL) {
            rows.stratum[i] = from->stratum[index[i]];
            rows.cluster[i] = from->cluster[index[i]];
            rows.second[i] = from->second[index[i]];
            rows.population[i] = from->population[index[i]];
        }
    }
    return rows;
}

/* ---- columns of rows ------------------------------------------------------------------ */

enum { MOST_COLUMNS = MOST_SLOTS + 10 };

struct inputs {
    struct cxm_input list[MOST_COLUMNS];
    struct cxm_column columns[MOST_COLUMNS];
    size_t n;
};

static inline struct cxm_column *inputs_push(struct inputs *inputs, const char *role,
                                             uint32_t type, const void *data, int64_t n,
                                             const char *name)
{
    struct cxm_column *column = &inputs->columns[inputs->n];
    *column = cxm_column_make(name, type, data, (size_t)n, 8, 8);
    inputs->list[inputs->n].role = role;
    inputs->list[inputs->n].column = column;
    inputs->n++;
    return column;
}

/* Columns over rows first … first + n - 1; `inputs` stays where it is while they are used. */
static inline void inputs_of(const struct rows *rows, int64_t first, int64_t n,
                             struct inputs *inputs)
{
    inputs->n = 0;
    for (int s = 0; s < rows->setup->n_slots; s++)
        inputs_push(inputs, rows->setup->roles[s], CXM_F64, rows->values[s] + first, n, NULL);
    if (rows->reason != NULL)
        inputs_push(inputs, "reason", CXM_STRINGS, rows->reason + first, n, NULL);
    if (rows->number != NULL) {
        struct cxm_column *column = inputs_push(inputs, "by", CXM_I64, rows->number + first, n,
                                                "shop");
        column->flags |= CXM_COLUMN_SENTINEL;
        column->sentinel = NO_NUMBER;
    }
    if (rows->text != NULL)
        inputs_push(inputs, "by", CXM_STRINGS, rows->text + first, n, "segment");
    if (rows->weight != NULL)
        inputs_push(inputs, "weight", CXM_F64, rows->weight + first, n, NULL);
    if (rows->freq != NULL)
        inputs_push(inputs, "freq", CXM_I64, rows->freq + first, n, NULL);
    if (rows->stratum != NULL) {
        inputs_push(inputs, "fpc", CXM_F64, rows->population + first, n, "frame");
        inputs_push(inputs, "cluster", CXM_I64, rows->cluster + first, n, NULL);
        inputs_push(inputs, "cluster", CXM_I64, rows->second + first, n, NULL);
        inputs_push(inputs, "strata", CXM_STRINGS, rows->stratum + first, n, NULL);
        if (rows->options & MARGINS)
            inputs_push(inputs, "calibrate", CXM_I64, rows->cluster + first, n, "area");
    }
}

static inline struct cxm_add_options add_options_of(unsigned options, int threads)
{
    struct cxm_add_options add = { .size = sizeof add, .threads = threads };
    add.invalid = options & WITH_INVALID ? CXM_INVALID_COUNT : CXM_INVALID_ERROR;
    add.missing_key = options & LEAVE_OUT ? CXM_MISSING_KEY_LEAVE_OUT : CXM_MISSING_KEY_KEEP;
    return add;
}

/* ---- tallies -------------------------------------------------------------------------- */

static inline struct cxm_tally *tally_for(const struct setup *setup,
                                          const struct cxm_allocator *allocator)
{
    struct cxm_tally *tally = NULL;
    struct cxm_error error = { 0 };
    if (cxm_tally_new(setup->metric, setup->params, setup->n_params, allocator, &tally, &error)
        != CXM_OK)
        fail_msg("%s: %s", setup->name, error.message);
    return tally;
}

static inline void add_part(struct cxm_tally *tally, const struct rows *rows, int64_t first,
                            int64_t n, int threads)
{
    struct inputs inputs;
    struct cxm_error error = { 0 };
    const struct cxm_add_options options = add_options_of(rows->options, threads);
    inputs_of(rows, first, n, &inputs);
    if (cxm_tally_add(tally, inputs.list, inputs.n, &options, &error) != CXM_OK)
        fail_msg("%s: %s", rows->setup->name, error.message);
}

static inline struct cxm_tally *tally_of_part(const struct rows *rows, int64_t first, int64_t n)
{
    struct cxm_tally *tally = tally_for(rows->setup, NULL);
    add_part(tally, rows, first, n, 1);
    return tally;
}

static inline struct cxm_tally *tally_of(const struct rows *rows)
{
    return tally_of_part(rows, 0, rows->n);
}

struct saved {
    uint8_t *bytes;
    size_t n;
};

static inline struct saved save(struct cxm_tally *tally)
{
    struct saved saved = { NULL, 0 };
    struct cxm_error error = { 0 };
    if (cxm_tally_save(tally, NULL, 0, &saved.n, &error) != CXM_OK)
        fail_msg("saving: %s", error.message);
    saved.bytes = must_alloc(saved.n, 1);
    assert_int_equal(cxm_tally_save(tally, saved.bytes, saved.n, &saved.n, NULL), CXM_OK);
    return saved;
}

/* The tally saves as exactly these bytes. */
static inline void assert_saves_as_at(struct cxm_tally *tally, struct saved want,
                                      const char *what, const char *file, int line)
{
    const struct saved got = save(tally);
    if (got.n != want.n || memcmp(got.bytes, want.bytes, got.n) != 0) {
        print_error("%s: other bytes (%zu and %zu)\n", what, got.n, want.n);
        _fail(file, line);
    }
    free(got.bytes);
}

#define assert_saves_as(tally, want, what)                                                       \
    assert_saves_as_at((tally), (want), (what), __FILE__, __LINE__)

/* The same, and frees the tally. */
#define assert_saves_as_free(tally, want, what)                                                  \
    do {                                                                                         \
        struct cxm_tally *const its_tally = (tally);                                             \
        assert_saves_as(its_tally, (want), (what));                                              \
        cxm_tally_free(its_tally);                                                               \
    } while (0)

#endif
