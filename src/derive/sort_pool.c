/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Records of many partitions, written in any order of the partitions: lists of chunks of 1 KiB,
 * handed out one after another from slabs of up to 16 MiB. The chunks that are written to lie
 * close together, so that a few pages and second-level cache lines serve all partitions, and no
 * pass is needed to count before. Beside the records a chunk that is not full for each partition
 * is all that is spent. */
#include "derive/sorting.h"

enum { MOST_SLAB = 16384 }; /* chunks that are allocated together at most */

static void *aligned(unsigned char *slab)
{
    const uintptr_t past = (uintptr_t)slab & (CXM_CHUNK_BYTES - 1);
    return past == 0 ? slab : slab + (CXM_CHUNK_BYTES - past);
}

const unsigned char *cxm_priv_pool_chunk(const struct cxm_pool *pool, uint32_t chunk)
{
    const unsigned char *slab = aligned(pool->slabs[(chunk - 1) >> pool->slab_shift]);
    return slab + (size_t)((chunk - 1) & (pool->slab_chunks - 1)) * CXM_CHUNK_BYTES;
}

bool cxm_priv_pool_init(struct cxm_pool *pool, size_t record_bytes, int64_t rows,
                        uint32_t n_partitions, const struct cxm_allocator *allocator)
{
    pool->allocator = allocator;
    pool->record_bytes = record_bytes;
    pool->chunk_records = (uint32_t)(CXM_CHUNK_BYTES / record_bytes);
    pool->full = pool->chunk_records * record_bytes & (CXM_CHUNK_BYTES - 1);
    pool->slab_chunks = 1;
    pool->slab_shift = 0;
    while (pool->slab_chunks < MOST_SLAB
           && (int64_t)pool->slab_chunks * pool->chunk_records < rows) {
        pool->slab_chunks *= 2;
        pool->slab_shift++;
    }
    pool->cursors = cxm_priv_alloc(allocator, n_partitions, sizeof *pool->cursors);
    pool->first = cxm_priv_alloc_zero(allocator, n_partitions, 3 * sizeof *pool->first);
    if (pool->cursors == NULL || pool->first == NULL)
        return false;
    pool->last = pool->first + n_partitions;
    pool->n_chunks = pool->last + n_partitions;
    for (uint32_t p = 0; p < n_partitions; p++)
        pool->cursors[p] = pool->full;
    return true;
}

void cxm_priv_pool_release(struct cxm_pool *pool)
{
    for (uint32_t i = 0; i < pool->n_slabs; i++)
        cxm_priv_release(pool->allocator, pool->slabs[i]);
    cxm_priv_release(pool->allocator, pool->slabs);
    cxm_priv_release(pool->allocator, pool->next);
    cxm_priv_release(pool->allocator, pool->cursors);
    cxm_priv_release(pool->allocator, pool->first);
}

static bool add_slab(struct cxm_pool *pool)
{
    if (pool->n_slabs == pool->slabs_capacity) {
        const uint32_t capacity = 2 * pool->slabs_capacity + 4;
        unsigned char **grown = cxm_priv_grow(pool->allocator, pool->slabs, pool->n_slabs,
                                              capacity, sizeof *grown);
        if (grown == NULL)
            return false;
        pool->slabs = grown;
        pool->slabs_capacity = capacity;
    }
    unsigned char *slab = cxm_priv_alloc_dense(pool->allocator, (size_t)pool->slab_chunks + 1,
                                               CXM_CHUNK_BYTES);
    if (slab == NULL)
        return false;
    pool->slabs[pool->n_slabs++] = slab;
    return true;
}

uintptr_t cxm_priv_pool_extend(struct cxm_pool *pool, uint32_t partition)
{
    if (pool->used == pool->capacity) {
        const uint32_t capacity = 2 * pool->capacity + 16;
        uint32_t *grown = cxm_priv_grow(pool->allocator, pool->next, pool->used, capacity,
                                        sizeof *grown);
        if (grown == NULL)
            return 0;
        pool->next = grown;
        pool->capacity = capacity;
    }
    if (pool->used >> pool->slab_shift == pool->n_slabs && !add_slab(pool))
        return 0;
    pool->next[pool->used] = 0;
    const uint32_t chunk = ++pool->used, before = pool->last[partition];
    if (before != 0)
        pool->next[before - 1] = chunk;
    else
        pool->first[partition] = chunk;
    pool->last[partition] = chunk;
    pool->n_chunks[partition]++;
    return (uintptr_t)cxm_priv_pool_chunk(pool, chunk);
}

size_t cxm_priv_pool_count(const struct cxm_pool *pool, uint32_t partition)
{
    if (pool->cursors == NULL || pool->first[partition] == 0)
        return 0;
    const uintptr_t start = (uintptr_t)cxm_priv_pool_chunk(pool, pool->last[partition]);
    return (size_t)(pool->n_chunks[partition] - 1) * pool->chunk_records
         + (pool->cursors[partition] - start) / pool->record_bytes;
}
