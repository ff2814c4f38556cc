/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What all devices have in common: alias, boot order, where they are plugged
 * in; and labels of their sources.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-devices.h"

#define LABEL_MAX 4095
#define LOADPARM_MAX 8
#define USB_PORT_DEPTH 4

int
domain_read_attr (struct xml_load *load, struct xml_node *node, xmlNode *src,
                  const struct xml_spec *spec)
{
  CLEANUP_FREE char *source = xml_src_attr (src, spec->name), *value = NULL;

  if (source == NULL && (spec->flags & XT_REQUIRED))
    return xml_fail (load->err, VIRGATE_FROM_XML, VIRGATE_ERR_XML_ERROR,
                     "Missing required attribute '%s' in element '%s'",
                     spec->name, xml_name (node));
  if (source && xml_value (load, spec, xml_name (node), source, &value) == -1)
    return -1;
  return xml_attr_set (node, spec->name, value) == -1
         ? domain_no_memory (load) : 0;
}

const struct xml_spec domain_boot_attrs[] = {
  { "order", XT_UINT, XT_REQUIRED | XT_NONZERO },
  { "loadparm" },
  { 0 }
};

int
domain_boot_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *value = xml_attr (node, "loadparm");
  char upper[LOADPARM_MAX + 1];
  size_t len = value ? strlen (value) : 0;

  if (value == NULL)
    return 0;
  if (len == 0 || len > LOADPARM_MAX)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                     "loadparm value '%s' must be between 1 and 8 characters",
                     value);
  for (size_t i = 0; i <= len; i++)
    upper[i] = toupper ((unsigned char) value[i]);
  if (upper[strspn (upper, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789. ")])
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                     "invalid loadparm value '%s', expecting chars in set of "
                     "[a-zA-Z0-9.] and blank spaces", upper);
  return xml_attr_set (node, "loadparm", upper) == -1
         ? domain_no_memory (load) : 0;
}

/* An alias of the user's own begins with "ua-"; others belong to a running
 * guest. */
int
domain_alias_after (struct xml_load *load, struct xml_node *node,
                    xmlNode *src)
{
  static const char allowed[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  const char *name = xml_attr (node, "name");

  if (name == NULL)
    return 1;
  if (!domain_load_of (load)->is_inactive)
    return 0;
  return strncmp (name, "ua-", 3) != 0 || name[strspn (name, allowed)];
}

const struct xml_spec domain_rom_attrs[] = {
  { "enabled", XT_BOOL },
  { "bar", XT_SWITCH },
  { "file" },
  { 0 }
};

int
domain_rom_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (xml_attr_is (node, "enabled", "no")
      && (xml_attr (node, "bar") || xml_attr (node, "file")))
    return xml_unsupported (load, "ROM tuning is not supported when ROM is "
                            "disabled");
  return 0;
}

#define WHEN(kind) .when = XT_WHEN (kind)
#define PCI_NUMBER(tag, text, ...)                                      \
  { tag, XT_UINT, XT_BASE0 | XT_HEX, .format = text, .dflt = __VA_ARGS__ }
#define NUMBER(tag, kinds)                                              \
  { tag, XT_UINT, .when = kinds, .dflt = "0" }

const struct xml_spec domain_pci_attrs[] = {
  PCI_NUMBER ("domain", "0x%04x", "0x0000"),
  PCI_NUMBER ("bus", "0x%02x", "0x00"),
  PCI_NUMBER ("slot", "0x%02x", "0x00"),
  PCI_NUMBER ("function", "0x%d", "0x0"),
  { 0 }
};

#define BUS_KINDS                                                       \
  (XT_WHEN (ADDRESS_DRIVE) | XT_WHEN (ADDRESS_VIRTIO_SERIAL)            \
   | XT_WHEN (ADDRESS_USB))

const struct xml_spec domain_address_attrs[] = {
  { "type", XT_ENUM, XT_REQUIRED | XT_NONZERO | XT_KIND, UNSUPPORTED,
    .names = NAMES ("none", "pci", "drive", "virtio-serial", "ccid", "usb",
                    "spapr-vio", "virtio-s390", "ccw", "virtio-mmio", "isa",
                    "dimm", "unassigned"),
    .bad = "unknown address type '%s'",
    .missing = "No type specified for device address",
    .missing_code = VIRGATE_ERR_INTERNAL_ERROR },
  PCI_NUMBER ("domain", "0x%04x", "0x0000", WHEN (ADDRESS_PCI)),
  PCI_NUMBER ("bus", "0x%02x", "0x00", WHEN (ADDRESS_PCI)),
  PCI_NUMBER ("slot", "0x%02x", "0x00", WHEN (ADDRESS_PCI)),
  PCI_NUMBER ("function", "0x%d", "0x0", WHEN (ADDRESS_PCI)),
  { "multifunction", XT_SWITCH, WHEN (ADDRESS_PCI) },
  NUMBER ("controller", XT_WHEN (ADDRESS_DRIVE) | XT_WHEN (ADDRESS_CCID)
                        | XT_WHEN (ADDRESS_VIRTIO_SERIAL)),
  NUMBER ("bus", BUS_KINDS),
  NUMBER ("target", XT_WHEN (ADDRESS_DRIVE)),
  NUMBER ("unit", XT_WHEN (ADDRESS_DRIVE)),
  NUMBER ("port", XT_WHEN (ADDRESS_VIRTIO_SERIAL)),
  { "port", WHEN (ADDRESS_USB) },
  NUMBER ("slot", XT_WHEN (ADDRESS_CCID)),
  { "reg", XT_ULL, XT_BASE16, WHEN (ADDRESS_SPAPR_VIO),
    .format = "0x%08llx" },
  { "cssid", XT_UINT, XT_BASE0 | XT_HEX, WHEN (ADDRESS_CCW),
    .format = "0x%x" },
  { "ssid", XT_UINT, XT_BASE0 | XT_HEX, WHEN (ADDRESS_CCW),
    .format = "0x%x" },
  { "devno", XT_UINT, XT_BASE0 | XT_HEX, WHEN (ADDRESS_CCW),
    .format = "0x%04x" },
  { "iobase", XT_UINT, XT_BASE16 | XT_HEX | XT_HIDE_ZERO, WHEN (ADDRESS_ISA),
    .format = "0x%x" },
  { "irq", XT_UINT, XT_BASE16 | XT_HEX | XT_HIDE_ZERO, WHEN (ADDRESS_ISA),
    .format = "0x%x" },
  { "slot", XT_UINT, XT_REQUIRED, WHEN (ADDRESS_DIMM) },
  { "base", XT_ULL, XT_BASE16 | XT_HIDE_ZERO, WHEN (ADDRESS_DIMM),
    .format = "0x%llx" },
  { 0 }
};

const struct xml_elem domain_address_kids[] = {
  { "zpci", .when = XT_WHEN (ADDRESS_PCI), .attrs = ATTRS (
      { "uid", XT_UINT, XT_BASE0 | XT_HEX, .format = "0x%.4x",
        .dflt = "0x0000" },
      { "fid", XT_UINT, XT_BASE0 | XT_HEX, .format = "0x%.8x",
        .dflt = "0x00000000" }) },
  { 0 }
};

#define BAD_PCI(load, ...)                                              \
  xml_fail ((load)->err, VIRGATE_FROM_NONE, VIRGATE_ERR_XML_ERROR,      \
            "Invalid PCI address " __VA_ARGS__)

/* Returns 1 when the address is all zero. */
int
domain_pci_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  long long bus = domain_attr_number (node, "bus");
  long long slot = domain_attr_number (node, "slot");
  /* Written "0x%d": read it as the decimal that it is. */
  const char *text = xml_attr (node, "function");
  unsigned function = text ? strtoul (text + 2, NULL, 10) : 0;

  if (domain_attr_number (node, "domain") == 0 && bus == 0 && slot == 0)
    return 1;
  if (bus > 0xff)
    return BAD_PCI (load, "bus='0x%llx', must be <= 0xFF", bus);
  if (slot > 0x1f)
    return BAD_PCI (load, "slot='0x%llx', must be <= 0x1F", slot);
  if (function > 7)
    return BAD_PCI (load, "function=0x%x, must be <= 7", function);
  return 0;
}

