/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Asynchronous calls, stepping and waiting, cancelling, keepalive, and the
 * end of a connection as callbacks see it.
 */
#include "config.h"

#include <poll.h>
#include <stdlib.h>

#include "fake-server.h"

struct outcome {
  int calls;                    /* of the callback */
  int32_t value, code;
};

static void
done (void *opaque, void *ret_, const struct virgate_error *error)
{
  struct virgate_remote_connect_supports_feature_ret *ret = ret_;
  struct outcome *outcome = opaque;

  outcome->calls++;
  outcome->value = ret ? ret->supported : -1;
  outcome->code = error ? error->code : 0;
  assert_true ((ret == NULL) == (error != NULL));
  virgate_free (ret);
}

static int64_t
start (struct virgate_conn *conn, int32_t feature, int32_t timeout_ms,
       struct outcome *outcome)
{
  const struct virgate_remote_connect_supports_feature_args args = {
    .feature = feature
  };

  return virgate_call_async (conn, VIRGATE_REMOTE_PROGRAM,
                             VIRGATE_REMOTE_PROC_CONNECT_SUPPORTS_FEATURE,
                             &args, timeout_ms, done, outcome);
}

/* As an event loop does it. */
static int
poll_and_step (struct virgate_conn *conn)
{
  struct pollfd pollfd = { virgate_conn_fd (conn),
                           virgate_conn_events (conn), 0 };
  int timeout_ms = virgate_conn_timeout_ms (conn);

  poll (&pollfd, 1, timeout_ms < 0 ? 5000 : timeout_ms);
  return virgate_conn_step (conn);
}

static void
every_call_ends_once (void **state)
{
  enum { COUNT = 300 };
  struct outcome outcomes[COUNT] = { { 0 } };
  struct fake fake;
  int ended = 0;

  fake_start (&fake, fake_echo, NULL, NULL);
  for (int i = 0; i < COUNT; i++)
    assert_true (start (fake.conn, i, -1, &outcomes[i]) > 0);
  while (ended < COUNT) {
    assert_int_equal (poll_and_step (fake.conn), 0);
    ended = 0;
    for (int i = 0; i < COUNT; i++)
      ended += outcomes[i].calls;
  }
  for (int i = 0; i < COUNT; i++) {
    assert_int_equal (outcomes[i].calls, 1);
    assert_int_equal (outcomes[i].value, i);
  }
  fake_stop (&fake);
}

static void
wait_is_an_event_loop (void **state)
{
  struct outcome outcome = { 0 };
  struct fake fake;

  fake_start (&fake, fake_echo, NULL, NULL);
  assert_true (start (fake.conn, 9, 0, &outcome) > 0);
  while (outcome.calls == 0)
    assert_int_equal (virgate_conn_wait (fake.conn, 5000), 0);
  assert_int_equal (outcome.value, 9);
  assert_int_equal (virgate_conn_wait (fake.conn, 10), 0);
  fake_stop (&fake);
}

static void
time_runs_out_in_a_step (void **state)
{
  struct outcome late = { 0 }, later = { 0 };
  struct fake fake;
  int timeout_ms;

  fake_start (&fake, fake_idle, NULL, NULL);
  assert_true (start (fake.conn, 1, 40, &later) > 0);
  assert_true (start (fake.conn, 1, 20, &late) > 0);
  timeout_ms = virgate_conn_timeout_ms (fake.conn);
  assert_in_range (timeout_ms, 0, 20);
  while (late.calls == 0)
    poll_and_step (fake.conn);
  assert_int_equal (late.code, VIRGATE_ERR_OPERATION_TIMEOUT);
  while (later.calls == 0)
    virgate_conn_wait (fake.conn, -1);
  assert_int_equal (later.code, VIRGATE_ERR_OPERATION_TIMEOUT);
  assert_int_equal (virgate_conn_timeout_ms (fake.conn), -1);
  fake_stop (&fake);
}

