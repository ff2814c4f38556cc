/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Arena allocation; see arena.h.
 */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/mem.h"

/* The first chunk fits most calls' arguments; each further one doubles. */
#define CHUNK_MIN 1024
#define CHUNK_MAX (256 * 1024)

struct arena_chunk {
  struct arena_chunk *older;
  size_t size;
  max_align_t data[];
};

void
arena_init (struct arena *arena, size_t limit)
{
  memset (arena, 0, sizeof *arena);
  arena->limit = limit;
}

static int
arena_grow (struct arena *arena, size_t len)
{
  size_t size = arena->chunks ? arena->chunks->size * 2 : CHUNK_MIN;
  struct arena_chunk *chunk;

  size = MIN_OF (size, (size_t) CHUNK_MAX);
  size = MAX_OF (size, len);
  if (size > arena->limit - arena->total)
    size = len;
  if (size > arena->limit - arena->total) {
    errno = ENOMEM;
    return -1;
  }
  chunk = malloc (sizeof *chunk + size);
  if (chunk == NULL)
    return -1;
  chunk->older = arena->chunks;
  chunk->size = size;
  arena->chunks = chunk;
  arena->next = (char *) chunk->data;
  arena->left = size;
  arena->total += size;
  return 0;
}

void *
arena_alloc (struct arena *arena, size_t len)
{
  const size_t align = _Alignof (max_align_t);
  void *ptr;

  if (len > SIZE_MAX - align) {
    errno = ENOMEM;
    return NULL;
  }
  len = (len + align - 1) / align * align;
  if (len == 0)
    len = align;
  if (len > arena->left && arena_grow (arena, len) == -1)
    return NULL;
  ptr = arena->next;
  arena->next += len;
  arena->left -= len;
  return memset (ptr, 0, len);
}

void *
arena_array (struct arena *arena, size_t count, size_t size)
{
  size_t len;

  if (__builtin_mul_overflow (count, size, &len)) {
    errno = ENOMEM;
    return NULL;
  }
  return arena_alloc (arena, len);
}

char *
arena_strndup (struct arena *arena, const char *str, size_t len)
{
  char *copy;

  if (len == SIZE_MAX) {
    errno = ENOMEM;
    return NULL;
  }
  copy = arena_alloc (arena, len + 1);
  if (copy && len > 0)
    memcpy (copy, str, len);
  return copy;
}

void
arena_wipe (struct arena *arena)
{
  for (struct arena_chunk *chunk = arena->chunks; chunk; chunk = chunk->older)
    wipe (chunk->data, chunk->size);
}

void
arena_reset (struct arena *arena)
{
  struct arena_chunk *keep = arena->chunks;

  if (keep == NULL)
    return;
  while (keep->older) {
    struct arena_chunk *older = keep->older;

    free (keep);
    keep = older;
  }
  if (keep->size > CHUNK_MIN) {
    free (keep);
    arena_init (arena, arena->limit);
    return;
  }
  arena->chunks = keep;
  arena->next = (char *) keep->data;
  arena->left = arena->total = keep->size;
}

void
arena_free (struct arena *arena)
{
  while (arena->chunks) {
    struct arena_chunk *older = arena->chunks->older;

    free (arena->chunks);
    arena->chunks = older;
  }
  arena_init (arena, arena->limit);
}
