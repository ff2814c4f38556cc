/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls that the driver does not answer, but whose arguments are looked at
 * before the caller is told so; and registrations that cannot exist.
 */
#include "config.h"

#include <sys/socket.h>

#include <virgate/qemu.h>

#include "plugins/driver-test/driver.h"
#include "plugins/driver-test/params.h"

static int
refuse (const struct ctx *c, int domain, const char *function)
{
  return fail_in (c, domain, VIRGATE_ERR_NO_SUPPORT, "%s", function);
}

HANDLER_IN (node_set_memory_parameters)
{
  static const char function[] = "virNodeSetMemoryParameters";

  if (params_present (c, function, args->params.val, args->params.len) == -1)
    return -1;
  return refuse (c, VIRGATE_FROM_DOMAIN, function);
}

HANDLER (node_get_memory_parameters)
{
  (void) ret;
  if (params_room (c, args->nparams,
                   VIRGATE_REMOTE_NODE_MEMORY_PARAMETERS_MAX) == -1)
    return -1;
  return refuse (c, VIRGATE_FROM_DOMAIN, "virNodeGetMemoryParameters");
}

HANDLER (node_get_memory_stats)
{
  static const char function[] = "virNodeGetMemoryStats";

  (void) ret;
  if (params_room (c, args->nparams, VIRGATE_REMOTE_NODE_MEMORY_STATS_MAX)
      == -1)
    return -1;
  if (args->cellNum < -1)
    return fail_arg (c, VIRGATE_FROM_DOMAIN, function, "cpuNum",
                     "cellNum in %s only accepts %d as a negative value",
                     function, -1);
  return refuse (c, VIRGATE_FROM_DOMAIN, function);
}

HANDLER (node_alloc_pages)
{
  static const char function[] = "virNodeAllocPages";

  (void) ret;
  if (check_nonzero (c, VIRGATE_FROM_DOMAIN, function, "npages",
                     args->pageSizes.len) == -1
      || check_not_null (c, VIRGATE_FROM_DOMAIN, function, "pageCounts",
                         args->pageCounts.len ? args : NULL) == -1
      || check_nonzero (c, VIRGATE_FROM_DOMAIN, function, "cellCount",
                        args->cellCount) == -1)
    return -1;
  return refuse (c, VIRGATE_FROM_DOMAIN, function);
}

HANDLER (connect_baseline_hypervisor_cpu)
{
  static const char function[] = "virConnectBaselineHypervisorCPU";

  (void) ret;
  if (check_not_null (c, VIRGATE_FROM_DOMAIN, function, "xmlCPUs",
                      args->xmlCPUs.len ? args : NULL) == -1)
    return -1;
  return refuse (c, VIRGATE_FROM_DOMAIN, function);
}

HANDLER (domain_block_stats_flags)
{
  (void) ret;
  if (params_room (c, args->nparams,
                   VIRGATE_REMOTE_DOMAIN_BLOCK_STATS_PARAMETERS_MAX) == -1)
    return -1;
  return refuse (c, VIRGATE_FROM_DOMAIN, "virDomainBlockStatsFlags");
}

HANDLER (domain_block_peek)
{
  static const char function[] = "virDomainBlockPeek";

  (void) ret;
  if (args->size > VIRGATE_REMOTE_DOMAIN_BLOCK_PEEK_BUFFER_MAX)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                    "size > maximum buffer size");
  if (!*args->path)
    return fail_arg (c, VIRGATE_FROM_DOMAIN, function, "disk",
                     "string disk in %s must not be empty", function);
  return refuse (c, VIRGATE_FROM_DOMAIN, function);
}

HANDLER_IN (domain_set_launch_security_state)
{
  static const char function[] = "virDomainSetLaunchSecurityState";

  if (params_present (c, function, args->params.val, args->params.len) == -1)
    return -1;
  return refuse (c, VIRGATE_FROM_DOMAIN, function);
}

HANDLER_IN (domain_fd_associate)
{
  static const char function[] = "virDomainFDAssociate";
  const int *fds;

  (void) args;
  if (check_nonzero (c, VIRGATE_FROM_DOMAIN, function, "nfds",
                     c->host->call_fds (c->call, &fds)) == -1)
    return -1;
  return refuse (c, VIRGATE_FROM_DOMAIN, function);
}

HANDLER_IN (domain_open_graphics)
{
  static const char function[] = "virDomainOpenGraphics";
  const int *fds;
  int type;
  socklen_t len = sizeof type;

  (void) args;
  if (c->host->call_fds (c->call, &fds) < 1)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                    "No FD available at slot 0");
  if (getsockopt (fds[0], SOL_SOCKET, SO_TYPE, &type, &len) == -1)
    return fail_arg (c, VIRGATE_FROM_DOMAIN, function, "fd",
                     "fd %d must be a socket", fds[0]);
  return refuse (c, VIRGATE_FROM_DOMAIN, function);
}

HANDLER_IN (secret_set_value)
{
  static const char function[] = "virSecretSetValue";

  if (check_not_null (c, VIRGATE_FROM_SECRET, function, "value",
                      args->value.len ? args->value.val : NULL) == -1)
    return -1;
  return refuse (c, VIRGATE_FROM_SECRET, function);
}

/* Registering is refused, so there is nothing to take back. */
static int
not_registered (const struct ctx *c, const char *what, int32_t id)
{
  return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                  "%s event callback %d not registered", what, id);
}

HANDLER_IN (connect_storage_pool_event_deregister_any)
{
  return not_registered (c, "storage pool", args->callbackID);
}

HANDLER_IN (connect_node_device_event_deregister_any)
{
  return not_registered (c, "node device", args->callbackID);
}

HANDLER_IN (connect_secret_event_deregister_any)
{
  return not_registered (c, "node device", args->callbackID);
}

int
do_qemu_monitor_event_deregister (void *conn, struct virgate_call *call,
                                  const void *args, void *ret)
{
  const struct virgate_qemu_connect_domain_monitor_event_deregister_args *in
    = args;
  const struct ctx c = ctx_of (conn, call);

  (void) ret;
  return not_registered (&c, "qemu monitor", in->callbackID);
}
