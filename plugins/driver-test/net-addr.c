/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numeric IP addresses: reading, comparing, and ranges of them.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#include "common/mem.h"
#include "plugins/driver-test/net-addr.h"

int
net_address_parse (const char *text, struct net_address *out)
{
  struct addrinfo hints = { .ai_flags = AI_NUMERICHOST };
  struct addrinfo *info;

  if (getaddrinfo (text, NULL, &hints, &info) != 0)
    return -1;
  memset (out, 0, sizeof *out);
  out->family = info->ai_family;
  out->prefix = -1;
  if (info->ai_family == AF_INET6)
    memcpy (out->bytes,
            &((struct sockaddr_in6 *) (void *) info->ai_addr)->sin6_addr, 16);
  else
    memcpy (out->bytes,
            &((struct sockaddr_in *) (void *) info->ai_addr)->sin_addr, 4);
  freeaddrinfo (info);
  return 0;
}

const char *
net_address_text (const struct net_address *addr,
                  char text[INET6_ADDRSTRLEN])
{
  if (!inet_ntop (addr->family, addr->bytes, text, INET6_ADDRSTRLEN))
    *text = '\0';
  return text;
}

bool
net_address_same (const struct net_address *a, const struct net_address *b,
                  int bits)
{
  int bytes = bits / 8, rest = bits % 8;

  if (a->family != b->family || memcmp (a->bytes, b->bytes, (size_t) bytes))
    return false;
  return !rest || (a->bytes[bytes] ^ b->bytes[bytes]) >> (8 - rest) == 0;
}

int
net_mask_prefix (const struct net_address *mask)
{
  int bits = net_address_bits (mask), n = 0;

  while (n < bits && mask->bytes[n / 8] >> (7 - n % 8) & 1)
    n++;
  for (int i = n; i < bits; i++)
    if (mask->bytes[i / 8] >> (7 - i % 8) & 1)
      return -1;
  return n;
}

/* True if all bits from the prefix on are BIT. */
static bool
tail_is (const struct net_address *addr, int prefix, int bit)
{
  for (int i = prefix; i < net_address_bits (addr); i++)
    if ((addr->bytes[i / 8] >> (7 - i % 8) & 1) != bit)
      return false;
  return true;
}

#define range_wrong(err, ...)                                           \
  xml_fail (err, VIRGATE_FROM_NONE, VIRGATE_ERR_INTERNAL_ERROR, __VA_ARGS__)

static int
check_inside (struct xml_error *err, const struct net_address *start,
              const struct net_address *end,
              const struct net_address *network, const char *from,
              const char *to)
{
  char text[INET6_ADDRSTRLEN];
  int prefix = network->prefix;

  net_address_text (network, text);
  if (start->family != network->family)
    return range_wrong (err, "mismatch of address family in "
                        "range %s - %s for network %s", from, to, text);
  if (prefix < 0 || prefix > net_address_bits (network))
    return range_wrong (err, "bad prefix %d for network %s when "
                        " checking range %s - %s", prefix, text, from, to);
  if (!net_address_same (start, network, prefix)
      || !net_address_same (end, network, prefix))
    return range_wrong (err, "range %s - %s is not entirely within "
                        "network %s/%d", from, to, text, prefix);
  if (start->family == AF_INET && tail_is (start, prefix, 0))
    return range_wrong (err, "start of range %s - %s in network %s/%d "
                        "is the network address", from, to, text, prefix);
  if (start->family == AF_INET && tail_is (end, prefix, 1))
    return range_wrong (err, "end of range %s - %s in network %s/%d "
                        "is the broadcast address", from, to, text, prefix);
  return 0;
}

int
net_range_check (struct xml_error *err, const struct net_address *start,
                 const struct net_address *end,
                 const struct net_address *network)
{
  char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
  size_t same = start->family == AF_INET6 ? 14 : 2;
  size_t len = start->family == AF_INET6 ? 16 : 4;

  net_address_text (start, from);
  net_address_text (end, to);
  if (start->family != end->family)
    return range_wrong (err, "mismatch of address family in range %s - %s",
                        from, to);
  if (network
      && check_inside (err, start, end, network, from, to) == -1)
    return -1;
  if (memcmp (start->bytes, end->bytes, same) != 0)
    return range_wrong (err, "range %s - %s is too large (> 65535)", from,
                        to);
  if (memcmp (start->bytes, end->bytes, len) <= 0)
    return 0;
  if (start->family == AF_INET)
    return range_wrong (err, "range %s - %s is reversed ", from, to);
  return range_wrong (err, "range %s - %s start larger than end", from, to);
}
