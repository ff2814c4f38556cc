/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Disks: <disk> but for its source, and what is assumed of a disk that does
 * not say: its bus, its address.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-devices.h"

#define CACHE_SIZE                                                      \
  { "metadata_cache", .kids = KIDS (                                    \
      { "max_size", .attrs = AMOUNT_ATTRS, .after = domain_amount_after, \
        AMOUNT ("./metadata_cache/max_size", .flags = AMOUNT_BYTES,     \
                .scale = 1) }) }

#define BACKING_COUNT 4

static const struct xml_elem backing_kids[BACKING_COUNT];

static const char *const storage_names[] = {
  "none", "file", "block", "dir", "network", "volume", "nvme", "vhostuser",
  NULL
};

/* A chain ends where a store has no type. */
static int
backing_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *type = xml_src_attr (src, "type");
  xmlNode *format = xml_src_child (src, "format");
  CLEANUP_FREE char *name = xml_src_attr (format, "type");
  int kind;

  node->kind = STORAGE_NONE;
  if (type == NULL)
    return 0;
  if (name == NULL || *name == '\0')
    return xml_wrong (load, "missing disk backing store format");
  if (xml_src_child (src, "source") == NULL)
    return xml_wrong (load, "missing disk backing store source");
  kind = xml_enum (storage_names, type);
  if (kind <= 0)
    return xml_wrong (load, "unknown storage source type '%s'", type);
  node->kind = kind;
  return xml_attr_set (node, "type", type) == -1 ? domain_no_memory (load) : 0;
}

#define NOT_THE_END (~XT_WHEN (STORAGE_NONE))

#define BACKING                                                         \
  { "backingStore", .flags = XT_KEEP, .kids = backing_kids,             \
    .before = backing_before, .when = NOT_THE_END, .attrs = ATTRS (     \
      { "type", .flags = XT_MADE }, { "index", .flags = XT_MADE }) }

static const struct xml_elem backing_kids[BACKING_COUNT] = {
  { "format", .when = NOT_THE_END, .kids = KIDS (CACHE_SIZE),
    .attrs = ATTRS (
      { "type", XT_ENUM, XT_NONZERO, .names = domain_storage_formats,
        .bad = "unknown storage source format '%s'" }) },
  { "source", .when = NOT_THE_END, .attrs = domain_storage_attrs,
    .kids = domain_storage_kids, .after = domain_storage_after },
  BACKING,
  { 0 }
};

/* Without a source a disk is an empty drive for files. */
int
domain_disk_before (struct xml_load *load, struct xml_node *node,
                    xmlNode *src)
{
  if (xml_src_child (src, "source"))
    return 0;
  node->kind = STORAGE_FILE;
  return xml_attr_set (node, "type", "file") == -1 ? domain_no_memory (load)
                                                   : 0;
}

static int
driver_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const struct xml_spec spec = {
    "type", XT_ENUM, XT_NONZERO, UNSUPPORTED, .names = domain_storage_formats,
    .bad = "unknown driver format value '%s'"
  };
  CLEANUP_FREE char *type = xml_src_attr (src, "type");

  if (xml_attr_is (node, "rerror_policy", "enospace"))
    return xml_unsupported (load, "Invalid disk read error policy: "
                            "'enospace'");
  if (type && strcmp (type, "aio") == 0)
    return xml_attr_set (node, "type", "raw");
  return domain_read_attr (load, node, src, &spec);
}

static int
geometry_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  return xml_attr (node, "cyls") == NULL || xml_attr (node, "heads") == NULL
         || xml_attr (node, "secs") == NULL;
}

#define POLICY(tag)                                                     \
  { tag, XT_ENUM, XT_NONZERO,                                           \
    .names = NAMES ("default", "stop", "report", "ignore", "enospace") }

