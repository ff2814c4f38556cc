/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tests of drivers share: the built module in a host that answers
 * no client, but keeps what a client would get.
 */
#ifndef VIRGATE_TESTS_DRIVER_UNIT_H
#define VIRGATE_TESTS_DRIVER_UNIT_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/driver.h>
#include <virgate/error.h>
#include <virgate/remote.h>

#include "tests/unit/unit.h"

#define PIECES_MAX 256
#define EVENTS_MAX 64

/* A client, and the events that it got: "318 7 test 5 2" is procedure,
 * callback, domain, event, detail; of other procedures only the number.
 */
struct virgate_client {
  void *conn;
  char events[EVENTS_MAX][80];
  size_t event_count;
  char said[EVENTS_MAX * 80];   /* joined by events_take */
};

/* The call under way, with all memory that it asked for. */
struct virgate_call {
  struct virgate_client *client;
  void *pieces[PIECES_MAX];
  size_t piece_count;
  int32_t code, domain;         /* of the refusal; 0 = none */
  char text[400];
};

static struct virgate_call unit_call;
static const struct virgate_module *unit_module;
static void *unit_inst;

static inline void *
unit_alloc (struct virgate_call *call, size_t len)
{
  assert_true (call->piece_count < PIECES_MAX);
  return call->pieces[call->piece_count++] = calloc (1, len);
}

static inline int
unit_error (struct virgate_call *call, int32_t code, int32_t domain,
            const char *fmt, ...)
{
  va_list ap;

  call->code = code;
  call->domain = domain;
  call->text[0] = 0;
  va_start (ap, fmt);
  if (fmt)
    vsnprintf (call->text, sizeof call->text, fmt, ap);
  va_end (ap);
  return -1;
}

static inline int
unit_error_record (struct virgate_call *call, const struct virgate_error *err)
{
  return unit_error (call, err->code, err->domain, "%s",
                     err->message ? err->message : "");
}

static inline struct virgate_client *
unit_client (struct virgate_call *call)
{
  return call->client;
}

static inline int
unit_event (struct virgate_client *client, uint32_t program,
            int32_t procedure, const void *msg)
{
  char *line = client->events[client->event_count++];
  const struct virgate_remote_domain_event_callback_lifecycle_msg *life = msg;
  const struct virgate_remote_domain_event_lifecycle_msg *old = msg;

  assert_true (client->event_count < EVENTS_MAX);
  if (procedure == VIRGATE_REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE)
    snprintf (line, 80, "%d %d %s %d %d", procedure, life->callbackID,
              life->msg.dom.name, life->msg.event, life->msg.detail);
  else if (procedure == VIRGATE_REMOTE_PROC_DOMAIN_EVENT_LIFECYCLE)
    snprintf (line, 80, "%d %s %d %d", procedure, old->dom.name, old->event,
              old->detail);
  else
    snprintf (line, 80, "%d", procedure);
  return 0;
}

/* The events since the last time, joined by ", ". */
static inline const char *
events_take (struct virgate_client *client)
{
  client->said[0] = 0;
  for (size_t i = 0; i < client->event_count; i++) {
    if (i)
      strcat (client->said, ", ");
    strcat (client->said, client->events[i]);
  }
  client->event_count = 0;
  return client->said;
}

static inline int
unit_host_error (const struct virgate_host *host, const char *fmt, ...)
{
  va_list ap;

  va_start (ap, fmt);
  unit_error (&unit_call, 1, 0, "?");
  vsnprintf (unit_call.text, sizeof unit_call.text, fmt, ap);
  va_end (ap);
  return -1;
}

static const struct virgate_driver_services unit_services = {
  .size = sizeof unit_services,
  .client_event = unit_event,
  .call_alloc = unit_alloc,
  .call_error = unit_error,
  .call_error_record = unit_error_record,
  .call_client = unit_client,
};

static const struct virgate_host unit_host = {
  .size = sizeof unit_host, .role = VIRGATE_ROLE_SERVER,
  .section = "driver unit", .program = "unit", .error = unit_host_error,
  .driver = &unit_services,
};

static inline const struct virgate_driver_ops *
unit_ops (void)
{
  return unit_module->ops;
}

/* Open an instance of the driver NAME; keys are pairs, ended by NULL. */
static inline void
driver_start (const char *name, const char *const *keys)
{
  char path[100];
  void *file;

  snprintf (path, sizeof path, "../../plugins/driver-%s/.libs/driver-%s.so",
            name, name);
  file = dlopen (path, RTLD_NOW);
  if (file == NULL)
    fail_msg ("%s", dlerror ());
  unit_module = dlsym (file, "virgate_module");
  assert_non_null (unit_module);
  assert_int_equal (unit_module->open (&unit_host, &unit_inst), 0);
  for (; *keys; keys += 2)
    assert_int_equal (unit_module->config (unit_inst, keys[0], keys[1]), 0);
  if (unit_module->ready)
    assert_int_equal (unit_module->ready (unit_inst), 0);
}

static inline void
call_end (void)
{
  for (size_t i = 0; i < unit_call.piece_count; i++)
    free (unit_call.pieces[i]);
  unit_call.piece_count = 0;
}

static inline void
driver_stop (void)
{
  call_end ();
  unit_module->close (unit_inst);
}

static inline void
call_begin (struct virgate_client *client)
{
  call_end ();
  unit_call.client = client;
  unit_call.code = unit_call.domain = 0;
  unit_call.text[0] = 0;
}

/* Connect to NAME.  Returns what the driver's open returned. */
static inline int
client_open (struct virgate_client *client, const char *name)
{
  memset (client, 0, sizeof *client);
  call_begin (client);
  return unit_ops ()->open (unit_inst, &unit_call, name, 0, &client->conn);
}

static inline void
client_close (struct virgate_client *client)
{
  unit_ops ()->close (client->conn);
}

/* Call a procedure of the main program.  The results live until the next
 * call.  Returns 0; or -1 with unit_call's code, domain and text.
 */
static inline int
call_number (struct virgate_client *client, int32_t procedure,
             const void *args, void *ret, size_t ret_len)
{
  const struct virgate_handler *row = unit_ops ()->handlers;

  while (row->fn && row->procedure != procedure)
    row++;
  if (row->fn == NULL)
    fail_msg ("procedure %d has no handler", procedure);
  if (ret)
    memset (ret, 0, ret_len);
  call_begin (client);
  return row->fn (client->conn, &unit_call, args, ret);
}

#define CALL(client, NAME, args, ret)                                   \
  call_number (client, VIRGATE_REMOTE_PROC_##NAME, args, ret, sizeof *(ret))
#define CALL_ONLY(client, NAME, args)                                   \
  call_number (client, VIRGATE_REMOTE_PROC_##NAME, args, NULL, 0)

#define assert_refused(rc, want_code, want_text)                        \
  do {                                                                  \
    assert_int_equal (rc, -1);                                          \
    assert_int_equal (unit_call.code, want_code);                       \
    assert_string_equal (unit_call.text, want_text);                    \
  } while (0)

#endif /* VIRGATE_TESTS_DRIVER_UNIT_H */
