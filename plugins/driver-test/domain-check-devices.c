/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What devices must not be; disks are in domain-check-disk.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "plugins/driver-test/domain-devices.h"

#define GUEST_CID_MIN 3

#define INTERNAL(load, ...)                                             \
  xml_fail ((load)->err, (load)->domain, VIRGATE_ERR_INTERNAL_ERROR,    \
            __VA_ARGS__)
#define DETAIL(load, ...)                                               \
  xml_fail ((load)->err, (load)->domain, VIRGATE_ERR_XML_DETAIL, __VA_ARGS__)

static bool
is_one_of (const struct xml_node *node, const char *attr,
           const char *const *names)
{
  const char *value = xml_attr (node, attr);

  return value && xml_enum (names, value) != -1;
}

static int
check_range (struct xml_load *load, const struct xml_node *target,
             const char *name, long long min, long long max)
{
  long long number = domain_attr_number (target, name);

  if (xml_attr (target, name) && (number < min || number > max))
    return xml_unsupported (load, "PCI controller %s '%lld' out of range - "
                            "must be %lld-%lld",
                            strcmp (name, "index") == 0 ? "target index"
                            : name, number, min, max);
  return 0;
}

static int
check_controller (struct xml_load *load, struct xml_node *controller)
{
  const struct xml_node *target = xml_child (controller, "target");
  long long index = domain_attr_number (controller, "index");

  if (xml_path_attr (controller, "driver", "iothread")
      && !is_one_of (controller, "model",
                     NAMES ("virtio-scsi", "virtio-transitional",
                            "virtio-non-transitional")))
    return xml_wrong (load, "'iothread' attribute only supported for virtio "
                      "scsi controllers");
  if (!xml_attr_is (controller, "type", "pci"))
    return 0;
  if (is_one_of (controller, "model", NAMES ("pci-root", "pcie-root"))
      && xml_child (controller, "address"))
    return xml_unsupported (load, "pci-root and pcie-root controllers should "
                            "not have an address");
  if (index > 255)
    return xml_unsupported (load, "PCI controller index %lld too high, "
                            "maximum is 255", index);
  if (check_range (load, target, "index", 0, 30) == -1)
    return -1;
  if (xml_attr (target, "index")
      && (index == 0) != (domain_attr_number (target, "index") == 0))
    return xml_unsupported (load, "Only the PCI controller with index 0 can "
                            "have target index 0, and vice versa");
  if (check_range (load, target, "chassisNr", 1, 255) == -1
      || check_range (load, target, "chassis", 0, 255) == -1
      || check_range (load, target, "port", 0, 255) == -1
      || check_range (load, target, "busNr", 1, 254) == -1)
    return -1;
  if (index == 0 && xml_child (target, "node"))
    return xml_unsupported (load, "The PCI controller with index=0 can't be "
                            "associated with a NUMA node");
  return 0;
}

static bool
is_virtio_net (const struct xml_node *net)
{
  const char *model = xml_path_attr (net, "model", "type");

  return model && strncmp (model, "virtio", 6) == 0;
}

static int
check_teaming (struct xml_load *load, const struct xml_node *net)
{
  const struct xml_node *teaming = xml_child (net, "teaming");
  bool is_transient = xml_attr_is (teaming, "type", "transient");

  if (teaming && is_transient && xml_attr (teaming, "persistent") == NULL)
    return xml_unsupported (load, "teaming persistent attribute must be set "
                            "if teaming type is 'transient'");
  if (teaming && !is_transient && xml_attr (teaming, "persistent"))
    return xml_unsupported (load, "teaming persistent attribute not allowed "
                            "if teaming type is '%s'",
                            xml_attr (teaming, "type"));
  return 0;
}

static int
check_isolated (struct xml_load *load, const struct xml_node *net)
{
  const char *type = xml_attr (net, "type");
  const char *mac = xml_path_attr (net, "mac", "address");
  const char *vport = xml_path_attr (net, "virtualport", "type");

  if (!xml_attr_is (xml_child (net, "port"), "isolated", "yes"))
    return 0;
  if (strcmp (type, "network") != 0 && strcmp (type, "bridge") != 0)
    return xml_unsupported (load, "interface %s - <port isolated='yes'/> is "
                            "not supported for network interfaces with "
                            "type='%s'", mac, type);
  if (vport)
    return xml_unsupported (load, "interface %s - <port isolated='yes'/> is "
                            "not supported for network interfaces with "
                            "virtualport type='%s'", mac, vport);
  return 0;
}

