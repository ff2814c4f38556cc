/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One program's use of libvirgate against a real server with the test driver:
 * calls, errors, events, a stream, asynchronous calls and threads.  Prints one
 * line for each step; a step that goes wrong ends it with status 1.
 *
 *   client-session URI READ-ONLY-URI
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/calls.h>

#include "common/mem.h"

#define THREADS 8
#define CALLS 200

static const char *step;

static void __attribute__ ((noreturn))
fail (const char *why)
{
  printf ("%s: %s\n", step, why);
  exit (1);
}

/* Every call of the program must succeed unless it says otherwise. */
static void
must (int result)
{
  if (result == -1)
    fail (virgate_last_error ()->message);
}

static struct virgate_conn *
open_conn (const char *uri, uint32_t flags)
{
  struct virgate_connect_options options = {
    .size = sizeof options, .flags = flags
  };
  struct virgate_conn *conn = virgate_connect (uri, &options);

  if (conn == NULL)
    fail (virgate_last_error ()->message);
  return conn;
}

static struct virgate_domain
define (struct virgate_conn *conn,
        struct virgate_remote_domain_define_xml_ret **ret)
{
  const struct virgate_remote_domain_define_xml_args args = {
    .xml = "<domain type='test'><name>session</name>"
           "<uuid>9f8e7d6c-0000-4000-8000-000000000001</uuid>"
           "<memory>8192</memory><os><type>hvm</type></os></domain>"
  };

  must (virgate_remote_domain_define_xml (conn, &args, ret));
  return (*ret)->dom;
}

/* Events ------------------------------------------------------------------ */

struct events {
  int count;
  int32_t kinds[16];
};

static void
keep_event (void *opaque, uint32_t program, int32_t procedure, const void *msg)
{
  const struct virgate_remote_domain_event_callback_lifecycle_msg *event = msg;
  struct events *events = opaque;

  if (procedure == VIRGATE_REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE
      && strcmp (event->msg.dom.name, "session") == 0 && events->count < 16)
    events->kinds[events->count++] = event->msg.event;
}

static void
watch (struct virgate_conn *conn, struct events *events)
{
  const struct virgate_remote_connect_domain_event_callback_register_any_args
    args = { .eventID = 0 };
  struct virgate_remote_connect_domain_event_callback_register_any_ret *ret;

  step = "register";
  virgate_set_event_fn (conn, keep_event, events);
  must (virgate_remote_connect_domain_event_callback_register_any (
          conn, &args, &ret));
  virgate_free (ret);
}

static void
expect_events (struct virgate_conn *conn, const struct events *events,
               int count)
{
  static const int32_t want[] = { 0, 2, 3, 4, 5, 1 };
  int64_t deadline = now_ns () + 10 * NS_PER_S;

  step = "events";
  while (events->count < count && now_ns () < deadline)
    must (virgate_conn_wait (conn, 100));
  if (events->count != count
      || memcmp (events->kinds, want, count * sizeof want[0]) != 0)
    fail ("not those that were expected");
  printf ("events %d\n", events->count);
}

/* A domain's life --------------------------------------------------------- */

static void
live (struct virgate_conn *conn)
{
  struct virgate_remote_domain_define_xml_ret *defined;
  struct virgate_domain dom;
  struct events events = { 0 };

  watch (conn, &events);
  step = "define";
  dom = define (conn, &defined);
  step = "life";
  must (virgate_remote_domain_create (
          conn, &(struct virgate_remote_domain_create_args) { dom }));
  must (virgate_remote_domain_suspend (
          conn, &(struct virgate_remote_domain_suspend_args) { dom }));
  must (virgate_remote_domain_resume (
          conn, &(struct virgate_remote_domain_resume_args) { dom }));
  must (virgate_remote_domain_destroy (
          conn, &(struct virgate_remote_domain_destroy_args) { dom }));
  must (virgate_remote_domain_undefine (
          conn, &(struct virgate_remote_domain_undefine_args) { dom }));
  virgate_free (defined);
  expect_events (conn, &events, 6);
  virgate_set_event_fn (conn, NULL, NULL);
}

static void
expect_error (int result, int32_t code)
{
  if (result != -1 || virgate_last_error ()->code != code)
    fail (virgate_last_error ()->message);
  printf ("error %d %d %s\n", virgate_last_error ()->code,
          virgate_last_error ()->domain, virgate_last_error ()->message);
}

static void
errors (struct virgate_conn *conn, const char *read_only_uri)
{
  const struct virgate_remote_domain_lookup_by_name_args lookup = { "nobody" };
  const struct virgate_remote_domain_create_args create = {
    { .name = "test", .id = -1 }
  };
  struct virgate_remote_domain_lookup_by_name_ret *ret;
  struct virgate_conn *read_only;

  step = "errors";
  expect_error (virgate_remote_domain_lookup_by_name (conn, &lookup, &ret),
                VIRGATE_ERR_NO_DOMAIN);
  read_only = open_conn (read_only_uri, VIRGATE_CONNECT_READ_ONLY);
  expect_error (virgate_remote_domain_create (read_only, &create),
                VIRGATE_ERR_OPERATION_DENIED);
  virgate_conn_free (read_only);
}

/* Others ------------------------------------------------------------------ */

static void
count_reply (void *opaque, void *ret, const struct virgate_error *error)
{
  *(int *) opaque += error == NULL;
  virgate_free (ret);
}

static void
asynchronously (struct virgate_conn *conn)
{
  int right = 0;

  step = "async";
  for (int i = 0; i < CALLS; i++)
    if (virgate_call_async (conn, VIRGATE_REMOTE_PROGRAM,
                            VIRGATE_REMOTE_PROC_CONNECT_GET_LIB_VERSION,
                            NULL, 10000, count_reply, &right) == -1)
      must (-1);
  while (right < CALLS)
    must (virgate_conn_wait (conn, 10000));
  printf ("async %d\n", right);
}

static void *
call_often (void *opaque)
{
  for (int i = 0; i < CALLS; i++) {
    struct virgate_remote_connect_get_type_ret *ret;

    must (virgate_remote_connect_get_type (opaque, &ret));
    virgate_free (ret);
  }
  return NULL;
}

static void
in_threads (struct virgate_conn *conn)
{
  pthread_t threads[THREADS];

  step = "threads";
  for (int i = 0; i < THREADS; i++)
    if (pthread_create (&threads[i], NULL, call_often, conn))
      fail ("pthread_create");
  for (int i = 0; i < THREADS; i++)
    pthread_join (threads[i], NULL);
  printf ("threads %d\n", THREADS * CALLS);
}

static void
json (struct virgate_conn *conn)
{
  char *text;

  step = "json";
  must (virgate_call_json (conn, "connect_get_all_domain_stats",
                           "{\"doms\": [], \"stats\": 1}", &text));
  printf ("json %s\n", text);
  virgate_free (text);
}

int
main (int argc, char *argv[])
{
  struct virgate_conn *conn;

  if (argc != 3)
    return 2;
  step = "connect";
  conn = open_conn (argv[1], 0);
  live (conn);
  errors (conn, argv[2]);
  asynchronously (conn);
  in_threads (conn);
  json (conn);
  step = "ping";
  if (virgate_ping (conn, 5000) == -1)
    must (-1);
  virgate_conn_free (conn);
  printf ("done\n");
  return 0;
}
