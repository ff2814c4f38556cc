/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The daemon's sessions, from the handshake to the end.  The input is a
 * script: bytes and whole messages for up to two clients, room for what the
 * daemon writes, turns of the loop, workers that finish, deadlines.  The
 * daemon runs on this thread alone, one step at a time.
 *
 * Whatever happens: what it writes is messages, each call has one answer,
 * memory stays within limits, nobody waits for ever, nobody is in whom no
 * chain of methods let in, and at the end nothing is left.
 *
 * With FUZZ_AUTH, which makes fuzz-auth of it, clients hold conversations and
 * do little else.
 */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "core/keepalive.h"
#include "daemon/dispatch.h"
#include "daemon/listeners.h"
#include "daemon/session.h"
#include "fuzz.h"
#include "fuzz/session-parts.h"
#include "protocol/fill.h"

#define CLIENTS 2
#ifndef FUZZ_AUTH
#define FUZZ_AUTH 0
#endif

#define NO_LIMIT (SIZE_MAX / 4)
/* Turns after which everything must have come to rest. */
#define REST_TURNS 100000

struct client {
  struct session *session;      /* while is_open */
  bool is_open;
  int fd;                       /* never readable or writable */
  struct buf inbox;             /* bytes that the daemon will read */
  bool is_eof, is_reset;
  size_t chunk, room;           /* of one read; of writes */
  size_t seen;                  /* what a transport has decrypted */
  size_t fed;
  uint8_t handshakes;
  uint32_t fds;                 /* come with the next read */
  struct wire_in calls, answers; /* what was read and written, as messages */
  bool is_unclear;              /* what was read is no messages */
  uint64_t call_count, answer_count;
};

static struct server server;
static struct loop loop;
static struct listener listener;
static struct policy policy;
static struct client clients[CLIENTS];
static uint8_t kind;            /* of the policy */
static int quiet[2];            /* a pipe that stays empty */

/* The transport ----------------------------------------------------------- */

static enum wire_verdict
count_call (void *opaque, const struct frame *frame)
{
  struct client *client = opaque;

  if (frame->head.program != KEEPALIVE_PROGRAM
      && (frame->head.type == FRAME_CALL
          || frame->head.type == FRAME_CALL_FDS))
    client->call_count++;
  return WIRE_NEXT;
}

static enum wire_verdict
count_answer (void *opaque, const struct frame *frame)
{
  struct client *client = opaque;

  if (frame->head.program == KEEPALIVE_PROGRAM)
    return WIRE_NEXT;
  if (frame->head.type < FRAME_REPLY || frame->head.type > FRAME_STREAM_HOLE
      || frame->head.type == FRAME_CALL_FDS)
    abort ();
  if (frame->head.type == FRAME_REPLY || frame->head.type == FRAME_REPLY_FDS)
    client->answer_count++;
  if (client->answer_count > client->call_count)
    abort ();
  return WIRE_NEXT;
}

/* Descriptors of the next read: once for the daemon, once for the count. */
static void
make_fds (struct virgate_fds *fds, uint32_t count)
{
  fds->count = count;
  for (uint32_t i = 0; i < fds->count; i++)
    fds->fd[i] = fcntl (quiet[0], F_DUPFD_CLOEXEC, 3);
}

static ssize_t
fake_readv (void *conn, const struct iovec *iov, int iovcnt,
            struct virgate_fds *fds)
{
  struct client *client = conn;
  size_t n = MIN_OF (buf_len (&client->inbox), iov[0].iov_len);
  struct virgate_fds copies = { 0 };

