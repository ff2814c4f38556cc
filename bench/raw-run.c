/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The raw client's engine: each connection keeps a number of calls in flight;
 * each answer is followed by the next call, and all calls that one read
 * brought about leave in one write.  A thread with one connection waits in
 * recv, one with several in epoll.  Reply bodies are skipped unread.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/raw.h"

#define READ_SIZE (256 * 1024)
#define WARM_UP_NS 150000000
#define EPOLL_BATCH 64

struct conn {
  int fd;
  unsigned head_len;            /* bytes of the next head that are here */
  uint32_t skip;                /* bytes of the current body still to come */
  uint32_t slot;                /* of the current body's call */
  char head[WIRE_HEAD];
  uint64_t *sent_ns;            /* one slot for each call in flight */
};

struct worker {
  pthread_t thread;
  const struct raw_load *load;
  struct raw_call call;
  struct conn *conns;
  unsigned count;
  int epoll;                    /* -1 with a single connection */
  uint64_t start_ns, end_ns;    /* between these, answers count */
  bool counting;
  uint64_t now_ns;              /* when the last read returned */
  struct hist hist;
  uint64_t bytes;
  char *in;
  char *out;                    /* room for a call in every slot */
  unsigned out_count;
};

/* The next call into the output, its serial naming the slot. */
static void
call_queue (struct worker *worker, uint32_t slot)
{
  char *at = worker->out + worker->out_count * worker->call.len;

  memcpy (at, worker->call.data, worker->call.len);
  wire_put (at, WIRE_SERIAL, slot);
  worker->out_count++;
}

/* The queue holds at most 'depth' calls, which any socket takes at once;
 * what was queued last needs its time: just before it leaves.
 */
static void
calls_send (struct worker *worker, struct conn *conn)
{
  size_t len = worker->out_count * worker->call.len;
  const char *data = worker->out;
  uint64_t now;

  if (len == 0)
    return;
  now = now_ns ();
  for (unsigned i = 0; i < worker->out_count; i++) {
    const char *msg = data + i * worker->call.len;

    conn->sent_ns[wire_get (msg, WIRE_SERIAL)] = now;
  }
  worker->out_count = 0;
  while (len > 0) {
    ssize_t n = send (conn->fd, data, len, MSG_NOSIGNAL);

    if (n == -1)
      die ("send");
    data += n;
    len -= n;
  }
}

static void
reply_done (struct worker *worker, struct conn *conn)
{
  if (worker->counting)
    hist_add (&worker->hist, worker->now_ns - conn->sent_ns[conn->slot]);
  call_queue (worker, conn->slot);
}

static void
reply_head (struct worker *worker, struct conn *conn, const char *head)
{
  uint32_t len = wire_get (head, WIRE_LEN);

  errno = 0;
  if (len < WIRE_HEAD || len > WIRE_MAX)
    die ("a reply of %u bytes", len);
  if (wire_get (head, WIRE_STATUS) != 0)
    die ("procedure %u was refused", wire_get (head, WIRE_PROC));
  conn->slot = wire_get (head, WIRE_SERIAL);
  if (conn->slot >= worker->load->depth)
    die ("a reply to nobody, serial %u", conn->slot);
  conn->skip = len - WIRE_HEAD;
  conn->head_len = 0;
}

/* Take a head out of DATA, or the part of it that is there.
 * Returns the bytes used; *whole says whether a head came together.
 */
static size_t
head_take (struct worker *worker, struct conn *conn, const char *data,
           size_t len, bool *whole)
{
  size_t part = MIN_OF (len, (size_t) WIRE_HEAD - conn->head_len);

  *whole = true;
  if (part == WIRE_HEAD) {
    reply_head (worker, conn, data);
    return part;
  }
  memcpy (conn->head + conn->head_len, data, part);
  conn->head_len += part;
  *whole = conn->head_len == WIRE_HEAD;
  if (*whole)
    reply_head (worker, conn, conn->head);
  return part;
}

static void
replies_take (struct worker *worker, struct conn *conn, const char *data,
              size_t len)
{
  bool whole;
  size_t part;

  while (len > 0) {
    if (conn->skip > 0) {
      part = MIN_OF (len, (size_t) conn->skip);
      conn->skip -= part;
      whole = true;
    }
    else
      part = head_take (worker, conn, data, len, &whole);
    data += part;
    len -= part;
    if (whole && conn->skip == 0)
      reply_done (worker, conn);
  }
}

