/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads a CSV file, plain or gzipped, from top to bottom through libcsv. */
#ifndef SCORECARD_CSV_FILE_H
#define SCORECARD_CSV_FILE_H

#include "text.h"

/** Who wants the cells. Text is valid during the call only and may hold any byte. */
struct csv_listener {
    void *user;
    void (*header)(void *user, const struct words *names);
    /** `line` is where the row starts, from 1. */
    void (*cell)(void *user, int64_t line, size_t column, const char *text, size_t bytes);
    /** All cells of a row were given. */
    void (*row)(void *user, int64_t line);
};

/**
 * Reads all of it. Every row must have as many cells as the header; empty lines are skipped.
 * Mistakes end the program with file and line. Shows its progress on stderr when the file is
 * long and stderr is a terminal.
 */
void csv_file_read(const char *path, char delimiter, const struct csv_listener *listener);

#endif
