/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tcp transport, both halves against each other, on the loopback only.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/transport-unit.h"

#define MAX 8

/* A listener; *count sockets.  NULL with err set. */
static struct instance *
listener (const char *keys, struct virgate_listening *out, int *count,
          struct virgate_error *err)
{
  struct instance *instance = instance_with ("tcp", keys, err);
  const struct virgate_transport_ops *ops;

  if (instance == NULL)
    return NULL;
  ops = instance->transport.ops;
  host_error_forget ();
  *count = ops->listen (instance->inst, NULL, 0, out, MAX);
  if (*count > 0)
    return instance;
  host_error_take (instance, err);
  instance_close (instance);
  return NULL;
}

static void
stop (struct instance *instance, struct virgate_listening *l, int count)
{
  while (count > 0)
    close (l[--count].fd);
  instance_close (instance);
}

static unsigned
port_of (const struct virgate_listening *l)
{
  return atoi (strrchr (l->where, ':') + 1);
}

static int
has_ipv6 (void)
{
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  int fd = socket (AF_INET6, SOCK_STREAM, 0);
  int works = fd >= 0 && bind (fd, (struct sockaddr *) &in6,
                               sizeof in6) == 0;

  close (fd);
  return works;
}

static void
picks_a_free_port_and_uses_it_for_all_addresses (void **state)
{
  struct virgate_listening l[MAX];
  int count;
  struct instance *instance = listener ("port = 0\naddress = 127.0.0.1 "
                                        "127.0.0.2\naddress = 127.0.0.1", l,
                                        &count, NULL);

  assert_non_null (instance);
  assert_int_equal (count, 2);
  assert_true (port_of (&l[0]) > 0);
  assert_int_equal (port_of (&l[0]), port_of (&l[1]));
  assert_memory_equal (l[0].where, "127.0.0.1:", 10);
  assert_memory_equal (l[1].where, "127.0.0.2:", 10);
  stop (instance, l, count);
}

static void
binds_both_wildcards (void **state)
{
  struct virgate_listening l[MAX];
  int count;
  struct instance *instance = listener ("port = 0\naddress = *", l, &count,
                                        NULL);

  assert_non_null (instance);
  assert_int_equal (count, has_ipv6 () ? 2 : 1);
  stop (instance, l, count);
  instance = listener ("port = 0\naddress = localhost", l, &count, NULL);
  assert_non_null (instance);
  stop (instance, l, count);
  if (!has_ipv6 ())
    return;
  instance = listener ("port = 0\naddress = [::1]", l, &count, NULL);
  assert_int_equal (count, 1);
  assert_memory_equal (l[0].where, "[::1]:", 6);
  stop (instance, l, count);
}

static void
says_what_it_could_not_bind (void **state)
{
  struct virgate_listening l[MAX], other[MAX];
  struct virgate_error err = { 0 };
  char keys[200], expected[200];
  int count, none;
  struct instance *instance = listener ("port = 0\naddress = 127.0.0.1", l,
                                        &count, NULL);

  snprintf (keys, sizeof keys, "address = 127.0.0.1\nport = %u",
            port_of (&l[0]));
  assert_null (listener (keys, other, &none, &err));
  snprintf (expected, sizeof expected, "bind %s: Address already in use",
            l[0].where);
  assert_string_equal (err.message, expected);
  assert_null (listener ("address = 192.0.2.1\nport = 0", other, &none,
                         &err));
  assert_string_equal (err.message, "bind 192.0.2.1:0: Cannot assign requested"
                                    " address");
  assert_null (listener ("address = 300.1.1.1.1", other, &none, &err));
  assert_non_null (strstr (err.message, "address '300.1.1.1.1': "));
  assert_null (listener ("port = 99999", other, &none, &err));
  assert_string_equal (err.message, "c:2: [listen x] port: '99999' is not a "
                                    "number from 0 to 65535");
  error_clear (&err);
  stop (instance, l, count);
}

static int
option (int fd, int level, int name)
{
  int value = 0;
  socklen_t len = sizeof value;

  getsockopt (fd, level, name, &value, &len);
  return value;
}

