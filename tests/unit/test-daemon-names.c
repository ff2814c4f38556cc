/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names of libvirt's functions.  What is expected here was read off error
 * messages of libvirtd 9.0.0.
 */
#include "config.h"

#include <virgate/error.h>
#include <virgate/lxc.h>
#include <virgate/qemu.h>
#include <virgate/remote.h>

#include "daemon/names.h"
#include "unit.h"

static void
expect (uint32_t program, int32_t procedure, const char *function,
        int32_t domain)
{
  struct api_name name;

  api_name (program, proc_find (program, procedure), &name);
  assert_string_equal (name.function, function);
  assert_int_equal (name.domain, domain);
}

#define REMOTE(proc, function, domain)                                  \
  expect (VIRGATE_REMOTE_PROGRAM, VIRGATE_REMOTE_PROC_##proc, function, \
          domain)

static void
words_are_capitalised (void **state)
{
  REMOTE (DOMAIN_GET_INFO, "virDomainGetInfo", VIRGATE_FROM_DOMAIN);
  REMOTE (NETWORK_DESTROY, "virNetworkDestroy", VIRGATE_FROM_NETWORK);
}

static void
short_forms_are_spelled_as_libvirt_does (void **state)
{
  REMOTE (DOMAIN_GET_XML_DESC, "virDomainGetXMLDesc", VIRGATE_FROM_DOMAIN);
  REMOTE (DOMAIN_GET_OS_TYPE, "virDomainGetOSType", VIRGATE_FROM_DOMAIN);
  REMOTE (CONNECT_LIST_ALL_NWFILTERS, "virConnectListAllNWFilters",
          VIRGATE_FROM_NWFILTER);
  REMOTE (DOMAIN_FSFREEZE, "virDomainFSFreeze", VIRGATE_FROM_DOMAIN);
}

static void
domain_is_that_of_the_object (void **state)
{
  REMOTE (DOMAIN_SNAPSHOT_NUM, "virDomainSnapshotNum",
          VIRGATE_FROM_DOMAIN_SNAPSHOT);
  REMOTE (DOMAIN_REVERT_TO_SNAPSHOT, "virDomainRevertToSnapshot",
          VIRGATE_FROM_DOMAIN_SNAPSHOT);
  REMOTE (DOMAIN_CHECKPOINT_DELETE, "virDomainCheckpointDelete",
          VIRGATE_FROM_DOMAIN_CHECKPOINT);
  REMOTE (CONNECT_NUM_OF_STORAGE_POOLS, "virConnectNumOfStoragePools",
          VIRGATE_FROM_STORAGE);
  REMOTE (NODE_NUM_OF_DEVICES, "virNodeNumOfDevices", VIRGATE_FROM_NODEDEV);
  REMOTE (CONNECT_LIST_SECRETS, "virConnectListSecrets",
          VIRGATE_FROM_SECRET);
  REMOTE (CONNECT_GET_VERSION, "virConnectGetVersion", VIRGATE_FROM_DOMAIN);
}

static void
other_programs_have_names_of_their_own (void **state)
{
  expect (VIRGATE_QEMU_PROGRAM, 1, "virDomainQemuMonitorCommand", 0);
  expect (VIRGATE_LXC_PROGRAM, 1, "virDomainLxcOpenNamespace", 0);
}

static void
callbacks_are_named_after_registration (void **state)
{
  REMOTE (CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY,
          "virConnectDomainEventRegisterAny", VIRGATE_FROM_DOMAIN);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (words_are_capitalised),
    cmocka_unit_test (short_forms_are_spelled_as_libvirt_does),
    cmocka_unit_test (domain_is_that_of_the_object),
    cmocka_unit_test (other_programs_have_names_of_their_own),
    cmocka_unit_test (callbacks_are_named_after_registration),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
