/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls that wait for their reply, by serial, and a bounded memory of those
 * that gave up waiting.  The connection's lock guards it all.
 */
#include "config.h"

#include <stdlib.h>

#include "client/internal.h"

#define BUCKETS_MIN 16

int
pending_init (struct pending *pending)
{
  *pending = (struct pending) { .size = BUCKETS_MIN };
  list_init (&pending->deadlines);
  pending->buckets = calloc (BUCKETS_MIN, sizeof *pending->buckets);
  return pending->buckets ? 0 : -1;
}

void
pending_free (struct pending *pending)
{
  free (pending->buckets);
  free (pending->abandoned);
}

static struct call **
bucket (const struct pending *pending, uint32_t serial)
{
  return &pending->buckets[serial & (pending->size - 1)];
}

static void
insert (struct pending *pending, struct call *call)
{
  struct call **head = bucket (pending, (uint32_t) call->id);

  call->next = *head;
  *head = call;
}

/* Twice as many buckets; serials are consecutive, so they spread evenly. */
static int
grow (struct pending *pending)
{
  struct call **old = pending->buckets;
  uint32_t old_size = pending->size;

  pending->buckets = calloc (old_size * (size_t) 2, sizeof *old);
  if (pending->buckets == NULL) {
    pending->buckets = old;
    return -1;
  }
  pending->size = old_size * 2;
  for (uint32_t i = 0; i < old_size; i++)
    while (old[i]) {
      struct call *call = old[i];

      old[i] = call->next;
      insert (pending, call);
    }
  free (old);
  return 0;
}

/* Most calls have the same timeout, so that their place is at the end. */
static void
insert_deadline (struct pending *pending, struct call *call)
{
  struct list *after = pending->deadlines.prev;

  while (after != &pending->deadlines
         && list_item (after, struct call, by_deadline)->deadline
            > call->deadline)
    after = after->prev;
  list_append (after->next, &call->by_deadline);
}

int
pending_add (struct pending *pending, struct call *call)
{
  if (pending->count >= pending->size && pending->size < UINT32_C (1) << 30
      && grow (pending) == -1)
    return -1;
  insert (pending, call);
  pending->count++;
  if (call->done && call->deadline != NEVER_NS)
    insert_deadline (pending, call);
  return 0;
}

struct call *
pending_find (const struct pending *pending, uint32_t serial)
{
  struct call *call = *bucket (pending, serial);

  while (call && (uint32_t) call->id != serial)
    call = call->next;
  return call;
}

void
pending_remove (struct pending *pending, struct call *call)
{
  struct call **at = bucket (pending, (uint32_t) call->id);

  while (*at != call)
    at = &(*at)->next;
  *at = call->next;
  pending->count--;
  list_remove (&call->by_deadline);
}

struct call *
pending_first (const struct pending *pending)
{
  for (uint32_t i = 0; pending->count > 0 && i < pending->size; i++)
    if (pending->buckets[i])
      return pending->buckets[i];
  return NULL;
}

void
pending_abandon (struct pending *pending, uint64_t id)
{
  uint64_t *slot;

  if (pending->abandoned == NULL)
    pending->abandoned = calloc (ABANDONED_MAX, sizeof *pending->abandoned);
  if (pending->abandoned == NULL) {
    pending->forgotten = MAX_OF (pending->forgotten, id + 1);
    return;
  }
  slot = &pending->abandoned[pending->abandoned_next];
  pending->abandoned_next = (pending->abandoned_next + 1) % ABANDONED_MAX;
  pending->forgotten = MAX_OF (pending->forgotten, *slot);
  *slot = id + 1;               /* 0: empty */
}

bool
pending_was_abandoned (const struct pending *pending, uint32_t serial,
                       uint64_t next)
{
  uint64_t id = next - (uint32_t) ((uint32_t) next - serial);

  if (id >= next)             /* or below zero */
    return false;
  if (id < pending->forgotten)
    return true;
  for (uint32_t i = 0; pending->abandoned && i < ABANDONED_MAX; i++)
    if (pending->abandoned[i] == id + 1)
      return true;
  return false;
}
