/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Words of a key's value: between blanks or commas, unless quotes enclose
 * these.
 */
#ifndef VIRGATE_ACL_IP_WORDS_H
#define VIRGATE_ACL_IP_WORDS_H

#include <stddef.h>

/* Bytes of the longest word, its NUL included. */
#define IP_VALUE_WORD_MAX 1024

/* Take the next word, without its quotes; \" in quotes is a quote.  Returns
 * 1; 0 at the end; -1 when a word is too long or a quote is not closed, *why
 * says which.
 */
int ip_next_word (const char **at, char word[IP_VALUE_WORD_MAX],
                  const char **why);

#endif /* VIRGATE_ACL_IP_WORDS_H */
