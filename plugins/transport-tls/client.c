/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client's way to a TLS connection: which files, which name.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "conn.h"

static const char *
param (const struct virgate_uri *uri, const char *name)
{
  for (const struct virgate_param *p = uri->params; p && p->name; p++)
    if (strcmp (p->name, name) == 0)
      return p->value;
  return NULL;
}

static bool
is_yes (const struct virgate_uri *uri, const char *name)
{
  const char *value = param (uri, name);

  return value && strcmp (value, "0") != 0;
}

/* The set for one URI: its own folder or priority, else the instance's. */
static struct tls_creds *
client_creds (const struct tls *tls, const struct virgate_uri *uri)
{
  const char *folder = param (uri, "pkipath");
  const char *priority = param (uri, "tls_priority");
  const char *hint = uri->text && strstr (uri->text, "+tls") == NULL
                     ? "; a URI with a host and no transport means TLS: for "
                       "ssh write DRIVER+ssh://HOST/..." : "";
  struct tls_paths paths;
  const struct tls_want want = {
    .paths = &paths, .priority = priority ? priority : tls->priority,
    .tls13_only = tls->tls13_only, .is_unjudged = is_yes (uri, "no_sanity"),
  };
  struct tls_creds *creds = NULL;
  char why[TLS_WHY_MAX] = "out of memory";

  if (tls_paths_copy (&paths, &tls->paths) == 0
      && tls_paths_default (&paths, false,
                            folder ? folder : tls->pki_path) == 0)
    creds = tls_creds_load (&want, why, sizeof why);
  tls_paths_free (&paths);
  if (creds == NULL)
    tls->host->error (tls->host, "%s%s", why, hint);
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

  conn->no_verify = is_yes (uri, "no_verify");
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
  conn = tls_conn_new (tls, creds, under, false);
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
