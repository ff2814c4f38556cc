/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Error records: the words that stock clients know, and the bytes.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "common/mem.h"
#include "core/error.h"

/* Captured from libvirtd 9.0.0, refusing SASL. */
static const unsigned char captured[] = {
  0, 0, 0, 45, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 44,
  'a', 'u', 't', 'h', 'e', 'n', 't', 'i', 'c', 'a', 't', 'i', 'o', 'n', ' ',
  'f', 'a', 'i', 'l', 'e', 'd', ':', ' ', 'a', 'u', 't', 'h', 'e', 'n', 't',
  'i', 'c', 'a', 't', 'i', 'o', 'n', ' ', 'f', 'a', 'i', 'l', 'e', 'd',
  0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 25,
  'a', 'u', 't', 'h', 'e', 'n', 't', 'i', 'c', 'a', 't', 'i', 'o', 'n', ' ',
  'f', 'a', 'i', 'l', 'e', 'd', ':', ' ', '%', 's', 0, 0, 0,
  0, 0, 0, 1, 0, 0, 0, 21,
  'a', 'u', 't', 'h', 'e', 'n', 't', 'i', 'c', 'a', 't', 'i', 'o', 'n', ' ',
  'f', 'a', 'i', 'l', 'e', 'd', 0, 0, 0,
  0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
};

static void
encodes_the_bytes_that_libvirtd_sends (void **state)
{
  struct virgate_error err = { 0 };
  struct buf out = BUF_INIT;

  error_set (&err, VIRGATE_ERR_AUTH_FAILED, VIRGATE_FROM_RPC, "%s",
             "authentication failed");
  assert_int_equal (error_encode (&out, &err), 0);
  assert_int_equal (buf_len (&out), sizeof captured);
  assert_memory_equal (buf_data (&out), captured, sizeof captured);
  buf_free (&out);
  error_clear (&err);
}

static void
decodes_the_bytes_that_libvirtd_sends (void **state)
{
  struct virgate_error err = { 0 };

  assert_int_equal (error_decode (captured, sizeof captured, &err), 0);
  assert_int_equal (err.code, VIRGATE_ERR_AUTH_FAILED);
  assert_int_equal (err.domain, VIRGATE_FROM_RPC);
  assert_int_equal (err.level, VIRGATE_LEVEL_ERROR);
  assert_string_equal (err.message,
                       "authentication failed: authentication failed");
  assert_string_equal (err.str1, "authentication failed: %s");
  assert_string_equal (err.str2, "authentication failed");
  assert_null (err.str3);
  assert_int_equal (err.int1, -1);
  assert_int_equal (err.int2, -1);
  error_clear (&err);
}

static void
refuses_every_truncation (void **state)
{
  struct virgate_error err = { .code = 7 };

  for (size_t len = 0; len < sizeof captured; len++) {
    char *copy = malloc (len ? len : 1);

    memcpy (copy, captured, len);
    assert_int_equal (error_decode (copy, len, &err), -1);
    assert_int_equal (errno, EBADMSG);
    assert_int_equal (err.code, 7);
    free (copy);
  }
}

static void
refuses_a_string_longer_than_the_protocol_has (void **state)
{
  const size_t head = 16, len = ERROR_STRING_MAX + 1;
  unsigned char *data = calloc (1, head + len + 3 + 48);
  struct virgate_error err = { 0 };

  memcpy (data, captured, 12);
  memcpy (data + 12, (uint32_t[1]) { htonl (len) }, 4);
  assert_int_equal (error_decode (data, head + len + 3 + 48, &err), -1);
  data[15]--;
  assert_int_equal (error_decode (data, head + len + 3 + 48, &err), 0);
  error_clear (&err);
  free (data);
}

