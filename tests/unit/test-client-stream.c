/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams in both directions: data, holes, ends, failures, and what happens
 * when one side does not keep up.
 */
#include "config.h"

#include <endian.h>
#include <stdlib.h>

#include "fake-server.h"

/* The call that opened the stream, kept by the script. */
static struct got *
accept_stream (struct fake *fake)
{
  struct got *got = malloc (sizeof *got);

  assert_true (fake_read (fake, got));
  fake_reply (fake, got, NULL, 0);
  return got;
}

static void
send_part (struct fake *fake, const struct got *call, int32_t type,
           int32_t status, const void *data, size_t len)
{
  struct frame_header head = call->head;

  head.type = type;
  head.status = status;
  fake_send (fake, &head, data, len);
}

static void
send_hole (struct fake *fake, const struct got *call, int64_t len)
{
  char payload[12] = { 0 };
  uint64_t be_len = htobe64 ((uint64_t) len);

  memcpy (payload, &be_len, sizeof be_len);
  send_part (fake, call, FRAME_STREAM_HOLE, FRAME_CONTINUE, payload,
             sizeof payload);
}

/* Wait for the client's message of this status, and confirm it. */
static bool
expect_end (struct fake *fake, const struct got *call, int32_t status)
{
  struct got *got = malloc (sizeof *got);
  bool right = fake_read (fake, got) && got->head.type == FRAME_STREAM
               && got->head.status == status && got->len == 0
               && got->head.serial == call->head.serial;

  free (got);
  if (right)
    send_part (fake, call, FRAME_STREAM, FRAME_OK, NULL, 0);
  return right;
}

static struct virgate_client_stream *
open_stream (struct virgate_conn *conn)
{
  const struct virgate_remote_storage_vol_download_args args = {
    .vol = { "pool", "name", "key" }, .flags = 1
  };

  return virgate_stream_open (
    conn, VIRGATE_REMOTE_PROGRAM, VIRGATE_REMOTE_PROC_STORAGE_VOL_DOWNLOAD,
    &args, NULL);
}

/* Reading ----------------------------------------------------------------- */

static void
send_some (struct fake *fake)
{
  struct got *call = accept_stream (fake);

  send_part (fake, call, FRAME_STREAM, FRAME_CONTINUE, "hello", 5);
  send_hole (fake, call, 3);
  send_part (fake, call, FRAME_STREAM, FRAME_CONTINUE, "world", 5);
  send_part (fake, call, FRAME_STREAM, FRAME_CONTINUE, NULL, 0);
  expect_end (fake, call, FRAME_OK);
  free (call);
  fake_idle (fake);
}

static void
data_and_holes_arrive_in_order (void **state)
{
  struct virgate_client_stream *stream;
  struct fake fake;
  char buf[100];
  int64_t hole;

  fake_start (&fake, send_some, NULL, NULL);
  stream = open_stream (fake.conn);
  assert_non_null (stream);
  assert_int_equal (virgate_stream_read (stream, buf, 2, &hole, -1), 2);
  assert_int_equal (hole, 0);
  assert_int_equal (virgate_stream_read (stream, buf, 100, &hole, -1), 3);
  assert_memory_equal (buf, "llo", 3);
  assert_int_equal (virgate_stream_read (stream, buf, 100, &hole, -1), 0);
  assert_int_equal (hole, 3);
  assert_int_equal (virgate_stream_read (stream, buf, 100, &hole, -1), 5);
  assert_memory_equal (buf, "world", 5);
  assert_int_equal (virgate_stream_read (stream, buf, 100, &hole, -1), 0);
  assert_int_equal (hole, 0);
  assert_int_equal (virgate_stream_finish (stream), 0);
  virgate_stream_free (stream);
  fake_stop (&fake);
}

static void
holes_are_zeroes_for_who_does_not_ask (void **state)
{
  struct virgate_client_stream *stream;
  struct fake fake;
  char buf[100];
  int64_t total = 0, n;

  fake_start (&fake, send_some, NULL, NULL);
  stream = open_stream (fake.conn);
  while ((n = virgate_stream_read (stream, buf + total, 4, NULL, -1)) > 0)
    total += n;
  assert_int_equal (n, 0);
  assert_int_equal (total, 13);
  assert_memory_equal (buf, "hello\0\0\0world", 13);
  assert_int_equal (virgate_stream_finish (stream), 0);
  virgate_stream_free (stream);
  fake_stop (&fake);
}

