-- B14: community models, facilities, services surveyed.  Models that ended stand behind the total.

--: title: B14. Mô hình, cơ sở hỗ trợ | B14. Models and facilities
--: forms: community_model community_model_status facility facility_upgrade survey
--: column: text | Nội dung | Item
--: column: count | Số lượng | Number
--: column: count | Trong đó sẵn sàng hoạt động | Of them ready
--: column: count | Thành viên, nhân viên | Members, staff
--: column: count | Số chỗ ở | Places
--: column: persons | Nạn nhân được giúp đỡ | Victims helped
--: column: money | Kinh phí (đồng) | Cost (VND)
--: column: text | Kết quả, kiến nghị | Findings, proposals
--: rows: 1.t = 1
--: withheld: 3 4
--: note: Tình trạng của mô hình là tình trạng tại ngày cuối kỳ. | The state of a model is that of the last day of the period.
--: word: total | Tổng số | Total
--: word: none | Không ghi | Not stated

--: prepare
CREATE TEMP TABLE model AS
SELECT m.id, m.model_kind AS kind, m.members, m.victims_helped,
       COALESCE((SELECT s.status FROM form_community_model_status AS s
                 WHERE s.alive AND s.model_id = m.id AND s.status IS NOT NULL
                   AND substr(s.date || '-01-01', 1, 10) <= :to
                 ORDER BY substr(s.date || '-01-01', 1, 10) DESC, s.id DESC LIMIT 1), m.status, '') AS status
FROM form_community_model AS m
WHERE m.alive AND m.unit IN (SELECT code FROM scope)
  AND substr(COALESCE(m.start, '1900') || '-01-01', 1, 10) <= :to;
-- What ended before the period is history.
DELETE FROM model WHERE status = 'ENDED' AND id NOT IN (
  SELECT model_id FROM form_community_model_status
  WHERE alive AND status = 'ENDED' AND substr(date || '-01-01', 1, 10) BETWEEN :from AND :to);

--: block: Mô hình phòng ngừa, hỗ trợ tại cộng đồng | Community models
WITH line AS (
  SELECT code, label, CASE code WHEN 'ENDED' THEN 4000000 ELSE rank END AS rank, code = 'ENDED' AS total
  FROM code WHERE list = 'model_status'
  UNION ALL SELECT '', label, 2000000, 0 FROM code
  WHERE list = 'report' AND code = 'none' AND EXISTS (SELECT 1 FROM model WHERE status = '')
  UNION ALL SELECT NULL, label, 3000000, 1 FROM code WHERE list = 'report' AND code = 'total')
SELECT label, COUNT(model.id), NULL, COALESCE(SUM(members), 0), NULL, COALESCE(SUM(victims_helped), 0),
       NULL, NULL, total
FROM line LEFT JOIN model ON model.status = line.code OR (line.code IS NULL AND model.status <> 'ENDED')
GROUP BY line.rank, label, total ORDER BY line.rank;

--: block: Cơ sở hỗ trợ | Facilities
SELECT COALESCE(code.label, f.facility_kind, none.label), COUNT(*), SUM(COALESCE(ready = 'yes', 0)),
       COALESCE(SUM(staff_count), 0),
       SUM(COALESCE(beds_m, 0) + COALESCE(beds_f, 0) + COALESCE(beds_child_m, 0) + COALESCE(beds_child_f, 0)),
       NULL, NULL, NULL, 0
FROM form_facility AS f
LEFT JOIN code ON code.list = 'facility_kind' AND code.code = f.facility_kind
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
WHERE f.alive AND f.unit IN (SELECT code FROM scope) AND COALESCE(f.operating, 'yes') = 'yes'
GROUP BY f.facility_kind ORDER BY code.rank IS NULL, code.rank;

--: block: Củng cố, nâng cấp cơ sở | Upgrades
SELECT COALESCE(f.name || ': ', '') || COALESCE(u.what, ''), 1, NULL, NULL, NULL, NULL, u.amount_vnd, NULL, 0
FROM form_facility_upgrade AS u LEFT JOIN form_facility AS f ON f.id = u.facility_id
WHERE u.alive AND u.unit IN (SELECT code FROM scope)
  AND substr(u.date || '-01-01', 1, 10) BETWEEN :from AND :to
ORDER BY u.date, u.id;

--: block: Rà soát dịch vụ, điều kiện cơ sở | Surveys of services and facilities
SELECT strftime('%d/%m/%Y', substr(s.date || '-01-01', 1, 10)) || ': ' || COALESCE(s.org, unit.full_name, s.commune_code, s.unit),
       s.found_count, NULL, NULL, NULL, NULL, NULL,
       NULLIF(COALESCE(s.findings, '') || COALESCE(char(10) || s.proposal, ''), ''), 0
FROM form_survey AS s LEFT JOIN unit ON unit.code = s.commune_code
WHERE s.alive AND s.subject IN ('SERVICES', 'FACILITY') AND s.unit IN (SELECT code FROM scope)
  AND substr(s.date || '-01-01', 1, 10) BETWEEN :from AND :to
ORDER BY s.date, s.id;
