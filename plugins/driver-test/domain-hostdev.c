/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Devices of the host or of a remote viewer, given to the guest: <hostdev>,
 * <redirdev> with its filter, <smartcard>.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/uuid.h"
#include "plugins/driver-test/domain-devices.h"

enum hostdev { HOSTDEV_USB, HOSTDEV_PCI, HOSTDEV_SCSI, HOSTDEV_SCSI_HOST,
               HOSTDEV_MDEV, HOSTDEV_STORAGE, HOSTDEV_MISC, HOSTDEV_NET };

#define IS(kind) XT_WHEN (HOSTDEV_##kind)
#define WHEN(kinds) .when = (kinds)
#define SUBSYSTEM                                                       \
  (IS (USB) | IS (PCI) | IS (SCSI) | IS (SCSI_HOST) | IS (MDEV))

static const char *const subsys_names[] = {
  "usb", "pci", "scsi", "scsi_host", "mdev", NULL
};
static const char *const caps_names[] = {
  "storage", "misc", "net", NULL
};

const struct xml_spec domain_hostdev_attrs[] = {
  { "mode", XT_ENUM, UNSUPPORTED, .dflt = "subsystem",
    .names = NAMES ("subsystem", "capabilities"),
    .bad = "unknown hostdev mode '%s'" },
  { "type", .flags = XT_MADE },
  { "managed", .flags = XT_MADE },
  { "sgio", .flags = XT_MADE },
  { "rawio", .flags = XT_MADE },
  { "model", .flags = XT_MADE },
  { "display", .flags = XT_MADE },
  { "ramfb", .flags = XT_MADE },
  { 0 }
};

static int
read_caps (struct xml_load *load, struct xml_node *node, const char *type)
{
  int kind;

  if (type == NULL)
    return xml_wrong (load, "missing source capability type");
  kind = xml_enum (caps_names, type);
  if (kind == -1)
    return xml_unsupported (load, "unknown host device source capability "
                            "'%s'", type);
  node->kind = HOSTDEV_STORAGE + kind;
  return xml_attr_set (node, "type", type) == -1 ? domain_no_memory (load)
                                                 : 0;
}

static int
read_scsi (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const sgio_names[] = {
    "default", "filtered", "unfiltered", NULL
  };
  static const struct xml_spec sgio = {
    "sgio", XT_ENUM, XT_NONZERO, .names = sgio_names
  };
  static const struct xml_spec rawio = { "rawio", XT_BOOL };

  if (domain_read_attr (load, node, src, &sgio) == -1
      || domain_read_attr (load, node, src, &rawio) == -1)
    return -1;
  if (node->kind == HOSTDEV_SCSI)
    return 0;
  if (xml_attr (node, "sgio"))
    return xml_wrong (load, "sgio is only supported for scsi host device");
  if (xml_attr (node, "rawio"))
    return xml_wrong (load, "rawio is only supported for scsi host device");
  return 0;
}

static int
read_model (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const mdev_names[] = {
    "vfio-pci", "vfio-ccw", "vfio-ap", NULL
  };
  static const char *const vhost_names[] = {
    "default", "virtio", "virtio-transitional", "virtio-non-transitional",
    NULL
  };
  static const struct xml_spec mdev = {
    "model", XT_ENUM, XT_REQUIRED, .names = mdev_names
  };
  static const struct xml_spec vhost = {
    "model", XT_ENUM, XT_HIDE_ZERO, .names = vhost_names
  };
  static const struct xml_spec display = { "display", XT_SWITCH };
  static const struct xml_spec ramfb = { "ramfb", XT_SWITCH };
  CLEANUP_FREE char *model = xml_src_attr (src, "model");

  if (node->kind == HOSTDEV_SCSI_HOST)
    return domain_read_attr (load, node, src, &vhost);
  if (node->kind != HOSTDEV_MDEV && model)
    return xml_wrong (load, "'model' attribute in <hostdev> is only supported "
                      "when type='%s'", subsys_names[node->kind]);
  if (node->kind != HOSTDEV_MDEV)
    return 0;
  if (domain_read_attr (load, node, src, &mdev) == -1
      || domain_read_attr (load, node, src, &display) == -1)
    return -1;
  return domain_read_attr (load, node, src, &ramfb);
}

