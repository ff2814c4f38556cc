/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The hash table of the driver's objects.
 */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "plugins/driver-test/table.h"

#define TABLE_SIZE_MIN 16

/* Written once, before its first use. */
static uint64_t seed;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void
seed_make (void)
{
  if (getrandom (&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
    seed = (uint64_t) time (NULL) * UINT64_C (0x9e3779b97f4a7c15);
}

uint64_t
table_hash (const void *data, size_t len)
{
  const unsigned char *byte = data;
  uint64_t hash;

  pthread_once (&seed_once, seed_make);
  hash = seed ^ UINT64_C (0xcbf29ce484222325);
  for (size_t i = 0; i < len; i++)
    hash = (hash ^ byte[i]) * UINT64_C (0x100000001b3);
  return hash ^ hash >> 29;
}

static void
table_link_in (struct table *table, struct table_link *link)
{
  struct table_link **bucket = &table->buckets[link->hash
                                               & (table->size - 1)];

  link->next = *bucket;
  *bucket = link;
}

int
table_reserve (struct table *table)
{
  struct table old = *table;
  size_t size = old.size ? old.size * 2 : TABLE_SIZE_MIN;
  struct table_link **buckets;

  if (old.count < old.size)
    return 0;
  buckets = calloc (size, sizeof *buckets);
  if (!buckets)
    return -1;
  table->buckets = buckets;
  table->size = size;
  for (size_t i = 0; i < old.size; i++) {
    struct table_link *next;

    for (struct table_link *link = old.buckets[i]; link; link = next) {
      next = link->next;
      table_link_in (table, link);
    }
  }
  free (old.buckets);
  return 0;
}

void
table_add (struct table *table, struct table_link *link, uint64_t hash)
{
  link->hash = hash;
  table_link_in (table, link);
  table->count++;
}

void
table_remove (struct table *table, struct table_link *link)
{
  struct table_link **at;

  for (at = &table->buckets[link->hash & (table->size - 1)]; *at;
       at = &(*at)->next) {
    if (*at == link) {
      *at = link->next;
      table->count--;
      return;
    }
  }
}

struct table_link *
table_first (const struct table *table, uint64_t hash)
{
  struct table_link *link;

  if (!table->size)
    return NULL;
  link = table->buckets[hash & (table->size - 1)];
  while (link && link->hash != hash)
    link = link->next;
  return link;
}

struct table_link *
table_next (const struct table_link *link)
{
  uint64_t hash = link->hash;
  struct table_link *next = link->next;

  while (next && next->hash != hash)
    next = next->next;
  return next;
}

void
table_free (struct table *table)
{
  free (table->buckets);
  *table = (struct table) { NULL, 0, 0 };
}
