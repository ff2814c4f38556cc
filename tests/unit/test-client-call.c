/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Synchronous calls: what is sent, how replies are matched, what a server may
 * get wrong, and how calls end that are not answered.
 */
#include "config.h"

#include <endian.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fake-server.h"

static struct got *
got_new (void)
{
  struct got *got = malloc (sizeof *got);

  assert_non_null (got);
  return got;
}


static void
call_gets_its_reply (void **state)
{
  struct fake fake;

  fake_start (&fake, fake_echo, NULL, NULL);
  assert_int_equal (call_feature (fake.conn, 5), 5);
  assert_int_equal (call_feature (fake.conn, 6), 6);
  assert_int_equal (virgate_conn_is_alive (fake.conn), 1);
  fake_stop (&fake);
}

static void
check_first_frame (struct fake *fake)
{
  static const unsigned char want[] = {
    0, 0, 0, 32, 0x20, 0x00, 0x80, 0x86, 0, 0, 0, 1, 0, 0, 0, 60, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14
  };
  unsigned char bytes[sizeof want];
  struct got got;

  assert_int_equal (recv (fake->fd, bytes, sizeof bytes, MSG_WAITALL),
                    sizeof bytes);
  assert_memory_equal (bytes, want, sizeof want);
  frame_unpack_header ((char *) bytes + 4, &got.head);
  fake_reply_u32 (fake, &got, 1);
  fake_idle (fake);
}

static void
first_call_has_serial_0 (void **state)
{
  struct fake fake;

  fake_start (&fake, check_first_frame, NULL, NULL);
  assert_int_equal (call_feature (fake.conn, 14), 1);
  fake_stop (&fake);
}

static void
answer_with_error (struct fake *fake)
{
  struct got *got = got_new ();

  assert_true (fake_read (fake, got));
  fake_fail (fake, got, 42, "Domain not found: x");
  free (got);
  fake_idle (fake);
}

static void
server_errors_arrive_unchanged (void **state)
{
  struct fake fake;

  fake_start (&fake, answer_with_error, NULL, NULL);
  assert_int_equal (call_feature (fake.conn, 1), -1);
  assert_int_equal (virgate_last_error ()->code, 42);
  assert_int_equal (virgate_last_error ()->domain, VIRGATE_FROM_DOMAIN);
  assert_string_equal (virgate_last_error ()->message, "Domain not found: x");
  assert_int_equal (virgate_conn_is_alive (fake.conn), 1);
  fake_stop (&fake);
}

static void
answer_late (struct fake *fake)
{
  struct got *first = got_new (), *second = got_new ();

  assert_true (fake_read (fake, first));
  assert_true (fake_read (fake, second));
  fake_reply_u32 (fake, first, 1);
  fake_reply_u32 (fake, second, 2);
  free (first);
  free (second);
  fake_idle (fake);
}

static void
late_reply_is_dropped (void **state)
{
  struct fake fake;

  fake_start (&fake, answer_late, NULL, NULL);
  virgate_set_call_timeout (fake.conn, 20);
  assert_int_equal (call_feature (fake.conn, 1), -1);
  assert_error (VIRGATE_ERR_OPERATION_TIMEOUT, "connect_supports_feature");
  virgate_set_call_timeout (fake.conn, 0);
  assert_int_equal (call_feature (fake.conn, 2), 2);
  fake_stop (&fake);
}

/* The server's answer, and what the client must say to it. */
struct lie {
  int32_t type, status, procedure_off;
  uint32_t program_off, version_off, serial_off;
  const char *payload;
  size_t len;
  const char *says;             /* NULL: the call succeeds */
  bool ends;                    /* the connection */
};

static void
tell_lie (struct fake *fake)
{
  const struct lie *lie = fake->opaque;
  struct got *got = got_new ();
  struct frame_header head;

  assert_true (fake_read (fake, got));
  head = got->head;
  head.type = lie->type;
  head.status = lie->status;
  head.procedure += lie->procedure_off;
  head.program += lie->program_off;
  head.version += lie->version_off;
  head.serial += lie->serial_off;
  fake_send (fake, &head, lie->payload, lie->len);
  free (got);
  fake_idle (fake);
}

