/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading and writing entries of address lists; see ip-parse.h.  What is not
 * exactly an entry is an error that says what to write: a list that means
 * something else than its author thought lets the wrong people in.
 */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "ip-parse.h"

/* The block ::ffff:0:0/96: IPv4 in IPv6's clothes. */
#define MAPPED_LOW UINT64_C (0xffff00000000)
#define MAPPED_PREFIX 96

int
ip_complain (char *why, size_t size, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  vsnprintf (why, size, fmt, args);
  va_end (args);
  return -1;
}

static int
bits_of (bool is_v6)
{
  return is_v6 ? 128 : 32;
}

struct ip_addr
ip_from_bytes (const uint8_t *bytes, bool is_v6)
{
  struct ip_addr addr = { 0, 0 };

  for (int i = 0; is_v6 && i < 8; i++)
    addr.high = addr.high << 8 | *bytes++;
  for (int i = 0; i < (is_v6 ? 8 : 4); i++)
    addr.low = addr.low << 8 | *bytes++;
  return addr;
}

static void
ip_to_bytes (struct ip_addr addr, bool is_v6, uint8_t *bytes)
{
  for (int shift = 56; is_v6 && shift >= 0; shift -= 8)
    *bytes++ = addr.high >> shift;
  for (int shift = is_v6 ? 56 : 24; shift >= 0; shift -= 8)
    *bytes++ = addr.low >> shift;
}

/* The bits of an address that belong to the host. */
static struct ip_addr
host_mask (bool is_v6, int prefix)
{
  int bits = bits_of (is_v6) - prefix;
  struct ip_addr mask = { 0, 0 };

  mask.low = bits >= 64 ? UINT64_MAX : (UINT64_C (1) << bits) - 1;
  if (bits > 64)
    mask.high = bits == 128 ? UINT64_MAX : (UINT64_C (1) << (bits - 64)) - 1;
  return mask;
}

struct ip_range
ip_block (bool is_v6, struct ip_addr addr, int prefix)
{
  struct ip_addr mask = host_mask (is_v6, prefix);

  return (struct ip_range) {
    is_v6, { addr.high & ~mask.high, addr.low & ~mask.low },
    { addr.high | mask.high, addr.low | mask.low },
  };
}

int
ip_prefix (const struct ip_range *range)
{
  int bits = bits_of (range->is_v6), free_bits = 0;
  struct ip_range block;

  while (free_bits < bits) {
    bool differs = free_bits < 64
      ? (range->first.low ^ range->last.low) >> free_bits & 1
      : (range->first.high ^ range->last.high) >> (free_bits - 64) & 1;

    if (!differs)
      break;
    free_bits++;
  }
  block = ip_block (range->is_v6, range->first, bits - free_bits);
  return ip_compare (block.first, range->first) == 0
         && ip_compare (block.last, range->last) == 0 ? bits - free_bits : -1;
}

static void
format_addr (struct ip_addr addr, bool is_v6, char text[INET6_ADDRSTRLEN])
{
  uint8_t bytes[16];

  ip_to_bytes (addr, is_v6, bytes);
  inet_ntop (is_v6 ? AF_INET6 : AF_INET, bytes, text, INET6_ADDRSTRLEN);
}

void
ip_format (const struct ip_range *range, char *text, size_t size)
{
  char first[INET6_ADDRSTRLEN], last[INET6_ADDRSTRLEN];
  int prefix = ip_prefix (range);

  format_addr (range->first, range->is_v6, first);
  format_addr (range->last, range->is_v6, last);
  if (prefix == bits_of (range->is_v6))
    snprintf (text, size, "%s", first);
  else if (prefix >= 0)
    snprintf (text, size, "%s/%d", first, prefix);
  else
    snprintf (text, size, "%s-%s", first, last);
}

/* One address.  is_mapped tells that it was written as IPv6. */
struct single {
  bool is_v6, is_mapped;
  struct ip_addr addr;
};

static bool
read_addr (const char *text, struct single *single)
{
  uint8_t bytes[16];

  *single = (struct single) { .is_v6 = strchr (text, ':') != NULL };
  if (inet_pton (single->is_v6 ? AF_INET6 : AF_INET, text, bytes) != 1)
    return false;
  single->addr = ip_from_bytes (bytes, single->is_v6);
  if (single->is_v6 && single->addr.high == 0
      && single->addr.low >> 32 == MAPPED_LOW >> 32) {
    single->is_v6 = false;
    single->is_mapped = true;
    single->addr.low &= UINT32_MAX;
  }
  return true;
}

/* Four numbers with leading zeros, which some read as octal? */
static bool
has_zeros (const char *text)
{
  bool at_start = true, found = false;

  if (text[strspn (text, "0123456789.")] != '\0' || strchr (text, '.') == NULL)
    return false;
  for (; *text; text++) {
    found |= at_start && *text == '0' && isdigit ((unsigned char) text[1]);
    at_start = *text == '.';
  }
  return found;
}

