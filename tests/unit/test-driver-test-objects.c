/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * driver-test: tuning, networks, and what it says about the host.
 */
#include "config.h"

#include "tests/unit/driver-unit.h"

static struct virgate_client client;

static int
setup (void **state)
{
  static const char *const keys[] = { NULL };

  driver_start ("test", keys);
  assert_int_equal (client_open (&client, "test:///default"), 0);
  return 0;
}

static int
teardown (void **state)
{
  client_close (&client);
  driver_stop ();
  return 0;
}

static struct virgate_domain
test_domain (void)
{
  struct virgate_remote_domain_lookup_by_name_args args = { "test" };
  struct virgate_remote_domain_lookup_by_name_ret ret;

  assert_int_equal (CALL (&client, DOMAIN_LOOKUP_BY_NAME, &args, &ret), 0);
  ret.dom.name = "test";
  return ret.dom;
}

/* One parameter of `test` set: the refusal, or what is read then. */
static const struct {
  struct virgate_typed_param param;
  int code;
  const char *text;
} memory[] = {
  { { "hard_limit", { VIRGATE_TYPED_PARAM_ULLONG, { .ul = 2048 } } },
    0, NULL },
  { { "hard_limit", { VIRGATE_TYPED_PARAM_INT, { .i = 1 } } },
    VIRGATE_ERR_INVALID_ARG,
    "invalid type 'int' for parameter 'hard_limit', expected 'ullong'" },
  { { "no_limit", { VIRGATE_TYPED_PARAM_ULLONG, { .ul = 1 } } },
    VIRGATE_ERR_ARGUMENT_UNSUPPORTED,
    "parameter 'no_limit' not supported" },
};

static void
test_memory (void **state)
{
  struct virgate_domain dom = test_domain ();

  for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) {
    struct virgate_typed_param param = memory[i].param;
    struct virgate_remote_domain_set_memory_parameters_args args = {
      .dom = dom, .params = { 1, &param }
    };
    int rc = CALL_ONLY (&client, DOMAIN_SET_MEMORY_PARAMETERS, &args);

    if (memory[i].text)
      assert_string_equal (unit_call.text, memory[i].text);
    assert_int_equal (unit_call.code, memory[i].code);
    assert_int_equal (rc, memory[i].code ? -1 : 0);
  }
  {
    struct virgate_remote_domain_get_memory_parameters_args args = {
      .dom = dom, .nparams = 3
    };
    struct virgate_remote_domain_get_memory_parameters_ret ret;

    assert_int_equal (CALL (&client, DOMAIN_GET_MEMORY_PARAMETERS, &args,
                            &ret), 0);
    assert_int_equal (ret.params.len, 3);
    assert_string_equal (ret.params.val[0].field, "hard_limit");
    assert_int_equal (ret.params.val[0].value.u.ul, 2048);
  }
}

/* A network's document. */
static const char *
xml_of (struct virgate_network net)
{
  struct virgate_remote_network_get_xml_desc_args args = { net, 0 };
  struct virgate_remote_network_get_xml_desc_ret ret;

  assert_int_equal (CALL (&client, NETWORK_GET_XML_DESC, &args, &ret), 0);
  return ret.xml;
}

static struct virgate_network
define_network (const char *xml)
{
  struct virgate_remote_network_define_xml_args args = { xml };
  struct virgate_remote_network_define_xml_ret ret;

  assert_int_equal (CALL (&client, NETWORK_DEFINE_XML, &args, &ret), 0);
  ret.net.name = "net";
  return ret.net;
}

static void
test_network (void **state)
{
  struct virgate_network net = define_network
    ("<network><name>net</name><uuid>00000000-0000-0000-0000-0000000000ab"
     "</uuid><bridge name='br7'/><mac address='52:54:00:00:00:07'/>"
     "<ip address='10.0.0.1' prefix='24'/></network>");
  struct virgate_remote_network_create_args start = { net };

  assert_string_equal (xml_of (net),
    "<network>\n"
    "  <name>net</name>\n"
    "  <uuid>00000000-0000-0000-0000-0000000000ab</uuid>\n"
    "  <bridge name='br7' stp='on' delay='0'/>\n"
    "  <mac address='52:54:00:00:00:07'/>\n"
    "  <ip address='10.0.0.1' prefix='24'>\n"
    "  </ip>\n"
    "</network>\n");
  assert_int_equal (CALL_ONLY (&client, NETWORK_CREATE, &start), 0);
  assert_refused (CALL_ONLY (&client, NETWORK_CREATE, &start),
                  VIRGATE_ERR_OPERATION_INVALID,
                  "Network 'net' is already running");
}

