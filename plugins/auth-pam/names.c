/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lists of names; see names.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "names.h"

static int
add_one (struct names *names, const struct virgate_host *host,
         const char *word)
{
  char **more;

  if (names->count == NAMES_MAX)
    return host->error (host, "more than %d names", NAMES_MAX);
  more = reallocarray (names->name, names->count + 1, sizeof *more);
  if (more == NULL)
    return host->error (host, "out of memory");
  names->name = more;
  more[names->count] = strdup (word);
  if (more[names->count] == NULL)
    return host->error (host, "out of memory");
  names->count++;
  return 0;
}

int
names_add (struct names *names, const struct virgate_host *host,
           const char *value)
{
  CLEANUP_FREE char *copy = strdup (value);
  char *save = NULL;

  if (copy == NULL)
    return host->error (host, "out of memory");
  for (char *word = strtok_r (copy, " \t", &save); word;
       word = strtok_r (NULL, " \t", &save))
    if (add_one (names, host, word) == -1)
      return -1;
  return 0;
}

bool
names_have (const struct names *names, const char *name)
{
  for (size_t i = 0; i < names->count; i++)
    if (strcmp (names->name[i], name) == 0)
      return true;
  return false;
}

void
names_free (struct names *names)
{
  for (size_t i = 0; i < names->count; i++)
    free (names->name[i]);
  free (names->name);
  *names = (struct names) { 0 };
}
