/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The library against a server that says whatever the input says.  The input
 * is a script of what the program does (calls, streams, steps) and, whenever
 * the library reads, of what the server sends.  The descriptor that it polls
 * is always ready, so nothing ever waits, and where the script ends so does
 * the connection.
 *
 * Whatever comes: every call has one outcome, what was decoded can be encoded
 * again, memory follows the bytes that came, and at the end nothing is left.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <virgate/remote.h>

#include "client/internal.h"
#include "common/mem.h"
#include "fuzz.h"
#include "protocol/fill.h"

#define STREAMS 3
#define IDS 8
#define CALLS_MAX 2000

struct server {
  struct fuzz_input in;
  struct virgate_conn *conn;
  struct buf inbox;             /* bytes that the library will read */
  size_t fed, chunk, room;
  uint32_t fds;                 /* come with the next read */
  struct wire_in calls;         /* what the library sends, as messages */
};

static int ready = -1;          /* always readable and writable */
static struct server server;
static int64_t ids[IDS];
static unsigned begun, told, closed;
static struct virgate_client_stream *streams[STREAMS];
static struct frame_header opened[STREAMS]; /* the calls that opened them */
static unsigned opening;        /* the stream that is being opened */

/* What the server sends --------------------------------------------------- */

static const struct proc_row *
pick_row (uint8_t which, uint8_t number, const struct proc_program **program)
{
  *program = &proc_programs[which % 4 % proc_program_count];
  return proc_find ((*program)->number, number | (which & 0x10) << 4);
}

/* An object of this type that is valid, then perhaps not. */
static void
put_object (const struct frame_header *head, const struct xdr_type *type,
            uint8_t damage)
{
  struct fuzz_input *in = &server.in;
  struct arena arena;
  struct fill fill = { &arena, fuzz_byte (in), 3 };
  struct buf wire = BUF_INIT;

  arena_init (&arena, 16 * 1024 * 1024);
  if (type && xdr_encode (type, fill_object (&fill, type), &wire, NULL) == -1)
    abort ();
  while (damage-- > 0 && buf_len (&wire) > 0) {
    size_t at = fuzz_byte (in);

    buf_data (&wire)[at % buf_len (&wire)] ^= fuzz_byte (in);
  }
  if (frame_append (&server.inbox, head,
                    buf_len (&wire) > 0 ? buf_data (&wire) : "",
                    buf_len (&wire)) == -1)
    abort ();
  arena_free (&arena);
  buf_free (&wire);
}

/* The reply to a call that waits, or to none. */
static void
put_reply (void)
{
  struct fuzz_input *in = &server.in;
  uint8_t odd = fuzz_byte (in), serial = fuzz_byte (in);
  const struct call *call = pending_find (&server.conn->pending, serial);
  struct frame_header head = {
    VIRGATE_REMOTE_PROGRAM, 1, 1, FRAME_REPLY, serial, FRAME_OK
  };
  const struct xdr_type *type = NULL;

  for (unsigned i = 0; call == NULL && i < 64; i++)
    call = pending_find (&server.conn->pending, serial + i);
  if (call) {
    head.program = call->program->number;
    head.procedure = call->row->number;
    head.serial = (uint32_t) call->id;
    type = call->row->ret;
  }
  if (odd & 1) {
    head.status = fuzz_byte (in) % 4;
    if (head.status == FRAME_ERROR)
      type = xdr_remote_error_type;
  }
  if (odd & 2)
    head.procedure = fuzz_byte (in);
  if (odd & 4)
    head.serial = fuzz_byte (in);
  put_object (&head, type, odd >> 5);
}

static void
put_event (void)
{
  struct fuzz_input *in = &server.in;
  uint8_t which = fuzz_byte (in);
  const struct proc_program *program;
  const struct proc_row *row = pick_row (which, fuzz_byte (in), &program);
  const struct frame_header head = {
    program->number, program->version, row ? row->number : 9999,
    FRAME_MESSAGE, 1, FRAME_OK
  };

  put_object (&head, row ? row->args : NULL, which >> 5);
}

