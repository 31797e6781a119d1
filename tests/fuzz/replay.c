/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs a fuzz target over kept inputs without libFuzzer: files, or folders of files. Each input
 * is copied into a block of exactly its size, so that sanitizers and valgrind see every
 * step beyond it; it also runs cut short at several places. */
#define _POSIX_C_SOURCE 200809L /* opendir */

#include "fuzz.h"

#include <dirent.h>
#include <string.h>

static unsigned long n_inputs;

static void run_bytes(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = calloc(size > 0 ? size : 1, 1);
    if (exact == NULL)
        exit(2);
    if (size > 0)
        memcpy(exact, bytes, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    static uint8_t bytes[1 << 20];
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    run_bytes(bytes, size);
    for (size_t cut = 0; cut < size; cut += size / 16 + 1)
        run_bytes(bytes, cut);
    n_inputs++;
}

static void run_path(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        run_file(path);
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char inner[4096];
        if (entry->d_name[0] == '.')
            continue;
        const int n = snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (n < 0 || (size_t)n >= sizeof inner)
            exit(2);
        run_file(inner);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    run_bytes(NULL, 0);
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("%lu inputs replayed\n", n_inputs);
    return n_inputs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
