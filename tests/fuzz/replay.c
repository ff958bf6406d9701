/*
 * replay.c - a fuzz target without libFuzzer: runs it once on every file of the arguments
 *
 * A directory stands for the files in it.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 0, or 1 when the file cannot be read. The input ends where its memory does. */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    long end = -1;
    uint8_t *data = NULL;
    int failed = 1;

    if (file != NULL && fseek(file, 0, SEEK_END) == 0)
        end = ftell(file);
    if (end < 0 || fseek(file, 0, SEEK_SET) != 0)
        goto done;
    data = malloc(end > 0 ? (size_t)end : 1);
    if (data == NULL || fread(data, 1, (size_t)end, file) != (size_t)end)
        goto done;
    (void)LLVMFuzzerTestOneInput(data, (size_t)end);
    failed = 0;
done:
    free(data);
    if (file != NULL)
        (void)fclose(file);
    if (failed)
        fprintf(stderr, "cannot read %s\n", path);
    return failed;
}

static int replay(const char *path, int *count)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    char name[4096];
    int failed = 0;

    if (directory == NULL) {
        ++*count;
        return replay_file(path);
    }
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        failed |= replay(name, count);
    }
    (void)closedir(directory);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0, count = 0, i;

    for (i = 1; i < argc; i++)
        failed |= replay(argv[i], &count);
    printf("%d inputs\n", count);
    return failed || count == 0;
}
