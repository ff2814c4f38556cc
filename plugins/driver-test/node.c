/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The connection and the host below it, as this driver makes them up.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "plugins/driver-test/params.h"
#include "plugins/driver-test/world.h"

#define HYPERVISOR_VERSION 2
#define LIBRARY_VERSION 9000000 /* the library whose driver this one follows */

/* virDrvFeature: what drivers say yes to. */
enum {
  FEATURE_FD_PASSING = 8,
  FEATURE_TYPED_PARAM_STRING = 9,
  FEATURE_NETWORK_UPDATE_ORDER = 16
};

HANDLER (connect_supports_feature)
{
  ret->supported = args->feature == FEATURE_FD_PASSING
                   || args->feature == FEATURE_TYPED_PARAM_STRING
                   || args->feature == FEATURE_NETWORK_UPDATE_ORDER;
  return 0;
}

HANDLER_OUT (connect_get_type)
{
  ret->type = call_strdup (c, "TEST");
  return ret->type ? 0 : -1;
}

HANDLER_OUT (connect_get_version)
{
  ret->hv_ver = HYPERVISOR_VERSION;
  return 0;
}

HANDLER_OUT (connect_get_lib_version)
{
  ret->lib_ver = LIBRARY_VERSION;
  return 0;
}

HANDLER_OUT (connect_get_uri)
{
  ret->uri = call_strdup (c, c->conn->name);
  return ret->uri ? 0 : -1;
}

HANDLER_OUT (connect_is_secure)
{
  ret->secure = 1;
  return 0;
}

/* The full name, if the resolver knows one: it may ask the network. */
HANDLER_OUT (connect_get_hostname)
{
  struct addrinfo hints = { .ai_flags = AI_CANONNAME };
  struct addrinfo *info = NULL;
  char name[HOST_NAME_MAX + 1] = "";
  const char *full = name;

  if (gethostname (name, sizeof name - 1) == -1)
    return fail_system (c, errno, "failed to determine host name");
  if (strncmp (name, "localhost", 9) != 0 && !strchr (name, '.')
      && getaddrinfo (name, NULL, &hints, &info) == 0 && info->ai_canonname
      && strncmp (info->ai_canonname, "localhost", 9) != 0)
    full = info->ai_canonname;
  ret->hostname = call_strdup (c, full);
  if (info)
    freeaddrinfo (info);
  return ret->hostname ? 0 : -1;
}

HANDLER (connect_get_sysinfo)
{
  static const char sysinfo[] =
    "<sysinfo type='smbios'>\n"
    "  <bios>\n"
    "    <entry name='vendor'>LENOVO</entry>\n"
    "    <entry name='version'>G4ETA1WW (2.61 )</entry>\n"
    "    <entry name='date'>05/07/2014</entry>\n"
    "    <entry name='release'>2.61</entry>\n"
    "  </bios>\n"
    "</sysinfo>\n";

  if (check_flags (c, args->flags, 0, "testConnectGetSysinfo") == -1)
    return -1;
  ret->sysinfo = call_strdup (c, sysinfo);
  return ret->sysinfo ? 0 : -1;
}

/* The host. ---------------------------------------------------------------- */

HANDLER_OUT (node_get_info)
{
  const struct node_info *node = &c->world->node;

  memcpy (ret->model, node->model, sizeof ret->model);
  ret->memory = node->memory;
  ret->cpus = (int32_t) node->cpus;
  ret->mhz = (int32_t) node->mhz;
  ret->nodes = (int32_t) node->nodes;
  ret->sockets = (int32_t) node->sockets;
  ret->cores = (int32_t) node->cores;
  ret->threads = (int32_t) node->threads;
  return 0;
}

HANDLER_OUT (node_get_free_memory)
{
  uint64_t total = 0;

  for (uint32_t i = 0; i < c->world->cell_count; i++)
    total += c->world->cells[i].free_memory;
  ret->freeMem = total;
  return 0;
}

