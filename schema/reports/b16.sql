-- B16: indicators of the plan (domain.md section 7.2): I1a and I3.

--: title: B16. Kết quả thực hiện chỉ tiêu | B16. Indicators
--: forms: case person service_delivery awareness_session referral
--: column: text | Mã | Code
--: column: text | Chỉ tiêu | Indicator
--: column: count | Tử số | Numerator
--: column: count | Mẫu số | Denominator
--: column: percent | Tỷ lệ (%) | Share (%)
--: column: percent | Chỉ tiêu giao (%) | Target (%)
--: column: text | Đánh giá | Met
--: note: I1a: mẫu số là người đã được xác định là nạn nhân tính đến cuối kỳ và có hồ sơ đang mở trong kỳ; tử số là người trong số đó đã được hỗ trợ ít nhất một dịch vụ tính đến cuối kỳ, hoặc được đề xuất hỗ trợ nhưng từ chối. | I1a: persons identified as victims by the end of the period whose case was open in it; served at least once by then, or offered support and declined.
--: note: I3: mẫu số là xã, phường, đặc khu có nguy cơ cao hoặc có nạn nhân cư trú; tử số là địa bàn trong số đó đã tổ chức ít nhất một hoạt động truyền thông trong kỳ. | I3: communes at high risk, or where a victim lives; with at least one awareness session in the period.
--: note: Mẫu số bằng 0 thì ghi “không phát sinh”. | A denominator of 0 reads “none arose”.
--: word: i1a | Nạn nhân được tiếp cận dịch vụ, hưởng chế độ hỗ trợ | Identified victims who reach services
--: word: i1a_declined | Trong đó: đã được đề xuất nhưng từ chối, chưa nhận dịch vụ nào | Of them: offered, declined, and not served
--: word: i3 | Địa bàn nguy cơ cao hoặc có nạn nhân cư trú được tổ chức truyền thông | Localities at high risk or with victims that held awareness work
--: word: none | không phát sinh | none arose
--: word: met | Đạt | Met
--: word: not_met | Chưa đạt | Not met

-- What the plan asks for, in percent.
--: prepare
CREATE TEMP TABLE target(indicator TEXT PRIMARY KEY, percent INTEGER);
INSERT INTO target VALUES ('I1a', 100), ('I3', 100);

-- Identified victims whose case was open in the period, here or elsewhere.  A file that
-- was closed as a duplicate stands in the other file; one that another unit handed over counts
-- when it was accepted.
CREATE TEMP TABLE victim AS
SELECT COALESCE(p.cluster, c.person_id, -c.id) AS person, c.person_id,
       c.unit AS unit, c.unit IN (SELECT code FROM scope) AS in_scope
FROM form_case AS c
LEFT JOIN person_cluster AS p ON p.person = c.person_id
WHERE c.alive AND c.ident_result = 'VICTIM'
  AND substr(COALESCE(c.ident_date, c.recv_date) || '-01-01', 1, 10) <= :to
  AND substr(c.recv_date || '-01-01', 1, 10) <= :to
  AND COALESCE(substr(c.closed_on || '-01-01', 1, 10), :from) >= :from
  AND COALESCE(c.close_reason, '') <> 'DUPLICATE'
  AND NOT EXISTS (SELECT 1 FROM form_referral AS r
                  WHERE r.alive AND r.case_id = c.id AND r.direction = 'IN'
                    AND COALESCE(r.outcome, '') NOT IN ('ACCEPTED', 'COMPLETED'));

-- What victims were given or declined by the end of the period, by whatever unit.
CREATE TEMP TABLE support AS
SELECT COALESCE(p.cluster, c.person_id, -c.id) AS person,
       MAX(s.status = 'DELIVERED') AS served, MAX(s.status = 'DECLINED') AS declined
FROM form_service_delivery AS s
JOIN form_case AS c ON c.id = s.case_id
LEFT JOIN person_cluster AS p ON p.person = c.person_id
WHERE s.alive AND c.alive AND s.status IN ('DELIVERED', 'DECLINED')
  AND substr(COALESCE(s.date_from, s.decided_at, s.requested_at,
        date(s.created_at, 'unixepoch', '+7 hours')) || '-01-01', 1, 10) <= :to
GROUP BY 1;

-- Communes in the scope that must hold awareness work, and whether they did.  A victim
-- lives where the person's record says, else in the commune that keeps it.
CREATE TEMP TABLE locality AS
SELECT u.code, u.full_name,
       EXISTS (SELECT 1 FROM form_awareness_session AS s
               WHERE s.alive AND COALESCE(s.commune_code, s.unit) = u.code
                 AND COALESCE(s.kind, 'COMM') = 'COMM' AND COALESCE(s.status, 'HELD') = 'HELD'
                 AND substr(s.date_start || '-01-01', 1, 10) BETWEEN :from AND :to) AS held
FROM unit AS u
WHERE u.level = 'COMM' AND u.code IN (SELECT code FROM scope)
  AND COALESCE(u.valid_from, '') <= :to AND COALESCE(u.valid_to, :from) >= :from
  AND (u.high_risk OR u.code IN (
    SELECT COALESCE(f.current_commune, f.registered_commune, f.unit, v.unit)
    FROM victim AS v LEFT JOIN form_person AS f ON f.id = v.person_id AND f.alive));

CREATE TEMP TABLE result(rank INTEGER, indicator TEXT, word TEXT, num INTEGER, den INTEGER);
INSERT INTO result
SELECT 1, 'I1a', 'i1a', COALESCE(SUM(served OR declined), 0), COUNT(*)
FROM (SELECT DISTINCT person FROM victim WHERE in_scope) LEFT JOIN support USING (person);
INSERT INTO result
SELECT 2, NULL, 'i1a_declined', COALESCE(SUM(declined AND NOT served), 0), NULL
FROM (SELECT DISTINCT person FROM victim WHERE in_scope) LEFT JOIN support USING (person);
INSERT INTO result
SELECT 3, 'I3', 'i3', COALESCE(SUM(held), 0), COUNT(*) FROM locality;

-- Shares are cut to one decimal, so that 100 is only what is complete.
--: block: Các chỉ tiêu | Indicators
SELECT indicator, name.label, num, den,
       CASE WHEN den = 0 THEN none.label ELSE (1000 * num / den) / 10.0 END,
       percent,
       CASE WHEN den > 0 THEN verdict.label END, 0
FROM result
JOIN code AS name ON name.list = 'report' AND name.code = result.word
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
LEFT JOIN target USING (indicator)
LEFT JOIN code AS verdict ON verdict.list = 'report'
      AND verdict.code = CASE WHEN 100 * num >= percent * den THEN 'met' ELSE 'not_met' END
ORDER BY result.rank;

--: block: I3: địa bàn chưa được tổ chức truyền thông | I3: localities without awareness work
SELECT code, full_name, NULL, NULL, NULL, NULL, NULL, 0
FROM locality WHERE NOT held ORDER BY code;
