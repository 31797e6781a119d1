/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Classifications of why customers are lost, as the articles behind the Chinese terms of this
 * library have them, and columns of causes in their terms as codes for survival tallies. A label
 * look-up a row, of some twenty labels.
 *
 * What a customer was lost through (value, systems, people) and which kind of loss it was
 * (natural, malicious, competitive, by fault) are two answers about one loss: two lists, never
 * one. Who is lost for a reason that nobody knows is "unknown": a cause of its own, or the others
 * would look larger than they are. */
#include "column/read.h"

#include <cxm/survival.h>

#include <math.h>

enum { BLOCK = 1024, MISSING = 255 };

#define LABEL(text, code) { text, code, 0, 0 }

static const struct cxm_cause_info types[] = {
    { "natural", "moved away, died, closed, outgrew the need" },
    { "malicious", "left to escape what they owed, or to harm" },
    { "competitive", "won over by a competitor" },
    { "fault", "driven out by a mistake of the company" },
    { "unknown", "lost, nobody knows why" },
};
static const struct cxm_cause_info types_zh[] = {
    { "自然流失", "搬迁、死亡、停业、不再需要" },
    { "恶意流失", "逃避欠费或蓄意损害" },
    { "竞争流失", "被竞争对手争取" },
    { "过失流失", "企业自身的过失" },
    { "未知", "原因不明" },
};
static const struct cxm_label type_labels[] = {
    LABEL("natural", 1), LABEL("malicious", 2), LABEL("competitive", 3), LABEL("fault", 4),
    LABEL("unknown", 5), LABEL("自然流失", 1), LABEL("恶意流失", 2), LABEL("竞争流失", 3),
    LABEL("过失流失", 4), LABEL("未知", 5), LABEL("自然", 1), LABEL("恶意", 2),
    LABEL("竞争", 3), LABEL("过失", 4),
};

static const struct cxm_cause_info ways[] = {
    { "value", "what they got was not worth what it cost them" },
    { "system", "processes: waiting, forms, delivery, reachability" },
    { "people", "staff: competence, attitude, manners" },
    { "unknown", "lost, nobody knows why" },
};
static const struct cxm_cause_info ways_zh[] = {
    { "价值流失", "价值不足以补偿付出" },
    { "系统流失", "流程：等待、手续、交付、联系不便" },
    { "员工流失", "员工：能力、态度、礼仪" },
    { "未知", "原因不明" },
};
static const struct cxm_label way_labels[] = {
    LABEL("value", 1), LABEL("system", 2), LABEL("people", 3), LABEL("unknown", 4),
    LABEL("systems", 2), LABEL("staff", 3), LABEL("价值流失", 1), LABEL("系统流失", 2),
    LABEL("员工流失", 3), LABEL("未知", 4), LABEL("价值", 1), LABEL("系统", 2),
    LABEL("员工", 3), LABEL("人员", 3), LABEL("人", 3),
};

#define LIST(name_, summary_, causes_, labels_)                                                \
    { .name = name_, .summary = summary_, .causes = causes_, .n_causes = CXM_COUNT(causes_),   \
      .labels = labels_, .n_labels = CXM_COUNT(labels_) }

static const struct cxm_cause_list lists[] = {
    LIST("churn_through", "what customers were lost through", ways, way_labels),
    LIST("churn_through_zh", "流失途径", ways_zh, way_labels),
    LIST("churn_type", "kinds of customer churn", types, type_labels),
    LIST("churn_type_zh", "流失类型", types_zh, type_labels),
};

const struct cxm_cause_list *cxm_cause_list_at(size_t index)
{
    return index < CXM_COUNT(lists) ? &lists[index] : NULL;
}

const struct cxm_cause_list *cxm_cause_list_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < CXM_COUNT(lists); i++) {
        if (strcmp(lists[i].name, name) == 0)
            return &lists[i];
    }
    return NULL;
}