static int
check_net (struct xml_load *load, struct xml_node *net)
{
  const struct xml_node *source = xml_child (net, "source");
  const char *type = xml_attr (net, "type");
  bool is_ethernet = strcmp (type, "ethernet") == 0;

  if ((xml_child (source, "ip") || xml_child (source, "route"))
      && !is_ethernet)
    return xml_unsupported (load, "Invalid attempt to set network interface "
                            "host-side IP route and/or address info on "
                            "interface of type '%s'. This is only supported "
                            "on interfaces of type 'ethernet'", type);
  if (xml_attr_is (xml_child (net, "target"), "managed", "no")
      && !is_ethernet)
    return xml_unsupported (load, "unmanaged target dev is not supported on "
                            "interfaces of type '%s'", type);
  if (check_teaming (load, net) == -1 || check_isolated (load, net) == -1)
    return -1;
  if (strcmp (type, "vhostuser") != 0)
    return 0;
  if (!is_virtio_net (net))
    return INTERNAL (load, "Wrong or no <model> 'type' attribute specified "
                     "with <interface type='vhostuser'/>. vhostuser requires "
                     "the virtio-net* frontend");
  if (xml_attr_is (source, "mode", "server")
      && xml_attr_is (xml_child (source, "reconnect"), "enabled", "yes"))
    return xml_unsupported (load, "'reconnect' attribute unsupported "
                            "'server' mode for <interface "
                            "type='vhostuser'>");
  return 0;
}

static int
check_hvm_input (struct xml_load *load, const struct xml_node *input,
                 const char *type, const char *bus, bool is_plain)
{
  if (strcmp (bus, "ps2") == 0 && !is_plain)
    return INTERNAL (load, "ps2 bus does not support %s input device", type);
  if (strcmp (bus, "xen") == 0)
    return INTERNAL (load, "unsupported input bus %s", bus);
  return 0;
}

static int
check_xen_input (struct xml_load *load, const char *type, const char *bus,
                 bool is_plain)
{
  if (strcmp (bus, "xen") != 0)
    return INTERNAL (load, "unsupported input bus %s", bus);
  if (!is_plain)
    return INTERNAL (load, "xen bus does not support %s input device", type);
  return 0;
}

static int
check_input_os (struct xml_load *load, const struct xml_node *input,
                const char *type, const char *bus)
{
  const struct xml_node *root = domain_root_of (input);
  unsigned os = xml_child (root, "os")->kind;
  bool is_plain = strcmp (type, "mouse") == 0
                  || strcmp (type, "keyboard") == 0;

  if (os == OS_HVM)
    return check_hvm_input (load, input, type, bus, is_plain);
  if (os == OS_XEN || os == OS_XENPVH)
    return check_xen_input (load, type, bus, is_plain);
  if (!is_one_of (root, "type", NAMES ("vz", "parallels")))
    return INTERNAL (load, "Input devices are not supported by this "
                     "virtualization driver.");
  if (strcmp (bus, "parallels") != 0)
    return INTERNAL (load, "parallels containers don't support input bus %s",
                     bus);
  if (!is_plain)
    return INTERNAL (load, "parallels bus does not support %s input device",
                     type);
  return 0;
}

static int
check_input (struct xml_load *load, struct xml_node *input)
{
  const char *type = xml_attr (input, "type");
  const char *bus = xml_attr (input, "bus");
  const char *model = xml_attr (input, "model");

  if (bus == NULL)
    bus = "none";
  if (check_input_os (load, input, type, bus) == -1)
    return -1;
  if (strcmp (type, "passthrough") == 0 && strcmp (bus, "virtio") != 0)
    return xml_unsupported (load, "only bus 'virtio' is supported for "
                            "'passthrough' input devices");
  if (strcmp (type, "evdev") == 0 && strcmp (bus, "none") != 0)
    return xml_unsupported (load, "input evdev doesn't support bus element");
  if (model && strcmp (bus, "virtio") != 0)
    return xml_unsupported (load, "only bus 'virtio' is supported for input "
                            "model '%s'", model);
  if (strcmp (bus, "usb") == 0 && domain_usb_is_off (input->parent))
    return xml_unsupported (load, "Can't add USB input device. USB bus is "
                            "disabled");
  return 0;
}

static int
check_hub (struct xml_load *load, struct xml_node *hub)
{
  if (domain_usb_is_off (hub->parent))
    return xml_unsupported (load, "Can't add USB hub: USB is disabled for "
                            "this domain");
  return 0;
}

static bool
has_usb (const struct xml_node *devices)
{
  const struct xml_node *node = xml_child (devices, "controller");

  for (; node; node = xml_next (node))
    if (xml_attr_is (node, "type", "usb")
        && !xml_attr_is (node, "model", "none"))
      return true;
  return false;
}

