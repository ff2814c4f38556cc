/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Looking things up in the generated tables; see table.h.
 */
#include "config.h"

#include <string.h>

#include "protocol/table.h"

const struct proc_program *
proc_program_find (uint32_t number)
{
  for (size_t i = 0; i < proc_program_count; i++)
    if (proc_programs[i].number == number)
      return &proc_programs[i];
  return NULL;
}

const struct proc_row *
proc_find (uint32_t program, int32_t number)
{
  const struct proc_program *found = proc_program_find (program);

  if (found == NULL || number < 1 || (uint32_t) number > found->count)
    return NULL;
  return &found->rows[number - 1];
}

static const struct proc_row *
program_find_name (const struct proc_program *program, const char *name)
{
  for (uint32_t i = 0; i < program->count; i++)
    if (strcmp (program->rows[i].name, name) == 0)
      return &program->rows[i];
  return NULL;
}

const struct proc_row *
proc_find_name (const char *name, const struct proc_program **program)
{
  const char *dot = strchr (name, '.');
  size_t len = dot ? (size_t) (dot - name) : 0;

  for (size_t i = 0; i < proc_program_count; i++) {
    const struct proc_program *at = &proc_programs[i];
    const struct proc_row *row;

    if (dot && (strlen (at->name) != len || memcmp (at->name, name, len)))
      continue;
    row = program_find_name (at, dot ? dot + 1 : name);
    if (row) {
      if (program)
        *program = at;
      return row;
    }
  }
  return NULL;
}

/* The generator allows i32, u32 and u64 in conditions only. */
static uint64_t
args_number (const struct xdr_field *field, const void *args)
{
  const char *at = (const char *) args + field->offset;
  uint32_t number;
  uint64_t wide;

  if (field->op == XDR_U64) {
    memcpy (&wide, at, sizeof wide);
    return wide;
  }
  memcpy (&number, at, sizeof number);
  return number;
}

bool
proc_applies (const struct proc_row *row,
              const struct proc_condition *condition, const void *args)
{
  uint64_t number;

  if (condition->test <= PROC_ALWAYS)
    return condition->test == PROC_ALWAYS;
  number = args_number (&row->args->fields[condition->field], args);
  switch (condition->test) {
  case PROC_IF_SET:
    return number & condition->bits;
  case PROC_IF_UNSET:
    return (number & condition->bits) == 0;
  default:
    return number == condition->bits;
  }
}

uint32_t
proc_needs (const struct proc_row *row, const void *args,
            struct virgate_permission *out)
{
  uint32_t count = 0;

  for (uint32_t i = 0; i < row->permission_count; i++)
    if (proc_applies (row, &row->permissions[i].when, args))
      out[count++] = row->permissions[i].pair;
  return count;
}