/* ---- columns ------------------------------------------------------------------------------ */

struct coder {
    const struct cxm_cause_list *list;
    const struct cxm_column *given, *lost;
    struct cxm_reader causes, flags;
    struct cxm_error *error;
};

static enum cxm_status bad_cause(const struct coder *c, int64_t row)
{
    char text[64], known[256] = "";
    size_t used = 0;
    const char *name = c->given->name != NULL ? c->given->name : "cause";
    for (size_t k = 0; k < c->list->n_causes; k++)
        cxm_priv_append(known, sizeof known, &used, k > 0 ? ", %s" : "%s", c->list->causes[k].name);
    cxm_priv_value_text(c->given, row, text, sizeof text);
    return cxm_priv_fail_at(c->error, CXM_EDATA, name, row, text,
                            "%s: row %lld is %s, which is none of the causes %s", name,
                            (long long)row, text, known);
}

static enum cxm_status code_block(struct coder *c, int64_t first, size_t n, uint8_t *codes)
{
    double values[BLOCK];
    uint8_t states[BLOCK];
    uint16_t flags[BLOCK];
    const double most = (double)c->list->n_causes;
    cxm_priv_read_numbers(&c->causes, first, n, values, states);
    if (c->lost != NULL)
        cxm_priv_read_codes(&c->flags, first, n, 0, 2, flags);
    for (size_t i = 0; i < n; i++) {
        const bool missing = states[i] == CXM_ROW_MISSING;
        const double x = missing ? most : values[i]; /* lost for no known reason */
        if (c->lost != NULL && flags[i] == 3)
            return cxm_priv_invalid_flag(c->lost, c->lost->name != NULL ? c->lost->name : "lost",
                                         first + (int64_t)i, c->error);
        if (c->lost == NULL ? missing : flags[i] != 1) {
            codes[i] = c->lost != NULL && flags[i] == 0 ? 0 : MISSING;
            continue;
        }
        if (!missing && !(states[i] == CXM_ROW_USED && x == floor(x) && x <= most
                          && x >= (c->lost != NULL ? 1 : 0)))
            return bad_cause(c, first + (int64_t)i);
        codes[i] = (uint8_t)x;
    }
    return CXM_OK;
}

enum cxm_status cxm_code_causes(const struct cxm_cause_list *list, const struct cxm_column *cause,
                                const struct cxm_column *lost, uint8_t *codes,
                                struct cxm_error *error)
{
    if (list == NULL || cause == NULL || codes == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "cause", "list, cause or codes is NULL");
    struct cxm_column labelled = *cause;
    if (labelled.n_labels == 0) {
        labelled.labels = list->labels;
        labelled.n_labels = (int64_t)list->n_labels;
    }
    enum cxm_status status = cxm_priv_column_fits(lost == NULL ? cause : &labelled,
                                                  CXM_ROLE_NUMBER, "cause", error);
    if (status != CXM_OK && lost == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "cause",
                             "causes as texts do not say who is still there: pass also which "
                             "customers are lost");
    if (status == CXM_OK && lost != NULL)
        status = cxm_priv_column_fits(lost, CXM_ROLE_FLAG, "lost", error);
    if (status == CXM_OK && lost != NULL && lost->n != cause->n)
        status = cxm_priv_fail(error, CXM_EINVAL, "lost", "lost: %lld rows, cause has %lld",
                               (long long)lost->n, (long long)cause->n);
    if (status != CXM_OK)
        return status;
    struct coder c = { .list = list, .given = cause, .lost = lost, .error = error };
    cxm_priv_reader_init(&c.causes, &labelled);
    if (lost != NULL)
        cxm_priv_reader_init(&c.flags, lost);
    for (int64_t first = 0; first < cause->n && status == CXM_OK; first += BLOCK) {
        const int64_t left = cause->n - first;
        status = code_block(&c, first, left < BLOCK ? (size_t)left : BLOCK, codes + first);
    }
    return status;
}
