-- B16: indicators of the plan (domain.md section 7.2), beside those of the same period a year before.

--: title: B16. Kết quả thực hiện chỉ tiêu | B16. Indicators
--: forms: case person referral service_delivery needs_assessment needs_item case_event lodging_stay awareness_session staff training training_trainee issued_document plan plan_target plan_task
--: parts: cases plan_year
--: column: text | Mã | Code
--: column: text | Chỉ tiêu | Indicator
--: column: persons | Tử số | Numerator
--: column: persons | Mẫu số | Denominator
--: column: percent | Tỷ lệ (%) | Share (%)
--: column: percent | Chỉ tiêu giao (%) | Target (%)
--: column: text | Đánh giá | Met
--: column: persons | Tử số cùng kỳ năm trước | Numerator a year before
--: column: persons | Mẫu số cùng kỳ năm trước | Denominator a year before
--: column: percent | Tỷ lệ cùng kỳ năm trước (%) | Share a year before (%)
--: columns: 4 >= 3
--: columns: 9 >= 8
--: rows: 1.1 >= 1.2 1.3 | 3 8
--: rows: 1.1 >= 1.3 | 4 9
--: follows: 5 3 4
--: follows: 7 3 4
--: follows: 10 8 9
--: withheld: 2
--: note: I1a: mẫu số là người đã được xác định là nạn nhân tính đến cuối kỳ và có hồ sơ đang mở trong kỳ; tử số là người trong số đó đã được hỗ trợ ít nhất một dịch vụ tính đến cuối kỳ, hoặc được đề xuất hỗ trợ nhưng từ chối. | I1a: persons identified as victims by the end of the period whose case was open in it; served at least once by then, or offered support and declined.
--: note: I1b: như I1a nhưng chỉ tính người có nhu cầu qua đánh giá và thuộc diện được hỗ trợ; không tính người đã từ chối mà chưa nhận dịch vụ nào. | I1b: as I1a, of those whose assessment shows a need and who are entitled; who declined and was not served is left out.
--: note: I2: người được tiếp nhận trong kỳ; tử số là người đã được hỗ trợ ban đầu hoặc cung cấp dịch vụ tính đến cuối kỳ. | I2: persons received in the period; helped at first or served by its end.
--: note: I3: mẫu số là xã, phường, đặc khu có nguy cơ cao hoặc có nạn nhân cư trú; tử số là địa bàn trong số đó đã tổ chức ít nhất một hoạt động truyền thông trong kỳ. | I3: communes at high risk, or where a victim lives; with at least one awareness session in the period.
--: note: I4, I6: cán bộ hỗ trợ nạn nhân đang làm việc vào ngày cuối kỳ; đã hoàn thành ít nhất một lớp tập huấn (I4), đã dự ít nhất một hội thảo, trao đổi kinh nghiệm (I6) từ đầu năm kế hoạch. | I4, I6: victim-support staff active on the last day; with a training completed (I4), with an exchange joined (I6) since the plan year began.
--: note: I5a, I7: đơn vị đã ban hành kế hoạch thực hiện trong năm kế hoạch; I7 tính các đơn vị mà kế hoạch yêu cầu, I5a chỉ tính kế hoạch có nội dung được chấp nhận. I5b: xã, phường, đặc khu mà mọi chỉ tiêu I1a, I3, I4 được giao và có phát sinh đều đạt. | I5a, I7: units that issued their own plan in the plan year; I7 of those that the plan asks to, for I5a with a content that was accepted. I5b: communes where each of I1a, I3, I4 that has a target and arises is met.
--: note: T1: tỷ lệ I1a của kỳ này và của cùng kỳ năm trước; cột tỷ lệ là số điểm phần trăm tăng, giảm. | T1: the share of I1a now and a year before; the share shown is their difference in points.
--: note: Mẫu số bằng 0 thì ghi “không phát sinh”. Chỉ tiêu giao lấy từ kế hoạch của năm; chưa nhập kế hoạch thì so với 100%. | A denominator of 0 reads “none arose”. Targets are those of the year's plan; without one, 100 %.
--: word: I1a | Nạn nhân được tiếp cận dịch vụ, hưởng chế độ hỗ trợ | Identified victims who reach services
--: word: I1a_declined | Trong đó: đã được đề xuất nhưng từ chối, chưa nhận dịch vụ nào | Of them: offered, declined, and not served
--: word: I1b | Nạn nhân có nhu cầu, đủ điều kiện được tiếp cận dịch vụ | Victims with need and entitled who reach services
--: word: I2 | Người bị mua bán được tiếp nhận, hỗ trợ | Trafficked persons received and supported
--: word: I3 | Địa bàn nguy cơ cao hoặc có nạn nhân cư trú được tổ chức truyền thông | Localities at high risk or with victims that held awareness work
--: word: I4 | Cán bộ làm công tác hỗ trợ nạn nhân được tập huấn | Victim-support staff trained
--: word: I5a | Xã, phường, đặc khu triển khai kế hoạch với nội dung phù hợp | Communes with a proper plan
--: word: I5b | Xã, phường, đặc khu đạt các chỉ tiêu | Communes that reach the targets
--: word: T1 | Tỷ lệ nạn nhân sử dụng dịch vụ so với cùng kỳ năm trước | Share of victims who use services, against a year before
--: word: I6 | Cán bộ tham gia hội thảo, trao đổi kinh nghiệm | Staff who join experience seminars
--: word: I7 | Đơn vị ban hành kế hoạch thực hiện | Units that issue their own plan
--: word: I8 | Tuyên truyền viên ở cơ sở (số người; số xã) | Communicators at the base (persons; communes)
--: word: R | Nạn nhân bị mua bán trở lại (số người) | Persons trafficked again
--: word: none | không phát sinh | none arose
--: word: met | Đạt | Met
--: word: not_met | Chưa đạt | Not met
--: word: not_issued | Chưa ban hành kế hoạch thực hiện | No plan of its own
--: word: not_accepted | Đã ban hành, chưa được chấp nhận nội dung | Issued, content not accepted yet

