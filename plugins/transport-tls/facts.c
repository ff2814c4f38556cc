/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a certificate says, as text and as facts about a peer.
 */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "tls.h"

/* Alternative names that are looked at. */
#define SAN_MAX 64

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

void
tls_chain_free (gnutls_x509_crt_t *chain, unsigned len)
{
  for (unsigned i = 0; i < len; i++)
    gnutls_x509_crt_deinit (chain[i]);
}

static void
copy_datum (char *to, size_t size, const gnutls_datum_t *from)
{
  snprintf (to, size, "%.*s", (int) from->size, (const char *) from->data);
}

void
tls_crt_name (gnutls_x509_crt_t crt, char *name, size_t size)
{
  gnutls_datum_t dn = { NULL, 0 };

  if (gnutls_x509_crt_get_dn3 (crt, &dn, 0) < 0 || dn.size == 0)
    snprintf (name, size, "(no name)");
  else
    copy_datum (name, size, &dn);
  gnutls_free (dn.data);
}

static bool
format_address (const unsigned char *addr, size_t len, char *text,
                size_t size)
{
  return (len == 4 && inet_ntop (AF_INET, addr, text, size))
         || (len == 16 && inet_ntop (AF_INET6, addr, text, size));
}

bool
tls_crt_san (gnutls_x509_crt_t crt, unsigned n, char *san, size_t size)
{
  char raw[512], address[INET6_ADDRSTRLEN];
  size_t len = sizeof raw - 1;
  int type;

  if (n >= SAN_MAX)
    return false;
  type = gnutls_x509_crt_get_subject_alt_name (crt, n, raw, &len, NULL);
  if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
    return false;
  if (type < 0) {
    snprintf (san, size, "other");
    return true;
  }
  raw[len] = '\0';
  switch (type) {
  case GNUTLS_SAN_DNSNAME:
    snprintf (san, size, "DNS:%s", raw);
    break;
  case GNUTLS_SAN_RFC822NAME:
    snprintf (san, size, "email:%s", raw);
    break;
  case GNUTLS_SAN_URI:
    snprintf (san, size, "URI:%s", raw);
    break;
  case GNUTLS_SAN_IPADDRESS:
    snprintf (san, size, "IP:%s",
              format_address ((unsigned char *) raw, len, address,
                              sizeof address) ? address : "?");
    break;
  default:
    snprintf (san, size, "other");
  }
  return true;
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
  gnutls_datum_t dn = { NULL, 0 };
  char name[1024];

  if (gnutls_x509_crt_get_issuer_dn3 (crt, &dn, 0) < 0)
    return 0;
  copy_datum (name, sizeof name, &dn);
  gnutls_free (dn.data);
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