static int
finish_pci (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const parts[] = { "domain", "bus", "slot", "function" };
  int ret = domain_pci_after (load, node, src);

  for (size_t i = 0; ret == 1 && i < 4; i++)
    if (xml_attr_set (node, parts[i], NULL) == -1)
      return -1;
  return ret == -1 ? -1 : 0;
}

/* Up to four numbers with dots between. */
static int
finish_usb (struct xml_load *load, struct xml_node *node)
{
  const char *port = xml_attr (node, "port");
  unsigned long number;
  char text[64], *end;
  size_t len = 0;

  if (port == NULL)
    return 0;
  for (size_t i = 0; i < USB_PORT_DEPTH; i++) {
    number = strtoul (port, &end, 10);
    if (end == port || *port == '-' || number > 0xffffffff)
      break;
    if (number || i == 0)
      len += snprintf (text + len, sizeof text - len, i ? ".%lu" : "%lu",
                       number);
    if (*end == '\0')
      return xml_attr_set (node, "port", len && *text != '0' ? text : NULL);
    port = end + (*end == '.');
  }
  return xml_fail (load->err, VIRGATE_FROM_DEVICE,
                   VIRGATE_ERR_INTERNAL_ERROR,
                   "Cannot parse <address> 'port' attribute");
}

static int
finish_ccw (struct xml_load *load, struct xml_node *node)
{
  bool has_cssid = xml_attr (node, "cssid");
  bool has_ssid = xml_attr (node, "ssid");
  bool has_devno = xml_attr (node, "devno");
  unsigned cssid = domain_attr_number (node, "cssid");
  unsigned ssid = domain_attr_number (node, "ssid");
  unsigned devno = domain_attr_number (node, "devno");

  if (cssid > 254 || ssid > 3 || devno > 65535)
    return xml_fail (load->err, VIRGATE_FROM_DEVICE,
                     VIRGATE_ERR_INTERNAL_ERROR,
                     "Invalid specification for virtio ccw address: "
                     "cssid='0x%x' ssid='0x%x' devno='0x%04x'", cssid, ssid,
                     devno);
  if (has_cssid != has_ssid || has_ssid != has_devno)
    return xml_fail (load->err, VIRGATE_FROM_DEVICE,
                     VIRGATE_ERR_INTERNAL_ERROR,
                     "Invalid partial specification for virtio ccw address");
  return xml_attr_setf (node, "cssid", "0x%x", cssid) == -1
         || xml_attr_setf (node, "ssid", "0x%x", ssid) == -1
         || xml_attr_setf (node, "devno", "0x%04x", devno) == -1 ? -1 : 0;
}

