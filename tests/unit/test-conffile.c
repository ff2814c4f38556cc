/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Configuration files: what is read, what is refused and in which words.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "core/conffile.h"
#include "core/error.h"

static const struct virgate_option daemon_options[] = {
  { "max-clients", VIRGATE_OPTION_UINT, 0, 1, 100000, NULL, "5000", "" },
  { "memory", VIRGATE_OPTION_SIZE, 0, 1024, 1 << 30, "bytes", "64k", "" },
  { "verbose", VIRGATE_OPTION_BOOL, 0, 0, 0, NULL, "no", "" },
  { "state", VIRGATE_OPTION_PATH, 0, 0, 0, NULL, NULL, "" },
  { "mode", VIRGATE_OPTION_MODE, 0, 0, 0, NULL, NULL, "" },
  { "words", VIRGATE_OPTION_LIST, 0, 0, 0, NULL, NULL, "" },
  { "text", VIRGATE_OPTION_STRING, 0, 0, 0, NULL, NULL, "" },
  { NULL },
};

static const struct virgate_option listen_options[] = {
  { "transport", VIRGATE_OPTION_STRING, 0, 0, 0, NULL, "unix", "" },
  { NULL },
};

static const struct config_kind kinds[] = {
  { "daemon", false, false, daemon_options },
  { "listen", true, true, listen_options },
  { NULL },
};

static struct config
parsed (const char *text)
{
  struct virgate_error err = { 0 };
  struct config config;

  config_init (&config);
  if (config_parse (&config, text, strlen (text), "x.conf", kinds, &err))
    fail_msg ("%s: %s", text, err.message);
  return config;
}

static void
assert_refused (const char *text, size_t len, const char *reason)
{
  struct virgate_error err = { 0 };
  struct config config;

  config_init (&config);
  if (config_parse (&config, text, len, "x.conf", kinds, &err) == 0)
    fail_msg ("accepted: %s", text);
  assert_string_equal (err.message, reason);
  error_clear (&err);
  config_free (&config);
}

static void
keeps_sections_and_keys_in_file_order_with_lines (void **state)
{
  struct config config = parsed ("# comment\n"
                                 "[daemon]\n"
                                 "max-clients = 7 ; comment\r\n"
                                 "\n"
                                 "[ listen   a b ]\n"
                                 "port: 1\n"
                                 "  ; comment\n"
                                 "address = ::1\n"
                                 "address=127.0.0.1\n"
                                 "[listen empty]");
  const struct config_section *s = config.sections;

  assert_string_equal (s->title, "daemon");
  assert_null (s->name);
  assert_string_equal (config_key (s, "max-clients")->value, "7");
  assert_int_equal (config_key (s, "max-clients")->line, 3);
  s = s->next;
  assert_string_equal (s->title, "listen a b");
  assert_string_equal (s->name, "a b");
  assert_int_equal (s->line, 5);
  assert_string_equal (s->keys->key, "port");
  assert_string_equal (s->keys->next->value, "::1");
  assert_string_equal (config_key (s, "address")->value, "127.0.0.1");
  assert_int_equal (config_key (s, "address")->line, 9);
  s = s->next;
  assert_string_equal (s->title, "listen empty");
  assert_null (s->keys);
  assert_null (s->next);
  assert_ptr_equal (config_find (&config, "listen", "empty"), s);
  assert_ptr_equal (config_each (&config, "listen", NULL)->next, s);
  assert_null (config_each (&config, "listen", s));
  config_free (&config);
}

static void
reads_long_lines_and_continuations (void **state)
{
  char text[20000] = "[daemon]\nwords =", *at = text + strlen (text);
  char expected[20000] = "", *end = expected;
  struct config config;

  for (int i = 0; i < 1000; i++) {
    char word[16];

    snprintf (word, sizeof word, "%d.0.0.0/8", i);
    at += sprintf (at, "%s%s", i % 300 == 299 ? "\n   " : " ", word);
    end += sprintf (end, "%s%s", i ? " " : "", word);
  }
  strcpy (at, " ; and a comment that follows\ntext = after\n");
  config = parsed (text);
  assert_string_equal (config_key (config.sections, "words")->value, expected);
  assert_string_equal (config_key (config.sections, "text")->value, "after");
  assert_int_equal (config_key (config.sections, "text")->line, 6);
  config_free (&config);
}

static void
drops_comments_wherever_a_line_ends (void **state)
{
  struct config config = parsed ("[daemon]\nwords = a ; one\n  b ; two\n"
                                 "  ; three\n# four\n  c;d\ntext = ; five\n");

  assert_string_equal (config_key (config.sections, "words")->value,
                       "a b c;d");
  assert_string_equal (config_key (config.sections, "text")->value, "");
  config_free (&config);
}

