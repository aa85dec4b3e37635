-- Cases without identities, for exchange by the Human Trafficking Case Data Standard (HTCDS 2.0).
--
-- One row a case received in the period, in our codes; schema/exchange/htcds.csv says what
-- they are called there.  Never a name, a day of birth, a commune, a free text.
-- Province, sex, age, nationality, country and year together must be true of :smallest persons; a
-- rarer row is made coarser, step by step, and if that does not help left out.

--: title: Hồ sơ không nêu danh tính (HTCDS 2.0) | Cases without identities (HTCDS 2.0)
--: forms: case person referral consent follow_up service_delivery
--: parts: cases
--: column: text | province | province
--: column: text | year | year
--: column: text | sex | sex
--: column: text | age | age
--: column: text | nationality | nationality
--: column: text | exploited_country | exploited_country
--: column: text | ident_result | ident_result
--: column: text | ident_org | ident_org
--: column: text | purpose | purpose
--: column: text | recruiter_relation | recruiter_relation
--: column: text | case_state | case_state
--: column: text | service | service
--: column: count | step | step

--: prepare
-- Whoever refused, or took back, to be in figures is in none of these.
CREATE TEMP TABLE unwilling AS
SELECT DISTINCT COALESCE(p.cluster, f.person_id) AS person
FROM form_consent AS f LEFT JOIN person_cluster AS p ON p.person = f.person_id
WHERE f.alive AND f.kind = 'STATS' AND (f.decision IN ('REFUSED', 'WITHDRAWN') OR f.withdrawn_at IS NOT NULL);

CREATE TEMP TABLE province_of AS
WITH RECURSIVE up(unit, code, parent, level) AS (
    SELECT code, code, parent, level FROM unit
    UNION
    SELECT up.unit, u.code, u.parent, u.level FROM up JOIN unit AS u ON u.code = up.parent)
SELECT unit, min(code) AS province FROM up WHERE level = 'PROV' GROUP BY unit;

CREATE TEMP TABLE shown AS
SELECT r.id, r.person, 0 AS step, 0 AS is_shown,
       COALESCE(p.province, 'U') AS province, substr(r.recv_day, 1, 4) AS year, r.sex,
       CASE WHEN r.age IS NULL THEN 'U' WHEN r.age <= 5 THEN '0-5' WHEN r.age <= 10 THEN '6-10'
            WHEN r.age <= 15 THEN '11-15' WHEN r.age <= 17 THEN '16-17' WHEN r.age <= 24 THEN '18-24'
            WHEN r.age <= 34 THEN '25-34' WHEN r.age <= 59 THEN '35-59' ELSE '60+' END AS age,
       CASE WHEN r.age IS NULL THEN 'U' WHEN r.age < 18 THEN '0-17' ELSE '18+' END AS child,
       COALESCE((SELECT min(f.nationality) FROM form_person AS f
                 WHERE f.alive AND f.id = r.person_id), 'UNKNOWN') AS nationality,
       COALESCE(r.exploited_country, 'UNKNOWN') AS country, r.ident_result, r.close_reason
FROM received AS r LEFT JOIN province_of AS p ON p.unit = r.unit
WHERE r.in_scope AND r.is_first AND NOT r.is_accompanying AND r.recv_day BETWEEN :from AND :to
  AND r.person NOT IN (SELECT person FROM unwilling WHERE person IS NOT NULL);

-- Groups that are large enough are settled; the others go one step on.
UPDATE shown SET is_shown = 1 WHERE (province, year, sex, age, nationality, country) IN
    (SELECT province, year, sex, age, nationality, country FROM shown
     GROUP BY 1, 2, 3, 4, 5, 6 HAVING count(DISTINCT person) >= :smallest);
UPDATE shown SET step = 1, age = child WHERE NOT is_shown;
UPDATE shown SET is_shown = 1 WHERE step = 1 AND (province, year, sex, age, nationality, country) IN
    (SELECT province, year, sex, age, nationality, country FROM shown WHERE step = 1
     GROUP BY 1, 2, 3, 4, 5, 6 HAVING count(DISTINCT person) >= :smallest);
UPDATE shown SET step = 2, nationality = 'WITHHELD', country = 'WITHHELD' WHERE NOT is_shown;
UPDATE shown SET is_shown = 1 WHERE step = 2 AND (province, year, sex, age) IN
    (SELECT province, year, sex, age FROM shown WHERE step = 2
     GROUP BY 1, 2, 3, 4 HAVING count(DISTINCT person) >= :smallest);
UPDATE shown SET step = 3, sex = 'WITHHELD' WHERE NOT is_shown;
UPDATE shown SET is_shown = 1 WHERE step = 3 AND (province, year, age) IN
    (SELECT province, year, age FROM shown WHERE step = 3
     GROUP BY 1, 2, 3 HAVING count(DISTINCT person) >= :smallest);
UPDATE shown SET step = 4, age = 'WITHHELD' WHERE NOT is_shown;
UPDATE shown SET is_shown = 1 WHERE step = 4 AND (province, year) IN
    (SELECT province, year FROM shown WHERE step = 4
     GROUP BY 1, 2 HAVING count(DISTINCT person) >= :smallest);

--: block: cases | cases
SELECT s.province, s.year, s.sex, s.age, s.nationality, s.country, s.ident_result,
       -- who decided is written freely: its kind alone goes out
       CASE WHEN COALESCE(c.ident_org, '') = '' THEN NULL
            WHEN c.ident_org LIKE '%ông an%' OR c.ident_org LIKE '%ÔNG AN%' THEN 'POLICE'
            WHEN c.ident_org LIKE '%òa án%' OR c.ident_org LIKE '%oà án%' OR c.ident_org LIKE '%iểm sát%'
                THEN 'COURT'
            WHEN c.ident_org LIKE '%iên phòng%' OR c.ident_org LIKE '%ảnh sát biển%'
                OR c.ident_org LIKE '%y ban nhân dân%' OR c.ident_org LIKE 'Sở %' THEN 'STATE'
            ELSE 'OTHER' END,
       (SELECT group_concat(DISTINCT v.value) FROM form_case__purpose AS v
        WHERE v.id = s.id AND NOT v.voided),
       c.recruiter_relation,
       CASE WHEN s.close_reason = 'MOVED' THEN 'CLOSED_REFERRED' WHEN s.close_reason IS NOT NULL THEN 'CLOSED'
            WHEN EXISTS (SELECT 1 FROM form_follow_up AS f WHERE f.alive AND f.case_id = s.id)
                THEN 'FOLLOW_UP'
            ELSE 'OPEN' END,
       (SELECT group_concat(DISTINCT d.service) FROM form_service_delivery AS d
        WHERE d.alive AND d.case_id = s.id AND d.status = 'DELIVERED'),
       s.step, 0
FROM shown AS s JOIN form_case AS c ON c.id = s.id WHERE s.is_shown;

--: block: left out | left out
SELECT count(*), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0
FROM shown WHERE NOT is_shown;

--: block: unwilling | unwilling
SELECT count(*), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0
FROM received AS r
WHERE r.in_scope AND r.is_first AND NOT r.is_accompanying AND r.recv_day BETWEEN :from AND :to
  AND r.person IN (SELECT person FROM unwilling WHERE person IS NOT NULL);
