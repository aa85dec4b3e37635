-- B17: difficulties, proposals, and what is told in words.

--: title: B17. Khó khăn, vướng mắc, kiến nghị | B17. Difficulties and proposals
--: forms: issue awareness_session policy_note award disclosure survey
--: column: text | Ngày | Date
--: column: text | Đơn vị | Unit
--: column: text | Nội dung | Text
--: column: text | Nguyên nhân, căn cứ | Cause, grounds
--: column: text | Kiến nghị, kết quả | Proposal, result
--: column: text | Nơi nhận kiến nghị | Addressee
--: column: text | Tình trạng | State
--: withheld: 1 2 3 4 5
--: note: Khó khăn phát sinh trong kỳ, hoặc phát sinh trước kỳ mà chưa giải quyết khi bắt đầu kỳ. | Difficulties of the period, and earlier ones that were not settled when it began.
--: note: Không ghi tên hoặc thông tin có thể làm lộ danh tính nạn nhân. | No names of victims, nothing that identifies them.

--: prepare
CREATE TEMP TABLE place AS
SELECT code, full_name FROM unit;

--: block: Khó khăn, vướng mắc | Difficulties
SELECT strftime('%d/%m/%Y', substr(i.date || '-01-01', 1, 10)), COALESCE(i.org, p.full_name, i.unit),
       COALESCE(a.label || ': ', '') || i.description, i.cause,
       NULLIF(COALESCE(i.proposal, '') || COALESCE(CASE WHEN i.proposal IS NOT NULL THEN char(10) ELSE '' END || i.resolution, ''), ''),
       i.addressee, COALESCE(s.label, i.status), 0
FROM form_issue AS i LEFT JOIN place AS p ON p.code = i.unit
LEFT JOIN code AS a ON a.list = 'issue_area' AND a.code = i.issue_area
LEFT JOIN code AS s ON s.list = 'issue_status' AND s.code = COALESCE(i.status, 'OPEN')
WHERE i.alive AND i.unit IN (SELECT code FROM scope)
  AND substr(i.date || '-01-01', 1, 10) <= :to
  AND (substr(i.date || '-01-01', 1, 10) >= :from OR COALESCE(i.status, 'OPEN') <> 'SOLVED'
       OR substr(i.solved_at || '-01-01', 1, 10) >= :from)
ORDER BY i.date, i.id;

--: block: Khó khăn ghi tại các cuộc truyền thông | Difficulties of awareness work
SELECT strftime('%d/%m/%Y', substr(s.date_start || '-01-01', 1, 10)), COALESCE(p.full_name, s.unit), s.difficulties,
       NULL, s.result_evaluation, NULL, NULL, 0
FROM form_awareness_session AS s LEFT JOIN place AS p ON p.code = s.unit
WHERE s.alive AND s.difficulties IS NOT NULL AND s.unit IN (SELECT code FROM scope)
  AND COALESCE(s.status, 'HELD') = 'HELD'
  AND substr(s.date_start || '-01-01', 1, 10) BETWEEN :from AND :to
ORDER BY s.date_start, s.id;

--: block: Rà soát, góp ý, kiến nghị về văn bản pháp luật | Proposals on legal texts
SELECT strftime('%d/%m/%Y', substr(n.date || '-01-01', 1, 10)), COALESCE(n.org, p.full_name, n.unit),
       COALESCE(k.label || ': ', '') || COALESCE(n.text_reviewed, ''),
       NULLIF(COALESCE(l.label, n.law_ref, '') || COALESCE(char(10) || n.problem, ''), ''), n.proposal,
       n.addressee, COALESCE(n.outcome, n.doc_no), 0
FROM form_policy_note AS n LEFT JOIN place AS p ON p.code = n.unit
LEFT JOIN code AS k ON k.list = 'note_kind' AND k.code = n.note_kind
LEFT JOIN code AS l ON l.list = 'law_ref' AND l.code = n.law_ref
WHERE n.alive AND n.unit IN (SELECT code FROM scope)
  AND substr(n.date || '-01-01', 1, 10) BETWEEN :from AND :to
ORDER BY n.date, n.id;

--: block: Kết quả sơ kết, tổng kết, đánh giá | Reviews and evaluations
SELECT strftime('%d/%m/%Y', day), COALESCE(p.full_name, unit), text, NULL, result, NULL, NULL, 0
FROM (SELECT substr(date || '-01-01', 1, 10) AS day, unit, COALESCE(findings, org) AS text, proposal AS result, id
      FROM form_survey WHERE alive AND subject = 'RESULT'
      UNION ALL
      SELECT substr(date_start || '-01-01', 1, 10), unit, title, result_evaluation, id
      FROM form_awareness_session
      WHERE alive AND kind = 'REVIEW' AND COALESCE(status, 'HELD') = 'HELD')
LEFT JOIN place AS p ON p.code = unit
WHERE unit IN (SELECT code FROM scope) AND day BETWEEN :from AND :to
ORDER BY day, id;

--: block: Biểu dương, khen thưởng | Commendations
SELECT strftime('%d/%m/%Y', substr(a.date || '-01-01', 1, 10)), COALESCE(a.org, p.full_name, a.unit),
       COALESCE(t.label || ': ', '') || COALESCE(a.recipient, ''), a.decision_no, a.level, NULL, NULL, 0
FROM form_award AS a LEFT JOIN place AS p ON p.code = a.unit
LEFT JOIN code AS t ON t.list = 'award_to' AND t.code = a.to_kind
WHERE a.alive AND a.unit IN (SELECT code FROM scope)
  AND substr(a.date || '-01-01', 1, 10) BETWEEN :from AND :to
ORDER BY a.date, a.id;

--: block: Công khai doanh nghiệp đưa người lao động đi làm việc ở nước ngoài và các loại phí | Publication of licensed firms and fees
SELECT strftime('%d/%m/%Y', substr(d.published_at || '-01-01', 1, 10)), COALESCE(d.org, p.full_name, d.unit),
       COALESCE(w.label, d.where_kind, '') || COALESCE(': ' || d.where_text, ''),
       CAST(d.firms_count AS TEXT), y.label, NULL, NULL, 0
FROM form_disclosure AS d LEFT JOIN place AS p ON p.code = d.unit
LEFT JOIN code AS w ON w.list = 'publish_where' AND w.code = d.where_kind
LEFT JOIN code AS y ON y.list = 'yes_no' AND y.code = d.fees_included
WHERE d.alive AND d.unit IN (SELECT code FROM scope)
  AND substr(d.published_at || '-01-01', 1, 10) BETWEEN :from AND :to
ORDER BY d.published_at, d.id;
