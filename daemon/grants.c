/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keeping and repeating questions about streams; see grants.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/access.h"
#include "daemon/call.h"
#include "daemon/gateway.h"
#include "daemon/grants.h"
#include "daemon/objects.h"
#include "daemon/session.h"

struct grant {
  struct grant *next;           /* session->grants */
  struct frame_header head;     /* of the call */
  struct virgate_acl_call question;
  struct virgate_permission needs[PROC_PERMISSIONS_MAX];
  struct virgate_object objects[OBJECTS_MAX];
  char bytes[];                 /* what objects point to */
};

static bool
is_about (const struct grant *grant, const struct frame_header *head)
{
  return grant->head.serial == head->serial
         && grant->head.procedure == head->procedure
         && grant->head.program == head->program;
}

void
grants_drop (struct session *session, const struct frame_header *head)
{
  struct grant **at = &session->grants;

  while (*at && !is_about (*at, head))
    at = &(*at)->next;
  if (*at) {
    struct grant *grant = *at;

    *at = grant->next;
    free (grant);
  }
}

/* Of a gateway, forget those whose call was answered by an error, or whose
 * stream has ended: what is under way it knows itself.
 */
static void
sweep (struct session *session)
{
  struct grant **at = &session->grants;

  while (session->gateway && *at) {
    struct grant *grant = *at;

    if (gateway_knows (session->gateway, &grant->head))
      at = &grant->next;
    else {
      *at = grant->next;
      free (grant);
    }
  }
}

static size_t
size_of (const char *text)
{
  return text ? strlen (text) + 1 : 0;
}

static const char *
copy (char **to, const char *text)
{
  char *start = *to;

  if (text == NULL)
    return NULL;
  *to = stpcpy (start, text) + 1;
  return start;
}

/* Kinds are constants; names and uuids are the call's. */
static void
copy_objects (struct grant *grant, const struct virgate_acl_call *question)
{
  char *to = grant->bytes;

  for (uint32_t i = 0; i < question->object_count; i++) {
    const struct virgate_object *from = &question->objects[i];
    struct virgate_object *object = &grant->objects[i];

    object->kind = from->kind;
    object->name = copy (&to, from->name);
    object->parent = copy (&to, from->parent);
    if (from->uuid == NULL)
      continue;
    object->uuid = (uint8_t *) to;
    to = mempcpy (to, from->uuid, 16);
  }
}

int
grants_keep (struct virgate_call *call,
             const struct virgate_acl_call *question)
{
  struct session *session = call->session;
  struct grant *grant;
  size_t size = 0;

  sweep (session);
  for (uint32_t i = 0; i < question->object_count; i++)
    size += size_of (question->objects[i].name) + 16
            + size_of (question->objects[i].parent);
  grant = calloc (1, sizeof *grant + size);
  if (grant == NULL)
    return -1;
  grant->head = call->head;
  grant->question = *question;
  memcpy (grant->needs, question->permissions,
          question->permission_count * sizeof grant->needs[0]);
  copy_objects (grant, question);
  grant->question.permissions = grant->needs;
  grant->question.objects = grant->objects;
  grant->next = session->grants;
  session->grants = grant;
  return 0;
}

bool
grants_hold (struct session *session)
{
  sweep (session);
  for (struct grant *grant = session->grants; grant; grant = grant->next) {
    grant->question.peer = &session->peer;
    grant->question.identity = &session->identity;
    if (!access_still_permits (session, &grant->question))
      return false;
  }
  return true;
}

void
grants_free (struct session *session)
{
  while (session->grants) {
    struct grant *next = session->grants->next;

    free (session->grants);
    session->grants = next;
  }
}