static void
open_and_wait (struct fake *fake)
{
  struct got *call = accept_stream (fake);

  free (call);
  fake_idle (fake);
}

static void
reading_times_out (void **state)
{
  struct virgate_client_stream *stream;
  struct fake fake;
  char byte;

  fake_start (&fake, open_and_wait, NULL, NULL);
  stream = open_stream (fake.conn);
  assert_int_equal (virgate_stream_read (stream, &byte, 1, NULL, 20), -2);
  assert_int_equal (virgate_stream_read (stream, &byte, 1, NULL, 0), -2);
  virgate_set_call_timeout (fake.conn, 20);
  assert_int_equal (virgate_stream_finish (stream), -1);
  assert_error (VIRGATE_ERR_OPERATION_TIMEOUT, "confirm");
  virgate_stream_free (stream);
  fake_stop (&fake);
}

/* The server's side of a stream that fails; what says how. */
struct failure {
  int32_t type, status;
  const char *data;
  size_t len;
  const char *says;
};

static void
send_failure (struct fake *fake)
{
  const struct failure *failure = fake->opaque;
  struct got *call = accept_stream (fake);

  send_part (fake, call, failure->type, failure->status, failure->data,
             failure->len);
  free (call);
  fake_idle (fake);
}

static const struct failure failures[] = {
  { FRAME_STREAM, FRAME_ERROR, "\0\0", 2, "no part of a stream" },
  { FRAME_STREAM, FRAME_ERROR, NULL, 0, "no part of a stream" },
  { FRAME_STREAM, 5, NULL, 0, "no part of a stream" },
  { FRAME_STREAM_HOLE, FRAME_CONTINUE, "abc", 3, "no part of a stream" },
  { FRAME_STREAM_HOLE, FRAME_CONTINUE, "\xff\xff\xff\xff\xff\xff\xff\xff"
    "\0\0\0\0", 12, "no part of a stream" },
  { FRAME_STREAM_HOLE, FRAME_CONTINUE, "\0\0\0\0\0\0\0\0\0\0\0\0", 12,
    "no part of a stream" },
};

static void
malformed_parts_fail_the_stream_only (void **state)
{
  for (size_t i = 0; i < COUNT_OF (failures); i++) {
    struct virgate_client_stream *stream;
    struct fake fake;
    char byte;

    fake_start (&fake, send_failure, (void *) &failures[i], NULL);
    stream = open_stream (fake.conn);
    assert_int_equal (virgate_stream_read (stream, &byte, 1, NULL, 5000), -1);
    assert_error (VIRGATE_ERR_RPC, failures[i].says);
    assert_int_equal (virgate_stream_write (stream, "x", 1), -1);
    assert_int_equal (virgate_stream_finish (stream), -1);
    assert_int_equal (virgate_conn_is_alive (fake.conn), 1);
    virgate_stream_free (stream);
    fake_stop (&fake);
  }
}

static void
fail_stream (struct fake *fake)
{
  struct got *call = accept_stream (fake);
  struct virgate_error err = { 0 };
  struct buf out = BUF_INIT;

  send_part (fake, call, FRAME_STREAM, FRAME_CONTINUE, "x", 1);
  error_text (&err, 38, VIRGATE_FROM_STREAMS, "disk is gone");
  error_encode (&out, &err);
  send_part (fake, call, FRAME_STREAM, FRAME_ERROR, buf_data (&out),
             buf_len (&out));
  /* Late packets are nobody's business any more. */
  send_part (fake, call, FRAME_STREAM, FRAME_CONTINUE, "y", 1);
  buf_free (&out);
  error_clear (&err);
  free (call);
  fake_idle (fake);
}

static void
data_before_a_failure_can_be_read (void **state)
{
  struct virgate_client_stream *stream;
  struct fake fake;
  char byte;

  fake_start (&fake, fail_stream, NULL, NULL);
  stream = open_stream (fake.conn);
  assert_int_equal (virgate_stream_read (stream, &byte, 1, NULL, 5000), 1);
  assert_int_equal (virgate_stream_read (stream, &byte, 1, NULL, 5000), -1);
  assert_error (38, "disk is gone");
  virgate_stream_free (stream);
  fake_stop (&fake);
}

static void
refuse_stream (struct fake *fake)
{
  struct got *got = malloc (sizeof *got);

  assert_true (fake_read (fake, got));
  fake_fail (fake, got, 50, "no such volume");
  free (got);
  fake_idle (fake);
}

