/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sets of CPUs, a bit for each, as people write them: "0-3,8".
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Bit cpu of the map that begins at start; maps from the wire may be short. */
static bool
map_has (const uint8_t *map, uint32_t len, uint32_t start, int cpu)
{
  uint32_t at = start + (uint32_t) cpu / 8;

  return cpu >= 0 && at < len && map[at] >> cpu % 8 & 1;
}

char *
cpulist_format (const uint8_t *map, uint32_t len, uint32_t start, int cpus)
{
  char *text = NULL;
  size_t size;
  FILE *out = must_memstream (&text, &size);
  const char *comma = "";

  for (int cpu = 0; cpu < cpus; cpu++) {
    int last = cpu;

    if (!map_has (map, len, start, cpu))
      continue;
    while (last + 1 < cpus && map_has (map, len, start, last + 1))
      last++;
    fprintf (out, last > cpu ? "%s%d-%d" : "%s%d", comma, cpu, last);
    comma = ",";
    cpu = last;
  }
  fclose (out);
  return text;
}

char *
cpumap_letters (const uint8_t *map, uint32_t len, uint32_t start, int cpus)
{
  char *text = must_alloc (NULL, (size_t) MAX_OF (cpus, 0) + 1, 1);

  for (int cpu = 0; cpu < cpus; cpu++)
    text[cpu] = map_has (map, len, start, cpu) ? 'y' : '-';
  text[MAX_OF (cpus, 0)] = '\0';
  return text;
}

void
put_affinity (struct cmd *cmd, const uint8_t *map, uint32_t len,
              uint32_t start, int cpus)
{
  CLEANUP_FREE char *list = cpulist_format (map, len, start, cpus);
  CLEANUP_FREE char *text = NULL;

  text = opt_bool (cmd, "pretty")
         ? must_format ("%s (out of %d)", list, cpus)
         : cpumap_letters (map, len, start, cpus);
  put_str (cmd->out, NULL, "CPU Affinity:", text);
  put_str (cmd->out, "cpu_affinity", NULL, list);
}
