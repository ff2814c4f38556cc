/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A driver: the processes of this host as guests that can be looked at.
 *   virsh -c 'procs+unix:///?socket=/run/virgate/virgate-sock' list
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/driver.h>
#include <virgate/remote.h>

/* What one reply may list; the protocol's own limit is 16384. */
#define GUESTS_MAX 4096

static int
procs_open_inst (const struct virgate_host *host, void **inst)
{
  if (!VIRGATE_HOST_HAS (host, driver))
    return host->error (host, "drivers need a daemon around them");
  *inst = (void *) host;
  return 0;
}

static int
procs_open (void *inst, struct virgate_call *call, const char *name,
            int read_only, void **conn)
{
  if (strcmp (name, "procs:///") != 0)
    return VIRGATE_DECLINED;
  *conn = inst;
  return 0;
}

/* Fill in the guest that a process is; 0 when there is no such process. */
static int
guest_of (const struct virgate_host *host, struct virgate_call *call,
          int32_t pid, struct virgate_domain *dom)
{
  char path[64], *name = host->driver->call_alloc (call, 64);
  FILE *f;

  snprintf (path, sizeof path, "/proc/%d/comm", pid);
  f = name ? fopen (path, "re") : NULL;
  if (f == NULL)
    return 0;
  if (fgets (name, 40, f))
    snprintf (strchrnul (name, '\n'), 20, "-%d", pid);
  fclose (f);
  dom->name = name;
  dom->id = pid;
  memcpy (dom->uuid, &pid, sizeof pid);
  return *name != '\0';
}

static int
list_all (void *conn, struct virgate_call *call, const void *args, void *ret)
{
  const struct virgate_host *host = conn;
  struct virgate_remote_connect_list_all_domains_ret *r = ret;
  DIR *dir = opendir ("/proc");
  struct dirent *entry;

  r->domains.val = host->driver->call_alloc (call, GUESTS_MAX
                                             * sizeof *r->domains.val);
  while (dir && r->domains.val && r->domains.len < GUESTS_MAX
         && (entry = readdir (dir)))
    if (atoi (entry->d_name) > 0)
      r->domains.len += guest_of (host, call, atoi (entry->d_name),
                                  &r->domains.val[r->domains.len]);
  if (dir)
    closedir (dir);
  r->ret = r->domains.len;
  return 0;
}

static int
look_up (void *conn, struct virgate_call *call, const void *args, void *ret)
{
  const struct virgate_host *host = conn;
  const struct virgate_remote_domain_lookup_by_id_args *a = args;
  struct virgate_remote_domain_lookup_by_id_ret *r = ret;

  if (guest_of (host, call, a->id, &r->dom))
    return 0;
  return host->driver->call_error (call, VIRGATE_ERR_NO_DOMAIN,
                                   VIRGATE_FROM_DOMAIN, "no process %d",
                                   a->id);
}

static int
get_state (void *conn, struct virgate_call *call, const void *args, void *ret)
{
  struct virgate_remote_domain_get_state_ret *r = ret;

  r->state = 1;                 /* VIR_DOMAIN_RUNNING */
  return 0;
}

/* They read /proc, which may take its time: not on the loop's thread. */
static const struct virgate_handler handlers[] = {
  { VIRGATE_REMOTE_PROGRAM, VIRGATE_REMOTE_PROC_CONNECT_LIST_ALL_DOMAINS,
    VIRGATE_WORKER, list_all },
  { VIRGATE_REMOTE_PROGRAM, VIRGATE_REMOTE_PROC_DOMAIN_LOOKUP_BY_ID,
    VIRGATE_WORKER, look_up },
  { VIRGATE_REMOTE_PROGRAM, VIRGATE_REMOTE_PROC_DOMAIN_GET_STATE,
    VIRGATE_INLINE, get_state },
  { 0 },
};

static const struct virgate_driver_ops ops = {
  .open = procs_open,
  .handlers = handlers,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_DRIVER,
  .ops_size = sizeof ops,
  .name = "procs",
  .version = "1.0",
  .summary = "processes as guests, to look at",
  .open = procs_open_inst,
  .ops = &ops,
};
