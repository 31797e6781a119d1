/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Contacts into a tally of fcr_window: the states are derived, then added like any rows. Groups
 * need a row each; without them the rows that are alike go in as one with their number, which
 * is the same tally. */
#include "metric/contacts.h"

#include "metric/call.h"
#include "metric/metric.h"

#include <cxm/fcr.h>

enum { WINDOW, ANCHOR, RIGHT, AFTER_ONLY, KEY, MISSING_CATEGORY, DENOMINATOR, LOOKBACK };

const char *cxm_contact_state_name(enum cxm_contact_state state)
{
    static const char *const names[] = { "fcr", "repeat", "pending", "early_repeat", "open",
                                         "bad", "unseen", "unlinked", "missing", "invalid" };
    return (unsigned)state < CXM_COUNT(names) ? names[state] : "unknown";
}

/* ---- checking ------------------------------------------------------------------------- */

enum cxm_status cxm_priv_take_contacts(const struct cxm_contacts *contacts,
                                       struct cxm_contacts *out, struct cxm_error *error)
{
    memset(out, 0, sizeof *out);
    if (contacts == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "contacts is NULL");
    if (contacts->size < sizeof contacts->size || contacts->size > sizeof *out)
        return cxm_priv_fail(error, CXM_EINVAL, "size",
                             "contacts.size must be sizeof(struct cxm_contacts)");
    memcpy(out, contacts, contacts->size);
    out->n_by = out->by == NULL ? 0 : out->n_by == 0 ? 1 : out->n_by;
    if (out->n_by > CXM_MAX_KEYS)
        return cxm_priv_fail(error, CXM_EINVAL, "by", "at most %d keys", CXM_MAX_KEYS);
    if (out->period_start > out->period_end)
        return cxm_priv_fail(error, CXM_EINVAL, "period", "the period ends before it starts");
    if (out->threads < 0)
        return cxm_priv_fail(error, CXM_EINVAL, "threads", "threads must be 0 or more");
    if (out->invalid != CXM_INVALID_ERROR && out->invalid != CXM_INVALID_COUNT)
        return cxm_priv_fail(error, CXM_EINVAL, "invalid",
                             "invalid must be \"error\" or \"count\"");
    return cxm_priv_reserved(out->reserved, error);
}

static enum cxm_status check_column(const struct cxm_column *column, const char *name,
                                    bool needed, int64_t n, struct cxm_error *error)
{
    if (column == NULL && !needed)
        return CXM_OK;
    if (column == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, name, "fcr_window needs %s", name);
    const enum cxm_status status = cxm_priv_column_fits(column, CXM_ROLE_KEY, name, error);
    if (status == CXM_OK && n >= 0 && column->n != n)
        return cxm_priv_fail(error, CXM_EINVAL, name, "%s: %lld rows, customer has %lld", name,
                             (long long)column->n, (long long)n);
    return status;
}

static enum cxm_status check_instants(const struct cxm_column *column, const char *name,
                                      struct cxm_error *error)
{
    const bool text = column != NULL && (column->type == CXM_UTF8 || column->type == CXM_TEXT
                                         || column->type == CXM_UTF8_LARGE
                                         || column->type == CXM_UTF8_VIEW
                                         || column->type == CXM_STRINGS);
    if (text)
        return cxm_priv_fail(error, CXM_EINVAL, name,
                             "%s: the column is text; pass instants (seconds since 1970, or a time type)",
                             name);
    if (column != NULL && (column->flags & CXM_COLUMN_DURATION) != 0)
        return cxm_priv_fail(error, CXM_EINVAL, name, "%s: the column holds durations, not instants", name);
    return CXM_OK;
}

static enum cxm_status check_columns(const struct cxm_config *config,
                                     const struct cxm_contacts *c, struct cxm_error *error)
{
    const bool by_category = cxm_priv_choice(config, KEY) == 1;
    const bool from_opening = cxm_priv_choice(config, ANCHOR) == 1;
    enum cxm_status status = check_column(c->customer, "customer", true, -1, error);
    if (status == CXM_OK)
        status = check_column(c->opened, "opened", true, c->customer->n, error);
    if (status == CXM_OK)
        status = check_column(c->resolved, "resolved", !from_opening, c->customer->n, error);
    if (status == CXM_OK && !by_category && c->category != NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "category",
                             "the key of this tally is the customer alone; leave the category "
                             "out, or make the tally with key \"customer+category\"");
    if (status == CXM_OK)
        status = check_column(c->category, "category", by_category, c->customer->n, error);
    for (size_t k = 0; k < c->n_by && status == CXM_OK; k++)
        status = check_column(&c->by[k], "by", true, c->customer->n, error);
    if (status == CXM_OK)
        status = check_instants(c->opened, "opened", error);
    return status == CXM_OK ? check_instants(c->resolved, "resolved", error) : status;
}

