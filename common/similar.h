/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which word was meant by one that is misspelt.
 */
#ifndef VIRGATE_COMMON_SIMILAR_H
#define VIRGATE_COMMON_SIMILAR_H

#include <stdbool.h>
#include <stddef.h>

/* Words longer than this are similar to none. */
#define SIMILAR_MAX 48

struct similar {
  const char *word;             /* LEN bytes, borrowed */
  size_t len;
  const char *best;             /* of what was offered; NULL: none is near */
  unsigned distance;            /* of that */
};

void similar_begin (struct similar *similar, const char *word, size_t len);

/* Offer one that there is; it is borrowed.  Returns true when none that was
 * offered before is as near.
 */
bool similar_offer (struct similar *similar, const char *word);

/* ": did you mean 'WORD'?", or nothing, for the end of a message.  Returns
 * text.
 */
const char *similar_hint (const struct similar *similar, char *text,
                          size_t size);

/* Room for such a text. */
#define SIMILAR_HINT_MAX (SIMILAR_MAX + 24)

#endif /* VIRGATE_COMMON_SIMILAR_H */
