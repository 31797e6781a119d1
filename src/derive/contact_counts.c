/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Contacts as they stand in a log, one a row, to contacts of every active customer of a list: those
 * without any have 0, which the mean must not forget. One dictionary look-up an id. */
#include "column/dict.h"
#include "column/read.h"

#include <cxm/service.h>

enum { BLOCK = 1024, WORD_BYTES = 8 };

struct counter {
    struct cxm_dict customers;
    struct cxm_key_plan plan;
    uint64_t words[BLOCK];
    struct cxm_text texts[BLOCK];
    uint8_t states[BLOCK];
    uint8_t word[WORD_BYTES];
};

static void read_block(struct counter *c, struct cxm_reader *reader, int64_t first, size_t n)
{
    if (c->plan.words)
        cxm_priv_read_key_words(reader, &c->plan, first, n, c->words, c->states);
    else
        cxm_priv_read_key_text(reader, first, n, c->texts, c->states);
}

static const uint8_t *key_of(struct counter *c, size_t i, size_t *n)
{
    if (!c->plan.words) {
        *n = c->texts[i].n;
        return (const uint8_t *)c->texts[i].bytes;
    }
    cxm_priv_put_u64(c->word, c->words[i]);
    *n = sizeof c->word;
    return c->word;
}

static size_t block_size(const struct cxm_column *column, int64_t first)
{
    return column->n - first < BLOCK ? (size_t)(column->n - first) : BLOCK;
}

/* The list: place[k] is the row of the k-th distinct customer. */
static enum cxm_status list_customers(struct counter *c, const struct cxm_column *active,
                                      int64_t *contacts, int64_t *place,
                                      struct cxm_error *error)
{
    struct cxm_reader reader;
    cxm_priv_reader_init(&reader, active);
    for (int64_t first = 0; first < active->n; first += BLOCK) {
        const size_t n = block_size(active, first);
        read_block(c, &reader, first, n);
        for (size_t i = 0; i < n; i++) {
            const int64_t row = first + (int64_t)i;
            size_t bytes;
            contacts[row] = c->states[i] == CXM_ROW_USED ? 0 : INT64_MIN;
            if (c->states[i] != CXM_ROW_USED)
                continue;
            const uint8_t *key = key_of(c, i, &bytes);
            const size_t known = c->customers.n;
            const uint32_t at = cxm_priv_dict_add(&c->customers, key, bytes);
            if (at == UINT32_MAX)
                return cxm_priv_no_memory(error);
            if (c->customers.n == known) {
                char text[64];
                cxm_priv_value_text(active, row, text, sizeof text);
                return cxm_priv_fail_at(error, CXM_EDATA, "active", row, text,
                                        "active: row %lld is %s, who is listed before; list every "
                                        "active customer once", (long long)row, text);
            }
            place[at] = row;
        }
    }
    return CXM_OK;
}

static void count_contacts(struct counter *c, const struct cxm_column *customer,
                           const int64_t *place, int64_t *contacts, int64_t *unlinked)
{
    struct cxm_reader reader;
    cxm_priv_reader_init(&reader, customer);
    for (int64_t first = 0; first < customer->n; first += BLOCK) {
        const size_t n = block_size(customer, first);
        read_block(c, &reader, first, n);
        for (size_t i = 0; i < n; i++) {
            size_t bytes;
            uint32_t at = UINT32_MAX;
            if (c->states[i] == CXM_ROW_USED) {
                const uint8_t *key = key_of(c, i, &bytes);
                at = cxm_priv_dict_find(&c->customers, key, bytes);
            }
            if (at == UINT32_MAX)
                ++*unlinked;
            else
                contacts[place[at]]++;
        }
    }
}

static enum cxm_status plan_keys(const struct cxm_column *customer,
                                 const struct cxm_column *active, struct cxm_key_plan plans[2],
                                 struct cxm_error *error)
{
    const struct cxm_column *const columns[] = { active, customer };
    static const char *const names[] = { "active", "customer" };
    for (int i = 0; i < 2; i++) {
        enum cxm_status status = cxm_priv_column_fits(columns[i], CXM_ROLE_KEY, names[i], error);
        if (status == CXM_OK)
            status = cxm_priv_key_plan(columns[i], &plans[i], error);
        if (status == CXM_OK && plans[i].info.type == CXM_KEY_CATEGORY)
            status = cxm_priv_fail(error, CXM_EUNSUPPORTED, names[i],
                                   "customers as ordered categories cannot be matched; pass the "
                                   "ids as text or numbers");
        if (status != CXM_OK)
            return status;
    }
    const bool either = customer->n == 0 || active->n == 0 || customer->type == CXM_NULL
                     || active->type == CXM_NULL;
    if (!either && plans[0].info.type != plans[1].info.type)
        return cxm_priv_fail(error, CXM_EINVAL, "customer",
                             "the ids of contacts and of active customers are of different kinds");
    return CXM_OK;
}

enum cxm_status cxm_contact_counts(const struct cxm_column *customer,
                                   const struct cxm_column *active, int64_t *contacts,
                                   int64_t *unlinked, const struct cxm_allocator *allocator,
                                   struct cxm_error *error)
{
    struct cxm_key_plan plans[2];
    int64_t nobody = 0;
    if (customer == NULL || active == NULL || contacts == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "customer, active or contacts is NULL");
    enum cxm_status status = plan_keys(customer, active, plans, error);
    if (status != CXM_OK)
        return status;
    allocator = cxm_priv_allocator(allocator);
    struct counter *c = cxm_priv_alloc(allocator, 1, sizeof *c);
    int64_t *place = cxm_priv_alloc(allocator, (size_t)active->n, sizeof *place);
    if (c == NULL || place == NULL) {
        cxm_priv_release(allocator, c);
        cxm_priv_release(allocator, place);
        return cxm_priv_no_memory(error);
    }
    cxm_priv_dict_init(&c->customers, allocator);
    c->plan = plans[0];
    status = list_customers(c, active, contacts, place, error);
    if (status == CXM_OK) {
        c->plan = plans[1];
        count_contacts(c, customer, place, contacts, &nobody);
        if (unlinked != NULL)
            *unlinked = nobody;
    }
    cxm_priv_dict_release(&c->customers);
    cxm_priv_release(allocator, c);
    cxm_priv_release(allocator, place);
    return status;
}
