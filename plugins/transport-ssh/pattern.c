/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Patterns of ssh's files: names of hosts and users with * and ?.
 */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "sshconf.h"

static bool
same_letter (char a, char b)
{
  return tolower ((unsigned char) a) == tolower ((unsigned char) b);
}

/* Does the name match one pattern?  After a mismatch only the last star can
 * take one more character: the time is that of the product of both lengths at
 * most.
 */
static bool
pattern_matches (const char *pattern, size_t len, const char *name)
{
  size_t at = 0, star = len + 1;
  const char *resume = NULL;

  while (*name) {
    if (at < len && pattern[at] == '*') {
      star = at++;
      resume = name;
    }
    else if (at < len && (pattern[at] == '?'
                          || same_letter (pattern[at], *name))) {
      at++;
      name++;
    }
    else if (resume) {
      at = star + 1;
      name = ++resume;
    }
    else
      return false;
  }
  while (at < len && pattern[at] == '*')
    at++;
  return at == len;
}

int
pattern_list (const char *list, size_t len, const char *name)
{
  const char *end = list + len;
  int result = 0;

  while (list < end) {
    const char *comma = memchr (list, ',', end - list);
    const char *stop = comma ? comma : end;
    bool negated = list < stop && *list == '!';

    list += negated;
    if (list < stop && pattern_matches (list, stop - list, name)) {
      if (negated)
        return -1;
      result = 1;
    }
    list = stop + 1;
  }
  return result;
}
