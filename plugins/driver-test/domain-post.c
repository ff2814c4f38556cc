/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a definition implies: memory from NUMA cells, boot from disk,
 * controllers for disks.  Steps run in the order of the table at the end.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "plugins/driver-test/domain-devices.h"
#include "plugins/driver-test/domain-post.h"

static unsigned long long
amount (const struct xml_node *root, const char *path)
{
  return xml_number (xml_path_text (root, path), 0);
}

static unsigned long long
cell_memory (const struct xml_node *root)
{
  const struct xml_node *cell = xml_path (root, "cpu/numa/cell");
  unsigned long long sum = 0;

  for (; cell; cell = xml_next (cell))
    sum += xml_number (xml_attr (cell, "memory"), 0);
  return sum;
}

static unsigned long long
module_memory (const struct xml_node *root)
{
  const struct xml_node *module = xml_path (root, "devices/memory");
  unsigned long long sum = 0;

  for (; module; module = xml_next (module))
    sum += xml_number (xml_path_text (module, "target/size"), 0);
  return sum;
}

static int
size_memory (struct xml_load *load, struct xml_node *root)
{
  struct xml_node *memory = xml_child (root, "memory");
  unsigned long long total = amount (root, "memory");
  unsigned long long cells = 0, modules = module_memory (root);

  if (total == 0 || domain_load_of (load)->abi_update)
    cells = cell_memory (root);
  if (cells)
    total = cells + modules;
  else if (modules > total)
    return xml_wrong (load, "Total size of memory devices exceeds the total "
                      "memory size");
  if (total == modules)
    return xml_wrong (load, "Memory size must be specified via <memory> or "
                      "in the <numa> configuration");
  return xml_text_setf (memory, "%llu", total) == -1 ? domain_no_memory (load)
                                                     : 0;
}

static int
size_balloon (struct xml_load *load, struct xml_node *root)
{
  struct xml_node *current = xml_child (root, "currentMemory");
  unsigned long long total = amount (root, "memory");
  unsigned long long now = amount (root, "currentMemory");

  if (now > total || now == 0)
    return xml_text_setf (current, "%llu", total) == -1
           ? domain_no_memory (load) : 0;
  return 0;
}

static int
check_hotplug (struct xml_load *load, struct xml_node *root)
{
  struct xml_node *max = xml_child (root, "maxMemory");
  unsigned long long size = amount (root, "maxMemory");
  bool has_slots = max && !xml_attr_is (max, "slots", "0");

  if (max == NULL)
    return 0;
  if (!has_slots && size == 0) {
    xml_node_free (max);
    return 0;
  }
  if (!has_slots || size == 0)
    return xml_wrong (load, "both maximum memory size and memory slot count "
                      "must be specified");
  if (size < amount (root, "memory"))
    return xml_wrong (load, "maximum memory size must be equal or greater "
                      "than the actual memory size");
  return 0;
}

/* Huge pages for cell 0 alone are for the whole guest, where there are no
 * cells. */
static int
finish_hugepages (struct xml_load *load, struct xml_node *root)
{
  struct xml_node *page = xml_path (root, "memoryBacking/hugepages/page");
  struct xml_bits bits;

  if (xml_path (root, "cpu/numa"))
    return 0;
  for (; page; page = xml_next (page))
    if (xml_attr (page, "nodeset")
        && xml_bits_parse (xml_attr (page, "nodeset"), &bits) == 0
        && xml_bits_next (&bits, 0) == -1)
      xml_attr_set (page, "nodeset", NULL);
  return 0;
}

static int
check_init (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *os = xml_child (root, "os");

  if (os->kind == OS_EXE && xml_child (os, "init") == NULL)
    return xml_wrong (load, "init binary must be specified");
  return 0;
}

static int
place_devices (struct xml_load *load, struct xml_node *root)
{
  struct xml_node *devices = xml_child (root, "devices");

  domain_replay (devices, "disk", domain_disk_place);
  domain_replay (devices, "controller", domain_controller_place);
  domain_replay (devices, "video", domain_video_place);
  if (domain_usb_check (load, devices) == -1)
    return -1;
  if (domain_hostdev_imply (load, devices) == -1
      || domain_controllers_number (load, devices) == -1)
    return -1;
  return domain_chars_number (load, devices);
}

