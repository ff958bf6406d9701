/*
 * make_files.c - the checkpoints that the command is tried on, into the directory argv[1]
 *
 * Layer k of a type is k in its first element and 0 elsewhere, so that the euclidean distance
 * of layers i and k is |i - k|; or what its name says.
 */
#include <layerfuse/layerfuse.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 300, ELEMENTS = 64 };

static lfuse_context *ctx;
static lfuse_error err;
static lfuse_checkpoint_entry entries[MOST];
static float data[MOST][ELEMENTS];
static int count;

static void must(lfuse_status status)
{
    if (status != LFUSE_OK)
        fprintf(stderr, "make_files: %s\n", err.message), exit(1);
}

/* One more tensor, zero; what is in it. */
static float *add(const char *name, int rank, int64_t a, int64_t b)
{
    const int64_t dims[] = {a, b};
    lfuse_tensor_desc desc = {.struct_size = sizeof(desc), .dims = dims};
    lfuse_tensor *tensor;

    if (count == MOST || a * b > ELEMENTS)
        fprintf(stderr, "make_files: no room for %s\n", name), exit(1);
    memset(data[count], 0, sizeof(data[count]));
    desc.data = data[count];
    desc.rank = rank;
    desc.dtype = LFUSE_F32;
    must(lfuse_tensor_create(ctx, &desc, &tensor, &err));
    entries[count] = (lfuse_checkpoint_entry){strdup(name), tensor, NULL};
    return data[count++];
}

static void save(const char *path)
{
    must(lfuse_checkpoint_save(ctx, path, entries, count, NULL, &err));
    while (count > 0) {
        count--;
        lfuse_tensor_destroy((lfuse_tensor *)entries[count].tensor);
        free((char *)entries[count].name);
    }
}

/* Twelve blocks, the numbers of which sort otherwise as text; a head that is an alias. */
static void blocks(void)
{
    char name[64];
    int k;

    for (k = 11; k >= 0; k--) {
        snprintf(name, sizeof(name), "h.%d.attn.weight", k);
        add(name, 2, 4, 3)[0] = (float)k;
        snprintf(name, sizeof(name), "h.%d.attn.bias", k);
        add(name, 1, 4, 1);
    }
    add("wte.weight", 2, 8, 3);
    add("head.weight", 2, 8, 3);
    entries[count - 1].owner = "wte.weight";
    save("blocks.safetensors");
}

/* Convolutions that only the rule "digits" sees as of one type, in two shapes. */
static void convolutions(void)
{
    add("layer1.0.conv1.weight", 2, 3, 2)[0] = 1;
    add("layer1.0.conv2.weight", 2, 3, 2)[0] = 3;
    add("layer2.0.conv1.weight", 2, 3, 2)[0] = 6;
    add("layer2.0.conv2.weight", 2, 2, 2)[0] = 1;
    add("layer2.1.conv1.weight", 2, 2, 2)[0] = 2;
    save("convolutions.safetensors");
}

/* Three blocks of two matrices each, the second of which is a little further from the first; one
 * that has no like. */
static void paired(void)
{
    add("h.0.up.weight", 2, 4, 3)[0] = 1;
    add("h.1.up.weight", 2, 4, 3)[0] = 2;
    add("h.10.up.weight", 2, 4, 3)[0] = 4;
    add("h.0.down.weight", 2, 2, 3)[1] = 1;
    add("h.1.down.weight", 2, 2, 3)[1] = 2;
    add("h.10.down.weight", 2, 2, 3)[1] = 4;
    add("h.0.norm", 1, 3, 1);
    add("h.1.norm", 1, 3, 1);
    add("h.10.norm", 1, 3, 1);
    add("k.0.up.weight", 2, 4, 3)[0] = 1;
    save("paired.safetensors");
}

/* What a name can hold: it must not break a line, a quotation or a page. */
static void names(void)
{
    add("a\"b,c\n.0.w\xc3\xa9<i>&\xe2\x80\xae\x1b[31m", 2, 2, 2)[0] = 0;
    add("a\"b,c\n.1.w\xc3\xa9<i>&\xe2\x80\xae\x1b[31m", 2, 2, 2)[0] = 1;
    add("a\"b,c\n.2.w\xc3\xa9<i>&\xe2\x80\xae\x1b[31m", 2, 2, 2)[0] = 3;
    add("plain.0", 2, 2, 2)[0] = 5;
    add("plain.1\n", 2, 2, 2)[0] = 5;
    save("names.safetensors");
}

static void alone(void)
{
    add("in.weight", 2, 2, 2)[0] = 1;
    add("out.weight", 2, 2, 2)[0] = 1;
    add("h.0.bias", 1, 4, 1);
    add("h.1.bias", 1, 4, 1);
    save("alone.safetensors");
}

/* As PyTorch writes them: a batch counter that is a scalar of I64, an empty tensor, a mask. */
static void counters(void)
{
    static const char header[] =
        "{\"bn.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,"
        "8]},"
        "\"h.0.w\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[8,16]},"
        "\"h.1.w\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[16,24]},"
        "\"none\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[24,24]},"
        "\"mask\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[24,27]}}";
    const unsigned char size[8] = {(sizeof(header) - 1) & 255, (sizeof(header) - 1) >> 8};
    const int64_t batches = 7;
    const float w[4] = {0, 3, 0, 5};
    FILE *file = fopen("counters.safetensors", "wb");

    if (file == NULL || fwrite(size, 8, 1, file) != 1 ||
        fwrite(header, sizeof(header) - 1, 1, file) != 1 ||
        fwrite(&batches, 8, 1, file) != 1 || fwrite(w, sizeof(w), 1, file) != 1 ||
        fwrite("\0\1\1", 3, 1, file) != 1 || fclose(file) != 0)
        fprintf(stderr, "make_files: counters.safetensors\n"), exit(1);
}

