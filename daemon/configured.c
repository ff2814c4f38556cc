/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names that the configuration has; see configured.h.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <virgate/host.h>

#include "core/conffile.h"
#include "daemon/configured.h"
#include "daemon/settings.h"

/* The n-th word of a text, or *n less by as many as it has. */
static bool
nth_word (const char *text, const char *separators, uint32_t *n, char *name,
          size_t size)
{
  const char *word = text + strspn (text, separators);

  while (*word) {
    size_t len = strcspn (word, separators);

    if ((*n)-- == 0) {
      snprintf (name, size, "%.*s", (int) len, word);
      return true;
    }
    word += len;
    word += strspn (word, separators);
  }
  return false;
}

static bool
nth_method (const struct config_section *section, uint32_t *n, char *name,
            size_t size)
{
  for (const struct config_key *key = section->keys; key; key = key->next)
    if (strcmp (key->key, "auth") == 0
        && nth_word (key->value, " \t\n,+", n, name, size))
      return true;
  return false;
}

static bool
nth_of_listener (const struct config_section *section, uint32_t what,
                 uint32_t *n, char *name, size_t size)
{
  const char *transport = config_value (section, listen_options, "transport");

  switch (what) {
  case VIRGATE_CONFIGURED_LISTENER:
    return nth_word (section->name, "", n, name, size);
  case VIRGATE_CONFIGURED_TRANSPORT:
    return transport && nth_word (transport, "", n, name, size);
  case VIRGATE_CONFIGURED_METHOD:
    return nth_method (section, n, name, size);
  default:
    return false;
  }
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
