/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * driver-test: worlds, the life of domains, and what is told about it.
 */
#include "config.h"

#include "tests/unit/driver-unit.h"

#define DEFAULT "test:///default"

static struct virgate_client alice, bob;

static int
setup (void **state)
{
  static const char *const keys[] = { "files", "no", NULL };

  driver_start ("test", keys);
  assert_int_equal (client_open (&alice, DEFAULT), 0);
  assert_int_equal (client_open (&bob, DEFAULT), 0);
  return 0;
}

static int
teardown (void **state)
{
  client_close (&bob);
  client_close (&alice);
  driver_stop ();
  return 0;
}

/* The domain of that name; asserts that there is one.  The name is static, as
 * the reply's ends with the next call.
 */
static struct virgate_domain
find (struct virgate_client *client, const char *name)
{
  struct virgate_remote_domain_lookup_by_name_args args = { name };
  struct virgate_remote_domain_lookup_by_name_ret ret;

  assert_int_equal (CALL (client, DOMAIN_LOOKUP_BY_NAME, &args, &ret), 0);
  ret.dom.name = name;
  return ret.dom;
}

static void
watch (struct virgate_client *client, struct virgate_domain *dom, int id)
{
  struct virgate_remote_connect_domain_event_callback_register_any_args args
    = { .eventID = 0, .dom = dom };
  struct virgate_remote_connect_domain_event_callback_register_any_ret ret;

  assert_int_equal (CALL (client, CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY,
                          &args, &ret), 0);
  assert_int_equal (ret.callbackID, id);
}

static int
unwatch (struct virgate_client *client, int id)
{
  struct virgate_remote_connect_domain_event_callback_deregister_any_args args
    = { id };

  return CALL_ONLY (client, CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY,
                    &args);
}

static struct virgate_domain
define (struct virgate_client *client, const char *name)
{
  struct virgate_remote_domain_define_xml_args args;
  struct virgate_remote_domain_define_xml_ret ret;
  char xml[200];

  snprintf (xml, sizeof xml, "<domain type='test'><name>%s</name>"
            "<memory>1024</memory><os><type>hvm</type></os></domain>", name);
  args.xml = xml;
  assert_int_equal (CALL (client, DOMAIN_DEFINE_XML, &args, &ret), 0);
  assert_string_equal (ret.dom.name, name);
  assert_int_equal (ret.dom.id, -1);
  ret.dom.name = name;
  return ret.dom;
}

enum { SUSPEND, RESUME, SHUTDOWN, DESTROY, CREATE };

static const int32_t procedures[] = {
  [SUSPEND] = VIRGATE_REMOTE_PROC_DOMAIN_SUSPEND,
  [RESUME] = VIRGATE_REMOTE_PROC_DOMAIN_RESUME,
  [SHUTDOWN] = VIRGATE_REMOTE_PROC_DOMAIN_SHUTDOWN,
  [DESTROY] = VIRGATE_REMOTE_PROC_DOMAIN_DESTROY,
  [CREATE] = VIRGATE_REMOTE_PROC_DOMAIN_CREATE,
};

/* One walk through the states of the domain `test`. */
static const struct {
  int call;
  const char *refused;          /* NULL: done */
  int state, reason;            /* afterwards */
  const char *events;
} walk[] = {
  { SUSPEND, NULL, 3, 1, "318 0 test 3 0" },
  { SUSPEND, "domain 'test' not running", 3, 1, "" },
  { RESUME, NULL, 1, 5, "318 0 test 4 0" },
  { RESUME, "domain 'test' not paused", 1, 5, "" },
  { CREATE, "Domain 'test' is already running", 1, 5, "" },
  { SHUTDOWN, NULL, 5, 1, "318 0 test 5 0" },
  { SHUTDOWN, "domain 'test' not running", 5, 1, "" },
  { DESTROY, "domain is not running", 5, 1, "" },
  { CREATE, NULL, 1, 1, "318 0 test 2 0" },
  { DESTROY, NULL, 5, 2, "318 0 test 5 1" },
};

static void
test_walk (void **state)
{
  struct virgate_domain dom = find (&alice, "test");

  watch (&bob, NULL, 0);
  for (size_t i = 0; i < sizeof walk / sizeof *walk; i++) {
    struct virgate_remote_domain_suspend_args args = { dom };
    struct virgate_remote_domain_get_state_args ask = { dom, 0 };
    struct virgate_remote_domain_get_state_ret ret;
    int rc = call_number (&alice, procedures[walk[i].call], &args, NULL, 0);

    if (walk[i].refused)
      assert_string_equal (unit_call.text, walk[i].refused);
    assert_int_equal (rc, walk[i].refused ? -1 : 0);
    assert_int_equal (CALL (&alice, DOMAIN_GET_STATE, &ask, &ret), 0);
    assert_int_equal (ret.state, walk[i].state);
    assert_int_equal (ret.reason, walk[i].reason);
    assert_string_equal (events_take (&bob), walk[i].events);
    assert_string_equal (events_take (&alice), "");
  }
}

