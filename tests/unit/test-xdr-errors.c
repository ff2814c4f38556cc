/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the codec refuses, one malformation at a time, and where it says that
 * it was.
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

#include "protocol/table.h"

#define ARGS(proc) args_type (VIRGATE_REMOTE_PROC_##proc)
#define RET(proc) ret_type (VIRGATE_REMOTE_PROC_##proc)

static const struct xdr_type *
args_type (int32_t number)
{
  return proc_find (VIRGATE_REMOTE_PROGRAM, number)->args;
}

static const struct xdr_type *
ret_type (int32_t number)
{
  return proc_find (VIRGATE_REMOTE_PROGRAM, number)->ret;
}

/* Both ways of reading refuse BYTES for the same reason. */
static void
refused (const struct xdr_type *type, const void *bytes, size_t len,
         const char *field, const char *why, size_t offset)
{
  struct xdr_error error = { NULL, NULL, 0 };
  void *obj = NULL;

  errno = 0;
  assert_int_equal (xdr_check (type, bytes, len, &error), -1);
  assert_int_equal (errno, EBADMSG);
  assert_string_equal (error.field, field);
  assert_string_equal (error.why, why);
  assert_int_equal (error.offset, offset);
  assert_int_equal (xdr_decode_block (type, bytes, len, 4096, &obj, NULL),
                    -1);
  assert_int_equal (errno, EBADMSG);
  assert_null (obj);
}

#define REFUSED(type, literal, field, why, offset)                      \
  refused (type, literal, sizeof literal - 1, field, why, offset)

static void *
accepted (const struct xdr_type *type, const void *bytes, size_t len)
{
  void *obj = NULL;

  assert_int_equal (xdr_decode_block (type, bytes, len, 4096, &obj, NULL), 0);
  return obj;
}

#define ACCEPTED(type, literal) accepted (type, literal, sizeof literal - 1)

static void
nul_inside_a_string_is_refused (void **state)
{
  REFUSED (ARGS (DOMAIN_LOOKUP_BY_NAME), "\0\0\0\4te\0t", "name",
           "has a NUL byte inside", 8);
  REFUSED (ARGS (DOMAIN_DEFINE_XML), "\0\0\0\1\0\0\0\0", "xml",
           "has a NUL byte inside", 8);
}

static void
padding_must_be_zero (void **state)
{
  REFUSED (ARGS (DOMAIN_LOOKUP_BY_NAME), "\0\0\0\3abc\1", "name",
           "has padding that is not zero", 8);
  REFUSED (ARGS (DOMAIN_LOOKUP_BY_NAME), "\0\0\0\1a\0\1\0", "name",
           "has padding that is not zero", 7);
  REFUSED (ARGS (SECRET_SET_VALUE),
           "0123456789abcdef\0\0\0\0\0\0\0\0\0\0\0\1s\0\0\1\0\0\0\0",
           "value", "has padding that is not zero", 32);
}

static void
missing_padding_is_refused (void **state)
{
  REFUSED (ARGS (DOMAIN_LOOKUP_BY_NAME), "\0\0\0\3abc", "name", "is cut off",
           4);
}

static void
optional_flag_is_zero_or_one (void **state)
{
  REFUSED (ARGS (CONNECT_GET_MAX_VCPUS), "\0\0\0\2\0\0\0\0", "type",
           "is neither absent nor present", 4);
  REFUSED (ARGS (CONNECT_GET_MAX_VCPUS), "\1\0\0\0\0\0\0\0", "type",
           "is neither absent nor present", 4);
}

static void
absent_and_empty_strings_differ (void **state)
{
  struct virgate_remote_connect_get_max_vcpus_args *args;

  args = ACCEPTED (ARGS (CONNECT_GET_MAX_VCPUS), "\0\0\0\0");
  assert_null (args->type);
  free (args);
  args = ACCEPTED (ARGS (CONNECT_GET_MAX_VCPUS), "\0\0\0\1\0\0\0\0");
  assert_string_equal (args->type, "");
  free (args);
}

