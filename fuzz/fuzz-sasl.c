/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SASL's messages, by the real Cyrus: the server's half of auth-sasl gets
 * messages of the input's, or those of the client's half with changes; what
 * they agree on then seals and opens bytes, again with changes.
 *
 * Whatever comes: only alice gets in, and only as alice; what was not changed
 * is accepted, sealed bytes that were are not; and nothing is left.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#include <virgate/auth.h>
#include <virgate/transport.h>

#include "common/buf.h"
#include "common/mem.h"
#include "core/host.h"
#include "core/layer.h"
#include "core/modules.h"
#include "core/peer.h"
#include "fuzz.h"

#define PASSWORD "secret"
#define TURNS 8
#define ROUNDS 64

/* The module, linked in. */
static struct module module;
static const struct virgate_auth_ops *ops;
static struct instance server, client;
static const char *user;        /* who the client says it is */

/* One end of a connection below a layer. */
struct end {
  struct buf *in, *out;
  size_t chunk, room;
};

/* Cyrus's DIGEST-MD5 loads OpenSSL's old ciphers anew each time.  The
 * sanitizer's library looks for this among exported symbols.
 */
const char *__lsan_default_suppressions (void)
  __attribute__ ((visibility ("default")));
const char *
__lsan_default_suppressions (void)
{
  return "leak:libcrypto.so\nleak:libdigestmd5.so";
}

/* It would make libFuzzer look for leaks after each input, which takes longer
 * than the input; builds without a fuzzer look for them at the end.
 */
#ifdef FUZZERS
int __lsan_is_turned_off (void);
int
__lsan_is_turned_off (void)
{
  return 1;
}
#endif

/* Once ------------------------------------------------------------------- */

/* A source of users with one user. */
static int
look_up (void *opaque, sasl_server_params_t *params, unsigned flags,
         const char *name, unsigned len)
{
  if ((flags & SASL_AUXPROP_AUTHZID) || len < 5
      || memcmp (name, "alice", 5) != 0 || (len > 5 && name[5] != '@'))
    return SASL_NOUSER;
  params->utils->prop_set (params->propctx, SASL_AUX_PASSWORD, PASSWORD,
                           strlen (PASSWORD));
  return SASL_OK;
}

static int
init_users (const sasl_utils_t *utils, int max_version, int *version,
            sasl_auxprop_plug_t **plug, const char *name)
{
  static sasl_auxprop_plug_t users = {
    .name = (char *) "fuzz", .auxprop_lookup = look_up,
  };

  *version = SASL_AUXPROP_PLUG_VERSION;
  *plug = &users;
  return SASL_OK;
}

static int
give_credential (void *opaque, const struct instance *instance, uint32_t kind,
                 const char *prompt, const char *challenge, char **secret)
{
  if (user == NULL)
    return 1;
  *secret = strdup (kind == VIRGATE_CRED_PASSWORD ? PASSWORD : user);
  return 0;
}

static void
open_instance (struct instance *instance, const struct host_env *env,
               const char *const (*keys)[2])
{
  instance->module = &module;
  instance->env = env;
  strcpy (instance->title, "auth fuzz");
  host_init (instance);
  if (module.desc.open (&instance->host, &instance->inst) == -1)
    abort ();
  for (; (*keys)[0]; keys++)
    if (module.desc.config (instance->inst, (*keys)[0], (*keys)[1]) == -1)
      abort ();
  if (module.desc.ready (instance->inst) == -1) {
    fprintf (stderr, "%s\n", host_error_said ());
    abort ();
  }
}

