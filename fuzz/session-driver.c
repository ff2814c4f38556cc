/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A driver with a handler for every procedure.  What a handler does follows
 * from the mood and from what the procedure is: it answers with an object of
 * the right type, fails, comes back later, opens a stream, takes and sends
 * descriptors, and sends events.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "daemon/call.h"
#include "fuzz/session-parts.h"
#include "protocol/fill.h"

#define LATER_MAX 64
#define CONNS_MAX 8
/* What one stream gives its client in the end. */
#define STREAM_BYTES 700000

enum answer {
  ANSWER_OK,
  ANSWER_ERROR,
  ANSWER_LATER,
  ANSWER_SILENT_ERROR,
  ANSWER_DECLINED,              /* what open may say */
  ANSWER_EVENT,
  ANSWER_RECORD,
  ANSWER_COUNT
};

enum flow {
  FLOW_OK,
  FLOW_AGAIN,
  FLOW_ONE,
  FLOW_END,
  FLOW_ERROR,
  FLOW_SILENT_ERROR,
  FLOW_HOLE,
  FLOW_COUNT
};

struct conn {
  struct virgate_client *client;
};

struct flowing {
  struct list link;
  struct virgate_stream *handle;
  size_t given;
  char last;                    /* byte that was taken */
  bool sparse, waits;
};

struct mood mood;
static struct virgate_call *later[LATER_MAX];
static unsigned later_count;
static struct conn *conns[CONNS_MAX];
static struct list streams = { &streams, &streams };

static ssize_t
flow_read (void *opaque, void *buf, size_t len, int64_t *hole)
{
  struct flowing *flowing = opaque;
  size_t left = STREAM_BYTES - flowing->given, n;

  switch (mood.stream % FLOW_COUNT) {
  case FLOW_AGAIN:
    flowing->waits = true;
    return VIRGATE_AGAIN;
  case FLOW_END:
    return 0;
  case FLOW_ERROR:
    driver_services.stream_error (flowing->handle, 1, 1, "%s", "broken");
    return -1;
  case FLOW_SILENT_ERROR:
    return -1;
  case FLOW_HOLE:
    if (flowing->sparse && flowing->given < STREAM_BYTES) {
      flowing->given += 100000;
      flowing->given = MIN_OF (flowing->given, (size_t) STREAM_BYTES);
      *hole = 100000;
      return 0;
    }
  }
  n = MIN_OF (left, mood.stream % FLOW_COUNT == FLOW_ONE ? (size_t) 1 : len);
  memset (buf, 'd', n);
  flowing->given += n;
  return n;
}

static ssize_t
flow_write (void *opaque, const void *buf, size_t len)
{
  struct flowing *flowing = opaque;

  flowing->last = ((const char *) buf)[len - 1];
  switch (mood.stream % FLOW_COUNT) {
  case FLOW_AGAIN:
    flowing->waits = true;
    return VIRGATE_AGAIN;
  case FLOW_ERROR:
    return driver_services.stream_error (flowing->handle, 1, 1, NULL);
  case FLOW_SILENT_ERROR:
    return -1;
  case FLOW_ONE:
    return MIN_OF (len, (size_t) 997);
  }
  return len;
}

static int
flow_write_hole (void *opaque, int64_t len)
{
  if (len <= 0)
    abort ();
  return mood.stream % FLOW_COUNT == FLOW_SILENT_ERROR ? -1 : 0;
}

static int
flow_finish (void *opaque)
{
  return mood.stream % FLOW_COUNT == FLOW_SILENT_ERROR ? -1 : 0;
}

static void
flow_close (void *opaque)
{
  struct flowing *flowing = opaque;

  list_remove (&flowing->link);
  free (flowing);
}

static const struct virgate_stream_ops down = {
  .size = sizeof down, .read = flow_read, .close = flow_close,
};
static const struct virgate_stream_ops up = {
  .size = sizeof up, .write = flow_write, .write_hole = flow_write_hole,
  .finish = flow_finish, .close = flow_close,
};
static const struct virgate_stream_ops both = {
  .size = sizeof both, .read = flow_read, .write = flow_write,
  .close = flow_close,
};

static int
open_stream (struct virgate_call *call)
{
  uint32_t flags = call->row->flags;
  const struct virgate_stream_ops *ops =
    (flags & PROC_STREAM) == PROC_STREAM ? &both
    : flags & PROC_STREAM_WRITE ? &up : &down;
  struct flowing *flowing = calloc (1, sizeof *flowing);

  flowing->sparse = flags & PROC_STREAM_SPARSE;
  list_append (&streams, &flowing->link);
  flowing->handle = driver_services.call_stream (call, ops, flowing,
                                                 flowing->sparse);
  if (flowing->handle)
    return 0;
  flow_close (flowing);
  return -1;
}

static int
move_fds (struct virgate_call *call)
{
  const int *fds;
  uint32_t count = driver_services.call_fds (call, &fds);

  for (uint32_t i = 0; i < count; i++)
    if (fcntl (fds[i], F_GETFD) == -1)
      abort ();
  return call->row->flags & PROC_FDS_OUT
         ? driver_services.call_send_fd (call, 0) : 0;
}

static void
send_event (struct virgate_client *client)
{
  const struct virgate_remote_domain_event_callback_lifecycle_msg msg = {
    .callbackID = 1, .msg.dom.name = "domain", .msg.event = 2,
  };

  driver_services.client_event (client, VIRGATE_REMOTE_PROGRAM,
    VIRGATE_REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE, &msg);
}

/* Fill the result with an object that is made of the procedure's number. */
static void
fill_ret (struct virgate_call *call, void *ret)
{
  struct fill fill = { &call->arena, call->row->number, 3 };
  const struct xdr_type *type = call->row->ret;

  if (type)
    memcpy (ret, fill_object (&fill, type), type->size);
}