static void
keeps_every_byte_of_a_long_value (void **state)
{
  char text[4096] = "[daemon]\ntext = ", *start = text + strlen (text);
  struct config config;
  uint32_t random = 1;

  for (int round = 0; round < 200; round++) {
    char *at = start;

    for (int i = 0; i < 2000; i++) {
      random = random * 1664525 + 1013904223;
      *at++ = " ab;#[=:x"[(random >> 16) % 9];
    }
    *start = at[-1] = 'x';
    *at = '\0';
    for (char *p = start; *p; p++)
      if (*p == ';' && p[-1] == ' ')
        *p = ':';
    config = parsed (text);
    assert_string_equal (config_key (config.sections, "text")->value, start);
    config_free (&config);
  }
}

static void
refuses_in_words_that_help (void **state)
{
  static const struct {
    const char *text, *reason;
  } rows[] = {
    { "key = 1", "x.conf:1: a key before the first section" },
    { "[daemon\n", "x.conf:1: no ']' after '['" },
    { "[daemon] x\n", "x.conf:1: text after ']'" },
    { "\n[demon]\n", "x.conf:2: there is no section of kind 'demon'; "
      "there are daemon, listen" },
    { "[]\n", "x.conf:1: there is no section of kind ''; there "
      "are daemon, listen" },
    { "[daemon x]\n", "x.conf:1: this kind of section takes no name" },
    { "[listen]\n",
      "x.conf:1: this kind of section needs a name: [KIND NAME]" },
    { "[daemon]\n[daemon]\n", "x.conf:2: this section was there before" },
    { "[listen a]\n[listen b]\n[listen a]\n",
      "x.conf:3: this section was there before" },
    { "[listen a]\n= x\n", "x.conf:2: expected KEY = VALUE" },
    { "[daemon]\nverbose\n", "x.conf:2: expected KEY = VALUE" },
    { "[daemon]\nverbose\ntext = x\n", "x.conf:2: expected KEY = VALUE" },
    { "[daemon]\n\nmax-client = 1\n",
      "x.conf:3: [daemon] max-client: there is no such key in [daemon]: "
      "did you mean 'max-clients'?" },
    { "[daemon]\nmax-clients = 0\n",
      "x.conf:2: [daemon] max-clients: '0' is not a number from 1 to 100000" },
    { "[daemon]\nmax-clients = 18446744073709551616\n",
      "x.conf:2: [daemon] max-clients: '18446744073709551616' is not a number"
      " from 1 to 100000" },
    { "[daemon]\nmax-clients = -1\n",
      "x.conf:2: [daemon] max-clients: '-1' is not a number from 1 to 100000" },
    { "[daemon]\nmax-clients = 1 1\n", "x.conf:2: [daemon] max-clients: '1 1'"
      " is not a number from 1 to 100000" },
    { "[daemon]\nmemory = 18014398509481984k\n",
      "x.conf:2: [daemon] memory: '18014398509481984k' is not a size such as "
      "512, 64k or 10M from 1024 to 1073741824" },
    { "[daemon]\nverbose = maybe\n",
      "x.conf:2: [daemon] verbose: 'maybe' is not yes or no" },
    { "[daemon]\nstate = run\n",
      "x.conf:2: [daemon] state: 'run' is not an absolute path" },
    { "[daemon]\nmode = 0888\n", "x.conf:2: [daemon] mode: '0888' is not an "
      "octal file mode such as 0660" },
    { "[daemon]\ntext = a\nverbose = no\ntext = b\n",
      "x.conf:4: [daemon] text: given twice, first in line 2" },
    { "[daemon]\ntext = a\001b\n",
      "x.conf:2: [daemon] text: the value has a control character in it" },
    { "[listen a\001]\n",
      "x.conf:1: the name has a control character in it" },
  };
  char text[700];

  for (size_t i = 0; i < COUNT_OF (rows); i++)
    assert_refused (rows[i].text, strlen (rows[i].text), rows[i].reason);
  assert_refused ("[daemon]\ntext = \0\n", 18, "x.conf:2: a NUL byte");
  memset (text, ' ', sizeof text);
  memcpy (text, "[daemon]\ntext = x", 17);
  strcpy (text + sizeof text - 2, "x");
  assert_refused (text, strlen (text),
                  "x.conf:2: too long without a place to cut");
}

static void
converts_values (void **state)
{
  struct config config = parsed ("[daemon]\nmemory = 10K\nverbose = ON\n"
                                 "mode = 0640\n");
  const struct config_section *s = config.sections;

  assert_int_equal (config_number (s, daemon_options, "memory"), 10240);
  assert_int_equal (config_number (s, daemon_options, "max-clients"), 5000);
  assert_int_equal (config_number (s, daemon_options, "mode"), 0640);
  assert_true (config_bool (s, daemon_options, "verbose"));
  assert_false (config_bool (NULL, daemon_options, "verbose"));
  assert_null (config_value (s, daemon_options, "text"));
  config_free (&config);
}

