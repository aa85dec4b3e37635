-- B8: awareness work.

--: title: B8. Truyền thông phòng, chống mua bán người | B8. Awareness work against trafficking
--: forms: awareness_session outreach material
--: column: text | Nội dung | Item
--: column: count | Số cuộc | Events
--: column: count | Lượt người tham dự | Participants
--: column: count | Trong đó nữ | Of them female
--: column: count | Trong đó trẻ em | Of them children
--: column: count | Trong đó người dân tộc thiểu số | Of them ethnic minority
--: column: count | Số cuộc dịp 30/7 | Events for 30 July
--: column: count | Lượt người tham dự dịp 30/7 | Participants for 30 July
--: column: count | Số tin, bài | Items
--: column: count | Số lần phát | Times on air
--: column: count | Thời lượng phát (phút) | Minutes on air
--: column: count | Lượt người tiếp cận | Reach
--: column: count | Số bản in | Copies printed
--: column: count | Số bản phát hành | Copies given out
--: column: count | Số nơi được chia sẻ | Shared with
--: chart: 1 2
--: note: Một cuộc có nhiều hình thức, đối tượng hoặc nội dung được tính ở từng dòng, nhưng chỉ một lần ở dòng tổng số. | A session of several forms, audiences or topics counts in each of their rows, and once in the total.
--: note: Chỉ tính cuộc đã tổ chức; cuộc không ghi tình trạng coi như đã tổ chức. Một cuộc do hai nơi cùng ghi chỉ tính một lần. | Sessions that were held; one without a status counts as held. A session recorded twice counts once.
--: note: Lượt người tham dự là số lượt, không phải số người khác nhau. | Participants are attendances, not different persons.
--: word: total | Tổng số | Total
--: word: none | Không ghi | Not stated

-- Sessions held in the period, whatever their kind.
--: prepare
CREATE TEMP TABLE held AS
SELECT id, COALESCE(kind, 'COMM') AS kind, dup_of,
       participants_total AS people, participants_female AS female,
       participants_child AS children, participants_ethmin AS ethmin,
       COALESCE(persons_supported_m, 0) + COALESCE(persons_supported_f, 0) AS supported,
       persons_supported_f AS supported_female,
       items_count, air_count, air_minutes, reach,
       EXISTS (SELECT 1 FROM form_awareness_session__campaigns AS c
               WHERE c.id = s.id AND NOT c.voided
                 AND c.value IN ('D30_7_NAT', 'D30_7_WORLD')) AS is_30_7
FROM form_awareness_session AS s
WHERE alive AND unit IN (SELECT code FROM scope)
  AND COALESCE(status, 'HELD') = 'HELD'
  AND substr(date_start || '-01-01', 1, 10) BETWEEN :from AND :to;

-- The same event recorded by two bodies counts with the record that was first.
DELETE FROM held WHERE dup_of IN (SELECT id FROM held WHERE dup_of IS NULL);

CREATE TEMP TABLE session AS SELECT * FROM held WHERE kind = 'COMM';

-- What each session is filed under: list of codes, code.  CROSS JOIN: of the values of all years only
-- those of the period's sessions are looked up.
CREATE TEMP TABLE tag(list TEXT, id INTEGER, code TEXT, PRIMARY KEY(list, id, code));
INSERT INTO tag SELECT DISTINCT 'comm_form', id, value
FROM session CROSS JOIN form_awareness_session__forms USING (id) WHERE NOT voided;
INSERT INTO tag SELECT DISTINCT 'comm_topic', id, value
FROM session CROSS JOIN form_awareness_session__topics USING (id) WHERE NOT voided;
INSERT INTO tag SELECT DISTINCT 'audience', id, value
FROM session CROSS JOIN form_awareness_session__audiences USING (id) WHERE NOT voided;

--: prepare | if form_awareness_session__place_kind
INSERT INTO tag SELECT DISTINCT 'place_kind', id, value
FROM session CROSS JOIN form_awareness_session__place_kind USING (id) WHERE NOT voided;

--: prepare | if form_awareness_session__programmes
INSERT INTO tag SELECT DISTINCT 'programme', id, value
FROM session CROSS JOIN form_awareness_session__programmes USING (id) WHERE NOT voided;

