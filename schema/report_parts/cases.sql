-- Cases and the persons whom they are about, for reports that count persons.
--
-- about: what is known of a person of several records, whatever record says it: the first one that
-- does.  Of a person of one record, the record says it.
-- received(person, ...): every case that counts, one row a case, with the age on the day of
-- reception.  A file that was closed as a duplicate stands in the other file; one that another
-- unit handed over counts when it was accepted.

CREATE TEMP TABLE about AS
SELECT p.cluster AS person, f.id, f.sex, f.birth_date, f.est_age, f.est_age_asof,
       f.ethnicity, f.nationality
FROM person_cluster AS p JOIN form_person AS f ON f.id = p.person
WHERE f.alive;

-- With min(), SQLite takes the other columns from the row that has it.
CREATE TEMP TABLE person_sex AS
SELECT person, sex, min(id) AS id FROM about WHERE sex IN ('M', 'F') GROUP BY person;
CREATE TEMP TABLE person_birth AS
SELECT person, birth_date, est_age, est_age_asof, min((birth_date IS NULL) || printf('%020d', id)) AS id
FROM about WHERE birth_date IS NOT NULL OR est_age IS NOT NULL GROUP BY person;
CREATE TEMP TABLE person_origin AS
SELECT person, max(ethnicity) AS ethnicity,
       max(nationality NOT IN ('VN', 'XXA', 'UNKNOWN')) AS is_foreign
FROM about GROUP BY person;
CREATE INDEX temp.person_sex_of ON person_sex(person);
CREATE INDEX temp.person_birth_of ON person_birth(person);
CREATE INDEX temp.person_origin_of ON person_origin(person);

CREATE TEMP TABLE received AS
SELECT id, unit, in_scope, is_first, person, person_id, class, recv_channel, recv_org_kind,
       rescue_org_kind, previous_case, ident_result, cert_no, close_reason, exploited_country,
       recv_day, ident_day, cert_day, closed_day, sex, ethnicity, is_foreign, is_accompanying,
       CASE WHEN birth_date IS NOT NULL
            THEN substr(recv_date, 1, 4) - substr(birth_date, 1, 4)
                 - (substr(recv_date || '-01-01', 6, length(birth_date) - 5)
                    < substr(birth_date, 6))
            ELSE est_age + COALESCE(substr(recv_date, 1, 4) - substr(est_age_asof, 1, 4), 0)
       END AS age
FROM (
SELECT c.id, c.unit, c.unit IN (SELECT code FROM scope) AS in_scope, c.continues IS NULL AS is_first,
       COALESCE(p.cluster, c.person_id, -c.id) AS person, c.person_id,
       c.class, c.recv_channel, c.recv_org_kind, c.rescue_org_kind, c.previous_case,
       c.ident_result, c.cert_no, c.close_reason, c.exploited_country, c.recv_date,
       substr(c.recv_date || '-01-01', 1, 10) AS recv_day,
       substr(COALESCE(c.ident_date, c.recv_date) || '-01-01', 1, 10) AS ident_day,
       substr(c.cert_date || '-01-01', 1, 10) AS cert_day,
       substr(c.closed_on || '-01-01', 1, 10) AS closed_day,
       CASE WHEN p.person IS NOT NULL THEN COALESCE(s.sex, 'U')
            WHEN f.sex IN ('M', 'F') THEN f.sex ELSE 'U' END AS sex,
       CASE WHEN p.person IS NOT NULL THEN o.ethnicity ELSE f.ethnicity END AS ethnicity,
       COALESCE(c.class = 'FOREIGN', 0) OR COALESCE(CASE WHEN p.person IS NOT NULL THEN o.is_foreign
            ELSE f.nationality NOT IN ('VN', 'XXA', 'UNKNOWN') END, 0) AS is_foreign,
       COALESCE(c.class = 'U18_VN', 0) AS is_accompanying,
       CASE WHEN p.person IS NOT NULL THEN b.birth_date ELSE f.birth_date END AS birth_date,
       CASE WHEN p.person IS NOT NULL THEN b.est_age ELSE f.est_age END AS est_age,
       CASE WHEN p.person IS NOT NULL THEN b.est_age_asof ELSE f.est_age_asof END AS est_age_asof
FROM form_case AS c
LEFT JOIN person_cluster AS p ON p.person = c.person_id
LEFT JOIN form_person AS f ON f.id = c.person_id AND f.alive
LEFT JOIN person_sex AS s ON s.person = p.cluster
LEFT JOIN person_birth AS b ON b.person = p.cluster
LEFT JOIN person_origin AS o ON o.person = p.cluster
WHERE c.alive AND COALESCE(c.close_reason, '') <> 'DUPLICATE'
  AND c.id NOT IN (SELECT case_id FROM form_referral
                   WHERE alive AND case_id IS NOT NULL AND direction = 'IN'
                     AND COALESCE(outcome, '') NOT IN ('ACCEPTED', 'COMPLETED')));
