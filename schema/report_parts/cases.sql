-- Cases and the persons whom they are about, for reports that count persons.
--
-- about: what is known of each person, whatever record says it: the first one that does.
-- received(person, ...): every case that counts, one row a case, with the age on the day of
-- reception.  A file that was closed as a duplicate stands in the other file; one that another
-- unit handed over counts when it was accepted.

CREATE TEMP TABLE about AS
SELECT COALESCE(p.cluster, f.id) AS person, f.id, f.sex, f.birth_date, f.est_age, f.est_age_asof,
       f.ethnicity, f.nationality
FROM form_person AS f LEFT JOIN person_cluster AS p ON p.person = f.id
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
SELECT c.id, c.unit, c.unit IN (SELECT code FROM scope) AS in_scope, c.continues IS NULL AS is_first,
       COALESCE(p.cluster, c.person_id, -c.id) AS person, c.person_id,
       c.class, c.recv_channel, c.recv_org_kind, c.rescue_org_kind, c.previous_case,
       c.ident_result, c.cert_no, c.close_reason, c.exploited_country,
       substr(c.recv_date || '-01-01', 1, 10) AS recv_day,
       substr(COALESCE(c.ident_date, c.recv_date) || '-01-01', 1, 10) AS ident_day,
       substr(c.cert_date || '-01-01', 1, 10) AS cert_day,
       substr(c.closed_on || '-01-01', 1, 10) AS closed_day,
       COALESCE(s.sex, 'U') AS sex, o.ethnicity,
       COALESCE(c.class = 'FOREIGN', 0) OR COALESCE(o.is_foreign, 0) AS is_foreign,
       COALESCE(c.class = 'U18_VN', 0) AS is_accompanying,
       CASE WHEN b.birth_date IS NOT NULL
            THEN substr(c.recv_date, 1, 4) - substr(b.birth_date, 1, 4)
                 - (substr(c.recv_date || '-01-01', 6, length(b.birth_date) - 5)
                    < substr(b.birth_date, 6))
            ELSE b.est_age + COALESCE(substr(c.recv_date, 1, 4) - substr(b.est_age_asof, 1, 4), 0)
       END AS age
FROM form_case AS c
LEFT JOIN person_cluster AS p ON p.person = c.person_id
LEFT JOIN person_sex AS s ON s.person = COALESCE(p.cluster, c.person_id)
LEFT JOIN person_birth AS b ON b.person = COALESCE(p.cluster, c.person_id)
LEFT JOIN person_origin AS o ON o.person = COALESCE(p.cluster, c.person_id)
WHERE c.alive AND COALESCE(c.close_reason, '') <> 'DUPLICATE'
  AND c.id NOT IN (SELECT case_id FROM form_referral
                   WHERE alive AND case_id IS NOT NULL AND direction = 'IN'
                     AND COALESCE(outcome, '') NOT IN ('ACCEPTED', 'COMPLETED'));
