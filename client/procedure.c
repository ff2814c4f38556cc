/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the protocol tables say of procedures, for callers.
 */
#include "config.h"

#include "client/internal.h"

static void
describe (const struct proc_program *program, const struct proc_row *row,
          struct virgate_procedure *proc)
{
  *proc = (struct virgate_procedure) {
    .program = program->number,
    .number = row->number,
    .program_name = program->name,
    .name = row->name,
    .is_event = (row->flags & PROC_EVENT) != 0,
    .is_denied_read_only = row->denied.test != PROC_NEVER,
    .has_stream = (row->flags & PROC_STREAM) != 0,
    .passes_fds = (row->flags & (PROC_FDS_IN | PROC_FDS_OUT)) != 0,
  };
}

int
virgate_procedure_at (uint32_t n, struct virgate_procedure *proc)
{
  for (size_t i = 0; i < proc_program_count; i++) {
    const struct proc_program *program = &proc_programs[i];

    if (program->number == KEEPALIVE_PROGRAM)
      continue;
    if (n < program->count) {
      describe (program, &program->rows[n], proc);
      return 0;
    }
    n -= program->count;
  }
  return -1;
}

int
virgate_procedure_find (const char *name, struct virgate_procedure *proc)
{
  const struct proc_program *program;
  const struct proc_row *row = proc_find_name (name, &program);

  if (row == NULL)
    return client_error (VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_RPC,
                         "there is no procedure '%s'", name);
  describe (program, row, proc);
  return 0;
}
