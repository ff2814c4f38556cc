/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Running programs: what they are given, what comes back, and every way in
 * which they end.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "common/child.h"
#include "common/mem.h"
#include "common/slots.h"

static char out[4096];
static char said[CHILD_LINES_MAX * CHILD_LINE_MAX + 100];
static unsigned lines;

static void
keep (void *opaque, const char *line)
{
  assert_ptr_equal (opaque, said);
  strcat (said, line);
  strcat (said, "|");
  lines++;
}

static enum child_end
run_for (const char *script, const char *input, int64_t ms, int stop_fd,
         struct child *child)
{
  char *argv[] = { (char *) "/bin/sh", (char *) "-c", (char *) script, NULL };
  char *envp[] = { (char *) "PATH=/usr/bin:/bin", (char *) "X=y", NULL };

  *child = (struct child) {
    .argv = argv, .envp = envp, .in = input, .in_len = strlen (input),
    .out = out, .out_size = sizeof out - 1, .stop_fd = stop_fd,
    .deadline = now_ns () + ms * NS_PER_MS, .said = keep, .opaque = said,
  };
  *said = '\0';
  lines = 0;
  return child_run (child);
}

static enum child_end
run (const char *script, const char *input)
{
  struct child child;
  enum child_end end = run_for (script, input, 30000, -1, &child);

  out[child.out_len] = '\0';
  /* Nothing is left of it. */
  assert_int_equal (waitpid (-1, NULL, WNOHANG), -1);
  assert_int_equal (errno, ECHILD);
  return end == CHILD_EXITED ? child.status : -(int) end;
}

static void
child_is_given_its_input_and_says_its_output (void **state)
{
  assert_int_equal (run ("cat; exit 3", "a\nb"), 3);
  assert_string_equal (out, "a\nb");
  assert_int_equal (run ("exec true", "nobody reads this"), 0);
  assert_string_equal (out, "");
}

static void
child_has_no_other_environment_descriptors_or_terminal (void **state)
{
  assert_int_equal (run ("env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= "
                         "-e ^OLDPWD= | sort; pwd", ""), 0);
  assert_string_equal (out, "PATH=/usr/bin:/bin\nX=y\n/\n");
  assert_int_equal (dup2 (1, 57), 57);  /* one that is not close-on-exec */
  assert_int_equal (run ("echo /proc/$$/fd/*", ""), 0);
  assert_null (strstr (out, "/57"));
  assert_null (strstr (out, "/3 "));
  close (57);
  assert_int_equal (run ("exec 2>/dev/null; (true </dev/tty) && echo tty; :", ""),
                    0);
  assert_string_equal (out, "");
}

static void
child_starts_with_all_signals_at_their_default (void **state)
{
  unsigned long long blocked, ignored;
  sigset_t all, before;

  signal (SIGPIPE, SIG_IGN);
  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, &before);
  assert_int_equal (run ("grep -e SigBlk -e SigIgn /proc/self/status", ""), 0);
  sigprocmask (SIG_SETMASK, &before, NULL);
  signal (SIGPIPE, SIG_DFL);
  assert_int_equal (sscanf (out, "SigBlk: %llx SigIgn: %llx", &blocked,
                            &ignored), 2);
  /* Of the two that the C library keeps for itself it says nothing. */
  assert_int_equal (blocked & 0x7fffffff, 0);
  assert_int_equal (ignored & 0x7fffffff, 0);
}

static void
child_that_dies_is_told_from_one_that_returns (void **state)
{
  struct child child;

  assert_int_equal (run_for ("echo x; kill -9 $$", "", 30000, -1, &child),
                    CHILD_KILLED);
  assert_int_equal (child.status, 9);
}

static void
child_that_cannot_be_started_is_an_error (void **state)
{
  char *argv[] = { (char *) "/nonexistent/program", NULL };
  struct child child = {
    .argv = argv, .envp = argv + 1, .out = out, .out_size = 10,
    .deadline = now_ns () + NS_PER_S, .stop_fd = -1,
  };
  char text[100];

  skip_under_valgrind ();       /* the child of its fork tells no error */
  assert_int_equal (child_run (&child), CHILD_FAILED);
  assert_int_equal (child.status, ENOENT);
  child_describe (&child, CHILD_FAILED, text, sizeof text);
  assert_string_equal (text, "could not be run: No such file or directory");
}

