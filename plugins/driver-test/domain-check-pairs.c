/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Devices that must not be there twice: disks of one name, drives at one
 * address, one host device for two.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "plugins/driver-test/domain-devices.h"

static bool
same (const char *a, const char *b)
{
  return a == NULL || b == NULL ? a == b : strcmp (a, b) == 0;
}

static bool
same_attr (const struct xml_node *a, const struct xml_node *b,
           const char *path, const char *attr)
{
  return same (xml_path_attr (a, path, attr), xml_path_attr (b, path, attr));
}

static const char *
path_of (const struct xml_node *disk)
{
  static const char *const attrs[] = { "file", "dev", "dir", "name" };
  const char *path = NULL;

  for (size_t i = 0; i < COUNT_OF (attrs) && path == NULL; i++)
    path = xml_path_attr (disk, "source", attrs[i]);
  return path ? path : "<null>";
}

int
domain_disks_check (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *disk = xml_path (root, "devices/disk"), *other;

  for (; disk; disk = xml_next (disk))
    for (other = xml_next (disk); other; other = xml_next (other))
      if (same_attr (disk, other, "target", "dev"))
        return xml_wrong (load, "target '%s' duplicated for disk sources "
                          "'%s' and '%s'",
                          xml_path_attr (disk, "target", "dev"),
                          path_of (disk), path_of (other));
  return 0;
}

static bool
is_scsi (const struct xml_node *hostdev)
{
  return xml_attr_is (hostdev, "mode", "subsystem")
         && xml_attr_is (hostdev, "type", "scsi");
}

static const struct xml_node *
drive_of (const struct xml_node *device)
{
  const struct xml_node *address = xml_child (device, "address");

  return xml_attr_is (address, "type", "drive") ? address : NULL;
}

static bool
same_drive (const struct xml_node *a, const struct xml_node *b)
{
  static const char *const parts[] = { "controller", "bus", "target",
                                       "unit" };

  for (size_t i = 0; a && b && i < COUNT_OF (parts); i++)
    if (!same (xml_attr (a, parts[i]), xml_attr (b, parts[i])))
      return false;
  return a && b;
}

static int
check_disk_drives (struct xml_load *load, const struct xml_node *devices)
{
  const struct xml_node *disk = xml_child (devices, "disk"), *other, *drive;

  for (; disk; disk = xml_next (disk)) {
    drive = drive_of (disk);
    for (other = xml_next (disk); other; other = xml_next (other))
      if (same_attr (disk, other, "target", "bus")
          && same_drive (drive, drive_of (other)))
        return xml_unsupported (load, "Found duplicate drive address for "
                                "disk with target name '%s' controller='%s' "
                                "bus='%s' target='%s' unit='%s'",
                                xml_path_attr (disk, "target", "dev"),
                                xml_attr (drive, "controller"),
                                xml_attr (drive, "bus"),
                                xml_attr (drive, "target"),
                                xml_attr (drive, "unit"));
  }
  return 0;
}

/* Bus and controller change places in these messages, as clients know. */
static int
in_use (struct xml_load *load, const struct xml_node *drive, const char *what)
{
  return xml_unsupported (load, "SCSI host address controller='%s' bus='%s' "
                          "target='%s' unit='%s' in use by another SCSI %s",
                          xml_attr (drive, "bus"),
                          xml_attr (drive, "controller"),
                          xml_attr (drive, "target"),
                          xml_attr (drive, "unit"), what);
}

static const struct xml_node *
scsi_disk_at (const struct xml_node *devices, const struct xml_node *drive)
{
  const struct xml_node *disk = xml_child (devices, "disk");

  for (; disk; disk = xml_next (disk))
    if (xml_attr_is (xml_child (disk, "target"), "bus", "scsi")
        && same_drive (drive_of (disk), drive))
      return disk;
  return NULL;
}

int
domain_drives_check (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *devices = xml_child (root, "devices");
  const struct xml_node *dev = xml_child (devices, "hostdev"), *other;

  if (check_disk_drives (load, devices) == -1)
    return -1;
  for (; dev; dev = xml_next (dev)) {
    if (!is_scsi (dev) || drive_of (dev) == NULL)
      continue;
    for (other = xml_next (dev); other; other = xml_next (other))
      if (is_scsi (other) && same_drive (drive_of (dev), drive_of (other)))
        return in_use (load, drive_of (dev), "host device");
    if (scsi_disk_at (devices, drive_of (dev)))
      return in_use (load, drive_of (dev), "disk");
  }
  return 0;
}

static bool
same_parts (const struct xml_node *a, const struct xml_node *b,
            const char *path, const char *const *attrs)
{
  for (; *attrs; attrs++)
    if (!same_attr (a, b, path, *attrs))
      return false;
  return true;
}

