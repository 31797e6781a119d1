/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * scorecard: reads surveys, tickets and customers from CSV files and prints their metrics by
 * segment and period, each with its interval, base and definition.
 *
 *   scorecard examples/scorecard.conf
 *   scorecard --json examples/scorecard.conf | jq .
 *
 * The configuration maps columns to metrics; examples/scorecard.conf explains it. What a metric
 * takes and yields is read from the registry of libcxm, so that a new metric needs no change
 * here. The files: config (read the configuration), card and params (bind it to the registry),
 * csv_file, source and value (from cells to columns), fill (columns into tallies), store (save
 * and merge tallies), result, print, bar, curve, words and json (show them). */
#include "scorecard/card.h"
#include "scorecard/result.h"

#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char usage[] =
    "Usage: scorecard [OPTION]... CONFIGURATION...\n"
    "Prints customer-experience metrics of CSV files; examples/scorecard.conf explains how.\n"
    "\n"
    "  --data DIR     folder of the CSV files (default: the configuration's)\n"
    "  --json         one JSON object a line for every group and measure\n"
    "  --lang en|zh   language of the terms\n"
    "  --level P      confidence level, in (0, 1) (default 0.95)\n"
    "  --rows N       groups shown of a table, 0 for all (default 20)\n"
    "  --all          every measure of every group, not only the first\n"
    "  --threads N    threads of the library (default 1)\n"
    "  --save DIR     save the tallies of this run\n"
    "  --merge DIR    add tallies saved before\n"
    "  --help, --version\n"
    "\n"
    "The width comes from COLUMNS or the terminal. Exit status: 0, or 1 with a message.\n";

enum { DATA = 1, JSON, LANG, LEVEL, ROWS, ALL, THREADS, SAVE, MERGE, HELP, VERSION };

static size_t terminal_columns(void)
{
    const char *columns = getenv("COLUMNS");
    double number = 0;
    if (columns != NULL && parse_number(columns, strlen(columns), &number) && number >= 40
        && number <= 1000)
        return (size_t)number;
    struct winsize size;
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0
        && size.ws_col >= 40)
        return size.ws_col;
    return 110;
}

/* Text is UTF-8 inside; the locale says whether the terminal can show lines and circles. */
static bool use_locale(void)
{
    setlocale(LC_CTYPE, "");
    const bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (!utf8)
        setlocale(LC_CTYPE, "C.UTF-8");   /* only to know how wide characters are */
    return utf8;
}

static double number_option(const char *name, const char *text, double low, double high)
{
    double number = 0;
    if (!parse_number(text, strlen(text), &number) || number < low || number > high
        || floor(number) < number)
        fail("--%s %s: a whole number from %g to %g is needed", name, text, low, high);
    return number;
}

static double level_option(const char *text)
{
    double level = 0;
    if (!parse_number(text, strlen(text), &level) || level <= 0 || level >= 1)
        fail("--level %s: must lie between 0 and 1, such as 0.95", text);
    return level;
}

static bool chinese_option(const char *text)
{
    if (strcmp(text, "zh") != 0 && strcmp(text, "en") != 0)
        fail("--lang %s: there are en and zh", text);
    return strcmp(text, "zh") == 0;
}

static void take_option(struct options *options, int option)
{
    switch (option) {
    case DATA: options->data = optarg; break;
    case JSON: options->json = true; break;
    case LANG: options->chinese = chinese_option(optarg); break;
    case LEVEL: options->level = level_option(optarg); break;
    case ROWS: options->rows = (int64_t)number_option("rows", optarg, 0, 1e9); break;
    case ALL: options->all_measures = true; break;
    case THREADS: options->threads = (int)number_option("threads", optarg, 1, 1024); break;
    case SAVE: options->save = optarg; break;
    case MERGE: options->merge = optarg; break;
    case HELP: fputs(usage, stdout); exit(EXIT_SUCCESS);
    case VERSION: printf("scorecard, libcxm %s\n", cxm_version()); exit(EXIT_SUCCESS);
    default: fputs(usage, stderr); exit(EXIT_FAILURE);
    }
}

static void read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        { "data", required_argument, NULL, DATA },
        { "json", no_argument, NULL, JSON },
        { "lang", required_argument, NULL, LANG },
        { "level", required_argument, NULL, LEVEL },
        { "rows", required_argument, NULL, ROWS },
        { "all", no_argument, NULL, ALL },
        { "threads", required_argument, NULL, THREADS },
        { "save", required_argument, NULL, SAVE },
        { "merge", required_argument, NULL, MERGE },
        { "help", no_argument, NULL, HELP },
        { "version", no_argument, NULL, VERSION },
        { 0 },
    };
    int option = 0;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        take_option(options, option);
    if (optind == argc)
        take_option(options, '?');
    if (optind + 1 < argc && (options->save != NULL || options->merge != NULL))
        fail("--save and --merge take one configuration at a time: the folder holds its tallies");
}

static void run(const char *path, const struct options *options)
{
    struct config config = config_read(path);
    struct cards cards = cards_bind(&config, options);
    cards_fill(&cards);
    if (options->merge != NULL)
        cards_merge(&cards, options->merge);
    if (options->save != NULL)
        cards_save(&cards, options->save);
    if (options->json)
        cards_print_json(&cards);
    else
        cards_print(&cards);
    cards_free(&cards);
    config_free(&config);
}

int main(int argc, char **argv)
{
    struct options options = { .level = 0.95, .threads = 1, .rows = 20 };
    options.utf8 = use_locale();
    options.columns = terminal_columns();
    read_options(argc, argv, &options);
    for (int i = optind; i < argc; i++) {
        if (i > optind && !options.json)
            printf("\n");
        run(argv[i], &options);
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        fail("the output cannot be written");
    return EXIT_SUCCESS;
}
