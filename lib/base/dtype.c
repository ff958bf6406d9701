/* dtype.c - element types, and conversions that round to nearest, ties to even */
#include "base/base.h"

#include <string.h>

size_t lfi_dtype_size(lfuse_dtype dtype)
{
    switch (dtype) {
    case LFUSE_F32: return 4;
    case LFUSE_F64: return 8;
    case LFUSE_F16: return 2;
    case LFUSE_BF16: return 2;
    default: return 0;
    }
}

const char *lfi_dtype_name(lfuse_dtype dtype)
{
    switch (dtype) {
    case LFUSE_F32: return "f32";
    case LFUSE_F64: return "f64";
    case LFUSE_F16: return "f16";
    case LFUSE_BF16: return "bf16";
    default: return "?";
    }
}

static uint32_t bits_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

uint16_t lfi_f32_to_bf16(float value)
{
    uint32_t bits = bits_of(value);

    if ((bits & 0x7fffffffu) > 0x7f800000u) /* NaN: keep it one */
        return (uint16_t)((bits >> 16) | 0x0040u);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

uint16_t lfi_f32_to_f16(float value)
{
    uint32_t bits = bits_of(value), sign = (bits >> 16) & 0x8000u,
             rest = bits & 0x7fffffffu;

    if (rest > 0x7f800000u) /* NaN */
        return (uint16_t)(sign | 0x7e00u | ((rest >> 13) & 0x3ffu));
    if (rest >= 0x477ff000u) /* rounds to 65536 or more: infinity */
        return (uint16_t)(sign | 0x7c00u);
    if (rest <
        0x38800000u) { /* subnormal: adding 0.5 leaves the result in the low bits */
        float shifted = float_of(rest) + 0.5f;

        return (uint16_t)(sign | (bits_of(shifted) - 0x3f000000u));
    }
    return (uint16_t)(sign | ((rest - 0x38000000u + 0xfffu + ((rest >> 13) & 1u)) >> 13));
}
