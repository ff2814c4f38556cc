/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A TLS connection: the handshake with the checks and the byte that confirms
 * it, and the records.
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

/* virnettlscontext.c of libvirt: the server's word that it accepted. */
#define CONFIRMED 1

enum tls_step { STEP_HANDSHAKE, STEP_CONFIRM, STEP_DONE };

struct tls_conn {
  struct tls *tls;
  struct tls_creds *creds;
  gnutls_session_t session;
  void *lower;                  /* the lower transport's connection */
  char *name;                   /* client: what the certificate must bear */
  char *why;                    /* server: what is wrong with the client's */
  char *left;                   /* bytes read ahead and not yet taken apart */
  size_t left_at, left_len;
  char *scratch;                /* during tls_readv: its stack */
  size_t scratch_at, scratch_len;
  size_t sending;               /* bytes of a record that is half written */
  uint8_t step;                 /* enum tls_step */
  bool is_server, no_verify, at_end;
};

/* Bytes from below ----------------------------------------------------------*/

static ssize_t
lower_result (struct tls_conn *conn, ssize_t n)
{
  if (n >= 0)
    return n;
  if (n == VIRGATE_IO_ERROR)
    gnutls_transport_set_errno (conn->session, errno);
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
  return lower_result (conn, n);
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

static ssize_t
vec_push (gnutls_transport_ptr_t ptr, const giovec_t *iov, int iovcnt)
{
  struct tls_conn *conn = ptr;
  const struct virgate_transport *lower = conn->tls->lower;

  return lower_result (conn, lower->ops->writev (conn->lower, iov, iovcnt,
                                                 NULL));
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
  gnutls_transport_set_vec_push_function (conn->session, vec_push);
  return 0;
}

static struct tls_conn *
conn_new (struct tls *tls, struct tls_creds *creds, void *lower,
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

static struct tls_creds *
current_creds (struct tls *tls)
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
  *connp = conn_new (tls, current_creds (tls), under, true);
  if (*connp == NULL) {
    lower->close (under);
    errno = ENOMEM;
    return VIRGATE_IO_ERROR;
  }
  return 0;
}

static const char *
param (const struct virgate_uri *uri, const char *name)
{
  for (const struct virgate_param *p = uri->params; p && p->name; p++)
    if (strcmp (p->name, name) == 0)
      return p->value;
  return NULL;
}

/* The set for one URI: its own folder or priority, else the instance's. */
static struct tls_creds *
client_creds (const struct tls *tls, const struct virgate_uri *uri)
{
  const char *folder = param (uri, "pkipath");
  const char *priority = param (uri, "tls_priority");
  struct tls_paths paths;
  const struct tls_want want = {
    .paths = &paths, .priority = priority ? priority : tls->priority,
    .tls13_only = tls->tls13_only,
  };
  struct tls_creds *creds = NULL;
  char why[TLS_WHY_MAX] = "out of memory";

  if (tls_paths_copy (&paths, &tls->paths) == 0
      && tls_paths_default (&paths, false,
                            folder ? folder : tls->pki_path) == 0)
    creds = tls_creds_load (&want, why, sizeof why);
  tls_paths_free (&paths);
  if (creds == NULL)
    tls->host->error (tls->host, "%s", why);
  return creds;
}

static bool
is_address (const char *host)
{
  return strchr (host, ':') || strspn (host, "0123456789.") == strlen (host);
}

static int
client_setup (struct tls_conn *conn, const struct virgate_uri *uri)
{
  const struct tls *tls = conn->tls;
  const char *name = tls->server_name ? tls->server_name : uri->host;
  const char *no_verify = param (uri, "no_verify");

  conn->no_verify = no_verify && strcmp (no_verify, "0") != 0;
  if (name == NULL || name[0] == '\0')
    name = "localhost";
  conn->name = strdup (name);
  if (conn->name == NULL)
    return tls->host->error (tls->host, "out of memory");
  if (!is_address (name))
    gnutls_server_name_set (conn->session, GNUTLS_NAME_DNS, name,
                            strlen (name));
  return 0;
}

int
tls_connect (void *inst, const struct virgate_uri *uri, int64_t deadline,
             void **connp)
{
  struct tls *tls = inst;
  const struct virgate_transport_ops *lower = tls->lower->ops;
  struct tls_creds *creds = client_creds (tls, uri);
  struct virgate_uri below = *uri;
  struct tls_conn *conn;
  void *under = NULL;

  if (creds == NULL)
    return -1;
  if (below.port == 0)
    below.port = 16514;
  if (lower->connect (tls->lower->inst, &below, deadline, &under) == -1) {
    tls_creds_unref (creds);
    return -1;
  }
  conn = conn_new (tls, creds, under, false);
  if (conn == NULL) {
    lower->close (under);
    return -1;
  }
  if (client_setup (conn, uri) == -1) {
    tls_conn_close (conn);
    return -1;
  }
  *connp = conn;
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
  tls_creds_unref (conn->creds);
  free (conn->left);
  free (conn->name);
  free (conn->why);
  free (conn);
}

/* Handshake -----------------------------------------------------------------*/

static int
wanted (struct tls_conn *conn)
{
  return gnutls_record_get_direction (conn->session) ? VIRGATE_IO_WANT_WRITE
                                                     : VIRGATE_IO_WANT_READ;
}

static bool
is_wait (int r)
{
  return r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED;
}

static int
handshake_failed (struct tls_conn *conn, int r)
{
  const struct virgate_host *host = conn->tls->host;

  if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
    return host->error (host, "TLS handshake: the %s ended it with the alert "
                        "'%s'", conn->is_server ? "client" : "server",
                        gnutls_alert_get_name
                          (gnutls_alert_get (conn->session)));
  if (r == GNUTLS_E_UNEXPECTED_PACKET_LENGTH
      || r == GNUTLS_E_UNSUPPORTED_VERSION_PACKET
      || r == GNUTLS_E_UNEXPECTED_PACKET)
    return host->error (host, "TLS handshake: the %s does not speak TLS here "
                        "(%s)", conn->is_server ? "client" : "server",
                        gnutls_strerror (r));
  if (conn->at_end)
    return host->error (host, "TLS handshake: the %s closed the connection",
                        conn->is_server ? "client" : "server");
  return host->error (host, "TLS handshake: %s", gnutls_strerror (r));
}

/* Judge the peer's certificate: a server notes it for later, when the client
 * can be told; a client gives up.
 */
static int
judge (struct tls_conn *conn)
{
  const struct virgate_host *host = conn->tls->host;
  gnutls_x509_crt_t chain[TLS_CHAIN_MAX];
  unsigned len = tls_peer_chain (conn->session, chain);
  char why[TLS_WHY_MAX], name[512] = "no certificate";
  bool good = tls_check_chain (conn->creds, chain, len, !conn->is_server, why,
                               sizeof why);

  if (good && !conn->is_server)
    good = tls_check_name (chain[0], conn->name, why, sizeof why);
  if (len > 0)
    tls_crt_name (chain[0], name, sizeof name);
  tls_chain_free (chain, len);
  if (good || conn->no_verify
      || (conn->is_server && conn->tls->verify == TLS_VERIFY_NONE))
    return 0;
  if (!conn->is_server)
    return host->error (host, "the server's certificate (%s) is refused: %s",
                        name, why);
  conn->why = strdup (why);
  return conn->why ? 0 : host->error (host, "out of memory");
}

static int
confirm_to_client (struct tls_conn *conn)
{
  const char byte = CONFIRMED;
  int r = gnutls_record_send (conn->session, conn->sending ? NULL : &byte,
                              conn->sending ? 0 : 1);

  if (is_wait (r)) {
    conn->sending = 1;
    return wanted (conn);
  }
  conn->sending = 0;
  return r == 1 ? 0 : handshake_failed (conn, r);
}

static int
confirm_from_server (struct tls_conn *conn)
{
  const struct virgate_host *host = conn->tls->host;
  bool has_cert = conn->creds->chain_len > 0;
  char byte;
  int r = gnutls_record_recv (conn->session, &byte, 1);

  if (is_wait (r))
    return wanted (conn);
  if (r == 1 && byte == CONFIRMED)
    return 0;
  if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
    return handshake_failed (conn, r);
  return host->error (host, "the server refused %s; the server's log says "
                      "why", has_cert ? "our certificate or address"
                      : "us, and we have no certificate: make one, or say "
                        "where it is");
}

int
tls_handshake (void *opaque)
{
  struct tls_conn *conn = opaque;
  int r;

  if (conn->step == STEP_HANDSHAKE) {
    do
      r = gnutls_handshake (conn->session);
    while (r < 0 && !is_wait (r) && !gnutls_error_is_fatal (r));
    if (is_wait (r))
      return wanted (conn);
    if (r < 0)
      return handshake_failed (conn, r);
    if (judge (conn) == -1)
      return -1;
    conn->step = STEP_CONFIRM;
  }
  if (conn->step == STEP_CONFIRM) {
    r = conn->is_server ? confirm_to_client (conn)
                        : confirm_from_server (conn);
    if (r != 0)
      return r;
    conn->step = STEP_DONE;
  }
  return 0;
}

/* Records -------------------------------------------------------------------*/

static ssize_t
record_failed (struct tls_conn *conn, int r)
{
  if (is_wait (r))
    return wanted (conn);
  /* Closing without a close-notify loses nothing here: messages say their
   * own length.
   */
  if (r == GNUTLS_E_PREMATURE_TERMINATION || conn->at_end)
    return 0;
  errno = r == GNUTLS_E_REHANDSHAKE ? EPROTO : EIO;
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
        return record_failed (conn, n);
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

ssize_t
tls_writev (void *opaque, const struct iovec *iov, int iovcnt,
            const struct virgate_fds *fds)
{
  struct tls_conn *conn = opaque;
  size_t total = 0;

  for (int i = 0; i < iovcnt; i++)
    for (size_t at = 0; at < iov[i].iov_len; ) {
      size_t len = iov[i].iov_len - at;
      /* A record that is half written goes on as it is, without its text. */
      ssize_t n = conn->sending
                  ? gnutls_record_send (conn->session, NULL, 0)
                  : gnutls_record_send (conn->session,
                                        (char *) iov[i].iov_base + at, len);

      if (n < 0) {
        conn->sending = is_wait (n);
        return total > 0 ? (ssize_t) total : record_failed (conn, n);
      }
      conn->sending = 0;
      at += n;
      total += n;
    }
  return total;
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

static int
session_facts (struct tls_conn *conn, struct virgate_peer *peer)
{
  const struct virgate_host *host = conn->tls->host;
  const char *version = gnutls_protocol_get_name
    (gnutls_protocol_get_version (conn->session));
  size_t bytes = gnutls_cipher_get_key_size
    (gnutls_cipher_get (conn->session));

  return host->peer_string (peer, VIRGATE_FACT_TLS_VERSION,
                            VIRGATE_VOUCH_KERNEL, version) == -1
         || host->peer_number (peer, VIRGATE_FACT_TLS_KEY_BITS,
                               VIRGATE_VOUCH_KERNEL, bytes * 8) == -1
         ? -1 : 0;
}

static int
certificate_facts (struct tls_conn *conn, struct virgate_peer *peer)
{
  const struct virgate_host *host = conn->tls->host;
  gnutls_x509_crt_t chain[TLS_CHAIN_MAX];
  unsigned len = tls_peer_chain (conn->session, chain);
  char name[512] = "none";
  int r = 0;

  if (len > 0)
    tls_crt_name (chain[0], name, sizeof name);
  if (conn->why)
    r = host->peer_string (peer, VIRGATE_FACT_X509_VERDICT,
                           VIRGATE_VOUCH_CERTIFICATE, conn->why);
  else if (len > 0)
    r = tls_peer_facts (host, peer, chain[0]);
  tls_chain_free (chain, len);
  if (r == -1 || conn->why == NULL || conn->tls->verify < TLS_VERIFY_REQUIRE)
    return r;
  return len == 0
         ? host->error (host, "it has no certificate")
         : host->error (host, "its certificate (%s) is refused: %s", name,
                        conn->why);
}

int
tls_peer (void *opaque, struct virgate_peer *peer, int after_handshake)
{
  struct tls_conn *conn = opaque;
  const struct virgate_transport_ops *lower = conn->tls->lower->ops;

  if (!after_handshake)
    return lower->peer ? lower->peer (conn->lower, peer, 0) : 0;
  if (session_facts (conn, peer) == -1)
    return -1;
  return conn->is_server && conn->tls->verify == TLS_VERIFY_NONE
         ? 0 : certificate_facts (conn, peer);
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
  struct tls_creds *creds = current_creds (conn->tls);
  gnutls_x509_crt_t chain[TLS_CHAIN_MAX];
  unsigned len = tls_peer_chain (conn->session, chain);
  bool is_revoked = tls_check_revoked (creds, chain, len);

  tls_chain_free (chain, len);
  tls_creds_unref (creds);
  return is_revoked ? -1 : 0;
}
