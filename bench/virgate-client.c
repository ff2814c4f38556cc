/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirgate in the measuring loop: a typed call, its result freed.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include <virgate/calls.h>

#include "bench/library.h"
#include "bench/stats.h"

struct handle {
  struct virgate_conn *conn;
  struct virgate_remote_domain_lookup_by_name_ret *found;
  struct virgate_remote_domain_get_info_args args;
};

static void
fail (void)
{
  errno = 0;
  die ("libvirgate: %s", virgate_last_error ()->message);
}

static void *
client_open (const char *uri)
{
  const struct virgate_connect_options options = {
    .size = sizeof options,
    .module_dir = getenv ("VIRGATE_MODULE_DIR"),
  };
  char name[] = "test";
  struct virgate_remote_domain_lookup_by_name_args named = { .name = name };
  struct handle *handle = calloc (1, sizeof *handle);

  if (handle == NULL)
    die ("calloc");
  handle->conn = virgate_connect (uri, &options);
  if (handle->conn == NULL
      || virgate_remote_domain_lookup_by_name (handle->conn, &named,
                                               &handle->found) == -1)
    fail ();
  handle->args.dom = handle->found->dom;
  return handle;
}

static void
client_call (void *data)
{
  struct handle *handle = data;
  struct virgate_remote_domain_get_info_ret *info;

  if (virgate_remote_domain_get_info (handle->conn, &handle->args,
                                      &info) == -1)
    fail ();
  virgate_free (info);
}

static void
client_close (void *data)
{
  struct handle *handle = data;

  virgate_free (handle->found);
  virgate_conn_free (handle->conn);
  free (handle);
}

int
main (int argc, char *argv[])
{
  static const struct library library = {
    .open = client_open,
    .call = client_call,
    .close = client_close,
  };

  return library_main (argc, argv, &library);
}
