/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * tls-load: the raw wire client over TLS.
 *
 *   tls-load --port=PORT --pki=DIR --server=PID
 *            --work=calls|connect|idle [OPTION...]
 *
 * Prints "name value" lines as load does.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/tls.h"
#include "bench/wire.h"
#include "common/cleanup.h"

#define WARM_UP_NS 150000000
#define DEPTH_MAX 256
#define CALL_MAX 64

struct options {
  const char *work, *pki;
  gnutls_certificate_credentials_t cred;
  unsigned port, depth, threads, idle;
  pid_t server;
  double seconds;
};

struct client {
  int fd;
  gnutls_session_t session;
  size_t have;                  /* bytes of replies in buffer */
  char buffer[65536];
};

static void
client_send (struct client *client, const void *data, size_t len)
{
  for (size_t at = 0; at < len; ) {
    ssize_t n = gnutls_record_send (client->session, (const char *) data + at,
                                    len - at);

    if (n < 0)
      die ("send: %s", gnutls_strerror (n));
    at += n;
  }
}

/* Wait for some bytes; how many whole replies are there?  They are dropped. */
static unsigned
client_replies (struct client *client)
{
  ssize_t n = gnutls_record_recv (client->session,
                                  client->buffer + client->have,
                                  sizeof client->buffer - client->have);
  unsigned count = 0;
  size_t at = 0, len;

  if (n <= 0)
    die ("receive: %s", n < 0 ? gnutls_strerror (n) : "end of file");
  client->have += n;
  while (client->have - at >= 4
         && (len = wire_get (client->buffer, at)) <= client->have - at) {
    if (wire_get (client->buffer, at + WIRE_STATUS) != 0)
      die ("the server answered with an error");
    at += len;
    count++;
  }
  memmove (client->buffer, client->buffer + at, client->have - at);
  client->have -= at;
  return count;
}

static void
client_call (struct client *client, const struct msg *msg)
{
  client_send (client, msg->data, msg->len);
  while (client_replies (client) == 0)
    ;
}

