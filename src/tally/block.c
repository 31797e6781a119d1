/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Accumulating one block: the only place that knows groups, copies, weights and the shapes of
 * fields, for every metric. This is the general road; kernels.c has short cuts that give the
 * same numbers. */
#include "tally/kernels.h"
#include "tally/tally.h"

/* Carves the arrays of a block out of one allocation. */
struct carver {
    uint8_t *memory; /* NULL while measuring */
    size_t used;
    size_t unit;     /* arrays begin at multiples of it: a line, or 8 bytes where one row alone goes
                        through, in each of a hundred thousand groups of a SQL engine maybe */
};

static void *carve(struct carver *c, size_t count, size_t bytes)
{
    void *at = c->memory != NULL ? c->memory + c->used : NULL;
    c->used += (count * bytes + c->unit - 1) / c->unit * c->unit;
    return at;
}

static void lay_out(struct cxm_scratch *s, struct carver *c)
{
    const struct cxm_config *config = s->config;
    const uint32_t slots = config->n_slots, variables = config->n_variables;
    const size_t rows = s->rows;
    struct cxm_block *b = &s->block;
    b->codes = carve(c, slots, sizeof *b->codes);
    b->values = carve(c, slots, sizeof *b->values);
    b->states = carve(c, slots, sizeof *b->states);
    b->unit_codes = carve(c, config->n_units, sizeof *b->unit_codes);
    b->variables = carve(c, variables, sizeof *b->variables);
    b->in_key_table = carve(c, rows, sizeof *b->in_key_table);
    for (uint32_t t = 0; t < config->n_table_values; t++) {
        b->table_values[t] = carve(c, rows, sizeof *b->table_values[t]);
        b->table_counters[t] = carve(c, rows, sizeof *b->table_counters[t]);
    }
    const uint32_t sums = cxm_priv_n_sums(config, s->weighted);
    s->layouts = carve(c, config->n_units, sizeof *s->layouts);
    s->groups = carve(c, rows, sizeof *s->groups);
    s->weight = carve(c, rows, sizeof *s->weight);
    s->weight_state = carve(c, rows, 1);
    s->freq = carve(c, rows, sizeof *s->freq);
    s->spans = carve(c, 2 * (size_t)variables, sizeof *s->spans);
    s->old_spans = carve(c, 2 * (size_t)variables, sizeof *s->old_spans);
    s->windows = carve(c, sums, sizeof *s->windows);
    s->terms = carve(c, sums, sizeof *s->terms);
    s->x = carve(c, variables, sizeof *s->x);
    s->v = carve(c, variables, sizeof *s->v);
    s->weighed = carve(c, variables, sizeof *s->weighed);
    s->w.q = s->weighted ? carve(c, rows, sizeof *s->w.q) : NULL;
    for (uint32_t i = 0; i < slots; i++) {
        uint16_t *codes = carve(c, rows, sizeof *codes);
        double *values = carve(c, rows, sizeof *values);
        uint8_t *states = carve(c, rows, sizeof *states);
        if (c->memory != NULL) {
            b->codes[i] = codes;
            b->values[i] = values;
            b->states[i] = states;
        }
    }
    for (uint32_t i = 0; i < config->n_units; i++) {
        uint16_t *codes = carve(c, rows, sizeof *codes);
        if (c->memory != NULL)
            b->unit_codes[i] = codes;
    }
    for (uint32_t i = 0; i < variables; i++) {
        double *values = carve(c, rows, sizeof *values);
        double *weighed = carve(c, s->weighted ? rows : 0, sizeof *weighed);
        int64_t *x = carve(c, rows, sizeof *x);
        int64_t *v = carve(c, s->weighted ? rows : 0, sizeof *v);
        if (c->memory != NULL) {
            b->variables[i] = values;
            s->weighed[i] = weighed;
            s->x[i].q = x;
            s->v[i].q = v;
        }
    }
}

