/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of what was passed on; see passed.h.  Open addressing with linear
 * probing; a removal moves the entries behind it up, so that there are no
 * gravestones.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/passed.h"

#define SIZE_MIN 4
/* An empty table larger than this gives its memory back. */
#define SIZE_KEEP 64

/* Where an entry belongs. */
static uint32_t
home (const struct passed_table *table, uint32_t serial)
{
  return serial & (table->size - 1);
}

static uint32_t
next (const struct passed_table *table, uint32_t slot)
{
  return (slot + 1) & (table->size - 1);
}

static struct passed *
put (struct passed_table *table, const struct passed *entry)
{
  uint32_t slot = home (table, entry->serial);

  while (table->slots[slot].state != PASSED_NONE)
    slot = next (table, slot);
  table->slots[slot] = *entry;
  return &table->slots[slot];
}

static int
grow (struct passed_table *table)
{
  struct passed_table larger = {
    .size = table->size ? table->size * 2 : SIZE_MIN, .count = table->count,
    .fd_count = table->fd_count,
  };

  larger.slots = calloc (larger.size, sizeof larger.slots[0]);
  if (larger.slots == NULL)
    return -1;
  for (uint32_t i = 0; i < table->size; i++)
    if (table->slots[i].state != PASSED_NONE)
      put (&larger, &table->slots[i]);
  free (table->slots);
  *table = larger;
  return 0;
}

/* Nobody knows what a procedure does that the tables do not know. */
static bool
may_bring_fds (const struct passed *entry)
{
  return entry->row == NULL || (entry->row->flags & PROC_FDS_OUT);
}

struct passed *
passed_add (struct passed_table *table, const struct frame_header *head,
            const struct proc_row *row, uint32_t bytes)
{
  const struct passed entry = {
    .row = row, .program = head->program, .version = head->version,
    .procedure = head->procedure, .serial = head->serial, .bytes = bytes,
    .state = PASSED_CALL,
  };

  if (table->count >= table->size / 4 * 3 && grow (table) == -1)
    return NULL;
  table->count++;
  table->fd_count += may_bring_fds (&entry);
  return put (table, &entry);
}

static bool
is_it (const struct passed *entry, const struct frame_header *head,
       enum passed_state state)
{
  return entry->serial == head->serial && entry->procedure == head->procedure
         && entry->program == head->program
         && entry->version == head->version
         && (state == PASSED_NONE || entry->state == state);
}

struct passed *
passed_find (const struct passed_table *table,
             const struct frame_header *head, enum passed_state state)
{
  if (table->count == 0)
    return NULL;
  for (uint32_t slot = home (table, head->serial);
       table->slots[slot].state != PASSED_NONE; slot = next (table, slot))
    if (is_it (&table->slots[slot], head, state))
      return &table->slots[slot];
  return NULL;
}

/* A new entry goes behind all that have its serial, and removals keep their
 * order.
 */
struct passed *
passed_newest (const struct passed_table *table,
               const struct frame_header *head)
{
  struct passed *newest = NULL;

  if (table->count == 0)
    return NULL;
  for (uint32_t slot = home (table, head->serial);
       table->slots[slot].state != PASSED_NONE; slot = next (table, slot))
    if (is_it (&table->slots[slot], head, PASSED_CALL))
      newest = &table->slots[slot];
  return newest;
}

/* May the entry in slot `at` move to the free slot `gap`, which is before it
 * on the way from its home?
 */
static bool
reaches (const struct passed_table *table, uint32_t at, uint32_t gap)
{
  uint32_t mask = table->size - 1;
  uint32_t from = home (table, table->slots[at].serial);

  return ((at - from) & mask) >= ((at - gap) & mask);
}

void
passed_remove (struct passed_table *table, struct passed *entry)
{
  uint32_t gap = entry - table->slots;

  if (entry->hiding)
    free (entry->hiding);
  table->fd_count -= may_bring_fds (entry);
  for (uint32_t slot = next (table, gap);
       table->slots[slot].state != PASSED_NONE; slot = next (table, slot))
    if (reaches (table, slot, gap)) {
      table->slots[gap] = table->slots[slot];
      gap = slot;
    }
  table->slots[gap] = (struct passed) { .state = PASSED_NONE };
  table->count--;
  if (table->count == 0 && table->size > SIZE_KEEP)
    passed_free (table);
}

struct passed *
passed_next (const struct passed_table *table, const struct passed *entry)
{
  uint32_t slot = entry ? entry - table->slots + 1 : 0;

  for (; table->count > 0 && slot < table->size; slot++)
    if (table->slots[slot].state != PASSED_NONE)
      return &table->slots[slot];
  return NULL;
}

struct passed *
passed_any (const struct passed_table *table, enum passed_state state)
{
  struct passed *entry = passed_next (table, NULL);

  while (entry && state != PASSED_NONE && entry->state != state)
    entry = passed_next (table, entry);
  return entry;
}

void
passed_free (struct passed_table *table)
{
  for (uint32_t i = 0; table->count > 0 && i < table->size; i++)
    free (table->slots[i].hiding);
  free (table->slots);
  *table = (struct passed_table) { 0 };
}
