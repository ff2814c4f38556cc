/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every limit of the protocol, from both sides: as many items as are allowed
 * pass, one more does not, neither when encoding nor when decoding; and a
 * count alone reserves nothing.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <virgate/remote.h>

#include "protocol/fill.h"
#include "protocol/xdr.h"

#define MEMORY ((size_t) 256 * 1024 * 1024)

typedef void field_fn (const struct xdr_type *type,
                       const struct xdr_field *field, size_t offset);

/* Call FN for every list there is; OFFSET is where its count stands in the
 * shortest encoding.
 */
static void
for_each_list (field_fn *fn)
{
  size_t lists = 0;

  for (size_t i = 0; i < xdr_type_count; i++) {
    size_t offset = 0;

    for (uint32_t k = 0; k < xdr_types[i]->count; k++) {
      const struct xdr_field *field = &xdr_types[i]->fields[k];

      if (field->form == XDR_LIST) {
        fn (xdr_types[i], field, offset);
        lists++;
      }
      offset += fill_wire_min (field);
    }
  }
  assert_true (lists > 100);
}

static void
put_count (struct buf *wire, size_t offset, uint32_t count)
{
  uint8_t *at = (uint8_t *) buf_data (wire) + offset;

  at[0] = count >> 24;
  at[1] = count >> 16;
  at[2] = count >> 8;
  at[3] = count;
}

static void
check_full_list (const struct xdr_type *type, const struct xdr_field *field,
                 size_t offset)
{
  struct arena arena;
  struct fill fill = { &arena, 0, 0 };
  struct buf wire = BUF_INIT;
  struct xdr_error error;
  uint32_t one_more;
  void *obj, *copy;

  arena_init (&arena, MEMORY);
  obj = fill_object (&fill, type);
  fill_list (&fill, field, obj, field->limit);
  assert_int_equal (xdr_encode (type, obj, &wire, NULL), 0);
  assert_int_equal (xdr_check (type, buf_data (&wire), buf_len (&wire), NULL),
                    0);
  assert_int_equal (xdr_decode (type, buf_data (&wire), buf_len (&wire),
                                &arena, &copy, NULL), 0);
  assert_memory_equal ((char *) copy + field->offset,
                       (char *) obj + field->offset, sizeof (uint32_t));

  one_more = field->limit + 1;
  memcpy ((char *) obj + field->offset, &one_more, sizeof one_more);
  assert_int_equal (xdr_encode (type, obj, &wire, &error), -1);
  assert_string_equal (error.field, field->name);
  assert_string_equal (error.why, "has more items than the protocol allows");
  buf_free (&wire);
  arena_free (&arena);
}

static void
full_lists_pass_and_one_more_item_does_not (void **state)
{
  for_each_list (check_full_list);
}

static void
check_claims (const struct xdr_type *type, const struct xdr_field *field,
              size_t offset)
{
  static const uint32_t more[] = { 1, 0x7fffffff, 0xffffffff };
  struct arena arena, small;
  struct fill fill = { &arena, 0, 0 };
  struct buf wire = BUF_INIT;
  struct xdr_error error;
  void *obj;

  arena_init (&arena, MEMORY);
  arena_init (&small, type->size + 2048);
  assert_int_equal (xdr_encode (type, fill_object (&fill, type), &wire, NULL),
                    0);
  put_count (&wire, offset, field->limit);
  errno = 0;
  assert_int_equal (xdr_decode (type, buf_data (&wire), buf_len (&wire),
                                &small, &obj, &error), -1);
  assert_int_equal (errno, EBADMSG);
  if (field->op != XDR_BYTES)
    assert_string_equal (error.why, "claims more items than there are bytes");
  for (size_t i = 0; i < 3; i++) {
    put_count (&wire, offset,
               more[i] == 1 ? field->limit + 1 : more[i]);
    arena_reset (&small);
    assert_int_equal (xdr_decode (type, buf_data (&wire), buf_len (&wire),
                                  &small, &obj, &error), -1);
    assert_string_equal (error.field, field->name);
    assert_string_equal (error.why,
                         "has more items than the protocol allows");
    assert_int_equal (error.offset, offset + 4);
  }
  buf_free (&wire);
  arena_free (&arena);
  arena_free (&small);
}

static void
claimed_counts_reserve_nothing (void **state)
{
  for_each_list (check_claims);
}

