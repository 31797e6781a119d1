/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Saved tallies from a stranger. Whatever the bytes are: info and load end, touch nothing
 * beyond them, and agree; what loads is canonical, can be estimated, and merges with itself.
 *
 * A checksum would keep nearly every made-up input out, so each input is also tried with the
 * checksum put right. */
#include "fuzz.h"

#include "tally/format.h"

#include <cxm/cxm.h>

enum { MANY = 64 };

/* Bytes of a later minor version may hold flags and sections that this one leaves out. */
static bool of_this_version(const uint8_t *bytes, size_t size)
{
    if (bytes[5] != CXM_FORMAT_MINOR || cxm_priv_get_u32(bytes + 8) != 0)
        return false;
    for (size_t at = CXM_HEADER_BYTES; at < size - CXM_CRC_BYTES;
         at += CXM_SECTION_BYTES + cxm_priv_get_u64(bytes + at + 8)) {
        if (cxm_priv_get_u16(bytes + at) > CXM_SECTION_VALUES)
            return false;
    }
    return true;
}

/* What was loaded saves as the same bytes, or as bytes that load as an equal tally. */
static void saves_as(struct cxm_tally *tally, const uint8_t *bytes, size_t size)
{
    size_t n = 0;
    FUZZ_LAW(cxm_tally_save(tally, NULL, 0, &n, NULL) == CXM_OK);
    uint8_t *again = malloc(n);
    FUZZ_LAW(again != NULL);
    FUZZ_LAW(cxm_tally_save(tally, again, n, &n, NULL) == CXM_OK);
    if (of_this_version(bytes, size)) {
        FUZZ_LAW(n == size);
        FUZZ_LAW(memcmp(again, bytes, size) == 0);
    } else {
        struct cxm_tally *second = NULL;
        FUZZ_LAW(cxm_tally_load(again, n, NULL, &second, NULL) == CXM_OK);
        FUZZ_LAW(cxm_tally_equal(tally, second));
        cxm_tally_free(second);
    }
    free(again);
}

static void read_everything(struct cxm_tally *tally)
{
    struct cxm_error error;
    char definition[64];
    (void)cxm_tally_definition(tally, definition, sizeof definition);

    const int64_t groups = cxm_tally_groups(tally);
    FUZZ_LAW(groups >= 0);
    for (size_t k = 0; k < cxm_tally_n_keys(tally); k++) {
        struct cxm_key_info info;
        FUZZ_LAW(cxm_tally_key_info(tally, k, &info) == CXM_OK);
        for (int64_t g = 0; g < groups && g < MANY; g++) {
            struct cxm_key key;
            FUZZ_LAW(cxm_tally_key(tally, g, k, &key) == CXM_OK);
        }
    }

    size_t n_measures = 0;
    FUZZ_LAW(cxm_tally_measures(tally, NULL, sizeof(struct cxm_measure), 0, &n_measures,
                                NULL) == CXM_OK);
    int64_t asked[] = { 0, CXM_TOTAL };
    for (uint32_t m = 0; m < n_measures && m < MANY; m++) {
        const struct cxm_estimate_options options = {
            .size = sizeof options,
            .measures = &m,
            .n_measures = 1,
            .groups = groups > 0 ? asked : asked + 1,
            .n_groups = groups > 0 ? 2 : 1,
        };
        struct cxm_estimate out[2];
        size_t n_out = 0;
        if (cxm_tally_estimate(tally, &options, out, sizeof out[0], 2, &n_out, &error) !=
            CXM_OK)
            continue;
        FUZZ_LAW(n_out == options.n_groups);
        struct cxm_base base;
        FUZZ_LAW(cxm_tally_base(tally, CXM_TOTAL, m, &base, NULL) == CXM_OK);
        FUZZ_LAW(base.rows == base.n + base.missing + base.invalid + base.excluded);
    }
}

static void merge_with_itself(const struct cxm_tally *tally)
{
    struct cxm_tally *copy = NULL;
    FUZZ_LAW(cxm_tally_copy(tally, &copy, NULL) == CXM_OK);
    FUZZ_LAW(cxm_tally_equal(tally, copy));
    if (cxm_tally_merge(copy, tally, NULL) == CXM_OK) {
        FUZZ_LAW(cxm_tally_subtract(copy, tally, NULL) == CXM_OK);
        FUZZ_LAW(cxm_tally_equal(tally, copy));
    } else {
        FUZZ_LAW(cxm_tally_equal(tally, copy));
    }
    cxm_tally_free(copy);
}

static void try_bytes(const uint8_t *bytes, size_t size)
{
    struct cxm_error error;
    struct cxm_tally_info info;
    const enum cxm_status told = cxm_tally_info(bytes, size, &info, &error);

    struct cxm_tally *tally = NULL;
    const enum cxm_status got = cxm_tally_load(bytes, size, NULL, &tally, &error);
    if (got != CXM_OK) {
        FUZZ_LAW(tally == NULL);
        FUZZ_LAW(error.message[0] != '\0');
        return;
    }
    FUZZ_LAW(told == CXM_OK);
    saves_as(tally, bytes, size);
    read_everything(tally);
    merge_with_itself(tally);
    cxm_tally_free(tally);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_bytes(data, size);
    if (size >= 4) {
        uint8_t *sealed = malloc(size);
        FUZZ_LAW(sealed != NULL);
        memcpy(sealed, data, size);
        cxm_priv_put_u32(sealed + size - 4, cxm_priv_crc32c(0, data, size - 4));
        try_bytes(sealed, size);
        free(sealed);
    }
    return 0;
}
