/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The objects that access control sees in arguments.
 */
#include "config.h"

#include <virgate/remote.h>

#include "daemon/objects.h"
#include "unit.h"

static struct virgate_object found[OBJECTS_MAX];

static uint32_t
objects (int32_t procedure, const void *args)
{
  return objects_of_call (proc_find (VIRGATE_REMOTE_PROGRAM, procedure),
                          args, found);
}

static void
domain_has_name_and_uuid (void **state)
{
  const struct virgate_remote_domain_destroy_args args = {
    .dom = { .name = "web", .uuid = { 1, 2, 3 }, .id = 7 },
  };

  assert_int_equal (objects (VIRGATE_REMOTE_PROC_DOMAIN_DESTROY, &args), 1);
  assert_string_equal (found[0].kind, "domain");
  assert_string_equal (found[0].name, "web");
  assert_int_equal (found[0].uuid[2], 3);
  assert_null (found[0].parent);
}

static void
volume_has_a_pool (void **state)
{
  const struct virgate_remote_storage_vol_delete_args args = {
    .vol = { .pool = "disks", .name = "root", .key = "/x" },
  };

  assert_int_equal (objects (VIRGATE_REMOTE_PROC_STORAGE_VOL_DELETE, &args),
                    1);
  assert_string_equal (found[0].kind, "storage_vol");
  assert_string_equal (found[0].name, "root");
  assert_string_equal (found[0].parent, "disks");
}

static void
snapshot_is_judged_by_its_domain (void **state)
{
  const struct virgate_remote_domain_snapshot_delete_args args = {
    .snap = { .name = "before", .dom = { .name = "web", .uuid = { 9 } } },
  };

  assert_int_equal (objects (VIRGATE_REMOTE_PROC_DOMAIN_SNAPSHOT_DELETE,
                             &args), 1);
  assert_string_equal (found[0].kind, "domain");
  assert_string_equal (found[0].name, "web");
  assert_int_equal (found[0].uuid[0], 9);
}

static void
lookup_names_what_it_looks_for (void **state)
{
  const struct virgate_remote_domain_lookup_by_name_args by_name = {
    .name = "web",
  };
  const struct virgate_remote_network_lookup_by_uuid_args by_uuid = {
    .uuid = { 5 },
  };

  assert_int_equal (objects (VIRGATE_REMOTE_PROC_DOMAIN_LOOKUP_BY_NAME,
                             &by_name), 1);
  assert_string_equal (found[0].kind, "domain");
  assert_string_equal (found[0].name, "web");
  assert_int_equal (objects (VIRGATE_REMOTE_PROC_NETWORK_LOOKUP_BY_UUID,
                             &by_uuid), 1);
  assert_string_equal (found[0].kind, "network");
  assert_int_equal (found[0].uuid[0], 5);
}

static void
node_device_goes_by_a_bare_name (void **state)
{
  const struct virgate_remote_node_device_undefine_args args = {
    .name = "pci_0",
  };

  assert_int_equal (objects (VIRGATE_REMOTE_PROC_NODE_DEVICE_UNDEFINE, &args),
                    1);
  assert_string_equal (found[0].kind, "node_device");
  assert_string_equal (found[0].name, "pci_0");
}

static void
absent_optional_object_is_none (void **state)
{
  const struct virgate_remote_connect_domain_event_callback_register_any_args
    args = { .eventID = 0, .dom = NULL };

  assert_int_equal
    (objects (VIRGATE_REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY,
              &args), 0);
}

static void
call_without_arguments_has_none (void **state)
{
  assert_int_equal (objects (VIRGATE_REMOTE_PROC_CONNECT_GET_TYPE, NULL), 0);
}

static const uint8_t *
only (int32_t procedure, const void *args)
{
  return objects_only_uuid (proc_find (VIRGATE_REMOTE_PROGRAM, procedure),
                            args);
}

/* What a look at one object is about can be told without decoding. */
static void
only_uuid_of_a_call_that_looks (void **state)
{
  const struct virgate_remote_domain_get_info_args args = {
    .dom = { .name = "web", .uuid = { 1, 2, 3 }, .id = 7 },
  };
  const struct virgate_remote_domain_get_xml_desc_args xml = {
    .dom = { .name = "web" },
  };
  const struct virgate_remote_domain_destroy_args destroy = {
    .dom = { .name = "web" },
  };
  const struct virgate_remote_secret_get_xml_desc_args secret = {
    .secret = { .usageID = "x" },
  };

  assert_ptr_equal (only (VIRGATE_REMOTE_PROC_DOMAIN_GET_INFO, &args),
                    args.dom.uuid);
  assert_null (only (VIRGATE_REMOTE_PROC_DOMAIN_GET_XML_DESC, &xml));
  assert_null (only (VIRGATE_REMOTE_PROC_DOMAIN_DESTROY, &destroy));
  assert_null (only (VIRGATE_REMOTE_PROC_SECRET_GET_XML_DESC, &secret));
  assert_null (only (VIRGATE_REMOTE_PROC_CONNECT_GET_TYPE, NULL));
}

static const uint8_t *
only_in (const char *payload, size_t len)
{
  return objects_only_uuid_in (proc_find (VIRGATE_REMOTE_PROGRAM,
                                          VIRGATE_REMOTE_PROC_DOMAIN_GET_INFO),
                               payload, len);
}

static void
only_uuid_is_found_within_the_payload (void **state)
{
  static const char good[] = "\0\0\0\5names\0\0\0" "0123456789abcdef"
                             "\0\0\0\1";
  static const char endless[] = "\xff\xff\xff\xff" "0123456789abcdef"
                                "\0\0\0\1";
  size_t len = sizeof good - 1;

  assert_ptr_equal (only_in (good, len), good + 12);
  assert_ptr_equal (only_in (good, len - 4), good + 12);
  assert_null (only_in (good, len - 5));
  assert_null (only_in (good, 3));
  assert_null (only_in (good, 0));
  assert_null (only_in (endless, sizeof endless - 1));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (domain_has_name_and_uuid),
    cmocka_unit_test (volume_has_a_pool),
    cmocka_unit_test (snapshot_is_judged_by_its_domain),
    cmocka_unit_test (lookup_names_what_it_looks_for),
    cmocka_unit_test (node_device_goes_by_a_bare_name),
    cmocka_unit_test (absent_optional_object_is_none),
    cmocka_unit_test (call_without_arguments_has_none),
    cmocka_unit_test (only_uuid_of_a_call_that_looks),
    cmocka_unit_test (only_uuid_is_found_within_the_payload),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
