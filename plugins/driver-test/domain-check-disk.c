/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What disks must not be.
 */
#include "config.h"

#include <string.h>

#include "common/mem.h"
#include "plugins/driver-test/domain-devices.h"

#define VENDOR_MAX 8
#define PRODUCT_MAX 16
#define WWN_LEN 16

#define INTERNAL(load, ...)                                             \
  xml_fail ((load)->err, (load)->domain, VIRGATE_ERR_INTERNAL_ERROR,    \
            __VA_ARGS__)

static bool
has_prefix (const char *str, const char *prefix)
{
  return strncmp (str, prefix, strlen (prefix)) == 0;
}

static const char *
disk_path (const struct xml_node *disk)
{
  static const char *const attrs[] = { "file", "dev", "dir", "name" };
  const struct xml_node *source = xml_child (disk, "source");
  const char *path = NULL;

  for (size_t i = 0; i < COUNT_OF (attrs) && path == NULL; i++)
    path = xml_attr (source, attrs[i]);
  return path;
}

static int
no_target (struct xml_load *load, const struct xml_node *disk)
{
  const struct xml_node *source = xml_child (disk, "source");
  const char *path = disk_path (disk);

  if (xml_attr (source, "pool"))
    return xml_fail (load->err, load->domain, VIRGATE_ERR_NO_TARGET,
                     "pool = '%s', volume = '%s'", xml_attr (source, "pool"),
                     xml_attr (source, "volume"));
  return xml_fail (load->err, load->domain, VIRGATE_ERR_NO_TARGET,
                   path ? "%s" : NULL, path);
}

static int
check_auth (struct xml_load *load, const struct xml_node *disk)
{
  static const char *const able[] = {
    "iscsi", "http", "https", "ftp", "ftps", "ssh", "rbd", NULL
  };
  static const char *const usages[] = {
    "none", "volume", "ceph", "iscsi", "tls", "vtpm", NULL
  };
  const struct xml_node *source = xml_child (disk, "source");
  const struct xml_node *auth = xml_child (disk, "auth");
  const char *protocol = xml_attr (source, "protocol"), *usage;

  if (auth == NULL)
    auth = xml_child (source, "auth");
  if (auth == NULL || disk->kind != STORAGE_NETWORK || protocol == NULL)
    return 0;
  if (xml_enum (able, protocol) == -1)
    return xml_unsupported (load, "authentication is not supported for "
                            "protocol '%s'", protocol);
  usage = xml_path_attr (auth, "secret", "type");
  if (usage == NULL || xml_enum (usages, usage) == -1)
    return xml_unsupported (load, "unknown secret type '%s'",
                            usage ? usage : "<null>");
  if ((strcmp (protocol, "iscsi") == 0 && strcmp (usage, "iscsi") != 0)
      || (strcmp (protocol, "rbd") == 0 && strcmp (usage, "ceph") != 0))
    return xml_unsupported (load, "invalid secret type '%s'", usage);
  return 0;
}

static const struct xml_node *
encryption_of (const struct xml_node *disk)
{
  const struct xml_node *own = xml_child (disk, "encryption");

  return own ? own : xml_path (disk, "source/encryption");
}

static int
check_source (struct xml_load *load, const struct xml_node *disk)
{
  if (check_auth (load, disk) == -1)
    return -1;
  if (xml_child (encryption_of (disk), "cipher"))
    return xml_unsupported (load, "supplying <cipher> for domain disk "
                            "definition is unnecessary");
  return 0;
}

static int
check_lun (struct xml_load *load, const struct xml_node *disk)
{
  const char *protocol = xml_path_attr (disk, "source", "protocol");
  const char *format = xml_path_attr (disk, "driver", "type");
  const struct xml_node *encryption = encryption_of (disk);

  if (disk->kind == STORAGE_NETWORK && protocol
      && strcmp (protocol, "iscsi") != 0)
    return xml_unsupported (load, "disk device='lun' is not supported for "
                            "protocol='%s'", protocol);
  if (disk->kind != STORAGE_NETWORK && disk->kind != STORAGE_BLOCK
      && disk->kind != STORAGE_VOLUME)
    return xml_unsupported (load, "disk device='lun' is only valid for block "
                            "type disk source");
  if (format && strcmp (format, "raw") != 0)
    return xml_unsupported (load, "disk device 'lun' must use 'raw' format");
  if (xml_path (disk, "source/slices"))
    return xml_unsupported (load, "disk device 'lun' doesn't support storage "
                            "slice");
  if (encryption && !xml_attr_is (encryption, "format", "default"))
    return xml_unsupported (load, "disk device 'lun' doesn't support "
                            "encryption");
  return 0;
}

