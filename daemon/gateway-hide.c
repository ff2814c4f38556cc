/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names and hidden objects of a gateway; see gateway-hide.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <virgate/remote.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "daemon/call.h"
#include "daemon/gateway-hide.h"
#include "daemon/gateway.h"
#include "daemon/objects.h"
#include "daemon/record.h"
#include "daemon/refuse.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "daemon/visible.h"

/* Serials of the daemon's own questions begin here.  One that the client has
 * under way is passed over.
 */
#define OWN_SERIALS UINT32_C (0xfff00000)

/* What the client asked. */
struct hiding {
  const struct proc_row *row;
  size_t len;
  char payload[];               /* its arguments */
};

/* Asking ----------------------------------------------------------------- */

static struct hiding *
hiding_new (const struct proc_row *row, const struct frame *frame)
{
  struct hiding *hiding = malloc (sizeof *hiding + frame->len);

  if (hiding == NULL)
    return NULL;
  hiding->row = row;
  hiding->len = frame->len;
  memcpy (hiding->payload, frame->payload, frame->len);
  return hiding;
}

bool
hiding_concerns (struct session *session,
                 const struct frame_header *head, const struct proc_row *row)
{
  return head->program == VIRGATE_REMOTE_PROGRAM
         && visible_concerns (session, row);
}

int
hiding_begin (struct frame *frame, struct buf *payload,
              const struct proc_row **row, struct hiding **hiding)
{
  CLEANUP (arena_free) struct arena arena;
  const struct proc_row *ask;
  void *args, *ask_args;

  arena_init (&arena, CALL_ARENA_MAX);
  if (xdr_decode ((*row)->args, frame->payload, frame->len, &arena, &args,
                  NULL) == -1
      || visible_plan (*row, args, &arena, &ask, &ask_args) == -1
      || (*hiding = hiding_new (*row, frame)) == NULL)
    return -1;
  if (ask_args == args)
    return 0;
  if (xdr_encode (ask->args, ask_args, payload, NULL) == -1)
    return -1;
  frame->head.procedure = ask->number;
  frame->payload = buf_data (payload);
  frame->len = buf_len (payload);
  *row = ask;
  return 0;
}

/* Answering -------------------------------------------------------------- */

int32_t
hiding_procedure (const struct passed *passed)
{
  return passed->hiding ? passed->hiding->row->number : passed->procedure;
}

struct record_what
hiding_what (const struct passed *passed)
{
  return (struct record_what) {
    .program = passed->program, .procedure = hiding_procedure (passed),
    .row = passed->hiding ? passed->hiding->row : passed->row,
  };
}

static int
append (struct session *session, const struct frame_header *head,
        const struct xdr_type *type, const void *ret)
{
  struct buf *out = session_out (session);
  ptrdiff_t mark = frame_begin (out, head, 0);

  if (mark == -1)
    return -1;
  if (xdr_encode (type, ret, out, NULL) == -1) {
    frame_cancel (out, mark);
    return -1;
  }
  return frame_end (out, mark);
}

int
hiding_reply (struct session *session, const struct frame_header *head,
              const struct virgate_frame *frame, struct passed *passed,
              int32_t *code)
{
  const struct hiding *hiding = passed->hiding;
  CLEANUP (arena_free) struct arena arena;
  void *args, *found, *ret;

  arena_init (&arena, 2 * CALL_ARENA_MAX);
  *code = 0;
  ret = arena_alloc (&arena, hiding->row->ret->size);
  if (ret == NULL
      || xdr_decode (hiding->row->args, hiding->payload, hiding->len, &arena,
                     &args, NULL) == -1
      || xdr_decode (passed->row->ret, frame->payload, frame->len, &arena,
                     &found, NULL) == -1)
    return -1;
  if (objects_is_lookup (hiding->row))
    ret = found;
  if (visible_answer (session, hiding->row, args, passed->row, found, &arena,
                      ret) == 0)
    return append (session, head, hiding->row->ret, ret);
  refuse_message (session, head, VIRGATE_ERR_ACCESS_DENIED,
                  VIRGATE_FROM_ACCESS, NULL);
  *code = VIRGATE_ERR_ACCESS_DENIED;
  if (passed->note == NULL)
    passed->note = record_denied (session, hiding->row, args);
  return 0;
}

