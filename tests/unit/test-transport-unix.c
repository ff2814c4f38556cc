/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The unix transport, both halves against each other.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/transport-unit.h"

static char dir[64], sock[100], keys[200], uri[200];

static int
setup (void **state)
{
  strcpy (dir, "/tmp/virgate-unix-XXXXXX");
  if (mkdtemp (dir) == NULL)
    return -1;
  snprintf (sock, sizeof sock, "%s/sock", dir);
  snprintf (keys, sizeof keys, "path = %s", sock);
  snprintf (uri, sizeof uri, "test+unix:///default?socket=%s", sock);
  return 0;
}

static int
teardown (void **state)
{
  unlink (sock);
  return rmdir (dir);           /* fails where a test left something behind */
}

/* A listener with extra keys; NULL with err set. */
static struct instance *
listener (const char *more, struct virgate_listening *out,
          struct virgate_error *err)
{
  const struct virgate_transport_ops *ops;
  struct instance *instance;
  char all[400];

  snprintf (all, sizeof all, "%s\n%s", keys, more);
  instance = instance_with ("unix", all, err);
  if (instance == NULL)
    return NULL;
  ops = instance->transport.ops;
  host_error_forget ();
  if (ops->listen (instance->inst, NULL, 0, out, 1) == 1)
    return instance;
  host_error_take (instance, err);
  instance_close (instance);
  return NULL;
}

static void
stop (struct instance *instance, struct virgate_listening *listening)
{
  const struct virgate_transport_ops *ops = instance->transport.ops;

  ops->unlisten (instance->inst, listening);
  close (listening->fd);
  instance_close (instance);
}

static void
listens_with_the_mode_and_group_it_was_told (void **state)
{
  struct virgate_listening l;
  struct instance *instance;
  struct stat st;
  char more[64];

  instance = listener ("", &l, NULL);
  assert_non_null (instance);
  assert_string_equal (l.where, sock);
  assert_int_equal (stat (sock, &st), 0);
  assert_int_equal (st.st_mode & 0777, 0700);
  assert_true (fcntl (l.fd, F_GETFD) & FD_CLOEXEC);
  assert_true (fcntl (l.fd, F_GETFL) & O_NONBLOCK);
  stop (instance, &l);
  assert_int_equal (access (sock, F_OK), -1);

  snprintf (more, sizeof more, "mode = 0666\ngroup = %u", getegid ());
  instance = listener (more, &l, NULL);
  assert_int_equal (stat (sock, &st), 0);
  assert_int_equal (st.st_mode & 0777, 0666);
  assert_int_equal (st.st_gid, getegid ());
  stop (instance, &l);
}

static void
keeps_off_a_path_that_is_in_use (void **state)
{
  struct virgate_listening l, other;
  struct virgate_error err = { 0 };
  struct instance *instance = listener ("", &l, NULL);
  char lock[128];

  assert_null (listener ("", &other, &err));
  assert_non_null (strstr (err.message, "another daemon holds"));
  /* One that knows nothing of the lock. */
  snprintf (lock, sizeof lock, "%s.lock", sock);
  unlink (lock);
  assert_null (listener ("", &other, &err));
  assert_non_null (strstr (err.message, "another program listens there"));
  error_clear (&err);
  stop (instance, &l);
}

static void
takes_over_what_a_dead_daemon_left (void **state)
{
  struct virgate_listening l;
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct instance *instance;
  int fd = socket (AF_UNIX, SOCK_STREAM, 0);

  strcpy (address.sun_path, sock);
  assert_int_equal (bind (fd, (struct sockaddr *) &address, sizeof address),
                    0);
  close (fd);
  instance = listener ("", &l, NULL);
  assert_non_null (instance);
  stop (instance, &l);
}

static void
never_removes_what_is_no_socket (void **state)
{
  struct virgate_listening l;
  struct virgate_error err = { 0 };

  close (open (sock, O_CREAT | O_WRONLY, 0600));
  assert_null (listener ("", &l, &err));
  assert_non_null (strstr (err.message, "this file exists and is no socket"));
  assert_int_equal (access (sock, F_OK), 0);
  error_clear (&err);
}

static void
says_what_is_wrong_with_its_keys (void **state)
{
  struct virgate_listening l;
  struct virgate_error err = { 0 };
  char longer[200];

  assert_null (listener ("group = no such group", &l, &err));
  assert_string_equal (err.message, "c:3: [listen x] group: there is no group "
                                    "'no such group'");
  memset (longer, 'a', sizeof longer);
  memcpy (longer, "path = /", 8);
  longer[sizeof longer - 1] = '\0';
  assert_null (instance_with ("unix", longer, &err));
  assert_non_null (strstr (err.message, "longer than the 107 bytes"));
  assert_null (instance_with ("unix", "path = /nowhere/at/all\nmode = 9",
                              &err));
  assert_non_null (strstr (err.message, "'9' is not an octal file mode"));
  error_clear (&err);
}