static bool
has_port (const char *text)
{
  const char *colon = strchr (text, ':');

  return colon && strchr (text, '.') && strchr (colon + 1, ':') == NULL
         && strchr (text, '.') < colon;
}

/* Why is this not an address? */
static const char *
why_not (const char *text)
{
  if (*text == '\0')
    return "an address is missing";
  if (*text == '[')
    return "write the address without brackets, and without a port";
  if (strchr (text, '%'))
    return "leave out the scope id: entries match on all interfaces";
  if (has_port (text))
    return "write the address without a port";
  if (has_zeros (text))
    return "leading zeros are ambiguous: leave them out";
  if (strchr (text, '*'))
    return "write a block, such as 192.0.2.0/24";
  if (isalpha ((unsigned char) *text) && strchr (text, ':') == NULL)
    return "not an address; names are not looked up";
  return "not an address";
}

static int
complain (char *why, size_t size, const char *word, const char *text)
{
  return ip_complain (why, size, "'%.*s': %s", IP_WORD_MAX, word, text);
}

/* A prefix length: a number as one writes it. */
static bool
read_prefix (const char *text, int max, int *prefix)
{
  size_t len = strlen (text);

  if (len == 0 || len > 3 || strspn (text, "0123456789") != len
      || (len > 1 && *text == '0'))
    return false;
  *prefix = atoi (text);
  return *prefix <= max;
}

static int
bad_prefix (const char *word, const char *text, int max, char *why,
            size_t size)
{
  char what[80];

  snprintf (what, sizeof what, "'%.8s' is not a prefix length from 0 to %d",
            text, max);
  return complain (why, size, word, strchr (text, '.')
                   ? "write the prefix length instead of the mask" : what);
}

static int
parse_block (const char *word, char *addr, const char *length,
             struct ip_range *range, char *why, size_t size)
{
  struct single single;
  int prefix, max;
  char block[IP_TEXT_MAX], what[IP_TEXT_MAX + 50];

  if (!read_addr (addr, &single))
    return complain (why, size, word, why_not (addr));
  max = single.is_v6 || single.is_mapped ? 128 : 32;
  if (!read_prefix (length, max, &prefix))
    return bad_prefix (word, length, max, why, size);
  if (single.is_mapped && prefix < MAPPED_PREFIX)
    return complain (why, size, word, "a block with IPv4 addresses in it has "
                     "a prefix of 96 or more; write any4 or any6");
  prefix -= single.is_mapped ? MAPPED_PREFIX : 0;
  *range = ip_block (single.is_v6, single.addr, prefix);
  if (ip_compare (range->first, single.addr) == 0)
    return 1;
  ip_format (range, block, sizeof block);
  snprintf (what, sizeof what, "host bits are set: did you mean %s", block);
  return complain (why, size, word, what);
}

static int
parse_range (const char *word, const char *first, const char *last,
             struct ip_range *range, char *why, size_t size)
{
  struct single a, b;

  if (!read_addr (first, &a))
    return complain (why, size, word, why_not (first));
  if (!read_addr (last, &b))
    return complain (why, size, word, why_not (last));
  if (a.is_v6 != b.is_v6)
    return complain (why, size, word, "one end is IPv4, the other IPv6");
  if (ip_compare (a.addr, b.addr) > 0)
    return complain (why, size, word, "the range ends before it begins");
  *range = (struct ip_range) { a.is_v6, a.addr, b.addr };
  return 1;
}

/* any, any4, any6; 0: none of them. */
static int
parse_any (const char *word, struct ip_range ranges[2])
{
  const struct ip_addr zero = { 0, 0 };
  int count = 0;

  if (strncmp (word, "any", 3) != 0)
    return 0;
  if (word[3] == '\0' || strcmp (word + 3, "4") == 0)
    ranges[count++] = ip_block (false, zero, 0);
  if (word[3] == '\0' || strcmp (word + 3, "6") == 0)
    ranges[count++] = ip_block (true, zero, 0);
  return count;
}

int
ip_parse (const char *word, struct ip_range ranges[2], char *why, size_t size)
{
  int count = parse_any (word, ranges);
  char text[IP_WORD_MAX];
  struct single single;
  char *cut;

  if (count > 0)
    return count;
  if (strlen (word) >= sizeof text)
    return complain (why, size, word, "too long for an address");
  strcpy (text, word);
  cut = text + strcspn (text, "/-");
  if (*cut == '/') {
    *cut = '\0';
    return parse_block (word, text, cut + 1, ranges, why, size);
  }
  if (*cut == '-') {
    *cut = '\0';
    return parse_range (word, text, cut + 1, ranges, why, size);
  }
  if (!read_addr (text, &single))
    return complain (why, size, word, why_not (text));
  ranges[0] = (struct ip_range) { single.is_v6, single.addr, single.addr };
  return 1;
}
