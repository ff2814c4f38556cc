/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Administration: how many threads and clients there may be.  What is set
 * here lasts until the configuration is read again.
 */
#include "config.h"

#include "common/cleanup.h"
#include "common/mem.h"
#include "daemon/admin.h"
#include "daemon/call.h"
#include "daemon/server.h"
#include "daemon/session.h"

/* What the config takes at most: see settings.c. */
#define WORKERS_MAX 1024
#define CLIENTS_MAX 1000000

/* Threads ---------------------------------------------------------------- */

enum { MIN_WORKERS, MAX_WORKERS, PRIO_WORKERS, POOL_KEYS };

static const char *const pool_keys[] = {
  "minWorkers", "maxWorkers", "prioWorkers", NULL,
};

/* Administrators are served on loops: their server has no threads of its own
 * and says so.
 */
int
admin_get_pool (void *conn, struct virgate_call *call, const void *args,
                void *opaque)
{
  const struct virgate_admin_server_get_threadpool_parameters_args *a = args;
  struct virgate_admin_server_get_threadpool_parameters_ret *ret = opaque;
  struct server *server = admin_server_of (call);
  struct workers_state normal = { 0 }, priority = { 0 }, openers = { 0 };
  int which = admin_which (call, &a->srv, a->flags);
  struct admin_params params;

  if (which == -1
      || admin_params_make (call, &params,
           VIRGATE_ADMIN_SERVER_THREADPOOL_PARAMETERS_MAX) == -1)
    return -1;
  if (which == 0) {
    workers_look (&server->workers, &normal);
    workers_look (&server->priority, &priority);
    workers_look (&server->openers, &openers);
  }
  admin_param_uint (&params, "minWorkers", normal.min);
  admin_param_uint (&params, "maxWorkers", normal.max);
  admin_param_uint (&params, "nWorkers", normal.threads);
  admin_param_uint (&params, "freeWorkers", normal.idle);
  admin_param_uint (&params, "prioWorkers", priority.max);
  admin_param_uint (&params, "jobQueueDepth",
                    normal.queued + priority.queued + openers.queued);
  ret->params.val = params.val;
  ret->params.len = params.len;
  return 0;
}

static int
check_pool (struct virgate_call *call, const struct server *server,
            const uint32_t *value, const bool *has)
{
  struct workers_state now;
  uint32_t min, max;

  workers_look ((struct workers *) &server->workers, &now);
  min = has[MIN_WORKERS] ? value[MIN_WORKERS] : now.min;
  max = has[MAX_WORKERS] ? value[MAX_WORKERS] : now.max;
  if (min > max)
    return call_service_error (call, VIRGATE_ERR_INVALID_ARG,
                               VIRGATE_FROM_ADMIN, "minWorkers %u is greater "
                               "than maxWorkers %u", min, max);
  if (max == 0 || max > WORKERS_MAX
      || (has[PRIO_WORKERS]
          && (value[PRIO_WORKERS] == 0 || value[PRIO_WORKERS] > WORKERS_MAX)))
    return call_service_error (call, VIRGATE_ERR_INVALID_ARG,
                               VIRGATE_FROM_ADMIN, "a pool has from 1 to %d "
                               "workers", WORKERS_MAX);
  return 0;
}

int
admin_set_pool (void *conn, struct virgate_call *call, const void *args,
                void *ret)
{
  const struct virgate_admin_server_set_threadpool_parameters_args *a = args;
  struct server *server = admin_server_of (call);
  uint32_t value[POOL_KEYS] = { 0 };
  bool has[POOL_KEYS] = { false };
  int which = admin_which (call, &a->srv, a->flags);

  if (which == -1
      || admin_read_uints (call, a->params.val, a->params.len, pool_keys,
                           value, has) == -1)
    return -1;
  if (which == 1)
    return call_service_error (call, VIRGATE_ERR_ARGUMENT_UNSUPPORTED,
                               VIRGATE_FROM_ADMIN, "%s", "the server '"
                               ADMIN_SERVER "' has no workers of its own");
  if (check_pool (call, server, value, has) == -1)
    return -1;
  workers_resize (&server->workers,
                  has[MIN_WORKERS] ? &value[MIN_WORKERS] : NULL,
                  has[MAX_WORKERS] ? &value[MAX_WORKERS] : NULL);
  workers_resize (&server->priority, NULL,
                  has[PRIO_WORKERS] ? &value[PRIO_WORKERS] : NULL);
  return 0;
}

