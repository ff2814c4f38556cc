/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The handshake, the checks on the peer, and the byte by which the server
 * confirms; then what is known of the peer.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "conn.h"

/* virnettlscontext.c of libvirt: the server's word that it accepted. */
#define CONFIRMED 1

/* Codes that mean the other side speaks no TLS, or not to us. */
static const struct {
  int code;
  const char *text;
} reasons[] = {
  { GNUTLS_E_UNEXPECTED_PACKET_LENGTH, "does not speak TLS on this port" },
  { GNUTLS_E_UNSUPPORTED_VERSION_PACKET, "offers no version of TLS that is "
    "accepted here (1.2 and later), or speaks no TLS on this port" },
  { GNUTLS_E_UNEXPECTED_PACKET, "does not speak TLS on this port" },
  { GNUTLS_E_RECORD_OVERFLOW, "does not speak TLS on this port" },
  { GNUTLS_E_UNKNOWN_CIPHER_SUITE, "has no cipher in common with us" },
  { GNUTLS_E_NO_CIPHER_SUITES, "has no cipher in common with us" },
  { GNUTLS_E_UNSUPPORTED_CERTIFICATE_TYPE, "offers a kind of certificate "
    "other than X.509" },
};

static int
handshake_failed (struct tls_conn *conn, int r)
{
  const struct virgate_host *host = conn->tls->host;
  const char *peer = conn->is_server ? "client" : "server";

  if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
    return host->error (host, "TLS handshake: the %s ended it with the alert "
                        "'%s'", peer,
                        gnutls_alert_get_name
                          (gnutls_alert_get (conn->session)));
  if (conn->at_end)
    return host->error (host, "TLS handshake: the %s closed the connection "
                        "before it was done", peer);
  for (size_t i = 0; i < COUNT_OF (reasons); i++)
    if (r == reasons[i].code)
      return host->error (host, "TLS handshake: the %s %s", peer,
                          reasons[i].text);
  if (conn->lower_errno)
    return host->error (host, "TLS handshake: the connection to the %s is "
                        "gone: %s", peer, strerror (conn->lower_errno));
  return host->error (host, "TLS handshake with the %s: %s", peer,
                      gnutls_strerror (r));
}

/* Say so to the other side as well, as far as it can be told. */
static int
handshake_ends (struct tls_conn *conn, int r)
{
  handshake_failed (conn, r);
  gnutls_alert_send_appropriate (conn->session, r);
  return -1;
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
  char why[TLS_WHY_MAX], name[512];
  bool seen = tls_was_seen (conn);
  bool good = seen || tls_check_chain (conn->creds, chain, len,
                                       !conn->is_server, why, sizeof why);

  if (good && !seen)
    tls_note_seen (conn, chain, len);
  if (good && !conn->is_server)
    good = tls_check_name (chain[0], conn->name, why, sizeof why);
  if (len > 0) {
    conn->leaf = chain[0];      /* for the facts */
    tls_chain_free (chain + 1, len - 1);
  }
  if (good)
    return 0;
  if (conn->is_server || conn->no_verify) {
    conn->why = strdup (why);
    return conn->why ? 0 : host->error (host, "out of memory");
  }
  if (conn->leaf == NULL)
    return host->error (host, "the server showed no certificate");
  tls_crt_name (conn->leaf, name, sizeof name);
  return host->error (host, "the server's certificate (%s) is refused: %s",
                      name, why);
}

static int
confirm_to_client (struct tls_conn *conn)
{
  const char byte = CONFIRMED;
  int r = conn->is_sending ? gnutls_record_send (conn->session, NULL, 0)
                           : gnutls_record_send (conn->session, &byte, 1);

  conn->is_sending = tls_is_wait (r);
  if (conn->is_sending)
    return tls_wanted (conn);
  return r == 1 ? 0 : handshake_failed (conn, r);
}

