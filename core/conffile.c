/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The model of a configuration: sections and keys, overrides, look-ups and
 * printing.  Reading text is confread.c, checking values confvalue.c.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/similar.h"
#include "core/confmodel.h"
#include "core/error.h"

#define SET_NAME "--set"

void
config_init (struct config *config)
{
  config->sections = NULL;
  arena_init (&config->arena, CONFIG_MEMORY_MAX);
}

void
config_free (struct config *config)
{
  arena_free (&config->arena);
  config->sections = NULL;
}

int
config_error (struct virgate_error *err, const struct config_section *section,
              const struct config_key *key, const char *fmt, ...)
{
  const char *file = key ? key->file : section->file;
  uint32_t line = key ? key->line : section->line;
  char text[512], where[16] = "";
  va_list args;

  va_start (args, fmt);
  vsnprintf (text, sizeof text, fmt, args);
  va_end (args);
  if (line > 0)
    snprintf (where, sizeof where, ":%u", line);
  return error_text (err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                     "%s%s: [%s] %s%s%s", file, where, section->title,
                     key ? key->key : "", key ? ": " : "", text);
}

int
config_no_memory (struct virgate_error *err)
{
  return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_CONF, NULL);
}

const struct config_kind *
config_kind_of (const struct config_kind *kinds, const char *kind, size_t len)
{
  for (; kinds->kind; kinds++)
    if (strlen (kinds->kind) == len && memcmp (kinds->kind, kind, len) == 0)
      return kinds;
  return NULL;
}

const struct virgate_option *
config_option (const struct virgate_option *options, const char *key)
{
  for (; options && options->key; options++)
    if (strcmp (options->key, key) == 0)
      return options;
  return NULL;
}

static struct config_section *
find_section (const struct config *config, const char *kind, const char *name)
{
  for (struct config_section *s = config->sections; s; s = s->next)
    if (strcmp (s->kind, kind) == 0
        && (name == NULL || (s->name && strcmp (s->name, name) == 0)))
      return s;
  return NULL;
}

const struct config_section *
config_find (const struct config *config, const char *kind, const char *name)
{
  return find_section (config, kind, name);
}

const struct config_section *
config_each (const struct config *config, const char *kind,
             const struct config_section *previous)
{
  const struct config_section *s = previous ? previous->next
                                            : config->sections;

  while (s && strcmp (s->kind, kind) != 0)
    s = s->next;
  return s;
}

struct config_section *
config_add_section (struct config *config, const struct config_kind *kind,
                    const char *name, const char *file, uint32_t line)
{
  struct arena *arena = &config->arena;
  struct config_section **end = &config->sections;
  struct config_section *s = arena_alloc (arena, sizeof *s);
  char *title;

  if (s == NULL)
    return NULL;
  s->kind = kind->kind;
  s->file = file;
  s->line = line;
  s->title = kind->kind;
  if (name) {
    title = arena_alloc (arena, strlen (kind->kind) + strlen (name) + 2);
    if (title == NULL)
      return NULL;
    s->title = title;
    title = stpcpy (stpcpy (title, kind->kind), " ");
    s->name = strcpy (title, name);
  }
  while (*end)
    end = &(*end)->next;
  *end = s;
  return s;
}

struct config_key *
config_add_key (struct config *config, struct config_section *section,
                const char *key, const char *value, const char *file,
                uint32_t line)
{
  struct config_key **end = &section->keys;
  struct config_key *k = arena_alloc (&config->arena, sizeof *k);

  if (k == NULL)
    return NULL;
  k->key = arena_strndup (&config->arena, key, strlen (key));
  k->value = arena_strndup (&config->arena, value, strlen (value));
  if (k->key == NULL || k->value == NULL)
    return NULL;
  k->file = file;
  k->line = line;
  while (*end)
    end = &(*end)->next;
  *end = k;
  return k;
}

int
config_check_own (const struct config_section *section,
                  const struct config_key *key,
                  const struct config_kind *kind, struct virgate_error *err)
{
  const struct virgate_option *option = config_option (kind->options,
                                                       key->key);
  char hint[SIMILAR_HINT_MAX];
  struct similar similar;

  if (option)
    return config_check_key (section, key, option, err);
  if (kind->others)
    return 0;
  similar_begin (&similar, key->key, strlen (key->key));
  for (option = kind->options; option && option->key; option++)
    similar_offer (&similar, option->key);
  return config_error (err, section, key, "there is no such key in [%s]%s",
                       kind->kind,
                       similar_hint (&similar, hint, sizeof hint));
}

/* Overrides -------------------------------------------------------------- */

/* "kind[.name].key=value", split in place. */
struct assignment {
  const struct config_kind *kind;
  const char *name, *key, *value;
};

static int
split_assignment (char *text, const struct config_kind *kinds,
                  struct assignment *a, struct virgate_error *err)
{
  char *equals = strchr (text, '='), *dot = strchr (text, '.');
  char *last;

