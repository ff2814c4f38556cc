/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of transport-tls share: settings, the set of credentials
 * that a reload swaps whole, and the checks on certificates.
 */
#ifndef VIRGATE_TRANSPORT_TLS_H
#define VIRGATE_TRANSPORT_TLS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <virgate/transport.h>

/* Certificates in one file, and in what a peer sends. */
#define TLS_CHAIN_MAX 16

/* What went wrong, for people. */
#define TLS_WHY_MAX 1024

enum tls_files { TLS_CA, TLS_CRL, TLS_CERT, TLS_KEY, TLS_FILES };

enum tls_verify {
  TLS_VERIFY_NONE,              /* ask for no certificate */
  TLS_VERIFY_REQUEST,           /* judge one that is shown */
  TLS_VERIFY_REQUIRE            /* refuse who shows none */
};

/* Where the files are; strings are owned. */
struct tls_paths {
  char *file[TLS_FILES];        /* NULL: none */
  bool is_optional[TLS_FILES];  /* a default place: may be absent */
};

/* One consistent set of credentials; shared by connections, never changed. */
struct tls_creds {
  unsigned refs;                /* atomic */
  gnutls_certificate_credentials_t cred;
  gnutls_x509_trust_list_t trust;
  gnutls_priority_t priority;
  gnutls_x509_crt_t *chain;     /* own certificates, leaf first */
  unsigned chain_len;
  time_t expires;               /* first of own certificates and CA's */
};

struct tls {
  const struct virgate_host *host;
  const struct virgate_transport *lower;
  char *lower_name;
  char *priority;               /* NULL: the system's */
  char *server_name;            /* client: expected instead of the host's */
  bool tls13_only;
  bool no_verify;               /* client */
  enum tls_verify verify;       /* server */
  struct tls_paths paths;
  char *pki_path;               /* client: one folder for all four */
  pthread_mutex_t lock;         /* guards creds */
  struct tls_creds *creds;
  uint64_t timer;
};

/* creds.c -------------------------------------------------------------------*/

/* Load and judge a whole set.  Returns it with one reference, or NULL after
 * host->error.
 */
struct tls_creds *tls_creds_load (const struct tls *tls,
                                  const struct tls_paths *paths);
struct tls_creds *tls_creds_ref (struct tls_creds *creds);
void tls_creds_unref (struct tls_creds *creds);

/* paths.c -------------------------------------------------------------------*/

/* Fill in libvirt's places for what was not configured: one folder when
 * folder is given, else the user's (not for root) and then the system's.
 * Returns 0, or -1 when memory is exhausted.
 */
int tls_paths_default (struct tls_paths *paths, bool server,
                       const char *folder);
int tls_paths_copy (struct tls_paths *to, const struct tls_paths *from);
void tls_paths_free (struct tls_paths *paths);

/* check.c -------------------------------------------------------------------*/

/* Is the leaf of this chain good for a server (or a client) today, and does
 * the trust list vouch for it?  Returns true, or false with why filled in.
 */
bool tls_check_chain (const struct tls_creds *creds,
                      const gnutls_x509_crt_t *chain, unsigned len,
                      bool server, char *why, size_t size);

/* Only: does the revocation list name any of them? */
bool tls_check_revoked (const struct tls_creds *creds,
                        const gnutls_x509_crt_t *chain, unsigned len);

/* Does the certificate bear this host name or address? */
bool tls_check_name (gnutls_x509_crt_t crt, const char *name, char *why,
                     size_t size);

/* facts.c -------------------------------------------------------------------*/

/* The certificates that the peer sent.  Returns how many; they are freed with
 * tls_chain_free.
 */
unsigned tls_peer_chain (gnutls_session_t session,
                         gnutls_x509_crt_t chain[TLS_CHAIN_MAX]);
void tls_chain_free (gnutls_x509_crt_t *chain, unsigned len);

/* The subject, RFC 4514; "(no name)" where there is none. */
void tls_crt_name (gnutls_x509_crt_t crt, char *name, size_t size);

/* The n-th alternative name as "DNS:x".  Returns false past the end. */
bool tls_crt_san (gnutls_x509_crt_t crt, unsigned n, char *san, size_t size);

/* State the facts of a verified certificate.  0 or -1. */
int tls_peer_facts (const struct virgate_host *host, struct virgate_peer *peer,
                    gnutls_x509_crt_t crt);

#endif /* VIRGATE_TRANSPORT_TLS_H */
