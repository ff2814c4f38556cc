/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The program's answer; see answer.h.
 */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "answer.h"
#include "common/mem.h"

static const struct {
  const char *word;
  enum answer_verdict verdict;
} verdicts[] = {
  { "yes", ANSWER_YES }, { "no", ANSWER_NO }, { "pass", ANSWER_PASS },
};

static bool
is_text (const char *text, size_t len)
{
  for (size_t i = 0; i < len; i++)
    if (((unsigned char) text[i] < ' ' && text[i] != '\n') || text[i] == 127)
      return false;
  return true;
}

static bool
is_name (const char *word)
{
  size_t len = strlen (word);

  return len > 0 && len <= ANSWER_NAME_MAX && word[0] != ' '
         && word[len - 1] != ' ';
}

/* What follows WORD and a blank in a line, "" when nothing does; NULL when
 * the line is about something else.
 */
static const char *
after (const char *line, const char *word)
{
  size_t len = strlen (word);

  if (strncmp (line, word, len) != 0)
    return NULL;
  return line[len] == ' ' ? line + len + 1 : line[len] == '\0' ? "" : NULL;
}

static const char *
parse_verdict (struct answer *answer, const char *line)
{
  for (size_t i = 0; i < COUNT_OF (verdicts); i++) {
    const char *rest = after (line, verdicts[i].word);

    if (rest == NULL)
      continue;
    answer->verdict = verdicts[i].verdict;
    if (*rest == '\0')
      return NULL;
    answer->word = rest;
    if (answer->verdict == ANSWER_PASS)
      return "something follows 'pass'";
    return answer->verdict == ANSWER_YES && !is_name (rest)
           ? "its name is too long, or has blanks at an end" : NULL;
  }
  return "its first line does not begin with yes, no or pass";
}

static const char *
parse_group (struct answer *answer, const char *line)
{
  const char *name = after (line, "group");

  if (answer->verdict != ANSWER_YES)
    return "lines follow although it is not yes";
  if (name == NULL || !is_name (name))
    return "a line after the first is not 'group NAME'";
  if (answer->group_count == ANSWER_GROUPS_MAX)
    return "it names too many groups";
  answer->groups[answer->group_count++] = name;
  return NULL;
}

const char *
answer_parse (struct answer *answer, char *text, size_t len)
{
  const char *wrong = NULL;
  char *end = text + len;

  *answer = (struct answer) { .verdict = ANSWER_NO };
  if (len == 0)
    return "it is empty";
  if (!is_text (text, len))
    return "it has control characters";
  for (char *line = text; line < end && wrong == NULL;) {
    char *newline = strchrnul (line, '\n');

    *newline = '\0';
    wrong = line == text ? parse_verdict (answer, line)
                         : parse_group (answer, line);
    line = newline + 1;
  }
  return wrong;
}
