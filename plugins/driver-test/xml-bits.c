/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sets of small numbers and their text; see xml-bits.h.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "plugins/driver-test/xml-bits.h"

/* ",16382-16383" is the longest that one range can add. */
#define RANGE_TEXT_MAX 24

int
xml_bits_next (const struct xml_bits *bits, int after)
{
  for (int bit = after + 1; bit < XML_BITS_MAX; bit++)
    if (xml_bits_has (bits, bit))
      return bit;
  return -1;
}

static const char *
skip_blanks (const char *str)
{
  while (isspace ((unsigned char) *str))
    str++;
  return str;
}

static int
read_bit (const char **str, int *bit)
{
  char *end;
  long number;

  errno = 0;
  number = strtol (*str, &end, 10);
  if (errno || end == *str || number < 0 || number >= XML_BITS_MAX)
    return -1;
  *bit = number;
  *str = skip_blanks (end);
  return 0;
}

/* One of N, N-M, ^N. */
static int
read_item (const char **str, struct xml_bits *bits)
{
  bool is_excluded = **str == '^';
  int first, last;

  *str += is_excluded;
  if (!isdigit ((unsigned char) **str) || read_bit (str, &first) == -1)
    return -1;
  last = first;
  if (**str == '-') {
    *str = skip_blanks (*str + 1);
    if (is_excluded || read_bit (str, &last) == -1 || last < first)
      return -1;
  }
  for (int bit = first; bit <= last; bit++)
    if (is_excluded)
      xml_bits_clear (bits, bit);
    else
      xml_bits_set (bits, bit);
  return 0;
}

int
xml_bits_parse (const char *str, struct xml_bits *bits)
{
  memset (bits, 0, sizeof *bits);
  str = skip_blanks (str);
  if (*str == '\0')
    return -1;
  while (*str) {
    if (read_item (&str, bits) == -1 || (*str && *str != ','))
      return -1;
    if (*str == ',')
      str = skip_blanks (str + 1);
  }
  return 0;
}

char *
xml_bits_format (const struct xml_bits *bits)
{
  CLEANUP (buf_free) struct buf out = BUF_INIT;
  char text[RANGE_TEXT_MAX];
  int first = xml_bits_next (bits, -1), last, len;

  while (first != -1) {
    for (last = first; xml_bits_has (bits, last + 1); last++)
      ;
    len = snprintf (text, sizeof text, first == last ? "%s%d" : "%s%d-%d",
                    buf_len (&out) ? "," : "", first, last);
    if (buf_append (&out, text, len) == -1)
      return NULL;
    first = xml_bits_next (bits, last);
  }
  if (buf_append (&out, "", 1) == -1)
    return NULL;
  return steal_pointer (&out.base);
}