int
domain_address_after (struct xml_load *load, struct xml_node *node,
                      xmlNode *src)
{
  switch (node->kind) {
  case ADDRESS_PCI:
    return finish_pci (load, node, src);
  case ADDRESS_USB:
    return finish_usb (load, node);
  case ADDRESS_CCW:
    return finish_ccw (load, node);
  case ADDRESS_VIRTIO_S390:
    return xml_wrong (load, "virtio-s390 bus doesn't have an address");
  }
  return 0;
}

int
domain_virtio_absent (struct xml_load *load, const struct xml_node *driver)
{
  static const struct {
    const char *attr;
    const char *what;
  } options[] = {
    { "iommu", "iommu driver" }, { "ats", "ats driver" },
    { "packed", "packed driver" }, { "page_per_vq", "page_per_vq" }
  };

  for (size_t i = 0; i < 4; i++)
    if (xml_attr (driver, options[i].attr))
      return xml_unsupported (load, "%s option is only supported for virtio "
                              "devices", options[i].what);
  return 0;
}

const struct xml_spec domain_reconnect_attrs[] = {
  { "enabled", XT_BOOL },
  { "timeout", .flags = XT_MADE },
  { 0 }
};

int
domain_reconnect_after (struct xml_load *load, struct xml_node *node,
                        xmlNode *src)
{
  static const struct xml_spec timeout = { "timeout", XT_UINT, XT_REQUIRED };

  return xml_attr_is (node, "enabled", "yes")
         ? domain_read_attr (load, node, src, &timeout) : 0;
}

const struct xml_spec domain_device_label_attrs[] = {
  { "model" },
  { "relabel", XT_BOOL, .dflt = "yes" },
  { 0 }
};

int
domain_device_label_after (struct xml_load *load, struct xml_node *node,
                           xmlNode *src)
{
  const char *model = xml_attr (node, "model");
  struct xml_node *label = xml_child (node, "label"), *other;

  for (other = xml_child (node->parent, "seclabel"); other != node;
       other = xml_next (other))
    if (model && xml_attr_is (other, "model", model))
      return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                       "seclabel for model %s is already provided", model);
  if (label && strlen (label->text) > LABEL_MAX) {
    xml_node_free (label);
    label = NULL;
  }
  if (label && xml_attr_is (node, "relabel", "no"))
    return xml_wrong (load, "Cannot specify a label if relabelling is turned "
                      "off. model=%s", model ? model : "<null>");
  return label == NULL && xml_attr_is (node, "relabel", "yes");
}