  n = MIN_OF (n, MAX_OF (client->chunk, buf_len (&client->inbox) / 64));
  if (n == 0 && client->is_reset) {
    errno = ECONNRESET;
    return VIRGATE_IO_ERROR;
  }
  if (n == 0)
    return client->is_eof ? 0 : VIRGATE_IO_WANT_READ;
  memcpy (iov[0].iov_base, buf_data (&client->inbox), n);
  if (client->fds > 0) {
    make_fds (&copies, client->fds);
    if (fds)
      make_fds (fds, client->fds);
    client->fds = 0;
  }
  if (!client->is_unclear)
    client->is_unclear =
      wire_feed (&client->calls, iov[0].iov_base, n, &copies, count_call,
                 client) == WIRE_BROKEN;
  buf_consume (&client->inbox, n);
  client->seen -= MIN_OF (client->seen, n);
  client->fed += n;
  return n;
}

static ssize_t
fake_writev (void *conn, const struct iovec *iov, int iovcnt,
             const struct virgate_fds *fds)
{
  struct client *client = conn;
  size_t n = MIN_OF (iov[0].iov_len, client->room);
  struct virgate_fds copies = { 0 };

  if (client->is_reset) {
    errno = EPIPE;
    return VIRGATE_IO_ERROR;
  }
  if (n == 0)
    return VIRGATE_IO_WANT_WRITE;
  if (fds) {
    copies.count = 1;
    copies.fd[0] = fcntl (fds->fd[0], F_DUPFD_CLOEXEC, 3);
    if (copies.fd[0] == -1 || fds->count != 1 || iov[0].iov_len != 1)
      abort ();
  }
  if (wire_feed (&client->answers, iov[0].iov_base, n, &copies, count_answer,
                 client) != WIRE_NEXT)
    abort ();
  client->room -= n;
  return n;
}

static size_t
fake_pending (void *conn)
{
  struct client *client = conn;

  return MIN_OF (client->seen, buf_len (&client->inbox));
}

static int
fake_handshake (void *conn)
{
  struct client *client = conn;

  if (client->handshakes == 0)
    return 0;
  client->handshakes--;
  return client->handshakes == 9 ? -1
         : client->handshakes % 2 ? VIRGATE_IO_WANT_READ
                                  : VIRGATE_IO_WANT_WRITE;
}

static int
fake_pollfd (void *conn)
{
  return ((struct client *) conn)->fd;
}

static void
fake_close (void *conn)
{
  struct client *client = conn;

  client->is_open = false;
}

static const struct virgate_transport_ops transports[] = {
  { .caps = VIRGATE_CAP_LOCAL | VIRGATE_CAP_PASSES_FDS,
    .readv = fake_readv, .writev = fake_writev, .pollfd = fake_pollfd,
    .close = fake_close },
  { .handshake = fake_handshake, .pending = fake_pending,
    .readv = fake_readv, .writev = fake_writev, .pollfd = fake_pollfd,
    .close = fake_close },
};

/* The daemon -------------------------------------------------------------- */

static void
make_server (void)
{
  static struct module module = { .desc.name = "fuzz" };
  static struct instance instance = { .module = &module };

  if (pipe2 (quiet, O_CLOEXEC) == -1)
    abort ();
  server.log = (struct log) { .level = VIRGATE_LOG_DEBUG, .fd = -1 };
  server.limits = (struct limits) {
    .max_clients = 10, .max_strangers = 10, .max_requests = 3,
    .max_request_bytes = 4096, .max_message = 100000, .max_unread = 100000,
    .handshake_ns = 3600 * NS_PER_S,
    .auth_ns = 3600 * NS_PER_S, .open_ns = 3600 * NS_PER_S,
    .auth_attempts = 3, .auth_memory = 800000,
    .frame_ns = 3600 * NS_PER_S, .write_ns = 3600 * NS_PER_S,
    .keepalive_ns = 5 * NS_PER_S, .keepalive_count = 2,
  };
  server.loops = &loop;
  server.loop_count = 1;
  server.hostname = (char *) "host";
  if (sources_init (&server.sources) == -1)
    abort ();
  parts_drivers (&server);
  if (loop_init (&loop, &server, 0) == -1)
    abort ();
  loop.limits = server.limits;
  listener = (struct listener) {
    .refs = 1, .server = &server, .log = &server.log, .name = "fuzz",
    .title = "listen fuzz", .instance = &instance, .policy = &policy,
  };
  crowd_init (&listener.strangers);
}

