/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writes the golden tallies of this version:
 *   make_golden tests/data/golden-VERSION
 * Until a version is released its tallies may be written anew when the format changes; afterwards
 * never: test_golden reads those of every version. */
#include "golden.h"

static void write_file(const char *folder, size_t setup, struct saved saved)
{
    char name[64], path[4096];
    golden_name(setup, name);
    snprintf(path, sizeof path, "%s/%s.cxmt", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(saved.bytes, 1, saved.n, file) != saved.n || fclose(file) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    printf("%s, %zu bytes\n", path, saved.n);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_golden FOLDER\n");
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < N_GOLDEN; i++) {
        struct rows rows = golden_rows(i);
        struct cxm_tally *tally = tally_of(&rows);
        const struct saved saved = save(tally);
        write_file(argv[1], i, saved);
        free(saved.bytes);
        cxm_tally_free(tally);
        rows_free(&rows);
    }
    return EXIT_SUCCESS;
}
