/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Errors that the daemon itself sends; see refuse.h.
 */
#include "config.h"

#include <string.h>

#include "daemon/call.h"
#include "daemon/names.h"
#include "daemon/record.h"
#include "daemon/refuse.h"
#include "daemon/session.h"

int
error_reply (struct buf *out, const struct frame_header *call_head,
             int32_t type, const struct virgate_error *error)
{
  struct frame_header head = *call_head;
  ptrdiff_t mark;

  head.type = type;
  head.status = FRAME_ERROR;
  mark = frame_begin (out, &head, 0);
  if (mark == -1)
    return -1;
  if (error_encode (out, error) == -1) {
    frame_cancel (out, mark);
    return -1;
  }
  return frame_end (out, mark);
}

void
refuse_send (struct session *session, const struct frame_header *call_head,
             int32_t type, const struct virgate_error *error)
{
  if (error_reply (session_out (session), call_head, type, error) == -1)
    session->is_broken = true;
  session_touch (session);
}

void
refuse_message (struct session *session, const struct frame_header *head,
                int32_t code, int32_t domain, const char *fmt, ...)
{
  struct virgate_error error = { 0 };
  va_list args;

  va_start (args, fmt);
  error_vset (&error, code, domain, fmt, args);
  va_end (args);
  refuse_send (session, head, FRAME_REPLY, &error);
  error_clear (&error);
}

void
refuse_fds (struct session *session, const struct frame_header *head,
            const char *doing)
{
  refuse_message (session, head, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_RPC,
                  "%s file descriptors is not supported on this socket",
                  doing);
}

void
refuse_no_call (struct session *session, const struct frame_header *head,
                const char *fmt, ...)
{
  struct virgate_error error = { 0 };
  va_list args;

  va_start (args, fmt);
  error_vset (&error, VIRGATE_ERR_RPC, VIRGATE_FROM_RPC, fmt, args);
  va_end (args);
  refuse_send (session, head, FRAME_REPLY, &error);
  record_no_call (session, head, error_message (&error));
  error_clear (&error);
}

void
refuse_unknown (struct session *session, const struct frame_header *head)
{
  refuse_no_call (session, head, "unknown procedure: %d",
                  (int) head->procedure);
}

void
refuse_undecodable (struct session *session, const struct frame_header *head)
{
  refuse_no_call (session, head, "%s", UNDECODABLE);
}

void
refuse_no_memory (struct session *session, const struct frame_header *head)
{
  refuse_message (session, head, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_RPC,
                  NULL);
  record_no_call (session, head, "out of memory");
}

void
log_undecodable (struct session *session, const struct proc_row *row,
                 const struct xdr_error *why)
{
  session_log (session, VIRGATE_LOG_DEBUG, "%s: %s %s at byte %zu",
               row->name, why->field, why->why, why->offset);
}

void
refuse_read_only (struct virgate_call *call)
{
  bool always = call->row->denied.test == PROC_ALWAYS;
  struct api_name name;

  api_name (call->head.program, call->row, &name);
  if (!always && strstr (name.function, "GetXMLDesc"))
    call_refuse (call, VIRGATE_ERR_OPERATION_DENIED, name.domain,
                 "%s with secure flag", name.function);
  else
    call_refuse (call, VIRGATE_ERR_OPERATION_DENIED, name.domain,
                 "read only access prevents %s", name.function);
}

void
refuse_access (struct virgate_call *call)
{
  call_refuse (call, VIRGATE_ERR_ACCESS_DENIED, VIRGATE_FROM_ACCESS, NULL);
}

void
refuse_unsupported (struct virgate_call *call)
{
  struct api_name name;

  api_name (call->head.program, call->row, &name);
  call_refuse (call, VIRGATE_ERR_NO_SUPPORT, name.domain, "%s",
               name.function);
}
