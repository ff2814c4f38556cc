/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a complete definition must not be: contradictions between its parts
 * that the schema cannot see.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "plugins/driver-test/domain-devices.h"
#include "plugins/driver-test/domain-post.h"

static int
check_resource (struct xml_load *load, struct xml_node *root)
{
  const char *partition = xml_path_text (root, "resource/partition");

  if (partition && *partition != '/')
    return xml_unsupported (load, "Resource partition '%s' must start with "
                            "'/'", partition);
  return 0;
}

typedef int (*check_fn) (struct xml_load *load, struct xml_node *root);

int
domain_check (struct xml_load *load, struct xml_node *root)
{
  static const check_fn checks[] = {
    domain_chars_check,
    domain_graphics_check,
    domain_video_check,
    check_resource,
  };

  for (size_t i = 0; i < COUNT_OF (checks); i++)
    if (checks[i] (load, root) == -1)
      return -1;
  return 0;
}
