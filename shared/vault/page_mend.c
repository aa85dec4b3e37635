#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shared/base/bytes.h"
#include "shared/vault/page_mend.h"
#include "shared/vault/secret.h"

/* sqlite.org/fileformat2.html, sections 1.3, 1.6 and 2.6; usable: without the reserved bytes. */
enum {
	FIRST_HEADER = 100,
	USABLE = BLOCK_PAGE_TEXT,
	LOCAL_MAX = USABLE - 35,
	LOCAL_MIN = (USABLE - 12) * 32 / 255 - 23,
	LEAF_HEADER = 8,
	INTERIOR_HEADER = 12,
	TABLE_LEAF = 0x0d,
	TABLE_INTERIOR = 0x05,
	ROWS_MAX = 10000,
	LEAVES_MAX = 200,		/* that many children find room in page 1 */
	PAGES_MAX = INT32_MAX
};

struct row {
	int64_t rowid, root;		/* the table's first page, from 1 */
	size_t at, len;			/* the cell, in cells */
	size_t name, name_len;		/* the table's, in the cell */
};

struct page_mend {
	int64_t pages;			/* in all */
	int64_t true_pages;		/* of the database as it was */
	int64_t leaves;			/* the number of the first leaf made here; 0: nothing is made */
	size_t n_leaves;
	uint8_t *made;			/* page 1 and the leaves */
	struct bytes cells;
	struct row *rows;
	size_t n, cap;
};

