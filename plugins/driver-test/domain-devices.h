/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The schema of <devices>, inside: what the tables of the devices share.
 */
#ifndef DRIVER_TEST_DOMAIN_DEVICES_H
#define DRIVER_TEST_DOMAIN_DEVICES_H

#include "plugins/driver-test/domain-schema.h"

enum domain_address {
  ADDRESS_NONE, ADDRESS_PCI, ADDRESS_DRIVE, ADDRESS_VIRTIO_SERIAL,
  ADDRESS_CCID, ADDRESS_USB, ADDRESS_SPAPR_VIO, ADDRESS_VIRTIO_S390,
  ADDRESS_CCW, ADDRESS_VIRTIO_MMIO, ADDRESS_ISA, ADDRESS_DIMM
};

/* What most devices end with: boot order (some), alias, ROM (some), ACPI
 * index, address. */
#define INFO_BOOT                                                       \
  { "boot", .attrs = domain_boot_attrs, .after = domain_boot_after }
#define INFO_ALIAS                                                      \
  { "alias", .attrs = ATTRS ({ "name", .flags = XT_NOT_EMPTY }),        \
    .after = domain_alias_after }
#define INFO_ROM                                                        \
  { "rom", .attrs = domain_rom_attrs, .after = domain_rom_after }
#define INFO_ACPI                                                       \
  { "acpi", .attrs = ATTRS ({ "index", XT_UINT, XT_NONZERO }) }
#define INFO_ADDRESS                                                    \
  { "address", .attrs = domain_address_attrs,                           \
    .kids = domain_address_kids, .after = domain_address_after,         \
    .flags = XT_OWN_KIND }
#define INFO_KIDS INFO_ALIAS, INFO_ACPI, INFO_ADDRESS

/* A driver's attributes for any virtio device. */
#define VIRTIO_ATTRS                                                    \
  { "iommu", XT_SWITCH }, { "ats", XT_SWITCH }, { "packed", XT_SWITCH }, \
  { "page_per_vq", XT_SWITCH }

#define VIRTIO_MODELS                                                   \
  NAMES ("default", "virtio", "virtio-transitional",                    \
         "virtio-non-transitional")

extern const struct xml_spec domain_boot_attrs[];
extern const struct xml_spec domain_rom_attrs[];
extern const struct xml_spec domain_address_attrs[];
extern const struct xml_elem domain_address_kids[];
extern const struct xml_spec domain_pci_attrs[];
extern const struct xml_spec domain_reconnect_attrs[];
extern const struct xml_spec domain_device_label_attrs[];

int domain_boot_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_alias_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_rom_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_address_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_pci_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_reconnect_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_device_label_after (struct xml_load *, struct xml_node *,
                               xmlNode *);

#define RECONNECT                                                       \
  { "reconnect", .attrs = domain_reconnect_attrs,                       \
    .after = domain_reconnect_after }
#define DEVICE_LABEL                                                    \
  { "seclabel", .flags = XT_MANY, .attrs = domain_device_label_attrs,   \
    .kids = KIDS ({ "label", .text = TEXT (0) }),                       \
    .after = domain_device_label_after }

/* Parts that disks share with others. */
enum domain_storage {
  STORAGE_NONE, STORAGE_FILE, STORAGE_BLOCK, STORAGE_DIR, STORAGE_NETWORK,
  STORAGE_VOLUME, STORAGE_NVME, STORAGE_VHOST_USER
};

extern const struct xml_spec domain_storage_attrs[];
extern const struct xml_elem domain_storage_kids[];
extern const struct xml_spec domain_disk_attrs[];
extern const struct xml_elem domain_disk_kids[];
extern const struct xml_spec domain_auth_attrs[];
extern const struct xml_elem domain_auth_kids[];
extern const struct xml_spec domain_encryption_attrs[];
extern const struct xml_elem domain_encryption_kids[];
int domain_auth_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_encryption_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_port_before (struct xml_load *, struct xml_node *, xmlNode *);
int domain_storage_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_disk_before (struct xml_load *, struct xml_node *, xmlNode *);
int domain_disk_after (struct xml_load *, struct xml_node *, xmlNode *);

#define STORAGE_AUTH                                                    \
  { "auth", .attrs = domain_auth_attrs, .kids = domain_auth_kids,       \
    .after = domain_auth_after, .domain = VIRGATE_FROM_STORAGE }
#define STORAGE_ENCRYPTION                                              \
  { "encryption", .attrs = domain_encryption_attrs,                     \
    .kids = domain_encryption_kids, .after = domain_encryption_after,   \
    .domain = VIRGATE_FROM_STORAGE }

/* Read an attribute by SPEC where a hook finds that it counts.
 * Returns 0, -1 = error recorded. */
int domain_read_attr (struct xml_load *load, struct xml_node *node,
                      xmlNode *src, const struct xml_spec *spec);

extern const struct xml_spec domain_controller_attrs[];
extern const struct xml_elem domain_controller_kids[];
int domain_controller_before (struct xml_load *, struct xml_node *, xmlNode *);
int domain_controller_after (struct xml_load *, struct xml_node *, xmlNode *);

extern const struct xml_spec domain_net_attrs[];
extern const struct xml_elem domain_net_kids[];
int domain_net_before (struct xml_load *, struct xml_node *, xmlNode *);
int domain_net_after (struct xml_load *, struct xml_node *, xmlNode *);

/* What a character device talks to. */
enum domain_char {
  CHAR_NULL, CHAR_VC, CHAR_PTY, CHAR_DEV, CHAR_FILE, CHAR_PIPE, CHAR_STDIO,
  CHAR_UDP, CHAR_TCP, CHAR_UNIX, CHAR_SPICEVMC, CHAR_SPICEPORT, CHAR_NMDM,
  CHAR_QEMU_VDAGENT, CHAR_DBUS
};

