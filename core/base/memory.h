/* Memory: checked allocation, and arenas for what lives and dies together. NULL means out of memory; nothing aborts. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* count * size zeroed bytes; NULL also where the product overflows. Freed with free(). */
void *memory_array(size_t count, size_t size);
/* Grows *array (of *capacity items of `size` bytes) so that it holds at least `count`. 0, or -1 and it is as
 * before. */
int memory_grow(void *array, size_t *capacity, size_t count, size_t size);
/* Zeroed, aligned to 64 bytes; freed with free(). */
void *memory_aligned(size_t bytes);

struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *arena); /* NULL is allowed, as for free() */
void *arena_zero(struct arena *arena, size_t count, size_t size); /* zeroed, aligned to 16 */
char *arena_copy(struct arena *arena, const char *text, size_t length); /* adds a 0 */
#if defined __GNUC__
__attribute__((format(printf, 2, 3)))
#endif
char *arena_format(struct arena *arena, const char *format, ...);

#endif
