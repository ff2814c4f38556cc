/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Words to options, by a command's table.  As in virsh, an option that takes
 * a value may also be given by its position among those that do.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static bool
option_takes_value (const struct cli_option *option)
{
  return option->type != OPT_BOOL;
}

const struct cli_option *
option_find (const struct command *def, const char *name)
{
  for (const struct cli_option *o = def->options; o && o->name; o++)
    if (strcmp (o->name, name) == 0)
      return o;
  return NULL;
}

const struct cli_option *
option_at (const struct command *def, int n)
{
  for (const struct cli_option *o = def->options; o && o->name; o++)
    if (option_takes_value (o) && !(o->flags & OPT_NAMED) && n-- == 0)
      return o;
  return NULL;
}

int
parse_size (const char *text, uint64_t scale, uint64_t *bytes)
{
  static const char units[] = "bkmgtpe";
  const char *unit;
  char *end;
  uint64_t base = 1024;

  if (!isdigit ((unsigned char) *text))
    return -1;
  errno = 0;
  *bytes = strtoull (text, &end, 10);
  if (errno != 0)
    return -1;
  if (*end == '\0')
    return __builtin_mul_overflow (*bytes, scale, bytes) ? -1 : 0;
  unit = strchr (units, tolower ((unsigned char) *end));
  if (unit == NULL || *unit == '\0')
    return -1;
  end++;
  if (unit == units)            /* "b", "bytes" */
    return *end == '\0' || strcmp (end, "ytes") == 0 ? 0 : -1;
  if (strcasecmp (end, "b") == 0)
    base = 1000;
  else if (*end != '\0' && strcasecmp (end, "ib") != 0)
    return -1;
  for (; unit > units; unit--)
    if (__builtin_mul_overflow (*bytes, base, bytes))
      return -1;
  return 0;
}

static bool
value_is_good (const struct cli_option *option, const char *value)
{
  uint64_t bytes;

  if (option->type == OPT_SIZE)
    return parse_size (value, 1024, &bytes) == 0;
  if (option->type == OPT_INT)
    return strlen (value) > 0 && strlen (value) < 11
           && strspn (value, "0123456789") == strlen (value)
           && strtoull (value, NULL, 10) <= UINT32_MAX;
  return true;
}

static int
option_set (struct parsed *parsed, const struct cli_option *option,
            const char *value, char *why, size_t size)
{
  const char **slot = &parsed->values[option - parsed->def->options];

  if (*slot) {
    snprintf (why, size, "option --%s was given twice", option->name);
    return -1;
  }
  if (!value_is_good (option, value)) {
    snprintf (why, size, "option --%s: '%s' is not %s", option->name, value,
              option->type == OPT_SIZE ? "a size" : "a number");
    return -1;
  }
  *slot = value;
  return 0;
}

/* argv[at] is a --word.  Returns how many words were used, or -1. */
static int
option_named (struct parsed *parsed, int at, int argc, char **argv,
              char *why, size_t size)
{
  const char *word = argv[at] + 2;
  CLEANUP_FREE char *name = must_strdup (word);
  char *equals = strchr (name, '=');
  const char *value = equals ? word + (equals - name) + 1 : NULL;
  const struct cli_option *option;
  int used = 1;

  if (equals)
    *equals = '\0';
  option = option_find (parsed->def, name);
  if (option == NULL) {
    snprintf (why, size, "command '%s' has no option --%s",
              parsed->def->name, name);
    return -1;
  }
  if (!option_takes_value (option)) {
    if (value == NULL)
      return option_set (parsed, option, "", why, size) < 0 ? -1 : 1;
    snprintf (why, size, "option --%s takes no value", name);
    return -1;
  }
  if (value == NULL && at + 1 < argc) {
    value = argv[at + 1];
    used = 2;
  }
  if (value == NULL) {
    snprintf (why, size, "option --%s needs a value", name);
    return -1;
  }
  if (option->type == OPT_ARGS) {
    parsed->values[option - parsed->def->options] = "";
    parsed->args[parsed->nargs++] = (char *) value;
    return used;
  }
  return option_set (parsed, option, value, why, size) < 0 ? -1 : used;
}

/* The first row that takes values, has none, and goes by position. */
static const struct cli_option *
option_next (const struct parsed *parsed)
{
  for (const struct cli_option *o = parsed->def->options; o && o->name; o++)
    if (option_takes_value (o) && !(o->flags & OPT_NAMED)
        && (o->type == OPT_ARGS
            || parsed->values[o - parsed->def->options] == NULL))
      return o;
  return NULL;
}

static int
option_positional (struct parsed *parsed, char *word, char *why, size_t size)
{
  const struct cli_option *option = option_next (parsed);

  if (option == NULL) {
    snprintf (why, size, "unexpected argument '%s'", word);
    return -1;
  }
  if (option->type != OPT_ARGS)
    return option_set (parsed, option, word, why, size);
  parsed->values[option - parsed->def->options] = "";
  parsed->args[parsed->nargs++] = word;
  return 0;
}

/* Is name one of the words of a list with commas? */
static bool
list_has (const char *list, const char *name)
{
  size_t len = strlen (name);

  for (const char *at = list; at; at = strchr (at, ',')) {
    at += *at == ',';
    if (strncmp (at, name, len) == 0 && (at[len] == ',' || at[len] == '\0'))
      return true;
  }
  return false;
}

/* What must be there is, and what excludes each other is not. */
static int
options_check (const struct parsed *parsed, char *why, size_t size)
{
  const struct cli_option *options = parsed->def->options;

  for (size_t i = 0; options && options[i].name; i++) {
    if (parsed->values[i] == NULL && options[i].flags & OPT_REQUIRED) {
      snprintf (why, size, "command '%s' requires <%s>", parsed->def->name,
                options[i].name);
      return -1;
    }
    if (parsed->values[i] == NULL || options[i].without == NULL)
      continue;
    for (size_t j = 0; options[j].name; j++)
      if (parsed->values[j] && list_has (options[i].without, options[j].name)) {
        snprintf (why, size, "options --%s and --%s are mutually exclusive",
                  options[i].name, options[j].name);
        return -1;
      }
  }
  return 0;
}

int
options_parse (struct parsed *parsed, int argc, char **argv,
               char *why, size_t size)
{
  bool only_values = false;
  int used;

  parsed->args = must_alloc (NULL, argc, sizeof (char *));
  for (int at = 1; at < argc; at += used) {
    used = 1;
    if (!only_values && strcmp (argv[at], "--") == 0)
      only_values = true;
    else if (!only_values && strncmp (argv[at], "--", 2) == 0)
      used = option_named (parsed, at, argc, argv, why, size);
    else if (option_positional (parsed, argv[at], why, size) < 0)
      used = -1;
    if (used < 0)
      return -1;
  }
  return options_check (parsed, why, size);
}
