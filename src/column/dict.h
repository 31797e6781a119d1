/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A dictionary of byte strings: each gets the next number, 0, 1, 2 … Keys of groups are encoded
 * so that comparing bytes orders them as the user expects (tally/tally.h), hence one dictionary
 * serves every kind of key. Typical: 1 to 1 000 keys of 9 bytes; extreme: tens of millions.
 * Keys that come in ascending order are only appended: the index of slots is made when the first
 * other key asks for it, so that a million sorted groups cost no look-ups.
 * Memory: the bytes, 16 to 24 bytes a key for offsets and slots. */
#ifndef CXM_SRC_DICT_H
#define CXM_SRC_DICT_H

#include "base/base.h"

struct cxm_dict {
    const struct cxm_allocator *allocator;
    uint8_t *bytes;      /* all keys, one after another */
    size_t bytes_used, bytes_capacity;
    size_t *ends;        /* ends[i]: where key i ends */
    uint32_t n, capacity;
    uint32_t *slots;     /* open addressing, key number + 1, 0 = free */
    uint32_t n_slots;    /* 0: no index yet, keys ascend; or a power of two */
};

static inline void cxm_priv_dict_init(struct cxm_dict *dict, const struct cxm_allocator *allocator)
{
    *dict = (struct cxm_dict){ .allocator = allocator };
}
void cxm_priv_dict_release(struct cxm_dict *dict);

static inline const uint8_t *cxm_priv_dict_key(const struct cxm_dict *dict, uint32_t i,
                                               size_t *n)
{
    const size_t start = i > 0 ? dict->ends[i - 1] : 0;
    *n = dict->ends[i] - start;
    /* Empty keys alone need no block, and NULL + 0 is undefined. */
    return dict->bytes != NULL ? dict->bytes + start : (const uint8_t *)"";
}

/* Makes the index, so that looking up takes constant time and a sufficient reserve is enough for
 * keys in any order. False: out of memory. */
bool cxm_priv_dict_index(struct cxm_dict *dict);

/* Number of a key, or UINT32_MAX. */
uint32_t cxm_priv_dict_find(const struct cxm_dict *dict, const uint8_t *key, size_t n);

/* Appends a key above all others to a dictionary in order that has room. */
void cxm_priv_dict_append(struct cxm_dict *dict, const uint8_t *key, size_t n);

/* The same for a key of n bytes that is yet to be written: where it goes (NULL: nowhere, no bytes). */
static inline uint8_t *cxm_priv_dict_append_room(struct cxm_dict *dict, size_t n)
{
    uint8_t *const key = n > 0 ? dict->bytes + dict->bytes_used : NULL; /* NULL + 0 is undefined */
    dict->bytes_used += n;
    dict->ends[dict->n++] = dict->bytes_used;
    return key;
}

/* Makes room for that many more keys and bytes. False: out of memory, nothing changed. */
bool cxm_priv_dict_reserve(struct cxm_dict *dict, size_t keys, size_t bytes);

/* Number of a key, which is added when it is new. UINT32_MAX: out of memory; never after a
 * sufficient reserve of an indexed dictionary. */
uint32_t cxm_priv_dict_add(struct cxm_dict *dict, const uint8_t *key, size_t n);

/* The same keys with the same numbers? */
bool cxm_priv_dict_equal(const struct cxm_dict *a, const struct cxm_dict *b);

/* For an empty dictionary: makes room to become a copy of another, then copies it. False: out of
 * memory, it stays empty. */
bool cxm_priv_dict_reserve_like(struct cxm_dict *into, const struct cxm_dict *from);
void cxm_priv_dict_copy(struct cxm_dict *into, const struct cxm_dict *from);

/* Before key i of `from` is looked up: asks for memory that keys soon after it need, and returns
 * which number one of them may have (UINT32_MAX: unknown). */
uint32_t cxm_priv_dict_fetch(const struct cxm_dict *dict, const struct cxm_dict *from, uint32_t i);

/* How many keys of `from` are not in `into`, and their bytes. Both in order (no index): one walk
 * along both, else looked up, which needs the index of `into`. */
size_t cxm_priv_dict_missing(const struct cxm_dict *into, const struct cxm_dict *from,
                             size_t *bytes);

static inline bool cxm_priv_dict_in_order(const struct cxm_dict *dict)
{
    return dict->n_slots == 0;
}

/* Merges two dictionaries in order; `into` has room for the keys that are missing. Goes from the
 * last key to the first, so that nothing is overwritten: `place` is told that number `to` is now
 * key `own` of `into` and key `other` of `from`, UINT32_MAX where it was not in one of them. */
typedef void cxm_dict_place(void *context, uint32_t to, uint32_t own, uint32_t other);
void cxm_priv_dict_merge_in_order(struct cxm_dict *into, const struct cxm_dict *from,
                                  cxm_dict_place *place, void *context);

/* Key numbers in the order of their bytes, `order` has room for dict->n. False: no memory. */
bool cxm_priv_dict_sort(const struct cxm_dict *dict, uint32_t *order);

/* Key order[i] becomes number i, of an order that sorts: a dictionary in order, without an index. False: no
 * memory, it stays as it was. */
bool cxm_priv_dict_put_in_order(struct cxm_dict *dict, const uint32_t *order);

#endif