static const struct xml_spec driver_attrs[] = {
  { "name" },
  { "type", .flags = XT_MADE },
  { "cache", XT_ENUM, XT_HIDE_ZERO,
    .names = NAMES ("default", "none", "writethrough", "writeback",
                    "directsync", "unsafe") },
  POLICY ("error_policy"),
  POLICY ("rerror_policy"),
  { "io", XT_ENUM, XT_NONZERO,
    .names = NAMES ("default", "native", "threads", "io_uring") },
  { "ioeventfd", XT_SWITCH },
  { "event_idx", XT_SWITCH },
  { "copy_on_read", XT_SWITCH },
  { "discard", XT_ENUM, XT_NONZERO,
    .names = NAMES ("default", "unmap", "ignore") },
  { "iothread", XT_UINT, XT_NONZERO },
  { "detect_zeroes", XT_ENUM, XT_NONZERO,
    .names = NAMES ("default", "off", "on", "unmap") },
  { "queues", XT_UINT, XT_HIDE_ZERO },
  { "queue_size", XT_UINT, XT_HIDE_ZERO },
  VIRTIO_ATTRS,
  { 0 }
};

#define IOTUNE(tag)                                                     \
  { tag, .text = TEXT (.type = XT_ULL, .flags = XT_HIDE_ZERO,           \
                       .bad = "disk iotune field '" tag                 \
                              "' must be an integer") }

static const struct xml_elem iotune_kids[] = {
  IOTUNE ("total_bytes_sec"), IOTUNE ("read_bytes_sec"),
  IOTUNE ("write_bytes_sec"), IOTUNE ("total_iops_sec"),
  IOTUNE ("read_iops_sec"), IOTUNE ("write_iops_sec"),
  IOTUNE ("total_bytes_sec_max"), IOTUNE ("read_bytes_sec_max"),
  IOTUNE ("write_bytes_sec_max"), IOTUNE ("total_iops_sec_max"),
  IOTUNE ("read_iops_sec_max"), IOTUNE ("write_iops_sec_max"),
  IOTUNE ("size_iops_sec"),
  { "group_name", .text = TEXT (0) },
  IOTUNE ("total_bytes_sec_max_length"), IOTUNE ("read_bytes_sec_max_length"),
  IOTUNE ("write_bytes_sec_max_length"), IOTUNE ("total_iops_sec_max_length"),
  IOTUNE ("read_iops_sec_max_length"), IOTUNE ("write_iops_sec_max_length"),
  { 0 }
};

const struct xml_spec domain_disk_attrs[] = {
  { "type", XT_ENUM, XT_NONZERO | XT_KIND, .names = storage_names,
    .dflt = "file" },
  { "device", XT_ENUM, .dflt = "disk",
    .names = NAMES ("disk", "cdrom", "floppy", "lun") },
  { "model", XT_ENUM, XT_HIDE_ZERO, .names = VIRTIO_MODELS },
  { "rawio", XT_BOOL },
  { "sgio", XT_ENUM, XT_NONZERO,
    .names = NAMES ("default", "filtered", "unfiltered") },
  { "snapshot", XT_ENUM, XT_NONZERO,
    .names = NAMES ("default", "no", "internal", "external", "manual") },
  { 0 }
};

