/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Survival analyses in one call: columns are added to a tally, which is read and freed. */
#include "analysis/report.h"
#include "metric/call.h"

#include <cxm/survival.h>

typedef enum cxm_status read_tally(struct cxm_tally *tally,
                                   const struct cxm_survival_options *options,
                                   struct cxm_report **out, struct cxm_error *error);

static enum cxm_status fill(struct cxm_call *call, const struct cxm_column *duration,
                            const struct cxm_column *event, const struct cxm_column *entry,
                            struct cxm_tally **out, struct cxm_error *error)
{
    if (duration == NULL || event == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, duration == NULL ? "duration" : "event",
                             "duration and event are needed");
    cxm_priv_call_input(call, "duration", duration, 1);
    cxm_priv_call_input(call, "event", event, 1);
    cxm_priv_call_input(call, "entry", entry, entry != NULL);
    enum cxm_status status = cxm_tally_new("survival", call->params, call->n_params, NULL, out,
                                           error);
    if (status == CXM_OK)
        status = cxm_priv_call_fill(*out, call, NULL, error);
    return status;
}

/* What stands in two places counts where a user of any one-call function expects it. */
static enum cxm_status curve_options(const struct cxm_duration_options *o,
                                     struct cxm_survival_options *out, struct cxm_error *error)
{
    memset(out, 0, sizeof *out);
    if (o->curve != NULL && (o->curve->size < sizeof(size_t) || o->curve->size > sizeof *out))
        return cxm_priv_fail(error, CXM_EINVAL, "curve",
                             "curve->size must be sizeof(struct cxm_survival_options)");
    if (o->curve != NULL)
        memcpy(out, o->curve, o->curve->size);
    out->size = sizeof *out;
    out->level = o->level;
    out->interval = o->interval;
    out->total = o->total;
    return CXM_OK;
}

static enum cxm_status run(const struct cxm_column *duration, const struct cxm_column *event,
                           const struct cxm_duration_options *o, read_tally *read,
                           struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_call call = { .metric = "survival" };
    struct cxm_survival_options curve;
    struct cxm_tally *tally = NULL;
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    enum cxm_status status = curve_options(o, &curve, error);
    memcpy(&call.common, o, sizeof call.common);
    if (o->n_causes > 0)
        cxm_priv_call_text(&call, "causes", o->causes, o->n_causes);
    if (status == CXM_OK)
        status = fill(&call, duration, event, o->entry, &tally, error);
    if (status == CXM_OK)
        status = read(tally, &curve, out, error);
    cxm_tally_free(tally);
    return status;
}

enum cxm_status cxm_kaplan_meier(const struct cxm_column *duration,
                                 const struct cxm_column *event,
                                 const struct cxm_duration_options *options,
                                 struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_duration_options o = { CXM_INIT(kaplan_meier) };
    const enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    return status == CXM_OK ? run(duration, event, &o, cxm_tally_survival, out, error) : status;
}

/* Codes of causes as they stand in the table, or in the words of a list; and their names. */
static enum cxm_status code(const struct cxm_column *cause, struct cxm_duration_options *o,
                            uint8_t *codes, struct cxm_cause_name *names, const char **texts,
                            struct cxm_error *error)
{
    const struct cxm_cause_list *list = cxm_cause_list_find(o->list);
    enum cxm_status status;
    if (o->list != NULL && list == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "list", "there is no list of causes \"%.40s\"",
                             o->list);
    if (list != NULL) {
        status = cxm_code_causes(list, cause, o->lost, codes, error);
        o->n_causes = list->n_causes;
    } else {
        status = cxm_match_causes(cause, o->lost, codes, names, &o->n_causes, NULL, error);
    }
    for (size_t k = 0; status == CXM_OK && k < o->n_causes; k++)
        texts[k] = list != NULL ? list->causes[k].name : names[k].text;
    o->causes = texts;
    return status;
}

