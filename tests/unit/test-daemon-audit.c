/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The audit trail on a disk that is full for a while.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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
  audit_put (audit, LINE, strlen (LINE));
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
  audit_put (audit, LINE, strlen (LINE));
  audit_close (audit);
  assert_string_equal (trail (), "{\"event\n" LINE
                       "{\"event\":\"lost\",\"lines\":3}\n");
  unlink (path);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (tells_all_that_is_lost),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
