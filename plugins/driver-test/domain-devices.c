/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The schema of <devices>: the list of kinds, and the small ones.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-devices.h"

#define VIRTIO_DRIVER { "driver", .attrs = ATTRS (VIRTIO_ATTRS) }

/* Of some kinds there can be only one; arg is the message. */
static int
only_one (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *message = node->schema->arg;

  if (xml_src_next (src, xml_name (node)))
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                     "%s", message);
  return 0;
}

static int
only_one_wrong (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (xml_src_next (src, xml_name (node)))
    return xml_wrong (load, "%s", (const char *) node->schema->arg);
  return 0;
}

static int
lease_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (xml_child (node, "key") == NULL)
    return xml_wrong (load, "Missing 'key' element for lease");
  if (xml_child (node, "lockspace") == NULL)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                     "Missing 'lockspace' element for lease");
  if (xml_child (node, "target") == NULL)
    return xml_wrong (load, "Missing 'target' element for lease");
  return 0;
}

static const struct xml_elem lease_kids[] = {
  { "lockspace", .text = TEXT (0) },
  { "key", .text = TEXT (0) },
  { "target", .attrs = ATTRS (
      { "path", .flags = XT_REQUIRED,
        .missing = "Missing 'path' attribute to 'target' element for "
                   "lease" },
      { "offset", XT_ULL, XT_HIDE_ZERO }) },
  { 0 }
};

enum tpm { TPM_PASSTHROUGH, TPM_EMULATOR, TPM_EXTERNAL };

#define TPM(kind) .when = XT_WHEN (TPM_##kind)

static int
tpm_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  xmlNode *backend = xml_src_child (src, "backend");

  if (backend == NULL)
    return xml_wrong (load, "missing TPM device backend");
  if (xml_src_next (backend, "backend"))
    return xml_wrong (load, "only one TPM backend is supported");
  return 0;
}

static int
backend_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  struct xml_node *device;

  if (node->kind != TPM_PASSTHROUGH || xml_child (node, "device"))
    return 0;
  device = xml_child_add (node, "device");
  return device == NULL
         || xml_attr_set (device, "path", "/dev/tpm0") == -1
         ? domain_no_memory (load) : 0;
}

static int
banks_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const banks[] = {
    "sha1", "sha256", "sha384", "sha512", NULL
  };

  for (xmlNode *child = xmlFirstElementChild (src); child;
       child = xmlNextElementSibling (child))
    if (xml_enum (banks, (const char *) child->name) == -1)
      return xml_unsupported (load, "Unsupported PCR banks '%s'",
                              child->name);
  return 0;
}

static const struct xml_elem tpm_kids[] = {
  { "backend", .after = backend_after, .flags = XT_OWN_KIND, .attrs = ATTRS (
      { "type", XT_ENUM, XT_REQUIRED | XT_KIND,
        .names = NAMES ("passthrough", "emulator", "external") },
      { "version", XT_ENUM, XT_NONZERO, TPM (EMULATOR),
        .names = NAMES ("default", "1.2", "2.0") },
      { "persistent_state", XT_BOOL, TPM (EMULATOR), .skip = "no",
        .bad = "Invalid persistent_state value, either 'yes' or 'no'",
        .bad_code = VIRGATE_ERR_INTERNAL_ERROR }),
    .kids = KIDS (
      { "device", TPM (PASSTHROUGH),
        .attrs = ATTRS ({ "path", .flags = XT_NOT_EMPTY }) },
      { "encryption", TPM (EMULATOR), .attrs = ATTRS (
          { "secret", XT_UUID, XT_NOT_EMPTY,
            .bad = "Unable to parse secret uuid '%s'",
            .bad_code = VIRGATE_ERR_INTERNAL_ERROR }) },
      { "active_pcr_banks", TPM (EMULATOR), .before = banks_before,
        .kids = KIDS ({ "sha1", .flags = XT_KEEP },
                      { "sha256", .flags = XT_KEEP },
                      { "sha384", .flags = XT_KEEP },
                      { "sha512", .flags = XT_KEEP }) },
      { "source", TPM (EXTERNAL), .attrs = ATTRS (
          { "type", XT_ENUM, XT_REQUIRED, UNSUPPORTED,
            .names = domain_char_names,
            .bad = "unknown backend type '%s' for external TPM",
            .missing = "missing external TPM backend type" },
          { "mode", XT_ENUM, .names = NAMES ("connect", "bind"),
            .dflt = "connect" },
          { "path" }) }) },
  INFO_KIDS,
  { 0 }
};

