/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a complete definition must not be: contradictions between its parts
 * that the schema cannot see.  Devices are checked first.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "plugins/driver-test/domain-devices.h"
#include "plugins/driver-test/domain-post.h"

#define APPID_MAX 128
#define MENU_TIMEOUT_MAX 65535
#define SHARES_MIN 2
#define SHARES_MAX 262144
#define PERIOD_MIN 1000
#define PERIOD_MAX 1000000
#define QUOTA_MIN 1000
#define QUOTA_MAX 17592186044415
#define CACHE_LEVEL_MAX 3

#define DETAIL(load, ...)                                               \
  xml_fail ((load)->err, (load)->domain, VIRGATE_ERR_XML_DETAIL, __VA_ARGS__)

static int
check_resource (struct xml_load *load, struct xml_node *root)
{
  const char *appid = xml_path_attr (root, "resource/fibrechannel", "appid");

  if (appid == NULL)
    return 0;
  for (const char *c = appid; *c; c++)
    if (*c < ' ' || *c > '~')
      return xml_wrong (load, "Fibre Channel 'appid' is not a printable "
                        "string");
  if (strlen (appid) > APPID_MAX)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INVALID_ARG,
                     "Fibre Channel 'appid' string length must be between "
                     "[1, %d]", APPID_MAX);
  return 0;
}

static int
check_topology (struct xml_load *load, struct xml_node *root)
{
  static const char *const parts[] = { "sockets", "dies", "cores",
                                       "threads" };
  const struct xml_node *topology = xml_path (root, "cpu/topology");
  unsigned long long product = 1;

  for (size_t i = 0; topology && i < COUNT_OF (parts); i++) {
    product *= xml_number (xml_attr (topology, parts[i]), 1);
    if (product > UINT_MAX)
      return xml_unsupported (load, "cpu topology results in more than %u "
                              "cpus", UINT_MAX);
  }
  return 0;
}

/* The console that mirrors a serial port has the port's alias. */
static int
check_aliases (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *devices = xml_child (root, "devices");
  const struct xml_node *serial = xml_child (devices, "serial");
  const struct xml_node *console = xml_child (devices, "console");
  const struct xml_node *device, *other;
  const char *alias;

  if (serial == NULL || !xml_attr_is (xml_child (console, "target"), "type",
                                      "serial"))
    console = NULL;
  for (device = devices->first; device; device = device->next) {
    alias = xml_path_attr (device, "alias", "name");
    for (other = devices->first; alias && other != device;
         other = other->next)
      if (device != console && other != console
          && xml_attr_is (xml_child (other, "alias"), "name", alias))
        return xml_unsupported (load, "non unique alias detected: %s", alias);
  }
  return 0;
}

static int
check_iommu (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *driver = xml_path (root, "devices/iommu/driver");
  bool remaps = xml_attr_is (driver, "intremap", "on");

  if (remaps && !xml_attr_is (xml_path (root, "features/ioapic"), "driver",
                              "qemu"))
    return xml_unsupported (load, "IOMMU interrupt remapping requires split "
                            "I/O APIC (ioapic driver='qemu')");
  if (xml_attr_is (driver, "eim", "on") && !remaps)
    return xml_unsupported (load, "IOMMU eim requires interrupt remapping to "
                            "be enabled");
  return 0;
}

static int
check_lifecycle (struct xml_load *load, struct xml_node *root)
{
  static const char *const events[] = { "on_poweroff", "on_reboot" };
  const char *action;

  for (size_t i = 0; i < COUNT_OF (events); i++) {
    action = xml_path_text (root, events[i]);
    if (strncmp (action, "coredump-", 9) == 0)
      return xml_unsupported (load, "Lifecycle event '%s' doesn't support "
                              "'%s' action", events[i] + 3, action);
  }
  return 0;
}

