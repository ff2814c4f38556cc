/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An arena: many allocations, freed together.  Decoded arguments and results
 * live in one, so that nothing that came off the wire is freed piece by piece.
 * An arena has a ceiling; above it allocation fails instead of growing.
 */
#ifndef VIRGATE_COMMON_ARENA_H
#define VIRGATE_COMMON_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
  struct arena_chunk *chunks;   /* newest first */
  char *next;                   /* first free byte of the newest chunk */
  size_t left;                  /* free bytes after next */
  size_t total;                 /* bytes in all chunks */
  size_t limit;                 /* ceiling for total */
};

/* Start an arena that allocates nothing until it is used.
 *
 * limit   bytes that all allocations together may take
 */
void arena_init (struct arena *arena, size_t limit);

/* Zeroed memory, aligned for any type, valid until arena_reset or arena_free.
 *
 * Returns NULL with errno ENOMEM when memory or the ceiling is exhausted.
 */
void *arena_alloc (struct arena *arena, size_t len)
  __attribute__ ((malloc, warn_unused_result));

/* As arena_alloc, for an array; a product that overflows is out of memory. */
void *arena_array (struct arena *arena, size_t count, size_t size)
  __attribute__ ((warn_unused_result));

/* A copy of LEN bytes with a NUL after them. */
char *arena_strndup (struct arena *arena, const char *str, size_t len)
  __attribute__ ((warn_unused_result));

/* Overwrite everything: it may be secret, and is about to be forgotten. */
void arena_wipe (struct arena *arena);

/* Forget everything, keep one small chunk for the next use. */
void arena_reset (struct arena *arena);

/* Free everything; the arena may be used again. */
void arena_free (struct arena *arena);

#endif /* VIRGATE_COMMON_ARENA_H */
