/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Architectures, and the names of their CPU models.
 */
#include "config.h"

#include <string.h>

#include "plugins/driver-test/cpu-models.h"
#include "plugins/driver-test/driver.h"

#define UNKNOWN CPU_ARCH_UNKNOWN, NULL
#define NAMES CPU_ARCH_NAMES, cpu_no_models
#define PPC64 CPU_ARCH_NAMES, cpu_ppc64_models
#define X86 CPU_ARCH_X86, NULL
static const struct cpu_arch archs[] = {
  { "alpha", UNKNOWN }, { "armv6l", NAMES }, { "armv7l", NAMES },
  { "armv7b", NAMES }, { "aarch64", NAMES }, { "cris", UNKNOWN },
  { "i686", X86 }, { "ia64", UNKNOWN }, { "lm32", UNKNOWN },
  { "m68k", UNKNOWN }, { "microblaze", UNKNOWN }, { "microblazeel", UNKNOWN },
  { "mips", UNKNOWN }, { "mipsel", UNKNOWN }, { "mips64", UNKNOWN },
  { "mips64el", UNKNOWN }, { "openrisc", UNKNOWN }, { "parisc", UNKNOWN },
  { "parisc64", UNKNOWN }, { "ppc", UNKNOWN }, { "ppcle", UNKNOWN },
  { "ppc64", PPC64 }, { "ppc64le", PPC64 }, { "ppcemb", UNKNOWN },
  { "riscv32", UNKNOWN }, { "riscv64", UNKNOWN }, { "s390", NAMES },
  { "s390x", NAMES }, { "sh4", UNKNOWN }, { "sh4eb", UNKNOWN },
  { "sparc", UNKNOWN }, { "sparc64", UNKNOWN }, { "unicore32", UNKNOWN },
  { "x86_64", X86 }, { "xtensa", UNKNOWN }, { "xtensaeb", UNKNOWN },
};
#undef UNKNOWN
#undef NAMES
#undef PPC64
#undef X86

const struct cpu_arch *
cpu_arch_find (const char *name)
{
  for (size_t i = 0; i < COUNT_OF (archs); i++)
    if (strcmp (archs[i].name, name) == 0)
      return &archs[i];
  return NULL;
}

/* The name of an architecture's model number INDEX; NULL behind the last. */
static const char *
model_name (const struct cpu_arch *arch, size_t index)
{
  if (arch->kind == CPU_ARCH_X86)
    return cpu_x86_models[index].name;
  return arch->models[index];
}

HANDLER (connect_get_cpu_model_names)
{
  const struct cpu_arch *arch;

  if (check_flags (c, args->flags, 0, "testConnectGetCPUModelNames") == -1)
    return -1;
  arch = cpu_arch_find (args->arch);
  if (!arch)
    return fail (c, VIRGATE_ERR_INVALID_ARG, "cannot find architecture %s",
                 args->arch);
  if (arch->kind == CPU_ARCH_UNKNOWN)
    return fail_in (c, VIRGATE_FROM_CPU, VIRGATE_ERR_NO_SUPPORT,
                    "'%s' architecture is not supported by CPU driver",
                    args->arch);
  while (model_name (arch, (size_t) ret->ret))
    ret->ret++;
  if (!args->need_results || !ret->ret)
    return 0;
  ret->models.val = call_array (c, (size_t) ret->ret,
                                sizeof *ret->models.val);
  if (!ret->models.val)
    return -1;
  while (ret->models.len < (uint32_t) ret->ret) {
    uint32_t at = ret->models.len++;

    ret->models.val[at] = call_strdup (c, model_name (arch, at));
    if (!ret->models.val[at])
      return -1;
  }
  return 0;
}
