-- B5: referral, return, follow-up, closing.

--: title: B5. Chuyển tuyến, trở về nơi cư trú, theo dõi | B5. Referral, return, follow-up
--: forms: case person referral case_event lodging_stay follow_up handover support_plan
--: parts: cases
--: column: text | Nội dung | Item
--: column: persons | Số lượt | Times
--: column: persons | Số người | Persons
--: column: persons | Nam | Male
--: column: persons | Nữ | Female
--: column: persons | Dưới 18 tuổi | Under 18
--: columns: 2 >= 3
--: columns: 3 >= 4 5
--: columns: 3 >= 6
--: rows: 1.1 = 1.2 1.3 1.4 | 2
--: rows: 1.1 <= 1.2 1.3 1.4 | 3 4 5 6
--: rows: 1.11 = 1.12 1.13 | 2
--: rows: 1.11 <= 1.12 1.13 | 3 4 5 6
--: rows: 1.16 = 2 | 2
--: rows: 1.16 <= 2 | 3 4 5 6
--: note: Một người được tính một lần ở mỗi dòng; không cộng số người giữa các dòng. | A person counts once in each row; rows of persons do not add up.
--: note: Lần theo dõi tính theo ngày đến hạn trong kỳ; “đã thực hiện” là đã làm tính đến cuối kỳ. | Follow-ups are those due in the period; done means by its end.
--: note: Hồ sơ đã chuyển giao hẳn cho đơn vị khác không còn đến hạn ở đơn vị chuyển. | What was transferred for good is no longer due where it came from.
--: word: ref_out | Chuyển đi trong kỳ | Referred out
--: word: ref_out_taken | Trong đó: nơi nhận đã tiếp nhận | Of them: accepted
--: word: ref_out_not | Trong đó: bị từ chối hoặc quá hạn | Of them: declined or lapsed
--: word: ref_out_wait | Trong đó: đang chờ phản hồi | Of them: waiting
--: word: ref_in | Chuyển đến, đã tiếp nhận trong kỳ | Referred in and accepted
--: word: handed | Giao nhận có biên bản trong kỳ | Handovers on record
--: word: planned | Lập kế hoạch hỗ trợ trong kỳ | Support plans made
--: word: returned | Đưa về nơi cư trú, trao trả về nước | Returned home, or handed back
--: word: admitted | Đưa vào cơ sở trong kỳ | Admitted to a facility
--: word: in_facility | Đang ở cơ sở vào ngày cuối kỳ | In a facility on the last day
--: word: due | Theo dõi đến hạn trong kỳ | Follow-ups due
--: word: due_done | Trong đó: đã thực hiện | Of them: done
--: word: due_missed | Trong đó: chưa thực hiện | Of them: not done
--: word: unsafe | Lần theo dõi ghi nhận người được hỗ trợ không an toàn | Follow-ups that found the person not safe
--: word: retrafficked | Bị mua bán trở lại (hồ sơ mới trong kỳ) | Trafficked again (new case in the period)
--: word: closed | Kết thúc hồ sơ trong kỳ | Cases closed
--: word: none | Không ghi lý do | Reason not stated

--: prepare
CREATE TEMP TABLE whose AS
SELECT id AS case_id, person, sex, age, unit FROM received;
CREATE INDEX temp.whose_case ON whose(case_id);

CREATE TEMP TABLE handed AS
SELECT r.case_id, r.kind, substr(r.sent_at || '-01-01', 1, 10) AS sent,
       substr(COALESCE(r.received_at, r.sent_at) || '-01-01', 1, 10) AS answered,
       r.direction, COALESCE(r.outcome, 'PENDING') AS outcome,
       CASE WHEN EXISTS (SELECT 1 FROM form_referral__answers AS a WHERE a.id = r.id AND NOT a.voided
                         AND a.value IN ('ACCEPTED', 'COMPLETED')) THEN 'ref_out_taken'
            WHEN EXISTS (SELECT 1 FROM form_referral__answers AS a WHERE a.id = r.id AND NOT a.voided
                         AND a.value IN ('DECLINED', 'LAPSED')) THEN 'ref_out_not'
            ELSE 'ref_out_wait' END AS answer
FROM form_referral AS r
WHERE r.alive AND r.unit IN (SELECT code FROM scope);

CREATE INDEX temp.handed_case ON handed(case_id);

CREATE TEMP TABLE fact(word TEXT, case_id INTEGER);
INSERT INTO fact SELECT 'ref_out', case_id FROM handed
WHERE direction = 'OUT' AND sent BETWEEN :from AND :to;
INSERT INTO fact SELECT answer, case_id FROM handed
WHERE direction = 'OUT' AND sent BETWEEN :from AND :to;
INSERT INTO fact SELECT 'ref_in', case_id FROM handed
WHERE direction = 'IN' AND outcome IN ('ACCEPTED', 'COMPLETED') AND answered BETWEEN :from AND :to;

