/* make_fake.c - make_fake DIR: CIFAR-10 files of 512 real records, and DIR/resnet.safetensors */
#include <stdio.h>

#include "fake.h"
#include "models/resnet.h"

int main(int argc, char **argv)
{
    lfuse_context *ctx = NULL;
    struct resnet *net = NULL;
    lfuse_error err = {0};
    lfuse_status status;
    char path[4096];

    if (argc != 2 || fake_cifar10(argv[1], 512) != 0)
        return 1;
    snprintf(path, sizeof(path), "%s/resnet.safetensors", argv[1]);
    status = lfuse_context_create(NULL, &ctx, &err);
    if (status == LFUSE_OK)
        status = resnet_create(ctx, 2, 1, CNN_INFERENCE, &net, &err);
    if (status == LFUSE_OK) {
        resnet_initialise(net, 1);
        status = resnet_save(net, path, 0, &err);
    }
    if (status != LFUSE_OK)
        fprintf(stderr, "make_fake: %s\n", err.message);
    resnet_destroy(net);
    lfuse_context_destroy(ctx);
    return status == LFUSE_OK ? 0 : 1;
}
