/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Is it UTF-8?  Nearly every name is ASCII, eight bytes of which are passed
 * at a time.
 */
#include "config.h"

#include <string.h>

#include "protocol/xdr.h"

/* Length of the sequence at AT, 0 when there is none (RFC 3629). */
static size_t
sequence (const uint8_t *at, size_t left)
{
  uint8_t lowest = 0x80, highest = 0xbf;
  size_t len = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

  if (len == 1)
    return 1;
  if (at[0] < 0xc2 || at[0] > 0xf4 || left < len)
    return 0;
  if (at[0] == 0xe0)
    lowest = 0xa0;              /* overlong */
  else if (at[0] == 0xed)
    highest = 0x9f;             /* surrogates */
  else if (at[0] == 0xf0)
    lowest = 0x90;              /* overlong */
  else if (at[0] == 0xf4)
    highest = 0x8f;             /* beyond U+10FFFF */
  if (at[1] < lowest || at[1] > highest)
    return 0;
  for (size_t i = 2; i < len; i++)
    if ((at[i] & 0xc0) != 0x80)
      return 0;
  return len;
}

bool
xdr_is_utf8 (const char *str, size_t len)
{
  const uint8_t *at = (const uint8_t *) str, *end = at + len;

  while (at < end) {
    uint64_t eight;
    size_t step;

    if (end - at >= 8) {
      memcpy (&eight, at, sizeof eight);
      if ((eight & UINT64_C (0x8080808080808080)) == 0) {
        at += 8;
        continue;
      }
    }
    step = sequence (at, end - at);
    if (step == 0)
      return false;
    at += step;
  }
  return true;
}
