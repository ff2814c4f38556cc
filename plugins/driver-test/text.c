/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A reply's text, made piece by piece.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "plugins/driver-test/text.h"

void
text_add (struct text *text, const char *format, ...)
{
  char piece[1000];
  va_list ap;
  int len;

  va_start (ap, format);
  len = vsnprintf (piece, sizeof piece, format, ap);
  va_end (ap);
  if (len < 0 || (size_t) len >= sizeof piece
      || buf_append (&text->buf, piece, (size_t) len) == -1)
    text->failed = true;
}

char *
text_finish (const struct ctx *c, struct text *text)
{
  char *copy = NULL;

  if (text->failed || buf_append (&text->buf, "", 1) == -1)
    fail_memory (c);
  else
    copy = call_strdup (c, (const char *) buf_data (&text->buf));
  buf_free (&text->buf);
  return copy;
}
