/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A security layer that an authentication negotiated, as a transport on top
 * of the transport: what is written is sealed by the module, what is read is
 * opened by it.  Descriptors cannot pass.  Both sides of the project use it;
 * when it begins, and what must not have been read before, is theirs to know.
 */
#ifndef VIRGATE_CORE_LAYER_H
#define VIRGATE_CORE_LAYER_H

#include <virgate/auth.h>
#include <virgate/transport.h>

/* A connection counts as encrypted from so many bits on; libvirt's bound. */
#define LAYER_BITS_MIN 56

/* Smaller packets are not worth what each costs: bytes. */
#define LAYER_PLAIN_MIN 1024
/* No more than that is sealed at once: bytes. */
#define LAYER_PLAIN_MAX (64 * 1024)

struct layer;

/* Is there a layer to begin, now that the conversation has ended? */
int layer_is_wanted (const struct virgate_auth_ops *auth, void *conv);

/* A layer of a conversation, which it takes over.  Returns NULL, and the
 * conversation is still the caller's, when memory is exhausted, or when the
 * module has no layer that can be used.
 */
struct layer *layer_new (const struct virgate_auth_ops *auth, void *conv);

/* Free one that was not begun; NULL: nothing. */
void layer_free (struct layer *layer);

/* Put it on top of *ops and *conn, which become the layer's; closing it closes
 * what is below and frees the conversation.
 */
void layer_begin (struct layer *layer,
                  const struct virgate_transport_ops **ops, void **conn);

/* Capabilities of a connection that a layer was put on. */
uint32_t layer_caps (void *conn);

#endif /* VIRGATE_CORE_LAYER_H */
