/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a peer's certificate says, as facts about the peer.
 */
#include "config.h"

#include <stdio.h>

#include "tls.h"

unsigned
tls_peer_chain (gnutls_session_t session,
                gnutls_x509_crt_t chain[TLS_CHAIN_MAX])
{
  unsigned count = 0, made = 0;
  const gnutls_datum_t *list = gnutls_certificate_get_peers (session, &count);

  for (unsigned i = 0; list && i < count && made < TLS_CHAIN_MAX; i++) {
    if (gnutls_x509_crt_init (&chain[made]) < 0)
      break;
    if (gnutls_x509_crt_import (chain[made], &list[i],
                                GNUTLS_X509_FMT_DER) < 0) {
      gnutls_x509_crt_deinit (chain[made]);
      break;
    }
    made++;
  }
  return made;
}

static void
to_hex (const unsigned char *bytes, size_t len, char *text)
{
  for (size_t i = 0; i < len; i++)
    sprintf (text + 2 * i, "%02x", bytes[i]);
}

static int
hex_fact (const struct virgate_host *host, struct virgate_peer *peer,
          const char *key, const unsigned char *bytes, size_t len)
{
  char text[2 * 64 + 1];

  if (len > 64)
    return 0;
  to_hex (bytes, len, text);
  return host->peer_string (peer, key, VIRGATE_VOUCH_CERTIFICATE, text);
}

static int
san_facts (const struct virgate_host *host, struct virgate_peer *peer,
           gnutls_x509_crt_t crt)
{
  char san[600];

  for (unsigned n = 0; tls_crt_san (crt, n, san, sizeof san); n++)
    if (host->peer_string (peer, VIRGATE_FACT_X509_SAN,
                           VIRGATE_VOUCH_CERTIFICATE, san) == -1)
      return -1;
  return 0;
}

static int
issuer_fact (const struct virgate_host *host, struct virgate_peer *peer,
             gnutls_x509_crt_t crt)
{
  char name[1024];

  tls_crt_issuer (crt, name, sizeof name);
  return host->peer_string (peer, VIRGATE_FACT_X509_ISSUER,
                            VIRGATE_VOUCH_CERTIFICATE, name);
}

int
tls_peer_facts (const struct virgate_host *host, struct virgate_peer *peer,
                gnutls_x509_crt_t crt)
{
  unsigned char bytes[64];
  size_t len = sizeof bytes;
  char name[1024];

  tls_crt_name (crt, name, sizeof name);
  if (host->peer_string (peer, VIRGATE_FACT_X509_DN,
                         VIRGATE_VOUCH_CERTIFICATE, name) == -1
      || issuer_fact (host, peer, crt) == -1
      || san_facts (host, peer, crt) == -1)
    return -1;
  if (gnutls_x509_crt_get_serial (crt, bytes, &len) == 0
      && hex_fact (host, peer, VIRGATE_FACT_X509_SERIAL, bytes, len) == -1)
    return -1;
  len = sizeof bytes;
  if (gnutls_x509_crt_get_fingerprint (crt, GNUTLS_DIG_SHA256, bytes,
                                       &len) == 0
      && hex_fact (host, peer, VIRGATE_FACT_X509_FINGERPRINT, bytes,
                   len) == -1)
    return -1;
  return 0;
}