/* One layer is all zero, one has a NaN; a type of its own where all are. */
static void broken(void)
{
    add("h.0.w", 2, 2, 2)[0] = 1;
    add("h.1.w", 2, 2, 2);
    add("h.2.w", 2, 2, 2)[3] = (float)NAN;
    add("h.3.w", 2, 2, 2)[1] = 1;
    add("zero.0", 2, 2, 2);
    add("zero.1", 2, 2, 2);
    save("broken.safetensors");
}

/* Rows of 2 in three layers, of 3 in one. */
static void unequal(void)
{
    add("h.0.w", 2, 2, 2)[0] = 1;
    add("h.1.w", 2, 2, 2)[0] = 2;
    add("h.2.w", 2, 2, 3)[0] = 3;
    add("h.3.w", 2, 2, 2)[0] = 4;
    save("unequal.safetensors");
}

/* The second is the first with its rows rotated, which linear_cka sees along axis 1 alone. */
static void turned(void)
{
    static const float a[6] = {1, 2, 0, 1, 3, 1}, b[6] = {0, 1, 3, 1, 1, 2};

    memcpy(add("h.0.w", 2, 3, 2), a, sizeof(a));
    memcpy(add("h.1.w", 2, 3, 2), b, sizeof(b));
    save("turned.safetensors");
}

/* Two that kl tells apart by direction. */
static void two(void)
{
    static const float a[6] = {1, 2, 0, 1, 3, 1}, b[6] = {2, 1, 0, 1, 4, 4};

    memcpy(add("u.0.w", 2, 3, 2), a, sizeof(a));
    memcpy(add("u.1.w", 2, 3, 2), b, sizeof(b));
    save("two.safetensors");
}

/* More layers than a picture shows. */
static void many(void)
{
    char name[64];
    int k;

    for (k = 0; k < 257; k++) {
        snprintf(name, sizeof(name), "m.%d", k);
        add(name, 2, 1, 2)[0] = (float)k;
    }
    add("n.0", 2, 1, 2);
    add("n.1", 2, 1, 2);
    save("many.safetensors");
}

/* 256 MiB of zeros, which the file system need not store. */
static void large(void)
{
    const long long size = 2LL * 4096 * 4096;
    char header[2048] = "{";
    uint64_t length;
    FILE *file = fopen("large.safetensors", "w");
    int k, used = 1;

    for (k = 0; k < 8; k++)
        used += snprintf(header + used, sizeof(header) - (size_t)used,
                         "%s\"h.%d.w\":{\"dtype\":\"BF16\",\"shape\":[4096,4096],"
                         "\"data_offsets\":[%lld,%lld]}",
                         k > 0 ? "," : "", k, k * size, (k + 1) * size);
    used += snprintf(header + used, sizeof(header) - (size_t)used, "}");
    length = (uint64_t)used; /* little-endian, as everything here is */
    if (file == NULL || fwrite(&length, 8, 1, file) != 1 ||
        fwrite(header, (size_t)used, 1, file) != 1 || fflush(file) != 0 ||
        ftruncate(fileno(file), 8 + used + 8 * size) != 0 || fclose(file) != 0)
        perror("make_files: large.safetensors"), exit(1);
}

/* One model of two files, and an index that says otherwise. */
static void shards(void)
{
    static const char index[] =
        "{\"metadata\": {}, \"weight_map\": {\"h.0.w\": \"one.safetensors\", "
        "\"h.10.w\": \"one.safetensors\", \"h.2.w\": \"two.safetensors\"}}";
    FILE *file;

    if (mkdir("model", 0777) != 0 || mkdir("wrong", 0777) != 0)
        perror("make_files: model"), exit(1);
    add("h.0.w", 2, 2, 2)[0] = 1;
    add("h.10.w", 2, 2, 2)[0] = 2;
    save("model/one.safetensors");
    add("h.2.w", 2, 2, 2)[0] = 5;
    save("model/two.safetensors");
    file = fopen("model/model.safetensors.index.json", "w");
    if (file == NULL || fputs(index, file) < 0 || fclose(file) != 0)
        perror("make_files: index"), exit(1);
    file = fopen("wrong/model.safetensors.index.json", "w"); /* no shard beside it */
    if (file == NULL || fputs(index, file) < 0 || fclose(file) != 0)
        perror("make_files: index"), exit(1);
}

int main(int argc, char **argv)
{
    (void)argc;
    if (argv[1] == NULL || chdir(argv[1]) != 0)
        return fprintf(stderr, "make_files: no such directory\n"), 1;
    must(lfuse_context_create(NULL, &ctx, &err));
    blocks();
    convolutions();
    paired();
    names();
    alone();
    counters();
    broken();
    unequal();
    turned();
    two();
    many();
    large();
    shards();
    lfuse_context_destroy(ctx);
    return 0;
}
