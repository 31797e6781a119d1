/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the fuzz targets share. Each is one function; libFuzzer calls it with inputs that it
 * makes up, replay.c with the inputs kept in corpus/. */
#ifndef CXM_TESTS_FUZZ_H
#define CXM_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A law that no input may break. Stays in release builds, unlike assert. */
#define FUZZ_LAW(condition)                                                                      \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);              \
            abort();                                                                             \
        }                                                                                        \
    } while (0)

#endif
