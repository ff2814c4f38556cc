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

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "common/uuid.h"
#include "daemon/call.h"
#include "daemon/describe.h"
#include "daemon/drivers.h"
#include "daemon/explain-call.h"
#include "daemon/judge.h"
#include "daemon/listeners.h"
#include "daemon/made.h"
#include "daemon/objects.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "protocol/table.h"

/* What is to be called: a row of its own, or the one for what no table has. */
struct target {
  uint32_t program;
  int32_t number;
  const struct proc_row *row;
};

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

/* With a description, its pool need not be in the procedure's permissions. */
static int
fill_objects (const struct target *target,
              const struct explain_question *question,
              struct virgate_object out[OBJECTS_MAX])
{
  const struct proc_row *row = target->row;

  for (unsigned i = 0; i < question->object_count; i++) {
    const struct explain_object *object = &question->objects[i];

    if (!is_about (row, object->kind)
        && !(question->xml && strcmp (object->kind, "storage_pool") == 0))
      return explain_complain ("%s needs no permission on a %s", row->name,
                               object->kind);
    if (!objects_can_name (row, object->kind)
        && !made_is (target->program, target->number, object->kind))
      return explain_complain ("a call of %s does not say which %s it is "
                               "about, so it may be any: leave it out",
                               row->name, object->kind);
    out[i] = (struct virgate_object) {
      .kind = object->kind, .name = object->name, .parent = object->parent,
      .uuid = object->has_uuid ? object->uuid : NULL,
    };
  }
  return 0;
}

/* Descriptions ----------------------------------------------------------- */

/* One that is too long is cut, and then still too long to be read. */
static char *
read_file (const char *path)
{
  CLEANUP_FCLOSE FILE *file = fopen (path, "re");
  char *text = malloc (DESCRIBE_XML_MAX + 2);
  size_t len;

  if (file && text) {
    len = fread (text, 1, DESCRIBE_XML_MAX + 1, file);
    text[len] = '\0';
    if (!ferror (file))
      return text;
  }
  explain_complain ("%s: %s", path, strerror (errno));
  free (text);
  return NULL;
}

static void
say_made (const struct virgate_object *made)
{
  char uuid[UUID_TEXT_LEN];

  printf ("description: %s", made->kind);
  if (made->name)
    printf (" %s", made->name);
  if (made->uuid) {
    uuid_format (made->uuid, uuid);
    printf (" %s", uuid);
  }
  puts ("");
}

/* Add what the call would make, if its description says that. */
static int
add_made (const struct explain_question *question, const struct target *target,
          struct arena *arena, struct virgate_object *objects, uint32_t *count)
{
  CLEANUP_FREE char *xml = question->xml ? read_file (question->xml) : NULL;
  const struct virgate_object *made = &objects[*count];
  int is_clear;

  if (xml == NULL)
    return question->xml ? -1 : 0;
  if (*count == OBJECTS_MAX)
    return explain_complain ("there are more objects than a call has");
  is_clear = made_by_xml (target->program, target->number, xml, arena,
                          objects, count);
  if (is_clear == -1)
    return explain_complain ("%s takes no description that names an object",
                             target->row->name);
  if (is_clear)
    say_made (made);
  else
    puts ("description: it says nothing, or not clearly, about its object");
  return 0;
}

/* The procedure ---------------------------------------------------------- */

/* "9999", or "qemu.9999": false when it is no number. */
static bool
read_number (const char *name, struct target *target)
{
  const char *dot = strchr (name, '.'), *digits = dot ? dot + 1 : name;
  size_t len = dot ? (size_t) (dot - name) : 0;
  unsigned long number;
  char *end;

  errno = 0;
  number = strtoul (digits, &end, 10);
  if (*digits < '0' || *digits > '9' || *end || errno || number > INT32_MAX)
    return false;
  for (size_t i = 0; i < proc_program_count; i++)
    if (dot == NULL || (strlen (proc_programs[i].name) == len
                        && strncmp (proc_programs[i].name, name, len) == 0)) {
      target->program = proc_programs[i].number;
      target->number = number;
      target->row = proc_find (target->program, target->number);
      return true;
    }
  return false;
}

