#ifndef SHARED_BASE_PHONE_H
#define SHARED_BASE_PHONE_H

/*
 * phone: telephone numbers as people in Viet Nam type them, and the one form (E.164) that is
 * the same however they were typed.  What was typed stays what it is; this stands beside it.
 */
#include <stdbool.h>
#include <stddef.h>

enum { PHONE_MAX = 20 };	/* "+", 15 digits, and room */

/*
 * "0912.345.678", "84 912 345 678", "+84 (0)912345678", "0084912345678" -> "+84912345678";
 * mobile numbers of 11 digits as they were converted in 2018 ("01685551234" -> "+84385551234");
 * foreign ones with "+" or "00" in front.  False, and out is "": hotlines and short numbers,
 * which have no such form, and whatever is no number.
 */
bool phone_e164(const char *typed, char out[PHONE_MAX]);

/* As it is dialled in the country: "+84912345678" -> "0912345678"; foreign ones with "00". */
void phone_domestic(const char *e164, char out[PHONE_MAX]);

/* Digits and what people put between them, at least `least` digits, and nothing else? */
bool phone_looks(const char *typed, size_t least);

/* The digits alone, cut at PHONE_MAX - 1. */
void phone_digits(const char *typed, char out[PHONE_MAX]);

#endif