static int
read_subsys (struct xml_load *load, struct xml_node *node, xmlNode *src,
             const char *type)
{
  CLEANUP_FREE char *managed = xml_src_attr (src, "managed");
  xmlNode *source = xml_src_child (src, "source");
  CLEANUP_FREE char *policy = xml_src_attr (source, "startupPolicy");
  int kind;

  if (type == NULL)
    return xml_wrong (load, "missing source address type");
  kind = xml_enum (subsys_names, type);
  if (kind == -1)
    return xml_unsupported (load, "unknown host device source address type "
                            "'%s'", type);
  node->kind = kind;
  if (source == NULL)
    return xml_wrong (load, "Missing <source> element in hostdev device");
  if (kind != HOSTDEV_USB && policy)
    return xml_unsupported (load, "Setting startupPolicy is only allowed for "
                            "USB devices");
  if (xml_attr_set (node, "type", type) == -1
      || xml_attr_set (node, "managed",
                       managed && strcmp (managed, "yes") == 0 ? "yes"
                       : "no") == -1)
    return domain_no_memory (load);
  return read_scsi (load, node, src) == -1 ? -1
         : read_model (load, node, src);
}

int
domain_hostdev_before (struct xml_load *load, struct xml_node *node,
                       xmlNode *src)
{
  CLEANUP_FREE char *type = xml_src_attr (src, "type");

  if (xml_attr_is (node, "mode", "capabilities"))
    return read_caps (load, node, type);
  return read_subsys (load, node, src, type);
}

#define USB_ID(tag, more)                                               \
  { tag, WHEN (IS (USB)), .attrs = ATTRS (                              \
      { "id", XT_UINT, XT_REQUIRED | XT_BASE0 | XT_HEX | more,          \
        .format = "0x%.4x" }) }
#define USB_AT(tag) { tag, XT_UINT, XT_REQUIRED | XT_BASE0,             \
                      WHEN (IS (USB)) }
#define SCSI_AT(tag, type) { tag, type, XT_REQUIRED | XT_BASE0,         \
                             WHEN (IS (SCSI)) }
#define PCI_AT(tag, text, zero)                                         \
  { tag, XT_UINT, XT_BASE0 | XT_HEX, WHEN (IS (PCI)), .format = text,   \
    .dflt = zero }

static int
address_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (node->kind == HOSTDEV_PCI)
    return domain_pci_after (load, node, src) == -1 ? -1 : 0;
  if (node->kind == HOSTDEV_USB)
    return xml_attr_is (node, "bus", "0")
           && xml_attr_is (node, "device", "0");
  return 0;
}

static bool
is_iscsi (const struct xml_node *source)
{
  return xml_attr_is (source, "protocol", "iscsi");
}

static int
host_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (!is_iscsi (node->parent))
    return 1;
  if (xml_attr (node, "name") == NULL)
    return xml_wrong (load, "missing name for host");
  return domain_port_before (load, node, src);
}

static int
check_usb (struct xml_load *load, const struct xml_node *source)
{
  bool has_vendor = xml_child (source, "vendor");
  bool has_product = xml_child (source, "product");

  if (has_vendor != has_product)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                     has_vendor ? "missing product" : "missing vendor");
  return 0;
}

