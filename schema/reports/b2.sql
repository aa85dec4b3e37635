-- B2: verification and identification.

--: title: B2. Xác minh, xác định nạn nhân | B2. Verification and identification
--: forms: case person referral case_event nationality_check
--: parts: cases
--: column: text | Nội dung | Item
--: column: persons | Tổng số | Total
--: column: persons | Nam | Male
--: column: persons | Nữ | Female
--: column: persons | Dưới 18 tuổi | Under 18
--: columns: 2 >= 3 4
--: columns: 2 >= 5
--: rows: 1.t <= 1
--: rows: 3.t = 3 | 2
--: withheld: 2
--: note: Tình trạng xác định là tình trạng đang ghi trong hồ sơ tiếp nhận trong kỳ; kết quả của văn bản ban hành trong kỳ được tính riêng, kể cả hồ sơ tiếp nhận từ kỳ trước. | The state is that of cases received in the period; results dated in the period stand apart and may be of earlier cases.
--: note: Số ngày trung vị tính từ ngày tiếp nhận đến ngày của văn bản xác định. | Median days run from reception to the date of the document.
--: word: opened | Hồ sơ tiếp nhận trong kỳ (người) | Received in the period (persons)
--: word: PENDING | Trong đó: đang xác minh | Of them: being verified
--: word: NONE | Trong đó: chưa bắt đầu xác minh | Of them: verification not begun
--: word: VICTIM | Trong đó: là nạn nhân | Of them: victims
--: word: NOT_VICTIM | Trong đó: không phải nạn nhân | Of them: not victims
--: word: UNDETERMINED | Trong đó: chưa đủ căn cứ xác định | Of them: undetermined
--: word: WITHDRAWN | Trong đó: người đề nghị rút yêu cầu | Of them: request withdrawn
--: word: is_victim | Được xác định là nạn nhân trong kỳ (người) | Identified as victims in the period (persons)
--: word: is_not | Được xác định không phải nạn nhân trong kỳ (người) | Found not to be victims in the period (persons)
--: word: certified | Được cấp giấy xác nhận nạn nhân trong kỳ (người) | Certified in the period (persons)
--: word: S04_INITVER | Được xác minh thông tin ban đầu trong kỳ (người) | Initially verified in the period (persons)
--: word: DOSSIER | Được lập hồ sơ quản lý trong kỳ (người) | Put on file in the period (persons)
--: word: NOTIFY | Đã thông báo cho cơ quan đầu mối trong kỳ (người) | Notified to the focal agency (persons)
--: word: days | Số ngày trung vị để xác định | Median days to identification
--: word: asked | Đề nghị xác minh quốc tịch trong kỳ | Nationality checks asked in the period
--: word: nat_VN | Trong đó: có quốc tịch Việt Nam | Of them: nationality of Viet Nam confirmed
--: word: nat_NOT_VN | Trong đó: không có quốc tịch Việt Nam | Of them: not confirmed
--: word: nat_UNKNOWN | Trong đó: chưa xác định được | Of them: could not be established
--: word: nat_PENDING | Trong đó: đang xác minh | Of them: pending

--: prepare
CREATE TEMP TABLE fact(rank INTEGER, word TEXT, person, sex TEXT, age INTEGER);
INSERT INTO fact SELECT 1, 'opened', person, sex, age FROM received
WHERE in_scope AND is_first AND recv_day BETWEEN :from AND :to;
INSERT INTO fact SELECT 2, COALESCE(ident_result, 'NONE'), person, sex, age FROM received
WHERE in_scope AND is_first AND recv_day BETWEEN :from AND :to;
INSERT INTO fact SELECT 3, CASE ident_result WHEN 'VICTIM' THEN 'is_victim' ELSE 'is_not' END, person, sex, age
FROM received WHERE in_scope AND ident_result IN ('VICTIM', 'NOT_VICTIM')
  AND ident_day BETWEEN :from AND :to;
INSERT INTO fact SELECT 4, 'certified', person, sex, age FROM received
WHERE in_scope AND cert_no IS NOT NULL AND COALESCE(cert_day, ident_day) BETWEEN :from AND :to;

-- A step that was written by mistake is replaced by the one that voids it.
INSERT INTO fact SELECT 5, e.event, r.person, r.sex, r.age
FROM form_case_event AS e JOIN received AS r ON r.id = e.case_id
WHERE e.alive AND e.continues IS NULL AND e.event IN ('S04_INITVER', 'DOSSIER', 'NOTIFY')
  AND e.unit IN (SELECT code FROM scope) AND substr(e.at || '-01-01', 1, 10) BETWEEN :from AND :to
  AND e.id NOT IN (SELECT voids FROM form_case_event WHERE alive AND voids IS NOT NULL);

CREATE TEMP TABLE line(rank INTEGER, word TEXT);
INSERT INTO line VALUES (1, 'opened'), (2, 'NONE'), (2, 'PENDING'), (2, 'VICTIM'), (2, 'NOT_VICTIM'),
  (2, 'UNDETERMINED'), (2, 'WITHDRAWN'), (3, 'is_victim'), (3, 'is_not'), (4, 'certified'), (5, 'S04_INITVER'), (5, 'DOSSIER'), (5, 'NOTIFY');

-- The days of what was decided in the period, in order, for the one or two in the middle.
CREATE TEMP TABLE took AS
SELECT days, ROW_NUMBER() OVER (ORDER BY days) AS n, COUNT(*) OVER () AS total
FROM (SELECT MIN(julianday(ident_day) - julianday(recv_day)) AS days FROM received
      WHERE in_scope AND ident_result IN ('VICTIM', 'NOT_VICTIM')
        AND ident_day BETWEEN :from AND :to AND ident_day >= recv_day
      GROUP BY person);

CREATE TEMP TABLE nationality AS
SELECT COALESCE(n.result, 'PENDING') AS result
FROM form_nationality_check AS n
WHERE n.alive AND n.continues IS NULL AND n.unit IN (SELECT code FROM scope)
  AND substr(n.requested_at || '-01-01', 1, 10) BETWEEN :from AND :to;

--: block: Xác minh, xác định nạn nhân | Verification and identification
SELECT label, COUNT(DISTINCT person), COUNT(DISTINCT CASE WHEN sex = 'M' THEN person END),
       COUNT(DISTINCT CASE WHEN sex = 'F' THEN person END),
       COUNT(DISTINCT CASE WHEN age < 18 THEN person END), line.rank <> 2
FROM line JOIN code ON code.list = 'report' AND code.code = line.word
LEFT JOIN fact ON fact.rank = line.rank AND fact.word = line.word
GROUP BY code.rank ORDER BY line.rank, code.rank;

--: block: Thời gian xác định | Time to identification
SELECT label, (SELECT CAST(round(avg(days)) AS INTEGER) FROM took
               WHERE n IN ((total + 1) / 2, (total + 2) / 2)), NULL, NULL, NULL, 0
FROM code WHERE list = 'report' AND code = 'days';

--: block: Xác minh quốc tịch | Nationality checks
SELECT label, COUNT(nationality.result), NULL, NULL, NULL, code = 'asked'
FROM code LEFT JOIN nationality ON code = 'asked' OR code = 'nat_' || result
WHERE list = 'report' AND code IN ('asked', 'nat_VN', 'nat_NOT_VN', 'nat_UNKNOWN', 'nat_PENDING')
GROUP BY rank ORDER BY rank;