static void
states_what_the_kernel_knows (void **state)
{
  struct virgate_listening l;
  struct instance *instance = listener ("", &l, NULL);
  const struct virgate_transport_ops *ops = instance->transport.ops;
  void *client = connect_to (instance, uri, 0, NULL);
  void *server = accept_from (instance, l.fd);
  struct virgate_peer peer = { 0 };
  struct virgate_fact fact;

  assert_int_equal (ops->peer (server, &peer, 0), 0);
  assert_int_equal (peer_get (&peer, VIRGATE_FACT_UID, 0, &fact), 1);
  assert_int_equal (fact.num, geteuid ());
  assert_int_equal (fact.vouch, VIRGATE_VOUCH_KERNEL);
  assert_int_equal (peer_get (&peer, VIRGATE_FACT_PID, 0, &fact), 1);
  assert_int_equal (fact.num, getpid ());
  assert_int_equal (peer_get (&peer, VIRGATE_FACT_PATH, 0, &fact), 1);
  assert_string_equal (fact.str, sock);
  peer_free (&peer);
  ops->close (client);
  ops->close (server);
  stop (instance, &l);
}

/* Bytes arrive, would-block and end of file are told apart. */
static void
carries_bytes_and_says_when_there_are_none (void **state)
{
  struct virgate_listening l;
  struct instance *instance = listener ("", &l, NULL);
  const struct virgate_transport_ops *ops = instance->transport.ops;
  void *client = connect_to (instance, uri, 0, NULL);
  void *server = accept_from (instance, l.fd);
  char a[4] = "abc", b[4] = "def", in[100];
  struct iovec out[2] = { { a, 3 }, { b, 3 } }, to = { in, sizeof in };
  struct virgate_fds fds = { .count = 99 };
  static char big[1 << 20];
  struct iovec much = { big, sizeof big };

  assert_int_equal (ops->readv (server, &to, 1, &fds), VIRGATE_IO_WANT_READ);
  assert_int_equal (ops->writev (client, out, 2, NULL), 6);
  wait_for (ops->pollfd (server), POLLIN);
  assert_int_equal (ops->readv (server, &to, 1, &fds), 6);
  assert_int_equal (fds.count, 0);
  assert_memory_equal (in, "abcdef", 6);
  while (ops->writev (client, &much, 1, NULL) > 0)
    ;
  assert_int_equal (ops->writev (client, &much, 1, NULL),
                    VIRGATE_IO_WANT_WRITE);
  ops->shutdown (server);
  wait_for (ops->pollfd (client), POLLIN);
  assert_int_equal (ops->readv (client, &to, 1, &fds), 0);
  ops->close (server);
  assert_int_equal (ops->writev (client, out, 1, NULL), VIRGATE_IO_ERROR);
  assert_int_equal (errno, EPIPE);
  ops->close (client);
  stop (instance, &l);
}

static int
count_fds (void)
{
  int count = 0;

  for (int fd = 0; fd < 1024; fd++)
    count += fcntl (fd, F_GETFD) != -1;
  return count;
}

static void
passes_descriptors (void **state)
{
  struct virgate_listening l;
  struct instance *instance = listener ("", &l, NULL);
  const struct virgate_transport_ops *ops = instance->transport.ops;
  void *client = connect_to (instance, uri, 0, NULL);
  void *server = accept_from (instance, l.fd);
  struct virgate_fds out = { .count = VIRGATE_FDS_MAX }, in;
  struct iovec one = { (char[1]) { 'x' }, 1 };
  int before = count_fds ();

  for (int i = 0; i < VIRGATE_FDS_MAX; i++)
    out.fd[i] = STDERR_FILENO;
  assert_int_equal (ops->writev (client, &one, 1, &out), 1);
  assert_int_equal (ops->readv (server, &one, 1, &in), 1);
  assert_int_equal (in.count, VIRGATE_FDS_MAX);
  for (uint32_t i = 0; i < in.count; i++) {
    assert_true (fcntl (in.fd[i], F_GETFD) & FD_CLOEXEC);
    close (in.fd[i]);
  }
  /* Nobody takes them: closed. */
  assert_int_equal (ops->writev (client, &one, 1, &out), 1);
  assert_int_equal (ops->readv (server, &one, 1, NULL), 1);
  assert_int_equal (count_fds (), before);
  ops->close (client);
  ops->close (server);
  stop (instance, &l);
}