static enum cxm_status check_tally(const struct cxm_tally *tally, struct cxm_error *error)
{
    if (tally == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally is NULL");
    if (tally->config.rules != &cxm_priv_metric_fcr_window.rules)
        return cxm_priv_fail(error, CXM_EINVAL, "metric",
                             "contacts belong to fcr_window, not to %s",
                             tally->config.rules->info->name);
    if (tally->state.rows > 0)
        return cxm_priv_fail(error, CXM_EINVAL, "customer",
                             "this tally has contacts already, and a customer's history must be "
                             "whole: add all contacts of a customer in one call; tallies of "
                             "different customers, or of different periods with a window after "
                             "each, can be merged");
    return CXM_OK;
}

struct cxm_repeat_rules cxm_priv_repeat_rules(const struct cxm_tally *tally,
                                              const struct cxm_contacts *c)
{
    const struct cxm_config *config = &tally->config;
    return (struct cxm_repeat_rules){
        .window = (int64_t)cxm_priv_number(config, WINDOW),
        .lookback = (int64_t)cxm_priv_number(config, LOOKBACK),
        .as_of = c->as_of,
        .from_opening = cxm_priv_choice(config, ANCHOR) == 1,
        .open_end = cxm_priv_choice(config, RIGHT) == 1,
        .after_only = cxm_priv_number(config, AFTER_ONLY) != 0,
        .own_missing = cxm_priv_choice(config, MISSING_CATEGORY) == 1,
        .has_period = c->period_start != 0 || c->period_end != 0,
        .start = c->period_start,
        .end = c->period_end,
        .denominator = (enum cxm_fcr_denominator)cxm_priv_choice(config, DENOMINATOR),
    };
}

/* ---- rows ----------------------------------------------------------------------------- */

/* The rows as the metric takes them. */
struct derived {
    const uint8_t *codes[2];
    const uint32_t *yes[2], *all[2];
    const int64_t *freq; /* NULL: one each */
    size_t n;
    uint8_t subsecond;
};

static enum cxm_status add_derived(struct cxm_tally *tally, const struct derived *rows,
                                   const struct cxm_contacts *c, struct cxm_error *error)
{
    static const char *const names[2][3] = {
        { "state", "customer_fcr", "customer_contacts" },
        { "issue_state", "customer_issue_fcr", "customer_issues" },
    };
    struct cxm_column columns[8];
    struct cxm_input inputs[8 + CXM_MAX_KEYS];
    size_t n = 0;
    for (int kind = 0; kind < 2; kind++) {
        const uint32_t *const counts[2] = { rows->yes[kind], rows->all[kind] };
        columns[n++] = cxm_column_make(names[kind][0], CXM_U8, rows->codes[kind], rows->n, 1, 1);
        for (int k = 0; k < 2; k++) {
            columns[n] = cxm_column_make(names[kind][1 + k], CXM_U32, counts[k], rows->n, 4, 4);
            columns[n].sentinel = UINT32_MAX;
            columns[n++].flags = CXM_COLUMN_SENTINEL;
        }
    }
    columns[n++] = cxm_column_make("subsecond", CXM_U8, &rows->subsecond, rows->n, 0, 1);
    if (rows->freq != NULL)
        columns[n++] = cxm_column_make("freq", CXM_I64, rows->freq, rows->n, 8, 8);
    for (size_t i = 0; i < n; i++)
        inputs[i] = (struct cxm_input){ columns[i].name, &columns[i] };
    for (size_t k = 0; k < c->n_by; k++)
        inputs[n++] = (struct cxm_input){ "by", &c->by[k] };
    const struct cxm_add_options options = { .size = sizeof options,
                                             .missing_key = c->missing_key,
                                             .threads = c->threads };
    return cxm_tally_add(tally, inputs, n, &options, error);
}

/* One list of values and how many rows have each; together they are all rows. */
struct marginal {
    uint8_t code;
    uint32_t yes, all;
    int64_t n;
};

struct marginals {
    struct marginal *at;
    size_t n, next;
    int64_t left; /* rows of at[next] that were not given out yet */
};

static void list_codes(const struct cxm_repeat_counts *counts, struct marginals *out)
{
    for (unsigned c = 0; c < CXM_N_CONTACT_CODES; c++) {
        if (counts->codes[c] > 0)
            out->at[out->n++] = (struct marginal){ (uint8_t)c, 0, 0, counts->codes[c] };
    }
}

static void list_clusters(const struct cxm_repeat_counts *counts, int64_t rows,
                          struct marginals *out)
{
    for (size_t i = 0; i < counts->n_clusters; i++) {
        const struct cxm_cluster *c = &counts->clusters[i];
        out->at[out->n++] = (struct marginal){ 0, c->yes, c->all, c->customers };
        rows -= c->customers;
    }
    if (rows > 0)
        out->at[out->n++] = (struct marginal){ 0, UINT32_MAX, UINT32_MAX, rows };
}

/* A tally keeps the counts of each base apart, so any rows that have the right counts in every
 * base make the same tally: the four lists are laid beside one another. */
static size_t lay_out(struct marginals lists[4], int64_t rows, uint8_t *codes[2],
                      uint32_t *yes[2], uint32_t *all[2], int64_t *freq)
{
    size_t n = 0;
    for (int l = 0; l < 4; l++)
        lists[l].left = lists[l].n > 0 ? lists[l].at[0].n : 0;
    for (; rows > 0; n++) {
        int64_t copies = INT64_MAX;
        for (int l = 0; l < 4; l++)
            copies = lists[l].left < copies ? lists[l].left : copies;
        for (int kind = 0; kind < 2; kind++) {
            const struct marginals *code = &lists[2 * kind], *cluster = &lists[2 * kind + 1];
            codes[kind][n] = code->at[code->next].code;
            yes[kind][n] = cluster->at[cluster->next].yes;
            all[kind][n] = cluster->at[cluster->next].all;
        }
        freq[n] = copies;
        rows -= copies;
        for (int l = 0; l < 4; l++) {
            lists[l].left -= copies;
            if (lists[l].left == 0 && ++lists[l].next < lists[l].n)
                lists[l].left = lists[l].at[lists[l].next].n;
        }
    }
    return n;
}

static enum cxm_status add_counts(struct cxm_tally *tally, const struct cxm_repeat_out *out,
                                  const struct cxm_contacts *c, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &tally->allocator;
    struct marginals lists[4] = { { 0 } };
    uint8_t *codes[2];
    uint32_t *yes[2], *all[2];
    size_t most = 4;
    bool room = true;
    for (int kind = 0; kind < 2; kind++) {
        const size_t n_clusters = out->counts[kind].n_clusters;
        lists[2 * kind].at = cxm_priv_alloc(allocator, CXM_N_CONTACT_CODES,
                                            sizeof *lists[0].at);
        lists[2 * kind + 1].at = cxm_priv_alloc(allocator, n_clusters + 1, sizeof *lists[0].at);
        most += CXM_N_CONTACT_CODES + n_clusters;
        room = room && lists[2 * kind].at != NULL && lists[2 * kind + 1].at != NULL;
    }
    for (int kind = 0; kind < 2; kind++) {
        codes[kind] = cxm_priv_alloc(allocator, most, 1);
        yes[kind] = cxm_priv_alloc(allocator, most, sizeof *yes[kind]);
        all[kind] = cxm_priv_alloc(allocator, most, sizeof *all[kind]);
        room = room && codes[kind] != NULL && yes[kind] != NULL && all[kind] != NULL;
    }
    int64_t *freq = cxm_priv_alloc(allocator, most, sizeof *freq);
    enum cxm_status status = room && freq != NULL ? CXM_OK : cxm_priv_no_memory(error);
    if (status == CXM_OK) {
        for (int kind = 0; kind < 2; kind++) {
            list_codes(&out->counts[kind], &lists[2 * kind]);
            list_clusters(&out->counts[kind], (int64_t)out->n, &lists[2 * kind + 1]);
        }
        const struct derived rows = {
            { codes[0], codes[1] }, { yes[0], yes[1] }, { all[0], all[1] }, freq,
            lay_out(lists, (int64_t)out->n, codes, yes, all, freq), out->subsecond,
        };
        status = add_derived(tally, &rows, c, error);
    }
    for (int l = 0; l < 4; l++)
        cxm_priv_release(allocator, lists[l].at);
    for (int kind = 0; kind < 2; kind++) {
        cxm_priv_release(allocator, codes[kind]);
        cxm_priv_release(allocator, yes[kind]);
        cxm_priv_release(allocator, all[kind]);
    }
    cxm_priv_release(allocator, freq);
    return status;
}

/* ---- the calls ------------------------------------------------------------------------ */

enum cxm_status cxm_tally_add_contacts(struct cxm_tally *tally,
                                       const struct cxm_contacts *contacts,
                                       struct cxm_error *error)
{
    struct cxm_contacts c;
    struct cxm_repeat_out out;
    const struct cxm_column *by[CXM_MAX_KEYS];
    enum cxm_status status = check_tally(tally, error);
    if (status == CXM_OK)
        status = cxm_priv_take_contacts(contacts, &c, error);
    if (status == CXM_OK)
        status = check_columns(&tally->config, &c, error);
    if (status != CXM_OK)
        return status;
    for (size_t k = 0; k < c.n_by; k++)
        by[k] = &c.by[k];
    /* The caller's states are written last of all. */
    uint8_t *states = c.states == NULL ? NULL
                                       : cxm_priv_alloc(&tally->allocator,
                                                        (size_t)c.customer->n, 1);
    if (c.states != NULL && states == NULL)
        return cxm_priv_no_memory(error);
    const struct cxm_repeat_rules rules = cxm_priv_repeat_rules(tally, &c);
    const struct cxm_repeat_input input = {
        .customer = c.customer, .opened = c.opened, .resolved = c.resolved,
        .category = c.category, .by = by, .n_by = c.n_by, .threads = c.threads,
        .count_invalid = c.invalid == CXM_INVALID_COUNT, .allocator = &tally->allocator,
        .states = states, .per_row = c.n_by > 0,
    };
    status = cxm_priv_repeat_contacts(&input, &rules, &out, error);
    if (status == CXM_OK && c.n_by == 0)
        status = add_counts(tally, &out, &c, error);
    if (status == CXM_OK && c.n_by > 0) {
        const struct derived rows = {
            { out.codes[0], out.codes[1] }, { out.yes[0], out.yes[1] },
            { out.all[0], out.all[1] }, NULL, out.n, out.subsecond,
        };
        status = add_derived(tally, &rows, &c, error);
    }
    if (status == CXM_OK && states != NULL)
        memcpy(c.states, states, out.n);
    if (status == CXM_OK || out.allocator != NULL)
        cxm_priv_repeat_release(&out);
    cxm_priv_release(&tally->allocator, states);
    return status;
}

enum cxm_status cxm_priv_fcr_tally(const struct cxm_contacts *contacts, int64_t window,
                                   const struct cxm_fcr_window_options *options,
                                   struct cxm_fcr_window_options *o, struct cxm_tally **out,
                                   struct cxm_error *error)
{
    static const char *const anchors[] = { "resolved", "opened" };
    static const char *const ends[] = { "closed", "open" };
    static const char *const keys[] = { "customer", "customer+category" };
    static const char *const missing[] = { "unlinked", "own" };
    static const char *const denominators[] = { "mature", "keep_early_repeats",
                                                "pending_as_success", "all" };
    *o = (struct cxm_fcr_window_options){ CXM_INIT(fcr_window) };
    if (options != NULL && (options->size < sizeof options->size || options->size > sizeof *o))
        return cxm_priv_fail(error, CXM_EINVAL, "options",
                             "options.size must be sizeof(struct cxm_fcr_window_options)");
    if (options != NULL)
        memcpy(o, options, options->size);
    if (contacts == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "contacts is NULL");
    if (window < 0 || window > (int64_t)1 << 53)
        return cxm_priv_fail(error, CXM_EINVAL, "window", "a window has 0 to 2^53 seconds");
    if (o->anchor < 0 || o->anchor > 1 || o->denominator < 0 || o->denominator > 3)
        return cxm_priv_fail(error, CXM_EINVAL, "options",
                             "there is no such anchor or denominator");
    if (o->lookback < 0 || o->lookback > (int64_t)1 << 53)
        return cxm_priv_fail(error, CXM_EINVAL, "lookback", "lookback has 0 to 2^53 seconds");
    const double seconds = (double)window, after_only = o->after_only != 0;
    const double lookback = (double)o->lookback;
    const bool category = contacts->size >= sizeof *contacts && contacts->category != NULL;
    const struct cxm_param params[] = {
        { "window", &seconds, 1, NULL, 0 },
        { "anchor", NULL, 0, &anchors[o->anchor], 1 },
        { "right", NULL, 0, &ends[o->right_open != 0], 1 },
        { "after_only", &after_only, 1, NULL, 0 },
        { "key", NULL, 0, &keys[category], 1 },
        { "missing_category", NULL, 0, &missing[category && o->missing_category != 0], 1 },
        { "denominator", NULL, 0, &denominators[o->denominator], 1 },
        { "lookback", &lookback, 1, NULL, 0 },
    };
    return cxm_tally_new("fcr_window", params, CXM_COUNT(params), NULL, out, error);
}

enum cxm_status cxm_fcr_window(const struct cxm_contacts *contacts, int64_t window,
                               const struct cxm_fcr_window_options *options,
                               struct cxm_row *rows, size_t row_bytes, size_t capacity,
                               size_t *n_out, struct cxm_error *error)
{
    struct cxm_fcr_window_options o;
    struct cxm_tally *tally = NULL;
    enum cxm_status status = cxm_priv_fcr_tally(contacts, window, options, &o, &tally, error);
    if (status != CXM_OK)
        return status;
    const struct cxm_common_options common = { .size = sizeof common, .level = o.level,
                                               .interval = o.interval, .total = o.total,
                                               .all_measures = o.all_measures };
    status = cxm_tally_add_contacts(tally, contacts, error);
    if (status == CXM_OK)
        status = cxm_priv_call_read(tally, &common,
                                    (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                                    error);
    cxm_tally_free(tally);
    return status;
}
