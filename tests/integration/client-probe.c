/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A small client for servers that misbehave: connects, does one thing, and
 * prints as one line of JSON where it failed, why, after how long, and how
 * much its memory grew.
 *
 *   client-probe URI CONNECT-MS CALL-MS list|xml|stream|event|ping|async
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/calls.h>

#include "common/mem.h"

static const char *stage = "connect";

/* Not getrusage: its figure begins with the parent's. */
static long
peak_kib (void)
{
  FILE *fp = fopen ("/proc/self/status", "r");
  char line[200];
  long kib = 0;

  while (fp && fgets (line, sizeof line, fp))
    if (sscanf (line, "VmHWM: %ld", &kib) == 1)
      break;
  if (fp)
    fclose (fp);
  return kib;
}

static int
do_list (struct virgate_conn *conn)
{
  const struct virgate_remote_connect_list_all_domains_args args = { 1, 0 };
  struct virgate_remote_connect_list_all_domains_ret *ret;

  if (virgate_remote_connect_list_all_domains (conn, &args, &ret) == -1)
    return -1;
  virgate_free (ret);
  return 0;
}

static int
do_xml (struct virgate_conn *conn)
{
  const struct virgate_remote_domain_get_xml_desc_args args = {
    .dom = { .name = "test", .id = 1 }
  };
  struct virgate_remote_domain_get_xml_desc_ret *ret;

  if (virgate_remote_domain_get_xml_desc (conn, &args, &ret) == -1)
    return -1;
  virgate_free (ret);
  return 0;
}

/* What the callback was told; NULL: the thread's last error says it. */
static const struct virgate_error *told;

static int
read_all (struct virgate_client_stream *stream, int64_t deadline)
{
  static char text[] = "nothing came in time";
  static const struct virgate_error late = {
    .code = VIRGATE_ERR_OPERATION_TIMEOUT, .message = text
  };
  static char buf[65536];
  int64_t n;

  while ((n = virgate_stream_read (stream, buf, sizeof buf, NULL, 500)) > 0)
    if (now_ns () > deadline)
      return 0;
  if (n == -2)
    told = &late;
  return n == 0 ? virgate_stream_finish (stream) : -1;
}

static int
do_stream (struct virgate_conn *conn)
{
  const struct virgate_remote_domain_screenshot_args args = {
    .dom = { .name = "test", .id = 1 }
  };
  struct virgate_client_stream *stream;
  int result;

  stream = virgate_stream_open (conn, VIRGATE_REMOTE_PROGRAM,
                                VIRGATE_REMOTE_PROC_DOMAIN_SCREENSHOT, &args,
                                NULL);
  if (stream == NULL)
    return -1;
  result = read_all (stream, now_ns () + NS_PER_S);
  virgate_stream_free (stream);
  return result;
}

static void
count_event (void *opaque, uint32_t program, int32_t procedure,
             const void *msg)
{
  ++*(long *) opaque;
}

/* Step for a while, then see whether a call still works. */
static int
do_event (struct virgate_conn *conn)
{
  int64_t deadline = now_ns () + NS_PER_S / 2;
  long count = 0;

  virgate_set_event_fn (conn, count_event, &count);
  while (now_ns () < deadline)
    if (virgate_conn_wait (conn, 100) == -1)
      break;
  return do_list (conn);
}

static int
do_ping (struct virgate_conn *conn)
{
  return virgate_ping (conn, -1) == -1 ? -1 : 0;
}

struct outcome {
  int ended;
  struct virgate_error *error;
};

static void
take (void *opaque, void *ret, const struct virgate_error *error)
{
  struct outcome *outcome = opaque;

  outcome->ended = 1;
  outcome->error = error ? virgate_error_copy (error) : NULL;
  virgate_free (ret);
}

static int
do_async (struct virgate_conn *conn)
{
  const struct virgate_remote_connect_list_all_domains_args args = { 1, 0 };
  static struct outcome outcome;

  if (virgate_call_async (conn, VIRGATE_REMOTE_PROGRAM,
                          VIRGATE_REMOTE_PROC_CONNECT_LIST_ALL_DOMAINS, &args,
                          0, take, &outcome) == -1)
    return -1;
  while (!outcome.ended)
    virgate_conn_wait (conn, -1);
  if (outcome.error == NULL)
    return 0;
  told = outcome.error;
  return -1;
}

static const struct {
  const char *name;
  int (*run) (struct virgate_conn *conn);
} works[] = {
  { "list", do_list }, { "xml", do_xml }, { "stream", do_stream },
  { "event", do_event }, { "ping", do_ping }, { "async", do_async },
};

static int
work (struct virgate_conn *conn, const char *name)
{
  stage = name;
  for (size_t i = 0; i < COUNT_OF (works); i++)
    if (strcmp (works[i].name, name) == 0)
      return works[i].run (conn);
  abort ();
}

/* As much of the text as needs no escapes. */
static void
print_text (const char *text)
{
  for (; *text; text++)
    putchar (*text < ' ' || *text > '~' || *text == '"' || *text == '\\'
             ? '?' : *text);
}

int
main (int argc, char *argv[])
{
  struct virgate_connect_options options = {
    .size = sizeof options, .keepalive_interval_ms = -1
  };
  int64_t start = now_ns ();
  long before = peak_kib ();
  struct virgate_conn *conn;
  int result = -1;

  if (argc != 5)
    return 2;
  options.connect_timeout_ms = atoi (argv[2]);
  options.call_timeout_ms = atoi (argv[3]);
  conn = virgate_connect (argv[1], &options);
  if (conn)
    result = work (conn, argv[4]);
  if (told == NULL)
    told = virgate_last_error ();
  printf ("{\"stage\": \"%s\", \"result\": %d, \"code\": %d, \"ms\": %ld, ",
          stage, result, result ? told->code : 0,
          (long) ((now_ns () - start) / NS_PER_MS));
  printf ("\"message\": \"");
  if (result)
    print_text (told->message);
  virgate_conn_free (conn);
  printf ("\", \"kib\": %ld, \"total_ms\": %ld}\n", peak_kib () - before,
          (long) ((now_ns () - start) / NS_PER_MS));
  return 0;
}