static void
client_open (struct client *client, const struct options *options)
{
  const struct sockaddr_in at = {
    .sin_family = AF_INET, .sin_port = htons (options->port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
  };
  char data[128], byte;
  struct msg msg = { data, 0 };
  int one = 1;

  client->have = 0;
  client->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (client->fd == -1
      || connect (client->fd, (const struct sockaddr *) &at, sizeof at) == -1)
    die ("connect");
  setsockopt (client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  client->session = tls_session (client->fd, options->cred, GNUTLS_CLIENT);
  if (client->session == NULL
      || gnutls_record_recv (client->session, &byte, 1) != 1 || byte != 1)
    die ("the server does not let us in");
  msg_start (&msg, PROC_AUTH_LIST, 0);
  msg_finish (&msg);
  client_call (client, &msg);
  msg_start (&msg, PROC_OPEN, 0);
  msg_word (&msg, 1);
  msg_string (&msg, "test:///default");
  msg_word (&msg, 0);
  msg_finish (&msg);
  client_call (client, &msg);
}

static void
client_close (struct client *client)
{
  gnutls_bye (client->session, GNUTLS_SHUT_WR);
  gnutls_deinit (client->session);
  close (client->fd);
}

/* GET_INFO of the built-in domain. */
static size_t
info_call (char data[CALL_MAX])
{
  static const unsigned char uuid[16] = {
    0x66, 0x95, 0xeb, 0x01, 0xf6, 0xa4, 0x83, 0x04, 0x79, 0xaa, 0x97, 0xf2,
    0x50, 0x2e, 0x19, 0x3f
  };
  struct msg msg = { data, 0 };

  msg_start (&msg, PROC_GET_INFO, 0);
  msg_string (&msg, "test");
  msg_bytes (&msg, uuid, sizeof uuid);
  msg_word (&msg, 1);
  msg_finish (&msg);
  return msg.len;
}

static void
print_ready (void)
{
  print_value ("ready", 1);
  fflush (stdout);
}

/* As many calls in flight as depth says, on one connection. */
static void
run_calls (const struct options *options, struct client *client,
           const char *name)
{
  struct hist *hist = calloc (1, sizeof *hist);
  char calls[DEPTH_MAX * CALL_MAX];
  size_t len = info_call (calls);
  uint64_t start = now_ns () + WARM_UP_NS, before, after = 0;
  uint64_t end = start + (uint64_t) (options->seconds * 1e9);
  uint64_t client_cpu = 0, server_cpu = 0;

  for (unsigned i = 1; i < options->depth; i++)
    memcpy (calls + i * len, calls, len);
  before = now_ns ();
  client_send (client, calls, options->depth * len);
  while (after < end) {
    unsigned count = client_replies (client);

    after = now_ns ();
    client_send (client, calls, count * len);
    if (before < start && after >= start) {
      client_cpu = cpu_ns (0);
      server_cpu = cpu_ns (options->server);
    }
    for (unsigned i = 0; i < count && before >= start; i++)
      hist_add (hist, after - before);
    if (count > 0)
      before = after;
  }
  server_cpu = cpu_ns (options->server) - server_cpu;
  if (name)
    print_value (name, hist_quantile (hist, 0.5) / 1e3);
  else {
    print_calls (hist, end - start, cpu_ns (0) - client_cpu);
    print_value ("server_us", server_cpu / 1e3 / hist->count);
  }
  for (unsigned left = options->depth; left > 0; )
    left -= client_replies (client);
  free (hist);
}

static void
work_calls (const struct options *options)
{
  struct client *client = malloc (sizeof *client);

  client_open (client, options);
  print_ready ();
  run_calls (options, client, NULL);
  client_close (client);
  free (client);
}

struct connector {
  pthread_t thread;
  const struct options *options;
  uint64_t start_ns, end_ns;
  struct hist hist;
};

static void *
connector_main (void *opaque)
{
  struct connector *connector = opaque;
  struct client *client = malloc (sizeof *client);
  uint64_t before = now_ns (), after;

  while (before < connector->end_ns) {
    client_open (client, connector->options);
    client_close (client);
    after = now_ns ();
    if (before >= connector->start_ns && after < connector->end_ns)
      hist_add (&connector->hist, after - before);
    before = after;
  }
  free (client);
  return NULL;
}

static void
work_connect (const struct options *options)
{
  struct connector *all = calloc (options->threads, sizeof *all);
  struct hist *hist = calloc (1, sizeof *hist);
  uint64_t start = now_ns () + WARM_UP_NS, client_cpu, server_cpu;
  uint64_t end = start + (uint64_t) (options->seconds * 1e9);

  print_ready ();
  for (unsigned i = 0; i < options->threads; i++) {
    all[i].options = options;
    all[i].start_ns = start;
    all[i].end_ns = end;
    errno = pthread_create (&all[i].thread, NULL, connector_main, &all[i]);
    if (errno)
      die ("pthread_create");
  }
  sleep_until (start);
  client_cpu = cpu_ns (0);
  server_cpu = cpu_ns (options->server);
  sleep_until (end);
  client_cpu = cpu_ns (0) - client_cpu;
  server_cpu = cpu_ns (options->server) - server_cpu;
  for (unsigned i = 0; i < options->threads; i++) {
    pthread_join (all[i].thread, NULL);
    hist_merge (hist, &all[i].hist);
  }
  print_calls (hist, end - start, client_cpu);
  print_value ("server_us", server_cpu / 1e3 / hist->count);
  free (hist);
  free (all);
}

static double
server_memory (const struct options *options, const char *field)
{
  char path[64], line[256];
  size_t len = strlen (field);
  CLEANUP_FCLOSE FILE *fp = NULL;

  snprintf (path, sizeof path, "/proc/%d/smaps_rollup",
            (int) options->server);
  fp = fopen (path, "r");
  while (fp && fgets (line, sizeof line, fp))
    if (strncmp (line, field, len) == 0 && line[len] == ':')
      return strtod (line + len + 1, NULL);
  return 0;
}

static void
work_idle (const struct options *options)
{
  struct client *clients = calloc (options->idle + 2, sizeof *clients);
  double rss;

  client_open (&clients[options->idle], options);
  client_open (&clients[options->idle + 1], options);
  print_ready ();
  rss = server_memory (options, "Rss");
  for (unsigned i = 0; i < options->idle; i++)
    client_open (&clients[i], options);
  print_value ("rss_kib", (server_memory (options, "Rss") - rss)
                          / options->idle);
}

static const struct {
  const char *name;
  void (*work) (const struct options *options);
} works[] = {
  { "calls", work_calls }, { "connect", work_connect }, { "idle", work_idle },
};

static const struct option long_options[] = {
  { "port", required_argument, NULL, 'p' },
  { "pki", required_argument, NULL, 'k' },
  { "server", required_argument, NULL, 's' },
  { "work", required_argument, NULL, 'w' },
  { "depth", required_argument, NULL, 'd' },
  { "threads", required_argument, NULL, 't' },
  { "idle", required_argument, NULL, 'i' },
  { "seconds", required_argument, NULL, 'n' },
  { NULL }
};

static void
option_take (struct options *options, int opt)
{
  switch (opt) {
  case 'p': options->port = atoi (optarg); break;
  case 'k': options->pki = optarg; break;
  case 's': options->server = atoi (optarg); break;
  case 'w': options->work = optarg; break;
  case 'd': options->depth = MIN_OF (atoi (optarg), DEPTH_MAX); break;
  case 't': options->threads = atoi (optarg); break;
  case 'i': options->idle = atoi (optarg); break;
  case 'n': options->seconds = strtod (optarg, NULL); break;
  default: exit (2);
  }
}

int
main (int argc, char *argv[])
{
  struct options options = {
    .work = "calls", .depth = 1, .threads = 1, .idle = 1, .seconds = 1,
    .pki = ".",
  };
  struct rlimit limit;
  int opt;

  while ((opt = getopt_long (argc, argv, "", long_options, NULL)) != -1)
    option_take (&options, opt);
  if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
  }
  options.cred = tls_credentials (options.pki, "client");
  for (size_t i = 0; i < COUNT_OF (works); i++)
    if (strcmp (works[i].name, options.work) == 0) {
      works[i].work (&options);
      return 0;
    }
  errno = 0;
  die ("no work is named '%s'", options.work);
}
