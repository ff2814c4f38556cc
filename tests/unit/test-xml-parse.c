/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Hostile and broken documents: what the parser refuses, and that it refuses
 * in bounded time and memory.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "common/cleanup.h"
#include "plugins/driver-test/domain-xml.h"

#define BODY(entities, description)                                     \
  "<!DOCTYPE domain [" entities "]>\n<domain type='test'><name>n</name>" \
  "<memory>1</memory><os><type>hvm</type></os>"                         \
  "<description>" description "</description></domain>"

static struct domain_def *
refused (const char *text, struct xml_error *err)
{
  return domain_def_parse (text, DOMAIN_PARSE_INACTIVE, err);
}

static void
assert_refused (const char *text, const char *detail)
{
  struct xml_error err = { 0 };

  assert_null (refused (text, &err));
  assert_non_null (err.detail);
  if (detail)
    assert_string_equal (err.detail, detail);
  xml_error_clear (&err);
}

static void
says_where_a_document_breaks (void **state)
{
  struct xml_error err = { 0 };

  assert_null (refused ("<domain>\n <name>\n</domain>", &err));
  assert_int_equal (err.code, VIRGATE_ERR_XML_DETAIL);
  assert_int_equal (err.domain, VIRGATE_FROM_DOMAIN);
  assert_string_equal (err.detail, "(domain_definition):3: Opening and ending "
                       "tag mismatch: name line 2 and domain\n"
                       "</domain>\n---------^");
  xml_error_clear (&err);
}

static void
refuses_what_is_no_document (void **state)
{
  static const char *const texts[] = {
    "", " ", "hello", "<domain>", "<domain/><domain/>",
    "<domain>&nope;</domain>", "<domain type=test/>",
    "<domain><name>\xff</name></domain>", "<domain>&#0;</domain>"
  };

  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    assert_refused (texts[i], NULL);
}

static void
refuses_entities_that_multiply (void **state)
{
  assert_refused (BODY ("<!ENTITY a '0123456789'>"
                        "<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
                        "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>"
                        "<!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>"
                        "<!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'>"
                        "<!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;'>"
                        "<!ENTITY g '&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;'>",
                        "&g;&g;"), NULL);
}

static void
refuses_entities_that_refer_to_themselves (void **state)
{
  assert_refused (BODY ("<!ENTITY a '&b;'><!ENTITY b '&a;'>", "&a;"), NULL);
}

/* A long entity, used often: a few kilobytes that stand for gigabytes. */
static void
refuses_entities_that_add_up (void **state)
{
  enum { LONG = 1000000, USES = 1000 };
  CLEANUP_FREE char *text = malloc (LONG + 4 * USES + 1000);
  char *at = stpcpy (text, "<!DOCTYPE domain [<!ENTITY a '");

  at = (char *) memset (at, 'a', LONG) + LONG;
  at = stpcpy (at, "'>]><domain type='test'><name>");
  for (int i = 0; i < USES; i++)
    at = stpcpy (at, "&a;");
  stpcpy (at, "</name></domain>");
  assert_refused (text, "failed to parse xml document "
                  "'(domain_definition)'");
}

static void
reads_no_other_files (void **state)
{
  struct xml_error err = { 0 };
  struct domain_def *def =
    refused (BODY ("<!ENTITY a SYSTEM '" DATA_DIR "/minimal.in.xml'>",
                   "&a;"), &err);

  assert_non_null (def);
  assert_null (domain_def_text (def, "description"));
  domain_def_free (def);
}

static void
bounds_the_length (void **state)
{
  CLEANUP_FREE char *text = calloc (1, XT_TEXT_MAX + 100);

  memset (text, ' ', XT_TEXT_MAX + 1);
  memcpy (text, "<domain>", 8);
  assert_refused (text, "failed to parse xml document "
                  "'(domain_definition)'");
}

static void
bounds_the_depth (void **state)
{
  CLEANUP_FREE char *text = calloc (1, 10000);
  char *at = stpcpy (text, "<domain>");

  for (int i = 0; i < 2000; i++)
    at = stpcpy (at, "<a>");
  assert_refused (text, NULL);
}

static void
bounds_the_number_of_likes (void **state)
{
  CLEANUP_FREE char *text = calloc (1, 40 * XT_LIKES_MAX + 1000);
  char *at = stpcpy (text, "<domain type='test'><name>n</name>"
                     "<memory>1</memory><os><type>hvm</type></os><devices>");

  for (int i = 0; i <= XT_LIKES_MAX; i++)
    at = stpcpy (at, "<controller type='scsi'/>");
  stpcpy (at, "</devices></domain>");
  assert_refused (text, "more than 4096 'controller' elements in 'devices'");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (says_where_a_document_breaks),
    cmocka_unit_test (refuses_what_is_no_document),
    cmocka_unit_test (refuses_entities_that_multiply),
    cmocka_unit_test (refuses_entities_that_refer_to_themselves),
    cmocka_unit_test (refuses_entities_that_add_up),
    cmocka_unit_test (reads_no_other_files),
    cmocka_unit_test (bounds_the_length),
    cmocka_unit_test (bounds_the_depth),
    cmocka_unit_test (bounds_the_number_of_likes),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
