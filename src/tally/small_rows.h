/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of small whole numbers, 16 bytes 0 … 127 each, and the sums of a group of such rows: of
 * every byte, of its square, of its product with the byte beside it, how often it is the larger
 * of the two, and how often it is flagged. That is all that means, variances and gaps of survey
 * items need, and it is counted with byte products, 64 at a time where the processor can.
 *
 * Columns are turned into rows tile by tile (64 rows), the rows are dealt out to a short buffer of
 * their group, and a full buffer is summed at once: the sums stay in registers meanwhile. */
#ifndef CXM_SRC_SMALL_ROWS_H
#define CXM_SRC_SMALL_ROWS_H

#include "base/base.h"

enum {
    CXM_LANES = 16,           /* bytes of a row */
    CXM_TILE = 64,            /* rows of a tile */
    CXM_TILE_BYTES = CXM_TILE * CXM_LANES,
    CXM_DEALT = 64,           /* rows of a buffer */
    CXM_BUFFER_BYTES = CXM_DEALT * CXM_LANES,
    CXM_NIBBLE_ROW = 8,       /* bytes of a row of nibble_rows.h … */
    CXM_NIBBLE_DEALT = 128,   /* … and rows of their buffer: more cost less a row while there are few groups,
                               * and a fifth more where those of thousands leave the second-level cache */
    CXM_NIBBLE_BUFFER = CXM_NIBBLE_DEALT * CXM_NIBBLE_ROW,
    CXM_MOST_STRIPES = 8,     /* rows of more than 16 numbers are several stripes */
    CXM_SMALL_FLAG = 128,
    CXM_MOST_ADDED = 1 << 17, /* rows, 127^2 each, stay below 2^31 */
};

/* What the bytes of a stripe are. */
struct cxm_small_stripe {
    uint8_t partner[CXM_LANES]; /* the lane beside it; itself: none */
    uint8_t met[CXM_LANES];     /* larger than its partner means: by more than this */
    uint8_t first[CXM_LANES];   /* 1: the lane that is flagged where a value of the pair is missing */
    /* Of nibble_rows.h: the last byte of a row is `start` and the sum of all differences x - y. */
    bool balance;
    uint8_t start;
    uint8_t lowest[CXM_LANES], range[CXM_LANES]; /* whose bytes are to be lowest … lowest + range */
    uint8_t n_pairs, least, most; /* where floats become tiles at once: pairs from lane 0 on, whose numbers
                                   * are least … least + most; 0: never */
    /* For kernels, of cxm_priv_small_orders: four rows lane by lane, of the partners, and met. */
    uint8_t own[CXM_TILE], beside[CXM_TILE], limits[CXM_TILE];
};

enum { CXM_SUM_X, CXM_SUM_XX, CXM_SUM_XY, CXM_SUM_BEYOND, CXM_SUM_FLAG, CXM_SMALL_SUMS };

/* The same of the bytes of rows of 8 (nibble_rows.h), where x and y are the two of a pair. */
enum {
    CXM_FEW_X, CXM_FEW_Y, CXM_FEW_XX, CXM_FEW_XY, CXM_FEW_YY,
    CXM_FEW_ABOVE, CXM_FEW_BELOW, CXM_FEW_FLAGS, CXM_FEW_SUMS
};

/* Sums of one stripe of one group: in 32 bits what was added lately, then in 64. A flag counts
 * 128. */
struct cxm_small_sums {
    union {
        int32_t recent[CXM_SMALL_SUMS][CXM_LANES];
        int32_t few[CXM_FEW_SUMS][CXM_NIBBLE_ROW]; /* a flag counts 1 */
    };
    int64_t wide[CXM_SMALL_SUMS][CXM_LANES];
};

struct cxm_small_group {
    int64_t rows;             /* in the sums, less the zeros that its buffer began with */
    uint32_t added;           /* of these, in the recent ones */
    uint32_t group;           /* its number, UINT32_MAX: rows left out */
};

/* Adds n <= CXM_TILE rows, a multiple of 4, that lie side by side. */
typedef void cxm_small_add(const struct cxm_small_stripe *stripe, const uint8_t *rows, size_t n,
                           bool flags, struct cxm_small_sums *sums);

/* Where the rows of a key go. A cursor is 0 for a key that was not met yet, otherwise the place of
 * its next row, in bytes from the end of the first row of all buffers; a multiple of
 * buffer_bytes means that one more row fills the buffer. Slot 0 catches the rows of new keys. */
struct cxm_small_slots {
    uint32_t n_stripes;
    uint32_t row_bytes;       /* CXM_LANES, or CXM_NIBBLE_ROW of the one stripe */
    uint32_t buffer_bytes;
    cxm_small_add *add;       /* the kernel that sums full buffers */
    bool flags;               /* are any rows flagged? */
    bool eights;              /* nibbles are dealt eight rows at a time */
    const struct cxm_small_stripe *stripes;
    uint8_t *buffers;         /* [slot][stripe]rows of buffer_bytes, after 64 bytes */
    struct cxm_small_sums *sums; /* [slot][stripe] */
    struct cxm_small_group *groups; /* by slot */
    uint32_t *cursors;        /* by key */
};

