/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions in, canonical definitions out: for each NAME.in.xml of the data
 * directory, NAME.out.xml is what libvirtd 9.0.0 prints, byte for byte.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "common/cleanup.h"
#include "plugins/driver-test/domain-xml.h"

#define FILE_MAX 65536

/* The first ones libvirtd changes again when it reads what it printed: ports
 * of virtio consoles count from 0, disks are sorted by target. */
enum { UNSTABLE = 2 };

static const char *const names[] = {
  "characters", "disks",
  "container", "displays", "minimal", "networks", "others", "platform", "text",
  "tuning"
};

#define HEAD(attrs)                                                     \
  "<domain type='test'" attrs ">\n  <name>n</name>\n"                   \
  "  <uuid>0a1b2c3d-1111-4222-8333-444455556666</uuid>\n"
#define SYSTEM                                                          \
  "  <memory unit='KiB'>1</memory>\n"                                   \
  "  <currentMemory unit='KiB'>1</currentMemory>\n"                     \
  "  <vcpu placement='static'>1</vcpu>\n"                               \
  "  <os>\n    <type arch='i686'>hvm</type>\n"                          \
  "    <boot dev='hd'/>\n  </os>\n"                                     \
  "  <clock offset='utc'/>\n"                                           \
  "  <on_poweroff>destroy</on_poweroff>\n"                              \
  "  <on_reboot>restart</on_reboot>\n"                                  \
  "  <on_crash>destroy</on_crash>\n"
#define PLAIN(attrs)                                                    \
  HEAD (attrs) SYSTEM "  <devices>\n  </devices>\n</domain>\n"

static char *
contents (const char *name, const char *kind)
{
  CLEANUP_FREE char *path = NULL;
  char *text = calloc (1, FILE_MAX);
  FILE *file;

  assert_true (asprintf (&path, "%s/%s.%s.xml", DATA_DIR, name, kind) > 0);
  file = fopen (path, "r");
  if (file == NULL)
    fail_msg ("cannot open %s", path);
  assert_in_range (fread (text, 1, FILE_MAX, file), 1, FILE_MAX - 1);
  fclose (file);
  return text;
}

static struct domain_def *
parsed (const char *text, unsigned flags)
{
  struct xml_error err = { 0 };
  struct domain_def *def = domain_def_parse (text, flags, &err);

  if (def == NULL)
    fail_msg ("%d: %s\n%s", err.code, err.detail, text);
  assert_int_equal (err.code, 0);
  return def;
}

static void
assert_prints (const struct domain_def *def, unsigned flags,
               const char *expected)
{
  CLEANUP_FREE char *text = domain_def_format (def, flags);

  assert_string_equal (text, expected);
}

static void
prints_what_it_read_as_libvirt_does (void **state)
{
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    CLEANUP_FREE char *in = contents (names[i], "in");
    CLEANUP_FREE char *out = contents (names[i], "out");
    struct domain_def *def = parsed (in, DOMAIN_PARSE_INACTIVE);

    assert_int_equal (domain_def_name_interfaces (def), 0);
    assert_prints (def, 0, out);
    domain_def_free (def);
  }
}

static void
what_it_prints_reads_and_prints_the_same (void **state)
{
  for (size_t i = UNSTABLE; i < sizeof names / sizeof names[0]; i++) {
    CLEANUP_FREE char *out = contents (names[i], "out");
    struct domain_def *def = parsed (out, DOMAIN_PARSE_INACTIVE);

    assert_prints (def, 0, out);
    domain_def_free (def);
  }
}

static void
a_copy_prints_the_same_and_is_its_own (void **state)
{
  for (size_t i = UNSTABLE; i < sizeof names / sizeof names[0]; i++) {
    CLEANUP_FREE char *out = contents (names[i], "out");
    struct domain_def *def = parsed (out, DOMAIN_PARSE_INACTIVE);
    struct domain_def *copy = domain_def_copy (def);

    domain_def_free (def);
    assert_prints (copy, 0, out);
    domain_def_free (copy);
  }
}

static void
shows_passwords_only_if_asked (void **state)
{
  CLEANUP_FREE char *in = contents ("displays", "in"), *open = NULL;
  CLEANUP_FREE char *closed = NULL;
  struct domain_def *def = parsed (in, DOMAIN_PARSE_INACTIVE);

  open = domain_def_format (def, DOMAIN_FORMAT_SECURE);
  closed = domain_def_format (def, 0);
  assert_non_null (strstr (open, " passwd='secret'"));
  assert_null (strstr (closed, "secret"));
  domain_def_free (def);
}

