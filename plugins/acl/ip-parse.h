/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One entry of an address list, read and written: an address, a block in CIDR
 * notation, a range a-b, or any, any4, any6.  IPv4-mapped IPv6 addresses are
 * IPv4 addresses.
 */
#ifndef VIRGATE_ACL_IP_PARSE_H
#define VIRGATE_ACL_IP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the longest entry, its NUL included; and of one written. */
#define IP_WORD_MAX 100
#define IP_TEXT_MAX 100

/* A number of 128 bits; an IPv4 address has only its lowest 32. */
struct ip_addr {
  uint64_t high, low;
};

/* From the first to the last address, both included. */
struct ip_range {
  bool is_v6;
  struct ip_addr first, last;
};

/* Read an entry.
 *
 * word    NUL-terminated, without blanks
 * ranges  out; "any" is two
 * why     gets the complaint: what is wrong, and what to write instead
 *
 * Returns the number of ranges, or -1.
 */
int ip_parse (const char *word, struct ip_range ranges[2], char *why,
              size_t size);

/* Write a range: an address, a block if it is one, or a-b. */
void ip_format (const struct ip_range *range, char *text, size_t size);

/* The length of the prefix if the range is a block, -1 if it is none. */
int ip_prefix (const struct ip_range *range);

/* The block of this length around an address. */
struct ip_range ip_block (bool is_v6, struct ip_addr addr, int prefix);

/* From bytes in network order: 4 or 16. */
struct ip_addr ip_from_bytes (const uint8_t *bytes, bool is_v6);

/* Fill in why.  Always returns -1. */
int ip_complain (char *why, size_t size, const char *fmt, ...)
  __attribute__ ((format (printf, 3, 4)));

static inline int
ip_compare (struct ip_addr a, struct ip_addr b)
{
  if (a.high != b.high)
    return a.high < b.high ? -1 : 1;
  return a.low < b.low ? -1 : a.low > b.low;
}

#endif /* VIRGATE_ACL_IP_PARSE_H */
