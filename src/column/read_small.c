/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns of small whole numbers, answers of 1 to 5 or 0 to 100, as one byte a row. Bytes are
 * left where they lie and floats side by side are turned into bytes when the block has no other
 * values and none is missing, which two quick loops find out; everything else is read as codes
 * (read_codes.c) and narrowed, so that all roads agree by construction. */
#include "column/small.h"
#include "column/decode.h"

bool cxm_priv_small_bytes_c(const uint8_t *bytes, size_t n, uint8_t lowest, uint8_t highest)
{
    uint8_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t above = (uint8_t)(bytes[i] - lowest);
        largest = above > largest ? above : largest;
    }
    return largest <= highest - lowest;
}

bool cxm_priv_small_floats_c(const unsigned char *from, size_t n,
                             const struct cxm_small_scale *scale, uint8_t *bytes)
{
    const float low = (float)scale->lowest, high = (float)scale->highest;
    unsigned odd = 0;
    for (size_t i = 0; i < n; i++) {
        float v;
        memcpy(&v, from + 4 * i, sizeof v);
        const bool inside = (v >= low) & (v <= high);
        const int32_t whole = (int32_t)(inside ? v : low);
        odd |= (float)whole != v;
        bytes[i] = (uint8_t)(whole - scale->base);
    }
    return odd == 0;
}

struct cxm_small_loops cxm_priv_small_loops(unsigned mask)
{
    struct cxm_small_loops loops = { cxm_priv_small_bytes_c, cxm_priv_small_floats_c, NULL };
#if CXM_COLUMN_X86
    if ((mask & CXM_CPU_AVX2) == 0 && CXM_SUPPORTS("avx2"))
        loops = (struct cxm_small_loops){ cxm_priv_small_bytes_avx2, cxm_priv_small_floats_avx2,
                                          cxm_priv_small_rows_avx2 };
    if ((mask & CXM_CPU_AVX512) == 0 && CXM_SUPPORTS("avx512bw"))
        loops =
            (struct cxm_small_loops){ cxm_priv_small_bytes_avx512, cxm_priv_small_floats_avx512,
                                      cxm_priv_small_rows_avx512 };
#else
    (void)mask;
#endif
    return loops;
}

/* No row is missing whatever its value, but NaN. */
static bool is_bare(const struct cxm_column *c)
{
    return c->validity == NULL && c->mask == NULL && c->dictionary == NULL && c->n_chunks == 0
           && c->n_labels == 0 && c->n_missing_codes == 0
           && (c->flags & (CXM_COLUMN_SENTINEL | CXM_COLUMN_DURATION)) == 0
           && c->time_unit == CXM_NO_TIME;
}

/* The bytes of an element where the wide loops may read it, and its missing codes mean the same in
 * the type of the column; otherwise 0. */
static size_t wide_width(const struct cxm_column *c, const struct cxm_small_scale *scale)
{
    const bool known =
        c->type == CXM_U8 || c->type == CXM_F32 || c->type == CXM_F64 || c->type == CXM_I64;
    if (!known || c->mask != NULL || c->dictionary != NULL || c->n_chunks > 0 || c->n_labels > 0
        || c->time_unit != CXM_NO_TIME || c->data == NULL
        || (c->flags & (CXM_COLUMN_SENTINEL | CXM_COLUMN_DURATION)) != 0
        || c->n_missing_codes > CXM_FEW_CODES)
        return 0;
    if (c->type == CXM_U8 && (scale->lowest < 0 || scale->highest > 255))
        return 0; /* differences of bytes would wrap into the range */
    for (int64_t k = 0; k < c->n_missing_codes; k++) {
        const double code = c->missing_codes[k];
        if (!(code > -1e6 && code < 1e6 && code == (double)(int32_t)code))
            return 0;
    }
    return c->type == CXM_U8 ? 1 : c->type == CXM_F32 ? 4 : 8;
}

