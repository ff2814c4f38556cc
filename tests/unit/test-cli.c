/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The virgate command without a host: its tables, its parsing, its output.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#include "client/cli/events.h"

/* Split one command off and compare it with words that end in NULL. */
static void
expect_words (const char **line, const char *const *want)
{
  char **words;
  const char *why;
  int count = line_split (line, &words, &why);

  assert_true (count >= 0);
  for (int i = 0; i < count; i++) {
    assert_non_null (want[i]);
    assert_string_equal (words[i], want[i]);
  }
  assert_null (want[count]);
  free (words);
}

static void
line_splits_like_a_shell (void **state)
{
  const char *line = " list  --all;dominfo 'a b'\\ c\"d\\\"e\";;\t# rest ; x";

  expect_words (&line, (const char *[]) { "list", "--all", NULL });
  expect_words (&line, (const char *[]) { "dominfo", "a b cd\"e", NULL });
  expect_words (&line, (const char *[]) { NULL });
  expect_words (&line, (const char *[]) { NULL });
  assert_string_equal (line, "");
}

static void
line_keeps_empty_words_and_odd_places (void **state)
{
  const char *line = "a '' \"\" b#c 'x;y' \\;";

  expect_words (&line, (const char *[]) { "a", "", "", "b#c", "x;y", ";",
                                          NULL });
}

static void
line_refuses_what_does_not_end (void **state)
{
  static const char *const lines[] = { "a 'b", "a \"b", "a \"b\\", "a \\" };

  for (size_t i = 0; i < COUNT_OF (lines); i++) {
    const char *line = lines[i], *why = NULL;
    char **words;

    assert_int_equal (line_split (&line, &words, &why), -1);
    assert_non_null (why);
  }
}

static void
size_takes_units_and_refuses_overflow (void **state)
{
  static const struct { const char *text; uint64_t bytes; } good[] = {
    { "0", 0 }, { "7", 7 * 1024 }, { "7b", 7 }, { "7bytes", 7 },
    { "1k", 1024 }, { "1KiB", 1024 }, { "1kb", 1000 }, { "2M", 2 << 20 },
    { "3GB", UINT64_C (3000000000) }, { "15E", UINT64_C (15) << 60 },
    { "18014398509481983", UINT64_C (18014398509481983) * 1024 }
  };
  static const char *const bad[] = {
    "", "x", "-1", " 1", "1 k", "1q", "1kx", "1bx", "16E",
    "18014398509481984", "18446744073709551616b"
  };
  uint64_t bytes;

  for (size_t i = 0; i < COUNT_OF (good); i++) {
    assert_int_equal (parse_size (good[i].text, 1024, &bytes), 0);
    assert_int_equal (bytes, good[i].bytes);
  }
  for (size_t i = 0; i < COUNT_OF (bad); i++)
    assert_int_equal (parse_size (bad[i], 1024, &bytes), -1);
}

/* Parse words of a real command; the caller frees parsed->args. */
static int
parse (struct parsed *parsed, char *why, const char *line)
{
  static char **words;
  const char *unused;
  int count, rc;

  free (words);
  count = line_split (&line, &words, &unused);
  assert_true (count > 0);
  *parsed = (struct parsed) { .def = command_find (words[0]) };
  assert_non_null (parsed->def);
  rc = options_parse (parsed, count, words, why, 256);
  return rc;
}

static const char *
value (const struct parsed *parsed, const char *name)
{
  return parsed->values[option_find (parsed->def, name)
                        - parsed->def->options];
}

static void
options_go_by_name_or_by_place (void **state)
{
  static const char *const lines[] = {
    "setmem dom 4G --live", "setmem --live dom --size 4G",
    "setmem --size=4G --domain dom --live", "setmem --live -- dom 4G"
  };
  struct parsed parsed;
  char why[256];

  for (size_t i = 0; i < COUNT_OF (lines); i++) {
    assert_int_equal (parse (&parsed, why, lines[i]), 0);
    assert_string_equal (value (&parsed, "domain"), "dom");
    assert_string_equal (value (&parsed, "size"), "4G");
    assert_non_null (value (&parsed, "live"));
    assert_null (value (&parsed, "config"));
    free (parsed.args);
  }
}

