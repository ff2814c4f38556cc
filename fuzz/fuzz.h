/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What every fuzz target includes: the entry point that libFuzzer and
 * replay.c call, and a reader for inputs that choose as they go.
 */
#ifndef VIRGATE_FUZZ_H
#define VIRGATE_FUZZ_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t len);

struct fuzz_input {
  const uint8_t *data;
  size_t len;
};

/* The next byte, 0 at the end. */
static inline uint8_t
fuzz_byte (struct fuzz_input *in)
{
  if (in->len == 0)
    return 0;
  in->len--;
  return *in->data++;
}

/* The next bytes in a block of exactly their size, so that a sanitizer sees
 * the first byte read past them.  *len is cut to what is there.
 */
static inline void *
fuzz_block (struct fuzz_input *in, size_t *len)
{
  void *block;

  if (*len > in->len)
    *len = in->len;
  block = malloc (*len ? *len : 1);
  if (block == NULL)
    abort ();
  memcpy (block, in->data, *len);
  in->data += *len;
  in->len -= *len;
  return block;
}

/* Which of the first descriptors are open, a bit for each. */
static inline uint64_t
fuzz_fds (void)
{
  uint64_t open = 0;

  for (int fd = 0; fd < 64; fd++)
    if (fcntl (fd, F_GETFD) != -1)
      open |= UINT64_C (1) << fd;
  return open;
}

#endif /* VIRGATE_FUZZ_H */
