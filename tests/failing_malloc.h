/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A malloc that fails on demand, for calls that take no allocator. Programs that include this are
 * named in `wrapped` of tests/meson.build: the linker puts these functions in malloc's place. */
#ifndef CXM_TESTS_FAILING_MALLOC_H
#define CXM_TESTS_FAILING_MALLOC_H

#include "testing.h"

static bool armed, fail_on;
static long countdown, balance;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void __real_free(void *memory);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void __wrap_free(void *memory);

static bool refuses(void)
{
    if (!armed)
        return false;
    const long left = __atomic_sub_fetch(&countdown, 1, __ATOMIC_RELAXED); /* threads allocate too */
    return left == 0 || (fail_on && left < 0);
}

static void *counted(void *memory)
{
    __atomic_fetch_add(&balance, armed && memory != NULL, __ATOMIC_RELAXED);
    return memory;
}

void *__wrap_malloc(size_t bytes)
{
    return refuses() ? NULL : counted(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return refuses() ? NULL : counted(__real_calloc(count, bytes));
}

void __wrap_free(void *memory)
{
    __atomic_fetch_sub(&balance, armed && memory != NULL, __ATOMIC_RELAXED);
    __real_free(memory);
}

/* Every allocation of a call fails once, and once from then on: the call says ENOMEM each time,
 * frees what it got, and succeeds when nothing is left to fail. `call` frees its own results. */
static inline void assert_survives_no_memory(enum cxm_status (*call)(void))
{
    for (int on = 0; on < 2; on++) {
        for (long fail_at = 1;; fail_at++) {
            fail_on = on != 0;
            countdown = fail_at;
            balance = 0;
            armed = true;
            const enum cxm_status got = call();
            armed = false;
            assert_int_equal(balance, 0);
            if (got == CXM_OK && countdown > 0)
                break;
            assert_int_equal(got, CXM_ENOMEM);
        }
    }
}

#endif
