/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Base64; see base64.h.
 */
#include "config.h"

#include <string.h>

#include "base64.h"

static const char digits[] =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode (const void *data, size_t len, char *text)
{
  const uint8_t *bytes = data;

  for (size_t i = 0; i < len; i += 3) {
    size_t here = len - i < 3 ? len - i : 3;
    uint32_t word = (uint32_t) bytes[i] << 16;

    word |= here > 1 ? (uint32_t) bytes[i + 1] << 8 : 0;
    word |= here > 2 ? bytes[i + 2] : 0;
    for (size_t j = 0; j < 4; j++)
      *text++ = j <= here ? digits[word >> (18 - 6 * j) & 63] : '=';
  }
  *text = '\0';
}

/* The value of a digit, or -1. */
static int
value_of (char c)
{
  const char *at = c ? strchr (digits, c) : NULL;

  return at ? (int) (at - digits) : -1;
}

/* Four characters, of which PAD are padding.  0, or -1. */
static int
decode_group (const char *text, size_t pad, uint8_t *data)
{
  uint32_t word = 0;

  for (size_t i = 0; i < 4; i++) {
    int value = i < 4 - pad ? value_of (text[i]) : 0;

    if (value == -1 || (i >= 4 - pad && text[i] != '='))
      return -1;
    word = word << 6 | (uint32_t) value;
  }
  /* Bits behind the last byte would be another way to write the same. */
  if ((pad == 1 && (word & 0xff)) || (pad == 2 && (word & 0xffff)))
    return -1;
  for (size_t i = 0; i < 3 - pad; i++)
    data[i] = word >> (16 - 8 * i) & 0xff;
  return 0;
}

int
base64_decode (const char *text, size_t len, uint8_t *data, size_t max)
{
  size_t pad, count;

  if (len % 4 != 0 || len / 4 * 3 > max + 2)
    return -1;
  if (len == 0)
    return 0;
  pad = text[len - 1] != '=' ? 0 : text[len - 2] != '=' ? 1 : 2;
  count = len / 4 * 3 - pad;
  if (count > max)
    return -1;
  for (size_t i = 0; i < len; i += 4)
    if (decode_group (text + i, i + 4 == len ? pad : 0, data + i / 4 * 3)
        == -1)
      return -1;
  return (int) count;
}
