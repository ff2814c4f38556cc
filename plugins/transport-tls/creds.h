/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Certificates in files: where they lie, loading them as one set, and judging
 * them.  Nothing here knows of connections or of the module's host, so that
 * the command that looks after certificates judges as the module does.
 */
#ifndef VIRGATE_TRANSPORT_TLS_CREDS_H
#define VIRGATE_TRANSPORT_TLS_CREDS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

/* Certificates in one file, and in what a peer sends. */
#define TLS_CHAIN_MAX 16

/* What went wrong, for people. */
#define TLS_WHY_MAX 1024

enum tls_files { TLS_CA, TLS_CRL, TLS_CERT, TLS_KEY, TLS_FILES };

/* Where the files are; strings are owned. */
struct tls_paths {
  char *file[TLS_FILES];        /* NULL: none */
  bool is_optional[TLS_FILES];  /* a default place: may be absent */
};

/* Chains of peers that were found good, so that whoever comes again soon costs
 * no second verification of the same signatures.
 */
#define TLS_SEEN_MAX 128        /* places; one chain has one place */
#define TLS_SEEN_S 300          /* and is looked at again after this */
struct tls_seen {
  unsigned char digest[32];     /* SHA-256 of the whole chain */
  time_t until;                 /* 0: empty */
};

/* One consistent set of credentials; shared by connections, never changed but
 * for what was seen.
 */
struct tls_creds {
  unsigned refs;                /* atomic */
  gnutls_certificate_credentials_t cred;
  gnutls_x509_trust_list_t trust;
  gnutls_priority_t priority;
  gnutls_x509_crt_t *chain;     /* own certificates, leaf first */
  unsigned chain_len;
  gnutls_x509_crl_t *crls;      /* the trust list's own */
  unsigned crl_count;
  time_t expires;               /* the first of them to expire; 0: none */
  const char *expires_what;     /* "certificate", "CA certificate", ... */
  pthread_mutex_t lock;         /* guards seen */
  struct tls_seen seen[TLS_SEEN_MAX];
};

/* What to load. */
struct tls_want {
  const struct tls_paths *paths;
  const char *priority;         /* NULL: the system's */
  bool is_server;
  bool tls13_only;
  bool is_unjudged;             /* the own certificate is taken as it is */
};

/* creds.c -------------------------------------------------------------------*/

/* Load and judge a whole set.  Returns it with one reference, or NULL with
 * why filled in: which file, and what is wrong with it.
 */
struct tls_creds *tls_creds_load (const struct tls_want *want, char *why,
                                  size_t size);
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

/* Only: does a revocation list name any of them? */
bool tls_check_revoked (const struct tls_creds *creds,
                        const gnutls_x509_crt_t *chain, unsigned len);

/* Does the certificate bear this host name or address? */
bool tls_check_name (gnutls_x509_crt_t crt, const char *name, char *why,
                     size_t size);

/* names.c -------------------------------------------------------------------*/

/* The subject, RFC 4514; "(no name)" where there is none. */
void tls_crt_name (gnutls_x509_crt_t crt, char *name, size_t size);
void tls_crt_issuer (gnutls_x509_crt_t crt, char *name, size_t size);

/* The n-th alternative name as "DNS:x".  Returns false past the end. */
bool tls_crt_san (gnutls_x509_crt_t crt, unsigned n, char *san, size_t size);
/* All of them, or the subject when there are none. */
void tls_crt_names (gnutls_x509_crt_t crt, char *list, size_t size);

/* "2026-11-23 04:00:00 UTC" */
void tls_format_time (time_t when, char *text, size_t size);

void tls_chain_free (gnutls_x509_crt_t *chain, unsigned len);

#endif /* VIRGATE_TRANSPORT_TLS_CREDS_H */
