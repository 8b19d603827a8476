/* seeds: the main program of a fuzz target where libFuzzer is not: runs what was found once and is kept.
 * It is "fuzz_NAME", and runs each file of $TOP_SRCDIR/tests/fuzz/seeds/NAME; or the files that its arguments name.
 * Owns: nothing.
 * Must never pass when there is no seed. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give_up(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(EXIT_FAILURE);
}

/* Exactly as large as the file, so that a sanitizer sees whoever reads on. */
static void run_file(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        give_up(path);
    size_t size = (size_t)ftell(file);
    uint8_t *data = x_malloc(size);
    rewind(file);
    if (fread(data, 1, size, file) != size)
        give_up(path);
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last one named is the one that failed */
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static unsigned run_folder(const char *folder)
{
    unsigned count = 0;
    DIR *entries = opendir(folder);
    if (entries == NULL)
        give_up(folder);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        CLEANUP(text_free) char *path = x_printf("%s/%s", folder, entry->d_name);
        run_file(path);
        count++;
    }
    closedir(entries);
    return count;
}

int main(int argc, char **argv)
{
    const char *top = getenv("TOP_SRCDIR"), *name = program_invocation_short_name;
    unsigned count = (unsigned)argc - 1;
    for (int i = 1; i < argc; i++)
        run_file(argv[i]);
    if (argc < 2 && top != NULL && strncmp(name, "fuzz_", 5) == 0) {
        CLEANUP(text_free) char *folder = x_printf("%s/tests/fuzz/seeds/%s", top, name + 5);
        count = run_folder(folder);
    }
    printf("%s: %u seeds\n", name, count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