static bool
same_usb (const struct xml_node *a, const struct xml_node *b)
{
  const struct xml_node *address = xml_child (a, "address");

  if (address && !xml_attr_is (address, "bus", "0")
      && !xml_attr_is (address, "device", "0"))
    return same_parts (a, b, "address", NAMES ("bus", "device"));
  return same_attr (a, b, "vendor", "id") && same_attr (a, b, "product", "id");
}

static bool
same_hostdev (const struct xml_node *a, const struct xml_node *b)
{
  const struct xml_node *from_a = xml_child (a, "source");
  const struct xml_node *from_b = xml_child (b, "source");

  if (!same (xml_attr (a, "mode"), xml_attr (b, "mode"))
      || !same (xml_attr (a, "type"), xml_attr (b, "type")))
    return false;
  if (xml_attr_is (a, "type", "usb"))
    return same_usb (from_a, from_b);
  if (xml_attr_is (a, "type", "pci"))
    return same_parts (from_a, from_b, "address",
                       NAMES ("domain", "bus", "slot", "function"));
  if (xml_attr_is (a, "type", "mdev"))
    return same_attr (from_a, from_b, "address", "uuid");
  if (xml_attr_is (a, "type", "scsi_host"))
    return same_parts (from_a, from_b, "", NAMES ("protocol", "wwpn"));
  if (xml_attr_is (a, "type", "scsi"))
    return same_parts (from_a, from_b, "", NAMES ("protocol", "name"))
           && same_parts (from_a, from_b, "host", NAMES ("name", "port"))
           && same_attr (from_a, from_b, "adapter", "name")
           && same_parts (from_a, from_b, "address",
                          NAMES ("bus", "target", "unit"));
  return same (xml_path_text (from_a, "block"), xml_path_text (from_b,
                                                               "block"))
         && same (xml_path_text (from_a, "char"),
                  xml_path_text (from_b, "char"))
         && same (xml_path_text (from_a, "interface"),
                  xml_path_text (from_b, "interface"));
}

int
domain_hostdevs_check (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *dev = xml_path (root, "devices/hostdev"), *other;
  bool has_ramfb = false;

  for (; dev; dev = xml_next (dev)) {
    for (other = xml_next (dev); other; other = xml_next (other))
      if (same_hostdev (dev, other))
        return xml_wrong (load, "Hostdev already exists in the domain "
                          "configuration");
    if (!xml_attr_is (dev, "ramfb", "on"))
      continue;
    if (has_ramfb)
      return xml_unsupported (load, "Only one vgpu device can have 'ramfb' "
                              "enabled");
    has_ramfb = true;
  }
  return 0;
}

/* The kind of address that each kind of host device may have. */
static int
check_hostdev_address (struct xml_load *load, const char *type,
                       const char *address)
{
  if (strcmp (type, "pci") == 0 && strcmp (address, "pci") != 0
      && strcmp (address, "unassigned") != 0)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                     "PCI host devices must use 'pci' or 'unassigned' "
                     "address type");
  if (strcmp (type, "scsi") == 0 && strcmp (address, "drive") != 0)
    return xml_unsupported (load, "SCSI host device must use 'drive' address "
                            "type");
  if (strcmp (type, "scsi_host") == 0 && strcmp (address, "pci") != 0
      && strcmp (address, "ccw") != 0)
    return xml_unsupported (load, "SCSI_host host device must use 'pci' or "
                            "'ccw' address type");
  if (strcmp (type, "usb") == 0 && strcmp (address, "usb") != 0)
    return xml_unsupported (load, "USB host device must use 'usb' address "
                            "type");
  return 0;
}

int
domain_hostdev_check (struct xml_load *load, struct xml_node *hostdev)
{
  const char *type = xml_attr (hostdev, "type");
  const char *address = xml_path_attr (hostdev, "address", "type");
  const struct xml_node *teaming = xml_child (hostdev, "teaming");

  if (address && check_hostdev_address (load, type, address) == -1)
    return -1;
  if (xml_attr_is (hostdev, "sgio", "unfiltered"))
    return xml_unsupported (load, "unfiltered sgio is no longer supported");
  if (strcmp (type, "usb") == 0 && domain_usb_is_off (hostdev->parent))
    return xml_unsupported (load, "Can't add host USB device: USB is "
                            "disabled in this host");
  if (teaming == NULL)
    return 0;
  if (!xml_attr_is (teaming, "type", "transient"))
    return xml_unsupported (load, "teaming hostdev devices must have "
                            "type='transient'");
  if (xml_attr (teaming, "persistent") == NULL)
    return xml_unsupported (load, "missing required persistent attribute in "
                            "hostdev teaming element");
  if (strcmp (type, "pci") != 0)
    return xml_unsupported (load, "teaming is only supported for pci hostdev "
                            "devices");
  return 0;
}