/* One turn of the loop.  Time passes only where the script says so. */
static void
step (void)
{
  static const struct itimerspec never = { .it_value = { 0, 0 } };

  uv_run (&loop.uv, UV_RUN_NOWAIT);
  timerfd_settime (loop.timer_fd, 0, &never, NULL);
  loop.timer_at = INT64_MAX;
}

static void
connect_client (struct client *client, uint8_t handshakes)
{
  struct session *session;
  const char *reached;

  if (client->fd > 0)
    return;
  client->fd = fcntl (quiet[0], F_DUPFD_CLOEXEC, 3);
  client->handshakes = handshakes;
  client->is_open = true;
  session = session_new (&listener, client);
  client->session = session;
  if (peer_number (&session->peer, VIRGATE_FACT_UID, VIRGATE_VOUCH_KERNEL,
                   handshakes >> 7) == -1)
    abort ();
  if (!source_enter (session) || !stranger_enter (session, &reached)) {
    session_free (session);
    return;
  }
  if (session_begin (session, &loop) == -1)
    abort ();
}

/* What polling would find. */
static bool
happen (struct client *client)
{
  struct session *session = client->session;
  bool in = client->is_eof || client->is_reset
            || (buf_len (&client->inbox) > 0 && client->chunk > 0);
  bool out = client->is_reset || client->room > 0;

  if (!client->is_open)
    return false;
  if (session->state == SESSION_HANDSHAKE)
    in = out = true;
  if (session->polled == UV_DISCONNECT
      && (client->is_eof || client->is_reset)) {
    session_close (session, VIRGATE_LOG_DEBUG, "gone");
    return true;
  }
  if (!((session->polled & UV_READABLE) && in)
      && !((session->polled & UV_WRITABLE) && out))
    return false;
  loop.now = now_ns ();
  session_event (session);
  return true;
}

static void
expire (uint8_t which)
{
  struct list *head = &loop.waits[which % WAIT_COUNT];
  struct wait *wait;

  if (list_is_empty (head))
    return;
  wait = list_item (head->next, struct wait, link);
  list_remove (&wait->link);
  session_expire (wait, which % WAIT_COUNT);
}

static void
pass_time (uint8_t seconds)
{
  loop.now += seconds * NS_PER_S;
  auths_answer (&loop);
  sessions_keepalive (&loop);
}

/* What one source may do, and what follows. */
static void
set_shares (uint8_t shares, uint8_t patience)
{
  server.limits.source_clients = shares & 3;
  server.limits.source_strangers = shares >> 2 & 3;
  server.limits.source_shaking = shares >> 4 & 3;
  policy.max_strangers = shares >> 6;
  loop.limits.auth_attempts = 1 + (patience & 3);
  loop.limits.auth_delay_ns = (patience >> 2 & 3) * NS_PER_S;
  loop.limits.auth_delay_max_ns = 3 * NS_PER_S;
  loop.limits.ban_failures = patience >> 4 & 3;
  loop.limits.ban_window_ns = 3600 * NS_PER_S;
  loop.limits.ban_ns = loop.limits.ban_max_ns = (patience >> 6) * NS_PER_S;
}

static void
check_memory (const struct client *client)
{
  const struct session *session = client->session;

  if (!client->is_open)
    return;
  if (session->state >= SESSION_OPEN && session->state < SESSION_CLOSING
      && !parts_may_be_in (&session->identity, kind))
    abort ();
  /* A longer message may have been begun before the client was let in. */
  if (wire_in_memory (&session->in)
        > 4 * client->fed + 4096 + (kind % 16 ? 2 * LIMIT_SASL_FRAME : 0)
      || wire_in_memory (&session->in) > 1024 * 1024
      || session->held_bytes > 2 * LIMIT_HELD_BYTES
      || session->stream_bytes > LIMIT_STREAMS_BYTES + LIMIT_STREAM_BYTES
      || session->requests > server.limits.max_requests + 64
      || wire_out_len (&session->out) > 4 * 1024 * 1024)
    abort ();
}

