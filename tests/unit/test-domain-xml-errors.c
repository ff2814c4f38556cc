/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is refused, and in which words: codes, domains and texts are those of
 * libvirtd 9.0.0.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "common/cleanup.h"
#include "plugins/driver-test/domain-xml.h"

struct refusal {
  const char *text;
  int code;
  int domain;
  const char *detail;
};

static const struct refusal documents[] = {
  { "<domain/>",
    VIRGATE_ERR_NO_NAME, VIRGATE_FROM_DOMAIN,
    NULL },
  { "<domain type='qemu'/>",
    VIRGATE_ERR_NO_NAME, VIRGATE_FROM_DOMAIN,
    NULL },
  { "<domain type='odd'/>",
    VIRGATE_ERR_NO_NAME, VIRGATE_FROM_DOMAIN,
    NULL },
  { "<domain type='test'/>",
    VIRGATE_ERR_NO_NAME, VIRGATE_FROM_DOMAIN,
    NULL },
  { "<domain type='test'><name>a/b</name></domain>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_DOMAIN,
    "an os <type> must be specified" },
  { "<domain type='test'><name>a</name></domain>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_DOMAIN,
    "an os <type> must be specified" },
  { "<domain type='test'><name>a</name><memory>1</memory></domain>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_DOMAIN,
    "an os <type> must be specified" },
  { "<domain type='test'><name>a</name><memory>1</memory><os/></domain>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_DOMAIN,
    "an os <type> must be specified" },
  { "<domain type='test'><name>a</name><memory>1</memory><os><type>odd</t"
    "ype></os></domain>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_DOMAIN,
    "unknown OS type 'odd'" },
  { "<domain type='test'><name>a</name><memory>1</memory><os><type "
    "arch='vax'>hvm</type></os></domain>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_DOMAIN,
    "Unknown architecture vax" },
  { "<network/>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "expecting root element of 'domain', not 'network'" },
};

static const struct refusal parts[] = {
  { "<vcpu>many</vcpu>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_DOMAIN,
    "maximum vcpus count must be an integer" },
  { "<vcpu/>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_DOMAIN,
    "maximum vcpus count must be an integer" },
  { "<vcpu>0</vcpu>",
    VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_DOMAIN,
    "CPU IDs in <numa> exceed the <vcpu> count" },
  { "<vcpu current='3'>2</vcpu>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_DOMAIN,
    "maximum vCPU count must not be less than current vCPU count" },
  { "<clock offset='sideways'/>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_DOMAIN,
    "unknown clock offset 'sideways'" },
  { "<on_crash>explode</on_crash>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_DOMAIN,
    "unknown on_crash action: explode" },
  { "<currentMemory unit='parsec'>1</currentMemory>",
    VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_NONE,
    "unknown suffix 'parsec'" },
  { "<uuid>short</uuid>",
    VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_DOMAIN,
    "malformed uuid element" },
  { "<memtune><hard_limit>x</hard_limit></memtune>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value 'x' for element or attribute './memtune/hard_limit[1]'" },
  { "<cputune><shares>1</shares></cputune>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_DOMAIN,
    "Value of cputune 'shares' must be in range [2, 262144]" },
  { "<cputune><vcpupin vcpu='0'/></cputune>",
    VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_DOMAIN,
    "missing cpuset for vcpupin" },
  { "<cputune><vcpupin vcpu='0' cpuset='z'/></cputune>",
    VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_NONE,
    "Failed to parse bitmap 'z'" },
  { "<cputune><iothreadpin iothread='1' cpuset='0'/></cputune>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_DOMAIN,
    "Cannot find 'iothread' : 1" },
  { "<numatune><memory mode='strict'/></numatune>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_DOMAIN,
    "nodeset for NUMA memory tuning must be set if 'placement' is "
    "'static'" },
  { "<features><gic version='9'/></features>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value for attribute 'version' in element 'gic': '9'." },
  { "<features><apic eoi='perhaps'/></features>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value for attribute 'eoi' in element 'apic': 'perhaps'." },
  { "<cpu mode='odd'/>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_CPU,
    "Invalid mode attribute 'odd'" },
  { "<cpu><topology sockets='0' cores='1' threads='1'/></cpu>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value for attribute 'sockets' in element 'topology': Zero "
    "is not permitted" },
  { "<cpu><feature name='vmx'/></cpu>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_CPU,
    "Non-empty feature list specified without CPU model" },
  { "<iothreadids><iothread id='0'/></iothreadids>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value for attribute 'id' in element 'iothread': Zero is not "
    "permitted" },
  { "<idmap><uid start='5' target='1' count='1'/></idmap>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_DOMAIN,
    "uid and gid should be mapped both" },
  { "<perf><event name='odd' enabled='yes'/></perf>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value for attribute 'name' in element 'event': 'odd'." },
  { "<sysinfo type='odd'/>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value for attribute 'type' in element 'sysinfo': 'odd'." },
  { "<seclabel type='odd'/>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value for attribute 'type' in element 'seclabel': 'odd'." },
  { "<devices><disk type='odd'/></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value for attribute 'type' in element 'disk': 'odd'." },
  { "<devices><disk type='file'><source file='/a'/></disk></devices>",
    VIRGATE_ERR_NO_TARGET, VIRGATE_FROM_DOMAIN,
    "/a" },
  { "<devices><disk type='file'><target dev='zz'/></disk></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_DOMAIN,
    "Unknown disk name 'zz' and no address specified" },
  { "<devices><disk type='network'><source protocol='odd'/><target "
    "dev='vda'/></disk></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value for attribute 'protocol' in element 'source': 'odd'." },
  { "<devices><disk type='file'><source file='/a'/><target "
    "dev='vda'/></disk><disk type='file'><source file='/b'/><target "
    "dev='vda'/></disk></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_DOMAIN,
    "target 'vda' duplicated for disk sources '/a' and '/b'" },
  { "<devices><interface type='bridge'/></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_DOMAIN,
    "interface type='bridge' requires a 'source' element" },
  { "<devices><interface type='user'><mac "
    "address='01:00:00:00:00:00'/></interface></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_DOMAIN,
    "expected unicast mac address, found multicast '01:00:00:00:00:00'" },
  { "<devices><interface type='user'><mac "
    "address='x'/></interface></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_DOMAIN,
    "unable to parse mac address 'x'" },
  { "<devices><controller type='odd'/></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value for attribute 'type' in element 'controller': 'odd'." },
  { "<devices><serial type='odd'/></devices>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_DOMAIN,
    "unknown type presented to host for character device: odd" },
  { "<devices><serial type='file'/></devices>",
    VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_DOMAIN,
    "Missing source path attribute for char device" },
  { "<devices><channel type='pty'/></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_DOMAIN,
    "target type must be specified for channel device" },
  { "<devices><graphics type='odd'/></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value for attribute 'type' in element 'graphics': 'odd'." },
  { "<devices><graphics type='vnc' port='x'/></devices>",
    VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_DOMAIN,
    "cannot parse vnc port x" },
  { "<devices><video><model type='odd'/></video></devices>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_DOMAIN,
    "unknown video model 'odd'" },
  { "<devices><hostdev mode='odd'/></devices>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_DOMAIN,
    "unknown hostdev mode 'odd'" },
  { "<devices><sound model='odd'/></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value for attribute 'model' in element 'sound': 'odd'." },
  { "<devices><watchdog model='odd'/></devices>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_DOMAIN,
    "unknown watchdog model 'odd'" },
  { "<devices><rng model='virtio'/></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_DOMAIN,
    "only one RNG backend is supported" },
  { "<devices><tpm model='tpm-tis'/></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_DOMAIN,
    "missing TPM device backend" },
  { "<devices><input type='odd'/></devices>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_DOMAIN,
    "unknown input device type 'odd'" },
  { "<devices><memballoon model='odd'/></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value for attribute 'model' in element 'memballoon': 'odd'." },
  { "<devices><filesystem type='mount'><source "
    "dir='/a'/></filesystem></devices>",
    VIRGATE_ERR_NO_TARGET, VIRGATE_FROM_DOMAIN,
    "/a" },
  { "<devices><interface type='network'><source "
    "network='n'/><bandwidth><inbound "
    "average='x'/></bandwidth></interface></devices>",
    VIRGATE_ERR_CONFIG_UNSUPPORTED, VIRGATE_FROM_NONE,
    "could not convert bandwidth average value 'x'" },
  { "<devices><disk type='file'><target dev='sda' bus='scsi'/><address "
    "type='drive' unit='x'/></disk></devices>",
    VIRGATE_ERR_XML_ERROR, VIRGATE_FROM_XML,
    "Invalid value for attribute 'unit' in element 'address': 'x'. "
    "Expected non-negative integer value" },
};

static void
assert_refused (const char *text, const struct refusal *refusal)
{
  struct xml_error err = { 0 };
  struct domain_def *def = domain_def_parse (text, DOMAIN_PARSE_INACTIVE,
                                             &err);

  if (def != NULL)
    fail_msg ("accepted: %s", refusal->text);
  if (err.code != refusal->code || err.domain != refusal->domain
      || (err.detail == NULL) != (refusal->detail == NULL))
    fail_msg ("%s: %d %d %s", refusal->text, err.code, err.domain,
              err.detail);
  if (refusal->detail)
    assert_string_equal (err.detail, refusal->detail);
  xml_error_clear (&err);
}

static void
refuses_documents_in_the_usual_words (void **state)
{
  for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++)
    assert_refused (documents[i].text, &documents[i]);
}

static void
refuses_parts_in_the_usual_words (void **state)
{
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    CLEANUP_FREE char *text = NULL;

    assert_true (asprintf (&text, "<domain type='test'><name>n</name>"
                           "<memory>1</memory><os><type>hvm</type></os>"
                           "%s</domain>", parts[i].text) > 0);
    assert_refused (text, &parts[i]);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (refuses_documents_in_the_usual_words),
    cmocka_unit_test (refuses_parts_in_the_usual_words),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