static void
refused_stream_is_null (void **state)
{
  struct fake fake;

  fake_start (&fake, refuse_stream, NULL, NULL);
  assert_null (open_stream (fake.conn));
  assert_error (50, "no such volume");
  assert_null (virgate_stream_open (fake.conn, VIRGATE_REMOTE_PROGRAM, 2,
                                    NULL, NULL));
  assert_error (VIRGATE_ERR_INVALID_ARG, "opens no stream");
  fake_stop (&fake);
}

static void
expect_abort (struct fake *fake)
{
  struct got *call = accept_stream (fake);

  *(atomic_int *) fake->opaque = expect_end (fake, call, FRAME_ERROR) ? 1 : 2;
  free (call);
  fake_idle (fake);
}

static void
unfinished_stream_is_aborted (void **state)
{
  struct virgate_client_stream *stream;
  atomic_int seen = 0;
  struct fake fake;

  fake_start (&fake, expect_abort, &seen, NULL);
  stream = open_stream (fake.conn);
  virgate_stream_free (stream);
  fake_stop (&fake);
  assert_int_equal (seen, 1);
}

static void
stream_outlives_its_connection (void **state)
{
  struct virgate_client_stream *stream;
  struct fake fake;
  char byte;

  fake_start (&fake, open_and_wait, NULL, NULL);
  stream = open_stream (fake.conn);
  fake_stop (&fake);
  assert_int_equal (virgate_stream_read (stream, &byte, 1, NULL, -1), -1);
  assert_int_equal (virgate_stream_write (stream, &byte, 1), -1);
  assert_int_equal (virgate_stream_finish (stream), -1);
  assert_error (VIRGATE_ERR_INVALID_STREAM, "closed");
  virgate_stream_free (stream);
}

/* Writing ----------------------------------------------------------------- */

enum { UPLOAD = 5 * 1024 * 1024 };

static void
take_upload (struct fake *fake)
{
  struct got *call = accept_stream (fake), *got = malloc (sizeof *got);
  atomic_long *total = fake->opaque;

  while (fake_read (fake, got)) {
    if (got->head.type == FRAME_STREAM_HOLE) {
      assert_int_equal (got->len, 12);
      atomic_fetch_add (total, 1);
      continue;
    }
    assert_true (got->len <= FRAME_STREAM_MAX);
    if (got->head.status != FRAME_CONTINUE)
      break;
    atomic_fetch_add (total, got->len);
  }
  send_part (fake, call, FRAME_STREAM, FRAME_OK, NULL, 0);
  free (call);
  free (got);
  fake_idle (fake);
}

static void
upload_waits_for_room (void **state)
{
  struct virgate_client_stream *stream;
  char *data = calloc (1, UPLOAD);
  atomic_long total = 0;
  struct fake fake;

  fake_start (&fake, take_upload, &total, NULL);
  stream = open_stream (fake.conn);
  assert_int_equal (virgate_stream_write (stream, data, UPLOAD), 0);
  assert_in_range (io_out_len (fake.conn), 0,
                   OUT_STREAM_MAX + FRAME_STREAM_MAX + FRAME_PREFIX_LEN);
  assert_int_equal (virgate_stream_write_hole (stream, 77), 0);
  assert_int_equal (virgate_stream_write_hole (stream, -1), -1);
  assert_int_equal (virgate_stream_finish (stream), 0);
  assert_int_equal (total, UPLOAD + 1);
  assert_int_equal (virgate_stream_finish (stream), 0);
  assert_int_equal (virgate_stream_write (stream, data, 1), -1);
  virgate_stream_free (stream);
  free (data);
  fake_stop (&fake);
}

static void
never_read (struct fake *fake)
{
  struct got *call = accept_stream (fake);
  atomic_bool *stop = fake->opaque;

  free (call);
  while (!atomic_load (stop))
    sched_yield ();
}

static void
upload_nobody_takes_times_out (void **state)
{
  struct virgate_client_stream *stream;
  char *data = calloc (1, UPLOAD);
  atomic_bool stop = false;
  struct fake fake;

  fake_start (&fake, never_read, &stop, NULL);
  stream = open_stream (fake.conn);
  virgate_set_call_timeout (fake.conn, 50);
  assert_int_equal (virgate_stream_write (stream, data, UPLOAD), -1);
  assert_error (VIRGATE_ERR_OPERATION_TIMEOUT, "does not take");
  assert_in_range (io_out_len (fake.conn), 0,
                   OUT_STREAM_MAX + FRAME_STREAM_MAX + FRAME_PREFIX_LEN);
  virgate_stream_free (stream);
  free (data);
  atomic_store (&stop, true);
  fake_stop (&fake);
}

