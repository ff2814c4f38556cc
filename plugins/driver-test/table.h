/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A hash table whose links live inside the hashed structures.  It knows no
 * keys: who looks one up gives the hash and compares.
 */
#ifndef DRIVER_TEST_TABLE_H
#define DRIVER_TEST_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_link {
  struct table_link *next;
  uint64_t hash;
};

struct table {
  struct table_link **buckets;
  size_t size;                  /* a power of two, 0 while empty */
  size_t count;
};

/* Hash bytes; seeded at random once, so that clients cannot aim names at one
 * bucket.
 */
uint64_t table_hash (const void *data, size_t len);

/* Make room for one more link, so that the next table_add cannot fail.
 * Returns 0, -1 = no memory.
 */
int table_reserve (struct table *table);
void table_add (struct table *table, struct table_link *link, uint64_t hash);
void table_remove (struct table *table, struct table_link *link);

/* The first link with this hash, or the next one after LINK. */
struct table_link *table_first (const struct table *table, uint64_t hash);
struct table_link *table_next (const struct table_link *link);

void table_free (struct table *table);

#endif /* DRIVER_TEST_TABLE_H */
