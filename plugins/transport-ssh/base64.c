/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Base64, as keys are written in files and fingerprints in messages.
 */
#include "config.h"

#include <string.h>

#include "known.h"

static const char letters[] =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode (const void *data, size_t len, char *text, bool padded)
{
  const uint8_t *in = data;

  for (size_t i = 0; i < len; i += 3) {
    size_t left = len - i;
    uint32_t bits = in[i] << 16 | (left > 1 ? in[i + 1] << 8 : 0)
                    | (left > 2 ? in[i + 2] : 0);

    *text++ = letters[bits >> 18];
    *text++ = letters[bits >> 12 & 63];
    if (left > 1 || padded)
      *text++ = left > 1 ? letters[bits >> 6 & 63] : '=';
    if (left > 2 || padded)
      *text++ = left > 2 ? letters[bits & 63] : '=';
  }
  *text = '\0';
}

size_t
base64_decode (const char *text, size_t len, uint8_t *out, size_t max)
{
  uint32_t bits = 0;
  int held = 0;
  size_t count = 0;

  for (size_t i = 0; i < len && count < max; i++) {
    const char *letter = text[i] ? strchr (letters, text[i]) : NULL;

    if (text[i] == '=')
      break;
    if (letter == NULL)
      continue;
    bits = bits << 6 | (uint32_t) (letter - letters);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[count++] = bits >> held & 255;
    }
  }
  return count;
}
