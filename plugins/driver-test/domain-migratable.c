/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions for older hosts: what those would not understand, or would make
 * up themselves, is taken out.
 */
#include "config.h"

#include "plugins/driver-test/domain-schema.h"

static void
drop_input (struct xml_node *input)
{
  if (xml_attr_is (input, "type", "keyboard")
      && (xml_attr_is (input, "bus", "ps2")
          || xml_attr_is (input, "bus", "xen")))
    xml_node_free (input);
}

/* A socket is an attribute of VNC; that Spice does not listen shows in its
 * having no port. */
static int
narrow_graphics (struct xml_node *graphics)
{
  bool is_spice = xml_attr_is (graphics, "type", "spice");
  struct xml_node *listen = xml_child (graphics, "listen"), *next;
  int ret = 0;

  if (is_spice && xml_attr_is (listen, "type", "none"))
    ret = xml_attr_set (graphics, "autoport", "no");
  for (; listen; listen = next) {
    next = xml_next (listen);
    if (is_spice ? xml_attr_is (listen, "type", "none")
        : xml_attr_is (graphics, "type", "vnc")
          && xml_attr (listen, "socket"))
      xml_node_free (listen);
  }
  return ret;
}

static void
narrow_controller (struct xml_node *controller)
{
  struct xml_node *model = xml_child (controller, "model");

  if (xml_attr_is (controller, "model", "pci-root")
      && xml_attr_is (model, "name", "spapr-pci-host-bridge"))
    xml_node_free (model);
}

int
domain_make_migratable (struct xml_node *root)
{
  struct xml_node *devices = xml_child (root, "devices"), *node, *next;

  for (node = xml_child (devices, "input"); node; node = next) {
    next = xml_next (node);
    drop_input (node);
  }
  for (node = xml_child (devices, "graphics"); node; node = xml_next (node))
    if (narrow_graphics (node) == -1)
      return -1;
  for (node = xml_child (devices, "controller"); node; node = xml_next (node))
    narrow_controller (node);
  return 0;
}
