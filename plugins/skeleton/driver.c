/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A driver to copy: it opens skeleton:///, and answers two procedures.  All
 * others are answered 'not supported by the connection driver' for it.
 */
#include <string.h>

#include <virgate/driver.h>
#include <virgate/remote.h>

#define NAME "skeleton:///"

/* The instance is the host itself: this driver has no other state. */
static int
skeleton_open_inst (const struct virgate_host *host, void **inst)
{
  if (!VIRGATE_HOST_HAS (host, driver))
    return host->error (host, "drivers need a daemon around them");
  *inst = (void *) host;
  return 0;
}

/* One client's connection; state of its own would be allocated here. */
static int
skeleton_open (void *inst, struct virgate_call *call, const char *name,
               int read_only, void **conn)
{
  const struct virgate_host *host = inst;

  if (strncmp (name, NAME, strlen (NAME)) != 0)
    return VIRGATE_DECLINED;
  if (strcmp (name, NAME) != 0)
    return host->driver->call_error (call, VIRGATE_ERR_INVALID_ARG,
                                     VIRGATE_FROM_NONE,
                                     "there is nothing at '%s'", name);
  *conn = inst;
  return 0;
}

static int
get_type (void *conn, struct virgate_call *call, const void *args, void *ret)
{
  struct virgate_remote_connect_get_type_ret *r = ret;

  r->type = "Skeleton";         /* must live as long as the call */
  return 0;
}

/* Memory from call_alloc is freed with the call. */
static int
get_hostname (void *conn, struct virgate_call *call, const void *args,
              void *ret)
{
  const struct virgate_host *host = conn;
  struct virgate_remote_connect_get_hostname_ret *r = ret;
  char *name = host->driver->call_alloc (call, sizeof "closet");

  if (name == NULL)
    return host->driver->call_error (call, VIRGATE_ERR_NO_MEMORY,
                                     VIRGATE_FROM_NONE, NULL);
  r->hostname = strcpy (name, "closet");
  return 0;
}

static const struct virgate_handler handlers[] = {
  { VIRGATE_REMOTE_PROGRAM, VIRGATE_REMOTE_PROC_CONNECT_GET_TYPE,
    VIRGATE_INLINE, get_type },
  { VIRGATE_REMOTE_PROGRAM, VIRGATE_REMOTE_PROC_CONNECT_GET_HOSTNAME,
    VIRGATE_INLINE, get_hostname },
  { 0 },
};

static const struct virgate_driver_ops ops = {
  .open = skeleton_open,
  .handlers = handlers,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_DRIVER,
  .ops_size = sizeof ops,
  .name = "skeleton",
  .version = "1.0",
  .summary = "an example: answers two procedures",
  .open = skeleton_open_inst,
  .ops = &ops,
};
