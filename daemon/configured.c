/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names that the configuration has; see configured.h.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <virgate/host.h>

#include "common/words.h"
#include "core/conffile.h"
#include "daemon/configured.h"
#include "daemon/settings.h"

/* The n-th, or *n less by as many as there are.  Those of auth may be joined by
 * '+'.
 */
static bool
nth_method (const struct config_section *section, uint32_t *n, char *name,
            size_t size)
{
  for (const struct config_key *key = section->keys; key; key = key->next) {
    const char *rest = key->value, *why;
    char word[WORD_MAX];

    if (strcmp (key->key, "auth") != 0 || strcmp (rest, "none") == 0)
      continue;
    while (word_next (&rest, " \t\n,+", word, sizeof word, &why) == 1)
      if ((*n)-- == 0) {
        snprintf (name, size, "%s", word);
        return true;
      }
  }
  return false;
}

/* What each listener has one of; NULL for other things: a module may be newer
 * than this.
 */
static const char *
value_of (const struct config_section *section, uint32_t what)
{
  switch (what) {
  case VIRGATE_CONFIGURED_LISTENER: return section->name;
  case VIRGATE_CONFIGURED_TRANSPORT:
    return config_value (section, listen_options, "transport");
  default: return NULL;
  }
}

static bool
nth_of_listener (const struct config_section *section, uint32_t what,
                 uint32_t *n, char *name, size_t size)
{
  const char *value = value_of (section, what);

  if (what == VIRGATE_CONFIGURED_METHOD)
    return nth_method (section, n, name, size);
  if (value == NULL || (*n)-- > 0)
    return false;
  snprintf (name, size, "%s", value);
  return true;
}

int
configured_name (const struct config *config, uint32_t what, uint32_t n,
                 char *name, size_t size)
{
  const struct config_section *section = NULL;

  while ((section = config_each (config, "listen", section)))
    if (nth_of_listener (section, what, &n, name, size))
      return 1;
  return 0;
}
