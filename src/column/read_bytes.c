/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Ratings as bytes: whole numbers of a window of up to 254 values in columns of wider types. One
 * loop for each type, written so that compilers turn it into vectors, and compiled for AVX2 too; for 64
 * bits with AVX2 see x86/read_bytes_avx2.c, for all with AVX-512 x86/read_bytes512.c. What is null is the
 * caller's business, and so is what the numbers mean. */
#include "column/read_bytes.h"
#include "column/decode.h"

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

/* A number below the window wraps to one beyond it, as read_bytes.h says where that would fail. */
#define BYTE_OF(T, v) ((T)((T)(v) - (T)w.base) < (T)w.n ? (uint8_t)((T)(v) - (T)w.base) : CXM_BYTE_NONE)

/* Adding 1.5 2^52 leaves a whole number in the low bits of the sum; subtracting it again gives
 * the number back when it was one. */
INLINE uint8_t byte_of_double(double v, double low, double high, uint64_t base)
{
    const double magic = 0x1.8p52, sum = v + magic;
    uint64_t k;
    memcpy(&k, &sum, sizeof k);
    k = v >= low ? k - base : CXM_BYTE_NONE;
    k = v <= high ? k : CXM_BYTE_NONE;
    k = sum - magic == v ? k : CXM_BYTE_NONE;
    k = v != v ? CXM_BYTE_MISSING : k;
    return (uint8_t)k;
}

INLINE uint8_t byte_of_float(float v, float low, float high, uint32_t base)
{
    const float magic = 0x1.8p23f, sum = v + magic;
    uint32_t k;
    memcpy(&k, &sum, sizeof k);
    k = v >= low ? k - base : CXM_BYTE_NONE;
    k = v <= high ? k : CXM_BYTE_NONE;
    k = sum - magic == v ? k : CXM_BYTE_NONE;
    k = v != v ? CXM_BYTE_MISSING : k;
    return (uint8_t)k;
}

#define EACH(T, byte)                                          \
    do {                                                       \
        for (size_t i = 0; i < n; i++) {                       \
            T v;                                               \
            memcpy(&v, from + i * sizeof v, sizeof v);         \
            bytes[i] = (byte);                                 \
        }                                                      \
    } while (0)

INLINE void read_type(uint32_t type, const unsigned char *from, size_t n,
                      struct cxm_byte_window w, uint8_t *CXM_RESTRICT bytes)
{
    const int32_t low = w.base, high = w.base + w.n - 1;
    switch (type) {
    case CXM_U16: EACH(uint16_t, BYTE_OF(uint16_t, v)); break;
    case CXM_I16: EACH(int16_t, BYTE_OF(uint16_t, v)); break;
    case CXM_U32: EACH(uint32_t, BYTE_OF(uint32_t, v)); break;
    case CXM_I32: EACH(int32_t, BYTE_OF(uint32_t, v)); break;
    case CXM_U64: EACH(uint64_t, BYTE_OF(uint64_t, v)); break;
    case CXM_I64: EACH(int64_t, BYTE_OF(uint64_t, v)); break;
    case CXM_F32: {
        const uint32_t base = 0x4B400000u + (uint32_t)w.base; /* the bits of 1.5 2^23 */
        EACH(float, byte_of_float(v, (float)low, (float)high, base));
        break;
    }
    default: {
        const uint64_t base = 0x4338000000000000u + (uint64_t)(int64_t)w.base;
        EACH(double, byte_of_double(v, low, high, base));
        break;
    }
    }
}

void cxm_priv_read_bytes_c(uint32_t type, const unsigned char *from, size_t n,
                           struct cxm_byte_window window, uint8_t *bytes)
{
    read_type(type, from, n, window, bytes);
}

#if CXM_COLUMN_X86
__attribute__((target("avx2"))) void
cxm_priv_read_bytes_avx2(uint32_t type, const unsigned char *from, size_t n,
                         struct cxm_byte_window window, uint8_t *bytes)
{
    const size_t done = type == CXM_I64 || type == CXM_U64
                          ? cxm_priv_long_bytes_avx2(from, n, window, bytes)
                      : type == CXM_F64 ? cxm_priv_double_bytes_avx2(from, n, window, bytes)
                                        : 0;
    read_type(type, from + 8 * done, n - done, window, bytes + done);
}
#endif

cxm_read_bytes *cxm_priv_read_bytes(void)
{
#if CXM_COLUMN_X86
    if (CXM_SUPPORTS("avx512bw"))
        return cxm_priv_read_bytes_avx512;
    if (CXM_SUPPORTS("avx2"))
        return cxm_priv_read_bytes_avx2;
#endif
    return cxm_priv_read_bytes_c;
}

static bool is_number(uint32_t type)
{
    return (type >= CXM_I16 && type <= CXM_I64) || (type >= CXM_U16 && type <= CXM_F64);
}

/* Widens the window to a number that stands for "missing"; false when it cannot. A fraction or a
 * number below 0 may be what no value of the column is. */
static bool reach(struct cxm_byte_window *w, double code, bool integer, int64_t least)
{
    if (code != code || (integer && code < (double)least))
        return true;
    if (!(code > -CXM_WINDOW_REACH && code < CXM_WINDOW_REACH))
        return false;
    const int32_t whole = (int32_t)code;
    if ((double)whole != code)
        return integer;
    const int32_t last = w->base + w->n - 1;
    w->base = whole < w->base ? whole : w->base;
    w->n = (whole > last ? whole : last) - w->base + 1;
    return w->n <= CXM_WINDOW_MOST;
}

bool cxm_priv_byte_window(const struct cxm_column *c, int64_t lo, uint32_t bins,
                         struct cxm_byte_window *out)
{
    const bool integer = cxm_priv_is_integer(c->type);
    const bool natural = c->type >= CXM_U16 && c->type <= CXM_U64;
    if (!is_number(c->type) || c->dictionary != NULL || c->n_chunks > 0 || c->n_labels > 0
        || c->time_unit != CXM_NO_TIME || (c->flags & CXM_COLUMN_DURATION) != 0
        || lo < -CXM_WINDOW_REACH || lo > CXM_WINDOW_REACH || bins > CXM_WINDOW_MOST
        || (natural && lo < 0))
        return false;
    const int64_t least = natural ? 0 : INT64_MIN;
    *out = (struct cxm_byte_window){ (int32_t)lo, (int32_t)bins };
    for (int64_t k = 0; k < c->n_missing_codes; k++) {
        if (!reach(out, c->missing_codes[k], integer, least))
            return false;
    }
    if ((c->flags & CXM_COLUMN_SENTINEL) == 0)
        return true;
    const bool wraps = c->type == CXM_U64 && c->sentinel < 0; /* it is the same 64 bits */
    return !wraps && reach(out, (double)c->sentinel, integer, least);
}