static void
child_that_hangs_is_killed_with_its_children (void **state)
{
  struct child child;
  int64_t began = now_ns ();
  int pid;

  assert_int_equal (run_for ("setsid -w sleep 100 & sleep 100 & echo $!; "
                             "exec sleep 100", "", 150, -1, &child),
                    CHILD_TOO_SLOW);
  assert_true (now_ns () - began < 20 * NS_PER_S);
  out[child.out_len] = '\0';
  pid = atoi (out);
  /* It is killed; whoever inherits it reaps it in its own time. */
  for (int i = 0; i < 2000 && kill (pid, 0) == 0; i++) {
    char path[64], stat[256] = "";
    FILE *f;

    snprintf (path, sizeof path, "/proc/%d/stat", pid);
    f = fopen (path, "r");
    if (f == NULL)
      break;
    assert_non_null (fgets (stat, sizeof stat, f));
    fclose (f);
    if (strstr (stat, ") Z "))
      break;
    usleep (5000);
    assert_true (i < 1999);
  }
}

static void
child_is_over_when_it_ends_whoever_holds_its_output (void **state)
{
  int64_t began = now_ns ();

  assert_int_equal (run ("sleep 100 & echo answer", ""), 0);
  assert_string_equal (out, "answer\n");
  assert_true (now_ns () - began < 20 * NS_PER_S);
}

static void
child_that_writes_too_much_is_killed (void **state)
{
  struct child child;

  assert_int_equal (run_for ("exec yes", "", 30000, -1, &child),
                    CHILD_TOO_LONG);
  assert_int_equal (run_for ("head -c 4095 /dev/zero", "", 30000, -1, &child),
                    CHILD_EXITED);
  assert_int_equal (child.out_len, 4095);
  assert_int_equal (run_for ("head -c 4096 /dev/zero", "", 30000, -1, &child),
                    CHILD_TOO_LONG);
}

static void
errors_come_line_by_line_and_not_without_end (void **state)
{
  assert_int_equal (run ("printf 'a\\tb\\n\\nc' >&2", ""), 0);
  assert_string_equal (said, "a b|c|");
  assert_int_equal (run ("yes no | head -n 100000 >&2", ""), 0);
  assert_int_equal (lines, CHILD_LINES_MAX);
  assert_int_equal (run ("head -c 100000 /dev/zero >&2", ""), 0);
  assert_int_equal (strlen (said), CHILD_LINE_MAX);
}

static void
child_is_stopped_when_its_host_ends (void **state)
{
  int fd = eventfd (1, EFD_CLOEXEC);
  struct child child;

  assert_int_equal (run_for ("exec sleep 100", "", 30000, fd, &child),
                    CHILD_STOPPED);
  close (fd);
}

static void
slots_are_so_many_and_no_more (void **state)
{
  struct slots slots;

  slots_init (&slots, 2);
  assert_int_equal (slots_take (&slots, 0), 0);
  assert_int_equal (slots_take (&slots, 0), 0);
  assert_int_equal (slots_take (&slots, now_ns () + 5 * NS_PER_MS), -1);
  slots_give (&slots);
  assert_int_equal (slots_take (&slots, 0), 0);
  slots_destroy (&slots);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (child_is_given_its_input_and_says_its_output),
    cmocka_unit_test (child_has_no_other_environment_descriptors_or_terminal),
    cmocka_unit_test (child_starts_with_all_signals_at_their_default),
    cmocka_unit_test (child_that_dies_is_told_from_one_that_returns),
    cmocka_unit_test (child_that_cannot_be_started_is_an_error),
    cmocka_unit_test (child_that_hangs_is_killed_with_its_children),
    cmocka_unit_test (child_is_over_when_it_ends_whoever_holds_its_output),
    cmocka_unit_test (child_that_writes_too_much_is_killed),
    cmocka_unit_test (errors_come_line_by_line_and_not_without_end),
    cmocka_unit_test (child_is_stopped_when_its_host_ends),
    cmocka_unit_test (slots_are_so_many_and_no_more),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