#define ONE "\0\0\0\1"

static const struct lie lies[] = {
  { FRAME_REPLY, FRAME_OK, 0, 0, 0, 0, ONE, 4, NULL, false },
  { FRAME_REPLY, FRAME_OK, 1, 0, 0, 0, ONE, 4, "nobody asked", true },
  { FRAME_REPLY, FRAME_OK, 0, 1, 0, 0, ONE, 4, "nobody asked", true },
  { FRAME_REPLY, FRAME_OK, 0, 0, 1, 0, ONE, 4, "nobody asked", true },
  { FRAME_REPLY, FRAME_OK, 0, 0, 0, 1, ONE, 4, "nobody asked", true },
  { FRAME_REPLY, FRAME_OK, 0, 0, 0, -1u, ONE, 4, "nobody asked", true },
  { FRAME_REPLY, FRAME_CONTINUE, 0, 0, 0, 0, ONE, 4, "status 2", false },
  { FRAME_REPLY, 77, 0, 0, 0, 0, ONE, 4, "status 77", false },
  { FRAME_REPLY, FRAME_ERROR, 0, 0, 0, 0, ONE, 4, "the error that", false },
  { FRAME_REPLY, FRAME_ERROR, 0, 0, 0, 0, NULL, 0, "the error that", false },
  { FRAME_REPLY, FRAME_OK, 0, 0, 0, 0, NULL, 0, "is cut off", false },
  { FRAME_REPLY, FRAME_OK, 0, 0, 0, 0, ONE "\0", 5, "after its end", false },
  { FRAME_CALL, FRAME_OK, 0, 0, 0, 0, ONE, 4, "type 0", true },
  { 7, FRAME_OK, 0, 0, 0, 0, ONE, 4, "type 7", true },
  { -1, FRAME_OK, 0, 0, 0, 0, ONE, 4, "type -1", true },
  { FRAME_MESSAGE, FRAME_OK, 0, 99, 0, 0, ONE, 4, "unknown program", true },
  { FRAME_MESSAGE, FRAME_OK, 0, 0, 5, 0, ONE, 4, "unknown program", true },
};

static void
lies_are_told_apart (void **state)
{
  for (size_t i = 0; i < COUNT_OF (lies); i++) {
    struct fake fake;
    int result;

    fake_start (&fake, tell_lie, (void *) &lies[i], NULL);
    virgate_set_call_timeout (fake.conn, 5000);
    result = call_feature (fake.conn, 1);
    if (lies[i].says) {
      assert_int_equal (result, -1);
      assert_error (VIRGATE_ERR_RPC, lies[i].says);
    }
    else
      assert_int_equal (result, 1);
    assert_int_equal (virgate_conn_is_alive (fake.conn), !lies[i].ends);
    fake_stop (&fake);
  }
}

static void
send_error_without_code (struct fake *fake)
{
  struct got *got = got_new ();

  assert_true (fake_read (fake, got));
  fake_fail (fake, got, 0, "");
  free (got);
  fake_idle (fake);
}

static void
error_without_a_code_is_still_one (void **state)
{
  struct fake fake;

  fake_start (&fake, send_error_without_code, NULL, NULL);
  assert_int_equal (call_feature (fake.conn, 1), -1);
  assert_error (VIRGATE_ERR_RPC, "without a reason");
  fake_stop (&fake);
}

/* Raw bytes instead of a reply, then the end of the connection or silence. */
struct bytes {
  const char *data;
  size_t len;
  bool close;
  int32_t code;
  const char *says;
};

static void
send_bytes (struct fake *fake)
{
  const struct bytes *bytes = fake->opaque;
  struct got *got = got_new ();

  assert_true (fake_read (fake, got));
  free (got);
  fake_write (fake, bytes->data, bytes->len);
  if (!bytes->close)
    fake_idle (fake);
}

