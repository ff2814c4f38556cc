/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lists of words; see sasl.h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sasl.h"

int
words_add (struct words *words, const char *word, size_t len)
{
  char **more;

  if (words->count == WORDS_MAX)
    return -1;
  more = reallocarray (words->word, words->count + 1, sizeof *more);
  if (more == NULL)
    return -1;
  words->word = more;
  more[words->count] = strndup (word, len);
  return more[words->count] && ++words->count ? 0 : -1;
}

int
words_split (struct words *words, const char *text, const char *separators)
{
  for (text += strspn (text, separators); *text;
       text += strspn (text, separators)) {
    size_t len = *separators ? strcspn (text, separators) : strlen (text);

    if (words_add (words, text, len) == -1)
      return -1;
    text += len;
  }
  return 0;
}

bool
words_have (const struct words *words, const char *word)
{
  for (size_t i = 0; i < words->count; i++)
    if (strcasecmp (words->word[i], word) == 0)
      return true;
  return false;
}

void
words_show (const struct words *words, char *text, size_t size)
{
  size_t len = 0;

  snprintf (text, size, "nothing");
  for (size_t i = 0; i < words->count && len < size; i++)
    len += snprintf (text + len, size - len, "%s%s", i ? ", " : "",
                     words->word[i]);
}

char *
words_join (const struct words *words, char separator)
{
  size_t size = 1;
  char *text, *to;

  for (size_t i = 0; i < words->count; i++)
    size += strlen (words->word[i]) + 1;
  to = text = malloc (size);
  for (size_t i = 0; text && i < words->count; i++) {
    if (i > 0)
      *to++ = separator;
    to = stpcpy (to, words->word[i]);
  }
  if (text)
    *to = '\0';
  return text;
}

void
words_free (struct words *words)
{
  for (size_t i = 0; i < words->count; i++)
    free (words->word[i]);
  free (words->word);
  *words = (struct words) { NULL, 0 };
}
