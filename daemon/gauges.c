/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numbers that modules publish; see metrics.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/list.h"
#include "daemon/gauges.h"
#include "daemon/metrics.h"
#include "daemon/server.h"

/* Of one instance. */
#define GAUGES_MAX 32

static struct gauge *
find (struct server *server, const struct instance *instance,
      const char *name, unsigned *count)
{
  *count = 0;
  list_for_each (item, &server->gauges.list) {
    struct gauge *gauge = list_item (item, struct gauge, link);

    if (gauge->instance != instance)
      continue;
    if (strcmp (gauge->name, name) == 0)
      return gauge;
    ++*count;
  }
  return NULL;
}

static bool
is_name (const char *name)
{
  return *name && strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_")
                  == strlen (name);
}

/* Those of one name stand together, as the format wants it. */
static void
insert (struct server *server, struct gauge *gauge)
{
  struct list *at = server->gauges.list.prev;

  while (at != &server->gauges.list
         && strcmp (list_item (at, struct gauge, link)->name, gauge->name) > 0)
    at = at->prev;
  list_append (at->next, &gauge->link);
}

static void
add (struct server *server, const struct instance *instance,
     const char *name, const char *help, double value)
{
  struct gauge *gauge = calloc (1, sizeof *gauge);

  if (gauge == NULL)
    return;
  gauge->instance = instance;
  gauge->name = strdup (name);
  gauge->help = strdup (help);
  gauge->value = value;
  if (gauge->name && gauge->help) {
    insert (server, gauge);
    return;
  }
  free (gauge->name);
  free (gauge->help);
  free (gauge);
}

void
metrics_gauge (struct server *server, const struct instance *instance,
               const char *name, const char *help, double value)
{
  LOCK_FOR_SCOPE (&server->gauges.lock);
  unsigned count;
  struct gauge *gauge = find (server, instance, name, &count);

  if (instance->is_retired)
    return;
  if (gauge)
    gauge->value = value;
  else if (count < GAUGES_MAX && is_name (name))
    add (server, instance, name, help, value);
}

/* NULL: of all. */
static void
forget (struct server *server, const struct instance *instance)
{
  list_for_each (item, &server->gauges.list) {
    struct gauge *gauge = list_item (item, struct gauge, link);

    if (instance && gauge->instance != instance)
      continue;
    list_remove (&gauge->link);
    free (gauge->name);
    free (gauge->help);
    free (gauge);
  }
}

void
metrics_forget (struct server *server, const struct instance *instance)
{
  LOCK_FOR_SCOPE (&server->gauges.lock);

  forget (server, instance);
}

void
metrics_retire (struct server *server, struct instance *instance)
{
  LOCK_FOR_SCOPE (&server->gauges.lock);

  instance->is_retired = true;
  forget (server, instance);
}
