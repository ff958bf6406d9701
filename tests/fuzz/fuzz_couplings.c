/*
 * fuzz_couplings.c - any bytes as couplings
 *
 * Whatever is read is looked at, and its units are asked for of two layers, p and q. Whatever is
 * refused is refused in one line.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <layerfuse/layerfuse.h>

#define CHECK(condition) ((condition) ? (void)0 : wrong(#condition))

static void wrong(const char *condition)
{
    fprintf(stderr, "not so: %s\n", condition);
    abort();
}

enum { LAYERS = 2 };

static void make_layers(lfuse_context *ctx, lfuse_layer **layers)
{
    static const float memory[12];
    const int64_t dims[] = {4, 3};
    lfuse_tensor_desc weight;
    lfuse_layer_desc layer;
    int i;

    for (i = 0; i < LAYERS; i++) {
        lfuse_layer_desc_init(&layer, sizeof(layer));
        layer.name = i == 0 ? "p" : "q";
        layer.param_type = "A";
        lfuse_tensor_desc_init(&weight, sizeof(weight));
        weight.data = (void *)memory;
        weight.dims = dims;
        weight.rank = 2;
        weight.dtype = LFUSE_F32;
        CHECK(lfuse_layer_wrap(ctx, &layer, &weight, NULL, &layers[i], NULL) == LFUSE_OK);
    }
}

static void look_at(const lfuse_couplings *c, lfuse_layer **layers)
{
    lfuse_coupling m;
    lfuse_error err;
    int64_t space, i, units = 0;

    for (space = 0; space < lfuse_couplings_space_count(c); space++) {
        for (i = 0; i < lfuse_couplings_member_count(c, space); i++) {
            lfuse_coupling_init(&m, sizeof(m));
            CHECK(lfuse_couplings_member(c, space, i, &m, NULL) == LFUSE_OK);
            CHECK(m.parameter != NULL && m.parameter[0] != '\0' && m.head_group > 0 &&
                  m.repeat > 0 && m.offset >= 0 && m.extent >= 0 && m.axis >= 0);
        }
        err.message[0] = '\0';
        if (lfuse_couplings_units(c, (const lfuse_layer *const *)layers, LAYERS, space,
                                  &units, &err) == LFUSE_OK)
            CHECK(units > 0);
        else
            CHECK(err.message[0] != '\0' && strchr(err.message, '\n') == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lfuse_layer *layers[LAYERS];
    lfuse_error err = {0};
    lfuse_couplings *c;
    lfuse_context *ctx;
    int i;

    CHECK(lfuse_context_create(NULL, &ctx, NULL) == LFUSE_OK);
    make_layers(ctx, layers);
    if (lfuse_couplings_parse(ctx, (const char *)data, size, &c, &err) == LFUSE_OK)
        look_at(c, layers);
    else
        CHECK(c == NULL && err.message[0] != '\0' && strchr(err.message, '\n') == NULL &&
              (err.status == LFUSE_ERR_FORMAT || err.status == LFUSE_ERR_UNSUPPORTED ||
               err.status == LFUSE_ERR_OVERFLOW));
    lfuse_couplings_destroy(c);
    for (i = 0; i < LAYERS; i++)
        lfuse_layer_destroy(layers[i]);
    lfuse_context_destroy(ctx);
    return 0;
}
