/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading UUIDs; see uuid.h.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/uuid.h"

static const char blanks[] = " \t\n\v\f\r";

/* -1: no hexadecimal digit. */
static int
digit (char c)
{
  static const char digits[] = "0123456789abcdef0123456789ABCDEF";
  const char *at = c ? strchr (digits, c) : NULL;

  return at ? (int) (at - digits) % 16 : -1;
}

bool
uuid_parse (const char *text, uint8_t uuid[16])
{
  text += strspn (text, blanks);
  for (int i = 0; i < 16; i++, text += 2) {
    int high, low;

    text += strspn (text, "- ");
    high = digit (text[0]);
    low = high == -1 ? -1 : digit (text[1]);
    if (low == -1)
      return false;
    uuid[i] = high << 4 | low;
  }
  return text[strspn (text, blanks)] == '\0';
}

void
uuid_format (const uint8_t uuid[16], char text[UUID_TEXT_LEN])
{
  for (int i = 0; i < 16; i++)
    text += sprintf (text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10
                     ? "-" : "", uuid[i]);
}
