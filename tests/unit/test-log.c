/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Log lines: their form, and that nobody can forge one.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "common/mem.h"
#include "core/log.h"

static char line[2 * LOG_LINE_MAX];

/* What one write puts out. */
static const char *
written (const struct log *log, int from, const char *who, const char *text)
{
  ssize_t n;

  log_write (log, VIRGATE_LOG_WARNING, who, "%s", text);
  n = read (from, line, sizeof line - 1);
  assert_true (n > 0);
  line[n] = '\0';
  return line;
}

static void
writes_time_level_and_who (void **state)
{
  int pipes[2], year, month, day, hour, minute;
  struct log log;
  float second;
  char rest[100];

  assert_int_equal (pipe (pipes), 0);
  log_init (&log, pipes[1], VIRGATE_LOG_INFO);
  written (&log, pipes[0], "listen x", "hello");
  assert_int_equal (sscanf (line, "%d-%d-%dT%d:%d:%fZ %[^\n]", &year, &month,
                            &day, &hour, &minute, &second, rest), 7);
  assert_string_equal (rest, "warning listen x: hello");
  assert_true (year >= 2024);
  assert_int_equal (line[strlen (line) - 1], '\n');
  close (pipes[0]);
  close (pipes[1]);
}

static void
writes_priorities_to_the_journal (void **state)
{
  int pipes[2];
  struct log log;
  struct stat st;
  char stream[64];

  assert_int_equal (pipe (pipes), 0);
  fstat (pipes[1], &st);
  snprintf (stream, sizeof stream, "%llu:%llu",
            (unsigned long long) st.st_dev, (unsigned long long) st.st_ino);
  setenv ("JOURNAL_STREAM", stream, 1);
  log_init (&log, pipes[1], VIRGATE_LOG_INFO);
  assert_string_equal (written (&log, pipes[0], NULL, "x"), "<4>x\n");
  assert_string_equal (written (&log, pipes[0], "w", "x"), "<4>w: x\n");
  setenv ("JOURNAL_STREAM", "1:1", 1);
  log_init (&log, pipes[1], VIRGATE_LOG_INFO);
  assert_false (log.journal);
  unsetenv ("JOURNAL_STREAM");
  close (pipes[0]);
  close (pipes[1]);
}

static void
escapes_what_could_forge_a_line (void **state)
{
  static const struct {
    const char *in, *out;
  } rows[] = {
    { "a\nb\r\x1b[31m", "a\\x0ab\\x0d\\x1b[31m" },
    { "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7",
      "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7" },
    { "\xff\xc3", "\\xff\\xc3" },
    { "\xc0\xaf", "\\xc0\\xaf" },
    { "\xc2\x85", "\\xc2\\x85" },
    { "\xe2\x80\xae", "\\xe2\\x80\\xae" },
    { "\xed\xa0\x80", "\\xed\\xa0\\x80" },
    { "\x7f", "\\x7f" },
  };
  char out[64];

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    assert_int_equal (log_escape (out, sizeof out, rows[i].in),
                      strlen (rows[i].out));
    assert_string_equal (out, rows[i].out);
  }
}

static void
cuts_long_text_and_says_so (void **state)
{
  char in[100], out[100];

  memset (in, '\n', sizeof in - 1);
  in[sizeof in - 1] = '\0';
  for (size_t size = 1; size < sizeof out; size++) {
    memset (out, 'X', sizeof out);
    assert_true (log_escape (out, size, in) < size);
    assert_true (strlen (out) < size);
    assert_int_equal (out[size], 'X');
    if (size >= 8)
      assert_string_equal (out + strlen (out) - 3, "...");
  }
}

static void
writes_a_long_line_once_with_its_end (void **state)
{
  char text[3 * LOG_LINE_MAX];
  int pipes[2];
  struct log log;

  memset (text, 'a', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  assert_int_equal (pipe (pipes), 0);
  log_init (&log, pipes[1], VIRGATE_LOG_INFO);
  written (&log, pipes[0], text, text);
  assert_true (strlen (line) <= LOG_LINE_MAX);
  assert_int_equal (line[strlen (line) - 1], '\n');
  close (pipes[0]);
  close (pipes[1]);
}

static void
keep (void *opaque, int level, const char *text)
{
  snprintf (opaque, 100, "%d %s", level, text);
}

static void
drops_levels_above_its_own (void **state)
{
  char kept[100] = "";
  struct log log = { .level = VIRGATE_LOG_INFO, .fd = -1, .sink = keep,
                     .opaque = kept };

  errno = 5;
  log_write (&log, VIRGATE_LOG_DEBUG, NULL, "no");
  assert_string_equal (kept, "");
  log_write (&log, VIRGATE_LOG_INFO, "who", "a%sb", "\n");
  assert_string_equal (kept, "6 a\\x0ab");
  assert_int_equal (errno, 5);
  log_write (NULL, VIRGATE_LOG_ERROR, NULL, "nowhere");
  assert_int_equal (log_level_from_name ("debug"), VIRGATE_LOG_DEBUG);
  assert_int_equal (log_level_from_name ("loud"), -1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (writes_time_level_and_who),
    cmocka_unit_test (writes_priorities_to_the_journal),
    cmocka_unit_test (escapes_what_could_forge_a_line),
    cmocka_unit_test (cuts_long_text_and_says_so),
    cmocka_unit_test (writes_a_long_line_once_with_its_end),
    cmocka_unit_test (drops_levels_above_its_own),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
