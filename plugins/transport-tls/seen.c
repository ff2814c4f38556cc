/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which chains of peers were found good a moment ago.  What was seen belongs
 * to one set of credentials: a new CA bundle or revocation list begins anew.
 */
#include "config.h"

#include <gnutls/crypto.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "conn.h"

/* Of all that the peer sent, with the lengths, in order. */
static bool
digest_of (gnutls_session_t session, unsigned char digest[32])
{
  unsigned count = 0;
  const gnutls_datum_t *list = gnutls_certificate_get_peers (session, &count);
  gnutls_hash_hd_t hash;

  if (list == NULL || count == 0 || count > TLS_CHAIN_MAX
      || gnutls_hash_init (&hash, GNUTLS_DIG_SHA256) < 0)
    return false;
  for (unsigned i = 0; i < count; i++) {
    gnutls_hash (hash, &list[i].size, sizeof list[i].size);
    gnutls_hash (hash, list[i].data, list[i].size);
  }
  gnutls_hash_deinit (hash, digest);
  return true;
}

static struct tls_seen *
place_of (struct tls_creds *creds, const unsigned char digest[32])
{
  return &creds->seen[digest[0] % TLS_SEEN_MAX];
}

bool
tls_was_seen (struct tls_conn *conn)
{
  struct tls_creds *creds = conn->creds;
  unsigned char digest[32];
  const struct tls_seen *seen;

  if (!digest_of (conn->session, digest))
    return false;
  LOCK_FOR_SCOPE (&creds->lock);
  seen = place_of (creds, digest);
  return seen->until > time (NULL)
         && memcmp (seen->digest, digest, sizeof digest) == 0;
}

void
tls_note_seen (struct tls_conn *conn, const gnutls_x509_crt_t *chain,
               unsigned len)
{
  struct tls_creds *creds = conn->creds;
  time_t until = time (NULL) + TLS_SEEN_S;
  unsigned char digest[32];
  struct tls_seen *seen;

  if (!digest_of (conn->session, digest))
    return;
  for (unsigned i = 0; i < len; i++)
    until = MIN_OF (until, gnutls_x509_crt_get_expiration_time (chain[i]));
  if (creds->expires)
    until = MIN_OF (until, creds->expires);
  LOCK_FOR_SCOPE (&creds->lock);
  seen = place_of (creds, digest);
  memcpy (seen->digest, digest, sizeof digest);
  seen->until = until;
}