  if (equals == NULL || dot == NULL || dot > equals)
    return error_text (err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                       "--set %s: expected SECTION.KEY=VALUE, such as "
                       "daemon.max-clients=10 or listen.NAME.port=0", text);
  a->kind = config_kind_of (kinds, text, dot - text);
  if (a->kind == NULL)
    return error_text (err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                       "--set %s: there is no section kind '%.*s'", text,
                       (int) (dot - text), text);
  last = memrchr (text, '.', equals - text);
  if (a->kind->is_named != (last > dot + 1) || last + 1 == equals)
    return error_text (err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                       "--set %s: expected %s%s.KEY=VALUE", text,
                       a->kind->kind, a->kind->is_named ? ".NAME" : "");
  *dot = *last = *equals = '\0';
  a->name = a->kind->is_named ? dot + 1 : NULL;
  a->key = last + 1;
  a->value = equals + 1;
  return 0;
}

/* Remove what files say about a key, and earlier overrides of one that is no
 * list.
 */
static void
drop_keys (struct config_section *section, const char *key, bool is_list)
{
  struct config_key **at = &section->keys;

  while (*at) {
    bool is_override = strcmp ((*at)->file, SET_NAME) == 0;

    if (strcmp ((*at)->key, key) == 0 && !(is_list && is_override))
      *at = (*at)->next;
    else
      at = &(*at)->next;
  }
}

/* Until its module is known a foreign key may be a list: later overrides of
 * it are all kept if they are words, and config_check_key sorts it out.
 */
static int
apply (struct config *config, const struct assignment *a,
       struct virgate_error *err)
{
  const struct virgate_option *option = config_option (a->kind->options,
                                                       a->key);
  struct config_section *section = find_section (config, a->kind->kind,
                                                 a->name);
  struct config_key *key;

  if (section == NULL)
    section = config_add_section (config, a->kind, a->name, SET_NAME, 0);
  if (section == NULL)
    return config_no_memory (err);
  drop_keys (section, a->key, option == NULL
                              || option->type == VIRGATE_OPTION_LIST);
  key = config_add_key (config, section, a->key, a->value, SET_NAME, 0);
  if (key == NULL)
    return config_no_memory (err);
  if (!config_is_clean (key->value))
    return config_error (err, section, key, CONFIG_UNCLEAN);
  return config_check_own (section, key, a->kind, err);
}

int
config_set (struct config *config, const char *assignment,
            const struct config_kind *kinds, struct virgate_error *err)
{
  char *text = arena_strndup (&config->arena, assignment,
                              strlen (assignment));
  struct assignment a = { NULL };

  if (text == NULL)
    return config_no_memory (err);
  if (split_assignment (text, kinds, &a, err) == -1)
    return -1;
  return apply (config, &a, err);
}

/* Looking up ------------------------------------------------------------- */

const struct config_key *
config_key (const struct config_section *section, const char *key)
{
  const struct config_key *found = NULL;

  if (section)
    for (const struct config_key *k = section->keys; k; k = k->next)
      if (strcmp (k->key, key) == 0)
        found = k;
  return found;
}

const char *
config_value (const struct config_section *section,
              const struct virgate_option *options, const char *key)
{
  const struct config_key *found = config_key (section, key);
  const struct virgate_option *option;

  if (found)
    return found->value;
  option = config_option (options, key);
  return option ? option->def : NULL;
}

uint64_t
config_number (const struct config_section *section,
               const struct virgate_option *options, const char *key)
{
  return config_convert (config_option (options, key),
                         config_value (section, options, key));
}

bool
config_bool (const struct config_section *section,
             const struct virgate_option *options, const char *key)
{
  return config_number (section, options, key) != 0;
}

/* Printing --------------------------------------------------------------- */

/* A ';' after a blank would begin a comment. */
static void
print_key (FILE *out, const char *key, const char *value)
{
  fprintf (out, "%s =%s%s\n", key, *value == ';' ? "" : " ", value);
}

static void
print_options (FILE *out, const struct config_section *section,
               const struct virgate_option *options)
{
  for (; options && options->key; options++) {
    if (config_key (section, options->key) == NULL && options->def)
      print_key (out, options->key, options->def);
    for (const struct config_key *k = section->keys; k; k = k->next)
      if (strcmp (k->key, options->key) == 0)
        print_key (out, k->key, k->value);
  }
}

/* Keys that no table names, as they were written. */
static void
print_others (FILE *out, const struct config_section *section,
              const struct virgate_option *own,
              const struct virgate_option *more)
{
  for (const struct config_key *k = section->keys; k; k = k->next)
    if (!config_option (own, k->key) && !config_option (more, k->key))
      print_key (out, k->key, k->value);
}

void
config_print (FILE *out, const struct config *config,
              const struct config_kind *kinds,
              const struct virgate_option *
              (*more) (void *opaque, const struct config_section *section),
              void *opaque)
{
  for (const struct config_section *s = config->sections; s; s = s->next) {
    const struct config_kind *kind = config_kind_of (kinds, s->kind,
                                                     strlen (s->kind));
    const struct virgate_option *own = kind ? kind->options : NULL;
    const struct virgate_option *theirs = more ? more (opaque, s) : NULL;

    fprintf (out, "%s[%s]\n", s == config->sections ? "" : "\n", s->title);
    print_options (out, s, own);
    print_options (out, s, theirs);
    print_others (out, s, own, theirs);
  }
}
