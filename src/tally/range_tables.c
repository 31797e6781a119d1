/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a block adds to the tables beside that of the groups: the key table, and the frame of the
 * margins. */
#include "tally/range.h"

enum cxm_status cxm_priv_range_values(struct cxm_range *r, int64_t first, const int64_t *freq,
                                      struct cxm_error *error)
{
    const uint32_t k = r->sources->n_keys;
    const struct cxm_scratch *s = r->scratch;
    struct cxm_table *values = &r->state->values;
    cxm_priv_read_key(&r->grouper, k, first, s->block.n);
    for (size_t i = 0; i < s->block.n; i++) {
        const int64_t copies = freq != NULL ? freq[i] : 1;
        if (!s->block.in_key_table[i] || copies == 0 || s->groups[i] == UINT32_MAX)
            continue;
        size_t used = 0;
        bool room = true;
        for (uint32_t key = 0; key <= k && room; key++)
            room = cxm_priv_encode_key(&r->grouper, key, i, &used);
        if (room && s->weighted) {
            struct cxm_span span = CXM_SPAN_EMPTY;
            cxm_priv_span_value(&span, s->weight[i]);
            const struct cxm_window windows[2] = {
                cxm_priv_window_for(span),
                cxm_priv_window_for(cxm_priv_span_product(span, span)),
            };
            room = cxm_priv_table_reserve(values, (size_t)values->dict.n + 1, windows);
        }
        const uint32_t at = room ? cxm_priv_table_add(values, r->grouper.key, used) : UINT32_MAX;
        if (at == UINT32_MAX)
            return cxm_priv_no_memory(error);
        int64_t *cell = cxm_priv_table_cell(values, at);
        cell[0] += copies;
        if (s->weighted) {
            const struct cxm_layout *l = &values->layout;
            cxm_priv_exact_add_double(cell + l->at[0], l->windows[0], s->weight[i], copies);
            cxm_priv_exact_add_product(cell + l->at[1], l->windows[1], s->weight[i],
                                       s->weight[i], copies);
        }
    }
    return CXM_OK;
}

enum cxm_status cxm_priv_range_numbers(struct cxm_range *r, uint32_t t, const int64_t *freq,
                                       struct cxm_error *error)
{
    const struct cxm_scratch *s = r->scratch;
    struct cxm_table *values = &r->state->values;
    for (size_t i = 0; i < s->block.n; i++) {
        const int64_t copies = freq != NULL ? freq[i] : 1;
        const uint16_t counter = s->block.table_counters[t][i];
        if (counter == CXM_NO_COUNTER || copies == 0 || s->groups[i] == UINT32_MAX)
            continue;
        size_t used = 0;
        bool room = true;
        for (uint32_t key = 0; key < r->sources->n_keys && room; key++)
            room = cxm_priv_encode_key(&r->grouper, key, i, &used);
        if (!room || !cxm_priv_reserve_key(&r->grouper, used + CXM_NUMBER_KEY_BYTES))
            return cxm_priv_no_memory(error);
        cxm_priv_put_number_key(r->grouper.key + used, s->block.table_values[t][i]);
        const uint32_t at = cxm_priv_table_add(values, r->grouper.key,
                                               used + CXM_NUMBER_KEY_BYTES);
        if (at == UINT32_MAX)
            return cxm_priv_no_memory(error);
        cxm_priv_table_cell(values, at)[counter] += copies;
    }
    return CXM_OK;
}

enum cxm_status cxm_priv_range_frame(struct cxm_range *r, const int64_t *freq, struct cxm_error *error)
{
    const struct cxm_scratch *s = r->scratch;
    struct cxm_table *frame = &r->state->frame;
    for (size_t i = 0; i < s->block.n; i++) {
        const int64_t copies = freq != NULL ? freq[i] : 1;
        const double w = s->weighted && s->weight_state[i] == CXM_ROW_USED && s->weight[i] > 0
                           ? s->weight[i]
                           : 0;
        if (copies == 0 || s->groups[i] == UINT32_MAX)
            continue;
        struct cxm_span span = CXM_SPAN_EMPTY;
        cxm_priv_span_value(&span, w <= 1e100 ? w : 0);
        const struct cxm_window windows[2] = {
            cxm_priv_window_for(span), cxm_priv_window_for(cxm_priv_span_product(span, span)),
        };
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(&r->state->groups.dict, s->groups[i], &n);
        const bool room = cxm_priv_table_reserve(frame, (size_t)frame->dict.n + 1,
                                                 s->weighted ? windows : NULL);
        const uint32_t at = room ? cxm_priv_table_add(frame, key, n) : UINT32_MAX;
        if (at == UINT32_MAX)
            return cxm_priv_no_memory(error);
        int64_t *cell = cxm_priv_table_cell(frame, at);
        cell[0] += copies;
        if (s->weighted && w > 0 && w <= 1e100) {
            const struct cxm_layout *l = &frame->layout;
            cxm_priv_exact_add_double(cell + l->at[0], l->windows[0], w, copies);
            cxm_priv_exact_add_product(cell + l->at[1], l->windows[1], w, w, copies);
        }
    }
    return CXM_OK;
}
