/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Administration: the connection itself, the two servers, and what is common
 * to all procedures; see admin.h.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "daemon/admin.h"
#include "daemon/call.h"
#include "daemon/server.h"
#include "daemon/session.h"

struct server *
admin_server_of (struct virgate_call *call)
{
  return call->session->loop->server;
}

static int
check_flags (struct virgate_call *call, uint32_t flags)
{
  if (flags == 0)
    return 0;
  return call_service_error (call, VIRGATE_ERR_INVALID_ARG,
                             VIRGATE_FROM_ADMIN, "unsupported flags (0x%x)",
                             flags);
}

int
admin_which (struct virgate_call *call,
             const struct virgate_admin_server *srv, uint32_t flags)
{
  if (check_flags (call, flags) == -1)
    return -1;
  if (strcmp (srv->name, MAIN_SERVER) == 0)
    return 0;
  if (strcmp (srv->name, ADMIN_SERVER) == 0)
    return 1;
  return call_service_error (call, VIRGATE_ERR_NO_SERVER, VIRGATE_FROM_ADMIN,
                             "No server named '%s'", srv->name);
}

/* Parameters ------------------------------------------------------------- */

char *
admin_keep (struct virgate_call *call, const char *text)
{
  char *copy = call_service_alloc (call, strlen (text) + 1);

  return copy ? strcpy (copy, text) : NULL;
}

int
admin_params_make (struct virgate_call *call, struct admin_params *params,
                   uint32_t max)
{
  *params = (struct admin_params) {
    0, call_service_alloc (call, max * sizeof *params->val), call,
  };
  if (params->val)
    return 0;
  return call_service_error (call, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_ADMIN,
                             NULL);
}

static struct virgate_typed_param *
next (struct admin_params *params, const char *field, int32_t type)
{
  struct virgate_typed_param *param = &params->val[params->len++];

  param->field = field;
  param->value.type = type;
  return param;
}

void
admin_param_uint (struct admin_params *params, const char *field,
                  uint32_t value)
{
  next (params, field, VIRGATE_TYPED_PARAM_UINT)->value.u.ui = value;
}

void
admin_param_int (struct admin_params *params, const char *field,
                 int32_t value)
{
  next (params, field, VIRGATE_TYPED_PARAM_INT)->value.u.i = value;
}

void
admin_param_bool (struct admin_params *params, const char *field, bool value)
{
  next (params, field, VIRGATE_TYPED_PARAM_BOOLEAN)->value.u.b = value;
}

void
admin_param_string (struct admin_params *params, const char *field,
                    const char *value)
{
  const char *copy = admin_keep (params->call, value);

  next (params, field, VIRGATE_TYPED_PARAM_STRING)->value.u.s
    = copy ? copy : "";
}

int
admin_read_uints (struct virgate_call *call,
                  const struct virgate_typed_param *params, uint32_t len,
                  const char *const *known, uint32_t *value, bool *has)
{
  for (uint32_t i = 0; i < len; i++) {
    unsigned at = 0;

    while (known[at] && strcmp (known[at], params[i].field) != 0)
      at++;
    if (known[at] == NULL)
      return call_service_error (call, VIRGATE_ERR_INVALID_ARG,
                                 VIRGATE_FROM_ADMIN, "parameter '%s' not "
                                 "supported", params[i].field);
    if (params[i].value.type != VIRGATE_TYPED_PARAM_UINT || has[at])
      return call_service_error (call, VIRGATE_ERR_INVALID_ARG,
                                 VIRGATE_FROM_ADMIN, "invalid type for "
                                 "parameter '%s', expected one unsigned int",
                                 params[i].field);
    value[at] = params[i].value.u.ui;
    has[at] = true;
  }
  return 0;
}

/* The connection --------------------------------------------------------- */

static int
admin_open (void *conn, struct virgate_call *call, const void *args,
            void *ret)
{
  const struct virgate_admin_connect_open_args *open = args;

  if (call->session->state == SESSION_READY)
    return call_service_error (call, VIRGATE_ERR_INTERNAL_ERROR,
                               VIRGATE_FROM_ADMIN, "%s",
                               "connection already open");
  if (check_flags (call, open->flags) == -1)
    return -1;
  session_enter (call->session, SESSION_READY);
  return 0;
}

static int
admin_close (void *conn, struct virgate_call *call, const void *args,
             void *ret)
{
  session_end (call->session);
  return 0;
}

/* As libvirt packs its own: major, minor and release in three digits. */
static int
get_version (void *conn, struct virgate_call *call, const void *args,
             void *ret)
{
  struct virgate_admin_connect_get_lib_version_ret *version = ret;
  unsigned part[3] = { 0 };

  sscanf (PACKAGE_VERSION, "%u.%u.%u", &part[0], &part[1], &part[2]);
  version->libVer = (part[0] * 1000 + part[1]) * UINT64_C (1000) + part[2];
  return 0;
}

