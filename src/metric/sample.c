/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The units of a sample: see design.h. The cells of a tally with a design are the combinations of
 * its keys, so the units are the distinct beginnings of what follows the keys of "by"; they are
 * numbered in the order of their keys. Typical: 10 to 10 000 units; extreme: millions. */
#include "metric/design.h"

#include <math.h>

/* ---- the units of the sample ---------------------------------------------------------- */

/* The distinct beginnings of keys down to one stage, and their numbers in the order of keys. */
struct stage {
    struct cxm_dict dict;
    uint32_t *rank;     /* by number in the dictionary */
    uint32_t *of_cell;  /* by place in the tally's order: number, then rank */
};

static void stage_release(struct stage *stage, const struct cxm_allocator *allocator)
{
    cxm_priv_dict_release(&stage->dict);
    cxm_priv_release(allocator, stage->rank);
    cxm_priv_release(allocator, stage->of_cell);
}

/* Bytes of the keys whose role is at most `last`, after those of "by". */
static const uint8_t *unit_key(const struct cxm_tally *tally, size_t place, int last, size_t *n)
{
    const struct cxm_schema *schema = &tally->schema;
    size_t n_key;
    const uint8_t *key = cxm_priv_dict_key(&tally->state.groups.dict, tally->order[place], &n_key);
    uint32_t end = schema->n_keys;
    while (end < cxm_priv_all_keys(schema) && schema->roles[end] <= last)
        end++;
    const size_t start = cxm_priv_keys_bytes(schema, schema->n_keys, key, n_key);
    *n = cxm_priv_keys_bytes(schema, end, key, n_key) - start;
    return key + start;
}

static bool stage_make(const struct cxm_tally *tally, int last, struct stage *stage)
{
    const struct cxm_allocator *allocator = &tally->allocator;
    const uint32_t n_cells = tally->state.groups.dict.n;
    cxm_priv_dict_init(&stage->dict, allocator);
    stage->of_cell = cxm_priv_alloc(allocator, n_cells, sizeof *stage->of_cell);
    for (uint32_t i = 0; stage->of_cell != NULL && i < n_cells; i++) {
        size_t n;
        const uint8_t *key = unit_key(tally, i, last, &n);
        stage->of_cell[i] = cxm_priv_dict_add(&stage->dict, key, n);
        if (stage->of_cell[i] == UINT32_MAX)
            return false;
    }
    uint32_t *order = cxm_priv_alloc(allocator, stage->dict.n, sizeof *order);
    stage->rank = cxm_priv_alloc(allocator, stage->dict.n, sizeof *stage->rank);
    const bool room = stage->of_cell != NULL && order != NULL && stage->rank != NULL
                   && cxm_priv_dict_sort(&stage->dict, order);
    for (uint32_t i = 0; room && i < stage->dict.n; i++)
        stage->rank[order[i]] = i;
    for (uint32_t i = 0; room && i < n_cells; i++)
        stage->of_cell[i] = stage->rank[stage->of_cell[i]];
    cxm_priv_release(allocator, order);
    return room;
}

static bool has_role(const struct cxm_schema *schema, enum cxm_key_role role)
{
    for (uint32_t k = schema->n_keys; k < cxm_priv_all_keys(schema); k++) {
        if (schema->roles[k] == role)
            return true;
    }
    return false;
}

static void key_of_role(const struct cxm_tally *tally, size_t place, enum cxm_key_role role,
                        struct cxm_key *out)
{
    size_t n;
    const uint8_t *key = cxm_priv_dict_key(&tally->state.groups.dict, tally->order[place], &n);
    uint32_t k = tally->schema.n_keys;
    while (tally->schema.roles[k] != role)
        k++;
    cxm_priv_decode_key(&tally->schema, key, n, k, out);
}

/* "stratum EMEA", "cluster 7 of stratum 2", "the sample". */
static void unit_text(const struct cxm_tally *tally, size_t place, bool cluster, char *out,
                      size_t capacity)
{
    size_t used = 0;
    const bool strata = has_role(&tally->schema, CXM_KEY_STRATA);
    struct cxm_key key;
    out[0] = '\0';
    if (cluster) {
        key_of_role(tally, place, CXM_KEY_CLUSTER, &key);
        cxm_priv_append(out, capacity, &used, "cluster ");
        cxm_priv_append_key(&key, out, capacity, &used);
        cxm_priv_append(out, capacity, &used, "%s", strata ? " of " : "");
    }
    if (strata) {
        key_of_role(tally, place, CXM_KEY_STRATA, &key);
        cxm_priv_append(out, capacity, &used, "stratum ");
        cxm_priv_append_key(&key, out, capacity, &used);
    } else if (!cluster) {
        cxm_priv_append(out, capacity, &used, "the sample");
    }
}

