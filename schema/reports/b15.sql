-- B15: money and other means.

--: title: B15. Kinh phí, nguồn lực | B15. Money and resources
--: forms: budget_line resource
--: column: text | Nguồn | Source
--: column: text | Mục chi, loại nguồn lực | Use, kind
--: column: count | Số khoản | Items
--: column: money | Dự toán (đồng) | Estimated (VND)
--: column: money | Được giao, phân bổ (đồng) | Allocated (VND)
--: column: money | Đã chi, giá trị (đồng) | Spent, value (VND)
--: note: Kinh phí tính theo năm ngân sách của kỳ báo cáo; nguồn lực huy động tính theo ngày. | Budget lines are of the year of the period; resources of their day.
--: word: total | Tổng số | Total
--: word: none | Không ghi | Not stated
--: word: all | Cộng | Sum

--: prepare
CREATE TEMP TABLE line AS
SELECT COALESCE(fund_source, '') AS source, COALESCE(budget_use, '') AS used,
       estimated_vnd, allocated_vnd, spent_vnd
FROM form_budget_line
WHERE alive AND unit IN (SELECT code FROM scope)
  AND year BETWEEN CAST(substr(:from, 1, 4) AS INTEGER) AND CAST(substr(:to, 1, 4) AS INTEGER);
CREATE TEMP TABLE given AS
SELECT COALESCE(donor_kind, '') AS donor, COALESCE(resource_kind, '') AS kind, value_vnd
FROM form_resource
WHERE alive AND unit IN (SELECT code FROM scope)
  AND substr(date || '-01-01', 1, 10) BETWEEN :from AND :to;

--: block: Kinh phí theo nguồn và mục chi | Budget by source and use
SELECT COALESCE(s.label, NULLIF(g.source, ''), CASE WHEN g.source = '' THEN none.label ELSE sum.label END),
       CASE WHEN g.level = 0 THEN COALESCE(u.label, NULLIF(g.used, ''), none.label)
            WHEN g.level = 1 THEN part.label END,
       n, estimated, allocated, spent, g.level > 0
FROM (SELECT 0 AS level, source, used, COUNT(*) AS n, COALESCE(SUM(estimated_vnd), 0) AS estimated,
             COALESCE(SUM(allocated_vnd), 0) AS allocated, COALESCE(SUM(spent_vnd), 0) AS spent
      FROM line GROUP BY source, used
      UNION ALL
      SELECT 1, source, NULL, COUNT(*), COALESCE(SUM(estimated_vnd), 0), COALESCE(SUM(allocated_vnd), 0),
             COALESCE(SUM(spent_vnd), 0) FROM line GROUP BY source
      UNION ALL
      SELECT 2, NULL, NULL, COUNT(*), COALESCE(SUM(estimated_vnd), 0), COALESCE(SUM(allocated_vnd), 0),
             COALESCE(SUM(spent_vnd), 0) FROM line) AS g
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
JOIN code AS sum ON sum.list = 'report' AND sum.code = 'total'
JOIN code AS part ON part.list = 'report' AND part.code = 'all'
LEFT JOIN code AS s ON s.list = 'fund_source' AND s.code = g.source
LEFT JOIN code AS u ON u.list = 'budget_use' AND u.code = g.used
ORDER BY g.level = 2, s.rank IS NULL, s.rank, g.source, g.level, u.rank IS NULL, u.rank, g.used;

--: block: Nguồn lực huy động | Resources mobilised
SELECT COALESCE(d.label, NULLIF(g.donor, ''), CASE WHEN g.donor = '' THEN none.label ELSE sum.label END),
       CASE WHEN g.level = 0 THEN COALESCE(k.label, NULLIF(g.kind, ''), none.label) END,
       n, NULL, NULL, value, g.level > 0
FROM (SELECT 0 AS level, donor, kind, COUNT(*) AS n, COALESCE(SUM(value_vnd), 0) AS value
      FROM given GROUP BY donor, kind
      UNION ALL SELECT 2, NULL, NULL, COUNT(*), COALESCE(SUM(value_vnd), 0) FROM given) AS g
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
JOIN code AS sum ON sum.list = 'report' AND sum.code = 'total'
LEFT JOIN code AS d ON d.list = 'donor_kind' AND d.code = g.donor
LEFT JOIN code AS k ON k.list = 'resource_kind' AND k.code = g.kind
ORDER BY g.level, d.rank IS NULL, d.rank, g.donor, k.rank IS NULL, k.rank, g.kind;
