-- B11: training of staff, exchange of experience, communicators.

--: title: B11. Tập huấn, bồi dưỡng | B11. Training
--: forms: training training_trainee staff plan
--: parts: plan_year
--: column: text | Nội dung | Item
--: column: count | Số lớp | Courses
--: column: count | Lượt học viên | Trainees
--: column: count | Nam | Male
--: column: count | Nữ | Female
--: column: count | Đã hoàn thành | Completed
--: column: count | Cấp tỉnh | Province
--: column: count | Cấp huyện | District
--: column: count | Cấp xã | Commune
--: column: count | Cơ sở | Facility
--: column: money | Kinh phí (đồng) | Cost (VND)
--: note: Chỉ tính lớp đã tổ chức; lớp không ghi tình trạng coi như đã tổ chức. | Courses that were held; one without a status counts as held.
--: note: Lượt học viên gồm người có tên trong danh sách và số người khác không ghi tên (học sinh, người dân). | Trainees are those on the list and others without names (pupils, residents).
--: note: Cán bộ là người đang làm việc vào ngày cuối kỳ, kể cả người không dùng phần mềm. Đã tập huấn tính từ đầu năm kế hoạch. | Staff are those active on the last day, with or without a device; trained since the plan year began.
--: word: total | Tổng số | Total
--: word: none | Không ghi | Not stated
--: word: others | Người khác, không ghi tên | Others, without names
--: word: ctv | Cộng tác viên, tuyên truyền viên đang hoạt động | Communicators active
--: word: ctv_new | Trong đó: mới trong kỳ | Of them: new in the period
--: word: staff | Cán bộ làm công tác hỗ trợ nạn nhân | Staff who support victims
--: word: staff_trained | Trong đó: đã hoàn thành tập huấn trong năm | Of them: completed a training this year
--: word: staff_joined | Trong đó: đã dự hội thảo, trao đổi kinh nghiệm trong năm | Of them: joined an exchange this year

--: prepare
CREATE TEMP TABLE course AS
SELECT id, COALESCE(course_kind, '') AS kind, substr(date_start || '-01-01', 1, 10) AS day,
       COALESCE(others_m, 0) AS others_m, COALESCE(others_f, 0) AS others_f, budget_vnd
FROM form_training
WHERE alive AND unit IN (SELECT code FROM scope) AND COALESCE(status, 'HELD') = 'HELD'
  AND substr(date_start || '-01-01', 1, 10) BETWEEN :from AND :to;

CREATE TEMP TABLE trainee AS
SELECT t.id, t.training_id, COALESCE(t.train_group, '') AS grp, t.train_level AS level,
       COALESCE(t.sex, s.sex, 'U') AS sex, COALESCE(t.completed = 'yes', 0) AS completed
FROM form_training_trainee AS t LEFT JOIN form_staff AS s ON s.id = t.staff_id
WHERE t.alive AND t.training_id IN (SELECT id FROM course);

-- One row a course, so that a course's own figures are not multiplied by its trainees.
CREATE TEMP TABLE attended AS
SELECT training_id AS id, COUNT(*) AS n, SUM(sex = 'M') AS male, SUM(sex = 'F') AS female,
       SUM(completed) AS completed, SUM(COALESCE(level = 'PROV', 0)) AS prov,
       SUM(COALESCE(level = 'DIST', 0)) AS dist, SUM(COALESCE(level = 'COMM', 0)) AS comm,
       SUM(COALESCE(level = 'FACILITY', 0)) AS facility
FROM trainee GROUP BY training_id;

CREATE TEMP TABLE tag AS
SELECT 'course_kind' AS list, id, kind AS code FROM course
UNION ALL SELECT 'total', id, 'total' FROM course
UNION ALL SELECT 'train_topic', id, value FROM form_training__topics
          WHERE NOT voided AND id IN (SELECT id FROM course) GROUP BY id, value;

CREATE TEMP TABLE tally AS
SELECT list, code, COUNT(*) AS courses, SUM(COALESCE(n, 0) + others_m + others_f) AS people,
       SUM(COALESCE(male, 0) + others_m) AS male, SUM(COALESCE(female, 0) + others_f) AS female,
       SUM(completed) AS completed, SUM(prov) AS prov, SUM(dist) AS dist, SUM(comm) AS comm,
       SUM(facility) AS facility, SUM(budget_vnd) AS cost
FROM tag JOIN course USING (id) LEFT JOIN attended USING (id) GROUP BY list, code;

