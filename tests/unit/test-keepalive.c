/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keepalive's clock, with times made up.
 */
#include "config.h"

#include <string.h>

#include "unit.h"

#include "core/keepalive.h"

#define S INT64_C (1000000000)

static void
silence_is_answered_by_count_pings_then_the_end (void **state)
{
  struct keepalive ka;

  keepalive_start (&ka, 5 * S, 5, 0);
  assert_int_equal (keepalive_check (&ka, 5 * S - 1), KEEPALIVE_NOTHING);
  for (int i = 1; i <= 5; i++)
    assert_int_equal (keepalive_check (&ka, i * 5 * S), KEEPALIVE_SEND_PING);
  assert_int_equal (keepalive_check (&ka, 30 * S - 1), KEEPALIVE_NOTHING);
  assert_int_equal (keepalive_check (&ka, 30 * S), KEEPALIVE_DEAD);
}

static void
any_message_starts_the_count_again (void **state)
{
  struct keepalive ka;

  keepalive_start (&ka, S, 1, 0);
  assert_int_equal (keepalive_check (&ka, S), KEEPALIVE_SEND_PING);
  keepalive_heard (&ka, S + 1);
  assert_int_equal (keepalive_check (&ka, 2 * S), KEEPALIVE_NOTHING);
  assert_int_equal (keepalive_check (&ka, 2 * S + 1), KEEPALIVE_SEND_PING);
  assert_int_equal (keepalive_check (&ka, 3 * S + 1), KEEPALIVE_DEAD);
}

static void
zero_interval_never_pings (void **state)
{
  struct keepalive ka;

  keepalive_start (&ka, 0, 5, 0);
  assert_true (keepalive_deadline (&ka) == INT64_MAX);
  assert_int_equal (keepalive_check (&ka, INT64_MAX - 1), KEEPALIVE_NOTHING);
}

static void
ping_is_answered_with_pong_as_libvirtd_does (void **state)
{
  static const unsigned char pong[28] = {
    0, 0, 0, 28, 0x6b, 0x65, 0x65, 0x70, 0, 0, 0, 1,
    0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0,
  };
  struct frame frame = { .head = { .program = KEEPALIVE_PROGRAM, .version = 1,
                                   .procedure = 1, .type = FRAME_MESSAGE } };
  struct buf out = BUF_INIT;

  assert_int_equal (keepalive_frame (&frame, &out), 1);
  assert_int_equal (buf_len (&out), sizeof pong);
  assert_memory_equal (buf_data (&out), pong, sizeof pong);
  frame.head.procedure = 2;
  assert_int_equal (keepalive_frame (&frame, &out), 2);
  frame.head.procedure = 77;
  assert_int_equal (keepalive_frame (&frame, &out), 2);
  frame.head.program = 1;
  assert_int_equal (keepalive_frame (&frame, &out), 0);
  assert_int_equal (buf_len (&out), sizeof pong);
  buf_free (&out);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (silence_is_answered_by_count_pings_then_the_end),
    cmocka_unit_test (any_message_starts_the_count_again),
    cmocka_unit_test (zero_interval_never_pings),
    cmocka_unit_test (ping_is_answered_with_pong_as_libvirtd_does),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
