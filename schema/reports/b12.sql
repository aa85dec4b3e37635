-- B12: inspection and supervision.

--: title: B12. Kiểm tra, thanh tra, giám sát | B12. Inspection and supervision
--: forms: inspection
--: column: text | Nội dung kiểm tra | Subject
--: column: count | Số cuộc | Visits
--: column: count | Kiểm tra | Checks
--: column: count | Thanh tra | Inspections
--: column: count | Giám sát | Supervision
--: column: count | Tự kiểm tra | Self-inspections
--: column: count | Đoàn liên ngành | Joint teams
--: column: count | Số đơn vị, cơ sở được kiểm tra | Units inspected
--: column: count | Số vi phạm | Violations
--: column: count | Nhắc nhở, chấn chỉnh | Reminded
--: column: count | Xử phạt hành chính | Fined
--: column: count | Đình chỉ, thu hồi giấy phép | Suspended
--: column: count | Chuyển cơ quan điều tra | Passed to investigators
--: column: count | Đang xử lý | Pending
--: column: count | Hình thức khác | Otherwise
--: chart: 1 2
--: note: Một cuộc có nhiều nội dung được tính ở từng dòng, nhưng chỉ một lần ở dòng tổng số. | A visit of several subjects counts in each of their rows, and once in the total.
--: note: Số đơn vị để trống khi ghi chép được tính là 1. | A visit that does not say how many units counts as one.
--: word: total | Tổng số | Total
--: word: none | Không ghi nội dung | Subject not stated

--: prepare
CREATE TEMP TABLE visit AS
SELECT id, kind, COALESCE(units_count, 1) AS units, violations, handled
FROM form_inspection
WHERE alive AND unit IN (SELECT code FROM scope)
  AND substr(date || '-01-01', 1, 10) BETWEEN :from AND :to;
CREATE TEMP TABLE tag AS
SELECT id, value AS code, 0 AS total FROM form_inspection__subjects
WHERE NOT voided AND id IN (SELECT id FROM visit) GROUP BY id, value;
INSERT INTO tag SELECT id, '', 0 FROM visit WHERE id NOT IN (SELECT id FROM tag);
INSERT INTO tag SELECT id, 'total', 1 FROM visit;

--: block: Theo nội dung | By subject
WITH line AS (
  SELECT code, label, rank, 0 AS total FROM code WHERE list = 'insp_subject'
  UNION ALL SELECT code, code, 1000000, 0 FROM tag
  WHERE NOT total AND code <> '' AND code NOT IN (SELECT code FROM code WHERE list = 'insp_subject') GROUP BY code
  UNION ALL SELECT '', label, 2000000, 0 FROM code
  WHERE list = 'report' AND code = 'none' AND EXISTS (SELECT 1 FROM tag WHERE code = '')
  UNION ALL SELECT code, label, 3000000, 1 FROM code WHERE list = 'report' AND code = 'total')
SELECT label, COUNT(v.id), COALESCE(SUM(v.kind = 'CHECK'), 0), COALESCE(SUM(v.kind = 'THANHTRA'), 0),
       COALESCE(SUM(v.kind = 'MONITOR'), 0), COALESCE(SUM(v.kind = 'SELF'), 0),
       COALESCE(SUM(v.kind = 'JOINT'), 0), COALESCE(SUM(units), 0), COALESCE(SUM(violations), 0),
       COALESCE(SUM(handled = 'REMIND'), 0), COALESCE(SUM(handled = 'FINE'), 0),
       COALESCE(SUM(handled = 'SUSPEND'), 0), COALESCE(SUM(handled = 'TRANSFER'), 0),
       COALESCE(SUM(handled = 'PENDING'), 0), COALESCE(SUM(handled = 'OTHER'), 0), line.total
FROM line LEFT JOIN tag USING (code, total) LEFT JOIN visit AS v ON v.id = tag.id
GROUP BY line.rank, line.code, label, line.total ORDER BY line.rank, line.code;