static void
conn_turn (struct worker *worker, struct conn *conn)
{
  ssize_t n = recv (conn->fd, worker->in, READ_SIZE, 0);

  if (n == 0)
    errno = 0;
  if (n <= 0)
    die ("the server %s", n ? "did not answer" : "closed the connection");
  worker->now_ns = now_ns ();
  worker->counting = worker->now_ns >= worker->start_ns
                     && worker->now_ns < worker->end_ns;
  if (worker->counting)
    worker->bytes += n;
  replies_take (worker, conn, worker->in, n);
  calls_send (worker, conn);
}

static void
conns_turn (struct worker *worker)
{
  struct epoll_event events[EPOLL_BATCH];
  int n = epoll_wait (worker->epoll, events, EPOLL_BATCH,
                      RAW_SILENCE_S * 1000);

  if (n == 0)
    errno = 0;
  if (n <= 0)
    die ("the server %s", n ? "cannot be waited for" : "did not answer");
  for (int i = 0; i < n; i++)
    conn_turn (worker, events[i].data.ptr);
}

static void *
worker_main (void *data)
{
  struct worker *worker = data;

  for (unsigned i = 0; i < worker->count; i++) {
    for (uint32_t slot = 0; slot < worker->load->depth; slot++)
      call_queue (worker, slot);
    calls_send (worker, &worker->conns[i]);
  }
  while (worker->now_ns < worker->end_ns) {
    if (worker->epoll == -1)
      conn_turn (worker, worker->conns);
    else
      conns_turn (worker);
  }
  return NULL;
}

static void
conn_open (struct worker *worker, struct conn *conn)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };

  conn->fd = raw_connect (worker->load->target);
  raw_open (conn->fd, worker->load->target);
  conn->sent_ns = calloc (worker->load->depth, sizeof *conn->sent_ns);
  if (conn->sent_ns == NULL)
    die ("calloc");
  if (worker->epoll != -1
      && epoll_ctl (worker->epoll, EPOLL_CTL_ADD, conn->fd, &event) == -1)
    die ("epoll_ctl");
}

static void
worker_open (struct worker *worker, const struct raw_load *load,
             unsigned count)
{
  worker->load = load;
  worker->count = count;
  worker->conns = calloc (count, sizeof *worker->conns);
  worker->in = malloc (READ_SIZE);
  if (worker->conns == NULL || worker->in == NULL)
    die ("malloc");
  worker->epoll = count > 1 ? epoll_create1 (EPOLL_CLOEXEC) : -1;
  for (unsigned i = 0; i < count; i++)
    conn_open (worker, &worker->conns[i]);
  worker->call = raw_call_make (worker->conns[0].fd, load->call);
  worker->out = malloc (load->depth * worker->call.len);
  if (worker->out == NULL)
    die ("malloc");
}

static void
worker_close (struct worker *worker)
{
  for (unsigned i = 0; i < worker->count; i++) {
    close (worker->conns[i].fd);
    free (worker->conns[i].sent_ns);
  }
  if (worker->epoll != -1)
    close (worker->epoll);
  free (worker->call.data);
  free (worker->conns);
  free (worker->in);
  free (worker->out);
}

/* Run all workers; the CPU clocks are read when counting starts and ends. */
static void
workers_run (struct worker *workers, unsigned count,
             const struct raw_load *load, struct raw_result *result)
{
  uint64_t start = now_ns () + WARM_UP_NS;
  uint64_t end = start + (uint64_t) (load->seconds * 1e9);

  for (unsigned i = 0; i < count; i++) {
    workers[i].start_ns = start;
    workers[i].end_ns = end;
    errno = pthread_create (&workers[i].thread, NULL, worker_main,
                            &workers[i]);
    if (errno)
      die ("pthread_create");
  }
  sleep_until (start);
  result->client_cpu_ns = -cpu_ns (0);
  result->server_cpu_ns = -raw_server_cpu (load->target);
  sleep_until (end);
  result->client_cpu_ns += cpu_ns (0);
  result->server_cpu_ns += raw_server_cpu (load->target);
  result->elapsed_ns = end - start;
  for (unsigned i = 0; i < count; i++)
    pthread_join (workers[i].thread, NULL);
}

void
raw_run (const struct raw_load *load, struct raw_result *result)
{
  unsigned threads = MIN_OF (load->threads, load->connections);
  struct worker *workers = calloc (threads, sizeof *workers);

  if (workers == NULL)
    die ("calloc");
  memset (result, 0, sizeof *result);
  for (unsigned i = 0; i < threads; i++)
    worker_open (&workers[i], load,
                 load->connections / threads
                   + (i < load->connections % threads));
  workers_run (workers, threads, load, result);
  for (unsigned i = 0; i < threads; i++) {
    hist_merge (&result->hist, &workers[i].hist);
    result->bytes += workers[i].bytes;
    worker_close (&workers[i]);
  }
  free (workers);
}
