/* SHA-256 by libcrypto, and CRC-32C. The one-pass context of libcrypto is used, as it can't fail and allocates
 * nothing; OpenSSL 3 declares it for programs that name an earlier API. */
#define OPENSSL_API_COMPAT 0x10100000L
#include "base/hash.h"

#include <stdlib.h>
#include <openssl/sha.h>

struct hash {
    SHA256_CTX context;
};

struct hash *hash_new(void)
{
    struct hash *hash = malloc(sizeof *hash);
    if (hash)
        SHA256_Init(&hash->context);
    return hash;
}

void hash_add(struct hash *hash, const void *data, size_t length)
{
    SHA256_Update(&hash->context, data, length);
}

static void finish(SHA256_CTX *context, char out[HASH_TEXT])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_Final(digest, context);
    for (size_t i = 0; i < sizeof digest; i++) {
        out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    out[2 * sizeof digest] = 0;
}

void hash_end(struct hash *hash, char out[HASH_TEXT])
{
    finish(&hash->context, out);
    free(hash);
}

void hash_free(struct hash *hash)
{
    free(hash);
}

int hash_of(const void *data, size_t length, char out[HASH_TEXT])
{
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, data, length);
    finish(&context, out);
    return 0;
}

/* Castagnoli's polynomial, reflected (RFC 3720, B.4); four bits at a time. */
uint32_t hash_crc32c(uint32_t crc, const void *data, size_t length)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const unsigned char *bytes = data;
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}
