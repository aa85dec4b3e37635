#include "shared/sync/replica_guest.h"

#include <string.h>

#include "shared/records/guest.h"
#include "shared/sync/cargo.h"
#include "shared/vault/query.h"

struct standing {
	const struct directory *directory;
	const char *unit;
	unsigned compartment;
	bool reads, writes;
};

static void
consider(struct standing *s, const char *unit, enum identity_role role)
{
	s->reads = s->reads ||
	    directory_once_read(s->directory, unit, role, s->unit, s->compartment);
	s->writes = s->writes ||
	    directory_once_wrote(s->directory, unit, role, s->unit, s->compartment);
}

/* A statement that names the device: if it assigns it, the unit and role it then had. */
static void
consider_statement(struct standing *s, const uint8_t *p, size_t len, const uint8_t device[16])
{
	char unit[IDENTITY_UNIT_MAX + 1];
	struct statement_view view;
	struct reader in;
	const uint8_t *id, *code;
	size_t n;
	unsigned role;

	if (directory_statement_view(p, len, &view) != RC_OK || view.type != STATEMENT_ASSIGN)
		return;
	reader_init(&in, view.payload, view.payload_len);
	id = reader_take(&in, IDENTITY_ID_BYTES);
	code = reader_span(&in, IDENTITY_UNIT_MAX, &n);
	role = reader_u8(&in);
	if (in.bad || id == NULL || code == NULL || role >= ROLE_COUNT ||
	    memcmp(id, device, IDENTITY_ID_BYTES) != 0)
		return;
	memcpy(unit, code, n);
	unit[n] = '\0';
	consider(s, unit, (enum identity_role)role);
}

static enum rc
consider_past(struct replica *r, struct standing *s, const uint8_t device[16],
    struct error *err)
{
	struct sqlite3_stmt *q = NULL;
	const uint8_t *p;
	bool row;
	size_t len;
	enum rc rc = query_open(r->db, err, &q, "SELECT bytes FROM statement"
	    " WHERE instr(bytes, ?1) > 0", "b", device, (size_t)IDENTITY_ID_BYTES);

	while (rc == RC_OK && !s->reads && (rc = query_next(q, &row, err)) == RC_OK && row) {
		p = query_column_blob(q, 0, &len);
		consider_statement(s, p, len, device);
	}
	query_close(q);
	return rc;
}

enum rc
replica_guest_judge(struct replica *r, const struct device *author, const char *unit,
    unsigned compartment, bool *writes, bool *guest, struct error *err)
{
	const struct invitation *inv = &author->cert.invitation;
	struct standing s = { .directory = r->directory, .unit = unit, .compartment = compartment };
	enum rc rc = RC_OK;

	consider(&s, author->unit, author->role);
	consider(&s, inv->unit, inv->role);
	if (!s.reads)
		rc = consider_past(r, &s, author->cert.device, err);
	*writes = s.writes;
	*guest = !s.reads;
	return rc;
}

bool
replica_guest_allows(const struct cargo *cargo)
{
	for (size_t i = 0; i < cargo->n_entries; i++)
		if (!cargo->entries[i].hollow && !guest_may_write(&cargo->entries[i].entry))
			return false;
	return true;
}
