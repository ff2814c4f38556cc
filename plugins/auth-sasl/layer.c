/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The security layer.  A packet is a length word and so many sealed bytes; its
 * length is looked at here, before Cyrus reserves memory for it.
 */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "common/big-endian.h"
#include "sasl.h"

size_t
conv_layer (void *opaque)
{
  struct conv *conv = opaque;
  const void *max = NULL;

  if (!conv->is_done || conv->bits == 0
      || sasl_getprop (conv->conn, SASL_MAXOUTBUF, &max) != SASL_OK || !max)
    return 0;
  return *(const unsigned *) max;
}

uint32_t
conv_layer_bits (void *opaque)
{
  return ((struct conv *) opaque)->bits;
}

int
conv_wrap (void *opaque, const void *in, size_t len,
           struct virgate_auth_data *out)
{
  struct conv *conv = opaque;
  const struct virgate_host *host = conv->s->host;
  const char *sealed = NULL;
  unsigned sealed_len = 0;
  int code = sasl_encode (conv->conn, in, len, &sealed, &sealed_len);

  if (code != SASL_OK)
    return host->error (host, "cannot seal %zu bytes: %s", len,
                        conv_why (conv, code));
  *out = (struct virgate_auth_data) { sealed, sealed_len };
  return 0;
}

/* Kerberos numbers its packets (RFC 4121, 4.2.6.2), and protects the number;
 * but Cyrus takes no notice of one that comes again or in the wrong place.
 */
static int
check_order (struct conv *conv, const char *packet, size_t len)
{
  const struct virgate_host *host = conv->s->host;
  uint64_t number;

  if (strcasecmp (conv->mech, "GSSAPI") != 0 || len < 16
      || memcmp (packet, "\x05\x04", 2) != 0)
    return 0;
  number = be64_load (packet + 8);
  if (conv->is_ordered && number != conv->order)
    return host->error (host, "sent a sealed packet again, or out of order");
  conv->order = number + 1;
  conv->is_ordered = true;
  return 0;
}

/* Bytes of whole packets; -1 when one is impossible. */
static ssize_t
whole_packets (struct conv *conv, const char *in, size_t len)
{
  const struct virgate_host *host = conv->s->host;
  size_t used = 0;

  while (len - used >= sizeof (uint32_t)) {
    uint32_t word = be32_load (in + used);

    if (word == 0 || word > PACKET_MAX)
      return host->error (host, "sent a sealed packet of %u bytes, where 1 to "
                          "%d were agreed on", word, PACKET_MAX);
    if (word > len - used - sizeof word)
      break;
    if (check_order (conv, in + used + sizeof word, word) == -1)
      return -1;
    used += sizeof word + word;
  }
  return used;
}

int
conv_unwrap (void *opaque, const void *in, size_t len, size_t *consumed,
             struct virgate_auth_data *out)
{
  struct conv *conv = opaque;
  const struct virgate_host *host = conv->s->host;
  ssize_t whole = whole_packets (conv, in, len);
  const char *plain = NULL;
  unsigned plain_len = 0;
  int code;

  *out = (struct virgate_auth_data) { NULL, 0 };
  *consumed = 0;
  if (whole <= 0)
    return whole;
  code = sasl_decode (conv->conn, in, whole, &plain, &plain_len);
  if (code != SASL_OK)
    return host->error (host, "sent what is not sealed as agreed on: %s",
                        conv_why (conv, code));
  *consumed = whole;
  *out = (struct virgate_auth_data) { plain, plain_len };
  return 0;
}
