/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Just enough UTF-8 to tell what may be shown and what must be escaped.
 */
#ifndef VIRGATE_CORE_UTF8_H
#define VIRGATE_CORE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at text when it is valid, in its shortest form and
 * no control character (C0, DEL, C1, the bidirectional overrides); else 0.
 * text ends in NUL.
 */
static inline size_t
utf8_printable (const char *text)
{
  const unsigned char *s = (const unsigned char *) text;
  static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
  uint32_t c = s[0];
  size_t len;

  if (c < 0x80)
    return c >= 0x20 && c != 0x7f;
  len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
  if (c < 0xc2 || c > 0xf4)
    return 0;
  c &= 0x7f >> len;
  for (size_t i = 1; i < len; i++) {
    if ((s[i] & 0xc0) != 0x80)
      return 0;
    c = c << 6 | (s[i] & 0x3f);
  }
  if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)
      || c < 0xa0 || (c >= 0x202a && c <= 0x202e)
      || (c >= 0x2066 && c <= 0x2069))
    return 0;
  return len;
}

#endif /* VIRGATE_CORE_UTF8_H */
