/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the TLS client and the TLS floor share: credentials of one folder, and
 * a session over a blocking socket.
 */
#ifndef VIRGATE_BENCH_TLS_H
#define VIRGATE_BENCH_TLS_H

#include <gnutls/gnutls.h>
#include <stdio.h>

#include "bench/stats.h"

static inline gnutls_certificate_credentials_t
tls_credentials (const char *folder, const char *stem)
{
  gnutls_certificate_credentials_t cred;
  char ca[4096], cert[4096], key[4096];

  snprintf (ca, sizeof ca, "%s/cacert.pem", folder);
  snprintf (cert, sizeof cert, "%s/%scert.pem", folder, stem);
  snprintf (key, sizeof key, "%s/%skey.pem", folder, stem);
  if (gnutls_certificate_allocate_credentials (&cred) < 0
      || gnutls_certificate_set_x509_trust_file (cred, ca,
                                                 GNUTLS_X509_FMT_PEM) < 1
      || gnutls_certificate_set_x509_key_file (cred, cert, key,
                                               GNUTLS_X509_FMT_PEM) < 0)
    die ("certificates of %s cannot be read", folder);
  return cred;
}

/* A session, hands shaken; NULL when the other side gives up. */
static inline gnutls_session_t
tls_session (int fd, gnutls_certificate_credentials_t cred, unsigned flags)
{
  gnutls_session_t session;
  int r;

  if (gnutls_init (&session, flags | GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL) < 0
      || gnutls_set_default_priority (session) < 0
      || gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, cred) < 0)
    die ("gnutls_init");
  gnutls_certificate_server_set_request (session, GNUTLS_CERT_REQUIRE);
  gnutls_transport_set_int (session, fd);
  do
    r = gnutls_handshake (session);
  while (r < 0 && !gnutls_error_is_fatal (r));
  if (r == 0)
    return session;
  gnutls_deinit (session);
  return NULL;
}

#endif /* VIRGATE_BENCH_TLS_H */
