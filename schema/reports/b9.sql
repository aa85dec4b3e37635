-- B9: hotlines and tips.

--: title: B9. Tổng đài, tin báo, tố giác | B9. Hotlines and tips
--: forms: tip tip_action
--: column: text | Nội dung | Item
--: column: persons | Tổng số tin | Tips
--: column: persons | Cung cấp thông tin | Information
--: column: persons | Tư vấn | Counselling
--: column: persons | Chuyển tuyến | Referral
--: column: persons | Tin về nạn nhân | About victims
--: column: persons | Tin về người nghi là nạn nhân | About suspected victims
--: column: persons | Đang xử lý | Pending
--: column: count | Số giờ trung vị đến xử lý đầu tiên | Median hours to the first action
--: columns: 2 = 3 4 5
--: columns: 2 >= 6 7
--: columns: 2 >= 8
--: rows: 1.t = 1
--: rows: 1.t = 2
--: follows: 9 2
--: withheld: 3
--: chart: 1 2
--: note: Tin nhận trong kỳ; tin trùng vẫn được tính là đã nhận. | Tips received in the period; duplicates were received, too.
--: note: Số giờ chỉ tính khi có ghi cả giờ nhận tin và giờ xử lý; nếu không thì tính theo ngày. | Hours where both times are on record, else whole days.
--: note: Tin do đơn vị khác chuyển đến được tính ở đơn vị đã nhận tin. | A tip that another unit passed on counts where it was received.
--: word: total | Tổng số | Total
--: word: none | Không ghi | Not stated

--: prepare
CREATE TEMP TABLE heard AS
SELECT t.id, COALESCE(t.channel, '') AS channel, COALESCE(t.outcome, 'PENDING') AS outcome,
       COALESCE(t.call_class, t.call_class_derived, 'INFO') AS class, t.victim_status,
       t.received_on AS day, t.received_time AS time
FROM form_tip AS t
WHERE t.alive AND t.continues IS NULL AND t.unit IN (SELECT code FROM scope)
  AND substr(t.received_on || '-01-01', 1, 10) BETWEEN :from AND :to;

CREATE TEMP TABLE answered AS
SELECT h.id, MIN(CASE WHEN h.time IS NULL OR a.time IS NULL
                      THEN 24 * (julianday(a.date) - julianday(h.day))
                      ELSE 24 * (julianday(a.date || ' ' || a.time) - julianday(h.day || ' ' || h.time))
                 END) AS hours
FROM heard AS h JOIN form_tip_action AS a ON a.tip_id = h.id AND a.alive
WHERE length(a.date) = 10 AND length(h.day) = 10 GROUP BY h.id;
DELETE FROM answered WHERE hours < 0;

CREATE TEMP TABLE tag AS
SELECT 'tip_channel' AS list, id, channel AS code FROM heard
UNION ALL SELECT 'tip_outcome', id, outcome FROM heard
UNION ALL SELECT 'total', id, 'total' FROM heard;

-- The one or two in the middle of each row's hours.
CREATE TEMP TABLE middle AS
SELECT list, code, avg(hours) AS hours
FROM (SELECT list, code, hours, ROW_NUMBER() OVER (PARTITION BY list, code ORDER BY hours) AS n,
             COUNT(*) OVER (PARTITION BY list, code) AS total
      FROM tag JOIN answered USING (id))
WHERE n IN ((total + 1) / 2, (total + 2) / 2) GROUP BY list, code;

CREATE TEMP TABLE tally AS
SELECT list, code, COUNT(*) AS tips, SUM(class = 'INFO') AS info, SUM(class = 'COUNSEL') AS counsel,
       SUM(class = 'REFER') AS refer, SUM(COALESCE(victim_status = 'VICTIM', 0)) AS victims,
       SUM(COALESCE(victim_status = 'SUSPECTED', 0)) AS suspected, SUM(outcome = 'PENDING') AS pending,
       CAST(round(hours) AS INTEGER) AS hours
FROM tag JOIN heard USING (id) LEFT JOIN middle USING (list, code) GROUP BY list, code;

--: block: Theo kênh tiếp nhận | By channel
WITH line AS (
  SELECT 'tip_channel' AS list, code, label, rank, 0 AS total FROM code WHERE list = 'tip_channel'
  UNION ALL SELECT list, code, code, 1000000, 0 FROM tally
  WHERE list = 'tip_channel' AND code <> '' AND code NOT IN (SELECT code FROM code WHERE list = 'tip_channel')
  UNION ALL SELECT 'tip_channel', '', label, 2000000, 0 FROM code
  WHERE list = 'report' AND code = 'none'
    AND EXISTS (SELECT 1 FROM tally WHERE list = 'tip_channel' AND code = '')
  UNION ALL SELECT 'total', code, label, 3000000, 1 FROM code WHERE list = 'report' AND code = 'total')
SELECT label, COALESCE(tips, 0), COALESCE(info, 0), COALESCE(counsel, 0), COALESCE(refer, 0),
       COALESCE(victims, 0), COALESCE(suspected, 0), COALESCE(pending, 0), hours, total
FROM line LEFT JOIN tally USING (list, code) ORDER BY line.rank, line.code;

--: block: Theo kết quả xử lý | By outcome
SELECT COALESCE(code.label, tally.code), tips, info, counsel, refer, victims, suspected, pending, hours, 0
FROM tally LEFT JOIN code USING (list, code)
WHERE tally.list = 'tip_outcome' ORDER BY code.rank IS NULL, code.rank, tally.code;

--: block: Theo kênh và kết quả | By channel and outcome
SELECT COALESCE(c.label, NULLIF(h.channel, ''), none.label) || ': ' || COALESCE(o.label, h.outcome),
       COUNT(*), SUM(class = 'INFO'), SUM(class = 'COUNSEL'), SUM(class = 'REFER'),
       SUM(COALESCE(victim_status = 'VICTIM', 0)), SUM(COALESCE(victim_status = 'SUSPECTED', 0)),
       SUM(outcome = 'PENDING'), NULL, 0
FROM heard AS h
LEFT JOIN code AS c ON c.list = 'tip_channel' AND c.code = h.channel
LEFT JOIN code AS o ON o.list = 'tip_outcome' AND o.code = h.outcome
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
GROUP BY h.channel, h.outcome ORDER BY c.rank IS NULL, c.rank, o.rank IS NULL, o.rank;
