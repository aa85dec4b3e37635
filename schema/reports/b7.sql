-- B7: persons who left with whereabouts unknown, commune by commune.

--: title: B7. Người đi khỏi địa phương không rõ tung tích | B7. Persons who left with whereabouts unknown
--: forms: missing_person survey
--: column: text | Xã, phường, đặc khu | Commune
--: column: persons | Tổng số người | Persons
--: column: persons | Nam | Male
--: column: persons | Nữ | Female
--: column: persons | Dưới 18 tuổi | Under 18
--: column: persons | Nghi bị mua bán | Trafficking suspected
--: column: persons | Trong kỳ đã biết tin | Found in the period
--: column: text | Rà soát gần nhất | Last review
--: columns: 2 >= 3 4
--: columns: 2 >= 5
--: columns: 2 >= 6
--: columns: 2 >= 7
--: rows: 1.t = 1
--: note: Tổng số là người không rõ tung tích tại thời điểm nào đó trong kỳ: đi trước hoặc trong kỳ và chưa biết tin trước kỳ. | Persons missing at any time in the period: who left before or in it and were not found before it.
--: note: Xã, phường chưa rà soát trong kỳ để trống, không ghi số 0. | A commune that was not reviewed in the period shows nothing in place of 0.
--: note: Tuổi tính tại ngày cuối kỳ. | Ages are those on the last day of the period.
--: word: total | Tổng số | Total
--: word: other | Xã, phường ngoài danh bạ | Communes that the directory does not have
--: word: unreviewed | chưa rà soát trong kỳ | not reviewed in the period

--: prepare
CREATE TEMP TABLE gone AS
SELECT m.id, COALESCE((SELECT code FROM unit WHERE code = COALESCE(m.commune_code, m.unit)), '') AS commune, COALESCE(m.sex, 'U') AS sex,
       CASE WHEN m.birth_date IS NOT NULL
            THEN substr(:to, 1, 4) - substr(m.birth_date, 1, 4)
                 - (substr(:to, 6, length(m.birth_date) - 5) < substr(m.birth_date, 6))
            ELSE m.est_age + COALESCE(substr(:to, 1, 4) - substr(m.est_age_asof, 1, 4), 0) END AS age,
       COALESCE(m.suspect_trafficking = 'yes', 0) AS suspected,
       COALESCE(m.status, 'MISSING') NOT IN ('MISSING')
         AND substr(COALESCE(m.status_date, :to) || '-01-01', 1, 10) <= :to AS found
FROM form_missing_person AS m
WHERE m.alive AND m.continues IS NULL AND m.unit IN (SELECT code FROM scope)
  AND substr(COALESCE(m.left_date, date(m.created_at, 'unixepoch', '+7 hours')) || '-01-01', 1, 10) <= :to
  AND NOT (COALESCE(m.status, 'MISSING') <> 'MISSING'
           AND COALESCE(substr(m.status_date || '-01-01', 1, 10) < :from, 0));

CREATE TEMP TABLE review AS
SELECT COALESCE((SELECT code FROM unit WHERE code = COALESCE(commune_code, form_survey.unit)), '') AS commune, MAX(substr(date || '-01-01', 1, 10)) AS last
FROM form_survey
WHERE alive AND subject = 'MISSING' AND unit IN (SELECT code FROM scope)
  AND substr(date || '-01-01', 1, 10) <= :to
GROUP BY 1;

CREATE TEMP TABLE line AS
SELECT u.code AS commune, u.full_name AS label, 0 AS rank, 0 AS total FROM unit AS u
WHERE u.level = 'COMM' AND u.code IN (SELECT code FROM scope)
  AND COALESCE(u.valid_from, '') <= :to AND COALESCE(u.valid_to, :from) >= :from
UNION ALL
SELECT commune, COALESCE(u.full_name, other.label), 1, 0
FROM (SELECT commune FROM gone UNION SELECT commune FROM review) LEFT JOIN unit AS u ON u.code = commune
JOIN code AS other ON other.list = 'report' AND other.code = 'other'
WHERE commune NOT IN (SELECT code FROM unit WHERE level = 'COMM'
                        AND COALESCE(valid_from, '') <= :to AND COALESCE(valid_to, :from) >= :from)
UNION ALL
SELECT NULL, label, 2, 1 FROM code WHERE list = 'report' AND code = 'total';

-- Nothing was found only where somebody looked.
--: block: Theo xã, phường, đặc khu | By commune
SELECT line.label, CASE WHEN known THEN n END, CASE WHEN known THEN male END,
       CASE WHEN known THEN female END, CASE WHEN known THEN minor END,
       CASE WHEN known THEN suspected END, CASE WHEN known THEN found END,
       CASE WHEN line.total THEN NULL
            WHEN r.last >= :from THEN strftime('%d/%m/%Y', r.last)
            WHEN r.last IS NOT NULL THEN strftime('%d/%m/%Y', r.last) || ' (' || never.label || ')'
            ELSE never.label END, line.total
FROM (SELECT line.commune, line.label, line.rank, line.total,
             COUNT(gone.id) AS n, COALESCE(SUM(sex = 'M'), 0) AS male,
             COALESCE(SUM(sex = 'F'), 0) AS female, COALESCE(SUM(age < 18), 0) AS minor,
             COALESCE(SUM(suspected), 0) AS suspected, COALESCE(SUM(found), 0) AS found,
             line.total OR COUNT(gone.id) > 0
               OR EXISTS (SELECT 1 FROM review WHERE review.commune = line.commune AND last >= :from)
               AS known
      FROM line LEFT JOIN gone ON line.total OR gone.commune = line.commune
      GROUP BY line.rank, line.commune, line.label, line.total) AS line
LEFT JOIN review AS r ON r.commune = line.commune
JOIN code AS never ON never.list = 'report' AND never.code = 'unreviewed'
ORDER BY line.rank, line.commune;
