/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * PLAIN on behalf of a module: what is taken for a name and a secret.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <virgate/transport.h>

#include "tests/unit/unit.h"
#include "common/mem.h"
#include "core/instance.h"
#include "core/peer.h"
#include "daemon/auth.h"

/* Knows joe, whose secret is "open", and groups; "boss" is renamed. */
static int
knows (void *inst, const struct virgate_auth_context *context,
       const char *user, const char *secret,
       struct virgate_identity *identity)
{
  ++*(int *) inst;
  if (strcmp (user, "boss") == 0)
    identity_name (identity, "chief", VIRGATE_VOUCH_EXCHANGE);
  identity_group (identity, "ops", VIRGATE_VOUCH_EXCHANGE);
  return strcmp (secret, "open") == 0;
}

static const struct virgate_auth_ops ops = { .password = knows };

#define BYTES(text) text, sizeof text - 1
#define LONG64 "1234567890123456789012345678901234567890123456789012345678901234"
#define LONG256 LONG64 LONG64 LONG64 LONG64

struct row {
  const char *bytes;
  size_t len;
  int result;
  const char *name;             /* or what the log hears */
};

static const struct row rows[] = {
  { BYTES ("\0joe\0open"), VIRGATE_AUTH_YES, "joe" },
  { BYTES ("joe\0joe\0open"), VIRGATE_AUTH_YES, "joe" },
  { BYTES ("\0boss\0open"), VIRGATE_AUTH_YES, "chief" },
  { BYTES ("\0joe\0shut"), VIRGATE_AUTH_NO, NULL },
  { BYTES ("\0joe\0"), VIRGATE_AUTH_NO, NULL },
  { BYTES ("ann\0joe\0open"), VIRGATE_AUTH_NO, "act for somebody else" },
  { BYTES (""), VIRGATE_AUTH_NO, "three parts" },
  { BYTES ("\0joe"), VIRGATE_AUTH_NO, "three parts" },
  { BYTES ("\0joe\0open\0"), VIRGATE_AUTH_NO, "three parts" },
  { BYTES ("\0\0open"), VIRGATE_AUTH_NO, "no name" },
  { BYTES ("\0jo\ne\0open"), VIRGATE_AUTH_NO, "printable" },
  { BYTES ("\0jo\xff\0open"), VIRGATE_AUTH_NO, "printable" },
  { BYTES ("\0" LONG256 "\0open"), VIRGATE_AUTH_NO, "too long" },
  { BYTES ("\0joe\0" LONG256 LONG256 LONG256 LONG256 "x"), VIRGATE_AUTH_NO,
    "too long" },
  { BYTES ("\0joe\0" LONG256 LONG256 LONG256 LONG256 LONG256 LONG256 LONG256),
    VIRGATE_AUTH_NO, "too long" },
};

static void
check_row (const struct row *row, bool at_once)
{
  const struct virgate_auth_context context = {
    .size = sizeof context, .caps = VIRGATE_CAP_LOCAL,
  };
  const struct virgate_auth_data data = { row->bytes, row->len };
  struct virgate_auth_data in = at_once ? data : (struct virgate_auth_data) {
    NULL, 0
  }, out;
  struct virgate_identity identity = { 0 };
  struct auth_method method;
  void *conv = NULL;
  int asked = 0, result;
  const char *said;

  auth_method_init (&method, "m", &asked, &ops);
  host_error_forget ();
  result = method.talk->start (method.talk_inst, &context, "PLAIN", &in,
                               &out, &conv, &identity);
  if (!at_once) {
    assert_int_equal (result, VIRGATE_AUTH_MORE);
    assert_int_equal (out.len, 0);
    result = method.talk->step (conv, &data, &out, &identity);
    method.talk->conv_free (conv);
  }
  assert_int_equal (result, row->result);
  said = host_error_said ();
  if (result == VIRGATE_AUTH_YES) {
    assert_string_equal (identity_get_name (&identity), row->name);
    assert_string_equal (identity_get_group (&identity, 0), "ops");
  }
  else {
    assert_int_equal (identity.len, 0);
    assert_int_equal (asked, row->name == NULL);
    if (row->name)
      assert_non_null (strstr (said, row->name));
  }
  identity_free (&identity);
}

static void
takes_three_parts_and_nothing_else (void **state)
{
  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    check_row (&rows[i], true);
    check_row (&rows[i], false);
  }
}

static void
is_offered_where_nobody_listens (void **state)
{
  struct virgate_auth_context context = { .size = sizeof context };
  struct auth_method method;

  auth_method_init (&method, "m", NULL, &ops);
  assert_string_equal (method.talk->mechanisms (method.talk_inst, &context),
                       "");
  context.caps = VIRGATE_CAP_ENCRYPTED;
  assert_string_equal (method.talk->mechanisms (method.talk_inst, &context),
                       "PLAIN");
}

static void
refuses_a_second_silence (void **state)
{
  const struct virgate_auth_context context = { .caps = VIRGATE_CAP_LOCAL };
  struct virgate_auth_data none = { NULL, 0 }, out;
  struct virgate_identity identity = { 0 };
  struct auth_method method;
  void *conv;

  auth_method_init (&method, "m", NULL, &ops);
  assert_int_equal (method.talk->start (method.talk_inst, &context, "PLAIN",
                                        &none, &out, &conv, &identity),
                    VIRGATE_AUTH_MORE);
  assert_int_equal (method.talk->step (conv, &none, &out, &identity),
                    VIRGATE_AUTH_NO);
  method.talk->conv_free (conv);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (takes_three_parts_and_nothing_else),
    cmocka_unit_test (is_offered_where_nobody_listens),
    cmocka_unit_test (refuses_a_second_silence),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