/* Population of the units that were drawn where the cell is; the same in all cells. */
static enum cxm_status set_population(const struct cxm_tally *tally, size_t place,
                                      enum cxm_key_role role, bool first,
                                      struct cxm_drawn *drawn, struct cxm_error *error)
{
    char unit[160], a[CXM_DOUBLE_TEXT], b[CXM_DOUBLE_TEXT];
    struct cxm_key key;
    if (!has_role(&tally->schema, role)) {
        drawn->population = INFINITY;
        return CXM_OK;
    }
    key_of_role(tally, place, role, &key);
    const double population = cxm_priv_key_number(&key);
    if (first)
        drawn->population = population;
    if (drawn->population == population)
        return CXM_OK;
    unit_text(tally, place, role == CXM_KEY_FPC_2, unit, sizeof unit);
    return cxm_priv_fail_at(error, CXM_EINCONSISTENT, "fpc", -1,
                            cxm_priv_double_text(population, a),
                            "fpc: %s has populations of %s and %s; it is the same for all rows",
                            unit, cxm_priv_double_text(drawn->population, b), a);
}

static enum cxm_status check_drawn(const struct cxm_tally *tally, size_t place, bool second,
                                   const char *what, const struct cxm_drawn *drawn,
                                   enum cxm_lonely lonely, struct cxm_error *error)
{
    char unit[160], a[CXM_DOUBLE_TEXT], b[CXM_DOUBLE_TEXT];
    if ((double)drawn->n > drawn->population) {
        unit_text(tally, place, second, unit, sizeof unit);
        return cxm_priv_fail_at(error, CXM_EDATA, "fpc", -1,
                                cxm_priv_double_text(drawn->population, a),
                                "fpc: of %s %s %ss were drawn, more than its population of %s; "
                                "fpc counts the population, it is no fraction", unit,
                                cxm_priv_double_text((double)drawn->n, b), what, a);
    }
    if (drawn->n != 1 || lonely != CXM_LONELY_ERROR || cxm_priv_is_census(*drawn))
        return CXM_OK;
    unit_text(tally, place, second, unit, sizeof unit);
    return cxm_priv_fail_at(error, CXM_ELONELY, second ? "cluster" : "strata", -1, unit,
                            "%s has only one %s, which tells nothing of its variance; merge it "
                            "with another, or pass lonely=\"certainty\" or \"adjust\"", unit,
                            what);
}

void cxm_priv_sample_release(struct cxm_sample *s)
{
    if (s->allocator == NULL)
        return;
    cxm_priv_release(s->allocator, s->strata);
    cxm_priv_release(s->allocator, s->primary);
    cxm_priv_release(s->allocator, s->stratum_of_primary);
    cxm_priv_release(s->allocator, s->primary_of_finest);
    cxm_priv_release(s->allocator, s->cell_of_stratum);
    cxm_priv_release(s->allocator, s->cell_of_primary);
    cxm_priv_release(s->allocator, s->finest_of_cell);
    memset(s, 0, sizeof *s);
}

static int64_t rows_of(const struct cxm_tally *tally, size_t place)
{
    return cxm_priv_cell_rows(&tally->config,
                              cxm_priv_table_cell(&tally->state.groups, tally->order[place]));
}

/* Counts units and reads populations, cell by cell. `stages`: strata, clusters, second ones. */
static enum cxm_status count_units(const struct cxm_tally *tally, struct stage stages[3],
                                   struct cxm_sample *s, struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    bool *seen = cxm_priv_alloc_zero(s->allocator, s->n_finest, sizeof *seen);
    if (seen == NULL)
        return cxm_priv_no_memory(error);
    const uint32_t *finest = s->second ? stages[2].of_cell : s->clusters ? stages[1].of_cell
                                                                         : stages[0].of_cell;
    for (uint32_t i = 0; i < tally->state.groups.dict.n && status == CXM_OK; i++) {
        const uint32_t h = stages[0].of_cell[i], c = s->clusters ? stages[1].of_cell[i] : 0;
        const bool first_h = s->cell_of_stratum[h] == UINT32_MAX;
        const bool first_c = s->clusters && s->cell_of_primary[c] == UINT32_MAX;
        s->finest_of_cell[i] = finest[i];
        if (first_h)
            s->cell_of_stratum[h] = i;
        status = set_population(tally, i, CXM_KEY_FPC, first_h, &s->strata[h], error);
        if (!s->clusters) {
            s->strata[h].n += rows_of(tally, i);
            continue;
        }
        if (first_c) {
            s->cell_of_primary[c] = i;
            s->stratum_of_primary[c] = h;
            s->strata[h].n++;
        }
        if (status == CXM_OK)
            status = set_population(tally, i, CXM_KEY_FPC_2, first_c, &s->primary[c], error);
        if (s->second && !seen[finest[i]]) {
            s->primary_of_finest[finest[i]] = c;
            s->primary[c].n++;
        } else if (!s->second) {
            s->primary[c].n += rows_of(tally, i);
        }
        seen[finest[i]] = true;
    }
    cxm_priv_release(s->allocator, seen);
    return status;
}

