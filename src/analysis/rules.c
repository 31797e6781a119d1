/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Run rules by name, on a column of z. */
#include "analysis/rules.h"

#include "analysis/sequence.h"

#include <cxm/chart.h>

#include <math.h>

static const struct { const char *name; uint32_t rule; const char *text; } rules_by_name[] = {
    { "N1", CXM_RULE_N1, "beyond 3 sigma" },
    { "N2", CXM_RULE_N2, "9 on one side" },
    { "N3", CXM_RULE_N3, "6 rising or falling" },
    { "N4", CXM_RULE_N4, "14 alternating" },
    { "N5", CXM_RULE_N5, "2 of 3 beyond 2 sigma" },
    { "N6", CXM_RULE_N6, "4 of 5 beyond 1 sigma" },
    { "N7", CXM_RULE_N7, "15 within 1 sigma" },
    { "N8", CXM_RULE_N8, "8 beyond 1 sigma on both sides" },
    { "WE4", CXM_RULE_WE4, "8 on one side" },
    /* The first three of Western Electric are three of Nelson's. */
    { "WE1", CXM_RULE_N1, NULL },
    { "WE2", CXM_RULE_N5, NULL },
    { "WE3", CXM_RULE_N6, NULL },
    { "all", CXM_RULES_ALL, NULL },
};

enum cxm_status cxm_priv_rules_read(const char *text, uint32_t *rules, struct cxm_error *error)
{
    *rules = 0;
    while (text != NULL && *text != '\0') {
        const size_t n = strcspn(text, ", ");
        uint32_t found = 0;
        for (size_t i = 0; i < CXM_COUNT(rules_by_name); i++)
            if (strlen(rules_by_name[i].name) == n && strncmp(rules_by_name[i].name, text, n) == 0)
                found = rules_by_name[i].rule;
        if (found == 0 && n > 0)
            return cxm_priv_fail(error, CXM_EINVAL, "rules",
                                 "there is no rule \"%.*s\"; there are N1 to N8, WE1 to WE4, all",
                                 n < 20 ? (int)n : 20, text);
        *rules |= found;
        text += n;
        text += strspn(text, ", ");
    }
    return CXM_OK;
}

void cxm_priv_rules_tell(uint32_t rules, char *out, size_t capacity, size_t *used)
{
    for (size_t i = 0; i < CXM_COUNT(rules_by_name); i++) {
        if ((rules & rules_by_name[i].rule) != 0 && rules_by_name[i].text != NULL)
            cxm_priv_append(out, capacity, used, "%s%s: %s", *used > 0 ? "; " : "",
                            rules_by_name[i].name, rules_by_name[i].text);
    }
}

void cxm_priv_rules_define(uint32_t rules, char *out, size_t capacity, size_t *used)
{
    const char *between = "";
    for (size_t i = 0; i < CXM_COUNT(rules_by_name); i++) {
        if ((rules & rules_by_name[i].rule) == 0 || rules_by_name[i].text == NULL)
            continue;
        cxm_priv_append(out, capacity, used, "%s%s", between, rules_by_name[i].name);
        between = "+";
    }
}

/* ---- a column of z -------------------------------------------------------------------- */

struct rows {
    double *z;
    bool *after_gap;
    uint32_t *hits;
    size_t *at;   /* of the sequence */
    size_t n;
};

static enum cxm_status gather(const struct cxm_sequence *s, int32_t gaps, struct rows *rows,
                              struct cxm_error *error)
{
    bool gap = false;
    for (size_t i = 0; i < s->n; i++) {
        if (isnan(s->places[i].value)) {
            if (gaps == CXM_GAPS_ERROR)
                return cxm_priv_fail_at(error, CXM_EDATA, "z", s->places[i].row, "",
                                        "z: row %lld is missing; gaps are split or skipped only "
                                        "when you say so", (long long)s->places[i].row);
            gap = gaps == CXM_GAPS_SPLIT;
            continue;
        }
        rows->z[rows->n] = s->places[i].value;
        rows->after_gap[rows->n] = gap;
        rows->at[rows->n++] = i;
        gap = false;
    }
    return CXM_OK;
}

static enum cxm_status tell(const struct cxm_sequence *s, const struct rows *rows,
                            uint32_t rules, struct cxm_report **out, struct cxm_error *error)
{
    char definition[128] = "";
    size_t used = 0, next = 0;
    struct cxm_report *report = cxm_priv_report_new(NULL);
    const int period = cxm_priv_sequence_axes(s, report);
    const int signal = cxm_priv_report_axis(report, "signal", CXM_AXIS_BOOL);
    const int reason = cxm_priv_report_axis(report, "reason", CXM_AXIS_TEXT);
    cxm_priv_append(definition, sizeof definition, &used, "run_rules/");
    cxm_priv_rules_define(rules, definition, sizeof definition, &used);
    for (size_t i = 0; i < s->n; i++) {
        struct cxm_estimate e = cxm_priv_sequence_estimate(s, i);
        e.value = s->places[i].value;
        const size_t row = cxm_priv_report_add(report, "run_rules", "z", definition, &e);
        cxm_priv_sequence_place(s, report, row, period, i);
        if (next == rows->n || rows->at[next] != i)
            continue;
        char text[256] = "";
        used = 0;
        cxm_priv_rules_tell(rows->hits[next], text, sizeof text, &used);
        cxm_priv_report_int(report, row, signal, rows->hits[next] != 0);
        if (rows->hits[next++] != 0)
            cxm_priv_report_text(report, row, reason, text);
    }
    return cxm_priv_report_finish(report, out, error);
}

enum cxm_status cxm_run_rules(const struct cxm_column *z, const char *rules, int32_t gaps,
                              struct cxm_report **out, struct cxm_error *error)
{
    const struct cxm_sequence_input input = { .values_name = "z", .values = z };
    struct cxm_sequence s;
    uint32_t chosen = CXM_RULES_DEFAULT;
    if (out == NULL || gaps < CXM_GAPS_ERROR || gaps > CXM_GAPS_SKIP)
        return cxm_priv_fail(error, CXM_EINVAL, out == NULL ? "out" : "gaps",
                             "out is NULL, or gaps is none of enum cxm_gaps");
    enum cxm_status status = rules != NULL ? cxm_priv_rules_read(rules, &chosen, error) : CXM_OK;
    if (status == CXM_OK)
        status = cxm_priv_sequence_columns(&input, &s, error);
    if (status != CXM_OK)
        return status;
    void *memory = cxm_priv_alloc(NULL, s.n, sizeof(double) + sizeof(size_t) + sizeof(uint32_t)
                                                 + sizeof(bool));
    if (memory == NULL) {
        cxm_priv_sequence_release(&s);
        return cxm_priv_no_memory(error);
    }
    struct rows rows = { .z = memory };
    rows.at = (size_t *)(void *)(rows.z + s.n);
    rows.hits = (uint32_t *)(void *)(rows.at + s.n);
    rows.after_gap = (bool *)(void *)(rows.hits + s.n);
    status = gather(&s, gaps, &rows, error);
    if (status == CXM_OK) {
        cxm_priv_run_rules(rows.z, rows.after_gap, rows.n, chosen, rows.hits);
        status = tell(&s, &rows, chosen, out, error);
    }
    cxm_priv_release(NULL, memory);
    cxm_priv_sequence_release(&s);
    return status;
}