static void
shows_older_hosts_what_they_know (void **state)
{
  CLEANUP_FREE char *text = NULL;
  struct domain_def *def =
    parsed (HEAD ("") "<memory>1</memory><os><type>hvm</type></os><devices>"
            "<input type='keyboard' bus='ps2'/>"
            "<graphics type='spice'><listen type='none'/></graphics>"
            "</devices></domain>", DOMAIN_PARSE_INACTIVE);

  text = domain_def_format (def, DOMAIN_FORMAT_MIGRATABLE);
  assert_non_null (strstr (text, "    <graphics type='spice' "
                           "autoport='no'/>\n"));
  assert_null (strstr (text, "keyboard"));
  assert_null (strstr (text, "listen"));
  domain_def_free (def);
}

static void
shows_the_id_of_running_domains_only (void **state)
{
  struct domain_def *def = parsed (PLAIN (" id='7'"), DOMAIN_PARSE_INACTIVE);

  assert_prints (def, 0, PLAIN (""));
  assert_int_equal (domain_def_set_id (def, 42), 0);
  assert_prints (def, 0, PLAIN (" id='42'"));
  assert_prints (def, DOMAIN_FORMAT_INACTIVE, PLAIN (""));
  assert_int_equal (domain_def_set_id (def, -1), 0);
  assert_prints (def, 0, PLAIN (""));
  domain_def_free (def);
}

static void
reads_what_descriptions_of_hosts_say_besides (void **state)
{
  struct domain_def *def =
    parsed ("<domain type='test'"
            " xmlns:t='http://libvirt.org/schemas/domain/test/1.0'>"
            "<name>n</name><memory>1</memory><os><type>hvm</type></os>"
            "<t:runstate>5</t:runstate><t:hasmanagedsave/>"
            "<t:domainsnapshot><name>s</name></t:domainsnapshot>"
            "</domain>", DOMAIN_PARSE_INACTIVE);

  assert_int_equal (def->runtime.runstate, 5);
  assert_false (def->runtime.is_transient);
  assert_true (def->runtime.has_managed_save);
  assert_non_null (def->runtime.snapshots);
  domain_def_free (def);

  def = parsed (PLAIN (""), DOMAIN_PARSE_INACTIVE);
  assert_int_equal (def->runtime.runstate, 1);
  assert_false (def->runtime.is_transient);
  assert_false (def->runtime.has_managed_save);
  assert_null (def->runtime.snapshots);
  domain_def_free (def);
}

static void
makes_up_what_must_be_unique (void **state)
{
  const char *text = "<domain type='test'><name>n</name><memory>1</memory>"
                     "<os><type>hvm</type></os><devices>"
                     "<interface type='user'/></devices></domain>";
  struct domain_def *one = parsed (text, DOMAIN_PARSE_INACTIVE);
  struct domain_def *two = parsed (text, DOMAIN_PARSE_INACTIVE);
  unsigned char uuid_one[16], uuid_two[16];
  const char *mac_one, *mac_two;

  domain_def_uuid (one, uuid_one);
  domain_def_uuid (two, uuid_two);
  assert_memory_not_equal (uuid_one, uuid_two, 16);
  assert_int_equal (uuid_one[6] >> 4, 4);
  assert_int_equal (uuid_one[8] >> 6, 2);
  mac_one = xml_path_attr (domain_def_devices (one, "interface"), "mac",
                           "address");
  mac_two = xml_path_attr (domain_def_devices (two, "interface"), "mac",
                           "address");
  assert_string_not_equal (mac_one, mac_two);
  assert_memory_equal (mac_one, "52:54:00:", 9);
  domain_def_free (one);
  domain_def_free (two);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (prints_what_it_read_as_libvirt_does),
    cmocka_unit_test (what_it_prints_reads_and_prints_the_same),
    cmocka_unit_test (a_copy_prints_the_same_and_is_its_own),
    cmocka_unit_test (shows_passwords_only_if_asked),
    cmocka_unit_test (shows_older_hosts_what_they_know),
    cmocka_unit_test (shows_the_id_of_running_domains_only),
    cmocka_unit_test (reads_what_descriptions_of_hosts_say_besides),
    cmocka_unit_test (makes_up_what_must_be_unique),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
