/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The life of a call record and the encoding of its reply; see call.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "daemon/call.h"
#include "daemon/objects.h"
#include "daemon/grants.h"
#include "daemon/known-names.h"
#include "daemon/record.h"
#include "daemon/refuse.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "daemon/stream.h"
#include "daemon/visible.h"

static _Thread_local struct virgate_call *current;

struct virgate_call *
call_current (void)
{
  return current;
}

/* Keep the descriptors of a frame: the wire closes its own. */
static int
keep_fds (struct virgate_call *call, const struct frame *frame)
{
  if (frame->fd_count == 0)
    return 0;
  call->fds = calloc (frame->fd_count, sizeof call->fds[0]);
  if (call->fds == NULL)
    return -1;
  for (uint32_t i = 0; i < frame->fd_count; i++) {
    int fd = fcntl (frame->fds[i], F_DUPFD_CLOEXEC, 3);

    if (fd == -1)
      return -1;
    call->fds[call->fd_count++] = fd;
  }
  return 0;
}

struct virgate_call *
call_new (struct session *session, const struct frame *frame,
          const struct proc_row *row)
{
  struct loop *loop = session->loop;
  struct virgate_call *call = loop->spare;

  if (call) {
    struct arena arena = call->arena;

    loop->spare = call->next;
    loop->spare_count--;
    memset (call, 0, sizeof *call);
    call->arena = arena;
  }
  else {
    call = calloc (1, sizeof *call);
    if (call == NULL)
      return NULL;
    arena_init (&call->arena, CALL_ARENA_MAX);
  }
  call->session = session;
  call->row = row;
  call->head = frame->head;
  call->began_ns = loop->now;
  call->bytes = frame->len;
  if (keep_fds (call, frame) == -1) {
    call_free (call);
    return NULL;
  }
  return call;
}

struct virgate_call *
call_decode (struct session *session, const struct frame *frame,
             const struct proc_row *row)
{
  struct virgate_call *call = call_new (session, frame, row);
  struct xdr_error why = { "", "", 0 };

  if (call == NULL) {
    refuse_no_memory (session, &frame->head);
    return NULL;
  }
  if (xdr_decode (row->args, frame->payload, frame->len, &call->arena,
                  &call->args, &why) == 0)
    return call;
  log_undecodable (session, row, &why);
  call->is_undecodable = true;
  call_refuse (call, VIRGATE_ERR_RPC, VIRGATE_FROM_RPC, "%s", UNDECODABLE);
  return NULL;
}

static void
close_all (int *fds, uint32_t count)
{
  for (uint32_t i = 0; i < count; i++)
    close (fds[i]);
  free (fds);
}

void
call_free (struct virgate_call *call)
{
  struct loop *loop = call->session->loop;

  close_all (call->fds, call->fd_count);
  close_all (call->out_fds, call->out_fd_count);
  error_clear (&call->error);
  buf_free (&call->reply);
  buf_free (&call->events);
  if (call->row && (call->row->flags & PROC_SECRET))
    arena_wipe (&call->arena);
  if (loop->spare_count < LOOP_SPARE_CALLS) {
    arena_reset (&call->arena);
    call->next = loop->spare;
    loop->spare = call;
    loop->spare_count++;
    return;
  }
  arena_free (&call->arena);
  free (call);
}

void
calls_free_spare (struct loop *loop)
{
  while (loop->spare) {
    struct virgate_call *next = loop->spare->next;

    arena_free (&loop->spare->arena);
    free (loop->spare);
    loop->spare = next;
  }
  loop->spare_count = 0;
}

/* Append the reply with the result. */
static int
encode_result (struct virgate_call *call, struct buf *out)
{
  struct frame_header head = call->head;
  ptrdiff_t mark;

  head.type = call->out_fd_count > 0 ? FRAME_REPLY_FDS : FRAME_REPLY;
  head.status = FRAME_OK;
  mark = frame_begin (out, &head, call->out_fd_count);
  if (mark == -1)
    return -1;
  if (xdr_encode (call->row->ret, call->ret, out, NULL) == -1) {
    frame_cancel (out, mark);
    return -1;
  }
  return frame_end (out, mark);
}

/* Append the reply, whatever it is.  Any thread. */
static int
encode_reply (struct virgate_call *call, struct buf *out)
{
  if (call->result == 0) {
    if (encode_result (call, out) == 0)
      return 0;
    call->result = -1;
    error_set (&call->error, VIRGATE_ERR_RPC, VIRGATE_FROM_RPC, "%s",
               "Unable to encode message payload");
  }
  else if (call->error.code == VIRGATE_ERR_OK)
    error_set (&call->error, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_RPC,
               "%s", "Library function returned error but did not set "
               "virError");
  return error_reply (out, &call->head, FRAME_REPLY, &call->error);
}