static int
list_servers (void *conn, struct virgate_call *call, const void *args,
              void *opaque)
{
  const struct virgate_admin_connect_list_servers_args *a = args;
  struct virgate_admin_connect_list_servers_ret *ret = opaque;
  static const char *const names[] = { ADMIN_SERVER, MAIN_SERVER };

  if (check_flags (call, a->flags) == -1)
    return -1;
  ret->ret = COUNT_OF (names);
  if (!a->need_results)
    return 0;
  ret->servers.val = call_service_alloc (call, sizeof names[0]
                                         * COUNT_OF (names));
  if (ret->servers.val == NULL)
    return call_service_error (call, VIRGATE_ERR_NO_MEMORY,
                               VIRGATE_FROM_ADMIN, NULL);
  for (size_t i = 0; i < COUNT_OF (names); i++)
    ret->servers.val[ret->servers.len++].name = names[i];
  return 0;
}

static int
look_up_server (void *conn, struct virgate_call *call, const void *args,
                void *opaque)
{
  const struct virgate_admin_connect_lookup_server_args *a = args;
  struct virgate_admin_connect_lookup_server_ret *ret = opaque;
  const struct virgate_admin_server srv = { a->name };
  int which = admin_which (call, &srv, a->flags);

  if (which == -1)
    return -1;
  ret->srv.name = which ? ADMIN_SERVER : MAIN_SERVER;
  return 0;
}

/* TLS files and the daemon's end ----------------------------------------- */

static int
update_tls (struct virgate_call *call)
{
  CLEANUP_ERROR struct virgate_error err = { 0 };

  if (server_reload_transport (admin_server_of (call), "tls", &err) == 0)
    return 0;
  return call_service_record (call, &err);
}

static int
admin_update_tls (void *conn, struct virgate_call *call, const void *args,
                  void *ret)
{
  const struct virgate_admin_server_update_tls_files_args *a = args;
  int which = admin_which (call, &a->srv, a->flags);

  if (which == -1)
    return -1;
  if (which == 1)
    return call_service_error (call, VIRGATE_ERR_ARGUMENT_UNSUPPORTED,
                               VIRGATE_FROM_ADMIN, "%s", "the server '"
                               ADMIN_SERVER "' has no TLS service");
  return admin_on_main (call, update_tls);
}

static int
set_timeout (struct virgate_call *call)
{
  const struct virgate_admin_connect_set_daemon_timeout_args *a = call->args;

  server_set_idle_timeout (admin_server_of (call), a->timeout);
  return 0;
}

static int
admin_set_timeout (void *conn, struct virgate_call *call, const void *args,
                   void *ret)
{
  const struct virgate_admin_connect_set_daemon_timeout_args *a = args;

  if (check_flags (call, a->flags) == -1)
    return -1;
  return admin_on_main (call, set_timeout);
}

/* The table -------------------------------------------------------------- */

#define ADMIN(proc, fn, needs_open)                                     \
  [VIRGATE_ADMIN_PROC_##proc] =                                         \
    { { VIRGATE_ADMIN_PROGRAM, VIRGATE_ADMIN_PROC_##proc,               \
        VIRGATE_INLINE, fn }, needs_open }

static const struct builtin procedures[] = {
  ADMIN (CONNECT_OPEN, admin_open, false),
  ADMIN (CONNECT_CLOSE, admin_close, false),
  ADMIN (CONNECT_GET_LIB_VERSION, get_version, true),
  ADMIN (CONNECT_LIST_SERVERS, list_servers, true),
  ADMIN (CONNECT_LOOKUP_SERVER, look_up_server, true),
  ADMIN (SERVER_GET_THREADPOOL_PARAMETERS, admin_get_pool, true),
  ADMIN (SERVER_SET_THREADPOOL_PARAMETERS, admin_set_pool, true),
  ADMIN (SERVER_LIST_CLIENTS, admin_list_clients, true),
  ADMIN (SERVER_LOOKUP_CLIENT, admin_lookup_client, true),
  ADMIN (CLIENT_GET_INFO, admin_client_info, true),
  ADMIN (CLIENT_CLOSE, admin_client_close, true),
  ADMIN (SERVER_GET_CLIENT_LIMITS, admin_get_limits, true),
  ADMIN (SERVER_SET_CLIENT_LIMITS, admin_set_limits, true),
  ADMIN (CONNECT_GET_LOGGING_OUTPUTS, admin_get_outputs, true),
  ADMIN (CONNECT_GET_LOGGING_FILTERS, admin_get_filters, true),
  ADMIN (CONNECT_SET_LOGGING_OUTPUTS, admin_set_outputs, true),
  ADMIN (CONNECT_SET_LOGGING_FILTERS, admin_set_filters, true),
  ADMIN (SERVER_UPDATE_TLS_FILES, admin_update_tls, true),
  ADMIN (CONNECT_SET_DAEMON_TIMEOUT, admin_set_timeout, true),
};

const struct builtin *
admin_find (int32_t procedure)
{
  if (procedure <= 0 || (size_t) procedure >= COUNT_OF (procedures))
    return NULL;
  return &procedures[procedure];
}
