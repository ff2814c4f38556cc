/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A TLS connection, and its hooks, both halves.
 */
#ifndef VIRGATE_TRANSPORT_TLS_CONN_H
#define VIRGATE_TRANSPORT_TLS_CONN_H

#include "common/buf.h"
#include "tls.h"

struct batch;

enum tls_step { STEP_HANDSHAKE, STEP_CONFIRM, STEP_DONE };

struct tls_conn {
  struct tls *tls;
  struct tls_creds *creds;
  gnutls_session_t session;
  void *lower;                  /* the lower transport's connection */
  char *name;                   /* client: what the certificate must bear */
  gnutls_x509_crt_t leaf;       /* the peer's, until its facts are stated */
  char *why;                    /* server: what is wrong with the client's */
  char *left;                   /* bytes read ahead and not yet taken apart */
  size_t left_at, left_len;
  char *scratch;                /* during tls_readv: its stack */
  size_t scratch_at, scratch_len;
  struct batch *batch;          /* during tls_writev: its stack */
  struct buf unsent;            /* records that did not fit below */
  size_t owed;                  /* bytes of theirs that the caller does not
                                   know to be taken */
  int lower_errno;              /* the lower transport's last error */
  uint8_t step;                 /* enum tls_step */
  bool is_server, no_verify;
  bool at_end;                  /* the lower transport's */
  bool is_sending;              /* the first record is half written */
};

/* The set in use now, with a reference. */
struct tls_creds *tls_current_creds (struct tls *tls);

/* A session over a connection of the lower transport, which it takes over, as
 * it does the reference to creds.  NULL after host->error.
 */
struct tls_conn *tls_conn_new (struct tls *tls, struct tls_creds *creds,
                               void *lower, bool is_server);

/* seen.c: was the peer's chain found good a moment ago, by these credentials?
 * For one role only: a server sees clients.
 */
bool tls_was_seen (struct tls_conn *conn);
void tls_note_seen (struct tls_conn *conn, const gnutls_x509_crt_t *chain,
                    unsigned len);

/* Does GnuTLS want more from below?  And which direction? */
static inline bool
tls_is_wait (int r)
{
  return r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED;
}

static inline int
tls_wanted (struct tls_conn *conn)
{
  return gnutls_record_get_direction (conn->session) ? VIRGATE_IO_WANT_WRITE
                                                     : VIRGATE_IO_WANT_READ;
}

/* What the lower transport returned, as GnuTLS wants it. */
ssize_t tls_lower_result (struct tls_conn *conn, ssize_t n);

/* What a hook returns for GnuTLS's error. */
ssize_t tls_record_failed (struct tls_conn *conn, int r);

/* write.c: for GnuTLS. */
ssize_t tls_push (gnutls_transport_ptr_t ptr, const giovec_t *iov, int iovcnt);

/* conn.c, client.c, handshake.c, write.c: see transport.h. */
int tls_accept (void *inst, int listen_fd, void **conn);
int tls_connect (void *inst, const struct virgate_uri *uri, int64_t deadline,
                 void **conn);
int tls_handshake (void *conn);
ssize_t tls_readv (void *conn, const struct iovec *iov, int iovcnt,
                   struct virgate_fds *fds);
ssize_t tls_writev (void *conn, const struct iovec *iov, int iovcnt,
                    const struct virgate_fds *fds);
size_t tls_pending (void *conn);
int tls_pollfd (void *conn);
int tls_peer (void *conn, struct virgate_peer *peer, int after_handshake);
uint32_t tls_conn_caps (void *conn);
void tls_shutdown (void *conn);
void tls_conn_close (void *conn);
int tls_recheck (void *conn);

#endif /* VIRGATE_TRANSPORT_TLS_CONN_H */