static int
succeed (struct virgate_call *call, void *ret)
{
  fill_ret (call, ret);
  if (move_fds (call) == -1)
    return -1;
  return call->row->flags & PROC_STREAM ? open_stream (call) : 0;
}

static int
handle (void *conn, struct virgate_call *call, const void *args, void *ret)
{
  const struct virgate_error record = {
    .code = 1, .level = 2, .message = (char *) "all of it",
  };

  if (((struct conn *) conn)->client != driver_services.call_client (call))
    abort ();
  switch (mood.handler % ANSWER_COUNT) {
  case ANSWER_ERROR:
    return driver_services.call_error (call, 42, 10, "%s", "no");
  case ANSWER_SILENT_ERROR:
  case ANSWER_DECLINED:
    return -1;
  case ANSWER_RECORD:
    return driver_services.call_error_record (call, &record);
  case ANSWER_EVENT:
    send_event (driver_services.call_client (call));
    return succeed (call, ret);
  case ANSWER_LATER:
    if (later_count < LATER_MAX && succeed (call, ret) == 0) {
      later[later_count++] = call;
      return VIRGATE_LATER;
    }
    return -1;
  }
  return succeed (call, ret);
}

static int
driver_open (void *inst, struct virgate_call *call, const char *name,
             int read_only, void **conn_r)
{
  struct conn *conn;
  unsigned i = 0;

  while (i < CONNS_MAX && conns[i])
    i++;
  if (mood.handler % ANSWER_COUNT == ANSWER_DECLINED || i == CONNS_MAX)
    return VIRGATE_DECLINED;
  if (mood.handler % ANSWER_COUNT == ANSWER_ERROR)
    return driver_services.call_error (call, 38, 0, "%s", name);
  conn = conns[i] = calloc (1, sizeof *conn);
  conn->client = driver_services.call_client (call);
  *conn_r = conn;
  return 0;
}

static void
driver_close (void *opaque)
{
  for (unsigned i = 0; i < CONNS_MAX; i++)
    if (conns[i] == opaque)
      conns[i] = NULL;
  free (opaque);
}

static struct virgate_driver_ops driver_ops = {
  .open = driver_open, .close = driver_close,
};

/* Every third procedure is slow, every fifth of those privileged; there are
 * some without a handler, of which some are newer than libvirt 9.0.
 */
static void
add_handlers (struct driver *driver, unsigned which)
{
  const struct proc_program *program = &proc_programs[which];
  struct virgate_handler *handlers = calloc (program->count,
                                             sizeof *handlers);

  driver->handlers[which] = calloc (program->count + 1,
                                    sizeof driver->handlers[which][0]);
  for (uint32_t i = 0; i < program->count; i++) {
    uint32_t flags = i % 3 == 0 ? VIRGATE_WORKER : VIRGATE_INLINE;

    handlers[i] = (struct virgate_handler) {
      program->number, program->rows[i].number,
      i % 15 == 0 ? flags | VIRGATE_PRIORITY : flags, handle,
    };
    if (i % 29 != 28 && i != 443)
      driver->handlers[which][handlers[i].procedure] = &handlers[i];
  }
}

void
parts_drivers (struct server *server)
{
  static struct module module = { .desc.name = "fuzz" };
  static struct instance instance = { .module = &module };
  static struct driver drivers[2];
  static struct driver_table *table;
  static char *uris[] = { (char *) "a:*", NULL };

  for (unsigned i = 0; i < 2; i++) {
    drivers[i] = (struct driver) {
      .server = server, .instance = &instance, .ops = &driver_ops,
    };
    for (unsigned which = 0; which < DRIVER_PROGRAMS; which++)
      add_handlers (&drivers[i], which);
  }
  drivers[0].route.uris = uris;
  table = calloc (1, sizeof *table + 2 * sizeof table->driver[0]);
  if (table == NULL)
    abort ();
  atomic_store (&table->refs, 1);
  for (unsigned i = 0; i < 2; i++) {
    atomic_store (&drivers[i].refs, 1);
    table->driver[table->count++] = &drivers[i];
  }
  pthread_mutex_init (&server->drivers.lock, NULL);
  server->drivers.table = table;
}

void
parts_finish_call (uint8_t n)
{
  struct virgate_call *call;

  if (later_count == 0)
    return;
  n %= later_count;
  call = later[n];
  later[n] = later[--later_count];
  driver_services.call_done (call, mood.handler % 2 ? -1 : 0);
}

void
parts_stream_ready (uint8_t n)
{
  list_for_each (item, &streams) {
    struct flowing *flowing = list_item (item, struct flowing, link);

    if (n-- == 0 && flowing->handle) {
      flowing->waits = false;
      driver_services.stream_ready (flowing->handle);
      return;
    }
  }
}

void
parts_send_event (uint8_t n, uint8_t how)
{
  struct conn *conn = conns[n % CONNS_MAX];

  if (conn && how % 2)
    driver_services.client_gone (conn->client, how);
  else if (conn)
    send_event (conn->client);
}

bool
parts_finish_all (void)
{
  bool any = later_count > 0;

  while (later_count > 0)
    parts_finish_call (0);
  list_for_each (item, &streams) {
    struct flowing *flowing = list_item (item, struct flowing, link);

    if (flowing->waits) {
      flowing->waits = false;
      driver_services.stream_ready (flowing->handle);
      any = true;
    }
  }
  return any;
}

void
parts_check_gone (void)
{
  if (later_count > 0 || !list_is_empty (&streams))
    abort ();
  for (unsigned i = 0; i < CONNS_MAX; i++)
    if (conns[i])
      abort ();
}
