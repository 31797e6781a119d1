/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows whose columns come in chunks (Arrow: ten or a thousand batches) or with masks of a byte a row
 * (NumPy) are cut where a chunk of any column ends. In between every column is plain memory, so that
 * the short cuts for plain columns take it; masks become bitmaps on the way. The states of the
 * pieces are merged, which gives the same bytes as adding all rows at once (tally.h), and chunks of
 * different columns need not end together.
 *
 * It pays where pieces are long and have few groups each: merging costs as much as a few rows a
 * group. Otherwise, and where a row is wrong, the general road reads across chunks and masks.
 * Memory: 240 bytes a column, half a megabyte a masked one, and the state of one more piece. */
#include "tally/pieces.h"

enum { SHORT_PIECE = 1 << 16, LONG_PIECE = 1 << 22, ROWS_A_GROUP = 8 };

/* One column: where its next piece starts. */
struct place {
    const struct cxm_column *whole, *part; /* part: the chunk, or the column itself */
    int64_t row;                           /* of the part */
    struct cxm_column piece;
    uint8_t *bits;                         /* LONG_PIECE of them, if some part has a mask */
};

struct pieces {
    struct place *places;
    size_t n;
    struct cxm_sources sources; /* of the piece */
};

static int64_t n_parts(const struct cxm_column *column)
{
    return column->n_chunks > 0 ? column->n_chunks : 1;
}

static bool has_mask(const struct cxm_column *column)
{
    const struct cxm_column *const parts = column->n_chunks > 0 ? column->chunks : column;
    bool any = false;
    for (int64_t i = 0; i < n_parts(column); i++)
        any = any || parts[i].mask != NULL;
    return any;
}

/* ---- the columns of a call ------------------------------------------------------------ */

/* Every column of the sources, one after another, NULL where there is none. */
static const struct cxm_column **column_at(struct cxm_sources *sources, uint32_t n_slots, size_t i)
{
    if (i < n_slots)
        return &sources->slots[i];
    i -= n_slots;
    if (i < sources->n_keys)
        return &sources->keys[i];
    i -= sources->n_keys;
    return i == 0 ? &sources->weight : i == 1 ? &sources->freq : i == 2 ? &sources->value : NULL;
}

static bool pays(const struct cxm_config *config, const struct cxm_sources *sources)
{
    struct cxm_sources all = *sources;
    const struct cxm_column **column;
    int64_t cuts = 0;
    bool needed = false;
    for (size_t i = 0; (column = column_at(&all, config->n_slots, i)) != NULL; i++) {
        if (*column == NULL)
            continue;
        needed = needed || (*column)->n_chunks > 0 || has_mask(*column);
        cuts += n_parts(*column) - 1;
    }
    return needed && cuts < INT64_MAX / SHORT_PIECE && sources->n / SHORT_PIECE > cuts;
}

static void pieces_release(struct pieces *p, const struct cxm_allocator *allocator)
{
    for (size_t i = 0; p->places != NULL && i < p->n; i++)
        cxm_priv_release(allocator, p->places[i].bits);
    cxm_priv_release(allocator, p->places);
    cxm_priv_release(allocator, (void *)p->sources.slots);
}

static bool pieces_init(struct pieces *p, const struct cxm_config *config,
                        const struct cxm_sources *sources)
{
    const struct cxm_allocator *allocator = config->allocator;
    const struct cxm_column **column;
    p->sources = *sources;
    p->n = 0;
    while (column_at(&p->sources, config->n_slots, p->n) != NULL)
        p->n++;
    p->places = cxm_priv_alloc_zero(allocator, p->n, sizeof *p->places);
    p->sources.slots = cxm_priv_alloc(allocator, config->n_slots, sizeof *p->sources.slots);
    bool room = p->places != NULL && p->sources.slots != NULL;
    if (room)
        memcpy(p->sources.slots, sources->slots, config->n_slots * sizeof *p->sources.slots);
    for (size_t i = 0; room && i < p->n; i++) {
        struct place *place = &p->places[i];
        column = column_at(&p->sources, config->n_slots, i);
        if (*column == NULL)
            continue;
        place->whole = *column;
        place->part = place->whole->n_chunks > 0 ? place->whole->chunks : place->whole;
        *column = &place->piece;
        if (has_mask(place->whole)) {
            place->bits = cxm_priv_alloc(allocator, LONG_PIECE / 8, 1);
            room = place->bits != NULL;
        }
    }
    if (!room)
        pieces_release(p, allocator);
    return room;
}

/* ---- one piece ------------------------------------------------------------------------ */

