/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication as a client, against a server that is a script: which method
 * and module are chosen, how the conversation goes, and what is said when it
 * does not.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "core/authenticate.h"
#include "core/layer.h"
#include "core/peer.h"
#include "module-dir.h"
#include "unit.h"

static char dir[64];
static struct modules *modules;
static const char *const defaults[] = { "sasl", "password", NULL };
static const struct config_kind kinds[] = {
  { "auth", true, true, NULL }, { NULL }
};
static struct host_env env = { .role = VIRGATE_ROLE_CLIENT,
                               .program = "test" };

/* The server. */
struct script {
  int types[3], count;          /* -1: it knows no list */
  const char *mechs;
  int turns;                    /* it is content after so many messages; 0:
                                   never */
  bool refuses;
  /* What it got. */
  char mech[32], heard[400];
};

static int
refuse (struct virgate_error *err, int32_t code, const char *text)
{
  return error_text (err, code, VIRGATE_FROM_RPC, "%s", text);
}

static int
list_types (struct script *s, void **ret, struct virgate_error *err)
{
  struct virgate_remote_auth_list_ret *list;

  if (s->count == -1)
    return refuse (err, VIRGATE_ERR_RPC, "unknown procedure: 66");
  list = calloc (1, sizeof *list + sizeof s->types);
  list->types.len = s->count;
  list->types.val = memcpy (list + 1, s->types, sizeof s->types);
  *ret = list;
  return 0;
}

static int
answer (struct script *s, const char *data, uint32_t len, int nil, void **ret,
        struct virgate_error *err)
{
  struct virgate_remote_auth_sasl_step_ret *step = calloc (1, sizeof *step);
  size_t before = strlen (s->heard);

  snprintf (s->heard + before, sizeof s->heard - before, "%s%.*s",
            before ? " " : "", nil ? 3 : (int) len, nil ? "nil" : data);
  *ret = step;
  step->nil = 1;
  step->complete = --s->turns == 0;
  if (!s->refuses)
    return 0;
  free (step);
  return refuse (err, VIRGATE_ERR_AUTH_FAILED, "authentication failed");
}

static int
serve (void *opaque, int32_t procedure, const void *args, void **ret,
       struct virgate_error *err)
{
  const struct virgate_remote_auth_sasl_start_args *start = args;
  const struct virgate_remote_auth_sasl_step_args *step = args;
  struct virgate_remote_auth_polkit_ret *polkit;
  struct virgate_remote_auth_sasl_init_ret *init;
  struct script *s = opaque;

  switch (procedure) {
  case VIRGATE_REMOTE_PROC_AUTH_LIST:
    return list_types (s, ret, err);
  case VIRGATE_REMOTE_PROC_AUTH_SASL_INIT:
    init = calloc (1, sizeof *init);
    init->mechlist = s->mechs;
    *ret = init;
    return 0;
  case VIRGATE_REMOTE_PROC_AUTH_SASL_START:
    snprintf (s->mech, sizeof s->mech, "%s", start->mech);
    return answer (s, (char *) start->data.val, start->data.len, start->nil,
                   ret, err);
  case VIRGATE_REMOTE_PROC_AUTH_SASL_STEP:
    return answer (s, (char *) step->data.val, step->data.len, step->nil, ret,
                   err);
  default:
    polkit = calloc (1, sizeof *polkit);
    polkit->complete = !s->refuses;
    *ret = polkit;
    return 0;
  }
}

static int
run (struct script *s, const char *sections, const char *wanted,
     struct authenticated *out, struct virgate_error *err)
{
  struct virgate_peer peer = { 0 };
  struct config config;
  struct authentication how = {
    .where = "w", .wanted = wanted, .peer = &peer, .modules = modules,
    .env = &env, .files = &config, .file_count = 1, .defaults = defaults,
    .call = serve, .opaque = s,
  };
  int result;

  config_init (&config);
  assert_int_equal (config_parse (&config, sections, strlen (sections), "c",
                                  kinds, NULL), 0);
  result = authenticate (&how, out, err);
  config_free (&config);
  return result;
}

static void
end (struct authenticated *out)
{
  instance_close (out->instance);
}

struct row {
  const char *sections, *wanted;
  struct script server;
  const char *mech, *heard;     /* NULL: nobody was asked */
  const char *why;              /* NULL: it succeeds */
};

#define SASL .types = { 1 }, .count = 1, .mechs = "A,B"