/* Any column, as codes. */
static bool from_codes(struct cxm_reader *reader, int64_t first, size_t n,
                       const struct cxm_small_scale *scale, uint8_t *buffer, bool *missing)
{
    uint16_t codes[CXM_MOST_SMALL];
    const uint32_t bins = (uint32_t)(scale->highest - scale->lowest) + 1;
    const uint16_t above = (uint16_t)(scale->lowest - scale->base);
    cxm_priv_read_codes(reader, first, n, scale->lowest, bins, codes);
    uint16_t any = 0, invalid = 0;
    for (size_t i = 0; i < n; i++) {
        const uint16_t absent = codes[i] == bins;
        invalid |= codes[i] > bins;
        any |= absent;
        buffer[i] = (uint8_t)(absent ? CXM_SMALL_MISSING : codes[i] + above);
    }
    *missing = *missing || any != 0;
    return invalid == 0;
}

#define PACK(T)                                                                                \
    for (size_t i = 0; i < n; i++, from += stride, to += sizeof(T))                            \
    memcpy(to, from, sizeof(T))

/* Elements that lie apart, as in an array of structs, side by side: the loops for those are so much
 * faster that it pays. */
static void pack(const struct cxm_column *c, int64_t first, size_t n, size_t width,
                 unsigned char *to)
{
    const unsigned char *from = cxm_priv_element(c, first);
    const int64_t stride = c->stride;
    if (width == 1)
        PACK(uint8_t);
    else if (width == 4)
        PACK(uint32_t);
    else
        PACK(uint64_t);
}

/* Columns whose elements lie side by side. Returns how many rows were read, all but the last of a
 * block, 0: this way is not for such columns; or SIZE_MAX: there are other values. */
static size_t read_near(const struct cxm_column *c, int64_t first, size_t n,
                        const struct cxm_small_scale *scale, uint8_t *buffer, bool *missing)
{
    const struct cxm_small_loops loops = cxm_priv_small_loops(0);
    const unsigned char *from = cxm_priv_element(c, first);
    if (is_bare(c) && c->type == CXM_F32 && loops.floats(from, n, scale, buffer))
        return n;
    if (loops.rows == NULL)
        return 0;
    const size_t whole = n / 64 * 64;
    return loops.rows(c, first, whole, scale, buffer, missing) ? whole : SIZE_MAX;
}

const uint8_t *cxm_priv_small_in_place(const struct cxm_column *c, int64_t first,
                                       const struct cxm_small_scale *scale)
{
    const bool bytes = (c->type == CXM_U8 || c->type == CXM_I8) && c->stride == 1;
    return is_bare(c) && bytes && scale->base == 0 ? cxm_priv_element(c, first) : NULL;
}

const uint8_t *cxm_priv_read_small(struct cxm_reader *reader, int64_t first, size_t n,
                                   const struct cxm_small_scale *scale, uint8_t *buffer,
                                   bool *missing)
{
    const struct cxm_column *c = reader->column;
    const uint8_t *own = cxm_priv_small_in_place(c, first, scale);
    if (own != NULL) {
        const struct cxm_small_loops loops = cxm_priv_small_loops(0);
        return loops.bytes(own, n, (uint8_t)scale->lowest, (uint8_t)scale->highest) ? own
                                                                                    : NULL;
    }
    const size_t width = wide_width(c, scale);
    size_t done = 0;
    if (width > 0 && c->stride == (int64_t)width) {
        done = read_near(c, first, n, scale, buffer, missing);
    } else if (width > 0) {
        uint64_t packed[CXM_MOST_SMALL];
        struct cxm_column near = *c;
        pack(c, first, n, width, (unsigned char *)packed);
        near.data = packed;
        near.stride = (int64_t)width;
        near.offset = 0;
        near.validity_offset += first;
        done = read_near(&near, 0, n, scale, buffer, missing);
    }
    if (done == SIZE_MAX)
        return NULL;
    if (done == n
        || from_codes(reader, first + (int64_t)done, n - done, scale, buffer + done, missing))
        return buffer;
    return NULL;
}
