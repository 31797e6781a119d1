/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lists of customers to flags: who was there before, who after. One dictionary look-up an id. */
#include "column/read.h"
#include "column/dict.h"

#include <cxm/retention.h>

enum { BLOCK = 1024, WORD_BYTES = 8 };

struct matcher {
    const struct cxm_allocator *allocator;
    struct cxm_dict customers;
    uint8_t *seen;       /* by customer: bit 0 before, bit 1 after */
    size_t seen_capacity;
    int64_t n_missing;
    uint64_t *words;
    struct cxm_text *texts;
    uint8_t *states;
};

static bool remember(struct matcher *m, const void *key, size_t n, uint8_t bit)
{
    const uint32_t at = cxm_priv_dict_add(&m->customers, key, n);
    if (at == UINT32_MAX)
        return false;
    if (at >= m->seen_capacity) {
        const size_t capacity = m->seen_capacity + m->seen_capacity / 2 + BLOCK;
        uint8_t *grown = cxm_priv_grow(m->allocator, m->seen, m->seen_capacity, capacity, 1);
        if (grown == NULL)
            return false;
        memset(grown + m->seen_capacity, 0, capacity - m->seen_capacity);
        m->seen = grown;
        m->seen_capacity = capacity;
    }
    m->seen[at] |= bit;
    return true;
}

static bool read_list(struct matcher *m, const struct cxm_column *column,
                      const struct cxm_key_plan *plan, uint8_t bit)
{
    struct cxm_reader reader;
    cxm_priv_reader_init(&reader, column);
    for (int64_t first = 0; first < column->n; first += BLOCK) {
        const size_t n = column->n - first < BLOCK ? (size_t)(column->n - first) : BLOCK;
        if (plan->words)
            cxm_priv_read_key_words(&reader, plan, first, n, m->words, m->states);
        else
            cxm_priv_read_key_text(&reader, first, n, m->texts, m->states);
        for (size_t i = 0; i < n; i++) {
            uint8_t word[WORD_BYTES];
            bool room = true;
            if (m->states[i] != CXM_ROW_USED) {
                m->n_missing++;
            } else if (plan->words) {
                cxm_priv_put_u64(word, m->words[i]);
                room = remember(m, word, sizeof word, bit);
            } else {
                room = remember(m, m->texts[i].bytes, m->texts[i].n, bit);
            }
            if (!room)
                return false;
        }
    }
    return true;
}

static enum cxm_status plan_lists(const struct cxm_column *before,
                                  const struct cxm_column *after, struct cxm_key_plan plans[2],
                                  struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_column_fits(before, CXM_ROLE_KEY, "customers_before",
                                                  error);
    if (status == CXM_OK)
        status = cxm_priv_column_fits(after, CXM_ROLE_KEY, "customers_after", error);
    if (status == CXM_OK)
        status = cxm_priv_key_plan(before, &plans[0], error);
    if (status == CXM_OK)
        status = cxm_priv_key_plan(after, &plans[1], error);
    if (status != CXM_OK)
        return status;
    if (plans[0].info.type == CXM_KEY_CATEGORY || plans[1].info.type == CXM_KEY_CATEGORY)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, "customers_before",
                             "customers as ordered categories cannot be matched; pass the ids "
                             "as text or numbers");
    /* A list without any id has no kind of its own: everybody came, or everybody left. */
    const bool either = before->n == 0 || after->n == 0 || before->type == CXM_NULL
                     || after->type == CXM_NULL;
    if (!either && plans[0].info.type != plans[1].info.type)
        return cxm_priv_fail(error, CXM_EINVAL, "customers_after",
                             "the ids before and after are of different kinds");
    return CXM_OK;
}

enum cxm_status cxm_match_customers(const struct cxm_column *before,
                                    const struct cxm_column *after, uint8_t *active_before,
                                    uint8_t *active_after, size_t capacity, size_t *n_out,
                                    const struct cxm_allocator *allocator,
                                    struct cxm_error *error)
{
    struct cxm_key_plan plans[2];
    if (before == NULL || after == NULL || n_out == NULL
        || (capacity > 0 && (active_before == NULL || active_after == NULL)))
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "a column or an output is NULL");
    enum cxm_status status = plan_lists(before, after, plans, error);
    if (status != CXM_OK)
        return status;
    struct matcher m = { .allocator = cxm_priv_allocator(allocator) };
    cxm_priv_dict_init(&m.customers, m.allocator);
    m.words = cxm_priv_alloc(m.allocator, BLOCK, sizeof *m.words);
    m.texts = cxm_priv_alloc(m.allocator, BLOCK, sizeof *m.texts);
    m.states = cxm_priv_alloc(m.allocator, BLOCK, 1);
    if (m.words == NULL || m.texts == NULL || m.states == NULL
        || !read_list(&m, before, &plans[0], 1) || !read_list(&m, after, &plans[1], 2))
        status = cxm_priv_no_memory(error);
    const size_t n = m.customers.n + (size_t)m.n_missing;
    if (status == CXM_OK && capacity > 0 && capacity < n)
        status = cxm_priv_fail(error, CXM_EINVAL, "capacity", "there are %zu customers", n);
    for (size_t i = 0; status == CXM_OK && capacity > 0 && i < n; i++) {
        const bool known = i < m.customers.n;
        active_before[i] = known ? m.seen[i] & 1 : 2;
        active_after[i] = known ? m.seen[i] >> 1 : 2;
    }
    if (status == CXM_OK)
        *n_out = n;
    cxm_priv_dict_release(&m.customers);
    cxm_priv_release(m.allocator, m.seen);
    cxm_priv_release(m.allocator, m.words);
    cxm_priv_release(m.allocator, m.texts);
    cxm_priv_release(m.allocator, m.states);
    return status;
}
