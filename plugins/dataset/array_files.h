/* array_files.h: arrays as NumPy and safetensors write them, of either byte order, in C's or Fortran's order. Content
 * is hostile: each length, offset and product of sizes is checked before use.
 *
 * .npy: "\x93NUMPY", version, length of the header, a Python dictionary with descr, fortran_order and shape, the data
 * (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). .npz: a zip of these.
 */
#ifndef DATASET_ARRAY_FILES_H
#define DATASET_ARRAY_FILES_H

#include <isoflop/plugin.h>

#include <math.h>
#include <string.h>

#define ARRAY_RANK 8
#define ARRAY_BYTES ((size_t)1 << 34)
#define ARRAY_HEADER 65536

enum array_type { ARRAY_BOOL, ARRAY_U8, ARRAY_I8, ARRAY_U16, ARRAY_I16, ARRAY_U32, ARRAY_I32, ARRAY_U64, ARRAY_I64,
                  ARRAY_F16, ARRAY_BF16, ARRAY_F32, ARRAY_F64, ARRAY_TYPES };
static const struct {
    const char *numpy, *safetensors; /* numpy's without the byte order; it has no bfloat16 */
    size_t bytes;
} array_types[ARRAY_TYPES] = {
    [ARRAY_BOOL] = { "b1", "BOOL", 1 }, [ARRAY_U8] = { "u1", "U8", 1 },   [ARRAY_I8] = { "i1", "I8", 1 },
    [ARRAY_U16] = { "u2", "U16", 2 },   [ARRAY_I16] = { "i2", "I16", 2 }, [ARRAY_U32] = { "u4", "U32", 4 },
    [ARRAY_I32] = { "i4", "I32", 4 },   [ARRAY_U64] = { "u8", "U64", 8 }, [ARRAY_I64] = { "i8", "I64", 8 },
    [ARRAY_F16] = { "f2", "F16", 2 },   [ARRAY_BF16] = { "--", "BF16", 2 }, [ARRAY_F32] = { "f4", "F32", 4 },
    [ARRAY_F64] = { "f8", "F64", 8 },
};

struct array {
    const unsigned char *data;
    enum array_type type;
    bool big_endian, fortran; /* most significant byte first; first index fastest */
    size_t rank, shape[ARRAY_RANK];
    size_t count; /* of elements */
};

static inline bool array_is_float(const struct array *array)
{
    return array->type >= ARRAY_F16;
}

/* Where element i, counted with the last index fastest, stands. */
static inline size_t array_place(const struct array *array, size_t i)
{
    size_t place = 0, rest = i, step = array->count;
    if (!array->fortran)
        return i;
    for (size_t axis = array->rank; axis-- > 0; rest /= array->shape[axis]) {
        step /= array->shape[axis];
        place += rest % array->shape[axis] * step;
    }
    return place;
}

/* IEEE 754's half precision: 5 bits of exponent, 10 of fraction. */
static inline double array_half(uint32_t bits)
{
    const int exponent = (int)(bits >> 10 & 31), fraction = (int)(bits & 1023);
    const double size = exponent == 31 ? (fraction ? NAN : INFINITY)
                        : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                       : ldexp(fraction, -24);
    return bits >> 15 ? -size : size;
}

/* Element i, counted with the last index fastest; 64-bit integers beyond 2^53 are rounded. */
static inline double array_at(const struct array *array, size_t i)
{
    const size_t bytes = array_types[array->type].bytes;
    const unsigned char *at = array->data + array_place(array, i) * bytes;
    uint64_t bits = 0;
    float single;
    double value;
    for (size_t byte = 0; byte < bytes; byte++)
        bits = bits << 8 | at[array->big_endian ? byte : bytes - 1 - byte];
    const uint32_t low = array->type == ARRAY_BF16 ? (uint32_t)bits << 16 : (uint32_t)bits;
    switch (array->type) {
    case ARRAY_BOOL:
        return bits != 0;
    case ARRAY_I8:
        return (double)(int8_t)(uint8_t)bits;
    case ARRAY_I16:
        return (double)(int16_t)(uint16_t)bits;
    case ARRAY_I32:
        return (double)(int32_t)low;
    case ARRAY_I64:
        return (double)(int64_t)bits;
    case ARRAY_F16:
        return array_half(low);
    case ARRAY_BF16:
    case ARRAY_F32:
        memcpy(&single, &low, sizeof single);
        return (double)single;
    case ARRAY_F64:
        memcpy(&value, &bits, sizeof value);
        return value;
    default:
        return (double)bits;
    }
}