int
domain_fss_check (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *fs = xml_path (root, "devices/filesystem"), *other;

  for (; fs; fs = xml_next (fs))
    for (other = xml_next (fs); other; other = xml_next (other))
      if (xml_attr_is (xml_child (fs, "driver"), "type", "virtiofs")
          && xml_attr_is (xml_child (other, "driver"), "type", "virtiofs")
          && same_attr (fs, other, "target", "dir"))
        return xml_unsupported (load, "filesystem target '%s' specified "
                                "twice", xml_path_attr (fs, "target", "dir"));
  return 0;
}

/* Addresses for SCSI host devices: the first unit of the first controller
 * that neither a disk nor another such device has. */
#define NARROW_UNITS 7

static bool
is_taken (const struct xml_node *devices, const struct xml_node *drive,
          const struct xml_node *own)
{
  const struct xml_node *dev = xml_child (devices, "hostdev");

  for (; dev; dev = xml_next (dev))
    if (dev != own && is_scsi (dev) && same_drive (drive_of (dev), drive))
      return true;
  return scsi_disk_at (devices, drive) != NULL;
}

static int
assign_drive (struct xml_load *load, struct xml_node *hostdev)
{
  struct xml_node *address = xml_child_add (hostdev, "address");
  unsigned slot = 0;

  if (address == NULL)
    return domain_no_memory (load);
  address->kind = ADDRESS_DRIVE;
  do
    if (xml_attr_set (address, "type", "drive") == -1
        || xml_attr_setf (address, "controller", "%u",
                          slot / NARROW_UNITS) == -1
        || xml_attr_set (address, "bus", "0") == -1
        || xml_attr_set (address, "target", "0") == -1
        || xml_attr_setf (address, "unit", "%u", slot % NARROW_UNITS) == -1)
      return domain_no_memory (load);
  while (slot++ < DOMAIN_CONTROLLERS_MAX
         && is_taken (hostdev->parent, address, hostdev));
  return 0;
}

static int
post_mdev (struct xml_load *load, const struct xml_node *hostdev)
{
  const char *type = xml_path_attr (hostdev, "address", "type");
  const char *model = xml_attr (hostdev, "model");

  if (type == NULL)
    return 0;
  if ((strcmp (model, "vfio-pci") == 0 && strcmp (type, "pci") != 0)
      || (strcmp (model, "vfio-ccw") == 0 && strcmp (type, "ccw") != 0))
    return xml_wrong (load, "Unsupported address type '%s' with mediated "
                      "device model '%s'", type, model);
  return 0;
}

int
domain_hostdev_post (struct xml_load *load, struct xml_node *hostdev)
{
  const struct xml_node *drive;

  if (xml_attr_is (hostdev, "type", "mdev"))
    return post_mdev (load, hostdev);
  if (!is_scsi (hostdev))
    return 0;
  if (xml_child (hostdev, "address") == NULL
      && assign_drive (load, hostdev) == -1)
    return -1;
  drive = drive_of (hostdev);
  if (drive && scsi_disk_at (hostdev->parent, drive))
    return xml_wrong (load, "SCSI host address controller='%s' bus='%s' "
                      "target='%s' unit='%s' in use by a SCSI disk",
                      xml_attr (drive, "controller"), xml_attr (drive, "bus"),
                      xml_attr (drive, "target"), xml_attr (drive, "unit"));
  return 0;
}

/* Controllers 0 to the highest that a SCSI host device is on, of the model
 * that the last of them with a model has. */
int
domain_hostdev_imply (struct xml_load *load, struct xml_node *devices)
{
  const struct xml_node *dev = xml_child (devices, "hostdev"), *controller;
  const char *model = NULL;
  long long highest = -1, at;

  for (; dev; dev = xml_next (dev)) {
    at = is_scsi (dev) && drive_of (dev)
         ? domain_attr_number (drive_of (dev), "controller") : -1;
    if (at <= highest)
      continue;
    highest = at;
    controller = domain_controller_find (devices, "scsi", at);
    if (controller && xml_attr (controller, "model"))
      model = xml_attr (controller, "model");
  }
  if (highest > DOMAIN_CONTROLLERS_MAX)
    return domain_no_memory (load);
  for (long long i = 0; i <= highest; i++)
    if (domain_controller_add (load, devices, "scsi", i, model) == -1)
      return -1;
  return 0;
}

/* A disk may not be put where a SCSI host device says it is. */
int
domain_scsi_free (struct xml_load *load, const struct xml_node *disk)
{
  const struct xml_node *dev = xml_child (disk->parent, "hostdev"), *drive;

  for (; dev; dev = xml_next (dev)) {
    drive = is_scsi (dev) ? drive_of (dev) : NULL;
    if (same_drive (drive, drive_of (disk)))
      return xml_unsupported (load, "using disk target name '%s' conflicts "
                              "with SCSI host device address "
                              "controller='%s' bus='%s' target='%s' "
                              "unit='%s", xml_path_attr (disk, "target",
                                                         "dev"),
                              xml_attr (drive, "controller"),
                              xml_attr (drive, "bus"),
                              xml_attr (drive, "target"),
                              xml_attr (drive, "unit"));
  }
  return 0;
}