static void
put_stream (void)
{
  static char data[0xff * 4096 + 12];
  struct fuzz_input *in = &server.in;
  uint8_t what = fuzz_byte (in);
  struct frame_header head = {
    VIRGATE_REMOTE_PROGRAM, 1, 201, what & 0x80 ? FRAME_STREAM_HOLE
    : FRAME_STREAM, fuzz_byte (in), what >> 4 & 3
  };
  size_t len = what & 0x40 ? fuzz_byte (in) * 4096 : fuzz_byte (in);

  if (opened[what % STREAMS].type == FRAME_CALL) {
    head.serial = opened[what % STREAMS].serial;
    head.procedure = opened[what % STREAMS].procedure;
  }
  if (head.status == FRAME_ERROR && head.type == FRAME_STREAM) {
    put_object (&head, xdr_remote_error_type, what & 8);
    return;
  }
  data[7] = head.type == FRAME_STREAM_HOLE;
  if (frame_append (&server.inbox, &head, data,
                    head.type == FRAME_STREAM_HOLE && len > 1 ? 12 : len))
    abort ();
}

static void
put_bytes (void)
{
  size_t len = fuzz_byte (&server.in);
  char *block = fuzz_block (&server.in, &len);

  if (buf_append (&server.inbox, block, len) == -1)
    abort ();
  free (block);
}

static void
put_ping (void)
{
  uint8_t n = fuzz_byte (&server.in);

  for (; n % 128 > 0; n--)
    if (keepalive_append (&server.inbox, n & 128 ? KEEPALIVE_PONG
                                                 : KEEPALIVE_PING) == -1)
      abort ();
}

/* One step of the server; false when it does nothing more, ever. */
static bool
serve (void)
{
  struct fuzz_input *in = &server.in;
  uint8_t what = fuzz_byte (in);

  if (in->len == 0)
    return false;
  switch (what % 9) {
  case 0:
    put_bytes ();
    break;
  case 1:
  case 2:
    put_reply ();
    break;
  case 3:
    put_event ();
    break;
  case 4:
    put_stream ();
    break;
  case 5:
    put_ping ();
    break;
  case 6:
    server.fds = fuzz_byte (in) % 40;
    break;
  case 7:
    server.chunk = 1 + fuzz_byte (in) * fuzz_byte (in);
    break;
  default:
    server.room = fuzz_byte (in) * 16;
  }
  return true;
}

/* The transport ----------------------------------------------------------- */

static ssize_t
fake_readv (void *opaque, const struct iovec *iov, int iovcnt,
            struct virgate_fds *fds)
{
  size_t n;

  while (buf_len (&server.inbox) == 0)
    if (!serve ())
      return 0;
  n = MIN_OF (buf_len (&server.inbox), iov[0].iov_len);
  n = MIN_OF (n, MAX_OF (server.chunk, buf_len (&server.inbox) / 64));
  memcpy (iov[0].iov_base, buf_data (&server.inbox), n);
  buf_consume (&server.inbox, n);
  server.fed += n;
  if (fds) {
    fds->count = server.fds;
    for (uint32_t i = 0; i < fds->count; i++)
      fds->fd[i] = fcntl (ready, F_DUPFD_CLOEXEC, 3);
    server.fds = 0;
  }
  return n;
}

static enum wire_verdict
check_call (void *opaque, const struct frame *frame)
{
  const struct proc_row *row = proc_find (frame->head.program,
                                          frame->head.procedure);

  if (frame->head.program == KEEPALIVE_PROGRAM)
    return WIRE_NEXT;
  if (row == NULL)
    abort ();
  if (row->flags & PROC_STREAM && frame->head.type == FRAME_CALL)
    opened[opening] = frame->head;
  if ((frame->head.type == FRAME_CALL || frame->head.type == FRAME_CALL_FDS)
      && xdr_check (row->args, frame->payload, frame->len, NULL) == -1)
    abort ();
  return WIRE_NEXT;
}

static ssize_t
fake_writev (void *opaque, const struct iovec *iov, int iovcnt,
             const struct virgate_fds *fds)
{
  struct virgate_fds copies = { 0 };
  size_t n = MIN_OF (iov[0].iov_len, server.room);

  if (n == 0) {
    server.room = SIZE_MAX;     /* the next time */
    return VIRGATE_IO_WANT_WRITE;
  }
  if (fds) {
    copies.count = 1;
    copies.fd[0] = fcntl (fds->fd[0], F_DUPFD_CLOEXEC, 3);
  }
  if (wire_feed (&server.calls, iov[0].iov_base, n, &copies, check_call,
                 NULL) != WIRE_NEXT)
    abort ();
  server.room -= server.room == SIZE_MAX ? 0 : n;
  return n;
}

