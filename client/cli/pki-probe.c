/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A handshake of our own with a server, that goes on where the transport
 * would give up: to list everything that is wrong, and not only the first.
 */
#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "pki.h"
#include "plugins/transport-tls/creds.h"

#define TIMEOUT_S 10

/* Connect to the first address that answers.  -1 with errno. */
static int
dial (const struct addrinfo *list)
{
  const struct timeval limit = { TIMEOUT_S, 0 };

  for (const struct addrinfo *a = list; a; a = a->ai_next) {
    CLEANUP_CLOSE int fd = socket (a->ai_family, a->ai_socktype | SOCK_CLOEXEC,
                                   a->ai_protocol);

    if (fd == -1)
      continue;
    setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect (fd, a->ai_addr, a->ai_addrlen) == 0)
      return steal_fd (&fd);
  }
  return -1;
}

static int
reach (struct pki_findings *findings, const char *host, const char *port)
{
  const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
  struct addrinfo *list = NULL;
  int r = getaddrinfo (host, port, &hints, &list), fd = -1;

  if (r != 0) {
    pki_found (findings, PKI_BAD, "%s: no such host: %s", host,
               gai_strerror (r));
    return -1;
  }
  fd = dial (list);
  if (fd == -1)
    pki_found (findings, PKI_BAD, "%s port %s: %s; does the server listen "
               "there, and does a firewall let us through?", host, port,
               strerror (errno));
  freeaddrinfo (list);
  return fd;
}

/* Every check on what the server showed, each on its own. */
static void
judge (struct pki_findings *findings, gnutls_session_t session,
       const char *host, const struct tls_creds *creds)
{
  unsigned sent = 0, len = 0;
  const gnutls_datum_t *list = gnutls_certificate_get_peers (session, &sent);
  gnutls_x509_crt_t chain[TLS_CHAIN_MAX];
  char why[TLS_WHY_MAX], name[512], issuer[512];

  while (list && len < MIN_OF (sent, TLS_CHAIN_MAX)
         && gnutls_x509_crt_init (&chain[len]) == 0) {
    if (gnutls_x509_crt_import (chain[len], &list[len],
                                GNUTLS_X509_FMT_DER) < 0) {
      gnutls_x509_crt_deinit (chain[len]);
      break;
    }
    len++;
  }
  if (len == 0) {
    pki_found (findings, PKI_BAD, "the server showed no certificate");
    return;
  }
  tls_crt_name (chain[0], name, sizeof name);
  tls_crt_issuer (chain[0], issuer, sizeof issuer);
  pki_found (findings, PKI_NOTE, "the server's certificate: %s, issued by %s",
             name, issuer);
  if (!tls_check_chain (creds, chain, len, true, why, sizeof why))
    pki_found (findings, PKI_BAD, "the server's certificate: %s", why);
  if (!tls_check_name (chain[0], host, why, sizeof why))
    pki_found (findings, PKI_BAD, "the server's certificate: %s", why);
  tls_chain_free (chain, len);
}

/* What the server thinks of us, as far as a client can tell. */
static void
ask (struct pki_findings *findings, gnutls_session_t session,
     const struct tls_creds *creds)
{
  bool was_asked = gnutls_certificate_client_get_request_status (session);
  bool was_shown = gnutls_certificate_get_ours (session) != NULL;
  char byte = 0;

  if (was_asked && creds->chain_len > 0 && !was_shown)
    pki_found (findings, PKI_BAD, "our certificate was not shown: the server "
               "names the CAs that it accepts, and ours is of another one");
  else if (was_asked && creds->chain_len == 0)
    pki_found (findings, PKI_NOTE, "the server asks for a certificate, and we "
               "have none");
  if (gnutls_record_recv (session, &byte, 1) == 1 && byte == 1)
    pki_found (findings, PKI_GOOD, "the server accepts our side of TLS");
  else
    pki_found (findings, PKI_BAD, "the server refuses us after the handshake: "
               "its log says why");
}

static void
shake_hands (struct pki_findings *findings, gnutls_session_t session,
             const char *host, const struct tls_creds *creds)
{
  int r;

  do
    r = gnutls_handshake (session);
  while (r < 0 && !gnutls_error_is_fatal (r) && r != GNUTLS_E_AGAIN);
  if (r < 0) {
    pki_found (findings, PKI_BAD, "TLS handshake: %s%s%s", gnutls_strerror (r),
               r == GNUTLS_E_FATAL_ALERT_RECEIVED ? ": " : "",
               r == GNUTLS_E_FATAL_ALERT_RECEIVED
               ? gnutls_alert_get_name (gnutls_alert_get (session)) : "");
    return;
  }
  pki_found (findings, PKI_GOOD, "the server speaks %s",
             gnutls_protocol_get_name (gnutls_protocol_get_version (session)));
  judge (findings, session, host, creds);
  ask (findings, session, creds);
  gnutls_bye (session, GNUTLS_SHUT_WR);
}

void
pki_probe (struct pki_findings *findings, const char *host, const char *port,
           const struct tls_creds *creds)
{
  CLEANUP_CLOSE int fd = reach (findings, host, port);
  gnutls_session_t session = NULL;

  if (fd == -1)
    return;
  if (gnutls_init (&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL
                             | GNUTLS_NO_TICKETS) < 0
      || gnutls_priority_set (session, creds->priority) < 0
      || gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE,
                                 creds->cred) < 0)
    pki_found (findings, PKI_BAD, "cannot start a TLS session");
  else {
    if (!pki_is_address (host))
      gnutls_server_name_set (session, GNUTLS_NAME_DNS, host, strlen (host));
    gnutls_transport_set_int (session, fd);
    gnutls_handshake_set_timeout (session, TIMEOUT_S * 1000);
    shake_hands (findings, session, host, creds);
  }
  if (session)
    gnutls_deinit (session);
}
