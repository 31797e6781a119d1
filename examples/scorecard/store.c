/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tallies of a scorecard in a folder, one file each: tonight's are merged with those of the
 * nights before, without reading the old CSV files again. */
#include "card.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* "3-nps-region.cxm": the place in the configuration, the section and the keys. */
static char *file_name(const char *folder, size_t place, const struct card *card,
                       const struct table *table)
{
    char *path = format_text("%s/%zu-%s%s%s.cxm", folder, place + 1, card->section->name,
                             table->n_keys > 0 ? "-" : "", table->name);
    for (char *c = path + strlen(folder) + 1; *c != '\0'; c++)
        if (strchr(" /\\:*?\"<>|()", *c) != NULL)
            *c = '_';
    return path;
}

/* First beside its place: when the disk is full, what was saved before is still there. */
static void write_bytes(const uint8_t *bytes, size_t n, const char *path)
{
    char *beside = format_text("%s.new", path);
    FILE *file = fopen(beside, "wb");
    bool good = file != NULL && fwrite(bytes, 1, n, file) == n;
    good = file != NULL && fclose(file) == 0 && good;
    if (!good || rename(beside, path) != 0) {
        const int reason = errno;
        if (file != NULL)
            remove(beside);
        fail("%s: %s", path, strerror(reason));
    }
    free(beside);
}

static void save_tally(struct cxm_tally *tally, const char *path)
{
    size_t bytes = 0;
    struct cxm_error error;
    if (cxm_tally_save(tally, NULL, 0, &bytes, &error) != CXM_OK)
        fail("%s: %s", path, error.message);
    uint8_t *memory = resize(NULL, bytes, 1);
    if (cxm_tally_save(tally, memory, bytes, &bytes, &error) != CXM_OK)
        fail("%s: %s", path, error.message);
    write_bytes(memory, bytes, path);
    free(memory);
}

static uint8_t *read_bytes(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail("%s: %s", path, strerror(errno));
    uint8_t *memory = NULL;
    size_t capacity = 0, got = 0;
    do {
        capacity = 2 * capacity + 65536;
        memory = resize(memory, capacity, 1);
        got += fread(memory + got, 1, capacity - got, file);
    } while (got == capacity);
    if (ferror(file))
        fail("%s: %s", path, strerror(errno));
    fclose(file);
    *n = got;
    return memory;
}

static void merge_tally(struct cxm_tally *into, const char *path)
{
    size_t n = 0;
    uint8_t *bytes = read_bytes(path, &n);
    struct cxm_tally *saved = NULL;
    struct cxm_error error;
    if (cxm_tally_load(bytes, n, NULL, &saved, &error) != CXM_OK)
        fail("%s: %s", path, error.message);
    if (cxm_tally_merge(into, saved, &error) != CXM_OK)
        fail("%s: %s", path, error.message);
    cxm_tally_free(saved);
    free(bytes);
}

void cards_save(const struct cards *cards, const char *folder)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        fail("%s: %s", folder, strerror(errno));
    for (size_t i = 0; i < cards->n; i++) {
        for (size_t k = 0; k < cards->card[i].n_tables; k++) {
            struct table *table = &cards->card[i].tables[k];
            char *path = file_name(folder, i, &cards->card[i], table);
            save_tally(table->tally, path);
            free(path);
        }
    }
}

void cards_merge(const struct cards *cards, const char *folder)
{
    for (size_t i = 0; i < cards->n; i++) {
        for (size_t k = 0; k < cards->card[i].n_tables; k++) {
            struct table *table = &cards->card[i].tables[k];
            char *path = file_name(folder, i, &cards->card[i], table);
            merge_tally(table->tally, path);
            free(path);
        }
    }
}
