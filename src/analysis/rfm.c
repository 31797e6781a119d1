/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Recency, frequency, monetary value: scores from ranks, and customers by score. A score needs the
 * number of strictly worse customers: the values are sorted once and looked up. */
#include "analysis/models.h"
#include "analysis/numbers.h"
#include "estimate/check.h"
#include "estimate/estimate.h"
#include "estimate/share.h"

#include <cxm/customers.h>

#include <math.h>

enum { SCORES = 5, MOST = SCORES * SCORES * SCORES };

/* ---- scores ---------------------------------------------------------------------------- */

/* How many of the n sorted values are below x. */
static size_t below(const double *sorted, size_t n, double x)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (sorted[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Pairs (value, 1) become distinct values with counts, then each value the number before it. */
static enum cxm_status score(const struct cxm_numbers *in, const bool *complete, size_t n,
                             int column, uint8_t *scores, struct cxm_error *error)
{
    double *pairs = cxm_priv_alloc(NULL, n, 3 * sizeof *pairs);
    if (pairs == NULL)
        return cxm_priv_no_memory(error);
    const double sign = column == 0 ? -1 : 1; /* longer idle is worse */
    size_t used = 0;
    for (size_t i = 0; i < in->n; i++) {
        if (!complete[i])
            continue;
        pairs[2 * used] = sign * in->columns[column][i] + 0.0;
        pairs[2 * used++ + 1] = 1;
    }
    const size_t distinct = cxm_priv_distinct_rows(pairs, used, 2);
    double *values = pairs + 2 * n, worse = 0;
    for (size_t k = 0; k < distinct; k++) {
        const double here = pairs[2 * k + 1];
        values[k] = pairs[2 * k];
        pairs[2 * k + 1] = worse;
        worse += here;
    }
    for (size_t i = 0; i < in->n; i++) {
        if (!complete[i])
            continue;
        const size_t k = below(values, distinct, sign * in->columns[column][i] + 0.0);
        const uint64_t rank = (uint64_t)pairs[2 * k + 1];
        scores[3 * i + (size_t)column] = (uint8_t)(1 + SCORES * rank / n);
    }
    cxm_priv_release(NULL, pairs);
    return CXM_OK;
}

static enum cxm_status score_all(const struct cxm_numbers *in, uint8_t *scores,
                                 struct cxm_error *error)
{
    bool *complete = cxm_priv_alloc(NULL, in->n, sizeof *complete);
    if (complete == NULL)
        return cxm_priv_no_memory(error);
    size_t n = 0;
    for (size_t i = 0; i < in->n; i++) {
        complete[i] = !isnan(in->columns[0][i]) && !isnan(in->columns[1][i])
                   && !isnan(in->columns[2][i]);
        n += complete[i];
    }
    memset(scores, 0, 3 * in->n);
    enum cxm_status status = CXM_OK;
    for (int column = 0; column < 3 && status == CXM_OK; column++)
        status = score(in, complete, n, column, scores, error);
    cxm_priv_release(NULL, complete);
    return status;
}

static enum cxm_status read_inputs(const struct cxm_column *idle, const struct cxm_column *orders,
                                   const struct cxm_column *money, struct cxm_numbers *in,
                                   struct cxm_error *error)
{
    const struct cxm_number_input inputs[] = {
        { "idle", idle, false, -1e300, 1e300, false },
        { "orders", orders, false, -1e300, 1e300, false },
        { "money", money, false, -1e300, 1e300, false },
    };
    return cxm_priv_numbers_read(inputs, CXM_COUNT(inputs), NULL, in, error);
}

enum cxm_status cxm_rfm_scores(const struct cxm_column *idle, const struct cxm_column *orders,
                               const struct cxm_column *money, uint8_t *scores,
                               struct cxm_error *error)
{
    struct cxm_numbers in;
    if (scores == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "scores", "scores is NULL");
    enum cxm_status status = read_inputs(idle, orders, money, &in, error);
    if (status != CXM_OK)
        return status;
    uint8_t *made = cxm_priv_alloc(NULL, in.n, 3);
    status = made == NULL ? cxm_priv_no_memory(error) : score_all(&in, made, error);
    if (status == CXM_OK)
        memcpy(scores, made, 3 * in.n);
    cxm_priv_release(NULL, made);
    cxm_priv_numbers_release(&in);
    return status;
}

/* ---- customers by score ----------------------------------------------------------------- */

struct cells {
    int64_t customers[MOST];
    double *money; /* of all customers, with their cell: (cell, money, 1), to be sorted */
    size_t n;
};

static struct cxm_estimate share_of(const struct cxm_estimate *blank, int64_t x)
{
    struct cxm_estimate e = *blank;
    const double n = (double)e.n;
    struct cxm_limits limits;
    e.value = (double)x / n;
    e.std_error = sqrt(cxm_priv_share_variance((double)x, n));
    if (cxm_priv_share_limits((double)x, n, e.level, CXM_INTERVAL_WILSON, &limits) == CXM_OK) {
        e.interval = CXM_INTERVAL_WILSON;
        e.lower = e.lower_raw = limits.lower;
        e.upper = e.upper_raw = limits.upper;
        e.flags |= limits.flags;
    }
    return e;
}

static void set_keys(struct cxm_report *r, size_t row, int cell)
{
    const int64_t scores[] = { cell / (SCORES * SCORES) + 1, cell / SCORES % SCORES + 1,
                               cell % SCORES + 1 };
    for (int k = 0; k < 3; k++) {
        const struct cxm_key key = { .type = CXM_KEY_INT, .integer = scores[k] };
        cxm_priv_report_key(r, row, k, &key);
    }
}

/* Rows (cell, money, count), sorted: sums that do not depend on the order of the customers. */
static void add_rows(const struct cells *c, const struct cxm_estimate *blank,
                     struct cxm_report *r)
{
    const int customers = cxm_priv_report_axis(r, "customers", CXM_AXIS_INT);
    const int money = cxm_priv_report_axis(r, "money", CXM_AXIS_REAL);
    const int money_share = cxm_priv_report_axis(r, "money_share", CXM_AXIS_REAL);
    struct cxm_dd sums[MOST] = { { 0, 0 } }, total = { 0, 0 };
    for (size_t i = 0; i < c->n; i++) {
        const double *row = c->money + 3 * i;
        const struct cxm_dd part = cxm_priv_dd_mul(cxm_priv_dd(row[1]), cxm_priv_dd(row[2]));
        sums[(int)row[0]] = cxm_priv_dd_add(sums[(int)row[0]], part);
    }
    for (int cell = 0; cell < MOST; cell++)
        total = cxm_priv_dd_add(total, sums[cell]);
    for (int cell = MOST - 1; cell >= 0; cell--) {
        if (c->customers[cell] == 0)
            continue;
        const struct cxm_estimate e = share_of(blank, c->customers[cell]);
        const size_t row = cxm_priv_report_add(r, "rfm", "share", "rfm/5", &e);
        set_keys(r, row, cell);
        cxm_priv_report_int(r, row, customers, c->customers[cell]);
        cxm_priv_report_real(r, row, money, sums[cell].hi);
        cxm_priv_report_real(r, row, money_share,
                             total.hi > 0 ? cxm_priv_dd_div(sums[cell], total).hi : NAN);
    }
}

enum cxm_status cxm_rfm(const struct cxm_column *idle, const struct cxm_column *orders,
                        const struct cxm_column *money, double level, struct cxm_report **out,
                        struct cxm_error *error)
{
    struct cxm_numbers in;
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    level = level == 0 ? 0.95 : level;
    enum cxm_status status = cxm_priv_check_level(level, error);
    if (status == CXM_OK)
        status = read_inputs(idle, orders, money, &in, error);
    if (status != CXM_OK)
        return status;
    struct cells cells = { .n = 0 };
    struct cxm_estimate blank = cxm_priv_blank_estimate(level, CXM_UNIT_SHARE,
                                                        CXM_BASE_CUSTOMERS);
    uint8_t *scores = cxm_priv_alloc(NULL, in.n, 3);
    cells.money = cxm_priv_alloc(NULL, in.n, 3 * sizeof *cells.money);
    status = scores == NULL || cells.money == NULL ? cxm_priv_no_memory(error)
                                                   : score_all(&in, scores, error);
    for (size_t i = 0; status == CXM_OK && i < in.n; i++) {
        const uint8_t *s = scores + 3 * i;
        if (s[0] == 0) {
            blank.missing++;
            continue;
        }
        const int cell = ((s[0] - 1) * SCORES + s[1] - 1) * SCORES + s[2] - 1;
        const double row[] = { cell, in.columns[2][i], 1 };
        cells.customers[cell]++;
        memcpy(cells.money + 3 * cells.n++, row, sizeof row);
        blank.n++;
    }
    cxm_priv_release(NULL, scores);
    cxm_priv_numbers_release(&in);
    if (status == CXM_OK) {
        struct cxm_report *r = cxm_priv_report_new(NULL);
        cxm_priv_report_key_column(r, "r", CXM_KEY_INT, 0);
        cxm_priv_report_key_column(r, "f", CXM_KEY_INT, 0);
        cxm_priv_report_key_column(r, "m", CXM_KEY_INT, 0);
        blank.sum_weight = blank.n_eff = (double)blank.n;
        if (blank.n < 30)
            blank.flags |= CXM_FLAG_SMALL_N;
        cells.n = cxm_priv_distinct_rows(cells.money, cells.n, 3);
        add_rows(&cells, &blank, r);
        status = cxm_priv_report_finish(r, out, error);
    }
    cxm_priv_release(NULL, cells.money);
    return status;
}