static inline uint8_t *cxm_priv_small_row(const struct cxm_small_slots *s, uint32_t cursor,
                                          uint32_t stripe)
{
    return s->buffers + 64 - s->row_bytes + cursor + (size_t)stripe * s->buffer_bytes;
}

static inline uint32_t cxm_priv_small_slot(const struct cxm_small_slots *s, uint32_t cursor)
{
    return (cursor - 1) / (s->n_stripes * s->buffer_bytes);
}

/* Row i of a tile lies at this byte: 16 rows of each quarter side by side, as unpacking leaves
 * them. */
static inline size_t cxm_priv_small_place(size_t i)
{
    return i % 16 * 64 + i / 16 * 16;
}

/* Makes n <= CXM_TILE rows from columns, from byte `first` on, the rest zeros. With flags, a pair of which
 * one value is flagged becomes zeros, the first of them flagged. */
typedef void cxm_small_tile(const struct cxm_small_stripe *stripe,
                            const uint8_t *const columns[CXM_LANES], size_t first, size_t n,
                            bool flags, uint8_t rows[CXM_TILE_BYTES]);

/* low + 128 high = constant + sum of coefs[k] columns[k], which is within 0 … 16383. With flags,
 * a row of which a value is flagged becomes 0, low flagged. Returns the bits of all high bytes. */
typedef uint8_t cxm_small_form(const uint8_t *const *columns, const int16_t *coefs,
                               uint32_t n_columns, int16_t constant, size_t n, bool flags,
                               uint8_t *low, uint8_t *high);

/* Writes keys - base, as unsigned; returns the largest. */
typedef uint32_t cxm_small_reach(const uint32_t *keys, size_t n, uint32_t base, uint32_t *out);

void cxm_priv_small_orders(struct cxm_small_stripe *stripe);

cxm_small_tile cxm_priv_small_tile_c;
cxm_small_add cxm_priv_small_add_c;
cxm_small_form cxm_priv_small_form_c;
cxm_small_reach cxm_priv_small_reach_c;
#if defined(__x86_64__) && defined(__GNUC__)
cxm_small_tile cxm_priv_small_tile_avx2;
cxm_small_add cxm_priv_small_add_avx2;
cxm_small_form cxm_priv_small_form_avx2;
cxm_small_reach cxm_priv_small_reach_avx2;
cxm_small_tile cxm_priv_small_tile_avx512;
cxm_small_add cxm_priv_small_add_avx512;
cxm_small_form cxm_priv_small_form_avx512;
cxm_small_reach cxm_priv_small_reach_avx512;
#endif

/* Of nibble_rows.h: the tiles of rows first … first + n - 1, one after the other. False: a byte is not in
 * the range of its lane; the rows then hold anything. */
typedef bool cxm_nibble_tiles(const struct cxm_small_stripe *stripe,
                              const uint8_t *const columns[CXM_LANES], size_t first, size_t n,
                              bool flags, uint8_t *rows);

/* The tile of CXM_TILE rows of floats that lie side by side. False: one is no such number; the rows then
 * hold anything. */
typedef bool cxm_nibble_floats(const struct cxm_small_stripe *stripe,
                               const unsigned char *const columns[CXM_LANES], size_t first, uint8_t *rows);

struct cxm_small_kernels {
    cxm_small_tile *tile;    /* of rows of 16 bytes, … */
    cxm_nibble_tiles *tiles; /* … of 8; the other is NULL */
    cxm_nibble_floats *floats; /* of 8; NULL: they become bytes first */
    cxm_small_add *add;
    cxm_small_form *form;
    cxm_small_reach *reach;
    bool eights; /* of 8: is it faster to deal eight of them at a time, … */
    bool nearer; /* … and to read inputs that are to become bytes fewer rows ahead? */
};

/* `mask` as in kernels.h. */
struct cxm_small_kernels cxm_priv_small_kernels(unsigned mask);

/* Deals rows first … n - 1 of a tile (all its stripes) out to their buffers; full ones are summed.
 * Returns the first row whose key was not met before, n when there is none. */
size_t cxm_priv_small_deal(struct cxm_small_slots *slots, const uint8_t *tile,
                           const uint32_t *keys, size_t first, size_t n);
/* The same of rows of nibbles, where keys are bytes. */
size_t cxm_priv_nibble_deal(struct cxm_small_slots *slots, const uint8_t *tile,
                            const uint8_t *keys, size_t first, size_t n);

/* Before rows are added to the sums of a slot: makes room in the 32 bits. */
void cxm_priv_small_spill(struct cxm_small_slots *slots, uint32_t slot);
static inline void cxm_priv_small_count(struct cxm_small_slots *slots, uint32_t slot, uint32_t n)
{
    if (CXM_UNLIKELY(slots->groups[slot].added + n > CXM_MOST_ADDED))
        cxm_priv_small_spill(slots, slot);
    slots->groups[slot].added += n;
    slots->groups[slot].rows += n;
}

#endif
