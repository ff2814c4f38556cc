/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Remembering names for a moment; see known-names.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/drivers.h"
#include "daemon/known-names.h"
#include "daemon/server.h"
#include "daemon/session.h"

/* Of one session; a newcomer takes the place of whoever had it. */
#define PLACES 16

struct known_names {
  struct known_name {
    const struct proc_row *teller; /* NULL: none is here */
    uint8_t uuid[16];
    char *name;
    struct names_when when;
  } places[PLACES];
};

static unsigned
place_of (const uint8_t uuid[16])
{
  unsigned sum = 0;

  for (int i = 0; i < 16; i++)
    sum += uuid[i];
  return sum % PLACES;
}

static uint64_t
changes_of (const struct session *session)
{
  return session->driver ? atomic_load_explicit (&session->driver->changes,
                                                 memory_order_acquire) : 0;
}

struct names_when
names_now (const struct session *session)
{
  return (struct names_when) { session->loop->now, changes_of (session) };
}

bool
names_are_fresh (const struct session *session, struct names_when when)
{
  return when.changes == changes_of (session)
         && session->loop->now - when.at_ns <= KNOWN_NAMES_NS;
}

const char *
names_known (const struct session *session, const struct proc_row *teller,
             const uint8_t uuid[16], struct names_when *when)
{
  const struct known_name *known;

  if (session->names == NULL)
    return NULL;
  known = &session->names->places[place_of (uuid)];
  if (known->teller != teller || memcmp (known->uuid, uuid, 16) != 0
      || !names_are_fresh (session, known->when))
    return NULL;
  *when = known->when;
  return known->name;
}

void
names_remember (struct session *session, const struct proc_row *teller,
                const uint8_t uuid[16], const char *name,
                struct names_when when)
{
  char *copy = strdup (name);
  struct known_name *known;

  if (session->names == NULL)
    session->names = calloc (1, sizeof *session->names);
  if (session->names == NULL || copy == NULL) {
    free (copy);
    return;
  }
  known = &session->names->places[place_of (uuid)];
  free (known->name);
  *known = (struct known_name) {
    .teller = teller, .name = copy, .when = when,
  };
  memcpy (known->uuid, uuid, 16);
}

static void
forget_all (struct driver *driver)
{
  atomic_fetch_add_explicit (&driver->changes, 1, memory_order_acq_rel);
}

/* Whatever changes something may do so, and what nobody knows. */
void
names_touched (struct driver *driver, const struct proc_row *row)
{
  if (driver && (row == NULL || row->denied.test == PROC_ALWAYS))
    forget_all (driver);
}

void
names_event (struct driver *driver, const struct proc_row *row)
{
  if (row == NULL || strstr (row->name, "lifecycle"))
    forget_all (driver);
}

void
names_free (struct session *session)
{
  for (int i = 0; session->names && i < PLACES; i++)
    free (session->names->places[i].name);
  free (session->names);
  session->names = NULL;
}