static int
balloon_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (!xml_attr_is (node, "model", "none"))
    return 0;
  xml_node_free (xml_child (node, "alias"));
  xml_node_free (xml_child (node, "acpi"));
  xml_node_free (xml_child (node, "address"));
  return 0;
}

static const struct xml_elem memballoon_kids[] = {
  { "stats", .attrs = ATTRS (
      { "period", XT_INT, XT_HIDE_ZERO | XT_BASE0 }) },
  INFO_KIDS,
  VIRTIO_DRIVER,
  { 0 }
};

/* The random backend's text is a device; the daemon's has a source. */
static int
rng_backend_before (struct xml_load *load, struct xml_node *node,
                    xmlNode *src)
{
  CLEANUP_FREE char *type = xml_src_attr (src, "type");
  int kind;

  node->kind = CHAR_NULL;
  if (!xml_attr_is (node, "model", "egd"))
    return 0;
  if (type == NULL)
    return xml_wrong (load, "missing EGD backend type");
  kind = xml_enum (domain_char_names, type);
  if (kind == -1)
    return xml_unsupported (load, "unknown backend type '%s' for egd", type);
  node->kind = kind;
  return xml_attr_set (node, "type", type) == -1 ? domain_no_memory (load)
         : domain_char_before (load, node, src);
}

static int
rng_backend_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (!xml_attr_is (node, "model", "random"))
    return xml_text_set (node, NULL);
  if (node->text == NULL && xml_text_set (node, "/dev/random") == -1)
    return domain_no_memory (load);
  return 0;
}

static int
rng_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  xmlNode *backend = xml_src_child (src, "backend");

  if (backend == NULL || xml_src_next (backend, "backend"))
    return xml_wrong (load, "only one RNG backend is supported");
  return 0;
}

static int
rate_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  return xml_attr (node, "bytes") == NULL;
}

static const struct xml_elem rng_kids[] = {
  { "rate", .after = rate_after, .attrs = ATTRS (
      { "bytes", XT_UINT, XT_HIDE_ZERO,
        .bad = "invalid RNG rate bytes value" },
      { "period", XT_UINT, XT_HIDE_ZERO,
        .bad = "invalid RNG rate period value" }) },
  { "backend", .text = TEXT (0), .before = rng_backend_before,
    .after = rng_backend_after, .flags = XT_OWN_KIND, .attrs = ATTRS (
      { "model", XT_ENUM, XT_REQUIRED, UNSUPPORTED,
        .names = NAMES ("random", "egd", "builtin"),
        .bad = "unknown RNG backend model '%s'",
        .missing = "missing RNG device backend model" },
      { "type", .flags = XT_MADE }),
    .kids = KIDS (CHAR_SOURCE) },
  VIRTIO_DRIVER,
  INFO_KIDS,
  { 0 }
};

/* Shared memory is counted in whole MiB. */
static int
shmem_size_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *value = xml_src_text (src);
  CLEANUP_FREE char *unit = xml_src_attr (src, "unit");
  unsigned long long bytes;

  if (value == NULL)
    return 1;
  if (domain_scale (load, "./size[1]", value, unit, 1, ~0ull, &bytes) == -1)
    return -1;
  if (bytes == 0)
    return 1;
  return xml_attr_set (node, "unit", "M") == -1
         || xml_text_setf (node, "%llu", bytes >> 20) == -1
         ? domain_no_memory (load) : 0;
}

static int
server_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  return domain_clean_path (load, node, "path");
}

static int
shmem_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const roles[] = { "default", "master", "peer", NULL };
  static const struct xml_spec role = {
    "role", XT_ENUM, XT_NONZERO, .names = roles
  };

  if (!xml_attr_is (xml_child (node, "model"), "type", "ivshmem")
      && domain_read_attr (load, node, src, &role) == -1)
    return -1;
  if (xml_child (node, "msi") && xml_child (node, "server") == NULL)
    return xml_wrong (load, "msi option is only supported with a server");
  return 0;
}