static uint32_t
big(const uint8_t *p, int n)
{
	uint32_t v = 0;

	for (int i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static void
put_big(uint8_t *p, int n, uint64_t v)
{
	for (int i = n - 1; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

/* SQLite's varint; the bytes it takes, 0 past the end. */
static size_t
varint(const uint8_t *p, size_t room, uint64_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < room && i < 9; i++) {
		if (i == 8) {
			*out = v << 8 | p[i];
			return 9;
		}
		v = v << 7 | (p[i] & 0x7f);
		if ((p[i] & 0x80) == 0) {
			*out = v;
			return i + 1;
		}
	}
	return 0;
}

static size_t
put_varint(uint8_t *p, uint64_t v)
{
	size_t n = 1;

	while (n < 9 && v >> (7 * n) != 0)
		n++;
	if (n == 9) {
		p[8] = (uint8_t)v;
		v >>= 8;
		for (int i = 7; i >= 0; i--, v >>= 7)
			p[i] = (uint8_t)(v | 0x80);
		return 9;
	}
	for (size_t i = n; i-- > 0; v >>= 7)
		p[i] = (uint8_t)((v & 0x7f) | (i + 1 < n ? 0x80 : 0));
	return n;
}

static size_t
local_of(uint64_t payload)
{
	uint64_t k;

	if (payload <= LOCAL_MAX)
		return (size_t)payload;
	k = LOCAL_MIN + (payload - LOCAL_MIN) % (USABLE - 4);
	return (size_t)(k <= LOCAL_MAX ? k : LOCAL_MIN);
}

/* Is this the row of a table, or of an index that belongs to a table's own definition? */
static bool
describes_table(const uint8_t *p, size_t len, struct row *out)
{
	static const int widths[] = { 0, 1, 2, 3, 4, 6, 8, 0, 0, 0 };
	uint64_t head, type[5];
	size_t at = varint(p, len, &head), text, root;

	if (at == 0 || head > len)
		return false;
	for (int i = 0; i < 5; i++) {
		size_t n = varint(p + at, (size_t)head - at, &type[i]);

		if (n == 0)
			return false;
		at += n;
	}
	/* type, name, tbl_name, rootpage, sql */
	if (at != head || type[0] != 13 + 2 * 5 || type[1] < 13 || type[1] % 2 == 0 || type[2] < 13 ||
	    type[2] % 2 == 0 || type[3] < 1 || type[3] > 9 || type[3] == 7)
		return false;
	text = (size_t)head;
	if (type[1] > 2 * (uint64_t)len || type[2] > 2 * (uint64_t)len)
		return false;
	out->name = text + 5;
	out->name_len = (size_t)(type[1] - 13) / 2;
	root = out->name + out->name_len + (size_t)(type[2] - 13) / 2;
	/* a virtual table has the root 0, which takes no bytes */
	if (type[3] > 4 || root + (size_t)widths[type[3]] > len)
		return false;
	out->root = (int64_t)big(p + root, widths[type[3]]);
	if (memcmp(p + text, "table", 5) == 0)
		return type[4] >= 13 && type[4] % 2 == 1;
	return memcmp(p + text, "index", 5) == 0 && type[4] == 0;
}

static bool
is_known(const struct page_mend *m, const struct row *row, const uint8_t *cell)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct row *r = &m->rows[i];

		if (r->rowid == row->rowid || r->root == row->root || (r->name_len == row->name_len &&
		    memcmp(m->cells.data + r->at + r->name, cell + row->name, r->name_len) == 0))
			return true;
	}
	return false;
}

static int
keep_row(struct page_mend *m, const struct row *row, const uint8_t *cell)
{
	struct row *grown;

	if (is_known(m, row, cell))
		return SQLITE_OK;
	if (m->n == ROWS_MAX)
		return SQLITE_CORRUPT;
	if (m->n == m->cap) {
		size_t cap = m->cap == 0 ? 64 : 2 * m->cap;

		if ((grown = realloc(m->rows, cap * sizeof *grown)) == NULL)
			return SQLITE_NOMEM;
		m->rows = grown;
		m->cap = cap;
	}
	m->rows[m->n] = *row;
	m->rows[m->n++].at = m->cells.len;
	bytes_put(&m->cells, cell, row->len);
	return m->cells.rc == RC_OK ? SQLITE_OK : SQLITE_NOMEM;
}

/* The rows of a leaf, if it is one of sqlite_schema. */
static int
take_leaf(struct page_mend *m, const uint8_t *page, size_t header)
{
	uint32_t n = big(page + header + 3, 2);
	int rc = SQLITE_OK;

	if (page[header] != TABLE_LEAF || n > (USABLE - LEAF_HEADER) / 6)
		return SQLITE_OK;
	for (uint32_t i = 0; i < n && rc == SQLITE_OK; i++) {
		size_t at = big(page + header + LEAF_HEADER + 2 * (size_t)i, 2), a, b, local;
		uint64_t payload, rowid;
		struct row row = { 0 };

		if (at >= USABLE || (a = varint(page + at, USABLE - at, &payload)) == 0 ||
		    (b = varint(page + at + a, USABLE - at - a, &rowid)) == 0)
			break;
		local = local_of(payload);
		if (local > USABLE - at - a - b || (local < payload && local + 4 > USABLE - at - a - b))
			break;
		if (!describes_table(page + at + a + b, local, &row))
			continue;
		row.rowid = (int64_t)rowid;
		row.name += a + b;
		row.len = a + b + local + (local < payload ? 4 : 0);
		rc = keep_row(m, &row, page + at);
	}
	return rc;
}

/* Can every leaf of sqlite_schema be read from page 1?  It has one level below page 1 at most. */
static int
schema_stands(const struct page_mend_source *from, const uint8_t *first, bool *stands)
{
	const uint8_t *h = first + FIRST_HEADER;
	uint8_t page[BLOCK_SIZE];
	uint32_t n = big(h + 3, 2);
	int rc = SQLITE_OK;

	*stands = h[0] == TABLE_LEAF;
	if (h[0] != TABLE_INTERIOR || n > (USABLE - FIRST_HEADER - INTERIOR_HEADER) / 2)
		return SQLITE_OK;
	*stands = true;
	for (uint32_t i = 0; i <= n && *stands; i++) {
		size_t at = i == n ? FIRST_HEADER + 8 : big(h + INTERIOR_HEADER + 2 * (size_t)i, 2);
		int64_t child = at + 4 > USABLE ? 0 : (int64_t)big(first + at, 4);

		*stands = false;
		if (child < 2 || child > from->pages)
			continue;
		if ((rc = from->read(from->ctx, child - 1, page)) == SQLITE_IOERR_DATA)
			rc = SQLITE_OK;
		else if (rc != SQLITE_OK)
			break;
		else
			*stands = true;
	}
	secret_wipe(page, sizeof page);
	return rc;
}

static int
gather(struct page_mend *m, const struct page_mend_source *from)
{
	uint8_t page[BLOCK_SIZE];
	bool any = false;
	int rc = SQLITE_OK;

	for (int64_t p = 0; p < from->pages && rc == SQLITE_OK; p++) {
		if ((rc = from->read(from->ctx, p, page)) == SQLITE_OK) {
			rc = take_leaf(m, page, p == 0 ? FIRST_HEADER : 0);
			any = true;
		} else if (rc == SQLITE_IOERR_DATA) {
			rc = SQLITE_OK;
		}
	}
	secret_wipe(page, sizeof page);
	return rc == SQLITE_OK && !any ? SQLITE_CORRUPT : rc;
}

/* The tables of a new vault, where none of that name, number or place is known. */
static int
gather_expected(struct page_mend *m, const char *sql)
{
	int reserve = BLOCK_OVERHEAD, rc;
	sqlite3_int64 size = 0;
	sqlite3 *db = NULL;
	uint8_t *image = NULL;

	if (sql == NULL)
		return SQLITE_OK;
	rc = sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "PRAGMA page_size = 4096", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK && (image = sqlite3_serialize(db, "main", &size, 0)) == NULL)
		rc = SQLITE_NOMEM;
	for (sqlite3_int64 at = 0; rc == SQLITE_OK && at + BLOCK_SIZE <= size; at += BLOCK_SIZE)
		rc = take_leaf(m, image + at, at == 0 ? FIRST_HEADER : 0);
	sqlite3_free(image);
	return sqlite3_close(db) == SQLITE_OK ? rc : SQLITE_INTERNAL;
}

