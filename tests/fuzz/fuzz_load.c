/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Saved tallies and reports from a stranger. Whatever the bytes are: info and load end, touch nothing
 * beyond them, and agree; what loads is canonical, can be estimated, and merges with itself.
 *
 * A checksum would keep nearly every made-up input out, so each input is also tried with the
 * checksum put right, and with length and configuration hash put right too. */
#include "fuzz.h"

#include "tally/format.h"

#include <cxm/cxm.h>

enum { MANY = 64 };

/* What was loaded saves as the same bytes. Bytes of a later minor version may hold flags and
 * sections that this one leaves out: they save as bytes that load as an equal tally. */
static void saves_as(struct cxm_tally *tally, const uint8_t *bytes, size_t size)
{
    size_t n = 0;
    FUZZ_LAW(cxm_tally_save(tally, NULL, 0, &n, NULL) == CXM_OK);
    uint8_t *again = malloc(n);
    FUZZ_LAW(again != NULL);
    FUZZ_LAW(cxm_tally_save(tally, again, n, &n, NULL) == CXM_OK);
    if (bytes[5] <= CXM_FORMAT_MINOR) {
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

/* Curves and tests of tallies of survival; other metrics refuse. */
static void read_curves(struct cxm_tally *tally)
{
    enum cxm_status (*const curves[])(struct cxm_tally *, const struct cxm_survival_options *,
                                      struct cxm_report **, struct cxm_error *) = {
        cxm_tally_survival, cxm_tally_incidence
    };
    const struct cxm_survival_options options = { .size = sizeof options, .rows = 7, .total = 1 };
    struct cxm_report *report = NULL;
    for (int i = 0; i < 2; i++) {
        if (curves[i](tally, &options, &report, NULL) != CXM_OK)
            return;
        FUZZ_LAW(cxm_report_rows(report) >= 1);
        cxm_report_free(report);
    }
    if (cxm_tally_logrank(tally, NULL, &report, NULL) == CXM_OK)
        cxm_report_free(report);
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

/* What is asked for while bytes are read is given back, whatever they are. */
static int64_t n_live;

static void *take(void *context, size_t bytes)
{
    void *const memory = malloc(bytes);
    n_live += memory != NULL;
    (void)context;
    return memory;
}

static void give_back(void *context, void *memory)
{
    n_live -= memory != NULL;
    (void)context;
    free(memory);
}

static const struct cxm_allocator counting = { NULL, take, give_back };

static void try_bytes(const uint8_t *bytes, size_t size)
{
    struct cxm_error error;
    struct cxm_tally_info info;
    const enum cxm_status told = cxm_tally_info(bytes, size, &info, &error);

    struct cxm_tally *tally = NULL;
    const enum cxm_status got = cxm_tally_load(bytes, size, &counting, &tally, &error);
    if (got != CXM_OK) {
        FUZZ_LAW(n_live == 0);
        FUZZ_LAW(tally == NULL);
        FUZZ_LAW(error.message[0] != '\0');
        return;
    }
    FUZZ_LAW(told == CXM_OK);
    saves_as(tally, bytes, size);
    read_everything(tally);
    read_curves(tally);
    merge_with_itself(tally);
    cxm_tally_free(tally);
    FUZZ_LAW(n_live == 0);
}

static uint8_t *report_bytes(const struct cxm_report *report, size_t *n)
{
    FUZZ_LAW(cxm_report_save(report, NULL, 0, n, NULL) == CXM_OK);
    uint8_t *bytes = malloc(*n);
    FUZZ_LAW(bytes != NULL);
    FUZZ_LAW(cxm_report_save(report, bytes, *n, n, NULL) == CXM_OK);
    return bytes;
}

/* A report that loads is saved as bytes that load as the same. */
static void try_report(const uint8_t *bytes, size_t size)
{
    struct cxm_error error;
    struct cxm_report *report = NULL, *again = NULL;
    if (cxm_report_load(bytes, size, &counting, &report, &error) != CXM_OK) {
        FUZZ_LAW(n_live == 0);
        FUZZ_LAW(report == NULL);
        FUZZ_LAW(error.message[0] != '\0');
        return;
    }
    size_t n = 0, m = 0;
    uint8_t *first = report_bytes(report, &n);
    FUZZ_LAW(cxm_report_load(first, n, &counting, &again, NULL) == CXM_OK);
    uint8_t *second = report_bytes(again, &m);
    FUZZ_LAW(n == m && memcmp(first, second, n) == 0);
    free(second);
    free(first);
    cxm_report_free(again);
    cxm_report_free(report);
    FUZZ_LAW(n_live == 0);
}

static void put_checksum(uint8_t *bytes, size_t size)
{
    cxm_priv_put_u32(bytes + size - 4, cxm_priv_crc32c(0, bytes, size - 4));
}

/* The first two sections, if they are where they ought to be, give the hash. */
static void put_header(uint8_t *bytes, size_t size)
{
    const size_t first = CXM_HEADER_BYTES + CXM_SECTION_BYTES, end = size - CXM_CRC_BYTES;
    memcpy(bytes, "CXMT", 4);
    bytes[4] = CXM_FORMAT_MAJOR;
    cxm_priv_put_u64(bytes + 16, end - CXM_HEADER_BYTES);
    const uint64_t config = cxm_priv_get_u64(bytes + first - 8);
    if (first > end || config > end - first || end - first - config < CXM_SECTION_BYTES)
        return;
    const size_t second = first + (size_t)config + CXM_SECTION_BYTES;
    const uint64_t schema = cxm_priv_get_u64(bytes + second - 8);
    if (schema > end - second)
        return;
    const uint64_t hash = cxm_priv_hash(bytes + first, (size_t)config, 0);
    cxm_priv_put_u64(bytes + 24, cxm_priv_hash(bytes + second, (size_t)schema, hash));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_bytes(data, size);
    try_report(data, size);
    if (size < CXM_HEADER_BYTES + CXM_SECTION_BYTES + CXM_CRC_BYTES)
        return 0;
    uint8_t *sealed = malloc(size);
    FUZZ_LAW(sealed != NULL);
    memcpy(sealed, data, size);
    put_checksum(sealed, size);
    try_bytes(sealed, size);
    try_report(sealed, size);
    put_header(sealed, size);
    put_checksum(sealed, size);
    try_bytes(sealed, size);
    free(sealed);
    return 0;
}
