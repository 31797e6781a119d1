/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A source is one CSV file and what is wanted from it. Its cells are converted and collected in
 * chunks of rows; after each chunk the columns are ready to be added to tallies. */
#ifndef SCORECARD_SOURCE_H
#define SCORECARD_SOURCE_H

#include "cells.h"

struct source {
    char *path;
    char delimiter;
    struct cells **cells;
    size_t n_cells;
    /** Called when a chunk is ready. */
    void (*chunk)(struct source *source, void *user);
    void *user;
    int64_t rows;                  /* in this chunk */
    int64_t total_rows;
    int64_t *lines;                /* where each row of the chunk starts */
    size_t n_columns;              /* of the file */
    struct cells ***by_column;     /* for each column of the file a NULL-terminated list */
    char **kept;                   /* texts that rules point to */
    size_t n_kept;
};

/** The cells read by this rule, made when no equal rule was asked for before. */
struct cells *source_cells(struct source *source, const struct cell_rule *rule);

/** Takes over a text that rules point to, and gives it back. */
const char *source_keep(struct source *source, char *text);

/** Reads the file and calls `chunk` as often as needed, at least once. */
void source_read(struct source *source);
void source_free(struct source *source);

#endif
