/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JSON: what is read and what is refused, and that structures survive the way
 * there and back.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/remote.h>

#include "client/json.h"
#include "common/mem.h"
#include "protocol/table.h"
#include "unit.h"

static const char *
parse_why (const char *text)
{
  static struct json_error error;
  struct arena arena;
  const struct json *json;

  arena_init (&arena, JSON_MEMORY_MAX);
  json = json_parse (text, &arena, &error);
  arena_free (&arena);
  return json ? NULL : error.why;
}

static void
json_that_is_json_is_read (void **state)
{
  static const char *const texts[] = {
    "{}", " [ ] ", "null", "true", "false", "0", "-0", "1e9", "1.5E-3",
    "\"\"", "\"a\\u00e9\\n\\\"\\/\"", "\"\xc3\xa9\"", "\"\\ud83d\\ude00\"",
    "{\"a\":[1,2,{\"b\":null}],\"c\":\"d\"}", "\t\r\n 1 \n",
    "18446744073709551615", "\"\\udcff\"",
  };

  for (size_t i = 0; i < COUNT_OF (texts); i++)
    if (parse_why (texts[i]))
      fail_msg ("%s: %s", texts[i], parse_why (texts[i]));
}

static void
json_that_is_none_is_refused (void **state)
{
  static const char *const texts[] = {
    "", " ", "{", "[", "}", "{]", "[1,]", "[,1]", "{\"a\":1,}", "{a:1}",
    "{'a':1}", "{\"a\"}", "{\"a\":}", "{\"a\":1 \"b\":2}", "[1 2]", "01",
    "+1", "1.", ".5", "1e", "1e+", "0x10", "NaN", "Infinity", "nul", "truex",
    "\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "\"\\u0000\"",
    "\"\xff\"", "\"\xc0\x80\"", "\"\\ud800\"", "\"\\ud83d\\u0041\"",
    "\"\\udc00\"", "{} {}", "1 2", "{\"a\":1,\"a\":2}", "// c\n1", "/**/1",
    "-", "--1", "\xef\xbb\xbf{}",
  };

  for (size_t i = 0; i < COUNT_OF (texts); i++)
    if (parse_why (texts[i]) == NULL)
      fail_msg ("%s was read", texts[i]);
}