static void
carries_bytes_and_states_addresses (void **state)
{
  struct virgate_listening l[MAX];
  int count;
  struct instance *instance = listener ("port = 0\naddress = 127.0.0.1", l,
                                        &count, NULL);
  const struct virgate_transport_ops *ops = instance->transport.ops;
  struct virgate_peer peer = { 0 };
  struct virgate_fact fact;
  void *client, *server;
  char uri[200], in[100];
  struct iovec out = { (char[3]) { 'a', 'b', 'c' }, 3 };
  struct iovec to = { in, sizeof in };
  struct virgate_fds fds = { .count = 1, .fd = { 2 } };

  snprintf (uri, sizeof uri, "test+tcp://%s/default", l[0].where);
  client = connect_to (instance, uri, 0, NULL);
  assert_non_null (client);
  server = accept_from (instance, l[0].fd);
  assert_int_equal (ops->peer (server, &peer, 0), 0);
  assert_int_equal (peer_get (&peer, VIRGATE_FACT_LOCAL, 0, &fact), 1);
  assert_int_equal (fact.num, port_of (&l[0]));
  assert_int_equal (peer_get (&peer, VIRGATE_FACT_REMOTE, 0, &fact), 1);
  assert_string_equal (fact.str, "127.0.0.1");
  peer_free (&peer);

  assert_true (option (ops->pollfd (server), IPPROTO_TCP, TCP_NODELAY));
  assert_true (option (ops->pollfd (server), SOL_SOCKET, SO_KEEPALIVE));
  assert_true (option (ops->pollfd (client), IPPROTO_TCP, TCP_NODELAY));
  assert_true (fcntl (ops->pollfd (server), F_GETFL) & O_NONBLOCK);
  assert_true (fcntl (ops->pollfd (client), F_GETFL) & O_NONBLOCK);

  assert_int_equal (ops->writev (client, &out, 1, &fds), VIRGATE_IO_ERROR);
  assert_int_equal (errno, EOPNOTSUPP);
  assert_int_equal (ops->writev (client, &out, 1, NULL), 3);
  wait_for (ops->pollfd (server), POLLIN);
  assert_int_equal (ops->readv (server, &to, 1, &fds), 3);
  assert_int_equal (fds.count, 0);
  assert_int_equal (ops->readv (server, &to, 1, NULL), VIRGATE_IO_WANT_READ);
  ops->shutdown (client);
  wait_for (ops->pollfd (server), POLLIN);
  assert_int_equal (ops->readv (server, &to, 1, NULL), 0);
  ops->close (client);
  ops->close (server);
  stop (instance, l, count);
}

/* localhost may have ::1 first, where nobody listens. */
static void
tries_the_other_addresses_of_a_name (void **state)
{
  struct virgate_listening l[MAX];
  int count;
  struct instance *instance = listener ("port = 0\naddress = 127.0.0.1", l,
                                        &count, NULL);
  const struct virgate_transport_ops *ops = instance->transport.ops;
  void *client, *server;
  char uri[200];

  snprintf (uri, sizeof uri, "test+tcp://localhost:%u/default",
            port_of (&l[0]));
  client = connect_to (instance, uri, 0, NULL);
  assert_non_null (client);
  server = accept_from (instance, l[0].fd);
  ops->close (client);
  ops->close (server);
  stop (instance, l, count);
}

static void
says_who_did_not_answer (void **state)
{
  struct virgate_listening l[MAX];
  struct virgate_error err = { 0 };
  int count;
  struct instance *instance = listener ("port = 0\naddress = 127.0.0.1", l,
                                        &count, NULL);
  char uri[200], expected[200];

  close (l[0].fd);
  snprintf (uri, sizeof uri, "test+tcp://%s/default", l[0].where);
  assert_null (connect_to (instance, uri, 0, &err));
  snprintf (expected, sizeof expected, "unable to connect to server at '%s': "
            "Connection refused", l[0].where);
  assert_string_equal (err.message, expected);
  assert_int_equal (err.code, VIRGATE_ERR_SYSTEM_ERROR);
  assert_null (connect_to (instance, "test+tcp://no.such.host.invalid/", 0,
                           &err));
  assert_non_null (strstr (err.message, "unable to resolve address 'no.such."));
  error_clear (&err);
  instance_close (instance);
}

static void
keeps_the_deadline (void **state)
{
  struct instance *instance = instance_with ("tcp", "", NULL);
  const struct virgate_transport_ops *ops = instance->transport.ops;
  struct sockaddr_in in = { .sin_family = AF_INET,
                            .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t len = sizeof in;
  int fd = socket (AF_INET, SOCK_STREAM, 0), fill[3];
  struct virgate_error err = { 0 };
  int64_t start = now_ns ();
  struct uri uri;
  char text[200];
  void *conn;

  /* A listener whose queue is full answers nobody. */
  assert_int_equal (bind (fd, (struct sockaddr *) &in, sizeof in), 0);
  assert_int_equal (listen (fd, 0), 0);
  getsockname (fd, (struct sockaddr *) &in, &len);
  for (size_t i = 0; i < COUNT_OF (fill); i++) {
    fill[i] = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect (fill[i], (struct sockaddr *) &in, len);
  }
  snprintf (text, sizeof text, "test+tcp://127.0.0.1:%u/",
            ntohs (in.sin_port));
  assert_int_equal (uri_parse (&uri, text, NULL), 0);
  host_error_forget ();
  assert_int_equal (ops->connect (instance->inst, &uri.v,
                                  start + 300 * NS_PER_MS, &conn), -1);
  host_error_take (instance, &err);
  assert_non_null (strstr (err.message, "Connection timed out"));
  assert_in_range ((now_ns () - start) / NS_PER_MS, 300, 2000);
  for (size_t i = 0; i < COUNT_OF (fill); i++)
    close (fill[i]);
  close (fd);
  error_clear (&err);
  uri_free (&uri);
  instance_close (instance);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (picks_a_free_port_and_uses_it_for_all_addresses),
    cmocka_unit_test (binds_both_wildcards),
    cmocka_unit_test (says_what_it_could_not_bind),
    cmocka_unit_test (carries_bytes_and_states_addresses),
    cmocka_unit_test (tries_the_other_addresses_of_a_name),
    cmocka_unit_test (says_who_did_not_answer),
    cmocka_unit_test (keeps_the_deadline),
  };

  use_module ("tcp");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
