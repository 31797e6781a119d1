/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Records of many partitions, written in any order of the partitions: lists of chunks of 1 KiB,
 * handed out one after another from slabs. The chunks that are written to lie
 * close together, so that a few pages and second-level cache lines serve all partitions, and no
 * pass is needed to count before. Beside the records a chunk that is not full for each partition
 * is all that is spent. */
#include "derive/sorting.h"

/* Chunks that are allocated together at most: 256 MiB. All in one where it is less, which costs
 * nothing before it is written to; and where it is more than 32 MiB, malloc neither keeps it
 * afterwards nor shares it with anybody. */
enum { MOST_SLAB_SHIFT = 18 };

static unsigned char *aligned(unsigned char *slab)
{
    const uintptr_t past = (uintptr_t)slab & (CXM_CHUNK_BYTES - 1);
    return past == 0 ? slab : slab + (CXM_CHUNK_BYTES - past);
}

static unsigned char *chunk_at(const struct cxm_pool *pool, uint32_t chunk)
{
    return pool->slabs[chunk >> pool->slab_shift]
         + (size_t)(chunk & (((uint32_t)1 << pool->slab_shift) - 1)) * CXM_CHUNK_BYTES;
}

bool cxm_priv_pool_init(struct cxm_pool *pool, size_t record_bytes, size_t beside,
                        int64_t rows, uint32_t n_partitions, const struct cxm_allocator *allocator)
{
    pool->allocator = allocator;
    pool->record_bytes = record_bytes;
    pool->chunk_records = (uint32_t)(CXM_CHUNK_BYTES / (record_bytes + beside));
    pool->n_partitions = n_partitions;
    pool->full = pool->chunk_records * record_bytes & (CXM_CHUNK_BYTES - 1);
    /* Each partition ends with a chunk that is not full. */
    pool->most = (uint64_t)rows / pool->chunk_records + n_partitions;
    pool->slab_shift = 0;
    while (pool->slab_shift < MOST_SLAB_SHIFT && (uint64_t)1 << pool->slab_shift < pool->most)
        pool->slab_shift++;
    pool->cursors = cxm_priv_alloc(allocator, n_partitions, sizeof *pool->cursors);
    for (uint32_t p = 0; pool->cursors != NULL && p < n_partitions; p++)
        pool->cursors[p] = pool->full;
    return pool->cursors != NULL;
}

void cxm_priv_pool_release(struct cxm_pool *pool)
{
    for (uint32_t i = 0; i < pool->n_slabs; i++)
        cxm_priv_release(pool->allocator, pool->blocks[i]);
    cxm_priv_release(pool->allocator, pool->slabs);
    cxm_priv_release(pool->allocator, pool->blocks);
    cxm_priv_release(pool->allocator, pool->owners);
    cxm_priv_release(pool->allocator, pool->cursors);
    cxm_priv_release(pool->allocator, pool->begins);
    cxm_priv_release(pool->allocator, pool->chunks);
}

static bool room_for_slab(struct cxm_pool *pool)
{
    if (pool->n_slabs < pool->slabs_capacity)
        return true;
    const uint32_t capacity = 2 * pool->slabs_capacity + 4;
    unsigned char **slabs = cxm_priv_grow(pool->allocator, pool->slabs, pool->n_slabs, capacity,
                                          sizeof *slabs);
    pool->slabs = slabs != NULL ? slabs : pool->slabs;
    void **blocks = slabs == NULL ? NULL
                                  : cxm_priv_grow(pool->allocator, pool->blocks, pool->n_slabs,
                                                  capacity, sizeof *blocks);
    if (blocks == NULL)
        return false;
    pool->blocks = blocks;
    pool->slabs_capacity = capacity;
    return true;
}

static bool add_slab(struct cxm_pool *pool)
{
    const uint64_t left = pool->most - pool->used, full = (uint64_t)1 << pool->slab_shift;
    void *block = !room_for_slab(pool) ? NULL
                : cxm_priv_alloc_dense(pool->allocator, (size_t)(left < full ? left : full) + 1,
                                       CXM_CHUNK_BYTES);
    if (block == NULL)
        return false;
    pool->blocks[pool->n_slabs] = block;
    pool->slabs[pool->n_slabs++] = aligned(block);
    return true;
}

/* A line of memory that is written to waits for what was there: so all are asked for at once. */
CXM_PREFETCHER void ask_to_write(const unsigned char *chunk)
{
#if defined(__GNUC__)
    for (size_t i = 0; i < CXM_CHUNK_BYTES; i += 64)
        __builtin_prefetch(chunk + i, 1, 3);
#else
    (void)chunk;
#endif
}

uintptr_t cxm_priv_pool_extend(struct cxm_pool *pool, uint32_t partition)
{
    if (pool->used == pool->capacity) {
        const uint32_t capacity = 2 * pool->capacity + 16;
        uint32_t *grown = cxm_priv_grow(pool->allocator, pool->owners, pool->used, capacity,
                                        sizeof *grown);
        if (grown == NULL)
            return 0;
        pool->owners = grown;
        pool->capacity = capacity;
    }
    if (pool->used >> pool->slab_shift == pool->n_slabs && !add_slab(pool))
        return 0;
    pool->owners[pool->used] = partition;
    const unsigned char *chunk = chunk_at(pool, pool->used++);
    ask_to_write(chunk);
    return (uintptr_t)chunk;
}

/* A counting sort: chunks of a partition stay in the order in which they were filled. */
bool cxm_priv_pool_close(struct cxm_pool *pool)
{
    if (pool->cursors == NULL)
        return true;
    const uint32_t n = pool->n_partitions;
    uint32_t *begins = cxm_priv_alloc_zero(pool->allocator, (size_t)n + 2, sizeof *begins);
    pool->begins = begins;
    pool->chunks = cxm_priv_alloc(pool->allocator, pool->used, sizeof *pool->chunks);
    if (begins == NULL || pool->chunks == NULL)
        return false;
    for (uint32_t c = 0; c < pool->used; c++)
        begins[pool->owners[c] + 2]++;
    for (uint32_t p = 2; p <= n; p++)
        begins[p] += begins[p - 1];
    for (uint32_t c = 0; c < pool->used; c++)
        pool->chunks[begins[pool->owners[c] + 1]++] = c;
    return true;
}

const unsigned char *cxm_priv_pool_chunk(const struct cxm_pool *pool, uint32_t partition,
                                         uint32_t at, size_t *n)
{
    if (pool->cursors == NULL || at >= pool->begins[partition + 1] - pool->begins[partition])
        return NULL;
    const uint32_t number = pool->begins[partition] + at;
    const unsigned char *chunk = chunk_at(pool, pool->chunks[number]);
    const bool last = number + 1 == pool->begins[partition + 1];
    *n = last ? (pool->cursors[partition] - (uintptr_t)chunk) / pool->record_bytes
              : pool->chunk_records;
    return chunk;
}

size_t cxm_priv_pool_count(const struct cxm_pool *pool, uint32_t partition)
{
    size_t last = 0;
    if (pool->cursors == NULL || pool->begins[partition + 1] == pool->begins[partition])
        return 0;
    const uint32_t before = pool->begins[partition + 1] - pool->begins[partition] - 1;
    (void)cxm_priv_pool_chunk(pool, partition, before, &last);
    return (size_t)before * pool->chunk_records + last;
}
