/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Counting what happens; see tally.h.
 */
#include "config.h"

#include <stdlib.h>

#include "common/mem.h"
#include "daemon/tally.h"

static const int64_t bounds_us[] = TALLY_BOUNDS;

_Static_assert (COUNT_OF (bounds_us) + 1 == TALLY_BUCKETS,
                "one bucket more than there are bounds");

static size_t
tally_slots (void)
{
  size_t slots = 0;

  for (size_t i = 0; i < proc_program_count; i++)
    slots += proc_programs[i].count + 1;
  return slots;
}

static size_t
tally_slot (uint32_t program, const struct proc_row *row)
{
  size_t slot = 0;

  for (size_t i = 0; i < proc_program_count; i++) {
    if (proc_programs[i].number == program)
      return slot + (row ? (size_t) row->number : 0);
    slot += proc_programs[i].count + 1;
  }
  return 0;
}

struct tally *
tally_new (void)
{
  struct tally *tally = calloc (1, sizeof *tally);

  if (tally)
    tally->procs = calloc (tally_slots (), sizeof tally->procs[0]);
  if (tally && tally->procs)
    return tally;
  free (tally);
  return NULL;
}

void
tally_free (struct tally *tally)
{
  if (tally == NULL)
    return;
  free (tally->procs);
  free (tally);
}

void
tally_call (struct tally *tally, uint32_t program,
            const struct proc_row *row, enum tally_outcome outcome,
            int64_t took_ns)
{
  struct tally_proc *proc = &tally->procs[tally_slot (program, row)];
  int64_t took_us = took_ns / 1000;
  size_t bucket = 0;

  while (bucket < COUNT_OF (bounds_us) && took_us > bounds_us[bucket])
    bucket++;
  tally_add (&proc->outcomes[outcome], 1);
  tally_add (&proc->buckets[bucket], 1);
  tally_add (&proc->sum_us, took_us);
}

void
tally_refused (struct tally *tally, uint32_t program,
               const struct proc_row *row)
{
  struct tally_proc *proc = &tally->procs[tally_slot (program, row)];

  tally_add (&proc->outcomes[TALLY_REFUSED], 1);
}