const struct xml_elem domain_disk_kids[] = {
  { "driver", .attrs = driver_attrs, .before = driver_before,
    .kids = KIDS (CACHE_SIZE) },
  STORAGE_AUTH,
  { "source", .attrs = domain_storage_attrs, .kids = domain_storage_kids,
    .after = domain_storage_after },
  BACKING,
  { "backenddomain", .attrs = ATTRS ({ "name", .flags = XT_NOT_EMPTY }) },
  { "geometry", .after = geometry_after, .attrs = ATTRS (
      { "cyls", XT_UINT, XT_HIDE_ZERO },
      { "heads", XT_UINT, XT_HIDE_ZERO },
      { "secs", XT_UINT, XT_HIDE_ZERO },
      { "trans", XT_ENUM, XT_NONZERO,
        .names = NAMES ("default", "none", "auto", "lba") }) },
  { "blockio", .attrs = ATTRS (
      { "logical_block_size", XT_UINT, XT_HIDE_ZERO },
      { "physical_block_size", XT_UINT, XT_HIDE_ZERO }) },
  { "target", .flags = XT_ALWAYS | XT_KEEP, .attrs = ATTRS (
      { "dev" },
      { "bus", XT_ENUM, XT_NONZERO,
        .names = NAMES ("none", "ide", "fdc", "scsi", "virtio", "xen", "usb",
                        "uml", "sata", "sd") },
      { "tray", XT_ENUM, XT_HIDE_ZERO, .names = NAMES ("closed", "open") },
      { "removable", XT_SWITCH },
      { "rotation_rate", XT_UINT, XT_HIDE_ZERO }) },
  { "iotune", .kids = iotune_kids },
  { "readonly", .flags = XT_KEEP },
  { "shareable", .flags = XT_KEEP },
  { "transient", .flags = XT_KEEP, .attrs = ATTRS (
      { "shareBacking", XT_BOOL, .skip = "no" }) },
  { "serial", .text = TEXT (0) },
  { "wwn", .text = TEXT (0) },
  { "vendor", .text = TEXT (0) },
  { "product", .text = TEXT (0) },
  STORAGE_ENCRYPTION,
  INFO_BOOT,
  INFO_KIDS,
  { 0 }
};

int
domain_disk_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (xml_child (node, "auth") && xml_path (node, "source/auth"))
    return xml_unsupported (load, "an <auth> definition already found for "
                            "disk source");
  if (xml_child (node, "encryption") && xml_path (node, "source/encryption"))
    return xml_unsupported (load, "an <encryption> definition already found "
                            "for disk source");
  return 0;
}

static const struct {
  const char *prefix;
  const char *bus;
} prefixes[] = {
  { "hd", "ide" }, { "sd", "scsi" }, { "vd", "virtio" }, { "xvd", "xen" },
  { "ubd", "uml" }, { "", "ide" }
};

static const char *
guess_bus (const struct xml_node *disk, const char *dev)
{
  size_t i = 0;

  if (xml_attr_is (disk, "device", "floppy"))
    return "fdc";
  if (dev == NULL)
    return "ide";
  while (strncmp (dev, prefixes[i].prefix, strlen (prefixes[i].prefix)) != 0)
    i++;
  return prefixes[i].bus;
}

/* Number of a disk by its name: sda 0, sdz 25, sdaa 26; -1 = not a name. */
static int
name_index (const char *name)
{
  static const char *const known[] = { "fd", "hd", "vd", "sd", "xvd", "ubd" };
  const char *letters = NULL;
  unsigned index = 0;

  for (size_t i = 0; i < 6 && letters == NULL; i++)
    if (strncmp (name, known[i], strlen (known[i])) == 0)
      letters = name + strlen (known[i]);
  if (letters == NULL || !islower ((unsigned char) *letters))
    return -1;
  for (const char *l = letters; islower ((unsigned char) *l); l++)
    index = (index + (l > letters)) * 26 + (*l - 'a');
  letters += strspn (letters, "abcdefghijklmnopqrstuvwxyz");
  return letters[strspn (letters, "0123456789")] ? -1 : (int) index;
}

static bool
same_bus (const struct xml_node *a, const struct xml_node *b)
{
  const char *bus_a = xml_path_attr (a, "target", "bus");
  const char *bus_b = xml_path_attr (b, "target", "bus");

  if (bus_a == NULL || bus_b == NULL)
    return bus_a == bus_b;
  return strcmp (bus_a, bus_b) == 0;
}

static bool
is_after (const struct xml_node *a, const struct xml_node *b)
{
  const char *dev_a = xml_path_attr (a, "target", "dev");
  const char *dev_b = xml_path_attr (b, "target", "dev");

  return dev_a && dev_b && name_index (dev_a) > name_index (dev_b);
}

/* Disks of a bus stay together, by their letters. */
struct xml_node *
domain_disk_place (const struct xml_node *node, struct xml_node *last)
{
  struct xml_node *before = NULL, *other;
  bool is_found = false;

  for (other = last; other && other->schema == node->schema;
       other = other->prev) {
    if (!same_bus (other, node))
      continue;
    if (is_after (other, node))
      before = other;
    else if (!is_found)
      before = other->next;
    is_found = true;
  }
  return before;
}