/* Takes a shape over, if its elements are exactly `bytes` bytes. */
static inline int array_set(struct array *array, const char *name, const unsigned char *data, size_t bytes,
                            struct iso_error *err)
{
    size_t count = 1;
    for (size_t i = 0; i < array->rank; i++) {
        if (array->shape[i] && count > SIZE_MAX / 16 / array->shape[i])
            return iso_fail(err, "%s: its shape is too large", name);
        count *= array->shape[i];
    }
    if (count * array_types[array->type].bytes != bytes)
        return iso_fail(err, "%s: its shape asks for %zu bytes, but there are %zu", name,
                        count * array_types[array->type].bytes, bytes);
    array->data = data;
    array->count = count;
    return 0;
}

/* What follows `'KEY':` in the dictionary of a .npy file; NULL: it is not there. */
static inline const char *npy_value(const char *header, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s'", key);
    const char *at = strstr(header, quoted);
    if (!at)
        return NULL;
    at += strlen(quoted);
    at += strspn(at, " ");
    if (*at++ != ':')
        return NULL;
    return at + strspn(at, " ");
}

static inline int npy_shape(const char *at, const char *name, struct array *array, struct iso_error *err)
{
    if (*at++ != '(')
        return iso_fail(err, "%s: its header has no shape", name);
    for (array->rank = 0;;) {
        at += strspn(at, " ,");
        if (*at == ')')
            return 0;
        size_t size = 0, digits = 0;
        for (; *at >= '0' && *at <= '9' && digits < 15; at++, digits++)
            size = size * 10 + (size_t)(*at - '0');
        if (!digits || (*at != ',' && *at != ')' && *at != ' ') || array->rank == ARRAY_RANK)
            return iso_fail(err, "%s: its shape can't be read, or has more than %d axes", name, ARRAY_RANK);
        array->shape[array->rank++] = size;
    }
}

static inline int npy_read(const struct iso_bytes *bytes, const char *name, struct array *array, struct iso_error *err)
{
    char header[ARRAY_HEADER + 1];
    const unsigned char *data = bytes->data;
    if (bytes->length < 12 || memcmp(data, "\x93NUMPY", 6))
        return iso_fail(err, "%s: it is no .npy array", name);
    if (data[6] < 1 || data[6] > 3)
        return iso_fail(err, "%s: version %d of the .npy format is not known", name, data[6]);
    const size_t start = data[6] == 1 ? 10 : 12;
    size_t length = (size_t)data[8] | (size_t)data[9] << 8;
    if (start == 12)
        length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    if (length > ARRAY_HEADER || length > bytes->length - start)
        return iso_fail(err, "%s: its header of %zu bytes is longer than the file, or than %d", name, length,
                        ARRAY_HEADER);
    memcpy(header, data + start, length);
    header[length] = 0;
    const char *type = npy_value(header, "descr"), *order = npy_value(header, "fortran_order"),
               *shape = npy_value(header, "shape");
    if (!type || !order || !shape)
        return iso_fail(err, "%s: its header lacks descr, fortran_order or shape", name);
    /* 'descr': '<f4', the byte order first */
    const bool plain = (*type == '\'' || *type == '"') && type[1] && strchr("<>|=", type[1]);
    int known = plain ? 0 : ARRAY_TYPES;
    while (known < ARRAY_TYPES && (strncmp(type + 2, array_types[known].numpy, 2) || type[4] != *type))
        known++;
    if (known == ARRAY_TYPES)
        return iso_fail(err, "%s: elements of type %.*s are not read: save it as float32, or as integers", name,
                        (int)strcspn(type, ",}"), type);
    array->type = (enum array_type)known;
    array->big_endian = type[1] == '>';
    array->fortran = strncmp(order, "False", 5) != 0;
    if (npy_shape(shape, name, array, err))
        return -1;
    return array_set(array, name, data + start + length, bytes->length - start - length, err);
}

#endif