static int
check_scsi (struct xml_load *load, struct xml_node *source)
{
  const char *name = xml_attr (source, "name");

  if (is_iscsi (source)) {
    if (name == NULL)
      return xml_wrong (load, "missing iSCSI hostdev source path name");
    if (xml_child (source, "host") == NULL)
      return xml_wrong (load, "missing the host address for the iSCSI "
                        "hostdev");
    xml_node_free (xml_child (source, "adapter"));
    xml_node_free (xml_child (source, "address"));
    return strchr (name, '/') ? 0
           : xml_attr_setf (source, "name", "%s/0", name);
  }
  if (xml_child (source, "address") == NULL)
    return xml_wrong (load, "'address' must be specified for scsi hostdev "
                      "source");
  if (xml_child (source, "adapter") == NULL)
    return xml_wrong (load, "'adapter' name must be specified for scsi "
                      "hostdev source");
  xml_node_free (xml_child (source, "initiator"));
  xml_node_free (xml_child (source, "auth"));
  xml_attr_set (source, "name", NULL);
  return xml_attr_set (source, "protocol", NULL);
}

static int
check_mdev (struct xml_load *load, struct xml_node *source, xmlNode *src)
{
  CLEANUP_FREE char *uuid = xml_src_attr (xml_src_child (src, "address"),
                                          "uuid");
  struct xml_node *address;
  unsigned char bytes[16];
  char text[37];

  if (xml_src_child (src, "address") == NULL)
    return xml_unsupported (load, "Missing <address> element");
  if (uuid == NULL)
    return xml_unsupported (load, "Missing 'uuid' attribute for element "
                            "<address>");
  if (!uuid_parse (uuid, bytes))
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                     "Cannot parse uuid attribute of element <address>");
  uuid_format (bytes, text);
  address = xml_child_make (source, "address");
  return address == NULL || xml_attr_set (address, "uuid", text) == -1
         ? domain_no_memory (load) : 0;
}

static int
check_vhost (struct xml_load *load, struct xml_node *source)
{
  const char *wwpn = xml_attr (source, "wwpn");

  if (wwpn == NULL)
    return xml_wrong (load, "missing vhost-scsi hostdev source wwpn");
  if (strncmp (wwpn, "naa.", 4) != 0 || strlen (wwpn) != 20
      || wwpn[4 + strspn (wwpn + 4, "0123456789abcdefABCDEF")])
    return xml_wrong (load, "malformed 'wwpn' value");
  return 0;
}

/* An address that is missing is all zero. */
static int
check_pci (struct xml_load *load, struct xml_node *source)
{
  struct xml_node *address = xml_child (source, "address");

  if (address)
    return 0;
  address = xml_child_add (source, "address");
  if (address == NULL || xml_attr_set (address, "domain", "0x0000") == -1
      || xml_attr_set (address, "bus", "0x00") == -1
      || xml_attr_set (address, "slot", "0x00") == -1
      || xml_attr_set (address, "function", "0x0") == -1)
    return domain_no_memory (load);
  return 0;
}

static int
source_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  switch (node->kind) {
  case HOSTDEV_USB:
    return check_usb (load, node);
  case HOSTDEV_PCI:
    return check_pci (load, node);
  case HOSTDEV_SCSI:
    return check_scsi (load, node);
  case HOSTDEV_SCSI_HOST:
    return check_vhost (load, node);
  case HOSTDEV_MDEV:
    return check_mdev (load, node, src);
  }
  return 0;
}

