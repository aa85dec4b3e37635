-- B13: coordination between agencies.

--: title: B13. Phối hợp liên ngành | B13. Coordination
--: forms: coordination_event case_coordination awareness_session issued_document agency_figure
--: column: text | Nội dung | Item
--: column: count | Số cuộc, lượt | Times
--: column: persons | Số hồ sơ được trao đổi | Cases exchanged
--: column: persons | Số người | Persons
--: column: persons | Nam | Male
--: column: persons | Nữ | Female
--: column: persons | Dưới 18 tuổi | Under 18
--: column: persons | Người thân thích | Relatives
--: column: money | Số tiền (đồng) | Amount (VND)
--: rows: 1.t <= 1 | 3
--: rows: 1.t = 1 | 4
--: withheld: 2 5
--: note: Số liệu do cơ quan khác cung cấp chỉ để đối chiếu, không cộng vào số người do hệ thống đếm từ hồ sơ. | Figures of other agencies are a memo: they are never added to the persons that are counted from records.
--: word: total | Tổng số | Total
--: word: none | Không ghi | Not stated
--: word: guide | Hướng dẫn, chỉ đạo, đôn đốc | Guidance and instruction

--: prepare
CREATE TEMP TABLE met AS
SELECT 'e' || id AS id, COALESCE(form, '') AS form, NULL AS case_id, victims_count AS people,
       COALESCE(team_purpose, '') AS purpose
FROM form_coordination_event
WHERE alive AND unit IN (SELECT code FROM scope)
  AND substr(date || '-01-01', 1, 10) BETWEEN :from AND :to
UNION ALL
-- which cases an event was about is told apart, in their scope: the event itself is counted above
SELECT CASE WHEN event IS NULL THEN 'c' || id END, COALESCE(form, ''), case_id, NULL, ''
FROM form_case_coordination
WHERE alive AND continues IS NULL AND unit IN (SELECT code FROM scope)
  AND substr(date || '-01-01', 1, 10) BETWEEN :from AND :to;

--: block: Theo hình thức phối hợp | By form
WITH line AS (
  SELECT code, label, rank, 0 AS total FROM code WHERE list = 'coord_form'
  UNION ALL SELECT '', label, 2000000, 0 FROM code
  WHERE list = 'report' AND code = 'none' AND EXISTS (SELECT 1 FROM met WHERE form = '')
  UNION ALL SELECT NULL, label, 3000000, 1 FROM code WHERE list = 'report' AND code = 'total')
SELECT label, COUNT(DISTINCT met.id), COUNT(DISTINCT case_id), COALESCE(SUM(people), 0),
       NULL, NULL, NULL, NULL, NULL, total
FROM line LEFT JOIN met ON line.total OR met.form = line.code
GROUP BY line.rank, label, total ORDER BY line.rank;

--: block: Đoàn liên ngành theo mục đích | Inter-agency teams, by purpose
SELECT COALESCE(code.label, met.purpose), COUNT(*), NULL, COALESCE(SUM(people), 0),
       NULL, NULL, NULL, NULL, NULL, 0
FROM met LEFT JOIN code ON code.list = 'team_purpose' AND code.code = met.purpose
WHERE met.form = 'TEAM' AND met.purpose <> ''
GROUP BY met.purpose ORDER BY code.rank IS NULL, code.rank;

--: block: Hướng dẫn, chỉ đạo | Guidance
SELECT label, (SELECT COUNT(*) FROM form_awareness_session
               WHERE alive AND kind = 'GUIDE' AND COALESCE(status, 'HELD') = 'HELD'
                 AND unit IN (SELECT code FROM scope)
                 AND substr(date_start || '-01-01', 1, 10) BETWEEN :from AND :to),
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0
FROM code WHERE list = 'report' AND code = 'guide';

--: block: Văn bản đã ban hành | Documents issued
SELECT COALESCE(code.label, d.doc_kind, none.label), COUNT(*), NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0
FROM form_issued_document AS d
LEFT JOIN code ON code.list = 'doc_kind' AND code.code = d.doc_kind
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
WHERE d.alive AND d.unit IN (SELECT code FROM scope)
  AND substr(d.date || '-01-01', 1, 10) BETWEEN :from AND :to
GROUP BY d.doc_kind ORDER BY code.rank IS NULL, code.rank;

--: block: Số liệu do cơ quan khác cung cấp (không cộng) | Figures of other agencies (memo)
SELECT COALESCE(f.org, k.label, f.org_kind, '') || ': ' || COALESCE(f.figure_other, l.label, f.figure, ''),
       COUNT(*), NULL, SUM(total), SUM(male), SUM(female), SUM(under18), SUM(relatives), SUM(amount_vnd), 0
FROM form_agency_figure AS f
LEFT JOIN code AS k ON k.list = 'org_kind' AND k.code = f.org_kind
LEFT JOIN code AS l ON l.list = 'agency_figure' AND l.code = f.figure
WHERE f.alive AND f.unit IN (SELECT code FROM scope)
  AND substr(f.period_end || '-01-01', 1, 10) BETWEEN :from AND :to
GROUP BY 1 ORDER BY MIN(k.rank), 1;
