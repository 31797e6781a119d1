/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Estimates with their names inside: metric, measure, group and definition as text. */
#include "metric/reading.h"

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

/* A text ends at its first NUL. */
static void group_text(const struct cxm_tally *tally, int64_t group, char *out, size_t capacity)
{
    char full[512];
    size_t used = 0;
    full[0] = '\0';
    for (uint32_t k = 0; group != CXM_TOTAL && k < tally->schema.n_keys; k++) {
        struct cxm_key key;
        cxm_priv_group_key(tally, group, k, &key);
        if (k > 0)
            cxm_priv_append(full, sizeof full, &used, ", ");
        cxm_priv_append_key(&key, full, sizeof full, &used);
    }
    if (group == CXM_TOTAL && tally->schema.n_keys > 0)
        cxm_priv_append(full, sizeof full, &used, "Total");
    cxm_priv_copy_text(out, capacity, full, strlen(full));
}

/* The names of measures repeat with every group: they are made once. */
static void fill_rows(const struct cxm_asked *a, const struct cxm_estimate *estimates,
                      struct cxm_row *out)
{
    const struct cxm_tally *tally = a->reading.tally;
    char definition[1024];
    const char *metric = tally->config.rules->info->name;
    const size_t n = a->n_measures;
    const size_t definition_bytes = cxm_tally_definition(tally, definition, sizeof definition);
    for (size_t i = 0; i < a->n_groups * n; i++) {
        if (i < n) {
            struct cxm_measure measure = { .name = "" };
            cxm_priv_measure_name(&a->reading, a->measures[i].family, a->measures[i].member, &measure);
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
        group_text(tally, estimates[i].group, out[i].group, sizeof out[i].group);
    }
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
    struct cxm_asked a;
    enum cxm_status status = cxm_priv_asked_init(&a, tally, options, capacity, error);
    if (status != CXM_OK)
        return status;
    const size_t n = a.n_groups * a.n_measures;
    if (capacity > 0 && n > 0) {
        struct cxm_estimate *estimates = cxm_priv_alloc(&tally->allocator, n, sizeof *estimates);
        status = estimates != NULL ? cxm_priv_asked_estimate(&a, estimates, NULL, error)
                                   : cxm_priv_no_memory(error);
        if (status == CXM_OK)
            fill_rows(&a, estimates, out);
        cxm_priv_release(&tally->allocator, estimates);
    }
    if (status == CXM_OK && n_out != NULL)
        *n_out = n;
    cxm_priv_asked_release(&a);
    return status;
}