static void
begin (void)
{
  static const struct host_env envs[] = {
    { .role = VIRGATE_ROLE_SERVER, .program = "fuzz" },
    { .role = VIRGATE_ROLE_CLIENT, .program = "fuzz",
      .credential = give_credential },
  };
  static const char *const server_keys[][2] = {
    { "mechanisms", "SCRAM-SHA-512 SCRAM-SHA-256 PLAIN DIGEST-MD5 CRAM-MD5" },
    { "option", "auxprop_plugin fuzz" }, { "hostname", "host" },
    { "option", "pwcheck_method auxprop" }, { "group", "all *" }, { NULL }
  };
  static const char *const client_keys[][2] = {
    { "mechanisms", "DIGEST-MD5 CRAM-MD5 SCRAM-SHA-256 PLAIN" }, { NULL }
  };

  module.desc = virgate_module;
  module.ops = module.desc.ops;
  ops = module.ops;
  open_instance (&server, &envs[0], server_keys);
  sasl_auxprop_add_plugin ("fuzz", init_users);
  open_instance (&client, &envs[1], client_keys);
}

/* The conversation -------------------------------------------------------- */

static const char *const mechs[] = {
  "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "DIGEST-MD5", "CRAM-MD5",
  "GSSAPI", "", "SCRAM-SHA-256-PLUS",
};

struct talk {
  struct fuzz_input *in;
  struct virgate_auth_context context;
  struct virgate_identity identity;
  void *server_conv, *client_conv;
  bool is_changed;              /* what one side said, or was made up */
  bool is_in, is_over;          /* the server's last word */
};

/* A message in a block of its own, perhaps changed. */
static struct virgate_auth_data
pass_on (struct talk *t, const struct virgate_auth_data *said, char **block)
{
  uint8_t how = fuzz_byte (t->in);
  struct virgate_auth_data got = { NULL, said->len };

  *block = malloc (said->len + 1);
  if (said->data)
    memcpy (*block, said->data, said->len);
  got.data = said->data ? *block : NULL;
  for (uint8_t n = how & 3; n > 0 && got.data && got.len > 0; n--) {
    uint8_t *at = (uint8_t *) *block + (fuzz_byte (t->in)
                                        + fuzz_byte (t->in) * 256) % got.len;
    uint8_t change = fuzz_byte (t->in);

    *at ^= change;
    t->is_changed |= change != 0;
  }
  if (how & 4 && got.len > 0) {
    got.len = fuzz_byte (t->in) % got.len;
    t->is_changed = true;
  }
  if (how & 8) {
    got = (struct virgate_auth_data) { NULL, 0 };
    t->is_changed = true;
  }
  return got;
}

/* A message of the input's own. */
static struct virgate_auth_data
make_up (struct talk *t, char **block)
{
  uint8_t how = fuzz_byte (t->in);
  size_t len = fuzz_byte (t->in) * (how & 1 ? 64 : 1);

  t->is_changed = true;
  *block = fuzz_block (t->in, &len);
  return (struct virgate_auth_data) { how & 2 ? NULL : *block,
                                      how & 2 ? 0 : len };
}

/* The server hears something and answers. */
static void
serve (struct talk *t, const char *mech, const struct virgate_auth_data *in,
       struct virgate_auth_data *out)
{
  const char *name;
  int result;

  *out = (struct virgate_auth_data) { NULL, 0 };
  host_error_forget ();
  if (mech)
    result = ops->start (server.inst, &t->context, mech, in, out,
                         &t->server_conv, &t->identity);
  else
    result = ops->step (t->server_conv, in, out, &t->identity);
  t->is_over = result != VIRGATE_AUTH_MORE;
  t->is_in = result == VIRGATE_AUTH_YES;
  if (!t->is_in && t->is_over && host_error_said () == NULL)
    abort ();
  if (result == VIRGATE_AUTH_PASS || out->len > VIRGATE_AUTH_DATA_MAX)
    abort ();
  name = identity_get_name (&t->identity);
  if (t->is_in ? name == NULL || strncmp (name, "alice", 5) != 0
               : name != NULL)
    abort ();
}

/* The input speaks for the client. */
static void
talk_raw (struct talk *t, const char *mech)
{
  for (int i = 0; i < TURNS && !t->is_over; i++) {
    struct virgate_auth_data in, out;
    char *block;

    in = make_up (t, &block);
    serve (t, i == 0 ? mech : NULL, &in, &out);
    free (block);
  }
}

