#include "shared/records/value.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"

/*
 * Surely normal form C: only U+0000..02FF, U+1E00..1EFF and U+2010..203F, which
 * hold no combining mark and nothing that normalises to something else.  This
 * covers Vietnamese as it is stored; all else is normalised and compared.
 */
static bool
is_plainly_nfc(const unsigned char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		if (s[i] < 0x80) {
			i++;
		} else if (s[i] >= 0xc2 && s[i] <= 0xcb) {
			i += 2;
		} else if (i + 2 < len && s[i] == 0xe1 && s[i + 1] >= 0xb8 && s[i + 1] <= 0xbb) {
			i += 3;
		} else if (i + 2 < len && s[i] == 0xe2 && s[i + 1] == 0x80 && s[i + 2] >= 0x90) {
			i += 3;
		} else {
			return false;
		}
	}
	return true;
}

enum rc
value_check_text(const char *s, size_t len)
{
	char *normal;
	enum rc rc;

	if (!text_is_clean(s, len))
		return RC_INTERNAL;
	if (is_plainly_nfc((const unsigned char *)s, len))
		return RC_OK;
	rc = text_nfc(s, len, &normal);
	if (rc == RC_OK && (strlen(normal) != len || memcmp(normal, s, len) != 0))
		rc = RC_INTERNAL;
	free(normal);
	return rc == RC_FORMAT ? RC_INTERNAL : rc;
}

static bool
is_code(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] < 0x21 || s[i] > 0x7e)
			return false;
	return true;
}

static size_t
digits(const char *s, size_t from, size_t len)
{
	size_t i = from;

	while (i < len && s[i] >= '0' && s[i] <= '9')
		i++;
	return i - from;
}

/* -?[0-9]+(\.[0-9]*[1-9])? */
static bool
is_decimal(const char *s, size_t len)
{
	size_t i = len > 0 && s[0] == '-' ? 1 : 0;
	size_t whole = digits(s, i, len);
	size_t part;

	if (whole == 0)
		return false;
	i += whole;
	if (i == len)
		return true;
	if (s[i] != '.')
		return false;
	part = digits(s, i + 1, len);
	return part > 0 && i + 1 + part == len && s[len - 1] != '0';
}

int64_t
value_pack_date(const struct date *d)
{
	return ((int64_t)d->year * 16 + d->month) * 32 + d->day;
}

bool
value_unpack_date(int64_t packed, struct date *out)
{
	memset(out, 0, sizeof(*out));
	if (packed < 0 || packed > (int64_t)9999 * 16 * 32)
		return false;
	out->year = (int)(packed / 512);
	out->month = (int)(packed / 32 % 16);
	out->day = (int)(packed % 32);
	return date_is_valid(out);
}

static enum rc
check_length(size_t len, size_t min, size_t max)
{
	if (len > max)
		return RC_LIMIT;
	return len < min ? RC_INTERNAL : RC_OK;
}

static enum rc
check_plain(const struct value *v)
{
	struct date d;
	enum rc rc;

	switch (v->type) {
	case VALUE_NOTHING:
	case VALUE_INTEGER:
		return RC_OK;
	case VALUE_TEXT:
		if ((rc = check_length(v->text_len, 0, ENTRY_TEXT_BYTES_MAX)) != RC_OK)
			return rc;
		return value_check_text(v->text, v->text_len);
	case VALUE_CODE:
		if ((rc = check_length(v->text_len, 1, ENTRY_CODE_MAX)) != RC_OK)
			return rc;
		return is_code(v->text, v->text_len) ? RC_OK : RC_INTERNAL;
	case VALUE_DATE:
		return value_unpack_date(v->integer, &d) ? RC_OK : RC_INTERNAL;
	case VALUE_REFERENCE:
		return v->reference.log != 0 && v->reference.n >= 1 &&
		    v->reference.n <= INT64_MAX ? RC_OK : RC_INTERNAL;
	case VALUE_DECIMAL:
		if ((rc = check_length(v->text_len, 1, VALUE_DECIMAL_MAX)) != RC_OK)
			return rc;
		return is_decimal(v->text, v->text_len) ? RC_OK : RC_INTERNAL;
	case VALUE_GROUP:
		break;
	}
	return RC_INTERNAL;
}

enum rc
value_check(const struct value *v)
{
	unsigned last = 0;
	enum rc rc;

	if (v->type != VALUE_GROUP)
		return check_plain(v);
	if (v->n_members > ENTRY_GROUP_MAX)
		return RC_LIMIT;
	if (v->n_members == 0)
		return RC_INTERNAL;
	for (size_t i = 0; i < v->n_members; i++) {
		const struct value_member *m = &v->members[i];

		if (m->field <= last || m->field > ENTRY_FIELD_MAX)
			return RC_INTERNAL;
		last = m->field;
		if ((rc = check_plain(&m->value)) != RC_OK)
			return rc;
	}
	return RC_OK;
}

