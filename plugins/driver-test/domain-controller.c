/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Controllers: those that the document has, and those that its disks and
 * other devices imply.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-devices.h"

enum controller {
  CONTROLLER_IDE, CONTROLLER_FDC, CONTROLLER_SCSI, CONTROLLER_SATA,
  CONTROLLER_VIRTIO_SERIAL, CONTROLLER_CCID, CONTROLLER_USB, CONTROLLER_PCI,
  CONTROLLER_XENBUS, CONTROLLER_ISA, CONTROLLER_COUNT
};

#define WHEN(kind) .when = XT_WHEN (CONTROLLER_##kind)

static const char *const type_names[] = {
  "ide", "fdc", "scsi", "sata", "virtio-serial", "ccid", "usb", "pci",
  "xenbus", "isa", NULL
};

/* Models by type; NULL = none is known. */
static const char *const *const model_names[CONTROLLER_COUNT] = {
  [CONTROLLER_IDE] = NAMES ("piix3", "piix4", "ich6"),
  [CONTROLLER_SCSI] = NAMES ("auto", "buslogic", "lsilogic", "lsisas1068",
                             "vmpvscsi", "ibmvscsi", "virtio-scsi",
                             "lsisas1078", "virtio-transitional",
                             "virtio-non-transitional", "ncr53c90", "dc390",
                             "am53c974"),
  [CONTROLLER_VIRTIO_SERIAL] = NAMES ("virtio", "virtio-transitional",
                                      "virtio-non-transitional"),
  [CONTROLLER_USB] = NAMES ("piix3-uhci", "piix4-uhci", "ehci", "ich9-ehci1",
                            "ich9-uhci1", "ich9-uhci2", "ich9-uhci3",
                            "vt82c686b-uhci", "pci-ohci", "nec-xhci", "qusb1",
                            "qusb2", "qemu-xhci", "none"),
  [CONTROLLER_PCI] = NAMES ("pci-root", "pcie-root", "pci-bridge",
                            "dmi-to-pci-bridge", "pcie-to-pci-bridge",
                            "pcie-root-port", "pcie-switch-upstream-port",
                            "pcie-switch-downstream-port",
                            "pci-expander-bus", "pcie-expander-bus"),
};

/* A companion hangs on its master at a port of its own. */
static const struct {
  const char *model;
  const char *port;
} companions[] = {
  { "ich9-uhci1", "0" }, { "ich9-uhci2", "2" }, { "ich9-uhci3", "4" }
};

int
domain_controller_before (struct xml_load *load, struct xml_node *node,
                          xmlNode *src)
{
  const char *model = xml_attr (node, "model");
  const char *const *names = model_names[node->kind];

  if (model && (names == NULL || xml_enum (names, model) == -1))
    return xml_unsupported (load, "Unknown model type '%s'", model);
  return 0;
}

static int
check_single (struct xml_load *load, xmlNode *src, const char *name)
{
  xmlNode *first = xml_src_child (src, name);

  if (first && xml_src_next (first, name))
    return xml_wrong (load, "Multiple <%s> elements in controller definition "
                      "not allowed", name);
  return 0;
}

static int
drop_info (struct xml_node *node)
{
  xml_node_free (xml_child (node, "alias"));
  xml_node_free (xml_child (node, "master"));
  xml_node_free (xml_child (node, "acpi"));
  xml_node_free (xml_child (node, "address"));
  return 0;
}

static int
finish_usb (struct xml_load *load, struct xml_node *node)
{
  const char *model = xml_attr (node, "model");
  struct xml_node *master;

  if (model && strcmp (model, "none") == 0)
    return drop_info (node);
  for (size_t i = 0; model && i < 3; i++)
    if (strcmp (model, companions[i].model) == 0
        && xml_child (node, "master") == NULL) {
      master = xml_child_add (node, "master");
      if (master == NULL
          || xml_attr_set (master, "startport", companions[i].port) == -1)
        return domain_no_memory (load);
    }
  return 0;
}

