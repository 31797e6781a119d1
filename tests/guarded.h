/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Memory that ends where the next page may not be touched: what reads or writes beyond crashes.
 * Programs that include this define _DEFAULT_SOURCE first, for mmap with MAP_ANONYMOUS. */
#ifndef CXM_TESTS_GUARDED_H
#define CXM_TESTS_GUARDED_H

#include "testing.h"

#include <sys/mman.h>
#include <unistd.h>

struct guarded {
    uint8_t *bytes; /* as many as were asked for */
    void *map;
    size_t mapped;
};

static struct guarded guard(size_t n)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (n + page - 1) / page + 1;
    uint8_t *base = mmap(NULL, (pages + 1) * page, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(base != MAP_FAILED);
    assert_int_equal(mprotect(base + pages * page, page, PROT_NONE), 0);
    return (struct guarded){ base + pages * page - n, base, (pages + 1) * page };
}

static void unguard(struct guarded g)
{
    munmap(g.map, g.mapped);
}

#endif
