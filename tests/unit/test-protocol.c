/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Looking procedures up, and what the tables say of some whose facts are
 * well known.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <virgate/admin.h>
#include <virgate/lxc.h>
#include <virgate/qemu.h>
#include <virgate/remote.h>

#include "protocol/keepalive.h"
#include "protocol/table.h"

#define ROW(proc)                                                       \
  proc_find (VIRGATE_REMOTE_PROGRAM, VIRGATE_REMOTE_PROC_##proc)

static void
programs_have_libvirts_numbers (void **state)
{
  assert_int_equal (VIRGATE_REMOTE_PROGRAM, 0x20008086);
  assert_int_equal (VIRGATE_QEMU_PROGRAM, 0x20008087);
  assert_int_equal (VIRGATE_LXC_PROGRAM, 0x00068000);
  assert_int_equal (VIRGATE_ADMIN_PROGRAM, 0x06900690);
  assert_int_equal (VIRGATE_KEEPALIVE_PROGRAM, 0x6b656570);
  assert_int_equal (proc_program_find (VIRGATE_REMOTE_PROGRAM)->count, 453);
  assert_null (proc_program_find (0x20008088));
}

static void
numbers_outside_the_table_are_unknown (void **state)
{
  assert_string_equal (proc_find (VIRGATE_REMOTE_PROGRAM, 1)->name,
                       "connect_open");
  assert_string_equal (proc_find (VIRGATE_REMOTE_PROGRAM, 453)->name,
                       "domain_event_nic_mac_change");
  assert_null (proc_find (VIRGATE_REMOTE_PROGRAM, 0));
  assert_null (proc_find (VIRGATE_REMOTE_PROGRAM, -1));
  assert_null (proc_find (VIRGATE_REMOTE_PROGRAM, INT32_MIN));
  assert_null (proc_find (VIRGATE_REMOTE_PROGRAM, 454));
  assert_null (proc_find (VIRGATE_REMOTE_PROGRAM, INT32_MAX));
  assert_null (proc_find (VIRGATE_KEEPALIVE_PROGRAM, 3));
  assert_null (proc_find (0, 1));
}

static void
every_row_is_found_by_number_and_name (void **state)
{
  for (size_t i = 0; i < proc_program_count; i++)
    for (uint32_t k = 0; k < proc_programs[i].count; k++) {
      const struct proc_row *row = &proc_programs[i].rows[k];
      const struct proc_program *program = NULL;
      char name[128];

      snprintf (name, sizeof name, "%s.%s", proc_programs[i].name, row->name);
      assert_ptr_equal (proc_find (proc_programs[i].number, row->number),
                        row);
      assert_ptr_equal (proc_find_name (name, &program), row);
      assert_ptr_equal (program, &proc_programs[i]);
      assert_true (row->permission_count <= PROC_PERMISSIONS_MAX);
    }
}

static void
plain_names_are_the_remote_programs_first (void **state)
{
  assert_ptr_equal (proc_find_name ("connect_open", NULL),
                    ROW (CONNECT_OPEN));
  assert_ptr_equal (proc_find_name ("domain_attach", NULL),
                    proc_find (VIRGATE_QEMU_PROGRAM, 2));
  assert_ptr_equal (proc_find_name ("admin.connect_open", NULL),
                    proc_find (VIRGATE_ADMIN_PROGRAM, 1));
  assert_null (proc_find_name ("connect_opener", NULL));
  assert_null (proc_find_name ("rem.connect_open", NULL));
  assert_null (proc_find_name ("", NULL));
}

/* Flags set in FLAGS occur exactly in the rows listed, ended by 0. */
static void
only_these_have (uint32_t program, uint32_t flags, const int32_t *numbers)
{
  const struct proc_program *p = proc_program_find (program);

  for (uint32_t i = 0; i < p->count; i++) {
    bool expected = *numbers == p->rows[i].number;

    assert_int_equal ((p->rows[i].flags & flags) != 0, expected);
    if (expected)
      numbers++;
  }
  assert_int_equal (*numbers, 0);
}

static void
few_procedures_need_no_authentication (void **state)
{
  only_these_have (VIRGATE_REMOTE_PROGRAM, PROC_NO_AUTH,
                   (const int32_t[]) { 66, 67, 68, 69, 70, 0 });
  only_these_have (VIRGATE_QEMU_PROGRAM, PROC_NO_AUTH,
                   (const int32_t[]) { 0 });
}

static void
these_procedures_open_streams (void **state)
{
  only_these_have (VIRGATE_REMOTE_PROGRAM, PROC_STREAM,
                   (const int32_t[]) { 148, 201, 208, 209, 211, 215, 296,
                                       304, 0 });
  only_these_have (VIRGATE_REMOTE_PROGRAM, PROC_STREAM_SPARSE,
                   (const int32_t[]) { 208, 209, 0 });
}

static void
these_procedures_pass_descriptors (void **state)
{
  only_these_have (VIRGATE_REMOTE_PROGRAM, PROC_FDS_IN,
                   (const int32_t[]) { 249, 309, 310, 443, 0 });
  only_these_have (VIRGATE_REMOTE_PROGRAM, PROC_FDS_OUT,
                   (const int32_t[]) { 343, 0 });
  only_these_have (VIRGATE_QEMU_PROGRAM, PROC_FDS_IN | PROC_FDS_OUT,
                   (const int32_t[]) { 7, 0 });
  only_these_have (VIRGATE_LXC_PROGRAM, PROC_FDS_OUT,
                   (const int32_t[]) { 1, 0 });
}

static void
these_procedures_carry_secrets (void **state)
{
  only_these_have (VIRGATE_REMOTE_PROGRAM, PROC_SECRET,
                   (const int32_t[]) { 68, 69, 144, 145, 357, 439, 0 });
}

static void
events_are_never_called (void **state)
{
  assert_int_equal (ROW (DOMAIN_EVENT_LIFECYCLE)->flags, PROC_EVENT);
  assert_non_null (ROW (DOMAIN_EVENT_LIFECYCLE)->args);
  assert_null (ROW (DOMAIN_EVENT_LIFECYCLE)->ret);
  assert_false (ROW (DOMAIN_GET_INFO)->flags & PROC_EVENT);
}

static void
permissions_depend_on_flags (void **state)
{
  struct virgate_remote_domain_get_xml_desc_args xml = { .flags = 0 };
  struct virgate_remote_domain_attach_device_flags_args attach = { 0 };
  struct virgate_permission needs[PROC_PERMISSIONS_MAX];

  assert_int_equal (proc_needs (ROW (DOMAIN_GET_XML_DESC), &xml, needs), 1);
  assert_string_equal (needs[0].object, "domain");
  assert_string_equal (needs[0].permission, "read");
  xml.flags = 1;                /* VIR_DOMAIN_XML_SECURE */
  assert_int_equal (proc_needs (ROW (DOMAIN_GET_XML_DESC), &xml, needs), 2);
  assert_string_equal (needs[1].permission, "read_secure");
  xml.flags = 2;                /* inactive */
  assert_int_equal (proc_needs (ROW (DOMAIN_GET_XML_DESC), &xml, needs), 1);

  /* neither live nor config, config, live */
  assert_int_equal (proc_needs (ROW (DOMAIN_ATTACH_DEVICE_FLAGS), &attach,
                                needs), 2);
  attach.flags = 2;
  assert_int_equal (proc_needs (ROW (DOMAIN_ATTACH_DEVICE_FLAGS), &attach,
                                needs), 2);
  assert_string_equal (needs[1].permission, "save");
  attach.flags = 1;
  assert_int_equal (proc_needs (ROW (DOMAIN_ATTACH_DEVICE_FLAGS), &attach,
                                needs), 1);
  assert_int_equal (proc_needs (ROW (AUTH_LIST), NULL, needs), 0);
}

static void
read_only_connections_are_denied_writes_and_secrets (void **state)
{
  struct virgate_remote_domain_get_xml_desc_args xml = { .flags = 0 };
  struct virgate_remote_domain_interface_addresses_args addresses = { 0 };

  assert_true (proc_is_denied_read_only (ROW (DOMAIN_DESTROY), NULL));
  assert_false (proc_is_denied_read_only (ROW (DOMAIN_GET_INFO), NULL));
  assert_false (proc_is_denied_read_only (ROW (DOMAIN_GET_XML_DESC), &xml));
  xml.flags = 8;                /* VIR_DOMAIN_XML_MIGRATABLE */
  assert_true (proc_is_denied_read_only (ROW (DOMAIN_GET_XML_DESC), &xml));
  assert_false (proc_is_denied_read_only (ROW (DOMAIN_INTERFACE_ADDRESSES),
                                          &addresses));
  addresses.source = 1;         /* the guest agent is asked */
  assert_true (proc_is_denied_read_only (ROW (DOMAIN_INTERFACE_ADDRESSES),
                                         &addresses));
  addresses.source = 3;         /* a number, not bits */
  assert_false (proc_is_denied_read_only (ROW (DOMAIN_INTERFACE_ADDRESSES),
                                          &addresses));
}

static void
permissions_are_numbered (void **state)
{
  for (size_t i = 0; i < proc_permission_count; i++)
    assert_int_equal (proc_permissions[i].id, i);
}

static void
lists_say_what_filters_their_rows (void **state)
{
  assert_string_equal (ROW (CONNECT_LIST_ALL_DOMAINS)->filter->pair.object,
                       "domain");
  assert_string_equal (ROW (CONNECT_LIST_ALL_DOMAINS)->filter->pair.permission,
                       "getattr");
  assert_null (ROW (DOMAIN_GET_INFO)->filter);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (programs_have_libvirts_numbers),
    cmocka_unit_test (numbers_outside_the_table_are_unknown),
    cmocka_unit_test (every_row_is_found_by_number_and_name),
    cmocka_unit_test (plain_names_are_the_remote_programs_first),
    cmocka_unit_test (few_procedures_need_no_authentication),
    cmocka_unit_test (these_procedures_open_streams),
    cmocka_unit_test (these_procedures_pass_descriptors),
    cmocka_unit_test (these_procedures_carry_secrets),
    cmocka_unit_test (events_are_never_called),
    cmocka_unit_test (permissions_depend_on_flags),
    cmocka_unit_test (read_only_connections_are_denied_writes_and_secrets),
    cmocka_unit_test (permissions_are_numbered),
    cmocka_unit_test (lists_say_what_filters_their_rows),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
