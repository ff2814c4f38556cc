/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Taking words from a line; see words.h.
 */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "common/words.h"

int
word_next (const char **at, const char *between, char *word, size_t size,
           const char **why)
{
  const char *from = *at + strspn (*at, between);
  bool is_quoted = false;
  size_t len = 0;

  *at = from;
  if (*from == '\0')
    return 0;
  for (; *from && (is_quoted || !strchr (between, *from)); from++) {
    if (*from == '"') {
      is_quoted = !is_quoted;
      continue;
    }
    if (is_quoted && from[0] == '\\' && from[1] == '"')
      from++;
    if (len + 1 >= size) {
      *why = "a word is too long";
      return -1;
    }
    word[len++] = *from;
  }
  word[len] = '\0';
  *at = from;
  *why = "a quote is not closed";
  return is_quoted ? -1 : 1;
}
