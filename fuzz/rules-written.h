/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules that an input chooses, as the oracle has them and as text: a section,
 * in the middle of which a file is named.
 */
#ifndef VIRGATE_FUZZ_RULES_WRITTEN_H
#define VIRGATE_FUZZ_RULES_WRITTEN_H

#include <stdbool.h>

#include <virgate/module.h>

#include "fuzz/fuzz.h"
#include "fuzz/rules-oracle.h"

#define WRITTEN_MAX 16384
#define WRITTEN_SECTION "virgated.conf"

extern struct written {
  struct oracle oracle;
  unsigned first, last;         /* rules that are in the file */
  uint32_t lines[RULES_MAX_HERE]; /* where each is */
  char file[WRITTEN_MAX];
  size_t len;
  uint32_t line;                /* of the section, that is being given */
  int fd;
  char path[40];
} written;

extern const struct virgate_module virgate_module; /* rules-module.c */

/* Choose a section, and give it to the module key by key; its file is there
 * when this returns.
 */
void written_section (struct fuzz_input *in, void *inst);
/* Choose the rules of the file anew. */
void written_file (struct fuzz_input *in);

static inline void
must (bool is_so)
{
  if (!is_so)
    abort ();
}

static inline unsigned
choose (struct fuzz_input *in, unsigned count)
{
  return fuzz_byte (in) % count;
}

#endif /* VIRGATE_FUZZ_RULES_WRITTEN_H */