static const struct xml_elem shmem_kids[] = {
  { "model", .flags = XT_ALWAYS, .attrs = ATTRS (
      { "type", XT_ENUM, .dflt = "ivshmem",
        .names = NAMES ("ivshmem", "ivshmem-plain", "ivshmem-doorbell") }) },
  { "size", .attrs = AMOUNT_ATTRS, .after = shmem_size_after,
    .flags = XT_KEEP },
  { "server", .flags = XT_KEEP, .attrs = ATTRS ({ "path" }),
    .after = server_after },
  { "msi", .flags = XT_KEEP, .attrs = ATTRS (
      { "vectors", XT_UINT, XT_HIDE_ZERO | XT_BASE0 },
      { "ioeventfd", XT_SWITCH }) },
  INFO_KIDS,
  { 0 }
};

enum memory { MEMORY_DIMM = 1, MEMORY_NVDIMM, MEMORY_PMEM, MEMORY_MEM,
              MEMORY_SGX };

#define MEM(kind) XT_WHEN (MEMORY_##kind)
#define KIB(tag, p, kinds)                                              \
  { tag, .attrs = AMOUNT_ATTRS, .after = domain_amount_after,           \
    AMOUNT (p), .when = kinds }

static int
memory_size_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *value = xml_src_text (src);

  if (value == NULL)
    return xml_fail (load->err, VIRGATE_FROM_XML, VIRGATE_ERR_XML_ERROR,
                     "missing element or attribute './size'");
  return domain_amount_after (load, node, src);
}

static int
memory_target_after (struct xml_load *load, struct xml_node *node,
                     xmlNode *src)
{
  unsigned long long label = xml_number (xml_path_text (node, "label/size"),
                                         0);

  if (label && label < 128)
    return xml_wrong (load, "nvdimm label must be at least 128KiB");
  if (label && label >= xml_number (xml_path_text (node, "size"), 0))
    return xml_wrong (load, "label size must be smaller than NVDIMM size");
  if (xml_child (node, "block") == NULL)
    xml_node_free (xml_child (node, "requested"));
  else if (xml_child (node, "requested") == NULL
           && (xml_child_add (node, "requested") == NULL
               || xml_text_set (xml_child (node, "requested"), "0") == -1
               || xml_attr_set (xml_child (node, "requested"), "unit",
                                "KiB") == -1))
    return domain_no_memory (load);
  return 0;
}

static int
memory_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (xml_child (node, "target") == NULL)
    return xml_wrong (load, "missing <target> element for <memory> device");
  if (node->kind == MEMORY_PMEM && xml_attr (node, "access") == NULL)
    return xml_attr_set (node, "access", "shared");
  return 0;
}

static const struct xml_elem memory_kids[] = {
  { "uuid", .when = MEM (NVDIMM),
    .text = TEXT (.type = XT_UUID, .bad = "malformed uuid element",
                  .bad_code = VIRGATE_ERR_INTERNAL_ERROR) },
  { "source", .kids = KIDS (
      { "nodemask", .text = TEXT (.type = XT_BITMAP),
        .when = MEM (DIMM) | MEM (MEM) | MEM (SGX) },
      KIB ("pagesize", "./pagesize", MEM (DIMM) | MEM (MEM)),
      { "path", .text = TEXT (0), .when = MEM (NVDIMM) | MEM (PMEM) },
      KIB ("alignsize", "./alignsize", MEM (NVDIMM)),
      { "pmem", .flags = XT_KEEP, .when = MEM (NVDIMM) }) },
  { "target", .after = memory_target_after, .kids = KIDS (
      { "size", .flags = XT_ALWAYS, .attrs = AMOUNT_ATTRS,
        .after = memory_size_after,
        AMOUNT ("./size", .flags = AMOUNT_KEEP_ZERO) },
      { "node", .text = TEXT (.type = XT_INT, .flags = XT_NONNEG,
                              .bad = "invalid value of memory device "
                                     "node") },
      { "label", .when = MEM (NVDIMM),
        .kids = KIDS (KIB ("size", "./label/size", 0)) },
      { "readonly", .flags = XT_KEEP, .when = MEM (NVDIMM) },
      KIB ("block", "./block", MEM (MEM)),
      { "requested", .when = MEM (MEM), .attrs = AMOUNT_ATTRS,
        .after = domain_amount_after,
        AMOUNT ("./requested", .flags = AMOUNT_KEEP_ZERO) }) },
  INFO_KIDS,
  { 0 }
};

