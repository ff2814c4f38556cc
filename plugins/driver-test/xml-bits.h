/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sets of small numbers (CPUs, NUMA nodes) and their text: "0-3,^2,8".
 */
#ifndef DRIVER_TEST_XML_BITS_H
#define DRIVER_TEST_XML_BITS_H

#include <stdbool.h>
#include <stdint.h>

#define XML_BITS_MAX 16384      /* numbers that a set in a document may hold */

struct xml_bits {
  uint64_t words[XML_BITS_MAX / 64];
};

static inline bool
xml_bits_has (const struct xml_bits *bits, int bit)
{
  return bit >= 0 && bit < XML_BITS_MAX
         && (bits->words[bit / 64] >> (bit % 64) & 1);
}

static inline void
xml_bits_set (struct xml_bits *bits, int bit)
{
  bits->words[bit / 64] |= UINT64_C (1) << (bit % 64);
}

static inline void
xml_bits_clear (struct xml_bits *bits, int bit)
{
  bits->words[bit / 64] &= ~(UINT64_C (1) << (bit % 64));
}

/* The first number in the set above AFTER (-1 = from 0); -1 = none. */
int xml_bits_next (const struct xml_bits *bits, int after);

/* Returns 0, -1 = not a set. */
int xml_bits_parse (const char *str, struct xml_bits *bits);

/* The usual text, the caller's; NULL = no memory. */
char *xml_bits_format (const struct xml_bits *bits);

#endif /* DRIVER_TEST_XML_BITS_H */
