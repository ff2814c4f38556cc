/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Looking at definitions and changing them: what the driver's calls do to the
 * tree, seen in what it prints.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "common/cleanup.h"
#include "plugins/driver-test/domain-xml.h"

static struct domain_def *
with (const char *parts)
{
  CLEANUP_FREE char *text = NULL;
  struct xml_error err = { 0 };
  struct domain_def *def;

  assert_true (asprintf (&text, "<domain type='test'><name>n</name>"
                         "<memory>2048</memory><os><type>hvm</type></os>"
                         "%s</domain>", parts) > 0);
  def = domain_def_parse (text, DOMAIN_PARSE_INACTIVE, &err);
  if (def == NULL)
    fail_msg ("%s", err.detail);
  return def;
}

static void
assert_shows (const struct domain_def *def, const char *part)
{
  CLEANUP_FREE char *text = domain_def_format (def, 0);

  if (strstr (text, part) == NULL)
    fail_msg ("%s is not in\n%s", part, text);
}

static void
assert_hides (const struct domain_def *def, const char *part)
{
  CLEANUP_FREE char *text = domain_def_format (def, 0);

  if (strstr (text, part))
    fail_msg ("%s is in\n%s", part, text);
}

static void
new_parts_take_their_place (void **state)
{
  struct domain_def *def = with ("<vcpu>2</vcpu>");

  assert_int_equal (domain_def_set_number (def, "cputune/quota", 5000), 0);
  assert_int_equal (domain_def_set_number (def, "cputune/shares", 1024), 0);
  assert_int_equal (domain_def_set_number (def, "memtune/swap_hard_limit", 9),
                    0);
  assert_int_equal (domain_def_set_text (def, "title", "a & b"), 0);
  assert_shows (def, "  <title>a &amp; b</title>\n"
                "  <memory unit='KiB'>2048</memory>\n"
                "  <currentMemory unit='KiB'>2048</currentMemory>\n"
                "  <memtune>\n"
                "    <swap_hard_limit unit='KiB'>9</swap_hard_limit>\n"
                "  </memtune>\n"
                "  <vcpu placement='static'>2</vcpu>\n"
                "  <cputune>\n"
                "    <shares>1024</shares>\n"
                "    <quota>5000</quota>\n"
                "  </cputune>\n");
  assert_int_equal (domain_def_number (def, "cputune/shares", 7), 1024);
  assert_int_equal (domain_def_number (def, "cputune/period", 7), 7);
  domain_def_free (def);
}

static void
what_is_removed_leaves_nothing_empty (void **state)
{
  struct domain_def *def = with ("<title>t</title><memtune><hard_limit>5"
                                 "</hard_limit></memtune>");

  assert_int_equal (domain_def_set_text (def, "memtune/hard_limit", NULL), 0);
  assert_hides (def, "memtune");
  assert_int_equal (domain_def_set_text (def, "title", NULL), 0);
  assert_hides (def, "title");
  domain_def_free (def);
}

static void
the_balloon_is_never_above_the_total (void **state)
{
  struct domain_def *def = with ("");

  assert_int_equal (domain_def_set_balloon (def, 1000), 0);
  assert_int_equal (domain_def_memory (def), 2048);
  assert_int_equal (domain_def_balloon (def), 1000);
  assert_int_equal (domain_def_set_memory (def, 500), 0);
  assert_int_equal (domain_def_balloon (def), 500);
  assert_shows (def, "<memory unit='KiB'>500</memory>");
  domain_def_free (def);
}

static void
counts_of_vcpus_follow_each_other (void **state)
{
  struct domain_def *def = with ("<vcpu current='1'>4</vcpu>");

  assert_int_equal (domain_def_vcpus_max (def), 4);
  assert_int_equal (domain_def_vcpus (def), 1);
  assert_int_equal (domain_def_set_vcpus (def, 3), 0);
  assert_shows (def, "<vcpu placement='static' current='3'>4</vcpu>");
  assert_true (domain_def_vcpu_is_online (def, 2));
  assert_false (domain_def_vcpu_is_online (def, 3));
  assert_int_equal (domain_def_set_vcpus_max (def, 2), 0);
  assert_int_equal (domain_def_vcpus (def), 2);
  assert_shows (def, "<vcpu placement='static'>2</vcpu>");
  domain_def_free (def);
}

static struct xml_bits
bits (const char *text)
{
  struct xml_bits set;

  assert_int_equal (xml_bits_parse (text, &set), 0);
  return set;
}

