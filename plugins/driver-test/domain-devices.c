/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The schema of <devices>: the list of kinds, and the small ones.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-devices.h"

static const struct xml_elem memballoon_kids[] = {
  { "stats", .attrs = ATTRS ({ "period", XT_UINT, XT_HIDE_ZERO }) },
  INFO_KIDS,
  { "driver", .attrs = ATTRS (VIRTIO_ATTRS) },
  { 0 }
};

const struct xml_elem domain_device_kids[] = {
  { "emulator", .text = TEXT (0) },
  { "disk", .flags = XT_MANY, .attrs = domain_disk_attrs,
    .kids = domain_disk_kids, .before = domain_disk_before,
    .after = domain_disk_after },
  { "controller", .flags = XT_MANY, .attrs = domain_controller_attrs,
    .kids = domain_controller_kids, .before = domain_controller_before,
    .after = domain_controller_after },
  { "interface", .flags = XT_MANY, .attrs = domain_net_attrs,
    .kids = domain_net_kids, .before = domain_net_before,
    .after = domain_net_after },
  { "memballoon", .kids = memballoon_kids, .attrs = ATTRS (
      { "model", XT_ENUM, XT_REQUIRED,
        .names = NAMES ("virtio", "xen", "none", "virtio-transitional",
                        "virtio-non-transitional") },
      { "autodeflate", XT_SWITCH },
      { "freePageReporting", XT_SWITCH }) },
  { 0 }
};
