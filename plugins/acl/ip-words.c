/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Taking words from a value; see ip-words.h.
 */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "ip-words.h"

#define BETWEEN " \t\n,"

int
ip_next_word (const char **at, char word[IP_VALUE_WORD_MAX], const char **why)
{
  const char *from = *at + strspn (*at, BETWEEN);
  bool is_quoted = false;
  size_t len = 0;

  *at = from;
  if (*from == '\0')
    return 0;
  for (; *from && (is_quoted || !strchr (BETWEEN, *from)); from++) {
    if (*from == '"') {
      is_quoted = !is_quoted;
      continue;
    }
    if (is_quoted && from[0] == '\\' && from[1] == '"')
      from++;
    if (len == IP_VALUE_WORD_MAX - 1) {
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
