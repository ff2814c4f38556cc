/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The protocol's maps of CPUs: bytes, the lowest CPU in the lowest bit of the
 * first one.
 */
#ifndef DRIVER_TEST_CPUMAP_H
#define DRIVER_TEST_CPUMAP_H

#include <stdint.h>
#include <string.h>

#include "plugins/driver-test/xml-bits.h"

static inline void
cpumap_read (struct xml_bits *bits, const uint8_t *map, uint32_t len)
{
  memset (bits, 0, sizeof *bits);
  for (uint32_t i = 0; i < len * 8 && i < XML_BITS_MAX; i++)
    if (map[i / 8] >> (i % 8) & 1)
      xml_bits_set (bits, (int) i);
}

/* What does not fit into the map is left out. */
static inline void
cpumap_write (const struct xml_bits *bits, uint8_t *map, uint32_t len)
{
  memset (map, 0, len);
  for (int i = xml_bits_next (bits, -1); i != -1 && (uint32_t) i / 8 < len;
       i = xml_bits_next (bits, i))
    map[i / 8] |= (uint8_t) (1 << i % 8);
}

/* The CPUs 0 to count - 1. */
static inline void
cpumap_all (struct xml_bits *bits, uint32_t count)
{
  memset (bits, 0, sizeof *bits);
  for (uint32_t i = 0; i < count && i < XML_BITS_MAX; i++)
    xml_bits_set (bits, (int) i);
}

/* The highest CPU; -1 = none. */
static inline int
cpumap_last (const struct xml_bits *bits)
{
  int last = -1;

  for (int i = xml_bits_next (bits, -1); i != -1; i = xml_bits_next (bits, i))
    last = i;
  return last;
}

#endif /* DRIVER_TEST_CPUMAP_H */