static int
cid_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (xml_attr (node, "auto") == NULL
      && xml_attr_set (node, "auto",
                       xml_attr (node, "address") ? "no" : "yes") == -1)
    return domain_no_memory (load);
  return 0;
}

static const struct xml_elem vsock_kids[] = {
  { "cid", .flags = XT_ALWAYS | XT_KEEP, .after = cid_after,
    .attrs = ATTRS ({ "auto", XT_BOOL },
                    { "address", XT_UINT, XT_NONZERO }) },
  INFO_KIDS,
  VIRTIO_DRIVER,
  { 0 }
};

static const struct xml_elem iommu_kids[] = {
  { "driver", .attrs = ATTRS (
      { "intremap", XT_SWITCH }, { "caching_mode", XT_SWITCH },
      { "eim", XT_SWITCH }, { "iotlb", XT_SWITCH },
      { "aw_bits", XT_UINT, XT_HIDE_ZERO }) },
  INFO_KIDS,
  { 0 }
};

static const struct xml_elem info_kids[] = { INFO_KIDS, { 0 } };

/* A kind that has attributes, children and hooks in files of their own. */
#define DEVICE(tag, part)                                               \
  { tag, .flags = XT_MANY, .attrs = domain_##part##_attrs,              \
    .kids = domain_##part##_kids }
#define CHAR(tag)                                                       \
  { tag, .flags = XT_MANY, .attrs = domain_char_attrs,                  \
    .kids = domain_char_kids, .before = domain_char_before,             \
    .after = domain_char_after }

const struct xml_elem domain_device_kids[] = {
  { "emulator", .text = TEXT (0) },
  { "disk", .flags = XT_MANY, .attrs = domain_disk_attrs,
    .kids = domain_disk_kids, .before = domain_disk_before,
    .after = domain_disk_after },
  { "controller", .flags = XT_MANY, .attrs = domain_controller_attrs,
    .kids = domain_controller_kids, .before = domain_controller_before,
    .after = domain_controller_after },
  { "lease", .flags = XT_MANY, .kids = lease_kids, .after = lease_after },
  { "filesystem", .flags = XT_MANY, .attrs = domain_fs_attrs,
    .kids = domain_fs_kids, .before = domain_fs_before,
    .after = domain_fs_after },
  { "interface", .flags = XT_MANY, .attrs = domain_net_attrs,
    .kids = domain_net_kids, .before = domain_net_before,
    .after = domain_net_after },
  { "smartcard", .flags = XT_MANY, .attrs = domain_smartcard_attrs,
    .kids = domain_smartcard_kids, .before = domain_smartcard_before },
  CHAR ("serial"),
  CHAR ("parallel"),
  CHAR ("console"),
  CHAR ("channel"),
  { "input", .flags = XT_MANY, .attrs = domain_input_attrs,
    .kids = domain_input_kids, .after = domain_input_after },
  { "tpm", .flags = XT_MANY | XT_KEEP, .before = tpm_before,
    .kids = tpm_kids, .attrs = ATTRS (
      { "model", XT_ENUM, XT_NONZERO,
        .names = NAMES ("default", "tpm-tis", "tpm-crb", "tpm-spapr",
                        "spapr-tpm-proxy") }) },
  { "graphics", .flags = XT_MANY, .attrs = domain_graphics_attrs,
    .kids = domain_graphics_kids, .after = domain_graphics_after },
  { "sound", .flags = XT_MANY, .kids = domain_sound_kids, .attrs = ATTRS (
      { "model", XT_ENUM, XT_REQUIRED,
        .names = NAMES ("sb16", "es1370", "pcspk", "ac97", "ich6", "ich9",
                        "usb", "ich7") }) },
  DEVICE ("audio", audio),
  { "video", .flags = XT_MANY, .kids = domain_video_kids },
  { "hostdev", .flags = XT_MANY, .attrs = domain_hostdev_attrs,
    .kids = domain_hostdev_kids, .before = domain_hostdev_before },
  { "redirdev", .flags = XT_MANY, .attrs = domain_redirdev_attrs,
    .kids = domain_redirdev_kids, .before = domain_char_before,
    .after = domain_redirdev_after },
  { "redirfilter", .kids = domain_redirfilter_kids, .before = only_one,
    .arg = "only one set of redirection filter rule is supported" },
  { "hub", .flags = XT_MANY, .kids = info_kids, .attrs = ATTRS (
      { "type", XT_ENUM, XT_REQUIRED, UNSUPPORTED, .names = NAMES ("usb"),
        .bad = "unknown hub device type '%s'",
        .missing = "missing hub device type",
        .missing_code = VIRGATE_ERR_INTERNAL_ERROR }) },
  { "watchdog", .kids = info_kids, .before = only_one,
    .arg = "only a single watchdog device is supported", .attrs = ATTRS (
      { "model", XT_ENUM, XT_REQUIRED, UNSUPPORTED,
        .names = NAMES ("i6300esb", "ib700", "diag288"),
        .bad = "unknown watchdog model '%s'",
        .missing = "watchdog must contain model name",
        .missing_code = VIRGATE_ERR_INTERNAL_ERROR },
      { "action", XT_ENUM, UNSUPPORTED, .dflt = "reset",
        .names = NAMES ("reset", "shutdown", "poweroff", "pause", "dump",
                        "none", "inject-nmi"),
        .bad = "unknown watchdog action '%s'" }) },
  { "memballoon", .kids = memballoon_kids, .before = only_one,
    .after = balloon_after,
    .arg = "only a single memory balloon device is supported",
    .attrs = ATTRS (
      { "model", XT_ENUM, XT_REQUIRED,
        .names = NAMES ("virtio", "xen", "none", "virtio-transitional",
                        "virtio-non-transitional") },
      { "autodeflate", XT_SWITCH },
      { "freePageReporting", XT_SWITCH }) },
  { "rng", .flags = XT_MANY, .kids = rng_kids, .after = rng_after,
    .attrs = ATTRS (
      { "model", XT_ENUM, XT_REQUIRED, UNSUPPORTED,
        .names = NAMES ("virtio", "virtio-transitional",
                        "virtio-non-transitional"),
        .bad = "unknown RNG model '%s'",
        .missing = "missing RNG device model" }) },
  { "nvram", .flags = XT_KEEP | XT_OPEN, .kids = info_kids,
    .before = only_one, .arg = "only a single nvram device is supported" },
  { "panic", .flags = XT_MANY, .kids = info_kids, .attrs = ATTRS (
      { "model", XT_ENUM, XT_HIDE_ZERO, UNSUPPORTED,
        .names = NAMES ("default", "isa", "pseries", "hyperv", "s390"),
        .bad = "unknown panic model '%s'" }) },
  { "shmem", .flags = XT_MANY, .kids = shmem_kids, .after = shmem_after,
    .attrs = ATTRS (
      { "name", .flags = XT_REQUIRED,
        .missing = "shmem element must contain 'name' attribute" },
      { "role", .flags = XT_MADE }) },
  { "memory", .flags = XT_MANY, .kids = memory_kids, .after = memory_after,
    .attrs = ATTRS (
      { "model", XT_ENUM, XT_REQUIRED | XT_NONZERO | XT_KIND,
        .names = NAMES ("none", "dimm", "nvdimm", "virtio-pmem",
                        "virtio-mem", "sgx-epc") },
      { "access", XT_ENUM, XT_NONZERO,
        .names = NAMES ("default", "shared", "private") },
      { "discard", XT_BOOL }) },
  { "iommu", .kids = iommu_kids, .before = only_one_wrong,
    .arg = "only a single IOMMU device is supported", .attrs = ATTRS (
      { "model", XT_ENUM, XT_REQUIRED,
        .names = NAMES ("intel", "smmuv3", "virtio") }) },
  { "vsock", .kids = vsock_kids, .before = only_one_wrong,
    .arg = "only a single vsock device is supported", .attrs = ATTRS (
      { "model", XT_ENUM, XT_HIDE_ZERO, .names = VIRTIO_MODELS }) },
  { 0 }
};