int
domain_controller_after (struct xml_load *load, struct xml_node *node,
                         xmlNode *src)
{
  const char *model = xml_attr (node, "model");

  if (check_single (load, src, "model") == -1
      || check_single (load, src, "target") == -1)
    return -1;
  if (node->kind == CONTROLLER_USB)
    return finish_usb (load, node);
  if (node->kind == CONTROLLER_PCI
      && (model == NULL || (strcmp (model, "pci-root") != 0
                            && strcmp (model, "pcie-root") != 0)))
    xml_node_free (xml_child (node, "pcihole64"));
  return 0;
}

#define AT_LEAST_0(tag, ...)                                            \
  { tag, XT_INT, XT_NONNEG, __VA_ARGS__ }

const struct xml_spec domain_controller_attrs[] = {
  { "type", XT_ENUM, XT_KIND, .names = type_names, .dflt = "ide" },
  AT_LEAST_0 ("index"),
  { "model" },
  AT_LEAST_0 ("ports", .when = XT_WHEN (CONTROLLER_VIRTIO_SERIAL)
                               | XT_WHEN (CONTROLLER_USB)),
  AT_LEAST_0 ("vectors", WHEN (VIRTIO_SERIAL)),
  AT_LEAST_0 ("maxGrantFrames", WHEN (XENBUS)),
  AT_LEAST_0 ("maxEventChannels", WHEN (XENBUS)),
  { 0 }
};

#define PCI_TARGET(tag)                                                 \
  { tag, XT_INT, XT_NONNEG | XT_BASE0 }

const struct xml_elem domain_controller_kids[] = {
  { "model", WHEN (PCI), .attrs = ATTRS (
      { "name", XT_ENUM, XT_HIDE_ZERO,
        .names = NAMES ("none", "pci-bridge", "i82801b11-bridge", "ioh3420",
                        "x3130-upstream", "xio3130-downstream", "pxb",
                        "pxb-pcie", "pcie-root-port",
                        "spapr-pci-host-bridge", "pcie-pci-bridge") }) },
  { "target", WHEN (PCI), .attrs = ATTRS (
      PCI_TARGET ("chassisNr"),
      PCI_TARGET ("chassis"),
      { "port", XT_INT, XT_NONNEG | XT_BASE0 | XT_HEX, .format = "0x%x" },
      PCI_TARGET ("busNr"),
      PCI_TARGET ("index"),
      { "hotplug", XT_SWITCH }),
    .kids = KIDS (
      { "node", .text = TEXT (.type = XT_INT, .flags = XT_NONNEG,
                              .bad = "invalid NUMA node in target") }) },
  { "driver", .attrs = ATTRS (
      { "queues", XT_UINT, XT_HIDE_ZERO },
      { "cmd_per_lun", XT_UINT, XT_HIDE_ZERO },
      { "max_sectors", XT_UINT, XT_HIDE_ZERO },
      { "ioeventfd", XT_SWITCH },
      { "iothread", XT_UINT, XT_HIDE_ZERO },
      VIRTIO_ATTRS) },
  INFO_ALIAS,
  { "master", .attrs = ATTRS ({ "startport", XT_UINT, .dflt = "0" }) },
  INFO_ACPI,
  INFO_ADDRESS,
  { "pcihole64", WHEN (PCI), .attrs = AMOUNT_ATTRS,
    .after = domain_amount_after,
    AMOUNT ("./pcihole64", .flags = AMOUNT_KEEP_ZERO) },
  { 0 }
};

static bool
is_usb_none (const struct xml_node *controller)
{
  return controller->kind == CONTROLLER_USB
         && xml_attr_is (controller, "model", "none");
}

/* USB is either off, or on with a master. */
int
domain_usb_check (struct xml_load *load, struct xml_node *devices)
{
  const struct xml_node *node = xml_child (devices, "controller");
  bool has_none = false, has_other = false, has_master = false;

  for (; node; node = xml_next (node)) {
    if (node->kind != CONTROLLER_USB)
      continue;
    if (has_none || (is_usb_none (node) && has_other))
      return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                       "Can't add another USB controller: USB is disabled "
                       "for this domain");
    has_none |= is_usb_none (node);
    has_other |= !is_usb_none (node);
    has_master |= xml_child (node, "master") == NULL;
  }
  if (has_other && !has_master)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                     "No master USB controller specified");
  return 0;
}

