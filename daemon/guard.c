/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which URIs may be passed on; see guard.h.
 */
#include "config.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "daemon/guard.h"
#include "daemon/route.h"
#include "daemon/server.h"

/* virDomainMigrateFlags: then `uri` is a daemon to connect to. */
#define MIGRATE_PEER2PEER 2

/* Typed parameters that hold addresses. */
static const char *const uri_params[] = { "migrate_uri", "disks_uri" };

/* The addresses in the arguments of one call. */
struct addresses {
  const char *daemon;           /* libvirt's, to connect to; or NULL */
  const char *data[2];          /* where the guest's memory and disks go */
};

static void
from_params (struct addresses *found, const struct virgate_typed_param *params,
             uint32_t count)
{
  for (uint32_t i = 0; i < count; i++)
    for (size_t n = 0; n < COUNT_OF (uri_params); n++)
      if (strcmp (params[i].field, uri_params[n]) == 0
          && params[i].value.type == VIRGATE_TYPED_PARAM_STRING)
        found->data[n] = params[i].value.u.s;
}

static void
perform (struct addresses *found, const void *opaque)
{
  const struct virgate_remote_domain_migrate_perform_args *args = opaque;

  *(args->flags & MIGRATE_PEER2PEER ? &found->daemon : &found->data[0]) =
    args->uri;
}

static void
perform3 (struct addresses *found, const void *opaque)
{
  const struct virgate_remote_domain_migrate_perform3_args *args = opaque;

  found->daemon = args->dconnuri;
  found->data[0] = args->uri;
}

static void
perform3_params (struct addresses *found, const void *opaque)
{
  const struct virgate_remote_domain_migrate_perform3_params_args *args =
    opaque;

  found->daemon = args->dconnuri;
  from_params (found, args->params.val, args->params.len);
}

static void
prepare (struct addresses *found, const void *opaque)
{
  const struct virgate_remote_domain_migrate_prepare_args *args = opaque;

  found->data[0] = args->uri_in;
}

static void
prepare2 (struct addresses *found, const void *opaque)
{
  const struct virgate_remote_domain_migrate_prepare2_args *args = opaque;

  found->data[0] = args->uri_in;
}

static void
prepare3 (struct addresses *found, const void *opaque)
{
  const struct virgate_remote_domain_migrate_prepare3_args *args = opaque;

  found->data[0] = args->uri_in;
}

static void
prepare3_params (struct addresses *found, const void *opaque)
{
  const struct virgate_remote_domain_migrate_prepare3_params_args *args =
    opaque;

  from_params (found, args->params.val, args->params.len);
}

static const struct watched {
  int32_t procedure;            /* of the remote program */
  void (*find) (struct addresses *found, const void *args);
} watched[] = {                 /* by number */
  { VIRGATE_REMOTE_PROC_DOMAIN_MIGRATE_PREPARE, prepare },
  { VIRGATE_REMOTE_PROC_DOMAIN_MIGRATE_PERFORM, perform },
  { VIRGATE_REMOTE_PROC_DOMAIN_MIGRATE_PREPARE2, prepare2 },
  { VIRGATE_REMOTE_PROC_DOMAIN_MIGRATE_PREPARE3, prepare3 },
  { VIRGATE_REMOTE_PROC_DOMAIN_MIGRATE_PERFORM3, perform3 },
  { VIRGATE_REMOTE_PROC_DOMAIN_MIGRATE_PREPARE3_PARAMS, prepare3_params },
  { VIRGATE_REMOTE_PROC_DOMAIN_MIGRATE_PERFORM3_PARAMS, perform3_params },
};

static const struct watched *
find_watched (const struct proc_row *row)
{
  for (size_t i = 0; i < COUNT_OF (watched)
                     && watched[i].procedure <= row->number; i++)
    if (watched[i].procedure == row->number
        && proc_find (VIRGATE_REMOTE_PROGRAM, row->number) == row)
      return &watched[i];
  return NULL;
}

bool
guard_watches (const struct proc_row *row)
{
  return find_watched (row) != NULL;
}

/* A pattern never stands for parameters, which can name programs; nor for a
 * slash or what is encoded, behind which another host could stand.
 */
static bool
is_listed (const struct driver *driver, const char *uri)
{
  char *const *listed = driver->route.migrate_to;
  bool is_plain = strpbrk (uri, "?#;%") == NULL;

  for (; listed && *listed; listed++)
    if (is_plain ? fnmatch (*listed, uri, FNM_PATHNAME) == 0
                 : strcmp (*listed, uri) == 0)
      return true;
  return false;
}

static bool
is_local_socket (const char *uri)
{
  return strncasecmp (uri, "unix:", 5) == 0;
}

bool
guard_allows (const struct driver *driver, const struct proc_row *row,
              const void *args, char *why, size_t size)
{
  const struct watched *about = find_watched (row);
  struct addresses found = { NULL, { NULL, NULL } };
  const char *bad = NULL;

  if (about)
    about->find (&found, args);
  if (found.daemon && !is_listed (driver, found.daemon))
    bad = found.daemon;
  for (size_t i = 0; i < COUNT_OF (found.data); i++)
    if (found.data[i] && is_local_socket (found.data[i])
        && !is_listed (driver, found.data[i]))
      bad = found.data[i];
  if (bad)
    snprintf (why, size, "this server does not migrate to '%.200s'", bad);
  return bad == NULL;
}