static const struct bytes endings[] = {
  { NULL, 0, true, VIRGATE_ERR_RPC, "closed the connection" },
  { "\0\0\0", 3, true, VIRGATE_ERR_RPC, "in the middle of a message" },
  { "\0\0\0\x20\x20", 5, true, VIRGATE_ERR_RPC, "middle of a message" },
  { "\0\0\0\x20\x20", 5, false, VIRGATE_ERR_OPERATION_TIMEOUT, "in time" },
  { NULL, 0, false, VIRGATE_ERR_OPERATION_TIMEOUT, "in time" },
  { "\0\0\0\3", 4, false, VIRGATE_ERR_RPC, "no message" },
  { "\0\0\0\x1b", 4, false, VIRGATE_ERR_RPC, "no message" },
  { "\2\0\0\5", 4, false, VIRGATE_ERR_RPC, "no message" },
  { "\xff\xff\xff\xff", 4, false, VIRGATE_ERR_RPC, "no message" },
  { "\2\0\0\4", 4, false, VIRGATE_ERR_RPC, "max-message" },
  { "HTTP/1.1 400 Bad Request\r\n\r\n", 28, false, VIRGATE_ERR_RPC,
    "no message" },
};

static void
endings_are_explained_in_time (void **state)
{
  for (size_t i = 0; i < COUNT_OF (endings); i++) {
    struct fake fake;

    fake_start (&fake, send_bytes, (void *) &endings[i], NULL);
    virgate_set_call_timeout (fake.conn, 100);
    assert_int_equal (call_feature (fake.conn, 1), -1);
    assert_error (endings[i].code, endings[i].says);
    assert_error (endings[i].code, "test:///fake");
    fake_stop (&fake);
  }
}

static void
calls_after_the_end_fail_at_once (void **state)
{
  static const struct bytes nothing = { .close = true };
  struct fake fake;

  fake_start (&fake, send_bytes, (void *) &nothing, NULL);
  assert_int_equal (call_feature (fake.conn, 1), -1);
  assert_int_equal (call_feature (fake.conn, 2), -1);
  assert_error (VIRGATE_ERR_RPC, "closed the connection");
  assert_int_equal (virgate_conn_is_alive (fake.conn), 0);
  fake_stop (&fake);
}

/* A long message that nobody waits for: its beginning is enough. */
static void
begin_long_message (struct fake *fake)
{
  struct got *got = got_new ();
  struct frame_header head;
  char prefix[FRAME_PREFIX_LEN];

  assert_true (fake_read (fake, got));
  head = got->head;
  head.type = FRAME_REPLY;
  frame_pack (prefix, 8 * 1024 * 1024, &head);
  fake_write (fake, prefix, sizeof prefix);
  free (got);
  fake_idle (fake);
}

static void
long_message_is_refused_by_its_header (void **state)
{
  struct fake fake;

  fake_start (&fake, begin_long_message, NULL, NULL);
  virgate_set_call_timeout (fake.conn, 5000);
  assert_int_equal (call_feature (fake.conn, 1), -1);
  assert_error (VIRGATE_ERR_RPC, "begins a message of 8388608 bytes");
  fake_stop (&fake);
}

/* Events and pings -------------------------------------------------------- */

struct seen {
  int count;
  int32_t last;
  struct virgate_conn *conn;
};

static void
see_event (void *opaque, uint32_t program, int32_t procedure, const void *msg)
{
  const struct virgate_remote_domain_event_callback_lifecycle_msg *event = msg;
  struct seen *seen = opaque;

  assert_int_equal (program, VIRGATE_REMOTE_PROGRAM);
  assert_string_equal (event->msg.dom.name, "d");
  seen->count++;
  seen->last = event->msg.event;
  /* A callback may not wait on its own connection. */
  if (seen->conn) {
    assert_int_equal (call_feature (seen->conn, 1), -1);
    assert_error (VIRGATE_ERR_OPERATION_INVALID, "callback");
  }
}