const struct xml_elem domain_hostdev_kids[] = {
  { "driver", WHEN (IS (PCI)), .attrs = ATTRS (
      { "name", XT_ENUM, XT_NONZERO,
        .names = NAMES ("default", "kvm", "vfio", "xen") }) },
  { "source", .after = source_after, .flags = XT_KEEP, .attrs = ATTRS (
      { "startupPolicy", XT_ENUM, XT_NONZERO, WHEN (IS (USB)),
        .names = NAMES ("default", "mandatory", "requisite", "optional") },
      { "guestReset", XT_ENUM, XT_NONZERO, WHEN (IS (USB)),
        .names = NAMES ("default", "off", "uninitialized", "on") },
      { "writeFiltering", XT_BOOL, WHEN (IS (PCI)) },
      { "protocol", XT_ENUM, UNSUPPORTED, WHEN (IS (SCSI)),
        .names = NAMES ("adapter", "iscsi"),
        .bad = "Unknown SCSI subsystem protocol '%s'" },
      { "protocol", XT_ENUM, XT_REQUIRED | XT_NONZERO, UNSUPPORTED,
        WHEN (IS (SCSI_HOST)), .names = NAMES ("none", "vhost"),
        .bad = "Unknown scsi_host subsystem protocol '%s'",
        .missing = "Missing scsi_host subsystem protocol" },
      { "name", WHEN (IS (SCSI)) },
      { "wwpn", WHEN (IS (SCSI_HOST)) }),
    .kids = KIDS (
      USB_ID ("vendor", XT_NONZERO),
      USB_ID ("product", 0),
      { "adapter", WHEN (IS (SCSI)),
        .attrs = ATTRS ({ "name", .flags = XT_NOT_EMPTY }) },
      { "address", .after = address_after, .attrs = ATTRS (
          PCI_AT ("domain", "0x%04x", "0x0000"),
          PCI_AT ("bus", "0x%02x", "0x00"),
          PCI_AT ("slot", "0x%02x", "0x00"),
          PCI_AT ("function", "0x%d", "0x0"),
          USB_AT ("bus"), USB_AT ("device"),
          SCSI_AT ("bus", XT_UINT), SCSI_AT ("target", XT_UINT),
          SCSI_AT ("unit", XT_ULL),
          { "uuid", .flags = XT_MADE, WHEN (IS (MDEV)) }) },
      { "host", WHEN (IS (SCSI)), .before = host_before, .attrs = ATTRS (
          { "name" }, { "port", .flags = XT_MADE }) },
      STORAGE_AUTH,
      { "initiator", WHEN (IS (SCSI)), .kids = KIDS (
          { "iqn", .attrs = ATTRS ({ "name", .flags = XT_NOT_EMPTY }) }) },
      { "block", WHEN (IS (STORAGE)), .text = TEXT (0) },
      { "char", WHEN (IS (MISC)), .text = TEXT (0) },
      { "interface", WHEN (IS (NET)), .text = TEXT (0) }) },
  { "teaming", .attrs = ATTRS (
      { "type", XT_ENUM, XT_REQUIRED | XT_NONZERO, UNSUPPORTED,
        .names = NAMES ("none", "persistent", "transient"),
        .bad = "unknown teaming type '%s'" },
      { "persistent", .flags = XT_NOT_EMPTY }) },
  { "readonly", WHEN (IS (SCSI)), .flags = XT_KEEP },
  { "shareable", WHEN (IS (SCSI)), .flags = XT_KEEP },
  INFO_BOOT,
  INFO_ALIAS,
  INFO_ROM,
  INFO_ACPI,
  INFO_ADDRESS,
  { 0 }
};

const struct xml_spec domain_redirdev_attrs[] = {
  { "bus", XT_ENUM, UNSUPPORTED, .names = NAMES ("usb"), .dflt = "usb",
    .bad = "unknown redirdev bus '%s'" },
  { "type", XT_ENUM, XT_REQUIRED | XT_KIND, UNSUPPORTED,
    .names = domain_char_names,
    .bad = "unknown redirdev character device type '%s'",
    .missing = "missing type in redirdev",
    .missing_code = VIRGATE_ERR_INTERNAL_ERROR },
  { 0 }
};

const struct xml_elem domain_redirdev_kids[] = {
  CHAR_SOURCE,
  INFO_BOOT,
  INFO_KIDS,
  { 0 }
};

int
domain_redirdev_after (struct xml_load *load, struct xml_node *node,
                       xmlNode *src)
{
  const struct xml_node *address = xml_child (node, "address");
  struct xml_node *source;

  if (address && !xml_attr_is (address, "type", "usb"))
    return xml_wrong (load, "Invalid address for a USB device");
  if (node->kind != CHAR_DBUS || xml_path_attr (node, "source", "channel"))
    return 0;
  source = xml_child_make (node, "source");
  return source == NULL
         || xml_attr_set (source, "channel", "org.qemu.usbredir") == -1
         ? domain_no_memory (load) : 0;
}

