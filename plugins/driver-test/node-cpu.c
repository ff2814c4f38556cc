/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * CPU models: which there are, and the largest common one of several.
 */
#include "config.h"

#include <string.h>

#include "plugins/driver-test/cpu-models.h"
#include "plugins/driver-test/driver.h"

/* Architectures, and whose models they have (NULL: models are not known). */
static const struct {
  const char *arch;
  const char *const *models;
} archs[] = {
  { "alpha", NULL }, { "armv6l", cpu_no_models },
  { "armv7l", cpu_no_models }, { "armv7b", cpu_no_models },
  { "aarch64", cpu_no_models }, { "cris", NULL }, { "i686", cpu_x86_models },
  { "ia64", NULL }, { "lm32", NULL }, { "m68k", NULL },
  { "microblaze", NULL }, { "microblazeel", NULL }, { "mips", NULL },
  { "mipsel", NULL }, { "mips64", NULL }, { "mips64el", NULL },
  { "openrisc", NULL }, { "parisc", NULL }, { "parisc64", NULL },
  { "ppc", NULL }, { "ppcle", NULL }, { "ppc64", cpu_ppc64_models },
  { "ppc64le", cpu_ppc64_models }, { "ppcemb", NULL }, { "riscv32", NULL },
  { "riscv64", NULL }, { "s390", cpu_no_models }, { "s390x", cpu_no_models },
  { "sh4", NULL }, { "sh4eb", NULL }, { "sparc", NULL }, { "sparc64", NULL },
  { "unicore32", NULL }, { "x86_64", cpu_x86_models }, { "xtensa", NULL },
  { "xtensaeb", NULL },
};

HANDLER (connect_get_cpu_model_names)
{
  const char *const *models;
  size_t i = 0;

  if (check_flags (c, args->flags, 0, "testConnectGetCPUModelNames") == -1)
    return -1;
  while (i < COUNT_OF (archs) && strcmp (archs[i].arch, args->arch) != 0)
    i++;
  if (i == COUNT_OF (archs))
    return fail (c, VIRGATE_ERR_INVALID_ARG, "cannot find architecture %s",
                 args->arch);
  models = archs[i].models;
  if (!models)
    return fail_in (c, VIRGATE_FROM_CPU, VIRGATE_ERR_NO_SUPPORT,
                    "'%s' architecture is not supported by CPU driver",
                    args->arch);
  while (models[ret->ret])
    ret->ret++;
  if (!args->need_results || !ret->ret)
    return 0;
  ret->models.val = call_array (c, (size_t) ret->ret,
                                sizeof *ret->models.val);
  if (!ret->models.val)
    return -1;
  while (models[ret->models.len]) {
    uint32_t at = ret->models.len++;

    ret->models.val[at] = call_strdup (c, models[at]);
    if (!ret->models.val[at])
      return -1;
  }
  return 0;
}