static bool sample_alloc(struct cxm_sample *s, uint32_t n_cells)
{
    const struct cxm_allocator *m = s->allocator;
    s->strata = cxm_priv_alloc_zero(m, s->n_strata, sizeof *s->strata);
    s->primary = cxm_priv_alloc_zero(m, s->n_primary, sizeof *s->primary);
    s->stratum_of_primary = cxm_priv_alloc(m, s->n_primary, sizeof(uint32_t));
    s->primary_of_finest = cxm_priv_alloc(m, s->n_finest, sizeof(uint32_t));
    s->cell_of_stratum = cxm_priv_alloc(m, s->n_strata, sizeof(uint32_t));
    s->cell_of_primary = cxm_priv_alloc(m, s->n_primary, sizeof(uint32_t));
    s->finest_of_cell = cxm_priv_alloc(m, n_cells, sizeof(uint32_t));
    if (s->strata == NULL || s->primary == NULL || s->stratum_of_primary == NULL
        || s->primary_of_finest == NULL || s->cell_of_stratum == NULL
        || s->cell_of_primary == NULL || s->finest_of_cell == NULL)
        return false;
    memset(s->cell_of_stratum, 0xFF, s->n_strata * sizeof(uint32_t));
    memset(s->cell_of_primary, 0xFF, s->n_primary * sizeof(uint32_t));
    return true;
}

static enum cxm_status check_units(const struct cxm_tally *tally, const struct cxm_sample *s,
                                   enum cxm_lonely lonely, struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    const bool strata = has_role(&tally->schema, CXM_KEY_STRATA);
    for (uint32_t h = 0; h < s->n_strata && status == CXM_OK; h++) {
        /* One row without strata or clusters is a sample of one: undefined, but no error. */
        const enum cxm_lonely rule = strata || s->clusters ? lonely : CXM_LONELY_CERTAINTY;
        status = check_drawn(tally, s->cell_of_stratum[h], false,
                             s->clusters ? "cluster" : "row", &s->strata[h], rule, error);
    }
    for (uint32_t c = 0; c < s->n_primary && status == CXM_OK; c++) {
        const bool finite = isfinite(s->strata[s->stratum_of_primary[c]].population);
        if ((s->second || s->second_rows) && (finite || isfinite(s->primary[c].population)))
            status = check_drawn(tally, s->cell_of_primary[c], true,
                                 s->second ? "cluster" : "row", &s->primary[c],
                                 finite ? lonely : CXM_LONELY_CERTAINTY, error);
    }
    return status;
}

enum cxm_status cxm_priv_sample_make(struct cxm_tally *tally, enum cxm_lonely lonely,
                                     struct cxm_sample *out, struct cxm_error *error)
{
    static const int last[3] = { CXM_KEY_STRATA, CXM_KEY_CLUSTER, CXM_KEY_CLUSTER_2 };
    struct stage stages[3];
    struct cxm_sample s = { .allocator = &tally->allocator };
    const struct cxm_schema *schema = &tally->schema;
    memset(stages, 0, sizeof stages);
    s.clusters = has_role(schema, CXM_KEY_CLUSTER);
    s.second = has_role(schema, CXM_KEY_CLUSTER_2);
    s.second_rows = !s.second && has_role(schema, CXM_KEY_FPC_2);
    bool room = true;
    const int n_stages = s.second ? 3 : s.clusters ? 2 : 1;
    for (int i = 0; i < n_stages && room; i++)
        room = stage_make(tally, last[i], &stages[i]);
    s.n_strata = stages[0].dict.n;
    s.n_primary = stages[1].dict.n;
    s.n_finest = stages[n_stages - 1].dict.n;
    room = room && sample_alloc(&s, tally->state.groups.dict.n);
    enum cxm_status status = room ? count_units(tally, stages, &s, error)
                                  : cxm_priv_no_memory(error);
    if (status == CXM_OK)
        status = check_units(tally, &s, lonely, error);
    for (int i = 0; i < n_stages; i++)
        stage_release(&stages[i], s.allocator);
    if (status == CXM_OK)
        *out = s;
    else
        cxm_priv_sample_release(&s);
    return status;
}
