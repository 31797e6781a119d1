/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Allocation through the object's allocator, with checked sizes. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* MADV_HUGEPAGE */
#endif
#include "base/base.h"

#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

static void *from_malloc(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static void to_free(void *context, void *memory)
{
    (void)context;
    free(memory);
}

const struct cxm_allocator cxm_priv_malloc = { NULL, from_malloc, to_free };

const struct cxm_allocator *cxm_priv_allocator(const struct cxm_allocator *allocator)
{
    return allocator != NULL ? allocator : &cxm_priv_malloc;
}

static void *from_nook(void *context, size_t bytes)
{
    struct cxm_nook *nook = context;
    if (bytes > sizeof nook->memory - nook->used)
        return malloc(bytes);
    void *at = nook->memory + nook->used;
    nook->used += (bytes + 15) / 16 * 16;
    return at;
}

static void to_nook(void *context, void *memory)
{
    const struct cxm_nook *nook = context;
    const uintptr_t at = (uintptr_t)memory - (uintptr_t)nook->memory;
    if (at >= sizeof nook->memory)
        free(memory);
}

void cxm_priv_nook_init(struct cxm_nook *nook)
{
    nook->allocator = (struct cxm_allocator){ nook, from_nook, to_nook };
    nook->used = 0;
}

void *cxm_priv_alloc(const struct cxm_allocator *allocator, size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total) || total > PTRDIFF_MAX)
        return NULL;
    allocator = cxm_priv_allocator(allocator);
    return allocator->allocate(allocator->context, total > 0 ? total : 1);
}

void *cxm_priv_alloc_zero(const struct cxm_allocator *allocator, size_t count, size_t bytes)
{
    /* Large zeroed blocks come from fresh pages with calloc, without being written. */
    if (cxm_priv_allocator(allocator)->allocate == from_malloc)
        return calloc(count > 0 ? count : 1, bytes > 0 ? bytes : 1);
    void *memory = cxm_priv_alloc(allocator, count, bytes);
    if (memory != NULL)
        memset(memory, 0, count * bytes);
    return memory;
}

/* Only a wish, and only about memory that nobody else manages. */
static void *in_large_pages(const struct cxm_allocator *allocator, void *memory, size_t count,
                            size_t bytes)
{
#ifdef MADV_HUGEPAGE
    enum { PAGE = 1 << 21, LARGE = 2 * PAGE };
    if (memory != NULL && cxm_priv_allocator(allocator)->allocate == from_malloc
        && count * bytes >= LARGE) {
        const uintptr_t first = ((uintptr_t)memory + PAGE - 1) / PAGE * PAGE;
        const uintptr_t end = ((uintptr_t)memory + count * bytes) / PAGE * PAGE;
        (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
    }
#else
    (void)allocator, (void)count, (void)bytes;
#endif
    return memory;
}

void *cxm_priv_alloc_dense(const struct cxm_allocator *allocator, size_t count, size_t bytes)
{
    return in_large_pages(allocator, cxm_priv_alloc(allocator, count, bytes), count, bytes);
}

void *cxm_priv_alloc_zero_dense(const struct cxm_allocator *allocator, size_t count, size_t bytes)
{
    return in_large_pages(allocator, cxm_priv_alloc_zero(allocator, count, bytes), count, bytes);
}

void *cxm_priv_grow(const struct cxm_allocator *allocator, void *old, size_t old_count,
                    size_t count, size_t bytes)
{
    void *larger = cxm_priv_alloc_dense(allocator, count, bytes);
    if (larger == NULL)
        return NULL;
    if (old_count > 0)
        memcpy(larger, old, old_count * bytes);
    cxm_priv_release(allocator, old);
    return larger;
}

void cxm_priv_release_block(const struct cxm_allocator *allocator, void *memory)
{
    allocator = cxm_priv_allocator(allocator);
    allocator->release(allocator->context, memory);
}
