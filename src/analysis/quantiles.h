/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What reports of quantiles share, whether they come from tallies or from columns: the options, the
 * rows, and the keys of columns. */
#ifndef CXM_SRC_QUANTILES_H
#define CXM_SRC_QUANTILES_H

#include "analysis/report.h"
#include "derive/select.h"
#include "derive/sort.h"
#include "estimate/order.h"
#include "metric/call.h"
#include "tally/tally.h"

#include <cxm/quantiles.h>

/* Order statistics that a quantile and its interval are made of: lower, low, high, upper. */
enum { CXM_QUANTILE_STATISTICS = 4, CXM_FEW_QUANTILES = 32 };

/* Fills in the defaults. EINVAL: probs, type or level. */
enum cxm_status cxm_priv_quantile_check(struct cxm_quantile_options *options,
                                        struct cxm_error *error);

/* ---- rows ------------------------------------------------------------------------------ */

/* A report that grows by a row a group and quantile. */
struct cxm_quantile_page {
    struct cxm_quantile_options o;
    struct cxm_report *report;
    const char *metric, *definition;
    int probability, coverage; /* axes */
    double ascending[CXM_FEW_QUANTILES]; /* columns: the probs, unless they are more */
};

/* The axes, once the report is there and has its keys. */
void cxm_priv_quantile_axes(struct cxm_quantile_page *page);
/* The row of quantile i. Its names are those of row `names` + i, where there is one already. */
size_t cxm_priv_quantile_row(const struct cxm_quantile_page *page, size_t i, size_t names,
                             const struct cxm_estimate *estimate, double coverage);
/* Value and limits from the order statistics of the ranks. */
void cxm_priv_quantile_set(struct cxm_estimate *estimate, const struct cxm_quantile_ranks *ranks,
                           const double x[CXM_QUANTILE_STATISTICS]);

static inline int cxm_priv_quantile_type(const struct cxm_quantile_page *page)
{
    return page->o.type == 0 ? 7 : page->o.type;
}

/* ---- keys of columns ------------------------------------------------------------------- */

struct cxm_quantile_groups {
    const struct cxm_column *by;
    size_t n_by;
    struct cxm_key_plan plans[CXM_MAX_KEYS]; /* a plan looks at all categories: one a key, not one a row */
    struct cxm_codes codes; /* of the rows: in the order of the keys */
    uint32_t *first_row;    /* by code */
    struct cxm_selection direct; /* where its key is set, there are no codes */
};

/* To be released also after a failure. */
enum cxm_status cxm_priv_quantile_groups_init(struct cxm_quantile_groups *groups,
                                              const struct cxm_common_options *common,
                                              const struct cxm_column *value,
                                              struct cxm_error *error);
void cxm_priv_quantile_groups_release(struct cxm_quantile_groups *groups);
/* The key columns of a report, and the keys of a row of it. */
void cxm_priv_quantile_key_columns(struct cxm_report *report, const struct cxm_quantile_groups *groups);
void cxm_priv_quantile_keys(struct cxm_report *report, size_t row,
                            const struct cxm_quantile_groups *groups, uint32_t code);

#endif