static enum cxm_status run_coded(const struct cxm_column *duration,
                                 const struct cxm_column *cause, struct cxm_duration_options *o,
                                 struct cxm_report **out, struct cxm_error *error)
{
    enum { MOST = 64 };
    struct cxm_cause_name names[MOST];
    const char *texts[MOST];
    if (cause == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "cause", "cause is NULL");
    uint8_t *codes = cxm_priv_alloc(NULL, (size_t)(cause->n > 0 ? cause->n : 0), 1);
    if (codes == NULL)
        return cxm_priv_no_memory(error);
    enum cxm_status status = code(cause, o, codes, names, texts, error);
    if (status == CXM_OK) {
        const char *name = cause->name != NULL ? cause->name : "cause";
        struct cxm_column event = cxm_column_make(name, CXM_U8, codes, (size_t)cause->n, 1, 1);
        event.flags |= CXM_COLUMN_SENTINEL;
        event.sentinel = 255;
        if (o->list == NULL && o->lost == NULL) { /* numbers are the codes: a wrong one is named */
            event = *cause;
            event.name = name;
        }
        status = run(duration, &event, o, cxm_tally_incidence, out, error);
    }
    cxm_priv_release(NULL, codes);
    return status;
}

enum cxm_status cxm_competing_risks(const struct cxm_column *duration,
                                    const struct cxm_column *cause,
                                    const struct cxm_duration_options *options,
                                    struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_duration_options o = { CXM_INIT(competing_risks) };
    const enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status != CXM_OK)
        return status;
    const bool named = o.causes != NULL && o.n_causes > 0;
    if (named && o.list != NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "list", "causes and list are two ways to name them");
    if (named)
        return run(duration, cause, &o, cxm_tally_incidence, out, error);
    return run_coded(duration, cause, &o, out, error);
}

/* ---- log-rank ------------------------------------------------------------------------- */

static enum cxm_status run_logrank(const struct cxm_column *duration,
                                   const struct cxm_column *event,
                                   const struct cxm_logrank_call *o,
                                   const struct cxm_column *keys, size_t n_keys, size_t n_strata,
                                   struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_call call = { .metric = "survival" };
    struct cxm_tally *tally = NULL;
    const struct cxm_logrank_options test = { sizeof test, n_strata, o->rho, o->gamma,
                                              o->pairwise, o->adjust };
    memcpy(&call.common, o, sizeof call.common);
    call.common.by = keys;
    call.common.n_by = n_keys;
    enum cxm_status status = fill(&call, duration, event, o->entry, &tally, error);
    if (status == CXM_OK)
        status = cxm_tally_logrank(tally, &test, out, error);
    cxm_tally_free(tally);
    return status;
}

enum cxm_status cxm_logrank(const struct cxm_column *duration, const struct cxm_column *event,
                            const struct cxm_logrank_call *options, struct cxm_report **out,
                            struct cxm_error *error)
{
    struct cxm_logrank_call o = { CXM_INIT(logrank) };
    enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status != CXM_OK)
        return status;
    const size_t n_by = o.by == NULL ? 0 : o.n_by == 0 ? 1 : o.n_by;
    const size_t n_strata = o.within == NULL ? 0 : o.n_within == 0 ? 1 : o.n_within;
    if (n_by == 0 || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, n_by == 0 ? "by" : "out",
                             "a log-rank test needs groups (by) and an out");
    struct cxm_column *keys = cxm_priv_alloc(NULL, n_by + n_strata, sizeof *keys);
    if (keys == NULL)
        return cxm_priv_no_memory(error);
    memcpy(keys, o.by, n_by * sizeof *keys);
    if (n_strata > 0)
        memcpy(keys + n_by, o.within, n_strata * sizeof *keys);
    status = run_logrank(duration, event, &o, keys, n_by + n_strata, n_strata, out, error);
    cxm_priv_release(NULL, keys);
    return status;
}
