/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A TLS connection: its life, and the records that come; those that go are in
 * write.c, and what comes before the first of them is in handshake.c.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "conn.h"

/* One read of the lower transport while records are taken apart. */
#define AHEAD_MAX (32 * 1024)

/* Bytes from below ----------------------------------------------------------*/

ssize_t
tls_lower_result (struct tls_conn *conn, ssize_t n)
{
  if (n >= 0)
    return n;
  if (n == VIRGATE_IO_ERROR) {
    conn->lower_errno = errno;
    gnutls_transport_set_errno (conn->session, errno);
  }
  else
    gnutls_transport_set_errno (conn->session, EAGAIN);
  return -1;
}

static ssize_t
lower_read (struct tls_conn *conn, void *buf, size_t len)
{
  const struct virgate_transport *lower = conn->tls->lower;
  const struct iovec iov = { buf, len };
  ssize_t n = lower->ops->readv (conn->lower, &iov, 1, NULL);

  if (n == 0)
    conn->at_end = true;
  return tls_lower_result (conn, n);
}

static size_t
take (char *from, size_t *at, size_t end, void *buf, size_t len)
{
  len = MIN_OF (len, end - *at);
  memcpy (buf, from + *at, len);
  *at += len;
  return len;
}

static ssize_t
pull (gnutls_transport_ptr_t ptr, void *buf, size_t len)
{
  struct tls_conn *conn = ptr;
  ssize_t n;

  if (conn->left) {
    n = take (conn->left, &conn->left_at, conn->left_len, buf, len);
    if (conn->left_at == conn->left_len) {
      free (conn->left);
      conn->left = NULL;
    }
    return n;
  }
  if (conn->scratch == NULL)
    return lower_read (conn, buf, len);
  if (conn->scratch_at == conn->scratch_len) {
    n = lower_read (conn, conn->scratch, AHEAD_MAX);
    if (n <= 0)
      return n;
    conn->scratch_at = 0;
    conn->scratch_len = n;
  }
  return take (conn->scratch, &conn->scratch_at, conn->scratch_len, buf, len);
}

/* Life ----------------------------------------------------------------------*/

static int
begin (struct tls_conn *conn, unsigned flags)
{
  static const gnutls_certificate_request_t requests[] = {
    [TLS_VERIFY_NONE] = GNUTLS_CERT_IGNORE,
    [TLS_VERIFY_REQUEST] = GNUTLS_CERT_REQUEST,
    [TLS_VERIFY_REQUIRE] = GNUTLS_CERT_REQUEST,
  };
  const struct tls *tls = conn->tls;

  if (gnutls_init (&conn->session, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL
                                   | GNUTLS_NO_TICKETS) < 0
      || gnutls_priority_set (conn->session, conn->creds->priority) < 0
      || gnutls_credentials_set (conn->session, GNUTLS_CRD_CERTIFICATE,
                                 conn->creds->cred) < 0)
    return tls->host->error (tls->host, "cannot start a TLS session");
  if (conn->is_server)
    gnutls_certificate_server_set_request (conn->session,
                                           requests[tls->verify]);
  gnutls_handshake_set_timeout (conn->session, 0);
  gnutls_transport_set_ptr (conn->session, conn);
  gnutls_transport_set_pull_function (conn->session, pull);
  gnutls_transport_set_vec_push_function (conn->session, tls_push);
  return 0;
}

struct tls_conn *
tls_conn_new (struct tls *tls, struct tls_creds *creds, void *lower,
              bool is_server)
{
  struct tls_conn *conn = calloc (1, sizeof *conn);

  if (conn == NULL) {
    tls_creds_unref (creds);
    tls->host->error (tls->host, "out of memory");
    return NULL;
  }
  conn->tls = tls;
  conn->creds = creds;
  conn->lower = lower;
  conn->is_server = is_server;
  if (begin (conn, is_server ? GNUTLS_SERVER : GNUTLS_CLIENT) == -1) {
    conn->lower = NULL;
    tls_conn_close (conn);
    return NULL;
  }
  return conn;
}

struct tls_creds *
tls_current_creds (struct tls *tls)
{
  LOCK_FOR_SCOPE (&tls->lock);
  return tls_creds_ref (tls->creds);
}

int
tls_accept (void *inst, int listen_fd, void **connp)
{
  struct tls *tls = inst;
  const struct virgate_transport_ops *lower = tls->lower->ops;
  void *under = NULL;
  int r = lower->accept (tls->lower->inst, listen_fd, &under);

  if (r != 0)
    return r;
  *connp = tls_conn_new (tls, tls_current_creds (tls), under, true);
  if (*connp == NULL) {
    lower->close (under);
    errno = ENOMEM;
    return VIRGATE_IO_ERROR;
  }
  return 0;
}

