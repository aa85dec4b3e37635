-- B4: what was done for victims, service by service.

--: title: B4. Hỗ trợ nạn nhân theo dịch vụ, chế độ | B4. Support to victims by service
--: forms: service_delivery case needs_assessment needs_item
--: column: text | Dịch vụ, chế độ | Service
--: column: persons | Số người có nhu cầu | Persons in need
--: column: persons | Số người được đề xuất | Persons offered
--: column: persons | Số người từ chối | Persons who declined
--: column: persons | Số người được hỗ trợ | Persons served
--: column: persons | Số lượt hỗ trợ | Times delivered
--: column: money | Số tiền (đồng) | Amount (VND)
--: columns: 3 >= 4
--: columns: 3 >= 5
--: columns: 6 >= 5
--: rows: 1.t <= 1 | 2 3 4 5
--: rows: 1.t = 1 | 6 7
--: rows: 2.t <= 2 | 2 3 4 5
--: rows: 2.t = 2 | 6 7
--: rows: 3.t <= 3 | 2 3 4 5
--: rows: 3.t = 3 | 6 7
--: blocks: 1 <= 2 3 | 2 3 4 5
--: blocks: 1 = 2 3 | 6 7
--: follows: 7 5 6
--: chart: 1 5
--: note: Một người nhận nhiều dịch vụ chỉ tính một lần ở dòng tổng số; không cộng số người giữa các dòng hoặc giữa các đơn vị. | A person with several services counts once in the total; do not add up persons over rows or units.
--: note: Số người được đề xuất gồm cả người đã từ chối hoặc đã được hỗ trợ; không gồm đề xuất đã hủy. | Persons offered include those who declined or were served; cancelled offers are left out.
--: note: “Hồ sơ mới trong kỳ” là hồ sơ tiếp nhận trong kỳ; một người có cả hồ sơ cũ và hồ sơ mới có mặt ở cả hai phần. | “New” are cases received in the period; a person with an old and a new case stands in both parts.
--: note: Số người có nhu cầu là người có nhu cầu về dịch vụ đó qua đánh giá trong kỳ. | Persons in need are those whose assessment in the period shows a need of that service.
--: word: total | Tổng số | Total
--: word: none | Không ghi dịch vụ | Service not stated

-- One row a line of service in the period: whose, and whether the case is new in it.
-- A case that has not come yet stands for its own person.  What another unit delivered before it
-- handed the case over is that unit's.
--: prepare
CREATE TEMP TABLE served AS
SELECT COALESCE(s.service, '') AS service, s.status, s.amount_vnd,
       COALESCE(p.cluster, c.person_id, -s.case_id, -s.id) AS person,
       COALESCE(substr(c.recv_date || '-01-01', 1, 10), :from) >= :from AS is_new
FROM form_service_delivery AS s
LEFT JOIN form_case AS c ON c.id = s.case_id
LEFT JOIN person_cluster AS p ON p.person = c.person_id
WHERE s.alive AND s.continues IS NULL AND COALESCE(c.alive, 1)
  AND s.unit IN (SELECT code FROM scope)
  AND substr(COALESCE(s.date_from, s.decided_at, s.requested_at,
        date(s.created_at, 'unixepoch', '+7 hours')) || '-01-01', 1, 10) BETWEEN :from AND :to;

-- Who needs what, by the assessments of the period.
CREATE TEMP TABLE needed AS
SELECT COALESCE(n.service, '') AS service,
       COALESCE(p.cluster, c.person_id, -a.case_id, -a.id) AS person,
       COALESCE(substr(c.recv_date || '-01-01', 1, 10), :from) >= :from AS is_new
FROM form_needs_item AS n
JOIN form_needs_assessment AS a ON a.id = n.assessment_id AND a.alive
LEFT JOIN form_case AS c ON c.id = a.case_id
LEFT JOIN person_cluster AS p ON p.person = c.person_id
WHERE n.alive AND a.continues IS NULL AND COALESCE(n.level, '1') <> '0' AND COALESCE(c.alive, 1)
  AND a.unit IN (SELECT code FROM scope)
  AND substr(a.date || '-01-01', 1, 10) BETWEEN :from AND :to;

-- The rows of the table: every service there is, what is not stated, and the total.
CREATE TEMP TABLE line AS
SELECT code AS service, label, rank, 0 AS total FROM code WHERE list = 'service'
UNION ALL
SELECT service, service, 1000000, 0 FROM (SELECT service FROM served UNION SELECT service FROM needed)
WHERE service <> '' AND service NOT IN (SELECT code FROM code WHERE list = 'service')
UNION ALL
SELECT '', label, 2000000, 0 FROM code
WHERE list = 'report' AND code = 'none' AND (EXISTS (SELECT 1 FROM served WHERE service = '') OR EXISTS (SELECT 1 FROM needed WHERE service = ''))
UNION ALL
SELECT NULL, label, 3000000, 1 FROM code WHERE list = 'report' AND code = 'total';

-- part: all, new (1), from before (0).
CREATE TEMP TABLE tally AS
SELECT part.name AS part, line.label, line.rank, line.total,
       (SELECT COUNT(DISTINCT n.person) FROM needed AS n
        WHERE (line.total OR n.service = line.service)
          AND (part.name = 'all' OR n.is_new = (part.name = 'new'))) AS needed,
       COUNT(DISTINCT CASE WHEN status <> 'CANCELLED' THEN person END) AS offered,
       COUNT(DISTINCT CASE WHEN status = 'DECLINED' THEN person END) AS declined,
       COUNT(DISTINCT CASE WHEN status = 'DELIVERED' THEN person END) AS persons,
       COUNT(CASE WHEN status = 'DELIVERED' THEN 1 END) AS times,
       COALESCE(SUM(CASE WHEN status = 'DELIVERED' THEN amount_vnd END), 0) AS amount
FROM (SELECT 'all' AS name UNION ALL SELECT 'new' UNION ALL SELECT 'before') AS part
CROSS JOIN line
LEFT JOIN served ON (line.total OR served.service = line.service)
                AND (part.name = 'all' OR served.is_new = (part.name = 'new'))
GROUP BY part.name, line.rank, line.label, line.total;

--: block: Tất cả hồ sơ | All cases
SELECT label, needed, offered, declined, persons, times, amount, total
FROM tally WHERE part = 'all' ORDER BY rank, label;

--: block: Hồ sơ mới trong kỳ | Cases received in the period
SELECT label, needed, offered, declined, persons, times, amount, total
FROM tally WHERE part = 'new' ORDER BY rank, label;

--: block: Hồ sơ từ các kỳ trước | Cases of earlier periods
SELECT label, needed, offered, declined, persons, times, amount, total
FROM tally WHERE part = 'before' ORDER BY rank, label;
