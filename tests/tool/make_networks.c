/*
 * make_networks.c - small networks whose blocks differ in the order of their hidden units alone
 *
 *     make_networks DIRECTORY              makes resnet, bottleneck, gpt2 and llama.safetensors
 *     make_networks check NETWORK FILE     whether all blocks of FILE are one, to the bit
 */
#include <layerfuse/layerfuse.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

enum { BLOCKS = 3, PARTS = 20, ELEMENTS = 512, MOST = BLOCKS * PARTS };

/* An axis of so many entries: none of them moves, or units of `block` do, part after part. */
struct axis {
    int entries, units, block;
};

struct part {
    const char *name; /* of the block's */
    int rank;
    struct axis axes[4];
};

struct network {
    const char *name, *prefix;
    struct part parts[PARTS]; /* without a name: the end */
};

#define NORM(NAME, UNITS)                                                             \
    {NAME ".weight", 1, {{UNITS, UNITS, 1}}}, {NAME ".bias", 1, {{UNITS, UNITS, 1}}}, \
        {NAME ".running_mean", 1, {{UNITS, UNITS, 1}}},                               \
    {                                                                                 \
        NAME ".running_var", 1,                                                       \
        {                                                                             \
            {                                                                         \
                UNITS, UNITS, 1                                                       \
            }                                                                         \
        }                                                                             \
    }

/* clang-format off */
static const struct network networks[] = {
    {"resnet", "layer1",
     {{"conv1.weight", 4, {{6, 6, 1}, {4, 0, 0}, {3, 0, 0}, {3, 0, 0}}}, NORM("bn1", 6),
      {"conv2.weight", 4, {{4, 0, 0}, {6, 6, 1}, {3, 0, 0}, {3, 0, 0}}},
      {"bn2.weight", 1, {{4, 0, 0}}}, {"bn2.bias", 1, {{4, 0, 0}}}}},
    {"bottleneck", "layer1",
     {{"conv1.weight", 4, {{6, 6, 1}, {8, 0, 0}, {1, 0, 0}, {1, 0, 0}}}, NORM("bn1", 6),
      {"conv2.weight", 4, {{5, 5, 1}, {6, 6, 1}, {3, 0, 0}, {3, 0, 0}}}, NORM("bn2", 5),
      {"conv3.weight", 4, {{8, 0, 0}, {5, 5, 1}, {1, 0, 0}, {1, 0, 0}}}}},
    {"gpt2", "h",
     {{"attn.c_attn.weight", 2, {{8, 0, 0}, {24, 4, 2}}}, {"attn.c_attn.bias", 1, {{24, 4, 2}}},
      {"attn.c_proj.weight", 2, {{8, 4, 2}, {8, 0, 0}}}, {"attn.c_proj.bias", 1, {{8, 0, 0}}},
      {"ln_2.weight", 1, {{8, 0, 0}}},
      {"mlp.c_fc.weight", 2, {{8, 0, 0}, {20, 20, 1}}}, {"mlp.c_fc.bias", 1, {{20, 20, 1}}},
      {"mlp.c_proj.weight", 2, {{20, 20, 1}, {8, 0, 0}}}}},
    {"llama", "model.layers",
     {{"self_attn.q_proj.weight", 2, {{12, 3, 4}, {8, 0, 0}}},
      {"self_attn.k_proj.weight", 2, {{6, 3, 2}, {8, 0, 0}}},
      {"self_attn.v_proj.weight", 2, {{6, 3, 2}, {8, 0, 0}}},
      {"self_attn.o_proj.weight", 2, {{8, 0, 0}, {12, 3, 4}}},
      {"mlp.gate_proj.weight", 2, {{20, 20, 1}, {8, 0, 0}}},
      {"mlp.up_proj.weight", 2, {{20, 20, 1}, {8, 0, 0}}},
      {"mlp.down_proj.weight", 2, {{8, 0, 0}, {20, 20, 1}}}}},
};
/* clang-format on */

enum { NETWORKS = sizeof(networks) / sizeof(networks[0]) };

static lfuse_context *ctx;
static lfuse_error err;

static void must(lfuse_status status)
{
    if (status != LFUSE_OK)
        fprintf(stderr, "make_networks: %s\n", err.message), exit(1);
}

/* In [-1, 1), another for every element of every part. */
static float number(int part, int element)
{
    uint32_t x = (uint32_t)part * 40503u + (uint32_t)element * 2654435761u + 12345u;

    x = (x ^ x >> 15) * 2246822519u;
    x = (x ^ x >> 13) * 3266489917u;
    return (float)((x ^ x >> 16) >> 8) / 8388608.0f - 1.0f;
}