/* Clients ---------------------------------------------------------------- */

enum { CLIENTS, STRANGERS, LIMIT_KEYS };

static const char *const limit_keys[] = {
  "nclients_max", "nclients_unauth_max", NULL,
};

/* The limits are the main thread's. */
static int
get_limits (struct virgate_call *call)
{
  const struct virgate_admin_server_get_client_limits_args *a = call->args;
  struct virgate_admin_server_get_client_limits_ret *ret = call->ret;
  const struct server *server = admin_server_of (call);
  unsigned admins = atomic_load (&server->admins);
  unsigned clients = atomic_load (&server->clients);
  struct admin_params params = { 0, ret->params.val, call };
  bool is_admin = admin_which (call, &a->srv, 0) == 1;

  admin_param_uint (&params, limit_keys[CLIENTS],
                    server->limits.max_clients);
  admin_param_uint (&params, "nclients", is_admin ? admins
                                                  : clients - admins);
  admin_param_uint (&params, limit_keys[STRANGERS],
                    server->limits.max_strangers);
  admin_param_uint (&params, "nclients_unauth", is_admin
                    ? 0 : atomic_load (&server->strangers));
  ret->params.len = params.len;
  return 0;
}

int
admin_get_limits (void *conn, struct virgate_call *call, const void *args,
                  void *opaque)
{
  const struct virgate_admin_server_get_client_limits_args *a = args;
  struct virgate_admin_server_get_client_limits_ret *ret = opaque;
  struct admin_params params;

  if (admin_which (call, &a->srv, a->flags) == -1
      || admin_params_make (call, &params,
                            VIRGATE_ADMIN_SERVER_CLIENT_LIMITS_MAX) == -1)
    return -1;
  ret->params.val = params.val;
  return admin_on_main (call, get_limits);
}

static int
set_limits (struct virgate_call *call)
{
  const struct virgate_admin_server_set_client_limits_args *a = call->args;
  struct server *server = admin_server_of (call);
  struct limits *limits = &server->limits;
  uint32_t value[LIMIT_KEYS] = { limits->max_clients, limits->max_strangers };
  bool has[LIMIT_KEYS] = { false };

  if (admin_read_uints (call, a->params.val, a->params.len, limit_keys,
                        value, has) == -1)
    return -1;
  if (value[CLIENTS] == 0 || value[CLIENTS] > CLIENTS_MAX
      || value[STRANGERS] == 0)
    return call_service_error (call, VIRGATE_ERR_INVALID_ARG,
                               VIRGATE_FROM_ADMIN, "there may be from 1 to "
                               "%d clients", CLIENTS_MAX);
  if (value[STRANGERS] > value[CLIENTS])
    return call_service_error (call, VIRGATE_ERR_INVALID_ARG,
                               VIRGATE_FROM_ADMIN, "nclients_unauth_max %u "
                               "is greater than nclients_max %u",
                               value[STRANGERS], value[CLIENTS]);
  LOCK_FOR_SCOPE (&server->sources.lock);
  limits->max_clients = value[CLIENTS];
  limits->max_strangers = value[STRANGERS];
  return 0;
}

int
admin_set_limits (void *conn, struct virgate_call *call, const void *args,
                  void *ret)
{
  const struct virgate_admin_server_set_client_limits_args *a = args;
  int which = admin_which (call, &a->srv, a->flags);

  if (which == -1)
    return -1;
  if (which == 1)
    return call_service_error (call, VIRGATE_ERR_ARGUMENT_UNSUPPORTED,
                               VIRGATE_FROM_ADMIN, "%s", "the server '"
                               ADMIN_SERVER "' has the limits of '"
                               MAIN_SERVER "'");
  return admin_on_main (call, set_limits);
}