static int
fake_pollfd (void *opaque)
{
  return ready;
}

static void
fake_close (void *opaque)
{
}

static const struct virgate_transport_ops fake_ops = {
  .readv = fake_readv, .writev = fake_writev, .pollfd = fake_pollfd,
  .close = fake_close,
};

/* What the program does --------------------------------------------------- */

/* What came is whole: all of it can be encoded. */
static void
check_object (const struct xdr_type *type, const void *obj)
{
  struct buf wire = BUF_INIT;

  if (type && xdr_encode (type, obj, &wire, NULL) == -1)
    abort ();
  buf_free (&wire);
}

static void
on_event (void *opaque, uint32_t program, int32_t procedure, const void *msg)
{
  check_object (proc_find (program, procedure)->args, msg);
}

static void
on_closed (void *opaque, const struct virgate_error *why)
{
  if (why->message == NULL || ++closed > 1)
    abort ();
}

static void begin_call (const struct proc_row *row, uint32_t program);

static void
on_reply (void *opaque, void *ret, const struct virgate_error *error)
{
  const struct proc_row *row = opaque;

  told++;
  if ((ret != NULL) == (error != NULL) && row->ret)
    abort ();
  if (error && error->message == NULL)
    abort ();
  if (ret)
    check_object (row->ret, ret);
  virgate_free (ret);
  if (row->number % 4 == 0)
    begin_call (proc_find (VIRGATE_REMOTE_PROGRAM, 3),
                VIRGATE_REMOTE_PROGRAM);
}

static void *
make_args (const struct proc_row *row, struct arena *arena)
{
  struct fill fill = { arena, row->number, 2 };

  arena_init (arena, 16 * 1024 * 1024);
  return row->args ? fill_object (&fill, row->args) : NULL;
}

static void
begin_call (const struct proc_row *row, uint32_t program)
{
  struct arena arena;
  void *args = make_args (row, &arena);
  int64_t id = virgate_call_async (server.conn, program, row->number, args,
                                   -1, on_reply, (void *) row);

  if (id > 0) {
    begun++;
    ids[begun % IDS] = id;
  }
  arena_free (&arena);
}

/* By its way: 0 plain, 1 with descriptors, 2 too late. */
static void
call_now (const struct proc_row *row, uint32_t program, unsigned way)
{
  struct arena arena;
  void *args = make_args (row, &arena), *ret = NULL;
  int sent[2] = { ready, ready }, *got = NULL, result;
  uint32_t got_count = 0;
  struct call_fds fds = { NULL, 0, NULL, NULL };

  if (way == 1)
    result = virgate_call_fds (server.conn, program, row->number, args, &ret,
                               sent, 2, &got, &got_count);
  else
    result = call_run (server.conn, program, row->number, args, &ret, &fds,
                       way == 2 ? 1 : NEVER_NS);
  if (result == 0)
    check_object (row->ret, ret);
  else if (ret || got || virgate_last_error ()->message == NULL)
    abort ();
  for (uint32_t i = 0; i < got_count; i++)
    close (got[i]);
  free (got);
  virgate_free (ret);
  arena_free (&arena);
}

static void
call_some (void)
{
  struct fuzz_input *in = &server.in;
  uint8_t way = fuzz_byte (in), which = fuzz_byte (in);
  const struct proc_program *program;
  const struct proc_row *row = pick_row (which, fuzz_byte (in), &program);

  if (row == NULL || (row->flags & PROC_EVENT) || begun > CALLS_MAX)
    return;
  if (way & 1)
    begin_call (row, program->number);
  else
    call_now (row, program->number, way % 8 / 2);
}

static void
open_stream (struct virgate_client_stream **stream)
{
  static const int32_t procedures[] = { 201, 208, 209, 211 };
  uint8_t which = fuzz_byte (&server.in);
  const struct proc_row *row =
    proc_find (VIRGATE_REMOTE_PROGRAM, procedures[which % 4]);
  struct arena arena;
  void *args = make_args (row, &arena), *ret = NULL;

  opening = stream - streams;
  *stream = virgate_stream_open (server.conn, VIRGATE_REMOTE_PROGRAM,
                                 row->number, args, &ret);
  if (*stream == NULL && ret)
    abort ();
  virgate_free (ret);
  arena_free (&arena);
}