/* All see one world, until the last one leaves it. */
static void
test_worlds (void **state)
{
  struct virgate_client carol;

  define (&alice, "one");
  find (&bob, "one");
  client_close (&alice);
  assert_int_equal (client_open (&alice, DEFAULT), 0);
  find (&alice, "one");
  client_close (&alice);
  client_close (&bob);
  assert_int_equal (client_open (&alice, DEFAULT), 0);
  assert_int_equal (client_open (&bob, DEFAULT), 0);
  {
    struct virgate_remote_domain_lookup_by_name_args args = { "one" };
    struct virgate_remote_domain_lookup_by_name_ret ret;

    assert_refused (CALL (&alice, DOMAIN_LOOKUP_BY_NAME, &args, &ret),
                    VIRGATE_ERR_NO_DOMAIN, "");
  }
  assert_int_equal (client_open (&carol, "qemu:///system"),
                    VIRGATE_DECLINED);
  assert_int_equal (client_open (&carol, "test:///etc/passwd"), -1);
}

/* Each registration in a world has its own number and its own filter. */
static void
test_watches (void **state)
{
  struct virgate_domain one = define (&alice, "one");
  struct virgate_domain two = define (&alice, "two");
  struct virgate_remote_domain_create_args start_one = { one };
  struct virgate_remote_domain_create_args start_two = { two };

  watch (&alice, &one, 0);
  watch (&alice, NULL, 1);
  watch (&bob, &two, 2);
  assert_int_equal (CALL_ONLY (&bob, DOMAIN_CREATE, &start_one), 0);
  assert_string_equal (events_take (&alice),
                       "318 0 one 2 0, 318 1 one 2 0");
  assert_string_equal (events_take (&bob), "");
  assert_int_equal (unwatch (&alice, 1), 0);
  assert_int_equal (CALL_ONLY (&bob, DOMAIN_CREATE, &start_two), 0);
  assert_string_equal (events_take (&alice), "");
  assert_string_equal (events_take (&bob), "318 2 two 2 0");
  assert_int_equal (unwatch (&alice, 1), -1);
  assert_int_equal (unit_call.code, VIRGATE_ERR_INTERNAL_ERROR);
}

/* The registration of before 1.2.1: without a number, and once only. */
static void
test_old_watch (void **state)
{
  struct virgate_domain dom = find (&alice, "test");
  struct virgate_remote_domain_suspend_args args = { dom };
  struct virgate_remote_connect_domain_event_register_ret ret;

  assert_int_equal (CALL (&alice, CONNECT_DOMAIN_EVENT_REGISTER, NULL, &ret),
                    0);
  assert_int_equal (CALL_ONLY (&bob, DOMAIN_SUSPEND, &args), 0);
  assert_string_equal (events_take (&alice), "107 test 3 0");
}

static void
test_files (void **state)
{
  struct virgate_remote_domain_save_args args = {
    find (&alice, "test"), "/tmp/never"
  };

  assert_int_equal (CALL_ONLY (&alice, DOMAIN_SAVE, &args), -1);
  assert_int_equal (unit_call.code, VIRGATE_ERR_OPERATION_DENIED);
}

static void
test_many (void **state)
{
  struct virgate_remote_connect_list_all_domains_args args = { 1, 0 };
  struct virgate_remote_connect_list_all_domains_ret ret;
  char name[20];

  for (int i = 0; i < 1500; i++) {
    snprintf (name, sizeof name, "many-%d", i);
    define (&alice, name);
  }
  find (&bob, "many-777");
  args.need_results = 0;
  assert_int_equal (CALL (&bob, CONNECT_LIST_ALL_DOMAINS, &args, &ret), 0);
  assert_int_equal (ret.ret, 1501);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (test_walk, setup, teardown),
    cmocka_unit_test_setup_teardown (test_worlds, setup, teardown),
    cmocka_unit_test_setup_teardown (test_watches, setup, teardown),
    cmocka_unit_test_setup_teardown (test_old_watch, setup, teardown),
    cmocka_unit_test_setup_teardown (test_files, setup, teardown),
    cmocka_unit_test_setup_teardown (test_many, setup, teardown),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
