/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Values of configuration keys: checked and converted by type.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "core/confmodel.h"

#define MODE_MAX 07777

static const struct {
  const char *word;
  bool value;
} bools[] = {
  { "yes", true }, { "no", false }, { "true", true }, { "false", false },
  { "on", true }, { "off", false }, { "1", true }, { "0", false },
};

static const struct {
  char letter;
  int shift;
} suffixes[] = { { 'k', 10 }, { 'm', 20 }, { 'g', 30 } };

/* Each parser returns 0 and the number, or -1. */

static int
parse_bool (const char *value, uint64_t *number)
{
  for (size_t i = 0; i < COUNT_OF (bools); i++)
    if (strcasecmp (value, bools[i].word) == 0) {
      *number = bools[i].value;
      return 0;
    }
  return -1;
}

static int
parse_digits (const char *value, int base, const char **end, uint64_t *number)
{
  char *after;

  if (!isdigit ((unsigned char) *value))
    return -1;
  errno = 0;
  *number = strtoull (value, &after, base);
  *end = after;
  return errno ? -1 : 0;
}

static int
parse_uint (const char *value, uint64_t *number)
{
  const char *end;

  return parse_digits (value, 10, &end, number) == -1 || *end ? -1 : 0;
}

static int
parse_mode (const char *value, uint64_t *number)
{
  const char *end;

  return parse_digits (value, 8, &end, number) == -1 || *end
         || *number > MODE_MAX ? -1 : 0;
}

static int
parse_size (const char *value, uint64_t *number)
{
  const char *end;

  if (parse_digits (value, 10, &end, number) == -1)
    return -1;
  if (*end == '\0')
    return 0;
  for (size_t i = 0; i < COUNT_OF (suffixes); i++)
    if (tolower ((unsigned char) *end) == suffixes[i].letter && !end[1])
      return __builtin_mul_overflow (*number,
                                     UINT64_C (1) << suffixes[i].shift,
                                     number) ? -1 : 0;
  return -1;
}

static int
parse_path (const char *value, uint64_t *number)
{
  *number = 0;
  return value[0] == '/' ? 0 : -1;
}

/* Types without a parser take any text. */
static const struct {
  int (*parse) (const char *value, uint64_t *number);
  const char *what;
} types[] = {
  [VIRGATE_OPTION_BOOL] = { parse_bool, "yes or no" },
  [VIRGATE_OPTION_UINT] = { parse_uint, "a number" },
  [VIRGATE_OPTION_SIZE] = { parse_size, "a size such as 512, 64k or 10M" },
  [VIRGATE_OPTION_MODE] = { parse_mode, "an octal file mode such as 0660" },
  [VIRGATE_OPTION_PATH] = { parse_path, "an absolute path" },
  [VIRGATE_OPTION_LIST] = { NULL, NULL },
};

static bool
has_range (const struct virgate_option *option)
{
  return (option->type == VIRGATE_OPTION_UINT
          || option->type == VIRGATE_OPTION_SIZE)
         && (option->min || option->max);
}

int
config_check_value (const struct virgate_option *option, const char *value,
                    char *why, size_t size)
{
  uint64_t number;
  bool ranged = has_range (option);

  if (option->type >= COUNT_OF (types) || types[option->type].parse == NULL)
    return 0;
  if (types[option->type].parse (value, &number) == 0
      && (!ranged || (number >= option->min && number <= option->max)))
    return 0;
  if (ranged)
    snprintf (why, size, "'%s' is not %s from %" PRIu64 " to %" PRIu64, value,
              types[option->type].what, option->min, option->max);
  else
    snprintf (why, size, "'%s' is not %s", value, types[option->type].what);
  return -1;
}

int
config_check_key (const struct config_section *section,
                  const struct config_key *key,
                  const struct virgate_option *option,
                  struct virgate_error *err)
{
  char why[256];

  if (option->type != VIRGATE_OPTION_LIST)
    for (const struct config_key *k = section->keys; k && k != key;
         k = k->next)
      if (strcmp (k->key, key->key) == 0 && k->line > 0)
        return config_error (err, section, key,
                             "given twice, first in line %u", k->line);
  if (config_check_value (option, key->value, why, sizeof why) == -1)
    return config_error (err, section, key, "%s", why);
  return 0;
}

uint64_t
config_convert (const struct virgate_option *option, const char *value)
{
  uint64_t number = 0;

  if (option && value && option->type < COUNT_OF (types)
      && types[option->type].parse)
    types[option->type].parse (value, &number);
  return number;
}

bool
config_is_clean (const char *value)
{
  for (; *value; value++)
    if (((unsigned char) *value < 0x20 && *value != '\t') || *value == 0x7f)
      return false;
  return true;
}
