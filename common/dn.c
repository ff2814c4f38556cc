/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Comparing distinguished names part by part; see dn.h.
 */
#include "config.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "common/dn.h"

/* Parts that a name may have; longer names match nothing. */
#define PARTS_MAX 32
#define PART_LEN_MAX 512

struct parts {
  size_t count;
  char part[PARTS_MAX][PART_LEN_MAX];
};

/* Cut at commas that are not escaped; white space around parts goes.  What
 * was escaped in a name is taken as it is; in a pattern the backslash stays,
 * and has the same meaning there.
 */
static bool
split (const char *dn, bool is_pattern, struct parts *parts)
{
  parts->count = 0;
  while (*dn) {
    size_t len = 0, kept = 0;
    char *part;

    if (parts->count == PARTS_MAX)
      return false;
    part = parts->part[parts->count++];
    dn += strspn (dn, " \t");
    for (; *dn && *dn != ','; dn++) {
      if (len + 2 >= PART_LEN_MAX)
        return false;
      bool is_escaped = *dn == '\\' && dn[1];

      if (is_escaped && is_pattern)
        part[len++] = *dn;
      dn += is_escaped;
      part[len++] = *dn;
      kept = is_escaped ? len : kept;
    }
    while (len > kept && part[len - 1] == ' ')
      len--;
    part[len] = '\0';
    if (*dn == ',')
      dn++;
  }
  return true;
}

/* Attribute names are compared without case, values with it. */
static bool
part_matches (const char *pattern, const char *part)
{
  size_t key = strcspn (pattern, "=");

  if (pattern[key] != '=')
    return fnmatch (pattern, part, 0) == 0;
  return strncasecmp (pattern, part, key + 1) == 0
         && fnmatch (pattern + key + 1, part + key + 1, 0) == 0;
}

static bool
parts_match (const struct parts *pattern, const struct parts *name,
             bool reversed)
{
  size_t count = pattern->count;
  bool open_end = count > 0 && strcmp (pattern->part[count - 1], "*") == 0;

  if (open_end)
    count--;
  if (open_end ? name->count < count : name->count != count)
    return false;
  for (size_t i = 0; i < count; i++)
    if (!part_matches (pattern->part[i],
                       name->part[reversed ? name->count - 1 - i : i]))
      return false;
  return true;
}

bool
dn_matches (const char *pattern, const char *dn)
{
  struct parts wanted, name;

  return split (pattern, true, &wanted) && split (dn, false, &name)
         && (parts_match (&wanted, &name, false)
             || parts_match (&wanted, &name, true));
}

bool
dn_common_name (const char *dn, char *cn, size_t size)
{
  struct parts name;

  if (!split (dn, false, &name))
    return false;
  for (size_t i = 0; i < name.count; i++) {
    if (strncasecmp (name.part[i], "CN=", 3) != 0)
      continue;
    if (name.part[i][3] == '\0' || strlen (name.part[i] + 3) >= size)
      return false;
    strcpy (cn, name.part[i] + 3);
    return true;
  }
  return false;
}
