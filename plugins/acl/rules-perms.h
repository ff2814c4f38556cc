/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Permissions, `OBJECT:PERMISSION`, as numbers; and sets of them.
 */
#ifndef VIRGATE_ACL_RULES_PERMS_H
#define VIRGATE_ACL_RULES_PERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for all pairs that there are. */
#define RULES_PERMS_MAX 192
#define RULES_PERM_WORDS (RULES_PERMS_MAX / 64)

struct rules_set {
  uint64_t bits[RULES_PERM_WORDS];
  bool is_all;                  /* those that nobody has heard of, too */
};

/* The number of an object, or -1; and of a pair, when the object's is known, or
 * is -1.
 */
int rules_object_find (const char *object);
int rules_perm_of (int object, const char *permission);

/* Names; NULL past the last object, false for a number that is no pair's. */
const char *rules_object_name (unsigned object);
bool rules_perm_name (unsigned perm, const char **object,
                      const char **permission);

/* Add what a word stands for: "domain:start", "domain:*", "*:getattr",
 * "*:*".  False when there is no such permission.
 */
bool rules_set_add (struct rules_set *set, const char *word);

static inline bool
rules_set_has (const struct rules_set *set, int perm)
{
  return perm < 0 ? set->is_all
         : (set->bits[perm / 64] >> (perm % 64)) & 1;
}

static inline void
rules_set_join (struct rules_set *set, const struct rules_set *more)
{
  for (int i = 0; i < RULES_PERM_WORDS; i++)
    set->bits[i] |= more->bits[i];
  set->is_all |= more->is_all;
}

#endif /* VIRGATE_ACL_RULES_PERMS_H */
