/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virgate_connect: from a name to an open connection.  One step after the
 * other, all under one deadline; whatever fails leaves nothing behind.
 */
#include "config.h"

#include <stdlib.h>

#include <virgate/remote.h>

#include "client/clientconf.h"
#include "client/internal.h"
#include "core/dial.h"

/* What any message may take before the server has accepted us. */
#define MESSAGE_MEMORY_EARLY (512 * 1024)

/* Everything that is needed while connecting. */
struct opening {
  struct virgate_conn *conn;
  struct virgate_connect_options options;
  struct clientconf conf;
  int64_t deadline;
  struct virgate_error err;
};

/* Modules and their host -------------------------------------------------- */

static int
plumbing_start (struct opening *o)
{
  const struct virgate_connect_options *options = &o->options;
  struct plumbing *plumbing = o->conn->plumbing;

  plumbing->env = (struct host_env) {
    .role = VIRGATE_ROLE_CLIENT, .program = "libvirgate",
    .opaque = &plumbing->credentials, .credential = credential_get,
  };
  plumbing->credentials = (struct credentials) {
    .conf = &o->conf, .uri = &o->conn->parsed, .ask = options->credential,
    .ask_opaque = options->credential_opaque,
  };
  plumbing->modules = modules_new (options->module_dir, 0, NULL);
  plumbing->env.modules = plumbing->modules;
  return plumbing->modules ? 0 : -1;
}

void
plumbing_free (struct plumbing *plumbing)
{
  peer_free (&plumbing->peer);
  instance_close (plumbing->auth);
  instance_close (plumbing->transport);
  modules_free (plumbing->modules);
  free (plumbing);
}

/* The steps --------------------------------------------------------------- */

static int
no_memory (struct opening *o)
{
  return error_set (&o->err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_RPC, NULL);
}

/* The one URI that the caller's word stands for. */
static int
resolve_uri (struct opening *o, const char *name)
{
  CLEANUP (arena_free) struct arena arena;
  const char **names;
  int count;

  arena_init (&arena, CONFIG_MEMORY_MAX);
  count = clientconf_expand (&o->conf, name, false, &arena, &names,
                             &o->err);
  if (count == -1)
    return -1;
  if (count > 1)
    return error_text (&o->err, VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_URI,
                       "'%s' stands for %d hosts, but a connection is to one",
                       name ? name : "the default", count);
  if (uri_parse (&o->conn->parsed, names[0], &o->err) == -1)
    return -1;
  o->conn->uri = strdup (names[0]);
  o->conn->where = strdup (*names[0] ? names[0] : "the default connection");
  if (o->conn->uri == NULL || o->conn->where == NULL)
    return no_memory (o);
  o->conn->parsed.v.read_only =
    (o->conn->flags & VIRGATE_CONNECT_READ_ONLY) != 0;
  return 0;
}

/* "[transport tls HOST]", or "[transport tls]". */
static const struct config_section *
transport_section (struct opening *o, const char *name)
{
  const char *host = o->conn->parsed.v.host;
  const struct config_section *section = NULL;
  CLEANUP_FREE char *both = NULL;

  if (host && asprintf (&both, "%s %s", name, host) == -1)
    both = NULL;
  if (both)
    section = clientconf_section (&o->conf, "transport", both);
  return section ? section
                 : clientconf_section (&o->conf, "transport", name);
}

static int
load_transport (struct opening *o)
{
  struct plumbing *plumbing = o->conn->plumbing;
  struct uri *uri = &o->conn->parsed;
  const struct module *module;

  if (plumbing_start (o) == -1)
    return no_memory (o);
  module = transport_for_scheme (plumbing->modules, uri->v.transport,
                                 &o->err);
  if (module == NULL)
    return -1;
  plumbing->transport = dial_open (module, &plumbing->env,
                                   transport_section (o, module->desc.name),
                                   uri, &o->err);
  return plumbing->transport ? 0 : -1;
}