static void
bytes_after_the_arguments_are_refused (void **state)
{
  REFUSED (NULL, "\0\0\0\0", "", "has bytes after its end", 0);
  REFUSED (ARGS (CONNECT_GET_MAX_VCPUS), "\0\0\0\0\0", "",
           "has bytes after its end", 4);
}

static void
void_is_an_empty_payload (void **state)
{
  void *obj = &obj;

  assert_int_equal (xdr_check (NULL, "", 0, NULL), 0);
  assert_int_equal (xdr_check (NULL, NULL, 0, NULL), 0);
  assert_int_equal (xdr_decode_block (NULL, NULL, 0, 0, &obj, NULL), 0);
  assert_null (obj);
}

static void
names_are_utf8 (void **state)
{
  REFUSED (ARGS (DOMAIN_LOOKUP_BY_NAME), "\0\0\0\4te\xffs", "name",
           "is a name but not valid UTF-8", 8);
  free (ACCEPTED (ARGS (STORAGE_VOL_LOOKUP_BY_PATH), "\0\0\0\4te\xffs"));
}

static void
utf8_follows_the_standard (void **state)
{
  static const char *const good[] = {
    "", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
    "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
    "12345678\xc3\xa4", "1234567\xc3\xa4" "12345678"
  };
  static const char *const bad[] = {
    "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2""a", "\xe0\x9f\xbf",
    "\xed\xa0\x80", "\xed\xbf\xbf", "\xe2\x82", "\xf0\x8f\xbf\xbf",
    "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x90\x80", "\xff",
    "12345678\x80", "1234567\xc3"
  };

  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    assert_true (xdr_is_utf8 (good[i], strlen (good[i])));
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_false (xdr_is_utf8 (bad[i], strlen (bad[i])));
}

static void
numbers_must_fit_their_type (void **state)
{
  static const char zeros[32];
  char ret[32];

  memcpy (ret, zeros, 32);
  ret[2] = 1;                   /* state is an unsigned char */
  refused (RET (DOMAIN_GET_INFO), ret, 32, "state", "is out of range", 4);
  memcpy (ret, zeros, 32);
  ret[21] = 1;                  /* nrVirtCpu is an unsigned short */
  refused (RET (DOMAIN_GET_INFO), ret, 32, "nrVirtCpu", "is out of range",
           24);
}

static void
chars_are_the_low_byte_and_sign_extended (void **state)
{
  static const char in[] = "\0\0\0\1\0\0\0\0\0\0\0\4\0\0\0\x7f"
    "\xff\xff\xff\x80\0\0\0\xff\x12\x34\x56\x78";
  static const char out[] = "\0\0\0\1\0\0\0\0\0\0\0\4\0\0\0\x7f"
    "\xff\xff\xff\x80\xff\xff\xff\xff\0\0\0\x78";
  struct virgate_remote_auth_sasl_step_ret *ret;
  struct buf wire = BUF_INIT;

  ret = ACCEPTED (RET (AUTH_SASL_STEP), in);
  assert_int_equal (ret->data.len, 4);
  assert_memory_equal (ret->data.val, "\x7f\x80\xff\x78", 4);
  assert_int_equal (xdr_encode (RET (AUTH_SASL_STEP), ret, &wire, NULL), 0);
  assert_int_equal (buf_len (&wire), sizeof out - 1);
  assert_memory_equal (buf_data (&wire), out, sizeof out - 1);
  buf_free (&wire);
  free (ret);
}

static void
text_in_chars_and_bytes_ends_in_nul (void **state)
{
  static char wire[160];
  struct virgate_remote_node_get_info_ret *info;
  struct virgate_remote_secret_get_value_ret *secret;

  for (int i = 0; i < 32; i++)
    wire[i * 4 + 3] = 'm';
  info = accepted (RET (NODE_GET_INFO), wire, sizeof wire);
  assert_int_equal (strlen (info->model), 32);
  free (info);
  secret = ACCEPTED (RET (SECRET_GET_VALUE),
                     "\0\0\0\x10" "0123456789abcdef");
  assert_int_equal (secret->value.len, 16);
  assert_int_equal (secret->value.val[16], 0);
  free (secret);
}

