/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls: encoded straight into what is sent next, then waited for, or left to
 * whoever steps the connection.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/internal.h"

int64_t
deadline_in (int32_t timeout_ms)
{
  return timeout_ms < 0 ? NEVER_NS : now_ns () + timeout_ms * NS_PER_MS;
}

/* 0 and -1 mean no limit here. */
static int64_t
deadline_of (int32_t timeout_ms)
{
  return timeout_ms <= 0 ? NEVER_NS : deadline_in (timeout_ms);
}

int64_t
call_deadline (struct virgate_conn *conn)
{
  int32_t timeout_ms = thread_timeout (conn->id);

  return deadline_of (timeout_ms ? timeout_ms : conn->call_timeout_ms);
}

void
virgate_set_call_timeout (struct virgate_conn *conn, int32_t timeout_ms)
{
  CONN_CHECK (conn);
  thread_set_timeout (conn->id, timeout_ms);
}

int
call_find (struct call *call, uint32_t program, int32_t procedure,
           const void *args)
{
  call->program = proc_program_find (program);
  call->row = proc_find (program, procedure);
  if (call->row == NULL || (call->row->flags & PROC_EVENT))
    return client_error (VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_RPC,
                         "there is no procedure %d to call in program 0x%08x",
                         procedure, program);
  if (call->row->args && args == NULL)
    return client_error (VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_RPC,
                         "%s takes arguments, but none were given",
                         call->row->name);
  list_init (&call->by_deadline);
  waiter_init (&call->waiter);
  return 0;
}

/* Append the message to the queue.  0, or -1 with the error set and nothing
 * appended.
 */
static int
encode (struct virgate_conn *conn, const struct call *call, const void *args,
        const struct call_fds *fds)
{
  const struct frame_header head = {
    .program = call->program->number, .version = call->program->version,
    .procedure = call->row->number, .serial = (uint32_t) call->id,
    .type = fds && fds->send_count > 0 ? FRAME_CALL_FDS : FRAME_CALL,
  };
  struct buf *out = &conn->queue.buf;
  struct xdr_error bad = { "", "takes more memory than there is", 0 };
  ptrdiff_t mark = frame_begin (out, &head, fds ? fds->send_count : 0);

  if (mark != -1 && xdr_encode (call->row->args, args, out, &bad) == 0) {
    if (frame_end (out, mark) == 0)
      return 0;
    bad.why = "make the message longer than the protocol allows";
  }
  else if (mark != -1)
    frame_cancel (out, mark);
  return client_error (VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_RPC,
                       "cannot encode the arguments of %s: '%s' %s",
                       call->row->name, bad.field, bad.why);
}

int
call_queue (struct virgate_conn *conn, struct call *call, const void *args,
            const struct call_fds *fds)
{
  uint32_t fd_count = fds ? fds->send_count : 0;

  if (conn->ended)
    return client_error_copy (&conn->why);
  if (fd_count > FRAME_FDS_MAX
      || (fd_count > 0 && !(conn->caps & VIRGATE_CAP_PASSES_FDS)))
    return client_error (VIRGATE_ERR_ARGUMENT_UNSUPPORTED, VIRGATE_FROM_RPC,
                         "this connection cannot pass %u descriptors",
                         fd_count);
  call->id = conn->next_id;
  if (encode (conn, call, args, fds) == -1)
    return -1;
  if (pending_add (&conn->pending, call) == -1
      || wire_out_fds (&conn->queue, fd_count ? fds->send : NULL, fd_count)
         == -1) {
    /* The message cannot be taken back whole any more. */
    conn_end (conn, "cannot queue a call: %s", strerror (errno));
    return client_error_copy (&conn->why);
  }
  conn->next_id++;
  return 0;
}

void
call_wait (struct virgate_conn *conn, struct call *call)
{
  if (io_wait (conn, &call->waiter, call->deadline))
    return;
  pending_remove (&conn->pending, call);
  pending_abandon (&conn->pending, call->id);
  pthread_mutex_unlock (&conn->lock);
  error_set (&call->error, VIRGATE_ERR_OPERATION_TIMEOUT, VIRGATE_FROM_RPC,
             "%s: no reply to %s in time", conn->where, call->row->name);
}

int
call_check (const struct virgate_conn *conn)
{
  if (conn->ended)
    return client_error_copy (&conn->why);
  if (!io_is_inside (conn))
    return 0;
  return client_error (VIRGATE_ERR_OPERATION_INVALID, VIRGATE_FROM_RPC,
                       "a callback of a connection cannot wait on it");
}

/* Hand the outcome to the caller. */
static int
give_result (struct virgate_conn *conn, struct call *call, void **ret,
             const struct call_fds *fds)
{
  if (call->error.code != VIRGATE_ERR_OK) {
    for (uint32_t i = 0; i < call->fd_count; i++)
      close (call->fds[i]);
    free (call->fds);
    free (call->ret);
    conn_settle (conn);
    return client_error_take (&call->error);
  }
  if (ret)
    *ret = call->ret;
  if (fds && fds->got) {
    *fds->got = call->fds;
    *fds->got_count = call->fd_count;
  }
  return 0;
}