/* One change at a time to a network that runs: command, section, flags. */
static const struct {
  uint32_t command, section, flags;
  const char *xml;
  int code;
  const char *live;             /* must be in there then; NULL: any */
} updates[] = {
  { 3, 4, 1, "<host mac='52:54:00:00:00:01' ip='10.0.0.9'/>", 0,
    "<host mac='52:54:00:00:00:01' ip='10.0.0.9'/>" },
  { 3, 4, 3, "<host mac='52:54:00:00:00:01' ip='10.0.0.9'/>",
    VIRGATE_ERR_OPERATION_INVALID, NULL },
  { 2, 4, 1, "<host mac='52:54:00:00:00:01'/>", 0, NULL },
  { 3, 11, 3, "<txt name='a' value='b'/>", 0,
    "<txt name='a' value='b'/>" },
  { 3, 4, 1, "<host", VIRGATE_ERR_XML_DETAIL, NULL },
};

static void
test_update (void **state)
{
  struct virgate_network net = define_network
    ("<network><name>net</name><ip address='10.0.0.1' prefix='24'><dhcp>"
     "<range start='10.0.0.2' end='10.0.0.8'/></dhcp></ip></network>");
  struct virgate_remote_network_create_args start = { net };

  assert_int_equal (CALL_ONLY (&client, NETWORK_CREATE, &start), 0);
  for (size_t i = 0; i < sizeof updates / sizeof *updates; i++) {
    struct virgate_remote_network_update_args args = {
      net, updates[i].command, updates[i].section, -1, updates[i].xml,
      updates[i].flags
    };
    int rc = CALL_ONLY (&client, NETWORK_UPDATE, &args);

    assert_int_equal (unit_call.code, updates[i].code);
    assert_int_equal (rc, updates[i].code ? -1 : 0);
    if (updates[i].live)
      assert_non_null (strstr (xml_of (net), updates[i].live));
  }
}

#define CPU(model, more) \
  "<cpu><arch>x86_64</arch><model>" model "</model>" more "</cpu>"

static const struct {
  const char *one, *other;
  int code;
  const char *said;             /* the refusal, or what the answer begins
                                   with */
} cpus[] = {
  { CPU ("Nehalem", ""), NULL, 0, "<cpu mode='custom' match='exact'>\n"
    "  <model fallback='forbid'>Nehalem</model>\n</cpu>\n" },
  { CPU ("Westmere", "<feature name='vmx'/>"), CPU ("Nehalem", ""), 0,
    "<cpu mode='custom' match='exact'>\n"
    "  <model fallback='allow'>Nehalem</model>\n</cpu>\n" },
  { CPU ("Nehalem", "<vendor>Intel</vendor>"),
    CPU ("EPYC", "<vendor>AMD</vendor>"), VIRGATE_ERR_OPERATION_FAILED,
    "CPU vendors do not match" },
  { CPU ("Pentium-9000", ""), NULL, VIRGATE_ERR_INTERNAL_ERROR,
    "Unknown CPU model Pentium-9000" },
  { CPU ("Nehalem", "<feature name='x'/><feature name='x'/>"), NULL,
    VIRGATE_ERR_XML_ERROR, "CPU feature 'x' specified more than once" },
};

static void
test_baseline (void **state)
{
  for (size_t i = 0; i < sizeof cpus / sizeof *cpus; i++) {
    const char *docs[] = { cpus[i].one, cpus[i].other };
    struct virgate_remote_connect_baseline_cpu_args args = {
      .xmlCPUs = { cpus[i].other ? 2 : 1, docs }
    };
    struct virgate_remote_connect_baseline_cpu_ret ret;
    int rc = CALL (&client, CONNECT_BASELINE_CPU, &args, &ret);

    assert_int_equal (unit_call.code, cpus[i].code);
    assert_string_equal (rc == 0 ? ret.cpu : unit_call.text, cpus[i].said);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (test_memory, setup, teardown),
    cmocka_unit_test_setup_teardown (test_network, setup, teardown),
    cmocka_unit_test_setup_teardown (test_update, setup, teardown),
    cmocka_unit_test_setup_teardown (test_baseline, setup, teardown),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