static void
pins_are_set_moved_and_removed (void **state)
{
  struct domain_def *def = with ("<vcpu>3</vcpu>");
  struct xml_bits set = bits ("0-2,5"), got, none = { { 0 } };

  assert_false (domain_def_vcpu_pin (def, 1, &got));
  assert_int_equal (domain_def_set_vcpu_pin (def, 1, &set), 0);
  assert_int_equal (domain_def_set_emulator_pin (def, &set), 0);
  set = bits ("7");
  assert_int_equal (domain_def_set_vcpu_pin (def, 0, &set), 0);
  assert_shows (def, "  <cputune>\n"
                "    <vcpupin vcpu='0' cpuset='7'/>\n"
                "    <vcpupin vcpu='1' cpuset='0-2,5'/>\n"
                "    <emulatorpin cpuset='0-2,5'/>\n"
                "  </cputune>\n");
  assert_true (domain_def_vcpu_pin (def, 1, &got));
  assert_true (xml_bits_has (&got, 5));
  assert_false (xml_bits_has (&got, 4));
  for (unsigned vcpu = 0; vcpu < 2; vcpu++)
    assert_int_equal (domain_def_set_vcpu_pin (def, vcpu, &none), 0);
  assert_int_equal (domain_def_set_emulator_pin (def, &none), 0);
  assert_hides (def, "cputune");
  domain_def_free (def);
}

static void
iothreads_come_and_go_with_their_pins (void **state)
{
  struct domain_def *def = with ("<iothreads>1</iothreads>");
  struct xml_bits set = bits ("1"), got;

  assert_hides (def, "iothreadids");
  assert_non_null (domain_def_iothread (def, 1));
  assert_int_equal (domain_def_add_iothread (def, 4), 0);
  assert_int_equal (domain_def_set_iothread_pin (def, 4, &set), 0);
  assert_shows (def, "<iothreads>2</iothreads>\n  <iothreadids>\n"
                "    <iothread id='1'/>\n    <iothread id='4'/>\n"
                "  </iothreadids>\n");
  assert_shows (def, "<iothreadpin iothread='4' cpuset='1'/>");
  assert_int_equal (domain_def_remove_iothread (def, 4), 0);
  assert_null (domain_def_iothread (def, 4));
  assert_false (domain_def_iothread_pin (def, 4, &got));
  assert_shows (def, "<iothreads>1</iothreads>");
  domain_def_free (def);
}

static void
devices_are_found_by_their_names (void **state)
{
  struct domain_def *def =
    with ("<devices><disk type='file'><source file='/a'/><target dev='vda'/>"
          "</disk><disk type='block'><source dev='/dev/b'/><target dev='vdb'/>"
          "</disk><interface type='user'><mac address='52:54:00:00:00:01'/>"
          "<target dev='mine'/></interface><interface type='user'/>"
          "</devices>");
  const struct xml_node *disk = domain_def_devices (def, "disk");
  const struct xml_node *net = domain_def_interface (def, "mine");

  assert_string_equal (domain_disk_target (disk), "vda");
  assert_string_equal (domain_disk_source (disk), "/a");
  assert_string_equal (domain_disk_source (xml_next (disk)), "/dev/b");
  assert_non_null (net);
  assert_ptr_equal (domain_def_interface (def, "52:54:00:00:00:01"), net);
  assert_null (domain_def_interface (def, "testnet0"));
  assert_int_equal (domain_def_name_interfaces (def), 0);
  assert_non_null (domain_def_interface (def, "testnet0"));
  domain_def_free (def);
}

static void
metadata_is_kept_by_namespace (void **state)
{
  struct domain_def *def = with ("");
  struct xml_error err = { 0 };
  CLEANUP_FREE char *text = NULL;

  assert_null (domain_def_metadata (def, "http://a"));
  assert_int_equal (domain_def_set_metadata (def, "http://a", "k",
                                             "<note level='1'>x</note>",
                                             &err), 0);
  assert_shows (def, "  <metadata>\n"
                "    <k:note xmlns:k=\"http://a\" level=\"1\">x</k:note>\n"
                "  </metadata>\n");
  text = domain_def_metadata (def, "http://a");
  assert_string_equal (text, "<note level=\"1\">x</note>");
  assert_int_equal (domain_def_set_metadata (def, "http://a", "k", "<broken",
                                             &err), -1);
  assert_int_not_equal (err.code, 0);
  xml_error_clear (&err);
  assert_int_equal (domain_def_set_metadata (def, "http://a", NULL, NULL,
                                             &err), 0);
  assert_null (domain_def_metadata (def, "http://a"));
  domain_def_free (def);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (new_parts_take_their_place),
    cmocka_unit_test (what_is_removed_leaves_nothing_empty),
    cmocka_unit_test (the_balloon_is_never_above_the_total),
    cmocka_unit_test (counts_of_vcpus_follow_each_other),
    cmocka_unit_test (pins_are_set_moved_and_removed),
    cmocka_unit_test (iothreads_come_and_go_with_their_pins),
    cmocka_unit_test (devices_are_found_by_their_names),
    cmocka_unit_test (metadata_is_kept_by_namespace),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
