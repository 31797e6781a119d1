/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of small.c share: the units as sums of bytes, the block that was read, the room. */
#ifndef CXM_SRC_SMALL_PARTS_H
#define CXM_SRC_SMALL_PARTS_H

#include "column/small.h"
#include "tally/small.h"
#include "tally/nibble_rows.h"

enum { CXM_MOST_SLOTS = 5120 };

/* A variable of a unit: constant + sum of coefs[k] times the byte of slots[k]. */
struct cxm_small_sum {
    uint32_t n;
    const uint16_t *slots;
    const int16_t *coefs;
    int16_t shift;    /* what is added so that the sum of bytes is not negative */
    int64_t constant; /* what that sum lacks to the value */
    bool plain;       /* it is the byte of slots[0] */
    uint8_t *low, *high;
};

struct cxm_small_unit {
    struct cxm_small_sum forms[2];
    uint32_t n_forms;
    uint32_t stripe,
        lane;       /* of the first form; the lane beside it: the second, or high bytes */
    bool two_bytes; /* of one form: low and high */
    bool balance;   /* made of the pairs with the rows */
    bool rescaled;
};

struct cxm_small_ahead {
    const uint8_t *from;
    size_t stride;
};

struct cxm_small {
    const struct cxm_allocator *allocator;
    const struct cxm_config *config;
    const struct cxm_sources *sources;
    struct cxm_small_kernels kernels;
    void *memory, *buffer_memory; /* of the arrays from here on */
    struct cxm_small_unit *units;
    struct cxm_reader *readers; /* by slot */
    struct cxm_small_scale *scales;
    const uint8_t **bytes;         /* by slot: the block */
    const uint8_t **terms;         /* of one form */
    struct cxm_small_ahead *ahead; /* of inputs that lie there plainly: their next block */
    uint32_t n_ahead;
    uint8_t **buffers; /* by slot */
    bool *used;        /* by slot */
    bool *in_place;    /* by slot: bytes that lie there, and whose range is looked at in the tiles */
    struct cxm_small_stripe stripes[CXM_MOST_STRIPES];
    const uint8_t *lanes[CXM_MOST_STRIPES][CXM_LANES];
    bool nibbles; /* rows are of 8 bytes */
    bool any_in_place; /* of the slots: the tiles of a block are made before any is added */
    const unsigned char *floats[CXM_LANES]; /* where the block begins, if its floats become tiles at once */
    bool of_floats;                         /* this block's do */
    int64_t other_until; /* rows before this one are read in the other way: there was something else */
    bool cut;     /* and scales that have no end were given one */
    bool missing, any_rescaled; /* in the block; of the units */
    struct cxm_small_slots slots;
    void *rows_memory, *sums_memory;
    uint32_t n_slots, room;
    bool by_key;  /* cursors are by key, not by number of the group + 1 */
    int64_t base; /* the first key */
    size_t n_cursors;
    size_t block;             /* rows that there is room for */
    size_t further;           /* rows beyond the next block that are fetched ahead */
    uint32_t *keys;
    const uint8_t *key_bytes; /* where the keys of the block lie as bytes, instead of in `keys` */
    uint8_t *tile; /* of nibbles: the whole block; begins with a line of the cache */
};

/* The units of the metric and their arrays; *possible false: it does not go this way. `coefs`: room
 * for twice the slots. False: out of memory. (small_units.c) */
bool cxm_priv_small_set_up(struct cxm_small *s, int32_t *coefs, bool *possible);

/* Whether pairs of floats can become tiles as they are; whether those of this block do. (small_floats.c) */
void cxm_priv_small_plan_floats(struct cxm_small *s);
bool cxm_priv_small_take_floats(struct cxm_small *s, int64_t first, size_t n);

/* A slot for a new group. False: out of memory, as in all of small_slots.c. */
bool cxm_priv_small_new_slot(struct cxm_small *s, uint32_t group, uint32_t *cursor);
/* n cursors from `base` on, those that there are at their new place. */
bool cxm_priv_small_move_cursors(struct cxm_small *s, int64_t base, size_t n);
/* From cursors by key to cursors by number of the group + 1; 0 is for rows left out. */
bool cxm_priv_small_leave_keys(struct cxm_small *s, size_t n_groups);

/* One key of whole numbers near each other needs no dictionary. (small_keys.c) */
bool cxm_priv_small_is_direct(const struct cxm_sources *sources);
/* The keys of a block, in s->keys as numbers of cursors. GROUPS: they lie too far apart. */
enum cxm_small_result cxm_priv_small_look_up(struct cxm_small *s, int64_t first, size_t n,
                                             size_t n_groups);

#endif
