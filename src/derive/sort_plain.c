/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The short cut of reading: columns that are plain arrays of whole numbers and seconds are packed
 * from where they lie. A block with a row that is missing, too late or outside of the guess is
 * read as any other. */
#include "derive/sorting.h"

static bool is_array(const struct cxm_column *c)
{
    const size_t bytes = cxm_type_bytes((enum cxm_type)c->type);
    return c->validity == NULL && c->mask == NULL && c->dictionary == NULL && c->n_chunks == 0
        && c->n_missing_codes == 0 && c->n_labels == 0 && (c->flags & CXM_COLUMN_SENTINEL) == 0
        && bytes > 0 && c->stride == (int64_t)bytes && (uintptr_t)c->data % bytes == 0;
}

static const void *first_of(const struct cxm_column *c)
{
    return (const uint8_t *)c->data + c->offset * c->stride;
}

static enum cxm_plain_kind customer_kind(const struct cxm_key_source *source)
{
    const struct cxm_column *c = source->column;
    const bool whole = source->plan.info.type == CXM_KEY_INT
                    || source->plan.info.type == CXM_KEY_UINT;
    if (source->coded || !whole || !is_array(c))
        return CXM_PLAIN_NONE;
    return c->type == CXM_U64 || c->type == CXM_I64 ? CXM_PLAIN_8
         : c->type == CXM_U32 ? CXM_PLAIN_U32 : c->type == CXM_I32 ? CXM_PLAIN_I32
                                                                   : CXM_PLAIN_NONE;
}

/* Words of signed numbers, and of unsigned ones below 64 bits, are those plus 2^63. */
static uint64_t word_of_zero(const struct cxm_key_source *source)
{
    return source->plan.info.type == CXM_KEY_UINT && source->column->type == CXM_U64
             ? 0 : (uint64_t)1 << 63;
}

static bool plain_codes(const struct cxm_key_source *source, struct cxm_plain_rows *out)
{
    const struct cxm_column *c = source->column;
    if (c == NULL)
        return true;
    const bool whole = source->plan.info.type == CXM_KEY_INT
                    || source->plan.info.type == CXM_KEY_UINT;
    if (source->coded || !whole || !is_array(c))
        return false;
    out->code_kind = source->narrow && c->type == CXM_U8 ? CXM_PLAIN_U8
                   : source->given && c->type == CXM_U32 ? CXM_PLAIN_U32 : CXM_PLAIN_NONE;
    out->code = first_of(c);
    return out->code_kind != CXM_PLAIN_NONE;
}

void cxm_priv_pack_plain_choose(struct cxm_sorting *s)
{
    const struct cxm_pack *p = &s->pack;
    const struct cxm_column *time = s->columns->time;
    struct cxm_plain_rows *const out = &s->plain;
    const bool instants = time != NULL && is_array(time) && time->type == CXM_I64
                       && (time->time_unit == CXM_NO_TIME || time->time_unit == CXM_S)
                       && (time->flags & CXM_COLUMN_DATES) == 0;
    const bool keeps = s->plan->filter == NULL || s->plan->keeps_complete;
    if (p->form == CXM_PACK_NONE || !instants || !keeps || s->columns->extra != NULL
        || !plain_codes(&s->code, out))
        return;
    out->customer_kind = customer_kind(&s->customer);
    if (out->customer_kind == CXM_PLAIN_NONE)
        return;
    out->customer = first_of(s->columns->customer);
    out->time = first_of(time);
    out->hashed = p->form == CXM_PACK_HASHED;
    out->customer_base = p->customer_base - word_of_zero(&s->customer);
    out->code_base = p->code_base;
    out->time_base = (uint64_t)p->time_base;
    out->customer_bits = p->customer_bits;
    out->code_bits = p->code_bits;
    out->time_bits = p->time_bits;
    out->latest = cxm_priv_ones(p->time_bits);
    if (p->time_base == INT64_MIN) /* which is no instant */
        return;
    if (s->plan->has_latest) {
        const cxm_i128 latest = (cxm_i128)s->plan->latest - p->time_base;
        if (latest < 0)
            return;
        out->latest = latest < (cxm_i128)out->latest ? (uint64_t)latest : out->latest;
    }
    s->is_plain = true;
}