static void
strings_end_at_four_mebibytes (void **state)
{
  const struct xdr_type *type = NULL;
  struct virgate_domain domain = { 0 }, *copy;
  struct buf wire = BUF_INIT;
  struct xdr_error error;
  char *name;
  void *obj;

  for (size_t i = 0; i < xdr_type_count; i++)
    if (strcmp (xdr_types[i]->name, "virgate_domain") == 0)
      type = xdr_types[i];
  name = malloc (XDR_STRING_MAX + 2);
  memset (name, 'n', XDR_STRING_MAX + 2);
  name[XDR_STRING_MAX] = 0;
  domain.name = name;
  assert_int_equal (xdr_encode (type, &domain, &wire, NULL), 0);
  assert_int_equal (xdr_decode_block (type, buf_data (&wire), buf_len (&wire),
                                      MEMORY, &obj, NULL), 0);
  copy = obj;
  assert_int_equal (strlen (copy->name), XDR_STRING_MAX);
  free (copy);

  put_count (&wire, 0, XDR_STRING_MAX + 1);
  assert_int_equal (xdr_check (type, buf_data (&wire), buf_len (&wire),
                               &error), -1);
  assert_string_equal (error.why, "is longer than the protocol allows");
  assert_int_equal (error.offset, 4);

  name[XDR_STRING_MAX] = 'n';
  name[XDR_STRING_MAX + 1] = 0;
  assert_int_equal (xdr_encode (type, &domain, &wire, &error), -1);
  assert_string_equal (error.why, "is longer than the protocol allows");
  free (name);
  buf_free (&wire);
}

/* Many long strings together make no message longer than a frame carries. */
static void
messages_end_at_the_frame_limit (void **state)
{
  const struct xdr_type *type = NULL;
  struct virgate_remote_connect_baseline_cpu_args args = { 0 };
  struct buf wire = BUF_INIT;
  struct xdr_error error;
  const char *strings[9];
  char *text = malloc (XDR_STRING_MAX + 1);

  for (size_t i = 0; i < xdr_type_count; i++)
    if (strcmp (xdr_types[i]->name,
                "virgate_remote_connect_baseline_cpu_args") == 0)
      type = xdr_types[i];
  memset (text, 'x', XDR_STRING_MAX);
  text[XDR_STRING_MAX] = 0;
  for (size_t i = 0; i < 9; i++)
    strings[i] = text;
  args.xmlCPUs.val = strings;
  args.xmlCPUs.len = 7;
  assert_int_equal (xdr_encode (type, &args, &wire, NULL), 0);
  buf_consume (&wire, buf_len (&wire));
  assert_int_equal (buf_append (&wire, "keep", 4), 0);
  args.xmlCPUs.len = 9;
  assert_int_equal (xdr_encode (type, &args, &wire, &error), -1);
  assert_string_equal (error.why,
                       "makes the message longer than the protocol allows");
  assert_int_equal (buf_len (&wire), 4);
  assert_memory_equal (buf_data (&wire), "keep", 4);
  buf_free (&wire);
  free (text);
}

static void
the_arena_ceiling_holds (void **state)
{
  struct arena arena;
  struct fill fill = { &arena, 0x123456789, 5 };
  struct buf wire = BUF_INIT;
  void *obj = NULL;

  for (size_t i = 0; i < xdr_type_count; i++) {
    const struct xdr_type *type = xdr_types[i];

    arena_init (&arena, MEMORY);
    assert_int_equal (xdr_encode (type, fill_object (&fill, type), &wire,
                                  NULL), 0);
    arena_free (&arena);
    for (size_t limit = 0; limit < 512; limit += 16) {
      arena_init (&arena, limit);
      if (xdr_decode (type, buf_data (&wire), buf_len (&wire), &arena, &obj,
                      NULL) == -1)
        assert_int_equal (errno, ENOMEM);
      assert_true (arena.total <= limit);
      arena_free (&arena);
      obj = NULL;
      if (xdr_decode_block (type, buf_data (&wire), buf_len (&wire), limit,
                            &obj, NULL) == -1)
        assert_int_equal (errno, ENOMEM);
      free (obj);
    }
    buf_consume (&wire, buf_len (&wire));
  }
  buf_free (&wire);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (full_lists_pass_and_one_more_item_does_not),
    cmocka_unit_test (claimed_counts_reserve_nothing),
    cmocka_unit_test (strings_end_at_four_mebibytes),
    cmocka_unit_test (messages_end_at_the_frame_limit),
    cmocka_unit_test (the_arena_ceiling_holds),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
