/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The configuration: sections of "key = value" lines, read with libinih. */
#ifndef SCORECARD_CONFIG_H
#define SCORECARD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry {
    char *key, *value;
    int64_t line;
    bool used;           /* somebody asked for it; the others are misspelt */
};

struct section {
    char *name;
    int64_t line;
    struct entry *entries;
    size_t n_entries;
};

struct config {
    const char *path;
    struct section *sections;
    size_t n_sections;
    struct section *common;  /* [scorecard]: defaults of all sections, NULL: none */
};

/** Reads a file; mistakes end the program with file and line. */
struct config config_read(const char *path);
void config_free(struct config *config);

/** The entry of a section, else of [scorecard], else NULL; and marks it as used. */
struct entry *config_find(const struct config *config, struct section *section, const char *key);

/** The entry of that section alone. */
struct entry *section_find(struct section *section, const char *key);

/** Ends the program when an entry was never asked for; `known` says what could be there. */
void section_check_used(const struct config *config, const struct section *section,
                        const char *known);

#endif
