/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The far side's first words: noise of a profile, the mark, and then the
 * daemon's bytes; see far.h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "far.h"

void
answer_quote (const char *data, size_t len, char *text, size_t size)
{
  size_t at = 0;

  /* The end says more than the beginning. */
  while (len > 0 && strchr (" \r\n", data[len - 1]))
    len--;
  if (len > size - sizeof "...") {
    at = len - (size - sizeof "...");
    text = stpcpy (text, "...");
  }
  for (; at < len; at++) {
    unsigned char c = data[at];

    if (c == '\r')
      continue;
    *text++ = c == '\n' || c == '\t' ? ' ' : c < 0x20 || c > 0x7e ? '?' : c;
  }
  *text = '\0';
}

/* The line after the mark. */
static enum answer
read_mark (struct answer_state *state, const char *line, const char *end)
{
  static const struct {
    const char *word;
    enum answer answer;
  } words[] = { { "ready ", ANSWER_READY }, { "none", ANSWER_NONE } };

  for (size_t i = 0; i < COUNT_OF (words); i++) {
    size_t len = strlen (words[i].word);

    if ((size_t) (end - line) < len || memcmp (line, words[i].word, len) != 0)
      continue;
    line += len;
    line += line < end && *line == ' ';
    answer_quote (line, end - line, state->word, sizeof state->word);
    state->rest = end + 1 - state->data;
    return words[i].answer;
  }
  return ANSWER_NOISE;
}

static enum answer
look (struct answer_state *state)
{
  const char *mark, *end;

  if (state->len == 0)
    return ANSWER_MORE;
  /* No text begins with the high bytes of a message's length. */
  if ((unsigned char) state->data[0] < 4) {
    state->rest = 0;
    snprintf (state->word, sizeof state->word, "the account's own command");
    return ANSWER_READY;
  }
  mark = memmem (state->data, state->len, FAR_MARK, strlen (FAR_MARK));
  end = mark ? memchr (mark, '\n', state->len - (mark - state->data)) : NULL;
  if (end)
    return read_mark (state, mark + strlen (FAR_MARK), end);
  return state->len < ANSWER_MAX ? ANSWER_MORE : ANSWER_NOISE;
}

enum answer
answer_feed (struct answer_state *state, const char *data, size_t len)
{
  char *more = realloc (state->data, state->len + len + 1);

  if (more == NULL)
    return ANSWER_NOISE;
  memcpy (more + state->len, data, len);
  state->data = more;
  state->len += len;
  return look (state);
}