HANDLER (node_get_cells_free_memory)
{
  static const char function[] = "virNodeGetCellsFreeMemory";

  if (args->maxcells < 0)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_RPC,
                    "maxcells must be non-negative");
  if (args->maxcells > VIRGATE_REMOTE_NODE_MAX_CELLS)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_RPC,
                    "maxcells > REMOTE_NODE_MAX_CELLS");
  if (check_positive (c, VIRGATE_FROM_DOMAIN, function, "maxCells",
                      args->maxcells) == -1
      || check_nonnegative (c, VIRGATE_FROM_DOMAIN, function, "startCell",
                            args->startCell) == -1)
    return -1;
  if ((uint32_t) args->startCell >= c->world->cell_count)
    return fail (c, VIRGATE_ERR_INVALID_ARG, "Range exceeds available cells");
  ret->cells.val = call_array (c, WORLD_CELLS_MAX, sizeof *ret->cells.val);
  if (!ret->cells.val)
    return -1;
  for (uint32_t i = (uint32_t) args->startCell;
       i < c->world->cell_count && ret->cells.len < (uint32_t) args->maxcells;
       i++)
    ret->cells.val[ret->cells.len++] = c->world->cells[i].memory;
  return 0;
}

/* Made up, but always the same. */
static const struct {
  const char *field;
  uint64_t value;
} cpu_stats[] = {
  { "user", UINT64_C (9797400000) },
  { "kernel", UINT64_C (34678723400000) },
  { "idle", UINT64_C (87264900000) },
  { "iowait", UINT64_C (763600000) },
};

HANDLER (node_get_cpu_stats)
{
  static const char function[] = "virNodeGetCPUStats";

  if (params_room (c, args->nparams, VIRGATE_REMOTE_NODE_CPU_STATS_MAX) == -1)
    return -1;
  if (args->cpuNum < -1)
    return fail_arg (c, VIRGATE_FROM_DOMAIN, function, "cpuNum",
                     "cpuNum in %s only accepts %d as a negative value",
                     function, -1);
  if (check_flags (c, args->flags, 0, "testNodeGetCPUStats") == -1)
    return -1;
  if (!args->nparams) {
    ret->nparams = COUNT_OF (cpu_stats);
    return 0;
  }
  ret->params.val = call_array (c, COUNT_OF (cpu_stats),
                                sizeof *ret->params.val);
  if (!ret->params.val)
    return -1;
  while (ret->params.len < COUNT_OF (cpu_stats)
         && ret->params.len < (uint32_t) args->nparams) {
    uint32_t i = ret->params.len++;

    ret->params.val[i].field = call_strdup (c, cpu_stats[i].field);
    ret->params.val[i].value = cpu_stats[i].value;
    if (!ret->params.val[i].field)
      return -1;
  }
  return 0;
}

/* The driver counts pages but tells nobody how many it counted: the protocol
 * takes that for an error without a cause.
 */
HANDLER (node_get_free_pages)
{
  static const char function[] = "virNodeGetFreePages";

  if ((uint64_t) args->pages.len * args->cellCount
      > VIRGATE_REMOTE_NODE_MAX_CELLS)
    return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                    "the result won't fit into REMOTE_NODE_MAX_CELLS");
  if (check_nonzero (c, VIRGATE_FROM_DOMAIN, function, "npages",
                     args->pages.len) == -1
      || check_nonzero (c, VIRGATE_FROM_DOMAIN, function, "cellCount",
                        args->cellCount) == -1
      || check_flags (c, args->flags, 0, "testNodeGetFreePages") == -1)
    return -1;
  (void) ret;
  return fail_unsaid (c, VIRGATE_FROM_RPC);
}

HANDLER (node_get_cpu_map)
{
  enum { CPUS = 8, ONLINE = 3, MAP = 0x15 };

  if (check_flags (c, args->flags, 0, "testNodeGetCPUMap") == -1)
    return -1;
  ret->ret = CPUS;
  if (args->need_online)
    ret->online = ONLINE;
  if (!args->need_map)
    return 0;
  ret->cpumap.val = call_array (c, 1, 1);
  if (!ret->cpumap.val)
    return -1;
  ret->cpumap.val[0] = MAP;
  ret->cpumap.len = 1;
  return 0;
}