--: prepare
CREATE TEMP TABLE target(indicator TEXT PRIMARY KEY, percent REAL);
INSERT INTO target SELECT t.indicator, MAX(t.value)
FROM form_plan_target AS t JOIN in_force AS f ON f.id = t.plan_id AND f.k = 0
WHERE t.alive AND t.indicator IS NOT NULL AND t.value IS NOT NULL GROUP BY t.indicator;
INSERT OR IGNORE INTO target SELECT column1, 100
FROM (VALUES ('I1a'), ('I1b'), ('I2'), ('I3'), ('I4'), ('I5a'), ('I5b'), ('I7'))
WHERE NOT EXISTS (SELECT 1 FROM in_force WHERE k = 0);

-- Identified victims whose case was open in the period, here or elsewhere.
CREATE TEMP TABLE victim AS
SELECT k, person, id, person_id, unit, in_scope, COALESCE(class, '') AS class
FROM received JOIN period
WHERE ident_result = 'VICTIM' AND ident_day <= b AND recv_day <= b AND COALESCE(closed_day, a) >= a;

-- What persons were given or declined by the end of the period, by whatever unit.
CREATE TEMP TABLE support AS
SELECT k, r.person, MAX(s.status = 'DELIVERED') AS served, MAX(s.status = 'DECLINED') AS declined
FROM form_service_delivery AS s
JOIN received AS r ON r.id = s.case_id
JOIN period
WHERE s.alive AND s.status IN ('DELIVERED', 'DECLINED')
  AND substr(COALESCE(s.date_from, s.decided_at, s.requested_at,
        date(s.created_at, 'unixepoch', '+7 hours')) || '-01-01', 1, 10) <= b
GROUP BY 1, 2;
CREATE INDEX temp.support_of ON support(k, person);

