/*
 * Everything that reads a form from outside: sheets, lists, expressions,
 * patterns; then answers to it.  The input is files separated by lines that
 * begin with "%%": "%% survey", "%% choices", "%% settings" name the sheets,
 * "%% answers" a list of name=value lines.  Settings that do not come are
 * filled in, so that mutations reach the survey.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/forms/answers.h"
#include "shared/forms/form.h"
#include "tests/support/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char plain_settings[] =
    "form_title,form_id,version,compartment\nf,f,1,cases\n";

struct part {
	const char *marker;
	const uint8_t *data;
	size_t len;
};

enum { SURVEY, CHOICES, SETTINGS, ANSWERS, PARTS };

static void
split(const uint8_t *data, size_t len, struct part parts[PARTS])
{
	struct part *part = NULL;
	size_t at = 0;

	while (at < len) {
		const uint8_t *line = data + at;
		const uint8_t *feed = memchr(line, '\n', len - at);
		size_t n = feed != NULL ? (size_t)(feed - line) + 1 : len - at;

		at += n;
		if (n > 3 && memcmp(line, "%% ", 3) == 0) {
			part = NULL;
			for (int i = 0; i < PARTS; i++)
				if (n - 3 > strlen(parts[i].marker) && memcmp(line + 3,
				    parts[i].marker,
				    strlen(parts[i].marker)) == 0)
					part = &parts[i];
			if (part != NULL) {
				part->data = data + at;
				part->len = 0;
			}
		} else if (part != NULL) {
			part->len += n;
		}
	}
}

static void
answer(const struct form_set *set, const struct part *p)
{
	struct answers *a = NULL;
	struct answers_breach *breaches;
	size_t n, at = 0;
	struct error err;

	if (answers_new(form_set_at(set, 0), set, &a) != RC_OK)
		return;
	while (at < p->len) {
		const uint8_t *feed = memchr(p->data + at, '\n', p->len - at);
		size_t line = feed != NULL ? (size_t)(feed - p->data) - at : p->len - at;
		char *text = malloc(line + 1), *value;

		if (text == NULL)
			break;
		memcpy(text, p->data + at, line);
		text[line] = '\0';
		value = strchr(text, '=');
		memset(&err, 0, sizeof(err));
		if (value != NULL) {
			*value++ = '\0';
			if (answers_add(a, text, value, &err) == RC_OK &&
			    answers_find(a, text) == NULL)
				abort();
		}
		free(text);
		at += line + 1;
	}
	memset(&err, 0, sizeof(err));
	if (answers_check(a, 20779, true, &breaches, &n, FORM_EN, &err) == RC_OK && n != 0)
		abort();
	answers_breaches_free(breaches, n);
	answers_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct part parts[PARTS] = { { "survey", NULL, 0 }, { "choices", NULL, 0 },
	    { "settings", NULL, 0 }, { "answers", NULL, 0 } };
	struct form_file files[3];
	size_t n = 0;
	struct form_set *set = NULL;
	struct error err = { RC_OK, "", "", "" };

	split(data, len, parts);
	if (parts[SURVEY].data == NULL)
		return 0;
	files[n++] = (struct form_file){ "forms/f/survey.csv", parts[SURVEY].data,
	    parts[SURVEY].len };
	files[n++] = parts[SETTINGS].data != NULL ?
	    (struct form_file){ "forms/f/settings.csv", parts[SETTINGS].data,
	    parts[SETTINGS].len } :
	    (struct form_file){ "forms/f/settings.csv", (const uint8_t *)plain_settings,
	    strlen(plain_settings) };
	if (parts[CHOICES].data != NULL)
		files[n++] = (struct form_file){ "forms/f/choices.csv", parts[CHOICES].data,
		    parts[CHOICES].len };
	if (form_set_load(files, n, &set, &err) != RC_OK)
		return set == NULL && err.what[0] != '\0' ? 0 : (abort(), 0);
	if (form_set_check_successor(set, set, &err) != RC_OK)
		abort();
	answer(set, &parts[ANSWERS]);
	form_set_free(set);
	return 0;
}

#ifndef FUZZING
int
main(int argc, char **argv)
{
	return replay_corpus(argc > 1 ? argv[1] : "", LLVMFuzzerTestOneInput);
}
#endif
