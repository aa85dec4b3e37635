/* Replies: whole ones, and streams that are pulled as the link takes them. */
#include "shared/web/http_server_internal.h"

#include <stdlib.h>
#include <string.h>

enum { REPLY_BLOCK = 32 << 10 };

enum rc
http_server_add_header(struct http_request *r, const char *name, const char *value)
{
	char **at;

	if (r->n_headers == REPLY_HEADERS_MAX)
		return RC_LIMIT;
	at = r->headers[r->n_headers];
	at[0] = http_server_copy_text(name);
	at[1] = http_server_copy_text(value);
	if (at[0] == NULL || at[1] == NULL) {
		free(at[0]);
		free(at[1]);
		return RC_NOMEM;
	}
	r->n_headers++;
	return RC_OK;
}

void
http_server_wait(struct http_request *r)
{
	r->waits = true;
	MHD_suspend_connection(r->connection);
}

void
http_server_go_on(struct http_request *r)
{
	struct http_server *s = r->server;

	/* from here on another thread may have replied, and r be gone */
	MHD_resume_connection(r->connection);
	http_server_wake(s);
}

static void
queue(struct http_request *r, unsigned status, const char *content_type,
    struct MHD_Response *response)
{
	bool good = true;

	if (response == NULL)
		return;
	if (content_type != NULL)
		good = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
		    content_type) == MHD_YES;
	for (size_t i = 0; good && i < r->n_headers; i++)
		good = MHD_add_response_header(response, r->headers[i][0], r->headers[i][1]) ==
		    MHD_YES;
	if (good)
		r->replied = MHD_queue_response(r->connection, status, response) == MHD_YES;
	MHD_destroy_response(response);
}

void
http_server_reply(struct http_request *r, unsigned status, const char *content_type,
    const void *body, size_t len)
{
	void *copy = malloc(len + 1);
	struct MHD_Response *response;

	if (copy == NULL)
		return;
	if (len > 0)
		memcpy(copy, body, len);
	http_server_set_deadline(r, http_server_time_for(r->server, len));
	response = MHD_create_response_from_buffer(len, copy, MHD_RESPMEM_MUST_FREE);
	if (response == NULL)
		free(copy);
	queue(r, status, content_type, response);
}

static ssize_t
pull(void *cls, uint64_t position, char *buf, size_t cap)
{
	struct http_request *r = cls;
	size_t n = 0;

	(void)position;
	if (r->next(r->next_ctx, (uint8_t *)buf, cap, &n) != RC_OK)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	/* what was pulled before is on its way: this piece gets its own time */
	http_server_set_deadline(r, http_server_time_for(r->server, n));
	return (ssize_t)n;
}

void
http_server_stream(struct http_request *r, unsigned status, const char *content_type,
    enum rc (*next)(void *ctx, uint8_t *buf, size_t cap, size_t *n), void *ctx)
{
	r->next = next;
	r->next_ctx = ctx;
	queue(r, status, content_type, MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
	    REPLY_BLOCK, pull, r, NULL));
}