CREATE TEMP TABLE needy AS
SELECT DISTINCT k, r.person
FROM form_needs_item AS n
JOIN form_needs_assessment AS a ON a.id = n.assessment_id AND a.alive
JOIN received AS r ON r.id = COALESCE(n.case_id, a.case_id)
JOIN period
WHERE n.alive AND COALESCE(n.level, '1') <> '0' AND substr(a.date || '-01-01', 1, 10) <= b;

CREATE TEMP TABLE helped AS
SELECT k, person FROM support WHERE served
UNION
SELECT k, r.person FROM form_case_event AS e JOIN received AS r ON r.id = e.case_id JOIN period
WHERE e.alive AND e.event IN ('S03_INITSUP', 'S10_SERVE') AND substr(e.at || '-01-01', 1, 10) <= b
  AND e.id NOT IN (SELECT voids FROM form_case_event WHERE alive AND voids IS NOT NULL)
UNION
SELECT k, r.person FROM form_lodging_stay AS s JOIN received AS r ON r.id = s.case_id JOIN period
WHERE s.alive AND substr(s.date_from || '-01-01', 1, 10) <= b;

-- Communes of the scope.
CREATE TEMP TABLE commune AS
SELECT k, u.code, u.full_name, u.high_risk FROM unit AS u JOIN period
WHERE u.level = 'COMM' AND u.code IN (SELECT code FROM scope)
  AND COALESCE(u.valid_from, '') <= b AND COALESCE(u.valid_to, a) >= a;

-- Those that must hold awareness work, and whether they did.  A victim lives where the
-- person's record says, else in the commune that keeps it.
CREATE TEMP TABLE told AS
SELECT DISTINCT k, COALESCE(s.commune_code, s.unit) AS code
FROM form_awareness_session AS s JOIN period
  ON substr(s.date_start || '-01-01', 1, 10) BETWEEN period.a AND period.b
WHERE s.alive AND COALESCE(s.kind, 'COMM') = 'COMM' AND COALESCE(s.status, 'HELD') = 'HELD';
CREATE TEMP TABLE locality AS
SELECT c.k, c.code, c.full_name, (c.k, c.code) IN (SELECT k, code FROM told) AS held
FROM commune AS c JOIN period USING (k)
WHERE c.high_risk OR (c.k, c.code) IN (
    SELECT v.k, COALESCE(f.current_commune, f.registered_commune, f.unit, v.unit)
    FROM victim AS v LEFT JOIN form_person AS f ON f.id = v.person_id AND f.alive);

CREATE TEMP TABLE officer AS
SELECT k, s.id, s.unit, COALESCE(s.role = 'CTV', 0) AS ctv,
       COALESCE(s.role_victim_support = 'yes', 0) AS supports,
       EXISTS (SELECT 1 FROM form_training_trainee AS t JOIN form_training AS c ON c.id = t.training_id
               WHERE t.staff_id = s.id AND t.alive AND c.alive AND t.completed = 'yes'
                 AND COALESCE(c.course_kind, 'TRAIN') = 'TRAIN' AND COALESCE(c.status, 'HELD') = 'HELD'
                 AND substr(c.date_start || '-01-01', 1, 10) BETWEEN year_from AND year_to) AS trained,
       EXISTS (SELECT 1 FROM form_training_trainee AS t JOIN form_training AS c ON c.id = t.training_id
               WHERE t.staff_id = s.id AND t.alive AND c.alive AND COALESCE(t.completed, 'yes') = 'yes'
                 AND c.course_kind = 'EXCHANGE' AND COALESCE(c.status, 'HELD') = 'HELD'
                 AND substr(c.date_start || '-01-01', 1, 10) BETWEEN year_from AND year_to) AS joined
FROM form_staff AS s JOIN period
WHERE s.alive AND s.unit IN (SELECT code FROM scope)
  AND substr(COALESCE(s.active_from, '1900') || '-01-01', 1, 10) <= b
  AND COALESCE(substr(s.active_to || '-01-01', 1, 10), b) >= b;

