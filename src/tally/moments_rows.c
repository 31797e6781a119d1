/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows that go to cells of moments straight from their columns: bytes of answers, doubles all there and of
 * one band, keys near each other. Codes, groups and numbers of a block need not be written and read
 * once more for each step of the way. A row that is anything else ends it, and the general road
 * (range.c) takes its block, says what is wrong with it and lays bands. */
#include "tally/moments_parts.h"

enum { BLOCKS_OFF = 16 };

/* Numbers that are all there, side by side. */
static bool are_plain(const struct cxm_column *c)
{
    return cxm_priv_is_bare(c) && c->type == CXM_F64 && c->stride == (int64_t)sizeof(double);
}

static bool are_answers(struct cxm_moments *m, const struct cxm_config *config,
                        const struct cxm_sources *sources)
{
    const struct cxm_column *answers = sources->slots[0];
    if (!config->rules->one_rating || answers == NULL || answers->validity != NULL
        || !are_plain(sources->weight) || !cxm_priv_rating_init(&m->rows.rating, config, answers))
        return false;
    cxm_priv_rating_codes(&m->rows.rating, config, m->rows.codes);
    return true;
}

void cxm_priv_moments_look(struct cxm_moments *m, const struct cxm_config *config,
                           const struct cxm_sources *sources)
{
    if (m->kernels.place_rows == NULL || m->keyed->n_slots == 0 || cxm_priv_sources_margins(sources))
        return;
    m->rows.numbers = m->weighted ? sources->weight : sources->slots[0];
    m->rows.fit = m->weighted ? are_answers(m, config, sources)
                              : config->rules->one_number && are_plain(m->rows.numbers);
}

/* ---- rows ----------------------------------------------------------------------------- */

/* Invalid answers have no cell. They are found once for all blocks: only other room would move them. */
static const struct cxm_row_cells *find_cells(struct cxm_moments *m, bool in_place)
{
    const struct cxm_keyed_key *key = &m->keyed->keys[0];
    struct cxm_row_cells *cells = &m->rows.cells;
    if (m->rows.room == m->places.room)
        return cells;
    cells->base = in_place ? (uint32_t)key->base : 0;
    cells->width = in_place ? key->width : m->keyed->n_slots;
    for (int i = 0; i < (m->weighted ? 256 : 1); i++) {
        const uint32_t code = m->weighted ? m->rows.codes[i] : 0;
        cells->of[i] = code <= m->bins ? code * m->places.room + 1 : CXM_NO_CELL;
        if (i < 16)
            cells->codes[i] = code <= m->bins && code < CXM_NO_CODE ? (uint8_t)code : CXM_NO_CODE;
    }
    m->rows.room = m->places.room;
    return cells;
}

/* Steps of n rows until one does not fit. */
static size_t add_steps(struct cxm_moments *m, struct cxm_table *groups, const struct cxm_row_cells *cells,
                        struct cxm_plain_rows rows, size_t n, struct cxm_ahead *ahead, bool *room)
{
    size_t done = 0;
    while (n - done >= CXM_MOMENT_ROWS && m->kernels.place_rows(&m->places, cells, &rows, m->q, m->at)) {
        const struct cxm_asking asking = cxm_priv_ahead_step(ahead);
        if (CXM_UNLIKELY(m->kernels.add_moments(m->cells, m->q, m->at, CXM_MOMENT_ROWS, asking))
            && !cxm_priv_moments_empty(m, groups, m->at, CXM_MOMENT_ROWS)) {
            *room = false;
            break;
        }
        rows.keys += CXM_MOMENT_ROWS * sizeof(uint32_t);
        if (rows.answers != NULL)
            rows.answers += CXM_MOMENT_ROWS;
        rows.numbers += CXM_MOMENT_ROWS * sizeof(double);
        done += CXM_MOMENT_ROWS;
    }
    return done;
}

static bool are_keys_in_place(const struct cxm_keyed *k)
{
    return k->n_keys == 1 && k->keys[0].loops.width == 4 && k->keys[0].column->stride == 4;
}

bool cxm_priv_moments_add_rows(struct cxm_moments *m, struct cxm_table *groups, int64_t first, int64_t last,
                               struct cxm_ahead *ahead, int64_t *done)
{
    *done = 0;
    if (!m->rows.fit || m->keyed->n_slots == 0 || m->n_bands == 0
        || (m->weighted && !cxm_priv_moments_weights(m)))
        return true;
    if (m->rows.blocks_off > 0) {
        m->rows.blocks_off--;
        return true;
    }
    const bool in_place = are_keys_in_place(m->keyed);
    const struct cxm_row_cells *cells = find_cells(m, in_place);
    bool room = true;
    for (int64_t row = first; row < last;) {
        const size_t n = last - row < CXM_BLOCK ? (size_t)(last - row) : CXM_BLOCK;
        uint32_t slots[CXM_BLOCK];
        uint8_t answers[CXM_BLOCK];
        if (!in_place && !cxm_priv_keyed_slots(m->keyed, row, n, slots))
            break;
        const struct cxm_plain_rows rows = {
            in_place ? cxm_priv_row_of(m->keyed->keys[0].column, row) : (const uint8_t *)slots,
            m->weighted ? cxm_priv_rating_bytes(&m->rows.rating, row, n, answers) : NULL,
            cxm_priv_row_of(m->rows.numbers, row),
        };
        const size_t added = add_steps(m, groups, cells, rows, n, ahead, &room);
        row += (int64_t)added;
        *done = row - first;
        if (added < n)
            break;
    }
    m->rows.blocks_off = *done < CXM_BLOCK ? BLOCKS_OFF : 0;
    return room;
}
