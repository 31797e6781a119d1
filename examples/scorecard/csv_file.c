/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * libcsv (RFC 4180 quotes, any line ends) reports cells and rows but no lines, so they are
 * counted here: ends of rows, which it reports one by one with CSV_REPALL_NL ("\r\n" is two
 * of them), and line feeds inside quoted cells. zlib reads plain files as they are. */
#include "csv_file.h"

#include <csv.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum {
    BUFFER_BYTES = 1 << 18,
    LONG_FILE_BYTES = 1 << 24,
    CSV_OPTIONS = CSV_REPALL_NL | CSV_APPEND_NULL
};

struct csv_file {
    const char *path;
    const struct csv_listener *listener;
    struct words names; /* the header */
    bool header_done;
    size_t cells;      /* of this row so far */
    int64_t row_line;  /* where this row starts */
    int64_t line;      /* where the parser is */
    bool after_return; /* the last thing seen was "\r" */
};

static int64_t count_line_feeds(const char *text, size_t bytes)
{
    int64_t n = 0;
    for (const char *end = text + bytes; text < end; n++) {
        text = memchr(text, '\n', (size_t)(end - text));
        if (text == NULL)
            break;
        text++;
    }
    return n;
}

static void take_name(struct csv_file *file, const char *text, size_t bytes)
{
    if (file->names.n == 0 && bytes >= 2
        && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0))
        fail_at(file->path, 1, "this file is UTF-16; save it as UTF-8");
    char *name = copy_text(text, bytes);
    words_add(&file->names, name);
    free(name);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* libcsv drops the spaces around a cell; those inside its quotes go too: databases pad texts. */
static void on_cell(void *cell, size_t bytes, void *user)
{
    struct csv_file *file = user;
    char *text = cell;
    if (file->cells == 0)
        file->row_line = file->line;
    file->line += count_line_feeds(text, bytes);
    file->after_return = false;
    for (; bytes > 0 && is_space(*text); text++)
        bytes--;
    while (bytes > 0 && is_space(text[bytes - 1]))
        text[--bytes] = '\0';
    if (!file->header_done)
        take_name(file, text, bytes);
    else if (file->cells < file->names.n)
        file->listener->cell(file->listener->user, file->row_line, file->cells, text, bytes);
    file->cells++;
}

static void finish_row(struct csv_file *file)
{
    if (!file->header_done) {
        file->header_done = true;
        file->listener->header(file->listener->user, &file->names);
    } else if (file->cells != file->names.n) {
        fail_at(file->path, file->row_line, "%zu cells, but the header names %zu columns%s",
                file->cells, file->names.n,
                file->line > file->row_line ? " (is a quote missing?)" : "");
    } else {
        file->listener->row(file->listener->user, file->row_line);
    }
    file->cells = 0;
}

static void on_row(int end, void *user)
{
    struct csv_file *file = user;
    const bool second_half = end == '\n' && file->after_return && file->cells == 0;
    if (file->cells > 0)
        finish_row(file);
    if (!second_half)
        file->line++;
    file->after_return = end == '\r';
}

/* ---- reading ----------------------------------------------------------------------------- */

struct progress {
    const char *path;
    double total; /* bytes of the file as stored; 0: show nothing */
    struct timespec shown;
    bool visible;
};

static struct progress progress_start(const char *path)
{
    struct progress progress = { .path = path };
    struct stat status;
    if (isatty(STDERR_FILENO) && stat(path, &status) == 0 && status.st_size >= LONG_FILE_BYTES)
        progress.total = (double)status.st_size;
    clock_gettime(CLOCK_MONOTONIC, &progress.shown);
    return progress;
}

static void progress_show(struct progress *progress, gzFile gz)
{
    if (progress->total <= 0)
        return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const double waited = (double)(now.tv_sec - progress->shown.tv_sec)
                          + 1e-9 * (double)(now.tv_nsec - progress->shown.tv_nsec);
    if (waited < 0.2)
        return;
    progress->shown = now;
    progress->visible = true;
    fprintf(stderr, "\r%s: %.0f %%\033[K", progress->path,
            100 * (double)gzoffset(gz) / progress->total);
}

static void progress_end(const struct progress *progress)
{
    if (progress->visible)
        fprintf(stderr, "\r\033[K");
}

static void check_parser(struct csv_parser *parser, struct csv_file *file, bool good)
{
    if (good)
        return;
    if (csv_error(parser) == CSV_EPARSE)
        fail_at(file->path, file->cells > 0 ? file->row_line : file->line,
                "a quote that opens in this row is never closed");
    fail_at(file->path, file->line, "%s", csv_strerror(csv_error(parser)));
}

/* It goes before the parser sees it: a quote after it still opens a cell. */
static size_t byte_order_mark(const char *text, size_t bytes)
{
    return bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

static void read_all(gzFile gz, struct csv_parser *parser, struct csv_file *file)
{
    struct progress progress = progress_start(file->path);
    char *buffer = resize(NULL, BUFFER_BYTES, 1);
    int bytes = 0;
    bool first = true;
    while ((bytes = gzread(gz, buffer, BUFFER_BYTES)) > 0) {
        const size_t mark = first ? byte_order_mark(buffer, (size_t)bytes) : 0;
        const size_t rest = (size_t)bytes - mark;
        first = false;
        check_parser(parser, file,
                     csv_parse(parser, buffer + mark, rest, on_cell, on_row, file) == rest);
        progress_show(&progress, gz);
    }
    progress_end(&progress);
    free(buffer);
    int number = Z_OK;
    const char *reason = gzerror(gz, &number);
    if (number == Z_ERRNO)
        reason = strerror(errno);
    if (number != Z_OK)
        fail_at(file->path, file->line, "cannot be read: %s",
                number == Z_BUF_ERROR ? "the compressed file ends too early" : reason);
    /* Quotes inside cells are let pass, but a quote that swallows the rest of the file is not. */
    csv_set_opts(parser, CSV_OPTIONS | CSV_STRICT | CSV_STRICT_FINI);
    check_parser(parser, file, csv_fini(parser, on_cell, on_row, file) == 0);
}

void csv_file_read(const char *path, char delimiter, const struct csv_listener *listener)
{
    struct stat status;
    if (stat(path, &status) != 0)
        fail("%s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        fail("%s is a folder", path);
    gzFile gz = gzopen(path, "rb");
    if (gz == NULL)
        fail("%s: %s", path, errno != 0 ? strerror(errno) : "out of memory");
    gzbuffer(gz, BUFFER_BYTES);
    struct csv_parser parser;
    if (csv_init(&parser, CSV_OPTIONS) != 0)
        fail("out of memory");
    csv_set_delim(&parser, (unsigned char)delimiter);
    struct csv_file file = { .path = path, .listener = listener, .line = 1 };
    read_all(gz, &parser, &file);
    if (!file.header_done)
        fail_at(path, 0, "is empty: the first line must name the columns");
    csv_free(&parser);
    gzclose_r(gz);
    words_free(&file.names);
}