-- Plans that units issued for the plan of the year, or in the year when they do not say for which.
CREATE TEMP TABLE issued AS
SELECT k, d.unit AS code, MAX(COALESCE(d.content_accepted = 'yes', 0)) AS accepted
FROM form_issued_document AS d JOIN period
WHERE d.alive AND d.doc_kind = 'LOCALPLAN' AND substr(d.date || '-01-01', 1, 10) <= b
  AND CASE WHEN d.plan IS NOT NULL AND EXISTS (SELECT 1 FROM in_force WHERE in_force.k = period.k)
           THEN d.plan IN (SELECT code FROM in_force WHERE in_force.k = period.k)
           ELSE substr(d.date || '-01-01', 1, 10) >= year_from END
GROUP BY 1, 2;

-- Who must issue one: the units that the plan names; else those of the kinds that it names, of a
-- district or a commune.  Without a plan on record: every commune.
CREATE TEMP TABLE addressed AS
SELECT DISTINCT f.k, u.value AS code
FROM in_force AS f JOIN form_plan__addressed_units AS u ON u.id = f.id AND NOT u.voided;
INSERT INTO addressed
SELECT DISTINCT f.k, u.code
FROM in_force AS f JOIN form_plan__addressed_kinds AS a ON a.id = f.id AND NOT a.voided
JOIN (VALUES ('CPC', 'COMM'), ('DPC', 'DIST'), ('DLO', 'DIST')) AS tier ON tier.column1 = a.value
JOIN unit AS u ON u.level = tier.column2
JOIN period AS p ON p.k = f.k
WHERE COALESCE(u.valid_from, '') <= p.b AND COALESCE(u.valid_to, p.a) >= p.a
  AND f.k NOT IN (SELECT k FROM addressed);
INSERT INTO addressed SELECT k, code FROM commune WHERE k NOT IN (SELECT k FROM in_force);
DELETE FROM addressed WHERE code NOT IN (SELECT code FROM scope);

-- Commune by commune: which of I1a, I3, I4 has a target, arose, and was met.
CREATE TEMP TABLE reached AS
SELECT k, code, MIN(100.0 * num >= percent * den) AS met
FROM (SELECT v.k, v.unit AS code, 'I1a' AS indicator, COUNT(DISTINCT v.person) AS den,
             COUNT(DISTINCT CASE WHEN s.served OR s.declined THEN v.person END) AS num
      FROM victim AS v LEFT JOIN support AS s USING (k, person) WHERE v.in_scope GROUP BY 1, 2
      UNION ALL SELECT k, code, 'I3', 1, held FROM locality
      UNION ALL SELECT k, unit, 'I4', COUNT(*), SUM(trained) FROM officer WHERE supports GROUP BY 1, 2)
JOIN target USING (indicator) GROUP BY k, code;

CREATE TEMP TABLE result(k INTEGER, word TEXT, num, den);
INSERT INTO result
SELECT k, 'I1a', COUNT(DISTINCT CASE WHEN served OR declined THEN person END), COUNT(DISTINCT person)
FROM period LEFT JOIN (SELECT * FROM victim WHERE in_scope) USING (k) LEFT JOIN support USING (k, person)
GROUP BY k
UNION ALL
SELECT k, 'I1a_declined', COUNT(DISTINCT CASE WHEN declined AND NOT served THEN person END), NULL
FROM period LEFT JOIN (SELECT * FROM victim WHERE in_scope) USING (k) LEFT JOIN support USING (k, person)
GROUP BY k
UNION ALL
SELECT k, 'I1b', COUNT(DISTINCT CASE WHEN served THEN person END),
       COUNT(DISTINCT CASE WHEN served OR NOT COALESCE(declined, 0) THEN person END)
FROM period LEFT JOIN (SELECT * FROM victim JOIN needy USING (k, person)
                       WHERE in_scope AND class <> 'NONE') USING (k)
