/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What belongs to each thread: its last error and the call timeouts that it
 * chose.  This is the library's only state outside its handles.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"

/* Connections for which one thread may have chosen a timeout; the oldest
 * choice gives way.
 */
#define TIMEOUTS_MAX 64

struct thread_timeout {
  uint64_t conn_id;
  int32_t timeout_ms;
};

struct thread {
  struct virgate_error error;
  uint32_t timeout_count, timeout_next;
  struct thread_timeout timeouts[TIMEOUTS_MAX];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool have_key;
static __thread struct thread *self;

static void
thread_free (void *opaque)
{
  struct thread *thread = opaque;

  if (thread == NULL)
    return;
  error_clear (&thread->error);
  free (thread);
  self = NULL;
}

static void
make_key (void)
{
  have_key = pthread_key_create (&key, thread_free) == 0;
}

/* The library may be unloaded while threads that used it live on. */
static void __attribute__ ((destructor))
unload (void)
{
  if (have_key)
    pthread_key_delete (key);
  thread_free (self);
}

static struct thread *
thread_get (void)
{
  if (self)
    return self;
  pthread_once (&once, make_key);
  self = calloc (1, sizeof *self);
  if (self && (!have_key || pthread_setspecific (key, self) != 0)) {
    free (self);
    self = NULL;
  }
  return self;
}

struct virgate_error *
thread_error (void)
{
  struct thread *thread = thread_get ();

  return thread ? &thread->error : NULL;
}

const struct virgate_error *
virgate_last_error (void)
{
  static char no_memory_text[] = "out of memory", none_text[] = "no error";
  static const struct virgate_error none = { .message = none_text };
  static const struct virgate_error no_memory = {
    .code = VIRGATE_ERR_NO_MEMORY, .domain = VIRGATE_FROM_RPC,
    .level = VIRGATE_LEVEL_ERROR, .int1 = -1, .int2 = -1,
    .message = no_memory_text,
  };
  const struct virgate_error *err = thread_error ();

  if (err == NULL)
    return &no_memory;
  return err->code ? err : &none;
}

int
client_error (int32_t code, int32_t domain, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  error_vset (thread_error (), code, domain, fmt, args);
  va_end (args);
  return -1;
}

int
client_error_take (struct virgate_error *err)
{
  struct virgate_error *mine = thread_error ();

  if (mine)
    error_move (mine, err);
  else
    error_clear (err);
  return -1;
}

int
client_error_copy (const struct virgate_error *err)
{
  struct virgate_error *mine = thread_error ();

  if (mine)
    error_copy (mine, err);
  return -1;
}

struct virgate_error *
virgate_error_copy (const struct virgate_error *error)
{
  struct virgate_error *copy = calloc (1, sizeof *copy);

  if (copy && error)
    error_copy (copy, error);
  return copy;
}

void
virgate_error_free (struct virgate_error *error)
{
  if (error)
    error_clear (error);
  free (error);
}

static struct thread_timeout *
timeout_find (struct thread *thread, uint64_t conn_id)
{
  for (uint32_t i = 0; i < thread->timeout_count; i++)
    if (thread->timeouts[i].conn_id == conn_id)
      return &thread->timeouts[i];
  return NULL;
}

int32_t
thread_timeout (uint64_t conn_id)
{
  const struct thread_timeout *found;

  if (self == NULL || self->timeout_count == 0)
    return 0;
  found = timeout_find (self, conn_id);
  return found ? found->timeout_ms : 0;
}

void
thread_set_timeout (uint64_t conn_id, int32_t timeout_ms)
{
  struct thread *thread = thread_get ();
  struct thread_timeout *entry;

  if (thread == NULL)
    return;
  entry = timeout_find (thread, conn_id);
  if (entry == NULL) {
    entry = &thread->timeouts[thread->timeout_next];
    thread->timeout_next = (thread->timeout_next + 1) % TIMEOUTS_MAX;
    if (thread->timeout_count < TIMEOUTS_MAX)
      thread->timeout_count++;
  }
  entry->conn_id = conn_id;
  entry->timeout_ms = timeout_ms;
}

void
handle_fail (const char *func, const char *what, const void *handle)
{
  dprintf (STDERR_FILENO, "%s: %s %s\n", func,
           handle ? "not, or no longer, a" : "NULL instead of a", what);
  abort ();
}