/* Bits of present rows from mask and bitmap of `piece`, at most LONG_PIECE. */
static void make_bits(const struct cxm_column *piece, uint8_t *bits)
{
    const bool in = (piece->flags & CXM_COLUMN_MASKED_IN) != 0;
    const uint64_t low = 0x7F7F7F7F7F7F7F7Fu;
    for (int64_t i = 0; i < piece->n; i += 8) {
        const int64_t n = piece->n - i < 8 ? piece->n - i : 8;
        const uint8_t *mask = piece->mask + i * piece->mask_stride;
        uint64_t word = 0;
        if (n == 8 && piece->mask_stride == 1) {
            word = cxm_priv_get_u64(mask);
        } else {
            for (int64_t k = 0; k < n; k++)
                word |= (uint64_t)mask[k * piece->mask_stride] << 8 * k;
        }
        /* The top bit of a byte says whether it is 0 or not; the product gathers them in order. */
        const uint64_t set = ((((word & low) + low) | word) & ~low) >> 7;
        const uint8_t marked = (uint8_t)(set * 0x0102040810204080u >> 56);
        uint8_t present = in ? marked : (uint8_t)~marked;
        for (int64_t k = 0; piece->validity != NULL && k < n; k++) {
            const int64_t bit = piece->validity_offset + i + k;
            if ((piece->validity[bit / 8] >> bit % 8 & 1) == 0)
                present &= (uint8_t)~(1u << k);
        }
        bits[i / 8] = present;
    }
}

/* `n` rows from the place on, as a column of its own: the values are those of the part, what they
 * mean is said by the whole. */
static void make_piece(struct place *place, int64_t n)
{
    const struct cxm_column *whole = place->whole, *part = place->part;
    struct cxm_column *piece = &place->piece;
    *piece = *part;
    piece->name = whole->name;
    piece->n = n;
    piece->offset = part->offset + place->row;
    piece->validity_offset = part->validity_offset + place->row;
    piece->flags = (whole->flags & ~(uint32_t)CXM_COLUMN_MASKED_IN)
                 | (part->flags & CXM_COLUMN_MASKED_IN);
    piece->chunks = NULL;
    piece->n_chunks = 0;
    piece->time_unit = whole->time_unit;
    piece->calendar = whole->calendar;
    piece->utc_offset = whole->utc_offset;
    piece->zone = whole->zone;
    piece->n_zone = whole->n_zone;
    piece->sentinel = whole->sentinel;
    piece->missing_codes = whole->missing_codes;
    piece->n_missing_codes = whole->n_missing_codes;
    piece->labels = whole->labels;
    piece->n_labels = whole->n_labels;
    if (part->mask == NULL)
        return;
    piece->mask = part->mask + place->row * part->mask_stride;
    make_bits(piece, place->bits);
    piece->mask = NULL;
    piece->validity = place->bits;
    piece->validity_offset = 0;
}

/* Moves on to the next rows that are left, and takes as many as all columns have in one part. */
static int64_t next_piece(struct pieces *p, int64_t left)
{
    int64_t n = left;
    for (size_t i = 0; i < p->n; i++) {
        struct place *place = &p->places[i];
        if (place->whole == NULL)
            continue;
        while (place->row == place->part->n && left > 0) {
            place->part++;
            place->row = 0;
        }
        const int64_t rest = place->part->n - place->row;
        n = rest < n ? rest : n;
        n = place->part->mask != NULL && n > LONG_PIECE ? LONG_PIECE : n;
    }
    for (size_t i = 0; i < p->n; i++) {
        if (p->places[i].whole == NULL)
            continue;
        make_piece(&p->places[i], n);
        p->places[i].row += n;
    }
    p->sources.n = n;
    return n;
}

/* ---- all pieces ----------------------------------------------------------------------- */

static enum cxm_status add_each(struct pieces *p, const struct cxm_config *config, int64_t rows,
                                int32_t threads, cxm_add_rows *add, struct cxm_state *out,
                                bool *done, struct cxm_error *error)
{
    int64_t left = rows, merged = 0; /* groups that were walked over for merging */
    left -= next_piece(p, left);
    enum cxm_status status = add(config, &p->sources, threads, out, error);
    if (status != CXM_OK)
        return status;
    while (left > 0 && status == CXM_OK) {
        struct cxm_state piece;
        merged += (int64_t)out->groups.dict.n + (int64_t)out->values.dict.n;
        if (rows - left >= SHORT_PIECE && merged > (rows - left) / ROWS_A_GROUP)
            break;
        left -= next_piece(p, left);
        status = add(config, &p->sources, threads, &piece, error);
        if (status == CXM_OK) {
            status = cxm_priv_state_merge(out, &piece, error);
            cxm_priv_state_release(&piece);
        }
    }
    *done = status == CXM_OK && left == 0;
    if (!*done)
        cxm_priv_state_release(out);
    return status;
}

enum cxm_status cxm_priv_add_pieces(const struct cxm_config *config,
                                    const struct cxm_sources *sources, int32_t threads,
                                    cxm_add_rows *add, struct cxm_state *out, bool *done,
                                    struct cxm_error *error)
{
    struct pieces p;
    *done = false;
    if (sources->n < SHORT_PIECE || !pays(config, sources))
        return CXM_OK;
    if (!pieces_init(&p, config, sources))
        return cxm_priv_no_memory(error);
    const enum cxm_status status = add_each(&p, config, sources->n, threads, add, out, done, NULL);
    pieces_release(&p, config->allocator);
    if (status == CXM_ENOMEM)
        return cxm_priv_no_memory(error);
    return CXM_OK;
}
