/*
 * make_stored_vault DIR: a vault of today's format for the collection that every later
 * program must open (tests/vectors/vaults/README.md), with its passphrase, its recovery
 * code and what it holds beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/files.h"
#include "shared/records/record.h"
#include "shared/vault/secret.h"
#include "shared/vault/vault.h"
#include "sync-server/authority.h"
#include "tests/support/province.h"

static const char PASSPHRASE[] = "chợ phiên họp vào ngày chủ nhật";

static const char *const VISIT[] = {
	"date", "2026-01-20", "commune_code", "06001", "village", "thôn Bản Chu", "kind", "HOUSEHOLD",
	"persons_m", "3", "persons_f", "5", "topics", "TRICKS", "note", "Bà con hỏi về việc làm ở xa.", NULL
};
static const char *const PERSON[] = {
	"full_name", "Đặng Thị Hòa", "sex", "F", "birth_date", "1998", "phone", "0912345678", NULL
};

static void
must(enum rc rc, const struct error *err, const char *doing)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "make_stored_vault: %s: %s %s\n", doing, rc_name(rc), err == NULL ? "" : err->what);
	exit(1);
}

static void
write_text(const char *dir, const char *name, const struct bytes *text)
{
	char path[FILES_PATH_MAX];
	struct error err = { 0 };

	must(files_join(dir, name, path), NULL, name);
	must(files_replace(path, text->data, text->len, &err), &err, name);
}

static void
write_line(const char *dir, const char *name, const char *line)
{
	struct bytes b;

	bytes_init(&b);
	bytes_printf(&b, "%s\n", line);
	write_text(dir, name, &b);
	bytes_reset(&b);
}

/* A laptop whose vault has real slots. */
static struct workspace *
join(struct province *p, const char *dir)
{
	struct authority_invite invite = { "06001", ROLE_CASEWORKER, "Hoàng Văn Pao", 14, "", "" };
	struct vault_kdf kdf = { VAULT_KDF_MEMORY_MIN_MIB, 1 };
	struct secret *code = NULL, *passphrase = NULL, *recovery = NULL;
	struct invitation_parcel parcel;
	struct workspace *ws = NULL;
	struct vault *v = NULL;
	struct bytes file;
	struct error err = { 0 };
	uint8_t id[16];
	char text[80];

	bytes_init(&file);
	must(authority_invite(p->authority, &invite, id, &file, &code, &err), &err, "invite");
	must(identity_parcel_open(file.data, file.len, code, &parcel, &err), &err, "parcel");
	must(secret_from(PASSPHRASE, strlen(PASSPHRASE), &passphrase), NULL, "passphrase");
	must(vault_create(dir, passphrase, kdf, NULL, &v, &recovery, &err), &err, "create");
	must(secret_code_print(recovery, text, sizeof text), NULL, "recovery code");
	write_line(dir, "recovery.txt", text);
	write_line(dir, "passphrase.txt", PASSPHRASE);
	must(replica_join(v, &parcel, &p->clock, &err), &err, "join");
	must(workspace_adopt(dir, v, &ws, &err), &err, "open");
	ws->clock = p->clock;
	identity_parcel_reset(&parcel);
	bytes_reset(&file);
	secret_free(code);
	secret_free(passphrase);
	secret_free(recovery);
	province_meet(p);
	return ws;
}

/* "id field value": what a person must be shown for ever. */
static void
expect(struct workspace *ws, struct dot id, struct bytes *out)
{
	struct record_context c = workspace_records(ws, FORM_EN);
	struct record_view view;
	struct error err = { 0 };
	char name[DOT_TEXT_MAX];

	dot_text(&id, name);
	must(record_show(&c, &id, &view, &err), &err, "show");
	for (size_t i = 0; i < view.n_fields; i++)
		for (size_t k = 0; k < view.fields[i].n_values; k++)
			if (view.fields[i].field != NULL)
				bytes_printf(out, "%s %s %s\n", name, view.fields[i].name,
				    view.fields[i].values[k].text);
	record_view_reset(&view);
}

int
main(int argc, char **argv)
{
	static struct province p;
	struct workspace *ws;
	struct dot visit, person, later;
	struct bytes expected;

	if (argc != 2 || vault_start() != RC_OK)
		return 64;
	bytes_init(&expected);
	province_start(&p);
	ws = join(&p, argv[1]);
	visit = province_add(ws, "outreach", VISIT);
	person = province_add(ws, "person", PERSON);
	province_sync(&p, ws);
	province_edit(ws, person, NULL, "phone", "0987654321");
	later = province_add(ws, "outreach", VISIT);	/* not synced yet */
	expect(ws, visit, &expected);
	expect(ws, person, &expected);
	expect(ws, later, &expected);
	write_text(argv[1], "expected.txt", &expected);
	bytes_reset(&expected);
	workspace_close(ws);
	province_end(&p);
	return 0;
}
