/*
 * lft_files.h - a directory of a test's own, and whole files in it
 *
 * lft_files_test(f) is lft_test(f) with an empty directory around it; whatever is in it goes with the
 * test. Paths and bytes that these functions return live until then.
 */
#ifndef LFT_FILES_H
#define LFT_FILES_H

#include "lft.h"

int lft_files_setup(void **state);
int lft_files_teardown(void **state);

#define lft_files_test(function) \
    cmocka_unit_test_setup_teardown(function, lft_files_setup, lft_files_teardown)

const char *lft_path(const char *name); /* of the directory's file of this name */
void lft_write_file(const char *path, const void *bytes, size_t size);
char *lft_read_file(const char *path, size_t *size);
size_t lft_file_size(const char *path);
int lft_count_files(void); /* in the directory */

/* From now on mmap() of a file fails with this errno; 0: it does not. */
void lft_refuse_mmap(int reason);
/* Whether files without a name can be opened, as some file systems have none. */
void lft_refuse_unnamed(int refused);

#endif
