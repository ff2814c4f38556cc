/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A client that connects to one or more URIs, one after the other, keeps all
 * the connections, makes a call on each, and tells what happened, a line each:
 *
 *   asked KIND PROMPT       the credential callback was called
 *   up MICROSECONDS         connected, and the call succeeded
 *   error MS MESSAGE        connecting, or a call, failed
 *   waiting                 --hold: a line on standard input goes on
 *   threads COUNT           of the process, once all is closed
 *   fds COUNT
 *
 *   ssh-client [--timeout MS] [--call-timeout MS] [--hold] [--close]
 *              [--parallel] URI...
 *
 * The environment's ANSWERS are given in order, one a line.  --close closes
 * each connection before the next; --parallel makes them at once, by threads.
 */
#include "config.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/calls.h>

#include "common/mem.h"

#define CONNS_MAX 64

static int32_t timeout_ms = 15000;
static int32_t call_timeout_ms = 15000;
static char *answers, *all_answers;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int
answer (void *opaque, int kind, const char *prompt, const char *challenge,
        char **result)
{
  char *line;

  pthread_mutex_lock (&lock);
  printf ("asked %d %s\n", kind, prompt);
  line = strsep (&answers, "\n");
  pthread_mutex_unlock (&lock);
  if (line == NULL || *line == '\0')
    return 1;
  *result = strdup (line);
  return *result ? 0 : -1;
}

static void
say_error (int64_t start)
{
  char text[2000];

  snprintf (text, sizeof text, "%s", virgate_last_error ()->message);
  for (char *c = text; *c; c++)
    if (*c == '\n')
      *c = ' ';
  printf ("error %lld %s\n", (long long) ((now_ns () - start) / NS_PER_MS),
          text);
}

static int
call (struct virgate_conn *conn)
{
  const struct virgate_remote_connect_list_all_domains_args args = { 1, 0 };
  struct virgate_remote_connect_list_all_domains_ret *ret;

  if (virgate_remote_connect_list_all_domains (conn, &args, &ret) == -1)
    return -1;
  virgate_free (ret);
  return 0;
}

static struct virgate_conn *
open_one (const char *uri)
{
  const struct virgate_connect_options options = {
    .size = sizeof options, .connect_timeout_ms = timeout_ms,
    .call_timeout_ms = call_timeout_ms, .keepalive_interval_ms = -1,
    .credential = answer,
  };
  int64_t start = now_ns ();
  struct virgate_conn *conn = virgate_connect (uri, &options);

  if (conn && call (conn) == 0)
    printf ("up %lld\n", (long long) ((now_ns () - start) / 1000));
  else
    say_error (start);
  fflush (stdout);
  return conn;
}

static void *
open_in_thread (void *uri)
{
  return open_one (uri);
}

static int
entries (const char *folder)
{
  DIR *dir = opendir (folder);
  int count = -2;

  while (dir && readdir (dir))
    count++;
  if (dir)
    closedir (dir);
  return count;
}

static void
open_all (char **uris, int count, int parallel, int closing,
          struct virgate_conn **conns)
{
  pthread_t threads[CONNS_MAX];

  for (int i = 0; i < count; i++) {
    if (parallel) {
      pthread_create (&threads[i], NULL, open_in_thread, uris[i]);
      continue;
    }
    conns[i] = open_one (uris[i]);
    if (closing) {
      virgate_conn_free (conns[i]);
      conns[i] = NULL;
    }
  }
  for (int i = 0; parallel && i < count; i++)
    pthread_join (threads[i], (void **) &conns[i]);
}

int
main (int argc, char *argv[])
{
  struct virgate_conn *conns[CONNS_MAX] = { NULL };
  int hold = 0, closing = 0, parallel = 0, at = 1, count;
  char line[10];

  for (; at < argc && strncmp (argv[at], "--", 2) == 0; at++)
    if (strcmp (argv[at], "--timeout") == 0)
      timeout_ms = call_timeout_ms = atoi (argv[++at]);
    else if (strcmp (argv[at], "--call-timeout") == 0)
      call_timeout_ms = atoi (argv[++at]);
    else if (strcmp (argv[at], "--hold") == 0)
      hold = 1;
    else if (strcmp (argv[at], "--close") == 0)
      closing = 1;
    else
      parallel = 1;
  all_answers = getenv ("ANSWERS") ? strdup (getenv ("ANSWERS")) : NULL;
  answers = all_answers;
  count = MIN_OF (argc - at, CONNS_MAX);
  open_all (argv + at, count, parallel, closing, conns);
  if (hold) {
    printf ("waiting\n");
    fflush (stdout);
    if (fgets (line, sizeof line, stdin) == NULL)
      return 1;
  }
  for (int i = 0; i < count; i++) {
    int64_t start = now_ns ();

    if (hold && conns[i] && call (conns[i]) == -1)
      say_error (start);
    virgate_conn_free (conns[i]);
  }
  printf ("threads %d\nfds %d\n", entries ("/proc/self/task"),
          entries ("/proc/self/fd") - 1);
  free (all_answers);
  return 0;
}