LEFT JOIN support USING (k, person) GROUP BY k
UNION ALL
SELECT period.k, 'I2', COUNT(DISTINCT h.person), COUNT(DISTINCT r.person)
FROM period LEFT JOIN received AS r ON r.in_scope AND r.is_first AND r.recv_day BETWEEN a AND b
LEFT JOIN helped AS h ON h.k = period.k AND h.person = r.person GROUP BY period.k
UNION ALL
SELECT k, 'I3', COALESCE(SUM(held), 0), COUNT(code) FROM period LEFT JOIN locality USING (k) GROUP BY k
UNION ALL
SELECT k, 'I4', COALESCE(SUM(trained), 0), COUNT(id)
FROM period LEFT JOIN (SELECT * FROM officer WHERE supports) USING (k) GROUP BY k
UNION ALL
SELECT k, 'I5a', COALESCE(SUM(accepted), 0), COUNT(commune.code)
FROM period LEFT JOIN commune USING (k) LEFT JOIN issued USING (k, code) GROUP BY k
UNION ALL
SELECT k, 'I5b', COALESCE(SUM(CASE WHEN commune.code IS NOT NULL THEN COALESCE(met, 1) END), 0),
       COUNT(commune.code)
FROM period LEFT JOIN commune USING (k) LEFT JOIN reached USING (k, code) GROUP BY k
UNION ALL
SELECT k, 'I6', COALESCE(SUM(joined), 0), COUNT(id)
FROM period LEFT JOIN (SELECT * FROM officer WHERE supports) USING (k) GROUP BY k
UNION ALL
SELECT k, 'I7', COUNT(issued.code), COUNT(addressed.code)
FROM period LEFT JOIN addressed USING (k) LEFT JOIN issued USING (k, code) GROUP BY k
UNION ALL
SELECT period.k, 'I8', (SELECT COUNT(*) FROM officer WHERE officer.k = period.k AND ctv),
       (SELECT COUNT(*) FROM commune WHERE commune.k = period.k) FROM period
UNION ALL
SELECT period.k, 'R', COUNT(DISTINCT r.person), NULL
FROM period LEFT JOIN received AS r ON r.in_scope AND r.is_first AND r.previous_case IS NOT NULL
 AND r.recv_day BETWEEN a AND b GROUP BY period.k;

-- Shares are cut to one decimal, so that 100 is only what is complete.
CREATE TEMP TABLE line AS
SELECT c.rank, c.code AS word, c.label, n.num, n.den, p.num AS num_before, p.den AS den_before,
       CASE WHEN n.den > 0 AND c.code <> 'I8' THEN (1000 * n.num / n.den) / 10.0 END AS share,
       CASE WHEN p.den > 0 AND c.code <> 'I8' THEN (1000 * p.num / p.den) / 10.0 END AS share_before
FROM code AS c JOIN result AS n ON n.word = c.code AND n.k = 0 JOIN result AS p ON p.word = c.code AND p.k = 1
WHERE c.list = 'report';
-- The rise of I1a: the two shares, and their difference.
INSERT INTO line
SELECT c.rank, 'T1', c.label, NULL, NULL, NULL, NULL, round(i.share - i.share_before, 1), NULL
FROM code AS c JOIN line AS i ON i.word = 'I1a' WHERE c.list = 'report' AND c.code = 'T1';

--: block: Các chỉ tiêu | Indicators
SELECT CASE WHEN word IN ('I1a_declined', 'R') THEN NULL ELSE word END, line.label, num, den,
       CASE WHEN word = 'T1' THEN COALESCE(share, none.label) WHEN den = 0 THEN none.label ELSE share END,
       CASE WHEN percent = CAST(percent AS INTEGER) THEN CAST(percent AS INTEGER) ELSE percent END,
       CASE WHEN den > 0 AND percent IS NOT NULL OR word = 'T1' AND share IS NOT NULL THEN verdict.label END,
       num_before, den_before, CASE WHEN den_before = 0 THEN none.label ELSE share_before END,
       CASE WHEN word IN ('I3', 'I4', 'I5a', 'I5b', 'I6', 'I7', 'I8') THEN 2 ELSE 0 END
