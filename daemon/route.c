/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Choosing a driver by name, host, listener and identity; see route.h.
 */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/listeners.h"
#include "daemon/route.h"
#include "daemon/session.h"

static const char blanks[] = " \t,";

/* The section's keys, and where their words go. */
static const struct {
  const char *key;
  size_t offset;
} lists[] = {
  { "uri", offsetof (struct route, uris) },
  { "hosts", offsetof (struct route, hosts) },
  { "listeners", offsetof (struct route, listeners) },
  { "users", offsetof (struct route, users) },
  { "groups", offsetof (struct route, groups) },
  { "migrate-to", offsetof (struct route, migrate_to) },
};

static char ***
list_at (struct route *route, size_t i)
{
  return (char ***) (void *) ((char *) route + lists[i].offset);
}

static int
add_word (char ***list, const char *word, size_t len)
{
  size_t count = 0;
  char **grown;

  while (*list && (*list)[count])
    count++;
  grown = realloc (*list, (count + 2) * sizeof *grown);
  if (grown == NULL)
    return -1;
  *list = grown;
  grown[count] = strndup (word, len);
  grown[count + 1] = NULL;
  return grown[count] ? 0 : -1;
}

static int
add_words (char ***list, const char *value)
{
  for (value += strspn (value, blanks); *value;
       value += strspn (value, blanks)) {
    size_t len = strcspn (value, blanks);

    if (add_word (list, value, len) == -1)
      return -1;
    value += len;
  }
  return 0;
}

int
route_read (struct route *route, const struct config_section *section)
{
  for (const struct config_key *key = section->keys; key; key = key->next)
    for (size_t i = 0; i < COUNT_OF (lists); i++)
      if (strcmp (lists[i].key, key->key) == 0
          && add_words (list_at (route, i), key->value) == -1)
        return -1;
  return 0;
}

void
route_free (struct route *route)
{
  for (size_t i = 0; i < COUNT_OF (lists); i++) {
    char ***list = list_at (route, i);

    for (char **word = *list; word && *word; word++)
      free (*word);
    free (*list);
    *list = NULL;
  }
}

int
route_name_split (struct route_name *wanted, const char *name, bool has_hosts)
{
  static const char *const chooses[] = { ROUTE_HOST, NULL };

  *wanted = (struct route_name) { .name = name };
  if (!has_hosts || strchr (name, '?') == NULL)
    return 0;
  if (uri_parse (&wanted->uri, name, NULL) == -1)
    return -1;
  wanted->host = uri_param (&wanted->uri, ROUTE_HOST);
  if (wanted->host == NULL)
    return 0;
  if (uri_consume (&wanted->uri, chooses, NULL) == -1) {
    uri_free (&wanted->uri);
    return -1;
  }
  wanted->name = wanted->uri.name;
  return 0;
}

void
route_name_free (struct route_name *wanted)
{
  uri_free (&wanted->uri);
}

static bool
route_matches (char *const *patterns, const char *word)
{
  for (; patterns && *patterns; patterns++)
    if (fnmatch (*patterns, word, 0) == 0)
      return true;
  return false;
}

static bool
has_group (char *const *patterns, const struct virgate_identity *identity)
{
  const char *group;

  for (uint32_t n = 0; (group = identity_get_group (identity, n)); n++)
    if (route_matches (patterns, group))
      return true;
  return false;
}

/* Users and groups are alternatives, as they are elsewhere. */
static bool
is_for_identity (const struct route *route,
                 const struct virgate_identity *identity)
{
  const char *name = identity_get_name (identity);

  if (route->users == NULL && route->groups == NULL)
    return true;
  return (name && route_matches (route->users, name))
         || has_group (route->groups, identity);
}

bool
route_is_for (const struct route *route, const struct session *session)
{
  return (route->listeners == NULL
          || route_matches (route->listeners, session->listener->name))
         && is_for_identity (route, &session->identity);
}

bool
route_fits (const struct route *route, const struct route_name *wanted,
            const struct session *session)
{
  if (wanted->host ? !route_matches (route->hosts, wanted->host)
                   : route->hosts != NULL)
    return false;
  return (route->uris == NULL || route_matches (route->uris, wanted->name))
         && route_is_for (route, session);
}