/* The script -------------------------------------------------------------- */

static void
put (struct client *client, const void *data, size_t len)
{
  if (buf_append (&client->inbox, data, len) == -1)
    abort ();
}

static void
put_frame (struct client *client, const struct frame_header *head,
           const void *payload, size_t len)
{
  if (frame_append (&client->inbox, head, payload, len) == -1)
    abort ();
}

static void
put_open (struct client *client, uint32_t flags)
{
  const struct frame_header head = {
    VIRGATE_REMOTE_PROGRAM, 1, VIRGATE_REMOTE_PROC_CONNECT_OPEN, FRAME_CALL,
    0, FRAME_OK
  };
  const struct virgate_remote_connect_open_args args = {
    flags & 8 ? "b:///x" : "a:///x", flags
  };
  struct buf wire = BUF_INIT;

  if (xdr_encode (proc_find (head.program, head.procedure)->args, &args,
                  &wire, NULL) == -1)
    abort ();
  put_frame (client, &head, buf_data (&wire), buf_len (&wire));
  buf_free (&wire);
}

/* Arguments of the procedure that are valid, then perhaps not. */
static void
put_args (struct client *client, struct fuzz_input *in,
          const struct frame_header *head, uint8_t damage)
{
  const struct proc_row *row = proc_find (head->program, head->procedure);
  struct arena arena;
  struct fill fill = { &arena, fuzz_byte (in), 3 };
  struct buf wire = BUF_INIT;

  arena_init (&arena, 1024 * 1024);
  if (row && row->args
      && xdr_encode (row->args, fill_object (&fill, row->args), &wire,
                     NULL) == -1)
    abort ();
  while (damage-- > 0 && buf_len (&wire) > 0) {
    size_t at = fuzz_byte (in);

    buf_data (&wire)[at % buf_len (&wire)] ^= fuzz_byte (in);
  }
  put_frame (client, head, buf_len (&wire) > 0 ? buf_data (&wire) : "",
             buf_len (&wire));
  arena_free (&arena);
  buf_free (&wire);
}

static void
put_call (struct client *client, struct fuzz_input *in)
{
  uint8_t which = fuzz_byte (in), odd = fuzz_byte (in);
  struct frame_header head = {
    proc_programs[which % 4].number, 1, fuzz_byte (in) | (which & 0x10) << 4,
    FRAME_CALL, fuzz_byte (in) % 4, FRAME_OK
  };

  if (odd & 1)
    head.type = fuzz_byte (in) % 8;
  if (odd & 2)
    head.status = fuzz_byte (in) % 4;
  if (odd & 4)
    head.version = fuzz_byte (in);
  put_args (client, in, &head, odd >> 5);
}

static void
put_stream (struct client *client, struct fuzz_input *in)
{
  static const int32_t procedures[] = { 201, 208, 209, 211, 296, 148 };
  static char data[0xff * 1024 + 12];
  uint8_t which = fuzz_byte (in);
  const struct frame_header head = {
    VIRGATE_REMOTE_PROGRAM, 1, procedures[which % COUNT_OF (procedures)],
    which & 0x80 ? FRAME_STREAM_HOLE : FRAME_STREAM, fuzz_byte (in) % 4,
    which >> 5 & 3
  };
  size_t len = which & 0x10 ? fuzz_byte (in) * 1024 : fuzz_byte (in);

  data[7] = head.type == FRAME_STREAM_HOLE;
  put_frame (client, &head, data,
             head.type == FRAME_STREAM_HOLE && len > 1 ? 12 : len);
}

