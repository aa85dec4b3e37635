-- B1: persons received, by how they came and who received them.

--: title: B1. Tiếp nhận nạn nhân, người nghi là nạn nhân | B1. Persons received
--: forms: case person referral relation
--: parts: cases
--: column: text | Nội dung | Item
--: column: persons | Tổng số người | Persons
--: column: persons | Nam | Male
--: column: persons | Nữ | Female
--: column: persons | Không rõ giới tính | Sex not known
--: column: persons | Dưới 16 tuổi | Under 16
--: column: persons | Từ 16 đến dưới 18 tuổi | 16 and 17
--: column: persons | Từ 18 tuổi trở lên | 18 and over
--: column: persons | Không rõ tuổi | Age not known
--: column: persons | Trong đó người nước ngoài | Of them foreigners
--: column: persons | Trong đó người dưới 18 tuổi đi cùng | Of them accompanying under 18
--: columns: 2 = 3 4 5
--: columns: 2 <= 6 7 8 9
--: columns: 2 >= 10
--: columns: 2 >= 11
--: rows: 1.t <= 1
--: rows: 1.t <= 2
--: withheld: 3
--: chart: 1 2
--: note: Một người được tiếp nhận nhiều lần trong kỳ được tính một lần ở mỗi dòng liên quan và một lần ở dòng tổng số. | A person received more than once in the period counts once in each row concerned, and once in the total.
--: note: Chỉ tính nơi tiếp nhận đầu tiên; hồ sơ do đơn vị khác chuyển đến xem bảng B5. | Counted where the person was received first; cases handed over by other units stand in B5.
--: note: Tuổi tính tại ngày tiếp nhận. | Ages are those on the day of reception.
--: word: total | Tổng số | Total
--: word: none | Không ghi | Not stated

--: prepare
CREATE TEMP TABLE came AS
SELECT *, is_accompanying OR EXISTS (
         SELECT 1 FROM form_relation AS r
         WHERE r.alive AND r.relation = 'ACCOMP_U18' AND r.person_b = received.person_id) AS with_other
FROM received WHERE in_scope AND is_first AND recv_day BETWEEN :from AND :to;

-- What each case is filed under: block, code.
CREATE TEMP TABLE tag AS
SELECT 'recv_channel' AS list, id, COALESCE(recv_channel, '') AS code FROM came
UNION ALL SELECT 'org_kind', id, COALESCE(recv_org_kind, '') FROM came
UNION ALL SELECT 'rescued', id, COALESCE(rescue_org_kind, '') FROM came
          WHERE recv_channel IN ('RESCUED_IN', 'RESCUED_ABROAD')
UNION ALL SELECT 'total', id, 'total' FROM came;

CREATE TEMP TABLE tally AS
SELECT list, code, COUNT(DISTINCT person) AS persons,
       COUNT(DISTINCT CASE WHEN sex = 'M' THEN person END) AS male,
       COUNT(DISTINCT CASE WHEN sex = 'F' THEN person END) AS female,
       COUNT(DISTINCT CASE WHEN sex = 'U' THEN person END) AS unknown,
       COUNT(DISTINCT CASE WHEN age < 16 THEN person END) AS under_16,
       COUNT(DISTINCT CASE WHEN age IN (16, 17) THEN person END) AS to_17,
       COUNT(DISTINCT CASE WHEN age >= 18 THEN person END) AS adult,
       COUNT(DISTINCT CASE WHEN age IS NULL THEN person END) AS ageless,
       COUNT(DISTINCT CASE WHEN is_foreign THEN person END) AS foreign_,
       COUNT(DISTINCT CASE WHEN with_other THEN person END) AS accompanying
FROM tag JOIN came USING (id) GROUP BY list, code;

--: block: Theo hình thức tiếp nhận | By how they came
WITH line AS (
  SELECT 'recv_channel' AS list, code, label, rank, 0 AS total FROM code WHERE list = 'recv_channel'
  UNION ALL SELECT list, code, code, 1000000, 0 FROM tally
  WHERE list = 'recv_channel' AND code <> ''
    AND code NOT IN (SELECT code FROM code WHERE list = 'recv_channel')
  UNION ALL SELECT 'recv_channel', '', label, 2000000, 0 FROM code
  WHERE list = 'report' AND code = 'none'
    AND EXISTS (SELECT 1 FROM tally WHERE list = 'recv_channel' AND code = '')
  UNION ALL SELECT 'total', code, label, 3000000, 1 FROM code WHERE list = 'report' AND code = 'total')
SELECT label, COALESCE(persons, 0), COALESCE(male, 0), COALESCE(female, 0), COALESCE(unknown, 0),
       COALESCE(under_16, 0), COALESCE(to_17, 0), COALESCE(adult, 0), COALESCE(ageless, 0),
       COALESCE(foreign_, 0), COALESCE(accompanying, 0), total
FROM line LEFT JOIN tally USING (list, code) ORDER BY line.rank, line.code;

--: block: Theo cơ quan tiếp nhận | By receiving agency
SELECT COALESCE(code.label, NULLIF(tally.code, ''), none.label), persons, male, female, unknown,
       under_16, to_17, adult, ageless, foreign_, accompanying, 0
FROM tally LEFT JOIN code USING (list, code)
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
WHERE tally.list = 'org_kind' ORDER BY code.rank IS NULL, code.rank, tally.code;

--: block: Người được giải cứu, theo cơ quan giải cứu | Rescued, by rescuing agency
SELECT COALESCE(code.label, NULLIF(tally.code, ''), none.label), persons, male, female, unknown,
       under_16, to_17, adult, ageless, foreign_, accompanying, 0
FROM tally LEFT JOIN code ON code.list = 'org_kind' AND code.code = tally.code
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
WHERE tally.list = 'rescued' ORDER BY code.rank IS NULL, code.rank, tally.code;
