#include "shared/base/phone.h"

#include <stdio.h>
#include <string.h>

enum { E164_LEAST = 8, E164_MOST = 15, CONVERTED = 11 };

static const char digits[] = "0123456789";
/* The blank of a web page among them (U+00A0), as bytes. */
static const char between[] = " .-()/\xC2\xA0";

/* What the first four digits of an old mobile number of 11 became (15/9 to 14/11/2018). */
static const char *const converted[][2] = {
	{ "0162", "032" }, { "0163", "033" }, { "0164", "034" }, { "0165", "035" }, { "0166", "036" },
	{ "0167", "037" }, { "0168", "038" }, { "0169", "039" }, { "0120", "070" }, { "0121", "079" },
	{ "0122", "077" }, { "0126", "076" }, { "0128", "078" }, { "0123", "083" }, { "0124", "084" },
	{ "0125", "085" }, { "0127", "081" }, { "0129", "082" }, { "0186", "056" }, { "0188", "058" },
	{ "0199", "059" },
};

bool
phone_looks(const char *typed, size_t least)
{
	size_t n = 0;

	typed += strspn(typed, between);
	typed += *typed == '+' ? 1 : 0;
	for (; *typed != '\0'; typed++) {
		if (strchr(digits, *typed) != NULL)
			n++;
		else if (strchr(between, *typed) == NULL)
			return false;
	}
	return n >= least;
}

void
phone_digits(const char *typed, char out[PHONE_MAX])
{
	size_t n = 0;

	for (; *typed != '\0' && n + 1 < PHONE_MAX; typed++)
		if (*typed >= '0' && *typed <= '9')
			out[n++] = *typed;
	out[n] = '\0';
}

/* A number as it is dialled in the country, its first 0 included. */
static bool
domestic(const char *d, char out[PHONE_MAX])
{
	size_t n = strlen(d);

	for (size_t i = 0; n == CONVERTED && i < sizeof(converted) / sizeof(*converted); i++)
		if (strncmp(d, converted[i][0], 4) == 0) {
			snprintf(out, PHONE_MAX, "+84%s%s", converted[i][1] + 1, d + 4);
			return true;
		}
	if (d[0] != '0' || (strchr("35789", d[1]) != NULL ? n != 10 : d[1] != '2' || n < 10 || n > 11))
		return false;
	snprintf(out, PHONE_MAX, "+84%s", d + 1);
	return true;
}

/* What follows "+" or "00": a country and a number there. */
static bool
international(const char *d, char out[PHONE_MAX])
{
	char home[PHONE_MAX];
	size_t n = strlen(d);

	if (strncmp(d, "84", 2) == 0) {
		snprintf(home, sizeof(home), "0%s", d + 2 + (d[2] == '0' ? 1 : 0));
		return domestic(home, out);
	}
	if (d[0] == '0' || n < E164_LEAST || n > E164_MOST)
		return false;
	snprintf(out, PHONE_MAX, "+%s", d);
	return true;
}

bool
phone_e164(const char *typed, char out[PHONE_MAX])
{
	char d[PHONE_MAX];
	bool found = false;

	out[0] = '\0';
	if (!phone_looks(typed, E164_LEAST))
		return false;
	phone_digits(typed, d);
	if (strchr(typed, '+') != NULL)
		found = international(d, out);
	else if (strncmp(d, "00", 2) == 0)
		found = international(d + 2, out);
	else if (d[0] == '0')
		found = domestic(d, out);
	else if (strncmp(d, "84", 2) == 0 && strlen(d) >= 11)
		found = international(d, out);
	if (!found)
		out[0] = '\0';
	return found;
}

void
phone_domestic(const char *e164, char out[PHONE_MAX])
{
	bool home = strncmp(e164, "+84", 3) == 0;

	snprintf(out, PHONE_MAX, "%s%s", home ? "0" : "00", e164 + (home ? 3 : *e164 == '+' ? 1 : 0));
}