INSERT INTO fact SELECT 'handed', case_id FROM form_handover
WHERE alive AND continues IS NULL AND unit IN (SELECT code FROM scope)
  AND substr(at || '-01-01', 1, 10) BETWEEN :from AND :to;
INSERT INTO fact SELECT 'planned', case_id FROM form_support_plan
WHERE alive AND continues IS NULL AND unit IN (SELECT code FROM scope)
  AND substr(COALESCE(date, date(created_at, 'unixepoch', '+7 hours')) || '-01-01', 1, 10) BETWEEN :from AND :to;

-- A step that was written by mistake is replaced by the one that voids it.
INSERT INTO fact
SELECT CASE e.event WHEN 'S12_RETURN' THEN 'returned' ELSE 'admitted' END, e.case_id
FROM form_case_event AS e
WHERE e.alive AND e.continues IS NULL AND e.unit IN (SELECT code FROM scope)
  AND e.event IN ('S12_RETURN', 'ADMIT')
  AND substr(e.at || '-01-01', 1, 10) BETWEEN :from AND :to
  AND e.id NOT IN (SELECT voids FROM form_case_event WHERE alive AND voids IS NOT NULL);

INSERT INTO fact
SELECT 'in_facility', s.case_id FROM form_lodging_stay AS s
WHERE s.alive AND s.continues IS NULL AND s.unit IN (SELECT code FROM scope)
  AND substr(s.date_from || '-01-01', 1, 10) <= :to
  AND COALESCE(substr(s.date_to || '-01-01', 1, 10), :to) >= :to;

CREATE TEMP TABLE visit AS
SELECT f.case_id, substr(f.due || '-01-01', 1, 10) AS due,
       COALESCE(substr(f.done_at || '-01-01', 1, 10) <= :to, 0) AS done,
       substr(f.done_at || '-01-01', 1, 10) AS done_at, f.safe
FROM form_follow_up AS f
WHERE f.alive AND f.continues IS NULL AND f.unit IN (SELECT code FROM scope);
DELETE FROM visit WHERE NOT done AND EXISTS (
  SELECT 1 FROM handed WHERE handed.case_id = visit.case_id AND direction = 'OUT'
    AND kind = 'TRANSFER' AND answer = 'ref_out_taken' AND sent <= visit.due);
INSERT INTO fact SELECT 'due', case_id FROM visit WHERE due BETWEEN :from AND :to;
INSERT INTO fact SELECT CASE WHEN done THEN 'due_done' ELSE 'due_missed' END, case_id
FROM visit WHERE due BETWEEN :from AND :to;
INSERT INTO fact SELECT 'unsafe', case_id FROM visit
WHERE safe = 'no' AND done_at BETWEEN :from AND :to;
INSERT INTO fact SELECT 'retrafficked', id FROM received
WHERE in_scope AND is_first AND previous_case IS NOT NULL AND recv_day BETWEEN :from AND :to;
INSERT INTO fact SELECT 'closed', id FROM received
WHERE in_scope AND close_reason IS NOT NULL AND closed_day BETWEEN :from AND :to;

--: block: Chuyển tuyến, trở về, theo dõi | Referral, return, follow-up
SELECT label, COUNT(fact.case_id), COUNT(DISTINCT person),
       COUNT(DISTINCT CASE WHEN sex = 'M' THEN person END),
       COUNT(DISTINCT CASE WHEN sex = 'F' THEN person END),
       COUNT(DISTINCT CASE WHEN age < 18 THEN person END), 0
FROM code LEFT JOIN fact ON fact.word = code.code LEFT JOIN whose USING (case_id)
WHERE code.list = 'report' AND code.code <> 'none'
GROUP BY code.rank ORDER BY code.rank;

--: block: Kết thúc hồ sơ theo lý do | Closed, by reason
SELECT COALESCE(code.label, r.close_reason), COUNT(*), COUNT(DISTINCT r.person),
       COUNT(DISTINCT CASE WHEN r.sex = 'M' THEN r.person END),
       COUNT(DISTINCT CASE WHEN r.sex = 'F' THEN r.person END),
       COUNT(DISTINCT CASE WHEN r.age < 18 THEN r.person END), 0
FROM received AS r LEFT JOIN code ON code.list = 'close_reason' AND code.code = r.close_reason
WHERE r.in_scope AND r.close_reason IS NOT NULL AND r.closed_day BETWEEN :from AND :to
GROUP BY r.close_reason ORDER BY code.rank IS NULL, code.rank, r.close_reason;