static void
options_gather_what_is_left (void **state)
{
  struct parsed parsed;
  char why[256];

  assert_int_equal (parse (&parsed, why, "desc d --title a b -- --c"), 0);
  assert_int_equal (parsed.nargs, 3);
  assert_string_equal (parsed.args[0], "a");
  assert_string_equal (parsed.args[2], "--c");
  free (parsed.args);
}

static void
options_refuse_with_a_reason (void **state)
{
  static const char *const lines[][2] = {
    { "dominfo", "command 'dominfo' requires <domain>" },
    { "dominfo a b", "unexpected argument 'b'" },
    { "dominfo a --x", "command 'dominfo' has no option --x" },
    { "list --all=1", "option --all takes no value" },
    { "vcpupin a --vcpu 4294967296",
      "option --vcpu: '4294967296' is not a number" },
    { "setmem a 1 --live --current",
      "options --current and --live are mutually exclusive" },
    { "event --timeout", "option --timeout needs a value" }
  };
  struct parsed parsed;
  char why[256];

  for (size_t i = 0; i < COUNT_OF (lines); i++) {
    assert_int_equal (parse (&parsed, why, lines[i][0]), -1);
    assert_string_equal (why, lines[i][1]);
    free (parsed.args);
  }
}

/* Walks the table: rows can be wrong in ways that no user should find. */
static void
table_rows_make_sense (void **state)
{
  for (const struct command_group *g = command_groups; g->name; g++)
    for (const struct command *c = g->commands; c->name; c++) {
      size_t count = 0, gathered = 0;

      assert_non_null (c->run);
      assert_ptr_equal (command_find (c->name), c);
      for (const struct cli_option *o = c->options; o && o->name; o++) {
        CLEANUP_FREE char *others = strdup (o->without ? o->without : "");
        char *save = NULL;

        assert_ptr_equal (option_find (c, o->name), o);
        assert_non_null (o->help);
        /* nothing goes by its place after the words that are left */
        assert_true (gathered == 0 || o->type == OPT_BOOL
                     || o->flags & OPT_NAMED);
        gathered += o->type == OPT_ARGS;
        for (char *name = strtok_r (others, ",", &save); name;
             name = strtok_r (NULL, ",", &save))
          assert_non_null (option_find (c, name));
        count++;
      }
      assert_true (count <= OPTIONS_MAX);
    }
}

/* Every {key} of a template is a field of the same event. */
static void
events_name_fields_that_exist (void **state)
{
  static const struct event_kind *const tables[] = {
    domain_events, network_events
  };

  for (size_t t = 0; t < COUNT_OF (tables); t++)
    for (const struct event_kind *k = tables[t]; k->name; k++)
      for (const char *at = strchr (k->text, '{'); at;
           at = strchr (at + 1, '{')) {
        size_t len = strcspn (at + 1, "}");
        bool found = false;

        for (const struct event_field *f = k->fields; f && f->key; f++)
          found = found || (strlen (f->key) == len
                            && strncmp (f->key, at + 1, len) == 0);
        if (!found)
          fail_msg ("%s: %s", k->name, at);
      }
}

static void
expect_event (const char *name, const void *msg, const char *when,
              const char *text, const char *json)
{
  const struct event_kind *kind = domain_events;
  CLEANUP_FREE char *people = NULL, *programs = NULL;

  while (strcmp (kind->name, name) != 0)
    kind++;
  event_format (kind, "domain", msg, when, &people, &programs);
  assert_string_equal (people, text);
  assert_string_equal (programs, json);
}