static const struct row rows[] = {
  /* Which method. */
  { "", NULL, { .count = 0 } },
  { "", NULL, { .count = -1 } },
  { "", NULL, { .types = { 0 }, .count = 1 } },
  { "", NULL, { .types = { 2 }, .count = 1 } },
  { "", NULL, { .types = { 2 }, .count = 1, .refuses = true },
    .why = "w: polkit refused" },
  { "", NULL, { .types = { 7, 1 }, .count = 2 },
    .why = "offers authentication by one that is unknown here, sasl" },
  { "", "sasl", { .types = { 2, 1 }, .count = 2, .mechs = "A", .turns = 1 },
    "sasl", "hello" },
  { "", "polkit", { SASL, .turns = 1 },
    .why = "wants authentication by polkit, but the server offers sasl" },
  { "", "none", { SASL }, .why = "unknown authentication type none" },

  /* Which module. */
  { "", NULL, { SASL, .turns = 1 }, "sasl", "hello" },
  { "", "sasl.B", { SASL, .turns = 1 }, "B", "hello" },
  { "[auth sasl]\nresult = 3", NULL, { SASL, .turns = 1 }, "password",
    "hello" },
  { "[auth password]\n", NULL, { SASL, .turns = 1 }, "password", "hello" },
  { "[auth other]\n[auth password]\n", NULL, { SASL, .turns = 1 }, "other",
    "hello" },
  { "[auth other]\nresult = 3\n[auth password]\n", NULL,
    { SASL, .turns = 1 }, "password", "hello" },
  { "[auth gone]\n[auth other]\n", NULL, { SASL, .turns = 1 }, "other",
    "hello" },
  { "[auth lab]\nmodule = other\n", NULL, { SASL, .turns = 1 }, "other",
    "hello" },
  { "[auth gone]\n[auth sasl]\nresult = 3\n[auth password]\nresult = 3\n",
    NULL, { SASL },
    .why = "w: the server offers A,B, and no module here can answer (gone: "
           "not installed; sasl: does not do A,B; password: does not do A,B)"
  },
  { "[auth sasl]\nresult = 3\n[auth password]\nresult = 3\n", "sasl.B",
    { SASL }, .why = "the server offers A,B, the URI wants B, and no module" },
  { "[auth sasl]\nresult = 3\n[auth password]\nresult = 3\n", NULL,
    { .types = { 1 }, .count = 1, .mechs = "" },
    .why = "the server offers no mechanism, and" },
  { "[auth other]\nresult = -1\n", NULL, { SASL }, .why = "w: no ticket" },
  { "[auth other]\nresults = 1\n", NULL, { SASL },
    .why = "c:2: [auth other] results: there is no such key" },

  /* How it goes. */
  { "[auth sasl]\nturns = 3", NULL, { SASL, .turns = 3 }, "sasl",
    "hello more more" },
  { "[auth sasl]\nturns = 1", NULL, { SASL, .turns = 3 }, "sasl",
    "hello more more" },
  { "[auth sasl]\nturns = 3", NULL, { SASL, .turns = 1 }, "sasl", "hello",
    .why = "says that it has finished, but has not proved who it is" },
  { "[auth sasl]\nturns = 90", NULL, { SASL, .turns = 90 }, "sasl", NULL,
    .why = "w: the conversation does not end" },
  { "", NULL, { SASL, .refuses = true }, "sasl", "hello",
    .why = "authentication failed" },
};

static void
servers_are_answered (void **state)
{
  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    const struct row *row = &rows[i];
    struct virgate_error err = { 0 };
    struct authenticated out;
    struct script s = row->server;
    int result = run (&s, row->sections, row->wanted, &out, &err);

    if (row->why == NULL && err.code)
      print_error ("row %zu: %s\n", i, err.message);
    assert_int_equal (result, row->why ? -1 : 0);
    if (row->why && !strstr (err.message, row->why))
      print_error ("row %zu: %s\n", i, err.message);
    if (row->why)
      assert_non_null (strstr (err.message, row->why));
    assert_string_equal (s.mech, row->mech ? row->mech : "");
    if (row->heard)
      assert_string_equal (s.heard, row->heard);
    assert_int_equal (out.instance != NULL, result == 0 && row->mech);
    assert_null (out.conv);
    end (&out);
    error_clear (&err);
  }
}

static void
layer_is_handed_out (void **state)
{
  struct script s = { SASL, .turns = 1 };
  struct authenticated out;

  assert_int_equal (run (&s, "[auth sasl]\nlayer = 4096", NULL, &out, NULL),
                    0);
  assert_non_null (out.instance);
  assert_non_null (out.conv);
  end (&out);
}

static int
setup (void **state)
{
  static const char *const names[] = { "sasl", "password", "other" };
  char from[100], to[100];

  if (module_dir_new (dir) == NULL)
    return -1;
  for (size_t i = 0; i < COUNT_OF (names); i++) {
    snprintf (from, sizeof from, ".libs/answer-%s.so", names[i]);
    snprintf (to, sizeof to, "auth-%s.so", names[i]);
    if (module_dir_add (dir, from, to) == -1)
      return -1;
  }
  modules = modules_new (dir, 0, NULL);
  return modules ? 0 : -1;
}

static int
teardown (void **state)
{
  modules_free (modules);
  module_dir_free (dir);
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (servers_are_answered),
    cmocka_unit_test (layer_is_handed_out),
  };

  return cmocka_run_group_tests (tests, setup, teardown);
}