static void
events_first (struct fake *fake)
{
  const struct frame_header unknown = {
    .program = VIRGATE_REMOTE_PROGRAM, .version = 1, .procedure = 9999,
    .type = FRAME_MESSAGE,
  };
  struct got *got = got_new ();

  assert_true (fake_read (fake, got));
  fake_event (fake, 0, 3);
  fake_send (fake, &unknown, "abc", 3);
  fake_event (fake, 0, 4);
  fake_reply_u32 (fake, got, 1);
  free (got);
  fake_idle (fake);
}

static void
events_in_the_middle_of_a_call_are_given (void **state)
{
  struct fake fake;
  struct seen seen = { 0 };

  fake_start (&fake, events_first, NULL, NULL);
  seen.conn = fake.conn;
  virgate_set_event_fn (fake.conn, see_event, &seen);
  assert_int_equal (call_feature (fake.conn, 1), 1);
  assert_int_equal (seen.count, 2);
  assert_int_equal (seen.last, 4);
  fake_stop (&fake);
}

static void
events_without_a_function_are_dropped (void **state)
{
  struct fake fake;

  fake_start (&fake, events_first, NULL, NULL);
  assert_int_equal (call_feature (fake.conn, 1), 1);
  fake_stop (&fake);
}

static void
ping_first (struct fake *fake)
{
  struct frame_header ping = {
    .program = KEEPALIVE_PROGRAM, .version = KEEPALIVE_VERSION,
    .procedure = KEEPALIVE_PING, .type = FRAME_MESSAGE,
  };
  struct got *call = got_new (), *pong = got_new ();

  assert_true (fake_read (fake, call));
  fake_send (fake, &ping, NULL, 0);
  assert_true (fake_read (fake, pong));
  assert_int_equal (pong->head.program, KEEPALIVE_PROGRAM);
  assert_int_equal (pong->head.procedure, KEEPALIVE_PONG);
  assert_int_equal (pong->head.type, FRAME_MESSAGE);
  assert_int_equal (pong->len, 0);
  fake_reply_u32 (fake, call, 1);
  assert_true (fake_read (fake, pong));
  assert_int_equal (pong->head.procedure, KEEPALIVE_PING);
  ping.procedure = KEEPALIVE_PONG;
  fake_send (fake, &ping, NULL, 0);
  free (call);
  free (pong);
  fake_idle (fake);
}

static void
pings_are_answered_while_a_call_waits (void **state)
{
  struct fake fake;

  fake_start (&fake, ping_first, NULL, NULL);
  assert_int_equal (call_feature (fake.conn, 1), 1);
  assert_true (virgate_ping (fake.conn, 5000) > 0);
  fake_stop (&fake);
}

static void
ping_without_answer_times_out (void **state)
{
  struct fake fake;

  fake_start (&fake, fake_idle, NULL, NULL);
  assert_int_equal (virgate_ping (fake.conn, 20), -1);
  assert_error (VIRGATE_ERR_OPERATION_TIMEOUT, "ping");
  fake_stop (&fake);
}

static void
ping_fails_when_the_server_goes (void **state)
{
  static const struct bytes nothing = { .close = true };
  struct fake fake;

  fake_start (&fake, send_bytes, (void *) &nothing, NULL);
  assert_int_equal (virgate_ping (fake.conn, 5000), -1);
  assert_error (VIRGATE_ERR_RPC, "closed the connection");
  fake_stop (&fake);
}

/* Descriptors ------------------------------------------------------------- */

static void
send_fd (int sock, int fd)
{
  char control[CMSG_SPACE (sizeof (int))] __attribute__ ((aligned (16)))
    = { 0 };
  struct iovec iov = { (char[]) { 0 }, 1 };
  struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
                        .msg_control = control,
                        .msg_controllen = sizeof control };
  struct cmsghdr *c = CMSG_FIRSTHDR (&msg);

  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN (sizeof fd);
  memcpy (CMSG_DATA (c), &fd, sizeof fd);
  assert_int_equal (sendmsg (sock, &msg, 0), 1);
}