struct cxm_scratch *cxm_priv_scratch_new(const struct cxm_config *config, bool weighted,
                                         size_t rows, const struct cxm_allocator *allocator)
{
    struct cxm_scratch *s = cxm_priv_alloc_zero(allocator, 1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->allocator = allocator;
    s->config = config;
    s->weighted = weighted;
    s->rows = rows < CXM_BLOCK ? rows : CXM_BLOCK;
    const size_t unit = s->rows > 1 ? 64 : 8;
    struct carver c = { NULL, 0, unit };
    lay_out(s, &c);
    s->memory = cxm_priv_alloc_zero(allocator, c.used, 1);
    if (s->memory == NULL) {
        cxm_priv_release(allocator, s);
        return NULL;
    }
    c = (struct carver){ s->memory, 0, unit };
    lay_out(s, &c);
    for (uint32_t u = 0; u < config->n_units; u++)
        s->layouts[u] = cxm_priv_unit_layout(config, u, weighted);
    cxm_priv_scratch_forget(s);
    return s;
}

void cxm_priv_scratch_forget(struct cxm_scratch *s)
{
    s->windows_known = false;
    s->weight_span = CXM_SPAN_EMPTY;
    for (uint32_t i = 0; i < 2 * s->config->n_variables; i++)
        s->spans[i] = CXM_SPAN_EMPTY;
}

void cxm_priv_scratch_free(struct cxm_scratch *s)
{
    if (s == NULL)
        return;
    cxm_priv_release(s->allocator, s->given);
    cxm_priv_release(s->allocator, s->memory);
    cxm_priv_release(s->allocator, s);
}

/* ---- preparing ------------------------------------------------------------------------ */

static bool is_used(const struct cxm_scratch *s, size_t row)
{
    for (uint32_t u = 0; u < s->config->n_units; u++) {
        if (s->block.unit_codes[u][row] < s->config->units[u].bins)
            return true;
    }
    return false;
}

static enum cxm_status bad_weight(const struct cxm_sources *sources, int64_t row, double weight,
                                  enum cxm_row_state state, struct cxm_error *error)
{
    const char *name = sources != NULL && sources->weight->name != NULL ? sources->weight->name
                                                                        : "weight";
    char text[64] = "";
    if (sources != NULL)
        cxm_priv_value_text(sources->weight, row, text, sizeof text);
    else if (state != CXM_ROW_MISSING)
        cxm_priv_double_text(weight, text);
    if (state == CXM_ROW_MISSING)
        return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                                "%s: row %lld has an answer but no weight. Give it a weight, "
                                "0 to leave it out.", name, (long long)row);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                            "%s: row %lld is %s; a weight is 0 or between 1e-100 and 1e100.",
                            name, (long long)row, text);
}

/* Weight 0 takes a used row out of the estimates, but it stays counted. */
static void exclude_row(struct cxm_scratch *s, size_t row)
{
    for (uint32_t u = 0; u < s->config->n_units; u++) {
        const uint32_t bins = s->config->units[u].bins;
        if (s->block.unit_codes[u][row] < bins)
            s->block.unit_codes[u][row] = (uint16_t)(bins + 2);
    }
    s->block.in_key_table[row] = false;
}

static enum cxm_status check_weights(struct cxm_scratch *s, const struct cxm_sources *sources,
                                     int64_t first, struct cxm_error *error)
{
    const bool all = s->block.n > 1 && cxm_priv_all_used(s->weight_state, s->block.n)
                  && cxm_priv_kernels(0).all_within(s->weight, s->block.n, 1e-100, 1e100);
    for (size_t i = 0; !all && i < s->block.n; i++) {
        const double w = s->weight[i];
        const enum cxm_row_state state = (enum cxm_row_state)s->weight_state[i];
        if (s->groups[i] == UINT32_MAX)
            continue;
        if (CXM_LIKELY(state == CXM_ROW_USED && w >= 1e-100 && w <= 1e100))
            continue;
        if (state == CXM_ROW_USED && w == 0)
            exclude_row(s, i);
        else if (state != CXM_ROW_MISSING || is_used(s, i)) {
            s->block.n = i;
            return bad_weight(sources, first + (int64_t)i, w, state, error);
        }
    }
    return CXM_OK;
}

