/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writing bytes that are saved: little-endian, and by the same code that first measures them. */
#ifndef CXM_SRC_WRITER_H
#define CXM_SRC_WRITER_H

#include "tally/format.h"

struct cxm_writer {
    uint8_t *out; /* NULL while measuring or hashing */
    size_t used;
    struct cxm_hasher *hasher; /* NULL: none */
};

static inline void cxm_priv_write(struct cxm_writer *w, const void *bytes, size_t n)
{
    if (w->out != NULL && n > 0)
        memcpy(w->out + w->used, bytes, n);
    else if (w->hasher != NULL)
        cxm_priv_hasher_feed(w->hasher, bytes, n);
    w->used += n;
}

static inline void cxm_priv_write_u8(struct cxm_writer *w, uint8_t v)
{
    cxm_priv_write(w, &v, 1);
}

static inline void cxm_priv_write_u16(struct cxm_writer *w, uint16_t v)
{
    uint8_t bytes[2];
    cxm_priv_put_u16(bytes, v);
    cxm_priv_write(w, bytes, sizeof bytes);
}

static inline void cxm_priv_write_u32(struct cxm_writer *w, uint32_t v)
{
    uint8_t bytes[4];
    cxm_priv_put_u32(bytes, v);
    cxm_priv_write(w, bytes, sizeof bytes);
}

static inline void cxm_priv_write_u64(struct cxm_writer *w, uint64_t v)
{
    uint8_t bytes[8];
    cxm_priv_put_u64(bytes, v);
    cxm_priv_write(w, bytes, sizeof bytes);
}

static inline void cxm_priv_write_text(struct cxm_writer *w, const char *text)
{
    const size_t n = strlen(text);
    cxm_priv_write_u32(w, (uint32_t)n);
    cxm_priv_write(w, text, n);
}

#endif