static int
connect_transport (struct opening *o)
{
  struct virgate_conn *conn = o->conn;
  struct dialed made;

  if (dial (conn->plumbing->transport, &conn->parsed, conn->where,
            o->deadline, &conn->plumbing->peer, &made, &o->err) == -1) {
    credential_explain (&conn->plumbing->credentials, &o->err);
    return -1;
  }
  conn->ops = made.ops;
  conn->transport = made.conn;
  conn->caps = made.caps;
  conn->one_at_a_time = !(made.ops->caps & VIRGATE_CAP_DUPLEX);
  return 0;
}

/* From here on errors are the calling thread's already. */

static int
open_far_side (struct opening *o)
{
  struct virgate_conn *conn = o->conn;
  const struct virgate_remote_connect_open_args args = {
    .name = conn->parsed.name,
    .flags = conn->flags & VIRGATE_CONNECT_READ_ONLY,
  };

  return call_run (conn, VIRGATE_REMOTE_PROGRAM,
                   VIRGATE_REMOTE_PROC_CONNECT_OPEN, &args, NULL, NULL,
                   o->deadline);
}

/* No URI was given: the server knows which one it chose. */
static int
adopt_uri (struct opening *o)
{
  CLEANUP_FREE struct virgate_remote_connect_get_uri_ret *ret = NULL;
  char *uri;

  if (call_run (o->conn, VIRGATE_REMOTE_PROGRAM,
                VIRGATE_REMOTE_PROC_CONNECT_GET_URI, NULL, (void **) &ret,
                NULL, o->deadline) == -1)
    return -1;
  uri = strdup (ret->uri);
  if (uri == NULL)
    return client_error (VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_RPC, NULL);
  free (o->conn->uri);
  o->conn->uri = uri;
  return 0;
}

static int
converse (struct opening *o)
{
  struct virgate_conn *conn = o->conn;
  uint32_t memory = (uint32_t) clientconf_number (&o->conf, "max-message");

  conn->message_memory = conn->in.frame_max =
    MIN_OF (memory, (uint32_t) MESSAGE_MEMORY_EARLY);
  if (auth_run (conn, &o->conf, o->deadline) == -1)
    return -1;
  if (o->options.keepalive_interval_ms > 0
      && keepalive_begin (conn, o->deadline) == -1)
    return -1;
  conn->message_memory = memory;
  conn->in.frame_max = MIN_OF (memory, (uint32_t) FRAME_LEN_MAX);
  if (conn->flags & VIRGATE_CONNECT_NO_OPEN)
    return 0;
  if (open_far_side (o) == -1)
    return -1;
  return *conn->parsed.v.text ? 0 : adopt_uri (o);
}

/* All up to the first message. */
static int
dial_all (struct opening *o, const char *name)
{
  int32_t timeout_ms = o->options.connect_timeout_ms;

  if (clientconf_read (&o->conf, o->options.config_file, &o->err) == -1)
    return client_error_take (&o->err);
  if (timeout_ms == 0)
    timeout_ms = (int32_t) clientconf_number (&o->conf, "connect-timeout")
                 * 1000;
  o->deadline = deadline_in (timeout_ms);
  if (resolve_uri (o, name) == -1 || load_transport (o) == -1
      || connect_transport (o) == -1)
    return client_error_take (&o->err);
  return 0;
}

static struct virgate_conn *
open_conn (const char *uri, const struct virgate_connect_options *options,
           bool converses)
{
  struct opening o = { .conf = { .count = 0 } };
  int result;

  if (options)
    memcpy (&o.options, options, MIN_OF (options->size, sizeof o.options));
  o.conn = conn_new (&o.options);
  if (o.conn == NULL) {
    client_error (VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_RPC, NULL);
    return NULL;
  }
  result = dial_all (&o, uri);
  if (result == 0 && converses)
    result = converse (&o);
  o.conn->plumbing->credentials.conf = NULL;
  clientconf_free (&o.conf);
  if (result == 0)
    return o.conn;
  conn_destroy (o.conn);
  return NULL;
}

struct virgate_conn *
conn_dial (const char *uri, const struct virgate_connect_options *options)
{
  return open_conn (uri, options, false);
}

struct virgate_conn *
virgate_connect (const char *uri,
                 const struct virgate_connect_options *options)
{
  return open_conn (uri, options, true);
}