/* The entry of the first block that stands here in block k: units are rotated by k. */
static int entry_of(const struct axis *a, int entry, int k)
{
    const int extent = a->units * a->block;

    if (extent == 0)
        return entry;
    return entry / extent * extent +
           (entry % extent / a->block + k) % a->units * a->block + entry % a->block;
}

static int count_of(const struct part *p)
{
    int count = 1, d;

    for (d = 0; d < p->rank; d++)
        count *= p->axes[d].entries;
    return count;
}

static void fill(const struct network *n, int part, int k, float *out)
{
    const struct part *p = &n->parts[part];
    int i, d;

    for (i = 0; i < count_of(p); i++) {
        int left = i, at = 0, stride = 1;

        for (d = p->rank - 1; d >= 0; d--) {
            at += entry_of(&p->axes[d], left % p->axes[d].entries, k) * stride;
            left /= p->axes[d].entries;
            stride *= p->axes[d].entries;
        }
        out[i] = number(part, at);
    }
}

static void make(const struct network *n)
{
    static lfuse_checkpoint_entry entries[MOST];
    static float data[MOST][ELEMENTS];
    static char names[MOST][64];
    char path[64];
    int count = 0, k, part, d;

    for (k = 0; k < BLOCKS; k++)
        for (part = 0; n->parts[part].name != NULL; part++, count++) {
            const struct part *p = &n->parts[part];
            lfuse_tensor_desc desc = {.struct_size = sizeof(desc), .data = data[count]};
            lfuse_tensor *tensor;
            int64_t dims[4];

            snprintf(names[count], sizeof(names[count]), "%s.%d.%s", n->prefix, k,
                     p->name);
            fill(n, part, k, data[count]);
            for (d = 0; d < p->rank; d++)
                dims[d] = p->axes[d].entries;
            desc.dims = dims;
            desc.rank = p->rank;
            desc.dtype = LFUSE_F32;
            must(lfuse_tensor_create(ctx, &desc, &tensor, &err));
            entries[count] = (lfuse_checkpoint_entry){names[count], tensor, NULL};
        }
    snprintf(path, sizeof(path), "%s.safetensors", n->name);
    must(lfuse_checkpoint_save(ctx, path, entries, count, NULL, &err));
    while (count > 0)
        lfuse_tensor_destroy((lfuse_tensor *)entries[--count].tensor);
}

static const lfuse_tensor *find(const lfuse_checkpoint *file, const struct network *n,
                                int k, int part)
{
    char name[64];

    snprintf(name, sizeof(name), "%s.%d.%s", n->prefix, k, n->parts[part].name);
    return lfuse_checkpoint_tensor(file, lfuse_checkpoint_find(file, name));
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* The numbers that a block was made of, in any order: so no mean of what is not alike. */
static int is_made(const struct network *n, int part, const lfuse_tensor *tensor)
{
    static float made[ELEMENTS], is[ELEMENTS];
    const size_t count = (size_t)count_of(&n->parts[part]);

    fill(n, part, 0, made);
    memcpy(is, lfuse_tensor_data(tensor), count * sizeof(*is));
    qsort(made, count, sizeof(*made), by_value);
    qsort(is, count, sizeof(*is), by_value);
    return memcmp(is, made, count * sizeof(*is)) == 0;
}

static int check(const struct network *n, const char *path)
{
    const lfuse_tensor *first, *other;
    lfuse_checkpoint *file;
    int k, part, differ = 0;

    must(lfuse_checkpoint_open(ctx, path, NULL, &file, &err));
    for (part = 0; n->parts[part].name != NULL; part++)
        for (k = 0; k < BLOCKS; k++) {
            first = find(file, n, 0, part);
            other = find(file, n, k, part);
            if (!is_made(n, part, other) ||
                memcmp(lfuse_tensor_data(first), lfuse_tensor_data(other),
                       lfuse_tensor_bytes(first)) != 0)
                fprintf(stderr, "%s: %s of block %d is another\n", path,
                        n->parts[part].name, k),
                    differ = 1;
        }
    lfuse_checkpoint_close(file);
    return differ;
}

int main(int argc, char **argv)
{
    int i, code = 0;

    must(lfuse_context_create(NULL, &ctx, &err));
    if (argc == 2 && chdir(argv[1]) == 0) {
        for (i = 0; i < NETWORKS; i++)
            make(&networks[i]);
    } else if (argc == 4 && strcmp(argv[1], "check") == 0) {
        for (i = 0; i < NETWORKS && strcmp(networks[i].name, argv[2]) != 0;)
            i++;
        code = i == NETWORKS ? 2 : check(&networks[i], argv[3]);
    } else {
        code = 2;
    }
    lfuse_context_destroy(ctx);
    return code;
}
