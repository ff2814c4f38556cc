/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Words of a line: between separators, unless quotes enclose these.
 */
#ifndef VIRGATE_COMMON_WORDS_H
#define VIRGATE_COMMON_WORDS_H

#include <stddef.h>

/* Bytes that are enough for a word in all places that read some. */
#define WORD_MAX 1024

/* Take the next word, without its quotes; \" in quotes is a quote.
 *
 * at       the rest of the line; moved on
 * between  the separators
 * word     out: SIZE bytes, its NUL included
 *
 * Returns 1; 0 at the end; -1 when the word is too long or a quote is not
 * closed, *why says which.
 */
int word_next (const char **at, const char *between, char *word, size_t size,
               const char **why);

#endif /* VIRGATE_COMMON_WORDS_H */