static void
read_stream (struct virgate_client_stream *stream, uint8_t how)
{
  size_t len = how * 1024 + 1;
  char *data = malloc (len);
  int64_t hole = 0, n;

  n = virgate_stream_read (stream, data, len, how & 1 ? &hole : NULL,
                           how & 2 ? 0 : -1);
  if (n > (int64_t) len || n < -2 || (n > 0 && hole > 0))
    abort ();
  free (data);
}

static void
use_stream (void)
{
  static const char data[70000];
  uint8_t what = fuzz_byte (&server.in);
  struct virgate_client_stream **stream = &streams[what % STREAMS];

  if (*stream == NULL) {
    open_stream (stream);
    return;
  }
  switch (what >> 4 & 7) {
  case 0:
    virgate_stream_free (*stream);
    *stream = NULL;
    break;
  case 1:
    virgate_stream_write (*stream, data, fuzz_byte (&server.in) * 257);
    break;
  case 2:
    virgate_stream_write_hole (*stream, 4096);
    break;
  case 3:
    virgate_stream_finish (*stream);
    break;
  default:
    read_stream (*stream, fuzz_byte (&server.in));
  }
}

static void
act (void)
{
  struct fuzz_input *in = &server.in;
  struct virgate_conn *conn = server.conn;

  switch (fuzz_byte (in) % 10) {
  case 0:
    serve ();
    break;
  case 1:
  case 2:
  case 3:
    call_some ();
    break;
  case 4:
  case 5:
    use_stream ();
    break;
  case 6:
    virgate_cancel (conn, ids[fuzz_byte (in) % IDS]);
    break;
  case 7:
    virgate_conn_step (conn);
    break;
  case 8:
    virgate_ping (conn, fuzz_byte (in) % 2 ? 0 : -1);
    break;
  default:
    virgate_conn_wait (conn, 0);
    virgate_conn_events (conn);
    virgate_conn_timeout_ms (conn);
  }
}

/* Around it --------------------------------------------------------------- */

static void
check_memory (void)
{
  const struct virgate_conn *conn = server.conn;

  if (wire_in_memory (&conn->in) > 4 * server.fed + 4096
      || io_out_len (conn) > OUT_ASYNC_MAX)
    abort ();
}

static void
begin (uint8_t kind)
{
  const struct virgate_connect_options options = {
    .size = sizeof options, .keepalive_interval_ms = kind & 1 ? 0 : -1,
  };
  struct virgate_conn *conn = conn_new (&options);

  server.conn = conn;
  server.chunk = server.room = SIZE_MAX;
  wire_in_init (&server.calls, FRAME_LEN_MAX);
  conn->ops = &fake_ops;
  conn->transport = &server;
  conn->caps = kind & 2 ? VIRGATE_CAP_LOCAL | VIRGATE_CAP_PASSES_FDS : 0;
  conn->one_at_a_time = kind & 4;
  conn->stall_ns = 0;           /* or the only thread would sleep so long */
  conn->message_memory = conn->in.frame_max = kind & 8 ? 100000 : 12000000;
  conn->uri = strdup ("test:///fuzz");
  conn->where = strdup ("test:///fuzz");
  if (kind & 16)
    virgate_set_event_fn (conn, on_event, NULL);
  virgate_set_closed_fn (conn, on_closed, NULL);
}

static void
finish (void)
{
  for (unsigned i = 0; i < STREAMS; i += 2) {
    virgate_stream_free (streams[i]);
    streams[i] = NULL;
  }
  virgate_conn_free (server.conn);
  for (unsigned i = 0; i < STREAMS; i++) {
    virgate_stream_free (streams[i]);
    streams[i] = NULL;
  }
  wire_in_free (&server.calls);
  buf_free (&server.inbox);
  if (begun != told)
    abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  uint64_t fds;

  if (ready == -1)
    ready = eventfd (1, EFD_CLOEXEC | EFD_NONBLOCK);
  fds = fuzz_fds ();
  server = (struct server) { .in = { data, len } };
  begun = told = closed = 0;
  memset (ids, 0, sizeof ids);
  memset (opened, 0xff, sizeof opened);
  begin (fuzz_byte (&server.in));
  while (server.in.len > 0) {
    act ();
    check_memory ();
  }
  finish ();
  if (fuzz_fds () != fds)
    abort ();
  return 0;
}