static void
skips_objects_and_what_follows (void **state)
{
  static const unsigned char data[] = {
    0, 0, 0, 42, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 2,
    0, 0, 0, 1, 0, 0, 0, 3, 'v', 'm', '1', 0,
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0, 0, 0, 9,
    0, 0, 0, 1, 0, 0, 0, 1, 'x', 'y', 'z', '!',  /* padding is not looked at */
    0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
    0, 0, 0, 5, 0, 0, 0, 6,
    0, 0, 0, 1, 0, 0, 0, 1, 'n', 0, 0, 0,
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
    99, 99,
  };
  struct virgate_error err = { 0 };

  assert_int_equal (error_decode (data, sizeof data, &err), 0);
  assert_null (err.message);
  assert_string_equal (err.str1, "x");
  assert_null (err.str2);
  assert_string_equal (err.str3, "");
  assert_int_equal (err.int1, 5);
  assert_int_equal (err.int2, 6);
  assert_string_equal (error_message (&err), "Domain not found");
  error_clear (&err);
}

static void
composes_messages_as_libvirt_does (void **state)
{
  static const struct {
    int code;
    const char *detail, *message, *str1;
  } rows[] = {
    { VIRGATE_ERR_INTERNAL_ERROR, "x", "internal error: x",
      "internal error: %s" },
    { VIRGATE_ERR_NO_DOMAIN, "no domain with matching name 'a'",
      "Domain not found: no domain with matching name 'a'",
      "Domain not found: %s" },
    { VIRGATE_ERR_RPC, "unknown procedure: 999", "unknown procedure: 999",
      "%s" },
    { VIRGATE_ERR_DOM_EXIST, "a", "domain a exists already",
      "domain %s exists already" },
    { VIRGATE_ERR_NO_SUPPORT, "virDomainX",
      "this function is not supported by the connection driver: virDomainX",
      "this function is not supported by the connection driver: %s" },
    { VIRGATE_ERR_NO_SUPPORT, NULL,
      "this function is not supported by the connection driver",
      "this function is not supported by the connection driver" },
    { VIRGATE_ERR_XML_ERROR, "%n %s", "XML error: %n %s", "XML error: %s" },
    { VIRGATE_ERR_OPERATION_DENIED, "read only access prevents virX",
      "operation forbidden: read only access prevents virX",
      "operation forbidden: %s" },
    { VIRGATE_ERR_MULTIPLE_DOMAINS, NULL, "multiple matching domains found",
      "multiple matching domains found" },
    { 111, "from the future", "from the future", "%s" },
    { -5, "odd", "odd", "%s" },
  };
  struct virgate_error err = { 0 };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    int result = rows[i].detail
                 ? error_set (&err, rows[i].code, 20, "%s", rows[i].detail)
                 : error_set (&err, rows[i].code, 20, NULL);

    assert_int_equal (result, -1);
    assert_string_equal (err.message, rows[i].message);
    assert_string_equal (err.str1, rows[i].str1);
    assert_int_equal (err.code, rows[i].code);
    assert_int_equal (err.int1, -1);
  }
  error_clear (&err);
}

static void
may_be_made_of_itself (void **state)
{
  struct virgate_error err = { 0 }, copy = { 0 };

  error_text (&err, 1, 2, "end");
  error_set (&err, VIRGATE_ERR_RPC, 7, "again: %s", err.message);
  assert_string_equal (err.message, "again: end");
  error_prefix (&err, "%s:%d: ", "file", 12);
  assert_string_equal (err.message, "file:12: again: end");
  assert_string_equal (err.str2, "file:12: again: end");
  error_copy (&copy, &err);
  error_copy (&copy, &copy);
  error_move (&err, &copy);
  assert_null (copy.message);
  assert_string_equal (err.message, "file:12: again: end");
  error_system (&err, ENOENT, 7, "open %s", "x");
  assert_string_equal (err.message, "open x: No such file or directory");
  assert_int_equal (err.int1, ENOENT);
  error_clear (&err);
  assert_string_equal (error_message (&err), "no error");
  assert_int_equal (error_set (NULL, 1, 2, "nowhere"), -1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (encodes_the_bytes_that_libvirtd_sends),
    cmocka_unit_test (decodes_the_bytes_that_libvirtd_sends),
    cmocka_unit_test (refuses_every_truncation),
    cmocka_unit_test (refuses_a_string_longer_than_the_protocol_has),
    cmocka_unit_test (skips_objects_and_what_follows),
    cmocka_unit_test (composes_messages_as_libvirt_does),
    cmocka_unit_test (may_be_made_of_itself),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