static void
overrides_take_the_place_of_files (void **state)
{
  struct config config = parsed ("[listen p]\nport = 1\nport = 2\nx = 3\n");
  const struct config_section *s = config.sections;

  assert_int_equal (config_set (&config, "listen.p.port=0", kinds, NULL), 0);
  assert_string_equal (s->keys->key, "x");
  assert_string_equal (config_key (s, "port")->value, "0");
  assert_null (s->keys->next->next);
  assert_int_equal (config_set (&config, "daemon.text=a=b.c", kinds, NULL), 0);
  assert_int_equal (config_set (&config, "daemon.text=d", kinds, NULL), 0);
  s = config_find (&config, "daemon", NULL);
  assert_string_equal (config_key (s, "text")->value, "d");
  assert_int_equal (config_set (&config, "listen.a.b.c=", kinds, NULL), 0);
  assert_int_equal (config_set (&config, "listen.a.b.c=1", kinds, NULL), 0);
  s = config_find (&config, "listen", "a.b");
  assert_int_equal (config_check_key (s, config_key (s, "c"),
                                      &daemon_options[0], NULL), 0);
  assert_non_null (config_find (&config, "listen", "a.b"));
  config_free (&config);
}

static void
refuses_overrides_in_words_that_help (void **state)
{
  static const struct {
    const char *text, *reason;
  } rows[] = {
    { "x", "--set x: expected SECTION.KEY=VALUE, such as "
           "daemon.max-clients=10 or listen.NAME.port=0" },
    { "x.y=1", "--set x.y=1: there is no section kind 'x'" },
    { "listen.port=1", "--set listen.port=1: expected listen.NAME.KEY=VALUE" },
    { "daemon.x.text=1", "--set daemon.x.text=1: expected daemon.KEY=VALUE" },
    { "daemon.=1", "--set daemon.=1: expected daemon.KEY=VALUE" },
    { "daemon.max-clients=no", "--set: [daemon] max-clients: 'no' is not a "
                               "number from 1 to 100000" },
    { "daemon.text=a\nb", "--set: [daemon] text: the value has a control "
                          "character in it" },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct virgate_error err = { 0 };
    struct config config;

    config_init (&config);
    assert_int_equal (config_set (&config, rows[i].text, kinds, &err), -1);
    assert_string_equal (err.message, rows[i].reason);
    error_clear (&err);
    config_free (&config);
  }
}

static void
prints_what_can_be_read_back (void **state)
{
  static const char expected[] =
    "[daemon]\nmax-clients = 3\nmemory = 64k\nverbose = no\nwords = a b\n"
    "words = c\n\n[listen x]\ntransport = unix\nport = 1\n";
  struct config config = parsed ("[daemon]\nwords = a\n b\nmax-clients = 3\n"
                                 "words = c\n[listen x]\nport = 1\n");
  CLEANUP_FREE char *text = NULL;
  size_t len;
  FILE *out = open_memstream (&text, &len);

  config_print (out, &config, kinds, NULL, NULL);
  fclose (out);
  assert_string_equal (text, expected);
  config_free (&config);
  config = parsed (text);
  config_free (&config);
}

static void
bounds_the_number_of_entries (void **state)
{
  char *text = malloc (CONFIG_FILE_MAX + 1), *at;
  struct virgate_error err = { 0 };
  struct config config;

  at = stpcpy (text, "[daemon]\n");
  for (int i = 0; i < CONFIG_ENTRIES_MAX; i++)
    at = stpcpy (at, "words=a\n");
  config_init (&config);
  assert_int_equal (config_parse (&config, text, at - text, "x", kinds, &err),
                    -1);
  assert_string_equal (err.message, "x:10001: too many sections and keys");
  error_clear (&err);
  config_free (&config);
  free (text);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (keeps_sections_and_keys_in_file_order_with_lines),
    cmocka_unit_test (reads_long_lines_and_continuations),
    cmocka_unit_test (drops_comments_wherever_a_line_ends),
    cmocka_unit_test (keeps_every_byte_of_a_long_value),
    cmocka_unit_test (refuses_in_words_that_help),
    cmocka_unit_test (converts_values),
    cmocka_unit_test (overrides_take_the_place_of_files),
    cmocka_unit_test (refuses_overrides_in_words_that_help),
    cmocka_unit_test (prints_what_can_be_read_back),
    cmocka_unit_test (bounds_the_number_of_entries),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
