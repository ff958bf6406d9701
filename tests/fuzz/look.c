/* look.c - see look.h */
#include "look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void lft_wrong(const char *condition)
{
    fprintf(stderr, "not so: %s\n", condition);
    abort();
}

unsigned lft_touch(const lfuse_tensor *tensor)
{
    const unsigned char *data = lfuse_tensor_data(tensor);
    size_t size = lfuse_tensor_bytes(tensor), i;
    unsigned sum = 0;

    CHECK(size > 0);
    for (i = 0; i < size; i++)
        sum = sum * 31 + data[i];
    return sum;
}

/* The way of all of the library's functions, whatever address the file has put it at. */
static void read_elements(lfuse_context *ctx, const lfuse_tensor *tensor)
{
    int64_t dims[LFUSE_MAX_RANK];
    lfuse_tensor_desc desc;
    lfuse_tensor *copy;
    int32_t i;

    for (i = 0; i < lfuse_tensor_rank(tensor); i++)
        dims[i] = lfuse_tensor_dim(tensor, i);
    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.dtype = LFUSE_F64;
    desc.rank = lfuse_tensor_rank(tensor);
    desc.dims = dims;
    CHECK(lfuse_tensor_create(ctx, &desc, &copy, NULL) == LFUSE_OK);
    CHECK(lfuse_tensor_copy(copy, tensor, NULL) == LFUSE_OK);
    lfuse_tensor_destroy(copy);
}

void lft_look_at(lfuse_context *ctx, const lfuse_checkpoint *c)
{
    int64_t i;

    for (i = 0; i < lfuse_checkpoint_count(c); i++) {
        const lfuse_tensor *tensor = lfuse_checkpoint_tensor(c, i);
        int64_t owner = lfuse_checkpoint_owner(c, i);

        (void)lft_touch(tensor);
        read_elements(ctx, tensor);
        CHECK(lfuse_checkpoint_find(c, lfuse_checkpoint_name(c, i)) == i);
        CHECK(lfuse_checkpoint_owner(c, owner) == owner);
        CHECK(lfuse_tensor_data(tensor) ==
              lfuse_tensor_data(lfuse_checkpoint_tensor(c, owner)));
    }
    for (i = 0; i < lfuse_checkpoint_metadata_count(c); i++)
        CHECK(lfuse_checkpoint_metadata(c, lfuse_checkpoint_metadata_key(c, i)) != NULL);
}

void lft_look_at_error(const lfuse_error *err)
{
    CHECK(err->message[0] != '\0' && strchr(err->message, '\n') == NULL);
    CHECK(err->status == LFUSE_ERR_FORMAT || err->status == LFUSE_ERR_UNSUPPORTED);
}