static void
fails_when_the_kernel_drops_descriptors (void **state)
{
  struct virgate_listening l;
  struct instance *instance;
  const struct virgate_transport_ops *ops;
  void *client, *server;
  struct virgate_fds out = { .count = 100 }, in;
  struct iovec one = { (char[1]) { 'x' }, 1 };
  struct rlimit old, tight;
  int before;

  skip_under_valgrind ();       /* which has a limit of its own */
  instance = listener ("", &l, NULL);
  ops = instance->transport.ops;
  client = connect_to (instance, uri, 0, NULL);
  server = accept_from (instance, l.fd);
  before = count_fds ();
  for (int i = 0; i < 100; i++)
    out.fd[i] = STDERR_FILENO;
  getrlimit (RLIMIT_NOFILE, &old);
  tight = old;
  tight.rlim_cur = before + 20;
  assert_int_equal (ops->writev (client, &one, 1, &out), 1);
  setrlimit (RLIMIT_NOFILE, &tight);
  assert_int_equal (ops->readv (server, &one, 1, &in), VIRGATE_IO_ERROR);
  assert_int_equal (errno, EMFILE);
  setrlimit (RLIMIT_NOFILE, &old);
  assert_int_equal (count_fds (), before);
  ops->close (client);
  ops->close (server);
  stop (instance, &l);
}

static void
adopts_sockets_and_leaves_their_paths (void **state)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct virgate_listening l;
  struct instance *instance = instance_with ("unix", "", NULL);
  const struct virgate_transport_ops *ops = instance->transport.ops;
  struct virgate_error err = { 0 };
  int fd = socket (AF_UNIX, SOCK_STREAM, 0);
  void *client, *server;

  host_error_forget ();
  assert_int_equal (ops->listen (instance->inst, &fd, 1, &l, 1), -1);
  host_error_take (instance, &err);
  assert_non_null (strstr (err.message, "no unix stream socket that listens"));
  error_clear (&err);
  strcpy (address.sun_path, sock);
  assert_int_equal (bind (fd, (struct sockaddr *) &address, sizeof address),
                    0);
  assert_int_equal (listen (fd, 5), 0);
  assert_int_equal (ops->listen (instance->inst, &fd, 1, &l, 1), 1);
  assert_string_equal (l.where, sock);
  assert_true (fcntl (l.fd, F_GETFL) & O_NONBLOCK);
  client = connect_to (instance, uri, 0, NULL);
  server = accept_from (instance, l.fd);
  ops->close (client);
  ops->close (server);
  stop (instance, &l);
  assert_int_equal (access (sock, F_OK), 0);
}

static void
says_where_nobody_answered (void **state)
{
  struct virgate_error err = { 0 };
  struct instance *instance = instance_with ("unix", "", NULL);
  char expected[200];

  assert_null (connect_to (instance, uri, 0, &err));
  snprintf (expected, sizeof expected, "Failed to connect socket to '%s': No "
            "such file or directory; is the daemon running?", sock);
  assert_string_equal (err.message, expected);
  assert_int_equal (err.code, VIRGATE_ERR_SYSTEM_ERROR);
  assert_int_equal (err.domain, VIRGATE_FROM_RPC);
  error_clear (&err);
  instance_close (instance);
}

/* What is looked for when nothing is there: root and users have different
 * folders.
 */
static void
chooses_the_default_socket_as_stock_clients_do (void **state)
{
  bool root = geteuid () == 0;
  const char *folder = root ? "/run" : dir;
  const struct {
    const char *uri;
    int read_only;
    const char *file;
  } rows[] = {
    { "test:///default", 0, "libvirt-sock" },
    { "test:///default", 1, root ? "libvirt-sock-ro" : "libvirt-sock" },
    { "test:///default?mode=direct", 0, "virttestd-sock" },
    { "test:///default?mode=legacy", 0, "libvirt-sock" },
    { "", 0, "libvirt-sock" },
  };
  struct virgate_error err = { 0 };
  struct instance *instance = instance_with ("unix", "", NULL);
  char expected[200];

  if (access ("/run/libvirt/libvirt-sock", F_OK) == 0
      || access (RUNSTATEDIR "/virgate/virgate-sock", F_OK) == 0)
    skip ();
  setenv ("XDG_RUNTIME_DIR", dir, 1);
  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    assert_null (connect_to (instance, rows[i].uri, rows[i].read_only, &err));
    snprintf (expected, sizeof expected, "'%s/libvirt/%s': ", folder,
              rows[i].file);
    if (strstr (err.message, expected) == NULL)
      fail_msg ("%s: %s", rows[i].uri, err.message);
  }
  error_clear (&err);
  instance_close (instance);
}

int
main (void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown (fn, setup, teardown)
  const struct CMUnitTest tests[] = {
    TEST (listens_with_the_mode_and_group_it_was_told),
    TEST (keeps_off_a_path_that_is_in_use),
    TEST (takes_over_what_a_dead_daemon_left),
    TEST (never_removes_what_is_no_socket),
    TEST (says_what_is_wrong_with_its_keys),
    TEST (states_what_the_kernel_knows),
    TEST (carries_bytes_and_says_when_there_are_none),
    TEST (passes_descriptors),
    TEST (fails_when_the_kernel_drops_descriptors),
    TEST (adopts_sockets_and_leaves_their_paths),
    TEST (says_where_nobody_answered),
    TEST (chooses_the_default_socket_as_stock_clients_do),
  };

  use_module ("unix");
  return cmocka_run_group_tests (tests, NULL, NULL);
}
