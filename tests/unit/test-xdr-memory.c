/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory that runs out at any moment: the codec says so, and leaves nothing
 * behind.  Linked with --wrap=malloc.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/fill.h"
#include "protocol/xdr.h"

#define MEMORY (64 * 1024 * 1024)

static long until_failure = -1; /* allocations; -1: none fails */

void *__real_malloc (size_t len);
void *__wrap_malloc (size_t len);

void *
__wrap_malloc (size_t len)
{
  if (until_failure == 0) {
    errno = ENOMEM;
    return NULL;
  }
  if (until_failure > 0)
    until_failure--;
  return __real_malloc (len);
}

void *__real_realloc (void *ptr, size_t len);
void *__wrap_realloc (void *ptr, size_t len);

void *
__wrap_realloc (void *ptr, size_t len)
{
  if (until_failure == 0) {
    errno = ENOMEM;
    return NULL;
  }
  if (until_failure > 0)
    until_failure--;
  return __real_realloc (ptr, len);
}

/* A type with enough in it to need several allocations. */
static const struct xdr_type *
large_type (void)
{
  for (size_t i = 0; i < xdr_type_count; i++)
    if (strcmp (xdr_types[i]->name,
                "virgate_remote_connect_get_all_domain_stats_ret") == 0)
      return xdr_types[i];
  abort ();
}

struct state {
  struct arena arena;
  void *obj;
};

static int
setup (void **state)
{
  struct state *s = calloc (1, sizeof *s);
  struct fill fill = { &s->arena, 0x9e3779b97f4a7c15, 100 };

  arena_init (&s->arena, MEMORY);
  s->obj = fill_object (&fill, large_type ());
  *state = s;
  return 0;
}

static int
teardown (void **state)
{
  struct state *s = *state;

  arena_free (&s->arena);
  free (s);
  return 0;
}

static void
encoding_reports_it_and_takes_back_what_it_wrote (void **state)
{
  struct state *s = *state;
  struct xdr_error error;
  long failures = 0;
  int result;

  do {
    struct buf wire = BUF_INIT;

    assert_int_equal (buf_append (&wire, "head", 4), 0);
    until_failure = failures;
    result = xdr_encode (large_type (), s->obj, &wire, &error);
    until_failure = -1;
    if (result == -1) {
      assert_int_equal (errno, ENOMEM);
      assert_string_equal (error.why, "takes more memory than there is");
      assert_int_equal (buf_len (&wire), 4);
      assert_memory_equal (buf_data (&wire), "head", 4);
      failures++;
    }
    buf_free (&wire);
  } while (result == -1);
  assert_true (failures > 3);
}

static void
decoding_reports_it (void **state)
{
  struct state *s = *state;
  struct buf wire = BUF_INIT;
  long failures = 0;
  void *obj = NULL;
  int result;

  assert_int_equal (xdr_encode (large_type (), s->obj, &wire, NULL), 0);
  do {
    struct arena arena;

    arena_init (&arena, MEMORY);
    until_failure = failures;
    result = xdr_decode (large_type (), buf_data (&wire), buf_len (&wire),
                         &arena, &obj, NULL);
    until_failure = -1;
    if (result == -1) {
      assert_int_equal (errno, ENOMEM);
      assert_null (obj);
      failures++;
    }
    arena_free (&arena);
  } while (result == -1);
  assert_true (failures > 3);
  buf_free (&wire);
}

static void
decoding_into_a_block_reports_it (void **state)
{
  struct state *s = *state;
  struct buf wire = BUF_INIT;
  void *obj = NULL;

  assert_int_equal (xdr_encode (large_type (), s->obj, &wire, NULL), 0);
  until_failure = 0;
  assert_int_equal (xdr_decode_block (large_type (), buf_data (&wire),
                                      buf_len (&wire), MEMORY, &obj, NULL),
                    -1);
  until_failure = -1;
  assert_int_equal (errno, ENOMEM);
  assert_null (obj);
  buf_free (&wire);
}

static void
checking_allocates_nothing (void **state)
{
  struct state *s = *state;
  struct buf wire = BUF_INIT;

  assert_int_equal (xdr_encode (large_type (), s->obj, &wire, NULL), 0);
  until_failure = 0;
  assert_int_equal (xdr_check (large_type (), buf_data (&wire),
                               buf_len (&wire), NULL), 0);
  until_failure = -1;
  buf_free (&wire);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (encoding_reports_it_and_takes_back_what_it_wrote),
    cmocka_unit_test (decoding_reports_it),
    cmocka_unit_test (decoding_into_a_block_reports_it),
    cmocka_unit_test (checking_allocates_nothing),
  };

  return cmocka_run_group_tests (tests, setup, teardown);
}