static void
typed_parameters_have_known_types (void **state)
{
  /* set_identity: one parameter "a", then flags */
  REFUSED (ARGS (CONNECT_SET_IDENTITY),
           "\0\0\0\1\0\0\0\1a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "value",
           "has an unknown type", 16);
  REFUSED (ARGS (CONNECT_SET_IDENTITY),
           "\0\0\0\1\0\0\0\1a\0\0\0\0\0\0\x8\0\0\0\0\0\0\0\0", "value",
           "has an unknown type", 16);
  REFUSED (ARGS (CONNECT_SET_IDENTITY),
           "\0\0\0\1\0\0\0\1a\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0", "value",
           "has an unknown type", 16);
}

static void
encoding_refuses_what_is_missing (void **state)
{
  struct virgate_remote_domain_lookup_by_name_args args = { NULL };
  struct virgate_remote_domain_pin_vcpu_args pin = { .dom = { "a" } };
  struct buf wire = BUF_INIT;
  struct xdr_error error;

  assert_int_equal (xdr_encode (ARGS (DOMAIN_LOOKUP_BY_NAME), &args, &wire,
                                &error), -1);
  assert_int_equal (errno, EINVAL);
  assert_string_equal (error.field, "name");
  assert_string_equal (error.why, "is missing");
  pin.cpumap.len = 1;
  assert_int_equal (xdr_encode (ARGS (DOMAIN_PIN_VCPU), &pin, &wire, &error),
                    -1);
  assert_string_equal (error.field, "cpumap");
  assert_string_equal (error.why, "is missing");
  assert_int_equal (buf_len (&wire), 0);
  buf_free (&wire);
}

static void
encoding_refuses_what_a_peer_would (void **state)
{
  const char *bad = "\xff";
  struct virgate_remote_domain_lookup_by_name_args args = { bad };
  struct virgate_typed_param param = { bad, { .type = 8 } };
  struct virgate_remote_connect_set_identity_args identity =
    { { 1, &param }, 0 };
  struct buf wire = BUF_INIT;
  struct xdr_error error;

  assert_int_equal (xdr_encode (ARGS (DOMAIN_LOOKUP_BY_NAME), &args, &wire,
                                &error), -1);
  assert_string_equal (error.why, "is a name but not valid UTF-8");
  assert_int_equal (xdr_encode (ARGS (CONNECT_SET_IDENTITY), &identity, &wire,
                                &error), -1);
  assert_string_equal (error.why, "has an unknown type");
  assert_int_equal (buf_len (&wire), 0);
  buf_free (&wire);
}

static void
encoding_appends_to_what_is_there (void **state)
{
  struct virgate_remote_connect_supports_feature_args args = { 10 };
  struct buf wire = BUF_INIT;

  assert_int_equal (buf_append (&wire, "xxhead", 6), 0);
  buf_consume (&wire, 2);
  assert_int_equal (xdr_encode (ARGS (CONNECT_SUPPORTS_FEATURE), &args, &wire,
                                NULL), 0);
  assert_int_equal (buf_len (&wire), 8);
  assert_memory_equal (buf_data (&wire), "head\0\0\0\xa", 8);
  buf_free (&wire);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (nul_inside_a_string_is_refused),
    cmocka_unit_test (padding_must_be_zero),
    cmocka_unit_test (missing_padding_is_refused),
    cmocka_unit_test (optional_flag_is_zero_or_one),
    cmocka_unit_test (absent_and_empty_strings_differ),
    cmocka_unit_test (bytes_after_the_arguments_are_refused),
    cmocka_unit_test (void_is_an_empty_payload),
    cmocka_unit_test (names_are_utf8),
    cmocka_unit_test (utf8_follows_the_standard),
    cmocka_unit_test (numbers_must_fit_their_type),
    cmocka_unit_test (chars_are_the_low_byte_and_sign_extended),
    cmocka_unit_test (text_in_chars_and_bytes_ends_in_nul),
    cmocka_unit_test (typed_parameters_have_known_types),
    cmocka_unit_test (encoding_refuses_what_is_missing),
    cmocka_unit_test (encoding_refuses_what_a_peer_would),
    cmocka_unit_test (encoding_appends_to_what_is_there),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