static void
put_plain(struct bytes *b, const struct value *v)
{
	bytes_u8(b, (uint8_t)v->type);
	switch (v->type) {
	case VALUE_NOTHING:
	case VALUE_GROUP:
		break;
	case VALUE_INTEGER:
		bytes_zigzag(b, v->integer);
		break;
	case VALUE_DATE:
		bytes_varint(b, (uint64_t)v->integer);
		break;
	case VALUE_REFERENCE:
		bytes_u64(b, v->reference.log);
		bytes_varint(b, v->reference.n);
		break;
	case VALUE_TEXT:
	case VALUE_CODE:
	case VALUE_DECIMAL:
		bytes_span(b, v->text, v->text_len);
		break;
	}
}

void
value_put(struct bytes *b, const struct value *v)
{
	put_plain(b, v);
	if (v->type != VALUE_GROUP)
		return;
	bytes_varint(b, v->n_members);
	for (size_t i = 0; i < v->n_members; i++) {
		bytes_varint(b, v->members[i].field);
		put_plain(b, &v->members[i].value);
	}
}

static void
read_plain(struct reader *r, unsigned type, struct value *out)
{
	const uint8_t *p = NULL;

	memset(out, 0, sizeof(*out));
	switch (type) {
	case VALUE_NOTHING:
		break;
	case VALUE_INTEGER:
		out->integer = reader_zigzag(r);
		break;
	case VALUE_TEXT:
		p = reader_span(r, ENTRY_TEXT_BYTES_MAX, &out->text_len);
		break;
	case VALUE_CODE:
		p = reader_span(r, ENTRY_CODE_MAX, &out->text_len);
		break;
	case VALUE_DECIMAL:
		p = reader_span(r, VALUE_DECIMAL_MAX, &out->text_len);
		break;
	case VALUE_DATE:
		out->integer = (int64_t)reader_varint_max(r, INT64_MAX);
		break;
	case VALUE_REFERENCE:
		out->reference.log = reader_u64(r);
		out->reference.n = reader_varint_max(r, INT64_MAX);
		break;
	default:
		r->bad = true;
		return;
	}
	out->type = (enum value_type)type;
	out->text = (const char *)p;
}

void
value_read(struct reader *r, struct value *out, struct value_member *members)
{
	unsigned type = reader_u8(r);

	if (type != VALUE_GROUP) {
		read_plain(r, type, out);
		return;
	}
	memset(out, 0, sizeof(*out));
	out->type = VALUE_GROUP;
	out->n_members = (size_t)reader_varint_max(r, ENTRY_GROUP_MAX);
	out->members = members;
	for (size_t i = 0; i < out->n_members && !r->bad; i++) {
		members[i].field = (unsigned)reader_varint_max(r, ENTRY_FIELD_MAX);
		read_plain(r, reader_u8(r), &members[i].value);
	}
	if (r->bad)
		out->n_members = 0;
}

void
value_text(const struct value *v, struct bytes *out)
{
	char dot[DOT_TEXT_MAX], iso[11];
	struct date d;

	switch (v->type) {
	case VALUE_NOTHING:
	case VALUE_GROUP:
		break;
	case VALUE_INTEGER:
		bytes_printf(out, "%" PRId64, v->integer);
		break;
	case VALUE_DATE:
		if (value_unpack_date(v->integer, &d)) {
			date_iso(&d, iso);
			bytes_text(out, iso);
		}
		break;
	case VALUE_REFERENCE:
		dot_text(&v->reference, dot);
		bytes_text(out, dot);
		break;
	case VALUE_TEXT:
	case VALUE_CODE:
	case VALUE_DECIMAL:
		bytes_put(out, v->text, v->text_len);
		break;
	}
}

static bool
equal_plain(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_NOTHING:
	case VALUE_GROUP:
		return true;
	case VALUE_INTEGER:
	case VALUE_DATE:
		return a->integer == b->integer;
	case VALUE_REFERENCE:
		return dot_compare(&a->reference, &b->reference) == 0;
	case VALUE_TEXT:
	case VALUE_CODE:
	case VALUE_DECIMAL:
		return a->text_len == b->text_len &&
		    (a->text_len == 0 || memcmp(a->text, b->text, a->text_len) == 0);
	}
	return false;
}

bool
value_equal(const struct value *a, const struct value *b)
{
	if (!equal_plain(a, b))
		return false;
	if (a->type != VALUE_GROUP)
		return true;
	if (a->n_members != b->n_members)
		return false;
	for (size_t i = 0; i < a->n_members; i++) {
		if (a->members[i].field != b->members[i].field ||
		    !equal_plain(&a->members[i].value, &b->members[i].value))
			return false;
	}
	return true;
}
