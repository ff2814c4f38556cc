/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checking how many items a client asks for; see counts.h.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "daemon/counts.h"

/* Procedures that are checked, and libvirt's name for the limit. */
struct counted {
  int32_t procedure;
  const char *limit;
};

#define COUNTED(proc, limit) { VIRGATE_REMOTE_PROC_##proc, "REMOTE_" limit }

static const struct counted counted[] = {
  COUNTED (CONNECT_LIST_DEFINED_DOMAINS, "DOMAIN_LIST_MAX"),
  COUNTED (CONNECT_LIST_DEFINED_NETWORKS, "NETWORK_LIST_MAX"),
  COUNTED (CONNECT_LIST_DOMAINS, "DOMAIN_LIST_MAX"),
  COUNTED (CONNECT_LIST_NETWORKS, "NETWORK_LIST_MAX"),
  COUNTED (CONNECT_LIST_STORAGE_POOLS, "STORAGE_POOL_LIST_MAX"),
  COUNTED (CONNECT_LIST_DEFINED_STORAGE_POOLS, "STORAGE_POOL_LIST_MAX"),
  COUNTED (STORAGE_POOL_LIST_VOLUMES, "STORAGE_VOL_LIST_MAX"),
  COUNTED (NODE_GET_CELLS_FREE_MEMORY, "NODE_MAX_CELLS"),
  COUNTED (NODE_LIST_DEVICES, "NODE_DEVICE_LIST_MAX"),
  COUNTED (NODE_DEVICE_LIST_CAPS, "NODE_DEVICE_CAPS_LIST_MAX"),
  COUNTED (CONNECT_LIST_INTERFACES, "INTERFACE_LIST_MAX"),
  COUNTED (CONNECT_LIST_DEFINED_INTERFACES, "INTERFACE_LIST_MAX"),
  COUNTED (CONNECT_LIST_SECRETS, "SECRET_LIST_MAX"),
  COUNTED (CONNECT_LIST_NWFILTERS, "NWFILTER_LIST_MAX"),
  COUNTED (DOMAIN_SNAPSHOT_LIST_NAMES, "DOMAIN_SNAPSHOT_LIST_MAX"),
  COUNTED (DOMAIN_SNAPSHOT_LIST_CHILDREN_NAMES, "DOMAIN_SNAPSHOT_LIST_MAX"),
};

/* The argument that counts: maxnames, maxids, maxuuids, maxcells. */
static const struct xdr_field *
find_count (const struct proc_row *row)
{
  for (uint32_t i = 0; i < row->args->count; i++)
    if (row->args->fields[i].op == XDR_I32
        && strncmp (row->args->fields[i].name, "max", 3) == 0)
      return &row->args->fields[i];
  return NULL;
}

static const char *
limit_name (const struct proc_row *row)
{
  for (size_t i = 0; i < COUNT_OF (counted); i++)
    if (counted[i].procedure == row->number)
      return counted[i].limit;
  return NULL;
}

bool
counts_are_wrong (uint32_t program, const struct proc_row *row,
                  const void *args, char *why, size_t size)
{
  const struct xdr_field *field;
  const char *limit;
  int32_t count;

  if (program != VIRGATE_REMOTE_PROGRAM || row->args == NULL
      || row->ret == NULL || row->ret->fields[0].form != XDR_LIST)
    return false;
  field = find_count (row);
  limit = field ? limit_name (row) : NULL;
  if (limit == NULL)
    return false;
  count = *(const int32_t *) ((const char *) args + field->offset);
  if (count < 0)
    snprintf (why, size, "%s must be non-negative", field->name);
  else if ((uint32_t) count > row->ret->fields[0].limit)
    snprintf (why, size, "%s > %s", field->name, limit);
  else
    return false;
  return true;
}
