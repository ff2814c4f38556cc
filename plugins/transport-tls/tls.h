/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The instance of transport-tls: its settings, and the set of credentials
 * that a reload swaps whole.
 */
#ifndef VIRGATE_TRANSPORT_TLS_H
#define VIRGATE_TRANSPORT_TLS_H

#include <pthread.h>
#include <stdint.h>

#include <virgate/transport.h>

#include "creds.h"

enum tls_verify {
  TLS_VERIFY_NONE,              /* ask for no certificate */
  TLS_VERIFY_REQUEST,           /* judge one that is shown */
  TLS_VERIFY_REQUIRE            /* refuse who shows none */
};

struct tls {
  const struct virgate_host *host;
  const struct virgate_transport *lower;
  char *lower_name;
  char *priority;               /* NULL: the system's */
  char *server_name;            /* client: expected instead of the host's */
  bool tls13_only;
  enum tls_verify verify;       /* server */
  struct tls_paths paths;
  char *pki_path;               /* client: one folder for all four */
  pthread_mutex_t lock;         /* guards creds */
  struct tls_creds *creds;
  uint64_t timer;
};

/* facts.c -------------------------------------------------------------------*/

/* The certificates that the peer sent.  Returns how many; they are freed with
 * tls_chain_free.
 */
unsigned tls_peer_chain (gnutls_session_t session,
                         gnutls_x509_crt_t chain[TLS_CHAIN_MAX]);

/* State the facts of a verified certificate.  0 or -1. */
int tls_peer_facts (const struct virgate_host *host, struct virgate_peer *peer,
                    gnutls_x509_crt_t crt);

#endif /* VIRGATE_TRANSPORT_TLS_H */
