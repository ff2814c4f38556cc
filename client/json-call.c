/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virgate_call_json: any procedure by name, arguments and result as JSON.
 */
#include "config.h"

#include <stdlib.h>

#include "client/internal.h"
#include "client/json.h"

static int
bad_args (const struct proc_row *row, const struct json_error *why)
{
  return client_error (VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_RPC,
                       "the arguments of %s: %s", row->name, why->why);
}

static int
parse_args (const struct proc_row *row, const char *text, struct arena *arena,
            void **args)
{
  const struct json *json = NULL;
  struct json_error why;

  if (text && *text) {
    json = json_parse (text, arena, &why);
    if (json == NULL)
      return bad_args (row, &why);
  }
  if (json_to_struct (json, row->args, arena, args, &why) == -1)
    return bad_args (row, &why);
  return 0;
}

static int
print_ret (const struct proc_row *row, const void *ret, char **text)
{
  struct buf out = BUF_INIT;

  if (json_from_struct (row->ret, ret, &out) == -1
      || buf_append (&out, "", 1) == -1) {
    buf_free (&out);
    return client_error (VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_RPC, NULL);
  }
  *text = out.base;
  return 0;
}

int
virgate_call_json (struct virgate_conn *conn, const char *name,
                   const char *args_json, char **ret_json)
{
  const struct proc_program *program;
  const struct proc_row *row = proc_find_name (name, &program);
  CLEANUP (arena_free) struct arena arena;
  CLEANUP_FREE void *ret = NULL;
  void *args;

  CONN_CHECK (conn);
  arena_init (&arena, JSON_MEMORY_MAX);
  if (row == NULL)
    return client_error (VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_RPC,
                         "there is no procedure '%s'", name);
  if (row->flags & (PROC_STREAM | PROC_FDS_IN))
    return client_error (VIRGATE_ERR_ARGUMENT_UNSUPPORTED, VIRGATE_FROM_RPC,
                         "%s opens a stream or takes descriptors, which JSON "
                         "cannot carry", name);
  if (parse_args (row, args_json, &arena, &args) == -1
      || call_run (conn, program->number, row->number, args, &ret, NULL,
                   call_deadline (conn)) == -1)
    return -1;
  return print_ret (row, ret, ret_json);
}
