/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From what the user wrote to URIs: the default, aliases, and aliases that
 * stand for several hosts.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/clientconf.h"
#include "client/internal.h"

/* Aliases inside aliases, and hosts behind one name. */
#define ALIAS_DEPTH_MAX 8
#define ALIAS_HOSTS_MAX 4096

#define BLANKS " \t"

struct expansion {
  const struct clientconf *conf;
  struct arena *arena;
  const char **names;           /* room for ALIAS_HOSTS_MAX and the NULL */
  int count;
  bool keeps_aliases;           /* of single hosts, as people know them */
  struct virgate_error *err;
};

static int
no_memory (struct virgate_error *err)
{
  return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_CONF, NULL);
}

static int expand (struct expansion *x, const char *name, int depth);

/* Every word of an alias. */
static int
expand_words (struct expansion *x, const char *alias, const char *text,
              int depth)
{
  int before = x->count;

  if (depth == ALIAS_DEPTH_MAX)
    return error_text (x->err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                       "alias '%s' stands for itself, or nests deeper than "
                       "%d", alias, ALIAS_DEPTH_MAX);
  for (text += strspn (text, BLANKS); *text; text += strspn (text, BLANKS)) {
    size_t len = strcspn (text, BLANKS);
    const char *word = arena_strndup (x->arena, text, len);

    if (word == NULL)
      return no_memory (x->err);
    /* A name may stand for a URI of the same name: that ends it. */
    if (expand (x, word, depth + 1) == -1)
      return -1;
    text += len;
  }
  if (x->count == before)
    return error_text (x->err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                       "alias '%s' stands for nothing", alias);
  return 0;
}

static int
expand (struct expansion *x, const char *name, int depth)
{
  const char *text = strchr (name, ':') ? NULL
                                        : clientconf_alias (x->conf, name);
  int before = x->count;

  if (text) {
    if (expand_words (x, name, text, depth) == -1)
      return -1;
    if (x->keeps_aliases && x->count == before + 1)
      x->names[before] = name;
    return 0;
  }
  if (x->count == ALIAS_HOSTS_MAX)
    return error_text (x->err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                       "aliases stand for more than %d hosts",
                       ALIAS_HOSTS_MAX);
  x->names[x->count++] = name;
  return 0;
}

static const char *
default_name (const struct clientconf *conf)
{
  static const char *const variables[] = { "VIRGATE_DEFAULT_URI",
                                           "LIBVIRT_DEFAULT_URI" };
  const char *name;

  for (size_t i = 0; i < COUNT_OF (variables); i++) {
    name = secure_getenv (variables[i]);
    if (name && *name)
      return name;
  }
  name = clientconf_value (conf, "default-uri");
  return name ? name : "";
}

int
clientconf_expand (const struct clientconf *conf, const char *name,
                   bool keeps_aliases, struct arena *arena,
                   const char ***names, struct virgate_error *err)
{
  struct expansion x = { .conf = conf, .arena = arena, .err = err,
                         .keeps_aliases = keeps_aliases };

  x.names = arena_array (arena, ALIAS_HOSTS_MAX + 1, sizeof *x.names);
  if (name == NULL)
    name = default_name (conf);
  name = arena_strndup (arena, name, strlen (name));
  if (x.names == NULL || name == NULL)
    return no_memory (err);
  if (expand (&x, name, 0) == -1)
    return -1;
  *names = x.names;
  return x.count;
}

/* Everything in one block: pointers, then strings. */
static char **
pack (const char *const *names, int count)
{
  size_t len = (count + 1) * sizeof (char *);
  char **block, *to;

  for (int i = 0; i < count; i++)
    len += strlen (names[i]) + 1;
  block = malloc (len);
  if (block == NULL)
    return NULL;
  to = (char *) (block + count + 1);
  for (int i = 0; i < count; i++) {
    block[i] = to;
    to = stpcpy (to, names[i]) + 1;
  }
  block[count] = NULL;
  return block;
}

int
virgate_expand_alias (const char *name, const char *config_file,
                      char ***names)
{
  CLEANUP (clientconf_free) struct clientconf conf = { .count = 0 };
  CLEANUP (arena_free) struct arena arena;
  struct virgate_error err = { 0 };
  const char **found;
  int count;

  arena_init (&arena, CONFIG_MEMORY_MAX);
  if (clientconf_read (&conf, config_file, &err) == -1
      || (count = clientconf_expand (&conf, name, true, &arena, &found,
                                     &err)) == -1)
    return client_error_take (&err);
  *names = pack (found, count);
  if (*names == NULL)
    return client_error (VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_CONF, NULL);
  return count;
}
