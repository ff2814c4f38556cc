/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The audit trail on a disk that is full for a while, or does not answer.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "core/error.h"
#include "core/log.h"
#include "daemon/audit.h"

#define LINE "{\"event\":\"a line\"}\n"

static char path[] = "/tmp/virgate-test-XXXXXX";

/* A file may be so long, and the next byte fails. */
static void
allow (rlim_t bytes)
{
  struct rlimit limit;

  assert_int_equal (getrlimit (RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &limit), 0);
}

static void
put_and_lose (struct audit *audit, uint64_t lost)
{
  audit_put (audit, LINE, strlen (LINE), false);
  while (audit_lost (audit) < lost)
    usleep (1000);
}

/* Read the whole file. */
static const char *
trail (void)
{
  static char text[1024];
  FILE *f = fopen (path, "r");
  size_t len;

  assert_non_null (f);
  len = fread (text, 1, sizeof text - 1, f);
  fclose (f);
  text[len] = '\0';
  return text;
}

static void
tells_all_that_is_lost (void **state)
{
  struct virgate_error err = { 0 };
  struct audit *audit;
  struct log log;

  signal (SIGXFSZ, SIG_IGN);
  log_init (&log, -1, VIRGATE_LOG_ERROR);
  assert_int_not_equal (mkstemp (path), -1);
  audit = audit_open (path, 100, &log, &err);
  assert_non_null (audit);
  allow (7);
  put_and_lose (audit, 1);      /* in part */
  put_and_lose (audit, 2);
  put_and_lose (audit, 3);
  allow (RLIM_INFINITY);
  audit_put (audit, LINE, strlen (LINE), false);
  audit_close (audit);
  assert_string_equal (trail (), "{\"event\n" LINE
                       "{\"event\":\"lost\",\"lines\":3,\"refusals\":0}\n");
  unlink (path);
}

/* A pipe that is full holds up whoever writes the trail. */
static void
hold_up (struct audit *audit, int pipe_fd)
{
  int size = fcntl (pipe_fd, F_SETPIPE_SZ, 4096), waiting = 0;
  static char line[8000];

  assert_true (size > 0 && (size_t) size < sizeof line);
  memset (line, '.', sizeof line);
  line[sizeof line - 1] = '\n';
  audit_put (audit, line, sizeof line, false);
  while (ioctl (pipe_fd, FIONREAD, &waiting) == 0 && waiting < size)
    usleep (1000);
}

static void
read_until (int fd, const char *wanted)
{
  static char text[32768];
  size_t len = 0;

  while (strstr (text, wanted) == NULL) {
    ssize_t n = read (fd, text + len, sizeof text - 1 - len);

    assert_true (n > 0);
    len += n;
    text[len] = '\0';
  }
}

static void
refusals_have_half_of_the_queue (void **state)
{
  char pipe_path[] = "/tmp/virgate-test-XXXXXX";
  struct virgate_error err = { 0 };
  struct audit *audit;
  struct log log;
  int fd;

  log_init (&log, -1, VIRGATE_LOG_ERROR);
  close (mkstemp (pipe_path));
  unlink (pipe_path);
  assert_int_equal (mkfifo (pipe_path, 0600), 0);
  fd = open (pipe_path, O_RDWR | O_CLOEXEC);
  audit = audit_open (pipe_path, 20, &log, &err);
  assert_non_null (audit);
  hold_up (audit, fd);
  for (int i = 0; i < 100; i++)
    audit_put (audit, LINE, strlen (LINE), true);
  assert_int_equal (audit_lost (audit), 90);
  for (int i = 0; i < 10; i++)
    audit_put (audit, LINE, strlen (LINE), false);
  assert_int_equal (audit_lost (audit), 90);
  audit_put (audit, LINE, strlen (LINE), false);
  assert_int_equal (audit_lost (audit), 91);
  read_until (fd, "{\"event\":\"lost\",\"lines\":91,\"refusals\":90}\n");
  audit_close (audit);
  close (fd);
  unlink (pipe_path);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (refusals_have_half_of_the_queue),
    cmocka_unit_test (tells_all_that_is_lost),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
