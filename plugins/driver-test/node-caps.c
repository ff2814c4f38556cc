/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The capabilities of the host and of the hypervisor, as XML.
 */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/driver-test/text.h"
#include "plugins/driver-test/world.h"

#define CELL_CPUS 8             /* in each cell */

static const char *const guest_types[] = { "hvm", "xen" };
static const unsigned page_sizes[] = { 4, 8, 2048, 1048576 };   /* KiB */

/* The host's own, as it really is. */
static bool
has_iommu (void)
{
  DIR *dir = opendir ("/sys/kernel/iommu_groups");
  const struct dirent *entry;
  bool found = false;

  if (!dir)
    return false;
  while (!found && (entry = readdir (dir)))
    found = entry->d_name[0] != '.';
  closedir (dir);
  return found;
}

static void
add_cell (struct text *text, const struct world *world, uint32_t cell)
{
  uint64_t memory = world->cells[cell].memory;
  unsigned small = page_sizes[cell == 1];

  text_add (text,
            "        <cell id='%u'>\n"
            "          <memory unit='KiB'>%llu</memory>\n"
            "          <pages unit='KiB' size='%u'>%llu</pages>\n"
            "          <pages unit='KiB' size='%u'>0</pages>\n"
            "          <pages unit='KiB' size='%u'>0</pages>\n"
            "          <cpus num='%d'>\n", cell, (unsigned long long) memory,
            small, (unsigned long long) (memory / small), page_sizes[2],
            page_sizes[3], CELL_CPUS);
  for (uint32_t i = 0; i < CELL_CPUS; i++)
    text_add (text, "            <cpu id='%u' socket_id='%u' die_id='0' "
              "core_id='%u' siblings='%u'/>\n", cell * CELL_CPUS + i, cell, i,
              cell * CELL_CPUS + i);
  text_add (text, "          </cpus>\n        </cell>\n");
}

static void
add_host (struct text *text, const struct world *world)
{
  text_add (text, "  <host>\n    <cpu>\n      <arch>i686</arch>\n"
            "      <features>\n        <pae/>\n        <nonpae/>\n"
            "      </features>\n");
  for (size_t i = 0; i < COUNT_OF (page_sizes); i++)
    text_add (text, "      <pages unit='KiB' size='%u'/>\n", page_sizes[i]);
  text_add (text, "    </cpu>\n    <power_management/>\n"
            "    <iommu support='%s'/>\n", has_iommu () ? "yes" : "no");
  text_add (text, "    <topology>\n      <cells num='%u'>\n",
            world->cell_count);
  for (uint32_t i = 0; i < world->cell_count; i++)
    add_cell (text, world, i);
  text_add (text, "      </cells>\n    </topology>\n");
  text_add (text, "    <secmodel>\n      <model>testSecurity</model>\n"
            "      <doi></doi>\n    </secmodel>\n  </host>\n\n");
}

HANDLER_OUT (connect_get_capabilities)
{
  struct text text = TEXT_INIT;

  text_add (&text, "<capabilities>\n\n");
  add_host (&text, c->world);
  for (size_t i = 0; i < COUNT_OF (guest_types); i++)
    text_add (&text,
              "  <guest>\n"
              "    <os_type>%s</os_type>\n"
              "    <arch name='i686'>\n"
              "      <wordsize>32</wordsize>\n"
              "      <emulator>/usr/bin/test-hv</emulator>\n"
              "      <domain type='test'/>\n"
              "    </arch>\n"
              "    <features>\n"
              "      <pae/>\n"
              "      <nonpae/>\n"
              "    </features>\n"
              "  </guest>\n\n", guest_types[i]);
  text_add (&text, "</capabilities>\n");
  ret->capabilities = text_finish (c, &text);
  return ret->capabilities ? 0 : -1;
}