static int
receive_fd (int sock)
{
  char control[CMSG_SPACE (sizeof (int))] __attribute__ ((aligned (16)));
  char byte;
  struct iovec iov = { &byte, 1 };
  struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
                        .msg_control = control,
                        .msg_controllen = sizeof control };
  int fd;

  assert_int_equal (recvmsg (sock, &msg, 0), 1);
  assert_non_null (CMSG_FIRSTHDR (&msg));
  memcpy (&fd, CMSG_DATA (CMSG_FIRSTHDR (&msg)), sizeof fd);
  return fd;
}

/* Gets two descriptors, sends the second back. */
static void
pass_fds (struct fake *fake)
{
  struct got *got = got_new ();
  struct frame_header head;
  uint32_t one = htobe32 (1);
  int first, second;

  assert_true (fake_read (fake, got));
  assert_int_equal (got->head.type, FRAME_CALL_FDS);
  assert_int_equal (got->fd_count, 2);
  first = receive_fd (fake->fd);
  second = receive_fd (fake->fd);
  head = got->head;
  head.type = FRAME_REPLY_FDS;
  {
    struct buf out = BUF_INIT;
    ptrdiff_t mark = frame_begin (&out, &head, 1);

    assert_int_equal (buf_append (&out, &one, sizeof one), 0);
    assert_int_equal (frame_end (&out, mark), 0);
    fake_write (fake, buf_data (&out), buf_len (&out));
    buf_free (&out);
  }
  send_fd (fake->fd, second);
  close (first);
  close (second);
  free (got);
  fake_idle (fake);
}

static void
descriptors_go_and_come (void **state)
{
  const struct virgate_remote_connect_supports_feature_args args = { 8 };
  int pipe_fds[2], *got_fds = NULL;
  uint32_t got_count = 0;
  struct fake fake;
  char byte = 0;
  void *ret;

  assert_int_equal (pipe2 (pipe_fds, O_CLOEXEC), 0);
  fake_start (&fake, pass_fds, NULL, NULL);
  assert_int_equal (virgate_call_fds (fake.conn, VIRGATE_REMOTE_PROGRAM, 60,
                                      &args, &ret, pipe_fds, 2, &got_fds,
                                      &got_count), 0);
  assert_int_equal (got_count, 1);
  assert_int_equal (fcntl (got_fds[0], F_GETFD), FD_CLOEXEC);
  assert_int_equal (write (got_fds[0], "x", 1), 1);
  assert_int_equal (read (pipe_fds[0], &byte, 1), 1);
  assert_int_equal (byte, 'x');
  close (got_fds[0]);
  close (pipe_fds[0]);
  close (pipe_fds[1]);
  free (got_fds);
  virgate_free (ret);
  fake_stop (&fake);
}

static void
descriptors_nobody_wants_are_closed (void **state)
{
  const struct virgate_remote_connect_supports_feature_args args = { 8 };
  int pipe_fds[2];
  struct fake fake;
  char byte;

  assert_int_equal (pipe2 (pipe_fds, O_CLOEXEC), 0);
  fake_start (&fake, pass_fds, NULL, NULL);
  assert_int_equal (virgate_call_fds (fake.conn, VIRGATE_REMOTE_PROGRAM, 60,
                                      &args, NULL, pipe_fds, 2, NULL, NULL),
                    0);
  close (pipe_fds[1]);
  assert_int_equal (read (pipe_fds[0], &byte, 1), 0);
  close (pipe_fds[0]);
  fake_stop (&fake);
}

/* Misuse ------------------------------------------------------------------ */