-- A session that names nothing of a list stands under ''.  What is on air or in
-- print counts under the forms that are.
--: prepare
INSERT INTO tag SELECT list.name, session.id, ''
FROM (SELECT 'comm_form' AS name UNION ALL SELECT 'comm_topic' UNION ALL SELECT 'audience') AS list
CROSS JOIN session
WHERE NOT EXISTS (SELECT 1 FROM tag WHERE tag.list = list.name AND tag.id = session.id);

CREATE TEMP TABLE tally AS
SELECT tag.list, tag.code, COUNT(*) AS events, SUM(people) AS people, SUM(female) AS female,
       SUM(children) AS children, SUM(ethmin) AS ethmin,
       SUM(is_30_7) AS events_30_7, SUM(CASE WHEN is_30_7 THEN people ELSE 0 END) AS people_30_7,
       SUM(CASE WHEN on_air THEN items_count END) AS items,
       SUM(CASE WHEN on_air THEN air_count END) AS aired,
       SUM(CASE WHEN on_air THEN air_minutes END) AS minutes,
       SUM(CASE WHEN on_air THEN reach END) AS reach
FROM (SELECT *, list <> 'comm_form' OR code IN
        ('LOUDSPK', 'TVRADIO', 'PRESS', 'WEB', 'SOCIAL', 'VIDEO', 'ONLINE') AS on_air
      FROM tag) AS tag
JOIN session USING (id)
GROUP BY tag.list, tag.code
UNION ALL
SELECT 'comm_form', 'total', COUNT(*), SUM(people), SUM(female), SUM(children), SUM(ethmin),
       SUM(is_30_7), SUM(CASE WHEN is_30_7 THEN people ELSE 0 END),
       SUM(items_count), SUM(air_count), SUM(air_minutes), SUM(reach)
FROM session;

--: block: Theo hình thức truyền thông | By form of communication
WITH line AS (
  SELECT code, label, rank, 0 AS total FROM code WHERE list = 'comm_form'
  UNION ALL
  SELECT code, code, 1000000, 0 FROM tally
  WHERE list = 'comm_form' AND code NOT IN ('', 'total')
    AND code NOT IN (SELECT code FROM code WHERE list = 'comm_form')
  UNION ALL
  SELECT '', label, 2000000, 0 FROM code WHERE list = 'report' AND code = 'none'
     AND EXISTS (SELECT 1 FROM tally WHERE list = 'comm_form' AND code = '')
  UNION ALL
  SELECT code, label, 3000000, 1 FROM code WHERE list = 'report' AND code = 'total')
SELECT label, COALESCE(events, 0), COALESCE(people, 0), COALESCE(female, 0),
       COALESCE(children, 0), COALESCE(ethmin, 0), COALESCE(events_30_7, 0),
       COALESCE(people_30_7, 0), items, aired, minutes, reach, NULL, NULL, NULL, total
FROM line LEFT JOIN tally ON tally.list = 'comm_form' AND tally.code = line.code
ORDER BY line.rank, line.code;

--: block: Theo đối tượng | By audience
SELECT COALESCE(code.label, NULLIF(tally.code, ''), none.label), events, people, female, children, ethmin, events_30_7,
       people_30_7, items, aired, minutes, reach, NULL, NULL, NULL, 0
FROM tally
LEFT JOIN code ON code.list = tally.list AND code.code = tally.code
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
WHERE tally.list = 'audience' ORDER BY code.rank IS NULL, code.rank;

--: block: Theo đặc điểm địa bàn | By kind of place | if form_awareness_session__place_kind
SELECT COALESCE(code.label, tally.code), events, people, female, children, ethmin, events_30_7,
       people_30_7, items, aired, minutes, reach, NULL, NULL, NULL, 0
FROM tally LEFT JOIN code ON code.list = tally.list AND code.code = tally.code
WHERE tally.list = 'place_kind' ORDER BY code.rank IS NULL, code.rank;

--: block: Theo nội dung | By topic
SELECT COALESCE(code.label, NULLIF(tally.code, ''), none.label), events, people, female, children, ethmin, events_30_7,
       people_30_7, items, aired, minutes, reach, NULL, NULL, NULL, 0
FROM tally
LEFT JOIN code ON code.list = tally.list AND code.code = tally.code
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
WHERE tally.list = 'comm_topic' ORDER BY code.rank IS NULL, code.rank;