static int
check_redirdev (struct xml_load *load, struct xml_node *redirdev)
{
  if (!has_usb (redirdev->parent))
    return xml_unsupported (load, "cannot add redirected USB device: USB is "
                            "disabled for this domain");
  return domain_char_check (load, redirdev, false);
}

static int
check_smartcard (struct xml_load *load, struct xml_node *card)
{
  const struct xml_node *address = xml_child (card, "address");

  if (address && !xml_attr_is (address, "type", "ccid"))
    return xml_unsupported (load, "Controllers must use the 'ccid' address "
                            "type");
  return domain_char_check (load, card, false);
}

static int
check_rng (struct xml_load *load, struct xml_node *rng)
{
  return domain_char_check (load, xml_child (rng, "backend"), false);
}

static int
check_shmem (struct xml_load *load, struct xml_node *shmem)
{
  const char *name = xml_attr (shmem, "name");

  if (strchr (name, '/'))
    return xml_unsupported (load, "shmem name cannot include '/' character");
  if (strcmp (name, ".") == 0 || strcmp (name, "..") == 0)
    return xml_unsupported (load, "shmem name cannot be equal to '%s'", name);
  return 0;
}

static int
check_fs (struct xml_load *load, struct xml_node *fs)
{
  const struct xml_node *source = xml_child (fs, "source");
  const char *path = source && source->attrs ? source->attrs->value : NULL;

  if (xml_child (fs, "target") == NULL)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_NO_TARGET,
                     path ? "%s" : NULL, path);
  if (xml_child (fs, "boot")
      && !xml_attr_is (xml_child (fs, "driver"), "type", "virtiofs"))
    return xml_unsupported (load, "boot order is only supported for "
                            "virtiofs");
  return 0;
}

static int
check_audio_id (struct xml_load *load, struct xml_node *device)
{
  const char *id = xml_path_attr (device, "audio", "id");
  const struct xml_node *audio = xml_child (device->parent, "audio");

  while (id && audio && !xml_attr_is (audio, "id", id))
    audio = xml_next (audio);
  return id && audio == NULL ? xml_wrong (load, "no audio device with ID %s",
                                          id) : 0;
}

static int
check_audio (struct xml_load *load, struct xml_node *audio)
{
  const struct xml_node *other = xml_child (audio->parent, "audio");

  for (; other != audio; other = xml_next (other))
    if (xml_attr_is (other, "id", xml_attr (audio, "id")))
      return xml_wrong (load, "audio ID %s is used multiple times",
                        xml_attr (audio, "id"));
  return 0;
}

static int
check_iommu (struct xml_load *load, struct xml_node *iommu)
{
  const char *model = xml_attr (iommu, "model");
  bool is_intel = strcmp (model, "intel") == 0;

  if (!is_intel && xml_child (iommu, "driver"))
    return xml_wrong (load, "iommu model '%s' doesn't support additional "
                      "attributes", model);
  if (strcmp (model, "virtio") != 0 && xml_child (iommu, "address"))
    return xml_wrong (load, "iommu model '%s' can't have address", model);
  return 0;
}

static int
check_tpm (struct xml_load *load, struct xml_node *tpm)
{
  const struct xml_node *backend = xml_child (tpm, "backend");
  const struct xml_node *source = xml_child (backend, "source");

  if (xml_child (backend, "active_pcr_banks")
      && !xml_attr_is (backend, "version", "2.0"))
    return xml_wrong (load, "<active_pcr_banks/> requires TPM version '2.0'");
  if (!xml_attr_is (backend, "type", "external"))
    return 0;
  if (source == NULL)
    return xml_wrong (load, "missing external TPM backend type");
  if (!xml_attr_is (source, "type", "unix"))
    return xml_wrong (load, "only source type 'unix' is supported for "
                      "external TPM device");
  if (xml_attr_is (source, "mode", "bind"))
    return xml_wrong (load, "only 'client' mode is supported for external "
                      "TPM device");
  if (xml_attr (source, "path") == NULL)
    return xml_wrong (load, "missing socket path for external TPM device");
  return 0;
}

static int
check_vsock (struct xml_load *load, struct xml_node *vsock)
{
  const struct xml_node *cid = xml_child (vsock, "cid");

  if (xml_attr (cid, "address")
      && domain_attr_number (cid, "address") < GUEST_CID_MIN)
    return xml_unsupported (load, "guest CIDs must be >= 3");
  return xml_attr (vsock, "model") ? 0
         : domain_virtio_absent (load, xml_child (vsock, "driver"));
}