/* Back-pressure ----------------------------------------------------------- */

enum { PARTS = 64, PART = 256 * 1024 };

/* 16 MiB of stream at once, then the answer to a call. */
static void
flood_stream (struct fake *fake)
{
  struct got *call = accept_stream (fake), *got = malloc (sizeof *got);
  char *data = calloc (1, PART);

  assert_true (fake_read (fake, got));
  for (int i = 0; i < PARTS; i++)
    send_part (fake, call, FRAME_STREAM, FRAME_CONTINUE, data, PART);
  send_part (fake, call, FRAME_STREAM, FRAME_CONTINUE, NULL, 0);
  fake_reply_u32 (fake, got, 1);
  free (data);
  free (call);
  free (got);
  fake_idle (fake);
}

static void *
read_slowly (void *opaque)
{
  struct virgate_client_stream *stream = opaque;
  static char buf[64 * 1024];
  intptr_t total = 0;
  int64_t n;

  while ((n = virgate_stream_read (stream, buf, sizeof buf, NULL, -1)) > 0)
    total += n;
  return (void *) total;
}

static void
call_waits_behind_a_slow_reader_without_filling_memory (void **state)
{
  struct virgate_client_stream *stream;
  struct fake fake;
  pthread_t thread;
  void *total;

  fake_start (&fake, flood_stream, NULL, NULL);
  stream = open_stream (fake.conn);
  assert_int_equal (pthread_create (&thread, NULL, read_slowly, stream), 0);
  assert_int_equal (call_feature (fake.conn, 1), 1);
  pthread_join (thread, &total);
  assert_int_equal ((intptr_t) total, (intptr_t) PARTS * PART);
  assert_true (wire_in_memory (&fake.conn->in) < 2 * STREAM_QUEUE_HARD);
  virgate_stream_free (stream);
  fake_stop (&fake);
}

static void
forgotten_stream_is_given_up (void **state)
{
  struct virgate_client_stream *stream;
  struct fake fake;
  char byte;

  fake_start (&fake, flood_stream, NULL, NULL);
  fake.conn->stall_ns = 50 * NS_PER_MS;
  stream = open_stream (fake.conn);
  assert_int_equal (call_feature (fake.conn, 1), 1);
  assert_int_equal (virgate_stream_read (stream, &byte, 1, NULL, -1), -1);
  assert_error (VIRGATE_ERR_OPERATION_ABORTED, "nobody read");
  virgate_stream_free (stream);
  fake_stop (&fake);
}

static void
stepping_leaves_an_unread_stream_alone (void **state)
{
  const struct virgate_remote_connect_supports_feature_args args = { 1 };
  struct virgate_client_stream *stream;
  struct fake fake;

  fake_start (&fake, flood_stream, NULL, NULL);
  stream = open_stream (fake.conn);
  virgate_call_async (fake.conn, VIRGATE_REMOTE_PROGRAM, 60, &args, -1,
                      NULL, NULL);
  for (int i = 0; i < 200; i++)
    virgate_conn_wait (fake.conn, 1);
  assert_int_equal (virgate_conn_events (fake.conn), 0);
  virgate_stream_free (stream);
  fake_stop (&fake);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (data_and_holes_arrive_in_order),
    cmocka_unit_test (holes_are_zeroes_for_who_does_not_ask),
    cmocka_unit_test (reading_times_out),
    cmocka_unit_test (malformed_parts_fail_the_stream_only),
    cmocka_unit_test (data_before_a_failure_can_be_read),
    cmocka_unit_test (refused_stream_is_null),
    cmocka_unit_test (unfinished_stream_is_aborted),
    cmocka_unit_test (stream_outlives_its_connection),
    cmocka_unit_test (upload_waits_for_room),
    cmocka_unit_test (upload_nobody_takes_times_out),
    cmocka_unit_test (call_waits_behind_a_slow_reader_without_filling_memory),
    cmocka_unit_test (forgotten_stream_is_given_up),
    cmocka_unit_test (stepping_leaves_an_unread_stream_alone),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
