/*
 * fuzz_options.c - option structs of any size, from callers older and newer than the library
 *
 * Input: the size known here, the size the caller claims, the caller's bytes. Every struct lies in
 * memory of exactly its size.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#define CHECK(condition) ((condition) ? (void)0 : wrong(#condition))

static void wrong(const char *condition)
{
    fprintf(stderr, "not so: %s\n", condition);
    abort();
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int any(const uint8_t *bytes, size_t from, size_t to)
{
    for (; from < to; from++)
        if (bytes[from] != 0)
            return 1;
    return 0;
}

static void check_import(const uint8_t *given, size_t size, size_t known)
{
    uint8_t *imported = malloc(known);
    size_t shared = smaller(size, known);
    lfuse_error err = {0};
    lfuse_status status;

    CHECK(imported != NULL);
    memset(imported, 0xa5, known);
    status = lfi_options_import(imported, known, given, true, "options", &err);
    if (size < sizeof(size_t)) {
        CHECK(status == LFUSE_ERR_ARGUMENT && err.status == status);
    } else if (size > known && any(given, known, size)) {
        CHECK(status == LFUSE_ERR_UNSUPPORTED && err.status == status);
    } else {
        CHECK(status == LFUSE_OK);
        CHECK(memcmp(imported, given, shared) == 0);
        CHECK(!any(imported, shared, known));
    }
    free(imported);
}

/* Out to the caller and back: the shared part survives, the rest of the caller's is zero. */
static void check_export(uint8_t *given, size_t size, size_t known)
{
    uint8_t *known_bytes = malloc(known);
    size_t shared = smaller(size, known), kept;

    CHECK(known_bytes != NULL);
    memset(known_bytes, 0x5a, known);
    if (size >= sizeof(size_t)) {
        CHECK(lfi_options_export(given, known_bytes, known, "options", NULL) == LFUSE_OK);
        memcpy(&kept, given, sizeof(kept));
        CHECK(kept == size);
        CHECK(memcmp(given + sizeof(kept), known_bytes + sizeof(kept),
                     shared - sizeof(kept)) == 0);
        CHECK(!any(given, shared, size));
        lfi_options_init(given, size);
        memcpy(&kept, given, sizeof(kept));
        CHECK(kept == size && !any(given, sizeof(kept), size));
    }
    free(known_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t known, claimed, bytes;
    uint8_t *given;

    if (size < 4)
        return 0;
    known = sizeof(size_t) + data[0];
    claimed = data[1] | (size_t)data[2] << 8;
    bytes = claimed < sizeof(size_t) ? sizeof(size_t) : claimed;
    given = calloc(1, bytes);
    CHECK(given != NULL);
    memcpy(given, data + 3, smaller(bytes, size - 3));
    memcpy(given, &claimed, sizeof(claimed));
    check_import(given, claimed, known);
    check_export(given, claimed, known);
    free(given);
    return 0;
}
