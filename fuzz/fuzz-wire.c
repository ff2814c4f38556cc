/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The frame reader: whatever arrives, cut wherever, frames are whole, memory
 * follows the bytes that came, and holding back loses nothing.
 */
#include "config.h"

#include "core/wire.h"
#include "fuzz.h"

struct reader {
  struct fuzz_input *in;
  size_t fed, given;
};

static enum wire_verdict
take (void *opaque, const struct frame *frame)
{
  struct reader *reader = opaque;
  volatile char sum = 0;

  for (size_t i = 0; i < frame->len; i++)
    sum ^= frame->payload[i];
  switch (fuzz_byte (reader->in) % 8) {
  case 0:
    return WIRE_HOLD;
  case 1:
    reader->given += FRAME_PREFIX_LEN + frame->len;
    return WIRE_STOP;
  default:
    reader->given += FRAME_PREFIX_LEN + frame->len;
    return WIRE_NEXT;
  }
}

static enum wire_verdict
feed (struct wire_in *in, struct reader *reader)
{
  size_t len = fuzz_byte (reader->in) * (fuzz_byte (reader->in) + 1), room;
  char *inside = wire_inside (in, &room), *block;
  enum wire_verdict verdict;

  block = fuzz_block (reader->in, &len);
  reader->fed += len;
  if (inside && len <= room) {
    memcpy (inside, block, len);
    verdict = wire_feed_inside (in, len, take, reader);
  }
  else
    verdict = wire_feed (in, block, len, NULL, take, reader);
  free (block);
  return verdict;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  struct fuzz_input input = { data, len };
  struct reader reader = { .in = &input };
  struct wire_in in;
  enum wire_verdict verdict = WIRE_NEXT;

  wire_in_init (&in, FRAME_LEN_MAX);
  while (verdict != WIRE_BROKEN && input.len > 0) {
    verdict = verdict == WIRE_STOP ? wire_resume (&in, take, &reader)
                                   : feed (&in, &reader);
    if (reader.given > reader.fed
        || wire_in_memory (&in) > 4 * reader.fed + 4096)
      abort ();
  }
  wire_in_free (&in);
  return 0;
}
