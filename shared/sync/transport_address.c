/* What is taken for the address of a server. */
#include <ctype.h>
#include <string.h>

#include "shared/sync/transport.h"

static bool
is_loopback(const char *host, size_t len)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && memcmp(names[i], host, len) == 0)
			return true;
	return false;
}

/* "host", "host:port", "[v6]:port" with a port of 1..65535. */
static bool
host_is_valid(const char *host, size_t len, size_t *name_len)
{
	const char *colon, *bracket;
	unsigned long port = 0;
	size_t n;

	if (len > 0 && host[0] == '[') {
		if ((bracket = memchr(host, ']', len)) == NULL)
			return false;
		*name_len = (size_t)(bracket - host) + 1;
	} else {
		colon = memchr(host, ':', len);
		*name_len = colon != NULL ? (size_t)(colon - host) : len;
	}
	for (size_t i = 0; i < *name_len; i++)
		if (!isalnum((unsigned char)host[i]) && strchr(".-_[]:", host[i]) == NULL)
			return false;
	n = len - *name_len;
	if (*name_len == 0 || n == 0)
		return *name_len > 0;
	if (host[*name_len] != ':' || n < 2 || n > 6)
		return false;
	for (size_t i = *name_len + 1; i < len; i++) {
		if (!isdigit((unsigned char)host[i]))
			return false;
		port = port * 10 + (unsigned long)(host[i] - '0');
	}
	return port >= 1 && port <= 65535;
}

enum rc
transport_address(const char *url, bool allow_plain, char out[TRANSPORT_URL_MAX + 1],
    bool *loopback, struct error *err)
{
	static const char help[] = "use https://HOST:PORT";
	size_t len = strnlen(url, TRANSPORT_URL_MAX + 1), name_len, scheme;
	bool plain = strncmp(url, "http://", 7) == 0;

	*loopback = false;
	if (len > TRANSPORT_URL_MAX || (!plain && strncmp(url, "https://", 8) != 0))
		return error_set(err, RC_USAGE, "--server", help, "not a server's address");
	scheme = plain ? 7 : 8;
	while (len > scheme && url[len - 1] == '/')
		len--;
	if (!host_is_valid(url + scheme, len - scheme, &name_len))
		return error_set(err, RC_USAGE, "--server", help, "not a server's address");
	*loopback = is_loopback(url + scheme, name_len);
	if (plain && !allow_plain && !*loopback)
		return error_set(err, RC_USAGE, "--server", help,
		    "plain HTTP is for this machine only");
	memcpy(out, url, len);
	out[len] = '\0';
	return RC_OK;
}