static int
by_rowid(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (x->rowid > y->rowid) - (x->rowid < y->rowid);
}

/* Leaves behind the end; *key: the highest rowid in each. */
static int
fill_leaves(struct page_mend *m, int64_t key[LEAVES_MAX])
{
	uint8_t *page = NULL;
	size_t top = 0, count = 0;

	qsort(m->rows, m->n, sizeof *m->rows, by_rowid);
	for (size_t i = 0; i < m->n; i++) {
		const struct row *r = &m->rows[i];

		if (page == NULL || top < LEAF_HEADER + 2 * (count + 1) + r->len) {
			if (m->n_leaves == LEAVES_MAX)
				return SQLITE_CORRUPT;
			page = m->made + ++m->n_leaves * BLOCK_SIZE;
			page[0] = TABLE_LEAF;
			top = USABLE;
			count = 0;
		}
		top -= r->len;
		memcpy(page + top, m->cells.data + r->at, r->len);
		put_big(page + LEAF_HEADER + 2 * count++, 2, top);
		put_big(page + 3, 2, count);
		put_big(page + 5, 2, top);
		key[m->n_leaves - 1] = r->rowid;
	}
	return SQLITE_OK;
}

static void
fill_first(struct page_mend *m, const int64_t key[LEAVES_MAX])
{
	static const uint8_t start[] = "SQLite format 3\0\x10\x00\x02\x02\x28\x40\x20\x20";
	uint8_t *page = m->made, *h = page + FIRST_HEADER;
	size_t top = USABLE;

	memcpy(page, start, sizeof start - 1);
	put_big(page + 24, 4, 1);		/* change counter, and the pages are valid for it */
	put_big(page + 28, 4, (uint64_t)m->pages);
	put_big(page + 40, 4, 1);		/* schema cookie */
	put_big(page + 44, 4, 4);		/* schema format */
	put_big(page + 56, 4, 1);		/* UTF-8 */
	put_big(page + 92, 4, 1);
	put_big(page + 96, 4, SQLITE_VERSION_NUMBER);
	h[0] = TABLE_INTERIOR;
	put_big(h + 3, 2, m->n_leaves - 1);
	for (size_t i = 0; i + 1 < m->n_leaves; i++) {
		uint8_t cell[13];
		size_t len = 4 + put_varint(cell + 4, (uint64_t)key[i]);

		put_big(cell, 4, (uint64_t)m->leaves + i + 1);
		top -= len;
		memcpy(page + top, cell, len);
		put_big(h + INTERIOR_HEADER + 2 * i, 2, top);
	}
	put_big(h + 5, 2, top);
	put_big(h + 8, 4, (uint64_t)m->leaves + m->n_leaves);
}

