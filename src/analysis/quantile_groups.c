/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys of the groups whose quantiles are selected from columns: each row gets the code of its group,
 * in the order of the keys, and each group a row to read its key from. One key of whole numbers near
 * each other is its own code. */
#include "analysis/quantiles.h"
#include "metric/metric.h"

void cxm_priv_quantile_groups_release(struct cxm_quantile_groups *g)
{
    cxm_priv_codes_release(&g->codes);
    cxm_priv_release(NULL, g->first_row);
}

/* One key of plain whole numbers near each other needs no codes. */
static void key_by_itself(struct cxm_quantile_groups *g, const struct cxm_column *value, int threads)
{
    const int32_t type = g->plans[0].info.type;
    g->direct = (struct cxm_selection){ .column = value, .threads = threads };
    if (type == CXM_KEY_INT || type == CXM_KEY_UINT)
        cxm_priv_select_by_key(&g->direct, &g->by[0]);
}

enum cxm_status cxm_priv_quantile_groups_init(struct cxm_quantile_groups *g,
                                              const struct cxm_common_options *common,
                                              const struct cxm_column *value,
                                              struct cxm_error *error)
{
    const int64_t n = value->n;
    *g = (struct cxm_quantile_groups){ .by = common->by,
                          .n_by = common->by == NULL ? 0 : common->n_by == 0 ? 1 : common->n_by };
    if (g->n_by == 0)
        return CXM_OK;
    const struct cxm_column *columns[CXM_MAX_KEYS];
    if (g->n_by > CXM_MAX_KEYS)
        return cxm_priv_fail(error, CXM_EINVAL, "by", "at most %d keys", CXM_MAX_KEYS);
    for (size_t k = 0; k < g->n_by; k++) {
        columns[k] = &g->by[k];
        if (g->by[k].n != n)
            return cxm_priv_fail(error, CXM_EINVAL, "by", "by: %lld rows, value has %lld",
                                 (long long)g->by[k].n, (long long)n);
    }
    enum cxm_status status = CXM_OK;
    for (size_t k = 0; k < g->n_by && status == CXM_OK; k++)
        status = cxm_priv_key_plan(&g->by[k], &g->plans[k], error);
    if (status == CXM_OK && g->n_by == 1)
        key_by_itself(g, value, common->threads);
    if (status != CXM_OK || g->direct.key != NULL)
        return status;
    status = cxm_priv_code_keys(columns, g->n_by, "by", false, NULL, &g->codes, error);
    if (status != CXM_OK)
        return status;
    g->first_row = cxm_priv_alloc(NULL, (size_t)g->codes.n + 1, sizeof *g->first_row);
    if (g->first_row == NULL)
        return cxm_priv_no_memory(error);
    bool has_missing = false;
    for (size_t c = 0; c <= g->codes.n; c++)
        g->first_row[c] = UINT32_MAX;
    /* A missing key of a single column is the last group. */
    for (int64_t row = n - 1; row >= 0; row--) {
        uint32_t *code = &g->codes.codes[row];
        if (*code != CXM_CODE_MISSING)
            *code = g->codes.ranks[*code];
        else if (common->missing_key == CXM_MISSING_KEY_KEEP) {
            *code = g->codes.n;
            has_missing = true;
        }
        if (*code <= g->codes.n)
            g->first_row[*code] = (uint32_t)row;
    }
    g->codes.n += has_missing;
    return CXM_OK;
}

/* The key of one row of one column. */
static void key_at(const struct cxm_column *column, const struct cxm_key_plan *plan, int64_t row,
                   struct cxm_key *out)
{
    struct cxm_reader reader;
    uint8_t state;
    *out = (struct cxm_key){ .type = plan->info.type };
    cxm_priv_reader_init(&reader, column);
    if (plan->words) {
        uint64_t word;
        cxm_priv_read_key_words(&reader, plan, row, 1, &word, &state);
        out->missing = state != CXM_ROW_USED;
        if (!out->missing)
            cxm_priv_key_from_word(plan->info.type, word, out);
    }
    if (!plan->words || plan->info.type == CXM_KEY_CATEGORY) {
        struct cxm_reader names;
        struct cxm_text text = { "", 0 };
        const bool category = plan->info.type == CXM_KEY_CATEGORY;
        cxm_priv_reader_init(&names, category ? plan->categories : column);
        if (!category || !out->missing)
            cxm_priv_read_key_text(&names, category ? out->integer : row, 1, &text, &state);
        out->missing = out->missing || state != CXM_ROW_USED;
        out->text = text.bytes;
        out->text_bytes = text.n;
    }
    out->type = plan->info.type;
}

void cxm_priv_quantile_keys(struct cxm_report *report, size_t row, const struct cxm_quantile_groups *g,
                            uint32_t code)
{
    if (g->direct.key != NULL) {
        const int32_t type = g->by[0].type == CXM_U64 ? CXM_KEY_UINT : CXM_KEY_INT;
        const uint64_t value = g->direct.key_base + code;
        struct cxm_key key;
        cxm_priv_key_from_word(type, type == CXM_KEY_INT ? value ^ UINT64_C(1) << 63 : value,
                               &key);
        cxm_priv_report_key(report, row, 0, &key);
        return;
    }
    for (size_t k = 0; k < g->n_by; k++) {
        struct cxm_key key;
        key_at(&g->by[k], &g->plans[k], g->first_row[code], &key);
        cxm_priv_report_key(report, row, (int)k, &key);
    }
}

void cxm_priv_quantile_key_columns(struct cxm_report *report, const struct cxm_quantile_groups *g)
{
    for (size_t k = 0; k < g->n_by; k++) {
        const struct cxm_key_info *info = &g->plans[k].info;
        cxm_priv_report_key_column(report, info->name, (enum cxm_key_type)info->type, info->calendar);
    }
}
