/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * transport-tls: TLS over a lower transport, both halves.  This file holds
 * the instance, its keys and the module; conn.c the connections.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "conn.h"

#define DAY_MS (24 * 3600 * UINT64_C (1000))
#define WARN_DAYS 30

static const struct virgate_option options[] = {
  { "lower", VIRGATE_OPTION_STRING, .def = "tcp",
    .help = "transport below this one; its keys may be given here" },
  { "ca-cert", VIRGATE_OPTION_PATH,
    .help = "certificates of the CAs that are trusted" },
  { "crl", VIRGATE_OPTION_PATH, .help = "revocation lists" },
  { "cert", VIRGATE_OPTION_PATH,
    .help = "own certificate, then intermediate ones" },
  { "key", VIRGATE_OPTION_PATH,
    .help = "its private key; nobody else may read it" },
  { "priority", VIRGATE_OPTION_STRING,
    .help = "GnuTLS priority string instead of the system's" },
  { "min-version", VIRGATE_OPTION_STRING, .def = "1.2",
    .help = "oldest version of TLS: 1.2 or 1.3" },
  { "verify-client", VIRGATE_OPTION_STRING, .def = "require",
    .help = "server: a client's certificate: require, request or none" },
  { "server-name", VIRGATE_OPTION_STRING,
    .help = "client: the name that the server's certificate must bear" },
  { "pki-path", VIRGATE_OPTION_PATH,
    .help = "client: folder of cacert.pem, clientcert.pem, ..." },
  { NULL }
};

static int
tls_open (const struct virgate_host *host, void **inst)
{
  struct tls *tls = calloc (1, sizeof *tls);

  if (tls == NULL)
    return host->error (host, "out of memory");
  tls->host = host;
  tls->verify = TLS_VERIFY_REQUIRE;
  pthread_mutex_init (&tls->lock, NULL);
  *inst = tls;
  return 0;
}

static void
tls_close (void *inst)
{
  struct tls *tls = inst;

  if (tls->timer)
    tls->host->timer_cancel (tls->host, tls->timer);
  tls_creds_unref (tls->creds);
  tls_paths_free (&tls->paths);
  free (tls->lower_name);
  free (tls->priority);
  free (tls->server_name);
  free (tls->pki_path);
  pthread_mutex_destroy (&tls->lock);
  free (tls);
}

static int
one_of (struct tls *tls, const char *value, const char *const *words)
{
  for (int i = 0; words[i]; i++)
    if (strcmp (value, words[i]) == 0)
      return i;
  return tls->host->error (tls->host, "'%s' is not one of %s, %s%s%s", value,
                           words[0], words[1], words[2] ? ", " : "",
                           words[2] ? words[2] : "");
}

static int
config_verify (struct tls *tls, const char *value)
{
  static const char *const words[] = { "none", "request", "require", NULL };
  int which = one_of (tls, value, words);

  if (which == -1)
    return -1;
  tls->verify = which;
  return 0;
}

static int
config_version (struct tls *tls, const char *value)
{
  static const char *const words[] = { "1.2", "1.3", NULL };
  int which = one_of (tls, value, words);

  if (which == -1)
    return -1;
  tls->tls13_only = which == 1;
  return 0;
}

static int
tls_config (void *inst, const char *key, const char *value)
{
  struct tls *tls = inst;
  const struct {
    const char *key;
    char **where;
  } strings[] = {
    { "lower", &tls->lower_name },
    { "ca-cert", &tls->paths.file[TLS_CA] },
    { "crl", &tls->paths.file[TLS_CRL] },
    { "cert", &tls->paths.file[TLS_CERT] },
    { "key", &tls->paths.file[TLS_KEY] },
    { "priority", &tls->priority },
    { "server-name", &tls->server_name },
    { "pki-path", &tls->pki_path },
  };

  if (strcmp (key, "verify-client") == 0)
    return config_verify (tls, value);
  if (strcmp (key, "min-version") == 0)
    return config_version (tls, value);
  for (size_t i = 0; i < COUNT_OF (strings); i++) {
    char *copy;

    if (strcmp (key, strings[i].key) != 0)
      continue;
    copy = strdup (value);
    if (copy == NULL)
      return tls->host->error (tls->host, "out of memory");
    free (*strings[i].where);
    *strings[i].where = copy;
  }
  return 0;
}

