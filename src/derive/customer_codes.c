/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Customers as numbers: the codes of all keys together, where a missing key is one like others,
 * and then the rows whose customer is missing. */
#include "derive/customer_codes.h"

enum { BLOCK = 1024 };

struct block {
    uint64_t words[BLOCK];
    struct cxm_text texts[BLOCK];
    uint8_t states[BLOCK];
};

static enum cxm_status mark_missing(const struct cxm_column *customer, uint32_t *codes,
                                    const struct cxm_allocator *allocator,
                                    struct cxm_error *error)
{
    struct cxm_key_plan plan;
    struct cxm_reader reader;
    const enum cxm_status status = cxm_priv_key_plan(customer, &plan, error);
    if (status != CXM_OK)
        return status;
    struct block *b = cxm_priv_alloc(allocator, 1, sizeof *b);
    if (b == NULL)
        return cxm_priv_no_memory(error);
    cxm_priv_reader_init(&reader, customer);
    for (int64_t first = 0; first < customer->n; first += BLOCK) {
        const int64_t left = customer->n - first;
        const size_t n = left < BLOCK ? (size_t)left : BLOCK;
        if (plan.words)
            cxm_priv_read_key_words(&reader, &plan, first, n, b->words, b->states);
        else
            cxm_priv_read_key_text(&reader, first, n, b->texts, b->states);
        for (size_t i = 0; i < n; i++) {
            if (b->states[i] != CXM_ROW_USED)
                codes[first + (int64_t)i] = CXM_CODE_MISSING;
        }
    }
    cxm_priv_release(allocator, b);
    return CXM_OK;
}

enum cxm_status cxm_priv_customer_codes(const struct cxm_column *customer,
                                        const struct cxm_column *by, size_t n_by,
                                        const struct cxm_column *extra, bool count_invalid,
                                        const struct cxm_allocator *allocator,
                                        struct cxm_codes *out, struct cxm_error *error)
{
    const struct cxm_column *columns[CXM_MOST_BY + 2];
    if (n_by > CXM_MOST_BY)
        return cxm_priv_fail(error, CXM_EINVAL, "by", "at most %d keys", CXM_MOST_BY);
    size_t n = 0;
    columns[n++] = customer;
    enum cxm_status status = cxm_priv_column_fits(customer, CXM_ROLE_KEY, "customer", error);
    for (size_t k = 0; k < n_by && status == CXM_OK; k++) {
        columns[n++] = &by[k];
        status = cxm_priv_column_fits(&by[k], CXM_ROLE_KEY, "by", error);
    }
    if (extra != NULL && status == CXM_OK) {
        columns[n++] = extra;
        status = cxm_priv_column_fits(extra, CXM_ROLE_KEY, "order", error);
    }
    if (status == CXM_OK)
        status = cxm_priv_code_keys(columns, n, "customer", count_invalid, allocator, out, error);
    if (status != CXM_OK || n == 1)
        return status;
    status = mark_missing(customer, out->codes, allocator, error);
    if (status != CXM_OK)
        cxm_priv_codes_release(out);
    return status;
}
