/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading saved bytes that may be damaged or forged. */
#ifndef CXM_SRC_CURSOR_H
#define CXM_SRC_CURSOR_H

#include "tally/format.h"

/* A cursor that runs dry instead of running over: after a failed read `bad` is set, and all
 * further reads give zeros. */
struct cxm_cursor {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static inline const uint8_t *cxm_priv_take(struct cxm_cursor *c, size_t n)
{
    if (c->bad || n > c->left) {
        c->bad = true;
        return NULL;
    }
    const uint8_t *at = c->at;
    c->at += n;
    c->left -= n;
    return at;
}

static inline uint8_t cxm_priv_take_u8(struct cxm_cursor *c)
{
    const uint8_t *p = cxm_priv_take(c, 1);
    return p != NULL ? *p : 0;
}

static inline uint16_t cxm_priv_take_u16(struct cxm_cursor *c)
{
    const uint8_t *p = cxm_priv_take(c, 2);
    return p != NULL ? cxm_priv_get_u16(p) : 0;
}

static inline uint32_t cxm_priv_take_u32(struct cxm_cursor *c)
{
    const uint8_t *p = cxm_priv_take(c, 4);
    return p != NULL ? cxm_priv_get_u32(p) : 0;
}

static inline uint64_t cxm_priv_take_u64(struct cxm_cursor *c)
{
    const uint8_t *p = cxm_priv_take(c, 8);
    return p != NULL ? cxm_priv_get_u64(p) : 0;
}

static inline struct cxm_cursor cxm_priv_section(const struct cxm_saved *saved,
                                                 enum cxm_section tag)
{
    return (struct cxm_cursor){ saved->sections[tag].at, saved->sections[tag].n, false };
}

static inline enum cxm_status cxm_priv_corrupt(struct cxm_error *error, const char *what)
{
    return cxm_priv_fail(error, CXM_ECORRUPT, NULL, "not a sound tally: %s", what);
}

/* Fills the tables of a tally that has its schema and rows. */
enum cxm_status cxm_priv_read_tables(const struct cxm_saved *saved, uint64_t n_groups,
                                     uint64_t n_values, struct cxm_tally *tally,
                                     struct cxm_error *error);

#endif