static int
check_no_lun (struct xml_load *load, const struct xml_node *disk)
{
  if (xml_path (disk, "source/reservations"))
    return xml_unsupported (load, "<reservations/> allowed only for lun "
                            "devices");
  if (xml_attr (disk, "rawio"))
    return xml_unsupported (load, "rawio can be used only with device='lun'");
  if (xml_attr (disk, "sgio"))
    return xml_unsupported (load, "sgio can be used only with device='lun'");
  return 0;
}

static int
check_iotune (struct xml_load *load, const struct xml_node *disk)
{
  static const struct {
    const char *total, *read, *write, *what;
  } groups[] = {
    { "total_bytes_sec", "read_bytes_sec", "write_bytes_sec", "bytes_sec" },
    { "total_iops_sec", "read_iops_sec", "write_iops_sec", "iops_sec" },
    { "total_bytes_sec_max", "read_bytes_sec_max", "write_bytes_sec_max",
      "bytes_sec_max" },
    { "total_iops_sec_max", "read_iops_sec_max", "write_iops_sec_max",
      "iops_sec_max" },
  };
  const struct xml_node *tune = xml_child (disk, "iotune");

  for (size_t i = 0; tune && i < COUNT_OF (groups); i++)
    if (xml_child (tune, groups[i].total)
        && (xml_child (tune, groups[i].read)
            || xml_child (tune, groups[i].write)))
      return xml_wrong (load, "total and read/write %s cannot be set at the "
                        "same time", groups[i].what);
  return 0;
}

/* What depends on the bus. */
static int
check_bus (struct xml_load *load, const struct xml_node *disk,
           const char *dev, const char *bus)
{
  static const char *const drives[] = { "ide", "fdc", "scsi", "sata", NULL };
  const struct xml_node *driver = xml_child (disk, "driver");
  const char *address = xml_path_attr (disk, "address", "type");

  if (address && xml_enum (drives, bus) != -1
      && strcmp (address, "drive") != 0)
    return xml_unsupported (load, "Invalid address type '%s' for the disk "
                            "'%s' with the bus type '%s'", address, dev, bus);
  if (strcmp (bus, "virtio") == 0)
    return 0;
  if (xml_attr (disk, "model"))
    return xml_unsupported (load, "disk model '%s' not supported for bus "
                            "'%s'", xml_attr (disk, "model"), bus);
  if (xml_attr (driver, "queues"))
    return xml_unsupported (load, "queues attribute in disk driver element "
                            "is only supported by virtio-blk");
  if (xml_attr (driver, "event_idx"))
    return xml_unsupported (load, "disk event_idx mode supported only for "
                            "virtio bus");
  if (xml_attr (driver, "ioeventfd"))
    return xml_unsupported (load, "disk ioeventfd mode supported only for "
                            "virtio bus");
  return domain_virtio_absent (load, driver);
}

static int
check_text (struct xml_load *load, const struct xml_node *disk,
            const char *name, size_t max)
{
  const char *text = xml_path_text (disk, name);

  for (const char *c = text; c && *c; c++)
    if (*c < ' ' || *c > '~')
      return xml_wrong (load, "disk %s is not printable string", name);
  if (text && strlen (text) > max)
    return xml_unsupported (load, "disk %s is more than %zu characters",
                            name, max);
  return 0;
}