static bool
read_name (const char *name, struct target *target)
{
  const struct proc_program *program;

  target->row = proc_find_name (name, &program);
  if (target->row == NULL)
    return false;
  target->program = program->number;
  target->number = target->row->number;
  return true;
}

/* Only drivers' programs have procedures that are passed on unknown. */
static int
find_target (const char *name, const struct policy *policy,
             struct target *target)
{
  bool is_admin;

  if (!read_name (name, target) && !read_number (name, target))
    return explain_complain ("there is no procedure '%s'", name);
  is_admin = target->program == VIRGATE_ADMIN_PROGRAM;
  if (is_admin != policy->is_admin)
    return explain_complain ("this listener does not serve the program %s; "
                             "say PROGRAM.PROCEDURE for another one",
                             proc_program_find (target->program)->name);
  if (target->row ? (target->row->flags & PROC_EVENT) : is_admin)
    return explain_complain ("there is no procedure '%s'", name);
  if (target->row == NULL)
    target->row = &unknown_row;
  return 0;
}

/* Which drivers pass on what the tables do not know?  False: none. */
static bool
say_passers (const struct session *session)
{
  struct driver_table *table = drivers_get (session->listener->server);
  bool any = false;

  for (unsigned i = 0; i < table->count; i++) {
    const struct driver *driver = table->driver[i];

    if (!driver->passes_unknown || driver->ops->frame == NULL
        || !route_is_for (&driver->route, session))
      continue;
    printf ("%s[driver %s]", any ? ", " : "passed on by: ", driver->name);
    any = true;
  }
  puts (any ? "" : "passed on by: no driver for this client has "
                   "unknown-procedures = allow");
  drivers_put (table);
  return any;
}

/* The call --------------------------------------------------------------- */

static void
say_needs (const struct virgate_permission *needs, uint32_t count)
{
  fputs ("permissions:", stdout);
  for (uint32_t i = 0; i < count; i++)
    printf ("%s %s:%s", i ? "," : "", needs[i].object, needs[i].permission);
  puts (count ? "" : " none");
}

static enum explain_status
judge (const struct session *session, const struct virgate_acl_call *call,
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
  if (row == &unknown_row && !say_passers (session))
    return EXPLAIN_REFUSED;
  access_ask_permit (session->listener->policy, call, &answer);
  return explain_say_access (row->name, "allowed", &answer)
         ? EXPLAIN_IN : EXPLAIN_REFUSED;
}

enum explain_status
explain_call (const struct explain_question *question,
              const struct session *session, bool is_read_only)
{
  CLEANUP (arena_free) struct arena arena;
  struct virgate_permission needs[PROC_PERMISSIONS_MAX];
  struct virgate_object objects[OBJECTS_MAX];
  uint32_t count = question->object_count;
  CLEANUP_FREE void *args = NULL;
  const struct proc_row *row;
  struct target target = { 0 };

  arena_init (&arena, CALL_ARENA_MAX);
  if (find_target (question->call, session->listener->policy, &target) == -1)
    return EXPLAIN_USAGE;
  row = target.row;
  args = calloc (1, row->args ? row->args->size : 1);
  if (args == NULL || set_number (row, args, "flags", question->flags) == -1
      || set_number (row, args, "source", question->source) == -1
      || fill_objects (&target, question, objects) == -1
      || add_made (question, &target, &arena, objects, &count) == -1)
    return EXPLAIN_USAGE;
  return judge (session, &(const struct virgate_acl_call) {
    .size = sizeof (struct virgate_acl_call), .program = target.program,
    .number = target.number, .procedure = row->name, .peer = &session->peer,
    .identity = &session->identity, .permissions = needs,
    .permission_count = proc_needs (row, args, needs),
    .objects = objects, .object_count = count,
    .is_write = proc_is_denied_read_only (row, args),
  }, row, is_read_only);
}