static void
answer_two_at_the_end (struct fake *fake)
{
  struct got *first = malloc (sizeof *first), *second = malloc (sizeof *first);

  fake_read (fake, first);
  fake_read (fake, second);
  fake_reply_u32 (fake, second, 2);
  fake_reply_u32 (fake, first, 1);
  free (first);
  free (second);
  fake_idle (fake);
}

static void
cancelled_call_ends_at_once_and_its_reply_is_dropped (void **state)
{
  struct outcome first = { 0 }, second = { 0 };
  struct fake fake;
  int64_t id;

  fake_start (&fake, answer_two_at_the_end, NULL, NULL);
  id = start (fake.conn, 1, -1, &first);
  assert_int_equal (virgate_cancel (fake.conn, id), 1);
  assert_int_equal (first.calls, 1);
  assert_int_equal (first.code, VIRGATE_ERR_OPERATION_ABORTED);
  assert_int_equal (virgate_cancel (fake.conn, id), 0);
  assert_int_equal (virgate_cancel (fake.conn, 12345), 0);
  start (fake.conn, 2, -1, &second);
  while (second.calls == 0)
    assert_int_equal (virgate_conn_wait (fake.conn, 5000), 0);
  assert_int_equal (second.value, 2);
  assert_int_equal (virgate_conn_wait (fake.conn, 10), 0);
  assert_int_equal (first.calls, 1);
  assert_int_equal (virgate_conn_is_alive (fake.conn), 1);
  fake_stop (&fake);
}

/* A chain of calls, each started by the callback of the one before. */
struct chain {
  struct virgate_conn *conn;
  int left;
};

static void
go_on (void *opaque, void *ret, const struct virgate_error *error)
{
  const struct virgate_remote_connect_supports_feature_args args = { 1 };
  struct chain *chain = opaque;

  assert_null (error);
  virgate_free (ret);
  if (--chain->left > 0)
    assert_true (virgate_call_async (chain->conn, VIRGATE_REMOTE_PROGRAM, 60,
                                     &args, -1, go_on, chain) > 0);
}

static void
callbacks_may_start_calls (void **state)
{
  const struct virgate_remote_connect_supports_feature_args args = { 1 };
  struct chain chain = { .left = 20 };
  struct fake fake;

  fake_start (&fake, fake_echo, NULL, NULL);
  chain.conn = fake.conn;
  assert_true (virgate_call_async (fake.conn, VIRGATE_REMOTE_PROGRAM, 60,
                                   &args, -1, go_on, &chain) > 0);
  while (chain.left > 0)
    assert_int_equal (poll_and_step (fake.conn), 0);
  fake_stop (&fake);
}

static void
close_after_one (struct fake *fake)
{
  struct got *got = malloc (sizeof *got);

  fake_read (fake, got);
  free (got);
}

static void
closed (void *opaque, const struct virgate_error *why)
{
  struct outcome *outcome = opaque;

  outcome->calls++;
  outcome->code = why->code;
}

static void
end_fails_all_calls_and_is_told_once (void **state)
{
  struct outcome outcomes[3] = { { 0 } }, end = { 0 };
  struct fake fake;

  fake_start (&fake, close_after_one, NULL, NULL);
  virgate_set_closed_fn (fake.conn, closed, &end);
  for (int i = 0; i < 3; i++)
    start (fake.conn, 1, -1, &outcomes[i]);
  while (virgate_conn_wait (fake.conn, 5000) == 0)
    ;
  for (int i = 0; i < 3; i++) {
    assert_int_equal (outcomes[i].calls, 1);
    assert_int_equal (outcomes[i].code, VIRGATE_ERR_RPC);
  }
  assert_int_equal (end.calls, 1);
  assert_int_equal (virgate_conn_step (fake.conn), -1);
  assert_int_equal (start (fake.conn, 1, -1, &outcomes[0]), -1);
  assert_int_equal (end.calls, 1);
  fake_stop (&fake);
  assert_int_equal (end.calls, 1);
}