/* Both halves, and the input between them.  True when both are content. */
static bool
talk_both (struct talk *t, const char *wanted)
{
  struct virgate_auth_data said = { NULL, 0 }, got, answer;
  const char *mech = NULL;
  char *block;
  int result;

  result = ops->client_start (client.inst, &t->context,
                              ops->mechanisms (server.inst, &t->context),
                              wanted, &mech, &said, &t->client_conv);
  for (int i = 0; i < TURNS; i++) {
    if (result != VIRGATE_AUTH_MORE && result != VIRGATE_AUTH_YES)
      return false;
    if (t->is_in)
      return result == VIRGATE_AUTH_YES;
    got = pass_on (t, &said, &block);
    serve (t, i == 0 ? mech : NULL, &got, &answer);
    free (block);
    if (t->is_over && !t->is_in)
      return false;
    got = pass_on (t, &answer, &block);
    result = ops->client_step (t->client_conv, &got, &said);
    free (block);
  }
  return false;
}

/* The layer --------------------------------------------------------------- */

static ssize_t
end_readv (void *opaque, const struct iovec *iov, int iovcnt,
           struct virgate_fds *fds)
{
  struct end *end = opaque;
  size_t n = MIN_OF (MIN_OF (iov[0].iov_len, end->chunk), buf_len (end->in));

  if (n == 0)
    return VIRGATE_IO_WANT_READ;
  memcpy (iov[0].iov_base, buf_data (end->in), n);
  buf_consume (end->in, n);
  return n;
}

static ssize_t
end_writev (void *opaque, const struct iovec *iov, int iovcnt,
            const struct virgate_fds *fds)
{
  struct end *end = opaque;
  size_t n = MIN_OF (iov[0].iov_len, end->room);

  if (n == 0)
    return VIRGATE_IO_WANT_WRITE;
  if (buf_append (end->out, iov[0].iov_base, n) == -1)
    abort ();
  end->room -= n;
  return n;
}

static void
end_close (void *opaque)
{
}

static const struct virgate_transport_ops end_ops = {
  .readv = end_readv, .writev = end_writev, .close = end_close,
};

struct sealed {
  const struct virgate_transport_ops *ops;
  void *conn;
  struct end end;
  size_t waiting;               /* plain bytes that were not accepted */
  uint8_t sent, got;            /* the next byte of the plain text */
};

static bool
put_layer (struct sealed *s, void **conv, struct buf *in, struct buf *out)
{
  struct layer *layer = layer_is_wanted (ops, *conv) ? layer_new (ops, *conv)
                                                     : NULL;

  if (layer == NULL)
    return false;
  *conv = NULL;
  s->end = (struct end) { in, out, SIZE_MAX, SIZE_MAX };
  s->ops = &end_ops;
  s->conn = &s->end;
  layer_begin (layer, &s->ops, &s->conn);
  return true;
}

/* Plain text counts upwards.  What was not accepted comes again, and perhaps
 * more behind it.
 */
static void
send_some (struct sealed *s, size_t len)
{
  static uint8_t text[256 * 300];
  struct iovec iov = { text, MAX_OF (len, s->waiting) };
  ssize_t n;

  for (size_t i = 0; i < iov.iov_len; i++)
    text[i] = (uint8_t) (s->sent + i);
  if (iov.iov_len == 0)
    return;
  n = s->ops->writev (s->conn, &iov, 1, NULL);
  if (n == VIRGATE_IO_ERROR || n > (ssize_t) iov.iov_len)
    abort ();
  s->sent += MAX_OF (n, 0);
  s->waiting = iov.iov_len - MAX_OF (n, 0);
}

