/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Memory between pages that may not be touched: what reads or writes beyond crashes. Programs that
 * include this define _DEFAULT_SOURCE first, for mmap with MAP_ANONYMOUS. */
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

/* n bytes that end, or begin, where such a page does. */
static inline struct guarded guard_at(size_t n, bool at_end)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), room = n / page * page + page;
    uint8_t *map = mmap(NULL, room + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                        -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map, page, PROT_NONE), 0);
    assert_int_equal(mprotect(map + page + room, page, PROT_NONE), 0);
    return (struct guarded){ map + page + (at_end ? room - n : 0), map, room + 2 * page };
}

static inline struct guarded guard(size_t n)
{
    return guard_at(n, true);
}

static inline void unguard(struct guarded g)
{
    munmap(g.map, g.mapped);
}

#endif