static bool
sets_meet (const char *a, const char *b)
{
  struct xml_bits bits_a, bits_b;

  if (xml_bits_parse (a, &bits_a) == -1 || xml_bits_parse (b, &bits_b) == -1)
    return false;
  for (int bit = xml_bits_next (&bits_a, -1); bit != -1;
       bit = xml_bits_next (&bits_a, bit))
    if (xml_bits_has (&bits_b, bit))
      return true;
  return false;
}

static int
compare_pages (struct xml_load *load, const struct xml_node *page,
               const struct xml_node *other)
{
  const char *own = xml_attr (page, "nodeset");
  const char *its = xml_attr (other, "nodeset");

  if (own && its && sets_meet (own, its))
    return DETAIL (load, "nodeset attribute of hugepages of sizes %s and %s "
                   "intersect", xml_attr (page, "size"),
                   xml_attr (other, "size"));
  if (own == NULL && its == NULL)
    return DETAIL (load, "two master hugepages detected: %s and %s",
                   xml_attr (page, "size"), xml_attr (other, "size"));
  return 0;
}

static int
check_hugepages (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *first, *page, *other;
  int highest = (int) xml_count (xml_path (root, "cpu/numa/cell")) - 1, beyond;
  struct xml_bits bits;

  first = xml_path (root, "memoryBacking/hugepages/page");
  for (page = first; page; page = xml_next (page)) {
    for (other = first; other != page; other = xml_next (other))
      if (compare_pages (load, page, other) == -1)
        return -1;
    if (xml_attr (page, "nodeset") == NULL
        || xml_bits_parse (xml_attr (page, "nodeset"), &bits) == -1)
      continue;
    beyond = xml_bits_next (&bits, highest);
    if (beyond >= 0)
      return DETAIL (load, "hugepages: node %d not found", beyond);
  }
  return 0;
}

#define AUTOSELECTION                                                   \
  "cannot be specified when firmware autoselection is enabled"

static int
check_autoselection (struct xml_load *load, const struct xml_node *os)
{
  const struct xml_node *loader = xml_child (os, "loader");
  const struct xml_node *nvram = xml_child (os, "nvram");
  const char *firmware = xml_attr (os, "firmware");

  if (xml_attr (loader, "readonly"))
    return DETAIL (load, "loader attribute 'readonly' " AUTOSELECTION);
  if (xml_attr (loader, "type"))
    return DETAIL (load, "loader attribute 'type' " AUTOSELECTION);
  if (loader && loader->text)
    return DETAIL (load, "loader path " AUTOSELECTION);
  if (xml_attr (nvram, "template"))
    return DETAIL (load, "nvram attribute 'template' " AUTOSELECTION);
  if (xml_attr_is (loader, "secure", "no"))
    return DETAIL (load, "loader attribute 'secure' " AUTOSELECTION);
  if (nvram && (nvram->text || nvram->first)
      && strcmp (firmware, "efi") != 0)
    return DETAIL (load, "firmware type '%s' does not support nvram",
                   firmware);
  return 0;
}

static int
check_stateless (struct xml_load *load, const struct xml_node *os)
{
  const struct xml_node *loader = xml_child (os, "loader");
  const struct xml_node *nvram = xml_child (os, "nvram");
  const char *firmware = xml_attr (os, "firmware");

  if (xml_attr_is (loader, "stateless", "yes")) {
    if (xml_attr (nvram, "template"))
      return DETAIL (load, "NVRAM template is not permitted when loader is "
                     "stateless");
    if (nvram)
      return DETAIL (load, "NVRAM is not permitted when loader is stateless");
  }
  if (!xml_attr_is (loader, "stateless", "no"))
    return 0;
  if (firmware == NULL && !xml_attr_is (loader, "type", "pflash"))
    return DETAIL (load, "Only pflash loader type permits NVRAM");
  if (firmware && strcmp (firmware, "efi") != 0)
    return DETAIL (load, "Only EFI firmware permits NVRAM");
  return 0;
}

