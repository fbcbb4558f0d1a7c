-- Staging. Grain: one row per cell, day, measure and key: the levels' steps that the opening of a month is the sum of,
-- where the month before has an opening: that opening as steps of its day, and the steps of that month.
-- last_month: the rows of that month in `tallies`.
SELECT category, priority, status, day, measure, key, n FROM last_month
WHERE substring(measure, 1, 8) <> 'opening_'
UNION ALL
SELECT category, priority, status, day, substring(measure, 9) AS measure, key, n FROM last_month
WHERE substring(measure, 1, 8) = 'opening_'