bool
domain_usb_is_off (const struct xml_node *devices)
{
  const struct xml_node *node = xml_child (devices, "controller");

  for (; node; node = xml_next (node))
    if (is_usb_none (node))
      return true;
  return false;
}

struct xml_node *
domain_controller_find (const struct xml_node *devices, const char *type,
                        long long index)
{
  struct xml_node *node = xml_child (devices, "controller");

  for (; node; node = xml_next (node))
    if (xml_attr_is (node, "type", type) && xml_attr (node, "index")
        && domain_attr_number (node, "index") == index)
      return node;
  return NULL;
}

/* Controllers of a type stay together, by index; a companion stands behind
 * its master. */
struct xml_node *
domain_controller_place (const struct xml_node *node, struct xml_node *last)
{
  long long index = domain_attr_number (node, "index"), at;
  bool is_master = xml_child (node, "master") == NULL, is_found = false;
  struct xml_node *before = NULL, *other;

  for (other = last; other && other->schema == node->schema;
       other = other->prev) {
    if (other->kind != node->kind)
      continue;
    if (xml_attr (node, "index") == NULL)
      return other->next;
    at = xml_attr (other, "index") ? domain_attr_number (other, "index") : -1;
    if (at > index
        || (at == index && is_master && xml_child (other, "master")))
      before = other;
    else if (!is_found)
      before = other->next;
    is_found = true;
  }
  return before;
}

static bool
is_usb2 (const struct xml_node *node)
{
  const char *model = xml_attr (node, "model");

  return node->kind == CONTROLLER_USB && model
         && strncmp (model, "ich9-", 5) == 0;
}

/* USB 2 companions share the index of the controller before them, as long as
 * no other there has their model. */
static const char *
companion_index (const struct xml_node *devices, const struct xml_node *node)
{
  const struct xml_node *prev = node->prev, *other;
  const char *index;

  while (prev && prev->schema == node->schema && prev->kind != CONTROLLER_USB)
    prev = prev->prev;
  if (prev == NULL || prev->schema != node->schema || !is_usb2 (prev))
    return NULL;
  index = xml_attr (prev, "index");
  for (other = xml_child (devices, "controller"); other;
       other = xml_next (other))
    if (other->kind == CONTROLLER_USB && xml_attr (other, "index")
        && xml_attr_is (other, "index", index)
        && xml_attr_is (other, "model", xml_attr (node, "model")))
      return NULL;
  return index;
}

static int
unused_index (const struct xml_node *devices, const char *type)
{
  int index = 0;

  while (domain_controller_find (devices, type, index))
    index++;
  return index;
}

int
domain_controllers_number (struct xml_load *load, struct xml_node *devices)
{
  struct xml_node *node = xml_child (devices, "controller");
  const char *index;

  for (; node; node = xml_next (node)) {
    if (xml_attr (node, "index"))
      continue;
    index = is_usb2 (node) ? companion_index (devices, node) : NULL;
    if ((index && xml_attr_set (node, "index", index) == -1)
        || (index == NULL
            && xml_attr_setf (node, "index", "%d",
                              unused_index (devices,
                                            xml_attr (node, "type"))) == -1))
      return domain_no_memory (load);
  }
  return 0;
}

int
domain_controller_add (struct xml_load *load, struct xml_node *devices,
                       const char *type, unsigned index, const char *model)
{
  struct xml_node *node;

  if (domain_controller_find (devices, type, index))
    return 0;
  node = xml_child_add (devices, "controller");
  if (node == NULL)
    return domain_no_memory (load);
  node->kind = xml_enum (type_names, type);
  if (xml_attr_set (node, "type", type) == -1
      || xml_attr_setf (node, "index", "%u", index) == -1
      || xml_attr_set (node, "model", model) == -1)
    return domain_no_memory (load);
  return 0;
}