static int
make(struct page_mend *m, const struct page_mend_source *from)
{
	int64_t key[LEAVES_MAX];
	int rc = gather(m, from);

	if (rc == SQLITE_OK)
		rc = gather_expected(m, from->sql);
	if (rc != SQLITE_OK)
		return rc;
	if (m->n == 0)
		return SQLITE_CORRUPT;
	if ((m->made = calloc(LEAVES_MAX + 1, BLOCK_SIZE)) == NULL)
		return SQLITE_NOMEM;
	if ((rc = fill_leaves(m, key)) != SQLITE_OK)
		return rc;
	m->leaves = m->pages;
	if (m->leaves <= BLOCK_LOCK_PAGE && m->leaves + LEAVES_MAX > BLOCK_LOCK_PAGE)
		m->leaves = BLOCK_LOCK_PAGE + 1;
	m->pages = m->leaves + (int64_t)m->n_leaves;
	fill_first(m, key);
	return SQLITE_OK;
}

int
page_mend_new(const struct page_mend_source *from, struct page_mend **out)
{
	struct page_mend *m = calloc(1, sizeof *m);
	uint8_t first[BLOCK_SIZE];
	bool stands = false;
	int rc;

	*out = NULL;
	if (m == NULL)
		return SQLITE_NOMEM;
	bytes_init(&m->cells);
	m->pages = m->true_pages = from->pages;
	rc = from->pages >= PAGES_MAX - LEAVES_MAX ? SQLITE_CORRUPT : from->read(from->ctx, 0, first);
	if (rc == SQLITE_OK) {
		/* what was cut off */
		int64_t pages = (int64_t)big(first + 28, 4);

		if (pages > m->pages && pages < PAGES_MAX - LEAVES_MAX)
			m->pages = pages;
		m->true_pages = m->pages;
		rc = schema_stands(from, first, &stands);
	} else if (rc == SQLITE_IOERR_DATA) {
		rc = SQLITE_OK;
	}
	if (rc == SQLITE_OK && !stands)
		rc = make(m, from);
	secret_wipe(first, sizeof first);
	if (rc != SQLITE_OK)
		page_mend_free(m);
	else
		*out = m;
	return rc;
}

void
page_mend_free(struct page_mend *m)
{
	if (m == NULL)
		return;
	bytes_wipe(&m->cells);
	if (m->made != NULL)
		secret_wipe(m->made, (LEAVES_MAX + 1) * BLOCK_SIZE);
	free(m->made);
	free(m->rows);
	free(m);
}

bool
page_mend_read(const struct page_mend *m, int64_t page, uint8_t out[BLOCK_SIZE])
{
	size_t i;

	if (m->made == NULL || (page != 0 && page < m->leaves) || page >= m->pages)
		return false;
	i = page == 0 ? 0 : (size_t)(page - m->leaves) + 1;
	memcpy(out, m->made + i * BLOCK_SIZE, BLOCK_SIZE);
	return true;
}

int64_t
page_mend_pages(const struct page_mend *m)
{
	return m->pages;
}

int64_t
page_mend_true_pages(const struct page_mend *m)
{
	return m->true_pages;
}
