/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One CSV file: which columns of it go where, and its rows in chunks. */
#include "source.h"
#include "csv_file.h"

#include <stdlib.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_rule(const struct cell_rule *a, const struct cell_rule *b)
{
    return a->kind == b->kind && same_text(a->column, b->column)
           && same_text(a->missing, b->missing) && same_text(a->labels, b->labels)
           && same_text(a->categories, b->categories) && same_text(a->condition, b->condition)
           && a->calendar == b->calendar && a->has_offset == b->has_offset
           && a->utc_offset == b->utc_offset && a->strict == b->strict;
}

const char *source_keep(struct source *source, char *text)
{
    source->kept = resize(source->kept, source->n_kept + 1, sizeof *source->kept);
    source->kept[source->n_kept++] = text;
    return text;
}

struct cells *source_cells(struct source *source, const struct cell_rule *rule)
{
    for (size_t i = 0; i < source->n_cells; i++)
        if (same_rule(&source->cells[i]->rule, rule))
            return source->cells[i];
    source->cells = resize(source->cells, source->n_cells + 1, sizeof *source->cells);
    source->cells[source->n_cells] = cells_new(rule);
    return source->cells[source->n_cells++];
}

static size_t find_column(const struct source *source, const struct words *names,
                          const struct cells *cells)
{
    const char *wanted = cells->csv_name;
    size_t found = names->n;
    const char *similar = NULL;
    for (size_t i = 0; i < names->n; i++) {
        if (strcasecmp(names->item[i], wanted) == 0)
            similar = names->item[i];
        if (strcmp(names->item[i], wanted) != 0)
            continue;
        if (found < names->n)
            fail_at(source->path, 1, "two columns are called \"%s\"", wanted);
        found = i;
    }
    if (found == names->n && is_condition(wanted))
        fail_at(cells->rule.config_path, cells->rule.config_line,
                "%s has no column \"%s\"; only yes/no inputs take comparisons, labels = ... "
                "say what the texts and codes of others mean",
                source->path, wanted);
    if (found == names->n)
        fail_at(cells->rule.config_path, cells->rule.config_line,
                "%s has no column \"%s\"%s%s%s", source->path, wanted,
                similar ? "; did you mean \"" : "", similar ? similar : "",
                similar ? "\"?" : "");
    return found;
}

static void on_header(void *user, const struct words *names)
{
    struct source *source = user;
    source->n_columns = names->n;
    source->by_column = zeroed(names->n, sizeof *source->by_column);
    for (size_t i = 0; i < names->n; i++)
        source->by_column[i] = zeroed(source->n_cells + 1, sizeof **source->by_column);
    for (size_t i = 0; i < source->n_cells; i++) {
        struct cells **list = source->by_column[find_column(source, names, source->cells[i])];
        while (*list != NULL)
            list++;
        *list = source->cells[i];
    }
}

static void on_cell(void *user, int64_t line, size_t column, const char *text, size_t bytes)
{
    struct source *source = user;
    source->lines[source->rows] = line;
    struct cells **list = source->by_column[column];
    if (*list == NULL)
        return;
    for (; *list != NULL; list++)
        cells_take(*list, source, text, bytes);
}

static void finish_chunk(struct source *source)
{
    for (size_t i = 0; i < source->n_cells; i++) {
        struct cells *cells = source->cells[i];
        cells->column.n = source->rows;
        cells->column.heap = cells->heap;
        if (cells->offsets != NULL)
            cells->column.heap_bytes = &cells->offsets[source->rows];
    }
    source->chunk(source, source->user);
    for (size_t i = 0; i < source->n_cells; i++) {
        source->cells[i]->heap_bytes = 0;
        words_free(&source->cells[i]->bad_texts);
    }
    source->total_rows += source->rows;
    source->rows = 0;
}

static void on_row(void *user, int64_t line)
{
    struct source *source = user;
    source->lines[source->rows] = line;
    if (++source->rows == CHUNK_ROWS)
        finish_chunk(source);
}

void source_read(struct source *source)
{
    const struct csv_listener listener = { source, on_header, on_cell, on_row };
    source->lines = zeroed(CHUNK_ROWS, sizeof *source->lines);
    csv_file_read(source->path, source->delimiter, &listener);
    if (source->rows > 0 || source->total_rows == 0)
        finish_chunk(source);
    for (size_t i = 0; i < source->n_cells; i++) {
        const struct cells *cells = source->cells[i];
        if (cells->n_not_utf8 > 0)
            warn_at(source->path, 0,
                    "%lld values of %s are not UTF-8 and cannot be shown or compared as they were "
                    "meant; save the file as UTF-8",
                    (long long)cells->n_not_utf8, cells->csv_name);
        if (cells->n_bad_keys > 0)
            warn_at(source->path, 0,
                    "%lld values of %s could not be read; their rows are in "
                    "the group \"(missing)\"",
                    (long long)cells->n_bad_keys, cells->rule.column);
    }
}

void source_free(struct source *source)
{
    for (size_t i = 0; i < source->n_cells; i++)
        cells_free(source->cells[i]);
    for (size_t i = 0; i < source->n_columns; i++)
        free(source->by_column[i]);
    for (size_t i = 0; i < source->n_kept; i++)
        free(source->kept[i]);
    free(source->kept);
    free(source->by_column);
    free(source->cells);
    free(source->lines);
    free(source->path);
    *source = (struct source){ 0 };
}