static int
check_memory_node (struct xml_load *load, const struct xml_node *memory)
{
  const char *node = xml_path_text (memory, "target/node");
  unsigned cells = xml_count (xml_path (domain_root_of (memory),
                                         "cpu/numa/cell"));

  if (node && cells == 0)
    return DETAIL (load, "can't add memory backend as guest has no NUMA "
                   "nodes configured");
  if (node && xml_number (node, 0) >= cells)
    return DETAIL (load, "can't add memory backend for guest node '%s' as "
                   "the guest has only '%u' NUMA nodes configured", node,
                   cells);
  return 0;
}

static int
check_pmem (struct xml_load *load, const struct xml_node *memory)
{
  const char *model = xml_attr (memory, "model");
  bool is_nvdimm = strcmp (model, "nvdimm") == 0;

  if (xml_path (memory, "source/path") == NULL)
    return DETAIL (load, "path is required for model '%s'", model);
  if (xml_attr_is (memory, "discard", "yes"))
    return is_nvdimm ? xml_unsupported (load, "discard is not supported for "
                                        "nvdimms")
           : xml_unsupported (load, "discard is not supported for model "
                              "'%s'", model);
  if (is_nvdimm && xml_child (memory, "uuid"))
    return xml_unsupported (load, "UUID is not supported for NVDIMM device");
  if (!is_nvdimm && !xml_attr_is (memory, "access", "shared"))
    return xml_unsupported (load, "shared access mode required for "
                            "virtio-pmem device");
  if (!is_nvdimm && xml_path (memory, "target/node"))
    return xml_unsupported (load, "virtio-pmem does not support NUMA nodes");
  return 0;
}

#define THP_KIB 2048

static int
check_virtio_mem (struct xml_load *load, const struct xml_node *memory)
{
  const struct xml_node *target = xml_child (memory, "target");
  unsigned long long size = xml_number (xml_path_text (target, "size"), 0);
  unsigned long long block = xml_number (xml_path_text (target, "block"), 0);
  unsigned long long wanted = xml_number (xml_path_text (target,
                                                         "requested"), 0);

  if (wanted > size)
    return DETAIL (load, "requested size must be smaller than or equal to "
                   "@size (%lluKiB)", size);
  if (block == 0 || (block & (block - 1)))
    return DETAIL (load, "block size must be a power of two");
  if (block < THP_KIB)
    return DETAIL (load, "block size too small, must be at least %dKiB",
                   THP_KIB);
  if (wanted % block)
    return DETAIL (load, "requested size must be an integer multiple of "
                   "block size");
  return 0;
}

static int
check_memory (struct xml_load *load, struct xml_node *memory)
{
  const char *model = xml_attr (memory, "model");

  if (check_memory_node (load, memory) == -1)
    return -1;
  if (strcmp (model, "nvdimm") == 0 || strcmp (model, "virtio-pmem") == 0)
    return check_pmem (load, memory);
  if (strcmp (model, "virtio-mem") == 0)
    return check_virtio_mem (load, memory);
  if (strcmp (model, "sgx-epc") == 0 && xml_child (memory, "address"))
    return xml_unsupported (load, "memory device address is not supported "
                            "for model '%s'", model);
  return 0;
}

static const struct {
  const char *kind;
  int (*check) (struct xml_load *load, struct xml_node *device);
} checks[] = {
  { "disk", domain_disk_check },
  { "interface", check_net },
  { "sound", check_audio_id },
  { "hostdev", domain_hostdev_check },
  { "controller", check_controller },
  { "smartcard", check_smartcard },
  { "input", check_input },
  { "filesystem", check_fs },
  { "rng", check_rng },
  { "hub", check_hub },
  { "redirdev", check_redirdev },
  { "graphics", check_audio_id },
  { "audio", check_audio },
  { "shmem", check_shmem },
  { "tpm", check_tpm },
  { "memory", check_memory },
  { "iommu", check_iommu },
  { "vsock", check_vsock },
};

static int
check_address (struct xml_load *load, const struct xml_node *device)
{
  if (xml_attr_is (xml_child (device, "address"), "type", "unassigned")
      && strcmp (xml_name (device), "hostdev") != 0)
    return xml_unsupported (load, "address of type 'unassigned' is supported "
                            "only for hostdevs");
  return 0;
}

int
domain_devices_check (struct xml_load *load, struct xml_node *root)
{
  struct xml_node *devices = xml_child (root, "devices"), *device;

  for (device = devices->first; device; device = device->next)
    if (check_address (load, device) == -1)
      return -1;
  for (size_t i = 0; i < COUNT_OF (checks); i++)
    for (device = xml_child (devices, checks[i].kind); device;
         device = xml_next (device))
      if (checks[i].check (load, device) == -1)
        return -1;
  return 0;
}
