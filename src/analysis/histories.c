/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Histories of customers for callers: options checked, the list copied out. */
#include "analysis/numbers.h"
#include "derive/history.h"

enum cxm_status cxm_customer_histories(const struct cxm_column *customer,
                                       const struct cxm_column *time,
                                       const struct cxm_history_options *options,
                                       struct cxm_history *out, size_t element_bytes,
                                       size_t capacity, size_t *n_out,
                                       struct cxm_history_base *base, struct cxm_error *error)
{
    struct cxm_history_options o;
    struct cxm_histories histories;
    if ((out == NULL && capacity > 0) || (n_out == NULL && capacity == 0))
        return cxm_priv_fail(error, CXM_EINVAL, "out", "out or n_out is NULL");
    if (capacity > 0 && element_bytes != sizeof *out)
        return cxm_priv_fail(error, CXM_EINVAL, "element_bytes",
                             "element_bytes must be sizeof(struct cxm_history)");
    enum cxm_status status = cxm_priv_read_options(options, &o, sizeof o, "cxm_history_options",
                                                   error);
    if (status == CXM_OK && o.unit == 0)
        o.unit = 604800;
    if (status == CXM_OK && !(o.unit > 0 && o.unit < 1e12))
        status = cxm_priv_fail(error, CXM_EINVAL, "unit", "unit must be seconds, above 0");
    if (status != CXM_OK)
        return status;
    status = cxm_priv_histories(customer, time, &o, NULL, &histories, error);
    if (status == CXM_OK && capacity > 0 && capacity < histories.n)
        status = cxm_priv_fail(error, CXM_EINVAL, "capacity", "there are %zu customers",
                               histories.n);
    if (status == CXM_OK) {
        if (capacity > 0 && histories.n > 0)
            memcpy(out, histories.list, histories.n * sizeof *out);
        if (n_out != NULL)
            *n_out = histories.n;
        if (base != NULL)
            *base = histories.base;
    }
    cxm_priv_histories_release(&histories);
    return status;
}
