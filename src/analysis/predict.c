/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What BG/NBD and Gamma-Gamma say of every customer: a number a row, in the order of the rows.
 * Outputs are written only when everything was read. */
#include "analysis/numbers.h"
#include "estimate/lifetime.h"

#include <cxm/lifetime.h>

#include <math.h>

enum { MOST_PERIODS = 10000 };

static enum cxm_status check_parameters(const double *parameters, int n, const char *name,
                                        struct cxm_error *error)
{
    for (int i = 0; parameters != NULL && i < n; i++) {
        if (!(parameters[i] > 0 && parameters[i] < 1e15))
            return cxm_priv_fail(error, CXM_EINVAL, name,
                                 "%s: parameter %d must be above 0 and finite", name, i);
    }
    if (parameters == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, name, "%s are missing", name);
    return CXM_OK;
}

static bool has_history(const struct cxm_numbers *in, size_t i)
{
    const double x = in->columns[0][i], recency = in->columns[1][i], age = in->columns[2][i];
    return recency <= age && !isnan(x) && (x == 0) == (recency == 0);
}

enum cxm_status cxm_bg_nbd_predict(const double parameters[4], const struct cxm_column *frequency,
                                   const struct cxm_column *recency,
                                   const struct cxm_column *age, double horizon, double *alive,
                                   double *expected, struct cxm_error *error)
{
    struct cxm_numbers in;
    enum cxm_status status = check_parameters(parameters, 4, "parameters", error);
    if (status == CXM_OK && !(horizon >= 0 && horizon <= 1e12))
        status = cxm_priv_fail(error, CXM_EINVAL, "horizon", "horizon must be 0 or more");
    if (status != CXM_OK)
        return status;
    const struct cxm_number_input inputs[] = {
        { "frequency", frequency, false, 0, 1e9, true },
        { "recency", recency, false, 0, 1e12, false },
        { "age", age, false, 0, 1e12, false },
    };
    status = cxm_priv_numbers_read(inputs, CXM_COUNT(inputs), NULL, &in, error);
    if (status != CXM_OK)
        return status;
    const struct cxm_bg_nbd m = { parameters[0], parameters[1], parameters[2], parameters[3] };
    for (size_t i = 0; i < in.n; i++) {
        const double x = in.columns[0][i], last = in.columns[1][i], end = in.columns[2][i];
        const bool known = has_history(&in, i);
        if (alive != NULL)
            alive[i] = known ? cxm_priv_bg_nbd_alive(&m, x, last, end) : NAN;
        if (expected != NULL)
            expected[i] = known ? cxm_priv_bg_nbd_conditional(&m, horizon, x, last, end) : NAN;
    }
    cxm_priv_numbers_release(&in);
    return CXM_OK;
}

enum cxm_status cxm_gamma_gamma_predict(const double parameters[3],
                                        const struct cxm_column *frequency,
                                        const struct cxm_column *value, double *expected,
                                        struct cxm_error *error)
{
    struct cxm_numbers in;
    enum cxm_status status = check_parameters(parameters, 3, "parameters", error);
    if (status == CXM_OK && expected == NULL)
        status = cxm_priv_fail(error, CXM_EINVAL, "expected", "expected is NULL");
    if (status != CXM_OK)
        return status;
    const struct cxm_number_input inputs[] = {
        { "frequency", frequency, false, 0, 1e9, true },
        { "value", value, false, -1e15, 1e15, false },
    };
    status = cxm_priv_numbers_read(inputs, CXM_COUNT(inputs), NULL, &in, error);
    if (status != CXM_OK)
        return status;
    const struct cxm_gamma_gamma m = { parameters[0], parameters[1], parameters[2] };
    for (size_t i = 0; i < in.n; i++) {
        const double x = in.columns[0][i], mean = in.columns[1][i];
        const bool known = x == 0 || mean > 0;
        expected[i] = known ? cxm_priv_gamma_gamma_expected(&m, x, mean) : NAN;
    }
    cxm_priv_numbers_release(&in);
    return CXM_OK;
}

static double worth(const struct cxm_bg_nbd *orders, const struct cxm_gamma_gamma *spending,
                    const struct cxm_numbers *in, size_t row, int32_t periods, double period,
                    double discount)
{
    const double x = in->columns[0][row], last = in->columns[1][row], end = in->columns[2][row];
    double sum = 0, before = 0, factor = 1;
    for (int32_t i = 1; i <= periods; i++) {
        const double until = cxm_priv_bg_nbd_conditional(orders, i * period, x, last, end);
        factor /= 1 + discount;
        sum += (until - before) * factor;
        before = until;
    }
    return sum * cxm_priv_gamma_gamma_expected(spending, x, in->columns[3][row]);
}

enum cxm_status cxm_customer_lifetime_value(const double orders[4], const double spending[3],
                                            const struct cxm_column *frequency,
                                            const struct cxm_column *recency,
                                            const struct cxm_column *age,
                                            const struct cxm_column *value, int32_t periods,
                                            double period, double discount, double *out,
                                            struct cxm_error *error)
{
    struct cxm_numbers in;
    enum cxm_status status = check_parameters(orders, 4, "orders", error);
    if (status == CXM_OK)
        status = check_parameters(spending, 3, "spending", error);
    if (status == CXM_OK && out == NULL)
        status = cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    if (status == CXM_OK && !(periods >= 1 && periods <= MOST_PERIODS && period > 0
                              && period <= 1e9 && discount > -1 && discount <= 1e6))
        status = cxm_priv_fail(error, CXM_EINVAL, "periods",
                               "periods must be 1 to %d of a length above 0, discount above -1",
                               MOST_PERIODS);
    if (status != CXM_OK)
        return status;
    const struct cxm_number_input inputs[] = {
        { "frequency", frequency, false, 0, 1e9, true },
        { "recency", recency, false, 0, 1e12, false },
        { "age", age, false, 0, 1e12, false },
        { "value", value, false, -1e15, 1e15, false },
    };
    status = cxm_priv_numbers_read(inputs, CXM_COUNT(inputs), NULL, &in, error);
    if (status != CXM_OK)
        return status;
    const struct cxm_bg_nbd m = { orders[0], orders[1], orders[2], orders[3] };
    const struct cxm_gamma_gamma g = { spending[0], spending[1], spending[2] };
    for (size_t i = 0; i < in.n; i++) {
        const bool known = has_history(&in, i)
                        && (in.columns[0][i] == 0 || in.columns[3][i] > 0);
        out[i] = known ? worth(&m, &g, &in, i, periods, period, discount) : NAN;
    }
    cxm_priv_numbers_release(&in);
    return CXM_OK;
}
