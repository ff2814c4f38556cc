/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A driver for tests of who waits for whom: it tells its host name once
 * somebody has opened a pipe for writing, whose path is its key, and opens
 * "slow:///open" once somebody has.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <virgate/driver.h>
#include <virgate/remote.h>

struct slow {
  char *pipe;
};

static int
slow_open (const struct virgate_host *host, void **inst)
{
  *inst = calloc (1, sizeof (struct slow));
  return *inst ? 0 : host->error (host, "out of memory");
}

static int
slow_config (void *inst, const char *key, const char *value)
{
  struct slow *slow = inst;

  free (slow->pipe);
  slow->pipe = strdup (value);
  return slow->pipe ? 0 : -1;
}

static void
slow_close (void *inst)
{
  struct slow *slow = inst;

  free (slow->pipe);
  free (slow);
}

static void
wait_for_pipe (const struct slow *slow)
{
  int fd = open (slow->pipe, O_RDONLY | O_CLOEXEC);

  if (fd != -1)
    close (fd);
}

static int
conn_open (void *inst, struct virgate_call *call, const char *name,
           int read_only, void **conn)
{
  if (strcmp (name, "slow:///open") == 0)
    wait_for_pipe (inst);
  else if (strcmp (name, "slow:///") != 0)
    return VIRGATE_DECLINED;
  *conn = inst;
  return 0;
}

static int
hostname (void *conn, struct virgate_call *call, const void *args, void *ret)
{
  struct virgate_remote_connect_get_hostname_ret *r = ret;

  wait_for_pipe (conn);
  r->hostname = (char *) "slow";
  return 0;
}

static const struct virgate_handler handlers[] = {
  { VIRGATE_REMOTE_PROGRAM, VIRGATE_REMOTE_PROC_CONNECT_GET_HOSTNAME,
    VIRGATE_WORKER, hostname },
  { 0 },
};

static const struct virgate_driver_ops ops = {
  .open = conn_open,
  .handlers = handlers,
};

static const struct virgate_option options[] = {
  { .key = "pipe", .type = VIRGATE_OPTION_PATH, .help = "what it waits for" },
  { .key = NULL },
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_DRIVER,
  .ops_size = sizeof ops,
  .name = "slow",
  .version = "1.0",
  .summary = "a driver that waits",
  .options = options,
  .open = slow_open,
  .config = slow_config,
  .close = slow_close,
  .ops = &ops,
};
