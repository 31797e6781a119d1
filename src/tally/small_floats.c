/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pairs of floats that become tiles of nibbles as they are, all columns side by side, a tile's rows at a
 * time: processors then read ahead in all of them while the rows are dealt out, which they do not where a
 * column is read for a whole block at a time. A tile with anything else, NaN above all, ends the block
 * before it, and what follows is read column by column for a while. */
#include "tally/small_parts.h"

static bool is_plain_pair(const struct cxm_small *s, const struct cxm_small_unit *unit)
{
    bool plain = unit->n_forms == 2;
    for (uint32_t k = 0; k < 2 && plain; k++) {
        const uint32_t slot = unit->forms[k].slots[0];
        const struct cxm_column *c = s->sources->slots[slot];
        plain = unit->forms[k].plain && c->type == CXM_F32 && c->stride == (int64_t)sizeof(float)
             && cxm_priv_is_bare(c) && s->scales[slot].base == 0;
    }
    return plain;
}

void cxm_priv_small_plan_floats(struct cxm_small *s)
{
    struct cxm_small_stripe *stripe = &s->stripes[0];
    const struct cxm_small_scale *all = NULL;
    uint8_t n_pairs = 0;
    bool fit = s->kernels.floats != NULL && (s->by_key || s->sources->n_keys == 0);
    for (uint32_t u = 0; u < s->config->n_units && fit; u++) {
        const struct cxm_small_unit *unit = &s->units[u];
        if (unit->balance)
            continue;
        fit = is_plain_pair(s, unit);
        n_pairs++;
        for (uint32_t k = 0; k < 2 && fit; k++) {
            const struct cxm_small_scale *scale = &s->scales[unit->forms[k].slots[0]];
            all = all != NULL ? all : scale;
            fit = scale->lowest == all->lowest && scale->highest == all->highest;
        }
    }
    if (!fit || all == NULL)
        return;
    stripe->n_pairs = n_pairs;
    stripe->least = (uint8_t)all->lowest;
    stripe->most = (uint8_t)(all->highest - all->lowest);
}

bool cxm_priv_small_take_floats(struct cxm_small *s, int64_t first, size_t n)
{
    const bool alone = s->by_key || s->sources->n_keys == 0;
    s->of_floats = s->stripes[0].n_pairs > 0 && alone && n % CXM_TILE == 0 && first >= s->other_until;
    for (uint32_t u = 0; u < s->config->n_units && s->of_floats; u++) {
        const struct cxm_small_unit *unit = &s->units[u];
        for (uint32_t k = 0; k < 2 && !unit->balance; k++) {
            const struct cxm_column *c = s->sources->slots[unit->forms[k].slots[0]];
            s->floats[unit->lane + k] = (const unsigned char *)c->data + (c->offset + first) * c->stride;
        }
    }
    return s->of_floats;
}