static void
json_is_not_nested_without_end (void **state)
{
  char text[2 * JSON_DEPTH_MAX + 3] = "";

  memset (text, '[', JSON_DEPTH_MAX);
  memset (text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
  assert_null (parse_why (text));
  memset (text, '[', JSON_DEPTH_MAX + 1);
  memset (text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
  assert_non_null (strstr (parse_why (text), "too deep"));
}

/* Read text as the arguments of a procedure; NULL and a reason, or what the
 * structure looks like as JSON.
 */
static char *
round_trip (const char *name, const char *text, struct json_error *error)
{
  const struct proc_row *row = proc_find_name (name, NULL);
  const struct json *json;
  struct buf out = BUF_INIT;
  struct arena arena;
  void *obj = NULL;

  assert_non_null (row);
  arena_init (&arena, JSON_MEMORY_MAX);
  json = json_parse (text, &arena, error);
  if (json && json_to_struct (json, row->args, &arena, &obj, error) == 0) {
    assert_int_equal (json_from_struct (row->args, obj, &out), 0);
    assert_int_equal (buf_append (&out, "", 1), 0);
  }
  arena_free (&arena);
  return out.base;
}

static void
assert_trip (const char *name, const char *text, const char *want)
{
  struct json_error error;
  char *got = round_trip (name, text, &error);

  if (got == NULL)
    fail_msg ("%s %s: %s", name, text, error.why);
  assert_string_equal (got, want ? want : text);
  free (got);
}

static void
assert_refused (const char *name, const char *text, const char *why)
{
  struct json_error error;
  char *got = round_trip (name, text, &error);

  if (got)
    fail_msg ("%s %s was read", name, text);
  if (strstr (error.why, why) == NULL)
    fail_msg ("%s %s: %s, expected %s", name, text, error.why, why);
}

#define UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"
#define DOM "{\"name\": \"test\", \"uuid\": \"" UUID "\", \"id\": 1}"

static void
structures_survive (void **state)
{
  assert_trip ("domain_get_info", "{\"dom\": " DOM "}", NULL);
  assert_trip ("domain_get_xml_desc", "{\"dom\": " DOM "}",
               "{\"dom\": " DOM ", \"flags\": 0}");
  assert_trip ("domain_lookup_by_uuid",
               "{\"uuid\":\"6695EB01F6A4830479AA97F2502E193F\"}",
               "{\"uuid\": \"" UUID "\"}");
  assert_trip ("connect_open", "{}", "{\"name\": null, \"flags\": 0}");
  assert_trip ("connect_open", "{\"name\": \"\", \"flags\": 4294967295}",
               NULL);
  assert_trip ("domain_pin_vcpu", "{\"dom\": " DOM ", \"vcpu\": 1, "
               "\"cpumap\": \"00ff\"}", NULL);
  assert_trip ("domain_set_memory", "{\"dom\": " DOM ", \"memory\": "
               "18446744073709551615}", NULL);
  assert_trip ("storage_vol_upload", "{\"vol\": {\"pool\": \"p\\udcff\", "
               "\"name\": \"\xc3\xa9\", \"key\": \"\\u0001\\\"\\\\\"}, "
               "\"offset\": 0, \"length\": 0, \"flags\": 0}", NULL);
}

static void
typed_parameters_survive (void **state)
{
  assert_trip ("domain_set_memory_parameters",
               "{\"dom\": " DOM ", \"params\": ["
               "{\"field\": \"a\", \"value\": {\"type\": \"int\", "
               "\"value\": -2147483648}}, "
               "{\"field\": \"b\", \"value\": {\"type\": \"uint\", "
               "\"value\": 4294967295}}, "
               "{\"field\": \"c\", \"value\": {\"type\": \"llong\", "
               "\"value\": -9223372036854775808}}, "
               "{\"field\": \"d\", \"value\": {\"type\": \"ullong\", "
               "\"value\": 18446744073709551615}}, "
               "{\"field\": \"e\", \"value\": {\"type\": \"double\", "
               "\"value\": 0.5}}, "
               "{\"field\": \"f\", \"value\": {\"type\": \"boolean\", "
               "\"value\": true}}, "
               "{\"field\": \"g\", \"value\": {\"type\": \"string\", "
               "\"value\": \"x\"}}], \"flags\": 0}", NULL);
}

static void
what_does_not_fit_is_refused_by_name (void **state)
{
  assert_refused ("domain_get_info", "{}", "'dom' is missing");
  assert_refused ("domain_get_info", "[]", "is not an object");
  assert_refused ("domain_get_info", "{\"dom\": 1}", "'dom' is not an obj");
  assert_refused ("domain_get_info", "{\"dom\": " DOM ", \"x\": 1}",
                  "'x' is no field");
  assert_refused ("domain_lookup_by_id", "{\"id\": 2147483648}", "'id' is");
  assert_refused ("domain_lookup_by_id", "{\"id\": 1.0}", "whole number");
  assert_refused ("domain_lookup_by_id", "{\"id\": 1e3}", "whole number");
  assert_refused ("domain_lookup_by_id", "{\"id\": \"1\"}", "not a number");
  assert_refused ("domain_set_memory", "{\"dom\": " DOM ", \"memory\": "
                  "18446744073709551616}", "'memory' is not from 0");
  assert_refused ("domain_set_memory", "{\"dom\": " DOM ", \"memory\": -1}",
                  "'memory' is not from 0");
  assert_refused ("domain_lookup_by_uuid", "{\"uuid\": \"00\"}", "UUID");
  assert_refused ("domain_lookup_by_uuid", "{\"uuid\": \"zz\"}", "UUID");
  assert_refused ("domain_lookup_by_uuid", "{\"uuid\": \"" UUID "00\"}",
                  "UUID");
  assert_refused ("domain_pin_vcpu", "{\"dom\": " DOM ", \"vcpu\": 1, "
                  "\"cpumap\": \"0\"}", "hexadecimal");
  assert_refused ("connect_get_version", "{\"a\": 1}", "no arguments");
  assert_refused ("domain_set_memory_parameters", "{\"dom\": " DOM ", "
                  "\"params\": [{\"field\": \"a\", \"value\": 1}]}", "type");
  assert_refused ("domain_set_memory_parameters", "{\"dom\": " DOM ", "
                  "\"params\": [{\"field\": \"a\", \"value\": {\"type\": "
                  "\"float\", \"value\": 1}}]}", "no type called 'float'");
  assert_refused ("domain_set_memory_parameters", "{\"dom\": " DOM ", "
                  "\"params\": 5}", "not an array");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (json_that_is_json_is_read),
    cmocka_unit_test (json_that_is_none_is_refused),
    cmocka_unit_test (json_is_not_nested_without_end),
    cmocka_unit_test (structures_survive),
    cmocka_unit_test (typed_parameters_survive),
    cmocka_unit_test (what_does_not_fit_is_refused_by_name),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