/* Move the bytes of a reply that a worker encoded to the session: a large
 * one is not copied when nothing waits before it.
 */
static int
take_reply (struct session *session, struct buf *reply)
{
  struct wire_out *out = &session->out;

  if (buf_len (&out->buf) == 0 && buf_len (reply) > LOOP_SCRATCH) {
    buf_free (&out->buf);
    out->buf = *reply;
    *reply = (struct buf) BUF_INIT;
    return 0;
  }
  return buf_append (session_out (session), buf_data (reply),
                     buf_len (reply));
}

static int
append_answer (struct virgate_call *call)
{
  struct session *session = call->session;
  int ret;

  if (buf_len (&call->reply) > 0)
    ret = take_reply (session, &call->reply);
  else
    ret = encode_reply (call, session_out (session));
  if (ret == 0 && call->result == 0 && call->out_fd_count > 0)
    ret = wire_out_fds (&session->out, call->out_fds, call->out_fd_count);
  if (ret == 0 && buf_len (&call->events) > 0)
    ret = visible_append_events (session, session_out (session),
                                 buf_data (&call->events),
                                 buf_len (&call->events));
  return ret;
}

static void
log_answer (const struct virgate_call *call)
{
  session_log (call->session, VIRGATE_LOG_DEBUG, "%s: %s", call->row->name,
               call->result == 0 ? "done"
               : call->error.message ? call->error.message : "failed");
}

void
call_answer (struct virgate_call *call)
{
  struct session *session = call->session;
  struct stream *stream = call->stream;
  bool is_counted = call->is_counted, ok = false;
  uint32_t bytes = call->bytes;

  if (call->landed)
    call->landed (call);
  if (!session_is_closing (session))
    visible_filter (call);
  names_touched (session->driver, call->row);
  record_call (call);
  if (!session_is_closing (session)) {
    if (append_answer (call) == -1)
      session->is_broken = true;
    else
      ok = call->result == 0;
    log_answer (call);
    session_touch (session);
  }
  if (stream == NULL && (call->row->flags & PROC_STREAM))
    grants_drop (session, &call->head);
  call_free (call);
  if (stream)
    ok ? stream_start (stream) : stream_discard (stream);
  if (is_counted)
    session_call_ended (session, bytes);
}

void
call_refuse (struct virgate_call *call, int32_t code, int32_t domain,
             const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  error_vset (&call->error, code, domain, fmt, args);
  va_end (args);
  call->result = -1;
  call_answer (call);
}

static void
deliver_answer (struct mail *mail)
{
  call_answer (container_of (mail, struct virgate_call, mail));
}

/* The result stands: encode it here, off the loop, and send it there.  What
 * may have to be filtered waits for the loop, which has the access lists.
 */
static void
finish (struct virgate_call *call)
{
  bool may_hide = call->row->filter || objects_is_lookup (call->row);

  if (!may_hide && encode_reply (call, &call->reply) == -1)
    buf_free (&call->reply);
  call->mail.deliver = deliver_answer;
  loop_post (call->session->loop, &call->mail);
}

static void
call_handler (struct virgate_call *call)
{
  struct virgate_call *outer = current;

  current = call;
  call->returned = call->handler->fn (call->session->driver_conn, call,
                                      call->args, call->ret);
  current = outer;
}

/* The handler returned.  A late call is finished by whichever comes second,
 * this or call_done.  True when the call is this thread's to finish.
 */
static bool
handler_returned (struct virgate_call *call)
{
  if (call->returned == VIRGATE_LATER)
    return atomic_fetch_add (&call->halves, 1) == 1;
  call->result = call->returned;
  return true;
}

static void
run_on_worker (struct job *job)
{
  call_handler (container_of (job, struct virgate_call, job));
}

/* Have the handler run by a thread of its pool. */
static int
queue (struct virgate_call *call)
{
  struct server *server = call->session->loop->server;
  struct session_jobs *jobs;

  if (call->asked)
    return workers_add (&server->openers, &call->asked->opening, &call->job);
  jobs = session_jobs (call->session);
  if (jobs == NULL)
    return -1;
  return call->handler->flags & VIRGATE_PRIORITY
         ? workers_add (&server->priority, &jobs->priority, &call->job)
         : workers_add (&server->workers, &jobs->normal, &call->job);
}

