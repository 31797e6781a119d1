/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What every part of libcxm shares: visibility, statuses, errors, allocation.
 *
 * The library is a guest in the host's process: it never prints, never aborts,
 * never touches errno, the locale, signals or GSL's error handler, and keeps no
 * mutable global state.
 *
 * What holds for every call, unless its own comment says otherwise: inputs are borrowed until it
 * returns; a call that fails leaves objects and outputs as they were; one that needs memory may return
 * CXM_ENOMEM. A call that takes only columns, bytes and numbers is safe from any thread; distinct
 * objects may be used from different threads, one object by one thread at a time. */
#ifndef CXM_BASE_H
#define CXM_BASE_H

#include <stddef.h>
#include <stdint.h>

#include <cxm/version.h>

#if defined(_WIN32) && !defined(CXM_STATIC)
#ifdef CXM_BUILDING
#define CXM_API __declspec(dllexport)
#else
#define CXM_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define CXM_API __attribute__((visibility("default")))
#else
#define CXM_API
#endif

#if defined(__GNUC__)
#define CXM_NODISCARD __attribute__((warn_unused_result))
#else
#define CXM_NODISCARD
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** What every fallible function returns. The numbers never change. */
enum cxm_status {
    CXM_OK = 0,
    CXM_EINVAL = 1,        /**< an argument or option is wrong */
    CXM_EDATA = 2,         /**< a value is wrong: cxm_error has column, row and value */
    CXM_ENOMEM = 3,        /**< out of memory; everything is as it was */
    CXM_EOVERFLOW = 4,     /**< a count or a sum does not fit */
    CXM_ECORRUPT = 5,      /**< saved bytes or Arrow data are damaged or forged */
    CXM_EMISMATCH = 6,     /**< two tallies differ in what they count */
    CXM_EUNSUPPORTED = 7,  /**< valid, but not offered */
    CXM_ENOCONV = 8,       /**< an iteration did not converge */
    CXM_ESINGULAR = 9,     /**< a matrix has no inverse */
    CXM_ELONELY = 10,      /**< a stratum with a single cluster */
    CXM_EINCONSISTENT = 11,/**< the numbers given contradict each other */
    CXM_EEMPTYCELL = 12    /**< a population cell without any respondent */
};

/**
 * Where and why a call failed. Optional everywhere: NULL is allowed.
 * Written only when the call does not return CXM_OK.
 */
struct cxm_error {
    int32_t status;     /**< the status that was returned */
    int32_t reserved;
    int64_t row;        /**< offending row, from 0; -1 when no row is meant */
    char column[64];    /**< name of the column or option, "" when none is meant */
    char value[64];     /**< the offending value as text, "" when none is meant */
    char message[384];  /**< one sentence that says what is wrong and what to do */
};

/** A short English description of a status; never NULL, also for unknown numbers. */
CXM_API const char *cxm_status_message(enum cxm_status status);

/** The name of a status, such as "EDATA"; never NULL. */
CXM_API const char *cxm_status_name(enum cxm_status status);

/**
 * Where memory comes from. `allocate` returns memory aligned like malloc's or NULL; it must return,
 * so that hosts whose own raises an error and jumps away take the variant that gives NULL.
 * `release` gets what `allocate` returned, or NULL. Both may be called from several
 * threads at once when `threads` is above 1. NULL instead of an allocator means malloc.
 */
struct cxm_allocator {
    void *context;
    void *(*allocate)(void *context, size_t bytes);
    void (*release)(void *context, void *memory);
};

/** The version of the library that is loaded, such as "0.1.0". */
CXM_API const char *cxm_version(void);

/**
 * Sizes and offsets of the public structs, for bindings that must declare them again.
 * Writes up to `capacity` numbers and returns how many there are. Order: see layout.c;
 * entries are only ever appended.
 */
CXM_API size_t cxm_layout(uint64_t *out, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
