/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names and uuids that libvirt would read in descriptions, and descriptions
 * in which nobody should trust himself to read any.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/describe.h"
#include "unit.h"

#define UUID "00112233-4455-6677-8899-aabbccddeeff"

static const uint8_t uuid[16] = {
  0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
  0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
};

static const struct {
  const char *kind, *xml, *name;
  bool has_uuid;
} clear[] = {
  { "domain", "<domain><name>web</name></domain>", "web", false },
  { "domain", "\n<domain type='x'><uuid>" UUID "</uuid><name>web</name>"
              "<devices><disk><name>b</name></disk></devices></domain>",
    "web", true },
  { "domain", "<domain><uuid> 00112233445566778899AABBCCDDEEFF\n</uuid>"
              "</domain>", "", true },
  { "domain", "<domain><uuid>0011-22 33-4455-6677-8899-aabb-ccdd-eeff</uuid>"
              "<name>a</name></domain>", "a", true },
  { "domain", "<domain><name>a<!-- b -->c<![CDATA[d]]>&lt;&#101;</name>"
              "</domain>", "acd<e", false },
  { "domain", "<domain><name> a </name></domain>", " a ", false },
  { "domain", "<domain><name/><uuid/></domain>", "", false },
  { "domain", "<domain xmlns:q='urn:q'><q:name>b</q:name><name>a</name>"
              "</domain>", "a", false },
  { "domain", "<domain xmlns='urn:q'><name>b</name></domain>", "", false },
  { "domain", "<q:domain xmlns:q='urn:q'><name>a</name></q:domain>", "a",
    false },
  { "domain", "<domain><name>a</name><sysinfo><system><entry name='serial'>"
              "1</entry><entry name='uuid'/></system></sysinfo></domain>",
    "a", false },
  { "domain", "<domain><name>a</name><uuid>" UUID "</uuid><sysinfo><system>"
              "<entry name='uuid'>" UUID "</entry></system></sysinfo>"
              "</domain>", "a", true },
  { "domain", "<?xml version='1.0' encoding='utf-8'?>"
              "<domain><name>\xc3\xa9</name></domain>", "\xc3\xa9", false },
  { "network", "<network><name>n</name><uuid>" UUID "</uuid><bridge "
               "name='b'/></network>", "n", true },
  { "network_port", "<networkport><uuid>" UUID "</uuid><owner><name>x</name>"
                    "</owner></networkport>", "", true },
  { "interface", "<interface name='eth0'><bridge><interface name='eth1'/>"
                 "</bridge></interface>", "eth0", false },
  { "nwfilter", "<filter name='f&lt;' chain='ipv4'><uuid>" UUID "</uuid>"
                "<filterref filter='g'/></filter>", "f<", true },
  { "nwfilter_binding", "<filterbinding><owner><name>x</name></owner>"
                        "<portdev name='vnet0'/></filterbinding>", "vnet0",
    false },
  { "storage_pool", "<pool type='dir'><source><name>s</name></source>"
                    "<name>p</name></pool>", "p", false },
  { "storage_vol", "<volume><name>v</name><key>/x</key></volume>", "v",
    false },
  { "secret", "<secret><uuid>" UUID "</uuid><usage type='volume'><volume>/v"
              "</volume></usage></secret>", "/v", true },
  { "secret", "<secret><usage type='ceph'><name>c</name></usage></secret>",
    "c", false },
  { "secret", "<secret><description>d</description></secret>", "", false },
};

static void
clear_ones_are_read (void **state)
{
  static struct description got;

  for (size_t i = 0; i < sizeof clear / sizeof clear[0]; i++) {
    if (describe (clear[i].kind, clear[i].xml, &got) == -1)
      fail_msg ("not read: %s", clear[i].xml);
    if (strcmp (got.name, clear[i].name) != 0
        || got.has_uuid != clear[i].has_uuid
        || (got.has_uuid && memcmp (got.uuid, uuid, 16) != 0))
      fail_msg ("'%s' in %s", got.name, clear[i].xml);
  }
}