FROM line
JOIN code AS none ON none.list = 'report' AND none.code = 'none'
LEFT JOIN target ON target.indicator = line.word
LEFT JOIN code AS verdict ON verdict.list = 'report' AND verdict.code = CASE
     WHEN word = 'T1' THEN CASE WHEN share > 0 OR (SELECT share FROM line WHERE word = 'I1a') = 100
                                THEN 'met' ELSE 'not_met' END
     WHEN 100 * num >= percent * den THEN 'met' ELSE 'not_met' END
ORDER BY line.rank;

--: block: I3: địa bàn chưa được tổ chức truyền thông | I3: localities without awareness work
SELECT code, full_name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 2
FROM locality WHERE k = 0 AND NOT held ORDER BY code;

--: block: I5a, I7: đơn vị chưa có kế hoạch được chấp nhận | I5a, I7: units without an accepted plan
SELECT addressed.code, COALESCE(unit.full_name, addressed.code), NULL, NULL, NULL, NULL, state.label, NULL, NULL, NULL, 2
FROM addressed LEFT JOIN issued USING (k, code) LEFT JOIN unit ON unit.code = addressed.code
JOIN code AS state ON state.list = 'report'
 AND state.code = CASE WHEN accepted IS NULL THEN 'not_issued' ELSE 'not_accepted' END
WHERE k = 0 AND COALESCE(accepted, 0) = 0 ORDER BY addressed.code;

