/*
 * contact_sheet.c - pictures of the embedded data set, twelve of each class, as a PNG
 *
 *     build/examples/contact_sheet docs/images/shapes.png
 *
 * Each class begins with its outline, upright and clean. The PNG (ISO/IEC 15948) holds
 * stored deflate blocks: noise does not compress, and so no library is needed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "data/shapes.h"

enum {
    SEED = 1,
    ACROSS = 6, /* images of a class in a row */
    DOWN = 2,   /* rows of a class */
    CELL = SHAPES_SIDE + 2,
    LEGEND = 44,
    MARGIN = 10,
    BAND = DOWN * CELL + MARGIN,
    COLUMN = LEGEND + ACROSS * CELL + MARGIN,
    WIDTH = 2 * COLUMN + MARGIN, /* five classes on the left, five on the right */
    HEIGHT = SHAPES_CLASSES / 2 * BAND + MARGIN,
    ROW_BYTES = 1 + 3 * WIDTH, /* a filter byte of 0, then pixels */
    DATA_BYTES = HEIGHT * ROW_BYTES,
    BLOCK = 65535 /* the longest stored block */
};

struct sheet {
    uint8_t rows[HEIGHT][ROW_BYTES];
};

static void put(struct sheet *sheet, int x, int y, const uint8_t rgb[3])
{
    memcpy(&sheet->rows[y][1 + 3 * x], rgb, 3);
}

static int column_of(int label)
{
    return MARGIN + label / (SHAPES_CLASSES / 2) * COLUMN;
}

static int band_of(int label)
{
    return MARGIN + label % (SHAPES_CLASSES / 2) * BAND;
}

static void put_image(struct sheet *sheet, int left, int top, const uint8_t *pixels)
{
    int plane = SHAPES_SIDE * SHAPES_SIDE, i;

    for (i = 0; i < plane; i++) {
        uint8_t rgb[3] = {pixels[i], pixels[i + plane], pixels[i + 2 * plane]};

        put(sheet, left + i % SHAPES_SIDE, top + i / SHAPES_SIDE, rgb);
    }
}

static void put_legend(struct sheet *sheet, int label)
{
    const float scale = 14.0f;
    int left = column_of(label), top = band_of(label) + (DOWN * CELL - LEGEND) / 2, i;

    for (i = 0; i < LEGEND * (LEGEND - 8); i++) {
        int x = i % (LEGEND - 8), y = i / (LEGEND - 8);
        float coverage =
            0.5f - scale * shapes_distance(label, ((float)x + 4.5f - LEGEND / 2) / scale,
                                           ((float)y + 0.5f - LEGEND / 2) / scale);
        uint8_t grey, rgb[3];

        coverage = coverage < 0.0f ? 0.0f : coverage > 1.0f ? 1.0f : coverage;
        grey = (uint8_t)(255.5f - 205.0f * coverage);
        memset(rgb, grey, sizeof(rgb));
        put(sheet, left + x, top + y, rgb);
    }
}

static void fill(struct sheet *sheet)
{
    uint8_t pixels[SHAPES_IMAGE_BYTES], label;
    int shown[SHAPES_CLASSES] = {0}, left, top, i;

    memset(sheet->rows, 255, sizeof(sheet->rows));
    for (i = 0; i < HEIGHT; i++)
        sheet->rows[i][0] = 0;
    for (i = 0; i < SHAPES_CLASSES; i++)
        put_legend(sheet, i);
    for (i = 0; i < ACROSS * DOWN * SHAPES_CLASSES; i++) { /* each class equally often */
        shapes_draw(SEED, i, 1, pixels, &label);
        left = column_of(label) + LEGEND + shown[label] % ACROSS * CELL;
        top = band_of(label) + shown[label] / ACROSS * CELL;
        put_image(sheet, left, top, pixels);
        shown[label]++;
    }
}

/* ---- PNG --------------------------------------------------------------------------- */

struct png {
    FILE *file;
    uint32_t crc; /* of the chunk being written */
};

static void write_bytes(struct png *png, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    size_t i;
    int bit;

    for (i = 0; i < size; i++) {
        png->crc ^= bytes[i];
        for (bit = 0; bit < 8; bit++)
            png->crc = (png->crc >> 1) ^ (UINT32_C(0xedb88320) & (0u - (png->crc & 1u)));
    }
    fwrite(data, 1, size, png->file); /* errors are asked for at the end */
}

static void write_u32(struct png *png, uint32_t value)
{
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
                        (uint8_t)(value >> 8), (uint8_t)value};

    write_bytes(png, bytes, 4);
}

static void begin_chunk(struct png *png, const char *type, uint32_t size)
{
    write_u32(png, size);
    png->crc = UINT32_C(0xffffffff);
    write_bytes(png, type, 4);
}

static void end_chunk(struct png *png)
{
    write_u32(png, ~png->crc);
}

static uint32_t adler32(const uint8_t *bytes, int size)
{
    uint32_t a = 1, b = 0;
    int i;

    for (i = 0; i < size; i++) {
        a = (a + bytes[i]) % 65521u;
        b = (b + a) % 65521u;
    }
    return b << 16 | a;
}

static void write_png(struct png *png, const struct sheet *sheet)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    static const uint8_t form[5] = {8, 2, 0, 0, 0}; /* 8 bits, RGB, not interlaced */
    static const uint8_t zlib[2] = {0x78, 0x01};
    const uint8_t *data = &sheet->rows[0][0];
    int blocks = (DATA_BYTES + BLOCK - 1) / BLOCK, i;

    write_bytes(png, signature, sizeof(signature));
    begin_chunk(png, "IHDR", 13);
    write_u32(png, WIDTH);
    write_u32(png, HEIGHT);
    write_bytes(png, form, sizeof(form));
    end_chunk(png);
    begin_chunk(png, "IDAT", (uint32_t)(sizeof(zlib) + 5 * blocks + DATA_BYTES + 4));
    write_bytes(png, zlib, sizeof(zlib));
    for (i = 0; i < blocks; i++) {
        int size = i + 1 < blocks ? BLOCK : DATA_BYTES - i * BLOCK;
        uint8_t head[5] = {i + 1 == blocks, (uint8_t)size, (uint8_t)(size >> 8),
                           (uint8_t)~size, (uint8_t)(~size >> 8)};

        write_bytes(png, head, sizeof(head));
        write_bytes(png, data + (size_t)i * BLOCK, (size_t)size);
    }
    write_u32(png, adler32(data, DATA_BYTES));
    end_chunk(png);
    begin_chunk(png, "IEND", 0);
    end_chunk(png);
}

/* Under another name until it is whole. 0, or -1 with errno set. */
static int save(const char *path, const struct sheet *sheet)
{
    struct png png = {NULL, 0};
    char partial[4096];
    int failed;

    if (snprintf(partial, sizeof(partial), "%s.part", path) >= (int)sizeof(partial)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    png.file = fopen(partial, "wb");
    if (png.file == NULL)
        return -1;
    write_png(&png, sheet);
    failed = ferror(png.file);
    if (fclose(png.file) == 0 && !failed && rename(partial, path) == 0)
        return 0;
    failed = errno;
    remove(partial);
    errno = failed;
    return -1;
}

int main(int argc, char **argv)
{
    static struct sheet sheet;

    if (argc != 2) {
        fprintf(stderr, "usage: contact_sheet FILE.png\n");
        return 2;
    }
    fill(&sheet);
    if (save(argv[1], &sheet) != 0) {
        fprintf(stderr, "contact_sheet: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    return 0;
}
