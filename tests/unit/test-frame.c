/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Message headers against bytes recorded from libvirtd 9.0.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

#include "core/frame.h"

/* libvirtd's reply to AUTH_LIST on a socket without authentication. */
static const unsigned char auth_list_reply[] = {
  0x00, 0x00, 0x00, 0x24, 0x20, 0x00, 0x80, 0x86, 0x00, 0x00, 0x00, 0x01,
  0x00, 0x00, 0x00, 0x42, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
};

static size_t
length_of (uint32_t word)
{
  char bytes[4] = { word >> 24, word >> 16, word >> 8, word };

  return frame_unpack_length (bytes);
}

static void
frame_reads_a_recorded_reply (void **state)
{
  struct frame_header head;

  assert_int_equal (frame_unpack_length ((const char *) auth_list_reply), 36);
  frame_unpack_header ((const char *) auth_list_reply + 4, &head);
  assert_int_equal (head.program, 0x20008086);
  assert_int_equal (head.version, 1);
  assert_int_equal (head.procedure, 66);
  assert_int_equal (head.type, FRAME_REPLY);
  assert_int_equal (head.serial, 0);
  assert_int_equal (head.status, FRAME_OK);
}

static void
frame_writes_a_recorded_reply (void **state)
{
  const struct frame_header head = {
    .program = 0x20008086, .version = 1, .procedure = 66, .type = FRAME_REPLY,
  };
  struct buf out = BUF_INIT;

  assert_int_equal (frame_append (&out, &head, auth_list_reply + 28, 8), 0);
  assert_int_equal (buf_len (&out), sizeof auth_list_reply);
  assert_memory_equal (buf_data (&out), auth_list_reply, buf_len (&out));
  buf_free (&out);
}

static void
frame_rejects_impossible_lengths (void **state)
{
  assert_int_equal (length_of (0), 0);
  assert_int_equal (length_of (3), 0);
  assert_int_equal (length_of (27), 0);
  assert_int_equal (length_of (28), 28);
  assert_int_equal (length_of (33554436), 33554436);
  assert_int_equal (length_of (33554437), 0);
  assert_int_equal (length_of (UINT32_MAX), 0);
}

static void
frame_that_is_too_long_is_taken_back (void **state)
{
  const struct frame_header head = { .type = FRAME_REPLY };
  struct buf out = BUF_INIT;
  ptrdiff_t mark;

  assert_int_equal (frame_append (&out, &head, "abcd", 4), 0);
  mark = frame_begin (&out, &head, 0);
  assert_int_equal (mark, 32);
  assert_non_null (buf_reserve (&out, FRAME_PAYLOAD_MAX + 1));
  out.end += FRAME_PAYLOAD_MAX + 1;
  assert_int_equal (frame_end (&out, mark), -1);
  assert_int_equal (errno, EMSGSIZE);
  assert_int_equal (buf_len (&out), 32);
  assert_int_equal (frame_append (&out, &head, "", FRAME_PAYLOAD_MAX + 1), -1);
  assert_int_equal (buf_len (&out), 32);
  buf_free (&out);
}

static void
frame_with_descriptors_has_their_count (void **state)
{
  const struct frame_header head = { .type = FRAME_CALL_FDS };
  struct buf out = BUF_INIT;
  ptrdiff_t mark = frame_begin (&out, &head, 2);

  assert_int_equal (mark, 0);
  assert_int_equal (frame_end (&out, mark), 0);
  assert_int_equal (buf_len (&out), 32);
  assert_memory_equal (buf_data (&out) + 28, "\0\0\0\2", 4);
  buf_free (&out);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (frame_reads_a_recorded_reply),
    cmocka_unit_test (frame_writes_a_recorded_reply),
    cmocka_unit_test (frame_rejects_impossible_lengths),
    cmocka_unit_test (frame_that_is_too_long_is_taken_back),
    cmocka_unit_test (frame_with_descriptors_has_their_count),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
