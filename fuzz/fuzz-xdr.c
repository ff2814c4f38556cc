/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The codec, for every type of every program.  The input names a payload as
 * program, number and kind, and goes on with its bytes; or it makes a valid
 * object of that type and says where its encoding is damaged.
 *
 * Whatever it is: checking and decoding agree, memory is in proportion to the
 * bytes that came, and what was accepted is encoded to something that decodes
 * to the same again.
 */
#include "config.h"

#include "common/mem.h"
#include "fuzz.h"
#include "protocol/fill.h"
#include "protocol/table.h"

#define MEMORY (256 * 1024 * 1024)

/* The worst is a list of structures of empty strings: each takes four bytes
 * on the wire, a pointer and sixteen bytes of the arena here.
 */
#define MEMORY_PER_BYTE 8

enum { KIND_ARGS, KIND_RET, KIND_ERROR, KIND_COUNT };

static const struct xdr_type *
pick_type (struct fuzz_input *in, bool *make)
{
  const struct proc_program *program =
    &proc_programs[fuzz_byte (in) % proc_program_count];
  uint32_t number = fuzz_byte (in) << 8;
  const struct proc_row *row;
  uint8_t kind;

  number = (number | fuzz_byte (in)) % program->count;
  row = &program->rows[number];
  kind = fuzz_byte (in);
  *make = kind & 0x80;
  if (kind % KIND_COUNT == KIND_ERROR)
    return xdr_remote_error_type;
  return kind % KIND_COUNT == KIND_RET ? row->ret : row->args;
}

/* Encode a valid object, then change bytes of it. */
static uint8_t *
make_payload (struct fuzz_input *in, const struct xdr_type *type, size_t *len)
{
  struct arena arena;
  struct fill fill = { &arena, 0, 6 };
  struct buf wire = BUF_INIT;
  uint8_t *payload;

  arena_init (&arena, MEMORY);
  for (int i = 0; i < 4; i++)
    fill.state = fill.state << 8 | fuzz_byte (in);
  if (type && xdr_encode (type, fill_object (&fill, type), &wire, NULL) == -1)
    abort ();
  *len = buf_len (&wire);
  payload = malloc (*len + 1);
  if (*len > 0)
    memcpy (payload, buf_data (&wire), *len);
  while (in->len > 2 && *len > 0) {
    size_t at = fuzz_byte (in) << 8;

    at = (at | fuzz_byte (in)) % *len;
    payload[at] ^= fuzz_byte (in);
  }
  arena_free (&arena);
  buf_free (&wire);
  return payload;
}

static void
encode_or_abort (const struct xdr_type *type, const void *obj,
                 struct buf *wire)
{
  if (xdr_encode (type, obj, wire, NULL) == -1)
    abort ();
}

/* A second trip must change nothing; the first may normalise chars. */
static void
check_accepted (const struct xdr_type *type, const void *obj, size_t len)
{
  struct buf once = BUF_INIT, twice = BUF_INIT;
  void *again;

  encode_or_abort (type, obj, &once);
  if (buf_len (&once) != len)
    abort ();
  if (xdr_decode_block (type, buf_data (&once), len, MEMORY, &again, NULL))
    abort ();
  encode_or_abort (type, again, &twice);
  if (buf_len (&twice) != len
      || (len > 0 && memcmp (buf_data (&once), buf_data (&twice), len)))
    abort ();
  free (again);
  buf_free (&once);
  buf_free (&twice);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  struct fuzz_input in = { data, len };
  struct xdr_error error;
  bool make;
  const struct xdr_type *type = pick_type (&in, &make);
  size_t payload_len = in.len, most;
  uint8_t *payload = make ? make_payload (&in, type, &payload_len)
                          : fuzz_block (&in, &payload_len);
  int checked = xdr_check (type, payload, payload_len, &error);
  void *obj = NULL;

  most = payload_len * MEMORY_PER_BYTE + (type ? type->size : 0) + 64;
  if (xdr_decode_block (type, payload, payload_len, most, &obj, NULL)
      != checked)
    abort ();
  if (checked == 0 && type)
    check_accepted (type, obj, payload_len);
  free (obj);
  free (payload);
  return 0;
}