static void
done_on_worker (struct job *job)
{
  struct virgate_call *call = container_of (job, struct virgate_call, job);

  if (call->is_moving) {
    call->is_moving = false;
    if (queue (call) == 0)
      return;
    call->returned = call_service_error (call, VIRGATE_ERR_NO_MEMORY,
                                         VIRGATE_FROM_RPC, NULL);
  }
  if (handler_returned (call))
    finish (call);
}

static void
count (struct virgate_call *call)
{
  call->is_counted = true;
  call->session->requests++;
  call->session->request_bytes += call->bytes;
  session_pin (call->session);
}

static void
run_later (struct virgate_call *call)
{
  call->job.run = run_on_worker;
  call->job.done = done_on_worker;
  count (call);
  if (queue (call) == -1)
    call_refuse (call, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_RPC, NULL);
}

void
call_run (struct virgate_call *call, const struct virgate_handler *handler)
{
  call->handler = handler;
  names_touched (call->session->driver, call->row);
  if (call->row->ret) {
    call->ret = arena_alloc (&call->arena, call->row->ret->size);
    if (call->ret == NULL) {
      call_refuse (call, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_RPC, NULL);
      return;
    }
  }
  if (handler->flags & VIRGATE_WORKER) {
    run_later (call);
    return;
  }
  call_handler (call);
  if (call->returned == VIRGATE_LATER)
    count (call);
  if (handler_returned (call))
    call_answer (call);
}

/* The record of a call within a call has its arena. */
static void
run_nested (struct virgate_call *inner, struct virgate_call *call,
            const struct virgate_handler *handler, void *args)
{
  struct arena own = inner->arena;

  inner->arena = call->arena;
  inner->args = args;
  inner->handler = handler;
  inner->returned = -1;
  inner->ret = arena_alloc (&inner->arena, inner->row->ret->size);
  if (inner->ret)
    call_handler (inner);
  call->arena = inner->arena;
  inner->arena = own;
}

int
call_nested (struct virgate_call *call, const struct proc_row *row,
             void *args, void **ret)
{
  const struct driver *driver = call->session->driver;
  const struct virgate_handler *handler
    = driver ? driver_handler (driver, VIRGATE_REMOTE_PROGRAM, row->number)
             : NULL;
  const struct frame frame = { .head = call->head };
  struct virgate_call *inner;
  int result;

  if (handler == NULL || (handler->flags & VIRGATE_WORKER) || row->ret == NULL
      || (inner = call_new (call->session, &frame, row)) == NULL)
    return -1;
  run_nested (inner, call, handler, args);
  result = inner->returned == 0 ? 0 : -1;
  *ret = inner->ret;
  call_free (inner);
  return result;
}

void *
call_service_alloc (struct virgate_call *call, size_t len)
{
  return arena_alloc (&call->arena, len);
}

int
call_service_error (struct virgate_call *call, int32_t code, int32_t domain,
                    const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  error_vset (&call->error, code, domain, fmt, args);
  va_end (args);
  return -1;
}

int
call_service_record (struct virgate_call *call,
                     const struct virgate_error *error)
{
  error_copy (&call->error, error);
  return -1;
}

uint32_t
call_service_fds (struct virgate_call *call, const int **fds)
{
  *fds = call->fds;
  return call->fd_count;
}

int
call_service_send_fd (struct virgate_call *call, int fd)
{
  int *fds, copy;

  if (!session_passes_fds (call->session))
    return call_service_error (call, VIRGATE_ERR_INTERNAL_ERROR,
                               VIRGATE_FROM_RPC, "%s",
                               "this connection does not pass descriptors");
  if (call->out_fd_count == FRAME_FDS_MAX)
    return call_service_error (call, VIRGATE_ERR_RPC, VIRGATE_FROM_RPC,
                               "too many descriptors: at most %d",
                               FRAME_FDS_MAX);
  fds = realloc (call->out_fds, (call->out_fd_count + 1) * sizeof *fds);
  if (fds)
    call->out_fds = fds;
  copy = fds ? fcntl (fd, F_DUPFD_CLOEXEC, 3) : -1;
  if (copy == -1)
    return call_service_error (call, VIRGATE_ERR_SYSTEM_ERROR,
                               VIRGATE_FROM_RPC, "%s",
                               "cannot duplicate a descriptor");
  call->out_fds[call->out_fd_count++] = copy;
  return 0;
}

void
call_service_done (struct virgate_call *call, int result)
{
  call->result = result;
  if (atomic_fetch_add (&call->halves, 1) == 1)
    finish (call);
}