static int
check_kind (struct xml_load *load, const struct xml_node *disk,
            const char *bus)
{
  const struct xml_node *target = xml_child (disk, "target");
  const char *device = xml_attr (disk, "device");
  bool is_floppy = strcmp (device, "floppy") == 0;
  bool is_fdc = strcmp (bus, "fdc") == 0;

  if (xml_attr (target, "tray") && !is_floppy && strcmp (device, "cdrom") != 0)
    return xml_unsupported (load, "tray is only valid for cdrom and floppy");
  if (check_text (load, disk, "vendor", VENDOR_MAX) == -1
      || check_text (load, disk, "product", PRODUCT_MAX) == -1)
    return -1;
  if (is_floppy && !is_fdc)
    return INTERNAL (load, "Invalid bus type '%s' for floppy disk", bus);
  if (!is_floppy && is_fdc)
    return INTERNAL (load, "Invalid bus type '%s' for disk", bus);
  if (xml_attr (target, "removable") && strcmp (bus, "usb") != 0)
    return xml_wrong (load, "removable is only valid for usb disks");
  return 0;
}

static int
check_policy (struct xml_load *load, const struct xml_node *disk)
{
  const char *policy = xml_path_attr (disk, "source", "startupPolicy");
  const char *device = xml_attr (disk, "device");

  if (policy == NULL)
    return 0;
  if (disk->kind == STORAGE_NVME || disk->kind == STORAGE_VHOST_USER)
    return xml_wrong (load, "disk startupPolicy '%s' is not allowed for disk "
                      "of '%s' type", policy, xml_attr (disk, "type"));
  if (strcmp (policy, "requisite") == 0 && strcmp (device, "cdrom") != 0
      && strcmp (device, "floppy") != 0)
    return xml_wrong (load, "disk startupPolicy 'requisite' is allowed only "
                      "for cdrom or floppy");
  return 0;
}

static int
check_wwn (struct xml_load *load, const char *wwn)
{
  const char *digits = wwn;

  if (wwn == NULL)
    return 0;
  if (has_prefix (wwn, "0x"))
    digits += 2;
  if (strlen (digits) != WWN_LEN
      || digits[strspn (digits, "0123456789abcdefABCDEF")])
    return xml_fail (load->err, VIRGATE_FROM_NONE, VIRGATE_ERR_INTERNAL_ERROR,
                     "Malformed wwn: %s", wwn);
  return 0;
}

static int
check_dev (struct xml_load *load, const struct xml_node *disk,
           const char *dev)
{
  static const char *const prefixes[] = { "hd", "sd", "vd", "xvd", "ubd" };
  const char *device = xml_attr (disk, "device");
  bool is_known = false, is_local = disk->kind == STORAGE_FILE
                                    || disk->kind == STORAGE_BLOCK
                                    || disk->kind == STORAGE_DIR;

  for (size_t i = 0; i < COUNT_OF (prefixes); i++)
    is_known |= has_prefix (dev, prefixes[i]);
  if ((strcmp (device, "disk") == 0 || strcmp (device, "lun") == 0)
      && !is_known)
    return INTERNAL (load, "Invalid harddisk device name: %s", dev);
  if (strcmp (device, "floppy") == 0 && !has_prefix (dev, "fd"))
    return INTERNAL (load, "Invalid floppy device name: %s", dev);
  if (is_local && disk_path (disk) == NULL && strcmp (device, "disk") == 0)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_NO_SOURCE,
                     "%s", dev);
  return 0;
}

int
domain_disk_check (struct xml_load *load, struct xml_node *disk)
{
  const char *dev = xml_path_attr (disk, "target", "dev");
  const char *bus = xml_path_attr (disk, "target", "bus");
  bool is_lun = xml_attr_is (disk, "device", "lun");

  if (dev == NULL)
    return no_target (load, disk);
  if (check_source (load, disk) == -1)
    return -1;
  if (xml_attr_is (disk, "sgio", "unfiltered"))
    return xml_unsupported (load, "unfiltered sgio is no longer supported");
  if ((is_lun ? check_lun (load, disk) : check_no_lun (load, disk)) == -1
      || check_iotune (load, disk) == -1
      || check_bus (load, disk, dev, bus) == -1)
    return -1;
  if (disk->kind == STORAGE_NVME
      && xml_attr_is (xml_child (disk, "source"), "namespace", "0"))
    return xml_unsupported (load, "NVMe namespace can't be zero");
  if (check_kind (load, disk, bus) == -1 || check_policy (load, disk) == -1
      || check_wwn (load, xml_path_text (disk, "wwn")) == -1)
    return -1;
  return check_dev (load, disk, dev);
}
