/* SHA-256 (libcrypto), as 64 lower-case hexadecimal digits; and CRC-32C for frames in pipes. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_TEXT 65

struct hash;
struct hash *hash_new(void); /* NULL: out of memory */
void hash_add(struct hash *hash, const void *data, size_t length);
void hash_end(struct hash *hash, char out[HASH_TEXT]); /* frees it */
void hash_free(struct hash *hash);
int hash_of(const void *data, size_t length, char out[HASH_TEXT]); /* 0 or -1 */

uint32_t hash_crc32c(uint32_t crc, const void *data, size_t length); /* crc = 0 at first */

#endif
