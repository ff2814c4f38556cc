/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numbers in the wire's byte order, at addresses that need not be aligned.
 */
#ifndef VIRGATE_COMMON_BIG_ENDIAN_H
#define VIRGATE_COMMON_BIG_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t
be32_load (const void *at)
{
  uint32_t value;

  memcpy (&value, at, sizeof value);
  return be32toh (value);
}

static inline uint64_t
be64_load (const void *at)
{
  uint64_t value;

  memcpy (&value, at, sizeof value);
  return be64toh (value);
}

static inline void
be32_store (void *at, uint32_t value)
{
  value = htobe32 (value);
  memcpy (at, &value, sizeof value);
}

static inline void
be64_store (void *at, uint64_t value)
{
  value = htobe64 (value);
  memcpy (at, &value, sizeof value);
}

#endif /* VIRGATE_COMMON_BIG_ENDIAN_H */