static void
bad_arguments_send_nothing (void **state)
{
  struct virgate_remote_domain_lookup_by_name_args args = { "\xff" };
  struct fake fake;
  void *ret;

  fake_start (&fake, fake_echo, NULL, NULL);
  assert_int_equal (virgate_call (fake.conn, 1, 1, NULL, NULL), -1);
  assert_error (VIRGATE_ERR_INVALID_ARG, "no procedure");
  assert_int_equal (virgate_call (fake.conn, VIRGATE_REMOTE_PROGRAM, 318,
                                  NULL, NULL), -1);
  assert_int_equal (virgate_call (fake.conn, VIRGATE_REMOTE_PROGRAM, 23,
                                  NULL, &ret), -1);
  assert_error (VIRGATE_ERR_INVALID_ARG, "takes arguments");
  assert_int_equal (virgate_call (fake.conn, VIRGATE_REMOTE_PROGRAM, 23,
                                  &args, &ret), -1);
  assert_error (VIRGATE_ERR_INVALID_ARG, "not valid UTF-8");
  assert_int_equal (call_feature (fake.conn, 3), 3);
  fake_stop (&fake);
}

/* What fn does must end the program by SIGABRT, with its name on stderr. */
static void
assert_aborts (void (*fn) (void), const char *name)
{
  char text[200] = "";
  int fds[2], status;
  pid_t pid;

  assert_int_equal (pipe (fds), 0);
  pid = fork ();
  if (pid == 0) {
    signal (SIGABRT, SIG_DFL);
    dup2 (fds[1], 2);
    fn ();
    _exit (0);
  }
  close (fds[1]);
  assert_int_equal (waitpid (pid, &status, 0), pid);
  assert_true (read (fds[0], text, sizeof text - 1) > 0);
  close (fds[0]);
  assert_true (WIFSIGNALED (status));
  assert_int_equal (WTERMSIG (status), SIGABRT);
  assert_non_null (strstr (text, name));
}

static void
use_null (void)
{
  virgate_conn_is_alive (NULL);
}

static void
use_garbage (void)
{
  static long garbage[64];

  virgate_ping ((struct virgate_conn *) garbage, 1);
}

static void
use_null_stream (void)
{
  virgate_stream_finish (NULL);
}

static void
bad_handles_abort_by_name (void **state)
{
  assert_aborts (use_null, "virgate_conn_is_alive");
  assert_aborts (use_garbage, "virgate_ping");
  assert_aborts (use_null_stream, "virgate_stream_finish");
  virgate_conn_free (NULL);
  virgate_stream_free (NULL);
  virgate_free (NULL);
  virgate_error_free (NULL);
}

static void
errors_can_be_kept (void **state)
{
  struct virgate_error *kept;

  client_error (VIRGATE_ERR_RPC, VIRGATE_FROM_RPC, "one");
  kept = virgate_error_copy (virgate_last_error ());
  client_error (VIRGATE_ERR_RPC, VIRGATE_FROM_RPC, "two");
  assert_non_null (strstr (kept->message, "one"));
  virgate_error_free (kept);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (call_gets_its_reply),
    cmocka_unit_test (first_call_has_serial_0),
    cmocka_unit_test (server_errors_arrive_unchanged),
    cmocka_unit_test (late_reply_is_dropped),
    cmocka_unit_test (lies_are_told_apart),
    cmocka_unit_test (error_without_a_code_is_still_one),
    cmocka_unit_test (endings_are_explained_in_time),
    cmocka_unit_test (calls_after_the_end_fail_at_once),
    cmocka_unit_test (long_message_is_refused_by_its_header),
    cmocka_unit_test (events_in_the_middle_of_a_call_are_given),
    cmocka_unit_test (events_without_a_function_are_dropped),
    cmocka_unit_test (pings_are_answered_while_a_call_waits),
    cmocka_unit_test (ping_without_answer_times_out),
    cmocka_unit_test (ping_fails_when_the_server_goes),
    cmocka_unit_test (descriptors_go_and_come),
    cmocka_unit_test (descriptors_nobody_wants_are_closed),
    cmocka_unit_test (bad_arguments_send_nothing),
    cmocka_unit_test (bad_handles_abort_by_name),
    cmocka_unit_test (errors_can_be_kept),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