static void
log_days (struct tls *tls, bool always)
{
  long days = (long) ((tls->creds->expires - time (NULL)) / (24 * 3600));

  if (tls->creds->expires != 0 && VIRGATE_HOST_HAS (tls->host, gauge))
    tls->host->gauge (tls->host, "certificate_days", "Days until the first "
                      "certificate or revocation list expires.", days);
  if (tls->creds->expires == 0 || (!always && days > WARN_DAYS))
    return;
  tls->host->log (tls->host,
                  days > WARN_DAYS ? VIRGATE_LOG_NOTICE : VIRGATE_LOG_WARNING,
                  "the %s is the first to expire, in %ld days",
                  tls->creds->expires_what, days);
}

static void
daily (void *opaque)
{
  struct tls *tls = opaque;

  log_days (tls, false);
  tls->timer = tls->host->timer (tls->host, DAY_MS, daily, tls);
}

static int
tls_load (struct tls *tls)
{
  const struct tls_want want = {
    .paths = &tls->paths, .priority = tls->priority, .is_server = true,
    .tls13_only = tls->tls13_only,
  };
  char why[TLS_WHY_MAX];
  struct tls_creds *creds = tls_creds_load (&want, why, sizeof why), *old;

  if (creds == NULL)
    return tls->host->error (tls->host, "%s", why);
  pthread_mutex_lock (&tls->lock);
  old = tls->creds;
  tls->creds = creds;
  pthread_mutex_unlock (&tls->lock);
  tls_creds_unref (old);
  log_days (tls, true);
  return 0;
}

/* A server's files are loaded at once, a client's at its first connection:
 * the URI may name others.
 */
static int
tls_ready (void *inst)
{
  struct tls *tls = inst;
  const struct virgate_host *host = tls->host;

  if (gnutls_check_version ("3.7.0") == NULL)
    return host->error (host, "GnuTLS is older than 3.7");
  tls->lower = host->lower (host, tls->lower_name ? tls->lower_name : "tcp");
  if (tls->lower == NULL)
    return -1;
  if (host->role != VIRGATE_ROLE_SERVER)
    return 0;
  if (tls_paths_default (&tls->paths, true, NULL) == -1)
    return host->error (host, "out of memory");
  if (tls_load (tls) == -1)
    return -1;
  for (int i = 0; VIRGATE_HOST_HAS (host, watch_file) && i < TLS_FILES; i++)
    if (tls->paths.file[i])
      host->watch_file (host, tls->paths.file[i]);
  if (VIRGATE_HOST_HAS (host, timer))
    tls->timer = host->timer (host, DAY_MS, daily, tls);
  return 0;
}

static int
tls_reload (void *inst)
{
  struct tls *tls = inst;

  return tls->host->role == VIRGATE_ROLE_SERVER ? tls_load (tls) : 0;
}

static int
tls_listen (void *inst, const int *adopted, uint32_t count,
            struct virgate_listening *out, uint32_t max)
{
  const struct virgate_transport *lower = ((struct tls *) inst)->lower;

  if (lower->ops->listen == NULL)
    return ((struct tls *) inst)->host->error
      (((struct tls *) inst)->host, "the lower transport cannot listen");
  return lower->ops->listen (lower->inst, adopted, count, out, max);
}

static void
tls_unlisten (void *inst, const struct virgate_listening *listening)
{
  const struct virgate_transport *lower = ((struct tls *) inst)->lower;

  if (lower->ops->unlisten)
    lower->ops->unlisten (lower->inst, listening);
}

static const char *const schemes[] = { "tls", NULL };
static const char *const params[] = {
  "pkipath", "tls_priority", "no_verify", "no_sanity", NULL
};

static const struct virgate_transport_ops ops = {
  .schemes = schemes,
  .params = params,
  .caps = VIRGATE_CAP_ENCRYPTED | VIRGATE_CAP_RECORDS,
  .default_port = 16514,
  .listen = tls_listen,
  .unlisten = tls_unlisten,
  .accept = tls_accept,
  .handshake = tls_handshake,
  .readv = tls_readv,
  .writev = tls_writev,
  .pending = tls_pending,
  .pollfd = tls_pollfd,
  .peer = tls_peer,
  .conn_caps = tls_conn_caps,
  .shutdown = tls_shutdown,
  .close = tls_conn_close,
  .recheck = tls_recheck,
  .connect = tls_connect,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_TRANSPORT,
  .ops_size = sizeof ops,
  .name = "tls",
  .version = PACKAGE_VERSION,
  .summary = "TLS 1.2 and 1.3 with X.509 certificates, over another transport",
  .options = options,
  .open = tls_open,
  .config = tls_config,
  .ready = tls_ready,
  .close = tls_close,
  .reload = tls_reload,
  .ops = &ops,
};
