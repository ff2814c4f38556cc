/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Named sets of addresses, `set = NAME ENTRY...`, which other keys of the
 * section use as @NAME.
 */
#ifndef VIRGATE_ACL_IP_SETS_H
#define VIRGATE_ACL_IP_SETS_H

#include <stdbool.h>

#include "common/words.h"
#include "ip-table.h"

/* Sets of a section, and characters of a name. */
#define IP_SETS_MAX 1000
#define IP_SET_NAME_MAX 64

struct ip_set {
  char name[IP_SET_NAME_MAX];
  struct ip_builder entries;
  bool is_used;                 /* then nothing may be added any more */
};

struct ip_sets {
  struct ip_set *set;
  unsigned count;
};

/* The next word of a value; see word_next. */
static inline int
ip_next_word (const char **at, char word[WORD_MAX], const char **why)
{
  return word_next (at, " \t\n,", word, WORD_MAX, why);
}

void ip_sets_free (struct ip_sets *sets);

/* Read the value of a `set` key.  A name that was given before gets more
 * entries.  0, or -1 with why filled in.
 */
int ip_sets_define (struct ip_sets *sets, const char *value, char *why,
                    size_t size);

/* Collect the entries of a word: an entry of addresses, or @NAME.  0, or -1
 * with why filled in.
 */
int ip_sets_collect (struct ip_sets *sets, const char *word,
                     struct ip_builder *builder, uint32_t line,
                     uint16_t source, char *why, size_t size);

#endif /* VIRGATE_ACL_IP_SETS_H */
