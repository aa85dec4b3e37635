#include <string.h>

#include "field/page_internal.h"
#include "shared/vault/secret.h"

static void
drop(struct page_file *f)
{
	bytes_wipe(&f->data);
	memset(f, 0, sizeof(*f));
}

static size_t
total(const struct page *p)
{
	size_t n = 0;

	for (size_t i = 0; i < PAGE_FILES_MAX; i++)
		n += p->files[i].data.len;
	return n;
}

static struct page_file *
oldest(struct page *p)
{
	struct page_file *f = &p->files[0];

	for (size_t i = 1; i < PAGE_FILES_MAX; i++)
		if (p->files[i].age < f->age)
			f = &p->files[i];
	return f;
}

/* A name for the downloads of a browser: of plain characters, whatever was asked for. */
static void
plain_name(const char *name, char out[PAGE_NAME_MAX + 1])
{
	size_t n = 0;

	for (const char *s = name; *s != '\0' && n < PAGE_NAME_MAX; s++) {
		bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= '0' && *s <= '9') || *s == '-' || *s == '_' || (*s == '.' && n > 0);

		out[n++] = plain ? *s : '-';
	}
	if (n == 0)
		out[n++] = '-';
	out[n] = '\0';
}

enum rc
page_files_add(struct page *p, const char *name, struct bytes *data, struct page_file **out)
{
	uint8_t raw[PAGE_HANDLE_CHARS / 2];
	struct page_file *f;

	*out = NULL;
	if (data->len > PAGE_FILE_MAX) {
		bytes_wipe(data);
		return RC_LIMIT;
	}
	while (total(p) > 0 && total(p) + data->len > PAGE_FILES_BYTES_MAX)
		drop(oldest(p));
	f = oldest(p);
	drop(f);
	secret_random_bytes(raw, sizeof(raw));
	bytes_hex(raw, sizeof(raw), f->handle);
	plain_name(name, f->name);
	f->data = *data;
	bytes_init(data);
	f->age = ++p->age;
	*out = f;
	return RC_OK;
}

const struct page_file *
page_files_find(const struct page *p, const char *handle)
{
	if (strlen(handle) != PAGE_HANDLE_CHARS)
		return NULL;
	for (size_t i = 0; i < PAGE_FILES_MAX; i++)
		if (strcmp(p->files[i].handle, handle) == 0)
			return &p->files[i];
	return NULL;
}

void
page_files_forget(struct page *p, bool all)
{
	for (size_t i = 0; i < PAGE_FILES_MAX; i++)
		if (all || p->files[i].of_vault)
			drop(&p->files[i]);
}

bool
page_files_of_vault(const struct page *p)
{
	for (size_t i = 0; i < PAGE_FILES_MAX; i++)
		if (p->files[i].of_vault)
			return true;
	return false;
}

const char *
page_files_type(const char *name)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" }, { ".js", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" }, { ".json", "application/json" },
		{ ".csv", "text/csv; charset=utf-8" }, { ".svg", "image/svg+xml" },
		{ ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
	};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t n = strlen(types[i][0]);

		if (len > n && strcmp(name + len - n, types[i][0]) == 0)
			return types[i][1];
	}
	return "application/octet-stream";
}