/* Rows that are not used may hold anything: zero keeps every loop free of that question. */
static void zero_unused(struct cxm_scratch *s)
{
    for (uint32_t u = 0, v = 0; u < s->config->n_units; u++) {
        const struct cxm_unit_spec *unit = &s->config->units[u];
        for (uint32_t k = 0; k < unit->variables; k++, v++) {
            const uint16_t *codes = s->block.unit_codes[u];
            double *x = s->block.variables[v];
            for (size_t i = 0; i < s->block.n; i++)
                x[i] = codes[i] < unit->bins ? x[i] : 0.0;
        }
    }
    for (size_t i = 0; s->weighted && i < s->block.n; i++) {
        const bool counts = s->weight_state[i] == CXM_ROW_USED && s->groups[i] != UINT32_MAX;
        s->weight[i] = counts ? s->weight[i] : 0.0;
    }
}

enum cxm_status cxm_priv_block_check(struct cxm_scratch *s, const struct cxm_sources *sources,
                                     int64_t first, struct cxm_error *error)
{
    return s->weighted ? check_weights(s, sources, first, error) : CXM_OK;
}

enum cxm_status cxm_priv_block_prepare(struct cxm_scratch *s, struct cxm_table *groups,
                                       int64_t first, struct cxm_error *error)
{
    if (groups->layout.n_sums == 0)
        return CXM_OK;
    zero_unused(s);
    return cxm_priv_sums_prepare(s, groups, first, error);
}

/* ---- adding --------------------------------------------------------------------------- */

/* Counters of one cell, four rows at a time in separate histograms: a run of equal answers
 * does not wait for the counter that it has just written. */
static void count_codes(int64_t *counts, uint32_t n_codes, const uint16_t *codes, size_t n)
{
    enum { LANES = 4, SMALL = 64 };
    if (n_codes > SMALL || n < SMALL) {
        for (size_t i = 0; i < n; i++)
            counts[codes[i]]++;
        return;
    }
    uint32_t lanes[LANES][SMALL];
    memset(lanes, 0, sizeof lanes);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        lanes[0][codes[i]]++;
        lanes[1][codes[i + 1]]++;
        lanes[2][codes[i + 2]]++;
        lanes[3][codes[i + 3]]++;
    }
    for (; i < n; i++)
        lanes[0][codes[i]]++;
    for (uint32_t c = 0; c < n_codes; c++)
        counts[c] += (int64_t)lanes[0][c] + lanes[1][c] + lanes[2][c] + lanes[3][c];
}

static void add_counts(const struct cxm_scratch *s, struct cxm_table *groups, uint32_t u,
                       const uint32_t *group, const int64_t *freq)
{
    const struct cxm_unit_layout unit = s->layouts[u];
    const uint16_t *codes = s->block.unit_codes[u];
    const size_t n = s->block.n, stride = groups->layout.stride;
    if (groups->cells == NULL) /* every row so far was left out */
        return;
    int64_t *cells = groups->cells + unit.counts_at;
    if (group == NULL && freq == NULL) {
        count_codes(cells, unit.n_codes, codes, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (group != NULL && group[i] == UINT32_MAX)
            continue;
        const size_t g = group != NULL ? group[i] : 0;
        cells[g * stride + codes[i]] += freq != NULL ? freq[i] : 1;
    }
}

/* Of very many groups the cells of all rows are asked for before any is waited for. */
CXM_PREFETCHER void fetch_cells(const struct cxm_table *groups, const uint32_t *group, size_t n)
{
    enum { FAR = 1 << 20, PART = 1 << 19 }; /* bytes of cells, of those of a block */
    const size_t bytes = groups->layout.stride * sizeof *groups->cells;
    if (group == NULL || groups->cells == NULL || groups->dict.n * bytes < FAR)
        return;
    const size_t most = PART / CXM_BLOCK, some = bytes < most ? bytes : most;
    for (size_t i = 0; i < n; i++) {
        if (group[i] != UINT32_MAX)
            cxm_priv_ask_for(cxm_priv_table_cell(groups, group[i]), some);
    }
}

void cxm_priv_block_add(struct cxm_scratch *s, struct cxm_table *groups, const uint32_t *group,
                        const int64_t *freq)
{
    fetch_cells(groups, group, s->block.n);
    for (uint32_t u = 0; u < s->config->n_units; u++) {
        add_counts(s, groups, u, group, freq);
        if (cxm_priv_unit_sums(&s->config->units[u], s->weighted) > 0)
            cxm_priv_sums_add(s, groups, u, group, freq);
    }
}