static const struct {
  const char *kind, *xml;
} unclear[] = {
  { "domain", "" },
  { "domain", "nothing" },
  { "domain", "<domain><name>a</name>" },
  { "domain", "<domain><name>a</name></domain><domain/>" },
  { "domain", "<network><name>a</name></network>" },
  { "domain", "<a><domain><name>a</name></domain></a>" },
  { "node_device", "<device><name>a</name></device>" },
  { "nonsense", "<nonsense/>" },
  /* twice */
  { "domain", "<domain><name>a</name><name>b</name></domain>" },
  { "domain", "<domain><name>a</name><uuid>" UUID "</uuid><uuid>" UUID
              "</uuid></domain>" },
  { "domain", "<domain><name>a</name><uuid>" UUID "</uuid><sysinfo><system>"
              "<entry name='uuid'>10112233-4455-6677-8899-aabbccddeeff"
              "</entry></system></sysinfo></domain>" },
  /* the first is empty, and libvirt goes by what stands elsewhere */
  { "domain", "<domain><name/><name>a</name></domain>" },
  { "domain", "<domain><name>a</name><uuid/><uuid>" UUID "</uuid></domain>" },
  { "storage_pool", "<pool type='logical'><name/><name>a</name><source>"
                    "<name>b</name></source></pool>" },
  /* which of these counts is hard to tell */
  { "domain", "<domain><name>a</name><sysinfo type='smbios'><system><entry "
              "name='uuid'>" UUID "</entry></system></sysinfo></domain>" },
  { "nwfilter_binding", "<filterbinding><portdev name='a'/><portdev name='b'/>"
                        "</filterbinding>" },
  { "secret", "<secret><usage type='ceph'><name>a</name><volume>b</volume>"
              "</usage></secret>" },
  { "secret", "<secret><usage type='none'><name>a</name></usage></secret>" },
  { "secret", "<secret><usage type='none'/><usage type='ceph'><name>a</name>"
              "</usage></secret>" },
  /* in elements */
  { "domain", "<domain><name>a<b>c</b></name></domain>" },
  /* uuids */
  { "domain", "<domain><uuid>x</uuid></domain>" },
  { "domain", "<domain><uuid>" UUID "00</uuid></domain>" },
  { "domain", "<domain><uuid>00112233</uuid></domain>" },
  { "domain", "<domain><uuid>0-0112233-4455-6677-8899-aabbccddeeff</uuid>"
              "</domain>" },
  /* declarations, entities */
  { "domain", "<!DOCTYPE domain><domain><name>a</name></domain>" },
  { "domain", "<!DOCTYPE d [<!ENTITY e 'b'>]><domain><name>&e;</name>"
              "</domain>" },
  { "domain", "<!DOCTYPE d SYSTEM 'file:///etc/passwd'><domain><name>a"
              "</name></domain>" },
  { "domain", "<domain><name>&e;</name></domain>" },
  { "interface", "<interface name='a&amp;b'/>" },
  /* encodings */
  { "domain", "<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>a"
              "</name></domain>" },
  { "domain", "<?xml version='1.0' encoding='UTF-7'?><domain><name>a"
              "</name></domain>" },
  { "domain", "<domain><name>\xff</name></domain>" },
  { "domain", "\x4c\x6f\xa7\x94" },
};

static void
unclear_ones_are_not (void **state)
{
  static struct description got;

  for (size_t i = 0; i < sizeof unclear / sizeof unclear[0]; i++)
    if (describe (unclear[i].kind, unclear[i].xml, &got) == 0)
      fail_msg ("read as '%s': %s", got.name, unclear[i].xml);
}

/* "<domain><name>aaa...", then FILLED times what fills it. */
static char *
long_text (const char *filling, size_t count, const char *name)
{
  char *text = NULL;
  size_t len;
  FILE *out = open_memstream (&text, &len);

  assert_non_null (out);
  fputs ("<domain><name>", out);
  fputs (name, out);
  fputs ("</name>", out);
  for (size_t i = 0; i < count; i++)
    fputs (filling, out);
  fputs ("</domain>", out);
  fclose (out);
  return text;
}

static void
check_long (const char *filling, size_t count, const char *name, int result)
{
  static struct description got;
  char *text = long_text (filling, count, name);

  assert_int_equal (describe ("domain", text, &got), result);
  if (result == 0)
    assert_string_equal (got.name, name);
  free (text);
}

static void
limits_hold (void **state)
{
  static char name[DESCRIBE_NAME_MAX + 1];

  check_long ("<a/>", DESCRIBE_XML_MAX / 8, "web", 0);
  check_long ("<a/>", DESCRIBE_XML_MAX / 4, "web", -1);
  check_long ("<a>", 100000, "web", -1);
  memset (name, 'a', DESCRIBE_NAME_MAX - 1);
  check_long ("", 0, name, 0);
  name[DESCRIBE_NAME_MAX - 1] = 'a';
  check_long ("", 0, name, -1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (clear_ones_are_read),
    cmocka_unit_test (unclear_ones_are_not),
    cmocka_unit_test (limits_hold),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
