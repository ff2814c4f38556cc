/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numeric IP addresses, as network definitions use them.
 */
#ifndef DRIVER_TEST_NET_ADDR_H
#define DRIVER_TEST_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "plugins/driver-test/xml-schema.h"

struct net_address {
  int family;                   /* AF_INET, AF_INET6 */
  int prefix;                   /* of its network; -1 = none that makes sense */
  uint8_t bytes[16];            /* big-endian; 4 of them for IPv4 */
};

/* Returns 0, -1 = not an address (no error is recorded). */
int net_address_parse (const char *text, struct net_address *out);

/* The usual text. */
const char *net_address_text (const struct net_address *addr,
                              char text[INET6_ADDRSTRLEN]);

/* Equal in their first bits; of another family: never. */
bool net_address_same (const struct net_address *a,
                       const struct net_address *b, int bits);

static inline int
net_address_bits (const struct net_address *addr)
{
  return addr->family == AF_INET6 ? 128 : 32;
}

/* The number of leading ones of a mask; -1 = they do not lead. */
int net_mask_prefix (const struct net_address *mask);

/* Check a range against its network (NULL = none).  Returns 0, -1 with the
 * error recorded.
 */
int net_range_check (struct xml_error *err, const struct net_address *start,
                     const struct net_address *end,
                     const struct net_address *network);

#endif /* DRIVER_TEST_NET_ADDR_H */
