/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How far words are from one another; see similar.h.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/similar.h"

/* So many slips: one in a short word, two in others. */
static unsigned
slips (size_t len)
{
  return len < 5 ? 1 : 2;
}

/* Letters that are missing, too many, wrong, or changed places with the next
 * one.  The row before and the one before that are kept.
 */
static unsigned
distance (const char *a, size_t a_len, const char *b, size_t b_len)
{
  unsigned rows[3][SIMILAR_MAX + 1];

  for (size_t j = 0; j <= b_len; j++)
    rows[0][j] = j;
  for (size_t i = 1; i <= a_len; i++) {
    unsigned *now = rows[i % 3], *before = rows[(i - 1) % 3];

    now[0] = i;
    for (size_t j = 1; j <= b_len; j++) {
      now[j] = MIN_OF (before[j] + 1, now[j - 1] + 1);
      now[j] = MIN_OF (now[j], before[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = MIN_OF (now[j], rows[(i - 2) % 3][j - 2] + 1);
    }
  }
  return rows[a_len % 3][b_len];
}

void
similar_begin (struct similar *similar, const char *word, size_t len)
{
  *similar = (struct similar) { .word = word, .len = len };
}

bool
similar_offer (struct similar *similar, const char *word)
{
  size_t len = strlen (word);
  unsigned far;

  if (similar->len == 0 || similar->len > SIMILAR_MAX || len > SIMILAR_MAX)
    return false;
  far = distance (similar->word, similar->len, word, len);
  if (far > slips (similar->len) || far >= len
      || (similar->best && far >= similar->distance))
    return false;
  similar->best = word;
  similar->distance = far;
  return true;
}

const char *
similar_hint (const struct similar *similar, char *text, size_t size)
{
  *text = '\0';
  if (similar->best)
    snprintf (text, size, ": did you mean '%s'?", similar->best);
  return text;
}