/* Units per bus, buses per controller. */
static const struct {
  const char *bus;
  unsigned units, buses;
} layouts[] = {
  { "scsi", 7, 1 }, { "ide", 2, 2 }, { "sata", 6, 1 }, { "fdc", 2, 1 }
};

static int
assign_address (struct xml_load *load, struct xml_node *disk, unsigned index,
                unsigned units, unsigned buses)
{
  struct xml_node *address = xml_child_make (disk, "address");

  if (address == NULL)
    return domain_no_memory (load);
  address->kind = ADDRESS_DRIVE;
  if (xml_attr_set (address, "type", "drive") == -1
      || xml_attr_setf (address, "controller", "%u",
                        index / (units * buses)) == -1
      || xml_attr_setf (address, "bus", "%u", index / units % buses) == -1
      || xml_attr_set (address, "target", "0") == -1
      || xml_attr_setf (address, "unit", "%u", index % units) == -1)
    return domain_no_memory (load);
  return 0;
}

static int
find_address (struct xml_load *load, struct xml_node *disk, const char *dev,
              const char *bus)
{
  int index = name_index (dev);

  if (index == -1)
    return xml_wrong (load, "Unknown disk name '%s' and no address specified",
                      dev);
  for (size_t i = 0; i < 4; i++)
    if (strcmp (bus, layouts[i].bus) == 0
        && assign_address (load, disk, index, layouts[i].units,
                           layouts[i].buses) == -1)
      return -1;
  return strcmp (bus, "scsi") == 0 ? domain_scsi_free (load, disk) : 0;
}

/* A LUN on an iSCSI target is 0 unless the name has one. */
static int
name_lun (struct xml_load *load, struct xml_node *source)
{
  const char *name = xml_attr (source, "name");

  if (!xml_attr_is (source, "protocol", "iscsi") || name == NULL
      || strchr (name, '/'))
    return 0;
  return xml_attr_setf (source, "name", "%s/0", name) == -1
         ? domain_no_memory (load) : 0;
}

/* Never taken for a snapshot: shown only where it is not plain. */
static int
finish_snapshot (struct xml_load *load, struct xml_node *disk)
{
  if (xml_child (disk, "readonly")) {
    if (xml_attr_is (disk, "snapshot", "no"))
      return xml_attr_set (disk, "snapshot", NULL);
    return 0;
  }
  if (disk->kind == STORAGE_VHOST_USER && xml_attr (disk, "snapshot") == NULL)
    return xml_attr_set (disk, "snapshot", "no");
  return 0;
}

int
domain_disk_post (struct xml_load *load, struct xml_node *disk)
{
  struct xml_node *target = xml_child (disk, "target");
  const char *dev = xml_attr (target, "dev");

  if (dev && strncmp (dev, "ioemu:", 6) == 0) {
    if (xml_attr_setf (target, "dev", "%s", dev + 6) == -1)
      return domain_no_memory (load);
    dev = xml_attr (target, "dev");
  }
  if (xml_attr_is (disk, "device", "cdrom")
      && xml_child_make (disk, "readonly") == NULL)
    return domain_no_memory (load);
  if (xml_attr (target, "bus") == NULL
      && xml_attr_set (target, "bus", guess_bus (disk, dev)) == -1)
    return domain_no_memory (load);
  if (finish_snapshot (load, disk) == -1
      || name_lun (load, xml_child (disk, "source")) == -1)
    return -1;
  if (dev && xml_child (disk, "address") == NULL
      && find_address (load, disk, dev, xml_attr (target, "bus")) == -1)
    return -1;
  if (xml_path_attr (disk, "source", "fdgroup"))
    return xml_unsupported (load, "driver does not support FD passing for "
                            "disk '%s'", dev ? dev : "(null)");
  return 0;
}