/* A message of a conversation; its first byte is what the method decides. */
static void
put_auth (struct client *client, struct fuzz_input *in)
{
  static const char *const mechanisms[] = { "ONE", "TWO", "THREE", "ONE,TWO" };
  static uint8_t data[VIRGATE_AUTH_DATA_MAX];
  uint8_t which = fuzz_byte (in);
  const struct frame_header head = {
    VIRGATE_REMOTE_PROGRAM, 1, 66 + which % 5, FRAME_CALL, 0, FRAME_OK
  };
  struct virgate_remote_auth_sasl_start_args start = {
    .mech = (char *) mechanisms[which >> 3 & 3], .nil = which >> 5 & 1,
    .data.len = which & 0x80 ? 257 * fuzz_byte (in) : which >> 6 & 1,
    .data.val = data,
  };
  struct virgate_remote_auth_sasl_step_args step = {
    .nil = start.nil, .data = { start.data.len, data },
  };
  const struct proc_row *row = proc_find (head.program, head.procedure);
  struct buf wire = BUF_INIT;

  data[0] = fuzz_byte (in);
  if (row->args
      && xdr_encode (row->args, which % 5 == 2 ? (void *) &start : &step,
                     &wire, NULL) == -1)
    abort ();
  put_frame (client, &head, buf_len (&wire) > 0 ? buf_data (&wire) : "",
             buf_len (&wire));
  buf_free (&wire);
}

static void
put_ping (struct client *client, uint8_t n)
{
  const struct frame_header ping = {
    KEEPALIVE_PROGRAM, 1, 1 + n / 128, FRAME_MESSAGE, 0, FRAME_OK
  };

  for (n %= 128; n > 0; n--)
    put_frame (client, &ping, "", 0);
}

static void
put_bytes (struct client *client, struct fuzz_input *in)
{
  size_t len = fuzz_byte (in);
  char *block = fuzz_block (in, &len);

  put (client, block, len);
  free (block);
}

/* Clients that do little but authenticate. */
static uint8_t
auth_act (uint8_t what)
{
  static const uint8_t acts[16] = {
    11, 11, 11, 11, 11, 11, 0, 1, 3, 4, 5, 6, 9, 10, 15, 15,
  };

  return acts[what];
}

static void
act_client (struct client *client, uint8_t what, struct fuzz_input *in)
{
  switch (FUZZ_AUTH ? auth_act (what) : what) {
  case 0:
    put_bytes (client, in);
    break;
  case 1:
    put_call (client, in);
    break;
  case 2:
    put_stream (client, in);
    break;
  case 3:
    put_open (client, fuzz_byte (in));
    break;
  case 4:
    put_ping (client, fuzz_byte (in));
    break;
  case 5:
    client->room += fuzz_byte (in) * 64;
    break;
  case 6:
    client->chunk = 1 + fuzz_byte (in) * fuzz_byte (in);
    break;
  case 7:
    client->fds += fuzz_byte (in) % 40;
    client->fds = MIN_OF (client->fds, (uint32_t) VIRGATE_FDS_MAX);
    break;
  case 8:
    client->seen += fuzz_byte (in) * 16;
    break;
  case 9:
    client->is_eof = true;
    client->is_reset = fuzz_byte (in) % 2;
    break;
  case 10:
    connect_client (client, fuzz_byte (in));
    break;
  case 11:
    put_auth (client, in);
    break;
  default:
    happen (client);
  }
}

static void
act (uint8_t what, struct fuzz_input *in)
{
  switch (what) {
  case 0:
    parts_work (fuzz_byte (in));
    break;
  case 1:
    mood.handler = fuzz_byte (in);
    break;
  case 2:
    mood.stream = fuzz_byte (in);
    break;
  case 3:
    mood.auth = fuzz_byte (in);
    mood.acl = fuzz_byte (in);
    break;
  case 4:
    parts_finish_call (fuzz_byte (in));
    break;
  case 5:
    parts_stream_ready (fuzz_byte (in));
    break;
  case 6:
    parts_send_event (fuzz_byte (in), fuzz_byte (in));
    break;
  case 7:
    expire (fuzz_byte (in));
    break;
  case 8:
    pass_time (fuzz_byte (in));
    break;
  case 9:
    mood.no_workers = !mood.no_workers;
    break;
  case 10:
    set_shares (fuzz_byte (in), fuzz_byte (in));
    break;
  default:
    step ();
  }
}