extern const char *const domain_char_names[];
extern const struct xml_spec domain_char_source_attrs[];
extern const struct xml_elem domain_char_source_kids[];
extern const struct xml_spec domain_char_attrs[];
extern const struct xml_elem domain_char_kids[];
int domain_char_before (struct xml_load *, struct xml_node *, xmlNode *);
int domain_char_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_char_source_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_char_log_after (struct xml_load *, struct xml_node *, xmlNode *);

#define CHAR_SOURCE                                                     \
  { "source", .flags = XT_MANY, .attrs = domain_char_source_attrs,      \
    .kids = domain_char_source_kids, .after = domain_char_source_after }, \
  { "protocol", .flags = XT_ALWAYS, .when = XT_WHEN (CHAR_TCP),         \
    .attrs = ATTRS (                                                    \
      { "type", XT_ENUM, UNSUPPORTED, .dflt = "raw",                    \
        .names = NAMES ("raw", "telnet", "telnets", "tls"),             \
        .bad = "Unknown protocol '%s'" }) },                            \
  { "log", .after = domain_char_log_after, .attrs = ATTRS (             \
      { "file" }, { "append", XT_SWITCH }) }

/* Ports for character devices; the console that mirrors a serial port; what
 * they must have. */
int domain_chars_number (struct xml_load *load, struct xml_node *devices);
int domain_console_imply (struct xml_load *load, struct xml_node *root);
int domain_char_check (struct xml_load *load, const struct xml_node *device,
                       bool may_lack_path);
int domain_chars_check (struct xml_load *load, struct xml_node *root);

extern const struct xml_spec domain_graphics_attrs[];
extern const struct xml_elem domain_graphics_kids[];
int domain_graphics_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_graphics_check (struct xml_load *load, struct xml_node *root);

extern const struct xml_elem domain_video_kids[];
int domain_video_post (struct xml_load *load, struct xml_node *video);
int domain_video_imply (struct xml_load *load, struct xml_node *root);
int domain_video_check (struct xml_load *load, struct xml_node *root);
struct xml_node *domain_video_place (const struct xml_node *node,
                                     struct xml_node *last);
extern const struct xml_spec domain_input_attrs[];
extern const struct xml_elem domain_input_kids[];
int domain_input_after (struct xml_load *, struct xml_node *, xmlNode *);
extern const struct xml_elem domain_sound_kids[];
extern const struct xml_spec domain_audio_attrs[];
extern const struct xml_elem domain_audio_kids[];

extern const struct xml_spec domain_hostdev_attrs[];
extern const struct xml_elem domain_hostdev_kids[];
int domain_hostdev_before (struct xml_load *, struct xml_node *, xmlNode *);
extern const struct xml_spec domain_redirdev_attrs[];
extern const struct xml_elem domain_redirdev_kids[];
int domain_redirdev_after (struct xml_load *, struct xml_node *, xmlNode *);
extern const struct xml_elem domain_redirfilter_kids[];
extern const struct xml_spec domain_smartcard_attrs[];
extern const struct xml_elem domain_smartcard_kids[];
int domain_smartcard_before (struct xml_load *, struct xml_node *, xmlNode *);

extern const struct xml_spec domain_fs_attrs[];
extern const struct xml_elem domain_fs_kids[];
int domain_fs_before (struct xml_load *, struct xml_node *, xmlNode *);
int domain_fs_after (struct xml_load *, struct xml_node *, xmlNode *);

/* Checks on the whole, in the order of domain_check. */
int domain_devices_check (struct xml_load *load, struct xml_node *root);
int domain_disks_check (struct xml_load *load, struct xml_node *root);
int domain_hostdevs_check (struct xml_load *load, struct xml_node *root);
int domain_drives_check (struct xml_load *load, struct xml_node *root);
int domain_fss_check (struct xml_load *load, struct xml_node *root);
int domain_disk_check (struct xml_load *load, struct xml_node *disk);
int domain_hostdev_check (struct xml_load *load, struct xml_node *hostdev);

/* SCSI host devices and the drives that they share addresses with. */
int domain_hostdev_post (struct xml_load *load, struct xml_node *hostdev);
int domain_hostdev_imply (struct xml_load *load, struct xml_node *devices);
int domain_scsi_free (struct xml_load *load, const struct xml_node *disk);

/* Refuse virtio's options on what is not virtio. */
int domain_virtio_absent (struct xml_load *load,
                          const struct xml_node *driver);

/* Where parsing puts a device among its likes, for domain_replay. */
struct xml_node *domain_disk_place (const struct xml_node *node,
                                    struct xml_node *last);
struct xml_node *domain_controller_place (const struct xml_node *node,
                                          struct xml_node *last);

/* Controllers: USB is on or off; numbers for those without; one of a type
 * and index, NULL = none; add it unless it is there. */
int domain_usb_check (struct xml_load *load, struct xml_node *devices);
bool domain_usb_is_off (const struct xml_node *devices);
int domain_controllers_number (struct xml_load *load,
                               struct xml_node *devices);
struct xml_node *domain_controller_find (const struct xml_node *devices,
                                         const char *type, long long index);
int domain_controller_add (struct xml_load *load, struct xml_node *devices,
                           const char *type, unsigned index,
                           const char *model);

/* Post-parse of one device, and checks of it; -1 = error recorded. */
int domain_disk_post (struct xml_load *load, struct xml_node *disk);

#endif /* DRIVER_TEST_DOMAIN_DEVICES_H */
