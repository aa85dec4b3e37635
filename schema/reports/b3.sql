-- B3: victims by age, sex and cause.

--: title: B3. Nạn nhân theo tuổi, giới tính, nguyên nhân bị mua bán | B3. Victims by age, sex and cause
--: forms: case person referral
--: parts: cases
--: column: text | Nội dung | Item
--: column: persons | Tổng số | Total
--: column: persons | Nam | Male
--: column: persons | Nữ | Female
--: column: persons | Không rõ giới tính | Sex not known
--: column: persons | Kinh tế khó khăn, nghèo | Poverty
--: column: persons | Thiếu việc làm | No work
--: column: persons | Thiếu hiểu biết, nhẹ dạ | Lack of awareness
--: column: persons | Bị lừa gạt | Deceived
--: column: persons | Bạo lực gia đình | Violence at home
--: column: persons | Mâu thuẫn, hoàn cảnh gia đình | Family conflict
--: column: persons | Nợ nần | Debt
--: column: persons | Bỏ học | Left school
--: column: persons | Trẻ em thiếu người chăm sóc | Children without care
--: column: persons | Di cư không an toàn | Unsafe migration
--: column: persons | Nguyên nhân khác | Other cause
--: column: persons | Không rõ nguyên nhân | Cause not known
--: column: persons | Không ghi nguyên nhân | Cause not stated
--: columns: 2 = 3 4 5
--: columns: 2 <= 6 7 8 9 10 11 12 13 14 15 16 17 18
--: rows: 1.t = 1
--: rows: 1.t <= 5
--: rows: 1.t = 6
--: rows: 1.t <= 7
--: blocks: 1 = 2 3 4
--: chart: 1 2
--: note: Người được xác định là nạn nhân theo văn bản ban hành trong kỳ. | Persons identified as victims by a document dated in the period.
--: note: Một người có nhiều nguyên nhân, mục đích được tính ở từng cột, từng dòng, nhưng chỉ một lần ở “Tổng số”. | A person with several causes or purposes counts in each of their columns and rows, and once in the total.
--: note: Tuổi tính tại ngày tiếp nhận. | Ages are those on the day of reception.
--: word: total | Tổng số | Total
--: word: none | Không ghi | Not stated
--: word: a00 | 0–5 tuổi | 0–5
--: word: a06 | 6–10 tuổi | 6–10
--: word: a11 | 11–15 tuổi | 11–15
--: word: a16 | 16–17 tuổi | 16–17
--: word: a18 | 18–24 tuổi | 18–24
--: word: a25 | 25–34 tuổi | 25–34
--: word: a35 | 35–59 tuổi | 35–59
--: word: a60 | Từ 60 tuổi | 60 and over
--: word: a99 | Không rõ tuổi | Age not known

-- A person with two cases in the period is of the age of the first.
--: prepare
CREATE TEMP TABLE victim AS
SELECT person, id, sex, ethnicity, exploited_country, age
FROM received
WHERE in_scope AND ident_result = 'VICTIM' AND ident_day BETWEEN :from AND :to;
CREATE TEMP TABLE band AS
SELECT person, CASE WHEN age IS NULL OR age < 0 THEN 'a99' WHEN age < 6 THEN 'a00' WHEN age < 11 THEN 'a06'
       WHEN age < 16 THEN 'a11' WHEN age < 18 THEN 'a16' WHEN age < 25 THEN 'a18'
       WHEN age < 35 THEN 'a25' WHEN age < 60 THEN 'a35' ELSE 'a60' END AS code
FROM (SELECT person, MIN(age) AS age FROM victim GROUP BY person);

CREATE TEMP TABLE caused AS
SELECT DISTINCT v.person, c.value AS cause
FROM victim AS v JOIN form_case__causes AS c ON c.id = v.id AND NOT c.voided;
-- What is not known drops out beside what is; a code that only a later list has is another cause.
DELETE FROM caused WHERE cause = 'UNKNOWN'
  AND person IN (SELECT person FROM caused WHERE cause <> 'UNKNOWN');
UPDATE OR IGNORE caused SET cause = 'OTHER' WHERE cause NOT IN ('POVERTY', 'UNEMPLOYED', 'LOWAWARE', 'DECEIVED', 'DOMVIOL', 'FAMCONFLICT', 'DEBT', 'DROPOUT', 'ABANDONED', 'UNSAFE_MIG', 'OTHER', 'UNKNOWN');
INSERT INTO caused SELECT DISTINCT person, '' FROM victim
WHERE person NOT IN (SELECT person FROM caused);

CREATE TEMP TABLE tag(list TEXT, person, code TEXT);
CREATE INDEX temp.tag_of ON tag(person, list);
INSERT INTO tag SELECT 'age', person, code FROM band;
INSERT INTO tag SELECT 'age_' || sex, person, code FROM band
JOIN (SELECT DISTINCT person, sex FROM victim) USING (person);
INSERT INTO tag SELECT 'total', person, 'total' FROM band;
INSERT INTO tag SELECT DISTINCT 'purpose', v.person, c.value
FROM victim AS v JOIN form_case__purpose AS c ON c.id = v.id AND NOT c.voided;
DELETE FROM tag WHERE list = 'purpose' AND code = 'UNKNOWN' AND person IN
  (SELECT person FROM tag WHERE list = 'purpose' AND code <> 'UNKNOWN');