--: block: Theo chương trình lồng ghép | By integrated programme | if form_awareness_session__programmes
SELECT COALESCE(code.label, tally.code), events, people, female, children, ethmin, events_30_7,
       people_30_7, items, aired, minutes, reach, NULL, NULL, NULL, 0
FROM tally LEFT JOIN code ON code.list = tally.list AND code.code = tally.code
WHERE tally.list = 'programme' ORDER BY code.rank IS NULL, code.rank;

--: block: Theo đơn vị tổ chức | By organiser
SELECT COALESCE(s.organiser, none.label), COUNT(*), SUM(people), SUM(female), SUM(children), SUM(ethmin),
       SUM(session.is_30_7), SUM(CASE WHEN session.is_30_7 THEN people ELSE 0 END), SUM(session.items_count),
       SUM(session.air_count), SUM(session.air_minutes), SUM(session.reach), NULL, NULL, NULL, 0
FROM session JOIN form_awareness_session AS s USING (id)
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
GROUP BY s.organiser ORDER BY s.organiser IS NULL, COUNT(*) DESC, s.organiser;

--: block: Tài liệu truyền thông theo hình thức (số đầu tài liệu) | Materials by form (titles)
WITH made AS (
  SELECT m.id, COALESCE(m.form, '') AS form, m.copies_printed, m.copies_distributed,
         (SELECT COUNT(DISTINCT x.value) FROM form_material__shared_with AS x
          WHERE x.id = m.id AND NOT x.voided) AS shared
  FROM form_material AS m
  WHERE m.alive AND m.unit IN (SELECT code FROM scope)
    AND substr(m.date || '-01-01', 1, 10) BETWEEN :from AND :to)
SELECT COALESCE(code.label, NULLIF(made.form, ''), none.label), COUNT(*), NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL, NULL, NULL, SUM(copies_printed), SUM(copies_distributed), SUM(shared), 0
FROM made LEFT JOIN code ON code.list = 'comm_form' AND code.code = made.form
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
GROUP BY made.form ORDER BY made.form = '', code.rank IS NULL, code.rank;

-- Guidance, support to people at risk and the like: persons supported stand as participants.
--: block: Hoạt động khác (lượt người được hỗ trợ) | Other activities (persons supported)
SELECT COALESCE(code.label, held.kind), COUNT(*), SUM(supported), SUM(supported_female),
       NULL, NULL, SUM(is_30_7), SUM(CASE WHEN is_30_7 THEN supported ELSE 0 END),
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0
FROM held LEFT JOIN code ON code.list = 'activity_kind' AND code.code = held.kind
WHERE held.kind <> 'COMM'
GROUP BY held.kind ORDER BY code.rank IS NULL, code.rank;

--: block: Tư vấn, vận động tại cộng đồng | Outreach
WITH talk AS (
  SELECT COALESCE(kind, '') AS kind, COALESCE(persons_m, 0) + COALESCE(persons_f, 0) AS people,
         persons_f AS female, persons_child AS children, persons_ethmin AS ethmin,
         EXISTS (SELECT 1 FROM form_outreach__campaigns AS c
                 WHERE c.id = o.id AND NOT c.voided
                   AND c.value IN ('D30_7_NAT', 'D30_7_WORLD')) AS is_30_7
  FROM form_outreach AS o
  WHERE alive AND unit IN (SELECT code FROM scope)
    AND substr(date || '-01-01', 1, 10) BETWEEN :from AND :to),
line AS (
  SELECT code, label, rank, 0 AS total FROM code WHERE list = 'outreach_kind'
  UNION ALL
  SELECT '', label, 1000000, 0 FROM code WHERE list = 'report' AND code = 'none'
     AND EXISTS (SELECT 1 FROM talk WHERE kind = '')
  UNION ALL
  SELECT NULL, label, 2000000, 1 FROM code WHERE list = 'report' AND code = 'total')
SELECT label, COUNT(kind), COALESCE(SUM(people), 0), COALESCE(SUM(female), 0), SUM(children),
       SUM(ethmin), COALESCE(SUM(is_30_7), 0), COALESCE(SUM(CASE WHEN is_30_7 THEN people ELSE 0 END), 0),
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, total
FROM line LEFT JOIN talk ON line.total OR talk.kind = line.code
GROUP BY line.rank, label, total ORDER BY line.rank;