--: prepare
-- What was done for a task: of cases only what the plan itself lists, since nothing typed into a case is shown.
CREATE TEMP TABLE work(form TEXT, id INTEGER, plan TEXT, unit TEXT, day TEXT, of_case INTEGER, PRIMARY KEY(form, id)) WITHOUT ROWID;
INSERT INTO work SELECT * FROM (
SELECT 'awareness_session' AS form, id, plan, unit,
       CASE WHEN COALESCE(status, 'HELD') = 'HELD' THEN date_start END AS day, 0 AS of_case
  FROM form_awareness_session WHERE alive
UNION ALL SELECT 'outreach', id, plan, unit, date, 0 FROM form_outreach WHERE alive
UNION ALL SELECT 'material', id, plan, unit, date, 0 FROM form_material WHERE alive
UNION ALL SELECT 'training', id, plan, unit, CASE WHEN COALESCE(status, 'HELD') = 'HELD' THEN date_start END, 0 FROM form_training WHERE alive
UNION ALL SELECT 'inspection', id, plan, unit, date, 0 FROM form_inspection WHERE alive
UNION ALL SELECT 'coordination_event', id, plan, unit, date, 0 FROM form_coordination_event WHERE alive
UNION ALL SELECT 'policy_note', id, plan, unit, date, 0 FROM form_policy_note WHERE alive
UNION ALL SELECT 'award', id, plan, unit, date, 0 FROM form_award WHERE alive
UNION ALL SELECT 'disclosure', id, plan, unit, published_at, 0 FROM form_disclosure WHERE alive
UNION ALL SELECT 'resource', id, plan, unit, date, 0 FROM form_resource WHERE alive
UNION ALL SELECT 'issued_document', id, plan, unit, date, 0 FROM form_issued_document WHERE alive
UNION ALL SELECT 'survey', id, plan, unit, date, 0 FROM form_survey WHERE alive
UNION ALL SELECT 'issue', id, plan, unit, date, 0 FROM form_issue WHERE alive
UNION ALL SELECT 'community_model', id, plan, unit, start, 0 FROM form_community_model WHERE alive
UNION ALL SELECT 'facility_upgrade', id, plan, unit, date, 0 FROM form_facility_upgrade WHERE alive
-- what has no day of its own: that of the record, and of money the year
UNION ALL SELECT 'facility', id, plan, unit, date(created_at, 'unixepoch', '+7 hours'), 0 FROM form_facility WHERE alive
UNION ALL SELECT 'budget_line', id, plan, unit, CAST(year AS TEXT), 0 FROM form_budget_line WHERE alive
UNION ALL SELECT 'tip', id, plan, unit, received_on, 1 FROM form_tip WHERE alive
UNION ALL SELECT 'service_delivery', id, plan, unit, COALESCE(date_from, decided_at, requested_at), 1
  FROM form_service_delivery WHERE alive AND continues IS NULL
UNION ALL SELECT 'case', id, plan, unit, recv_date, 1 FROM form_case WHERE alive AND continues IS NULL AND id IN (SELECT id FROM form_case__plan_task)
UNION ALL SELECT 'case_event', id, plan, unit, at, 1 FROM form_case_event WHERE alive AND continues IS NULL AND id IN (SELECT id FROM form_case_event__plan_task)
UNION ALL SELECT 'needs_assessment', id, plan, unit, date, 1 FROM form_needs_assessment WHERE alive AND continues IS NULL AND id IN (SELECT id FROM form_needs_assessment__plan_task)
UNION ALL SELECT 'support_plan', id, plan, unit, date, 1 FROM form_support_plan WHERE alive AND continues IS NULL AND id IN (SELECT id FROM form_support_plan__plan_task)
UNION ALL SELECT 'lodging_stay', id, plan, unit, date_from, 1 FROM form_lodging_stay WHERE alive AND continues IS NULL AND id IN (SELECT id FROM form_lodging_stay__plan_task)
UNION ALL SELECT 'handover', id, plan, unit, at, 1 FROM form_handover WHERE alive AND continues IS NULL AND id IN (SELECT id FROM form_handover__plan_task)
UNION ALL SELECT 'follow_up', id, plan, unit, done_at, 1 FROM form_follow_up WHERE alive AND continues IS NULL AND id IN (SELECT id FROM form_follow_up__plan_task)
UNION ALL SELECT 'protection_measure', id, plan, unit, date_from, 1 FROM form_protection_measure WHERE alive AND continues IS NULL AND id IN (SELECT id FROM form_protection_measure__plan_task)
UNION ALL SELECT 'nationality_check', id, plan, unit, requested_at, 1 FROM form_nationality_check WHERE alive AND continues IS NULL AND id IN (SELECT id FROM form_nationality_check__plan_task)
UNION ALL SELECT 'case_coordination', id, plan, unit, date, 1 FROM form_case_coordination WHERE alive AND continues IS NULL AND id IN (SELECT id FROM form_case_coordination__plan_task)
UNION ALL SELECT 'missing_person', id, plan, unit, date(created_at, 'unixepoch', '+7 hours'), 1 FROM form_missing_person WHERE alive AND continues IS NULL AND id IN (SELECT id FROM form_missing_person__plan_task)
UNION ALL SELECT 'agency_figure', id, plan, unit, period_end, 0 FROM form_agency_figure WHERE alive)
WHERE unit IN (SELECT code FROM scope) AND substr(day || '-01-01', 1, 10) BETWEEN :from AND :to;
CREATE TEMP TABLE task_of AS
SELECT 'awareness_session' AS form, id, value AS no FROM form_awareness_session__plan_task WHERE NOT voided
UNION ALL SELECT 'outreach' AS form, id, value AS no FROM form_outreach__plan_task WHERE NOT voided
UNION ALL SELECT 'material' AS form, id, value AS no FROM form_material__plan_task WHERE NOT voided
UNION ALL SELECT 'training' AS form, id, value AS no FROM form_training__plan_task WHERE NOT voided
UNION ALL SELECT 'inspection' AS form, id, value AS no FROM form_inspection__plan_task WHERE NOT voided
UNION ALL SELECT 'coordination_event' AS form, id, value AS no FROM form_coordination_event__plan_task WHERE NOT voided
UNION ALL SELECT 'policy_note' AS form, id, value AS no FROM form_policy_note__plan_task WHERE NOT voided
UNION ALL SELECT 'award' AS form, id, value AS no FROM form_award__plan_task WHERE NOT voided
UNION ALL SELECT 'disclosure' AS form, id, value AS no FROM form_disclosure__plan_task WHERE NOT voided
UNION ALL SELECT 'resource' AS form, id, value AS no FROM form_resource__plan_task WHERE NOT voided
UNION ALL SELECT 'issued_document' AS form, id, value AS no FROM form_issued_document__plan_task WHERE NOT voided
UNION ALL SELECT 'survey' AS form, id, value AS no FROM form_survey__plan_task WHERE NOT voided
UNION ALL SELECT 'issue' AS form, id, value AS no FROM form_issue__plan_task WHERE NOT voided
UNION ALL SELECT 'community_model' AS form, id, value AS no FROM form_community_model__plan_task WHERE NOT voided
UNION ALL SELECT 'facility_upgrade' AS form, id, value AS no FROM form_facility_upgrade__plan_task WHERE NOT voided
UNION ALL SELECT 'facility' AS form, id, value AS no FROM form_facility__plan_task WHERE NOT voided
UNION ALL SELECT 'budget_line' AS form, id, value AS no FROM form_budget_line__plan_task WHERE NOT voided
UNION ALL SELECT 'tip' AS form, id, value AS no FROM form_tip__plan_task WHERE NOT voided
UNION ALL SELECT 'service_delivery' AS form, id, value AS no FROM form_service_delivery__plan_task WHERE NOT voided
UNION ALL SELECT 'case' AS form, id, value AS no FROM form_case__plan_task WHERE NOT voided
UNION ALL SELECT 'case_event' AS form, id, value AS no FROM form_case_event__plan_task WHERE NOT voided
UNION ALL SELECT 'needs_assessment' AS form, id, value AS no FROM form_needs_assessment__plan_task WHERE NOT voided
UNION ALL SELECT 'support_plan' AS form, id, value AS no FROM form_support_plan__plan_task WHERE NOT voided
UNION ALL SELECT 'lodging_stay' AS form, id, value AS no FROM form_lodging_stay__plan_task WHERE NOT voided
UNION ALL SELECT 'handover' AS form, id, value AS no FROM form_handover__plan_task WHERE NOT voided
UNION ALL SELECT 'follow_up' AS form, id, value AS no FROM form_follow_up__plan_task WHERE NOT voided
UNION ALL SELECT 'protection_measure' AS form, id, value AS no FROM form_protection_measure__plan_task WHERE NOT voided
UNION ALL SELECT 'nationality_check' AS form, id, value AS no FROM form_nationality_check__plan_task WHERE NOT voided
UNION ALL SELECT 'case_coordination' AS form, id, value AS no FROM form_case_coordination__plan_task WHERE NOT voided
UNION ALL SELECT 'missing_person' AS form, id, value AS no FROM form_missing_person__plan_task WHERE NOT voided
UNION ALL SELECT 'agency_figure' AS form, id, value AS no FROM form_agency_figure__plan_task WHERE NOT voided;

