/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A line of the shell, or a command string, to words: 'quotes', "quotes",
 * backslash, comments, and ';' between commands.  Nothing is expanded.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct splitter {
  const char *at;
  char *to;                     /* where the next byte of a word goes */
  const char *why;
};

/* Copy what stands between quotes; at is behind the first one. */
static int
split_quoted (struct splitter *s, char quote)
{
  for (; *s->at != quote; s->at++) {
    if (*s->at == '\\' && quote == '"' && s->at[1] != '\0')
      s->at++;
    if (*s->at == '\0') {
      s->why = "missing closing quote";
      return -1;
    }
    *s->to++ = *s->at;
  }
  s->at++;
  return 0;
}

/* Copy one word up to a blank, ';' or the end. */
static int
split_word (struct splitter *s)
{
  while (*s->at != '\0' && strchr (" \t\r\n;", *s->at) == NULL) {
    char c = *s->at++;

    if (c == '\'' || c == '"') {
      if (split_quoted (s, c) < 0)
        return -1;
      continue;
    }
    if (c == '\\') {
      if (*s->at == '\0') {
        s->why = "nothing follows the backslash";
        return -1;
      }
      c = *s->at++;
    }
    *s->to++ = c;
  }
  *s->to++ = '\0';
  return 0;
}

static bool
split_at_end (struct splitter *s)
{
  s->at += strspn (s->at, " \t\r\n");
  if (*s->at == '#')
    s->at += strlen (s->at);
  return *s->at == '\0' || *s->at == ';';
}

int
line_split (const char **line, char ***words, const char **why)
{
  size_t len = strlen (*line), room = len / 2 + 2;
  char **out = must_alloc (NULL, room * sizeof (char *) + len + 1, 1);
  struct splitter s = { *line, (char *) (out + room), NULL };
  int count = 0;

  while (!split_at_end (&s)) {
    out[count++] = s.to;
    if (split_word (&s) < 0) {
      *why = s.why;
      free (out);
      return -1;
    }
  }
  out[count] = NULL;
  *line = s.at + (*s.at == ';');
  *words = out;
  return count;
}