/* A version of USB: at most two digits on either side of the dot. */
static int
usbdev_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *version = xml_attr (node, "version");
  unsigned major, minor;
  int before = 0, len = 0;

  if (version && strcmp (version, "-1") == 0)
    return xml_attr_set (node, "version", NULL);
  if (version) {
    if (sscanf (version, "%u.%n%u%n", &major, &before, &minor, &len) != 2
        || version[len] || major >= 100 || minor >= 100)
      return xml_wrong (load, "Cannot parse USB device version %s", version);
    if (len - before == 1)
      minor *= 10;
    return xml_attr_setf (node, "version", "%u.%02u", major, minor);
  }
  return 0;
}

/* Minus one stands for any. */
#define USB_PART(tag, text)                                             \
  { tag, XT_INT, XT_BASE0 | XT_HEX, .format = text }

static int
usbdev_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const parts[] = { "class", "vendor", "product" };

  for (size_t i = 0; i < 3; i++) {
    CLEANUP_FREE char *value = xml_src_attr (src, parts[i]);
    long long number;

    if (value == NULL || xml_ll (value, 0, &number) == -1)
      continue;
    if (number < 0)
      xml_attr_set (node, parts[i], NULL);
    else if (i == 0 && number > 0xff)
      return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                       "Invalid USB Class code 0x%llx", number);
  }
  return 0;
}

const struct xml_elem domain_redirfilter_kids[] = {
  { "usbdev", .flags = XT_MANY, .before = usbdev_before,
    .after = usbdev_after, .attrs = ATTRS (
      USB_PART ("class", "0x%02X"),
      USB_PART ("vendor", "0x%04X"),
      USB_PART ("product", "0x%04X"),
      { "version" },
      { "allow", XT_BOOL, XT_REQUIRED }) },
  { 0 }
};

#define CERTIFICATES 3

const struct xml_spec domain_smartcard_attrs[] = {
  { "mode", XT_ENUM, XT_REQUIRED,
    .names = NAMES ("host", "host-certificates", "passthrough") },
  { "type", .flags = XT_MADE },
  { 0 }
};

int
domain_smartcard_before (struct xml_load *load, struct xml_node *node,
                         xmlNode *src)
{
  CLEANUP_FREE char *type = xml_src_attr (src, "type");
  xmlNode *certificate = xml_src_child (src, "certificate");
  unsigned count = 0;
  int kind;

  node->kind = CHAR_NULL;
  for (; certificate;
       certificate = xml_src_next (certificate, "certificate"))
    count++;
  if (xml_attr_is (node, "mode", "host-certificates")
      && count != CERTIFICATES)
    return xml_wrong (load, "host-certificates mode needs exactly three "
                      "certificates");
  if (!xml_attr_is (node, "mode", "passthrough"))
    return 0;
  if (type == NULL)
    return xml_wrong (load, "passthrough mode requires a character device "
                      "type attribute");
  kind = xml_enum (domain_char_names, type);
  if (kind == -1)
    return xml_unsupported (load, "unknown type presented to host for "
                            "character device: %s", type);
  node->kind = kind;
  if (xml_attr_set (node, "type", type) == -1)
    return domain_no_memory (load);
  return domain_char_before (load, node, src);
}

static int
certificate_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (!xml_attr_is (node->parent, "mode", "host-certificates"))
    return 1;
  if (strcmp (xml_name (node), "database") == 0 && node->text
      && *node->text != '/')
    return xml_wrong (load, "expecting absolute path: %s", node->text);
  return 0;
}

const struct xml_elem domain_smartcard_kids[] = {
  { "certificate", .flags = XT_MANY, .text = TEXT (0),
    .after = certificate_after },
  { "database", .text = TEXT (0), .after = certificate_after },
  CHAR_SOURCE,
  INFO_KIDS,
  { 0 }
};
