/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every type of every program goes through the codec and comes back the
 * same; no cut of an encoding is accepted or read beyond.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/fill.h"
#include "protocol/xdr.h"

#define SEEDS 8
#define MEMORY (64 * 1024 * 1024)

struct state {
  struct arena made;            /* objects that are encoded */
  struct arena decoded;
  struct buf wire;
};

static void
encode_seed (struct state *s, const struct xdr_type *type, uint64_t seed)
{
  struct fill fill = { &s->made, seed * 0x9e3779b97f4a7c15, 5 };
  struct xdr_error error;

  buf_consume (&s->wire, buf_len (&s->wire));
  if (xdr_encode (type, fill_object (&fill, type), &s->wire, &error) == -1)
    fail_msg ("%s.%s %s", type->name, error.field, error.why);
}

/* A copy that ends where its memory ends. */
static void *
exact (const struct buf *wire, size_t len)
{
  char *copy = malloc (len);

  if (len > 0)
    memcpy (copy, buf_data (wire), len);
  return copy;
}

static void
check_round_trip (struct state *s, const struct xdr_type *type)
{
  size_t len = buf_len (&s->wire);
  void *copy = exact (&s->wire, len), *obj = NULL, *block = NULL;
  struct buf again = BUF_INIT;

  assert_int_equal (xdr_check (type, copy, len, NULL), 0);
  assert_int_equal (xdr_decode (type, copy, len, &s->decoded, &obj, NULL), 0);
  assert_int_equal (xdr_encode (type, obj, &again, NULL), 0);
  assert_int_equal (buf_len (&again), len);
  assert_memory_equal (buf_data (&again), copy, len);
  buf_consume (&again, len);
  assert_int_equal (xdr_decode_block (type, copy, len, MEMORY, &block, NULL),
                    0);
  memset (copy, 0xee, len);     /* nothing decoded may point into it */
  assert_int_equal (xdr_encode (type, block, &again, NULL), 0);
  assert_int_equal (buf_len (&again), len);
  assert_memory_equal (buf_data (&again), buf_data (&s->wire), len);
  free (block);
  free (copy);
  buf_free (&again);
}

static void
every_type_survives_a_round_trip (void **state)
{
  struct state *s = *state;

  for (size_t i = 0; i < xdr_type_count; i++)
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
      encode_seed (s, xdr_types[i], seed);
      check_round_trip (s, xdr_types[i]);
      arena_reset (&s->made);
      arena_reset (&s->decoded);
    }
}

static void
shortest_encoding_is_as_long_as_the_table_says (void **state)
{
  struct state *s = *state;

  for (size_t i = 0; i < xdr_type_count; i++) {
    encode_seed (s, xdr_types[i], 0);
    assert_int_equal (buf_len (&s->wire), xdr_types[i]->wire_min);
  }
}

static void
every_cut_is_refused (void **state)
{
  struct state *s = *state;

  for (size_t i = 0; i < xdr_type_count; i++)
    for (uint64_t seed = 1; seed < 3; seed++) {
      encode_seed (s, xdr_types[i], seed);
      for (size_t len = 0; len < buf_len (&s->wire); len++) {
        void *copy = exact (&s->wire, len), *obj = NULL;

        assert_int_equal (xdr_check (xdr_types[i], copy, len, NULL), -1);
        assert_int_equal (xdr_decode (xdr_types[i], copy, len, &s->decoded,
                                      &obj, NULL), -1);
        assert_null (obj);
        free (copy);
        arena_reset (&s->decoded);
      }
      arena_reset (&s->made);
    }
}

static void
bytes_after_the_end_are_refused (void **state)
{
  struct state *s = *state;
  struct xdr_error error;

  for (size_t i = 0; i < xdr_type_count; i++) {
    size_t len;

    encode_seed (s, xdr_types[i], 3);
    len = buf_len (&s->wire);
    assert_int_equal (buf_append (&s->wire, "\0\0\0\0", 4), 0);
    assert_int_equal (xdr_check (xdr_types[i], buf_data (&s->wire), len + 4,
                                 &error), -1);
    assert_string_equal (error.why, "has bytes after its end");
    assert_int_equal (error.offset, len);
    arena_reset (&s->made);
  }
}

/* Whatever a message is mutated into, checking and decoding agree, and what
 * is accepted is encoded again without complaint.
 */
static void
checking_and_decoding_agree_on_damaged_messages (void **state)
{
  struct state *s = *state;
  uint64_t random = 1;

  for (size_t i = 0; i < xdr_type_count; i++)
    for (int round = 0; round < 64; round++) {
      size_t len;
      uint8_t *copy;
      struct buf again = BUF_INIT;
      void *obj;
      int checked;

      encode_seed (s, xdr_types[i], 1 + round % SEEDS);
      len = buf_len (&s->wire);
      copy = exact (&s->wire, len);
      random = random * 6364136223846793005 + 1442695040888963407;
      copy[(random >> 33) % len] ^= 1 << (random >> 61);
      checked = xdr_check (xdr_types[i], copy, len, NULL);
      assert_int_equal (xdr_decode (xdr_types[i], copy, len, &s->decoded,
                                    &obj, NULL), checked);
      if (checked == 0)
        assert_int_equal (xdr_encode (xdr_types[i], obj, &again, NULL), 0);
      free (copy);
      buf_free (&again);
      arena_reset (&s->made);
      arena_reset (&s->decoded);
    }
}

static int
setup (void **state)
{
  struct state *s = calloc (1, sizeof *s);

  arena_init (&s->made, MEMORY);
  arena_init (&s->decoded, MEMORY);
  *state = s;
  return 0;
}

static int
teardown (void **state)
{
  struct state *s = *state;

  arena_free (&s->made);
  arena_free (&s->decoded);
  buf_free (&s->wire);
  free (s);
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (every_type_survives_a_round_trip),
    cmocka_unit_test (shortest_encoding_is_as_long_as_the_table_says),
    cmocka_unit_test (every_cut_is_refused),
    cmocka_unit_test (bytes_after_the_end_are_refused),
    cmocka_unit_test (checking_and_decoding_agree_on_damaged_messages),
  };

  return cmocka_run_group_tests (tests, setup, teardown);
}
