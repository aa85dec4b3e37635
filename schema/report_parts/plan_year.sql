-- The plans of the year, for reports that count since the plan year began.
--
-- period(k, a, b, year_from, year_to): 0 is the period of the report, 1 the same a year before.
-- in_force(k, id, code, year_from, year_to): the plans whose year holds the last day of it.

-- The period, and the same a year before: its end is the end of the same month.
CREATE TEMP TABLE period(k INTEGER PRIMARY KEY, a TEXT, b TEXT, year_from TEXT, year_to TEXT);
INSERT INTO period(k, a, b) VALUES (0, :from, :to),
  (1, date(:from, '-1 year'), date(:to, '+1 day', '-1 year', '-1 day'));

-- The plans of the year that can be read here; the one of the highest level gives its days.
CREATE TEMP TABLE in_force AS
SELECT period.k, p.id, p.code, p.period_year_start AS year_from, p.period_year_end AS year_to
FROM period JOIN form_plan AS p ON p.alive
 AND CASE WHEN p.period_year_start IS NOT NULL AND p.period_year_end IS NOT NULL
          THEN period.b BETWEEN substr(p.period_year_start || '-01-01', 1, 10)
                            AND substr(p.period_year_end || '-12-31', 1, 10)
          ELSE p.year = CAST(substr(period.b, 1, 4) AS INTEGER) END;
UPDATE period SET
  year_from = COALESCE((SELECT MIN(substr(year_from || '-01-01', 1, 10)) FROM in_force
                        WHERE in_force.k = period.k), substr(b, 1, 4) || '-01-01'),
  year_to = b;