static const struct {
  const char *kind;
  int (*post) (struct xml_load *load, struct xml_node *device);
} device_posts[] = {
  { "disk", domain_disk_post },
  { "hostdev", domain_hostdev_post },
  { "video", domain_video_post },
};

static int
finish_device (struct xml_load *load, struct xml_node *device)
{
  for (size_t i = 0; i < COUNT_OF (device_posts); i++)
    if (strcmp (xml_name (device), device_posts[i].kind) == 0)
      return device_posts[i].post (load, device);
  return 0;
}

static int
finish_devices (struct xml_load *load, struct xml_node *root)
{
  struct xml_node *device = xml_child (root, "devices")->first;

  for (; device; device = device->next)
    if (finish_device (load, device) == -1)
      return -1;
  return 0;
}

static int
check_controllers (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *devices = xml_child (root, "devices");
  const struct xml_node *node = xml_child (devices, "controller"), *first;
  const char *type, *index;

  for (; node; node = xml_next (node)) {
    type = xml_attr (node, "type");
    index = xml_attr (node, "index");
    first = domain_controller_find (devices, type,
                                    domain_attr_number (node, "index"));
    if (first != node && strcmp (type, "usb") != 0)
      return xml_wrong (load, "Multiple '%s' controllers with index '%s'",
                        type, index);
  }
  return 0;
}

/* Boot order is given for devices, or for kinds of them, or it is the disk. */
static int
finish_boot (struct xml_load *load, struct xml_node *root)
{
  struct xml_node *os = xml_child (root, "os"), *boot;
  const struct xml_node *device = xml_child (root, "devices")->first, *other;
  const char *order;
  bool has_orders = false;

  if (os->kind != OS_HVM)
    return 0;
  for (; device; device = device->next) {
    order = xml_path_attr (device, "boot", "order");
    has_orders |= order != NULL;
    for (other = device->parent->first; order && other != device;
         other = other->next)
      if (xml_attr_is (xml_child (other, "boot"), "order", order))
        return xml_unsupported (load, "boot order '%s' used for more than "
                                "one device", order);
  }
  boot = xml_child (os, "boot");
  if (boot && has_orders)
    return xml_unsupported (load, "per-device boot elements cannot be used "
                            "together with os/boot elements");
  if (boot || has_orders)
    return 0;
  boot = xml_child_add (os, "boot");
  return boot == NULL || xml_attr_set (boot, "dev", "hd") == -1
         ? domain_no_memory (load) : 0;
}

/* Controllers 0 to the highest that a disk of the bus is on. */
static int
imply_disk_controllers (struct xml_load *load, struct xml_node *devices,
                        const char *bus)
{
  const struct xml_node *disk = xml_child (devices, "disk"), *address;
  long long highest = -1, at;

  for (; disk; disk = xml_next (disk)) {
    address = xml_child (disk, "address");
    if (!xml_attr_is (xml_child (disk, "target"), "bus", bus)
        || !xml_attr_is (address, "type", "drive"))
      continue;
    at = domain_attr_number (address, "controller");
    highest = at > highest ? at : highest;
  }
  if (highest > DOMAIN_CONTROLLERS_MAX)
    return domain_no_memory (load);
  for (unsigned i = 0; (long long) i <= highest; i++)
    if (domain_controller_add (load, devices, bus, i, NULL) == -1)
      return -1;
  return 0;
}

/* One that devices of another kind are on: the first unless they say. */
static int
imply_for (struct xml_load *load, struct xml_node *devices, const char *kind,
           const char *type)
{
  const struct xml_node *device = xml_child (devices, kind), *address;
  long long index;

  for (; device; device = xml_next (device)) {
    address = xml_child (device, "address");
    if (!xml_attr_is (xml_child (device, "target"), "type", "virtio"))
      continue;
    index = xml_attr_is (address, "type", type)
            ? domain_attr_number (address, "controller") : 0;
    if (domain_controller_add (load, devices, type, index, NULL) == -1)
      return -1;
  }
  return 0;
}

