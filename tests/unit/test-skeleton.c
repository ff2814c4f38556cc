/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The modules to copy: they load, and do what they say.
 */
#include "config.h"

#include <unistd.h>

#include <virgate/acl.h>
#include <virgate/auth.h>

#include "tests/unit/transport-unit.h"

static struct instance *
skeleton_of (uint32_t kind, const char *keys, struct virgate_error *err)
{
  const struct module *module = modules_load (test_env.modules, kind,
                                              "skeleton", err);
  struct instance *instance;
  struct config config;
  char text[200];

  assert_non_null (module);
  config_init (&config);
  snprintf (text, sizeof text, "[listen x]\n%s\n", keys);
  assert_int_equal (config_parse (&config, text, strlen (text), "c",
                                  test_kinds, NULL), 0);
  instance = instance_open (module, &test_env, config.sections, NULL, NULL,
                            err);
  config_free (&config);
  return instance;
}

static void
transport_carries_bytes (void **state)
{
  char keys[64], in[8];
  struct instance *instance;
  const struct virgate_transport_ops *ops;
  struct virgate_listening l;
  struct virgate_peer peer = { 0 };
  struct virgate_fact fact;
  struct iovec out = { (char[2]) { 'h', 'i' }, 2 }, to = { in, sizeof in };
  void *client, *server;

  snprintf (keys, sizeof keys, "socket-name = virgate-test-%d", getpid ());
  instance = skeleton_of (VIRGATE_KIND_TRANSPORT, keys, NULL);
  ops = instance->transport.ops;
  assert_int_equal (ops->listen (instance->inst, NULL, 0, &l, 1), 1);
  client = connect_to (instance, "x+skeleton:///", 0, NULL);
  server = accept_from (instance, l.fd);
  assert_int_equal (ops->peer (server, &peer, 0), 0);
  assert_int_equal (peer_get (&peer, VIRGATE_FACT_UID, 0, &fact), 1);
  assert_int_equal (fact.num, geteuid ());
  peer_free (&peer);
  assert_int_equal (ops->readv (server, &to, 1, NULL), VIRGATE_IO_WANT_READ);
  assert_int_equal (ops->writev (client, &out, 1, NULL), 2);
  wait_for (ops->pollfd (server), POLLIN);
  assert_int_equal (ops->readv (server, &to, 1, NULL), 2);
  ops->close (client);
  ops->close (server);
  close (l.fd);
  instance_close (instance);
}

static void
auth_lets_one_uid_in (void **state)
{
  struct instance *instance = skeleton_of (VIRGATE_KIND_AUTH, "uid = 7", NULL);
  const struct virgate_auth_ops *ops = instance->module->ops;
  struct virgate_peer peer = { 0 };
  struct virgate_identity who = { 0 };

  assert_int_equal (ops->decide (instance->inst, &peer, &who),
                    VIRGATE_AUTH_PASS);
  peer_number (&peer, VIRGATE_FACT_UID, VIRGATE_VOUCH_KERNEL, 7);
  assert_int_equal (ops->decide (instance->inst, &peer, &who),
                    VIRGATE_AUTH_YES);
  assert_string_equal (identity_get_name (&who), "uid-7");
  peer_free (&peer);
  peer_number (&peer, VIRGATE_FACT_UID, VIRGATE_VOUCH_KERNEL, 8);
  assert_int_equal (ops->decide (instance->inst, &peer, &who),
                    VIRGATE_AUTH_NO);
  peer_free (&peer);
  identity_free (&who);
  instance_close (instance);
}

static void
acl_denies_one_procedure (void **state)
{
  struct virgate_acl_call call = { .size = sizeof call,
                                   .procedure = "domain_destroy" };
  struct virgate_acl_reason reason = { 0 };
  struct virgate_error err = { 0 };
  struct instance *instance;
  const struct virgate_acl_ops *ops;

  assert_null (skeleton_of (VIRGATE_KIND_ACL, "", &err));
  assert_string_equal (err.message, "c:1: [listen x] say which procedure to "
                                    "deny: deny = ...");
  error_clear (&err);
  instance = skeleton_of (VIRGATE_KIND_ACL, "deny = domain_destroy", NULL);
  ops = instance->module->ops;
  assert_int_equal (ops->permit (instance->inst, &call, &reason),
                    VIRGATE_ACL_DENY);
  assert_string_equal (reason.text, "deny = domain_destroy");
  call.procedure = "domain_create";
  assert_int_equal (ops->permit (instance->inst, &call, &reason),
                    VIRGATE_ACL_ALLOW);
  instance_close (instance);
}

static void
driver_needs_a_daemon (void **state)
{
  struct virgate_error err = { 0 };

  assert_null (skeleton_of (VIRGATE_KIND_DRIVER, "", &err));
  assert_non_null (strstr (err.message, "drivers need a daemon around them"));
  error_clear (&err);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (transport_carries_bytes),
    cmocka_unit_test (auth_lets_one_uid_in),
    cmocka_unit_test (acl_denies_one_procedure),
    cmocka_unit_test (driver_needs_a_daemon),
  };

  unsetenv ("VIRGATE_MODULE_DIR");
  test_env.modules = modules_new ("../../plugins/skeleton/.libs", 0, NULL);
  return cmocka_run_group_tests (tests, NULL, NULL);
}