/* What was not changed comes out whole; what was ends it. */
static bool
read_some (struct sealed *s, size_t room, bool is_changed)
{
  static uint8_t text[128 * 1024];
  struct iovec iov = { text, room % sizeof text + 1 };
  ssize_t n = s->ops->readv (s->conn, &iov, 1, NULL);

  if (n == VIRGATE_IO_ERROR && !is_changed)
    abort ();
  for (ssize_t i = 0; i < n; i++)
    if (text[i] != s->got++)
      abort ();
  return n != VIRGATE_IO_ERROR;
}

/* Bytes on their way are changed, or some of the input's are put there. */
static void
spoil (struct buf *wire, struct fuzz_input *in, bool *is_changed)
{
  uint8_t how = fuzz_byte (in);
  size_t len = fuzz_byte (in);

  if (how & 1) {
    char *block = fuzz_block (in, &len);

    if (buf_append (wire, block, len) == -1)
      abort ();
    free (block);
    *is_changed |= len > 0;
  }
  else if (buf_len (wire) > 0) {
    uint8_t change = fuzz_byte (in);

    buf_data (wire)[(len + fuzz_byte (in) * 256) % buf_len (wire)] ^= change;
    *is_changed |= change != 0;
  }
}

static void
seal_and_open (struct talk *t)
{
  struct buf wires[2] = { BUF_INIT, BUF_INIT };
  struct sealed ends[2] = { { .sent = 0 }, { .sent = 0 } };
  bool is_changed[2] = { false, false }, is_good = true;

  if (put_layer (&ends[0], &t->server_conv, &wires[0], &wires[1])) {
    if (!put_layer (&ends[1], &t->client_conv, &wires[1], &wires[0]))
      abort ();                 /* a layer for one side only */
    for (int i = 0; i < ROUNDS && is_good && t->in->len > 0; i++) {
      uint8_t what = fuzz_byte (t->in);
      struct sealed *s = &ends[what & 1];

      s->end.chunk = what & 0x40 ? UINT64_C (1) + fuzz_byte (t->in) : SIZE_MAX;
      s->end.room = what & 0x80 ? fuzz_byte (t->in) * UINT64_C (64) : SIZE_MAX;
      if ((what >> 1 & 3) == 0)
        send_some (s, fuzz_byte (t->in) * (what & 8 ? 300 : 1));
      else if ((what >> 1 & 3) == 1)
        spoil (&wires[what & 1], t->in, &is_changed[what & 1]);
      else
        is_good = read_some (s, fuzz_byte (t->in) * (what & 8 ? 512 : 1),
                             is_changed[what & 1]);
    }
    ends[1].ops->close (ends[1].conn);
  }
  if (ends[0].ops)
    ends[0].ops->close (ends[0].conn);
  buf_free (&wires[0]);
  buf_free (&wires[1]);
}

/* One input --------------------------------------------------------------- */

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  static const char *const users[] = { "alice", "alice", "bob", NULL };
  struct fuzz_input in = { data, len };
  uint8_t kind = fuzz_byte (&in);
  const char *mech = mechs[kind % COUNT_OF (mechs)];
  struct talk t = {
    .in = &in,
    .context = { .size = sizeof t.context, .service = "libvirt",
                 .hostname = "host",
                 .caps = kind & 8 ? VIRGATE_CAP_ENCRYPTED : 0,
                 .key_bits = kind & 8 ? 256 : 0 },
  };
  bool agree;

  if (ops == NULL)
    begin ();
  user = users[kind >> 5 & 3];
  if (kind & 16)
    talk_raw (&t, mech);
  else {
    agree = talk_both (&t, kind & 128 ? NULL : *mech ? mech : NULL);
    if (agree && user && strcmp (user, "alice") != 0)
      abort ();
    if (!agree && !t.is_changed && user && strcmp (user, "alice") == 0
        && kind & 8 && kind % COUNT_OF (mechs) < 5)
      abort ();
    if (agree)
      seal_and_open (&t);
  }
  if (t.server_conv)
    ops->conv_free (t.server_conv);
  if (t.client_conv)
    ops->conv_free (t.client_conv);
  identity_free (&t.identity);
  return 0;
}