static long long
highest_slot (const struct xml_node *devices)
{
  const struct xml_node *card = xml_child (devices, "smartcard"), *address;
  long long highest = -1, slot;

  for (; card; card = xml_next (card)) {
    address = xml_child (card, "address");
    slot = domain_attr_number (address, "slot");
    if (xml_attr_is (address, "type", "ccid")
        && domain_attr_number (address, "controller") == 0 && slot > highest)
      highest = slot;
  }
  return highest;
}

static int
imply_smartcard (struct xml_load *load, struct xml_node *devices)
{
  struct xml_node *card = xml_child (devices, "smartcard"), *address;
  long long slot;

  for (; card; card = xml_next (card)) {
    slot = highest_slot (devices) + 1;
    address = xml_child_make (card, "address");
    if (address == NULL)
      return domain_no_memory (load);
    if (xml_attr (address, "type") == NULL) {
      address->kind = ADDRESS_CCID;
      if (xml_attr_set (address, "type", "ccid") == -1
          || xml_attr_set (address, "controller", "0") == -1
          || xml_attr_setf (address, "slot", "%lld", slot) == -1)
        return domain_no_memory (load);
    }
    if (domain_controller_add (load, devices, "ccid",
                               domain_attr_number (address, "controller"),
                               NULL) == -1)
      return -1;
  }
  return 0;
}

static int
imply_controllers (struct xml_load *load, struct xml_node *root)
{
  static const char *const buses[] = { "scsi", "fdc", "ide", "sata" };
  struct xml_node *devices = xml_child (root, "devices");

  for (size_t i = 0; i < COUNT_OF (buses); i++)
    if (imply_disk_controllers (load, devices, buses[i]) == -1)
      return -1;
  if (imply_for (load, devices, "channel", "virtio-serial") == -1
      || imply_for (load, devices, "console", "virtio-serial") == -1)
    return -1;
  return imply_smartcard (load, devices) == -1 ? -1
         : domain_hostdev_imply (load, devices);
}

/* One element per namespace in <metadata>, and none without. */
static int
sanitize_metadata (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *metadata = xml_child (root, "metadata");
  xmlNode *child, *next, *other, *after;

  if (metadata == NULL || metadata->raw == NULL)
    return 0;
  for (child = xmlDocGetRootElement (metadata->raw)->children; child;
       child = next) {
    if (child->ns && child->ns->href) {
      for (other = child->next; other; other = after) {
        after = other->next;
        if (other->ns && xmlStrEqual (other->ns->href, child->ns->href)) {
          xmlUnlinkNode (other);
          xmlFreeNode (other);
        }
      }
      next = child->next;
      continue;
    }
    next = child->next;
    xmlUnlinkNode (child);
    xmlFreeNode (child);
  }
  return 0;
}

static int
check_name (struct xml_load *load, struct xml_node *root)
{
  const char *name = xml_path_text (root, "name");

  if (strchr (name, '/'))
    return xml_wrong (load, "name %s cannot contain '/'", name);
  return 0;
}

typedef int (*step_fn) (struct xml_load *load, struct xml_node *root);

static int
run (struct xml_load *load, struct xml_node *root, const step_fn *steps,
     size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (steps[i] (load, root) == -1)
      return -1;
  return 0;
}

int
domain_post_parse (struct xml_load *load, struct xml_node *root)
{
  static const step_fn steps[] = {
    domain_seclabels_check,
    domain_numatune_check,
    place_devices,
    finish_devices,
    check_init,
    size_memory,
    size_balloon,
    check_hotplug,
    finish_hugepages,
    check_controllers,
    finish_boot,
    domain_console_imply,
    imply_controllers,
    domain_video_imply,
    sanitize_metadata,
    check_name,
  };

  return run (load, root, steps, COUNT_OF (steps));
}
