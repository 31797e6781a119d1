/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Ratings as bytes. Columns of bytes are read where they lie; whole numbers and floats of any width,
 * which is what NumPy and pandas make of a list of answers, become bytes of a window around the scale
 * (read_bytes.c), some thousand rows at a time. The general decoder says once which code each byte
 * has, so both roads agree by construction. */
#include "tally/rating.h"

#include "tally/dense.h"

#include <math.h>

enum { WIDE = 1 << 10 };

bool cxm_priv_rating_init(struct cxm_rating *rating, const struct cxm_config *config,
                          const struct cxm_column *column)
{
    const bool bytes = column->type == CXM_U8 || column->type == CXM_I8;
    if (!cxm_priv_dense_plain(column))
        return false;
    *rating = (struct cxm_rating){ .column = column };
    if (bytes)
        return true;
    rating->read = cxm_priv_read_bytes();
    return cxm_priv_byte_window(column, (int64_t)config->lowest[0], config->units[0].bins,
                                &rating->window);
}

/* ---- codes ---------------------------------------------------------------------------- */

static void decode_all(const struct cxm_config *config, const struct cxm_column *column,
                       const void *values, uint32_t type, uint16_t codes[256])
{
    struct cxm_column all = *column;
    struct cxm_reader reader;
    all.data = values;
    all.type = type;
    all.n = 256;
    all.stride = (int64_t)cxm_type_bytes((enum cxm_type)type);
    all.offset = 0;
    all.validity = NULL;
    cxm_priv_reader_init(&reader, &all);
    cxm_priv_read_codes(&reader, 0, 256, (int64_t)config->lowest[0], config->units[0].bins,
                        codes);
}

void cxm_priv_rating_codes(const struct cxm_rating *rating, const struct cxm_config *config,
                           uint16_t codes[256])
{
    const struct cxm_byte_window *window = &rating->window;
    uint8_t bytes[256];
    double numbers[256];
    if (rating->read == NULL) {
        for (int i = 0; i < 256; i++)
            bytes[i] = (uint8_t)i;
        decode_all(config, rating->column, bytes, rating->column->type, codes);
        return;
    }
    for (int i = 0; i < 256; i++)
        numbers[i] = i < window->n ? window->base + i : (double)NAN;
    decode_all(config, rating->column, numbers, CXM_F64, codes);
    for (int i = window->n; i < 256; i++)
        codes[i] = (uint16_t)(config->units[0].bins + (i != CXM_BYTE_MISSING));
}

/* ---- bytes ---------------------------------------------------------------------------- */

/* Elements of a column side by side, from four places by turns: a processor finds out of each what
 * comes next, and has more of them under way than of one. */
static void gather(const uint8_t *from, int64_t stride, size_t width, size_t n, uint8_t *out)
{
    const size_t part = n / 4;
#define COPY(w, i) memcpy(out + (i) * w, from + (int64_t)(i) * stride, w)
#define GATHER(w)                            \
    case w:                                  \
        for (size_t i = 0; i < part; i++) {  \
            COPY(w, i);                      \
            COPY(w, part + i);               \
            COPY(w, 2 * part + i);           \
            COPY(w, 3 * part + i);           \
        }                                    \
        for (size_t i = 4 * part; i < n; i++) \
            COPY(w, i);                      \
        return
    switch (width) {
    GATHER(1);
    GATHER(2);
    GATHER(4);
    GATHER(8);
    default: return;
    }
#undef GATHER
#undef COPY
}

const uint8_t *cxm_priv_rating_of(const struct cxm_rating *rating, const uint8_t *from, size_t n,
                                  uint8_t *buffer)
{
    if (rating->read == NULL)
        return from;
    rating->read(rating->column->type, from, n, rating->window, buffer);
    return buffer;
}

const uint8_t *cxm_priv_rating_bytes(const struct cxm_rating *rating, int64_t row, size_t n,
                                     uint8_t *buffer)
{
    const struct cxm_column *c = rating->column;
    const uint8_t *from = cxm_priv_row_of(c, row);
    const size_t width = cxm_type_bytes((enum cxm_type)c->type);
    if (c->stride == (int64_t)width)
        return cxm_priv_rating_of(rating, from, n, buffer);
    if (rating->read == NULL) {
        gather(from, c->stride, width, n, buffer);
        return buffer;
    }
    uint64_t wide[WIDE];
    for (size_t i = 0; i < n; i += WIDE) {
        const size_t some = n - i < WIDE ? n - i : WIDE;
        gather(from + (int64_t)i * c->stride, c->stride, width, some, (uint8_t *)wide);
        cxm_priv_rating_of(rating, (const uint8_t *)wide, some, buffer + i);
    }
    return buffer;
}
