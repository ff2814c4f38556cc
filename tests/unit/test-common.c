/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Arena and buffer: ceilings, alignment, overflow, consumption.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

#include "common/arena.h"
#include "common/buf.h"
#include "common/list.h"
#include "common/mem.h"
#include "common/similar.h"

static void
arena_memory_is_zeroed_and_aligned (void **state)
{
  struct arena arena;

  arena_init (&arena, 1 << 20);
  for (size_t len = 0; len < 3000; len += 7) {
    unsigned char *ptr = arena_alloc (&arena, len);

    assert_non_null (ptr);
    assert_int_equal ((uintptr_t) ptr % _Alignof (max_align_t), 0);
    for (size_t i = 0; i < len; i++)
      assert_int_equal (ptr[i], 0);
    memset (ptr, 0xff, len);
  }
  arena_free (&arena);
}

static void
arena_refuses_to_grow_past_its_ceiling (void **state)
{
  struct arena arena;
  size_t got = 0;

  arena_init (&arena, 10000);
  while (arena_alloc (&arena, 100))
    got += 100;
  assert_int_equal (errno, ENOMEM);
  assert_true (got <= 10000 && got > 5000);
  assert_null (arena_alloc (&arena, SIZE_MAX));
  assert_null (arena_alloc (&arena, SIZE_MAX - 3));
  assert_null (arena_array (&arena, SIZE_MAX / 2, 3));
  arena_reset (&arena);
  assert_non_null (arena_alloc (&arena, 8000));
  arena_free (&arena);
}

static void
arena_exact_ceiling_can_be_used (void **state)
{
  struct arena arena;

  arena_init (&arena, 4096);
  assert_non_null (arena_alloc (&arena, 4096));
  assert_null (arena_alloc (&arena, 1));
  arena_free (&arena);
}

static void
arena_strndup_ends_with_nul (void **state)
{
  struct arena arena;
  char *copy;

  arena_init (&arena, 4096);
  copy = arena_strndup (&arena, "abcdef", 3);
  assert_string_equal (copy, "abc");
  assert_null (arena_strndup (&arena, "x", SIZE_MAX));
  arena_free (&arena);
}

static void
buf_keeps_bytes_across_growth_and_consumption (void **state)
{
  struct buf buf = BUF_INIT;
  unsigned char put = 0, want = 0;

  for (int round = 0; round < 2000; round++) {
    for (int i = 0; i < round % 97; i++, put++)
      assert_int_equal (buf_append (&buf, &put, 1), 0);
    for (size_t n = buf_len (&buf) / 2; n > 0; n--, want++) {
      assert_int_equal ((unsigned char) *buf_data (&buf), want);
      buf_consume (&buf, 1);
    }
  }
  assert_true (buf.size < 4096);
  buf_free (&buf);
  assert_int_equal (buf_len (&buf), 0);
}

static void
buf_reserve_detects_overflow (void **state)
{
  struct buf buf = BUF_INIT;

  assert_int_equal (buf_append (&buf, "x", 1), 0);
  assert_null (buf_reserve (&buf, SIZE_MAX));
  assert_int_equal (errno, ENOMEM);
  assert_int_equal (buf_len (&buf), 1);
  buf_free (&buf);
}

static void
list_items_can_be_removed_while_walking (void **state)
{
  struct list head, items[5];
  int seen = 0;

  list_init (&head);
  for (int i = 0; i < 5; i++)
    list_append (&head, &items[i]);
  list_for_each (item, &head) {
    assert_ptr_equal (item, &items[seen]);
    list_remove (item);
    list_remove (item);
    seen++;
  }
  assert_int_equal (seen, 5);
  assert_true (list_is_empty (&head));
}

/* What is meant by a word, of these. */
static const char *
meant (const char *word)
{
  static const char *const words[] = {
    "socket", "mode", "uid", "gid", "start", "domain:start", "max-clients",
  };
  struct similar similar;

  similar_begin (&similar, word, strlen (word));
  for (size_t i = 0; i < COUNT_OF (words); i++)
    similar_offer (&similar, words[i]);
  return similar.best ? similar.best : "";
}

static void
similar_finds_what_was_meant (void **state)
{
  char hint[SIMILAR_HINT_MAX], longest[SIMILAR_MAX + 2];
  struct similar similar;

  assert_string_equal (meant ("sokcet"), "socket");
  assert_string_equal (meant ("sockets"), "socket");
  assert_string_equal (meant ("soket"), "socket");
  assert_string_equal (meant ("domian:start"), "domain:start");
  assert_string_equal (meant ("domian:strat"), "domain:start");
  assert_string_equal (meant ("maxclients"), "max-clients");
  assert_string_equal (meant ("uids"), "uid");
  assert_string_equal (meant ("colour"), "");
  assert_string_equal (meant ("dn"), "");
  assert_string_equal (meant (""), "");
  assert_string_equal (meant ("sckt1x"), "");
  memset (longest, 'x', sizeof longest);
  longest[sizeof longest - 1] = '\0';
  assert_string_equal (meant (longest), "");
  similar_begin (&similar, longest, SIMILAR_MAX);
  similar_offer (&similar, longest);
  assert_null (similar.best);
  longest[SIMILAR_MAX] = '\0';
  similar_offer (&similar, longest);
  assert_ptr_equal (similar.best, longest);
  assert_int_equal (strlen (similar_hint (&similar, hint, sizeof hint)),
                    SIMILAR_MAX + strlen (": did you mean ''?"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (arena_memory_is_zeroed_and_aligned),
    cmocka_unit_test (arena_refuses_to_grow_past_its_ceiling),
    cmocka_unit_test (arena_exact_ceiling_can_be_used),
    cmocka_unit_test (arena_strndup_ends_with_nul),
    cmocka_unit_test (buf_keeps_bytes_across_growth_and_consumption),
    cmocka_unit_test (buf_reserve_detects_overflow),
    cmocka_unit_test (list_items_can_be_removed_while_walking),
    cmocka_unit_test (similar_finds_what_was_meant),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
