/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of calls and streams that a gateway passed on: entries are found
 * whatever was added and removed around them.
 */
#include "config.h"

#include <stdlib.h>

#include <virgate/remote.h>

#include "daemon/passed.h"
#include "unit.h"

static struct frame_header
header (uint32_t serial)
{
  return (struct frame_header) {
    .program = VIRGATE_REMOTE_PROGRAM, .version = 1, .procedure = 23,
    .serial = serial,
  };
}

static void
add (struct passed_table *table, uint32_t serial)
{
  struct frame_header head = header (serial);

  assert_non_null (passed_add (table, &head, NULL, serial));
}

static struct passed *
find (const struct passed_table *table, uint32_t serial)
{
  struct frame_header head = header (serial);

  return passed_find (table, &head, PASSED_CALL);
}

static void
only_the_same_header_is_found (void **state)
{
  struct passed_table table = { 0 };
  struct frame_header head = header (7);

  assert_null (find (&table, 7));
  add (&table, 7);
  assert_non_null (find (&table, 7));
  assert_null (find (&table, 8));
  assert_null (passed_find (&table, &head, PASSED_STREAM));
  head.procedure++;
  assert_null (passed_find (&table, &head, PASSED_CALL));
  head = header (7);
  head.program = VIRGATE_REMOTE_PROGRAM + 1;
  assert_null (passed_find (&table, &head, PASSED_CALL));
  passed_free (&table);
}

static void
a_reply_makes_a_stream_of_a_call (void **state)
{
  struct passed_table table = { 0 };
  struct frame_header head = header (7);

  add (&table, 7);
  find (&table, 7)->state = PASSED_STREAM;
  assert_null (find (&table, 7));
  assert_non_null (passed_find (&table, &head, PASSED_STREAM));
  assert_non_null (passed_find (&table, &head, PASSED_NONE));
  passed_free (&table);
}

static void
equal_serials_are_entries_of_their_own (void **state)
{
  struct passed_table table = { 0 };

  for (int i = 0; i < 100; i++)
    add (&table, 5);
  for (int i = 0; i < 100; i++)
    passed_remove (&table, find (&table, 5));
  assert_null (find (&table, 5));
  assert_int_equal (table.count, 0);
  passed_free (&table);
}

/* Clusters that wrap are put in another order when the table grows. */
static void
the_newest_is_the_one_that_was_added_last (void **state)
{
  struct passed_table table = { 0 };
  struct frame_header head = header (63);

  assert_null (passed_newest (&table, &head));
  for (uint32_t i = 0; i < 200; i++) {
    add (&table, 60 + i % 6);
    add (&table, 63);
    assert_int_equal (passed_newest (&table, &head)->bytes, 63);
    passed_newest (&table, &head)->bytes = 1000;
    if (i % 3 == 0)
      passed_remove (&table, passed_any (&table, PASSED_CALL));
  }
  add (&table, 63);
  find (&table, 63)->state = PASSED_STREAM;
  assert_int_equal (passed_newest (&table, &head)->bytes, 63);
  passed_free (&table);
}

/* Serials that fall on few slots, around the end of the table: clusters that
 * wrap, with holes made in them.
 */
static void
removals_lose_nobody (void **state)
{
  enum { SERIALS = 48 };
  struct passed_table table = { 0 };
  unsigned have[SERIALS] = { 0 }, seed = 1;

  for (int step = 0; step < 200000; step++) {
    unsigned i;

    seed = seed * 1103515245 + 12345;
    i = seed >> 16;
    i %= SERIALS;
    if (have[i] && (seed & 0x8000)) {
      passed_remove (&table, find (&table, i * 13 + 60));
      have[i]--;
    }
    else if (have[i] < 3) {
      add (&table, i * 13 + 60);
      have[i]++;
    }
    if (step % 64 == 0)
      for (unsigned n = 0; n < SERIALS; n++)
        assert_int_equal (find (&table, n * 13 + 60) != NULL, have[n] > 0);
  }
  while (passed_any (&table, PASSED_NONE))
    passed_remove (&table, passed_any (&table, PASSED_NONE));
  assert_int_equal (table.count, 0);
  passed_free (&table);
}

static void
an_empty_table_keeps_little (void **state)
{
  struct passed_table table = { 0 };

  for (uint32_t i = 0; i < 5000; i++)
    add (&table, i);
  while (passed_any (&table, PASSED_NONE))
    passed_remove (&table, passed_any (&table, PASSED_NONE));
  assert_true (table.size <= 64);
  passed_free (&table);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (only_the_same_header_is_found),
    cmocka_unit_test (a_reply_makes_a_stream_of_a_call),
    cmocka_unit_test (equal_serials_are_entries_of_their_own),
    cmocka_unit_test (the_newest_is_the_one_that_was_added_last),
    cmocka_unit_test (removals_lose_nobody),
    cmocka_unit_test (an_empty_table_keeps_little),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
