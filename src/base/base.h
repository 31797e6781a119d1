/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The lowest layer: reporting failures, allocating, checked sizes, bytes. Knows only libc. */
#ifndef CXM_SRC_BASE_H
#define CXM_SRC_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/dd.h"

#include <cxm/base.h>

#define CXM_COUNT(array) (sizeof(array) / sizeof(array)[0])

#if defined(__GNUC__)
#define CXM_PRINTF(text, args) __attribute__((format(printf, text, args)))
#define CXM_LIKELY(x) __builtin_expect(!!(x), 1)
#define CXM_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define CXM_NOINLINE __attribute__((noinline))
/* A function that does nothing but prefetch: gcc takes it for one without any effect, and drops
 * its calls before they are inlined. */
#define CXM_PREFETCHER __attribute__((always_inline)) static inline
#else
#define CXM_PRINTF(format, args)
#define CXM_LIKELY(x) (x)
#define CXM_UNLIKELY(x) (x)
#define CXM_NOINLINE
#define CXM_PREFETCHER static inline
#endif

/* The lines of some bytes, that will be read. */
CXM_PREFETCHER void cxm_priv_ask_for(const void *bytes, size_t n)
{
#if defined(__GNUC__)
    for (size_t i = 0; i < n; i += 64)
        __builtin_prefetch((const unsigned char *)bytes + i);
#else
    (void)bytes, (void)n;
#endif
}

__extension__ typedef __int128 cxm_i128;
__extension__ typedef unsigned __int128 cxm_u128;

/* ---- the processor -------------------------------------------------------------------- */

/* Has this processor the instructions "avx2", "avx512bw" …, and may a variant use them? What a
 * test build takes away (-Dcpu_mask) it has not. */
enum { CXM_CPU_AVX2 = 1, CXM_CPU_AVX512 = 2, CXM_CPU_NEON = 4 };
#ifndef CXM_CPU_MASK
#define CXM_CPU_MASK 0
#endif
#define CXM_CPU_OF(name) ((name)[3] == '5' || (name)[0] == 'g' ? CXM_CPU_AVX512 : CXM_CPU_AVX2)
#define CXM_SUPPORTS(name) (((CXM_CPU_MASK) & CXM_CPU_OF(name)) == 0 && CXM_CPU_HAS(name))

/* Variants of AVX-512 say CXM_TARGET("avx512f,…"). A test build makes functions of their instructions
 * (-Demulate_avx512, tests/emulated/immintrin.h), and every processor runs them. */
#ifdef CXM_EMULATE_AVX512
#define CXM_TARGET(list)
#define CXM_CPU_HAS(name) (CXM_CPU_OF(name) == CXM_CPU_AVX512 || __builtin_cpu_supports(name))
#else
#define CXM_TARGET(list) __attribute__((target(list)))
#define CXM_CPU_HAS(name) __builtin_cpu_supports(name)
#endif

/* ---- errors --------------------------------------------------------------------------- */

/* Fills `error` (when not NULL) with a message that is not about one value; returns status. */
enum cxm_status cxm_priv_fail(struct cxm_error *error, enum cxm_status status,
                              const char *column, const char *format, ...) CXM_PRINTF(4, 5);

/* The same about the value of a row; row -1 and value NULL when there is none. */
enum cxm_status cxm_priv_fail_at(struct cxm_error *error, enum cxm_status status,
                                 const char *column, int64_t row, const char *value,
                                 const char *format, ...) CXM_PRINTF(6, 7);

enum cxm_status cxm_priv_no_memory(struct cxm_error *error);
/* EINVAL unless a reserved member of options is 0, as it is for later versions to give it a meaning. */
enum cxm_status cxm_priv_reserved(int64_t reserved, struct cxm_error *error);

/* Shortest text that reads back as the same double, with a point in every locale: "9",
 * "0.1", "nan", "-inf". Returns `out`. */
enum { CXM_DOUBLE_TEXT = 32 };
const char *cxm_priv_double_text(double value, char out[CXM_DOUBLE_TEXT]);

/* snprintf without any floating-point conversion is independent of the locale; this appends
 * formatted text at *used and never writes beyond capacity, but counts the full length. */
void cxm_priv_append(char *out, size_t capacity, size_t *used, const char *format, ...)
    CXM_PRINTF(4, 5);

/* Copies text into a fixed field, cut at a UTF-8 boundary with "…" when it is too long. */
void cxm_priv_copy_text(char *out, size_t capacity, const char *text, size_t bytes);

/* ---- memory --------------------------------------------------------------------------- */

extern const struct cxm_allocator cxm_priv_malloc;

/* `allocator`, or malloc's when it is NULL. */
const struct cxm_allocator *cxm_priv_allocator(const struct cxm_allocator *allocator);

/* count * bytes, NULL when that overflows or memory is out. Zero sizes give a valid block. */
void *cxm_priv_alloc(const struct cxm_allocator *allocator, size_t count, size_t bytes);
void *cxm_priv_alloc_zero(const struct cxm_allocator *allocator, size_t count, size_t bytes);
/* The same for a block that will be written from end to end: a large one is asked for in large
 * pages, which come into being five times faster than as many small ones. */
void *cxm_priv_alloc_dense(const struct cxm_allocator *allocator, size_t count, size_t bytes);
void *cxm_priv_alloc_zero_dense(const struct cxm_allocator *allocator, size_t count, size_t bytes);
/* A larger copy; the old block stays valid when NULL is returned. */
void *cxm_priv_grow(const struct cxm_allocator *allocator, void *old, size_t old_count,
                    size_t count, size_t bytes);
void cxm_priv_release_block(const struct cxm_allocator *allocator, void *memory);
/* Most of what is released was never there. */
static inline void cxm_priv_release(const struct cxm_allocator *allocator, void *memory)
{
    if (memory != NULL)
        cxm_priv_release_block(allocator, memory);
}

/* Memory of one call on its stack, for the many small blocks of an object that lives no longer;
 * malloc's when it is full. Blocks are not used again. For one thread only. */
struct cxm_nook {
    struct cxm_allocator allocator;
    size_t used;
    _Alignas(16) uint8_t memory[6144];
};
void cxm_priv_nook_init(struct cxm_nook *nook);

/* ---- bytes and hashes ----------------------------------------------------------------- */

static inline uint64_t cxm_priv_get_u64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static inline uint32_t cxm_priv_get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint16_t cxm_priv_get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline void cxm_priv_put_u64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static inline void cxm_priv_put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static inline void cxm_priv_put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

/* A 64-bit hash of bytes, the same on every machine (saved as the configuration hash). */
uint64_t cxm_priv_hash(const void *bytes, size_t n, uint64_t seed);
/* The same of n bytes in all that come in parts; no memory is needed. */
struct cxm_hasher {
    uint64_t hash, word;
    unsigned n_word;
};
struct cxm_hasher cxm_priv_hasher(size_t n, uint64_t seed);
void cxm_priv_hasher_feed(struct cxm_hasher *hasher, const void *bytes, size_t n);
uint64_t cxm_priv_hasher_end(const struct cxm_hasher *hasher);
/* CRC-32C (Castagnoli), start with 0; with the instruction of the processor where it has one, and
 * without. */
uint32_t cxm_priv_crc32c(uint32_t crc, const void *bytes, size_t n);
uint32_t cxm_priv_crc32c_portable(uint32_t crc, const void *bytes, size_t n);


#endif
