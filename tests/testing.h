/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tests share: doubles compared as doubles (cmocka 1.1 compares them as floats), a
 * heap that fails on demand and counts what is alive, random numbers with a printed seed. */
#ifndef CXM_TESTS_TESTING_H
#define CXM_TESTS_TESTING_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cxm/base.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* ---- doubles -------------------------------------------------------------------------- */

/* |got - want| <= rel |want|; NaN matches NaN, infinities match themselves. */
static inline bool is_close(double got, double want, double rel)
{
    if (isnan(got) || isnan(want))
        return isnan(got) && isnan(want);
    return got == want || fabs(got - want) <= rel * fabs(want);
}

static inline void assert_close_at(double got, double want, double rel, const char *what,
                                   const char *file, int line)
{
    if (is_close(got, want, rel))
        return;
    print_error("%s is %.17g, not %.17g (relative tolerance %g)\n", what, got, want, rel);
    _fail(file, line);
}

#define assert_close(got, want, rel)                                                           \
    assert_close_at((got), (want), (rel), #got, __FILE__, __LINE__)

/* ---- integers ------------------------------------------------------------------------- */

/* The value in an integer of 1, 2, 4 or 8 bytes, in the byte order of this machine. */
static inline void store_integer(void *to, uint64_t value, size_t bytes)
{
    switch (bytes) {
    case 1: memcpy(to, &(uint8_t){ (uint8_t)value }, 1); break;
    case 2: memcpy(to, &(uint16_t){ (uint16_t)value }, 2); break;
    case 4: memcpy(to, &(uint32_t){ (uint32_t)value }, 4); break;
    default: memcpy(to, &value, 8); break;
    }
}

/* The unsigned integer of 1, 2, 4 or 8 bytes that stands there. */
static inline uint64_t load_integer(const void *from, size_t bytes)
{
    uint64_t of_8;
    uint32_t of_4;
    uint16_t of_2;
    switch (bytes) {
    case 1: return *(const uint8_t *)from;
    case 2: memcpy(&of_2, from, 2); return of_2;
    case 4: memcpy(&of_4, from, 4); return of_4;
    default: memcpy(&of_8, from, 8); return of_8;
    }
}

/* The value as a CXM_DECIMAL, whose low byte comes first on every machine. */
static inline void store_decimal(void *to, int64_t value)
{
    uint8_t *const bytes = (uint8_t *)to;
    for (int b = 0; b < 16; b++)
        bytes[b] = (uint8_t)(b < 8 ? (uint64_t)value >> 8 * b : value < 0 ? 0xff : 0);
}

/* ---- a heap that fails on demand ------------------------------------------------------ */

struct heap {
    struct cxm_allocator allocator; /* hand over &heap.allocator */
    atomic_int calls; /* allocations asked for so far, by any thread */
    int fail_at;      /* call number fail_at (from 1) returns NULL; 0: none */
    bool fail_on;     /* and every later call too */
    atomic_int live;  /* blocks not yet released */
};

static inline void *heap_allocate(void *context, size_t bytes)
{
    struct heap *const heap = (struct heap *)context;
    const int call = ++heap->calls;
    if (heap->fail_at > 0 && (call == heap->fail_at || (heap->fail_on && call > heap->fail_at)))
        return NULL;
    void *const memory = malloc(bytes > 0 ? bytes : 1);
    heap->live += memory != NULL;
    return memory;
}

static inline void heap_release(void *context, void *memory)
{
    struct heap *const heap = (struct heap *)context;
    heap->live -= memory != NULL;
    free(memory);
}

/* `heap` stays where it is while its allocator is in use. */
static inline void heap_init(struct heap *heap, int fail_at)
{
    memset(heap, 0, sizeof *heap);
    heap->allocator = (struct cxm_allocator){ heap, heap_allocate, heap_release };
    heap->fail_at = fail_at;
}

/* ---- random input --------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood 2014): one word of state, every seed is good. */
static inline uint64_t random_u64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 0 … n - 1 */
static inline uint64_t random_below(uint64_t *state, uint64_t n)
{
    return random_u64(state) % n;
}

/* [0, 1) */
static inline double random_unit(uint64_t *state)
{
    return (double)(random_u64(state) >> 11) * 0x1p-53;
}

/* CXM_SEED in the environment repeats a run; the seed is printed when a test starts. */
static inline uint64_t random_seed(void)
{
    const char *const text = getenv("CXM_SEED");
    const uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : 20240229u;
    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

/* How many of n random trials to make: all of them, and a quarter where CXM_SLOW is in the environment,
 * because the processor is emulated or everything is watched. Meant for trials that only repeat what
 * differs in its random numbers; cases that are listed are never fewer. */
static inline int trials(int n)
{
    return getenv("CXM_SLOW") == NULL ? n : (n + 3) / 4;
}

#endif