/* Why a server may have refused us, as far as a client can see. */
static int
refused (struct tls_conn *conn)
{
  const struct virgate_host *host = conn->tls->host;
  char name[512];

  if (!gnutls_certificate_client_get_request_status (conn->session))
    return host->error (host, "the server refused us without asking for a "
                        "certificate; its log says why");
  if (conn->creds->chain_len == 0)
    return host->error (host, "the server refused us: it wants a certificate, "
                        "and we have none; make one (virgate pki client NAME) "
                        "or say where it is");
  tls_crt_name (conn->creds->chain[0], name, sizeof name);
  if (gnutls_certificate_get_ours (conn->session) == NULL)
    return host->error (host, "the server refused us: it accepts "
                        "certificates of other CAs than the one that issued "
                        "ours (%s)", name);
  return host->error (host, "the server refused our certificate (%s) or our "
                      "address; its log says why", name);
}

static int
confirm_from_server (struct tls_conn *conn)
{
  char byte;
  int r = gnutls_record_recv (conn->session, &byte, 1);

  if (tls_is_wait (r))
    return tls_wanted (conn);
  if (r == 1 && byte == CONFIRMED)
    return 0;
  if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
    return handshake_failed (conn, r);
  return refused (conn);
}

int
tls_handshake (void *opaque)
{
  struct tls_conn *conn = opaque;
  int r;

  if (conn->step == STEP_HANDSHAKE) {
    do
      r = gnutls_handshake (conn->session);
    while (r < 0 && !tls_is_wait (r) && !gnutls_error_is_fatal (r));
    if (tls_is_wait (r))
      return tls_wanted (conn);
    if (r < 0)
      return handshake_ends (conn, r);
    if (judge (conn) == -1) {
      gnutls_alert_send (conn->session, GNUTLS_AL_FATAL,
                         GNUTLS_A_BAD_CERTIFICATE);
      return -1;
    }
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

/* Facts ---------------------------------------------------------------------*/

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
refuse_client (struct tls_conn *conn)
{
  const struct virgate_host *host = conn->tls->host;
  char name[512];

  if (conn->leaf == NULL)
    return host->error (host, "it has no certificate");
  tls_crt_name (conn->leaf, name, sizeof name);
  return host->error (host, "its certificate (%s) is refused: %s", name,
                      conn->why);
}

/* A reload may have come while the hands were shaken. */
static int
is_outdated (struct tls_conn *conn)
{
  struct tls_creds *creds = tls_current_creds (conn->tls);
  bool is_same = creds == conn->creds;

  tls_creds_unref (creds);
  return !is_same && tls_recheck (conn) == -1;
}

static int
certificate_facts (struct tls_conn *conn, struct virgate_peer *peer)
{
  const struct virgate_host *host = conn->tls->host;
  bool is_needed = conn->is_server && conn->tls->verify == TLS_VERIFY_REQUIRE;

  if (conn->is_server && is_outdated (conn))
    return host->error (host, "its certificate is revoked");
  if (conn->why && is_needed)
    return refuse_client (conn);
  if (conn->why)
    return host->peer_string (peer, VIRGATE_FACT_X509_VERDICT,
                              VIRGATE_VOUCH_CERTIFICATE, conn->why);
  return conn->leaf ? tls_peer_facts (host, peer, conn->leaf) : 0;
}

/* After the handshake: once. */
static int
state_facts (struct tls_conn *conn, struct virgate_peer *peer)
{
  int r = session_facts (conn, peer);

  if (r == 0 && !(conn->is_server && conn->tls->verify == TLS_VERIFY_NONE))
    r = certificate_facts (conn, peer);
  if (conn->leaf)
    gnutls_x509_crt_deinit (conn->leaf);
  conn->leaf = NULL;
  free (conn->why);
  conn->why = NULL;
  return r;
}

int
tls_peer (void *opaque, struct virgate_peer *peer, int after_handshake)
{
  struct tls_conn *conn = opaque;
  const struct virgate_transport_ops *lower = conn->tls->lower->ops;

  if (after_handshake)
    return state_facts (conn, peer);
  return lower->peer ? lower->peer (conn->lower, peer, 0) : 0;
}