void
tls_conn_close (void *opaque)
{
  struct tls_conn *conn = opaque;

  if (conn->session)
    gnutls_deinit (conn->session);
  if (conn->lower)
    conn->tls->lower->ops->close (conn->lower);
  if (conn->leaf)
    gnutls_x509_crt_deinit (conn->leaf);
  tls_creds_unref (conn->creds);
  buf_free (&conn->unsent);
  free (conn->left);
  free (conn->name);
  free (conn->why);
  free (conn);
}

/* Records -------------------------------------------------------------------*/

static const struct {
  int code, number;
} numbers[] = {
  { GNUTLS_E_DECRYPTION_FAILED, EBADMSG },
  { GNUTLS_E_FATAL_ALERT_RECEIVED, ECONNABORTED },
  { GNUTLS_E_MEMORY_ERROR, ENOMEM },
};

ssize_t
tls_record_failed (struct tls_conn *conn, int r)
{
  if (tls_is_wait (r))
    return tls_wanted (conn);
  /* Closing without a close-notify loses nothing here: messages say their
   * own length.
   */
  if (r == GNUTLS_E_PREMATURE_TERMINATION || conn->at_end)
    return 0;
  errno = conn->lower_errno ? conn->lower_errno : EPROTO;
  for (size_t i = 0; i < COUNT_OF (numbers); i++)
    if (r == numbers[i].code)
      errno = numbers[i].number;
  return VIRGATE_IO_ERROR;
}

/* Keep what was read ahead and not taken apart. */
static int
keep_ahead (struct tls_conn *conn)
{
  size_t len = conn->scratch_len - conn->scratch_at;

  if (len == 0)
    return 0;
  conn->left = malloc (len);
  if (conn->left == NULL) {
    errno = ENOMEM;
    return -1;
  }
  memcpy (conn->left, conn->scratch + conn->scratch_at, len);
  conn->left_at = 0;
  conn->left_len = len;
  return 0;
}

static ssize_t
read_records (struct tls_conn *conn, const struct iovec *iov, int iovcnt)
{
  size_t total = 0;

  for (int i = 0; i < iovcnt; i++)
    for (size_t at = 0; at < iov[i].iov_len; ) {
      ssize_t n = gnutls_record_recv (conn->session,
                                      (char *) iov[i].iov_base + at,
                                      iov[i].iov_len - at);

      if (n <= 0 && total > 0)
        return total;
      if (n == 0)
        return 0;
      if (n < 0)
        return tls_record_failed (conn, n);
      at += n;
      total += n;
      if (gnutls_record_check_pending (conn->session) == 0
          && conn->scratch_at == conn->scratch_len && !conn->left)
        return total;
    }
  return total;
}

ssize_t
tls_readv (void *opaque, const struct iovec *iov, int iovcnt,
           struct virgate_fds *fds)
{
  struct tls_conn *conn = opaque;
  char scratch[AHEAD_MAX];
  ssize_t n;

  if (fds)
    fds->count = 0;
  conn->scratch = scratch;
  conn->scratch_at = conn->scratch_len = 0;
  n = read_records (conn, iov, iovcnt);
  if (keep_ahead (conn) == -1)
    n = VIRGATE_IO_ERROR;
  conn->scratch = NULL;
  return n;
}

size_t
tls_pending (void *opaque)
{
  struct tls_conn *conn = opaque;

  return gnutls_record_check_pending (conn->session)
         + (conn->left ? conn->left_len - conn->left_at : 0);
}

int
tls_pollfd (void *opaque)
{
  struct tls_conn *conn = opaque;

  return conn->tls->lower->ops->pollfd (conn->lower);
}

uint32_t
tls_conn_caps (void *opaque)
{
  struct tls_conn *conn = opaque;
  const struct virgate_transport_ops *lower = conn->tls->lower->ops;
  uint32_t caps = lower->conn_caps ? lower->conn_caps (conn->lower)
                                   : lower->caps;

  return (caps & VIRGATE_CAP_LOCAL) | VIRGATE_CAP_ENCRYPTED;
}

void
tls_shutdown (void *opaque)
{
  struct tls_conn *conn = opaque;

  if (conn->step == STEP_DONE)
    gnutls_bye (conn->session, GNUTLS_SHUT_WR);
  if (conn->tls->lower->ops->shutdown)
    conn->tls->lower->ops->shutdown (conn->lower);
}

int
tls_recheck (void *opaque)
{
  struct tls_conn *conn = opaque;
  struct tls_creds *creds = tls_current_creds (conn->tls);
  gnutls_x509_crt_t chain[TLS_CHAIN_MAX];
  unsigned len = tls_peer_chain (conn->session, chain);
  bool is_revoked = tls_check_revoked (creds, chain, len);

  tls_chain_free (chain, len);
  tls_creds_unref (creds);
  return is_revoked ? -1 : 0;
}