static void
events_read_as_virsh_writes_them (void **state)
{
  char name[] = "web", alias[] = "a", source[] = "/x";
  struct virgate_remote_domain_event_callback_lifecycle_msg life = {
    .msg = { .dom = { .name = name }, .event = 5, .detail = 1 }
  };
  struct virgate_remote_domain_event_callback_disk_change_msg disk = {
    .msg = { .dom = { .name = name }, .newSrcPath = source,
             .devAlias = alias, .reason = 1 }
  };
  struct virgate_typed_param params[] = {
    { alias, { VIRGATE_TYPED_PARAM_INT, { .i = -3 } } },
    { source, { VIRGATE_TYPED_PARAM_STRING, { .s = name } } }
  };
  struct virgate_remote_domain_event_callback_tunable_msg tunable = {
    .dom = { .name = name }, .params = { 2, params }
  };

  expect_event ("lifecycle", &life, NULL,
                "event 'lifecycle' for domain 'web': Stopped Destroyed",
                "{\"event\": \"lifecycle\", \"domain\": \"web\", "
                "\"change\": \"Stopped\", \"detail\": \"Destroyed\"}");
  life.msg.event = 99;
  expect_event ("lifecycle", &life, "NOW",
                "NOW: event 'lifecycle' for domain 'web': unknown unknown",
                "{\"event\": \"lifecycle\", \"domain\": \"web\", "
                "\"timestamp\": \"NOW\", \"change\": \"unknown\", "
                "\"detail\": \"unknown\"}");
  expect_event ("disk-change", &disk, NULL,
                "event 'disk-change' for domain 'web' disk a: <null> -> /x: "
                "dropped",
                "{\"event\": \"disk-change\", \"domain\": \"web\", "
                "\"alias\": \"a\", \"old_source\": null, "
                "\"new_source\": \"/x\", \"reason\": \"dropped\"}");
  expect_event ("tunable", &tunable, NULL,
                "event 'tunable' for domain 'web':\n\ta: -3\n\t/x: web",
                "{\"event\": \"tunable\", \"domain\": \"web\", "
                "\"params\": {\"a\": -3, \"/x\": \"web\"}}");
}

static void
json_strings_are_escaped (void **state)
{
  CLEANUP_FREE char *text = NULL;
  size_t len;
  FILE *out = must_memstream (&text, &len);

  json_string (out, "a\"b\\c\n\x1b\x7f\xc3\xa4");
  fclose (out);
  assert_string_equal (text, "\"a\\\"b\\\\c\\n\\u001b\\u007f\xc3\xa4\"");
}

static void
cpulist_reads_no_further_than_the_map (void **state)
{
  static const uint8_t map[] = { 0x0f, 0x81 };
  CLEANUP_FREE char *whole = cpulist_format (map, 2, 0, 16);
  CLEANUP_FREE char *few = cpulist_format (map, 2, 0, 3);
  CLEANUP_FREE char *beyond = cpulist_format (map, 2, 1, 64);
  CLEANUP_FREE char *none = cpulist_format (NULL, 0, 0, 8);
  CLEANUP_FREE char *letters = cpumap_letters (map, 1, 0, 10);

  assert_string_equal (whole, "0-3,8,15");
  assert_string_equal (few, "0-2");
  assert_string_equal (beyond, "0,7");
  assert_string_equal (none, "");
  assert_string_equal (letters, "yyyy------");
}

static void
uuid_is_36_characters (void **state)
{
  static const char text[] = "6695eb01-f6a4-8304-79aa-97f2502e193f";
  uint8_t uuid[16];
  char again[UUID_TEXT_LEN];

  assert_int_equal (uuid_read (text, uuid), 0);
  uuid_format (uuid, again);
  assert_string_equal (again, text);
  assert_int_equal (uuid_read ("6695eb01f6a4830479aa97f2502e193f", uuid), -1);
  assert_int_equal (uuid_read ("6695eb01-f6a4-8304-79aa-97f2502e193", uuid),
                    -1);
  assert_int_equal (uuid_read ("6695eb01-f6a4-8304-79aa-97f2502e193g", uuid),
                    -1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (line_splits_like_a_shell),
    cmocka_unit_test (line_keeps_empty_words_and_odd_places),
    cmocka_unit_test (line_refuses_what_does_not_end),
    cmocka_unit_test (size_takes_units_and_refuses_overflow),
    cmocka_unit_test (options_go_by_name_or_by_place),
    cmocka_unit_test (options_gather_what_is_left),
    cmocka_unit_test (options_refuse_with_a_reason),
    cmocka_unit_test (table_rows_make_sense),
    cmocka_unit_test (events_name_fields_that_exist),
    cmocka_unit_test (events_read_as_virsh_writes_them),
    cmocka_unit_test (json_strings_are_escaped),
    cmocka_unit_test (cpulist_reads_no_further_than_the_map),
    cmocka_unit_test (uuid_is_36_characters)
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
