-- B10: counselling on legal and safe migration.

--: title: B10. Tư vấn di cư lao động hợp pháp, an toàn | B10. Safe-migration counselling
--: forms: outreach
--: column: text | Nội dung | Item
--: column: count | Số cuộc tư vấn | Sessions
--: column: count | Lượt người được tư vấn | Persons counselled
--: column: count | Nam | Male
--: column: count | Nữ | Female
--: column: count | Trong đó trẻ em | Of them children
--: column: count | Trong đó người dân tộc thiểu số | Of them ethnic minority
--: column: count | Số cuộc có giới thiệu, chuyển tuyến | Sessions with a referral
--: note: Một cuộc có nhiều nội dung hoặc nước đến được tính ở từng dòng, nhưng chỉ một lần ở dòng tổng số. | A session of several topics or destinations counts in each of their rows, and once in the total.
--: note: Là lượt người, không phải số người khác nhau; không ghi tên. | Attendances, not different persons; no names are kept.
--: word: total | Tổng số | Total
--: word: none | Không ghi | Not stated

--: prepare
CREATE TEMP TABLE talk AS
SELECT id, COALESCE(mode, '') AS mode, COALESCE(persons_m, 0) + COALESCE(persons_f, 0) AS people,
       COALESCE(persons_m, 0) AS male, COALESCE(persons_f, 0) AS female, persons_child AS children,
       persons_ethmin AS ethmin, COALESCE(referred = 'yes', 0) AS referred
FROM form_outreach
WHERE alive AND kind = 'MIGCOUNS' AND unit IN (SELECT code FROM scope)
  AND substr(date || '-01-01', 1, 10) BETWEEN :from AND :to;

CREATE TEMP TABLE tag(list TEXT, id INTEGER, code TEXT, PRIMARY KEY(list, id, code));
INSERT INTO tag SELECT 'counselling_mode', id, mode FROM talk;
INSERT INTO tag SELECT 'total', id, 'total' FROM talk;
INSERT INTO tag SELECT 'comm_topic', id, value FROM form_outreach__topics
WHERE NOT voided AND id IN (SELECT id FROM talk) GROUP BY id, value;
INSERT INTO tag SELECT 'country', id, value FROM form_outreach__destinations
WHERE NOT voided AND id IN (SELECT id FROM talk) GROUP BY id, value;
INSERT INTO tag SELECT list.name, talk.id, ''
FROM (SELECT 'comm_topic' AS name UNION ALL SELECT 'country') AS list CROSS JOIN talk
WHERE NOT EXISTS (SELECT 1 FROM tag WHERE tag.list = list.name AND tag.id = talk.id);

CREATE TEMP TABLE tally AS
SELECT list, code, COUNT(*) AS talks, SUM(people) AS people, SUM(male) AS male, SUM(female) AS female,
       SUM(children) AS children, SUM(ethmin) AS ethmin, SUM(referred) AS referred
FROM tag JOIN talk USING (id) GROUP BY list, code;

--: block: Theo hình thức | By form
WITH line AS (
  SELECT 'counselling_mode' AS list, code, label, rank, 0 AS total FROM code WHERE list = 'counselling_mode'
  UNION ALL SELECT 'counselling_mode', '', label, 2000000, 0 FROM code
  WHERE list = 'report' AND code = 'none'
    AND EXISTS (SELECT 1 FROM tally WHERE list = 'counselling_mode' AND code = '')
  UNION ALL SELECT 'total', code, label, 3000000, 1 FROM code WHERE list = 'report' AND code = 'total')
SELECT label, COALESCE(talks, 0), COALESCE(people, 0), COALESCE(male, 0), COALESCE(female, 0),
       children, ethmin, COALESCE(referred, 0), total
FROM line LEFT JOIN tally USING (list, code) ORDER BY line.rank;

--: block: Theo nội dung | By topic
SELECT COALESCE(code.label, NULLIF(tally.code, ''), none.label), talks, people, male, female,
       children, ethmin, referred, 0
FROM tally LEFT JOIN code USING (list, code)
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
WHERE tally.list = 'comm_topic' ORDER BY tally.code = '', code.rank IS NULL, code.rank, tally.code;

--: block: Theo nước dự định đến | By country of destination
SELECT COALESCE(code.label, NULLIF(tally.code, ''), none.label), talks, people, male, female,
       children, ethmin, referred, 0
FROM tally LEFT JOIN code USING (list, code)
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
WHERE tally.list = 'country' ORDER BY tally.code = '', code.rank IS NULL, code.rank, tally.code;
