/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Leaving out what a client may not see; see visible.h.  It works on decoded
 * structures by their descriptors, for all procedures alike.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <virgate/remote.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "common/uuid.h"
#include "daemon/access.h"
#include "daemon/call.h"
#include "daemon/listeners.h"
#include "daemon/objects.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "daemon/standing.h"
#include "daemon/visible.h"

/* What a count, or a list of ids or names, is made of: `flags` are those of the
 * newer list, whose values are the same for all kinds that have both.  Where
 * names are all that identifies an object, its older list will do: all of it,
 * for a client that asks for as many as it was told there are means those that
 * it sees.
 */
#define ONE(proc, with, ask_flags)                                      \
  { VIRGATE_REMOTE_PROC_##proc, VIRGATE_REMOTE_PROC_##with, ask_flags }

static const struct older {
  int32_t procedure, ask;
  uint32_t flags;
} olders[] = {
  ONE (CONNECT_NUM_OF_DOMAINS, CONNECT_LIST_ALL_DOMAINS, 1),
  ONE (CONNECT_LIST_DOMAINS, CONNECT_LIST_ALL_DOMAINS, 1),
  ONE (CONNECT_NUM_OF_DEFINED_DOMAINS, CONNECT_LIST_ALL_DOMAINS, 2),
  ONE (CONNECT_LIST_DEFINED_DOMAINS, CONNECT_LIST_ALL_DOMAINS, 2),
  ONE (CONNECT_NUM_OF_NETWORKS, CONNECT_LIST_ALL_NETWORKS, 2),
  ONE (CONNECT_NUM_OF_DEFINED_NETWORKS, CONNECT_LIST_ALL_NETWORKS, 1),
  ONE (CONNECT_LIST_NETWORKS, CONNECT_LIST_ALL_NETWORKS, 2),
  ONE (CONNECT_LIST_DEFINED_NETWORKS, CONNECT_LIST_ALL_NETWORKS, 1),
  ONE (CONNECT_NUM_OF_STORAGE_POOLS, CONNECT_LIST_ALL_STORAGE_POOLS, 2),
  ONE (CONNECT_NUM_OF_DEFINED_STORAGE_POOLS, CONNECT_LIST_ALL_STORAGE_POOLS,
       1),
  ONE (CONNECT_LIST_STORAGE_POOLS, CONNECT_LIST_ALL_STORAGE_POOLS, 2),
  ONE (CONNECT_LIST_DEFINED_STORAGE_POOLS, CONNECT_LIST_ALL_STORAGE_POOLS, 1),
  ONE (CONNECT_NUM_OF_INTERFACES, CONNECT_LIST_INTERFACES, 0),
  ONE (CONNECT_NUM_OF_DEFINED_INTERFACES, CONNECT_LIST_DEFINED_INTERFACES, 0),
  ONE (CONNECT_NUM_OF_SECRETS, CONNECT_LIST_ALL_SECRETS, 0),
  ONE (CONNECT_LIST_SECRETS, CONNECT_LIST_ALL_SECRETS, 0),
  ONE (CONNECT_NUM_OF_NWFILTERS, CONNECT_LIST_ALL_NWFILTERS, 0),
  ONE (CONNECT_LIST_NWFILTERS, CONNECT_LIST_ALL_NWFILTERS, 0),
  ONE (STORAGE_POOL_NUM_OF_VOLUMES, STORAGE_POOL_LIST_ALL_VOLUMES, 0),
  ONE (STORAGE_POOL_LIST_VOLUMES, STORAGE_POOL_LIST_ALL_VOLUMES, 0),
  ONE (NODE_NUM_OF_DEVICES, NODE_LIST_DEVICES, 0),
  ONE (NODE_LIST_DEVICES, NODE_LIST_DEVICES, 0),
  ONE (CONNECT_LIST_INTERFACES, CONNECT_LIST_INTERFACES, 0),
  ONE (CONNECT_LIST_DEFINED_INTERFACES, CONNECT_LIST_DEFINED_INTERFACES, 0),
};

static const struct older *
find_older (const struct proc_row *row)
{
  for (size_t i = 0; i < COUNT_OF (olders); i++)
    if (proc_find (VIRGATE_REMOTE_PROGRAM, olders[i].procedure) == row)
      return &olders[i];
  return NULL;
}

/* Asking ----------------------------------------------------------------- */

bool
visible_is_judged (const struct session *session)
{
  const struct policy *policy = session->listener->policy;

  for (unsigned i = 0; i < policy->acl_count; i++)
    if (policy->acls[i].ops->visible)
      return true;
  return false;
}

/* Is the answer a list? */
static bool
is_list (const struct proc_row *row)
{
  return row->ret && row->ret->count > 0
         && row->ret->fields[0].form == XDR_LIST;
}

bool
visible_concerns (struct session *session, const struct proc_row *row)
{
  if (row == NULL || (row->flags & PROC_EVENT)
      || !visible_is_judged (session))
    return false;
  if (row->filter)
    return (is_list (row) || find_older (row))
           && !standing_sees (session, row->filter);
  return objects_is_lookup (row)
         && !standing_sees (session, &row->permissions[0]);
}

/* Fields ----------------------------------------------------------------- */

static const struct xdr_field *
field_of (const struct xdr_type *type, const char *name)
{
  for (uint32_t i = 0; type && i < type->count; i++)
    if (strcmp (type->fields[i].name, name) == 0)
      return &type->fields[i];
  return NULL;
}

static void *
at (const struct xdr_field *field, const void *obj)
{
  return field ? (char *) obj + field->offset : NULL;
}

static void
set_number (const struct xdr_type *type, void *obj, const char *name,
            uint32_t value)
{
  uint32_t *number = at (field_of (type, name), obj);

  if (number)
    *number = value;
}

/* A field that both structures have, of the same type. */
static void
take_over (const struct xdr_type *to, void *obj, const struct xdr_type *from,
           const void *args, const char *name)
{
  const struct xdr_field *a = field_of (to, name), *b = field_of (from, name);

  if (a && b && a->op == b->op && a->form == b->form && a->type == b->type)
    memcpy (at (a, obj), at (b, args),
            a->form == XDR_OPTIONAL ? sizeof (void *) : xdr_item_size (a));
}

/* Planning --------------------------------------------------------------- */

int
visible_plan (const struct proc_row *row, void *args, struct arena *arena,
              const struct proc_row **ask, void **ask_args)
{
  const struct older *older = find_older (row);
  const struct xdr_field *wants = field_of (row->args, "need_results");
  void *copy;

  *ask = row;
  *ask_args = args;
  if (older == NULL && (wants == NULL || *(int32_t *) at (wants, args)))
    return 0;
  if (older)
    *ask = proc_find (VIRGATE_REMOTE_PROGRAM, older->ask);
  copy = *ask_args = arena_alloc (arena, (*ask)->args->size);
  if (copy == NULL)
    return -1;
  if (older == NULL)
    memcpy (copy, args, row->args->size);
  else {
    set_number ((*ask)->args, copy, "flags", older->flags);
    set_number ((*ask)->args, copy, "maxnames", (*ask)->ret->fields[0].limit);
    take_over ((*ask)->args, copy, row->args, args, "pool");
    take_over ((*ask)->args, copy, row->args, args, "cap");
    if (older->flags == 0)
      take_over ((*ask)->args, copy, row->args, args, "flags");
  }
  set_number ((*ask)->args, copy, "need_results", 1);
  return 0;
}

/* Filtering -------------------------------------------------------------- */

static bool
sees_item (const struct session *session, const struct proc_row *row,
           const void *item)
{
  const struct xdr_field *field = &row->ret->fields[0];
  const struct virgate_permission *pair = &row->filter->pair;
  struct virgate_object object = { .kind = pair->object };

  if (field->op == XDR_STRING || field->op == XDR_NAME)
    object.name = *(const char *const *) item;
  else if (field->op != XDR_STRUCT
           || !objects_find (field->type, item, &object))
    return false;
  return access_sees (session, pair, &object);
}

static void
filter_list (const struct session *session, const struct proc_row *row,
             void *ret)
{
  const struct xdr_field *field = &row->ret->fields[0];
  struct xdr_list *list = at (field, ret);
  size_t size = xdr_item_size (field);
  uint32_t kept = 0;

  for (uint32_t i = 0; i < list->len; i++) {
    char *item = (char *) list->val + i * size;

    if (!sees_item (session, row, item))
      continue;
    if (kept != i)
      memcpy ((char *) list->val + kept * size, item, size);
    kept++;
  }
  list->len = kept;
  set_number (row->ret, ret, "ret", kept);
}

/* Converting ------------------------------------------------------------- */

static char *
uuid_text (struct arena *arena, const uint8_t *uuid)
{
  char *text = arena_alloc (arena, UUID_TEXT_LEN);

  if (text)
    uuid_format (uuid, text);
  return text;
}

static int
convert_item (struct arena *arena, const struct xdr_field *to, void *out,
              const struct xdr_field *from, const void *item)
{
  const struct xdr_field *uuid = field_of (from->type, "uuid");
  const struct xdr_field *id = field_of (from->type, "id");
  const struct xdr_field *name = field_of (from->type, "name");

  if (to->op == XDR_I32 && id)
    *(int32_t *) out = *(int32_t *) at (id, item);
  else if (name)
    *(char **) out = *(char **) at (name, item);
  else if (uuid)
    *(char **) out = uuid_text (arena, at (uuid, item));
  return to->op == XDR_I32 || *(char **) out ? 0 : -1;
}

/* How many ids the client takes. */
static uint32_t
most (const struct proc_row *row, const void *args)
{
  for (uint32_t i = 0; row->args && i < row->args->count; i++)
    if (strncmp (row->args->fields[i].name, "max", 3) == 0) {
      int32_t n = *(int32_t *) at (&row->args->fields[i], args);

      return n > 0 ? n : 0;
    }
  return UINT32_MAX;
}

static int
convert (struct arena *arena, const struct proc_row *row, const void *args,
         const struct proc_row *asked, const void *found, void *ret)
{
  const struct xdr_field *from = &asked->ret->fields[0];
  const struct xdr_field *to = &row->ret->fields[0];
  const struct xdr_list *list = at (from, found);
  struct xdr_list *out = at (to, ret);
  size_t size = xdr_item_size (to), step = xdr_item_size (from);

  if (to->form != XDR_LIST) {
    *(int32_t *) at (to, ret) = list->len;
    return 0;
  }
  out->len = MIN_OF (list->len, MIN_OF (to->limit, most (row, args)));
  out->val = arena_array (arena, out->len ? out->len : 1, size);
  for (uint32_t i = 0; out->val && i < out->len; i++)
    if (convert_item (arena, to, (char *) out->val + i * size, from,
                      (const char *) list->val + i * step) == -1)
      return -1;
  return out->val ? 0 : -1;
}

/* Say in the log why somebody does not find something: lists that hide it
 * refuse it as well, and have words for that.
 */
static void
log_hidden (struct session *session, const struct proc_row *row,
            const struct virgate_object *object)
{
  const struct virgate_acl_call question = {
    .size = sizeof question,
    .program = VIRGATE_REMOTE_PROGRAM, .number = row->number,
    .procedure = row->name,
    .peer = &session->peer, .identity = &session->identity,
    .permissions = &row->permissions[0].pair, .permission_count = 1,
    .objects = object, .object_count = 1,
  };

  access_still_permits (session, &question);
}

static bool
sees_found (struct session *session, const struct proc_row *row,
            const void *ret)
{
  struct virgate_object object;

  if (!objects_find (row->ret, ret, &object))
    return false;
  if (access_sees (session, &row->permissions[0].pair, &object))
    return true;
  log_hidden (session, row, &object);
  return false;
}

/* need_results 0 wants the count alone. */
int
visible_answer (struct session *session, const struct proc_row *row,
                const void *args, const struct proc_row *asked, void *found,
                struct arena *arena, void *ret)
{
  const struct xdr_field *wants = field_of (row->args, "need_results");
  struct xdr_list *list;

  if (objects_is_lookup (row))
    return sees_found (session, row, ret) ? 0 : -1;
  filter_list (session, asked, found);
  if (asked != row && find_older (row))
    return convert (arena, row, args, asked, found, ret);
  if (found != ret)
    memcpy (ret, found, row->ret->size);
  list = at (&row->ret->fields[0], ret);
  list->len = wants && *(int32_t *) at (wants, args) == 0
    ? 0 : MIN_OF (list->len, most (row, args));
  return 0;
}

static int
filter (struct virgate_call *call)
{
  struct session *session = call->session;
  const struct proc_row *ask;
  void *args, *found = call->ret;

  if (visible_plan (call->row, call->args, &call->arena, &ask, &args) == -1
      || (args != call->args
          && call_nested (call, ask, args, &found) == -1))
    return -1;
  return visible_answer (session, call->row, call->args, ask, found,
                         &call->arena, call->ret);
}

void
visible_filter (struct virgate_call *call)
{
  if (call->session->listener->policy->acl_count == 0 || call->result != 0
      || !visible_concerns (call->session, call->row)
      || filter (call) == 0)
    return;
  call->result = -1;
  error_clear (&call->error);
  error_set (&call->error, VIRGATE_ERR_ACCESS_DENIED, VIRGATE_FROM_ACCESS,
             NULL);
}

/* Events ----------------------------------------------------------------- */

bool
visible_event (const struct session *session, const struct proc_row *row,
               const void *msg)
{
  struct virgate_permission pair = { .permission = "getattr" };
  struct virgate_object object;

  if (row == NULL || !visible_is_judged (session)
      || !objects_find (row->args, msg, &object))
    return true;
  pair.object = object.kind;
  return access_sees (session, &pair, &object);
}

/* An event that was encoded here: it decodes. */
static bool
may_send (const struct session *session, const char *bytes, size_t len)
{
  struct frame_header head;
  CLEANUP (arena_free) struct arena arena;
  const struct proc_row *row;
  void *msg;

  arena_init (&arena, CALL_ARENA_MAX);
  frame_unpack_header (bytes + FRAME_WORD_LEN, &head);
  row = proc_find (head.program, head.procedure);
  return row && xdr_decode (row->args, bytes + FRAME_PREFIX_LEN,
                            len - FRAME_PREFIX_LEN, &arena, &msg, NULL) == 0
         && visible_event (session, row, msg);
}

int
visible_append_events (struct session *session, struct buf *out,
                       const char *events, size_t len)
{
  if (!visible_is_judged (session))
    return buf_append (out, events, len);
  while (len > 0) {
    size_t this_len = frame_unpack_length (events);

    if (may_send (session, events, this_len)
        && buf_append (out, events, this_len) == -1)
      return -1;
    events += this_len;
    len -= this_len;
  }
  return 0;
}
