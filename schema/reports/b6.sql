-- B6: safety protection.  The row of refusals stands behind the total, apart from the measures.

--: title: B6. Bảo vệ an toàn | B6. Safety protection
--: forms: case person referral protection_measure
--: parts: cases
--: column: text | Biện pháp | Measure
--: column: persons | Số lượt áp dụng | Times
--: column: persons | Nạn nhân (người) | Victims (persons)
--: column: persons | Người thân thích (người) | Relatives (persons)
--: column: persons | Người dưới 18 tuổi đi cùng (người) | Accompanying under 18 (persons)
--: column: persons | Số lượt có dấu hiệu không an toàn | Times with a sign of danger
--: column: persons | Số lượt đã báo lực lượng chức năng | Times reported to the forces
--: columns: 2 >= 3 4 5
--: columns: 2 >= 6
--: columns: 2 >= 7
--: rows: 1.t = 1 | 2 6 7
--: rows: 1.t <= 1 | 3 4 5
--: note: Tính biện pháp bắt đầu trong kỳ hoặc còn hiệu lực trong kỳ. | Measures that began in the period or were in force in it.
--: note: Trường hợp từ chối bảo vệ không tính vào các biện pháp, chỉ tính ở dòng “Từ chối bảo vệ”. | Who refused protection counts in the row of refusals alone.
--: note: Người chưa có hồ sơ riêng được tính theo từng lượt. | A person without a record of the own counts by the time.
--: word: total | Tổng số | Total
--: word: none | Không ghi biện pháp | Measure not stated

--: prepare
CREATE TEMP TABLE used AS
SELECT m.id, CASE WHEN m.refused = 'yes' THEN 'REFUSED' ELSE COALESCE(m.measure, '') END AS measure,
       COALESCE(m.for_whom, 'VICTIM') AS for_whom,
       COALESCE(p.cluster, m.person_id,
                CASE WHEN COALESCE(m.for_whom, 'VICTIM') = 'VICTIM' THEN r.person END, -m.id) AS person,
       m.danger_signs IS NOT NULL AS danger,
       EXISTS (SELECT 1 FROM form_protection_measure__reported_to AS t
               WHERE t.id = m.id AND NOT t.voided) AS reported
FROM form_protection_measure AS m
LEFT JOIN person_cluster AS p ON p.person = m.person_id
LEFT JOIN received AS r ON r.id = m.case_id
WHERE m.alive AND m.continues IS NULL AND m.unit IN (SELECT code FROM scope)
  AND substr(COALESCE(m.date_from, date(m.created_at, 'unixepoch', '+7 hours')) || '-01-01', 1, 10) <= :to
  AND substr(COALESCE(m.date_to,
        CASE WHEN m.measure = 'REFUSED' OR m.refused = 'yes' OR m.date_from IS NULL
             THEN COALESCE(m.date_from, date(m.created_at, 'unixepoch', '+7 hours')) ELSE :to END)
        || '-01-01', 1, 10) >= :from;

CREATE TEMP TABLE line AS
SELECT code, label, CASE code WHEN 'REFUSED' THEN 4000000 ELSE rank END AS rank, code = 'REFUSED' AS total
FROM code WHERE list = 'protect_measure'
UNION ALL SELECT measure, measure, 1000000, 0 FROM used
WHERE measure <> '' AND measure NOT IN (SELECT code FROM code WHERE list = 'protect_measure')
GROUP BY measure
UNION ALL SELECT '', label, 2000000, 0 FROM code
WHERE list = 'report' AND code = 'none' AND EXISTS (SELECT 1 FROM used WHERE measure = '')
UNION ALL SELECT NULL, label, 3000000, 1 FROM code WHERE list = 'report' AND code = 'total';

--: block: Biện pháp bảo vệ | Measures
SELECT label, COUNT(used.id),
       COUNT(DISTINCT CASE WHEN for_whom = 'VICTIM' THEN person END),
       COUNT(DISTINCT CASE WHEN for_whom = 'RELATIVE' THEN person END),
       COUNT(DISTINCT CASE WHEN for_whom = 'ACCOMP_U18' THEN person END),
       COALESCE(SUM(danger), 0), COALESCE(SUM(reported), 0), total
FROM line LEFT JOIN used ON used.measure = line.code OR (line.code IS NULL AND used.measure <> 'REFUSED')
GROUP BY line.rank, line.code, label, total ORDER BY line.rank, line.code;
