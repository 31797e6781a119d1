/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The saved form of a tally: little-endian, canonical (equal tallies give equal bytes).
 *
 *   0  "CXMT"          4  u8 major        5  u8 minor       6  u16 kind of metric
 *   8  u32 flags       12 u32 0           16 u64 length of all sections
 *   24 u64 configuration hash             32 sections       end  u32 CRC-32C of all before
 *
 * The hash is cxm_priv_hash of section 2, seeded with that of section 1, seeded with 0.
 *
 * A section: u16 tag, u16 flags (bit 0: critical), u32 0, u64 length, then that many bytes.
 * Sections stand in the order of their tags. Integers have a fixed size. text = u32 bytes,
 * then UTF-8. Bytes of a newer minor version may have more sections and flags: readers skip those
 * that they do not know, unless they are critical (flags: the low 16 bits).
 *
 *   1 configuration  text metric; u32 parameters; of each: text name, u32 n, f64 * n,
 *                    u32 n, text * n
 *   2 schema         u8 weighted, u8 has values; u32 optional inputs given (bits);
 *                    u32 keys; of each: text name, u32 type,
 *                    u32 calendar, u32 categories, text * categories;
 *                    if it has values: u32 type, u32 categories, text * categories
 *                    if flag 1, a sampling design (minor 1): u32 keys, at least 1; of each:
 *                    u8 role (cxm_key_role, ascending), then as the keys before
 *   3 rows           u64 rows, u64 left out, u64 cells, u64 values
 *   4 cells          one a group, or one of each combination of all keys with a design;
 *                    ascending keys; of each: u32 bytes, key; u64 counters; of each sum:
 *                    i16 first digit, u16 digits, u32 * digits (two's complement, base 2^32)
 *                    counters of a unit: its bins, missing, invalid, zero weight, own reasons;
 *                    sums: see config.h, cxm_priv_unit_sums
 *   5 values         the same for the key table; a key is a group's key and a value's; one
 *                    counter, or as many as the metric says (survival: censored, lost by cause
 *                    1 … K, came in; the values are times, and there are values with any row)
 *
 *   6 frame          with margins only: of each cell, in the order of section 4, u64 rows, with
 *                    weights the sums of w and of w^2 of all of them as in section 4
 *
 * A tally without rows has no schema: section 2 then holds zeros. */
#ifndef CXM_SRC_FORMAT_H
#define CXM_SRC_FORMAT_H

#include "tally/tally.h"

enum { CXM_FORMAT_MAJOR = 1, CXM_FORMAT_MINOR = 1, CXM_HEADER_BYTES = 32,
       CXM_SECTION_BYTES = 16, CXM_CRC_BYTES = 4 };

enum cxm_section { CXM_SECTION_CONFIG = 1, CXM_SECTION_SCHEMA = 2, CXM_SECTION_ROWS = 3,
                   CXM_SECTION_GROUPS = 4, CXM_SECTION_VALUES = 5,
                   CXM_SECTION_FRAME = 6 };

/* Flags of the header; each belongs to what earlier versions cannot read. */
enum { CXM_SAVED_DESIGN = 1 };

/* The minor version that a tally is saved with: the lowest that can express it. */
int32_t cxm_priv_format_minor(const struct cxm_tally *tally);

/* Digits of all sums lie within these limits: the lowest bit is that of w x^2, 2^-385 (2^-1074)^2;
 * values times weights are finite, so that 2^63 products stay below 2^2111. */
enum { CXM_FIRST_DIGIT = -80, CXM_LAST_DIGIT = 72 };

/* The hash of configuration and schema as saved. */
uint64_t cxm_priv_configuration_hash(const struct cxm_tally *tally);

struct cxm_bytes {
    const uint8_t *at;
    size_t n;
};

/* A saved tally cut into its parts, header and checksum checked. */
struct cxm_saved {
    uint8_t major, minor;
    uint16_t kind;
    bool design; /* has a sampling design */
    uint64_t hash;
    struct cxm_bytes sections[CXM_SECTION_FRAME + 1]; /* by tag; at = NULL: absent */
};

enum cxm_status cxm_priv_open_saved(const uint8_t *bytes, size_t n, struct cxm_saved *out,
                                    struct cxm_error *error);

/* The name of the metric and the parameters, as `params` for cxm_priv_tally_new. Everything
 * points into `memory`, which the caller releases. */
struct cxm_saved_params {
    char metric[24];
    struct cxm_param params[CXM_MAX_PARAMS];
    size_t n;
    void *memory;
};
enum cxm_status cxm_priv_read_params(const struct cxm_saved *saved,
                                     const struct cxm_allocator *allocator,
                                     struct cxm_saved_params *out, struct cxm_error *error);

/* Fills a fresh tally of the right configuration with schema and rows. */
enum cxm_status cxm_priv_read_rows(const struct cxm_saved *saved, struct cxm_tally *tally,
                                   struct cxm_error *error);

/* Reads what cxm_tally_info shows without the registry. */
enum cxm_status cxm_priv_read_info(const struct cxm_saved *saved, struct cxm_tally_info *out,
                                   struct cxm_error *error);

#endif