/* The end ----------------------------------------------------------------- */

/* Everybody reads, all workers finish: then nothing may be left to do. */
static void
come_to_rest (void)
{
  bool any = true;

  mood = (struct mood) { .stream = 3 };
  for (unsigned i = 0; any; i++) {
    if (i == REST_TURNS)
      abort ();
    any = parts_work (0);
    any |= parts_finish_all ();
    for (unsigned j = 0; j < CLIENTS; j++) {
      clients[j].room = clients[j].chunk = NO_LIMIT;
      any |= happen (&clients[j]);
      check_memory (&clients[j]);
    }
    loop.now += 60 * NS_PER_S;
    auths_answer (&loop);
    any |= loop.mail || !list_is_empty (&loop.ready)
           || !list_is_empty (&loop.touched) || !list_is_empty (&loop.delays);
    step ();
  }
}

static void
check_rest (const struct client *client)
{
  const struct session *session = client->session;

  if (!client->is_open)
    return;
  if (session->requests > 0 || session->held || session->is_opening
      || session->is_stopped || wire_out_len (&session->out) > 0
      || buf_len (&client->inbox) > 0)
    abort ();
  if (!client->is_unclear && client->answer_count != client->call_count)
    abort ();
}

static void
free_client (struct client *client)
{
  if (client->fd > 0)
    close (client->fd);
  buf_free (&client->inbox);
  wire_in_free (&client->calls);
  wire_in_free (&client->answers);
  *client = (struct client) { 0 };
}

/* Nobody is counted any more; what is remembered is forgotten. */
static void
check_sources (void)
{
  const struct sources *sources = &server.sources;

  if (listener.clients > 0 || listener.strangers.count > 0
      || sources->strangers[0].count > 0 || sources->strangers[1].count > 0)
    abort ();
  sources_free (&server.sources);
  if (sources_init (&server.sources) == -1)
    abort ();
}

static void
finish (void)
{
  come_to_rest ();
  for (unsigned i = 0; i < CLIENTS; i++) {
    check_rest (&clients[i]);
    clients[i].is_eof = true;
  }
  come_to_rest ();
  for (unsigned i = 0; i < CLIENTS; i++)
    if (clients[i].is_open)
      abort ();
  step ();
  if (!list_is_empty (&loop.sessions) || listener.refs != 1
      || server.clients != 0 || server.strangers != 0 || policy.refs != 1)
    abort ();
  check_sources ();
  parts_check_gone ();
  for (unsigned i = 0; i < CLIENTS; i++)
    free_client (&clients[i]);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  static struct virgate_transport transport;
  struct fuzz_input in = { data, len };
  uint64_t fds;

  kind = fuzz_byte (&in);
  if (FUZZ_AUTH)
    kind = kind % 16 == 0 ? kind + 8 : kind; /* no policy without a chain */
  if (server.loops == NULL)
    make_server ();
  fds = fuzz_fds ();
  transport.ops = &transports[kind >> 7];
  listener.transport = &transport;
  policy = (struct policy) { .refs = 1, .server = &server };
  parts_policy (&policy, kind);
  mood = (struct mood) { 0 };
  set_shares (0, 3);
  for (unsigned i = 0; i < CLIENTS; i++) {
    wire_in_init (&clients[i].calls, FRAME_LEN_MAX);
    wire_in_init (&clients[i].answers, FRAME_LEN_MAX);
    clients[i].chunk = NO_LIMIT;
    clients[i].room = 65536;
  }
  connect_client (&clients[0], kind & 0x40 ? fuzz_byte (&in) : 0);
  while (in.len > 0) {
    uint8_t what = fuzz_byte (&in);

    if (what & 0x40)
      act (what & 0x0f, &in);
    else
      act_client (&clients[what >> 7], what & 0x0f, &in);
    check_memory (&clients[0]);
    check_memory (&clients[1]);
  }
  finish ();
  if (fuzz_fds () != fds)
    abort ();
  return 0;
}