/* A loader or an NVRAM that says nothing leaves no trace but this one. */
static int
check_os (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *os = xml_child (root, "os");
  const struct xml_node *loader = xml_child (os, "loader");

  if (xml_attr (os, "firmware")) {
    if (check_autoselection (load, os) == -1)
      return -1;
  } else if (loader || xml_child (os, "nvram")) {
    if (loader == NULL || loader->text == NULL)
      return DETAIL (load, "no loader path specified and firmware auto "
                     "selection disabled");
  }
  return check_stateless (load, os);
}

static const struct {
  const char *name;
  long long min, max;
} limits[] = {
  { "shares", SHARES_MIN, SHARES_MAX },
  { "period", PERIOD_MIN, PERIOD_MAX },
  { "global_period", PERIOD_MIN, PERIOD_MAX },
  { "emulator_period", PERIOD_MIN, PERIOD_MAX },
  { "iothread_period", PERIOD_MIN, PERIOD_MAX },
  { "quota", QUOTA_MIN, QUOTA_MAX },
  { "global_quota", QUOTA_MIN, QUOTA_MAX },
  { "emulator_quota", QUOTA_MIN, QUOTA_MAX },
  { "iothread_quota", QUOTA_MIN, QUOTA_MAX },
};

/* Negative quotas are no limit; a negative anything else is huge. */
static int
check_cputune (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *cputune = xml_child (root, "cputune");
  const char *text;
  unsigned long long number;

  for (size_t i = 0; i < COUNT_OF (limits); i++) {
    text = xml_path_text (cputune, limits[i].name);
    if (text == NULL || *text == '-')
      continue;
    number = xml_number (text, 0);
    if (number > 0 && (number < (unsigned long long) limits[i].min
                       || number > (unsigned long long) limits[i].max))
      return xml_unsupported (load, "Value of cputune '%s' must be in range "
                              "[%lld, %lld]", limits[i].name, limits[i].min,
                              limits[i].max);
  }
  return 0;
}

static int
check_boot (struct xml_load *load, struct xml_node *root)
{
  const char *timeout = xml_path_attr (root, "os/bootmenu", "timeout");
  const struct xml_node *bios = xml_path (root, "os/bios");
  long long reboot = bios ? domain_attr_number (bios, "rebootTimeout") : 0;

  if (xml_number (timeout, 0) > MENU_TIMEOUT_MAX)
    return xml_unsupported (load, "invalid value for boot menu timeout, must "
                            "be in range [0,65535]");
  if (reboot < -1 || reboot > MENU_TIMEOUT_MAX)
    return xml_unsupported (load, "invalid value for rebootTimeout, must be "
                            "in range [-1,65535]");
  return 0;
}

static int
check_blkio (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *first = xml_path (root, "blkiotune/device");
  const struct xml_node *device, *other;

  for (device = first; device; device = xml_next (device))
    for (other = first; other != device; other = xml_next (other))
      if (strcmp (xml_path_text (device, "path"),
                  xml_path_text (other, "path")) == 0)
        return xml_unsupported (load, "duplicate blkio device path '%s'",
                                xml_path_text (device, "path"));
  return 0;
}

static int
check_idmap (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *idmap = xml_child (root, "idmap");
  const struct xml_node *uid = xml_child (idmap, "uid");
  const struct xml_node *gid = xml_child (idmap, "gid");

  if ((uid == NULL) != (gid == NULL))
    return xml_unsupported (load, "uid and gid should be mapped both");
  if (uid && (!xml_attr_is (uid, "start", "0")
              || !xml_attr_is (gid, "start", "0")))
    return xml_unsupported (load, "You must map the root user of container");
  return 0;
}

