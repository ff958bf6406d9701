/* The smallest use of the installed library that touches memory, a handle and an error. */
#include <layerfuse/layerfuse.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    const int64_t dims[] = {2, 3};
    float weights[6] = {1, 2, 3, 4, 5, 6};
    lfuse_tensor_desc desc;
    lfuse_context *ctx = NULL;
    lfuse_tensor *tensor = NULL;
    lfuse_error err;
    int good;

    if (lfuse_context_create(NULL, &ctx, &err) != LFUSE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.data = weights;
    desc.dims = dims;
    desc.rank = 2;
    desc.dtype = LFUSE_F32;
    good = lfuse_tensor_create(ctx, &desc, &tensor, &err) == LFUSE_OK &&
           lfuse_tensor_data(tensor) == weights && lfuse_tensor_elements(tensor) == 6;
    desc.rank = 0;
    lfuse_tensor_destroy(tensor);
    good = good && lfuse_tensor_create(ctx, &desc, &tensor, &err) == LFUSE_ERR_ARGUMENT &&
           tensor == NULL && err.message[0] != '\0';
    lfuse_context_destroy(ctx);
    good = good && strcmp(lfuse_version_string(), LAYERFUSE_VERSION_STRING) == 0;
    printf("layerfuse %s %s\n", lfuse_version_string(), good ? "works" : "does not work");
    return good ? 0 : 1;
}
