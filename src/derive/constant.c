/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Constant key columns: see constant.h. A stride of 0 repeats the element; texts, whose offsets
 * have no stride, are a dictionary of one with the index 0 repeated. */
#include "derive/constant.h"

static void of_number(const struct cxm_key_plan *plan, const struct cxm_key *key,
                      struct cxm_constant *out)
{
    struct cxm_column *c = &out->column;
    c->type = CXM_I64;
    memcpy(&out->bits, &key->integer, sizeof out->bits);
    switch ((enum cxm_key_type)plan->info.type) {
    case CXM_KEY_UINT:
        c->type = CXM_U64;
        break;
    case CXM_KEY_REAL:
        c->type = CXM_F64;
        memcpy(&out->bits, &key->real, sizeof out->bits);
        break;
    case CXM_KEY_BOOL:
        c->type = CXM_BOOL;
        memset(&out->bits, key->integer != 0, 1);
        break;
    case CXM_KEY_CATEGORY:
        c->dictionary = plan->categories;
        c->flags = CXM_COLUMN_ORDERED;
        break;
    case CXM_KEY_DATE: /* the first day of a period is that of its own, without an offset */
        c->time_unit = CXM_DAYS;
        c->calendar = (uint32_t)plan->info.calendar;
        c->flags = CXM_COLUMN_HAS_OFFSET;
        break;
    case CXM_KEY_TIME:
        c->time_unit = CXM_S;
        break;
    case CXM_KEY_INT:
    case CXM_KEY_TEXT:
    case CXM_KEY_BYTES:
    default:
        break;
    }
}

static void of_text(struct cxm_text text, struct cxm_constant *out)
{
    out->offsets[1] = (int64_t)text.n;
    out->dictionary = cxm_column_make(NULL, CXM_UTF8_LARGE, out->offsets, 1, 8, 8);
    out->dictionary.heap = text.bytes != NULL ? text.bytes : "";
    out->column.type = CXM_I64;
    out->column.dictionary = &out->dictionary;
}

enum cxm_status cxm_priv_constant(const struct cxm_column *column, int64_t row, int64_t n,
                                  struct cxm_constant *out, struct cxm_error *error)
{
    struct cxm_key_plan plan;
    struct cxm_reader reader;
    struct cxm_text text = { NULL, 0 };
    uint64_t word = 0;
    uint8_t state;
    const enum cxm_status status = cxm_priv_key_plan(column, &plan, error);
    if (status != CXM_OK)
        return status;
    memset(out, 0, sizeof *out);
    cxm_priv_reader_init(&reader, column);
    if (plan.words)
        cxm_priv_read_key_words(&reader, &plan, row, 1, &word, &state);
    else
        cxm_priv_read_key_text(&reader, row, 1, &text, &state);
    if (state == CXM_ROW_INVALID)
        return cxm_priv_fail_at(error, CXM_EDATA, plan.info.name, row, NULL,
                                "%s: row %lld is no key", plan.info.name, (long long)row);
    out->column = cxm_column_make(column->name, CXM_I64, &out->bits, (size_t)n, 0, 8);
    if (plan.words) {
        struct cxm_key key = { .type = plan.info.type };
        if (state == CXM_ROW_USED)
            cxm_priv_key_from_word(plan.info.type, word, &key);
        of_number(&plan, &key, out);
    } else {
        of_text(text, out);
    }
    out->is_missing = state == CXM_ROW_MISSING;
    out->column.mask = &out->is_missing;
    return CXM_OK;
}
