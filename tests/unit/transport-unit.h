/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tests of transports share: the built module, opened with keys as
 * the daemon or the library would.
 */
#ifndef VIRGATE_TESTS_TRANSPORT_UNIT_H
#define VIRGATE_TESTS_TRANSPORT_UNIT_H

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/transport.h>

#include "tests/unit/unit.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "core/instance.h"
#include "core/peer.h"
#include "core/uri.h"

#define TEST_TIMEOUT_MS 10000

static struct host_env test_env = {
  .role = VIRGATE_ROLE_SERVER, .program = "test",
};

static const struct config_kind test_kinds[] = {
  { "listen", true, true, NULL },
  { NULL },
};

/* The build folder of the module NAME. */
static inline void
use_module (const char *name)
{
  char dir[100];

  unsetenv ("VIRGATE_MODULE_DIR");
  snprintf (dir, sizeof dir, "../../plugins/transport-%s/.libs", name);
  test_env.modules = modules_new (dir, 0, NULL);
}

/* An instance with keys "a = b\nc = d"; NULL with err set. */
static inline struct instance *
instance_with (const char *name, const char *keys, struct virgate_error *err)
{
  const struct module *module = modules_load (test_env.modules,
                                              VIRGATE_KIND_TRANSPORT, name,
                                              err);
  struct instance *instance;
  struct config config;
  char text[1000];

  if (module == NULL)
    return NULL;
  config_init (&config);
  snprintf (text, sizeof text, "[listen x]\n%s\n", keys);
  assert_int_equal (config_parse (&config, text, strlen (text), "c",
                                  test_kinds, NULL), 0);
  instance = instance_open (module, &test_env, config.sections, NULL, NULL,
                            err);
  config_free (&config);
  return instance;
}

/* Connect with the client half; NULL with err set. */
static inline void *
connect_to (struct instance *instance, const char *text, int read_only,
            struct virgate_error *err)
{
  const struct virgate_transport_ops *ops = instance->transport.ops;
  void *conn = NULL;
  struct uri uri;

  assert_int_equal (uri_parse (&uri, text, err), 0);
  uri.v.read_only = read_only;
  host_error_forget ();
  if (ops->connect (instance->inst, &uri.v,
                    now_ns () + TEST_TIMEOUT_MS * NS_PER_MS, &conn) == -1) {
    host_error_take (instance, err);
    conn = NULL;
  }
  uri_free (&uri);
  return conn;
}

static inline void
wait_for (int fd, short events)
{
  struct pollfd p = { .fd = fd, .events = events };

  assert_int_equal (poll (&p, 1, TEST_TIMEOUT_MS), 1);
}

static inline void *
accept_from (struct instance *instance, int fd)
{
  const struct virgate_transport_ops *ops = instance->transport.ops;
  void *conn = NULL;

  wait_for (fd, POLLIN);
  assert_int_equal (ops->accept (instance->inst, fd, &conn), 0);
  assert_int_equal (ops->accept (instance->inst, fd, &conn),
                    VIRGATE_IO_WANT_READ);
  return conn;
}

#endif /* VIRGATE_TESTS_TRANSPORT_UNIT_H */