INSERT INTO tag SELECT DISTINCT 'ethnicity', person, ethnicity FROM victim WHERE ethnicity IS NOT NULL;
INSERT INTO tag SELECT DISTINCT 'country', person, exploited_country FROM victim
WHERE exploited_country IS NOT NULL;
INSERT INTO tag SELECT list.name, band.person, ''
FROM (SELECT 'purpose' AS name UNION ALL SELECT 'ethnicity' UNION ALL SELECT 'country') AS list
CROSS JOIN band
WHERE NOT EXISTS (SELECT 1 FROM tag WHERE tag.list = list.name AND tag.person = band.person);

CREATE TEMP TABLE tally AS
SELECT tag.list, tag.code, COUNT(DISTINCT tag.person) AS persons,
       COUNT(DISTINCT CASE WHEN s.sex = 'M' THEN tag.person END) AS male,
       COUNT(DISTINCT CASE WHEN s.sex = 'F' THEN tag.person END) AS female,
       COUNT(DISTINCT CASE WHEN s.sex = 'U' THEN tag.person END) AS unknown,
       COUNT(DISTINCT CASE WHEN caused.cause = 'POVERTY' THEN tag.person END) AS c0,
       COUNT(DISTINCT CASE WHEN caused.cause = 'UNEMPLOYED' THEN tag.person END) AS c1,
       COUNT(DISTINCT CASE WHEN caused.cause = 'LOWAWARE' THEN tag.person END) AS c2,
       COUNT(DISTINCT CASE WHEN caused.cause = 'DECEIVED' THEN tag.person END) AS c3,
       COUNT(DISTINCT CASE WHEN caused.cause = 'DOMVIOL' THEN tag.person END) AS c4,
       COUNT(DISTINCT CASE WHEN caused.cause = 'FAMCONFLICT' THEN tag.person END) AS c5,
       COUNT(DISTINCT CASE WHEN caused.cause = 'DEBT' THEN tag.person END) AS c6,
       COUNT(DISTINCT CASE WHEN caused.cause = 'DROPOUT' THEN tag.person END) AS c7,
       COUNT(DISTINCT CASE WHEN caused.cause = 'ABANDONED' THEN tag.person END) AS c8,
       COUNT(DISTINCT CASE WHEN caused.cause = 'UNSAFE_MIG' THEN tag.person END) AS c9,
       COUNT(DISTINCT CASE WHEN caused.cause = 'OTHER' THEN tag.person END) AS c10,
       COUNT(DISTINCT CASE WHEN caused.cause = 'UNKNOWN' THEN tag.person END) AS c11,
       COUNT(DISTINCT CASE WHEN caused.cause = '' THEN tag.person END) AS c12
FROM tag JOIN caused USING (person) JOIN (SELECT DISTINCT person, sex FROM victim) AS s USING (person)
GROUP BY tag.list, tag.code;

--: block: Theo nhóm tuổi | By age
SELECT label, COALESCE(persons, 0), COALESCE(male, 0), COALESCE(female, 0), COALESCE(unknown, 0),
       COALESCE(c0, 0), COALESCE(c1, 0), COALESCE(c2, 0), COALESCE(c3, 0), COALESCE(c4, 0), COALESCE(c5, 0), COALESCE(c6, 0), COALESCE(c7, 0), COALESCE(c8, 0), COALESCE(c9, 0), COALESCE(c10, 0), COALESCE(c11, 0), COALESCE(c12, 0), code.code = 'total'
FROM code LEFT JOIN tally ON tally.list = CASE code.code WHEN 'total' THEN 'total' ELSE 'age' END
      AND tally.code = code.code
WHERE code.list = 'report' AND code.code <> 'none'
ORDER BY code.code = 'total', code.rank;

--: block: Nam, theo nhóm tuổi | Male, by age
SELECT label, persons, male, female, unknown, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, 0
FROM tally JOIN code ON code.list = 'report' AND code.code = tally.code
WHERE tally.list = 'age_M' ORDER BY code.rank;

--: block: Nữ, theo nhóm tuổi | Female, by age
SELECT label, persons, male, female, unknown, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, 0
FROM tally JOIN code ON code.list = 'report' AND code.code = tally.code
WHERE tally.list = 'age_F' ORDER BY code.rank;

--: block: Không rõ giới tính, theo nhóm tuổi | Sex not known, by age
SELECT label, persons, male, female, unknown, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, 0
FROM tally JOIN code ON code.list = 'report' AND code.code = tally.code
WHERE tally.list = 'age_U' ORDER BY code.rank;

--: block: Theo mục đích mua bán | By purpose
SELECT COALESCE(code.label, NULLIF(tally.code, ''), none.label), persons, male, female, unknown, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, 0
FROM tally LEFT JOIN code USING (list, code)
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
WHERE tally.list = 'purpose' ORDER BY tally.code = '', code.rank IS NULL, code.rank, tally.code;

--: block: Theo dân tộc | By ethnicity
SELECT COALESCE(code.label, NULLIF(tally.code, ''), none.label), persons, male, female, unknown, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, 0
FROM tally LEFT JOIN code USING (list, code)
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
WHERE tally.list = 'ethnicity' ORDER BY tally.code = '', code.rank IS NULL, code.rank, tally.code;

--: block: Theo nước bị đưa đến | By country
SELECT COALESCE(code.label, NULLIF(tally.code, ''), none.label), persons, male, female, unknown, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, 0
FROM tally LEFT JOIN code USING (list, code)
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
WHERE tally.list = 'country' ORDER BY tally.code = '', code.rank IS NULL, code.rank, tally.code;
