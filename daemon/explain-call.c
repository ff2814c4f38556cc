/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Explaining calls; see explain-call.h.  The procedure's row says which
 * permissions it needs, given the arguments that matter; all other arguments
 * are 0.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/admin.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "daemon/explain-call.h"
#include "daemon/policy.h"
#include "protocol/table.h"

bool
explain_say_access (const char *about, const char *yes,
                    const struct access_answer *answer)
{
  char why[ACCESS_TEXT_MAX];

  access_describe (answer, why, sizeof why);
  printf ("%s: %s: %s\n", about, answer->is_yes ? yes : "refused", why);
  return answer->is_yes;
}

/* Arguments -------------------------------------------------------------- */

/* "VIR_DOMAIN_XML_SECURE", "0x8" or "8"; len bytes. */
static int
read_value (const char *word, size_t len, uint64_t *value)
{
  CLEANUP_FREE char *copy = strndup (word, len);
  char *end;

  for (size_t i = 0; copy && i < proc_flag_count; i++)
    if (strcmp (proc_flag_values[i].name, copy) == 0) {
      *value = proc_flag_values[i].value;
      return 0;
    }
  errno = 0;
  *value = copy && *copy >= '0' && *copy <= '9' ? strtoull (copy, &end, 0) : 0;
  if (copy && *copy >= '0' && *copy <= '9' && *end == '\0' && errno == 0)
    return 0;
  explain_complain ("'%s' is neither a number nor a flag that permissions "
                    "depend on", copy ? copy : word);
  return -1;
}

/* Values joined by '|'. */
static int
read_values (const char *text, uint64_t *sum)
{
  *sum = 0;
  for (;;) {
    size_t len = strcspn (text, "|");
    uint64_t value;

    if (read_value (text, len, &value) == -1)
      return -1;
    *sum |= value;
    if (text[len] == '\0')
      return 0;
    text += len + 1;
  }
}

static const struct xdr_field *
find_number (const struct proc_row *row, const char *name)
{
  for (uint32_t i = 0; row->args && i < row->args->count; i++) {
    const struct xdr_field *field = &row->args->fields[i];

    if (strcmp (field->name, name) == 0 && field->form == XDR_ONE
        && field->op <= XDR_U64)
      return field;
  }
  return NULL;
}

static int
set_number (const struct proc_row *row, void *args, const char *name,
            const char *text)
{
  const struct xdr_field *field = find_number (row, name);
  char *at = args;
  uint64_t value;
  uint32_t narrow;

  if (text == NULL)
    return 0;
  if (field == NULL)
    return explain_complain ("%s has no argument %s", row->name, name);
  if (read_values (text, &value) == -1)
    return -1;
  narrow = value;
  if (field->op == XDR_U64 || field->op == XDR_I64)
    memcpy (at + field->offset, &value, sizeof value);
  else if (narrow == value)
    memcpy (at + field->offset, &narrow, sizeof narrow);
  else
    return explain_complain ("%s: %s is larger than 32 bits", name, text);
  return 0;
}

/* Objects ---------------------------------------------------------------- */

static bool
is_about (const struct proc_row *row, const char *kind)
{
  for (uint32_t i = 0; i < row->permission_count; i++)
    if (strcmp (row->permissions[i].pair.object, kind) == 0)
      return true;
  return false;
}

static int
fill_objects (const struct proc_row *row,
              const struct explain_question *question,
              struct virgate_object out[OBJECTS_MAX])
{
  for (unsigned i = 0; i < question->object_count; i++) {
    const struct explain_object *object = &question->objects[i];

    if (!is_about (row, object->kind))
      return explain_complain ("%s needs no permission on a %s", row->name,
                               object->kind);
    out[i] = (struct virgate_object) {
      .kind = object->kind, .name = object->name, .parent = object->parent,
      .uuid = object->has_uuid ? object->uuid : NULL,
    };
  }
  return 0;
}

/* The call --------------------------------------------------------------- */

static const struct proc_row *
find_row (const char *name, const struct policy *policy,
          const struct proc_program **program)
{
  const struct proc_row *row = proc_find_name (name, program);
  bool is_admin = row && (*program)->number == VIRGATE_ADMIN_PROGRAM;

  if (row == NULL || (row->flags & PROC_EVENT))
    explain_complain ("there is no procedure '%s'", name);
  else if (is_admin != policy->is_admin)
    explain_complain ("this listener does not serve the program %s; say "
                      "PROGRAM.PROCEDURE for another one", (*program)->name);
  else
    return row;
  return NULL;
}

static void
say_needs (const struct virgate_permission *needs, uint32_t count)
{
  fputs ("permissions:", stdout);
  for (uint32_t i = 0; i < count; i++)
    printf ("%s %s:%s", i ? "," : "", needs[i].object, needs[i].permission);
  puts (count ? "" : " none");
}

static enum explain_status
judge (const struct policy *policy, const struct virgate_acl_call *call,
       const struct proc_row *row, bool is_read_only)
{
  struct access_answer answer;

  say_needs (call->permissions, call->permission_count);
  if (is_read_only && call->is_write) {
    printf ("call: %s: refused: the connection only reads\n", row->name);
    return EXPLAIN_REFUSED;
  }
  if (row->flags & PROC_NO_AUTH) {
    printf ("%s: allowed: everybody may\n", row->name);
    return EXPLAIN_IN;
  }
  access_ask_permit (policy, call, &answer);
  return explain_say_access (row->name, "allowed", &answer)
         ? EXPLAIN_IN : EXPLAIN_REFUSED;
}

enum explain_status
explain_call (const struct explain_question *question,
              const struct policy *policy, const struct virgate_peer *peer,
              const struct virgate_identity *identity, bool is_read_only)
{
  const struct proc_program *program;
  const struct proc_row *row = find_row (question->call, policy, &program);
  struct virgate_permission needs[PROC_PERMISSIONS_MAX];
  struct virgate_object objects[OBJECTS_MAX];
  CLEANUP_FREE void *args = NULL;

  if (row == NULL)
    return EXPLAIN_USAGE;
  args = calloc (1, row->args ? row->args->size : 1);
  if (args == NULL || set_number (row, args, "flags", question->flags) == -1
      || set_number (row, args, "source", question->source) == -1
      || fill_objects (row, question, objects) == -1)
    return EXPLAIN_USAGE;
  return judge (policy, &(const struct virgate_acl_call) {
    .size = sizeof (struct virgate_acl_call), .program = program->number,
    .number = row->number, .procedure = row->name, .peer = peer,
    .identity = identity, .permissions = needs,
    .permission_count = proc_needs (row, args, needs),
    .objects = objects, .object_count = question->object_count,
    .is_write = proc_is_denied_read_only (row, args),
  }, row, is_read_only);
}