int
call_run (struct virgate_conn *conn, uint32_t program, int32_t procedure,
          const void *args, void **ret, struct call_fds *fds,
          int64_t deadline)
{
  struct call call = {
    .want_ret = ret != NULL, .want_fds = fds && fds->got, .deadline = deadline
  };

  if (call_find (&call, program, procedure, args) == -1)
    return -1;
  pthread_mutex_lock (&conn->lock);
  if (call_check (conn) == -1
      || call_queue (conn, &call, args, fds) == -1) {
    pthread_mutex_unlock (&conn->lock);
    error_clear (&call.error);
    return -1;
  }
  call_wait (conn, &call);
  return give_result (conn, &call, ret, fds);
}

int
virgate_call (struct virgate_conn *conn, uint32_t program, int32_t procedure,
              const void *args, void **ret)
{
  CONN_CHECK (conn);
  return call_run (conn, program, procedure, args, ret, NULL,
                   call_deadline (conn));
}

int
virgate_call_fds (struct virgate_conn *conn, uint32_t program,
                  int32_t procedure, const void *args, void **ret,
                  const int *fds, uint32_t count,
                  int **ret_fds, uint32_t *ret_count)
{
  struct call_fds call_fds = { fds, count, ret_fds, ret_count };

  CONN_CHECK (conn);
  return call_run (conn, program, procedure, args, ret, &call_fds,
                   call_deadline (conn));
}

void
virgate_free (void *ret)
{
  free (ret);
}

/* Asynchronous calls ------------------------------------------------------ */

void
call_tell (struct call *call)
{
  bool ok = call->error.code == VIRGATE_ERR_OK;

  call->done (call->opaque, ok ? call->ret : NULL, ok ? NULL : &call->error);
  if (!ok)
    free (call->ret);
  error_clear (&call->error);
  free (call);
}

struct call *
call_take_late (struct virgate_conn *conn, int64_t now)
{
  struct list *first = conn->pending.deadlines.next;
  struct call *call;

  if (first == &conn->pending.deadlines)
    return NULL;
  call = list_item (first, struct call, by_deadline);
  if (call->deadline > now)
    return NULL;
  pending_remove (&conn->pending, call);
  pending_abandon (&conn->pending, call->id);
  error_set (&call->error, VIRGATE_ERR_OPERATION_TIMEOUT, VIRGATE_FROM_RPC,
             "%s: no reply to %s in time", conn->where, call->row->name);
  return call;
}

/* For callers that do not care. */
static void
ignore_reply (void *opaque, void *ret, const struct virgate_error *error)
{
  free (ret);
}

/* Returns the id, or -1.  Once the lock is dropped the call may be gone. */
static int64_t
queue_async (struct virgate_conn *conn, struct call *call, const void *args)
{
  LOCK_FOR_SCOPE (&conn->lock);
  int64_t id;

  if (io_out_len (conn) > OUT_ASYNC_MAX)
    return client_error (VIRGATE_ERR_RESOURCE_BUSY, VIRGATE_FROM_RPC,
                         "%s: %zu bytes wait to be sent already", conn->where,
                         io_out_len (conn));
  if (call_queue (conn, call, args, NULL) == -1)
    return -1;
  id = (int64_t) call->id + 1;
  /* What a callback starts is sent together when its turn of reading ends. */
  if (!io_is_inside (conn))
    io_flush (conn);
  return id;
}

int64_t
virgate_call_async (struct virgate_conn *conn, uint32_t program,
                    int32_t procedure, const void *args, int32_t timeout_ms,
                    virgate_reply_fn *done, void *opaque)
{
  CLEANUP_FREE struct call *call = calloc (1, sizeof *call);
  int64_t id;

  CONN_CHECK (conn);
  if (call == NULL)
    return client_error (VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_RPC, NULL);
  if (call_find (call, program, procedure, args) == -1)
    return -1;
  call->want_ret = true;
  call->done = done ? done : ignore_reply;
  call->opaque = opaque;
  call->deadline = deadline_of (timeout_ms ? timeout_ms
                                           : conn->call_timeout_ms);
  id = queue_async (conn, call, args);
  if (id != -1)
    steal_pointer (&call);
  return id;
}

int
virgate_cancel (struct virgate_conn *conn, int64_t id)
{
  struct call *call;

  CONN_CHECK (conn);
  pthread_mutex_lock (&conn->lock);
  call = pending_find (&conn->pending, (uint32_t) (id - 1));
  if (call == NULL || call->done == NULL || call->id != (uint64_t) id - 1) {
    pthread_mutex_unlock (&conn->lock);
    return 0;
  }
  pending_remove (&conn->pending, call);
  pending_abandon (&conn->pending, call->id);
  pthread_mutex_unlock (&conn->lock);
  error_set (&call->error, VIRGATE_ERR_OPERATION_ABORTED, VIRGATE_FROM_RPC,
             "%s was cancelled", call->row->name);
  call_tell (call);
  return 1;
}