CREATE TEMP TABLE done AS
SELECT t.no, COUNT(*) AS n
FROM work AS w JOIN task_of AS t USING (form, id)
WHERE (NOT w.of_case OR t.no IN (SELECT no FROM form_plan_task WHERE alive))
  AND (w.plan IS NULL OR NOT EXISTS (SELECT 1 FROM in_force WHERE k = 0)
       OR w.plan IN (SELECT code FROM in_force WHERE k = 0))
GROUP BY t.no;

-- What the plan lists, in its order, and what records of activities name beside it.
--: block: Tiến độ theo nhiệm vụ của kế hoạch (số bản ghi) | Progress by task of the plan (records)
SELECT task.no, task.wording, COALESCE(done.n, 0), NULL, NULL, NULL, NULL, NULL, NULL, NULL, 2
FROM (SELECT t.no, t.wording, MIN(t.id) AS rank FROM form_plan_task AS t
      JOIN in_force AS f ON f.id = t.plan_id AND f.k = 0 WHERE t.alive GROUP BY t.no
      UNION ALL
      SELECT no, NULL, 9223372036854775807 FROM done WHERE no NOT IN (
        SELECT t.no FROM form_plan_task AS t JOIN in_force AS f ON f.id = t.plan_id AND f.k = 0
        WHERE t.alive AND t.no IS NOT NULL)) AS task
LEFT JOIN done USING (no) ORDER BY task.rank, task.no;
