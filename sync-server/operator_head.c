/*
 * authority.head stands beside the authority's folder and no backup holds it: how far its chain had
 * come when something was signed last.  So a copy that was put back is told from the newest one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/bytes.h"
#include "shared/base/files.h"
#include "sync-server/authority.h"
#include "sync-server/operator.h"

#define UNMET "unmet"

enum { LINE_MAX_BYTES = 128, DIGITS_MAX = 20 };

/* "N HEAD": false if it is something else. */
static bool
parse(const char *line, struct authority_head *out)
{
	size_t digits = strspn(line, "0123456789");

	memset(out, 0, sizeof(*out));
	if (digits == 0 || digits >= DIGITS_MAX || line[digits] != ' ' ||
	    strlen(line + digits + 1) != 2 * sizeof(out->head))
		return false;
	out->statements = strtoull(line, NULL, 10);
	return bytes_unhex(line + digits + 1, out->head, sizeof(out->head));
}

/* What the file says; "" when it is not there. */
static enum rc
read_line(struct operator *c, char path[FILES_PATH_MAX], char line[LINE_MAX_BYTES])
{
	struct bytes file;
	enum rc rc;

	line[0] = '\0';
	if ((rc = operator_folder(c, "authority.head", path)) != RC_OK || !files_exists(path))
		return rc;
	bytes_init(&file);
	rc = files_read(path, LINE_MAX_BYTES - 1, &file, &c->err);
	if (rc == RC_LIMIT) {	/* it is something else */
		error_clear(&c->err);
		memcpy(line, UNMET, sizeof(UNMET));
		rc = RC_OK;
	} else if (rc == RC_OK) {
		if (file.len > 0)
			memcpy(line, file.data, file.len);
		line[file.len] = '\0';
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] == '\0')
			memcpy(line, UNMET, sizeof(UNMET));
	}
	bytes_reset(&file);
	return rc;
}

enum rc
operator_head_take(struct operator *c, struct authority *a)
{
	char path[FILES_PATH_MAX], line[LINE_MAX_BYTES];
	struct authority_head known;
	enum rc rc = read_line(c, path, line);

	/* a line that cannot be read says nothing: then the relay has to */
	if (rc == RC_OK && line[0] != '\0')
		authority_hold(a, parse(line, &known) ? &known : NULL);
	return rc;
}

/* Nothing that was signed is lost without it, so it is a warning when it cannot be written. */
void
operator_head_keep(struct operator *c, struct authority *a)
{
	char path[FILES_PATH_MAX], was[LINE_MAX_BYTES], line[LINE_MAX_BYTES];
	char hex[2 * DIRECTORY_HEAD_BYTES + 1];
	struct operator own = *c;
	struct authority_head head;
	enum rc rc;

	if (!authority_head(a, &head))
		return;		/* put back, and not met yet: what stands there stays */
	error_clear(&own.err);
	rc = read_line(&own, path, was);
	bytes_hex(head.head, sizeof(head.head), hex);
	snprintf(line, sizeof(line), "%" PRIu64 " %s\n", head.statements, hex);
	if (rc == RC_OK && strncmp(line, was, strlen(line) - 1) == 0)
		return;
	if (rc == RC_OK)
		rc = files_replace(path, (const uint8_t *)line, strlen(line), &own.err);
	if (rc != RC_OK)
		operator_warn(c, &own.err);
}

enum rc
operator_head_unmet(struct operator *c)
{
	char path[FILES_PATH_MAX], line[LINE_MAX_BYTES];
	enum rc rc = read_line(c, path, line);

	/* what stands there says more: how far the chain had come */
	if (rc != RC_OK || line[0] != '\0')
		return rc;
	return files_replace(path, (const uint8_t *)UNMET "\n", sizeof(UNMET), &c->err);
}