bool
hiding_passes_event (struct session *session,
                     const struct virgate_frame *frame)
{
  const struct proc_row *row = proc_find (frame->program, frame->procedure);
  CLEANUP (arena_free) struct arena arena = { 0 };
  void *msg;

  arena_init (&arena, CALL_ARENA_MAX);
  names_event (session->driver, row);
  if (!visible_is_judged (session))
    return true;
  if (row == NULL)
    return false;               /* nobody can tell what it is about */
  return xdr_decode (row->args, frame->payload, frame->len, &arena, &msg,
                     NULL) == 0
         && visible_event (session, row, msg);
}

/* Names ------------------------------------------------------------------ */

static struct gateway_name *
find_known (struct gateway_names *names, const struct proc_row *row,
            const uint8_t uuid[16])
{
  for (unsigned i = 0; i < names->count; i++)
    if (names->known[i].row == row
        && memcmp (names->known[i].uuid, uuid, 16) == 0)
      return &names->known[i];
  return NULL;
}

/* A header that nothing under way has. */
static void
choose_head (struct gateway *gateway, const struct proc_row *row)
{
  struct frame_header *head = &gateway->names.head;

  *head = (struct frame_header) {
    .program = VIRGATE_REMOTE_PROGRAM, .version = 1,
    .procedure = row->number, .type = FRAME_CALL, .status = FRAME_OK,
    .serial = OWN_SERIALS,
  };
  while (passed_find (&gateway->passed, head, PASSED_NONE))
    head->serial++;
}

static void
ask (struct session *session, const struct proc_row *row,
     const uint8_t uuid[16])
{
  struct gateway *gateway = session->gateway;
  struct gateway_names *names = &gateway->names;
  struct names_when when = names_now (session);
  struct virgate_frame frame;
  int result;

  choose_head (gateway, row);
  frame = (struct virgate_frame) {
    .program = names->head.program, .version = names->head.version,
    .procedure = names->head.procedure, .type = names->head.type,
    .serial = names->head.serial, .status = names->head.status,
    .payload = uuid, .len = 16,
  };
  result = session->driver->ops->frame (session->driver_conn, &frame);
  if (result == VIRGATE_AGAIN)
    gateway->is_full = true;
  else if (result == 0) {
    names->asked.row = row;
    names->asked.when = when;
    memcpy (names->asked.uuid, uuid, 16);
  }
  else if (!gateway->is_lost)
    session->is_broken = true;
}

enum access_result
gateway_name (struct virgate_call *call, const struct proc_row *row,
              const uint8_t uuid[16], const char **name,
              struct names_when *when)
{
  struct session *session = call->session;
  struct gateway_names *names = &session->gateway->names;
  const struct gateway_name *known = find_known (names, row, uuid);

  if (known) {
    *name = known->name ? arena_strndup (&call->arena, known->name,
                                         strlen (known->name)) : NULL;
    *when = known->when;
    return ACCESS_YES;
  }
  if (names->count == GATEWAY_NAMES)
    return ACCESS_YES;          /* it has none, then */
  if (names->asked.row == NULL)
    ask (session, row, uuid);
  return ACCESS_WAIT;
}

/* The name in an answer; NULL: it is none, or about another object. */
static char *
name_in (const struct gateway_name *asked, const struct virgate_frame *frame)
{
  CLEANUP (arena_free) struct arena arena;
  struct virgate_object object;
  void *ret;

  arena_init (&arena, CALL_ARENA_MAX);
  if (frame->status != FRAME_OK
      || xdr_decode (asked->row->ret, frame->payload, frame->len, &arena,
                     &ret, NULL) == -1
      || !objects_find (asked->row->ret, ret, &object)
      || object.uuid == NULL || memcmp (object.uuid, asked->uuid, 16) != 0
      || object.name == NULL)
    return NULL;
  return strdup (object.name);
}

bool
gateway_name_answered (struct session *session,
                       const struct frame_header *head,
                       const struct virgate_frame *frame)
{
  struct gateway_names *names = &session->gateway->names;
  struct gateway_name *known = &names->known[names->count];

  if (names->asked.row == NULL || head->serial != names->head.serial
      || head->procedure != names->head.procedure
      || head->program != names->head.program)
    return false;
  *known = names->asked;
  known->name = name_in (known, frame);
  if (known->name)
    names_remember (session, known->row, known->uuid, known->name,
                    known->when);
  names->count++;
  names->asked.row = NULL;
  session_again (session);
  return true;
}

void
gateway_forget_names (struct gateway *gateway)
{
  struct gateway_names *names = &gateway->names;

  for (unsigned i = 0; i < names->count; i++)
    free (names->known[i].name);
  names->count = 0;
}
