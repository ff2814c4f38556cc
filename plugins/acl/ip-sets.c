/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Named sets; see ip-sets.h.  A set must stand before it is used: what a line
 * means does not depend on what comes below it, and sets cannot go in circles.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ip-sets.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
                   "0123456789-_."
#define NO_ROOM "out of memory, or too many entries"

void
ip_sets_free (struct ip_sets *sets)
{
  for (unsigned i = 0; i < sets->count; i++)
    ip_builder_free (&sets->set[i].entries);
  free (sets->set);
  memset (sets, 0, sizeof *sets);
}

static struct ip_set *
find (struct ip_sets *sets, const char *name)
{
  for (unsigned i = 0; i < sets->count; i++)
    if (strcmp (sets->set[i].name, name) == 0)
      return &sets->set[i];
  return NULL;
}

static struct ip_set *
add (struct ip_sets *sets, const char *name)
{
  struct ip_set *more;

  if (sets->count == IP_SETS_MAX)
    return NULL;
  more = reallocarray (sets->set, sets->count + 1, sizeof *more);
  if (more == NULL)
    return NULL;
  sets->set = more;
  more += sets->count++;
  *more = (struct ip_set) { .is_used = false };
  strcpy (more->name, name);
  return more;
}

static int
collect_raws (const struct ip_raws *raws, bool is_v6,
              struct ip_builder *builder, uint32_t line, uint16_t source)
{
  for (uint32_t i = 0; i < raws->count; i++)
    if (ip_builder_add (builder,
                        &(struct ip_range) { is_v6, raws->raw[i].first,
                                             raws->raw[i].last },
                        line, source) == -1)
      return -1;
  return 0;
}

static int
collect_set (struct ip_sets *sets, const char *name,
             struct ip_builder *builder, uint32_t line, uint16_t source,
             char *why, size_t size)
{
  struct ip_set *set = find (sets, name);

  if (set == NULL)
    return ip_complain (why, size, "there is no set '%.60s' above this line",
                        name);
  set->is_used = true;
  if (collect_raws (&set->entries.v4, false, builder, line, source) == -1
      || collect_raws (&set->entries.v6, true, builder, line, source) == -1)
    return ip_complain (why, size, "%s", NO_ROOM);
  return 0;
}

int
ip_sets_collect (struct ip_sets *sets, const char *word,
                 struct ip_builder *builder, uint32_t line, uint16_t source,
                 char *why, size_t size)
{
  struct ip_range ranges[2];
  int count;

  if (*word == '@')
    return collect_set (sets, word + 1, builder, line, source, why, size);
  count = ip_parse (word, ranges, why, size);
  for (int i = 0; i < count; i++)
    if (ip_builder_add (builder, &ranges[i], line, source) == -1)
      return ip_complain (why, size, "%s", NO_ROOM);
  return count == -1 ? -1 : 0;
}

/* Make sure that the name is one, and its set open for more. */
static struct ip_set *
open_set (struct ip_sets *sets, const char *name, char *why, size_t size)
{
  struct ip_set *set;
  size_t len = strlen (name);

  if (len == 0 || len >= IP_SET_NAME_MAX || strspn (name, NAME_CHARS) != len
      || strspn (name, "0123456789.") == len) {
    ip_complain (why, size, "'%.80s' is no name for a set: write NAME "
                 "ENTRY...", name);
    return NULL;
  }
  set = find (sets, name);
  if (set && set->is_used) {
    ip_complain (why, size, "the set '%s' was used above: put all of it "
                 "before its first use", name);
    return NULL;
  }
  set = set ? set : add (sets, name);
  if (set == NULL)
    ip_complain (why, size, "%s", "out of memory, or too many sets");
  return set;
}

int
ip_sets_define (struct ip_sets *sets, const char *value, char *why,
                size_t size)
{
  char name[WORD_MAX], word[WORD_MAX];
  const char *problem = NULL;
  int more = ip_next_word (&value, name, &problem);

  if (more == 0)
    return ip_complain (why, size, "%s", "write NAME ENTRY...");
  if (more == 1 && open_set (sets, name, why, size) == NULL)
    return -1;
  while (more == 1 && (more = ip_next_word (&value, word, &problem)) == 1) {
    if (*word == '@' && strcmp (word + 1, name) == 0)
      return ip_complain (why, size, "the set '%s' contains itself", name);
    /* Not kept over the call: a set that is used may be any of them. */
    if (ip_sets_collect (sets, word, &find (sets, name)->entries, 0, 0, why,
                         size) == -1)
      return -1;
  }
  return more == 0 ? 0 : ip_complain (why, size, "%s", problem);
}