static int
check_cell_caches (struct xml_load *load, const struct xml_node *root)
{
  const struct xml_node *cell = xml_path (root, "cpu/numa/cell"), *cache;
  const struct xml_node *other;

  for (; cell; cell = xml_next (cell))
    for (cache = xml_child (cell, "cache"); cache; cache = xml_next (cache)) {
      if (domain_attr_number (cache, "level") > CACHE_LEVEL_MAX)
        return xml_wrong (load, "Ain't nobody heard of that much cache "
                          "level");
      for (other = xml_child (cell, "cache"); other != cache;
           other = xml_next (other))
        if (xml_attr_is (other, "level", xml_attr (cache, "level")))
          return xml_wrong (load, "Cache level '%s' already defined",
                            xml_attr (cache, "level"));
    }
  return 0;
}

static const struct xml_node *
cell_of (const struct xml_node *root, const char *id)
{
  const struct xml_node *cell = xml_path (root, "cpu/numa/cell");

  while (cell && xml_number (xml_attr (cell, "id"), 0) != xml_number (id, 0))
    cell = xml_next (cell);
  return cell;
}

static int
check_links (struct xml_load *load, const struct xml_node *root)
{
  const struct xml_node *link = xml_path (root, "cpu/numa/interconnects");
  const struct xml_node *initiator, *target, *cache;

  for (link = link ? link->first : NULL; link; link = link->next) {
    initiator = cell_of (root, xml_attr (link, "initiator"));
    target = cell_of (root, xml_attr (link, "target"));
    if (initiator == NULL)
      return xml_wrong (load, "'initiator' refers to a non-existent NUMA "
                        "node");
    if (target == NULL)
      return xml_wrong (load, "'target' refers to a non-existent NUMA node");
    if (xml_attr (initiator, "cpus") == NULL)
      return xml_wrong (load, "NUMA nodes without CPUs can't be initiator");
    cache = xml_child (target, "cache");
    while (xml_attr (link, "cache") && cache
           && !xml_attr_is (cache, "level", xml_attr (link, "cache")))
      cache = xml_next (cache);
    if (xml_attr (link, "cache") && cache == NULL)
      return xml_wrong (load, "'cache' refers to a non-existent NUMA node "
                        "cache");
  }
  return 0;
}

static int
check_numa (struct xml_load *load, struct xml_node *root)
{
  return check_cell_caches (load, root) == -1 ? -1 : check_links (load, root);
}

static int
check_pool (struct xml_load *load, const struct xml_node *thread)
{
  const char *max = xml_attr (thread, "thread_pool_max");
  const char *min = xml_attr (thread, "thread_pool_min");

  if (max && strcmp (max, "0") == 0)
    return xml_unsupported (load, "thread_pool_max must be a positive "
                            "integer");
  if (min && (max == NULL || xml_number (min, 0) > xml_number (max, 0)))
    return xml_unsupported (load, "thread_pool_min must be smaller or equal "
                            "to thread_pool_max");
  return 0;
}

static int
check_iothreads (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *thread = xml_path (root, "iothreadids/iothread");

  for (; thread; thread = xml_next (thread))
    if (check_pool (load, thread) == -1)
      return -1;
  return check_pool (load, xml_child (root, "defaultiothread"));
}

typedef int (*check_fn) (struct xml_load *load, struct xml_node *root);

int
domain_check (struct xml_load *load, struct xml_node *root)
{
  static const check_fn checks[] = {
    domain_devices_check,
    domain_chars_check,
    domain_graphics_check,
    domain_video_check,
    check_resource,
    domain_disks_check,
    domain_hostdevs_check,
    domain_drives_check,
    check_topology,
    check_aliases,
    check_iommu,
    check_lifecycle,
    check_hugepages,
    check_os,
    check_cputune,
    check_boot,
    check_blkio,
    check_idmap,
    check_numa,
    domain_fss_check,
    check_iothreads,
  };

  for (size_t i = 0; i < COUNT_OF (checks); i++)
    if (checks[i] (load, root) == -1)
      return -1;
  return 0;
}
