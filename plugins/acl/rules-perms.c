/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of permissions; see rules-perms.h.
 */
#include "config.h"

#include <string.h>

#include "common/mem.h"
#include "rules-perms.h"

static const char *const objects[] = {
#define O(name) #name,
#define P(name)
#include "rules-perms.def"
#undef O
#undef P
};

/* An object's row has no name: it begins the object. */
static const char *const rows[] = {
#define O(name) NULL,
#define P(name) #name,
#include "rules-perms.def"
#undef O
#undef P
};

_Static_assert (COUNT_OF (rows) <= RULES_PERMS_MAX, "a larger set");

/* Most names differ in their first letter. */
static inline bool
is_same (const char *a, const char *b)
{
  return *a == *b && strcmp (a, b) == 0;
}

/* The row where an object begins, or -1. */
static int
row_of (int object)
{
  for (size_t i = 0; i < COUNT_OF (rows); i++)
    if (rows[i] == NULL && object-- == 0)
      return i;
  return -1;
}

int
rules_object_find (const char *object)
{
  for (size_t i = 0; i < COUNT_OF (objects); i++)
    if (is_same (objects[i], object))
      return i;
  return -1;
}

int
rules_perm_of (int object, const char *permission)
{
  size_t row = object == -1 ? COUNT_OF (rows) : (size_t) row_of (object) + 1;

  for (; row < COUNT_OF (rows) && rows[row]; row++)
    if (is_same (rows[row], permission))
      return row;
  return -1;
}

const char *
rules_object_name (unsigned object)
{
  return object < COUNT_OF (objects) ? objects[object] : NULL;
}

bool
rules_perm_name (unsigned perm, const char **object, const char **permission)
{
  int which = -1;

  if (perm >= COUNT_OF (rows) || rows[perm] == NULL)
    return false;
  for (unsigned i = 0; i <= perm; i++)
    which += rows[i] == NULL;
  *object = objects[which];
  *permission = rows[perm];
  return true;
}

static bool
is_like (const char *pattern, size_t len, const char *name)
{
  return (len == 1 && *pattern == '*')
         || (strlen (name) == len && memcmp (pattern, name, len) == 0);
}

bool
rules_set_add (struct rules_set *set, const char *word)
{
  const char *colon = strchr (word, ':');
  bool is_object = false, found = false;
  unsigned object = 0;

  if (colon == NULL)
    return false;
  for (unsigned i = 0; i < COUNT_OF (rows); i++)
    if (rows[i] == NULL)
      is_object = is_like (word, colon - word, objects[object++]);
    else if (is_object && is_like (colon + 1, strlen (colon + 1), rows[i])) {
      set->bits[i / 64] |= UINT64_C (1) << (i % 64);
      found = true;
    }
  set->is_all |= strcmp (word, "*:*") == 0;
  return found;
}