CREATE TEMP TABLE active AS
SELECT s.id, COALESCE(s.sex, 'U') AS sex, s.role = 'CTV' AS ctv,
       COALESCE(s.role_victim_support = 'yes', 0) AS supports,
       substr(s.active_from || '-01-01', 1, 10) >= :from AS is_new,
       EXISTS (SELECT 1 FROM form_training_trainee AS t JOIN form_training AS c ON c.id = t.training_id
               WHERE t.staff_id = s.id AND t.alive AND c.alive AND t.completed = 'yes'
                 AND COALESCE(c.course_kind, 'TRAIN') = 'TRAIN' AND COALESCE(c.status, 'HELD') = 'HELD'
                 AND substr(c.date_start || '-01-01', 1, 10) BETWEEN
                     (SELECT year_from FROM period WHERE k = 0) AND :to)
         AS trained,
       EXISTS (SELECT 1 FROM form_training_trainee AS t JOIN form_training AS c ON c.id = t.training_id
               WHERE t.staff_id = s.id AND t.alive AND c.alive AND c.course_kind = 'EXCHANGE'
                 AND COALESCE(c.status, 'HELD') = 'HELD' AND COALESCE(t.completed, 'yes') = 'yes'
                 AND substr(c.date_start || '-01-01', 1, 10) BETWEEN
                     (SELECT year_from FROM period WHERE k = 0) AND :to)
         AS joined
FROM form_staff AS s
WHERE s.alive AND s.unit IN (SELECT code FROM scope)
  AND substr(COALESCE(s.active_from, '1900') || '-01-01', 1, 10) <= :to
  AND COALESCE(substr(s.active_to || '-01-01', 1, 10), :to) >= :to;

--: block: Theo loại lớp | By kind of course
WITH line AS (
  SELECT 'course_kind' AS list, code, label, rank, 0 AS total FROM code WHERE list = 'course_kind'
  UNION ALL SELECT 'course_kind', '', label, 2000000, 0 FROM code
  WHERE list = 'report' AND code = 'none'
    AND EXISTS (SELECT 1 FROM tally WHERE list = 'course_kind' AND code = '')
  UNION ALL SELECT 'total', code, label, 3000000, 1 FROM code WHERE list = 'report' AND code = 'total')
SELECT label, COALESCE(courses, 0), COALESCE(people, 0), COALESCE(male, 0), COALESCE(female, 0),
       COALESCE(completed, 0), COALESCE(prov, 0), COALESCE(dist, 0), COALESCE(comm, 0),
       COALESCE(facility, 0), COALESCE(cost, 0), total
FROM line LEFT JOIN tally USING (list, code) ORDER BY line.rank;

--: block: Theo nhóm học viên | By group of trainees
SELECT COALESCE(code.label, NULLIF(t.grp, ''), none.label), COUNT(DISTINCT t.training_id), COUNT(*),
       SUM(t.sex = 'M'), SUM(t.sex = 'F'), SUM(t.completed), SUM(COALESCE(t.level = 'PROV', 0)),
       SUM(COALESCE(t.level = 'DIST', 0)), SUM(COALESCE(t.level = 'COMM', 0)),
       SUM(COALESCE(t.level = 'FACILITY', 0)), NULL, 0
FROM trainee AS t LEFT JOIN code ON code.list = 'train_group' AND code.code = t.grp
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
GROUP BY t.grp
UNION ALL
SELECT * FROM (
  SELECT label, COUNT(*), SUM(others_m + others_f), SUM(others_m), SUM(others_f), NULL, NULL, NULL, NULL,
         NULL, NULL, 0
  FROM course JOIN code ON code.list = 'report' AND code.code = 'others'
  WHERE others_m + others_f > 0 GROUP BY label);

--: block: Theo nội dung | By topic
SELECT COALESCE(code.label, tally.code), courses, people, male, female, completed, prov, dist, comm,
       facility, cost, 0
FROM tally LEFT JOIN code USING (list, code)
WHERE tally.list = 'train_topic' ORDER BY code.rank IS NULL, code.rank, tally.code;

--: block: Đội ngũ cán bộ, cộng tác viên | Staff and communicators
SELECT label, NULL, COUNT(active.id), COALESCE(SUM(sex = 'M'), 0), COALESCE(SUM(sex = 'F'), 0),
       NULL, NULL, NULL, NULL, NULL, NULL, 0
FROM code LEFT JOIN active ON CASE code.code
       WHEN 'ctv' THEN ctv WHEN 'ctv_new' THEN ctv AND is_new WHEN 'staff' THEN supports
       WHEN 'staff_trained' THEN supports AND trained WHEN 'staff_joined' THEN supports AND joined END
WHERE code.list = 'report' AND code.code IN ('ctv', 'ctv_new', 'staff', 'staff_trained', 'staff_joined')
GROUP BY rank ORDER BY rank;
