/* What a request holds. */
#include "shared/web/http_server_internal.h"

#include <string.h>

const char *
http_server_method(const struct http_request *r)
{
	return r->method;
}

const char *
http_server_path(const struct http_request *r)
{
	return r->path;
}

const char *
http_server_header(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

struct counted {
	const char *name;
	size_t n;
};

static enum MHD_Result
count_header(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct counted *c = cls;
	size_t i;

	(void)kind;
	(void)value;
	for (i = 0; key[i] != '\0' && c->name[i] != '\0'; i++)
		if ((key[i] | 0x20) != (c->name[i] | 0x20))
			return MHD_YES;
	if (key[i] == c->name[i])
		c->n++;
	return MHD_YES;
}

size_t
http_server_header_count(const struct http_request *r, const char *name)
{
	struct counted c = { name, 0 };

	MHD_get_connection_values(r->connection, MHD_HEADER_KIND, count_header, &c);
	return c.n;
}

void
http_server_peer(const struct http_request *r, uint8_t out[HTTP_SERVER_PEER_BYTES])
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection,
	    MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	union address address;

	memset(out, 0, HTTP_SERVER_PEER_BYTES);
	if (info == NULL || info->client_addr == NULL)
		return;
	if (info->client_addr->sa_family == AF_INET) {
		memcpy(&address.v4, info->client_addr, sizeof(address.v4));
		memcpy(out, mapped, sizeof(mapped));
		memcpy(out + sizeof(mapped), &address.v4.sin_addr, 4);
	} else if (info->client_addr->sa_family == AF_INET6) {
		memcpy(&address.v6, info->client_addr, sizeof(address.v6));
		if (memcmp(&address.v6.sin6_addr, mapped, sizeof(mapped)) == 0)
			memcpy(out, &address.v6.sin6_addr, HTTP_SERVER_PEER_BYTES);
		else
			memcpy(out, &address.v6.sin6_addr, 8);
	}
}

uint16_t
http_server_peer_port(const struct http_request *r)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection,
	    MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	union address address;

	if (info == NULL || info->client_addr == NULL || info->client_addr->sa_family != AF_INET)
		return 0;
	memcpy(&address.v4, info->client_addr, sizeof(address.v4));
	return ntohs(address.v4.sin_port);
}

const char *
http_server_query(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

void
http_server_set_user(struct http_request *r, void *user)
{
	r->user = user;
}

void *
http_server_user(const struct http_request *r)
{
	return r->user;
}