static void
free_fails_what_is_pending (void **state)
{
  struct outcome outcome = { 0 }, end = { 0 };
  struct fake fake;

  fake_start (&fake, fake_idle, NULL, NULL);
  virgate_set_closed_fn (fake.conn, closed, &end);
  start (fake.conn, 1, -1, &outcome);
  fake_stop (&fake);
  assert_int_equal (outcome.calls, 1);
  assert_int_equal (outcome.code, VIRGATE_ERR_RPC);
  assert_int_equal (end.calls, 0);
}

static void
silent_server_does_not_hold_up_free (void **state)
{
  struct fake fake;
  int64_t before = now_ns ();

  fake_start (&fake, close_after_one, NULL, NULL);
  fake_stop (&fake);
  assert_true (now_ns () - before < 3 * NS_PER_S);
}

/* Keepalive --------------------------------------------------------------- */

/* Supports keepalive, counts pings, answers the first two. */
static void
count_pings (struct fake *fake)
{
  struct got *got = malloc (sizeof *got);
  int *pings = fake->opaque;

  while (fake_read (fake, got))
    if (got->head.program == KEEPALIVE_PROGRAM) {
      got->head.procedure = KEEPALIVE_PONG;
      if (++*pings <= 2)
        fake_send (fake, &got->head, NULL, 0);
    }
    else if (got->head.procedure == 60)
      fake_reply_u32 (fake, got, 1);
  free (got);
}

static void
dead_server_is_noticed (void **state)
{
  const struct virgate_connect_options options = {
    .size = sizeof options, .keepalive_interval_ms = 20, .keepalive_count = 3
  };
  struct fake fake;
  int pings = 0;

  fake_start (&fake, count_pings, &pings, &options);
  while (virgate_conn_wait (fake.conn, -1) == 0)
    ;
  assert_int_equal (call_feature (fake.conn, 1), -1);
  assert_error (VIRGATE_ERR_RPC, "no sign of life");
  fake_stop (&fake);
  assert_int_equal (pings, 5);
}

static void
never_stepped_never_pings (void **state)
{
  const struct virgate_connect_options options = {
    .size = sizeof options, .keepalive_interval_ms = 5, .keepalive_count = 1
  };
  struct fake fake;

  fake_start (&fake, fake_echo, NULL, &options);
  assert_int_equal (call_feature (fake.conn, 7), 7);
  assert_int_equal (fake.conn->keepalive_state, KEEPALIVE_OFF);
  fake_stop (&fake);
}

static void
flood_pings (struct fake *fake)
{
  const struct frame_header ping = {
    .program = KEEPALIVE_PROGRAM, .version = KEEPALIVE_VERSION,
    .procedure = KEEPALIVE_PING, .type = FRAME_MESSAGE,
  };
  struct got *got = malloc (sizeof *got);

  fake_read (fake, got);
  for (int i = 0; i < 30000; i++)
    fake_send (fake, &ping, NULL, 0);
  fake_reply_u32 (fake, got, 1);
  free (got);
  fake_idle (fake);
}

static void
ping_flood_is_answered_within_bounds (void **state)
{
  struct fake fake;

  fake_start (&fake, flood_pings, NULL, NULL);
  assert_int_equal (call_feature (fake.conn, 1), 1);
  assert_in_range (io_out_len (fake.conn), 0, 3 * OUT_PONG_MAX);
  fake_stop (&fake);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (every_call_ends_once),
    cmocka_unit_test (wait_is_an_event_loop),
    cmocka_unit_test (time_runs_out_in_a_step),
    cmocka_unit_test (cancelled_call_ends_at_once_and_its_reply_is_dropped),
    cmocka_unit_test (callbacks_may_start_calls),
    cmocka_unit_test (end_fails_all_calls_and_is_told_once),
    cmocka_unit_test (free_fails_what_is_pending),
    cmocka_unit_test (silent_server_does_not_hold_up_free),
    cmocka_unit_test (dead_server_is_noticed),
    cmocka_unit_test (never_stepped_never_pings),
    cmocka_unit_test (ping_flood_is_answered_within_bounds),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
